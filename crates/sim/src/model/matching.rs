//! An order meets the other side of the book: best price first, oldest first, at the maker's price.

use super::ends::closed;
use super::orders::{UNLIMITED, is_within};
use super::{Model, Waiting, number};
use ensoex_engine::{
    CloseReason, Event, OrderKind, PlaceOrder, SelfTradePrevention, Side, TimeInForce, Trade,
};
use ensoex_types::{AccountId, Amount, FeeRate, MarketId, Price, Quantity, TradeId};

/// How far an order may go.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    pub(super) account: AccountId,
    pub(super) market: MarketId,
    pub(super) side: Side,
    pub(super) self_trade_prevention: SelfTradePrevention,
    /// The worst price it accepts.
    pub(super) limit: Option<i128>,
    /// Lots that it may still trade.
    pub(super) lots: i128,
    /// Quote that it may still pay or receive.
    pub(super) quote: i128,
}

impl Taker {
    pub(super) fn new(place: &PlaceOrder, limit: Option<i128>, lots: i128, quote: i128) -> Taker {
        Taker {
            account: place.account,
            market: place.market,
            side: place.side,
            self_trade_prevention: place.self_trade_prevention,
            limit,
            lots,
            quote,
        }
    }

    pub(super) fn limit(place: &PlaceOrder, price: Price, lots: i128) -> Taker {
        Taker::new(place, Some(number(price)), lots, UNLIMITED)
    }
}

/// How far it went.
#[derive(Default)]
struct Went {
    /// Quote traded or prevented.
    quote: i128,
    /// Prices of its trades.
    prices: Vec<i128>,
    /// Some of its quantity was prevented.
    prevented: bool,
    /// It was stopped by an own order.
    stopped: bool,
}

fn fee(amount: i128, rate: FeeRate) -> i128 {
    amount * i128::from(rate.0) / 1_000_000
}

impl Model {
    /// Whom an order of `side` meets first within its limit: the best price, and there who came first.
    pub(super) fn best_maker(&self, market: MarketId, side: Side, limit: Option<i128>) -> Option<&Waiting> {
        let mut best: Option<&Waiting> = None;
        for maker in &self.waiting {
            if maker.market != market || maker.side == side || !maker.working {
                continue;
            }
            let better = match (best, side) {
                (None, _) => true,
                (Some(best), Side::Buy) => maker.price() < best.price(),
                (Some(best), Side::Sell) => maker.price() > best.price(),
            };
            if better {
                best = Some(maker);
            }
        }
        best.filter(|best| is_within(side, best.price(), limit))
    }

    /// Others alone can fill it whole, before it is stopped by an own order.
    pub(super) fn is_fillable(&self, taker: &Taker) -> bool {
        let mut rest = self.clone_book(taker.market);
        let mut found = 0;
        while found < taker.lots {
            let Some(maker) = rest.best_maker(taker.market, taker.side, taker.limit).copied() else {
                return false;
            };
            if maker.account != taker.account {
                found += maker.remaining;
            } else if taker.self_trade_prevention != SelfTradePrevention::ExpireMaker {
                return false;
            }
            rest.waiting.retain(|order| order.order != maker.order);
        }
        true
    }

    /// Another model with nothing but the open orders of a market.
    fn clone_book(&self, market: MarketId) -> Model {
        let mut copy = Model::new();
        copy.waiting = self.waiting.clone();
        copy.waiting.retain(|order| order.market == market);
        copy
    }

    /// Matches an accepted order that is not in the list of open orders, and ends it or adds it there. Returns the
    /// prices of its trades.
    pub(super) fn run(&mut self, mut order: Waiting, mut taker: Taker, events: &mut Vec<Event>) -> Vec<i128> {
        let went = self.take(&order, &mut taker, events);
        if !matches!(order.kind, OrderKind::MarketQuote { .. }) {
            order.remaining = taker.lots;
        }
        let nothing_left = match order.kind {
            OrderKind::MarketQuote { quote } => self.is_spent(&taker, quote.0, &went),
            _ => taker.lots == 0,
        };
        let reason = if went.stopped || (nothing_left && went.prevented) {
            CloseReason::SelfTrade
        } else if nothing_left {
            CloseReason::Filled
        } else if rests(order.kind) {
            order.working = true;
            self.waiting.push(order);
            return went.prices;
        } else {
            CloseReason::Expired
        };
        events.push(closed(&order, reason));
        went.prices
    }

    /// What is left of `quote` pays no further lot: at the next price, or if there is none, at the last traded.
    fn is_spent(&self, taker: &Taker, quote: i128, went: &Went) -> bool {
        let spec = &self.markets[usize::from(taker.market.0)].spec;
        let next = self.best_maker(taker.market, taker.side, taker.limit);
        let price = next.map(Waiting::price).or(went.prices.last().copied());
        let left = quote - went.quote;
        left == 0 || price.is_some_and(|price| left < price * i128::from(spec.tick_value))
    }

    /// Trades as far as the taker may go; what it may still do is lowered.
    fn take(&mut self, order: &Waiting, taker: &mut Taker, events: &mut Vec<Event>) -> Went {
        let tick_value = i128::from(self.markets[usize::from(taker.market.0)].spec.tick_value);
        let mut went = Went::default();
        loop {
            let maker = self.best_maker(taker.market, taker.side, taker.limit);
            let Some(maker) = maker.copied() else {
                return went;
            };
            let lot_price = maker.price() * tick_value;
            let lots = maker.remaining.min(taker.lots).min(taker.quote / lot_price);
            if lots == 0 {
                return went;
            }
            if maker.account == taker.account {
                use SelfTradePrevention::{Decrement, ExpireBoth, ExpireMaker, ExpireTaker};
                let mode = taker.self_trade_prevention;
                if mode != ExpireTaker {
                    self.end_list(maker.market, maker.order, events);
                }
                match mode {
                    ExpireMaker | ExpireBoth => {
                        self.close_with_other(maker.market, maker.order, CloseReason::SelfTrade, events);
                    }
                    Decrement => self.prevent(order, &maker, lots, events),
                    ExpireTaker => {}
                }
                match mode {
                    ExpireTaker | ExpireBoth => {
                        went.stopped = true;
                        return went;
                    }
                    ExpireMaker => continue,
                    Decrement => went.prevented = true,
                }
            } else {
                self.end_list(maker.market, maker.order, events);
                self.trade(order, &maker, lots, events);
                went.prices.push(maker.price());
            }
            taker.lots -= lots;
            taker.quote -= lots * lot_price;
            went.quote += lots * lot_price;
        }
    }

    /// Lowers an open order; what reaches nothing is no longer open.
    fn lower(&mut self, maker: &Waiting, lots: i128, reason: CloseReason, events: &mut Vec<Event>) {
        if let Some(position) = self.position(maker.market, maker.order) {
            self.waiting[position].remaining -= lots;
            if self.waiting[position].remaining == 0 {
                let maker = self.waiting.remove(position);
                events.push(closed(&maker, reason));
            }
        }
    }

    /// Two orders of one account are lowered instead of traded.
    fn prevent(&mut self, order: &Waiting, maker: &Waiting, lots: i128, events: &mut Vec<Event>) {
        events.push(Event::MatchPrevented {
            market: maker.market,
            account: maker.account,
            price: Price(maker.price() as u64),
            quantity: Quantity(lots as u64),
            maker_order: maker.order,
            maker_remaining: Quantity((maker.remaining - lots) as u64),
            taker_order: order.order,
        });
        self.lower(maker, lots, CloseReason::SelfTrade, events);
    }

    fn trade(&mut self, order: &Waiting, maker: &Waiting, lots: i128, events: &mut Vec<Event>) {
        let index = usize::from(order.market.0);
        let spec = &self.markets[index].spec;
        let (base_asset, quote_asset) = (spec.base, spec.quote);
        let base = lots * i128::from(spec.lot_size);
        let quote = lots * maker.price() * i128::from(spec.tick_value);
        let taker_rate = self.fees(order.account, order.market).rates.taker;
        let maker_rate = self.fees(maker.account, order.market).rates.maker;
        let (buyer, seller, buyer_rate, seller_rate) = match order.side {
            Side::Buy => (order.account, maker.account, taker_rate, maker_rate),
            Side::Sell => (maker.account, order.account, maker_rate, taker_rate),
        };
        let (buyer_fee, seller_fee) = (fee(base, buyer_rate), fee(quote, seller_rate));
        self.move_total(seller, buyer, base_asset, base);
        self.move_total(buyer, AccountId::FEES, base_asset, buyer_fee);
        self.move_total(buyer, seller, quote_asset, quote);
        self.move_total(seller, AccountId::FEES, quote_asset, seller_fee);
        self.add_volume(buyer, quote_asset, quote);
        self.add_volume(seller, quote_asset, quote);
        let (taker_fee, maker_fee) = match order.side {
            Side::Buy => (buyer_fee, seller_fee),
            Side::Sell => (seller_fee, buyer_fee),
        };
        let market = &mut self.markets[index];
        market.trades += 1;
        market.last_price = Some(maker.price());
        events.push(Event::Trade(Trade {
            trade: TradeId(market.trades),
            market: order.market,
            price: Price(maker.price() as u64),
            quantity: Quantity(lots as u64),
            quote: Amount(quote),
            taker_side: order.side,
            maker_order: maker.order,
            maker_account: maker.account,
            maker_remaining: Quantity((maker.remaining - lots) as u64),
            maker_fee: Amount(maker_fee),
            taker_order: order.order,
            taker_account: order.account,
            taker_fee: Amount(taker_fee),
        }));
        self.lower(maker, lots, CloseReason::Filled, events);
    }
}

/// What is left goes into the book.
fn rests(kind: OrderKind) -> bool {
    match kind {
        OrderKind::Limit { time_in_force, .. } | OrderKind::StopLimit { time_in_force, .. } => {
            time_in_force == TimeInForce::Gtc
        }
        OrderKind::LimitMaker { .. } => true,
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } | OrderKind::Stop { .. } => false,
    }
}
