//! What an authority is given: within a case that names its order, by two members of staff, entered field by field, and told to the
//! person, at once or when the order's silence is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ensoex_egress::{Item, Recipient};
use ensoex_vault::{
    AccessRequest, Actor, Case, CaseOpening, CaseReason, Clock, Denial, Email, FieldName, Operation, Order,
    Outcome, PolicyVersion, ProvideService, PurposeName, Reason, SILENT_DAYS_MAX, SubjectId, Vault,
    VaultConfig, VaultError,
};
use tempfile::TempDir;

use crate::{Scene, request, service};

const DAY_MS: u64 = 86_400_000;

struct World {
    scene: Scene,
    now_ms: Arc<AtomicU64>,
    ada: SubjectId,
    anna: SubjectId,
    bohdan: SubjectId,
}

impl World {
    async fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = Arc::new(AtomicU64::new(now.as_millis() as u64));
        let directory = TempDir::new().unwrap();
        let config = VaultConfig {
            clock: Clock::given(Arc::clone(&now_ms)),
            ..crate::config(&directory)
        };
        let vault = Vault::open(config).await.unwrap();
        let scene = Scene { directory, vault };
        let ada = scene.subject_with_email("ada@example.org").await;
        let operator = request(Actor::component("operator").unwrap(), Reason::Operation);
        let [anna, bohdan] = [[7; 16], [8; 16]].map(SubjectId::from_bytes);
        for staff in [&anna, &bohdan] {
            scene.vault.enrol_staff(staff, &operator).await.unwrap();
        }
        Self {
            scene,
            now_ms,
            ada,
            anna,
            bohdan,
        }
    }

    fn opening(&self, silent_days: Option<u64>) -> CaseOpening {
        let now_ms = self.now_ms.load(Ordering::SeqCst);
        CaseOpening {
            subjects: vec![self.ada],
            fields: vec![FieldName::Email],
            purpose: PurposeName::ProvideService,
            reason: CaseReason::LegalOrder,
            hours: 8,
            break_glass: false,
            order: Some(Order {
                reference: "757/12345/26-k".to_owned(),
                silent_until_ms: silent_days.map(|days| now_ms + days * DAY_MS),
            }),
        }
    }

    async fn case(&self, opening: &CaseOpening) -> Result<Case, VaultError> {
        self.scene.vault.open_case(&self.anna, opening, &policy()).await
    }

    async fn approve(&self, by: &SubjectId, case: &Case) -> Result<Case, VaultError> {
        self.scene.vault.approve_case(by, &case.id, &policy()).await
    }

    fn in_case(&self, case: &Case) -> AccessRequest {
        request(Actor::Staff(self.anna), case.id.reason())
    }

    async fn hand_over(&self, case: &Case, field: FieldName) -> Result<String, VaultError> {
        let (vault, access) = (&self.scene.vault, self.in_case(case));
        let _given = vault.disclose_by_order(&self.ada, field, &access).await?;
        vault
            .read::<Email, ProvideService, _>(&self.ada, None, &access, String::clone)
            .await
    }

    /// What the person learns: disclosures, entries, entries of the report, newest entries.
    async fn told(&self, case: &Case) -> [usize; 4] {
        let vault = &self.scene.vault;
        let of_case = |id: &Option<String>| id.as_deref() == Some(case.id.as_str());
        let report = vault.access_report(&self.ada).await.unwrap();
        let in_report = report
            .entries
            .iter()
            .filter(|entry| entry.leaf.contains(case.id.as_str()));
        [
            vault.disclosures(&self.ada).await.unwrap().len(),
            vault
                .accesses(&self.ada)
                .await
                .unwrap()
                .iter()
                .filter(|leaf| of_case(&leaf.case))
                .count(),
            in_report.count(),
            vault
                .recent_accesses(&self.ada, 100)
                .await
                .unwrap()
                .iter()
                .filter(|leaf| of_case(&leaf.case))
                .count(),
        ]
    }
}

fn policy() -> PolicyVersion {
    PolicyVersion::new("sha256:00").unwrap()
}

fn denied<T>(result: Result<T, VaultError>, with: Denial) -> bool {
    matches!(result, Err(VaultError::Denied(denial)) if denial == with)
}

/// An authority is given a field within a case that names its order, after a second member of staff approved, and not otherwise; what it
/// is given is an entry with the field, made before the field is opened. The person's restriction does not stand in the law's way.
/// Mechanism: `crates/vault/src/vault/disclosing.rs`
/// Control: once approved, the field that the case names is handed over, and is told.
#[tokio::test]
async fn clause_08_an_authority_is_given_what_an_order_names_by_two_persons() {
    let world = World::new().await;
    let vault = &world.scene.vault;
    let case = world.case(&world.opening(None)).await.unwrap();
    assert!(case.waits_for_approval(), "although it concerns one person");
    assert!(denied(
        world.hand_over(&case, FieldName::Email).await,
        Denial::CaseNotApproved
    ));
    assert!(denied(
        world.approve(&world.anna, &case).await,
        Denial::ApprovalByOneself
    ));
    assert!(vault.disclosures(&world.ada).await.unwrap().is_empty());
    world.approve(&world.bohdan, &case).await.unwrap();
    let own = request(Actor::Person(world.ada), Reason::RightsRequest);
    vault.restrict(&world.ada, &own).await.unwrap();
    let value = world.hand_over(&case, FieldName::Email).await.unwrap();
    assert_eq!(value, "ada@example.org", "control");
    assert!(denied(
        world.hand_over(&case, FieldName::MobilePhone).await,
        Denial::OutsideCase
    ));
    let given = vault.disclosures(&world.ada).await.unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].field.as_deref(), Some("email"));
    assert_eq!(
        (given[0].recipient, &given[0].items[..]),
        (Some(Recipient::Authority), &[Item::Ordered][..])
    );
    assert_eq!(given[0].reason, "legal_order");
    let entries = vault.accesses(&world.ada).await.unwrap();
    let at = |operation| {
        let granted = entries
            .iter()
            .filter(|leaf| leaf.outcome == Outcome::Granted && leaf.case.is_some());
        granted
            .filter(|leaf| leaf.operation == operation)
            .map(|leaf| leaf.index)
            .next()
    };
    assert!(
        at(Operation::Disclose).unwrap() < at(Operation::Read).unwrap(),
        "entered before it is opened"
    );

    // No part of the Service, no person, and no case without an order hands anything to an authority.
    let disclosed = vault
        .disclose(&world.ada, Recipient::Authority, &[Item::Ordered], &service())
        .await;
    assert!(denied(disclosed, Denial::NoOrder));
    for other in [service(), own] {
        let disclosed = vault
            .disclose_by_order(&world.ada, FieldName::Email, &other)
            .await;
        assert!(denied(disclosed, Denial::NoOrder));
    }
    let plain = CaseOpening {
        order: None,
        ..world.opening(None)
    };
    let plain = world.case(&plain).await.unwrap();
    assert!(!plain.waits_for_approval());
    assert!(denied(
        world.hand_over(&plain, FieldName::Email).await,
        Denial::NoOrder
    ));
    assert_eq!(vault.disclosures(&world.ada).await.unwrap().len(), 1);
}

/// An order may keep a person from learning of it until a date: then they see every entry, and none before.
/// Mechanism: `crates/vault/src/vault/telling.rs`
/// Control: of an order that says nothing of silence they see each entry at once.
#[tokio::test]
async fn clause_11_an_order_keeps_its_silence_until_its_date_and_not_longer() {
    let world = World::new().await;
    let open = world.case(&world.opening(None)).await.unwrap();
    world.approve(&world.bohdan, &open).await.unwrap();
    world.hand_over(&open, FieldName::Email).await.unwrap();
    assert_eq!(world.told(&open).await, [1, 4, 4, 4], "control");
    let before = world.scene.vault.accesses(&world.ada).await.unwrap().len();
    let silent = world.case(&world.opening(Some(30))).await.unwrap();
    world.approve(&world.bohdan, &silent).await.unwrap();
    world.hand_over(&silent, FieldName::Email).await.unwrap();
    assert_eq!(world.told(&silent).await, [1, 0, 0, 0]);
    assert_eq!(
        world.scene.vault.accesses(&world.ada).await.unwrap().len(),
        before
    );
    let counts = world.scene.vault.disclosure_counts().await.unwrap();
    assert_eq!(counts[&Recipient::Authority], 2, "everybody sees how often");
    world.now_ms.fetch_add(30 * DAY_MS, Ordering::SeqCst);
    assert_eq!(world.told(&silent).await, [2, 4, 4, 4]);
}

#[tokio::test]
async fn an_order_that_is_none_opens_no_case() {
    let world = World::new().await;
    let good = world.opening(Some(SILENT_DAYS_MAX));
    let with = |order: Order| CaseOpening {
        order: Some(order),
        ..good.clone()
    };
    let order = good.order.clone().unwrap();
    let referenced = |reference: &str| {
        with(Order {
            reference: reference.to_owned(),
            ..order.clone()
        })
    };
    let until = |silent_until_ms: u64| {
        with(Order {
            silent_until_ms: Some(silent_until_ms),
            ..order.clone()
        })
    };
    let now_ms = world.now_ms.load(Ordering::SeqCst);
    for wrong in [
        referenced(""),
        referenced("two words"),
        referenced(&"a".repeat(65)),
        until(now_ms),
        until(now_ms + (SILENT_DAYS_MAX + 1) * DAY_MS),
        CaseOpening {
            reason: CaseReason::SupportRequest,
            ..good.clone()
        },
        CaseOpening {
            break_glass: true,
            ..good.clone()
        },
    ] {
        let refused = world.case(&wrong).await;
        assert!(
            matches!(refused, Err(VaultError::InvalidCase { .. })),
            "{wrong:?}"
        );
    }
    assert!(world.case(&good).await.is_ok(), "control");
}
