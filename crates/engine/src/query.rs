//! What can be read from the engine at its current sequence. Nothing here changes anything.

use crate::engine::Engine;
use crate::market::Market;
use crate::{OrderKind, OrderRef, Restrictions, Side, TimeInForce, Transfer};
use alloc::vec::Vec;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRates, MarketId, MarketSpec, MarketState,
    OrderId, Price, Quantity, Sequence, Timestamp, TransferId,
};
use serde::{Deserialize, Serialize};

/// What an account has of an asset. Total = available + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Free to use.
    pub available: Amount,
    /// Behind open orders and held transfers.
    pub held: Amount,
}

/// What an account pays in a market, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFees {
    /// The greater of the account's own tier and the one of its volume.
    pub tier: u8,
    /// What it pays.
    pub rates: FeeRates,
    /// What it bought and sold for the market's quote asset in the 30 UTC days before the current one, in smallest units.
    pub volume: Amount,
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

/// An order in the book, or one that waits for its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// It is in the book; false while it waits for its trigger.
    pub working: bool,
    /// The other order of its list, if it is one of two.
    pub other: Option<OrderId>,
    /// Lots still open.
    pub remaining: Quantity,
    /// Owner's own id; may be empty.
    pub client_order_id: ClientOrderId,
    /// When accepted.
    pub at: Timestamp,
}

impl Engine {
    /// Sequence of the last applied command; 0 before the first.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Listed assets, dense by id.
    pub fn assets(&self) -> &[AssetSpec] {
        &self.assets
    }

    /// Number of listed markets; ids are dense from 0.
    pub fn market_count(&self) -> usize {
        self.markets.len()
    }

    fn listed(&self, market: MarketId) -> Option<&Market> {
        self.markets.get(usize::from(market.0))
    }

    /// Specification of a market.
    pub fn market(&self, market: MarketId) -> Option<&MarketSpec> {
        self.listed(market).map(|market| &market.spec)
    }

    /// Whether a market takes orders.
    pub fn market_state(&self, market: MarketId) -> Option<MarketState> {
        self.listed(market).map(|market| market.state)
    }

    /// Price of the market's last trade.
    pub fn last_price(&self, market: MarketId) -> Option<Price> {
        let price = self.listed(market)?.last_price;
        (price > 0).then_some(Price(price))
    }

    /// What the account pays in the market now.
    pub fn account_fees(&self, account: AccountId, market: MarketId) -> Option<AccountFees> {
        let (slot, market) = (self.ledger.slot(account)?, self.listed(market)?);
        let tier = self.fees.tier_now(&self.ledger, market.quote(), slot);
        let volume = self.fees.volume(market.quote(), slot);
        Some(AccountFees {
            tier,
            rates: market.rates(tier),
            volume: Amount(i128::try_from(volume).unwrap_or(i128::MAX)),
        })
    }

    /// What the account may not do.
    pub fn restrictions(&self, account: AccountId) -> Option<Restrictions> {
        self.ledger.entry(account).map(|entry| entry.restrictions())
    }

    /// The account exists.
    pub fn has_account(&self, account: AccountId) -> bool {
        self.ledger.slot(account).is_some()
    }

    /// Zero for accounts and assets that hold nothing.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        match self.ledger.slot(account) {
            Some(slot) if usize::from(asset.0) < self.assets.len() => {
                self.ledger.balance(slot, usize::from(asset.0))
            }
            _ => Balance::default(),
        }
    }

    /// Best `levels_max` levels of one side, best first.
    pub fn depth(&self, market: MarketId, side: Side, levels_max: usize) -> Vec<Level> {
        let Some(market) = self.listed(market) else {
            return Vec::new();
        };
        let level = |(price, level): (u64, &crate::book::Level)| Level {
            price: Price(price),
            quantity: Quantity(level.lots),
            orders: level.orders,
        };
        market.book.levels(side).take(levels_max).map(level).collect()
    }

    /// All open quantity at exactly this price of one side: what a depth delta publishes.
    pub fn level(&self, market: MarketId, side: Side, price: Price) -> Quantity {
        self.listed(market)
            .map_or(Quantity(0), |market| Quantity(market.book.lots_at(side, price.0)))
    }

    /// Open orders of an account, all markets or one, oldest first (by time, then market, then id).
    pub fn open_orders(&self, account: AccountId, market: Option<MarketId>) -> Vec<OpenOrder> {
        let Some(slot) = self.ledger.slot(account) else {
            return Vec::new();
        };
        let mut orders: Vec<OpenOrder> = self
            .markets
            .iter()
            .filter(|listed| market.is_none_or(|market| market == listed.id))
            .flat_map(|listed| {
                let slots = listed.book.orders_of(slot);
                slots.into_iter().map(move |slot| describe(listed, account, slot))
            })
            .collect();
        orders.sort_by_key(|order| (order.at, order.market, order.order));
        orders
    }

    /// One open order of an account.
    pub fn open_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> Option<OpenOrder> {
        let slot = self.find_order(account, market, order)?;
        let listed = self.listed(market)?;
        Some(describe(listed, account, slot))
    }

    /// All open orders in a market (for depth checks, tests and benchmarks).
    pub fn resting_orders(&self, market: MarketId) -> usize {
        self.listed(market).map_or(0, |market| market.book.len())
    }

    /// All open accounts, ascending, house accounts included.
    pub fn accounts(&self) -> Vec<AccountId> {
        let mut accounts = self.ledger.accounts().to_vec();
        accounts.sort_unstable();
        accounts
    }

    /// Transfers that are held and wait to be posted or voided, ascending by id.
    pub fn held_transfers(&self) -> impl ExactSizeIterator<Item = &Transfer> {
        self.transfers.held()
    }

    /// A transfer under this id was posted, held or voided before.
    pub fn transfer_exists(&self, transfer: TransferId) -> bool {
        self.transfers.exists(transfer)
    }
}

fn describe(market: &Market, account: AccountId, slot: u32) -> OpenOrder {
    let (order, placed) = (market.book.order(slot), market.book.placed(slot));
    let (price, quantity) = (Price(market.book.price(slot)), Quantity(placed.quantity));
    let kind = match market.stops.get(order.id()) {
        Some(stop) => stop.kind(quantity),
        None if order.post_only() => OrderKind::LimitMaker { price, quantity },
        None => OrderKind::Limit {
            price,
            quantity,
            time_in_force: TimeInForce::Gtc,
        },
    };
    OpenOrder {
        order: OrderId(order.id()),
        account,
        market: market.id,
        side: order.side(),
        kind,
        working: !order.is_stop(),
        other: market.stops.other(order.id()).map(OrderId),
        remaining: Quantity(order.remaining),
        client_order_id: market.book.name(order).unwrap_or_default(),
        at: Timestamp(placed.at),
    }
}
