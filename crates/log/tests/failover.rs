//! PostgreSQL with a synchronous standby: what is acknowledged survives its primary, and nothing else is acknowledged.
//!
//! `ENSOEX_FAILOVERS=50` makes the number that the project promises; by default it is small.

mod support;

use ensoex_log::{AnyLog, AppendError, CommandLog, Interruption, LogAddress, LogError, Opening, Timings};
use ensoex_pg_test::{Cluster, Pair, Server};
use ensoex_types::Timestamp;
use std::time::Duration;
use support::{Load, all_is_there, alone, count};

/// Waits for long enough that only what a test does ends a wait.
const PATIENT: Timings = Timings {
    connect: Duration::from_secs(30),
    answer: Duration::from_secs(60),
    settle: Duration::from_secs(180),
};

fn patient() -> Opening {
    Opening {
        timings: PATIENT,
        ..Opening::default()
    }
}

fn address(url: &str) -> LogAddress {
    url.parse().unwrap()
}

/// Ends the wait for the standby of the one backend that waits; `control`: what the server tells that client.
async fn cancel_the_wait(server: &Server) {
    let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    loop {
        let pid = server.sql(waiting);
        if !pid.is_empty() {
            assert_eq!(server.sql(&format!("SELECT pg_cancel_backend({pid})")), "t");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_wait_for_the_standby_is_no_acknowledgement() {
    let Some(mut pair) = Pair::start() else { return };
    let at = address(&pair.url());
    let mut log = AnyLog::open(&at, &patient()).await.unwrap();
    let first = log
        .append(Timestamp(1), 1, 1_u64.to_be_bytes().to_vec())
        .await
        .unwrap();
    pair.primary().sql("CREATE TABLE control (n BIGINT)");
    pair.stop_standby();

    // Control: to a client that listens to answers alone, a cancelled wait is a success.
    let url = pair.primary().url();
    let control = tokio::spawn(async move {
        use sqlx::Connection;
        let mut raw = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::query("INSERT INTO control VALUES (1)")
            .execute(&mut raw)
            .await
            .is_ok()
    });
    cancel_the_wait(pair.primary()).await;
    assert!(
        control.await.unwrap(),
        "PostgreSQL answers a cancelled wait with success"
    );

    // The same to the log: the row is there to see, and not acknowledged.
    let appending = tokio::spawn(async move {
        let appended = log.append(Timestamp(2), 1, 2_u64.to_be_bytes().to_vec()).await;
        (log, appended)
    });
    cancel_the_wait(pair.primary()).await;
    let rows = "SELECT count(*) FROM ensoex_log.batch";
    while pair.primary().sql(rows) != "2" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!appending.is_finished());

    // With its standby back, the server confirms what the writer asks, and so the row.
    pair.start_standby();
    let (mut log, appended) = appending.await.unwrap();
    let second = appended.unwrap();
    assert_eq!(
        (first.epoch, second.epoch),
        (1, 2),
        "the writer raised its own epoch"
    );

    // Once more, but now the standby is promoted without the row, and the primary is gone.
    pair.stop_standby();
    let appending = tokio::spawn(async move {
        let appended = log.append(Timestamp(3), 1, 3_u64.to_be_bytes().to_vec()).await;
        (log, appended)
    });
    cancel_the_wait(pair.primary()).await;
    while pair.primary().sql(rows) != "3" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pair.kill_primary();
    pair.standby().start();
    pair.promote();
    assert!(
        !appending.is_finished(),
        "a server without a standby confirms nothing"
    );
    pair.rebuild_standby();
    // The rebuilt standby listens elsewhere, but the new primary is the host that the writer knows.
    let (mut log, appended) = appending.await.unwrap();
    assert!(
        matches!(appended, Err(AppendError::NotWritten(Interruption::Warned(_)))),
        "{appended:?}"
    );
    let third = log
        .append(Timestamp(4), 1, 3_u64.to_be_bytes().to_vec())
        .await
        .unwrap();
    all_is_there(
        &address(&pair.primary().url()),
        &[(first, 1), (second, 2), (third, 3)],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_all_that_was_acknowledged_and_the_old_primary_cannot_write() {
    let Some(mut pair) = Pair::start() else { return };
    let mut kept = Vec::new();
    let (mut refused, mut next) = (0, 1);
    for round in 0..count("ENSOEX_FAILOVERS", 1) {
        let at = address(&pair.url());
        let log = AnyLog::open(&at, &alone(Duration::from_secs(2))).await.unwrap();
        let load = Load::start(log, next);
        load.serves(20 + u64::from(round * 7 % 20)).await;
        pair.kill_primary();
        pair.promote();
        load.serves(20).await;

        // It comes back as it was and takes itself for the primary.
        pair.restart_old_primary();
        let old = address(&pair.old_primary().url());
        let before = AnyLog::open_read_only(&old).await.unwrap().head();
        let refused_there = AnyLog::open(&old, &alone(Duration::from_secs(1))).await.err();
        assert!(
            matches!(refused_there, Some(LogError::NotConfirmed { .. })),
            "{refused_there:?}"
        );
        assert_eq!(AnyLog::open_read_only(&old).await.unwrap().head(), before);
        load.serves(20).await;

        let (_, acknowledged, not_written) = load.end().await;
        next = acknowledged.last().map_or(next, |(_, number)| number + 1);
        refused += not_written;
        kept.extend(acknowledged);
        let rows = all_is_there(&address(&pair.primary().url()), &kept).await;
        assert_eq!(rows, kept.len());
        pair.rebuild_standby();
    }
    println!(
        "{} batches acknowledged and found, {refused} times nothing was written",
        kept.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_rows_is_refused_until_it_is_named() {
    let Some(cluster) = Cluster::start_with(&["fsync = off", "full_page_writes = off"]) else {
        return;
    };
    let mut opening = Opening::default();
    for (setting, name) in [
        ("fsync is \"off\"", "fsync"),
        ("full_page_writes is \"off\"", "full_page_writes"),
        ("synchronous_standby_names is empty", "synchronous_standby_names"),
    ] {
        let refused = AnyLog::open(&address(&cluster.url()), &opening)
            .await
            .err()
            .unwrap();
        let said = refused.to_string();
        assert!(
            said.contains(setting) && said.ends_with(&format!("--allow-unsafe {name}")),
            "{said}"
        );
        opening.unsafe_allowed.push(name.parse().unwrap());
    }
    AnyLog::open(&address(&cluster.url()), &opening).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_told_to_do_without_its_standby_is_noticed() {
    let Some(mut pair) = Pair::start() else { return };
    let opening = Opening {
        timings: Timings {
            settle: Duration::ZERO,
            ..PATIENT
        },
        ..Opening::default()
    };
    let mut log = AnyLog::open(&address(&pair.url()), &opening).await.unwrap();
    log.append(Timestamp(1), 1, vec![1]).await.unwrap();
    pair.primary().set("synchronous_standby_names = ''");
    pair.primary().reload();
    let stopped = loop {
        match log.append(Timestamp(2), 1, vec![2]).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(stopped, AppendError::OutcomeUnknown(Interruption::Unsafe(_))),
        "{stopped:?}"
    );
    let after = log.append(Timestamp(3), 1, vec![3]).await;
    assert!(
        matches!(after, Err(AppendError::OutcomeUnknown(Interruption::Abandoned))),
        "{after:?}"
    );
}
