//! Where the vault reads the time for what ends by itself: cases, limits of an hour and a day.
//!
//! The stamps of the access log and of records are not read here: those are the system's time, always.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::database;

/// A clock. Clones tell the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The system's.
    pub const fn system() -> Self {
        Self(None)
    }

    /// One that stands still until somebody moves it, in milliseconds since 1970-01-01 UTC. For tests.
    pub const fn given(now_ms: Arc<AtomicU64>) -> Self {
        Self(Some(now_ms))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            None => database::now_ms(),
            Some(given) => given.load(Ordering::SeqCst),
        }
    }
}
