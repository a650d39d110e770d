//! The Service: the HTTP and WebSocket edge of EnsoEx, identity, wallet, and what people see.
//!
//! Three routers that meet only here: the public one (built on a state that cannot name a session, a user or the vault),
//! the trading API for programs (signed requests), and the one for signed-in people (cookie session). Never holds card
//! data: money on cards is EnsoExPAY's, met over signed HTTP.

mod account_at;
mod api_keys;
mod app;
mod cards;
mod clock;
mod demo;
mod guard;
mod housekeeping;
mod limits;
mod listing;
mod me;
mod messages;
mod moment;
mod openapi;
mod password;
mod pay_client;
mod pay_events;
mod policy_store;
mod problem;
mod public;
mod registration;
mod secret;
mod session;
mod statement;
mod statement_csv;
mod statement_pdf;
mod stores;
mod stream;
mod trading;
mod wallet;
mod web;

use crate::api_keys::StoredKeys;
use crate::app::{App, AppState, Turns};
use crate::cards::Cards;
use crate::messages::Messenger;
use crate::password::Passwords;
use crate::pay_client::PayClient;
use crate::policy_store::PolicyStore;
use crate::public::PublicState;
use crate::secret::ServiceKey;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Router, extract::DefaultBodyLimit};
use ensoex_exchange::{Exchange, ExchangeConfig, ExchangeError};
use ensoex_pay_api::SharedSecrets;
use ensoex_spot_api::{Limits, SpotApi};
use ensoex_sql::{Database, SqlError};
use ensoex_vault::{Vault, VaultConfig, VaultError};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use zeroize::Zeroizing;

pub use crate::policy_store::PolicyStoreError;
pub use crate::secret::KeyFileError;
pub use crate::stores::{SERVICE_RECORDS, Stores};

const CARD_CHANGES_MAX: usize = 4_096;
/// How long open requests may take once the Service is told to stop.
const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

/// What a Service needs to run.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where everything else lies: log, policy, keys. Created if absent.
    pub data_directory: PathBuf,
    /// Where its stores lie.
    pub stores: Stores,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Origin under which browsers reach it, for example `http://localhost:8080`.
    pub public_url: String,
    /// EnsoExPAY's API, for example `http://127.0.0.1:8090`.
    pub pay_url: String,
    /// File with the secrets shared with EnsoExPAY.
    pub shared_secrets: PathBuf,
    /// Adds the sink for messages and grants of operator capital.
    pub demo: bool,
}

/// Why a Service cannot run, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A directory cannot be created.
    #[error("the directory {path} cannot be created: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exchange cannot be opened.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The vault cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The Service's records cannot be used.
    #[error(transparent)]
    Database(#[from] SqlError),
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Terms and Policy cannot be published.
    #[error("Terms and Policy cannot be published: {0}")]
    Policy(#[from] PolicyStoreError),
    /// The secrets shared with EnsoExPAY cannot be read.
    #[error("the secrets shared with EnsoExPAY in {path} cannot be used: {source}")]
    SharedSecrets {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// EnsoExPAY's address would send requests unprotected over a network.
    #[error("EnsoExPAY's address {url} must be https, or http on this machine only")]
    PayUrl {
        /// The address.
        url: String,
    },
    /// A part that should always work did not.
    #[error("{0}")]
    Start(String),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; end what uses the port or choose another")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exchange can no longer record anything.
    #[error(
        "the exchange stopped because it can no longer be sure of its log; start the Service again to replay it"
    )]
    ExchangeStopped,
}

/// Runs a Service until `shutdown` completes.
///
/// # Errors
/// [`ServiceError`] when it cannot start, or had to stop.
pub async fn run(
    config: ServiceConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServiceError> {
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServiceError::Listen {
            address: config.listen,
            source,
        })?;
    let app = open(&config).await?;
    let spot = SpotApi::start(
        app.exchange.clone(),
        Arc::new(StoredKeys::new(app.clone())),
        Limits::default(),
    )
    .await
    .map_err(|error| ServiceError::Start(error.to_string()))?;
    let router = router(&app, &spot);
    tokio::spawn(pay_events::run(app.clone()));
    tokio::spawn(housekeeping::run(app.clone()));
    tracing::info!(address = %config.listen, "the Service listens");
    let (stop, mut stopping) = tokio::sync::watch::channel(false);
    let server = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        let _sender_gone = stopping.wait_for(|stop| *stop).await;
    });
    let exchange = app.exchange.clone();
    let mut server = tokio::spawn(async move { server.await });
    let result = tokio::select! {
        () = shutdown => Ok(()),
        _reason = exchange.stopped() => Err(ServiceError::ExchangeStopped),
        _ = &mut server => Ok(()),
    };
    spot.shut_down();
    stop.send_replace(true);
    // Live streams never end by themselves.
    let _drained = tokio::time::timeout(SHUTDOWN_MAX, &mut server).await;
    server.abort();
    result
}

async fn open(config: &ServiceConfig) -> Result<App, ServiceError> {
    let directory = &config.data_directory;
    let keys = directory.join("keys");
    for path in [directory.clone(), keys.clone()] {
        std::fs::create_dir_all(&path).map_err(|source| ServiceError::Directory { path, source })?;
    }
    let secrets = read_secrets(&config.shared_secrets)?;
    let url = config.pay_url.clone();
    let on_this_machine = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if !url.starts_with("https://") && !on_this_machine.iter().any(|start| url.starts_with(start)) {
        return Err(ServiceError::PayUrl { url });
    }
    let start = |error: &dyn std::error::Error| ServiceError::Start(error.to_string());
    let pay = PayClient::new(&url, secrets).map_err(|error| start(&error))?;
    let passwords = Passwords::new().map_err(|error| start(&error))?;
    let key = ServiceKey::open(&keys.join("service.key"))?;
    let database = Database::open(&config.stores.records, &SERVICE_RECORDS).await?;
    let policy = PolicyStore::open(
        &directory.join("policy"),
        &keys,
        config.public_url.trim_end_matches('/'),
    )?;
    let vault = Vault::open(VaultConfig {
        directory: directory.join("vault"),
        keys_directory: keys,
        records: config.stores.vault_records.clone(),
        access_log: config.stores.access_log.clone(),
        keys: config.stores.keys.clone(),
    })
    .await?;
    let exchange = Exchange::start(ExchangeConfig {
        projections: config.stores.projections.clone(),
        ..ExchangeConfig::new(&directory.join("exchange"))
    })
    .await?;
    let failed = |problem: problem::Problem| ServiceError::Start(format!("{problem:?}"));
    listing::list_first_markets(&exchange).await.map_err(failed)?;
    let app = Arc::new(AppState {
        exchange,
        database,
        vault,
        policy,
        key,
        passwords,
        messenger: if config.demo {
            Messenger::sink()
        } else {
            Messenger::None
        },
        cards: Cards {
            pay,
            inbox: Notify::new(),
        },
        public_url: config.public_url.trim_end_matches('/').to_owned(),
        demo: config.demo,
        card_changes: broadcast::channel(CARD_CHANGES_MAX).0,
        private_streams: Mutex::new(BTreeMap::new()),
        turns: Turns::default(),
        registrations: registration::Recent::default(),
    });
    registration::open_missing_accounts(&app).await.map_err(failed)?;
    Ok(app)
}

fn read_secrets(path: &Path) -> Result<SharedSecrets, ServiceError> {
    let failed = |source| ServiceError::SharedSecrets {
        path: path.to_path_buf(),
        source,
    };
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failed(Box::new(error)))?);
    SharedSecrets::from_json(&text).map_err(|error| failed(Box::new(error)))
}

fn router(app: &App, spot: &SpotApi) -> Router {
    let head_of = app.clone();
    let public = public::router(PublicState {
        exchange: app.exchange.clone(),
        policy: app.policy.clone(),
        access_head: Arc::new(move || head_of.vault.access_log_head()),
        demo: app.demo,
    });
    let policy = app.policy.clone();
    Router::new()
        .merge(people_router(app))
        .merge(public)
        .merge(spot.public_router())
        .merge(spot.trading_router())
        .fallback(web::serve)
        .method_not_allowed_fallback(web::serve)
        .layer(from_fn(move |request, next| {
            with_headers(policy.clone(), request, next)
        }))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
}

/// Routes of people: registration, sessions and everything behind them.
fn people_router(app: &App) -> Router {
    let people = Router::new()
        .route("/v1/registrations", post(registration::start))
        .route(
            "/v1/registrations/{registration}/confirm",
            post(registration::confirm),
        )
        .route(
            "/v1/registrations/{registration}/codes",
            post(registration::resend),
        )
        .route(
            "/v1/session",
            get(session::state)
                .post(session::sign_in)
                .delete(session::sign_out),
        )
        .route("/v1/me", get(me::profile))
        .route("/v1/me/receipt", get(me::receipt))
        .route("/v1/me/access-log", get(me::access_log))
        .route("/v1/me/access-report", get(me::access_report))
        .route("/v1/me/export", get(me::export))
        .route("/v1/balances", get(wallet::balances))
        .route("/v1/ledger", get(wallet::ledger))
        .route("/v1/account/balances", get(account_at::balances))
        .route("/v1/account/open-orders", get(account_at::open_orders))
        .route("/v1/account/statement", get(statement::statement))
        .route("/v1/deposits", get(wallet::deposits).post(wallet::create_deposit))
        .route("/v1/deposits/{id}", get(wallet::deposit))
        .route(
            "/v1/withdrawals",
            get(wallet::withdrawals).post(wallet::create_withdrawal),
        )
        .route("/v1/withdrawals/{id}", get(wallet::withdrawal))
        .route("/v1/withdrawals/{id}/cancel", post(wallet::cancel_withdrawal))
        .route("/v1/orders", get(trading::orders).post(trading::place))
        .route("/v1/orders/oco", post(trading::oco::place))
        .route(
            "/v1/orders/{symbol}/{order}",
            get(trading::one).delete(trading::cancel),
        )
        .route("/v1/trades", get(trading::trades))
        .route("/v1/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/v1/api-keys/{key}", delete(api_keys::delete))
        .route("/v1/stream", get(stream::open))
        .layer(from_fn(no_store))
        .layer(from_fn_with_state(app.clone(), guard::refuse_cross_site));
    let webhooks = Router::new().route("/v1/webhooks/pay", post(pay_events::webhook));
    let mut router = people.merge(webhooks);
    if app.demo {
        let demo = Router::new()
            .route("/dev/messages", get(demo::messages_page))
            .route("/dev/messages.css", get(demo::messages_css))
            .route("/dev/messages.json", get(demo::messages_json))
            .route("/dev/grant", post(demo::grant))
            .layer(from_fn_with_state(app.clone(), guard::refuse_cross_site));
        router = router.merge(demo);
    }
    router.with_state(app.clone())
}

async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const PERMISSIONS_POLICY: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), \
    gyroscope=(), microphone=(), payment=(), usb=()";

/// Headers of every answer: the Policy version in force, and what browsers may do with our pages.
async fn with_headers(policy: PolicyStore, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("permissions-policy", PERMISSIONS_POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&policy.in_force().hash) {
        headers.insert(HeaderName::from_static("ensoex-policy-version"), value);
    }
    response
}
