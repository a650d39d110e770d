//! `ensoex serve`: the Service, until it is told to stop.

use crate::arguments::ServeArguments;
use crate::backup_keys::{KeysKeeper, Pace};
use crate::clean_log::{Clean, clean_panics};
use crate::demo::directory::create_shared_secrets;
use crate::memory::{self, Swapping};
use crate::stop_signal::StopSignals;
use crate::{core_dumps, threads};
use anyhow::Context;
use ensoex_backup::{BackupError, Recipients, keys};
use ensoex_service::{ExchangeSettings, ServiceConfig, Stores};
use ensoex_sql::Address;
use ensoex_vault::KeyChanges;
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
    core_dumps::forbid().context("core dumps cannot be forbidden")?;
    if memory::keep_out_of_swap() == Swapping::Possible {
        tracing::warn!(
            "keys in memory can come to lie in swap: let the Service lock memory (LimitMEMLOCK=infinity), or turn swap off"
        );
    }
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
    let key_changes = KeyChanges::default();
    let keeper = match &arguments.keys_backup {
        None => None,
        Some(place) => Some(KeysKeeper {
            service: arguments.data.clone(),
            database: arguments.keys.clone(),
            store: arguments.storage.store(place)?,
            recipients: Recipients::read(&arguments.keys_recipient)?,
            pace: Pace::default(),
        }),
    };
    if let Some(keeper) = &keeper {
        match keys::check(&keeper.store).await {
            // The place may be away for a while: that is no reason not to serve.
            Ok(()) | Err(BackupError::Store { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
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
        messages: arguments.messages.settings(),
        exchange: ExchangeSettings {
            log: arguments.log,
            unsafe_allowed: arguments.allow_unsafe,
            standby: arguments.standby,
            accept_loss_after: arguments.accept_loss_after,
            background: Some(threads::background()?),
            sequencing: Some(threads::sequencing()?),
        },
        key_changes: key_changes.clone(),
    };
    let keeping = keeper.map(|keeper| keeper.start(&key_changes));
    let served = ensoex_service::run(config, async move { signals.next().await }).await;
    match keeping {
        Some(keeping) if served.is_ok() => keeping.finish().await,
        Some(keeping) => keeping.leave(),
        None => {}
    }
    served.context("the Service stopped")
}

fn log_to_standard_error() {
    let mut filter = EnvFilter::try_from_env("ENSOEX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // It logs what a device answered; what is wrong with an answer is the caller's to know.
    for silent in ["webauthn_rs=off", "webauthn_rs_core=off"] {
        if let Ok(directive) = silent.parse() {
            filter = filter.add_directive(directive);
        }
    }
    // A second subscriber can only be one that an embedding test has set; it may stay.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Clean(std::io::stderr()))
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    clean_panics();
}

fn beside(directory: &Path, name: &str) -> PathBuf {
    match directory.parent() {
        Some(parent) => parent.join(name),
        None => directory.join(name),
    }
}
