//! Stop and take-profit orders that a trade's price has reached.

use super::ends::closed;
use super::matching::Taker;
use super::orders::UNLIMITED;
use super::{Model, number};
use ensoex_engine::{CloseReason, Event, OrderKind, Side, TimeInForce, Trigger};
use ensoex_types::{MarketId, OrderId, Price};
use std::collections::VecDeque;

/// A trade at `price` triggers an order of `side`: a stop-loss when the market moves against it, a take-profit when it
/// moves in its favour.
pub(super) fn is_reached(trigger: Trigger, side: Side, stop_price: Price, price: i128) -> bool {
    match (side, trigger) {
        (Side::Buy, Trigger::StopLoss) | (Side::Sell, Trigger::TakeProfit) => price >= number(stop_price),
        (Side::Sell, Trigger::StopLoss) | (Side::Buy, Trigger::TakeProfit) => price <= number(stop_price),
    }
}

impl Model {
    /// Triggers what the trades of one order have reached, then what the trades of those have, and so on.
    pub(super) fn work_off(&mut self, market: MarketId, prices: &[i128], events: &mut Vec<Event>) {
        let mut queue = VecDeque::from(self.reached(market, prices));
        while let Some(order) = queue.pop_front() {
            let prices = self.trigger(market, order, events);
            queue.extend(self.reached(market, &prices));
        }
    }

    /// Orders that wait for any of these prices, ascending by id.
    fn reached(&self, market: MarketId, prices: &[i128]) -> Vec<OrderId> {
        let mut reached = Vec::new();
        for order in self.waiting.iter().filter(|order| order.market == market) {
            if let Some((trigger, stop_price)) = order.awaits()
                && prices
                    .iter()
                    .any(|price| is_reached(trigger, order.side, stop_price, *price))
            {
                reached.push(order.order);
            }
        }
        reached.sort();
        reached
    }

    /// Triggers an order if it still waits for that. Returns the prices of its trades.
    fn trigger(&mut self, market: MarketId, id: OrderId, events: &mut Vec<Event>) -> Vec<i128> {
        let found = self.position(market, id);
        let Some(position) = found.filter(|position| self.waiting[*position].awaits().is_some()) else {
            return Vec::new();
        };
        events.push(Event::OrderTriggered {
            order: id,
            account: self.waiting[position].account,
            market,
        });
        self.end_list(market, id, events);
        let position = self.position(market, id).unwrap_or(position);
        let order = self.waiting.remove(position);
        if self.restricted(order.account).no_trade {
            events.push(closed(&order, CloseReason::Restricted));
            return Vec::new();
        }
        let mut taker = Taker {
            account: order.account,
            market,
            side: order.side,
            self_trade_prevention: order.self_trade_prevention,
            limit: None,
            lots: order.remaining,
            quote: UNLIMITED,
        };
        if let OrderKind::StopLimit {
            price, time_in_force, ..
        } = order.kind
        {
            taker.limit = Some(number(price));
            if time_in_force == TimeInForce::Fok && !self.is_fillable(&taker) {
                events.push(closed(&order, CloseReason::Expired));
                return Vec::new();
            }
        } else {
            taker.limit = self.band_edge(market, order.side);
            if order.side == Side::Buy {
                let quote = self.markets[usize::from(market.0)].spec.quote;
                taker.quote = self.spendable(order.account, quote);
            }
        }
        self.run(order, taker, events)
    }
}
