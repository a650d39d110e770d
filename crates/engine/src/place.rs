//! Placing an order: checks, reserve, accept, match and rest, in one step.
//!
//! Checks run in this order, and the first that fails is the answer: market, account, the account may trade, market
//! state, what the order alone says (prices, the band, quantity, value, a stop price that is reached already), duplicate
//! client order id, open orders of the account, its waiting stops, room in the book, liquidity (market orders), balance,
//! would-take (LIMIT_MAKER), fillable (FOK).
//!
//! A limit order needs its whole value at its limit price (buy) or its whole quantity (sell); a stop without a limit is
//! valued at its stop price. A market order by quantity is valued at the best price of the other side; a market buy
//! needs one lot at that price, a market sell its whole quantity. A market order by quote needs one lot; it is filled
//! when what is left does not pay for one more lot. Market orders go no further than the price band. Only orders that
//! can rest or wait count as open orders.

use crate::book::{NewOrder, Placed};
use crate::client_ids::{ClientOrderIds, OrderAddress};
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::matching::{self, Desk, Outcome, Taker};
use crate::stops::Stop;
use crate::{CloseReason, Event, OrderKind, PlaceOrder, Reject, Side, TimeInForce};
use alloc::vec::Vec;
use core::hint::select_unpredictable;
use ensoex_types::{AccountId, Amount, ClientOrderId, MarketId, OrderId, Price, Quantity, Timestamp};

impl Engine {
    /// See the module's doc. A refusal has changed nothing and appended nothing.
    #[inline(always)]
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
        let entry = self.ledger.entry_or_nobody(place.account);
        if entry.restrictions().no_trade {
            return Err(self.refuse_account(place.account));
        }
        let owner = Owner {
            slot: entry.slot(),
            at,
        };
        let (ledger, clients) = (&mut self.ledger, &mut self.clients);
        match start(market, ledger, clients, place, owner, events)? {
            Started::Rests => Ok(()),
            Started::Not => self.place_rest(place, owner, events),
        }
    }

    /// Why the account does not trade.
    #[cold]
    #[inline(never)]
    fn refuse_account(&self, account: AccountId) -> Reject {
        match self.ledger.slot(account) {
            Some(_) => Reject::AccountMayNotTrade,
            None => Reject::UnknownAccount,
        }
    }

    /// Places an order that [`start`] left to this.
    #[inline(never)]
    pub(crate) fn place_rest(
        &mut self,
        place: &PlaceOrder,
        Owner { slot, at }: Owner,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        match place.kind {
            OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
                self.take_limit(place, (price, quantity), slot, at, events)
            }
            OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => {
                self.place_market(place, slot, events)
            }
            OrderKind::Stop { .. } | OrderKind::StopLimit { .. } => self.place_stop(place, slot, at, events),
        }
    }

    /// A limit order that may not rest, or that would cross the book, and that has passed all checks of its own.
    #[inline]
    fn take_limit(
        &mut self,
        place: &PlaceOrder,
        (price, quantity): (Price, Quantity),
        slot: u32,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = &mut self.markets[usize::from(place.market.0)];
        let (asset, amount) = market.need(place.side, price.0, quantity.0);
        if !self.ledger.covers(slot, asset, amount) {
            return Err(Reject::InsufficientBalance);
        }
        let mut taker = Taker::new(place.account, slot, place.side, place.self_trade_prevention);
        (taker.limit, taker.lots) = (price.0, quantity.0);
        // A limit maker is left to this only if it would take.
        check_conditions(market, &taker, &place.kind, true)?;
        self.execute(place, &mut taker, at, events);
        Ok(())
    }

    #[inline(never)]
    fn place_market(&mut self, place: &PlaceOrder, slot: u32, events: &mut Vec<Event>) -> Result<(), Reject> {
        let market = &mut self.markets[usize::from(place.market.0)];
        check_kind(market, place.side, &place.kind)?;
        check_name(&self.clients, slot, &place.client_order_id)?;
        if market.book.is_full(place.side, 0) {
            return Err(Reject::CapacityReached);
        }
        let mut taker = Taker::new(place.account, slot, place.side, place.self_trade_prevention);
        match place.kind {
            OrderKind::MarketQuote { quote } => plan_market_quote(market, &self.ledger, quote, &mut taker)?,
            _ => {
                let quantity = Quantity(quantity_of(&place.kind));
                let best = best(market, &mut taker)?;
                market.check_notional(market.value(best, quantity.0))?;
                plan_market(market, &self.ledger, best, quantity, &mut taker)?;
            }
        }
        self.execute(place, &mut taker, Timestamp(0), events);
        Ok(())
    }

    /// Accepts an order that has passed every check; it takes, and then ends or rests. `at` matters only if it may rest.
    #[inline(always)]
    fn execute(&mut self, place: &PlaceOrder, taker: &mut Taker, at: Timestamp, events: &mut Vec<Event>) {
        let market = &mut self.markets[usize::from(place.market.0)];
        taker.order = OrderId(market.book.assign_id());
        events.push(accepted(place, taker.order));
        let mut desk = Desk {
            ledger: &mut self.ledger,
            fees: &mut self.fees,
            clients: &mut self.clients,
            events,
        };
        let outcome = matching::take(market, &mut desk, taker);
        match end(market, taker, &outcome, &place.kind) {
            Some((reason, remaining)) => events.push(Event::OrderClosed {
                order: taker.order,
                account: place.account,
                market: place.market,
                reason,
                remaining: Quantity(remaining),
            }),
            None => {
                let left = outcome.left(taker);
                let (asset, amount) = market.need(taker.side, taker.limit, left);
                self.ledger.balance_mut(taker.slot, asset).hold(amount);
                let owner = (taker.slot, at);
                market.book.rest(&new_order(
                    place,
                    taker.order,
                    taker.limit,
                    taker.lots,
                    left,
                    owner,
                ));
                let name = &place.client_order_id;
                set_name(market, &mut self.clients, taker.slot, taker.order, name);
            }
        }
        if let Some((low, high)) = outcome.range()
            && market.stops.is_reached(low, high)
        {
            self.run_triggers(place.market, low, high, events);
        }
    }

    /// The order waits for its trigger; all that concerns it alone is checked.
    #[inline(never)]
    fn place_stop(
        &mut self,
        place: &PlaceOrder,
        slot: u32,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = &mut self.markets[usize::from(place.market.0)];
        check_kind(market, place.side, &place.kind)?;
        check_name(&self.clients, slot, &place.client_order_id)?;
        let Some(stop) = Stop::read(&place.kind, place.self_trade_prevention) else {
            return Ok(());
        };
        let lots = quantity_of(&place.kind);
        check_counts(market, slot, 1, 1)?;
        if market.book.is_full(place.side, lots) {
            return Err(Reject::CapacityReached);
        }
        let (asset, amount) = market.need(place.side, stop.need_price(), lots);
        if !self.ledger.covers(slot, asset, amount) {
            return Err(Reject::InsufficientBalance);
        }
        let order = OrderId(market.book.assign_id());
        self.ledger.balance_mut(slot, asset).hold(amount);
        park(market, &mut self.clients, place, order, slot, stop, at);
        events.push(accepted(place, order));
        Ok(())
    }
}

/// Who places an order, as the ledger counts accounts, and when.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) slot: u32,
    pub(crate) at: Timestamp,
}

/// What became of an order at the start.
pub(crate) enum Started {
    /// It is in the book.
    Rests,
    /// Nothing yet: [`Engine::place_rest`] is to go on.
    Not,
}

/// Most orders by far are limit orders that meet nobody: these are done here. Other limit orders have passed all checks of their own;
/// of the other kinds, nothing was looked at. The account may trade, if the market takes orders.
#[inline(always)]
pub(crate) fn start(
    market: &mut Market,
    ledger: &mut Ledger,
    clients: &mut ClientOrderIds,
    place: &PlaceOrder,
    owner: Owner,
    events: &mut Vec<Event>,
) -> Result<Started, Reject> {
    market.check_takes_orders()?;
    let (OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity }) = place.kind
    else {
        return Ok(Started::Not);
    };
    let slot = owner.slot;
    market.check_price(price)?;
    market.check_quantity(quantity)?;
    let value = market.value(price.0, quantity.0);
    market.check_notional(value)?;
    check_name(clients, slot, &place.client_order_id)?;
    if !may_rest(&place.kind) {
        if market.book.is_full(place.side, 0) {
            return Err(Reject::CapacityReached);
        }
        return Ok(Started::Not);
    }
    if market.book.prepare_count(slot) >= market.spec.orders_per_account_max {
        return Err(Reject::TooManyOrders);
    }
    if market.book.is_full(place.side, quantity.0) {
        return Err(Reject::CapacityReached);
    }
    if market.book.is_met(place.side, price.0) {
        return Ok(Started::Not);
    }
    // It meets nobody: the whole of it rests.
    let amount = select_unpredictable(place.side == Side::Buy, value, market.base_amount(quantity.0));
    if !ledger.try_hold(slot, market.given(place.side), amount) {
        return Err(Reject::InsufficientBalance);
    }
    let order = new_order(
        place,
        OrderId(0),
        price.0,
        quantity.0,
        quantity.0,
        (slot, owner.at),
    );
    let order = OrderId(market.book.rest_new(order));
    events.push(accepted(place, order));
    set_name(market, clients, slot, order, &place.client_order_id);
    Ok(Started::Rests)
}

/// The event of acceptance.
#[inline(always)]
pub(crate) fn accepted(place: &PlaceOrder, order: OrderId) -> Event {
    Event::OrderAccepted {
        order,
        account: place.account,
        market: place.market,
        side: place.side,
        kind: place.kind,
        client_order_id: place.client_order_id,
    }
}

/// Lots of an order that has a quantity.
pub(crate) fn quantity_of(kind: &OrderKind) -> u64 {
    match kind {
        OrderKind::Limit { quantity, .. }
        | OrderKind::LimitMaker { quantity, .. }
        | OrderKind::Market { quantity }
        | OrderKind::Stop { quantity, .. }
        | OrderKind::StopLimit { quantity, .. } => quantity.0,
        OrderKind::MarketQuote { .. } => 0,
    }
}

/// Price at which an order may come to rest; 0 if it does not.
pub(crate) fn limit_of(kind: &OrderKind) -> u64 {
    match kind {
        OrderKind::Limit { price, .. } | OrderKind::LimitMaker { price, .. } => price.0,
        _ => 0,
    }
}

/// Puts a stop where it waits. What it holds is the caller's.
pub(crate) fn park(
    market: &mut Market,
    clients: &mut ClientOrderIds,
    place: &PlaceOrder,
    order: OrderId,
    slot: u32,
    stop: Stop,
    at: Timestamp,
) {
    let lots = quantity_of(&place.kind);
    market.book.park(&NewOrder {
        id: order.0,
        side: place.side,
        post_only: false,
        price: 0,
        remaining: lots,
        account: slot,
        placed: Placed {
            quantity: lots,
            at: at.0,
        },
    });
    market.stops.wait(order.0, place.side, stop);
    set_name(market, clients, slot, order, &place.client_order_id);
}

/// Makes the order known by its owner's name, if it has one.
#[inline(always)]
pub(crate) fn set_name(
    market: &mut Market,
    clients: &mut ClientOrderIds,
    slot: u32,
    order: OrderId,
    name: &ClientOrderId,
) {
    if !name.is_empty() {
        insert_name(market, clients, slot, order, name);
    }
}

#[inline(never)]
fn insert_name(
    market: &mut Market,
    clients: &mut ClientOrderIds,
    slot: u32,
    order: OrderId,
    name: &ClientOrderId,
) {
    let MarketId(market_id) = market.id;
    market.book.set_name(order.0, *name);
    let address = OrderAddress {
        market: market_id,
        order: order.0,
    };
    clients.insert((slot, *name), address);
}

/// No other open order of the account has this name.
#[inline(always)]
pub(crate) fn check_name(clients: &ClientOrderIds, slot: u32, name: &ClientOrderId) -> Result<(), Reject> {
    if !name.is_empty() && is_name_taken(clients, slot, name) {
        return Err(Reject::DuplicateClientOrderId);
    }
    Ok(())
}

#[inline(never)]
fn is_name_taken(clients: &ClientOrderIds, slot: u32, name: &ClientOrderId) -> bool {
    clients.contains_key(&(slot, *name))
}

/// What can be said from the order, the market's rules and its last price alone.
#[inline(always)]
pub(crate) fn check_kind(market: &Market, side: Side, kind: &OrderKind) -> Result<(), Reject> {
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
        OrderKind::Stop { .. } | OrderKind::StopLimit { .. } => check_stop(market, side, kind),
    }
}

#[inline(never)]
fn check_stop(market: &Market, side: Side, kind: &OrderKind) -> Result<(), Reject> {
    let (trigger, stop_price, price) = match *kind {
        OrderKind::Stop {
            trigger, stop_price, ..
        } => (trigger, stop_price, stop_price),
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            ..
        } => (trigger, stop_price, price),
        _ => return Ok(()),
    };
    market.check_bounds(stop_price)?;
    if matches!(kind, OrderKind::StopLimit { .. }) {
        market.check_bounds(price)?;
        market.check_stop_limit(stop_price, price)?;
    }
    let lots = quantity_of(kind);
    market.check_quantity(Quantity(lots))?;
    market.check_notional(market.value(price.0, lots))?;
    let last = Price(market.last_price);
    if last.0 > 0 && trigger.is_reached(side, stop_price, last) {
        return Err(Reject::StopWouldTrigger);
    }
    Ok(())
}

/// The account may have so many more open orders, waiting stops among them.
pub(crate) fn check_counts(market: &Market, slot: u32, orders: u32, stops: u32) -> Result<(), Reject> {
    let exceeds = |count: u32, more: u32, max: u32| count.checked_add(more).is_none_or(|count| count > max);
    if exceeds(
        market.book.orders_of_count(slot),
        orders,
        market.spec.orders_per_account_max,
    ) {
        return Err(Reject::TooManyOrders);
    }
    if stops > 0
        && exceeds(
            market.book.stops_of_count(slot),
            stops,
            market.spec.stops_per_account_max,
        )
    {
        return Err(Reject::TooManyStops);
    }
    Ok(())
}

/// What it does not trade at once stays in the book.
#[inline(always)]
fn may_rest(kind: &OrderKind) -> bool {
    matches!(
        kind,
        OrderKind::Limit {
            time_in_force: TimeInForce::Gtc,
            ..
        } | OrderKind::LimitMaker { .. }
    )
}

/// The best price that a market order meets; bounds the order by the band.
pub(crate) fn best(market: &Market, taker: &mut Taker) -> Result<u64, Reject> {
    taker.limit = market.edge(taker.side);
    market
        .book
        .best_within(taker.side, taker.limit)
        .and_then(|_| market.book.best(taker.side.opposite()))
        .ok_or(Reject::NoLiquidity)
}

/// A market order for `quantity` that meets `best` first.
#[inline(never)]
pub(crate) fn plan_market(
    market: &Market,
    ledger: &Ledger,
    best: u64,
    quantity: Quantity,
    taker: &mut Taker,
) -> Result<(), Reject> {
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
    let best = best(market, taker)?;
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
pub(crate) fn check_conditions(
    market: &Market,
    taker: &Taker,
    kind: &OrderKind,
    takes: bool,
) -> Result<(), Reject> {
    match kind {
        OrderKind::LimitMaker { .. } if takes => Err(Reject::WouldTake),
        OrderKind::Limit {
            time_in_force: TimeInForce::Fok,
            ..
        } if !matching::is_fillable(market, taker) => Err(Reject::NotFillable),
        _ => Ok(()),
    }
}

/// Why the order ends now and with how many lots left; `None` if its rest goes into the book.
#[inline(always)]
pub(crate) fn end(
    market: &Market,
    taker: &Taker,
    outcome: &Outcome,
    kind: &OrderKind,
) -> Option<(CloseReason, u64)> {
    let left = outcome.left(taker);
    let (remaining, done, may_rest) = match kind {
        OrderKind::Limit { time_in_force, .. } => (left, left == 0, *time_in_force == TimeInForce::Gtc),
        OrderKind::LimitMaker { .. } => (left, left == 0, true),
        OrderKind::MarketQuote { quote } => {
            let edge = market.book.best_within(taker.side, taker.limit);
            let next = edge.and_then(|_| market.book.best(taker.side.opposite()));
            let lot_price = market.lot_price(next.unwrap_or(outcome.last_price));
            let unspent = quote.0.unsigned_abs() - outcome.quote - outcome.prevented_quote;
            (0, unspent == 0 || unspent < lot_price, false)
        }
        _ => (left, left == 0, false),
    };
    if outcome.self_trade || (done && outcome.prevented > 0) {
        Some((CloseReason::SelfTrade, remaining))
    } else if done {
        Some((CloseReason::Filled, remaining))
    } else if may_rest {
        None
    } else {
        Some((CloseReason::Expired, remaining))
    }
}

#[inline(always)]
fn new_order(
    place: &PlaceOrder,
    order: OrderId,
    price: u64,
    quantity: u64,
    remaining: u64,
    (slot, at): (u32, Timestamp),
) -> NewOrder {
    NewOrder {
        id: order.0,
        side: place.side,
        post_only: matches!(place.kind, OrderKind::LimitMaker { .. }),
        price,
        remaining,
        account: slot,
        placed: Placed { quantity, at: at.0 },
    }
}
