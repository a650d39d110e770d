//! What entries of the access log order and is not done yet: destruction, holds, restrictions, agreements.
//!
//! Such an entry is durable first and the key store follows. Until it has, the anchor of the log in the key store stays before the
//! entry, so that the next start, which looks at all entries after the anchor, finds it and does it. What fails or is given up
//! half-way stays undone until then. It does not know what is ordered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The orders of one vault. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Orders {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// How many entries there were before each order that is under way.
    under_way: BTreeMap<u64, u64>,
    /// How many there were before the first that this process will not do any more.
    given_up: Option<u64>,
}

impl Orders {
    /// Begins an order whose entry comes after `size` others.
    pub(crate) fn begin(&self, size: u64) -> Order {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.under_way.insert(number, size);
        Order {
            orders: self.clone(),
            number,
        }
    }

    /// How many entries there are before the first that is not done, this one aside; `None` if all are.
    pub(crate) fn done_until(&self, aside: Option<&Order>) -> Option<u64> {
        let open = self.open();
        let counts = |number: &u64| aside.is_none_or(|aside| aside.number != *number);
        let under_way = open.under_way.iter().filter(|(number, _)| counts(number));
        under_way
            .map(|(_, size)| size)
            .chain(&open.given_up)
            .min()
            .copied()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An order under way. Dropped before it is done, it stays for the next start.
#[must_use]
pub(crate) struct Order {
    orders: Orders,
    number: u64,
}

impl Order {
    /// It is done, or nothing was ordered.
    pub(crate) fn done(self) {
        self.orders.open().under_way.remove(&self.number);
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        let mut open = self.orders.open();
        if let Some(size) = open.under_way.remove(&self.number) {
            open.given_up = Some(open.given_up.map_or(size, |first| first.min(size)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_order_that_is_not_done_counts() {
        let orders = Orders::default();
        assert_eq!(orders.done_until(None), None);
        let (first, second) = (orders.begin(3), orders.begin(7));
        assert_eq!(orders.done_until(None), Some(3));
        assert_eq!(orders.done_until(Some(&first)), Some(7));
        first.done();
        assert_eq!(orders.done_until(None), Some(7));
        let third = orders.begin(9);
        drop(second);
        third.done();
        assert_eq!(orders.done_until(None), Some(7), "given up, so it stays");
    }
}
