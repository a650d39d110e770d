//! No card number comes into the Service, whatever it is typed into.

mod common;

use common::{PASSWORD, TestService};
use ensoex_card_firewall::{Hit, Scanner};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::path::Path;
use tokio_tungstenite::tungstenite::Message;

/// Published for tests by no network; every check is passed.
const NUMBER: &str = "4716391652804733";

/// Eight ways to write it.
fn disguises() -> [String; 8] {
    let groups = [&NUMBER[..4], &NUMBER[4..8], &NUMBER[8..12], &NUMBER[12..]];
    let digits = |zero: u32| -> String {
        let digit = |byte: u8| char::from_u32(zero + u32::from(byte - b'0')).unwrap();
        NUMBER.bytes().map(digit).collect()
    };
    [
        NUMBER.to_owned(),
        groups.join(" "),
        groups.join("-"),
        groups.join("\u{a0}.\u{200b}"),
        digits(0xff10),
        digits(0x660),
        format!("my card: {NUMBER}!"),
        NUMBER
            .chars()
            .map(String::from)
            .collect::<Vec<_>>()
            .join("\u{200d}"),
    ]
}

async fn refused(response: Response, what: &str) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, 400, "{what}: {body}");
    assert!(
        body["code"] == "card_number" || body["code"] == -1100,
        "{what}: {body}"
    );
    let said = body["detail"].as_str().or(body["msg"].as_str()).unwrap();
    assert!(said.contains("EnsoExPAY's own page"), "{what}: {said}");
}

fn scan(folder: &Path) -> Vec<Hit> {
    let mut hits = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hits.extend(scan(&path));
        } else {
            let mut scanner = Scanner::default();
            // Closing a database removes its files beside.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            scanner.read(&bytes);
            hits.extend(scanner.finish());
        }
    }
    hits
}

/// Mechanism: `crates/service/src/card_firewall.rs`
/// Control: a number that lies in a file is found.
#[tokio::test]
async fn clause_06_no_field_takes_a_card_number_in_any_disguise() {
    let mut service = TestService::start().await;
    let person = service.person("cardholder").await;
    person.granted("EUR", "1000").await;
    let policy = service.policy_hash().await;
    // Every field of every form: one at a time is a card number, the others are as they should be.
    let forms = [
        (
            "/v1/registrations",
            json!({ "email": "b@example.org", "phone": "+380671112233", "password": PASSWORD, "policy_hash": policy, "language": "en" }),
        ),
        (
            "/v1/session",
            json!({ "email": "b@example.org", "password": PASSWORD }),
        ),
        ("/v1/deposits", json!({ "asset": "EUR", "amount": "20" })),
        ("/v1/withdrawals", json!({ "asset": "EUR", "amount": "20" })),
        (
            "/v1/orders",
            json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "time_in_force": "gtc", "price": "100", "quantity": "1",
                    "client_order_id": "mine" }),
        ),
        (
            "/v1/api-keys",
            json!({ "type": "hmac", "label": "bot", "permissions": ["read"] }),
        ),
        (
            "/v1/me/requests",
            json!({ "right": "objection", "matter": "fraud_prevention" }),
        ),
        (
            "/v1/me/corrections/email",
            json!({ "value": "c@example.org", "password": PASSWORD }),
        ),
        ("/v1/me/erasure", json!({ "password": PASSWORD })),
        ("/v1/nothing-here", json!({ "unknown": { "deep": ["field"] } })),
    ];
    for disguise in disguises() {
        for (path, form) in &forms {
            for field in form.as_object().unwrap().keys() {
                let mut typed = form.clone();
                typed[field] = json!(disguise);
                refused(
                    person.send(Method::POST, path, &typed).await,
                    &format!("{path} {field}"),
                )
                .await;
            }
            let mut named = form.clone();
            named[&disguise] = json!(1);
            refused(person.send(Method::POST, path, &named).await, path).await;
        }
        for path in ["/v1/markets", "/api/v3/order", "/v1/orders", "/no/page"] {
            let url = format!("{path}?note={}", percent(&disguise));
            refused(service.get(&url).await, &url).await;
            let url = format!("{path}/{}", percent(&disguise));
            refused(service.get(&url).await, &url).await;
        }
        let client = reqwest::Client::new();
        for header in ["user-agent", "referer", "x-mbx-apikey", "cookie"] {
            let request = client
                .get(format!("{}/v1/markets", service.url))
                .header(header, disguise.as_bytes());
            refused(request.send().await.unwrap(), header).await;
        }
        let form = client
            .post(format!("{}/api/v3/order", service.url))
            .form(&[("newClientOrderId", &disguise)]);
        refused(form.send().await.unwrap(), "a form").await;
    }
    // As a JSON number, and spread over fields.
    let number: u64 = NUMBER.parse().unwrap();
    for body in [
        json!({ "asset": "EUR", "amount": number }),
        json!({ "label": &NUMBER[..8], "note": &NUMBER[8..] }),
        json!([&NUMBER[..4], &NUMBER[4..8], [&NUMBER[8..12], { "last": &NUMBER[12..] }]]),
    ] {
        refused(person.send(Method::POST, "/v1/deposits", &body).await, "spread").await;
    }
    // In the order of the text, whatever the names.
    let spread = format!(
        r#"{{"zulu":"{}","mike":"{}","alpha":"{}"}}"#,
        &NUMBER[..6],
        &NUMBER[6..12],
        &NUMBER[12..]
    );
    let client = reqwest::Client::new();
    for (path, body) in [
        ("/v1/session", spread),
        (
            "/api/v3/order",
            format!("newClientOrderId={}", percent(&disguises()[4])),
        ),
    ] {
        let request = client.post(format!("{}{path}", service.url)).body(body);
        refused(request.send().await.unwrap(), "without a type").await;
    }
    service.stop().await;
    assert_eq!(scan(&service.directory), [], "none came into any file");
    // The control: what lies there is found.
    std::fs::write(service.directory.join("planted"), disguises()[4].as_bytes()).unwrap();
    assert_eq!(scan(&service.directory).len(), 1);
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Mechanism: `crates/service/src/card_firewall.rs`
/// Control: an ordinary message is answered.
#[tokio::test]
async fn clause_06_no_message_of_a_socket_takes_a_card_number() {
    let service = TestService::start().await;
    let url = format!("{}/ws", service.url.replacen("http", "ws", 1));
    for (text, ends) in [
        (
            json!({ "method": "SUBSCRIBE", "params": [NUMBER], "id": 1 }).to_string(),
            true,
        ),
        (
            r#"{"method":"LIST_SUBSCRIPTIONS","id":"\u0034\u0037163916 52804733"}"#.to_owned(),
            true,
        ),
        // The control: an ordinary message is answered.
        (
            json!({ "method": "LIST_SUBSCRIPTIONS", "id": 7 }).to_string(),
            false,
        ),
    ] {
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        socket.send(Message::text(text.clone())).await.unwrap();
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => {
                assert!(ends && frame.reason.contains("EnsoExPAY"), "{text}: {frame:?}")
            }
            answer => assert!(!ends, "{text}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn what_looks_like_a_card_number_only_at_first_sight_is_taken() {
    let service = TestService::start().await;
    let person = service.person("numbers").await;
    person.granted("EUR", "1000000").await;
    // Amounts that would be a number by themselves or together, and a long number of one's own that is no card's.
    let order = json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "time_in_force": "gtc", "price": "43250.15000000",
                        "quantity": "0.42424242", "client_order_id": "1732365845123456" });
    let placed = person.send(Method::POST, "/v1/orders", &order).await;
    assert_ne!(placed.json::<Value>().await.unwrap()["code"], "card_number");
    // What proxies add.
    let client = reqwest::Client::new();
    for (header, value) in [
        ("x-forwarded-for", "62.133.144.155, 104.16.10.20"),
        ("x-b3-traceid", "4242424242424242"),
        (
            "traceparent",
            "00-42424242424242424242424242424242-4242424242424242-01",
        ),
        ("idempotency-key", "42424242-4242-4242-8424-242424242424"),
    ] {
        let request = client
            .get(format!("{}/v1/markets", service.url))
            .header(header, value);
        assert_eq!(request.send().await.unwrap().status(), 200, "{header}");
    }
}
