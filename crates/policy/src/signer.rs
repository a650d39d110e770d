//! The key that signs receipts, in a file that is private to its owner.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::error::ReceiptError;

const FIRST_LINE: &str = "ensoex receipt signing key v1\n";
const FILE_BYTES_MAX: u64 = 256;

/// Signs receipts with an Ed25519 key.
pub struct ReceiptSigner {
    key: SigningKey,
}

impl ReceiptSigner {
    /// Reads the key file, and makes it (mode 0600) when there is none.
    ///
    /// # Errors
    /// [`ReceiptError::KeyFile`], [`ReceiptError::KeyPermissions`], [`ReceiptError::KeyMalformed`],
    /// [`ReceiptError::Randomness`].
    pub fn open(path: &Path) -> Result<Self, ReceiptError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path),
            Err(source) => Err(ReceiptError::KeyFile {
                path: path.to_path_buf(),
                source,
            }),
        }
    }

    fn read(path: &Path, file: File) -> Result<Self, ReceiptError> {
        let key_file = |source| ReceiptError::KeyFile {
            path: path.to_path_buf(),
            source,
        };
        let malformed = || ReceiptError::KeyMalformed {
            path: path.to_path_buf(),
        };
        let mode = file.metadata().map_err(key_file)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(ReceiptError::KeyPermissions {
                path: path.to_path_buf(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|_| malformed())?;
        let digits = text.strip_prefix(FIRST_LINE).ok_or_else(malformed)?.trim_end();
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, &mut *seed).map_err(|_| malformed())?;
        Ok(Self {
            key: SigningKey::from_bytes(&seed),
        })
    }

    fn create(path: &Path) -> Result<Self, ReceiptError> {
        let key_file = |source| ReceiptError::KeyFile {
            path: path.to_path_buf(),
            source,
        };
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| ReceiptError::Randomness)?;
        let digits = Zeroizing::new(hex::encode(*seed));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(key_file)?;
        let text = Zeroizing::new(format!("{FIRST_LINE}{}\n", *digits));
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

    /// The public key, to be published so that anybody can check receipts.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}
