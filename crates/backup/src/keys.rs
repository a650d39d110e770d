//! The backup of the key store: exactly one generation, replaced whole, in a place of its own.
//!
//! ▸ A subject whose keys were destroyed is in no backup once the next one of the keys has run: it replaces the one object there
//! was, in one step, and has object storage forget the versions before. Until then the old object still holds those keys; so a running
//! Service takes one at once after each erasure (`ensoex serve --keys-backup`). It holds in a store that forgets what it is told to forget: a copy of the
//! folder, or a bucket with an object lock, remembers. Knows no key.

use crate::copy;
use crate::error::BackupError;
use crate::manifest::MANIFESTS;
use crate::restore::write;
use crate::seal::{Identity, Recipients};
use crate::store::BackupStore;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Folder and object.
pub(crate) const KEYS_OBJECT: (&str, &str) = ("keys/", "keys/current.age");

#[derive(Serialize, Deserialize)]
struct KeyFile {
    name: String,
    content: Vec<u8>,
}

/// The subjects' keys, in the folder of the keys.
const DATABASE: &str = "vault-keys.db";

/// Refuses a place that holds the history.
///
/// # Errors
/// [`BackupError::KeysBesideHistory`], or why the place cannot be looked at.
pub async fn check(store: &BackupStore) -> Result<(), BackupError> {
    match store.list(MANIFESTS).await?.is_empty() {
        true => Ok(()),
        false => Err(BackupError::KeysBesideHistory),
    }
}

/// Stores the keys of the Service in `service` in place of those that were stored before; answers the number of files. The subjects'
/// keys are in `database`, if they are not where they usually are (`keys/vault-keys.db`); that is where a restore puts them.
///
/// One at a time: what is read here is stored before another reads, so none ever puts older keys in the place of newer ones.
///
/// # Errors
/// [`BackupError`]; the generation before may still be there then.
pub async fn back_up(
    service: &Path,
    database: Option<&Path>,
    store: &BackupStore,
    recipients: &Recipients,
) -> Result<usize, BackupError> {
    check(store).await?;
    let folder = service.join("keys");
    let _turn = turn(&folder).await?;
    let scratch = tempfile::tempdir().map_err(BackupError::file("a temporary folder"))?;
    let mut files = Vec::new();
    let mut wanted: Vec<_> = copy::files(&folder)?
        .into_iter()
        .map(|name| (folder.join(&name), name))
        .collect();
    if let Some(database) = database {
        wanted.retain(|(_, name)| name != DATABASE);
        wanted.push((database.to_owned(), DATABASE.to_owned()));
    }
    for (path, name) in wanted {
        // The root key and the store of keys that it seals are one thing: both, or neither opens anything.
        if let Some(content) = copy::content(&path, scratch.path()).await? {
            files.push(KeyFile { name, content });
        }
    }
    if files.is_empty() {
        return Err(BackupError::Source(folder));
    }
    let plain =
        postcard::to_extend(&files, Vec::new()).map_err(|error| BackupError::Seal(error.to_string()))?;
    store.put(KEYS_OBJECT.1, recipients.seal(&plain)?).await?;
    store.forget_replaced(KEYS_OBJECT.1).await?;
    Ok(files.len())
}

/// Waits until no other process of this machine stores these keys; the turn ends with the value.
async fn turn(folder: &Path) -> Result<std::fs::File, BackupError> {
    let path = folder.to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        let folder = std::fs::File::open(&path).map_err(BackupError::file(&path))?;
        folder.lock().map_err(BackupError::file(&path))?;
        Ok(folder)
    });
    let stopped = |_| BackupError::Source(folder.to_owned());
    waiting.await.map_err(stopped)?
}

/// Puts the stored keys into the folder `keys` of a restored Service, which must have none; answers the number of files.
///
/// # Errors
/// [`BackupError`] when there are keys already, or none are stored, or they cannot be opened.
pub async fn restore(store: &BackupStore, identity: &Identity, service: &Path) -> Result<usize, BackupError> {
    let folder = service.join("keys");
    if folder.exists() {
        return Err(BackupError::NotEmpty(folder));
    }
    let plain = identity.open(KEYS_OBJECT.1, &store.get(KEYS_OBJECT.1).await?)?;
    let altered = || BackupError::Altered {
        object: KEYS_OBJECT.1.to_owned(),
    };
    let files: Vec<KeyFile> = postcard::from_bytes(&plain).map_err(|_| altered())?;
    for file in &files {
        let relative = Path::new(&file.name);
        if !relative
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
        {
            return Err(altered());
        }
        write(&folder.join(relative), &file.content)?;
    }
    Ok(files.len())
}
