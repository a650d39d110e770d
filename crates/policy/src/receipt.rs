//! Receipts of acknowledgement, in the shape of ISO/IEC TS 27560, signed and checked offline.
//!
//! A receipt knows a pseudonym, a version and a time. It records an acknowledgement of the version,
//! and never consent to anything. Time is an input.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::document::Language;
use crate::error::ReceiptError;
use crate::hash::VersionHash;
use crate::policy_log::PublishedVersion;
use crate::signer::ReceiptSigner;

/// Largest receipt that is read, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 64 << 10;
const SCHEMA: &str = "ensoex/receipt/v1 (ISO/IEC TS 27560:2023 shape)";
const RECEIPT_TYPE: &str = "acknowledgement";
const ALGORITHM: &str = "Ed25519";
const SIGNED_LABEL: &[u8] = b"ensoex receipt v1\n";

/// Who answers for the processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The operator's name.
    pub name: String,
    /// How to reach it.
    pub contact: String,
    /// The jurisdiction that it is established in.
    pub jurisdiction: String,
}

/// What a receipt is made from.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledgement<'a> {
    /// The person's pseudonym.
    pub subject: &'a str,
    /// The version acknowledged.
    pub version: &'a PublishedVersion,
    /// The language in which it was shown.
    pub language: Language,
    /// When.
    pub at: OffsetDateTime,
    /// Who answers for the processing.
    pub controller: &'a Controller,
}

/// The notice that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Number of the version, from 1.
    pub version: u64,
    /// Hash of the version.
    pub hash: VersionHash,
    /// When the version took effect.
    #[serde(with = "time::serde::rfc3339")]
    pub effective_at: OffsetDateTime,
    /// The language in which it was shown.
    pub language: Language,
}

/// A purpose of the processing, as the notice names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptPurpose {
    /// Name of the purpose.
    pub purpose: String,
    /// Term of the W3C Data Privacy Vocabulary.
    pub purpose_type: String,
    /// The ground in law. Never consent.
    pub lawful_basis: String,
}

/// What happened when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptEvent {
    /// Always `acknowledgement`.
    pub event_type: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub event_time: OffsetDateTime,
}

/// The content of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The schema.
    pub schema_version: String,
    /// Identifier of the receipt, 32 hexadecimal digits.
    pub receipt_id: String,
    /// Always `acknowledgement`.
    pub receipt_type: String,
    /// The person's pseudonym.
    pub pii_principal_id: String,
    /// The notice.
    pub privacy_notice: Notice,
    /// Who answers for the processing.
    pub pii_controller: Controller,
    /// The purposes that the notice names.
    pub purposes: Vec<ReceiptPurpose>,
    /// What happened.
    pub events: Vec<ReceiptEvent>,
}

/// The signature of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptSignature {
    /// Always `Ed25519`.
    pub algorithm: String,
    /// The public key, hexadecimal.
    pub public_key: String,
    /// The signature over the label `ensoex receipt v1`, a line feed, and the receipt as compact
    /// JSON with its members in the order of [`Receipt`]; hexadecimal.
    pub value: String,
}

/// A receipt with its signature: the file that a person keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// The content.
    pub receipt: Receipt,
    /// The signature.
    pub signature: ReceiptSignature,
}

/// A receipt whose signature fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The content.
    pub receipt: Receipt,
    /// The key that signed it.
    pub public_key: [u8; 32],
    /// Whether that key was the trusted one; false if no trusted key was given.
    pub trusted: bool,
}

impl Receipt {
    /// Makes a receipt and signs it.
    ///
    /// # Errors
    /// [`ReceiptError::Form`] if it has no JSON form: a time outside the years 0 to 9999.
    pub fn sign(
        acknowledgement: Acknowledgement<'_>,
        signer: &ReceiptSigner,
    ) -> Result<SignedReceipt, ReceiptError> {
        let receipt = Self::of(acknowledgement);
        let value = signer.sign(&signed_bytes(&receipt)?);
        let signature = ReceiptSignature {
            algorithm: ALGORITHM.to_owned(),
            public_key: hex::encode(signer.public_key()),
            value: hex::encode(value),
        };
        Ok(SignedReceipt { receipt, signature })
    }

    fn of(acknowledgement: Acknowledgement<'_>) -> Self {
        let Acknowledgement {
            subject,
            version,
            language,
            at,
            controller,
        } = acknowledgement;
        Self {
            schema_version: SCHEMA.to_owned(),
            receipt_id: receipt_id(subject, &version.hash, at),
            receipt_type: RECEIPT_TYPE.to_owned(),
            pii_principal_id: subject.to_owned(),
            privacy_notice: Notice {
                version: version.version,
                hash: version.hash,
                effective_at: version.effective_at,
                language,
            },
            pii_controller: controller.clone(),
            purposes: purposes(),
            events: vec![ReceiptEvent {
                event_type: RECEIPT_TYPE.to_owned(),
                event_time: at,
            }],
        }
    }
}

impl SignedReceipt {
    /// The receipt as a file: indented JSON.
    ///
    /// # Errors
    /// [`ReceiptError::Form`].
    pub fn to_json(&self) -> Result<String, ReceiptError> {
        serde_json::to_string_pretty(self).map_err(ReceiptError::Form)
    }
}

/// Checks a receipt offline: its form, that it is an acknowledgement, and its signature, by
/// `trusted` if it is given.
///
/// # Errors
/// [`ReceiptError`], the first that applies.
pub fn verify_receipt(json: &[u8], trusted: Option<&[u8; 32]>) -> Result<VerifiedReceipt, ReceiptError> {
    if json.len() > RECEIPT_BYTES_MAX {
        return Err(ReceiptError::TooLarge);
    }
    let SignedReceipt { receipt, signature } = serde_json::from_slice(json).map_err(ReceiptError::Form)?;
    let acknowledged = receipt
        .events
        .iter()
        .all(|event| event.event_type == RECEIPT_TYPE);
    if receipt.schema_version != SCHEMA
        || receipt.receipt_type != RECEIPT_TYPE
        || receipt.events.is_empty()
        || !acknowledged
        || signature.algorithm != ALGORITHM
    {
        return Err(ReceiptError::Kind);
    }
    let mut public_key = [0; 32];
    hex::decode_to_slice(&signature.public_key, &mut public_key).map_err(|_| ReceiptError::PublicKey)?;
    if trusted.is_some_and(|trusted| *trusted != public_key) {
        return Err(ReceiptError::Untrusted);
    }
    let key = VerifyingKey::from_bytes(&public_key).map_err(|_| ReceiptError::PublicKey)?;
    let mut value = [0; 64];
    hex::decode_to_slice(&signature.value, &mut value).map_err(|_| ReceiptError::Signature)?;
    key.verify_strict(&signed_bytes(&receipt)?, &Signature::from_bytes(&value))
        .map_err(|_| ReceiptError::Signature)?;
    Ok(VerifiedReceipt {
        receipt,
        public_key,
        trusted: trusted.is_some(),
    })
}

fn signed_bytes(receipt: &Receipt) -> Result<Vec<u8>, ReceiptError> {
    let mut bytes = SIGNED_LABEL.to_vec();
    serde_json::to_writer(&mut bytes, receipt).map_err(ReceiptError::Form)?;
    Ok(bytes)
}

/// The same acknowledgement has the same identifier.
fn receipt_id(subject: &str, hash: &VersionHash, at: OffsetDateTime) -> String {
    let mut hasher = Sha256::new();
    for part in [subject, &hash.to_string(), &at.unix_timestamp_nanos().to_string()] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(&hasher.finalize()[..16])
}

fn purposes() -> Vec<ReceiptPurpose> {
    let purpose = |purpose: &str, purpose_type: &str, lawful_basis: &str| ReceiptPurpose {
        purpose: purpose.to_owned(),
        purpose_type: purpose_type.to_owned(),
        lawful_basis: lawful_basis.to_owned(),
    };
    vec![
        purpose("provide_service", "dpv:ServiceProvision", "eu-gdpr:A6-1-b"),
        purpose("improve_service", "dpv:ServiceOptimisation", "eu-gdpr:A6-1-f"),
        purpose(
            "prevent_fraud",
            "dpv:FraudPreventionAndDetection",
            "eu-gdpr:A6-1-f",
        ),
    ]
}
