//! Opening values: one look, a lease, a search. Each is in the access log before a key is opened.

use zeroize::Zeroizing;

use super::rules::denial_while_restricted;
use super::{Parts, Vault, into_plain};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::catalogue::{Field, FieldName, GrantedFor, Indexed, Leasable};
use crate::error::{Denial, VaultError};
use crate::key_store::{Generation, Place};
use crate::lease::{LEASE_SECONDS_MAX, Lease};
use crate::personal::Personal;
use crate::purpose::{Purpose, PurposeName};
use crate::request::{AccessRequest, Actor, Reason, RecordName};
use crate::subject::SubjectId;
use crate::value::FieldValue;

impl Vault {
    /// Opens a value for one look. The access is in the log before any key is opened.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::UnknownSubject`], [`VaultError::Denied`],
    /// [`VaultError::Integrity`], [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn read<F, P, R>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        request: &AccessRequest,
        open: impl FnOnce(&F::Value) -> R + Send,
    ) -> Result<R, VaultError>
    where
        F: GrantedFor<P>,
        P: Purpose,
    {
        let record = RecordName::parse(record)?;
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = self.parts.opened::<F>(place, P::NAME, request, None).await?;
        Ok(value.expose(open))
    }

    /// Opens a value for 1 to [`LEASE_SECONDS_MAX`] seconds under one entry of the log, which says
    /// for how long. Storing, removing or erasing the value ends the lease.
    ///
    /// # Errors
    /// [`VaultError::InvalidLease`] and those of [`Vault::read`].
    pub async fn lease<F, P>(
        &self,
        subject: &SubjectId,
        record: Option<&str>,
        request: &AccessRequest,
        seconds: u32,
    ) -> Result<Lease<F>, VaultError>
    where
        F: Leasable + GrantedFor<P>,
        P: Purpose,
    {
        if !(1..=LEASE_SECONDS_MAX).contains(&seconds) {
            return Err(VaultError::InvalidLease {
                seconds_max: LEASE_SECONDS_MAX,
            });
        }
        let record = RecordName::parse(record)?;
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = self
            .parts
            .opened::<F>(place, P::NAME, request, Some(seconds))
            .await?;
        Ok(self.parts.leases.grant::<F>(*subject, &record, value, seconds))
    }

    /// The subject that has claimed this value. Candidates of a truncated index are opened to
    /// compare, and each such look is in the log. A search by staff is counted and entered (`searching`).
    ///
    /// # Errors
    /// [`VaultError::InvalidValue`] and those of [`Vault::read`].
    pub async fn find<F: Indexed>(
        &self,
        value: &Personal<F::Value>,
        request: &AccessRequest,
    ) -> Result<Option<SubjectId>, VaultError> {
        let form = value.expose(F::index_form).map(into_plain)?;
        if let Actor::Staff(staff) = &request.actor {
            self.parts.begin_search(staff, F::NAME, request).await?;
        }
        let tags = self.parts.keys.index_tags(F::NAME, F::INDEX_BITS, &form);
        let holders = self.parts.holders::<F>(&tags, &form, None, request).await?;
        let found = holders.first().copied();
        if let (Some(found), Actor::Staff(_)) = (&found, &request.actor) {
            self.parts.found_by_staff(found, F::NAME, request).await?;
        }
        Ok(found)
    }

    /// Opens a text of a field named at run time, for the export.
    pub(crate) async fn open_text(
        &self,
        subject: &SubjectId,
        field: FieldName,
        record: &str,
        purpose: PurposeName,
        request: &AccessRequest,
    ) -> Result<Personal<String>, VaultError> {
        let record = RecordName::stored(record.to_owned());
        let _reading = self.parts.reading(subject).await;
        let place = Place {
            subject,
            field,
            record: &record,
        };
        let plain = self.parts.open_plain(place, purpose, request, None).await?;
        String::from_plain(plain)
            .map(Personal::new)
            .ok_or(VaultError::Integrity)
    }
}

impl Parts {
    pub(super) async fn opened<F: Field>(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        request: &AccessRequest,
        lease_seconds: Option<u32>,
    ) -> Result<Personal<F::Value>, VaultError> {
        let plain = self.open_plain(place, purpose, request, lease_seconds).await?;
        F::Value::from_plain(plain)
            .map(Personal::new)
            .ok_or(VaultError::Integrity)
    }

    /// Opens a value under the caller's lock of the subject.
    pub(super) async fn open_plain(
        &self,
        place: Place<'_>,
        purpose: PurposeName,
        request: &AccessRequest,
        lease_seconds: Option<u32>,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let operation = if lease_seconds.is_some() {
            Operation::Lease
        } else {
            Operation::Read
        };
        let mut draft = Draft::new(operation, *place.subject, request)
            .on(place.field, place.record)
            .for_purpose(purpose);
        draft.lease_seconds = lease_seconds;
        let refuse = async |draft: Draft, outcome, error| match self.log.append(draft.ended(outcome)).await {
            Ok(_) => error,
            Err(unavailable) => unavailable,
        };
        self.refuse_what_is_denied(&mut draft, request).await?;
        if !draft.by_order
            && self.restricted_since(place.subject).is_some()
            && let Some(denial) = denial_while_restricted(request)
        {
            return Err(refuse(draft, Outcome::Denied, VaultError::Denied(denial)).await);
        }
        if !place.field.description().purposes.contains(&purpose) {
            return Err(refuse(draft, Outcome::Denied, VaultError::Denied(Denial::Purpose)).await);
        }
        // Both databases at once: what they give is sealed.
        let (found, record) = tokio::try_join!(
            self.keys.subject_key_and_anchor(place, purpose),
            self.records.load(place)
        )?;
        let Some((subject_key, anchor)) = found else {
            if let Some(plain) = self.open_kept(place, &draft, request).await? {
                return Ok(plain);
            }
            return Err(refuse(draft, Outcome::Absent, VaultError::UnknownSubject).await);
        };
        let record = match record {
            Some(record) => record,
            None if !anchor.is_stored() => {
                return Err(refuse(draft, Outcome::Absent, VaultError::NotFound).await);
            }
            None => return Err(refuse(draft, Outcome::Tampered, VaultError::Integrity).await),
        };
        let Some(version) = self.keys.latest(place, &anchor, record.version, &record.digest()) else {
            return Err(refuse(draft, Outcome::Tampered, VaultError::Integrity).await);
        };
        self.log.append(draft.clone()).await?;
        self.notice_honeytoken(place.subject, request).await?;
        // Only now, with the access durable in the log, is a key opened.
        let opened = self
            .keys
            .open_subject_key(place.subject, &subject_key)
            .ok()
            .and_then(|key| record.open(place, purpose, &key, &version.share));
        match opened {
            Some(plain) => Ok(plain),
            None => Err(refuse(draft, Outcome::Tampered, VaultError::Integrity).await),
        }
    }

    /// The subjects, other than `except`, that have claimed the value with one of these tags and this index form.
    pub(super) async fn holders<F: Indexed>(
        &self,
        tags: &[(Generation, Vec<u8>)],
        form: &[u8],
        except: Option<&SubjectId>,
        request: &AccessRequest,
    ) -> Result<Vec<SubjectId>, VaultError> {
        let mut holders = Vec::new();
        for (generation, tag) in tags {
            for candidate in self.records.find(F::NAME, *generation, tag).await? {
                if except == Some(&candidate) {
                    continue;
                }
                if F::INDEX_BITS == 256 || self.has_value::<F>(&candidate, form, request).await? {
                    holders.push(candidate);
                }
            }
        }
        Ok(holders)
    }

    /// Whether the subject's value has this index form: a look of its own, by the vault.
    async fn has_value<F: Indexed>(
        &self,
        subject: &SubjectId,
        form: &[u8],
        request: &AccessRequest,
    ) -> Result<bool, VaultError> {
        let record = RecordName::parse(None)?;
        let own = AccessRequest {
            actor: Actor::component("vault-index")?,
            reason: Reason::CheckUniqueness,
            policy_version: request.policy_version.clone(),
        };
        let _reading = self.reading(subject).await;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let value = match self
            .opened::<F>(place, PurposeName::ProvideService, &own, None)
            .await
        {
            Ok(value) => value,
            // Removed or erased since the index was read.
            Err(VaultError::NotFound | VaultError::UnknownSubject) => return Ok(false),
            Err(error) => return Err(error),
        };
        let candidate = value.expose(F::index_form).map(into_plain)?;
        Ok(bool::from(subtle::ConstantTimeEq::ct_eq(
            candidate.as_slice(),
            form,
        )))
    }
}
