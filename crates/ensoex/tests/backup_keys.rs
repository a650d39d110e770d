//! An erasure starts a backup of the keys at once: with the identity in hand, each file of the backups is opened and searched for the
//! erased subject's keys.

use ensoex_backup::{
    Backup, BackupStore, Identity, Moment, ObjectStorage, Recipients, keys, new_identity, restore,
};
use ensoex_cli::backup_keys::{Keeping, KeysKeeper, Pace};
use ensoex_exchange::Exchange;
use ensoex_vault::{
    AccessRequest, Actor, Email, Personal, PolicyVersion, ProvideService, Reason, SubjectId, Vault,
    VaultConfig, VaultError,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Never within a test.
const NEVER: Duration = Duration::from_secs(100_000);
/// What does not come about within this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

struct Setting {
    kept: tempfile::TempDir,
    recipients: Recipients,
    identity: Identity,
    vault: Vault,
    config: VaultConfig,
}

impl Setting {
    async fn new() -> Setting {
        let kept = tempfile::tempdir().unwrap();
        let file = kept.path().join("identity.txt");
        let recipient = new_identity(&file).unwrap();
        let service = kept.path().join("service");
        drop(Exchange::open(&service.join("exchange")).await.unwrap());
        let config = VaultConfig::files(service.join("vault"), service.join("keys"));
        Setting {
            recipients: Recipients::read(&[recipient]).unwrap(),
            identity: Identity::read(&file).unwrap(),
            vault: Vault::open(config.clone()).await.unwrap(),
            config,
            kept,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.kept.path().join(name)
    }

    fn store(&self, name: &str) -> BackupStore {
        BackupStore::open(self.path(name).to_str().unwrap(), &ObjectStorage::default()).unwrap()
    }

    /// Keeps the keys in the folder `mirror`, and stores them by nothing but what the pace says.
    fn keep(&self, pace: Pace) -> Keeping {
        let keeper = KeysKeeper {
            service: self.path("service"),
            database: None,
            store: self.store("mirror"),
            recipients: self.recipients.clone(),
            pace,
        };
        keeper.start(&self.config.key_changes)
    }

    async fn history(&self) {
        let service = self.path("service");
        let backup = Backup::open(&service, None, self.store("history"), self.recipients.clone());
        backup.await.unwrap().take(true).await.unwrap();
    }

    async fn subject(&self, email: &str) -> Person {
        let subject = self.vault.create_subject(&request()).await.unwrap();
        let email = Personal::new(email.to_owned());
        self.vault
            .claim::<Email>(&subject, email, &request())
            .await
            .unwrap();
        let options = SqliteConnectOptions::new().filename(self.path("service/keys/vault-keys.db"));
        let rows = sqlx::query("SELECT sealed FROM subject_keys WHERE subject = $1")
            .bind(&subject.as_bytes()[..])
            .fetch_all(&mut options.connect().await.unwrap())
            .await
            .unwrap();
        let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(keys.len(), 3, "one for each purpose");
        Person { subject, keys }
    }

    /// How many of the person's keys are in any file below the folder, as it lies there or opened with the identity.
    fn found(&self, folder: &str, person: &Person) -> usize {
        let mut contents = Vec::new();
        for file in files(&self.path(folder)) {
            // It may be replaced this very moment.
            let Ok(content) = std::fs::read(&file) else {
                continue;
            };
            if file.extension().is_some_and(|extension| extension == "age") {
                contents.push(self.identity.open("an object", &content).unwrap());
            }
            contents.push(content);
        }
        let is_in = |key: &&Vec<u8>| {
            contents
                .iter()
                .any(|content| memchr::memmem::find(content, key).is_some())
        };
        person.keys.iter().filter(is_in).count()
    }

    /// Waits until so many of the person's keys are in the backup of the keys.
    async fn until_found(&self, count: usize, person: &Person) {
        let looking = async {
            while self.found("mirror", person) != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        assert!(
            found.is_ok(),
            "{} keys, not {count}",
            self.found("mirror", person)
        );
    }
}

struct Person {
    subject: SubjectId,
    keys: Vec<Vec<u8>>,
}

fn request() -> AccessRequest {
    AccessRequest {
        actor: Actor::component("test").unwrap(),
        reason: Reason::Erasure,
        policy_version: PolicyVersion::new("sha256:00").unwrap(),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(|entry| below(entry.unwrap().path())).collect()
}

/// Mechanism: `crates/ensoex/src/backup_keys.rs`
/// Control: the search finds keys where they are, in the sealed object.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clause_09_an_erasure_takes_the_keys_out_of_every_backup_at_once() {
    let setting = Setting::new().await;
    let ada = setting.subject("ada@example.org").await;
    let keeping = setting.keep(Pace {
        new_keys: NEVER,
        anyway: NEVER,
        again: NEVER,
    });
    setting.until_found(3, &ada).await;
    let eve = setting.subject("eve@example.org").await;
    setting.history().await;
    // The control: the search finds keys where they are, in the sealed object, and nothing but an erasure stores them again.
    assert_eq!(
        (setting.found("mirror", &ada), setting.found("mirror", &eve)),
        (3, 0)
    );
    assert_eq!(setting.found("service/keys", &ada), 3);
    assert_eq!(
        (setting.found("history", &ada), setting.found("history", &eve)),
        (0, 0)
    );
    assert!(files(&setting.path("history")).len() > 3);

    setting.vault.erase(&ada.subject, &request()).await.unwrap();
    setting.until_found(0, &ada).await;
    setting.until_found(3, &eve).await;
    setting.history().await;
    for folder in ["history", "service"] {
        assert_eq!(setting.found(folder, &ada), 0, "{folder}");
    }
    assert_eq!(files(&setting.path("mirror")).len(), 1, "and no older object");
    keeping.finish().await;

    // What is left gives those back who were not erased.
    let to = setting.path("restored");
    keys::restore(&setting.store("mirror"), &setting.identity, &to)
        .await
        .unwrap();
    assert_eq!(
        (setting.found("restored", &ada), setting.found("restored", &eve)),
        (0, 3)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_while_the_place_is_away_is_made_good() {
    let setting = Setting::new().await;
    let ada = setting.subject("ada@example.org").await;
    let keeping = setting.keep(Pace {
        new_keys: Duration::ZERO,
        anyway: NEVER,
        again: Duration::from_millis(50),
    });
    setting.until_found(3, &ada).await;
    // New keys are stored soon.
    let eve = setting.subject("eve@example.org").await;
    setting.until_found(3, &eve).await;
    // A file in the folder's place: nothing can be stored.
    let (mirror, aside) = (setting.path("mirror"), setting.path("aside"));
    std::fs::rename(&mirror, &aside).unwrap();
    std::fs::write(&mirror, "in the way").unwrap();
    setting.vault.erase(&ada.subject, &request()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(setting.found("aside", &ada), 3);
    std::fs::remove_file(&mirror).unwrap();
    std::fs::rename(&aside, &mirror).unwrap();
    setting.until_found(0, &ada).await;
    // One that comes last is stored before the end.
    setting.vault.erase(&eve.subject, &request()).await.unwrap();
    keeping.finish().await;
    assert_eq!(setting.found("mirror", &eve), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_keys_open_an_older_history() {
    let setting = Setting::new().await;
    let ada = setting.subject("ada@example.org").await;
    setting.history().await;
    let eve = setting.subject("eve@example.org").await;
    setting.vault.close().await;
    let (service, mirror) = (setting.path("service"), setting.store("mirror"));
    keys::back_up(&service, None, &mirror, &setting.recipients)
        .await
        .unwrap();
    let restored = async |name: &str| {
        let to = setting.path(name);
        restore(
            &setting.store("history"),
            &setting.identity,
            &to,
            Moment::Latest,
            None,
        )
        .await
        .unwrap();
        to
    };
    // The control: to the vault, a log that lost its end is one that was tampered with.
    let plain = restored("plain").await;
    keys::restore(&mirror, &setting.identity, &plain).await.unwrap();
    let config = |folder: &Path| VaultConfig::files(folder.join("vault"), folder.join("keys"));
    let shut = Vault::open(config(&plain)).await.err();
    assert!(matches!(shut, Some(VaultError::AccessLogTampered)), "{shut:?}");

    let to = restored("restored").await;
    let path = |name: &str| setting.path(name).to_str().unwrap().to_owned();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args([
            "restore",
            "keys",
            "--from",
            &path("mirror"),
            "--identity",
            &path("identity.txt"),
            "--to",
            &path("restored"),
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(
        said.contains("entries of the access log came after the backup and are lost"),
        "{said}"
    );
    let vault = Vault::open(config(&to)).await.unwrap();
    let email = async |person: &Person| {
        vault
            .read::<Email, ProvideService, _>(&person.subject, None, &request(), String::clone)
            .await
    };
    assert_eq!(email(&ada).await.unwrap(), "ada@example.org");
    assert!(
        email(&eve).await.is_err(),
        "her keys are there, what they open is not"
    );
    vault.audit_access_log().await.unwrap();
    vault.close().await;
    drop(vault);

    // A log that is not whole in itself stays refused.
    let changed = "UPDATE leaves SET body = replace(body, 'granted', 'denied') WHERE number = 0";
    let folder = setting.path("plain/vault/access-log.db");
    let mut log = SqliteConnectOptions::new()
        .filename(folder)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql("DROP TRIGGER leaves_never_change")
        .execute(&mut log)
        .await
        .unwrap();
    assert_eq!(
        sqlx::query(changed)
            .execute(&mut log)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    let refused = Vault::accept_restored(&config(&plain)).await;
    assert!(
        matches!(refused, Err(VaultError::AccessLogTampered)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_standby_stores_nothing() {
    let setting = Setting::new().await;
    let keeper = KeysKeeper {
        service: setting.path("service"),
        database: None,
        store: setting.store("mirror"),
        recipients: setting.recipients.clone(),
        pace: Pace::default(),
    };
    // Its vault is shut, so nobody tells of changes; its keys may be older than those that are stored.
    let keeping = keeper.start(&ensoex_vault::KeyChanges::default());
    tokio::task::yield_now().await;
    keeping.finish().await;
    assert!(files(&setting.path("mirror")).is_empty());
}
