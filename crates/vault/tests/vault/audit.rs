//! Records compared with what the access log says was stored, without any key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ensoex_vault::{Difference, MobilePhone, RecordAudit, VaultError, audit_records};

use crate::{Scene, service, text};

async fn audit(scene: &Scene) -> Result<RecordAudit, VaultError> {
    let config = scene.config();
    audit_records(&config.records, &config.access_log).await
}

/// What is different, in words.
async fn differences(scene: &Scene) -> Vec<Difference> {
    let audit = audit(scene).await.unwrap();
    assert_eq!(audit.different, audit.differences.len() as u64);
    audit.differences.into_iter().map(|one| one.what).collect()
}

/// Mechanism: `crates/vault/src/record_audit.rs`
/// Control: each way of having other bytes there is named.
#[tokio::test]
async fn clause_09_every_record_is_what_the_access_log_says() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let ada = scene.subject_with_email("ada@example.org").await;
    let (bob, eve) = (
        scene.subject_with_email("bob@example.org").await,
        scene.subject_with_email("eve@example.org").await,
    );
    for phone in ["+380441234567", "+380441234568"] {
        vault
            .store::<MobilePhone>(&ada, None, text(phone), &service())
            .await
            .unwrap();
        vault
            .store::<MobilePhone>(&bob, None, text(phone), &service())
            .await
            .unwrap();
    }
    vault.remove::<MobilePhone>(&bob, None, &service()).await.unwrap();
    vault.erase(&eve, &service()).await.unwrap();
    scene.email(&ada).await.unwrap();

    // While the vault is open, and after a renewal of every value.
    let all = audit(&scene).await.unwrap();
    assert_eq!((all.records, all.different), (3, 0), "{:?}", all.differences);
    assert_eq!(all.root, vault.access_log_head().root);
    ensoex_vault::Vault::ask_rotations(&scene.config(), &[ensoex_vault::Layer::Values])
        .await
        .unwrap();
    vault.rotate(&service()).await.unwrap();
    assert_eq!(differences(&scene).await, []);

    // Each way of having other bytes there is named.
    for (spoil, mend) in [
        (
            "UPDATE records SET sealed = CAST(sealed || x'00' AS BLOB) WHERE field = 'email'",
            "UPDATE records SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE field = 'email'",
        ),
        (
            "UPDATE records SET version = version - 1",
            "UPDATE records SET version = version + 1",
        ),
        (
            "UPDATE record_keys SET purpose = 'x' || purpose",
            "UPDATE record_keys SET purpose = substr(purpose, 2)",
        ),
    ] {
        scene.execute("vault.db", spoil).await;
        let found = differences(&scene).await;
        let other = |what: &Difference| matches!(what, Difference::Other { .. });
        assert!(found.len() >= 2 && found.iter().all(other), "{spoil}: {found:?}");
        scene.execute("vault.db", mend).await;
        assert_eq!(differences(&scene).await, [], "{mend}");
    }
    scene
        .execute("vault.db", "CREATE TABLE saved AS SELECT * FROM records")
        .await;
    scene.execute("vault.db", "DELETE FROM records").await;
    let gone = differences(&scene).await;
    assert!(gone.len() == 3 && gone.iter().all(|what| matches!(what, Difference::Missing { .. })));
    scene
        .execute("vault.db", "INSERT INTO records SELECT * FROM saved")
        .await;
    scene
        .execute(
            "vault.db",
            "INSERT INTO records SELECT zeroblob(16), field, record, version, key_id, sealed, stored_at_ms FROM saved GROUP BY field",
        )
        .await;
    let planted = differences(&scene).await;
    assert_eq!(planted, [Difference::NotStored; 2]);

    // And so is a log that was changed.
    for statement in [
        "DROP TRIGGER leaves_never_change",
        "UPDATE leaves SET body = replace(body, 'test', 'tesl') WHERE number = 1",
    ] {
        scene.execute("access-log.db", statement).await;
    }
    assert!(matches!(audit(&scene).await, Err(VaultError::AccessLogTampered)));
}

/// Beside a vault that stores, removes and erases all the time no record is named that is what was stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_being_written_are_no_difference() {
    let scene = Scene::new().await;
    let still = scene.subject_with_email("still@example.org").await;
    let going = Arc::new(AtomicBool::new(true));
    let mut people = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (vault, going) = (scene.vault.clone(), going.clone());
        people.spawn(async move {
            let (mut rounds, request) = (0_u64, service());
            while going.load(Ordering::Relaxed) {
                let subject = vault.create_subject(&request).await.unwrap();
                for round in 0..3 {
                    let phone = text(&format!("+38044{number}2{round:05}"));
                    vault
                        .store::<MobilePhone>(&subject, None, phone, &request)
                        .await
                        .unwrap();
                }
                match number % 2 {
                    0 => vault
                        .remove::<MobilePhone>(&subject, None, &request)
                        .await
                        .unwrap(),
                    _ => drop(vault.erase(&subject, &request).await.unwrap()),
                }
                rounds += 1;
            }
            rounds
        });
    }
    for _ in 0..40 {
        assert_eq!(differences(&scene).await, []);
    }
    // The control: what is really different is named meanwhile, and nothing else.
    let spoil = "UPDATE records SET version = version + 7 WHERE field = 'email'";
    assert_eq!(scene.execute("vault.db", spoil).await, 1);
    let audit = audit(&scene).await.unwrap();
    let named: Vec<_> = audit.differences.iter().map(|one| one.subject).collect();
    assert_eq!(named, [still]);
    going.store(false, Ordering::Relaxed);
    while let Some(rounds) = people.join_next().await {
        assert!(rounds.unwrap() > 0);
    }
}

/// Stopped between its entry and its row, a value that is being stored is no difference once the row is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_entry_came_first_is_waited_for() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let mut raw = scene.raw("vault.db").await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut raw).await.unwrap();
    let before = scene.vault.access_log_head().size;
    let vault = scene.vault.clone();
    let storing = tokio::spawn(async move {
        let (phone, request) = (text("+380441234567"), service());
        vault.store::<MobilePhone>(&ada, None, phone, &request).await
    });
    while scene.vault.access_log_head().size == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let letting_go = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        sqlx::query("COMMIT").execute(&mut raw).await.unwrap();
    };
    let (differences, ()) = tokio::join!(differences(&scene), letting_go);
    assert_eq!(differences, []);
    storing.await.unwrap().unwrap();
}
