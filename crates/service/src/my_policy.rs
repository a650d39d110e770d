//! Which version of the Terms and the Policy applies to a person: in force, and acknowledged by them.
//!
//! It knows accounts and versions, and no personal data.

use crate::app::App;
use crate::clock::text;
use crate::guard::User;
use crate::policy_history::{AtQuery, in_force_at, past};
use crate::policy_store::version_json;
use crate::problem::{Asked, Problem};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

ensoex_sql::statements! {
    STATEMENTS;
    ACKNOWLEDGED = "SELECT policy_hash, accepted_us FROM users WHERE account = $1 AND accepted_us <= $2";
}

/// Which version applied to the person at a moment: the one in force then, and the newest that they had acknowledged by then.
#[utoipa::path(get, path = "/v1/me/policy/at", tag = "my data",
    params(("time" = String, Query, description = "2026-11-22T12:00:00Z, a date (its first moment, UTC), or milliseconds since 1970")),
    responses((status = 200, description = "in_force and acknowledged"), (status = 400, description = "problem: invalid_time, time_ahead"), (status = 404, description = "problem: before_first_version")))]
pub(crate) async fn mine_at(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<AtQuery>,
) -> Result<Json<Value>, Problem> {
    let at = past(&app.policy, &query.time)?;
    let in_force = in_force_at(&app.policy, at)?;
    let at_us = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    let row = app
        .database
        .fetch_optional(ACKNOWLEDGED.bind(i64::from(user.account.0)).bind(at_us))
        .await?;
    let acknowledged = match row {
        None => Value::Null,
        Some(row) => {
            let version = app.policy.acknowledged(&row.get::<String>("policy_hash")?);
            json!({ "version": version_json(&version), "at": text(row.get("accepted_us")?) })
        }
    };
    Ok(Json(
        json!({ "in_force": version_json(&in_force), "acknowledged": acknowledged }),
    ))
}
