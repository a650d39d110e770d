//! A throw-away exchange with moving markets, for trying clients against: `serve_spot PORT DEMO_JSON [PEM]`.
//!
//! Writes the address and an HMAC key to DEMO_JSON, and an Ed25519 key to PEM. Everything is gone when it ends.

#[path = "../tests/spot/support.rs"]
#[allow(dead_code, reason = "made for the tests; only a part is needed here")]
mod support;

use base64::Engine as _;
use ensoex_engine::{Command, OrderKind, PlaceOrder, Side};
use ensoex_exchange::Exchange;
use ensoex_spot_api::{Limits, SpotApi};
use ensoex_types::{MarketId, Quantity};
use std::time::Duration;
use support::{MAKER, Signs, StaticKeys, TAKER, ed25519_key, exchange, limit, serve, trader_key};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let port = arguments.get(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let exchange = exchange(directory.path()).await;
    let limits = Limits {
        request_weight_per_minute_max: 100_000,
        ..Limits::default()
    };
    let api = SpotApi::start(exchange.clone(), StaticKeys::new(), limits)
        .await
        .expect("the edge starts");
    let address = serve(&api, port).await;
    let (trader, ed25519) = (trader_key(), ed25519_key());
    let Signs::Hmac(secret) = &trader.signs else {
        unreachable!("the trader's key is of this kind")
    };
    let demo = serde_json::json!({
        "service": { "url": format!("http://{address}") },
        "user": { "api_key": trader.name, "api_secret": secret },
    });
    if let Some(path) = arguments.get(2) {
        std::fs::write(path, demo.to_string()).expect("the file can be written");
    }
    if let (Some(path), Signs::Ed25519(key)) = (arguments.get(3), &ed25519.signs) {
        std::fs::write(path, pem(&key.to_bytes())).expect("the file can be written");
    }
    println!("{demo}\nEd25519 key: {}", ed25519.name);
    make_markets(exchange).await;
}

/// PKCS #8 without the public key, as `openssl genpkey` writes it.
fn pem(secret: &[u8; 32]) -> String {
    let mut der = hex::decode("302e020100300506032b657004220420").expect("a fixed prefix");
    der.extend(secret);
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// Keeps ten levels on either side of a wandering price, and trades now and then.
async fn make_markets(exchange: Exchange) {
    for step in 0_u64.. {
        let middle = 5_000_000 + (step % 40) * 100;
        let market = MarketId(0);
        let mut commands = vec![Command::CancelAllOrders {
            account: MAKER,
            market,
        }];
        for level in 1..=10 {
            commands.push(limit(MAKER, Side::Buy, middle - level * 500, 20_000));
            commands.push(limit(MAKER, Side::Sell, middle + level * 500, 20_000));
        }
        let side = if step.is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        };
        commands.push(Command::PlaceOrder(PlaceOrder {
            account: TAKER,
            market,
            side,
            kind: OrderKind::Market {
                quantity: Quantity(100),
            },
            self_trade_prevention: ensoex_engine::SelfTradePrevention::ExpireTaker,
            client_order_id: ensoex_types::ClientOrderId::NONE,
        }));
        if exchange.submit_all(commands).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
