//! The durable command log: a table whose row is a batch.
//!
//! Each row holds the batch's first sequence, epoch, time, bytes, and a SHA-256 that chains it to the row before; a
//! head row carries epoch, next sequence and the last hash. An append is a compare-and-set on the head
//! in the same transaction as the insert, so a writer whose epoch was raised past can never append.
//! Knows nothing of what the bytes mean.
//!
//! Failure cases: nothing written and known so ([`AppendError::NotWritten`]); another writer took over
//! ([`AppendError::Fenced`]); the result cannot be known ([`AppendError::OutcomeUnknown`]): stop and look.

use ensoex_types::{Sequence, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Row};
use std::path::{Path, PathBuf};

/// Largest encoded batch, in bytes.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// A hash of the chain.
pub type Hash = [u8; 32];

/// One durable row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Sequence of the first command in it.
    pub first_sequence: Sequence,
    /// Number of commands, at least 1.
    pub count: u32,
    /// Epoch of the writer.
    pub epoch: u64,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// Hash of the row before; zeros for the first.
    pub previous_hash: Hash,
    /// Over all of the above and the bytes.
    pub hash: Hash,
    /// The encoded commands.
    pub data: Vec<u8>,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Epoch of the writer that may append.
    pub epoch: u64,
    /// Sequence that the next command gets; 1 in an empty log.
    pub next_sequence: Sequence,
    /// Hash of the last row; zeros in an empty log.
    pub hash: Hash,
}

/// Why an append did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written; trying again is safe.
    #[error("the log could not record the batch and nothing was written: {0}")]
    NotWritten(#[source] sqlx::Error),
    /// Another writer raised the epoch: this one must stop.
    #[error("another writer has taken over the log (epoch {found}, ours {ours})")]
    Fenced {
        /// Ours.
        ours: u64,
        /// In the head row.
        found: u64,
    },
    /// Whether the batch is durable cannot be known from here: stop, start again, and replay what is there.
    #[error("whether the log recorded the batch is unknown: {0}")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// Above [`BATCH_BYTES_MAX`], or without commands.
    #[error("a batch holds 1 command or more and at most {BATCH_BYTES_MAX} bytes")]
    Size,
}

/// Why a log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database refused.
    #[error("the log at {path} cannot be used: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The migrations could not be applied.
    #[error("the log at {path} has another layout: {source}")]
    Layout {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The chain is broken: something was altered, dropped, swapped or cut off.
    #[error("the log is damaged at sequence {sequence}: {what}")]
    Damaged {
        /// First sequence that cannot be trusted.
        sequence: Sequence,
        /// What is wrong.
        what: &'static str,
    },
}

/// The log on one machine, in its own SQLite file (WAL, synchronous=FULL).
pub struct CommandLog {
    connection: SqliteConnection,
    path: PathBuf,
    head: Head,
}

impl CommandLog {
    /// Opens for writing, creating it if absent, and raises the epoch: from here on only this writer can append.
    ///
    /// # Errors
    /// [`LogError`] when the file cannot be used.
    pub async fn open(path: &Path) -> Result<CommandLog, LogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut log = CommandLog::connect(path, options).await?;
        sqlx::migrate!("./migrations")
            .run(&mut log.connection)
            .await
            .map_err(|source| LogError::Layout {
                path: path.to_path_buf(),
                source,
            })?;
        let raised = sqlx::query("UPDATE head SET epoch = epoch + 1 WHERE id = 1")
            .execute(&mut log.connection)
            .await;
        raised.map_err(|source| log.database_error(source))?;
        log.head = log.stored_head().await?;
        Ok(log)
    }

    /// Opens for reading only, as it is at this moment; a writer may be at work beside it.
    ///
    /// # Errors
    /// [`LogError`] when there is no log or it cannot be read.
    pub async fn open_read_only(path: &Path) -> Result<CommandLog, LogError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut log = CommandLog::connect(path, options).await?;
        // One transaction for as long as the log is open, so that head and rows are of the same moment.
        let began = sqlx::query("BEGIN").execute(&mut log.connection).await;
        began.map_err(|source| log.database_error(source))?;
        log.head = log.stored_head().await?;
        Ok(log)
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<CommandLog, LogError> {
        let connection = options
            .disable_statement_logging()
            .connect()
            .await
            .map_err(|source| LogError::Database {
                path: path.to_path_buf(),
                source,
            })?;
        let head = Head {
            epoch: 0,
            next_sequence: Sequence(1),
            hash: [0; 32],
        };
        Ok(CommandLog {
            connection,
            path: path.to_path_buf(),
            head,
        })
    }

    /// Where the log ends.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends one batch; durable when it returns `Ok`.
    ///
    /// # Errors
    /// [`AppendError`]; only after [`AppendError::NotWritten`] may the writer go on.
    pub async fn append(&mut self, at: Timestamp, count: u32, data: Vec<u8>) -> Result<Head, AppendError> {
        if count == 0 || data.len() > BATCH_BYTES_MAX {
            return Err(AppendError::Size);
        }
        let previous = self.head;
        let mut batch = Batch {
            first_sequence: previous.next_sequence,
            count,
            epoch: previous.epoch,
            at,
            previous_hash: previous.hash,
            hash: [0; 32],
            data,
        };
        batch.hash = hash_of(&batch);
        let next = Head {
            epoch: previous.epoch,
            next_sequence: Sequence(previous.next_sequence.0 + u64::from(count)),
            hash: batch.hash,
        };
        match write(&mut self.connection, &batch, next).await {
            Ok(true) => {
                self.head = next;
                Ok(next)
            }
            Ok(false) => {
                let found = self
                    .stored_head()
                    .await
                    .map(|head| head.epoch)
                    .unwrap_or_default();
                Err(AppendError::Fenced {
                    ours: previous.epoch,
                    found,
                })
            }
            Err(source) => match self.stored_head().await {
                Ok(head) if head == previous => Err(AppendError::NotWritten(source)),
                _ => Err(AppendError::OutcomeUnknown(source)),
            },
        }
    }

    /// Reads up to `limit` batches, beginning with the one whose first sequence is `from` or the next after it, and
    /// checks each row's hash and its place after `previous`.
    ///
    /// # Errors
    /// [`LogError::Damaged`] names the first sequence that cannot be trusted.
    pub async fn read(&mut self, previous: &Head, limit: u32) -> Result<Vec<Batch>, LogError> {
        let rows = sqlx::query(
            "SELECT first_sequence, count, epoch, at_us, previous_hash, hash, data FROM batch
             WHERE first_sequence >= $1 ORDER BY first_sequence LIMIT $2",
        )
        .bind(to_signed(previous.next_sequence.0))
        .bind(i64::from(limit))
        .fetch_all(&mut self.connection)
        .await
        .map_err(|source| self.database_error(source))?;
        let mut batches = Vec::with_capacity(rows.len());
        let mut expected = *previous;
        for row in &rows {
            let batch = decode(row).ok_or(LogError::Damaged {
                sequence: expected.next_sequence,
                what: "a row does not have the log's form",
            })?;
            expected = after(&expected, &batch)?;
            batches.push(batch);
        }
        Ok(batches)
    }

    /// The head that rows read so far must end in, as the head row states it.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if rows are missing at the end.
    pub fn check_end(&self, reached: &Head) -> Result<(), LogError> {
        if reached.next_sequence == self.head.next_sequence && reached.hash == self.head.hash {
            return Ok(());
        }
        Err(LogError::Damaged {
            sequence: reached.next_sequence,
            what: "the rows do not end where the head row says (cut off or altered)",
        })
    }

    /// Makes the file behave as on a full disk (`Some(pages)`), or lifts that again.
    #[doc(hidden)]
    pub async fn limit_pages_for_test(&mut self, pages: Option<u32>) {
        let limit = pages.unwrap_or(i32::MAX as u32);
        let statement = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {limit}"));
        let _applied = sqlx::query(statement).execute(&mut self.connection).await;
    }

    async fn stored_head(&mut self) -> Result<Head, LogError> {
        let row = sqlx::query("SELECT epoch, next_sequence, hash FROM head WHERE id = 1")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        let damaged = LogError::Damaged {
            sequence: Sequence(0),
            what: "the head row does not have the log's form",
        };
        let hash: Vec<u8> = row.get(2);
        match hash.try_into() {
            Ok(hash) => Ok(Head {
                epoch: from_signed(row.get(0)),
                next_sequence: Sequence(from_signed(row.get(1))),
                hash,
            }),
            Err(_) => Err(damaged),
        }
    }

    fn database_error(&self, source: sqlx::Error) -> LogError {
        LogError::Database {
            path: self.path.clone(),
            source,
        }
    }
}

impl Head {
    /// Before the first batch.
    pub const EMPTY: Head = Head {
        epoch: 0,
        next_sequence: Sequence(1),
        hash: [0; 32],
    };
}

/// The head after `batch`, if it follows on `previous` and its hash holds.
fn after(previous: &Head, batch: &Batch) -> Result<Head, LogError> {
    let damaged = |what| LogError::Damaged {
        sequence: previous.next_sequence,
        what,
    };
    if batch.first_sequence != previous.next_sequence {
        return Err(damaged("a row is missing"));
    }
    if batch.previous_hash != previous.hash {
        return Err(damaged("a row does not follow on the one before"));
    }
    if batch.epoch < previous.epoch {
        return Err(damaged("the epoch goes backwards"));
    }
    if hash_of(batch) != batch.hash {
        return Err(damaged("a row was altered"));
    }
    Ok(Head {
        epoch: batch.epoch,
        next_sequence: Sequence(batch.first_sequence.0 + u64::from(batch.count)),
        hash: batch.hash,
    })
}

/// Appends in one transaction; `false` when the head is not where this writer left it.
///
/// BEGIN and ROLLBACK are written out because SQLite ends a transaction by itself when the disk is full, which
/// the library's own bookkeeping of transactions does not expect.
async fn write(connection: &mut SqliteConnection, batch: &Batch, next: Head) -> Result<bool, sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let written = write_rows(connection, batch, next).await;
    if matches!(written, Ok(true)) {
        match sqlx::query("COMMIT").execute(&mut *connection).await {
            Ok(_) => return Ok(true),
            Err(error) => {
                let _ended_already = sqlx::query("ROLLBACK").execute(connection).await;
                return Err(error);
            }
        }
    }
    let _ended_already = sqlx::query("ROLLBACK").execute(connection).await;
    written
}

async fn write_rows(
    connection: &mut SqliteConnection,
    batch: &Batch,
    next: Head,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE head SET next_sequence = $1, hash = $2 WHERE id = 1 AND epoch = $3 AND next_sequence = $4",
    )
    .bind(to_signed(next.next_sequence.0))
    .bind(next.hash.as_slice())
    .bind(to_signed(batch.epoch))
    .bind(to_signed(batch.first_sequence.0))
    .execute(&mut *connection)
    .await?;
    if moved.rows_affected() != 1 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO batch (first_sequence, count, epoch, at_us, previous_hash, hash, data)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(to_signed(batch.first_sequence.0))
    .bind(i64::from(batch.count))
    .bind(to_signed(batch.epoch))
    .bind(to_signed(batch.at.0))
    .bind(batch.previous_hash.as_slice())
    .bind(batch.hash.as_slice())
    .bind(batch.data.as_slice())
    .execute(connection)
    .await?;
    Ok(true)
}

fn hash_of(batch: &Batch) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(batch.previous_hash);
    hasher.update(batch.first_sequence.0.to_be_bytes());
    hasher.update(batch.count.to_be_bytes());
    hasher.update(batch.epoch.to_be_bytes());
    hasher.update(batch.at.0.to_be_bytes());
    hasher.update(&batch.data);
    hasher.finalize().into()
}

fn decode(row: &sqlx::sqlite::SqliteRow) -> Option<Batch> {
    Some(Batch {
        first_sequence: Sequence(from_signed(row.try_get(0).ok()?)),
        count: u32::try_from(row.try_get::<i64, _>(1).ok()?).ok()?,
        epoch: from_signed(row.try_get(2).ok()?),
        at: Timestamp(from_signed(row.try_get(3).ok()?)),
        previous_hash: row.try_get::<Vec<u8>, _>(4).ok()?.try_into().ok()?,
        hash: row.try_get::<Vec<u8>, _>(5).ok()?.try_into().ok()?,
        data: row.try_get(6).ok()?,
    })
}

/// SQL integers are signed; sequences and times stay far below 2^63.
fn to_signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn from_signed(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
