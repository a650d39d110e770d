//! An account at a moment of the past in the words and decimals that people and JSON use. Knows no calendar.

use crate::account_at::AccountAt;
use crate::catalogue::{AssetListing, MarketListing};
use ensoex_engine::{OpenOrder, OrderKind, Side, TimeInForce, Trigger};
use ensoex_types::{Amount, Timestamp};
use serde::Serialize;

/// See [`AccountAt`]. Amounts are decimal texts with all decimals of their asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountAtView {
    /// The last command that this includes.
    pub sequence: u64,
    /// When that was stamped.
    pub at: String,
    /// Every asset that was listed, zeros included.
    pub balances: Vec<BalanceAtView>,
    /// Oldest first.
    pub open_orders: Vec<OpenOrderView>,
}

/// What an account had of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BalanceAtView {
    /// Its code.
    pub asset: String,
    /// Free to use.
    pub available: String,
    /// Behind open orders and transfers to come.
    pub held: String,
    /// Both.
    pub total: String,
}

/// An order that was open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenOrderView {
    /// Its id, unique within its market.
    pub order: String,
    /// The owner's own id; may be empty.
    pub client_order_id: String,
    /// Its market.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// `limit`, `limit_maker`, `stop_loss`, `stop_loss_limit`, `take_profit` or `take_profit_limit`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `gtc`, `ioc` or `fok`.
    pub time_in_force: &'static str,
    /// Limit price, for orders that have one.
    pub price: Option<String>,
    /// Stop price, for orders that have one.
    pub stop_price: Option<String>,
    /// As placed.
    pub quantity: String,
    /// What was still open.
    pub remaining: String,
    /// It was in the book; false while it waited for its trigger.
    pub working: bool,
    /// The other order, while its list was alive.
    pub other_order: Option<String>,
    /// When it was accepted.
    pub created_at: String,
}

impl AccountAt {
    /// In words. `stamp` writes a time.
    pub fn view(
        &self,
        assets: &[AssetListing],
        markets: &[MarketListing],
        stamp: impl Fn(Timestamp) -> String,
    ) -> AccountAtView {
        let balance = |of: &crate::AssetBalance| {
            let asset = assets.get(usize::from(of.asset.0))?;
            let (available, held) = (of.balance.available, of.balance.held);
            Some(BalanceAtView {
                asset: asset.code.clone(),
                available: asset.text(available),
                held: asset.text(held),
                total: asset.text(Amount(available.0.saturating_add(held.0))),
            })
        };
        let order = |order: &OpenOrder| {
            let market = markets.get(usize::from(order.market.0))?;
            Some(open_order(market, order, stamp(order.at)))
        };
        AccountAtView {
            sequence: self.sequence.0,
            at: stamp(self.at),
            balances: self.balances.iter().filter_map(balance).collect(),
            open_orders: self.open_orders.iter().filter_map(order).collect(),
        }
    }
}

fn open_order(market: &MarketListing, order: &OpenOrder, created_at: String) -> OpenOrderView {
    let gtc = TimeInForce::Gtc;
    let (kind, time_in_force, price, stop_price, quantity) = match order.kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => ("limit", time_in_force, Some(price), None, quantity),
        OrderKind::LimitMaker { price, quantity } => ("limit_maker", gtc, Some(price), None, quantity),
        OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        } => (stop_name(trigger, false), gtc, None, Some(stop_price), quantity),
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            time_in_force,
        } => {
            let kind = stop_name(trigger, true);
            (kind, time_in_force, Some(price), Some(stop_price), quantity)
        }
        // Market orders never stay open.
        OrderKind::Market { quantity } => ("market", gtc, None, None, quantity),
        OrderKind::MarketQuote { .. } => ("market", gtc, None, None, order.remaining),
    };
    OpenOrderView {
        order: order.order.to_string(),
        client_order_id: order.client_order_id.to_string(),
        symbol: market.spec.symbol.clone(),
        side: match order.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        kind,
        time_in_force: match time_in_force {
            TimeInForce::Gtc => "gtc",
            TimeInForce::Ioc => "ioc",
            TimeInForce::Fok => "fok",
        },
        price: price.map(|price| market.price_text(price)),
        stop_price: stop_price.map(|price| market.price_text(price)),
        quantity: market.quantity_text(quantity),
        remaining: market.quantity_text(order.remaining),
        working: order.working,
        other_order: order.other.map(|other| other.to_string()),
        created_at,
    }
}

fn stop_name(trigger: Trigger, limit: bool) -> &'static str {
    match (trigger, limit) {
        (Trigger::StopLoss, false) => "stop_loss",
        (Trigger::StopLoss, true) => "stop_loss_limit",
        (Trigger::TakeProfit, false) => "take_profit",
        (Trigger::TakeProfit, true) => "take_profit_limit",
    }
}
