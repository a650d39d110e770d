//! The exchange's heart: order books and the double-entry ledger as one deterministic function,
//! `apply(command, at) → events`.
//!
//! Invariants after every command: each asset sums to zero over all accounts; nothing available is below zero on a
//! user's account; what is held is exactly what the open orders and held transfers need; no book is crossed;
//! a trade's two sides pay the same. Knows no async, JSON, clock, randomness or personal data.
#![no_std]

extern crate alloc;

mod command;
mod engine;
mod event;
mod reject;

pub use command::{Command, OrderKind, OrderRef, PlaceOrder, Side, TimeInForce, Transfer, TransferCode};
pub use engine::{Balance, Engine, Level, OpenOrder};
pub use event::{CloseReason, Event, Trade};
pub use reject::Reject;
