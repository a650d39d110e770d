//! What was published when, for everybody: the version in force, every version, the version of a past moment, and the log of
//! versions with its proofs.
//!
//! A moment that has not passed is refused, because what applies then may still change. Knows no file and no person.

use crate::moment::{OfDay, read_moment};
use crate::policy_store::{PolicyStore, Wanted, version_json};
use crate::problem::{Asked, Problem};
use crate::public::PublicState;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Json, Router, routing::get};
use ensoex_exchange::At;
use ensoex_policy::{ProvenVersion, PublishedVersion, SignedHead};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The routes that everybody may ask.
pub(crate) fn router() -> Router<PublicState> {
    Router::new()
        .route("/v1/policy", get(policy))
        .route("/v1/policy/at", get(policy_at))
        .route("/v1/policy/versions", get(policy_versions))
        .route("/v1/policy/versions/{version}", get(policy_version))
        .route("/v1/transparency/policy", get(head))
        .route("/v1/transparency/policy/log", get(log))
        .route("/v1/transparency/policy/consistency", get(consistency))
        .route("/v1/transparency/policy/inclusion", get(inclusion))
}

/// Terms, Policy and glossary in force.
#[utoipa::path(get, path = "/v1/policy", tag = "public", responses((status = 200, description = "the version in force with its documents")))]
pub(crate) async fn policy(State(state): State<PublicState>) -> Json<Value> {
    Json(state.policy.documents_json())
}

/// Every published version, newest first.
#[utoipa::path(get, path = "/v1/policy/versions", tag = "public", responses((status = 200, description = "all versions")))]
pub(crate) async fn policy_versions(State(state): State<PublicState>) -> Json<Value> {
    Json(state.policy.versions_json())
}

/// A version with its documents, by its number or its hash.
#[utoipa::path(get, path = "/v1/policy/versions/{version}", tag = "public",
    params(("version" = String, Path, description = "its number, or its hash: sha256: and 64 digits")),
    responses((status = 200, description = "the version with its documents"), (status = 400, description = "problem: invalid_version"), (status = 404, description = "problem: unknown_version")))]
pub(crate) async fn policy_version(
    State(state): State<PublicState>,
    Path(version): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found = find(&state.policy, &version)?;
    Ok(Json(state.policy.with_documents(&found)))
}

/// The version of a number or a hash, as somebody typed it.
pub(crate) fn find(policy: &PolicyStore, version: &str) -> Result<PublishedVersion, Problem> {
    let wanted = Wanted::read(version).ok_or_else(|| {
        let detail = "Write the version as its number, for example 2, or as its hash: sha256: and 64 lower-case hexadecimal \
                      digits. All versions are at /v1/policy/versions.";
        Problem::bad_request("invalid_version", detail).field("version")
    })?;
    let found = policy.versions().find(wanted).cloned();
    found.ok_or_else(|| {
        let detail = "No such version was published. All versions are at /v1/policy/versions.";
        Problem::not_found("unknown_version", detail)
    })
}

/// A moment of the past.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AtQuery {
    pub(crate) time: String,
}

/// Which version was in force at a moment.
#[utoipa::path(get, path = "/v1/policy/at", tag = "public",
    params(("time" = String, Query, description = "2026-11-22T12:00:00Z, a date (its first moment, UTC), or milliseconds since 1970")),
    responses((status = 200, description = "the version that was in force, with its documents"), (status = 400, description = "problem: invalid_time, time_ahead"), (status = 404, description = "problem: before_first_version")))]
pub(crate) async fn policy_at(
    State(state): State<PublicState>,
    Asked(query): Asked<AtQuery>,
) -> Result<Json<Value>, Problem> {
    let at = past(&state.policy, &query.time)?;
    let version = in_force_at(&state.policy, at)?;
    Ok(Json(state.policy.with_documents(&version)))
}

/// A moment that has passed.
pub(crate) fn past(policy: &PolicyStore, time: &str) -> Result<OffsetDateTime, Problem> {
    let invalid = || {
        let detail = "Write the time as in 2026-11-22T12:00:00Z, as a date (2026-11-22), or as milliseconds since 1970.";
        Problem::bad_request("invalid_time", detail).field("time")
    };
    let at = match OffsetDateTime::parse(time, &Rfc3339) {
        Ok(at) => at,
        Err(_) => {
            let At::Time(moment) = read_moment(time, OfDay::First, "time").map_err(|_| invalid())? else {
                return Err(invalid());
            };
            let nanoseconds = i128::from(moment.0) * 1_000;
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).map_err(|_| invalid())?
        }
    };
    if at > policy.now() {
        let detail = "That time is still ahead, and what applies then may change. What is published already is at \
                      /v1/policy/versions.";
        return Err(Problem::bad_request("time_ahead", detail).field("time"));
    }
    Ok(at)
}

pub(crate) fn in_force_at(policy: &PolicyStore, at: OffsetDateTime) -> Result<PublishedVersion, Problem> {
    let found = policy.versions().in_force(at).cloned();
    found.ok_or_else(|| {
        let first = policy.versions().all().first().map(version_json);
        let detail = "Nothing was in force yet then. Ask for a time from the first version on.";
        Problem::not_found("before_first_version", detail).with("first", first)
    })
}

/// The signed head of the log of versions.
#[utoipa::path(get, path = "/v1/transparency/policy", tag = "public", responses((status = 200, description = "the signed head: keep it, and compare later")))]
pub(crate) async fn head(State(state): State<PublicState>) -> Json<SignedHead> {
    Json(state.policy.head())
}

/// The log itself, for `ensoex verify policy-log FILE`.
#[utoipa::path(get, path = "/v1/transparency/policy/log", tag = "public", responses((status = 200, description = "one line of JSON a version")))]
pub(crate) async fn log(State(state): State<PublicState>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"policy-log.jsonl\"",
        ),
    ];
    (headers, state.policy.log_text())
}

/// Between which sizes of the log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsistencyQuery {
    first: u64,
    second: u64,
}

/// The proof (RFC 9162) that a later log continues an earlier one.
#[utoipa::path(get, path = "/v1/transparency/policy/consistency", tag = "public",
    params(("first" = u64, Query, description = "size of the earlier head"), ("second" = u64, Query, description = "size of the later head")),
    responses((status = 200, description = "the proof"), (status = 400, description = "problem: invalid_sizes")))]
pub(crate) async fn consistency(
    State(state): State<PublicState>,
    Asked(query): Asked<ConsistencyQuery>,
) -> Result<Json<Value>, Problem> {
    let ConsistencyQuery { first, second } = query;
    let proof = state.policy.consistency(first, second).ok_or_else(|| {
        let versions = state.policy.versions().all().len();
        let detail =
            format!("The sizes are those of two heads: from 1 to {versions}, the smaller one first.");
        Problem::bad_request("invalid_sizes", detail)
    })?;
    Ok(Json(json!({ "first": first, "second": second, "proof": proof })))
}

/// Of which version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InclusionQuery {
    version: u64,
}

/// The proof (RFC 9162) that a version is in the log.
#[utoipa::path(get, path = "/v1/transparency/policy/inclusion", tag = "public",
    params(("version" = u64, Query, description = "number of the version")),
    responses((status = 200, description = "the version's line and the proof"), (status = 404, description = "problem: unknown_version")))]
pub(crate) async fn inclusion(
    State(state): State<PublicState>,
    Asked(query): Asked<InclusionQuery>,
) -> Result<Json<ProvenVersion>, Problem> {
    let proven = state.policy.inclusion(query.version).ok_or_else(|| {
        let detail = "No such version was published. All versions are at /v1/policy/versions.";
        Problem::not_found("unknown_version", detail)
    })?;
    Ok(Json(proven))
}
