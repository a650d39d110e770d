//! Sign-in and sign-out. The answer to a wrong password and to an unknown e-mail address is the same, in words
//! and in time; many failures for one address pause its sign-in.
//!
//! States: nobody → signed in; with a second factor nobody → password shown → signed in. What comes between is no session: a random
//! token that is good for one thing, to be shown with a code within five minutes. It is in memory only (a start forgets it:
//! the person types the password again), and so is who waits, up to a named number. Only who knows the password learns that
//! there is a factor.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::device::Device;
use crate::factors::{self, Factors, with_cookie};
use crate::guard::{end_session, find_session, start_session};
use crate::limits::{
    PASSWORD_LENGTH_MAX, SIGN_IN_FACTOR_VALIDITY, SIGN_IN_FAILURES_MAX, SIGN_INS_WAITING_MAX,
};
use crate::problem::{Body, Problem};
use crate::secret::{digest, random_id};
use crate::step_up::Proof;
use crate::tries;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use ensoex_types::AccountId;
use ensoex_vault::{Email, PasswordHash, Personal, ProvideService, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    ACCOUNT = "SELECT account FROM users WHERE subject = $1";
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

/// The second step of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactorCode {
    /// What the first step answered.
    #[schema(value_type = String)]
    sign_in: Zeroizing<String>,
    /// A code of the authenticator app, or a recovery code.
    #[schema(value_type = String)]
    code: Zeroizing<String>,
}

/// Whether somebody is signed in.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct SessionState {
    signed_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// For the second step, to be sent to `/v1/session/factor` before `expires_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<String>,
    /// What the second step takes: `passkey` (which signs in by itself), `totp`, `recovery_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    proofs: Option<Vec<&'static str>>,
}

impl SessionState {
    pub(crate) fn signed_in(account: AccountId) -> SessionState {
        SessionState {
            signed_in: true,
            account: Some(account.to_string()),
            ..SessionState::default()
        }
    }
}

/// Sign-ins whose password was right and whose second factor is awaited, by the hash of their token: whose, and until when.
#[derive(Default)]
pub(crate) struct SignIns(Mutex<HashMap<[u8; 32], (AccountId, i64)>>);

impl SignIns {
    fn begin(&self, token: &str, account: AccountId, now: i64) -> Result<i64, Problem> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= SIGN_INS_WAITING_MAX {
            waiting.retain(|_, (_, until)| now < *until);
        }
        if waiting.len() >= SIGN_INS_WAITING_MAX {
            let detail = "Very many people sign in at the moment. Try again in a few minutes.";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail));
        }
        let until = now + micros(SIGN_IN_FACTOR_VALIDITY);
        waiting.insert(digest(token.as_bytes()), (account, until));
        Ok(until)
    }

    fn whose(&self, token: &str, now: i64) -> Option<AccountId> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, until) = waiting.get(&digest(token.as_bytes()))?;
        (now < *until).then_some(*account)
    }

    /// Ends one, which only one caller can.
    fn end(&self, token: &str) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&digest(token.as_bytes())).is_some()
    }
}

/// Signs in with e-mail address and password; where the account has a second factor, this is the first of two steps.
#[utoipa::path(post, path = "/v1/session", request_body = Credentials, tag = "session",
    responses((status = 200, body = SessionState), (status = 202, description = "a second factor is awaited", body = SessionState),
        (status = 401, description = "problem: wrong_credentials"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, HeaderMap, Json<SessionState>), Problem> {
    let tag = app
        .key
        .mac(&[b"sign-in", credentials.email.trim().to_lowercase().as_bytes()]);
    tries::count(&app, &tag, SIGN_IN_FAILURES_MAX).await?;
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
    tries::forget(&app, &tag).await?;
    let factors = Factors::of(&app, account).await?;
    if factors.any() {
        let token = random_id("sgn_").map_err(|error| Problem::internal("random source", &error))?;
        let until = app.sign_ins.begin(&token, account, now_us())?;
        let awaited = SessionState {
            sign_in: Some(token),
            proofs: Some(factors.proofs()),
            expires_at: Some(text(until)),
            ..SessionState::default()
        };
        return Ok((StatusCode::ACCEPTED, HeaderMap::new(), Json(awaited)));
    }
    let (cookie, state) = begin(&app, account, Proof::Password, &headers).await?;
    Ok((StatusCode::OK, cookie, state))
}

/// The second step: a code of the authenticator app, or a recovery code.
#[utoipa::path(post, path = "/v1/session/factor", request_body = FactorCode, tag = "session",
    responses((status = 200, body = SessionState), (status = 403, description = "problem: wrong_factor"),
        (status = 410, description = "problem: sign_in_expired"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn second_step(
    State(app): State<App>,
    headers: HeaderMap,
    Body(typed): Body<FactorCode>,
) -> Result<(HeaderMap, Json<SessionState>), Problem> {
    let expired = || {
        let detail = "This sign-in took too long. Type your e-mail address and password again.";
        Problem::new(StatusCode::GONE, "sign_in_expired", detail)
    };
    let account = app.sign_ins.whose(&typed.sign_in, now_us()).ok_or_else(expired)?;
    let proof = factors::check_code(&app, account, &typed.code, Reason::SignIn)
        .await?
        .ok_or_else(factors::wrong_code)?;
    if !app.sign_ins.end(&typed.sign_in) {
        return Err(expired());
    }
    begin(&app, account, proof, &headers).await
}

/// Starts the session of whoever showed who they are.
async fn begin(
    app: &AppState,
    account: AccountId,
    proof: Proof,
    headers: &HeaderMap,
) -> Result<(HeaderMap, Json<SessionState>), Problem> {
    let cookie = start_session(app, account, proof, Device::of(headers)).await?;
    Ok((with_cookie(cookie), Json(SessionState::signed_in(account))))
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
    tries::count(app, &tag, SIGN_IN_FAILURES_MAX).await?;
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
    tries::forget(app, &tag).await
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
        ..SessionState::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_step_is_one_persons_and_has_its_time() {
        let sign_ins = SignIns::default();
        let (one, other) = (AccountId(1_001), AccountId(1_002));
        let until = sign_ins.begin("one", one, 0).unwrap();
        sign_ins.begin("other", other, 0).unwrap();
        assert_eq!(until, micros(SIGN_IN_FACTOR_VALIDITY));
        assert_eq!(sign_ins.whose("one", until - 1), Some(one));
        assert_eq!(sign_ins.whose("other", 0), Some(other));
        assert_eq!(sign_ins.whose("one", until), None, "too late");
        assert_eq!(sign_ins.whose("nobody", 0), None);
        assert!(
            sign_ins.end("one") && !sign_ins.end("one"),
            "one session comes of it"
        );
        assert_eq!(sign_ins.whose("one", 0), None);
    }

    #[test]
    fn those_who_wait_have_a_number() {
        let sign_ins = SignIns::default();
        for number in 0..SIGN_INS_WAITING_MAX {
            sign_ins.begin(&number.to_string(), AccountId(1_001), 0).unwrap();
        }
        assert!(sign_ins.begin("one more", AccountId(1_001), 1).is_err());
        let later = micros(SIGN_IN_FACTOR_VALIDITY);
        assert!(
            sign_ins.begin("one more", AccountId(1_001), later).is_ok(),
            "whose time is over gives way"
        );
    }
}
