//! The register of what persons ask for under their rights: when, until when it must be answered, what became of it.
//!
//! States: open → done, refused; open → overdue → done, refused; an open one may get two months more, once. What the Service does by itself is done at once. Each state is
//! a signed receipt that a leaf of the access log names; the row is written first, and a receipt that a stop left out is made
//! when it is asked for. Deadlines are watched by housekeeping: a missed one is a leaf, a line for the operator and a number
//! in `/health`. It knows what was asked, never why: no words of the person are kept.

use crate::answers::Answer;
use crate::app::{App, AppState};
use crate::clock::{now_us, text};
use crate::guard::User;
use crate::limits::{RIGHTS_REQUESTS_LISTED_MAX, RIGHTS_REQUESTS_OPEN_MAX};
use crate::me::attachment;
use crate::messages::{Channel, Locale, Message, texts};
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use ensoex_sql::{Row, SqlError};
use ensoex_types::AccountId;
use ensoex_vault::{
    Email, Extension, ProvideService, Reason, RequestState, RequestStatement, Right, SubjectId, VaultError,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;

use crate::secret::random_id;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_REQUEST =
        "INSERT INTO rights_requests (request, account, subject, what, matter, made_us, due_us, state, state_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6)";
    REQUESTS = "SELECT * FROM rights_requests WHERE account = $1 ORDER BY made_us DESC LIMIT $2";
    REQUEST = "SELECT * FROM rights_requests WHERE request = $1 AND account = $2";
    OPEN_OF = "SELECT * FROM rights_requests WHERE account = $1 AND state IN ('open', 'overdue')";
    MISSED = "SELECT * FROM rights_requests WHERE state = 'open' AND due_us < $1 ORDER BY due_us LIMIT 1000";
    SET_STATE =
        "UPDATE rights_requests SET state = $2, state_us = $3, receipt = NULL
            WHERE request = $1 AND state IN ('open', 'overdue')";
    DECIDED = "SELECT * FROM rights_requests WHERE decision IS NOT NULL ORDER BY due_us LIMIT 1000";
    SET_ANSWER =
        "UPDATE rights_requests SET decision = NULL, state = $2, state_us = $3, due_us = $4, extended = $5, receipt = NULL
            WHERE request = $1 AND decision IS NOT NULL";
    LOCALE = "SELECT locale FROM users WHERE account = $1 AND erased_us IS NULL";
    SET_RECEIPT = "UPDATE rights_requests SET receipt = $2 WHERE request = $1 AND state = $3";
    COUNT_OPEN = "SELECT count(*) FROM rights_requests WHERE state IN ('open', 'overdue')";
    COUNT_OVERDUE = "SELECT count(*) FROM rights_requests WHERE state = 'overdue'";
}

/// How many requests wait for an answer, for health.
#[derive(Default)]
pub(crate) struct Duties {
    open: AtomicU64,
    overdue: AtomicU64,
    /// Values that should have been destroyed and were not.
    kept_too_long: AtomicU64,
    pub(crate) incidents: crate::incidents::Incidents,
    pub(crate) messages: crate::outbox::Tallies,
    /// Movements that wait for a human, and those of them that waited too long.
    pub(crate) reviews_open: AtomicU64,
    pub(crate) reviews_overdue: AtomicU64,
}

impl Duties {
    pub(crate) fn kept_too_long(&self, values: u64) {
        self.kept_too_long.store(values, Ordering::Relaxed);
    }

    /// How many values are kept for longer than their term.
    pub(crate) fn retention_view(&self) -> Value {
        json!({ "overdue": self.kept_too_long.load(Ordering::Relaxed) })
    }

    /// How many movements wait for a human.
    pub(crate) fn reviews_view(&self) -> Value {
        json!({
            "open": self.reviews_open.load(Ordering::Relaxed),
            "overdue": self.reviews_overdue.load(Ordering::Relaxed),
        })
    }

    /// Says so without a word about whose they are.
    pub(crate) fn view(&self) -> Value {
        json!({ "open": self.open.load(Ordering::Relaxed), "overdue": self.overdue.load(Ordering::Relaxed) })
    }
}

/// A request as stored.
struct Stored {
    request: String,
    account: AccountId,
    subject: SubjectId,
    right: Right,
    matter: String,
    made_us: i64,
    due_us: i64,
    state: RequestState,
    state_us: i64,
    extended: Option<Extension>,
    receipt: Option<String>,
}

impl Stored {
    fn read(row: &Row) -> Result<Stored, SqlError> {
        let word = |column: &'static str| row.get::<String>(column);
        Ok(Stored {
            request: word("request")?,
            account: AccountId(u32::try_from(row.get::<i64>("account")?).unwrap_or_default()),
            subject: word("subject")?
                .parse()
                .map_err(|_| SqlError::malformed("subject"))?,
            right: Right::from_word(&word("what")?).ok_or_else(|| SqlError::malformed("what"))?,
            matter: word("matter")?,
            made_us: row.get("made_us")?,
            due_us: row.get("due_us")?,
            state: RequestState::from_word(&word("state")?).ok_or_else(|| SqlError::malformed("state"))?,
            state_us: row.get("state_us")?,
            extended: row
                .get::<Option<String>>("extended")?
                .and_then(|word| Extension::from_word(&word)),
            receipt: row.get("receipt")?,
        })
    }

    fn statement(&self) -> RequestStatement {
        let ms = |at_us: i64| u64::try_from(at_us / 1_000).unwrap_or_default();
        RequestStatement {
            subject: self.subject,
            request: self.request.clone(),
            right: self.right,
            matter: self.matter.clone(),
            made_at_ms: ms(self.made_us),
            due_at_ms: ms(self.due_us),
            state: self.state,
            state_at_ms: ms(self.state_us),
            extended: self.extended,
        }
    }

    fn view(&self) -> Value {
        json!({
            "request": self.request,
            "right": self.right,
            "matter": self.matter,
            "made_at": text(self.made_us),
            "due_at": text(self.due_us),
            "state": self.state,
            "state_at": text(self.state_us),
            "extended": self.extended,
        })
    }
}

/// One month later (GDPR, article 12): the same day of the next month, or its last.
pub(crate) fn deadline(made_us: i64) -> i64 {
    let month_later = |at: OffsetDateTime| {
        let next = at.month().next();
        let year = at.year() + i32::from(next == time::Month::January);
        let day = at.day().min(next.length(year));
        Some(at.replace_date(Date::from_calendar_date(year, next, day).ok()?))
    };
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(made_us) * 1_000)
        .ok()
        .and_then(month_later)
        .and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000).ok())
        .unwrap_or(made_us)
}

/// Two months later.
fn extended(due_us: i64) -> i64 {
    deadline(deadline(due_us))
}

/// Registers a request, with its receipt.
async fn register(
    app: &AppState,
    account: AccountId,
    right: Right,
    matter: &str,
    state: RequestState,
) -> Result<Stored, Problem> {
    let request = random_id("req_").map_err(|error| Problem::internal("random source", &error))?;
    let now = now_us();
    let mut stored = Stored {
        request,
        account,
        subject: app.subject_of(account).await?,
        right,
        matter: matter.to_owned(),
        made_us: now,
        due_us: deadline(now),
        state,
        state_us: now,
        extended: None,
        receipt: None,
    };
    app.database
        .execute(
            INSERT_REQUEST
                .bind(&stored.request)
                .bind(i64::from(account.0))
                .bind(stored.subject.to_string())
                .bind(right.word())
                .bind(matter)
                .bind(now)
                .bind(stored.due_us)
                .bind(state.word()),
        )
        .await?;
    stored.receipt = Some(make_receipt(app, &stored).await?);
    Ok(stored)
}

/// Registers what the Service did at once, because the person asked for it.
pub(crate) async fn done_at_once(
    app: &AppState,
    account: AccountId,
    right: Right,
    matter: &str,
) -> Result<(), Problem> {
    register(app, account, right, matter, RequestState::Done).await?;
    Ok(())
}

/// Enters the state in the access log and keeps the proof.
async fn make_receipt(app: &AppState, stored: &Stored) -> Result<String, Problem> {
    let access = app.component_access("rights", Reason::RightsRequest)?;
    let proven = app.vault.state_request(stored.statement(), &access).await?;
    let receipt =
        serde_json::to_string_pretty(&proven).map_err(|error| Problem::internal("receipt", &error))?;
    app.database
        .execute(
            SET_RECEIPT
                .bind(&stored.request)
                .bind(&receipt)
                .bind(stored.state.word()),
        )
        .await?;
    Ok(receipt)
}

/// What a person asks for that somebody has to decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRequest {
    /// `objection`.
    #[schema(value_type = String)]
    right: AskedRight,
    /// `fraud_prevention`: looking at the person's data to notice fraud, and what was decided so.
    #[schema(value_type = String)]
    matter: AskedMatter,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedRight {
    Objection,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedMatter {
    FraudPrevention,
}

/// Asks for something that somebody has to decide.
#[utoipa::path(post, path = "/v1/me/requests", request_body = NewRequest, tag = "my data",
    responses((status = 201, description = "the request, with its deadline"), (status = 409, description = "problem: already_asked, too_many_requests")))]
pub(crate) async fn ask(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (AskedRight::Objection, AskedMatter::FraudPrevention) = (new.right, new.matter);
    let (right, matter) = (Right::Objection, "fraud_prevention");
    let _turn = app.turns.take(user.account).await;
    for row in &open_requests(&app, user.account).await? {
        let open = Stored::read(row)?;
        if open.right == right && open.matter == matter {
            let detail = "You asked for this already; the answer is still to come.";
            return Err(
                Problem::new(StatusCode::CONFLICT, "already_asked", detail).with("request", open.request)
            );
        }
    }
    let stored = register(&app, user.account, right, matter, RequestState::Open).await?;
    count(&app).await?;
    Ok((StatusCode::CREATED, Json(stored.view())))
}

/// A person's requests that wait for an answer, if there may be one more.
async fn open_requests(app: &AppState, account: AccountId) -> Result<Vec<Row>, Problem> {
    let open = app.database.fetch_all(OPEN_OF.bind(i64::from(account.0))).await?;
    if open.len() >= RIGHTS_REQUESTS_OPEN_MAX {
        let detail = "Several of your requests are still open. Wait for their answers first.";
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_requests", detail));
    }
    Ok(open)
}

/// Enters that a person asks for a human to look at an automated decision (GDPR, article 22): its name, and its view. The caller has the
/// account's turn.
pub(crate) async fn ask_for_a_human(app: &AppState, account: AccountId) -> Result<(String, Value), Problem> {
    open_requests(app, account).await?;
    let (right, matter) = (Right::Objection, "automated_decision");
    let stored = register(app, account, right, matter, RequestState::Open).await?;
    count(app).await?;
    let view = stored.view();
    Ok((stored.request, view))
}

/// Sends somebody word that a human has decided about a movement of theirs.
pub(crate) async fn tell_of_answer(app: &AppState, account: AccountId) -> Result<(), Problem> {
    let subject = app.subject_of(account).await?;
    tell(app, account, &subject).await
}

/// What the person asked for, newest first.
#[utoipa::path(get, path = "/v1/me/requests", tag = "my data", responses((status = 200, description = "requests with deadline and state")))]
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let rows = app
        .database
        .fetch_all(
            REQUESTS
                .bind(i64::from(user.account.0))
                .bind(RIGHTS_REQUESTS_LISTED_MAX),
        )
        .await?;
    let requests = rows
        .iter()
        .map(|row| Ok(Stored::read(row)?.view()))
        .collect::<Result<Vec<Value>, SqlError>>()?;
    Ok(Json(json!({ "requests": requests })))
}

/// The signed receipt of a request's newest state.
#[utoipa::path(get, path = "/v1/me/requests/{request}/receipt", tag = "my data", params(("request" = String, Path)),
    responses((status = 200, description = "receipt for `ensoex verify request`"), (status = 404, description = "problem: unknown_request")))]
pub(crate) async fn receipt(
    State(app): State<App>,
    user: User,
    Path(request): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let row = app
        .database
        .fetch_optional(REQUEST.bind(&request).bind(i64::from(user.account.0)))
        .await?;
    let row = row.ok_or_else(|| Problem::not_found("unknown_request", "You have made no such request."))?;
    let mut stored = Stored::read(&row)?;
    let receipt = match stored.receipt.take() {
        Some(receipt) => receipt,
        None => make_receipt(&app, &stored).await?,
    };
    Ok((attachment("ensoex-request.json"), receipt))
}

/// States what the operator decided: to the access log, to the receipt, to the person.
async fn state_answers(app: &AppState, now_us: i64) -> Result<(), Problem> {
    let decided = app.database.fetch_all(DECIDED).await?;
    for row in &decided {
        let mut stored = Stored::read(row)?;
        let Some(answer) = Answer::from_word(&row.get::<String>("decision")?) else {
            continue;
        };
        match answer {
            Answer::Done => stored.state = RequestState::Done,
            Answer::Refused => stored.state = RequestState::Refused,
            Answer::Extended(reason) => {
                (stored.due_us, stored.extended) = (extended(stored.due_us), Some(reason));
            }
        }
        stored.state_us = now_us;
        let moved = app
            .database
            .execute(
                SET_ANSWER
                    .bind(&stored.request)
                    .bind(stored.state.word())
                    .bind(now_us)
                    .bind(stored.due_us)
                    .bind(stored.extended.map(Extension::word)),
            )
            .await?;
        if moved > 0 {
            make_receipt(app, &stored).await?;
            tell(app, stored.account, &stored.subject).await?;
        }
    }
    Ok(())
}

/// Sends the person word that there is an answer; what it says stands at My data.
async fn tell(app: &AppState, account: AccountId, subject: &SubjectId) -> Result<(), Problem> {
    let locale: Option<String> = app
        .database
        .fetch_optional_value(LOCALE.bind(i64::from(account.0)))
        .await?;
    let Some(locale) = locale else { return Ok(()) };
    let locale = Locale::from_tag(&locale);
    let message = Message::notice(locale, texts::answered(locale, &app.public_url));
    let access = app.component_access("rights", Reason::RightsRequest)?;
    let entered = match app.entered_message(subject, Channel::Email).await {
        Ok(entered) => entered,
        Err(problem) => {
            tracing::warn!(?problem, "word of an answer cannot be sent; it stands at My data");
            return Ok(());
        }
    };
    let messenger = app.messenger.clone();
    let send = move |to: &String| messenger.send(&entered, Channel::Email, to, message);
    match app
        .vault
        .read::<Email, ProvideService, _>(subject, None, &access, send)
        .await
    {
        Ok(Ok(handed)) => handed.leave(),
        Err(VaultError::UnknownSubject | VaultError::NotFound) => {}
        Ok(Err(error)) => tracing::warn!(%error, "word of an answer was not sent; it stands at My data"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Notices deadlines that were missed by `now_us`: each is a leaf of the access log and a line for the operator.
pub(crate) async fn watch(app: &AppState, now_us: i64) -> Result<(), Problem> {
    state_answers(app, now_us).await?;
    let missed = app.database.fetch_all(MISSED.bind(now_us)).await?;
    for row in &missed {
        let mut stored = Stored::read(row)?;
        (stored.state, stored.state_us) = (RequestState::Overdue, now_us);
        let moved = app
            .database
            .execute(
                SET_STATE
                    .bind(&stored.request)
                    .bind(stored.state.word())
                    .bind(now_us),
            )
            .await?;
        if moved > 0 {
            make_receipt(app, &stored).await?;
            tracing::error!(
                request = stored.request,
                right = stored.right.word(),
                account = stored.account.0,
                due = text(stored.due_us),
                "a person's request is overdue; the law gives one month"
            );
        }
    }
    count(app).await
}

async fn count(app: &AppState) -> Result<(), Problem> {
    for (query, duty) in [
        (COUNT_OPEN, &app.duties.open),
        (COUNT_OVERDUE, &app.duties.overdue),
    ] {
        let number: i64 = app.database.fetch_value(query).await?;
        duty.store(u64::try_from(number).unwrap_or_default(), Ordering::Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_due_a_month_later() {
        use time::format_description::well_known::Rfc3339;
        for (made, due) in [
            ("2026-11-23T10:00:00Z", "2026-12-23T10:00:00Z"),
            ("2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z"),
            ("2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            ("2028-01-30T23:59:59Z", "2028-02-29T23:59:59Z"),
        ] {
            let made = OffsetDateTime::parse(made, &Rfc3339).unwrap();
            let found = deadline(i64::try_from(made.unix_timestamp_nanos() / 1_000).unwrap());
            let found = OffsetDateTime::from_unix_timestamp_nanos(i128::from(found) * 1_000).unwrap();
            assert_eq!(found.format(&Rfc3339).unwrap(), due);
        }
    }
}
