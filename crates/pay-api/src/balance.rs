//! The balance: what EnsoExPAY took and sent, for reconciliation with the Service's clearing account.

use crate::Currency;
use serde::{Deserialize, Serialize};

/// What moved in one currency, ever. Whole minor units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CurrencyBalance {
    /// The currency.
    pub currency: Currency,
    /// Captured from cards.
    pub paid_in: i64,
    /// Credited to cards.
    pub paid_out: i64,
    /// How many payments succeeded.
    pub payments: i64,
    /// How many payouts were paid.
    pub payouts: i64,
}

/// Answer of `GET /v1/balance`: the sums of EnsoExPAY's balance transactions, by currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// One element for each currency that ever moved.
    pub data: Vec<CurrencyBalance>,
}
