//! A store is copied as of one moment, whatever is written meanwhile, between files and PostgreSQL; never over something.

mod support;

use ensoex_pg_test::Cluster;
use ensoex_sql::{Address, Database, Migration, SqlError, Store, Transaction, copy, statements};
use support::USUAL;

statements! {
    STATEMENTS;
    ADD_LEFT = "INSERT INTO a_left (id, right_id, note, bytes, number) VALUES ($1, $1, $2, $3, $4)";
    ADD_RIGHT = "INSERT INTO b_right (id) VALUES ($1)";
    ALL_LEFT = "SELECT id, note, bytes, number FROM a_left ORDER BY id";
    COUNT_LEFT = "SELECT count(*) FROM a_left";
    COUNT_RIGHT = "SELECT count(*) FROM b_right";
}

/// The first table in the order of names refers to the second.
static STORE: Store = Store {
    migrations: &[Migration {
        version: 1,
        name: "both",
        sqlite: "CREATE TABLE b_right (id INTEGER PRIMARY KEY) STRICT;
                 CREATE TABLE a_left (id INTEGER PRIMARY KEY, right_id INTEGER NOT NULL REFERENCES b_right (id), note TEXT,
                 bytes BLOB, number INTEGER) STRICT",
        postgres: "CREATE TABLE b_right (id BIGINT PRIMARY KEY);
                   CREATE TABLE a_left (id BIGINT PRIMARY KEY, right_id BIGINT NOT NULL REFERENCES b_right (id),
                   note TEXT COLLATE \"C\", bytes BYTEA, number BIGINT)",
    }],
    statements: &[&STATEMENTS],
    ..USUAL
};

/// One row in each table, together.
async fn add(database: &Database, ids: std::ops::Range<i64>) {
    let mut transaction = database.begin().await.unwrap();
    for id in ids {
        add_one(&mut transaction, id).await;
    }
    transaction.commit().await.unwrap();
}

async fn add_one(transaction: &mut Transaction, id: i64) {
    let some = id % 2 == 0;
    transaction.execute(ADD_RIGHT.bind(id)).await.unwrap();
    let left = ADD_LEFT
        .bind(id)
        .bind(some.then(|| format!("нотатка {id}")))
        .bind(some.then(|| vec![0_u8, 255, 7]))
        .bind(some.then_some(-id));
    transaction.execute(left).await.unwrap();
}

type Left = (i64, Option<String>, Option<Vec<u8>>, Option<i64>);

async fn all(address: &Address) -> Vec<Left> {
    let database = Database::open_read_only(address, &STORE).await.unwrap();
    let rows = database.fetch_all(ALL_LEFT).await.unwrap();
    database.close().await;
    let read = |row: &ensoex_sql::Row| {
        let get = |place: usize| row.get(place);
        (
            row.get(0).unwrap(),
            row.get(1).unwrap(),
            row.get(2).unwrap(),
            get(3).unwrap(),
        )
    };
    rows.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment_and_holds_every_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Address::file(folder.path().join(name));
    let mut ways = vec![(file("source"), file("copy"), file("back"))];
    let cluster = Cluster::start();
    if let Some(cluster) = &cluster {
        let schema = |name: &str| Address::postgres(cluster.url(), name).unwrap();
        ways.push((schema("source"), file("from_postgres"), schema("back")));
    }
    for (source, first, back) in ways {
        let database = Database::open(&source, &STORE).await.unwrap();
        // More than are read at once.
        add(&database, 0..1_500).await;
        let writer = database.clone();
        let writing = tokio::spawn(async move {
            for id in 1_500..1_700 {
                add(&writer, id..id + 1).await;
            }
        });
        let rows = copy(&source, &first, &STORE).await.unwrap();
        writing.await.unwrap();
        let copied = Database::open_read_only(&first, &STORE).await.unwrap();
        let left: i64 = copied.fetch_value(COUNT_LEFT).await.unwrap();
        let right: i64 = copied.fetch_value(COUNT_RIGHT).await.unwrap();
        copied.close().await;
        assert_eq!(
            (left, right * 2),
            (right, i64::try_from(rows).unwrap()),
            "{source:?}"
        );
        assert!((1_500..=1_700).contains(&left), "{left}");

        copy(&first, &back, &STORE).await.unwrap();
        let (expected, found) = (all(&first).await, all(&back).await);
        assert_eq!(expected, found);
        assert_eq!(found[1], (1, None, None, None));
        assert_eq!(
            found[2],
            (2, Some("нотатка 2".to_owned()), Some(vec![0, 255, 7]), Some(-2))
        );
        let over = copy(&first, &back, &STORE).await;
        assert!(matches!(over, Err(SqlError::NotEmpty { .. })), "{over:?}");
        assert_eq!(all(&back).await, expected, "and nothing was changed");
        database.close().await;
    }
}
