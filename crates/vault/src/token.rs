//! A hardware module (a token of PKCS#11) as the guard of the root key: the file of the root key then holds it sealed under an
//! AES key that never leaves the token.
//!
//! Which token shall seal the next root key stands in `token.json` beside `root.key`: no secret, only where the module, the
//! token, its key and the file of its PIN are found. Which one sealed a root key stands in that key's own file. So renewing the
//! root key moves a vault under a token, from one to another, or, without `token.json`, back. The root key is in memory while the vault is open, as without a token: a
//! token keeps a stolen disk or copy shut, not a machine that somebody else commands.
//!
//! Failure cases: the module cannot be loaded, no such token, no such key, a wrong or locked PIN, a file sealed under another
//! key. Each is told before anything is opened, and a PIN is tried once.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::VaultError;

const SETTINGS_FILE: &str = "token.json";
/// Largest settings or PIN file, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 10;
const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
const KEY_BYTES: u64 = 32;
const ABOUT: &[u8] = b"ensoex vault root key v1";

/// Modules that this process has loaded. One at a time is asked: who is signed in belongs to the process, not to a session.
static MODULES: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);

/// Which key of which token guards the root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The library of the module, for example `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label of the AES key in it.
    pub key: String,
    /// The file that holds the PIN, readable by its owner only.
    pub pin_file: PathBuf,
}

impl TokenSettings {
    /// The settings beside a root key; `None` when no token guards it.
    pub(crate) fn beside(root_key: &Path) -> Result<Option<TokenSettings>, VaultError> {
        let path = root_key.with_file_name(SETTINGS_FILE);
        let text = match read_small(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::file(&path)(error)),
        };
        let settings = serde_json::from_str(&text);
        settings.map(Some).map_err(|error| {
            failed(format!(
                "{} is not what `ensoex keys token` writes: {error}",
                path.display()
            ))
        })
    }

    /// Makes sure that the token can be used, with its key made if it has none of that name, and writes the settings beside the
    /// root key. The root key itself is sealed when it is next renewed. Tells whether the key was made.
    ///
    /// # Errors
    /// [`VaultError::Token`], [`VaultError::File`].
    pub fn install(&self, keys_directory: &Path) -> Result<bool, VaultError> {
        let made = self.with_session(|session| match self.find(session)? {
            Some(key) => self.stays(session, key).map(|()| false),
            None => self.make(session).map(|_| true),
        })?;
        let path = keys_directory.join(SETTINGS_FILE);
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.to_string()))?;
        crate::root_key::write_durably(&path, text.as_bytes())?;
        Ok(made)
    }

    /// Seals under the token's key, and opens it again before it is trusted.
    pub(crate) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::Randomness)?;
        let encrypted = self.with_session(|session| {
            let key = self.key(session)?;
            let how = GcmParams::new(&mut nonce, ABOUT, TAG_BITS.into()).map_err(told)?;
            session.encrypt(&Mechanism::AesGcm(how), key, plain).map_err(told)
        })?;
        // Some modules choose the nonce themselves and leave it there.
        let mut sealed = nonce.to_vec();
        sealed.extend(encrypted);
        match self.unseal(&sealed)?.as_slice() == plain {
            true => Ok(sealed),
            false => Err(failed("it does not open again what it sealed".to_owned())),
        }
    }

    /// Opens what [`TokenSettings::seal`] made.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let Some((nonce, sealed)) = sealed.split_at_checked(NONCE_BYTES) else {
            return Err(self.other_key());
        };
        let mut nonce = nonce.to_vec();
        self.with_session(|session| {
            let key = self.key(session)?;
            let how = GcmParams::new(&mut nonce, ABOUT, TAG_BITS.into()).map_err(told)?;
            let opened = session.decrypt(&Mechanism::AesGcm(how), key, sealed);
            opened.map(Zeroizing::new).map_err(|_| self.other_key())
        })
    }

    fn other_key(&self) -> VaultError {
        failed(format!(
            "its key {} does not open the root key file: that was changed, or sealed under another key or token",
            self.key
        ))
    }

    fn with_session<T>(&self, ask: impl FnOnce(&Session) -> Result<T, VaultError>) -> Result<T, VaultError> {
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        let module = match modules.get(&self.module) {
            Some(module) => module.clone(),
            None => {
                let module = load(&self.module)?;
                modules.insert(self.module.clone(), module.clone());
                module
            }
        };
        let mut found = None;
        for slot in module.get_slots_with_token().map_err(told)? {
            if module.get_token_info(slot).map_err(told)?.label().trim_end() == self.token {
                found = Some(slot);
                break;
            }
        }
        let slot = found.ok_or_else(|| {
            failed(format!(
                "there is no token {} at {}",
                self.token,
                self.module.display()
            ))
        })?;
        let session = module.open_rw_session(slot).map_err(told)?;
        match session.login(UserType::User, Some(&self.pin()?)) {
            Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(TokenError::Pkcs11(RvError::PinIncorrect, _)) => {
                return Err(failed(format!(
                    "the PIN in {} is wrong; a token locks itself after a few wrong ones",
                    self.pin_file.display()
                )));
            }
            Err(error) => return Err(told(error)),
        }
        let answer = ask(&session);
        // What the token does when it cannot sign out is over with the session, which ends here.
        let _signed_out = session.logout();
        answer
    }

    fn pin(&self) -> Result<AuthPin, VaultError> {
        let path = &self.pin_file;
        let mode = fs::metadata(path).map_err(VaultError::file(path))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(failed(format!(
                "the PIN file {0} is readable by others (mode {mode:o}); make it private with: chmod 600 {0}",
                path.display()
            )));
        }
        let text = Zeroizing::new(read_small(path).map_err(VaultError::file(path))?);
        Ok(AuthPin::new(text.trim_end().into()))
    }

    fn find(&self, session: &Session) -> Result<Option<ObjectHandle>, VaultError> {
        let wanted = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.key.clone().into_bytes()),
        ];
        let mut found = session.find_objects(&wanted).map_err(told)?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            count => Err(failed(format!(
                "it has {count} keys with the name {}; remove all but one",
                self.key
            ))),
        }
    }

    fn key(&self, session: &Session) -> Result<ObjectHandle, VaultError> {
        self.find(session)?
            .ok_or_else(|| failed(format!("it has no AES key with the name {}", self.key)))
    }

    /// That a key which was there before never leaves the token.
    fn stays(&self, session: &Session, key: ObjectHandle) -> Result<(), VaultError> {
        let asked = [AttributeType::Sensitive, AttributeType::Extractable];
        let told_of = session.get_attributes(key, &asked).map_err(told)?;
        let stays = [Attribute::Sensitive(true), Attribute::Extractable(false)];
        match stays.iter().all(|wanted| told_of.contains(wanted)) {
            true => Ok(()),
            false => Err(failed(format!(
                "its key {} may be taken out of it; choose another name",
                self.key
            ))),
        }
    }

    fn make(&self, session: &Session) -> Result<ObjectHandle, VaultError> {
        let wanted = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(KEY_BYTES.into()),
            Attribute::Label(self.key.clone().into_bytes()),
        ];
        session.generate_key(&Mechanism::AesKeyGen, &wanted).map_err(told)
    }
}

fn load(path: &Path) -> Result<Pkcs11, VaultError> {
    let module = Pkcs11::new(path).map_err(told)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(TokenError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(told(error)),
    }
}

fn read_small(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    fs::File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn failed(what: String) -> VaultError {
    VaultError::Token { what }
}

fn told(error: TokenError) -> VaultError {
    failed(error.to_string())
}
