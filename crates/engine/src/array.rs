//! An array whose elements are asked for without asking each time whether they are there, and how to have an element fetched without
//! waiting for it: the only unsafe code of the engine.
//!
//! **Why.** A command asks for a dozen elements that are known to be there, and each question whether they are costs two instructions and
//! a read of the length: a sixteenth of all. [`Array::get`] and [`Array::get_mut`] ask, and are for whoever does not know.
//!
//! **Why it is right.** An array never gets shorter, so an index that was good once is good for ever. Whoever uses `[index]` has the index
//! from one of these:
//!
//! * an order's id, by `Ids::slot`, which is below `Ids::slots` for every number; `Orders::extend` makes the arrays as long as that
//!   before any id is asked for. The words of `FreeSlots` are as many as that takes.
//! * a link between orders and levels, written when its target was in its slot. `NONE` is no index: it is replaced before the link is
//!   followed.
//! * the list of free levels, which always has one; `Levels` adds some when it takes the last.
//! * a position in the ladder's window, found to be in it; the bitmap has a bit for each.
//! * the slot of an account. `Ledger` gives one only when it adds the account with its balances; an asset's index is below the stride,
//!   because markets have listed assets only. `Balances` has room for all of them wherever the first one lies, and compares their
//!   numbers with theirs again. A book counts an order of an account before it counts it off, and
//!   makes room for an account's count before it counts.
//!
//! No index comes from a command or from a snapshot: a snapshot's orders are placed anew, one by one. Where assertions are compiled, each
//! index is compared with the length and a wrong one stops the engine: so it is in all tests, in the comparison with the reference
//! model, and in the fuzz targets, which are there to break this argument.
//!
//! **Fetching.** [`fetch`] needs no argument about indices: the instruction is a hint, and a hint at no element at all is allowed. Reading
//! instead, which is safe, makes the processor wait at every few elements: a tenth to a fifth of the time with many orders or accounts.
//!
//! It doubles its room when it is full. Room that was never used costs no memory, because the system gives pages when they
//! are first touched, and the allocator moves a large array by renaming its pages, not by copying. It does so only for
//! elements that are aligned to 16 bytes at most: others are copied, and what they leave behind stays with the process.
//! Knows nothing of what it holds.
#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// See the module's doc.
#[derive(Default)]
pub(crate) struct Array<T>(Vec<T>);

/// Fetches the element at `index` into the nearest cache, if there is one, and does not wait for it. An index that is too great does
/// nothing.
#[inline(always)]
pub(crate) fn fetch<T: Copy>(elements: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = elements.as_ptr().wrapping_add(index).cast();
        // SAFETY: this instruction changes nothing that a program sees and never faults, whatever the address is.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
    }
    // Elsewhere it is read.
    #[cfg(not(target_arch = "x86_64"))]
    core::hint::black_box(elements.get(index).copied());
}

impl<T: Clone> Array<T> {
    /// Without elements.
    pub(crate) fn new() -> Array<T> {
        const { assert!(align_of::<T>() <= 16) }
        Array(Vec::new())
    }

    /// Adds copies of `element` until there are at least `length` elements.
    pub(crate) fn extend_to(&mut self, length: usize, element: &T) {
        if self.0.len() < length {
            self.0.resize(length, element.clone());
        }
    }
}

impl<T> Array<T> {
    /// Number of elements.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The element at `index`, if there are so many.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    /// The element at `index`, to change, if there are so many.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.0.get_mut(index)
    }

    /// All elements.
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// All elements, to change.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.0
    }

    /// The element at `index` and the next one, to change; both must be there, as with `[index]`.
    #[inline(always)]
    pub(crate) fn pair_mut(&mut self, index: usize) -> [&mut T; 2] {
        debug_assert!(
            index + 1 < self.0.len(),
            "there are no elements {index} and the next"
        );
        // SAFETY: both indices are below the length, as the module's doc says, and they differ.
        unsafe { self.0.get_disjoint_unchecked_mut([index, index + 1]) }
    }

    /// All elements with their index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0_u32..).zip(&self.0)
    }

    /// Memory in use; room that was never used is not.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.len() * size_of::<T>()
    }
}

impl<T> Index<usize> for Array<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: usize) -> &T {
        debug_assert!(index < self.0.len(), "there is no element {index}");
        // SAFETY: the index is below the length; the module's doc says why.
        unsafe { self.0.get_unchecked(index) }
    }
}

impl<T> IndexMut<usize> for Array<T> {
    #[inline(always)]
    fn index_mut(&mut self, index: usize) -> &mut T {
        debug_assert!(index < self.0.len(), "there is no element {index}");
        // SAFETY: the index is below the length; the module's doc says why.
        unsafe { self.0.get_unchecked_mut(index) }
    }
}

impl<T> Index<u32> for Array<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: u32) -> &T {
        &self[index as usize]
    }
}

impl<T> IndexMut<u32> for Array<T> {
    #[inline(always)]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self[index as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_as_more_are_added() {
        let mut array = Array::new();
        for length in [1_usize, 64, 65, 5_000] {
            array.extend_to(length, &0);
            assert_eq!(array.len(), length);
            array[length - 1] = length;
        }
        array.extend_to(10, &7);
        assert_eq!(array.len(), 5_000, "it never shrinks");
        assert_eq!(
            (array[0_u32], array[63_u32], array[64_u32], array[1_u32]),
            (1, 64, 65, 0)
        );
        let held = array.iter().filter(|(_, value)| **value > 0);
        assert_eq!(
            held.map(|(index, _)| index).collect::<Vec<_>>(),
            [0, 63, 64, 4_999]
        );
        assert_eq!(array.get_mut(4_999).copied(), Some(5_000));
        assert_eq!(array.get_mut(5_000), None);
        assert_eq!(array.get(u32::MAX as usize), None);
    }

    /// Positive control of the assertions: each way to an element stops at the first index that is too great. Without assertions there is
    /// nothing to see, and such an index must not be tried.
    #[test]
    #[cfg(debug_assertions)]
    fn a_wrong_index_stops_the_engine() {
        extern crate std;
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let mut array = Array::new();
        array.extend_to(7, &1_u64);
        array[6_u32] = 2;
        assert_eq!((array[6_u32], array[6_usize]), (2, 2));
        for wrong in [7, 8, u32::MAX] {
            let mut array = AssertUnwindSafe(&mut array);
            let mut stops = |way: fn(&mut Array<u64>, u32)| {
                let result = catch_unwind(AssertUnwindSafe(|| way(&mut array, wrong)));
                assert!(result.is_err(), "{wrong} was taken");
            };
            stops(|array, wrong| assert_eq!(array[wrong], array[wrong]));
            stops(|array, wrong| array[wrong] = 3);
            stops(|array, wrong| assert_eq!(array[wrong as usize], array[wrong as usize]));
            stops(|array, wrong| array[wrong as usize] = 3);
            stops(|array, wrong| *array.pair_mut(wrong as usize - 1)[0] = 3);
        }
    }
}
