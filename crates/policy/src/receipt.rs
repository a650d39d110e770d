//! Receipts in the shape of ISO/IEC TS 27560, signed and checked offline: of acknowledgement, and of consent.
//!
//! A receipt knows a pseudonym, a version and times. One of acknowledgement records that a version was read, and never
//! consent to anything. One of consent is about one optional purpose: that it was given, and, in the one that follows, that it was
//! withdrawn. Neither passes for the other. Time is an input.

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
const ACKNOWLEDGEMENT: &str = "acknowledgement";
const CONSENT: &str = "consent";
const CONSENT_GIVEN: &str = "consent_given";
const CONSENT_WITHDRAWN: &str = "consent_withdrawn";
/// The ground in law of consent (GDPR, article 6, paragraph 1, point a), and of nothing else.
const BASIS_CONSENT: &str = "eu-gdpr:A6-1-a";
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

/// What a receipt of acknowledgement is made from.
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

/// What a receipt of consent is made from.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// The person's pseudonym.
    pub subject: &'a str,
    /// The version in force when it was given or withdrawn.
    pub version: &'a PublishedVersion,
    /// The language in which it was asked.
    pub language: Language,
    /// The optional purpose: its stable name, for example `newsletter`.
    pub purpose: &'a str,
    /// Its term of the W3C Data Privacy Vocabulary.
    pub purpose_type: &'a str,
    /// When it was given.
    pub given_at: OffsetDateTime,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<OffsetDateTime>,
    /// Who answers for the processing.
    pub controller: &'a Controller,
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// That a version was acknowledged.
    Acknowledgement,
    /// That consent to a purpose was given.
    ConsentGiven,
    /// That it was withdrawn.
    ConsentWithdrawn,
}

/// The notice that was in force.
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
    /// The ground in law; consent in a receipt of consent only.
    pub lawful_basis: String,
}

/// What happened when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptEvent {
    /// `acknowledgement`, or `consent_given`, or `consent_withdrawn`.
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
    /// `acknowledgement` or `consent`.
    pub receipt_type: String,
    /// The person's pseudonym.
    pub pii_principal_id: String,
    /// The notice.
    pub privacy_notice: Notice,
    /// Who answers for the processing.
    pub pii_controller: Controller,
    /// The purposes: those that the notice names, or the one that is optional.
    pub purposes: Vec<ReceiptPurpose>,
    /// What happened, in order.
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
    /// What it says.
    pub kind: ReceiptKind,
    /// The content.
    pub receipt: Receipt,
    /// The key that signed it.
    pub public_key: [u8; 32],
    /// Whether that key was the trusted one; false if no trusted key was given.
    pub trusted: bool,
}

impl Receipt {
    /// Makes a receipt of acknowledgement and signs it.
    ///
    /// # Errors
    /// [`ReceiptError::Form`] if it has no JSON form: a time outside the years 0 to 9999.
    pub fn sign(
        acknowledgement: Acknowledgement<'_>,
        signer: &ReceiptSigner,
    ) -> Result<SignedReceipt, ReceiptError> {
        let Acknowledgement {
            subject,
            version,
            language,
            at,
            controller,
        } = acknowledgement;
        let receipt = Self {
            schema_version: SCHEMA.to_owned(),
            receipt_id: receipt_id(&[subject, &version.hash.to_string()], at),
            receipt_type: ACKNOWLEDGEMENT.to_owned(),
            pii_principal_id: subject.to_owned(),
            privacy_notice: Notice::of(version, language),
            pii_controller: controller.clone(),
            purposes: purposes(),
            events: vec![event(ACKNOWLEDGEMENT, at)],
        };
        receipt.signed(signer)
    }

    /// Makes a receipt of consent, given or withdrawn, and signs it.
    ///
    /// # Errors
    /// As [`Receipt::sign`].
    pub fn sign_consent(consent: Consent<'_>, signer: &ReceiptSigner) -> Result<SignedReceipt, ReceiptError> {
        let given = event(CONSENT_GIVEN, consent.given_at);
        let withdrawn = consent.withdrawn_at.map(|at| event(CONSENT_WITHDRAWN, at));
        let last = withdrawn.as_ref().unwrap_or(&given);
        let hash = consent.version.hash.to_string();
        let parts = [consent.subject, &hash, &last.event_type, consent.purpose];
        let receipt = Self {
            schema_version: SCHEMA.to_owned(),
            receipt_id: receipt_id(&parts, last.event_time),
            receipt_type: CONSENT.to_owned(),
            pii_principal_id: consent.subject.to_owned(),
            privacy_notice: Notice::of(consent.version, consent.language),
            pii_controller: consent.controller.clone(),
            purposes: vec![ReceiptPurpose {
                purpose: consent.purpose.to_owned(),
                purpose_type: consent.purpose_type.to_owned(),
                lawful_basis: BASIS_CONSENT.to_owned(),
            }],
            events: [Some(given), withdrawn].into_iter().flatten().collect(),
        };
        receipt.signed(signer)
    }

    /// What it says, if its parts agree about that.
    pub fn kind(&self) -> Option<ReceiptKind> {
        let optional = |purpose: &ReceiptPurpose| purpose.lawful_basis == BASIS_CONSENT;
        let events: Vec<&str> = self
            .events
            .iter()
            .map(|event| event.event_type.as_str())
            .collect();
        let in_order = self
            .events
            .is_sorted_by(|one, next| one.event_time <= next.event_time);
        match (self.receipt_type.as_str(), &events[..], &self.purposes[..]) {
            (ACKNOWLEDGEMENT, [ACKNOWLEDGEMENT], purposes) if !purposes.iter().any(optional) => {
                Some(ReceiptKind::Acknowledgement)
            }
            (CONSENT, [CONSENT_GIVEN], [purpose]) if optional(purpose) => Some(ReceiptKind::ConsentGiven),
            (CONSENT, [CONSENT_GIVEN, CONSENT_WITHDRAWN], [purpose]) if optional(purpose) && in_order => {
                Some(ReceiptKind::ConsentWithdrawn)
            }
            _ => None,
        }
    }

    fn signed(self, signer: &ReceiptSigner) -> Result<SignedReceipt, ReceiptError> {
        let value = signer.sign(&signed_bytes(&self)?);
        let signature = ReceiptSignature {
            algorithm: ALGORITHM.to_owned(),
            public_key: hex::encode(signer.public_key()),
            value: hex::encode(value),
        };
        Ok(SignedReceipt {
            receipt: self,
            signature,
        })
    }
}

impl Notice {
    fn of(version: &PublishedVersion, language: Language) -> Self {
        Self {
            version: version.version,
            hash: version.hash,
            effective_at: version.effective_at,
            language,
        }
    }
}

fn event(event_type: &str, event_time: OffsetDateTime) -> ReceiptEvent {
    ReceiptEvent {
        event_type: event_type.to_owned(),
        event_time,
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

/// Checks a receipt offline: its form, that it says one thing ([`Receipt::kind`]), and its signature, by
/// `trusted` if it is given.
///
/// # Errors
/// [`ReceiptError`], the first that applies.
pub fn verify_receipt(json: &[u8], trusted: Option<&[u8; 32]>) -> Result<VerifiedReceipt, ReceiptError> {
    if json.len() > RECEIPT_BYTES_MAX {
        return Err(ReceiptError::TooLarge);
    }
    let SignedReceipt { receipt, signature } = serde_json::from_slice(json).map_err(ReceiptError::Form)?;
    let Some(kind) = receipt.kind() else {
        return Err(ReceiptError::Kind);
    };
    if receipt.schema_version != SCHEMA || signature.algorithm != ALGORITHM {
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
        kind,
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

/// The same event has the same identifier.
fn receipt_id(parts: &[&str], at: OffsetDateTime) -> String {
    let mut hasher = Sha256::new();
    let at = at.unix_timestamp_nanos().to_string();
    for part in parts.iter().chain([&at.as_str()]) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(&hasher.finalize()[..16])
}

/// What is not optional. Improving the Service counts only who agreed, so it is in receipts of consent.
fn purposes() -> Vec<ReceiptPurpose> {
    let purpose = |purpose: &str, purpose_type: &str, lawful_basis: &str| ReceiptPurpose {
        purpose: purpose.to_owned(),
        purpose_type: purpose_type.to_owned(),
        lawful_basis: lawful_basis.to_owned(),
    };
    vec![
        purpose("provide_service", "dpv:ServiceProvision", "eu-gdpr:A6-1-b"),
        purpose(
            "prevent_fraud",
            "dpv:FraudPreventionAndDetection",
            "eu-gdpr:A6-1-f",
        ),
    ]
}
