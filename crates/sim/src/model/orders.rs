//! Orders: checks, trades and ends, one plain step after the other.

use super::ledger::need;
use super::{Model, Waiting};
use ensoex_engine::{CloseReason, Event, OrderKind, OrderRef, PlaceOrder, Reject, Side, TimeInForce, Trade};
use ensoex_types::{
    AccountId, Amount, FeeRate, MarketId, MarketSpec, MarketState, OrderId, Price, Quantity, TradeId,
};

/// A number that no price, quantity or amount reaches.
const UNLIMITED: i128 = i128::MAX;

fn fee(amount: i128, rate: FeeRate) -> i128 {
    amount * i128::from(rate.0) / 1_000_000
}

fn check_notional(spec: &MarketSpec, value: i128) -> Result<(), Reject> {
    match value {
        value if value < spec.notional_min.0 => Err(Reject::NotionalTooLow),
        value if value > spec.notional_max.0 => Err(Reject::NotionalTooHigh),
        _ => Ok(()),
    }
}

fn check_quantity(spec: &MarketSpec, quantity: Quantity) -> Result<(), Reject> {
    match quantity {
        quantity if quantity < spec.quantity_min => Err(Reject::QuantityTooLow),
        quantity if quantity > spec.quantity_max => Err(Reject::QuantityTooHigh),
        _ => Ok(()),
    }
}

fn check_price(spec: &MarketSpec, price: Price) -> Result<(), Reject> {
    match price {
        price if price < spec.price_min => Err(Reject::PriceTooLow),
        price if price > spec.price_max => Err(Reject::PriceTooHigh),
        _ => Ok(()),
    }
}

fn is_within(side: Side, price: i128, limit: Option<i128>) -> bool {
    match (side, limit) {
        (_, None) => true,
        (Side::Buy, Some(limit)) => price <= limit,
        (Side::Sell, Some(limit)) => price >= limit,
    }
}

/// How far an order goes.
struct Bounds {
    limit: Option<i128>,
    lots: i128,
    quote: i128,
}

/// How far it went.
struct Went {
    lots: i128,
    quote: i128,
    last_price: i128,
    self_trade: bool,
}

impl Model {
    pub(super) fn place(
        &mut self,
        place: &PlaceOrder,
        id: OrderId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let bounds = self.check_place(place)?;
        events.push(Event::OrderAccepted {
            order: id,
            account: place.account,
            market: place.market,
            side: place.side,
            kind: place.kind,
            client_order_id: place.client_order_id.clone(),
        });
        let went = self.trade(place, id, &bounds, events);
        let left = bounds.lots - went.lots;
        let (filled, left_reported) = match place.kind {
            OrderKind::MarketQuote { quote } => {
                let spec = &self.markets[usize::from(place.market.0)].spec;
                let next = self.best_maker(place.market, place.side).map(|maker| maker.price);
                let one_lot = next.unwrap_or(went.last_price) * i128::from(spec.tick_value);
                (quote.0 - went.quote < one_lot, 0)
            }
            _ => (left == 0, left),
        };
        let reason = match place.kind {
            _ if went.self_trade => CloseReason::SelfTrade,
            _ if filled => CloseReason::Filled,
            OrderKind::LimitMaker { price, .. }
            | OrderKind::Limit {
                price,
                time_in_force: TimeInForce::Gtc,
                ..
            } => {
                self.waiting.push(Waiting {
                    order: id,
                    account: place.account,
                    market: place.market,
                    side: place.side,
                    price: i128::from(price.0),
                    remaining: left,
                    name: place.client_order_id.clone(),
                });
                return Ok(());
            }
            _ => CloseReason::Expired,
        };
        events.push(Event::OrderClosed {
            order: id,
            account: place.account,
            market: place.market,
            reason,
            remaining: Quantity(left_reported as u64),
        });
        Ok(())
    }

    fn check_place(&self, place: &PlaceOrder) -> Result<Bounds, Reject> {
        let market = self.known_market(place.market)?;
        let spec = &market.spec;
        self.known_account(place.account)?;
        match market.state {
            MarketState::Trading => {}
            MarketState::CancelOnly => return Err(Reject::MarketCancelOnly),
            MarketState::Halted => return Err(Reject::MarketHalted),
        }
        if place.client_order_id.len() > 36 {
            return Err(Reject::ClientOrderIdTooLong);
        }
        match place.kind {
            OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
                check_price(spec, price)?;
                check_quantity(spec, quantity)?;
                let value = i128::from(price.0) * i128::from(quantity.0) * i128::from(spec.tick_value);
                check_notional(spec, value)?;
            }
            OrderKind::Market { quantity } => check_quantity(spec, quantity)?,
            OrderKind::MarketQuote { quote } if quote.0 < 1 => return Err(Reject::InvalidAmount),
            OrderKind::MarketQuote { quote } => check_notional(spec, quote.0)?,
        }
        let own = || self.waiting.iter().filter(|order| order.account == place.account);
        let name = &place.client_order_id;
        if !name.is_empty() && own().any(|order| order.name == *name) {
            return Err(Reject::DuplicateClientOrderId);
        }
        if may_rest(place.kind) {
            let open = own().filter(|order| order.market == place.market).count();
            if open >= spec.orders_per_account_max as usize {
                return Err(Reject::TooManyOrders);
            }
        }
        self.check_funds(place, spec)
    }

    fn check_funds(&self, place: &PlaceOrder, spec: &MarketSpec) -> Result<Bounds, Reject> {
        let best = self.best_maker(place.market, place.side).map(|maker| maker.price);
        let tick_value = i128::from(spec.tick_value);
        let (base, quote_asset) = (spec.base, spec.quote);
        let base_spendable = self.spendable(place.account, base);
        let quote_spendable = self.spendable(place.account, quote_asset);
        let lot_size = i128::from(spec.lot_size);
        match place.kind {
            OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
                let (price, lots) = (i128::from(price.0), i128::from(quantity.0));
                let (asset, amount) = need(spec, place.side, price, lots);
                if self.spendable(place.account, asset) < amount {
                    return Err(Reject::InsufficientBalance);
                }
                let takes = best.is_some_and(|best| is_within(place.side, best, Some(price)));
                if matches!(place.kind, OrderKind::LimitMaker { .. }) && takes {
                    return Err(Reject::WouldTake);
                }
                if is_fok(place.kind) && !self.fills_whole(place, price, lots) {
                    return Err(Reject::NotFillable);
                }
                Ok(Bounds {
                    limit: Some(price),
                    lots,
                    quote: UNLIMITED,
                })
            }
            OrderKind::Market { quantity } => {
                let lots = i128::from(quantity.0);
                let best = best.ok_or(Reject::NoLiquidity)?;
                check_notional(spec, best * lots * tick_value)?;
                let (has, needs, quote) = match place.side {
                    Side::Buy => (quote_spendable, best * tick_value, quote_spendable),
                    Side::Sell => (base_spendable, lots * lot_size, UNLIMITED),
                };
                if has < needs {
                    return Err(Reject::InsufficientBalance);
                }
                Ok(Bounds {
                    limit: None,
                    lots,
                    quote,
                })
            }
            OrderKind::MarketQuote { quote } => {
                let one_lot = best.ok_or(Reject::NoLiquidity)? * tick_value;
                if quote.0 / one_lot < i128::from(spec.quantity_min.0) {
                    return Err(Reject::QuantityTooLow);
                }
                let (has, needs) = match place.side {
                    Side::Buy => (quote_spendable, one_lot),
                    Side::Sell => (base_spendable, lot_size),
                };
                if has < needs {
                    return Err(Reject::InsufficientBalance);
                }
                Ok(match place.side {
                    Side::Buy => Bounds {
                        limit: None,
                        lots: UNLIMITED,
                        quote: quote.0.min(quote_spendable),
                    },
                    Side::Sell => Bounds {
                        limit: None,
                        lots: base_spendable / lot_size,
                        quote: quote.0,
                    },
                })
            }
        }
    }

    /// Tries it on a copy.
    fn fills_whole(&self, place: &PlaceOrder, price: i128, lots: i128) -> bool {
        let bounds = Bounds {
            limit: Some(price),
            lots,
            quote: UNLIMITED,
        };
        let went = self.clone().trade(place, OrderId(0), &bounds, &mut Vec::new());
        went.lots == lots
    }

    /// Whom an order of `side` meets first: the best price, and there who came first.
    fn best_maker(&self, market: MarketId, side: Side) -> Option<&Waiting> {
        let mut best: Option<&Waiting> = None;
        for maker in &self.waiting {
            if maker.market != market || maker.side == side {
                continue;
            }
            let better = match (best, side) {
                (None, _) => true,
                (Some(best), Side::Buy) => maker.price < best.price,
                (Some(best), Side::Sell) => maker.price > best.price,
            };
            if better {
                best = Some(maker);
            }
        }
        best
    }

    fn trade(&mut self, place: &PlaceOrder, id: OrderId, bounds: &Bounds, events: &mut Vec<Event>) -> Went {
        let spec = self.markets[usize::from(place.market.0)].spec.clone();
        let mut went = Went {
            lots: 0,
            quote: 0,
            last_price: 0,
            self_trade: false,
        };
        loop {
            let Some(maker) = self.best_maker(place.market, place.side).cloned() else {
                return went;
            };
            let one_lot = maker.price * i128::from(spec.tick_value);
            let lots = maker
                .remaining
                .min(bounds.lots - went.lots)
                .min((bounds.quote - went.quote) / one_lot);
            if !is_within(place.side, maker.price, bounds.limit) || lots == 0 {
                return went;
            }
            if maker.account == place.account {
                went.self_trade = true;
                return went;
            }
            went.lots += lots;
            went.quote += lots * one_lot;
            went.last_price = maker.price;
            self.trade_once(&spec, place, id, &maker, lots, events);
        }
    }

    fn trade_once(
        &mut self,
        spec: &MarketSpec,
        place: &PlaceOrder,
        id: OrderId,
        maker: &Waiting,
        lots: i128,
        events: &mut Vec<Event>,
    ) {
        let base = lots * i128::from(spec.lot_size);
        let quote = lots * maker.price * i128::from(spec.tick_value);
        let (buyer, seller, buyer_rate, seller_rate) = match place.side {
            Side::Buy => (place.account, maker.account, spec.taker_fee, spec.maker_fee),
            Side::Sell => (maker.account, place.account, spec.maker_fee, spec.taker_fee),
        };
        let (buyer_fee, seller_fee) = (fee(base, buyer_rate), fee(quote, seller_rate));
        self.move_total(seller, buyer, spec.base, base);
        self.move_total(buyer, AccountId::FEES, spec.base, buyer_fee);
        self.move_total(buyer, seller, spec.quote, quote);
        self.move_total(seller, AccountId::FEES, spec.quote, seller_fee);
        let (taker_fee, maker_fee) = match place.side {
            Side::Buy => (buyer_fee, seller_fee),
            Side::Sell => (seller_fee, buyer_fee),
        };
        let market = &mut self.markets[usize::from(place.market.0)];
        market.trades += 1;
        let maker_remaining = Quantity((maker.remaining - lots) as u64);
        events.push(Event::Trade(Trade {
            trade: TradeId(market.trades),
            market: place.market,
            price: Price(maker.price as u64),
            quantity: Quantity(lots as u64),
            quote: Amount(quote),
            taker_side: place.side,
            maker_order: maker.order,
            maker_account: maker.account,
            maker_remaining,
            maker_fee: Amount(maker_fee),
            taker_order: id,
            taker_account: place.account,
            taker_fee: Amount(taker_fee),
        }));
        for order in &mut self.waiting {
            if order.market == maker.market && order.order == maker.order {
                order.remaining -= lots;
            }
        }
        self.waiting.retain(|order| order.remaining > 0);
        if maker_remaining.0 == 0 {
            events.push(Event::OrderClosed {
                order: maker.order,
                account: maker.account,
                market: maker.market,
                reason: CloseReason::Filled,
                remaining: Quantity(0),
            });
        }
    }

    /// Position of the account's open order.
    fn find(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Result<usize, Reject> {
        let listed = self.known_market(market)?;
        if listed.state == MarketState::Halted {
            return Err(Reject::MarketHalted);
        }
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
        let order = self.waiting.remove(position);
        events.push(Event::OrderClosed {
            order: order.order,
            account,
            market,
            reason: CloseReason::Canceled,
            remaining: Quantity(order.remaining as u64),
        });
        Ok(())
    }

    pub(super) fn cancel_all(
        &mut self,
        account: AccountId,
        market: MarketId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        if self.known_market(market)?.state == MarketState::Halted {
            return Err(Reject::MarketHalted);
        }
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
        for order in orders {
            self.cancel(account, market, &OrderRef::Id(order), events)?;
        }
        Ok(())
    }

    pub(super) fn reduce(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        by: u64,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let position = self.find(account, market, order)?;
        if by == 0 {
            return Err(Reject::QuantityTooLow);
        }
        let waiting = &mut self.waiting[position];
        if i128::from(by) >= waiting.remaining {
            return self.cancel(account, market, order, events);
        }
        waiting.remaining -= i128::from(by);
        events.push(Event::OrderReduced {
            order: waiting.order,
            account,
            market,
            by: Quantity(by),
            remaining: Quantity(waiting.remaining as u64),
        });
        Ok(())
    }

    pub(super) fn replace(
        &mut self,
        order: &OrderRef,
        place: &PlaceOrder,
        id: OrderId,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        match self.cancel(place.account, place.market, order, events) {
            Ok(()) => self.place(place, id, events),
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

fn may_rest(kind: OrderKind) -> bool {
    match kind {
        OrderKind::LimitMaker { .. } => true,
        OrderKind::Limit { time_in_force, .. } => time_in_force == TimeInForce::Gtc,
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => false,
    }
}

fn is_fok(kind: OrderKind) -> bool {
    matches!(
        kind,
        OrderKind::Limit {
            time_in_force: TimeInForce::Fok,
            ..
        }
    )
}
