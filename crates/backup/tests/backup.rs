//! Backups proven by restoring them: to the end, to any moment, under load, after an interruption; and what is missing, altered,
//! swapped or sealed to somebody else is found.

use ensoex_backup::{
    Backup, BackupError, BackupStore, Identity, Moment, ObjectStorage, Recipients, keys, new_identity,
    restore,
};
use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_exchange::{At, Exchange, LogAddress, replay, verify};
use ensoex_types::{AccountId, Amount, AssetId, AssetSpec, Sequence, Timestamp, TransferId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::path::{Path, PathBuf};

/// A Service's folder with an exchange and its other files, a store, and an identity.
struct Setting {
    kept: tempfile::TempDir,
    recipients: Recipients,
    identity: Identity,
}

impl Setting {
    async fn new() -> Setting {
        let kept = tempfile::tempdir().unwrap();
        let file = kept.path().join("identity.txt");
        let recipient = new_identity(&file).unwrap();
        let setting = Setting {
            recipients: Recipients::read(&[recipient]).unwrap(),
            identity: Identity::read(&file).unwrap(),
            kept,
        };
        let service = setting.service();
        std::fs::create_dir_all(service.join("policy")).unwrap();
        std::fs::create_dir_all(service.join("keys")).unwrap();
        std::fs::write(service.join("policy").join("versions.jsonl"), "one\n").unwrap();
        std::fs::write(service.join("keys").join("root.key"), "the root key").unwrap();
        note(&service.join("service.db"), "first").await;
        note(&service.join("keys").join("vault-keys.db"), "a subject's key").await;
        setting
    }

    fn service(&self) -> PathBuf {
        self.kept.path().join("service")
    }

    fn place(&self, name: &str) -> PathBuf {
        self.kept.path().join(name)
    }

    fn store(&self, name: &str) -> BackupStore {
        BackupStore::open(self.place(name).to_str().unwrap(), &ObjectStorage::default()).unwrap()
    }

    async fn exchange(&self) -> Exchange {
        Exchange::open(&self.service().join("exchange")).await.unwrap()
    }

    async fn backup(&self) -> Backup {
        Backup::open(
            &self.service(),
            None,
            self.store("store"),
            self.recipients.clone(),
        )
        .await
        .unwrap()
    }

    async fn restored(&self, name: &str, moment: Moment) -> Result<ensoex_backup::Restored, BackupError> {
        restore(
            &self.store("store"),
            &self.identity,
            &self.place(name),
            moment,
            None,
        )
        .await
    }
}

async fn database(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    options.connect().await.unwrap()
}

/// Adds a line to a database that has a write-ahead log.
async fn note(path: &Path, line: &str) {
    let mut connection = database(path).await;
    sqlx::query("CREATE TABLE IF NOT EXISTS notes (line TEXT)")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query("INSERT INTO notes VALUES ($1)")
        .bind(line)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn notes(path: &Path) -> Vec<String> {
    let mut connection = database(path).await;
    sqlx::query_scalar("SELECT line FROM notes ORDER BY rowid")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

fn first() -> Vec<Command> {
    let spec = AssetSpec {
        code: "EUR".to_owned(),
        scale: 8,
    };
    let account = AccountId(1_000);
    vec![
        Command::ListAsset {
            asset: AssetId(0),
            spec,
        },
        Command::OpenAccount { account },
    ]
}

fn fund(id: u128) -> Command {
    Command::Transfer(Transfer {
        transfer: TransferId(id),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: AccountId(1_000),
        asset: AssetId(0),
        amount: Amount(7),
        code: TransferCode::Capital,
    })
}

async fn fund_all(exchange: &Exchange, ids: std::ops::Range<u128>) {
    for id in ids {
        assert!(exchange.submit(fund(id)).await.unwrap().reject().is_none());
    }
}

fn hash(exchange: &Exchange) -> [u8; 32] {
    exchange.read(|engine| engine.state_hash())
}

#[tokio::test]
async fn what_is_restored_is_what_was_there() {
    let setting = Setting::new().await;
    let exchange = setting.exchange().await;
    exchange.submit_all(first()).await.unwrap();
    fund_all(&exchange, 1..20).await;
    let mut backup = setting.backup().await;
    let full = backup.take(false).await.unwrap().unwrap();
    assert_eq!(
        (full.number, full.full, full.last.0, full.commands),
        (1, true, 21, 21)
    );
    assert_eq!(backup.take(false).await.unwrap(), None, "nothing came");
    note(&setting.service().join("service.db"), "second").await;
    fund_all(&exchange, 20..40).await;
    // Another process goes on where the first one ended.
    let mut backup = setting.backup().await;
    let added = backup.take(false).await.unwrap().unwrap();
    assert_eq!(
        (added.number, added.full, added.last.0, added.commands),
        (2, false, 41, 20)
    );

    let restored = setting.restored("restored", Moment::Latest).await.unwrap();
    assert_eq!(
        (restored.generation, restored.files_of, restored.last.0),
        (2, 1, 41)
    );
    assert_eq!(restored.chain, added.chain);
    let to = setting.place("restored");
    assert_eq!(
        notes(&to.join("service.db")).await,
        ["first"],
        "as it was when it was copied"
    );
    assert_eq!(
        std::fs::read_to_string(to.join("policy/versions.jsonl")).unwrap(),
        "one\n"
    );
    assert!(!to.join("keys").exists() && !to.join("exchange/projections.db").exists());
    let again = Exchange::open(&to.join("exchange")).await.unwrap();
    assert_eq!(hash(&again), hash(&exchange));
    fund_all(&again, 40..42).await;
    let report = verify(to.join("exchange").as_path()).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    // What was restored has a history of its own from here on: it is not mixed with the one in the store.
    fund_all(&exchange, 50..52).await;
    backup.take(true).await.unwrap();
    let other = Backup::open(&to, None, setting.store("store"), setting.recipients.clone()).await;
    assert!(matches!(other.err(), Some(BackupError::AnotherLog(Sequence(43)))));
    // And nothing is restored over something.
    let over = setting.restored("restored", Moment::Latest).await;
    assert!(matches!(over, Err(BackupError::NotEmpty(_))), "{over:?}");
}

#[tokio::test]
async fn every_moment_can_be_restored() {
    let setting = Setting::new().await;
    let exchange = setting.exchange().await;
    exchange.submit_all(first()).await.unwrap();
    let mut backup = setting.backup().await;
    for (round, full) in [true, false, false, true, false].into_iter().enumerate() {
        let from = 1 + round as u128 * 5;
        fund_all(&exchange, from..from + 5).await;
        note(&setting.service().join("service.db"), &format!("round {round}")).await;
        backup.take(full).await.unwrap().unwrap();
    }
    let end = exchange.read(|engine| engine.sequence());
    let log = |service: PathBuf| LogAddress::Sqlite(service.join("exchange/log.db"));
    let living = log(setting.service());
    for sequence in (2..=end.0).map(Sequence) {
        let then = replay::engine_at(&living, At::Sequence(sequence)).await.unwrap();
        let names = [format!("by-sequence-{sequence}"), format!("by-time-{sequence}")];
        for (name, moment) in names
            .iter()
            .zip([Moment::Sequence(sequence), Moment::Time(then.at)])
        {
            let restored = setting.restored(name, moment).await.unwrap();
            assert_eq!((restored.last, restored.at), (sequence, then.at));
            // The databases are never ahead of the log, once there is a copy that is not.
            assert!(restored.files_of == 1 && sequence.0 < 22 || restored.files_of == 4 && sequence.0 >= 22);
            let there = replay::engine_at(&log(setting.place(name)), At::Sequence(sequence))
                .await
                .unwrap();
            assert_eq!(there.engine.state_hash(), then.engine.state_hash());
        }
    }
    let beyond = setting
        .restored("beyond", Moment::Sequence(Sequence(end.0 + 1)))
        .await;
    assert!(
        matches!(beyond, Err(BackupError::BeyondLast(last)) if last == end),
        "{beyond:?}"
    );
    for early in [Moment::Sequence(Sequence(0)), Moment::Time(Timestamp(1))] {
        let early = setting.restored("early", early).await;
        assert!(matches!(early, Err(BackupError::BeforeFirst(_))), "{early:?}");
    }
    assert!(
        !setting.place("early").exists(),
        "a restore that failed leaves nothing"
    );
}

/// Every object of the store.
fn objects(store: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["manifests", "log", "files"] {
        for entry in std::fs::read_dir(store.join(folder)).unwrap() {
            found.push(entry.unwrap().path());
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn whatever_is_wrong_with_a_backup_is_found() {
    let setting = Setting::new().await;
    let exchange = setting.exchange().await;
    exchange.submit_all(first()).await.unwrap();
    let mut backup = setting.backup().await;
    for round in 0..3 {
        fund_all(&exchange, 1 + round * 5..6 + round * 5).await;
        backup.take(false).await.unwrap().unwrap();
    }
    let store = setting.place("store");
    let all = objects(&store);
    // Three manifests, three segments, two files.
    assert_eq!(all.len(), 8, "{all:?}");
    for (index, object) in all.iter().enumerate() {
        let whole = std::fs::read(object).unwrap();
        let is_newest_manifest = index == all.len() - 1;
        for place in [0, whole.len() / 2, whole.len() - 1] {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            std::fs::write(object, &altered).unwrap();
            let found = setting.restored("altered", Moment::Latest).await;
            // A byte of the newest manifest's free text is all that only its printed hash can tell.
            match found {
                Err(
                    BackupError::Altered { .. } | BackupError::Manifest { .. } | BackupError::Chain { .. },
                ) => {}
                Ok(ref restored) if is_newest_manifest => assert_ne!(restored.chain, "", "{restored:?}"),
                other => panic!("{} at {place}: {other:?}", object.display()),
            }
            let _gone = std::fs::remove_dir_all(setting.place("altered"));
        }
        std::fs::write(object, &whole[..whole.len() / 2]).unwrap();
        let cut = setting.restored("cut", Moment::Latest).await;
        assert!(cut.is_err(), "{} cut off: {cut:?}", object.display());
        std::fs::remove_file(object).unwrap();
        let missing = setting.restored("missing", Moment::Latest).await;
        match missing {
            Err(BackupError::Missing { .. }) => {}
            // Without its newest manifest a store is the one of a generation before: only who knows how far it went can tell.
            Ok(ref restored) if is_newest_manifest => assert_eq!(restored.generation, 2),
            other => panic!("{} removed: {other:?}", object.display()),
        }
        let _gone = std::fs::remove_dir_all(setting.place("missing"));
        std::fs::write(object, &whole).unwrap();
    }
    let segments: Vec<&PathBuf> = all
        .iter()
        .filter(|object| object.parent().unwrap().ends_with("log"))
        .collect();
    let (one, two) = (
        std::fs::read(segments[0]).unwrap(),
        std::fs::read(segments[1]).unwrap(),
    );
    std::fs::write(segments[0], &two).unwrap();
    std::fs::write(segments[1], &one).unwrap();
    let swapped = setting.restored("swapped", Moment::Latest).await;
    assert!(matches!(swapped, Err(BackupError::Altered { .. })), "{swapped:?}");
    std::fs::write(segments[0], &one).unwrap();
    std::fs::write(segments[1], &two).unwrap();

    let stranger = setting.place("stranger.txt");
    new_identity(&stranger).unwrap();
    let stranger = Identity::read(&stranger).unwrap();
    let closed = restore(
        &setting.store("store"),
        &stranger,
        &setting.place("closed"),
        Moment::Latest,
        None,
    )
    .await;
    assert!(matches!(closed, Err(BackupError::Unseal { .. })), "{closed:?}");
    let nothing = restore(
        &setting.store("empty"),
        &setting.identity,
        &setting.place("nothing"),
        Moment::Latest,
        None,
    )
    .await;
    assert!(matches!(nothing, Err(BackupError::Nothing)), "{nothing:?}");
    // The control: put back as it was, all of it holds.
    let restored = setting.restored("whole", Moment::Latest).await.unwrap();
    assert_eq!((restored.generation, restored.last.0), (3, 17));
    for folder in ["altered", "cut", "missing", "swapped", "closed", "nothing"] {
        assert!(!setting.place(folder).exists(), "{folder}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_that_is_interrupted_goes_on() {
    let setting = Setting::new().await;
    let exchange = setting.exchange().await;
    exchange.submit_all(first()).await.unwrap();
    let writer = exchange.clone();
    let load = tokio::spawn(async move {
        for run in 0..60_u128 {
            let commands = (0..50).map(|one| fund(1 + run * 50 + one)).collect();
            writer.submit_all(commands).await.unwrap();
        }
    });
    let (mut interrupted, mut taken, mut round) = (0, 0, 0_u32);
    while !load.is_finished() || taken < 3 || interrupted < 3 {
        let mut backup = setting.backup().await;
        // Dropped after as many steps as the round says: objects may lie there without their manifest.
        let mut take = Box::pin(backup.take(round.is_multiple_of(4)));
        let mut left = if round.is_multiple_of(2) {
            u32::MAX
        } else {
            round % 23
        };
        let ended = std::future::poll_fn(|context| {
            if left == 0 {
                return std::task::Poll::Ready(None);
            }
            left -= 1;
            take.as_mut().poll(context).map(Some)
        });
        match ended.await {
            // What was dropped may still have finished in the background: then this one was too late.
            None | Some(Err(BackupError::Raced(_))) => interrupted += 1,
            Some(ended) => taken += u32::from(ended.unwrap().is_some()),
        }
        round += 1;
        assert!(round < 10_000, "{taken} {interrupted}");
    }
    load.await.unwrap();
    std::fs::write(
        setting.place("store/log/00000000000000000001-00000000000000000002-9.age"),
        "half",
    )
    .unwrap();
    setting.backup().await.take(false).await.unwrap();
    let restored = setting.restored("restored", Moment::Latest).await.unwrap();
    assert_eq!(restored.last, exchange.read(|engine| engine.sequence()));
    let again = Exchange::open(&setting.place("restored").join("exchange"))
        .await
        .unwrap();
    assert_eq!(hash(&again), hash(&exchange));
}

#[tokio::test]
async fn keys_of_erased_subjects_are_in_no_backup() {
    let setting = Setting::new().await;
    let exchange = setting.exchange().await;
    exchange.submit_all(first()).await.unwrap();
    let (service, mirror) = (setting.service(), setting.store("mirror"));
    assert_eq!(
        keys::back_up(&service, None, &mirror, &setting.recipients)
            .await
            .unwrap(),
        2
    );
    let mut store = database(&service.join("keys/vault-keys.db")).await;
    sqlx::query("DELETE FROM notes")
        .execute(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
    // The control: the backup before the erasure still has the key; the one after it has not, and is the only one.
    let keys_of = async |name: &str| {
        let to = setting.place(name);
        keys::restore(&setting.store("mirror"), &setting.identity, &to)
            .await
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(to.join("keys/root.key")).unwrap(),
            "the root key"
        );
        notes(&to.join("keys/vault-keys.db")).await
    };
    assert_eq!(keys_of("before").await, ["a subject's key"]);
    keys::back_up(&service, None, &mirror, &setting.recipients)
        .await
        .unwrap();
    assert!(keys_of("after").await.is_empty());
    let left: Vec<_> = std::fs::read_dir(setting.place("mirror/keys")).unwrap().collect();
    assert_eq!(left.len(), 1, "one generation");

    // Never in one place: with the history beside them, old generations of keys would be as good as the history itself.
    let beside = Backup::open(
        &service,
        None,
        setting.store("mirror"),
        setting.recipients.clone(),
    )
    .await;
    assert!(matches!(beside.err(), Some(BackupError::HistoryBesideKeys)));
    setting.backup().await.take(true).await.unwrap();
    let beside = keys::back_up(&service, None, &setting.store("store"), &setting.recipients).await;
    assert!(
        matches!(beside, Err(BackupError::KeysBesideHistory)),
        "{beside:?}"
    );
    // And the history holds neither folder nor content of theirs, not even for who can open it.
    setting.restored("history", Moment::Latest).await.unwrap();
    assert!(!setting.place("history").join("keys").exists());
}
