//! Objects in a folder: put, get, list. Only here is it known that it is one, so that other kinds of storage come here.
//! Knows no manifest and no encryption.

use crate::error::BackupError;
use opendal::{ErrorKind, Operator, services};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Largest object that is read back, in bytes.
const OBJECT_BYTES_MAX: u64 = 8 << 30;
/// Where a folder keeps what is being written, until it is whole.
const UNFINISHED: &str = "unfinished";

/// A place for backups.
#[derive(Clone)]
pub struct BackupStore {
    operator: Operator,
    name: String,
}

impl BackupStore {
    /// Opens a folder (created if absent), as a path or as `file:///FOLDER`.
    ///
    /// # Errors
    /// [`BackupError`] when it is no address or cannot be used.
    pub fn open(address: &str) -> Result<BackupStore, BackupError> {
        let operator = match address.split_once("://") {
            None => folder(Path::new(address))?,
            Some(("file", path)) => folder(Path::new(path))?,
            Some(_) => return Err(BackupError::Address(address.to_owned())),
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
        let written = self.operator.write(object, bytes).await;
        written.map(|_| ()).map_err(failed(object))
    }

    /// Answers false when the object was there already.
    pub(crate) async fn put_new(&self, object: &str, bytes: Vec<u8>) -> Result<bool, BackupError> {
        match self.operator.write_with(object, bytes).if_not_exists(true).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(false),
            Err(error) => Err(failed(object)(error)),
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
            Err(error) => return Err(failed(object)(error)),
        };
        if size > OBJECT_BYTES_MAX {
            return Err(BackupError::Altered {
                object: object.to_owned(),
            });
        }
        match self.operator.read(object).await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(failed(object)(error)),
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
            Err(error) => return Err(failed(prefix)(error)),
        };
        let names = listed.iter().map(|entry| entry.path().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with('/')).collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// SHA-256 in hex.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn failed(what: &str) -> impl FnOnce(opendal::Error) -> BackupError {
    let what = what.to_owned();
    move |source| BackupError::Store { what, source }
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
    Operator::new(builder).map_err(failed("opening the folder"))
}
