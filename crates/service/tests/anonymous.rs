//! The public sections leave nothing of a visitor: no address in any file, log line or figure, and the same strict answer everywhere.

mod common;

use common::TestService;
use reqwest::{Client, Method};
use serde_json::Value;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Where the visitor comes from: nobody else does.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 83, 14, 7));
/// Where a proxy says that they come from.
const FORWARDED: &str = "203.0.113.83";

/// Pages, and addresses that are wrong on purpose: errors are logged most easily.
const PAGES: [&str; 20] = [
    "/",
    "/market/BTCEUR",
    "/documents",
    "/documents/privacy",
    "/what-we-hold",
    "/how-we-keep-it",
    "/register",
    "/sign-in",
    "/my-data",
    "/health/live",
    "/health/ready",
    "/health/primary",
    "/favicon.svg",
    "/assets/nothing.js",
    "/nothing.here",
    "/v1/nothing",
    "/api/v3/klines?symbol=BTCEUR&interval=1m",
    "/api/v3/depth?symbol=NOTHING",
    "/api/v3/account",
    "/stream?streams=btceur@trade",
];

/// Log lines, as the Service writes them with its most talkative setting but the one that lists connections.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The forms in which an address could be kept.
fn forms() -> Vec<Vec<u8>> {
    let IpAddr::V4(address) = ADDRESS else {
        unreachable!()
    };
    let packed = u32::from(address);
    vec![
        ADDRESS.to_string().into_bytes(),
        FORWARDED.as_bytes().to_vec(),
        format!("{packed:08x}").into_bytes(),
        packed.to_string().into_bytes(),
        b"canary-visitor".to_vec(),
    ]
}

fn holds(bytes: &[u8]) -> bool {
    forms()
        .iter()
        .any(|form| bytes.windows(form.len()).any(|window| window == form.as_slice()))
}

fn files_that_hold(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_that_hold(&path));
        } else if path.is_file() && holds(&std::fs::read(&path).unwrap()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// A visitor with an address of their own goes everywhere; afterwards it is in no file, no log line and no answer.
/// Mechanism: `crates/service/src/public.rs`
/// Control: the address is found in a file and in a log line that hold it, and the visitor did come from there.
#[tokio::test]
async fn clause_04_a_visitors_address_is_in_no_file_log_or_answer() {
    let lines = Lines::default();
    let written = lines.clone();
    tracing_subscriber::fmt()
        .with_env_filter("debug")
        .with_writer(move || written.clone())
        .init();
    let service = TestService::start().await;
    let client = Client::builder()
        .local_address(ADDRESS)
        .user_agent("canary-visitor")
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let document: Value = service.get("/v1/openapi.json").await.json().await.unwrap();
    let mut asked: Vec<(Method, String)> = PAGES
        .iter()
        .map(|page| (Method::GET, (*page).to_owned()))
        .collect();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "x");
            asked.push((method.to_uppercase().parse().unwrap(), path));
        }
    }
    assert!(asked.len() > 60, "{}", asked.len());
    for (method, path) in &asked {
        for body in ["{}", "{not json"] {
            let request = client
                .request(method.clone(), format!("{}{path}", service.url))
                .header("EnsoEx-Client", "web")
                .header("Content-Type", "application/json")
                .header("X-Forwarded-For", FORWARDED)
                .header("Forwarded", format!("for={FORWARDED}"))
                .header("X-Real-IP", FORWARDED)
                .header("Referer", "https://canary-visitor.example/")
                .body(body);
            let answer = request.send().await.unwrap();
            strict(path, answer.headers());
            let kept = answer.headers().contains_key("set-cookie");
            assert!(!kept || path == "/v1/session", "{method} {path} sets a cookie");
            assert!(
                !holds(&answer.bytes().await.unwrap()),
                "{method} {path} answers with the address"
            );
        }
    }
    let figures = service.get("/health/ready").await.bytes().await.unwrap();
    assert!(!holds(&figures));
    assert_eq!(files_that_hold(&service.directory), [""; 0]);
    let logged = lines.text();
    assert!(logged.contains("the Service listens"), "nothing was logged");
    assert!(!holds(logged.as_bytes()), "{logged}");

    // The control: the Service did see this address, and the search finds it where it is.
    let seen = seen_by_a_server(&client).await;
    assert_eq!(seen, ADDRESS);
    std::fs::write(service.directory.join("planted"), format!("from {ADDRESS}")).unwrap();
    assert_eq!(files_that_hold(&service.directory).len(), 1);
    tracing::info!(address = %seen, "planted");
    assert!(holds(lines.text().as_bytes()));
}

/// Whoever asks the public routes too often is told when to come again; others are not.
/// Mechanism: `crates/service/src/visitors.rs`
/// Control: a visitor from another network is served meanwhile, and the first one was before.
#[tokio::test]
async fn clause_04_public_routes_are_limited_for_each_network() {
    const VISITS_MAX: usize = 3_000;
    let service = TestService::start().await;
    let visitor = |last: u8| {
        let from = IpAddr::V4(Ipv4Addr::new(127, 83, 14, last));
        Client::builder().local_address(from).build().unwrap()
    };
    let (hasty, other) = (visitor(20), visitor(21));
    let url = format!("{}/v1/registration/limits", service.url);
    let mut served = 0;
    // A minute may end meanwhile, and the count begin anew.
    let refused = loop {
        let answer = hasty.get(&url).send().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
        served += 1;
        assert!(served <= 20 * VISITS_MAX, "nobody is ever refused");
    };
    assert_eq!(refused.status(), 429);
    assert!(served >= VISITS_MAX, "{served}");
    let retry_after_s: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&retry_after_s));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_requests");
    assert_eq!(other.get(&url).send().await.unwrap().status(), 200);
}

/// Every answer, wrong addresses too, tells the browser to keep to our own origin and to tell nobody where it comes from.
fn strict(path: &str, headers: &reqwest::header::HeaderMap) {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert!(
        text("content-security-policy").contains("default-src 'self'"),
        "{path}"
    );
    assert_eq!(text("referrer-policy"), "no-referrer", "{path}");
    assert!(
        text("permissions-policy").contains("browsing-topics=()"),
        "{path}"
    );
    assert_eq!(text("x-content-type-options"), "nosniff", "{path}");
}

async fn seen_by_a_server(client: &Client) -> IpAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asking = tokio::spawn(client.get(url).send());
    let (stream, from) = listener.accept().await.unwrap();
    drop(stream);
    let _cut_off = asking.await.unwrap();
    from.ip()
}
