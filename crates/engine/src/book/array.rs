//! An array whose elements are counted in `u32`.
//!
//! It doubles its room when it is full. Room that was never used costs no memory, because the system gives pages when they
//! are first touched, and the allocator moves a large array by renaming its pages, not by copying. It does so only for
//! elements that are aligned to 16 bytes at most: others are copied, and what they leave behind stays with the process.
//! Knows nothing of what it holds.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut, Range};

/// See the module's doc.
pub(super) struct Array<T>(Vec<T>);

impl<T: Clone> Array<T> {
    /// Without elements.
    pub(super) fn new() -> Array<T> {
        const { assert!(align_of::<T>() <= 16) }
        Array(Vec::new())
    }

    /// Adds copies of `element` until there are at least `length` elements.
    pub(super) fn extend_to(&mut self, length: usize, element: &T) {
        if self.0.len() < length {
            self.0.resize(length, element.clone());
        }
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The element at `index`, if there are so many.
    #[inline(always)]
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.0.get(index as usize)
    }

    /// The element at `index`, to change, if there are so many.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.0.get_mut(index as usize)
    }

    /// The elements in `range`, as far as there are so many.
    pub(super) fn range(&self, range: Range<usize>) -> &[T] {
        self.0.get(range).unwrap_or_default()
    }

    /// All elements with their index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0_u32..).zip(&self.0)
    }

    /// Memory in use; room that was never used is not.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<T>()
    }
}

impl<T> Index<u32> for Array<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: u32) -> &T {
        &self.0[index as usize]
    }
}

impl<T> IndexMut<u32> for Array<T> {
    #[inline(always)]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.0[index as usize]
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
            array[length as u32 - 1] = length;
        }
        array.extend_to(10, &7);
        assert_eq!(array.len(), 5_000, "it never shrinks");
        assert_eq!((array[0], array[63], array[64], array[1]), (1, 64, 65, 0));
        let held = array.iter().filter(|(_, value)| **value > 0);
        assert_eq!(
            held.map(|(index, _)| index).collect::<Vec<_>>(),
            [0, 63, 64, 4_999]
        );
        assert_eq!(array.get_mut(4_999).copied(), Some(5_000));
        assert_eq!(array.get_mut(5_000), None);
        assert_eq!(array.get_mut(u32::MAX), None);
    }
}
