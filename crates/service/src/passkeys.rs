//! Passkeys (WebAuthn Level 3): discoverable, the person verified by their device; each signs in alone, and is a second factor.
//!
//! The checks are those of `webauthn-rs`: kept for years beside an identity server, reviewed by others, and since 0.6 in Rust
//! throughout (before, it needed OpenSSL). Of the alternatives one is younger and pulls older releases of the same primitives,
//! another is weeks old. What it asks of a device is tightened here: the key must be discoverable, and no e-mail address is given
//! to it, only the account's number and a random handle.
//!
//! States of a challenge: asked → answered once, or forgotten after five minutes, or when very many others came after it. They are in
//! memory only: after a start the page asks again. Of a passkey the vault seals the public half and its number; here stand the
//! name that the person gave it and a hash by which an answer finds it. Origin and relying party are the configured public
//! address; where that is a number, browsers have no passkeys, and it is said so.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::device::Device;
use crate::factors::{self, Change, with_cookie};
use crate::guard::{User, start_session};
use crate::limits::{CHALLENGE_VALIDITY, CHALLENGES_MAX, PASSKEY_LABEL_LENGTH_MAX, PASSKEYS_MAX};
use crate::problem::{Body, Problem};
use crate::secret::{digest, random_id, same};
use crate::session::SessionState;
use crate::step_up::{self, Proof};
use crate::totp::Added;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use ensoex_types::AccountId;
use ensoex_vault::{Passkey, Personal, ProvideService, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;
use webauthn_rs::prelude::{
    CreationChallengeResponse, CredentialID, DiscoverableAuthentication, Passkey as Credential,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT =
        "INSERT INTO passkeys (passkey, account, label, credential_hash, made_us) VALUES ($1, $2, $3, $4, $5)";
    PASSKEYS = "SELECT passkey, label, made_us, used_us FROM passkeys WHERE account = $1 ORDER BY made_us";
    COUNT = "SELECT COUNT(*) FROM passkeys WHERE account = $1";
    BY_CREDENTIAL =
        "SELECT p.passkey, p.account, u.subject FROM passkeys p JOIN users u ON u.account = p.account
            WHERE p.credential_hash = $1";
    USED = "UPDATE passkeys SET used_us = $2 WHERE passkey = $1";
    RENAME = "UPDATE passkeys SET label = $3 WHERE passkey = $1 AND account = $2";
    DELETE = "DELETE FROM passkeys WHERE passkey = $1 AND account = $2";
}

/// What a challenge is for.
enum Asked {
    Adding(AccountId, Box<PasskeyRegistration>),
    Proof(Box<DiscoverableAuthentication>),
}

/// Challenges that wait for their answer, by the hash of their name: what each is for and until when; the oldest first in line.
#[derive(Default)]
struct Challenges {
    waiting: HashMap<[u8; 32], (Asked, i64)>,
    line: VecDeque<[u8; 32]>,
}

/// The Service as browsers' passkeys know it.
pub(crate) struct Passkeys {
    /// None where the public address has no name.
    site: Option<Webauthn>,
    challenges: Mutex<Challenges>,
}

impl Passkeys {
    pub(crate) fn new(public_url: &str) -> Passkeys {
        Passkeys {
            site: site(public_url),
            challenges: Mutex::default(),
        }
    }

    pub(crate) fn are_possible(&self) -> bool {
        self.site.is_some()
    }

    fn site(&self) -> Result<&Webauthn, Problem> {
        self.site.as_ref().ok_or_else(|| {
            let detail =
                "The address of this site is a number, and passkeys need a name. Use an authenticator app.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "passkeys_unavailable", detail)
        })
    }

    fn ask(&self, asked: Asked) -> Result<(String, i64), Problem> {
        let name = random_id("chl_").map_err(|error| Problem::internal("random source", &error))?;
        let key = digest(name.as_bytes());
        let until = now_us() + micros(CHALLENGE_VALIDITY);
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        while challenges.line.len() >= CHALLENGES_MAX {
            if let Some(oldest) = challenges.line.pop_front() {
                challenges.waiting.remove(&oldest);
            }
        }
        challenges.waiting.insert(key, (asked, until));
        challenges.line.push_back(key);
        Ok((name, until))
    }

    /// What was asked, once.
    fn answered(&self, name: &str) -> Option<Asked> {
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, until) = challenges.waiting.remove(&digest(name.as_bytes()))?;
        (now_us() < until).then_some(asked)
    }
}

fn site(public_url: &str) -> Option<Webauthn> {
    let origin = Url::parse(public_url).ok()?;
    let name = origin.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&name, &origin).ok()?;
    builder.rp_name("EnsoEx").build().ok()
}

/// A question for the person's device.
#[derive(Serialize, ToSchema)]
pub(crate) struct Challenge {
    /// To be sent back with the answer.
    challenge: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    public_key: Value,
    expires_at: String,
}

/// A device's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    challenge: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
}

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasskey {
    challenge: String,
    /// For the person's own orientation; at most 40 characters.
    label: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
}

/// Another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLabel {
    label: String,
}

/// A passkey as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyView {
    passkey: String,
    label: String,
    created_at: String,
    last_used_at: Option<String>,
}

/// A question for signing in with a passkey, or for showing once more who is there. Tells nothing about anybody.
#[utoipa::path(post, path = "/v1/session/passkey/challenge", tag = "session",
    responses((status = 201, body = Challenge), (status = 503, description = "problem: passkeys_unavailable")))]
pub(crate) async fn challenge(State(app): State<App>) -> Result<(StatusCode, Json<Challenge>), Problem> {
    let asked = app.passkeys.site()?.start_discoverable_authentication();
    let (question, state) = asked.map_err(|error| Problem::internal("passkey challenge", &error))?;
    let (challenge, until) = app.passkeys.ask(Asked::Proof(Box::new(state)))?;
    let challenge = Challenge {
        challenge,
        public_key: json_of(&question.public_key)?,
        expires_at: text(until),
    };
    Ok((StatusCode::CREATED, Json(challenge)))
}

fn json_of(question: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(question).map_err(|error| Problem::internal("passkey challenge", &error))
}

/// Signs in with a passkey; nothing else is asked.
#[utoipa::path(post, path = "/v1/session/passkey", request_body = Answer, tag = "session",
    responses((status = 200, body = SessionState), (status = 403, description = "problem: wrong_passkey"),
        (status = 410, description = "problem: challenge_expired")))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Body(answer): Body<Answer>,
) -> Result<(HeaderMap, Json<SessionState>), Problem> {
    let account = check(&app, &answer).await?;
    let cookie = start_session(&app, account, Proof::Passkey, Device::of(&headers)).await?;
    Ok((with_cookie(cookie), Json(SessionState::signed_in(account))))
}

fn expired() -> Problem {
    let detail = "This took too long, or was answered already. Start again.";
    Problem::new(StatusCode::GONE, "challenge_expired", detail)
}

pub(crate) fn wrong() -> Problem {
    let detail = "This passkey is not known here, or its answer does not fit. Use another one, or another way to sign in.";
    Problem::new(StatusCode::FORBIDDEN, "wrong_passkey", detail)
}

/// Whose passkey answered, if its answer fits the question.
pub(crate) async fn check(app: &AppState, answer: &Answer) -> Result<AccountId, Problem> {
    let Some(Asked::Proof(state)) = app.passkeys.answered(&answer.challenge) else {
        return Err(expired());
    };
    let hash = digest(answer.credential.get_credential_id());
    let found = BY_CREDENTIAL.bind(hash.as_slice());
    let Some(row) = app.database.fetch_optional(found).await? else {
        return Err(wrong());
    };
    let passkey: String = row.get("passkey")?;
    let account = AccountId(u32::try_from(row.get::<i64>("account")?).unwrap_or_default());
    let subject: SubjectId = row
        .get::<&str>("subject")?
        .parse()
        .map_err(|error: ensoex_vault::SubjectIdError| Problem::internal("stored subject", &error))?;
    // The device says whose it takes the key for; it must be the one it was made for.
    let handle = answer.credential.get_user_unique_id();
    if handle.is_none_or(|handle| !same(handle, handle_of(app, account).as_bytes())) {
        return Err(wrong());
    }
    let access = app.own_access(subject, Reason::SignIn)?;
    let mut credential = opened(app, &subject, &passkey, &access).await?;
    let result =
        app.passkeys
            .site()?
            .finish_discoverable_authentication_v2(&answer.credential, *state, &credential);
    let Ok(result) = result else {
        return Err(wrong());
    };
    if !result.user_verified() {
        return Err(wrong());
    }
    // The counter of a device that counts: an answer of a copy would not be above it.
    if result.needs_update() && credential.update_credential(&result) == Some(true) {
        seal(app, &subject, &passkey, &credential, &access).await?;
    }
    let used = USED.bind(&passkey).bind(now_us());
    app.database.execute(used).await?;
    Ok(account)
}

async fn opened(
    app: &AppState,
    subject: &SubjectId,
    passkey: &str,
    access: &ensoex_vault::AccessRequest,
) -> Result<Credential, Problem> {
    let read = |bytes: &Vec<u8>| serde_json::from_slice::<Credential>(bytes);
    let read = app
        .vault
        .read::<Passkey, ProvideService, _>(subject, Some(passkey), access, read)
        .await?;
    read.map_err(|error| Problem::internal("stored passkey", &error))
}

async fn seal(
    app: &AppState,
    subject: &SubjectId,
    passkey: &str,
    credential: &Credential,
    access: &ensoex_vault::AccessRequest,
) -> Result<(), Problem> {
    let plain = serde_json::to_vec(credential).map_err(|error| Problem::internal("passkey", &error))?;
    let sealed = app
        .vault
        .store::<Passkey>(subject, Some(passkey), Personal::new(plain), access)
        .await;
    match sealed {
        Err(VaultError::InvalidValue(_)) => Err(wrong()),
        other => Ok(other?),
    }
}

/// Under which random name a device keeps the account's passkeys.
fn handle_of(app: &AppState, account: AccountId) -> Uuid {
    let mac = app.key.mac(&[b"passkey handle", &account.0.to_be_bytes()]);
    let mut handle = [0; 16];
    handle.copy_from_slice(&mac[..16]);
    Uuid::from_bytes(handle)
}

/// A question for adding a passkey.
#[utoipa::path(post, path = "/v1/me/factors/passkeys/challenge", tag = "security",
    responses((status = 201, body = Challenge), (status = 400, description = "problem: too_many_passkeys"),
        (status = 403, description = "problem: step_up_needed"), (status = 503, description = "problem: passkeys_unavailable")))]
pub(crate) async fn begin(
    State(app): State<App>,
    user: User,
) -> Result<(StatusCode, Json<Challenge>), Problem> {
    step_up::require(&app, &user).await?;
    let account = user.account;
    refuse_too_many(&app, account).await?;
    let subject = app.subject_of(account).await?;
    let known = known_credentials(&app, account, &subject).await?;
    let name = format!("EnsoEx {account}");
    let asked =
        app.passkeys
            .site()?
            .start_passkey_registration(handle_of(&app, account), &name, &name, Some(known));
    let (question, state) = asked.map_err(|error| Problem::internal("passkey challenge", &error))?;
    let question = discoverable(question);
    let (challenge, until) = app.passkeys.ask(Asked::Adding(account, Box::new(state)))?;
    let challenge = Challenge {
        challenge,
        public_key: json_of(&question.public_key)?,
        expires_at: text(until),
    };
    Ok((StatusCode::CREATED, Json(challenge)))
}

/// The library leaves open whether the key can be found without a name; here it must be.
fn discoverable(mut question: CreationChallengeResponse) -> CreationChallengeResponse {
    if let Some(wanted) = &mut question.public_key.authenticator_selection {
        wanted.resident_key = Some(ResidentKeyRequirement::Required);
        wanted.require_resident_key = true;
    }
    question
}

async fn refuse_too_many(app: &AppState, account: AccountId) -> Result<(), Problem> {
    match count(app, account).await? >= PASSKEYS_MAX {
        true => {
            let detail =
                format!("An account has at most {PASSKEYS_MAX} passkeys. Remove one that you no longer use.");
            Err(Problem::bad_request("too_many_passkeys", detail))
        }
        false => Ok(()),
    }
}

/// So that a device which has one already makes no second.
async fn known_credentials(
    app: &AppState,
    account: AccountId,
    subject: &SubjectId,
) -> Result<Vec<CredentialID>, Problem> {
    let access = app.own_access(*subject, Reason::CredentialChange)?;
    let rows = PASSKEYS.bind(i64::from(account.0));
    let mut known = Vec::new();
    for row in &app.database.fetch_all(rows).await? {
        let passkey: String = row.get("passkey")?;
        known.push(opened(app, subject, &passkey, &access).await?.cred_id().clone());
    }
    Ok(known)
}

/// Adds the passkey that the device made.
#[utoipa::path(post, path = "/v1/me/factors/passkeys", request_body = NewPasskey, tag = "security",
    responses((status = 201, body = Added), (status = 400, description = "problem: invalid_label, too_many_passkeys"),
        (status = 403, description = "problem: step_up_needed, wrong_passkey"), (status = 409, description = "problem: factor_exists"),
        (status = 410, description = "problem: challenge_expired")))]
pub(crate) async fn add(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewPasskey>,
) -> Result<(StatusCode, HeaderMap, Json<Added>), Problem> {
    step_up::require(&app, &user).await?;
    let label = checked_label(&new.label)?;
    let account = user.account;
    let state = match app.passkeys.answered(&new.challenge) {
        Some(Asked::Adding(asked, state)) if asked == account => state,
        _ => return Err(expired()),
    };
    let made = app
        .passkeys
        .site()?
        .finish_passkey_registration(&new.credential, &state);
    let Ok(credential) = made else {
        return Err(wrong());
    };
    let _turn = app.turns.take(account).await;
    refuse_too_many(&app, account).await?;
    let hash = digest(credential.cred_id());
    let known = BY_CREDENTIAL.bind(hash.as_slice());
    if app.database.fetch_optional(known).await?.is_some() {
        let detail = "This passkey is in use already. Choose another device or another place to keep it.";
        return Err(Problem::new(StatusCode::CONFLICT, "factor_exists", detail));
    }
    let subject = app.subject_of(account).await?;
    let access = app.own_access(subject, Reason::CredentialChange)?;
    let passkey = random_id("psk_").map_err(|error| Problem::internal("random source", &error))?;
    seal(&app, &subject, &passkey, &credential, &access).await?;
    let insert = INSERT
        .bind(&passkey)
        .bind(i64::from(account.0))
        .bind(label)
        .bind(hash.as_slice())
        .bind(now_us());
    if let Err(error) = app.database.execute(insert).await {
        unseal(&app, &subject, &passkey, &access).await?;
        return Err(error.into());
    }
    let recovery_codes = factors::first_recovery_codes(&app, account).await?;
    let cookie = step_up::proved(&app, &user, Proof::Passkey).await?;
    factors::tell(&app, account, subject, Change::PasskeyAdded).await;
    Ok((
        StatusCode::CREATED,
        with_cookie(cookie),
        Json(Added { recovery_codes }),
    ))
}

async fn unseal(
    app: &AppState,
    subject: &SubjectId,
    passkey: &str,
    access: &ensoex_vault::AccessRequest,
) -> Result<(), Problem> {
    match app.vault.remove::<Passkey>(subject, Some(passkey), access).await {
        Ok(()) | Err(VaultError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn checked_label(label: &str) -> Result<String, Problem> {
    let label = label.trim();
    let length = label.chars().count();
    if length == 0 || length > PASSKEY_LABEL_LENGTH_MAX || label.chars().any(char::is_control) {
        let detail = format!("Give the passkey a name of 1 to {PASSKEY_LABEL_LENGTH_MAX} characters.");
        return Err(Problem::bad_request("invalid_label", detail).field("label"));
    }
    if label.chars().filter(char::is_ascii_digit).count() >= 12 {
        let detail = "A name has fewer than 12 digits: no card or phone numbers here.";
        return Err(Problem::bad_request("invalid_label", detail).field("label"));
    }
    Ok(label.to_owned())
}

fn unknown() -> Problem {
    Problem::not_found("unknown_factor", "You have no such passkey.")
}

/// Gives a passkey another name.
#[utoipa::path(put, path = "/v1/me/factors/passkeys/{passkey}", request_body = NewLabel, tag = "security", params(("passkey" = String, Path)),
    responses((status = 204), (status = 400, description = "problem: invalid_label"), (status = 404, description = "problem: unknown_factor")))]
pub(crate) async fn rename(
    State(app): State<App>,
    user: User,
    Path(passkey): Path<String>,
    Body(new): Body<NewLabel>,
) -> Result<StatusCode, Problem> {
    let label = checked_label(&new.label)?;
    let rename = RENAME.bind(&passkey).bind(i64::from(user.account.0)).bind(label);
    match app.database.execute(rename).await? {
        0 => Err(unknown()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Removes a passkey; with the last factor the recovery codes go too.
#[utoipa::path(delete, path = "/v1/me/factors/passkeys/{passkey}", tag = "security", params(("passkey" = String, Path)),
    responses((status = 204), (status = 403, description = "problem: step_up_needed"), (status = 404, description = "problem: unknown_factor")))]
pub(crate) async fn remove(
    State(app): State<App>,
    user: User,
    Path(passkey): Path<String>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    step_up::require(&app, &user).await?;
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    let delete = DELETE.bind(&passkey).bind(i64::from(user.account.0));
    if app.database.execute(delete).await? == 0 {
        return Err(unknown());
    }
    let access = app.own_access(subject, Reason::CredentialChange)?;
    unseal(&app, &subject, &passkey, &access).await?;
    let cookie = factors::removed(&app, &user, subject, Change::PasskeyRemoved).await?;
    Ok((StatusCode::NO_CONTENT, with_cookie(cookie)))
}

/// How many passkeys an account has.
pub(crate) async fn count(app: &AppState, account: AccountId) -> Result<i64, Problem> {
    Ok(app.database.fetch_value(COUNT.bind(i64::from(account.0))).await?)
}

/// An account's passkeys, the oldest first.
pub(crate) async fn list(app: &AppState, account: AccountId) -> Result<Vec<PasskeyView>, Problem> {
    let rows = PASSKEYS.bind(i64::from(account.0));
    let mut passkeys = Vec::new();
    for row in &app.database.fetch_all(rows).await? {
        passkeys.push(PasskeyView {
            passkey: row.get("passkey")?,
            label: row.get("label")?,
            created_at: text(row.get("made_us")?),
            last_used_at: row.get::<Option<i64>>("used_us")?.map(text),
        });
    }
    Ok(passkeys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_belong_to_a_name() {
        for (url, possible) in [
            ("https://exchange.example", true),
            ("http://localhost:8080", true),
            ("http://127.0.0.1:8080", false),
            ("https://[::1]", false),
        ] {
            assert_eq!(Passkeys::new(url).are_possible(), possible, "{url}");
        }
    }

    #[test]
    fn a_challenge_is_answered_once_and_the_oldest_gives_way() {
        let passkeys = Passkeys::new("http://localhost:8080");
        let ask = || {
            let (_, state) = passkeys
                .site()
                .unwrap()
                .start_discoverable_authentication()
                .unwrap();
            passkeys.ask(Asked::Proof(Box::new(state))).unwrap().0
        };
        let first = ask();
        assert!(passkeys.answered(&first).is_some());
        assert!(passkeys.answered(&first).is_none());
        let oldest = ask();
        for _ in 0..CHALLENGES_MAX {
            ask();
        }
        assert!(passkeys.answered(&oldest).is_none());
        let challenges = passkeys.challenges.lock().unwrap();
        assert_eq!(challenges.line.len(), CHALLENGES_MAX);
        assert_eq!(challenges.waiting.len(), CHALLENGES_MAX);
    }
}
