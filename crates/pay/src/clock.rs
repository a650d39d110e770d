//! The wall clock, and times as the card network writes them.

use time::OffsetDateTime;

/// Unix seconds.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// A time in UTC; the epoch for seconds that no calendar knows.
pub(crate) fn utc(unix_seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// MMDDhhmmss in UTC.
pub(crate) fn transmission_date_time(unix_seconds: i64) -> String {
    let at = utc(unix_seconds);
    format!(
        "{:02}{:02}{:02}{:02}{:02}",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}
