//! A simulated breach: opened at the command line, watched by the running Service, told of in drafts.

#[allow(dead_code, reason = "what other tests need of a running Service")]
#[path = "recovery/service.rs"]
mod service;

use serde_json::{Value, json};
use service::{Service, run};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn hours_ago(hours: i64) -> String {
    let at = OffsetDateTime::now_utc() - time::Duration::hours(hours);
    at.format(&Rfc3339).unwrap()
}

const TOLD: &str = "the authority must be told of an incident";
const UNREADABLE: &str = "nobody watches its deadlines";

/// What a Service says that is started until its health is so and its lines hold this.
async fn incidents_are(data: &Path, expected: Value, line: &str) -> String {
    let service = Service::start(data, &[]);
    let mut seen = service.healthy("primary").await["incidents"].clone();
    let log = || std::fs::read_to_string(data.with_extension("log")).unwrap();
    for _ in 0..400 {
        if seen == expected && log().contains(line) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        seen = service.health("primary").await.1["incidents"].clone();
    }
    assert_eq!(seen, expected);
    service.kill();
    log()
}

/// Mechanism: `crates/service/src/incidents.rs`
/// Control: an incident of which there is still time to tell is open and not overdue.
#[tokio::test]
async fn clause_10_a_running_service_reports_a_breach_that_nobody_was_told_of() {
    let kept = tempfile::tempdir().unwrap();
    let data = kept.path().join("service");
    incidents_are(&data, json!({ "open": 0, "overdue": 0, "readable": true }), "").await;
    let open = |aware_at: &str| {
        let summary = "Simulated: a copy of the history was taken.";
        let options = [
            "--summary",
            summary,
            "--breach",
            "confidentiality,availability",
            "--aware-at",
            aware_at,
        ];
        run(&["incident", "open"], &data, &options)
    };
    let (opened, told) = open(&hours_ago(71));
    assert!(
        opened && told.contains("Tell the data protection authority by"),
        "{told}"
    );
    let log = incidents_are(&data, json!({ "open": 1, "overdue": 0, "readable": true }), "").await;
    assert!(!log.contains("must be told of an incident"));

    let (opened, told) = open(&hours_ago(73));
    assert!(opened && told.contains("OVERDUE since"), "{told}");
    let log = incidents_are(&data, json!({ "open": 2, "overdue": 1, "readable": true }), TOLD).await;
    assert!(log.contains(TOLD), "{log}");

    let assess = [
        "--risk",
        "high",
        "--persons",
        "3",
        "--records",
        "6",
        "--fields",
        "email",
        "--consequences",
        "Unwanted letters.",
        "--measures",
        "The copy was destroyed.",
    ];
    assert!(run(&["incident", "assess", "2"], &data, &assess).0);
    let drafts = kept.path().join("drafts");
    let notices = [
        "--controller",
        "The operator",
        "--contact",
        "the desk",
        "--to",
        drafts.to_str().unwrap(),
    ];
    let (written, told) = run(&["incident", "notices", "2"], &data, &notices);
    assert!(written, "{told}");
    let draft = |name: &str| std::fs::read_to_string(drafts.join(name)).unwrap();
    assert!(
        draft("incident-2-authority.en.md").contains("72 hours have passed"),
        "it says itself that it is late"
    );
    assert!(draft("incident-2-persons.uk.md").contains("Адреса електронної пошти"));
    for who in ["authority", "persons"] {
        assert!(
            run(
                &["incident", "told", "2", who],
                &data,
                &["--text", "By letter; found late."]
            )
            .0
        );
    }
    assert!(
        run(
            &["incident", "close", "2"],
            &data,
            &["--text", "Copies are sealed now."]
        )
        .0
    );
    incidents_are(&data, json!({ "open": 1, "overdue": 0, "readable": true }), "").await;

    // A register that somebody changed is no register.
    let path = data.join("incidents.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("found late", "found soon", 1)).unwrap();
    let log = incidents_are(
        &data,
        json!({ "open": 0, "overdue": 0, "readable": false }),
        UNREADABLE,
    )
    .await;
    assert!(log.contains(UNREADABLE), "{log}");
}

#[test]
fn the_rehearsal_goes_as_it_must() {
    let rehearsal = std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"));
    let output = { rehearsal }.args(["incident", "rehearse"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("\nok ").count(), 9, "{told}");
    assert!(told.contains("# What happened to your data"));
}

#[test]
fn what_cannot_be_written_down_is_refused_with_what_to_do() {
    let kept = tempfile::tempdir().unwrap();
    let refused = |data: &Path, command: &[&str]| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"));
        let output = program.args(command).arg("--data").arg(data).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let open = |summary: &'static str| ["incident", "open", "--breach", "integrity", "--summary", summary];
    assert!(refused(kept.path(), &open("x")).contains("give the folder of a demo or of a Service"));
    std::fs::create_dir_all(kept.path().join("service/policy")).unwrap();
    assert!(refused(kept.path(), &open("ada@example.org was told")).contains("by their pseudonym"));
    assert!(refused(kept.path(), &["incident", "show", "1"]).contains("there is no incident 1"));
    let (opened, told) = run(
        &["incident", "open"],
        kept.path(),
        &["--breach", "integrity", "--summary", "x"],
    );
    assert!(opened, "the control: {told}");
    let assess = [
        "incident",
        "assess",
        "1",
        "--risk",
        "risk",
        "--persons",
        "1",
        "--records",
        "1",
        "--fields",
        "birthplace",
        "--consequences",
        "x",
        "--measures",
        "x",
    ];
    assert!(refused(kept.path(), &assess).contains("the catalogue has no field birthplace; it has email"));
}
