//! Statements that look at a past sequence. Each is bounded by what the account had at a moment, not by its history.

use super::rows::{account, amount, asset, kind, market, name, optional, unsigned, word};
use super::{History, HistoryError};
use crate::projection::integer;
use crate::span::{LASTING, nodes};
use ensoex_engine::OpenOrder;
use ensoex_sql::{Builder, Query, Row, SqlError};
use ensoex_types::{AccountId, Amount, AssetId, OrderId, Quantity, Sequence, Timestamp};

ensoex_sql::statements! {
    AS_OF;
    STAMP = "SELECT at_us, sequence FROM moments WHERE sequence >= $1 ORDER BY sequence LIMIT 1";
    MOMENT_BEFORE = "SELECT at_us, sequence FROM moments WHERE at_us <= $1 ORDER BY at_us DESC LIMIT 1";
    WAS_OPEN = "SELECT account FROM accounts WHERE account = $1 AND sequence <= $2";
    TOTALS =
        "SELECT listed_assets.asset, COALESCE((SELECT total FROM entries WHERE entries.account = $1
            AND entries.asset = listed_assets.asset AND entries.sequence <= $2
            ORDER BY entries.sequence DESC, entries.entry DESC LIMIT 1), '0') AS total FROM listed_assets
            WHERE listed_assets.sequence <= $2 ORDER BY listed_assets.asset";
    family OPEN_ORDERS = open_order_examples;
    family HOLDS = hold_examples;
}

impl History {
    /// When a command was stamped.
    pub(crate) async fn stamp_of(&self, sequence: Sequence) -> Result<Option<Timestamp>, HistoryError> {
        let moments = self.rows(STAMP.bind(integer(sequence.0)), moment).await?;
        Ok(moments.first().map(|(_, at)| *at))
    }

    /// The last command stamped at or before a time, and its stamp.
    pub(crate) async fn last_before(
        &self,
        time: Timestamp,
    ) -> Result<Option<(Sequence, Timestamp)>, HistoryError> {
        let query = MOMENT_BEFORE.bind(integer(time.0));
        Ok(self.rows(query, moment).await?.pop())
    }

    /// The account had been opened.
    pub(crate) async fn was_open(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<bool, HistoryError> {
        let query = WAS_OPEN.bind(i64::from(account.0)).bind(integer(sequence.0));
        Ok(!self.rows(query, self::account).await?.is_empty())
    }

    /// Orders that were open, oldest first.
    pub(crate) async fn open_orders_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<OpenOrder>, HistoryError> {
        self.rows(open_orders(account, sequence), open_order).await
    }

    /// What was held for transfers to come, each with its asset.
    pub(crate) async fn holds_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<(AssetId, Amount)>, HistoryError> {
        self.rows(holds(account, sequence), |row| {
            Ok((asset(row)?, amount(row, "amount")?))
        })
        .await
    }

    /// Totals of every asset that was listed, by id.
    pub(crate) async fn totals_at(
        &self,
        account: AccountId,
        sequence: Sequence,
    ) -> Result<Vec<(AssetId, Amount)>, HistoryError> {
        let query = TOTALS.bind(i64::from(account.0)).bind(integer(sequence.0));
        self.rows(query, |row| Ok((asset(row)?, amount(row, "total")?)))
            .await
    }
}

fn open_orders(account: AccountId, sequence: Sequence) -> Query {
    let mut query = OPEN_ORDERS.begin(
        "SELECT orders.market, orders.order_id, orders.account, client_order_id, side, kind, time_in_force, price,
         stop_trigger, stop_price, quantity, quote_quantity, created_us, spans.remaining, spans.working,
         spans.other_id AS living_other
         FROM order_spans AS spans JOIN orders ON orders.market = spans.market AND orders.order_id = spans.order_id
         WHERE spans.account = ",
    );
    query.bind(i64::from(account.0));
    lasted(&mut query, " AND spans.node IN (", sequence);
    query.push(" ORDER BY created_us, orders.market, orders.order_id");
    query.build()
}

fn open_order_examples() -> Vec<Query> {
    vec![open_orders(AccountId(1), Sequence(1))]
}

fn holds(account: AccountId, sequence: Sequence) -> Query {
    let mut query = HOLDS.begin("SELECT asset, amount FROM hold_spans WHERE account = ");
    query.bind(i64::from(account.0));
    lasted(&mut query, " AND node IN (", sequence);
    query.build()
}

fn hold_examples() -> Vec<Query> {
    vec![holds(AccountId(1), Sequence(1))]
}

/// Only spans that hold `sequence`; see `span.rs`.
fn lasted(query: &mut Builder, nodes_in: &'static str, sequence: Sequence) {
    query.push(nodes_in).bind(integer(LASTING));
    for node in nodes(sequence) {
        query.push(", ").bind(integer(node));
    }
    query.push(") AND from_sequence <= ").bind(integer(sequence.0));
    query.push(" AND (to_sequence IS NULL OR to_sequence >= ");
    query.bind(integer(sequence.0)).push(")");
}

fn moment(row: &Row) -> Result<(Sequence, Timestamp), SqlError> {
    Ok((
        Sequence(unsigned(row, "sequence")?),
        Timestamp(unsigned(row, "at_us")?),
    ))
}

fn open_order(row: &Row) -> Result<OpenOrder, SqlError> {
    Ok(OpenOrder {
        order: OrderId(unsigned(row, "order_id")?),
        account: account(row)?,
        market: market(row)?,
        side: word(row, "side")?,
        kind: kind(row, Quantity(unsigned(row, "quantity")?))?,
        working: row.flag("working")?,
        other: optional(row, "living_other")?.map(OrderId),
        remaining: Quantity(unsigned(row, "remaining")?),
        client_order_id: name(row, "client_order_id")?,
        at: Timestamp(unsigned(row, "created_us")?),
    })
}
