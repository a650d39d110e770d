//! Public market data in memory: recent trades, the newest minutes' candles, rolling 24 hours. Comes out of a snapshot,
//! and of a replay, the same. Older candles are in the projections (`candles.rs`).

use crate::candles::CandleRange;
use ensoex_engine::{Event, Side, Trade};
use ensoex_types::{Amount, MarketId, Price, Quantity, Timestamp, TradeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Trades of a market kept in memory.
const RECENT_TRADES_MAX: usize = 1_000;
/// Minutes with trades kept in memory for a market: those of 8 days, of which the longest window of statistics takes 7.
pub(crate) const MINUTES_MAX: usize = 8 * 24 * 60;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A trade as the public sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicTrade {
    /// Dense from 1 in its market.
    pub trade: TradeId,
    /// In ticks.
    pub price: Price,
    /// In lots.
    pub quantity: Quantity,
    /// In smallest quote units.
    pub quote: Amount,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The resting order was the buyer's.
    pub buyer_is_maker: bool,
}

/// Prices and volume of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// Start, milliseconds since the Unix epoch.
    pub open_ms: u64,
    /// First price.
    pub open: Price,
    /// Greatest price.
    pub high: Price,
    /// Least price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Lots traded.
    pub volume: Quantity,
    /// Quote traded.
    pub quote_volume: Amount,
    /// Number of trades.
    pub trades: u64,
    /// Lots bought by takers.
    pub taker_buy_volume: Quantity,
    /// Quote spent by taking buyers.
    pub taker_buy_quote: Amount,
}

/// The last 24 hours, to the minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticker {
    /// First price in the window; none without trades.
    pub open: Option<Price>,
    /// Greatest price.
    pub high: Option<Price>,
    /// Least price.
    pub low: Option<Price>,
    /// Last price ever traded.
    pub last: Option<Price>,
    /// Lots of the last trade.
    pub last_quantity: Quantity,
    /// Lots traded in the window.
    pub volume: Quantity,
    /// Quote traded in the window.
    pub quote_volume: Amount,
    /// Number of trades in the window.
    pub trades: u64,
    /// First trade of the window.
    pub first_trade: Option<TradeId>,
    /// Last trade ever.
    pub last_trade: Option<TradeId>,
    /// Start of the window.
    pub open_ms: u64,
    /// End of the window.
    pub close_ms: u64,
}

/// Market data of all markets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketData {
    pub(crate) markets: BTreeMap<MarketId, Market>,
}

/// What is kept of one market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Market {
    /// Newest last.
    pub(crate) recent: VecDeque<PublicTrade>,
    /// Newest last.
    pub(crate) minutes: VecDeque<Candle>,
    pub(crate) prevented_matches: u64,
}

/// What memory still has of a range of candles.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// All trades from here on are in memory, milliseconds since the Unix epoch; zero when none was forgotten.
    pub(crate) from_ms: u64,
    /// Price of the last trade before the range, unless it was forgotten.
    pub(crate) before: Option<Price>,
    /// Candles of the part of the range that is not before `from_ms`.
    pub(crate) candles: Vec<Candle>,
}

impl MarketData {
    /// Takes in what a command did.
    pub(crate) fn record(&mut self, at: Timestamp, events: &[Event]) {
        for event in events {
            match event {
                Event::Trade(trade) => self
                    .markets
                    .entry(trade.market)
                    .or_default()
                    .record(public(trade, at.as_millis()), trade.taker_side),
                Event::MatchPrevented { market, .. } => {
                    self.markets.entry(*market).or_default().prevented_matches += 1;
                }
                _ => {}
            }
        }
    }

    /// How many matches self-trade prevention has stopped in a market so far: the id of the last (see
    /// [`crate::PreventedMatchRow`]).
    pub fn prevented_matches(&self, market: MarketId) -> u64 {
        self.markets
            .get(&market)
            .map_or(0, |market| market.prevented_matches)
    }

    /// The 24 hours that end at `now_ms`.
    pub fn ticker(&self, market: MarketId, now_ms: u64) -> Ticker {
        let open_ms = now_ms.saturating_sub(DAY_MS);
        let mut ticker = Ticker {
            open_ms,
            close_ms: now_ms,
            ..Ticker::default()
        };
        let Some(market) = self.markets.get(&market) else {
            return ticker;
        };
        let from = market
            .minutes
            .partition_point(|minute| minute.open_ms + MINUTE_MS <= open_ms);
        for minute in market.minutes.range(from..) {
            ticker.open = ticker.open.or(Some(minute.open));
            ticker.high = ticker.high.max(Some(minute.high));
            ticker.low = Some(ticker.low.map_or(minute.low, |low| low.min(minute.low)));
            ticker.volume.0 = ticker.volume.0.saturating_add(minute.volume.0);
            ticker.quote_volume.0 = ticker.quote_volume.0.saturating_add(minute.quote_volume.0);
            ticker.trades += minute.trades;
        }
        if let Some(last) = market.recent.back() {
            ticker.last = Some(last.price);
            ticker.last_quantity = last.quantity;
            ticker.last_trade = Some(last.trade);
            if ticker.trades > 0 {
                ticker.first_trade = Some(TradeId((last.trade.0 + 1).saturating_sub(ticker.trades)));
            }
        }
        ticker
    }

    /// The newest trades, newest last, at most 1,000.
    pub fn recent_trades(&self, market: MarketId, limit: usize) -> Vec<PublicTrade> {
        let Some(market) = self.markets.get(&market) else {
            return Vec::new();
        };
        let skipped = market.recent.len().saturating_sub(limit);
        market.recent.iter().skip(skipped).copied().collect()
    }

    /// All trades in the minutes that begin at `from_ms` or later, as one candle; none without trades. At most 7 days back.
    pub fn since(&self, market: MarketId, from_ms: u64) -> Option<Candle> {
        let minutes = &self.markets.get(&market)?.minutes;
        let first = minutes.partition_point(|minute| minute.open_ms < from_ms);
        let mut minutes = minutes.range(first..);
        let mut sum = *minutes.next()?;
        minutes.for_each(|minute| sum.merge(minute));
        Some(sum)
    }

    /// What is still here of a range.
    pub(crate) fn remembered(&self, wanted: &CandleRange) -> Remembered {
        let Some(Market { minutes, .. }) = self.markets.get(&wanted.market) else {
            return Remembered::default();
        };
        let forgot = minutes.len() >= MINUTES_MAX;
        let oldest = minutes.front().filter(|_| forgot);
        let from_ms = oldest.map_or(0, |oldest| oldest.open_ms.next_multiple_of(wanted.unit_ms));
        let before_range = minutes.partition_point(|minute| minute.open_ms < wanted.first_ms);
        let first = minutes.partition_point(|minute| minute.open_ms < wanted.first_ms.max(from_ms));
        let end = minutes.partition_point(|minute| minute.open_ms <= wanted.last_ms);
        Remembered {
            from_ms,
            before: before_range.checked_sub(1).map(|last| minutes[last].close),
            candles: wanted.aggregate(minutes.range(first.min(end)..end)),
        }
    }
}

impl Market {
    fn record(&mut self, trade: PublicTrade, taker_side: Side) {
        if self.recent.len() == RECENT_TRADES_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(trade);
        let candle = Candle::of(&trade, taker_side);
        match self.minutes.back_mut() {
            Some(last) if last.open_ms == candle.open_ms => last.merge(&candle),
            _ => self.minutes.push_back(candle),
        }
        self.forget();
    }

    /// Keeps the newest minutes only.
    pub(crate) fn forget(&mut self) {
        while self.minutes.len() > MINUTES_MAX {
            self.minutes.pop_front();
        }
    }
}

impl Candle {
    /// What one trade makes of the interval of `length_ms` that it lies in.
    pub(crate) fn of_trade(trade: &Trade, at_ms: u64, length_ms: u64) -> Candle {
        Candle {
            open_ms: at_ms - at_ms % length_ms,
            ..Candle::of(&public(trade, at_ms), trade.taker_side)
        }
    }

    fn of(trade: &PublicTrade, taker_side: Side) -> Candle {
        let bought = taker_side == Side::Buy;
        Candle {
            open_ms: trade.at_ms - trade.at_ms % MINUTE_MS,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.quantity,
            quote_volume: trade.quote,
            trades: 1,
            taker_buy_volume: if bought { trade.quantity } else { Quantity(0) },
            taker_buy_quote: if bought { trade.quote } else { Amount::ZERO },
        }
    }

    /// Puts a later candle onto this one. Volumes saturate: they inform, they move no money.
    pub fn merge(&mut self, later: &Candle) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume.0 = self.volume.0.saturating_add(later.volume.0);
        self.quote_volume.0 = self.quote_volume.0.saturating_add(later.quote_volume.0);
        self.trades += later.trades;
        self.taker_buy_volume.0 = self.taker_buy_volume.0.saturating_add(later.taker_buy_volume.0);
        self.taker_buy_quote.0 = self.taker_buy_quote.0.saturating_add(later.taker_buy_quote.0);
    }
}

pub(crate) fn public(trade: &Trade, at_ms: u64) -> PublicTrade {
    PublicTrade {
        trade: trade.trade,
        price: trade.price,
        quantity: trade.quantity,
        quote: trade.quote,
        at_ms,
        buyer_is_maker: trade.taker_side == Side::Sell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One trade of one lot in each of the first `minutes` minutes, at a price that is the minute's number plus one.
    fn data(minutes: u64) -> MarketData {
        let mut data = MarketData::default();
        for minute in 0..minutes {
            let trade = PublicTrade {
                trade: TradeId(minute + 1),
                price: Price(minute + 1),
                quantity: Quantity(1),
                quote: Amount(1),
                at_ms: minute * MINUTE_MS + 7,
                buyer_is_maker: false,
            };
            data.markets
                .entry(MarketId(0))
                .or_default()
                .record(trade, Side::Buy);
        }
        data
    }

    #[test]
    fn what_happened_since_is_one_candle() {
        let data = data(10);
        let seen = |from: u64| {
            let since = data.since(MarketId(0), from)?;
            Some((
                since.open.0,
                since.high.0,
                since.low.0,
                since.close.0,
                since.trades,
            ))
        };
        assert_eq!(seen(0), Some((1, 10, 1, 10, 10)));
        assert_eq!(seen(3 * MINUTE_MS), Some((4, 10, 4, 10, 7)));
        assert_eq!(
            seen(3 * MINUTE_MS + 1),
            Some((5, 10, 5, 10, 6)),
            "a minute counts whole or not"
        );
        assert_eq!(seen(10 * MINUTE_MS), None);
    }

    #[test]
    fn the_ticker_forgets_after_a_day() {
        let data = data(10);
        let within = data.ticker(MarketId(0), 10 * MINUTE_MS);
        assert_eq!(
            (within.trades, within.open, within.high),
            (10, Some(Price(1)), Some(Price(10)))
        );
        let later = data.ticker(MarketId(0), DAY_MS + 5 * MINUTE_MS);
        assert_eq!(
            (later.trades, later.open, later.last),
            (5, Some(Price(6)), Some(Price(10)))
        );
        let empty = data.ticker(MarketId(0), 3 * DAY_MS);
        assert_eq!((empty.trades, empty.open, empty.last), (0, None, Some(Price(10))));
        assert_eq!(
            data.ticker(MarketId(9), 1),
            Ticker {
                close_ms: 1,
                ..Ticker::default()
            }
        );
    }
}
