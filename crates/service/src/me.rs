//! A person's own data: profile, every access to it, export. Each look is itself a logged access.

use crate::app::{App, AppState};
use crate::clock::{text, text_ms};
use crate::consents;
use crate::disclosures;
use crate::export_html;
use crate::guard::User;
use crate::messages::Locale;
use crate::my_policy;
use crate::problem::{Asked, Problem};
use crate::rights;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ensoex_sql::{Row, SqlError};
use ensoex_vault::{Email, MobilePhone, ProvideService, Reason, Right};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    REGISTERED = "SELECT registered_us FROM users WHERE account = $1";
    USER = "SELECT * FROM users WHERE account = $1";
    SESSIONS = "SELECT created_us, last_seen_us, browser, system FROM sessions WHERE account = $1 ORDER BY created_us";
}

/// The profile. Each call is a logged read of personal data.
#[utoipa::path(get, path = "/v1/me", tag = "my data", responses((status = 200, description = "the profile")))]
pub(crate) async fn profile(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let access = app.own_access(subject, Reason::ShowToPerson)?;
    let copy = |value: &String| Zeroizing::new(value.clone());
    let email = app
        .vault
        .read::<Email, ProvideService, _>(&subject, None, &access, copy)
        .await?;
    let phone = app
        .vault
        .read::<MobilePhone, ProvideService, _>(&subject, None, &access, copy)
        .await?;
    let registered: i64 = app
        .database
        .fetch_value(REGISTERED.bind(i64::from(user.account.0)))
        .await?;
    Ok(Json(json!({
        "account": user.account.to_string(),
        "subject": subject.to_string(),
        "email": email.as_str(),
        "phone": phone.as_str(),
        "tier": 1,
        "registered_at": text(registered),
        "policy": my_policy::state_of(&app, user.account).await?,
    })))
}

/// Every access to the person's data with its proof.
#[utoipa::path(get, path = "/v1/me/access-log", tag = "my data", responses((status = 200, description = "entries with inclusion proofs, and the signed head")))]
pub(crate) async fn access_log(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let report = app.vault.access_report(&subject).await?;
    let entries: Vec<Value> = report
        .entries
        .iter()
        .rev()
        .filter_map(|entry| {
            let leaf: Value = serde_json::from_str(&entry.leaf).ok()?;
            Some(json!({
                "index": leaf["index"],
                "at": text_ms(leaf["at_ms"].as_u64()?),
                "operation": leaf["operation"],
                "field": leaf["field"],
                "purpose": leaf["purpose"],
                "actor": leaf["actor"],
                "reason": leaf["reason"],
                "granted": leaf["outcome"] == "granted",
                "policy_version": leaf["policy_version"],
                "leaf": entry.leaf,
                "proof": entry.proof,
            }))
        })
        .collect();
    Ok(Json(json!({ "entries": entries, "head": report.head })))
}

/// The same as a file that `ensoex verify access-report` checks offline.
#[utoipa::path(get, path = "/v1/me/access-report", tag = "my data", responses((status = 200, description = "report for `ensoex verify access-report`")))]
pub(crate) async fn access_report(State(app): State<App>, user: User) -> Result<impl IntoResponse, Problem> {
    let subject = app.subject_of(user.account).await?;
    let report = app.vault.access_report(&subject).await?;
    let body = serde_json::to_string_pretty(&report).map_err(|error| Problem::internal("report", &error))?;
    Ok((attachment("ensoex-access-report.json"), body))
}

/// In which form an export is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    #[serde(default)]
    format: ExportFormat,
    #[serde(default)]
    language: Locale,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    #[default]
    Json,
    Html,
}

/// All that is held about the person.
#[utoipa::path(get, path = "/v1/me/export", tag = "my data",
    params(("format" = Option<String>, Query, description = "`json` (the schema is at /v1/me/export/schema) or `html`, to read and print"),
        ("language" = Option<String>, Query, description = "of the page: `en` or `uk`")),
    responses((status = 200, description = "everything held, as a file")))]
pub(crate) async fn export(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<ExportQuery>,
) -> Result<Response, Problem> {
    let body = export_of(&app, user).await?;
    rights::done_at_once(&app, user.account, Right::Export, "everything").await?;
    Ok(match query.format {
        ExportFormat::Json => {
            let text =
                serde_json::to_string_pretty(&body).map_err(|error| Problem::internal("export", &error))?;
            (attachment("ensoex-export.json"), text).into_response()
        }
        ExportFormat::Html => {
            let mut headers = attachment("ensoex-export.html");
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, html);
            (headers, export_html::page(&body, query.language)).into_response()
        }
    })
}

/// The JSON Schema of the export, made from the catalogue.
#[utoipa::path(get, path = "/v1/me/export/schema", tag = "my data", responses((status = 200, description = "JSON Schema, draft 2020-12")))]
pub(crate) async fn export_schema(State(app): State<App>) -> Json<Value> {
    let text = json!({ "type": "string" });
    let moment = json!({ "type": "string", "format": "date-time" });
    Json(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{}/v1/me/export/schema", app.public_url),
        "title": "Everything that EnsoEx holds about a person",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "account", "registered_at", "language", "personal", "disclosures", "sessions", "receipts", "consents"],
        "properties": {
            "schema": { "const": "ensoex/export/v1" },
            "account": text,
            "registered_at": moment,
            "language": { "enum": ["en", "uk"] },
            "personal": ensoex_vault::export_schema(),
            "disclosures": disclosures::schema(),
            "sessions": { "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["created_at", "last_seen_at", "browser", "system"],
                "properties": { "created_at": moment, "last_seen_at": moment, "browser": text, "system": text },
            } },
            "receipts": { "type": "array", "items": { "type": "object", "description": "as downloaded from /v1/me/receipts" } },
            "consents": consents::schema(),
        },
    }))
}

async fn export_of(app: &AppState, user: User) -> Result<Value, Problem> {
    let subject = app.subject_of(user.account).await?;
    let access = app.own_access(subject, Reason::ExportToPerson)?;
    let exported = app.vault.export(&subject, &access).await?;
    let personal: Value = exported
        .expose(|text| serde_json::from_str(text))
        .map_err(|error| Problem::internal("export", &error))?;
    let row = app
        .database
        .fetch_one(USER.bind(i64::from(user.account.0)))
        .await?;
    let sessions = app
        .database
        .fetch_all(SESSIONS.bind(i64::from(user.account.0)))
        .await?;
    let session = |row: &Row| {
        let (created, seen) = (row.get(0)?, row.get(1)?);
        let (browser, system): (String, String) = (row.get(2)?, row.get(3)?);
        Ok(
            json!({ "created_at": text(created), "last_seen_at": text(seen), "browser": browser, "system": system }),
        )
    };
    let sessions = sessions
        .iter()
        .map(session)
        .collect::<Result<Vec<Value>, SqlError>>()?;
    let acknowledged = my_policy::acknowledgements(app, user.account).await?;
    let receipts: Vec<Value> = acknowledged
        .iter()
        .filter_map(|one| serde_json::from_str(&one.receipt).ok())
        .collect();
    Ok(json!({
        "schema": "ensoex/export/v1",
        "account": user.account.to_string(),
        "registered_at": text(row.get("registered_us")?),
        "language": row.get::<String>("locale")?,
        "personal": personal,
        "disclosures": disclosures::of(app, &subject).await?,
        "sessions": sessions,
        "receipts": receipts,
        "consents": consents::receipts(app, user.account).await?,
    }))
}

pub(crate) fn attachment(name: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers
}
