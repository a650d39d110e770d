//! One market's book as the feed tells of it, with the prices that changed since each publisher looked.
//!
//! Knows no orders: [`crate::mirror`] does.

use ensoex_engine::{Level, Side};
use ensoex_types::{Price, Quantity};
use std::collections::{BTreeMap, BTreeSet};

/// One side of one book: lots at each price.
type Levels = BTreeMap<Price, u64>;

/// One market's book, with the prices that changed since each of the two publishers looked.
#[derive(Default)]
pub(crate) struct BookMirror {
    bids: Levels,
    asks: Levels,
    fast: Touched,
    slow: Touched,
}

/// Prices whose quantity changed.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) bids: BTreeSet<Price>,
    pub(crate) asks: BTreeSet<Price>,
}

impl Touched {
    /// Nothing changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }
}

impl BookMirror {
    /// All prices of a side.
    pub(crate) fn prices(&self, side: Side) -> Vec<Price> {
        let levels = if side == Side::Buy { &self.bids } else { &self.asks };
        levels.keys().copied().collect()
    }

    fn levels(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Changes the lots at a price.
    pub(crate) fn change(&mut self, side: Side, price: Price, change: impl FnOnce(u64) -> u64) {
        let levels = self.levels(side);
        let lots = change(levels.get(&price).copied().unwrap_or(0));
        if lots == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, lots);
        }
        for touched in [&mut self.fast, &mut self.slow] {
            match side {
                Side::Buy => touched.bids.insert(price),
                Side::Sell => touched.asks.insert(price),
            };
        }
    }

    /// Lots at exactly this price.
    pub(crate) fn at(&self, side: Side, price: Price) -> Quantity {
        let levels = if side == Side::Buy { &self.bids } else { &self.asks };
        Quantity(levels.get(&price).copied().unwrap_or(0))
    }

    /// The best levels of a side, best first. Their numbers of orders are not kept.
    pub(crate) fn best(&self, side: Side, levels_max: usize) -> Vec<Level> {
        let level = |(price, lots): (&Price, &u64)| Level {
            price: *price,
            quantity: Quantity(*lots),
            orders: 0,
        };
        match side {
            Side::Buy => self.bids.iter().rev().take(levels_max).map(level).collect(),
            Side::Sell => self.asks.iter().take(levels_max).map(level).collect(),
        }
    }

    /// What changed since the fast publisher asked last.
    pub(crate) fn take_fast(&mut self) -> Touched {
        std::mem::take(&mut self.fast)
    }

    /// What changed since the slow publisher asked last.
    pub(crate) fn take_slow(&mut self) -> Touched {
        std::mem::take(&mut self.slow)
    }
}
