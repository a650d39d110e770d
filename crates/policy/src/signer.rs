//! The keys that sign receipts and heads of the log of versions, each in a file of its own that is private to its owner.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::error::SignerError;

const FILE_BYTES_MAX: u64 = 256;

/// Signs receipts with an Ed25519 key.
pub struct ReceiptSigner(KeyFile);

impl ReceiptSigner {
    /// Reads the key file, and makes it (mode 0600) when there is none.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn open(path: &Path) -> Result<Self, SignerError> {
        KeyFile::open(path, "ensoex receipt signing key v1\n").map(Self)
    }

    /// The public key, to be published so that anybody can check receipts.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes)
    }
}

/// Signs heads of the log of versions with an Ed25519 key that signs nothing else.
pub struct HeadSigner(KeyFile);

impl HeadSigner {
    /// Reads the key file, and makes it (mode 0600) when there is none.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn open(path: &Path) -> Result<Self, SignerError> {
        KeyFile::open(path, "ensoex policy log signing key v1\n").map(Self)
    }

    /// The public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes)
    }
}

/// An Ed25519 key in a file whose first line says what it is for.
struct KeyFile {
    key: SigningKey,
}

impl KeyFile {
    fn open(path: &Path, first_line: &str) -> Result<Self, SignerError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file, first_line),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path, first_line),
            Err(source) => Err(SignerError::KeyFile {
                path: path.to_path_buf(),
                source,
            }),
        }
    }

    fn read(path: &Path, file: File, first_line: &str) -> Result<Self, SignerError> {
        let key_file = |source| SignerError::KeyFile {
            path: path.to_path_buf(),
            source,
        };
        let malformed = || SignerError::KeyMalformed {
            path: path.to_path_buf(),
        };
        let mode = file.metadata().map_err(key_file)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SignerError::KeyPermissions {
                path: path.to_path_buf(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|_| malformed())?;
        let digits = text.strip_prefix(first_line).ok_or_else(malformed)?.trim_end();
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, &mut *seed).map_err(|_| malformed())?;
        Ok(Self {
            key: SigningKey::from_bytes(&seed),
        })
    }

    fn create(path: &Path, first_line: &str) -> Result<Self, SignerError> {
        let key_file = |source| SignerError::KeyFile {
            path: path.to_path_buf(),
            source,
        };
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| SignerError::Randomness)?;
        let digits = Zeroizing::new(hex::encode(*seed));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(key_file)?;
        let text = Zeroizing::new(format!("{first_line}{}\n", *digits));
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(key_file)?;
        if let Some(directory) = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(key_file)?;
        }
        Ok(Self {
            key: SigningKey::from_bytes(&seed),
        })
    }

    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}
