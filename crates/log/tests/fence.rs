//! The fence suite passes on both databases, and finds a database that does not keep writers apart.

use ensoex_log::fence::{self, FenceError, FenceReport};
use ensoex_log::{AnyLog, LogAddress, Opening, Safeguard, SqliteLog};
use ensoex_pg_test::Cluster;
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

/// Appends of each racer; the command makes 2,000.
const APPENDS: u32 = 200;

fn alone() -> Opening {
    Opening {
        unsafe_allowed: vec![Safeguard::SynchronousStandbyNames],
        ..Opening::default()
    }
}

fn passes(report: &FenceReport) {
    let faults: Vec<_> = report.checks.iter().filter(|check| !check.holds).collect();
    assert!(faults.is_empty(), "{}: {faults:#?}", report.log);
    assert_eq!(report.checks.len(), 18, "{:#?}", report.checks);
}

fn is_caught(report: &FenceReport, name: &str) {
    let check = report
        .checks
        .iter()
        .find(|check| check.name.contains(name))
        .unwrap();
    assert!(!check.holds, "{check:?}");
}

#[tokio::test]
async fn sqlite_passes() {
    let directory = tempfile::tempdir().unwrap();
    let address = LogAddress::Sqlite(directory.path().join("log.db"));
    passes(&fence::run(&address, &alone(), APPENDS).await.unwrap());
    let again = fence::run(&address, &alone(), APPENDS).await;
    assert!(matches!(again, Err(FenceError::NotEmpty(_))), "{again:?}");
}

#[tokio::test]
async fn a_sqlite_whose_epoch_cannot_be_raised_is_caught() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    drop(SqliteLog::open(&path, &alone()).await.unwrap());
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    raw.execute(
        "CREATE TRIGGER broken AFTER UPDATE OF epoch ON head BEGIN UPDATE head SET epoch = OLD.epoch WHERE id = 1; END",
    )
    .await
    .unwrap();
    raw.close().await.unwrap();
    let report = fence::run(&LogAddress::Sqlite(path), &alone(), 20).await.unwrap();
    is_caught(&report, "taken over");
}

#[tokio::test]
async fn postgres_passes_and_a_broken_one_is_caught() {
    let Some(cluster) = Cluster::start() else { return };
    let address: LogAddress = cluster.url().parse().unwrap();
    passes(&fence::run(&address, &alone(), APPENDS).await.unwrap());
    let again = fence::run(&address, &alone(), APPENDS).await;
    assert!(matches!(again, Err(FenceError::NotEmpty(_))), "{again:?}");

    let broken: LogAddress = format!("{}&schema=broken", cluster.url()).parse().unwrap();
    drop(AnyLog::open(&broken, &alone()).await.unwrap());
    let mut raw = PgConnection::connect(&cluster.url()).await.unwrap();
    raw.execute(
        "CREATE FUNCTION broken.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.epoch = OLD.epoch; RETURN NEW; END';
         CREATE TRIGGER broken BEFORE UPDATE ON broken.head FOR EACH ROW EXECUTE FUNCTION broken.keep()",
    )
    .await
    .unwrap();
    let report = fence::run(&broken, &alone(), 20).await.unwrap();
    is_caught(&report, "taken over");
}
