//! Two orders of which one at most is filled or triggered (one cancels the other).
//!
//! Checks: market, account, the account may trade, market state, which kinds belong together, prices around the last
//! one, then both orders alone (`above` first), client order ids, room, balance, would-take. The pair holds the greater of
//! its two needs, once. From then on it ends as soon as anything happens to one of the two; see
//! [`crate::matching::end_list`]. Knows no triggers.

use crate::book::{NewOrder, Placed};
use crate::engine::Engine;
use crate::market::Market;
use crate::place::{accepted, check_counts, check_kind, check_name, park, set_name};
use crate::stops::Stop;
use crate::{Event, OcoKind, OcoOrder, PlaceOco, PlaceOrder, Reject, Side, Trigger};
use alloc::vec::Vec;
use ensoex_types::{OrderId, Timestamp};

impl OcoKind {
    /// The price that the pair's rule is about.
    const fn reference(&self) -> u64 {
        match self {
            OcoKind::LimitMaker { price } => price.0,
            OcoKind::Stop { stop_price, .. } | OcoKind::StopLimit { stop_price, .. } => stop_price.0,
        }
    }

    /// Price at which a buy holds money for it.
    const fn need_price(&self) -> u64 {
        match self {
            OcoKind::LimitMaker { price } | OcoKind::StopLimit { price, .. } => price.0,
            OcoKind::Stop { stop_price, .. } => stop_price.0,
        }
    }

    const fn is_stop_loss(&self) -> bool {
        matches!(
            self,
            OcoKind::Stop {
                trigger: Trigger::StopLoss,
                ..
            } | OcoKind::StopLimit {
                trigger: Trigger::StopLoss,
                ..
            }
        )
    }

    const fn is_stop(&self) -> bool {
        !matches!(self, OcoKind::LimitMaker { .. })
    }
}

impl PlaceOco {
    fn order(&self, of: &OcoOrder) -> PlaceOrder {
        PlaceOrder {
            account: self.account,
            market: self.market,
            side: self.side,
            kind: of.kind.of(self.quantity),
            self_trade_prevention: self.self_trade_prevention,
            client_order_id: of.client_order_id,
        }
    }

    /// The stop-loss and the other order.
    fn by_purpose(&self) -> (&OcoKind, &OcoKind) {
        match self.side {
            Side::Buy => (&self.above.kind, &self.below.kind),
            Side::Sell => (&self.below.kind, &self.above.kind),
        }
    }

    fn check(&self, market: &Market) -> Result<(), Reject> {
        let (loss, profit) = self.by_purpose();
        if !loss.is_stop_loss() || profit.is_stop_loss() {
            return Err(Reject::OcoKinds);
        }
        let (above, below) = (self.above.kind.reference(), self.below.kind.reference());
        let last = market.last_price;
        if above <= below || (last > 0 && (above <= last || below >= last)) {
            return Err(Reject::OcoPrices);
        }
        check_kind(market, self.side, &self.above.kind.of(self.quantity))?;
        check_kind(market, self.side, &self.below.kind.of(self.quantity))
    }
}

impl Engine {
    /// See the module's doc. A refusal has changed nothing and appended nothing.
    #[inline(never)]
    pub(crate) fn place_oco(
        &mut self,
        place: &PlaceOco,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let market = self
            .markets
            .get_mut(usize::from(place.market.0))
            .ok_or(Reject::UnknownMarket)?;
        let entry = self.ledger.entry(place.account).ok_or(Reject::UnknownAccount)?;
        if entry.restrictions().no_trade {
            return Err(Reject::AccountMayNotTrade);
        }
        market.check_takes_orders()?;
        place.check(market)?;
        let slot = entry.slot();
        let names = (place.above.client_order_id, place.below.client_order_id);
        check_name(&self.clients, slot, &names.0)?;
        check_name(&self.clients, slot, &names.1)?;
        if !names.0.is_empty() && names.0 == names.1 {
            return Err(Reject::DuplicateClientOrderId);
        }
        let kinds = [place.above.kind, place.below.kind];
        let stops = kinds.iter().filter(|kind| kind.is_stop()).count() as u32;
        check_counts(market, slot, 2, stops)?;
        let lots = place.quantity.0;
        // Quantities are below 2^63.
        if market.book.is_full(place.side, lots * 2) {
            return Err(Reject::CapacityReached);
        }
        let need_price = kinds[0].need_price().max(kinds[1].need_price());
        let (asset, amount) = market.need(place.side, need_price, lots);
        if !self.ledger.covers(slot, asset, amount) {
            return Err(Reject::InsufficientBalance);
        }
        for kind in &kinds {
            if let OcoKind::LimitMaker { price } = kind
                && market.book.best_within(place.side, price.0).is_some()
            {
                return Err(Reject::WouldTake);
            }
        }

        self.ledger.balance_mut(slot, asset).hold(amount);
        let header = events.len();
        let mut ids = [OrderId(0); 2];
        for (id, of) in ids.iter_mut().zip([&place.above, &place.below]) {
            let order = place.order(of);
            *id = OrderId(market.book.assign_id());
            events.push(accepted(&order, *id));
            match Stop::read(&order.kind, order.self_trade_prevention) {
                Some(stop) => park(market, &mut self.clients, &order, *id, slot, stop, at),
                None => {
                    market.book.rest(&NewOrder {
                        id: id.0,
                        side: order.side,
                        post_only: true,
                        price: of.kind.reference(),
                        remaining: lots,
                        account: slot,
                        placed: Placed {
                            quantity: lots,
                            at: at.0,
                        },
                    });
                    set_name(market, &mut self.clients, slot, *id, &order.client_order_id);
                }
            }
        }
        let [above, below] = ids;
        market.stops.pair(above.0, below.0);
        for id in ids {
            if let Some(slot) = market.book.find(id.0) {
                market.book.set_listed(slot, true);
            }
        }
        events.insert(
            header,
            Event::OcoAccepted {
                above,
                below,
                account: place.account,
                market: place.market,
                list_client_order_id: place.list_client_order_id,
            },
        );
        Ok(())
    }
}
