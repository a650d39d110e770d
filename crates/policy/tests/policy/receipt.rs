//! Receipts: made by the Service, checked by anybody.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use ensoex_policy::{
    Acknowledgement, Consent, Controller, Language, PolicyLog, Receipt, ReceiptError, ReceiptKind,
    ReceiptSigner, SignedReceipt, SignerError, verify_receipt,
};
use tempfile::TempDir;

use crate::{bundle_with, embedded, second};

const SUBJECT: &str = "00112233445566778899aabbccddeeff";

fn signed(directory: &TempDir) -> (SignedReceipt, [u8; 32]) {
    let mut log = PolicyLog::open(directory.path()).unwrap();
    let version = log.publish(&embedded(), second(0), None, "First").unwrap();
    let signer = ReceiptSigner::open(&directory.path().join("receipt.key")).unwrap();
    let controller = Controller {
        name: "Operator".to_owned(),
        contact: "privacy@example.org".to_owned(),
        jurisdiction: "UA".to_owned(),
    };
    let acknowledgement = Acknowledgement {
        subject: SUBJECT,
        version: &version,
        language: Language::Ukrainian,
        at: second(60),
        controller: &controller,
    };
    (
        Receipt::sign(acknowledgement, &signer).unwrap(),
        signer.public_key(),
    )
}

/// Mechanism: `crates/policy/src/receipt.rs`
/// Control: `clause_02_every_change_of_a_receipt_is_noticed`.
#[test]
fn clause_02_a_receipt_is_verified_offline() {
    let directory = TempDir::new().unwrap();
    let (receipt, key) = signed(&directory);
    let json = receipt.to_json().unwrap();
    let verified = verify_receipt(json.as_bytes(), Some(&key)).unwrap();
    assert!(verified.trusted);
    assert_eq!(verified.receipt, receipt.receipt);
    assert_eq!(verified.receipt.privacy_notice.hash, *embedded().hash());
    assert_eq!(verified.receipt.pii_principal_id, SUBJECT);
    let untrusted = verify_receipt(json.as_bytes(), None).unwrap();
    assert_eq!((untrusted.trusted, untrusted.public_key), (false, key));
    // Spaces and line ends are nobody's forgery.
    let compact = serde_json::to_vec(&receipt).unwrap();
    verify_receipt(&compact, Some(&key)).unwrap();
}

/// Mechanism: `crates/policy/src/receipt.rs`
/// Control: the word that it must be is there.
#[test]
fn clause_02_a_receipt_is_an_acknowledgement_and_never_consent() {
    let (receipt, _) = signed(&TempDir::new().unwrap());
    let json = receipt.to_json().unwrap();
    assert!(json.contains("\"receipt_type\": \"acknowledgement\""));
    assert!(!json.to_lowercase().contains("consent"));
}

/// Mechanism: `crates/policy/src/receipt.rs`
/// Control: each change is one, and the unchanged receipt of the other key verifies.
#[test]
fn clause_02_every_change_of_a_receipt_is_noticed() {
    let directory = TempDir::new().unwrap();
    let (receipt, key) = signed(&directory);
    let json = receipt.to_json().unwrap();
    let (hash, other_hash) = (
        embedded().hash().to_string(),
        bundle_with("other").hash().to_string(),
    );
    let changes = [
        json.replace(SUBJECT, &SUBJECT.replace('0', "1")),
        json.replace(&hash, &other_hash),
        json.replace("\"version\": 1", "\"version\": 2"),
        json.replace("2023-11-14T22:14:20Z", "2023-11-14T22:14:21Z"),
        json.replace("\"Operator\"", "\"Somebody\""),
        json.replace("provide_service", "sell_everything"),
        json.replace(&receipt.receipt.receipt_id, &"0".repeat(32)),
    ];
    for changed in changes {
        assert_ne!(changed, json);
        assert!(
            matches!(
                verify_receipt(changed.as_bytes(), Some(&key)),
                Err(ReceiptError::Signature)
            ),
            "{changed}"
        );
    }
    let renamed = json.replace("\"acknowledgement\"", "\"consent\"");
    assert!(matches!(
        verify_receipt(renamed.as_bytes(), Some(&key)),
        Err(ReceiptError::Kind)
    ));
    let added = json.replacen('{', "{\"extra\": 1,", 1);
    assert!(matches!(
        verify_receipt(added.as_bytes(), Some(&key)),
        Err(ReceiptError::Form(_))
    ));
    assert!(matches!(
        verify_receipt(&vec![b' '; 65 << 10], Some(&key)),
        Err(ReceiptError::TooLarge)
    ));
    let (other, other_key) = signed(&TempDir::new().unwrap());
    let other = other.to_json().unwrap();
    assert!(matches!(
        verify_receipt(other.as_bytes(), Some(&key)),
        Err(ReceiptError::Untrusted)
    ));
    verify_receipt(other.as_bytes(), Some(&other_key)).unwrap();
}

/// Mechanism: `crates/policy/src/receipt.rs`
/// Control: each receipt that was not changed is of its own kind.
#[test]
fn clause_02_consent_and_its_withdrawal_are_receipts_of_their_own() {
    let directory = TempDir::new().unwrap();
    let (acknowledgement, key) = signed(&directory);
    let log = PolicyLog::open(directory.path()).unwrap();
    let signer = ReceiptSigner::open(&directory.path().join("receipt.key")).unwrap();
    let given = Consent {
        subject: SUBJECT,
        version: &log.versions()[0],
        language: Language::English,
        purpose: "newsletter",
        purpose_type: "dpv:DirectMarketing",
        given_at: second(60),
        withdrawn_at: None,
        controller: &acknowledgement.receipt.pii_controller,
    };
    let withdrawn = Consent {
        withdrawn_at: Some(second(90)),
        ..given
    };
    let [given, withdrawn] = [given, withdrawn].map(|consent| {
        Receipt::sign_consent(consent, &signer)
            .unwrap()
            .to_json()
            .unwrap()
    });
    let acknowledgement = acknowledgement.to_json().unwrap();
    for (json, kind) in [
        (&acknowledgement, ReceiptKind::Acknowledgement),
        (&given, ReceiptKind::ConsentGiven),
        (&withdrawn, ReceiptKind::ConsentWithdrawn),
    ] {
        let verified = verify_receipt(json.as_bytes(), Some(&key)).unwrap();
        assert_eq!(verified.kind, kind);
        assert_eq!(verified.receipt.privacy_notice.hash, *embedded().hash());
    }
    assert!(given.contains("eu-gdpr:A6-1-a") && !acknowledgement.contains("eu-gdpr:A6-1-a"));
    // Whatever one is made to say of another kind is refused before its signature is looked at.
    for (json, from, to) in [
        (&given, "\"consent\"", "\"acknowledgement\""),
        (&given, "consent_given", "consent_withdrawn"),
        (&given, "consent_given", "acknowledgement"),
        (&given, "eu-gdpr:A6-1-a", "eu-gdpr:A6-1-f"),
        (&withdrawn, "consent_withdrawn", "consent_given"),
        (&withdrawn, "2023-11-14T22:14:20Z", "2023-11-14T22:15:20Z"),
        (&acknowledgement, "eu-gdpr:A6-1-b", "eu-gdpr:A6-1-a"),
    ] {
        let changed = json.replace(from, to);
        assert_ne!(changed, *json);
        let refused = verify_receipt(changed.as_bytes(), Some(&key));
        assert!(matches!(refused, Err(ReceiptError::Kind)), "{from} to {to}");
    }
    let other = given.replace("newsletter", "statistics");
    assert!(matches!(
        verify_receipt(other.as_bytes(), Some(&key)),
        Err(ReceiptError::Signature)
    ));
}

#[test]
fn the_signing_key_is_private_and_stays() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("receipt.key");
    let key = ReceiptSigner::open(&path).unwrap().public_key();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ReceiptSigner::open(&path).unwrap().public_key(), key);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        ReceiptSigner::open(&path),
        Err(SignerError::KeyPermissions { mode: 0o640, .. })
    ));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "something else").unwrap();
    assert!(matches!(
        ReceiptSigner::open(&path),
        Err(SignerError::KeyMalformed { .. })
    ));
}
