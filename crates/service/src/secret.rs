//! Random tokens and the Service's own key, with which short codes are kept as keyed hashes only.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Reading or creating failed.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("the key file {path} can be read by others; run: chmod 600 {path}")]
    Permissions {
        /// Which.
        path: PathBuf,
    },
    /// Not 32 bytes.
    #[error("the key file {path} is damaged; restore it from where your keys are kept")]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The system gave no randomness.
    #[error("the system's random source failed")]
    Random,
}

/// 32 secret bytes in a file that only its owner can read.
pub(crate) struct ServiceKey(Zeroizing<[u8; 32]>);

impl ServiceKey {
    /// Reads the key, creating it on the first start.
    pub(crate) fn open(path: &Path) -> Result<ServiceKey, KeyFileError> {
        let failed = |source| KeyFileError::File {
            path: path.to_path_buf(),
            source,
        };
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Err(KeyFileError::Permissions {
                path: path.to_path_buf(),
            }),
            Ok(_) => {
                let mut bytes = std::fs::read(path).map_err(failed)?;
                let key = <[u8; 32]>::try_from(bytes.as_slice());
                bytes.zeroize();
                let key = key.map_err(|_| KeyFileError::Damaged {
                    path: path.to_path_buf(),
                })?;
                Ok(ServiceKey(Zeroizing::new(key)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Zeroizing::new(random::<32>().map_err(|_| KeyFileError::Random)?);
                let mut options = std::fs::OpenOptions::new();
                let mut file = options
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(failed)?;
                file.write_all(key.as_slice())
                    .and_then(|()| file.sync_all())
                    .map_err(failed)?;
                Ok(ServiceKey(key))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Keyed hash of `parts`, each with its length.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length, so this arm is never taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return [0; 32];
        };
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Equal, in constant time.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// `prefix` and 24 random characters of `a-z` and `2-7`; 120 bits.
pub(crate) fn random_id(prefix: &str) -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bytes = random::<24>()?;
    let characters = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    Ok(prefix.chars().chain(characters).collect())
}

/// Six random decimal digits, without bias.
pub(crate) fn random_code() -> Result<Zeroizing<String>, getrandom::Error> {
    loop {
        let number = u32::from_be_bytes(random::<4>()?);
        if number < 4_294_000_000 {
            return Ok(Zeroizing::new(format!("{:06}", number % 1_000_000)));
        }
    }
}

/// SHA-256, for tokens of full entropy.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
