//! Price levels in slots, each with the ends of its queue.
//!
//! A level keeps its slot for as long as it has orders, so an order finds its level without its price. Knows
//! no prices' order and no orders' contents.

use super::growth;
use super::order::NONE;
use alloc::vec::Vec;

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

/// See the module's doc.
pub(super) struct Levels {
    slots: Vec<Level>,
    /// First free slot.
    free: u32,
    used: usize,
}

impl Levels {
    pub(super) fn new() -> Levels {
        Levels {
            slots: Vec::new(),
            free: NONE,
            used: 0,
        }
    }

    /// The level in `slot`.
    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &Level {
        &self.slots[slot as usize]
    }

    /// The level in `slot`, to change.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Level {
        &mut self.slots[slot as usize]
    }

    /// The level in `slot`, to change; `None` if `slot` is [`NONE`].
    #[inline(always)]
    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Level> {
        self.slots.get_mut(slot as usize)
    }

    /// Adds a level without orders and says where; it must be given one.
    #[inline(always)]
    pub(super) fn insert(&mut self, price: u64) -> u32 {
        let new = Level {
            price,
            lots: 0,
            head: NONE,
            tail: NONE,
            orders: 0,
        };
        self.used += 1;
        let slot = self.free;
        if let Some(free) = self.slots.get_mut(slot as usize) {
            self.free = free.head;
            *free = new;
            return slot;
        }
        self.push(new)
    }

    #[inline(never)]
    fn push(&mut self, new: Level) -> u32 {
        growth::push(&mut self.slots, new);
        self.slots.len() as u32 - 1
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
        (0_u32..).zip(&self.slots).filter(|(_, level)| level.orders > 0)
    }

    /// Every level has orders, and every other slot is in the list of free ones.
    pub(super) fn is_consistent(&self) -> bool {
        let some = |slot: u32| (slot != NONE).then_some(slot);
        let free = core::iter::successors(some(self.free), |slot| some(self.get(*slot).head))
            .take(self.slots.len() + 1)
            .filter(|slot| self.get(*slot).orders == 0)
            .count();
        self.iter().count() == self.used && free + self.used == self.slots.len()
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Level>()
    }
}
