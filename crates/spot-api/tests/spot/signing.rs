//! Who signs what, and where the parameters stand.

use crate::client::{answer, encoded, stamped};
use crate::support::{Key, Server, ed25519_key, now_ms, reader_key, trader_key};
use reqwest::Method;
use std::sync::atomic::Ordering;

const ORDER: &str = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
const SIGNATURE: &str = "Signature for this request is not valid.";

#[tokio::test]
async fn parameters_may_stand_in_the_query_in_the_body_or_in_both() {
    let server = Server::start().await;
    for key in [trader_key(), ed25519_key()] {
        let payload = stamped(ORDER);
        let signature = encoded(&key.sign(&payload));
        let signed = format!("{payload}&signature={signature}");
        let first = format!("signature={signature}&{payload}");
        let split = payload.find("&type").unwrap();
        let (query, body) = (&payload[..split], &payload[split + 1..]);
        let mixed = encoded(&key.sign(&format!("{query}{body}")));
        for (query, body) in [
            (signed.clone(), String::new()),
            (String::new(), signed.clone()),
            (first, String::new()),
            (payload.clone(), format!("signature={signature}")),
            (query.to_owned(), format!("{body}&signature={mixed}")),
            (format!("{query}&signature={mixed}"), body.to_owned()),
        ] {
            server
                .raw(&key, Method::POST, "/api/v3/order/test", &query, &body)
                .await
                .ok();
        }
    }
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let server = Server::start().await;
    let key = trader_key();
    let payload = stamped(ORDER);
    let signed = format!("{payload}&signature={}", key.sign(&payload));
    for kind in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
    ] {
        let request = server.http.post(server.url("/api/v3/order/test"));
        let request = request
            .header("X-MBX-APIKEY", &key.name)
            .header("Content-Type", kind)
            .body(signed.clone());
        answer(request).await.ok();
    }
}

#[tokio::test]
async fn a_cancel_may_have_its_parameters_in_the_body() {
    let server = Server::start().await;
    let key = trader_key();
    let order = server
        .signed(&key, Method::POST, "/api/v3/order", ORDER)
        .await
        .ok();
    let payload = stamped(&format!("symbol=BTCEUR&orderId={}", order["orderId"]));
    let signed = format!("{payload}&signature={}", key.sign(&payload));
    let canceled = server
        .raw(&key, Method::DELETE, "/api/v3/order", "", &signed)
        .await
        .ok();
    assert_eq!(canceled["status"], "CANCELED");
}

#[tokio::test]
async fn the_query_wins() {
    let server = Server::start().await;
    let key = trader_key();
    let query = stamped("symbol=BTCEUR&limit=1");
    let body = "symbol=NOSUCH";
    let signature = key.sign(&format!("{query}{body}"));
    // A DELETE of open orders reads `symbol`, and refuses `limit`, which shows that the rest was read.
    let query = format!("{query}&signature={signature}");
    let answer = server
        .raw(&key, Method::DELETE, "/api/v3/openOrders", &query, body)
        .await;
    answer.refused(
        400,
        -1104,
        "Not all sent parameters were read; read '3' parameter(s) but was sent '4'.",
    );
}

#[tokio::test]
async fn signatures_are_over_the_bytes_as_sent() {
    let server = Server::start().await;
    let key = trader_key();
    let account = "/api/v3/account";
    let payload = stamped("omitZeroBalances=%74rue");
    let good = key.sign(&payload);
    server
        .raw(
            &key,
            Method::GET,
            account,
            &format!("{payload}&signature={good}"),
            "",
        )
        .await
        .ok();
    server
        .raw(
            &key,
            Method::GET,
            account,
            &format!("{payload}&signature={}", good.to_uppercase()),
            "",
        )
        .await
        .ok();
    let decoded = payload.replace("%74", "t");
    let moved = format!("recvWindow=60000&{payload}");
    for (query, signature) in [
        (&decoded, good.clone()),
        (&moved, good.clone()),
        (&payload, good.replace(|c: char| c.is_ascii_digit(), "0")),
        (&payload, key.sign("")),
        (&payload, "zz".to_owned()),
        (&payload, Key::hmac("x", "another secret").sign(&payload)),
    ] {
        let query = format!("{query}&signature={signature}");
        server
            .raw(&key, Method::GET, account, &query, "")
            .await
            .refused(400, -1022, SIGNATURE);
    }
    let missing = "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.";
    server
        .raw(&key, Method::GET, account, &payload, "")
        .await
        .refused(400, -1102, missing);
    server
        .raw(&key, Method::GET, account, &format!("{payload}&signature="), "")
        .await
        .refused(400, -1102, missing);
}

#[tokio::test]
async fn one_key_s_signature_is_no_other_s() {
    let server = Server::start().await;
    let payload = stamped("");
    let hmac_as_ed25519 = Key {
        name: ed25519_key().name,
        signs: trader_key().signs,
    };
    let ed25519_as_hmac = Key {
        name: trader_key().name,
        signs: ed25519_key().signs,
    };
    for key in [hmac_as_ed25519, ed25519_as_hmac] {
        let query = format!("{payload}&signature={}", encoded(&key.sign(&payload)));
        server
            .raw(&key, Method::GET, "/api/v3/account", &query, "")
            .await
            .refused(400, -1022, SIGNATURE);
    }
}

#[tokio::test]
async fn keys_are_needed_known_and_permitted() {
    let server = Server::start().await;
    let rejected = "Invalid API-key, IP, or permissions for action.";
    let format = "API-key format invalid.";
    let anonymous = server.get("/api/v3/account?timestamp=1&signature=00").await;
    anonymous.refused(401, -2014, format);
    let account = async |key: Key| server.signed(&key, Method::GET, "/api/v3/account", "").await;
    account(Key::hmac("nosuchkey", "x"))
        .await
        .refused(401, -2015, rejected);
    account(Key::hmac("no such key", "x"))
        .await
        .refused(401, -2014, format);
    account(Key::hmac(&"k".repeat(200), "x"))
        .await
        .refused(401, -2014, format);
    assert_eq!(account(reader_key()).await.ok()["canTrade"], false);
    let order = server
        .signed(&reader_key(), Method::POST, "/api/v3/order", ORDER)
        .await;
    order.refused(401, -2015, rejected);
    server.keys.remove(&reader_key().name);
    account(reader_key()).await.refused(401, -2015, rejected);
    server.keys.unavailable.store(true, Ordering::Relaxed);
    let message = "Internal error; unable to process your request. Please try again.";
    account(trader_key()).await.refused(503, -1001, message);
}

#[tokio::test]
async fn requests_are_fresh() {
    let server = Server::start().await;
    let key = trader_key();
    let account = |params: String| {
        let (server, key) = (&server, &key);
        async move {
            let query = format!("{params}&signature={}", key.sign(&params));
            server.raw(key, Method::GET, "/api/v3/account", &query, "").await
        }
    };
    let old = "Timestamp for this request is outside of the recvWindow.";
    let ahead = "Timestamp for this request was 1000ms ahead of the server's time.";
    account(format!("timestamp={}", now_ms() - 6_000))
        .await
        .refused(400, -1021, old);
    account(format!("timestamp={}&recvWindow=10000", now_ms() - 6_000))
        .await
        .ok();
    account(format!("timestamp={}&recvWindow=60000", now_ms() - 61_000))
        .await
        .refused(400, -1021, old);
    account(format!("timestamp={}", now_ms() + 5_000))
        .await
        .refused(400, -1021, ahead);
    account(format!("timestamp={}", now_ms() + 500)).await.ok();
    account(format!("timestamp={}&recvWindow=5000.125", now_ms() * 1_000))
        .await
        .ok();
    let too_large = "'recvWindow' contains unexpected value. Cannot be greater than 60000.";
    account(format!("timestamp={}&recvWindow=60001", now_ms()))
        .await
        .refused(400, -1102, too_large);
    let missing = "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.";
    account("recvWindow=5000".into())
        .await
        .refused(400, -1102, missing);
    let malformed = account("timestamp=yesterday".into()).await;
    assert_eq!((malformed.status, malformed.code()), (400, -1100));
}

#[tokio::test]
async fn startup_calls_of_clients_with_keys_are_answered() {
    let server = Server::start().await;
    for path in [
        "/sapi/v1/capital/config/getall",
        "/sapi/v1/capital/deposit/hisrec",
        "/sapi/v1/capital/withdraw/history",
    ] {
        let key = trader_key();
        assert_eq!(
            server.signed(&key, Method::GET, path, "").await.ok(),
            serde_json::json!([]),
            "{path}"
        );
        assert_eq!(server.get(path).await.status, 401, "{path}");
    }
    let fees = server
        .signed(
            &trader_key(),
            Method::GET,
            "/sapi/v1/asset/tradeFee",
            "symbol=BTCEUR",
        )
        .await
        .ok();
    let fee = serde_json::json!([{"symbol": "BTCEUR", "makerCommission": "0.00100000", "takerCommission": "0.00200000"}]);
    assert_eq!(fees, fee);
}
