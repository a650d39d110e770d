//! How the book's arrays grow: by an eighth of what they hold.
//!
//! Doubling would leave up to half of the memory unused. The allocator moves large arrays by renaming their
//! pages, not by copying, so that many small steps cost no more than a few large ones. Knows nothing of
//! what is stored.

use alloc::vec::Vec;

/// Fewest elements gained at once.
const GAIN_MIN: usize = 64;

/// Adds `element` at the end.
pub(super) fn push<T>(array: &mut Vec<T>, element: T) {
    if array.len() == array.capacity() {
        array.reserve_exact(GAIN_MIN.max(array.len() / 8));
    }
    array.push(element);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_never_has_an_eighth_more_room_than_it_needs() {
        let mut array = Vec::new();
        for element in 0..100_000_u32 {
            push(&mut array, element);
            let room = array.capacity() - array.len();
            assert!(room <= GAIN_MIN.max(array.len() / 8), "{room} beside {element}");
        }
        assert!(array.iter().copied().eq(0..100_000));
    }
}
