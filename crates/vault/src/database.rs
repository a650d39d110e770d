//! What the vault's stores share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ensoex_sql::{Database, SqlError};
use tokio::sync::Mutex;

/// How long a write waits for another one before it fails, in milliseconds.
pub(crate) const BUSY_MS_MAX: u64 = 2_000;

/// How long PostgreSQL's answer is waited for, in milliseconds.
pub(crate) const ANSWER_MS_MAX: u64 = 10_000;

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// Leaves nothing of what was deleted or replaced in a store's write-ahead log. Whoever asks while one is under way shares the
/// next with all others who do.
#[derive(Clone)]
pub(crate) struct Flushing {
    database: Database,
    asked: Arc<AtomicU64>,
    /// The last of those who asked for whom it was done.
    done: Arc<Mutex<u64>>,
}

impl Flushing {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            asked: Arc::default(),
            done: Arc::default(),
        }
    }

    /// Waits until all that was committed before is flushed.
    pub(crate) async fn flush(&self) -> Result<(), SqlError> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut done = self.done.lock().await;
        if *done < mine {
            let covered = self.asked.load(Ordering::SeqCst);
            self.database.flush().await?;
            *done = covered;
        }
        Ok(())
    }

    /// Flushes soon, for what no key opens any more; what fails is done with the next one, or when the store is closed.
    pub(crate) fn flush_soon(&self) {
        let flushing = self.clone();
        tokio::spawn(async move {
            if let Err(error) = flushing.flush().await {
                tracing::warn!(%error, "what was deleted stays in a write-ahead log until the next time");
            }
        });
    }

    /// Waits for whatever is under way.
    pub(crate) async fn settle(&self) {
        drop(self.done.lock().await);
    }
}
