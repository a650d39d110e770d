//! The register: its clock, its file, what it refuses, and what the drafts hold.

use ensoex_incidents::notices::{self, Controller, Language};
use ensoex_incidents::register::{Register, RegisterError};
use ensoex_incidents::{AUTHORITY_HOURS, Assessment, Breach, Event, Incident, Risk, Told};
use std::fs;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

fn hour(hours: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap() + Duration::hours(hours)
}

fn opened(folder: &TempDir) -> Register {
    let mut register = Register::open(folder.path()).unwrap();
    let breach = [Breach::Confidentiality];
    register
        .begin(
            "A member of staff read records without a case.",
            &breach,
            hour(0),
            hour(1),
        )
        .unwrap();
    register
}

fn assessment(risk: Risk) -> Event {
    Event::Assessed(Assessment {
        risk,
        persons: 12,
        records: 30,
        fields: vec!["email".to_owned()],
        consequences: "Messages that pretend to come from us.".to_owned(),
        measures: "The account of the member of staff was suspended.".to_owned(),
    })
}

fn told(who: Told, at: OffsetDateTime) -> Event {
    Event::Told {
        who,
        at,
        text: "By the form on their page, reference 17.".to_owned(),
    }
}

fn note(text: &str) -> Event {
    Event::Noted {
        text: text.to_owned(),
    }
}

fn whom(incident: &Incident) -> Vec<Told> {
    incident.duties().into_iter().map(|duty| duty.who).collect()
}

/// Mechanism: `crates/incidents/src/lib.rs`
/// Control: at the last moment of the 72 hours nothing is overdue yet, and what was told no longer is.
#[test]
fn clause_10_a_breach_that_nobody_was_told_of_in_72_hours_is_overdue() {
    let folder = TempDir::new().unwrap();
    let mut register = opened(&folder);
    let incident = register.incident(1).unwrap();
    assert_eq!(
        whom(incident),
        [Told::Authority],
        "until it is assessed, there may be a risk"
    );
    assert!(incident.overdue(hour(AUTHORITY_HOURS)).is_empty());
    let late = hour(AUTHORITY_HOURS) + Duration::nanoseconds(1);
    assert_eq!(incident.overdue(late).len(), 1);

    for (risk, expected) in [
        (Risk::Unlikely, vec![]),
        (Risk::Risk, vec![Told::Authority]),
        (Risk::High, vec![Told::Authority, Told::Persons]),
    ] {
        let incident = register.add(1, assessment(risk), hour(2)).unwrap();
        assert_eq!(whom(incident), expected);
        assert_eq!(incident.overdue(late).len(), expected.len());
    }
    let closing = || Event::Closed {
        text: "Reads need a case now.".to_owned(),
    };
    let refused = register.add(1, closing(), hour(3));
    assert!(matches!(
        refused,
        Err(RegisterError::DutyLeft {
            who: "the authority",
            ..
        })
    ));
    register.add(1, told(Told::Authority, hour(3)), hour(3)).unwrap();
    let refused = register.add(1, closing(), hour(3));
    assert!(matches!(
        refused,
        Err(RegisterError::DutyLeft {
            who: "those affected",
            ..
        })
    ));
    let incident = register.add(1, told(Told::Persons, hour(4)), hour(4)).unwrap();
    assert!(incident.overdue(hour(1_000)).is_empty());
    assert!(!register.add(1, closing(), hour(5)).unwrap().is_open());
    let after = register.add(1, note("More."), hour(6));
    assert!(matches!(after, Err(RegisterError::Closed(1))));
}

/// Mechanism: `crates/incidents/src/notices.rs`
/// Control: before an assessment the drafts say themselves what is missing.
#[test]
fn clause_10_the_drafts_of_notices_hold_all_that_the_law_wants() {
    let folder = TempDir::new().unwrap();
    let mut register = opened(&folder);
    let controller = Controller {
        name: "The operator".to_owned(),
        contact: "the data protection desk".to_owned(),
    };
    let label = |field: &str| format!("label of {field}");
    for language in [Language::English, Language::Ukrainian] {
        let incident = register.incident(1).unwrap();
        let draft = notices::to_authority(incident, &controller, language, hour(2), &label);
        assert_eq!(draft.missing.len(), 1);
        assert_eq!(draft.text.matches('[').count(), 5, "{}", draft.text);
        let late = notices::to_authority(incident, &controller, language, hour(73), &label);
        assert_eq!(late.missing.len(), 2, "and why it is late");
        assert_eq!(
            notices::to_persons(incident, &controller, language, &label)
                .missing
                .len(),
            1
        );
    }
    register.add(1, assessment(Risk::High), hour(2)).unwrap();
    register.add(1, note("It began in the night."), hour(3)).unwrap();
    let incident = register.incident(1).unwrap();
    for language in [Language::English, Language::Ukrainian] {
        let authority = notices::to_authority(incident, &controller, language, hour(4), &label);
        let persons = notices::to_persons(incident, &controller, language, &label);
        assert!(authority.missing.is_empty() && persons.missing.is_empty());
        for text in [
            "A member of staff read records without a case.",
            "label of email",
            "Messages that pretend to come from us.",
            "The account of the member of staff was suspended.",
            "the data protection desk",
        ] {
            assert!(
                authority.text.contains(text) && persons.text.contains(text),
                "{text}"
            );
        }
        for text in ["12\n", "30\n", "It began in the night.", "2026-09-24T"] {
            assert!(authority.text.contains(text), "{text}: {}", authority.text);
        }
        assert!(
            !persons.text.contains("It began in the night."),
            "working notes are for the authority"
        );
    }
}

#[test]
fn the_register_is_read_again_and_every_change_of_a_line_is_noticed() {
    let folder = TempDir::new().unwrap();
    let mut register = opened(&folder);
    register.add(1, note("First."), hour(2)).unwrap();
    register.add(1, assessment(Risk::Risk), hour(3)).unwrap();
    let reopened = Register::open(folder.path()).unwrap();
    assert_eq!(reopened.incidents(), register.incidents());

    let path = Register::file(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let swapped = format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]);
    let missing = format!("{}\n{}\n", lines[0], lines[2]);
    for changed in [
        text.replacen("First", "Other", 1),
        swapped,
        missing,
        text.replacen("\"incident\":1", "\"incident\":2", 1),
    ] {
        fs::write(&path, changed).unwrap();
        assert!(matches!(
            Register::open(folder.path()),
            Err(RegisterError::Tampered { .. })
        ));
    }
    // A line that a crash left unfinished was never acknowledged.
    fs::write(&path, format!("{text}{{\"incident\":1,")).unwrap();
    let mut reopened = Register::open(folder.path()).unwrap();
    assert_eq!(reopened.incidents(), register.incidents());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    reopened.add(1, note("Goes on."), hour(2)).unwrap();
    let again = Register::open(folder.path()).unwrap();
    assert_eq!(
        again.incidents()[0].notes[1].0,
        hour(3),
        "a clock that went back does not undo the order"
    );
}

#[test]
fn two_who_write_at_once_both_are_heard() {
    let folder = TempDir::new().unwrap();
    opened(&folder);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let mut register = Register::open(folder).unwrap();
                for number in 0..5 {
                    register
                        .add(1, note(&format!("{writer} {number}")), hour(2))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(
        Register::open(folder.path()).unwrap().incidents()[0].notes.len(),
        20
    );
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let mut register = opened(&folder);
    let before = fs::read(Register::file(folder.path())).unwrap();
    for text in [
        "",
        "  \n",
        "bell \u{7}",
        "turned \u{202e}round",
        &"x".repeat(2_001),
        "ada@example.org wrote",
        "call +380 44 123 45 67",
        "call (044) 123-45-67 89",
        "card 4716 3916 5280 4733",
    ] {
        assert!(register.add(1, note(text), hour(2)).is_err(), "{text}");
    }
    let far = told(Told::Authority, hour(3));
    assert!(matches!(register.add(1, far, hour(2)), Err(RegisterError::Time)));
    let early = told(Told::Authority, hour(-1));
    assert!(matches!(
        register.add(1, early, hour(2)),
        Err(RegisterError::Time)
    ));
    assert!(matches!(
        register.add(2, note("x"), hour(2)),
        Err(RegisterError::Unknown(2))
    ));
    for breach in [vec![], vec![Breach::Integrity, Breach::Integrity]] {
        let refused = register.begin("x", &breach, hour(2), hour(2));
        assert!(matches!(refused, Err(RegisterError::Breach)));
    }
    let future = register.begin("x", &[Breach::Integrity], hour(5), hour(2));
    assert!(matches!(future, Err(RegisterError::Time)));
    let Event::Assessed(mut wrong) = assessment(Risk::Risk) else {
        unreachable!()
    };
    wrong.fields = vec!["E-mail".to_owned()];
    assert!(matches!(
        register.add(1, Event::Assessed(wrong), hour(2)),
        Err(RegisterError::Fields)
    ));
    assert_eq!(fs::read(Register::file(folder.path())).unwrap(), before);
    // The control: what only looks a little like it is taken.
    for text in [
        "At 2026-11-22 10:00:05, 1200 persons, entry 123456.",
        "subject 01234567890123456789012345678901.",
        "§ 5, 12 of 30",
    ] {
        register.add(1, note(text), hour(2)).unwrap();
    }
}
