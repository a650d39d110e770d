//! Projections can fail, lag, be lost or be altered: orders go on, the lag is told, and a rebuild puts everything right.

mod common;

use common::{BUYER, SELLER, traded};
use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_exchange::{Exchange, ExchangeConfig, HistoryError, PROJECTIONS, rebuild_projections, verify};
use ensoex_sql::Table;
use ensoex_types::{AccountId, Amount, AssetId, TransferId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor as _};
use std::path::Path;

/// More batches than wait in memory.
const BATCHES: u128 = 4_300;

fn fund(id: u128) -> Command {
    Command::Transfer(Transfer {
        transfer: TransferId(id),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: BUYER,
        asset: AssetId(0),
        amount: Amount(1),
        code: TransferCode::Capital,
    })
}

async fn raw(directory: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(directory.join("projections.db"));
    options.connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_projections_never_hold_up_the_log() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    let exchange = Exchange::open(directory.path()).await.unwrap();
    exchange.history().orders(Default::default()).await.unwrap();
    assert_eq!(
        (
            exchange.projection_lag().commands(),
            exchange.projection_lag().behind.as_nanos()
        ),
        (0, 0)
    );

    let mut lock = raw(directory.path()).await;
    lock.execute("BEGIN IMMEDIATE").await.unwrap();
    for id in 0..BATCHES {
        let outcome = exchange.submit(fund(1_000 + id)).await.unwrap();
        assert_eq!(outcome.reject(), None);
    }
    let lag = exchange.projection_lag();
    assert!(
        u128::from(lag.commands()) == BATCHES && !lag.behind.is_zero(),
        "{lag:?}"
    );
    lock.execute("ROLLBACK").await.unwrap();
    lock.close().await.unwrap();

    // What did not fit in the queue comes from the log.
    loop {
        match exchange.history().entries(BUYER, Some(AssetId(0)), None, 1).await {
            Ok(entries) => {
                let total = exchange.read(|engine| engine.balance(BUYER, AssetId(0)));
                assert_eq!(entries[0].total.0, total.available.0 + total.held.0);
                break;
            }
            Err(HistoryError::Behind) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(exchange.projection_lag().commands(), 0);
    drop(exchange);
    let report = verify(directory.path()).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}

#[tokio::test]
async fn every_table_that_is_lost_or_altered_is_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = traded(directory.path()).await;
    for account in [BUYER, SELLER] {
        for asset in [AssetId(0), AssetId(1)] {
            let days = exchange
                .history()
                .balance_days(account, asset, 0..=u32::MAX)
                .await
                .unwrap();
            let now = exchange.read(|engine| engine.balance(account, asset));
            assert_eq!(days.last().unwrap().total.0, now.available.0 + now.held.0);
        }
    }
    drop(exchange);
    let config = ExchangeConfig::new(directory.path());
    let mut told = Vec::new();
    let whole = rebuild_projections(&config, |rebuilt| told.push(rebuilt))
        .await
        .unwrap();
    assert_eq!((whole.commands, told.last()), (whole.of, Some(&whole)));
    assert!(verify(directory.path()).await.unwrap().holds());
    let mut altered = 0;
    for table in Table::all(&PROJECTIONS).await.unwrap() {
        let mut connection = raw(directory.path()).await;
        let statement = format!("DELETE FROM {}", table.name);
        let deleted = connection.execute(AssertSqlSafe(statement)).await.unwrap();
        connection.close().await.unwrap();
        if deleted.rows_affected() == 0 {
            continue;
        }
        altered += 1;
        // The control: it is seen to be wrong, or cannot even be read.
        let found = verify(directory.path()).await;
        assert!(
            found.is_err() || found.is_ok_and(|report| !report.holds()),
            "{} was emptied",
            table.name
        );
        rebuild_projections(&config, |_| {}).await.unwrap();
        assert!(verify(directory.path()).await.unwrap().holds(), "{}", table.name);
    }
    assert!(altered >= 9, "{altered} tables");
    for file in ["projections.db", "projections.db-wal"] {
        std::fs::write(directory.path().join(file), "no database").unwrap();
    }
    rebuild_projections(&config, |_| {}).await.unwrap();
    assert!(verify(directory.path()).await.unwrap().holds());
}

#[tokio::test]
async fn nothing_is_deleted_where_there_is_no_log() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    std::fs::remove_file(directory.path().join("log.db")).unwrap();
    let rebuilt = rebuild_projections(&ExchangeConfig::new(directory.path()), |_| {}).await;
    assert!(rebuilt.is_err());
    assert!(directory.path().join("projections.db").exists());
}
