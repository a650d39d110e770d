//! Time travel for the owner: balances and open orders right after any past command. Reads, never writes.

use crate::app::{App, AppState};
use crate::guard::User;
use crate::moment::{OfDay, problem, read_moment, stamp};
use crate::problem::{Asked, Problem};
use axum::Json;
use axum::extract::State;
use ensoex_exchange::{AccountAtView, BalanceAtView, OpenOrderView};
use ensoex_types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which moment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    at: Option<String>,
}

/// Balances right after a command of the past.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalancesAt {
    /// The last command that this includes.
    sequence: u64,
    /// When that was stamped.
    at: String,
    /// Every asset that was listed, zeros included.
    #[schema(value_type = Vec<Object>)]
    balances: Vec<BalanceAtView>,
}

/// Orders that were open right after a command of the past.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenOrdersAt {
    /// The last command that this includes.
    sequence: u64,
    /// When that was stamped.
    at: String,
    /// Oldest first, with what remained.
    #[schema(value_type = Vec<Object>)]
    open_orders: Vec<OpenOrderView>,
}

/// Balances at a moment of the past.
///
/// The answer for a moment never changes, and whoever has the log can find it by replaying the log up to `sequence`. What it costs
/// depends on what the account had then, not on how long ago that is.
#[utoipa::path(get, path = "/v1/account/balances", tag = "wallet",
    params(("at" = String, Query, description = "`sequence:N` (right after that command of the log), or after everything stamped at or before a time: RFC 3339, a date (its end, UTC), or milliseconds since 1970")),
    responses(
        (status = 200, body = BalancesAt, description = "each with `asset`, `available`, `held` and `total`"),
        (status = 400, description = "problem: missing_field, invalid_time"),
        (status = 404, description = "problem: before_first_command, beyond_last_command, account_not_open_then")))]
pub(crate) async fn balances(
    State(app): State<App>,
    user: User,
    Asked(moment): Asked<Moment>,
) -> Result<Json<BalancesAt>, Problem> {
    let found = account_at(&app, user.account, &moment).await?;
    Ok(Json(BalancesAt {
        sequence: found.sequence,
        at: found.at,
        balances: found.balances,
    }))
}

/// Open orders at a moment of the past.
///
/// As for balances at a moment: the answer never changes and can be found by a replay.
#[utoipa::path(get, path = "/v1/account/open-orders", tag = "trading",
    params(("at" = String, Query, description = "as for /v1/account/balances")),
    responses(
        (status = 200, body = OpenOrdersAt, description = "each with what remained of it then"),
        (status = 400, description = "problem: missing_field, invalid_time"),
        (status = 404, description = "problem: before_first_command, beyond_last_command, account_not_open_then")))]
pub(crate) async fn open_orders(
    State(app): State<App>,
    user: User,
    Asked(moment): Asked<Moment>,
) -> Result<Json<OpenOrdersAt>, Problem> {
    let found = account_at(&app, user.account, &moment).await?;
    Ok(Json(OpenOrdersAt {
        sequence: found.sequence,
        at: found.at,
        open_orders: found.open_orders,
    }))
}

async fn account_at(app: &AppState, account: AccountId, moment: &Moment) -> Result<AccountAtView, Problem> {
    let Some(at) = moment.at.as_deref() else {
        let detail = "Say which moment: at=2026-11-22T12:00:00Z, at=2026-11-22, or at=sequence:1234.";
        return Err(Problem::bad_request("missing_field", detail).field("at"));
    };
    let at = read_moment(at, OfDay::Last, "at")?;
    let found = app.exchange.account_at(account, at).await.map_err(problem)?;
    Ok(found.view(&app.exchange.assets(), &app.exchange.markets(), stamp))
}
