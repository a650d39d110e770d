//! The root key file: 256 random bits under which every other key is sealed.
//!
//! It does not know which keys those are. The file is private to its owner, or the vault does not open.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::sealing::{Key, random_key};

const FIRST_LINE: &str = "ensoex vault root key v1\n";
const FILE_BYTES_MAX: u64 = 256;

/// Reads the root key; `None` if the file does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Key>, VaultError> {
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
    let digits = text.strip_prefix(FIRST_LINE).ok_or_else(malformed)?.trim_end();
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, &mut *key).map_err(|_| malformed())?;
    Ok(Some(key))
}

/// Makes a new root key and its file, durably.
pub(crate) fn create(path: &Path) -> Result<Key, VaultError> {
    let key = random_key()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(VaultError::file(path))?;
    let text = Zeroizing::new(format!("{FIRST_LINE}{}\n", *Zeroizing::new(hex::encode(*key))));
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(VaultError::file(path))?;
    if let Some(directory) = path.parent() {
        fs::File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(VaultError::file(directory))?;
    }
    Ok(key)
}
