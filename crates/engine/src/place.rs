//! Placing an order: checks, reserve, accept, match and rest, in one step.
//!
//! Checks run in this order, and the first that fails is the answer: market, account, market state, client order
//! id's length, price, quantity, value, duplicate client order id, open orders of the account, room in the
//! book, liquidity (market orders), balance, would-take (LIMIT_MAKER), fillable (FOK).
//!
//! A limit order needs its whole value at its limit price (buy) or its whole quantity (sell). A market order by
//! quantity is valued at the best price of the other side; a market buy needs one lot at that price, a market
//! sell its whole quantity. A market order by quote needs one lot; it is filled when what is left does not
//! pay for one more lot. Only GTC and LIMIT_MAKER, which can rest, count as open orders.

use crate::book::{NewOrder, Placed};
use crate::client_id::{self, ClientOrderId, OrderAddress};
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::matching::{self, Outcome, Taker};
use crate::{CloseReason, Event, OrderKind, PlaceOrder, Reject, Side, TimeInForce};
use alloc::vec::Vec;
use ensoex_types::{Amount, OrderId, Quantity, Timestamp};

impl Engine {
    /// See the module's doc. A refusal has changed nothing and appended nothing.
    pub(crate) fn place(
        &mut self,
        place: &PlaceOrder,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(place.market.0))
            .ok_or(Reject::UnknownMarket)?;
        let ledger = &mut self.ledger;
        let slot = ledger.slot(place.account).ok_or(Reject::UnknownAccount)?;
        market.check_takes_orders()?;
        let name = ClientOrderId::read(&place.client_order_id)?;
        check_kind(market, &place.kind)?;
        if name.is_some_and(|name| self.clients.contains_key(&(slot, name))) {
            return Err(Reject::DuplicateClientOrderId);
        }
        check_room(market, slot, place)?;
        let mut taker = Taker::new(place.account, slot, place.side);
        plan(market, ledger, &place.kind, &mut taker)?;
        let takes = market.book.best_within(taker.side, taker.limit).is_some();
        check_conditions(market, &taker, &place.kind, takes)?;

        taker.order = OrderId(market.book.assign_id());
        events.push(Event::OrderAccepted {
            order: taker.order,
            account: place.account,
            market: place.market,
            side: place.side,
            kind: place.kind,
            client_order_id: client_id::copy(&place.client_order_id),
        });
        let mut outcome = Outcome::default();
        if takes {
            outcome = matching::take(market, ledger, &mut self.clients, &taker, events);
            settle_taker(market, ledger, &taker, &outcome);
        }
        let (reason, remaining) = match end(market, &taker, &outcome, &place.kind) {
            Some(end) => end,
            None => {
                open(market, ledger, &taker, &outcome, place, at);
                if let Some(name) = name {
                    let (market_id, order) = (place.market.0, taker.order.0);
                    market.book.set_name(order, name);
                    let address = OrderAddress {
                        market: market_id,
                        order,
                    };
                    self.clients.insert((slot, name), address);
                }
                return Ok(());
            }
        };
        events.push(Event::OrderClosed {
            order: taker.order,
            account: place.account,
            market: place.market,
            reason,
            remaining: Quantity(remaining),
        });
        Ok(())
    }
}

/// What can be said from the order and the market's rules alone.
#[inline(always)]
fn check_kind(market: &Market, kind: &OrderKind) -> Result<(), Reject> {
    match kind {
        OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
            market.check_price(*price)?;
            market.check_quantity(*quantity)?;
            market.check_notional(market.value(price.0, quantity.0))
        }
        OrderKind::Market { quantity } => market.check_quantity(*quantity),
        OrderKind::MarketQuote { quote } => match u128::try_from(quote.0) {
            Ok(quote) if quote > 0 => market.check_notional(quote),
            _ => Err(Reject::InvalidAmount),
        },
    }
}

/// An order that may rest finds room.
#[inline(always)]
fn check_room(market: &Market, slot: u32, place: &PlaceOrder) -> Result<(), Reject> {
    let lots = match place.kind {
        OrderKind::Limit {
            quantity,
            time_in_force: TimeInForce::Gtc,
            ..
        }
        | OrderKind::LimitMaker { quantity, .. } => quantity.0,
        _ => 0,
    };
    if lots > 0 && market.book.orders_of_count(slot) >= market.spec.orders_per_account_max {
        return Err(Reject::TooManyOrders);
    }
    if market.book.is_full(place.side, lots) {
        return Err(Reject::CapacityReached);
    }
    Ok(())
}

/// How far the order takes, if its owner can pay for it.
#[inline(always)]
fn plan(market: &Market, ledger: &Ledger, kind: &OrderKind, taker: &mut Taker) -> Result<(), Reject> {
    match kind {
        OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
            (taker.limit, taker.lots) = (price.0, quantity.0);
            let (asset, amount) = market.need(taker.side, price.0, quantity.0);
            if ledger.covers(taker.slot, asset, amount) {
                Ok(())
            } else {
                Err(Reject::InsufficientBalance)
            }
        }
        OrderKind::Market { quantity } => plan_market(market, ledger, *quantity, taker),
        OrderKind::MarketQuote { quote } => plan_market_quote(market, ledger, *quote, taker),
    }
}

#[inline(never)]
fn plan_market(
    market: &Market,
    ledger: &Ledger,
    quantity: Quantity,
    taker: &mut Taker,
) -> Result<(), Reject> {
    let best = market
        .book
        .best(taker.side.opposite())
        .ok_or(Reject::NoLiquidity)?;
    market.check_notional(market.value(best, quantity.0))?;
    taker.lots = quantity.0;
    let (spendable, needed) = match taker.side {
        Side::Buy => (
            ledger.spendable(taker.slot, market.quote()),
            market.lot_price(best),
        ),
        Side::Sell => {
            let spendable = ledger.spendable(taker.slot, market.base());
            (spendable, market.base_amount(quantity.0))
        }
    };
    if spendable < needed {
        return Err(Reject::InsufficientBalance);
    }
    if taker.side == Side::Buy {
        taker.quote_max = spendable;
    }
    Ok(())
}

#[inline(never)]
fn plan_market_quote(
    market: &Market,
    ledger: &Ledger,
    quote: Amount,
    taker: &mut Taker,
) -> Result<(), Reject> {
    let best = market
        .book
        .best(taker.side.opposite())
        .ok_or(Reject::NoLiquidity)?;
    let (quote, lot_price) = (quote.0.unsigned_abs(), market.lot_price(best));
    if quote / lot_price < u128::from(market.spec.quantity_min.0) {
        return Err(Reject::QuantityTooLow);
    }
    let (spendable, needed) = match taker.side {
        Side::Buy => (ledger.spendable(taker.slot, market.quote()), lot_price),
        Side::Sell => (ledger.spendable(taker.slot, market.base()), market.base_amount(1)),
    };
    if spendable < needed {
        return Err(Reject::InsufficientBalance);
    }
    match taker.side {
        Side::Buy => taker.quote_max = quote.min(spendable),
        Side::Sell => {
            taker.quote_max = quote;
            taker.lots = u64::try_from(spendable / needed).unwrap_or(u64::MAX);
        }
    }
    Ok(())
}

/// LIMIT_MAKER must not take, FOK must fill.
#[inline(always)]
fn check_conditions(market: &Market, taker: &Taker, kind: &OrderKind, takes: bool) -> Result<(), Reject> {
    match kind {
        OrderKind::LimitMaker { .. } if takes => Err(Reject::WouldTake),
        OrderKind::Limit {
            time_in_force: TimeInForce::Fok,
            ..
        } if !matching::is_fillable(market, taker) => Err(Reject::NotFillable),
        _ => Ok(()),
    }
}

/// The taker pays for and receives what was traded.
#[inline(always)]
fn settle_taker(market: &Market, ledger: &mut Ledger, taker: &Taker, outcome: &Outcome) {
    let base = market.base_amount(outcome.lots);
    let (gives, receives) = match taker.side {
        Side::Buy => ((market.quote(), outcome.quote), (market.base(), base)),
        Side::Sell => ((market.base(), base), (market.quote(), outcome.quote)),
    };
    ledger.balance_mut(taker.slot, gives.0).spend(gives.1);
    ledger
        .balance_mut(taker.slot, receives.0)
        .receive(receives.1 - outcome.fee);
}

/// Why the order ends now and with how many lots left; `None` if its rest goes into the book.
#[inline(always)]
fn end(market: &Market, taker: &Taker, outcome: &Outcome, kind: &OrderKind) -> Option<(CloseReason, u64)> {
    let left = taker.lots - outcome.lots;
    let (remaining, filled, may_rest) = match kind {
        OrderKind::Limit { time_in_force, .. } => (left, left == 0, *time_in_force == TimeInForce::Gtc),
        OrderKind::LimitMaker { .. } => (left, left == 0, true),
        OrderKind::Market { .. } => (left, left == 0, false),
        OrderKind::MarketQuote { quote } => {
            let next = market.book.best(taker.side.opposite());
            let lot_price = market.lot_price(next.unwrap_or(outcome.last_price));
            (0, quote.0.unsigned_abs() - outcome.quote < lot_price, false)
        }
    };
    if outcome.self_trade {
        Some((CloseReason::SelfTrade, remaining))
    } else if filled {
        Some((CloseReason::Filled, remaining))
    } else if may_rest {
        None
    } else {
        Some((CloseReason::Expired, remaining))
    }
}

/// Holds what the rest needs and puts it into the book.
#[inline(always)]
fn open(
    market: &mut Market,
    ledger: &mut Ledger,
    taker: &Taker,
    outcome: &Outcome,
    place: &PlaceOrder,
    at: Timestamp,
) {
    let remaining = taker.lots - outcome.lots;
    let (asset, amount) = market.need(taker.side, taker.limit, remaining);
    ledger.balance_mut(taker.slot, asset).hold(amount);
    market.book.rest(&NewOrder {
        id: taker.order.0,
        side: taker.side,
        post_only: matches!(place.kind, OrderKind::LimitMaker { .. }),
        named: !place.client_order_id.is_empty(),
        price: taker.limit,
        remaining,
        account: taker.slot,
        placed: Placed {
            quantity: taker.lots,
            at: at.0,
        },
    });
}
