//! The wall clock of the edge. Nothing below the edge reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
}

/// Seconds since the Unix epoch.
pub(crate) fn now_seconds() -> i64 {
    now_us() / 1_000_000
}

/// Microseconds of a duration.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339, UTC, to the millisecond.
pub(crate) fn text(at_us: i64) -> String {
    let milliseconds = i128::from(at_us / 1_000) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// The same from milliseconds.
pub(crate) fn text_ms(at_ms: u64) -> String {
    text(i64::try_from(at_ms).unwrap_or_default().saturating_mul(1_000))
}
