//! Public market data in memory: recent trades, minute candles, rolling 24 hours. Comes out of a snapshot, and of
//! a replay, the same.

use ensoex_engine::{Event, Side, Trade};
use ensoex_types::{Amount, MarketId, Price, Quantity, Timestamp, TradeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Trades of a market kept in memory.
const RECENT_TRADES_MAX: usize = 1_000;
/// Minutes of candles kept in memory for a market: two years.
const MINUTES_MAX: usize = 2 * 366 * 24 * 60;
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

    /// Candles of a whole number of minutes, oldest first: the first `limit` from `from_ms`, or the last `limit` when
    /// no start is given. Intervals without trades have no candle; starts are aligned to the Unix epoch.
    pub fn candles(
        &self,
        market: MarketId,
        interval_ms: u64,
        from_ms: Option<u64>,
        to_ms: Option<u64>,
        limit: usize,
    ) -> Vec<Candle> {
        let Some(market) = self.markets.get(&market) else {
            return Vec::new();
        };
        let interval_ms = interval_ms.max(MINUTE_MS);
        let start = |at: u64| at - at % interval_ms;
        let minutes = &market.minutes;
        let end = to_ms.map_or(minutes.len(), |to| {
            minutes.partition_point(|minute| minute.open_ms <= to)
        });
        if let Some(from) = from_ms {
            let first = minutes
                .partition_point(|minute| start(minute.open_ms) < from)
                .min(end);
            return aggregate(minutes.range(first..end), start, limit);
        }
        // One interval more than asked for, because the first of these may lack its beginning.
        let per_interval = usize::try_from(interval_ms / MINUTE_MS).unwrap_or(usize::MAX);
        let first = end.saturating_sub(limit.saturating_add(1).saturating_mul(per_interval));
        let mut candles = aggregate(minutes.range(first..end), start, usize::MAX);
        candles.drain(..candles.len().saturating_sub(limit));
        candles
    }
}

pub(crate) fn aggregate<'a>(
    minutes: impl Iterator<Item = &'a Candle>,
    start: impl Fn(u64) -> u64,
    limit: usize,
) -> Vec<Candle> {
    let mut candles: Vec<Candle> = Vec::new();
    for minute in minutes {
        let open_ms = start(minute.open_ms);
        let full = candles.len() >= limit;
        match candles.last_mut() {
            Some(last) if last.open_ms == open_ms => last.merge(minute),
            _ if full => break,
            _ => candles.push(Candle { open_ms, ..*minute }),
        }
    }
    candles
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
        if self.minutes.len() > MINUTES_MAX {
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

    /// Volumes saturate: they inform, they move no money.
    pub(crate) fn merge(&mut self, later: &Candle) {
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
    fn candles_are_aligned_and_bounded() {
        let data = data(100);
        let candles =
            |interval: u64, from: Option<u64>, to: Option<u64>, limit: usize| -> Vec<(u64, u64, u64, u64)> {
                let minutes = |ms: u64| ms * MINUTE_MS;
                data.candles(
                    MarketId(0),
                    minutes(interval),
                    from.map(minutes),
                    to.map(minutes),
                    limit,
                )
                .iter()
                .map(|candle| {
                    (
                        candle.open_ms / MINUTE_MS,
                        candle.open.0,
                        candle.close.0,
                        candle.volume.0,
                    )
                })
                .collect()
            };
        assert_eq!(candles(1, None, None, 2), [(98, 99, 99, 1), (99, 100, 100, 1)]);
        assert_eq!(candles(15, None, None, 2), [(75, 76, 90, 15), (90, 91, 100, 10)]);
        assert_eq!(
            candles(15, Some(30), None, 2),
            [(30, 31, 45, 15), (45, 46, 60, 15)]
        );
        assert_eq!(candles(15, Some(31), None, 1), [(45, 46, 60, 15)]);
        assert_eq!(candles(15, None, Some(20), 5), [(0, 1, 15, 15), (15, 16, 21, 6)]);
        assert_eq!(candles(15, Some(80), Some(10), 5), []);
        assert_eq!(candles(1, None, None, 1_000).len(), 100);
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
