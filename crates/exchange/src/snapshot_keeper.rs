//! Taking snapshots beside a running exchange, from the log alone, so that the exchange never waits for one.
//!
//! A follower of its own (newest snapshot, then what the log holds after it) writes what it arrives at. That costs a second state
//! in memory while it lasts, and no lock. It reads the log only, so anybody may take one at any time: the exchange on its
//! [`SnapshotSchedule`], or `ensoex snapshot` by hand. One that fails is reported in the program's log and tried again a
//! minute later; the log holds the truth meanwhile. Does not know who is primary.

use crate::error::ExchangeError;
use crate::exchange::ExchangeConfig;
use crate::recovery::{NoRuns, Recovery};
use crate::replay::snapshots_path;
use crate::snapshot::{self, SnapshotHeader};
use ensoex_log::{AnyLog, LogAddress};
use ensoex_types::Sequence;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// After how many new commands a running exchange takes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotSchedule {
    /// At once after so many.
    pub commands: u64,
    /// Once an hour has passed since the last, after so many.
    pub commands_hourly: u64,
}

impl Default for SnapshotSchedule {
    fn default() -> SnapshotSchedule {
        SnapshotSchedule {
            commands: 1_000_000,
            commands_hourly: 10_000,
        }
    }
}

/// How long after a failure the next try comes.
const RETRY_AFTER: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The newest snapshot of a running exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSnapshot {
    /// The last command that it includes.
    pub sequence: Sequence,
    /// When it was written.
    pub written: SystemTime,
}

/// Takes a snapshot of the exchange in `directory` as its `log` is now; a running exchange is not disturbed. Answers the one that
/// is there already if nothing has happened since.
///
/// # Errors
/// [`ExchangeError`] when the log cannot be read or the snapshot cannot be written; an empty log has no snapshot.
pub async fn take_snapshot(
    directory: &Path,
    log: &LogAddress,
) -> Result<(PathBuf, SnapshotHeader), ExchangeError> {
    let folder = snapshots_path(directory);
    let recovery = Recovery {
        snapshots: &folder,
        snapshot_max: Sequence(u64::MAX),
        events_after: Sequence(u64::MAX),
        acknowledged: None,
        // The exchange checks the whole chain when it starts, `verify` whenever it is asked.
        whole_chain: false,
    };
    let log = AnyLog::open_read_only(log).await?;
    let (replica, _) = recovery.run(log, &mut NoRuns).await?;
    if replica.engine.sequence() == Sequence(0) {
        return Err(ExchangeError::NothingToSnapshot);
    }
    let writing = tokio::task::spawn_blocking(move || {
        let place = (replica.reached, replica.last_at);
        snapshot::write(&folder, &replica.engine, &replica.market_data, place)
    });
    crate::recovery::joined(writing)
        .await?
        .map_err(ExchangeError::Snapshots)
}

/// The newest snapshot by its name; none if there is none, or the folder cannot be read.
pub(crate) fn last_snapshot(directory: &Path) -> Option<LastSnapshot> {
    let (sequence, path) = snapshot::list(&snapshots_path(directory))
        .ok()?
        .into_iter()
        .next()?;
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(LastSnapshot { sequence, written })
}

/// Takes snapshots of the exchange until the exchange is gone.
pub(crate) async fn keep(
    config: ExchangeConfig,
    mut applied: watch::Receiver<Sequence>,
    told: watch::Sender<Option<LastSnapshot>>,
) {
    let schedule = config.snapshots;
    loop {
        let last = told.borrow().map_or(0, |last| last.sequence.0);
        let due = |at_least: u64| move |now: &Sequence| now.0.saturating_sub(last) >= at_least.max(1);
        let at_once = tokio::time::timeout(HOUR, applied.wait_for(due(schedule.commands))).await;
        let gone = match at_once.map(|waited| waited.is_err()) {
            Ok(gone) => gone,
            Err(_hour_passed) => applied.wait_for(due(schedule.commands_hourly)).await.is_err(),
        };
        if gone {
            return;
        }
        match take_snapshot(&config.directory, &config.log).await {
            Ok((_, header)) => {
                let sequence = header.sequence;
                tracing::info!("a snapshot was taken at sequence {sequence}");
                let written = SystemTime::now();
                told.send_replace(Some(LastSnapshot { sequence, written }));
            }
            Err(error) => {
                tracing::error!(%error, "no snapshot could be taken; trying again in a minute");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
