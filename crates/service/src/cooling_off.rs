//! A day without withdrawals after a change that a thief would begin with: a new password, a new contact, a factor less.
//!
//! Whoever took an account over so finds the money still there a day later, and its owner was told meanwhile. Trading goes on, and a
//! withdrawal that was under way before ends as it would have.

use crate::app::AppState;
use crate::clock::{micros, now_us};
use crate::limits::COOLING_OFF;
use crate::problem::Problem;
use axum::http::StatusCode;
use ensoex_types::AccountId;

ensoex_sql::statements! {
    STATEMENTS;
    BEGIN = "UPDATE users SET cooling_until_us = $2 WHERE account = $1";
    UNTIL = "SELECT cooling_until_us FROM users WHERE account = $1";
}

/// From now on, for a day.
pub(crate) async fn begin(app: &AppState, account: AccountId) -> Result<(), Problem> {
    let begin = BEGIN
        .bind(i64::from(account.0))
        .bind(now_us() + micros(COOLING_OFF));
    app.database.execute(begin).await?;
    Ok(())
}

/// Refuses a withdrawal while it lasts.
pub(crate) async fn refuse(app: &AppState, account: AccountId) -> Result<(), Problem> {
    let until: i64 = app.database.fetch_value(UNTIL.bind(i64::from(account.0))).await?;
    let left_us = until - now_us();
    if left_us <= 0 {
        return Ok(());
    }
    let retry_after_s = left_us / 1_000_000 + 1;
    let detail = format!(
        "For a day after a change of your password or a contact, or the removal of a factor, nothing can be withdrawn. Try \
         again in {retry_after_s} seconds. If the change was not yours, end the other sessions and write to us."
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "cooling_off", detail).with("retry_after_s", retry_after_s))
}
