//! A start from a snapshot is a start from the log, only shorter; a snapshot that does not hold is passed over.

mod common;

use common::{MARKET, bars, config, opened, traded};
use ensoex_exchange::{
    Exchange, ExchangeConfig, ExchangeError, KEPT, MarketData, SnapshotHeader, SnapshotSchedule, replay,
    take_snapshot, verify,
};
use ensoex_log::LogAddress;
use ensoex_types::{MarketId, Sequence};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What does not come about within this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a restart must bring back.
fn seen(exchange: &Exchange) -> ([u8; 32], MarketData) {
    (
        exchange.read(|engine| engine.state_hash()),
        exchange.market_data(MarketData::clone),
    )
}

async fn snapshot(directory: &Path) -> Result<(PathBuf, SnapshotHeader), ExchangeError> {
    take_snapshot(directory, &LogAddress::Sqlite(directory.join("log.db"))).await
}

fn snapshots(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory.join("snapshots"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "snapshot"));
    found.sort();
    found
}

fn wrong(report: &ensoex_exchange::VerifyReport) -> Vec<&'static str> {
    let wrong = report.findings.iter().filter(|found| found.wrong.is_some());
    wrong.map(|found| found.name).collect()
}

const SNAPSHOTS_HOLD: &str = "each snapshot equal to the replay at its sequence";

#[tokio::test]
async fn a_start_from_a_snapshot_gives_the_same_state() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = traded(directory.path()).await;
    let (path, header) = snapshot(directory.path()).await.unwrap();
    assert!(path.ends_with(format!("snapshots/{:020}.snapshot", header.sequence.0)));
    assert_eq!(header.state_hash, exchange.read(|engine| engine.state_hash()));
    bars(&exchange, 20).await;
    let before = seen(&exchange);
    assert!(
        !before.1.recent_trades(MARKET, 10).is_empty(),
        "control: there is market data"
    );
    drop(exchange);
    let again = Exchange::start(config(directory.path())).await.unwrap();
    assert_eq!(seen(&again), before);
    // The next commands mean the same.
    bars(&again, 5).await;
    let report = verify(config(directory.path())).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    let mut replayed = ensoex_engine::Engine::new();
    replay::replay(&directory.path().join("log.db"), &mut replayed)
        .await
        .unwrap();
    assert_eq!(replayed.state_hash(), again.read(|engine| engine.state_hash()));
}

#[tokio::test]
async fn a_damaged_snapshot_falls_back_to_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = traded(directory.path()).await;
    snapshot(directory.path()).await.unwrap();
    bars(&exchange, 3).await;
    snapshot(directory.path()).await.unwrap();
    bars(&exchange, 3).await;
    let before = seen(&exchange);
    drop(exchange);
    let newest = snapshots(directory.path()).pop().unwrap();
    let whole = fs::read(&newest).unwrap();
    let mut damages: Vec<Vec<u8>> = Vec::new();
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        damages.push(altered);
        damages.push(whole[..place].to_vec());
    }
    damages.push([whole.as_slice(), b"more"].concat());
    for damaged in damages {
        fs::write(&newest, &damaged).unwrap();
        let report = verify(config(directory.path())).await.unwrap();
        assert_eq!(wrong(&report), [SNAPSHOTS_HOLD], "every damage is found");
        let exchange = Exchange::start(config(directory.path())).await.unwrap();
        assert_eq!(seen(&exchange), before);
    }
    // All of them damaged: the log alone will do.
    for path in snapshots(directory.path()) {
        fs::write(path, b"EnsoSnap").unwrap();
    }
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    assert_eq!(seen(&exchange), before);
    drop(exchange);
    fs::write(&newest, &whole).unwrap();
    let other = snapshots(directory.path()).remove(0);
    fs::remove_file(other).unwrap();
    assert!(
        verify(config(directory.path())).await.unwrap().holds(),
        "control: whole again"
    );
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_passed_over() {
    let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let exchange = traded(ours.path()).await;
    let before = seen(&exchange);
    drop(exchange);
    // As many commands, but stamped at other times and by another hand.
    drop(traded(other.path()).await);
    let (foreign, _) = snapshot(other.path()).await.unwrap();
    let folder = ours.path().join("snapshots");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(&foreign, folder.join(foreign.file_name().unwrap())).unwrap();
    let exchange = Exchange::start(config(ours.path())).await.unwrap();
    assert_eq!(seen(&exchange), before);
    assert_eq!(
        wrong(&verify(config(ours.path())).await.unwrap()),
        [SNAPSHOTS_HOLD]
    );
}

#[tokio::test]
async fn projections_that_are_behind_a_snapshot_catch_up() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    snapshot(directory.path()).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let _may_be_absent = fs::remove_file(directory.path().join(format!("projections.db{suffix}")));
    }
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    bars(&exchange, 3).await;
    drop(exchange);
    let report = verify(config(directory.path())).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_running_exchange_takes_snapshots_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots_often = SnapshotSchedule {
        commands: 10,
        ..SnapshotSchedule::default()
    };
    let eager = ExchangeConfig {
        snapshots: snapshots_often,
        ..config(directory.path())
    };
    drop(opened(directory.path()).await);
    let exchange = Exchange::start(eager).await.unwrap();
    let mut taken = Vec::new();
    while taken.len() < KEPT + 2 {
        bars(&exchange, 5).await;
        let last = exchange.last_snapshot().map(|last| last.sequence);
        if let Some(last) = last.filter(|last| taken.last() != Some(last)) {
            taken.push(last);
        }
        tokio::task::yield_now().await;
    }
    assert!(taken.is_sorted());
    // Another one may just have been written, and the oldest not be removed yet.
    let removed = async {
        while snapshots(directory.path()).len() != KEPT {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let removed = tokio::time::timeout(PATIENCE, removed).await;
    assert!(removed.is_ok(), "the oldest are removed");
    let report = verify(config(directory.path())).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}

#[tokio::test]
async fn an_empty_log_has_no_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    drop(Exchange::start(config(directory.path())).await.unwrap());
    assert!(snapshot(directory.path()).await.is_err());
    assert_eq!(snapshots(directory.path()), Vec::<PathBuf>::new());
    let empty = Exchange::start(config(directory.path())).await.unwrap();
    assert_eq!(empty.read(|engine| engine.sequence()), Sequence(0));
    assert_eq!(empty.market_data(|data| data.prevented_matches(MarketId(0))), 0);
}
