//! Publication: which version applied when, and what happens to a changed log.

use std::fs;

use ensoex_policy::{LogError, PolicyLog};
use tempfile::TempDir;

use crate::{bundle_with, embedded, second};

/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: the nanosecond before belongs to the version before.
#[test]
fn clause_14_a_version_applies_at_once_unless_it_says_otherwise() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    assert!(log.in_force(second(0)).is_none());
    log.publish(&embedded(), second(0), None, "First version")
        .unwrap();
    log.publish(
        &bundle_with("later"),
        second(10),
        Some(second(100)),
        "From the hundredth second",
    )
    .unwrap();
    log.publish(&bundle_with("soon"), second(20), None, "At once")
        .unwrap();
    let cases = [
        (-1, None),
        (0, Some(1)),
        (19, Some(1)),
        (20, Some(3)),
        (99, Some(3)),
        (100, Some(3)),
        (1000, Some(3)),
    ];
    let reopened = PolicyLog::open(directory.path()).unwrap();
    for (seconds, expected) in cases {
        for log in [&log, &reopened] {
            assert_eq!(
                log.in_force(second(seconds)).map(|version| version.version),
                expected,
                "{seconds}"
            );
        }
    }
    // Nobody replaced the next one while it waited: it comes into force at its nanosecond.
    log.publish(
        &bundle_with("last"),
        second(2000),
        Some(second(3000)),
        "From then on",
    )
    .unwrap();
    let just_before = second(3000) - time::Duration::nanoseconds(1);
    assert_eq!(log.in_force(just_before).unwrap().version, 3);
    assert_eq!(log.in_force(second(3000)).unwrap().version, 4);
}

/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: a changed word in a text is found.
#[test]
fn clause_14_published_texts_are_kept_and_checked() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    let (first, second_bundle) = (embedded(), bundle_with("more"));
    log.publish(&first, second(0), None, "First").unwrap();
    log.publish(&second_bundle, second(1), None, "Second").unwrap();
    assert_eq!(log.bundle(first.hash()).unwrap().unwrap(), first);
    assert_eq!(log.bundle(second_bundle.hash()).unwrap().unwrap(), second_bundle);
    assert!(log.bundle(bundle_with("never").hash()).unwrap().is_none());
    let path = directory
        .path()
        .join(format!("policy-bundles/{}.json", first.hash().digits()));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("anonymous", "known by name", 1)).unwrap();
    assert!(matches!(
        log.bundle(first.hash()),
        Err(LogError::BundleTampered { .. })
    ));
    assert!(log.bundle(second_bundle.hash()).is_ok());
}

/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: the unchanged log opens.
#[test]
fn clause_14_a_changed_line_is_noticed() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    for (number, word) in ["one", "two", "three"].into_iter().enumerate() {
        log.publish(&bundle_with(word), second(number as i64), None, word)
            .unwrap();
    }
    let path = directory.path().join("policy-log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let swapped = format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]);
    let missing = format!("{}\n{}\n", lines[0], lines[2]);
    for changed in [
        text.replacen("one", "ten", 1),
        text.replacen("two", "ten", 1),
        swapped,
        missing,
    ] {
        fs::write(&path, changed).unwrap();
        assert!(matches!(
            PolicyLog::open(directory.path()),
            Err(LogError::Tampered { .. })
        ));
    }
    fs::write(&path, &text).unwrap();
    assert_eq!(
        PolicyLog::open(directory.path()).unwrap().versions(),
        log.versions()
    );
}

#[test]
fn an_unfinished_line_is_cut_off_and_the_log_goes_on() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    log.publish(&embedded(), second(0), None, "First").unwrap();
    let path = directory.path().join("policy-log.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"version\":2,\"ha")).unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    assert_eq!(log.versions().len(), 1);
    log.publish(&bundle_with("more"), second(1), None, "Second")
        .unwrap();
    assert_eq!(PolicyLog::open(directory.path()).unwrap().versions().len(), 2);
}

#[test]
fn bad_publications_are_refused_and_leave_no_trace() {
    let directory = TempDir::new().unwrap();
    let mut log = PolicyLog::open(directory.path()).unwrap();
    log.publish(&embedded(), second(10), None, "First").unwrap();
    let other = bundle_with("other");
    let cases = [
        log.publish(&other, second(20), Some(second(19)), "Early"),
        log.publish(&other, second(9), None, "Back-dated"),
        log.publish(&embedded(), second(20), None, "The same"),
        log.publish(&other, second(20), None, " "),
        log.publish(&other, second(20), None, "two\nlines"),
        log.publish(&other, second(20), None, &"x".repeat(501)),
    ];
    for (case, outcome) in cases.iter().enumerate() {
        let expected = match case {
            0 => matches!(outcome, Err(LogError::EffectiveBeforePublication)),
            1 => matches!(outcome, Err(LogError::BackDated)),
            2 => matches!(outcome, Err(LogError::Unchanged)),
            _ => matches!(outcome, Err(LogError::Summary { .. })),
        };
        assert!(expected, "{case}");
    }
    assert_eq!(PolicyLog::open(directory.path()).unwrap().versions().len(), 1);
}

#[test]
fn publications_at_once_by_several_logs_do_not_overwrite_each_other() {
    let directory = TempDir::new().unwrap();
    let words = ["a", "b", "c", "d", "e", "f", "g", "h"];
    std::thread::scope(|scope| {
        for word in words {
            let path = directory.path();
            scope.spawn(move || {
                let mut log = PolicyLog::open(path).unwrap();
                log.publish(&bundle_with(word), second(0), None, word).unwrap();
            });
        }
    });
    let log = PolicyLog::open(directory.path()).unwrap();
    assert_eq!(log.versions().len(), words.len());
    for version in log.versions() {
        assert!(log.bundle(&version.hash).unwrap().is_some());
    }
}
