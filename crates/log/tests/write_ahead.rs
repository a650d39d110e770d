//! The write-ahead log of the log on one machine stays short under load, and holds nothing when nothing comes.

use ensoex_log::{CommandLog, Head, LogError, Opening, SqliteLog};
use ensoex_types::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From this size on appends wait for the copy; SQLite adds a few bytes to each page.
const AHEAD_BYTES_MAX: u64 = 32 << 20;
const BATCH_BYTES: usize = 64 << 10;

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

async fn append(log: &mut SqliteLog, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let data = vec![number.to_le_bytes()[0]; BATCH_BYTES];
        log.append(Timestamp(number + 1), 1, data).await.unwrap();
    }
}

/// The rows of a log, its chain checked.
async fn rows(path: &Path) -> Result<usize, LogError> {
    let mut log = SqliteLog::open_read_only(path).await?;
    let (mut reached, mut rows) = (Head::EMPTY, 0);
    loop {
        let batches = log.read(&reached, 256).await?;
        let Some(last) = batches.last() else { break };
        rows += batches.len();
        reached = last.end();
    }
    log.check_end(&reached)?;
    Ok(rows)
}

/// The rows that the file has without its write-ahead log.
async fn rows_without(path: &Path, scratch: &Path) -> usize {
    let copy = scratch.join("copy.db");
    std::fs::copy(path, &copy).unwrap();
    rows(&copy).await.unwrap()
}

async fn rest(log: &mut SqliteLog) {
    while !log.idle().await.unwrap() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_is_bounded_under_load_and_empty_when_idle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    let (mut appended, mut greatest) = (0, 0);
    // Twice what it may hold.
    while appended * (BATCH_BYTES as u64) < 2 * AHEAD_BYTES_MAX {
        append(&mut log, appended..appended + 50).await;
        appended += 50;
        greatest = greatest.max(std::fs::metadata(beside(&path)).unwrap().len());
    }
    assert!(greatest < AHEAD_BYTES_MAX + (1 << 20), "{greatest} bytes");
    println!("{greatest} bytes at the most after {appended} batches");
    rest(&mut log).await;
    assert_eq!(rows_without(&path, directory.path()).await as u64, appended);
    // Control: what was just appended is only there, until the log is idle.
    append(&mut log, appended..appended + 3).await;
    assert_eq!(rows_without(&path, directory.path()).await as u64, appended);
    rest(&mut log).await;
    assert_eq!(rows_without(&path, directory.path()).await as u64, appended + 3);
    assert!(log.idle().await.unwrap(), "nothing is left to do");
    drop(log);
    assert_eq!(rows(&path).await.unwrap() as u64, appended + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_alone_do_not_make_it_grow() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let mut log = SqliteLog::open(&path, &Opening::default()).await.unwrap();
    for _ in 0..3_000 {
        log.renew_lease(Duration::from_secs(60)).await.unwrap();
        assert!(log.idle().await.unwrap(), "a lease is nothing to be copied for");
    }
    let bytes = std::fs::metadata(beside(&path)).unwrap().len();
    // Without a copy: 3,000 pages.
    assert!(bytes < 3_000 * 4_096, "{bytes} bytes");
}
