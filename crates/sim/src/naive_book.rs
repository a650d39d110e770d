//! A plain order book: a tree of prices with a queue each. The yardstick beside which the engine is timed, and the
//! book that the generators trade on.
//!
//! Knows no accounts, balances, fees, rules or events.

use crate::workload::{Line, Operation};
use ensoex_engine::Side;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Queues by price; a queue holds order ids and what remains of each.
type Half = BTreeMap<u64, VecDeque<(u32, u64)>>;

/// See the module's doc.
#[derive(Default)]
pub struct NaiveBook {
    bids: Half,
    asks: Half,
    places: HashMap<u32, (Side, u64)>,
    /// Number of trades.
    pub trades: u64,
    /// Lots traded.
    pub volume: u64,
}

impl NaiveBook {
    /// Applies a line; orders that it filled are appended to `filled`.
    pub fn apply(&mut self, line: &Line, filled: &mut Vec<u32>) {
        match line.operation {
            Operation::Place { immediate } => self.place(line, !immediate, filled),
            Operation::Cancel => self.cancel(line.order),
            Operation::Reduce => self.reduce(line.order, line.quantity),
            Operation::Move => {
                self.cancel(line.order);
                self.place(line, true, filled);
            }
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn place(&mut self, line: &Line, rests: bool, filled: &mut Vec<u32>) {
        let mut left = line.quantity;
        while left > 0 {
            let best = match line.side {
                Side::Buy => self.asks.first_entry().filter(|level| *level.key() <= line.price),
                Side::Sell => self.bids.last_entry().filter(|level| *level.key() >= line.price),
            };
            let Some(mut level) = best else {
                break;
            };
            let Some((maker, remaining)) = level.get_mut().front_mut() else {
                level.remove();
                continue;
            };
            let lots = left.min(*remaining);
            left -= lots;
            *remaining -= lots;
            self.trades += 1;
            self.volume += lots;
            if *remaining == 0 {
                filled.push(*maker);
                self.places.remove(maker);
                level.get_mut().pop_front();
                if level.get().is_empty() {
                    level.remove();
                }
            }
        }
        if left > 0 && rests {
            let queue = self.half(line.side).entry(line.price).or_default();
            queue.push_back((line.order, left));
            self.places.insert(line.order, (line.side, line.price));
        }
    }

    fn cancel(&mut self, order: u32) {
        let Some((side, price)) = self.places.remove(&order) else {
            return;
        };
        let half = self.half(side);
        if let Some(queue) = half.get_mut(&price) {
            queue.retain(|(id, _)| *id != order);
            if queue.is_empty() {
                half.remove(&price);
            }
        }
    }

    fn reduce(&mut self, order: u32, by: u64) {
        let Some((side, price)) = self.places.get(&order).copied() else {
            return;
        };
        let queue = self.half(side).get_mut(&price);
        let found = queue.and_then(|queue| queue.iter_mut().find(|(id, _)| *id == order));
        match found {
            Some((_, remaining)) if *remaining > by => *remaining -= by,
            _ => self.cancel(order),
        }
    }

    /// Number of open orders.
    pub fn resting_orders(&self) -> usize {
        self.places.len()
    }

    /// Number of price levels, bids and asks.
    pub fn levels(&self) -> (usize, usize) {
        (self.bids.len(), self.asks.len())
    }

    /// What remains of an order and its price, if it rests.
    pub fn resting(&self, order: u32) -> Option<(Side, u64, u64)> {
        let (side, price) = self.places.get(&order).copied()?;
        let half = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        let queue = half.get(&price)?;
        let (_, remaining) = queue.iter().find(|(id, _)| *id == order)?;
        Some((side, price, *remaining))
    }
}
