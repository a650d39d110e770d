//! Ending and reducing open orders, and replacing one by another.
//!
//! A replacement is two steps. If the cancel cannot be done, nothing happens and its refusal is the answer. If the
//! cancel was done and the new order is refused, the old one stays cancelled and the refusal follows it in
//! the events: Binance's `STOP_ON_FAILURE`, where the second step is tried only after the first worked. Knows
//! no matching.

use crate::client_id::{ClientOrderId, ClientOrderIds};
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::{CloseReason, Event, OrderRef, PlaceOrder, Reject};
use alloc::vec::Vec;
use ensoex_types::{AccountId, MarketId, OrderId, Quantity, Timestamp};

/// Slots of the owner and of the owner's open order.
#[derive(Clone, Copy)]
struct Found {
    owner: u32,
    order: u32,
}

#[inline(always)]
fn find(
    market: &Market,
    ledger: &Ledger,
    clients: &ClientOrderIds,
    account: AccountId,
    order: &OrderRef,
) -> Result<Found, Reject> {
    let owner = ledger.slot(account).ok_or(Reject::UnknownAccount)?;
    let id = match order {
        OrderRef::Id(id) => id.0,
        OrderRef::Client(text) => find_name(market, clients, owner, text)?,
    };
    let order = market.book.find(id).ok_or(Reject::UnknownOrder)?;
    if market.book.owner(order) != owner {
        return Err(Reject::UnknownOrder);
    }
    Ok(Found { owner, order })
}

#[inline(never)]
fn find_name(market: &Market, clients: &ClientOrderIds, owner: u32, text: &str) -> Result<u64, Reject> {
    let name = ClientOrderId::new(text).ok_or(Reject::UnknownOrder)?;
    match clients.get(&(owner, name)) {
        Some(address) if address.market == market.id.0 => Ok(address.order),
        _ => Err(Reject::UnknownOrder),
    }
}

/// Takes an order out of the book and gives back what it held.
fn close(
    market: &mut Market,
    ledger: &mut Ledger,
    clients: &mut ClientOrderIds,
    account: AccountId,
    found: Found,
    events: &mut Vec<Event>,
) {
    let order = *market.book.order(found.order);
    if let Some(name) = market.book.remove(found.order) {
        clients.remove(&(found.owner, name));
    }
    let (asset, amount) = market.need(order.side(), order.price, order.remaining);
    ledger.balance_mut(found.owner, asset).release(amount);
    events.push(Event::OrderClosed {
        order: OrderId(order.id()),
        account,
        market: market.id,
        reason: CloseReason::Canceled,
        remaining: Quantity(order.remaining),
    });
}

impl Engine {
    /// The open order's slot, for queries.
    pub(crate) fn find_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Option<u32> {
        let market = self.markets.get(usize::from(market.0))?;
        let found = find(market, &self.ledger, &self.clients, account, order);
        found.ok().map(|found| found.order)
    }

    pub(crate) fn cancel(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?;
        market.check_takes_cancels()?;
        let found = find(market, &self.ledger, &self.clients, account, order)?;
        close(
            market,
            &mut self.ledger,
            &mut self.clients,
            account,
            found,
            events,
        );
        Ok(())
    }

    /// Cancels all open orders of the account in the market, oldest first; refused if there are none.
    pub(crate) fn cancel_all(
        &mut self,
        account: AccountId,
        market: MarketId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?;
        market.check_takes_cancels()?;
        let owner = self.ledger.slot(account).ok_or(Reject::UnknownAccount)?;
        let orders = market.book.orders_of(owner);
        if orders.is_empty() {
            return Err(Reject::UnknownOrder);
        }
        for order in orders {
            let found = Found { owner, order };
            close(
                market,
                &mut self.ledger,
                &mut self.clients,
                account,
                found,
                events,
            );
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
        let market = self
            .markets
            .get_mut(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?;
        market.check_takes_cancels()?;
        let found = find(market, &self.ledger, &self.clients, account, order)?;
        if by.0 == 0 {
            return Err(Reject::QuantityTooLow);
        }
        let order = *market.book.order(found.order);
        if by.0 >= order.remaining {
            close(
                market,
                &mut self.ledger,
                &mut self.clients,
                account,
                found,
                events,
            );
            return Ok(());
        }
        let remaining = market.book.take(found.order, by.0);
        let (asset, amount) = market.need(order.side(), order.price, by.0);
        self.ledger.balance_mut(found.owner, asset).release(amount);
        events.push(Event::OrderReduced {
            order: OrderId(order.id()),
            account,
            market: market.id,
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
        match self.cancel(place.account, place.market, order, events) {
            Ok(()) => self.place(place, at, events),
            Err(reject) => Err(self.explain_mismatch(reject, order, place)),
        }
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
