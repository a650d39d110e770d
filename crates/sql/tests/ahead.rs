//! The write-ahead log of an SQLite file: writers come in turn, it stays short beside them, and it can be emptied.

mod support;

use ensoex_sql::{Address, Database, Migration, Store, statements};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::USUAL;
use tempfile::TempDir;

statements! {
    STATEMENTS;
    PUT = "INSERT INTO pages (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    COUNT = "SELECT count(*) FROM pages";
    FORGET = "DELETE FROM pages WHERE id = $1";
}

static STORE: Store = Store {
    migrations: &[Migration {
        version: 1,
        name: "pages",
        sqlite: "CREATE TABLE pages (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        postgres: "CREATE TABLE pages (id BIGINT PRIMARY KEY, body BYTEA NOT NULL)",
    }],
    statements: &[&STATEMENTS],
    overwrite_deleted: true,
    ..USUAL
};

const MEBIBYTE: u64 = 1 << 20;

async fn opened() -> (TempDir, PathBuf, Database) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pages.db");
    let database = Database::open(&Address::file(&path), &STORE).await.unwrap();
    (directory, path, database)
}

fn ahead_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// Each asks while the one before it has not begun. SQLite alone lets whoever tries at the right moment go first.
#[tokio::test]
async fn writers_come_in_the_order_in_which_they_asked() {
    let (_directory, _path, database) = opened().await;
    let first = database.begin().await.unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for number in 0..12_i64 {
        let (database, done) = (database.clone(), Arc::clone(&done));
        waiting.push(tokio::spawn(async move {
            // Single statements and transactions wait for one another.
            if number % 2 == 0 {
                database.execute(PUT.bind(number).bind(vec![0; 8])).await.unwrap();
            } else {
                let mut transaction = database.begin().await.unwrap();
                transaction
                    .execute(PUT.bind(number).bind(vec![0; 8]))
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
            }
            done.lock().unwrap().push(number);
        }));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(done.lock().unwrap().is_empty(), "control: all wait for the first");
    let reading = tokio::time::timeout(Duration::from_secs(1), database.fetch_value::<i64>(COUNT));
    assert_eq!(reading.await.unwrap().unwrap(), 0, "who reads waits for nobody");
    drop(first);
    for one in waiting {
        one.await.unwrap();
    }
    assert_eq!(*done.lock().unwrap(), (0..12).collect::<Vec<_>>());
}

/// Much more is written than the write-ahead log holds at any time, while somebody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_short_beside_writers_and_readers() {
    let (_directory, path, database) = opened().await;
    let reader = database.clone();
    let reading = tokio::spawn(async move {
        loop {
            reader.fetch_value::<i64>(COUNT).await.unwrap();
        }
    });
    let (mut longest, mut written) = (0, 0);
    for round in 0..2_000_i64 {
        let body = vec![round as u8; 48 << 10];
        written += body.len() as u64;
        database.execute(PUT.bind(round % 64).bind(body)).await.unwrap();
        longest = longest.max(length(&ahead_of(&path)));
    }
    assert!(written > 90 * MEBIBYTE, "control: {written} bytes were written");
    assert!(
        longest > 4 * MEBIBYTE,
        "control: the writers copied nothing themselves, or it were shorter"
    );
    assert!(longest < 64 * MEBIBYTE, "{longest} bytes");
    reading.abort();
    let few = database.fetch_value::<i64>(COUNT).await.unwrap();
    assert_eq!(few, 64);
    database.close().await;
    assert_eq!(length(&ahead_of(&path)), 0, "nothing is left behind");
}

/// One large change is copied soon, and not after many small ones.
#[tokio::test]
async fn a_large_change_is_copied_without_waiting_for_others() {
    let (_directory, path, database) = opened().await;
    let mut transaction = database.begin().await.unwrap();
    for id in 0..400_i64 {
        transaction
            .execute(PUT.bind(id).bind(vec![7; 48 << 10]))
            .await
            .unwrap();
    }
    let before = length(&path);
    transaction.commit().await.unwrap();
    for _ in 0..1_000 {
        if length(&path) > before + 16 * MEBIBYTE {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was copied");
}

/// What was deleted stands neither in the file nor in the write-ahead log, however long a reader of an older moment held that up.
#[tokio::test]
async fn a_flush_waits_for_readers_of_older_moments_and_not_for_ever() {
    let (_directory, path, database) = opened().await;
    let canary = b"canary-of-a-deleted-row";
    database.execute(PUT.bind(1).bind(canary.to_vec())).await.unwrap();
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(canary.len()).any(|window| window == canary)
    };
    let mut older = database.snapshot().await.unwrap();
    assert_eq!(older.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    database.execute(FORGET.bind(1)).await.unwrap();
    let held_up = tokio::time::timeout(Duration::from_millis(300), database.flush()).await;
    assert!(held_up.is_err(), "control: it cannot be emptied yet");
    assert!(holds(&ahead_of(&path)), "control: there it stands");
    let flushing = tokio::spawn({
        let database = database.clone();
        async move { database.flush().await }
    });
    // Meanwhile others write.
    for id in 2..20 {
        let writing = database.execute(PUT.bind(id).bind(vec![1; 8]));
        let written = tokio::time::timeout(Duration::from_secs(2), writing).await;
        written.expect("a flush that waits lets others write").unwrap();
    }
    drop(older);
    flushing.await.unwrap().unwrap();
    assert!(!holds(&path) && !holds(&ahead_of(&path)));
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 18);
}
