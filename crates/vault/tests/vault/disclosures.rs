//! What recipients are given: entered first, no more than the register grants, counted.

use ensoex_egress::{Item, Recipient};
use ensoex_vault::{Denial, Operation, Outcome, VaultError, verify_access_report};

use crate::{Scene, service};

/// What a recipient is given of a person is an entry with its proof, item by item, before it may be sent.
/// Mechanism: `crates/vault/src/vault/disclosing.rs`
/// Control: while the log cannot write, or for more than the register grants, there is no leave to send.
#[tokio::test]
async fn clause_08_what_is_given_is_entered_first_item_by_item() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    let vault = &scene.vault;
    let given = [Item::Email, Item::Message];
    let leave = vault
        .disclose(&ada, Recipient::MailRelay, &given, &service())
        .await;
    assert_eq!(leave.unwrap().recipient(), Recipient::MailRelay);

    let entries = vault.disclosures(&ada).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].recipient, Some(Recipient::MailRelay));
    assert_eq!(entries[0].items, given);
    assert_eq!(vault.disclosures(&eve).await.unwrap(), []);
    let report = vault.access_report(&ada).await.unwrap();
    let text = serde_json::to_string(&report).unwrap();
    verify_access_report(text.as_bytes(), None).unwrap();

    assert!(text.contains(r#"\"recipient\":\"mail_relay\",\"items\":[\"email\",\"message\"]"#));

    for (recipient, more) in [
        (Recipient::SmsCarrier, vec![Item::Email, Item::Message]),
        (Recipient::EnsoExPay, vec![Item::Amount, Item::MobilePhone]),
        (Recipient::MailRelay, vec![]),
    ] {
        let refused = vault.disclose(&ada, recipient, &more, &service()).await;
        assert!(matches!(refused, Err(VaultError::Denied(Denial::Recipient))));
    }
    let denied = vault.accesses(&ada).await.unwrap();
    let denied = denied
        .iter()
        .filter(|leaf| (leaf.operation, leaf.outcome) == (Operation::Disclose, Outcome::Denied));
    assert_eq!(denied.count(), 3);

    scene
        .execute("access-log.db", "ALTER TABLE leaves RENAME TO leaves_elsewhere")
        .await;
    let unlogged = vault
        .disclose(&ada, Recipient::MailRelay, &given, &service())
        .await;
    assert!(matches!(unlogged, Err(VaultError::AccessLogUnavailable)));
    scene
        .execute("access-log.db", "ALTER TABLE leaves_elsewhere RENAME TO leaves")
        .await;
    assert_eq!(vault.disclosures(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn disclosures_are_counted_across_restarts() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let give = async |scene: &Scene, recipient: Recipient| {
        let items = recipient.entry().items;
        let _leave = scene
            .vault
            .disclose(&ada, recipient, items, &service())
            .await
            .unwrap();
    };
    give(&scene, Recipient::MailRelay).await;
    give(&scene, Recipient::EnsoExPay).await;
    assert_eq!(
        scene.vault.disclosure_counts().await.unwrap()[&Recipient::MailRelay],
        1
    );
    give(&scene, Recipient::MailRelay).await;
    for _ in 0..2 {
        let counts = scene.vault.disclosure_counts().await.unwrap();
        assert_eq!(
            (
                counts[&Recipient::MailRelay],
                counts[&Recipient::EnsoExPay],
                counts.len()
            ),
            (2, 1, 2)
        );
    }
    let scene = scene.reopened().await;
    assert_eq!(
        scene.vault.disclosure_counts().await.unwrap()[&Recipient::MailRelay],
        2
    );
}
