//! The wire between the Service and EnsoExPAY: types, limits, signatures.
//!
//! The Service calls EnsoExPAY with signed requests; EnsoExPAY answers, and tells of changes by signed
//! webhooks that repeat what `GET /v1/events` lists. This crate does no input or output, reads no clock and
//! draws no randomness: callers bring timestamps and secrets.
//!
//! What it does not know: cards. No type here can hold a card number or anything derived from one: no last
//! digits, no brand, no fingerprint.

mod balance;
mod checkout_session;
mod error;
mod event;
mod identifier;
mod money;
mod payment;
mod payout;
mod signature;

pub use balance::{Balance, CurrencyBalance};
pub use checkout_session::{
    CheckoutSession, CheckoutSessionStatus, CreateCheckoutSession, Documents, InvalidCheckoutSession, Locale,
    Mode, PayoutCards, RETURN_URL_BYTES_MAX,
};
pub use error::{ApiError, DeclineClass, ErrorBody, ErrorCode, ErrorType, Retry};
pub use event::{EVENTS_PER_PAGE_MAX, Event, EventData, EventList, EventObject, EventType};
pub use identifier::{
    CheckoutSessionId, ClientReference, CustomerReference, EventId, InvalidIdentifier, PaymentId, PayoutId,
    REFERENCE_BYTES_MAX,
};
pub use money::{AMOUNT_MINOR_MAX, Currency};
pub use payment::{Decline, DeclineCode, Outcome, Payment, PaymentList, PaymentObject, PaymentStatus};
pub use payout::{Payout, PayoutList, PayoutObject, PayoutStatus};
pub use signature::{
    InvalidSecret, REQUEST_SIGNATURE_HEADER, SIGNATURE_TOLERANCE_SECONDS, SharedSecrets, SignatureError,
    SigningSecret, WEBHOOK_SIGNATURE_HEADER, sign_request, sign_webhook, verify_request, verify_webhook,
};

/// Largest request or webhook body that either side accepts, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Request header that carries the idempotency key of a `POST`: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
pub const IDEMPOTENCY_KEY_HEADER: &str = "Idempotency-Key";

/// Response header that repeats `ApiError::request_id`, present on every answer.
pub const REQUEST_ID_HEADER: &str = "Request-Id";
