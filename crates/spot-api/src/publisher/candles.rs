//! The streams of candles: once a second, the newest of each interval that somebody listens to, if it changed.
//!
//! A task of its own, because the beginning of a month may have to be read from the history; a candle that cannot be read
//! is told later. Knows no orders and no accounts.

use crate::clock::now_ms;
use crate::hub::Hub;
use crate::interval::{Interval, candles};
use crate::limits::Limits;
use crate::shared::{Spot, newest_by_symbol};
use crate::stream_values::candle_value;
use crate::topic::Topic;
use axum::extract::ws::Utf8Bytes;
use ensoex_exchange::{Candle, Exchange, HistoryError, MarketListing};
use ensoex_types::TradeId;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::time::{MissedTickBehavior, interval};

/// The task's state.
pub(crate) struct CandleStreams {
    spot: Weak<Spot>,
    exchange: Exchange,
    hub: Arc<Hub>,
    told: HashMap<Topic, Told>,
}

/// What a stream last said, and after which trade.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    candle: Candle,
    last_trade: TradeId,
}

impl CandleStreams {
    pub(crate) fn new(spot: &Arc<Spot>) -> CandleStreams {
        CandleStreams {
            spot: Arc::downgrade(spot),
            exchange: spot.exchange.clone(),
            hub: Arc::clone(&spot.hub),
            told: HashMap::new(),
        }
    }

    /// Runs until the routes are gone.
    pub(crate) async fn run(mut self, limits: Limits) {
        let mut ticks = interval(limits.ticker_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = self.hub.stopping();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if self.spot.upgrade().is_none() {
                        break;
                    }
                    self.publish_all().await;
                }
                _ = stopping.changed() => break,
            }
        }
    }

    async fn publish_all(&mut self) {
        let topics = self.hub.topics();
        self.told.retain(|topic, _| topics.contains(topic));
        let listings = newest_by_symbol(self.exchange.markets());
        for topic in topics {
            let Topic::Candle(market, interval) = topic else {
                continue;
            };
            let Some(listing) = listings.iter().find(|listing| listing.market == market) else {
                continue;
            };
            if let Err(error) = self.publish(topic, listing, interval).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a candle cannot be told yet"
                );
            }
        }
    }

    async fn publish(
        &mut self,
        topic: Topic,
        listing: &MarketListing,
        interval: Interval,
    ) -> Result<(), HistoryError> {
        let now_ms = now_ms();
        let last = self
            .exchange
            .market_data(|data| data.recent_trades(listing.market, 1).pop());
        let last_trade = last.map(|last| last.trade).unwrap_or_default();
        let before = self.told.get(&topic).copied();
        let nothing_new =
            |told: &Told| told.last_trade == last_trade && told.candle.open_ms == interval.start(now_ms);
        if before.as_ref().is_some_and(nothing_new) {
            return Ok(());
        }
        let newest = candles(&self.exchange, listing.market, interval, (None, None), 2, now_ms).await?;
        let Some(candle) = newest.last().copied() else {
            return Ok(());
        };
        let current = Told { candle, last_trade };
        self.told.insert(topic, current);
        // The interval that ended since is told once more, as closed.
        if let Some(before) = before.filter(|before| before.candle.open_ms < candle.open_ms)
            && let Some(ended) = newest.iter().find(|one| one.open_ms == before.candle.open_ms)
        {
            let last_before = TradeId(last_trade.0.saturating_sub(candle.trades));
            self.tell(topic, &candle_value(listing, interval, ended, last_before, true));
        }
        if before.is_none_or(|before| before.candle != candle) {
            self.tell(
                topic,
                &candle_value(listing, interval, &candle, last_trade, false),
            );
        }
        Ok(())
    }

    fn tell(&self, topic: Topic, value: &Value) {
        self.hub.publish(topic, &Utf8Bytes::from(value.to_string()));
    }
}
