//! Restriction: data is kept and shown to the person, and otherwise not used.

use ensoex_vault::{Actor, Denial, Email, PreventFraud, ProvideService, Reason, SubjectId, VaultError};

use crate::{Scene, request, service};

async fn fraud_reads(scene: &Scene, subject: &SubjectId) -> Result<String, VaultError> {
    let access = request(Actor::component("fraud").unwrap(), Reason::FraudScreening);
    let open = |email: &String| email.clone();
    scene
        .vault
        .read::<Email, PreventFraud, _>(subject, None, &access, open)
        .await
}

fn denied<T>(result: &Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Denied(Denial::Restricted)))
}

/// Mechanism: `crates/vault/src/vault/restricting.rs`
/// Control: without a restriction it is read, and others are not concerned.
#[tokio::test]
async fn clause_11_restricted_data_is_kept_and_shown_to_the_person_and_not_used() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    assert!(
        fraud_reads(&scene, &ada).await.is_ok(),
        "control: without a restriction it is read"
    );
    let by_eve = request(Actor::Person(eve), Reason::RightsRequest);
    assert!(matches!(
        scene.vault.restrict(&ada, &by_eve).await,
        Err(VaultError::Denied(Denial::OtherPerson))
    ));
    let since = scene.vault.restrict(&ada, &own).await.unwrap();
    assert_eq!(
        scene.vault.restrict(&ada, &own).await.unwrap(),
        since,
        "once is enough"
    );

    let size = scene.vault.access_log_head().size;
    assert!(denied(&fraud_reads(&scene, &ada).await));
    assert_eq!(
        scene.vault.access_log_head().size,
        size + 1,
        "the denial is an entry"
    );
    let letter = request(Actor::component("messenger").unwrap(), Reason::DeliverMessage);
    let open = |email: &String| email.clone();
    let to_ada = scene
        .vault
        .read::<Email, ProvideService, _>(&ada, None, &letter, open)
        .await;
    assert!(denied(&to_ada));
    let to_eve = scene
        .vault
        .read::<Email, ProvideService, _>(&eve, None, &letter, open)
        .await;
    assert!(to_eve.is_ok());
    let shown = request(Actor::Person(ada), Reason::ShowToPerson);
    let by_ada = scene
        .vault
        .read::<Email, ProvideService, _>(&ada, None, &shown, open)
        .await;
    assert_eq!(by_ada.unwrap(), "ada@example.org");
    let signs_in = request(Actor::component("sign-in").unwrap(), Reason::SignIn);
    let on_sign_in = scene
        .vault
        .read::<Email, ProvideService, _>(&ada, None, &signs_in, open)
        .await;
    assert!(on_sign_in.is_ok(), "or nobody could lift it");
    assert!(
        fraud_reads(&scene, &eve).await.is_ok(),
        "others are not concerned"
    );

    let scene = scene.reopened().await;
    assert_eq!(scene.vault.restricted_since(&ada), Some(since));
    assert!(denied(&fraud_reads(&scene, &ada).await));
    scene.vault.lift_restriction(&ada, &own).await.unwrap();
    assert!(fraud_reads(&scene, &ada).await.is_ok());
    assert!(matches!(
        scene.vault.lift_restriction(&ada, &own).await,
        Err(VaultError::NotFound)
    ));
    scene.vault.restrict(&ada, &own).await.unwrap();
    scene.vault.erase(&ada, &service()).await.unwrap();
    assert_eq!(
        scene.vault.restricted_since(&ada),
        None,
        "nothing is left of an erased person"
    );
}

#[tokio::test]
async fn an_older_copy_of_records_or_keys_does_not_undo_a_restriction() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    let Scene { directory, vault } = scene;
    vault.close().await;
    drop(vault);
    let older = directory.path().join("older");
    std::fs::create_dir_all(&older).unwrap();
    for (folder, file) in [("data", "vault.db"), ("keys", "vault-keys.db")] {
        std::fs::copy(directory.path().join(folder).join(file), older.join(file)).unwrap();
    }
    let vault = ensoex_vault::Vault::open(crate::config(&directory))
        .await
        .unwrap();
    vault.restrict(&ada, &own).await.unwrap();
    vault.close().await;
    drop(vault);
    for (folder, file) in [("data", "vault.db"), ("keys", "vault-keys.db")] {
        for suffix in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(directory.path().join(folder).join(format!("{file}{suffix}")));
        }
        std::fs::copy(older.join(file), directory.path().join(folder).join(file)).unwrap();
    }
    let held = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM restrictions");
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("keys/vault-keys.db"));
    let mut raw = sqlx::ConnectOptions::connect(&options).await.unwrap();
    assert_eq!(
        held.fetch_one(&mut raw).await.unwrap(),
        0,
        "control: the older copy knows of none"
    );
    sqlx::Connection::close(raw).await.unwrap();
    let vault = ensoex_vault::Vault::open(crate::config(&directory))
        .await
        .unwrap();
    assert!(vault.restricted_since(&ada).is_some());
}

#[tokio::test]
async fn nobody_unknown_or_erased_is_restricted() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    let _certificate = scene.vault.erase(&ada, &own).await.unwrap();
    for gone in [ada, SubjectId::from_bytes([7; 16])] {
        let own = request(Actor::Person(gone), Reason::RightsRequest);
        let restricted = scene.vault.restrict(&gone, &own).await;
        assert!(
            matches!(restricted, Err(VaultError::UnknownSubject)),
            "{restricted:?}"
        );
        assert_eq!(scene.vault.restricted_since(&gone), None);
    }
}
