//! The public sections. Built on a state that cannot name a session, a user or a vault: markets, documents, the table of
//! what is held and why, signed heads.

use crate::cards::CARD_LIMITS;
use crate::limits::{PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN};
use crate::policy_store::PolicyStore;
use crate::problem::{Asked, Problem};
use axum::extract::State;
use axum::{Json, Router, routing::get};
use ensoex_exchange::Exchange;
use ensoex_types::{MarketState, format_decimal};
use ensoex_vault::SignedHead;
use ensoex_vault::catalogue::{Language, table};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Asks for the access log's signed head, which says nothing about anybody.
pub(crate) type HeadSource = Arc<dyn Fn() -> SignedHead + Send + Sync>;

/// All that public handlers can reach.
#[derive(Clone)]
pub(crate) struct PublicState {
    pub(crate) exchange: Exchange,
    pub(crate) policy: PolicyStore,
    /// Origin under which browsers reach the Service.
    pub(crate) public_url: String,
    pub(crate) access_head: HeadSource,
    pub(crate) statistics: Arc<crate::improvement::Published>,
    pub(crate) disclosed: Arc<crate::disclosures::Published>,
    pub(crate) demo: bool,
}

/// The router of the public sections.
pub(crate) fn router(state: PublicState) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/v1/markets", get(markets))
        .merge(crate::policy_history::router())
        .merge(crate::documents::router())
        .route("/v1/catalogue", get(catalogue))
        .route("/v1/clauses", get(crate::clauses::clauses))
        .route("/v1/registration/limits", get(registration_limits))
        .route("/v1/transparency/access", get(access_head))
        .route("/v1/transparency/statistics", get(statistics))
        .route("/v1/transparency/disclosures", get(crate::disclosures::counts))
        .route("/v1/transparency/receipt-key", get(receipt_key))
        .route("/v1/openapi.json", get(crate::openapi::document))
        .with_state(state)
}

/// Whether the Service runs.
#[utoipa::path(get, path = "/health", tag = "public", responses((status = 200, description = "running")))]
pub(crate) async fn health(State(state): State<PublicState>) -> Json<Value> {
    Json(json!({ "status": "ok", "service": "ensoex", "demo": state.demo }))
}

/// Markets and assets with their units and limits.
#[utoipa::path(get, path = "/v1/markets", tag = "public", responses((status = 200, description = "markets and assets")))]
pub(crate) async fn markets(State(state): State<PublicState>) -> Json<Value> {
    let markets: Vec<Value> = state
        .exchange
        .markets()
        .iter()
        .map(|market| {
            let spec = &market.spec;
            let state = state
                .exchange
                .read(|engine| engine.market_state(market.market))
                .unwrap_or_default();
            json!({
                "symbol": spec.symbol,
                "base": market.base.code,
                "quote": market.quote.code,
                "tick_size": market.tick_size_text(),
                "lot_size": market.lot_size_text(),
                "price_min": market.price_text(spec.price_min),
                "price_max": market.price_text(spec.price_max),
                "quantity_min": market.quantity_text(spec.quantity_min),
                "quantity_max": market.quantity_text(spec.quantity_max),
                "notional_min": market.quote_text(spec.notional_min),
                "notional_max": market.quote_text(spec.notional_max),
                "maker_fee": format_decimal(i128::from(spec.base_fees().maker.0), 6),
                "taker_fee": format_decimal(i128::from(spec.base_fees().taker.0), 6),
                "state": match state {
                    MarketState::Trading => "trading",
                    MarketState::CancelOnly => "cancel_only",
                    MarketState::Halted => "halted",
                    MarketState::Delisted => "delisted",
                },
            })
        })
        .collect();
    let assets: Vec<Value> = state
        .exchange
        .assets()
        .iter()
        .map(|asset| {
            let by_card = CARD_LIMITS.iter().any(|limit| limit.currency.code() == asset.code);
            let display_decimals = if by_card { 2 } else { asset.scale };
            json!({ "code": asset.code, "scale": asset.scale, "display_decimals": display_decimals, "card": by_card })
        })
        .collect();
    Json(json!({ "markets": markets, "assets": assets }))
}

/// In which language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LanguageQuery {
    language: Option<String>,
}

/// English unless another is asked for.
pub(crate) fn language_of(query: &LanguageQuery) -> Result<Language, Problem> {
    match query.language.as_deref() {
        None | Some("en") => Ok(Language::English),
        Some("uk") => Ok(Language::Ukrainian),
        Some(_) => {
            Err(Problem::bad_request("unknown_language", "The language is en or uk.").field("language"))
        }
    }
}

/// What we hold about people and why: generated from the vault's catalogue.
#[utoipa::path(get, path = "/v1/catalogue", tag = "public", params(("language" = Option<String>, Query, description = "en or uk")),
    responses((status = 200, description = "every field of personal data")))]
pub(crate) async fn catalogue(Asked(query): Asked<LanguageQuery>) -> Result<Json<Value>, Problem> {
    let language = language_of(&query)?;
    let fields: Vec<Value> = table(language)
        .iter()
        .map(|row| {
            json!({
                "field": row.field, "title": row.label, "category": row.category, "asked_at": row.asked,
                "why": row.reason, "purposes": row.purposes, "recipients": row.recipients,
                "retention": row.retention, "legal_hold": row.legal_hold,
            })
        })
        .collect();
    Ok(Json(json!({ "fields": fields })))
}

/// What a registration needs to know beforehand.
#[utoipa::path(get, path = "/v1/registration/limits", tag = "public", responses((status = 200, description = "limits of card transfers and passwords")))]
pub(crate) async fn registration_limits() -> Json<Value> {
    let mut by_card = Map::new();
    for limit in &CARD_LIMITS {
        let bound = |minor: i64| format_decimal(i128::from(minor), 2);
        by_card.insert(
            limit.currency.code().to_owned(),
            json!({ "min": bound(limit.minor_min), "max": bound(limit.minor_max) }),
        );
    }
    Json(json!({
        "deposit": by_card, "withdrawal": by_card,
        "password": { "length_min": PASSWORD_LENGTH_MIN, "length_max": PASSWORD_LENGTH_MAX },
    }))
}

/// The signed head of the log of accesses to personal data.
#[utoipa::path(get, path = "/v1/transparency/access", tag = "public", responses((status = 200, description = "the signed head")))]
pub(crate) async fn access_head(State(state): State<PublicState>) -> Json<SignedHead> {
    Json((state.access_head)())
}

/// What improving the Service learned of its users as a whole: counts with noise, and what they cost in privacy.
#[utoipa::path(get, path = "/v1/transparency/statistics", tag = "public", responses((status = 200, description = "every release")))]
pub(crate) async fn statistics(State(state): State<PublicState>) -> Json<Value> {
    Json(state.statistics.view())
}

/// The public key that signs acceptance receipts, for `ensoex verify receipt FILE --key HEX`.
#[utoipa::path(get, path = "/v1/transparency/receipt-key", tag = "public", responses((status = 200, description = "Ed25519 public key, hexadecimal")))]
pub(crate) async fn receipt_key(State(state): State<PublicState>) -> Json<Value> {
    Json(json!({ "algorithm": "Ed25519", "public_key": state.policy.receipt_public_key() }))
}
