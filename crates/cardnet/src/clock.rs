//! The wall clock.

use time::OffsetDateTime;

/// Unix seconds.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// The month of a time as YYMM.
pub(crate) fn year_month(unix_seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{:02}{:02}", at.year().rem_euclid(100), u8::from(at.month()))
}
