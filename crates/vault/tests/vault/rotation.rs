//! Renewing keys: everything opens as before, the old keys open nothing any more, and a stop at any moment loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use ensoex_vault::{
    AccessReport, ApiKeySecret, Email, KeyHandover, Layer, MobilePhone, Personal, ProvideService, Reason,
    ReportError, RotationState, SubjectId, Vault, VaultConfig, VaultError, verify_access_report,
};

use crate::announced::{PHONE, held_person, ordered};
use crate::erasure::key_store_has;
use crate::{Scene, config, request, service, text};

fn rotation() -> ensoex_vault::AccessRequest {
    request(
        ensoex_vault::Actor::component("key-rotation").unwrap(),
        Reason::KeyRotation,
    )
}

/// Some subjects with values of every kind of field that a rotation treats in its own way.
async fn filled(vault: &Vault, subjects: usize) -> BTreeMap<SubjectId, usize> {
    let mut filled = BTreeMap::new();
    for number in 0..subjects {
        let subject = vault.create_subject(&service()).await.unwrap();
        let email = text(&format!("person{number}@example.org"));
        vault.claim::<Email>(&subject, email, &service()).await.unwrap();
        let phone = text(&format!("+3804412{number:05}"));
        vault
            .claim::<MobilePhone>(&subject, phone, &service())
            .await
            .unwrap();
        let secret = Personal::new(vec![number as u8; 32]);
        let record = Some("key-1");
        vault
            .store::<ApiKeySecret>(&subject, record, secret, &service())
            .await
            .unwrap();
        filled.insert(subject, number);
    }
    filled
}

/// Somebody who was erased while law held their phone number, and a honeytoken.
async fn held_and_nobody(scene: &Scene) -> SubjectId {
    let erased = held_person(scene).await;
    scene.vault.erase(&erased, &service()).await.unwrap();
    let registering = service();
    let made = scene.vault.make_honeytokens(1, "mail.example", &registering);
    made.await.unwrap();
    erased
}

async fn holds(vault: &Vault, filled: &BTreeMap<SubjectId, usize>) {
    let request = service();
    for (subject, number) in filled {
        let email = format!("person{number}@example.org");
        let read = vault.read::<Email, ProvideService, _>(subject, None, &request, String::clone);
        assert_eq!(read.await.unwrap(), email);
        let found = vault.find::<Email>(&text(&email), &service()).await.unwrap();
        assert_eq!(found, Some(*subject));
        let phone = text(&format!("+3804412{number:05}"));
        let found = vault.find::<MobilePhone>(&phone, &service()).await.unwrap();
        assert_eq!(found, Some(*subject));
        let secret = vault
            .read::<ApiKeySecret, ProvideService, _>(subject, Some("key-1"), &service(), Vec::clone)
            .await
            .unwrap();
        assert_eq!(secret, vec![*number as u8; 32]);
    }
}

/// Every sealed key, tag, anchor or value that a rotation of this layer replaces.
async fn replaced(scene: &Scene, layer: Layer) -> Vec<Vec<u8>> {
    let (file, select) = match layer {
        Layer::Root | Layer::Purposes => (
            "vault-keys.db",
            "SELECT sealed FROM service_keys WHERE name LIKE 'purpose/%'",
        ),
        Layer::Subjects => ("vault-keys.db", "SELECT sealed FROM subject_keys"),
        Layer::Values => ("vault.db", "SELECT sealed FROM records"),
        Layer::Indexes => ("vault.db", "SELECT tag FROM blind_index WHERE exact = 1"),
        Layer::Anchors => ("vault-keys.db", "SELECT mac FROM anchors"),
        Layer::Heads => (
            "vault-keys.db",
            "SELECT sealed FROM service_keys WHERE name LIKE 'access-log%'",
        ),
        Layer::Held => ("vault-keys.db", "SELECT sealed FROM held_values"),
        Layer::Honeytokens => ("vault-keys.db", "SELECT sealed FROM honeytokens"),
    };
    sqlx::query_scalar(select)
        .fetch_all(&mut scene.raw(file).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_layer_is_renewed_and_everything_opens_as_before() {
    let mut scene = Scene::new().await;
    let filled = filled(&scene.vault, 5).await;
    let erased = held_and_nobody(&scene).await;
    for layer in Layer::ALL {
        let before = replaced(&scene, layer).await;
        Vault::ask_rotations(&scene.config(), &[layer]).await.unwrap();
        let asked = Vault::rotations(&scene.config()).await.unwrap();
        let asked = asked.iter().find(|rotation| rotation.layer == layer).unwrap();
        assert_eq!(asked.state, RotationState::Asked);

        assert_eq!(scene.vault.rotate(&rotation()).await.unwrap(), 1, "{layer:?}");
        let done = Vault::rotations(&scene.config()).await.unwrap();
        let done = done.iter().find(|rotation| rotation.layer == layer).unwrap();
        assert_eq!(done.state, RotationState::Done);
        let renewed = match layer {
            Layer::Root => 0,
            Layer::Purposes | Layer::Subjects | Layer::Values | Layer::Anchors => 18,
            Layer::Indexes => 12,
            Layer::Heads | Layer::Held | Layer::Honeytokens => 1,
        };
        assert_eq!(done.renewed, renewed, "{layer:?}");
        let after = replaced(&scene, layer).await;
        assert_eq!(after.len(), before.len(), "{layer:?}");
        assert!(before.iter().all(|old| !after.contains(old)), "{layer:?}");

        holds(&scene.vault, &filled).await;
        scene = scene.reopened().await;
        holds(&scene.vault, &filled).await;
        assert_eq!(
            scene.vault.rotate(&rotation()).await.unwrap(),
            0,
            "nothing is left to do"
        );
    }
    assert_eq!(scene.vault.honeytokens(), 1);
    assert_eq!(ordered(&scene, &erased).await.unwrap(), PHONE);
    // Uniqueness held through it all.
    let other = scene.vault.create_subject(&service()).await.unwrap();
    let taken = scene
        .vault
        .claim::<Email>(&other, text("PERSON3@example.org"), &service())
        .await;
    assert!(matches!(taken, Err(VaultError::ValueTaken)));
}

/// Mechanism: `crates/vault/src/vault/rotating.rs`
/// Control: before the rotation all of them are found.
#[tokio::test]
async fn clause_09_old_keys_are_nowhere_after_a_rotation() {
    let scene = Scene::new().await;
    let filled = filled(&scene.vault, 3).await;
    let erased = held_and_nobody(&scene).await;
    let old_root = fs::read(scene.path("root.key")).unwrap();
    let mut old = Vec::new();
    let in_key_store = |layer: &Layer| ![Layer::Values, Layer::Indexes].contains(layer);
    for layer in Layer::ALL.into_iter().filter(in_key_store) {
        old.extend(replaced(&scene, layer).await);
    }
    let shares: Vec<Vec<u8>> = sqlx::query_scalar("SELECT share FROM anchors")
        .fetch_all(&mut scene.raw("vault-keys.db").await)
        .await
        .unwrap();
    old.extend(shares);
    assert!(
        old.iter().all(|key| key_store_has(&scene, key)),
        "they are there before"
    );

    Vault::ask_rotations(&scene.config(), &Layer::ALL).await.unwrap();
    assert_eq!(
        scene.vault.rotate(&rotation()).await.unwrap(),
        Layer::ALL.len() as u64
    );
    let left = old.iter().filter(|key| key_store_has(&scene, key)).count();
    assert_eq!(left, 0, "of {}", old.len());
    assert_ne!(fs::read(scene.path("root.key")).unwrap(), old_root);
    holds(&scene.vault, &filled).await;
    assert_eq!(ordered(&scene, &erased).await.unwrap(), PHONE);

    // Whoever kept the old root key opens nothing with it.
    scene.vault.close().await;
    fs::write(scene.path("root.key"), old_root).unwrap();
    let config = scene.config();
    let Scene {
        directory: _kept,
        vault,
    } = scene;
    drop(vault);
    assert!(matches!(Vault::open(config).await, Err(VaultError::RootKeyWrong)));
}

fn take(scene: &Scene, stolen: &tempfile::TempDir, directory: &str, files: &[&str]) {
    fs::create_dir_all(stolen.path().join(directory)).unwrap();
    for file in files {
        for suffix in ["", "-wal"] {
            let name = format!("{file}{suffix}");
            let from = scene.path(file).with_file_name(&name);
            if from.exists() {
                fs::copy(&from, stolen.path().join(directory).join(name)).unwrap();
            }
        }
    }
}

/// Root key and key store, stolen before a rotation, open nothing of what is stored after it.
///
/// Mechanism: `crates/vault/src/vault/rotating.rs`
/// Control: before the rotation they open everything.
#[tokio::test]
async fn clause_09_keys_stolen_before_a_rotation_open_nothing_after_it() {
    let scene = Scene::new().await;
    let filled = filled(&scene.vault, 2).await;
    let (subject, _) = filled.iter().find(|(_, number)| **number == 0).unwrap();
    let (before, after) = (
        tempfile::TempDir::new().unwrap(),
        tempfile::TempDir::new().unwrap(),
    );
    for stolen in [&before, &after] {
        take(&scene, stolen, "keys", &["vault-keys.db", "root.key"]);
    }
    let read = async |stolen| {
        take(&scene, stolen, "data", &["vault.db", "access-log.db"]);
        let vault = Vault::open(config(stolen)).await.unwrap();
        let request = service();
        let read = vault
            .read::<Email, ProvideService, _>(subject, None, &request, String::clone)
            .await;
        vault.close().await;
        read
    };
    assert_eq!(
        read(&before).await.unwrap(),
        "person0@example.org",
        "before the rotation they open everything"
    );
    Vault::ask_rotations(&scene.config(), &[Layer::Values])
        .await
        .unwrap();
    scene.vault.rotate(&rotation()).await.unwrap();
    assert!(matches!(read(&after).await, Err(VaultError::Integrity)));
    holds(&scene.vault, &filled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_go_on_during_a_rotation() {
    let scene = Scene::new().await;
    let filled = filled(&scene.vault, 12).await;
    let going = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let mut people = tokio::task::JoinSet::new();
    for (subject, number) in filled.clone() {
        let (vault, going) = (scene.vault.clone(), going.clone());
        people.spawn(async move {
            let mut rounds = 0;
            while going.load(std::sync::atomic::Ordering::Relaxed) {
                holds(&vault, &BTreeMap::from([(subject, number)])).await;
                let email = text(&format!("person{number}@example.org"));
                vault.claim::<Email>(&subject, email, &service()).await.unwrap();
                rounds += 1;
            }
            rounds
        });
    }
    Vault::ask_rotations(&scene.config(), &Layer::ALL).await.unwrap();
    assert_eq!(
        scene.vault.rotate(&rotation()).await.unwrap(),
        Layer::ALL.len() as u64
    );
    going.store(false, std::sync::atomic::Ordering::Relaxed);
    while let Some(rounds) = people.join_next().await {
        assert!(rounds.unwrap() > 0);
    }
    let scene = scene.reopened().await;
    holds(&scene.vault, &filled).await;
}

/// Set for the process that is killed: the vault's folder.
const CHILD: &str = "ENSOEX_ROTATION_CHILD";
/// How often a process is killed; `ENSOEX_ROTATION_KILLS` says otherwise.
const KILLS: u32 = 12;

#[tokio::test]
async fn a_rotation_that_was_killed_goes_on() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let directory = std::path::PathBuf::from(directory);
        let config = VaultConfig::files(directory.join("data"), directory.join("keys"));
        let vault = Vault::open(config.clone()).await.unwrap();
        loop {
            vault.rotate(&rotation()).await.unwrap();
            Vault::ask_rotations(&config, &Layer::ALL).await.unwrap();
        }
    }
    let scene = Scene::new().await;
    let filled = filled(&scene.vault, 20).await;
    let erased = held_and_nobody(&scene).await;
    let first_key = scene.vault.access_log_public_key();
    scene.vault.close().await;
    let Scene { directory, vault } = scene;
    drop(vault);
    let kills = std::env::var("ENSOEX_ROTATION_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    let mut interrupted = 0;
    for kill in 0..kills.unwrap_or(KILLS) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "rotation::a_rotation_that_was_killed_goes_on"])
            .env(CHILD, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Another moment each time, and none that repeats with the length of a layer.
        tokio::time::sleep(Duration::from_millis(150 + u64::from(kill * 37 % 211))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let vault = Vault::open(config(&directory)).await.unwrap();
        let rotations = Vault::rotations(&config(&directory)).await.unwrap();
        let running = |rotation: &ensoex_vault::Rotation| rotation.state == RotationState::Running;
        interrupted += u32::from(rotations.iter().any(running));
        holds(&vault, &filled).await;
        vault.audit_access_log().await.unwrap();
        vault.access_log_head().verify(Some(&first_key)).unwrap();
        assert_eq!(vault.honeytokens(), 1);
        vault.close().await;
    }
    assert!(interrupted > 0, "no rotation was under way when it was killed");
    let vault = Vault::open(config(&directory)).await.unwrap();
    vault.rotate(&rotation()).await.unwrap();
    let rotations = Vault::rotations(&config(&directory)).await.unwrap();
    assert!(
        rotations
            .iter()
            .all(|rotation| rotation.state == RotationState::Done)
    );
    holds(&vault, &filled).await;
    let scene = Scene { directory, vault };
    assert_eq!(ordered(&scene, &erased).await.unwrap(), PHONE);
}

type Change = dyn Fn(&mut Vec<KeyHandover>);

async fn rotate_heads(scene: &Scene) -> Result<u64, VaultError> {
    Vault::ask_rotations(&scene.config(), &[Layer::Heads])
        .await
        .unwrap();
    scene.vault.rotate(&rotation()).await
}

/// A person who kept the key of long ago verifies what the newest key signed, offline; the old keys are gone.
/// Mechanism: `crates/vault/src/key_store/head_keys.rs`
/// Control: with a hand-over missing, changed or of another key, the same report is refused.
#[tokio::test]
async fn clause_11_heads_of_every_key_are_verified_offline() {
    let scene = Scene::new().await;
    let ada = scene.subject_with_email("ada@example.org").await;
    let mut keys = vec![scene.vault.access_log_public_key()];
    let report = async |scene: &Scene| {
        let report = scene.vault.access_report(&ada).await.unwrap();
        serde_json::to_vec(&report).unwrap()
    };
    let first = report(&scene).await;
    for _ in 0..2 {
        assert_eq!(rotate_heads(&scene).await.unwrap(), 1);
        keys.push(scene.vault.access_log_public_key());
    }
    let scene = scene.reopened().await;
    assert_eq!(
        scene.vault.access_log_public_key(),
        keys[2],
        "also after a restart"
    );
    let newest = report(&scene).await;
    for key in &keys {
        verify_access_report(&newest, Some(key)).unwrap();
    }
    verify_access_report(&first, Some(&keys[0])).unwrap();
    let stranger = verify_access_report(&newest, Some(&[7; 32]));
    assert!(matches!(stranger, Err(ReportError::Untrusted)));

    let changed = |change: &Change| {
        let mut report: AccessReport = serde_json::from_slice(&newest).unwrap();
        change(&mut report.head.handovers);
        let report = serde_json::to_vec(&report).unwrap();
        verify_access_report(&report, Some(&keys[0])).map(|_| ())
    };
    assert!(changed(&|_| {}).is_ok(), "control");
    assert!(matches!(changed(&Vec::clear), Err(ReportError::Untrusted)));
    let broken: [&Change; 6] = [
        &|handovers| drop(handovers.pop()),
        &|handovers| handovers.swap(0, 1),
        &|handovers| handovers[0].next_public_key = handovers[1].next_public_key.clone(),
        &|handovers| handovers[1].size += 1,
        &|handovers| handovers[1].root = "00".repeat(32),
        &|handovers| handovers[1].signature = handovers[0].signature.clone(),
    ];
    for (number, change) in broken.into_iter().enumerate() {
        assert!(
            matches!(changed(change), Err(ReportError::Handover)),
            "change {number}"
        );
    }

    // Each key was announced by an entry before it signed anything.
    let announced: Vec<String> =
        sqlx::query_scalar("SELECT body FROM leaves WHERE body LIKE '%\"renew\"%' ORDER BY number")
            .fetch_all(&mut scene.raw("access-log.db").await)
            .await
            .unwrap();
    assert_eq!(announced.len(), 2);
    let head = scene.vault.access_log_head();
    for ((leaf, handover), key) in announced.iter().zip(&head.handovers).zip(&keys[1..]) {
        assert!(leaf.contains(&KeyHandover::announcement(key)), "{leaf}");
        let leaf: ensoex_vault::AccessLeaf = serde_json::from_str(leaf).unwrap();
        assert!(leaf.index < handover.size);
    }
}

/// Stopped between the entry and the hand-over, the old key goes on signing until the rotation goes on.
#[tokio::test]
async fn a_key_that_was_not_handed_over_to_signs_nothing() {
    let scene = Scene::new().await;
    scene.subject_with_email("ada@example.org").await;
    let old = scene.vault.access_log_public_key();
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON head_handovers BEGIN SELECT RAISE(ABORT, 'no room'); END";
    scene.execute("vault-keys.db", broken).await;
    assert!(matches!(rotate_heads(&scene).await, Err(VaultError::Storage(_))));
    let scene = scene.reopened().await;
    let head = scene.vault.access_log_head();
    assert_eq!((head.public_key, head.handovers.len()), (hex::encode(old), 0));
    scene.execute("vault-keys.db", "DROP TRIGGER broken").await;
    assert_eq!(scene.vault.rotate(&rotation()).await.unwrap(), 1);
    let head = scene.vault.access_log_head();
    head.verify(Some(&old)).unwrap();
    assert_ne!(head.public_key, hex::encode(old), "control: now the new one does");
}
