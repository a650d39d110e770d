//! Candles of whole minutes, hours and days, from which those of every interval are put together. Knows no order and no account.
//!
//! What a run of commands adds is gathered in memory and written at its end, one row a candle, in the run's transaction.

use super::integer;
use crate::market_data::Candle;
use ensoex_engine::Trade;
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::{Amount, MarketId, Price, Quantity, Timestamp};
use std::collections::BTreeMap;

/// Lengths that are stored, in milliseconds: each divides the next.
pub(crate) const CANDLE_LENGTHS_MS: [u64; 3] = [60_000, 3_600_000, 86_400_000];

ensoex_sql::statements! {
    STATEMENTS;
    CANDLE = "SELECT * FROM candles WHERE market = $1 AND length_ms = $2 AND open_ms = $3";
    PUT_CANDLE =
        "INSERT INTO candles (market, length_ms, open_ms, open, high, low, close, volume, quote_volume, trades,
            taker_buy_volume, taker_buy_quote) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (market, length_ms, open_ms) DO UPDATE SET high = excluded.high, low = excluded.low,
            close = excluded.close, volume = excluded.volume, quote_volume = excluded.quote_volume,
            trades = excluded.trades, taker_buy_volume = excluded.taker_buy_volume,
            taker_buy_quote = excluded.taker_buy_quote";
}

/// Writes the table of candles.
#[derive(Default)]
pub(crate) struct Candles {
    /// By market, length and start: what this run adds.
    added: BTreeMap<(MarketId, u64, u64), Candle>,
}

impl Candles {
    pub(crate) fn traded(&mut self, at: Timestamp, trade: &Trade) {
        for length in CANDLE_LENGTHS_MS {
            let candle = Candle::of_trade(trade, at.as_millis(), length);
            let key = (trade.market, length, candle.open_ms);
            self.added
                .entry(key)
                .and_modify(|earlier| earlier.merge(&candle))
                .or_insert(candle);
        }
    }

    pub(crate) async fn write(&mut self, transaction: &mut Transaction) -> Result<(), SqlError> {
        for ((market, length, open_ms), added) in std::mem::take(&mut self.added) {
            let key = CANDLE
                .bind(i64::from(market.0))
                .bind(integer(length))
                .bind(integer(open_ms));
            let stored = transaction.fetch_optional(key).await?;
            let mut candle = added;
            if let Some(row) = stored {
                candle = read_candle(&row)?;
                candle.merge(&added);
            }
            let put = PUT_CANDLE
                .bind(i64::from(market.0))
                .bind(integer(length))
                .bind(integer(open_ms))
                .bind(integer(candle.open.0))
                .bind(integer(candle.high.0))
                .bind(integer(candle.low.0))
                .bind(integer(candle.close.0))
                .bind(candle.volume.0.to_string())
                .bind(candle.quote_volume.0.to_string())
                .bind(integer(candle.trades))
                .bind(candle.taker_buy_volume.0.to_string())
                .bind(candle.taker_buy_quote.0.to_string());
            transaction.execute(put).await?;
        }
        Ok(())
    }
}

/// A row of the table.
pub(crate) fn read_candle(row: &Row) -> Result<Candle, SqlError> {
    let number = |column: &'static str| {
        row.get::<&str>(column)?
            .parse::<u64>()
            .map_err(|_| SqlError::malformed(column))
    };
    let amount = |column: &'static str| {
        row.get::<&str>(column)?
            .parse::<i128>()
            .map_err(|_| SqlError::malformed(column))
    };
    Ok(Candle {
        open_ms: row.unsigned("open_ms")?,
        open: Price(row.unsigned("open")?),
        high: Price(row.unsigned("high")?),
        low: Price(row.unsigned("low")?),
        close: Price(row.unsigned("close")?),
        volume: Quantity(number("volume")?),
        quote_volume: Amount(amount("quote_volume")?),
        trades: row.unsigned("trades")?,
        taker_buy_volume: Quantity(number("taker_buy_volume")?),
        taker_buy_quote: Amount(amount("taker_buy_quote")?),
    })
}
