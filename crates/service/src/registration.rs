//! Registration: e-mail, mobile phone and password; codes to both; then an account.
//!
//! States: pending → confirmed, or expired. A registration with an e-mail address or a phone number that has an account looks
//! the same from outside (`refused` inside: what is sent as its codes is kept nowhere), and the owner gets a notice in the
//! place of a code; whoever has the other contact gets a code as always, or its absence would tell. The person's data is
//! sealed in the vault before anything else happens with it. A crash between confirmation and the opening of
//! the engine's account is mended at the next start (`open_missing_accounts`).

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::device::Device;
use crate::factors::Factors;
use crate::guard::start_session;
use crate::limits::{
    CODE_ATTEMPTS_MAX, CODE_INTERVAL_MIN, CODE_SENDINGS_MAX, CODE_VALIDITY, EMAIL_LENGTH_MAX,
    REGISTRATION_VALIDITY, REGISTRATIONS_PER_CONTACT_MAX, REGISTRATIONS_REMEMBERED_MAX, REGISTRATIONS_WINDOW,
};
use crate::messages::{Channel, Locale, Message, NotSent, texts};
use crate::password;
use crate::problem::{Body, Problem};
use crate::secret::{random_code, random_id, same};
use crate::step_up::Proof;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use ensoex_engine::{Command, Reject};
use ensoex_types::AccountId;
use ensoex_vault::{
    AccessRequest, Email, GrantedFor, MobilePhone, PasswordHash, Personal, ProvideService, Reason, SubjectId,
    VaultError,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_REGISTRATION =
        "INSERT INTO registrations (registration, subject, state, email_code_mac, phone_code_mac, codes_sent_us,
            codes_sent, expires_us, policy_hash, locale) VALUES ($1, $2, $3, $8, $8, $4, 0, $5, $6, $7)";
    SET_CODES =
        "UPDATE registrations SET email_code_mac = $1, phone_code_mac = $2, codes_sent_us = $3,
            codes_sent = codes_sent + 1, attempts = 0 WHERE registration = $4";
    REGISTRATION = "SELECT * FROM registrations WHERE registration = $1";
    SEND_AGAIN =
        "UPDATE registrations SET codes_sent_us = $1, codes_sent = codes_sent + 1, attempts = 0
            WHERE registration = $2";
    COUNT_ATTEMPT = "UPDATE registrations SET attempts = attempts + 1 WHERE registration = $1 AND attempts < $2";
    CONFIRM = "UPDATE registrations SET state = 'confirmed' WHERE registration = $1 AND account IS NULL";
    CONFIRMED_ACCOUNT = "SELECT account FROM registrations WHERE registration = $1";
    INSERT_USER =
        "INSERT INTO users (account, subject, pay_customer, locale, registered_us, policy_hash, accepted_us, receipt,
            policy_told)
            VALUES ((SELECT COALESCE(MAX(account) + 1, $1) FROM users), $2, $3, $4, $5, $6, $5, $7, $8) RETURNING account";
    SET_ACCOUNT = "UPDATE registrations SET account = $1 WHERE registration = $2";
    ACCOUNTS = "SELECT account FROM users";
}

/// How often codes were asked for lately, by keyed hash of the contact; in memory only. The same whether or not the
/// contact has an account.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<[u8; 32], (u32, i64)>>);

impl Recent {
    pub(crate) fn count(&self, tag: [u8; 32], now: i64) -> Result<(), Problem> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REGISTRATIONS_REMEMBERED_MAX {
            recent.retain(|_, (_, first)| now - *first < micros(REGISTRATIONS_WINDOW));
        }
        let (count, first) = recent.entry(tag).or_insert((0, now));
        if now - *first >= micros(REGISTRATIONS_WINDOW) {
            (*count, *first) = (0, now);
        }
        *count += 1;
        if *count <= REGISTRATIONS_PER_CONTACT_MAX {
            return Ok(());
        }
        let retry_after_s = (*first + micros(REGISTRATIONS_WINDOW) - now) / 1_000_000 + 1;
        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_soon",
            format!("Codes were sent to this address or number several times. Try again in {retry_after_s} seconds."),
        )
        .with("retry_after_s", retry_after_s))
    }
}

/// What a registration asks for, and nothing more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRegistration {
    /// Where codes and notices go, and the name to sign in with. At most 254 characters.
    #[schema(value_type = String)]
    email: Zeroizing<String>,
    /// International form, for example +380441234567.
    #[schema(value_type = String)]
    phone: Zeroizing<String>,
    /// At least 15 characters.
    #[schema(value_type = String)]
    password: Zeroizing<String>,
    /// Hash of the version of Terms and Policy that was read; it must be the one in force.
    policy_hash: String,
    /// `en` or `uk`.
    #[serde(default)]
    #[schema(value_type = String)]
    locale: Locale,
}

/// A started registration.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartedRegistration {
    registration: String,
    expires_at: String,
    codes_expire_at: String,
    /// Where the first code went.
    email_hint: &'static str,
}

/// Both codes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Codes {
    #[schema(value_type = String)]
    email_code: Zeroizing<String>,
    #[schema(value_type = String)]
    phone_code: Zeroizing<String>,
}

/// The new account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    account: String,
}

/// Starts a registration and sends both codes.
#[utoipa::path(post, path = "/v1/registrations", request_body = NewRegistration, tag = "registration",
    responses((status = 202, body = StartedRegistration), (status = 400, description = "problem: invalid_email, invalid_phone, weak_password, policy_outdated, unknown_field")))]
pub(crate) async fn start(
    State(app): State<App>,
    Body(new): Body<NewRegistration>,
) -> Result<(StatusCode, Json<StartedRegistration>), Problem> {
    if new.policy_hash != app.policy.in_force().hash {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "policy_outdated",
            "Another version of the Terms and the Policy is in force now. Read it, then register.",
        )
        .field("policy_hash"));
    }
    // Both are looked at before anything else, so that the answer is the same for a contact that has an account.
    if ![Channel::Email, Channel::Sms]
        .iter()
        .all(|channel| app.messenger.is_connected(*channel))
    {
        return Err(undeliverable(&NotSent::NotConfigured));
    }
    if new.email.len() > EMAIL_LENGTH_MAX {
        return Err(
            Problem::bad_request("invalid_email", "An e-mail address has at most 254 characters.")
                .field("email"),
        );
    }
    password::check(&new.password, &new.email)?;
    for contact in [
        new.email.trim().to_lowercase(),
        new.phone.replace(|c: char| !c.is_ascii_digit(), ""),
    ] {
        let tag = app.key.mac(&[b"registration contact", contact.as_bytes()]);
        app.registrations.count(tag, now_us())?;
    }
    let access = app.component_access("registration", Reason::Registration)?;
    let email = Personal::new(new.email.to_string());
    let phone = Personal::new(new.phone.to_string());
    let owners = Owners::find(&app, &email, &phone, &access).await?;
    // The same work whether or not the address is taken, so that time tells nothing either.
    let subject = app.vault.create_subject(&access).await?;
    let hash = app.passwords.hash(new.password).await?;
    let stored = store(&app, &subject, &email, phone, hash).await;
    if let Err(problem) = stored {
        app.vault
            .erase(&subject, &app.component_access("registration", Reason::Erasure)?)
            .await?;
        return Err(problem);
    }
    let registration = random_id("reg_").map_err(|error| Problem::internal("random source", &error))?;
    let now = now_us();
    app.database
        .execute(
            INSERT_REGISTRATION
                .bind(&registration)
                .bind(subject.to_string())
                .bind(if owners.is_nobody() { "pending" } else { "refused" })
                .bind(now)
                .bind(now + micros(REGISTRATION_VALIDITY))
                .bind(&new.policy_hash)
                .bind(new.locale.tag())
                .bind(Vec::<u8>::new()),
        )
        .await?;
    send_codes(&app, &registration, subject, new.locale, &owners, true).await?;
    Ok((StatusCode::ACCEPTED, Json(started(registration, now))))
}

fn started(registration: String, now: i64) -> StartedRegistration {
    StartedRegistration {
        registration,
        expires_at: text(now + micros(REGISTRATION_VALIDITY)),
        codes_expire_at: text(now + micros(CODE_VALIDITY)),
        email_hint: "e-mail",
    }
}

async fn store(
    app: &AppState,
    subject: &SubjectId,
    email: &Personal<String>,
    phone: Personal<String>,
    hash: String,
) -> Result<(), Problem> {
    let access = app.component_access("registration", Reason::Registration)?;
    let email = Personal::new(email.expose(String::clone));
    let vault = &app.vault;
    vault
        .store::<Email>(subject, None, email, &access)
        .await
        .map_err(|error| invalid(error, "email"))?;
    vault
        .store::<MobilePhone>(subject, None, phone, &access)
        .await
        .map_err(|error| invalid(error, "phone"))?;
    vault
        .store::<PasswordHash>(subject, None, Personal::new(hash), &access)
        .await?;
    Ok(())
}

pub(crate) fn invalid(error: VaultError, field: &'static str) -> Problem {
    match error {
        VaultError::InvalidValue(form) => {
            let code = if field == "email" {
                "invalid_email"
            } else {
                "invalid_phone"
            };
            let mut detail = form.to_string();
            if let Some(first) = detail.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            detail.push('.');
            Problem::bad_request(code, detail).field(field)
        }
        other => other.into(),
    }
}

pub(crate) fn undeliverable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a message could not be sent");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "messages_unavailable",
        "We cannot send codes at the moment. Nothing was changed; try again later.",
    )
}

/// Whose the contacts of a registration are already.
#[derive(Default)]
struct Owners {
    email: Option<SubjectId>,
    phone: Option<SubjectId>,
}

impl Owners {
    /// Both are looked for in any case, so that the work tells nothing either.
    async fn find(
        app: &AppState,
        email: &Personal<String>,
        phone: &Personal<String>,
        access: &AccessRequest,
    ) -> Result<Owners, Problem> {
        let found = app.vault.find::<Email>(email, access).await;
        let email = found.map_err(|error| invalid(error, "email"))?;
        let found = app.vault.find::<MobilePhone>(phone, access).await;
        let phone = found.map_err(|error| invalid(error, "phone"))?;
        Ok(Owners { email, phone })
    }

    fn is_nobody(&self) -> bool {
        self.email.is_none() && self.phone.is_none()
    }
}

/// Draws and sends a fresh pair of codes, and keeps them (as keyed hashes) if nobody owns a contact. An owner gets no code, but
/// the first time a notice.
async fn send_codes(
    app: &AppState,
    registration: &str,
    subject: SubjectId,
    locale: Locale,
    owners: &Owners,
    is_first: bool,
) -> Result<(), Problem> {
    let random_failed = |error: getrandom::Error| Problem::internal("random source", &error);
    let email_code = random_code().map_err(random_failed)?;
    let phone_code = random_code().map_err(random_failed)?;
    let email_mac = code_mac(app, registration, "email", &email_code);
    let phone_mac = code_mac(app, registration, "phone", &phone_code);
    let sent = match owners.is_nobody() {
        true => SET_CODES
            .bind(email_mac.as_slice())
            .bind(phone_mac.as_slice())
            .bind(now_us())
            .bind(registration),
        false => SEND_AGAIN.bind(now_us()).bind(registration),
    };
    app.database.execute(sent).await?;
    let to_email = Sending {
        channel: Channel::Email,
        code: email_code,
        owner: owners.email,
        is_first,
    };
    to_email.send::<Email>(app, subject, locale).await?;
    let to_phone = Sending {
        channel: Channel::Sms,
        code: phone_code,
        owner: owners.phone,
        is_first,
    };
    to_phone.send::<MobilePhone>(app, subject, locale).await
}

/// What goes to one contact.
struct Sending {
    channel: Channel,
    code: Zeroizing<String>,
    owner: Option<SubjectId>,
    is_first: bool,
}

impl Sending {
    async fn send<F>(self, app: &AppState, subject: SubjectId, locale: Locale) -> Result<(), Problem>
    where
        F: GrantedFor<ProvideService, Value = String>,
    {
        let Sending { channel, code, .. } = &self;
        let access = app.component_access("messenger", Reason::DeliverMessage)?;
        let entered = match self.owner {
            Some(_) if !self.is_first => return Ok(()),
            Some(owner) => app.entered_message(&owner, *channel).await?,
            None => app.entered_message(&subject, *channel).await?,
        };
        let deliver = |to: &String| match self.owner {
            Some(_) => {
                let message = Message::notice(locale, texts::taken(locale, *channel));
                app.messenger.send(&entered, *channel, to, message)
            }
            None => {
                let message = Message::code(locale, texts::code(locale, code), code);
                app.messenger.send(&entered, *channel, to, message)
            }
        };
        let sent = app
            .vault
            .read::<F, ProvideService, _>(&subject, None, &access, deliver)
            .await?;
        sent.map_err(|error| undeliverable(&error))?.leave();
        Ok(())
    }
}

/// Whose the contacts of a registration are that was refused.
async fn owners_of(app: &AppState, subject: &SubjectId) -> Result<Owners, Problem> {
    let access = app.component_access("registration", Reason::Registration)?;
    let copy = |value: &String| Personal::new(value.clone());
    let vault = &app.vault;
    let email = vault
        .read::<Email, ProvideService, _>(subject, None, &access, copy)
        .await?;
    let phone = vault
        .read::<MobilePhone, ProvideService, _>(subject, None, &access, copy)
        .await?;
    Owners::find(app, &email, &phone, &access).await
}

fn code_mac(app: &AppState, registration: &str, contact: &str, code: &str) -> [u8; 32] {
    app.key.mac(&[
        b"registration code",
        registration.as_bytes(),
        contact.as_bytes(),
        code.trim().as_bytes(),
    ])
}

/// A registration as stored.
struct Stored {
    subject: String,
    state: String,
    email_code_mac: Vec<u8>,
    phone_code_mac: Vec<u8>,
    attempts: i64,
    codes_sent_us: i64,
    codes_sent: i64,
    expires_us: i64,
    policy_hash: String,
    locale: Locale,
    account: Option<i64>,
}

async fn load(app: &AppState, registration: &str) -> Result<Stored, Problem> {
    let row = app
        .database
        .fetch_optional(REGISTRATION.bind(registration))
        .await?;
    let row = row.ok_or_else(|| {
        Problem::not_found(
            "unknown_registration",
            "There is no such registration. Start again with your e-mail address.",
        )
    })?;
    Ok(Stored {
        subject: row.get("subject")?,
        state: row.get("state")?,
        email_code_mac: row.get("email_code_mac")?,
        phone_code_mac: row.get("phone_code_mac")?,
        attempts: row.get("attempts")?,
        codes_sent_us: row.get("codes_sent_us")?,
        codes_sent: row.get("codes_sent")?,
        expires_us: row.get("expires_us")?,
        policy_hash: row.get("policy_hash")?,
        locale: Locale::from_tag(&row.get::<String>("locale")?),
        account: row.get("account")?,
    })
}

fn expired() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "code_expired",
        "These codes have expired. Ask for new ones.",
    )
}

/// Sends new codes.
#[utoipa::path(post, path = "/v1/registrations/{registration}/codes", tag = "registration",
    params(("registration" = String, Path)),
    responses((status = 202, body = StartedRegistration), (status = 429, description = "problem: too_soon with retry_after_s")))]
pub(crate) async fn resend(
    State(app): State<App>,
    Path(registration): Path<String>,
) -> Result<(StatusCode, Json<StartedRegistration>), Problem> {
    let stored = load(&app, &registration).await?;
    let now = now_us();
    if now >= stored.expires_us || stored.state == "confirmed" {
        return Err(Problem::new(
            StatusCode::GONE,
            "registration_expired",
            "This registration has ended. Start again.",
        ));
    }
    let wait_us = stored.codes_sent_us + micros(CODE_INTERVAL_MIN) - now;
    if wait_us > 0 || stored.codes_sent >= CODE_SENDINGS_MAX {
        let retry_after_s = if stored.codes_sent >= CODE_SENDINGS_MAX {
            (stored.expires_us - now) / 1_000_000 + 1
        } else {
            wait_us / 1_000_000 + 1
        };
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_soon",
            format!("Codes were sent already. New ones can be sent in {retry_after_s} seconds."),
        )
        .with("retry_after_s", retry_after_s));
    }
    let subject = parse_subject(&stored.subject)?;
    let owners = match stored.state.as_str() {
        "pending" => Owners::default(),
        // If it is nobody's by now, the codes are good for nothing all the same.
        _ => owners_of(&app, &subject).await?,
    };
    send_codes(&app, &registration, subject, stored.locale, &owners, false).await?;
    Ok((StatusCode::ACCEPTED, Json(started(registration, now))))
}

fn parse_subject(text: &str) -> Result<SubjectId, Problem> {
    text.parse()
        .map_err(|error: ensoex_vault::SubjectIdError| Problem::internal("stored subject", &error))
}

/// Checks both codes; opens the account and signs in.
#[utoipa::path(post, path = "/v1/registrations/{registration}/confirm", request_body = Codes, tag = "registration",
    params(("registration" = String, Path)),
    responses((status = 201, body = Account), (status = 400, description = "problem: wrong_code with attempts_left"), (status = 410, description = "problem: code_expired"), (status = 429, description = "problem: too_many_attempts")))]
pub(crate) async fn confirm(
    State(app): State<App>,
    Path(registration): Path<String>,
    asked: HeaderMap,
    Body(codes): Body<Codes>,
) -> Result<(StatusCode, HeaderMap, Json<Account>), Problem> {
    let stored = load(&app, &registration).await?;
    let now = now_us();
    if now >= stored.expires_us || now >= stored.codes_sent_us + micros(CODE_VALIDITY) {
        return Err(expired());
    }
    // Counted before it is compared, so that parallel guesses gain nothing.
    let counted = app
        .database
        .execute(COUNT_ATTEMPT.bind(&registration).bind(CODE_ATTEMPTS_MAX))
        .await?;
    if counted == 0 {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            "Too many wrong codes. Ask for new ones.",
        ));
    }
    let email_fits = same(
        &code_mac(&app, &registration, "email", &codes.email_code),
        &stored.email_code_mac,
    );
    let phone_fits = same(
        &code_mac(&app, &registration, "phone", &codes.phone_code),
        &stored.phone_code_mac,
    );
    if !email_fits || !phone_fits || stored.state == "refused" {
        let left = (CODE_ATTEMPTS_MAX - stored.attempts - 1).max(0);
        return Err(Problem::bad_request(
            "wrong_code",
            "At least one of the codes is not right. Look at both messages again.",
        )
        .with("attempts_left", left));
    }
    let subject = parse_subject(&stored.subject)?;
    let account = match stored.account {
        // A repeated confirmation, for example a double click, with the right codes.
        Some(account) => AccountId(u32::try_from(account).unwrap_or_default()),
        None => open_user(&app, &registration, subject, &stored).await?,
    };
    // Codes that came to contacts are no way around a factor that was added meanwhile.
    if Factors::of(&app, account).await?.any() {
        return Err(expired());
    }
    open_account(&app, account).await?;
    let mut headers = HeaderMap::new();
    let session = start_session(&app, account, Proof::Password, Device::of(&asked)).await?;
    headers.insert(header::SET_COOKIE, session);
    Ok((
        StatusCode::CREATED,
        headers,
        Json(Account {
            account: account.to_string(),
        }),
    ))
}

async fn open_user(
    app: &AppState,
    registration: &str,
    subject: SubjectId,
    stored: &Stored,
) -> Result<AccountId, Problem> {
    let access = app.component_access("registration", Reason::CheckUniqueness)?;
    match app.vault.claim_stored::<Email>(&subject, &access).await {
        Ok(()) => {}
        // Somebody else finished with this address meanwhile.
        Err(VaultError::ValueTaken) => return Err(expired()),
        Err(error) => return Err(error.into()),
    }
    match app.vault.claim_stored::<MobilePhone>(&subject, &access).await {
        Ok(()) => {}
        // With this number: the address is free again for whoever registers with another one.
        Err(VaultError::ValueTaken) => {
            app.vault.give_up_claim::<Email>(&subject).await?;
            return Err(expired());
        }
        Err(error) => return Err(error.into()),
    }
    let customer = random_id("cus_").map_err(|error| Problem::internal("random source", &error))?;
    let now = now_us();
    let version = app.policy.acknowledged(&stored.policy_hash);
    let receipt = app
        .policy
        .receipt(&subject.to_string(), &version, stored.locale.tag(), now)?;
    let mut transaction = app.database.begin().await?;
    let newly = transaction.execute(CONFIRM.bind(registration)).await?;
    if newly == 0 {
        let account: i64 = transaction
            .fetch_value(CONFIRMED_ACCOUNT.bind(registration))
            .await?;
        return Ok(AccountId(u32::try_from(account).unwrap_or_default()));
    }
    let account: i64 = transaction
        .fetch_value(
            INSERT_USER
                .bind(i64::from(AccountId::FIRST_USER.0))
                .bind(subject.to_string())
                .bind(&customer)
                .bind(stored.locale.tag())
                .bind(now)
                .bind(&stored.policy_hash)
                .bind(&receipt)
                .bind(i64::try_from(version.version).unwrap_or_default()),
        )
        .await?;
    transaction
        .execute(SET_ACCOUNT.bind(account).bind(registration))
        .await?;
    transaction.commit().await?;
    Ok(AccountId(u32::try_from(account).unwrap_or_default()))
}

/// One step through the accounts whose phone numbers an earlier version of the Service never claimed; gives where the next one
/// goes on, `None` when all are claimed.
pub(crate) async fn claim_older_phones(
    app: &AppState,
    after: Option<&SubjectId>,
) -> Result<Option<SubjectId>, Problem> {
    let access = app.component_access("registration", Reason::CheckUniqueness)?;
    Ok(app
        .vault
        .claim_left_out::<Email, MobilePhone>(after, &access)
        .await?)
}

/// Opens the account in the engine; it may be open already.
async fn open_account(app: &AppState, account: AccountId) -> Result<(), Problem> {
    if app.exchange.read(|engine| engine.has_account(account)) {
        return Ok(());
    }
    let outcome = app.exchange.submit(Command::OpenAccount { account }).await?;
    match outcome.reject() {
        None | Some(Reject::AlreadyListed) => Ok(()),
        Some(reject) => {
            tracing::error!(?reject, "an account could not be opened");
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "exchange_unavailable",
                "Your registration is kept, but the account cannot be opened yet. Try again in a moment.",
            ))
        }
    }
}

/// Opens in the engine what a crash between confirmation and opening left out.
pub(crate) async fn open_missing_accounts(app: &AppState) -> Result<(), Problem> {
    let accounts = app.database.fetch_all(ACCOUNTS).await?;
    for row in accounts {
        let account: i64 = row.get(0)?;
        open_account(app, AccountId(u32::try_from(account).unwrap_or_default())).await?;
    }
    Ok(())
}
