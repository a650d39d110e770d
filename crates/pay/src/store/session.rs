//! Checkout sessions and the idempotency keys that made them.

use super::{StoreError, parse_word, word};
use ensoex_pay_api::{
    CheckoutSession, CheckoutSessionStatus, CreateCheckoutSession, Currency, Documents, Locale, Mode,
    PayoutCards,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// A checkout session as stored.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) mode: Mode,
    pub(crate) status: CheckoutSessionStatus,
    /// The payment or payout.
    pub(crate) object_id: String,
    pub(crate) client_reference: String,
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: String,
    pub(crate) payout_cards: PayoutCards,
    pub(crate) success_url: String,
    pub(crate) cancel_url: String,
    pub(crate) locale: Locale,
    /// The Service's Terms and Policy; empty for a session from before these were told.
    pub(crate) documents: Documents,
    /// Makes a form work once.
    pub(crate) form_token: String,
    pub(crate) attempts: i64,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
}

impl Session {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            mode: parse_word("checkout_session.mode", row.try_get("mode")?)?,
            status: parse_word("checkout_session.status", row.try_get("status")?)?,
            object_id: row.try_get("object_id")?,
            client_reference: row.try_get("client_reference")?,
            amount: row.try_get("amount")?,
            currency: parse_word("checkout_session.currency", row.try_get("currency")?)?,
            customer: row.try_get("customer")?,
            payout_cards: parse_word("checkout_session.payout_cards", row.try_get("payout_cards")?)?,
            success_url: row.try_get("success_url")?,
            cancel_url: row.try_get("cancel_url")?,
            locale: parse_word("checkout_session.locale", row.try_get("locale")?)?,
            documents: Documents {
                version: row.try_get("documents_version")?,
                url: row.try_get("documents_url")?,
            },
            form_token: row.try_get("form_token")?,
            attempts: row.try_get("attempts")?,
            created: row.try_get("created")?,
            expires_at: row.try_get("expires_at")?,
        })
    }

    /// The session as the API answers it.
    pub(crate) fn to_api(&self, public_url: &str) -> Result<CheckoutSession, StoreError> {
        let object = &self.object_id;
        let payment = (self.mode == Mode::Payment).then(|| parse_word("checkout_session.object_id", object));
        let payout = (self.mode == Mode::Payout).then(|| parse_word("checkout_session.object_id", object));
        Ok(CheckoutSession {
            id: parse_word("checkout_session.id", &self.id)?,
            url: format!("{public_url}/pay/{}", self.id),
            status: self.status,
            mode: self.mode,
            payment: payment.transpose()?,
            payout: payout.transpose()?,
            client_reference: parse_word("checkout_session.client_reference", &self.client_reference)?,
            amount: self.amount,
            currency: self.currency,
            expires_at: self.expires_at,
            created: self.created,
        })
    }

    /// Whether the page takes input at `now`.
    pub(crate) fn takes_input(&self, now: i64) -> bool {
        self.status == CheckoutSessionStatus::Open && now < self.expires_at
    }
}

/// A session by its identifier.
pub(crate) async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query("SELECT * FROM checkout_session WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(Session::from_row).transpose()
}

/// A session that must be there, since another row names it.
pub(crate) async fn get(connection: &mut SqliteConnection, id: &str) -> Result<Session, StoreError> {
    find(connection, id).await?.ok_or(StoreError::Missing {
        table: "checkout_session",
    })
}

/// Whether a client reference has been used for this mode.
pub(crate) async fn reference_is_taken(
    connection: &mut SqliteConnection,
    mode: Mode,
    client_reference: &str,
) -> Result<bool, StoreError> {
    let taken = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM checkout_session WHERE mode = $1 AND client_reference = $2)",
    )
    .bind(mode.name())
    .bind(client_reference)
    .fetch_one(connection)
    .await?;
    Ok(taken)
}

/// The documents that were told with the newest session; `None` before the first.
pub(crate) async fn newest_documents(
    connection: &mut SqliteConnection,
) -> Result<Option<Documents>, StoreError> {
    let row = sqlx::query(
        "SELECT documents_version, documents_url FROM checkout_session WHERE documents_version <> ''
         ORDER BY rowid DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Documents {
            version: row.try_get("documents_version")?,
            url: row.try_get("documents_url")?,
        })
    })
    .transpose()
}

/// Inserts a new, open session.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    id: &str,
    object_id: &str,
    request: &CreateCheckoutSession,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO checkout_session (id, mode, status, object_id, client_reference, amount, currency, customer,
            success_url, cancel_url, locale, form_token, created, expires_at, documents_version, documents_url,
            payout_cards)
         VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(id)
    .bind(request.mode.name())
    .bind(object_id)
    .bind(request.client_reference.as_str())
    .bind(request.amount)
    .bind(request.currency.code())
    .bind(request.customer.as_str())
    .bind(&request.success_url)
    .bind(&request.cancel_url)
    .bind(request.locale.tag())
    .bind(crate::random::token())
    .bind(now)
    .bind(expires_at)
    .bind(&request.documents.version)
    .bind(&request.documents.url)
    .bind(request.payout_cards.name())
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes an open session. A session closes once.
pub(crate) async fn close(
    connection: &mut SqliteConnection,
    id: &str,
    status: CheckoutSessionStatus,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE checkout_session SET status = $2 WHERE id = $1 AND status = 'open'")
        .bind(id)
        .bind(word(&status)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Uses the form up: counts the attempt and replaces the token. False if the token is not the current one.
pub(crate) async fn use_form(
    connection: &mut SqliteConnection,
    id: &str,
    form_token: &str,
) -> Result<bool, StoreError> {
    let used = sqlx::query(
        "UPDATE checkout_session SET form_token = $3, attempts = attempts + 1
         WHERE id = $1 AND form_token = $2 AND status = 'open'",
    )
    .bind(id)
    .bind(form_token)
    .bind(crate::random::token())
    .execute(connection)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Open sessions whose time is over and that wait for no network.
pub(crate) async fn due_to_expire(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let ids = sqlx::query_scalar(
        "SELECT id FROM checkout_session s WHERE status = 'open' AND expires_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM attempt a WHERE a.session_id = s.id
                AND a.state IN ('created', 'submitted', 'authorized', 'reversing'))
         ORDER BY expires_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// What an idempotency key made before: the body's hash and the session.
pub(crate) async fn find_key(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let row = sqlx::query_as("SELECT body_hash, session_id FROM idempotency_key WHERE key = $1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    Ok(row)
}

/// Remembers what a key made.
pub(crate) async fn insert_key(
    connection: &mut SqliteConnection,
    key: &str,
    body_hash: &[u8],
    session_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO idempotency_key (key, body_hash, session_id, created) VALUES ($1, $2, $3, $4)")
        .bind(key)
        .bind(body_hash)
        .bind(session_id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
