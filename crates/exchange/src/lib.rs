//! The running exchange: sequencer, log, engine, hot views and projections behind one handle.
//!
//! The way of a command: [`Exchange::submit`] → sequencer (stamps time and sequence, forms a batch) → log
//! (durable) → engine → answer, [`Applied`] to the feed, market data in memory, projections in SQL.
//! Nothing is answered before it is durable. Knows no HTTP, persons or cards.

mod catalogue;
mod history;
mod market_data;
mod projection;
mod replay;
mod sequencer;
mod verify;

pub use catalogue::{AssetListing, MarketListing, format_amount, format_price, format_quantity};
pub use history::{
    Cursor, EntryRow, History, HistoryError, ListFilter, ListPlace, ListRow, OrderFilter, OrderRow, OrderStatus,
    PreventedMatchFilter, PreventedMatchRow, ROWS_MAX, TradeFilter, TradeRow,
};
pub use market_data::{Candle, MarketData, PublicTrade, Ticker};
pub use sequencer::{Applied, Exchange, ExchangeError, Outcome, SubmitError};
pub use verify::{Finding, VerifyReport, verify};
