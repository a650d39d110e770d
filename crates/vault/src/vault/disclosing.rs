//! Disclosures: what recipients of the register are given of a subject is entered before it is given.
//!
//! A [`Disclosure`] is made here only, and whoever sends something needs one, so that nothing is sent that is not in the access
//! log. It does not know how it is sent, nor whether it arrived.

use std::collections::BTreeMap;

use ensoex_egress::{Item, Recipient};

use super::Vault;
use crate::access_leaf::{AccessLeaf, Draft, Operation, Outcome};
use crate::catalogue::FieldName;
use crate::error::{Denial, VaultError};
use crate::request::{AccessRequest, Actor};
use crate::subject::SubjectId;

/// Leave to give a recipient once what the access log says that it is given.
#[derive(Debug)]
#[must_use = "what is entered as given should be given"]
pub struct Disclosure {
    recipient: Recipient,
}

impl Disclosure {
    /// Who may be given it.
    pub const fn recipient(&self) -> Recipient {
        self.recipient
    }
}

/// How often each recipient was given something, as far as it was counted.
#[derive(Debug, Default)]
pub(super) struct DisclosureCounts {
    counted: u64,
    counts: BTreeMap<Recipient, u64>,
}

impl Vault {
    /// Enters that a recipient is given something about the subject; durable when this returns. What the register does not
    /// grant the recipient is entered as denied.
    ///
    /// # Errors
    /// [`VaultError::Denied`], [`VaultError::AccessLogUnavailable`].
    pub async fn disclose(
        &self,
        subject: &SubjectId,
        recipient: Recipient,
        items: &[Item],
        request: &AccessRequest,
    ) -> Result<Disclosure, VaultError> {
        let mut draft = Draft::new(Operation::Disclose, *subject, request);
        draft.given = Some((recipient, items.to_vec()));
        let granted = recipient.entry().items;
        let denial = match recipient {
            Recipient::Authority => Some(Denial::NoOrder),
            _ if items.is_empty() || !items.iter().all(|item| granted.contains(item)) => {
                Some(Denial::Recipient)
            }
            _ => None,
        };
        self.enter_given(draft, recipient, denial, request).await
    }

    /// Enters that an authority is given a field of the subject, by a member of staff within a case that names its order and that a
    /// second one approved; counted like a read, and durable when this returns.
    ///
    /// # Errors
    /// [`VaultError::Denied`], [`VaultError::AccessLogUnavailable`].
    pub async fn disclose_by_order(
        &self,
        subject: &SubjectId,
        field: FieldName,
        request: &AccessRequest,
    ) -> Result<Disclosure, VaultError> {
        let recipient = Recipient::Authority;
        let mut draft = Draft::new(Operation::Disclose, *subject, request);
        draft.field = Some(field);
        draft.given = Some((recipient, recipient.entry().items.to_vec()));
        let by_staff = matches!(request.actor, Actor::Staff(_));
        let denial = (!by_staff).then_some(Denial::NoOrder);
        self.enter_given(draft, recipient, denial, request).await
    }

    /// Enters it as given, or as denied.
    async fn enter_given(
        &self,
        draft: Draft,
        recipient: Recipient,
        denial: Option<Denial>,
        request: &AccessRequest,
    ) -> Result<Disclosure, VaultError> {
        if let Some(denial) = denial {
            self.parts.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(denial));
        }
        self.parts.allow(draft, request).await?;
        Ok(Disclosure { recipient })
    }

    /// What recipients were given of the subject, oldest first, as far as the subject may learn of it now.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn disclosures(&self, subject: &SubjectId) -> Result<Vec<AccessLeaf>, VaultError> {
        let mut leaves = self.accesses(subject).await?;
        leaves.retain(|leaf| leaf.operation == Operation::Disclose && leaf.outcome == Outcome::Granted);
        Ok(leaves)
    }

    /// How often each recipient was given something of anybody. What was counted before is not read again.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn disclosure_counts(&self) -> Result<BTreeMap<Recipient, u64>, VaultError> {
        let mut known = self.parts.disclosed.lock().await;
        let DisclosureCounts { counted, counts } = &mut *known;
        let mut next = counts.clone();
        *counted = self.parts.log.count_disclosures(*counted, &mut next).await?;
        counts.clone_from(&next);
        Ok(next)
    }
}
