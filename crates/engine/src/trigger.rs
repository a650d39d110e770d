//! Triggers: what happens when trades reach the stop prices of waiting orders.
//!
//! The orders that an order's trades reached are worked off one by one, oldest first, each as if it had just arrived
//! with the id it has; those that its own trades reach queue behind. There is no recursion, and each waiting order is
//! worked off at most once, so a cascade ends. Knows no checks of new orders beyond liquidity and money.

use crate::engine::Engine;
use crate::market::Market;
use crate::matching::{self, Desk, Outcome, Taker, unlist};
use crate::place::{best, check_conditions, end, plan_market};
use crate::{CloseReason, Event, OrderKind};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use ensoex_types::{MarketId, OrderId, Quantity};

impl Engine {
    /// Works off what trades between `low` and `high` reached, and what follows from it.
    #[cold]
    #[inline(never)]
    pub(crate) fn run_triggers(&mut self, market: MarketId, low: u64, high: u64, events: &mut Vec<Event>) {
        let Some(market) = self.markets.get_mut(usize::from(market.0)) else {
            return;
        };
        let mut desk = Desk {
            ledger: &mut self.ledger,
            fees: &mut self.fees,
            clients: &mut self.clients,
            events,
        };
        let mut reached = VecDeque::from(market.stops.take_reached(low, high));
        while let Some(id) = reached.pop_front() {
            // The other order of its list may have closed it meanwhile.
            let Some(slot) = market.book.find(id) else {
                continue;
            };
            let outcome = run(market, &mut desk, slot);
            if let Some((low, high)) = outcome.range()
                && market.stops.is_reached(low, high)
            {
                reached.extend(market.stops.take_reached(low, high));
            }
        }
    }
}

/// The waiting order in `slot` becomes an ordinary one.
fn run(market: &mut Market, desk: &mut Desk<'_>, slot: u32) -> Outcome {
    let order = *market.book.order(slot);
    let owner = market.book.owner(slot);
    let account = desk.ledger.account(owner);
    desk.events.push(Event::OrderTriggered {
        order: OrderId(order.id()),
        account,
        market: market.id,
    });
    if let Some(other) = unlist(market, desk, slot) {
        matching::close(market, desk, other, CloseReason::Contingent);
    }
    let Some(stop) = market.stops.get(order.id()).copied() else {
        return Outcome::default();
    };
    if desk.ledger.may_not_trade(owner) {
        matching::close(market, desk, slot, CloseReason::Restricted);
        return Outcome::default();
    }
    let (asset, held) = market.need(order.side(), stop.need_price(), order.remaining);
    desk.ledger.balance_mut(owner, asset).release(held);

    let kind = stop.triggered(Quantity(order.remaining));
    let mut taker = Taker::new(account, owner, order.side(), stop.self_trade_prevention);
    taker.order = OrderId(order.id());
    taker.lots = order.remaining;
    let runs = match kind {
        OrderKind::Limit { price, .. } => {
            taker.limit = price.0;
            check_conditions(market, &taker, &kind, false)
        }
        _ => best(market, &mut taker)
            .and_then(|best| plan_market(market, desk.ledger, best, Quantity(order.remaining), &mut taker)),
    };
    let mut outcome = Outcome::default();
    let ended = match runs {
        Ok(()) => {
            outcome = matching::take(market, desk, &taker);
            end(market, &taker, &outcome, &kind)
        }
        Err(_) => Some((CloseReason::Expired, order.remaining)),
    };
    match ended {
        Some((reason, remaining)) => {
            matching::remove(market, desk.clients, slot);
            desk.events.push(Event::OrderClosed {
                order: taker.order,
                account,
                market: market.id,
                reason,
                remaining: Quantity(remaining),
            });
        }
        None => {
            let left = outcome.left(&taker);
            let (asset, amount) = market.need(taker.side, taker.limit, left);
            desk.ledger.balance_mut(owner, asset).hold(amount);
            market.book.release_parked(slot, taker.limit, left);
        }
    }
    outcome
}
