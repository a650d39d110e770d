//! An array that grows without moving: what it holds lies in pages of fixed length.
//!
//! One great array would have to be copied when it grows, which stops everything for milliseconds, or keep
//! room for twice what it holds. Here growth costs one page, at most one page is unused, and finding an element
//! costs one more load, out of a table small enough to stay in the nearest cache. Knows nothing of what it holds.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// Elements in a page.
pub(super) const PAGE: usize = 1 << 10;

/// See the module's doc.
pub(super) struct Pages<T>(Vec<Box<[T; PAGE]>>);

impl<T: Clone> Pages<T> {
    /// Without elements.
    pub(super) fn new() -> Pages<T> {
        Pages(Vec::new())
    }

    /// Adds pages, filled with `element`, until there are at least `length` elements.
    pub(super) fn extend_to(&mut self, length: usize, element: &T) {
        while self.len() < length {
            match Box::try_from(vec![element.clone(); PAGE]) {
                Ok(page) => self.0.push(page),
                Err(_) => unreachable!("the length is a page's"),
            }
        }
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len() * PAGE
    }

    /// The element at `index`, to change, if there are so many.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let page = self.0.get_mut(index as usize / PAGE)?;
        Some(&mut page[index as usize % PAGE])
    }

    /// All elements with their index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0_u32..)
            .step_by(PAGE)
            .zip(&self.0)
            .flat_map(|(first, page)| (first..).zip(page.iter()))
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<T>() + self.0.capacity() * size_of::<Box<[T; PAGE]>>()
    }
}

impl<T> Index<u32> for Pages<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: u32) -> &T {
        &self.0[index as usize / PAGE][index as usize % PAGE]
    }
}

impl<T> IndexMut<u32> for Pages<T> {
    #[inline(always)]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.0[index as usize / PAGE][index as usize % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_as_pages_are_added() {
        let mut pages = Pages::new();
        for length in [1, PAGE, PAGE + 1, 5 * PAGE] {
            pages.extend_to(length, &0);
            assert_eq!(pages.len(), length.next_multiple_of(PAGE));
            pages[length as u32 - 1] = length;
        }
        assert_eq!(
            (pages[0], pages[PAGE as u32 - 1], pages[PAGE as u32]),
            (1, PAGE, PAGE + 1)
        );
        let held: Vec<(u32, usize)> = pages.iter().map(|(index, value)| (index, *value)).collect();
        assert_eq!(held.len(), 5 * PAGE);
        for (position, (index, value)) in held.iter().enumerate() {
            assert_eq!((*index as usize, *value), (position, pages[*index]));
        }
        let end = pages.len() as u32;
        assert_eq!(
            (pages.get_mut(end - 1).copied(), pages.get_mut(end)),
            (Some(5 * PAGE), None)
        );
        assert_eq!(pages.get_mut(u32::MAX), None);
    }
}
