//! Errors as EnsoExPAY's API answers them. They never repeat what was sent.

use serde::{Deserialize, Serialize};

/// The family of an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The request is wrong and stays wrong.
    InvalidRequest,
    /// The signature is missing, stale or wrong.
    Authentication,
    /// The idempotency key was used otherwise.
    Idempotency,
    /// Too much at once.
    RateLimit,
    /// EnsoExPAY's own trouble.
    Api,
}

/// The stable code of one refused condition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The body is no JSON of the documented shape.
    BodyMalformed,
    /// The body exceeds `BODY_BYTES_MAX`.
    BodyTooLarge,
    /// The amount is out of range.
    AmountInvalid,
    /// A return URL is not acceptable.
    ReturnUrlInvalid,
    /// The Terms and Policy that the page is to name are not acceptable.
    DocumentsInvalid,
    /// A query parameter is missing or not acceptable.
    ParameterInvalid,
    /// No such object.
    NotFound,
    /// No such path.
    RouteNotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The `Idempotency-Key` header is missing or malformed.
    IdempotencyKeyInvalid,
    /// The key came before with another body.
    IdempotencyKeyReused,
    /// The client reference names an earlier object that was created under another key.
    ClientReferenceTaken,
    /// The session is beyond the state that the call needs.
    SessionNotOpen,
    /// The signature header is missing or malformed.
    SignatureMissing,
    /// The signature does not match, or its time is out of tolerance.
    SignatureInvalid,
    /// EnsoExPAY failed; the same request may be repeated under the same key.
    Internal,
    /// EnsoExPAY is not ready.
    Unavailable,
}

/// Whether another try with the same card can help.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineClass {
    /// Never with this card.
    Hard,
    /// Perhaps later.
    Soft,
    /// Suspected fraud.
    Fraud,
}

/// What the caller may do next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Repeating cannot help.
    Never,
    /// Repeat the same body under the same idempotency key.
    SameKey,
    /// Begin anew, under a new key.
    NewAttempt,
}

/// An error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiError {
    /// Family.
    #[serde(rename = "type")]
    pub error_type: ErrorType,
    /// Stable code.
    pub code: ErrorCode,
    /// A sentence for a person, in English.
    pub message: String,
    /// Present for refusals by a card network.
    pub decline_class: Option<DeclineClass>,
    /// What the caller may do next.
    pub retry: Retry,
    /// To quote when asking about it.
    pub request_id: String,
}

/// The body of every answer that is no success.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ApiError,
}
