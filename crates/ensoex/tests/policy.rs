//! `ensoex policy` and `ensoex verify policy-log`, as they are typed.

use ensoex_policy::{Bundle, DocumentKind, HeadSigner, Language, PolicyLog, Source, Sources};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use time::OffsetDateTime;

fn ensoex(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ensoex"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(text).unwrap()
}

fn ran(arguments: &[&str]) -> (i32, String) {
    let output = ensoex(arguments).output().unwrap();
    (output.status.code().unwrap(), told(&output))
}

/// Texts of an older program: with a sentence that this one lacks.
fn older_texts(sentence: &str) -> Bundle {
    let mut sources = Sources::embedded();
    let mut table = ensoex_policy::DataTable::default();
    for language in Language::ALL {
        let row = ensoex_policy::DataRow {
            label: "x".to_owned(),
            asked: "x".to_owned(),
            reason: "x".to_owned(),
            purposes: Vec::new(),
            recipients: Vec::new(),
            retention: "x".to_owned(),
            legal_hold: None,
        };
        table.rows.insert(language, vec![row]);
        let recipient = ensoex_policy::RecipientRow {
            name: "x".to_owned(),
            why: "x".to_owned(),
            given: "x".to_owned(),
            ground: "x".to_owned(),
            operated_by: "x".to_owned(),
        };
        table.recipients.insert(language, vec![recipient]);
    }
    let terms = sources.languages[&Language::English].documents[&DocumentKind::Terms].clone();
    let text = format!("{}\n{sentence}\n", terms.text);
    sources.insert(
        Language::English,
        DocumentKind::Terms,
        Source {
            file: terms.file,
            text,
        },
    );
    Bundle::compile(&sources, &table).unwrap()
}

/// A Service's folder with a version of an older program.
fn older_service(directory: &Path, at: OffsetDateTime) {
    let mut log = PolicyLog::open(&directory.join("policy")).unwrap();
    log.publish(
        &older_texts("It was said before."),
        at,
        None,
        "Of an older program",
    )
    .unwrap();
    fs::create_dir_all(directory.join("keys")).unwrap();
    let signer = HeadSigner::open(&directory.join("keys/policy-log-signing.key")).unwrap();
    log.keep_head(&signer).unwrap();
}

#[test]
fn texts_are_published_listed_and_compared() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().to_str().unwrap();
    let (code, said) = ran(&["policy", "list", "--data", data]);
    assert_eq!(code, 1);
    assert!(said.contains("--data"), "{said}");
    older_service(place.path(), OffsetDateTime::now_utc());
    let (code, said) = ran(&["policy", "diff", "--data", data]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("[-It was said before.-]"), "{said}");
    let publish = |more: &[&str]| {
        let mut arguments = vec![
            "policy",
            "publish",
            "--data",
            data,
            "--summary",
            "A sentence less.",
        ];
        arguments.extend(more);
        ran(&arguments)
    };
    for (effective_at, expected) in [
        ("2020-01-01T00:00:00Z", "before it is published"),
        ("soon", "is no time"),
    ] {
        let (code, said) = publish(&["--effective-at", effective_at]);
        assert_eq!(code, 1);
        assert!(said.contains(expected), "{said}");
    }
    let (code, said) = publish(&["--effective-at", "2999-01-01T00:00:00Z"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = publish(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Unchanged"), "{said}");
    let (_, said) = ran(&["policy", "list", "--data", data]);
    let states: Vec<&str> = said
        .lines()
        .step_by(2)
        .filter_map(|line| line.rsplit("  ").next())
        .collect();
    assert_eq!(states, ["in force", "waits"], "{said}");
    let (_, said) = ran(&["policy", "diff", "--data", data, "--from", "1", "--to", "2"]);
    assert!(said.contains("[-It was said before.-]"), "{said}");
    let (code, said) = ran(&["policy", "diff", "--data", data, "--from", "9"]);
    assert_eq!(code, 1);
    assert!(said.contains("no version 9"), "{said}");
}

/// A version cannot be dated before the last one, whatever the clock says.
/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: the same command publishes once the last version lies in the past.
#[test]
fn clause_14_a_back_dated_publication_is_refused() {
    for (ahead_s, expected) in [(3_600, 1), (-3_600, 0)] {
        let place = tempfile::tempdir().unwrap();
        older_service(
            place.path(),
            OffsetDateTime::now_utc() + time::Duration::seconds(ahead_s),
        );
        let data = place.path().to_str().unwrap();
        let (code, said) = ran(&["policy", "publish", "--data", data, "--summary", "Now."]);
        assert_eq!(code, expected, "{said}");
        assert_eq!(said.contains("before the last one was"), expected == 1, "{said}");
    }
}

/// Of publications at once one is made, and the others say that nothing changed.
/// Mechanism: `crates/policy/src/policy_log.rs`
/// Control: the log has exactly one version more.
#[test]
fn clause_14_publications_at_once_wait_for_each_other() {
    let place = tempfile::tempdir().unwrap();
    older_service(
        place.path(),
        OffsetDateTime::now_utc() - time::Duration::seconds(60),
    );
    let data = place.path().to_str().unwrap();
    let start = |_| -> Child {
        ensoex(&["policy", "publish", "--data", data, "--summary", "At once."])
            .spawn()
            .unwrap()
    };
    let running: Vec<Child> = (0..4).map(start).collect();
    let said: Vec<String> = running
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
            told(&output)
        })
        .collect();
    let published = said.iter().filter(|said| said.starts_with("Published")).count();
    let unchanged = said.iter().filter(|said| said.starts_with("Unchanged")).count();
    assert_eq!((published, unchanged), (1, 3), "{said:?}");
    assert_eq!(
        PolicyLog::open(&place.path().join("policy"))
            .unwrap()
            .versions()
            .len(),
        2
    );
}

/// Whoever has the log, a head that they kept, and this program notices that an old version was changed.
/// Mechanism: `crates/ensoex/src/verify.rs`
/// Control: the unchanged log holds, and a changed one whose chain was made to fit holds without the head.
#[test]
fn clause_14_a_tampered_old_version_is_detected_offline() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().to_str().unwrap();
    older_service(
        place.path(),
        OffsetDateTime::now_utc() - time::Duration::seconds(60),
    );
    ran(&[
        "policy",
        "publish",
        "--data",
        data,
        "--summary",
        "A sentence less.",
    ]);
    let (code, said) = ran(&["verify", "policy-log", data]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("2 versions") && said.contains("their texts"),
        "{said}"
    );
    let kept = place.path().join("kept-head.json");
    fs::copy(place.path().join("policy/policy-head.json"), &kept).unwrap();
    let text = fs::read_to_string(place.path().join("policy/policy-log.jsonl")).unwrap();
    let mut previous = "0".repeat(64);
    let mut changed = String::new();
    for line in text.lines() {
        let mut version: ensoex_policy::PublishedVersion = serde_json::from_str(line).unwrap();
        version.summary = version.summary.replace("older", "newer");
        version.previous = previous;
        let line = serde_json::to_string(&version).unwrap();
        previous = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(line.as_bytes()));
        changed.push_str(&format!("{line}\n"));
    }
    let copy = place.path().join("copy.jsonl");
    let (copy_text, kept_text) = (copy.to_str().unwrap(), kept.to_str().unwrap());
    for (text, head, expected) in [(&text, true, 0), (&changed, false, 0), (&changed, true, 1)] {
        fs::write(&copy, text).unwrap();
        let mut arguments = vec!["verify", "policy-log", copy_text];
        if head {
            arguments.extend(["--head", kept_text]);
        }
        let (code, said) = ran(&arguments);
        assert_eq!(code, expected, "{said}");
    }
    // Texts beside the log are compared with their hashes.
    let bundles = place.path().join("policy/policy-bundles");
    let bundle = fs::read_dir(bundles).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read_to_string(&bundle).unwrap();
    fs::write(&bundle, whole.replacen("Terms", "Words", 1)).unwrap();
    let (code, said) = ran(&["verify", "policy-log", data]);
    assert_eq!(code, 1, "{said}");
}
