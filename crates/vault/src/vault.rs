//! The vault's operations: each checks the rules, writes the access log, and only then opens a key.
//!
//! It knows subjects, fields and purposes. It does not know HTTP, sessions, orders or balances, and
//! keeps no opened value except in a [`crate::Lease`] that its log entry announces.

mod agreeing;
mod alarming;
mod claiming;
mod disclosing;
mod erasing;
mod holding;
mod improving;
mod reading;
mod restricting;
mod retaining;
mod rotating;
mod rules;
mod searching;
mod staff;
mod stating;
mod telling;
mod writing;

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock as StdRwLock};

use ensoex_sql::Address;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use zeroize::Zeroizing;

use self::disclosing::DisclosureCounts;
use self::rules::denial;
use self::staff::Staff;
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::access_log::{ACCESS_LOG_FILE, AccessLog, Destroyed};
use crate::case_store::CaseStore;
use crate::cases::StaffLimits;
use crate::clock::Clock;
use crate::database::now_ms;
use crate::error::VaultError;
use crate::honeytokens::Honeytokens;
use crate::key_changes::KeyChanges;
use crate::key_store::{self, KEY_DATABASE_FILE, KeyStore, ROOT_KEY_FILE};
use crate::lease::LiveLeases;
use crate::orders::Order;
use crate::purpose::PurposeName;
use crate::record_store::{self, RECORD_DATABASE_FILE, RecordStore};
use crate::request::{AccessRequest, Actor};
use crate::subject::SubjectId;
use crate::value::FieldValue;

pub use self::disclosing::Disclosure;
pub use self::erasing::Erasure;
pub use self::retaining::{Expired, SWEEP_VALUES_MAX};
pub use self::searching::{STAFF_LISTED_MAX, StaffMember};
pub use self::staff::{OwedNotice, STAFF_EVENTS_PAGE_MAX};
pub use self::telling::HeldValue;

/// Subjects share this many locks between reads and writes.
const LOCKS: usize = 64;
/// File that keeps a second process out.
const LOCK_FILE: &str = "vault.lock";

/// Where a vault keeps its files.
#[derive(Debug, Clone)]
pub struct VaultConfig {
    /// Directory of the lock, and of what lies in files. It belongs in backups.
    pub directory: PathBuf,
    /// Directory of `root.key`. Backups must not contain it, or erasure is undone.
    pub keys_directory: PathBuf,
    /// The sealed records. They belong in backups.
    pub records: Address,
    /// The access log. It belongs in backups.
    pub access_log: Address,
    /// The subjects' keys. What is deleted there must be gone: a file overwrites it, PostgreSQL keeps it in its
    /// own log for a while. Backups must not contain it.
    pub keys: Address,
    /// Told when keys are made and destroyed.
    pub key_changes: KeyChanges,
    /// How much staff may read.
    pub staff_limits: StaffLimits,
    /// By which cases expire and limits of an hour and a day are counted.
    pub clock: Clock,
}

impl VaultConfig {
    /// Everything in files: `vault.db` and `access-log.db` in one directory, `vault-keys.db` in the other.
    pub fn files(directory: PathBuf, keys_directory: PathBuf) -> VaultConfig {
        VaultConfig {
            records: Address::file(directory.join(RECORD_DATABASE_FILE)),
            access_log: Address::file(directory.join(ACCESS_LOG_FILE)),
            keys: Address::file(keys_directory.join(KEY_DATABASE_FILE)),
            directory,
            keys_directory,
            key_changes: KeyChanges::default(),
            staff_limits: StaffLimits::default(),
            clock: Clock::default(),
        }
    }

    /// The file of the root key.
    pub fn root_key(&self) -> PathBuf {
        self.keys_directory.join(ROOT_KEY_FILE)
    }
}

/// The vault. Clones share it.
#[derive(Clone)]
pub struct Vault {
    parts: Arc<Parts>,
}

struct Parts {
    keys: KeyStore,
    records: RecordStore,
    log: AccessLog,
    leases: LiveLeases,
    /// Readers and writers of one subject; a row and its anchor change together under the writer.
    locks: Vec<RwLock<()>>,
    /// One rotation at a time.
    rotating: Mutex<()>,
    /// One claim at a time, so that two persons cannot claim one value.
    claims: Mutex<()>,
    disclosed: Mutex<DisclosureCounts>,
    key_changes: KeyChanges,
    /// Who restricts the use of their data, and since when: as the key store has it.
    restricted: StdRwLock<HashMap<SubjectId, u64>>,
    staff: Staff,
    honeytokens: Honeytokens,
    _lock_file: File,
}

impl Vault {
    /// Opens the vault, makes its files when there are none, and removes what a restored backup
    /// brought back of subjects that were erased since: their rows, and their keys if those are an
    /// older copy.
    ///
    /// # Errors
    /// [`VaultError`]: the root key is readable by others, missing or another vault's; the databases
    /// do not belong together; the access log was shortened or changed; another process is in it.
    pub async fn open(config: VaultConfig) -> Result<Self, VaultError> {
        make_directory(&config.directory)?;
        make_directory(&config.keys_directory)?;
        let lock_file = lock(&config.directory.join(LOCK_FILE))?;
        let keys = KeyStore::open(&config.keys_directory, &config.keys).await?;
        let records = RecordStore::open(&config.records, keys.vault_id()).await?;
        let anchor = keys.log_anchor().await?;
        let anchored = anchor.as_ref().map_or(0, |(size, _)| *size);
        let log = AccessLog::open(&config.access_log, anchor).await?;
        // The keys may be an older copy, or destroying was broken off: what was destroyed stays so.
        let replayed = log.destroyed_from(anchored).await?;
        let mut erased: HashSet<SubjectId> = keys.erased_subjects().await?.into_iter().collect();
        erased.extend(replayed.iter().filter_map(Destroyed::erased));
        for destroyed in replayed {
            match destroyed {
                Destroyed::Subject(subject, policy_version) => {
                    if keys
                        .subject_key(&subject, PurposeName::ProvideService)
                        .await?
                        .is_some()
                    {
                        let (stores, at_ms) = ((&keys, &records, &log), now_ms());
                        holding::keep_after_restart(stores, &subject, at_ms, &policy_version).await?;
                        keys.destroy(&subject, at_ms, None).await?;
                    }
                }
                Destroyed::Value(subject, field, record) => {
                    Parts::destroy_again(&keys, &records, (&subject, field, &record)).await?;
                }
                Destroyed::NotAgreed(subject, what) => keys.withdraw(&subject, what).await?,
                Destroyed::Agreed(subject, ..) if erased.contains(&subject) => {}
                Destroyed::Agreed(subject, what, since_ms) => keys.agree(&subject, what, since_ms).await?,
                Destroyed::Unless(subject, hold) => {
                    // One of a person whose erasure is still to be done again says what is kept of them, and goes with it.
                    let purpose = PurposeName::ProvideService;
                    let gone =
                        erased.contains(&subject) && keys.subject_key(&subject, purpose).await?.is_none();
                    if !gone {
                        keys.place_hold(&subject, &hold).await?;
                    }
                }
                Destroyed::Unheld(subject, field) => {
                    keys.lift_hold(&subject, field).await?;
                    for kept in keys.kept(&subject).await? {
                        if kept.hold.field == field {
                            keys.release(kept.place()).await?;
                        }
                    }
                }
            }
        }
        for (subject, since_ms) in log.restrictions_from(anchored).await? {
            match since_ms {
                Some(_) if erased.contains(&subject) => {}
                Some(since_ms) => keys.restrict(&subject, since_ms).await?,
                None => keys.lift_restriction(&subject).await?,
            }
        }
        let restricted = keys.restrictions().await?;
        let (size, root) = log.head();
        keys.anchor_log(size, &root).await?;
        records.remove_subjects(&keys.erased_subjects().await?).await?;
        let locks = (0..LOCKS).map(|_| RwLock::new(())).collect();
        let honeytokens = Honeytokens::open(&keys).await?;
        let staff = Staff::new(CaseStore::new(keys.database()), config.staff_limits, config.clock);
        let (leases, claims, rotating) = (LiveLeases::default(), Mutex::new(()), Mutex::new(()));
        let parts = Parts {
            keys,
            records,
            log,
            leases,
            locks,
            claims,
            rotating,
            disclosed: Mutex::default(),
            key_changes: config.key_changes,
            restricted: StdRwLock::new(restricted),
            staff,
            honeytokens,
            _lock_file: lock_file,
        };
        parts.key_changes.opened();
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Whether this vault, which another process may have open, could be opened here later: the root key is there and opens
    /// its keys, and they are those of its records. Changes nothing, and takes the vault from nobody.
    ///
    /// # Errors
    /// [`VaultError`] as [`Vault::open`] would then say.
    pub async fn check(config: &VaultConfig) -> Result<(), VaultError> {
        let vault_id = key_store::check(&config.keys_directory, &config.keys).await?;
        record_store::check(&config.records, &vault_id).await
    }

    /// After a restore: accepts an access log from a backup that ends before the one that the restored keys remember, if it is whole in
    /// itself; answers how many entries are lost. Whoever has the keys decides so; the key store remembers what was given up.
    /// Otherwise the vault would stay shut, as after an attack.
    ///
    /// # Errors
    /// [`VaultError::AccessLogTampered`] when the restored log is not whole; those of [`Vault::open`].
    pub async fn accept_restored(config: &VaultConfig) -> Result<u64, VaultError> {
        let _lock_file = lock(&config.directory.join(LOCK_FILE))?;
        let keys = KeyStore::open(&config.keys_directory, &config.keys).await?;
        let log = AccessLog::open(&config.access_log, None).await?;
        let (size, root) = log.head();
        let mut lost = 0;
        if let Some((anchored, anchored_root)) = keys.log_anchor().await?
            && anchored > size
        {
            log.audit().await?;
            keys.lower_log_anchor((anchored, &anchored_root), size, &root, now_ms())
                .await?;
            lost = anchored - size;
        }
        log.close().await;
        keys.close().await;
        Ok(lost)
    }

    /// Makes a subject with its keys, durably.
    ///
    /// # Errors
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn create_subject(&self, request: &AccessRequest) -> Result<SubjectId, VaultError> {
        let subject = SubjectId::random()?;
        self.parts
            .allow(Draft::new(Operation::CreateSubject, subject, request), request)
            .await?;
        let _writing = self.parts.writing(&subject).await;
        self.parts.keys.create_subject(&subject).await?;
        self.parts.key_changes.created();
        Ok(subject)
    }

    /// Stops the log's writer and closes the databases. Every clone fails from then on.
    pub async fn close(&self) {
        let anchored = match self.parts.log.done_head().await {
            Ok((size, root)) => self.parts.keys.anchor_log(size, &root).await,
            Err(error) => Err(error),
        };
        if let Err(error) = anchored {
            tracing::warn!(%error, "the access log could not be anchored at the end");
        }
        self.parts.log.close().await;
        self.parts.records.close().await;
        self.parts.keys.close().await;
    }
}

impl Parts {
    async fn reading(&self, subject: &SubjectId) -> RwLockReadGuard<'_, ()> {
        self.locks[lock_number(subject)].read().await
    }

    async fn writing(&self, subject: &SubjectId) -> RwLockWriteGuard<'_, ()> {
        self.locks[lock_number(subject)].write().await
    }

    /// Logs the access as granted, or as denied if it is against the rules.
    async fn allow(&self, mut draft: Draft, request: &AccessRequest) -> Result<u64, VaultError> {
        self.refuse_what_is_denied(&mut draft, request).await?;
        self.log.append(draft).await
    }

    /// The same for an entry that orders something: what is to be ended when that is done, and the entry's number.
    async fn order(&self, draft: Draft, request: &AccessRequest) -> Result<(Order, u64), VaultError> {
        let order = self.log.order();
        match self.allow(draft, request).await {
            Ok(number) => Ok((order, number)),
            Err(denied @ VaultError::Denied(_)) => {
                order.done();
                Err(denied)
            }
            // Whether it was entered is not known.
            Err(error) => Err(error),
        }
    }

    /// Logs the access as denied if it is against the rules. One by staff is counted if it is not.
    async fn refuse_what_is_denied(
        &self,
        draft: &mut Draft,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let denial = match (denial(&draft.subject, request), &request.actor) {
            (None, Actor::Staff(staff)) => self.staff_denial(staff, draft, request).await?,
            (None, _) => self.denial_of_optional(&draft.subject, request).await?,
            (denial, _) => denial,
        };
        match denial {
            Some(denial) => {
                self.log.append(draft.clone().ended(Outcome::Denied)).await?;
                Err(VaultError::Denied(denial))
            }
            None => Ok(()),
        }
    }
}

fn into_plain<T: FieldValue>(mut value: T) -> Zeroizing<Vec<u8>> {
    let plain = value.to_plain();
    value.zeroize();
    plain
}

fn lock_number(subject: &SubjectId) -> usize {
    usize::from(subject.as_bytes()[0]) % LOCKS
}

fn make_directory(path: &Path) -> Result<(), VaultError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(VaultError::file(path))
}

fn lock(path: &Path) -> Result<File, VaultError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(VaultError::file(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(VaultError::InUse),
        Err(fs::TryLockError::Error(error)) => Err(VaultError::file(path)(error)),
    }
}
