//! Reviews: a human looks at what was not simply let through.
//!
//! States: open → approved | refused; open → seconded (one of staff approves a large sum) → approved | refused; ended, if what it was
//! about ended meanwhile. Whoever decides works on a case of the vault about this person for preventing fraud, so that the person sees
//! the case in their access log and the vault's limits hold. An approval of a waiting withdrawal lets it go on, to any card; of anything
//! else, once what was declined. A refusal gives the money back into the account. What was decided is finished by whoever
//! comes next if a stop came in between ([`finish`]).

use super::Decided;
use crate::app::{App, AppState};
use crate::cards::{self, CardTransfer};
use crate::clock::{micros, now_us, text};
use crate::limits::REVIEWS_LISTED_MAX;
use crate::problem::Problem;
use crate::rights;
use crate::secret::random_id;
use ensoex_risk::{Decision, Outcome, Place, RuleBook};
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::AccountId;
use ensoex_vault::{CaseId, PurposeName, SubjectId, VaultError};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_REVIEW =
        "INSERT INTO risk_reviews (review, decision, account, place, cents, two_persons, blocking, state, made_us, due_us,
            state_us, request) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $8, $10)";
    WAITING =
        "SELECT risk_reviews.*, users.subject AS subject, risk_decisions.body AS body, risk_decisions.reference AS reference
            FROM risk_reviews JOIN users ON users.account = risk_reviews.account
            JOIN risk_decisions ON risk_decisions.decision = risk_reviews.decision
            WHERE risk_reviews.state IN ('open', 'seconded') ORDER BY risk_reviews.due_us, risk_reviews.review LIMIT $1";
    REVIEW =
        "SELECT risk_reviews.*, users.subject AS subject FROM risk_reviews
            JOIN users ON users.account = risk_reviews.account WHERE review = $1";
    SECOND =
        "UPDATE risk_reviews SET state = 'seconded', first_staff = $2, vault_case = $3, finding = $4, state_us = $5
            WHERE review = $1 AND state = 'open'";
    SETTLE_ALONE =
        "UPDATE risk_reviews SET state = $6, first_staff = $2, vault_case = $3, finding = $4, state_us = $5
            WHERE review = $1 AND state = 'open'";
    SETTLE_SECOND =
        "UPDATE risk_reviews SET state = $6, second_staff = $2, vault_case = $3, finding = $4, state_us = $5
            WHERE review = $1 AND state = 'seconded'";
    END =
        "UPDATE risk_reviews SET state = 'ended', state_us = $2 WHERE state IN ('open', 'seconded', 'approved') AND decision IN
            (SELECT decision FROM risk_decisions WHERE place = 'withdrawal' AND reference = $1)";
    USED =
        "UPDATE risk_reviews SET used_for = $1 WHERE state = 'approved' AND used_for IS NULL AND decision IN
            (SELECT decision FROM risk_decisions WHERE place = 'withdrawal' AND reference = $1)";
    DECIDED =
        "SELECT card_transfers.*, risk_reviews.state AS review_state FROM card_transfers
            JOIN risk_decisions ON risk_decisions.place = 'withdrawal' AND risk_decisions.reference = card_transfers.id
            JOIN risk_reviews ON risk_reviews.decision = risk_decisions.decision
            WHERE card_transfers.status = 'in_review' AND risk_reviews.state IN ('approved', 'refused') LIMIT 1000";
    ANSWER_REQUESTS =
        "UPDATE rights_requests SET decision = CASE WHEN (SELECT state FROM risk_reviews WHERE request = rights_requests.request)
                = 'refused' THEN 'refused' ELSE 'done' END
            WHERE decision IS NULL AND state IN ('open', 'overdue') AND request IN
            (SELECT request FROM risk_reviews WHERE request IS NOT NULL AND state IN ('approved', 'refused', 'ended'))";
    OVERDUE =
        "SELECT review, account, due_us FROM risk_reviews
            WHERE state IN ('open', 'seconded') AND due_us < $1 AND told_overdue = 0 LIMIT 1000";
    TOLD_OVERDUE = "UPDATE risk_reviews SET told_overdue = 1 WHERE review = $1";
    COUNT_OPEN = "SELECT count(*) FROM risk_reviews WHERE state IN ('open', 'seconded')";
    COUNT_OVERDUE = "SELECT count(*) FROM risk_reviews WHERE state IN ('open', 'seconded') AND due_us < $1";
}

/// What a human found, as they and the person read it.
pub(crate) const FINDINGS: [(&str, bool); 6] = [
    ("explained", true),
    ("nothing_found", true),
    ("stolen_card", false),
    ("account_taken_over", false),
    ("unlawful_source", false),
    ("no_answer", false),
];

/// Opens a review in the transaction of its decision.
pub(super) async fn open(
    transaction: &mut Transaction,
    book: &RuleBook,
    (id, decision): (&str, &Decision),
    cents: i64,
    now: i64,
    request: Option<&str>,
) -> Result<(), Problem> {
    let review = random_id("rev_").map_err(|error| Problem::internal("random source", &error))?;
    let hours = u64::from(book.limits().review_hours);
    let insert = INSERT_REVIEW
        .bind(review)
        .bind(id)
        .bind(i64::from(decision.account))
        .bind(decision.place.word())
        .bind(cents)
        .bind(cents >= book.limits().two_persons_from_cents)
        .bind(decision.outcome == Outcome::BlockAndReview)
        .bind(now)
        .bind(now.saturating_add(micros(Duration::from_secs(hours * 3_600))))
        .bind(request);
    transaction.execute(insert).await?;
    Ok(())
}

/// What waits for a human, the most urgent first, for staff who may work here.
pub(crate) async fn waiting(app: &AppState, staff: &SubjectId) -> Result<Value, ReviewError> {
    // The vault says whether they may work at all.
    app.vault.open_cases(staff, None, 1).await?;
    let rows = app
        .database
        .fetch_all(WAITING.bind(i64::from(REVIEWS_LISTED_MAX)))
        .await?;
    let now = now_us();
    let view = |row: &Row| -> Result<Value, SqlError> {
        let decision: Decision =
            serde_json::from_str(&row.get::<String>("body")?).map_err(|_| SqlError::malformed("body"))?;
        let due: i64 = row.get("due_us")?;
        Ok(json!({
            "review": row.get::<String>("review")?,
            "decision": row.get::<String>("decision")?,
            "account": row.get::<i64>("account")?.to_string(),
            "subject": row.get::<String>("subject")?,
            "place": decision.place,
            "reference": row.get::<String>("reference")?,
            "outcome": decision.outcome,
            "rules": decision.fired.iter().map(|fired| &fired.rule).collect::<Vec<_>>(),
            "inputs": decision.inputs,
            "state": row.get::<String>("state")?,
            "first_staff": row.get::<Option<String>>("first_staff")?,
            "two_persons": row.flag("two_persons")?,
            "asked_by_person": row.get::<Option<String>>("request")?.is_some(),
            "due_at": text(due),
            "overdue": due < now,
        }))
    };
    let reviews = rows.iter().map(view).collect::<Result<Vec<_>, SqlError>>()?;
    Ok(json!({ "reviews": reviews }))
}

/// Why a human's decision is not taken, in a sentence, or a failure.
pub(crate) enum ReviewError {
    Said(String),
    Failed(Problem),
}

impl From<VaultError> for ReviewError {
    fn from(error: VaultError) -> ReviewError {
        match error {
            VaultError::Denied(_) => ReviewError::Said(error.to_string()),
            other => ReviewError::Failed(other.into()),
        }
    }
}

impl From<SqlError> for ReviewError {
    fn from(error: SqlError) -> ReviewError {
        ReviewError::Failed(error.into())
    }
}

impl From<Problem> for ReviewError {
    fn from(problem: Problem) -> ReviewError {
        ReviewError::Failed(problem)
    }
}

/// Takes a human's decision.
pub(crate) async fn decide(
    app: &App,
    staff: &SubjectId,
    review: &str,
    case: &CaseId,
    finding: &str,
) -> Result<Value, ReviewError> {
    let said = |text: &str| ReviewError::Said(text.to_owned());
    let known: Vec<&str> = FINDINGS.iter().map(|(finding, _)| *finding).collect();
    let approves = FINDINGS
        .iter()
        .find(|(known, _)| *known == finding)
        .map(|(_, approves)| *approves);
    let approves =
        approves.ok_or_else(|| ReviewError::Said(format!("{finding:?} is none of: {}", known.join(", "))))?;
    app.vault.open_cases(staff, None, 1).await?;
    let row = app.database.fetch_optional(REVIEW.bind(review)).await?;
    let row = row.ok_or_else(|| said("there is no such review; look with `ensoex cases reviews`"))?;
    let subject: String = row.get("subject")?;
    works_on(app, staff, case, &subject).await?;
    let (state, first): (String, Option<String>) = (row.get("state")?, row.get("first_staff")?);
    let now = now_us();
    let settle = match (&*state, approves, row.flag("two_persons")?) {
        ("open", true, true) => SECOND.bind(review),
        ("open", ..) => SETTLE_ALONE.bind(review),
        ("seconded", true, _) if first.as_deref() == Some(&staff.to_string()) => {
            return Err(said(
                "you have approved this; such a sum needs another member of staff too",
            ));
        }
        ("seconded", ..) => SETTLE_SECOND.bind(review),
        _ => return Err(said("this review has ended")),
    };
    let ends = state == "seconded" || !approves || !row.flag("two_persons")?;
    let settle = settle
        .bind(staff.to_string())
        .bind(case.as_str())
        .bind(finding)
        .bind(now);
    let settle = match ends {
        true => settle.bind(if approves { "approved" } else { "refused" }),
        false => settle,
    };
    if app.database.execute(settle).await? == 0 {
        return Err(said("somebody else decided meanwhile; look again"));
    }
    tracing::info!(review, approves, finding, "a human decided about a movement");
    finish(app).await?;
    if ends {
        rights::tell_of_answer(
            app,
            AccountId(u32::try_from(row.get::<i64>("account")?).unwrap_or_default()),
        )
        .await?;
    }
    let state = match (ends, approves) {
        (false, _) => "seconded",
        (true, true) => "approved",
        (true, false) => "refused",
    };
    Ok(json!({ "review": review, "state": state, "finding": finding }))
}

/// Whether they work on an open case about this person, for preventing fraud.
async fn works_on(
    app: &AppState,
    staff: &SubjectId,
    case: &CaseId,
    subject: &str,
) -> Result<(), ReviewError> {
    let case = app.vault.case_of(staff, case).await?;
    let now_ms = u64::try_from(now_us() / 1_000).unwrap_or_default();
    let fits = case.is_some_and(|case| {
        case.purpose == PurposeName::PreventFraud
            && !case.is_over(now_ms)
            && !case.waits_for_approval()
            && case.subjects.iter().any(|one| one.to_string() == subject)
    });
    match fits {
        true => Ok(()),
        false => Err(ReviewError::Said(format!(
            "you decide within a case of yours about this person: `ensoex cases open {subject} --fields email --reason \
             fraud_suspicion --purpose prevent_fraud`"
        ))),
    }
}

/// Carries out what humans decided about withdrawals that wait, and answers the persons' requests.
pub(crate) async fn finish(app: &App) -> Result<(), Problem> {
    for row in &app.database.fetch_all(DECIDED).await? {
        let transfer = CardTransfer::read(row)?;
        if row.get::<String>("review_state")? == "approved" {
            cards::set_status(app, &transfer, "approved", None).await?;
            app.database.execute(USED.bind(&transfer.id)).await?;
        } else {
            cards::give_back(app, &transfer).await?;
            cards::set_status(app, &transfer, "refused", Some(("refused_by_staff", ""))).await?;
        }
    }
    app.database.execute(ANSWER_REQUESTS).await?;
    Ok(())
}

/// The owner ended what was looked at.
pub(crate) async fn end(app: &AppState, transfer: &CardTransfer) -> Result<(), Problem> {
    app.database
        .execute(END.bind(&transfer.id).bind(now_us()))
        .await?;
    Ok(())
}

/// Opens a review of a decision because the person asks for a human; `request` is its entry in the register of requests.
pub(super) async fn open_for_person(app: &AppState, decided: &Decided, request: &str) -> Result<(), Problem> {
    let book = app.books.current();
    let cents = match decided.decision.place {
        Place::Deposit | Place::Withdrawal => decided
            .decision
            .inputs
            .get("amount_cents")
            .copied()
            .unwrap_or_default(),
        Place::KeyCreation | Place::ContactChange => 0,
    };
    let mut transaction = app.database.begin().await?;
    let of = (decided.id.as_str(), &decided.decision);
    open(&mut transaction, &book, of, cents, now_us(), Some(request)).await?;
    Ok(transaction.commit().await?)
}

/// Notices reviews that are late, carries out what is left, and counts.
pub(crate) async fn watch(app: &App, now_us: i64) -> Result<(), Problem> {
    finish(app).await?;
    for row in &app.database.fetch_all(OVERDUE.bind(now_us)).await? {
        let (review, account, due): (String, i64, i64) =
            (row.get("review")?, row.get("account")?, row.get("due_us")?);
        tracing::error!(
            review,
            account,
            due = text(due),
            "a person waits for a human's decision, and it is overdue"
        );
        app.database.execute(TOLD_OVERDUE.bind(review)).await?;
    }
    let counts: [i64; 2] = [
        app.database.fetch_value(COUNT_OPEN).await?,
        app.database.fetch_value(COUNT_OVERDUE.bind(now_us)).await?,
    ];
    let [open, overdue] = counts.map(|count| u64::try_from(count).unwrap_or_default());
    app.duties.reviews_open.store(open, Ordering::Relaxed);
    app.duties.reviews_overdue.store(overdue, Ordering::Relaxed);
    Ok(())
}
