//! What looking ahead ([`crate::ahead`]) reads of a book and fetches for it. What a function reads should have been fetched before, by
//! the one above it. Whatever is asked for is answered: slots that are not there have nothing in them. Changes nothing.

use super::Book;
use crate::Side;
use crate::array::fetch;

/// So many orders of a side are likely to trade soon.
const OWNERS_NEAR: usize = 3;

impl Book {
    /// The order `id`.
    #[inline(always)]
    pub(crate) fn fetch_order(&self, id: u64) {
        self.orders.fetch(self.orders.slot(id));
    }

    /// Where it is written which level lies at `price`.
    #[inline(always)]
    pub(crate) fn fetch_place(&self, price: u64) {
        self.ladder.fetch_place(price);
    }

    /// The number of open orders of `account`.
    #[inline(always)]
    pub(crate) fn fetch_count(&self, account: u32) {
        fetch(self.counts.as_slice(), account as usize);
    }

    /// The level and the neighbours of the order `id`.
    #[inline(always)]
    pub(crate) fn fetch_around(&self, id: u64) {
        if let Some(order) = self.orders.look(self.orders.slot(id)) {
            self.ladder.levels.fetch(order.level);
            self.orders.fetch(order.next);
            self.orders.fetch(order.previous);
        }
    }

    /// The level at `price`, if it is in the window.
    #[inline(always)]
    pub(crate) fn fetch_level(&self, price: u64) {
        self.ladder.levels.fetch(self.ladder.find_near(price));
    }

    /// The youngest order at `price`.
    #[inline(always)]
    pub(crate) fn fetch_tail(&self, price: u64) {
        if let Some(level) = self.ladder.levels.look(self.ladder.find_near(price)) {
            self.orders.fetch(level.tail);
        }
    }

    /// Owners, as the ledger counts accounts, of the oldest orders at the best price of `side`: a few.
    pub(crate) fn owners_near(&self, side: Side) -> impl Iterator<Item = u32> {
        let level = self.ladder.levels.look(self.best_levels[side.index()]);
        let first = level.and_then(|level| self.orders.look(level.head));
        core::iter::successors(first, |order| self.orders.look(order.next))
            .take(OWNERS_NEAR)
            .map(|order| order.owner)
    }
}
