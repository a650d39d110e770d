//! The record database: sealed values, their sealed data keys, and the blind index.
//!
//! It holds no key that opens anything and sees no plain value. It belongs in the backups.

use ensoex_sql::{Address, Database, Durability, Migration, SqlError, Statement, Store, Transaction};

use crate::catalogue::FieldName;
use crate::database::{ANSWER_MS_MAX, BUSY_MS_MAX, Flushing};
use crate::error::VaultError;
use crate::key_store::{Generation, Place, SubjectKey, VaultId, subject_of};
use crate::purpose::PurposeName;
use crate::request::RecordName;
use crate::sealing::{self, Context, Key, KeyId, Share};
use crate::subject::SubjectId;
use ensoex_merkle::Hash;

ensoex_sql::statements! {
    STATEMENTS;
    SET_VAULT_ID = "INSERT INTO meta (name, value) VALUES ('vault_id', $1) ON CONFLICT DO NOTHING";
    VAULT_ID = "SELECT value FROM meta WHERE name = 'vault_id'";
    RECORD =
        "SELECT r.version, r.stored_at_ms, r.key_id, r.sealed, k.purpose, k.sealed_key
            FROM records r LEFT JOIN record_keys k USING (subject, field, record)
            WHERE r.subject = $1 AND r.field = $2 AND r.record = $3 ORDER BY k.purpose";
    STORE_RECORD =
        "INSERT INTO records (subject, field, record, version, key_id, sealed, stored_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, field, record) DO UPDATE SET
            version = excluded.version, key_id = excluded.key_id, sealed = excluded.sealed,
            stored_at_ms = excluded.stored_at_ms";
    INSERT_RECORD_KEY =
        "INSERT INTO record_keys (subject, field, record, purpose, sealed_key) VALUES ($1, $2, $3, $4, $5)";
    INSERT_INDEX = "INSERT INTO blind_index (subject, field, tag, exact, generation) VALUES ($1, $2, $3, $4, $5)";
    STALE_INDEX =
        // Not `field = $1`: SQLite would take the index of tags for it, and read and sort all of the field's rows for each page.
        "SELECT subject FROM blind_index WHERE field || '' = $1 AND subject > $2 AND generation < $3 ORDER BY subject LIMIT $4";
    LEFT_OUT =
        "SELECT c.subject FROM blind_index c WHERE c.field || '' = $1 AND c.subject > $2
            AND EXISTS (SELECT 1 FROM records r WHERE r.subject = c.subject AND r.field = $3 AND r.record = '')
            AND NOT EXISTS (SELECT 1 FROM blind_index i WHERE i.subject = c.subject AND i.field = $3)
            ORDER BY c.subject LIMIT $4";
    RENEW_INDEX =
        "UPDATE blind_index SET tag = $3, generation = $4 WHERE subject = $1 AND field = $2";
    FIND = "SELECT subject FROM blind_index WHERE field = $1 AND tag = $2 AND generation = $3";
    HELD =
        "SELECT field, record, version, stored_at_ms FROM records WHERE subject = $1 ORDER BY field, record";
    STORED_UNTIL =
        "SELECT subject, record, stored_at_ms FROM records WHERE field = $1 AND stored_at_ms <= $2
            ORDER BY stored_at_ms LIMIT $3";
    COUNT_STORED_UNTIL = "SELECT count(*) FROM records WHERE field = $1 AND stored_at_ms <= $2";
    PLACES =
        "SELECT subject, field, record FROM records WHERE (subject, field, record) > ($1, $2, $3)
            ORDER BY subject, field, record LIMIT $4";
    DELETE_RECORD = "DELETE FROM records WHERE subject = $1 AND field = $2 AND record = $3";
    DELETE_RECORD_KEYS = "DELETE FROM record_keys WHERE subject = $1 AND field = $2 AND record = $3";
    DELETE_INDEX = "DELETE FROM blind_index WHERE subject = $1 AND field = $2 AND $3 = ''";
    DELETE_RECORDS_OF = "DELETE FROM records WHERE subject = $1";
    DELETE_RECORD_KEYS_OF = "DELETE FROM record_keys WHERE subject = $1";
    DELETE_INDEX_OF = "DELETE FROM blind_index WHERE subject = $1";
}

/// The sealed records as a store.
pub static RECORDS: Store = Store {
    name: "vault's record",
    migrations: &[
        Migration {
            version: 1,
            name: "records",
            sqlite: include_str!("../migrations/records/sqlite/0001_records.sql"),
            postgres: include_str!("../migrations/records/postgres/0001_records.sql"),
        },
        Migration {
            version: 2,
            name: "generations of the index keys",
            sqlite: include_str!("../migrations/records/sqlite/0002_index_generations.sql"),
            postgres: include_str!("../migrations/records/postgres/0002_index_generations.sql"),
        },
        Migration {
            version: 3,
            name: "record times",
            sqlite: include_str!("../migrations/records/sqlite/0003_record_times.sql"),
            postgres: include_str!("../migrations/records/postgres/0003_record_times.sql"),
        },
    ],
    statements: &[&STATEMENTS],
    durability: Durability::Durable,
    overwrite_deleted: true,
    connections_max: 4,
    busy_ms_max: BUSY_MS_MAX,
    answer_ms_max: ANSWER_MS_MAX,
};
/// File of the record database.
pub(crate) const RECORD_DATABASE_FILE: &str = "vault.db";

pub(crate) struct RecordStore {
    database: Database,
    flushing: Flushing,
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
    /// Of the index key that made the tag.
    pub(crate) generation: Generation,
}

impl SealedRecord {
    /// Seals `plain` under a fresh data key, and that key under each of the subject's `keys` together with the `share`.
    pub(crate) fn seal(
        place: Place<'_>,
        version: u64,
        stored_at_ms: u64,
        plain: &[u8],
        keys: &[(PurposeName, Key)],
        share: &Share,
    ) -> Result<Self, VaultError> {
        let data_key = sealing::random_key()?;
        let key_id: KeyId = sealing::random_bytes()?;
        let sealed = sealing::seal(&data_key, &value_context(place, version, &key_id), plain)?;
        let mut sealed_keys = Vec::with_capacity(keys.len());
        for (purpose, key) in keys {
            let context = data_key_context(place, version, &key_id, purpose.as_str());
            sealed_keys.push((
                purpose.as_str().to_owned(),
                sealing::seal(&share.with(key), &context, &*data_key)?,
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

    /// Opens the value with the subject's key for `purpose` and the record's share; `None` if anything does not fit.
    pub(crate) fn open(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        subject_key: &SubjectKey,
        share: &Share,
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let data_key = self.data_key(place, purpose, subject_key, share)?;
        let context = value_context(place, self.version, &self.key_id);
        sealing::unseal(&data_key, &context, &self.sealed)
    }

    fn data_key(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        subject_key: &SubjectKey,
        share: &Share,
    ) -> Option<Key> {
        let named = |(name, _): &&(String, Vec<u8>)| name == purpose.as_str();
        let (_, sealed_key) = self.sealed_keys.iter().find(named)?;
        let context = data_key_context(place, self.version, &self.key_id, purpose.as_str());
        let open = |key: &Key| sealing::unseal_key(&share.with(key), &context, sealed_key);
        subject_key.candidates().find_map(open)
    }

    /// The same sealed value, its data key sealed under the subject's next keys; `None` if anything does not fit.
    pub(crate) fn rewrapped<'a>(
        &self,
        place: Place<'_>,
        keys: impl Iterator<Item = (PurposeName, &'a SubjectKey, &'a Key)>,
        share: &Share,
    ) -> Result<Option<Self>, VaultError> {
        let mut sealed_keys = Vec::with_capacity(self.sealed_keys.len());
        for (purpose, key, next) in keys {
            if !self.sealed_keys.iter().any(|(name, _)| name == purpose.as_str()) {
                continue;
            }
            let Some(data_key) = self.data_key(place, purpose, key, share) else {
                return Ok(None);
            };
            let context = data_key_context(place, self.version, &self.key_id, purpose.as_str());
            let sealed = sealing::seal(&share.with(next), &context, &*data_key)?;
            sealed_keys.push((purpose.as_str().to_owned(), sealed));
        }
        sealed_keys.sort();
        let whole = sealed_keys.len() == self.sealed_keys.len();
        Ok(whole.then(|| Self {
            version: self.version,
            stored_at_ms: self.stored_at_ms,
            key_id: self.key_id.clone(),
            sealed: self.sealed.clone(),
            sealed_keys,
        }))
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

/// Refuses records of another vault. Changes nothing.
pub(crate) async fn check(address: &Address, vault_id: &VaultId) -> Result<(), VaultError> {
    let database = Database::open_read_only(address, &RECORDS).await?;
    let stored = database.fetch_optional_value::<Vec<u8>>(VAULT_ID).await;
    database.close().await;
    match stored? {
        Some(stored) if stored == vault_id => Ok(()),
        _ => Err(VaultError::StoresDoNotMatch),
    }
}

impl RecordStore {
    pub(crate) async fn open(address: &Address, vault_id: &VaultId) -> Result<Self, VaultError> {
        let database = Database::open(address, &RECORDS).await?;
        database.execute(SET_VAULT_ID.bind(&vault_id[..])).await?;
        let stored: Vec<u8> = database.fetch_value(VAULT_ID).await?;
        if stored != vault_id {
            return Err(VaultError::StoresDoNotMatch);
        }
        Ok(Self {
            flushing: Flushing::new(&database),
            database,
        })
    }

    /// The records of whichever vault, to look at.
    pub(crate) async fn open_read_only(address: &Address) -> Result<Self, VaultError> {
        let database = Database::open_read_only(address, &RECORDS).await?;
        Ok(Self {
            flushing: Flushing::new(&database),
            database,
        })
    }

    pub(crate) async fn close(&self) {
        self.flushing.settle().await;
        self.database.close().await;
    }

    /// Subject, field and name of the records after this one, in their order; from the first one on without.
    pub(crate) async fn places_after(
        &self,
        after: Option<&(SubjectId, String, String)>,
        limit: u32,
    ) -> Result<Vec<(SubjectId, String, String)>, VaultError> {
        let subject = after.map_or(&[][..], |(subject, ..)| &subject.as_bytes()[..]);
        let places = PLACES
            .bind(subject)
            .bind(after.map_or("", |(_, field, _)| field))
            .bind(after.map_or("", |(.., record)| record))
            .bind(i64::from(limit));
        let rows = self.database.fetch_all(places).await?;
        rows.iter()
            .map(|row| Ok((subject_of(row)?, row.get("field")?, row.get("record")?)))
            .collect()
    }

    pub(crate) async fn load(&self, place: Place<'_>) -> Result<Option<SealedRecord>, VaultError> {
        let rows = self
            .database
            .fetch_all(
                RECORD
                    .bind(&place.subject.as_bytes()[..])
                    .bind(place.field.as_str())
                    .bind(place.record.as_str()),
            )
            .await?;
        let mut loaded: Option<SealedRecord> = None;
        for row in &rows {
            let record = match &mut loaded {
                Some(record) => record,
                None => loaded.insert(SealedRecord {
                    version: row.unsigned("version")?,
                    stored_at_ms: row.unsigned("stored_at_ms")?,
                    key_id: row.get("key_id")?,
                    sealed: row.get("sealed")?,
                    sealed_keys: Vec::new(),
                }),
            };
            let purpose: Option<String> = row.get("purpose")?;
            record.sealed_keys.extend(purpose.zip(row.get("sealed_key")?));
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
        let mut transaction = self.database.begin().await?;
        put(&mut transaction, place, record).await?;
        if place.record.as_str().is_empty() {
            delete(&mut transaction, place, DELETE_INDEX).await?;
        }
        if let Some(entry) = index_entry {
            insert_index(&mut transaction, place, entry).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Puts a claim in the place of the one that the subject had, durably.
    pub(crate) async fn claim(&self, place: Place<'_>, entry: &IndexEntry) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        delete(&mut transaction, place, DELETE_INDEX).await?;
        insert_index(&mut transaction, place, entry).await?;
        Ok(transaction.commit().await?)
    }

    /// Deletes a claim, if there is one.
    pub(crate) async fn give_up_claim(&self, place: Place<'_>) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        delete(&mut transaction, place, DELETE_INDEX).await?;
        Ok(transaction.commit().await?)
    }

    /// The subjects after this one, in their order, who have a claim on `claimed` and a value without one of `field`.
    pub(crate) async fn left_out(
        &self,
        claimed: FieldName,
        field: FieldName,
        after: Option<&SubjectId>,
        limit: u32,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let left_out = LEFT_OUT
            .bind(claimed.as_str())
            .bind(after.map_or(&[][..], |subject| &subject.as_bytes()[..]))
            .bind(field.as_str())
            .bind(i64::from(limit));
        let rows = self.database.fetch_all(left_out).await?;
        rows.iter().map(subject_of).collect()
    }

    /// Writes the same values, sealed anew, durably and together. Claims stay.
    pub(crate) async fn rewrite(
        &self,
        records: &[(SubjectId, FieldName, RecordName, SealedRecord)],
    ) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for (subject, field, record, sealed) in records {
            let place = Place {
                subject,
                field: *field,
                record,
            };
            put(&mut transaction, place, sealed).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The subjects after this one whose claimed value has a tag of an older index key.
    pub(crate) async fn stale_index(
        &self,
        field: FieldName,
        after: &[u8],
        newest: Generation,
        limit: u32,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let stale = STALE_INDEX
            .bind(field.as_str())
            .bind(after)
            .bind(i64::from(newest))
            .bind(i64::from(limit));
        let rows = self.database.fetch_all(stale).await?;
        rows.iter().map(subject_of).collect()
    }

    /// Gives subjects' claims tags of another index key, durably and together.
    pub(crate) async fn renew_index(
        &self,
        field: FieldName,
        generation: Generation,
        tags: &[(SubjectId, Vec<u8>)],
    ) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for (subject, tag) in tags {
            let renew = RENEW_INDEX
                .bind(&subject.as_bytes()[..])
                .bind(field.as_str())
                .bind(tag.as_slice())
                .bind(i64::from(generation));
            transaction.execute(renew).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Deletes a record with its keys and its claim; its share is gone already, so the write-ahead log follows soon.
    pub(crate) async fn remove(&self, place: Place<'_>) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for statement in [DELETE_RECORD, DELETE_RECORD_KEYS, DELETE_INDEX] {
            delete(&mut transaction, place, statement).await?;
        }
        transaction.commit().await?;
        self.flushing.flush_soon();
        Ok(())
    }

    /// Deletes everything about these subjects, whose keys are gone already; the write-ahead log follows soon.
    pub(crate) async fn remove_subjects(&self, subjects: &[SubjectId]) -> Result<(), VaultError> {
        if subjects.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin().await?;
        for subject in subjects {
            for statement in [DELETE_RECORDS_OF, DELETE_RECORD_KEYS_OF, DELETE_INDEX_OF] {
                transaction.execute(statement.bind(subject.as_bytes())).await?;
            }
        }
        transaction.commit().await?;
        self.flushing.flush_soon();
        Ok(())
    }

    /// The subjects whose claimed value has this tag of this generation.
    pub(crate) async fn find(
        &self,
        field: FieldName,
        generation: Generation,
        tag: &[u8],
    ) -> Result<Vec<SubjectId>, VaultError> {
        let find = FIND.bind(field.as_str()).bind(tag).bind(i64::from(generation));
        let rows = self.database.fetch_all(find).await?;
        rows.iter().map(subject_of).collect()
    }

    /// Up to `limit` values of a field that were stored by then, the oldest first.
    pub(crate) async fn stored_until(
        &self,
        field: FieldName,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<(SubjectId, RecordName, u64)>, VaultError> {
        let stored = STORED_UNTIL
            .bind(field.as_str())
            .bind(until_ms as i64)
            .bind(i64::from(limit));
        let rows = self.database.fetch_all(stored).await?;
        rows.iter()
            .map(|row| {
                let record = RecordName::stored(row.get("record")?);
                Ok((subject_of(row)?, record, row.unsigned("stored_at_ms")?))
            })
            .collect()
    }

    /// How many values of a field were stored by then.
    pub(crate) async fn count_stored_until(
        &self,
        field: FieldName,
        until_ms: u64,
    ) -> Result<u64, VaultError> {
        let count = COUNT_STORED_UNTIL.bind(field.as_str()).bind(until_ms as i64);
        let count: i64 = self.database.fetch_value(count).await?;
        Ok(count as u64)
    }

    /// What is held about a subject: field, record, version, time of writing.
    pub(crate) async fn held(
        &self,
        subject: &SubjectId,
    ) -> Result<Vec<(FieldName, RecordName, u64, u64)>, VaultError> {
        let rows = self
            .database
            .fetch_all(HELD.bind(&subject.as_bytes()[..]))
            .await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in &rows {
            // A field that the catalogue does not know any more is nobody's business here.
            if let Ok(field) = row.get::<&str>("field")?.parse::<FieldName>() {
                let record = RecordName::stored(row.get("record")?);
                held.push((
                    field,
                    record,
                    row.unsigned("version")?,
                    row.unsigned("stored_at_ms")?,
                ));
            }
        }
        Ok(held)
    }
}

/// Puts a record and its sealed keys in the place of what is there.
async fn put(
    transaction: &mut Transaction,
    place: Place<'_>,
    record: &SealedRecord,
) -> Result<(), VaultError> {
    let store = STORE_RECORD
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
        .bind(record.version as i64)
        .bind(record.key_id.as_slice())
        .bind(record.sealed.as_slice())
        .bind(record.stored_at_ms as i64);
    transaction.execute(store).await?;
    delete(transaction, place, DELETE_RECORD_KEYS).await?;
    for (purpose, sealed_key) in &record.sealed_keys {
        let insert = INSERT_RECORD_KEY
            .bind(&place.subject.as_bytes()[..])
            .bind(place.field.as_str())
            .bind(place.record.as_str())
            .bind(purpose)
            .bind(sealed_key.as_slice());
        transaction.execute(insert).await?;
    }
    Ok(())
}

async fn delete(
    transaction: &mut Transaction,
    place: Place<'_>,
    statement: Statement,
) -> Result<(), VaultError> {
    let place = statement
        .bind(place.subject.as_bytes())
        .bind(place.field.as_str())
        .bind(place.record.as_str());
    transaction.execute(place).await?;
    Ok(())
}

async fn insert_index(
    transaction: &mut Transaction,
    place: Place<'_>,
    entry: &IndexEntry,
) -> Result<(), VaultError> {
    let insert = INSERT_INDEX
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(entry.tag.as_slice())
        .bind(entry.exact)
        .bind(i64::from(entry.generation));
    transaction.execute(insert).await.map_err(taken_or_storage)?;
    Ok(())
}

fn taken_or_storage(error: SqlError) -> VaultError {
    if error.is_unique_violation() {
        VaultError::ValueTaken
    } else {
        VaultError::Storage(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sealed {
        subject: SubjectId,
        record: RecordName,
        keys: Vec<(PurposeName, Key)>,
        share: Share,
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
            let key = SubjectKey {
                current: key.clone(),
                next: None,
            };
            self.sealed.open(place, purpose, &key, &self.share).is_some()
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
        let share = Share::random().unwrap();
        let sealed = SealedRecord::seal(place, 1, 0, b"value", &keys[..1], &share).unwrap();
        Sealed {
            subject,
            record,
            keys,
            share,
            sealed,
        }
    }

    /// Even with every row and every key of the subject at hand.
    ///
    /// Mechanism: `crates/vault/src/record_store.rs`
    /// Control: the key of the granted purpose opens.
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

    /// Mechanism: `crates/vault/src/sealing.rs`
    /// Control: its own share opens.
    #[test]
    fn clause_09_the_share_of_another_version_opens_nothing() {
        let mut scene = sealed();
        let (granted, key) = scene.keys[0].clone();
        assert!(scene.opens(scene.place(), granted, &key));
        scene.share = Share::random().unwrap();
        assert!(!scene.opens(scene.place(), granted, &key));
    }

    /// The associated data alone binds a value to its place and version, apart from the anchors.
    ///
    /// Mechanism: `crates/vault/src/sealing.rs`
    /// Control: in its own place and version it opens.
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
