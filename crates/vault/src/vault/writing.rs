//! Sealing and deleting values. Claims are in `claiming`.
//!
//! Order of a write: access log (which version, with its digest), announced version (key store), sealed row (record database), final
//! version (key store). A stop between any two leaves either the old value or the new one readable.

use zeroize::Zeroizing;

use super::{Parts, Vault, into_plain};
use crate::access_leaf::{Draft, Operation};
use crate::catalogue::Field;
use crate::database::now_ms;
use crate::error::VaultError;
use crate::key_store::{Anchor, Place};
use crate::personal::Personal;
use crate::record_store::{IndexEntry, SealedRecord};
use crate::request::{AccessRequest, RecordName};
use crate::sealing::Share;
use crate::subject::SubjectId;

impl Vault {
    /// Seals a value; it is durable when this returns. `record` names one of several values of the
    /// field. A stored value is not found by [`Vault::find`] until it is claimed, and storing
    /// another value gives up the claim on the old one.
    ///
    /// # Errors
    /// [`VaultError::InvalidValue`], [`VaultError::UnknownSubject`], [`VaultError::Denied`], [`VaultError::HeldByLaw`] where
    /// a value would be replaced, and those of the log and databases.
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

    /// Deletes a value, its keys and its claim.
    ///
    /// # Errors
    /// [`VaultError::Denied`], [`VaultError::HeldByLaw`], [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
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
        let mut draft = Draft::new(Operation::Remove, *subject, request).on(F::NAME, &record);
        self.parts.refuse_what_is_denied(&mut draft, request).await?;
        self.parts.refuse_what_law_holds(place, &draft).await?;
        let order = self.parts.log.order();
        self.parts.log.append(draft).await?;
        self.parts.leases.end(subject, F::NAME, &record);
        self.parts.keys.anchor_remove(place).await?;
        self.parts.key_changes.erased();
        self.parts.records.remove(place).await?;
        order.done();
        Ok(())
    }
}

impl Parts {
    pub(super) async fn write(
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
        let mut draft = Draft::new(Operation::Store, *place.subject, request).on(place.field, place.record);
        self.refuse_what_is_denied(&mut draft, request).await?;
        self.refuse_what_law_holds(place, &draft).await?;
        let mut keys = Vec::with_capacity(sealed_keys.len());
        for (purpose, sealed) in &sealed_keys {
            keys.push((
                *purpose,
                self.keys.open_subject_key(place.subject, sealed)?.current,
            ));
        }
        let version = self.settled(place).await?.next_version();
        let share = Share::random()?;
        let record = SealedRecord::seal(place, version, now_ms(), plain, &keys, &share)?;
        draft.stored = Some((version, record.digest()));
        self.log.append(draft).await?;
        let mut announcing = self.keys.begin().await?;
        self.keys
            .anchor_pending(&mut announcing, place, version, &record.digest(), &share)
            .await?;
        announcing.commit().await?;
        self.records.write(place, &record, entry).await?;
        self.leases.end(place.subject, place.field, place.record);
        self.promoted(place).await?;
        if version > 1 {
            // The share of the version before is gone; now from the write-ahead log too.
            self.keys.flush().await?;
            self.key_changes.erased();
        }
        self.key_changes.created();
        Ok(())
    }

    /// Makes the announced version of a record the right one.
    async fn promoted(&self, place: Place<'_>) -> Result<(), VaultError> {
        let (size, root) = self.log.done_head().await?;
        let mut promoting = self.keys.begin().await?;
        self.keys.anchor_promote(&mut promoting, place).await?;
        self.keys.anchor_log_in(&mut promoting, size, &root).await?;
        Ok(promoting.commit().await?)
    }

    /// The anchor of a record, after a version that became durable just before the vault stopped was acknowledged: the
    /// next announcement takes its place.
    pub(super) async fn settled(&self, place: Place<'_>) -> Result<Anchor, VaultError> {
        let anchor = self.keys.anchor(place).await?;
        if anchor.is_pending()
            && let Some(record) = self.records.load(place).await?
            && let Some(version) = self.keys.latest(place, &anchor, record.version, &record.digest())
            && anchor.is_the_pending_one(version)
        {
            self.promoted(place).await?;
            return self.keys.anchor(place).await;
        }
        Ok(anchor)
    }
}
