//! Attempts: one try to move a session's money with one card.

use super::{StoreError, parse_word, word};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Where an attempt stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttemptState {
    /// The card is accepted by the form; nothing was sent.
    Created,
    /// The person is with their bank.
    Challenged,
    /// Sent, or about to be: the outcome must be learned.
    Submitted,
    /// Approved and held; to be captured.
    Authorized,
    /// The money is taken. Final.
    Captured,
    /// The card is credited. Final.
    Credited,
    /// Refused by the issuer. Final.
    Declined,
    /// Given up before anything was sent. Final.
    Aborted,
    /// To be undone: the network must confirm.
    Reversing,
    /// Undone. Final.
    Reversed,
}

impl AttemptState {
    /// Whether something may be under way at the network.
    pub(crate) const fn is_in_flight(self) -> bool {
        matches!(
            self,
            Self::Created | Self::Submitted | Self::Authorized | Self::Reversing
        )
    }
}

/// An attempt as stored.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) session_id: String,
    pub(crate) state: AttemptState,
    pub(crate) instrument_id: Option<String>,
    pub(crate) remember: bool,
    pub(crate) three_ds_transaction: Option<String>,
    pub(crate) challenge_url: Option<String>,
    /// The message's identity, once there is one.
    pub(crate) reference: Option<NetworkReference>,
    pub(crate) approval_code: Option<String>,
    pub(crate) tries: i64,
}

/// What names a message at the card network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NetworkReference {
    /// 1 to 999,999.
    pub(crate) trace_number: i64,
    /// MMDDhhmmss in UTC.
    pub(crate) transmission_date_time: String,
    /// Twelve characters.
    pub(crate) retrieval_reference: String,
}

impl Attempt {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        let trace_number: Option<i64> = row.try_get("trace_number")?;
        let transmission_date_time: Option<String> = row.try_get("transmission_date_time")?;
        let retrieval_reference: Option<String> = row.try_get("retrieval_reference")?;
        let reference = match (trace_number, transmission_date_time, retrieval_reference) {
            (Some(trace_number), Some(transmission_date_time), Some(retrieval_reference)) => {
                Some(NetworkReference {
                    trace_number,
                    transmission_date_time,
                    retrieval_reference,
                })
            }
            _ => None,
        };
        Ok(Self {
            id: row.try_get("id")?,
            session_id: row.try_get("session_id")?,
            state: parse_word("attempt.state", row.try_get("state")?)?,
            instrument_id: row.try_get("instrument_id")?,
            remember: row.try_get::<i64, _>("remember")? == 1,
            three_ds_transaction: row.try_get("three_ds_transaction")?,
            challenge_url: row.try_get("challenge_url")?,
            reference,
            approval_code: row.try_get("approval_code")?,
            tries: row.try_get("tries")?,
        })
    }
}

/// A new attempt.
pub(crate) struct NewAttempt<'a> {
    pub(crate) id: &'a str,
    pub(crate) session_id: &'a str,
    pub(crate) customer: &'a str,
    pub(crate) card_group: &'a str,
    pub(crate) instrument_id: Option<&'a str>,
    pub(crate) remember: bool,
    pub(crate) three_ds_transaction: Option<&'a str>,
}

/// Inserts an attempt before anything is sent. The database refuses a second open one of the session.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    attempt: &NewAttempt<'_>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO attempt (id, session_id, state, customer, card_group, instrument_id, remember,
            three_ds_transaction, created, updated)
         VALUES ($1, $2, 'created', $3, $4, $5, $6, $7, $8, $8)",
    )
    .bind(attempt.id)
    .bind(attempt.session_id)
    .bind(attempt.customer)
    .bind(attempt.card_group)
    .bind(attempt.instrument_id)
    .bind(i64::from(attempt.remember))
    .bind(attempt.three_ds_transaction)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// An attempt by its identifier.
pub(crate) async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query("SELECT * FROM attempt WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(Attempt::from_row).transpose()
}

/// The session's open attempt.
pub(crate) async fn find_open(
    connection: &mut SqliteConnection,
    session_id: &str,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM attempt WHERE session_id = $1
            AND state IN ('created', 'challenged', 'submitted', 'authorized', 'reversing')",
    )
    .bind(session_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(Attempt::from_row).transpose()
}

/// Moves an attempt from one state to another. False if it is not in the first any more: somebody else was faster,
/// and the caller leaves it to them.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    id: &str,
    from: AttemptState,
    to: AttemptState,
    next_action_at: Option<i64>,
    now: i64,
) -> Result<bool, StoreError> {
    let moved = sqlx::query(
        "UPDATE attempt SET state = $3, next_action_at = $4, updated = $5, tries = 0 WHERE id = $1 AND state = $2",
    )
    .bind(id)
    .bind(word(&from)?)
    .bind(word(&to)?)
    .bind(next_action_at)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Gives the attempt its identity at the network.
pub(crate) async fn set_reference(
    connection: &mut SqliteConnection,
    id: &str,
    reference: &NetworkReference,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempt SET trace_number = $2, transmission_date_time = $3, retrieval_reference = $4
         WHERE id = $1 AND retrieval_reference IS NULL",
    )
    .bind(id)
    .bind(reference.trace_number)
    .bind(&reference.transmission_date_time)
    .bind(&reference.retrieval_reference)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes where the person confirms with their bank, and the sealed card that waits meanwhile.
pub(crate) async fn set_challenge(
    connection: &mut SqliteConnection,
    id: &str,
    challenge_url: &str,
    instrument_id: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempt SET challenge_url = $2, instrument_id = $3 WHERE id = $1")
        .bind(id)
        .bind(challenge_url)
        .bind(instrument_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes the issuer's answer.
pub(crate) async fn set_answer(
    connection: &mut SqliteConnection,
    id: &str,
    response_code: &str,
    approval_code: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempt SET response_code = $2, approval_code = $3 WHERE id = $1")
        .bind(id)
        .bind(response_code)
        .bind(approval_code)
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts a try without an answer, and says when to try again.
pub(crate) async fn postpone(
    connection: &mut SqliteConnection,
    id: &str,
    next_action_at: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempt SET tries = tries + 1, next_action_at = $2 WHERE id = $1")
        .bind(id)
        .bind(next_action_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Attempts that wait for the network and are due.
pub(crate) async fn due(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM attempt WHERE state IN ('submitted', 'authorized', 'reversing') AND next_action_at <= $1
         ORDER BY next_action_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(Attempt::from_row).collect()
}

/// Attempts that were given up by a crash before anything was sent.
pub(crate) async fn abandoned(
    connection: &mut SqliteConnection,
    created_before: i64,
    limit: i64,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query("SELECT * FROM attempt WHERE state = 'created' AND created <= $1 LIMIT $2")
        .bind(created_before)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(Attempt::from_row).collect()
}

/// Makes every attempt that waits for the network due at once.
pub(crate) async fn hurry(connection: &mut SqliteConnection, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempt SET next_action_at = $1 WHERE state IN ('submitted', 'authorized', 'reversing')",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// How many attempts of a customer, and with a card, failed since a time.
pub(crate) async fn failures_since(
    connection: &mut SqliteConnection,
    customer: &str,
    card_group: &str,
    since: i64,
) -> Result<(i64, i64), StoreError> {
    let counts = sqlx::query_as(
        "SELECT
            (SELECT count(*) FROM attempt WHERE customer = $1 AND created >= $3 AND state = 'declined'),
            (SELECT count(*) FROM attempt WHERE card_group = $2 AND created >= $3 AND state = 'declined')",
    )
    .bind(customer)
    .bind(card_group)
    .bind(since)
    .fetch_one(connection)
    .await?;
    Ok(counts)
}

/// What a customer paid from a card in a currency and was not paid out to it, in whole minor units. What is on its way to the card counts as
/// paid out, since it cannot be called back.
pub(crate) async fn paid_and_not_paid_out(
    connection: &mut SqliteConnection,
    customer: &str,
    card_group: &str,
    currency: &str,
) -> Result<i64, StoreError> {
    let net = sqlx::query_scalar(
        "SELECT COALESCE(sum(CASE WHEN s.mode = 'payment' AND a.state = 'captured' THEN s.amount
                WHEN s.mode = 'payout' AND a.state IN ('created', 'submitted', 'authorized', 'credited') THEN -s.amount
                ELSE 0 END), 0)
         FROM attempt a JOIN checkout_session s ON s.id = a.session_id
         WHERE a.customer = $1 AND a.card_group = $2 AND s.currency = $3",
    )
    .bind(customer)
    .bind(card_group)
    .bind(currency)
    .fetch_one(connection)
    .await?;
    Ok(net)
}
