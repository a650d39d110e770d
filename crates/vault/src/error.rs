//! What can go wrong at the vault's boundary.
//!
//! No variant holds a personal value. Messages say what to do where somebody can do something.

use std::path::PathBuf;

use ensoex_sql::SqlError;

use crate::law::Law;
use crate::value::FieldError;

/// Why the vault refuses or fails.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A store of the vault cannot be read or written, or has another version's layout.
    #[error(transparent)]
    Storage(#[from] SqlError),
    /// A directory or file of the vault cannot be used.
    #[error(
        "the vault cannot use {path}; see that it is there and the Service may read and write it, and that its disk has room"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's account of it.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read the root key file.
    #[error(
        "the root key file {path} is readable by others (mode {mode:o}); make it private with: chmod 600 {path}"
    )]
    RootKeyPermissions {
        /// The root key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The root key file does not hold a root key.
    #[error("the root key file {path} does not hold a root key; restore it from where you keep it")]
    RootKeyMalformed {
        /// The root key file.
        path: PathBuf,
    },
    /// The token that guards the root key cannot be used.
    #[error(
        "the token that guards the root key cannot be used: {what}; see that module, label, key and PIN file in token.json are right"
    )]
    Token {
        /// Why, in words for the operator.
        what: String,
    },
    /// There are sealed keys, but the root key that opens them is gone.
    #[error(
        "the root key file {path} is missing, while keys sealed under it exist; restore it, a new one would open nothing"
    )]
    RootKeyMissing {
        /// Where the root key file should be.
        path: PathBuf,
    },
    /// The root key is not the one under which this vault was sealed.
    #[error(
        "the root key does not open this vault: it belongs to another one; restore the right root key file"
    )]
    RootKeyWrong,
    /// The record database and the key store belong to different vaults.
    #[error(
        "the vault's record database and its key store belong to different vaults; check the two directories"
    )]
    StoresDoNotMatch,
    /// Another process has this vault open.
    #[error("another process uses this vault; stop it first")]
    InUse,
    /// The access log cannot be written, so nothing is decrypted.
    #[error(
        "the access log cannot be written, so no personal data is released; see that its disk or server works and has room, then try again"
    )]
    AccessLogUnavailable,
    /// The access log is shorter or other than what the key store remembers of it.
    #[error("the access log was shortened or changed; restore it before the vault opens")]
    AccessLogTampered,
    /// The operating system gave no randomness.
    #[error(
        "the operating system gave no randomness; try again, and start the machine anew if that does not help"
    )]
    Randomness,
    /// No such subject, or one whose keys were destroyed.
    #[error("there is no such subject, or they were erased; look their pseudonym up again")]
    UnknownSubject,
    /// The subject has no value in this field (and record).
    #[error("the subject has no such value; look at what is held about them")]
    NotFound,
    /// The access is against the vault's rules; the refusal is in the access log.
    #[error("the access is refused: {0}")]
    Denied(Denial),
    /// A sealed value does not decrypt, was swapped, or is not its latest version.
    #[error(
        "a sealed value was changed, swapped or rolled back outside the vault, so it is not released; run `ensoex verify records`, and restore what it names"
    )]
    Integrity,
    /// Another subject has claimed this value. Never tell a visitor so.
    #[error("the value cannot be claimed; use another one")]
    ValueTaken,
    /// The value is not of the field's form.
    #[error(transparent)]
    InvalidValue(#[from] FieldError),
    /// A record name is not of the allowed form.
    #[error("name the record with 1 to 64 letters, digits, dots, hyphens or underscores")]
    InvalidRecordName,
    /// A component name, case reference or policy version is not of the allowed form.
    #[error("write {what} as 1 to {bytes_max} printable ASCII characters without spaces")]
    InvalidLabel {
        /// What the text should have been.
        what: &'static str,
        /// Its longest form.
        bytes_max: usize,
    },
    /// More subjects that nobody is than a vault may have.
    #[error("a vault has at most {most} honeytokens; make fewer")]
    TooManyHoneytokens {
        /// The most.
        most: usize,
    },
    /// A case that nobody may open.
    #[error("the case cannot be opened: {what}")]
    InvalidCase {
        /// What would be right.
        what: &'static str,
    },
    /// The year's budget for statistics is spent.
    #[error(
        "the year's budget for statistics is spent; read what was released at /v1/transparency/statistics, and ask again next year"
    )]
    BudgetSpent,
    /// A question was answered for a quarter, or was about to be, and the answer is not there.
    #[error(
        "this question was answered for this quarter, and the answer is lost with an older copy of the keys or a stop; it is not \
         answered twice, so ask for the next quarter"
    )]
    ReleaseLost,
    /// Groups or quarter are not of the form that a release has.
    #[error("ask with 1 to 64 distinct groups, and for a quarter as 2026-Q4")]
    InvalidQuestion,
    /// A hold that no law can want.
    #[error("the hold cannot be placed: {what}")]
    InvalidHold {
        /// What would be right.
        what: &'static str,
    },
    /// Law forbids to destroy the value, so it is neither replaced nor removed.
    #[error(
        "law ({}) forbids to replace or remove this value until {until_ms} ms after 1970-01-01 UTC; ask the operator, who placed the hold",
        .law.as_str()
    )]
    HeldByLaw {
        /// Which law.
        law: Law,
        /// Until when, in milliseconds since 1970-01-01 UTC.
        until_ms: u64,
    },
    /// A lease longer than allowed, or of no length.
    #[error("ask for a lease of 1 to {seconds_max} seconds")]
    InvalidLease {
        /// The longest lease.
        seconds_max: u32,
    },
}

/// Why an access is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The register of recipients does not grant this recipient what it would be given.
    #[error(
        "the register of recipients does not grant this recipient what it would be given; give less, or change the register and the Policy first"
    )]
    Recipient,
    /// A person may read nobody's data but their own.
    #[error("a person may read only their own data; ask under your own pseudonym")]
    OtherPerson,
    /// Staff need a case.
    #[error("staff may read personal data within a case only; open one")]
    StaffWithoutCase,
    /// Nobody enrolled this member of staff.
    #[error("this member of staff is not enrolled; ask the operator to enrol them")]
    StaffUnknown,
    /// The member of staff is suspended.
    #[error("this member of staff is suspended; ask the operator, who decides about it")]
    StaffSuspended,
    /// A limit on what one member of staff may open is reached.
    #[error(
        "a limit for one member of staff is reached; wait, or have a second one approve a case of many persons"
    )]
    StaffLimit,
    /// There is no such case, or this member of staff does not work on it.
    #[error(
        "there is no such case of this member of staff; list the open ones, and have whoever works on it assign it"
    )]
    CaseOfOthers,
    /// A second member of staff has not approved the case yet.
    #[error("the case waits for the approval of a second member of staff; ask one who does not work on it")]
    CaseNotApproved,
    /// An authority is given something within a case of its order only.
    #[error(
        "an authority is given something by staff only, within a case that names its order and that a second member of staff approved; open one"
    )]
    NoOrder,
    /// The case was closed or has expired.
    #[error("the case is closed or has expired; open another one")]
    CaseOver,
    /// The case does not cover this person, field or purpose.
    #[error("the case does not cover this person, field or purpose; open another one that does")]
    OutsideCase,
    /// Nobody approves their own case, nor one that needs no approval.
    #[error(
        "a case is approved by a second member of staff who does not work on it, and only if it needs approval; ask one"
    )]
    ApprovalByOneself,
    /// Staff are enrolled, suspended and reinstated by the operator.
    #[error("only the operator decides about staff; ask them")]
    OperatorOnly,
    /// The person restricted the use of their data.
    #[error("the person has restricted the use of their data; wait until they lift that")]
    Restricted,
    /// It is optional, and the person did not agree to it.
    #[error("this is optional, and the person does not agree to it; leave it")]
    NotAgreed,
    /// Statistics are no way around a person's data.
    #[error(
        "statistics are made by the Service, for improving it only; read those that were released at /v1/transparency/statistics"
    )]
    Statistics,
    /// The person was erased; law alone keeps the value.
    #[error("the value is kept by law only; open it within a case of a legal order")]
    HeldByLaw,
    /// The field is not granted to the purpose.
    #[error(
        "the field is not granted to this purpose; look at the table of personal data for those that are"
    )]
    Purpose,
}

impl VaultError {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}
