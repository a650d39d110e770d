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

use crate::book::{NONE, Order};
use crate::client_id::{ClientOrderId, OrderAddress};
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::matching::{self, Outcome, Taker};
use crate::{CloseReason, Event, OrderKind, PlaceOrder, Reject, Side, TimeInForce};
use alloc::vec::Vec;
use ensoex_types::{OrderId, Quantity, Timestamp};

/// What is left of an order after matching.
enum Rest {
    /// Rests in the book.
    Opens,
    /// Closes.
    Closes(CloseReason, Quantity),
}

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
        let name = ClientOrderId::new(&place.client_order_id);
        if name.is_none() && !place.client_order_id.is_empty() {
            return Err(Reject::ClientOrderIdTooLong);
        }
        check_kind(market, &place.kind)?;
        if name.is_some_and(|name| self.clients.contains_key(&(slot, name))) {
            return Err(Reject::DuplicateClientOrderId);
        }
        check_room(market, slot, place)?;
        let mut taker = plan(market, ledger, slot, place)?;
        let limited = check_conditions(market, &taker, &place.kind)?;

        taker.order = OrderId(market.book.assign_id());
        events.push(Event::OrderAccepted {
            order: taker.order,
            account: place.account,
            market: place.market,
            side: place.side,
            kind: place.kind,
            client_order_id: place.client_order_id.clone(),
        });
        let outcome = if limited {
            Outcome::default()
        } else {
            matching::take(market, ledger, &mut self.clients, &taker, events)
        };
        settle_taker(market, ledger, &taker, &outcome);
        match rest(market, &taker, &outcome, &place.kind) {
            Rest::Closes(reason, remaining) => events.push(Event::OrderClosed {
                order: taker.order,
                account: place.account,
                market: place.market,
                reason,
                remaining,
            }),
            Rest::Opens => {
                if let Some(name) = name {
                    let address = OrderAddress {
                        market: place.market.0,
                        order: taker.order.0,
                    };
                    self.clients.insert((slot, name), address);
                }
                let post_only = matches!(place.kind, OrderKind::LimitMaker { .. });
                open(market, ledger, &taker, &outcome, at, post_only, name);
            }
        }
        Ok(())
    }
}

/// What can be said from the order and the market's rules alone.
#[inline]
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
#[inline]
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

/// How the order takes, if its owner can pay for it.
#[inline]
fn plan(market: &Market, ledger: &Ledger, slot: u32, place: &PlaceOrder) -> Result<Taker, Reject> {
    let mut taker = Taker {
        order: OrderId(0),
        account: place.account,
        slot,
        side: place.side,
        limit: match place.side {
            Side::Buy => u64::MAX,
            Side::Sell => 0,
        },
        lots: u64::MAX,
        quote_max: u128::MAX,
    };
    match place.kind {
        OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
            (taker.limit, taker.lots) = (price.0, quantity.0);
            let (asset, amount) = market.need(place.side, price.0, quantity.0);
            if ledger.covers(slot, asset, amount) {
                Ok(taker)
            } else {
                Err(Reject::InsufficientBalance)
            }
        }
        OrderKind::Market { quantity } => plan_market(market, ledger, quantity, taker),
        OrderKind::MarketQuote { quote } => plan_market_quote(market, ledger, quote.0.unsigned_abs(), taker),
    }
}

fn plan_market(
    market: &Market,
    ledger: &Ledger,
    quantity: Quantity,
    mut taker: Taker,
) -> Result<Taker, Reject> {
    let best = market
        .book
        .best(taker.side.opposite())
        .ok_or(Reject::NoLiquidity)?;
    market.check_notional(market.value(best, quantity.0))?;
    taker.lots = quantity.0;
    let needed = match taker.side {
        Side::Buy => market.lot_price(best),
        Side::Sell => market.base_amount(quantity.0),
    };
    let spendable = match taker.side {
        Side::Buy => ledger.spendable(taker.slot, market.quote()),
        Side::Sell => ledger.spendable(taker.slot, market.base()),
    };
    if spendable < needed {
        return Err(Reject::InsufficientBalance);
    }
    if taker.side == Side::Buy {
        taker.quote_max = spendable;
    }
    Ok(taker)
}

fn plan_market_quote(
    market: &Market,
    ledger: &Ledger,
    quote: u128,
    mut taker: Taker,
) -> Result<Taker, Reject> {
    let best = market
        .book
        .best(taker.side.opposite())
        .ok_or(Reject::NoLiquidity)?;
    let lot_price = market.lot_price(best);
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
    taker.quote_max = quote;
    match taker.side {
        Side::Buy => taker.quote_max = quote.min(spendable),
        Side::Sell => taker.lots = u64::try_from(spendable / needed).unwrap_or(u64::MAX),
    }
    Ok(taker)
}

/// LIMIT_MAKER must not take, FOK must fill. Returns whether nothing is to be taken.
#[inline]
fn check_conditions(market: &Market, taker: &Taker, kind: &OrderKind) -> Result<bool, Reject> {
    let takes = market.book.best_within(taker.side, taker.limit).is_some();
    match kind {
        OrderKind::LimitMaker { .. } if takes => Err(Reject::WouldTake),
        OrderKind::Limit {
            time_in_force: TimeInForce::Fok,
            ..
        } if !matching::is_fillable(market, taker) => Err(Reject::NotFillable),
        _ => Ok(!takes),
    }
}

/// The taker pays for and receives what was traded.
#[inline]
fn settle_taker(market: &Market, ledger: &mut Ledger, taker: &Taker, outcome: &Outcome) {
    if outcome.lots == 0 {
        return;
    }
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

/// What becomes of the part that was not traded.
#[inline]
fn rest(market: &Market, taker: &Taker, outcome: &Outcome, kind: &OrderKind) -> Rest {
    let (remaining, filled) = match kind {
        OrderKind::MarketQuote { quote } => {
            let reference = market.book.best(taker.side.opposite());
            let lot_price = market.lot_price(reference.unwrap_or(outcome.last_price));
            (0, quote.0.unsigned_abs() - outcome.quote < lot_price)
        }
        _ => (taker.lots - outcome.lots, taker.lots == outcome.lots),
    };
    let may_rest = matches!(
        kind,
        OrderKind::LimitMaker { .. }
            | OrderKind::Limit {
                time_in_force: TimeInForce::Gtc,
                ..
            }
    );
    if outcome.self_trade {
        Rest::Closes(CloseReason::SelfTrade, Quantity(remaining))
    } else if filled {
        Rest::Closes(CloseReason::Filled, Quantity(remaining))
    } else if may_rest {
        Rest::Opens
    } else {
        Rest::Closes(CloseReason::Expired, Quantity(remaining))
    }
}

/// Holds what the rest needs and puts it into the book.
#[inline]
fn open(
    market: &mut Market,
    ledger: &mut Ledger,
    taker: &Taker,
    outcome: &Outcome,
    at: Timestamp,
    post_only: bool,
    name: Option<ClientOrderId>,
) {
    let remaining = taker.lots - outcome.lots;
    let (asset, amount) = market.need(taker.side, taker.limit, remaining);
    ledger.balance_mut(taker.slot, asset).hold(amount);
    let order = Order {
        id: taker.order.0,
        price: taker.limit,
        remaining,
        quantity: taker.lots,
        at: at.0,
        next: NONE,
        previous: NONE,
        account: taker.slot,
        account_next: NONE,
        account_previous: NONE,
        side: taker.side,
        post_only,
        named: name.is_some(),
    };
    market.book.rest(order, name);
}
