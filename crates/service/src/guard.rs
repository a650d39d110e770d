//! Who is asking: the session behind a request, and the rule that makes writes safe from other sites.
//!
//! Sessions live in the database as hashes of random tokens; the token travels only in an HttpOnly, SameSite=Strict
//! cookie. A write needs a JSON body or the `EnsoEx-Client` header (which other sites cannot send without asking)
//! and, where the browser tells its origin, ours. A proof of who is there (`step_up`) gives a session another token.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us};
use crate::device::Device;
use crate::limits::{SESSION_IDLE_MAX, SESSION_VALIDITY};
use crate::problem::Problem;
use crate::secret::{digest, random};
use crate::step_up::Proof;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensoex_types::AccountId;

ensoex_sql::statements! {
    STATEMENTS;
    SESSION =
        "SELECT account, last_seen_us, expires_us, proof, proved_us FROM sessions WHERE token_hash = $1";
    SEEN = "UPDATE sessions SET last_seen_us = $1 WHERE token_hash = $2";
    DELETE_ENDED = "DELETE FROM sessions WHERE expires_us < $1";
    INSERT_SESSION =
        "INSERT INTO sessions (token_hash, account, created_us, last_seen_us, expires_us, proof, proved_us, browser, system)
            VALUES ($1, $2, $3, $3, $4, $5, $3, $6, $7)";
    ROTATE_SESSION =
        "UPDATE sessions SET token_hash = $2, proof = $3, proved_us = $4 WHERE token_hash = $1";
    DELETE_SESSION = "DELETE FROM sessions WHERE token_hash = $1";
}

/// Session time is written at most this often.
const LAST_SEEN_STEP_US: i64 = 60 * 1_000_000;
const TOKEN_BYTES: usize = 32;

/// A signed-in user.
#[derive(Clone, Copy)]
pub(crate) struct User {
    pub(crate) account: AccountId,
    pub(crate) expires_us: i64,
    /// By which the session is found; never the token.
    pub(crate) token_hash: [u8; 32],
    /// With what the person last showed who they are, and when.
    pub(crate) proof: Proof,
    pub(crate) proved_us: i64,
}

impl FromRequestParts<App> for User {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<User, Problem> {
        find_session(app, &parts.headers).await?.ok_or_else(not_signed_in)
    }
}

fn not_signed_in() -> Problem {
    let detail = "Sign in first; your session may have ended.";
    Problem::new(StatusCode::UNAUTHORIZED, "not_signed_in", detail)
}

/// The session of a request, if there is a living one.
pub(crate) async fn find_session(app: &AppState, headers: &HeaderMap) -> Result<Option<User>, Problem> {
    let Some(token_hash) = token_of(app, headers).map(|token| digest(&token)) else {
        return Ok(None);
    };
    let row = app
        .database
        .fetch_optional(SESSION.bind(token_hash.as_slice()))
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (account, last_seen_us, expires_us): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let now = now_us();
    if now >= expires_us || now - last_seen_us >= micros(SESSION_IDLE_MAX) {
        return Ok(None);
    }
    if now - last_seen_us >= LAST_SEEN_STEP_US {
        let noted = app
            .database
            .execute(SEEN.bind(now).bind(token_hash.as_slice()))
            .await;
        // People can still look when nothing can be written.
        if let Err(error) = noted {
            tracing::warn!(%error, "the last use of a session could not be noted");
        }
    }
    Ok(Some(User {
        account: AccountId(u32::try_from(account).unwrap_or_default()),
        expires_us,
        token_hash,
        proof: Proof::from_word(row.get("proof")?),
        proved_us: row.get("proved_us")?,
    }))
}

/// Whether the session that began something is still there under the same token.
pub(crate) async fn lives(app: &AppState, user: &User) -> Result<bool, Problem> {
    let asked = SESSION.bind(user.token_hash.as_slice());
    let row = app.database.fetch_optional(asked).await?;
    Ok(row.is_some() && now_us() < user.expires_us)
}

/// Starts a session and answers the cookie that carries it.
pub(crate) async fn start_session(
    app: &AppState,
    account: AccountId,
    proof: Proof,
    device: Device,
) -> Result<HeaderValue, Problem> {
    let token = random::<TOKEN_BYTES>().map_err(|error| Problem::internal("random source", &error))?;
    let now = now_us();
    app.database.execute(DELETE_ENDED.bind(now)).await?;
    app.database
        .execute(
            INSERT_SESSION
                .bind(digest(&token).as_slice())
                .bind(i64::from(account.0))
                .bind(now)
                .bind(now + micros(SESSION_VALIDITY))
                .bind(proof.word())
                .bind(device.browser)
                .bind(device.system),
        )
        .await?;
    cookie(app, &hex::encode(token), SESSION_VALIDITY.as_secs())
}

/// Gives a session another token, so that whoever learned the old one has nothing; its absolute end stays. Answers the cookie.
pub(crate) async fn rotate_session(
    app: &AppState,
    user: &User,
    proof: Proof,
    proved_us: i64,
) -> Result<HeaderValue, Problem> {
    let token = random::<TOKEN_BYTES>().map_err(|error| Problem::internal("random source", &error))?;
    let rotated = app
        .database
        .execute(
            ROTATE_SESSION
                .bind(user.token_hash.as_slice())
                .bind(digest(&token).as_slice())
                .bind(proof.word())
                .bind(proved_us),
        )
        .await?;
    // Ended meanwhile, by the person elsewhere.
    if rotated == 0 {
        return Err(not_signed_in());
    }
    let left_us = (user.expires_us - now_us()).max(0);
    cookie(
        app,
        &hex::encode(token),
        u64::try_from(left_us / 1_000_000).unwrap_or_default(),
    )
}

/// Ends the session of a request; answers the cookie that clears it.
pub(crate) async fn end_session(app: &AppState, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    if let Some(token) = token_of(app, headers) {
        app.database
            .execute(DELETE_SESSION.bind(digest(&token).as_slice()))
            .await?;
    }
    ended_cookie(app)
}

/// The cookie that clears a session's.
pub(crate) fn ended_cookie(app: &AppState) -> Result<HeaderValue, Problem> {
    cookie(app, "", 0)
}

/// Over TLS the name makes the browser refuse the cookie from anybody but this very host.
fn cookie_name(app: &AppState) -> &'static str {
    if app.public_url.starts_with("https://") {
        "__Host-session"
    } else {
        "ensoex_session"
    }
}

fn cookie(app: &AppState, value: &str, max_age_s: u64) -> Result<HeaderValue, Problem> {
    let secure = if app.public_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}",
        cookie_name(app)
    );
    HeaderValue::from_str(&text).map_err(|error| Problem::internal("cookie", &error))
}

fn token_of(app: &AppState, headers: &HeaderMap) -> Option<[u8; TOKEN_BYTES]> {
    let name = cookie_name(app);
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))?;
    let mut token = [0; TOKEN_BYTES];
    hex::decode_to_slice(value, &mut token).ok()?;
    Some(token)
}

/// Middleware: refuses writes that another site could have caused.
pub(crate) async fn refuse_cross_site(State(app): State<App>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) && !is_upgrade(request.headers()) {
        return next.run(request).await;
    }
    if same_site(&app, request.headers()) {
        return next.run(request).await;
    }
    let detail = "This request did not come from our own pages. Open the site itself and try again; \
                  programs send the header EnsoEx-Client.";
    Problem::new(StatusCode::FORBIDDEN, "cross_site", detail).into_response()
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

fn same_site(app: &AppState, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text("origin") {
        // In the demo both names of this machine lead here.
        let host = text("host").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_this_machine = app.demo && matches!(name, "localhost" | "127.0.0.1");
        let is_ours = origin == app.public_url
            || is_this_machine
                && origin
                    .split_once("://")
                    .is_some_and(|(_, authority)| !host.is_empty() && authority == host);
        if !is_ours {
            return false;
        }
    }
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    is_upgrade(headers) || text("ensoex-client").is_some()
}
