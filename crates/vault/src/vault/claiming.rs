//! Claims: a value that one subject alone has, by which it is found. What is only stored is nobody's claim.
//!
//! A claim is a row of the blind index. It opens nothing and changes no sealed value, so what law holds can be claimed too. One
//! claim is made at a time. Whoever stores another value, removes the value or is erased gives the claim up.

use super::{Parts, Vault, into_plain};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::catalogue::{Field, GrantedFor, Indexed};
use crate::error::VaultError;
use crate::key_store::Place;
use crate::personal::Personal;
use crate::purpose::{ProvideService, PurposeName};
use crate::record_store::IndexEntry;
use crate::request::{AccessRequest, RecordName};
use crate::subject::SubjectId;

/// Subjects of one step of [`Vault::claim_left_out`].
const LEFT_OUT_TOGETHER: u32 = 256;

impl Vault {
    /// Seals a value as the subject's only one of this field and claims it: no other subject can
    /// claim it until this one stores another value, removes it or is erased. Any other subject's
    /// claim makes this fail and changes nothing.
    ///
    /// # Errors
    /// [`VaultError::ValueTaken`], which must not be told to a visitor, and those of [`Vault::store`].
    pub async fn claim<F: Indexed>(
        &self,
        subject: &SubjectId,
        value: Personal<F::Value>,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let plain = value.expose(F::checked).map(into_plain)?;
        let form = value.expose(F::index_form).map(into_plain)?;
        let _claims = self.parts.claims.lock().await;
        let record = RecordName::parse(None)?;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let entry = self.parts.free_entry::<F>(place, &form, request).await?;
        self.parts.write(place, &plain, Some(&entry), request).await
    }

    /// Claims the value that the subject has stored, for example once its code was typed. It stays as it is sealed.
    ///
    /// # Errors
    /// [`VaultError::ValueTaken`], which must not be told to a visitor; [`VaultError::NotFound`] when nothing is stored, or
    /// another value was meanwhile; those of [`Vault::read`].
    pub async fn claim_stored<F: Indexed + GrantedFor<ProvideService>>(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _claims = self.parts.claims.lock().await;
        let record = RecordName::parse(None)?;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let (form, version) = {
            let _reading = self.parts.reading(subject).await;
            let value = self
                .parts
                .opened::<F>(place, PurposeName::ProvideService, request, None)
                .await?;
            let form = value.expose(F::index_form).map(into_plain)?;
            (form, self.parts.stored_version(place).await?)
        };
        // Holders may share the subject's lock, so it is taken after they were looked at.
        let entry = self.parts.free_entry::<F>(place, &form, request).await?;
        let _writing = self.parts.writing(subject).await;
        if version.is_none() || self.parts.stored_version(place).await? != version {
            return Err(VaultError::NotFound);
        }
        self.parts.records.claim(place, &entry).await
    }

    /// Gives up a claim; the value stays.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn give_up_claim<F: Indexed>(&self, subject: &SubjectId) -> Result<(), VaultError> {
        let record = RecordName::parse(None)?;
        let place = Place {
            subject,
            field: F::NAME,
            record: &record,
        };
        let _writing = self.parts.writing(subject).await;
        self.parts.records.give_up_claim(place).await
    }

    /// One step through the subjects after this one who claimed their value of `C` and have one of `F` that nobody claimed,
    /// as in folders from before `F` was claimed: claims theirs. Gives where the next step goes on, `None` at the end. Of
    /// several with one value the first has the claim; the others get it in a later round, once it is free.
    ///
    /// # Errors
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn claim_left_out<C: Indexed, F: Indexed + GrantedFor<ProvideService>>(
        &self,
        after: Option<&SubjectId>,
        request: &AccessRequest,
    ) -> Result<Option<SubjectId>, VaultError> {
        let left_out = self
            .parts
            .records
            .left_out(C::NAME, F::NAME, after, LEFT_OUT_TOGETHER)
            .await?;
        for subject in &left_out {
            match self.claim_stored::<F>(subject, request).await {
                // Taken: there are several. Gone or not to be trusted: nothing to claim, and the read's entry says so.
                Ok(())
                | Err(
                    VaultError::ValueTaken
                    | VaultError::NotFound
                    | VaultError::UnknownSubject
                    | VaultError::InvalidValue(_)
                    | VaultError::Integrity,
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left_out.last().copied())
    }
}

impl Parts {
    /// The index entry of a claim on the value of this form, unless another subject has claimed it: that is an entry of the log.
    async fn free_entry<F: Indexed>(
        &self,
        place: Place<'_>,
        form: &[u8],
        request: &AccessRequest,
    ) -> Result<IndexEntry, VaultError> {
        let tags = self.keys.index_tags(F::NAME, F::INDEX_BITS, form);
        let holders = self
            .holders::<F>(&tags, form, Some(place.subject), request)
            .await?;
        if !holders.is_empty() {
            let draft =
                Draft::new(Operation::Store, *place.subject, request).on(<F as Field>::NAME, place.record);
            self.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::ValueTaken);
        }
        let (generation, tag) = tags.into_iter().next().ok_or(VaultError::NotFound)?;
        Ok(IndexEntry {
            tag,
            exact: F::INDEX_BITS == 256,
            generation,
        })
    }

    async fn stored_version(&self, place: Place<'_>) -> Result<Option<u64>, VaultError> {
        Ok(self.records.load(place).await?.map(|record| record.version))
    }
}
