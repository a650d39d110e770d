//! Instruments: sealed cards. What is inside, this module does not know.

use super::StoreError;
use crate::vault::SealedCard;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Most remembered cards that a person is shown.
const REMEMBERED_SHOWN_MAX: i64 = 5;

/// A sealed card.
pub(crate) struct Instrument {
    pub(crate) id: String,
    pub(crate) sealed: SealedCard,
}

impl Instrument {
    fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            sealed: SealedCard {
                key_version: row.try_get("key_version")?,
                wrapped_key: row.try_get("wrapped_key")?,
                sealed_card: row.try_get("sealed_card")?,
            },
        })
    }
}

/// The random name of a card's keyed hash; made when the card is new.
pub(crate) async fn card_group(
    connection: &mut SqliteConnection,
    key_version: i64,
    card_hash: &[u8; 32],
) -> Result<String, StoreError> {
    sqlx::query(
        "INSERT INTO card_group (id, key_version, card_hash) VALUES ($1, $2, $3)
         ON CONFLICT (key_version, card_hash) DO NOTHING",
    )
    .bind(crate::random::identifier("grp_"))
    .bind(key_version)
    .bind(card_hash.as_slice())
    .execute(&mut *connection)
    .await?;
    let id = sqlx::query_scalar("SELECT id FROM card_group WHERE key_version = $1 AND card_hash = $2")
        .bind(key_version)
        .bind(card_hash.as_slice())
        .fetch_one(connection)
        .await?;
    Ok(id)
}

/// Inserts a sealed card that is not remembered yet.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    id: &str,
    customer: &str,
    card_group: &str,
    sealed: &SealedCard,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO instrument (id, customer, card_group, key_version, wrapped_key, sealed_card, created, used)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(id)
    .bind(customer)
    .bind(card_group)
    .bind(sealed.key_version)
    .bind(&sealed.wrapped_key)
    .bind(&sealed.sealed_card)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// An instrument by its identifier, whoever's it is.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<Instrument>, StoreError> {
    let row = sqlx::query("SELECT * FROM instrument WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(Instrument::from_row).transpose()
}

/// A remembered instrument of this customer and no other.
pub(crate) async fn find_remembered(
    connection: &mut SqliteConnection,
    id: &str,
    customer: &str,
) -> Result<Option<Instrument>, StoreError> {
    let row = sqlx::query("SELECT * FROM instrument WHERE id = $1 AND customer = $2 AND remembered = 1")
        .bind(id)
        .bind(customer)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(Instrument::from_row).transpose()
}

/// The customer's remembered cards, the last used first.
pub(crate) async fn remembered(
    connection: &mut SqliteConnection,
    customer: &str,
) -> Result<Vec<Instrument>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM instrument WHERE customer = $1 AND remembered = 1 ORDER BY used DESC, id LIMIT $2",
    )
    .bind(customer)
    .bind(REMEMBERED_SHOWN_MAX)
    .fetch_all(connection)
    .await?;
    rows.iter().map(Instrument::from_row).collect()
}

/// The attempt succeeded with this card: remember it if asked to, once for each card.
pub(crate) async fn remember(
    connection: &mut SqliteConnection,
    id: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE instrument SET remembered = 1, used = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM instrument WHERE remembered = 1 AND id <> $1
            AND (customer, card_group) IN (SELECT customer, card_group FROM instrument WHERE id = $1)",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a card that was only kept for its attempt.
pub(crate) async fn forget_unless_remembered(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM instrument WHERE id = $1 AND remembered = 0")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets a remembered card of this customer.
pub(crate) async fn forget(
    connection: &mut SqliteConnection,
    id: &str,
    customer: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM instrument WHERE id = $1 AND customer = $2 AND remembered = 1 AND NOT EXISTS
            (SELECT 1 FROM attempt WHERE instrument_id = $1
                AND state IN ('created', 'challenged', 'submitted', 'authorized', 'reversing'))",
    )
    .bind(id)
    .bind(customer)
    .execute(connection)
    .await?;
    Ok(())
}

/// The text by which the key-encryption key is known again.
pub(crate) async fn key_check(
    connection: &mut SqliteConnection,
    key_version: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed = sqlx::query_scalar("SELECT sealed FROM key_check WHERE key_version = $1")
        .bind(key_version)
        .fetch_optional(connection)
        .await?;
    Ok(sealed)
}

/// Keeps the text by which the key-encryption key is known again.
pub(crate) async fn insert_key_check(
    connection: &mut SqliteConnection,
    key_version: i64,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO key_check (key_version, sealed) VALUES ($1, $2)")
        .bind(key_version)
        .bind(sealed)
        .execute(connection)
        .await?;
    Ok(())
}
