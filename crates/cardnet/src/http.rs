//! The network's HTTP side: 3-D Secure between servers, the cardholder's challenge page, the ledger to read.

use crate::network::Network;
use crate::page;
use crate::three_d_secure::AuthenticationRequest;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

/// Largest request body, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Longest handling of a request.
const REQUEST_SECONDS_MAX: u64 = 15;

/// All routes.
pub(crate) fn router(network: Network) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/ledger.json", get(ledger))
        .route("/3ds/areq", post(authentication_request))
        .route("/3ds/result/{server_transaction}", get(result))
        .route(
            "/3ds/challenge/{challenge}",
            get(challenge).post(challenge_answer),
        )
        .route("/assets/style.css", get(style))
        .fallback(|| async { page::message(StatusCode::NOT_FOUND, "There is no such page here.") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .with_state(network)
}

async fn home() -> Response {
    document(StatusCode::OK, page::home(), "'self'")
}

async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, include_str!("../assets/style.css"))
}

async fn ledger(State(network): State<Network>) -> Response {
    match network.ledger.statement().await {
        Ok(statement) => Json(statement).into_response(),
        Err(error) => failed(&error),
    }
}

async fn authentication_request(State(network): State<Network>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<AuthenticationRequest>(&body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            "the body is not an authentication request",
        );
    };
    match network
        .three_d_secure
        .request(&request, crate::clock::now())
        .await
    {
        Ok(Ok(response)) => Json(response).into_response(),
        Ok(Err(error)) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => failed(&error),
    }
}

async fn result(State(network): State<Network>, Path(server_transaction): Path<String>) -> Response {
    match network
        .three_d_secure
        .result(&server_transaction, crate::clock::now())
        .await
    {
        Ok(Some(response)) => Json(response).into_response(),
        Ok(None) => refused(StatusCode::NOT_FOUND, "there is no such authentication"),
        Err(error) => failed(&error),
    }
}

async fn challenge(State(network): State<Network>, Path(id): Path<String>) -> Response {
    match network.three_d_secure.challenge(&id, crate::clock::now()).await {
        Ok(Some(challenge)) if challenge.pending => {
            let wrong_code = challenge.tries_left < 3;
            let targets = format!("'self' {}", origin(&challenge.return_url));
            document(StatusCode::OK, page::challenge(&challenge, wrong_code), &targets)
        }
        // Answered before: the browser came back by its history.
        Ok(Some(challenge)) => Redirect::to(&challenge.return_url).into_response(),
        Ok(None) => page::message(
            StatusCode::NOT_FOUND,
            "This confirmation does not exist or is over.",
        ),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
struct ChallengeAnswer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    answer: String,
}

async fn challenge_answer(
    State(network): State<Network>,
    Path(id): Path<String>,
    Form(form): Form<ChallengeAnswer>,
) -> Response {
    let now = crate::clock::now();
    let done = match form.answer.as_str() {
        "refuse" => network.three_d_secure.refuse(&id).await,
        _ => network.three_d_secure.confirm(&id, form.code.trim(), now).await,
    };
    if let Err(error) = done {
        return failed(&error);
    }
    match network.three_d_secure.challenge(&id, now).await {
        Ok(Some(challenge)) if challenge.pending => {
            Redirect::to(&format!("/3ds/challenge/{id}")).into_response()
        }
        Ok(Some(challenge)) => Redirect::to(&challenge.return_url).into_response(),
        Ok(None) => page::message(
            StatusCode::NOT_FOUND,
            "This confirmation does not exist or is over.",
        ),
        Err(error) => failed(&error),
    }
}

/// A page with the headers that every page has. `form_targets` are the origins that its forms may lead to.
pub(crate) fn document(status: StatusCode, markup: Markup, form_targets: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {form_targets}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    (status, headers, markup).into_response()
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "a request failed");
    refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the card network failed; try again",
    )
}

/// Scheme and authority of a URL.
fn origin(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |index| index + 3);
    let end = url[after_scheme..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |index| after_scheme + index);
    &url[..end]
}

#[cfg(test)]
mod tests {
    #[test]
    fn origins_end_before_the_path() {
        for (url, origin) in [
            ("http://127.0.0.1:8090/pay/x?y", "http://127.0.0.1:8090"),
            ("https://pay.example", "https://pay.example"),
            ("https://pay.example?x", "https://pay.example"),
        ] {
            assert_eq!(super::origin(url), origin);
        }
    }
}
