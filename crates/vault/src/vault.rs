//! The vault's operations: each checks the rules, writes the access log, and only then opens a key.
//!
//! It knows subjects, fields and purposes. It does not know HTTP, sessions, orders or balances, and
//! keeps no opened value except in a [`Lease`] that its log entry announces.
//!
//! Order of a write: access log, announced version (key store), sealed row (record database), final
//! version (key store). A stop between any two leaves either the old value or the new one readable.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensoex_sql::Address;
use serde::Serialize;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use zeroize::Zeroizing;

use crate::access_leaf::{AccessLeaf, Draft, Operation, Outcome};
use crate::access_log::{ACCESS_LOG_FILE, AccessLog};
use crate::access_report::{AccessReport, REPORT_SCHEMA, SignedHead};
use crate::catalogue::{Field, FieldName, GrantedFor, Indexed, Leasable};
use crate::database::now_ms;
use crate::error::{Denial, VaultError};
use crate::key_changes::KeyChanges;
use crate::key_store::{self, KEY_DATABASE_FILE, KeyStore, Place, ROOT_KEY_FILE};
use crate::lease::{LEASE_SECONDS_MAX, Lease, LiveLeases};
use crate::personal::Personal;
use crate::purpose::{Purpose, PurposeName};
use crate::record_store::{self, IndexEntry, RECORD_DATABASE_FILE, RecordStore, SealedRecord};
use crate::request::{AccessRequest, Actor, Reason, RecordName};
use crate::subject::SubjectId;
use crate::value::FieldValue;

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
        }
    }

    /// The file of the root key.
    pub fn root_key(&self) -> PathBuf {
        self.keys_directory.join(ROOT_KEY_FILE)
    }
}

/// One value that is held about a subject, without the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldValue {
    /// The field.
    pub field: FieldName,
    /// Which of several values of the field; empty for the only one.
    pub record: String,
    /// How often it has been written.
    pub version: u64,
    /// When it was last written, in milliseconds since 1970-01-01 UTC.
    pub stored_at_ms: u64,
}

/// What is left of an erased subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// The pseudonym.
    pub subject: SubjectId,
    /// When its keys were destroyed, in milliseconds since 1970-01-01 UTC.
    pub erased_at_ms: u64,
    /// The entry of the access log that says so.
    pub leaf_index: u64,
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
    /// One claim at a time, so that two persons cannot claim one value.
    claims: Mutex<()>,
    key_changes: KeyChanges,
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
        let (size, root) = log.head();
        // The keys may be an older copy, or erasing them was broken off: who was erased stays erased.
        for subject in log.erasures_from(anchored).await? {
            if keys
                .subject_key(&subject, PurposeName::ProvideService)
                .await?
                .is_some()
            {
                keys.destroy(&subject, now_ms()).await?;
            }
        }
        keys.anchor_log(size, &root).await?;
        records.remove_subjects(&keys.erased_subjects().await?).await?;
        let locks = (0..LOCKS).map(|_| RwLock::new(())).collect();
        let (leases, claims) = (LiveLeases::default(), Mutex::new(()));
        let parts = Parts {
            keys,
            records,
            log,
            leases,
            locks,
            claims,
            key_changes: config.key_changes,
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
        self.parts.keys.create_subject(&subject).await?;
        self.parts.key_changes.created();
        Ok(subject)
    }

    /// Seals a value; it is durable when this returns. `record` names one of several values of the
    /// field. A stored value is not found by [`Vault::find`] until it is claimed, and storing
    /// another value gives up the claim on the old one.
    ///
    /// # Errors
    /// [`VaultError::InvalidValue`], [`VaultError::UnknownSubject`], [`VaultError::Denied`] and those of the log and databases.
    pub async fn store<F: Field>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        value: Personal<F::Value>,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let record = RecordName::parse(record)?;
        let plain = value.expose(F::checked).map(into_plain)?;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        self.parts.write(place, &plain, None, request).await
    }

    /// Seals a value as the subject's only one of this field and claims it: no other subject can
    /// claim it until this one stores another value, removes it or is erased. Any other subject's
    /// claim makes this fail and changes nothing.
    ///
    /// # Errors
    /// [`VaultError::ValueTaken`], which must not be told to a visitor, and those of [`Vault::store`].
    pub async fn claim<F: Indexed>(
        &self,
        subject: &SubjectId,
        value: Personal<F::Value>,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let plain = value.expose(F::checked).map(into_plain)?;
        let form = value.expose(F::index_form).map(into_plain)?;
        let tag = self.parts.keys.index_tag(F::NAME, F::INDEX_BITS, &form)?;
        let _claims = self.parts.claims.lock().await;
        let holders = self
            .parts
            .holders::<F>(&tag, &form, Some(subject), request)
            .await?;
        let record = RecordName::parse(None)?;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        if !holders.is_empty() {
            let draft = Draft::new(Operation::Store, *subject, request).on(F::NAME, &record);
            self.parts.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::ValueTaken);
        }
        let entry = IndexEntry {
            tag,
            exact: F::INDEX_BITS == 256,
        };
        self.parts.write(place, &plain, Some(&entry), request).await
    }

    /// Claims the value that the subject has stored, for example once its code was typed.
    ///
    /// # Errors
    /// Those of [`Vault::claim`], and [`VaultError::NotFound`] when nothing is stored.
    pub async fn claim_stored<F: Indexed + GrantedFor<crate::ProvideService>>(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let record = RecordName::parse(None)?;
        let value = {
            let _reading = self.parts.reading(subject).await;
            let place = Place {
                subject,
                field: F::NAME,
                record: &record,
            };
            self.parts
                .opened::<F>(place, PurposeName::ProvideService, request, None)
                .await?
        };
        self.claim::<F>(subject, value, request).await
    }

    /// Opens a value for one look. The access is in the log before any key is opened.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::UnknownSubject`], [`VaultError::Denied`],
    /// [`VaultError::Integrity`], [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn read<F, P, R>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        request: &AccessRequest,
        open: impl FnOnce(&F::Value) -> R + Send,
    ) -> Result<R, VaultError>
    where
        F: GrantedFor<P>,
        P: Purpose,
    {
        let record = RecordName::parse(record)?;
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = self.parts.opened::<F>(place, P::NAME, request, None).await?;
        Ok(value.expose(open))
    }

    /// Opens a value for 1 to [`LEASE_SECONDS_MAX`] seconds under one entry of the log, which says
    /// for how long. Storing, removing or erasing the value ends the lease.
    ///
    /// # Errors
    /// [`VaultError::InvalidLease`] and those of [`Vault::read`].
    pub async fn lease<F, P>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        request: &AccessRequest,
        seconds: u32,
    ) -> Result<Lease<F>, VaultError>
    where
        F: Leasable + GrantedFor<P>,
        P: Purpose,
    {
        if !(1..=LEASE_SECONDS_MAX).contains(&seconds) {
            return Err(VaultError::InvalidLease {
                seconds_max: LEASE_SECONDS_MAX,
            });
        }
        let record = RecordName::parse(record)?;
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = self
            .parts
            .opened::<F>(place, P::NAME, request, Some(seconds))
            .await?;
        Ok(self.parts.leases.grant::<F>(*subject, &record, value, seconds))
    }

    /// The subject that has claimed this value. Candidates of a truncated index are opened to
    /// compare, and each such look is in the log.
    ///
    /// # Errors
    /// [`VaultError::InvalidValue`] and those of [`Vault::read`].
    pub async fn find<F: Indexed>(
        &self,
        value: &Personal<F::Value>,
        request: &AccessRequest,
    ) -> Result<Option<SubjectId>, VaultError> {
        let form = value.expose(F::index_form).map(into_plain)?;
        let tag = self.parts.keys.index_tag(F::NAME, F::INDEX_BITS, &form)?;
        let holders = self.parts.holders::<F>(&tag, &form, None, request).await?;
        Ok(holders.first().copied())
    }

    /// Deletes a value, its keys and its claim.
    ///
    /// # Errors
    /// [`VaultError::Denied`], [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn remove<F: Field>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let record = RecordName::parse(record)?;
        let _writing = self.parts.writing(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let draft = Draft::new(Operation::Remove, *subject, request).on(F::NAME, &record);
        self.parts.allow(draft, request).await?;
        self.parts.leases.end(subject, F::NAME, &record);
        self.parts.keys.anchor_remove(place).await?;
        self.parts.records.remove(place).await
    }

    /// Destroys the subject's keys, so that no copy of the record database, of whatever age, can be
    /// read any more; then deletes the rows. It runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`VaultError::UnknownSubject`], [`VaultError::Denied`], [`VaultError::AccessLogUnavailable`],
    /// [`VaultError::Storage`].
    pub async fn erase(&self, subject: &SubjectId, request: &AccessRequest) -> Result<Erasure, VaultError> {
        let (vault, subject, request) = (self.clone(), *subject, request.clone());
        let erasing = tokio::spawn(async move { vault.parts.erase(subject, &request).await });
        erasing.await.map_err(|_| VaultError::AccessLogUnavailable)?
    }

    /// Everything that is held about the subject, as JSON for the person. Credentials are named but
    /// not shown. Each opened value is an entry in the log.
    ///
    /// # Errors
    /// Those of [`Vault::read`].
    pub async fn export(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<Personal<String>, VaultError> {
        crate::export::export(self, subject, request).await
    }

    /// What is held about the subject, without the values.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn held_values(&self, subject: &SubjectId) -> Result<Vec<HeldValue>, VaultError> {
        let held = self.parts.records.held(subject).await?;
        let value = |(field, record, version, stored_at_ms): (_, RecordName, _, _)| HeldValue {
            field,
            record: record.as_str().to_owned(),
            version,
            stored_at_ms,
        };
        Ok(held.into_iter().map(value).collect())
    }

    /// The state of the access log, signed.
    pub fn access_log_head(&self) -> SignedHead {
        let (size, root) = self.parts.log.head();
        SignedHead::sign(size, &root, now_ms(), self.parts.keys.log_key())
    }

    /// The Ed25519 public key that signs the heads.
    pub fn access_log_public_key(&self) -> [u8; 32] {
        self.parts.keys.log_key().verifying_key().to_bytes()
    }

    /// The proof (hexadecimal hashes, RFC 9162) that the log of `second` entries continues the log
    /// of `first`, where `0 < first ≤ second ≤` its size.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] for other sizes, [`VaultError::Storage`].
    pub async fn access_log_consistency(&self, first: u64, second: u64) -> Result<Vec<String>, VaultError> {
        self.parts.log.consistency(first, second).await
    }

    /// Recomputes the access log's tree from its entries; gives their number.
    ///
    /// # Errors
    /// [`VaultError::AccessLogTampered`], [`VaultError::Storage`].
    pub async fn audit_access_log(&self) -> Result<u64, VaultError> {
        self.parts.log.audit().await
    }

    /// The newest entries about the subject, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn recent_accesses(
        &self,
        subject: &SubjectId,
        limit: u32,
    ) -> Result<Vec<AccessLeaf>, VaultError> {
        self.parts.log.recent(subject, limit).await
    }

    /// Every entry about the subject with its inclusion proof, under one signed head: the file that
    /// [`crate::verify_access_report`] checks offline.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn access_report(&self, subject: &SubjectId) -> Result<AccessReport, VaultError> {
        let head = self.access_log_head();
        let entries = self.parts.log.proven(subject, head.size).await?;
        Ok(AccessReport {
            schema: REPORT_SCHEMA.to_owned(),
            subject: *subject,
            head,
            entries,
        })
    }

    /// Stops the log's writer and closes the databases. Every clone fails from then on.
    pub async fn close(&self) {
        let (size, root) = self.parts.log.head();
        if let Err(error) = self.parts.keys.anchor_log(size, &root).await {
            tracing::warn!(%error, "the access log could not be anchored at the end");
        }
        self.parts.log.close().await;
        self.parts.records.close().await;
        self.parts.keys.close().await;
    }

    /// Opens a text of a field named at run time, for the export.
    pub(crate) async fn open_text(
        &self,
        subject: &SubjectId,
        field: FieldName,
        record: &str,
        purpose: PurposeName,
        request: &AccessRequest,
    ) -> Result<Personal<String>, VaultError> {
        let record = RecordName::stored(record.to_owned());
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field,
            record: &record,
        };
        let plain = self.parts.open_plain(place, purpose, request, None).await?;
        String::from_plain(plain)
            .map(Personal::new)
            .ok_or(VaultError::Integrity)
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
    async fn allow(&self, draft: Draft, request: &AccessRequest) -> Result<u64, VaultError> {
        if let Some(denial) = denial(&draft.subject, request) {
            self.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(denial));
        }
        self.log.append(draft).await
    }

    async fn opened<F: Field>(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        request: &AccessRequest,
        lease_seconds: Option<u32>,
    ) -> Result<Personal<F::Value>, VaultError> {
        let plain = self.open_plain(place, purpose, request, lease_seconds).await?;
        F::Value::from_plain(plain)
            .map(Personal::new)
            .ok_or(VaultError::Integrity)
    }

    /// Opens a value under the caller's lock of the subject.
    async fn open_plain(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        request: &AccessRequest,
        lease_seconds: Option<u32>,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let operation = if lease_seconds.is_some() {
            Operation::Lease
        } else {
            Operation::Read
        };
        let mut draft = Draft::new(operation, *place.subject, request)
            .on(place.field, place.record)
            .for_purpose(purpose);
        draft.lease_seconds = lease_seconds;
        let refuse = async |draft: Draft, outcome, error| match self.log.append(draft.ended(outcome)).await {
            Ok(_) => error,
            Err(unavailable) => unavailable,
        };
        if let Some(denial) = denial(place.subject, request) {
            return Err(refuse(draft, Outcome::Denied, VaultError::Denied(denial)).await);
        }
        if !place.field.description().purposes.contains(&purpose) {
            return Err(refuse(draft, Outcome::Denied, VaultError::Denied(Denial::Purpose)).await);
        }
        let Some(subject_key) = self.keys.subject_key(place.subject, purpose).await? else {
            return Err(refuse(draft, Outcome::Absent, VaultError::UnknownSubject).await);
        };
        let anchor = self.keys.anchor(place).await?;
        let record = match self.records.load(place).await? {
            Some(record)
                if self
                    .keys
                    .is_latest(place, &anchor, record.version, &record.digest()) =>
            {
                record
            }
            None if !anchor.is_stored() => {
                return Err(refuse(draft, Outcome::Absent, VaultError::NotFound).await);
            }
            _ => return Err(refuse(draft, Outcome::Tampered, VaultError::Integrity).await),
        };
        self.log.append(draft.clone()).await?;
        // Only now, with the access durable in the log, is a key opened.
        let opened = self
            .keys
            .open_subject_key(place.subject, &subject_key)
            .ok()
            .and_then(|key| record.open(place, purpose, &key));
        match opened {
            Some(plain) => Ok(plain),
            None => Err(refuse(draft, Outcome::Tampered, VaultError::Integrity).await),
        }
    }

    async fn write(
        &self,
        place: Place<'_>,
        plain: &Zeroizing<Vec<u8>>,
        entry: Option<&IndexEntry>,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _writing = self.writing(place.subject).await;
        let mut sealed_keys = Vec::new();
        for purpose in place.field.description().purposes {
            let key = self.keys.subject_key(place.subject, *purpose).await?;
            sealed_keys.push((*purpose, key.ok_or(VaultError::UnknownSubject)?));
        }
        let draft = Draft::new(Operation::Store, *place.subject, request).on(place.field, place.record);
        self.allow(draft, request).await?;
        let mut keys = Vec::with_capacity(sealed_keys.len());
        for (purpose, sealed) in &sealed_keys {
            keys.push((*purpose, self.keys.open_subject_key(place.subject, sealed)?));
        }
        let version = self.keys.anchor(place).await?.next_version();
        let record = SealedRecord::seal(place, version, now_ms(), plain, &keys)?;
        self.keys.anchor_pending(place, version, &record.digest()).await?;
        self.records.write(place, &record, entry).await?;
        self.leases.end(place.subject, place.field, place.record);
        let (size, root) = self.log.head();
        self.keys.anchor_promote(place, size, &root).await
    }

    /// The subjects, other than `except`, that have claimed the value with this tag and index form.
    async fn holders<F: Indexed>(
        &self,
        tag: &[u8],
        form: &[u8],
        except: Option<&SubjectId>,
        request: &AccessRequest,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let mut holders = Vec::new();
        for candidate in self.records.find(F::NAME, tag).await? {
            if except == Some(&candidate) {
                continue;
            }
            if F::INDEX_BITS == 256 || self.has_value::<F>(&candidate, form, request).await? {
                holders.push(candidate);
            }
        }
        Ok(holders)
    }

    /// Whether the subject's value has this index form: a look of its own, by the vault.
    async fn has_value<F: Indexed>(
        &self,
        subject: &SubjectId,
        form: &[u8],
        request: &AccessRequest,
    ) -> Result<bool, VaultError> {
        let record = RecordName::parse(None)?;
        let own = AccessRequest {
            actor: Actor::component("vault-index")?,
            reason: Reason::CheckUniqueness,
            policy_version: request.policy_version.clone(),
        };
        let _reading = self.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = match self
            .opened::<F>(place, PurposeName::ProvideService, &own, None)
            .await
        {
            Ok(value) => value,
            // Removed or erased since the index was read.
            Err(VaultError::NotFound | VaultError::UnknownSubject) => return Ok(false),
            Err(error) => return Err(error),
        };
        let candidate = value.expose(F::index_form).map(into_plain)?;
        Ok(bool::from(subtle::ConstantTimeEq::ct_eq(
            candidate.as_slice(),
            form,
        )))
    }

    async fn erase(&self, subject: SubjectId, request: &AccessRequest) -> Result<Erasure, VaultError> {
        let _writing = self.writing(&subject).await;
        let draft = Draft::new(Operation::Erase, subject, request);
        if self
            .keys
            .subject_key(&subject, PurposeName::ProvideService)
            .await?
            .is_none()
        {
            self.log.append(draft.ended(Outcome::Absent)).await?;
            return Err(VaultError::UnknownSubject);
        }
        let leaf_index = self.allow(draft, request).await?;
        let erased_at_ms = now_ms();
        self.leases.end_all(&subject);
        self.keys.destroy(&subject, erased_at_ms).await?;
        self.key_changes.erased();
        self.records.remove_subjects(&[subject]).await?;
        let (size, root) = self.log.head();
        self.keys.anchor_log(size, &root).await?;
        Ok(Erasure {
            subject,
            erased_at_ms,
            leaf_index,
        })
    }
}

/// The rules that hold at run time; purposes are held by the compiler and by the keys.
fn denial(subject: &SubjectId, request: &AccessRequest) -> Option<Denial> {
    match (&request.actor, &request.reason) {
        (Actor::Person(person), _) if person != subject => Some(Denial::OtherPerson),
        (Actor::Staff(_), Reason::Case(_)) => None,
        (Actor::Staff(_), _) => Some(Denial::StaffWithoutCase),
        _ => None,
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
