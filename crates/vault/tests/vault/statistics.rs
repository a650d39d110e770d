//! What improving the Service may learn: counts with noise, of whoever does not object, within a budget.

use ensoex_vault::{
    Actor, Denial, Operation, Question, Reason, Release, SubjectId, VaultError, YEAR_EPSILON_MILLI_MAX,
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

/// Mechanism: `crates/vault/src/vault/improving.rs`
/// Control: before the objection the same persons are counted.
#[tokio::test]
async fn clause_07_improvement_learns_counts_of_those_who_do_not_object() {
    let scene = Scene::new().await;
    let persons = persons(120);
    let first = answer(&scene, (Question::Language, "2026-Q3"), &persons)
        .await
        .unwrap();
    assert!(
        (english(&first) - 120).abs() <= FAR,
        "control: about all are counted"
    );
    for person in &persons[..110] {
        let own = request(Actor::Person(*person), Reason::RightsRequest);
        scene.vault.object_to_statistics(person, &own).await.unwrap();
    }
    let by_another = request(Actor::Person(persons[0]), Reason::RightsRequest);
    let objected = scene.vault.object_to_statistics(&persons[119], &by_another).await;
    assert!(matches!(objected, Err(VaultError::Denied(Denial::OtherPerson))));
    let second = answer(&scene, (Question::Language, "2026-Q4"), &persons)
        .await
        .unwrap();
    assert!(english(&second) <= 10 + FAR, "{second:?}");

    let scene = scene.reopened().await;
    assert!(scene.vault.objected_since(&persons[0]).await.unwrap().is_some());
    let again = answer(&scene, (Question::Language, "2026-Q4"), &persons)
        .await
        .unwrap();
    assert_eq!(
        again, second,
        "asked again, no second noise is drawn that could be averaged away"
    );
    let own = request(Actor::Person(persons[0]), Reason::RightsRequest);
    scene.vault.withdraw_objection(&persons[0], &own).await.unwrap();
    assert_eq!(scene.vault.objected_since(&persons[0]).await.unwrap(), None);
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
    assert_eq!(entries[0].record, "language.2026-Q3");
    assert_eq!(entries.len(), 2, "each release is an entry, about nobody");
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
    let ada = scene.subject_with_email("ada@example.org").await;
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    scene.vault.object_to_statistics(&ada, &own).await.unwrap();
    scene.vault.erase(&ada, &service()).await.unwrap();
    assert_eq!(
        scene.vault.objected_since(&ada).await.unwrap(),
        None,
        "nothing is left of an erased person"
    );
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
