//! Order ids, and where the order of an id lies, without a hash.
//!
//! An id is a counter, so it grows for ever and none comes twice. The index is an array of slots; an id's
//! entry is its remainder modulo the array's length, a power of two, and an id whose entry belongs to an older
//! open order is skipped. So an id leads to its slot by one mask, ids stay nearly dense, and 2^53 of them
//! outlast any market (285 years at a million a second). Doubling the length keeps entries distinct: ids that
//! differ modulo `n` differ modulo `2n`. Which ids are skipped depends on the length, which only grows, by the
//! number of open orders alone, so it is part of the state.
//!
//! Skipping is cheap on average: between two rounds through the array at least an eighth of its entries are
//! given, so no more than seven are skipped for each one given. Knows no orders; the caller says whose id a
//! slot holds.

use super::order::{NONE, ORDER_ID_LIMIT};
use alloc::vec;
use alloc::vec::Vec;

/// Length of a new market's index.
pub(super) const LENGTH_MIN: usize = 1 << 10;
/// Greatest length; seven eighths of it is the most open orders.
const LENGTH_MAX: usize = 1 << 26;
/// Entries looked through at once for a free one.
const STRIDE: usize = 64;

/// See the module's doc.
pub(super) struct Ids {
    /// Slot of the open order with each remainder; [`NONE`] without one.
    slots: Vec<u32>,
    /// The last id given.
    last: u64,
}

impl Ids {
    pub(super) fn new() -> Ids {
        Ids {
            slots: vec![NONE; LENGTH_MIN],
            last: 0,
        }
    }

    /// Gives ids as one did whose last id and length these were; `None` if `open` orders would not fit.
    pub(super) fn restore(last: u64, length: u64, open: usize) -> Option<Ids> {
        let length = usize::try_from(length).ok()?;
        let fits = length.is_power_of_two()
            && (LENGTH_MIN..=LENGTH_MAX).contains(&length)
            && open < length
            && last < ORDER_ID_LIMIT;
        fits.then(|| Ids {
            slots: vec![NONE; length],
            last,
        })
    }

    #[inline(always)]
    fn entry(&self, id: u64) -> usize {
        id as usize & (self.slots.len() - 1)
    }

    /// Slot of the order `id`, if that is open; another order's or none if not.
    #[inline(always)]
    pub(super) fn slot(&self, id: u64) -> u32 {
        self.slots[self.entry(id)]
    }

    /// The order `id` lies in `slot`; [`NONE`] when it has gone.
    #[inline(always)]
    pub(super) fn set_slot(&mut self, id: u64, slot: u32) {
        let entry = self.entry(id);
        self.slots[entry] = slot;
    }

    /// The next id: the least above the last one whose entry is free.
    #[inline(always)]
    pub(super) fn assign(&mut self) -> u64 {
        let next = self.last + 1;
        let free = self.slot(next) == NONE;
        self.last = if free { next } else { next + self.skip_from(next) };
        self.last
    }

    /// Distance from `id` to the next one whose entry is free, around the end.
    #[inline(never)]
    fn skip_from(&self, id: u64) -> u64 {
        let (before, after) = self.slots.split_at(self.entry(id));
        let skip = first_free(after).or_else(|| first_free(before).map(|skip| after.len() + skip));
        match skip {
            Some(skip) => skip as u64,
            None => unreachable!("an eighth of the entries is always free"),
        }
    }

    /// With `open` orders no further one can be taken.
    #[inline]
    pub(super) fn is_full(&self, open: usize) -> bool {
        let length_full = self.is_crowded(open) && self.slots.len() == LENGTH_MAX;
        length_full || self.last >= ORDER_ID_LIMIT - 2 * self.slots.len() as u64
    }

    #[inline]
    fn is_crowded(&self, open: usize) -> bool {
        open >= self.slots.len() / 8 * 7
    }

    /// With `open` orders the next insertion should be preceded by [`Ids::grow`].
    #[inline]
    pub(super) fn should_grow(&self, open: usize) -> bool {
        self.is_crowded(open) && self.slots.len() < LENGTH_MAX
    }

    /// Doubles the length in place; `id_of` says which id a slot holds.
    #[cold]
    pub(super) fn grow(&mut self, id_of: impl Fn(u32) -> u64) {
        let length = self.slots.len();
        self.slots.reserve_exact(length);
        self.slots.resize(length * 2, NONE);
        let (lower, upper) = self.slots.split_at_mut(length);
        for (lower, upper) in lower.iter_mut().zip(upper) {
            if *lower != NONE && id_of(*lower) & length as u64 != 0 {
                core::mem::swap(lower, upper);
            }
        }
    }

    /// Number of entries.
    pub(super) fn length(&self) -> usize {
        self.slots.len()
    }

    /// The last id given.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Entries that lead to a slot.
    pub(super) fn used(&self) -> usize {
        self.slots.iter().filter(|slot| **slot != NONE).count()
    }
}

/// Position of the first free entry.
fn first_free(entries: &[u32]) -> Option<usize> {
    let stride = entries.chunks(STRIDE).position(|stride| stride.contains(&NONE))?;
    let start = stride * STRIDE;
    let within = entries.get(start..)?.iter().position(|slot| *slot == NONE)?;
    Some(start + within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition: count up, skip what shares a remainder with an open id, double at seven eighths.
        #[test]
        fn ids_are_the_least_that_share_no_entry(closings in prop::collection::vec(any::<u16>(), 0..6_000)) {
            let mut ids = Ids::new();
            let mut open: BTreeMap<u64, u64> = BTreeMap::new();
            let (mut length, mut last) = (LENGTH_MIN as u64, 0);
            let mut id_of = Vec::new();
            for closing in closings {
                last += 1;
                while open.contains_key(&(last % length)) {
                    last += 1;
                }
                prop_assert_eq!(ids.assign(), last);
                if open.len() as u64 == length / 8 * 7 {
                    length *= 2;
                    open = open.into_values().map(|id| (id % length, id)).collect();
                }
                if ids.should_grow(open.len()) {
                    ids.grow(|slot: u32| id_of[slot as usize]);
                }
                prop_assert_eq!(ids.length() as u64, length);
                ids.set_slot(last, id_of.len() as u32);
                id_of.push(last);
                open.insert(last % length, last);
                // Two orders in three stay, so that the index grows and ids meet taken entries.
                if closing % 3 == 0 {
                    let from = last.saturating_sub(u64::from(closing)) % length;
                    if let Some((entry, id)) = open.range(from..).next().map(|(entry, id)| (*entry, *id)) {
                        ids.set_slot(id, NONE);
                        open.remove(&entry);
                    }
                }
            }
            prop_assert_eq!(ids.used(), open.len());
            for id in open.into_values() {
                prop_assert_eq!(id_of[ids.slot(id) as usize], id);
            }
        }
    }

    #[test]
    fn an_id_whose_entry_is_taken_is_skipped() {
        let mut ids = Ids::new();
        let first = ids.assign();
        ids.set_slot(first, 0);
        let given: Vec<u64> = (0..LENGTH_MIN).map(|_| ids.assign()).collect();
        assert_eq!(first, 1);
        assert_eq!(given[LENGTH_MIN - 2], LENGTH_MIN as u64);
        let after = given[LENGTH_MIN - 1];
        assert_eq!(
            after,
            LENGTH_MIN as u64 + 2,
            "1 is open, so 1 + length is skipped"
        );
    }

    #[test]
    fn a_long_run_of_taken_entries_is_skipped_at_once_and_around_the_end() {
        let mut ids = Ids::new();
        let taken: Vec<u64> = (0..LENGTH_MIN as u64 / 8 * 7).map(|_| ids.assign()).collect();
        for id in &taken {
            ids.set_slot(*id, 0);
        }
        let rest = LENGTH_MIN - taken.len();
        let given: Vec<u64> = (0..=rest).map(|_| ids.assign()).collect();
        assert_eq!(given[rest - 1], LENGTH_MIN as u64);
        assert_eq!(given[rest], (LENGTH_MIN + taken.len() + 1) as u64);
        ids.set_slot(3, NONE);
        let given: Vec<u64> = (0..rest).map(|_| ids.assign()).collect();
        assert_eq!(
            given[rest - 1],
            2 * LENGTH_MIN as u64 + 3,
            "the only free entry before the run"
        );
    }

    #[test]
    fn ids_end_before_their_limit() {
        let mut ids = Ids::new();
        let last = ORDER_ID_LIMIT - 2 * LENGTH_MIN as u64;
        ids.last = last - 1;
        assert!(!ids.is_full(0));
        assert_eq!(ids.assign(), last);
        assert!(ids.is_full(0));
    }
}
