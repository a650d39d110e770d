//! Where cases, staff, their counts and events are kept: beside the keys, so that no backup of the records winds them back.
//!
//! It does not decide what is allowed (`vault::staff`). One writer at a time: its caller holds the turn.

use std::collections::HashSet;

use ensoex_sql::{Database, Row, SqlError, Transaction};

use crate::cases::{Case, CaseId, CaseKind, DAY_MS, Order, StaffEvent, StaffEventKind};
use crate::error::VaultError;
use crate::key_store::subject_of;
use crate::purpose::PurposeName;
use crate::subject::SubjectId;
use crate::vault::StaffMember;

ensoex_sql::statements! {
    STATEMENTS;
    ENROL = "INSERT INTO staff (staff, enrolled_at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    STAFF = "SELECT suspended_at_ms FROM staff WHERE staff = $1";
    EVERYBODY = "SELECT staff AS subject, enrolled_at_ms, suspended_at_ms FROM staff ORDER BY enrolled_at_ms LIMIT $1";
    SUSPEND = "UPDATE staff SET suspended_at_ms = $2 WHERE staff = $1";
    INSERT_CASE =
        "INSERT INTO cases (case_id, kind, reason, purpose, opened_by, opened_at_ms, expires_at_ms, order_reference,
                silent_until_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    SILENT =
        "SELECT cases.case_id FROM cases JOIN case_subjects ON case_subjects.case_id = cases.case_id
            WHERE case_subjects.subject = $1 AND cases.silent_until_ms > $2";
    INSERT_CASE_SUBJECT = "INSERT INTO case_subjects (case_id, subject, notice_owed) VALUES ($1, $2, $3)";
    INSERT_CASE_FIELD = "INSERT INTO case_fields (case_id, field) VALUES ($1, $2)";
    INSERT_CASE_STAFF = "INSERT INTO case_staff (case_id, staff) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    CASE = "SELECT * FROM cases WHERE case_id = $1";
    CASE_SUBJECTS = "SELECT subject FROM case_subjects WHERE case_id = $1 ORDER BY subject";
    CASE_FIELDS = "SELECT field FROM case_fields WHERE case_id = $1 ORDER BY field";
    CASE_STAFF = "SELECT staff AS subject FROM case_staff WHERE case_id = $1 ORDER BY staff";
    OPEN_CASES =
        "SELECT case_id FROM cases WHERE closed_at_ms IS NULL AND expires_at_ms > $1 AND (opened_at_ms, case_id) < ($2, $3)
            ORDER BY opened_at_ms DESC, case_id DESC LIMIT $4";
    CASES_SINCE =
        "SELECT count(*) FROM cases WHERE opened_by = $1 AND opened_at_ms > $2 AND ($3 = '' OR kind = $3)";
    APPROVE = "UPDATE cases SET approved_by = $2 WHERE case_id = $1 AND approved_by IS NULL";
    CLOSE = "UPDATE cases SET closed_at_ms = $2 WHERE case_id = $1 AND closed_at_ms IS NULL";
    RECORDS_SINCE =
        "SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM staff_reads
            WHERE staff = $1 AND kind = $2 AND at_ms > $3";
    COUNT_RECORD =
        "INSERT INTO staff_reads (staff, kind, at_ms, records) VALUES ($1, $2, $3, 1)
            ON CONFLICT (staff, kind, at_ms) DO UPDATE SET records = staff_reads.records + 1";
    FORGET_RECORDS = "DELETE FROM staff_reads WHERE staff = $1 AND at_ms <= $2";
    INSERT_EVENT =
        "INSERT INTO staff_events (number, at_ms, event, staff, case_id) VALUES
            ((SELECT COALESCE(MAX(number), 0) + 1 FROM staff_events), $1, $2, $3, $4)";
    EVENTS_AFTER =
        "SELECT number, at_ms, event, staff AS subject, case_id FROM staff_events
            WHERE number > $1 ORDER BY number DESC LIMIT $2";
    EVENT_SINCE = "SELECT number FROM staff_events WHERE staff = $1 AND event = $2 AND at_ms > $3 LIMIT 1";
    NOTICES_OWED = "SELECT case_id, subject FROM case_subjects WHERE notice_owed = 1 ORDER BY case_id, subject LIMIT $1";
    NOTICE_GIVEN = "UPDATE case_subjects SET notice_owed = 0 WHERE case_id = $1 AND subject = $2";
}

/// What is known of a member of staff.
pub(crate) enum Standing {
    /// Nobody enrolled them.
    Unknown,
    /// They may not work at present.
    Suspended,
    /// They may work on cases.
    Enrolled,
}

pub(crate) struct CaseStore(Database);

impl CaseStore {
    pub(crate) const fn new(database: Database) -> Self {
        Self(database)
    }

    pub(crate) async fn enrol(&self, staff: &SubjectId, at_ms: u64) -> Result<(), VaultError> {
        let enrol = ENROL.bind(&staff.as_bytes()[..]).bind(at_ms as i64);
        self.0.execute(enrol).await?;
        Ok(())
    }

    /// Suspends them, or lets them work again.
    pub(crate) async fn suspend(&self, staff: &SubjectId, since_ms: Option<u64>) -> Result<(), VaultError> {
        let suspend = SUSPEND
            .bind(&staff.as_bytes()[..])
            .bind(since_ms.map(|ms| ms as i64));
        self.0.execute(suspend).await?;
        Ok(())
    }

    pub(crate) async fn everybody(&self, limit: u32) -> Result<Vec<StaffMember>, VaultError> {
        let member = |row: &Row| {
            let suspended_at_ms: Option<i64> = row.get("suspended_at_ms")?;
            Ok(StaffMember {
                staff: subject_of(row)?,
                enrolled_at_ms: row.unsigned("enrolled_at_ms")?,
                suspended_at_ms: suspended_at_ms.map(|ms| ms as u64),
            })
        };
        let rows = self.0.fetch_all(EVERYBODY.bind(i64::from(limit))).await?;
        rows.iter().map(member).collect()
    }

    /// Cases that are not over, the newest first, after this one.
    pub(crate) async fn open_cases(
        &self,
        now_ms: u64,
        after: Option<&Case>,
        limit: u32,
    ) -> Result<Vec<String>, VaultError> {
        let open = OPEN_CASES
            .bind(now_ms as i64)
            .bind(after.map_or(i64::MAX, |case| case.opened_at_ms as i64))
            .bind(after.map_or("", |case| case.id.as_str()))
            .bind(i64::from(limit));
        let rows = self.0.fetch_all(open).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }

    pub(crate) async fn standing(&self, staff: &SubjectId) -> Result<Standing, VaultError> {
        let row = self.0.fetch_optional(STAFF.bind(&staff.as_bytes()[..])).await?;
        let Some(row) = row else {
            return Ok(Standing::Unknown);
        };
        match row.get::<Option<i64>>(0)? {
            Some(_) => Ok(Standing::Suspended),
            None => Ok(Standing::Enrolled),
        }
    }

    /// Keeps a new case; a notice is owed to those of its subjects whom `owes_notice` names.
    pub(crate) async fn open(
        &self,
        case: &Case,
        owes_notice: impl Fn(&SubjectId) -> bool,
    ) -> Result<(), VaultError> {
        let mut transaction = self.0.begin().await?;
        let id = case.id.as_str();
        let kept = INSERT_CASE
            .bind(id)
            .bind(case.kind.as_str())
            .bind(case.reason.as_str())
            .bind(case.purpose.as_str())
            .bind(&case.opened_by.as_bytes()[..])
            .bind(case.opened_at_ms as i64)
            .bind(case.expires_at_ms as i64)
            .bind(case.order.as_ref().map(|order| order.reference.clone()))
            .bind(
                case.order
                    .as_ref()
                    .and_then(|order| order.silent_until_ms)
                    .map(|ms| ms as i64),
            );
        transaction.execute(kept).await?;
        for subject in &case.subjects {
            let kept = INSERT_CASE_SUBJECT
                .bind(id)
                .bind(&subject.as_bytes()[..])
                .bind(owes_notice(subject));
            transaction.execute(kept).await?;
        }
        for field in &case.fields {
            transaction
                .execute(INSERT_CASE_FIELD.bind(id).bind(field.as_str()))
                .await?;
        }
        for staff in &case.staff {
            transaction
                .execute(INSERT_CASE_STAFF.bind(id).bind(&staff.as_bytes()[..]))
                .await?;
        }
        if case.kind == CaseKind::BreakGlass {
            let at = (case.opened_at_ms, StaffEventKind::BreakGlass);
            insert_event(&mut transaction, at, &case.opened_by, id).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn case(&self, id: &str) -> Result<Option<Case>, VaultError> {
        let Some(row) = self.0.fetch_optional(CASE.bind(id)).await? else {
            return Ok(None);
        };
        let purpose: String = row.get("purpose")?;
        let purpose = PurposeName::ALL.into_iter().find(|name| name.as_str() == purpose);
        let fields = self.0.fetch_all(CASE_FIELDS.bind(id)).await?;
        let field = |row: &Row| {
            row.get::<String>(0)?
                .parse()
                .map_err(|()| SqlError::malformed("field"))
        };
        let fields: Result<Vec<_>, SqlError> = fields.iter().map(field).collect();
        let closed_at_ms: Option<i64> = row.get("closed_at_ms")?;
        let silent_until_ms: Option<i64> = row.get("silent_until_ms")?;
        Ok(Some(Case {
            id: CaseId::stored(id)?,
            kind: word(&row, "kind")?,
            reason: word(&row, "reason")?,
            purpose: purpose.ok_or_else(|| SqlError::malformed("purpose"))?,
            opened_by: pseudonym(row.get("opened_by")?)?,
            opened_at_ms: row.unsigned("opened_at_ms")?,
            expires_at_ms: row.unsigned("expires_at_ms")?,
            approved_by: row
                .get::<Option<Vec<u8>>>("approved_by")?
                .map(pseudonym)
                .transpose()?,
            closed_at_ms: closed_at_ms.map(|ms| ms as u64),
            subjects: self.pseudonyms(CASE_SUBJECTS.bind(id)).await?,
            fields: fields?,
            staff: self.pseudonyms(CASE_STAFF.bind(id)).await?,
            order: row
                .get::<Option<String>>("order_reference")?
                .map(|reference| Order {
                    reference,
                    silent_until_ms: silent_until_ms.map(|ms| ms as u64),
                }),
        }))
    }

    /// The cases of which a person must not learn yet.
    pub(crate) async fn silent(
        &self,
        subject: &SubjectId,
        now_ms: u64,
    ) -> Result<HashSet<String>, VaultError> {
        let silent = SILENT.bind(&subject.as_bytes()[..]).bind(now_ms as i64);
        let rows = self.0.fetch_all(silent).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }

    async fn pseudonyms(&self, query: ensoex_sql::Query) -> Result<Vec<SubjectId>, VaultError> {
        self.0.fetch_all(query).await?.iter().map(subject_of).collect()
    }

    /// How many cases they opened since then, of one kind or of all.
    pub(crate) async fn cases_since(
        &self,
        staff: &SubjectId,
        since_ms: u64,
        kind: Option<CaseKind>,
    ) -> Result<u64, VaultError> {
        let count = CASES_SINCE
            .bind(&staff.as_bytes()[..])
            .bind(since_ms as i64)
            .bind(kind.map_or("", CaseKind::as_str));
        let count: i64 = self.0.fetch_value(count).await?;
        Ok(count as u64)
    }

    pub(crate) async fn approve(&self, case: &CaseId, staff: &SubjectId) -> Result<(), VaultError> {
        let approve = APPROVE.bind(case.as_str()).bind(&staff.as_bytes()[..]);
        self.0.execute(approve).await?;
        Ok(())
    }

    pub(crate) async fn assign(&self, case: &CaseId, staff: &SubjectId) -> Result<(), VaultError> {
        let assign = INSERT_CASE_STAFF.bind(case.as_str()).bind(&staff.as_bytes()[..]);
        self.0.execute(assign).await?;
        Ok(())
    }

    pub(crate) async fn close(&self, case: &CaseId, at_ms: u64) -> Result<(), VaultError> {
        self.0
            .execute(CLOSE.bind(case.as_str()).bind(at_ms as i64))
            .await?;
        Ok(())
    }

    /// Counts a record that is about to be opened. `false`, and not counted, if a limit is reached: `(since, most)` each.
    pub(crate) async fn count(
        &self,
        staff: &SubjectId,
        kind: CaseKind,
        now_ms: u64,
        limits: [(u64, u64); 2],
    ) -> Result<bool, VaultError> {
        let mut transaction = self.0.begin().await?;
        let by = |statement: ensoex_sql::Statement| statement.bind(&staff.as_bytes()[..]).bind(kind.as_str());
        for (since_ms, most) in limits {
            let query = by(RECORDS_SINCE).bind(since_ms as i64);
            let records: i64 = transaction.fetch_value(query).await?;
            if records as u64 >= most {
                return Ok(false);
            }
        }
        transaction.execute(by(COUNT_RECORD).bind(now_ms as i64)).await?;
        let old = FORGET_RECORDS
            .bind(&staff.as_bytes()[..])
            .bind(now_ms.saturating_sub(DAY_MS) as i64);
        transaction.execute(old).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Keeps what the operator must hear of, and suspends them for it if so told.
    pub(crate) async fn raise(
        &self,
        at: (u64, StaffEventKind),
        staff: &SubjectId,
        case: &str,
        suspends: bool,
    ) -> Result<(), VaultError> {
        let mut transaction = self.0.begin().await?;
        insert_event(&mut transaction, at, staff, case).await?;
        if suspends {
            let suspend = SUSPEND.bind(&staff.as_bytes()[..]).bind(at.0 as i64);
            transaction.execute(suspend).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(crate) async fn raised_since(
        &self,
        staff: &SubjectId,
        kind: StaffEventKind,
        since_ms: u64,
    ) -> Result<bool, VaultError> {
        let event = EVENT_SINCE
            .bind(&staff.as_bytes()[..])
            .bind(kind.as_str())
            .bind(since_ms as i64);
        Ok(self.0.fetch_optional(event).await?.is_some())
    }

    /// Up to `limit` events after this number, newest first.
    pub(crate) async fn events_after(&self, number: u64, limit: u32) -> Result<Vec<StaffEvent>, VaultError> {
        let query = EVENTS_AFTER.bind(number as i64).bind(i64::from(limit));
        let event = |row: &Row| {
            Ok(StaffEvent {
                number: row.unsigned("number")?,
                at_ms: row.unsigned("at_ms")?,
                kind: word(row, "event")?,
                staff: subject_of(row)?,
                case: row.get("case_id")?,
            })
        };
        self.0.fetch_all(query).await?.iter().map(event).collect()
    }

    /// Persons who must be told of a case, with its name.
    pub(crate) async fn notices_owed(&self, limit: u32) -> Result<Vec<(String, SubjectId)>, VaultError> {
        let rows = self.0.fetch_all(NOTICES_OWED.bind(i64::from(limit))).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, subject_of(row)?)))
            .collect()
    }

    pub(crate) async fn notice_given(&self, case: &CaseId, subject: &SubjectId) -> Result<(), VaultError> {
        let given = NOTICE_GIVEN.bind(case.as_str()).bind(&subject.as_bytes()[..]);
        self.0.execute(given).await?;
        Ok(())
    }
}

async fn insert_event(
    transaction: &mut Transaction,
    (at_ms, kind): (u64, StaffEventKind),
    staff: &SubjectId,
    case: &str,
) -> Result<(), VaultError> {
    let event = INSERT_EVENT
        .bind(at_ms as i64)
        .bind(kind.as_str())
        .bind(&staff.as_bytes()[..])
        .bind(case);
    transaction.execute(event).await?;
    Ok(())
}

fn word<T: std::str::FromStr>(row: &Row, column: &'static str) -> Result<T, VaultError> {
    let word: String = row.get(column)?;
    word.parse().map_err(|_| SqlError::malformed(column).into())
}

fn pseudonym(bytes: Vec<u8>) -> Result<SubjectId, VaultError> {
    let bytes = bytes.try_into().map_err(|_| SqlError::malformed("pseudonym"))?;
    Ok(SubjectId::from_bytes(bytes))
}
