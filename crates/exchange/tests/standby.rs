//! A standby has the primary's state, takes over by command or when the lease has expired, and the old primary can no longer write.

mod common;

use common::{BUYER, MARKET, bars, first_commands, limit, opened};
use ensoex_engine::Side;
use ensoex_exchange::{
    Exchange, ExchangeConfig, ExchangeError, MarketData, Role, StopReason, SubmitError, verify,
};
use ensoex_log::{AnyLog, LogAddress, Opening, Takeover};
use ensoex_pg_test::Cluster;
use ensoex_types::Sequence;
use std::path::Path;
use std::time::Duration;

const LEASE: Duration = Duration::from_millis(600);

fn state(exchange: &Exchange) -> (Sequence, [u8; 32], MarketData) {
    let (sequence, hash) = exchange.read(|engine| (engine.sequence(), engine.state_hash()));
    (sequence, hash, exchange.market_data(MarketData::clone))
}

fn with_lease(directory: &Path) -> ExchangeConfig {
    let config = ExchangeConfig::new(directory);
    ExchangeConfig {
        opening: Opening {
            lease: Some(LEASE),
            takeover: Takeover::IfLeaseExpired,
            ..config.opening
        },
        ..config
    }
}

/// Waits until the standby has applied this command.
async fn caught_up(standby: &Exchange, sequence: Sequence) {
    while standby.read(|engine| engine.sequence()) < sequence {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn holds(directory: &Path) {
    let report = verify(directory).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_standby_follows_and_records_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let primary = opened(directory.path()).await;
    let standby = Exchange::follow(ExchangeConfig::new(directory.path()))
        .await
        .unwrap();
    let mut feed = standby.feed();
    bars(&primary, 5).await;
    caught_up(&standby, state(&primary).0).await;
    assert_eq!(state(&standby), state(&primary));
    assert!(
        !standby
            .market_data(|data| data.recent_trades(MARKET, 9))
            .is_empty(),
        "control"
    );
    assert!(feed.try_recv().is_ok(), "its streams live");
    assert_eq!(standby.role(), Role::Standby);
    let refused = standby.submit(limit(BUYER, Side::Buy, 1, 1, "")).await.err();
    assert_eq!(refused, Some(SubmitError::LogUnavailable), "nothing was moved");
    assert!(bars_work(&primary).await, "and the primary is not disturbed");
}

async fn bars_work(exchange: &Exchange) -> bool {
    exchange.submit(limit(BUYER, Side::Buy, 1, 1, "")).await.is_ok()
}

#[tokio::test]
async fn a_standby_takes_over_by_command() {
    let directory = tempfile::tempdir().unwrap();
    let primary = opened(directory.path()).await;
    let standby = Exchange::follow(ExchangeConfig::new(directory.path()))
        .await
        .unwrap();
    bars(&primary, 20).await;
    let before = state(&primary);
    let taken_over = standby.take_over().await.unwrap();
    assert_eq!((taken_over.sequence, taken_over.state_hash), (before.0, before.1));
    assert_eq!(state(&standby), before);
    let Role::Primary { epoch } = standby.role() else {
        panic!("it is the primary")
    };
    assert!(matches!(primary.role(), Role::Primary { epoch: old } if old < epoch));
    // The old primary finds out with its next write, and acknowledges nothing.
    let late = primary.submit(limit(BUYER, Side::Buy, 1, 1, "late")).await;
    assert_eq!(late.err(), Some(SubmitError::OutcomeUnknown));
    assert_eq!(primary.stopped().await, StopReason::Fenced);
    drop(primary);
    bars(&standby, 3).await;
    assert!(matches!(standby.take_over().await, Err(ExchangeError::NoStandby)));
    standby.history().entries(BUYER, None, None, 1).await.unwrap();
    drop(standby);
    holds(directory.path()).await;
}

#[tokio::test]
async fn an_idle_primary_that_was_taken_over_stops_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()).await);
    let primary = Exchange::start(with_lease(directory.path())).await.unwrap();
    let standby = Exchange::follow(with_lease(directory.path())).await.unwrap();
    standby.take_over().await.unwrap();
    assert_eq!(
        primary.stopped().await,
        StopReason::Fenced,
        "without a single command"
    );
    assert!(bars_work(&standby).await);
}

#[tokio::test]
async fn a_lease_that_nobody_renews_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()).await);
    // A primary that died: its lease runs, and nobody renews it.
    let opening = Opening {
        takeover: Takeover::Now,
        ..with_lease(directory.path()).opening
    };
    let address = LogAddress::Sqlite(directory.path().join("log.db"));
    let dead = AnyLog::open(&address, &opening).await.unwrap();
    let standby = Exchange::follow(with_lease(directory.path())).await.unwrap();
    assert!(matches!(standby.no_longer_standby().await, Role::Primary { .. }));
    bars(&standby, 3).await;
    drop((dead, standby));
    holds(directory.path()).await;
}

#[tokio::test]
async fn a_lease_that_is_renewed_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()).await);
    let primary = Exchange::start(with_lease(directory.path())).await.unwrap();
    let standby = Exchange::follow(with_lease(directory.path())).await.unwrap();
    let second = Exchange::start(with_lease(directory.path())).await.err().unwrap();
    assert!(second.to_string().contains("lease"), "{second}");
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(standby.role(), Role::Standby);
    assert!(bars_work(&primary).await);
    // An orderly end gives the lease back.
    drop(primary);
    assert!(matches!(standby.no_longer_standby().await, Role::Primary { .. }));
}

#[tokio::test]
async fn the_same_in_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = |directory: &Path| {
        let config = with_lease(directory);
        ExchangeConfig {
            log: cluster.url().parse().unwrap(),
            opening: Opening {
                unsafe_allowed: vec!["synchronous_standby_names".parse().unwrap()],
                ..config.opening
            },
            ..config
        }
    };
    let primary = Exchange::start(config(here.path())).await.unwrap();
    for outcome in primary.submit_all(first_commands()).await.unwrap() {
        assert_eq!(outcome.reject(), None);
    }
    let standby = Exchange::follow(config(there.path())).await.unwrap();
    bars(&primary, 20).await;
    let before = state(&primary);
    let taken_over = standby.take_over().await.unwrap();
    assert_eq!((taken_over.sequence, taken_over.state_hash), (before.0, before.1));
    assert_eq!(primary.stopped().await, StopReason::Fenced);
    bars(&standby, 3).await;
    // Its projections are its own, and complete.
    let entries = standby.history().entries(BUYER, None, None, 1_000).await.unwrap();
    let sold = primary.history().entries(BUYER, None, None, 1_000).await.unwrap();
    assert!(entries.len() > sold.len() && !sold.is_empty());
}
