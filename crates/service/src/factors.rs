//! Second factors of an account: which there are, their codes, and recovery codes for whoever lost them.
//!
//! A factor is an authenticator app (`totp`) or a passkey (`passkeys`); with the first one come ten recovery codes, each good once, kept as keyed
//! hashes of 75 random bits, and with the last one they go. A code is tried before anything is looked at (`tries`): after a few
//! wrong ones the account's codes pause, whoever types them, for app and recovery together. Whatever changes here is told to the
//! person's e-mail address. Knows nothing of passwords: that one asks for a factor is `session`'s and `step_up`'s.

use crate::app::{App, AppState};
use crate::clock::text;
use crate::cooling_off;
use crate::guard::User;
use crate::limits::{FACTOR_FAILURES_MAX, RECOVERY_CODES};
use crate::messages::{Channel, Locale, Message, texts};
use crate::passkeys::{self, PasskeyView};
use crate::problem::Problem;
use crate::secret::random;
use crate::step_up::{self, Proof};
use crate::totp::{self, Added};
use crate::tries;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use ensoex_types::AccountId;
use ensoex_vault::{Email, ProvideService, Reason, SubjectId};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    CODES_LEFT = "SELECT COUNT(*) FROM recovery_codes WHERE account = $1";
    INSERT_CODE = "INSERT INTO recovery_codes (account, code_mac) VALUES ($1, $2)";
    USE_CODE = "DELETE FROM recovery_codes WHERE account = $1 AND code_mac = $2";
    DELETE_CODES = "DELETE FROM recovery_codes WHERE account = $1";
    LOCALE = "SELECT locale FROM users WHERE account = $1";
}

const RECOVERY_CODE_CHARACTERS: usize = 15;
const RECOVERY_CODE_GROUP: usize = 5;

/// What an account has beside its password.
pub(crate) struct Factors {
    passkeys: i64,
    totp_since: Option<i64>,
    recovery_codes_left: i64,
}

impl Factors {
    pub(crate) async fn of(app: &AppState, account: AccountId) -> Result<Factors, Problem> {
        let left = CODES_LEFT.bind(i64::from(account.0));
        Ok(Factors {
            passkeys: passkeys::count(app, account).await?,
            totp_since: totp::active_since(app, account).await?,
            recovery_codes_left: app.database.fetch_value(left).await?,
        })
    }

    /// Whether the password alone does not suffice.
    pub(crate) fn any(&self) -> bool {
        self.totp_since.is_some() || self.passkeys > 0
    }

    /// With what the person can show who they are, the usual first.
    pub(crate) fn proofs(&self) -> Vec<&'static str> {
        if !self.any() {
            return vec![Proof::Password.word()];
        }
        let there = [
            (Proof::Passkey, self.passkeys > 0),
            (Proof::Totp, self.totp_since.is_some()),
            (Proof::RecoveryCode, self.recovery_codes_left > 0),
        ];
        let there = there.iter().filter(|(_, there)| *there);
        there.map(|(proof, _)| proof.word()).collect()
    }
}

/// The factors of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactorsView {
    /// The passkeys, the oldest first.
    passkeys: Vec<PasskeyView>,
    /// Whether the address of the site has a name, which passkeys need.
    passkeys_possible: bool,
    /// The authenticator app, if one is in use.
    totp: Option<TotpView>,
    /// How many recovery codes are still good.
    recovery_codes_left: i64,
    /// With what a change is confirmed: `password`, `passkey`, `totp`, `recovery_code`.
    #[schema(value_type = Vec<String>)]
    proofs: Vec<&'static str>,
}

/// An authenticator app.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpView {
    since: String,
}

/// What the account has beside its password.
#[utoipa::path(get, path = "/v1/me/factors", tag = "security", responses((status = 200, body = FactorsView)))]
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<FactorsView>, Problem> {
    let factors = Factors::of(&app, user.account).await?;
    Ok(Json(FactorsView {
        passkeys: passkeys::list(&app, user.account).await?,
        passkeys_possible: app.passkeys.are_possible(),
        totp: factors.totp_since.map(|since| TotpView { since: text(since) }),
        recovery_codes_left: factors.recovery_codes_left,
        proofs: factors.proofs(),
    }))
}

/// Makes ten new recovery codes; the old ones are good for nothing from now on.
#[utoipa::path(post, path = "/v1/me/factors/recovery-codes", tag = "security",
    responses((status = 201, body = Added), (status = 403, description = "problem: step_up_needed"), (status = 409, description = "problem: no_factor")))]
pub(crate) async fn renew_recovery_codes(
    State(app): State<App>,
    user: User,
) -> Result<(StatusCode, Json<Added>), Problem> {
    step_up::require(&app, &user).await?;
    let _turn = app.turns.take(user.account).await;
    if !Factors::of(&app, user.account).await?.any() {
        let detail = "Recovery codes stand in for a second factor, and there is none. Add a passkey or an authenticator app first.";
        return Err(Problem::new(StatusCode::CONFLICT, "no_factor", detail));
    }
    let codes = make_recovery_codes(&app, user.account).await?;
    let subject = app.subject_of(user.account).await?;
    tell(&app, user.account, subject, Change::CodesRenewed).await;
    let added = Added {
        recovery_codes: Some(codes),
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// The codes that come with the first factor.
pub(crate) async fn first_recovery_codes(
    app: &AppState,
    account: AccountId,
) -> Result<Option<Vec<Zeroizing<String>>>, Problem> {
    let left = CODES_LEFT.bind(i64::from(account.0));
    let left: i64 = app.database.fetch_value(left).await?;
    match left {
        0 => Ok(Some(make_recovery_codes(app, account).await?)),
        _ => Ok(None),
    }
}

async fn make_recovery_codes(app: &AppState, account: AccountId) -> Result<Vec<Zeroizing<String>>, Problem> {
    let number = i64::from(account.0);
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    let mut transaction = app.database.begin().await?;
    transaction.execute(DELETE_CODES.bind(number)).await?;
    for _ in 0..RECOVERY_CODES {
        let code = random_recovery_code().map_err(|error| Problem::internal("random source", &error))?;
        let mac = code_mac(app, account, &bare(&code));
        transaction
            .execute(INSERT_CODE.bind(number).bind(mac.as_slice()))
            .await?;
        codes.push(code);
    }
    transaction.commit().await?;
    Ok(codes)
}

/// Three groups of five characters without those that look alike: 75 bits.
fn random_recovery_code() -> Result<Zeroizing<String>, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes = random::<RECOVERY_CODE_CHARACTERS>()?;
    let mut code = Zeroizing::new(String::with_capacity(RECOVERY_CODE_CHARACTERS + 2));
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % RECOVERY_CODE_GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code)
}

/// A code as it is compared: without the blanks and dashes of how it is written.
fn bare(typed: &str) -> Zeroizing<String> {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    Zeroizing::new(kept.flat_map(char::to_lowercase).collect())
}

fn code_mac(app: &AppState, account: AccountId, bare: &str) -> [u8; 32] {
    app.key
        .mac(&[b"recovery code", &account.0.to_be_bytes(), bare.as_bytes()])
}

/// Checks a code of the app, or a recovery code, which is used up by it. `None` if it is neither; the try is counted.
pub(crate) async fn check_code(
    app: &AppState,
    account: AccountId,
    typed: &str,
    reason: Reason,
) -> Result<Option<Proof>, Problem> {
    count_try(app, account).await?;
    let subject = app.subject_of(account).await?;
    let bare = bare(typed);
    let is_of_app = bare.len() < RECOVERY_CODE_CHARACTERS;
    let proof = if is_of_app {
        let in_use = totp::active_since(app, account).await?.is_some();
        let fits = in_use && totp::fits(app, account, subject, &bare, reason).await?;
        fits.then_some(Proof::Totp)
    } else {
        let mac = code_mac(app, account, &bare);
        let using = USE_CODE.bind(i64::from(account.0)).bind(mac.as_slice());
        let used = app.database.execute(using).await? > 0;
        if used {
            tell(app, account, subject, Change::CodeUsed).await;
        }
        used.then_some(Proof::RecoveryCode)
    };
    if proof.is_some() {
        forget_tries(app, account).await?;
    }
    Ok(proof)
}

fn tag(app: &AppState, account: AccountId) -> [u8; 32] {
    app.key.mac(&[b"second factor", &account.0.to_be_bytes()])
}

pub(crate) async fn count_try(app: &AppState, account: AccountId) -> Result<(), Problem> {
    tries::count(app, &tag(app, account), FACTOR_FAILURES_MAX).await
}

pub(crate) async fn forget_tries(app: &AppState, account: AccountId) -> Result<(), Problem> {
    tries::forget(app, &tag(app, account)).await
}

pub(crate) fn wrong_code() -> Problem {
    let detail =
        "This code is not right, or was used already. Wait for the next one, or type a recovery code.";
    Problem::new(StatusCode::FORBIDDEN, "wrong_factor", detail).field("code")
}

/// After a factor is gone: without any, recovery codes stand in for nothing. Answers the cookie of the session's new token.
pub(crate) async fn removed(
    app: &AppState,
    user: &User,
    subject: SubjectId,
    change: Change,
) -> Result<HeaderValue, Problem> {
    if !Factors::of(app, user.account).await?.any() {
        let codes = DELETE_CODES.bind(i64::from(user.account.0));
        app.database.execute(codes).await?;
    }
    cooling_off::begin(app, user.account).await?;
    tell(app, user.account, subject, change).await;
    step_up::renewed(app, user).await
}

/// What changed about an account's factors.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    AppAdded,
    AppRemoved,
    PasskeyAdded,
    PasskeyRemoved,
    CodesRenewed,
    CodeUsed,
    Password,
}

/// Tells the person's e-mail address. A message that cannot be sent stops no change.
pub(crate) async fn tell(app: &AppState, account: AccountId, subject: SubjectId, change: Change) {
    if let Err(problem) = try_to_tell(app, account, subject, change).await {
        tracing::warn!(?problem, "a person was not told of a change to their factors");
    }
}

async fn try_to_tell(
    app: &AppState,
    account: AccountId,
    subject: SubjectId,
    change: Change,
) -> Result<(), Problem> {
    let locale: String = app
        .database
        .fetch_value(LOCALE.bind(i64::from(account.0)))
        .await?;
    let locale = Locale::from_tag(&locale);
    let entered = app.entered_message(&subject, Channel::Email).await?;
    let access = app.component_access("messenger", Reason::DeliverMessage)?;
    let message = Message::notice(locale, texts::factors_changed(locale, change, &app.public_url));
    let send = |to: &String| app.messenger.send(&entered, Channel::Email, to, message);
    let sent = app
        .vault
        .read::<Email, ProvideService, _>(&subject, None, &access, send)
        .await?;
    sent.map_err(|error| crate::registration::undeliverable(&error))?
        .leave();
    Ok(())
}

/// An answer with the cookie of the session's new token.
pub(crate) fn with_cookie(cookie: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, cookie);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_as_it_is_written() {
        let code = random_recovery_code().unwrap();
        assert_eq!(code.len(), RECOVERY_CODE_CHARACTERS + 2);
        assert_eq!(bare(&format!(" {} ", code.to_uppercase())), bare(&code));
        assert_eq!(bare(&code).len(), RECOVERY_CODE_CHARACTERS);
        assert_ne!(code, random_recovery_code().unwrap());
    }
}
