//! Opening the vault's SQLite databases alike: write-ahead log, full synchronisation, overwritten
//! deletions. It does not know what the tables hold.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::Connection as _;
use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::error::VaultError;

/// How long a database may be busy before an access fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn open(
    path: &Path,
    store: &'static str,
    migrator: &Migrator,
    connections: u32,
) -> Result<SqlitePool, VaultError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        // A full disk ends a transaction without the library's knowledge; such a connection is of no use any more.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .max_connections(connections)
        .connect_with(options)
        .await
        .map_err(VaultError::storage(store))?;
    migrator
        .run(&pool)
        .await
        .map_err(|source| VaultError::Migration { store, source })?;
    Ok(pool)
}

/// Moves the write-ahead log into the database and empties it, so that deleted rows are in neither.
pub(crate) async fn flush(pool: &SqlitePool, store: &'static str) -> Result<(), VaultError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(pool)
        .await
        .map_err(VaultError::storage(store))?;
    Ok(())
}

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64)
}
