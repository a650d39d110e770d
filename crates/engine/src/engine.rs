//! The engine's state and its one way of changing it.

use crate::{Command, Event, OrderKind, OrderRef, Side};
use alloc::string::String;
use alloc::vec::Vec;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, MarketId, MarketSpec, MarketState, OrderId, Price, Quantity,
    Sequence, Timestamp,
};

/// What an account has of an asset. Total = available + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free to use.
    pub available: Amount,
    /// Behind open orders and held transfers.
    pub held: Amount,
}

/// All open quantity at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// In ticks.
    pub price: Price,
    /// In lots.
    pub quantity: Quantity,
    /// Number of orders.
    pub orders: u32,
}

/// An order in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its id.
    pub order: OrderId,
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Side.
    pub side: Side,
    /// As placed.
    pub kind: OrderKind,
    /// Lots still open.
    pub remaining: Quantity,
    /// Owner's own id; may be empty.
    pub client_order_id: String,
    /// When accepted.
    pub at: Timestamp,
}

/// Books and balances of the whole exchange.
#[derive(Default)]
pub struct Engine {}

#[allow(
    unused_variables,
    clippy::unimplemented,
    reason = "interface first; replaced by the engine itself"
)]
impl Engine {
    /// An engine with no assets, markets or accounts (the house accounts exist from the start).
    pub fn new() -> Engine {
        Engine {}
    }
    /// Applies one command and appends its events (at least one) to `events`.
    pub fn apply(&mut self, sequence: Sequence, at: Timestamp, command: &Command, events: &mut Vec<Event>) {
        unimplemented!()
    }
    /// Sequence of the last applied command; 0 before the first.
    pub fn sequence(&self) -> Sequence {
        unimplemented!()
    }
    /// SHA-256 over the canonical state: the same log gives the same hash on every machine.
    pub fn state_hash(&self) -> [u8; 32] {
        unimplemented!()
    }
    /// Listed assets, dense by id.
    pub fn assets(&self) -> &[AssetSpec] {
        unimplemented!()
    }
    /// Number of listed markets; ids are dense from 0.
    pub fn market_count(&self) -> usize {
        unimplemented!()
    }
    /// Specification of a market.
    pub fn market(&self, market: MarketId) -> Option<&MarketSpec> {
        unimplemented!()
    }
    /// Whether a market takes orders.
    pub fn market_state(&self, market: MarketId) -> Option<MarketState> {
        unimplemented!()
    }
    /// The account exists.
    pub fn has_account(&self, account: AccountId) -> bool {
        unimplemented!()
    }
    /// Zero for accounts and assets that hold nothing.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        unimplemented!()
    }
    /// Best `levels_max` levels of one side, best first.
    pub fn depth(&self, market: MarketId, side: Side, levels_max: usize) -> Vec<Level> {
        unimplemented!()
    }
    /// All open quantity at exactly this price of one side: what a depth delta publishes.
    pub fn level(&self, market: MarketId, side: Side, price: Price) -> Quantity {
        unimplemented!()
    }
    /// Open orders of an account, all markets or one, oldest first.
    pub fn open_orders(&self, account: AccountId, market: Option<MarketId>) -> Vec<OpenOrder> {
        unimplemented!()
    }
    /// One open order of an account.
    pub fn open_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Option<OpenOrder> {
        unimplemented!()
    }
    /// All open orders in a market (for depth checks, tests and benchmarks).
    pub fn resting_orders(&self, market: MarketId) -> usize {
        unimplemented!()
    }
    /// All open accounts, ascending, house accounts included.
    pub fn accounts(&self) -> Vec<AccountId> {
        unimplemented!()
    }
    /// Every invariant of the crate's doc, in one pass; the text says which is broken.
    pub fn check_invariants(&self) -> Result<(), String> {
        unimplemented!()
    }
}
