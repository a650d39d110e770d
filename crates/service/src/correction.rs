//! Correction of e-mail address and phone number by the person: a code to the new contact, a notice to the old one.
//!
//! States: pending → corrected, or forgotten after ten minutes. The new value lies sealed beside the old one, as the record
//! `proposed`, until its code is typed; then it takes the old one's place, which is destroyed. An address or number that is another
//! person's looks the same from outside (`refused`: its code exists nowhere), and its owner gets a notice. What law holds is
//! not corrected until its date. When and by whom values changed is told from the access log, which holds no value.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text, text_ms};
use crate::cooling_off;
use crate::guard::User;
use crate::limits::{CODE_ATTEMPTS_MAX, CODE_VALIDITY, CORRECTION_VALUE_LENGTH_MAX};
use crate::messages::{Channel, Locale, Message, texts};
use crate::problem::{Body, Problem};
use crate::registration::{invalid, undeliverable};
use crate::rights;
use crate::risk::{self, facts};
use crate::secret::{random_code, same};
use crate::session::confirm_password;
use crate::step_up;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ensoex_risk::{FactKind, Place};
use ensoex_types::AccountId;
use ensoex_vault::{
    AccessRequest, Email, GrantedFor, Indexed, LegalHold, MobilePhone, Operation, Outcome, Personal,
    ProvideService, Reason, Right, SubjectId, VaultError,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    START =
        "INSERT INTO corrections (account, field, state, code_mac, codes_sent_us) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (account, field) DO UPDATE SET state = excluded.state, code_mac = excluded.code_mac,
            attempts = 0, codes_sent_us = excluded.codes_sent_us";
    CORRECTION = "SELECT * FROM corrections WHERE account = $1 AND field = $2";
    COUNT_ATTEMPT =
        "UPDATE corrections SET attempts = attempts + 1 WHERE account = $1 AND field = $2 AND attempts < $3";
    END = "DELETE FROM corrections WHERE account = $1 AND field = $2";
    EXPIRED =
        "SELECT c.account, c.field, u.subject FROM corrections c JOIN users u ON u.account = c.account
            WHERE c.codes_sent_us < $1 LIMIT 1000";
    LOCALE = "SELECT locale FROM users WHERE account = $1";
}

/// Under which name a value lies until its code is typed.
const PROPOSED: &str = "proposed";

/// A contact that can be corrected.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contact {
    Email,
    MobilePhone,
}

impl Contact {
    fn word(self) -> &'static str {
        match self {
            Contact::Email => "email",
            Contact::MobilePhone => "mobile_phone",
        }
    }

    /// What a form calls it.
    fn asked_as(self) -> &'static str {
        match self {
            Contact::Email => "email",
            Contact::MobilePhone => "phone",
        }
    }

    /// The form in which codes to one contact are counted, as for registrations.
    fn counted(self, value: &str) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Contact::Email => value.trim().to_lowercase(),
            Contact::MobilePhone => value.replace(|c: char| !c.is_ascii_digit(), ""),
        })
    }

    fn channel(self) -> Channel {
        match self {
            Contact::Email => Channel::Email,
            Contact::MobilePhone => Channel::Sms,
        }
    }
}

/// A correction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    /// The new e-mail address or phone number.
    #[schema(value_type = String)]
    value: Zeroizing<String>,
    /// The password again.
    #[schema(value_type = String)]
    password: Zeroizing<String>,
}

/// The code that came to the new contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCode {
    #[schema(value_type = String)]
    code: Zeroizing<String>,
}

/// Sends a code to the new contact. Nothing changes until it is typed.
#[utoipa::path(post, path = "/v1/me/corrections/{field}", request_body = NewValue, tag = "my data",
    params(("field" = String, Path, description = "`email` or `mobile_phone`")),
    responses((status = 202, description = "a code is on its way, with `code_expires_at`"), (status = 400, description = "problem: invalid_email, invalid_phone"),
        (status = 403, description = "problem: wrong_password, step_up_needed"), (status = 409, description = "problem: held_by_law"),
        (status = 429, description = "problem: too_soon, locked_out with retry_after_s")))]
pub(crate) async fn start(
    State(app): State<App>,
    user: User,
    Path(contact): Path<Contact>,
    Body(new): Body<NewValue>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let account = user.account;
    let subject = app.subject_of(account).await?;
    if new.value.len() > CORRECTION_VALUE_LENGTH_MAX {
        let detail = format!("A contact has at most {CORRECTION_VALUE_LENGTH_MAX} characters.");
        return Err(Problem::bad_request("invalid_value", detail).field("value"));
    }
    step_up::require_factor(&app, &user).await?;
    confirm_password(&app, account, subject, new.password, Reason::Correction).await?;
    let _turn = app.turns.take(account).await;
    risk::permit(&app, account, Place::ContactChange).await?;
    if let Some(hold) = hold_on(&app, &subject, contact.word()).await? {
        let (law, until_ms) = (hold.law, hold.until_ms);
        return Err(VaultError::HeldByLaw { law, until_ms }.into());
    }
    let now = now_us();
    for tag in [
        app.key.mac(&[b"correction by", &account.0.to_be_bytes()]),
        app.key
            .mac(&[b"registration contact", contact.counted(&new.value).as_bytes()]),
    ] {
        app.registrations.count(tag, now)?;
    }
    let access = app.own_access(subject, Reason::Correction)?;
    let value = Personal::new(new.value.to_string());
    let owner = match contact {
        Contact::Email => app.vault.find::<Email>(&value, &access).await,
        Contact::MobilePhone => app.vault.find::<MobilePhone>(&value, &access).await,
    };
    let owner = owner.map_err(|error| invalid(error, contact.asked_as()))?;
    let owner = owner.filter(|owner| *owner != subject);
    let proposed = Personal::new(new.value.to_string());
    match contact {
        Contact::Email => {
            app.vault
                .store::<Email>(&subject, Some(PROPOSED), proposed, &access)
                .await
        }
        Contact::MobilePhone => {
            app.vault
                .store::<MobilePhone>(&subject, Some(PROPOSED), proposed, &access)
                .await
        }
    }
    .map_err(|error| invalid(error, contact.asked_as()))?;
    let code = random_code().map_err(|error| Problem::internal("random source", &error))?;
    app.database
        .execute(
            START
                .bind(i64::from(account.0))
                .bind(contact.word())
                .bind(if owner.is_some() { "refused" } else { "pending" })
                .bind(code_mac(&app, account, contact, &code).as_slice())
                .bind(now),
        )
        .await?;
    let locale = locale_of(&app, account).await?;
    let whose = owner.as_ref().unwrap_or(&subject);
    let entered = app.entered_message(whose, contact.channel()).await?;
    let sent = value.expose(|to| match owner {
        Some(_) => {
            let message = Message::notice(locale, texts::taken_by_correction(locale, contact.channel()));
            app.messenger.send(&entered, contact.channel(), to, message)
        }
        None => {
            let message = Message::code(locale, texts::correction_code(locale, &code), &code);
            app.messenger.send(&entered, contact.channel(), to, message)
        }
    });
    sent.map_err(|error| undeliverable(&error))?.leave();
    let view = json!({ "field": contact.word(), "code_expires_at": text(now + micros(CODE_VALIDITY)) });
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// Checks the code; the new value takes the old one's place.
#[utoipa::path(post, path = "/v1/me/corrections/{field}/confirm", request_body = NewCode, tag = "my data",
    params(("field" = String, Path, description = "`email` or `mobile_phone`")),
    responses((status = 200, description = "corrected"), (status = 400, description = "problem: wrong_code with attempts_left"),
        (status = 409, description = "problem: held_by_law"), (status = 410, description = "problem: code_expired"), (status = 429, description = "problem: too_many_attempts")))]
pub(crate) async fn confirm(
    State(app): State<App>,
    user: User,
    Path(contact): Path<Contact>,
    Body(typed): Body<NewCode>,
) -> Result<Json<Value>, Problem> {
    let account = user.account;
    let number = i64::from(account.0);
    let subject = app.subject_of(account).await?;
    let _turn = app.turns.take(account).await;
    let row = app
        .database
        .fetch_optional(CORRECTION.bind(number).bind(contact.word()))
        .await?
        .ok_or_else(expired)?;
    if now_us() >= row.get::<i64>("codes_sent_us")? + micros(CODE_VALIDITY) {
        return Err(expired());
    }
    // Counted before it is compared, so that parallel guesses gain nothing.
    let count = COUNT_ATTEMPT
        .bind(number)
        .bind(contact.word())
        .bind(CODE_ATTEMPTS_MAX);
    if app.database.execute(count).await? == 0 {
        let detail = "Too many wrong codes. Start the correction again.";
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            detail,
        ));
    }
    let fits = same(
        &code_mac(&app, account, contact, &typed.code),
        &row.get::<Vec<u8>>("code_mac")?,
    );
    if !fits || row.get::<String>("state")? != "pending" {
        let left = (CODE_ATTEMPTS_MAX - row.get::<i64>("attempts")? - 1).max(0);
        return Err(
            Problem::bad_request("wrong_code", "This code is not right. Look at the message again.")
                .with("attempts_left", left),
        );
    }
    let access = app.own_access(subject, Reason::Correction)?;
    // Before it is changed, so that a stop in between leaves fraud prevention too careful rather than blind.
    let (changed, now) = (FactKind::ContactChanged, now_us());
    let mut transaction = app.database.begin().await?;
    let reference = format!("{}:{now}", contact.word());
    facts::note(&mut transaction, account, changed, &reference, 0, now).await?;
    transaction.commit().await?;
    let old = match contact {
        Contact::Email => replace::<Email>(&app, &subject, &access).await?,
        Contact::MobilePhone => replace::<MobilePhone>(&app, &subject, &access).await?,
    };
    app.database
        .execute(END.bind(number).bind(contact.word()))
        .await?;
    cooling_off::begin(&app, account).await?;
    let locale = locale_of(&app, account).await?;
    let message = Message::notice(locale, texts::corrected(locale));
    match app.entered_message(&subject, contact.channel()).await {
        Ok(entered) => match app.messenger.send(&entered, contact.channel(), &old, message) {
            Ok(handed) => handed.leave(),
            Err(error) => {
                tracing::warn!(%error, "the notice of a correction was not sent to the old contact")
            }
        },
        Err(problem) => tracing::warn!(?problem, "the notice of a correction cannot be sent"),
    }
    rights::done_at_once(&app, account, Right::Correction, contact.word()).await?;
    Ok(Json(
        json!({ "field": contact.word(), "corrected_at": text(now_us()) }),
    ))
}

/// What law forbids to replace or remove a contact, if any does.
async fn hold_on(app: &AppState, subject: &SubjectId, contact: &str) -> Result<Option<LegalHold>, Problem> {
    let holds = app.vault.legal_holds(subject).await?;
    Ok(holds.into_iter().find(|hold| hold.field.as_str() == contact))
}

/// Puts the proposed value in the place of the old one, which it gives.
async fn replace<F>(
    app: &AppState,
    subject: &SubjectId,
    access: &AccessRequest,
) -> Result<Zeroizing<String>, Problem>
where
    F: Indexed<Value = String> + GrantedFor<ProvideService>,
{
    let vault = &app.vault;
    let old = vault
        .read::<F, ProvideService, _>(subject, None, access, |old| Zeroizing::new(old.clone()))
        .await?;
    let new = vault
        .read::<F, ProvideService, _>(subject, Some(PROPOSED), access, |new| Personal::new(new.clone()))
        .await?;
    match vault.claim::<F>(subject, new, access).await {
        Ok(()) => {}
        // Somebody else finished with it meanwhile.
        Err(VaultError::ValueTaken) => return Err(expired()),
        Err(error) => return Err(error.into()),
    }
    vault.remove::<F>(subject, Some(PROPOSED), access).await?;
    Ok(old)
}

/// When each contact changed and by whom, newest first; told from the access log, which keeps no value.
#[utoipa::path(get, path = "/v1/me/corrections", tag = "my data", responses((status = 200, description = "changes with field, time, actor, reason and the access log's entry")))]
pub(crate) async fn history(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let leaves = app.vault.accesses(&subject).await?;
    let changes: Vec<Value> = leaves
        .iter()
        .rev()
        .filter(|leaf| leaf.operation == Operation::Store && leaf.outcome == Outcome::Granted)
        .filter(|leaf| leaf.record.is_empty())
        .map(|leaf| {
            json!({
                "field": leaf.field, "at": text_ms(leaf.at_ms), "actor": leaf.actor, "reason": leaf.reason,
                "entry": leaf.index,
            })
        })
        .collect();
    Ok(Json(json!({ "changes": changes })))
}

fn code_mac(app: &AppState, account: AccountId, contact: Contact, code: &str) -> [u8; 32] {
    let number = account.0.to_be_bytes();
    app.key.mac(&[
        b"correction code",
        &number,
        contact.word().as_bytes(),
        code.trim().as_bytes(),
    ])
}

fn expired() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "code_expired",
        "This code has expired. Start the correction again.",
    )
}

async fn locale_of(app: &AppState, account: AccountId) -> Result<Locale, Problem> {
    let tag: String = app
        .database
        .fetch_value(LOCALE.bind(i64::from(account.0)))
        .await?;
    Ok(Locale::from_tag(&tag))
}

/// Forgets values whose code nobody typed in time.
pub(crate) async fn forget_expired(app: &AppState, now_us: i64) -> Result<(), Problem> {
    let expired = app
        .database
        .fetch_all(EXPIRED.bind(now_us - micros(CODE_VALIDITY)))
        .await?;
    let access = app.component_access("housekeeping", Reason::Correction)?;
    for row in &expired {
        let (account, field, subject): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Ok(subject) = subject.parse::<SubjectId>() {
            // Placed while the code was on its way: nothing is removed, nor refused each time, before the hold is over.
            if hold_on(app, &subject, &field).await?.is_some() {
                continue;
            }
            let removed = match field.as_str() {
                "email" => app.vault.remove::<Email>(&subject, Some(PROPOSED), &access).await,
                _ => {
                    app.vault
                        .remove::<MobilePhone>(&subject, Some(PROPOSED), &access)
                        .await
                }
            };
            match removed {
                Ok(()) | Err(VaultError::NotFound | VaultError::UnknownSubject) => {}
                Err(error) => return Err(error.into()),
            }
        }
        app.database.execute(END.bind(account).bind(field)).await?;
    }
    Ok(())
}
