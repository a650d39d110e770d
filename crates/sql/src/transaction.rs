//! Transactions: one writer at a time, or one moment to read. Dropping one that was not committed undoes it.

use crate::ahead::Turn;
use crate::database::{CONNECTION_WAIT_MAX, Database, Pool, postgres_query, sqlite_query};
use crate::error::SqlError;
use crate::in_time::in_time;
use crate::row::{FromColumn, Row};
use crate::statement::Query;
use sqlx::postgres::PgPool;
use sqlx::{Executor, Postgres, Sqlite};

/// A transaction that has begun.
pub struct Transaction {
    database: Database,
    inner: Inner,
    writes: bool,
    failed: bool,
    /// The last to go: the next writer should find SQLite's lock free.
    turn: Option<Turn>,
}

enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// What each later statement sees includes everything committed before that statement began.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The store's lock, by the name of its schema. Two stores of one number would only wait for each other. A writer that
/// was cut off and says nothing for a minute loses it: the server ends its session.
const LOCK: &str = "SELECT set_config('idle_in_transaction_session_timeout', '60s', true),
     pg_advisory_xact_lock(hashtextextended(current_schema(), 1))";

impl Transaction {
    pub(crate) async fn begin(database: &Database) -> Result<Transaction, SqlError> {
        let turn = database.turn().await.map_err(database.failed())?;
        let inner = match &database.pool {
            Pool::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Inner::Sqlite),
            Pool::Postgres(pool) => match begin_postgres(database, pool, BEGIN_WRITE).await {
                Ok(mut transaction) => {
                    let locked = in_time(database.store.locked_wait(), transaction.execute(LOCK)).await;
                    locked.map(|_| Inner::Postgres(transaction))
                }
                Err(error) => Err(error),
            },
        };
        Transaction::new(database, inner, true, turn)
    }

    pub(crate) async fn snapshot(database: &Database) -> Result<Transaction, SqlError> {
        let inner = match &database.pool {
            Pool::Sqlite(pool) => pool.begin_with("BEGIN").await.map(Inner::Sqlite),
            Pool::Postgres(pool) => {
                let begun = begin_postgres(database, pool, BEGIN_SNAPSHOT).await;
                begun.map(Inner::Postgres)
            }
        };
        Transaction::new(database, inner, false, None)
    }

    fn new(
        database: &Database,
        inner: Result<Inner, sqlx::Error>,
        writes: bool,
        turn: Option<Turn>,
    ) -> Result<Transaction, SqlError> {
        Ok(Transaction {
            database: database.clone(),
            inner: inner.map_err(database.failed())?,
            writes,
            failed: false,
            turn,
        })
    }

    /// The store's name.
    fn store(&self) -> &'static str {
        self.database.store.name
    }

    /// Before each statement: it may run, and until it succeeded the transaction counts as failed.
    fn admit(&mut self, query: &Query) -> Result<(), SqlError> {
        let store = self.store();
        if self.failed {
            return Err(SqlError::Aborted { store });
        }
        if !self.writes && !query.reads_only() {
            return Err(SqlError::ReadOnly { store });
        }
        self.failed = true;
        Ok(())
    }

    /// Runs a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// [`SqlError`]; the transaction can only be given up then.
    pub async fn execute(&mut self, query: impl Into<Query>) -> Result<u64, SqlError> {
        let query = query.into();
        self.admit(&query)?;
        let failed = self.database.failed();
        let changed = match &mut self.inner {
            Inner::Sqlite(transaction) => {
                let done = sqlite_query(query)?.execute(&mut **transaction).await;
                done.map_err(failed)?.rows_affected()
            }
            Inner::Postgres(transaction) => {
                let done = postgres_query(query)?.execute(&mut **transaction);
                let done = in_time(self.database.store.answer_wait(), done).await;
                done.map_err(failed)?.rows_affected()
            }
        };
        self.failed = false;
        Ok(changed)
    }

    /// All rows of an answer.
    ///
    /// # Errors
    /// As [`Transaction::execute`].
    pub async fn fetch_all(&mut self, query: impl Into<Query>) -> Result<Vec<Row>, SqlError> {
        let query = query.into();
        self.admit(&query)?;
        let failed = self.database.failed();
        let rows = match &mut self.inner {
            Inner::Sqlite(transaction) => {
                let rows = sqlite_query(query)?.fetch_all(&mut **transaction).await;
                self.database.sqlite_rows(rows.map_err(failed)?)
            }
            Inner::Postgres(transaction) => {
                let rows = postgres_query(query)?.fetch_all(&mut **transaction);
                let rows = in_time(self.database.store.answer_wait(), rows).await;
                self.database.postgres_rows(rows.map_err(failed)?)
            }
        };
        self.failed = false;
        Ok(rows)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Transaction::execute`].
    pub async fn fetch_optional(&mut self, query: impl Into<Query>) -> Result<Option<Row>, SqlError> {
        Ok(self.fetch_all(query).await?.into_iter().next())
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// As [`Transaction::execute`]; there is none.
    pub async fn fetch_one(&mut self, query: impl Into<Query>) -> Result<Row, SqlError> {
        let row = self.fetch_optional(query).await?;
        row.ok_or_else(|| self.database.failed()(sqlx::Error::RowNotFound))
    }

    /// The first column of the first row, which must be there.
    ///
    /// # Errors
    /// As [`Transaction::execute`]; there is none, or it holds something else.
    pub async fn fetch_value<T>(&mut self, query: impl Into<Query>) -> Result<T, SqlError>
    where
        T: for<'r> FromColumn<'r>,
    {
        self.fetch_one(query).await?.get(0)
    }

    /// The first column of the first row, if there is one.
    ///
    /// # Errors
    /// As [`Transaction::execute`]; it holds something else.
    pub async fn fetch_optional_value<T>(&mut self, query: impl Into<Query>) -> Result<Option<T>, SqlError>
    where
        T: for<'r> FromColumn<'r>,
    {
        let row = self.fetch_optional(query).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Makes the changes stand.
    ///
    /// # Errors
    /// [`SqlError::Aborted`] when a statement failed before; [`SqlError::OutcomeUnknown`] when the answer never came;
    /// otherwise nothing was changed.
    pub async fn commit(self) -> Result<(), SqlError> {
        let store = self.store();
        if self.failed {
            return Err(SqlError::Aborted { store });
        }
        match self.inner {
            Inner::Sqlite(transaction) => {
                transaction.commit().await.map_err(SqlError::database(store))?;
                if self.writes {
                    self.database.wrote(self.turn);
                }
                Ok(())
            }
            Inner::Postgres(transaction) => {
                let committed = in_time(self.database.store.answer_wait(), transaction.commit());
                committed.await.map_err(|source| match answered(&source) {
                    true => SqlError::Database { store, source },
                    false => SqlError::OutcomeUnknown { store, source },
                })
            }
        }
    }
}

/// The wait for a connection comes on top of the wait for the answer.
async fn begin_postgres(
    database: &Database,
    pool: &PgPool,
    begin: &'static str,
) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
    let wait = CONNECTION_WAIT_MAX + database.store.answer_wait();
    in_time(wait, pool.begin_with(begin)).await
}

/// PostgreSQL refused the commit itself. Anything else, its own shutdown included, may have come after the commit.
fn answered(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    code.is_some_and(|code| !code.starts_with("57") && !code.starts_with("08"))
}
