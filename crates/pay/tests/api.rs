//! The API: signatures, idempotency, bad input, events, webhooks.

mod support;

use ensoex_pay_api::{CheckoutSession, EventList, PaymentList, SharedSecrets, sign_request};
use serde_json::{Value, json};
use std::sync::Arc;
use support::*;

const SESSIONS: &str = "/v1/checkout_sessions";

fn code(body: &Value) -> &str {
    body["error"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no error: {body}"))
}

#[tokio::test]
async fn thirty_two_requests_with_one_key_make_one_session() {
    let world = Arc::new(World::new().await);
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let world = world.clone();
        work.spawn(async move { world.create("payment", "deposit-1", 2_500).await.id });
    }
    let mut ids = work.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_key_stands_for_one_body_and_a_reference_for_one_session() {
    let mut world = World::new().await;
    let first = world.create("payment", "deposit-1", 2_500).await;
    let other = World::request("payment", "deposit-1", 2_600).to_string();
    let (status, body) = world.call("POST", SESSIONS, Some("deposit-1"), &other).await;
    assert_eq!((status, code(&body)), (422, "idempotency_key_reused"));
    assert_eq!(body["error"]["retry"], "new_attempt");
    let same = World::request("payment", "deposit-1", 2_500);
    let (status, body) = world
        .call("POST", SESSIONS, Some("another-key"), &same.to_string())
        .await;
    assert_eq!((status, code(&body)), (409, "client_reference_taken"));
    // References are unique for payments and for payouts, each on their own.
    let payout = World::request("payout", "deposit-1", 2_500);
    world.create_from(&payout, "payout-key").await;
    // A retry finds the same session after a restart, whatever the spelling of the JSON.
    world.stop_pay().await;
    world.start_pay().await;
    let spelled = serde_json::to_string_pretty(&same).unwrap();
    let (status, body) = world.call("POST", SESSIONS, Some("deposit-1"), &spelled).await;
    assert_eq!(status, 200);
    assert_eq!(
        serde_json::from_value::<CheckoutSession>(body).unwrap().id,
        first.id
    );
    let found: PaymentList = world.get("/v1/payments?client_reference=deposit-1").await;
    assert_eq!(found.data.len(), 1);
    assert_eq!(found.data[0].id, first.payment.unwrap());
    let none: PaymentList = world.get("/v1/payments?client_reference=deposit-2").await;
    assert!(none.data.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn only_the_service_may_ask() {
    let world = World::new().await;
    let body = World::request("payment", "deposit-1", 2_500).to_string();
    let json = SharedSecrets::json_from_random(&[7; 32], &[9; 32]);
    let secrets = SharedSecrets::from_json(&json).unwrap_or_else(|error| panic!("{error}"));
    let sign = |secret, at, method, path, body: &str| sign_request(secret, at, method, path, body.as_bytes());
    let key = Some("deposit-1");
    for (what, signature, expected) in [
        ("nothing", None, "signature_missing"),
        ("rubbish", Some("rubbish".to_owned()), "signature_missing"),
        (
            "the wrong secret",
            Some(sign(&secrets.webhook, now(), "POST", SESSIONS, &body)),
            "signature_invalid",
        ),
        (
            "an old time",
            Some(sign(&secrets.request, now() - 400, "POST", SESSIONS, &body)),
            "signature_invalid",
        ),
        (
            "a future time",
            Some(sign(&secrets.request, now() + 400, "POST", SESSIONS, &body)),
            "signature_invalid",
        ),
        (
            "another method",
            Some(sign(&secrets.request, now(), "GET", SESSIONS, &body)),
            "signature_invalid",
        ),
        (
            "another path",
            Some(sign(&secrets.request, now(), "POST", "/v1/events", &body)),
            "signature_invalid",
        ),
        (
            "another body",
            Some(sign(&secrets.request, now(), "POST", SESSIONS, "{}")),
            "signature_invalid",
        ),
    ] {
        let (status, answer) = world
            .call_signed("POST", SESSIONS, key, &body, signature.as_deref())
            .await;
        assert_eq!((status, code(&answer)), (401, expected), "{what}");
    }
    let right = sign(&secrets.request, now(), "POST", SESSIONS, &body);
    assert_eq!(
        world
            .call_signed("POST", SESSIONS, key, &body, Some(&right))
            .await
            .0,
        200
    );
    for path in [
        "/v1/events",
        "/v1/balance",
        "/v1/payments?client_reference=x",
        "/v1/payouts/po_x",
    ] {
        assert_eq!(
            world.call_signed("GET", path, None, "", None).await.0,
            401,
            "{path}"
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn bad_input_is_named_and_changes_nothing() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut request = World::request("payment", "deposit-1", 2_500);
        request[name] = value;
        request.to_string()
    };
    let huge = format!(
        "{}{}",
        World::request("payment", "deposit-1", 2_500),
        " ".repeat(70_000)
    );
    for (what, body, status, expected) in [
        ("no JSON", "{".to_owned(), 400, "body_malformed"),
        (
            "an unknown field",
            with("card_number", json!("4242424242424242")),
            400,
            "body_malformed",
        ),
        ("a fraction", with("amount", json!(25.5)), 400, "body_malformed"),
        (
            "a text amount",
            with("amount", json!("2500")),
            400,
            "body_malformed",
        ),
        ("zero", with("amount", json!(0)), 400, "amount_invalid"),
        (
            "a negative amount",
            with("amount", json!(-1)),
            400,
            "amount_invalid",
        ),
        (
            "too much",
            with("amount", json!(1_000_000_001)),
            400,
            "amount_invalid",
        ),
        (
            "far too much",
            with("amount", json!(1e300)),
            400,
            "body_malformed",
        ),
        (
            "another currency",
            with("currency", json!("USD")),
            400,
            "body_malformed",
        ),
        (
            "a card number as reference",
            with("client_reference", json!("4242424242424242")),
            400,
            "body_malformed",
        ),
        (
            "a script",
            with("success_url", json!("javascript:alert(1)")),
            400,
            "return_url_invalid",
        ),
        (
            "a header",
            with("cancel_url", json!("http://host;script-src/")),
            400,
            "return_url_invalid",
        ),
        (
            "no documents",
            with(
                "documents",
                json!({ "version": "1", "url": "http://host/documents" }),
            ),
            400,
            "documents_invalid",
        ),
        ("too many bytes", huge, 413, "body_too_large"),
    ] {
        let (answered, answer) = world.call("POST", SESSIONS, Some("deposit-1"), &body).await;
        assert_eq!((answered, code(&answer)), (status, expected), "{what}");
        assert!(!answer.to_string().contains("4242"), "{what} is repeated");
    }
    let body = World::request("payment", "deposit-1", 2_500).to_string();
    let long = "x".repeat(65);
    for key in [None, Some(""), Some("a b"), Some(long.as_str())] {
        let (status, answer) = world.call("POST", SESSIONS, key, &body).await;
        assert_eq!(
            (status, code(&answer)),
            (400, "idempotency_key_invalid"),
            "{key:?}"
        );
    }
    for (method, path, status, expected) in [
        ("GET", "/v1/payments/pay_none", 404, "not_found"),
        ("GET", "/v1/payouts/po_none", 404, "not_found"),
        ("GET", "/v1/checkout_sessions/cs_none", 404, "not_found"),
        ("POST", "/v1/checkout_sessions/cs_none/expire", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "route_not_found"),
        ("DELETE", "/v1/events", 405, "method_not_allowed"),
        ("GET", "/v1/payments", 400, "parameter_invalid"),
        (
            "GET",
            "/v1/payments?client_reference=a%20b",
            400,
            "parameter_invalid",
        ),
        ("GET", "/v1/events?after=-1", 400, "parameter_invalid"),
        ("GET", "/v1/events?limit=0", 400, "parameter_invalid"),
        ("GET", "/v1/events?limit=501", 400, "parameter_invalid"),
        ("GET", "/v1/events?other=1", 400, "parameter_invalid"),
    ] {
        let (answered, answer) = world.call(method, path, None, "").await;
        assert_eq!((answered, code(&answer)), (status, expected), "{method} {path}");
    }
    assert_eq!(world.create("payment", "deposit-1", 2_500).await.amount, 2_500);
    world.stop().await;
}

#[tokio::test]
async fn events_have_no_gaps_and_are_read_in_pages() {
    let world = Arc::new(World::new().await);
    let mut work = tokio::task::JoinSet::new();
    for index in 0..12 {
        let world = world.clone();
        work.spawn(async move {
            let session = world
                .create("payment", &format!("deposit-{index}"), 100 + index)
                .await;
            world.pay_with(&session, APPROVED).await;
        });
    }
    work.join_all().await;
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or(0);
        let page: EventList = world.get(&format!("/v1/events?after={after}&limit=5")).await;
        seen.extend(page.data.iter().map(|event| event.seq));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, (1..=12).collect::<Vec<i64>>());
    assert_eq!(world.reconcile().await, (12 * 100 + 66, 0));
}

#[tokio::test]
async fn webhooks_are_repeated_with_fresh_signatures_until_taken() {
    let world = World::with(fast(), 2).await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    world.pay_with(&session, APPROVED).await;
    eventually("the webhook", || async {
        (!world.hook.events().is_empty()).then_some(())
    })
    .await;
    let signatures = world.hook.signatures();
    assert_eq!(signatures.len(), 3);
    assert_ne!(
        signatures[0], signatures[2],
        "the third try carries the first one's signature"
    );
    assert_eq!(world.hook.types(), ["payment.succeeded"]);
    world.stop().await;
}

#[tokio::test]
async fn a_restart_delivers_what_was_not_taken() {
    let mut world = World::with(fast(), usize::MAX).await;
    let session = world.create("payment", "deposit-1", 2_500).await;
    world.pay_with(&session, APPROVED).await;
    eventually("a few tries", || async {
        (world.hook.signatures().len() >= 2).then_some(())
    })
    .await;
    world.stop_pay().await;
    world.hook.accept();
    world.start_pay().await;
    eventually("the webhook", || async {
        (!world.hook.events().is_empty()).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn pages_carry_strict_headers_and_speak_both_languages() {
    let world = World::new().await;
    let session = world.create("payment", "deposit-1", 250_000).await;
    let response = world.client.get(&session.url).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(policy.contains(&format!(
        "form-action 'self' http://127.0.0.1:1 http://127.0.0.1:1 {}",
        world.cardnet_url
    )));
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert!(!response.headers().contains_key("set-cookie"));
    let english = response.text().await.unwrap();
    assert!(english.contains("lang=\"en\"") && english.contains("€2,500.00"));
    let ukrainian = world.page(&format!("{}?lang=uk", session.url)).await;
    assert!(ukrainian.contains("lang=\"uk\"") && ukrainian.contains("2\u{a0}500,00\u{a0}€"));
    assert!(ukrainian.contains("Номер картки"));
    assert_eq!(
        world
            .client
            .get(format!("{}/pay/cs_none", world.pay_url))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        world
            .client
            .get(format!("{}/health", world.pay_url))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    world.stop().await;
}

#[tokio::test]
async fn a_database_under_another_key_is_refused() {
    let mut world = World::new().await;
    world.stop_pay().await;
    let key = world.pay_data().join("keys/card-key-encryption-1.key");
    let original = std::fs::read(&key).unwrap();
    std::fs::write(&key, "00".repeat(32)).unwrap();
    let refused = world
        .try_start_pay()
        .await
        .err()
        .expect("a wrong key is accepted");
    assert!(matches!(refused, ensoex_pay::StartError::WrongKey), "{refused}");
    std::fs::write(&key, original).unwrap();
    world.start_pay().await;
    world.stop().await;
}
