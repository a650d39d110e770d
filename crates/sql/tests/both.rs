//! The same code means the same in an SQLite file and in a PostgreSQL schema.

mod support;

use ensoex_pg_test::Cluster;
use ensoex_sql::{
    Address, Database, Migration, Query, SqlError, Store, Table, Transaction, Value, statements,
};
use std::sync::Arc;
use support::USUAL;
use tempfile::TempDir;

statements! {
    STATEMENTS;
    ADD = "INSERT INTO notes (id, title, body, pinned, at) VALUES ($1, $2, $3, $4, $5)";
    ONE = "SELECT * FROM notes WHERE id = $1";
    COUNT = "SELECT COUNT(*) FROM notes";
    HIGHEST = "SELECT MAX(id) FROM notes";
    TITLES = "SELECT title FROM notes ORDER BY title";
    RENAME = "UPDATE notes SET title = $1 WHERE id = $2 RETURNING id";
    DROP_ALL = "DELETE FROM notes";
    TICK = "UPDATE counter SET value = value + 1 WHERE id = 1";
    READ_COUNTER = "SELECT value FROM counter WHERE id = 1";
    SET_COUNTER = "UPDATE counter SET value = $1 WHERE id = 1";
    CLOCK = sqlite "SELECT unixepoch()", postgres "SELECT EXTRACT(EPOCH FROM now())::BIGINT";
    family FOUND = found_examples;
}

statements! {
    WRONG;
    NO_SUCH_COLUMN = "SELECT nonsense FROM notes";
}

fn found(title: Option<&str>, id: Option<i64>) -> Query {
    let mut query = FOUND.begin("SELECT id FROM notes WHERE 1 = 1");
    if let Some(title) = title {
        query.push(" AND title = ").bind(title);
    }
    if let Some(id) = id {
        query.push(" AND id >= ").bind(id);
    }
    query.build()
}

/// Leaves out the form with both.
fn found_examples() -> Vec<Query> {
    vec![found(None, None), found(Some("a"), None), found(None, Some(1))]
}

const NOTES: &[Migration] = &[
    Migration {
        version: 1,
        name: "notes",
        sqlite: "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, body BLOB, pinned INTEGER NOT NULL,
                 at INTEGER) STRICT",
        postgres: "CREATE TABLE notes (id BIGINT PRIMARY KEY, title TEXT COLLATE \"C\" NOT NULL UNIQUE, body BYTEA,
                   pinned BIGINT NOT NULL, at BIGINT)",
    },
    Migration {
        version: 2,
        name: "counter",
        sqlite: "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
                 INSERT INTO counter (id, value) VALUES (1, 0)",
        postgres: "CREATE TABLE counter (id BIGINT PRIMARY KEY, value BIGINT NOT NULL);
                   INSERT INTO counter (id, value) VALUES (1, 0)",
    },
];

const NOTES_STORE: Store = Store {
    migrations: NOTES,
    statements: &[&STATEMENTS],
    ..USUAL
};
static STORE: Store = NOTES_STORE;
static HASTY: Store = Store {
    busy_ms_max: 50,
    ..NOTES_STORE
};
static WRONG_STORE: Store = Store {
    statements: &[&STATEMENTS, &WRONG],
    ..NOTES_STORE
};

/// A file and, unless it is said to be absent, a PostgreSQL schema.
struct Both {
    addresses: Vec<Address>,
    _directory: TempDir,
    _cluster: Option<Cluster>,
}

impl Both {
    fn new() -> Both {
        let directory = tempfile::tempdir().unwrap();
        let cluster = Cluster::start();
        let mut addresses = vec![Address::file(directory.path().join("notes.db"))];
        if let Some(cluster) = &cluster {
            addresses.push(Address::postgres(cluster.url(), "notes").unwrap());
        }
        Both {
            addresses,
            _directory: directory,
            _cluster: cluster,
        }
    }
}

fn note(id: i64, title: &str) -> Query {
    let body: &[u8] = &[0, 1, 255];
    ADD.bind(id).bind(title).bind(body).bind(true).bind(None::<i64>)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_databases_mean_the_same() {
    let both = Both::new();
    for address in &both.addresses {
        let database = Database::open(address, &STORE).await.unwrap();
        values_come_back(&database).await;
        what_is_composed_is_listed(&database).await;
        a_failed_transaction_is_not_kept(&database).await;
        a_snapshot_shows_one_moment_and_is_not_written(&database).await;
        writers_wait_for_one_another(&database).await;
        unlocked_readers_and_writers_lose_updates(address, &database).await;
        tables_are_read_in_pages(&database).await;
        opened_again(address, database).await;
    }
}

async fn values_come_back(database: &Database) {
    database.execute(note(1, "ä")).await.unwrap();
    let row = database.fetch_one(ONE.bind(1)).await.unwrap();
    assert_eq!(row.get::<i64>("id").unwrap(), 1);
    assert_eq!(row.get::<&str>("title").unwrap(), "ä");
    assert_eq!(row.get::<Vec<u8>>("body").unwrap(), [0, 1, 255]);
    assert!(row.flag("pinned").unwrap());
    assert_eq!(row.get::<Option<i64>>("at").unwrap(), None);
    assert!(row.get::<i64>("at").is_err(), "nothing is no number");
    assert!(row.get::<i64>("title").is_err(), "a text is no number");
    assert!(row.get::<i64>("missing").is_err());
    let values = row.values().unwrap();
    let bytes = Value::Bytes(vec![0, 1, 255]);
    let expected = [1.into(), "ä".into(), bytes, 1.into(), Value::NoInteger];
    assert_eq!(values, expected);
    let again = database.execute(note(1, "b")).await.unwrap_err();
    assert!(again.is_unique_violation() && !again.is_unavailable(), "{again}");
    let zero = database.execute(note(2, "a\0b")).await.unwrap_err();
    assert!(matches!(zero, SqlError::ZeroByte));
    assert!(database.fetch_value::<i64>(CLOCK).await.unwrap() > 1_700_000_000);
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    let renamed = database.fetch_optional_value::<i64>(RENAME.bind("Z").bind(1));
    assert_eq!(renamed.await.unwrap(), Some(1));
    database.execute(note(2, "a")).await.unwrap();
    let titles = database.fetch_all(TITLES).await.unwrap();
    let titles: Vec<String> = titles.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(titles, ["Z", "a"], "text sorts by its bytes");
    assert_eq!(database.execute(DROP_ALL).await.unwrap(), 2);
    assert_eq!(database.fetch_value::<Option<i64>>(HIGHEST).await.unwrap(), None);
    assert!(database.fetch_optional(ONE.bind(1)).await.unwrap().is_none());
    database.flush().await.unwrap();
}

async fn what_is_composed_is_listed(database: &Database) {
    assert!(database.fetch_all(found(None, Some(1))).await.unwrap().is_empty());
    let unlisted = database.fetch_all(found(Some("a"), Some(1))).await;
    assert!(matches!(
        unlisted,
        Err(SqlError::Unlisted { family: "FOUND", .. })
    ));
}

async fn a_failed_transaction_is_not_kept(database: &Database) {
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(note(1, "a")).await.unwrap();
    assert!(transaction.execute(note(1, "b")).await.is_err());
    let after = transaction.execute(note(2, "c")).await;
    assert!(matches!(after, Err(SqlError::Aborted { .. })));
    assert!(matches!(
        transaction.commit().await,
        Err(SqlError::Aborted { .. })
    ));
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 0);

    let mut dropped = database.begin().await.unwrap();
    dropped.execute(note(1, "a")).await.unwrap();
    drop(dropped);
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 0);

    let mut kept = database.begin().await.unwrap();
    kept.execute(note(1, "a")).await.unwrap();
    assert_eq!(kept.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    kept.commit().await.unwrap();
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 1);
}

async fn a_snapshot_shows_one_moment_and_is_not_written(database: &Database) {
    let mut snapshot = database.snapshot().await.unwrap();
    assert_eq!(snapshot.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    database.execute(note(2, "b")).await.unwrap();
    assert_eq!(snapshot.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    let written = snapshot.execute(note(3, "c")).await;
    assert!(matches!(written, Err(SqlError::ReadOnly { .. })));
    drop(snapshot);
    assert_eq!(database.fetch_value::<i64>(COUNT).await.unwrap(), 2);
}

/// Each reads a number and writes the next one; single statements go between.
async fn writers_wait_for_one_another(database: &Database) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let mut transaction = database.begin().await.unwrap();
                    count_up(&mut transaction).await;
                    transaction.commit().await.unwrap();
                    database.execute(TICK).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(database.fetch_value::<i64>(READ_COUNTER).await.unwrap(), 160);
}

async fn count_up(transaction: &mut Transaction) {
    let value: i64 = transaction.fetch_value(READ_COUNTER).await.unwrap();
    tokio::task::yield_now().await;
    transaction.execute(SET_COUNTER.bind(value + 1)).await.unwrap();
}

/// Positive control of the test above: without the transaction the same steps lose an update.
async fn unlocked_readers_and_writers_lose_updates(address: &Address, database: &Database) {
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let before: i64 = database.fetch_value(READ_COUNTER).await.unwrap();
    let steps = |_| {
        let (database, barrier) = (database.clone(), barrier.clone());
        async move {
            let value: i64 = database.fetch_value(READ_COUNTER).await.unwrap();
            barrier.wait().await;
            database.execute(SET_COUNTER.bind(value + 1)).await.unwrap();
        }
    };
    tokio::join!(steps(0), steps(1));
    assert_eq!(
        database.fetch_value::<i64>(READ_COUNTER).await.unwrap(),
        before + 1
    );

    // One that waits for a writer gives up in time, and its connection is as good as before.
    let hasty = Database::open(address, &HASTY).await.unwrap();
    let held = database.begin().await.unwrap();
    for _ in 0..10 {
        assert!(hasty.begin().await.is_err());
        assert!(hasty.execute(TICK).await.is_err());
        assert_eq!(hasty.fetch_value::<i64>(READ_COUNTER).await.unwrap(), before + 1);
    }
    drop(held);
    hasty.execute(TICK).await.unwrap();
    hasty.close().await;
}

async fn tables_are_read_in_pages(database: &Database) {
    for id in 3..10 {
        database.execute(note(id, &format!("title {id}"))).await.unwrap();
    }
    let tables = Table::all(&STORE).await.unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["counter", "notes"]);
    let notes = &tables[1];
    assert_eq!(notes.columns, ["id", "title", "body", "pinned", "at"]);
    let mut snapshot = database.snapshot().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = notes
            .rows_after(&mut snapshot, after.as_deref(), 4)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(vec![last[0].clone()]);
        seen.extend(page.into_iter().map(|row| row[0].clone()));
    }
    assert_eq!(seen, (1..10).map(Value::from).collect::<Vec<_>>());
}

async fn opened_again(address: &Address, database: Database) {
    database.close().await;
    let reader = Database::open_read_only(address, &STORE).await.unwrap();
    assert_eq!(reader.fetch_value::<i64>(COUNT).await.unwrap(), 9);
    assert!(
        reader.execute(DROP_ALL).await.is_err(),
        "it was opened for reading"
    );
    reader.close().await;
    Database::remove(address, &STORE).await.unwrap();
    Database::remove(address, &STORE).await.unwrap();
    let fresh = Database::open(address, &STORE).await.unwrap();
    assert_eq!(fresh.fetch_value::<i64>(COUNT).await.unwrap(), 0);
    fresh.close().await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_is_found_on_both() {
    let both = Both::new();
    for address in &both.addresses {
        let right = Database::open(address, &STORE).await.unwrap();
        assert_eq!(right.check_statements().await, Ok(14));
        right.close().await;
        let wrong = Database::open(address, &WRONG_STORE).await.unwrap();
        let found = wrong.check_statements().await.unwrap_err();
        assert!(
            matches!(&found[..], [one] if one.starts_with("NO_SUCH_COLUMN: ")),
            "{found:?}"
        );
        assert!(wrong.fetch_all(NO_SUCH_COLUMN).await.is_err());
        wrong.close().await;
    }
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let absent = Address::file(directory.path().join("absent.db"));
    assert!(Database::open_read_only(&absent, &STORE).await.is_err());
    let nonsense = Address::postgres("nonsense", "notes").unwrap();
    let refused = Database::open(&nonsense, &STORE).await.unwrap_err();
    assert!(
        refused.to_string().contains("postgres://user@host/database"),
        "{refused}"
    );
}
