//! An open store: its pool of connections, and single statements. Transactions are in `transaction.rs`.

use crate::address::{Address, Place};
use crate::ahead::{Ahead, Turn};
use crate::error::SqlError;
use crate::in_time::in_time;
use crate::kept::Kept;
use crate::row::{FromColumn, Inner, Row};
use crate::statement::{Dialect, Query};
use crate::store::{Durability, Store};
use crate::transaction::Transaction;
use crate::value::Value;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Executor, Postgres, Sqlite};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Prepared statements that a connection keeps.
pub const STATEMENTS_KEPT_MAX: usize = 200;
/// How long an access waits for a connection.
pub(crate) const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a connection that was not in use is asked whether it still works, before another one is taken.
const ALIVE_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long emptying SQLite's write-ahead log waits for whoever reads an older moment.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(20);
/// How long PostgreSQL may take to change the layout of tables or to free deleted rows.
const WORK_WAIT_MAX: Duration = Duration::from_secs(600);

/// An open store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) store: &'static Store,
    pub(crate) pool: Pool,
    /// For single statements in SQLite.
    kept: Kept,
    /// Of an SQLite file that is written.
    pub(crate) ahead: Option<Arc<Ahead>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    /// Opens a store for reading and writing; makes what is absent, brings the tables to this version's layout.
    ///
    /// # Errors
    /// [`SqlError`] when the address is of no use, or the tables are another version's.
    pub async fn open(address: &Address, store: &'static Store) -> Result<Database, SqlError> {
        let failed = SqlError::database(store.name);
        let mut ahead = None;
        let pool = match &address.0 {
            Place::File(path) => {
                let options = sqlite_options(store).filename(path).create_if_missing(true);
                let options = options
                    .journal_mode(SqliteJournalMode::Wal)
                    .pragma("wal_autocheckpoint", "0");
                ahead = Some(Arc::new(Ahead::new(path, options.clone())));
                Pool::Sqlite(sqlite_pool(store).connect_with(options).await.map_err(&failed)?)
            }
            Place::Memory => {
                // Its only connection is the database.
                let pool = sqlite_pool(store).max_connections(1).min_connections(1);
                let pool = pool.idle_timeout(None).max_lifetime(None);
                let options = sqlite_options(store).in_memory(true);
                Pool::Sqlite(pool.connect_with(options).await.map_err(&failed)?)
            }
            Place::Postgres { url, schema } => {
                let pool = postgres_pool(store, url, schema, false).await?;
                let made = in_time(store.answer_wait(), create_schema(&pool, schema));
                made.await.map_err(&failed)?;
                Pool::Postgres(pool)
            }
        };
        let migrated = match &pool {
            Pool::Sqlite(pool) => store.migrator(Dialect::Sqlite).run(pool).await,
            Pool::Postgres(pool) => {
                let migrator = store.migrator(Dialect::Postgres);
                let run = async { Ok(migrator.run(pool).await) };
                in_time(WORK_WAIT_MAX, run).await.map_err(&failed)?
            }
        };
        migrated.map_err(|source| SqlError::Layout {
            store: store.name,
            source,
        })?;
        let kept = match &address.0 {
            Place::File(_) => Kept::new(store.connections_max),
            Place::Memory | Place::Postgres { .. } => Kept::new(0),
        };
        Ok(Database {
            store,
            pool,
            kept,
            ahead,
        })
    }

    /// Opens a store that is there, for reading only.
    ///
    /// # Errors
    /// [`SqlError`] when it is not there or cannot be read.
    pub async fn open_read_only(address: &Address, store: &'static Store) -> Result<Database, SqlError> {
        let pool = match &address.0 {
            Place::File(path) => {
                let options = sqlite_options(store).filename(path).read_only(true);
                let pool = sqlite_pool(store).connect_with(options).await;
                Pool::Sqlite(pool.map_err(SqlError::database(store.name))?)
            }
            Place::Memory => return Database::open(address, store).await,
            Place::Postgres { url, schema } => Pool::Postgres(postgres_pool(store, url, schema, true).await?),
        };
        let kept = Kept::new(store.connections_max);
        Ok(Database {
            store,
            pool,
            kept,
            ahead: None,
        })
    }

    /// Removes a store and all it holds. Nobody may have it open.
    ///
    /// # Errors
    /// [`SqlError`] when it cannot be removed; one that is not there is no error.
    pub async fn remove(address: &Address, store: &'static Store) -> Result<(), SqlError> {
        match &address.0 {
            Place::File(path) => remove_files(path, store.name),
            Place::Memory => Ok(()),
            Place::Postgres { url, schema } => {
                let pool = postgres_pool(store, url, schema, false).await?;
                // The name was checked when the address was made.
                let text = format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
                let dropped = in_time(WORK_WAIT_MAX, pool.execute(AssertSqlSafe(text))).await;
                pool.close().await;
                dropped.map(|_| ()).map_err(SqlError::database(store.name))
            }
        }
    }

    /// Runs a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// [`SqlError`]; nothing was changed then, except with [`SqlError::OutcomeUnknown`].
    pub async fn execute(&self, query: impl Into<Query>) -> Result<u64, SqlError> {
        let query = query.into();
        match &self.pool {
            Pool::Sqlite(pool) => {
                let ready = sqlite_query(query)?;
                let turn = self.turn().await.map_err(self.failed())?;
                let done = self
                    .kept
                    .on(pool, async |connection| ready.execute(connection).await);
                let changed = done.await.map_err(self.failed())?.rows_affected();
                self.wrote(turn);
                Ok(changed)
            }
            Pool::Postgres(_) => {
                let mut transaction = self.begin().await?;
                let changed = transaction.execute(query).await?;
                transaction.commit().await?;
                Ok(changed)
            }
        }
    }

    /// All rows of an answer.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn fetch_all(&self, query: impl Into<Query>) -> Result<Vec<Row>, SqlError> {
        let query = query.into();
        let rows = match &self.pool {
            Pool::Sqlite(pool) => {
                let writes = !query.reads_only();
                let ready = sqlite_query(query)?;
                let turn = match writes {
                    true => self.turn().await.map_err(self.failed())?,
                    false => None,
                };
                let rows = self
                    .kept
                    .on(pool, async |connection| ready.fetch_all(connection).await);
                let rows = rows.await.map(|rows| self.sqlite_rows(rows));
                if writes {
                    self.wrote(turn);
                }
                rows
            }
            Pool::Postgres(pool) if query.reads_only() => {
                let mut connection = pool.acquire().await.map_err(self.failed())?;
                let rows = postgres_query(query)?.fetch_all(&mut *connection);
                let rows = in_time(self.store.answer_wait(), rows).await;
                rows.map(|rows| self.postgres_rows(rows))
            }
            Pool::Postgres(_) => {
                let mut transaction = self.begin().await?;
                let rows = transaction.fetch_all(query).await?;
                transaction.commit().await?;
                Ok(rows)
            }
        };
        rows.map_err(self.failed())
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn fetch_optional(&self, query: impl Into<Query>) -> Result<Option<Row>, SqlError> {
        Ok(self.fetch_all(query).await?.into_iter().next())
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// As [`Database::execute`]; there is none.
    pub async fn fetch_one(&self, query: impl Into<Query>) -> Result<Row, SqlError> {
        let row = self.fetch_optional(query).await?;
        row.ok_or_else(|| self.failed()(sqlx::Error::RowNotFound))
    }

    /// The first column of the first row, which must be there.
    ///
    /// # Errors
    /// As [`Database::execute`]; there is none, or it holds something else.
    pub async fn fetch_value<T>(&self, query: impl Into<Query>) -> Result<T, SqlError>
    where
        T: for<'r> FromColumn<'r>,
    {
        self.fetch_one(query).await?.get(0)
    }

    /// The first column of the first row, if there is one.
    ///
    /// # Errors
    /// As [`Database::execute`]; it holds something else.
    pub async fn fetch_optional_value<T>(&self, query: impl Into<Query>) -> Result<Option<T>, SqlError>
    where
        T: for<'r> FromColumn<'r>,
    {
        let row = self.fetch_optional(query).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Begins to write: nobody else writes to this store until the end of it.
    ///
    /// # Errors
    /// [`SqlError`] when another writer does not end in time, or the database cannot be reached.
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        Transaction::begin(self).await
    }

    /// One moment of the store, for reading.
    ///
    /// # Errors
    /// [`SqlError`] when the database cannot be reached.
    pub async fn snapshot(&self) -> Result<Transaction, SqlError> {
        Transaction::snapshot(self).await
    }

    /// Makes what was deleted unreadable as far as the database can. SQLite moves its write-ahead log into the file and
    /// empties it; with `overwrite_deleted` nothing is left in either. PostgreSQL frees the rows (`VACUUM`), but its own
    /// write-ahead log keeps them until it is recycled: what must be unreadable at once has to be sealed under a key that lies
    /// elsewhere.
    ///
    /// # Errors
    /// [`SqlError::NotFlushed`] when somebody reads an older moment all the time; [`SqlError`] when it cannot be done.
    pub async fn flush(&self) -> Result<(), SqlError> {
        match (&self.pool, &self.ahead) {
            (Pool::Sqlite(_), Some(ahead)) => {
                let until = Instant::now() + FLUSH_WAIT_MAX;
                match ahead.empty(until).await.map_err(self.failed())? {
                    true => Ok(()),
                    false => Err(SqlError::NotFlushed {
                        store: self.store.name,
                    }),
                }
            }
            // In memory there is no write-ahead log, and whoever only reads has nothing in it.
            (Pool::Sqlite(_), None) => Ok(()),
            (Pool::Postgres(pool), _) => {
                let done = in_time(WORK_WAIT_MAX, pool.execute("VACUUM")).await;
                done.map(|_| ()).map_err(self.failed())
            }
        }
    }

    /// Leave to write to an SQLite file, which other writers of this process wait for.
    pub(crate) async fn turn(&self) -> Result<Option<Turn>, sqlx::Error> {
        match &self.ahead {
            Some(ahead) => ahead
                .turn(Duration::from_millis(self.store.busy_ms_max))
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// Something was committed in this turn.
    pub(crate) fn wrote(&self, turn: Option<Turn>) {
        drop(turn);
        if let Some(ahead) = &self.ahead {
            ahead.wrote();
        }
    }

    /// Prepares every statement of the store, in its database, without running it.
    ///
    /// # Errors
    /// Name and reason of each that cannot be prepared; otherwise how many there are.
    pub async fn check_statements(&self) -> Result<usize, Vec<String>> {
        let dialect = match self.pool {
            Pool::Sqlite(_) => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::Postgres,
        };
        let (mut count, mut wrong) = (0, Vec::new());
        for module in self.store.statements {
            let fixed = module.all.iter();
            let fixed = fixed.map(|statement| (statement.name(), statement.text(dialect).to_owned()));
            let composed = module.families.iter().flat_map(|family| {
                let texts = family.texts().iter().cloned();
                texts.map(|text| (family.name(), text))
            });
            for (name, text) in fixed.chain(composed) {
                count += 1;
                if let Err(error) = self.prepare(text.clone()).await {
                    wrong.push(format!("{name}: {error}: {text}"));
                }
            }
        }
        if wrong.is_empty() { Ok(count) } else { Err(wrong) }
    }

    async fn prepare(&self, text: String) -> Result<(), sqlx::Error> {
        let text = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(text));
        match &self.pool {
            Pool::Sqlite(pool) => pool.acquire().await?.prepare(text).await.map(|_| ()),
            Pool::Postgres(pool) => pool.acquire().await?.prepare(text).await.map(|_| ()),
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => {
                self.kept.close().await;
                if let Some(ahead) = &self.ahead {
                    ahead.close().await;
                }
                pool.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) fn failed(&self) -> impl Fn(sqlx::Error) -> SqlError + use<> {
        SqlError::database(self.store.name)
    }

    pub(crate) fn sqlite_rows(&self, rows: Vec<SqliteRow>) -> Vec<Row> {
        let store = self.store.name;
        let row = |row| Row {
            store,
            inner: Inner::Sqlite(row),
        };
        rows.into_iter().map(row).collect()
    }

    pub(crate) fn postgres_rows(&self, rows: Vec<PgRow>) -> Vec<Row> {
        let store = self.store.name;
        let row = |row| Row {
            store,
            inner: Inner::Postgres(row),
        };
        rows.into_iter().map(row).collect()
    }
}

fn sqlite_options(store: &Store) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .synchronous(match store.durability {
            Durability::Durable => SqliteSynchronous::Full,
            Durability::Rebuildable => SqliteSynchronous::Normal,
        })
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(store.busy_ms_max))
        .statement_cache_capacity(STATEMENTS_KEPT_MAX)
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    if store.overwrite_deleted {
        options.pragma("secure_delete", "ON")
    } else {
        options
    }
}

fn sqlite_pool(store: &Store) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        // Each question to the connection's thread costs as much as a small statement, and the library asks at its return anyway.
        .test_before_acquire(false)
        // A full disk ends a transaction without the library's knowledge; such a connection is of no use any more.
        .before_acquire(|connection, _| {
            let in_transaction = sqlx::Connection::is_in_transaction(connection);
            Box::pin(async move { Ok(!in_transaction) })
        })
        .acquire_timeout(CONNECTION_WAIT_MAX)
        .max_connections(store.connections_max)
}

async fn postgres_pool(
    store: &'static Store,
    url: &str,
    schema: &str,
    read_only: bool,
) -> Result<PgPool, SqlError> {
    let options = PgConnectOptions::from_str(url).map_err(|source| SqlError::Address {
        store: store.name,
        source,
    })?;
    let commit = match store.durability {
        Durability::Durable => "on",
        Durability::Rebuildable => "off",
    };
    let options = options
        .application_name("ensoex")
        .options([
            ("search_path", schema),
            ("synchronous_commit", commit),
            ("lock_timeout", &store.busy_ms_max.to_string()),
            (
                "default_transaction_read_only",
                if read_only { "on" } else { "off" },
            ),
        ])
        .statement_cache_capacity(STATEMENTS_KEPT_MAX)
        .disable_statement_logging();
    let answer = store.answer_wait();
    PgPoolOptions::new()
        .acquire_timeout(CONNECTION_WAIT_MAX)
        // Both ask in time; the library by itself would wait without end, and keep the connection's place meanwhile.
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move { in_time(ALIVE_WAIT_MAX, connection.ping()).await.map(|()| true) })
        })
        .after_release(move |connection, _| {
            Box::pin(async move { in_time(answer, connection.ping()).await.map(|()| true) })
        })
        .max_connections(store.connections_max)
        .connect_with(options)
        .await
        .map_err(SqlError::database(store.name))
}

/// Under a lock, because `IF NOT EXISTS` alone fails when two make it at once.
async fn create_schema(pool: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    transaction
        .execute("SELECT pg_advisory_xact_lock(hashtextextended('ensoex schemas', 0))")
        .await?;
    // The name was checked when the address was made.
    let text = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
    transaction.execute(AssertSqlSafe(text)).await?;
    transaction.commit().await
}

fn remove_files(path: &Path, store: &'static str) -> Result<(), SqlError> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(SqlError::Remove { store, path, source }),
        }
    }
    Ok(())
}

pub(crate) fn sqlite_query(
    query: Query,
) -> Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>, SqlError> {
    let (text, values) = query.parts(Dialect::Sqlite)?;
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::NoInteger => arguments.add(None::<i64>),
            Value::NoText => arguments.add(None::<String>),
            Value::NoBytes => arguments.add(None::<Vec<u8>>),
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(|source| SqlError::database("SQLite")(sqlx::Error::Encode(source)))?;
    }
    Ok(sqlx::query_with(text, arguments))
}

pub(crate) fn postgres_query(
    query: Query,
) -> Result<sqlx::query::Query<'static, Postgres, PgArguments>, SqlError> {
    let (text, values) = query.parts(Dialect::Postgres)?;
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::NoInteger => arguments.add(None::<i64>),
            Value::NoText => arguments.add(None::<String>),
            Value::NoBytes => arguments.add(None::<Vec<u8>>),
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(|source| SqlError::database("PostgreSQL")(sqlx::Error::Encode(source)))?;
    }
    Ok(sqlx::query_with(text, arguments))
}
