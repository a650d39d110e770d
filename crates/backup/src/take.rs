//! Takes generations: reads what came to the log, copies what changed, seals it, stores it, and writes the manifest last.
//!
//! Databases are copied before the log is read, so the log is never behind what they say happened; the Service does what they do
//! not know yet once more, which changes nothing. Knows no store's kind.

use crate::copy;
use crate::databases::{self, DatabaseSource};
use crate::error::BackupError;
use crate::keys::KEYS_OBJECT;
use crate::manifest::{Chained, FILES, FORMAT, MANIFESTS, Manifest, SEGMENTS, SegmentEntry, StoredFile};
use crate::seal::Recipients;
use crate::segment::{self, SEGMENT_BYTES_MAX};
use crate::store::{BackupStore, hash_of};
use ensoex_log::{AnyLog, Batch, CommandLog, Head, LogAddress, LogError};
use ensoex_types::Sequence;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Batches read from the log at once.
const BATCHES_PER_READ: u32 = 256;

/// A Service and a place to back it up to.
pub struct Backup {
    service: PathBuf,
    log: AnyLog,
    store: BackupStore,
    recipients: Recipients,
    databases: Vec<DatabaseSource>,
    last: Option<Chained>,
    /// The newest full generation: where its log ends, and its segments.
    full: (Head, Vec<SegmentEntry>),
    /// By path: the hash of the plain content when last stored, and what was stored.
    stored: BTreeMap<String, (String, StoredFile)>,
}

/// What a generation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its number.
    pub number: u64,
    /// It names everything.
    pub full: bool,
    /// Last command in it.
    pub last: Sequence,
    /// Commands that were not in the store before.
    pub commands: u64,
    /// Bytes that were stored, the manifest's not counted.
    pub bytes: u64,
    /// SHA-256 of its manifest in hex: whoever keeps it can tell later that this chain is theirs.
    pub chain: String,
}

impl Backup {
    /// Goes on where the store ends, or begins. `service` is the Service's folder; `log` where its command log is, which is
    /// `exchange/log.db` below it when none is given.
    ///
    /// # Errors
    /// [`BackupError`] when the store holds another log's history, or keys.
    pub async fn open(
        service: &Path,
        log: Option<&LogAddress>,
        store: BackupStore,
        recipients: Recipients,
    ) -> Result<Backup, BackupError> {
        let file = service.join("exchange").join("log.db");
        if log.is_none() && !file.is_file() {
            return Err(BackupError::Source(service.to_owned()));
        }
        if !store.list(KEYS_OBJECT.0).await?.is_empty() {
            return Err(BackupError::HistoryBesideKeys);
        }
        let log = log.cloned().unwrap_or(LogAddress::Sqlite(file));
        let mut backup = Backup {
            service: service.to_owned(),
            log: AnyLog::open_read_only(&log).await?,
            last: newest(&store).await?,
            full: (Head::EMPTY, Vec::new()),
            stored: BTreeMap::new(),
            store,
            recipients,
            databases: Vec::new(),
        };
        let mut at = backup.last.clone();
        while let Some(found) = at {
            if found.manifest.full {
                backup.full = (
                    found.manifest.head().unwrap_or(Head::EMPTY),
                    found.manifest.segments,
                );
                break;
            }
            at = before(&backup.store, &found).await?;
        }
        backup.check_same_log().await?;
        Ok(backup)
    }

    /// These databases are not files in the Service's folder: each is copied into the file that it would be there.
    #[must_use]
    pub fn with_databases(mut self, databases: Vec<DatabaseSource>) -> Backup {
        self.databases = databases;
        self
    }

    /// The log here must hold the batch with which the store ends.
    async fn check_same_log(&mut self) -> Result<(), BackupError> {
        let Some(end) = self.last.as_ref().and_then(|last| last.manifest.head()) else {
            return Ok(());
        };
        let another = || BackupError::AnotherLog(Sequence(end.next_sequence.0.saturating_sub(1)));
        let head = self.log.stored_head().await?;
        if head.next_sequence < end.next_sequence {
            return Err(another());
        }
        if head.next_sequence == end.next_sequence {
            return if head.hash == end.hash {
                Ok(())
            } else {
                Err(another())
            };
        }
        match self.log.read(&end, 1).await {
            Ok(_) => Ok(()),
            Err(LogError::Damaged { .. }) => Err(another()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a generation. One that is not full is left out (none) when nothing came to the log; the first is always full.
    ///
    /// # Errors
    /// [`BackupError`]; what was stored without a manifest does no harm, and taking it again goes on.
    pub async fn take(&mut self, full: bool) -> Result<Option<Taken>, BackupError> {
        let full = full || self.last.is_none();
        let number = self.last.as_ref().map_or(1, |last| last.manifest.number + 1);
        let mut bytes = 0;
        let files = if full {
            self.copy_files(number, &mut bytes).await?
        } else {
            Vec::new()
        };
        self.log.stored_head().await?;
        let ended = self
            .last
            .as_ref()
            .and_then(|last| last.manifest.head())
            .unwrap_or(Head::EMPTY);
        let (from, mut segments) = if full {
            self.full.clone()
        } else {
            (ended, Vec::new())
        };
        let known = self.last.as_ref().map_or(0, |last| last.manifest.log_at_us);
        let (head, at_us) = self.ship(from, &mut segments, &mut bytes).await?;
        if !full && segments.is_empty() {
            return Ok(None);
        }
        let manifest = Manifest {
            format: FORMAT,
            number,
            previous: self
                .last
                .as_ref()
                .map_or_else(String::new, |last| last.hash.clone()),
            full,
            made_at_us: now_us(),
            next_sequence: head.next_sequence.0,
            log_hash: hex::encode(head.hash),
            log_epoch: head.epoch,
            log_at_us: at_us.max(known),
            segments,
            files,
            recipients: self.recipients.texts(),
        };
        let object = Manifest::object(number);
        let encoded = manifest.encode()?;
        let hash = hash_of(&encoded);
        if !self.store.put_new(&object, encoded).await? {
            return Err(BackupError::Raced(number));
        }
        if full {
            self.full = (head, manifest.segments.clone());
        }
        self.last = Some(Chained {
            manifest,
            hash: hash.clone(),
        });
        Ok(Some(Taken {
            number,
            full,
            last: Sequence(head.next_sequence.0.saturating_sub(1)),
            commands: head.next_sequence.0.saturating_sub(ended.next_sequence.0),
            bytes,
            chain: hash,
        }))
    }

    async fn copy_files(&mut self, number: u64, bytes: &mut u64) -> Result<Vec<StoredFile>, BackupError> {
        let scratch = tempfile::tempdir().map_err(BackupError::file("a temporary folder"))?;
        let mut files = Vec::new();
        let mut sources = Vec::new();
        for path in copy::files(&self.service)? {
            if !self.databases.iter().any(|database| database.path == path) {
                sources.push((path, None));
            }
        }
        let databases = self.databases.iter().cloned();
        sources.extend(databases.map(|database| (database.path.to_owned(), Some(database))));
        for (index, (path, database)) in sources.into_iter().enumerate() {
            let content = match database {
                None => copy::content(&self.service.join(&path), scratch.path()).await?,
                Some(database) => Some(databases::content(&database, scratch.path()).await?),
            };
            let Some(content) = content else { continue };
            let plain = hash_of(&content);
            if let Some((_, stored)) = self.stored.get(&path).filter(|(before, _)| *before == plain) {
                files.push(stored.clone());
                continue;
            }
            let name = format!("{FILES}{number:020}-{index:04}");
            let (object, hash) = self.put_sealed(&name, &content, bytes).await?;
            let stored = StoredFile {
                path: path.clone(),
                object,
                hash,
            };
            self.stored.insert(path, (plain, stored.clone()));
            files.push(stored);
        }
        Ok(files)
    }

    /// Stores the log from `from` to its end in segments; answers the end and the last stamp (0 when nothing came).
    async fn ship(
        &mut self,
        from: Head,
        segments: &mut Vec<SegmentEntry>,
        bytes: &mut u64,
    ) -> Result<(Head, u64), BackupError> {
        let (mut reached, mut at_us) = (from, 0);
        let (mut run, mut size): (Vec<Batch>, usize) = (Vec::new(), 0);
        loop {
            let batches = self.log.read(&reached, BATCHES_PER_READ).await?;
            let ended = batches.is_empty();
            for batch in batches {
                reached = batch.end();
                at_us = at_us.max(batch.at.0);
                if size + batch.data.len() > SEGMENT_BYTES_MAX && !run.is_empty() {
                    segments.push(self.put_segment(&run, bytes).await?);
                    (run, size) = (Vec::new(), 0);
                }
                size += batch.data.len();
                run.push(batch);
            }
            if ended {
                break;
            }
        }
        if !run.is_empty() {
            segments.push(self.put_segment(&run, bytes).await?);
        }
        Ok((reached, at_us))
    }

    async fn put_segment(&self, run: &[Batch], bytes: &mut u64) -> Result<SegmentEntry, BackupError> {
        let first = run.first().map_or(0, |batch| batch.first_sequence.0);
        let last = run
            .last()
            .map_or(0, |batch| batch.end().next_sequence.0.saturating_sub(1));
        let name = format!("{SEGMENTS}{first:020}-{last:020}");
        let plain = segment::encode(run).map_err(|error| BackupError::Seal(error.to_string()))?;
        let (object, hash) = self.put_sealed(&name, &plain, bytes).await?;
        Ok(SegmentEntry {
            object,
            hash,
            first,
            last,
        })
    }

    /// Answers the object and its hash. The hash is a part of the name, so that what an interrupted backup still sends can never
    /// take the place of what this one stores.
    async fn put_sealed(
        &self,
        name: &str,
        plain: &[u8],
        bytes: &mut u64,
    ) -> Result<(String, String), BackupError> {
        let sealed = self.recipients.seal(plain)?;
        let hash = hash_of(&sealed);
        let object = format!("{name}-{}.age", &hash[..16]);
        *bytes += u64::try_from(sealed.len()).unwrap_or_default();
        self.store.put(&object, sealed).await?;
        Ok((object, hash))
    }
}

/// The newest manifest of a store.
pub(crate) async fn newest(store: &BackupStore) -> Result<Option<Chained>, BackupError> {
    let names = store.list(MANIFESTS).await?;
    let Some(object) = names.last() else {
        return Ok(None);
    };
    Chained::read(object, &store.get(object).await?).map(Some)
}

/// The manifest before one, whose hash must be the one that it names; none before the first.
pub(crate) async fn before(store: &BackupStore, after: &Chained) -> Result<Option<Chained>, BackupError> {
    let Some(number) = after.manifest.number.checked_sub(1).filter(|number| *number > 0) else {
        return Ok(None);
    };
    let object = Manifest::object(number);
    let found = Chained::read(&object, &store.get(&object).await?)?;
    if found.hash != after.manifest.previous {
        return Err(BackupError::Chain {
            object: Manifest::object(after.manifest.number),
        });
    }
    Ok(Some(found))
}

pub(crate) fn now_us() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
