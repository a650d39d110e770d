//! What can be wrong with a request, in the numbers and words of the Binance Spot convention.
//!
//! The texts are part of the API: client libraries choose their exception by number *and* text. Knows no
//! HTTP framework; private causes stay behind `source` and are logged where the answer is written.

use crate::keys::ApiKeysUnavailable;
use crate::reject::reject_parts;
use ensoex_engine::Reject;
use ensoex_exchange::{HistoryError, SubmitError};
use serde_json::{Value, json};

/// Legal range that is shown for decimals.
pub(crate) const DECIMAL_RANGE: &str = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
/// Legal range that is shown for whole numbers.
pub(crate) const INTEGER_RANGE: &str = "^[0-9]{1,20}$";
/// Legal range that is shown for symbols.
pub(crate) const SYMBOL_RANGE: &str = "^[A-Z0-9-_.]{1,20}$";
/// Legal range that is shown for lists of symbols.
pub(crate) const SYMBOLS_RANGE: &str = r#"^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$"#;
/// Legal range that is shown for client order ids.
pub(crate) const CLIENT_ORDER_ID_RANGE: &str = "^[.A-Z:/a-z0-9_-]{1,36}$";

/// A refused or failed request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpotError {
    /// History could not be read.
    #[error("Internal error; unable to process your request. Please try again.")]
    History(#[from] HistoryError),
    /// Keys could not be looked up.
    #[error("Internal error; unable to process your request. Please try again.")]
    Keys(#[from] ApiKeysUnavailable),
    /// The system's source of randomness failed.
    #[error("Internal error; unable to process your request. Please try again.")]
    Randomness,
    /// A handler did not end as it should.
    #[error("An unknown error occurred while processing the request.")]
    Unknown,
    /// The command was not recorded; nothing moved.
    #[error("Internal error; unable to process your request. Please try again.")]
    NotRecorded(#[source] SubmitError),
    /// Whether the command was recorded is not known.
    #[error(
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    )]
    OutcomeUnknown(#[source] SubmitError),
    /// The command was not answered in time.
    #[error(
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    )]
    TimedOut,
    /// It was done, but what became of it cannot be read now.
    #[error(
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    )]
    AnswerUnknown(#[source] HistoryError),
    /// The queue is full.
    #[error("Server is currently overloaded with other requests. Please try again in a few minutes.")]
    Overloaded,
    /// The exchange is stopping.
    #[error("This service is no longer available.")]
    Stopped,
    /// The engine said no.
    #[error("{}", reject_parts(*.0).1)]
    Rejected(Reject),
    /// More weight than allowed.
    #[error(
        "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. Please use WebSocket \
         Streams for live updates to avoid polling the API."
    )]
    TooMuchWeight { limit: u32, retry_after_s: u64 },
    /// More orders than allowed.
    #[error("Too many new orders; current limit is {limit} orders per {interval}.")]
    TooManyOrders {
        limit: u32,
        interval: &'static str,
        retry_after_s: u64,
    },
    /// Path, method or feature that is not served.
    #[error("This operation is not supported.")]
    Unsupported,
    /// As [`SpotError::Unsupported`], on a path that nobody serves.
    #[error("This operation is not supported: there is no such path.")]
    UnknownPath,
    /// listenKeys are gone since 2026-02-20.
    #[error(
        "This operation is not supported. listenKeys were retired: subscribe with userDataStream.subscribe or \
         userDataStream.subscribe.signature on the WebSocket API."
    )]
    ListenKeysRetired,
    /// Too old.
    #[error("Timestamp for this request is outside of the recvWindow.")]
    TimestampTooOld,
    /// From the future.
    #[error("Timestamp for this request was 1000ms ahead of the server's time.")]
    TimestampAhead,
    /// Signature does not match.
    #[error("Signature for this request is not valid.")]
    BadSignature,
    /// Key missing or not of the form of a key.
    #[error("API-key format invalid.")]
    KeyFormat,
    /// Key unknown, or without the permission.
    #[error("Invalid API-key, IP, or permissions for action.")]
    KeyRejected,
    /// Characters outside of the legal range.
    #[error("Illegal characters found in parameter '{name}'; legal range is '{range}'.")]
    IllegalCharacters { name: &'static str, range: &'static str },
    /// Query, form or percent-encoding cannot be read.
    #[error("Illegal characters found in a parameter.")]
    Unreadable,
    /// Body, query or message beyond its limit.
    #[error("Too many parameters sent for this endpoint.")]
    TooLarge,
    /// The same name twice.
    #[error("Duplicate values for a parameter detected.")]
    DuplicateParameter,
    /// Must be sent.
    #[error("Mandatory parameter '{0}' was not sent, was empty/null, or malformed.")]
    Mandatory(&'static str),
    /// One of two must be sent.
    #[error("Param '{0}' or '{1}' must be sent, but both were empty/null!")]
    MandatoryEither(&'static str, &'static str),
    /// recvWindow beyond its maximum.
    #[error("'recvWindow' contains unexpected value. Cannot be greater than 60000.")]
    RecvWindowTooLarge,
    /// Names that no one asked for.
    #[error("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")]
    NotAllRead { read: usize, sent: usize },
    /// Does not belong to this order type.
    #[error("Parameter '{0}' sent when not required.")]
    NotRequired(&'static str),
    /// More decimals than the asset or price has.
    #[error("Parameter '{0}' has too much precision.")]
    TooPrecise(&'static str),
    #[error("Invalid timeInForce.")]
    TimeInForce,
    #[error("Invalid orderType.")]
    OrderType,
    #[error("Invalid side.")]
    Side,
    #[error("Invalid interval.")]
    Interval,
    #[error("Invalid symbol.")]
    Symbol,
    #[error("Symbol is present multiple times in the list.")]
    DuplicateSymbols,
    #[error("Invalid symbolStatus.")]
    SymbolStatus,
    #[error("The symbol's status does not match the requested symbolStatus.")]
    SymbolStatusMismatch,
    #[error("Invalid ticker type.")]
    TickerType,
    /// Span of a history query too long.
    #[error("More than 24 hours between startTime and endTime.")]
    MoreThanADay,
    #[error("Combination of optional parameters invalid.")]
    BadCombination,
    /// Readable, but not a value that is served.
    #[error("Data sent for parameter '{0}' is not valid.")]
    InvalidValue(&'static str),
    #[error("Invalid cancelRestrictions")]
    CancelRestrictions,
    /// JSON that is no request.
    #[error("Invalid JSON Request")]
    InvalidJson,
    /// Time unit other than the two.
    #[error("Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")]
    TimeUnit,
    /// A filter of the market; the name is one of exchangeInfo's.
    #[error("Filter failure: {0}")]
    Filter(&'static str),
    /// The market does not take orders of this kind; the text is the convention's.
    #[error("{0}")]
    NotForSymbol(&'static str),
    #[error("Market is closed.")]
    MarketClosed,
    #[error("Unknown order sent.")]
    UnknownOrder,
    #[error("Order was not canceled due to cancel restrictions.")]
    RestrictionsNotMet,
    #[error("Order does not exist.")]
    NoSuchOrder,
    #[error("Order list does not exist.")]
    NoSuchList,
    #[error("Client order ID is not correct for this order ID.")]
    ClientOrderIdMismatch,
    /// The pair of an OCO does not fit together; number and text are the convention's.
    #[error("{text}")]
    OcoTypes { code: i32, text: &'static str },
    /// An order cannot be made smaller so; the text is in the convention's manner.
    #[error("{0}")]
    AmendRejected(&'static str),
    /// `data` says which half worked.
    #[error("Order cancel-replace partially failed.")]
    ReplacePartlyFailed { status: u16, data: Value },
    /// `data` says why.
    #[error("Order cancel-replace failed.")]
    ReplaceFailed { status: u16, data: Value },
    #[error("User Data Stream subscription already active.")]
    SubscriptionActive,
    #[error("User Data Stream subscription not active.")]
    SubscriptionInactive,
    #[error("Maximum subscription ID reached for this connection.")]
    SubscriptionsExhausted,
}

impl SpotError {
    /// HTTP status and the convention's number.
    pub(crate) fn parts(&self) -> (u16, i32) {
        use SpotError as E;
        match self {
            E::History(_) | E::Keys(_) | E::Randomness | E::NotRecorded(_) => (503, -1001),
            E::Unknown => (500, -1000),
            E::OutcomeUnknown(_) | E::AnswerUnknown(_) | E::TimedOut => (504, -1007),
            E::Overloaded => (503, -1008),
            E::Stopped => (503, -1016),
            E::Rejected(reject) => (400, reject_parts(*reject).0),
            E::TooMuchWeight { .. } => (429, -1003),
            E::TooManyOrders { .. } => (429, -1015),
            E::Unsupported => (400, -1020),
            E::UnknownPath => (404, -1020),
            E::ListenKeysRetired => (410, -1020),
            E::TimestampTooOld | E::TimestampAhead => (400, -1021),
            E::BadSignature => (400, -1022),
            E::KeyFormat => (401, -2014),
            E::KeyRejected => (401, -2015),
            E::IllegalCharacters { .. } | E::Unreadable => (400, -1100),
            E::TooLarge => (413, -1101),
            E::DuplicateParameter => (400, -1101),
            E::Mandatory(_) | E::MandatoryEither(..) | E::RecvWindowTooLarge => (400, -1102),
            E::NotAllRead { .. } => (400, -1104),
            E::NotRequired(_) => (400, -1106),
            E::TooPrecise(_) => (400, -1111),
            E::TimeInForce => (400, -1115),
            E::OrderType => (400, -1116),
            E::Side => (400, -1117),
            E::Interval => (400, -1120),
            E::Symbol => (400, -1121),
            E::SymbolStatus => (400, -1122),
            E::MoreThanADay => (400, -1127),
            E::BadCombination => (400, -1128),
            E::InvalidValue(_) => (400, -1130),
            E::InvalidJson => (400, -1135),
            E::TickerType => (400, -1139),
            E::CancelRestrictions => (400, -1145),
            E::DuplicateSymbols => (400, -1151),
            E::TimeUnit => (400, -1194),
            E::SymbolStatusMismatch => (400, -1220),
            E::Filter(_) | E::NotForSymbol(_) | E::MarketClosed => (400, -1013),
            E::UnknownOrder | E::RestrictionsNotMet => (400, -2011),
            E::NoSuchOrder | E::NoSuchList => (400, -2013),
            E::ReplacePartlyFailed { status, .. } => (*status, -2021),
            E::ReplaceFailed { status, .. } => (*status, -2022),
            E::SubscriptionActive => (400, -2035),
            E::SubscriptionInactive => (400, -2036),
            E::OcoTypes { code, .. } => (400, *code),
            E::AmendRejected(_) => (400, -2038),
            E::ClientOrderIdMismatch => (400, -2039),
            E::SubscriptionsExhausted => (400, -2042),
        }
    }

    /// `{"code","msg"}`, with `data` where the convention has it.
    pub(crate) fn body(&self) -> Value {
        let (_, code) = self.parts();
        let mut body = json!({ "code": code, "msg": self.to_string() });
        if let SpotError::ReplacePartlyFailed { data, .. } | SpotError::ReplaceFailed { data, .. } = self {
            body["data"] = data.clone();
        }
        body
    }

    /// Seconds to wait, where waiting helps.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            SpotError::TooMuchWeight { retry_after_s, .. }
            | SpotError::TooManyOrders { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }

    /// Failures of the service itself, which an operator should see.
    pub(crate) fn is_internal(&self) -> bool {
        self.parts().0 >= 500
    }
}

impl From<SubmitError> for SpotError {
    fn from(error: SubmitError) -> SpotError {
        match error {
            SubmitError::LogUnavailable => SpotError::NotRecorded(error),
            SubmitError::OutcomeUnknown => SpotError::OutcomeUnknown(error),
            SubmitError::Stopped => SpotError::Stopped,
            SubmitError::Overloaded => SpotError::Overloaded,
        }
    }
}
