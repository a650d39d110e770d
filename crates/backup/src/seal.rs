//! Sealing objects to recipients and opening them with an identity, in the age format (age-encryption.org/v1), so that what is stored can
//! also be opened with any other program that speaks it. Knows no object's meaning.

use crate::error::BackupError;
use age::x25519;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;

/// Recipients of a backup at the most.
const RECIPIENTS_MAX: usize = 16;
/// Longest file with identities, in bytes.
const IDENTITY_BYTES_MAX: u64 = 64 * 1024;

/// Whom objects are sealed to: any one of them can open.
#[derive(Clone)]
pub struct Recipients {
    keys: Vec<x25519::Recipient>,
}

impl Recipients {
    /// Reads `age1…` texts.
    ///
    /// # Errors
    /// [`BackupError::Recipient`] names the text that is none; [`BackupError::Recipients`] when there is none or too many.
    pub fn read(texts: &[String]) -> Result<Recipients, BackupError> {
        if texts.is_empty() || texts.len() > RECIPIENTS_MAX {
            return Err(BackupError::Recipients(RECIPIENTS_MAX));
        }
        let key = |text: &String| {
            x25519::Recipient::from_str(text).map_err(|_| BackupError::Recipient(text.clone()))
        };
        Ok(Recipients {
            keys: texts.iter().map(key).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.keys.iter().map(ToString::to_string).collect()
    }

    /// Seals bytes, so that any one of them can open them.
    ///
    /// # Errors
    /// [`BackupError::Seal`].
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, BackupError> {
        let failed = |error: &dyn std::fmt::Display| BackupError::Seal(error.to_string());
        let keys = self.keys.iter().map(|key| key as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(keys).map_err(|error| failed(&error))?;
        let mut sealed = Vec::with_capacity(plain.len() + plain.len() / 1_024 + 1_024);
        let mut writer = encryptor
            .wrap_output(&mut sealed)
            .map_err(|error| failed(&error))?;
        writer.write_all(plain).map_err(|error| failed(&error))?;
        writer.finish().map_err(|error| failed(&error))?;
        Ok(sealed)
    }
}

/// What opens objects. Has no Debug and no Display.
pub struct Identity {
    keys: Vec<x25519::Identity>,
}

impl Identity {
    /// Reads a file with one identity a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`BackupError`] when it cannot be read or holds none.
    pub fn read(path: &Path) -> Result<Identity, BackupError> {
        let file = std::fs::File::open(path).map_err(BackupError::file(path))?;
        let mut text = String::new();
        file.take(IDENTITY_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(BackupError::file(path))?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<_>, _> = lines.map(x25519::Identity::from_str).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Identity { keys }),
            _ => Err(BackupError::Identity {
                path: path.to_owned(),
            }),
        }
    }

    /// Opens an object of a backup; `object` is its name, for the error.
    ///
    /// # Errors
    /// [`BackupError::Unseal`] when it is sealed to others, or is not whole.
    pub fn open(&self, object: &str, sealed: &[u8]) -> Result<Vec<u8>, BackupError> {
        let failed = |error: &dyn std::fmt::Display| BackupError::Unseal {
            object: object.to_owned(),
            why: error.to_string(),
        };
        let decryptor = age::Decryptor::new_buffered(sealed).map_err(|error| failed(&error))?;
        let keys = self.keys.iter().map(|key| key as &dyn age::Identity);
        let mut reader = decryptor.decrypt(keys).map_err(|error| failed(&error))?;
        let mut plain = Vec::with_capacity(sealed.len());
        reader.read_to_end(&mut plain).map_err(|error| failed(&error))?;
        Ok(plain)
    }
}

/// Makes an identity and writes it to a new file that only its owner may read; answers its recipient.
///
/// # Errors
/// [`BackupError::File`], also when the file is there already.
pub fn new_identity(path: &Path) -> Result<String, BackupError> {
    use age::secrecy::ExposeSecret;
    use std::os::unix::fs::OpenOptionsExt;
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(BackupError::file(path))?;
    let secret = identity.to_string();
    let written = writeln!(file, "# recipient: {recipient}\n{}", secret.expose_secret());
    written
        .and_then(|()| file.sync_all())
        .map_err(BackupError::file(path))?;
    Ok(recipient)
}
