//! The statements of [`History`]'s queries.

use super::rows::{
    StoredList, entry_row, list_row, order_row, prevented_match_row, public_trade_row, trade_row,
};
use super::{
    Cursor, EntryRow, History, HistoryError, ListFilter, ListRow, OrderFilter, OrderRow,
    PreventedMatchFilter, PreventedMatchRow, ROWS_MAX, TradeFilter, TradeRow,
};
use crate::market_data::PublicTrade;
use crate::projection::integer;
use ensoex_engine::OrderRef;
use ensoex_types::{AccountId, AssetId, MarketId, TradeId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::BTreeMap;

impl History {
    /// One order of an account, by id, or the newest with that client order id.
    ///
    /// # Errors
    /// [`HistoryError`] when it cannot be read.
    pub async fn order(
        &self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
    ) -> Result<Option<OrderRow>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM orders WHERE account = ");
        query
            .push_bind(i64::from(account.0))
            .push(" AND market = ")
            .push_bind(i64::from(market.0));
        match order {
            OrderRef::Id(order) => query.push(" AND order_id = ").push_bind(integer(order.0)),
            OrderRef::Client(client) => query
                .push(" AND client_order_id = ")
                .push_bind(client.as_str().to_owned()),
        };
        query.push(" ORDER BY order_id DESC LIMIT 1");
        Ok(self.rows(query, order_row).await?.pop())
    }

    /// Orders of an account.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn orders(&self, filter: OrderFilter) -> Result<Vec<OrderRow>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM orders WHERE account = ");
        query.push_bind(i64::from(filter.account.0));
        if let Some(market) = filter.market {
            query.push(" AND market = ").push_bind(i64::from(market.0));
        }
        if let Some(open) = filter.open_only {
            query.push(if open {
                " AND status IN ('NEW', 'PARTIALLY_FILLED')"
            } else {
                " AND status NOT IN ('NEW', 'PARTIALLY_FILLED')"
            });
        }
        bound(&mut query, "order_id >= ", filter.from_order.map(|order| order.0));
        before(&mut query, "created_us", "order_id", filter.before);
        bound(&mut query, "created_us >= ", filter.start_ms.map(micros));
        bound(
            &mut query,
            "created_us < ",
            filter.end_ms.map(|end| micros(end.saturating_add(1))),
        );
        let from_start = filter.from_order.is_some() || filter.start_ms.is_some();
        query.push(if from_start {
            " ORDER BY created_us, market, order_id"
        } else {
            " ORDER BY created_us DESC, market DESC, order_id DESC"
        });
        query
            .push(" LIMIT ")
            .push_bind(i64::from(filter.limit.min(ROWS_MAX)));
        let mut rows = self.rows(query, order_row).await?;
        if from_start == filter.newest_first {
            rows.reverse();
        }
        Ok(rows)
    }

    /// An account's sides of trades.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn trades_of(&self, filter: TradeFilter) -> Result<Vec<TradeRow>, HistoryError> {
        self.caught_up().await?;
        let from_start = filter.from_trade.is_some() || filter.start_ms.is_some();
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM (");
        for (index, role) in ["maker", "taker"].into_iter().enumerate() {
            if index > 0 {
                query.push(" UNION ALL ");
            }
            query.push(format!(
                "SELECT market, trade_id, {role}_order AS order_id, {role}_fee AS fee, '{role}' AS role, price,
                 quantity, quote, taker_side, at_us FROM trades WHERE {role}_account = "
            ));
            query.push_bind(i64::from(filter.account.0));
            if let Some(market) = filter.market {
                query.push(" AND market = ").push_bind(i64::from(market.0));
            }
        }
        query.push(") WHERE 1 = 1");
        bound(&mut query, "order_id = ", filter.order.map(|order| order.0));
        bound(&mut query, "trade_id >= ", filter.from_trade.map(|trade| trade.0));
        before(&mut query, "at_us", "trade_id", filter.before);
        bound(&mut query, "at_us >= ", filter.start_ms.map(micros));
        bound(
            &mut query,
            "at_us < ",
            filter.end_ms.map(|end| micros(end.saturating_add(1))),
        );
        query.push(if from_start {
            " ORDER BY at_us, market, trade_id"
        } else {
            " ORDER BY at_us DESC, market DESC, trade_id DESC"
        });
        query
            .push(" LIMIT ")
            .push_bind(i64::from(filter.limit.min(ROWS_MAX)));
        let mut rows = self.rows(query, trade_row).await?;
        if from_start == filter.newest_first {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Trades of a market, oldest first: from a trade or time on, or the newest without either.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn public_trades(
        &self,
        market: MarketId,
        from_trade: Option<TradeId>,
        start_ms: Option<u64>,
        end_ms: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PublicTrade>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM trades WHERE market = ");
        query.push_bind(i64::from(market.0));
        bound(&mut query, "trade_id >= ", from_trade.map(|trade| trade.0));
        bound(&mut query, "at_us >= ", start_ms.map(micros));
        bound(
            &mut query,
            "at_us < ",
            end_ms.map(|end| micros(end.saturating_add(1))),
        );
        let from_start = from_trade.is_some() || start_ms.is_some();
        query.push(if from_start {
            " ORDER BY trade_id"
        } else {
            " ORDER BY trade_id DESC"
        });
        query.push(" LIMIT ").push_bind(i64::from(limit.min(ROWS_MAX)));
        let mut rows = self.rows(query, public_trade_row).await?;
        if !from_start {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Ledger entries of an account, newest first, before `before` if given.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn entries(
        &self,
        account: AccountId,
        asset: Option<AssetId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<EntryRow>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM entries WHERE account = ");
        query.push_bind(i64::from(account.0));
        if let Some(asset) = asset {
            query.push(" AND asset = ").push_bind(i64::from(asset.0));
        }
        if let Some(before) = before {
            // Entries and sequences increase together; the index goes by the sequence.
            query
                .push(" AND entry < ")
                .push_bind(before)
                .push(" AND sequence <= COALESCE((SELECT sequence FROM entries WHERE entry = ")
                .push_bind(before)
                .push("), 9223372036854775807)");
        }
        query
            .push(" ORDER BY sequence DESC, entry DESC LIMIT ")
            .push_bind(i64::from(limit.min(ROWS_MAX)));
        self.rows(query, entry_row).await
    }

    /// Lists of an account, each with its two orders.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn lists(&self, filter: ListFilter) -> Result<Vec<ListRow>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM lists WHERE account = ");
        query.push_bind(i64::from(filter.account.0));
        if let Some(market) = filter.market {
            query.push(" AND market = ").push_bind(i64::from(market.0));
        }
        if let Some(name) = filter.list_client_order_id {
            query
                .push(" AND list_client_order_id = ")
                .push_bind(name.as_str().to_owned());
        }
        if let Some(open) = filter.open_only {
            query.push(if open { " AND EXISTS " } else { " AND NOT EXISTS " }).push(
                "(SELECT 1 FROM orders WHERE orders.market = lists.market AND orders.order_id IN (list_id, below_id)
                 AND orders.status IN ('NEW', 'PARTIALLY_FILLED'))",
            );
        }
        bound(&mut query, "list_id = ", filter.list.map(|list| list.0));
        bound(&mut query, "list_id >= ", filter.from_list.map(|list| list.0));
        before(&mut query, "created_us", "list_id", filter.before);
        bound(&mut query, "created_us >= ", filter.start_ms.map(micros));
        bound(
            &mut query,
            "created_us < ",
            filter.end_ms.map(|end| micros(end.saturating_add(1))),
        );
        let from_start = filter.from_list.is_some() || filter.start_ms.is_some();
        query.push(if from_start {
            " ORDER BY created_us, market, list_id"
        } else {
            " ORDER BY created_us DESC, market DESC, list_id DESC"
        });
        query
            .push(" LIMIT ")
            .push_bind(i64::from(filter.limit.min(ROWS_MAX)));
        let mut lists = self.rows(query, list_row).await?;
        if from_start == filter.newest_first {
            lists.reverse();
        }
        self.with_orders(lists).await
    }

    async fn with_orders(&self, lists: Vec<StoredList>) -> Result<Vec<ListRow>, HistoryError> {
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM orders WHERE (market, order_id) IN (");
        let keys = lists
            .iter()
            .flat_map(|list| [(list.market, list.above), (list.market, list.below)]);
        query.push_values(keys, |mut key, (market, order)| {
            key.push_bind(i64::from(market.0)).push_bind(integer(order.0));
        });
        query.push(")");
        let orders = self.rows(query, order_row).await?;
        let orders: BTreeMap<_, _> = orders
            .into_iter()
            .map(|order| ((order.market, order.order), order))
            .collect();
        let order = |market, order| {
            let missing = || sqlx::Error::Decode("an order of a list is missing".into());
            orders.get(&(market, order)).cloned().ok_or_else(missing)
        };
        let complete = lists.into_iter().map(|list| {
            Ok(ListRow {
                list: list.above,
                market: list.market,
                account: list.account,
                list_client_order_id: list.list_client_order_id,
                above: order(list.market, list.above)?,
                below: order(list.market, list.below)?,
                ended_ms: list.ended_ms,
                created_ms: list.cursor.at_us / 1_000,
                cursor: list.cursor,
            })
        });
        complete.collect()
    }

    /// Prevented matches of an account in a market, oldest first.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn prevented_matches(
        &self,
        filter: PreventedMatchFilter,
    ) -> Result<Vec<PreventedMatchRow>, HistoryError> {
        self.caught_up().await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM prevented_matches WHERE account = ");
        query
            .push_bind(i64::from(filter.account.0))
            .push(" AND market = ")
            .push_bind(i64::from(filter.market.0));
        bound(&mut query, "prevented_match_id = ", filter.prevented_match);
        bound(&mut query, "prevented_match_id >= ", filter.from_prevented_match);
        if let Some(order) = filter.order {
            query
                .push(" AND ")
                .push_bind(integer(order.0))
                .push(" IN (maker_order, taker_order)");
        }
        query
            .push(" ORDER BY prevented_match_id LIMIT ")
            .push_bind(i64::from(filter.limit.min(ROWS_MAX)));
        self.rows(query, prevented_match_row).await
    }

    /// The rows of an answer.
    pub(super) async fn rows<T>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        read: fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, HistoryError> {
        let rows = query.build().fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn bound(query: &mut QueryBuilder<Sqlite>, comparison: &'static str, value: Option<u64>) {
    if let Some(value) = value {
        query.push(" AND ").push(comparison).push_bind(integer(value));
    }
}

fn before(query: &mut QueryBuilder<Sqlite>, at: &'static str, id: &'static str, cursor: Option<Cursor>) {
    if let Some(cursor) = cursor {
        query
            .push(" AND (")
            .push(at)
            .push(", market, ")
            .push(id)
            .push(") < (");
        query.push_bind(integer(cursor.at_us)).push(", ");
        query.push_bind(i64::from(cursor.market.0)).push(", ");
        query.push_bind(integer(cursor.id)).push(")");
    }
}

fn micros(millis: u64) -> u64 {
    millis.saturating_mul(1_000)
}
