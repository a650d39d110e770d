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
use ensoex_card_firewall::{find, find_split};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The code of the trading convention for a parameter with characters that it must not have.
const ILLEGAL_CHARACTERS: i64 = -1100;
const DETAIL: &str = "This looks like a card number, and EnsoEx takes none: a card is entered on EnsoExPAY's own page only. \
                      Nothing was stored. Leave it out and send the rest again.";
/// Names of amounts and times: numbers of their own, of which neighbours are no parts of one.
const AMOUNTS: [&str; 9] = [
    "price", "quantity", "qty", "amount", "notional", "time", "window", "limit", "callback",
];

/// A name, and what stands under it. Values without a name have an empty one.
type Field<'a> = (&'a str, &'a str);

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
    if let Some(field) = in_body(&parts.headers, &bytes) {
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
    headers.iter().find_map(|(name, value)| {
        let holds = find(&String::from_utf8_lossy(value.as_bytes())).is_some();
        (holds || find(name.as_str()).is_some()).then(|| ("header", named(name.as_str())))
    })
}

fn in_body(headers: &HeaderMap, bytes: &Bytes) -> Option<FieldName> {
    if bytes.is_empty() {
        return None;
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let text = String::from_utf8_lossy(bytes);
    if is_form {
        return in_form(&text);
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => in_json(&value),
        Err(_) => find(&text).map(|_| FieldName::new()),
    }
}

/// In a query or a form.
fn in_form(text: &str) -> Option<FieldName> {
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    in_fields(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
}

fn in_json(value: &Value) -> Option<FieldName> {
    let mut fields = Vec::new();
    leaves("", value, &mut fields);
    in_fields(fields.iter().map(|(name, value)| (*name, value.as_str())))
}

/// Every value with its name, in the order in which they stand.
fn leaves<'a>(name: &'a str, value: &'a Value, into: &mut Vec<(&'a str, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            into.push((name, String::new()));
            leaves(name, value, into);
        }),
        Value::Array(values) => values.iter().for_each(|value| leaves(name, value, into)),
        Value::String(text) => into.push((name, text.clone())),
        Value::Number(number) => into.push((name, number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

fn in_fields<'a>(fields: impl Iterator<Item = Field<'a>>) -> Option<FieldName> {
    let fields: Vec<Field<'_>> = fields.collect();
    let whole = fields
        .iter()
        .find(|(name, value)| find(value).is_some() || find(name).is_some());
    if let Some((name, _)) = whole {
        return Some(named(name));
    }
    let parts: Vec<Field<'_>> = fields.into_iter().filter(|(name, _)| !is_amount(name)).collect();
    let split = find_split(parts.iter().map(|(_, value)| *value))?;
    parts.get(split).map(|(name, _)| named(name))
}

fn is_amount(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    AMOUNTS.iter().any(|amount| name.contains(amount))
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
