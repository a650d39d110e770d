//! New orders: what they must satisfy, how far they may go, and how they wait.

use super::checks::{band, check_notional};
use super::ledger::need;
use super::matching::Taker;
use super::{Model, Waiting, number};
use ensoex_engine::{
    Event, OcoKind, OcoOrder, OrderKind, PlaceOco, PlaceOrder, Reject, Side, TimeInForce, Trigger,
};
use ensoex_types::{AccountId, MarketId, OrderId, Price, Quantity};

/// A number that no price, quantity or amount reaches.
pub(super) const UNLIMITED: i128 = i128::MAX;

/// A price accepted by the taker's limit, if it has one.
pub(super) fn is_within(side: Side, price: i128, limit: Option<i128>) -> bool {
    match (side, limit) {
        (_, None) => true,
        (Side::Buy, Some(limit)) => price <= limit,
        (Side::Sell, Some(limit)) => price >= limit,
    }
}

fn is_stop(kind: OrderKind) -> bool {
    matches!(kind, OrderKind::Stop { .. } | OrderKind::StopLimit { .. })
}

/// It can become an open order.
fn may_wait(kind: OrderKind) -> bool {
    match kind {
        OrderKind::Limit { time_in_force, .. } => time_in_force == TimeInForce::Gtc,
        OrderKind::LimitMaker { .. } => true,
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => false,
        OrderKind::Stop { .. } | OrderKind::StopLimit { .. } => true,
    }
}

/// The price of a limit maker, the stop price of the others.
fn oco_price(kind: OcoKind) -> Price {
    match kind {
        OcoKind::LimitMaker { price } => price,
        OcoKind::Stop { stop_price, .. } | OcoKind::StopLimit { stop_price, .. } => stop_price,
    }
}

/// The order takes the profit: at its price, or when triggered. The others stop a loss.
fn takes_profit(kind: OcoKind) -> bool {
    match kind {
        OcoKind::LimitMaker { .. } => true,
        OcoKind::Stop { trigger, .. } | OcoKind::StopLimit { trigger, .. } => trigger == Trigger::TakeProfit,
    }
}

impl Model {
    /// The engine's id for the next order of this command; 0 if it gave none.
    fn next_id(&mut self) -> OrderId {
        self.ids.pop_front().unwrap_or(OrderId(0))
    }

    pub(super) fn place(&mut self, place: &PlaceOrder, events: &mut Vec<Event>) -> Result<(), Reject> {
        let (account, market) = (place.account, place.market);
        self.check_entry(account, market)?;
        self.check_kind(market, place.side, place.kind)?;
        self.check_name(account, place.client_order_id)?;
        let orders = usize::from(may_wait(place.kind));
        let stops = usize::from(is_stop(place.kind));
        self.check_room(account, market, orders, stops)?;
        let taker = self.plan(place)?;
        let order = self.accept(place, None, events);
        if is_stop(place.kind) {
            self.waiting.push(order);
        } else {
            let prices = self.run(order, taker, events);
            self.work_off(market, &prices, events);
        }
        Ok(())
    }

    fn accept(&mut self, place: &PlaceOrder, id: Option<OrderId>, events: &mut Vec<Event>) -> Waiting {
        let order = id.unwrap_or_else(|| self.next_id());
        events.push(Event::OrderAccepted {
            order,
            account: place.account,
            market: place.market,
            side: place.side,
            kind: place.kind,
            client_order_id: place.client_order_id,
        });
        let quantity = match place.kind {
            OrderKind::Limit { quantity, .. }
            | OrderKind::LimitMaker { quantity, .. }
            | OrderKind::Market { quantity }
            | OrderKind::Stop { quantity, .. }
            | OrderKind::StopLimit { quantity, .. } => quantity,
            OrderKind::MarketQuote { .. } => Quantity(0),
        };
        Waiting {
            order,
            account: place.account,
            market: place.market,
            side: place.side,
            kind: place.kind,
            self_trade_prevention: place.self_trade_prevention,
            name: place.client_order_id,
            at: self.at,
            working: !is_stop(place.kind),
            other: None,
            remaining: i128::from(quantity.0),
        }
    }

    /// How far an order that passed its own checks may go, if the book and the balance let it.
    fn plan(&self, place: &PlaceOrder) -> Result<Taker, Reject> {
        let (side, market) = (place.side, place.market);
        match place.kind {
            OrderKind::Limit {
                price,
                quantity,
                time_in_force,
            } => {
                self.check_funds(place.account, market, side, price, quantity)?;
                let taker = Taker::limit(place, price, i128::from(quantity.0));
                if time_in_force == TimeInForce::Fok && !self.is_fillable(&taker) {
                    return Err(Reject::NotFillable);
                }
                Ok(taker)
            }
            OrderKind::LimitMaker { price, quantity } => {
                self.check_funds(place.account, market, side, price, quantity)?;
                self.check_would_take(market, side, price)?;
                Ok(Taker::limit(place, price, i128::from(quantity.0)))
            }
            OrderKind::Stop {
                stop_price: price,
                quantity,
                ..
            }
            | OrderKind::StopLimit { price, quantity, .. } => {
                self.check_funds(place.account, market, side, price, quantity)?;
                Ok(Taker::limit(place, price, i128::from(quantity.0)))
            }
            OrderKind::Market { quantity } => self.plan_market(place, i128::from(quantity.0)),
            OrderKind::MarketQuote { quote } => self.plan_market_quote(place, quote.0),
        }
    }

    fn check_funds(
        &self,
        account: AccountId,
        market: MarketId,
        side: Side,
        price: Price,
        quantity: Quantity,
    ) -> Result<(), Reject> {
        let spec = &self.known_market(market)?.spec;
        let (asset, amount) = need(spec, side, number(price), i128::from(quantity.0));
        match self.spendable(account, asset) < amount {
            true => Err(Reject::InsufficientBalance),
            false => Ok(()),
        }
    }

    fn check_would_take(&self, market: MarketId, side: Side, price: Price) -> Result<(), Reject> {
        match self.best_maker(market, side, Some(number(price))) {
            Some(_) => Err(Reject::WouldTake),
            None => Ok(()),
        }
    }

    /// The farthest price that a market order of `side` reaches now, if there is such a bound.
    pub(super) fn band_edge(&self, market: MarketId, side: Side) -> Option<i128> {
        let market = &self.markets[usize::from(market.0)];
        let (lowest, highest) = band(&market.spec, market.last_price?)?;
        Some(match side {
            Side::Buy => highest,
            Side::Sell => lowest,
        })
    }

    /// The price at which a market order starts.
    fn market_price(&self, market: MarketId, side: Side) -> Result<i128, Reject> {
        let best = self.best_maker(market, side, self.band_edge(market, side));
        best.map(Waiting::price).ok_or(Reject::NoLiquidity)
    }

    fn plan_market(&self, place: &PlaceOrder, lots: i128) -> Result<Taker, Reject> {
        let spec = &self.known_market(place.market)?.spec;
        let lot_price = self.market_price(place.market, place.side)? * i128::from(spec.tick_value);
        check_notional(spec, lot_price * lots)?;
        let (base, quote) = (
            self.spendable(place.account, spec.base),
            self.spendable(place.account, spec.quote),
        );
        let (covered, quote) = match place.side {
            Side::Buy => (quote >= lot_price, quote),
            Side::Sell => (base >= lots * i128::from(spec.lot_size), UNLIMITED),
        };
        if !covered {
            return Err(Reject::InsufficientBalance);
        }
        let limit = self.band_edge(place.market, place.side);
        Ok(Taker::new(place, limit, lots, quote))
    }

    fn plan_market_quote(&self, place: &PlaceOrder, quote: i128) -> Result<Taker, Reject> {
        let spec = &self.known_market(place.market)?.spec;
        let lot_price = self.market_price(place.market, place.side)? * i128::from(spec.tick_value);
        if quote / lot_price < i128::from(spec.quantity_min.0) {
            return Err(Reject::QuantityTooLow);
        }
        let lot_size = i128::from(spec.lot_size);
        let (base_spendable, quote_spendable) = (
            self.spendable(place.account, spec.base),
            self.spendable(place.account, spec.quote),
        );
        let (covered, lots, quote) = match place.side {
            Side::Buy => (
                quote_spendable >= lot_price,
                UNLIMITED,
                quote.min(quote_spendable),
            ),
            Side::Sell => (base_spendable >= lot_size, base_spendable / lot_size, quote),
        };
        if !covered {
            return Err(Reject::InsufficientBalance);
        }
        let limit = self.band_edge(place.market, place.side);
        Ok(Taker::new(place, limit, lots, quote))
    }

    pub(super) fn place_oco(&mut self, place: &PlaceOco, events: &mut Vec<Event>) -> Result<(), Reject> {
        let (account, market) = (place.account, place.market);
        self.check_entry(account, market)?;
        let (takes_profit_above, takes_profit_below) =
            (takes_profit(place.above.kind), takes_profit(place.below.kind));
        let kinds_fit = match place.side {
            Side::Sell => takes_profit_above && !takes_profit_below,
            Side::Buy => !takes_profit_above && takes_profit_below,
        };
        if !kinds_fit {
            return Err(Reject::OcoKinds);
        }
        let (above, below) = (oco_price(place.above.kind), oco_price(place.below.kind));
        let last = self.known_market(market)?.last_price;
        let around_last = last.is_none_or(|last| number(above) > last && last > number(below));
        if above <= below || !around_last {
            return Err(Reject::OcoPrices);
        }
        let alone = [place.above, place.below].map(|order| one_of(place, order));
        for order in &alone {
            self.check_kind(market, order.side, order.kind)?;
        }
        for order in &alone {
            self.check_name(account, order.client_order_id)?;
        }
        let names = [place.above.client_order_id, place.below.client_order_id];
        if names[0] == names[1] && !names[0].is_empty() {
            return Err(Reject::DuplicateClientOrderId);
        }
        let stops = alone.iter().filter(|order| is_stop(order.kind)).count();
        self.check_room(account, market, 2, stops)?;
        for order in &alone {
            let price = match order.kind {
                OrderKind::LimitMaker { price, .. } | OrderKind::StopLimit { price, .. } => price,
                OrderKind::Stop { stop_price, .. } => stop_price,
                _ => continue,
            };
            self.check_funds(account, market, order.side, price, place.quantity)?;
        }
        for order in &alone {
            if let OrderKind::LimitMaker { price, .. } = order.kind {
                self.check_would_take(market, order.side, price)?;
            }
        }
        let (above, below) = (self.next_id(), self.next_id());
        events.push(Event::OcoAccepted {
            above,
            below,
            account,
            market,
            list_client_order_id: place.list_client_order_id,
        });
        for (order, id, other) in [(alone[0], above, below), (alone[1], below, above)] {
            let mut waiting = self.accept(&order, Some(id), events);
            waiting.other = Some(other);
            self.waiting.push(waiting);
        }
        Ok(())
    }
}

/// One order of a list as if placed alone.
fn one_of(place: &PlaceOco, order: OcoOrder) -> PlaceOrder {
    PlaceOrder {
        account: place.account,
        market: place.market,
        side: place.side,
        kind: order.kind.of(place.quantity),
        self_trade_prevention: place.self_trade_prevention,
        client_order_id: order.client_order_id,
    }
}
