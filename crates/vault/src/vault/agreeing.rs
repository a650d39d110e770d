//! Agreement to what is optional: given by the person alone, withdrawn by them as easily, and asked for by the vault itself
//! before anything is done that needs it.
//!
//! The leaf is written first, then the key store. A copy of the key store that is older than the access log is brought up to
//! date from the log when the vault opens, so what was withdrawn stays so.

use std::collections::HashSet;

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::agreement::Optional;
use crate::database::now_ms;
use crate::error::{Denial, VaultError};
use crate::request::{AccessRequest, Actor, Reason, RecordName};
use crate::subject::SubjectId;

impl Vault {
    /// The person agrees from now on; gives since when, in milliseconds since 1970. Does nothing new when they do already.
    ///
    /// # Errors
    /// [`VaultError::Denied`] unless the person themselves asks; [`VaultError::UnknownSubject`], also when they were erased;
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn agree(
        &self,
        subject: &SubjectId,
        what: Optional,
        request: &AccessRequest,
    ) -> Result<u64, VaultError> {
        let _writing = self.parts.writing(subject).await;
        if let Some(since_ms) = self.agreed_since(subject, what).await? {
            return Ok(since_ms);
        }
        self.parts.known(subject).await?;
        let since_ms = now_ms();
        let draft = self
            .parts
            .by_the_person(Operation::Agree, subject, what, request)
            .await?;
        let (order, _) = self.parts.order(draft, request).await?;
        self.parts.keys.agree(subject, what, since_ms).await?;
        order.done();
        Ok(since_ms)
    }

    /// The person agrees no longer.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] when they do not agree, and those of [`Vault::agree`].
    pub async fn withdraw(
        &self,
        subject: &SubjectId,
        what: Optional,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _writing = self.parts.writing(subject).await;
        if self.agreed_since(subject, what).await?.is_none() {
            return Err(VaultError::NotFound);
        }
        let draft = self
            .parts
            .by_the_person(Operation::Withdraw, subject, what, request)
            .await?;
        let (order, _) = self.parts.order(draft, request).await?;
        self.parts.keys.withdraw(subject, what).await?;
        order.done();
        Ok(())
    }

    /// Since when the person agrees, in milliseconds since 1970; `None` if they do not.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn agreed_since(&self, subject: &SubjectId, what: Optional) -> Result<Option<u64>, VaultError> {
        self.parts.keys.agreed_since(subject, what).await
    }

    /// Everybody for whom what is optional may be done: they agree, and do not restrict the use of their data.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn agreed(&self, what: Optional) -> Result<HashSet<SubjectId>, VaultError> {
        self.parts.agreed(what).await
    }
}

impl Parts {
    /// See [`Vault::agreed`].
    pub(super) async fn agreed(&self, what: Optional) -> Result<HashSet<SubjectId>, VaultError> {
        let mut agreed = self.keys.agreed(what).await?;
        agreed.retain(|subject| self.restricted_since(subject).is_none());
        Ok(agreed)
    }

    /// Why what is optional may not be done for a person; `None` if it may, or nothing optional is asked for.
    pub(super) async fn denial_of_optional(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<Option<Denial>, VaultError> {
        if request.reason != Reason::Newsletter {
            return Ok(None);
        }
        if self.restricted_since(subject).is_some() {
            return Ok(Some(Denial::Restricted));
        }
        let agreed = self.keys.agreed_since(subject, Optional::Newsletter).await?;
        Ok(agreed.is_none().then_some(Denial::NotAgreed))
    }

    /// Nobody agrees, or withdraws, in another's name.
    async fn by_the_person(
        &self,
        operation: Operation,
        subject: &SubjectId,
        what: Optional,
        request: &AccessRequest,
    ) -> Result<Draft, VaultError> {
        let mut draft = Draft::new(operation, *subject, request);
        draft.record = RecordName::parse(Some(what.as_str()))?;
        if request.actor != Actor::Person(*subject) {
            self.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(Denial::OtherPerson));
        }
        Ok(draft)
    }
}
