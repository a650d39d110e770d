//! The exchange's heart: order books and the double-entry ledger as one deterministic function,
//! `apply(command, at) → events`.
//!
//! Invariants after every command: each asset sums to zero over all accounts; nothing available is below zero on a
//! user's account; what is held is exactly what the open orders and held transfers need; no book is crossed;
//! a trade's two sides pay the same. Knows no async, JSON, clock, randomness or personal data.
#![no_std]

extern crate alloc;

mod book;
mod cancel;
mod client_id;
mod command;
mod engine;
mod event;
mod hash;
mod invariants;
mod ledger;
mod market;
mod matching;
mod place;
mod query;
mod reject;
mod transfers;

pub use command::{Command, OrderKind, OrderRef, PlaceOrder, Side, TimeInForce, Transfer, TransferCode};
pub use engine::Engine;
pub use event::{CloseReason, Event, Trade};
pub use query::{Balance, Level, OpenOrder};
pub use reject::Reject;
