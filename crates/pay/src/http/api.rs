//! The API that the Service calls.

use super::Edge;
use super::failure::Failure;
use crate::processor::{CreateError, Ended};
use crate::store::{event, money, session};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Json;
use ensoex_pay_api::{
    Balance, CheckoutSession, ClientReference, CreateCheckoutSession, EVENTS_PER_PAGE_MAX, ErrorCode,
    EventList, IDEMPOTENCY_KEY_HEADER, InvalidCheckoutSession, Payment, PaymentList, Payout, PayoutList,
};
use serde::Deserialize;

/// Events in one answer when the caller does not say.
const EVENTS_PER_PAGE: u32 = 100;

type Answer<T> = Result<Json<T>, Failure>;

/// `POST /v1/checkout_sessions`.
pub(crate) async fn create_checkout_session(
    State(edge): State<Edge>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<CheckoutSession> {
    let key = idempotency_key(&headers)?;
    let request: CreateCheckoutSession =
        serde_json::from_slice(&body).map_err(|_| Failure::of(ErrorCode::BodyMalformed))?;
    request.validate().map_err(|error| {
        let code = match error {
            InvalidCheckoutSession::Amount => ErrorCode::AmountInvalid,
            InvalidCheckoutSession::ReturnUrl => ErrorCode::ReturnUrlInvalid,
            InvalidCheckoutSession::Documents => ErrorCode::DocumentsInvalid,
        };
        Failure::with_message(code, format!("Refused: {error}."))
    })?;
    let session = edge
        .processor
        .create_session(&key, &request)
        .await
        .map_err(|error| match error {
            CreateError::KeyReused => Failure::of(ErrorCode::IdempotencyKeyReused),
            CreateError::ReferenceTaken => Failure::of(ErrorCode::ClientReferenceTaken),
            CreateError::Store(error) => Failure::internal(&error),
        })?;
    Ok(Json(session.to_api(&edge.processor.public_url)?))
}

/// `GET /v1/checkout_sessions/{id}`.
pub(crate) async fn checkout_session(
    State(edge): State<Edge>,
    Path(id): Path<String>,
) -> Answer<CheckoutSession> {
    let mut connection = edge.processor.store.read().await?;
    let session = found(session::find(&mut connection, &id).await?)?;
    Ok(Json(session.to_api(&edge.processor.public_url)?))
}

/// `POST /v1/checkout_sessions/{id}/expire`.
pub(crate) async fn expire_checkout_session(
    State(edge): State<Edge>,
    Path(id): Path<String>,
) -> Answer<CheckoutSession> {
    match edge.processor.expire(&id).await? {
        Ended::Now(session) | Ended::Before(session) => Ok(Json(session.to_api(&edge.processor.public_url)?)),
        Ended::InFlight => Err(Failure::of(ErrorCode::SessionNotOpen)),
        Ended::Unknown => Err(Failure::of(ErrorCode::NotFound)),
    }
}

/// `GET /v1/payments/{id}`.
pub(crate) async fn payment(State(edge): State<Edge>, Path(id): Path<String>) -> Answer<Payment> {
    let mut connection = edge.processor.store.read().await?;
    Ok(Json(found(money::find_payment(&mut connection, &id).await?)?))
}

/// `GET /v1/payouts/{id}`.
pub(crate) async fn payout(State(edge): State<Edge>, Path(id): Path<String>) -> Answer<Payout> {
    let mut connection = edge.processor.store.read().await?;
    Ok(Json(found(money::find_payout(&mut connection, &id).await?)?))
}

/// The query of the lists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByReference {
    client_reference: ClientReference,
}

/// `GET /v1/payments?client_reference=`.
pub(crate) async fn payments(
    State(edge): State<Edge>,
    query: Result<Query<ByReference>, QueryRejection>,
) -> Answer<PaymentList> {
    let Query(query) = query.map_err(|_| Failure::of(ErrorCode::ParameterInvalid))?;
    let mut connection = edge.processor.store.read().await?;
    let payment = money::find_payment_by_reference(&mut connection, query.client_reference.as_str()).await?;
    Ok(Json(PaymentList {
        data: payment.into_iter().collect(),
        has_more: false,
    }))
}

/// `GET /v1/payouts?client_reference=`.
pub(crate) async fn payouts(
    State(edge): State<Edge>,
    query: Result<Query<ByReference>, QueryRejection>,
) -> Answer<PayoutList> {
    let Query(query) = query.map_err(|_| Failure::of(ErrorCode::ParameterInvalid))?;
    let mut connection = edge.processor.store.read().await?;
    let payout = money::find_payout_by_reference(&mut connection, query.client_reference.as_str()).await?;
    Ok(Json(PayoutList {
        data: payout.into_iter().collect(),
        has_more: false,
    }))
}

/// The query of the events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

/// `GET /v1/events?after=&limit=`.
pub(crate) async fn events(
    State(edge): State<Edge>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Answer<EventList> {
    let Query(query) = query.map_err(|_| Failure::of(ErrorCode::ParameterInvalid))?;
    let limit = query.limit.unwrap_or(EVENTS_PER_PAGE);
    if query.after < 0 || limit == 0 || limit > EVENTS_PER_PAGE_MAX {
        let message =
            format!("`after` must not be negative, and `limit` must be 1 to {EVENTS_PER_PAGE_MAX}.");
        return Err(Failure::with_message(ErrorCode::ParameterInvalid, message));
    }
    let mut connection = edge.processor.store.read().await?;
    Ok(Json(event::list(&mut connection, query.after, limit).await?))
}

/// `GET /v1/balance`.
pub(crate) async fn balance(State(edge): State<Edge>) -> Answer<Balance> {
    let mut connection = edge.processor.store.read().await?;
    Ok(Json(money::balance(&mut connection).await?))
}

fn found<T>(object: Option<T>) -> Result<T, Failure> {
    object.ok_or_else(|| Failure::of(ErrorCode::NotFound))
}

/// The key has the alphabet of a client reference.
fn idempotency_key(headers: &HeaderMap) -> Result<String, Failure> {
    let key = headers
        .get(IDEMPOTENCY_KEY_HEADER)
        .and_then(|value| value.to_str().ok());
    key.and_then(|key| key.parse::<ClientReference>().ok())
        .map(String::from)
        .ok_or_else(|| Failure::of(ErrorCode::IdempotencyKeyInvalid))
}
