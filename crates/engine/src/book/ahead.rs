//! What looking ahead ([`crate::ahead`]) reads of a book: each function reads one place, or those that are known without
//! waiting. Whatever is asked for is answered: slots that are not there have nothing in them. Changes nothing.

use super::{Book, NONE};
use crate::Side;

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

    /// Reads the level and the neighbours of the order in `slot`, and says its side; `None` without such a slot.
    #[inline]
    pub(crate) fn touch_around(&self, slot: u32) -> Option<(u64, Side)> {
        let order = self.orders.touch(slot)?;
        let level = self
            .ladder
            .levels
            .touch(order.level)
            .map_or(0, |level| level.lots);
        Some((
            level ^ self.touch(order.next) ^ self.touch(order.previous),
            order.side(),
        ))
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

    /// Slot of the oldest order at the best price of `side`.
    #[inline]
    pub(crate) fn first_near(&self, side: Side) -> u32 {
        let level = self.best_levels[side.index()];
        self.ladder.levels.touch(level).map_or(NONE, |level| level.head)
    }

    /// Whose the order in `slot` is, as the ledger counts accounts.
    #[inline]
    pub(crate) fn owner_near(&self, slot: u32) -> u32 {
        self.orders.touch(slot).map_or(NONE, |order| order.owner)
    }
}
