//! Until when a writer wants to be taken for alive. Knows no database.

use std::time::{Duration, Instant};

/// The lease as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it, as the writer named itself; empty before the first.
    pub holder: String,
    /// Epoch of the holder.
    pub epoch: u64,
    /// Time left by the database's clock, zero once it has expired; `None` when the writer does not renew, so that only a
    /// command may take over.
    pub left: Option<Duration>,
}

impl Lease {
    /// Whether a standby may take over by itself.
    pub fn has_expired(&self) -> bool {
        self.left == Some(Duration::ZERO)
    }

    pub(crate) fn new(holder: String, epoch: u64, left_us: Option<i64>) -> Lease {
        let left = left_us.map(|left| Duration::from_micros(u64::try_from(left).unwrap_or_default()));
        Lease { holder, epoch, left }
    }
}

/// The writer's own view: counted from before the renewal was sent, so that it never believes longer than the database.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnLease(Option<Instant>);

impl OwnLease {
    pub(crate) fn until(instant: Option<Instant>) -> OwnLease {
        OwnLease(instant)
    }

    /// Whether it was taken and has run out.
    pub(crate) fn has_expired(self) -> bool {
        self.0.is_some_and(|until| Instant::now() >= until)
    }
}

/// Microseconds for SQL.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}
