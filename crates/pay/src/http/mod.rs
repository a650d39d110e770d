//! The edge: routes, headers, limits. The API under `/v1` is signed; the pages under `/pay` are for browsers.

mod api;
mod browser;
mod failure;
mod form;
mod signed;

use crate::page;
use crate::processor::Processor;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use ensoex_pay_api::{BODY_BYTES_MAX, ErrorCode, Locale, SigningSecret};
use failure::Failure;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// Longest handling of a request.
const REQUEST_SECONDS_MAX: u64 = 40;

/// What every handler may need.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) processor: Arc<Processor>,
    pub(crate) request_secrets: Arc<Vec<SigningSecret>>,
    pub(crate) merchant_name: Arc<str>,
    pub(crate) test_mode: bool,
}

/// All routes.
pub(crate) fn router(edge: Edge) -> Router {
    let api = Router::new()
        .route("/v1/checkout_sessions", post(api::create_checkout_session))
        .route("/v1/checkout_sessions/{id}", get(api::checkout_session))
        .route(
            "/v1/checkout_sessions/{id}/expire",
            post(api::expire_checkout_session),
        )
        .route("/v1/payments", get(api::payments))
        .route("/v1/payments/{id}", get(api::payment))
        .route("/v1/payouts", get(api::payouts))
        .route("/v1/payouts/{id}", get(api::payout))
        .route("/v1/events", get(api::events))
        .route("/v1/balance", get(api::balance))
        .route_layer(axum::middleware::from_fn_with_state(edge.clone(), signed::verify));
    let pages = Router::new()
        .route("/", get(browser::home))
        .route("/pay/{session}", get(browser::show).post(browser::submit))
        .route("/pay/{session}/cancel", post(browser::cancel))
        .route("/pay/{session}/leave", post(browser::leave_challenge))
        .route("/pay/{session}/forget", post(browser::forget))
        .route("/pay/{session}/3ds/return", get(browser::return_from_challenge))
        .route("/assets/pay.css", get(stylesheet))
        .route("/assets/card.js", get(script));
    Router::new()
        .route("/health", get(health))
        .merge(api)
        .merge(pages)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(axum::middleware::from_fn_with_state(
            edge.clone(),
            browser::with_sentence,
        ))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .layer(CatchPanicLayer::new())
        .with_state(edge)
}

async fn health(State(edge): State<Edge>) -> Response {
    match edge.processor.store.read().await {
        Ok(_) => Json(serde_json::json!({"status": "ok"})).into_response(),
        Err(error) => Failure::internal(&error).into_response(),
    }
}

async fn stylesheet() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, page::STYLESHEET)
}

async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, page::SCRIPT)
}

async fn no_route(uri: Uri) -> Response {
    if uri.path().starts_with("/v1/") {
        Failure::of(ErrorCode::RouteNotFound).into_response()
    } else {
        browser::not_found(Locale::En)
    }
}

async fn no_method() -> Response {
    Failure::of(ErrorCode::MethodNotAllowed).into_response()
}
