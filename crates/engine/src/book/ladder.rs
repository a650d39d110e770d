//! Price levels: an array window where the market is, a tree for prices far from it.
//!
//! A level in the window is one index away, and a bitmap finds its neighbours. Prices outside fall back to
//! a `BTreeMap`. Every touch of the tree is counted as a miss; when as many misses have been paid as moving
//! the window costs, the window moves to the market and is resized to four times the levels in use. So the cost
//! of moving is never more than that of the misses before it, whatever prices are sent. One ladder serves both
//! sides: a book that is never crossed has only bids up to the best bid and only asks from the best ask on.
//!
//! Knows no orders' contents, no sides and no balances. Where a level lies is not part of the state: it
//! changes no answer.

use super::bitmap::{BITS_MAX, Bitmap};
use super::orders::NONE;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// Fewest levels in the window.
const WINDOW_MIN: usize = 4_096;
/// Most levels in the window.
const WINDOW_MAX: usize = BITS_MAX;

/// The queue of orders at one price.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// Sum of what remains of its orders, in lots.
    pub(crate) lots: u64,
    /// Oldest order's slot.
    pub(crate) head: u32,
    /// Youngest order's slot.
    pub(crate) tail: u32,
    /// Number of orders; 0 means that there is no level.
    pub(crate) orders: u32,
}

impl Level {
    const EMPTY: Level = Level {
        lots: 0,
        head: NONE,
        tail: NONE,
        orders: 0,
    };
}

/// All levels of one market.
#[derive(Default)]
pub(crate) struct Ladder {
    /// Price of the window's first level.
    base: u64,
    window: Vec<Level>,
    occupied: Bitmap,
    occupied_count: usize,
    sparse: BTreeMap<u64, Level>,
    misses: usize,
}

impl Ladder {
    fn index(&self, price: u64) -> Option<usize> {
        let offset = price.wrapping_sub(self.base);
        (offset < self.window.len() as u64).then_some(offset as usize)
    }

    /// The level at `price`, if an order is there.
    pub(crate) fn get(&self, price: u64) -> Option<&Level> {
        match self.index(price) {
            Some(index) => Some(&self.window[index]).filter(|level| level.orders > 0),
            None => self.sparse.get(&price),
        }
    }

    /// The level at `price`, where an order must be.
    ///
    /// # Panics
    /// If there is none: the book is then broken and must not go on.
    #[inline]
    pub(crate) fn existing(&mut self, price: u64) -> &mut Level {
        match self.index(price) {
            Some(index) => &mut self.window[index],
            None => self.existing_sparse(price),
        }
    }

    #[cold]
    fn existing_sparse(&mut self, price: u64) -> &mut Level {
        self.misses += 1;
        match self.sparse.get_mut(&price) {
            Some(level) => level,
            None => panic!("an open order's price has no level"),
        }
    }

    /// The level at `price`, made if it is not there. `market` is where the window should lie.
    #[inline]
    pub(crate) fn entry(&mut self, price: u64, market: u64) -> &mut Level {
        match self.index(price) {
            Some(index) => self.window_entry(index),
            None => self.entry_outside(price, market),
        }
    }

    #[inline]
    fn window_entry(&mut self, index: usize) -> &mut Level {
        let level = &mut self.window[index];
        if level.orders == 0 {
            self.occupied.insert(index);
            self.occupied_count += 1;
        }
        level
    }

    #[cold]
    fn entry_outside(&mut self, price: u64, market: u64) -> &mut Level {
        self.misses += 1;
        // A miss costs about four times what moving one level does, and clearing sixteen empty ones as much as that.
        let moving_costs = self.window.len() / 16 + self.levels();
        if self.misses * 4 > moving_costs {
            self.move_to(market);
        }
        match self.index(price) {
            Some(index) => self.window_entry(index),
            None => self.sparse.entry(price).or_insert(Level::EMPTY),
        }
    }

    /// Forgets the level at `price`, whose last order has gone.
    #[inline]
    pub(crate) fn remove(&mut self, price: u64) {
        if let Some(index) = self.index(price) {
            self.window[index] = Level::EMPTY;
            self.occupied.remove(index);
            self.occupied_count -= 1;
        } else {
            self.sparse.remove(&price);
        }
    }

    /// Greatest price with a level below `price`.
    #[inline]
    pub(crate) fn below(&self, price: u64) -> Option<u64> {
        let inside = price.checked_sub(self.base).and_then(|offset| {
            let end = (self.window.len() as u64).min(offset) as usize;
            self.occupied.below(end).map(|index| self.base + index as u64)
        });
        if self.sparse.is_empty() {
            return inside;
        }
        let outside = self.sparse.range(..price).next_back().map(|(price, _)| *price);
        inside.max(outside)
    }

    /// Least price with a level above `price`.
    #[inline]
    pub(crate) fn above(&self, price: u64) -> Option<u64> {
        let start = (price + 1)
            .saturating_sub(self.base)
            .min(self.window.len() as u64);
        let inside = self
            .occupied
            .at_or_above(start as usize)
            .map(|index| self.base + index as u64);
        if self.sparse.is_empty() {
            return inside;
        }
        let outside = self.sparse.range(price + 1..).next().map(|(price, _)| *price);
        match (inside, outside) {
            (Some(inside), Some(outside)) => Some(inside.min(outside)),
            (inside, outside) => inside.or(outside),
        }
    }

    /// Number of levels.
    pub(crate) fn levels(&self) -> usize {
        self.occupied_count + self.sparse.len()
    }

    /// Puts the middle of the window at `market` and sizes it by the levels in use.
    fn move_to(&mut self, market: u64) {
        let size = (self.levels() * 4)
            .next_power_of_two()
            .clamp(WINDOW_MIN, WINDOW_MAX);
        let moved = Ladder {
            base: market.saturating_sub(size as u64 / 2),
            window: vec![Level::EMPTY; size],
            occupied: Bitmap::new(size),
            ..Ladder::default()
        };
        let old = core::mem::replace(self, moved);
        let mut next = old.occupied.at_or_above(0);
        while let Some(index) = next {
            self.put(old.base + index as u64, old.window[index]);
            next = old.occupied.at_or_above(index + 1);
        }
        for (price, level) in old.sparse {
            self.put(price, level);
        }
    }

    fn put(&mut self, price: u64, level: Level) {
        match self.index(price) {
            Some(index) => *self.window_entry(index) = level,
            None => {
                self.sparse.insert(price, level);
            }
        }
    }

    /// Window and bitmap agree, and nothing lies in the tree that belongs into the window.
    pub(crate) fn is_consistent(&self) -> bool {
        let mut next = self.occupied.at_or_above(0);
        let mut count = 0;
        while let Some(index) = next {
            count += 1;
            if self.window[index].orders == 0 {
                return false;
            }
            next = self.occupied.at_or_above(index + 1);
        }
        let orders_in_window = self.window.iter().filter(|level| level.orders > 0).count();
        let sparse_outside = self
            .sparse
            .iter()
            .all(|(price, level)| self.index(*price).is_none() && level.orders > 0);
        count == self.occupied_count && count == orders_in_window && sparse_outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    /// Prices in a few clusters that lie further apart than any window.
    fn price() -> impl Strategy<Value = u64> {
        (0..4_u64, 1..6_000_u64).prop_map(|(cluster, offset)| cluster * 1_000_000_000 + offset)
    }

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(steps in prop::collection::vec((0..3_u8, price()), 1..400)) {
            let mut ladder = Ladder::default();
            let mut set = BTreeSet::new();
            for (step, price) in steps {
                if step > 0 {
                    ladder.entry(price, price).orders = 1;
                    set.insert(price);
                } else if set.remove(&price) {
                    ladder.remove(price);
                }
                prop_assert_eq!(ladder.get(price).is_some(), set.contains(&price));
                prop_assert_eq!(ladder.below(price), set.range(..price).next_back().copied());
                prop_assert_eq!(ladder.above(price), set.range(price + 1..).next().copied());
                prop_assert_eq!(ladder.levels(), set.len());
                prop_assert!(ladder.is_consistent());
            }
        }
    }

    #[test]
    fn the_window_follows_the_market_and_grows_with_it() {
        let mut ladder = Ladder::default();
        for price in 1..=100_000_u64 {
            ladder.entry(price * 2, price * 2).orders = 1;
        }
        assert_eq!(ladder.levels(), 100_000);
        assert_eq!(ladder.window.len(), WINDOW_MAX);
        let far = 1 << 62;
        let misses = 2 * (WINDOW_MAX / 16 + 100_000);
        for step in 0..misses as u64 {
            ladder.entry(far + step % 1_000, far).orders = 1;
        }
        assert!(
            ladder.index(far).is_some(),
            "the window went to where the misses were"
        );
        assert!(ladder.is_consistent());
        assert_eq!(ladder.below(far), Some(200_000));
    }
}
