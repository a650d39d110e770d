//! Tries at secrets, counted by a keyed tag: too many within a window pause what they try. Knows neither the secret nor whose it is.

use crate::app::AppState;
use crate::clock::{micros, now_us};
use crate::limits::SIGN_IN_PAUSE;
use crate::problem::Problem;
use axum::http::StatusCode;

ensoex_sql::statements! {
    STATEMENTS;
    FORGET = "DELETE FROM sign_in_failures WHERE tag = $1";
    COUNT =
        "INSERT INTO sign_in_failures (tag, failures, first_us) VALUES ($1, 1, $2)
            ON CONFLICT (tag) DO UPDATE SET
            failures = CASE WHEN sign_in_failures.first_us + $3 <= $2 THEN 1 ELSE sign_in_failures.failures + 1 END,
            first_us = CASE WHEN sign_in_failures.first_us + $3 <= $2 THEN $2 ELSE sign_in_failures.first_us END
            RETURNING failures, first_us";
}

/// Counts the try before the secret is looked at, so that parallel guesses gain nothing; a success forgets them.
pub(crate) async fn count(app: &AppState, tag: &[u8; 32], most: i64) -> Result<(), Problem> {
    let now = now_us();
    let counted = COUNT.bind(tag.as_slice()).bind(now).bind(micros(SIGN_IN_PAUSE));
    let row = app.database.fetch_one(counted).await?;
    let (tries, first_us): (i64, i64) = (row.get(0)?, row.get(1)?);
    if tries <= most {
        return Ok(());
    }
    let retry_after_s = (first_us + micros(SIGN_IN_PAUSE) - now) / 1_000_000 + 1;
    Err(Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "locked_out",
        format!("Too many wrong tries. You can try again in {retry_after_s} seconds."),
    )
    .with("retry_after_s", retry_after_s))
}

/// After a success.
pub(crate) async fn forget(app: &AppState, tag: &[u8; 32]) -> Result<(), Problem> {
    app.database.execute(FORGET.bind(tag.as_slice())).await?;
    Ok(())
}
