//! A whole small world: a card network, EnsoExPAY, and a Service that takes webhooks. Real HTTP, real TCP.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use ensoex_pay::{Options, Running, Timing};
use ensoex_pay_api::{
    Balance, CheckoutSession, Event, EventList, Payment, Payout, REQUEST_SIGNATURE_HEADER, SharedSecrets,
    sign_request, verify_webhook,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

pub const APPROVED: &str = "4242 4242 4242 4242";
pub const OTHER_CARD: &str = "5555 5555 5555 4444";
pub const DECLINED: &str = "4000 0000 0000 0002";
pub const NO_FUNDS: &str = "4000 0000 0000 9995";
pub const CHALLENGE: &str = "4000 0000 0000 3220";
pub const CHALLENGE_THEN_DECLINED: &str = "4000 0084 0000 1629";
pub const ANSWER_LOST: &str = "4000 0000 0000 7007";
pub const REQUEST_LOST: &str = "4000 0000 0000 7106";
pub const DECLINE_LOST: &str = "4000 0000 0000 7205";

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// The Service's side of webhooks: keeps what it verifies, and refuses the first ones if told to.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    inner: Arc<Mutex<HookState>>,
}

struct HookState {
    secrets: Option<SharedSecrets>,
    refuse: usize,
    events: Vec<Event>,
    bad_signatures: usize,
    signatures: Vec<String>,
}

impl Hook {
    async fn start(refuse: usize) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let state = HookState {
            secrets: None,
            refuse,
            events: vec![],
            bad_signatures: 0,
            signatures: vec![],
        };
        let hook = Self {
            url,
            inner: Arc::new(Mutex::new(state)),
        };
        let router = Router::new().route("/hook", post(take)).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    pub fn events(&self) -> Vec<Event> {
        self.inner.lock().unwrap().events.clone()
    }

    /// From now on takes everything.
    pub fn accept(&self) {
        self.inner.lock().unwrap().refuse = 0;
    }

    pub fn bad_signatures(&self) -> usize {
        self.inner.lock().unwrap().bad_signatures
    }

    pub fn signatures(&self) -> Vec<String> {
        self.inner.lock().unwrap().signatures.clone()
    }

    pub fn types(&self) -> Vec<String> {
        let mut events = self.events();
        events.sort_by_key(|event| event.seq);
        events.iter().map(event_type).collect()
    }
}

pub fn event_type(event: &Event) -> String {
    serde_json::to_value(event.event_type)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

async fn take(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut state = hook.inner.lock().unwrap();
    let header = headers
        .get("EnsoExPAY-Signature")
        .and_then(|value| value.to_str().ok());
    let secret = state.secrets.as_ref().map(|secrets| secrets.webhook.clone());
    let verified = secret.is_some_and(|secret| verify_webhook(&[secret], header, now(), &body).is_ok());
    if !verified {
        state.bad_signatures += 1;
        return StatusCode::UNAUTHORIZED;
    }
    state.signatures.push(header.unwrap_or("").to_owned());
    if state.refuse > 0 {
        state.refuse -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    state.events.push(serde_json::from_slice(&body).unwrap());
    StatusCode::OK
}

/// The world.
pub struct World {
    pub data: TempDir,
    pub cardnet: Option<ensoex_cardnet::Running>,
    pub cardnet_url: String,
    pub cardnet_iso: String,
    pub pay: Option<Running>,
    pub pay_url: String,
    pub hook: Hook,
    pub client: reqwest::Client,
    pub timing: Timing,
    secrets: SharedSecrets,
}

pub fn fast() -> Timing {
    Timing {
        network: Duration::from_millis(500),
        resolver_pause: Duration::from_millis(50),
        ..Timing::default()
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl World {
    pub async fn new() -> Self {
        Self::with(fast(), 0).await
    }

    pub async fn with(timing: Timing, refuse_webhooks: usize) -> Self {
        let mut world = Self::without_pay(timing, refuse_webhooks).await;
        world.start_pay().await;
        world
    }

    pub async fn without_pay(timing: Timing, refuse_webhooks: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let cardnet = start_cardnet(data.path(), 0, 0).await;
        let secrets_path = data.path().join("shared-secrets.json");
        let json = SharedSecrets::json_from_random(&[7; 32], &[9; 32]);
        write_private(&secrets_path, &json);
        let secrets = SharedSecrets::from_json(&json).unwrap_or_else(|error| panic!("{error}"));
        let hook = Hook::start(refuse_webhooks).await;
        hook.inner.lock().unwrap().secrets = Some(secrets.clone());
        Self {
            cardnet_url: cardnet.public_url.clone(),
            cardnet_iso: cardnet.iso_address.to_string(),
            cardnet: Some(cardnet),
            data,
            pay: None,
            pay_url: String::new(),
            hook,
            client: client(),
            timing,
            secrets,
        }
    }

    pub fn secrets_path(&self) -> PathBuf {
        self.data.path().join("shared-secrets.json")
    }

    pub fn pay_data(&self) -> PathBuf {
        self.data.path().join("pay")
    }

    pub async fn start_pay(&mut self) {
        let pay = self
            .try_start_pay()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        self.pay_url = pay.public_url.clone();
        self.pay = Some(pay);
    }

    pub async fn try_start_pay(&self) -> Result<Running, ensoex_pay::StartError> {
        let options = Options {
            data: self.pay_data(),
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public_url: None,
            service_webhook_url: self.hook.url.clone(),
            cardnet_url: self.cardnet_url.clone(),
            cardnet_iso: self.cardnet_iso.clone(),
            shared_secrets: Some(self.secrets_path()),
            merchant_name: "EnsoEx".into(),
            test_mode: false,
            timing: self.timing,
        };
        ensoex_pay::start(&options).await
    }

    pub async fn stop_pay(&mut self) {
        if let Some(pay) = self.pay.take() {
            pay.stop().await;
        }
    }

    pub async fn stop_cardnet(&mut self) {
        if let Some(cardnet) = self.cardnet.take() {
            cardnet.stop().await;
        }
    }

    /// On the ports that it had.
    pub async fn restart_cardnet(&mut self) {
        let port = |address: &str| address.rsplit(':').next().unwrap().parse().unwrap();
        self.cardnet =
            Some(start_cardnet(self.data.path(), port(&self.cardnet_url), port(&self.cardnet_iso)).await);
    }

    pub async fn stop(mut self) {
        self.stop_pay().await;
        self.stop_cardnet().await;
    }

    pub async fn call(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        let signature = sign_request(&self.secrets.request, now(), method, path, body.as_bytes());
        self.call_signed(method, path, key, body, Some(&signature)).await
    }

    pub async fn call_signed(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: &str,
        signature: Option<&str>,
    ) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.pay_url))
            .body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header(REQUEST_SIGNATURE_HEADER, signature);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(
            response.headers().contains_key("Request-Id"),
            "{path} has no request id"
        );
        (status, response.json().await.unwrap())
    }

    /// Posts to a process that dies over it.
    pub async fn post_signed_and_die(&self, url: &str, path: &str, key: &str, body: &str) {
        let signature = sign_request(&self.secrets.request, now(), "POST", path, body.as_bytes());
        let request = self.client.post(url).header(REQUEST_SIGNATURE_HEADER, signature);
        let _died = request
            .header("Idempotency-Key", key)
            .body(body.to_owned())
            .send()
            .await;
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let (status, body) = self.call("GET", path, None, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_value(body).unwrap()
    }

    pub fn request(mode: &str, reference: &str, amount: i64) -> Value {
        json!({
            "client_reference": reference, "mode": mode, "amount": amount, "currency": "EUR",
            "customer": "customer-1", "success_url": "http://127.0.0.1:1/success",
            "cancel_url": "http://127.0.0.1:1/cancel", "locale": "en",
            "documents": {
                "version": format!("sha256:{}", "0123456789abcdef".repeat(4)),
                "url": "http://127.0.0.1:1/documents/versions/1/privacy",
            }
        })
    }

    pub async fn create(&self, mode: &str, reference: &str, amount: i64) -> CheckoutSession {
        self.create_from(&Self::request(mode, reference, amount), reference)
            .await
    }

    pub async fn create_from(&self, request: &Value, key: &str) -> CheckoutSession {
        let (status, body) = self
            .call("POST", "/v1/checkout_sessions", Some(key), &request.to_string())
            .await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).unwrap()
    }

    pub async fn session(&self, session: &CheckoutSession) -> CheckoutSession {
        self.get(&format!("/v1/checkout_sessions/{}", session.id)).await
    }

    pub async fn payment(&self, session: &CheckoutSession) -> Payment {
        self.get(&format!("/v1/payments/{}", session.payment.clone().unwrap()))
            .await
    }

    pub async fn payout(&self, session: &CheckoutSession) -> Payout {
        self.get(&format!("/v1/payouts/{}", session.payout.clone().unwrap()))
            .await
    }

    pub async fn events(&self) -> Vec<Event> {
        self.get::<EventList>("/v1/events?limit=500").await.data
    }

    pub async fn balance(&self) -> Balance {
        self.get("/v1/balance").await
    }

    pub async fn ledger(&self) -> Value {
        let url = format!("{}/ledger.json", self.cardnet_url);
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Issuers' ledger and EnsoExPAY's balance transactions agree to the cent; both are returned.
    pub async fn reconcile(&self) -> (i64, i64) {
        let balance = self.balance().await;
        let ledger = self.ledger().await;
        let ours = balance
            .data
            .first()
            .map_or((0, 0), |euro| (euro.paid_in, euro.paid_out));
        let issuer = &ledger["currencies"]["EUR"];
        let theirs = (
            issuer["captured"].as_i64().unwrap_or(0),
            issuer["credited"].as_i64().unwrap_or(0),
        );
        assert_eq!(ours, theirs, "EnsoExPAY and the issuers disagree");
        assert_eq!(issuer["postings_sum"].as_i64().unwrap_or(0), 0);
        ours
    }

    pub async fn page(&self, url: &str) -> String {
        let response = self.client.get(url).send().await.unwrap();
        response.text().await.unwrap()
    }

    pub async fn token(&self, session: &CheckoutSession) -> String {
        token_of(&self.page(&session.url).await)
    }

    /// Loads the form, fills it in and sends it.
    pub async fn pay_with(&self, session: &CheckoutSession, card: &str) -> Reply {
        let token = self.token(session).await;
        self.post_form(&session.url, &card_form(&token, card)).await
    }

    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Reply {
        let response = self.client.post(url).form(form).send().await.unwrap();
        let status = response.status().as_u16();
        let location = destination(response.headers());
        Reply {
            status,
            location,
            body: response.text().await.unwrap(),
        }
    }

    /// Goes through the bank's page: `Some` types the shown code, `None` refuses. Back at EnsoExPAY.
    pub async fn answer_challenge(&self, challenge_url: &str, confirm: bool) -> Reply {
        let form = if confirm {
            let page = self.page(challenge_url).await;
            let code = page.split("class=\"code\">").nth(1).unwrap()[..6].to_owned();
            vec![("code", code)]
        } else {
            vec![("answer", "refuse".to_owned())]
        };
        let response = self.client.post(challenge_url).form(&form).send().await.unwrap();
        let back = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(back.starts_with(&self.pay_url), "{back}");
        self.follow(&back).await
    }

    pub async fn follow(&self, url: &str) -> Reply {
        let response = self.client.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        let location = destination(response.headers());
        Reply {
            status,
            location,
            body: response.text().await.unwrap(),
        }
    }
}

/// Where an answer sends the browser, by a redirect or by a page that goes on by itself.
fn destination(headers: &reqwest::header::HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let refreshed = || text("refresh").and_then(|value| value.strip_prefix("0; url=").map(str::to_owned));
    text("location").or_else(refreshed)
}

pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

impl Reply {
    pub fn location(&self) -> &str {
        self.location
            .as_deref()
            .unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body))
    }
}

pub fn card_form<'a>(token: &'a str, card: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("token", token),
        ("number", card),
        ("expiry", "04 / 40"),
        ("cvc", "737"),
    ]
}

pub fn token_of(page: &str) -> String {
    let after = page
        .split("name=\"token\" value=\"")
        .nth(1)
        .unwrap_or_else(|| panic!("no form: {page}"));
    after.split('"').next().unwrap().to_owned()
}

/// Waits until `check` gives something, at most ten seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{what}: not within ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn start_cardnet(data: &Path, port: u16, iso_port: u16) -> ensoex_cardnet::Running {
    let options = ensoex_cardnet::Options {
        data: data.join("cardnet"),
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
        iso_port,
        public_url: None,
    };
    ensoex_cardnet::start(&options)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
