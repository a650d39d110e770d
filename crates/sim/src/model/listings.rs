//! Assets, markets and accounts come, change and go.

use super::{Market, Model};
use ensoex_engine::{CloseReason, Event, Reject, Restrictions};
use ensoex_types::{AccountId, AssetId, AssetSpec, MarketId, MarketSpec, MarketState, OrderId};

impl Model {
    pub(super) fn list_asset(
        &mut self,
        asset: AssetId,
        spec: &AssetSpec,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let taken = self.assets.iter().any(|listed| listed.code == spec.code);
        if taken || usize::from(asset.0) != self.assets.len() {
            return Err(Reject::AlreadyListed);
        }
        spec.check().map_err(Reject::InvalidSpec)?;
        self.assets.push(spec.clone());
        events.push(Event::AssetListed { asset });
        Ok(())
    }

    pub(super) fn list_market(
        &mut self,
        market: MarketId,
        spec: &MarketSpec,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let taken = self
            .markets
            .iter()
            .any(|listed| listed.spec.symbol == spec.symbol && listed.state != MarketState::Delisted);
        if taken || usize::from(market.0) != self.markets.len() {
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
            last_price: None,
        });
        events.push(Event::MarketListed { market });
        Ok(())
    }

    pub(super) fn set_market_state(
        &mut self,
        market: MarketId,
        state: MarketState,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        if self.known_market(market)?.state == MarketState::Delisted {
            return Err(Reject::MarketDelisted);
        }
        self.markets[usize::from(market.0)].state = state;
        events.push(Event::MarketStateChanged { market, state });
        if state == MarketState::Delisted {
            let mut open: Vec<OrderId> = Vec::new();
            for order in self.waiting.iter().filter(|order| order.market == market) {
                open.push(order.order);
            }
            open.sort();
            for order in open {
                self.close_with_other(market, order, CloseReason::Delisted, events);
            }
        }
        Ok(())
    }

    pub(super) fn open_account(&mut self, account: AccountId, events: &mut Vec<Event>) -> Result<(), Reject> {
        if !self.accounts.insert(account) {
            return Err(Reject::AlreadyListed);
        }
        events.push(Event::AccountOpened { account });
        Ok(())
    }

    pub(super) fn restrict(
        &mut self,
        account: AccountId,
        restrictions: Restrictions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.known_account(account)?;
        self.restrictions.insert(account, restrictions);
        events.push(Event::AccountRestricted {
            account,
            restrictions,
        });
        Ok(())
    }
}
