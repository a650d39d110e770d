//! The key store: every key, sealed under the root key, and the anchors of what lies elsewhere.
//!
//! It lives outside the backups, because destroying a subject's keys here is what erasure means. It
//! does not know any value, sealed or open.

use std::collections::HashMap;
use std::path::Path;

use ed25519_dalek::SigningKey;
use ensoex_sql::{Address, Database, Durability, Migration, Row, SqlError, Store, Transaction};

use crate::catalogue::FieldName;
use crate::database::{ANSWER_MS_MAX, BUSY_MS_MAX};
use crate::error::VaultError;
use crate::merkle::Hash;
use crate::purpose::PurposeName;
use crate::request::RecordName;
use crate::root_key;
use crate::sealing::{self, Context, Key, KeyId, Share};
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_SUBJECT_KEY = "INSERT INTO subject_keys (subject, purpose, key_id, sealed) VALUES ($1, $2, $3, $4)";
    SUBJECT_KEY = "SELECT key_id, sealed FROM subject_keys WHERE subject = $1 AND purpose = $2";
    ANCHOR =
        "SELECT version, mac, share, pending_version, pending_mac, pending_share FROM anchors
            WHERE subject = $1 AND field = $2 AND record = $3";
    ANCHOR_PENDING =
        "INSERT INTO anchors (subject, field, record, pending_version, pending_mac, pending_share)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject, field, record) DO UPDATE SET
            pending_version = excluded.pending_version, pending_mac = excluded.pending_mac,
            pending_share = excluded.pending_share";
    PROMOTE_ANCHOR =
        "UPDATE anchors SET version = pending_version, mac = pending_mac, share = pending_share,
            pending_version = NULL, pending_mac = NULL, pending_share = NULL
            WHERE subject = $1 AND field = $2 AND record = $3 AND pending_version IS NOT NULL";
    REMOVE_ANCHOR = "DELETE FROM anchors WHERE subject = $1 AND field = $2 AND record = $3";
    LOG_ANCHOR = "SELECT size, root FROM log_anchor";
    ERASED_SUBJECTS = "SELECT subject FROM erased_subjects";
    ERASED_AT = "SELECT erased_at_ms FROM erased_subjects WHERE subject = $1";
    META = "SELECT value FROM meta WHERE name = $1";
    INSERT_META = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    SERVICE_KEY = "SELECT key_id, sealed FROM service_keys WHERE name = $1";
    INSERT_SERVICE_KEY = "INSERT INTO service_keys (name, key_id, sealed) VALUES ($1, $2, $3)";
    SET_LOG_ANCHOR =
        "INSERT INTO log_anchor (one, size, root) VALUES (1, $1, $2)
            ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root WHERE excluded.size >= log_anchor.size";
    LOWER_LOG_ANCHOR = "UPDATE log_anchor SET size = $1, root = $2";
    DELETE_SUBJECT_KEYS = "DELETE FROM subject_keys WHERE subject = $1";
    DELETE_ANCHORS = "DELETE FROM anchors WHERE subject = $1";
    REMEMBER_ERASED =
        "INSERT INTO erased_subjects (subject, erased_at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
}

/// The keys as a store.
pub static KEYS: Store = Store {
    name: "vault's key",
    migrations: &[
        Migration {
            version: 1,
            name: "keys",
            sqlite: include_str!("../migrations/keys/sqlite/0001_keys.sql"),
            postgres: include_str!("../migrations/keys/postgres/0001_keys.sql"),
        },
        Migration {
            version: 2,
            name: "shares and generations",
            sqlite: include_str!("../migrations/keys/sqlite/0002_shares.sql"),
            postgres: include_str!("../migrations/keys/postgres/0002_shares.sql"),
        },
        Migration {
            version: 3,
            name: "staff",
            sqlite: include_str!("../migrations/keys/sqlite/0003_staff.sql"),
            postgres: include_str!("../migrations/keys/postgres/0003_staff.sql"),
        },
    ],
    statements: &[&STATEMENTS, &crate::case_store::STATEMENTS],
    durability: Durability::Durable,
    overwrite_deleted: true,
    connections_max: 4,
    busy_ms_max: BUSY_MS_MAX,
    answer_ms_max: ANSWER_MS_MAX,
};
const SENTINEL: &[u8] = b"ensoex vault";
/// File of the key store.
pub(crate) const KEY_DATABASE_FILE: &str = "vault-keys.db";
/// File of the root key.
pub(crate) const ROOT_KEY_FILE: &str = "root.key";

/// The identity that ties the databases of one vault together.
pub(crate) type VaultId = [u8; 16];

pub(crate) struct KeyStore {
    database: Database,
    vault_id: VaultId,
    purpose_keys: HashMap<PurposeName, Key>,
    index_keys: HashMap<FieldName, Key>,
    anchor_key: Key,
    log_key: SigningKey,
}

/// A subject's key for one purpose, still sealed: what may be loaded before the access is logged.
pub(crate) struct SealedSubjectKey {
    purpose: PurposeName,
    key_id: Vec<u8>,
    sealed: Vec<u8>,
}

/// What the key store remembers of a record's latest version.
#[derive(Default)]
pub(crate) struct Anchor {
    current: Option<Version>,
    pending: Option<Version>,
}

/// One version of a record, as the key store knows it.
pub(crate) struct Version {
    number: u64,
    mac: Vec<u8>,
    /// Half of the key that opens the record's data key.
    pub(crate) share: Share,
}

impl Anchor {
    /// Whether an acknowledged version exists.
    pub(crate) const fn is_stored(&self) -> bool {
        self.current.is_some()
    }

    /// The version that a new write takes.
    pub(crate) fn next_version(&self) -> u64 {
        let number = |side: &Option<Version>| side.as_ref().map_or(0, |version| version.number);
        number(&self.current).max(number(&self.pending)) + 1
    }
}

/// Which record, for the anchors.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) subject: &'a SubjectId,
    pub(crate) field: FieldName,
    pub(crate) record: &'a RecordName,
}

impl Place<'_> {
    /// A context that starts with the record's place.
    pub(crate) fn context(&self, kind: &str) -> Context {
        Context::new(kind)
            .part(self.subject.as_bytes())
            .part(self.field.as_str().as_bytes())
            .part(self.record.as_str().as_bytes())
    }
}

/// Whose vault the keys are of, when the root key in the directory opens them. Changes nothing.
pub(crate) async fn check(directory: &Path, address: &Address) -> Result<VaultId, VaultError> {
    let path = directory.join(ROOT_KEY_FILE);
    let root = root_key::read(&path)?.ok_or(VaultError::RootKeyMissing { path })?;
    let database = Database::open_read_only(address, &KEYS).await?;
    let vault_id = match meta(&database, "sentinel").await {
        Ok(Some(sentinel)) => vault_of(&database, &root, &sentinel).await,
        Ok(None) => Err(VaultError::RootKeyWrong),
        Err(error) => Err(error),
    };
    database.close().await;
    vault_id
}

/// The vault that this key store belongs to, if the root key opens its sentinel.
async fn vault_of(database: &Database, root: &Key, sentinel: &[u8]) -> Result<VaultId, VaultError> {
    let vault_id = meta(database, "vault_id").await?;
    let vault_id = vault_id.and_then(|id| VaultId::try_from(id).ok());
    let vault_id = vault_id.ok_or(VaultError::RootKeyWrong)?;
    let opened = sealing::unseal(root, &sentinel_context(&vault_id), sentinel);
    match opened.is_some_and(|text| text.as_slice() == SENTINEL) {
        true => Ok(vault_id),
        false => Err(VaultError::RootKeyWrong),
    }
}

impl KeyStore {
    pub(crate) async fn open(directory: &Path, address: &Address) -> Result<Self, VaultError> {
        let root_path = directory.join(ROOT_KEY_FILE);
        let root = root_key::read(&root_path)?;
        let database = Database::open(address, &KEYS).await?;
        let sentinel = meta(&database, "sentinel").await?;
        let (root, vault_id) = match (root, sentinel) {
            (None, Some(_)) => return Err(VaultError::RootKeyMissing { path: root_path }),
            (Some(root), Some(sentinel)) => {
                let vault_id = vault_of(&database, &root, &sentinel).await?;
                (root, vault_id)
            }
            (root, None) => {
                let root = root.map_or_else(|| root_key::create(&root_path), Ok)?;
                let vault_id = first_start(&database, &root).await?;
                (root, vault_id)
            }
        };
        let mut purpose_keys = HashMap::new();
        for purpose in PurposeName::ALL {
            let name = format!("purpose/{}", purpose.as_str());
            purpose_keys.insert(purpose, service_key(&database, &root, &vault_id, &name).await?);
        }
        let mut index_keys = HashMap::new();
        for field in FieldName::ALL
            .iter()
            .filter(|field| field.description().index_bits.is_some())
        {
            let name = format!("index/{}", field.as_str());
            index_keys.insert(*field, service_key(&database, &root, &vault_id, &name).await?);
        }
        let anchor_key = service_key(&database, &root, &vault_id, "anchor").await?;
        let log_key = SigningKey::from_bytes(&*service_key(&database, &root, &vault_id, "access-log").await?);
        Ok(Self {
            database,
            vault_id,
            purpose_keys,
            index_keys,
            anchor_key,
            log_key,
        })
    }

    /// The database, for what else is kept beside the keys.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }

    pub(crate) const fn vault_id(&self) -> &VaultId {
        &self.vault_id
    }

    pub(crate) const fn log_key(&self) -> &SigningKey {
        &self.log_key
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Leaves nothing of what was deleted or replaced in the write-ahead log.
    pub(crate) async fn flush(&self) -> Result<(), VaultError> {
        Ok(self.database.flush().await?)
    }

    /// The tag of a value in its index form: HMAC-SHA-256 cut to `bits`.
    pub(crate) fn index_tag(&self, field: FieldName, bits: u32, form: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.index_keys.get(&field).ok_or(VaultError::NotFound)?;
        let full = sealing::mac(key, &Context::new("blind index").part(form));
        let mut tag = full[..bits.div_ceil(8) as usize].to_vec();
        if let (Some(last), spare @ 1..) = (tag.last_mut(), tag_spare_bits(bits)) {
            *last &= 0xff << spare;
        }
        Ok(tag)
    }

    /// Makes a subject's keys, durably.
    pub(crate) async fn create_subject(&self, subject: &SubjectId) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for purpose in PurposeName::ALL {
            let key = sealing::random_key()?;
            let key_id: KeyId = sealing::random_bytes()?;
            let context = subject_key_context(subject, purpose, &key_id);
            let sealed = sealing::seal(self.purpose_key(purpose)?, &context, &*key)?;
            transaction
                .execute(
                    INSERT_SUBJECT_KEY
                        .bind(&subject.as_bytes()[..])
                        .bind(purpose.as_str())
                        .bind(&key_id[..])
                        .bind(sealed),
                )
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// A subject's sealed key for a purpose; `None` for an unknown or erased subject.
    pub(crate) async fn subject_key(
        &self,
        subject: &SubjectId,
        purpose: PurposeName,
    ) -> Result<Option<SealedSubjectKey>, VaultError> {
        let row = self
            .database
            .fetch_optional(SUBJECT_KEY.bind(&subject.as_bytes()[..]).bind(purpose.as_str()))
            .await?;
        let key = |row: Row| {
            Ok(SealedSubjectKey {
                purpose,
                key_id: row.get("key_id")?,
                sealed: row.get("sealed")?,
            })
        };
        row.map(key).transpose()
    }

    /// Opens a subject's key. Only after the access is in the log.
    pub(crate) fn open_subject_key(
        &self,
        subject: &SubjectId,
        key: &SealedSubjectKey,
    ) -> Result<Key, VaultError> {
        let context = subject_key_context(subject, key.purpose, &key.key_id);
        sealing::unseal_key(self.purpose_key(key.purpose)?, &context, &key.sealed)
            .ok_or(VaultError::Integrity)
    }

    fn purpose_key(&self, purpose: PurposeName) -> Result<&Key, VaultError> {
        self.purpose_keys.get(&purpose).ok_or(VaultError::NotFound)
    }

    pub(crate) async fn anchor(&self, place: Place<'_>) -> Result<Anchor, VaultError> {
        let row = self
            .database
            .fetch_optional(
                ANCHOR
                    .bind(&place.subject.as_bytes()[..])
                    .bind(place.field.as_str())
                    .bind(place.record.as_str()),
            )
            .await?;
        let Some(row) = row else {
            return Ok(Anchor::default());
        };
        let side = |number: Option<i64>, mac: Option<Vec<u8>>, share: Option<Vec<u8>>| {
            Some(Version {
                number: u64::try_from(number?).ok()?,
                mac: mac?,
                share: Share::stored(share?)?,
            })
        };
        Ok(Anchor {
            current: side(row.get("version")?, row.get("mac")?, row.get("share")?),
            pending: side(
                row.get("pending_version")?,
                row.get("pending_mac")?,
                row.get("pending_share")?,
            ),
        })
    }

    /// The anchored version that a row with this version and digest is: the acknowledged one, or one that
    /// became durable just before the vault stopped. `None` if it is neither.
    pub(crate) fn latest<'a>(
        &self,
        place: Place<'_>,
        anchor: &'a Anchor,
        number: u64,
        digest: &Hash,
    ) -> Option<&'a Version> {
        [&anchor.current, &anchor.pending]
            .into_iter()
            .flatten()
            .find(|version| {
                version.number == number
                    && sealing::mac_fits(
                        &self.anchor_key,
                        &anchor_context(place, number, digest),
                        &version.mac,
                    )
            })
    }

    /// Announces a version that is about to be written.
    pub(crate) async fn anchor_pending(
        &self,
        place: Place<'_>,
        version: u64,
        digest: &Hash,
        share: &Share,
    ) -> Result<(), VaultError> {
        let mac = sealing::mac(&self.anchor_key, &anchor_context(place, version, digest));
        self.database
            .execute(
                ANCHOR_PENDING
                    .bind(&place.subject.as_bytes()[..])
                    .bind(place.field.as_str())
                    .bind(place.record.as_str())
                    .bind(version as i64)
                    .bind(&mac[..])
                    .bind(share.bytes()),
            )
            .await?;
        Ok(())
    }

    /// Makes the pending version the only right one, and remembers how far the access log has come.
    pub(crate) async fn anchor_promote(
        &self,
        place: Place<'_>,
        log_size: u64,
        log_root: &Hash,
    ) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        transaction
            .execute(
                PROMOTE_ANCHOR
                    .bind(&place.subject.as_bytes()[..])
                    .bind(place.field.as_str())
                    .bind(place.record.as_str()),
            )
            .await?;
        write_log_anchor(&mut transaction, log_size, log_root).await?;
        Ok(transaction.commit().await?)
    }

    /// Forgets a record and destroys its share, durably: from then on no copy of the record opens, of whatever age.
    pub(crate) async fn anchor_remove(&self, place: Place<'_>) -> Result<(), VaultError> {
        self.database
            .execute(
                REMOVE_ANCHOR
                    .bind(&place.subject.as_bytes()[..])
                    .bind(place.field.as_str())
                    .bind(place.record.as_str()),
            )
            .await?;
        Ok(self.database.flush().await?)
    }

    /// How far the access log had come when it was last anchored.
    pub(crate) async fn log_anchor(&self) -> Result<Option<(u64, Vec<u8>)>, VaultError> {
        let row = self.database.fetch_optional(LOG_ANCHOR).await?;
        row.map(|row| Ok((row.unsigned("size")?, row.get("root")?)))
            .transpose()
    }

    /// Remembers how far the access log has come.
    pub(crate) async fn anchor_log(&self, size: u64, root: &Hash) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        write_log_anchor(&mut transaction, size, root).await?;
        Ok(transaction.commit().await?)
    }

    /// Accepts an access log that ends earlier, and remembers for good what was given up.
    pub(crate) async fn lower_log_anchor(
        &self,
        given_up: (u64, &[u8]),
        size: u64,
        root: &Hash,
        at_ms: u64,
    ) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        let name = format!("access log restored to {size} at {at_ms}");
        let mut before = given_up.0.to_be_bytes().to_vec();
        before.extend_from_slice(given_up.1);
        transaction.execute(INSERT_META.bind(name).bind(before)).await?;
        transaction
            .execute(LOWER_LOG_ANCHOR.bind(size as i64).bind(&root[..]))
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Destroys a subject's keys and anchors, durably, in the write-ahead log too.
    pub(crate) async fn destroy(&self, subject: &SubjectId, at_ms: u64) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for statement in [DELETE_SUBJECT_KEYS, DELETE_ANCHORS] {
            transaction.execute(statement.bind(subject.as_bytes())).await?;
        }
        let erased = REMEMBER_ERASED.bind(subject.as_bytes()).bind(at_ms as i64);
        transaction.execute(erased).await?;
        transaction.commit().await?;
        Ok(self.database.flush().await?)
    }

    /// When a subject's keys were destroyed, in milliseconds since 1970; `None` if they were not.
    pub(crate) async fn erased_at_ms(&self, subject: &SubjectId) -> Result<Option<u64>, VaultError> {
        let row = self
            .database
            .fetch_optional(ERASED_AT.bind(&subject.as_bytes()[..]))
            .await?;
        Ok(row.map(|row| row.unsigned("erased_at_ms")).transpose()?)
    }

    /// Every subject whose keys were destroyed.
    pub(crate) async fn erased_subjects(&self) -> Result<Vec<SubjectId>, VaultError> {
        let rows = self.database.fetch_all(ERASED_SUBJECTS).await?;
        rows.iter().map(subject_of).collect()
    }
}

/// The subject of a row.
pub(crate) fn subject_of(row: &Row) -> Result<SubjectId, VaultError> {
    let bytes: Vec<u8> = row.get("subject")?;
    let bytes = bytes.try_into().map_err(|_| SqlError::malformed("subject"))?;
    Ok(SubjectId::from_bytes(bytes))
}

const fn tag_spare_bits(bits: u32) -> u32 {
    (8 - bits % 8) % 8
}

fn sentinel_context(vault_id: &VaultId) -> Context {
    Context::new("sentinel").part(vault_id)
}

fn subject_key_context(subject: &SubjectId, purpose: PurposeName, key_id: &[u8]) -> Context {
    Context::new("subject key")
        .part(subject.as_bytes())
        .part(purpose.as_str().as_bytes())
        .part(key_id)
}

fn anchor_context(place: Place<'_>, version: u64, digest: &Hash) -> Context {
    place.context("anchor").number(version).part(digest)
}

async fn meta(database: &Database, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
    let value = database.fetch_optional_value(META.bind(name)).await?;
    Ok(value)
}

async fn first_start(database: &Database, root: &Key) -> Result<VaultId, VaultError> {
    let vault_id: VaultId = sealing::random_bytes()?;
    let sentinel = sealing::seal(root, &sentinel_context(&vault_id), SENTINEL)?;
    let mut transaction = database.begin().await?;
    for (name, value) in [("vault_id", vault_id.to_vec()), ("sentinel", sentinel)] {
        transaction.execute(INSERT_META.bind(name).bind(value)).await?;
    }
    transaction.commit().await?;
    Ok(vault_id)
}

/// The service key of this name, made when it is first needed.
async fn service_key(
    database: &Database,
    root: &Key,
    vault_id: &VaultId,
    name: &str,
) -> Result<Key, VaultError> {
    let context = |key_id: &[u8]| {
        Context::new("service key")
            .part(vault_id)
            .part(name.as_bytes())
            .part(key_id)
    };
    let row = database.fetch_optional(SERVICE_KEY.bind(name)).await?;
    if let Some(row) = row {
        let (key_id, sealed): (Vec<u8>, Vec<u8>) = (row.get("key_id")?, row.get("sealed")?);
        return sealing::unseal_key(root, &context(&key_id), &sealed).ok_or(VaultError::RootKeyWrong);
    }
    let key = sealing::random_key()?;
    let key_id: KeyId = sealing::random_bytes()?;
    let sealed = sealing::seal(root, &context(&key_id), &*key)?;
    database
        .execute(INSERT_SERVICE_KEY.bind(name).bind(&key_id[..]).bind(sealed))
        .await?;
    Ok(key)
}

async fn write_log_anchor(transaction: &mut Transaction, size: u64, root: &Hash) -> Result<(), VaultError> {
    transaction
        .execute(SET_LOG_ANCHOR.bind(size as i64).bind(&root[..]))
        .await?;
    Ok(())
}
