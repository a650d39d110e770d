//! The append-only log of published versions: what applied when.
//!
//! `policy-log.jsonl` has one line a version. Each line holds the SHA-256 hash of the line before,
//! so that a changed line is noticed at the next; the texts lie beside it under their own hash. Time
//! is an input. It does not know who acknowledged what.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::bundle::Bundle;
use crate::document::{DocumentKind, Language};
use crate::error::LogError;
use crate::hash::VersionHash;

/// Longest summary of a version's changes, in characters.
pub const SUMMARY_CHARACTERS_MAX: usize = 500;
const LOG_FILE: &str = "policy-log.jsonl";
const BUNDLES: &str = "policy-bundles";
const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A published version. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedVersion {
    /// Its number, from 1.
    pub version: u64,
    /// The hash of its texts.
    pub hash: VersionHash,
    /// When it was published.
    #[serde(with = "time::serde::rfc3339")]
    pub published_at: OffsetDateTime,
    /// From when it applies.
    #[serde(with = "time::serde::rfc3339")]
    pub effective_at: OffsetDateTime,
    /// What changed, in a sentence.
    pub summary: String,
    /// The SHA-256 hash of the line before in the log, hexadecimal; zeros for the first.
    pub previous: String,
}

/// The log of versions.
pub struct PolicyLog {
    directory: PathBuf,
    versions: Vec<PublishedVersion>,
    /// Hash of the last line.
    last: String,
}

impl PolicyLog {
    /// Opens the log in this directory, which is made when there is none, and checks every line. A
    /// last line that a crash left unfinished was never acknowledged and is cut off.
    ///
    /// # Errors
    /// [`LogError::File`], [`LogError::Tampered`].
    pub fn open(directory: &Path) -> Result<Self, LogError> {
        let bundles = directory.join(BUNDLES);
        fs::create_dir_all(&bundles).map_err(file_error(&bundles))?;
        let mut log = Self {
            directory: directory.to_path_buf(),
            versions: Vec::new(),
            last: NO_LINE.to_owned(),
        };
        log.locked(|_, _| Ok(()))?;
        Ok(log)
    }

    /// The file of the log in this directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join(LOG_FILE)
    }

    /// Publishes a bundle at `at`, durably. It takes effect at once unless `effective_at` says later.
    ///
    /// # Errors
    /// [`LogError::EffectiveBeforePublication`], [`LogError::BackDated`], [`LogError::Unchanged`],
    /// [`LogError::Summary`], [`LogError::File`].
    pub fn publish(
        &mut self,
        bundle: &Bundle,
        at: OffsetDateTime,
        effective_at: Option<OffsetDateTime>,
        summary: &str,
    ) -> Result<PublishedVersion, LogError> {
        let effective_at = effective_at.unwrap_or(at);
        if effective_at < at {
            return Err(LogError::EffectiveBeforePublication);
        }
        let characters = summary.trim().chars().count();
        if characters == 0 || characters > SUMMARY_CHARACTERS_MAX || summary.chars().any(char::is_control) {
            return Err(LogError::Summary {
                characters_max: SUMMARY_CHARACTERS_MAX,
            });
        }
        self.locked(|log, file| {
            if let Some(last) = log.versions.last() {
                if at < last.published_at {
                    return Err(LogError::BackDated);
                }
                if last.hash == *bundle.hash() {
                    return Err(LogError::Unchanged);
                }
            }
            let version = PublishedVersion {
                version: log.versions.len() as u64 + 1,
                hash: *bundle.hash(),
                published_at: at,
                effective_at,
                summary: summary.trim().to_owned(),
                previous: log.last.clone(),
            };
            log.keep_texts(bundle)?;
            let path = PolicyLog::file(&log.directory);
            let mut line = serde_json::to_string(&version).map_err(|error| json_error(&path, error))?;
            line.push('\n');
            file.write_all(line.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(file_error(&path))?;
            log.last = line_hash(line.trim_end());
            log.versions.push(version.clone());
            Ok(version)
        })
    }

    /// The version that applied at `at`: of those that had taken effect, the one that did so last.
    /// `None` before the first.
    pub fn in_force(&self, at: OffsetDateTime) -> Option<&PublishedVersion> {
        let effective = self.versions.iter().filter(|version| version.effective_at <= at);
        effective.max_by_key(|version| (version.effective_at, version.version))
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &[PublishedVersion] {
        &self.versions
    }

    /// The version with this hash: the newest, if the same texts were published again.
    pub fn version(&self, hash: &VersionHash) -> Option<&PublishedVersion> {
        self.versions.iter().rev().find(|version| version.hash == *hash)
    }

    /// The texts of a published version; `None` if no version has this hash.
    ///
    /// # Errors
    /// [`LogError::BundleTampered`] if the texts are missing or have another hash.
    pub fn bundle(&self, hash: &VersionHash) -> Result<Option<Bundle>, LogError> {
        if self.version(hash).is_none() {
            return Ok(None);
        }
        let tampered = || LogError::BundleTampered { hash: *hash };
        let json = fs::read(self.bundle_path(hash)).map_err(|_| tampered())?;
        let texts: BTreeMap<Language, BTreeMap<DocumentKind, String>> =
            serde_json::from_slice(&json).map_err(|_| tampered())?;
        let bundle = Bundle::from_archive(&texts).map_err(|_| tampered())?;
        if bundle.hash() == hash {
            Ok(Some(bundle))
        } else {
            Err(tampered())
        }
    }

    fn bundle_path(&self, hash: &VersionHash) -> PathBuf {
        self.directory
            .join(BUNDLES)
            .join(format!("{}.json", hash.digits()))
    }

    /// Writes the texts under their hash, before any line names them.
    fn keep_texts(&self, bundle: &Bundle) -> Result<(), LogError> {
        let path = self.bundle_path(bundle.hash());
        let unfinished = path.with_extension("json.unfinished");
        let json = serde_json::to_vec_pretty(&bundle.archive()).map_err(|error| json_error(&path, error))?;
        let mut file = File::create(&unfinished).map_err(file_error(&unfinished))?;
        file.write_all(&json)
            .and_then(|()| file.sync_all())
            .map_err(file_error(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(file_error(&path))?;
        let directory = self.directory.join(BUNDLES);
        File::open(&directory)
            .and_then(|directory| directory.sync_all())
            .map_err(file_error(&directory))
    }

    /// Runs `change` as the only process at the log, after reading what others have written.
    fn locked<T>(
        &mut self,
        change: impl FnOnce(&mut Self, &mut File) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let path = PolicyLog::file(&self.directory);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(file_error(&path))?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_string(&mut text))
            .map_err(file_error(&path))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64)
                .and_then(|()| file.sync_all())
                .map_err(file_error(&path))?;
            text.truncate(whole);
        }
        (self.versions, self.last) = checked(&text)?;
        change(self, &mut file)
    }
}

/// The versions of a log whose every line follows from the one before, and the last line's hash.
fn checked(text: &str) -> Result<(Vec<PublishedVersion>, String), LogError> {
    let mut versions: Vec<PublishedVersion> = Vec::new();
    let mut last = NO_LINE.to_owned();
    for (index, line) in text.lines().enumerate() {
        let tampered = LogError::Tampered { line: index + 1 };
        let Ok(version) = serde_json::from_str::<PublishedVersion>(line) else {
            return Err(tampered);
        };
        let follows = version.previous == last
            && version.version == index as u64 + 1
            && version.effective_at >= version.published_at
            && versions
                .last()
                .is_none_or(|before| before.published_at <= version.published_at);
        if !follows {
            return Err(tampered);
        }
        last = line_hash(line);
        versions.push(version);
    }
    Ok((versions, last))
}

fn line_hash(line: &str) -> String {
    hex::encode(Sha256::digest(line.as_bytes()))
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> LogError {
    let path = path.to_path_buf();
    move |source| LogError::File { path, source }
}

fn json_error(path: &Path, error: serde_json::Error) -> LogError {
    file_error(path)(std::io::Error::from(error))
}
