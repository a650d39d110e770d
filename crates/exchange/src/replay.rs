//! Opens the files of an exchange and applies the log to an empty engine.

use crate::sequencer::{Applied, ExchangeError};
use ensoex_engine::{Command, Engine};
use ensoex_log::{Batch, CommandLog, Head};
use ensoex_types::Sequence;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First byte of a batch: the encoding of the commands that follow.
const FORMAT: u8 = 1;
const BATCHES_PER_READ: u32 = 256;
const PROJECTIONS_BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

pub(crate) fn log_path(directory: &Path) -> PathBuf {
    directory.join("log.db")
}

pub(crate) fn projections_path(directory: &Path) -> PathBuf {
    directory.join("projections.db")
}

pub(crate) fn encode(commands: &[Command]) -> Result<Vec<u8>, postcard::Error> {
    let bytes = postcard::to_allocvec(commands)?;
    let mut data = Vec::with_capacity(bytes.len() + 1);
    data.push(FORMAT);
    data.extend(bytes);
    Ok(data)
}

pub(crate) fn decode(batch: &Batch) -> Result<Vec<Command>, ExchangeError> {
    let commands: Option<Vec<Command>> = match batch.data.split_first() {
        Some((&FORMAT, bytes)) => postcard::from_bytes(bytes).ok(),
        _ => None,
    };
    match commands {
        Some(commands) if commands.len() == usize::try_from(batch.count).unwrap_or_default() => Ok(commands),
        _ => Err(ExchangeError::Undecodable {
            sequence: batch.first_sequence,
        }),
    }
}

/// Applies one batch; answers what each command did.
pub(crate) fn apply_batch(engine: &mut Engine, batch: &Batch, commands: Vec<Command>) -> Vec<Applied> {
    let mut applied = Vec::with_capacity(commands.len());
    for (sequence, command) in (batch.first_sequence.0..).zip(commands) {
        let mut events = Vec::new();
        engine.apply(Sequence(sequence), batch.at, &command, &mut events);
        applied.push(Applied {
            sequence: Sequence(sequence),
            at: batch.at,
            command,
            events: Arc::from(events),
        });
    }
    applied
}

/// Reads the log in order, batch by batch, with its chain checked.
pub(crate) struct LogReader {
    log: CommandLog,
    reached: Head,
}

impl LogReader {
    pub(crate) fn new(log: CommandLog) -> LogReader {
        LogReader {
            log,
            reached: Head::EMPTY,
        }
    }

    /// The next batches; empty at the end, where the head row must agree.
    pub(crate) async fn next(&mut self) -> Result<Vec<Batch>, ExchangeError> {
        let batches = self.log.read(&self.reached, BATCHES_PER_READ).await?;
        match batches.last() {
            Some(last) => {
                self.reached = Head {
                    epoch: last.epoch,
                    next_sequence: Sequence(last.first_sequence.0 + u64::from(last.count)),
                    hash: last.hash,
                };
            }
            None => self.log.check_end(&self.reached)?,
        }
        Ok(batches)
    }

    pub(crate) fn reached(&self) -> Head {
        self.reached
    }

    pub(crate) fn into_log(self) -> CommandLog {
        self.log
    }
}

/// Opens the projections for writing. They can be rebuilt, so a commit need not wait for the disk.
pub(crate) async fn open_projections(path: &Path) -> Result<SqliteConnection, ExchangeError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(PROJECTIONS_BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(ExchangeError::Projections)?;
    sqlx::migrate!("./migrations")
        .run(&mut connection)
        .await
        .map_err(ExchangeError::ProjectionsLayout)?;
    Ok(connection)
}

/// Projections in memory, to compare stored ones with.
pub(crate) async fn projections_in_memory() -> Result<SqliteConnection, ExchangeError> {
    let mut connection = SqliteConnection::connect("sqlite::memory:")
        .await
        .map_err(ExchangeError::Projections)?;
    sqlx::migrate!("./migrations")
        .run(&mut connection)
        .await
        .map_err(ExchangeError::ProjectionsLayout)?;
    Ok(connection)
}
