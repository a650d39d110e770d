//! What a load balancer asks: is the process alive, can it serve, does it record?
//!
//! `/health/live`: 200 as long as the process answers. `/health/ready`: 200 once it serves what its role can serve.
//! `/health/primary`: 200 only where orders are recorded and everything is served. Else 503, with the same JSON. Says
//! nothing of accounts or persons; of messages, how many wait, were taken and were not; of what persons asked for under their rights, how many wait and how many are overdue; of movements that wait for a human, the same; of their
//! data, how many values should have been destroyed and were not; of incidents, how many are open and how many duties to tell
//! somebody are overdue.

use crate::front::Front;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensoex_exchange::{Exchange, Role};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::SystemTime;

/// The process answers.
pub(crate) async fn live() -> Response {
    answer(StatusCode::OK, json!({ "live": true }))
}

/// It serves what its role can serve.
pub(crate) async fn ready(State(front): State<Arc<Front>>) -> Response {
    let (exchange, serves, whole) = front.state();
    let role = exchange.as_ref().map(Exchange::role);
    let fine = match role {
        Some(Role::Standby) => serves,
        Some(Role::Primary { .. }) => whole,
        Some(Role::Stopped(_)) | None => false,
    };
    answer(status(fine), view(&front, exchange.as_ref()))
}

/// It records orders and serves everything.
pub(crate) async fn primary(State(front): State<Arc<Front>>) -> Response {
    let (exchange, _, whole) = front.state();
    let role = exchange.as_ref().map(Exchange::role);
    let fine = whole && matches!(role, Some(Role::Primary { .. }));
    answer(status(fine), view(&front, exchange.as_ref()))
}

fn status(fine: bool) -> StatusCode {
    match fine {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn view(front: &Front, exchange: Option<&Exchange>) -> Value {
    let mut view = exchange.map_or_else(starting, state);
    if let Some(object) = view.as_object_mut() {
        object.insert("requests".to_owned(), front.duties().view());
        object.insert("reviews".to_owned(), front.duties().reviews_view());
        object.insert("retention".to_owned(), front.duties().retention_view());
        object.insert("messages".to_owned(), front.duties().messages.view());
        object.insert("incidents".to_owned(), front.duties().incidents.view());
    }
    view
}

fn starting() -> Value {
    json!({ "role": "starting" })
}

fn state(exchange: &Exchange) -> Value {
    let (role, epoch) = match exchange.role() {
        Role::Standby => ("standby", None),
        Role::Primary { epoch } => ("primary", Some(epoch)),
        Role::Stopped(_) => ("stopped", None),
    };
    let lag = exchange.projection_lag();
    let snapshot = exchange.last_snapshot().map(|last| {
        let age = SystemTime::now().duration_since(last.written).unwrap_or_default();
        json!({ "sequence": last.sequence.0, "age_s": age.as_secs() })
    });
    json!({
        "role": role,
        "epoch": epoch,
        "sequence": lag.applied.0,
        "projections": {
            "sequence": lag.projected.0,
            "behind": lag.commands(),
            "behind_s": lag.behind.as_secs_f64(),
        },
        "snapshot": snapshot,
    })
}
