//! Ending and reducing open orders, and replacing one by another.
//!
//! A replacement is two steps. If the cancel cannot be done, nothing happens and its refusal is the answer. If the
//! cancel was done and the new order is refused, the old one stays cancelled and the refusal follows it in
//! the events: Binance's `STOP_ON_FAILURE`, where the second step is tried only after the first worked. An order of
//! a list takes the other one along. Knows no matching.

use crate::client_ids::ClientOrderIds;
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::matching::{self, Desk, unlist};
use crate::place::{Owner, Started, start};
use crate::{CloseReason, Event, OrderRef, PlaceOrder, Reject};
use alloc::vec::Vec;
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId, Quantity, Timestamp};

/// Slots of the owner and of the owner's open order.
#[derive(Clone, Copy)]
struct Found {
    owner: u32,
    order: u32,
    may_not_trade: bool,
}

#[inline(always)]
fn find(
    market: &Market,
    ledger: &Ledger,
    clients: &ClientOrderIds,
    account: AccountId,
    order: &OrderRef,
) -> Result<Found, Reject> {
    let entry = ledger.entry_or_nobody(account);
    let owner = entry.slot();
    let id = match order {
        OrderRef::Id(id) => id.0,
        OrderRef::Client(name) => find_name(market, clients, owner, name),
    };
    // Nobody owns no order, so an account that does not exist is found out here as well.
    let Some(order) = market.book.find_of(id, owner) else {
        return Err(refusal(ledger, account));
    };
    let may_not_trade = entry.restrictions().no_trade;
    Ok(Found {
        owner,
        order,
        may_not_trade,
    })
}

/// Why an account's order was not found.
#[cold]
#[inline(never)]
fn refusal(ledger: &Ledger, account: AccountId) -> Reject {
    match ledger.slot(account) {
        Some(_) => Reject::UnknownOrder,
        None => Reject::UnknownAccount,
    }
}

/// Id of the owner's order of this name; 0, which is no id, if there is none in the market.
#[inline(never)]
fn find_name(market: &Market, clients: &ClientOrderIds, owner: u32, name: &ClientOrderId) -> u64 {
    match clients.get(&(owner, *name)) {
        Some(address) if address.market == market.id.0 => address.order,
        _ => 0,
    }
}

/// Closes an order for `reason`, and the other one of its list right after it.
#[inline]
fn close(market: &mut Market, desk: &mut Desk<'_>, order: u32, reason: CloseReason) {
    let other = if market.book.order(order).is_listed() {
        unlist(market, desk, order)
    } else {
        None
    };
    matching::close(market, desk, order, reason);
    if let Some(other) = other {
        matching::close(market, desk, other, reason);
    }
}

/// Closes the orders `ids`, as far as they are still open.
fn close_all(market: &mut Market, desk: &mut Desk<'_>, ids: &[u64], reason: CloseReason) {
    for id in ids {
        if let Some(order) = market.book.find(*id) {
            close(market, desk, order, reason);
        }
    }
}

impl Engine {
    /// The open order's slot, for queries.
    pub(crate) fn find_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Option<u32> {
        let market = self.markets.get(usize::from(market.0))?;
        let found = find(market, &self.ledger, &self.clients, account, order);
        found.ok().map(|found| found.order)
    }

    #[inline(always)]
    pub(crate) fn cancel(
        &mut self,
        account: AccountId,
        market_id: MarketId,
        order: &OrderRef,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(market_id.0))
            .ok_or(Reject::UnknownMarket)?;
        market.check_takes_cancels()?;
        let found = find(market, &self.ledger, &self.clients, account, order)?;
        if market.book.order(found.order).is_plain() {
            let closing = (account, found.order, CloseReason::Canceled);
            matching::close_plain(market, &mut self.ledger, events, closing);
        } else {
            self.cancel_any(market_id, found.order, events);
        }
        Ok(())
    }

    /// Cancels an order, whatever it is, and the other one of its list.
    #[inline(never)]
    fn cancel_any(&mut self, market: MarketId, order: u32, events: &mut Vec<Event>) {
        let Some(market) = self.markets.get_mut(usize::from(market.0)) else {
            return;
        };
        let mut desk = Desk {
            ledger: &mut self.ledger,
            fees: &mut self.fees,
            clients: &mut self.clients,
            events,
        };
        close(market, &mut desk, order, CloseReason::Canceled);
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
        let ids = ids_of(market, owner);
        if ids.is_empty() {
            return Err(Reject::UnknownOrder);
        }
        let mut desk = Desk {
            ledger: &mut self.ledger,
            fees: &mut self.fees,
            clients: &mut self.clients,
            events,
        };
        close_all(market, &mut desk, &ids, CloseReason::Canceled);
        Ok(())
    }

    /// Closes all open orders of a market that is no more.
    pub(crate) fn close_market(&mut self, market: MarketId, events: &mut Vec<Event>) {
        let Some(market) = self.markets.get_mut(usize::from(market.0)) else {
            return;
        };
        let mut desk = Desk {
            ledger: &mut self.ledger,
            fees: &mut self.fees,
            clients: &mut self.clients,
            events,
        };
        let ids = market.book.ids();
        close_all(market, &mut desk, &ids, CloseReason::Delisted);
    }

    #[inline(never)]
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
        if order.is_listed() {
            return Err(Reject::OrderInList);
        }
        if by.0 >= order.remaining {
            let mut desk = Desk {
                ledger: &mut self.ledger,
                fees: &mut self.fees,
                clients: &mut self.clients,
                events,
            };
            matching::close(market, &mut desk, found.order, CloseReason::Canceled);
            return Ok(());
        }
        let (asset, before) = market.need_of(found.order, &order);
        let remaining = market.book.take(found.order, by.0);
        let (_, after) = market.need_of(found.order, market.book.order(found.order));
        self.ledger
            .balance_mut(found.owner, asset)
            .release(before - after);
        events.push(Event::OrderReduced {
            order: OrderId(order.id()),
            account,
            market: market.id,
            by,
            remaining: Quantity(remaining),
        });
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn replace(
        &mut self,
        order: &OrderRef,
        place: &PlaceOrder,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(place.market.0))
            .ok_or(Reject::UnknownMarket)?;
        market.check_takes_cancels()?;
        let (ledger, clients) = (&mut self.ledger, &mut self.clients);
        let found = match find(market, ledger, clients, place.account, order) {
            Ok(found) => found,
            Err(reject) => return Err(self.explain_mismatch(reject, order, place)),
        };
        if !market.book.order(found.order).is_plain() {
            self.cancel_any(place.market, found.order, events);
            return self.place(place, at, events);
        }
        let closing = (place.account, found.order, CloseReason::Canceled);
        matching::close_plain(market, ledger, events, closing);
        if found.may_not_trade {
            return Err(Reject::AccountMayNotTrade);
        }
        let owner = Owner {
            slot: found.owner,
            at,
        };
        match start(market, ledger, clients, place, owner, events)? {
            Started::Rests => Ok(()),
            Started::Not => self.place_rest(place, owner, events),
        }
    }

    /// An own order that is open in another market was named: say so.
    #[cold]
    #[inline(never)]
    fn explain_mismatch(&self, reject: Reject, order: &OrderRef, place: &PlaceOrder) -> Reject {
        let OrderRef::Client(name) = order else {
            return reject;
        };
        let owner = self.ledger.slot(place.account);
        let elsewhere = owner
            .and_then(|owner| self.clients.get(&(owner, *name)))
            .is_some_and(|address| address.market != place.market.0);
        if reject == Reject::UnknownOrder && elsewhere {
            Reject::ReplaceMismatch
        } else {
            reject
        }
    }
}

/// Ids of the account's open orders in the market, ascending.
fn ids_of(market: &Market, owner: u32) -> Vec<u64> {
    let slots = market.book.orders_of(owner);
    slots.iter().map(|slot| market.book.order(*slot).id()).collect()
}
