//! A fresh proof before what would harm: a withdrawal, an API key, a change of contact or of factors, an erasure.
//!
//! A session carries with which proof the person last showed who they are, and when. What would harm asks for one that is not
//! older than [`STEP_UP_VALIDITY`]; where the account has a second factor, for one of a factor: a stolen session or a known password
//! gets no further. Whoever lacks it is refused with the proofs that would do, shows one at `/v1/session/proof`, and asks again. A
//! proof gives the session a new token, so that one which somebody learned before is good for nothing.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::factors::{self, Factors, with_cookie};
use crate::guard::{User, rotate_session};
use crate::limits::STEP_UP_VALIDITY;
use crate::passkeys;
use crate::problem::{Body, Problem};
use crate::session::confirm_password;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use ensoex_vault::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// With what somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Password,
    Passkey,
    Totp,
    RecoveryCode,
}

impl Proof {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Proof::Password => "password",
            Proof::Passkey => "passkey",
            Proof::Totp => "totp",
            Proof::RecoveryCode => "recovery_code",
        }
    }

    /// The proof of a stored word; one that is not known counts as the least.
    pub(crate) fn from_word(word: &str) -> Proof {
        let all = [Proof::Passkey, Proof::Totp, Proof::RecoveryCode];
        all.into_iter()
            .find(|proof| proof.word() == word)
            .unwrap_or(Proof::Password)
    }

    fn is_factor(self) -> bool {
        self != Proof::Password
    }
}

/// Refuses whoever did not show lately who they are.
pub(crate) async fn require(app: &AppState, user: &User) -> Result<(), Problem> {
    let factors = Factors::of(app, user.account).await?;
    let is_fresh = now_us() - user.proved_us < micros(STEP_UP_VALIDITY);
    if is_fresh && (user.proof.is_factor() || !factors.any()) {
        return Ok(());
    }
    Err(needed(&factors))
}

/// The same where the request itself brings the password: only a factor is asked for, if there is one.
pub(crate) async fn require_factor(app: &AppState, user: &User) -> Result<(), Problem> {
    match Factors::of(app, user.account).await?.any() {
        true => require(app, user).await,
        false => Ok(()),
    }
}

fn needed(factors: &Factors) -> Problem {
    let detail = "Show first that it is you: send one of `proofs` to /v1/session/proof, then repeat this request. Nothing was changed.";
    Problem::new(StatusCode::FORBIDDEN, "step_up_needed", detail).with("proofs", factors.proofs())
}

/// One proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProof {
    /// The password, where there is no second factor.
    #[schema(value_type = Option<String>)]
    password: Option<Zeroizing<String>>,
    /// A code of the authenticator app, or a recovery code.
    #[schema(value_type = Option<String>)]
    code: Option<Zeroizing<String>>,
    /// A passkey's answer to a question of `/v1/session/passkey/challenge`.
    passkey: Option<passkeys::Answer>,
}

/// What a proof gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Proved {
    /// Until when it counts as fresh.
    fresh_until: String,
}

/// Shows once more who is there; the session gets a new token.
#[utoipa::path(post, path = "/v1/session/proof", request_body = NewProof, tag = "session",
    responses((status = 200, body = Proved), (status = 400, description = "problem: one_proof"),
        (status = 403, description = "problem: wrong_password, wrong_factor, wrong_passkey, step_up_needed"),
        (status = 410, description = "problem: challenge_expired"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn prove(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewProof>,
) -> Result<(HeaderMap, Json<Proved>), Problem> {
    let proof = match (new.password, new.code, new.passkey) {
        (Some(password), None, None) => {
            let factors = Factors::of(&app, user.account).await?;
            if factors.any() {
                return Err(needed(&factors));
            }
            let subject = app.subject_of(user.account).await?;
            confirm_password(&app, user.account, subject, password, Reason::SignIn).await?;
            Proof::Password
        }
        (None, Some(code), None) => factors::check_code(&app, user.account, &code, Reason::SignIn)
            .await?
            .ok_or_else(factors::wrong_code)?,
        (None, None, Some(answer)) => match passkeys::check(&app, &answer).await? == user.account {
            true => Proof::Passkey,
            false => return Err(passkeys::wrong()),
        },
        _ => {
            let detail = "Send one proof: the password, a code, or a passkey's answer.";
            return Err(Problem::bad_request("one_proof", detail));
        }
    };
    let cookie = proved(&app, &user, proof).await?;
    let fresh_until = text(now_us() + micros(STEP_UP_VALIDITY));
    Ok((with_cookie(cookie), Json(Proved { fresh_until })))
}

/// Notes a proof; answers the cookie of the session's new token.
pub(crate) async fn proved(app: &AppState, user: &User, proof: Proof) -> Result<HeaderValue, Problem> {
    rotate_session(app, user, proof, now_us()).await
}

/// A new token without a new proof, after a change of what the session may do.
pub(crate) async fn renewed(app: &AppState, user: &User) -> Result<HeaderValue, Problem> {
    rotate_session(app, user, user.proof, user.proved_us).await
}
