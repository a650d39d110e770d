//! Rebuilding the projections from the log while the exchange does not run. Knows no table.
//!
//! States: deleted, partly built (the next start, or another rebuilding, goes on from there), built.

use crate::applied::Run;
use crate::error::ExchangeError;
use crate::exchange::ExchangeConfig;
use crate::projection::{PROJECTIONS, Projector};
use crate::recovery::{Recovery, TakeRun};
use crate::replay::snapshots_path;
use ensoex_engine::Engine;
use ensoex_log::{AnyLog, CommandLog as _};
use ensoex_sql::Database;
use ensoex_types::Sequence;

/// How far a rebuilding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Commands projected so far.
    pub commands: u64,
    /// Commands in the log.
    pub of: u64,
}

struct Telling<'a, F> {
    projector: Projector,
    rebuilt: Rebuilt,
    tell: &'a mut F,
}

impl<F: FnMut(Rebuilt) + Send> TakeRun for Telling<'_, F> {
    fn begin(&mut self, engine: &Engine) {
        self.projector.begin(engine);
    }

    async fn take(&mut self, runs: Vec<Run>) -> Result<(), ExchangeError> {
        let last = runs.last().map_or(0, |last| last.last_sequence().0);
        self.projector.take(runs).await?;
        self.rebuilt.commands = self.rebuilt.commands.max(last);
        (self.tell)(self.rebuilt);
        Ok(())
    }
}

/// Deletes the projections and builds them anew from the log, telling the progress after each run of commands. The exchange must
/// not run meanwhile. Interrupted, it goes on at the next start of the exchange.
///
/// # Errors
/// [`ExchangeError`] when the log cannot be read or the projections cannot be written.
pub async fn rebuild_projections(
    config: &ExchangeConfig,
    mut tell: impl FnMut(Rebuilt) + Send,
) -> Result<Rebuilt, ExchangeError> {
    // The log first: without it nothing may be deleted.
    let log = AnyLog::open_read_only(&config.log).await?;
    let of = log.head().next_sequence.0.saturating_sub(1);
    Database::remove(&config.projections, &PROJECTIONS).await?;
    let database = Database::open(&config.projections, &PROJECTIONS).await?;
    let recovery = Recovery {
        snapshots: &snapshots_path(&config.directory),
        snapshot_max: Sequence(0),
        events_after: Sequence(0),
        acknowledged: None,
        whole_chain: true,
    };
    let mut telling = Telling {
        projector: Projector::new(database).await?,
        rebuilt: Rebuilt { commands: 0, of },
        tell: &mut tell,
    };
    recovery.run(log, &mut telling).await?;
    telling.projector.database().close().await;
    Ok(telling.rebuilt)
}
