//! The network to PostgreSQL is cut: whatever was asked ends with an error that says so, and everything works again once the
//! network does.

mod support;

use ensoex_pg_test::{Cluster, Network, Proxy};
use ensoex_sql::{Address, Database, Migration, SqlError, Store, statements};
use support::USUAL;

statements! {
    STATEMENTS;
    ADD = "INSERT INTO notes (id) VALUES ($1)";
    COUNT = "SELECT COUNT(*) FROM notes";
}

static STORE: Store = Store {
    migrations: &[Migration {
        version: 1,
        name: "notes",
        sqlite: "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
        postgres: "CREATE TABLE notes (id BIGINT PRIMARY KEY)",
    }],
    statements: &[&STATEMENTS],
    connections_max: 2,
    busy_ms_max: 500,
    answer_ms_max: 1_000,
    ..USUAL
};

async fn count(database: &Database) -> Result<i64, SqlError> {
    database.fetch_value(COUNT).await
}

/// It says how long it waited, and that it may be asked again.
fn assert_silent<T: std::fmt::Debug>(result: Result<T, SqlError>) {
    let error = result.expect_err("the network is cut");
    assert!(error.to_string().contains("no answer within"), "{error}");
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_is_not_waited_for_and_is_replaced() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let proxy = Proxy::start(cluster.server()).await;
    let address = Address::postgres(proxy.url(&cluster.url()), "cut").unwrap();
    let database = Database::open(&address, &STORE).await.unwrap();
    database.execute(ADD.bind(1_i64)).await.unwrap();
    assert_eq!(
        count(&database).await.unwrap(),
        1,
        "control: the network is whole"
    );

    // A statement and one within a transaction, of which nothing is kept.
    let mut write = database.begin().await.unwrap();
    write.execute(ADD.bind(2_i64)).await.unwrap();
    let mut snapshot = database.snapshot().await.unwrap();
    assert_eq!(snapshot.fetch_value::<i64>(COUNT).await.unwrap(), 1);
    proxy.set(Network::Silent);
    assert_silent(write.execute(ADD.bind(3_i64)).await);
    assert_silent(snapshot.fetch_value::<i64>(COUNT).await);
    assert!(matches!(write.commit().await, Err(SqlError::Aborted { .. })));
    drop(snapshot);
    proxy.set(Network::Whole);
    // Both connections are replaced: as many transactions at once as there may be, and nothing of the one before.
    let (first, second) = (
        database.snapshot().await.unwrap(),
        database.snapshot().await.unwrap(),
    );
    drop((first, second));
    database.execute(ADD.bind(4_i64)).await.unwrap();
    assert_eq!(count(&database).await.unwrap(), 2);

    // A commit whose answer is lost is never a plain failure.
    let mut write = database.begin().await.unwrap();
    write.execute(ADD.bind(5_i64)).await.unwrap();
    proxy.set(Network::AnswersLost);
    let unknown = write.commit().await.expect_err("its answer is lost");
    assert!(matches!(unknown, SqlError::OutcomeUnknown { .. }), "{unknown}");
    assert!(unknown.to_string().contains("no answer within"), "{unknown}");
    proxy.set(Network::Whole);
    assert_eq!(count(&database).await.unwrap(), 3, "it stood");

    // Idle connections are asked first whether they still work.
    proxy.set(Network::Silent);
    assert!(count(&database).await.is_err());
    proxy.set(Network::Whole);
    assert_eq!(count(&database).await.unwrap(), 3);
}
