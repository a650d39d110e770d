//! The database: sessions, payments, payouts, attempts, instruments, events. Knows no network, no page, no key.
//!
//! One connection writes, so changes never meet and the event sequence has no gaps; others read.

pub(crate) mod attempt;
pub(crate) mod event;
pub(crate) mod instrument;
pub(crate) mod money;
pub(crate) mod session;

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// Connections that read at once.
const READERS_MAX: u32 = 4;
/// How long a writer or reader may wait for its turn.
const ACQUIRE_SECONDS_MAX: u64 = 20;

/// Why the database could not do it. Nothing of the transaction remains.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A stored word is not known to this version.
    #[error("the database holds a word in {column} that this version does not know")]
    Word {
        /// Table and column.
        column: &'static str,
    },
    /// Something refers to a row that is not there.
    #[error("the database misses a row of {table}")]
    Missing {
        /// The table.
        table: &'static str,
    },
    /// A change that no rule permits.
    #[error("a {object} cannot become {to}")]
    Transition {
        /// Payment or payout.
        object: &'static str,
        /// The status asked for.
        to: String,
    },
    /// A value cannot be written as JSON.
    #[error("an event cannot be written")]
    Json(#[from] serde_json::Error),
}

/// The database.
#[derive(Clone)]
pub(crate) struct Store {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Store {
    /// Opens the file, makes it if absent, and brings it to this version.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
            // What is deleted is overwritten: sealed cards and their wrapped keys must be gone for good.
            .pragma("secure_delete", "ON");
        let pool = |connections| {
            SqlitePoolOptions::new()
                // A full disk ends a transaction without the library's knowledge; such a connection is of no use any more.
                .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
                .max_connections(connections)
                .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        };
        let writer = pool(1)
            .connect_with(options.clone().create_if_missing(true))
            .await
            .map_err(OpenError::Open)?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let reader = pool(READERS_MAX)
            .connect_with(options.read_only(true))
            .await
            .map_err(OpenError::Open)?;
        Ok(Self { writer, reader })
    }

    /// Begins a transaction that writes. There is one at a time.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A connection that reads what is committed.
    pub(crate) async fn read(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>, StoreError> {
        Ok(self.reader.acquire().await?)
    }

    /// Waits for work in progress and closes the file.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Why the database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be opened.
    #[error("the database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// It cannot be brought to this version.
    #[error("the database cannot be brought to this version")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// The word that a value has on the wire and in the database.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}

/// The value of a word in the database.
pub(crate) fn parse_word<T: DeserializeOwned>(column: &'static str, word: &str) -> Result<T, StoreError> {
    let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| StoreError::Word { column })
}

/// The next trace number, 1 to 999,999.
pub(crate) async fn next_trace_number(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let value: i64 = sqlx::query_scalar(
        "UPDATE counter SET value = value + 1 WHERE name = 'trace_number' RETURNING value",
    )
    .fetch_one(connection)
    .await?;
    Ok(1 + (value - 1) % 999_999)
}
