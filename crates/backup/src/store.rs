//! Objects in a folder or in object storage: put, get, list, forget. Everything else sees no difference.
//!
//! What fails for a moment (a connection, a server that is busy) is tried again a few times before it is an error. An object comes into
//! being whole or not at all. Knows no manifest and no encryption.

use crate::error::BackupError;
use crate::object_storage::{self, ObjectStorage};
use opendal::{ErrorKind, Operator, services};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Largest object that is read back, in bytes.
const OBJECT_BYTES_MAX: u64 = 8 << 30;
/// Where a folder keeps what is being written, until it is whole.
const UNFINISHED: &str = "unfinished";
/// Larger objects are sent in parts of this size, in bytes.
const PART_BYTES: usize = 16 << 20;

/// A place for backups.
#[derive(Clone)]
pub struct BackupStore {
    operator: Operator,
    name: String,
}

impl BackupStore {
    /// Opens a folder (created if absent), as a path or as `file:///FOLDER`; or `s3://BUCKET/PREFIX`, found by means of `storage`.
    /// Object storage is not asked anything yet.
    ///
    /// # Errors
    /// [`BackupError`] when it is no address or cannot be used.
    pub fn open(address: &str, storage: &ObjectStorage) -> Result<BackupStore, BackupError> {
        let operator = match address.split_once("://") {
            None => folder(Path::new(address))?,
            Some(("file", path)) => folder(Path::new(path))?,
            Some(("s3", place)) => object_storage::open(place, storage)?,
            Some((kind, _)) => return Err(BackupError::Address(format!("{kind}://…"))),
        };
        Ok(BackupStore {
            operator,
            name: address.to_owned(),
        })
    }

    /// Its address, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn put(&self, object: &str, bytes: Vec<u8>) -> Result<(), BackupError> {
        let written = self.operator.write_with(object, bytes).chunk(PART_BYTES).await;
        written.map(|_| ()).map_err(self.failed(object))
    }

    /// Answers false when another object was there already.
    pub(crate) async fn put_new(&self, object: &str, bytes: Vec<u8>) -> Result<bool, BackupError> {
        let written = self.operator.write_with(object, bytes.clone());
        match written.if_not_exists(true).await {
            Ok(_) => Ok(true),
            // An answer may have been lost: then what is there is what was sent.
            Err(error) if error.kind() == ErrorKind::ConditionNotMatch => {
                Ok(self.get(object).await? == bytes)
            }
            Err(error) => Err(self.failed(object)(error)),
        }
    }

    pub(crate) async fn get(&self, object: &str) -> Result<Vec<u8>, BackupError> {
        let missing = || BackupError::Missing {
            object: object.to_owned(),
        };
        let found = self.operator.stat(object).await;
        let size = match found {
            Ok(found) => found.content_length(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(self.failed(object)(error)),
        };
        if size > OBJECT_BYTES_MAX {
            return Err(BackupError::Altered {
                object: object.to_owned(),
            });
        }
        match self.operator.read(object).await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(self.failed(object)(error)),
        }
    }

    /// An object whose hash must be this one.
    pub(crate) async fn get_checked(&self, object: &str, hash: &str) -> Result<Vec<u8>, BackupError> {
        let bytes = self.get(object).await?;
        if hash_of(&bytes) != hash {
            return Err(BackupError::Altered {
                object: object.to_owned(),
            });
        }
        Ok(bytes)
    }

    /// Names right below a prefix that ends with a slash, sorted.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, BackupError> {
        let listed = match self.operator.list(prefix).await {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.failed(prefix)(error)),
        };
        let names = listed.iter().map(|entry| entry.path().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with('/')).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Forgets the versions of an object that were replaced, where the storage keeps them; answers how many there were.
    pub(crate) async fn forget_replaced(&self, object: &str) -> Result<usize, BackupError> {
        let can = self.operator.info().capability();
        if !(can.list_with_versions && can.delete_with_version) {
            return Ok(0);
        }
        let cannot = |source| BackupError::Remembers { source };
        let listed = match self.operator.list_with(object).versions(true).await {
            Ok(listed) => listed,
            // Storage that has no versions at all says so.
            Err(error) if error.to_string().contains("NotImplemented") => return Ok(0),
            Err(error) => return Err(cannot(error)),
        };
        let mut forgotten = 0;
        for entry in listed {
            let found = entry.metadata();
            let Some(version) = found.version() else {
                continue;
            };
            if entry.path() != object || found.is_current() == Some(true) {
                continue;
            }
            let deleted = self.operator.delete_with(object).version(version).await;
            deleted.map_err(cannot)?;
            forgotten += 1;
        }
        Ok(forgotten)
    }

    fn failed(&self, what: &str) -> impl FnOnce(opendal::Error) -> BackupError {
        let (what, store) = (what.to_owned(), self.name.clone());
        move |source| match source.kind() {
            // The library has no kinds of their own for a bucket that is not there and for credentials that are not.
            ErrorKind::ConfigInvalid if source.to_string().contains("NoSuchBucket") => {
                BackupError::NoBucket(store)
            }
            _ if source.to_string().contains("failed to load signing credential") => {
                BackupError::Credentials(store)
            }
            ErrorKind::PermissionDenied => BackupError::Refused { store, source },
            _ => BackupError::Store { what, source },
        }
    }
}

/// SHA-256 in hex.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn folder(path: &Path) -> Result<Operator, BackupError> {
    std::fs::create_dir_all(path).map_err(BackupError::file(path))?;
    let path = path.canonicalize().map_err(BackupError::file(path))?;
    let unfinished = path.join(UNFINISHED);
    let text = |path: &Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| BackupError::Address(path.display().to_string()))
    };
    let builder = services::Fs::default()
        .root(&text(&path)?)
        .atomic_write_dir(&text(&unfinished)?);
    Operator::new(builder).map_err(|source| BackupError::Store {
        what: "opening the folder".to_owned(),
        source,
    })
}
