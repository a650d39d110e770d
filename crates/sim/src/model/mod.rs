//! The reference model: what the exchange does, written so that it is obviously right and nothing else.
//!
//! Lists that are searched from the start, totals from which holds are computed anew at every question, no
//! shortcut shared with the engine. Only the engine's choice of order ids is taken over (checked to be new and
//! greater than all before in its market). Amounts must stay below 2^106, so that a fee's product fits. Knows
//! none of the engine's limits on how many assets, markets and accounts there may be.

mod checks;
mod ends;
mod fees;
mod ledger;
mod listings;
mod matching;
mod orders;
mod queries;
mod triggers;

use ensoex_engine::{
    Command, Event, OrderKind, Reject, Restrictions, SelfTradePrevention, Side, Transfer, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, MarketId, MarketSpec, MarketState, OrderId, Price,
    Timestamp, TransferId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A market without its orders.
#[derive(Clone)]
struct Market {
    spec: MarketSpec,
    state: MarketState,
    last_order: OrderId,
    trades: u64,
    /// Price of the last trade.
    last_price: Option<i128>,
}

/// An order that is open: it lies in the book, or waits for its trigger.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    order: OrderId,
    account: AccountId,
    market: MarketId,
    side: Side,
    /// As placed.
    kind: OrderKind,
    self_trade_prevention: SelfTradePrevention,
    name: ClientOrderId,
    at: Timestamp,
    /// In the book.
    working: bool,
    /// The other order of its list.
    other: Option<OrderId>,
    /// Lots still open.
    remaining: i128,
}

impl Waiting {
    /// The limit price, or the stop price of an order without one: what it lies at in the book, and what is held
    /// for it. Market orders never wait.
    fn price(&self) -> i128 {
        match self.kind {
            OrderKind::Limit { price, .. }
            | OrderKind::LimitMaker { price, .. }
            | OrderKind::StopLimit { price, .. } => number(price),
            OrderKind::Stop { stop_price, .. } => number(stop_price),
            OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => 0,
        }
    }

    /// What triggers it and at which price, if it still waits for that.
    fn awaits(&self) -> Option<(Trigger, Price)> {
        match self.kind {
            OrderKind::Stop {
                trigger, stop_price, ..
            }
            | OrderKind::StopLimit {
                trigger, stop_price, ..
            } if !self.working => Some((trigger, stop_price)),
            _ => None,
        }
    }
}

/// What an account traded on one UTC day for one quote asset.
#[derive(Clone, Copy, Debug)]
struct Volume {
    day: i128,
    account: AccountId,
    quote: AssetId,
    amount: i128,
}

/// The whole exchange, naively.
#[derive(Clone)]
pub struct Model {
    assets: Vec<AssetSpec>,
    markets: Vec<Market>,
    accounts: BTreeSet<AccountId>,
    /// Available and held together.
    totals: BTreeMap<(AccountId, AssetId), i128>,
    /// Open orders; of those at one price, the first in the list has priority.
    waiting: Vec<Waiting>,
    transfers_used: BTreeSet<TransferId>,
    transfers_held: Vec<Transfer>,
    restrictions: BTreeMap<AccountId, Restrictions>,
    account_tiers: BTreeMap<AccountId, u8>,
    fee_tiers: BTreeMap<AssetId, Vec<Amount>>,
    volumes: Vec<Volume>,
    /// The latest time of any command.
    latest: Timestamp,
    /// Time of the command that is being applied.
    at: Timestamp,
    /// The engine's ids for the orders that this command places.
    ids: VecDeque<OrderId>,
}

impl Default for Model {
    fn default() -> Model {
        Model::new()
    }
}

fn number(price: Price) -> i128 {
    i128::from(price.0)
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
            restrictions: BTreeMap::new(),
            account_tiers: BTreeMap::new(),
            fee_tiers: BTreeMap::new(),
            volumes: Vec::new(),
            latest: Timestamp(0),
            at: Timestamp(0),
            ids: VecDeque::new(),
        }
    }

    /// Applies one command. `ids` are the engine's ids for the orders that this command places, if it did.
    ///
    /// # Errors
    /// An id is not greater than all before it in its market, or is too large.
    pub fn apply(
        &mut self,
        at: Timestamp,
        command: &Command,
        ids: impl IntoIterator<Item = OrderId>,
    ) -> Result<Vec<Event>, String> {
        self.at = at;
        self.latest = self.latest.max(at);
        self.ids = ids.into_iter().collect();
        let mut events = Vec::new();
        if let Err(reject) = self.dispatch(command, &mut events) {
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

    fn dispatch(&mut self, command: &Command, events: &mut Vec<Event>) -> Result<(), Reject> {
        match command {
            Command::ListAsset { asset, spec } => self.list_asset(*asset, spec, events),
            Command::ListMarket { market, spec } => self.list_market(*market, spec, events),
            Command::SetMarketState { market, state } => self.set_market_state(*market, *state, events),
            Command::OpenAccount { account } => self.open_account(*account, events),
            Command::PlaceOrder(place) => self.place(place, events),
            Command::PlaceOco(place) => self.place_oco(place, events),
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
            } => self.reduce(*account, *market, order, *by, events),
            Command::ReplaceOrder { order, place } => self.replace(order, place, events),
            Command::Transfer(transfer) => self.transfer(transfer, events),
            Command::HoldTransfer(transfer) => self.hold(transfer, events),
            Command::PostTransfer { transfer } => self.post(*transfer, events),
            Command::VoidTransfer { transfer } => self.void(*transfer, events),
            Command::RestrictAccount {
                account,
                restrictions,
            } => self.restrict(*account, *restrictions, events),
            Command::SetAccountTier { account, tier } => self.set_account_tier(*account, *tier, events),
            Command::SetFeeTiers { quote, volumes } => self.set_fee_tiers(*quote, volumes, events),
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

    /// What risk forbids the account.
    fn restricted(&self, account: AccountId) -> Restrictions {
        self.restrictions.get(&account).copied().unwrap_or_default()
    }
}
