//! A set of small integers that finds its next and previous member in three steps.
//!
//! Three layers of 64-bit words; a bit in an upper layer says that the word below it is not empty. Knows
//! nothing of prices.

use crate::array::Array;
use alloc::vec;
use alloc::vec::Vec;

/// Most members: 64³.
pub(crate) const BITS_MAX: usize = 64 * 64 * 64;

/// A set over `0..bits`.
#[derive(Default)]
pub(crate) struct Bitmap {
    leaves: Array<u64>,
    middle: Vec<u64>,
    top: u64,
}

impl Bitmap {
    /// The empty set over `0..bits`, with `bits` at most [`BITS_MAX`].
    pub(crate) fn new(bits: usize) -> Bitmap {
        debug_assert!(bits <= BITS_MAX);
        let leaves = bits.div_ceil(64);
        let mut words = Array::new();
        words.extend_to(leaves, &0);
        Bitmap {
            leaves: words,
            middle: vec![0; leaves.div_ceil(64)],
            top: 0,
        }
    }

    /// Adds `bit`.
    #[inline(always)]
    pub(crate) fn insert(&mut self, bit: usize) {
        let leaf = &mut self.leaves[bit >> 6];
        let before = *leaf;
        *leaf = before | 1 << (bit & 63);
        if before == 0 {
            self.insert_above(bit);
        }
    }

    /// The leaf of `bit` is no longer empty.
    #[cold]
    #[inline(never)]
    fn insert_above(&mut self, bit: usize) {
        self.middle[bit >> 12] |= 1 << ((bit >> 6) & 63);
        self.top |= 1 << (bit >> 12);
    }

    /// Takes `bit` out.
    #[inline(always)]
    pub(crate) fn remove(&mut self, bit: usize) {
        let leaf = &mut self.leaves[bit >> 6];
        let after = *leaf & !(1 << (bit & 63));
        *leaf = after;
        if after == 0 {
            self.remove_above(bit);
        }
    }

    /// The leaf of `bit` is empty now.
    #[cold]
    #[inline(never)]
    fn remove_above(&mut self, bit: usize) {
        let middle = &mut self.middle[bit >> 12];
        *middle &= !(1 << ((bit >> 6) & 63));
        if *middle == 0 {
            self.top &= !(1 << (bit >> 12));
        }
    }

    /// Greatest member below `bit`; `bit` may be the size of the set.
    pub(crate) fn below(&self, bit: usize) -> Option<usize> {
        let word = bit >> 6;
        if let Some(leaf) = self.leaves.get(word) {
            let rest = leaf & low(bit & 63);
            if rest != 0 {
                return Some((word << 6) + highest(rest));
            }
        }
        let block = word >> 6;
        if let Some(middle) = self.middle.get(block) {
            let rest = middle & low(word & 63);
            if rest != 0 {
                return Some(self.last_of((block << 6) + highest(rest)));
            }
        }
        let rest = if block < 64 {
            self.top & low(block)
        } else {
            self.top
        };
        if rest == 0 {
            return None;
        }
        let block = highest(rest);
        Some(self.last_of((block << 6) + highest(self.middle[block])))
    }

    /// Least member at or above `bit`.
    pub(crate) fn at_or_above(&self, bit: usize) -> Option<usize> {
        let word = bit >> 6;
        let rest = self.leaves.get(word)? & !low(bit & 63);
        if rest != 0 {
            return Some((word << 6) + lowest(rest));
        }
        let block = word >> 6;
        let rest = self.middle.get(block)? & !through(word & 63);
        if rest != 0 {
            return Some(self.first_of((block << 6) + lowest(rest)));
        }
        let rest = self.top & !through(block);
        if rest == 0 {
            return None;
        }
        let block = lowest(rest);
        Some(self.first_of((block << 6) + lowest(self.middle[block])))
    }

    fn first_of(&self, word: usize) -> usize {
        (word << 6) + lowest(self.leaves[word])
    }

    fn last_of(&self, word: usize) -> usize {
        (word << 6) + highest(self.leaves[word])
    }
}

/// Ones below position `bit` (0 to 63).
const fn low(bit: usize) -> u64 {
    (1 << bit) - 1
}

/// Ones up to and with position `bit` (0 to 63).
const fn through(bit: usize) -> u64 {
    u64::MAX >> (63 - bit)
}

/// Position of the lowest one of a word that has one.
const fn lowest(word: u64) -> usize {
    word.trailing_zeros() as usize
}

/// Position of the highest one of a word that has one.
const fn highest(word: u64) -> usize {
    (63 - (word | 1).leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_an_ordered_set(
            size in prop::sample::select(vec![64_usize, 4_096, 8_192, BITS_MAX]),
            steps in prop::collection::vec((any::<bool>(), any::<u32>(), any::<bool>()), 1..200),
        ) {
            let mut bitmap = Bitmap::new(size);
            let mut set = BTreeSet::new();
            for (insert, value, near) in steps {
                let bit = value as usize % if near { 130.min(size) } else { size };
                if insert {
                    bitmap.insert(bit);
                    set.insert(bit);
                } else {
                    bitmap.remove(bit);
                    set.remove(&bit);
                }
                for probe in [0, bit.saturating_sub(1), bit, bit + 1, size - 1, size] {
                    prop_assert_eq!(bitmap.below(probe), set.range(..probe).next_back().copied());
                    prop_assert_eq!(bitmap.at_or_above(probe), set.range(probe..).next().copied());
                }
            }
        }
    }
}
