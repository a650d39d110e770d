//! Legal holds: a field of one person that a law forbids to destroy, until a date, shown to the person.
//!
//! While the person is there a held value is used as before, but neither replaced nor removed, or a correction before an
//! erasure would destroy it; a field without a value takes a first one. When they are erased, the held values alone are kept,
//! apart from all keys, until their date (`retaining`); they open within a case of a legal order only. The leaf is written
//! first, also before a value is opened to be kept, by an erasure and by the restart that ends one. It does not know which law
//! applies to whom: the operator places a hold, within what the catalogue lets law hold at all.

use zeroize::Zeroizing;

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::access_log::AccessLog;
use crate::cases::{CaseReason, DAY_MS};
use crate::error::{Denial, VaultError};
use crate::key_store::{Kept, KeyStore, Place};
use crate::law::{HOLD_DAYS_MAX, LegalHold};
use crate::orders::Order;
use crate::record_store::RecordStore;
use crate::request::{AccessRequest, Actor, PolicyVersion, Reason, RecordName};
use crate::subject::SubjectId;

impl Vault {
    /// Forbids to destroy a field of a subject before a date. Another hold on the field gives way.
    ///
    /// # Errors
    /// [`VaultError::InvalidHold`] when the catalogue does not let this law hold the field, or the date is past or too far;
    /// [`VaultError::UnknownSubject`], [`VaultError::Denied`] unless a part of the Service does so for the operator; those of
    /// the log and databases.
    pub async fn place_hold(
        &self,
        subject: &SubjectId,
        hold: LegalHold,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let rule = hold.field.description().legal_hold;
        if !rule.is_some_and(|rule| rule.laws.contains(&hold.law)) {
            return Err(VaultError::InvalidHold {
                what: "look at the table of personal data, which says which law may hold which field",
            });
        }
        let now_ms = self.parts.staff.clock.now_ms();
        if hold.until_ms <= now_ms || hold.until_ms > now_ms + HOLD_DAYS_MAX * DAY_MS {
            return Err(VaultError::InvalidHold {
                what: "choose a day to come, within ten years",
            });
        }
        let _writing = self.parts.writing(subject).await;
        self.parts.known(subject).await?;
        let order = self
            .parts
            .enter_hold(Operation::PlaceHold, subject, &hold, request)
            .await?;
        self.parts.keys.place_hold(subject, &hold).await?;
        order.done();
        Ok(())
    }

    /// Ends a hold before its date; what was kept of an erased subject because of it is destroyed at once.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] when there is none, and those of [`Vault::place_hold`].
    pub async fn lift_hold(
        &self,
        subject: &SubjectId,
        field: crate::FieldName,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _writing = self.parts.writing(subject).await;
        let holds = self.legal_holds(subject).await?;
        let hold = holds.into_iter().find(|hold| hold.field == field);
        let hold = hold.ok_or(VaultError::NotFound)?;
        let order = self
            .parts
            .enter_hold(Operation::LiftHold, subject, &hold, request)
            .await?;
        self.parts.keys.lift_hold(subject, field).await?;
        for kept in self.parts.keys.kept(subject).await? {
            if kept.hold.field == field {
                self.parts.keys.release(kept.place()).await?;
                self.parts.key_changes.erased();
            }
        }
        order.done();
        Ok(())
    }

    /// What law forbids to destroy of a subject, erased or not, whose date has not come.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn legal_holds(&self, subject: &SubjectId) -> Result<Vec<LegalHold>, VaultError> {
        let mut holds = self.parts.keys.holds(subject).await?;
        for kept in self.parts.keys.kept(subject).await? {
            if !holds.contains(&kept.hold) {
                holds.push(kept.hold);
            }
        }
        let now_ms = self.parts.staff.clock.now_ms();
        holds.retain(|hold| hold.until_ms > now_ms);
        Ok(holds)
    }
}

impl Parts {
    /// Enters a step of a hold: by a part of the Service only, for the operator.
    async fn enter_hold(
        &self,
        step: Operation,
        subject: &SubjectId,
        hold: &LegalHold,
        request: &AccessRequest,
    ) -> Result<Order, VaultError> {
        let mut draft =
            Draft::new(step, *subject, request).on(hold.field, &RecordName::stored(String::new()));
        draft.hold = Some((hold.law, hold.until_ms));
        if !matches!(request.actor, Actor::Component(_)) {
            self.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(Denial::OperatorOnly));
        }
        let order = self.log.order();
        self.log.append(draft).await?;
        Ok(order)
    }

    /// Refuses to replace or remove a value while law holds its field; the refusal is an entry. Its caller writes the subject.
    pub(super) async fn refuse_what_law_holds(
        &self,
        place: Place<'_>,
        draft: &Draft,
    ) -> Result<(), VaultError> {
        let now_ms = self.staff.clock.now_ms();
        let holds = self.keys.holds(place.subject).await?;
        let in_force = |hold: &&LegalHold| hold.field == place.field && hold.until_ms > now_ms;
        let Some(hold) = holds.iter().find(in_force) else {
            return Ok(());
        };
        if self.records.load(place).await?.is_none() {
            return Ok(());
        }
        self.log.append(draft.clone().ended(Outcome::Denied)).await?;
        Err(VaultError::HeldByLaw {
            law: hold.law,
            until_ms: hold.until_ms,
        })
    }

    /// Opens what is kept of an erased subject: within a case of a legal order only. `None` when nothing is.
    pub(super) async fn open_kept(
        &self,
        place: Place<'_>,
        draft: &Draft,
        request: &AccessRequest,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if !self.keys.is_kept(place).await? {
            return Ok(None);
        }
        let ordered =
            matches!(request.actor, Actor::Staff(_)) && draft.reason == CaseReason::LegalOrder.as_str();
        if !ordered {
            self.log.append(draft.clone().ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(Denial::HeldByLaw));
        }
        self.log.append(draft.clone()).await?;
        self.keys.open_kept(place).await
    }
}

/// Keeps what law forbids to destroy of a subject that is about to be erased: each value is an entry before it is opened. One
/// that does not open cannot be kept; that is an entry too, and the operator hears of it.
pub(super) async fn keep_by_law(
    (keys, records, log): (&KeyStore, &RecordStore, &AccessLog),
    subject: &SubjectId,
    erased_at_ms: u64,
    request: &AccessRequest,
) -> Result<(), VaultError> {
    let listed = listed(keys, records, subject, erased_at_ms).await?;
    if listed.is_empty() {
        return Ok(());
    }
    let draft = |kept: &Kept| {
        let mut draft = Draft::new(Operation::KeepByLaw, *subject, request).on(kept.hold.field, &kept.record);
        draft.hold = Some((kept.hold.law, kept.hold.until_ms));
        draft
    };
    log.append_all(listed.iter().map(draft).collect()).await?;
    let mut values = Vec::with_capacity(listed.len());
    for kept in listed {
        match opened(keys, records, kept.place()).await? {
            Some(plain) => values.push((kept, plain)),
            None => {
                let field = kept.hold.field.as_str();
                tracing::error!(%subject, field, "a value that law holds was damaged and cannot be kept");
                log.append(draft(&kept).ended(Outcome::Tampered)).await?;
            }
        }
    }
    keys.keep(subject, &values).await
}

/// The same for an erasure that the log orders and the key store does not know: in the name of the restart.
pub(super) async fn keep_after_restart(
    stores: (&KeyStore, &RecordStore, &AccessLog),
    subject: &SubjectId,
    erased_at_ms: u64,
    policy_version: &str,
) -> Result<(), VaultError> {
    let request = AccessRequest {
        actor: Actor::component("vault-restart")?,
        reason: Reason::Erasure,
        policy_version: PolicyVersion::new(policy_version)?,
    };
    keep_by_law(stores, subject, erased_at_ms, &request).await
}

/// The values of a subject that are held at that time, sealed as they are.
async fn listed(
    keys: &KeyStore,
    records: &RecordStore,
    subject: &SubjectId,
    at_ms: u64,
) -> Result<Vec<Kept>, VaultError> {
    let mut holds = keys.holds(subject).await?;
    holds.retain(|hold| hold.until_ms > at_ms);
    if holds.is_empty() {
        return Ok(Vec::new());
    }
    let held = records.held(subject).await?.into_iter();
    let kept = held.filter_map(|(field, record, ..)| {
        let hold = holds.iter().find(|hold| hold.field == field)?;
        Some(Kept {
            subject: *subject,
            record,
            hold: *hold,
        })
    });
    Ok(kept.collect())
}

async fn opened(
    keys: &KeyStore,
    records: &RecordStore,
    place: Place<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(purpose) = place.field.description().purposes.first().copied() else {
        return Ok(None);
    };
    let sealed = keys.subject_key(place.subject, purpose).await?;
    let (Some(sealed), Some(record)) = (sealed, records.load(place).await?) else {
        return Ok(None);
    };
    let anchor = keys.anchor(place).await?;
    let Some(version) = keys.latest(place, &anchor, record.version, &record.digest()) else {
        return Ok(None);
    };
    let key = keys.open_subject_key(place.subject, &sealed)?;
    Ok(record.open(place, purpose, &key, &version.share))
}
