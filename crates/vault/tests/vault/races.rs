//! Corrections, removals, reads and an erasure of one person at once, in many orders: the person ends erased, and nothing of them
//! comes back. `ENSOEX_RACES` says how many orders.

use std::time::Duration;

use ensoex_vault::{Denial, Email, MobilePhone, Operation, Outcome, ProvideService, SubjectId, VaultError};
use tokio::task::JoinSet;

use crate::{Scene, service, text};

const RACES: u32 = 24;

fn races() -> u32 {
    std::env::var("ENSOEX_RACES").map_or(RACES, |races| races.parse().expect("a number"))
}

/// Rows about the subject that any database still holds, and that a correction could have left.
async fn left_of(scene: &Scene, subject: &SubjectId) -> Vec<String> {
    let mut left = Vec::new();
    for (file, tables) in [
        ("vault.db", ["records", "record_keys", "blind_index"].as_slice()),
        (
            "vault-keys.db",
            ["subject_keys", "anchors", "restrictions"].as_slice(),
        ),
    ] {
        let mut raw = scene.raw(file).await;
        for table in tables {
            let count = format!("SELECT count(*) FROM {table} WHERE subject = $1");
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count))
                .bind(&subject.as_bytes()[..])
                .fetch_one(&mut raw)
                .await
                .unwrap();
            if count > 0 {
                left.push(format!("{count} in {table}"));
            }
        }
    }
    left
}

/// Starts everything at once, each a little later than told by the bits of `order`.
async fn race(scene: &Scene, subject: SubjectId, order: u32, erase: bool) {
    let mut racing = JoinSet::new();
    let wait = move |place: u32| {
        let steps = order.wrapping_mul(2_654_435_761).rotate_left(place * 5) % 8;
        tokio::time::sleep(Duration::from_micros(u64::from(steps) * 300))
    };
    let fits = |done: Result<(), VaultError>| {
        let expected = matches!(
            done,
            Ok(())
                | Err(VaultError::UnknownSubject
                        | VaultError::NotFound
                        | VaultError::ValueTaken
                        // While it was restricted.
                        | VaultError::Denied(Denial::Restricted))
        );
        assert!(expected, "{done:?}");
    };
    for number in 0..3 {
        let vault = scene.vault.clone();
        racing.spawn(async move {
            wait(number).await;
            let email = text(&format!("corrected{order}n{number}@example.org"));
            fits(vault.claim::<Email>(&subject, email, &service()).await);
            let phone = text(&format!("+3804412{:05}", order * 3 + number));
            fits(
                vault
                    .store::<MobilePhone>(&subject, None, phone, &service())
                    .await,
            );
            fits(vault.claim_stored::<MobilePhone>(&subject, &service()).await);
        });
    }
    let vault = scene.vault.clone();
    racing.spawn(async move {
        wait(3).await;
        fits(vault.restrict(&subject, &service()).await.map(drop));
        fits(vault.remove::<MobilePhone>(&subject, None, &service()).await);
        fits(vault.lift_restriction(&subject, &service()).await);
    });
    let vault = scene.vault.clone();
    racing.spawn(async move {
        wait(4).await;
        let request = service();
        let read = vault.read::<Email, ProvideService, _>(&subject, None, &request, |_| ());
        fits(read.await);
    });
    if erase {
        let vault = scene.vault.clone();
        racing.spawn(async move {
            wait(5).await;
            vault.erase(&subject, &service()).await.unwrap();
        });
    }
    while let Some(done) = racing.join_next().await {
        done.unwrap();
    }
}

/// Mechanism: `crates/vault/src/vault/erasing.rs`
/// Control: the same without an erasure leaves what the search looks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clause_09_a_correction_beside_an_erasure_brings_nothing_back() {
    let mut scene = Scene::new().await;
    let mut erased = Vec::new();
    for order in 0..races() {
        let subject = scene
            .subject_with_email(&format!("person{order}@example.org"))
            .await;
        race(&scene, subject, order, true).await;
        assert_eq!(
            left_of(&scene, &subject).await,
            Vec::<String>::new(),
            "order {order}"
        );
        assert!(matches!(
            scene.email(&subject).await,
            Err(VaultError::UnknownSubject)
        ));
        let again = scene.vault.erase(&subject, &service()).await;
        assert!(matches!(again, Err(VaultError::UnknownSubject)), "{again:?}");
        for email in [
            format!("person{order}@example.org"),
            format!("corrected{order}n0@example.org"),
        ] {
            let found = scene
                .vault
                .find::<Email>(&text(&email), &service())
                .await
                .unwrap();
            assert_eq!(found, None, "order {order}");
        }
        erased.push(subject);
    }
    scene = scene.reopened().await;
    for subject in erased {
        assert_eq!(
            left_of(&scene, &subject).await,
            Vec::<String>::new(),
            "after a restart"
        );
        let leaves = scene.vault.recent_accesses(&subject, 100).await.unwrap();
        let end = leaves
            .iter()
            .position(|leaf| (leaf.operation, leaf.outcome) == (Operation::Erase, Outcome::Granted));
        let later = &leaves[..end.expect("an erasure")];
        let stored = later
            .iter()
            .find(|leaf| leaf.operation == Operation::Store && leaf.outcome == Outcome::Granted);
        assert_eq!(stored, None, "nothing is stored after an erasure");
    }
    // The control: the same without an erasure leaves what the search looks for.
    let subject = scene.subject_with_email("control@example.org").await;
    race(&scene, subject, 99_999 / 3 - 1, false).await;
    let left = left_of(&scene, &subject).await;
    assert!(left.iter().any(|left| left.ends_with("in records")), "{left:?}");
    assert!(
        left.iter().any(|left| left.ends_with("in subject_keys")),
        "{left:?}"
    );
    scene.vault.audit_access_log().await.unwrap();
}
