//! Payouts: money to a person's card.

use crate::{ClientReference, Currency, Decline, Outcome, PayoutId};
use serde::{Deserialize, Serialize};

/// The literal `"payout"` in the `object` field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum PayoutObject {
    /// A payout.
    #[default]
    #[serde(rename = "payout")]
    Payout,
}

/// Where a payout stands. `failed`, `returned`, `canceled` and `expired` are final; `paid` may yet be `returned`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// The person has not chosen a card yet.
    Created,
    /// Held for a decision.
    InReview,
    /// Sent to the card network; `outcome` says whether its answer is missing.
    Submitted,
    /// The issuer credited the card.
    Paid,
    /// No money was sent, and none will be.
    Failed,
    /// Sent, and come back.
    Returned,
    /// The person turned back.
    Canceled,
    /// Nobody chose a card in time.
    Expired,
}

impl PayoutStatus {
    /// Whether the Service gets the money back: nothing was sent, or it came back.
    pub const fn gives_back(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::Returned | Self::Canceled | Self::Expired
        )
    }
}

/// A payout, as `GET /v1/payouts/{id}` answers and events carry it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payout {
    /// `po_…`.
    pub id: PayoutId,
    /// Always `"payout"`.
    pub object: PayoutObject,
    /// Starts at 1 and grows by one with every change.
    pub version: i64,
    /// Where it stands.
    pub status: PayoutStatus,
    /// `unknown` while `status` is submitted and the card network's answer is missing.
    pub outcome: Option<Outcome>,
    /// Whole minor units.
    pub amount: i64,
    /// Currency of the amount.
    pub currency: Currency,
    /// The Service's withdrawal.
    pub client_reference: ClientReference,
    /// Why it failed, if it did.
    pub decline: Option<Decline>,
    /// Unix seconds of creation.
    pub created: i64,
}

/// Answer of `GET /v1/payouts?client_reference=`: none or one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PayoutList {
    /// The payouts found.
    pub data: Vec<Payout>,
    /// Whether more would follow.
    pub has_more: bool,
}
