//! Money in, money out, and trading: right to the last unit, once, whatever is repeated.

mod common;

use common::{Person, TestService, event, payment, payout};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const EUR_100: (&str, &str) = ("100.00000000", "0.00000000");

fn pair((available, held): &(String, String)) -> (&str, &str) {
    (available, held)
}

async fn deposit(person: &common::Person, key: &str, asset: &str, amount: &str) -> (u16, Value) {
    let response = person
        .send_with_key("/v1/deposits", key, &json!({ "asset": asset, "amount": amount }))
        .await;
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn withdrawal(person: &common::Person, key: &str, amount: &str) -> (u16, Value) {
    let response = person
        .send_with_key(
            "/v1/withdrawals",
            key,
            &json!({ "asset": "EUR", "amount": amount }),
        )
        .await;
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_deposit_is_credited_exactly_once() {
    let mut service = TestService::start().await;
    let person = service.person("depositor").await;
    let (status, created) = deposit(&person, "wish-1", "EUR", "100.00").await;
    assert_eq!((status, created["status"].as_str()), (201, Some("pending")));
    assert!(
        created["redirect_url"]
            .as_str()
            .unwrap()
            .starts_with("http://pay.example/pay/cs_")
    );
    let (_, again) = deposit(&person, "wish-1", "EUR", "100.00").await;
    assert_eq!(
        again["deposit"], created["deposit"],
        "a double click is one deposit"
    );
    let (status, other) = deposit(&person, "wish-1", "EUR", "50.00").await;
    assert_eq!(
        (status, other["code"].as_str()),
        (422, Some("idempotency_key_reused"))
    );

    let paid = payment(1, &created, "succeeded");
    let first = service.pay.happens("payment.succeeded", paid.clone());
    // 32 deliveries at once, some under another event id and sequence: a replay of the same payment.
    let mut deliveries = Vec::new();
    for number in 0..32 {
        let body = if number % 2 == 0 {
            first.clone()
        } else {
            event(100 + number, "payment.succeeded", paid.clone())
        };
        let (pay, url) = (service.pay.clone(), service.url.clone());
        deliveries.push(tokio::spawn(async move { pay.deliver(&url, &body, 0).await }));
    }
    for delivery in deliveries {
        assert_eq!(delivery.await.unwrap(), 200);
    }
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    let credited = person.wait_for(&path, "credited").await;
    assert_eq!(credited["timeline"].as_array().unwrap().len(), 3);
    service.restart().await;
    service.pay.deliver(&service.url, &first, 0).await;
    assert_eq!(pair(&person.balance("EUR").await), EUR_100);
    let ledger = person.get("/v1/ledger?asset=EUR").await;
    assert_eq!(
        ledger["entries"].as_array().unwrap().len(),
        1,
        "one entry: {ledger}"
    );
}

#[tokio::test]
async fn a_lost_webhook_is_found_by_the_poll() {
    let service = TestService::start().await;
    let person = service.person("polled").await;
    let (_, created) = deposit(&person, "wish", "EUR", "100.00").await;
    service
        .pay
        .happens("payment.succeeded", payment(1, &created, "succeeded"));
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    person.wait_for(&path, "credited").await;
    assert_eq!(pair(&person.balance("EUR").await), EUR_100);
}

#[tokio::test]
async fn forged_stale_and_mismatched_webhooks_move_nothing() {
    let service = TestService::start().await;
    let person = service.person("forged").await;
    let (_, created) = deposit(&person, "wish", "EUR", "100.00").await;
    let real = event(1, "payment.succeeded", payment(1, &created, "succeeded"));
    assert_eq!(service.pay.deliver(&service.url, &real, -301).await, 401, "stale");
    assert_eq!(
        service.pay.deliver(&service.url, &real, 301).await,
        401,
        "from the future"
    );
    let signature = format!("t={},v1={}", common::now(), "ab".repeat(32));
    assert_eq!(
        service
            .pay
            .deliver_raw(&service.url, real.to_string(), &signature)
            .await,
        401
    );
    assert_eq!(
        service.pay.deliver_raw(&service.url, real.to_string(), "").await,
        401
    );
    let mut more = payment(1, &created, "succeeded");
    more["amount"] = json!(10_000_000);
    assert_eq!(
        service
            .pay
            .deliver(&service.url, &event(1, "payment.succeeded", more), 0)
            .await,
        200
    );
    let mut stranger = payment(2, &created, "succeeded");
    stranger["client_reference"] = json!("dep_unknown");
    assert_eq!(
        service
            .pay
            .deliver(&service.url, &event(2, "payment.succeeded", stranger), 0)
            .await,
        200
    );
    // A good one behind them is not held up.
    let good = event(3, "payment.succeeded", payment(3, &created, "succeeded"));
    assert_eq!(service.pay.deliver(&service.url, &good, 0).await, 200);
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    person.wait_for(&path, "credited").await;
    assert_eq!(pair(&person.balance("EUR").await), EUR_100);
}

#[tokio::test]
async fn a_decline_says_why_and_moves_nothing() {
    let service = TestService::start().await;
    let person = service.person("declined").await;
    let (_, created) = deposit(&person, "wish", "EUR", "100.00").await;
    let mut failed = payment(1, &created, "failed");
    failed["decline"] = json!({ "code": "card_declined", "decline_class": "soft", "message": "The bank declined this card." });
    let failed = service.pay.happens("payment.failed", failed);
    assert_eq!(service.pay.deliver(&service.url, &failed, 0).await, 200);
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    let deposit = person.wait_for(&path, "failed").await;
    assert_eq!(deposit["decline"]["code"], "card_declined");
    assert_eq!(person.balance("EUR").await.0, "0.00000000");
}

#[tokio::test]
async fn without_ensoexpay_nothing_moves_and_the_same_key_goes_on_later() {
    let service = TestService::start().await;
    let person = service.person("patient").await;
    person.granted("EUR", "100").await;
    service.pay.state.down.store(true, Ordering::Relaxed);
    let (status, refused) = deposit(&person, "wish", "EUR", "20.00").await;
    assert_eq!((status, refused["code"].as_str()), (503, Some("pay_unavailable")));
    let (status, refused) = withdrawal(&person, "wish", "20.00").await;
    assert_eq!((status, refused["code"].as_str()), (503, Some("pay_unavailable")));
    assert_eq!(
        pair(&person.balance("EUR").await),
        EUR_100,
        "nothing is held either"
    );
    service.pay.state.down.store(false, Ordering::Relaxed);
    assert_eq!(deposit(&person, "wish", "EUR", "20.00").await.0, 201);
    assert_eq!(withdrawal(&person, "wish", "20.00").await.0, 201);
    assert_eq!(pair(&person.balance("EUR").await), ("80.00000000", "20.00000000"));
}

#[tokio::test]
async fn a_withdrawal_is_held_then_paid_or_given_back_once() {
    let mut service = TestService::start().await;
    let person = service.person("withdrawer").await;
    person.granted("EUR", "100").await;
    for (number, end, after) in [
        (1, "failed", ("100.00000000", "0.00000000")),
        (2, "canceled", ("100.00000000", "0.00000000")),
        (3, "expired", ("100.00000000", "0.00000000")),
        (4, "paid", ("70.00000000", "0.00000000")),
    ] {
        let (status, created) = withdrawal(&person, &format!("wish-{number}"), "30.00").await;
        assert_eq!((status, created["status"].as_str()), (201, Some("held")));
        assert_eq!(pair(&person.balance("EUR").await), ("70.00000000", "30.00000000"));
        let ended = service
            .pay
            .happens(&format!("payout.{end}"), payout(number, &created, end));
        for _ in 0..3 {
            assert_eq!(service.pay.deliver(&service.url, &ended, 0).await, 200);
        }
        let path = format!("/v1/withdrawals/{}", created["withdrawal"].as_str().unwrap());
        let shown = person.wait_for(&path, end).await;
        assert_eq!(
            shown["redirect_url"],
            Value::Null,
            "an ended withdrawal leads nowhere"
        );
        assert_eq!(pair(&person.balance("EUR").await), after, "{end}");
    }
    let list = person.get("/v1/withdrawals").await;
    let returned = list["withdrawals"][0].clone();
    let back = service
        .pay
        .happens("payout.returned", payout(4, &returned, "returned"));
    for _ in 0..3 {
        assert_eq!(service.pay.deliver(&service.url, &back, 0).await, 200);
    }
    person
        .wait_for(
            &format!("/v1/withdrawals/{}", returned["withdrawal"].as_str().unwrap()),
            "returned",
        )
        .await;
    service.restart().await;
    assert_eq!(
        pair(&person.balance("EUR").await),
        EUR_100,
        "returned money comes back once"
    );
}

#[tokio::test]
async fn amounts_by_card_are_exact_and_within_limits() {
    let service = TestService::start().await;
    let person = service.person("exact").await;
    for (asset, amount, code) in [
        ("EUR", "10.001", "too_many_decimals"),
        ("EUR", "0", "invalid_amount"),
        ("EUR", "-5", "invalid_amount"),
        ("EUR", "NaN", "invalid_amount"),
        ("EUR", "1e3", "invalid_amount"),
        ("EUR", "", "invalid_amount"),
        ("EUR", "9.99", "amount_too_low"),
        ("EUR", "10000.01", "amount_too_high"),
        (
            "EUR",
            "99999999999999999999999999999999999999999999",
            "amount_too_high",
        ),
        ("BTC", "1.00", "asset_not_by_card"),
        ("XXX", "1.00", "asset_not_by_card"),
    ] {
        let (status, refused) = deposit(&person, "wish", asset, amount).await;
        assert_eq!(
            (status, refused["code"].as_str()),
            (400, Some(code)),
            "{asset} {amount}"
        );
    }
    let keyless = person
        .send(
            Method::POST,
            "/v1/deposits",
            &json!({ "asset": "EUR", "amount": "20.00" }),
        )
        .await;
    let keyless: Value = keyless.json().await.unwrap();
    assert_eq!(keyless["code"], "idempotency_key_missing");
    let (status, poor) = withdrawal(&person, "poor", "20.00").await;
    assert_eq!(
        (status, poor["code"].as_str()),
        (400, Some("insufficient_balance"))
    );
}

#[tokio::test]
async fn orders_rest_fill_and_cancel_to_the_last_unit() {
    let service = TestService::start().await;
    let (maker, taker) = (service.person("maker").await, service.person("taker").await);
    maker.granted("BTC", "1").await;
    taker.granted("EUR", "10000").await;
    let order = json!({ "symbol": "BTCEUR", "side": "sell", "type": "limit", "price": "60000.00", "quantity": "0.1" });
    let placed: Value = maker
        .send(Method::POST, "/v1/orders", &order)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(placed["status"], "new", "{placed}");
    assert_eq!(
        maker.balance("BTC").await,
        ("0.90000000".to_owned(), "0.10000000".to_owned())
    );
    let order = json!({ "symbol": "BTCEUR", "side": "buy", "type": "market", "quantity": "0.04" });
    let filled: Value = taker
        .send(Method::POST, "/v1/orders", &order)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (filled["status"].as_str(), filled["average_price"].as_str()),
        (Some("filled"), Some("60000.00000000"))
    );
    // Taker fee 0.2 % of the base received, maker fee 0.1 % of the quote received.
    assert_eq!(taker.balance("BTC").await.0, "0.03992000");
    assert_eq!(taker.balance("EUR").await.0, "7600.00000000");
    assert_eq!(maker.balance("EUR").await.0, "2397.60000000");
    let open = maker.get("/v1/orders?status=open").await;
    assert_eq!(open["orders"][0]["executed_quantity"], "0.04000000");
    let path = format!("/v1/orders/BTCEUR/{}", placed["order"].as_str().unwrap());
    let stolen = taker.delete(&path).await;
    assert_eq!(stolen.status(), 404, "another person's order does not exist");
    let canceled: Value = maker.delete(&path).await.json().await.unwrap();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(
        maker.balance("BTC").await,
        ("0.96000000".to_owned(), "0.00000000".to_owned())
    );
    assert_eq!(maker.delete(&path).await.status(), 404);
    let trades = taker.get("/v1/trades").await;
    assert_eq!(trades["trades"][0]["fee"], "0.00008000");
    assert_eq!(trades["trades"][0]["liquidity"], "taker");
}

#[tokio::test]
async fn a_stop_order_waits_shows_what_for_and_is_triggered() {
    let service = TestService::start().await;
    let (maker, taker) = (service.person("maker").await, service.person("taker").await);
    maker.granted("BTC", "1").await;
    taker.granted("EUR", "10000").await;
    let place = async |person: &Person, order: Value| -> Value {
        let sent = person.send(Method::POST, "/v1/orders", &order).await;
        sent.json().await.unwrap()
    };
    let limit = |side: &str, price: &str| json!({ "symbol": "BTCEUR", "side": side, "type": "limit", "price": price, "quantity": "0.01" });
    place(&maker, limit("sell", "50000")).await;
    place(&taker, limit("buy", "50000")).await;
    let stop = json!({ "symbol": "BTCEUR", "side": "sell", "type": "stop_loss_limit", "stop_price": "45000",
        "price": "44000", "quantity": "0.5" });
    let waiting = place(&maker, stop.clone()).await;
    assert_eq!(
        (
            &waiting["status"],
            &waiting["stop_price"],
            &waiting["triggered_at"]
        ),
        (&json!("new"), &json!("45000.00"), &Value::Null),
        "{waiting}"
    );
    assert_eq!(maker.balance("BTC").await.1, "0.50000000");
    let mut reached = stop;
    reached["stop_price"] = "50000".into();
    let refused = place(&maker, reached).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("stop_would_trigger"), &json!("stop_price")),
        "{refused}"
    );
    place(&maker, limit("sell", "45000")).await;
    place(&taker, limit("buy", "45000")).await;
    let path = format!("/v1/orders/BTCEUR/{}", waiting["order"].as_str().unwrap());
    let working = maker.get(&path).await;
    assert_eq!(working["status"], "new");
    assert!(working["triggered_at"].is_string(), "{working}");
    let canceled: Value = maker.delete(&path).await.json().await.unwrap();
    assert_eq!(canceled["status"], "canceled");
    let market = json!({ "symbol": "BTCEUR", "side": "buy", "type": "stop_loss", "stop_price": "60000", "quantity": "0.01" });
    let waiting = place(&taker, market).await;
    assert_eq!(
        (&waiting["type"], &waiting["price"], &waiting["time_in_force"]),
        (&json!("stop_loss"), &Value::Null, &json!("gtc"))
    );
}

#[tokio::test]
async fn a_pair_holds_once_and_ends_as_one() {
    let service = TestService::start().await;
    let (maker, taker) = (service.person("maker").await, service.person("taker").await);
    maker.granted("BTC", "1").await;
    taker.granted("EUR", "60000").await;
    for (person, side) in [(&maker, "sell"), (&taker, "buy")] {
        let order = json!({ "symbol": "BTCEUR", "side": side, "type": "limit", "price": "50000", "quantity": "0.01" });
        person.send(Method::POST, "/v1/orders", &order).await;
    }
    let place = async |person: &Person, changes: Value| -> (u16, Value) {
        let mut pair = json!({ "symbol": "BTCEUR", "side": "sell", "quantity": "0.5", "price": "55000",
            "stop_price": "45000", "stop_limit_price": "44000", "list_client_order_id": "one-wish" });
        for (name, value) in changes.as_object().unwrap() {
            pair[name] = value.clone();
        }
        let sent = person.send(Method::POST, "/v1/orders/oco", &pair).await;
        (sent.status().as_u16(), sent.json().await.unwrap())
    };
    for (changes, code, field) in [
        (
            json!({ "stop_price": "51000" }),
            "oco_prices",
            json!("stop_price"),
        ),
        (json!({ "price": "49000" }), "oco_prices", json!("stop_price")),
        (
            json!({ "stop_limit_price": "1.001" }),
            "price_precision",
            json!("stop_limit_price"),
        ),
        (json!({ "quantity": "2" }), "insufficient_balance", Value::Null),
        (
            json!({ "list_client_order_id": "no spaces" }),
            "invalid_client_order_id",
            json!("list_client_order_id"),
        ),
    ] {
        let (status, refused) = place(&maker, changes).await;
        assert_eq!(
            (status, &refused["code"], &refused["field"]),
            (400, &json!(code), &field),
            "{refused}"
        );
    }
    let (status, pair) = place(&maker, json!({})).await;
    assert_eq!((status, &pair["ended"]), (201, &json!(false)), "{pair}");
    assert_eq!(
        (&pair["orders"][0]["type"], &pair["orders"][1]["type"]),
        (&json!("limit_maker"), &json!("stop_loss_limit"))
    );
    assert_eq!(maker.balance("BTC").await.1, "0.50000000", "held once");
    let (_, again) = place(&maker, json!({})).await;
    assert_eq!(again["list"], pair["list"], "a retry places nothing");
    let (_, other) = place(&maker, json!({ "price": "56000" })).await;
    assert_eq!(other["code"], "duplicate_client_order_id");
    let open = maker.get("/v1/orders?status=open").await;
    assert_eq!(open["orders"].as_array().unwrap().len(), 2);
    assert_eq!(open["orders"][0]["list"], pair["list"]);
    let path = format!(
        "/v1/orders/BTCEUR/{}",
        pair["orders"][1]["order"].as_str().unwrap()
    );
    maker.delete(&path).await;
    assert_eq!(maker.get("/v1/orders?status=open").await["orders"], json!([]));
    assert_eq!(maker.balance("BTC").await.1, "0.00000000");
    let buy = json!({ "side": "buy", "quantity": "0.1", "price": "45000", "stop_price": "55000",
        "stop_limit_price": null });
    let (status, pair) = place(&taker, buy).await;
    assert_eq!(
        (status, &pair["orders"][0]["type"]),
        (201, &json!("stop_loss")),
        "{pair}"
    );
    assert_eq!(taker.balance("EUR").await.1, "5500.00000000", "the greater need");
}

#[tokio::test]
async fn bad_orders_are_refused_with_what_to_do() {
    let service = TestService::start().await;
    let person = service.person("careless").await;
    person.granted("EUR", "1000").await;
    let good = json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "50000.00", "quantity": "0.001" });
    for (changes, code) in [
        (json!({ "symbol": "NOPE" }), "unknown_market"),
        (json!({ "price": "50000.001" }), "price_precision"),
        (json!({ "quantity": "0.000001" }), "quantity_precision"),
        (json!({ "quantity": "0" }), "quantity_too_low"),
        (json!({ "quantity": "-1" }), "invalid_amount"),
        (json!({ "quantity": "NaN" }), "invalid_amount"),
        (json!({ "price": "99999999999" }), "price_out_of_range"),
        (json!({ "price": "0" }), "price_out_of_range"),
        (json!({ "quantity": "0.00001" }), "notional_too_low"),
        (json!({ "quantity": "0.1" }), "insufficient_balance"),
        (json!({ "price": null }), "missing_field"),
        (json!({ "type": "market", "price": "1.00" }), "unexpected_field"),
        (json!({ "type": "market", "price": null }), "no_liquidity"),
        (json!({ "type": "iceberg" }), "invalid_value"),
        (
            json!({ "type": "market", "price": null, "time_in_force": "fok" }),
            "unexpected_field",
        ),
        (json!({ "stop_price": "49000" }), "unexpected_field"),
        (json!({ "type": "stop_loss_limit" }), "missing_field"),
        (
            json!({ "type": "stop_loss_limit", "stop_price": "0.001" }),
            "price_precision",
        ),
        (
            json!({ "type": "stop_loss_limit", "stop_price": "9000.00" }),
            "price_outside_band",
        ),
        (
            json!({ "type": "stop_loss", "stop_price": "49000" }),
            "unexpected_field",
        ),
        (
            json!({ "type": "take_profit", "price": null, "stop_price": "49000", "time_in_force": "gtc" }),
            "unexpected_field",
        ),
        (json!({ "leverage": "100" }), "unknown_field"),
        (json!({ "client_order_id": "4242424242424242" }), "card_number"),
    ] {
        let mut order = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        let refused = person.send(Method::POST, "/v1/orders", &order).await;
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"].as_str(), Some(code), "{changes}: {problem}");
    }
    assert_eq!(
        pair(&person.balance("EUR").await),
        ("1000.00000000", "0.00000000")
    );
}

#[tokio::test]
async fn a_double_click_places_one_order() {
    let service = TestService::start().await;
    let person = service.person("clicker").await;
    person.granted("EUR", "1000").await;
    let order = json!({
        "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "50000.00", "quantity": "0.001",
        "client_order_id": "one-wish",
    });
    let (first, second) = tokio::join!(
        person.send(Method::POST, "/v1/orders", &order),
        person.send(Method::POST, "/v1/orders", &order)
    );
    let (first, second): (Value, Value) = (first.json().await.unwrap(), second.json().await.unwrap());
    let same = first["order"] == second["order"];
    let refused = [&first, &second]
        .iter()
        .any(|answer| answer["code"] == "duplicate_client_order_id");
    assert!(same || refused, "{first} {second}");
    assert_eq!(
        person.balance("EUR").await.1,
        "50.00000000",
        "one order's money is held"
    );
}

#[tokio::test]
async fn api_keys_are_shown_once_and_sealed() {
    let service = TestService::start().await;
    let person = service.person("keys").await;
    let body = json!({ "label": "bot", "type": "hmac", "permissions": ["read", "trade"] });
    let made: Value = person
        .send(Method::POST, "/v1/api-keys", &body)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(made["secret"].as_str().unwrap().len(), 64);
    let listed = person.get("/v1/api-keys").await;
    assert_eq!(listed["keys"][0]["key"], made["key"]);
    assert_eq!(listed["keys"][0]["secret"], Value::Null);
    for (body, code) in [
        (json!({ "label": "", "type": "hmac" }), "invalid_label"),
        (
            json!({ "label": "+380 67 123 45 67", "type": "hmac" }),
            "invalid_label",
        ),
        (
            json!({ "label": "x", "type": "hmac", "permissions": ["withdraw"] }),
            "invalid_permissions",
        ),
        (json!({ "label": "x", "type": "ed25519" }), "invalid_public_key"),
        (
            json!({ "label": "x", "type": "ed25519", "public_key": "ssh-ed25519 AAAA" }),
            "invalid_public_key",
        ),
        (json!({ "label": "x", "type": "telepathy" }), "invalid_value"),
        (
            json!({ "label": "x", "type": "hmac", "public_key": "x" }),
            "unexpected_field",
        ),
    ] {
        let refused: Value = person
            .send(Method::POST, "/v1/api-keys", &body)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(refused["code"].as_str(), Some(code), "{body}");
    }
    let path = format!("/v1/api-keys/{}", made["key"].as_str().unwrap());
    let stranger = service.person("stranger").await;
    assert_eq!(stranger.delete(&path).await.status(), 404);
    assert_eq!(person.delete(&path).await.status(), 204);
    assert_eq!(person.get("/v1/api-keys").await["keys"], json!([]));
}

#[tokio::test]
async fn the_same_market_order_at_once_executes_once() {
    let service = TestService::start().await;
    let (maker, person) = (service.person("once-maker").await, service.person("once").await);
    maker.granted("BTC", "1").await;
    person.granted("EUR", "1000").await;
    let rest =
        json!({ "symbol": "BTCEUR", "side": "sell", "type": "limit", "price": "60000.00", "quantity": "1" });
    assert_eq!(maker.send(Method::POST, "/v1/orders", &rest).await.status(), 201);
    let order = json!({
        "symbol": "BTCEUR", "side": "buy", "type": "market", "quote_quantity": "60", "client_order_id": "one-wish",
    });
    let answers =
        futures_util::future::join_all((0..8).map(|_| person.send(Method::POST, "/v1/orders", &order))).await;
    let mut orders = Vec::new();
    for answer in answers {
        let answer: Value = answer.json().await.unwrap();
        orders.push(answer["order"].clone());
    }
    orders.dedup();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(person.balance("EUR").await.0, "940.00000000");
}

#[tokio::test]
async fn the_same_withdrawal_at_once_is_one_and_stays_right() {
    let service = TestService::start().await;
    let person = service.person("parallel").await;
    person.granted("EUR", "100").await;
    let answers =
        futures_util::future::join_all((0..8).map(|_| withdrawal(&person, "one-wish", "100.00"))).await;
    for (status, answer) in &answers {
        assert_eq!(
            (*status, answer["status"].as_str()),
            (201, Some("held")),
            "{answer}"
        );
        assert_eq!(answer["withdrawal"], answers[0].1["withdrawal"]);
    }
    assert_eq!(pair(&person.balance("EUR").await), ("0.00000000", "100.00000000"));
    let (status, answer) = withdrawal(&person, "another-wish", "100.00").await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("insufficient_balance"))
    );
    let path = format!("/v1/withdrawals/{}", answers[0].1["withdrawal"].as_str().unwrap());
    let canceled: Value = person
        .send(Method::POST, &format!("{path}/cancel"), &json!({}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(canceled["status"], "canceled", "{canceled}");
    // EnsoExPAY's own word comes after and changes nothing.
    let expired = service
        .pay
        .happens("payout.expired", payout(1, &canceled, "expired"));
    assert_eq!(service.pay.deliver(&service.url, &expired, 0).await, 200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(person.get(&path).await["status"], "canceled");
    assert_eq!(pair(&person.balance("EUR").await), EUR_100);
    let again = person
        .send(Method::POST, &format!("{path}/cancel"), &json!({}))
        .await;
    assert_eq!(again.status(), 409, "what has ended cannot be cancelled");
}

#[tokio::test]
async fn pages_of_history_lose_no_row() {
    let service = TestService::start().await;
    let (maker, taker) = (service.person("pages-maker").await, service.person("pages").await);
    maker.granted("BTC", "1").await;
    taker.granted("EUR", "1000").await;
    for price in 0..7 {
        let rest = json!({
            "symbol": "BTCEUR", "side": "sell", "type": "limit", "price": format!("{}.00", 50_000 + price),
            "quantity": "0.001",
        });
        assert_eq!(maker.send(Method::POST, "/v1/orders", &rest).await.status(), 201);
    }
    // One command, seven trades at one moment.
    let sweep = json!({ "symbol": "BTCEUR", "side": "buy", "type": "market", "quantity": "0.007" });
    assert_eq!(taker.send(Method::POST, "/v1/orders", &sweep).await.status(), 201);
    for (person, path, name) in [(&taker, "/v1/trades", "trades"), (&maker, "/v1/orders", "orders")] {
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = person.get(&format!("{path}?limit=2{next}")).await;
            seen.extend(page[name].as_array().unwrap().iter().map(|row| row.to_string()));
            let Some(cursor) = page["next"].as_str() else {
                break;
            };
            next = format!("&before={cursor}");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 7, "{path}");
    }
    let refused: Value = taker
        .client
        .get(format!("{}/v1/trades?before=x", taker.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(refused["code"], "invalid_cursor");
    let refused: Value = taker
        .client
        .get(format!("{}/v1/trades?limit=x", taker.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(refused["code"], "invalid_query");
}

#[tokio::test]
async fn a_retry_after_a_crash_between_hold_and_answer_finds_its_hold() {
    let mut service = TestService::start().await;
    let person = service.person("crashed").await;
    person.granted("EUR", "100").await;
    let (_, first) = withdrawal(&person, "wish", "100.00").await;
    // As a crash leaves it: the money is held, but neither the page's address nor the state was written.
    service
        .change_records(
            "UPDATE card_transfers SET status = 'created', redirect_url = NULL, pay_session = NULL",
        )
        .await;
    service.restart().await;
    let (status, again) = withdrawal(&person, "wish", "100.00").await;
    assert_eq!((status, again["status"].as_str()), (201, Some("held")), "{again}");
    assert_eq!(
        (&again["withdrawal"], &again["redirect_url"]),
        (&first["withdrawal"], &first["redirect_url"])
    );
    assert_eq!(
        pair(&person.balance("EUR").await),
        ("0.00000000", "100.00000000"),
        "held once"
    );
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_says_so_and_gives_nothing_back() {
    let service = TestService::start().await;
    let person = service.person("late").await;
    person.granted("EUR", "100").await;
    let (_, created) = withdrawal(&person, "wish", "100.00").await;
    service.pay.state.sessions.lock().unwrap()[0]["status"] = json!("complete");
    let path = format!(
        "/v1/withdrawals/{}/cancel",
        created["withdrawal"].as_str().unwrap()
    );
    let refused = person.send(Method::POST, &path, &json!({})).await;
    assert_eq!(refused.status(), 409);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "not_cancelable");
    assert_eq!(
        pair(&person.balance("EUR").await),
        ("0.00000000", "100.00000000"),
        "still held"
    );
}

#[tokio::test]
async fn the_demos_grants_are_closed_to_other_sites_and_bounded() {
    let service = TestService::start().await;
    let person = service.person("granted").await;
    let body = json!({ "account": person.account(), "asset": "EUR", "amount": "5" });
    let from_elsewhere = person
        .client
        .post(format!("{}/dev/grant", person.url))
        .json(&body);
    assert_eq!(from_elsewhere.send().await.unwrap().status(), 403);
    for (account, amount, code) in [
        (person.account(), "1000000001", "amount_too_high"),
        ("1".to_owned(), "5", "unknown_account"),
        (person.account(), "0", "refused"),
    ] {
        let body = json!({ "account": account, "asset": "EUR", "amount": amount });
        let refused: Value = person
            .send(Method::POST, "/dev/grant", &body)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(refused["code"].as_str(), Some(code), "{refused}");
    }
    assert_eq!(person.balance("EUR").await.0, "0.00000000");
}
