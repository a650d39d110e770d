//! How long a field is kept, and which law may forbid its destruction, as data and in the words of the public table.
//!
//! It does not know whom a law forbids what: that is placed for one person and one field (`vault::holding`).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalogue::{FieldName, Text};

/// Longest time from now for which a hold may be placed, in days.
pub const HOLD_DAYS_MAX: u64 = 3_653;
/// How late a value may be destroyed before that is an event, in milliseconds.
pub const RETENTION_LATE_MS: u64 = 24 * 60 * 60 * 1_000;

/// For how long a field is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// In words.
    pub text: Text,
    /// A value is destroyed so many days after it was stored; `None`: with the account.
    pub days_after_storing: Option<u32>,
}

/// Which laws may forbid that a field is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HoldRule {
    /// In words.
    pub text: Text,
    /// Each of them.
    pub laws: &'static [Law],
}

/// A law that may forbid to destroy a person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Laws against money laundering, where they name the person's relationship with the Service.
    AntiMoneyLaundering,
    /// An order of a court or of an authority that may give one.
    CourtOrder,
}

impl Law {
    /// Every one there is.
    pub const ALL: &'static [Self] = &[Self::AntiMoneyLaundering, Self::CourtOrder];

    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AntiMoneyLaundering => "anti_money_laundering",
            Self::CourtOrder => "court_order",
        }
    }
}

impl FromStr for Law {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|law| law.as_str() == text)
            .ok_or(())
    }
}

/// A field of one person that law forbids to destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LegalHold {
    /// Which field.
    pub field: FieldName,
    /// Which law.
    pub law: Law,
    /// Until when, in milliseconds since 1970-01-01 UTC.
    pub until_ms: u64,
}
