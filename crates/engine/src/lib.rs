//! The exchange's heart: order books and the double-entry ledger as one deterministic function,
//! `apply(command, at) → events`.
//!
//! Invariants after every command: each asset sums to zero over all accounts; nothing available is below zero on a
//! user's account; what is held is exactly what the open orders and held transfers need; no book is crossed;
//! a trade's two sides pay the same. Knows no async, JSON, clock, randomness or personal data.
#![no_std]

extern crate alloc;

mod ahead;
mod array;
mod balances;
mod book;
mod cancel;
mod client_ids;
mod command;
mod decode;
mod engine;
mod event;
mod fees;
mod invariants;
mod ledger;
mod market;
mod matching;
mod oco;
mod place;
mod query;
mod reject;
mod state;
mod stops;
mod transfers;
mod trigger;

pub use ahead::LOOK_AHEAD;
pub use command::{
    Command, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, Restrictions, SelfTradePrevention,
    Side, TimeInForce, Transfer, TransferCode, Trigger,
};
pub use decode::decode;
pub use engine::Engine;
pub use event::{CloseReason, Event, Trade};
pub use query::{AccountFees, Balance, Level, OpenOrder};
pub use reject::Reject;
pub use state::{AccountRecord, AssetRecord, MarketRecord, OrderRecord, STATE_FORMAT, State, StateError};
