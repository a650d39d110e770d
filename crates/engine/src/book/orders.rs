//! The open orders of one market, each in the slot that its id leads to (see [`super::ids`]).
//!
//! Orders placed one after the other lie side by side, so placing reads and writes memory in order. Adding slots
//! moves a few orders to new ones and mends the links to them: **a slot is valid until the next insertion**, an id for as
//! long as the order is open.
//!
//! Knows no balances and no prices' order.

use super::free_slots::FreeSlots;
use super::ids::{Ids, SLOTS_GAIN};
use super::levels::Levels;
use super::order::{FREE, NewOrder, Order, Placed};
use crate::array::{Array, fetch};

/// See the module's doc.
pub(super) struct Orders {
    slots: Array<Order>,
    /// Owner of each slot's order, or of its last one, again: a search for an owner's orders reads an eighth as much.
    owners: Array<u32>,
    placed: Array<Placed>,
    free: FreeSlots,
    ids: Ids,
}

impl Orders {
    pub(super) fn new() -> Orders {
        Orders::with_ids(Ids::new())
    }

    /// None open; the next id follows from these. `None` if `open` orders would not fit.
    pub(super) fn restore(last_id: u64, slots: u64, open: usize) -> Option<Orders> {
        Ids::restore(last_id, slots, open).map(Orders::with_ids)
    }

    fn with_ids(ids: Ids) -> Orders {
        let mut orders = Orders {
            slots: Array::new(),
            owners: Array::new(),
            placed: Array::new(),
            free: FreeSlots::new(),
            ids,
        };
        orders.extend();
        orders
    }

    /// Makes the arrays as long as the ids need them.
    fn extend(&mut self) {
        let slots = self.ids.slots();
        self.free.extend_to(slots);
        self.slots.extend_to(slots, &FREE);
        self.owners.extend_to(slots, &0);
        self.placed.extend_to(slots, &Placed::default());
    }

    /// The id was not given yet, or its slot belongs to an open order.
    pub(super) fn is_taken(&self, id: u64) -> bool {
        id == 0 || id > self.ids.last() || !self.slots[self.ids.slot(id)].is_free()
    }

    /// Slot of the open order `id`.
    #[inline(always)]
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        let slot = self.ids.slot(id);
        (self.slots[slot].id() == id && id != 0).then_some(slot)
    }

    /// Slot of the open order `id` of `owner`.
    #[inline(always)]
    pub(super) fn find_of(&self, id: u64, owner: u32) -> Option<u32> {
        let slot = self.ids.slot(id);
        let order = &self.slots[slot];
        // A free slot has the id 0 and no owner.
        (order.id() == id && order.owner == owner).then_some(slot)
    }

    /// The order in `slot`.
    #[inline(always)]
    pub(super) fn get(&self, slot: u32) -> &Order {
        &self.slots[slot]
    }

    /// The order in `slot`, to change.
    #[inline(always)]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot]
    }

    /// The order in `slot`, to change; `None` if `slot` is [`super::NONE`].
    #[inline(always)]
    pub(super) fn link_mut(&mut self, slot: u32) -> Option<&mut Order> {
        self.slots.get_mut(slot as usize)
    }

    /// What is in `slot`, an order or none, if there is such a slot.
    #[inline(always)]
    pub(super) fn look(&self, slot: u32) -> Option<&Order> {
        self.slots.get(slot as usize)
    }

    /// Fetches what is in `slot`.
    #[inline(always)]
    pub(super) fn fetch(&self, slot: u32) {
        fetch(self.slots.as_slice(), slot as usize);
    }

    /// How the order in `slot` was placed.
    pub(super) fn placed(&self, slot: u32) -> Placed {
        self.placed[slot]
    }

    /// Slots of the orders of `owner`, `count` of them, by slot. Looks through all owners: a million open orders take
    /// some tenths of a millisecond, and nobody else pays for links.
    pub(super) fn owned_by(&self, owner: u32, count: usize) -> impl Iterator<Item = u32> {
        self.owners
            .iter()
            .filter(move |(_, of)| **of == owner)
            .map(|(slot, _)| slot)
            .filter(|slot| !self.get(*slot).is_free())
            .take(count)
    }

    /// No further order can be taken.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.ids.is_full()
    }

    /// The next id; see [`super::ids`].
    #[inline(always)]
    pub(super) fn assign_id(&mut self) -> u64 {
        match self.near() {
            Some((id, _)) => id,
            None => self.far(),
        }
    }

    /// The next id and its slot, with room made for it as by [`Orders::reserve`].
    #[inline(always)]
    pub(super) fn assign(&mut self, levels: &mut Levels) -> (u64, u32) {
        match self.near() {
            Some(found) if !self.ids.is_crowded() => found,
            Some((id, _)) => self.make_room(id, levels),
            None => {
                let id = self.far();
                self.make_room(id, levels)
            }
        }
    }

    /// The next id and its slot, if they are found soon: most runs of taken slots are short.
    #[inline(always)]
    fn near(&mut self) -> Option<(u64, u32)> {
        let next = self.ids.next();
        let slot = self.ids.slot(next);
        // The slots of ids that follow each other follow each other too, at least to the next multiple of 64 or the end.
        let skipped = self.free.distance(slot)?;
        let id = next + u64::from(skipped);
        self.ids.give(id);
        Some((id, slot + skipped))
    }

    /// The next id, however far.
    #[cold]
    #[inline(never)]
    fn far(&mut self) -> u64 {
        let next = self.ids.next();
        let id = self.ids.after_taken(next, |range| self.free.first(range));
        self.ids.give(id);
        id
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, id: u64, levels: &mut Levels) -> (u64, u32) {
        self.reserve(levels);
        (id, self.ids.slot(id))
    }

    /// Slot of an order with this id; see [`super::ids`].
    #[inline(always)]
    pub(super) fn slot(&self, id: u64) -> u32 {
        self.ids.slot(id)
    }

    /// Makes room for an insertion, which this must precede. Slots known outside are void afterwards, except in `levels`.
    #[inline(always)]
    pub(super) fn reserve(&mut self, levels: &mut Levels) {
        if self.ids.should_grow() {
            self.grow(levels);
        }
    }

    #[cold]
    fn grow(&mut self, levels: &mut Levels) {
        let (from, distance) = self.ids.grow();
        self.extend();
        for slot in from..from + SLOTS_GAIN {
            let order = self.slots[slot];
            if !order.is_free() && self.ids.slot(order.id()) != slot {
                self.relocate(slot, slot + distance, levels);
            }
        }
        self.fetch_links();
    }

    /// Fetches what the next growth will mend: the neighbours of the orders that it moves.
    fn fetch_links(&self) {
        let (from, distance) = self.ids.growth();
        for slot in from..from + SLOTS_GAIN {
            if let Some(order) = self.look(slot)
                && order.id() & u64::from(distance) != 0
            {
                self.fetch(order.next);
                self.fetch(order.previous);
            }
        }
    }

    fn relocate(&mut self, from: u32, to: u32, levels: &mut Levels) {
        let order = core::mem::replace(&mut self.slots[from], FREE);
        self.slots[to] = order;
        self.owners[to] = self.owners[from];
        self.placed[to] = self.placed[from];
        self.free.insert(from);
        self.free.remove(to);
        if let Some(previous) = self.link_mut(order.previous) {
            previous.next = to;
        } else if let Some(level) = levels.link_mut(order.level) {
            level.head = to;
        }
        if let Some(next) = self.link_mut(order.next) {
            next.previous = to;
        } else if let Some(level) = levels.link_mut(order.level) {
            level.tail = to;
        }
    }

    /// Puts an order into the free slot that its id leads to: on `level`, behind the order in slot `previous`;
    /// parked if there is no level.
    #[inline(always)]
    pub(super) fn insert(&mut self, slot: u32, order: &NewOrder, level: Option<u32>, previous: u32) {
        self.slots[slot] = Order::new(order, level, previous);
        self.owners[slot] = order.account;
        self.placed[slot] = order.placed;
        self.free.remove(slot);
        self.ids.add_open();
    }

    /// Frees `slot`; returns the order that was there.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) -> Order {
        let order = *self.get(slot);
        self.vacate(slot);
        order
    }

    /// Frees `slot`.
    #[inline(always)]
    pub(super) fn vacate(&mut self, slot: u32) {
        self.get_mut(slot).set_free();
        self.free.insert(slot);
        self.ids.remove_open();
    }

    /// Number of open orders.
    pub(super) fn len(&self) -> usize {
        self.ids.open()
    }

    /// Last id given, and the number of slots: what the next id follows from.
    pub(super) fn id_state(&self) -> (u64, u64) {
        (self.ids.last(), self.ids.slots() as u64)
    }

    /// Open orders by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Order)> {
        self.slots.iter().filter(|(_, order)| !order.is_free())
    }

    /// Every open order is found by its id and by its owner, and all are counted.
    pub(super) fn is_consistent(&self) -> bool {
        let found = |slot: u32, order: &Order| {
            self.find(order.id()) == Some(slot) && self.owners[slot] == order.owner
        };
        self.iter().all(|(slot, order)| found(slot, order))
            && self.iter().count() == self.len()
            && self.slots.len() >= self.ids.slots()
            && (0..self.ids.slots() as u32).all(|slot| self.free.contains(slot) == self.slots[slot].is_free())
            && self.free.count() + self.len() == self.ids.slots()
    }

    /// Memory reserved.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes() + self.owners.bytes() + self.placed.bytes() + self.free.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::NONE;
    use super::*;
    use crate::Side;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    fn order(id: u64) -> NewOrder {
        NewOrder {
            id,
            side: Side::Sell,
            post_only: id.is_multiple_of(2),
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
        fn an_order_is_found_by_id_however_the_slots_grow(closings in prop::collection::vec(any::<u16>(), 0..6_000)) {
            let mut orders = Orders::new();
            let mut levels = Levels::new();
            let mut open = BTreeSet::new();
            let mut last = 0;
            for closing in closings {
                let (id, slot) = orders.assign(&mut levels);
                prop_assert!(id > last);
                last = id;
                orders.insert(slot, &order(id), Some(5), NONE);
                open.insert(id);
                // Three orders in four stay, so that orders are moved to new slots.
                if closing % 4 == 0 {
                    let chosen = open.range(last.saturating_sub(u64::from(closing))..).next().copied();
                    if let Some((id, slot)) = chosen.and_then(|id| Some((id, orders.find(id)?))) {
                        prop_assert_eq!(orders.remove(slot).id(), id);
                        open.remove(&id);
                        prop_assert_eq!(orders.find(id), None);
                    }
                }
            }
            prop_assert_eq!(orders.len(), open.len());
            prop_assert!(orders.is_consistent());
            for id in open {
                let slot = orders.find(id).expect("it is open");
                let (found, placed) = (orders.get(slot), orders.placed(slot));
                prop_assert_eq!((found.id(), found.side(), found.level), (id, Side::Sell, 5));
                prop_assert_eq!((found.post_only(), found.named()), (id.is_multiple_of(2), false));
                prop_assert_eq!(orders.find_of(id, id as u32 % 7), Some(slot));
                prop_assert_eq!(orders.find_of(id, id as u32 % 7 + 1), None);
                prop_assert_eq!((found.remaining, found.owner), (id + 2, id as u32 % 7));
                prop_assert_eq!((placed.quantity, placed.at), (id + 3, id + 4));
            }
        }
    }

    /// Positive control.
    #[test]
    fn a_slot_that_is_wrongly_free_or_taken_is_seen() {
        let mut orders = Orders::new();
        let (id, slot) = orders.assign(&mut Levels::new());
        orders.insert(slot, &order(id), Some(0), NONE);
        assert!(orders.is_consistent());
        orders.free.insert(slot);
        assert!(!orders.is_consistent(), "an order's slot is free");
        orders.free.remove(slot);
        orders.free.remove(slot + 1);
        assert!(!orders.is_consistent(), "nobody's slot is taken");
        orders.free.insert(slot + 1);
        assert!(orders.is_consistent());
    }

    #[test]
    fn what_was_never_an_id_is_not_found() {
        let mut orders = Orders::new();
        for id in [0, 1, 1 << 53, 1 << 63, u64::MAX] {
            assert_eq!(orders.find(id), None);
        }
        let (id, slot) = orders.assign(&mut Levels::new());
        orders.insert(slot, &order(id), Some(0), NONE);
        for id in [0, 2, (1 << 53) + 1, (1 << 61) + 1, 1_025, u64::MAX] {
            assert_eq!(orders.find(id), None);
        }
        assert_eq!(orders.find_of(id, 1), Some(slot));
        orders.remove(slot);
        for id in [0, 1] {
            assert_eq!(orders.find(id), None, "its slot is free");
            assert_eq!(orders.find_of(id, 1), None, "whoever owned it last");
        }
    }
}
