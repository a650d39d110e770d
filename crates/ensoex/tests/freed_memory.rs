//! What passed through a running Service is not in its memory afterwards.

#[path = "support/process_memory.rs"]
mod process_memory;
#[allow(dead_code, reason = "what other tests need of a running Service")]
#[path = "recovery/service.rs"]
mod service;

use memchr::memmem::find;
use reqwest::Client;
use serde_json::json;
use service::Service;
use std::time::Duration;

/// A card number that passes every check, and words that nobody else has; neither stands whole in this file.
fn needles() -> [String; 4] {
    [
        ["47163916", "52804733"].concat(),
        ["4716 3916 ", "5280 4733"].concat(),
        ["canary-wren", "@example.org"].concat(),
        ["canary wren ", "sings at dawn"].concat(),
    ]
}

fn held(pid: u64) -> Vec<String> {
    let holds =
        |needle: &String| process_memory::holds(pid, &|piece| find(piece, needle.as_bytes()).is_some());
    needles().into_iter().filter(holds).collect()
}

/// Over connections that end with it, and their buffers with them.
async fn ask_everything(base: &str) {
    let [number, spaced, email, password] = needles();
    let client = Client::new();
    for (path, body) in [
        ("/v1/session", json!({ "email": email, "password": password })),
        ("/v1/session", json!({ "email": number, "password": password })),
        ("/v1/deposits", json!({ "asset": "EUR", "amount": spaced })),
        ("/v1/registrations", json!({ "email": email, "phone": spaced })),
        ("/api/v3/order", json!({ "newClientOrderId": number })),
    ] {
        let asked = client.post(format!("{base}{path}")).json(&body);
        assert!(asked.send().await.unwrap().status().is_client_error(), "{path}");
    }
    let asked = client
        .get(format!("{base}/v1/markets"))
        .query(&[("note", &spaced)]);
    assert!(asked.send().await.unwrap().status().is_client_error());
}

/// Mechanism: `crates/ensoex/src/main.rs`
/// Control: this test's own memory, where the same search finds all of it.
#[tokio::test]
async fn clause_09_what_passed_through_is_not_in_memory_afterwards() {
    let kept = tempfile::tempdir().unwrap();
    let service = Service::start(&kept.path().join("service"), &[]);
    service.healthy("primary").await;
    // Many at once, so that they lie in many places.
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let base = service.base.clone();
        asking.spawn(async move { ask_everything(&base).await });
    }
    asking.join_all().await;
    let mut left = held(service.pid());
    for _ in 0..50 {
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = held(service.pid());
    }
    assert_eq!(left, [""; 0]);
    let own = needles();
    assert_eq!(held(u64::from(std::process::id())).len(), own.len());
}
