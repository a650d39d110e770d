//! The subjects' keys: one for each purpose, sealed under that purpose's key. Destroying them is what erasure means.
//!
//! While a subject's keys are renewed the next ones lie beside them; a record is sealed under either until all are sealed
//! under the next.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use ensoex_merkle::Hash;
use ensoex_sql::{Row, Transaction};

use super::service_keys::{Generation, ServiceKey};
use super::{Anchor, KeyStore, Place, agreements, holds, restrictions, subject_of};
use crate::error::VaultError;
use crate::purpose::PurposeName;
use crate::sealing::{self, Context, Key};
use crate::subject::SubjectId;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_SUBJECT_KEY =
        "INSERT INTO subject_keys (subject, purpose, key_id, sealed, generation) VALUES ($1, $2, $3, $4, $5)";
    SUBJECT_KEY =
        "SELECT subject, key_id, sealed, next_key_id, next_sealed, generation FROM subject_keys
            WHERE subject = $1 AND purpose = $2";
    SUBJECT_KEY_AND_ANCHOR =
        "SELECT k.key_id, k.sealed, k.next_key_id, k.next_sealed, k.generation, a.version, a.mac, a.share,
            a.generation AS anchor_generation, a.pending_version, a.pending_mac, a.pending_share, a.pending_generation
            FROM subject_keys k LEFT JOIN anchors a ON a.subject = k.subject AND a.field = $3 AND a.record = $4
            WHERE k.subject = $1 AND k.purpose = $2";
    SUBJECTS_AFTER = "SELECT DISTINCT subject FROM subject_keys WHERE subject > $1 ORDER BY subject LIMIT $2";
    STALE_SUBJECT_KEYS =
        "SELECT subject, key_id, sealed, next_key_id, next_sealed, generation FROM subject_keys
            WHERE purpose = $1 AND subject >= $2 AND generation < $3 ORDER BY subject LIMIT $4";
    RESEAL_SUBJECT_KEY =
        "UPDATE subject_keys SET sealed = $3, next_sealed = $4, generation = $5 WHERE subject = $1 AND purpose = $2";
    ADD_NEXT_SUBJECT_KEY =
        "UPDATE subject_keys SET next_key_id = $3, next_sealed = $4 WHERE subject = $1 AND purpose = $2";
    PROMOTE_SUBJECT_KEYS =
        "UPDATE subject_keys SET key_id = next_key_id, sealed = next_sealed, next_key_id = NULL, next_sealed = NULL
            WHERE subject = $1 AND next_key_id IS NOT NULL";
    DELETE_SUBJECT_KEYS = "DELETE FROM subject_keys WHERE subject = $1";
    DELETE_ANCHORS = "DELETE FROM anchors WHERE subject = $1";
    REMEMBER_ERASED =
        "INSERT INTO erased_subjects (subject, erased_at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    ERASED_AT = "SELECT erased_at_ms FROM erased_subjects WHERE subject = $1";
    ERASED_SUBJECTS = "SELECT subject FROM erased_subjects";
}

/// A subject's key for one purpose, still sealed: what may be loaded before the access is logged.
pub(crate) struct SealedSubjectKey {
    purpose: PurposeName,
    generation: Generation,
    current: (Vec<u8>, Vec<u8>),
    next: Option<(Vec<u8>, Vec<u8>)>,
}

impl SealedSubjectKey {
    fn of(purpose: PurposeName, row: &Row) -> Result<Self, VaultError> {
        let next: Option<Vec<u8>> = row.get("next_key_id")?;
        Ok(Self {
            purpose,
            generation: row.get::<i64>("generation")? as Generation,
            current: (row.get("key_id")?, row.get("sealed")?),
            next: next.zip(row.get("next_sealed")?),
        })
    }
}

/// A subject's key for one purpose, open.
pub(crate) struct SubjectKey {
    /// The key under which values are sealed.
    pub(crate) current: Key,
    /// The key that takes its place, while the subject's keys are renewed.
    pub(crate) next: Option<Key>,
}

impl SubjectKey {
    /// The keys that may open a record.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.next)
    }
}

impl KeyStore {
    /// Makes a subject's keys, durably.
    pub(crate) async fn create_subject(&self, subject: &SubjectId) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for purpose in PurposeName::ALL {
            let (key_id, key) = (sealing::random_bytes::<16>()?, sealing::random_key()?);
            let (generation, purpose_key) = self.service_keys.current(ServiceKey::Purpose(purpose))?;
            let sealed = sealing::seal(&purpose_key, &context(subject, purpose, &key_id), &*key)?;
            let insert = INSERT_SUBJECT_KEY
                .bind(&subject.as_bytes()[..])
                .bind(purpose.as_str())
                .bind(&key_id[..])
                .bind(sealed)
                .bind(i64::from(generation));
            transaction.execute(insert).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// A subject's sealed key for a purpose; `None` for an unknown or erased subject.
    pub(crate) async fn subject_key(
        &self,
        subject: &SubjectId,
        purpose: PurposeName,
    ) -> Result<Option<SealedSubjectKey>, VaultError> {
        let select = SUBJECT_KEY.bind(&subject.as_bytes()[..]).bind(purpose.as_str());
        let row = self.database.fetch_optional(select).await?;
        row.map(|row| SealedSubjectKey::of(purpose, &row)).transpose()
    }

    /// A subject's sealed key for a purpose, as [`KeyStore::subject_key`] gives it, and a record's anchor, as of one moment.
    pub(crate) async fn subject_key_and_anchor(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
    ) -> Result<Option<(SealedSubjectKey, Anchor)>, VaultError> {
        let select = SUBJECT_KEY_AND_ANCHOR
            .bind(&place.subject.as_bytes()[..])
            .bind(purpose.as_str())
            .bind(place.field.as_str())
            .bind(place.record.as_str());
        let row = self.database.fetch_optional(select).await?;
        row.map(|row| {
            Ok((
                SealedSubjectKey::of(purpose, &row)?,
                Anchor::of(&row, "anchor_generation")?,
            ))
        })
        .transpose()
    }

    /// Opens a subject's key. Only after the access is in the log.
    pub(crate) fn open_subject_key(
        &self,
        subject: &SubjectId,
        key: &SealedSubjectKey,
    ) -> Result<SubjectKey, VaultError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let purpose_key = self
            .service_keys
            .get(ServiceKey::Purpose(key.purpose), key.generation)?;
        let open = |(key_id, sealed): &(Vec<u8>, Vec<u8>)| {
            sealing::unseal_key(&purpose_key, &context(subject, key.purpose, key_id), sealed)
                .ok_or(VaultError::Integrity)
        };
        Ok(SubjectKey {
            current: open(&key.current)?,
            next: key.next.as_ref().map(open).transpose()?,
        })
    }

    /// Seals up to `limit` subjects' keys for a purpose under its newest key, from this subject on; gives how many, and the
    /// last of them.
    pub(crate) async fn reseal_subject_keys(
        &self,
        purpose: PurposeName,
        from: &[u8],
        limit: u32,
    ) -> Result<Option<(u64, SubjectId)>, VaultError> {
        let (generation, purpose_key) = self.service_keys.current(ServiceKey::Purpose(purpose))?;
        let mut transaction = self.database.begin().await?;
        let stale = STALE_SUBJECT_KEYS
            .bind(purpose.as_str())
            .bind(from)
            .bind(i64::from(generation))
            .bind(i64::from(limit));
        let rows = transaction.fetch_all(stale).await?;
        let mut last = None;
        for row in &rows {
            let subject = subject_of(row)?;
            let sealed = SealedSubjectKey::of(purpose, row)?;
            let open = self.open_subject_key(&subject, &sealed)?;
            let seal = |key_id: &[u8], key: &Key| {
                sealing::seal(&purpose_key, &context(&subject, purpose, key_id), &**key)
            };
            let next = match (&sealed.next, &open.next) {
                (Some((key_id, _)), Some(key)) => Some(seal(key_id, key)?),
                _ => None,
            };
            let reseal = RESEAL_SUBJECT_KEY
                .bind(&subject.as_bytes()[..])
                .bind(purpose.as_str())
                .bind(seal(&sealed.current.0, &open.current)?)
                .bind(next)
                .bind(i64::from(generation));
            transaction.execute(reseal).await?;
            last = Some(subject);
        }
        transaction.commit().await?;
        Ok(last.map(|last| (rows.len() as u64, last)))
    }

    /// The subjects after this one, in their order.
    pub(crate) async fn subjects_after(
        &self,
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let select = SUBJECTS_AFTER.bind(after).bind(i64::from(limit));
        let rows = self.database.fetch_all(select).await?;
        rows.iter().map(subject_of).collect()
    }

    /// A subject's keys for all purposes, open, each with the next one, which is made (in memory) where there is none yet.
    /// Empty for an unknown or erased subject.
    pub(crate) async fn keys_and_next(
        &self,
        subject: &SubjectId,
    ) -> Result<BTreeMap<PurposeName, (SubjectKey, NextKey)>, VaultError> {
        let mut keys = BTreeMap::new();
        for purpose in PurposeName::ALL {
            let Some(sealed) = self.subject_key(subject, purpose).await? else {
                continue;
            };
            let open = self.open_subject_key(subject, &sealed)?;
            let next = match (&sealed.next, &open.next) {
                (Some((key_id, _)), Some(key)) => NextKey {
                    key_id: key_id.clone(),
                    key: key.clone(),
                    generation: sealed.generation,
                },
                _ => NextKey {
                    key_id: sealing::random_bytes::<16>()?.to_vec(),
                    key: sealing::random_key()?,
                    generation: sealed.generation,
                },
            };
            keys.insert(purpose, (open, next));
        }
        Ok(keys)
    }

    /// Puts the next key for a purpose beside a subject's current one.
    pub(crate) async fn add_next_key(
        &self,
        transaction: &mut Transaction,
        subject: &SubjectId,
        purpose: PurposeName,
        next: &NextKey,
    ) -> Result<(), VaultError> {
        let purpose_key = self
            .service_keys
            .get(ServiceKey::Purpose(purpose), next.generation)?;
        let sealed = sealing::seal(&purpose_key, &context(subject, purpose, &next.key_id), &*next.key)?;
        let add = ADD_NEXT_SUBJECT_KEY
            .bind(&subject.as_bytes()[..])
            .bind(purpose.as_str())
            .bind(next.key_id.as_slice())
            .bind(sealed);
        transaction.execute(add).await?;
        Ok(())
    }

    /// Makes a subject's next keys its only ones.
    pub(crate) async fn promote_next_keys(
        &self,
        transaction: &mut Transaction,
        subject: &SubjectId,
    ) -> Result<(), VaultError> {
        transaction
            .execute(PROMOTE_SUBJECT_KEYS.bind(&subject.as_bytes()[..]))
            .await?;
        Ok(())
    }

    /// Destroys a subject's keys and anchors, durably, in the write-ahead log too; with them go their restriction, their
    /// agreements and the holds on their fields. What is kept of them stays. The access log is anchored with it, as far as all is
    /// done then.
    pub(crate) async fn destroy(
        &self,
        subject: &SubjectId,
        at_ms: u64,
        anchor: Option<(u64, Hash)>,
    ) -> Result<(), VaultError> {
        let mut transaction = self.database.begin().await?;
        for statement in [DELETE_SUBJECT_KEYS, DELETE_ANCHORS] {
            transaction.execute(statement.bind(subject.as_bytes())).await?;
        }
        for forget in [
            restrictions::lift(subject),
            agreements::withdraw_all(subject),
            holds::lift_all(subject),
        ] {
            transaction.execute(forget).await?;
        }
        let erased = REMEMBER_ERASED.bind(subject.as_bytes()).bind(at_ms as i64);
        transaction.execute(erased).await?;
        if let Some((size, root)) = anchor {
            self.anchor_log_in(&mut transaction, size, &root).await?;
        }
        transaction.commit().await?;
        self.flush().await
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

/// The key that takes the place of a subject's key for one purpose.
pub(crate) struct NextKey {
    key_id: Vec<u8>,
    pub(crate) key: Key,
    generation: Generation,
}

fn context(subject: &SubjectId, purpose: PurposeName, key_id: &[u8]) -> Context {
    Context::new("subject key")
        .part(subject.as_bytes())
        .part(purpose.as_str().as_bytes())
        .part(key_id)
}
