//! What is optional: a newsletter, and being counted in statistics. Off until the person agrees, and withdrawn in the same place with
//! the same click.
//!
//! The vault holds who agrees, and asks itself before anything optional is done; here each giving and each withdrawal gets its
//! signed receipt of consent. The vault comes first: a receipt that a stop left out is made with the next wish. It is asked for nowhere
//! else, at no registration, and nothing depends on it.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text, text_ms};
use crate::guard::User;
use crate::limits::{CONSENT_CHANGES_MAX, CONSENT_CHANGES_WINDOW};
use crate::me::attachment;
use crate::messages::Locale;
use crate::newsletter;
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use ensoex_sql::{Row, SqlError};
use ensoex_types::AccountId;
use ensoex_vault::{Optional, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

ensoex_sql::statements! {
    STATEMENTS;
    HISTORY = "SELECT * FROM consents WHERE account = $1 ORDER BY number";
    INSERT =
        "INSERT INTO consents (account, number, purpose, state, policy_hash, at_us, receipt)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

/// How it stands with one thing that is optional.
#[derive(Serialize, ToSchema)]
pub(crate) struct Consent {
    /// `newsletter` or `statistics`.
    purpose: &'static str,
    given: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// What the person agrees to, and what they agreed to and withdrew so far.
#[derive(Serialize, ToSchema)]
pub(crate) struct Consents {
    consents: Vec<Consent>,
    receipts: Vec<ConsentReceipt>,
}

/// One giving or withdrawal, with its receipt at `/v1/me/consents/receipts/{number}`.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentReceipt {
    number: i64,
    purpose: String,
    /// `given` or `withdrawn`.
    state: String,
    at: String,
    /// Number of the version of Terms and Policy in force.
    version: u64,
    hash: String,
}

/// A giving or withdrawal as stored.
pub(crate) struct Stored {
    number: i64,
    purpose: String,
    state: String,
    hash: String,
    at_us: i64,
    /// The signed receipt, JSON.
    pub(crate) receipt: String,
}

impl Stored {
    fn read(row: &Row) -> Result<Stored, SqlError> {
        Ok(Stored {
            number: row.get("number")?,
            purpose: row.get("purpose")?,
            state: row.get("state")?,
            hash: row.get("policy_hash")?,
            at_us: row.get("at_us")?,
            receipt: row.get("receipt")?,
        })
    }

    fn is_given(&self) -> bool {
        self.state == GIVEN
    }
}

const GIVEN: &str = "given";
const WITHDRAWN: &str = "withdrawn";

/// Every giving and withdrawal of an account, oldest first.
pub(crate) async fn history(app: &AppState, account: AccountId) -> Result<Vec<Stored>, Problem> {
    let rows = app.database.fetch_all(HISTORY.bind(i64::from(account.0))).await?;
    Ok(rows.iter().map(Stored::read).collect::<Result<_, SqlError>>()?)
}

async fn view(app: &AppState, account: AccountId, subject: &SubjectId) -> Result<Json<Consents>, Problem> {
    let mut consents = Vec::new();
    for what in Optional::ALL {
        let since = app.vault.agreed_since(subject, what).await?;
        consents.push(Consent {
            purpose: what.as_str(),
            given: since.is_some(),
            since: since.map(text_ms),
        });
    }
    let receipt = |one: Stored| ConsentReceipt {
        number: one.number,
        version: app.policy.acknowledged(&one.hash).version,
        at: text(one.at_us),
        purpose: one.purpose,
        state: one.state,
        hash: one.hash,
    };
    let receipts = history(app, account).await?.into_iter().map(receipt).collect();
    Ok(Json(Consents { consents, receipts }))
}

/// What is optional, whether the person agrees to it, and since when.
#[utoipa::path(get, path = "/v1/me/consents", tag = "my data", responses((status = 200, body = Consents)))]
pub(crate) async fn state(State(app): State<App>, user: User) -> Result<Json<Consents>, Problem> {
    let subject = app.subject_of(user.account).await?;
    view(&app, user.account, &subject).await
}

/// What the person wishes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// Whether they agree from now on.
    given: bool,
    /// In which language they were asked: `en` or `uk`.
    #[serde(default)]
    #[schema(value_type = String)]
    language: Locale,
}

/// Gives or withdraws consent to one thing that is optional. Nothing else changes with it.
#[utoipa::path(put, path = "/v1/me/consents/{purpose}", request_body = Wish, tag = "my data",
    params(("purpose" = String, Path, description = "`newsletter` or `statistics`")),
    responses((status = 200, body = Consents), (status = 404, description = "problem: unknown_purpose"), (status = 429, description = "problem: too_many_changes; never for a withdrawal")))]
pub(crate) async fn change(
    State(app): State<App>,
    user: User,
    Path(purpose): Path<String>,
    Body(wish): Body<Wish>,
) -> Result<Json<Consents>, Problem> {
    let what = Optional::from_word(&purpose).ok_or_else(|| {
        let detail = "Nothing of this name is optional. What is stands at /v1/me/consents.";
        Problem::not_found("unknown_purpose", detail)
    })?;
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    let whose = (user.account, subject);
    enter(&app, whose, what, wish.language).await?;
    let agreed = app.vault.agreed_since(&subject, what).await?.is_some();
    if wish.given && !agreed {
        let known = history(&app, user.account).await?;
        let window = now_us() - micros(CONSENT_CHANGES_WINDOW);
        if known.iter().filter(|one| one.at_us > window).count() >= CONSENT_CHANGES_MAX {
            let detail = "You changed your mind very often today. Withdrawing is always possible; agree again tomorrow.";
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_changes",
                detail,
            ));
        }
        if what == Optional::Newsletter {
            newsletter::begin_after_those_sent(&app, user.account).await?;
        }
    }
    let access = app.own_access(subject, Reason::RightsRequest)?;
    if wish.given {
        app.vault.agree(&subject, what, &access).await?;
    } else {
        match app.vault.withdraw(&subject, what, &access).await {
            Ok(()) | Err(VaultError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    enter(&app, whose, what, wish.language).await?;
    view(&app, user.account, &subject).await
}

/// Makes the receipt that is missing, if what the vault holds is not what the newest one says.
async fn enter(
    app: &AppState,
    (account, subject): (AccountId, SubjectId),
    what: Optional,
    language: Locale,
) -> Result<(), Problem> {
    let since_ms = app.vault.agreed_since(&subject, what).await?;
    let all = history(app, account).await?;
    let newest = all.iter().rev().find(|one| one.purpose == what.as_str());
    if newest.is_some_and(Stored::is_given) == since_ms.is_some() {
        return Ok(());
    }
    let (state, given_us, withdrawn_us) = match (since_ms, newest) {
        (Some(since_ms), _) => (
            GIVEN,
            i64::try_from(since_ms).unwrap_or_default().saturating_mul(1_000),
            None,
        ),
        (None, Some(given)) => (WITHDRAWN, given.at_us, Some(now_us().max(given.at_us))),
        (None, None) => return Ok(()),
    };
    let version = app.policy.version_in_force();
    let times = (given_us, withdrawn_us);
    let receipt = app
        .policy
        .consent_receipt(&subject.to_string(), &version, language.tag(), what, times)?;
    let number = all.last().map_or(1, |last| last.number + 1);
    let insert = INSERT
        .bind(i64::from(account.0))
        .bind(number)
        .bind(what.as_str())
        .bind(state)
        .bind(version.hash.to_string())
        .bind(withdrawn_us.unwrap_or(given_us))
        .bind(receipt);
    app.database.execute(insert).await?;
    Ok(())
}

/// The receipt of a giving or a withdrawal, for `ensoex verify receipt`.
#[utoipa::path(get, path = "/v1/me/consents/receipts/{number}", tag = "my data",
    params(("number" = String, Path, description = "as listed")),
    responses((status = 200, description = "the signed receipt"), (status = 404, description = "problem: unknown_receipt")))]
pub(crate) async fn receipt(
    State(app): State<App>,
    user: User,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let all = history(&app, user.account).await?;
    let found = all.into_iter().find(|one| one.number.to_string() == number);
    let found = found.ok_or_else(|| {
        let detail = "There is no such receipt. Yours are listed at /v1/me/consents.";
        Problem::not_found("unknown_receipt", detail)
    })?;
    Ok((attachment("ensoex-consent.json"), found.receipt))
}

/// The receipts as a list for the export.
pub(crate) async fn receipts(app: &AppState, account: AccountId) -> Result<Vec<Value>, Problem> {
    let all = history(app, account).await?;
    let parsed = all
        .iter()
        .filter_map(|one| serde_json::from_str(&one.receipt).ok());
    Ok(parsed.collect())
}

/// The form of that list, as JSON Schema.
pub(crate) fn schema() -> Value {
    json!({ "type": "array", "items": { "type": "object",
        "description": "receipts of consent given and withdrawn, as downloaded from /v1/me/consents" } })
}
