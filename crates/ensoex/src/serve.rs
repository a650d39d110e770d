//! `ensoex serve`: the Service, until it is told to stop.

use crate::arguments::ServeArguments;
use crate::demo::directory::create_shared_secrets;
use crate::stop_signal::StopSignals;
use anyhow::Context;
use ensoex_service::{ExchangeSettings, ServiceConfig, Stores};
use ensoex_sql::Address;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tracing_subscriber::EnvFilter;

/// Runs the Service. Returns after a clean stop.
///
/// # Errors
/// When it cannot start, or must stop by itself because its log is no longer its own.
pub async fn run(arguments: ServeArguments) -> anyhow::Result<()> {
    log_to_standard_error();
    let mut signals = StopSignals::listen().context("cannot listen for signals")?;
    let shared_secrets = match &arguments.shared_secrets {
        Some(file) => file.clone(),
        None => beside(&arguments.data, "shared-secrets.json"),
    };
    // A standby needs those that its primary shares with EnsoExPAY.
    if !arguments.standby {
        create_shared_secrets(&shared_secrets)?;
    }
    let public_url = arguments
        .public_url
        .unwrap_or_else(|| format!("http://localhost:{}", arguments.port));
    let mut stores = match &arguments.database {
        None => Stores::files(&arguments.data),
        Some(url) => Stores::postgres(url, &arguments.schemas, &arguments.data)?,
    };
    if let Some(file) = arguments.keys {
        stores.keys = Address::file(file);
    }
    let config = ServiceConfig {
        data_directory: arguments.data,
        stores,
        listen: SocketAddr::new(arguments.listen, arguments.port),
        public_url,
        pay_url: arguments.pay_url,
        shared_secrets,
        demo: arguments.demo,
        exchange: ExchangeSettings {
            log: arguments.log,
            unsafe_allowed: arguments.allow_unsafe,
            standby: arguments.standby,
            accept_loss_after: arguments.accept_loss_after,
        },
    };
    ensoex_service::run(config, async move { signals.next().await })
        .await
        .context("the Service stopped")
}

fn log_to_standard_error() {
    let filter = EnvFilter::try_from_env("ENSOEX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second subscriber can only be one that an embedding test has set; it may stay.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

fn beside(directory: &Path, name: &str) -> PathBuf {
    match directory.parent() {
        Some(parent) => parent.join(name),
        None => directory.join(name),
    }
}
