//! Statements that look at a past sequence. Each is bounded by what the account had at a moment, not by its history.

use super::rows::{account, amount, asset, kind, market, name, optional, unsigned, word};
use super::{History, HistoryError};
use crate::projection::integer;
use crate::span::{LASTING, nodes};
use ensoex_engine::OpenOrder;
use ensoex_types::{AccountId, Amount, AssetId, OrderId, Quantity, Sequence, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

impl History {
    /// When a command was stamped.
    pub(crate) async fn stamp_of(&self, sequence: Sequence) -> Result<Option<Timestamp>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT at_us, sequence FROM moments WHERE sequence >= ");
        query
            .push_bind(integer(sequence.0))
            .push(" ORDER BY sequence LIMIT 1");
        Ok(self.rows(query, moment).await?.pop().map(|(_, at)| at))
    }

    /// The last command stamped at or before a time, and its stamp.
    pub(crate) async fn last_before(
        &self,
        time: Timestamp,
    ) -> Result<Option<(Sequence, Timestamp)>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT at_us, sequence FROM moments WHERE at_us <= ");
        query
            .push_bind(integer(time.0))
            .push(" ORDER BY at_us DESC LIMIT 1");
        Ok(self.rows(query, moment).await?.pop())
    }

    /// The account had been opened.
    pub(crate) async fn was_open(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<bool, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT account FROM accounts WHERE account = ");
        query
            .push_bind(i64::from(account.0))
            .push(" AND sequence <= ")
            .push_bind(integer(sequence.0));
        Ok(!self.rows(query, self::account).await?.is_empty())
    }

    /// Orders that were open, oldest first.
    pub(crate) async fn open_orders_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<OpenOrder>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT orders.market, orders.order_id, orders.account, client_order_id, side, kind, time_in_force, price,
             stop_trigger, stop_price, quantity, quote_quantity, created_us, spans.remaining, spans.working,
             spans.other_id AS living_other
             FROM order_spans AS spans JOIN orders ON orders.market = spans.market AND orders.order_id = spans.order_id
             WHERE spans.account = ",
        );
        query.push_bind(i64::from(account.0));
        lasted(&mut query, "spans", sequence);
        query.push(" ORDER BY created_us, orders.market, orders.order_id");
        self.rows(query, open_order).await
    }

    /// What was held for transfers to come, each with its asset.
    pub(crate) async fn holds_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<(AssetId, Amount)>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT asset, amount FROM hold_spans WHERE account = ");
        query.push_bind(i64::from(account.0));
        lasted(&mut query, "hold_spans", sequence);
        self.rows(query, |row| Ok((asset(row)?, amount(row, "amount")?)))
            .await
    }

    /// Totals of every asset that was listed, by id.
    pub(crate) async fn totals_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<(AssetId, Amount)>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT listed_assets.asset, COALESCE((SELECT total FROM entries WHERE entries.account = ",
        );
        query
            .push_bind(i64::from(account.0))
            .push(" AND entries.asset = listed_assets.asset AND entries.sequence <= ")
            .push_bind(integer(sequence.0))
            .push(
                " ORDER BY entries.sequence DESC, entries.entry DESC LIMIT 1), '0') AS total FROM listed_assets
                 WHERE listed_assets.sequence <= ",
            )
            .push_bind(integer(sequence.0))
            .push(" ORDER BY listed_assets.asset");
        self.rows(query, |row| Ok((asset(row)?, amount(row, "total")?)))
            .await
    }
}

/// Only spans that hold `sequence`; see `span.rs`.
fn lasted(query: &mut QueryBuilder<Sqlite>, table: &'static str, sequence: Sequence) {
    query.push(" AND ").push(table).push(".node IN (");
    let mut list = query.separated(", ");
    list.push_bind(integer(LASTING));
    for node in nodes(sequence) {
        list.push_bind(integer(node));
    }
    query
        .push(") AND from_sequence <= ")
        .push_bind(integer(sequence.0));
    query
        .push(" AND (to_sequence IS NULL OR to_sequence >= ")
        .push_bind(integer(sequence.0))
        .push(")");
}

fn moment(row: &SqliteRow) -> Result<(Sequence, Timestamp), sqlx::Error> {
    Ok((
        Sequence(unsigned(row, "sequence")?),
        Timestamp(unsigned(row, "at_us")?),
    ))
}

fn open_order(row: &SqliteRow) -> Result<OpenOrder, sqlx::Error> {
    Ok(OpenOrder {
        order: OrderId(unsigned(row, "order_id")?),
        account: account(row)?,
        market: market(row)?,
        side: word(row, "side")?,
        kind: kind(row, Quantity(unsigned(row, "quantity")?))?,
        working: row.try_get("working")?,
        other: optional(row, "living_other")?.map(OrderId),
        remaining: Quantity(unsigned(row, "remaining")?),
        client_order_id: name(row, "client_order_id")?,
        at: Timestamp(unsigned(row, "created_us")?),
    })
}
