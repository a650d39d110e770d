//! Codes of an authenticator app (TOTP, RFC 6238: HMAC-SHA-1, 6 digits, steps of 30 s), and how an app is added and removed.
//!
//! States of an account's app: none → offered → active → none; an offer that nobody confirms with a code is forgotten after ten
//! minutes, with its secret. The secret is made here and sealed in the vault; each check of a code is a logged read. A code
//! counts for its own step and the ones beside it (a clock may be 30 s off), and each step once: a code that was seen in
//! passing is of no use. The computation is ten lines over `hmac` and `sha1`, which are there already; the libraries for it would
//! leave the replay to us all the same. Who may add and remove is `step_up`'s, tries are counted by `factors`.

use crate::app::{App, AppState};
use crate::clock::{micros, now_seconds, now_us};
use crate::factors::{self, Change};
use crate::guard::User;
use crate::limits::TOTP_OFFER_VALIDITY;
use crate::problem::{Body, Problem};
use crate::secret::{random, same};
use crate::step_up;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use ensoex_types::AccountId;
use ensoex_vault::{Personal, ProvideService, Reason, SubjectId, TotpSecret, VaultError};
use hmac::{Hmac, KeyInit, Mac};
use qrcode::{Color, EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    STATE = "SELECT state, made_us, last_step FROM totp WHERE account = $1";
    OFFER =
        "INSERT INTO totp (account, state, made_us, last_step) VALUES ($1, 'offered', $2, 0)
            ON CONFLICT (account) DO UPDATE SET made_us = excluded.made_us WHERE totp.state = 'offered'";
    ACTIVATE = "UPDATE totp SET state = 'active', made_us = $2 WHERE account = $1 AND state = 'offered'";
    USE_STEP = "UPDATE totp SET last_step = $2 WHERE account = $1 AND last_step < $2";
    RETIRE = "UPDATE totp SET state = 'offered', made_us = 0 WHERE account = $1 AND state = 'active'";
    DELETE_OFFER = "DELETE FROM totp WHERE account = $1 AND state = 'offered'";
    OLD_OFFERS =
        "SELECT t.account, u.subject FROM totp t JOIN users u ON u.account = t.account
            WHERE t.state = 'offered' AND t.made_us < $1 LIMIT 1000";
}

const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
const CODE_DIGITS: usize = 6;

/// A secret for the person's app. It is in this answer and nowhere else outside the vault.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offer {
    /// The secret in base 32, for apps that are typed into.
    #[schema(value_type = String)]
    secret: Zeroizing<String>,
    /// The same as a link for apps on the same device.
    #[schema(value_type = String)]
    uri: Zeroizing<String>,
    /// The link as a QR code: an SVG path over a square of `qr_size` units.
    #[schema(value_type = String)]
    qr: Zeroizing<String>,
    qr_size: usize,
    /// Until when it can be confirmed.
    expires_at: String,
}

/// A code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TotpCode {
    /// Six digits.
    #[schema(value_type = String)]
    code: Zeroizing<String>,
}

/// The factors after a change, with recovery codes if they are new: they are in this answer and nowhere else.
#[derive(Serialize, ToSchema)]
pub(crate) struct Added {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) recovery_codes: Option<Vec<Zeroizing<String>>>,
}

/// Offers a secret for an authenticator app. Nothing changes until a code of it is typed.
#[utoipa::path(post, path = "/v1/me/factors/totp", tag = "security",
    responses((status = 201, body = Offer), (status = 403, description = "problem: step_up_needed"),
        (status = 409, description = "problem: factor_exists")))]
pub(crate) async fn offer(State(app): State<App>, user: User) -> Result<(StatusCode, Json<Offer>), Problem> {
    step_up::require(&app, &user).await?;
    let account = user.account;
    let subject = app.subject_of(account).await?;
    let _turn = app.turns.take(account).await;
    let now = now_us();
    let offered = OFFER.bind(i64::from(account.0)).bind(now);
    if app.database.execute(offered).await? == 0 {
        let detail = "An authenticator app is set up already. Remove it first, then add another one.";
        return Err(Problem::new(StatusCode::CONFLICT, "factor_exists", detail));
    }
    let secret = random::<SECRET_BYTES>().map_err(|error| Problem::internal("random source", &error))?;
    let secret = Zeroizing::new(secret);
    let access = app.own_access(subject, Reason::CredentialChange)?;
    let sealed = Personal::new(secret.to_vec());
    app.vault
        .store::<TotpSecret>(&subject, None, sealed, &access)
        .await?;
    let text = base32(secret.as_slice());
    let name = account.to_string();
    let uri = format!(
        "otpauth://totp/EnsoEx:{name}?secret={}&issuer=EnsoEx",
        text.as_str()
    );
    let uri = Zeroizing::new(uri);
    let (qr, qr_size) = qr_path(&uri)?;
    let expires_at = crate::clock::text(now + micros(TOTP_OFFER_VALIDITY));
    let offer = Offer {
        secret: text,
        uri,
        qr,
        qr_size,
        expires_at,
    };
    Ok((StatusCode::CREATED, Json(offer)))
}

/// Takes the app into use, once a code shows that it has the secret.
#[utoipa::path(post, path = "/v1/me/factors/totp/confirm", request_body = TotpCode, tag = "security",
    responses((status = 200, body = Added), (status = 403, description = "problem: step_up_needed, wrong_factor"),
        (status = 410, description = "problem: offer_expired"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn confirm(
    State(app): State<App>,
    user: User,
    Body(typed): Body<TotpCode>,
) -> Result<(HeaderMap, Json<Added>), Problem> {
    step_up::require(&app, &user).await?;
    let account = user.account;
    let number = i64::from(account.0);
    let subject = app.subject_of(account).await?;
    let _turn = app.turns.take(account).await;
    let row = app.database.fetch_optional(STATE.bind(number)).await?;
    let is_offered = match &row {
        Some(row) => {
            let made_us: i64 = row.get("made_us")?;
            row.get::<String>("state")? == "offered" && now_us() < made_us + micros(TOTP_OFFER_VALIDITY)
        }
        None => false,
    };
    if !is_offered {
        let detail = "There is no secret to confirm any more. Start adding the app again.";
        return Err(Problem::new(StatusCode::GONE, "offer_expired", detail));
    }
    factors::count_try(&app, account).await?;
    if !fits(&app, account, subject, &typed.code, Reason::CredentialChange).await? {
        return Err(factors::wrong_code());
    }
    factors::forget_tries(&app, account).await?;
    app.database.execute(ACTIVATE.bind(number).bind(now_us())).await?;
    let recovery_codes = factors::first_recovery_codes(&app, account).await?;
    let cookie = step_up::proved(&app, &user, step_up::Proof::Totp).await?;
    factors::tell(&app, account, subject, Change::AppAdded).await;
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, cookie);
    Ok((headers, Json(Added { recovery_codes })))
}

/// Removes the app; with the last factor the recovery codes go too.
#[utoipa::path(delete, path = "/v1/me/factors/totp", tag = "security",
    responses((status = 204), (status = 403, description = "problem: step_up_needed"), (status = 404, description = "problem: unknown_factor")))]
pub(crate) async fn remove(State(app): State<App>, user: User) -> Result<(StatusCode, HeaderMap), Problem> {
    step_up::require(&app, &user).await?;
    let account = user.account;
    let subject = app.subject_of(account).await?;
    let _turn = app.turns.take(account).await;
    let number = i64::from(account.0);
    // From here on nobody asks for a code. An offer that is over: should we stop now, housekeeping forgets the secret.
    if app.database.execute(RETIRE.bind(number)).await? == 0 {
        return Err(Problem::not_found(
            "unknown_factor",
            "No authenticator app is set up.",
        ));
    }
    let access = app.own_access(subject, Reason::CredentialChange)?;
    forget_secret(&app, &subject, &access).await?;
    app.database.execute(DELETE_OFFER.bind(number)).await?;
    let cookie = factors::removed(&app, &user, subject, Change::AppRemoved).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, cookie);
    Ok((StatusCode::NO_CONTENT, headers))
}

async fn forget_secret(
    app: &AppState,
    subject: &SubjectId,
    access: &ensoex_vault::AccessRequest,
) -> Result<(), Problem> {
    match app.vault.remove::<TotpSecret>(subject, None, access).await {
        Ok(()) | Err(VaultError::NotFound | VaultError::UnknownSubject) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Since when an app is in use.
pub(crate) async fn active_since(app: &AppState, account: AccountId) -> Result<Option<i64>, Problem> {
    let row = app
        .database
        .fetch_optional(STATE.bind(i64::from(account.0)))
        .await?;
    Ok(match row {
        Some(row) if row.get::<String>("state")? == "active" => Some(row.get("made_us")?),
        _ => None,
    })
}

/// Whether a code is the app's for now, and was not used before.
pub(crate) async fn fits(
    app: &AppState,
    account: AccountId,
    subject: SubjectId,
    typed: &str,
    reason: Reason,
) -> Result<bool, Problem> {
    let access = app.own_access(subject, reason)?;
    let now = now_seconds();
    let step = app
        .vault
        .read::<TotpSecret, ProvideService, _>(&subject, None, &access, |secret| step_of(secret, typed, now))
        .await;
    let step = match step {
        Ok(Some(step)) => step,
        Ok(None) | Err(VaultError::NotFound) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let used = USE_STEP.bind(i64::from(account.0)).bind(step);
    Ok(app.database.execute(used).await? > 0)
}

/// The step near `now` whose code was typed. Every step is compared, so that the time tells nothing.
fn step_of(secret: &[u8], typed: &str, now: i64) -> Option<i64> {
    let current = now / STEP_SECONDS;
    let mut found = None;
    for step in [current - 1, current, current + 1] {
        if same(code_at(secret, step).as_bytes(), typed.as_bytes()) {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226, section 5.3).
fn code_at(secret: &[u8], step: i64) -> Zeroizing<String> {
    // HMAC takes a key of any length, so this arm is never taken; no code is empty.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else {
        return Zeroizing::new(String::new());
    };
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let at = usize::from(mac[19] & 0x0f);
    let number = u32::from_be_bytes([mac[at], mac[at + 1], mac[at + 2], mac[at + 3]]) & 0x7fff_ffff;
    Zeroizing::new(format!("{:0width$}", number % 1_000_000, width = CODE_DIGITS))
}

/// Base 32 (RFC 4648) without padding, of a whole number of groups of five bytes.
fn base32(bytes: &[u8]) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 5 * 8));
    for group in bytes.chunks_exact(5) {
        let bits = group
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            text.push(char::from(ALPHABET[(bits >> (place * 5) & 31) as usize]));
        }
    }
    text
}

/// A QR code as an SVG path, with the quiet zone of four units that readers need, and the side of its square.
fn qr_path(text: &str) -> Result<(Zeroizing<String>, usize), Problem> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Problem::internal("QR code", &error))?;
    let width = code.width();
    let mut path = Zeroizing::new(String::with_capacity(width * width * 6));
    for (number, _) in code
        .to_colors()
        .iter()
        .enumerate()
        .filter(|(_, color)| **color == Color::Dark)
    {
        let (x, y) = (number % width + QUIET, number / width + QUIET);
        path.push_str(&format!("M{x} {y}h1v1h-1z"));
    }
    Ok((path, width + 2 * QUIET))
}

/// Forgets secrets that nobody confirmed in time.
pub(crate) async fn forget_offers(app: &AppState, now_us: i64) -> Result<(), Problem> {
    let old = OLD_OFFERS.bind(now_us - micros(TOTP_OFFER_VALIDITY));
    let access = app.component_access("housekeeping", Reason::CredentialChange)?;
    for row in &app.database.fetch_all(old).await? {
        let (account, subject): (i64, String) = (row.get(0)?, row.get(1)?);
        let (account, number) = (AccountId(u32::try_from(account).unwrap_or_default()), account);
        let _turn = app.turns.take(account).await;
        // Confirmed meanwhile: it stays.
        if active_since(app, account).await?.is_some() {
            continue;
        }
        if let Ok(subject) = subject.parse::<SubjectId>() {
            forget_secret(app, &subject, &access).await?;
        }
        app.database.execute(DELETE_OFFER.bind(number)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in vectors {
            assert_eq!(
                code_at(secret, seconds / STEP_SECONDS).as_str(),
                code,
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off() {
        let secret = [7; SECRET_BYTES];
        let now = 1_800_000_000;
        let current = now / STEP_SECONDS;
        for (off, fits) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = code_at(&secret, current + off);
            let expected = fits.then_some(current + off);
            assert_eq!(step_of(&secret, &code, now), expected, "{off}");
        }
        assert_eq!(step_of(&secret, "", now), None);
        assert_eq!(step_of(&secret, "12345", now), None);
    }

    /// RFC 4648, section 10, where no padding is needed.
    #[test]
    fn base_32_is_that_of_the_standard() {
        assert_eq!(base32(b"fooba").as_str(), "MZXW6YTB");
        assert_eq!(
            base32(b"12345678901234567890").as_str(),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
    }

    #[test]
    fn a_qr_code_has_its_quiet_zone() {
        let (path, size) = qr_path("otpauth://totp/EnsoEx:1?secret=GEZDGNBVGY3TQOJQ&issuer=EnsoEx").unwrap();
        assert!(size > 8 + 21 && path.starts_with("M4 4h1"));
    }
}
