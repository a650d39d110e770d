//! The issuers' durable ledger: accounts, holds, captures, reversals, original credits.
//!
//! Every operation is one transaction and is idempotent by the identity of the message that began it. Cards are
//! known by a keyed hash; a masked number is kept for people to read.

use crate::currency::Currency;
use ensoex_iso8583::{CardNumber, ResponseCode};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use sqlx::{Row, Sqlite, SqlitePool, Transaction};
use std::collections::BTreeMap;
use thiserror::Error;

/// What a card holds when it is first seen, in minor units.
const OPENING_BALANCE_MINOR: i64 = 1_000_000_000_000;
/// Most movements that `/ledger.json` lists, the newest.
const MOVEMENTS_LISTED_MAX: i64 = 1_000;

/// Why the ledger could not answer.
#[derive(Debug, Error)]
pub(crate) enum LedgerError {
    /// The database failed; nothing was booked.
    #[error("the ledger's database failed")]
    Database(#[from] sqlx::Error),
}

/// The identity of a message, as later messages name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    /// Acquiring institution, without leading zeros.
    pub acquirer: String,
    /// Card acceptor terminal.
    pub terminal: String,
    /// MMDDhhmmss.
    pub transmission_date_time: String,
    /// Six digits.
    pub trace_number: String,
    /// Twelve characters.
    pub retrieval_reference: String,
}

/// What the ledger says of a movement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Decision {
    /// The answer for field 39.
    pub response_code: String,
    /// The answer for field 38, when approved.
    pub approval_code: Option<String>,
    /// One letter: A approved, D declined, C captured, K credited, R reversed.
    pub state: char,
}

/// The issuers' ledger.
#[derive(Clone)]
pub(crate) struct Ledger {
    pool: SqlitePool,
    card_hash_key: [u8; 32],
}

/// A hash of a card number that only this network's key can make.
pub(crate) type CardKey = [u8; 32];

/// An original: what a transaction asks for.
pub(crate) struct Order<'a> {
    /// Who says so.
    pub identity: &'a Identity,
    /// The card.
    pub card: &'a CardNumber,
    /// Whole minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

impl Ledger {
    /// A ledger on a migrated database.
    pub(crate) fn new(pool: SqlitePool, card_hash_key: [u8; 32]) -> Self {
        Self { pool, card_hash_key }
    }

    /// The database, for the other tables of the same file.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// The key under which a card is known here.
    pub(crate) fn card_key(&self, card: &CardNumber) -> CardKey {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.card_hash_key) else {
            unreachable!()
        };
        mac.update(card.digits());
        mac.finalize().into_bytes().into()
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, LedgerError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Authorises an amount and holds it, or records the refusal that `verdict` asks for.
    pub(crate) async fn authorize(
        &self,
        order: Order<'_>,
        verdict: ResponseCode,
        now: i64,
    ) -> Result<Decision, LedgerError> {
        let mut transaction = self.begin().await?;
        if let Some(known) = find(&mut transaction, order.identity).await? {
            return Ok(known.repeated());
        }
        let account = self.account(&mut transaction, order.card, order.currency).await?;
        let held = verdict == ResponseCode::APPROVED
            && sqlx::query("UPDATE account SET held = held + $2 WHERE id = $1 AND held + $2 <= balance")
                .bind(account)
                .bind(order.amount)
                .execute(&mut *transaction)
                .await?
                .rows_affected()
                == 1;
        let decision = match (held, verdict) {
            (true, _) => Decision::approved('A'),
            (false, ResponseCode::APPROVED) => Decision::refused(ResponseCode::INSUFFICIENT_FUNDS),
            (false, refusal) => Decision::refused(refusal),
        };
        insert(&mut transaction, "authorization", &order, account, &decision, now).await?;
        transaction.commit().await?;
        Ok(decision)
    }

    /// Credits a card from the acquirer, or records the refusal that `verdict` asks for.
    pub(crate) async fn credit(
        &self,
        order: Order<'_>,
        verdict: ResponseCode,
        now: i64,
    ) -> Result<Decision, LedgerError> {
        let mut transaction = self.begin().await?;
        if let Some(known) = find(&mut transaction, order.identity).await? {
            return Ok(known.repeated());
        }
        let account = self.account(&mut transaction, order.card, order.currency).await?;
        let approved = verdict == ResponseCode::APPROVED;
        let decision = if approved {
            Decision::approved('K')
        } else {
            Decision::refused(verdict)
        };
        let movement = insert(
            &mut transaction,
            "original_credit",
            &order,
            account,
            &decision,
            now,
        )
        .await?;
        if approved {
            sqlx::query("UPDATE account SET balance = balance + $2 WHERE id = $1")
                .bind(account)
                .bind(order.amount)
                .execute(&mut *transaction)
                .await?;
            let acquirer = &order.identity.acquirer;
            post(
                &mut transaction,
                movement,
                account,
                acquirer,
                order.currency.code(),
                order.amount,
            )
            .await?;
        }
        transaction.commit().await?;
        Ok(decision)
    }

    /// Takes the whole of an authorised amount. Taken before: approved again, nothing booked.
    pub(crate) async fn capture(
        &self,
        original: &Identity,
        amount: i64,
    ) -> Result<ResponseCode, LedgerError> {
        let mut transaction = self.begin().await?;
        let Some(known) = find(&mut transaction, original).await? else {
            return Ok(ResponseCode::RECORD_NOT_FOUND);
        };
        if known.kind != "authorization" || known.amount != amount {
            return Ok(ResponseCode::INVALID_AMOUNT);
        }
        match (known.state, known.account) {
            ('C', _) => Ok(ResponseCode::APPROVED),
            ('A', Some(account)) => {
                sqlx::query("UPDATE account SET balance = balance - $2, held = held - $2 WHERE id = $1")
                    .bind(account)
                    .bind(amount)
                    .execute(&mut *transaction)
                    .await?;
                set_state(&mut transaction, known.id, "captured").await?;
                let currency = known.currency.as_deref().unwrap_or("");
                post(
                    &mut transaction,
                    known.id,
                    account,
                    &original.acquirer,
                    currency,
                    -amount,
                )
                .await?;
                transaction.commit().await?;
                Ok(ResponseCode::APPROVED)
            }
            _ => Ok(ResponseCode::NO_ACTION_TAKEN),
        }
    }

    /// Undoes an authorisation. Undone before, or declined: approved, nothing booked. Money that has moved is not
    /// undone. An original never seen is remembered as reversed, so that it is refused should it still arrive.
    pub(crate) async fn reverse(&self, original: &Identity, now: i64) -> Result<ResponseCode, LedgerError> {
        let mut transaction = self.begin().await?;
        let code = match find(&mut transaction, original).await? {
            None => {
                insert_tombstone(&mut transaction, original, now).await?;
                ResponseCode::APPROVED
            }
            Some(known) => match (known.state, known.account) {
                ('A', Some(account)) => {
                    sqlx::query("UPDATE account SET held = held - $2 WHERE id = $1")
                        .bind(account)
                        .bind(known.amount)
                        .execute(&mut *transaction)
                        .await?;
                    set_state(&mut transaction, known.id, "reversed").await?;
                    ResponseCode::APPROVED
                }
                ('R' | 'D', _) => ResponseCode::APPROVED,
                _ => ResponseCode::NO_ACTION_TAKEN,
            },
        };
        transaction.commit().await?;
        Ok(code)
    }

    /// What became of a message; none if it was never seen.
    pub(crate) async fn inquire(&self, original: &Identity) -> Result<Option<Decision>, LedgerError> {
        let mut transaction = self.begin().await?;
        let known = find(&mut transaction, original).await?;
        Ok(known.map(|known| known.decision()))
    }

    async fn account(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        card: &CardNumber,
        currency: Currency,
    ) -> Result<i64, LedgerError> {
        let key = self.card_key(card);
        sqlx::query(
            "INSERT INTO account (card_key, masked_number, currency, balance) VALUES ($1, $2, $3, $4)
             ON CONFLICT (card_key, currency) DO NOTHING",
        )
        .bind(key.as_slice())
        .bind(masked(card))
        .bind(currency.code())
        .bind(OPENING_BALANCE_MINOR)
        .execute(&mut **transaction)
        .await?;
        let id = sqlx::query_scalar("SELECT id FROM account WHERE card_key = $1 AND currency = $2")
            .bind(key.as_slice())
            .bind(currency.code())
            .fetch_one(&mut **transaction)
            .await?;
        Ok(id)
    }

    /// Totals and movements, for people and for reconciliation. Masked.
    pub(crate) async fn statement(&self) -> Result<Statement, LedgerError> {
        let mut transaction = self.begin().await?;
        let mut currencies = BTreeMap::new();
        let rows = sqlx::query(
            "SELECT currency,
                sum(CASE WHEN state IN ('approved', 'captured') THEN amount ELSE 0 END) AS authorized,
                sum(CASE WHEN state = 'captured' THEN amount ELSE 0 END) AS captured,
                sum(CASE WHEN state = 'credited' THEN amount ELSE 0 END) AS credited,
                sum(CASE WHEN state = 'reversed' THEN amount ELSE 0 END) AS reversed,
                sum(state = 'captured') AS captures, sum(state = 'credited') AS credits
             FROM movement WHERE currency IS NOT NULL GROUP BY currency",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for row in rows {
            let totals = Totals {
                authorized: row.try_get("authorized")?,
                captured: row.try_get("captured")?,
                credited: row.try_get("credited")?,
                reversed: row.try_get("reversed")?,
                captures: row.try_get("captures")?,
                credits: row.try_get("credits")?,
                postings_sum: 0,
            };
            currencies.insert(row.try_get::<String, _>("currency")?, totals);
        }
        let sums = sqlx::query("SELECT currency, sum(amount) AS total FROM posting GROUP BY currency")
            .fetch_all(&mut *transaction)
            .await?;
        for row in sums {
            if let Some(totals) = currencies.get_mut(row.try_get::<&str, _>("currency")?) {
                totals.postings_sum = row.try_get("total")?;
            }
        }
        let rows = sqlx::query(
            "SELECT m.retrieval_reference, m.kind, m.state, m.amount, m.currency, m.response_code,
                a.masked_number, m.created
             FROM movement m LEFT JOIN account a ON a.id = m.account ORDER BY m.id DESC LIMIT $1",
        )
        .bind(MOVEMENTS_LISTED_MAX)
        .fetch_all(&mut *transaction)
        .await?;
        let movements = rows
            .into_iter()
            .map(|row| {
                Ok(Movement {
                    retrieval_reference: row.try_get("retrieval_reference")?,
                    kind: row.try_get("kind")?,
                    state: row.try_get("state")?,
                    amount: row.try_get("amount")?,
                    currency: row.try_get("currency")?,
                    response_code: row.try_get("response_code")?,
                    card: row.try_get("masked_number")?,
                    created: row.try_get("created")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?;
        Ok(Statement {
            currencies,
            movements,
        })
    }
}

/// The answer of `GET /ledger.json`.
#[derive(Serialize)]
pub(crate) struct Statement {
    currencies: BTreeMap<String, Totals>,
    movements: Vec<Movement>,
}

#[derive(Serialize)]
struct Totals {
    /// Approved and not reversed, captured or not.
    authorized: i64,
    captured: i64,
    credited: i64,
    reversed: i64,
    captures: i64,
    credits: i64,
    /// Always zero: every posting has its counterpart.
    postings_sum: i64,
}

#[derive(Serialize)]
struct Movement {
    retrieval_reference: String,
    kind: String,
    state: String,
    amount: i64,
    currency: Option<String>,
    response_code: String,
    card: Option<String>,
    created: i64,
}

struct Known {
    id: i64,
    kind: String,
    account: Option<i64>,
    currency: Option<String>,
    amount: i64,
    state: char,
    response_code: String,
    approval_code: Option<String>,
}

impl Known {
    fn decision(self) -> Decision {
        Decision {
            response_code: self.response_code,
            approval_code: self.approval_code,
            state: self.state,
        }
    }

    /// The answer to the same message again: what it was, unless it has been undone since.
    fn repeated(self) -> Decision {
        if self.state == 'R' {
            Decision::refused(ResponseCode::DUPLICATE)
        } else {
            self.decision()
        }
    }
}

impl Decision {
    fn approved(state: char) -> Self {
        let code = crate::random::digits::<6>();
        Self {
            response_code: "00".into(),
            approval_code: Some(code),
            state,
        }
    }

    fn refused(code: ResponseCode) -> Self {
        Self {
            response_code: code.as_str().into(),
            approval_code: None,
            state: 'D',
        }
    }
}

async fn find(
    transaction: &mut Transaction<'static, Sqlite>,
    identity: &Identity,
) -> Result<Option<Known>, LedgerError> {
    let row = sqlx::query(
        "SELECT id, kind, account, currency, amount, state, response_code, approval_code FROM movement
         WHERE acquirer = $1 AND terminal = $2 AND transmission_date_time = $3 AND trace_number = $4
           AND retrieval_reference = $5",
    )
    .bind(&identity.acquirer)
    .bind(&identity.terminal)
    .bind(&identity.transmission_date_time)
    .bind(&identity.trace_number)
    .bind(&identity.retrieval_reference)
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Known {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        account: row.try_get("account")?,
        currency: row.try_get("currency")?,
        amount: row.try_get("amount")?,
        state: state_letter(row.try_get("state")?),
        response_code: row.try_get("response_code")?,
        approval_code: row.try_get("approval_code")?,
    }))
}

fn state_letter(state: &str) -> char {
    match state {
        "approved" => 'A',
        "captured" => 'C',
        "credited" => 'K',
        "reversed" => 'R',
        _ => 'D',
    }
}

async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    kind: &str,
    order: &Order<'_>,
    account: i64,
    decision: &Decision,
    now: i64,
) -> Result<i64, LedgerError> {
    let state = match decision.state {
        'A' => "approved",
        'K' => "credited",
        _ => "declined",
    };
    let id = sqlx::query_scalar(
        "INSERT INTO movement (kind, acquirer, terminal, transmission_date_time, trace_number,
            retrieval_reference, account, currency, amount, state, response_code, approval_code, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
    )
    .bind(kind)
    .bind(&order.identity.acquirer)
    .bind(&order.identity.terminal)
    .bind(&order.identity.transmission_date_time)
    .bind(&order.identity.trace_number)
    .bind(&order.identity.retrieval_reference)
    .bind(account)
    .bind(order.currency.code())
    .bind(order.amount)
    .bind(state)
    .bind(&decision.response_code)
    .bind(&decision.approval_code)
    .bind(now)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(id)
}

async fn insert_tombstone(
    transaction: &mut Transaction<'static, Sqlite>,
    identity: &Identity,
    now: i64,
) -> Result<(), LedgerError> {
    sqlx::query(
        "INSERT INTO movement (kind, acquirer, terminal, transmission_date_time, trace_number,
            retrieval_reference, amount, state, response_code, created)
         VALUES ('unknown', $1, $2, $3, $4, $5, 0, 'reversed', '94', $6)",
    )
    .bind(&identity.acquirer)
    .bind(&identity.terminal)
    .bind(&identity.transmission_date_time)
    .bind(&identity.trace_number)
    .bind(&identity.retrieval_reference)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn set_state(
    transaction: &mut Transaction<'static, Sqlite>,
    movement: i64,
    state: &str,
) -> Result<(), LedgerError> {
    sqlx::query("UPDATE movement SET state = $2 WHERE id = $1")
        .bind(movement)
        .bind(state)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Books `amount` to the cardholder and its opposite to the acquirer.
async fn post(
    transaction: &mut Transaction<'static, Sqlite>,
    movement: i64,
    account: i64,
    acquirer: &str,
    currency: &str,
    amount: i64,
) -> Result<(), LedgerError> {
    for (account, amount) in [
        (format!("cardholder:{account}"), amount),
        (format!("acquirer:{acquirer}"), -amount),
    ] {
        sqlx::query("INSERT INTO posting (movement, account, currency, amount) VALUES ($1, $2, $3, $4)")
            .bind(movement)
            .bind(account)
            .bind(currency)
            .bind(amount)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// First six and last four digits.
fn masked(card: &CardNumber) -> String {
    let hidden = card.digits().len() - 10;
    format!(
        "{}{}{}",
        card.issuer_prefix(),
        "*".repeat(hidden),
        card.last_four()
    )
}
