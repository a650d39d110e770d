//! The open orders of one market, in slots.
//!
//! An order keeps its slot for as long as it is open. A slot that falls free is the next to be taken, because it is
//! the likeliest to be in a cache. Growth adds slots and moves none, so links between orders stay valid.
//!
//! Knows no balances and no prices' order.

use super::growth;
use super::ids::Ids;
use super::order::{NONE, NewOrder, Order, Placed};
use alloc::vec::Vec;

/// See the module's doc.
pub(super) struct Orders {
    slots: Vec<Order>,
    /// Owner of each slot's order, or of its last one, again: a search for an owner's orders reads an eighth as much.
    owners: Vec<u32>,
    placed: Vec<Placed>,
    /// First free slot; each free one leads to the next.
    free: u32,
    open: usize,
    ids: Ids,
}

impl Orders {
    pub(super) fn new() -> Orders {
        Orders {
            slots: Vec::new(),
            owners: Vec::new(),
            placed: Vec::new(),
            free: NONE,
            open: 0,
            ids: Ids::new(),
        }
    }

    /// None open; the next id follows from these. `None` if `open` orders would not fit.
    pub(super) fn restore(last_id: u64, length: u64, open: usize) -> Option<Orders> {
        Some(Orders {
            ids: Ids::restore(last_id, length, open)?,
            ..Orders::new()
        })
    }

    /// The id was not given yet, or its entry leads to an open order.
    pub(super) fn is_taken(&self, id: u64) -> bool {
        id == 0 || id > self.ids.last() || self.ids.slot(id) != NONE
    }

    /// Slot of the open order `id`.
    #[inline(always)]
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        let slot = self.ids.slot(id);
        let order = self.slots.get(slot as usize)?;
        (order.id() == id).then_some(slot)
    }

    /// The order in `slot`.
    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    /// The order in `slot`, to change.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// The order in `slot`, to change; `None` if `slot` is [`NONE`].
    #[inline(always)]
    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Order> {
        self.slots.get_mut(slot as usize)
    }

    /// How the order in `slot` was placed.
    pub(super) fn placed(&self, slot: u32) -> Placed {
        self.placed[slot as usize]
    }

    /// Slots of the orders of `owner`, `count` of them, by slot. Looks through all owners: a million open orders take
    /// some tenths of a millisecond, and nobody else pays for links.
    pub(super) fn owned_by(&self, owner: u32, count: usize) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.owners)
            .filter(move |(_, of)| **of == owner)
            .map(|(slot, _)| slot)
            .filter(|slot| !self.get(*slot).is_free())
            .take(count)
    }

    /// No further order can be taken.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.ids.is_full(self.open)
    }

    /// The next id; see [`super::ids`].
    #[inline(always)]
    pub(super) fn assign_id(&mut self) -> u64 {
        self.ids.assign()
    }

    /// Puts an order on `level`, behind the order in slot `previous`, and says which slot it has.
    #[inline(always)]
    pub(super) fn insert(&mut self, order: &NewOrder, level: u32, previous: u32) -> u32 {
        if self.ids.should_grow(self.open) {
            self.ids.grow(|slot| self.slots[slot as usize].id());
        }
        let new = Order::new(order, level, previous);
        let slot = self.free;
        let slot = match self.slots.get_mut(slot as usize) {
            Some(free) => {
                self.free = free.next;
                *free = new;
                self.owners[slot as usize] = order.account;
                self.placed[slot as usize] = order.placed;
                slot
            }
            None => self.push(new, order),
        };
        self.ids.set_slot(order.id, slot);
        self.open += 1;
        slot
    }

    #[inline(never)]
    fn push(&mut self, new: Order, order: &NewOrder) -> u32 {
        let slot = self.slots.len() as u32;
        growth::push(&mut self.slots, new);
        growth::push(&mut self.owners, order.account);
        growth::push(&mut self.placed, order.placed);
        slot
    }

    /// Frees `slot`; returns the order that was there.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) -> Order {
        let free = self.free;
        let entry = self.get_mut(slot);
        let order = *entry;
        entry.set_free(free);
        self.free = slot;
        self.open -= 1;
        self.ids.set_slot(order.id(), NONE);
        order
    }

    /// Number of open orders.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Last id given, and the length of the ids' index: what the next id follows from.
    pub(super) fn id_state(&self) -> (u64, u64) {
        (self.ids.last(), self.ids.length() as u64)
    }

    /// Open orders by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0_u32..).zip(&self.slots).filter(|(_, order)| !order.is_free())
    }

    /// Every open order is found by its id and by its owner, and every other slot is in the list of free ones.
    pub(super) fn is_consistent(&self) -> bool {
        let found = |slot: u32, order: &Order| {
            self.find(order.id()) == Some(slot) && self.owners[slot as usize] == order.owner
        };
        let some = |slot: u32| (slot != NONE).then_some(slot);
        let free = core::iter::successors(some(self.free), |slot| some(self.get(*slot).next))
            .take(self.slots.len() + 1)
            .filter(|slot| self.get(*slot).is_free())
            .count();
        self.iter().all(|(slot, order)| found(slot, order))
            && self.iter().count() == self.open
            && self.ids.used() == self.open
            && free + self.open == self.slots.len()
            && self.owners.len() == self.slots.len()
            && self.placed.len() == self.slots.len()
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Order>()
            + self.owners.capacity() * size_of::<u32>()
            + self.placed.capacity() * size_of::<Placed>()
            + self.ids.length() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Side;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    fn order(id: u64) -> NewOrder {
        NewOrder {
            id,
            side: Side::Sell,
            post_only: id.is_multiple_of(2),
            named: id.is_multiple_of(3),
            price: id + 1,
            remaining: id + 2,
            account: id as u32 % 7,
            placed: Placed {
                quantity: id + 3,
                at: id + 4,
            },
        }
    }

    proptest! {
        #[test]
        fn an_order_keeps_its_slot_and_is_found_by_id(closings in prop::collection::vec(any::<u16>(), 0..3_000)) {
            let mut orders = Orders::new();
            let mut open = BTreeMap::new();
            let mut last = 0;
            let mut most = 0;
            for closing in closings {
                let id = orders.assign_id();
                prop_assert!(id > last);
                last = id;
                open.insert(id, orders.insert(&order(id), 5, NONE));
                most = most.max(open.len());
                if closing % 3 == 0 {
                    let chosen = open.range(last.saturating_sub(u64::from(closing))..).next();
                    if let Some((id, slot)) = chosen.map(|(id, slot)| (*id, *slot)) {
                        prop_assert_eq!(orders.remove(slot).id(), id);
                        open.remove(&id);
                        prop_assert_eq!(orders.find(id), None);
                    }
                }
            }
            prop_assert_eq!(orders.len(), open.len());
            prop_assert_eq!(orders.slots.len(), most, "free slots are taken first");
            prop_assert!(orders.is_consistent());
            for (id, slot) in open {
                prop_assert_eq!(orders.find(id), Some(slot));
                let (found, placed) = (orders.get(slot), orders.placed(slot));
                prop_assert_eq!((found.id(), found.side(), found.level), (id, Side::Sell, 5));
                prop_assert_eq!((found.post_only(), found.named()), (id.is_multiple_of(2), id.is_multiple_of(3)));
                prop_assert_eq!((found.remaining, found.owner), (id + 2, id as u32 % 7));
                prop_assert_eq!((placed.quantity, placed.at), (id + 3, id + 4));
            }
        }
    }

    #[test]
    fn what_was_never_an_id_is_not_found() {
        let mut orders = Orders::new();
        for id in [0, 1, 1 << 53, 1 << 63, u64::MAX] {
            assert_eq!(orders.find(id), None);
        }
        let id = orders.assign_id();
        let slot = orders.insert(&order(id), 0, NONE);
        for id in [0, 2, (1 << 53) + 1, (1 << 61) + 1, 1_025, u64::MAX] {
            assert_eq!(orders.find(id), None);
        }
        orders.remove(slot);
        for id in [0, 1] {
            assert_eq!(orders.find(id), None, "its slot is free");
        }
    }
}
