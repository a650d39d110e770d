//! Staff: enrolled, working on cases, counted, and suspended.
//!
//! Every step is an entry in the access log: about the member of staff where it concerns them alone, and about each person
//! whom a case concerns otherwise. A refused step is an entry too: one about the member of staff, however many persons were
//! named, if it is refused because of who asks. What staff read is counted, durably, before the entry is written and a key is
//! opened, so that neither a stop nor a restart resets a limit.
//! It does not know sessions or HTTP: who a member of staff is, its caller has found out.

use tokio::sync::Mutex;

use super::{Parts, Vault};
use crate::access_leaf::{Draft, Operation, Outcome};
use crate::case_store::{CaseStore, Standing};
use crate::cases::{
    Case, CaseId, CaseKind, CaseOpening, CaseReason, DAY_MS, HOUR_MS, StaffEvent, StaffEventKind, StaffLimits,
};
use crate::clock::Clock;
use crate::error::{Denial, VaultError};
use crate::request::{AccessRequest, Actor, PolicyVersion};
use crate::subject::SubjectId;

/// Most events or owed notices in one answer.
pub const STAFF_EVENTS_PAGE_MAX: u32 = 1_000;

/// What the vault needs to judge staff.
pub(super) struct Staff {
    pub(super) store: CaseStore,
    pub(super) limits: StaffLimits,
    pub(super) clock: Clock,
    /// One judgement at a time, so that two at once cannot both be the last that a limit allows.
    pub(super) turn: Mutex<()>,
}

/// A person who must be told that a case concerns them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedNotice {
    /// The person.
    pub subject: SubjectId,
    /// The case.
    pub case: Case,
}

impl Staff {
    pub(super) fn new(store: CaseStore, limits: StaffLimits, clock: Clock) -> Self {
        let turn = Mutex::new(());
        Self {
            store,
            limits,
            clock,
            turn,
        }
    }

    /// Why they may not work at all; `None` if they may.
    pub(super) async fn standing(&self, staff: &SubjectId) -> Result<Option<Denial>, VaultError> {
        Ok(match self.store.standing(staff).await? {
            Standing::Unknown => Some(Denial::StaffUnknown),
            Standing::Suspended => Some(Denial::StaffSuspended),
            Standing::Enrolled => None,
        })
    }

    /// Tells the operator that a limit was reached: once an hour, however often it is tried.
    pub(super) async fn limit_reached(&self, staff: &SubjectId, case: &str) -> Result<Denial, VaultError> {
        let (now_ms, kind) = (self.clock.now_ms(), StaffEventKind::LimitReached);
        let hour_ago = now_ms.saturating_sub(HOUR_MS);
        if !self.store.raised_since(staff, kind, hour_ago).await? {
            tracing::error!(%staff, case, "a member of staff reached a limit on personal data; look into it");
            self.store.raise((now_ms, kind), staff, case, false).await?;
        }
        Ok(Denial::StaffLimit)
    }

    /// Whether they may open one more case of this kind.
    async fn opening_denial(&self, staff: &SubjectId, kind: CaseKind) -> Result<Option<Denial>, VaultError> {
        if let Some(denial) = self.standing(staff).await? {
            return Ok(Some(denial));
        }
        let day_ago = self.clock.now_ms().saturating_sub(DAY_MS);
        let cases = self.store.cases_since(staff, day_ago, None).await?;
        let broken = self
            .store
            .cases_since(staff, day_ago, Some(CaseKind::BreakGlass))
            .await?;
        let too_often = kind == CaseKind::BreakGlass && broken >= self.limits.break_glass_per_day_max;
        match cases >= self.limits.cases_per_day_max || too_often {
            true => Ok(Some(self.limit_reached(staff, "").await?)),
            false => Ok(None),
        }
    }

    /// Why they may not make this access within this case; counts it if they may.
    async fn access_denial(
        &self,
        staff: &SubjectId,
        case: &Case,
        draft: &Draft,
    ) -> Result<Option<Denial>, VaultError> {
        let now_ms = self.clock.now_ms();
        if !case.staff.contains(staff) {
            return Ok(Some(Denial::CaseOfOthers));
        }
        if case.is_over(now_ms) {
            return Ok(Some(Denial::CaseOver));
        }
        if case.waits_for_approval() {
            return Ok(Some(Denial::CaseNotApproved));
        }
        if draft.operation == Operation::Disclose && case.order.is_none() {
            return Ok(Some(Denial::NoOrder));
        }
        let field = match draft.field {
            Some(field) => case.fields.contains(&field),
            // The whole subject: only where the person asked for it.
            None => case.reason == CaseReason::RightsRequest,
        };
        let purpose = draft.purpose.is_none_or(|purpose| purpose == case.purpose);
        if !field || !purpose || !case.subjects.contains(&draft.subject) {
            return Ok(Some(Denial::OutsideCase));
        }
        let (hour_max, day_max) = self.limits.records_max(case.kind);
        let limits = [
            (now_ms.saturating_sub(HOUR_MS), hour_max),
            (now_ms.saturating_sub(DAY_MS), day_max),
        ];
        match self.store.count(staff, case.kind, now_ms, limits).await? {
            true => Ok(None),
            false => Ok(Some(self.limit_reached(staff, case.id.as_str()).await?)),
        }
    }
}

impl Parts {
    /// Why an access by staff must be denied; `None`, and counted, if it is allowed. Its entry then says why the case is there.
    pub(super) async fn staff_denial(
        &self,
        staff: &SubjectId,
        draft: &mut Draft,
        request: &AccessRequest,
    ) -> Result<Option<Denial>, VaultError> {
        let _turn = self.staff.turn.lock().await;
        if let Some(denial) = self.staff.standing(staff).await? {
            return Ok(Some(denial));
        }
        let case = request.reason.case_reference().unwrap_or_default();
        let Some(case) = self.staff.store.case(case).await? else {
            return Ok(Some(Denial::CaseOfOthers));
        };
        draft.reason = match case.kind {
            CaseKind::BreakGlass => CaseKind::BreakGlass.as_str().to_owned(),
            CaseKind::Ordinary | CaseKind::Bulk => case.reason.as_str().to_owned(),
        };
        draft.by_order = case.order.is_some();
        self.staff.access_denial(staff, &case, draft).await
    }

    /// Writes that a step of a case was taken, or refused, for each person whom it concerns.
    async fn enter_step(
        &self,
        step: Operation,
        case: &Case,
        request: &AccessRequest,
        outcome: Outcome,
    ) -> Result<(), VaultError> {
        let drafts = case.subjects.iter().map(|subject| {
            let mut draft = Draft::new(step, *subject, request).ended(outcome);
            draft.reason = case.reason.as_str().to_owned();
            draft.purpose = Some(case.purpose);
            draft
        });
        self.log.append_all(drafts.collect()).await
    }

    /// Writes that a step of a case was refused because of who asked: one entry, about the member of staff.
    async fn enter_unfit(
        &self,
        step: Operation,
        staff: &SubjectId,
        case: &Case,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let mut draft = Draft::new(step, *staff, request).ended(Outcome::Denied);
        draft.reason = case.reason.as_str().to_owned();
        draft.purpose = Some(case.purpose);
        self.log.append(draft).await.map(|_| ())
    }

    /// A step of a case by staff: `judge` says whether it is denied, `take` takes it once its entries are written.
    async fn step(
        &self,
        step: Operation,
        (staff, case): (&SubjectId, &CaseId),
        policy_version: &PolicyVersion,
        judge: impl Fn(&Case) -> Option<Denial>,
    ) -> Result<Case, VaultError> {
        let case = self.staff.store.case(case.as_str()).await?;
        let case = case.ok_or(VaultError::Denied(Denial::CaseOfOthers))?;
        let request = staff_request(staff, &case.id, policy_version);
        if let Some(denial) = self.staff.standing(staff).await? {
            self.enter_unfit(step, staff, &case, &request).await?;
            return Err(VaultError::Denied(denial));
        }
        let denial = match case.is_over(self.staff.clock.now_ms()) {
            true => Some(Denial::CaseOver),
            false => judge(&case),
        };
        let outcome = denial.map_or(Outcome::Granted, |_| Outcome::Denied);
        self.enter_step(step, &case, &request, outcome).await?;
        denial.map_or(Ok(case), |denial| Err(VaultError::Denied(denial)))
    }

    pub(super) async fn case(&self, id: &CaseId) -> Result<Case, VaultError> {
        let case = self.staff.store.case(id.as_str()).await?;
        case.ok_or(VaultError::NotFound)
    }

    /// Enters what the operator decides about a member of staff: a part of the Service only, never staff.
    async fn decide(
        &self,
        step: Operation,
        staff: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        let draft = Draft::new(step, *staff, request);
        if !matches!(request.actor, Actor::Component(_)) {
            self.log.append(draft.ended(Outcome::Denied)).await?;
            return Err(VaultError::Denied(Denial::OperatorOnly));
        }
        self.log.append(draft).await?;
        Ok(())
    }
}

fn staff_request(staff: &SubjectId, case: &CaseId, policy_version: &PolicyVersion) -> AccessRequest {
    AccessRequest {
        actor: Actor::Staff(*staff),
        reason: case.reason(),
        policy_version: policy_version.clone(),
    }
}

impl Vault {
    /// Lets somebody work as staff, under their own pseudonym.
    ///
    /// # Errors
    /// [`VaultError::Denied`] unless a part of the Service does so for the operator; those of the log and databases.
    pub async fn enrol_staff(&self, staff: &SubjectId, request: &AccessRequest) -> Result<(), VaultError> {
        self.parts.decide(Operation::EnrolStaff, staff, request).await?;
        let at_ms = self.parts.staff.clock.now_ms();
        self.parts.staff.store.enrol(staff, at_ms).await
    }

    /// Suspends a member of staff: nothing of what they ask is done any more.
    ///
    /// # Errors
    /// Those of [`Vault::enrol_staff`].
    pub async fn suspend_staff(&self, staff: &SubjectId, request: &AccessRequest) -> Result<(), VaultError> {
        self.parts.decide(Operation::SuspendStaff, staff, request).await?;
        let at_ms = self.parts.staff.clock.now_ms();
        self.parts.staff.store.suspend(staff, Some(at_ms)).await
    }

    /// Lets a suspended member of staff work again.
    ///
    /// # Errors
    /// Those of [`Vault::enrol_staff`].
    pub async fn reinstate_staff(
        &self,
        staff: &SubjectId,
        request: &AccessRequest,
    ) -> Result<(), VaultError> {
        self.parts
            .decide(Operation::ReinstateStaff, staff, request)
            .await?;
        self.parts.staff.store.suspend(staff, None).await
    }

    /// Whether somebody was ever enrolled under this pseudonym, suspended or not. It is no access and no entry, so that a
    /// stranger can be sent away without one.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn is_enrolled(&self, staff: &SubjectId) -> Result<bool, VaultError> {
        let standing = self.parts.staff.store.standing(staff).await?;
        Ok(!matches!(standing, Standing::Unknown))
    }

    /// Opens a case. One of more than `case_subjects_max` persons, or that answers an order, waits for [`Vault::approve_case`], unless it breaks the
    /// glass: then it is open for minutes, the operator hears of it, and each person is to be told ([`Vault::notices_owed`]).
    ///
    /// # Errors
    /// [`VaultError::InvalidCase`], [`VaultError::Denied`], those of the log and databases.
    pub async fn open_case(
        &self,
        staff: &SubjectId,
        opening: &CaseOpening,
        policy_version: &PolicyVersion,
    ) -> Result<Case, VaultError> {
        let judge = &self.parts.staff;
        let now_ms = judge.clock.now_ms();
        let kind = opening.kind(&judge.limits, now_ms)?;
        let _turn = judge.turn.lock().await;
        let life_ms = match kind {
            CaseKind::BreakGlass => judge.limits.life_ms_max(kind),
            CaseKind::Ordinary | CaseKind::Bulk => u64::from(opening.hours) * HOUR_MS,
        };
        let mut fields = opening.fields.clone();
        fields.sort();
        fields.dedup();
        let case = Case {
            id: CaseId::random()?,
            kind,
            reason: opening.reason,
            purpose: opening.purpose,
            opened_by: *staff,
            opened_at_ms: now_ms,
            expires_at_ms: now_ms + life_ms.min(judge.limits.life_ms_max(kind)),
            approved_by: None,
            closed_at_ms: None,
            subjects: opening.subjects.clone(),
            fields,
            staff: vec![*staff],
            order: opening.order.clone(),
        };
        let step = match kind {
            CaseKind::BreakGlass => Operation::BreakGlass,
            CaseKind::Ordinary | CaseKind::Bulk => Operation::OpenCase,
        };
        let request = staff_request(staff, &case.id, policy_version);
        if let Some(denial) = judge.opening_denial(staff, kind).await? {
            self.parts.enter_unfit(step, staff, &case, &request).await?;
            return Err(VaultError::Denied(denial));
        }
        self.parts
            .enter_step(step, &case, &request, Outcome::Granted)
            .await?;
        let told =
            |subject: &SubjectId| kind == CaseKind::BreakGlass && !self.parts.honeytokens.contain(subject);
        judge.store.open(&case, told).await?;
        if kind == CaseKind::BreakGlass {
            let (case, persons) = (case.id.as_str(), case.subjects.len());
            tracing::error!(%staff, case, persons, "a member of staff broke the glass; look into it");
        }
        self.parts.case(&case.id).await
    }

    /// Approves a case of many persons: by a second member of staff, who neither opened it nor works on it.
    ///
    /// # Errors
    /// [`VaultError::Denied`], those of the log and databases.
    pub async fn approve_case(
        &self,
        staff: &SubjectId,
        case: &CaseId,
        policy_version: &PolicyVersion,
    ) -> Result<Case, VaultError> {
        let _turn = self.parts.staff.turn.lock().await;
        let judge = |case: &Case| {
            let own = case.opened_by == *staff || case.staff.contains(staff);
            (own || !case.waits_for_approval()).then_some(Denial::ApprovalByOneself)
        };
        let step = (Operation::ApproveCase, (staff, case));
        self.parts.step(step.0, step.1, policy_version, judge).await?;
        self.parts.staff.store.approve(case, staff).await?;
        self.parts.case(case).await
    }

    /// Lets another member of staff work on a case, by one who does.
    ///
    /// # Errors
    /// [`VaultError::Denied`], those of the log and databases.
    pub async fn assign_case(
        &self,
        staff: &SubjectId,
        case: &CaseId,
        to: &SubjectId,
        policy_version: &PolicyVersion,
    ) -> Result<Case, VaultError> {
        let _turn = self.parts.staff.turn.lock().await;
        let unfit = self.parts.staff.standing(to).await?;
        let judge = |case: &Case| match case.staff.contains(staff) {
            true => unfit,
            false => Some(Denial::CaseOfOthers),
        };
        let step = (Operation::AssignCase, (staff, case));
        self.parts.step(step.0, step.1, policy_version, judge).await?;
        self.parts.staff.store.assign(case, to).await?;
        self.parts.case(case).await
    }

    /// Closes a case, by one who works on it.
    ///
    /// # Errors
    /// [`VaultError::Denied`], those of the log and databases.
    pub async fn close_case(
        &self,
        staff: &SubjectId,
        case: &CaseId,
        policy_version: &PolicyVersion,
    ) -> Result<Case, VaultError> {
        let _turn = self.parts.staff.turn.lock().await;
        let judge = |case: &Case| (!case.staff.contains(staff)).then_some(Denial::CaseOfOthers);
        let step = (Operation::CloseCase, (staff, case));
        self.parts.step(step.0, step.1, policy_version, judge).await?;
        let at_ms = self.parts.staff.clock.now_ms();
        self.parts.staff.store.close(case, at_ms).await?;
        self.parts.case(case).await
    }

    /// What the operator must hear of, after this number, newest first: at most [`STAFF_EVENTS_PAGE_MAX`].
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn staff_events(&self, after: u64) -> Result<Vec<StaffEvent>, VaultError> {
        self.parts
            .staff
            .store
            .events_after(after, STAFF_EVENTS_PAGE_MAX)
            .await
    }

    /// Persons who must be told of a break-glass case that concerns them: at most [`STAFF_EVENTS_PAGE_MAX`]. They are owed
    /// their notice until [`Vault::notice_given`].
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn notices_owed(&self) -> Result<Vec<OwedNotice>, VaultError> {
        let store = &self.parts.staff.store;
        let mut owed = Vec::new();
        for (case, subject) in store.notices_owed(STAFF_EVENTS_PAGE_MAX).await? {
            let case = self.parts.case(&CaseId::stored(&case)?).await?;
            owed.push(OwedNotice { subject, case });
        }
        Ok(owed)
    }

    /// Remembers that a person was told of a case.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn notice_given(&self, case: &CaseId, subject: &SubjectId) -> Result<(), VaultError> {
        self.parts.staff.store.notice_given(case, subject).await
    }
}
