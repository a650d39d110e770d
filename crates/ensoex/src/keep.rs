//! `ensoex takeover` and `ensoex snapshot`: what an operator does to keep an exchange going.

use crate::arguments::{SnapshotArguments, TakeoverArguments};
use crate::place::find_exchange;
use anyhow::Context;

/// Makes the standby in a folder the primary.
///
/// # Errors
/// When no standby listens there, or it could not take over.
pub async fn takeover(arguments: &TakeoverArguments) -> anyhow::Result<()> {
    let taken_over = ensoex_service::request_takeover(&arguments.data).await?;
    say!(
        "The standby is the primary now: epoch {}, after sequence {}, state hash {}.",
        taken_over["epoch"],
        taken_over["sequence"],
        taken_over["state_hash"].as_str().unwrap_or_default()
    );
    Ok(())
}

/// Writes a snapshot as the log is now.
///
/// # Errors
/// When there is no exchange, its log cannot be read, or the snapshot cannot be written.
pub async fn snapshot(arguments: &SnapshotArguments) -> anyhow::Result<()> {
    let directory = find_exchange(&arguments.data).with_context(|| {
        format!(
            "there is no exchange in {}: give the folder of a demo or of a Service with --data",
            arguments.data.display()
        )
    })?;
    let log = match &arguments.log {
        Some(log) => log.clone(),
        None => ensoex_exchange::ExchangeConfig::new(&directory).log,
    };
    let (path, header) = ensoex_exchange::take_snapshot(&directory, &log).await?;
    say!(
        "The snapshot {} holds everything up to sequence {}, state hash {}.",
        path.display(),
        header.sequence,
        hex::encode(header.state_hash)
    );
    Ok(())
}
