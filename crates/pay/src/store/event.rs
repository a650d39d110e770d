//! Events and their deliveries: the outbox.

use super::{StoreError, word};
use ensoex_pay_api::{Event, EventData, EventId, EventList, EventObject, EventType};
use sqlx::{Row, SqliteConnection};

/// Appends an event, in the transaction of the change that it tells. Its number follows the last one: there is one
/// writer, so numbers are committed in order and without gaps.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    event_type: EventType,
    object: EventObject,
    now: i64,
) -> Result<(), StoreError> {
    let seq: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) + 1 FROM event")
        .fetch_one(&mut *connection)
        .await?;
    let id = crate::random::identifier(EventId::PREFIX);
    let event_id = id.parse().map_err(|_| StoreError::Word { column: "event.id" })?;
    let event = Event {
        id: event_id,
        seq,
        event_type,
        created: now,
        data: EventData { object },
    };
    sqlx::query("INSERT INTO event (seq, id, body, created) VALUES ($1, $2, $3, $4)")
        .bind(seq)
        .bind(id)
        .bind(serde_json::to_string(&event)?)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO delivery (event_seq, next_try_at) VALUES ($1, $2)")
        .bind(seq)
        .bind(now)
        .execute(connection)
        .await?;
    tracing::info!(seq, event = word(&event_type)?, "an event is recorded");
    Ok(())
}

/// Events after a number, ascending.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    after: i64,
    limit: u32,
) -> Result<EventList, StoreError> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(i64::from(limit) + 1)
            .fetch_all(connection)
            .await?;
    let has_more = bodies.len() > limit as usize;
    let data = bodies
        .iter()
        .take(limit as usize)
        .map(|body| serde_json::from_str(body))
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(EventList { data, has_more })
}

/// An event that the Service has not taken yet.
pub(crate) struct Pending {
    pub(crate) seq: i64,
    pub(crate) body: String,
    pub(crate) created: i64,
    pub(crate) tries: i64,
}

/// Deliveries that are due, the oldest first.
pub(crate) async fn due(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<Pending>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.seq, e.body, e.created, d.tries FROM delivery d JOIN event e ON e.seq = d.event_seq
         WHERE d.state = 'pending' AND d.next_try_at <= $1 ORDER BY e.seq LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Pending {
                seq: row.try_get("seq")?,
                body: row.try_get("body")?,
                created: row.try_get("created")?,
                tries: row.try_get("tries")?,
            })
        })
        .collect()
}

/// The Service has taken the event.
pub(crate) async fn delivered(connection: &mut SqliteConnection, seq: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE delivery SET state = 'delivered', tries = tries + 1 WHERE event_seq = $1")
        .bind(seq)
        .execute(connection)
        .await?;
    Ok(())
}

/// The Service has not taken the event: again at `next_try_at`, or never when none.
pub(crate) async fn not_delivered(
    connection: &mut SqliteConnection,
    seq: i64,
    next_try_at: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE delivery SET tries = tries + 1, next_try_at = coalesce($2, next_try_at),
            state = CASE WHEN $2 IS NULL THEN 'abandoned' ELSE 'pending' END
         WHERE event_seq = $1 AND state = 'pending'",
    )
    .bind(seq)
    .bind(next_try_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes every pending delivery due at once.
pub(crate) async fn hurry(connection: &mut SqliteConnection, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE delivery SET next_try_at = $1 WHERE state = 'pending'")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
