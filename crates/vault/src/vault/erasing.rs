//! Erasure: a subject's keys are destroyed, and with them every copy of the data; what law holds is kept apart (`holding`).

use serde::Serialize;

use super::{Parts, Vault, holding};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::database::now_ms;
use crate::error::VaultError;
use crate::purpose::PurposeName;
use crate::request::AccessRequest;
use crate::subject::SubjectId;

/// What is left of an erased subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// The pseudonym.
    pub subject: SubjectId,
    /// When its keys were destroyed, in milliseconds since 1970-01-01 UTC.
    pub erased_at_ms: u64,
    /// The entry of the access log that says so.
    pub leaf_index: u64,
}

impl Vault {
    /// Destroys the subject's keys, so that no copy of the record database, of whatever age, can be
    /// read any more; then deletes the rows. It runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`VaultError::UnknownSubject`], [`VaultError::Denied`], [`VaultError::AccessLogUnavailable`],
    /// [`VaultError::Storage`].
    pub async fn erase(&self, subject: &SubjectId, request: &AccessRequest) -> Result<Erasure, VaultError> {
        let (vault, subject, request) = (self.clone(), *subject, request.clone());
        let erasing = tokio::spawn(async move { vault.parts.erase(subject, &request).await });
        erasing.await.map_err(|_| VaultError::AccessLogUnavailable)?
    }
}

impl Parts {
    async fn erase(&self, subject: SubjectId, request: &AccessRequest) -> Result<Erasure, VaultError> {
        let _writing = self.writing(&subject).await;
        let draft = Draft::new(Operation::Erase, subject, request);
        if self
            .keys
            .subject_key(&subject, PurposeName::ProvideService)
            .await?
            .is_none()
        {
            self.log.append(draft.ended(Outcome::Absent)).await?;
            return Err(VaultError::UnknownSubject);
        }
        let (order, leaf_index) = self.order(draft, request).await?;
        let erased_at_ms = now_ms();
        let stores = (&self.keys, &self.records, &self.log);
        holding::keep_by_law(stores, &subject, erased_at_ms, request).await?;
        self.leases.end_all(&subject);
        // With the keys all is done that a restart would not do by itself, the rows being the list's business.
        let anchor = self.log.done_head_with(&order).await?;
        self.keys.destroy(&subject, erased_at_ms, Some(anchor)).await?;
        order.done();
        self.set_restricted(subject, None);
        self.key_changes.erased();
        self.records.remove_subjects(&[subject]).await?;
        Ok(Erasure {
            subject,
            erased_at_ms,
            leaf_index,
        })
    }
}
