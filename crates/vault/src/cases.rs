//! Cases: the only way in which staff come to read personal data, in words and limits.
//!
//! A case names who opened it, whom it concerns, which fields, for which purpose and why. States: open at once, or
//! waiting for a second member of staff (more persons than `case_subjects_max`), then over: closed or expired. A
//! break-glass case concerns many persons without waiting; it is short, limited, an error-level event, and each person is told.
//! This module does not know how cases are kept (`case_store`) or enforced (`vault::staff`).

use std::fmt;
use std::str::FromStr;

use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::purpose::PurposeName;
use crate::request::{Label, Reason};
use crate::sealing;
use crate::subject::SubjectId;

const MINUTE_MS: u64 = 60_000;
/// An hour in milliseconds.
pub(crate) const HOUR_MS: u64 = 60 * MINUTE_MS;
/// A day in milliseconds.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// How much staff may read. Each limit is for one member of staff unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffLimits {
    /// Most records opened within an hour, in ordinary cases.
    pub records_per_hour_max: u64,
    /// Most records opened within a day, in ordinary cases.
    pub records_per_day_max: u64,
    /// Most records opened within a day in cases of many persons, which a second member of staff approved.
    pub bulk_records_per_day_max: u64,
    /// Most records opened within a day by breaking the glass.
    pub break_glass_records_per_day_max: u64,
    /// Most cases opened within a day, of all kinds.
    pub cases_per_day_max: u64,
    /// Most break-glass cases opened within a day.
    pub break_glass_per_day_max: u64,
    /// Most persons in a case that needs no approval.
    pub case_subjects_max: usize,
    /// Most persons in a break-glass case.
    pub break_glass_subjects_max: usize,
    /// Most persons in any case.
    pub bulk_subjects_max: usize,
    /// Longest life of a case, in hours.
    pub case_hours_max: u32,
    /// Life of a break-glass case, in minutes.
    pub break_glass_minutes: u32,
}

impl Default for StaffLimits {
    fn default() -> Self {
        Self {
            records_per_hour_max: 30,
            records_per_day_max: 100,
            bulk_records_per_day_max: 1_000,
            break_glass_records_per_day_max: 20,
            cases_per_day_max: 50,
            break_glass_per_day_max: 1,
            case_subjects_max: 5,
            break_glass_subjects_max: 20,
            bulk_subjects_max: 500,
            case_hours_max: 72,
            break_glass_minutes: 15,
        }
    }
}

impl StaffLimits {
    /// The longest life of a case of this kind, in milliseconds.
    pub(crate) fn life_ms_max(&self, kind: CaseKind) -> u64 {
        match kind {
            CaseKind::BreakGlass => u64::from(self.break_glass_minutes) * MINUTE_MS,
            CaseKind::Ordinary | CaseKind::Bulk => u64::from(self.case_hours_max) * HOUR_MS,
        }
    }

    /// Most records of an hour and of a day in cases of this kind.
    pub(crate) fn records_max(&self, kind: CaseKind) -> (u64, u64) {
        match kind {
            CaseKind::Ordinary => (self.records_per_hour_max, self.records_per_day_max),
            CaseKind::Bulk => (self.bulk_records_per_day_max, self.bulk_records_per_day_max),
            CaseKind::BreakGlass => (
                self.break_glass_records_per_day_max,
                self.break_glass_records_per_day_max,
            ),
        }
    }
}

macro_rules! closed_words {
    ($(#[$meta:meta])* $name:ident { $($(#[$word_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$word_meta])* $variant),+ }

        impl $name {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or(())
            }
        }
    };
}

closed_words! {
    /// How a case came to be open.
    CaseKind {
        /// By one member of staff, for few persons.
        Ordinary = "ordinary",
        /// For many persons, once a second member of staff approved.
        Bulk = "bulk",
        /// For many persons, without approval, for minutes.
        BreakGlass = "break_glass",
    }
}

closed_words! {
    /// Why a case is opened.
    CaseReason {
        /// The person asked for help.
        SupportRequest = "support_request",
        /// The person exercises a right.
        RightsRequest = "rights_request",
        /// Fraud is suspected.
        FraudSuspicion = "fraud_suspicion",
        /// A law or court orders it.
        LegalOrder = "legal_order",
        /// The security of data or money is at stake.
        SecurityIncident = "security_incident",
    }
}

closed_words! {
    /// What the operator must hear of.
    StaffEventKind {
        /// A case was opened by breaking the glass.
        BreakGlass = "break_glass",
        /// A member of staff reached a limit, so that something was refused.
        LimitReached = "limit_reached",
        /// A subject that nobody is was read.
        HoneytokenRead = "honeytoken_read",
    }
}

/// What the operator must hear of, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffEvent {
    /// From 1 on, in the order in which they came.
    pub number: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// What.
    pub kind: StaffEventKind,
    /// By whom: a pseudonym; of a part of the Service, that of nobody (32 zeros).
    pub staff: SubjectId,
    /// In which case, if in one.
    pub case: String,
}

/// The random identifier of a case. Text form: `case_` and 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseId(Label);

impl CaseId {
    pub(crate) fn random() -> Result<Self, VaultError> {
        let bytes: [u8; 16] = sealing::random_bytes()?;
        Self::stored(&format!("case_{}", hex::encode(bytes)))
    }

    /// Of a text.
    ///
    /// # Errors
    /// [`VaultError::InvalidLabel`].
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        Self::stored(text)
    }

    pub(crate) fn stored(text: &str) -> Result<Self, VaultError> {
        match Reason::case(text)? {
            Reason::Case(label) => Ok(Self(label)),
            _ => Err(VaultError::NotFound),
        }
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The reason that an access within this case states.
    pub fn reason(&self) -> Reason {
        Reason::Case(self.0.clone())
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Longest time for which an order may keep a person from learning of it, in days.
pub const SILENT_DAYS_MAX: u64 = 366;

/// An order of an authority, which a case answers. Such a case waits for a second member of staff, however few persons it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The authority's own reference of it: up to 64 printable ASCII characters without spaces.
    pub reference: String,
    /// Until when the persons must not learn of it, in milliseconds since 1970-01-01 UTC, if it says so. Then they do.
    pub silent_until_ms: Option<u64>,
}

/// A case that a member of staff wants to open.
#[derive(Clone, Debug)]
pub struct CaseOpening {
    /// Whom it concerns.
    pub subjects: Vec<SubjectId>,
    /// Which fields may be opened.
    pub fields: Vec<FieldName>,
    /// For which purpose.
    pub purpose: PurposeName,
    /// Why.
    pub reason: CaseReason,
    /// For how many hours. A break-glass case lasts `break_glass_minutes` whatever this says.
    pub hours: u32,
    /// Whether to break the glass.
    pub break_glass: bool,
    /// The order that it answers; needed to hand anything over.
    pub order: Option<Order>,
}

impl CaseOpening {
    /// What kind of case it is to be, if it keeps within the limits.
    pub(crate) fn kind(&self, limits: &StaffLimits, now_ms: u64) -> Result<CaseKind, VaultError> {
        let refuse = |what| Err(VaultError::InvalidCase { what });
        let mut subjects = self.subjects.clone();
        subjects.sort();
        subjects.dedup();
        let (kind, subjects_max) = match (self.break_glass, subjects.len() > limits.case_subjects_max) {
            (true, _) => (CaseKind::BreakGlass, limits.break_glass_subjects_max),
            (false, true) => (CaseKind::Bulk, limits.bulk_subjects_max),
            (false, false) => (CaseKind::Ordinary, limits.case_subjects_max),
        };
        if subjects.is_empty() || subjects.len() != self.subjects.len() {
            return refuse("name each person whom it concerns, once");
        }
        if subjects.len() > subjects_max {
            return refuse("name no more persons than a case of its kind may have, or open several");
        }
        let granted = |field: &FieldName| field.description().purposes.contains(&self.purpose);
        if self.fields.is_empty() || !self.fields.iter().all(granted) {
            return refuse("name at least one field, and only fields that its purpose may open");
        }
        if !self.break_glass && !(1..=limits.case_hours_max).contains(&self.hours) {
            return refuse("give it at least an hour, and no more than a case may last");
        }
        let Some(order) = &self.order else {
            return Ok(kind);
        };
        if self.reason != CaseReason::LegalOrder || self.break_glass {
            return refuse("only one of a legal order answers an order, and never by breaking the glass");
        }
        if Reason::case(&order.reference).is_err() {
            return refuse("the order's reference has 1 to 64 printable ASCII characters without spaces");
        }
        let latest_ms = now_ms.saturating_add(SILENT_DAYS_MAX * DAY_MS);
        if order
            .silent_until_ms
            .is_some_and(|until_ms| until_ms <= now_ms || until_ms > latest_ms)
        {
            return refuse("silence that an order asks for ends in the future, and within 366 days");
        }
        Ok(kind)
    }
}

/// A case as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Which.
    pub id: CaseId,
    /// How it came to be open.
    pub kind: CaseKind,
    /// Why.
    pub reason: CaseReason,
    /// For which purpose.
    pub purpose: PurposeName,
    /// By whom.
    pub opened_by: SubjectId,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub opened_at_ms: u64,
    /// Until when.
    pub expires_at_ms: u64,
    /// The second member of staff, if one approved.
    pub approved_by: Option<SubjectId>,
    /// Since when it is closed, if it is.
    pub closed_at_ms: Option<u64>,
    /// Whom it concerns.
    pub subjects: Vec<SubjectId>,
    /// Which fields may be opened.
    pub fields: Vec<FieldName>,
    /// Who works on it.
    pub staff: Vec<SubjectId>,
    /// The order that it answers.
    pub order: Option<Order>,
}

impl Case {
    /// Whether a second member of staff has to approve before it is open.
    pub fn waits_for_approval(&self) -> bool {
        (self.kind == CaseKind::Bulk || self.order.is_some()) && self.approved_by.is_none()
    }

    /// Whether it was closed or has expired by then.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.closed_at_ms.is_some() || now_ms >= self.expires_at_ms
    }
}
