//! The log of versions as somebody meets it who kept a signed head of it.

use std::fs;

use ensoex_merkle::{Hash, verify_consistency};
use ensoex_policy::{HeadError, HeadSigner, LogError, PolicyLog, SignedHead, verify_inclusion};
use tempfile::TempDir;

use crate::{bundle_with, second};

const VERSIONS: u64 = 9;

/// A log of several versions, and its head after each.
fn grown() -> (TempDir, PolicyLog, HeadSigner, Vec<SignedHead>) {
    let directory = TempDir::new().unwrap();
    let signer = HeadSigner::open(&directory.path().join("policy-log-signing.key")).unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    let mut heads = Vec::new();
    for number in 1..=VERSIONS {
        let word = format!("version {number}");
        log.publish(&bundle_with(&word), second(number as i64), None, &word)
            .unwrap();
        heads.push(log.keep_head(&signer).unwrap());
    }
    (directory, log, signer, heads)
}

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// The log as somebody would write it who changes an old version and makes the chain fit again.
fn rewritten(text: &str, from: &str, to: &str) -> String {
    let mut previous = "0".repeat(64);
    let mut whole = String::new();
    for line in text.lines() {
        let mut line: serde_json::Value = serde_json::from_str(&line.replace(from, to)).unwrap();
        line["previous"] = previous.into();
        // Members in the order of the log, as its own writer has them.
        let version: ensoex_policy::PublishedVersion = serde_json::from_value(line).unwrap();
        let line = serde_json::to_string(&version).unwrap();
        previous = sha256(line.as_bytes());
        whole.push_str(&format!("{line}\n"));
    }
    whole
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

/// Between any two heads there is a proof that the later log continues the earlier one.
/// Mechanism: `crates/policy/src/transparency.rs`
/// Control: no proof fits another pair of heads.
#[test]
fn clause_14_every_head_of_the_log_continues_every_earlier_one() {
    let (_directory, log, _, heads) = grown();
    for second in 1..=VERSIONS {
        for first in 1..=second {
            let (old, new) = (&heads[first as usize - 1], &heads[second as usize - 1]);
            let proof = log.consistency(first, second).unwrap();
            let proof: Vec<Hash> = proof.iter().map(|text| hash(text)).collect();
            let fits = |old: &SignedHead, new: &SignedHead| {
                verify_consistency(first, &hash(&old.root), second, &hash(&new.root), &proof)
            };
            assert!(fits(old, new), "{first} {second}");
            let other = &heads[(first as usize) % heads.len()];
            assert!(!fits(other, new), "{first} {second}");
        }
    }
    for (first, second) in [(0, 1), (2, 1), (1, VERSIONS + 1)] {
        assert_eq!(log.consistency(first, second), None);
    }
}

/// Every version is proven to be in the log by its head.
/// Mechanism: `crates/policy/src/transparency.rs`
/// Control: a changed line, and the line of another version, are in no log.
#[test]
fn clause_14_every_version_is_proven_to_be_in_the_log() {
    let (_directory, log, _, heads) = grown();
    let head = heads.last().unwrap();
    for version in 1..=VERSIONS {
        let proven = log.inclusion(version).unwrap();
        assert!(proven.leaf.contains(&format!("version {version}")));
        assert!(verify_inclusion(&proven, head));
        let mut changed = proven.clone();
        changed.leaf = changed.leaf.replace("version", "changed");
        assert!(!verify_inclusion(&changed, head));
        let mut moved = proven;
        moved.index = version % VERSIONS;
        assert!(!verify_inclusion(&moved, head));
    }
    assert_eq!((log.inclusion(0), log.inclusion(VERSIONS + 1)), (None, None));
}

/// Whoever kept a signed head notices that an old version was changed, though the chain of lines was made to fit.
/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: the chain alone does not notice it, and the same log unchanged is accepted.
#[test]
fn clause_14_a_changed_old_version_does_not_continue_a_signed_head() {
    let (directory, log, signer, heads) = grown();
    let path = PolicyLog::file(directory.path());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(log.text(), text);
    let changed = rewritten(&text, "\"version 3\"", "\"version three\"");
    assert_ne!(changed, text);
    let other = PolicyLog::of_text(&changed).expect("the chain alone fits");
    for head in &heads {
        let continued = other.continues(head);
        match head.size {
            0..=2 => assert!(continued.is_ok()),
            size => assert!(matches!(continued, Err(HeadError::OtherLog { size: of }) if of == size)),
        }
        assert!(log.continues(head).is_ok());
    }
    let shorter: String = text.lines().take(4).map(|line| format!("{line}\n")).collect();
    let shorter = PolicyLog::of_text(&shorter).unwrap();
    assert!(matches!(
        shorter.continues(heads.last().unwrap()),
        Err(HeadError::Shorter { .. })
    ));
    // Beside the log lies the head that was kept last, so a start notices it too; and so does a running Service.
    let mut running = PolicyLog::open(directory.path()).unwrap();
    fs::write(&path, &changed).unwrap();
    assert!(matches!(running.refresh(), Err(LogError::NotContinued { .. })));
    assert_eq!(running.versions(), log.versions(), "it goes on with what it has");
    let mut reopened = PolicyLog::open(directory.path()).unwrap();
    assert!(matches!(
        reopened.keep_head(&signer),
        Err(LogError::NotContinued { size: VERSIONS, .. })
    ));
    fs::write(&path, &text).unwrap();
    assert!(!running.refresh().unwrap());
    assert_eq!(running.keep_head(&signer).unwrap(), *heads.last().unwrap());
}

/// A head is checked offline, and only as its key signed it.
/// Mechanism: `crates/policy/src/transparency.rs`
/// Control: the unchanged head is accepted.
#[test]
fn clause_14_a_changed_head_is_noticed() {
    let (directory, _, signer, heads) = grown();
    let json = serde_json::to_string(&heads[2]).unwrap();
    let key = signer.public_key();
    for trusted in [None, Some(&key)] {
        assert_eq!(SignedHead::verified(json.as_bytes(), trusted).unwrap(), heads[2]);
    }
    let larger = json.replace("\"size\":3", "\"size\":4");
    let other_root = json.replace(&heads[2].root, &heads[3].root);
    for changed in [&larger, &other_root] {
        assert_ne!(*changed, json);
        assert!(matches!(
            SignedHead::verified(changed.as_bytes(), None),
            Err(HeadError::Signature)
        ));
    }
    let stranger = HeadSigner::open(&directory.path().join("stranger.key")).unwrap();
    assert!(matches!(
        SignedHead::verified(json.as_bytes(), Some(&stranger.public_key())),
        Err(HeadError::Untrusted)
    ));
    assert!(matches!(
        SignedHead::verified(b"{}", None),
        Err(HeadError::Form(_))
    ));
}

/// What another process published is read without opening the log again.
#[test]
fn a_log_follows_what_others_publish() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    let mut other = PolicyLog::open(directory.path()).unwrap();
    other
        .publish(&bundle_with("one"), second(0), None, "One")
        .unwrap();
    assert!(log.versions().is_empty());
    assert!(log.refresh().unwrap());
    assert_eq!(log.versions(), other.versions());
    assert!(!log.refresh().unwrap());
}
