//! Time travel over HTTP: owners see their own past, exactly, and are told which moments there are.

mod common;

use common::TestService;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn owners_see_their_own_past() {
    let service = TestService::start().await;
    let person = service.person("past").await;
    person.granted("EUR", "1000").await;
    let order =
        json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "100.00", "quantity": "1" });
    let before = person.get("/v1/balances").await["sequence"].as_u64().unwrap();
    let placed = person.send(Method::POST, "/v1/orders", &order).await;
    let placed: Value = placed.json().await.unwrap();
    let number = placed["order"].as_str().unwrap();
    let between = person.get("/v1/balances").await["sequence"].as_u64().unwrap();
    let canceled = person.delete(&format!("/v1/orders/BTCEUR/{number}")).await;
    assert_eq!(canceled.status(), 200);

    let at = async |sequence: u64| {
        person
            .get(&format!("/v1/account/balances?at=sequence:{sequence}"))
            .await
    };
    let open_at = async |sequence: u64| {
        let answer = person
            .get(&format!("/v1/account/open-orders?at=sequence:{sequence}"))
            .await;
        assert_eq!(answer["sequence"], sequence);
        answer["open_orders"].as_array().unwrap().clone()
    };
    let balance = |answer: &Value| {
        let found = answer["balances"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["asset"] == "EUR");
        let text = |field: &str| found.unwrap()[field].as_str().unwrap().to_owned();
        [text("available"), text("held"), text("total")]
    };
    let then = at(before).await;
    assert_eq!(balance(&then), ["1000.00000000", "0.00000000", "1000.00000000"]);
    assert!(open_at(before).await.is_empty());
    let then = at(between).await;
    assert_eq!(then["sequence"], between);
    assert_eq!(balance(&then), ["900.00000000", "100.00000000", "1000.00000000"]);
    let open = open_at(between).await;
    assert_eq!(open.len(), 1);
    for (field, value) in [
        ("order", json!(number)),
        ("symbol", json!("BTCEUR")),
        ("type", json!("limit")),
        ("price", json!("100.00")),
        ("remaining", json!("1.00000000")),
        ("working", json!(true)),
    ] {
        assert_eq!(open[0][field], value, "{field}");
    }
    let stamp = then["at"].as_str().unwrap();
    assert!(stamp.ends_with('Z'), "{stamp}");
    let now = at(between + 1).await;
    assert_eq!(balance(&now), balance(&at(before).await));

    // By time: the stamp is cut to the millisecond, so what it names is the order's sequence or one before.
    for path in ["balances", "open-orders"] {
        let by_time = person.get(&format!("/v1/account/{path}?at={stamp}")).await;
        assert!(by_time["sequence"].as_u64().unwrap() <= between);
    }
}

#[tokio::test]
async fn moments_that_do_not_exist_are_refused() {
    let service = TestService::start().await;
    let person = service.person("nowhen").await;
    for (query, status, code) in [
        ("", 400, "missing_field"),
        ("?at=", 400, "invalid_time"),
        ("?at=yesterday", 400, "invalid_time"),
        ("?at=1969-12-31T23:59:59Z", 400, "invalid_time"),
        (
            "?at=2026-11-22T12:00:00.00000000000000000000000000000000000000Z",
            400,
            "invalid_time",
        ),
        ("?at=sequence:-1", 400, "invalid_time"),
        ("?at=sequence:1&at=sequence:2", 400, "invalid_query"),
        ("?at=sequence:1&account=1001", 400, "invalid_query"),
        ("?at=sequence:0", 404, "before_first_command"),
        ("?at=1970-01-01T00:00:00Z", 404, "before_first_command"),
        ("?at=1970-01-01", 404, "before_first_command"),
        ("?at=sequence:1", 404, "account_not_open_then"),
        ("?at=sequence:18446744073709551615", 404, "beyond_last_command"),
        ("?at=9999-12-31T23:59:59Z", 404, "beyond_last_command"),
    ] {
        for path in ["balances", "open-orders"] {
            let path = format!("/v1/account/{path}{query}");
            let answer = person.send(Method::GET, &path, &Value::Null).await;
            assert_eq!(answer.status(), status, "{path}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], code, "{path}");
            let detail = problem["detail"].as_str();
            assert!(detail.is_some_and(|detail| detail.ends_with('.')), "{problem}");
        }
    }
}
