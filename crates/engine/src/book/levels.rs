//! Price levels in slots, each with the ends of its queue.
//!
//! A level keeps its slot for as long as it has orders, so an order finds its level without its price. Knows
//! no prices' order and no orders' contents.

use super::order::NONE;
use crate::array::{Array, fetch};
use core::hint::select_unpredictable;

/// The queue of orders at one price.
#[derive(Clone, Copy)]
pub(crate) struct Level {
    /// In ticks.
    pub(crate) price: u64,
    /// Sum of what remains of its orders, in lots.
    pub(crate) lots: u64,
    /// Oldest order's slot; of a free slot, the next free one.
    pub(super) head: u32,
    /// Youngest order's slot.
    pub(super) tail: u32,
    /// Number of orders; 0 while it is being made, and in a free slot.
    pub(crate) orders: u32,
}

/// A level without orders: no lots, no tail.
const FREE: Level = Level {
    price: 0,
    lots: 0,
    head: NONE,
    tail: NONE,
    orders: 0,
};
/// Slots that are added at once.
const SLOTS_GAIN: u32 = 16;

/// See the module's doc.
pub(super) struct Levels {
    slots: Array<Level>,
    /// First free slot, of which there is always one; each leads to the next.
    free: u32,
    used: usize,
}

impl Levels {
    pub(super) fn new() -> Levels {
        let mut levels = Levels {
            slots: Array::new(),
            free: NONE,
            used: 0,
        };
        levels.add_slots();
        levels
    }

    /// The level in `slot`.
    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &Level {
        &self.slots[slot]
    }

    /// What is in `slot`, a level or none, if there is such a slot.
    #[inline(always)]
    pub(super) fn look(&self, slot: u32) -> Option<&Level> {
        self.slots.get(slot as usize)
    }

    /// Fetches what is in `slot`.
    #[inline(always)]
    pub(super) fn fetch(&self, slot: u32) {
        fetch(self.slots.as_slice(), slot as usize);
    }

    /// The level in `slot`, to change.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Level {
        &mut self.slots[slot]
    }

    /// The level in `slot`, to change; `None` if `slot` is [`NONE`].
    #[inline(always)]
    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Level> {
        self.slots.get_mut(slot as usize)
    }

    /// Adds a level without orders and says where; it must be given one.
    #[inline(always)]
    pub(super) fn insert(&mut self, price: u64) -> u32 {
        self.insert_unless(NONE, price)
    }

    /// The same, unless there is a level for `price` already, in slot `found`: then nothing changes. Without a branch, because
    /// whether there is one cannot be foreseen.
    #[inline(always)]
    pub(super) fn insert_unless(&mut self, found: u32, price: u64) -> u32 {
        let is_new = found == NONE;
        let free = self.free;
        let slot = select_unpredictable(is_new, free, found);
        self.free = select_unpredictable(is_new, self.slots[free].head, free);
        self.used += usize::from(is_new);
        self.slots[slot].price = price;
        if self.free == NONE {
            self.add_slots();
        }
        slot
    }

    /// Adds free slots, when there is none left.
    #[cold]
    #[inline(never)]
    fn add_slots(&mut self) {
        let first = self.slots.len() as u32;
        self.slots.extend_to((first + SLOTS_GAIN) as usize, &FREE);
        for slot in first..first + SLOTS_GAIN - 1 {
            self.slots[slot].head = slot + 1;
        }
        self.free = first;
    }

    /// Frees `slot`, whose last order has gone.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) {
        let free = self.free;
        let level = self.get_mut(slot);
        (level.orders, level.head, level.tail) = (0, free, NONE);
        self.free = slot;
        self.used -= 1;
    }

    /// Number of levels.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Levels that have orders, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Level)> {
        self.slots.iter().filter(|(_, level)| level.orders > 0)
    }

    /// Every level has orders, and every other slot is in the list of free ones.
    pub(super) fn is_consistent(&self) -> bool {
        let link = |slot: u32| (slot != NONE).then_some(slot);
        let free = core::iter::successors(link(self.free), |slot| link(self.get(*slot).head))
            .take(self.slots.len() + 1)
            .filter(|slot| {
                let level = self.get(*slot);
                (level.orders, level.lots, level.tail) == (0, 0, NONE)
            })
            .count();
        self.iter().count() == self.used && free + self.used == self.slots.len()
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes()
    }
}
