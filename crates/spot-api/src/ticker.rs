//! Tickers: last prices, best prices, statistics of 24 hours and of other windows. Percentages are exact to the
//! third decimal, in integers.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::market::Selection;
use crate::params::Params;
use crate::shared::Spot;
use ensoex_engine::{Level, Side};
use ensoex_exchange::{MarketListing, Ticker};
use ensoex_types::{MarketId, Price, Sequence, TradeId, format_decimal};
use serde_json::{Map, Value, json};

const MINUTE_MS: u64 = 60_000;
/// Symbols in one request for windows.
const WINDOW_SYMBOLS_MAX: usize = 100;

/// The best level of either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) bid: Option<Level>,
    pub(crate) ask: Option<Level>,
}

/// Statistics of a window, in texts.
pub(crate) struct Statistics {
    pub(crate) change: String,
    pub(crate) change_percent: String,
    pub(crate) weighted_average: String,
    pub(crate) open: String,
    pub(crate) high: String,
    pub(crate) low: String,
    pub(crate) last: String,
    pub(crate) last_quantity: String,
    pub(crate) volume: String,
    pub(crate) quote_volume: String,
    pub(crate) open_ms: u64,
    pub(crate) close_ms: u64,
    pub(crate) first_trade: i64,
    pub(crate) last_trade: i64,
    pub(crate) trades: u64,
}

impl Statistics {
    /// Texts of a ticker. Without trades in the window, its prices are the last price.
    pub(crate) fn of(listing: &MarketListing, ticker: &Ticker) -> Statistics {
        let last = ticker.last.unwrap_or_default();
        let open = ticker.open.unwrap_or(last);
        let price = |price: Option<Price>| listing.price_text(price.unwrap_or(last));
        let trade = |trade: Option<TradeId>| trade.filter(|_| ticker.trades > 0).map_or(-1, trade_id);
        let change = i128::from(last.0) - i128::from(open.0);
        let tick = i128::from(listing.spec.tick_units);
        Statistics {
            change: format_decimal(change.saturating_mul(tick), listing.spec.price_scale),
            change_percent: percent_text(change, open),
            weighted_average: listing
                .average_price_text(ticker.quote_volume, ticker.volume)
                .unwrap_or_else(|| listing.price_text(last)),
            open: price(ticker.open),
            high: price(ticker.high),
            low: price(ticker.low),
            last: listing.price_text(last),
            last_quantity: listing.quantity_text(ticker.last_quantity),
            volume: listing.quantity_text(ticker.volume),
            quote_volume: listing.quote_text(ticker.quote_volume),
            open_ms: ticker.open_ms,
            close_ms: ticker.close_ms,
            first_trade: trade(ticker.first_trade),
            last_trade: trade(ticker.last_trade),
            trades: ticker.trades,
        }
    }

    fn mini(&self, symbol: &str) -> Map<String, Value> {
        let value = json!({
            "symbol": symbol,
            "openPrice": self.open,
            "highPrice": self.high,
            "lowPrice": self.low,
            "lastPrice": self.last,
            "volume": self.volume,
            "quoteVolume": self.quote_volume,
            "openTime": self.open_ms,
            "closeTime": self.close_ms,
            "firstId": self.first_trade,
            "lastId": self.last_trade,
            "count": self.trades,
        });
        value.as_object().cloned().unwrap_or_default()
    }

    fn full(&self, symbol: &str) -> Map<String, Value> {
        let mut value = self.mini(symbol);
        value.insert("priceChange".into(), self.change.clone().into());
        value.insert("priceChangePercent".into(), self.change_percent.clone().into());
        value.insert("weightedAvgPrice".into(), self.weighted_average.clone().into());
        value
    }
}

impl Spot {
    /// `ticker/24hr`.
    pub(crate) fn ticker_day(&self, params: &mut Params) -> Result<Value, SpotError> {
        let (selection, status) = self.selection(params)?;
        let mini = is_mini(params)?;
        params.finish()?;
        self.for_each(selection, status, |listing| {
            let statistics = self.day_statistics(listing);
            if mini {
                return Value::Object(statistics.mini(&listing.spec.symbol));
            }
            let (_, best) = self.best(listing.market);
            let mut value = statistics.full(&listing.spec.symbol);
            // The price before the window is not kept: the window's first stands for it.
            value.insert("prevClosePrice".into(), statistics.open.into());
            value.insert("lastQty".into(), statistics.last_quantity.into());
            for (side, level) in [("bid", best.bid), ("ask", best.ask)] {
                let (price, quantity) = level_texts(listing, level);
                value.insert(format!("{side}Price"), price.into());
                value.insert(format!("{side}Qty"), quantity.into());
            }
            Value::Object(value)
        })
    }

    /// Statistics of the last 24 hours.
    pub(crate) fn day_statistics(&self, listing: &MarketListing) -> Statistics {
        let ticker = self
            .exchange
            .market_data(|data| data.ticker(listing.market, now_ms()));
        Statistics::of(listing, &ticker)
    }

    /// `ticker/price`.
    pub(crate) fn ticker_price(&self, params: &mut Params) -> Result<Value, SpotError> {
        let (selection, status) = self.selection(params)?;
        params.finish()?;
        self.for_each(selection, status, |listing| {
            let last = self
                .exchange
                .market_data(|data| data.recent_trades(listing.market, 1).pop());
            let price = last.map(|trade| trade.price).unwrap_or_default();
            json!({ "symbol": listing.spec.symbol, "price": listing.price_text(price) })
        })
    }

    /// `ticker/bookTicker`.
    pub(crate) fn ticker_book(&self, params: &mut Params) -> Result<Value, SpotError> {
        let (selection, status) = self.selection(params)?;
        params.finish()?;
        self.for_each(selection, status, |listing| {
            let (_, best) = self.best(listing.market);
            let (bid, bid_quantity) = level_texts(listing, best.bid);
            let (ask, ask_quantity) = level_texts(listing, best.ask);
            json!({ "symbol": listing.spec.symbol, "bidPrice": bid, "bidQty": bid_quantity, "askPrice": ask,
                "askQty": ask_quantity })
        })
    }

    /// Best levels and the sequence they had.
    pub(crate) fn best(&self, market: MarketId) -> (Sequence, Best) {
        self.exchange.read(|engine| {
            let best = |side| engine.depth(market, side, 1).first().copied();
            (
                engine.sequence(),
                Best {
                    bid: best(Side::Buy),
                    ask: best(Side::Sell),
                },
            )
        })
    }

    /// `ticker`: a window of the client's choice.
    pub(crate) fn ticker_window(&self, params: &mut Params) -> Result<Value, SpotError> {
        let (selection, status) = self.selection(params)?;
        let window = params.text("windowSize");
        let minutes = window.map_or(Ok(24 * 60), |text| window_minutes(&text))?;
        let mini = is_mini(params)?;
        params.finish()?;
        match &selection {
            Selection::All => return Err(SpotError::MandatoryEither("symbol", "symbols")),
            Selection::Many(listings) if listings.len() > WINDOW_SYMBOLS_MAX => {
                return Err(SpotError::InvalidValue("symbols"));
            }
            Selection::One(_) | Selection::Many(_) => {}
        }
        self.for_each(selection, status, |listing| {
            let statistics = self.window_statistics(listing, minutes);
            let symbol = &listing.spec.symbol;
            Value::Object(if mini {
                statistics.mini(symbol)
            } else {
                statistics.full(symbol)
            })
        })
    }

    /// Statistics of the last minutes; the window starts on a whole minute.
    pub(crate) fn window_statistics(&self, listing: &MarketListing, minutes: u64) -> Statistics {
        let close_ms = now_ms();
        let open_ms = (close_ms - close_ms % MINUTE_MS).saturating_sub(minutes * MINUTE_MS);
        let (sum, last) = self.exchange.market_data(|data| {
            let sum = data.since(listing.market, open_ms);
            (sum, data.recent_trades(listing.market, 1).pop())
        });
        let mut ticker = Ticker {
            open_ms,
            close_ms,
            ..Ticker::default()
        };
        ticker.last = last.map(|trade| trade.price);
        ticker.last_trade = last.map(|trade| trade.trade);
        if let Some(sum) = sum {
            ticker.open = Some(sum.open);
            ticker.high = Some(sum.high);
            ticker.low = Some(sum.low);
            ticker.volume = sum.volume;
            ticker.quote_volume = sum.quote_volume;
            ticker.trades = sum.trades;
            ticker.first_trade = last.map(|last| TradeId((last.trade.0 + 1).saturating_sub(sum.trades)));
        }
        Statistics::of(listing, &ticker)
    }
}

/// Price and quantity of a level; zeros where there is none.
pub(crate) fn level_texts(listing: &MarketListing, level: Option<Level>) -> (String, String) {
    let (price, quantity) = level
        .map(|level| (level.price, level.quantity))
        .unwrap_or_default();
    (listing.price_text(price), listing.quantity_text(quantity))
}

fn trade_id(trade: TradeId) -> i64 {
    i64::try_from(trade.0).unwrap_or(i64::MAX)
}

/// Change over the first price in percent, with three decimals, rounded half away from zero.
fn percent_text(change: i128, open: Price) -> String {
    if open.0 == 0 {
        return format_decimal(0, 3);
    }
    let open = i128::from(open.0);
    let doubled = change.saturating_mul(200_000) / open;
    let rounded = (doubled + doubled.signum()) / 2;
    format_decimal(rounded, 3)
}

fn is_mini(params: &mut Params) -> Result<bool, SpotError> {
    match params.text("type").as_deref() {
        None | Some("FULL") => Ok(false),
        Some("MINI") => Ok(true),
        Some(_) => Err(SpotError::TickerType),
    }
}

/// `1m`…`59m`, `1h`…`23h`, `1d`…`7d`.
fn window_minutes(text: &str) -> Result<u64, SpotError> {
    let invalid = || SpotError::InvalidValue("windowSize");
    let unit_at = text
        .len()
        .checked_sub(1)
        .filter(|at| text.is_char_boundary(*at))
        .ok_or_else(invalid)?;
    let (count, unit) = text.split_at(unit_at);
    let (minutes, max) = match unit {
        "m" => (1, 59),
        "h" => (60, 23),
        "d" => (24 * 60, 7),
        _ => return Err(invalid()),
    };
    let digits = !count.starts_with('0') && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = count.parse().map_err(|_| invalid())?;
    if digits && count <= max {
        Ok(count * minutes)
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_half_away_from_zero() {
        for (change, open, text) in [
            (0, 100, "0.000"),
            (1, 3, "33.333"),
            (2, 3, "66.667"),
            (-2, 3, "-66.667"),
            (1, 200_000, "0.001"),
            (-1, 200_000, "-0.001"),
            (1, 200_001, "0.000"),
            (5, 0, "0.000"),
        ] {
            assert_eq!(percent_text(change, Price(open)), text, "{change}/{open}");
        }
    }

    #[test]
    fn windows_are_minutes_hours_or_days() -> Result<(), SpotError> {
        for (text, minutes) in [("1m", 1), ("59m", 59), ("1h", 60), ("23h", 1_380), ("7d", 10_080)] {
            assert_eq!(window_minutes(text)?, minutes);
        }
        for text in ["", "m", "0m", "60m", "24h", "8d", "1w", "01m", "+1m", "1é"] {
            assert!(window_minutes(text).is_err(), "{text}");
        }
        Ok(())
    }
}
