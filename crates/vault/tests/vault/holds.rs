//! What law forbids to destroy, and what is destroyed when its time has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ensoex_vault::catalogue::{Language, table};
use ensoex_vault::{
    Actor, ApiKeySecret, CaseOpening, CaseReason, Clock, Denial, FieldName, Law, LegalHold, MobilePhone,
    Operation, Optional, Personal, PolicyVersion, ProvideService, PurposeName, Reason, Statement, SubjectId,
    Vault, VaultConfig, VaultError, verify_statement,
};
use tempfile::TempDir;

use crate::{Scene, request, service, text};

const DAY_MS: u64 = 86_400_000;
/// The given clock is ahead of the stamps of whatever a test stores.
const MINUTE_MS: u64 = 60_000;
const PHONE: &str = "+380441234567";

struct Clocked {
    scene: Scene,
    now_ms: Arc<AtomicU64>,
}

fn config(directory: &TempDir, now_ms: &Arc<AtomicU64>) -> VaultConfig {
    VaultConfig {
        clock: Clock::given(Arc::clone(now_ms)),
        ..crate::config(directory)
    }
}

impl Clocked {
    async fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = Arc::new(AtomicU64::new(now.as_millis() as u64 + MINUTE_MS));
        let directory = TempDir::new().unwrap();
        let vault = Vault::open(config(&directory, &now_ms)).await.unwrap();
        Self {
            scene: Scene { directory, vault },
            now_ms,
        }
    }

    async fn reopened(self) -> Self {
        let Scene { directory, vault } = self.scene;
        vault.close().await;
        drop(vault);
        let vault = Vault::open(config(&directory, &self.now_ms)).await.unwrap();
        Self {
            scene: Scene { directory, vault },
            now_ms: self.now_ms,
        }
    }

    fn pass_days(&self, days: u64) {
        self.now_ms.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    fn in_days(&self, days: u64) -> u64 {
        self.now_ms.load(Ordering::SeqCst) + days * DAY_MS
    }

    async fn person(&self) -> SubjectId {
        let ada = self.scene.subject_with_email("ada@example.org").await;
        let vault = &self.scene.vault;
        vault
            .claim::<MobilePhone>(&ada, text(PHONE), &service())
            .await
            .unwrap();
        ada
    }

    fn hold(&self, days: u64) -> LegalHold {
        LegalHold {
            field: FieldName::MobilePhone,
            law: Law::CourtOrder,
            until_ms: self.in_days(days),
        }
    }

    async fn sweep(&self) -> Vec<(FieldName, bool)> {
        let sweep = request(Actor::component("retention").unwrap(), Reason::Retention);
        let expired = self.scene.vault.sweep_retention(&sweep).await.unwrap();
        expired.iter().map(|one| (one.field, one.late)).collect()
    }

    async fn phone_by(
        &self,
        subject: &SubjectId,
        actor: Actor,
        reason: Reason,
    ) -> Result<String, VaultError> {
        let open = |phone: &String| phone.clone();
        let access = request(actor, reason);
        self.scene
            .vault
            .read::<MobilePhone, ProvideService, _>(subject, None, &access, open)
            .await
    }

    /// A member of staff in a case about the subject for this reason.
    async fn phone_in_case(&self, subject: &SubjectId, reason: CaseReason) -> Result<String, VaultError> {
        let vault = &self.scene.vault;
        let staff = SubjectId::from_bytes([7; 16]);
        vault.enrol_staff(&staff, &operator()).await.unwrap();
        let opening = CaseOpening {
            subjects: vec![*subject],
            fields: vec![FieldName::MobilePhone],
            purpose: PurposeName::ProvideService,
            reason,
            hours: 1,
            break_glass: false,
            order: None,
        };
        let version = PolicyVersion::new("sha256:00").unwrap();
        let case = vault.open_case(&staff, &opening, &version).await.unwrap();
        self.phone_by(subject, Actor::Staff(staff), case.id.reason())
            .await
    }
}

fn operator() -> ensoex_vault::AccessRequest {
    request(Actor::component("operator").unwrap(), Reason::LegalHold)
}

/// Mechanism: `crates/vault/src/vault/holding.rs`
/// Control: for what the law wants it opens, and before its date it stays.
#[tokio::test]
async fn clause_09_what_law_holds_outlives_an_erasure_until_its_date_and_nothing_else_does() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    let hold = world.hold(30);
    vault.place_hold(&ada, hold, &operator()).await.unwrap();
    assert_eq!(
        vault.legal_holds(&ada).await.unwrap(),
        [hold],
        "shown to the person"
    );
    let component = || Actor::component("messenger").unwrap();
    assert_eq!(
        world
            .phone_by(&ada, component(), Reason::DeliverMessage)
            .await
            .unwrap(),
        PHONE,
        "a hold takes nothing from whoever is there"
    );

    vault.erase(&ada, &service()).await.unwrap();
    assert!(matches!(
        world.scene.email(&ada).await,
        Err(VaultError::UnknownSubject)
    ));
    let refused = world.phone_by(&ada, component(), Reason::DeliverMessage).await;
    assert!(matches!(refused, Err(VaultError::Denied(Denial::HeldByLaw))));
    let support = world.phone_in_case(&ada, CaseReason::SupportRequest).await;
    assert!(matches!(support, Err(VaultError::Denied(Denial::HeldByLaw))));
    let ordered = world.phone_in_case(&ada, CaseReason::LegalOrder).await;
    assert_eq!(
        ordered.unwrap(),
        PHONE,
        "control: it is there, for what the law wants"
    );
    assert!(
        vault.held_values(&ada).await.unwrap().is_empty(),
        "no row is left with the others'"
    );

    let proven = vault.erasure_certificate(&ada, &service()).await.unwrap();
    let file = serde_json::to_vec(&proven).unwrap();
    let Statement::Erasure(stated) = verify_statement(&file, None).unwrap().statement else {
        panic!("another statement")
    };
    let destroyed: Vec<&str> = stated.destroyed.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(destroyed, ["email"]);
    let [held] = stated.held.as_slice() else {
        panic!("{:?}", stated.held)
    };
    assert_eq!(
        (held.field.as_str(), held.values, held.law, held.until_ms),
        ("mobile_phone", 1, Law::CourtOrder, hold.until_ms)
    );

    assert!(
        world.sweep().await.is_empty(),
        "control: before its date it stays"
    );
    let world = world.reopened().await;
    world.pass_days(29);
    assert!(world.sweep().await.is_empty());
    world.pass_days(1);
    assert_eq!(world.sweep().await, [(FieldName::MobilePhone, false)]);
    let over = world.phone_in_case(&ada, CaseReason::LegalOrder).await;
    assert!(matches!(over, Err(VaultError::UnknownSubject)), "now it is gone");
    let vault = &world.scene.vault;
    assert!(vault.legal_holds(&ada).await.unwrap().is_empty());
    let again = vault.erasure_certificate(&ada, &service()).await.unwrap();
    assert_eq!(
        again.statement, proven.statement,
        "the certificate says the same each time"
    );
    let leaves = vault.accesses(&ada).await.unwrap();
    let of = |operation| leaves.iter().find(|leaf| leaf.operation == operation).unwrap();
    assert_eq!(of(Operation::PlaceHold).until_ms, Some(hold.until_ms));
    assert_eq!(of(Operation::KeepByLaw).law, Some(Law::CourtOrder));
    assert_eq!(of(Operation::Remove).reason, "retention");
}

#[tokio::test]
async fn a_hold_is_the_operators_and_what_the_catalogue_allows() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    let of = |field| LegalHold {
        field,
        ..world.hold(30)
    };
    for actor in [Actor::Person(ada), Actor::Staff(SubjectId::from_bytes([7; 16]))] {
        let by = request(actor, Reason::LegalHold);
        let placed = vault.place_hold(&ada, world.hold(30), &by).await;
        assert!(matches!(placed, Err(VaultError::Denied(Denial::OperatorOnly))));
    }
    for refused in [
        of(FieldName::PasswordHash),
        of(FieldName::ApiKeySecret),
        world.hold(0),
        world.hold(4_000),
    ] {
        let placed = vault.place_hold(&ada, refused, &operator()).await;
        assert!(
            matches!(placed, Err(VaultError::InvalidHold { .. })),
            "{refused:?}"
        );
    }
    let lifted = vault.lift_hold(&ada, FieldName::MobilePhone, &operator()).await;
    assert!(matches!(lifted, Err(VaultError::NotFound)));
    vault.place_hold(&ada, world.hold(30), &operator()).await.unwrap();
    vault.erase(&ada, &service()).await.unwrap();
    assert!(world.phone_in_case(&ada, CaseReason::LegalOrder).await.is_ok());
    vault
        .lift_hold(&ada, FieldName::MobilePhone, &operator())
        .await
        .unwrap();
    let gone = world.phone_in_case(&ada, CaseReason::LegalOrder).await;
    assert!(matches!(gone, Err(VaultError::UnknownSubject)));
    let placed = vault.place_hold(&ada, world.hold(30), &operator()).await;
    assert!(
        matches!(placed, Err(VaultError::UnknownSubject)),
        "there is nothing left to hold"
    );
}

fn copy(world: &Clocked, files: &[&str], from: &str, to: &str) {
    for file in files {
        let path = world.scene.path(file);
        let aside = path.with_file_name(format!("{file}.copy"));
        let (from, to) = match (from, to) {
            ("live", _) => (path, aside),
            _ => (aside, path),
        };
        for suffix in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(to.with_file_name(format!("{file}{suffix}")));
        }
        std::fs::copy(from, to).unwrap();
    }
}

/// Older copies of records and keys, in which the value is still held, bring neither value nor hold back.
///
/// Mechanism: `crates/vault/src/vault/holding.rs`
/// Control: the copy does hold it, and longer than the law wanted.
#[tokio::test]
async fn clause_09_no_older_copy_brings_back_what_law_held() {
    let files = ["vault.db", "vault-keys.db"];
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    vault.place_hold(&ada, world.hold(30), &operator()).await.unwrap();
    vault.erase(&ada, &service()).await.unwrap();
    let world = world.reopened().await;
    world.scene.vault.close().await;
    copy(&world, &files, "live", "aside");
    let world = world.reopened().await;
    assert!(world.phone_in_case(&ada, CaseReason::LegalOrder).await.is_ok());
    world.pass_days(31);
    assert_eq!(world.sweep().await.len(), 1);
    world.scene.vault.close().await;
    copy(&world, &files, "aside", "live");
    let kept = world
        .scene
        .execute(
            "vault-keys.db",
            "UPDATE held_values SET until_ms = until_ms + 86400000000",
        )
        .await;
    assert_eq!(
        kept, 1,
        "control: the copy does hold it, and longer than the law wanted"
    );
    let world = world.reopened().await;
    let gone = world.phone_in_case(&ada, CaseReason::LegalOrder).await;
    assert!(matches!(gone, Err(VaultError::UnknownSubject)));
}

/// An older copy of the keys does not know the hold; the log does.
#[tokio::test]
async fn an_older_copy_of_the_keys_does_not_undo_a_hold() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    world.scene.vault.close().await;
    copy(&world, &["vault-keys.db"], "live", "aside");
    let world = world.reopened().await;
    let hold = world.hold(30);
    world
        .scene
        .vault
        .place_hold(&ada, hold, &operator())
        .await
        .unwrap();
    world.scene.vault.close().await;
    copy(&world, &["vault-keys.db"], "aside", "live");
    let world = world.reopened().await;
    assert_eq!(world.scene.vault.legal_holds(&ada).await.unwrap(), [hold]);
}

/// Nor does an older copy of the keys bring anything back that an erased person wanted, or that law wanted of them.
#[tokio::test]
async fn an_older_copy_of_the_keys_knows_no_wish_of_an_erased_person() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    let eve = world.scene.subject_with_email("eve@example.org").await;
    world.scene.vault.close().await;
    copy(&world, &["vault-keys.db"], "live", "aside");
    let world = world.reopened().await;
    let vault = &world.scene.vault;
    // One who was there when the copy was made, one who came after it, and the control, who is not erased.
    let bob = vault.create_subject(&service()).await.unwrap();
    for subject in [&ada, &bob, &eve] {
        let own = request(Actor::Person(*subject), Reason::RightsRequest);
        vault.restrict(subject, &own).await.unwrap();
        vault.agree(subject, Optional::Statistics, &own).await.unwrap();
        vault
            .place_hold(subject, world.hold(30), &operator())
            .await
            .unwrap();
    }
    for subject in [&ada, &bob] {
        vault.erase(subject, &service()).await.unwrap();
        assert_eq!(
            vault.agreed_since(subject, Optional::Statistics).await.unwrap(),
            None
        );
    }
    vault.close().await;
    copy(&world, &["vault-keys.db"], "aside", "live");
    let world = world.reopened().await;
    let vault = &world.scene.vault;
    for (subject, is_here) in [(&ada, false), (&bob, false), (&eve, true)] {
        assert_eq!(vault.restricted_since(subject).is_some(), is_here);
        assert_eq!(
            vault
                .agreed_since(subject, Optional::Statistics)
                .await
                .unwrap()
                .is_some(),
            is_here
        );
        assert_eq!(!vault.legal_holds(subject).await.unwrap().is_empty(), is_here);
    }
}

/// Mechanism: `crates/vault/src/vault/holding.rs`
/// Control: without a hold the correction goes through.
#[tokio::test]
async fn clause_09_what_law_holds_is_not_destroyed_by_a_correction_before_an_erasure() {
    const OTHER: &str = "+380449876543";
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    let shown = async || {
        world
            .phone_by(&ada, Actor::Person(ada), Reason::ShowToPerson)
            .await
            .unwrap()
    };
    let correction = request(Actor::Person(ada), Reason::Correction);
    let correct = async |phone: &str| {
        vault
            .store::<MobilePhone>(&ada, None, text(phone), &correction)
            .await
    };
    correct(OTHER).await.unwrap();
    assert_eq!(shown().await, OTHER, "control: without a hold it goes through");
    correct(PHONE).await.unwrap();

    let hold = world.hold(30);
    vault.place_hold(&ada, hold, &operator()).await.unwrap();
    let is_held = |refused: Result<(), VaultError>| {
        matches!(refused, Err(VaultError::HeldByLaw { law, until_ms })
            if (law, until_ms) == (hold.law, hold.until_ms))
    };
    assert!(is_held(correct(OTHER).await));
    assert!(is_held(
        vault.claim::<MobilePhone>(&ada, text(OTHER), &correction).await
    ));
    assert!(is_held(
        vault.remove::<MobilePhone>(&ada, None, &correction).await
    ));
    let leaf = vault.recent_accesses(&ada, 1).await.unwrap().remove(0);
    assert_eq!(
        (leaf.operation, leaf.outcome),
        (Operation::Remove, ensoex_vault::Outcome::Denied),
        "the refusal is an entry"
    );
    assert_eq!(shown().await, PHONE);
    let email = text("new@example.org");
    let other_field = vault.claim::<ensoex_vault::Email>(&ada, email, &correction).await;
    assert!(other_field.is_ok(), "no other field is held");
    let first = vault
        .store::<MobilePhone>(&ada, Some("second"), text(OTHER), &correction)
        .await;
    assert!(first.is_ok(), "what has no value yet takes one");

    vault.erase(&ada, &service()).await.unwrap();
    let ordered = world.phone_in_case(&ada, CaseReason::LegalOrder).await;
    assert_eq!(
        ordered.unwrap(),
        PHONE,
        "and the value that was held is the one that is kept"
    );
}

#[tokio::test]
async fn a_hold_that_is_over_stands_in_no_correction() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    vault.place_hold(&ada, world.hold(30), &operator()).await.unwrap();
    let correction = request(Actor::Person(ada), Reason::Correction);
    assert!(
        vault
            .remove::<MobilePhone>(&ada, None, &correction)
            .await
            .is_err(),
        "control"
    );
    world.pass_days(30);
    vault
        .remove::<MobilePhone>(&ada, None, &correction)
        .await
        .unwrap();
}

async fn store_secret(world: &Clocked, subject: &SubjectId) {
    let secret = Personal::new(vec![9; 32]);
    world
        .scene
        .vault
        .store::<ApiKeySecret>(subject, Some("key-1"), secret, &service())
        .await
        .unwrap();
}

async fn secret_opens(world: &Clocked, subject: &SubjectId) -> bool {
    let by = request(
        Actor::component("trading-api").unwrap(),
        Reason::AuthenticateRequest,
    );
    let lease = world
        .scene
        .vault
        .lease::<ApiKeySecret, ProvideService>(subject, Some("key-1"), &by, 1);
    lease.await.is_ok()
}

/// Mechanism: `crates/vault/src/vault/retaining.rs`
/// Control: within the term it opens.
#[tokio::test]
async fn clause_09_what_is_kept_for_a_term_is_destroyed_when_it_is_over() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    store_secret(&world, &ada).await;
    world.pass_days(729);
    assert!(world.sweep().await.is_empty());
    assert!(
        secret_opens(&world, &ada).await,
        "control: within the term it opens"
    );
    let open = world
        .scene
        .vault
        .lease::<ApiKeySecret, ProvideService>(&ada, Some("key-1"), &service(), 900)
        .await
        .unwrap();
    world.pass_days(1);
    assert!(!open.is_over(), "control: the lease has its time");
    assert_eq!(world.sweep().await, [(FieldName::ApiKeySecret, false)]);
    assert!(open.is_over(), "nor does a lease keep it open");
    assert!(!secret_opens(&world, &ada).await);
    assert!(world.sweep().await.is_empty(), "once is enough");
    assert_eq!(
        world.scene.email(&ada).await.unwrap(),
        "ada@example.org",
        "what has no term stays"
    );
}

/// Mechanism: `crates/vault/src/vault/retaining.rs`
/// Control: what is due is not yet overdue.
#[tokio::test]
async fn clause_09_a_term_that_was_missed_is_an_event() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    store_secret(&world, &ada).await;
    world.pass_days(730);
    assert_eq!(
        world.scene.vault.retention_overdue().await.unwrap(),
        0,
        "control: due, not overdue"
    );
    world.pass_days(2);
    assert_eq!(world.scene.vault.retention_overdue().await.unwrap(), 1);
    assert_eq!(world.sweep().await, [(FieldName::ApiKeySecret, true)]);
    assert_eq!(world.scene.vault.retention_overdue().await.unwrap(), 0);
    let leaves = world.scene.vault.accesses(&ada).await.unwrap();
    assert_eq!(leaves.last().unwrap().reason, "retention_overdue");
}

/// Mechanism: `crates/vault/src/catalogue.rs`
/// Control: the days in the words are compared with those in the code, for every field.
#[test]
fn clause_01_the_words_on_retention_and_holds_are_what_is_done() {
    for language in [Language::English, Language::Ukrainian] {
        for (field, row) in FieldName::ALL.iter().zip(table(language)) {
            let description = field.description();
            let days = description.retention.days_after_storing;
            let said = days.map(|days| days.to_string());
            assert_eq!(
                said.as_deref(),
                row.retention.split(' ').find(|word| word.parse::<u32>().is_ok()),
                "{field:?}"
            );
            let laws = description.legal_hold.map_or(0, |rule| rule.laws.len());
            assert_eq!(laws > 0, row.legal_hold.is_some(), "{field:?}");
        }
    }
}

/// Once its date has come, what law held stands in no file of the key store, not even sealed.
///
/// Mechanism: `crates/vault/src/key_store/holds.rs`
/// Control: before that date it is found there.
#[tokio::test]
async fn clause_09_what_law_held_is_nowhere_in_the_key_store_after_its_date() {
    let world = Clocked::new().await;
    let ada = world.person().await;
    let vault = &world.scene.vault;
    vault.place_hold(&ada, world.hold(30), &operator()).await.unwrap();
    let _certificate = vault.erase(&ada, &service()).await.unwrap();
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM held_values")
        .fetch_one(&mut world.scene.raw("vault-keys.db").await)
        .await
        .unwrap();
    let holds = |scene: &Scene| {
        ["db", "db-wal"].iter().any(|end| {
            let file = scene.path("vault-keys.db").with_extension(end);
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(sealed.len()).any(|window| window == sealed)
        })
    };
    assert!(holds(&world.scene), "control: before that date it is there");
    world.pass_days(31);
    assert_eq!(world.sweep().await, [(FieldName::MobilePhone, false)]);
    assert!(!holds(&world.scene));
}
