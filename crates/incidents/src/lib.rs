//! The register of incidents: breaches of personal data, the clock of 72 hours, and drafts of the notices.
//!
//! An incident is opened when the operator becomes aware of a breach. From then on a clock runs: the data protection
//! authority is told within [`AUTHORITY_HOURS`] hours unless a risk to persons is unlikely, and persons are told too if the
//! risk is high (GDPR articles 33 and 34; for them, "without undue delay" is held to the same hours here).
//!
//! | state | is left by |
//! |---|---|
//! | open, not assessed: the authority must be told | an assessment |
//! | open, risk unlikely: nobody must be told | a closing, another assessment |
//! | open, risk: the authority must be told | telling it |
//! | open, high risk: persons must be told as well | telling both |
//! | closed | nothing; what comes later is another incident |
//!
//! A duty that is not done at its time is overdue, which the Service reports until it is done. The register itself
//! ([`register`]) is an append-only file of hash-chained lines: article 33(5) wants every breach documented, so no line is
//! ever changed. It holds no personal data: numbers, names of fields, and texts in which addresses and numbers of people are
//! refused. It does not know whose data it was; that is in the access log.

pub mod notices;
pub mod register;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Hours within which the authority is told (GDPR article 33(1)).
pub const AUTHORITY_HOURS: i64 = 72;
/// Longest text of an entry, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 2_000;
/// Most incidents of a register.
pub const INCIDENTS_MAX: usize = 10_000;
/// Most names of fields in an assessment.
pub const FIELDS_MAX: usize = 64;

/// What was breached, as the authorities class it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// Somebody saw what they must not see.
    Confidentiality,
    /// Something was changed.
    Integrity,
    /// Something was lost or cannot be reached.
    Availability,
}

/// How likely and how grave it is for persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// A risk to persons is unlikely: nobody must be told.
    Unlikely,
    /// There is a risk: the authority is told.
    Risk,
    /// The risk is high: the persons are told as well.
    High,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The data protection authority.
    Authority,
    /// Those affected.
    Persons,
}

/// What an assessment says; a later one replaces it whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// How grave it is.
    pub risk: Risk,
    /// About how many persons.
    pub persons: u64,
    /// About how many records of theirs.
    pub records: u64,
    /// Which fields of the catalogue.
    pub fields: Vec<String>,
    /// What is likely to follow for them.
    pub consequences: String,
    /// What was done and will be done about it.
    pub measures: String,
}

/// What happened to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The operator became aware of it.
    Opened {
        /// What happened, in a sentence or two.
        summary: String,
        /// What was breached.
        breach: Vec<Breach>,
        /// From when the clock runs; not after the entry.
        #[serde(with = "time::serde::rfc3339")]
        aware_at: OffsetDateTime,
    },
    /// Something more was learned.
    Noted {
        /// What.
        text: String,
    },
    /// How grave it is.
    Assessed(Assessment),
    /// Somebody was told.
    Told {
        /// Who.
        who: Told,
        /// When; not before the operator was aware, and not after the entry.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// How, and under which reference; if it was late, why.
        text: String,
    },
    /// Nothing is left to do.
    Closed {
        /// What was learned from it.
        text: String,
    },
}

/// A duty to tell somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// Whom.
    pub who: Told,
    /// Until when.
    pub due_at: OffsetDateTime,
}

/// An incident as its entries tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its number in the register, from 1.
    pub number: u64,
    /// What happened.
    pub summary: String,
    /// What was breached.
    pub breach: Vec<Breach>,
    /// From when the clock runs.
    pub aware_at: OffsetDateTime,
    /// What was noted, oldest first, with the time of the entry.
    pub notes: Vec<(OffsetDateTime, String)>,
    /// The latest assessment.
    pub assessment: Option<Assessment>,
    /// When and how the authority was told.
    pub authority_told: Option<(OffsetDateTime, String)>,
    /// When and how the persons were told.
    pub persons_told: Option<(OffsetDateTime, String)>,
    /// When it was closed.
    pub closed_at: Option<OffsetDateTime>,
}

impl Incident {
    /// Until when whoever must be told is told.
    pub fn due_at(&self) -> OffsetDateTime {
        self.aware_at.saturating_add(Duration::hours(AUTHORITY_HOURS))
    }

    /// What is still to be done.
    pub fn duties(&self) -> Vec<Duty> {
        let risk = self.assessment.as_ref().map(|assessment| assessment.risk);
        let mut duties = Vec::new();
        // Until somebody has assessed it, there may be a risk.
        if risk != Some(Risk::Unlikely) && self.authority_told.is_none() {
            duties.push(Told::Authority);
        }
        if risk == Some(Risk::High) && self.persons_told.is_none() {
            duties.push(Told::Persons);
        }
        let due_at = self.due_at();
        duties.into_iter().map(|who| Duty { who, due_at }).collect()
    }

    /// What should have been done by `now`.
    pub fn overdue(&self, now: OffsetDateTime) -> Vec<Duty> {
        let mut duties = self.duties();
        duties.retain(|duty| duty.due_at < now);
        duties
    }

    /// Whether somebody still works on it.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}
