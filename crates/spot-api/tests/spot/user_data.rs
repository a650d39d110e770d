//! What an account is told of its orders and balances.

use crate::client::Socket;
use crate::support::{
    BTC, Key, MAKER, Server, TRADER, ed25519_key, limit, maker_key, now_ms, trader_key, transfer,
};
use ensoex_engine::{Command, OrderKind, OrderRef, PlaceOrder, SelfTradePrevention, Side, TimeInForce};
use ensoex_spot_api::Limits;
use ensoex_types::{ClientOrderId, Price, Quantity, TransferId};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

fn subscription(key: &Key, id: &str) -> Value {
    let timestamp = now_ms();
    let signature = key.sign(&format!("apiKey={}&timestamp={timestamp}", key.name));
    let params = json!({"apiKey": key.name, "timestamp": timestamp, "signature": signature});
    json!({"id": id, "method": "userDataStream.subscribe.signature", "params": params})
}

pub(crate) async fn listening(server: &Server, key: &Key) -> Socket {
    let mut socket = server.connect("/ws-api/v3").await;
    let answer = socket.ask(&subscription(key, "s")).await;
    assert_eq!(answer["result"], json!({"subscriptionId": 0}), "{answer}");
    socket
}

/// The next event, unwrapped.
pub(crate) async fn event(socket: &mut Socket) -> Value {
    let message = socket.next().await;
    assert_eq!(message["subscriptionId"], 0, "{message}");
    message["event"].clone()
}

#[track_caller]
pub(crate) fn has(value: &Value, fields: &[(&str, Value)]) {
    for (field, expected) in fields {
        assert_eq!(value[field], *expected, "{field} of {value}");
    }
}

#[tokio::test]
async fn an_order_s_life_is_told_to_its_owner_alone() {
    let server = Server::start().await;
    let mut trader = listening(&server, &trader_key()).await;
    let mut other = listening(&server, &ed25519_key()).await;
    let order =
        "symbol=BTCEUR&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=50000&newClientOrderId=mine";
    let placed = server
        .signed(&trader_key(), Method::POST, "/api/v3/order", order)
        .await
        .ok();
    let new = event(&mut trader).await;
    has(
        &new,
        &[
            ("e", json!("executionReport")),
            ("s", json!("BTCEUR")),
            ("c", json!("mine")),
            ("C", json!("")),
            ("S", json!("SELL")),
            ("o", json!("LIMIT")),
            ("f", json!("GTC")),
            ("q", json!("1.00000000")),
            ("p", json!("50000.00")),
            ("x", json!("NEW")),
            ("X", json!("NEW")),
            ("r", json!("NONE")),
            ("i", placed["orderId"].clone()),
            ("t", json!(-1)),
            ("w", json!(true)),
            ("N", json!(null)),
            ("V", json!("EXPIRE_TAKER")),
        ],
    );
    let position = event(&mut trader).await;
    assert_eq!(position["e"], "outboundAccountPosition");
    assert_eq!(
        position["B"][0],
        json!({"a": "BTC", "f": "1.00000000", "l": "1.00000000"})
    );

    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 5_000_000, 40_000))
        .await
        .unwrap();
    let trade = event(&mut trader).await;
    has(
        &trade,
        &[
            ("x", json!("TRADE")),
            ("X", json!("PARTIALLY_FILLED")),
            ("l", json!("0.40000000")),
            ("L", json!("50000.00")),
            ("z", json!("0.40000000")),
            ("Y", json!("20000.00000000")),
            ("Z", json!("20000.00000000")),
            ("n", json!("20.00000000")),
            ("N", json!("EUR")),
            ("t", json!(1)),
            ("m", json!(true)),
            ("w", json!(true)),
        ],
    );
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");

    let cancel = format!("symbol=BTCEUR&orderId={}&newClientOrderId=bye", placed["orderId"]);
    server
        .signed(&trader_key(), Method::DELETE, "/api/v3/order", &cancel)
        .await
        .ok();
    let canceled = event(&mut trader).await;
    has(
        &canceled,
        &[
            ("x", json!("CANCELED")),
            ("X", json!("CANCELED")),
            ("c", json!("bye")),
            ("C", json!("mine")),
            ("z", json!("0.40000000")),
            ("w", json!(false)),
        ],
    );
    assert!(new["I"] != trade["I"] && trade["I"] != canceled["I"]);
    // Nothing of this reached the other account: its next message is the answer.
    other.send(&json!({"id": 5, "method": "ping"})).await;
    assert_eq!(other.next().await["id"], 5);
}

#[tokio::test]
async fn a_filled_order_is_told_as_filled_with_its_last_trade() {
    let server = Server::start().await;
    server.with_book().await;
    let mut trader = listening(&server, &trader_key()).await;
    let order = "symbol=BTCEUR&side=BUY&type=MARKET&quantity=0.7";
    let placed = server
        .signed(&trader_key(), Method::POST, "/api/v3/order", order)
        .await
        .ok();
    let (new, first, last) = (
        event(&mut trader).await,
        event(&mut trader).await,
        event(&mut trader).await,
    );
    has(&new, &[("x", json!("NEW")), ("o", json!("MARKET"))]);
    has(
        &first,
        &[
            ("X", json!("PARTIALLY_FILLED")),
            ("t", json!(1)),
            ("m", json!(false)),
            ("N", json!("BTC")),
        ],
    );
    has(
        &last,
        &[
            ("X", json!("FILLED")),
            ("t", json!(2)),
            ("z", json!("0.70000000")),
            ("w", json!(false)),
        ],
    );
    assert_eq!(last["Z"], placed["cummulativeQuoteQty"]);
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");

    let ioc = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.1&price=50000";
    server
        .signed(&trader_key(), Method::POST, "/api/v3/order", ioc)
        .await
        .ok();
    assert_eq!(event(&mut trader).await["x"], "NEW");
    let expired = event(&mut trader).await;
    has(
        &expired,
        &[
            ("x", json!("EXPIRED")),
            ("X", json!("EXPIRED")),
            ("eR", json!("UNFILLED_IOC_QUANTITY_EXPIRED")),
        ],
    );
}

#[tokio::test]
async fn an_order_from_before_the_streams_is_told_with_what_it_had() {
    let server = Server::start().await;
    let sell = server
        .exchange
        .submit(limit(TRADER, Side::Sell, 5_000_000, 100_000))
        .await
        .unwrap();
    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 5_000_000, 25_000))
        .await
        .unwrap();
    let late =
        ensoex_spot_api::SpotApi::start(server.exchange.clone(), server.keys.clone(), Limits::default())
            .await
            .unwrap();
    let address = crate::support::serve(&late, 0).await;
    let server = Server { address, ..server };
    let mut trader = listening(&server, &trader_key()).await;
    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 5_000_000, 25_000))
        .await
        .unwrap();
    let report = event(&mut trader).await;
    has(
        &report,
        &[
            ("z", json!("0.50000000")),
            ("Z", json!("25000.00000000")),
            ("q", json!("1.00000000")),
        ],
    );
    assert!(report["O"].as_u64().unwrap() <= sell.at.as_millis());
}

#[tokio::test]
async fn money_that_comes_and_goes_is_told() {
    let server = Server::start().await;
    let mut trader = listening(&server, &trader_key()).await;
    server
        .exchange
        .submit(Command::Transfer(transfer(900, TRADER, BTC, 50_000_000)))
        .await
        .unwrap();
    has(
        &event(&mut trader).await,
        &[
            ("e", json!("balanceUpdate")),
            ("a", json!("BTC")),
            ("d", json!("0.50000000")),
        ],
    );
    let position = event(&mut trader).await;
    assert_eq!(
        position["B"],
        json!([{"a": "BTC", "f": "2.50000000", "l": "0.00000000"}])
    );
    let mut out = transfer(901, ensoex_types::AccountId::PAY_CLEARING, BTC, 100_000_000);
    out.debit = TRADER;
    server.exchange.submit(Command::HoldTransfer(out)).await.unwrap();
    assert_eq!(
        event(&mut trader).await["B"][0],
        json!({"a": "BTC", "f": "1.50000000", "l": "1.00000000"})
    );
    server
        .exchange
        .submit(Command::PostTransfer {
            transfer: TransferId(901),
        })
        .await
        .unwrap();
    has(
        &event(&mut trader).await,
        &[("e", json!("balanceUpdate")), ("d", json!("-1.00000000"))],
    );
    assert_eq!(
        event(&mut trader).await["B"][0],
        json!({"a": "BTC", "f": "1.50000000", "l": "0.00000000"})
    );
}

#[tokio::test]
async fn reductions_and_own_orders_are_told() {
    let server = Server::start().await;
    let mut trader = listening(&server, &trader_key()).await;
    let outcome = server
        .exchange
        .submit(limit(TRADER, Side::Sell, 5_000_000, 1_000))
        .await
        .unwrap();
    let order = outcome.events.iter().find_map(|event| match event {
        ensoex_engine::Event::OrderAccepted { order, .. } => Some(*order),
        _ => None,
    });
    let market = crate::support::BTCEUR;
    let reduce = Command::ReduceOrder {
        account: TRADER,
        market,
        order: OrderRef::Id(order.unwrap()),
        by: Quantity(400),
    };
    server.exchange.submit(reduce).await.unwrap();
    let kind = OrderKind::Limit {
        price: Price(5_000_000),
        quantity: Quantity(500),
        time_in_force: TimeInForce::Gtc,
    };
    let own = PlaceOrder {
        account: TRADER,
        market,
        side: Side::Buy,
        kind,
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::NONE,
    };
    server.exchange.submit(Command::PlaceOrder(own)).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 4 {
        let event = event(&mut trader).await;
        if event["e"] == "executionReport" {
            told.push((
                event["x"].as_str().unwrap().to_owned(),
                event["q"].as_str().unwrap().to_owned(),
                event["X"].clone(),
            ));
        }
    }
    let expected = [
        ("NEW", "0.01000000", "NEW"),
        ("REPLACED", "0.00600000", "NEW"),
        ("NEW", "0.00500000", "NEW"),
        ("TRADE_PREVENTION", "0.00500000", "EXPIRED_IN_MATCH"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(x, q, status)| ((*x).to_owned(), (*q).to_owned(), json!(status)))
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn subscriptions_are_one_for_an_account_and_end_when_told_to() {
    let server = Server::start().await;
    let mut socket = listening(&server, &trader_key()).await;
    let again = socket.ask(&subscription(&trader_key(), "again")).await;
    assert_eq!(
        (&again["status"], &again["error"]["code"]),
        (&json!(400), &json!(-2035))
    );
    let second = socket.ask(&subscription(&maker_key(), "second")).await;
    assert_eq!(second["result"], json!({"subscriptionId": 1}));
    let list = socket
        .ask(&json!({"id": 1, "method": "session.subscriptions", "params": {}}))
        .await;
    assert_eq!(
        list["result"],
        json!([{"subscriptionId": 0}, {"subscriptionId": 1}])
    );
    let end = json!({"id": 2, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}});
    assert_eq!(socket.ask(&end).await["result"], json!({}));
    let terminated = socket.next().await;
    assert_eq!(
        (&terminated["subscriptionId"], &terminated["event"]["e"]),
        (&json!(0), &json!("eventStreamTerminated"))
    );
    let none = socket.ask(&end).await;
    assert_eq!(none["error"]["code"], -2036);
    server
        .exchange
        .submit(limit(TRADER, Side::Buy, 4_000_000, 1_000))
        .await
        .unwrap();
    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 4_000_000, 1_000))
        .await
        .unwrap();
    let next = socket.next().await;
    assert_eq!(next["subscriptionId"], 1, "only the second is told: {next}");
}

#[tokio::test]
async fn a_session_s_subscription_ends_with_it() {
    let server = Server::start().await;
    let key = ed25519_key();
    let mut socket = server.connect("/ws-api/v3").await;
    let mut logon = subscription(&key, "logon");
    logon["method"] = "session.logon".into();
    assert_eq!(socket.ask(&logon).await["status"], 200);
    let subscribe = json!({"id": 1, "method": "userDataStream.subscribe"});
    assert_eq!(
        socket.ask(&subscribe).await["result"],
        json!({"subscriptionId": 0})
    );
    assert_eq!(
        socket.ask(&json!({"id": 2, "method": "session.status"})).await["result"]["userDataStream"],
        true
    );
    let out = socket.ask(&json!({"id": 3, "method": "session.logout"})).await;
    assert_eq!(out["result"]["userDataStream"], false);
    assert_eq!(socket.next().await["event"]["e"], "eventStreamTerminated");
}

#[tokio::test]
async fn a_deleted_key_hears_nothing_more() {
    let server = Server::with(Limits {
        ping_interval: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    let mut socket = listening(&server, &trader_key()).await;
    server.keys.remove(&trader_key().name);
    assert_eq!(event(&mut socket).await["e"], "eventStreamTerminated");
    server
        .exchange
        .submit(limit(TRADER, Side::Buy, 4_000_000, 1_000))
        .await
        .unwrap();
    socket.send(&json!({"id": 5, "method": "ping"})).await;
    assert_eq!(socket.next().await["id"], 5);
}
