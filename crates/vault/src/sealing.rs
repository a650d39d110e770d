//! Authenticated encryption: AES-256-GCM with a random nonce, bound to where the value belongs.
//!
//! It does not know fields or subjects, only keys, bytes and the context that is authenticated with
//! them. Every data key seals one value once, so nonces cannot repeat under a key in practice.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;

/// A 256-bit key, wiped when it goes.
pub(crate) type Key = Zeroizing<[u8; 32]>;
/// A random identifier of a key.
pub(crate) type KeyId = [u8; 16];

/// The part of a record's key that the key store keeps for this one version of this one record. Once it is gone, the
/// subject's key and the record, from a backup of whatever age, open nothing.
#[derive(Clone)]
pub(crate) struct Share(Key);

impl Share {
    pub(crate) fn random() -> Result<Self, VaultError> {
        random_key().map(Self)
    }

    /// A share as it lies in the key store; `None` if it is none.
    pub(crate) fn stored(bytes: Vec<u8>) -> Option<Self> {
        key(&Zeroizing::new(bytes)).map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The key under which the record's data key is sealed for the purpose of this subject key.
    pub(crate) fn with(&self, subject_key: &Key) -> Key {
        Zeroizing::new(mac(subject_key, &Context::new("record key").part(&*self.0)))
    }
}

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Randomness)?;
    Ok(bytes)
}

pub(crate) fn random_key() -> Result<Key, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|_| VaultError::Randomness)?;
    Ok(key)
}

/// Parts joined with their lengths, so that no two lists of parts give the same bytes.
pub(crate) struct Context(Vec<u8>);

impl Context {
    pub(crate) fn new(kind: &str) -> Self {
        Self(Vec::with_capacity(160)).part(kind.as_bytes())
    }

    pub(crate) fn part(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.part(&number.to_be_bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Encrypts: nonce ‖ ciphertext ‖ tag.
pub(crate) fn seal(key: &Key, context: &Context, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_BYTES] = random_bytes()?;
    let cipher = Aes256Gcm::new((&**key).into());
    let encrypted = cipher
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: plain,
                aad: context.bytes(),
            },
        )
        .map_err(|_| VaultError::Integrity)?;
    let mut sealed = Vec::with_capacity(NONCE_BYTES + encrypted.len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&encrypted);
    Ok(sealed)
}

/// Decrypts; `None` if the key, the context or a single bit is another.
pub(crate) fn unseal(key: &Key, context: &Context, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if sealed.len() < NONCE_BYTES + TAG_BYTES {
        return None;
    }
    let (nonce, encrypted) = sealed.split_at(NONCE_BYTES);
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
    let cipher = Aes256Gcm::new((&**key).into());
    let payload = Payload {
        msg: encrypted,
        aad: context.bytes(),
    };
    cipher
        .decrypt(&Nonce::from(nonce), payload)
        .ok()
        .map(Zeroizing::new)
}

/// Decrypts a key.
pub(crate) fn unseal_key(key: &Key, context: &Context, sealed: &[u8]) -> Option<Key> {
    self::key(&unseal(key, context, sealed)?)
}

/// These bytes as a key; `None` if they are not as many as a key has.
pub(crate) fn key(bytes: &[u8]) -> Option<Key> {
    let mut key = Zeroizing::new([0; 32]);
    (bytes.len() == key.len()).then(|| key.copy_from_slice(bytes))?;
    Some(key)
}

/// HMAC-SHA-256 of the context.
pub(crate) fn mac(key: &Key, context: &Context) -> [u8; 32] {
    mac_of(key, context).finalize().into_bytes().into()
}

/// Whether `tag` is the HMAC-SHA-256 of the context, in constant time.
pub(crate) fn mac_fits(key: &Key, context: &Context, tag: &[u8]) -> bool {
    mac_of(key, context).verify_slice(tag).is_ok()
}

fn mac_of(key: &Key, context: &Context) -> Hmac<Sha256> {
    // A key of 32 bytes is never refused: HMAC takes any length.
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*zero_padded(key)).into());
    mac.update(context.bytes());
    mac
}

/// The key as a whole block of the hash function, which is what HMAC itself makes of it.
fn zero_padded(key: &Key) -> Zeroizing<[u8; 64]> {
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&**key);
    block
}

pub(crate) fn digest(context: &Context) -> [u8; 32] {
    Sha256::digest(context.bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_context() {
        let (key, other) = (random_key().unwrap(), random_key().unwrap());
        let context = Context::new("test").part(b"ab").part(b"c");
        let sealed = seal(&key, &context, b"secret").unwrap();
        assert_eq!(unseal(&key, &context, &sealed).unwrap().as_slice(), b"secret");
        assert!(unseal(&other, &context, &sealed).is_none());
        assert!(unseal(&key, &Context::new("test").part(b"a").part(b"bc"), &sealed).is_none());
        assert!(unseal(&key, &context, &sealed[..20]).is_none());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = random_key().unwrap();
        let context = Context::new("test");
        let sealed = seal(&key, &context, b"secret").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(&key, &context, &changed).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn what_was_cut_off_is_noticed() {
        let key = random_key().unwrap();
        let context = Context::new("test");
        let sealed = seal(&key, &context, b"").unwrap();
        assert_eq!(unseal(&key, &context, &sealed).unwrap().as_slice(), b"");
        for length in 0..sealed.len() {
            assert!(unseal(&key, &context, &sealed[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn one_value_is_never_sealed_twice_alike() {
        let key = random_key().unwrap();
        let context = Context::new("test");
        assert_ne!(
            seal(&key, &context, b"x").unwrap(),
            seal(&key, &context, b"x").unwrap()
        );
    }

    #[test]
    fn mac_is_hmac_sha256() {
        // RFC 4231, test case 1, whose key is 20 bytes; zero padding does not change an HMAC.
        let mut key = Zeroizing::new([0; 32]);
        key[..20].fill(0x0b);
        let context = Context(b"Hi There".to_vec());
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex::encode(mac(&key, &context)), expected);
        assert!(mac_fits(&key, &context, &mac(&key, &context)));
        assert!(!mac_fits(&key, &context, &[0; 32]));
    }
}
