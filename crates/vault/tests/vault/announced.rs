//! What the vault opens by itself, for an erasure under a hold or a rotation, is an entry before it is opened, also when a process
//! was stopped in between.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use ensoex_vault::{
    AccessRequest, Actor, CaseOpening, CaseReason, Denial, Email, FieldName, Layer, LegalHold, MobilePhone,
    Operation, Outcome, PolicyVersion, ProvideService, PurposeName, Reason, SubjectId, Vault, VaultError,
};

use crate::{Scene, config, request, service, text};

pub(crate) const PHONE: &str = "+380441234567";
const DAY_MS: u64 = 86_400_000;

fn rotation() -> AccessRequest {
    request(Actor::component("key-rotation").unwrap(), Reason::KeyRotation)
}

/// Somebody one of whose values law holds.
pub(crate) async fn held_person(scene: &Scene) -> SubjectId {
    let ada = scene.subject_with_email("ada@example.org").await;
    let registering = service();
    let phone = scene.vault.claim::<MobilePhone>(&ada, text(PHONE), &registering);
    phone.await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let hold = LegalHold {
        field: FieldName::MobilePhone,
        law: ensoex_vault::Law::CourtOrder,
        until_ms: now.as_millis() as u64 + 30 * DAY_MS,
    };
    let operator = request(Actor::component("operator").unwrap(), Reason::LegalHold);
    scene.vault.place_hold(&ada, hold, &operator).await.unwrap();
    ada
}

/// What a legal order gets of an erased person.
pub(crate) async fn ordered(scene: &Scene, subject: &SubjectId) -> Result<String, VaultError> {
    let staff = SubjectId::from_bytes([7; 16]);
    let operator = request(Actor::component("operator").unwrap(), Reason::Operation);
    scene.vault.enrol_staff(&staff, &operator).await?;
    let opening = CaseOpening {
        subjects: vec![*subject],
        fields: vec![FieldName::MobilePhone],
        purpose: PurposeName::ProvideService,
        reason: CaseReason::LegalOrder,
        hours: 1,
        break_glass: false,
        order: None,
    };
    let version = PolicyVersion::new("sha256:00").unwrap();
    let case = scene.vault.open_case(&staff, &opening, &version).await?;
    let access = request(Actor::Staff(staff), case.id.reason());
    scene
        .vault
        .read::<MobilePhone, ProvideService, _>(subject, None, &access, String::clone)
        .await
}

/// By whom values were kept.
async fn keepers(scene: &Scene, subject: &SubjectId) -> Vec<(String, Outcome)> {
    let leaves = scene.vault.accesses(subject).await.unwrap();
    let kept = leaves
        .into_iter()
        .filter(|leaf| leaf.operation == Operation::KeepByLaw);
    kept.map(|leaf| (leaf.actor, leaf.outcome)).collect()
}

const REFUSE_KEEPING: &str = "CREATE TRIGGER refusing BEFORE INSERT ON leaves WHEN NEW.body LIKE '%keep_by_law%' \
    BEGIN SELECT RAISE(ABORT, 'no room'); END";
const REFUSE_RENEWING: &str = "CREATE TRIGGER refusing BEFORE INSERT ON leaves WHEN NEW.body LIKE '%key_rotation%' \
    BEGIN SELECT RAISE(ABORT, 'no room'); END";
const ALLOW: &str = "DROP TRIGGER refusing";

async fn held_values(scene: &Scene) -> i64 {
    let mut keys = scene.raw("vault-keys.db").await;
    let count = sqlx::query_scalar("SELECT count(*) FROM held_values");
    count.fetch_one(&mut keys).await.unwrap()
}

/// What law holds is opened for an erasure, or for the restart that ends one, only after an entry says so.
/// Mechanism: `crates/vault/src/vault/holding.rs`
/// Control: once the log takes the entry the same value is opened and kept.
#[tokio::test]
async fn clause_11_what_law_holds_is_not_opened_for_an_erasure_before_its_entry() {
    let scene = Scene::new().await;
    let ada = held_person(&scene).await;
    let before = scene.vault.keys_opened();
    scene.execute("access-log.db", REFUSE_KEEPING).await;
    let erased = scene.vault.erase(&ada, &service()).await;
    assert!(matches!(erased, Err(VaultError::AccessLogUnavailable)));
    assert_eq!(scene.vault.keys_opened(), before, "nothing was opened");
    assert_eq!(held_values(&scene).await, 0);

    // The erasure is ordered, so the restart does it: neither without an entry.
    let Scene { directory, vault } = scene;
    vault.close().await;
    drop(vault);
    let opened = Vault::open(config(&directory)).await;
    assert!(matches!(opened, Err(VaultError::AccessLogUnavailable)));
    let scene = Scene {
        vault: {
            let raw = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(directory.path().join("data/access-log.db"));
            let mut raw = sqlx::ConnectOptions::connect(&raw).await.unwrap();
            sqlx::query(ALLOW).execute(&mut raw).await.unwrap();
            Vault::open(config(&directory)).await.unwrap()
        },
        directory,
    };
    // The control: with the entry it is opened and kept.
    assert!(scene.vault.keys_opened() > 0);
    assert_eq!(
        keepers(&scene, &ada).await,
        [("component:vault-restart".to_owned(), Outcome::Granted)]
    );
    assert_eq!(ordered(&scene, &ada).await.unwrap(), PHONE);
    assert!(matches!(scene.email(&ada).await, Err(VaultError::UnknownSubject)));
}

/// An erasure that was ordered is done by the next start, even if others' writes went on after it broke off and the vault was
/// closed in good order.
/// Mechanism: `crates/vault/src/orders.rs`
/// Control: before the restart the person's value still opens.
#[tokio::test]
async fn clause_09_an_ordered_erasure_is_done_by_the_next_start() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let broken =
        "CREATE TRIGGER broken BEFORE DELETE ON subject_keys BEGIN SELECT RAISE(ABORT, 'no room'); END";
    scene.execute("vault-keys.db", broken).await;
    let erased = scene.vault.erase(&ada, &service()).await;
    assert!(matches!(erased, Err(VaultError::Storage(_))));
    let eve = scene.subject_with_email("eve@example.org").await;
    assert_eq!(scene.email(&ada).await.unwrap(), "ada@example.org", "control");
    scene.execute("vault-keys.db", "DROP TRIGGER broken").await;
    let scene = scene.reopened().await;
    assert!(matches!(scene.email(&ada).await, Err(VaultError::UnknownSubject)));
    assert_eq!(scene.email(&eve).await.unwrap(), "eve@example.org");
}

#[tokio::test]
async fn an_erasure_that_was_broken_off_after_its_entries_makes_new_ones() {
    let scene = Scene::new().await;
    let ada = held_person(&scene).await;
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON held_values BEGIN SELECT RAISE(ABORT, 'no room'); END";
    scene.execute("vault-keys.db", broken).await;
    let before = scene.vault.keys_opened();
    assert!(matches!(
        scene.vault.erase(&ada, &service()).await,
        Err(VaultError::Storage(_))
    ));
    assert!(
        scene.vault.keys_opened() > before,
        "control: it came as far as opening"
    );
    scene.execute("vault-keys.db", "DROP TRIGGER broken").await;
    let scene = scene.reopened().await;
    let granted = |by: &str| (by.to_owned(), Outcome::Granted);
    assert_eq!(
        keepers(&scene, &ada).await,
        [granted("component:test"), granted("component:vault-restart")]
    );
    assert_eq!(ordered(&scene, &ada).await.unwrap(), PHONE);
}

#[tokio::test]
async fn a_held_value_that_does_not_open_is_an_entry_and_is_not_kept() {
    let scene = Scene::new().await;
    let ada = held_person(&scene).await;
    let spoilt = "UPDATE anchors SET share = randomblob(32) WHERE field = 'mobile_phone'";
    assert_eq!(scene.execute("vault-keys.db", spoilt).await, 1);
    scene.vault.erase(&ada, &service()).await.unwrap();
    let by = || "component:test".to_owned();
    assert_eq!(
        keepers(&scene, &ada).await,
        [(by(), Outcome::Granted), (by(), Outcome::Tampered)]
    );
    assert!(matches!(
        ordered(&scene, &ada).await,
        Err(VaultError::UnknownSubject)
    ));
}

/// A rotation of values opens each of them only after an entry says so.
/// Mechanism: `crates/vault/src/vault/rotating.rs`
/// Control: once the log takes the entries the same rotation opens and renews them.
#[tokio::test]
async fn clause_11_a_rotation_opens_no_value_before_its_entry() {
    let scene = Scene::new().await;
    let ada = held_person(&scene).await;
    Vault::ask_rotations(&scene.config(), &[Layer::Values])
        .await
        .unwrap();
    scene.execute("access-log.db", REFUSE_RENEWING).await;
    let before = scene.vault.keys_opened();
    assert!(matches!(
        scene.vault.rotate(&rotation()).await,
        Err(VaultError::AccessLogUnavailable)
    ));
    assert_eq!(scene.vault.keys_opened(), before, "nothing was opened");

    scene.execute("access-log.db", ALLOW).await;
    scene.vault.rotate(&rotation()).await.unwrap();
    assert!(scene.vault.keys_opened() > before, "control: now it was");
    let mut announced = HashSet::new();
    let mut renewed = 0;
    for leaf in scene.vault.accesses(&ada).await.unwrap() {
        let field = leaf.field.clone();
        match (leaf.operation, leaf.reason.as_str()) {
            (Operation::Read, "key_rotation") => assert!(announced.insert(field)),
            (Operation::Renew, "key_rotation") => {
                assert!(
                    announced.contains(&field),
                    "{field:?} was opened before its entry"
                );
                renewed += 1;
            }
            _ => {}
        }
    }
    assert_eq!((renewed, announced.len()), (2, 2));
    assert_eq!(scene.email(&ada).await.unwrap(), "ada@example.org");
}

/// A restriction keeps data from being used, not from being kept well; and nobody is alarmed by the renewal of everybody's keys.
#[tokio::test]
async fn whoever_restricts_their_data_and_honeytokens_take_part_in_every_rotation() {
    let scene = Scene::new().await;
    let ada = held_person(&scene).await;
    scene
        .vault
        .make_honeytokens(1, "mail.example", &service())
        .await
        .unwrap();
    let own = request(Actor::Person(ada), Reason::RightsRequest);
    scene.vault.restrict(&ada, &own).await.unwrap();
    let letter = request(Actor::component("messenger").unwrap(), Reason::DeliverMessage);
    let read = scene
        .vault
        .read::<Email, ProvideService, _>(&ada, None, &letter, String::clone);
    assert!(
        matches!(read.await, Err(VaultError::Denied(Denial::Restricted))),
        "control"
    );

    Vault::ask_rotations(&scene.config(), &Layer::ALL).await.unwrap();
    assert_eq!(
        scene.vault.rotate(&rotation()).await.unwrap(),
        Layer::ALL.len() as u64
    );
    assert!(scene.vault.staff_events(0).await.unwrap().is_empty());
    let found = scene
        .vault
        .find::<Email>(&text("ada@example.org"), &service())
        .await;
    assert_eq!(found.unwrap(), Some(ada));
}
