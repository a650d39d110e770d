//! Failures of the API, as it answers them.

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use ensoex_pay_api::{ApiError, ErrorBody, ErrorCode, ErrorType, REQUEST_ID_HEADER, Retry};

/// A failure, with the identifier under which it is logged.
pub(crate) struct Failure {
    code: ErrorCode,
    message: Option<String>,
    request_id: String,
}

impl Failure {
    /// A failure with the code's own sentence.
    pub(crate) fn of(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
            request_id: request_id(),
        }
    }

    /// A failure with a sentence that says more. It must not repeat what was sent.
    pub(crate) fn with_message(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..Self::of(code)
        }
    }

    /// EnsoExPAY's own trouble: logged here, not told.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let failure = Self::of(ErrorCode::Internal);
        tracing::error!(error, request_id = failure.request_id, "a request failed");
        failure
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error_type, retry, sentence) = describe(self.code);
        let body = ErrorBody {
            error: ApiError {
                error_type,
                code: self.code,
                message: self.message.unwrap_or_else(|| sentence.to_owned()),
                decline_class: None,
                retry,
                request_id: self.request_id.clone(),
            },
        };
        let mut response = (status, Json(body)).into_response();
        if let Ok(value) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
        response
    }
}

/// A new request identifier.
pub(crate) fn request_id() -> String {
    crate::random::identifier("req_")
}

fn describe(code: ErrorCode) -> (StatusCode, ErrorType, Retry, &'static str) {
    use ErrorType::{Api, Authentication, Idempotency, InvalidRequest};
    let bad = StatusCode::BAD_REQUEST;
    match code {
        ErrorCode::BodyMalformed => (
            bad,
            InvalidRequest,
            Retry::Never,
            "The body is not JSON of the documented shape.",
        ),
        ErrorCode::BodyTooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            InvalidRequest,
            Retry::Never,
            "The body is too large.",
        ),
        ErrorCode::AmountInvalid => (bad, InvalidRequest, Retry::Never, "The amount is out of range."),
        ErrorCode::ReturnUrlInvalid => (
            bad,
            InvalidRequest,
            Retry::Never,
            "A return URL is no absolute http or https URL.",
        ),
        ErrorCode::DocumentsInvalid => (
            bad,
            InvalidRequest,
            Retry::Never,
            "The version of the documents is no sha256: hash, or their URL no absolute http or https URL.",
        ),
        ErrorCode::ParameterInvalid => (
            bad,
            InvalidRequest,
            Retry::Never,
            "A query parameter is missing or not acceptable.",
        ),
        ErrorCode::NotFound => (
            StatusCode::NOT_FOUND,
            InvalidRequest,
            Retry::Never,
            "There is no such object.",
        ),
        ErrorCode::RouteNotFound => (
            StatusCode::NOT_FOUND,
            InvalidRequest,
            Retry::Never,
            "There is no such path.",
        ),
        ErrorCode::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            InvalidRequest,
            Retry::Never,
            "This path does not take that method.",
        ),
        ErrorCode::IdempotencyKeyInvalid => (
            bad,
            Idempotency,
            Retry::Never,
            "The Idempotency-Key header must hold 1 to 64 characters of A-Z, a-z, 0-9, `_` and `-`.",
        ),
        ErrorCode::IdempotencyKeyReused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Idempotency,
            Retry::NewAttempt,
            "This idempotency key came before with another body.",
        ),
        ErrorCode::ClientReferenceTaken => (
            StatusCode::CONFLICT,
            Idempotency,
            Retry::Never,
            "This client reference belongs to an earlier session; repeat its own idempotency key to find it.",
        ),
        ErrorCode::SessionNotOpen => (
            StatusCode::CONFLICT,
            InvalidRequest,
            Retry::SameKey,
            "The card network is being asked; the session cannot end before its answer is known.",
        ),
        ErrorCode::SignatureMissing => (
            StatusCode::UNAUTHORIZED,
            Authentication,
            Retry::Never,
            "The EnsoEx-Signature header is missing or malformed.",
        ),
        ErrorCode::SignatureInvalid => (
            StatusCode::UNAUTHORIZED,
            Authentication,
            Retry::Never,
            "The signature does not match the request.",
        ),
        ErrorCode::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Api,
            Retry::SameKey,
            "EnsoExPAY failed. Repeat the same request under the same key.",
        ),
        ErrorCode::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            Api,
            Retry::SameKey,
            "EnsoExPAY is not ready. Try again.",
        ),
    }
}
