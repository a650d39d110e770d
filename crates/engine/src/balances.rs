//! All balances, in one array of amounts: of each account and asset what is available, and then what is held.
//!
//! An account's balances of two assets fill one line of the cache, and never lie in two. The array is not aligned to lines, because the
//! allocator would have to copy it when it grows, and would keep what it leaves behind; instead the first balance lies at the array's
//! first line. That is looked at again when the array has grown; it moves seldom, because large blocks all begin at the same place of a
//! page.
//!
//! Knows no accounts and no assets, and no sums.

use crate::Balance;
use crate::array::{Array, fetch};
use ensoex_types::Amount;

/// Amounts in a line of the cache.
const LINE: usize = 4;
const NOTHING: Amount = Amount(0);

/// See the module's doc.
pub(crate) struct Balances {
    amounts: Array<Amount>,
    /// Where the first balance lies: below [`LINE`].
    start: usize,
    count: usize,
}

impl Balances {
    /// None.
    pub(crate) fn new() -> Balances {
        Balances {
            amounts: Array::new(),
            start: 0,
            count: 0,
        }
    }

    /// Number of balances.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds empty balances until there are `count`.
    pub(crate) fn extend_to(&mut self, count: usize) {
        // Room for every start.
        self.amounts.extend_to(count * 2 + LINE - 1, &NOTHING);
        let amounts = self.amounts.as_mut_slice();
        let start = first_line(amounts);
        if start != self.start {
            let (old, end) = (self.start, self.start + self.count * 2);
            amounts.copy_within(old..end, start);
            amounts[..start].fill(NOTHING);
            amounts[start + self.count * 2..].fill(NOTHING);
            self.start = start;
        }
        self.count = self.count.max(count);
    }

    #[inline(always)]
    fn position(&self, index: usize) -> usize {
        debug_assert!(index < self.count, "there is no balance {index}");
        self.start + index * 2
    }

    /// The balance at `index`.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> Balance {
        let position = self.position(index);
        Balance {
            available: self.amounts[position],
            held: self.amounts[position + 1],
        }
    }

    /// Fetches the balance at `index`.
    #[inline(always)]
    pub(crate) fn fetch(&self, index: usize) {
        fetch(self.amounts.as_slice(), self.start + index * 2);
    }

    /// The balance at `index`, to change.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, index: usize) -> BalanceMut<'_> {
        let place = self.place(index);
        self.at_mut(place, 0)
    }

    /// Where the balance at `index` lies, until balances are added.
    #[inline(always)]
    pub(crate) fn place(&self, index: usize) -> Place {
        Place(self.position(index))
    }

    /// The balance `distance` after the one at `place`, to change.
    #[inline(always)]
    pub(crate) fn at_mut(&mut self, Place(position): Place, distance: usize) -> BalanceMut<'_> {
        let [available, held] = self.amounts.pair_mut(position + distance * 2);
        BalanceMut { available, held }
    }
}

/// Where a balance lies: worked out once for all balances of an account.
#[derive(Clone, Copy)]
pub(crate) struct Place(usize);

/// Where the first line of the cache begins.
fn first_line(amounts: &[Amount]) -> usize {
    let bytes = LINE * size_of::<Amount>();
    let beyond = amounts.as_ptr().addr() % bytes;
    (bytes - beyond) % bytes / size_of::<Amount>()
}

/// A balance to change.
pub(crate) struct BalanceMut<'a> {
    pub(crate) available: &'a mut Amount,
    pub(crate) held: &'a mut Amount,
}

impl BalanceMut<'_> {
    /// Takes over a balance.
    pub(crate) fn set(self, balance: Balance) {
        (*self.available, *self.held) = (balance.available, balance.held);
    }

    /// Available money goes away; the caller has checked that it is there.
    #[inline(always)]
    pub(crate) fn spend(self, amount: u128) {
        self.available.0 -= amount as i128;
    }

    /// Money comes in.
    #[inline(always)]
    pub(crate) fn receive(self, amount: u128) {
        self.available.0 += amount as i128;
    }

    /// Available money becomes held.
    #[inline(always)]
    pub(crate) fn hold(self, amount: u128) {
        self.available.0 -= amount as i128;
        self.held.0 += amount as i128;
    }

    /// Held money goes away.
    #[inline(always)]
    pub(crate) fn spend_held(self, amount: u128) {
        self.held.0 -= amount as i128;
    }

    /// Held money becomes available.
    #[inline(always)]
    pub(crate) fn release(self, amount: u128) {
        self.held.0 -= amount as i128;
        self.available.0 += amount as i128;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_stay_and_begin_with_a_line_however_many_there_are() {
        let mut balances = Balances::new();
        let of = |index: usize| Balance {
            available: Amount(index as i128 + 1),
            held: Amount(-(index as i128)),
        };
        let mut before = 0;
        for count in (1..200).chain([1_000, 5_000, 200_000, 300_000]) {
            balances.extend_to(count);
            for index in before..count {
                assert_eq!(
                    balances.get(index),
                    Balance::default(),
                    "{index} of {count} is new"
                );
                balances.get_mut(index).set(of(index));
            }
            for index in (0..count).step_by(count.div_ceil(300)) {
                assert_eq!(balances.get(index), of(index), "{index} of {count}");
            }
            let first = &raw const balances.amounts[balances.start];
            assert_eq!((balances.len(), first.addr() % 64), (count, 0));
            before = count;
        }
    }

    /// However the allocator places the array, nothing is lost.
    #[test]
    fn balances_move_to_another_start() {
        for old in 0..LINE {
            let mut balances = Balances::new();
            balances.extend_to(9);
            let start = balances.start;
            let balance = Balance {
                available: Amount(5),
                held: Amount(7),
            };
            balances.start = old;
            balances.amounts.as_mut_slice().fill(NOTHING);
            (0..9).for_each(|index| balances.get_mut(index).set(balance));
            balances.extend_to(9);
            assert_eq!(balances.start, start);
            assert!((0..9).all(|index| balances.get(index) == balance), "{old}");
            balances.extend_to(10);
            assert_eq!(balances.get(9), Balance::default(), "{old}");
        }
    }
}
