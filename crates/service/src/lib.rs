//! The Service: the HTTP and WebSocket edge of EnsoEx, identity, wallet, and what people see.
//!
//! Three routers that meet only here: the public one (built on a state that cannot name a session, a user or the vault),
//! the trading API for programs (signed requests), and the one for signed-in people (cookie session). Never holds card
//! data: money on cards is EnsoExPAY's, met over signed HTTP.

mod account_at;
mod answers;
mod api_keys;
mod app;
mod card_firewall;
mod cards;
mod carriers;
mod clauses;
mod clock;
mod consents;
mod cooling_off;
mod correction;
mod demo;
mod desk;
mod device;
mod disclosures;
mod documents;
mod erasure;
mod export_html;
mod factors;
mod front;
mod guard;
mod headers;
mod health;
mod housekeeping;
mod improvement;
mod incidents;
mod key_rotation;
mod limits;
mod listing;
mod me;
mod messages;
mod moment;
mod my_policy;
mod new_password;
mod newsletter;
mod notices;
mod openapi;
mod outbox;
mod owed;
mod passkeys;
mod password;
mod pay_client;
mod pay_events;
mod policy_history;
mod policy_notices;
mod policy_store;
mod problem;
mod public;
mod publication;
mod registration;
mod restriction;
mod rights;
mod risk;
mod secret;
mod session;
mod sessions;
mod standby;
mod statement;
mod statement_csv;
mod statement_pdf;
mod step_up;
mod stores;
mod stream;
mod takeover;
mod totp;
mod trading;
mod tries;
mod visitors;
mod wallet;
mod web;

use crate::api_keys::StoredKeys;
use crate::app::{App, AppState, Turns};
use crate::cards::Cards;
use crate::front::Front;
use crate::messages::Messenger;
use crate::password::Passwords;
use crate::pay_client::PayClient;
use crate::policy_store::PolicyStore;
use crate::public::PublicState;
use crate::rights::Duties;
use crate::secret::ServiceKey;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Router, extract::DefaultBodyLimit};
use ensoex_exchange::{Exchange, ExchangeConfig, ExchangeError, Opening, Role, StopReason, Takeover};
use ensoex_pay_api::SharedSecrets;
use ensoex_spot_api::{ApiKeys, Limits, SpotApi};
use ensoex_sql::{Database, SqlError};
use ensoex_types::Sequence;
use ensoex_vault::{KeyChanges, Vault, VaultConfig, VaultError};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use zeroize::Zeroizing;

pub use crate::answers::{Answer, WaitingRequest, answer_request, waiting_requests};
pub use crate::carriers::{MailRelaySettings, MessageSettings, MessageSettingsError, SmsSettings};
pub use crate::desk::{DeskError, OperatorAsk, OrderAsk, StaffAsk, ask_as_operator, ask_as_staff};
pub use crate::key_rotation::{rotate_keys, vault_config};
pub use crate::newsletter::Letter;
pub use crate::publication::{PolicyFiles, PolicyStoreError, built_in_texts, publish_policy};
pub use crate::risk::RulesError;
pub use crate::risk::backtest::{Backtest, Count, backtest};
pub use crate::risk::explain::{Explanation, explain_decision};
pub use crate::secret::KeyFileError;
pub use crate::stores::{SERVICE_RECORDS, Stores};
pub use crate::takeover::{TakeoverError, request_takeover};
pub use ensoex_exchange::{LogAddress, Safeguard};

const CARD_CHANGES_MAX: usize = 4_096;
/// How long a primary is taken for alive after it last said so; a standby takes over within a little more.
const LEASE: Duration = Duration::from_secs(2);
/// How often it is looked whether the old primary has let go of the vault.
const VAULT_LOOK_EVERY: Duration = Duration::from_millis(100);
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
    /// How messages to people leave, unless it is a demo.
    pub messages: MessageSettings,
    /// How its exchange is kept.
    pub exchange: ExchangeSettings,
    /// Told when subjects' keys are made and destroyed, once the vault is open here.
    pub key_changes: KeyChanges,
}

/// How a Service's exchange is kept.
#[derive(Clone, Debug, Default)]
pub struct ExchangeSettings {
    /// Where the log is; by default a file beside the exchange's others.
    pub log: Option<LogAddress>,
    /// Safeguards of PostgreSQL that may be absent.
    pub unsafe_allowed: Vec<Safeguard>,
    /// Follow another Service's log until it is time to take over.
    pub standby: bool,
    /// Go on with a log that lacks what was acknowledged, if it ends right here.
    pub accept_loss_after: Option<u64>,
    /// Where projections are written and snapshots taken; see [`ExchangeConfig::background`].
    pub background: Option<tokio::runtime::Handle>,
    /// Where the log is written; see [`ExchangeConfig::sequencing`].
    pub sequencing: Option<tokio::runtime::Handle>,
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
    /// Terms and Policy cannot be served.
    #[error("Terms and Policy cannot be served: {0}")]
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
    /// The rule book of fraud prevention cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Messages cannot leave by the settings.
    #[error(transparent)]
    Messages(#[from] MessageSettingsError),
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
    /// A standby lacks what it could not serve without.
    #[error(
        "a standby here could not take over, because it lacks {}; copy {} from the primary before you start it, or \
         start it in the primary's own folder",
        standby::list(.missing), if .missing.len() == 1 { "it" } else { "them" }
    )]
    StandbyLacks {
        /// The files.
        missing: Vec<PathBuf>,
    },
    /// A standby would have databases of its own, which hold nothing of the primary's.
    #[error(
        "a standby here could not take over, because the primary's databases are not here ({} missing); name \
         them with --database if they are in PostgreSQL, or start it in the primary's own folder",
        standby::list(.missing)
    )]
    StandbyDatabases {
        /// The files.
        missing: Vec<PathBuf>,
    },
    /// The socket for takeovers cannot be used.
    #[error(transparent)]
    Takeover(#[from] TakeoverError),
    /// Another Service records now.
    #[error(
        "another Service took over the log, so this one has stopped and acknowledged nothing since; start it again with \
         --standby to follow the other"
    )]
    TakenOver,
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
    let front = Front::new();
    let (stop, mut stopping) = tokio::sync::watch::channel(false);
    let server = axum::serve(
        listener,
        front.router().into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        let _sender_gone = stopping.wait_for(|stop| *stop).await;
    });
    let mut server = tokio::spawn(async move { server.await });
    tracing::info!(address = %config.listen, "the Service listens");
    let result = tokio::select! {
        () = shutdown => Ok(()),
        result = serve(&config, &front) => result,
        _ = &mut server => Ok(()),
    };
    front.end().await;
    stop.send_replace(true);
    // Live streams never end by themselves.
    let _drained = tokio::time::timeout(SHUTDOWN_MAX, &mut server).await;
    server.abort();
    result
}

/// Opens everything behind the front; returns only when the exchange has ended or something cannot be opened.
async fn serve(config: &ServiceConfig, front: &Arc<Front>) -> Result<(), ServiceError> {
    if config.exchange.standby {
        standby::check(config).await?;
    }
    publication::check_published(&policy_files(config))?;
    let exchange = open_exchange(config).await?;
    front.follow(exchange.clone());
    if config.exchange.standby {
        standby::run(config, front, &exchange).await?;
    }
    if let Role::Stopped(reason) = exchange.role() {
        return Err(stopped(reason));
    }
    let app = open_after_another(config, &exchange, front.duties()).await?;
    let spot = start_spot(&exchange, Arc::new(StoredKeys::new(app.clone()))).await?;
    front.keep(tokio::spawn(pay_events::run(app.clone())));
    front.keep(tokio::spawn(housekeeping::run(app.clone())));
    front.keep(tokio::spawn(owed::run(app.clone())));
    front.keep(tokio::spawn(policy_store::follow(app.policy.clone())));
    front.keep(tokio::spawn(key_rotation::run(app.clone())));
    front.keep(tokio::spawn(desk::run(
        app.clone(),
        config.data_directory.clone(),
    )));
    front.open(router(&app, &spot), spot);
    tracing::info!("everything is served");
    Err(stopped(exchange.stopped().await))
}

/// Opens the rest. A primary that was taken over may still hold the vault: it records nothing more and ends by itself, and
/// until it has ended the vault stays shut here.
async fn open_after_another(
    config: &ServiceConfig,
    exchange: &Exchange,
    duties: Arc<Duties>,
) -> Result<App, ServiceError> {
    let mut told = false;
    loop {
        match open(config, exchange.clone(), Arc::clone(&duties)).await {
            Err(ServiceError::Vault(VaultError::InUse)) if config.exchange.standby => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!("the old primary still holds the vault; waiting for it to end");
                }
                tokio::time::sleep(VAULT_LOOK_EVERY).await;
            }
            opened => return opened,
        }
    }
}

fn stopped(reason: StopReason) -> ServiceError {
    match reason {
        StopReason::Fenced => ServiceError::TakenOver,
        StopReason::Unsure | StopReason::Closed => ServiceError::ExchangeStopped,
    }
}

async fn start_spot(exchange: &Exchange, keys: Arc<dyn ApiKeys>) -> Result<SpotApi, ServiceError> {
    SpotApi::start(exchange.clone(), keys, Limits::default())
        .await
        .map_err(|error| ServiceError::Start(error.to_string()))
}

/// Opens the exchange as primary or standby.
async fn open_exchange(config: &ServiceConfig) -> Result<Exchange, ServiceError> {
    let settings = &config.exchange;
    let usual = ExchangeConfig::new(&config.data_directory.join("exchange"));
    let exchange = ExchangeConfig {
        log: settings.log.clone().unwrap_or_else(|| usual.log.clone()),
        opening: Opening {
            takeover: Takeover::IfLeaseExpired,
            lease: Some(LEASE),
            unsafe_allowed: settings.unsafe_allowed.clone(),
            ..usual.opening.clone()
        },
        accept_loss_after: settings.accept_loss_after.map(Sequence),
        projections: config.stores.projections.clone(),
        background: settings.background.clone(),
        sequencing: settings.sequencing.clone(),
        ..usual
    };
    Ok(match settings.standby {
        true => Exchange::follow(exchange).await?,
        false => Exchange::start(exchange).await?,
    })
}

async fn open(config: &ServiceConfig, exchange: Exchange, duties: Arc<Duties>) -> Result<App, ServiceError> {
    let directory = &config.data_directory;
    for path in [directory.clone(), keys_directory(config)] {
        std::fs::create_dir_all(&path).map_err(|source| ServiceError::Directory { path, source })?;
    }
    let pay = open_pay(config)?;
    let passwords = Passwords::new().map_err(|error| ServiceError::Start(error.to_string()))?;
    let key = ServiceKey::open(&service_key(config))?;
    let database = Database::open(&config.stores.records, &SERVICE_RECORDS).await?;
    let books = risk::Books::open(directory)?;
    let url = config.public_url.trim_end_matches('/');
    let policy = PolicyStore::open(&policy_files(config), url)?;
    let vault = Vault::open(vault_of(config)).await?;
    let failed = |problem: problem::Problem| ServiceError::Start(format!("{problem:?}"));
    listing::list_first_markets(&exchange).await.map_err(failed)?;
    let app = Arc::new(AppState {
        exchange,
        database,
        vault,
        policy,
        key,
        passwords,
        messenger: match config.demo {
            true => Messenger::sink(),
            false => carriers::connect(&config.messages, &duties.messages)?,
        },
        books,
        cards: Cards {
            pay,
            inbox: Notify::new(),
        },
        public_url: config.public_url.trim_end_matches('/').to_owned(),
        demo: config.demo,
        data_directory: directory.clone(),
        card_changes: broadcast::channel(CARD_CHANGES_MAX).0,
        private_streams: Mutex::new(BTreeMap::new()),
        turns: Turns::default(),
        registrations: registration::Recent::default(),
        passkeys: passkeys::Passkeys::new(url),
        sign_ins: session::SignIns::default(),
        erasures: erasure::Unfinished::default(),
        duties,
        published: Arc::default(),
        disclosed: Arc::default(),
    });
    registration::open_missing_accounts(&app).await.map_err(failed)?;
    erasure::finish(&app).await.map_err(failed)?;
    improvement::publish(&app).await.map_err(failed)?;
    Ok(app)
}

/// The files of keys and documents that belong to the Service whatever database it has.
fn keys_directory(config: &ServiceConfig) -> PathBuf {
    config.data_directory.join("keys")
}

fn service_key(config: &ServiceConfig) -> PathBuf {
    keys_directory(config).join("service.key")
}

fn policy_files(config: &ServiceConfig) -> PolicyFiles {
    PolicyFiles::of(&config.data_directory)
}

fn vault_of(config: &ServiceConfig) -> VaultConfig {
    vault_config(&config.data_directory, &config.stores, config.key_changes.clone())
}

/// The way to EnsoExPAY: its address and the secrets shared with it.
fn open_pay(config: &ServiceConfig) -> Result<PayClient, ServiceError> {
    let secrets = read_secrets(&config.shared_secrets)?;
    let url = config.pay_url.clone();
    let on_this_machine = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if !url.starts_with("https://") && !on_this_machine.iter().any(|start| url.starts_with(start)) {
        return Err(ServiceError::PayUrl { url });
    }
    PayClient::new(&url, secrets).map_err(|error| ServiceError::Start(error.to_string()))
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
        public_url: app.public_url.clone(),
        access_head: Arc::new(move || head_of.vault.access_log_head()),
        statistics: Arc::clone(&app.published),
        disclosed: Arc::clone(&app.disclosed),
        demo: app.demo,
    });
    let policy = app.policy.clone();
    Router::new()
        .merge(people_router(app))
        .merge(public.layer(from_fn_with_state(spot.clone(), visitors::limit)))
        .merge(spot.public_router())
        .merge(spot.trading_router())
        .fallback(web::serve)
        .method_not_allowed_fallback(web::serve)
        .layer(from_fn(card_firewall::refuse_card_numbers))
        .layer(from_fn(move |request, next| {
            with_version(policy.clone(), request, next)
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
        .route("/v1/session/factor", post(session::second_step))
        .route("/v1/session/passkey", post(passkeys::sign_in))
        .route("/v1/session/passkey/challenge", post(passkeys::challenge))
        .route("/v1/session/proof", post(step_up::prove))
        .route("/v1/sessions", get(sessions::list).delete(sessions::end_others))
        .route("/v1/sessions/{session}", delete(sessions::end))
        .route("/v1/me", get(me::profile))
        .route("/v1/me/password", put(new_password::change))
        .route("/v1/me/factors", get(factors::list))
        .route("/v1/me/factors/passkeys", post(passkeys::add))
        .route("/v1/me/factors/passkeys/challenge", post(passkeys::begin))
        .route(
            "/v1/me/factors/passkeys/{passkey}",
            put(passkeys::rename).delete(passkeys::remove),
        )
        .route("/v1/me/factors/totp", post(totp::offer).delete(totp::remove))
        .route("/v1/me/factors/totp/confirm", post(totp::confirm))
        .route(
            "/v1/me/factors/recovery-codes",
            post(factors::renew_recovery_codes),
        )
        .route("/v1/me/policy/at", get(my_policy::mine_at))
        .route(
            "/v1/me/acknowledgements",
            get(my_policy::acknowledgement).post(my_policy::acknowledge),
        )
        .route("/v1/me/receipts", get(my_policy::receipts))
        .route("/v1/me/receipts/{number}", get(my_policy::receipt))
        .route("/v1/me/access-log", get(me::access_log))
        .route("/v1/me/access-report", get(me::access_report))
        .route("/v1/me/disclosures", get(disclosures::mine))
        .route("/v1/me/export", get(me::export))
        .route("/v1/me/export/schema", get(me::export_schema))
        .route("/v1/me/erasure", get(erasure::state).post(erasure::erase))
        .route("/v1/me/corrections", get(correction::history))
        .route("/v1/me/corrections/{field}", post(correction::start))
        .route("/v1/me/corrections/{field}/confirm", post(correction::confirm))
        .route(
            "/v1/me/restriction",
            get(restriction::state)
                .put(restriction::restrict)
                .delete(restriction::lift),
        )
        .route("/v1/me/consents", get(consents::state))
        .route("/v1/me/consents/{purpose}", put(consents::change))
        .route("/v1/me/consents/receipts/{number}", get(consents::receipt))
        .route("/v1/me/decisions", get(risk::mine::list))
        .route("/v1/me/decisions/{decision}/review", post(risk::mine::ask))
        .route("/v1/me/requests", get(rights::list).post(rights::ask))
        .route("/v1/me/requests/{request}/receipt", get(rights::receipt))
        .route("/v1/erasures/{subject}", get(erasure::certificate))
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
        .route("/v1/withdrawals/{id}/continue", post(wallet::continue_withdrawal))
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

/// A header of every answer: the Policy version in force.
async fn with_version(policy: PolicyStore, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&policy.in_force().hash) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("ensoex-policy-version"), value);
    }
    response
}
