//! What the next start does again of the access log, when the keys may be an older copy: what was granted, and nothing else.

use ensoex_vault::{
    Actor, Denial, FieldName, Law, LegalHold, MobilePhone, Optional, ProvideService, Reason, SubjectId,
    VaultError,
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
/// Control: what was granted is done again: a restriction, an agreement and a hold that the key store lost are back.
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
    vault.agree(&ada, Optional::Statistics, &own).await.unwrap();
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
            "withdraw an agreement",
            vault.withdraw(&ada, Optional::Statistics, &eve).await,
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
        "DELETE FROM agreements",
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
    let agreed = vault.agreed_since(&ada, Optional::Statistics).await.unwrap();
    assert!(agreed.is_some(), "control");
    let holds = vault.legal_holds(&ada).await.unwrap();
    assert_eq!(holds, [hold(FieldName::MobilePhone)], "control, and no other");
}

/// An order that was denied is none: the key store goes on to remember how far the log has come, or its end could be cut off unseen.
#[tokio::test]
async fn a_denied_order_does_not_hold_the_anchor_of_the_log_back() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = request(
        Actor::Person(SubjectId::from_bytes([6; 16])),
        Reason::RightsRequest,
    );
    assert!(scene.vault.erase(&ada, &eve).await.is_err());
    assert!(scene.vault.restrict(&ada, &eve).await.is_err());
    scene
        .vault
        .store::<MobilePhone>(&ada, None, text(PHONE), &service())
        .await
        .unwrap();
    let size = scene.vault.access_log_head().size;
    let anchored: i64 = sqlx::query_scalar("SELECT size FROM log_anchor")
        .fetch_one(&mut scene.raw("vault-keys.db").await)
        .await
        .unwrap();
    assert_eq!(anchored as u64, size);
}
