//! The WebSocket API: the same operations, another envelope, and a session.

use crate::client::Socket;
use crate::support::{Key, Server, ed25519_key, now_ms, trader_key};
use ensoex_spot_api::Limits;
use serde_json::{Map, Value, json};

/// Adds key, time and signature as clients do.
fn signed(key: &Key, params: Value) -> Value {
    let mut params = params.as_object().cloned().unwrap_or_default();
    params.insert("apiKey".into(), key.name.clone().into());
    params.insert("timestamp".into(), now_ms().into());
    let signature = key.sign(&payload(&params));
    params.insert("signature".into(), signature.into());
    Value::Object(params)
}

/// `name=value` sorted by name: what is signed.
fn payload(params: &Map<String, Value>) -> String {
    let mut pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}={}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn order(price: &str) -> Value {
    json!({"symbol": "BTCEUR", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price})
}

async fn call(socket: &mut Socket, method: &str, params: Value) -> Value {
    socket
        .ask(&json!({"id": method, "method": method, "params": params}))
        .await
}

#[track_caller]
fn ok(answer: Value) -> Value {
    assert_eq!(answer["status"], 200, "{answer}");
    answer["result"].clone()
}

#[track_caller]
fn refused(answer: &Value, status: u64, code: i64) {
    assert_eq!(
        (&answer["status"], &answer["error"]["code"]),
        (&json!(status), &json!(code)),
        "{answer}"
    );
}

#[tokio::test]
async fn ids_are_echoed_and_market_data_is_that_of_rest() {
    let server = Server::start().await;
    server.with_book().await;
    let mut socket = server.connect("/ws-api/v3").await;
    for id in [
        json!(1),
        json!(-7),
        json!("e2a85d9f-07a5-4f94-8d5f-789dc3deb097"),
        json!(null),
    ] {
        let answer = socket.ask(&json!({"id": id, "method": "ping"})).await;
        assert_eq!(
            (&answer["id"], &answer["status"], &answer["result"]),
            (&id, &json!(200), &json!({}))
        );
        assert_eq!(answer["rateLimits"][0]["rateLimitType"], "REQUEST_WEIGHT");
    }
    let symbol = json!({"symbol": "BTCEUR"});
    let rest = server.get("/api/v3/depth?symbol=BTCEUR&limit=1").await.ok();
    for limit in [json!(1), json!("1")] {
        assert_eq!(
            ok(call(&mut socket, "depth", json!({"symbol": "BTCEUR", "limit": limit})).await),
            rest
        );
    }
    assert_eq!(
        ok(call(&mut socket, "v3/depth", json!({"symbol": "BTCEUR", "limit": 1})).await),
        rest
    );
    assert_eq!(
        ok(call(&mut socket, "ticker.price", symbol.clone()).await)["symbol"],
        "BTCEUR"
    );
    assert_eq!(
        ok(call(&mut socket, "ticker.24hr", symbol.clone()).await)["bidPrice"],
        "49990.00"
    );
    assert_eq!(
        ok(call(&mut socket, "trades.recent", symbol.clone()).await),
        json!([])
    );
    assert_eq!(
        ok(call(
            &mut socket,
            "klines",
            json!({"symbol": "BTCEUR", "interval": "1m"})
        )
        .await),
        json!([])
    );
    assert!(ok(call(&mut socket, "time", json!({})).await)["serverTime"].is_u64());
    let info = ok(call(
        &mut socket,
        "exchangeInfo",
        json!({"symbols": ["BTCEUR", "ETHEUR"]}),
    )
    .await);
    assert_eq!(info["symbols"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let server = Server::start().await;
    let mut socket = server.connect("/ws-api/v3").await;
    for (text, status, code) in [
        ("", 400, -1135),
        ("[]", 400, -1135),
        ("{\"id\":1}", 400, -1102),
        ("{\"id\":1.5,\"method\":\"ping\"}", 400, -1130),
        ("{\"id\":{},\"method\":\"ping\"}", 400, -1130),
        ("{\"id\":1,\"method\":\"ping\",\"params\":[]}", 400, -1135),
        ("{\"id\":1,\"method\":\"nosuch\"}", 400, -1020),
        ("{\"id\":1,\"method\":\"userDataStream.start\"}", 410, -1020),
        (
            "{\"id\":1,\"method\":\"depth\",\"params\":{\"symbol\":\"NOSUCH\"}}",
            400,
            -1121,
        ),
        (
            "{\"id\":1,\"method\":\"ping\",\"params\":{\"extra\":1}}",
            400,
            -1104,
        ),
        ("{\"id\":1,\"method\":\"account.status\"}", 400, -1102),
        ("{\"id\":1,\"method\":\"userDataStream.subscribe\"}", 400, -1102),
    ] {
        socket.send_text(text).await;
        let answer = socket.next().await;
        refused(&answer, status, code);
    }
    // The connection is as good as before.
    ok(call(&mut socket, "ping", json!({})).await);
}

#[tokio::test]
async fn orders_go_all_the_way() {
    let server = Server::start().await;
    server.with_book().await;
    for key in [trader_key(), ed25519_key()] {
        let mut socket = server.connect("/ws-api/v3").await;
        let placed = call(&mut socket, "order.place", signed(&key, order("40000"))).await;
        let kinds: Vec<&Value> = placed["rateLimits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| &l["rateLimitType"])
            .collect();
        assert_eq!(
            kinds,
            [&json!("ORDERS"), &json!("ORDERS"), &json!("REQUEST_WEIGHT")]
        );
        assert_eq!(placed["rateLimits"][0]["count"], 1);
        let placed = ok(placed);
        assert_eq!((&placed["status"], &placed["fills"]), (&json!("NEW"), &json!([])));
        // Ids may come as text.
        let named = json!({"symbol": "BTCEUR", "orderId": placed["orderId"].to_string()});
        let found = ok(call(&mut socket, "order.status", signed(&key, named.clone())).await);
        assert_eq!(found["clientOrderId"], placed["clientOrderId"]);
        let open = ok(call(&mut socket, "openOrders.status", signed(&key, json!({}))).await);
        assert_eq!(open, json!([found]));
        let mut replace = order("41000");
        replace["cancelReplaceMode"] = "STOP_ON_FAILURE".into();
        replace["cancelOrderId"] = placed["orderId"].clone();
        let replaced = ok(call(&mut socket, "order.cancelReplace", signed(&key, replace)).await);
        let second = &replaced["newOrderResponse"]["orderId"];
        let canceled = json!({"symbol": "BTCEUR", "orderId": second});
        assert_eq!(
            ok(call(&mut socket, "order.cancel", signed(&key, canceled.clone())).await)["status"],
            "CANCELED"
        );
        refused(
            &call(&mut socket, "order.cancel", signed(&key, canceled)).await,
            400,
            -2011,
        );
        ok(call(&mut socket, "order.place", signed(&key, order("40000"))).await);
        let all = ok(call(
            &mut socket,
            "openOrders.cancelAll",
            signed(&key, json!({"symbol": "BTCEUR"})),
        )
        .await);
        assert_eq!(all.as_array().unwrap().len(), 1);
        let market = json!({"symbol": "BTCEUR", "side": "BUY", "type": "MARKET", "quantity": "0.01"});
        let bought = ok(call(&mut socket, "order.place", signed(&key, market)).await);
        assert_eq!(
            (&bought["status"], &bought["fills"][0]["price"]),
            (&json!("FILLED"), &json!("50010.00"))
        );
        let trades = ok(call(&mut socket, "myTrades", signed(&key, json!({"symbol": "BTCEUR"}))).await);
        assert_eq!(trades[0]["orderId"], bought["orderId"]);
        let orders = ok(call(
            &mut socket,
            "allOrders",
            signed(&key, json!({"symbol": "BTCEUR"})),
        )
        .await);
        assert_eq!(orders.as_array().unwrap().len(), 4);
        assert_eq!(
            ok(call(&mut socket, "account.status", signed(&key, json!({}))).await)["accountType"],
            "SPOT"
        );
        assert_eq!(
            ok(call(&mut socket, "order.test", signed(&key, order("40000"))).await),
            json!({})
        );
        let counts = ok(call(&mut socket, "account.rateLimits.orders", signed(&key, json!({}))).await);
        assert_eq!(counts[1]["count"], 4);
        refused(
            &call(&mut socket, "order.place", signed(&key, order("NaN"))).await,
            400,
            -1100,
        );
        let partly = json!({"symbol": "BTCEUR", "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 999, "side": "BUY",
            "type": "LIMIT_MAKER", "quantity": "0.01", "price": "50100"});
        let failed = call(&mut socket, "order.cancelReplace", signed(&key, partly)).await;
        refused(&failed, 400, -2022);
        assert_eq!(failed["error"]["data"]["newOrderResponse"]["code"], -2010);
    }
}

#[tokio::test]
async fn signatures_are_checked() {
    let server = Server::start().await;
    let key = trader_key();
    let mut socket = server.connect("/ws-api/v3").await;
    let mut tampered = signed(&key, order("40000"));
    tampered["price"] = "41000".into();
    refused(&call(&mut socket, "order.place", tampered).await, 400, -1022);
    let mut unsigned = signed(&key, json!({}));
    unsigned.as_object_mut().unwrap().remove("signature");
    refused(&call(&mut socket, "account.status", unsigned).await, 400, -1102);
    let stranger = Key::hmac("nosuchkey", "x");
    refused(
        &call(&mut socket, "account.status", signed(&stranger, json!({}))).await,
        401,
        -2015,
    );
    let mut old = json!({"apiKey": key.name, "timestamp": now_ms() - 60_000});
    let signature = key.sign(&payload(old.as_object().unwrap()));
    old["signature"] = signature.into();
    refused(&call(&mut socket, "account.status", old).await, 400, -1021);
    refused(
        &call(
            &mut socket,
            "order.place",
            signed(&crate::support::reader_key(), order("40000")),
        )
        .await,
        401,
        -2015,
    );
    // Some clients sign the values as they would stand in a form.
    let mut params =
        json!({"apiKey": key.name, "timestamp": now_ms(), "symbol": "BTCEUR", "origClientOrderId": "a:b/c"});
    let encoded = payload(params.as_object().unwrap()).replace("a:b/c", "a%3Ab%2Fc");
    params["signature"] = key.sign(&encoded).into();
    refused(&call(&mut socket, "order.status", params).await, 400, -2013);
}

#[tokio::test]
async fn a_session_signs_once() {
    let server = Server::start().await;
    for key in [ed25519_key(), trader_key()] {
        let mut socket = server.connect("/ws-api/v3").await;
        let status = ok(call(&mut socket, "session.status", json!({})).await);
        assert_eq!(
            (&status["apiKey"], &status["authorizedSince"]),
            (&json!(null), &json!(null))
        );
        let logged_on = ok(call(&mut socket, "session.logon", signed(&key, json!({}))).await);
        assert_eq!(
            (&logged_on["apiKey"], &logged_on["userDataStream"]),
            (&json!(key.name), &json!(false))
        );
        let now = json!({"timestamp": now_ms()});
        assert_eq!(
            ok(call(&mut socket, "account.status", now.clone()).await)["canTrade"],
            true
        );
        let mut mine = order("40000");
        mine["timestamp"] = now_ms().into();
        assert_eq!(ok(call(&mut socket, "order.place", mine).await)["status"], "NEW");
        refused(&call(&mut socket, "account.status", json!({})).await, 400, -1102);
        assert_eq!(
            ok(call(&mut socket, "session.logout", json!({})).await)["apiKey"],
            json!(null)
        );
        refused(&call(&mut socket, "account.status", now).await, 400, -1102);
    }
    let mut socket = server.connect("/ws-api/v3").await;
    ok(call(&mut socket, "session.logon", signed(&trader_key(), json!({}))).await);
    server.keys.remove(&trader_key().name);
    refused(
        &call(&mut socket, "account.status", json!({"timestamp": now_ms()})).await,
        401,
        -2015,
    );
    assert_eq!(
        ok(call(&mut socket, "session.status", json!({})).await)["apiKey"],
        json!(null)
    );
}

#[tokio::test]
async fn rate_limits_are_shown_or_not_and_kept() {
    let server = Server::with(Limits {
        request_weight_per_minute_max: 30,
        ..Limits::default()
    })
    .await;
    let mut quiet = server.connect("/ws-api/v3?returnRateLimits=false").await;
    assert!(
        call(&mut quiet, "ping", json!({}))
            .await
            .get("rateLimits")
            .is_none()
    );
    let shown = call(&mut quiet, "ping", json!({"returnRateLimits": true})).await;
    assert_eq!(shown["rateLimits"][0]["count"], 4);
    let refused_answer = call(&mut quiet, "trades.recent", json!({"symbol": "BTCEUR"})).await;
    assert_eq!(refused_answer["status"], 200);
    let answer = call(&mut quiet, "trades.recent", json!({"symbol": "BTCEUR"})).await;
    refused(&answer, 429, -1003);
    assert!(answer["error"]["data"]["retryAfter"].as_u64().unwrap() > now_ms());
    let mut micros = server.connect("/ws/0").await;
    micros
        .ask(&json!({"method": "LIST_SUBSCRIPTIONS", "id": 1}))
        .await;
}

#[tokio::test]
async fn times_come_in_microseconds_on_demand() {
    let server = Server::start().await;
    let mut socket = server.connect("/ws-api/v3?timeUnit=MICROSECOND").await;
    let time = ok(call(&mut socket, "time", json!({})).await)["serverTime"]
        .as_u64()
        .unwrap();
    assert!((time / 1_000).abs_diff(now_ms()) < 5_000);
    // And they may be sent so.
    let key = trader_key();
    let mut params = json!({"apiKey": key.name, "timestamp": now_ms() * 1_000});
    params["signature"] = key.sign(&payload(params.as_object().unwrap())).into();
    ok(call(&mut socket, "account.status", params).await);
}

#[tokio::test]
async fn many_requests_may_be_on_their_way() {
    let server = Server::start().await;
    let key = trader_key();
    let mut socket = server.connect("/ws-api/v3").await;
    for number in 0..50 {
        let params = signed(&key, order("40000"));
        socket
            .send(&json!({"id": number, "method": "order.place", "params": params}))
            .await;
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < 50 {
        let answer = socket.next().await;
        assert_eq!(answer["status"], 200, "{answer}");
        assert!(answered.insert(answer["id"].as_u64().unwrap()));
    }
}
