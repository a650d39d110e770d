//! The append-only log of published versions: what applied when.
//!
//! `policy-log.jsonl` has one line a version. Each line holds the SHA-256 hash of the line before,
//! so that a changed line is noticed at the next; the texts lie beside it under their own hash. The lines are also the leaves
//! of a Merkle tree, and `policy-head.json` keeps the newest signed head: a log that was written anew, chain and all, does
//! not continue it. Time is an input. It does not know who acknowledged what.
//!
//! States of a version: published, then in force from `effective_at` on, then replaced by a later one. A later one that takes
//! effect first replaces an earlier one that waits: that never comes into force.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ensoex_merkle::{Tree, leaf_hash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::bundle::Bundle;
use crate::document::{DocumentKind, Language};
use crate::error::{HeadError, LogError};
use crate::hash::VersionHash;
use crate::signer::HeadSigner;
use crate::transparency::{ProvenVersion, SignedHead};

/// Longest summary of a version's changes, in characters.
pub const SUMMARY_CHARACTERS_MAX: usize = 500;
/// Largest log that is read, in bytes: thousands of versions.
pub const POLICY_LOG_BYTES_MAX: u64 = 16 << 20;
const HEAD_FILE: &str = "policy-head.json";
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
    chain: Chain,
}

/// The lines of a log, each of which follows from the one before.
#[derive(Clone)]
struct Chain {
    versions: Vec<PublishedVersion>,
    lines: Vec<String>,
    tree: Tree,
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
            chain: Chain::empty(),
        };
        log.locked(|_, _| Ok(()))?;
        Ok(log)
    }

    /// A log of these lines, which lies nowhere: to be checked, not to be published in.
    ///
    /// # Errors
    /// [`LogError::Tampered`].
    pub fn of_text(text: &str) -> Result<Self, LogError> {
        Ok(Self {
            directory: PathBuf::new(),
            chain: Chain::checked(text)?,
        })
    }

    /// The same log with its texts in this directory.
    #[must_use]
    pub fn with_texts_in(self, directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            ..self
        }
    }

    /// Reads what others have published since; gives whether there was anything.
    ///
    /// # Errors
    /// [`LogError::File`], [`LogError::Tampered`], and [`LogError::NotContinued`] if what was there is no longer; the log then
    /// stays as it was.
    pub fn refresh(&mut self) -> Result<bool, LogError> {
        let before = self.chain.clone();
        let read =
            self.locked(|log, _| Ok(log.chain.tree.root_at(before.tree.size()) == Some(before.tree.root())));
        match read {
            Ok(true) => Ok(self.chain.tree.size() > before.tree.size()),
            Ok(false) => {
                let size = before.tree.size();
                self.chain = before;
                Err(self.not_continued(size))
            }
            Err(error) => {
                self.chain = before;
                Err(error)
            }
        }
    }

    /// The file of the log in this directory.
    pub fn file(directory: &Path) -> PathBuf {
        directory.join(LOG_FILE)
    }

    /// Publishes a bundle at `at`, durably. It takes effect at once unless `effective_at` says later.
    ///
    /// # Errors
    /// As [`PolicyLog::publish_now`].
    pub fn publish(
        &mut self,
        bundle: &Bundle,
        at: OffsetDateTime,
        effective_at: Option<OffsetDateTime>,
        summary: &str,
    ) -> Result<PublishedVersion, LogError> {
        self.publish_now(bundle, || at, effective_at, summary)
    }

    /// The same at the time of `clock`, which is read once no other publication is under way.
    ///
    /// # Errors
    /// [`LogError::EffectiveBeforePublication`], [`LogError::BackDated`], [`LogError::Unchanged`],
    /// [`LogError::Summary`], [`LogError::File`].
    pub fn publish_now(
        &mut self,
        bundle: &Bundle,
        clock: impl FnOnce() -> OffsetDateTime,
        effective_at: Option<OffsetDateTime>,
        summary: &str,
    ) -> Result<PublishedVersion, LogError> {
        let characters = summary.trim().chars().count();
        if characters == 0 || characters > SUMMARY_CHARACTERS_MAX || summary.chars().any(char::is_control) {
            return Err(LogError::Summary {
                characters_max: SUMMARY_CHARACTERS_MAX,
            });
        }
        self.locked(|log, file| {
            let at = clock();
            let effective_at = effective_at.unwrap_or(at);
            if effective_at < at {
                return Err(LogError::EffectiveBeforePublication);
            }
            if let Some(last) = log.chain.versions.last() {
                if at < last.published_at {
                    return Err(LogError::BackDated);
                }
                if last.hash == *bundle.hash() {
                    return Err(LogError::Unchanged);
                }
            }
            let version = PublishedVersion {
                version: log.chain.versions.len() as u64 + 1,
                hash: *bundle.hash(),
                published_at: at,
                effective_at,
                summary: summary.trim().to_owned(),
                previous: log.chain.last.clone(),
            };
            log.keep_texts(bundle)?;
            let path = PolicyLog::file(&log.directory);
            let line = serde_json::to_string(&version).map_err(|error| json_error(&path, error))?;
            file.write_all(format!("{line}\n").as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(file_error(&path))?;
            log.chain.push(line, version.clone());
            Ok(version)
        })
    }

    /// The version that applied at `at`: of those that had taken effect, the one published last. `None` before the first.
    pub fn in_force(&self, at: OffsetDateTime) -> Option<&PublishedVersion> {
        let mut newest_first = self.chain.versions.iter().rev();
        newest_first.find(|version| version.effective_at <= at)
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &[PublishedVersion] {
        &self.chain.versions
    }

    /// The version with this number, from 1.
    pub fn numbered(&self, version: u64) -> Option<&PublishedVersion> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.chain.versions.get(index)
    }

    /// The lines of the log as they are in its file, each ended by a line feed.
    pub fn text(&self) -> String {
        self.chain.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The log's size and root under this key. The same log has the same head.
    pub fn head(&self, signer: &HeadSigner) -> SignedHead {
        SignedHead::sign(self.chain.tree.size(), &self.chain.tree.root(), signer)
    }

    /// A version with the proof that it is in the log; `None` if there is no version of this number.
    pub fn inclusion(&self, version: u64) -> Option<ProvenVersion> {
        let index = version.checked_sub(1)?;
        let leaf = self.chain.lines.get(usize::try_from(index).ok()?)?.clone();
        let size = self.chain.tree.size();
        let proof = self.chain.tree.inclusion(index, size)?;
        let proof = proof.iter().map(hex::encode).collect();
        Some(ProvenVersion {
            leaf,
            index,
            size,
            proof,
        })
    }

    /// The proof (hexadecimal) that the log of `second` versions continues the one of `first`; `None` unless
    /// `0 < first ≤ second ≤` the number of versions.
    pub fn consistency(&self, first: u64, second: u64) -> Option<Vec<String>> {
        let proof = self.chain.tree.consistency(first, second)?;
        Some(proof.iter().map(hex::encode).collect())
    }

    /// Whether this is the log that the head was signed for, or has grown out of it.
    ///
    /// # Errors
    /// [`HeadError::Shorter`], [`HeadError::OtherLog`].
    pub fn continues(&self, head: &SignedHead) -> Result<(), HeadError> {
        let size = head.size;
        match self.chain.tree.root_at(size) {
            None => Err(HeadError::Shorter {
                versions: self.chain.tree.size(),
                size,
            }),
            Some(root) if hex::encode(root) == head.root => Ok(()),
            Some(_) => Err(HeadError::OtherLog { size }),
        }
    }

    /// Reads the log again, checks it against the head that was kept beside it, if one was, and keeps the head of now.
    ///
    /// # Errors
    /// [`LogError::NotContinued`] if the log is not what this key last signed; [`LogError::File`].
    pub fn keep_head(&mut self, signer: &HeadSigner) -> Result<SignedHead, LogError> {
        // One process at a time, so that an older head never replaces a newer one.
        self.locked(|log, _| {
            let path = log.directory.join(HEAD_FILE);
            match fs::read(&path) {
                Ok(json) => {
                    let kept = SignedHead::verified(&json, Some(&signer.public_key()));
                    let kept = kept.map_err(|_| log.not_continued(0))?;
                    log.continues(&kept).map_err(|_| log.not_continued(kept.size))?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(file_error(&path)(error)),
            }
            let head = log.head(signer);
            let json = serde_json::to_vec_pretty(&head).map_err(|error| json_error(&path, error))?;
            write_whole(&path, &json)?;
            Ok(head)
        })
    }

    fn not_continued(&self, size: u64) -> LogError {
        LogError::NotContinued {
            size,
            path: Self::file(&self.directory),
        }
    }

    /// The version with this hash: the newest, if the same texts were published again.
    pub fn version(&self, hash: &VersionHash) -> Option<&PublishedVersion> {
        let mut newest_first = self.chain.versions.iter().rev();
        newest_first.find(|version| version.hash == *hash)
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
        let json = serde_json::to_vec_pretty(&bundle.archive()).map_err(|error| json_error(&path, error))?;
        write_whole(&path, &json)
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
        let length = file.metadata().map_err(file_error(&path))?.len();
        if length > POLICY_LOG_BYTES_MAX {
            let large = format!("it is larger than {POLICY_LOG_BYTES_MAX} bytes");
            return Err(file_error(&path)(std::io::Error::other(large)));
        }
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
        self.chain = Chain::checked(&text)?;
        change(self, &mut file)
    }
}

impl Chain {
    fn empty() -> Self {
        Self {
            versions: Vec::new(),
            lines: Vec::new(),
            tree: Tree::default(),
            last: NO_LINE.to_owned(),
        }
    }

    /// The lines of a log whose every line follows from the one before.
    fn checked(text: &str) -> Result<Self, LogError> {
        let mut chain = Self::empty();
        for (index, line) in text.lines().enumerate() {
            let tampered = LogError::Tampered { line: index + 1 };
            let Ok(version) = serde_json::from_str::<PublishedVersion>(line) else {
                return Err(tampered);
            };
            let follows = version.previous == chain.last
                && version.version == index as u64 + 1
                && version.effective_at >= version.published_at
                && chain
                    .versions
                    .last()
                    .is_none_or(|before| before.published_at <= version.published_at);
            if !follows {
                return Err(tampered);
            }
            chain.push(line.to_owned(), version);
        }
        Ok(chain)
    }

    fn push(&mut self, line: String, version: PublishedVersion) {
        self.last = line_hash(&line);
        self.tree.append(leaf_hash(line.as_bytes()));
        self.lines.push(line);
        self.versions.push(version);
    }
}

/// Writes a file so that it is whole or as it was before, durably.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LogError> {
    let unfinished = path.with_extension("json.unfinished");
    let mut file = File::create(&unfinished).map_err(file_error(&unfinished))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(file_error(&unfinished))?;
    fs::rename(&unfinished, path).map_err(file_error(path))?;
    let directory = path.parent().unwrap_or(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(file_error(directory))
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
