//! Sign-in and sign-out. The answer to a wrong password and to an unknown e-mail address is the same, in words
//! and in time; many failures for one address pause its sign-in.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::guard::{end_session, find_session, start_session};
use crate::limits::{PASSWORD_LENGTH_MAX, SIGN_IN_FAILURES_MAX, SIGN_IN_PAUSE};
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use ensoex_types::AccountId;
use ensoex_vault::{Email, PasswordHash, Personal, ProvideService, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    FORGET_FAILURES = "DELETE FROM sign_in_failures WHERE tag = $1";
    ACCOUNT = "SELECT account FROM users WHERE subject = $1";
    COUNT_FAILURE =
        "INSERT INTO sign_in_failures (tag, failures, first_us) VALUES ($1, 1, $2)
            ON CONFLICT (tag) DO UPDATE SET
            failures = CASE WHEN sign_in_failures.first_us + $3 <= $2 THEN 1 ELSE sign_in_failures.failures + 1 END,
            first_us = CASE WHEN sign_in_failures.first_us + $3 <= $2 THEN $2 ELSE sign_in_failures.first_us END
            RETURNING failures, first_us";
}

/// What signing in takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    #[schema(value_type = String)]
    email: Zeroizing<String>,
    #[schema(value_type = String)]
    password: Zeroizing<String>,
}

/// Whether somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionState {
    signed_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Signs in with e-mail address and password.
#[utoipa::path(post, path = "/v1/session", request_body = Credentials, tag = "session",
    responses((status = 200, body = SessionState), (status = 401, description = "problem: wrong_credentials"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Body(credentials): Body<Credentials>,
) -> Result<(HeaderMap, Json<SessionState>), Problem> {
    let tag = app
        .key
        .mac(&[b"sign-in", credentials.email.trim().to_lowercase().as_bytes()]);
    count_try(&app, &tag).await?;
    let account = match check(&app, credentials).await? {
        Some(account) => account,
        None => {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong_credentials",
                "E-mail address and password do not fit together. Check both and try again.",
            ));
        }
    };
    app.database.execute(FORGET_FAILURES.bind(tag.as_slice())).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, start_session(&app, account).await?);
    Ok((
        headers,
        Json(SessionState {
            signed_in: true,
            account: Some(account.to_string()),
            expires_at: None,
        }),
    ))
}

async fn check(app: &AppState, credentials: Credentials) -> Result<Option<AccountId>, Problem> {
    let access = app.component_access("sign-in", Reason::SignIn)?;
    let email = Personal::new(credentials.email.to_string());
    let subject: Option<SubjectId> = match app.vault.find::<Email>(&email, &access).await {
        Ok(found) => found,
        Err(VaultError::InvalidValue(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let (mut hash, mut account): (_, Option<i64>) = (None, None);
    if let Some(subject) = subject {
        let found = app
            .vault
            .read::<PasswordHash, ProvideService, _>(&subject, None, &access, |hash| {
                Zeroizing::new(hash.clone())
            })
            .await?;
        hash = Some(found);
        account = app
            .database
            .fetch_optional_value(ACCOUNT.bind(subject.to_string()))
            .await?;
    }
    if credentials.password.chars().count() > PASSWORD_LENGTH_MAX {
        return Ok(None);
    }
    let fits = app.passwords.fits(credentials.password, hash).await?;
    Ok(account
        .filter(|_| fits)
        .and_then(|account| u32::try_from(account).ok())
        .map(AccountId))
}

/// Asks for the password once more, before something that cannot be undone. Wrong ones pause it as they pause sign-in.
pub(crate) async fn confirm_password(
    app: &AppState,
    account: AccountId,
    subject: SubjectId,
    password: Zeroizing<String>,
    reason: Reason,
) -> Result<(), Problem> {
    let tag = app.key.mac(&[b"password again", &account.0.to_be_bytes()]);
    count_try(app, &tag).await?;
    let access = app.own_access(subject, reason)?;
    let copy = |hash: &String| Zeroizing::new(hash.clone());
    let hash = app
        .vault
        .read::<PasswordHash, ProvideService, _>(&subject, None, &access, copy)
        .await?;
    let short = password.chars().count() <= PASSWORD_LENGTH_MAX;
    if !short || !app.passwords.fits(password, Some(hash)).await? {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "wrong_password",
            "This is not your password. Nothing was changed; try again.",
        )
        .field("password"));
    }
    app.database.execute(FORGET_FAILURES.bind(tag.as_slice())).await?;
    Ok(())
}

/// Counts the try before the password is looked at, so that parallel guesses gain nothing; a success forgets them.
async fn count_try(app: &AppState, tag: &[u8; 32]) -> Result<(), Problem> {
    let now = now_us();
    let row = app
        .database
        .fetch_one(
            COUNT_FAILURE
                .bind(tag.as_slice())
                .bind(now)
                .bind(micros(SIGN_IN_PAUSE)),
        )
        .await?;
    let (tries, first_us): (i64, i64) = (row.get(0)?, row.get(1)?);
    if tries <= SIGN_IN_FAILURES_MAX {
        return Ok(());
    }
    let retry_after_s = (first_us + micros(SIGN_IN_PAUSE) - now) / 1_000_000 + 1;
    Err(Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "locked_out",
        format!("Too many wrong passwords. You can try again in {retry_after_s} seconds."),
    )
    .with("retry_after_s", retry_after_s))
}

/// Signs out.
#[utoipa::path(delete, path = "/v1/session", tag = "session", responses((status = 204)))]
pub(crate) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let mut answer = HeaderMap::new();
    answer.insert(header::SET_COOKIE, end_session(&app, &headers).await?);
    Ok((StatusCode::NO_CONTENT, answer))
}

/// Whether the browser is signed in. Sets nothing.
#[utoipa::path(get, path = "/v1/session", tag = "session", responses((status = 200, body = SessionState)))]
pub(crate) async fn state(State(app): State<App>, headers: HeaderMap) -> Result<Json<SessionState>, Problem> {
    let user = find_session(&app, &headers).await?;
    Ok(Json(SessionState {
        signed_in: user.is_some(),
        account: user.map(|user| user.account.to_string()),
        expires_at: user.map(|user| text(user.expires_us)),
    }))
}
