//! People who place orders all the time and remember what was acknowledged.

use ensoex_cli::demo::accounts::DemoAccount;
use ensoex_cli::traders::{Pace, TradeError, TradingClient};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SYMBOL: (&str, &str) = ("symbol", "BTCEUR");

/// A client of the trading API, at most `per_second` requests a second.
pub(crate) fn client(base: &str, person: &DemoAccount, per_second: u32) -> TradingClient {
    let (key, secret) = (person.api_key.as_deref(), person.api_secret.as_deref());
    let pace = Arc::new(Pace::new(per_second));
    TradingClient::new(base, key.expect("a key"), secret.expect("a secret"), pace).expect("a client")
}

/// Places one order that rests; the answer's order id once it is acknowledged.
pub(crate) async fn place(client: &TradingClient, name: &str) -> Result<u64, TradeError> {
    let parameters = [
        SYMBOL,
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "0.001"),
        ("price", "10000"),
        ("newClientOrderId", name),
    ];
    let answer = client.signed(Method::POST, "/api/v3/order", &parameters).await?;
    Ok(answer["orderId"].as_u64().expect("an order id"))
}

/// Places orders until told to stop, or nobody answers; what was acknowledged, by name.
pub(crate) async fn trade(
    client: TradingClient,
    prefix: String,
    stop: Arc<AtomicBool>,
) -> BTreeMap<String, u64> {
    let mut acknowledged = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let name = format!("{prefix}-{number}");
        match place(&client, &name).await {
            Ok(order) => {
                acknowledged.insert(name, order);
            }
            Err(TradeError::Unreachable(_)) => break,
            Err(error) => tokio::time::sleep(error.wait().unwrap_or_default()).await,
        }
    }
    acknowledged
}

/// Open orders: ids by name.
pub(crate) async fn open_orders(client: &TradingClient) -> BTreeMap<String, Vec<u64>> {
    let orders = client
        .signed(Method::GET, "/api/v3/openOrders", &[SYMBOL])
        .await
        .expect("open orders");
    let mut by_name: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for order in orders.as_array().expect("a list") {
        let name = order["clientOrderId"].as_str().expect("a name").to_owned();
        by_name
            .entry(name)
            .or_default()
            .push(order["orderId"].as_u64().expect("an id"));
    }
    by_name
}

/// Makes room for more.
pub(crate) async fn cancel_all(client: &TradingClient) -> Result<Value, TradeError> {
    client
        .signed(Method::DELETE, "/api/v3/openOrders", &[SYMBOL])
        .await
}

/// Each acknowledged order is open under its id, and no name is open twice.
pub(crate) fn compare(acknowledged: &BTreeMap<String, u64>, open: &BTreeMap<String, Vec<u64>>) {
    for (name, order) in acknowledged {
        assert_eq!(
            open.get(name),
            Some(&vec![*order]),
            "the acknowledged order {name} is lost"
        );
    }
    if let Some(twice) = open.iter().find(|(_, orders)| orders.len() != 1) {
        panic!("there twice: {twice:?}");
    }
}

#[test]
fn the_comparison_sees_what_is_lost_and_what_is_double() {
    let acknowledged = BTreeMap::from([("a".to_owned(), 1)]);
    let open = |orders: &[u64]| BTreeMap::from([("a".to_owned(), orders.to_vec())]);
    compare(&acknowledged, &open(&[1]));
    for wrong in [&[][..], &[2], &[1, 1]] {
        let compared = std::panic::catch_unwind(|| compare(&acknowledged, &open(wrong)));
        assert!(compared.is_err(), "{wrong:?}");
    }
    assert!(std::panic::catch_unwind(|| compare(&acknowledged, &BTreeMap::new())).is_err());
}
