//! One entry of the access log: what was accessed, by whom, when, why and with what outcome.
//!
//! It holds pseudonyms and closed lists of words only, never a person's data. The JSON bytes of a
//! leaf are what the Merkle tree hashes.

use ensoex_egress::{Item, Recipient};
use serde::{Deserialize, Serialize};

use crate::catalogue::FieldName;
use crate::law::Law;
use crate::purpose::PurposeName;
use crate::request::{AccessRequest, RecordName};
use crate::subject::SubjectId;
use ensoex_merkle::Hash;

/// What is done with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A subject and its keys were made.
    CreateSubject,
    /// A value was sealed.
    Store,
    /// A value was opened once.
    Read,
    /// A value was opened for some seconds.
    Lease,
    /// A value was deleted.
    Remove,
    /// The subject's keys were destroyed.
    Erase,
    /// The person restricted the use of their data.
    Restrict,
    /// They lifted the restriction.
    LiftRestriction,
    /// A statement was made to the person, for example that their data was erased.
    State,
    /// Somebody may work as staff; the entry is about them.
    EnrolStaff,
    /// A member of staff may do nothing for the time being; the entry is about them.
    SuspendStaff,
    /// A suspended member of staff may work again; the entry is about them.
    ReinstateStaff,
    /// A case was opened that concerns the subject.
    OpenCase,
    /// A case was opened without the approval that it would have needed.
    BreakGlass,
    /// A second member of staff approved the case.
    ApproveCase,
    /// Another member of staff works on the case too.
    AssignCase,
    /// The case was closed.
    CloseCase,
    /// A value was sealed under other keys.
    Renew,
    /// Somebody was looked for by a value; the entry is about who looked, or about whom they found.
    Find,
    /// A question about how many persons there are of a kind was answered with noise; the entry is about nobody.
    Aggregate,
    /// The person agreed to something optional; the record names it.
    Agree,
    /// They agree no longer.
    Withdraw,
    /// The person objected to statistics: entered while these still counted whoever did not object, and never since.
    Object,
    /// They withdrew that; never entered any more.
    WithdrawObjection,
    /// A law forbids to destroy a field before a date.
    PlaceHold,
    /// It does no longer.
    LiftHold,
    /// A value of an erased subject is kept until a date, because of such a law.
    KeepByLaw,
    /// Something about the subject is given to a recipient of the register.
    Disclose,
}

/// How the access ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was allowed.
    Granted,
    /// It was against the rules.
    Denied,
    /// There was nothing to access.
    Absent,
    /// The sealed value had been tampered with, so it was not released.
    Tampered,
}

/// One entry of the access log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLeaf {
    /// Number of the entry, from 0.
    pub index: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// What was done.
    pub operation: Operation,
    /// Whose data.
    pub subject: SubjectId,
    /// Which field; none if the whole subject.
    pub field: Option<String>,
    /// Which of several values of the field; empty for the only one. Of a statistic, the question and the quarter; of an agreement,
    /// to what.
    pub record: String,
    /// For which purpose; none for writes.
    pub purpose: Option<PurposeName>,
    /// Who: `person:…`, `component:…` or `staff:…`.
    pub actor: String,
    /// Why, as a code.
    pub reason: String,
    /// The case, if the reason is one.
    pub case: Option<String>,
    /// The Policy version in force.
    pub policy_version: String,
    /// How it ended.
    pub outcome: Outcome,
    /// For how long the value stays open, if leased.
    pub lease_seconds: Option<u32>,
    /// Which version of the value was sealed, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The SHA-256 of the sealed record of that version, in hexadecimal digits: another row in its place is found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The hash of what was stated, if the operation is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The law that forbids to destroy the field, if the operation is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<Law>,
    /// Until when it does, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Who is given something, if the operation is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// What they are given, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// An entry before the log gives it its number and time.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) operation: Operation,
    pub(crate) subject: SubjectId,
    pub(crate) field: Option<FieldName>,
    pub(crate) record: RecordName,
    pub(crate) purpose: Option<PurposeName>,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) case: Option<String>,
    pub(crate) policy_version: String,
    pub(crate) outcome: Outcome,
    pub(crate) lease_seconds: Option<u32>,
    /// Version and digest of a value that is sealed.
    pub(crate) stored: Option<(u64, Hash)>,
    pub(crate) statement: Option<String>,
    /// Which law holds the field, until when.
    pub(crate) hold: Option<(Law, u64)>,
    /// Who is given what.
    pub(crate) given: Option<(Recipient, Vec<Item>)>,
    /// Whether it answers an order that a second member of staff has seen: a restriction by the person does not stand in its way.
    pub(crate) by_order: bool,
}

impl Draft {
    pub(crate) fn new(operation: Operation, subject: SubjectId, request: &AccessRequest) -> Self {
        Self {
            operation,
            subject,
            field: None,
            record: RecordName::stored(String::new()),
            purpose: None,
            actor: request.actor.text(),
            reason: request.reason.code().to_owned(),
            case: request.reason.case_reference().map(str::to_owned),
            policy_version: request.policy_version.as_str().to_owned(),
            outcome: Outcome::Granted,
            lease_seconds: None,
            stored: None,
            statement: None,
            hold: None,
            given: None,
            by_order: false,
        }
    }

    pub(crate) fn on(mut self, field: FieldName, record: &RecordName) -> Self {
        self.field = Some(field);
        self.record = record.clone();
        self
    }

    pub(crate) fn for_purpose(mut self, purpose: PurposeName) -> Self {
        self.purpose = Some(purpose);
        self
    }

    pub(crate) fn ended(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub(crate) fn into_leaf(self, index: u64, at_ms: u64) -> AccessLeaf {
        let (recipient, items) = self
            .given
            .map_or((None, Vec::new()), |(who, what)| (Some(who), what));
        AccessLeaf {
            index,
            at_ms,
            operation: self.operation,
            subject: self.subject,
            field: self.field.map(|field| field.as_str().to_owned()),
            record: self.record.as_str().to_owned(),
            purpose: self.purpose,
            actor: self.actor,
            reason: self.reason,
            case: self.case,
            policy_version: self.policy_version,
            outcome: self.outcome,
            lease_seconds: self.lease_seconds,
            version: self.stored.map(|(version, _)| version),
            digest: self.stored.map(|(_, digest)| hex::encode(digest)),
            statement: self.statement,
            law: self.hold.map(|(law, _)| law),
            until_ms: self.hold.map(|(_, until_ms)| until_ms),
            recipient,
            items,
        }
    }
}
