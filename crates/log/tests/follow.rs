//! Readers beside a writer, leases, and appends given up in the middle: the same in both databases.

use ensoex_log::{
    AnyLog, AppendError, CommandLog, Head, Interruption, LogAddress, LogError, Opening, Safeguard,
};
use ensoex_pg_test::Cluster;
use ensoex_types::{Sequence, Timestamp};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use std::time::Duration;

fn alone() -> Opening {
    Opening {
        unsafe_allowed: vec![Safeguard::SynchronousStandbyNames],
        ..Opening::default()
    }
}

/// Each of them; the values keep the places alive.
fn places() -> (Vec<LogAddress>, tempfile::TempDir, Option<Cluster>) {
    let directory = tempfile::tempdir().unwrap();
    let mut places = vec![LogAddress::Sqlite(directory.path().join("log.db"))];
    let cluster = Cluster::start();
    places.extend(cluster.as_ref().map(|cluster| cluster.url().parse().unwrap()));
    (places, directory, cluster)
}

async fn append(log: &mut AnyLog, at: u64) -> Result<Head, AppendError> {
    log.append(Timestamp(at), 1, at.to_be_bytes().to_vec()).await
}

#[tokio::test]
async fn a_reader_follows_a_writer_and_a_takeover() {
    let (places, _directory, _cluster) = places();
    for place in &places {
        let mut writer = AnyLog::open(place, &alone()).await.unwrap();
        let mut reader = AnyLog::open_read_only(place).await.unwrap();
        let mut reached = Head::EMPTY;
        for at in 1..=9_u64 {
            let head = append(&mut writer, at).await.unwrap();
            assert_eq!(
                reader.read(&reached, 10).await.unwrap(),
                [],
                "not before it looks again"
            );
            assert_eq!(reader.stored_head().await.unwrap(), head);
            let batches = reader.read(&reached, 10).await.unwrap();
            assert_eq!((batches.len(), batches[0].at), (1, Timestamp(at)), "{place}");
            reached = batches[0].end();
            reader.check_end(&reached).unwrap();
            if at == 5 {
                writer = AnyLog::open(place, &alone()).await.unwrap();
            }
        }
        assert_eq!(reached.epoch, 2);
        let refused = append(&mut reader, 10).await;
        assert!(matches!(refused, Err(AppendError::NotWritten(_))), "{refused:?}");
        assert_eq!(writer.stored_head().await.unwrap().next_sequence, Sequence(10));
    }
}

#[tokio::test]
async fn a_writer_whose_lease_ran_out_appends_nothing_until_it_is_renewed() {
    let (places, _directory, _cluster) = places();
    for place in &places {
        let opening = Opening {
            holder: "the first".to_owned(),
            lease: Some(Duration::from_secs(600)),
            ..alone()
        };
        let mut writer = AnyLog::open(place, &opening).await.unwrap();
        append(&mut writer, 1).await.unwrap();
        let mut reader = AnyLog::open_read_only(place).await.unwrap();
        let lease = reader.lease().await.unwrap();
        assert_eq!(
            (lease.holder.as_str(), lease.epoch, lease.has_expired()),
            ("the first", 1, false)
        );
        assert!(lease.left.is_some_and(|left| left <= Duration::from_secs(600)));

        writer.renew_lease(Duration::ZERO).await.unwrap();
        assert!(reader.lease().await.unwrap().has_expired());
        let refused = append(&mut writer, 2).await;
        assert!(
            matches!(refused, Err(AppendError::NotWritten(Interruption::LeaseExpired))),
            "{refused:?}"
        );
        writer.renew_lease(Duration::from_secs(600)).await.unwrap();
        append(&mut writer, 2).await.unwrap();

        let _next = AnyLog::open(place, &alone()).await.unwrap();
        assert_eq!(
            reader.lease().await.unwrap().left,
            None,
            "who took over does not renew"
        );
        let fenced = writer.renew_lease(Duration::from_secs(600)).await;
        assert!(
            matches!(fenced, Err(LogError::Fenced { ours: 1, found: 2 })),
            "{fenced:?}"
        );
        let refused = append(&mut writer, 3).await;
        assert!(
            matches!(refused, Err(AppendError::Fenced { ours: 1, found: 2 })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn after_an_append_that_was_given_up_the_writer_stops() {
    let (_, directory, cluster) = places();
    let path = directory.path().join("log.db");
    let mut writer = AnyLog::open(&LogAddress::Sqlite(path.clone()), &alone())
        .await
        .unwrap();
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    gives_up_and_stops(&mut writer).await;

    let Some(cluster) = cluster else { return };
    let mut writer = AnyLog::open(&cluster.url().parse().unwrap(), &alone())
        .await
        .unwrap();
    let mut other = PgConnection::connect(&cluster.url()).await.unwrap();
    other.execute("BEGIN; LOCK TABLE ensoex_log.head").await.unwrap();
    gives_up_and_stops(&mut writer).await;
}

/// While another transaction is open on the log, so that the append cannot be over before.
async fn gives_up_and_stops(writer: &mut AnyLog) {
    let given_up = tokio::time::timeout(Duration::from_millis(20), append(writer, 1)).await;
    assert!(given_up.is_err());
    let refused = append(writer, 2).await;
    assert!(
        matches!(refused, Err(AppendError::OutcomeUnknown(Interruption::Abandoned))),
        "{refused:?}"
    );
}
