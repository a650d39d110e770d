//! Public streams: what is told, when, and that a local book kept from them is the book.

use crate::client::Socket;
use crate::random::Commands;
use crate::support::{MAKER, Server, TRADER, limit};
use ensoex_engine::{Command, Side};
use ensoex_spot_api::Limits;
use ensoex_types::AccountId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Streams that tell quickly, so that tests do not wait.
fn quick() -> Limits {
    Limits {
        depth_interval: Duration::from_millis(10),
        ticker_interval: Duration::from_millis(20),
        ..Limits::default()
    }
}

async fn subscribed(server: &Server, streams: &[&str]) -> Socket {
    let mut socket = server.connect("/ws").await;
    let answer = socket
        .ask(&json!({"method": "SUBSCRIBE", "params": streams, "id": 1}))
        .await;
    assert_eq!(answer, json!({"result": null, "id": 1}));
    socket
}

async fn buy(server: &Server, quantity: u64) {
    server
        .exchange
        .submit(limit(TRADER, Side::Buy, 5_001_000, quantity))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_trade_is_told_to_all_who_listen_in_the_form_they_chose() {
    let server = Server::with(quick()).await;
    server.with_book().await;
    let mut raw = server.connect("/ws/btceur@trade").await;
    let mut meaningless = server.connect("/ws/0").await;
    let subscribe = json!({"method": "SUBSCRIBE", "params": ["btceur@aggTrade"], "id": "a-1"});
    assert_eq!(meaningless.ask(&subscribe).await["result"], Value::Null);
    let mut combined = server.connect("/stream?streams=btceur@trade/etheur@trade").await;
    // An answer shows that the connection is fully open.
    for socket in [&mut raw, &mut combined] {
        socket
            .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 9}))
            .await;
    }
    buy(&server, 10_000).await;
    let trade = raw.next().await;
    for (field, value) in [
        ("e", json!("trade")),
        ("s", json!("BTCEUR")),
        ("t", json!(1)),
        ("p", json!("50010.00")),
        ("q", json!("0.10000000")),
        ("m", json!(false)),
        ("M", json!(true)),
    ] {
        assert_eq!(trade[field], value, "{field}");
    }
    assert!(trade["T"].as_u64().unwrap() <= trade["E"].as_u64().unwrap());
    let aggregate = meaningless.next().await;
    let numbers = (&aggregate["a"], &aggregate["f"], &aggregate["l"], &aggregate["e"]);
    assert_eq!(numbers, (&json!(1), &json!(1), &json!(1), &json!("aggTrade")));
    let wrapped = combined.next().await;
    assert_eq!(wrapped["stream"], "btceur@trade");
    assert_eq!(wrapped["data"]["t"], 1);
}

#[tokio::test]
async fn the_address_chooses_streams_and_the_unit_of_time() {
    let server = Server::with(quick()).await;
    server.with_book().await;
    let mut socket = server
        .connect("/stream?streams=btceur@trade&timeUnit=MICROSECOND")
        .await;
    socket
        .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
        .await;
    buy(&server, 100).await;
    let trade = socket.next().await["data"].clone();
    assert!((trade["T"].as_u64().unwrap() / 1_000).abs_diff(crate::support::now_ms()) < 5_000);
    assert_eq!(trade["t"], 1);
    for path in [
        "/ws/nosuch@trade",
        "/ws/btceur@nosuch",
        "/stream?streams=!nosuch",
        "/ws?timeUnit=HOUR",
    ] {
        let url = format!("ws://{}{path}", server.address);
        let refused = tokio_tungstenite::connect_async(url).await;
        assert!(
            matches!(&refused, Err(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == 400),
            "{path}"
        );
    }
}

#[tokio::test]
async fn subscriptions_change_while_connected() {
    let server = Server::with(quick()).await;
    server.with_book().await;
    let mut socket = subscribed(&server, &["btceur@trade", "btceur@depth", "btceur@depth@1000ms"]).await;
    let list = json!({"method": "LIST_SUBSCRIPTIONS", "id": 2});
    let streams = json!(["btceur@trade", "btceur@depth", "btceur@depth@1000ms"]);
    assert_eq!(socket.ask(&list).await["result"], streams);
    let end = json!({"method": "UNSUBSCRIBE", "params": ["btceur@trade", "btceur@depth@1000ms"], "id": 3});
    assert_eq!(socket.ask(&end).await, json!({"result": null, "id": 3}));
    assert_eq!(socket.ask(&list).await["result"], json!(["btceur@depth"]));
    let combine = json!({"method": "SET_PROPERTY", "params": ["combined", true], "id": 4});
    socket.ask(&combine).await;
    assert_eq!(
        socket
            .ask(&json!({"method": "GET_PROPERTY", "params": ["combined"], "id": 5}))
            .await["result"],
        true
    );
    buy(&server, 100).await;
    assert_eq!(socket.next().await["stream"], "btceur@depth");
}

#[tokio::test]
async fn bad_messages_get_an_answer_and_change_nothing() {
    let server = Server::start().await;
    let mut socket = subscribed(&server, &["btceur@trade"]).await;
    for (message, code) in [
        (
            json!({"method": "SUBSCRIBE", "params": ["btceur@trade", "nosuch@trade"], "id": 7}),
            2,
        ),
        (
            json!({"method": "SUBSCRIBE", "params": ["BTCEUR@trade"], "id": 7}),
            2,
        ),
        (json!({"method": "SUBSCRIBE", "params": [], "id": 7}), 2),
        (
            json!({"method": "SUBSCRIBE", "params": "btceur@trade", "id": 7}),
            2,
        ),
        (json!({"method": "SHOUT", "params": ["x"], "id": 7}), 2),
        (json!({"params": ["x"], "id": 7}), 2),
        (
            json!({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 7}),
            1,
        ),
        (
            json!({"method": "GET_PROPERTY", "params": ["colour"], "id": 7}),
            0,
        ),
    ] {
        let answer = socket.ask(&message).await;
        assert_eq!(answer["error"]["code"], code, "{message}: {answer}");
    }
    for text in ["", "{", "nonsense", "{\"method\":\"SUBSCRIBE\",\"id\":1.5}", "[]"] {
        socket.send_text(text).await;
        let answer = socket.next().await;
        assert!(
            answer["code"].is_i64() || answer["error"]["code"].is_i64(),
            "{text}: {answer}"
        );
    }
    let list = socket
        .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": null}))
        .await;
    assert_eq!(list, json!({"result": ["btceur@trade"], "id": null}));
}

#[tokio::test]
async fn tickers_candles_and_best_prices_are_told_when_they_change() {
    let server = Server::with(quick()).await;
    server.with_book().await;
    let streams = [
        "btceur@ticker",
        "btceur@miniTicker",
        "btceur@ticker_1h",
        "btceur@bookTicker",
        "btceur@kline_1m",
        "btceur@avgPrice",
        "btceur@depth5@100ms",
        "!miniTicker@arr",
        "!ticker@arr",
        "!bookTicker",
    ];
    let mut socket = server
        .connect(&format!("/stream?streams={}", streams.join("/")))
        .await;
    socket
        .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 9}))
        .await;
    buy(&server, 10_000).await;
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    while seen.len() < streams.len() || seen["btceur@ticker"]["n"] == 0 || seen["btceur@avgPrice"]["T"] == 0 {
        let message = socket.next().await;
        seen.insert(
            message["stream"].as_str().unwrap().to_owned(),
            message["data"].clone(),
        );
    }
    let ticker = &seen["btceur@ticker"];
    for (field, value) in [
        ("e", json!("24hrTicker")),
        ("c", json!("50010.00")),
        ("b", json!("49990.00")),
        ("a", json!("50010.00")),
        ("A", json!("0.40000000")),
        ("v", json!("0.10000000")),
        ("F", json!(1)),
        ("L", json!(1)),
    ] {
        assert_eq!(ticker[field], value, "{field}");
    }
    assert_eq!(seen["btceur@miniTicker"]["e"], "24hrMiniTicker");
    assert_eq!(seen["btceur@ticker_1h"]["e"], "1hTicker");
    assert_eq!(seen["btceur@avgPrice"]["w"], "50010.00000000");
    assert_eq!(seen["btceur@bookTicker"]["A"], "0.40000000");
    assert_eq!(seen["!bookTicker"]["s"], "BTCEUR");
    assert_eq!(
        seen["btceur@depth5@100ms"]["asks"][0],
        json!(["50010.00", "0.40000000"])
    );
    assert!(seen["!ticker@arr"].is_array() && seen["!miniTicker@arr"].is_array());
    let candle = &seen["btceur@kline_1m"]["k"];
    for (field, value) in [
        ("i", json!("1m")),
        ("c", json!("50010.00")),
        ("n", json!(1)),
        ("f", json!(1)),
        ("L", json!(1)),
        ("x", json!(false)),
        ("V", json!("0.10000000")),
    ] {
        assert_eq!(candle[field], value, "{field}");
    }
}

/// The procedure that clients follow: buffer, snapshot, apply.
struct LocalBook {
    bids: BTreeMap<String, String>,
    asks: BTreeMap<String, String>,
    at: u64,
}

impl LocalBook {
    fn of(snapshot: &Value) -> LocalBook {
        let side = |name: &str| {
            let levels = snapshot[name].as_array().unwrap().iter();
            levels
                .map(|level| {
                    (
                        level[0].as_str().unwrap().into(),
                        level[1].as_str().unwrap().into(),
                    )
                })
                .collect()
        };
        LocalBook {
            bids: side("bids"),
            asks: side("asks"),
            at: snapshot["lastUpdateId"].as_u64().unwrap(),
        }
    }

    fn apply(&mut self, event: &Value) {
        let (first, last) = (event["U"].as_u64().unwrap(), event["u"].as_u64().unwrap());
        if last <= self.at {
            return;
        }
        assert!(first <= self.at + 1, "gap: {first}..{last} after {}", self.at);
        for (levels, changes) in [(&mut self.bids, &event["b"]), (&mut self.asks, &event["a"])] {
            for change in changes.as_array().unwrap() {
                let (price, quantity) = (change[0].as_str().unwrap(), change[1].as_str().unwrap());
                if quantity == "0.00000000" {
                    levels.remove(price);
                } else {
                    levels.insert(price.into(), quantity.into());
                }
            }
        }
        self.at = last;
    }
}

#[tokio::test]
async fn a_local_book_kept_from_the_stream_is_the_book() {
    for seed in [1, 7, 42] {
        let server = Server::with(quick()).await;
        let mut commands = Commands::new(seed);
        // Some orders are there before the streams are: another edge on the same exchange starts from them.
        commands.submit(&server, 20).await;
        let late = ensoex_spot_api::SpotApi::start(server.exchange.clone(), server.keys.clone(), quick())
            .await
            .unwrap();
        let address = crate::support::serve(&late, 0).await;
        let server = Server { address, ..server };
        let mut socket = subscribed(&server, &["btceur@depth@100ms"]).await;
        let mut book: Option<LocalBook> = None;
        let mut last: Option<u64> = None;
        for batch in 0..60 {
            commands.submit(&server, 1).await;
            if batch == 20 {
                book = Some(LocalBook::of(
                    &server.get("/api/v3/depth?symbol=BTCEUR&limit=5000").await.ok(),
                ));
            }
        }
        // One order that changes the book for certain tells that all before it was told.
        let outcome = server
            .exchange
            .submit(limit(MAKER, Side::Buy, 1_000, 100_000))
            .await
            .unwrap();
        assert_eq!(outcome.reject(), None, "seed {seed}");
        let mut book = book.unwrap();
        while book.at < outcome.sequence.0 {
            let event = socket.next().await;
            let (first, end) = (event["U"].as_u64().unwrap(), event["u"].as_u64().unwrap());
            assert!(
                last.is_none_or(|last| first == last + 1),
                "seed {seed}: {first} after {last:?}"
            );
            last = Some(end);
            book.apply(&event);
        }
        let truth = LocalBook::of(&server.get("/api/v3/depth?symbol=BTCEUR&limit=5000").await.ok());
        assert_eq!(
            (book.at, &book.bids, &book.asks),
            (truth.at, &truth.bids, &truth.asks),
            "seed {seed}"
        );
        assert!(
            !truth.bids.is_empty() && !truth.asks.is_empty(),
            "seed {seed}: the test tests something"
        );
    }
}

#[tokio::test]
async fn who_does_not_read_is_disconnected_and_nobody_else_is() {
    let server = Server::with(Limits {
        queue_messages_max: 8,
        ..quick()
    })
    .await;
    let mut slow = subscribed(&server, &["btceur@trade"]).await;
    let mut other = subscribed(&server, &["btceur@depth@100ms"]).await;
    // A batch is told at once: more trades than the queue holds, while nobody reads.
    let maker = AccountId(1_001);
    let mut commands: Vec<Command> = (0..100)
        .map(|_| limit(maker, Side::Sell, 5_000_000, 20))
        .collect();
    commands.push(limit(TRADER, Side::Buy, 5_000_000, 2_000));
    server.exchange.submit_all(commands).await.unwrap();
    let before = slow.closed_with(1008).await;
    assert!(before.len() < 100, "{} of 100 trades were told", before.len());
    assert_eq!(other.next().await["e"], "depthUpdate");
}

#[tokio::test]
async fn pings_are_sent_and_the_stop_is_announced() {
    let server = Server::with(Limits {
        ping_interval: Duration::from_millis(20),
        ..quick()
    })
    .await;
    let mut raw = subscribed(&server, &["btceur@trade"]).await;
    let frame = raw.frame().await.unwrap();
    assert!(
        matches!(&frame, tokio_tungstenite::tungstenite::Message::Ping(payload) if !payload.is_empty()),
        "{frame:?}"
    );
    let mut combined = server.connect("/stream?streams=btceur@trade").await;
    let mut api = server.connect("/ws-api/v3").await;
    for socket in [&mut combined, &mut api] {
        socket
            .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
            .await;
    }
    server.api.shut_down();
    assert_eq!(raw.closed_with(1001).await[0]["e"], "serverShutdown");
    let told = combined.closed_with(1001).await;
    assert_eq!(
        (&told[0]["stream"], &told[0]["data"]["e"]),
        (&json!("!serverShutdown"), &json!("serverShutdown"))
    );
    assert_eq!(api.closed_with(1001).await[0]["event"]["e"], "serverShutdown");
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let limits = Limits {
        ping_interval: Duration::from_millis(20),
        silence_max: Duration::from_millis(100),
        connection_time_max: Duration::from_millis(400),
        ..quick()
    };
    let server = Server::with(limits).await;
    // This client answers pings only while it reads.
    let mut silent = subscribed(&server, &["btceur@trade"]).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    silent.closed_with(1001).await;
    let mut lively = subscribed(&server, &["btceur@trade"]).await;
    let opened = tokio::time::Instant::now();
    lively.closed_with(1001).await;
    assert!(
        opened.elapsed() > Duration::from_millis(300),
        "pongs keep it, until its time is over"
    );
}
