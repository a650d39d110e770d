//! Finding a person by e-mail or phone, and keeping both unique.

use ensoex_vault::{
    Actor, Email, FieldName, Law, LegalHold, MobilePhone, Operation, Outcome, ProvideService, Reason,
    VaultError,
};

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

/// A claim of what is stored changes no sealed value, so it makes no version, and what law holds can be claimed.
#[tokio::test]
async fn a_claim_of_what_is_stored_writes_the_index_alone() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let ada = scene.subject_with_email("ada@example.org").await;
    let phone = "+380441234567";
    vault
        .store::<MobilePhone>(&ada, None, text(phone), &service())
        .await
        .unwrap();
    let hold = LegalHold {
        field: FieldName::MobilePhone,
        law: Law::CourtOrder,
        until_ms: 86_400_000
            + std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_millis() as u64,
    };
    vault.place_hold(&ada, hold, &service()).await.unwrap();
    vault.claim_stored::<MobilePhone>(&ada, &service()).await.unwrap();
    let found = async || vault.find::<MobilePhone>(&text(phone), &service()).await.unwrap();
    assert_eq!(found().await, Some(ada));
    let held = vault.held_values(&ada).await.unwrap();
    let versions: Vec<(FieldName, u64)> = held.iter().map(|value| (value.field, value.version)).collect();
    assert_eq!(versions, [(FieldName::Email, 1), (FieldName::MobilePhone, 1)]);
    vault.give_up_claim::<MobilePhone>(&ada).await.unwrap();
    assert_eq!(found().await, None);
    let email = vault.find::<Email>(&text("ada@example.org"), &service()).await;
    assert_eq!(email.unwrap(), Some(ada), "the other claim stays");
}

/// Folders of versions that stored phone numbers and did not claim them: whoever finished to register, and has the claim on an
/// address, gets the claim on the number too; of several with one number the first, and the next once that one is gone.
#[tokio::test]
async fn numbers_that_nobody_claimed_are_claimed_for_whoever_registered() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let mut people = Vec::new();
    for (email, phone) in [
        ("ada@example.org", "+380441234567"),
        ("eve@example.org", "+380441234568"),
        ("eva@example.org", "+380441234568"),
    ] {
        let subject = scene.subject_with_email(email).await;
        vault
            .store::<MobilePhone>(&subject, None, text(phone), &service())
            .await
            .unwrap();
        people.push(subject);
    }
    let unfinished = vault.create_subject(&service()).await.unwrap();
    vault
        .store::<MobilePhone>(&unfinished, None, text("+380441234569"), &service())
        .await
        .unwrap();
    let found = async |phone: &str| vault.find::<MobilePhone>(&text(phone), &service()).await.unwrap();
    assert_eq!(found("+380441234567").await, None, "control: nobody claimed it");
    let look = request(Actor::component("registration").unwrap(), Reason::CheckUniqueness);
    let round = async || {
        let (mut steps, mut after) = (0, None);
        loop {
            after = vault
                .claim_left_out::<Email, MobilePhone>(after.as_ref(), &look)
                .await
                .unwrap();
            match after {
                Some(_) => steps += 1,
                None => return steps,
            }
        }
    };
    assert_eq!(round().await, 1);
    assert_eq!(found("+380441234567").await, Some(people[0]));
    assert_eq!(
        found("+380441234569").await,
        None,
        "nobody finished that registration"
    );
    let first = found("+380441234568").await.expect("one of the two");
    let second = *people[1..].iter().find(|subject| **subject != first).unwrap();
    let refused = &vault.recent_accesses(&second, 1).await.unwrap()[0];
    assert_eq!(
        (refused.operation, refused.outcome),
        (Operation::Store, Outcome::Denied),
        "that it is another's is an entry"
    );
    vault.erase(&first, &service()).await.unwrap();
    assert_eq!(found("+380441234568").await, None);
    round().await;
    assert_eq!(found("+380441234568").await, Some(second));
    assert_eq!(round().await, 0, "then nobody is left");
}

/// Whoever steals the records cannot tell honeytokens by what they did not claim.
#[tokio::test]
async fn honeytokens_claim_what_a_person_claims() {
    let scene = Scene::new().await;
    scene
        .vault
        .make_honeytokens(40, "mail.example", &service())
        .await
        .unwrap();
    for field in ["email", "mobile_phone"] {
        let claims: i64 = sqlx::query_scalar("SELECT count(*) FROM blind_index WHERE field = $1")
            .bind(field)
            .fetch_one(&mut scene.raw("vault.db").await)
            .await
            .unwrap();
        assert_eq!(claims, 40, "{field}");
    }
    assert_eq!(
        scene.vault.staff_events(0).await.unwrap(),
        [],
        "no alarm of one's own making"
    );
}

/// Twenty bits of a phone number's tag are kept, and no more: whoever steals the index key too still finds many numbers for each.
///
/// Mechanism: `crates/vault/src/key_store.rs`
/// Control: in the first twenty bits the tags differ.
#[tokio::test]
async fn clause_09_the_tag_of_a_phone_number_is_cut_to_its_bits() {
    let scene = Scene::new().await;
    for number in 0..32 {
        let subject = scene.vault.create_subject(&service()).await.unwrap();
        let phone = text(&format!("+3804412345{number:02}"));
        scene
            .vault
            .claim::<MobilePhone>(&subject, phone, &service())
            .await
            .unwrap();
    }
    let tags: Vec<Vec<u8>> = sqlx::query_scalar("SELECT tag FROM blind_index")
        .fetch_all(&mut scene.raw("vault.db").await)
        .await
        .unwrap();
    assert_eq!(tags.len(), 32);
    for bit in 0..24 {
        let set = tags
            .iter()
            .filter(|tag| tag[bit / 8] & (0x80 >> (bit % 8)) != 0)
            .count();
        assert_eq!(set > 0, bit < 20, "bit {bit} of a tag is set {set} times");
    }
}
