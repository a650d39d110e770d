//! A Service on a free port in a temporary directory, an EnsoExPAY made of a few lines, and a person with a browser's manners.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod answers;
pub mod totp;

use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use ensoex_pay_api::{
    REQUEST_SIGNATURE_HEADER, SharedSecrets, WEBHOOK_SIGNATURE_HEADER, sign_webhook, verify_request,
};
use ensoex_service::{ServiceConfig, Stores, run};
use ensoex_sql_test::{postgres_url, run_in_schema, schema_of};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

pub const PASSWORD: &str = "four quiet words together";
const SECRETS: &str = r#"{"request_secret":"0123456789abcdef0123456789abcdef","webhook_secret":"fedcba9876543210fedcba9876543210"}"#;

pub struct TestService {
    pub url: String,
    pub pay: FakePay,
    pub directory: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    running: Option<std::thread::JoinHandle<()>>,
    pub config: ServiceConfig,
    _kept: tempfile::TempDir,
}

/// Files, or schemas of the database that this run names.
fn stores(directory: &std::path::Path) -> Stores {
    match postgres_url() {
        None => Stores::files(directory),
        Some(url) => Stores::postgres(&url, &schema_of(directory), directory).unwrap(),
    }
}

impl TestService {
    pub async fn start() -> TestService {
        let kept = tempfile::tempdir().unwrap();
        let secrets = kept.path().join("shared-secrets.json");
        std::fs::write(&secrets, SECRETS).unwrap();
        let pay = FakePay::start().await;
        let listen = free_address();
        let config = ServiceConfig {
            data_directory: kept.path().join("service"),
            stores: stores(&kept.path().join("service")),
            listen,
            public_url: format!("http://{listen}"),
            pay_url: pay.url.clone(),
            shared_secrets: secrets,
            messages: Default::default(),
            demo: true,
            exchange: ensoex_service::ExchangeSettings::default(),
            key_changes: ensoex_vault::KeyChanges::default(),
        };
        let mut service = TestService {
            url: format!("http://{listen}"),
            pay,
            directory: kept.path().join("service"),
            stop: None,
            running: None,
            config,
            _kept: kept,
        };
        service.launch().await;
        service
    }

    pub async fn launch(&mut self) {
        let (stop, stopped) = oneshot::channel::<()>();
        let config = self.config.clone();
        // On a runtime of its own, which ends with everything that the Service started.
        let running = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build();
            let shutdown = async {
                let _dropped = stopped.await;
            };
            runtime.unwrap().block_on(run(config, shutdown)).unwrap();
        });
        self.stop = Some(stop);
        self.running = Some(running);
        let client = Client::new();
        for _ in 0..400 {
            let health = client.get(format!("{}/health/primary", self.url)).send().await;
            if health.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the Service did not start");
    }

    /// Stops and starts the Service on the same files.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// Stops the Service; its files stay.
    pub async fn stop(&mut self) {
        let _gone = self.stop.take().unwrap().send(());
        let running = self.running.take().unwrap();
        tokio::task::spawn_blocking(|| running.join().unwrap())
            .await
            .unwrap();
    }

    pub async fn get(&self, path: &str) -> Response {
        Client::new()
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap()
    }

    /// Changes the Service's own records, to bring about what a crash or the passing of time would.
    pub async fn change_records(&self, statement: &'static str) {
        let schema = format!("{}_service", schema_of(&self.directory));
        let changed = run_in_schema(&self.directory.join("service.db"), &schema, statement).await;
        assert!(changed > 0, "{statement}");
    }

    /// The same of the vault's sealed records.
    pub async fn change_vault(&self, statement: &'static str) {
        let schema = format!("{}_vault", schema_of(&self.directory));
        let changed = run_in_schema(&self.directory.join("vault/vault.db"), &schema, statement).await;
        assert!(changed > 0, "{statement}");
    }

    /// Where the Service's own records lie.
    pub fn records(&self) -> ensoex_sql::Address {
        self.config.stores.records.clone()
    }

    /// How many rows of a table of the Service's own records fit a condition.
    pub async fn rows(&self, table: &str, condition: &str) -> u64 {
        let schema = format!("{}_service", schema_of(&self.directory));
        let column = match table {
            "sessions" => "created_us",
            "corrections" => "state",
            "api_keys" => "label",
            "registrations" => "state",
            "users" => "locale",
            "newsletters" => "title_en",
            "recovery_codes" | "passkeys" => "account",
            "risk_facts" => "kind",
            "risk_decisions" => "place",
            _ => "state",
        };
        let touch = format!("UPDATE {table} SET {column} = {column} WHERE {condition}");
        run_in_schema(&self.directory.join("service.db"), &schema, &touch).await
    }

    /// The status of what a person gets.
    pub async fn try_get(&self, person: &Person, path: &str) -> u16 {
        let answer = person.client.get(format!("{}{path}", self.url)).send().await;
        answer.unwrap().status().as_u16()
    }

    pub async fn policy_hash(&self) -> String {
        let policy: Value = self.get("/v1/policy").await.json().await.unwrap();
        policy["hash"].as_str().unwrap().to_owned()
    }

    /// The newest message to an address.
    pub async fn message_to(&self, to: &str) -> Value {
        let messages = self.messages_to(to).await;
        messages.into_iter().next().unwrap_or(Value::Null)
    }

    /// The messages to an address, the newest first.
    pub async fn messages_to(&self, to: &str) -> Vec<Value> {
        let sink: Value = self.get("/dev/messages.json").await.json().await.unwrap();
        let messages = sink["messages"].as_array().unwrap();
        messages
            .iter()
            .filter(|message| message["to"] == to)
            .cloned()
            .collect()
    }

    /// Registers, types both codes, is signed in.
    pub async fn person(&self, name: &str) -> Person {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let person = Person::new(
            self,
            &format!("{name}@example.org"),
            &format!("+38044{:07}", 1_000_000 + number),
        );
        let started = person.register(PASSWORD).await;
        assert_eq!(started.status(), 202, "{}", started.text().await.unwrap());
        let started: Value = started.json().await.unwrap();
        let codes = json!({
            "email_code": self.message_to(&person.email).await["code"],
            "phone_code": self.message_to(&person.phone).await["code"],
        });
        let path = format!(
            "/v1/registrations/{}/confirm",
            started["registration"].as_str().unwrap()
        );
        let confirmed = person.send(Method::POST, &path, &codes).await;
        assert_eq!(confirmed.status(), 201, "{}", confirmed.text().await.unwrap());
        let confirmed: Value = confirmed.json().await.unwrap();
        *person.account.lock().unwrap() = confirmed["account"].as_str().unwrap().to_owned();
        person
    }
}

/// Somebody at a browser: keeps cookies, sends what our pages send.
pub struct Person {
    pub client: Client,
    pub url: String,
    pub email: String,
    pub phone: String,
    pub policy_hash: Mutex<String>,
    pub account: Mutex<String>,
}

impl Person {
    pub fn new(service: &TestService, email: &str, phone: &str) -> Person {
        Person {
            client: Client::builder().cookie_store(true).build().unwrap(),
            url: service.url.clone(),
            email: email.to_owned(),
            phone: phone.to_owned(),
            policy_hash: Mutex::new(String::new()),
            account: Mutex::new(String::new()),
        }
    }

    pub fn account(&self) -> String {
        self.account.lock().unwrap().clone()
    }

    pub async fn register(&self, password: &str) -> Response {
        let policy: Value = self
            .client
            .get(format!("{}/v1/policy", self.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let body = json!({
            "email": self.email, "phone": self.phone, "password": password,
            "policy_hash": policy["hash"], "locale": "en",
        });
        self.send(Method::POST, "/v1/registrations", &body).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("EnsoEx-Client", "web");
        request.json(body).send().await.unwrap()
    }

    pub async fn send_with_key(&self, path: &str, key: &str, body: &Value) -> Response {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("EnsoEx-Client", "web");
        request
            .header("Idempotency-Key", key)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        assert!(
            response.status().is_success(),
            "GET {path}: {}",
            response.text().await.unwrap()
        );
        response.json().await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Response {
        self.client
            .delete(format!("{}{path}", self.url))
            .header("EnsoEx-Client", "web")
            .send()
            .await
            .unwrap()
    }

    /// Available and held of an asset.
    pub async fn balance(&self, asset: &str) -> (String, String) {
        let balances = self.get("/v1/balances").await;
        let found = balances["balances"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["asset"] == asset)
            .unwrap()
            .clone();
        (
            found["available"].as_str().unwrap().to_owned(),
            found["held"].as_str().unwrap().to_owned(),
        )
    }

    /// Operator capital, as the demo gives to its traders.
    pub async fn granted(&self, asset: &str, amount: &str) {
        let body = json!({ "account": self.account(), "asset": asset, "amount": amount });
        let response = self.send(Method::POST, "/dev/grant", &body).await;
        assert_eq!(response.status(), 201);
    }

    /// Waits until a deposit or withdrawal is in this state.
    pub async fn wait_for(&self, path: &str, status: &str) -> Value {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.get(path).await;
            if last["status"] == status {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{path} did not become {status}: {last}");
    }
}

/// What EnsoExPAY is to the Service: sessions made, events told.
#[derive(Clone)]
pub struct FakePay {
    pub url: String,
    pub state: Arc<PayState>,
}

pub struct PayState {
    pub down: AtomicBool,
    pub sessions: Mutex<Vec<Value>>,
    pub events: Mutex<Vec<Value>>,
    secrets: SharedSecrets,
}

impl FakePay {
    async fn start() -> FakePay {
        let state = Arc::new(PayState {
            down: AtomicBool::new(false),
            sessions: Mutex::new(Vec::new()),
            events: Mutex::new(Vec::new()),
            secrets: SharedSecrets::from_json(SECRETS).unwrap(),
        });
        let router = Router::new()
            .route("/v1/checkout_sessions", post(create_session))
            .route("/v1/checkout_sessions/{id}/expire", post(expire_session))
            .route("/v1/events", get(events))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        FakePay { url, state }
    }

    /// Sends a webhook with this body, signed at a time shifted by `shift_s`.
    pub async fn deliver(&self, service: &str, body: &Value, shift_s: i64) -> u16 {
        let body = body.to_string();
        let signature = sign_webhook(
            std::slice::from_ref(&self.state.secrets.webhook),
            now() + shift_s,
            body.as_bytes(),
        );
        self.deliver_raw(service, body, &signature).await
    }

    pub async fn deliver_raw(&self, service: &str, body: String, signature: &str) -> u16 {
        let request = Client::new().post(format!("{service}/v1/webhooks/pay"));
        let request = request.header(WEBHOOK_SIGNATURE_HEADER, signature).body(body);
        request.send().await.unwrap().status().as_u16()
    }

    /// Notes an event, so that a poll finds it; answers its body.
    pub fn happens(&self, kind: &str, object: Value) -> Value {
        let mut events = self.state.events.lock().unwrap();
        let seq = events.len() + 1;
        let event = event(seq, kind, object);
        events.push(event.clone());
        event
    }
}

pub fn event(seq: usize, kind: &str, object: Value) -> Value {
    json!({ "id": format!("evt_{seq:024}"), "seq": seq, "type": kind, "created": 1, "data": { "object": object } })
}

pub fn payment(number: u32, deposit: &Value, status: &str) -> Value {
    json!({
        "id": format!("pay_{number:024}"), "object": "payment", "version": 3, "status": status, "outcome": null,
        "amount": minor(deposit), "amount_refunded": 0, "currency": deposit["asset"],
        "client_reference": deposit["deposit"], "decline": null, "created": 1,
    })
}

pub fn payout(number: u32, withdrawal: &Value, status: &str) -> Value {
    json!({
        "id": format!("po_{number:024}"), "object": "payout", "version": 3, "status": status, "outcome": null,
        "amount": minor(withdrawal), "currency": withdrawal["asset"],
        "client_reference": withdrawal["withdrawal"], "decline": null, "created": 1,
    })
}

fn minor(transfer: &Value) -> i64 {
    transfer["amount"]
        .as_str()
        .unwrap()
        .replace('.', "")
        .parse()
        .unwrap()
}

async fn create_session(
    State(state): State<Arc<PayState>>,
    headers: HeaderMap,
    uri: OriginalUri,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    check(&state, &headers, "POST", &uri, &body)?;
    let wanted: Value = serde_json::from_slice(&body).unwrap();
    assert!(headers.contains_key("idempotency-key"));
    let mut sessions = state.sessions.lock().unwrap();
    let known = sessions
        .iter()
        .find(|session| session["client_reference"] == wanted["client_reference"]);
    if let Some(session) = known {
        return Ok(Json(session.clone()));
    }
    let id = format!("cs_{:024}", sessions.len());
    let session = json!({
        "id": id, "url": format!("http://pay.example/pay/{id}"), "status": "open", "mode": wanted["mode"],
        "payment": null, "payout": null, "client_reference": wanted["client_reference"], "amount": wanted["amount"],
        "currency": wanted["currency"], "expires_at": 4_000_000_000_i64, "created": 1,
        "documents": wanted["documents"], "payout_cards": wanted["payout_cards"],
    });
    sessions.push(session.clone());
    Ok(Json(session))
}

async fn expire_session(
    State(state): State<Arc<PayState>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: OriginalUri,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    check(&state, &headers, "POST", &uri, &body)?;
    let mut sessions = state.sessions.lock().unwrap();
    let session = sessions
        .iter_mut()
        .find(|session| session["id"] == id.as_str())
        .ok_or(StatusCode::NOT_FOUND)?;
    if session["status"] == "open" {
        session["status"] = json!("expired");
    }
    Ok(Json(session.clone()))
}

async fn events(
    State(state): State<Arc<PayState>>,
    headers: HeaderMap,
    uri: OriginalUri,
) -> Result<Json<Value>, StatusCode> {
    check(&state, &headers, "GET", &uri, b"")?;
    let query = uri.query().unwrap_or_default();
    let after: i64 = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("after=")?.parse().ok())
        .unwrap_or_default();
    let events = state.events.lock().unwrap();
    let data: Vec<Value> = events
        .iter()
        .filter(|event| event["seq"].as_i64() > Some(after))
        .cloned()
        .collect();
    Ok(Json(json!({ "data": data, "has_more": false })))
}

fn check(
    state: &PayState,
    headers: &HeaderMap,
    method: &str,
    uri: &OriginalUri,
    body: &[u8],
) -> Result<(), StatusCode> {
    if state.down.load(Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let header = headers
        .get(REQUEST_SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok());
    let secrets = std::slice::from_ref(&state.secrets.request);
    let path = uri.path_and_query().unwrap().as_str();
    verify_request(secrets, header, now(), method, path, body).map_err(|_| StatusCode::UNAUTHORIZED)
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
