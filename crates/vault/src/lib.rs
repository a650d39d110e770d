//! The vault: personal data, sealed per subject and purpose, opened only after the access is logged.
//!
//! It knows persons as pseudonyms with sealed fields. It does not know orders, balances, sessions or
//! HTTP, and holds no decrypted value beyond the closure that reads it or a logged lease.
//!
//! Start at [`Vault`]; what may be held at all is the [`catalogue`].

mod access_leaf;
mod access_log;
mod access_report;
mod agreement;
mod case_store;
mod cases;
pub mod catalogue;
mod clock;
mod database;
mod discrete_laplace;
mod error;
mod export;
mod export_schema;
mod honeytokens;
mod key_changes;
mod key_store;
mod law;
mod lease;
mod orders;
mod personal;
mod purpose;
mod record_audit;
mod record_store;
pub mod request;
mod root_key;
mod ropa;
mod sealing;
mod staff_key;
mod statement;
mod statistics;
mod subject;
mod token;
pub mod value;
mod vault;

pub use access_leaf::{AccessLeaf, Operation, Outcome};
pub use access_log::ACCESS_LOG;
pub use access_report::{
    AccessReport, KeyHandover, ProvenEntry, REPORT_BYTES_MAX, REPORT_SCHEMA, ReportError, SignedHead,
    verify_access_report,
};
pub use agreement::Optional;
pub use cases::{
    Case, CaseId, CaseKind, CaseOpening, CaseReason, Order, SILENT_DAYS_MAX, StaffEvent, StaffEventKind,
    StaffLimits,
};
pub use catalogue::{
    ApiKeySecret, Email, Field, FieldName, GrantedFor, Indexed, Leasable, MobilePhone, Passkey, PasswordHash,
    TotpSecret,
};
pub use clock::Clock;
pub use error::{Denial, VaultError};
pub use export_schema::export_schema;
pub use honeytokens::{HONEYTOKENS_MAX, PASSWORD_HASH_HEAD};
pub use key_changes::{KeyChange, KeyChanges};
pub use key_store::{KEYS, Layer, Rotation, RotationState};
pub use law::{HOLD_DAYS_MAX, HoldRule, Law, LegalHold, RETENTION_LATE_MS, Retention};
pub use lease::{LEASE_SECONDS_MAX, Lease, LeaseOver};
pub use personal::{Personal, personal_is_open};
pub use purpose::{ImproveService, PreventFraud, ProvideService, Purpose, PurposeName};
pub use record_audit::{DIFFERENCES_MAX, Difference, RecordAudit, RecordDifference, audit_records};
pub use record_store::RECORDS;
pub use request::{AccessRequest, Actor, Label, PolicyVersion, Reason};
pub use ropa::{Activity, Controller, RecordOfProcessing, record_markdown, record_of_processing};
pub use staff_key::{sign_as_staff, staff_pseudonym, verified_staff};
pub use statement::{
    DestroyedField, ErasureStatement, Extension, HeldField, ProvenStatement, RequestState, RequestStatement,
    Right, STATEMENT_BYTES_MAX, STATEMENT_SCHEMA, Statement, verify_statement,
};
pub use statistics::{
    GROUP_PERSONS_MIN, GROUPS_MAX, Question, RELEASE_EPSILON_MILLI, Release, ReleasedGroup,
    YEAR_EPSILON_MILLI_MAX,
};
pub use subject::{SubjectId, SubjectIdError};
pub use token::TokenSettings;
pub use vault::{
    Disclosure, Erasure, Expired, HeldValue, OwedNotice, STAFF_EVENTS_PAGE_MAX, STAFF_LISTED_MAX,
    SWEEP_VALUES_MAX, StaffMember, Vault, VaultConfig,
};
