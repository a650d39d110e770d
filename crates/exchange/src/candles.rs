//! Candles of any interval, from a market's first trade to its last: what memory still has comes from there, what is older
//! from the projections. The seam lies where memory begins, on a whole hour or day, so no trade counts twice or not at all.
//!
//! Fails while the projections have not come as far as memory reaches back (they are being rebuilt), and when they cannot be
//! read. Knows no intervals of a calendar and fills no gaps.

use crate::exchange::Exchange;
use crate::history::HistoryError;
use crate::market_data::Candle;
use crate::projection::CANDLE_LENGTHS_MS;
use ensoex_types::{MarketId, Price};
use std::ops::RangeInclusive;

/// Stored candles that one answer is put together from; a longer range is cut off at its end.
pub const STORED_CANDLES_MAX: u64 = 32_000;

/// Candles of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candles {
    /// Price of the last trade before the range; none when there was none.
    pub before: Option<Price>,
    /// Oldest first; intervals without trades have none.
    pub candles: Vec<Candle>,
}

/// Which candles.
pub(crate) struct CandleRange {
    pub(crate) market: MarketId,
    /// Length of the stored candles that they are put together from.
    pub(crate) unit_ms: u64,
    /// Length of theirs.
    interval_ms: u64,
    /// Start of the first.
    pub(crate) first_ms: u64,
    /// The last stored candle begins here or before.
    pub(crate) last_ms: u64,
}

impl CandleRange {
    pub(crate) fn new(market: MarketId, interval_ms: u64, range: RangeInclusive<u64>) -> CandleRange {
        let units = CANDLE_LENGTHS_MS.into_iter().rev();
        let mut dividing = units.filter(|unit| interval_ms.is_multiple_of(*unit));
        let unit_ms = dividing.next().unwrap_or(CANDLE_LENGTHS_MS[0]);
        let interval_ms = (interval_ms - interval_ms % unit_ms).max(unit_ms);
        let first_ms = range.start().saturating_add(interval_ms - 1);
        let first_ms = first_ms - first_ms % interval_ms;
        let longest = unit_ms * STORED_CANDLES_MAX;
        CandleRange {
            market,
            unit_ms,
            interval_ms,
            first_ms,
            last_ms: (*range.end()).min(first_ms.saturating_add(longest - 1)),
        }
    }

    /// Puts shorter candles, oldest first, together.
    pub(crate) fn aggregate<'a>(&self, shorter: impl Iterator<Item = &'a Candle>) -> Vec<Candle> {
        let mut candles: Vec<Candle> = Vec::new();
        for candle in shorter {
            let open_ms = candle.open_ms - candle.open_ms % self.interval_ms;
            match candles.last_mut() {
                Some(last) if last.open_ms == open_ms => last.merge(candle),
                _ => candles.push(Candle { open_ms, ..*candle }),
            }
        }
        candles
    }
}

impl Exchange {
    /// Candles of a whole number of minutes, aligned to the Unix epoch, that begin in `range` (milliseconds since then).
    ///
    /// # Errors
    /// [`HistoryError`] when older ones cannot be read, or are not projected yet.
    pub async fn candles(
        &self,
        market: MarketId,
        interval_ms: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Candles, HistoryError> {
        let wanted = CandleRange::new(market, interval_ms, range);
        let remembered = self.market_data(|data| data.remembered(&wanted));
        self.history().candles(&wanted, remembered).await
    }
}
