//! Ending and reducing open orders, and replacing one by another.
//!
//! A replacement is two steps. If the cancel cannot be done, nothing happens and its refusal is the answer. If the
//! cancel was done and the new order is refused, the old one stays cancelled and the refusal follows it in
//! the events: Binance's `STOP_ON_FAILURE`, where the second step is tried only after the first worked. Knows
//! no matching.

use crate::client_id::ClientOrderId;
use crate::engine::Engine;
use crate::{CloseReason, Event, OrderRef, PlaceOrder, Reject};
use alloc::vec::Vec;
use ensoex_types::{AccountId, MarketId, OrderId, Quantity, Timestamp};

impl Engine {
    /// Slots of the market's open order and of the account that owns it.
    fn find_open(
        &self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
    ) -> Result<(u32, u32), Reject> {
        let book = &self
            .markets
            .get(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?
            .book;
        let owner = self.ledger.slot(account).ok_or(Reject::UnknownAccount)?;
        let id = match order {
            OrderRef::Id(id) => id.0,
            OrderRef::Client(text) => {
                let name = ClientOrderId::new(text).ok_or(Reject::UnknownOrder)?;
                let address = self.clients.get(&(owner, name)).ok_or(Reject::UnknownOrder)?;
                if address.market != market.0 {
                    return Err(Reject::UnknownOrder);
                }
                address.order
            }
        };
        let slot = book.find(id).ok_or(Reject::UnknownOrder)?;
        if book.order(slot).account != owner {
            return Err(Reject::UnknownOrder);
        }
        Ok((slot, owner))
    }

    /// The open order's slot, if the market takes cancels.
    fn find_cancelable(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Result<u32, Reject> {
        if let Some(market) = self.markets.get(usize::from(market.0)) {
            market.check_takes_cancels()?;
        }
        self.find_open(account, market, order).map(|(slot, _)| slot)
    }

    /// The open order's slot, for queries.
    pub(crate) fn find_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Option<u32> {
        self.find_open(account, market, order).ok().map(|(slot, _)| slot)
    }

    /// Takes the order in `slot` out of the book and gives back what it held.
    fn close(&mut self, account: AccountId, market: MarketId, slot: u32, events: &mut Vec<Event>) {
        let market = &mut self.markets[usize::from(market.0)];
        let (order, name) = market.book.remove(slot);
        if let Some(name) = name {
            self.clients.remove(&(order.account, name));
        }
        let (asset, amount) = market.need(order.side, order.price, order.remaining);
        self.ledger.balance_mut(order.account, asset).release(amount);
        events.push(Event::OrderClosed {
            order: OrderId(order.id),
            account,
            market: market.id,
            reason: CloseReason::Canceled,
            remaining: Quantity(order.remaining),
        });
    }

    pub(crate) fn cancel(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let slot = self.find_cancelable(account, market, order)?;
        self.close(account, market, slot, events);
        Ok(())
    }

    /// Cancels all open orders of the account in the market, oldest first; refused if there are none.
    pub(crate) fn cancel_all(
        &mut self,
        account: AccountId,
        market: MarketId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let listed = self
            .markets
            .get(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?;
        listed.check_takes_cancels()?;
        let owner = self.ledger.slot(account).ok_or(Reject::UnknownAccount)?;
        let slots = listed.book.orders_of(owner);
        if slots.is_empty() {
            return Err(Reject::UnknownOrder);
        }
        for slot in slots {
            self.close(account, market, slot, events);
        }
        Ok(())
    }

    pub(crate) fn reduce(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        by: Quantity,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let slot = self.find_cancelable(account, market, order)?;
        if by.0 == 0 {
            return Err(Reject::QuantityTooLow);
        }
        let listed = &mut self.markets[usize::from(market.0)];
        let found = *listed.book.order(slot);
        if by.0 >= found.remaining {
            self.close(account, market, slot, events);
            return Ok(());
        }
        let remaining = listed.book.take(slot, by.0);
        let (asset, amount) = listed.need(found.side, found.price, by.0);
        self.ledger.balance_mut(found.account, asset).release(amount);
        events.push(Event::OrderReduced {
            order: OrderId(found.id),
            account,
            market,
            by,
            remaining: Quantity(remaining),
        });
        Ok(())
    }

    pub(crate) fn replace(
        &mut self,
        order: &OrderRef,
        place: &PlaceOrder,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.cancel(place.account, place.market, order, events)
            .map_err(|reject| self.explain_mismatch(reject, order, place))?;
        self.place(place, at, events)
    }

    /// An own order that is open in another market was named: say so.
    fn explain_mismatch(&self, reject: Reject, order: &OrderRef, place: &PlaceOrder) -> Reject {
        let OrderRef::Client(text) = order else {
            return reject;
        };
        let owner = self.ledger.slot(place.account);
        let elsewhere = owner
            .zip(ClientOrderId::new(text))
            .and_then(|key| self.clients.get(&key))
            .is_some_and(|address| address.market != place.market.0);
        if reject == Reject::UnknownOrder && elsewhere {
            Reject::ReplaceMismatch
        } else {
            reject
        }
    }
}
