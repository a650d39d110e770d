//! The engine's state and its one way of changing it.

use crate::client_ids::ClientOrderIds;
use crate::fees::Fees;
use crate::ledger::{ASSETS_MAX, Ledger};
use crate::market::Market;
use crate::transfers::Transfers;
use crate::{Command, Event, OrderRef, PlaceOrder, Reject, Restrictions};
use alloc::vec::Vec;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FEE_TIERS_MAX, MarketId, MarketSpec, MarketState, Sequence,
    Timestamp,
};

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
    pub(crate) fees: Fees,
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
            fees: Fees::default(),
        }
    }

    /// Applies one command and appends its events (at least one) to `events`.
    ///
    /// A refusal is the single event [`Event::Rejected`] and changes nothing but the sequence, except for a
    /// [`Command::ReplaceOrder`] whose cancel worked: there it follows the old order's end.
    pub fn apply(&mut self, sequence: Sequence, at: Timestamp, command: &Command, events: &mut Vec<Event>) {
        self.sequence = sequence;
        self.fees.observe(at);
        // A function for each of the three that are nearly all there is; each is the last thing that is called.
        match command {
            Command::PlaceOrder(place) => self.place_alone(place, at, events),
            Command::CancelOrder {
                account,
                market,
                order,
            } => self.cancel_alone(*account, *market, order, events),
            Command::ReplaceOrder { order, place } => self.replace_alone(order, place, at, events),
            _ => self.apply_other(at, command, events),
        }
    }

    #[inline(never)]
    fn place_alone(&mut self, place: &PlaceOrder, at: Timestamp, events: &mut Vec<Event>) {
        if let Err(reject) = self.place(place, at, events) {
            refuse(reject, events);
        }
    }

    #[inline(never)]
    fn cancel_alone(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: &OrderRef,
        events: &mut Vec<Event>,
    ) {
        if let Err(reject) = self.cancel(account, market, order, events) {
            refuse(reject, events);
        }
    }

    #[inline(never)]
    fn replace_alone(
        &mut self,
        order: &OrderRef,
        place: &PlaceOrder,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        if let Err(reject) = self.replace(order, place, at, events) {
            refuse(reject, events);
        }
    }

    #[inline(never)]
    fn apply_other(&mut self, at: Timestamp, command: &Command, events: &mut Vec<Event>) {
        if let Err(reject) = self.dispatch(at, command, events) {
            refuse(reject, events);
        }
    }

    fn dispatch(&mut self, at: Timestamp, command: &Command, events: &mut Vec<Event>) -> Result<(), Reject> {
        let assets = self.assets.len();
        match command {
            // Done in `apply`.
            Command::PlaceOrder(_) | Command::CancelOrder { .. } | Command::ReplaceOrder { .. } => Ok(()),
            Command::ReduceOrder {
                account,
                market,
                order,
                by,
            } => self.reduce(*account, *market, order, *by, events),
            Command::CancelAllOrders { account, market } => self.cancel_all(*account, *market, events),
            Command::PlaceOco(place) => self.place_oco(place, at, events),
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
                self.fees.add_account(self.ledger.accounts().len());
                events.push(Event::AccountOpened { account: *account });
                Ok(())
            }
            Command::ListAsset { asset, spec } => self.list_asset(*asset, spec, events),
            Command::ListMarket { market, spec } => self.list_market(*market, spec, events),
            Command::SetMarketState { market, state } => self.set_market_state(*market, *state, events),
            Command::RestrictAccount {
                account,
                restrictions,
            } => self.restrict(*account, *restrictions, events),
            Command::SetAccountTier { account, tier } => self.set_tier(*account, *tier, events),
            Command::SetFeeTiers { quote, volumes } => self.set_fee_tiers(*quote, volumes, events),
        }
    }

    #[inline(never)]
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
        self.fees.add_asset();
        events.push(Event::AssetListed { asset });
        Ok(())
    }

    #[inline(never)]
    fn list_market(
        &mut self,
        market: MarketId,
        spec: &MarketSpec,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let taken = self
            .markets
            .iter()
            .any(|listed| listed.spec.symbol == spec.symbol && listed.state != MarketState::Delisted);
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
        self.fees
            .add_quote(usize::from(spec.quote.0), self.ledger.accounts().len());
        self.markets.push(Market::new(market, spec.clone()));
        events.push(Event::MarketListed { market });
        Ok(())
    }

    #[inline(never)]
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
        if listed.state == MarketState::Delisted {
            return Err(Reject::MarketDelisted);
        }
        listed.state = state;
        events.push(Event::MarketStateChanged { market, state });
        if state == MarketState::Delisted {
            self.close_market(market, events);
        }
        Ok(())
    }

    #[inline(never)]
    fn restrict(
        &mut self,
        account: AccountId,
        restrictions: Restrictions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let entry = self.ledger.entry(account).ok_or(Reject::UnknownAccount)?;
        self.ledger.set_entry(account, entry.tier(), restrictions);
        events.push(Event::AccountRestricted {
            account,
            restrictions,
        });
        Ok(())
    }

    #[inline(never)]
    fn set_tier(&mut self, account: AccountId, tier: u8, events: &mut Vec<Event>) -> Result<(), Reject> {
        let entry = self.ledger.entry(account).ok_or(Reject::UnknownAccount)?;
        if usize::from(tier) >= FEE_TIERS_MAX {
            return Err(Reject::InvalidFeeTiers);
        }
        self.ledger.set_entry(account, tier, entry.restrictions());
        self.fees.refresh_account(&self.ledger, entry.slot());
        events.push(Event::AccountTierChanged { account, tier });
        Ok(())
    }

    #[inline(never)]
    fn set_fee_tiers(
        &mut self,
        quote: AssetId,
        volumes: &[Amount],
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let asset = usize::from(quote.0);
        if asset >= self.assets.len() {
            return Err(Reject::UnknownAsset);
        }
        self.fees.set_thresholds(&self.ledger, asset, volumes)?;
        events.push(Event::FeeTiersChanged { quote });
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn refuse(reject: Reject, events: &mut Vec<Event>) {
    events.push(Event::Rejected { reject });
}
