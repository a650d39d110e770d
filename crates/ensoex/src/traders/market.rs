//! A market's units as the API tells them, and whole numbers of ticks and lots in its texts.

use super::client::{TradeError, TradingClient};
use ensoex_types::{format_decimal, parse_decimal};
use serde_json::Value;

/// More decimals than any market has.
const SCALE: u8 = 12;

/// A market with its units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    symbol: String,
    tick: Unit,
    lot: Unit,
    reference: i64,
    /// Least value of an order, in 10^-SCALE quote.
    notional_min: i128,
}

/// A step of prices or quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    /// In 10^-SCALE.
    size: i128,
    /// Decimals of its text.
    decimals: u8,
}

impl Unit {
    fn parse(text: &str) -> Option<Unit> {
        let size = parse_decimal(text, SCALE).ok().filter(|size| *size > 0)?;
        let fraction = text
            .split_once('.')
            .map_or("", |(_, fraction)| fraction)
            .trim_end_matches('0');
        Some(Unit {
            size,
            decimals: u8::try_from(fraction.len()).ok()?,
        })
    }

    fn text(self, count: i64) -> String {
        let value = i128::from(count.max(0)).saturating_mul(self.size);
        format_decimal(
            value / 10_i128.pow(u32::from(SCALE - self.decimals)),
            self.decimals,
        )
    }

    fn count(self, text: &str) -> Option<i64> {
        i64::try_from(parse_decimal(text, SCALE).ok()? / self.size).ok()
    }
}

impl Market {
    /// Reads one entry of `symbols` in `/api/v3/exchangeInfo`.
    pub(crate) fn parse(entry: &Value, reference: &str) -> Option<Market> {
        let symbol = entry.get("symbol")?.as_str()?.to_owned();
        let filters = entry.get("filters")?.as_array()?;
        let filter = |kinds: &[&str], name: &str| {
            let found = filters.iter().find(|filter| {
                filter
                    .get("filterType")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kinds.contains(&kind))
            });
            found?.get(name)?.as_str()
        };
        let tick = Unit::parse(filter(&["PRICE_FILTER"], "tickSize")?)?;
        let lot = Unit::parse(filter(&["LOT_SIZE"], "stepSize")?)?;
        let notional_min = filter(&["NOTIONAL", "MIN_NOTIONAL"], "minNotional")
            .and_then(|text| parse_decimal(text, SCALE).ok())
            .unwrap_or_default();
        let reference = tick.count(reference).filter(|ticks| *ticks > 0)?;
        Some(Market {
            symbol,
            tick,
            lot,
            reference,
            notional_min,
        })
    }

    /// For example `BTCEUR`.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// The price around which the fair price wanders, in ticks.
    pub(crate) fn reference(&self) -> i64 {
        self.reference
    }

    /// Text of a price.
    pub(crate) fn price(&self, ticks: i64) -> String {
        self.tick.text(ticks)
    }

    /// Text of a quantity.
    pub(crate) fn quantity(&self, lots: i64) -> String {
        self.lot.text(lots)
    }

    /// A price in ticks.
    pub(crate) fn ticks(&self, price: &str) -> Option<i64> {
        self.tick.count(price)
    }

    /// How many lots are worth so much quote, rounded down, but never below what an order must be worth.
    pub(crate) fn lots_worth(&self, quote: i64, ticks: i64) -> i64 {
        let one = 10_i128.pow(u32::from(SCALE));
        // The value of one lot, in 10^-SCALE quote.
        let lot_value = (self.lot.size * self.tick.size * i128::from(ticks.max(1)) / one).max(1);
        // A tenth above the minimum, since prices move on the way.
        let least = self.notional_min * 11 / 10 / lot_value + 1;
        let wanted = i128::from(quote).saturating_mul(one) / lot_value;
        i64::try_from(wanted.max(least)).unwrap_or(1)
    }
}

/// The known markets that the Service lists, in the order known.
///
/// # Errors
/// [`TradeError`]
pub(crate) async fn listed(
    client: &TradingClient,
    known: &[(&str, &str)],
) -> Result<Vec<Market>, TradeError> {
    let information = client.public("/api/v3/exchangeInfo", &[]).await?;
    let symbols = information
        .get("symbols")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let find = |(name, reference): &(&str, &str)| {
        let entry = symbols
            .iter()
            .find(|entry| entry.get("symbol").and_then(Value::as_str) == Some(*name))?;
        Market::parse(entry, reference)
    };
    Ok(known.iter().filter_map(find).collect())
}

/// Where the market was last, in ticks; none when it never traded or cannot say.
pub(crate) async fn last_price(client: &TradingClient, market: &Market) -> Option<i64> {
    let trades = client
        .public("/api/v3/trades", &[("symbol", market.symbol()), ("limit", "1")])
        .await
        .ok()?;
    market
        .ticks(trades.get(0)?.get("price")?.as_str()?)
        .filter(|ticks| *ticks > 0)
}

#[cfg(test)]
mod tests {
    use super::Market;
    use serde_json::json;

    fn market(tick: &str, lot: &str, reference: &str) -> Market {
        let entry = json!({ "symbol": "BTCEUR", "filters": [
            { "filterType": "PRICE_FILTER", "tickSize": tick },
            { "filterType": "LOT_SIZE", "stepSize": lot },
            { "filterType": "NOTIONAL", "minNotional": "5.00" },
        ] });
        Market::parse(&entry, reference).expect("a market")
    }

    #[test]
    fn units_are_read_and_written() {
        let market = market("0.01000000", "0.00001000", "61250");
        assert_eq!(market.reference(), 6_125_000);
        assert_eq!(market.price(6_125_001), "61250.01");
        assert_eq!(market.quantity(1_234), "0.01234");
        assert_eq!(market.ticks("61250.01000000"), Some(6_125_001));
        assert_eq!(market.ticks("-1"), None);
    }

    #[test]
    fn coarse_units_work_too() {
        let market = market("0.5", "1", "100");
        assert_eq!(market.price(3), "1.5");
        assert_eq!(market.quantity(7), "7");
    }

    #[test]
    fn lots_follow_the_value() {
        let market = market("0.01", "0.00001", "61250");
        // 0.00001 BTC at 61250.00 is worth 0.6125 EUR.
        assert_eq!(market.lots_worth(1_000, 6_125_000), 1_632);
        // Never below the least value of an order (5 EUR, and a tenth).
        assert_eq!(market.lots_worth(1, 6_125_000), 9);
    }

    #[test]
    fn an_entry_without_units_is_no_market() {
        assert!(Market::parse(&json!({ "symbol": "X", "filters": [] }), "1").is_none());
        assert!(Market::parse(&json!({}), "1").is_none());
    }
}
