//! Public routes are limited for each visitor. They are counted with those of the trading API (`ensoex_spot_api`): in memory, by a keyed
//! hash of the network that they come from, under a key that is drawn anew each day.
//!
//! It knows no visitor: behind a proxy all of them are one, unless the proxy's word on them is handed on.

use crate::limits::PUBLIC_VISIT_WEIGHT;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensoex_spot_api::SpotApi;

/// Middleware: whoever asks too often is told when to come again.
pub(crate) async fn limit(State(spot): State<SpotApi>, request: Request, next: Next) -> Response {
    let Err(retry_after_s) = spot.count_visit(request.extensions(), PUBLIC_VISIT_WEIGHT) else {
        return next.run(request).await;
    };
    let detail = "There were too many requests from your network. Wait a little, then go on.";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
    let mut response = problem.with("retry_after_s", retry_after_s).into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}
