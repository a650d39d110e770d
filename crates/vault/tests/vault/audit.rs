//! Records compared with what the access log says was stored, without any key.

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
