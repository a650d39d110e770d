//! The log on one machine, in its own SQLite file (WAL, synchronous=FULL).
//!
//! An append is one INSERT, guarded by epoch and next sequence; a trigger moves the head row on in the same transaction. So
//! there is no transaction to be left open, and SQLite rolls back by itself when the disk is full.
//!
//! Failure cases: what SQLite says it did not write was not written if the head row still is where it was, and the writer may
//! go on ([`AppendError::NotWritten`]) — but not after an input/output error: then the kernel may have dropped what it could
//! not write, and what is read back proves nothing. That is [`AppendError::OutcomeUnknown`]; the next opening copies the
//! write-ahead log into the file and syncs it before anything is believed.
//!
//! Between openings `write_ahead.rs` keeps the write-ahead log short.

use crate::append::{admit, stays_open};
use crate::chain::{Columns, chained, head_of, rows_within, to_signed};
use crate::lease::{OwnLease, micros};
use crate::write_ahead::{AHEAD_BYTES_MAX, WriteAhead};
use crate::{
    AppendError, Batch, CommandLog, Head, Interruption, Lease, LogError, Opening, READ_BYTES_MAX, Takeover,
};
use ensoex_types::{Sequence, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Row};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const APPEND: &str = "INSERT INTO batch (first_sequence, count, epoch, at_us, previous_hash, hash, data)
     SELECT $1, $2, $3, $4, $5, $6, $7 FROM head WHERE id = 1 AND epoch = $3 AND next_sequence = $1";
const IMPORT: &str = "INSERT INTO batch (first_sequence, count, epoch, at_us, previous_hash, hash, data)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
/// So that the next opening's epoch is above that of every row.
const RAISE: &str = "UPDATE head SET epoch = MAX(epoch, $1) WHERE id = 1";
const HEAD: &str = "SELECT head.epoch, head.next_sequence, head.hash, last.first_sequence, last.epoch FROM head LEFT JOIN
     (SELECT first_sequence, epoch FROM batch ORDER BY first_sequence DESC LIMIT 1) AS last ON head.id = 1 WHERE head.id = 1";
const SIZES: &str = "SELECT length(data) FROM batch WHERE first_sequence >= $1 AND first_sequence < $2
     ORDER BY first_sequence LIMIT $3";
const ROWS: &str = "SELECT first_sequence, count, epoch, at_us, previous_hash, hash, data FROM batch
     WHERE first_sequence >= $1 AND first_sequence < $2 ORDER BY first_sequence LIMIT $3";
const TAKE_OVER: &str = "UPDATE head SET epoch = epoch + 1, writer = $1 WHERE id = 1 AND ($2 OR EXISTS
     (SELECT 1 FROM lease WHERE id = 1 AND expires_us <= CAST(unixepoch('subsec') * 1000000 AS INTEGER)))";
const TAKE_LEASE: &str = "UPDATE lease SET holder = $1, epoch = (SELECT epoch FROM head WHERE id = 1),
     expires_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $2 WHERE id = 1";
const RENEW_LEASE: &str = "UPDATE lease SET holder = $1, epoch = $2,
     expires_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + $3
     WHERE id = 1 AND EXISTS (SELECT 1 FROM head WHERE id = 1 AND epoch = $2)";
const LEASE: &str = "SELECT holder, epoch, expires_us - CAST(unixepoch('subsec') * 1000000 AS INTEGER) FROM lease WHERE id = 1";

/// SQLite's codes, as far as they decide something.
const SQLITE_ERROR: i32 = 1;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

/// The log on one machine.
pub struct SqliteLog {
    connection: SqliteConnection,
    path: PathBuf,
    head: Head,
    /// Its holder's name; `None` for a reader.
    holder: Option<String>,
    lease: OwnLease,
    write_ahead: Box<WriteAhead>,
    /// An append is under way; still set afterwards when its caller gave it up, or its outcome is unknown.
    open_append: bool,
}

impl SqliteLog {
    /// Opens for writing, creating it if absent, and raises the epoch: from here on only this writer can append.
    ///
    /// # Errors
    /// [`LogError`] when the file cannot be used or another writer's lease has not expired.
    pub async fn open(path: &Path, opening: &Opening) -> Result<SqliteLog, LogError> {
        refuse_emptied(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", AHEAD_BYTES_MAX.to_string());
        let mut log = SqliteLog::connect(path, options, Some(opening.holder.clone())).await?;
        sqlx::migrate!("./migrations/sqlite")
            .run_direct(None, &mut log.connection, false)
            .await
            .map_err(|source| log.layout_error(source))?;
        let asked = Instant::now();
        log.take_over(opening).await?;
        log.lease = OwnLease::until(opening.lease.map(|lease| asked + lease));
        // What an earlier process left in the write-ahead log may never have reached the disk; copied, it does now.
        // Its file stays as long as it is, so that appends overwrite it: a file that grows with each append is slower to sync.
        sqlx::query("PRAGMA wal_checkpoint(RESTART)")
            .execute(&mut log.connection)
            .await
            .map_err(|source| log.database_error(source))?;
        log.head = log.stored_head().await?;
        Ok(log)
    }

    /// Opens for reading only; a writer may be at work beside it.
    ///
    /// # Errors
    /// [`LogError`] when there is no log or it cannot be read.
    pub async fn open_read_only(path: &Path) -> Result<SqliteLog, LogError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut log = SqliteLog::connect(path, options, None).await?;
        log.stored_head().await?;
        Ok(log)
    }

    /// Writes rows that were found to follow on this log's end, up to `end`.
    pub(crate) async fn import(&mut self, batches: &[Batch], end: Head) -> Result<(), LogError> {
        self.plain("BEGIN IMMEDIATE").await?;
        let written = self.import_rows(batches, end).await;
        self.plain(if written.is_ok() { "COMMIT" } else { "ROLLBACK" })
            .await?;
        written?;
        batches
            .iter()
            .for_each(|batch| self.write_ahead.batch(batch.data.len()));
        self.write_ahead.keep_short(&mut self.connection).await;
        Ok(())
    }

    /// Where the imported rows end.
    pub(crate) async fn end_import(mut self) -> Result<Head, LogError> {
        self.database_head().await
    }

    async fn import_rows(&mut self, batches: &[Batch], end: Head) -> Result<(), LogError> {
        for batch in batches {
            let inserted = self.insert_row(IMPORT, batch).await;
            inserted.map_err(|source| self.database_error(source))?;
        }
        let raised = sqlx::query(RAISE)
            .bind(to_signed(end.epoch))
            .execute(&mut self.connection)
            .await;
        raised.map(|_| ()).map_err(|source| self.database_error(source))
    }

    async fn connect(
        path: &Path,
        options: SqliteConnectOptions,
        holder: Option<String>,
    ) -> Result<SqliteLog, LogError> {
        let connected = options.disable_statement_logging().connect().await;
        Ok(SqliteLog {
            connection: connected.map_err(|source| database_error(path, source))?,
            path: path.to_path_buf(),
            head: Head::EMPTY,
            holder,
            lease: OwnLease::default(),
            write_ahead: Box::new(WriteAhead::new(path)),
            open_append: false,
        })
    }

    async fn take_over(&mut self, opening: &Opening) -> Result<(), LogError> {
        self.plain("BEGIN IMMEDIATE").await?;
        let taken = self.take_over_inside(opening).await;
        let ended = self
            .plain(if matches!(taken, Ok(true)) {
                "COMMIT"
            } else {
                "ROLLBACK"
            })
            .await;
        if taken? {
            return ended;
        }
        let lease = self.lease().await?;
        Err(LogError::LeaseHeld {
            holder: lease.holder,
            epoch: lease.epoch,
        })
    }

    async fn take_over_inside(&mut self, opening: &Opening) -> Result<bool, LogError> {
        let taken = sqlx::query(TAKE_OVER)
            .bind(random_writer()?)
            .bind(opening.takeover == Takeover::Now)
            .execute(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        if taken.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(TAKE_LEASE)
            .bind(&opening.holder)
            .bind(opening.lease.map(micros))
            .execute(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        Ok(true)
    }

    /// A second connection that takes itself for the same writer.
    pub(crate) async fn twin(&self) -> Result<SqliteLog, LogError> {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .synchronous(SqliteSynchronous::Full);
        let mut twin = SqliteLog::connect(&self.path, options, self.holder.clone()).await?;
        twin.head = self.head;
        Ok(twin)
    }

    pub(crate) async fn plain(&mut self, statement: &'static str) -> Result<(), LogError> {
        let done = sqlx::query(statement).execute(&mut self.connection).await;
        done.map(|_| ()).map_err(|source| self.database_error(source))
    }

    /// Makes the file behave as on a full disk (`Some(pages)`), or lifts that again.
    #[doc(hidden)]
    pub async fn limit_pages_for_test(&mut self, pages: Option<u32>) {
        let limit = pages.unwrap_or(i32::MAX as u32);
        let statement = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {limit}"));
        let _applied = sqlx::query(statement).execute(&mut self.connection).await;
    }

    pub(crate) async fn insert(&mut self, batch: &Batch) -> Result<bool, sqlx::Error> {
        self.insert_row(APPEND, batch).await
    }

    async fn insert_row(&mut self, statement: &'static str, batch: &Batch) -> Result<bool, sqlx::Error> {
        let inserted = sqlx::query(statement)
            .bind(to_signed(batch.first_sequence.0))
            .bind(i64::from(batch.count))
            .bind(to_signed(batch.epoch))
            .bind(to_signed(batch.at.0))
            .bind(batch.previous_hash.as_slice())
            .bind(batch.hash.as_slice())
            .bind(batch.data.as_slice())
            .execute(&mut self.connection)
            .await?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn database_head(&mut self) -> Result<Head, LogError> {
        let row = sqlx::query(HEAD)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        let columns = || Some((row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?));
        let (epoch, next_sequence, hash) = columns().unwrap_or((-1, -1, Vec::new()));
        head_of(
            epoch,
            next_sequence,
            hash,
            row.try_get(3).ok().zip(row.try_get(4).ok()),
        )
    }

    fn database_error(&self, source: sqlx::Error) -> LogError {
        database_error(&self.path, source)
    }

    fn layout_error(&self, source: sqlx::migrate::MigrateError) -> LogError {
        match source {
            sqlx::migrate::MigrateError::Execute(source) => self.database_error(source),
            source => LogError::Layout {
                log: self.path.display().to_string(),
                source,
            },
        }
    }
}

impl CommandLog for SqliteLog {
    fn head(&self) -> Head {
        self.head
    }

    async fn stored_head(&mut self) -> Result<Head, LogError> {
        let head = self.database_head().await?;
        if self.holder.is_none() {
            self.head = head;
        }
        Ok(head)
    }

    async fn append(&mut self, at: Timestamp, count: u32, data: Vec<u8>) -> Result<Head, AppendError> {
        admit(count, &data, self.open_append, &self.lease)?;
        let previous = self.head;
        let batch = Batch::following(&previous, at, count, data);
        self.open_append = true;
        let inserted = self.insert(&batch).await;
        let answer = match inserted {
            Ok(true) => {
                self.head = batch.end();
                self.write_ahead.batch(batch.data.len());
                self.write_ahead.keep_short(&mut self.connection).await;
                Ok(self.head)
            }
            Ok(false) => match self.database_head().await {
                Ok(found) if found.epoch != previous.epoch => Err(AppendError::Fenced {
                    ours: previous.epoch,
                    found: found.epoch,
                }),
                Ok(found) => Err(AppendError::OutcomeUnknown(Interruption::HeadMoved(
                    found.next_sequence,
                ))),
                Err(error) => Err(AppendError::OutcomeUnknown(Box::new(error).into())),
            },
            Err(source) if primary_code(&source) == Some(SQLITE_IOERR) => {
                Err(AppendError::OutcomeUnknown(source.into()))
            }
            Err(source) => match self.database_head().await {
                Ok(head) if head == previous => Err(AppendError::NotWritten(match primary_code(&source) {
                    Some(SQLITE_FULL) => Interruption::DiskFull(source),
                    _ => source.into(),
                })),
                _ => Err(AppendError::OutcomeUnknown(source.into())),
            },
        };
        self.open_append = stays_open(&answer);
        answer
    }

    async fn read(&mut self, previous: &Head, limit: u32) -> Result<Vec<Batch>, LogError> {
        let (from, to) = (
            to_signed(previous.next_sequence.0),
            to_signed(self.head.next_sequence.0),
        );
        let sizes = sqlx::query_scalar::<_, Option<i64>>(SIZES)
            .bind(from)
            .bind(to)
            .bind(i64::from(limit))
            .fetch_all(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        let rows = rows_within(sizes.into_iter().map(Option::unwrap_or_default), READ_BYTES_MAX);
        let rows = sqlx::query(ROWS)
            .bind(from)
            .bind(to)
            .bind(i64::try_from(rows).unwrap_or(i64::MAX))
            .fetch_all(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        chained(previous, rows.iter().map(columns))
    }

    async fn renew_lease(&mut self, duration: Duration) -> Result<(), LogError> {
        let holder = self.holder.clone().ok_or(LogError::ReadOnly)?;
        let asked = Instant::now();
        let renewed = sqlx::query(RENEW_LEASE)
            .bind(holder)
            .bind(to_signed(self.head.epoch))
            .bind(micros(duration))
            .execute(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        if renewed.rows_affected() != 1 {
            return Err(LogError::Fenced {
                ours: self.head.epoch,
                found: self.database_head().await?.epoch,
            });
        }
        self.lease = OwnLease::until(Some(asked + duration));
        self.write_ahead.lease();
        self.write_ahead.keep_short(&mut self.connection).await;
        Ok(())
    }

    async fn idle(&mut self) -> Result<bool, LogError> {
        let done = self.write_ahead.idle(&mut self.connection).await;
        done.map_err(|source| self.database_error(source))
    }

    async fn lease(&mut self) -> Result<Lease, LogError> {
        let (holder, epoch, left): (String, i64, Option<i64>) = sqlx::query_as(LEASE)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|source| self.database_error(source))?;
        Ok(Lease::new(holder, u64::try_from(epoch).unwrap_or_default(), left))
    }
}

fn columns(row: &SqliteRow) -> Option<Columns> {
    Some(Columns {
        first_sequence: row.try_get(0).ok()?,
        count: row.try_get(1).ok()?,
        epoch: row.try_get(2).ok()?,
        at_us: row.try_get(3).ok()?,
        previous_hash: row.try_get(4).ok()?,
        hash: row.try_get(5).ok()?,
        data: row.try_get(6).ok()?,
    })
}

fn database_error(path: &Path, source: sqlx::Error) -> LogError {
    let log = path.display().to_string();
    match primary_code(&source) {
        Some(SQLITE_ERROR | SQLITE_IOERR | SQLITE_CORRUPT | SQLITE_NOTADB) => {
            LogError::FileDamaged { log, source }
        }
        _ => LogError::Database { log, source },
    }
}

/// SQLite takes a file of no bytes for a new database and deletes the write-ahead log beside it.
fn refuse_emptied(path: &Path) -> Result<(), LogError> {
    let bytes = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
    let mut ahead = path.as_os_str().to_owned();
    ahead.push("-wal");
    if bytes(Path::new(&ahead)).is_ok_and(|bytes| bytes > 0) && !bytes(path).is_ok_and(|bytes| bytes > 0) {
        return Err(LogError::Damaged {
            sequence: Sequence(1),
            what: "the file is empty or gone, although its write-ahead log is there",
        });
    }
    Ok(())
}

/// SQLite's code without its extension.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Names a writer in the head row.
pub(crate) fn random_writer() -> Result<i64, LogError> {
    let drawn = getrandom::u64().map_err(|error| LogError::Random(error.to_string()))?;
    Ok(i64::from_ne_bytes(drawn.to_ne_bytes()))
}
