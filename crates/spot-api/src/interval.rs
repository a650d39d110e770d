//! Candle intervals of the convention that are whole minutes, and candles without gaps.
//!
//! Weeks start on Monday, months on their first day, everything in UTC. Knows no JSON.

use crate::error::SpotError;
use ensoex_exchange::{Candle, Exchange, HistoryError};
use ensoex_types::{Amount, MarketId, Price, Quantity};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const WEEK_MS: u64 = 7 * DAY_MS;
/// The Unix epoch was a Thursday; the Monday before it lies three days back.
const MONDAY_OFFSET_MS: u64 = 3 * DAY_MS;

/// Length of a candle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Interval {
    /// A length that divides days since the epoch, in milliseconds, with its name.
    Fixed(u64, &'static str),
    Week,
    Month,
}

const FIXED: [(&str, u64); 13] = [
    ("1m", MINUTE_MS),
    ("3m", 3 * MINUTE_MS),
    ("5m", 5 * MINUTE_MS),
    ("15m", 15 * MINUTE_MS),
    ("30m", 30 * MINUTE_MS),
    ("1h", HOUR_MS),
    ("2h", 2 * HOUR_MS),
    ("4h", 4 * HOUR_MS),
    ("6h", 6 * HOUR_MS),
    ("8h", 8 * HOUR_MS),
    ("12h", 12 * HOUR_MS),
    ("1d", DAY_MS),
    ("3d", 3 * DAY_MS),
];

impl Interval {
    /// Reads a name; case matters, because `1m` is a minute and `1M` a month.
    pub(crate) fn parse(text: &str) -> Result<Interval, SpotError> {
        match text {
            "1w" => Ok(Interval::Week),
            "1M" => Ok(Interval::Month),
            _ => {
                let fixed = FIXED.into_iter().find(|(name, _)| *name == text);
                fixed
                    .map(|(name, length)| Interval::Fixed(length, name))
                    .ok_or(SpotError::Interval)
            }
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Interval::Fixed(_, name) => name,
            Interval::Week => "1w",
            Interval::Month => "1M",
        }
    }

    /// Start of the interval that `at_ms` lies in.
    pub(crate) fn start(self, at_ms: u64) -> u64 {
        match self {
            Interval::Fixed(length, _) => at_ms - at_ms % length,
            Interval::Week => {
                let shifted = at_ms + MONDAY_OFFSET_MS;
                (shifted - shifted % WEEK_MS).saturating_sub(MONDAY_OFFSET_MS)
            }
            Interval::Month => month_start(months(at_ms)),
        }
    }

    /// Start of the interval `count` after the one that starts at `start_ms`.
    pub(crate) fn after(self, start_ms: u64, count: u64) -> u64 {
        match self {
            Interval::Fixed(length, _) => start_ms.saturating_add(length.saturating_mul(count)),
            Interval::Week => self.start(
                start_ms
                    .saturating_add(WEEK_MS.saturating_mul(count))
                    .saturating_add(DAY_MS),
            ),
            Interval::Month => month_start(months(start_ms).saturating_add(count)),
        }
    }

    /// Start of the interval `count` before the one that starts at `start_ms`, not before the epoch.
    fn before(self, start_ms: u64, count: u64) -> u64 {
        match self {
            Interval::Fixed(length, _) => start_ms.saturating_sub(length.saturating_mul(count)),
            Interval::Week => self.start(start_ms.saturating_sub(WEEK_MS.saturating_mul(count))),
            Interval::Month => month_start(months(start_ms).saturating_sub(count)),
        }
    }

    /// What the candles are put together from.
    fn source_ms(self) -> u64 {
        match self {
            Interval::Fixed(length, _) => length,
            Interval::Week | Interval::Month => DAY_MS,
        }
    }
}

/// Whole months since January 1970.
fn months(at_ms: u64) -> u64 {
    let seconds = i64::try_from(at_ms / 1_000).unwrap_or(i64::MAX);
    let date = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let years = u64::try_from(date.year() - 1970).unwrap_or(0);
    years * 12 + u64::from(u8::from(date.month())) - 1
}

fn month_start(months: u64) -> u64 {
    let year = i32::try_from(1970 + months / 12).unwrap_or(i32::MAX);
    let month = u8::try_from(months % 12 + 1)
        .ok()
        .and_then(|month| time::Month::try_from(month).ok());
    let date = month.and_then(|month| time::Date::from_calendar_date(year, month, 1).ok());
    let days = date.map_or(0, |date| {
        (date - time::macros::date!(1970 - 01 - 01)).whole_days()
    });
    u64::try_from(days).unwrap_or(0) * DAY_MS
}

/// Candles of a market, oldest first, with a flat one for every interval without trades after the first trade.
/// With a start: the first `limit` from it; otherwise the last `limit` up to the end, which is now by default.
pub(crate) async fn candles(
    exchange: &Exchange,
    market: MarketId,
    interval: Interval,
    range: (Option<u64>, Option<u64>),
    limit: usize,
    now_ms: u64,
) -> Result<Vec<Candle>, HistoryError> {
    let count = u64::try_from(limit).unwrap_or(u64::MAX).saturating_sub(1);
    let end_ms = range.1.map_or(now_ms, |end| end.min(now_ms));
    let (first, last) = match range.0 {
        Some(start_ms) => {
            let aligned = interval.start(start_ms);
            let first = if aligned < start_ms {
                interval.after(aligned, 1)
            } else {
                aligned
            };
            (first, interval.after(first, count).min(interval.start(end_ms)))
        }
        None => {
            let last = interval.start(end_ms);
            (interval.before(last, count), last)
        }
    };
    if first > last {
        return Ok(Vec::new());
    }
    let until = interval.after(last, 1).saturating_sub(1);
    let traded = exchange
        .candles(market, interval.source_ms(), first..=until)
        .await?;
    Ok(without_gaps(
        interval,
        traded.before,
        &traded.candles,
        first,
        last,
    ))
}

fn without_gaps(
    interval: Interval,
    before: Option<Price>,
    traded: &[Candle],
    first: u64,
    last: u64,
) -> Vec<Candle> {
    let mut candles: Vec<Candle> = Vec::new();
    let mut close = before;
    let mut traded = traded.iter().peekable();
    let mut open_ms = first;
    while open_ms <= last {
        let next = interval.after(open_ms, 1);
        let mut current: Option<Candle> = None;
        while let Some(part) = traded.next_if(|part| part.open_ms < next) {
            match &mut current {
                Some(candle) => candle.merge(part),
                None => current = Some(Candle { open_ms, ..*part }),
            }
        }
        let flat = close.map(|close| Candle {
            open_ms,
            open: close,
            high: close,
            low: close,
            close,
            volume: Quantity(0),
            quote_volume: Amount::ZERO,
            trades: 0,
            taker_buy_volume: Quantity(0),
            taker_buy_quote: Amount::ZERO,
        });
        if let Some(candle) = current.or(flat) {
            close = Some(candle.close);
            candles.push(candle);
        }
        open_ms = next;
    }
    candles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candle(open_ms: u64, price: u64) -> Candle {
        Candle {
            open_ms,
            open: Price(price),
            high: Price(price + 1),
            low: Price(price - 1),
            close: Price(price),
            volume: Quantity(2),
            quote_volume: Amount(3),
            trades: 1,
            taker_buy_volume: Quantity(1),
            taker_buy_quote: Amount(1),
        }
    }

    #[test]
    fn starts_follow_the_calendar() -> Result<(), SpotError> {
        // 2024-02-29 13:37:42 UTC, a Thursday.
        let at = 1_709_213_862_000;
        for (name, start, next) in [
            ("1m", 1_709_213_820_000_u64, 1_709_213_880_000_u64),
            ("1h", 1_709_211_600_000, 1_709_215_200_000),
            ("1d", 1_709_164_800_000, 1_709_251_200_000),
            ("1w", 1_708_905_600_000, 1_709_510_400_000),
            ("1M", 1_706_745_600_000, 1_709_251_200_000),
        ] {
            let interval = Interval::parse(name)?;
            assert_eq!(interval.name(), name);
            assert_eq!(interval.start(at), start, "{name}");
            assert_eq!(interval.after(start, 1), next, "{name}");
            assert_eq!(interval.before(next, 1), start, "{name}");
            assert_eq!(interval.start(next), next, "{name}");
        }
        for bad in ["1s", "2m", "1y", "", "1H", "60"] {
            assert!(matches!(Interval::parse(bad), Err(SpotError::Interval)), "{bad}");
        }
        Ok(())
    }

    #[test]
    fn gaps_are_flat_and_nothing_comes_before_the_first_trade() {
        let minute = Interval::Fixed(MINUTE_MS, "1m");
        let traded = [candle(120_000, 10), candle(240_000, 20)];
        let candles = without_gaps(minute, None, &traded, 0, 300_000);
        let seen: Vec<_> = candles.iter().map(|c| (c.open_ms, c.close.0, c.trades)).collect();
        assert_eq!(
            seen,
            [
                (120_000, 10, 1),
                (180_000, 10, 0),
                (240_000, 20, 1),
                (300_000, 20, 0)
            ]
        );
        let candles = without_gaps(minute, Some(Price(7)), &traded, 60_000, 120_000);
        let seen: Vec<_> = candles.iter().map(|c| (c.open_ms, c.close.0, c.trades)).collect();
        assert_eq!(seen, [(60_000, 7, 0), (120_000, 10, 1)]);
    }

    #[test]
    fn days_add_up_to_weeks() {
        let monday = 1_708_905_600_000;
        let traded = [
            candle(monday, 10),
            candle(monday + DAY_MS, 30),
            candle(monday + WEEK_MS, 5),
        ];
        let candles = without_gaps(Interval::Week, None, &traded, monday, monday + WEEK_MS);
        assert_eq!(candles.len(), 2);
        let week = candles[0];
        assert_eq!(
            (week.open.0, week.high.0, week.low.0, week.close.0),
            (10, 31, 9, 30)
        );
        assert_eq!((week.volume.0, week.quote_volume.0, week.trades), (4, 6, 2));
    }
}
