//! Currencies and amounts: whole minor units, never fractions.

use serde::{Deserialize, Serialize};

/// Largest amount of one payment or payout, in minor units (ten million euro or hryvnia).
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000;

/// A currency that cards are charged and paid in. Both have two minor digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Currency {
    /// Euro.
    #[serde(rename = "EUR")]
    Eur,
    /// Ukrainian hryvnia.
    #[serde(rename = "UAH")]
    Uah,
}

impl Currency {
    /// Every currency.
    pub const ALL: [Currency; 2] = [Currency::Eur, Currency::Uah];

    /// The ISO 4217 alphabetic code.
    pub const fn code(self) -> &'static str {
        match self {
            Currency::Eur => "EUR",
            Currency::Uah => "UAH",
        }
    }

    /// The ISO 4217 numeric code, three digits.
    pub const fn numeric(self) -> &'static str {
        match self {
            Currency::Eur => "978",
            Currency::Uah => "980",
        }
    }

    /// The currency of an alphabetic code.
    pub fn from_code(code: &str) -> Option<Currency> {
        Currency::ALL.into_iter().find(|currency| currency.code() == code)
    }
}
