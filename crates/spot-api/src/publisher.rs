//! The one task that turns the feed of applied commands into streams; candles, which may wait for the history, have
//! their own (`candles.rs`).
//!
//! It never waits for a reader. When it falls behind the feed it starts over from the engine; the streams go on
//! without a gap in their numbers, with every price that may have changed.

use crate::book_mirror::Touched;
mod accounts;
mod candles;
mod start;

pub(crate) use candles::CandleStreams;

use crate::clock::now_ms;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::market::AVERAGE_MINUTES;
use crate::mirror::Mirror;
use crate::shared::{Spot, newest_by_symbol};
use crate::stream_values::{mini_value, ticker_value, window_value};
use crate::ticker::{Best, level_texts};
use crate::topic::{Speed, Topic, Window};
use crate::user_events::Told;
use axum::extract::ws::Utf8Bytes;
use ensoex_engine::{Event, Side};
use ensoex_exchange::{Applied, Exchange, MarketListing, Run};
use ensoex_types::{AccountId, AssetId, MarketId, Price, Sequence};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

/// Commands taken in before the best prices are told.
const TAKEN_IN_MAX: usize = 1_024;
/// Fast depth messages for one slow one.
const SLOW_EVERY: u64 = 10;

/// The task's state.
pub(crate) struct Publisher {
    spot: Weak<Spot>,
    exchange: Exchange,
    hub: Arc<Hub>,
    feed: Receiver<Run>,
    mirror: Mirror,
    listings: Vec<MarketListing>,
    /// Last command taken in.
    reached: Sequence,
    /// Last update told by the depth streams: fast, slow.
    told: HashMap<(MarketId, Speed), Sequence>,
    best: HashMap<MarketId, Best>,
    /// What the periodic streams last said.
    said: HashMap<Topic, String>,
}

impl Publisher {
    /// Starts from the engine's present state.
    pub(crate) async fn start(spot: &Arc<Spot>) -> Publisher {
        let exchange = spot.exchange.clone();
        let mut publisher = Publisher {
            spot: Arc::downgrade(spot),
            feed: exchange.feed(),
            hub: Arc::clone(&spot.hub),
            exchange,
            mirror: Mirror::default(),
            listings: Vec::new(),
            reached: Sequence(0),
            told: HashMap::new(),
            best: HashMap::new(),
            said: HashMap::new(),
        };
        publisher.reset().await;
        publisher
    }

    /// Runs until the routes are gone or the feed has ended.
    pub(crate) async fn run(mut self, limits: Limits) {
        let mut depth = interval(limits.depth_interval);
        let mut tickers = interval(limits.ticker_interval);
        depth.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tickers.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0_u64;
        let mut stopping = self.hub.stopping();
        loop {
            tokio::select! {
                run = self.feed.recv() => match run {
                    Ok(run) => self.take_in_all(&run),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "streams fell behind and start over");
                        self.feed = self.exchange.feed();
                        self.hub.forget_cancel_names();
                        self.reset().await;
                    }
                    Err(RecvError::Closed) => break,
                },
                _ = depth.tick() => {
                    ticks += 1;
                    self.publish_depth(ticks.is_multiple_of(SLOW_EVERY));
                }
                _ = tickers.tick() => {
                    let Some(spot) = self.spot.upgrade() else { break };
                    self.publish_periodic(&spot);
                }
                _ = stopping.changed() => break,
            }
        }
    }

    fn listing(&self, market: MarketId) -> Option<&MarketListing> {
        self.listings.iter().find(|listing| listing.market == market)
    }

    fn publish(&self, topic: Topic, value: &Value) {
        self.hub.publish(topic, &Utf8Bytes::from(value.to_string()));
    }

    /// Takes in a run of commands and what waits behind it, then tells the best prices: what a batch passes through on
    /// its way is not a price that anybody could have traded at.
    fn take_in_all(&mut self, first: &Run) {
        let mut markets = BTreeSet::new();
        let mut taken_in = 0;
        let mut next = Some(first.clone());
        while let Some(run) = next {
            for applied in run.iter() {
                self.take_in(&applied, &mut markets);
            }
            taken_in += run.len();
            next = (taken_in < TAKEN_IN_MAX)
                .then(|| self.feed.try_recv().ok())
                .flatten();
        }
        for market in markets {
            self.publish_best(market);
        }
    }

    fn take_in(&mut self, applied: &Applied<'_>, markets: &mut BTreeSet<MarketId>) {
        if applied.sequence <= self.reached {
            return;
        }
        let at_ms = applied.at.as_millis();
        let told = Told {
            sequence: applied.sequence,
            at_ms,
            now_ms: now_ms(),
            events: applied.events,
        };
        let mut touched: BTreeMap<AccountId, BTreeSet<AssetId>> = BTreeMap::new();
        for (position, event) in applied.events.iter().enumerate() {
            self.mirror.take_in(at_ms, applied.command, event);
            match event {
                Event::MarketListed { .. } => self.listings = newest_by_symbol(self.exchange.markets()),
                Event::Trade(trade) => self.publish_trade(told, trade),
                _ => {}
            }
            markets.extend(market_of(event));
            self.tell_accounts(told, position, event, &mut touched);
        }
        for (market, order, executing) in self.mirror.changed_lists(applied.events) {
            self.tell_list(told, market, order, executing);
        }
        self.mirror.finish(applied.events);
        self.reached = applied.sequence;
        for (account, assets) in touched {
            self.tell_balances(told, account, &assets);
        }
    }

    fn publish_trade(&self, told: Told<'_>, trade: &ensoex_engine::Trade) {
        let Some(listing) = self.listing(trade.market) else {
            return;
        };
        let (plain, aggregate) = (Topic::Trade(trade.market), Topic::AggregateTrade(trade.market));
        let common = || {
            json!({
                "E": told.now_ms,
                "s": listing.spec.symbol,
                "p": listing.price_text(trade.price),
                "q": listing.quantity_text(trade.quantity),
                "T": told.at_ms,
                "m": trade.taker_side == Side::Sell,
                "M": true,
            })
        };
        if self.hub.has(plain) {
            let mut value = common();
            value["e"] = "trade".into();
            value["t"] = trade.trade.0.into();
            self.publish(plain, &value);
        }
        if self.hub.has(aggregate) {
            let mut value = common();
            value["e"] = "aggTrade".into();
            for field in ["a", "f", "l"] {
                value[field] = trade.trade.0.into();
            }
            self.publish(aggregate, &value);
        }
    }

    fn publish_best(&mut self, market: MarketId) {
        let book = self.mirror.book(market);
        let best = |side| book.best(side, 1).first().copied();
        let best = Best {
            bid: best(Side::Buy),
            ask: best(Side::Sell),
        };
        if self.best.insert(market, best) == Some(best) {
            return;
        }
        let topics = [Topic::BookTicker(market), Topic::AllBookTickers];
        if !topics.iter().any(|topic| self.hub.has(*topic)) {
            return;
        }
        let Some(listing) = self.listing(market) else {
            return;
        };
        let (bid, bid_quantity) = level_texts(listing, best.bid);
        let (ask, ask_quantity) = level_texts(listing, best.ask);
        let value = json!({ "u": self.reached.0, "s": listing.spec.symbol, "b": bid, "B": bid_quantity, "a": ask,
            "A": ask_quantity });
        for topic in topics {
            self.publish(topic, &value);
        }
    }

    fn publish_depth(&mut self, slow_too: bool) {
        for market in self
            .listings
            .iter()
            .map(|listing| listing.market)
            .collect::<Vec<_>>()
        {
            let touched = self.mirror.book(market).take_fast();
            self.publish_book(market, Speed::Fast, &touched);
            if slow_too {
                let touched = self.mirror.book(market).take_slow();
                self.publish_book(market, Speed::Slow, &touched);
            }
        }
    }

    fn publish_book(&mut self, market: MarketId, speed: Speed, touched: &Touched) {
        if touched.is_empty() {
            return;
        }
        let reached = self.reached;
        let before = self.told.insert((market, speed), reached).unwrap_or_default();
        let Some(listing) = self.listings.iter().find(|listing| listing.market == market) else {
            return;
        };
        let book = self.mirror.book(market);
        let topic = Topic::Depth(market, speed);
        if self.hub.has(topic) {
            let level = |side, price: &Price| {
                json!([
                    listing.price_text(*price),
                    listing.quantity_text(book.at(side, *price))
                ])
            };
            let value = json!({
                "e": "depthUpdate",
                "E": now_ms(),
                "s": listing.spec.symbol,
                "U": before.0 + 1,
                "u": reached.0,
                "b": touched.bids.iter().rev().map(|price| level(Side::Buy, price)).collect::<Vec<_>>(),
                "a": touched.asks.iter().map(|price| level(Side::Sell, price)).collect::<Vec<_>>(),
            });
            self.hub.publish(topic, &Utf8Bytes::from(value.to_string()));
        }
        for count in [5, 10, 20] {
            let topic = Topic::Levels(market, count, speed);
            if self.hub.has(topic) {
                let side = |side| crate::market::levels_value(listing, &book.best(side, usize::from(count)));
                let value =
                    json!({ "lastUpdateId": reached.0, "bids": side(Side::Buy), "asks": side(Side::Sell) });
                self.hub.publish(topic, &Utf8Bytes::from(value.to_string()));
            }
        }
    }

    /// Tickers, windows and averages: once a second, and only what changed.
    fn publish_periodic(&mut self, spot: &Spot) {
        let topics = self.hub.topics();
        let all = |wanted: Topic| topics.contains(&wanted);
        let (mut minis, mut fulls) = (Vec::new(), Vec::new());
        let mut windows: HashMap<Window, Vec<Value>> = HashMap::new();
        for listing in self.listings.clone() {
            let market = listing.market;
            let (mini, full) = (Topic::MiniTicker(market), Topic::Ticker(market));
            if all(mini) || all(full) || all(Topic::AllMiniTickers) || all(Topic::AllTickers) {
                let statistics = spot.day_statistics(&listing);
                let best = self.best.get(&market).copied().unwrap_or_default();
                self.publish_changed(mini, mini_value(&listing, &statistics), &mut minis);
                self.publish_changed(full, ticker_value(&listing, &statistics, best), &mut fulls);
            }
            for window in Window::ALL {
                let topic = Topic::WindowTicker(market, window);
                if all(topic) || all(Topic::AllWindowTickers(window)) {
                    let statistics = spot.window_statistics(&listing, window.minutes());
                    let value = window_value(&listing, &statistics, window);
                    self.publish_changed(topic, value, windows.entry(window).or_default());
                }
            }
            if all(Topic::AveragePrice(market)) {
                let (price, at_ms) = spot.average_of(&listing);
                let value = json!({ "e": "avgPrice", "s": listing.spec.symbol, "i": format!("{AVERAGE_MINUTES}m"),
                    "w": price, "T": at_ms });
                self.publish_changed(Topic::AveragePrice(market), value, &mut Vec::new());
            }
        }
        let arrays = [(Topic::AllMiniTickers, minis), (Topic::AllTickers, fulls)].into_iter();
        let windows = windows
            .into_iter()
            .map(|(window, values)| (Topic::AllWindowTickers(window), values));
        for (topic, values) in arrays.chain(windows).filter(|(_, values)| !values.is_empty()) {
            self.publish(topic, &Value::Array(values));
        }
    }

    /// Publishes what differs from what was said last, but for its moments, and collects it.
    fn publish_changed(&mut self, topic: Topic, mut value: Value, changed: &mut Vec<Value>) {
        let mut facts = value.clone();
        if let Some(fields) = facts.as_object_mut() {
            fields.retain(|name, _| !matches!(name.as_str(), "O" | "C"));
        }
        let facts = facts.to_string();
        if self.said.get(&topic) == Some(&facts) {
            return;
        }
        self.said.insert(topic, facts);
        value["E"] = now_ms().into();
        self.publish(topic, &value);
        changed.push(value);
    }
}

fn market_of(event: &Event) -> Option<MarketId> {
    match event {
        Event::OrderAccepted { market, .. }
        | Event::OrderTriggered { market, .. }
        | Event::MatchPrevented { market, .. }
        | Event::OrderReduced { market, .. }
        | Event::OrderClosed { market, .. } => Some(*market),
        Event::Trade(trade) => Some(trade.market),
        _ => None,
    }
}
