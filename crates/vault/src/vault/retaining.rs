//! Retention: what the catalogue keeps for a term only, and what law held until a date, is destroyed when that comes.
//!
//! Each destruction is an entry of the log, written first; one that comes more than [`RETENTION_LATE_MS`] late says so, and
//! is a line for the operator. The time is the given clock's. It does not know when it is called.

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation};
use crate::cases::DAY_MS;
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::key_store::Place;
use crate::law::RETENTION_LATE_MS;
use crate::request::{AccessRequest, Reason, RecordName};
use crate::subject::SubjectId;

/// Most values of one field that one sweep destroys.
pub const SWEEP_VALUES_MAX: u32 = 1_000;

/// A value whose time had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose.
    pub subject: SubjectId,
    /// Which field.
    pub field: FieldName,
    /// Which of several values of the field; empty for the only one.
    pub record: String,
    /// Destroyed later than it should have been.
    pub late: bool,
}

impl Vault {
    /// Destroys what is due: at most [`SWEEP_VALUES_MAX`] values of each field, and as many that law held.
    ///
    /// # Errors
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Denied`], [`VaultError::Storage`]. What was destroyed before stays so.
    pub async fn sweep_retention(&self, request: &AccessRequest) -> Result<Vec<Expired>, VaultError> {
        let now_ms = self.parts.staff.clock.now_ms();
        let mut expired = Vec::new();
        for (field, stored_until_ms) in terms(now_ms) {
            let due = self
                .parts
                .records
                .stored_until(field, stored_until_ms, SWEEP_VALUES_MAX);
            for (subject, record, stored_at_ms) in due.await? {
                let holds = self.parts.keys.holds(&subject).await?;
                if holds
                    .iter()
                    .any(|hold| hold.field == field && hold.until_ms > now_ms)
                {
                    continue;
                }
                let late = stored_until_ms.saturating_sub(stored_at_ms) > RETENTION_LATE_MS;
                let place = Place {
                    subject: &subject,
                    field,
                    record: &record,
                };
                expired.push(self.parts.expire(place, late, request).await?);
            }
        }
        for kept in self.parts.keys.kept_until(now_ms, SWEEP_VALUES_MAX).await? {
            let late = now_ms.saturating_sub(kept.hold.until_ms) > RETENTION_LATE_MS;
            expired.push(self.parts.expire(kept.place(), late, request).await?);
        }
        Ok(expired)
    }

    /// How many values should have been destroyed more than [`RETENTION_LATE_MS`] ago and were not.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn retention_overdue(&self) -> Result<u64, VaultError> {
        let late_ms = self.parts.staff.clock.now_ms().saturating_sub(RETENTION_LATE_MS);
        let mut overdue = self.parts.keys.count_kept_until(late_ms).await?;
        for (field, stored_until_ms) in terms(late_ms) {
            overdue += self
                .parts
                .records
                .count_stored_until(field, stored_until_ms)
                .await?;
        }
        Ok(overdue)
    }
}

impl Parts {
    async fn expire(
        &self,
        place: Place<'_>,
        late: bool,
        request: &AccessRequest,
    ) -> Result<Expired, VaultError> {
        let _writing = self.writing(place.subject).await;
        let request = AccessRequest {
            reason: match late {
                true => Reason::RetentionOverdue,
                false => Reason::Retention,
            },
            ..request.clone()
        };
        let draft = Draft::new(Operation::Remove, *place.subject, &request).on(place.field, place.record);
        let (order, _) = self.order(draft, &request).await?;
        if late {
            let (subject, field) = (place.subject, place.field.as_str());
            tracing::error!(%subject, field, "a value was destroyed later than its term; look why nothing swept it before");
        }
        self.leases.end(place.subject, place.field, place.record);
        self.keys.anchor_remove(place).await?;
        self.keys.release(place).await?;
        self.key_changes.erased();
        self.records.remove(place).await?;
        order.done();
        Ok(Expired {
            subject: *place.subject,
            field: place.field,
            record: place.record.as_str().to_owned(),
            late,
        })
    }
}

/// The fields with a term, each with the time until which what was stored is due.
fn terms(now_ms: u64) -> impl Iterator<Item = (FieldName, u64)> {
    FieldName::ALL.iter().filter_map(move |field| {
        let days = field.description().retention.days_after_storing?;
        Some((*field, now_ms.saturating_sub(u64::from(days) * DAY_MS)))
    })
}

impl Parts {
    /// Destroys again what the log says was destroyed: of a key store that came from an older copy.
    pub(super) async fn destroy_again(
        keys: &crate::key_store::KeyStore,
        records: &crate::record_store::RecordStore,
        (subject, field, record): (&SubjectId, FieldName, &RecordName),
    ) -> Result<(), VaultError> {
        let place = Place {
            subject,
            field,
            record,
        };
        keys.anchor_remove(place).await?;
        keys.release(place).await?;
        records.remove(place).await
    }
}
