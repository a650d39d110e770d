//! The access log: written before data is opened, provable afterwards.

use std::time::Duration;

use ensoex_merkle::{self as merkle, Frontier, verify_consistency};
use ensoex_vault::{
    ACCESS_LOG, AccessReport, Actor, ApiKeySecret, Email, Operation, Outcome, Personal, ProvideService,
    Reason, ReportError, VaultError, verify_access_report,
};

use sqlx::{Connection, SqliteConnection};

use crate::{Scene, request, service, text};

/// Mechanism: `crates/vault/src/access_log.rs`
/// Control: with the log back, the same read works.
#[tokio::test]
async fn clause_11_reads_stop_when_the_log_cannot_write() {
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("ada@example.org").await;
    assert!(scene.email(&subject).await.is_ok());
    scene
        .execute("access-log.db", "ALTER TABLE leaves RENAME TO leaves_elsewhere")
        .await;
    for _ in 0..3 {
        assert!(matches!(
            scene.email(&subject).await,
            Err(VaultError::AccessLogUnavailable)
        ));
    }
    let lease = scene
        .vault
        .lease::<ApiKeySecret, ProvideService>(&subject, Some("k"), &service(), 5)
        .await;
    assert!(matches!(lease, Err(VaultError::AccessLogUnavailable)));
    let stored = scene
        .vault
        .store::<Email>(&subject, None, text("eve@example.org"), &service())
        .await;
    assert!(matches!(stored, Err(VaultError::AccessLogUnavailable)));
    let erased = scene.vault.erase(&subject, &service()).await;
    assert!(matches!(erased, Err(VaultError::AccessLogUnavailable)));
    // It was the log: with the log back, the same read works.
    scene
        .execute("access-log.db", "ALTER TABLE leaves_elsewhere RENAME TO leaves")
        .await;
    assert_eq!(scene.email(&subject).await.unwrap(), "ada@example.org");
    scene.vault.audit_access_log().await.unwrap();
}

/// Mechanism: `crates/vault/src/access_log.rs`
/// Control: each outcome is told from the others.
#[tokio::test]
async fn clause_11_every_access_is_an_entry_with_its_outcome() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.vault.create_subject(&service()).await.unwrap();
    scene.email(&ada).await.unwrap();
    let curious = request(Actor::Staff(eve), Reason::ShowToPerson);
    let _denied = scene
        .vault
        .read::<Email, ProvideService, _>(&ada, None, &curious, String::clone)
        .await;
    let phone = scene
        .vault
        .read::<ensoex_vault::MobilePhone, ensoex_vault::PreventFraud, _>(
            &ada,
            None,
            &service(),
            String::clone,
        )
        .await;
    assert!(matches!(phone, Err(VaultError::NotFound)));
    scene.execute("vault.db", "DELETE FROM records").await;
    let _tampered = scene.email(&ada).await;

    let entries = scene.vault.recent_accesses(&ada, 100).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|leaf| (leaf.operation, leaf.outcome, leaf.actor.as_str()))
        .collect();
    let staff = format!("staff:{eve}");
    let expected = [
        (Operation::CreateSubject, Outcome::Granted, "component:test"),
        (Operation::Store, Outcome::Granted, "component:test"),
        (Operation::Read, Outcome::Granted, "component:test"),
        (Operation::Read, Outcome::Denied, staff.as_str()),
        (Operation::Read, Outcome::Absent, "component:test"),
        (Operation::Read, Outcome::Tampered, "component:test"),
    ];
    assert_eq!(told, expected);
    let read = &entries[3];
    assert_eq!(read.field.as_deref(), Some("email"));
    assert_eq!(read.purpose, Some(ensoex_vault::PurposeName::ProvideService));
    assert_eq!(read.reason, "registration");
    assert_eq!(read.policy_version, "sha256:00");
    assert_eq!(scene.vault.recent_accesses(&eve, 100).await.unwrap().len(), 1);
}

/// Mechanism: `crates/vault/src/access_report.rs`
/// Control: each change of a report is noticed, and the unchanged one verifies.
#[tokio::test]
async fn clause_11_a_person_verifies_their_entries_offline() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let eve = scene.subject_with_email("eve@example.org").await;
    for _ in 0..5 {
        scene.email(&ada).await.unwrap();
        scene.email(&eve).await.unwrap();
    }
    let report = scene.vault.access_report(&ada).await.unwrap();
    let json = serde_json::to_vec(&report).unwrap();
    let key = scene.vault.access_log_public_key();
    let (head, leaves) = verify_access_report(&json, Some(&key)).unwrap();
    assert_eq!(leaves.len(), 7);
    assert_eq!(head.size, 14);
    assert!(matches!(
        verify_access_report(&json, Some(&[1; 32])),
        Err(ReportError::Untrusted)
    ));

    let verify = |change: &dyn Fn(&mut AccessReport)| {
        let mut changed = report.clone();
        change(&mut changed);
        verify_access_report(&serde_json::to_vec(&changed).unwrap(), Some(&key)).map(|_| ())
    };
    assert!(verify(&|_| ()).is_ok());
    let granted = |report: &mut AccessReport| {
        report.entries[3].leaf = report.entries[3].leaf.replace("component:test", "component:tesl");
    };
    assert!(matches!(verify(&granted), Err(ReportError::NotIncluded { .. })));
    let larger = |report: &mut AccessReport| report.head.size += 1;
    assert!(matches!(verify(&larger), Err(ReportError::Signature)));
    let renamed = |report: &mut AccessReport| report.subject = eve;
    assert!(matches!(verify(&renamed), Err(ReportError::OtherSubject { .. })));
    let repeated = |report: &mut AccessReport| report.entries.push(report.entries[0].clone());
    assert!(matches!(verify(&repeated), Err(ReportError::Order)));
    let shortened = |report: &mut AccessReport| {
        report.entries[0].proof.pop();
    };
    assert!(matches!(verify(&shortened), Err(ReportError::NotIncluded { .. })));
    assert!(matches!(
        verify_access_report(b"{}", None),
        Err(ReportError::Form(_))
    ));
}

/// Mechanism: `crates/merkle/src/lib.rs`
/// Control: another root is no earlier head.
#[tokio::test]
async fn clause_11_later_heads_continue_earlier_ones_across_restarts() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let mut heads = Vec::new();
    for _ in 0..7 {
        scene.email(&ada).await.unwrap();
        heads.push(scene.vault.access_log_head());
    }
    let scene = scene.reopened().await;
    scene.email(&ada).await.unwrap();
    heads.push(scene.vault.access_log_head());
    let hash = |text: &str| -> [u8; 32] { hex::decode(text).unwrap().try_into().unwrap() };
    for first in &heads {
        first.verify(Some(&scene.vault.access_log_public_key())).unwrap();
        for second in heads.iter().filter(|second| second.size >= first.size) {
            let proof = scene
                .vault
                .access_log_consistency(first.size, second.size)
                .await
                .unwrap();
            let proof: Vec<[u8; 32]> = proof.iter().map(|text| hash(text)).collect();
            let (old, new) = (hash(&first.root), hash(&second.root));
            assert!(verify_consistency(first.size, &old, second.size, &new, &proof));
            assert!(!verify_consistency(
                first.size,
                &[0; 32],
                second.size,
                &new,
                &proof
            ));
        }
    }
    assert!(scene.vault.access_log_consistency(0, 1).await.is_err());
    assert!(scene.vault.access_log_consistency(1, 1000).await.is_err());
}

/// Mechanism: `crates/vault/src/access_log.rs`
/// Control: with the change undone the log is whole.
#[tokio::test]
async fn clause_09_a_shortened_or_changed_log_keeps_the_vault_shut() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    scene.email(&ada).await.unwrap();
    // The tables themselves refuse change.
    let mut raw = scene.raw("access-log.db").await;
    assert!(sqlx::query("DELETE FROM leaves").execute(&mut raw).await.is_err());
    assert!(
        sqlx::query("UPDATE leaves SET body = ''")
            .execute(&mut raw)
            .await
            .is_err()
    );
    // Somebody with the file can take the triggers away.
    sqlx::query("DROP TRIGGER leaves_never_change")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::query("UPDATE leaves SET body = replace(body, 'test', 'tesl') WHERE number = 1")
        .execute(&mut raw)
        .await
        .unwrap();
    assert!(matches!(
        scene.vault.audit_access_log().await,
        Err(VaultError::AccessLogTampered)
    ));
    sqlx::query("UPDATE leaves SET body = replace(body, 'tesl', 'test')")
        .execute(&mut raw)
        .await
        .unwrap();
    scene.vault.audit_access_log().await.unwrap();
    scene.vault.close().await;
    for statement in [
        "DROP TRIGGER leaves_never_go",
        "DELETE FROM leaves WHERE number = 2",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    drop(raw);
    let config = scene.config();
    let Scene { directory, vault } = scene;
    drop(vault);
    assert!(matches!(
        ensoex_vault::Vault::open(config).await,
        Err(VaultError::AccessLogTampered)
    ));
    drop(directory);
}

#[tokio::test]
async fn many_readers_share_the_log() {
    let scene = Scene::new().await;
    let subject = scene.subject_with_email("ada@example.org").await;
    let before = scene.vault.access_log_head().size;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let vault = scene.vault.clone();
        readers.spawn(async move {
            vault
                .read::<Email, ProvideService, _>(&subject, None, &service(), String::len)
                .await
                .unwrap()
        });
    }
    while let Some(length) = readers.join_next().await {
        assert_eq!(length.unwrap(), 15);
    }
    assert_eq!(scene.vault.access_log_head().size, before + 64);
    scene.vault.audit_access_log().await.unwrap();
}

#[tokio::test]
async fn a_lease_is_one_entry_and_ends_with_its_value() {
    let scene = Scene::new().await;
    let vault = &scene.vault;
    let subject = vault.create_subject(&service()).await.unwrap();
    let secret = || Personal::new(b"secret".to_vec());
    let lease = async |seconds| {
        vault
            .lease::<ApiKeySecret, ProvideService>(&subject, Some("k"), &service(), seconds)
            .await
    };
    for record in ["k", "other"] {
        vault
            .store::<ApiKeySecret>(&subject, Some(record), secret(), &service())
            .await
            .unwrap();
    }
    assert!(matches!(lease(0).await, Err(VaultError::InvalidLease { .. })));
    assert!(matches!(lease(901).await, Err(VaultError::InvalidLease { .. })));

    let open = lease(900).await.unwrap();
    let entries = vault.access_log_head().size;
    for _ in 0..10 {
        assert_eq!(open.expose(Vec::len).unwrap(), 6);
    }
    assert_eq!(vault.access_log_head().size, entries);
    assert_eq!(
        vault.recent_accesses(&subject, 1).await.unwrap()[0].lease_seconds,
        Some(900)
    );

    vault
        .remove::<ApiKeySecret>(&subject, Some("other"), &service())
        .await
        .unwrap();
    assert!(!open.is_over());
    vault
        .store::<ApiKeySecret>(&subject, Some("k"), secret(), &service())
        .await
        .unwrap();
    assert!(open.expose(Vec::len).is_err());
    let open = lease(900).await.unwrap();
    vault
        .remove::<ApiKeySecret>(&subject, Some("k"), &service())
        .await
        .unwrap();
    assert!(open.is_over());
    vault
        .store::<ApiKeySecret>(&subject, Some("k"), secret(), &service())
        .await
        .unwrap();
    let (open, short) = (lease(900).await.unwrap(), lease(1).await.unwrap());
    assert!(!short.is_over());
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert!(short.is_over());
    assert!(!open.is_over());
    vault.erase(&subject, &service()).await.unwrap();
    assert!(open.is_over());
}

/// A log that was written with a row for each hash is, after the change of its layout, the same log.
#[tokio::test]
async fn the_hashes_of_an_older_layout_move_into_their_leaves() {
    let mut raw = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let [first, second] = ACCESS_LOG.migrations else {
        panic!("two layouts")
    };
    sqlx::raw_sql(first.sqlite).execute(&mut raw).await.unwrap();
    let (mut frontier, mut expected) = (Frontier::default(), Vec::new());
    for number in 0..21_i64 {
        sqlx::query("INSERT INTO leaves (number, subject, body) VALUES ($1, x'00', $2)")
            .bind(number)
            .bind(number.to_string())
            .execute(&mut raw)
            .await
            .unwrap();
        let mut hashes = Vec::new();
        for (node, hash) in frontier.append(merkle::leaf_hash(number.to_string().as_bytes())) {
            assert_eq!(node.last_leaf(), Some(number as u64));
            sqlx::query("INSERT INTO nodes (level, position, hash) VALUES ($1, $2, $3)")
                .bind(i64::from(node.level))
                .bind(node.position as i64)
                .bind(&hash[..])
                .execute(&mut raw)
                .await
                .unwrap();
            hashes.extend(hash);
        }
        expected.push(hashes);
    }
    sqlx::raw_sql(second.sqlite).execute(&mut raw).await.unwrap();
    let moved: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hashes FROM leaves ORDER BY number")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert_eq!(moved, expected);
    let change = sqlx::query("UPDATE leaves SET body = ''").execute(&mut raw).await;
    assert!(change.is_err(), "the log is append-only as before");
}
