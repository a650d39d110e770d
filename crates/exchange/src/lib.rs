//! The running exchange: sequencer, log, engine, hot views and projections behind one handle.
//!
//! The way of a command: [`Exchange::submit`] → sequencer (stamps time and sequence, forms a batch) → log
//! (durable) → engine → answer, [`Run`] to the feed, market data in memory, projections in SQL.
//! Nothing is answered before it is durable. Knows no HTTP, persons or cards.
//!
//! [`replay::replay`] applies a log file to an engine and keeps nothing else: what a restart costs ([`replay::encode`]
//! writes such a file's batches).
//! [`replay::engine_at`] gives the engine as it was at any past moment, from the log alone; [`Exchange::account_at`]
//! answers the same of one account from the projections, at a bounded cost.

mod account_at;
mod account_at_view;
mod acknowledged;
mod applied;
mod candles;
mod catalogue;
mod clock;
mod error;
mod exchange;
mod history;
mod market_data;
mod projecting;
mod projection;
mod rebuild;
mod recovery;
pub mod replay;
mod sequencer;
mod snapshot;
mod snapshot_keeper;
mod span;
mod standby;
mod statement;
mod statement_view;
mod verify;
mod words;

pub use account_at::{AccountAt, AccountAtError, AssetBalance, At, SETTLED_AFTER};
pub use account_at_view::{AccountAtView, BalanceAtView, OpenOrderView};
pub use applied::{Applied, Events, Outcome, Run};
pub use candles::{Candles, STORED_CANDLES_MAX};
pub use catalogue::{
    AssetListing, MarketListing, assets, format_amount, format_price, format_quantity, markets,
};
pub use clock::Clock;
pub use ensoex_log::{LogAddress, Opening, Safeguard, Takeover};
pub use error::{ExchangeError, SubmitError};
pub use exchange::{Exchange, ExchangeConfig, Role, StopReason};
pub use history::{
    BalanceDay, Cursor, EntryRow, History, HistoryError, ListFilter, ListPlace, ListRow, OrderFilter,
    OrderRow, OrderStatus, PreventedMatchFilter, PreventedMatchRow, ROWS_MAX, TradeFilter, TradeRow,
};
pub use market_data::{Candle, MarketData, PublicTrade, Ticker};
pub use projecting::ProjectionLag;
pub use projection::PROJECTIONS;
pub use rebuild::{Rebuilt, rebuild_projections};
pub use snapshot::{Damage, KEPT, SnapshotError, SnapshotHeader};
pub use snapshot_keeper::{LastSnapshot, SnapshotSchedule, take_snapshot};
pub use standby::TakenOver;
pub use statement::{AssetStatement, EntryPlace, Period, Statement, StatementError};
pub use statement_view::EntryView;
pub use verify::{Finding, VerifyReport, verify};
