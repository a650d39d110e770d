//! What lies in the database files, and what happens to somebody who changes it.

use std::fs;

use ensoex_vault::{
    AccessRequest, ApiKeySecret, Denial, Email, MobilePhone, PasswordHash, Personal, PreventFraud,
    ProvideService, VaultError,
};

use crate::{Scene, service, text};

#[tokio::test]
async fn what_is_stored_is_read_again_after_a_restart() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let subject = vault.create_subject(&service()).await.unwrap();
    vault
        .store::<Email>(&subject, None, text(" Ada@Example.org"), &service())
        .await
        .unwrap();
    vault
        .store::<MobilePhone>(&subject, None, text("+380 44 123 45 67"), &service())
        .await
        .unwrap();
    vault
        .store::<PasswordHash>(&subject, None, text("$argon2id$v=19$x"), &service())
        .await
        .unwrap();
    let secret = Personal::new(vec![0, 159, 146, 150]);
    vault
        .store::<ApiKeySecret>(&subject, Some("key-1"), secret, &service())
        .await
        .unwrap();

    let scene = scene.reopened().await;
    let vault = &scene.vault;
    let request = service();
    assert_eq!(scene.email(&subject).await.unwrap(), "Ada@Example.org");
    let phone = vault
        .read::<MobilePhone, PreventFraud, _>(&subject, None, &request, String::clone)
        .await
        .unwrap();
    assert_eq!(phone, "+380441234567");
    let hash = vault
        .read::<PasswordHash, ProvideService, _>(&subject, None, &request, String::clone)
        .await
        .unwrap();
    assert_eq!(hash, "$argon2id$v=19$x");
    let secret = vault
        .read::<ApiKeySecret, ProvideService, _>(&subject, Some("key-1"), &request, Vec::clone)
        .await
        .unwrap();
    assert_eq!(secret, [0, 159, 146, 150]);
    let held: Vec<_> = vault.held_values(&subject).await.unwrap();
    assert_eq!(held.len(), 4);
    assert_eq!(held[0].record, "key-1");
}

#[tokio::test]
async fn absent_values_and_unknown_subjects_are_told_apart() {
    let scene = Scene::new().await;
    let subject = scene.vault.create_subject(&service()).await.unwrap();
    assert!(matches!(scene.email(&subject).await, Err(VaultError::NotFound)));
    let nobody = ensoex_vault::SubjectId::from_bytes([7; 16]);
    assert!(matches!(
        scene.email(&nobody).await,
        Err(VaultError::UnknownSubject)
    ));
    let stored = scene
        .vault
        .store::<Email>(&nobody, None, text("a@example.org"), &service())
        .await;
    assert!(matches!(stored, Err(VaultError::UnknownSubject)));
}

#[tokio::test]
async fn values_of_the_wrong_form_never_reach_the_files() {
    let scene = Scene::new().await;
    let subject = scene.vault.create_subject(&service()).await.unwrap();
    for email in ["", "nobody", "a@b", "a\u{202e}b@example.org"] {
        let refused = scene
            .vault
            .store::<Email>(&subject, None, text(email), &service())
            .await;
        assert!(matches!(refused, Err(VaultError::InvalidValue(_))), "{email}");
    }
    for record in ["", "a b", "../x", &"x".repeat(65)] {
        let refused = scene
            .vault
            .store::<Email>(&subject, Some(record), text("a@example.org"), &service())
            .await;
        assert!(matches!(refused, Err(VaultError::InvalidRecordName)), "{record}");
    }
    assert!(scene.vault.held_values(&subject).await.unwrap().is_empty());
}

fn files_with(scene: &Scene, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for directory in ["data", "keys"] {
        for entry in fs::read_dir(scene.directory.path().join(directory)).unwrap() {
            let entry = entry.unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            if bytes
                .windows(needle.len())
                .any(|window| window.eq_ignore_ascii_case(needle))
            {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// Mechanism: `crates/vault/src/sealing.rs`
/// Control: a planted value is found, in the write-ahead file too.
#[tokio::test]
async fn clause_09_database_files_hold_no_plain_value() {
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("canary-bird@example.org").await;
    scene
        .vault
        .claim::<MobilePhone>(&subject, text("+380441234567"), &service())
        .await
        .unwrap();
    assert_eq!(scene.email(&subject).await.unwrap(), "canary-bird@example.org");
    let needles: [&[u8]; 4] = [b"canary-bird", b"example.org", b"380441234567", b"441234567"];
    for needle in needles {
        assert!(
            files_with(&scene, needle).is_empty(),
            "{}",
            String::from_utf8_lossy(needle)
        );
    }
    // The scan can fail: a planted value is found, in the write-ahead file too.
    scene
        .execute(
            "vault.db",
            "INSERT INTO meta VALUES ('planted', CAST('canary-bird@example.org' AS BLOB))",
        )
        .await;
    assert!(!files_with(&scene, b"canary-bird").is_empty());
}

/// Mechanism: `crates/vault/src/sealing.rs`
/// Control: with each change undone the value opens again.
#[tokio::test]
async fn clause_09_flipped_bits_are_refused() {
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("ada@example.org").await;
    for (change, undo) in [
        (
            "UPDATE records SET sealed = CAST(substr(sealed, 1, 20) || x'00' || substr(sealed, 22) AS BLOB)",
            "sealed",
        ),
        ("UPDATE records SET key_id = zeroblob(16)", "key_id"),
        ("UPDATE records SET version = version + 1", "version"),
        ("UPDATE record_keys SET sealed_key = zeroblob(60)", "sealed_key"),
        ("DELETE FROM record_keys", "record_keys"),
        ("DELETE FROM records", "records"),
    ] {
        let scene = &scene;
        let mut raw = scene.raw("vault.db").await;
        for statement in [
            "CREATE TABLE saved_records AS SELECT * FROM records",
            "CREATE TABLE saved_keys AS SELECT * FROM record_keys",
            change,
        ] {
            sqlx::query(statement).execute(&mut raw).await.unwrap();
        }
        assert!(
            matches!(scene.email(&subject).await, Err(VaultError::Integrity)),
            "{undo}"
        );
        for statement in [
            "DELETE FROM records",
            "INSERT INTO records SELECT * FROM saved_records",
            "DELETE FROM record_keys",
            "INSERT INTO record_keys SELECT * FROM saved_keys",
            "DROP TABLE saved_records",
            "DROP TABLE saved_keys",
        ] {
            sqlx::query(statement).execute(&mut raw).await.unwrap();
        }
        // The untouched row is readable: it was the change that was refused.
        assert_eq!(scene.email(&subject).await.unwrap(), "ada@example.org", "{undo}");
    }
}

/// Mechanism: `crates/vault/src/sealing.rs`
/// Control: `clause_09_flipped_bits_are_refused` opens the same rows unchanged.
#[tokio::test]
async fn clause_09_swapped_rows_are_refused() {
    let scene = Scene::new().await;
    let (ada, eve) = (
        scene.subject_with_email("ada@example.org").await,
        scene.subject_with_email("eve@example.org").await,
    );
    let mut raw = scene.raw("vault.db").await;
    for statement in [
        "CREATE TEMP TABLE spare AS SELECT * FROM records",
        "UPDATE records SET (sealed, key_id, stored_at_ms) =
            (SELECT sealed, key_id, stored_at_ms FROM spare WHERE spare.subject <> records.subject)",
        "CREATE TEMP TABLE spare_keys AS SELECT * FROM record_keys",
        "UPDATE record_keys SET sealed_key = (SELECT sealed_key FROM spare_keys
            WHERE spare_keys.subject <> record_keys.subject AND spare_keys.purpose = record_keys.purpose)",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    for subject in [ada, eve] {
        assert!(matches!(scene.email(&subject).await, Err(VaultError::Integrity)));
    }
}

/// Mechanism: `crates/vault/src/key_store.rs`
/// Control: before the rollback the new value opens.
#[tokio::test]
async fn clause_09_a_rolled_back_row_is_refused() {
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("old@example.org").await;
    let mut raw = scene.raw("vault.db").await;
    for statement in [
        "CREATE TABLE old AS SELECT * FROM records",
        "CREATE TABLE old_keys AS SELECT * FROM record_keys",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    scene
        .vault
        .store::<Email>(&subject, None, text("new@example.org"), &service())
        .await
        .unwrap();
    assert_eq!(scene.email(&subject).await.unwrap(), "new@example.org");
    for statement in [
        "INSERT OR REPLACE INTO records SELECT * FROM old",
        "INSERT OR REPLACE INTO record_keys SELECT * FROM old_keys",
    ] {
        assert!(
            sqlx::query(statement)
                .execute(&mut raw)
                .await
                .unwrap()
                .rows_affected()
                > 0
        );
    }
    assert!(matches!(scene.email(&subject).await, Err(VaultError::Integrity)));
    // So is a value that was removed and put back.
    scene
        .vault
        .remove::<Email>(&subject, None, &service())
        .await
        .unwrap();
    assert!(matches!(scene.email(&subject).await, Err(VaultError::NotFound)));
    for statement in [
        "INSERT INTO records SELECT * FROM old",
        "INSERT INTO record_keys SELECT * FROM old_keys",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    assert!(matches!(scene.email(&subject).await, Err(VaultError::Integrity)));
}

/// Mechanism: `crates/vault/src/record_store.rs`
/// Control: the keys that must be there are listed beside.
#[tokio::test]
async fn clause_07_a_field_has_no_key_for_a_purpose_it_is_not_granted() {
    let scene = Scene::new().await;
    let subject = scene.vault.create_subject(&service()).await.unwrap();
    scene
        .vault
        .store::<PasswordHash>(&subject, None, text("$argon2id$x"), &service())
        .await
        .unwrap();
    scene
        .vault
        .store::<Email>(&subject, None, text("a@example.org"), &service())
        .await
        .unwrap();
    let mut raw = scene.raw("vault.db").await;
    let keys: Vec<(String, String)> =
        sqlx::query_as("SELECT field, purpose FROM record_keys ORDER BY field, purpose")
            .fetch_all(&mut raw)
            .await
            .unwrap();
    let keys: Vec<(&str, &str)> = keys
        .iter()
        .map(|(field, purpose)| (field.as_str(), purpose.as_str()))
        .collect();
    let expected = [
        ("email", "prevent_fraud"),
        ("email", "provide_service"),
        ("password_hash", "provide_service"),
    ];
    assert_eq!(keys, expected);
}

/// Mechanism: `crates/vault/src/vault/rules.rs`
/// Control: the person, and staff with a case, do read.
#[tokio::test]
async fn clause_11_only_the_person_and_staff_with_a_case_may_read() {
    use ensoex_vault::{Actor, Reason};
    let scene = Scene::new().await;
    let (ada, eve) = (
        scene.subject_with_email("ada@example.org").await,
        scene.subject_with_email("eve@example.org").await,
    );
    let read = async |request: AccessRequest| {
        scene
            .vault
            .read::<Email, ProvideService, _>(&ada, None, &request, String::clone)
            .await
    };
    let own = crate::request(Actor::Person(ada), Reason::ShowToPerson);
    assert_eq!(read(own).await.unwrap(), "ada@example.org");
    let other = crate::request(Actor::Person(eve), Reason::ShowToPerson);
    assert!(matches!(
        read(other).await,
        Err(VaultError::Denied(Denial::OtherPerson))
    ));
    let curious = crate::request(Actor::Staff(eve), Reason::ShowToPerson);
    assert!(matches!(
        read(curious).await,
        Err(VaultError::Denied(Denial::StaffWithoutCase))
    ));
    // A reference that somebody made up is no case.
    let pretending = crate::request(Actor::Staff(eve), Reason::case("case-17").unwrap());
    assert!(matches!(
        read(pretending).await,
        Err(VaultError::Denied(Denial::StaffUnknown))
    ));
    scene.vault.enrol_staff(&eve, &crate::service()).await.unwrap();
    let pretending = crate::request(Actor::Staff(eve), Reason::case("case-17").unwrap());
    assert!(matches!(
        read(pretending).await,
        Err(VaultError::Denied(Denial::CaseOfOthers))
    ));
    let case = crate::staff::case_about(&scene.vault, &eve, &[ada])
        .await
        .unwrap();
    let working = crate::request(Actor::Staff(eve), case.id.reason());
    assert_eq!(read(working).await.unwrap(), "ada@example.org");
}
