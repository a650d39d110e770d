//! Queries over the projections. Each first waits until all that was applied before it is projected, so that a
//! client always reads its own writes.

use crate::market_data::PublicTrade;
use crate::projection::{integer, side_text};
use ensoex_engine::{CloseReason, OrderKind, OrderRef, SelfTradePrevention, Side, TimeInForce};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, OrderId, Price, Quantity, Sequence, TradeId,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{ConnectOptions, QueryBuilder, Row, Sqlite};
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// Rows of one answer at the most.
pub const ROWS_MAX: u32 = 1_000;
const READERS_MAX: u32 = 4;
/// How long a query waits for the projections.
const PROJECTION_WAIT_MAX: Duration = Duration::from_secs(10);

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The database refused.
    #[error("the history cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    /// The projections are too far behind.
    #[error("the history is catching up; try again in a moment")]
    Behind,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// In the book, nothing filled.
    New,
    /// In the book, partly filled.
    PartiallyFilled,
    /// Filled.
    Filled,
    /// Cancelled by its owner.
    Canceled,
    /// Could not be filled further.
    Expired,
    /// Ended by self-trade prevention.
    ExpiredInMatch,
}

impl OrderStatus {
    /// In the book.
    pub fn is_open(self) -> bool {
        matches!(self, OrderStatus::New | OrderStatus::PartiallyFilled)
    }

    fn read(text: &str) -> OrderStatus {
        match text {
            "NEW" => OrderStatus::New,
            "PARTIALLY_FILLED" => OrderStatus::PartiallyFilled,
            "FILLED" => OrderStatus::Filled,
            "CANCELED" => OrderStatus::Canceled,
            "EXPIRED_IN_MATCH" => OrderStatus::ExpiredInMatch,
            _ => OrderStatus::Expired,
        }
    }
}

/// An order, open or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id.
    pub order: OrderId,
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Owner's own id; may be empty.
    pub client_order_id: ClientOrderId,
    /// Side.
    pub side: Side,
    /// As placed (trigger and stop price included), less what was reduced since.
    pub kind: OrderKind,
    /// What happens when it meets an order of the same account.
    pub self_trade_prevention: SelfTradePrevention,
    /// When its stop price was reached, in milliseconds since the Unix epoch; none before, and for orders without one.
    pub triggered_ms: Option<u64>,
    /// The list that it was placed in, ended or not.
    pub list: Option<ListPlace>,
    /// Lots filled.
    pub executed: Quantity,
    /// Quote moved by the fills.
    pub executed_quote: Amount,
    /// Lots taken off by self-trade prevention (see [`PreventedMatchRow`]).
    pub prevented: Quantity,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it closed; none while it is open.
    pub close_reason: Option<CloseReason>,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_ms: u64,
    /// Its place in a list.
    pub cursor: Cursor,
}

impl OrderRow {
    /// It waits for its trigger, or closed before it was reached.
    pub fn is_untriggered_stop(&self) -> bool {
        matches!(self.kind, OrderKind::Stop { .. } | OrderKind::StopLimit { .. })
            && self.triggered_ms.is_none()
    }
}

/// An order's place in a list of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPlace {
    /// The list: the id of its order `above`.
    pub list: OrderId,
    /// The other order.
    pub other: OrderId,
    /// The owner's own name for the list; may be empty.
    pub list_client_order_id: ClientOrderId,
}

/// A list of two orders of which one at most is filled or triggered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// Id of its order `above`; unique within its market.
    pub list: OrderId,
    /// Where.
    pub market: MarketId,
    /// Owner.
    pub account: AccountId,
    /// The owner's own name for it; may be empty.
    pub list_client_order_id: ClientOrderId,
    /// The order above the last price, as it stands now.
    pub above: OrderRow,
    /// The order below, as it stands now.
    pub below: OrderRow,
    /// When something happened to one of its orders (milliseconds since the Unix epoch): since then the other is closed or an
    /// ordinary order. None while the list is alive.
    pub ended_ms: Option<u64>,
    /// When it was placed, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Its place in a list of lists; `id` is the list's.
    pub cursor: Cursor,
}

/// Two orders of one account that would have traded, and were both lowered instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreventedMatchRow {
    /// Dense from 1 in its market.
    pub prevented_match: u64,
    /// Where.
    pub market: MarketId,
    /// Owner of both.
    pub account: AccountId,
    /// The maker's price, in ticks.
    pub price: Price,
    /// By how many lots both were lowered.
    pub quantity: Quantity,
    /// The resting order.
    pub maker_order: OrderId,
    /// The order that came second; its wish counted.
    pub taker_order: OrderId,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// One side of a trade, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// Dense from 1 in its market.
    pub trade: TradeId,
    /// Where.
    pub market: MarketId,
    /// The owner's order.
    pub order: OrderId,
    /// The owner's side.
    pub side: Side,
    /// In ticks.
    pub price: Price,
    /// In lots.
    pub quantity: Quantity,
    /// In smallest quote units.
    pub quote: Amount,
    /// Fee paid, in smallest units of what was received: base when buying, quote when selling.
    pub fee: Amount,
    /// The owner's order rested.
    pub is_maker: bool,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Its place in a list.
    pub cursor: Cursor,
}

/// One change of an account's total of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Increasing.
    pub entry: i64,
    /// The command that caused it.
    pub sequence: Sequence,
    /// Of what.
    pub asset: AssetId,
    /// Plus or minus, in the smallest unit.
    pub amount: Amount,
    /// Why: deposit, withdrawal, trade, fee, capital, internal, correction.
    pub code: String,
    /// Transfer id in hex, or `market-trade`.
    pub reference: String,
    /// Id, in hex, of the transfer that this one puts right; none unless it is a correction.
    pub corrects: Option<String>,
    /// The account's total of the asset after it, in the smallest unit.
    pub total: Amount,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A place in a list that goes by time: everything before it comes later in a list of newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// Market of the row.
    pub market: MarketId,
    /// Order or trade of the row.
    pub id: u64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}-{}", self.at_us, self.market.0, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Cursor, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().unwrap_or_default();
        Ok(Cursor {
            at_us: part().parse()?,
            market: MarketId(part().parse()?),
            id: part().parse()?,
        })
    }
}

/// Which orders.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Owner.
    pub account: AccountId,
    /// In one market only.
    pub market: Option<MarketId>,
    /// `true` open, `false` closed.
    pub open_only: Option<bool>,
    /// From this order on.
    pub from_order: Option<OrderId>,
    /// Before this place in the list.
    pub before: Option<Cursor>,
    /// Created at or after, milliseconds.
    pub start_ms: Option<u64>,
    /// Created at or before, milliseconds.
    pub end_ms: Option<u64>,
    /// At most so many, and never more than [`ROWS_MAX`].
    pub limit: u32,
    /// Newest first; otherwise oldest first. Without a start, the newest `limit` are meant either way.
    pub newest_first: bool,
}

/// Which trades of an account.
#[derive(Clone, Debug, Default)]
pub struct TradeFilter {
    /// Owner of one side.
    pub account: AccountId,
    /// In one market only.
    pub market: Option<MarketId>,
    /// Of one order only.
    pub order: Option<OrderId>,
    /// From this trade on (with a market).
    pub from_trade: Option<TradeId>,
    /// Before this place in the list.
    pub before: Option<Cursor>,
    /// Executed at or after, milliseconds.
    pub start_ms: Option<u64>,
    /// Executed at or before, milliseconds.
    pub end_ms: Option<u64>,
    /// At most so many, and never more than [`ROWS_MAX`].
    pub limit: u32,
    /// Newest first; otherwise oldest first. Without a start, the newest `limit` are meant either way.
    pub newest_first: bool,
}

/// Which lists of orders.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Owner.
    pub account: AccountId,
    /// In one market only.
    pub market: Option<MarketId>,
    /// This list only.
    pub list: Option<OrderId>,
    /// Lists of this name only.
    pub list_client_order_id: Option<ClientOrderId>,
    /// `true` with an open order, `false` without.
    pub open_only: Option<bool>,
    /// From this list on.
    pub from_list: Option<OrderId>,
    /// Before this place in the list.
    pub before: Option<Cursor>,
    /// Placed at or after, milliseconds.
    pub start_ms: Option<u64>,
    /// Placed at or before, milliseconds.
    pub end_ms: Option<u64>,
    /// At most so many, and never more than [`ROWS_MAX`].
    pub limit: u32,
    /// Newest first; otherwise oldest first. Without a start, the newest `limit` are meant either way.
    pub newest_first: bool,
}

/// Which prevented matches.
#[derive(Clone, Debug, Default)]
pub struct PreventedMatchFilter {
    /// Owner of both orders.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// This one only.
    pub prevented_match: Option<u64>,
    /// In which this order took part.
    pub order: Option<OrderId>,
    /// From this one on.
    pub from_prevented_match: Option<u64>,
    /// At most so many, and never more than [`ROWS_MAX`].
    pub limit: u32,
}

/// The projections, for reading.
pub struct History {
    pool: SqlitePool,
    applied: watch::Receiver<Sequence>,
    projected: watch::Receiver<Sequence>,
}

impl History {
    pub(crate) async fn open(
        path: &Path,
        applied: watch::Receiver<Sequence>,
        projected: watch::Receiver<Sequence>,
    ) -> Result<History, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options)
            .await?;
        Ok(History {
            pool,
            applied,
            projected,
        })
    }

    async fn caught_up(&self) -> Result<(), HistoryError> {
        let wanted = *self.applied.borrow();
        let mut projected = self.projected.clone();
        let waiting = projected.wait_for(|reached| *reached >= wanted);
        match tokio::time::timeout(PROJECTION_WAIT_MAX, waiting).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(HistoryError::Behind),
        }
    }

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
            OrderRef::Client(client) => query.push(" AND client_order_id = ").push_bind(client.clone()),
        };
        query.push(" ORDER BY order_id DESC LIMIT 1");
        Ok(query
            .build()
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(order_row))
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
        let mut rows: Vec<OrderRow> = query
            .build()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(order_row)
            .collect();
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
        let mut rows: Vec<TradeRow> = query
            .build()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(trade_row)
            .collect();
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
        let mut rows: Vec<PublicTrade> = query
            .build()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(public_trade_row)
            .collect();
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
            query.push(" AND entry < ").push_bind(before);
        }
        query
            .push(" ORDER BY entry DESC LIMIT ")
            .push_bind(i64::from(limit.min(ROWS_MAX)));
        Ok(query
            .build()
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(entry_row)
            .collect())
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

fn unsigned(row: &SqliteRow, column: &str) -> u64 {
    u64::try_from(row.get::<i64, _>(column)).unwrap_or_default()
}

fn millis(row: &SqliteRow, column: &str) -> u64 {
    unsigned(row, column) / 1_000
}

fn amount(row: &SqliteRow, column: &str) -> Amount {
    Amount(row.get::<String, _>(column).parse().unwrap_or_default())
}

fn market_id(row: &SqliteRow) -> MarketId {
    MarketId(u16::try_from(unsigned(row, "market")).unwrap_or_default())
}

fn order_row(row: &SqliteRow) -> OrderRow {
    let price = Price(unsigned(row, "price"));
    let quantity = Quantity(unsigned(row, "quantity"));
    let kind = match row.get::<String, _>("kind").as_str() {
        "LIMIT_MAKER" => OrderKind::LimitMaker { price, quantity },
        "MARKET" => OrderKind::Market { quantity },
        "MARKET_QUOTE" => OrderKind::MarketQuote {
            quote: amount(row, "quote_quantity"),
        },
        _ => {
            let time_in_force = match row.get::<String, _>("time_in_force").as_str() {
                "IOC" => TimeInForce::Ioc,
                "FOK" => TimeInForce::Fok,
                _ => TimeInForce::Gtc,
            };
            OrderKind::Limit {
                price,
                quantity,
                time_in_force,
            }
        }
    };
    OrderRow {
        order: OrderId(unsigned(row, "order_id")),
        account: AccountId(u32::try_from(unsigned(row, "account")).unwrap_or_default()),
        market: market_id(row),
        client_order_id: row.get("client_order_id"),
        side: side(row, "side"),
        kind,
        executed: Quantity(unsigned(row, "executed_quantity")),
        executed_quote: amount(row, "executed_quote"),
        status: OrderStatus::read(&row.get::<String, _>("status")),
        created_ms: millis(row, "created_us"),
        updated_ms: millis(row, "updated_us"),
        cursor: Cursor {
            at_us: unsigned(row, "created_us"),
            market: market_id(row),
            id: unsigned(row, "order_id"),
        },
    }
}

fn trade_row(row: &SqliteRow) -> TradeRow {
    let is_maker = row.get::<String, _>("role") == "maker";
    let side = match (side(row, "taker_side"), is_maker) {
        (Side::Buy, true) | (Side::Sell, false) => Side::Sell,
        (Side::Sell, true) | (Side::Buy, false) => Side::Buy,
    };
    TradeRow {
        trade: TradeId(unsigned(row, "trade_id")),
        market: market_id(row),
        order: OrderId(unsigned(row, "order_id")),
        side,
        price: Price(unsigned(row, "price")),
        quantity: Quantity(unsigned(row, "quantity")),
        quote: amount(row, "quote"),
        fee: amount(row, "fee"),
        is_maker,
        at_ms: millis(row, "at_us"),
        cursor: Cursor {
            at_us: unsigned(row, "at_us"),
            market: market_id(row),
            id: unsigned(row, "trade_id"),
        },
    }
}

fn public_trade_row(row: &SqliteRow) -> PublicTrade {
    PublicTrade {
        trade: TradeId(unsigned(row, "trade_id")),
        price: Price(unsigned(row, "price")),
        quantity: Quantity(unsigned(row, "quantity")),
        quote: amount(row, "quote"),
        at_ms: millis(row, "at_us"),
        buyer_is_maker: side(row, "taker_side") == Side::Sell,
    }
}

fn entry_row(row: &SqliteRow) -> EntryRow {
    EntryRow {
        entry: row.get("entry"),
        sequence: Sequence(unsigned(row, "sequence")),
        asset: AssetId(u16::try_from(unsigned(row, "asset")).unwrap_or_default()),
        amount: amount(row, "amount"),
        code: row.get("code"),
        reference: row.get("reference"),
        at_ms: millis(row, "at_us"),
    }
}

fn side(row: &SqliteRow, column: &str) -> Side {
    if row.get::<String, _>(column) == side_text(Side::Buy) {
        Side::Buy
    } else {
        Side::Sell
    }
}
