//! What the next start does again of the access log, when the keys may be an older copy: what was granted, and nothing else.

use ensoex_vault::{
    Actor, Denial, FieldName, Law, LegalHold, MobilePhone, ProvideService, Reason, SubjectId, VaultError,
};

use crate::{Scene, request, service, text};

const PHONE: &str = "+380441234567";

async fn phone(scene: &Scene, subject: &SubjectId) -> Result<String, VaultError> {
    let own = request(Actor::Person(*subject), Reason::ShowToPerson);
    scene
        .vault
        .read::<MobilePhone, ProvideService, _>(subject, None, &own, String::clone)
        .await
}

/// Somebody else asks for everything that can be ordered, and is denied; then the key store forgets how far the log had come, so
/// that the next start looks at all of it.
///
/// Mechanism: `crates/vault/src/access_log.rs`
/// Control: what was granted is done again: a restriction, an objection and a hold that the key store lost are back.
#[tokio::test]
async fn clause_09_what_was_denied_is_not_done_by_the_next_start() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let ada = scene.subject_with_email("ada@example.org").await;
    vault
        .claim::<MobilePhone>(&ada, text(PHONE), &service())
        .await
        .unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let hold = |field| LegalHold {
        field,
        law: Law::CourtOrder,
        until_ms: now.as_millis() as u64 + 86_400_000,
    };
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    vault.restrict(&ada, &own).await.unwrap();
    vault.object_to_statistics(&ada, &own).await.unwrap();
    vault
        .place_hold(&ada, hold(FieldName::MobilePhone), &service())
        .await
        .unwrap();

    let eve = request(
        Actor::Person(SubjectId::from_bytes([6; 16])),
        Reason::RightsRequest,
    );
    let email = hold(FieldName::Email);
    for (asked, denied) in [
        ("erase", vault.erase(&ada, &eve).await.map(drop)),
        ("remove", vault.remove::<MobilePhone>(&ada, None, &eve).await),
        ("lift a restriction", vault.lift_restriction(&ada, &eve).await),
        (
            "withdraw an objection",
            vault.withdraw_objection(&ada, &eve).await,
        ),
        ("place a hold", vault.place_hold(&ada, email, &eve).await),
        (
            "lift a hold",
            vault.lift_hold(&ada, FieldName::MobilePhone, &eve).await,
        ),
    ] {
        assert!(
            matches!(
                denied,
                Err(VaultError::Denied(Denial::OtherPerson | Denial::OperatorOnly))
            ),
            "{asked}: {denied:?}"
        );
    }
    let removed = vault.remove::<MobilePhone>(&ada, None, &own).await;
    assert!(
        matches!(removed, Err(VaultError::HeldByLaw { .. })),
        "{removed:?}"
    );

    let Scene { directory, vault } = scene;
    vault.close().await;
    drop(vault);
    for lost in [
        "DELETE FROM log_anchor",
        "DELETE FROM restrictions",
        "DELETE FROM objections",
        "DELETE FROM holds",
    ] {
        let file = directory.path().join("keys/vault-keys.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut raw = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let done = sqlx::query(lost).execute(&mut raw).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{lost}");
        sqlx::Connection::close(raw).await.unwrap();
    }
    let vault = ensoex_vault::Vault::open(crate::config(&directory))
        .await
        .unwrap();
    let scene = Scene { directory, vault };
    assert_eq!(
        phone(&scene, &ada).await.unwrap(),
        PHONE,
        "neither erased nor removed"
    );
    let vault = &scene.vault;
    assert!(vault.restricted_since(&ada).is_some(), "control");
    assert!(vault.objected_since(&ada).await.unwrap().is_some(), "control");
    let holds = vault.legal_holds(&ada).await.unwrap();
    assert_eq!(holds, [hold(FieldName::MobilePhone)], "control, and no other");
}
