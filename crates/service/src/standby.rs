//! A Service that follows another's log: public market data, and nothing that records or knows a person.
//!
//! It ends as a standby when its exchange has become the primary (asked over the socket, or because the other's lease expired),
//! and the caller opens the rest. Everything that it cannot serve is answered 503 with a sentence.
//!
//! What only a primary needs is looked at before it follows: a standby that lacks the root key would end at the moment it is needed.

use crate::card_firewall::refuse_card_numbers;
use crate::front::{Front, try_again};
use crate::secret::ServiceKey;
use crate::takeover::TakeoverSocket;
use crate::{
    PolicyStoreError, ServiceConfig, ServiceError, open_pay, policy_files, service_key, start_spot, vault_of,
};
use axum::middleware::from_fn;
use axum::response::Response;
use ensoex_exchange::Exchange;
use ensoex_policy::{PolicyLog, ReceiptSigner};
use ensoex_spot_api::{ApiKey, ApiKeys, ApiKeysUnavailable};
use ensoex_vault::Vault;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// Refuses a standby that could follow but not take over. Changes nothing.
///
/// # Errors
/// [`ServiceError`] in a sentence that says what to copy; the one that the takeover would have ended with.
pub(crate) async fn check(config: &ServiceConfig) -> Result<(), ServiceError> {
    let stores = &config.stores;
    let databases = [&stores.records, &stores.vault_records, &stores.access_log];
    let databases = databases
        .into_iter()
        .filter_map(|address| address.path().map(PathBuf::from));
    let missing = absent(databases);
    if !missing.is_empty() {
        return Err(ServiceError::StandbyDatabases { missing });
    }
    let vault = vault_of(config);
    let files = [
        vault.root_key(),
        service_key(config),
        policy_files(config).receipt_key(),
        PolicyLog::file(&policy_files(config).directory()),
        config.shared_secrets.clone(),
    ];
    let missing = absent(files.into_iter().chain(stores.keys.path().map(PathBuf::from)));
    if !missing.is_empty() {
        return Err(ServiceError::StandbyLacks { missing });
    }
    open_pay(config)?;
    ServiceKey::open(&service_key(config))?;
    ReceiptSigner::open(&policy_files(config).receipt_key()).map_err(PolicyStoreError::from)?;
    Ok(Vault::check(&vault).await?)
}

fn absent(files: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    files.filter(|file| !file.exists()).collect()
}

/// As part of a sentence.
pub(crate) fn list(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// Serves what a standby can until it is one no longer.
pub(crate) async fn run(
    config: &ServiceConfig,
    front: &Front,
    exchange: &Exchange,
) -> Result<(), ServiceError> {
    let socket = TakeoverSocket::listen(&config.data_directory)?;
    let spot = start_spot(exchange, Arc::new(NoKeys)).await?;
    let routes = spot
        .public_router()
        .fallback(turned_away)
        .layer(from_fn(refuse_card_numbers));
    front.open_as_standby(routes, spot);
    tracing::info!("this Service is a standby: it serves market data and follows the log");
    // Ends when the exchange is a standby no longer, after it has answered whoever asked for that.
    socket.serve(exchange).await;
    Ok(())
}

async fn turned_away() -> Response {
    try_again(
        "standby",
        "This is a standby: it serves market data only. Nothing was moved; ask the primary, or try again in a moment.",
    )
}

/// A standby knows no keys; none of the routes that it serves asks for one.
struct NoKeys;

impl ApiKeys for NoKeys {
    fn find(
        &self,
        _key: &str,
    ) -> Pin<Box<dyn Future<Output = Result<Option<ApiKey>, ApiKeysUnavailable>> + Send + '_>> {
        Box::pin(async { Err(ApiKeysUnavailable("this is a standby".into())) })
    }
}
