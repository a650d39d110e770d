//! The key store: every key, sealed under the root key, and the anchors of what lies elsewhere.
//!
//! ```text
//! root key ─ service keys ─┬ of each purpose ─ subjects' keys ┐
//!                          │                  shares ─────────┴ data keys (record database) ─ values
//!                          ├ of each blind index ─ tags (record database)
//!                          ├ of the anchors ─ the latest version of each record
//!                          ├ of the access log ─ signed heads
//!                          ├ of what law holds ─ values of erased subjects
//!                          └ of the honeytokens ─ which subjects nobody is
//! ```
//!
//! It lives outside the backups, because destroying a subject's keys here is what erasure means. It
//! knows no value, but those that law keeps of erased subjects, sealed.

mod agreements;
mod anchors;
mod head_keys;
mod holds;
mod releases;
mod restrictions;
mod rotations;
mod service_keys;
mod subject_keys;

use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ensoex_sql::{Address, Database, Durability, Migration, Row, SqlError, Store, Transaction};

use self::head_keys::HeadSigner;
use self::service_keys::{ServiceKey, ServiceKeys};
use crate::catalogue::FieldName;
use crate::database::{ANSWER_MS_MAX, BUSY_MS_MAX, Flushing, now_ms};
use crate::error::VaultError;
use crate::request::RecordName;
use crate::root_key::{self, RootKey};
use crate::sealing::{self, Context};
use crate::subject::SubjectId;

pub(crate) use self::anchors::Anchor;
pub(crate) use self::holds::Kept;
pub use self::rotations::{Layer, Rotation, RotationState};
pub(crate) use self::rotations::{all as rotations, ask as ask_rotation};
pub(crate) use self::service_keys::Generation;
pub(crate) use self::subject_keys::{NextKey, SubjectKey};

ensoex_sql::statements! {
    STATEMENTS;
    META = "SELECT value FROM meta WHERE name = $1";
    INSERT_META = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    SET_META = "UPDATE meta SET value = $2 WHERE name = $1";
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
            name: "shares",
            sqlite: include_str!("../migrations/keys/sqlite/0002_shares.sql"),
            postgres: include_str!("../migrations/keys/postgres/0002_shares.sql"),
        },
        Migration {
            version: 3,
            name: "staff",
            sqlite: include_str!("../migrations/keys/sqlite/0003_staff.sql"),
            postgres: include_str!("../migrations/keys/postgres/0003_staff.sql"),
        },
        Migration {
            version: 4,
            name: "rotations",
            sqlite: include_str!("../migrations/keys/sqlite/0004_rotations.sql"),
            postgres: include_str!("../migrations/keys/postgres/0004_rotations.sql"),
        },
        Migration {
            version: 5,
            name: "restrictions",
            sqlite: include_str!("../migrations/keys/sqlite/0005_restrictions.sql"),
            postgres: include_str!("../migrations/keys/postgres/0005_restrictions.sql"),
        },
        Migration {
            version: 6,
            name: "holds",
            sqlite: include_str!("../migrations/keys/sqlite/0006_holds.sql"),
            postgres: include_str!("../migrations/keys/postgres/0006_holds.sql"),
        },
        Migration {
            version: 7,
            name: "statistics",
            sqlite: include_str!("../migrations/keys/sqlite/0007_statistics.sql"),
            postgres: include_str!("../migrations/keys/postgres/0007_statistics.sql"),
        },
        Migration {
            version: 8,
            name: "renewed keys",
            sqlite: include_str!("../migrations/keys/sqlite/0008_renewed_keys.sql"),
            postgres: include_str!("../migrations/keys/postgres/0008_renewed_keys.sql"),
        },
        Migration {
            version: 9,
            name: "agreements",
            sqlite: include_str!("../migrations/keys/sqlite/0009_agreements.sql"),
            postgres: include_str!("../migrations/keys/postgres/0009_agreements.sql"),
        },
        Migration {
            version: 10,
            name: "orders",
            sqlite: include_str!("../migrations/keys/sqlite/0010_orders.sql"),
            postgres: include_str!("../migrations/keys/postgres/0010_orders.sql"),
        },
    ],
    statements: &[
        &STATEMENTS,
        &crate::case_store::STATEMENTS,
        &crate::honeytokens::STATEMENTS,
        &agreements::STATEMENTS,
        &anchors::STATEMENTS,
        &head_keys::STATEMENTS,
        &holds::STATEMENTS,
        &releases::STATEMENTS,
        &restrictions::STATEMENTS,
        &rotations::STATEMENTS,
        &service_keys::STATEMENTS,
        &subject_keys::STATEMENTS,
    ],
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
    flushing: Flushing,
    root_path: PathBuf,
    vault_id: VaultId,
    service_keys: ServiceKeys,
    head_signer: RwLock<HeadSigner>,
    /// How often a key that opens values was opened.
    opened: AtomicU64,
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
    let database = Database::open_read_only(address, &KEYS).await?;
    let found = match meta(&database, "sentinel").await {
        Ok(Some(sentinel)) => root_of(&database, &directory.join(ROOT_KEY_FILE), &sentinel).await,
        Ok(None) => Err(VaultError::RootKeyWrong),
        Err(error) => Err(error),
    };
    database.close().await;
    found.map(|found| found.vault_id)
}

/// The root key that opens a key store.
struct Root {
    key: RootKey,
    vault_id: VaultId,
    /// It lies where the next root key does: everything is sealed under it, but it has not taken the place of the old one.
    is_next: bool,
}

/// The root key, of the one at this path and the one beside it, that opens the sentinel.
async fn root_of(database: &Database, path: &Path, sentinel: &[u8]) -> Result<Root, VaultError> {
    let vault_id = meta(database, "vault_id").await?;
    let vault_id = vault_id.and_then(|id| VaultId::try_from(id).ok());
    let vault_id = vault_id.ok_or(VaultError::RootKeyWrong)?;
    let opens = |key: &RootKey| -> Result<bool, VaultError> {
        let opened = key.unseal(&sentinel_context(&vault_id), sentinel)?;
        Ok(opened.is_some_and(|text| text.as_slice() == SENTINEL))
    };
    if let Some(key) = root_key::read(&root_key::next(path))?
        && opens(&key)?
    {
        return Ok(Root {
            key,
            vault_id,
            is_next: true,
        });
    }
    let Some(key) = root_key::read(path)? else {
        let path = path.to_path_buf();
        return Err(VaultError::RootKeyMissing { path });
    };
    match opens(&key)? {
        true => Ok(Root {
            key,
            vault_id,
            is_next: false,
        }),
        false => Err(VaultError::RootKeyWrong),
    }
}

impl KeyStore {
    pub(crate) async fn open(directory: &Path, address: &Address) -> Result<Self, VaultError> {
        let root_path = directory.join(ROOT_KEY_FILE);
        let database = Database::open(address, &KEYS).await?;
        let (root, vault_id) = match meta(&database, "sentinel").await? {
            Some(sentinel) => {
                let root = root_of(&database, &root_path, &sentinel).await?;
                match root.is_next {
                    true => root_key::replace(&root_path)?,
                    false => root_key::discard_next(&root_path)?,
                }
                (root.key, root.vault_id)
            }
            None => {
                let root = root_key::read(&root_path)?;
                let root = root.map_or_else(|| root_key::create(&root_path), Ok)?;
                let vault_id = first_start(&database, &root).await?;
                (root, vault_id)
            }
        };
        let service_keys = ServiceKeys::open(&database, &root, vault_id).await?;
        let head_signer = RwLock::new(HeadSigner::open(&database, &service_keys).await?);
        Ok(Self {
            flushing: Flushing::new(&database),
            database,
            root_path,
            vault_id,
            service_keys,
            head_signer,
            opened: AtomicU64::new(0),
        })
    }

    /// Seals who is a honeytoken under the newest key for that, of the generation that it says.
    pub(crate) fn seal_honeytoken(&self, subject: &SubjectId) -> Result<(Vec<u8>, Generation), VaultError> {
        let (generation, key) = self.service_keys.current(ServiceKey::Honeytokens)?;
        let context = Context::new("honeytoken").part(&self.vault_id);
        Ok((sealing::seal(&key, &context, subject.as_bytes())?, generation))
    }

    /// Opens who is a honeytoken.
    pub(crate) fn unseal_honeytoken(
        &self,
        generation: Generation,
        sealed: &[u8],
    ) -> Result<SubjectId, VaultError> {
        let key = self.service_keys.get(ServiceKey::Honeytokens, generation)?;
        let context = Context::new("honeytoken").part(&self.vault_id);
        let opened = sealing::unseal(&key, &context, sealed).ok_or(VaultError::Integrity)?;
        let bytes = opened.as_slice().try_into().map_err(|_| VaultError::Integrity)?;
        Ok(SubjectId::from_bytes(bytes))
    }

    pub(crate) const fn vault_id(&self) -> &VaultId {
        &self.vault_id
    }

    /// How often a key that opens values was opened since the vault was.
    pub(crate) fn keys_opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// The database, for what else is kept beside the keys.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, VaultError> {
        Ok(self.database.begin().await?)
    }

    /// Leaves nothing of what was deleted or replaced in the write-ahead log.
    pub(crate) async fn flush(&self) -> Result<(), VaultError> {
        Ok(self.flushing.flush().await?)
    }

    /// The tag of a value in its index form, HMAC-SHA-256 cut to `bits`, with the generation of the key that made it: the
    /// newest first, and one more while the index key is renewed.
    pub(crate) fn index_tags(&self, field: FieldName, bits: u32, form: &[u8]) -> Vec<(Generation, Vec<u8>)> {
        let tag = |(generation, key)| {
            let full = sealing::mac(&key, &Context::new("blind index").part(form));
            let mut tag = full[..bits.div_ceil(8) as usize].to_vec();
            if let (Some(last), spare @ 1..) = (tag.last_mut(), tag_spare_bits(bits)) {
                *last &= 0xff << spare;
            }
            (generation, tag)
        };
        let keys = self.service_keys.generations(ServiceKey::Index(field));
        keys.into_iter().rev().map(tag).collect()
    }

    /// Makes another root key, seals every service key under it, and destroys the one before. It has ended when this
    /// returns; broken off, the vault opens with whichever of the two opens the sentinel.
    pub(crate) async fn rotate_root(&self) -> Result<(), VaultError> {
        let sentinel = meta(&self.database, "sentinel")
            .await?
            .ok_or(VaultError::RootKeyWrong)?;
        let old = root_of(&self.database, &self.root_path, &sentinel).await?.key;
        root_key::discard_next(&self.root_path)?;
        let new = root_key::create(&root_key::next(&self.root_path))?;
        let mut transaction = self.database.begin().await?;
        ServiceKeys::reseal(&mut transaction, &self.vault_id, &old, &new).await?;
        let sentinel = new.seal(&sentinel_context(&self.vault_id), SENTINEL)?;
        transaction
            .execute(SET_META.bind("sentinel").bind(sentinel))
            .await?;
        rotations::end(&mut transaction, Layer::Root, now_ms()).await?;
        transaction.commit().await?;
        root_key::replace(&self.root_path)?;
        self.flush().await
    }

    /// Makes the next generation of the service keys of a layer, and says that its rotation is under way.
    pub(crate) async fn begin_rotation(&self, rotation: &Rotation) -> Result<(), VaultError> {
        let sentinel = meta(&self.database, "sentinel")
            .await?
            .ok_or(VaultError::RootKeyWrong)?;
        let root = root_of(&self.database, &self.root_path, &sentinel).await?.key;
        let mut transaction = self.database.begin().await?;
        let mut added = Vec::new();
        for key in keys_of(rotation.layer) {
            added.push(self.service_keys.add(&mut transaction, &root, key).await?);
        }
        rotations::advance(&mut transaction, rotation).await?;
        transaction.commit().await?;
        for added in added {
            self.service_keys.know(added);
        }
        Ok(())
    }

    /// Destroys the service keys of a layer that came before the newest, and says that its rotation has ended.
    pub(crate) async fn end_rotation(&self, layer: Layer) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for key in keys_of(layer) {
            self.service_keys.retire(&mut transaction, key).await?;
        }
        rotations::end(&mut transaction, layer, now_ms()).await?;
        transaction.commit().await?;
        for key in keys_of(layer) {
            self.service_keys.forget_older(key);
        }
        self.flush().await
    }
}

/// The service keys of which a rotation of this layer makes another generation.
fn keys_of(layer: Layer) -> Vec<ServiceKey> {
    let of_layer = |key: &ServiceKey| match layer {
        Layer::Purposes => matches!(key, ServiceKey::Purpose(_)),
        Layer::Indexes => matches!(key, ServiceKey::Index(_)),
        Layer::Anchors => matches!(key, ServiceKey::Anchor),
        Layer::Heads => matches!(key, ServiceKey::AccessLog),
        Layer::Held => matches!(key, ServiceKey::Held),
        Layer::Honeytokens => matches!(key, ServiceKey::Honeytokens),
        Layer::Root | Layer::Subjects | Layer::Values => false,
    };
    ServiceKey::all().into_iter().filter(of_layer).collect()
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

async fn meta(database: &Database, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
    let value = database.fetch_optional_value(META.bind(name)).await?;
    Ok(value)
}

async fn first_start(database: &Database, root: &RootKey) -> Result<VaultId, VaultError> {
    let vault_id: VaultId = sealing::random_bytes()?;
    let sentinel = root.seal(&sentinel_context(&vault_id), SENTINEL)?;
    let mut transaction = database.begin().await?;
    for (name, value) in [("vault_id", vault_id.to_vec()), ("sentinel", sentinel)] {
        transaction.execute(INSERT_META.bind(name).bind(value)).await?;
    }
    transaction.commit().await?;
    Ok(vault_id)
}
