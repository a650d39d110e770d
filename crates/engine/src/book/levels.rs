//! Price levels in slots, each with the ends of its queue.
//!
//! A level keeps its slot for as long as it has orders, so an order finds its level without its price. Knows
//! no prices' order and no orders' contents.

use super::array::Array;
use super::order::NONE;

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

impl Level {
    /// Without orders.
    #[inline(always)]
    fn new(price: u64) -> Level {
        Level {
            price,
            lots: 0,
            head: NONE,
            tail: NONE,
            orders: 0,
        }
    }
}

/// See the module's doc.
pub(super) struct Levels {
    slots: Array<Level>,
    /// First free slot among those that were used before; each leads to the next.
    free: u32,
    /// Slots that were ever used.
    made: u32,
    used: usize,
}

impl Levels {
    pub(super) fn new() -> Levels {
        Levels {
            slots: Array::new(),
            free: NONE,
            made: 0,
            used: 0,
        }
    }

    /// The level in `slot`.
    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &Level {
        &self.slots[slot]
    }

    /// What is in `slot`, a level or none, if there is such a slot.
    #[inline]
    pub(super) fn touch(&self, slot: u32) -> Option<&Level> {
        self.slots.get(slot)
    }

    /// The level in `slot`, to change.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Level {
        &mut self.slots[slot]
    }

    /// The level in `slot`, to change; `None` if `slot` is [`NONE`].
    #[inline(always)]
    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Level> {
        self.slots.get_mut(slot)
    }

    /// Adds a level without orders and says where; it must be given one.
    #[inline(always)]
    pub(super) fn insert(&mut self, price: u64) -> u32 {
        self.used += 1;
        let slot = self.free;
        if let Some(level) = self.slots.get_mut(slot) {
            self.free = level.head;
            *level = Level::new(price);
            return slot;
        }
        self.push(price)
    }

    #[inline(never)]
    fn push(&mut self, price: u64) -> u32 {
        let slot = self.made;
        self.made += 1;
        self.slots.extend_to(self.made as usize, &Level::new(price));
        self.slots[slot] = Level::new(price);
        slot
    }

    /// Frees `slot`, whose last order has gone.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) {
        let free = self.free;
        let level = self.get_mut(slot);
        (level.orders, level.head) = (0, free);
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
            .take(self.made as usize + 1)
            .filter(|slot| self.get(*slot).orders == 0)
            .count();
        self.iter().count() == self.used && free + self.used == self.made as usize
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes()
    }
}
