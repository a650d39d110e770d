//! Orders of one market that wait for a trade's price to reach their stop price.
//!
//! Two trees, one for orders that wait for the price to rise and one for those that wait for it to fall, by stop
//! price and order id; the nearest stop price of each is kept apart, so that a trade that triggers nothing costs two
//! comparisons. What was asked for is kept until the order closes, also after its trigger. Knows no balances, no queue
//! of the book and no events.

use crate::{OrderKind, SelfTradePrevention, Side, TimeInForce, Trigger};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use ensoex_types::{Price, Quantity};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// How a stop or take-profit order was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// From which side the price must come.
    pub trigger: Trigger,
    /// The price that a trade must reach.
    pub stop_price: Price,
    /// Limit price and time in force; a market order if there is none.
    pub limit: Option<(Price, TimeInForce)>,
    /// What happens when it then meets an order of the same account.
    pub self_trade_prevention: SelfTradePrevention,
}

impl Stop {
    /// The order as placed; `None` if it waits for nothing.
    pub(crate) fn read(kind: &OrderKind, prevention: SelfTradePrevention) -> Option<Stop> {
        let (trigger, stop_price, limit) = match *kind {
            OrderKind::Stop {
                trigger, stop_price, ..
            } => (trigger, stop_price, None),
            OrderKind::StopLimit {
                trigger,
                stop_price,
                price,
                time_in_force,
                ..
            } => (trigger, stop_price, Some((price, time_in_force))),
            _ => return None,
        };
        Some(Stop {
            trigger,
            stop_price,
            limit,
            self_trade_prevention: prevention,
        })
    }

    /// As it was asked for.
    pub(crate) fn kind(&self, quantity: Quantity) -> OrderKind {
        let (trigger, stop_price) = (self.trigger, self.stop_price);
        match self.limit {
            None => OrderKind::Stop {
                trigger,
                stop_price,
                quantity,
            },
            Some((price, time_in_force)) => OrderKind::StopLimit {
                trigger,
                stop_price,
                price,
                quantity,
                time_in_force,
            },
        }
    }

    /// What it is once triggered.
    pub(crate) fn triggered(&self, quantity: Quantity) -> OrderKind {
        match self.limit {
            None => OrderKind::Market { quantity },
            Some((price, time_in_force)) => OrderKind::Limit {
                price,
                quantity,
                time_in_force,
            },
        }
    }

    /// Price at which a buy holds money while it waits.
    pub(crate) fn need_price(&self) -> u64 {
        self.limit.map_or(self.stop_price.0, |(price, _)| price.0)
    }
}

/// See the module's doc.
pub(crate) struct Stops {
    placed: HashMap<u64, Stop>,
    rising: BTreeSet<(u64, u64)>,
    falling: BTreeSet<(u64, u64)>,
    /// Lowest stop price of the rising, highest of the falling.
    nearest: (u64, u64),
    /// The other order of each order in a list.
    others: HashMap<u64, u64>,
}

impl Default for Stops {
    fn default() -> Stops {
        Stops {
            placed: HashMap::new(),
            rising: BTreeSet::new(),
            falling: BTreeSet::new(),
            nearest: (u64::MAX, 0),
            others: HashMap::new(),
        }
    }
}

impl Stops {
    /// Remembers a waiting order.
    pub(crate) fn wait(&mut self, id: u64, side: Side, stop: Stop) {
        self.placed.insert(id, stop);
        self.waiting(stop.trigger.rises(side))
            .insert((stop.stop_price.0, id));
        self.find_nearest();
    }

    /// Remembers how an order was placed that waits no more.
    pub(crate) fn restore_triggered(&mut self, id: u64, stop: Stop) {
        self.placed.insert(id, stop);
    }

    /// How the order was placed, waiting or not.
    pub(crate) fn get(&self, id: u64) -> Option<&Stop> {
        self.placed.get(&id)
    }

    /// Price at which the waiting order `id` holds money; 0 if there is none.
    pub(crate) fn need_price(&self, id: u64) -> u64 {
        self.placed.get(&id).map_or(0, Stop::need_price)
    }

    /// Forgets an order that closed.
    pub(crate) fn forget(&mut self, id: u64, side: Side) {
        if let Some(stop) = self.placed.remove(&id) {
            self.waiting(stop.trigger.rises(side))
                .remove(&(stop.stop_price.0, id));
            self.find_nearest();
        }
    }

    /// Trades between `low` and `high` reach a stop price.
    #[inline(always)]
    pub(crate) fn is_reached(&self, low: u64, high: u64) -> bool {
        self.nearest.0 <= high || self.nearest.1 >= low
    }

    /// Takes out the orders that trades between `low` and `high` reach: they wait for no trigger any more. Ids ascend.
    pub(crate) fn take_reached(&mut self, low: u64, high: u64) -> Vec<u64> {
        let beyond = self.rising.split_off(&(high.saturating_add(1), 0));
        let risen = core::mem::replace(&mut self.rising, beyond);
        let fallen = self.falling.split_off(&(low, 0));
        let mut ids: Vec<u64> = risen.iter().chain(&fallen).map(|(_, id)| *id).collect();
        ids.sort_unstable();
        self.find_nearest();
        ids
    }

    fn waiting(&mut self, rises: bool) -> &mut BTreeSet<(u64, u64)> {
        if rises {
            &mut self.rising
        } else {
            &mut self.falling
        }
    }

    fn find_nearest(&mut self) {
        let lowest = self.rising.first().map_or(u64::MAX, |(price, _)| *price);
        let highest = self.falling.last().map_or(0, |(price, _)| *price);
        self.nearest = (lowest, highest);
    }

    /// Makes a list of two orders.
    pub(crate) fn pair(&mut self, above: u64, below: u64) {
        self.others.insert(above, below);
        self.others.insert(below, above);
    }

    /// The other order of the list that `id` belongs to.
    pub(crate) fn other(&self, id: u64) -> Option<u64> {
        self.others.get(&id).copied()
    }

    /// Ends the list that `id` belongs to; returns the other order.
    pub(crate) fn unpair(&mut self, id: u64) -> Option<u64> {
        let other = self.others.remove(&id)?;
        self.others.remove(&other);
        Some(other)
    }

    /// Orders known, waiting ones by trigger, and pairs: numbers that must agree with the book.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (
            self.placed.len(),
            self.rising.len() + self.falling.len(),
            self.others.len(),
        )
    }

    /// A waiting order stands where a trade finds it.
    pub(crate) fn is_waiting(&self, id: u64, side: Side) -> bool {
        self.placed.get(&id).is_some_and(|stop| {
            let waiting = if stop.trigger.rises(side) {
                &self.rising
            } else {
                &self.falling
            };
            waiting.contains(&(stop.stop_price.0, id))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stop(trigger: Trigger, price: u64) -> Stop {
        Stop {
            trigger,
            stop_price: Price(price),
            limit: None,
            self_trade_prevention: SelfTradePrevention::ExpireTaker,
        }
    }

    proptest! {
        #[test]
        fn takes_exactly_what_the_trades_reach(
            orders in prop::collection::vec((any::<bool>(), any::<bool>(), 1..40_u64), 0..40),
            trades in prop::collection::vec(1..40_u64, 1..4),
        ) {
            let mut stops = Stops::default();
            let mut expected = Vec::new();
            for (id, (profits, sells, price)) in (1..).zip(&orders) {
                let trigger = if *profits { Trigger::TakeProfit } else { Trigger::StopLoss };
                let side = if *sells { Side::Sell } else { Side::Buy };
                stops.wait(id, side, stop(trigger, *price));
                let reached = |trade: &u64| trigger.is_reached(side, Price(*price), Price(*trade));
                if trades.iter().any(reached) {
                    expected.push(id);
                }
            }
            let low = trades.iter().copied().min().unwrap_or(0);
            let high = trades.iter().copied().max().unwrap_or(0);
            prop_assert_eq!(stops.is_reached(low, high), !expected.is_empty());
            prop_assert_eq!(stops.take_reached(low, high), expected);
            prop_assert!(!stops.is_reached(low, high));
        }
    }
}
