//! What looking ahead ([`crate::ahead`]) reads of a book: each function reads one place, or those that are known without
//! waiting. Whatever is asked for is answered: slots that are not there have nothing in them. Changes nothing.

use super::{Book, NONE};
use crate::Side;

/// So many orders of a side are likely to trade soon.
const OWNERS_NEAR: usize = 3;

impl Book {
    /// Where the order `id` is, if it is open. Reads no memory of orders.
    #[inline]
    pub(crate) fn slot_of(&self, id: u64) -> u32 {
        self.orders.slot(id)
    }

    /// Reads the order in `slot`.
    #[inline]
    pub(crate) fn touch(&self, slot: u32) -> u64 {
        self.orders.touch(slot).map_or(0, |order| order.remaining)
    }

    /// Reads the level and the neighbours of the order in `slot`.
    #[inline]
    pub(crate) fn touch_around(&self, slot: u32) -> u64 {
        let Some(order) = self.orders.touch(slot) else {
            return 0;
        };
        let level = self.ladder.levels.touch(order.level);
        level.map_or(0, |level| level.lots) ^ self.touch(order.next) ^ self.touch(order.previous)
    }

    /// Slot of the level at `price`, if it is there and in the window.
    #[inline]
    pub(crate) fn level_near(&self, price: u64) -> u32 {
        self.ladder.find_near(price)
    }

    /// Slot of the youngest order on the level in slot `level`.
    #[inline]
    pub(crate) fn tail_near(&self, level: u32) -> u32 {
        self.ladder.levels.touch(level).map_or(NONE, |level| level.tail)
    }

    /// Owners, as the ledger counts accounts, of the oldest orders at the best price of `side`: a few.
    pub(crate) fn owners_near(&self, side: Side) -> impl Iterator<Item = u32> {
        let level = self.ladder.levels.touch(self.best_levels[side.index()]);
        let first = level.and_then(|level| self.orders.touch(level.head));
        core::iter::successors(first, |order| self.orders.touch(order.next))
            .take(OWNERS_NEAR)
            .map(|order| order.owner)
    }
}
