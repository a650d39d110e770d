//! The record database: sealed values, their sealed data keys, and the blind index.
//!
//! It holds no key that opens anything and sees no plain value. It belongs in the backups.

use std::path::Path;

use sqlx::SqlitePool;

use crate::catalogue::FieldName;
use crate::database;
use crate::error::VaultError;
use crate::key_store::{Place, VaultId};
use crate::merkle::Hash;
use crate::purpose::PurposeName;
use crate::request::RecordName;
use crate::sealing::{self, Context, Key, KeyId};
use crate::subject::SubjectId;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("migrations/records");
const STORE: &str = "record";
/// File of the record database.
pub(crate) const RECORD_DATABASE_FILE: &str = "vault.db";

pub(crate) struct RecordStore {
    pool: SqlitePool,
}

/// A sealed value as it lies in the database.
pub(crate) struct SealedRecord {
    pub(crate) version: u64,
    pub(crate) stored_at_ms: u64,
    key_id: Vec<u8>,
    sealed: Vec<u8>,
    /// The data key sealed per purpose, in the order of the purposes' names.
    sealed_keys: Vec<(String, Vec<u8>)>,
}

/// The index entry that a claim takes.
pub(crate) struct IndexEntry {
    pub(crate) tag: Vec<u8>,
    pub(crate) exact: bool,
}

impl SealedRecord {
    /// Seals `plain` under a fresh data key, and that key under each of the subject's `keys`.
    pub(crate) fn seal(
        place: Place<'_>,
        version: u64,
        stored_at_ms: u64,
        plain: &[u8],
        keys: &[(PurposeName, Key)],
    ) -> Result<Self, VaultError> {
        let data_key = sealing::random_key()?;
        let key_id: KeyId = sealing::random_bytes()?;
        let sealed = sealing::seal(&data_key, &value_context(place, version, &key_id), plain)?;
        let mut sealed_keys = Vec::with_capacity(keys.len());
        for (purpose, key) in keys {
            let context = data_key_context(place, version, &key_id, purpose.as_str());
            sealed_keys.push((
                purpose.as_str().to_owned(),
                sealing::seal(key, &context, &*data_key)?,
            ));
        }
        sealed_keys.sort();
        Ok(Self {
            version,
            stored_at_ms,
            key_id: key_id.to_vec(),
            sealed,
            sealed_keys,
        })
    }

    /// Opens the value with the subject's key for `purpose`; `None` if anything does not fit.
    pub(crate) fn open(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        subject_key: &Key,
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let (_, sealed_key) = self
            .sealed_keys
            .iter()
            .find(|(name, _)| name == purpose.as_str())?;
        let context = data_key_context(place, self.version, &self.key_id, purpose.as_str());
        let data_key = sealing::unseal_key(subject_key, &context, sealed_key)?;
        sealing::unseal(
            &data_key,
            &value_context(place, self.version, &self.key_id),
            &self.sealed,
        )
    }

    /// What the key store's anchor covers: every byte of the record.
    pub(crate) fn digest(&self) -> Hash {
        let mut context = Context::new("record")
            .number(self.version)
            .number(self.stored_at_ms)
            .part(&self.key_id)
            .part(&self.sealed);
        for (purpose, sealed_key) in &self.sealed_keys {
            context = context.part(purpose.as_bytes()).part(sealed_key);
        }
        sealing::digest(&context)
    }
}

fn value_context(place: Place<'_>, version: u64, key_id: &[u8]) -> Context {
    place.context("value").number(version).part(key_id)
}

fn data_key_context(place: Place<'_>, version: u64, key_id: &[u8], purpose: &str) -> Context {
    place
        .context("data key")
        .number(version)
        .part(key_id)
        .part(purpose.as_bytes())
}

impl RecordStore {
    pub(crate) async fn open(directory: &Path, vault_id: &VaultId) -> Result<Self, VaultError> {
        let pool = database::open(&directory.join(RECORD_DATABASE_FILE), STORE, &MIGRATOR, 4).await?;
        sqlx::query("INSERT OR IGNORE INTO meta (name, value) VALUES ('vault_id', ?)")
            .bind(&vault_id[..])
            .execute(&pool)
            .await
            .map_err(VaultError::storage(STORE))?;
        let (stored,): (Vec<u8>,) = sqlx::query_as("SELECT value FROM meta WHERE name = 'vault_id'")
            .fetch_one(&pool)
            .await
            .map_err(VaultError::storage(STORE))?;
        if stored != vault_id {
            return Err(VaultError::StoresDoNotMatch);
        }
        Ok(Self { pool })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn load(&self, place: Place<'_>) -> Result<Option<SealedRecord>, VaultError> {
        type Row = (i64, i64, Vec<u8>, Vec<u8>, Option<String>, Option<Vec<u8>>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT r.version, r.stored_at_ms, r.key_id, r.sealed, k.purpose, k.sealed_key
             FROM records r LEFT JOIN record_keys k USING (subject, field, record)
             WHERE r.subject = ? AND r.field = ? AND r.record = ? ORDER BY k.purpose",
        )
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(VaultError::storage(STORE))?;
        let mut loaded: Option<SealedRecord> = None;
        for (version, stored_at_ms, key_id, sealed, purpose, sealed_key) in rows {
            let record = loaded.get_or_insert_with(|| SealedRecord {
                version: version as u64,
                stored_at_ms: stored_at_ms as u64,
                key_id,
                sealed,
                sealed_keys: Vec::new(),
            });
            record.sealed_keys.extend(purpose.zip(sealed_key));
        }
        Ok(loaded)
    }

    /// Writes a record, durably. For an indexed field the claim on the old value goes, and
    /// `index_entry` takes its place if there is one.
    pub(crate) async fn write(
        &self,
        place: Place<'_>,
        record: &SealedRecord,
        index_entry: Option<&IndexEntry>,
    ) -> Result<(), VaultError> {
        let mut transaction = self.pool.begin().await.map_err(VaultError::storage(STORE))?;
        sqlx::query(
            "INSERT OR REPLACE INTO records (subject, field, record, version, key_id, sealed, stored_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
        .bind(record.version as i64)
        .bind(&record.key_id)
        .bind(&record.sealed)
        .bind(record.stored_at_ms as i64)
        .execute(&mut *transaction)
        .await
        .map_err(VaultError::storage(STORE))?;
        delete(
            &mut transaction,
            place,
            "DELETE FROM record_keys WHERE subject = ? AND field = ? AND record = ?",
        )
        .await?;
        for (purpose, sealed_key) in &record.sealed_keys {
            sqlx::query(
                "INSERT INTO record_keys (subject, field, record, purpose, sealed_key) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&place.subject.as_bytes()[..])
            .bind(place.field.as_str())
            .bind(place.record.as_str())
            .bind(purpose)
            .bind(sealed_key)
            .execute(&mut *transaction)
            .await
            .map_err(VaultError::storage(STORE))?;
        }
        if place.record.as_str().is_empty() {
            delete(
                &mut transaction,
                place,
                "DELETE FROM blind_index WHERE subject = ? AND field = ? AND ? = ''",
            )
            .await?;
        }
        if let Some(entry) = index_entry {
            sqlx::query("INSERT INTO blind_index (subject, field, tag, exact) VALUES (?, ?, ?, ?)")
                .bind(&place.subject.as_bytes()[..])
                .bind(place.field.as_str())
                .bind(&entry.tag)
                .bind(entry.exact)
                .execute(&mut *transaction)
                .await
                .map_err(taken_or_storage)?;
        }
        transaction.commit().await.map_err(VaultError::storage(STORE))
    }

    /// Deletes a record with its keys and its claim.
    pub(crate) async fn remove(&self, place: Place<'_>) -> Result<(), VaultError> {
        let mut transaction = self.pool.begin().await.map_err(VaultError::storage(STORE))?;
        for statement in [
            "DELETE FROM records WHERE subject = ? AND field = ? AND record = ?",
            "DELETE FROM record_keys WHERE subject = ? AND field = ? AND record = ?",
            "DELETE FROM blind_index WHERE subject = ? AND field = ? AND ? = ''",
        ] {
            delete(&mut transaction, place, statement).await?;
        }
        transaction.commit().await.map_err(VaultError::storage(STORE))?;
        database::flush(&self.pool, STORE).await
    }

    /// Deletes everything about these subjects.
    pub(crate) async fn remove_subjects(&self, subjects: &[SubjectId]) -> Result<(), VaultError> {
        if subjects.is_empty() {
            return Ok(());
        }
        let mut transaction = self.pool.begin().await.map_err(VaultError::storage(STORE))?;
        for subject in subjects {
            for statement in [
                "DELETE FROM records WHERE subject = ?",
                "DELETE FROM record_keys WHERE subject = ?",
                "DELETE FROM blind_index WHERE subject = ?",
            ] {
                sqlx::query(statement)
                    .bind(&subject.as_bytes()[..])
                    .execute(&mut *transaction)
                    .await
                    .map_err(VaultError::storage(STORE))?;
            }
        }
        transaction.commit().await.map_err(VaultError::storage(STORE))?;
        database::flush(&self.pool, STORE).await
    }

    /// The subjects whose claimed value has this tag.
    pub(crate) async fn find(&self, field: FieldName, tag: &[u8]) -> Result<Vec<SubjectId>, VaultError> {
        let rows: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT subject FROM blind_index WHERE field = ? AND tag = ?")
                .bind(field.as_str())
                .bind(tag)
                .fetch_all(&self.pool)
                .await
                .map_err(VaultError::storage(STORE))?;
        let subject = |(bytes,): (Vec<u8>,)| bytes.try_into().ok().map(SubjectId::from_bytes);
        Ok(rows.into_iter().filter_map(subject).collect())
    }

    /// What is held about a subject: field, record, version, time of writing.
    pub(crate) async fn held(
        &self,
        subject: &SubjectId,
    ) -> Result<Vec<(FieldName, RecordName, u64, u64)>, VaultError> {
        let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT field, record, version, stored_at_ms FROM records WHERE subject = ? ORDER BY field, record",
        )
        .bind(&subject.as_bytes()[..])
        .fetch_all(&self.pool)
        .await
        .map_err(VaultError::storage(STORE))?;
        let held = |(field, record, version, at_ms): (String, String, i64, i64)| {
            let field: FieldName = field.parse().ok()?;
            Some((field, RecordName::stored(record), version as u64, at_ms as u64))
        };
        Ok(rows.into_iter().filter_map(held).collect())
    }
}

async fn delete(
    transaction: &mut sqlx::Transaction<'_, sqlx::Sqlite>,
    place: Place<'_>,
    statement: &'static str,
) -> Result<(), VaultError> {
    sqlx::query(statement)
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(VaultError::storage(STORE))?;
    Ok(())
}

fn taken_or_storage(source: sqlx::Error) -> VaultError {
    let taken = source
        .as_database_error()
        .is_some_and(|error| error.is_unique_violation());
    if taken {
        VaultError::ValueTaken
    } else {
        VaultError::Storage { store: STORE, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sealed {
        subject: SubjectId,
        record: RecordName,
        keys: Vec<(PurposeName, Key)>,
        sealed: SealedRecord,
    }

    impl Sealed {
        fn place(&self) -> Place<'_> {
            Place {
                subject: &self.subject,
                field: FieldName::PasswordHash,
                record: &self.record,
            }
        }

        fn opens(&self, place: Place<'_>, purpose: PurposeName, key: &Key) -> bool {
            self.sealed.open(place, purpose, key).is_some()
        }
    }

    /// A value sealed for providing the service only, of a subject with a key for every purpose.
    fn sealed() -> Sealed {
        let (subject, record) = (SubjectId::from_bytes([1; 16]), RecordName::stored(String::new()));
        let keys: Vec<(PurposeName, Key)> = PurposeName::ALL
            .into_iter()
            .map(|purpose| (purpose, sealing::random_key().unwrap()))
            .collect();
        let place = Place {
            subject: &subject,
            field: FieldName::PasswordHash,
            record: &record,
        };
        let sealed = SealedRecord::seal(place, 1, 0, b"value", &keys[..1]).unwrap();
        Sealed {
            subject,
            record,
            keys,
            sealed,
        }
    }

    /// Even with every row and every key of the subject at hand.
    #[test]
    fn clause_07_the_key_of_another_purpose_opens_nothing() {
        let scene = sealed();
        let (granted, key) = &scene.keys[0];
        assert!(scene.opens(scene.place(), *granted, key));
        for (purpose, other_key) in &scene.keys[1..] {
            assert!(!scene.opens(scene.place(), *purpose, other_key));
            assert!(!scene.opens(scene.place(), *granted, other_key));
            assert!(!scene.opens(scene.place(), *purpose, key));
        }
    }

    /// The associated data alone binds a value to its place and version, apart from the anchors.
    #[test]
    fn clause_09_a_value_opens_in_its_own_place_and_version_only() {
        let mut scene = sealed();
        let (purpose, key) = (scene.keys[0].0, scene.keys[0].1.clone());
        let (other, named) = (
            SubjectId::from_bytes([2; 16]),
            RecordName::stored("other".to_owned()),
        );
        let place = scene.place();
        assert!(scene.opens(place, purpose, &key));
        assert!(!scene.opens(
            Place {
                subject: &other,
                ..place
            },
            purpose,
            &key
        ));
        assert!(!scene.opens(
            Place {
                field: FieldName::Email,
                ..place
            },
            purpose,
            &key
        ));
        assert!(!scene.opens(
            Place {
                record: &named,
                ..place
            },
            purpose,
            &key
        ));
        scene.sealed.version = 2;
        assert!(!scene.opens(scene.place(), purpose, &key));
        scene.sealed.version = 1;
        scene.sealed.key_id[0] ^= 1;
        assert!(!scene.opens(scene.place(), purpose, &key));
    }
}
