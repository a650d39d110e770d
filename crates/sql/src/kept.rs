//! SQLite's connections for single statements, kept out of the pool.
//!
//! A connection is a thread, and the pool asks each one that comes back whether it still works: a turn of two threads and a task,
//! which takes longer than a small statement. One that did its statement needs no such question. One whose statement failed, or
//! was given up, is closed. Transactions come from the pool. Knows no statement.

use crate::database::CONNECTION_WAIT_MAX;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Connections that wait for the next statement.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// One for each that there may be; none where a store has a single connection.
    turns: Option<Arc<Semaphore>>,
    waiting: Arc<Mutex<Vec<SqliteConnection>>>,
}

impl Kept {
    /// At most so many.
    pub(crate) fn new(most: u32) -> Kept {
        Kept {
            turns: (most > 0).then(|| Arc::new(Semaphore::new(most as usize))),
            waiting: Arc::default(),
        }
    }

    /// Runs one statement, outside of any transaction.
    pub(crate) async fn on<T>(
        &self,
        pool: &SqlitePool,
        statement: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let Some(turns) = &self.turns else {
            return statement(&mut *pool.acquire().await?).await;
        };
        let turn = match turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => tokio::time::timeout(CONNECTION_WAIT_MAX, turns.acquire())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let waiting = self.lock().pop();
        let mut connection = match waiting {
            Some(connection) => connection,
            None => pool.acquire().await?.detach(),
        };
        let done = statement(&mut connection).await?;
        if !turns.is_closed() {
            self.lock().push(connection);
        }
        drop(turn);
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes all that wait. One in use is closed when its statement has ended.
    pub(crate) async fn close(&self) {
        if let Some(turns) = &self.turns {
            turns.close();
        }
        let waiting = std::mem::take(&mut *self.lock());
        for connection in waiting {
            // Nothing is lost with a connection that cannot be closed: each statement stood by itself.
            let _closed = connection.close().await;
        }
    }
}
