//! What the owners of orders and balances are told.

use super::Publisher;
use crate::list_values::{ListFacts, list_status};
use crate::user_events::{
    Execution, Told, account_position, balance_update, execution_report, is_told_already, made_cancel_name,
    moved, prevention_ends,
};
use axum::extract::ws::Utf8Bytes;
use ensoex_engine::{CloseReason, Event};
use ensoex_types::{AccountId, AssetId, MarketId, OrderId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Publisher {
    /// Reports to the accounts that listen, and notes whose balances of which assets may have changed.
    pub(super) fn tell_accounts(
        &self,
        told: Told<'_>,
        position: usize,
        event: &Event,
        touched: &mut BTreeMap<AccountId, BTreeSet<AssetId>>,
    ) {
        if let Some(moved) = moved(event) {
            let assets = self.exchange.assets();
            let listing = assets.iter().find(|listing| listing.asset == moved.asset);
            let listening = moved
                .accounts
                .into_iter()
                .filter(|(account, _)| self.hub.has_account(*account));
            for (account, delta) in listening {
                if let Some((listing, delta)) = listing.zip(delta) {
                    self.tell(account, &balance_update(told, listing, delta));
                }
                touched.entry(account).or_default().insert(moved.asset);
            }
        }
        for (market, order, execution) in self.executions(told, position, event) {
            let Some((listing, tracked)) = self.listing(market).zip(self.mirror.order(market, order)) else {
                continue;
            };
            if self.hub.has_account(tracked.account) {
                let number = position * 2 + usize::from(is_taker(event, order));
                self.tell(
                    tracked.account,
                    &execution_report(listing, told, (order, tracked), &execution, number),
                );
                touched
                    .entry(tracked.account)
                    .or_default()
                    .extend([listing.base.asset, listing.quote.asset]);
            }
        }
    }

    fn executions<'e>(
        &self,
        told: Told<'_>,
        position: usize,
        event: &'e Event,
    ) -> Vec<(MarketId, OrderId, Execution<'e>)> {
        match event {
            Event::OrderAccepted { order, market, .. } | Event::OrderTriggered { order, market, .. } => {
                vec![(*market, *order, Execution::New)]
            }
            Event::MatchPrevented {
                market,
                price,
                quantity,
                maker_order,
                taker_order,
                ..
            } => [(*maker_order, *taker_order), (*taker_order, *maker_order)]
                .map(|(order, counter)| {
                    let execution = Execution::Prevented {
                        price: *price,
                        quantity: *quantity,
                        counter,
                        ends: prevention_ends(told.events, position, *market, order),
                    };
                    (*market, order, execution)
                })
                .into(),
            Event::OrderReduced { order, market, .. } => vec![(*market, *order, Execution::Reduced)],
            Event::Trade(trade) => [trade.maker_order, trade.taker_order]
                .map(|order| (trade.market, order, Execution::Trade { trade, position }))
                .into(),
            Event::OrderClosed {
                order,
                market,
                reason,
                remaining,
                ..
            } if *reason != CloseReason::Filled
                && !is_told_already(told.events, position, *market, *order) =>
            {
                let name = self.hub.take_cancel_name(*market, *order);
                let name = name.unwrap_or_else(|| made_cancel_name(told.sequence, *order));
                vec![(
                    *market,
                    *order,
                    Execution::Closed {
                        reason: *reason,
                        remaining: *remaining,
                        name,
                    },
                )]
            }
            _ => Vec::new(),
        }
    }

    fn tell(&self, account: AccountId, event: &Value) {
        self.hub
            .publish_private(account, &Utf8Bytes::from(event.to_string()));
    }

    /// Tells of the list that `order` was placed in, while both of its orders are known.
    pub(super) fn tell_list(&self, told: Told<'_>, market: MarketId, order: OrderId, executing: bool) {
        let tracked = |order| self.mirror.order(market, order);
        let Some((listing, place)) = self
            .listing(market)
            .zip(tracked(order).and_then(|tracked| tracked.list))
        else {
            return;
        };
        let (above, below) = if order == place.list {
            (order, place.other)
        } else {
            (place.list, order)
        };
        let Some((first, second)) = tracked(above).zip(tracked(below)) else {
            return;
        };
        if self.hub.has_account(first.account) {
            let facts = ListFacts {
                above: (above, first.client_order_id.as_str()),
                below: (below, second.client_order_id.as_str()),
                list_client_order_id: place.list_client_order_id.as_str(),
                status: list_status(executing),
                at_ms: told.at_ms,
            };
            self.tell(first.account, &facts.event(listing, told.now_ms));
        }
    }

    pub(super) fn tell_balances(&self, told: Told<'_>, account: AccountId, wanted: &BTreeSet<AssetId>) {
        let assets = self.exchange.assets();
        let balances: Vec<_> = self.exchange.read(|engine| {
            let wanted = assets.iter().filter(|asset| wanted.contains(&asset.asset));
            wanted
                .map(|asset| (asset, engine.balance(account, asset.asset)))
                .collect()
        });
        self.tell(account, &account_position(told, &balances));
    }
}

fn is_taker(event: &Event, order: OrderId) -> bool {
    match event {
        Event::Trade(trade) => trade.taker_order == order,
        Event::MatchPrevented { taker_order, .. } => *taker_order == order,
        _ => false,
    }
}
