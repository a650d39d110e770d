//! An account's sessions, for the person to see and to end: when each began and was last used, and on what kind of device.
//!
//! A session is named by a hash of its token's hash: whoever reads the list, or a log of paths, cannot use it. Knows no address and
//! no place: there is none to know.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::guard::User;
use crate::limits::SESSION_IDLE_MAX;
use crate::problem::Problem;
use crate::secret::digest;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ensoex_types::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

ensoex_sql::statements! {
    STATEMENTS;
    SESSIONS =
        "SELECT token_hash, created_us, last_seen_us, expires_us, browser, system FROM sessions
            WHERE account = $1 AND expires_us > $2 AND last_seen_us > $3 ORDER BY last_seen_us DESC";
    END = "DELETE FROM sessions WHERE token_hash = $1 AND account = $2";
    END_OTHERS = "DELETE FROM sessions WHERE account = $1 AND token_hash <> $2";
}

/// The living sessions of the account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    sessions: Vec<SessionView>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    session: String,
    /// `Firefox`, `Chrome` and so on; `other` if not known.
    browser: String,
    /// `Linux`, `Android` and so on; `other` if not known.
    system: String,
    created_at: String,
    last_seen_at: String,
    expires_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ended {
    ended: u64,
}

fn name_of(token_hash: &[u8]) -> String {
    let named = digest(&[b"session".as_slice(), token_hash].concat());
    format!("ses_{}", hex::encode(&named[..12]))
}

/// The living sessions, the last used first.
#[utoipa::path(get, path = "/v1/sessions", tag = "session", responses((status = 200, body = Sessions)))]
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<Sessions>, Problem> {
    let sessions = living(&app, user.account).await?;
    let view = |one: Living| SessionView {
        session: name_of(&one.token_hash),
        current: one.token_hash == user.token_hash,
        browser: one.browser,
        system: one.system,
        created_at: text(one.created_us),
        last_seen_at: text(one.last_seen_us),
        expires_at: text(one.expires_us.min(one.last_seen_us + micros(SESSION_IDLE_MAX))),
    };
    Ok(Json(Sessions {
        sessions: sessions.into_iter().map(view).collect(),
    }))
}

struct Living {
    token_hash: Vec<u8>,
    created_us: i64,
    last_seen_us: i64,
    expires_us: i64,
    browser: String,
    system: String,
}

async fn living(app: &AppState, account: AccountId) -> Result<Vec<Living>, Problem> {
    let now = now_us();
    let asked = SESSIONS
        .bind(i64::from(account.0))
        .bind(now)
        .bind(now - micros(SESSION_IDLE_MAX));
    let rows = app.database.fetch_all(asked).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in &rows {
        sessions.push(Living {
            token_hash: row.get("token_hash")?,
            created_us: row.get("created_us")?,
            last_seen_us: row.get("last_seen_us")?,
            expires_us: row.get("expires_us")?,
            browser: row.get("browser")?,
            system: row.get("system")?,
        });
    }
    Ok(sessions)
}

/// Ends one session at once.
#[utoipa::path(delete, path = "/v1/sessions/{session}", tag = "session", params(("session" = String, Path)),
    responses((status = 204), (status = 404, description = "problem: unknown_session")))]
pub(crate) async fn end(
    State(app): State<App>,
    user: User,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    let sessions = living(&app, user.account).await?;
    let found = sessions.iter().find(|one| name_of(&one.token_hash) == session);
    let Some(found) = found else {
        return Err(Problem::not_found(
            "unknown_session",
            "You have no such session; it may have ended.",
        ));
    };
    let end = END
        .bind(found.token_hash.as_slice())
        .bind(i64::from(user.account.0));
    app.database.execute(end).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions but the one that asks.
#[utoipa::path(delete, path = "/v1/sessions", tag = "session", responses((status = 200, body = Ended)))]
pub(crate) async fn end_others(State(app): State<App>, user: User) -> Result<Json<Ended>, Problem> {
    let ended = end_all_but(&app, &user).await?;
    Ok(Json(Ended { ended }))
}

/// Ends all sessions of an account but this one.
pub(crate) async fn end_all_but(app: &AppState, user: &User) -> Result<u64, Problem> {
    let end = END_OTHERS
        .bind(i64::from(user.account.0))
        .bind(user.token_hash.as_slice());
    Ok(app.database.execute(end).await?)
}
