//! Keeps a trader in business: looks at its balances now and then and asks the operator for capital when one runs low.

use super::client::TradingClient;
use crate::demo::seed::{TRADER_CAPITAL, grant};
use crate::demo::site::Site;
use ensoex_types::parse_decimal;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

const LOOK_INTERVAL: Duration = Duration::from_secs(90);
/// A balance below one part in so many of the capital is topped up to the whole.
const LOW_PART: i128 = 4;
/// Scale of all amounts here.
const SCALE: u8 = 8;

/// Looks until it is dropped.
pub(crate) async fn run(client: TradingClient, site: Site, account: String) {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let Ok(answer) = client.signed(Method::GET, "/api/v3/account", &[]).await else {
            continue;
        };
        for (asset, amount) in lacking(&answer) {
            // It is looked at again later anyway.
            let _ = grant(&site, &account, asset, amount).await;
        }
    }
}

/// What is to be granted, by asset.
fn lacking(account: &Value) -> Vec<(&'static str, i128)> {
    let balances = account.get("balances").and_then(Value::as_array);
    let total = |asset: &str| {
        let mut all = balances.into_iter().flatten();
        let balance = all.find(|balance| balance.get("asset").and_then(Value::as_str) == Some(asset))?;
        let part = |name: &str| parse_decimal(balance.get(name)?.as_str()?, SCALE).ok();
        part("free")?.checked_add(part("locked")?)
    };
    TRADER_CAPITAL
        .iter()
        .filter_map(|(asset, capital)| {
            let capital = parse_decimal(capital, SCALE).ok()?;
            // An asset that is not listed has never been granted.
            let total = total(asset)?;
            (total < capital / LOW_PART).then_some((*asset, capital - total))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lacking;
    use serde_json::json;

    #[test]
    fn only_low_balances_are_topped_up() {
        let account = json!({ "balances": [
            { "asset": "BTC", "free": "40", "locked": "1.5" },
            { "asset": "ETH", "free": "3000.00000000", "locked": "0.00000000" },
            { "asset": "UAH", "free": "400000000", "locked": "100" },
        ] });
        assert_eq!(lacking(&account), [("BTC", 15_850_000_000)]);
        assert!(lacking(&json!({})).is_empty());
    }
}
