//! Erasure: the keys go, and no copy of the record database brings the person back.

use std::fs;

use ensoex_vault::{
    DestroyedField, Email, KeyChange, MobilePhone, Operation, Statement, Vault, VaultError, verify_statement,
};

use crate::{Scene, service, text};

/// Copies a database with its write-ahead file, as a backup would.
pub(crate) fn copy(scene: &Scene, file: &str, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{file}{suffix}");
        if scene.path(file).with_file_name(&name).exists() {
            fs::copy(scene.path(file).with_file_name(&name), to.join(&name)).unwrap();
        }
    }
}

pub(crate) fn restore(scene: &Scene, file: &str, from: &std::path::Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("{file}{suffix}");
        let target = scene.path(file).with_file_name(&name);
        if target.exists() {
            fs::remove_file(&target).unwrap();
        }
        if from.join(&name).exists() {
            fs::copy(from.join(&name), target).unwrap();
        }
    }
}

/// Whether these bytes lie anywhere in the key store's files.
pub(crate) fn key_store_has(scene: &Scene, needle: &[u8]) -> bool {
    let mut bytes = fs::read(scene.path("vault-keys.db")).unwrap();
    bytes.extend(
        fs::read(scene.path("vault-keys.db").with_file_name("vault-keys.db-wal")).unwrap_or_default(),
    );
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The shares that the key store has now.
async fn shares(scene: &Scene) -> Vec<Vec<u8>> {
    sqlx::query_scalar("SELECT share FROM anchors ORDER BY field, record")
        .fetch_all(&mut scene.raw("vault-keys.db").await)
        .await
        .unwrap()
}

/// A backup of the records and all keys of the subject are not enough: the share of that one version is gone.
///
/// Mechanism: `crates/vault/src/key_store.rs`
/// Control: before, the share is found; the share of what stays is still found.
#[tokio::test]
async fn clause_09_a_removed_or_replaced_value_opens_from_no_backup() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let store = async |phone| {
        scene
            .vault
            .store::<MobilePhone>(&ada, None, text(phone), &service())
            .await
            .unwrap();
    };
    store("+380441234567").await;
    let [email, old_phone] = shares(&scene).await.try_into().unwrap();
    assert!(key_store_has(&scene, &email) && key_store_has(&scene, &old_phone));

    store("+380447654321").await;
    assert!(!key_store_has(&scene, &old_phone), "replaced");
    let [_, new_phone] = shares(&scene).await.try_into().unwrap();
    assert!(key_store_has(&scene, &email) && key_store_has(&scene, &new_phone));

    scene
        .vault
        .remove::<MobilePhone>(&ada, None, &service())
        .await
        .unwrap();
    assert!(!key_store_has(&scene, &new_phone), "removed");
    assert!(key_store_has(&scene, &email), "what was not removed stays");
    assert_eq!(scene.email(&ada).await.unwrap(), "ada@example.org");
}

/// Mechanism: `crates/vault/src/key_store.rs`
/// Control: the copy does hold the share.
#[tokio::test]
async fn clause_09_an_older_copy_of_the_keys_does_not_bring_a_removed_value_back() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    scene
        .vault
        .store::<MobilePhone>(&ada, None, text("+380441234567"), &service())
        .await
        .unwrap();
    let older = scene.directory.path().join("older");
    copy(&scene, "vault-keys.db", &older);
    let [_, phone] = shares(&scene).await.try_into().unwrap();
    scene
        .vault
        .remove::<MobilePhone>(&ada, None, &service())
        .await
        .unwrap();
    scene.vault.close().await;
    restore(&scene, "vault-keys.db", &older);
    assert!(key_store_has(&scene, &phone), "the copy does hold the share");
    let scene = scene.reopened().await;
    assert!(
        !key_store_has(&scene, &phone),
        "and the opened vault has destroyed it again"
    );
    assert_eq!(scene.email(&ada).await.unwrap(), "ada@example.org");
}

/// Mechanism: `crates/vault/src/vault/erasing.rs`
/// Control: the backup does hold the row, and gives back those who were not erased.
#[tokio::test]
async fn clause_09_an_erased_person_does_not_return_from_a_backup() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let backup = scene.directory.path().join("backup");
    copy(&scene, "vault.db", &backup);

    let erasure = scene.vault.erase(&ada, &service()).await.unwrap();
    assert_eq!(erasure.subject, ada);
    assert!(matches!(scene.email(&ada).await, Err(VaultError::UnknownSubject)));
    assert_eq!(
        scene
            .vault
            .find::<Email>(&text("ada@example.org"), &service())
            .await
            .unwrap(),
        None
    );
    assert!(scene.vault.held_values(&ada).await.unwrap().is_empty());
    assert!(matches!(
        scene.vault.erase(&ada, &service()).await,
        Err(VaultError::UnknownSubject)
    ));

    scene.vault.close().await;
    restore(&scene, "vault.db", &backup);
    let rows = "SELECT count(*) FROM records";
    let count = async |scene: &Scene| -> i64 {
        sqlx::query_scalar(rows)
            .fetch_one(&mut scene.raw("vault.db").await)
            .await
            .unwrap()
    };
    assert_eq!(
        count(&scene).await,
        2,
        "the backup does hold the erased person's row"
    );
    let scene = scene.reopened().await;
    assert_eq!(
        count(&scene).await,
        1,
        "and the opened vault has removed it again"
    );
    assert!(matches!(scene.email(&ada).await, Err(VaultError::UnknownSubject)));
    // The same backup still gives back those who were not erased.
    assert_eq!(scene.email(&eve).await.unwrap(), "eve@example.org");
    // The address is free again.
    let new = scene.subject_with_email("ada@example.org").await;
    assert_ne!(new, ada);
}

/// Mechanism: `crates/vault/src/key_store.rs`
/// Control: before the erasure the search finds all three keys.
#[tokio::test]
async fn clause_09_the_erased_keys_are_nowhere_in_the_key_store() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let keys: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT sealed FROM subject_keys")
        .fetch_all(&mut scene.raw("vault-keys.db").await)
        .await
        .unwrap();
    let traces = |scene: &Scene| keys.iter().filter(|(key,)| key_store_has(scene, key)).count();
    assert_eq!(traces(&scene), 3);
    scene.vault.erase(&ada, &service()).await.unwrap();
    assert_eq!(traces(&scene), 0);
}

/// Mechanism: `crates/vault/src/vault/erasing.rs`
/// Control: the copy does hold the keys.
#[tokio::test]
async fn clause_09_an_older_copy_of_the_keys_does_not_bring_a_person_back() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let count = async |scene: &Scene| -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM subject_keys")
            .fetch_one(&mut scene.raw("vault-keys.db").await)
            .await
            .unwrap()
    };
    let older = scene.directory.path().join("older");
    copy(&scene, "vault-keys.db", &older);
    scene.vault.erase(&ada, &service()).await.unwrap();
    scene.vault.close().await;
    restore(&scene, "vault-keys.db", &older);
    assert_eq!(
        count(&scene).await,
        6,
        "the copy does hold the erased person's keys"
    );
    let scene = scene.reopened().await;
    assert_eq!(
        count(&scene).await,
        3,
        "and the opened vault has destroyed them again"
    );
    assert!(matches!(scene.email(&ada).await, Err(VaultError::UnknownSubject)));
    assert_eq!(scene.email(&eve).await.unwrap(), "eve@example.org");
}

#[tokio::test]
async fn who_keeps_a_copy_of_the_keys_is_told() {
    let scene = Scene::new().await;
    scene.vault.close().await;
    let config = scene.config();
    let changes = config.key_changes.subscribe();
    let told = |opened, created, erased| KeyChange {
        opened,
        created,
        erased,
    };
    assert_eq!(*changes.borrow(), told(false, 0, 0));
    let Scene {
        directory: _kept,
        vault,
    } = scene;
    drop(vault);
    let vault = Vault::open(config).await.unwrap();
    assert_eq!(*changes.borrow(), told(true, 0, 0));
    let ada = vault.create_subject(&service()).await.unwrap();
    assert_eq!(*changes.borrow(), told(true, 1, 0));
    vault.erase(&ada, &service()).await.unwrap();
    assert!(vault.erase(&ada, &service()).await.is_err());
    assert_eq!(*changes.borrow(), told(true, 1, 1));
}

#[tokio::test]
async fn an_erasure_is_an_entry_and_leaves_others_alone() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    scene
        .vault
        .claim::<MobilePhone>(&ada, text("+380441234567"), &service())
        .await
        .unwrap();
    let erasure = scene.vault.erase(&ada, &service()).await.unwrap();
    let last = &scene.vault.recent_accesses(&ada, 1).await.unwrap()[0];
    assert_eq!(
        (last.operation, last.index),
        (Operation::Erase, erasure.leaf_index)
    );
    assert_eq!(scene.email(&eve).await.unwrap(), "eve@example.org");
    let report = serde_json::to_vec(&scene.vault.access_report(&ada).await.unwrap()).unwrap();
    ensoex_vault::verify_access_report(&report, None).unwrap();
}

#[tokio::test]
async fn another_vault_s_records_are_refused() {
    let (scene, other) = (Scene::new().await, Scene::new().await);
    scene.vault.close().await;
    let backup = scene.directory.path().join("other");
    other.vault.close().await;
    copy(&other, "vault.db", &backup);
    restore(&scene, "vault.db", &backup);
    let config = scene.config();
    let Scene { directory, vault } = scene;
    drop(vault);
    assert!(matches!(
        Vault::open(config).await,
        Err(VaultError::StoresDoNotMatch)
    ));
    drop(directory);
}

/// Mechanism: `crates/vault/src/vault/stating.rs`
/// Control: who was not erased has none, and each change of one is noticed.
#[tokio::test]
async fn clause_09_an_erasure_leaves_a_certificate_that_is_checked_offline() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    assert!(
        matches!(
            scene.vault.erasure_certificate(&ada, &service()).await,
            Err(VaultError::NotFound)
        ),
        "control: who was not erased has none"
    );
    let erasure = scene.vault.erase(&ada, &service()).await.unwrap();
    let certificate = scene.vault.erasure_certificate(&ada, &service()).await.unwrap();
    let key = scene.vault.access_log_public_key();
    let file = serde_json::to_string_pretty(&certificate).unwrap();
    let verified = verify_statement(file.as_bytes(), Some(&key)).unwrap();
    let Statement::Erasure(stated) = &verified.statement else {
        panic!("another statement")
    };
    assert_eq!((stated.subject, stated.erased_at_ms), (ada, erasure.erased_at_ms));
    assert_eq!(stated.ordered_by_entry, Some(erasure.leaf_index));
    let email = DestroyedField {
        field: "email".to_owned(),
        values: 1,
    };
    assert_eq!(stated.destroyed, [email]);

    // It says the same for ever, and each change of it is noticed.
    let size = scene.vault.access_log_head().size;
    let scene = scene.reopened().await;
    let again = scene.vault.erasure_certificate(&ada, &service()).await.unwrap();
    assert_eq!(
        (&again.statement, &again.leaf),
        (&certificate.statement, &certificate.leaf)
    );
    assert_eq!(
        scene.vault.access_log_head().size,
        size,
        "asking again enters nothing"
    );
    let eve = scene.subject_with_email("eve@example.org").await;
    for (from, to) in [
        (
            erasure.erased_at_ms.to_string(),
            (erasure.erased_at_ms - 1).to_string(),
        ),
        (r#""values": 1"#.to_owned(), r#""values": 2"#.to_owned()),
        (ada.to_string(), eve.to_string()),
        (
            r#""field": "email""#.to_owned(),
            r#""field": "mobile_phone""#.to_owned(),
        ),
    ] {
        let altered = file.replacen(&from, &to, 1);
        assert_ne!(altered, file, "control: {from} stands in the file");
        assert!(
            verify_statement(altered.as_bytes(), Some(&key)).is_err(),
            "{from} became {to}"
        );
    }
    assert!(
        verify_statement(file.as_bytes(), Some(&[7; 32])).is_err(),
        "another key is not trusted"
    );
}
