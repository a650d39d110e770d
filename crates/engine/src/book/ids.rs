//! Order ids, and the slot that each one leads to, without a hash and without a table.
//!
//! An id is a counter, so it grows for ever and none comes twice. There are between `n` and `2n` slots, `n` a power
//! of two. An id's slot is its remainder modulo `n`; or modulo `2n`, when the first remainder is below the number of
//! slots beyond `n` (*linear hashing*). An id whose slot belongs to an older open order is skipped. So an id leads to its
//! slot by a mask and a comparison, ids stay nearly dense, orders placed one after the other lie side by side, and
//! 2^53 ids outlast any market (285 years at a million a second).
//!
//! Slots are added a few at a time, and only the orders in as many old ones may have to move: so the share of
//! slots in use stays the same, however many orders are open, and no growth is felt. Open orders never want the
//! same slot: ids that differ modulo `n` differ modulo `2n`.
//!
//! Which ids are skipped depends on the number of slots, which only grows, by the number of open orders alone,
//! so it is part of the state. Knows no orders.

use super::order::ORDER_ID_LIMIT;
use alloc::vec;
use alloc::vec::Vec;

/// Slots of a new market.
pub(super) const SLOTS_MIN: usize = 1 << 11;
/// Most slots; two thirds of them can be used.
const SLOTS_MAX: usize = 1 << 26;
/// Slots added at once; divides 64.
pub(super) const SLOTS_GAIN: u32 = 16;

/// See the module's doc.
pub(super) struct Ids {
    /// `n` − 1.
    mask: u64,
    /// Slots beyond `n`; below `n`.
    beyond: u64,
    /// One bit a slot: belongs to an open order.
    taken: Vec<u64>,
    open: usize,
    /// With so many open orders more slots are needed.
    open_max: usize,
    /// The last id given.
    last: u64,
    /// From this id on there are too few left.
    last_max: u64,
}

impl Ids {
    pub(super) fn new() -> Ids {
        Ids {
            mask: SLOTS_MIN as u64 - 1,
            beyond: 0,
            taken: vec![0; SLOTS_MIN / 64],
            open: 0,
            open_max: open_max(SLOTS_MIN),
            last: 0,
            last_max: last_max(SLOTS_MIN),
        }
    }

    /// Gives ids as one did whose last id and number of slots these were; `None` if there is no such state with `open` orders.
    pub(super) fn restore(last: u64, slots: u64, open: usize) -> Option<Ids> {
        let slots = usize::try_from(slots).ok()?;
        let fits = (SLOTS_MIN..=SLOTS_MAX).contains(&slots)
            && slots.is_multiple_of(SLOTS_GAIN as usize)
            && open <= open_max(slots)
            && last < ORDER_ID_LIMIT;
        fits.then(|| {
            let n = 1 << slots.ilog2();
            Ids {
                mask: n as u64 - 1,
                beyond: (slots - n) as u64,
                taken: vec![0; slots.div_ceil(64)],
                open: 0,
                open_max: open_max(slots),
                last,
                last_max: last_max(slots),
            }
        })
    }

    /// Slot of the order `id`, if that is open.
    #[inline(always)]
    pub(super) fn slot(&self, id: u64) -> u32 {
        let remainder = id & self.mask;
        let slot = if remainder < self.beyond {
            id & (self.mask * 2 + 1)
        } else {
            remainder
        };
        slot as u32
    }

    /// The next id: the least above the last one whose slot is free.
    #[inline(always)]
    pub(super) fn assign(&mut self) -> u64 {
        let next = self.last + 1;
        let slot = self.slot(next);
        self.last = if self.is_taken(slot) {
            self.skip_from(next)
        } else {
            next
        };
        self.last
    }

    /// The least id above `id`, whose slot is taken, with a free slot.
    #[inline(never)]
    fn skip_from(&self, mut id: u64) -> u64 {
        // The slots of ids that follow each other follow each other too, until `n` or until the end.
        for _ in 0..4 {
            let slot = self.slot(id) as usize;
            let n = self.mask as usize + 1;
            let end = if slot < n { n } else { self.slots() };
            match self.first_free(slot, end) {
                Some(free) => return id + (free - slot) as u64,
                None => id += (end - slot) as u64,
            }
        }
        unreachable!("a third of the slots is always free")
    }

    /// Least free slot in `start..end`.
    fn first_free(&self, start: usize, end: usize) -> Option<usize> {
        let mut word = start / 64;
        let mut free = !self.taken[word] & (u64::MAX << (start % 64));
        while free == 0 {
            word += 1;
            if word * 64 >= end {
                return None;
            }
            free = !self.taken[word];
        }
        Some(word * 64 + free.trailing_zeros() as usize).filter(|slot| *slot < end)
    }

    /// An open order is put into `slot`.
    #[inline(always)]
    pub(super) fn take(&mut self, slot: u32) {
        self.taken[slot as usize / 64] |= 1 << (slot % 64);
        self.open += 1;
    }

    /// The order in `slot` has gone.
    #[inline(always)]
    pub(super) fn free(&mut self, slot: u32) {
        self.taken[slot as usize / 64] &= !(1 << (slot % 64));
        self.open -= 1;
    }

    /// No further order can be taken.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.last >= self.last_max || (self.is_crowded() && self.slots() >= SLOTS_MAX)
    }

    #[inline(always)]
    fn is_crowded(&self) -> bool {
        self.open >= self.open_max
    }

    /// The next insertion must be preceded by [`Ids::grow`].
    #[inline(always)]
    pub(super) fn should_grow(&self) -> bool {
        self.is_crowded() && self.slots() < SLOTS_MAX
    }

    /// Adds [`SLOTS_GAIN`] slots. Returns the first of as many slots whose orders may lead elsewhere now, and by how
    /// much further.
    pub(super) fn grow(&mut self) -> (u32, u32) {
        let (from, n) = (self.beyond as u32, self.mask as u32 + 1);
        if self.slots().is_multiple_of(64) {
            self.taken.push(0);
        }
        self.beyond += u64::from(SLOTS_GAIN);
        if self.beyond > self.mask {
            (self.mask, self.beyond) = (self.mask * 2 + 1, 0);
        }
        self.open_max = open_max(self.slots());
        self.last_max = last_max(self.slots());
        (from, n)
    }

    /// Number of slots.
    #[inline(always)]
    pub(super) fn slots(&self) -> usize {
        (self.mask + 1 + self.beyond) as usize
    }

    /// Number of open orders.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The last id given.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.taken.capacity() * size_of::<u64>()
    }

    /// `slot` belongs to an open order.
    #[inline(always)]
    pub(super) fn is_taken(&self, slot: u32) -> bool {
        self.taken[slot as usize / 64] >> (slot % 64) & 1 == 1
    }
}

/// Most open orders in `slots`: two thirds, so that few ids are skipped.
const fn open_max(slots: usize) -> usize {
    slots / 3 * 2
}

/// Last id that may be given with so many slots: no search for a free one goes twice around.
const fn last_max(slots: usize) -> u64 {
    ORDER_ID_LIMIT - 4 * slots as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    /// The definition, in plain arithmetic.
    fn slot_of(id: u64, slots: u64) -> u64 {
        let n = if slots.is_power_of_two() {
            slots
        } else {
            slots.next_power_of_two() / 2
        };
        if id % n < slots - n { id % (2 * n) } else { id % n }
    }

    proptest! {
        /// Against the definition: count up, skip what leads to a taken slot, grow at two thirds.
        #[test]
        fn ids_are_the_least_that_lead_to_a_free_slot(closings in prop::collection::vec(any::<u16>(), 0..6_000)) {
            let mut ids = Ids::new();
            let mut open: BTreeMap<u64, u64> = BTreeMap::new();
            let (mut slots, mut last) = (SLOTS_MIN as u64, 0);
            for closing in closings {
                last += 1;
                while open.contains_key(&slot_of(last, slots)) {
                    last += 1;
                }
                prop_assert_eq!(ids.assign(), last);
                if open.len() as u64 >= slots / 3 * 2 {
                    slots += u64::from(SLOTS_GAIN);
                    let before = open.len();
                    open = open.into_values().map(|id| (slot_of(id, slots), id)).collect();
                    prop_assert_eq!(open.len(), before, "no two want the same slot");
                }
                if ids.should_grow() {
                    let (from, distance) = ids.grow();
                    for slot in (from..from + SLOTS_GAIN).filter(|slot| ids.is_taken(*slot)).collect::<Vec<u32>>() {
                        if !open.contains_key(&u64::from(slot)) {
                            ids.free(slot);
                            ids.take(slot + distance);
                        }
                    }
                }
                prop_assert_eq!(ids.slots() as u64, slots);
                ids.take(ids.slot(last));
                open.insert(slot_of(last, slots), last);
                // Three orders in four stay, so that slots are added and ids meet taken ones.
                if closing % 4 == 0 {
                    let from = last.saturating_sub(u64::from(closing)) % slots;
                    if let Some((slot, id)) = open.range(from..).next().map(|(slot, id)| (*slot, *id)) {
                        ids.free(ids.slot(id));
                        open.remove(&slot);
                    }
                }
            }
            prop_assert_eq!(ids.open(), open.len());
            for slot in 0..slots {
                prop_assert_eq!(ids.is_taken(slot as u32), open.contains_key(&slot));
            }
            for (slot, id) in open {
                prop_assert_eq!(u64::from(ids.slot(id)), slot);
            }
        }
    }

    #[test]
    fn an_id_whose_slot_is_taken_is_skipped() {
        let mut ids = Ids::new();
        let first = ids.assign();
        ids.take(ids.slot(first));
        let given: Vec<u64> = (0..SLOTS_MIN).map(|_| ids.assign()).collect();
        assert_eq!(first, 1);
        assert_eq!(given[SLOTS_MIN - 2], SLOTS_MIN as u64);
        let after = given[SLOTS_MIN - 1];
        assert_eq!(after, SLOTS_MIN as u64 + 2, "1 is open, so 1 + 2,048 is skipped");
    }

    #[test]
    fn a_long_run_of_taken_slots_is_skipped_around_the_end() {
        let mut ids = Ids::new();
        let run = SLOTS_MIN as u64 / 3 * 2;
        for _ in 0..run {
            let id = ids.assign();
            ids.take(ids.slot(id));
        }
        let rest = SLOTS_MIN as u64 - run;
        let given: Vec<u64> = (0..=rest).map(|_| ids.assign()).collect();
        assert_eq!(given[rest as usize - 1], SLOTS_MIN as u64);
        assert_eq!(given[rest as usize], SLOTS_MIN as u64 + run + 1);
        ids.free(3);
        let given: Vec<u64> = (0..rest).map(|_| ids.assign()).collect();
        assert_eq!(
            given[rest as usize - 1],
            2 * SLOTS_MIN as u64 + 3,
            "the only free slot in the run"
        );
    }

    #[test]
    fn restored_ids_go_on_where_they_were_and_only_states_that_can_be_are_restored() {
        let mut ids = Ids::new();
        let mut taken = Vec::new();
        for _ in 0..3_000 {
            let id = ids.assign();
            while ids.should_grow() {
                let (from, distance) = ids.grow();
                for id in &taken {
                    let slot = ids.slot(*id);
                    if slot >= distance && slot < from + distance + SLOTS_GAIN && !ids.is_taken(slot) {
                        ids.free(slot - distance);
                        ids.take(slot);
                    }
                }
            }
            ids.take(ids.slot(id));
            taken.push(id);
        }
        let (last, slots) = (ids.last(), ids.slots() as u64);
        let mut restored = Ids::restore(last, slots, taken.len()).expect("it was so");
        for id in &taken {
            assert!(!restored.should_grow(), "what fitted before fits again");
            restored.take(restored.slot(*id));
        }
        assert_eq!(
            (restored.slots(), restored.mask, restored.beyond),
            (ids.slots(), ids.mask, ids.beyond)
        );
        assert_eq!(restored.taken, ids.taken);
        assert_eq!(
            (restored.assign(), restored.is_full()),
            (ids.assign(), ids.is_full())
        );

        let most = slots as usize / 3 * 2;
        for (last, slots, open) in [
            (last, slots, most + 1),
            (last, slots + 1, 1),
            (last, SLOTS_MIN as u64 - 16, 1),
            (last, SLOTS_MAX as u64 + 16, 1),
            (last, u64::MAX, 1),
            (ORDER_ID_LIMIT, slots, 1),
        ] {
            assert!(Ids::restore(last, slots, open).is_none(), "{last} {slots} {open}");
        }
        assert!(Ids::restore(last, SLOTS_MAX as u64, 1).is_some());
    }

    #[test]
    fn ids_end_before_their_limit() {
        let mut ids = Ids::new();
        let last = ORDER_ID_LIMIT - 4 * SLOTS_MIN as u64;
        ids.last = last - 1;
        assert!(!ids.is_full());
        assert_eq!(ids.assign(), last);
        assert!(ids.is_full());
    }
}
