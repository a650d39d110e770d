//! Restores a Service's folder from a backup, up to any moment: files first, then the log batch by batch, each checked.
//!
//! The whole is made in a folder beside the target and takes its name at the end, so a restore that was interrupted leaves no folder that
//! looks like a Service's. Keys are not in it: they are restored apart. The log may go into an empty schema of PostgreSQL instead, where
//! it is none before it is whole. Knows no command.

use crate::error::BackupError;
use crate::manifest::{Chained, Manifest, SegmentEntry};
use crate::seal::Identity;
use crate::segment;
use crate::store::BackupStore;
use crate::take::{before, newest};
use ensoex_log::{Batch, Import, Opening, PostgresAddress, Safeguard};
use ensoex_types::{Sequence, Timestamp};
use std::path::{Component, Path, PathBuf};

/// How far to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All there is.
    Latest,
    /// Up to the last batch that ends at or before this command.
    Sequence(Sequence),
    /// Up to the last batch that was stamped at or before this time.
    Time(Timestamp),
}

/// Where the log goes, when not into the folder.
#[derive(Clone)]
pub struct LogElsewhere {
    /// A schema that is empty or not there yet.
    pub address: PostgresAddress,
    /// Safeguards of PostgreSQL that may be absent.
    pub unsafe_allowed: Vec<Safeguard>,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The newest generation.
    pub generation: u64,
    /// SHA-256 of its manifest in hex, as it was printed when it was made.
    pub chain: String,
    /// When it was made, in microseconds since 1970.
    pub made_at_us: u64,
    /// The generation that the databases and files come from.
    pub files_of: u64,
    /// How many there are.
    pub files: usize,
    /// Batches in the log.
    pub batches: u64,
    /// Last command in it.
    pub last: Sequence,
    /// When that was stamped.
    pub at: Timestamp,
}

/// What to put together, from the newest manifest back.
struct Plan {
    newest: Chained,
    segments: Vec<SegmentEntry>,
    files: Manifest,
    /// The log ends no earlier than when these files were copied.
    files_are_older: bool,
}

/// Where the exchange keeps snapshots of its state, which are only ever a shorter way to what the log says.
const SNAPSHOTS: &str = "exchange/snapshots/";

/// Restores into `to`, a folder that is empty or not there yet, and the log into it or elsewhere.
///
/// # Errors
/// [`BackupError`] in a sentence that names what is missing, altered or not to be opened; `to` is as it was then.
pub async fn restore(
    store: &BackupStore,
    identity: &Identity,
    to: &Path,
    moment: Moment,
    log: Option<&LogElsewhere>,
) -> Result<Restored, BackupError> {
    refuse_unless_empty(to)?;
    let opening = Opening {
        holder: "restore".to_owned(),
        unsafe_allowed: log.map_or_else(Vec::new, |log| log.unsafe_allowed.clone()),
        ..Opening::default()
    };
    let elsewhere = log.map(|log| &log.address);
    if let Some(address) = elsewhere {
        Import::check(address, &opening).await?;
    }
    let plan = plan(store, moment).await?;
    let name = to
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| BackupError::Address(to.display().to_string()))?;
    let parent = to
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(BackupError::file(parent))?;
    let unfinished = tempfile::Builder::new()
        .prefix(&format!(".{name}-restoring-"))
        .tempdir_in(parent);
    let unfinished = unfinished.map_err(BackupError::file(parent))?;
    for file in &plan.files.files {
        // A snapshot of what comes after the restored log's end would be of another history.
        if !plan.files_are_older && file.path.starts_with(SNAPSHOTS) {
            continue;
        }
        let sealed = store.get_checked(&file.object, &file.hash).await?;
        let plain = identity.open(&file.object, &sealed)?;
        write(&place(unfinished.path(), &file.path)?, &plain)?;
    }
    let mut restored = Restored {
        generation: plan.newest.manifest.number,
        chain: plan.newest.hash,
        made_at_us: plan.newest.manifest.made_at_us,
        files_of: plan.files.number,
        files: plan.files.files.len(),
        batches: 0,
        last: Sequence(0),
        at: Timestamp(0),
    };
    let exchange = unfinished.path().join("exchange");
    std::fs::create_dir_all(&exchange).map_err(BackupError::file(&exchange))?;
    let file = exchange.join("log.db");
    let begin = async || match elsewhere {
        None => Import::into_file(&file, &opening).await,
        Some(address) => Import::into_postgres(address, &opening).await,
    };
    let mut import: Option<Import> = None;
    for entry in &plan.segments {
        let sealed = store.get_checked(&entry.object, &entry.hash).await?;
        let plain = identity.open(&entry.object, &sealed)?;
        let altered = || BackupError::Altered {
            object: entry.object.clone(),
        };
        let mut batches = segment::decode(&plain).ok_or_else(altered)?;
        let whole = batches.len();
        batches.retain(|batch| belongs(batch, moment));
        if import.is_none() {
            if batches.is_empty() {
                return Err(BackupError::BeforeFirst(Sequence(entry.first)));
            }
            import = Some(begin().await?);
        }
        if let Some(import) = &mut import {
            import.rows(&batches).await?;
        }
        restored.batches += u64::try_from(batches.len()).unwrap_or_default();
        for batch in &batches {
            restored.last = Sequence(batch.end().next_sequence.0.saturating_sub(1));
            restored.at = restored.at.max(batch.at);
        }
        if batches.len() < whole {
            break;
        }
    }
    let import = match import {
        Some(import) => import,
        // Nothing was ever recorded.
        None => begin().await?,
    };
    import.finish().await?;
    if to.exists() {
        std::fs::remove_dir(to).map_err(BackupError::file(to))?;
    }
    let unfinished = unfinished.keep();
    std::fs::rename(&unfinished, to).map_err(BackupError::file(to))?;
    Ok(restored)
}

fn belongs(batch: &Batch, moment: Moment) -> bool {
    match moment {
        Moment::Latest => true,
        Moment::Sequence(last) => batch.end().next_sequence.0 <= last.0.saturating_add(1),
        Moment::Time(time) => batch.at <= time,
    }
}

/// Goes back through the chain to the newest full generation for the log, and to the newest one not after the moment for files.
async fn plan(store: &BackupStore, moment: Moment) -> Result<Plan, BackupError> {
    let newest = newest(store).await?.ok_or(BackupError::Nothing)?;
    let end = newest.manifest.last_sequence();
    match moment {
        Moment::Sequence(asked) if asked.0 > end => return Err(BackupError::BeyondLast(Sequence(end))),
        _ => {}
    }
    let within = |manifest: &Manifest| match moment {
        Moment::Latest => true,
        Moment::Sequence(last) => manifest.last_sequence() <= last.0,
        Moment::Time(time) => manifest.log_at_us <= time.0,
    };
    let mut later: Vec<Vec<SegmentEntry>> = Vec::new();
    let mut segments: Option<Vec<SegmentEntry>> = None;
    let mut at = newest.clone();
    loop {
        let manifest = &at.manifest;
        if segments.is_none() {
            later.push(manifest.segments.clone());
            if manifest.full {
                segments = Some(later.iter().rev().flatten().cloned().collect());
            }
        }
        if manifest.full && within(manifest) {
            break;
        }
        let Some(found) = before(store, &at).await? else {
            // Older than every copy of the databases: the first is the nearest, and the Service brings it up to the log.
            break;
        };
        at = found;
    }
    let Some(segments) = segments else {
        return Err(BackupError::Manifest {
            object: Manifest::object(at.manifest.number),
            why: "the chain begins with a generation that is not full".to_owned(),
        });
    };
    Ok(Plan {
        newest,
        segments,
        files_are_older: within(&at.manifest),
        files: at.manifest,
    })
}

fn refuse_unless_empty(to: &Path) -> Result<(), BackupError> {
    match std::fs::read_dir(to) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::NotEmpty(to.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::file(to)(error)),
    }
}

/// Where a stored path belongs; one that would lead out of the folder, or to keys or the log, is none of ours.
pub(crate) fn place(folder: &Path, path: &str) -> Result<PathBuf, BackupError> {
    let relative = Path::new(path);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !plain || relative.starts_with("keys") || relative.starts_with("exchange/log.db") {
        return Err(BackupError::Altered {
            object: path.to_owned(),
        });
    }
    Ok(folder.join(relative))
}

pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), BackupError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(BackupError::file(folder))?;
    }
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(BackupError::file(path))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(BackupError::file(path))
}
