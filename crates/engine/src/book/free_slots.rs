//! Which slots hold no order: one bit each, so that the next one is found without trying slot after slot. Which slots are taken
//! looks random, and a processor that guesses wrong loses more time than the whole search takes.
//!
//! Knows no ids and no orders.

use crate::array::Array;
use core::ops::Range;

/// See the module's doc.
pub(super) struct FreeSlots {
    /// A bit that is set says that the slot is free. Bits beyond the last slot are not.
    words: Array<u64>,
    slots: usize,
}

impl FreeSlots {
    /// No slots.
    pub(super) fn new() -> FreeSlots {
        FreeSlots {
            words: Array::new(),
            slots: 0,
        }
    }

    /// Adds free slots until there are `slots`, a few at a time.
    pub(super) fn extend_to(&mut self, slots: usize) {
        self.words.extend_to(slots.div_ceil(64), &0);
        for slot in self.slots..slots {
            self.insert(slot as u32);
        }
        self.slots = self.slots.max(slots);
    }

    /// `slot` is free now.
    #[inline(always)]
    pub(super) fn insert(&mut self, slot: u32) {
        self.words[slot >> 6] |= 1 << (slot & 63);
    }

    /// `slot` is taken now.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) {
        self.words[slot >> 6] &= !(1 << (slot & 63));
    }

    /// How far the next free slot, at or after `slot`, is; `None` if there is none below the next multiple of 64.
    #[inline(always)]
    pub(super) fn distance(&self, slot: u32) -> Option<u32> {
        let rest = self.words[slot >> 6] >> (slot & 63);
        (rest != 0).then(|| rest.trailing_zeros())
    }

    /// The first free slot in `range`. A run of a million taken ones takes some microseconds.
    pub(super) fn first(&self, range: Range<usize>) -> Option<usize> {
        let mut slot = range.start;
        while slot < range.end {
            let rest = self.words.get(slot >> 6)? >> (slot & 63);
            if rest != 0 {
                return Some(slot + rest.trailing_zeros() as usize).filter(|free| *free < range.end);
            }
            slot = (slot | 63) + 1;
        }
        None
    }

    /// `slot` is free.
    pub(super) fn contains(&self, slot: u32) -> bool {
        let word = self.words.get((slot >> 6) as usize).copied().unwrap_or(0);
        word >> (slot & 63) & 1 == 1
    }

    /// Number of free slots.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|(_, word)| word.count_ones() as usize)
            .sum()
    }

    /// Memory in use.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.words.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(
            steps in prop::collection::vec((0..3_u8, 0..300_u32), 0..400),
            slots in 1..20_usize,
            ranges in prop::collection::vec((0..400_usize, 0..400_usize), 20),
        ) {
            let slots = slots * 16;
            let mut free = FreeSlots::new();
            free.extend_to(slots / 2);
            free.extend_to(slots);
            let mut set: BTreeSet<u32> = (0..slots as u32).collect();
            for (step, slot) in steps {
                let slot = slot % slots as u32;
                if step == 0 {
                    free.insert(slot);
                    set.insert(slot);
                } else {
                    free.remove(slot);
                    set.remove(&slot);
                }
                let next = set.range(slot..(slot | 63) + 1).next();
                prop_assert_eq!(free.distance(slot), next.map(|next| next - slot));
                prop_assert_eq!(free.contains(slot), set.contains(&slot));
            }
            prop_assert_eq!(free.count(), set.len());
            for (one, other) in ranges {
                let range = one.min(other)..one.max(other);
                let first = set.iter().map(|slot| *slot as usize).find(|slot| range.contains(slot));
                prop_assert_eq!(free.first(range), first);
            }
        }
    }
}
