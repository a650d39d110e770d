//! The whole state as one value: what a snapshot holds, and what the state's hash is over.
//!
//! Canonical: ordered by ids and priority, never by where something lies in memory, and without what answers nothing (zero
//! balances, volumes too old to count). So engines that answer alike have the same [`State`], and its postcard
//! encoding has one hash: whoever has a snapshot's bytes can check it with any SHA-256. The layout is stamped by
//! [`STATE_FORMAT`]; change it with every change of a field. Knows no files.

use crate::book::{Book, NewOrder, Placed};
use crate::client_ids::OrderAddress;
use crate::engine::Engine;
use crate::market::Market;
use crate::stops::Stop;
use crate::{Balance, Restrictions, Side, Transfer};
use alloc::string::String;
use alloc::vec::Vec;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, MarketId, MarketSpec, MarketState, OrderId, Price,
    Quantity, Sequence, Timestamp, TradeId, TransferId,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Layout of [`State`].
pub const STATE_FORMAT: u16 = 2;

/// See the module's doc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`STATE_FORMAT`].
    pub format: u16,
    /// Sequence of the last applied command.
    pub sequence: Sequence,
    /// Greatest UTC day seen, in days since 1970.
    pub day: u32,
    /// Dense by id.
    pub assets: Vec<AssetRecord>,
    /// Ascending by id.
    pub accounts: Vec<AccountRecord>,
    /// Dense by id.
    pub markets: Vec<MarketRecord>,
    /// Ids of all transfers ever posted or held, ascending.
    pub transfers_used: Vec<TransferId>,
    /// Transfers that wait for their second phase, ascending by id.
    pub transfers_held: Vec<Transfer>,
}

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRecord {
    /// As listed.
    pub spec: AssetSpec,
    /// Volumes from which on an account is in tier 1, 2 …, for markets priced in this asset.
    pub fee_tiers: Vec<Amount>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its id.
    pub account: AccountId,
    /// Its own fee tier.
    pub tier: u8,
    /// What it may not do.
    pub restrictions: Restrictions,
    /// What it has, ascending by asset; zero is left out.
    pub balances: Vec<(AssetId, Balance)>,
    /// What it traded, by quote asset and UTC day (since 1970), ascending.
    pub volumes: Vec<(AssetId, u32, u128)>,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRecord {
    /// As listed.
    pub spec: MarketSpec,
    /// Whether it takes orders.
    pub state: MarketState,
    /// The last trade's id; 0 before the first.
    pub last_trade: TradeId,
    /// Its price; 0 before the first.
    pub last_price: Price,
    /// The last order id given, and the number of places that the next one follows from.
    pub ids: (OrderId, u64),
    /// Bids best first, asks best first (each price's queue oldest first), then what waits, ascending by id.
    pub orders: Vec<OrderRecord>,
}

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Its id.
    pub order: OrderId,
    /// Owner.
    pub account: AccountId,
    /// Side.
    pub side: Side,
    /// In ticks; 0 while it waits.
    pub price: Price,
    /// Lots as placed.
    pub quantity: Quantity,
    /// Lots still open.
    pub remaining: Quantity,
    /// When accepted.
    pub at: Timestamp,
    /// Placed as maker only.
    pub post_only: bool,
    /// The owner's own name.
    pub client_order_id: ClientOrderId,
    /// How it was placed, if it waits or waited for a trigger.
    pub stop: Option<Stop>,
    /// The other order of its list.
    pub other: Option<OrderId>,
}

/// Why a [`State`] cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// Another layout.
    Format(u16),
    /// What it says does not fit together; the text says what.
    Inconsistent(String),
}

impl core::fmt::Display for StateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            StateError::Format(format) => write!(
                f,
                "the state has layout {format}, this version knows {STATE_FORMAT}"
            ),
            StateError::Inconsistent(what) => write!(f, "the state does not fit together: {what}"),
        }
    }
}

impl core::error::Error for StateError {}

/// Feeds an encoding into the hash.
struct Hashed {
    digest: Sha256,
    block: [u8; 4_096],
    length: usize,
}

impl postcard::ser_flavors::Flavor for Hashed {
    type Output = [u8; 32];

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        if self.length == self.block.len() {
            self.digest.update(self.block);
            self.length = 0;
        }
        self.block[self.length] = byte;
        self.length += 1;
        Ok(())
    }

    fn finalize(mut self) -> postcard::Result<[u8; 32]> {
        self.digest.update(&self.block[..self.length]);
        Ok(self.digest.finalize().into())
    }
}

impl State {
    /// SHA-256 over its postcard encoding.
    pub fn hash(&self) -> [u8; 32] {
        let hashed = Hashed {
            digest: Sha256::new(),
            block: [0; 4_096],
            length: 0,
        };
        match postcard::serialize_with_flavor(self, hashed) {
            Ok(hash) => hash,
            Err(_) => unreachable!("a hash takes every byte, and every length is known"),
        }
    }
}

impl Engine {
    /// SHA-256 over the canonical state: the same log gives the same hash on every machine.
    pub fn state_hash(&self) -> [u8; 32] {
        self.state().hash()
    }

    /// The whole state.
    pub fn state(&self) -> State {
        let assets = (0..self.assets.len())
            .map(|asset| AssetRecord {
                spec: self.assets[asset].clone(),
                fee_tiers: (self.fees.thresholds(asset).iter())
                    .map(|volume| Amount(*volume as i128))
                    .collect(),
            })
            .collect();
        let accounts = self.accounts();
        State {
            format: STATE_FORMAT,
            sequence: self.sequence,
            day: self.fees.today(),
            assets,
            accounts: accounts
                .into_iter()
                .filter_map(|account| self.account_record(account))
                .collect(),
            markets: self
                .markets
                .iter()
                .map(|market| self.market_record(market))
                .collect(),
            transfers_used: self.transfers.used().collect(),
            transfers_held: self.transfers.held().copied().collect(),
        }
    }

    fn account_record(&self, account: AccountId) -> Option<AccountRecord> {
        let entry = self.ledger.entry(account)?;
        let slot = entry.slot();
        let assets = || 0..self.assets.len();
        Some(AccountRecord {
            account,
            tier: entry.tier(),
            restrictions: entry.restrictions(),
            balances: assets()
                .map(|asset| (AssetId(asset as u16), self.ledger.balance(slot, asset)))
                .filter(|(_, balance)| *balance != Balance::default())
                .collect(),
            volumes: assets()
                .flat_map(|asset| {
                    let days = self.fees.days(asset, slot);
                    days.map(move |day| (AssetId(asset as u16), day.day, day.volume))
                })
                .collect(),
        })
    }

    fn market_record(&self, market: &Market) -> MarketRecord {
        let queued = [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(|side| market.book.levels(side))
            .flat_map(|(_, level)| market.book.queue(level))
            .map(|(slot, _)| self.order_record(market, slot));
        let mut waiting: Vec<OrderRecord> = market
            .book
            .parked()
            .map(|(slot, _)| self.order_record(market, slot))
            .collect();
        waiting.sort_unstable_by_key(|order| order.order);
        let (last_id, places) = market.book.id_state();
        MarketRecord {
            spec: market.spec.clone(),
            state: market.state,
            last_trade: TradeId(market.last_trade),
            last_price: Price(market.last_price),
            ids: (OrderId(last_id), places),
            orders: queued.chain(waiting).collect(),
        }
    }

    fn order_record(&self, market: &Market, slot: u32) -> OrderRecord {
        let (order, placed) = (market.book.order(slot), market.book.placed(slot));
        OrderRecord {
            order: OrderId(order.id()),
            account: self.ledger.account(market.book.owner(slot)),
            side: order.side(),
            price: Price(market.book.price(slot)),
            quantity: Quantity(placed.quantity),
            remaining: Quantity(order.remaining),
            at: Timestamp(placed.at),
            post_only: order.post_only(),
            client_order_id: market.book.name(order).unwrap_or_default(),
            stop: market.stops.get(order.id()).copied(),
            other: market.stops.other(order.id()).map(OrderId),
        }
    }

    /// An engine in this state: it answers every later command as the one that gave it.
    ///
    /// # Errors
    /// The layout is unknown, or what it says does not fit together; nothing is guessed.
    pub fn from_state(state: &State) -> Result<Engine, StateError> {
        if state.format != STATE_FORMAT {
            return Err(StateError::Format(state.format));
        }
        let mut engine = Engine::new();
        let broken = |what: &str| StateError::Inconsistent(what.into());
        engine.sequence = state.sequence;
        engine.fees.restore_day(state.day);
        for asset in &state.assets {
            asset.spec.check().map_err(|_| broken("an asset"))?;
            engine.assets.push(asset.spec.clone());
            engine.ledger.add_asset();
            engine.fees.add_asset();
        }
        for record in &state.accounts {
            engine
                .restore_account(record)
                .ok_or_else(|| broken("an account"))?;
        }
        for (index, asset) in state.assets.iter().enumerate() {
            engine
                .fees
                .set_thresholds(&engine.ledger, index, &asset.fee_tiers)
                .map_err(|_| broken("fee tiers"))?;
        }
        for (index, record) in state.markets.iter().enumerate() {
            let market = engine
                .restore_market(MarketId(index as u16), record)
                .ok_or_else(|| broken("a market's orders"))?;
            engine.markets.push(market);
        }
        engine
            .transfers
            .restore(&state.transfers_used, &state.transfers_held);
        engine.check_invariants().map_err(StateError::Inconsistent)?;
        // What is left out, doubled or out of order shows here.
        if engine.state() == *state {
            Ok(engine)
        } else {
            Err(broken("it is not in canonical order"))
        }
    }

    fn restore_account(&mut self, record: &AccountRecord) -> Option<()> {
        if self.ledger.slot(record.account).is_none() {
            self.ledger.open(record.account).ok()?;
        }
        let slot = self.ledger.slot(record.account)?;
        self.ledger
            .set_entry(record.account, record.tier, record.restrictions);
        for (asset, balance) in &record.balances {
            let asset = usize::from(asset.0);
            if asset >= self.assets.len() {
                return None;
            }
            self.ledger.balance_mut(slot, asset).set(*balance);
        }
        for (asset, day, volume) in &record.volumes {
            let asset = usize::from(asset.0);
            if asset >= self.assets.len() {
                return None;
            }
            self.fees.restore_volume(asset, slot, *day, *volume);
        }
        Some(())
    }

    fn restore_market(&mut self, id: MarketId, record: &MarketRecord) -> Option<Market> {
        let assets = self.assets.len();
        let listed = usize::from(record.spec.base.0) < assets && usize::from(record.spec.quote.0) < assets;
        if record.spec.check().is_err() || !listed {
            return None;
        }
        self.fees
            .add_quote(usize::from(record.spec.quote.0), self.ledger.accounts().len());
        let prices = record.spec.price_min..=record.spec.price_max;
        if record.last_price.0 != 0 && !prices.contains(&record.last_price) {
            return None;
        }
        let mut market = Market::new(id, record.spec.clone());
        market.state = record.state;
        market.last_trade = record.last_trade.0;
        market.set_last_price(record.last_price.0);
        let (last_id, places) = record.ids;
        market.book = Book::restore(last_id.0, places, record.orders.len())?;
        for order in &record.orders {
            self.restore_order(&mut market, order)?;
        }
        for order in &record.orders {
            if let Some(other) = order.other {
                let slot = market.book.find(order.order.0)?;
                market.book.find(other.0)?;
                market.book.set_listed(slot, true);
                market.stops.pair(order.order.0, other.0);
            }
        }
        Some(market)
    }

    fn restore_order(&mut self, market: &mut Market, record: &OrderRecord) -> Option<()> {
        let slot = self.ledger.slot(record.account)?;
        let (id, side, remaining) = (record.order.0, record.side, record.remaining.0);
        let free = !market.book.is_taken(id);
        if !free || remaining == 0 || market.book.is_full(side, remaining) {
            return None;
        }
        let order = NewOrder {
            id,
            side,
            post_only: record.post_only,
            price: record.price.0,
            remaining,
            account: slot,
            placed: Placed {
                quantity: record.quantity.0,
                at: record.at.0,
            },
        };
        let crosses = market.book.best_within(side, record.price.0).is_some();
        match (record.stop, record.price.0) {
            (Some(stop), 0) => {
                market.book.park(&order);
                market.stops.wait(id, side, stop);
            }
            (None, 0) => return None,
            _ if crosses || record.price > market.spec.price_max => return None,
            (Some(stop), price) => {
                let parked = market.book.park(&order);
                market.book.release_parked(parked, price, remaining);
                market.stops.restore_triggered(id, stop);
            }
            (None, _) => {
                market.book.rest(&order);
            }
        }
        if !record.client_order_id.is_empty() {
            market.book.set_name(id, record.client_order_id);
            let address = OrderAddress {
                market: market.id.0,
                order: id,
            };
            self.clients.insert((slot, record.client_order_id), address);
        }
        Some(())
    }
}
