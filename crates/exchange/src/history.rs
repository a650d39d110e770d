//! Queries over the projections. Each first waits until all that was applied before it is projected, so that a
//! client always reads its own writes.

mod as_of;
mod candles;
mod queries;
mod rows;
mod statement;

pub(crate) use as_of::AS_OF;
pub use candles::BalanceDay;
pub(crate) use candles::CANDLES;
pub(crate) use queries::QUERIES;
pub(crate) use statement::STATEMENTS;

use crate::projection::PROJECTIONS;
use ensoex_engine::{CloseReason, OrderKind, SelfTradePrevention, Side};
use ensoex_sql::{Address, Database, SqlError};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, OrderId, Price, Quantity, Sequence, TradeId,
};
use std::time::Duration;
use tokio::sync::watch;

/// Rows of one answer at the most.
pub const ROWS_MAX: u32 = 1_000;
/// How long a query waits for the projections.
const PROJECTION_WAIT_MAX: Duration = Duration::from_secs(10);

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The database refused.
    #[error("the history cannot be read: {0}")]
    Database(#[from] SqlError),
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
    database: Database,
    applied: watch::Receiver<Sequence>,
    projected: watch::Receiver<Sequence>,
}

impl History {
    pub(crate) async fn open(
        projections: &Address,
        applied: watch::Receiver<Sequence>,
        projected: watch::Receiver<Sequence>,
    ) -> Result<History, SqlError> {
        let database = Database::open_read_only(projections, &PROJECTIONS).await?;
        Ok(History {
            database,
            applied,
            projected,
        })
    }

    /// Waits until all that was applied is projected; answers the last command of that.
    pub(crate) async fn caught_up(&self) -> Result<Sequence, HistoryError> {
        let wanted = *self.applied.borrow();
        let mut projected = self.projected.clone();
        let waiting = projected.wait_for(|reached| *reached >= wanted);
        match tokio::time::timeout(PROJECTION_WAIT_MAX, waiting).await {
            Ok(Ok(_)) => Ok(wanted),
            _ => Err(HistoryError::Behind),
        }
    }
}
