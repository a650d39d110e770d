//! The log keeps what it acknowledged, notices every alteration, and lets only one writer append.

use ensoex_log::{AppendError, CommandLog, Head, LogError, Opening, SqliteLog};
use ensoex_types::{Sequence, Timestamp};
use sqlx::{Connection, SqliteConnection};
use std::path::{Path, PathBuf};

async fn log_of_three(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("log.db");
    let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    for (at, count, data) in [(10, 2, "one two"), (20, 1, "three"), (30, 3, "four five six")] {
        log.append(Timestamp(at), count, data.as_bytes().to_vec())
            .await
            .unwrap();
    }
    path
}

async fn read_whole(path: &Path) -> Result<usize, LogError> {
    let mut log = SqliteLog::open_read_only(path).await?;
    let mut reached = Head::EMPTY;
    let mut rows = 0;
    loop {
        let batches = log.read(&reached, 2).await?;
        let Some(last) = batches.last() else { break };
        rows += batches.len();
        reached = last.end();
    }
    log.check_end(&reached)?;
    Ok(rows)
}

#[tokio::test]
async fn what_was_acknowledged_is_read_back_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = log_of_three(&directory).await;
    assert_eq!(read_whole(&path).await.unwrap(), 3);
    let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    assert_eq!(log.head().next_sequence, Sequence(7));
    log.append(Timestamp(40), 1, b"seven".to_vec()).await.unwrap();
    assert_eq!(read_whole(&path).await.unwrap(), 4);
}

#[tokio::test]
async fn every_alteration_is_noticed() {
    for tampering in [
        "UPDATE batch SET data = 'three!' WHERE first_sequence = 3",
        "UPDATE batch SET at_us = 21 WHERE first_sequence = 3",
        "UPDATE batch SET count = 2 WHERE first_sequence = 3",
        "DELETE FROM batch WHERE first_sequence = 1",
        "DELETE FROM batch WHERE first_sequence = 3",
        "DELETE FROM batch WHERE first_sequence = 4",
        "UPDATE batch SET data = (SELECT data FROM batch WHERE first_sequence = 1) WHERE first_sequence = 3",
        "UPDATE head SET hash = zeroblob(32)",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = log_of_three(&directory).await;
        assert!(
            read_whole(&path).await.is_ok(),
            "control: an untouched log reads whole"
        );
        let mut raw = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .unwrap();
        sqlx::query(tampering).execute(&mut raw).await.unwrap();
        let result = read_whole(&path).await;
        assert!(
            matches!(result, Err(LogError::Damaged { .. })),
            "{tampering}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_writer_that_was_taken_over_cannot_append() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let mut old = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    old.append(Timestamp(1), 1, b"by the old".to_vec()).await.unwrap();
    let mut new = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    let refused = old.append(Timestamp(2), 1, b"too late".to_vec()).await;
    assert!(
        matches!(refused, Err(AppendError::Fenced { ours: 1, found: 2 })),
        "{refused:?}"
    );
    new.append(Timestamp(3), 1, b"by the new".to_vec()).await.unwrap();
    assert_eq!(read_whole(&path).await.unwrap(), 2);
}

#[tokio::test]
async fn empty_and_oversized_batches_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = SqliteLog::open(&directory.path().join("log.db"), &Opening::default())
        .await
        .unwrap();
    assert!(matches!(
        log.append(Timestamp(1), 0, Vec::new()).await,
        Err(AppendError::Size)
    ));
    let oversized = vec![0; ensoex_log::BATCH_BYTES_MAX + 1];
    assert!(matches!(
        log.append(Timestamp(1), 1, oversized).await,
        Err(AppendError::Size)
    ));
    assert_eq!(log.head().next_sequence, Sequence(1));
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_next_append_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    log.limit_pages_for_test(Some(16)).await;
    let mut acknowledged = 0;
    let refused = loop {
        match log.append(Timestamp(1), 1, vec![7; 8_000]).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::NotWritten(_)), "{refused:?}");
    assert_eq!(read_whole(&path).await.unwrap(), acknowledged);
    log.limit_pages_for_test(None).await;
    log.append(Timestamp(2), 1, b"room again".to_vec()).await.unwrap();
    assert_eq!(read_whole(&path).await.unwrap(), acknowledged + 1);
}
