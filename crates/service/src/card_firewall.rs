//! No card number comes into the Service: a request that holds one is refused before any handler sees it.
//!
//! Looked at are the path, the query, every header and the body: each name and value by itself, then values of one request
//! together, in which a number may be spread over fields. What is refused is neither stored nor logged; the answer names the
//! field where that is safe to repeat. Messages on WebSockets pass the same check in `spot-api`; the streams of `/v1` read
//! nothing. It does not know pictures (see [`ensoex_card_firewall`] for what else).

use crate::limits::BODY_BYTES_MAX;
use crate::problem::Problem;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ensoex_card_firewall::leaves;
use ensoex_card_firewall::{find, find_split};
use percent_encoding::percent_decode_str;
use serde_json::json;

/// The code of the trading convention for a parameter with characters that it must not have.
const ILLEGAL_CHARACTERS: i64 = -1100;
const DETAIL: &str = "This looks like a card number, and EnsoEx takes none: a card is entered on EnsoExPAY's own page only. \
                      Nothing was stored. Leave it out and send the rest again.";
/// Names of amounts, times and the Service's own numbers: values of their own, of which neighbours are no parts of one.
const NUMBERS: [&str; 11] = [
    "price", "quantity", "qty", "amount", "notional", "time", "window", "limit", "orderid", "order_id",
    "tradeid",
];
/// Headers that carry addresses and numbers of proxies, of traces or of the body. The Service keeps none of them.
const HEADERS_OF_OTHERS: [&str; 16] = [
    "host",
    "via",
    "forwarded",
    "x-real-ip",
    "true-client-ip",
    "traceparent",
    "tracestate",
    "b3",
    "x-request-id",
    "x-correlation-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "content-length",
    "if-none-match",
    "sec-websocket-key",
    "x-client-ip",
];
const HEADERS_OF_OTHERS_BEGIN: [&str; 4] = ["x-forwarded-", "x-b3-", "x-datadog-", "cf-"];

/// Middleware: refuses a request that holds a card number.
pub(crate) async fn refuse_card_numbers(request: Request, next: Next) -> Response {
    let spot = request.uri().path().starts_with("/api/");
    if let Some((place, field)) = in_head(request.uri(), request.headers()) {
        return refusal(spot, place, field);
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
        return too_large(spot);
    };
    if let Some(field) = in_body(spot, &bytes) {
        return refusal(spot, "body", field);
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// Where a card number stands: the name of the field, or an empty one.
type FieldName = String;

fn in_head(uri: &Uri, headers: &HeaderMap) -> Option<(&'static str, FieldName)> {
    let path = percent_decode_str(uri.path()).decode_utf8_lossy();
    if find(&path).is_some() {
        return Some(("path", FieldName::new()));
    }
    if let Some(field) = uri.query().and_then(in_form) {
        return Some(("query", field));
    }
    let own = headers.iter().filter(|(name, _)| !is_of_others(name.as_str()));
    own.into_iter().find_map(|(name, value)| {
        let holds = find(&String::from_utf8_lossy(value.as_bytes())).is_some();
        (holds || find(name.as_str()).is_some()).then(|| ("header", named(name.as_str())))
    })
}

fn is_of_others(header: &str) -> bool {
    HEADERS_OF_OTHERS.contains(&header)
        || HEADERS_OF_OTHERS_BEGIN
            .iter()
            .any(|beginning| header.starts_with(beginning))
}

/// The trading API reads any body as a form, all else is JSON; what is neither is looked at as it stands.
fn in_body(spot: bool, bytes: &Bytes) -> Option<FieldName> {
    if bytes.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    if !spot && let Ok(leaves) = leaves(&text) {
        let fields = leaves
            .iter()
            .map(|leaf| (leaf.name.as_str(), leaf.value.as_str(), leaf.is_text));
        return in_fields(fields.collect());
    }
    in_form(&text).or_else(|| find(&text).map(|_| FieldName::new()))
}

/// In a query or a form.
fn in_form(text: &str) -> Option<FieldName> {
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    let fields = pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref(), true));
    in_fields(fields.collect())
}

/// Fields: the name, the value, and whether the value is text.
fn in_fields(fields: Vec<(&str, &str, bool)>) -> Option<FieldName> {
    let whole = fields
        .iter()
        .find(|(name, value, _)| find(value).is_some() || find(name).is_some());
    if let Some((name, ..)) = whole {
        return Some(named(name));
    }
    let part = |(name, value, is_text): &(&str, &str, bool)| match *is_text && !is_number(name) {
        true => (*value).to_owned(),
        // No part of anything.
        false => "-".to_owned(),
    };
    let parts: Vec<String> = fields.iter().map(part).collect();
    let split = find_split(parts.iter().map(String::as_str))?;
    fields.get(split).map(|(name, ..)| named(name))
}

fn is_number(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NUMBERS.iter().any(|number| name.contains(number))
}

/// A field's name as it may be repeated: a plain one without a number in it.
fn named(name: &str) -> FieldName {
    let is_plain = name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-');
    if is_plain {
        name.to_owned()
    } else {
        FieldName::new()
    }
}

fn refusal(spot: bool, place: &'static str, field: FieldName) -> Response {
    tracing::info!(place, "a request with a card number was refused");
    if spot {
        return spot_answer(StatusCode::BAD_REQUEST, ILLEGAL_CHARACTERS, DETAIL);
    }
    let problem = Problem::bad_request("card_number", DETAIL);
    match field.is_empty() {
        true => problem.into_response(),
        false => problem.with("field", field).into_response(),
    }
}

fn too_large(spot: bool) -> Response {
    if spot {
        return spot_answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            -1101,
            "Too many parameters sent for this endpoint.",
        );
    }
    let detail = format!("Send at most {BODY_BYTES_MAX} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into_response()
}

fn spot_answer(status: StatusCode, code: i64, text: &str) -> Response {
    let json = HeaderValue::from_static("application/json");
    let body = json!({ "code": code, "msg": text }).to_string();
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
