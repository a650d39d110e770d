//! Statements that the vault makes to a person about their rights: each is a leaf of the access log, and a file.
//!
//! The leaf names the statement by its hash, the signed head covers the leaf, so the file is checked offline and nobody can
//! later deny, change or back-date it. It holds a pseudonym, closed lists of words and times, never personal data. It does not
//! know the vault or its databases.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access_leaf::{AccessLeaf, Operation, Outcome};
use crate::access_report::{ReportError, SignedHead, hash_of};
use crate::law::Law;
use crate::subject::SubjectId;
use ensoex_merkle::{Hash, leaf_hash, verify_inclusion};

/// The schema of a statement's file.
pub const STATEMENT_SCHEMA: &str = "ensoex/statement/v1";
/// Largest statement that is read, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 1 << 20;
const HASHED_LABEL: &[u8] = b"ensoex statement v1\n";

/// What is stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Statement {
    /// The keys of a person's data were destroyed.
    Erasure(ErasureStatement),
    /// A person asked for something under their rights, or what they asked for moved on.
    Request(RequestStatement),
}

/// An erasure certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureStatement {
    /// The pseudonym, under which the ledger goes on.
    pub subject: SubjectId,
    /// When the keys were destroyed, in milliseconds since 1970-01-01 UTC.
    pub erased_at_ms: u64,
    /// The entry of the access log that ordered it; none if a restored log ends before it.
    pub ordered_by_entry: Option<u64>,
    /// What was destroyed.
    pub destroyed: Vec<DestroyedField>,
    /// What was not, because law forbids it until a date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldField>,
}

/// Values of one field that were destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedField {
    /// The field's stable name.
    pub field: String,
    /// How many values it had.
    pub values: u64,
}

/// Values of one field that law keeps after an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldField {
    /// The field's stable name.
    pub field: String,
    /// How many values.
    pub values: u64,
    /// Which law.
    pub law: Law,
    /// Until when, in milliseconds since 1970-01-01 UTC.
    pub until_ms: u64,
}

/// Words of a closed list, as they stand in statements and tables.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$each])* $variant),+ }

        impl $name {
            /// The stable word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Of a stable word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What a person may ask for.
    Right {
        /// A copy of everything that is held about them.
        Export = "export",
        /// That a value is put right.
        Correction = "correction",
        /// That their data is kept but not used.
        Restriction = "restriction",
        /// That their data is not used for something.
        Objection = "objection",
        /// That their data is destroyed.
        Erasure = "erasure",
    }
}

words! {
    /// How far a request has come.
    RequestState {
        /// It waits for an answer.
        Open = "open",
        /// It waits, and the deadline has passed.
        Overdue = "overdue",
        /// What was asked for was done.
        Done = "done",
        /// What was asked for is not done.
        Refused = "refused",
    }
}

words! {
    /// Why an answer takes longer than a month.
    Extension {
        /// The request is complex.
        Complex = "complex",
        /// The person made many requests.
        Many = "many",
    }
}

/// The receipt of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestStatement {
    /// The pseudonym of the person.
    pub subject: SubjectId,
    /// The request's own name.
    pub request: String,
    /// Under which right.
    pub right: Right,
    /// About what, as a word of a closed list.
    pub matter: String,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub made_at_ms: u64,
    /// When the answer is due.
    pub due_at_ms: u64,
    /// How far it has come.
    pub state: RequestState,
    /// Since when.
    pub state_at_ms: u64,
    /// Why the deadline was extended by two months, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<Extension>,
}

/// A statement with the entry of the access log that names it: the file that a person keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenStatement {
    /// [`STATEMENT_SCHEMA`].
    pub schema: String,
    /// What is stated. The leaf holds the SHA-256 of the label `ensoex statement v1`, a line feed, and this as compact JSON
    /// with its members in the order in which they stand here.
    pub statement: Statement,
    /// The leaf's exact bytes: JSON of an [`AccessLeaf`].
    pub leaf: String,
    /// The hashes of the inclusion proof, hexadecimal, from the leaf upwards.
    pub proof: Vec<String>,
    /// The state of the access log that the leaf is proven against.
    pub head: SignedHead,
}

impl Statement {
    /// Whom it is about.
    pub const fn subject(&self) -> &SubjectId {
        match self {
            Self::Erasure(erasure) => &erasure.subject,
            Self::Request(request) => &request.subject,
        }
    }

    /// The hash that stands in the leaf: `sha256:` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ReportError::Form`] if it has no JSON form.
    pub fn digest(&self) -> Result<String, ReportError> {
        let mut hasher = Sha256::new_with_prefix(HASHED_LABEL);
        hasher.update(serde_json::to_vec(self).map_err(ReportError::Form)?);
        Ok(format!("sha256:{}", hex::encode(hasher.finalize())))
    }
}

/// Checks a statement offline: the head's signature (by `trusted`, if given), that the leaf is in the log, and that it names
/// this statement.
///
/// # Errors
/// [`ReportError`], the first that applies.
pub fn verify_statement(json: &[u8], trusted: Option<&[u8; 32]>) -> Result<ProvenStatement, ReportError> {
    if json.len() > STATEMENT_BYTES_MAX {
        return Err(ReportError::TooLarge);
    }
    let file: ProvenStatement = serde_json::from_slice(json).map_err(ReportError::Form)?;
    if file.schema != STATEMENT_SCHEMA {
        return Err(ReportError::Schema);
    }
    file.head.verify(trusted)?;
    let root = hash_of(&file.head.root).ok_or(ReportError::Signature)?;
    let leaf: AccessLeaf = serde_json::from_str(&file.leaf).map_err(ReportError::Form)?;
    let index = leaf.index;
    let proof: Option<Vec<Hash>> = file.proof.iter().map(|hash| hash_of(hash)).collect();
    let hashed = leaf_hash(file.leaf.as_bytes());
    if !proof.is_some_and(|proof| verify_inclusion(&hashed, index, file.head.size, &proof, &root)) {
        return Err(ReportError::NotIncluded { index });
    }
    if leaf.subject != *file.statement.subject() {
        return Err(ReportError::OtherSubject { index });
    }
    let stated = (leaf.operation, leaf.outcome) == (Operation::State, Outcome::Granted);
    if !stated || leaf.statement != Some(file.statement.digest()?) {
        return Err(ReportError::Statement { index });
    }
    Ok(file)
}
