//! Errors of `/v1`, as RFC 9457 problem details: a stable code, and a sentence that says what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensoex_sql::SqlError;
use serde_json::{Map, Value, json};

/// A refusal or failure as the caller sees it. Private context is logged where it arises, never carried here.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<&'static str>,
    more: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            code,
            detail: detail.into(),
            field: None,
            more: Map::new(),
        }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Something is wrong on our side. The cause goes to the log, without personal data; the caller learns that nothing
    /// was changed by this request beyond what it sees.
    pub(crate) fn internal(context: &str, cause: &dyn std::error::Error) -> Problem {
        tracing::error!(context, %cause, "request failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. Look at the current state before you try again.",
        )
    }

    /// What is told to whoever asked.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn field(mut self, field: &'static str) -> Problem {
        self.field = Some(field);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("/problems/{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(object) = body.as_object_mut() {
            if let Some(field) = self.field {
                object.insert("field".to_owned(), field.into());
            }
            object.extend(self.more);
        }
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Problem {
        if matches!(error, SqlError::OutcomeUnknown { .. }) {
            tracing::error!(%error, "whether something was stored is not known");
            return Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "outcome_unknown",
                "We cannot say yet whether this was stored. Look before you try again.",
            );
        }
        if !error.is_unavailable() {
            return Problem::internal("service database", &error);
        }
        tracing::error!(%error, "nothing can be stored");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "storage_unavailable",
            "We cannot store anything at the moment. This request moved nothing; try again later, and what it began goes on.",
        )
    }
}

impl From<ensoex_vault::VaultError> for Problem {
    fn from(error: ensoex_vault::VaultError) -> Problem {
        use ensoex_vault::VaultError;
        match error {
            VaultError::Storage(error) => error.into(),
            VaultError::AccessLogUnavailable => {
                tracing::error!(%error, "the vault stays shut");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "access_log_unavailable",
                    "Personal data stays closed at the moment, because each access must be recorded first and cannot be. \
                     Nothing was changed; try again later.",
                )
            }
            VaultError::HeldByLaw { law, until_ms } => {
                let until = crate::clock::text_ms(until_ms);
                let law = law.as_str();
                let detail = format!(
                    "Law ({law}) forbids us to replace or remove this before {until}, so nothing was changed. What is held \
                     stands at /v1/me/erasure; ask us about it with a request under your rights."
                );
                Problem::new(StatusCode::CONFLICT, "held_by_law", detail)
            }
            error => Problem::internal("vault", &error),
        }
    }
}

impl From<ensoex_exchange::HistoryError> for Problem {
    fn from(error: ensoex_exchange::HistoryError) -> Problem {
        Problem::internal("history", &error)
    }
}

impl From<ensoex_exchange::SubmitError> for Problem {
    fn from(error: ensoex_exchange::SubmitError) -> Problem {
        use ensoex_exchange::SubmitError;
        tracing::error!(%error, "the exchange gave no outcome");
        let (code, detail) = match error {
            SubmitError::LogUnavailable | SubmitError::Overloaded => (
                "exchange_unavailable",
                "The exchange cannot record this at the moment. Nothing was moved; try again in a moment.",
            ),
            SubmitError::OutcomeUnknown | SubmitError::Stopped => (
                "outcome_unknown",
                "The exchange is restarting and cannot say yet whether this was recorded. \
                 Look at your orders and balances before you try again.",
            ),
        };
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }
}

/// A query string that says what is wrong with it.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T, S> axum::extract::FromRequestParts<S> for Asked<T>
where
    T: serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Asked<T>, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|query| Asked(query.0)).map_err(|_| {
            let detail = "The query has a parameter that this address does not take, twice the same, or a value of another \
                          kind. The document at /v1/openapi.json lists them.";
            Problem::bad_request("invalid_query", detail)
        })
    }
}

/// A JSON body that says what is wrong with it. Unknown fields are refused by the types themselves.
pub(crate) struct Body<T>(pub(crate) T);

impl<T, S> axum::extract::FromRequest<S> for Body<T>
where
    T: serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Body<T>, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                value
                    .split(';')
                    .next()
                    .is_some_and(|kind| kind.trim() == "application/json")
            });
        if !is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "json_expected",
                "Send the body as JSON, with the header Content-Type: application/json.",
            ));
        }
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body_too_large",
                    format!("Send at most {} bytes.", crate::limits::BODY_BYTES_MAX),
                )
            })?;
        let parser = &mut serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(parser)
            .map(Body)
            .map_err(|error| {
                let place = error.path().to_string();
                let error = error.into_inner();
                let text = error.to_string();
                if text.starts_with("unknown field") {
                    let detail = "The request has a field that this address does not take; leave it out. \
                              We ask for nothing that we do not need.";
                    return Problem::bad_request("unknown_field", detail);
                }
                if text.starts_with("missing field") {
                    let name = text.split('`').nth(1).unwrap_or("").to_owned();
                    return Problem::bad_request("missing_field", format!("The field {name} is missing."))
                        .with("name", name);
                }
                if error.is_data() && place != "." {
                    // What stands after "expected" comes from our own types; what the caller sent is not repeated.
                    let expected = text
                        .split_once(", expected ")
                        .map_or("", |(_, expected)| expected);
                    let expected = expected.split(" at line ").next().unwrap_or_default();
                    let detail =
                        format!("The field {place} has a value that it does not take; expected {expected}.");
                    return Problem::bad_request("invalid_value", detail).with("field", place);
                }
                Problem::bad_request(
                    "malformed_json",
                    format!(
                        "The body is not the JSON that is expected here (line {}, column {}).",
                        error.line(),
                        error.column()
                    ),
                )
            })
    }
}
