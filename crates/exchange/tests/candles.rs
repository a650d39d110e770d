//! Candles reach back to a market's first trade, however little of them memory keeps, before and after a restart.

mod common;

use common::{BUYER, MARKET, SELLER, accepted, config, first_commands, limit};
use ensoex_engine::Side;
use ensoex_exchange::{Candles, Clock, Exchange, ExchangeConfig};
use ensoex_types::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Eight days and four hours with a trade in each minute: memory keeps eight days.
const MINUTES: u64 = (8 * 24 + 4) * 60;
/// A whole minute, not a whole hour.
const FIRST_MS: u64 = 20_000 * DAY_MS + 5 * HOUR_MS + 7 * MINUTE_MS;

/// Candles of all that was traded, by length.
async fn everything(exchange: &Exchange) -> Vec<Candles> {
    while exchange.projection_lag().commands() > 0 {
        tokio::task::yield_now().await;
    }
    let mut all = Vec::new();
    for length in [MINUTE_MS, 5 * MINUTE_MS, 2 * HOUR_MS, DAY_MS] {
        let first = FIRST_MS - FIRST_MS % length;
        all.push(exchange.candles(MARKET, length, first..=u64::MAX).await.unwrap());
    }
    let middle = FIRST_MS + 12 * HOUR_MS;
    all.push(
        exchange
            .candles(MARKET, HOUR_MS, middle..=u64::MAX)
            .await
            .unwrap(),
    );
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_that_memory_forgot_are_there_before_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let now_us = Arc::new(AtomicU64::new((FIRST_MS - MINUTE_MS) * 1_000));
    let clock = Arc::clone(&now_us);
    let config = ExchangeConfig {
        clock: Clock::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        ..config(directory.path())
    };
    let exchange = Exchange::start(config.clone()).await.unwrap();
    exchange.submit_all(first_commands()).await.unwrap();
    accepted(&exchange, limit(SELLER, Side::Sell, 1_000, MINUTES, "all")).await;
    for minute in 0..MINUTES {
        now_us.store((FIRST_MS + minute * MINUTE_MS) * 1_000, Ordering::Relaxed);
        accepted(&exchange, limit(BUYER, Side::Buy, 1_000, 1, &minute.to_string())).await;
    }
    let before = everything(&exchange).await;
    for (all, length) in before.iter().zip([MINUTE_MS, 5 * MINUTE_MS, 2 * HOUR_MS, DAY_MS]) {
        let first = FIRST_MS - FIRST_MS % length;
        let expected = (FIRST_MS + (MINUTES - 1) * MINUTE_MS - first) / length + 1;
        assert_eq!(all.before, None);
        for (candle, number) in all.candles.iter().zip(0..) {
            assert_eq!(candle.open_ms, first + number * length, "no gap and none twice");
            let (starts, ends) = (candle.open_ms.max(FIRST_MS), candle.open_ms + length);
            let minutes = (ends.min(FIRST_MS + MINUTES * MINUTE_MS) - starts) / MINUTE_MS;
            assert_eq!((candle.trades, candle.volume.0), (minutes, minutes), "{candle:?}");
        }
        assert_eq!(all.candles.len() as u64, expected);
    }
    assert_eq!(before[4].before.map(|price| price.0), Some(1_000));
    exchange.close().await;
    drop(exchange);
    let exchange = Exchange::start(config).await.unwrap();
    assert!(everything(&exchange).await == before, "a restart changes nothing");
}
