//! Keeps SQLite's write-ahead log short: what was appended is copied into the file beside the appends, or when none comes,
//! and not within an append, where SQLite would do it by itself.
//!
//! A second connection copies the bulk while appends go on. The little that came meanwhile is copied between two appends, for
//! only when nothing is left does SQLite begin the write-ahead log anew. A copy that fails is tried again later and loses
//! nothing: what was not copied stays where it is, durable. Under a load that outruns the copy, or while a reader stays at an
//! old moment, the write-ahead log grows beyond its usual size; from [`AHEAD_BYTES_MAX`] on appends wait for the copy.
//! Knows no row.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions, Row};
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;

/// From so many bytes on the write-ahead log is copied while appends come.
const COPY_FROM_BYTES: u64 = 4 << 20;
/// So much is copied between two appends; more is left to the second connection.
const COPIED_BETWEEN_BYTES_MAX: u64 = 256 << 10;
/// A write-ahead log of this size makes appends wait for the copy.
pub(crate) const AHEAD_BYTES_MAX: u64 = 32 << 20;
/// What a change takes besides the bytes of its batch: a few pages.
const CHANGE_BYTES: u64 = 6 * 4_096;

/// The write-ahead log of one writer.
pub(crate) struct WriteAhead {
    path: PathBuf,
    /// Written since it was begun anew, about.
    bytes: u64,
    /// Of these, not copied yet.
    uncopied: u64,
    /// There are batches among them, and not leases alone.
    batches: bool,
    copying: Option<Copying>,
}

/// A copy that goes on beside the appends.
struct Copying {
    /// What will be copied by it.
    bytes: u64,
    task: JoinHandle<Result<(), sqlx::Error>>,
}

/// How a copy beside the appends stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// There is none.
    Idle,
    Going,
    /// It has just ended; what came meanwhile is left.
    Ended,
}

impl WriteAhead {
    pub(crate) fn new(path: &Path) -> WriteAhead {
        WriteAhead {
            path: path.to_path_buf(),
            bytes: 0,
            uncopied: 0,
            batches: false,
            copying: None,
        }
    }

    /// A batch of this many bytes was written.
    pub(crate) fn batch(&mut self, data_bytes: usize) {
        self.batches = true;
        self.written(u64::try_from(data_bytes).unwrap_or(u64::MAX));
    }

    /// A lease was written.
    pub(crate) fn lease(&mut self) {
        self.written(0);
    }

    fn written(&mut self, bytes: u64) {
        let bytes = bytes.saturating_add(CHANGE_BYTES);
        self.bytes = self.bytes.saturating_add(bytes);
        self.uncopied = self.uncopied.saturating_add(bytes);
    }

    /// Between two changes: begins a copy, or ends one, when it is time.
    pub(crate) async fn keep_short(&mut self, writer: &mut SqliteConnection) {
        if self.uncopied < COPY_FROM_BYTES && self.copying.is_none() {
            return;
        }
        let copied = match self.beside(self.bytes >= AHEAD_BYTES_MAX).await {
            Ok(Beside::Going) => Ok(()),
            Ok(_) if self.bytes >= AHEAD_BYTES_MAX => self.copy(writer).await,
            Ok(Beside::Ended) if self.uncopied <= COPIED_BETWEEN_BYTES_MAX => self.copy(writer).await,
            Ok(Beside::Idle | Beside::Ended) => {
                self.start();
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = copied {
            tracing::warn!(%error, "the write-ahead log could not be copied into the log's file; trying again");
        }
    }

    /// No batch comes for the moment. Answers whether all are copied; if not, it is to be asked again in a while.
    pub(crate) async fn idle(&mut self, writer: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        if !self.batches {
            return Ok(true);
        }
        match self.beside(false).await? {
            Beside::Going => {}
            _ if self.uncopied <= COPIED_BETWEEN_BYTES_MAX => self.copy(writer).await?,
            Beside::Idle | Beside::Ended => self.start(),
        }
        Ok(!self.batches)
    }

    /// Looks at the copy beside the appends, or waits for its end.
    async fn beside(&mut self, wait: bool) -> Result<Beside, sqlx::Error> {
        let Some(copying) = self.copying.take() else {
            return Ok(Beside::Idle);
        };
        if !wait && !copying.task.is_finished() {
            self.copying = Some(copying);
            return Ok(Beside::Going);
        }
        let ended = copying.task.await;
        ended.map_err(|_| sqlx::Error::WorkerCrashed)??;
        self.uncopied = self.uncopied.saturating_sub(copying.bytes);
        Ok(Beside::Ended)
    }

    fn start(&mut self) {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .synchronous(SqliteSynchronous::Full);
        let task = tokio::spawn(async move {
            let mut second = options.disable_statement_logging().connect().await?;
            checkpoint(&mut second).await.map(|_| ())
        });
        self.copying = Some(Copying {
            bytes: self.uncopied,
            task,
        });
    }

    /// Copies what is left. If that was all, the next append begins the write-ahead log anew.
    async fn copy(&mut self, writer: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        if checkpoint(writer).await? {
            (self.bytes, self.uncopied, self.batches) = (0, 0, false);
        }
        Ok(())
    }
}

/// Copies as much as no reader stands in the way of; answers whether that was all. Nobody is made to wait.
async fn checkpoint(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await?;
    let (busy, written, copied): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(busy == 0 && written == copied)
}
