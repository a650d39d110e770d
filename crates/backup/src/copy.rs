//! What of a Service's folder belongs in a backup, and consistent copies of it while the Service runs.
//!
//! Left out: `keys` (see the crate's documentation), the command log (kept batch by batch), projections (rebuilt from it), and what
//! is being written or only SQLite's own. Databases are copied by SQLite itself, in one read transaction each. Knows no table.

use crate::error::BackupError;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::{Path, PathBuf};

/// Largest file that is copied, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Files of one Service at the most.
const FILES_MAX: usize = 10_000;
/// Folders below each other at the most.
const DEPTH_MAX: usize = 8;
/// What was acknowledged of a log (`exchange/acknowledged`) is not what is acknowledged of the one that is restored.
const LEFT_OUT: [&str; 4] = [
    "keys",
    "exchange/log.db",
    "exchange/projections.db",
    "exchange/acknowledged",
];

/// Files that belong in a backup, as paths below `service` with slashes, sorted.
pub(crate) fn files(service: &Path) -> Result<Vec<String>, BackupError> {
    let mut found = Vec::new();
    walk(service, "", 0, &mut found)?;
    found.sort_unstable();
    Ok(found)
}

fn walk(folder: &Path, below: &str, depth: usize, found: &mut Vec<String>) -> Result<(), BackupError> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(BackupError::file(folder))? {
        let entry = entry.map_err(BackupError::file(folder))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type().map_err(BackupError::file(entry.path()))?;
        if LEFT_OUT.contains(&path.as_str()) || is_passing(&name) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &path, depth + 1, found)?;
        } else if kind.is_file() && found.len() < FILES_MAX {
            found.push(path);
        }
    }
    Ok(())
}

/// Only there while something is under way.
fn is_passing(name: &str) -> bool {
    let ends = ["-wal", "-shm", "-journal", ".tmp", ".unfinished"];
    name.starts_with('.') || ends.iter().any(|end| name.ends_with(end))
}

/// The content of a file as it was at one moment. `scratch` is a folder for copies. None when it has gone meanwhile.
pub(crate) async fn content(file: &Path, scratch: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let is_database = file.extension().is_some_and(|extension| extension == "db");
    if !is_database {
        return read(file);
    }
    let copy: PathBuf = scratch.join("copy.db");
    remove(&copy)?;
    copy_database(file, &copy).await?;
    let content = read(&copy);
    remove(&copy)?;
    content
}

/// A copy made by SQLite, consistent whatever is written meanwhile, without a write-ahead log beside it.
pub(crate) async fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::Database {
        path: from.to_owned(),
        source,
    };
    let options = SqliteConnectOptions::new()
        .filename(from)
        .read_only(true)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed)?;
    let to = to
        .to_str()
        .ok_or_else(|| BackupError::Address(to.display().to_string()))?;
    sqlx::query("VACUUM INTO $1")
        .bind(to)
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    sqlx::Connection::close(connection).await.map_err(failed)
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let size = match std::fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BackupError::file(file)(error)),
    };
    if size > FILE_BYTES_MAX {
        return Err(BackupError::TooLarge {
            path: file.to_owned(),
            max: FILE_BYTES_MAX,
        });
    }
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::file(file)(error)),
    }
}

pub(crate) fn remove(file: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BackupError::file(file)(error)),
        _ => Ok(()),
    }
}
