//! The anchors: what the key store remembers of the latest version of each record, and of the access log.
//!
//! A row that is older, another's or changed does not fit its anchor. An anchor also keeps the record's share, half of what
//! opens it. It does not know what the records hold.

use ensoex_sql::{Query, Row, SqlError, Statement, Transaction};

use super::service_keys::{Generation, ServiceKey};
use super::{INSERT_META, KeyStore, Place, subject_of};
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::request::RecordName;
use crate::sealing::{self, Context, Share};
use crate::subject::SubjectId;
use ensoex_merkle::Hash;

ensoex_sql::statements! {
    STATEMENTS;
    ANCHOR =
        "SELECT version, mac, share, generation, pending_version, pending_mac, pending_share, pending_generation
            FROM anchors WHERE subject = $1 AND field = $2 AND record = $3";
    ANCHOR_PENDING =
        "INSERT INTO anchors (subject, field, record, pending_version, pending_mac, pending_share, pending_generation)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, field, record) DO UPDATE SET
            pending_version = excluded.pending_version, pending_mac = excluded.pending_mac,
            pending_share = excluded.pending_share, pending_generation = excluded.pending_generation";
    PROMOTE_ANCHOR =
        "UPDATE anchors SET version = pending_version, mac = pending_mac, share = pending_share,
            generation = pending_generation, pending_version = NULL, pending_mac = NULL, pending_share = NULL
            WHERE subject = $1 AND field = $2 AND record = $3 AND pending_version IS NOT NULL";
    SUBJECTS_WITH_STALE_ANCHORS =
        "SELECT DISTINCT subject FROM anchors WHERE subject > $1 AND generation < $2 ORDER BY subject LIMIT $3";
    ANCHORS_OF = "SELECT field, record FROM anchors WHERE subject = $1 ORDER BY field, record";
    REMOVE_ANCHOR = "DELETE FROM anchors WHERE subject = $1 AND field = $2 AND record = $3";
    LOG_ANCHOR = "SELECT size, root FROM log_anchor";
    SET_LOG_ANCHOR =
        "INSERT INTO log_anchor (one, size, root) VALUES (1, $1, $2)
            ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root WHERE excluded.size >= log_anchor.size";
    LOWER_LOG_ANCHOR = "UPDATE log_anchor SET size = $1, root = $2";
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
    /// Of the key that made the mac.
    generation: Generation,
    /// Half of the key that opens the record's data key.
    pub(crate) share: Share,
}

impl Anchor {
    /// The anchor of a row, where its generation has this name; without versions if all of them are null.
    pub(super) fn of(row: &Row, generation: &str) -> Result<Self, VaultError> {
        let side = |number: &str, mac: &str, share: &str, generation: &str| -> Result<_, SqlError> {
            let number: Option<i64> = row.get(number)?;
            let (mac, share): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(mac)?, row.get(share)?);
            let Some(((number, mac), share)) = number.zip(mac).zip(share.and_then(Share::stored)) else {
                return Ok(None);
            };
            Ok(Some(Version {
                number: number as u64,
                mac,
                generation: row.get::<i64>(generation)? as Generation,
                share,
            }))
        };
        Ok(Self {
            current: side("version", "mac", "share", generation)?,
            pending: side(
                "pending_version",
                "pending_mac",
                "pending_share",
                "pending_generation",
            )?,
        })
    }

    /// Whether an acknowledged version exists.
    pub(crate) const fn is_stored(&self) -> bool {
        self.current.is_some()
    }

    /// Whether a version was announced of which nobody said that it was written.
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether this version is the announced one.
    pub(crate) fn is_the_pending_one(&self, version: &Version) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| std::ptr::eq(pending, version))
    }

    /// The version that a new write takes.
    pub(crate) fn next_version(&self) -> u64 {
        let number = |side: &Option<Version>| side.as_ref().map_or(0, |version| version.number);
        number(&self.current).max(number(&self.pending)) + 1
    }
}

impl KeyStore {
    pub(crate) async fn anchor(&self, place: Place<'_>) -> Result<Anchor, VaultError> {
        let row = self.database.fetch_optional(at(ANCHOR, place)).await?;
        row.map_or_else(|| Ok(Anchor::default()), |row| Anchor::of(&row, "generation"))
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
        let context = anchor_context(place, number, digest);
        let fits = |version: &&Version| {
            let key = self.service_keys.get(ServiceKey::Anchor, version.generation);
            version.number == number && key.is_ok_and(|key| sealing::mac_fits(&key, &context, &version.mac))
        };
        [&anchor.current, &anchor.pending]
            .into_iter()
            .flatten()
            .find(fits)
    }

    /// Announces a version that is about to be written.
    pub(crate) async fn anchor_pending(
        &self,
        transaction: &mut Transaction,
        place: Place<'_>,
        version: u64,
        digest: &Hash,
        share: &Share,
    ) -> Result<(), VaultError> {
        let (generation, key) = self.service_keys.current(ServiceKey::Anchor)?;
        let mac = sealing::mac(&key, &anchor_context(place, version, digest));
        let pending = ANCHOR_PENDING
            .bind(&place.subject.as_bytes()[..])
            .bind(place.field.as_str())
            .bind(place.record.as_str())
            .bind(version as i64)
            .bind(&mac[..])
            .bind(share.bytes())
            .bind(i64::from(generation));
        transaction.execute(pending).await?;
        Ok(())
    }

    /// Makes the pending version the only right one.
    pub(crate) async fn anchor_promote(
        &self,
        transaction: &mut Transaction,
        place: Place<'_>,
    ) -> Result<(), VaultError> {
        transaction.execute(at(PROMOTE_ANCHOR, place)).await?;
        Ok(())
    }

    /// Forgets a record and destroys its share, durably: from then on no copy of the record opens, of whatever age.
    pub(crate) async fn anchor_remove(&self, place: Place<'_>) -> Result<(), VaultError> {
        self.database.execute(at(REMOVE_ANCHOR, place)).await?;
        self.flush().await
    }

    /// The subjects after this one some of whose anchors were made by an older key.
    pub(crate) async fn subjects_with_stale_anchors(
        &self,
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let (generation, _) = self.service_keys.current(ServiceKey::Anchor)?;
        let select = SUBJECTS_WITH_STALE_ANCHORS
            .bind(after)
            .bind(i64::from(generation))
            .bind(i64::from(limit));
        let rows = self.database.fetch_all(select).await?;
        rows.iter().map(subject_of).collect()
    }

    /// The records of a subject that have an anchor.
    pub(crate) async fn anchored(
        &self,
        subject: &SubjectId,
    ) -> Result<Vec<(FieldName, RecordName)>, VaultError> {
        let rows = self
            .database
            .fetch_all(ANCHORS_OF.bind(&subject.as_bytes()[..]))
            .await?;
        let mut anchored = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Ok(field) = row.get::<&str>("field")?.parse() {
                anchored.push((field, RecordName::stored(row.get("record")?)));
            }
        }
        Ok(anchored)
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
        self.anchor_log_in(&mut transaction, size, root).await?;
        Ok(transaction.commit().await?)
    }

    /// Remembers as part of a transaction how far the access log has come.
    pub(crate) async fn anchor_log_in(
        &self,
        transaction: &mut Transaction,
        size: u64,
        root: &Hash,
    ) -> Result<(), VaultError> {
        transaction
            .execute(SET_LOG_ANCHOR.bind(size as i64).bind(&root[..]))
            .await?;
        Ok(())
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
}

fn anchor_context(place: Place<'_>, version: u64, digest: &Hash) -> Context {
    place.context("anchor").number(version).part(digest)
}

fn at(statement: Statement, place: Place<'_>) -> Query {
    statement
        .bind(&place.subject.as_bytes()[..])
        .bind(place.field.as_str())
        .bind(place.record.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two who write at once may come to it in another order than that of the heads which they saw. An anchor that went back
    /// would let somebody cut off the end of the log unseen.
    #[tokio::test]
    async fn the_anchor_of_the_log_goes_forward_only() {
        let directory = tempfile::tempdir().unwrap();
        let memory = ensoex_sql::Address::memory();
        let keys = KeyStore::open(directory.path(), &memory).await.unwrap();
        for (size, root, expected) in [(5, 5, 5), (3, 3, 5), (5, 7, 5), (8, 8, 8)] {
            keys.anchor_log(size, &[root; 32]).await.unwrap();
            let (anchored, _) = keys.log_anchor().await.unwrap().unwrap();
            assert_eq!(anchored, expected, "after {size}");
        }
        let (_, root) = keys.log_anchor().await.unwrap().unwrap();
        assert_eq!(root, [8; 32]);
    }
}
