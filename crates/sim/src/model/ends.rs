//! How orders end or shrink by their owner's wish, and what becomes of the other order of a list.

use super::{Model, Waiting};
use ensoex_engine::{CloseReason, Event, OrderRef, PlaceOrder, Reject};
use ensoex_types::{AccountId, MarketId, MarketState, OrderId, Quantity};

/// The end of an order with so much of it left.
pub(super) fn closed(order: &Waiting, reason: CloseReason) -> Event {
    Event::OrderClosed {
        order: order.order,
        account: order.account,
        market: order.market,
        reason,
        remaining: Quantity(order.remaining as u64),
    }
}

impl Model {
    /// Ends an open order, if it is open, alone.
    fn close(&mut self, market: MarketId, order: OrderId, reason: CloseReason, events: &mut Vec<Event>) {
        if let Some(position) = self.position(market, order) {
            let order = self.waiting.remove(position);
            events.push(closed(&order, reason));
        }
    }

    /// Ends an open order, if it is open, and at once the other of its list for the same reason.
    pub(super) fn close_with_other(
        &mut self,
        market: MarketId,
        order: OrderId,
        reason: CloseReason,
        events: &mut Vec<Event>,
    ) {
        if let Some(position) = self.position(market, order) {
            let other = self.waiting[position].other;
            self.close(market, order, reason, events);
            if let Some(other) = other {
                self.close(market, other, reason, events);
            }
        }
    }

    /// Something happens to an order: the other one of its list, if it is in one, closes, and the order goes on alone.
    pub(super) fn end_list(&mut self, market: MarketId, order: OrderId, events: &mut Vec<Event>) {
        if let Some(position) = self.position(market, order)
            && let Some(other) = self.waiting[position].other.take()
        {
            self.close(market, other, CloseReason::Contingent, events);
        }
    }

    /// The market takes cancels.
    fn check_takes_cancels(&self, market: MarketId) -> Result<(), Reject> {
        match self.known_market(market)?.state {
            MarketState::Trading | MarketState::CancelOnly => Ok(()),
            MarketState::Halted => Err(Reject::MarketHalted),
            MarketState::Delisted => Err(Reject::MarketDelisted),
        }
    }

    /// Position of the account's open order.
    fn find(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Result<usize, Reject> {
        self.check_takes_cancels(market)?;
        self.known_account(account)?;
        let is_meant = |waiting: &Waiting| match order {
            OrderRef::Id(id) => waiting.order == *id,
            OrderRef::Client(name) => !name.is_empty() && waiting.name == *name,
        };
        self.waiting
            .iter()
            .position(|waiting| waiting.account == account && waiting.market == market && is_meant(waiting))
            .ok_or(Reject::UnknownOrder)
    }

    pub(super) fn cancel(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let position = self.find(account, market, order)?;
        let order = self.waiting[position].order;
        self.close_with_other(market, order, CloseReason::Canceled, events);
        Ok(())
    }

    pub(super) fn cancel_all(
        &mut self,
        account: AccountId,
        market: MarketId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.check_takes_cancels(market)?;
        self.known_account(account)?;
        let mut orders = Vec::new();
        for order in &self.waiting {
            if order.account == account && order.market == market {
                orders.push(order.order);
            }
        }
        if orders.is_empty() {
            return Err(Reject::UnknownOrder);
        }
        orders.sort();
        for order in orders {
            self.close_with_other(market, order, CloseReason::Canceled, events);
        }
        Ok(())
    }

    pub(super) fn reduce(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        by: Quantity,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let position = self.find(account, market, order)?;
        if by.0 == 0 {
            return Err(Reject::QuantityTooLow);
        }
        let waiting = &mut self.waiting[position];
        if waiting.other.is_some() {
            return Err(Reject::OrderInList);
        }
        if i128::from(by.0) >= waiting.remaining {
            return self.cancel(account, market, order, events);
        }
        waiting.remaining -= i128::from(by.0);
        events.push(Event::OrderReduced {
            order: waiting.order,
            account,
            market,
            by,
            remaining: Quantity(waiting.remaining as u64),
        });
        Ok(())
    }

    pub(super) fn replace(
        &mut self,
        order: &OrderRef,
        place: &PlaceOrder,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        match self.cancel(place.account, place.market, order, events) {
            Ok(()) => self.place(place, events),
            Err(Reject::UnknownOrder) if self.is_open_elsewhere(order, place) => Err(Reject::ReplaceMismatch),
            Err(reject) => Err(reject),
        }
    }

    /// The account has an order of that client order id in another market.
    fn is_open_elsewhere(&self, order: &OrderRef, place: &PlaceOrder) -> bool {
        let OrderRef::Client(name) = order else {
            return false;
        };
        self.waiting.iter().any(|order| {
            order.account == place.account
                && order.market != place.market
                && !name.is_empty()
                && order.name == *name
        })
    }
}
