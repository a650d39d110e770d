//! Finding a person by e-mail or phone, and keeping both unique.

use ensoex_vault::{Actor, Email, MobilePhone, ProvideService, Reason, VaultError};

use crate::{Scene, request, service, text};

#[tokio::test]
async fn a_claimed_value_is_found_in_every_spelling() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("Ada@Example.org").await;
    scene
        .vault
        .claim::<MobilePhone>(&ada, text("+380441234567"), &service())
        .await
        .unwrap();
    for email in ["ada@example.org", " ADA@EXAMPLE.ORG "] {
        assert_eq!(
            scene.vault.find::<Email>(&text(email), &service()).await.unwrap(),
            Some(ada)
        );
    }
    let phone = text("+380 (44) 123-45-67");
    assert_eq!(
        scene.vault.find::<MobilePhone>(&phone, &service()).await.unwrap(),
        Some(ada)
    );
    assert_eq!(
        scene
            .vault
            .find::<Email>(&text("eve@example.org"), &service())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        scene
            .vault
            .find::<MobilePhone>(&text("+380441234568"), &service())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn stored_but_unclaimed_values_are_not_found_and_not_unique() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let (ada, eve) = (
        vault.create_subject(&service()).await.unwrap(),
        vault.create_subject(&service()).await.unwrap(),
    );
    for subject in [&ada, &eve] {
        vault
            .store::<Email>(subject, None, text("ada@example.org"), &service())
            .await
            .unwrap();
    }
    assert_eq!(
        vault
            .find::<Email>(&text("ada@example.org"), &service())
            .await
            .unwrap(),
        None
    );
    vault.claim_stored::<Email>(&ada, &service()).await.unwrap();
    assert_eq!(
        vault
            .find::<Email>(&text("ada@example.org"), &service())
            .await
            .unwrap(),
        Some(ada)
    );
    assert!(matches!(
        vault.claim_stored::<Email>(&eve, &service()).await,
        Err(VaultError::ValueTaken)
    ));
    // Claiming one's own again changes nothing.
    vault.claim_stored::<Email>(&ada, &service()).await.unwrap();
    // A newly typed address gives up the claim until it is proven.
    vault
        .store::<Email>(&ada, None, text("ada@example.net"), &service())
        .await
        .unwrap();
    assert_eq!(
        vault
            .find::<Email>(&text("ada@example.org"), &service())
            .await
            .unwrap(),
        None
    );
    vault.claim_stored::<Email>(&eve, &service()).await.unwrap();
}

#[tokio::test]
async fn a_refused_claim_changes_nothing() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let claimed = scene
        .vault
        .claim::<Email>(&eve, text("ADA@example.org"), &service())
        .await;
    assert!(matches!(claimed, Err(VaultError::ValueTaken)));
    assert_eq!(scene.email(&eve).await.unwrap(), "eve@example.org");
    assert_eq!(
        scene
            .vault
            .find::<Email>(&text("eve@example.org"), &service())
            .await
            .unwrap(),
        Some(eve)
    );
    assert_eq!(
        scene
            .vault
            .find::<Email>(&text("ada@example.org"), &service())
            .await
            .unwrap(),
        Some(ada)
    );
}

#[tokio::test]
async fn of_32_concurrent_claims_one_wins() {
    let scene = Scene::new().await;
    let mut subjects = Vec::new();
    for _ in 0..32 {
        subjects.push(scene.vault.create_subject(&service()).await.unwrap());
    }
    for phone in [false, true] {
        let mut claims = tokio::task::JoinSet::new();
        for subject in subjects.clone() {
            let vault = scene.vault.clone();
            claims.spawn(async move {
                if phone {
                    vault
                        .claim::<MobilePhone>(&subject, text("+380441234567"), &service())
                        .await
                } else {
                    vault
                        .claim::<Email>(&subject, text("ada@example.org"), &service())
                        .await
                }
            });
        }
        let outcomes = claims.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(
            outcomes
                .iter()
                .filter(|outcome| matches!(outcome, Err(VaultError::ValueTaken)))
                .count(),
            31
        );
    }
}

/// The phone's index is truncated: a collision is compared by a logged look, and is no match.
#[tokio::test]
async fn colliding_tags_are_told_apart_by_a_logged_look() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let (ada, eve) = (
        vault.create_subject(&service()).await.unwrap(),
        vault.create_subject(&service()).await.unwrap(),
    );
    vault
        .claim::<MobilePhone>(&ada, text("+380441234567"), &service())
        .await
        .unwrap();
    vault
        .claim::<MobilePhone>(&eve, text("+380441234568"), &service())
        .await
        .unwrap();
    let tag_bytes: (i64, i64) = sqlx::query_as("SELECT min(length(tag)), max(length(tag)) FROM blind_index")
        .fetch_one(&mut scene.raw("vault.db").await)
        .await
        .unwrap();
    assert_eq!(tag_bytes, (3, 3));
    // Make the two collide.
    scene
        .execute(
            "vault.db",
            "UPDATE blind_index SET tag = (SELECT min(tag) FROM blind_index)",
        )
        .await;
    let mut found = Vec::new();
    for phone in ["+380441234567", "+380441234568"] {
        found.extend(vault.find::<MobilePhone>(&text(phone), &service()).await.unwrap());
    }
    assert_eq!(found.len(), 1);
    let own_looks = |leaves: Vec<ensoex_vault::AccessLeaf>| {
        leaves
            .iter()
            .filter(|leaf| leaf.actor == "component:vault-index")
            .count()
    };
    for subject in [ada, eve] {
        assert_eq!(own_looks(vault.recent_accesses(&subject, 100).await.unwrap()), 1);
    }
}

#[tokio::test]
async fn an_export_holds_the_person_s_values_and_no_credentials() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let hash = text("$argon2id$canary");
    scene
        .vault
        .store::<ensoex_vault::PasswordHash>(&ada, None, hash, &service())
        .await
        .unwrap();
    let own = request(Actor::Person(ada), Reason::ExportToPerson);
    let export = scene.vault.export(&ada, &own).await.unwrap();
    let json: serde_json::Value = export.expose(|json| serde_json::from_str(json).unwrap());
    assert_eq!(json["subject"], ada.to_string());
    assert_eq!(json["fields"][0]["field"], "email");
    assert_eq!(json["fields"][0]["value"], "ada@example.org");
    assert_eq!(json["fields"][1]["field"], "password_hash");
    assert_eq!(json["fields"][1]["shown"], false);
    assert!(!json.to_string().contains("canary"));
    let last = &scene.vault.recent_accesses(&ada, 1).await.unwrap()[0];
    assert_eq!(
        (last.reason.as_str(), last.field.as_deref()),
        ("export_to_person", Some("email"))
    );
}

#[tokio::test]
async fn a_read_can_be_made_from_any_task() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("ada@example.org").await;
    let asked = service();
    let read = scene
        .vault
        .read::<Email, ProvideService, _>(&subject, None, &asked, String::len);
    assert_eq!(sendable(read).await.unwrap(), 15);
    let value = text("ada@example.org");
    assert_eq!(
        sendable(scene.vault.find::<Email>(&value, &asked)).await.unwrap(),
        Some(subject)
    );
}
