//! A disk that fails while the log is written: full, input/output errors of write and sync, a write torn by a crash, at the
//! log and at its write-ahead log. What was acknowledged is there afterwards, and the error says what to do.
//!
//! The test starts itself again as a child, with a library preloaded that makes calls fail (`faulty_disk.c`).

use ensoex_log::{AppendError, CommandLog, Head, LogError, Opening, SqliteLog};
use ensoex_types::Timestamp;
use std::path::{Path, PathBuf};
use std::process::Command;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
/// Batches that the child tries to append: enough for SQLite to copy its write-ahead log into the file on the way.
const BATCHES: u64 = 400;
const CHILD: &str = "ENSOEX_LOG_OF_THE_CHILD";

fn library(directory: &Path) -> PathBuf {
    let library = directory.join("faulty_disk.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faulty_disk.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .output()
        .expect("this test needs a C compiler, which Rust's linker needs too");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    library
}

/// Not a test by itself: writes to the log named in the environment and prints what was acknowledged and what was not.
#[tokio::test]
async fn the_child_writes() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let mut log = match SqliteLog::open(Path::new(&path), &Opening::default()).await {
        Ok(log) => log,
        Err(error) => return println!("\nrefused {error}"),
    };
    for number in 1..=BATCHES {
        match log
            .append(Timestamp(number), 1, vec![number.to_le_bytes()[0]; 20_000])
            .await
        {
            Ok(head) => println!("\nacknowledged {} {:?}", head.next_sequence, head.hash),
            Err(AppendError::NotWritten(cause)) => println!("\nnot written {cause}"),
            Err(error) => return println!("\nunknown {error}"),
        }
    }
}

struct Ended {
    acknowledged: usize,
    last: Option<String>,
    not_written: Vec<String>,
    unknown: Option<String>,
    faults: u64,
}

/// Runs the child on a log with some rows in it, with a fault or none.
fn child(directory: &Path, library: &Path, fault: Option<(&str, &str, i32, u32, u32)>) -> Ended {
    let seen = directory.join("seen");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "the_child_writes", "--nocapture", "--test-threads=1"])
        .env(CHILD, directory.join("log.db"))
        .env("RUST_BACKTRACE", "0");
    if let Some((call, file, errno, after, times)) = fault {
        child
            .env("LD_PRELOAD", library)
            .env("FAULT_CALL", call)
            .env("FAULT_FILE", file)
            .env("FAULT_ERRNO", errno.to_string())
            .env("FAULT_AFTER", after.to_string())
            .env("FAULT_TIMES", times.to_string())
            .env("FAULT_SEEN", &seen);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = |word: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(word))
            .map(str::to_owned)
            .collect()
    };
    let acknowledged = said("acknowledged ");
    Ended {
        acknowledged: acknowledged.len(),
        last: acknowledged.last().cloned(),
        not_written: said("not written "),
        unknown: said("unknown ").pop().or(said("refused ").pop()),
        faults: std::fs::metadata(&seen).map_or(0, |seen| seen.len()),
    }
}

/// Opens without faults: the chain is whole and the last acknowledged batch is in it.
async fn is_kept(directory: &Path, ended: &Ended) -> Result<u64, LogError> {
    let mut log = SqliteLog::open(&directory.join("log.db"), &Opening::default()).await?;
    let (mut reached, mut rows, mut found) = (Head::EMPTY, 0, ended.last.is_none());
    loop {
        let batches = log.read(&reached, 256).await?;
        let Some(last) = batches.last() else { break };
        reached = last.end();
        rows += batches.len() as u64;
        found |= batches
            .iter()
            .any(|batch| Some(format!("{} {:?}", batch.end().next_sequence, batch.hash)) == ended.last);
    }
    log.check_end(&reached)?;
    assert!(found, "the last acknowledged batch is lost");
    Ok(rows)
}

#[tokio::test]
async fn a_failing_disk_loses_nothing_that_was_acknowledged() {
    let place = tempfile::tempdir().unwrap();
    let library = library(place.path());
    // Without faults all of it is acknowledged.
    let calm = tempfile::tempdir().unwrap();
    let ended = child(calm.path(), &library, None);
    assert_eq!((ended.acknowledged as u64, ended.unknown), (BATCHES, None));
    for (call, file, errno, after, times) in [
        // The write-ahead log's sync, early and late; once, and from then on.
        ("fsync", "log.db-wal", EIO, 3, 1),
        ("fsync", "log.db-wal", EIO, 60, 1_000),
        ("fsync", "log.db-wal", ENOSPC, 30, 1),
        // The copy into the file.
        ("fsync", "log.db", EIO, 1, 1),
        ("fsync", "log.db", EIO, 2, 1_000),
        ("write", "log.db", EIO, 12, 1),
        ("write", "log.db", ENOSPC, 12, 1_000),
        ("torn", "log.db", 0, 12, 1),
        ("torn", "log.db", 0, 40, 1),
        // The append itself.
        ("write", "log.db-wal", EIO, 40, 1),
        ("write", "log.db-wal", ENOSPC, 41, 30),
        ("torn", "log.db-wal", 0, 50, 1),
        ("torn", "log.db-wal", 0, 51, 1),
        ("torn", "log.db-wal", 0, 300, 1),
    ] {
        let what = format!("{call} of {file}, errno {errno}, after {after}, {times} times");
        let directory = tempfile::tempdir().unwrap();
        let ended = child(
            directory.path(),
            &library,
            Some((call, file, errno, after, times)),
        );
        assert!(ended.faults > 0, "control: {what} was never made to fail");
        let rows = is_kept(directory.path(), &ended)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(
            rows >= ended.acknowledged as u64,
            "{what}: {rows} rows of {}",
            ended.acknowledged
        );
        if (call, file, errno) == ("fsync", "log.db-wal", EIO) {
            assert!(
                ended.unknown.is_some(),
                "{what}: after a failed sync nothing is certain"
            );
        }
        if (call, file, errno) == ("write", "log.db-wal", ENOSPC) {
            assert!(
                ended.not_written.iter().any(|cause| cause.contains("make room")),
                "{what}: {:?}",
                ended.not_written
            );
            assert!(
                ended.unknown.is_none(),
                "{what}: it goes on once there is room: {:?}",
                ended.unknown
            );
        }
        println!(
            "{what}: {} acknowledged, {} not written, {}",
            ended.acknowledged,
            ended.not_written.len(),
            ended.unknown.as_deref().unwrap_or("ended")
        );
    }
}
