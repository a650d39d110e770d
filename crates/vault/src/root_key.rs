//! The root key: 256 random bits under which the service keys are sealed, in a file that only its owner can read.
//!
//! It does not know which keys those are. A new root key lies beside the old one until everything is sealed under it; then it takes
//! the old one's place, whose bytes are overwritten. A stop between any two steps leaves a key that opens the vault. The file
//! holds the key itself, or the key sealed by a token ([`crate::token`]).

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::sealing::{self, Context, Key, random_key};
use crate::token::TokenSettings;

const FIRST_LINE: &str = "ensoex vault root key v1\n";
const FIRST_LINE_SEALED: &str = "ensoex vault root key v1, sealed by a token\n";
const FILE_BYTES_MAX: u64 = 16 << 10;

/// A root key that can be used.
pub(crate) struct RootKey(Key);

impl RootKey {
    pub(crate) fn seal(&self, context: &Context, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        sealing::seal(&self.0, context, plain)
    }

    /// Decrypts; `None` if it is another root key, or the bytes or their context are others.
    pub(crate) fn unseal(
        &self,
        context: &Context,
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(sealing::unseal(&self.0, context, sealed))
    }

    /// Decrypts a key; `None` as for [`RootKey::unseal`].
    pub(crate) fn unseal_key(&self, context: &Context, sealed: &[u8]) -> Result<Option<Key>, VaultError> {
        Ok(self
            .unseal(context, sealed)?
            .and_then(|plain| sealing::key(&plain)))
    }
}

/// Where a root key lies before it takes the place of the one at `path`.
pub(crate) fn next(path: &Path) -> PathBuf {
    path.with_extension("key.next")
}

/// Reads the root key; `None` if the file does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<RootKey>, VaultError> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(VaultError::file(path)(error)),
    };
    let mode = file.metadata().map_err(VaultError::file(path))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::RootKeyPermissions {
            path: path.to_path_buf(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    let malformed = || VaultError::RootKeyMalformed {
        path: path.to_path_buf(),
    };
    Read::take(&mut file, FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|_| malformed())?;
    if let Some((digits, token)) = text
        .strip_prefix(FIRST_LINE_SEALED)
        .and_then(|rest| rest.split_once('\n'))
    {
        let sealed = hex::decode(digits).map_err(|_| malformed())?;
        let token: TokenSettings = serde_json::from_str(token).map_err(|_| malformed())?;
        let key = sealing::key(&token.unseal(&sealed)?).ok_or_else(malformed)?;
        return Ok(Some(RootKey(key)));
    }
    let digits = text.strip_prefix(FIRST_LINE).ok_or_else(malformed)?.trim_end();
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, &mut *key).map_err(|_| malformed())?;
    Ok(Some(RootKey(key)))
}

/// Makes a new root key and its file, durably.
pub(crate) fn create(path: &Path) -> Result<RootKey, VaultError> {
    let key = random_key()?;
    let text = match TokenSettings::beside(path)? {
        Some(token) => {
            let sealed = hex::encode(token.seal(&*key)?);
            let settings = serde_json::to_string(&token).map_err(|_| VaultError::Token {
                what: "its settings are no text".to_owned(),
            })?;
            Zeroizing::new(format!("{FIRST_LINE_SEALED}{sealed}\n{settings}\n"))
        }
        None => Zeroizing::new(format!("{FIRST_LINE}{}\n", *Zeroizing::new(hex::encode(*key)))),
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(VaultError::file(path))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(VaultError::file(path))?;
    sync_directory(path)?;
    Ok(RootKey(key))
}

/// Writes a private file as a whole, in the place of one that may be there.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(VaultError::file(&unfinished))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(VaultError::file(&unfinished))?;
    fs::rename(&unfinished, path).map_err(VaultError::file(path))?;
    sync_directory(path)
}

/// Destroys the root key at `path`, as far as a file system can, and puts the next one in its place.
pub(crate) fn replace(path: &Path) -> Result<(), VaultError> {
    overwrite(path)?;
    fs::rename(next(path), path).map_err(VaultError::file(path))?;
    sync_directory(path)
}

/// Destroys a next root key under which nothing was sealed, if there is one.
pub(crate) fn discard_next(path: &Path) -> Result<(), VaultError> {
    let next = next(path);
    overwrite(&next)?;
    match fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(VaultError::file(&next)(error)),
        _ => sync_directory(path),
    }
}

/// Writes zeros over a file, if it exists.
fn overwrite(path: &Path) -> Result<(), VaultError> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VaultError::file(path)(error)),
    };
    let bytes = file
        .metadata()
        .map_err(VaultError::file(path))?
        .len()
        .min(FILE_BYTES_MAX);
    file.write_all(&vec![0; bytes as usize])
        .and_then(|()| file.sync_all())
        .map_err(VaultError::file(path))
}

fn sync_directory(path: &Path) -> Result<(), VaultError> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(VaultError::file(directory))
}
