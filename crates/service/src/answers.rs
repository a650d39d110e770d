//! What the operator does with persons' requests: sees which wait, answers them, or extends a deadline once.
//!
//! A decision is written into the register, and the running Service states it within a minute: to the access log, to the
//! receipt, to the person. It knows pseudonyms and closed lists of words, and needs neither vault nor keys.

use crate::clock::text;
use crate::stores::SERVICE_RECORDS;
use ensoex_sql::{Address, Database, Row, SqlError};
use ensoex_vault::{Extension, RequestState};

ensoex_sql::statements! {
    STATEMENTS;
    WAITING =
        "SELECT * FROM rights_requests WHERE state IN ('open', 'overdue') AND decision IS NULL ORDER BY due_us LIMIT 1000";
    DECIDE =
        "UPDATE rights_requests SET decision = $2
            WHERE request = $1 AND decision IS NULL AND state IN ('open', 'overdue')";
    EXTEND =
        "UPDATE rights_requests SET decision = $2
            WHERE request = $1 AND decision IS NULL AND state = 'open' AND extended IS NULL";
}

/// A request that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Its name.
    pub request: String,
    /// The account of the person.
    pub account: i64,
    /// Under which right, and about what.
    pub asked: String,
    /// When the answer is due, RFC 3339.
    pub due_at: String,
    /// The deadline has passed.
    pub overdue: bool,
}

/// What is decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was asked for was done.
    Done,
    /// It is not done; the person is told where to complain.
    Refused,
    /// It takes two months more (GDPR, article 12), once and in time only.
    Extended(Extension),
}

impl Answer {
    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Answer::Done => "done",
            Answer::Refused => "refused",
            Answer::Extended(reason) => reason.word(),
        }
    }

    /// Of a stable word.
    pub fn from_word(word: &str) -> Option<Answer> {
        match word {
            "done" => Some(Answer::Done),
            "refused" => Some(Answer::Refused),
            other => Extension::from_word(other).map(Answer::Extended),
        }
    }
}

/// The requests that wait, the most urgent first.
///
/// # Errors
/// [`SqlError`] when the Service's records cannot be read.
pub async fn waiting_requests(records: &Address) -> Result<Vec<WaitingRequest>, SqlError> {
    let database = Database::open_read_only(records, &SERVICE_RECORDS).await?;
    let rows = database.fetch_all(WAITING).await;
    database.close().await;
    rows?.iter().map(waiting).collect()
}

fn waiting(row: &Row) -> Result<WaitingRequest, SqlError> {
    Ok(WaitingRequest {
        request: row.get("request")?,
        account: row.get("account")?,
        asked: format!("{}: {}", row.get::<String>("what")?, row.get::<String>("matter")?),
        due_at: text(row.get("due_us")?),
        overdue: RequestState::from_word(&row.get::<String>("state")?) == Some(RequestState::Overdue),
    })
}

/// Writes down what was decided; false when no such request waits, or its deadline can no longer be extended.
///
/// # Errors
/// [`SqlError`] when the Service's records cannot be written.
pub async fn answer_request(records: &Address, request: &str, answer: Answer) -> Result<bool, SqlError> {
    let database = Database::open(records, &SERVICE_RECORDS).await?;
    let decide = match answer {
        Answer::Extended(_) => EXTEND,
        Answer::Done | Answer::Refused => DECIDE,
    };
    let decided = database.execute(decide.bind(request).bind(answer.word())).await;
    database.close().await;
    Ok(decided? > 0)
}
