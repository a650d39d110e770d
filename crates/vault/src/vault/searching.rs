//! What staff may look up: who has an address, who works here, which cases are open.
//!
//! Finding a person is counted against the same limits as opening one of their values, before anything is looked up, and is
//! an entry about the member of staff and another about whoever was found. It opens nothing.

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::cases::{Case, CaseId, CaseKind, DAY_MS, HOUR_MS};
use crate::catalogue::FieldName;
use crate::error::{Denial, VaultError};
use crate::request::{AccessRequest, RecordName};
use crate::subject::SubjectId;

/// Most members of staff or cases in one answer.
pub const STAFF_LISTED_MAX: u32 = 200;

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// Their pseudonym.
    pub staff: SubjectId,
    /// Since when, in milliseconds since 1970-01-01 UTC.
    pub enrolled_at_ms: u64,
    /// Since when they may do nothing, if so.
    pub suspended_at_ms: Option<u64>,
}

impl Vault {
    /// Everybody who was enrolled: at most [`STAFF_LISTED_MAX`].
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn staff(&self) -> Result<Vec<StaffMember>, VaultError> {
        self.parts.staff.store.everybody(STAFF_LISTED_MAX).await
    }

    /// The newest cases that are not over, for a member of staff who may work: at most `most`, and no more than
    /// [`STAFF_LISTED_MAX`]; the older ones come after the last of these. Pseudonyms only.
    ///
    /// # Errors
    /// [`VaultError::Denied`], also when there is no such case as `after`; [`VaultError::Storage`].
    pub async fn open_cases(
        &self,
        staff: &SubjectId,
        after: Option<&CaseId>,
        most: u32,
    ) -> Result<Vec<Case>, VaultError> {
        let judge = &self.parts.staff;
        if let Some(denial) = judge.standing(staff).await? {
            return Err(VaultError::Denied(denial));
        }
        let after = match after {
            Some(after) => {
                let known = judge.store.case(after.as_str()).await?;
                Some(known.ok_or(VaultError::Denied(Denial::CaseOfOthers))?)
            }
            None => None,
        };
        let now_ms = judge.clock.now_ms();
        let most = most.min(STAFF_LISTED_MAX);
        let ids = judge.store.open_cases(now_ms, after.as_ref(), most).await?;
        let mut cases = Vec::with_capacity(ids.len());
        for id in ids {
            cases.push(self.parts.case(&CaseId::stored(&id)?).await?);
        }
        Ok(cases)
    }

    /// A case, over or not, if this member of staff works on it. It decides nothing: an access is judged when it is made.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn case_of(&self, staff: &SubjectId, case: &CaseId) -> Result<Option<Case>, VaultError> {
        let case = self.parts.staff.store.case(case.as_str()).await?;
        Ok(case.filter(|case| case.staff.contains(staff)))
    }
}

impl Parts {
    /// Counts a search by staff and enters it, or its refusal, about them.
    pub(super) async fn begin_search(
        &self,
        staff: &SubjectId,
        field: FieldName,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let _turn = self.staff.turn.lock().await;
        let draft =
            Draft::new(Operation::Find, *staff, request).on(field, &RecordName::stored(String::new()));
        let denial = match self.staff.standing(staff).await? {
            Some(denial) => Some(denial),
            None => {
                let now_ms = self.staff.clock.now_ms();
                let (hour_max, day_max) = self.staff.limits.records_max(CaseKind::Ordinary);
                let limits = [
                    (now_ms.saturating_sub(HOUR_MS), hour_max),
                    (now_ms.saturating_sub(DAY_MS), day_max),
                ];
                match self
                    .staff
                    .store
                    .count(staff, CaseKind::Ordinary, now_ms, limits)
                    .await?
                {
                    true => None,
                    false => Some(self.staff.limit_reached(staff, "").await?),
                }
            }
        };
        match denial {
            Some(denial) => {
                self.log.append(draft.ended(Outcome::Denied)).await?;
                Err(VaultError::Denied(denial))
            }
            None => self.log.append(draft).await.map(|_| ()),
        }
    }

    /// Enters whom a member of staff found, about them.
    pub(super) async fn found_by_staff(
        &self,
        found: &SubjectId,
        field: FieldName,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let draft =
            Draft::new(Operation::Find, *found, request).on(field, &RecordName::stored(String::new()));
        self.log.append(draft).await.map(|_| ())
    }
}
