//! What is optional: agreement to it, and what improving the Service may learn of who agreed: counts with noise, within a budget.

use ensoex_egress::{Item, Recipient};
use ensoex_vault::{
    AccessRequest, Actor, Denial, Email, Operation, Optional, Outcome, ProvideService, Question, Reason,
    Release, SubjectId, VaultError, YEAR_EPSILON_MILLI_MAX,
};

use crate::erasure::{copy, restore};
use crate::{Scene, request, service};

/// Noise of scale 4 is further out than this once in two million releases.
const FAR: i64 = 55;

fn persons(count: u8) -> Vec<SubjectId> {
    (1..=count)
        .map(|number| SubjectId::from_bytes([number; 16]))
        .collect()
}

async fn created(scene: &Scene, count: usize) -> Vec<SubjectId> {
    let mut persons = Vec::with_capacity(count);
    for _ in 0..count {
        persons.push(scene.vault.create_subject(&service()).await.unwrap());
    }
    persons
}

fn own(person: &SubjectId) -> AccessRequest {
    request(Actor::Person(*person), Reason::RightsRequest)
}

async fn asked(
    scene: &Scene,
    (question, quarter): (Question, &str),
    persons: &[SubjectId],
    actor: Actor,
    reason: Reason,
) -> Result<Release, VaultError> {
    let groups = ["en", "uk"].map(str::to_owned);
    let members: Vec<_> = persons.iter().map(|person| (*person, "en".to_owned())).collect();
    let access = request(actor, reason);
    scene
        .vault
        .statistics(question, quarter, &groups, &members, &access)
        .await
}

async fn answer(
    scene: &Scene,
    question: (Question, &str),
    persons: &[SubjectId],
) -> Result<Release, VaultError> {
    let component = Actor::component("improvement").unwrap();
    asked(scene, question, persons, component, Reason::Improvement).await
}

fn english(release: &Release) -> i64 {
    assert_eq!(
        release.groups.len(),
        2,
        "every group of the question, whoever is there"
    );
    release.groups[0].about.unwrap_or_default()
}

/// Only who agreed is counted: nobody at first, nobody any more who withdrew, and not while they restrict the use of their data.
/// Mechanism: `crates/vault/src/vault/improving.rs`
/// Control: while they agree the same persons are counted.
#[tokio::test]
async fn clause_07_improvement_counts_only_who_agreed() {
    let scene = Scene::new().await;
    let persons = created(&scene, 120).await;
    let count = async |scene: &Scene, quarter| {
        english(
            &answer(scene, (Question::Language, quarter), &persons)
                .await
                .unwrap(),
        )
    };
    assert!(count(&scene, "2025-Q1").await <= FAR, "off at first");
    for person in &persons {
        let since = scene
            .vault
            .agree(person, Optional::Statistics, &own(person))
            .await
            .unwrap();
        let again = scene
            .vault
            .agree(person, Optional::Statistics, &own(person))
            .await;
        assert_eq!(again.unwrap(), since, "agreeing twice is agreeing once");
    }
    assert!(
        (count(&scene, "2025-Q2").await - 120).abs() <= FAR,
        "control: about all are counted"
    );
    for person in &persons[..60] {
        let own = own(person);
        scene
            .vault
            .withdraw(person, Optional::Statistics, &own)
            .await
            .unwrap();
    }
    for person in &persons[60..110] {
        scene.vault.restrict(person, &own(person)).await.unwrap();
    }
    assert!(
        count(&scene, "2025-Q3").await <= 10 + FAR,
        "neither who withdrew nor who restricts"
    );
    let scene = scene.reopened().await;
    assert_eq!(scene.vault.agreed(Optional::Statistics).await.unwrap().len(), 10);
    let known = answer(&scene, (Question::Language, "2025-Q3"), &persons).await;
    let again = answer(&scene, (Question::Language, "2025-Q3"), &persons).await;
    assert_eq!(
        known.unwrap(),
        again.unwrap(),
        "asked again, no second noise is drawn that could be averaged away"
    );
    let entries = scene
        .vault
        .accesses(&SubjectId::from_bytes([0; 16]))
        .await
        .unwrap();
    assert!(
        entries
            .iter()
            .all(|entry| entry.operation == Operation::Aggregate && entry.field.is_none())
    );
    assert_eq!(entries[0].record, "language.2025-Q1");
    assert_eq!(entries.len(), 3, "each release is an entry, about nobody");
}

/// Nobody agrees or withdraws in another's name, neither another person nor the Service; and each that was done is an entry.
/// Mechanism: `crates/vault/src/vault/agreeing.rs`
/// Control: the person themselves does both.
#[tokio::test]
async fn clause_02_nobody_agrees_for_another() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let (of_eve, of_the_service) = (own(&eve), service());
    for what in Optional::ALL {
        for request in [&of_eve, &of_the_service] {
            let refused = scene.vault.agree(&ada, what, request).await;
            assert!(matches!(refused, Err(VaultError::Denied(Denial::OtherPerson))));
        }
        assert_eq!(scene.vault.agreed_since(&ada, what).await.unwrap(), None);
        scene.vault.agree(&ada, what, &own(&ada)).await.unwrap();
        for request in [&of_eve, &of_the_service] {
            let refused = scene.vault.withdraw(&ada, what, request).await;
            assert!(matches!(refused, Err(VaultError::Denied(Denial::OtherPerson))));
        }
        assert!(scene.vault.agreed_since(&ada, what).await.unwrap().is_some());
        scene.vault.withdraw(&ada, what, &own(&ada)).await.unwrap();
        let twice = scene.vault.withdraw(&ada, what, &own(&ada)).await;
        assert!(matches!(twice, Err(VaultError::NotFound)));
    }
    let entries = scene.vault.accesses(&ada).await.unwrap();
    let granted: Vec<(Operation, &str)> = entries
        .iter()
        .filter(|entry| matches!(entry.operation, Operation::Agree | Operation::Withdraw))
        .filter(|entry| entry.outcome == Outcome::Granted)
        .map(|entry| (entry.operation, entry.record.as_str()))
        .collect();
    assert_eq!(
        granted,
        [
            (Operation::Agree, "newsletter"),
            (Operation::Withdraw, "newsletter"),
            (Operation::Agree, "statistics"),
            (Operation::Withdraw, "statistics"),
        ]
    );
    scene
        .vault
        .agree(&ada, Optional::Newsletter, &own(&ada))
        .await
        .unwrap();
    scene.vault.erase(&ada, &service()).await.unwrap();
    let since = scene.vault.agreed_since(&ada, Optional::Newsletter).await;
    assert_eq!(since.unwrap(), None, "nothing is left of an erased person");
    let gone = scene.vault.agree(&ada, Optional::Newsletter, &own(&ada)).await;
    assert!(matches!(gone, Err(VaultError::UnknownSubject)));
}

/// The vault itself gives no address to a newsletter, and lets nothing be handed to who delivers it, of a person who does not agree.
/// Mechanism: `crates/vault/src/vault/agreeing.rs`
/// Control: of the same person, while they agree, both are granted.
#[tokio::test]
async fn clause_07_a_newsletter_reaches_only_who_agreed() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let request = request(Actor::component("newsletter").unwrap(), Reason::Newsletter);
    let items = [Item::Email, Item::Message];
    let given = async || {
        let read = scene
            .vault
            .read::<Email, ProvideService, _>(&ada, None, &request, |_| ())
            .await;
        let disclosed = scene
            .vault
            .disclose(&ada, Recipient::MailRelay, &items, &request)
            .await;
        (read.err(), disclosed.err())
    };
    use Denial::{NotAgreed, Restricted};
    let denied = |(read, disclosed): (Option<VaultError>, Option<VaultError>), with: Denial| {
        let is =
            |error: Option<VaultError>| matches!(error, Some(VaultError::Denied(denial)) if denial == with);
        is(read) && is(disclosed)
    };
    assert!(denied(given().await, NotAgreed), "off at first");
    scene
        .vault
        .agree(&ada, Optional::Statistics, &own(&ada))
        .await
        .unwrap();
    assert!(
        denied(given().await, NotAgreed),
        "who agrees to one thing agrees to that"
    );
    scene
        .vault
        .agree(&ada, Optional::Newsletter, &own(&ada))
        .await
        .unwrap();
    assert!(matches!(given().await, (None, None)), "control");
    scene.vault.restrict(&ada, &own(&ada)).await.unwrap();
    assert!(denied(given().await, Restricted), "a restriction wins");
    scene.vault.lift_restriction(&ada, &own(&ada)).await.unwrap();
    scene
        .vault
        .withdraw(&ada, Optional::Newsletter, &own(&ada))
        .await
        .unwrap();
    assert!(denied(given().await, NotAgreed));
}

/// A copy of the keys from before a withdrawal does not undo it.
/// Mechanism: `crates/vault/src/vault.rs`
/// Control: the copy was made while the person agreed.
#[tokio::test]
async fn clause_02_an_older_copy_of_the_keys_does_not_undo_a_withdrawal() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let what = Optional::Newsletter;
    scene.vault.agree(&ada, what, &own(&ada)).await.unwrap();
    scene.vault.close().await;
    let older = scene.directory.path().join("older");
    copy(&scene, "vault-keys.db", &older);
    let scene = scene.reopened().await;
    assert!(
        scene.vault.agreed_since(&ada, what).await.unwrap().is_some(),
        "control"
    );
    scene.vault.withdraw(&ada, what, &own(&ada)).await.unwrap();
    let since = scene.vault.agree(&eve, what, &own(&eve)).await.unwrap();
    scene.vault.close().await;
    restore(&scene, "vault-keys.db", &older);
    let scene = scene.reopened().await;
    assert_eq!(scene.vault.agreed_since(&ada, what).await.unwrap(), None);
    let of_eve = scene.vault.agreed_since(&eve, what).await.unwrap().unwrap();
    assert!(
        of_eve.abs_diff(since) < 60_000,
        "what was given since is known too"
    );
}

/// Mechanism: `crates/vault/src/vault/improving.rs`
/// Control: within the budget the question is answered.
#[tokio::test]
async fn clause_07_the_budget_of_a_year_is_spent_once() {
    let scene = Scene::new().await;
    let persons = persons(30);
    let mut spent = 0;
    for quarter in ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"] {
        for question in Question::ALL {
            spent += answer(&scene, (question, quarter), &persons)
                .await
                .unwrap()
                .epsilon_milli;
        }
    }
    assert!(spent <= YEAR_EPSILON_MILLI_MAX, "a year's questions fit");
    scene
        .execute(
            "vault-keys.db",
            "UPDATE releases SET quarter = '2026-Q0' WHERE quarter = '2026-Q1'",
        )
        .await;
    let scene = scene.reopened().await;
    let refused = answer(&scene, (Question::Language, "2026-Q1"), &persons).await;
    assert!(
        matches!(refused, Err(VaultError::ReleaseLost)),
        "nor does a release that is gone come free"
    );
    assert!(
        answer(&scene, (Question::Language, "2027-Q1"), &persons)
            .await
            .is_ok(),
        "control: another year"
    );
    for quarter in ["2026-Q5", "2026", "26-Q1", "2026-Q11", "-Q1"] {
        let refused = answer(&scene, (Question::Language, quarter), &persons).await;
        assert!(matches!(refused, Err(VaultError::InvalidQuestion)), "{quarter}");
    }
}

/// Mechanism: `crates/vault/src/vault/improving.rs`
/// Control: the Service itself gets its answer.
#[tokio::test]
async fn clause_07_statistics_are_for_improvement_by_the_service_only() {
    let scene = Scene::new().await;
    let persons = persons(30);
    let (staff, component) = (Actor::Staff(persons[0]), || {
        Actor::component("improvement").unwrap()
    });
    for (actor, reason) in [
        (staff, Reason::Improvement),
        (Actor::Person(persons[0]), Reason::Improvement),
        (component(), Reason::FraudScreening),
    ] {
        let refused = asked(&scene, (Question::Language, "2026-Q4"), &persons, actor, reason).await;
        assert!(matches!(refused, Err(VaultError::Denied(Denial::Statistics))));
    }
    assert!(scene.vault.releases().await.unwrap().is_empty());
    let right = asked(
        &scene,
        (Question::Language, "2026-Q4"),
        &persons,
        component(),
        Reason::Improvement,
    )
    .await;
    assert!(right.is_ok(), "control");
}

/// What a release cost is not forgotten with the copy of the keys that does not know it, nor is the question answered twice.
/// Mechanism: `crates/vault/src/vault/improving.rs`
/// Control: the copy does not know the release, and of another quarter the question is answered.
#[tokio::test]
async fn clause_07_an_older_copy_of_the_keys_gives_no_budget_back() {
    let scene = Scene::new().await;
    let persons = persons(30);
    let older = scene.directory.path().join("older");
    copy(&scene, "vault-keys.db", &older);
    for quarter in ["2026-Q1", "2026-Q2", "2026-Q3"] {
        for question in Question::ALL {
            answer(&scene, (question, quarter), &persons).await.unwrap();
        }
    }
    scene.vault.close().await;
    restore(&scene, "vault-keys.db", &older);
    let scene = scene.reopened().await;
    assert!(scene.vault.releases().await.unwrap().is_empty(), "control");
    let again = answer(&scene, (Question::Language, "2026-Q3"), &persons).await;
    assert!(matches!(again, Err(VaultError::ReleaseLost)));
    for question in Question::ALL {
        assert!(
            answer(&scene, (question, "2026-Q4"), &persons).await.is_ok(),
            "control"
        );
    }
    // A log from before, beside keys that know what was released, gives nothing back either.
    let spend = "INSERT INTO releases SELECT question, '2027-Q4', '2027', 2000, body FROM releases LIMIT 1";
    assert_eq!(scene.execute("vault-keys.db", spend).await, 1);
    let spent = answer(&scene, (Question::Language, "2027-Q1"), &persons).await;
    assert!(matches!(spent, Err(VaultError::BudgetSpent)));
}
