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
//! so it is part of the state. Knows no orders: which slots are free is the caller's to say.

use super::order::ORDER_ID_LIMIT;
use core::ops::Range;

/// Slots of a new market.
pub(super) const SLOTS_MIN: usize = 1 << 11;
/// Most slots; two thirds of them can be used.
const SLOTS_MAX: usize = 1 << 26;
/// Slots added at once.
pub(super) const SLOTS_GAIN: u32 = 16;

/// See the module's doc.
pub(super) struct Ids {
    /// `n` − 1.
    mask: u64,
    /// Slots beyond `n`; below `n`.
    beyond: u64,
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

    /// The id that comes next if its slot is free.
    #[inline(always)]
    pub(super) fn next(&self) -> u64 {
        self.last + 1
    }

    /// `id` is given: the next one, or what [`Ids::after_taken`] said.
    #[inline(always)]
    pub(super) fn give(&mut self, id: u64) {
        self.last = id;
    }

    /// The least id above `id`, whose slot is taken, with a free slot. `first_free` finds the first one in a range, if there is one.
    pub(super) fn after_taken(&self, mut id: u64, first_free: impl Fn(Range<usize>) -> Option<usize>) -> u64 {
        // The slots of ids that follow each other follow each other too, until `n` or until the end.
        for _ in 0..4 {
            let slot = self.slot(id) as usize;
            let n = self.mask as usize + 1;
            let end = if slot < n { n } else { self.slots() };
            match first_free(slot..end) {
                Some(free) => return id + (free - slot) as u64,
                None => id += (end - slot) as u64,
            }
        }
        unreachable!("a third of the slots is always free")
    }

    /// One more order is open.
    #[inline(always)]
    pub(super) fn add_open(&mut self) {
        self.open += 1;
    }

    /// One order less is open.
    #[inline(always)]
    pub(super) fn remove_open(&mut self) {
        self.open -= 1;
    }

    /// No further order can be taken.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.last >= self.last_max || (self.is_crowded() && self.slots() >= SLOTS_MAX)
    }

    /// As many orders are open as the slots are meant for.
    #[inline(always)]
    pub(super) fn is_crowded(&self) -> bool {
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
        let (from, n) = self.growth();
        self.beyond += u64::from(SLOTS_GAIN);
        if self.beyond > self.mask {
            (self.mask, self.beyond) = (self.mask * 2 + 1, 0);
        }
        self.open_max = open_max(self.slots());
        self.last_max = last_max(self.slots());
        (from, n)
    }

    /// What [`Ids::grow`] would return. The orders that move have this distance in their ids' binary digits.
    pub(super) fn growth(&self) -> (u32, u32) {
        (self.beyond as u32, self.mask as u32 + 1)
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
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Ids with the open orders' ids by slot, as the orders keep them.
    struct Taken {
        ids: Ids,
        slots: BTreeMap<u32, u64>,
    }

    impl Taken {
        fn new() -> Taken {
            let (ids, slots) = (Ids::new(), BTreeMap::new());
            Taken { ids, slots }
        }

        fn assign(&mut self) -> u64 {
            let next = self.ids.next();
            let free = |slot: usize| !self.slots.contains_key(&(slot as u32));
            let id = if free(self.ids.slot(next) as usize) {
                next
            } else {
                self.ids
                    .after_taken(next, |mut range| range.find(|slot| free(*slot)))
            };
            self.ids.give(id);
            id
        }

        fn take(&mut self, id: u64) {
            let before = self.slots.insert(self.ids.slot(id), id);
            assert_eq!(before, None, "the slot was free");
            self.ids.add_open();
        }

        fn free(&mut self, id: u64) {
            assert_eq!(self.slots.remove(&self.ids.slot(id)), Some(id));
            self.ids.remove_open();
        }

        /// Adds slots; only ids in the slots that are said to may lead elsewhere.
        fn grow(&mut self) {
            let (from, distance) = self.ids.grow();
            for slot in from..from + SLOTS_GAIN {
                if let Some(id) = self.slots.remove(&slot) {
                    let now = self.ids.slot(id);
                    assert!(now == slot || now == slot + distance);
                    assert_eq!(self.slots.insert(now, id), None, "no two want the same slot");
                }
            }
        }
    }

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
            let mut taken = Taken::new();
            let mut open: BTreeMap<u64, u64> = BTreeMap::new();
            let (mut slots, mut last) = (SLOTS_MIN as u64, 0);
            for closing in closings {
                last += 1;
                while open.contains_key(&slot_of(last, slots)) {
                    last += 1;
                }
                prop_assert_eq!(taken.assign(), last);
                if open.len() as u64 >= slots / 3 * 2 {
                    slots += u64::from(SLOTS_GAIN);
                    let before = open.len();
                    open = open.into_values().map(|id| (slot_of(id, slots), id)).collect();
                    prop_assert_eq!(open.len(), before, "no two want the same slot");
                    prop_assert!(taken.ids.should_grow());
                    taken.grow();
                }
                prop_assert!(!taken.ids.should_grow());
                prop_assert_eq!(taken.ids.slots() as u64, slots);
                taken.take(last);
                open.insert(slot_of(last, slots), last);
                // Three orders in four stay, so that slots are added and ids meet taken ones.
                if closing % 4 == 0 {
                    let from = last.saturating_sub(u64::from(closing)) % slots;
                    if let Some((slot, id)) = open.range(from..).next().map(|(slot, id)| (*slot, *id)) {
                        taken.free(id);
                        open.remove(&slot);
                    }
                }
            }
            prop_assert_eq!(taken.ids.open(), open.len());
            let taken = taken.slots.into_iter().map(|(slot, id)| (u64::from(slot), id));
            prop_assert!(taken.eq(open));
        }
    }

    #[test]
    fn an_id_whose_slot_is_taken_is_skipped() {
        let mut taken = Taken::new();
        let first = taken.assign();
        taken.take(first);
        let given: Vec<u64> = (0..SLOTS_MIN).map(|_| taken.assign()).collect();
        assert_eq!(first, 1);
        assert_eq!(given[SLOTS_MIN - 2], SLOTS_MIN as u64);
        let after = given[SLOTS_MIN - 1];
        assert_eq!(after, SLOTS_MIN as u64 + 2, "1 is open, so 1 + 2,048 is skipped");
    }

    #[test]
    fn a_long_run_of_taken_slots_is_skipped_around_the_end() {
        let mut taken = Taken::new();
        let run = SLOTS_MIN as u64 / 3 * 2;
        for _ in 0..run {
            let id = taken.assign();
            taken.take(id);
        }
        let rest = SLOTS_MIN as u64 - run;
        let given: Vec<u64> = (0..=rest).map(|_| taken.assign()).collect();
        assert_eq!(given[rest as usize - 1], SLOTS_MIN as u64);
        assert_eq!(given[rest as usize], SLOTS_MIN as u64 + run + 1);
        taken.free(3);
        let given: Vec<u64> = (0..rest).map(|_| taken.assign()).collect();
        assert_eq!(
            given[rest as usize - 1],
            2 * SLOTS_MIN as u64 + 3,
            "the only free slot in the run"
        );
    }

    #[test]
    fn restored_ids_go_on_where_they_were_and_only_states_that_can_be_are_restored() {
        let mut taken = Taken::new();
        let mut open = Vec::new();
        for _ in 0..3_000 {
            let id = taken.assign();
            while taken.ids.should_grow() {
                taken.grow();
            }
            taken.take(id);
            open.push(id);
        }
        let (last, slots) = (taken.ids.last(), taken.ids.slots() as u64);
        let mut restored = Taken {
            ids: Ids::restore(last, slots, open.len()).expect("it was so"),
            slots: BTreeMap::new(),
        };
        for id in &open {
            assert!(!restored.ids.should_grow(), "what fitted before fits again");
            restored.take(*id);
        }
        assert_eq!(
            (restored.ids.slots(), restored.ids.mask, restored.ids.beyond),
            (taken.ids.slots(), taken.ids.mask, taken.ids.beyond)
        );
        assert_eq!(restored.slots, taken.slots);
        assert_eq!(
            (restored.assign(), restored.ids.is_full()),
            (taken.assign(), taken.ids.is_full())
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
        let mut taken = Taken::new();
        let last = ORDER_ID_LIMIT - 4 * SLOTS_MIN as u64;
        taken.ids.give(last - 1);
        assert!(!taken.ids.is_full());
        assert_eq!(taken.assign(), last);
        assert!(taken.ids.is_full());
    }
}
