//! Names of the public streams.

use crate::interval::Interval;
use ensoex_exchange::Exchange;
use ensoex_types::MarketId;

/// A public stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Trade(MarketId),
    AggregateTrade(MarketId),
    /// Changed levels of the book.
    Depth(MarketId, Speed),
    /// The best levels of the book.
    Levels(MarketId, u8, Speed),
    Candle(MarketId, Interval),
    MiniTicker(MarketId),
    Ticker(MarketId),
    /// Statistics of a window.
    WindowTicker(MarketId, Window),
    BookTicker(MarketId),
    AveragePrice(MarketId),
    AllMiniTickers,
    AllTickers,
    AllWindowTickers(Window),
    AllBookTickers,
}

/// How often a book is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Speed {
    /// Every 100 ms.
    Fast,
    /// Every second.
    Slow,
}

/// Windows of rolling statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Window {
    Hour,
    FourHours,
    Day,
}

impl Window {
    /// All of them.
    pub(crate) const ALL: [Window; 3] = [Window::Hour, Window::FourHours, Window::Day];

    /// As in stream names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Window::Hour => "1h",
            Window::FourHours => "4h",
            Window::Day => "1d",
        }
    }

    /// Its length.
    pub(crate) fn minutes(self) -> u64 {
        match self {
            Window::Hour => 60,
            Window::FourHours => 4 * 60,
            Window::Day => 24 * 60,
        }
    }
}

/// Numbers of levels that partial books have.
const LEVELS: [(&str, u8); 3] = [("5", 5), ("10", 10), ("20", 20)];

impl Topic {
    /// The stream of this name, if there is one and its market is listed.
    pub(crate) fn parse(name: &str, exchange: &Exchange) -> Option<Topic> {
        if let Some(all) = name.strip_prefix('!') {
            return parse_all(all);
        }
        let (symbol, kind) = name.split_once('@')?;
        if symbol.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let market = exchange.market_by_symbol(&symbol.to_ascii_uppercase())?.market;
        parse_kind(market, kind)
    }
}

fn parse_all(name: &str) -> Option<Topic> {
    match name {
        "miniTicker@arr" | "miniTicker@arr@1000ms" => Some(Topic::AllMiniTickers),
        "ticker@arr" | "ticker@arr@1000ms" => Some(Topic::AllTickers),
        "bookTicker" => Some(Topic::AllBookTickers),
        _ => {
            let window = name.strip_prefix("ticker_")?.strip_suffix("@arr")?;
            Window::ALL
                .into_iter()
                .find(|known| known.name() == window)
                .map(Topic::AllWindowTickers)
        }
    }
}

fn parse_kind(market: MarketId, kind: &str) -> Option<Topic> {
    match kind {
        "trade" => return Some(Topic::Trade(market)),
        "aggTrade" => return Some(Topic::AggregateTrade(market)),
        "miniTicker" => return Some(Topic::MiniTicker(market)),
        "ticker" => return Some(Topic::Ticker(market)),
        "bookTicker" => return Some(Topic::BookTicker(market)),
        "avgPrice" => return Some(Topic::AveragePrice(market)),
        _ => {}
    }
    if let Some(interval) = kind.strip_prefix("kline_") {
        return Interval::parse(interval)
            .ok()
            .map(|interval| Topic::Candle(market, interval));
    }
    if let Some(window) = kind.strip_prefix("ticker_") {
        let window = Window::ALL.into_iter().find(|known| known.name() == window)?;
        return Some(Topic::WindowTicker(market, window));
    }
    let depth = kind.strip_prefix("depth")?;
    let (levels, speed) = match depth.split_once('@') {
        Some((levels, "100ms")) => (levels, Speed::Fast),
        Some((levels, "1000ms")) => (levels, Speed::Slow),
        Some(_) => return None,
        None => (depth, Speed::Slow),
    };
    if levels.is_empty() {
        return Some(Topic::Depth(market, speed));
    }
    let (_, levels) = LEVELS.into_iter().find(|(name, _)| *name == levels)?;
    Some(Topic::Levels(market, levels, speed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_streams() {
        let market = MarketId(3);
        for (name, topic) in [
            ("trade", Some(Topic::Trade(market))),
            ("depth", Some(Topic::Depth(market, Speed::Slow))),
            ("depth@100ms", Some(Topic::Depth(market, Speed::Fast))),
            ("depth@1000ms", Some(Topic::Depth(market, Speed::Slow))),
            ("depth20@100ms", Some(Topic::Levels(market, 20, Speed::Fast))),
            ("depth5", Some(Topic::Levels(market, 5, Speed::Slow))),
            ("kline_1M", Some(Topic::Candle(market, Interval::Month))),
            ("ticker_4h", Some(Topic::WindowTicker(market, Window::FourHours))),
            ("depth7", None),
            ("depth@10ms", None),
            ("kline_1s", None),
            ("kline", None),
            ("Trade", None),
            ("", None),
        ] {
            assert_eq!(parse_kind(market, name), topic, "{name}");
        }
        assert_eq!(
            parse_all("ticker_1h@arr"),
            Some(Topic::AllWindowTickers(Window::Hour))
        );
        assert_eq!(parse_all("ticker_2h@arr"), None);
    }
}
