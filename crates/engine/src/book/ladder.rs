//! From a price to its level, and to the next level above and below: an array window where the market is, a tree for
//! prices far from it.
//!
//! The window has four bytes a tick: where the level lies, if there is one. A bitmap finds the neighbours. Prices
//! outside fall back to a `BTreeMap`. Every touch of the tree is counted as a miss; when as many misses have been
//! paid as moving the window costs, the window moves to the market and is resized to four times the levels in
//! use. So the cost of moving is never more than that of the misses before it, whatever prices are sent. One
//! ladder serves both sides: a book that is never crossed has only bids up to the best bid and only asks from the
//! best ask on.
//!
//! Knows no orders' contents, no sides and no balances. Where a level lies is not part of the state: it
//! changes no answer.

use super::bitmap::{BITS_MAX, Bitmap};
use super::levels::{Level, Levels};
use super::order::NONE;
use crate::array::fetch;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Fewest ticks in the window.
const WINDOW_MIN: usize = 4_096;
/// Most ticks in the window.
const WINDOW_MAX: usize = BITS_MAX;

/// All levels of one market.
pub(super) struct Ladder {
    pub(super) levels: Levels,
    /// Price of the window's first tick.
    base: u64,
    /// Slot of the level at each tick; [`NONE`] without one.
    window: Vec<u32>,
    occupied: Bitmap,
    sparse: BTreeMap<u64, u32>,
    misses: usize,
}

impl Ladder {
    pub(super) fn new() -> Ladder {
        Ladder {
            levels: Levels::new(),
            base: 0,
            window: Vec::new(),
            occupied: Bitmap::default(),
            sparse: BTreeMap::new(),
            misses: 0,
        }
    }

    /// Position of `price` in the window, if it is below the window's length.
    #[inline(always)]
    fn offset(&self, price: u64) -> usize {
        usize::try_from(price.wrapping_sub(self.base)).unwrap_or(usize::MAX)
    }

    /// Slot of the level at `price`.
    #[inline(always)]
    pub(super) fn find(&self, price: u64) -> Option<u32> {
        match self.window.get(self.offset(price)) {
            Some(slot) => Some(*slot).filter(|slot| *slot != NONE),
            None => self.sparse.get(&price).copied(),
        }
    }

    /// Fetches what [`Ladder::find_near`] reads.
    #[inline(always)]
    pub(super) fn fetch_place(&self, price: u64) {
        fetch(&self.window, self.offset(price));
    }

    /// Slot of the level at `price`; [`NONE`] if it is not there, or not in the window.
    #[inline(always)]
    pub(super) fn find_near(&self, price: u64) -> u32 {
        self.window.get(self.offset(price)).copied().unwrap_or(NONE)
    }

    /// Slot of the level at `price`, made if it is not there; it must be given an order. `market` says where the
    /// window should lie.
    #[inline(always)]
    pub(super) fn entry(&mut self, price: u64, market: impl Fn() -> u64) -> u32 {
        match self.entry_inside(price) {
            Some(slot) => slot,
            None => self.entry_outside(price, market),
        }
    }

    /// The same, if `price` lies in the window.
    #[inline(always)]
    fn entry_inside(&mut self, price: u64) -> Option<u32> {
        let offset = self.offset(price);
        let entry = self.window.get_mut(offset)?;
        let slot = self.levels.insert_unless(*entry, price);
        *entry = slot;
        self.occupied.insert(offset);
        Some(slot)
    }

    #[cold]
    fn entry_outside(&mut self, price: u64, market: impl Fn() -> u64) -> u32 {
        self.misses += 1;
        // A miss costs about four times what moving one level does, and clearing sixteen ticks as much as that.
        let moving_costs = self.window.len() / 16 + self.levels.len();
        if self.misses * 4 > moving_costs {
            self.move_to(market());
            if let Some(slot) = self.entry_inside(price) {
                return slot;
            }
        }
        *self
            .sparse
            .entry(price)
            .or_insert_with(|| self.levels.insert(price))
    }

    /// Forgets the level in `slot`, whose last order has gone.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32, price: u64) {
        let offset = self.offset(price);
        match self.window.get_mut(offset) {
            Some(entry) => {
                *entry = NONE;
                self.occupied.remove(offset);
            }
            None => self.remove_outside(price),
        }
        self.levels.remove(slot);
    }

    #[cold]
    fn remove_outside(&mut self, price: u64) {
        self.misses += 1;
        self.sparse.remove(&price);
    }

    /// Price and slot of the level next below `price`.
    #[inline(always)]
    pub(super) fn below(&self, price: u64) -> Option<(u64, u32)> {
        let inside = price.checked_sub(self.base).and_then(|offset| {
            let end = (self.window.len() as u64).min(offset) as usize;
            self.inside(self.occupied.below(end))
        });
        if self.sparse.is_empty() {
            return inside;
        }
        let outside = self
            .sparse
            .range(..price)
            .next_back()
            .map(|(price, slot)| (*price, *slot));
        inside.max(outside)
    }

    /// Price and slot of the level next above `price`.
    #[inline(always)]
    pub(super) fn above(&self, price: u64) -> Option<(u64, u32)> {
        let start = (price + 1)
            .saturating_sub(self.base)
            .min(self.window.len() as u64);
        let inside = self.inside(self.occupied.at_or_above(start as usize));
        if self.sparse.is_empty() {
            return inside;
        }
        let outside = self
            .sparse
            .range(price + 1..)
            .next()
            .map(|(price, slot)| (*price, *slot));
        match (inside, outside) {
            (Some(inside), Some(outside)) => Some(inside.min(outside)),
            (inside, outside) => inside.or(outside),
        }
    }

    #[inline(always)]
    fn inside(&self, offset: Option<usize>) -> Option<(u64, u32)> {
        offset.map(|offset| (self.base + offset as u64, self.window[offset]))
    }

    /// Puts the middle of the window at `market` and sizes it by the levels in use.
    fn move_to(&mut self, market: u64) {
        let size = (self.levels.len() * 4)
            .next_power_of_two()
            .clamp(WINDOW_MIN, WINDOW_MAX);
        self.base = market.saturating_sub(size as u64 / 2);
        self.window.clear();
        self.window.reserve_exact(size);
        self.window.resize(size, NONE);
        self.occupied = Bitmap::new(size);
        self.sparse.clear();
        self.misses = 0;
        for (slot, level) in self.levels.iter() {
            let offset = self.offset(level.price);
            if let Some(entry) = self.window.get_mut(offset) {
                *entry = slot;
                self.occupied.insert(offset);
            } else {
                self.sparse.insert(level.price, slot);
            }
        }
    }

    /// Window, bitmap, tree and levels agree, and nothing lies in the tree that belongs into the window.
    pub(super) fn is_consistent(&self) -> bool {
        let in_window = self.window.iter().filter(|slot| **slot != NONE).count();
        let mut next = self.occupied.at_or_above(0);
        let mut marked = 0;
        while let Some(offset) = next {
            marked += 1;
            if self.window[offset] == NONE {
                return false;
            }
            next = self.occupied.at_or_above(offset + 1);
        }
        let found = |(slot, level): (u32, &Level)| self.find(level.price) == Some(slot);
        let outside = |price: &u64| self.offset(*price) >= self.window.len();
        self.levels.is_consistent()
            && self.levels.iter().all(found)
            && self.sparse.keys().all(outside)
            && in_window + self.sparse.len() == self.levels.len()
            && in_window == marked
    }

    /// Memory reserved, without the tree's.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.levels.bytes() + self.window.capacity() * size_of::<u32>() + self.window.len() / 8
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

    fn put(ladder: &mut Ladder, price: u64) {
        let slot = ladder.entry(price, || price);
        ladder.levels.get_mut(slot).orders = 1;
    }

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(steps in prop::collection::vec((0..3_u8, price()), 1..400)) {
            let mut ladder = Ladder::new();
            let mut set = BTreeSet::new();
            for (step, price) in steps {
                if step > 0 {
                    put(&mut ladder, price);
                    set.insert(price);
                } else if set.remove(&price) {
                    let slot = ladder.find(price).expect("it is there");
                    ladder.remove(slot, price);
                }
                let (below, above) = (ladder.below(price), ladder.above(price));
                prop_assert_eq!(ladder.find(price).is_some(), set.contains(&price));
                prop_assert_eq!(below.map(|(price, _)| price), set.range(..price).next_back().copied());
                prop_assert_eq!(above.map(|(price, _)| price), set.range(price + 1..).next().copied());
                for (price, slot) in below.into_iter().chain(above) {
                    prop_assert_eq!(ladder.levels.get(slot).price, price);
                }
                prop_assert_eq!(ladder.levels.len(), set.len());
                prop_assert!(ladder.is_consistent());
            }
        }
    }

    #[test]
    fn the_window_follows_the_market_and_grows_with_it() {
        let mut ladder = Ladder::new();
        for price in 1..=100_000_u64 {
            put(&mut ladder, price * 2);
        }
        assert_eq!(ladder.levels.len(), 100_000);
        assert_eq!(ladder.window.len(), WINDOW_MAX);
        let far = 1 << 62;
        let misses = 2 * (WINDOW_MAX / 16 + 100_000);
        for step in 0..misses as u64 {
            put(&mut ladder, far + step % 1_000);
        }
        assert!(
            ladder.offset(far) < ladder.window.len(),
            "the window went to where the misses were"
        );
        assert!(ladder.is_consistent());
        assert_eq!(ladder.below(far).map(|(price, _)| price), Some(200_000));
    }
}
