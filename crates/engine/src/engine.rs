//! The engine's state and its one way of changing it.

use crate::client_id::ClientOrderIds;
use crate::ledger::{ASSETS_MAX, Ledger};
use crate::market::Market;
use crate::transfers::Transfers;
use crate::{Command, Event, Reject};
use alloc::vec::Vec;
use ensoex_types::{AssetId, AssetSpec, MarketId, MarketSpec, MarketState, Sequence, Timestamp};

/// Most markets.
const MARKETS_MAX: usize = 1_024;

/// Books and balances of the whole exchange.
pub struct Engine {
    pub(crate) sequence: Sequence,
    pub(crate) assets: Vec<AssetSpec>,
    pub(crate) markets: Vec<Market>,
    pub(crate) ledger: Ledger,
    pub(crate) transfers: Transfers,
    pub(crate) clients: ClientOrderIds,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// An engine with no assets, markets or accounts (the house accounts exist from the start).
    pub fn new() -> Engine {
        Engine {
            sequence: Sequence(0),
            assets: Vec::new(),
            markets: Vec::new(),
            ledger: Ledger::new(),
            transfers: Transfers::default(),
            clients: ClientOrderIds::new(),
        }
    }

    /// Applies one command and appends its events (at least one) to `events`.
    ///
    /// A refusal is the single event [`Event::Rejected`] and changes nothing but the sequence, except for a
    /// [`Command::ReplaceOrder`] whose cancel worked: there it follows the old order's end.
    pub fn apply(&mut self, sequence: Sequence, at: Timestamp, command: &Command, events: &mut Vec<Event>) {
        self.sequence = sequence;
        if let Err(reject) = self.dispatch(at, command, events) {
            events.push(Event::Rejected { reject });
        }
    }

    #[inline]
    fn dispatch(&mut self, at: Timestamp, command: &Command, events: &mut Vec<Event>) -> Result<(), Reject> {
        let assets = self.assets.len();
        match command {
            Command::PlaceOrder(place) => self.place(place, at, events),
            Command::CancelOrder {
                account,
                market,
                order,
            } => self.cancel(*account, *market, order, events),
            Command::ReduceOrder {
                account,
                market,
                order,
                by,
            } => self.reduce(*account, *market, order, *by, events),
            Command::ReplaceOrder { order, place } => self.replace(order, place, at, events),
            Command::CancelAllOrders { account, market } => self.cancel_all(*account, *market, events),
            Command::Transfer(transfer) => {
                self.transfers
                    .post_now(&mut self.ledger, assets, transfer, events)
            }
            Command::HoldTransfer(transfer) => {
                self.transfers.hold(&mut self.ledger, assets, transfer, events)
            }
            Command::PostTransfer { transfer } => {
                self.transfers.settle(&mut self.ledger, *transfer, true, events)
            }
            Command::VoidTransfer { transfer } => {
                self.transfers.settle(&mut self.ledger, *transfer, false, events)
            }
            Command::OpenAccount { account } => {
                self.ledger.open(*account)?;
                events.push(Event::AccountOpened { account: *account });
                Ok(())
            }
            Command::ListAsset { asset, spec } => self.list_asset(*asset, spec, events),
            Command::ListMarket { market, spec } => self.list_market(*market, spec, events),
            Command::SetMarketState { market, state } => self.set_market_state(*market, *state, events),
        }
    }

    fn list_asset(
        &mut self,
        asset: AssetId,
        spec: &AssetSpec,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let taken = self.assets.iter().any(|listed| listed.code == spec.code);
        if usize::from(asset.0) != self.assets.len() || taken {
            return Err(Reject::AlreadyListed);
        }
        spec.check().map_err(Reject::InvalidSpec)?;
        if self.assets.len() >= ASSETS_MAX {
            return Err(Reject::CapacityReached);
        }
        self.assets.push(spec.clone());
        self.ledger.add_asset();
        events.push(Event::AssetListed { asset });
        Ok(())
    }

    fn list_market(
        &mut self,
        market: MarketId,
        spec: &MarketSpec,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let taken = self
            .markets
            .iter()
            .any(|listed| listed.spec.symbol == spec.symbol);
        if usize::from(market.0) != self.markets.len() || taken {
            return Err(Reject::AlreadyListed);
        }
        let unlisted = |asset: AssetId| usize::from(asset.0) >= self.assets.len();
        if unlisted(spec.base) || unlisted(spec.quote) {
            return Err(Reject::UnknownAsset);
        }
        spec.check().map_err(Reject::InvalidSpec)?;
        if self.markets.len() >= MARKETS_MAX {
            return Err(Reject::CapacityReached);
        }
        self.markets.push(Market::new(market, spec.clone()));
        events.push(Event::MarketListed { market });
        Ok(())
    }

    fn set_market_state(
        &mut self,
        market: MarketId,
        state: MarketState,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let listed = self
            .markets
            .get_mut(usize::from(market.0))
            .ok_or(Reject::UnknownMarket)?;
        listed.state = state;
        events.push(Event::MarketStateChanged { market, state });
        Ok(())
    }
}
