//! Staff: cases, approval by a second member of staff, limits, breaking the glass. Time is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ensoex_vault::{
    Actor, Case, CaseKind, CaseOpening, CaseReason, Clock, Denial, Email, FieldName, MobilePhone, Operation,
    Outcome, PolicyVersion, PreventFraud, ProvideService, PurposeName, StaffEventKind, StaffLimits,
    SubjectId, Vault, VaultConfig, VaultError,
};
use tempfile::TempDir;

use crate::{request, service, text};

const HOUR_MS: u64 = 3_600_000;

/// A vault with given time, some persons and two members of staff.
struct Office {
    directory: TempDir,
    vault: Vault,
    now_ms: Arc<AtomicU64>,
    limits: StaffLimits,
    persons: Vec<SubjectId>,
    mallory: SubjectId,
    trent: SubjectId,
}

fn config(directory: &TempDir, limits: &StaffLimits, now_ms: &Arc<AtomicU64>) -> VaultConfig {
    VaultConfig {
        staff_limits: limits.clone(),
        clock: Clock::given(now_ms.clone()),
        ..crate::config(directory)
    }
}

impl Office {
    async fn new(persons: usize, limits: StaffLimits) -> Self {
        let directory = TempDir::new().unwrap();
        let now_ms = Arc::new(AtomicU64::new(1_000 * 24 * HOUR_MS));
        let vault = Vault::open(config(&directory, &limits, &now_ms)).await.unwrap();
        let mut subjects = Vec::new();
        for person in 0..persons + 2 {
            let subject = vault.create_subject(&service()).await.unwrap();
            let email = text(&format!("person{person}@example.org"));
            vault.claim::<Email>(&subject, email, &service()).await.unwrap();
            subjects.push(subject);
        }
        let (mallory, trent) = (subjects.pop().unwrap(), subjects.pop().unwrap());
        for staff in [&mallory, &trent] {
            vault.enrol_staff(staff, &service()).await.unwrap();
        }
        Self {
            directory,
            vault,
            now_ms,
            limits,
            persons: subjects,
            mallory,
            trent,
        }
    }

    fn pass(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    async fn reopened(self) -> Self {
        self.vault.close().await;
        let Self { vault, .. } = self;
        drop(vault);
        let config = config(&self.directory, &self.limits, &self.now_ms);
        let vault = Vault::open(config).await.unwrap();
        Self {
            directory: self.directory,
            vault,
            now_ms: self.now_ms,
            limits: self.limits,
            persons: self.persons,
            mallory: self.mallory,
            trent: self.trent,
        }
    }

    async fn read(&self, staff: &SubjectId, case: &Case, subject: &SubjectId) -> Result<usize, VaultError> {
        let access = request(Actor::Staff(*staff), case.id.reason());
        self.vault
            .read::<Email, ProvideService, _>(subject, None, &access, String::len)
            .await
    }

    /// All that somebody with the session of one member of staff gets hold of, at one moment, by every way there is.
    async fn plunder(&self) -> usize {
        let mut taken = 0;
        for break_glass in [true, false] {
            for size in [self.persons.len(), 20, 5, 1] {
                for some in self.persons.chunks(size.min(self.persons.len())) {
                    let opening = CaseOpening {
                        break_glass,
                        ..opening(some)
                    };
                    let Ok(case) = self.vault.open_case(&self.mallory, &opening, &policy()).await else {
                        continue;
                    };
                    let _by_oneself = self.vault.approve_case(&self.mallory, &case.id, &policy()).await;
                    for person in some {
                        taken += usize::from(self.read(&self.mallory, &case, person).await.is_ok());
                    }
                }
            }
        }
        taken
    }
}

fn policy() -> PolicyVersion {
    PolicyVersion::new("sha256:00").unwrap()
}

fn opening(subjects: &[SubjectId]) -> CaseOpening {
    CaseOpening {
        subjects: subjects.to_vec(),
        fields: vec![FieldName::Email],
        purpose: PurposeName::ProvideService,
        reason: CaseReason::SupportRequest,
        hours: 8,
        break_glass: false,
        order: None,
    }
}

pub(crate) async fn case_about(
    vault: &Vault,
    staff: &SubjectId,
    subjects: &[SubjectId],
) -> Result<Case, VaultError> {
    vault.open_case(staff, &opening(subjects), &policy()).await
}

fn is_denied<T>(result: &Result<T, VaultError>, denial: Denial) -> bool {
    matches!(result, Err(VaultError::Denied(found)) if *found == denial)
}

/// Mechanism: `crates/vault/src/cases.rs`
/// Control: `clause_13_with_the_limits_lifted_the_attacker_takes_everything`.
#[tokio::test]
async fn clause_13_an_attacker_with_one_staff_session_takes_few_records_and_is_noticed() {
    let limits = StaffLimits::default();
    let most = (limits.records_per_hour_max + limits.break_glass_records_per_day_max) as usize;
    let office = Office::new(most + 30, limits).await;
    assert_eq!(office.plunder().await, most);
    let events = office.vault.staff_events(0).await.unwrap();
    let kinds: Vec<StaffEventKind> = events.iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&StaffEventKind::BreakGlass), "{kinds:?}");
    assert!(kinds.contains(&StaffEventKind::LimitReached), "{kinds:?}");
    assert!(events.iter().all(|event| event.staff == office.mallory));
    // Each of those who were read by breaking the glass is told, and a restart changes none of it.
    let office = office.reopened().await;
    assert_eq!(office.plunder().await, 0);
    assert!(!office.vault.notices_owed().await.unwrap().is_empty());
}

/// The control: it is the limits that hold the attacker back.
///
/// Mechanism: `crates/vault/src/cases.rs`
/// Control: the test is one: it is the limits that hold the attacker back.
#[tokio::test]
async fn clause_13_with_the_limits_lifted_the_attacker_takes_everything() {
    let lifted = StaffLimits {
        records_per_hour_max: u64::MAX,
        records_per_day_max: u64::MAX,
        cases_per_day_max: u64::MAX,
        ..StaffLimits::default()
    };
    let office = Office::new(80, lifted).await;
    assert!(office.plunder().await > 80);
}

/// Mechanism: `crates/vault/src/cases.rs`
/// Control: one millisecond later the read is granted.
#[tokio::test]
async fn clause_13_limits_last_for_their_hour_and_their_day_across_restarts() {
    let limits = StaffLimits {
        records_per_hour_max: 2,
        records_per_day_max: 3,
        ..StaffLimits::default()
    };
    let office = Office::new(1, limits).await;
    let person = office.persons[0];
    let case = case_about(&office.vault, &office.mallory, &[person])
        .await
        .unwrap();
    let office = {
        assert!(office.read(&office.mallory, &case, &person).await.is_ok());
        office.reopened().await
    };
    let read = async || office.read(&office.mallory, &case, &person).await;
    assert!(read().await.is_ok());
    assert!(is_denied(&read().await, Denial::StaffLimit));
    office.pass(HOUR_MS - 1);
    assert!(is_denied(&read().await, Denial::StaffLimit));
    office.pass(1);
    assert!(read().await.is_ok());
    assert!(is_denied(&read().await, Denial::StaffLimit));
    office.pass(HOUR_MS);
    assert!(is_denied(&read().await, Denial::StaffLimit));
    // Another member of staff has a limit of their own.
    let other = case_about(&office.vault, &office.trent, &[person]).await.unwrap();
    assert!(office.read(&office.trent, &other, &person).await.is_ok());
    office.pass(24 * HOUR_MS);
    let case = case_about(&office.vault, &office.mallory, &[person])
        .await
        .unwrap();
    assert!(office.read(&office.mallory, &case, &person).await.is_ok());
    // Everyone at once gets no more than one after the other.
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (vault, access) = (
            office.vault.clone(),
            request(Actor::Staff(office.mallory), case.id.reason()),
        );
        readers.spawn(async move {
            vault
                .read::<Email, ProvideService, _>(&person, None, &access, String::len)
                .await
        });
    }
    let outcomes = readers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

/// Mechanism: `crates/vault/src/cases.rs`
/// Control: within the case the read is granted.
#[tokio::test]
async fn clause_11_a_case_covers_its_staff_persons_field_purpose_and_time_only() {
    let office = Office::new(2, StaffLimits::default()).await;
    let (vault, mallory, trent) = (&office.vault, office.mallory, office.trent);
    let [ada, eve] = office.persons[..] else {
        unreachable!()
    };
    let case = case_about(vault, &mallory, &[ada]).await.unwrap();
    assert_eq!(case.kind, CaseKind::Ordinary);
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    assert!(is_denied(
        &office.read(&mallory, &case, &eve).await,
        Denial::OutsideCase
    ));
    assert!(is_denied(
        &office.read(&trent, &case, &ada).await,
        Denial::CaseOfOthers
    ));
    let access = request(Actor::Staff(mallory), case.id.reason());
    let purpose = vault
        .read::<Email, PreventFraud, _>(&ada, None, &access, String::len)
        .await;
    assert!(is_denied(&purpose, Denial::OutsideCase));
    let field = vault
        .read::<MobilePhone, ProvideService, _>(&ada, None, &access, String::len)
        .await;
    assert!(is_denied(&field, Denial::OutsideCase));
    let stored = vault
        .store::<MobilePhone>(&ada, None, text("+380441234567"), &access)
        .await;
    assert!(is_denied(&stored, Denial::OutsideCase));
    assert!(is_denied(&vault.erase(&ada, &access).await, Denial::OutsideCase));
    assert!(is_denied(
        &vault.create_subject(&access).await,
        Denial::OutsideCase
    ));

    // Somebody else works on it once it is assigned to them, by one who does.
    let assigned = vault.assign_case(&trent, &case.id, &trent, &policy()).await;
    assert!(is_denied(&assigned, Denial::CaseOfOthers));
    let unknown = vault.assign_case(&mallory, &case.id, &eve, &policy()).await;
    assert!(is_denied(&unknown, Denial::StaffUnknown));
    vault
        .assign_case(&mallory, &case.id, &trent, &policy())
        .await
        .unwrap();
    assert!(office.read(&trent, &case, &ada).await.is_ok());

    office.pass(8 * HOUR_MS - 1);
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    office.pass(1);
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::CaseOver
    ));
    let case = case_about(vault, &mallory, &[ada]).await.unwrap();
    assert!(is_denied(
        &vault.close_case(&trent, &case.id, &policy()).await,
        Denial::CaseOfOthers
    ));
    vault.close_case(&mallory, &case.id, &policy()).await.unwrap();
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::CaseOver
    ));

    // The person sees every step, the refused ones too.
    let entries = vault.recent_accesses(&ada, 100).await.unwrap();
    let seen = |operation, outcome| {
        let count =
            |entry: &&ensoex_vault::AccessLeaf| (entry.operation, entry.outcome) == (operation, outcome);
        entries.iter().filter(count).count()
    };
    assert_eq!(seen(Operation::OpenCase, Outcome::Granted), 2);
    assert_eq!(seen(Operation::AssignCase, Outcome::Granted), 1);
    assert_eq!(seen(Operation::AssignCase, Outcome::Denied), 2);
    assert_eq!(seen(Operation::CloseCase, Outcome::Denied), 1);
    assert_eq!(seen(Operation::CloseCase, Outcome::Granted), 1);
    assert_eq!(seen(Operation::Read, Outcome::Granted), 3);
    assert_eq!(seen(Operation::Read, Outcome::Denied), 5);
    let read = entries
        .iter()
        .find(|entry| entry.operation == Operation::Read && entry.outcome == Outcome::Granted);
    assert_eq!(read.unwrap().reason, "support_request");
    assert!(read.unwrap().case.as_deref().unwrap().starts_with("case_"));
}

/// Mechanism: `crates/vault/src/cases.rs`
/// Control: approved by another, and for few persons, the read is granted.
#[tokio::test]
async fn clause_13_many_persons_need_a_second_member_of_staff() {
    let office = Office::new(6, StaffLimits::default()).await;
    let (vault, mallory, trent) = (&office.vault, office.mallory, office.trent);
    let case = case_about(vault, &mallory, &office.persons).await.unwrap();
    assert_eq!(case.kind, CaseKind::Bulk);
    let read = async || office.read(&mallory, &case, &office.persons[0]).await;
    assert!(is_denied(&read().await, Denial::CaseNotApproved));
    let approve = async |staff: &SubjectId| vault.approve_case(staff, &case.id, &policy()).await;
    assert!(is_denied(&approve(&mallory).await, Denial::ApprovalByOneself));
    assert!(is_denied(
        &approve(&office.persons[0]).await,
        Denial::StaffUnknown
    ));
    vault.suspend_staff(&trent, &service()).await.unwrap();
    assert!(is_denied(&approve(&trent).await, Denial::StaffSuspended));
    assert!(is_denied(&read().await, Denial::CaseNotApproved));
    vault.reinstate_staff(&trent, &service()).await.unwrap();
    assert_eq!(approve(&trent).await.unwrap().approved_by, Some(trent));
    assert!(read().await.is_ok());
    assert!(is_denied(&approve(&trent).await, Denial::ApprovalByOneself));
    // Nobody who works on a case approves it.
    let case = case_about(vault, &mallory, &office.persons).await.unwrap();
    vault
        .assign_case(&mallory, &case.id, &trent, &policy())
        .await
        .unwrap();
    let approved = vault.approve_case(&trent, &case.id, &policy()).await;
    assert!(is_denied(&approved, Denial::ApprovalByOneself));
    // As few as one person may ask for need nobody.
    let few = case_about(vault, &mallory, &office.persons[..5]).await.unwrap();
    assert!(office.read(&mallory, &few, &office.persons[0]).await.is_ok());
}

/// Mechanism: `crates/vault/src/vault/staff.rs`
/// Control: within its minutes the read is granted; an ordinary case owes no notice.
#[tokio::test]
async fn clause_13_breaking_the_glass_is_short_limited_and_told_to_everyone() {
    let office = Office::new(8, StaffLimits::default()).await;
    let (vault, mallory) = (&office.vault, office.mallory);
    let breaking = CaseOpening {
        reason: CaseReason::SecurityIncident,
        break_glass: true,
        ..opening(&office.persons)
    };
    let case = vault.open_case(&mallory, &breaking, &policy()).await.unwrap();
    assert_eq!(case.kind, CaseKind::BreakGlass);
    let ada = office.persons[0];
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    // The person's own log calls it what it is.
    let entries = vault.recent_accesses(&ada, 2).await.unwrap();
    assert_eq!(
        (entries[0].operation, entries[0].reason.as_str()),
        (Operation::Read, "break_glass")
    );
    assert_eq!(
        (entries[1].operation, entries[1].reason.as_str()),
        (Operation::BreakGlass, "security_incident")
    );
    let events = vault.staff_events(0).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].case.as_str()),
        (StaffEventKind::BreakGlass, case.id.as_str())
    );
    assert!(vault.staff_events(events[0].number).await.unwrap().is_empty());
    // Everyone is owed a notice until it was given.
    let owed = vault.notices_owed().await.unwrap();
    assert_eq!(owed.len(), 8);
    assert_eq!(owed[0].case.reason, CaseReason::SecurityIncident);
    for notice in &owed {
        vault
            .notice_given(&notice.case.id, &notice.subject)
            .await
            .unwrap();
    }
    assert!(vault.notices_owed().await.unwrap().is_empty());
    // An ordinary case owes none.
    case_about(vault, &mallory, &[ada]).await.unwrap();
    assert!(vault.notices_owed().await.unwrap().is_empty());

    let again = vault.open_case(&mallory, &breaking, &policy()).await;
    assert!(is_denied(&again, Denial::StaffLimit));
    office.pass(15 * 60_000 - 1);
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    office.pass(1);
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::CaseOver
    ));
    office.pass(24 * HOUR_MS);
    vault.open_case(&mallory, &breaking, &policy()).await.unwrap();
    let events = vault.staff_events(0).await.unwrap();
    let kinds: Vec<StaffEventKind> = events.iter().map(|event| event.kind).collect();
    let (broken, reached) = (StaffEventKind::BreakGlass, StaffEventKind::LimitReached);
    assert_eq!(kinds, [broken, reached, broken]);
    assert!(
        events.is_sorted_by(|newer, older| newer.number > older.number),
        "the newest first"
    );
}

/// Looking somebody up counts like opening one of their values, by the hour and by the day.
///
/// Mechanism: `crates/vault/src/vault/searching.rs`
/// Control: within the limits and after their time the search is done.
#[tokio::test]
async fn clause_13_searches_are_limited_by_the_hour_and_by_the_day() {
    let limits = StaffLimits {
        records_per_hour_max: 2,
        records_per_day_max: 3,
        ..StaffLimits::default()
    };
    let office = Office::new(1, limits).await;
    let search = request(Actor::Staff(office.mallory), ensoex_vault::Reason::Search);
    let wanted = text("nobody@example.org");
    let find = async || office.vault.find::<Email>(&wanted, &search).await;
    for _ in 0..2 {
        assert!(find().await.is_ok());
    }
    assert!(is_denied(&find().await, Denial::StaffLimit), "the hour's");
    office.pass(HOUR_MS);
    assert!(find().await.is_ok());
    office.pass(HOUR_MS);
    assert!(is_denied(&find().await, Denial::StaffLimit), "the day's");
    office.pass(24 * HOUR_MS);
    assert!(find().await.is_ok());
}

/// Mechanism: `crates/vault/src/vault/staff.rs`
/// Control: a case of staff who may is an entry about each person.
#[tokio::test]
async fn clause_13_who_may_not_work_here_leaves_one_entry_however_many_they_name() {
    let limits = StaffLimits {
        cases_per_day_max: 1,
        ..StaffLimits::default()
    };
    let office = Office::new(6, limits).await;
    let (vault, mallory, trent) = (&office.vault, office.mallory, office.trent);
    let (size, stranger) = (|| vault.access_log_head().size, SubjectId::from_bytes([9; 16]));
    assert!(!vault.is_enrolled(&stranger).await.unwrap());
    let before = size();
    let case = case_about(vault, &mallory, &office.persons).await.unwrap();
    assert_eq!(
        size(),
        before + 6,
        "control: a case is an entry about each person"
    );
    vault.suspend_staff(&trent, &service()).await.unwrap();
    assert!(
        vault.is_enrolled(&trent).await.unwrap(),
        "suspended staff are no strangers"
    );
    for (staff, denial) in [
        (&mallory, Denial::StaffLimit),
        (&trent, Denial::StaffSuspended),
        (&stranger, Denial::StaffUnknown),
    ] {
        let before = size();
        assert!(is_denied(
            &case_about(vault, staff, &office.persons).await,
            denial
        ));
        assert_eq!(size(), before + 1, "{denial:?}");
        let entry = vault.recent_accesses(staff, 1).await.unwrap().remove(0);
        assert_eq!(
            (entry.operation, entry.outcome),
            (Operation::OpenCase, Outcome::Denied)
        );
    }
    let before = size();
    let approved = vault.approve_case(&trent, &case.id, &policy()).await;
    assert!(is_denied(&approved, Denial::StaffSuspended));
    assert_eq!(size(), before + 1);
}

/// A case is found by its name, however many newer ones are open.
#[tokio::test]
async fn a_case_is_known_to_those_who_work_on_it() {
    let limits = StaffLimits {
        cases_per_day_max: u64::MAX,
        ..StaffLimits::default()
    };
    let office = Office::new(1, limits).await;
    let (vault, mallory, ada) = (&office.vault, office.mallory, office.persons[0]);
    let case = case_about(vault, &mallory, &[ada]).await.unwrap();
    office.pass(1);
    for _ in 0..ensoex_vault::STAFF_LISTED_MAX {
        case_about(vault, &mallory, &[ada]).await.unwrap();
    }
    let listed = vault.open_cases(&mallory, None, 200).await.unwrap();
    assert!(
        listed.iter().all(|newer| newer.id != case.id),
        "control: it is not among the newest"
    );
    let found = vault.case_of(&mallory, &case.id).await.unwrap();
    assert_eq!(found.unwrap().id, case.id);
    assert!(vault.case_of(&office.trent, &case.id).await.unwrap().is_none());
}

/// Mechanism: `crates/vault/src/vault/staff.rs`
/// Control: reinstated by the operator, the same staff reads.
#[tokio::test]
async fn clause_13_staff_are_enrolled_and_suspended_by_the_operator_only() {
    let office = Office::new(1, StaffLimits::default()).await;
    let (vault, mallory, ada) = (&office.vault, office.mallory, office.persons[0]);
    let as_staff = request(Actor::Staff(mallory), ensoex_vault::Reason::Registration);
    assert!(is_denied(
        &vault.enrol_staff(&ada, &as_staff).await,
        Denial::OperatorOnly
    ));
    assert!(is_denied(
        &case_about(vault, &ada, &[ada]).await,
        Denial::StaffUnknown
    ));
    let case = case_about(vault, &mallory, &[ada]).await.unwrap();
    vault.suspend_staff(&mallory, &service()).await.unwrap();
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::StaffSuspended
    ));
    assert!(is_denied(
        &case_about(vault, &mallory, &[ada]).await,
        Denial::StaffSuspended
    ));
    assert!(is_denied(
        &vault.reinstate_staff(&mallory, &as_staff).await,
        Denial::OperatorOnly
    ));
    let office = office.reopened().await;
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::StaffSuspended
    ));
    office.vault.reinstate_staff(&mallory, &service()).await.unwrap();
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    let own = office.vault.recent_accesses(&mallory, 10).await.unwrap();
    assert!(own.iter().any(|entry| entry.operation == Operation::SuspendStaff));
}

/// Mechanism: `crates/vault/src/honeytokens.rs`
/// Control: reading a person raises nothing.
#[tokio::test]
async fn clause_13_reading_a_honeytoken_raises_the_alarm_and_suspends() {
    let office = Office::new(1, StaffLimits::default()).await;
    let (ada, mallory) = (office.persons[0], office.mallory);
    office
        .vault
        .make_honeytokens(1, "mail.example", &service())
        .await
        .unwrap();
    assert_eq!(office.vault.honeytokens(), 1);
    let honeytoken = newest_subject(&office).await;
    // It looks like a person who registered: the same fields, found by its address, after a restart too.
    let fields = async |subject: &SubjectId| {
        let held = office.vault.held_values(subject).await.unwrap();
        held.iter().map(|value| value.field).collect::<Vec<_>>()
    };
    assert_eq!(
        fields(&honeytoken).await,
        [FieldName::Email, FieldName::MobilePhone, FieldName::PasswordHash]
    );
    let office = office.reopened().await;
    assert_eq!(office.vault.honeytokens(), 1);

    // The control: reading a person raises nothing.
    let case = case_about(&office.vault, &mallory, &[ada, honeytoken])
        .await
        .unwrap();
    assert!(office.read(&mallory, &case, &ada).await.is_ok());
    assert!(office.vault.staff_events(0).await.unwrap().is_empty());
    // Reading a honeytoken succeeds as if nothing were, once.
    assert!(office.read(&mallory, &case, &honeytoken).await.is_ok());
    let entry = office
        .vault
        .recent_accesses(&honeytoken, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (entry.operation, entry.outcome),
        (Operation::Read, Outcome::Granted)
    );
    let events = office.vault.staff_events(0).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].staff),
        (StaffEventKind::HoneytokenRead, mallory)
    );
    assert_eq!(events[0].case, case.id.as_str());
    assert!(is_denied(
        &office.read(&mallory, &case, &ada).await,
        Denial::StaffSuspended
    ));
    let own = office.vault.recent_accesses(&mallory, 1).await.unwrap().remove(0);
    assert_eq!(
        (own.operation, own.reason.as_str()),
        (Operation::SuspendStaff, "alarm")
    );
    // Nobody is told of a case who does not exist.
    let breaking = CaseOpening {
        break_glass: true,
        ..opening(&[ada, honeytoken])
    };
    office
        .vault
        .open_case(&office.trent, &breaking, &policy())
        .await
        .unwrap();
    let owed = office.vault.notices_owed().await.unwrap();
    assert_eq!(
        owed.iter().map(|notice| notice.subject).collect::<Vec<_>>(),
        [ada]
    );
}

/// Somebody who signs in with an address that was never given to anyone had it from a leak.
///
/// Mechanism: `crates/vault/src/honeytokens.rs`
/// Control: reading a person raises nothing.
#[tokio::test]
async fn clause_13_a_component_that_reads_a_honeytoken_is_noticed_too() {
    let office = Office::new(1, StaffLimits::default()).await;
    office
        .vault
        .make_honeytokens(1, "mail.example", &service())
        .await
        .unwrap();
    let honeytoken = newest_subject(&office).await;
    let sign_in = request(Actor::component("sign-in").unwrap(), ensoex_vault::Reason::SignIn);
    let read = async |subject: &SubjectId| {
        let read = office
            .vault
            .read::<Email, ProvideService, _>(subject, None, &sign_in, String::len);
        read.await.unwrap()
    };
    read(&office.persons[0]).await;
    assert!(office.vault.staff_events(0).await.unwrap().is_empty());
    read(&honeytoken).await;
    let events = office.vault.staff_events(0).await.unwrap();
    assert_eq!(events[0].kind, StaffEventKind::HoneytokenRead);
    assert_eq!(events[0].staff, SubjectId::from_bytes([0; 16]));
}

/// Mechanism: `crates/vault/src/honeytokens.rs`
/// Control: the search finds what does lie in the files.
#[tokio::test]
async fn clause_13_no_file_says_who_is_a_honeytoken() {
    let office = Office::new(1, StaffLimits::default()).await;
    office
        .vault
        .make_honeytokens(3, "mail.example", &service())
        .await
        .unwrap();
    let honeytoken = newest_subject(&office).await;
    let too_many = office
        .vault
        .make_honeytokens(498, "mail.example", &service())
        .await;
    assert!(matches!(too_many, Err(VaultError::TooManyHoneytokens { .. })));
    office.vault.close().await;
    let file = office.directory.path().join("keys/vault-keys.db");
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut database = sqlx::ConnectOptions::connect(&database).await.unwrap();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM honeytokens")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    let names = |bytes: &[u8]| bytes.windows(16).any(|window| window == honeytoken.as_bytes());
    assert!(rows.iter().all(|row| !names(row)));
    // The control: a row in the clear would be found.
    assert!(names(&[&[7; 3], &honeytoken.as_bytes()[..]].concat()));
}

/// The subject of the newest entry of the access log.
async fn newest_subject(office: &Office) -> SubjectId {
    let file = office.directory.path().join("data/access-log.db");
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut database = sqlx::ConnectOptions::connect(&database).await.unwrap();
    let subject: Vec<u8> = sqlx::query_scalar("SELECT subject FROM leaves ORDER BY number DESC LIMIT 1")
        .fetch_one(&mut database)
        .await
        .unwrap();
    SubjectId::from_bytes(subject.try_into().unwrap())
}

#[tokio::test]
async fn a_case_that_says_too_little_or_too_much_is_refused() {
    let office = Office::new(2, StaffLimits::default()).await;
    let (vault, mallory) = (&office.vault, office.mallory);
    let good = opening(&office.persons);
    let many: Vec<SubjectId> = (0..=500_u32)
        .map(|number| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            SubjectId::from_bytes(bytes)
        })
        .collect();
    let refused = [
        CaseOpening {
            subjects: Vec::new(),
            ..good.clone()
        },
        CaseOpening {
            subjects: vec![office.persons[0]; 2],
            ..good.clone()
        },
        CaseOpening {
            subjects: many.clone(),
            ..good.clone()
        },
        CaseOpening {
            subjects: many[..21].to_vec(),
            break_glass: true,
            ..good.clone()
        },
        CaseOpening {
            fields: Vec::new(),
            ..good.clone()
        },
        CaseOpening {
            purpose: PurposeName::ImproveService,
            ..good.clone()
        },
        CaseOpening {
            fields: vec![FieldName::PasswordHash],
            purpose: PurposeName::PreventFraud,
            ..good.clone()
        },
        CaseOpening {
            hours: 0,
            ..good.clone()
        },
        CaseOpening {
            hours: 73,
            ..good.clone()
        },
    ];
    for opening in refused {
        let answer = vault.open_case(&mallory, &opening, &policy()).await;
        assert!(
            matches!(answer, Err(VaultError::InvalidCase { .. })),
            "{opening:?}"
        );
    }
    vault.open_case(&mallory, &good, &policy()).await.unwrap();
}
