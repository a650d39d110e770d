//! Parked orders: stops and take-profits that wait for their trigger.
//!
//! A parked order has a slot, an id and an owner like every open order, and counts as one; but it stands on no level
//! and in no queue, so matching never meets it. Released, it joins the end of a queue under the id it had, so it
//! stands behind younger ids: priority is the time of joining. Its lots count as open lots while it waits, so there
//! is always room for it.
//!
//! Knows no trigger prices and no last price; the caller finds what is to be released.

use super::order::{NONE, NewOrder, Order};
use super::{Book, add_one, middle};

impl Book {
    /// Takes an order in without giving it a place; returns its slot. Its id must come from [`Book::assign_id`].
    /// The caller keeps its prices.
    pub(crate) fn park(&mut self, order: &NewOrder) -> u32 {
        self.orders.reserve(&mut self.ladder.levels);
        self.open_lots[order.side.index()] += order.remaining;
        add_one(&mut self.counts, order.account);
        add_one(&mut self.stop_counts, order.account);
        let slot = self.orders.slot(order.id);
        self.orders.insert(slot, order, None, NONE);
        slot
    }

    /// Puts a parked order at the end of the queue at `price`, with the same id and in the same slot. `remaining` is
    /// what it has left: at least one lot, and no more than it had. It must not cross the other side.
    ///
    /// # Panics
    /// If the order is not parked: the book would then be broken.
    pub(crate) fn release_parked(&mut self, slot: u32, price: u64, remaining: u64) {
        let level = self.ladder.entry(price, || middle(self.best, price));
        let order = self.orders.get_mut(slot);
        assert!(order.is_stop(), "an order that is not parked was released");
        order.set_triggered();
        let (side, owner, gone) = (order.side(), order.owner, order.remaining - remaining);
        (order.remaining, order.level) = (remaining, level);
        self.open_lots[side.index()] -= gone;
        let previous = self.join((level, price), slot, side, remaining);
        let order = self.orders.get_mut(slot);
        (order.next, order.previous) = (NONE, previous);
        self.forget_stop(owner);
    }

    #[cold]
    pub(super) fn forget_stop(&mut self, owner: u32) {
        self.stop_counts[owner] -= 1;
    }

    /// Number of parked orders of `account`.
    pub(crate) fn stops_of_count(&self, account: u32) -> u32 {
        self.stop_counts.get(account as usize).copied().unwrap_or(0)
    }

    /// Parked orders with their slots, by slot, which says nothing of their age. Looks through all orders.
    pub(crate) fn parked(&self) -> impl Iterator<Item = (u32, &Order)> {
        self.orders.iter().filter(|(_, order)| order.is_stop())
    }
}
