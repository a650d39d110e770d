//! Payments and payouts: their states, which change by rule only, and the balance transactions.
//!
//! A change bumps the version and appends its event in the same transaction.

use super::{StoreError, event, parse_word, word};
use ensoex_pay_api::{
    Balance, CurrencyBalance, Decline, DeclineClass, DeclineCode, EventObject, EventType, Outcome, Payment,
    PaymentObject, PaymentStatus, Payout, PayoutObject, PayoutStatus,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// The sentence and class of a decline. One sentence for every refusal by an issuer: more would help those who
/// test stolen cards.
pub(crate) fn decline(code: DeclineCode) -> Decline {
    let (decline_class, message) = match code {
        DeclineCode::CardDeclined => (
            DeclineClass::Hard,
            "The bank declined this card. No money was taken.",
        ),
        DeclineCode::InsufficientFunds => (
            DeclineClass::Soft,
            "The bank declined this card. No money was taken.",
        ),
        DeclineCode::AuthenticationFailed => (
            DeclineClass::Soft,
            "The confirmation with the bank did not succeed. No money was taken.",
        ),
        DeclineCode::AttemptsExceeded => (DeclineClass::Fraud, "Too many attempts. No money was taken."),
        DeclineCode::ProcessingError => (
            DeclineClass::Soft,
            "The card network could not process it. No money was taken.",
        ),
    };
    Decline {
        code,
        decline_class,
        message: message.to_owned(),
    }
}

fn parse_decline(column: &'static str, code: Option<&str>) -> Result<Option<Decline>, StoreError> {
    code.map(|code| parse_word(column, code).map(decline)).transpose()
}

fn payment_from_row(row: &SqliteRow) -> Result<Payment, StoreError> {
    Ok(Payment {
        id: parse_word("payment.id", row.try_get("id")?)?,
        object: PaymentObject::Payment,
        version: row.try_get("version")?,
        status: parse_word("payment.status", row.try_get("status")?)?,
        outcome: row
            .try_get::<Option<&str>, _>("outcome")?
            .map(|word| parse_word("payment.outcome", word))
            .transpose()?,
        amount: row.try_get("amount")?,
        amount_refunded: row.try_get("amount_refunded")?,
        currency: parse_word("payment.currency", row.try_get("currency")?)?,
        client_reference: parse_word("payment.client_reference", row.try_get("client_reference")?)?,
        decline: parse_decline("payment.decline_code", row.try_get("decline_code")?)?,
        created: row.try_get("created")?,
    })
}

fn payout_from_row(row: &SqliteRow) -> Result<Payout, StoreError> {
    Ok(Payout {
        id: parse_word("payout.id", row.try_get("id")?)?,
        object: PayoutObject::Payout,
        version: row.try_get("version")?,
        status: parse_word("payout.status", row.try_get("status")?)?,
        outcome: row
            .try_get::<Option<&str>, _>("outcome")?
            .map(|word| parse_word("payout.outcome", word))
            .transpose()?,
        amount: row.try_get("amount")?,
        currency: parse_word("payout.currency", row.try_get("currency")?)?,
        client_reference: parse_word("payout.client_reference", row.try_get("client_reference")?)?,
        decline: parse_decline("payout.decline_code", row.try_get("decline_code")?)?,
        created: row.try_get("created")?,
    })
}

/// Inserts a payment that awaits its card.
pub(crate) async fn insert_payment(
    connection: &mut SqliteConnection,
    id: &str,
    amount: i64,
    currency: &str,
    client_reference: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO payment (id, status, amount, currency, client_reference, created)
         VALUES ($1, 'requires_payment_method', $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(amount)
    .bind(currency)
    .bind(client_reference)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts a payout that awaits its card.
pub(crate) async fn insert_payout(
    connection: &mut SqliteConnection,
    id: &str,
    amount: i64,
    currency: &str,
    client_reference: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO payout (id, status, amount, currency, client_reference, created)
         VALUES ($1, 'created', $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(amount)
    .bind(currency)
    .bind(client_reference)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A payment by its identifier.
pub(crate) async fn find_payment(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Payment>, StoreError> {
    let row = sqlx::query("SELECT * FROM payment WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(payment_from_row).transpose()
}

/// A payment by the Service's reference.
pub(crate) async fn find_payment_by_reference(
    connection: &mut SqliteConnection,
    client_reference: &str,
) -> Result<Option<Payment>, StoreError> {
    let row = sqlx::query("SELECT * FROM payment WHERE client_reference = $1")
        .bind(client_reference)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(payment_from_row).transpose()
}

/// A payout by its identifier.
pub(crate) async fn find_payout(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Payout>, StoreError> {
    let row = sqlx::query("SELECT * FROM payout WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(payout_from_row).transpose()
}

/// A payout by the Service's reference.
pub(crate) async fn find_payout_by_reference(
    connection: &mut SqliteConnection,
    client_reference: &str,
) -> Result<Option<Payout>, StoreError> {
    let row = sqlx::query("SELECT * FROM payout WHERE client_reference = $1")
        .bind(client_reference)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(payout_from_row).transpose()
}

/// What a payment becomes.
pub(crate) struct PaymentChange {
    pub(crate) status: PaymentStatus,
    pub(crate) outcome: Option<Outcome>,
    /// Replaces the last refusal.
    pub(crate) decline: Option<DeclineCode>,
    pub(crate) event: Option<EventType>,
}

impl PaymentChange {
    /// To a status, without refusal and event.
    pub(crate) const fn to(status: PaymentStatus) -> Self {
        Self {
            status,
            outcome: None,
            decline: None,
            event: None,
        }
    }
}

/// Changes a payment, by rule, and appends the event.
pub(crate) async fn change_payment(
    connection: &mut SqliteConnection,
    id: &str,
    change: PaymentChange,
    now: i64,
) -> Result<Payment, StoreError> {
    let before = find_payment(connection, id)
        .await?
        .ok_or(StoreError::Missing { table: "payment" })?;
    if !payment_may_become(before.status, change.status) {
        return Err(StoreError::Transition {
            object: "payment",
            to: word(&change.status)?,
        });
    }
    sqlx::query(
        "UPDATE payment SET version = version + 1, status = $2, outcome = $3, decline_code = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(word(&change.status)?)
    .bind(change.outcome.as_ref().map(word).transpose()?)
    .bind(change.decline.as_ref().map(word).transpose()?)
    .execute(&mut *connection)
    .await?;
    let after = find_payment(connection, id)
        .await?
        .ok_or(StoreError::Missing { table: "payment" })?;
    if let Some(event_type) = change.event {
        event::append(connection, event_type, EventObject::Payment(after.clone()), now).await?;
    }
    Ok(after)
}

/// What a payout becomes.
pub(crate) struct PayoutChange {
    pub(crate) status: PayoutStatus,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) decline: Option<DeclineCode>,
    pub(crate) event: Option<EventType>,
}

/// Changes a payout, by rule, and appends the event.
pub(crate) async fn change_payout(
    connection: &mut SqliteConnection,
    id: &str,
    change: PayoutChange,
    now: i64,
) -> Result<Payout, StoreError> {
    let before = find_payout(connection, id)
        .await?
        .ok_or(StoreError::Missing { table: "payout" })?;
    if !payout_may_become(before.status, change.status) {
        return Err(StoreError::Transition {
            object: "payout",
            to: word(&change.status)?,
        });
    }
    sqlx::query(
        "UPDATE payout SET version = version + 1, status = $2, outcome = $3, decline_code = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(word(&change.status)?)
    .bind(change.outcome.as_ref().map(word).transpose()?)
    .bind(change.decline.as_ref().map(word).transpose()?)
    .execute(&mut *connection)
    .await?;
    let after = find_payout(connection, id)
        .await?
        .ok_or(StoreError::Missing { table: "payout" })?;
    if let Some(event_type) = change.event {
        event::append(connection, event_type, EventObject::Payout(after.clone()), now).await?;
    }
    Ok(after)
}

/// The rule of payments. What was sent to the network leaves only by its answer, an inquiry or a reversal.
pub(crate) const fn payment_may_become(from: PaymentStatus, to: PaymentStatus) -> bool {
    use PaymentStatus::{
        Canceled, Expired, Failed, Processing, RequiresAction, RequiresCapture, RequiresPaymentMethod,
        Succeeded,
    };
    match from {
        RequiresPaymentMethod => matches!(to, Processing | Canceled | Expired | Failed),
        RequiresAction => matches!(
            to,
            Processing | RequiresPaymentMethod | Failed | Canceled | Expired
        ),
        Processing => {
            matches!(
                to,
                Processing | RequiresAction | RequiresCapture | RequiresPaymentMethod | Failed
            )
        }
        RequiresCapture => matches!(to, Succeeded | Processing),
        Succeeded | Failed | Canceled | Expired => false,
    }
}

/// The rule of payouts.
pub(crate) const fn payout_may_become(from: PayoutStatus, to: PayoutStatus) -> bool {
    use PayoutStatus::{Canceled, Created, Expired, Failed, InReview, Paid, Returned, Submitted};
    match from {
        Created => matches!(to, InReview | Submitted | Canceled | Expired),
        InReview => matches!(to, Submitted | Failed),
        Submitted => matches!(to, Submitted | Paid | Failed),
        Paid => matches!(to, Returned),
        Failed | Returned | Canceled | Expired => false,
    }
}

/// Books a move of money. The database refuses a second one for the same object and effect.
pub(crate) async fn insert_balance_transaction(
    connection: &mut SqliteConnection,
    object_id: &str,
    effect: &str,
    currency: &str,
    amount: i64,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO balance_transaction (id, object_id, effect, currency, amount, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(crate::random::identifier("txn_"))
    .bind(object_id)
    .bind(effect)
    .bind(currency)
    .bind(amount)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The sums of all balance transactions.
pub(crate) async fn balance(connection: &mut SqliteConnection) -> Result<Balance, StoreError> {
    let rows = sqlx::query(
        "SELECT currency,
            sum(CASE WHEN effect = 'payment' THEN amount ELSE 0 END) AS paid_in,
            -sum(CASE WHEN effect = 'payout' THEN amount ELSE 0 END) AS paid_out,
            sum(effect = 'payment') AS payments, sum(effect = 'payout') AS payouts
         FROM balance_transaction GROUP BY currency ORDER BY currency",
    )
    .fetch_all(connection)
    .await?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(CurrencyBalance {
            currency: parse_word("balance_transaction.currency", row.try_get("currency")?)?,
            paid_in: row.try_get("paid_in")?,
            paid_out: row.try_get("paid_out")?,
            payments: row.try_get("payments")?,
            payouts: row.try_get("payouts")?,
        });
    }
    Ok(Balance { data })
}
