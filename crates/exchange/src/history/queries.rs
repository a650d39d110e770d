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
use ensoex_sql::{Builder, Query, Row, SqlError};
use ensoex_types::{AccountId, AssetId, ClientOrderId, MarketId, OrderId, TradeId};
use std::collections::BTreeMap;

ensoex_sql::statements! {
    QUERIES;
    ORDER_BY_ID = "SELECT * FROM orders WHERE account = $1 AND market = $2 AND order_id = $3";
    ORDER_BY_CLIENT_ID =
        "SELECT * FROM orders WHERE account = $1 AND market = $2 AND client_order_id = $3
            ORDER BY order_id DESC LIMIT 1";
    family ORDERS = order_examples;
    family ORDERS_OF = orders_of_examples;
    family SIDES = side_examples;
    family TRADES = trade_examples;
    family ENTRIES = entry_examples;
    family LISTS = list_examples;
    family PREVENTED = prevented_examples;
}

/// Orders that one statement asks for by their keys.
const ORDERS_AT_ONCE: usize = 32;

const MAKERS: &str =
    "SELECT market, trade_id, maker_order AS order_id, maker_fee AS fee, 'maker' AS role, price,
    quantity, quote, taker_side, at_us FROM trades WHERE maker_account = ";
const TAKERS: &str =
    "SELECT market, trade_id, taker_order AS order_id, taker_fee AS fee, 'taker' AS role, price,
    quantity, quote, taker_side, at_us FROM trades WHERE taker_account = ";

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
        let statement = match order {
            OrderRef::Id(_) => ORDER_BY_ID,
            OrderRef::Client(_) => ORDER_BY_CLIENT_ID,
        };
        let query = statement.bind(i64::from(account.0)).bind(i64::from(market.0));
        let query = match order {
            OrderRef::Id(order) => query.bind(integer(order.0)),
            OrderRef::Client(client) => query.bind(client.as_str()),
        };
        Ok(self.rows(query, order_row).await?.pop())
    }

    /// Orders of an account.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn orders(&self, filter: OrderFilter) -> Result<Vec<OrderRow>, HistoryError> {
        self.caught_up().await?;
        let mut rows = self.rows(orders(&filter), order_row).await?;
        if filter.has_start() == filter.newest_first {
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
        let mut rows = self.rows(sides(&filter), trade_row).await?;
        if filter.has_start() == filter.newest_first {
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
        let from_start = from_trade.is_some() || start_ms.is_some();
        let query = trades(market, from_trade, start_ms, end_ms, limit);
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
        self.rows(entries(account, asset, before, limit), entry_row).await
    }

    /// Lists of an account, each with its two orders.
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn lists(&self, filter: ListFilter) -> Result<Vec<ListRow>, HistoryError> {
        self.caught_up().await?;
        let mut lists = self.rows(lists(&filter), list_row).await?;
        if filter.has_start() == filter.newest_first {
            lists.reverse();
        }
        self.with_orders(lists).await
    }

    async fn with_orders(&self, lists: Vec<StoredList>) -> Result<Vec<ListRow>, HistoryError> {
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(MarketId, OrderId)> = lists
            .iter()
            .flat_map(|list| [(list.market, list.above), (list.market, list.below)])
            .collect();
        let mut orders = BTreeMap::new();
        for some in keys.chunks(ORDERS_AT_ONCE) {
            let rows = self.rows(orders_of(some), order_row).await?;
            orders.extend(rows.into_iter().map(|order| ((order.market, order.order), order)));
        }
        let order = |market, order| {
            let missing = || SqlError::malformed("list_id");
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
        self.rows(prevented(&filter), prevented_match_row).await
    }

    /// The rows of an answer.
    pub(super) async fn rows<T>(
        &self,
        query: impl Into<Query>,
        read: fn(&Row) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, HistoryError> {
        let rows = self.database.fetch_all(query).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn orders(filter: &OrderFilter) -> Query {
    let mut query = ORDERS.begin("SELECT * FROM orders WHERE account = ");
    query.bind(i64::from(filter.account.0));
    in_market(&mut query, filter.market);
    if let Some(open) = filter.open_only {
        query.push(if open {
            " AND status IN ('NEW', 'PARTIALLY_FILLED')"
        } else {
            " AND status NOT IN ('NEW', 'PARTIALLY_FILLED')"
        });
    }
    bound(&mut query, "order_id >= ", filter.from_order.map(|order| order.0));
    before(&mut query, "created_us", "order_id", filter.before);
    within(
        &mut query,
        ["created_us >= ", "created_us < "],
        filter.start_ms,
        filter.end_ms,
    );
    let from_start = filter.has_start();
    query.push(if from_start {
        " ORDER BY created_us, market, order_id"
    } else {
        " ORDER BY created_us DESC, market DESC, order_id DESC"
    });
    limited(query, filter.limit)
}

/// Orders by their keys; the last one is asked for again until there are enough.
fn orders_of(keys: &[(MarketId, OrderId)]) -> Query {
    let mut query = ORDERS_OF.begin("SELECT * FROM orders WHERE (market, order_id) IN (");
    let last = keys.last().copied().unwrap_or_default();
    for place in 0..ORDERS_AT_ONCE {
        let (market, order) = keys.get(place).copied().unwrap_or(last);
        query.push(if place == 0 { "(" } else { ", (" });
        query.bind(i64::from(market.0)).push(", ");
        query.bind(integer(order.0)).push(")");
    }
    query.push(")");
    query.build()
}

fn sides(filter: &TradeFilter) -> Query {
    let from_start = filter.has_start();
    let mut query = SIDES.begin("SELECT * FROM (");
    for (index, role) in [MAKERS, TAKERS].into_iter().enumerate() {
        if index > 0 {
            query.push(" UNION ALL ");
        }
        query.push(role).bind(i64::from(filter.account.0));
        in_market(&mut query, filter.market);
    }
    query.push(") AS sides WHERE 1 = 1");
    bound(&mut query, "order_id = ", filter.order.map(|order| order.0));
    bound(&mut query, "trade_id >= ", filter.from_trade.map(|trade| trade.0));
    before(&mut query, "at_us", "trade_id", filter.before);
    within(
        &mut query,
        ["at_us >= ", "at_us < "],
        filter.start_ms,
        filter.end_ms,
    );
    query.push(if from_start {
        " ORDER BY at_us, market, trade_id"
    } else {
        " ORDER BY at_us DESC, market DESC, trade_id DESC"
    });
    limited(query, filter.limit)
}

fn trades(
    market: MarketId,
    from_trade: Option<TradeId>,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
    limit: u32,
) -> Query {
    let mut query = TRADES.begin("SELECT * FROM trades WHERE market = ");
    query.bind(i64::from(market.0));
    bound(&mut query, "trade_id >= ", from_trade.map(|trade| trade.0));
    within(&mut query, ["at_us >= ", "at_us < "], start_ms, end_ms);
    let from_start = from_trade.is_some() || start_ms.is_some();
    query.push(if from_start {
        " ORDER BY trade_id"
    } else {
        " ORDER BY trade_id DESC"
    });
    limited(query, limit)
}

fn entries(account: AccountId, asset: Option<AssetId>, before: Option<i64>, limit: u32) -> Query {
    let mut query = ENTRIES.begin("SELECT * FROM entries WHERE account = ");
    query.bind(i64::from(account.0));
    if let Some(asset) = asset {
        query.push(" AND asset = ").bind(i64::from(asset.0));
    }
    if let Some(before) = before {
        // Entries and sequences increase together; the index goes by the sequence.
        query
            .push(" AND entry < ")
            .bind(before)
            .push(" AND sequence <= COALESCE((SELECT sequence FROM entries WHERE entry = ")
            .bind(before)
            .push("), 9223372036854775807)");
    }
    query
        .push(" ORDER BY sequence DESC, entry DESC LIMIT ")
        .bind(i64::from(limit.min(ROWS_MAX)));
    query.build()
}

fn lists(filter: &ListFilter) -> Query {
    let mut query = LISTS.begin("SELECT * FROM lists WHERE account = ");
    query.bind(i64::from(filter.account.0));
    in_market(&mut query, filter.market);
    if let Some(name) = &filter.list_client_order_id {
        query.push(" AND list_client_order_id = ").bind(name.as_str());
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
    within(
        &mut query,
        ["created_us >= ", "created_us < "],
        filter.start_ms,
        filter.end_ms,
    );
    let from_start = filter.has_start();
    query.push(if from_start {
        " ORDER BY created_us, market, list_id"
    } else {
        " ORDER BY created_us DESC, market DESC, list_id DESC"
    });
    limited(query, filter.limit)
}

fn prevented(filter: &PreventedMatchFilter) -> Query {
    let mut query = PREVENTED.begin("SELECT * FROM prevented_matches WHERE account = ");
    query
        .bind(i64::from(filter.account.0))
        .push(" AND market = ")
        .bind(i64::from(filter.market.0));
    bound(&mut query, "prevented_match_id = ", filter.prevented_match);
    bound(&mut query, "prevented_match_id >= ", filter.from_prevented_match);
    if let Some(order) = filter.order {
        query
            .push(" AND ")
            .bind(integer(order.0))
            .push(" IN (maker_order, taker_order)");
    }
    query
        .push(" ORDER BY prevented_match_id LIMIT ")
        .bind(i64::from(filter.limit.min(ROWS_MAX)));
    query.build()
}

fn in_market(query: &mut Builder, market: Option<MarketId>) {
    if let Some(market) = market {
        query.push(" AND market = ").bind(i64::from(market.0));
    }
}

/// From a millisecond to the end of another; the comparisons name the column.
fn within(query: &mut Builder, [from, until]: [&'static str; 2], start_ms: Option<u64>, end_ms: Option<u64>) {
    bound(query, from, start_ms.map(micros));
    bound(query, until, end_ms.map(|end| micros(end.saturating_add(1))));
}

fn limited(mut query: Builder, limit: u32) -> Query {
    query.push(" LIMIT ").bind(i64::from(limit.min(ROWS_MAX)));
    query.build()
}

fn bound(query: &mut Builder, comparison: &'static str, value: Option<u64>) {
    if let Some(value) = value {
        query.push(" AND ").push(comparison).bind(integer(value));
    }
}

fn before(query: &mut Builder, at: &'static str, id: &'static str, cursor: Option<Cursor>) {
    if let Some(cursor) = cursor {
        query
            .push(" AND (")
            .push(at)
            .push(", market, ")
            .push(id)
            .push(") < (");
        query.bind(integer(cursor.at_us)).push(", ");
        query.bind(i64::from(cursor.market.0)).push(", ");
        query.bind(integer(cursor.id)).push(")");
    }
}

fn micros(millis: u64) -> u64 {
    millis.saturating_mul(1_000)
}

impl OrderFilter {
    fn has_start(&self) -> bool {
        self.from_order.is_some() || self.start_ms.is_some()
    }
}

impl TradeFilter {
    fn has_start(&self) -> bool {
        self.from_trade.is_some() || self.start_ms.is_some()
    }
}

impl ListFilter {
    fn has_start(&self) -> bool {
        self.from_list.is_some() || self.start_ms.is_some()
    }
}

const CURSOR: Cursor = Cursor {
    at_us: 1,
    market: MarketId(1),
    id: 1,
};

/// Every way to have or not to have `choices` things.
fn choices(choices: u32) -> impl Iterator<Item = impl Fn(u32) -> bool> {
    (0..1_u32 << choices).map(|bits| move |choice| bits >> choice & 1 == 1)
}

fn order_examples() -> Vec<Query> {
    let example = |has: &dyn Fn(u32) -> bool| OrderFilter {
        market: has(0).then_some(MarketId(1)),
        open_only: has(1).then(|| has(2)),
        from_order: has(3).then_some(OrderId(1)),
        before: has(4).then_some(CURSOR),
        start_ms: has(5).then_some(1),
        end_ms: has(6).then_some(1),
        ..OrderFilter::default()
    };
    choices(7).map(|has| orders(&example(&has))).collect()
}

fn orders_of_examples() -> Vec<Query> {
    vec![orders_of(&[])]
}

fn side_examples() -> Vec<Query> {
    let example = |has: &dyn Fn(u32) -> bool| TradeFilter {
        market: has(0).then_some(MarketId(1)),
        order: has(1).then_some(OrderId(1)),
        from_trade: has(2).then_some(TradeId(1)),
        before: has(3).then_some(CURSOR),
        start_ms: has(4).then_some(1),
        end_ms: has(5).then_some(1),
        ..TradeFilter::default()
    };
    choices(6).map(|has| sides(&example(&has))).collect()
}

fn trade_examples() -> Vec<Query> {
    let example = |has: &dyn Fn(u32) -> bool| {
        let [from, start, end] = [has(0), has(1), has(2)];
        trades(
            MarketId(1),
            from.then_some(TradeId(1)),
            start.then_some(1),
            end.then_some(1),
            1,
        )
    };
    choices(3).map(|has| example(&has)).collect()
}

fn entry_examples() -> Vec<Query> {
    let asset = |has: bool| has.then_some(AssetId(1));
    choices(2)
        .map(|has| entries(AccountId(1), asset(has(0)), has(1).then_some(1), 1))
        .collect()
}

fn list_examples() -> Vec<Query> {
    let example = |has: &dyn Fn(u32) -> bool| ListFilter {
        market: has(0).then_some(MarketId(1)),
        list: has(1).then_some(OrderId(1)),
        list_client_order_id: has(2).then(ClientOrderId::default),
        open_only: has(3).then(|| has(4)),
        from_list: has(5).then_some(OrderId(1)),
        before: has(6).then_some(CURSOR),
        start_ms: has(7).then_some(1),
        end_ms: has(8).then_some(1),
        ..ListFilter::default()
    };
    choices(9).map(|has| lists(&example(&has))).collect()
}

fn prevented_examples() -> Vec<Query> {
    let example = |has: &dyn Fn(u32) -> bool| PreventedMatchFilter {
        prevented_match: has(0).then_some(1),
        order: has(1).then_some(OrderId(1)),
        from_prevented_match: has(2).then_some(1),
        ..PreventedMatchFilter::default()
    };
    choices(3).map(|has| prevented(&example(&has))).collect()
}
