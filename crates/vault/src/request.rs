//! What every access states before it happens: who, why, and under which version of the Policy.
//!
//! It does not decide whether the access is allowed: that is `vault`. None of these texts may hold
//! personal data, which is why they are short labels and closed lists, never free text.

use crate::error::VaultError;
use crate::subject::SubjectId;

/// Longest name of a component, in bytes.
pub const COMPONENT_BYTES_MAX: usize = 64;
/// Longest case reference, in bytes.
pub const CASE_BYTES_MAX: usize = 64;
/// Longest version hash of the Policy, in bytes.
pub const POLICY_VERSION_BYTES_MAX: usize = 80;
/// Longest name of a record, in bytes.
pub const RECORD_NAME_BYTES_MAX: usize = 64;

/// Who makes the access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The person themselves, signed in.
    Person(SubjectId),
    /// A part of the Service acting on its own, for example `sign-in`.
    Component(Label),
    /// A member of staff, under their own pseudonym.
    Staff(SubjectId),
}

impl Actor {
    /// A part of the Service, named in code.
    ///
    /// # Errors
    /// [`VaultError::InvalidLabel`].
    pub fn component(name: &str) -> Result<Self, VaultError> {
        Label::parse(name, "a component name", COMPONENT_BYTES_MAX).map(Self::Component)
    }

    /// The stable text form, for example `component:sign-in`.
    pub fn text(&self) -> String {
        match self {
            Self::Person(subject) => format!("person:{subject}"),
            Self::Component(name) => format!("component:{}", name.as_str()),
            Self::Staff(subject) => format!("staff:{subject}"),
        }
    }
}

/// Why the access is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Somebody registers.
    Registration,
    /// Somebody signs in.
    SignIn,
    /// A code is sent or checked that proves a contact is theirs.
    VerifyContact,
    /// A message is delivered to the person.
    DeliverMessage,
    /// A newsletter is delivered to a person who agreed to get it.
    Newsletter,
    /// The person looks at their own data.
    ShowToPerson,
    /// The person downloads their own data.
    ExportToPerson,
    /// The person corrects their own data.
    Correction,
    /// The person changes a credential or an API key.
    CredentialChange,
    /// The signature of a request is checked.
    AuthenticateRequest,
    /// A value is compared with another subject's, to keep it unique.
    CheckUniqueness,
    /// The person pays by card, or has money paid to one.
    CardTransfer,
    /// A payment, withdrawal or order is screened for fraud.
    FraudScreening,
    /// The subject's data is erased.
    Erasure,
    /// What the person asked for under their rights moves on.
    RightsRequest,
    /// Keys are renewed.
    KeyRotation,
    /// An alarm was raised.
    Alarm,
    /// A member of staff looks for whoever wrote to them.
    Search,
    /// The operator decides about staff.
    Operation,
    /// The Service is improved.
    Improvement,
    /// A law forbids to destroy the data, or does no longer.
    LegalHold,
    /// The term for which a value is kept is over.
    Retention,
    /// It was over long before the value was destroyed.
    RetentionOverdue,
    /// A member of staff works on a case; the reference names it.
    Case(Label),
}

impl Reason {
    /// A case with its reference.
    ///
    /// # Errors
    /// [`VaultError::InvalidLabel`].
    pub fn case(reference: &str) -> Result<Self, VaultError> {
        Label::parse(reference, "a case reference", CASE_BYTES_MAX).map(Self::Case)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::SignIn => "sign_in",
            Self::VerifyContact => "verify_contact",
            Self::DeliverMessage => "deliver_message",
            Self::Newsletter => "newsletter",
            Self::ShowToPerson => "show_to_person",
            Self::ExportToPerson => "export_to_person",
            Self::Correction => "correction",
            Self::CredentialChange => "credential_change",
            Self::AuthenticateRequest => "authenticate_request",
            Self::CheckUniqueness => "check_uniqueness",
            Self::CardTransfer => "card_transfer",
            Self::FraudScreening => "fraud_screening",
            Self::Erasure => "erasure",
            Self::RightsRequest => "rights_request",
            Self::KeyRotation => "key_rotation",
            Self::Alarm => "alarm",
            Self::Search => "search",
            Self::Operation => "operation",
            Self::Improvement => "improvement",
            Self::LegalHold => "legal_hold",
            Self::Retention => "retention",
            Self::RetentionOverdue => "retention_overdue",
            Self::Case(_) => "case",
        }
    }

    /// The case reference, if there is one.
    pub fn case_reference(&self) -> Option<&str> {
        match self {
            Self::Case(reference) => Some(reference.as_str()),
            _ => None,
        }
    }
}

/// A short text of printable ASCII without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    fn parse(text: &str, what: &'static str, bytes_max: usize) -> Result<Self, VaultError> {
        let fits = !text.is_empty() && text.len() <= bytes_max;
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(VaultError::InvalidLabel { what, bytes_max })
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The hash of the Policy version in force at the time of an access, for example `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion(Label);

impl PolicyVersion {
    /// Takes the text form of a version.
    ///
    /// # Errors
    /// [`VaultError::InvalidLabel`].
    pub fn new(text: &str) -> Result<Self, VaultError> {
        Label::parse(text, "a policy version", POLICY_VERSION_BYTES_MAX).map(Self)
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What every access states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: Reason,
    /// Under which version of the Policy.
    pub policy_version: PolicyVersion,
}

/// The name of one of several values of a field; empty for the only one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RecordName(String);

impl RecordName {
    pub(crate) fn parse(record: Option<&str>) -> Result<Self, VaultError> {
        let Some(name) = record else {
            return Ok(Self(String::new()));
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > RECORD_NAME_BYTES_MAX || !name.bytes().all(allowed) {
            return Err(VaultError::InvalidRecordName);
        }
        Ok(Self(name.to_owned()))
    }

    /// A name as it stands in the database.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
