//! What can be asked of the model, in the engine's words.

use super::{Model, Waiting};
use ensoex_engine::{AccountFees, Balance, Level, OpenOrder, Restrictions, Side, Transfer};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, MarketId, MarketState, OrderId, Price, Quantity, TransferId,
};
use std::collections::BTreeMap;

impl Model {
    /// What the account has.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        Balance {
            available: Amount(self.available(account, asset)),
            held: Amount(self.held(account, asset)),
        }
    }

    /// Accounts, ascending.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied()
    }

    /// Listed assets.
    pub fn assets(&self) -> &[AssetSpec] {
        &self.assets
    }

    /// Markets ever listed.
    pub fn markets(&self) -> impl Iterator<Item = MarketId> {
        (0..self.markets.len()).map(|market| MarketId(market as u16))
    }

    /// Whether a market takes orders.
    pub fn market_state(&self, market: MarketId) -> Option<MarketState> {
        self.known_market(market).ok().map(|market| market.state)
    }

    /// Price of a market's last trade.
    pub fn last_price(&self, market: MarketId) -> Option<Price> {
        let last = self.known_market(market).ok()?.last_price?;
        Some(Price(last as u64))
    }

    /// What a known account pays in a known market.
    pub fn account_fees(&self, account: AccountId, market: MarketId) -> Option<AccountFees> {
        self.known_account(account).ok()?;
        self.known_market(market).ok()?;
        Some(self.fees(account, market))
    }

    /// What a known account may not do.
    pub fn restrictions(&self, account: AccountId) -> Option<Restrictions> {
        self.known_account(account).ok()?;
        Some(self.restricted(account))
    }

    /// Open orders of an account, oldest first.
    pub fn open_orders(&self, account: AccountId) -> Vec<OpenOrder> {
        let mine = self.waiting.iter().filter(|order| order.account == account);
        let mut orders: Vec<OpenOrder> = mine.map(describe).collect();
        orders.sort_by_key(|order| (order.at, order.market, order.order));
        orders
    }

    /// Number of open orders in a market, those that wait for their trigger included.
    pub fn open_count(&self, market: MarketId) -> usize {
        self.waiting.iter().filter(|order| order.market == market).count()
    }

    /// All levels of one side of a book, best first.
    pub fn depth(&self, market: MarketId, side: Side) -> Vec<Level> {
        let mut levels: BTreeMap<i128, Level> = BTreeMap::new();
        for order in &self.waiting {
            if order.market == market && order.side == side && order.working {
                let level = levels.entry(order.price()).or_insert(Level {
                    price: Price(order.price() as u64),
                    quantity: Quantity(0),
                    orders: 0,
                });
                level.quantity.0 += order.remaining as u64;
                level.orders += 1;
            }
        }
        let mut levels: Vec<Level> = levels.into_values().collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }

    /// Transfers that wait for their second phase, ascending by id.
    pub fn held_transfers(&self) -> Vec<Transfer> {
        let mut held = self.transfers_held.clone();
        held.sort_by_key(|transfer| transfer.transfer);
        held
    }

    /// The id was used.
    pub fn transfer_exists(&self, transfer: TransferId) -> bool {
        self.transfers_used.contains(&transfer)
    }

    pub(super) fn position(&self, market: MarketId, order: OrderId) -> Option<usize> {
        self.waiting
            .iter()
            .position(|waiting| waiting.market == market && waiting.order == order)
    }
}

fn describe(order: &Waiting) -> OpenOrder {
    OpenOrder {
        order: order.order,
        account: order.account,
        market: order.market,
        side: order.side,
        kind: order.kind,
        working: order.working,
        other: order.other,
        remaining: Quantity(order.remaining as u64),
        client_order_id: order.name,
        at: order.at,
    }
}
