//! Every route: in the OpenAPI document, closed to strangers unless public, and public ones without a trace.

mod common;

use common::TestService;
use reqwest::{Client, Method};
use serde_json::Value;

/// Routes of `/v1` that anybody may call. Everything else answers 401 without a session.
const OPEN: &[(&str, &str)] = &[
    ("get", "/health"),
    ("get", "/v1/markets"),
    ("get", "/v1/policy"),
    ("get", "/v1/policy/at"),
    ("get", "/v1/policy/versions"),
    ("get", "/v1/policy/versions/{version}"),
    ("get", "/v1/transparency/policy"),
    ("get", "/v1/transparency/policy/log"),
    ("get", "/v1/transparency/policy/consistency"),
    ("get", "/v1/transparency/policy/inclusion"),
    ("get", "/v1/catalogue"),
    ("get", "/v1/clauses"),
    ("get", "/v1/registration/limits"),
    ("get", "/v1/transparency/access"),
    ("get", "/v1/transparency/receipt-key"),
    ("get", "/v1/transparency/statistics"),
    ("get", "/v1/transparency/disclosures"),
    ("get", "/v1/openapi.json"),
    ("post", "/v1/registrations"),
    ("post", "/v1/registrations/{registration}/confirm"),
    ("post", "/v1/registrations/{registration}/codes"),
    ("get", "/v1/session"),
    ("post", "/v1/session"),
    ("delete", "/v1/session"),
    // For whoever typed the password a moment ago; 410 for all others.
    ("post", "/v1/session/factor"),
    ("post", "/v1/session/passkey"),
    ("post", "/v1/session/passkey/challenge"),
    ("get", "/v1/me/export/schema"),
    // For whoever has the random pseudonym of somebody erased; 404 for all others.
    ("get", "/v1/erasures/{subject}"),
    // Signed by EnsoExPAY; 401 without its signature.
    ("post", "/v1/webhooks/pay"),
];

#[tokio::test]
async fn every_route_of_people_is_closed_to_strangers() {
    let service = TestService::start().await;
    let document: Value = service.get("/v1/openapi.json").await.json().await.unwrap();
    let mut closed = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if OPEN.contains(&(method.as_str(), path.as_str())) {
                continue;
            }
            let url = format!("{}{}", service.url, path.replace(['{', '}'], "x"));
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = Client::new()
                .request(method.clone(), url)
                .header("EnsoEx-Client", "web");
            let answer = request
                .header("Content-Type", "application/json")
                .body("{}")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 401, "{method} {path} is open to strangers");
            closed += 1;
        }
    }
    assert!(closed >= 20, "the document names the routes ({closed})");
    for (method, path) in OPEN {
        assert!(
            document["paths"][path][method].is_object(),
            "{method} {path} is missing in the document"
        );
    }
}

/// Mechanism: `crates/service/src/public.rs`
/// Control: a planted trace is found.
#[tokio::test]
async fn clause_04_public_sections_leave_no_trace() {
    let service = TestService::start().await;
    let paths = [
        "/",
        "/market/BTCEUR",
        "/documents",
        "/documents/terms",
        "/documents/versions",
        "/documents/diff",
        "/documents/feed.atom",
        "/uk/documents/privacy",
        "/what-we-hold",
        "/health",
        "/v1/markets",
        "/v1/policy",
        "/v1/catalogue",
        "/v1/clauses?language=uk",
        "/v1/registration/limits",
        "/v1/openapi.json",
        "/api/v3/exchangeInfo",
        "/api/v3/depth?symbol=BTCEUR",
        "/api/v3/klines?symbol=BTCEUR&interval=1m",
        "/api/v3/trades?symbol=BTCEUR",
    ];
    for path in paths {
        let mut answers = Vec::new();
        for visitor in ["canary-visitor-one", "canary-visitor-two"] {
            let client = Client::builder().user_agent(visitor).build().unwrap();
            let request = client
                .get(format!("{}{path}", service.url))
                .header("Cookie", format!("id={visitor}"));
            let answer = request
                .header("Referer", format!("https://{visitor}.example/"))
                .send()
                .await
                .unwrap();
            assert!(answer.status().is_success(), "{path}");
            assert!(
                !answer.headers().contains_key("set-cookie"),
                "{path} sets a cookie"
            );
            assert!(
                answer.headers()["content-security-policy"]
                    .to_str()
                    .unwrap()
                    .contains("default-src 'self'")
            );
            assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
            let text = answer.text().await.unwrap();
            // The server's clock is the one thing that may differ between two visits.
            answers.push(
                text.split("\"serverTime\":")
                    .map(|part| part.trim_start_matches(char::is_numeric))
                    .collect::<String>(),
            );
        }
        assert_eq!(answers[0], answers[1], "{path} tells two visitors apart");
    }
    assert!(
        !holds(&service.directory, "canary-visitor"),
        "a visitor left a trace"
    );
    std::fs::write(service.directory.join("planted"), "canary-visitor-one").unwrap();
    assert!(
        holds(&service.directory, "canary-visitor"),
        "control: a planted trace is found"
    );
}

/// Mechanism: `crates/service/src/lib.rs`
/// Control: the header is compared with the hash of the version, not only looked for.
#[tokio::test]
async fn clause_02_the_version_in_force_stands_in_every_answer() {
    let service = TestService::start().await;
    let hash = service.policy_hash().await;
    for path in [
        "/",
        "/health",
        "/v1/markets",
        "/v1/me",
        "/api/v3/ping",
        "/nothing.here",
    ] {
        assert_eq!(
            service.get(path).await.headers()["ensoex-policy-version"],
            hash.as_str(),
            "{path}"
        );
    }
}

fn holds(directory: &std::path::Path, needle: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        // A socket holds nothing.
        let bytes = path.is_file().then(|| std::fs::read(&path).unwrap());
        bytes.is_some_and(|bytes| {
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        })
    })
}
