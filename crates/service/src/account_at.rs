//! Time travel for the owner: balances and open orders right after any past command. Reads, never writes.

use crate::app::App;
use crate::clock::text;
use crate::guard::User;
use crate::problem::{Asked, Problem};
use axum::Json;
use axum::extract::State;
use ensoex_exchange::{AccountAtError, AccountAtView, At, SETTLED_AFTER};
use ensoex_types::{Sequence, Timestamp};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longest time that is read, in bytes.
const TIME_BYTES_MAX: usize = 40;

/// Which moment: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    sequence: Option<u64>,
    time: Option<String>,
}

/// Balances and open orders at a moment of the past.
///
/// The answer for a moment never changes, and whoever has the log can find it by replaying the log up to `sequence`. What it costs
/// depends on what the account had then, not on how long ago that is.
#[utoipa::path(get, path = "/v1/account/at", tag = "wallet",
    params(
        ("sequence" = Option<u64>, Query, description = "right after this command of the log, from 1 on"),
        ("time" = Option<String>, Query, description = "RFC 3339: after everything stamped at or before it; give this or the sequence")),
    responses(
        (status = 200, description = "`sequence` and `at` of the last command included; `balances` of all assets listed then; `open_orders` with what remained, oldest first"),
        (status = 400, description = "problem: missing_field, unexpected_field, invalid_time"),
        (status = 404, description = "problem: before_first_command, beyond_last_command, account_not_open_then")))]
pub(crate) async fn account_at(
    State(app): State<App>,
    user: User,
    Asked(moment): Asked<Moment>,
) -> Result<Json<AccountAtView>, Problem> {
    let at = read_moment(&moment)?;
    let found = app
        .exchange
        .account_at(user.account, at)
        .await
        .map_err(|error| problem(at, error))?;
    let (assets, markets) = (app.exchange.assets(), app.exchange.markets());
    let stamp = |at: Timestamp| text(i64::try_from(at.0).unwrap_or(i64::MAX));
    Ok(Json(found.view(&assets, &markets, stamp)))
}

fn read_moment(moment: &Moment) -> Result<At, Problem> {
    match (moment.sequence, moment.time.as_deref()) {
        (Some(sequence), None) => Ok(At::Sequence(Sequence(sequence))),
        (None, Some(time)) => read_time(time).map(At::Time),
        (None, None) => {
            let detail = "Say which moment: give a sequence or a time.";
            Err(Problem::bad_request("missing_field", detail).field("sequence"))
        }
        (Some(_), Some(_)) => {
            let detail = "Give a sequence or a time, not both.";
            Err(Problem::bad_request("unexpected_field", detail).field("time"))
        }
    }
}

/// Down to the microsecond; what is finer is cut off.
fn read_time(time: &str) -> Result<Timestamp, Problem> {
    let wrong = || {
        let detail = "Write the time as in 2026-11-22T12:00:00Z, from 1970 on.";
        Problem::bad_request("invalid_time", detail).field("time")
    };
    if time.len() > TIME_BYTES_MAX {
        return Err(wrong());
    }
    let read = OffsetDateTime::parse(time, &Rfc3339).map_err(|_| wrong())?;
    let micros = read.unix_timestamp_nanos().div_euclid(1_000);
    u64::try_from(micros).map(Timestamp).map_err(|_| wrong())
}

fn problem(at: At, error: AccountAtError) -> Problem {
    let missing = |code, detail: String| Problem::not_found(code, detail);
    match error {
        AccountAtError::BeforeFirst => missing(
            "before_first_command",
            "That is before the first entry of the log. Ask for sequence 1 or later, or for a later time.".to_owned(),
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
            match at {
                At::Sequence(_) => format!("Your account was not open yet at sequence {sequence}."),
                At::Time(_) => "Your account was not open yet at that time.".to_owned(),
            },
        ),
        AccountAtError::History(error) => error.into(),
        AccountAtError::Log(error) => Problem::internal("past moment", &error),
    }
}
