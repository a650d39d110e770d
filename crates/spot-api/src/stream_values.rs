//! Messages of the public streams in the convention's shapes.
//!
//! Knows no subscriber and no clock but for the moment that a message is made.

use crate::clock::now_ms;
use crate::ticker::{Best, Statistics, level_texts};
use crate::topic::Window;
use ensoex_exchange::{Candle, MarketListing};
use ensoex_types::TradeId;
use serde_json::{Value, json};

pub(crate) fn mini_value(listing: &MarketListing, statistics: &Statistics) -> Value {
    json!({
        "e": "24hrMiniTicker",
        "s": listing.spec.symbol,
        "c": statistics.last,
        "o": statistics.open,
        "h": statistics.high,
        "l": statistics.low,
        "v": statistics.volume,
        "q": statistics.quote_volume,
    })
}

pub(crate) fn window_value(listing: &MarketListing, statistics: &Statistics, window: Window) -> Value {
    let mut value = statistics_value(listing, statistics);
    value["e"] = format!("{}Ticker", window.name()).into();
    value
}

pub(crate) fn ticker_value(listing: &MarketListing, statistics: &Statistics, best: Best) -> Value {
    let mut value = statistics_value(listing, statistics);
    value["e"] = "24hrTicker".into();
    value["x"] = statistics.open.clone().into();
    value["Q"] = statistics.last_quantity.clone().into();
    for (price_field, quantity_field, level) in [("b", "B", best.bid), ("a", "A", best.ask)] {
        let (price, quantity) = level_texts(listing, level);
        value[price_field] = price.into();
        value[quantity_field] = quantity.into();
    }
    value
}

fn statistics_value(listing: &MarketListing, statistics: &Statistics) -> Value {
    json!({
        "s": listing.spec.symbol,
        "p": statistics.change,
        "P": statistics.change_percent,
        "w": statistics.weighted_average,
        "o": statistics.open,
        "h": statistics.high,
        "l": statistics.low,
        "c": statistics.last,
        "v": statistics.volume,
        "q": statistics.quote_volume,
        "O": statistics.open_ms,
        "C": statistics.close_ms,
        "F": statistics.first_trade,
        "L": statistics.last_trade,
        "n": statistics.trades,
    })
}

/// Trades are numbered densely, so the last one's number and their count give the first one's.
pub(crate) fn candle_value(
    listing: &MarketListing,
    interval: crate::interval::Interval,
    candle: &Candle,
    last_trade: TradeId,
    closed: bool,
) -> Value {
    let number = |trade: u64| {
        i64::try_from(trade)
            .ok()
            .filter(|_| candle.trades > 0)
            .unwrap_or(-1)
    };
    json!({
        "e": "kline",
        "E": now_ms(),
        "s": listing.spec.symbol,
        "k": {
            "t": candle.open_ms,
            "T": interval.after(candle.open_ms, 1) - 1,
            "s": listing.spec.symbol,
            "i": interval.name(),
            "f": number((last_trade.0 + 1).saturating_sub(candle.trades)),
            "L": number(last_trade.0),
            "o": listing.price_text(candle.open),
            "c": listing.price_text(candle.close),
            "h": listing.price_text(candle.high),
            "l": listing.price_text(candle.low),
            "v": listing.quantity_text(candle.volume),
            "n": candle.trades,
            "x": closed,
            "q": listing.quote_text(candle.quote_volume),
            "V": listing.quantity_text(candle.taker_buy_volume),
            "Q": listing.quote_text(candle.taker_buy_quote),
            "B": "0",
        },
    })
}
