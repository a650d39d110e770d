//! Manifests: what a generation consists of, chained by hashes. Knows no storage and no encryption.

use crate::error::BackupError;
use crate::store::hash_of;
use ensoex_log::Head;
use ensoex_types::Sequence;
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: u32 = 1;
/// Folder of the manifests in a store.
pub(crate) const MANIFESTS: &str = "manifests/";
/// Folder of the log's segments.
pub(crate) const SEGMENTS: &str = "log/";
/// Folder of copies of databases and files.
pub(crate) const FILES: &str = "files/";

/// One generation of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How it is written; 1.
    pub format: u32,
    /// From 1, without gaps.
    pub number: u64,
    /// SHA-256 of the manifest before, in hex; empty for the first.
    pub previous: String,
    /// It names the whole log and all files; otherwise the log since the one before only.
    pub full: bool,
    /// When it was made, in microseconds since 1970.
    pub made_at_us: u64,
    /// Sequence that the next command would have got.
    pub next_sequence: u64,
    /// Hash of the last batch, in hex.
    pub log_hash: String,
    /// Epoch of the last batch's writer.
    pub log_epoch: u64,
    /// When the last batch was stamped, in microseconds since 1970; 0 in an empty log.
    pub log_at_us: u64,
    /// The log's segments, in order.
    pub segments: Vec<SegmentEntry>,
    /// Copies of databases and files; empty unless it is full.
    pub files: Vec<StoredFile>,
    /// Whom the objects are sealed to.
    pub recipients: Vec<String>,
}

/// A run of batches in one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Its object.
    pub object: String,
    /// SHA-256 of the object, in hex.
    pub hash: String,
    /// First command in it.
    pub first: u64,
    /// Last command in it.
    pub last: u64,
}

/// A file in one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where it belongs, below the Service's folder, with slashes.
    pub path: String,
    /// Its object.
    pub object: String,
    /// SHA-256 of the object, in hex.
    pub hash: String,
}

impl Manifest {
    /// Where its log ends.
    pub(crate) fn head(&self) -> Option<Head> {
        let hash = hex::decode(&self.log_hash).ok()?.try_into().ok()?;
        Some(Head {
            epoch: self.log_epoch,
            next_sequence: Sequence(self.next_sequence),
            hash,
        })
    }

    /// Last command in it; 0 when there is none.
    pub fn last_sequence(&self) -> u64 {
        self.next_sequence.saturating_sub(1)
    }

    pub(crate) fn object(number: u64) -> String {
        format!("{MANIFESTS}{number:020}.json")
    }

    pub(crate) fn read(object: &str, bytes: &[u8]) -> Result<Manifest, BackupError> {
        let wrong = |why: String| BackupError::Manifest {
            object: object.to_owned(),
            why,
        };
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!(
                "it has format {}, this version reads {FORMAT}",
                manifest.format
            )));
        }
        if Manifest::object(manifest.number) != object || manifest.head().is_none() {
            return Err(wrong(
                "it is another one's, or its hash of the log is none".to_owned(),
            ));
        }
        Ok(manifest)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, BackupError> {
        serde_json::to_vec_pretty(self).map_err(|error| BackupError::Manifest {
            object: Manifest::object(self.number),
            why: error.to_string(),
        })
    }
}

/// A manifest with the hash by which the next one names it.
#[derive(Clone, Debug)]
pub(crate) struct Chained {
    pub(crate) manifest: Manifest,
    pub(crate) hash: String,
}

impl Chained {
    pub(crate) fn read(object: &str, bytes: &[u8]) -> Result<Chained, BackupError> {
        Ok(Chained {
            manifest: Manifest::read(object, bytes)?,
            hash: hash_of(bytes),
        })
    }
}
