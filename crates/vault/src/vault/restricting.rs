//! Restriction (GDPR, article 18): a person's data is kept and shown to them, and otherwise not used.
//!
//! The leaf is written first, then the key store, then what this process knows. A copy of the key store that is older than the
//! access log is brought up to date from the log when the vault opens.

use std::sync::PoisonError;

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation};
use crate::database::now_ms;
use crate::error::VaultError;
use crate::purpose::PurposeName;
use crate::request::AccessRequest;
use crate::subject::SubjectId;

impl Vault {
    /// Restricts the use of a subject's data from now on: reads that serve neither the person nor the keeping itself are
    /// denied. Does nothing new when it is restricted already; gives since when, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`VaultError::UnknownSubject`], also when they were erased; [`VaultError::Denied`],
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn restrict(&self, subject: &SubjectId, request: &AccessRequest) -> Result<u64, VaultError> {
        let _writing = self.parts.writing(subject).await;
        if let Some(since_ms) = self.restricted_since(subject) {
            return Ok(since_ms);
        }
        self.parts.known(subject).await?;
        let draft = Draft::new(Operation::Restrict, *subject, request);
        let (order, _) = self.parts.order(draft, request).await?;
        let since_ms = now_ms();
        self.parts.keys.restrict(subject, since_ms).await?;
        order.done();
        self.parts.set_restricted(*subject, Some(since_ms));
        Ok(since_ms)
    }

    /// Ends the restriction.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] when there is none, and those of [`Vault::restrict`].
    pub async fn lift_restriction(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _writing = self.parts.writing(subject).await;
        if self.restricted_since(subject).is_none() {
            return Err(VaultError::NotFound);
        }
        let draft = Draft::new(Operation::LiftRestriction, *subject, request);
        let (order, _) = self.parts.order(draft, request).await?;
        self.parts.keys.lift_restriction(subject).await?;
        order.done();
        self.parts.set_restricted(*subject, None);
        Ok(())
    }

    /// Since when the use of a subject's data is restricted, in milliseconds since 1970; `None` if it is not.
    pub fn restricted_since(&self, subject: &SubjectId) -> Option<u64> {
        self.parts.restricted_since(subject)
    }
}

impl Parts {
    /// That the vault holds keys of a subject; an erased one has none.
    pub(super) async fn known(&self, subject: &SubjectId) -> Result<(), VaultError> {
        let key = self
            .keys
            .subject_key(subject, PurposeName::ProvideService)
            .await?;
        key.map(|_| ()).ok_or(VaultError::UnknownSubject)
    }

    pub(super) fn restricted_since(&self, subject: &SubjectId) -> Option<u64> {
        let restricted = self.restricted.read().unwrap_or_else(PoisonError::into_inner);
        restricted.get(subject).copied()
    }

    pub(super) fn set_restricted(&self, subject: SubjectId, since_ms: Option<u64>) {
        let mut restricted = self.restricted.write().unwrap_or_else(PoisonError::into_inner);
        match since_ms {
            Some(since_ms) => restricted.insert(subject, since_ms),
            None => restricted.remove(&subject),
        };
    }
}
