//! The open orders of one market, found by id without a hash.
//!
//! An id is a counter, so it grows for ever and none comes twice. The slot of an order is its id modulo the
//! capacity, a power of two; an id whose slot is still taken by an older open order is skipped. So an id
//! leads to its slot by one mask, ids stay nearly dense, and 2^53 of them outlast any market (285 years at a
//! million a second). Doubling the capacity keeps slots distinct: ids that differ modulo `n` differ modulo `2n`.
//! Which ids are skipped depends on the capacity, which only ever grows by the same rule, so it is
//! part of the state.
//!
//! Knows no balances and no prices' order.

use crate::Side;
use alloc::vec;
use alloc::vec::Vec;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;
/// Ids stay below this.
pub(crate) const ORDER_ID_LIMIT: u64 = 1 << 53;
const CAPACITY_MIN: usize = 1 << 10;
const CAPACITY_MAX: usize = 1 << 26;

/// What a new order brings.
#[derive(Clone, Copy)]
pub(crate) struct NewOrder {
    /// From [`Orders::assign_id`].
    pub(crate) id: u64,
    /// Its side.
    pub(crate) side: Side,
    /// Placed as maker only.
    pub(crate) post_only: bool,
    /// Has a client order id.
    pub(crate) named: bool,
    /// In ticks.
    pub(crate) price: u64,
    /// In lots, still open.
    pub(crate) remaining: u64,
    /// Owner, as the ledger counts accounts.
    pub(crate) account: u32,
    /// What is seldom asked for.
    pub(crate) placed: Placed,
}

/// How an order was placed. Only queries read it, so it lies apart.
#[derive(Clone, Copy, Default)]
pub(crate) struct Placed {
    /// In lots, as placed.
    pub(crate) quantity: u64,
    /// Microseconds, when accepted.
    pub(crate) at: u64,
}

/// What matching and cancelling touch of an open order: half a cache line.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Order {
    /// The id, and above its 53 bits the flags; 0 marks a free slot.
    tag: u64,
    /// In ticks.
    pub(crate) price: u64,
    /// In lots, still open.
    pub(crate) remaining: u64,
    /// Slot of the next younger order at the same price.
    pub(crate) next: u32,
    /// Slot of the next older order at the same price.
    pub(crate) previous: u32,
}

const _: () = assert!(size_of::<Order>() == 32);

const STOP: u64 = 1 << 58;
const TRIGGERED: u64 = 1 << 59;
const LISTED: u64 = 1 << 60;
const SELL: u64 = 1 << 61;
const POST_ONLY: u64 = 1 << 62;
const NAMED: u64 = 1 << 63;

const FREE: Order = Order {
    tag: 0,
    price: 0,
    remaining: 0,
    next: NONE,
    previous: NONE,
};

impl Order {
    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        self.tag & (ORDER_ID_LIMIT - 1)
    }

    /// Its side.
    pub(crate) fn side(&self) -> Side {
        if self.tag & SELL == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// Placed as maker only.
    pub(crate) fn post_only(&self) -> bool {
        self.tag & POST_ONLY != 0
    }

    /// Has a client order id.
    pub(crate) fn named(&self) -> bool {
        self.tag & NAMED != 0
    }

    /// Waits for its trigger, in no queue.
    pub(crate) fn is_stop(&self) -> bool {
        self.tag & STOP != 0
    }

    /// Waited for its trigger once.
    pub(crate) fn is_triggered(&self) -> bool {
        self.tag & TRIGGERED != 0
    }

    /// Waits for its trigger, or did once.
    pub(crate) fn was_stop(&self) -> bool {
        self.tag & (STOP | TRIGGERED) != 0
    }

    /// One of two orders of a list.
    pub(crate) fn is_listed(&self) -> bool {
        self.tag & LISTED != 0
    }

    /// See [`Order::is_listed`].
    pub(super) fn set_listed(&mut self, listed: bool) {
        self.tag = if listed {
            self.tag | LISTED
        } else {
            self.tag & !LISTED
        };
    }

    /// Waits.
    pub(super) fn set_stop(&mut self) {
        self.tag |= STOP;
    }

    /// Waits no longer.
    pub(super) fn set_triggered(&mut self) {
        self.tag = self.tag & !STOP | TRIGGERED;
    }
}

/// See the module's doc.
pub(crate) struct Orders {
    slots: Vec<Order>,
    /// Owner of each slot's order, as the ledger counts accounts; [`NONE`] if it is free.
    owners: Vec<u32>,
    placed: Vec<Placed>,
    /// One bit a slot: taken.
    taken: Vec<u64>,
    open: usize,
    last_id: u64,
}

impl Orders {
    pub(crate) fn new() -> Orders {
        Orders {
            slots: vec![FREE; CAPACITY_MIN],
            owners: vec![NONE; CAPACITY_MIN],
            placed: vec![Placed::default(); CAPACITY_MIN],
            taken: vec![0; CAPACITY_MIN / 64],
            open: 0,
            last_id: 0,
        }
    }

    /// None open, and the next id follows from these; `None` if `open` orders would not fit.
    pub(crate) fn restore(last_id: u64, capacity: u64, open: usize) -> Option<Orders> {
        let capacity = usize::try_from(capacity).ok()?;
        let fits = capacity.is_power_of_two()
            && (CAPACITY_MIN..=CAPACITY_MAX).contains(&capacity)
            && open <= capacity
            && last_id < ORDER_ID_LIMIT;
        fits.then(|| Orders {
            slots: vec![FREE; capacity],
            owners: vec![NONE; capacity],
            placed: vec![Placed::default(); capacity],
            taken: vec![0; capacity / 64],
            open: 0,
            last_id,
        })
    }

    /// The place of this id is taken.
    pub(crate) fn is_taken(&self, id: u64) -> bool {
        self.slots[(id & self.mask()) as usize].tag != 0
    }

    fn mask(&self) -> u64 {
        self.slots.len() as u64 - 1
    }

    /// Slot of the open order `id`.
    #[inline(always)]
    pub(crate) fn find(&self, id: u64) -> Option<u32> {
        let slot = id & self.mask();
        (id != 0 && self.slots[slot as usize].id() == id).then_some(slot as u32)
    }

    /// The order in `slot`.
    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    /// The order in `slot`, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// Owner of the order in `slot`.
    #[inline]
    pub(crate) fn owner(&self, slot: u32) -> u32 {
        self.owners[slot as usize]
    }

    /// How the order in `slot` was placed.
    pub(crate) fn placed(&self, slot: u32) -> Placed {
        self.placed[slot as usize]
    }

    /// Slots of the orders of `owner`, `count` of them, by slot. Looks through all owners: a million open orders take
    /// some tenths of a millisecond, and nobody else pays for links.
    pub(crate) fn owned_by(&self, owner: u32, count: usize) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.owners)
            .filter(move |(_, of)| **of == owner)
            .map(|(slot, _)| slot)
            .take(count)
    }

    /// No further order can be taken.
    pub(crate) fn is_full(&self) -> bool {
        let slots_full = self.slots.len() == CAPACITY_MAX && self.is_crowded();
        slots_full || self.last_id >= ORDER_ID_LIMIT - 2 * self.slots.len() as u64
    }

    fn is_crowded(&self) -> bool {
        self.open >= self.slots.len() / 8 * 7
    }

    /// The next id: the least above the last one whose slot is free.
    #[inline(always)]
    pub(crate) fn assign_id(&mut self) -> u64 {
        let start = self.last_id + 1;
        let slot = (start & self.mask()) as usize;
        let free = !self.taken[slot >> 6] >> (slot & 63);
        let skip = if free & 1 == 1 { 0 } else { self.skip_from(slot) };
        self.last_id = start + skip;
        self.last_id
    }

    /// Distance from the taken `slot` to the next free one, around the end.
    fn skip_from(&self, slot: usize) -> u64 {
        let words = self.taken.len();
        let mut word = slot >> 6;
        let mut free = !self.taken[word] & (u64::MAX << (slot & 63));
        for _ in 0..=words {
            if free != 0 {
                let found = (word << 6) + free.trailing_zeros() as usize;
                return (found.wrapping_sub(slot) as u64) & self.mask();
            }
            word = (word + 1) % words;
            free = !self.taken[word];
        }
        unreachable!("an eighth of the slots is always free")
    }

    /// The next insertion should be preceded by [`Orders::grow`].
    #[inline]
    pub(crate) fn should_grow(&self) -> bool {
        self.is_crowded() && self.slots.len() < CAPACITY_MAX
    }

    /// Puts an order into its slot, behind the order in slot `previous`, and says which slot it is.
    #[inline(always)]
    pub(crate) fn insert(&mut self, order: &NewOrder, previous: u32) -> u32 {
        let slot = (order.id & self.mask()) as usize;
        let side = if order.side == Side::Sell { SELL } else { 0 };
        let post_only = if order.post_only { POST_ONLY } else { 0 };
        let named = if order.named { NAMED } else { 0 };
        self.slots[slot] = Order {
            tag: order.id | side | post_only | named,
            price: order.price,
            remaining: order.remaining,
            next: NONE,
            previous,
        };
        self.owners[slot] = order.account;
        self.placed[slot] = order.placed;
        self.taken[slot >> 6] |= 1 << (slot & 63);
        self.open += 1;
        slot as u32
    }

    /// Frees `slot`.
    #[inline(always)]
    pub(crate) fn remove(&mut self, slot: u32) {
        let slot = slot as usize;
        self.slots[slot].tag = 0;
        self.owners[slot] = NONE;
        self.taken[slot >> 6] &= !(1 << (slot & 63));
        self.open -= 1;
    }

    /// Number of open orders.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// Number of slots.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The last id given.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Open orders by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0_u32..).zip(&self.slots).filter(|(_, order)| order.tag != 0)
    }

    /// Doubles the capacity. Every slot known outside is void afterwards; links between orders are kept.
    #[cold]
    pub(crate) fn grow(&mut self) {
        let capacity = self.slots.len() * 2;
        let mask = capacity as u64 - 1;
        let old = core::mem::replace(&mut self.slots, vec![FREE; capacity]);
        let owners = core::mem::replace(&mut self.owners, vec![NONE; capacity]);
        let placed = core::mem::replace(&mut self.placed, vec![Placed::default(); capacity]);
        self.taken = vec![0; capacity / 64];
        let moved = |slot: u32| match old.get(slot as usize) {
            Some(order) => (order.id() & mask) as u32,
            None => NONE,
        };
        for (from, order) in old.iter().enumerate().filter(|(_, order)| order.tag != 0) {
            let slot = (order.id() & mask) as usize;
            self.taken[slot >> 6] |= 1 << (slot & 63);
            self.owners[slot] = owners[from];
            self.placed[slot] = placed[from];
            self.slots[slot] = Order {
                next: moved(order.next),
                previous: moved(order.previous),
                ..*order
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
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
        fn ids_grow_and_lead_to_their_order(closings in prop::collection::vec(any::<u16>(), 0..6_000)) {
            let mut orders = Orders::new();
            let mut open = BTreeSet::new();
            let mut last = 0;
            for closing in closings {
                let id = orders.assign_id();
                prop_assert!(id > last && id < ORDER_ID_LIMIT);
                last = id;
                if orders.should_grow() {
                    orders.grow();
                }
                orders.insert(&order(id), NONE);
                open.insert(id);
                // Two orders in three stay, so that the slab grows and ids meet taken slots.
                if closing % 3 == 0 {
                    let chosen = open.range(last.saturating_sub(u64::from(closing))..).next().copied();
                    if let Some((id, slot)) = chosen.and_then(|id| Some((id, orders.find(id)?))) {
                        orders.remove(slot);
                        open.remove(&id);
                        prop_assert_eq!(orders.find(id), None);
                    }
                }
            }
            prop_assert_eq!(orders.len(), open.len());
            for id in open {
                let slot = orders.find(id).expect("it is open");
                let (found, placed) = (orders.get(slot), orders.placed(slot));
                prop_assert_eq!((found.id(), found.side()), (id, Side::Sell));
                prop_assert_eq!((found.post_only(), found.named()), (id.is_multiple_of(2), id.is_multiple_of(3)));
                prop_assert_eq!((found.price, found.remaining), (id + 1, id + 2));
                prop_assert_eq!((placed.quantity, placed.at), (id + 3, id + 4));
                prop_assert_eq!(orders.owner(slot), id as u32 % 7);
            }
        }
    }

    #[test]
    fn an_id_whose_slot_is_taken_is_skipped() {
        let mut orders = Orders::new();
        let first = orders.assign_id();
        orders.insert(&order(first), NONE);
        let ids: Vec<u64> = (0..CAPACITY_MIN).map(|_| orders.assign_id()).collect();
        assert_eq!(first, 1);
        assert_eq!(ids[CAPACITY_MIN - 2], CAPACITY_MIN as u64);
        assert_eq!(
            ids[CAPACITY_MIN - 1],
            CAPACITY_MIN as u64 + 2,
            "1 is open, so 1 + capacity is skipped"
        );
    }
}
