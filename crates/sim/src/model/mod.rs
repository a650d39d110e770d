//! The reference model: what the exchange does, written so that it is obviously right and nothing else.
//!
//! Lists that are searched from the start, totals from which holds are computed anew at every question, no
//! shortcut shared with the engine. Only the engine's choice of order ids is taken over (checked to be new and
//! greater than all before in its market). Amounts must stay below 2^106, so that a fee's product fits.

mod ledger;
mod orders;

use ensoex_engine::{Balance, Command, Event, Reject, Side, Transfer};
use ensoex_types::{
    AccountId, AssetId, AssetSpec, MarketId, MarketSpec, MarketState, OrderId, Price, Quantity, Timestamp,
    TransferId,
};
use std::collections::{BTreeMap, BTreeSet};

/// A market without its orders.
#[derive(Clone)]
struct Market {
    spec: MarketSpec,
    state: MarketState,
    last_order: OrderId,
    trades: u64,
}

/// An order that waits.
#[derive(Clone, Debug)]
struct Waiting {
    order: OrderId,
    account: AccountId,
    market: MarketId,
    side: Side,
    price: i128,
    remaining: i128,
    name: String,
}

/// The whole exchange, naively.
#[derive(Clone)]
pub struct Model {
    assets: Vec<AssetSpec>,
    markets: Vec<Market>,
    accounts: BTreeSet<AccountId>,
    /// Available and held together.
    totals: BTreeMap<(AccountId, AssetId), i128>,
    /// In the order accepted.
    waiting: Vec<Waiting>,
    transfers_used: BTreeSet<TransferId>,
    transfers_held: Vec<Transfer>,
}

impl Default for Model {
    fn default() -> Model {
        Model::new()
    }
}

impl Model {
    /// An exchange with only the house accounts.
    pub fn new() -> Model {
        let house = [
            AccountId::PAY_CLEARING,
            AccountId::FEES,
            AccountId::OPERATOR_CAPITAL,
        ];
        Model {
            assets: Vec::new(),
            markets: Vec::new(),
            accounts: BTreeSet::from(house),
            totals: BTreeMap::new(),
            waiting: Vec::new(),
            transfers_used: BTreeSet::new(),
            transfers_held: Vec::new(),
        }
    }

    /// Applies one command. `id` is the engine's id for an order that this command places, if it did.
    ///
    /// # Errors
    /// The id is not greater than all before it in its market, or is too large.
    pub fn apply(
        &mut self,
        _at: Timestamp,
        command: &Command,
        id: Option<OrderId>,
    ) -> Result<Vec<Event>, String> {
        let mut events = Vec::new();
        if let Err(reject) = self.dispatch(command, id.unwrap_or(OrderId(0)), &mut events) {
            events.push(Event::Rejected { reject });
        }
        for event in &events {
            if let Event::OrderAccepted { order, market, .. } = event {
                let market = &mut self.markets[usize::from(market.0)];
                if *order <= market.last_order || order.0 >= 1 << 53 {
                    return Err(format!("order id {order} after {}", market.last_order));
                }
                market.last_order = *order;
            }
        }
        Ok(events)
    }

    fn dispatch(&mut self, command: &Command, id: OrderId, events: &mut Vec<Event>) -> Result<(), Reject> {
        match command {
            Command::ListAsset { asset, spec } => {
                let known = self.assets.iter().any(|listed| listed.code == spec.code);
                if known || usize::from(asset.0) != self.assets.len() {
                    return Err(Reject::AlreadyListed);
                }
                spec.check().map_err(Reject::InvalidSpec)?;
                self.assets.push(spec.clone());
                events.push(Event::AssetListed { asset: *asset });
                Ok(())
            }
            Command::ListMarket { market, spec } => {
                let known = self
                    .markets
                    .iter()
                    .any(|listed| listed.spec.symbol == spec.symbol);
                if known || usize::from(market.0) != self.markets.len() {
                    return Err(Reject::AlreadyListed);
                }
                for asset in [spec.base, spec.quote] {
                    self.known_asset(asset)?;
                }
                spec.check().map_err(Reject::InvalidSpec)?;
                self.markets.push(Market {
                    spec: spec.clone(),
                    state: MarketState::Trading,
                    last_order: OrderId(0),
                    trades: 0,
                });
                events.push(Event::MarketListed { market: *market });
                Ok(())
            }
            Command::SetMarketState { market, state } => {
                self.known_market(*market)?;
                self.markets[usize::from(market.0)].state = *state;
                events.push(Event::MarketStateChanged {
                    market: *market,
                    state: *state,
                });
                Ok(())
            }
            Command::OpenAccount { account } => {
                if !self.accounts.insert(*account) {
                    return Err(Reject::AlreadyListed);
                }
                events.push(Event::AccountOpened { account: *account });
                Ok(())
            }
            Command::PlaceOrder(place) => self.place(place, id, events),
            Command::CancelOrder {
                account,
                market,
                order,
            } => self.cancel(*account, *market, order, events),
            Command::CancelAllOrders { account, market } => self.cancel_all(*account, *market, events),
            Command::ReduceOrder {
                account,
                market,
                order,
                by,
            } => self.reduce(*account, *market, order, by.0, events),
            Command::ReplaceOrder { order, place } => self.replace(order, place, id, events),
            Command::Transfer(transfer) => self.transfer(transfer, events),
            Command::HoldTransfer(transfer) => self.hold(transfer, events),
            Command::PostTransfer { transfer } => self.post(*transfer, events),
            Command::VoidTransfer { transfer } => self.void(*transfer, events),
        }
    }

    fn known_asset(&self, asset: AssetId) -> Result<(), Reject> {
        match self.assets.get(usize::from(asset.0)) {
            Some(_) => Ok(()),
            None => Err(Reject::UnknownAsset),
        }
    }

    fn known_market(&self, market: MarketId) -> Result<&Market, Reject> {
        self.markets
            .get(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)
    }

    fn known_account(&self, account: AccountId) -> Result<(), Reject> {
        match self.accounts.contains(&account) {
            true => Ok(()),
            false => Err(Reject::UnknownAccount),
        }
    }

    /// What the account has, as the engine reports it.
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        Balance {
            available: ensoex_types::Amount(self.available(account, asset)),
            held: ensoex_types::Amount(self.held(account, asset)),
        }
    }

    /// Accounts, ascending.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied()
    }

    /// Number of assets.
    pub fn asset_count(&self) -> u16 {
        self.assets.len() as u16
    }

    /// Number of markets.
    pub fn market_count(&self) -> u16 {
        self.markets.len() as u16
    }

    /// Open orders of a market in the order accepted: id, side, price, lots left.
    pub fn open(&self, market: MarketId) -> Vec<(OrderId, AccountId, Side, Price, Quantity)> {
        self.waiting
            .iter()
            .filter(|order| order.market == market)
            .map(|order| {
                let (price, lots) = (order.price as u64, order.remaining as u64);
                (
                    order.order,
                    order.account,
                    order.side,
                    Price(price),
                    Quantity(lots),
                )
            })
            .collect()
    }
}
