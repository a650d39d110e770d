//! Reads a moment of the past as people and programs write it. Knows nothing of what is asked about it.

use crate::clock::text;
use crate::problem::Problem;
use ensoex_exchange::{AccountAtError, At, SETTLED_AFTER};
use ensoex_types::{Sequence, Timestamp};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Longest moment that is read, in bytes.
const MOMENT_BYTES_MAX: usize = 40;
const SEQUENCE: &str = "sequence:";
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

/// What a date alone means: its first or its last microsecond (UTC).
#[derive(Clone, Copy)]
pub(crate) enum OfDay {
    First,
    Last,
}

/// `sequence:N`, an ISO 8601 time with its offset, a date, or milliseconds since 1970. A time finer than the microsecond is cut off.
pub(crate) fn read_moment(text: &str, of_day: OfDay, field: &'static str) -> Result<At, Problem> {
    let wrong = || {
        let detail = "Write the moment as in 2026-11-22T12:00:00Z, as a date (2026-11-22), as milliseconds since 1970, or as \
                      sequence:1234; from 1970 on.";
        Problem::bad_request("invalid_time", detail).field(field)
    };
    if text.len() > MOMENT_BYTES_MAX {
        return Err(wrong());
    }
    if let Some(number) = text.strip_prefix(SEQUENCE) {
        let number = digits(number).ok_or_else(wrong)?;
        return Ok(At::Sequence(Sequence(number)));
    }
    if let Some(millis) = digits(text) {
        let micros = millis.checked_mul(1_000).ok_or_else(wrong)?;
        // Of a millisecond, too, the whole is meant.
        let micros = match of_day {
            OfDay::First => micros,
            OfDay::Last => micros.checked_add(999).ok_or_else(wrong)?,
        };
        return Ok(At::Time(Timestamp(micros)));
    }
    if let Ok(date) = Date::parse(text, DATE) {
        let seconds = u64::try_from(date.midnight().assume_utc().unix_timestamp()).map_err(|_| wrong())?;
        let midnight = seconds.saturating_mul(1_000_000);
        return Ok(At::Time(Timestamp(match of_day {
            OfDay::First => midnight,
            OfDay::Last => midnight + DAY_US - 1,
        })));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    let micros = time.unix_timestamp_nanos().div_euclid(1_000);
    u64::try_from(micros)
        .map(|micros| At::Time(Timestamp(micros)))
        .map_err(|_| wrong())
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// RFC 3339, UTC, to the millisecond.
pub(crate) fn stamp(at: Timestamp) -> String {
    text(i64::try_from(at.0).unwrap_or(i64::MAX))
}

/// Why a moment has no answer.
pub(crate) fn problem(error: AccountAtError) -> Problem {
    let missing = |code, detail: String| Problem::not_found(code, detail);
    match error {
        AccountAtError::BeforeFirst => missing(
            "before_first_command",
            "That is before the first entry of the log. Ask for sequence:1 or later, or for a later time.".to_owned(),
        ),
        AccountAtError::SequenceBeyondHead { head, .. } => missing(
            "beyond_last_command",
            format!("There is no such sequence yet; the last one is {head}."),
        )
        .with("limit", head.0),
        AccountAtError::TimeBeyondHead { head, .. } => missing(
            "beyond_last_command",
            format!(
                "What happens up to that time is not settled yet. Ask for a time at least {} seconds ago, or for a sequence \
                 up to {head}.",
                SETTLED_AFTER.as_secs()
            ),
        )
        .with("limit", head.0),
        AccountAtError::NotOpen { sequence } => missing(
            "account_not_open_then",
            format!("Your account was not open yet then (at sequence {sequence}). Ask for a later moment."),
        ),
        AccountAtError::History(error) => error.into(),
        AccountAtError::Log(error) => Problem::internal("past moment", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_exactly() {
        let day = 1_795_305_600_000_000;
        let time = |micros| Some(At::Time(Timestamp(micros)));
        for (text, first, last) in [
            (
                "sequence:7",
                Some(At::Sequence(Sequence(7))),
                Some(At::Sequence(Sequence(7))),
            ),
            ("2026-11-22", time(day), time(day + DAY_US - 1)),
            ("2026-11-22T00:00:00Z", time(day), time(day)),
            ("2026-11-22T02:00:00.000001+02:00", time(day + 1), time(day + 1)),
            ("1795305600000", time(day), time(day + 999)),
            ("0", time(0), time(999)),
            ("", None, None),
            ("sequence:", None, None),
            ("sequence:-1", None, None),
            ("sequence:18446744073709551616", None, None),
            ("-1", None, None),
            ("18446744073709551615", None, None),
            ("1969-12-31", None, None),
            ("2026-02-30", None, None),
            ("2026-11-22T12:00:00", None, None),
            ("yesterday", None, None),
        ] {
            assert_eq!(read_moment(text, OfDay::First, "at").ok(), first, "{text}");
            assert_eq!(read_moment(text, OfDay::Last, "at").ok(), last, "{text}");
        }
    }
}
