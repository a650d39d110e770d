//! Every input has a limit, and whoever passes one is told how to go on.

use crate::client::answer;
use crate::support::{Server, ed25519_key, trader_key};
use ensoex_spot_api::{Limits, VisitorAddress};
use reqwest::Method;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};

const ORDER: &str = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=40000";

fn weight(limit: u32) -> Limits {
    Limits {
        request_weight_per_minute_max: limit,
        ..Limits::default()
    }
}

#[tokio::test]
async fn weight_is_counted_and_limited() {
    let server = Server::with(weight(60)).await;
    let first = server.get("/api/v3/depth?symbol=BTCEUR").await;
    assert_eq!(
        (
            first.header("x-mbx-used-weight-1m"),
            first.header("x-mbx-used-weight")
        ),
        (Some(5), Some(5))
    );
    assert_eq!(
        server
            .get("/api/v3/depth?symbol=BTCEUR&limit=1000")
            .await
            .header("x-mbx-used-weight-1m"),
        Some(55)
    );
    let refused = server.get("/api/v3/trades?symbol=BTCEUR").await;
    let message = "Too much request weight used; current limit is 60 request weight per 1 MINUTE. Please use WebSocket \
                   Streams for live updates to avoid polling the API.";
    refused.refused(429, -1003, message);
    assert!((1..=60).contains(&refused.header("retry-after").unwrap()));
    // Keys are counted by themselves, each for its own.
    let account = server
        .signed(&trader_key(), Method::GET, "/api/v3/account", "")
        .await;
    assert_eq!(account.header("x-mbx-used-weight-1m"), Some(20));
    account.ok();
    let other = server
        .signed(&ed25519_key(), Method::GET, "/api/v3/openOrders", "symbol=BTCEUR")
        .await;
    assert_eq!(other.header("x-mbx-used-weight-1m"), Some(6));
    // Who cannot sign is a visitor.
    let guess = server
        .raw(
            &trader_key(),
            Method::GET,
            "/api/v3/account",
            "timestamp=1&signature=00",
            "",
        )
        .await;
    assert_eq!((guess.status, guess.code()), (429, -1003));
}

#[tokio::test]
async fn visitors_behind_a_proxy_are_told_apart() {
    let server = Server::with(weight(10)).await;
    let visits = |last: u8| {
        let address = VisitorAddress(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let router = server.api.public_router().layer(axum::Extension(address));
        async move {
            use tower::ServiceExt as _;
            let request =
                axum::http::Request::get("/api/v3/depth?symbol=BTCEUR").body(axum::body::Body::empty());
            router.oneshot(request.unwrap()).await.unwrap().status().as_u16()
        }
    };
    assert_eq!(
        [visits(1).await, visits(1).await, visits(1).await, visits(2).await],
        [200, 200, 429, 200]
    );
}

#[tokio::test]
async fn orders_are_limited_by_account() {
    let server = Server::with(Limits {
        orders_per_day_max: 2,
        ..Limits::default()
    })
    .await;
    let place = async |key| server.signed(key, Method::POST, "/api/v3/order", ORDER).await;
    let key = trader_key();
    assert_eq!(place(&key).await.header("x-mbx-order-count-1d"), Some(1));
    let second = place(&key).await.ok();
    let refused = place(&key).await;
    refused.refused(
        429,
        -1015,
        "Too many new orders; current limit is 2 orders per 1 DAY.",
    );
    assert!(refused.header("retry-after").unwrap() > 0);
    let replace = format!(
        "{ORDER}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId={}",
        second["orderId"]
    );
    let path = "/api/v3/order/cancelReplace";
    assert_eq!(
        server.signed(&key, Method::POST, path, &replace).await.code(),
        -1015
    );
    let cancel_only = format!("{replace}&orderRateLimitExceededMode=CANCEL_ONLY");
    let partly = server.signed(&key, Method::POST, path, &cancel_only).await;
    assert_eq!((partly.status, partly.code()), (429, -2021));
    assert_eq!(partly.json["data"]["cancelResult"], "SUCCESS");
    assert_eq!(partly.json["data"]["newOrderResponse"]["code"], -1015);
    assert_eq!(
        place(&ed25519_key()).await.header("x-mbx-order-count-1d"),
        Some(1)
    );
}

#[tokio::test]
async fn large_requests_are_refused() {
    let server = Server::start().await;
    let long = "x".repeat(20_000);
    let message = "Too many parameters sent for this endpoint.";
    server
        .get(&format!("/api/v3/depth?symbol={long}"))
        .await
        .refused(413, -1101, message);
    let posted = server
        .raw(&trader_key(), Method::POST, "/api/v3/order", "", &long)
        .await;
    posted.refused(413, -1101, message);
    let many: String = (0..100).map(|number| format!("p{number}=1&")).collect();
    server
        .get(&format!("/api/v3/depth?{many}"))
        .await
        .refused(413, -1101, message);
    let request = server
        .http
        .post(server.url("/api/v3/order"))
        .header("X-MBX-APIKEY", "k")
        .body(vec![0xff, 0xfe]);
    answer(request)
        .await
        .refused(400, -1100, "Illegal characters found in a parameter.");
}

#[tokio::test]
async fn connections_are_limited_in_every_direction() {
    let limits = Limits {
        streams_per_connection_max: 2,
        messages_burst_max: 6,
        message_bytes_max: 1_000,
        connections_per_5_minutes_max: 4,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut socket = server.connect("/ws").await;
    let three =
        json!({"method": "SUBSCRIBE", "params": ["btceur@trade", "btceur@depth", "btceur@ticker"], "id": 1});
    assert_eq!(socket.ask(&three).await["error"]["code"], 2);
    let two = json!({"method": "SUBSCRIBE", "params": ["btceur@trade", "btceur@depth"], "id": 1});
    assert_eq!(socket.ask(&two).await["result"], json!(null));
    for _ in 0..8 {
        socket.send(&two).await;
    }
    assert!(socket.closed_with(1008).await.len() < 8);
    let mut socket = server.connect("/ws").await;
    socket.send_text(&" ".repeat(2_000)).await;
    assert!(!matches!(
        socket.frame().await,
        Some(tokio_tungstenite::tungstenite::Message::Text(_))
    ));
    let mut api = server.connect("/ws-api/v3").await;
    api.ask(&json!({"id": 1, "method": "ping"})).await;
    let upgrade = |path: &str| {
        let request = server
            .http
            .get(server.url(path))
            .header("connection", "upgrade")
            .header("upgrade", "websocket");
        answer(
            request
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        )
    };
    let too_many = upgrade("/stream?streams=btceur@trade/btceur@depth/btceur@ticker").await;
    assert_eq!((too_many.status, too_many.code()), (413, -1101));
    server.connect("/ws").await;
    let refused = upgrade("/ws").await;
    assert_eq!((refused.status, refused.code()), (429, -1003));
}

#[tokio::test]
async fn the_number_of_connections_is_limited() {
    let server = Server::with(Limits {
        connections_max: 1,
        ..Limits::default()
    })
    .await;
    let mut only = server.connect("/ws").await;
    only.ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 1})).await;
    let url = format!("ws://{}/ws", server.address);
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    drop(only);
    for _ in 0..100 {
        if tokio_tungstenite::connect_async(&url).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the place of a closed connection was not given to another");
}
