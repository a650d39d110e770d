//! Signed heads of the access log, and the report with which a person checks their own entries.
//!
//! Everything here works offline, from bytes alone: it does not know the vault or its databases.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// How each key before this one handed over to the next, the oldest first: from any of them to `public_key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handovers: Vec<KeyHandover>,
}

/// A key that signed the access log's heads hands over to the next one, in whose favour it is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyHandover {
    /// The Ed25519 public key that hands over, hexadecimal.
    pub public_key: String,
    /// The Ed25519 public key that signs heads from then on, hexadecimal. An entry of the access log announces it before.
    pub next_public_key: String,
    /// Number of leaves then.
    pub size: u64,
    /// Root hash of the Merkle tree then, hexadecimal.
    pub root: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// The Ed25519 signature of the key that hands over, over [`KeyHandover::signed_text`], hexadecimal.
    pub signature: String,
}

impl KeyHandover {
    pub(crate) fn sign(next: &[u8; 32], size: u64, root: &Hash, at_ms: u64, key: &SigningKey) -> Self {
        let mut handover = Self {
            public_key: hex::encode(key.verifying_key().as_bytes()),
            next_public_key: hex::encode(next),
            size,
            root: hex::encode(root),
            at_ms,
            signature: String::new(),
        };
        handover.signature = hex::encode(key.sign(handover.signed_text().as_bytes()).to_bytes());
        handover
    }

    /// The text that the signature covers: five lines, each ended by a line feed.
    pub fn signed_text(&self) -> String {
        format!(
            "ensoex access log key v1\n{}\n{}\n{}\n{}\n",
            self.next_public_key, self.size, self.root, self.at_ms
        )
    }

    /// What the entry that announces a key names as its statement: `sha256:` and the SHA-256, hexadecimal, of the label
    /// `ensoex access log key v1`, a line feed, the key in hexadecimal digits and a line feed.
    pub fn announcement(next: &[u8; 32]) -> String {
        let text = format!("ensoex access log key v1\n{}\n", hex::encode(next));
        format!("sha256:{}", hex::encode(Sha256::digest(text)))
    }
}

impl SignedHead {
    pub(crate) fn sign(
        size: u64,
        root: &Hash,
        at_ms: u64,
        key: &SigningKey,
        handovers: Vec<KeyHandover>,
    ) -> Self {
        let mut head = Self {
            size,
            root: hex::encode(root),
            at_ms,
            public_key: hex::encode(key.verifying_key().as_bytes()),
            signature: String::new(),
            handovers,
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

    /// Checks the signature, every hand-over, and that the key is `trusted`, if that is given, or that `trusted` handed over to
    /// it, perhaps by others in between.
    ///
    /// # Errors
    /// [`ReportError::Key`], [`ReportError::Handover`], [`ReportError::Untrusted`], [`ReportError::Signature`].
    pub fn verify(&self, trusted: Option<&[u8; 32]>) -> Result<(), ReportError> {
        let key = key_of(&self.public_key)?;
        let is_trusted = |key: &[u8; 32]| trusted.is_none_or(|trusted| trusted == key);
        let mut reached = is_trusted(&key);
        let mut next = None;
        for handover in &self.handovers {
            let from = key_of(&handover.public_key)?;
            let fits = next.is_none_or(|next| next == from);
            if !fits || !signed(&from, &handover.signed_text(), &handover.signature)? {
                return Err(ReportError::Handover);
            }
            reached |= is_trusted(&from);
            next = Some(key_of(&handover.next_public_key)?);
        }
        if next.is_some_and(|next| next != key) {
            return Err(ReportError::Handover);
        }
        if !reached {
            return Err(ReportError::Untrusted);
        }
        match signed(&key, &self.signed_text(), &self.signature)? {
            true => Ok(()),
            false => Err(ReportError::Signature),
        }
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
    /// The chain of keys is broken.
    #[error("the head's keys do not hand over to one another up to the one that signed it")]
    Handover,
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

fn key_of(text: &str) -> Result<[u8; 32], ReportError> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map_err(|_| ReportError::Key)?;
    Ok(key)
}

/// Whether the signature, in hexadecimal digits, is this key's over the text.
fn signed(key: &[u8; 32], text: &str, signature: &str) -> Result<bool, ReportError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| ReportError::Key)?;
    let mut bytes = [0; 64];
    let is_signature = hex::decode_to_slice(signature, &mut bytes).is_ok();
    let signature = Signature::from_bytes(&bytes);
    Ok(is_signature && key.verify_strict(text.as_bytes(), &signature).is_ok())
}

/// A hash from its hexadecimal form.
pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
