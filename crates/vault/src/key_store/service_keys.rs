//! The keys that belong to no subject, in generations: of the purposes, of the blind indexes, of the anchors, of the
//! access log, of what law holds, of the honeytokens.
//!
//! They lie sealed under the root key, and open in memory while the vault is open. A rotation adds a generation,
//! renews what is sealed under older ones, and destroys those. It does not know what the keys seal.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use ensoex_sql::{Database, Row, Transaction};

use super::VaultId;
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::purpose::PurposeName;
use crate::root_key::RootKey;
use crate::sealing::{self, Context, Key, KeyId};

ensoex_sql::statements! {
    STATEMENTS;
    SERVICE_KEYS = "SELECT name, key_id, sealed FROM service_keys ORDER BY name";
    INSERT_SERVICE_KEY = "INSERT INTO service_keys (name, key_id, sealed) VALUES ($1, $2, $3)";
    RESEAL_SERVICE_KEY = "UPDATE service_keys SET key_id = $2, sealed = $3 WHERE name = $1";
    DELETE_SERVICE_KEY = "DELETE FROM service_keys WHERE name = $1";
}

/// Which service key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ServiceKey {
    /// Seals the subjects' keys for a purpose.
    Purpose(PurposeName),
    /// Makes the tags of a field's blind index.
    Index(FieldName),
    /// Authenticates the latest version of each record.
    Anchor,
    /// Signs the heads of the access log.
    AccessLog,
    /// Seals which subjects nobody is.
    Honeytokens,
    /// Seals what law keeps of erased subjects.
    Held,
}

impl ServiceKey {
    /// Every key that a vault has.
    pub(crate) fn all() -> Vec<Self> {
        let indexed = |field: &&FieldName| field.description().index_bits.is_some();
        let purposes = PurposeName::ALL.into_iter().map(Self::Purpose);
        let indexes = FieldName::ALL.iter().filter(indexed).copied().map(Self::Index);
        purposes
            .chain(indexes)
            .chain([Self::Anchor, Self::AccessLog, Self::Honeytokens, Self::Held])
            .collect()
    }

    /// Its name in the key store, without the generation.
    fn name(self) -> String {
        match self {
            Self::Purpose(purpose) => format!("purpose/{}", purpose.as_str()),
            Self::Index(field) => format!("index/{}", field.as_str()),
            Self::Anchor => "anchor".to_owned(),
            Self::AccessLog => "access-log".to_owned(),
            Self::Honeytokens => "honeytokens".to_owned(),
            Self::Held => "held".to_owned(),
        }
    }
}

/// A key's place in the order of its kind, from 1.
pub(crate) type Generation = u32;

/// The service keys, open.
pub(crate) struct ServiceKeys {
    vault_id: VaultId,
    open: RwLock<BTreeMap<(ServiceKey, Generation), Key>>,
}

impl ServiceKeys {
    /// Opens every key, and makes those that are missing.
    pub(crate) async fn open(
        database: &Database,
        root: &RootKey,
        vault_id: VaultId,
    ) -> Result<Self, VaultError> {
        let keys = Self {
            vault_id,
            open: RwLock::default(),
        };
        let rows = database.fetch_all(SERVICE_KEYS).await?;
        for row in &rows {
            let (name, key) = opened(root, &vault_id, row)?;
            // The key of a field that the catalogue does not know any more opens nothing here.
            if let Some(place) = place(&name) {
                keys.insert(place, key);
            }
        }
        let missing = ServiceKey::all()
            .into_iter()
            .filter(|key| keys.newest(*key).is_none());
        for key in missing.collect::<Vec<_>>() {
            let mut transaction = database.begin().await?;
            let added = keys.add(&mut transaction, root, key).await?;
            transaction.commit().await?;
            keys.know(added);
        }
        Ok(keys)
    }

    fn insert(&self, place: (ServiceKey, Generation), key: Key) {
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(place, key);
    }

    /// The key of this generation.
    pub(crate) fn get(&self, key: ServiceKey, generation: Generation) -> Result<Key, VaultError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&(key, generation)).cloned().ok_or(VaultError::Integrity)
    }

    /// The key under which something new is sealed, with its generation.
    pub(crate) fn current(&self, key: ServiceKey) -> Result<(Generation, Key), VaultError> {
        self.newest(key).ok_or(VaultError::NotFound)
    }

    fn newest(&self, key: ServiceKey) -> Option<(Generation, Key)> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let newest = open.range((key, 0)..=(key, Generation::MAX)).next_back();
        newest.map(|((_, generation), key)| (*generation, key.clone()))
    }

    /// All generations that exist: one, or two while a rotation is under way.
    pub(crate) fn generations(&self, key: ServiceKey) -> Vec<(Generation, Key)> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let all = open.range((key, 0)..=(key, Generation::MAX));
        all.map(|((_, generation), key)| (*generation, key.clone()))
            .collect()
    }

    /// Makes the next generation of a key. It is known once the caller has committed and says so.
    pub(crate) async fn add(
        &self,
        transaction: &mut Transaction,
        root: &RootKey,
        key: ServiceKey,
    ) -> Result<Added, VaultError> {
        let generation = self.newest(key).map_or(1, |(generation, _)| generation + 1);
        let (made, key_id) = (sealing::random_key()?, sealing::random_bytes::<16>()?);
        let name = stored_name(key, generation);
        let sealed = root.seal(&context(&self.vault_id, &name, &key_id), &*made)?;
        let insert = INSERT_SERVICE_KEY.bind(&name).bind(&key_id[..]).bind(sealed);
        transaction.execute(insert).await?;
        Ok(Added {
            place: (key, generation),
            made,
        })
    }

    /// From now on a key that was made is in force.
    pub(crate) fn know(&self, added: Added) {
        self.insert(added.place, added.made);
    }

    /// Destroys every generation of a key but the newest. They are known until the caller has committed and says otherwise.
    pub(crate) async fn retire(
        &self,
        transaction: &mut Transaction,
        key: ServiceKey,
    ) -> Result<(), VaultError> {
        let (newest, _) = self.current(key)?;
        for (generation, _) in self.generations(key) {
            if generation < newest {
                let name = stored_name(key, generation);
                transaction.execute(DELETE_SERVICE_KEY.bind(name)).await?;
            }
        }
        Ok(())
    }

    /// Wipes every generation of a key but the newest from memory.
    pub(crate) fn forget_older(&self, key: ServiceKey) {
        let newest = self.newest(key).map(|(generation, _)| generation);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(of, generation), _| *of != key || Some(*generation) == newest);
    }

    /// Seals every service key, known or not, under another root key.
    pub(crate) async fn reseal(
        transaction: &mut Transaction,
        vault_id: &VaultId,
        old: &RootKey,
        new: &RootKey,
    ) -> Result<(), VaultError> {
        for row in &transaction.fetch_all(SERVICE_KEYS).await? {
            let (name, key) = opened(old, vault_id, row)?;
            let key_id: KeyId = sealing::random_bytes()?;
            let sealed = new.seal(&context(vault_id, &name, &key_id), &*key)?;
            let reseal = RESEAL_SERVICE_KEY.bind(&name).bind(&key_id[..]).bind(sealed);
            transaction.execute(reseal).await?;
        }
        Ok(())
    }
}

/// A key that was made in a transaction.
pub(crate) struct Added {
    place: (ServiceKey, Generation),
    made: Key,
}

/// The name in the key store: of the first generation the plain one.
fn stored_name(key: ServiceKey, generation: Generation) -> String {
    match generation {
        1 => key.name(),
        _ => format!("{}@{generation}", key.name()),
    }
}

fn place(stored: &str) -> Option<(ServiceKey, Generation)> {
    let (name, generation) = match stored.split_once('@') {
        Some((name, generation)) => (name, generation.parse().ok()?),
        None => (stored, 1),
    };
    let key = ServiceKey::all().into_iter().find(|key| key.name() == name)?;
    Some((key, generation))
}

fn context(vault_id: &VaultId, name: &str, key_id: &[u8]) -> Context {
    Context::new("service key")
        .part(vault_id)
        .part(name.as_bytes())
        .part(key_id)
}

fn opened(root: &RootKey, vault_id: &VaultId, row: &Row) -> Result<(String, Key), VaultError> {
    let (name, key_id, sealed): (String, Vec<u8>, Vec<u8>) =
        (row.get("name")?, row.get("key_id")?, row.get("sealed")?);
    let key = root.unseal_key(&context(vault_id, &name, &key_id), &sealed)?;
    Ok((name, key.ok_or(VaultError::RootKeyWrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_generations_return_from_the_key_store() {
        for key in ServiceKey::all() {
            for generation in [1, 2, 77] {
                assert_eq!(place(&stored_name(key, generation)), Some((key, generation)));
            }
        }
        for other in ["", "index/nothing", "anchor@x", "purpose/provide_service@"] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
