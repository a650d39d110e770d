//! The vault: cards sealed at rest, and a keyed hash for "the same card".
//!
//! A card is sealed with AES-256-GCM under a key of its own, used once; that key is wrapped by the key-encryption
//! key. The associated data of both names the tenant, the instrument and the key's version, so a row moved to
//! another place does not open. The vault knows no database, and never sees a verification code.

use crate::card::Card;
use crate::private_file::{PrivateFileError, read_or_create};
use crate::random;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use ensoex_iso8583::CardNumber;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::path::Path;
use thiserror::Error;
use zeroize::Zeroizing;

/// Whose cards these are. One Service so far.
const TENANT: &str = "ensoex";
/// The version of the keys in use.
pub(crate) const KEY_VERSION: i64 = 1;
const NONCE_BYTES: usize = 12;

/// Why the vault does not open something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum VaultError {
    /// Another key, another place, or changed bytes.
    #[error("the sealed data does not open: another key, another place, or changed bytes")]
    Sealed,
    /// The data was sealed under a key version that is not here.
    #[error("the key of version {version} is not here")]
    KeyVersion {
        /// The version.
        version: i64,
    },
}

/// A sealed card.
pub(crate) struct SealedCard {
    pub(crate) key_version: i64,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) sealed_card: Vec<u8>,
}

/// The vault's keys. No `Debug`; wiped when dropped.
pub(crate) struct Vault {
    key_encryption_key: Zeroizing<[u8; 32]>,
    card_hash_key: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// Reads the keys from a folder, making them at the first start.
    pub(crate) fn open(keys: &Path) -> Result<Self, PrivateFileError> {
        Ok(Self {
            key_encryption_key: read_key(&keys.join("card-key-encryption-1.key"))?,
            card_hash_key: read_key(&keys.join("card-hash-1.key"))?,
        })
    }

    /// Seals a card for an instrument.
    pub(crate) fn seal(&self, card: &Card, instrument_id: &str) -> Result<SealedCard, VaultError> {
        let key = Zeroizing::new(random::bytes::<32>());
        let associated = associated_data(instrument_id, KEY_VERSION);
        Ok(SealedCard {
            key_version: KEY_VERSION,
            wrapped_key: encrypt(&self.key_encryption_key, &*key, &associated)?,
            sealed_card: encrypt(&key, &card.encode(), &associated)?,
        })
    }

    /// Opens the card of an instrument.
    pub(crate) fn unseal(&self, sealed: &SealedCard, instrument_id: &str) -> Result<Card, VaultError> {
        if sealed.key_version != KEY_VERSION {
            return Err(VaultError::KeyVersion {
                version: sealed.key_version,
            });
        }
        let associated = associated_data(instrument_id, sealed.key_version);
        let unwrapped = decrypt(&self.key_encryption_key, &sealed.wrapped_key, &associated)?;
        let mut key = Zeroizing::new([0u8; 32]);
        if unwrapped.len() != key.len() {
            return Err(VaultError::Sealed);
        }
        key.copy_from_slice(&unwrapped);
        Card::decode(&decrypt(&key, &sealed.sealed_card, &associated)?).ok_or(VaultError::Sealed)
    }

    /// The keyed hash of a whole card number.
    pub(crate) fn card_hash(&self, number: &CardNumber) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.card_hash_key) else {
            unreachable!()
        };
        mac.update(number.digits());
        mac.finalize().into_bytes().into()
    }

    /// A text under the key-encryption key, by which [`Vault::matches_check`] knows the key again.
    pub(crate) fn check(&self) -> Result<Vec<u8>, VaultError> {
        encrypt(
            &self.key_encryption_key,
            b"key check",
            &associated_data("", KEY_VERSION),
        )
    }

    /// Whether a text of [`Vault::check`] was made under this key.
    pub(crate) fn matches_check(&self, sealed: &[u8]) -> bool {
        decrypt(
            &self.key_encryption_key,
            sealed,
            &associated_data("", KEY_VERSION),
        )
        .is_ok()
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, PrivateFileError> {
    let text = read_or_create(path, || Zeroizing::new(random::token()))?;
    let mut key = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(text.trim(), &mut *key).map_err(|_| PrivateFileError::Content {
        path: path.to_owned(),
        expected: "64 hexadecimal digits",
    })?;
    Ok(key)
}

/// Tenant, instrument and key version; the separator occurs in none of them.
fn associated_data(instrument_id: &str, key_version: i64) -> Vec<u8> {
    format!("{TENANT}\u{1f}{instrument_id}\u{1f}{key_version}").into_bytes()
}

fn encrypt(key: &[u8; 32], plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = random::bytes::<NONCE_BYTES>();
    let cipher = Aes256Gcm::new(key.into());
    let sealed = cipher
        .encrypt(
            &nonce.into(),
            Payload {
                msg: plain,
                aad: associated,
            },
        )
        .map_err(|_| VaultError::Sealed)?;
    Ok([&nonce[..], &sealed].concat())
}

fn decrypt(key: &[u8; 32], sealed: &[u8], associated: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(VaultError::Sealed)?;
    let cipher = Aes256Gcm::new(key.into());
    let plain = cipher
        .decrypt(
            nonce.into(),
            Payload {
                msg: sealed,
                aad: associated,
            },
        )
        .map_err(|_| VaultError::Sealed)?;
    Ok(Zeroizing::new(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Expiry;

    fn vault() -> Vault {
        Vault {
            key_encryption_key: Zeroizing::new(random::bytes()),
            card_hash_key: Zeroizing::new(random::bytes()),
        }
    }

    fn card() -> Card {
        let number = CardNumber::parse("4242424242424242").unwrap_or_else(|error| panic!("{error}"));
        Card {
            number,
            expiry: Expiry { year: 2031, month: 2 },
        }
    }

    #[test]
    fn a_sealed_card_opens_in_its_own_place_only() {
        let vault = vault();
        let sealed = vault.seal(&card(), "ins_1").unwrap();
        assert!(vault.unseal(&sealed, "ins_1").is_ok());
        assert_eq!(vault.unseal(&sealed, "ins_2").err(), Some(VaultError::Sealed));
        assert_eq!(
            self::vault().unseal(&sealed, "ins_1").err(),
            Some(VaultError::Sealed)
        );

        let other = vault.seal(&card(), "ins_2").unwrap();
        let swapped = SealedCard {
            sealed_card: other.sealed_card,
            ..vault.seal(&card(), "ins_1").unwrap()
        };
        assert_eq!(vault.unseal(&swapped, "ins_1").err(), Some(VaultError::Sealed));

        let mut changed = vault.seal(&card(), "ins_1").unwrap();
        *changed.sealed_card.last_mut().unwrap() ^= 1;
        assert_eq!(vault.unseal(&changed, "ins_1").err(), Some(VaultError::Sealed));

        let later = SealedCard {
            key_version: 2,
            ..sealed
        };
        assert_eq!(
            vault.unseal(&later, "ins_1").err(),
            Some(VaultError::KeyVersion { version: 2 })
        );
    }

    #[test]
    fn every_sealing_is_different_and_the_hash_is_not() {
        let vault = vault();
        let (one, two) = (
            vault.seal(&card(), "ins_1").unwrap(),
            vault.seal(&card(), "ins_1").unwrap(),
        );
        assert_ne!(one.wrapped_key, two.wrapped_key);
        assert_ne!(one.sealed_card, two.sealed_card);
        assert_eq!(vault.card_hash(&card().number), vault.card_hash(&card().number));
        assert_ne!(
            vault.card_hash(&card().number),
            self::vault().card_hash(&card().number)
        );
    }

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Vault::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        let sealed = open().seal(&card(), "ins_1").unwrap();
        assert!(open().unseal(&sealed, "ins_1").is_ok());
        assert!(open().matches_check(&open().check().unwrap()));
        assert!(!open().matches_check(&vault().check().unwrap()));
        let key = folder.path().join("card-key-encryption-1.key");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Vault::open(folder.path()),
            Err(PrivateFileError::Permissions { .. })
        ));
    }
}
