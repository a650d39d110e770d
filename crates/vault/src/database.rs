//! What the vault's stores share.

use std::time::{SystemTime, UNIX_EPOCH};

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
