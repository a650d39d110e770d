//! Which version of the Terms and the Policy applies to a person: in force, and acknowledged by them.
//!
//! A version that takes effect asks for acknowledgement at the next use; nothing is refused meanwhile, and it is never consent.
//! Each acknowledgement leaves a signed receipt: the one of the registration lies with the user, later ones beside it. It
//! knows accounts and versions, and no personal data.

use crate::app::{App, AppState};
use crate::clock::{now_us, text};
use crate::guard::User;
use crate::me::attachment;
use crate::messages::Locale;
use crate::policy_history::{AtQuery, in_force_at, past};
use crate::policy_store::version_json;
use crate::problem::{Asked, Body, Problem};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use ensoex_policy::VersionHash;
use ensoex_sql::{Row, SqlError};
use ensoex_types::AccountId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

ensoex_sql::statements! {
    STATEMENTS;
    ACKNOWLEDGEMENTS =
        "SELECT policy_hash, accepted_us AS at_us, receipt FROM users WHERE account = $1
            UNION ALL SELECT policy_hash, at_us, receipt FROM acknowledgements WHERE account = $1 ORDER BY at_us";
    INSERT_ACKNOWLEDGEMENT =
        "INSERT INTO acknowledgements (account, version, policy_hash, at_us, receipt) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (account, version) DO NOTHING";
}

/// An acknowledgement of a version.
pub(crate) struct Acknowledged {
    pub(crate) hash: String,
    pub(crate) at_us: i64,
    /// The signed receipt, JSON.
    pub(crate) receipt: String,
}

/// Every acknowledgement of an account, oldest first.
pub(crate) async fn acknowledgements(
    app: &AppState,
    account: AccountId,
) -> Result<Vec<Acknowledged>, Problem> {
    let statement = ACKNOWLEDGEMENTS.bind(i64::from(account.0));
    let rows = app.database.fetch_all(statement).await?;
    let read = |row: &Row| {
        Ok(Acknowledged {
            hash: row.get(0)?,
            at_us: row.get(1)?,
            receipt: row.get(2)?,
        })
    };
    Ok(rows
        .iter()
        .map(read)
        .collect::<Result<Vec<Acknowledged>, SqlError>>()?)
}

/// What `/v1/me` says of the documents: what was acknowledged last, what is in force, and whether it is to be acknowledged.
pub(crate) async fn state_of(app: &AppState, account: AccountId) -> Result<Value, Problem> {
    let newest = acknowledgements(app, account).await?.pop();
    let in_force = app.policy.version_in_force();
    let acknowledged = newest
        .as_ref()
        .map(|newest| app.policy.acknowledged(&newest.hash));
    Ok(json!({
        "accepted_hash": newest.as_ref().map(|newest| newest.hash.clone()),
        "accepted_version": acknowledged.map(|version| version.version),
        "accepted_at": newest.as_ref().map(|newest| text(newest.at_us)),
        "in_force_hash": in_force.hash.to_string(),
        "in_force": version_json(&in_force),
        "acknowledgement_due": newest.is_none_or(|newest| newest.hash != in_force.hash.to_string()),
    }))
}

/// Whether the version in force is still to be acknowledged. Reads no personal data.
#[utoipa::path(get, path = "/v1/me/acknowledgements", tag = "my data", responses((status = 200, description = "what was acknowledged last, what is in force, and whether it is to be acknowledged")))]
pub(crate) async fn acknowledgement(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    Ok(Json(state_of(&app, user.account).await?))
}

/// What was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// Hash of the version, which must be the one in force.
    hash: String,
    /// In which language: `en` or `uk`.
    #[serde(default)]
    #[schema(value_type = String)]
    language: Locale,
}

/// Acknowledges the version in force: that it was read, and nothing else.
#[utoipa::path(post, path = "/v1/me/acknowledgements", request_body = Seen, tag = "my data",
    responses((status = 200, description = "it was acknowledged before"), (status = 201, description = "acknowledged; the receipt is in /v1/me/receipts"), (status = 409, description = "problem: policy_not_in_force"), (status = 422, description = "problem: unknown_version")))]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    user: User,
    Body(seen): Body<Seen>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let in_force = app.policy.version_in_force();
    let hash = seen.hash.parse::<VersionHash>().ok();
    let known = hash.is_some_and(|hash| app.policy.is_published(hash));
    if !known {
        let detail =
            "No such version was published. The one in force is at /v1/policy; read it, and send its hash.";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_version", detail);
        return Err(problem.field("hash"));
    }
    if hash != Some(in_force.hash) {
        let detail = "Another version is in force now. Read it at /documents, and acknowledge that one.";
        let problem = Problem::new(StatusCode::CONFLICT, "policy_not_in_force", detail);
        return Err(problem
            .field("hash")
            .with("in_force_hash", in_force.hash.to_string()));
    }
    let newest = acknowledgements(&app, user.account).await?.pop();
    if newest.is_some_and(|newest| newest.hash == seen.hash) {
        return Ok((StatusCode::OK, Json(state_of(&app, user.account).await?)));
    }
    let subject = app.subject_of(user.account).await?.to_string();
    let now = now_us();
    let receipt = app
        .policy
        .receipt(&subject, &in_force, seen.language.tag(), now)?;
    let statement = INSERT_ACKNOWLEDGEMENT
        .bind(i64::from(user.account.0))
        .bind(i64::try_from(in_force.version).unwrap_or(i64::MAX))
        .bind(&seen.hash)
        .bind(now)
        .bind(&receipt);
    app.database.execute(statement).await?;
    Ok((StatusCode::CREATED, Json(state_of(&app, user.account).await?)))
}

/// Every receipt of an acknowledgement, oldest first.
#[utoipa::path(get, path = "/v1/me/receipts", tag = "my data", responses((status = 200, description = "number, version, hash and time of each")))]
pub(crate) async fn receipts(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let all = acknowledgements(&app, user.account).await?;
    let view = |(number, one): (usize, &Acknowledged)| {
        let version = app.policy.acknowledged(&one.hash);
        json!({ "number": number, "version": version.version, "hash": one.hash, "at": text(one.at_us) })
    };
    let receipts: Vec<Value> = (1..).zip(&all).map(view).collect();
    Ok(Json(json!({ "receipts": receipts })))
}

/// A receipt, for `ensoex verify receipt`.
#[utoipa::path(get, path = "/v1/me/receipts/{number}", tag = "my data",
    params(("number" = String, Path, description = "as listed, or `newest`")),
    responses((status = 200, description = "the signed receipt"), (status = 404, description = "problem: unknown_receipt")))]
pub(crate) async fn receipt(
    State(app): State<App>,
    user: User,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let mut all = acknowledgements(&app, user.account).await?;
    let found = match number.as_str() {
        "newest" => all.pop(),
        number => {
            let index = number
                .parse::<usize>()
                .ok()
                .and_then(|number| number.checked_sub(1));
            index
                .filter(|index| *index < all.len())
                .map(|index| all.swap_remove(index))
        }
    };
    let found = found.ok_or_else(|| {
        let detail = "There is no such receipt. Yours are listed at /v1/me/receipts.";
        Problem::not_found("unknown_receipt", detail)
    })?;
    Ok((attachment("ensoex-receipt.json"), found.receipt))
}

/// Which version applied to the person at a moment: the one in force then, and the newest that they had acknowledged by then.
#[utoipa::path(get, path = "/v1/me/policy/at", tag = "my data",
    params(("time" = String, Query, description = "2026-11-22T12:00:00Z, a date (its first moment, UTC), or milliseconds since 1970")),
    responses((status = 200, description = "in_force and acknowledged"), (status = 400, description = "problem: invalid_time, time_ahead"), (status = 404, description = "problem: before_first_version")))]
pub(crate) async fn mine_at(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<AtQuery>,
) -> Result<Json<Value>, Problem> {
    let at = past(&app.policy, &query.time)?;
    let in_force = in_force_at(&app.policy, at)?;
    let at_us = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    let all = acknowledgements(&app, user.account).await?;
    let acknowledged = all.iter().rev().find(|one| one.at_us <= at_us).map(|one| {
        let version = app.policy.acknowledged(&one.hash);
        json!({ "version": version_json(&version), "at": text(one.at_us) })
    });
    Ok(Json(
        json!({ "in_force": version_json(&in_force), "acknowledged": acknowledged }),
    ))
}
