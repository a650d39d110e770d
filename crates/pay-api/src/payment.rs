//! Payments: money from a person's card.

use crate::{ClientReference, Currency, DeclineClass, PaymentId};
use serde::{Deserialize, Serialize};

/// The literal `"payment"` in the `object` field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum PaymentObject {
    /// A payment.
    #[default]
    #[serde(rename = "payment")]
    Payment,
}

/// Where a payment stands. `succeeded`, `failed`, `canceled` and `expired` are final.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// No card was accepted yet.
    RequiresPaymentMethod,
    /// The person is confirming with their bank (3-D Secure).
    RequiresAction,
    /// Sent to the card network; `outcome` says whether its answer is missing.
    Processing,
    /// Authorised, not captured.
    RequiresCapture,
    /// The money is taken.
    Succeeded,
    /// No money was taken, and none will be.
    Failed,
    /// The person turned back.
    Canceled,
    /// Nobody paid in time.
    Expired,
}

impl PaymentStatus {
    /// Whether the status never changes again.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Canceled | Self::Expired
        )
    }
}

/// What is known beside the status.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The card network did not answer; inquiry is under way. Neither success nor failure may be assumed.
    Unknown,
}

/// Why the card network or EnsoExPAY refused. Coarse on purpose: details would help those who test stolen cards.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// The issuer refused.
    CardDeclined,
    /// The issuer refused for lack of funds.
    InsufficientFunds,
    /// The person did not pass 3-D Secure.
    AuthenticationFailed,
    /// Too many attempts in one session.
    AttemptsExceeded,
    /// The card network could not process the message.
    ProcessingError,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decline {
    /// Stable code.
    pub code: DeclineCode,
    /// Whether another try with the same card can help.
    pub decline_class: DeclineClass,
    /// A sentence for a person, in English.
    pub message: String,
}

/// A payment, as `GET /v1/payments/{id}` answers and events carry it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// `pay_…`.
    pub id: PaymentId,
    /// Always `"payment"`.
    pub object: PaymentObject,
    /// Starts at 1 and grows by one with every change.
    pub version: i64,
    /// Where it stands.
    pub status: PaymentStatus,
    /// `unknown` while `status` is processing and the card network's answer is missing.
    pub outcome: Option<Outcome>,
    /// Whole minor units.
    pub amount: i64,
    /// Whole minor units given back.
    pub amount_refunded: i64,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The Service's deposit.
    pub client_reference: ClientReference,
    /// The last refusal, if any.
    pub decline: Option<Decline>,
    /// Unix seconds of creation.
    pub created: i64,
}

/// Answer of `GET /v1/payments?client_reference=`: none or one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentList {
    /// The payments found.
    pub data: Vec<Payment>,
    /// Whether more would follow.
    pub has_more: bool,
}
