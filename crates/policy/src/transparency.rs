//! Signed heads of the log of versions, and what they prove offline.
//!
//! The lines of the log are the leaves of a Merkle tree (RFC 9162). A head is its size and root under a key of its own. It
//! holds no time, so the same log has the same head for everybody who asks. It does not know files.

use ed25519_dalek::{Signature, VerifyingKey};
use ensoex_merkle::{Hash, leaf_hash};
use serde::{Deserialize, Serialize};

use crate::error::HeadError;
use crate::signer::HeadSigner;

/// Largest head that is read, in bytes.
pub const HEAD_BYTES_MAX: usize = 4 << 10;

/// The state of the log of versions, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// Number of versions.
    pub size: u64,
    /// Root hash of the Merkle tree (RFC 9162) over the log's lines without their line feeds, hexadecimal.
    pub root: String,
    /// The Ed25519 public key, hexadecimal.
    pub public_key: String,
    /// The Ed25519 signature over [`SignedHead::signed_text`], hexadecimal.
    pub signature: String,
}

impl SignedHead {
    pub(crate) fn sign(size: u64, root: &Hash, signer: &HeadSigner) -> Self {
        let mut head = Self {
            size,
            root: hex::encode(root),
            public_key: hex::encode(signer.public_key()),
            signature: String::new(),
        };
        head.signature = hex::encode(signer.sign(head.signed_text().as_bytes()));
        head
    }

    /// The text that the signature covers: three lines, each ended by a line feed.
    pub fn signed_text(&self) -> String {
        format!("ensoex policy log head v1\n{}\n{}\n", self.size, self.root)
    }

    /// Reads a head and checks its signature, and the key against `trusted` if it is given.
    ///
    /// # Errors
    /// [`HeadError::Form`], [`HeadError::PublicKey`], [`HeadError::Untrusted`], [`HeadError::Signature`].
    pub fn verified(json: &[u8], trusted: Option<&[u8; 32]>) -> Result<Self, HeadError> {
        let head: Self = serde_json::from_slice(json).map_err(HeadError::Form)?;
        let public_key = hash_of(&head.public_key).ok_or(HeadError::PublicKey)?;
        if trusted.is_some_and(|trusted| *trusted != public_key) {
            return Err(HeadError::Untrusted);
        }
        let key = VerifyingKey::from_bytes(&public_key).map_err(|_| HeadError::PublicKey)?;
        let mut signature = [0; 64];
        hex::decode_to_slice(&head.signature, &mut signature).map_err(|_| HeadError::Signature)?;
        key.verify_strict(head.signed_text().as_bytes(), &Signature::from_bytes(&signature))
            .map_err(|_| HeadError::Signature)?;
        Ok(head)
    }
}

/// A version with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenVersion {
    /// The exact line of the log.
    pub leaf: String,
    /// Its index among the leaves, from 0.
    pub index: u64,
    /// The number of versions of the tree that it is proven in.
    pub size: u64,
    /// The hashes of the inclusion proof, hexadecimal, from the leaf upwards.
    pub proof: Vec<String>,
}

/// Whether the proof shows that the version is in the log that the head was signed for.
pub fn verify_inclusion(version: &ProvenVersion, head: &SignedHead) -> bool {
    let proof: Option<Vec<Hash>> = version.proof.iter().map(|hash| hash_of(hash)).collect();
    let (Some(proof), Some(root)) = (proof, hash_of(&head.root)) else {
        return false;
    };
    version.size == head.size
        && ensoex_merkle::verify_inclusion(
            &leaf_hash(version.leaf.as_bytes()),
            version.index,
            version.size,
            &proof,
            &root,
        )
}

/// A hash from its hexadecimal form.
fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
