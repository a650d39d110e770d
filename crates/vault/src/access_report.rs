//! Signed heads of the access log, and the report with which a person checks their own entries.
//!
//! Everything here works offline, from bytes alone: it does not know the vault or its databases.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::access_leaf::AccessLeaf;
use crate::subject::SubjectId;
use ensoex_merkle::{Hash, leaf_hash, verify_inclusion};

/// Largest report that is read, in bytes.
pub const REPORT_BYTES_MAX: usize = 64 << 20;
/// The report's schema.
pub const REPORT_SCHEMA: &str = "ensoex/access-report/v1";

/// The state of the access log, signed by the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// Number of leaves.
    pub size: u64,
    /// Root hash of the Merkle tree (RFC 9162), hexadecimal.
    pub root: String,
    /// When it was signed, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// The Ed25519 public key, hexadecimal.
    pub public_key: String,
    /// The Ed25519 signature over [`SignedHead::signed_text`], hexadecimal.
    pub signature: String,
}

impl SignedHead {
    pub(crate) fn sign(size: u64, root: &Hash, at_ms: u64, key: &SigningKey) -> Self {
        let mut head = Self {
            size,
            root: hex::encode(root),
            at_ms,
            public_key: hex::encode(key.verifying_key().as_bytes()),
            signature: String::new(),
        };
        head.signature = hex::encode(key.sign(head.signed_text().as_bytes()).to_bytes());
        head
    }

    /// The text that the signature covers: four lines, each ended by a line feed.
    pub fn signed_text(&self) -> String {
        format!(
            "ensoex access log head v1\n{}\n{}\n{}\n",
            self.size, self.root, self.at_ms
        )
    }

    /// Checks the signature, and the key against `trusted` if it is given.
    ///
    /// # Errors
    /// [`ReportError::Key`], [`ReportError::Untrusted`], [`ReportError::Signature`].
    pub fn verify(&self, trusted: Option<&[u8; 32]>) -> Result<(), ReportError> {
        let mut key = [0; 32];
        hex::decode_to_slice(&self.public_key, &mut key).map_err(|_| ReportError::Key)?;
        if trusted.is_some_and(|trusted| *trusted != key) {
            return Err(ReportError::Untrusted);
        }
        let key = VerifyingKey::from_bytes(&key).map_err(|_| ReportError::Key)?;
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.signature, &mut signature).map_err(|_| ReportError::Signature)?;
        key.verify_strict(self.signed_text().as_bytes(), &Signature::from_bytes(&signature))
            .map_err(|_| ReportError::Signature)
    }
}

/// One entry with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// The leaf's exact bytes: JSON of an [`AccessLeaf`].
    pub leaf: String,
    /// The hashes of the inclusion proof, hexadecimal, from the leaf upwards.
    pub proof: Vec<String>,
}

/// All entries about one subject, with the head that they are proven against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessReport {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// Whose entries.
    pub subject: SubjectId,
    /// The head.
    pub head: SignedHead,
    /// The entries, oldest first.
    pub entries: Vec<ProvenEntry>,
}

/// Why a report proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Larger than [`REPORT_BYTES_MAX`].
    #[error("the file is larger than an access report can be")]
    TooLarge,
    /// Not JSON of this shape.
    #[error("the file is not of the form that is verified here")]
    Form(#[source] serde_json::Error),
    /// Another schema.
    #[error("the file says that it is another kind of document")]
    Schema,
    /// The public key is none.
    #[error("the head's public key is not an Ed25519 key")]
    Key,
    /// Signed by somebody else.
    #[error("the head is signed by another key than the trusted one")]
    Untrusted,
    /// The signature does not fit.
    #[error("the head's signature does not fit: it was changed after signing")]
    Signature,
    /// An entry is not in the log.
    #[error("entry {index} is not in the log that the head describes")]
    NotIncluded {
        /// The entry's claimed number.
        index: u64,
    },
    /// An entry is about somebody else.
    #[error("entry {index} is about another subject")]
    OtherSubject {
        /// The entry's number.
        index: u64,
    },
    /// The entry names another statement, or none.
    #[error("entry {index} of the log does not name this statement: it was changed after it was made")]
    Statement {
        /// The entry's number.
        index: u64,
    },
    /// Entries are repeated or out of order.
    #[error("the entries are not in the order of the log")]
    Order,
}

/// Checks a report offline: the head's signature (by `trusted`, if given) and every entry's proof.
/// Gives the head and the entries.
///
/// # Errors
/// [`ReportError`], the first that applies.
pub fn verify_access_report(
    json: &[u8],
    trusted: Option<&[u8; 32]>,
) -> Result<(SignedHead, Vec<AccessLeaf>), ReportError> {
    if json.len() > REPORT_BYTES_MAX {
        return Err(ReportError::TooLarge);
    }
    let report: AccessReport = serde_json::from_slice(json).map_err(ReportError::Form)?;
    if report.schema != REPORT_SCHEMA {
        return Err(ReportError::Schema);
    }
    report.head.verify(trusted)?;
    let root = hash_of(&report.head.root).ok_or(ReportError::Signature)?;
    let mut leaves: Vec<AccessLeaf> = Vec::with_capacity(report.entries.len());
    for entry in &report.entries {
        let leaf: AccessLeaf = serde_json::from_str(&entry.leaf).map_err(ReportError::Form)?;
        let index = leaf.index;
        let proof: Option<Vec<Hash>> = entry.proof.iter().map(|hash| hash_of(hash)).collect();
        let included = proof.is_some_and(|proof| {
            verify_inclusion(
                &leaf_hash(entry.leaf.as_bytes()),
                index,
                report.head.size,
                &proof,
                &root,
            )
        });
        if !included {
            return Err(ReportError::NotIncluded { index });
        }
        if leaf.subject != report.subject {
            return Err(ReportError::OtherSubject { index });
        }
        if leaves.last().is_some_and(|previous| previous.index >= index) {
            return Err(ReportError::Order);
        }
        leaves.push(leaf);
    }
    Ok((report.head, leaves))
}

/// A hash from its hexadecimal form.
pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
