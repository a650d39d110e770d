//! One market's order book: who stands where, in price-time priority.
//!
//! Holds the open orders, their queue at each price, the best prices, the stops that wait for their trigger (see
//! [`parked`]), and how many orders each account has. Knows no balances, fees, events, trigger prices or rules of the
//! market; prices lie between 1 and 2^63 − 1.
//!
//! What a command touches lies in few cache lines: an id leads to its slot ([`ids`]), the slot holds the order
//! ([`orders`]), and the order knows its neighbours and its level ([`levels`]). Prices are looked up only when an
//! order comes to rest and when a level begins or ends ([`ladder`]).

mod ahead;
mod bitmap;
mod check;
mod free_slots;
mod ids;
mod ladder;
mod levels;
mod order;
mod orders;

mod parked;
#[cfg(test)]
mod tests;

use crate::Side;
use crate::array::Array;
use alloc::vec::Vec;
use core::hint::select_unpredictable;
use ensoex_types::ClientOrderId;
use hashbrown::HashMap;
use ladder::Ladder;
pub(crate) use levels::Level;
pub(crate) use order::{NONE, NewOrder, Order, Placed};
use orders::Orders;

/// Rank of the best price of a side without orders: worse than every price, and met by none.
const NO_RANK: u64 = 0;
/// The prices that have this rank.
const NO_BID: u64 = Side::Buy.rank(NO_RANK);
const NO_ASK: u64 = Side::Sell.rank(NO_RANK);

/// See the module's doc.
pub(crate) struct Book {
    ladder: Ladder,
    orders: Orders,
    /// Ranks ([`Side::rank`]) of the best bid and the best ask, because prices are mostly compared.
    best: [u64; 2],
    /// Slots of their levels; [`NONE`] on a side without orders.
    best_levels: [u32; 2],
    /// Open lots of each side, parked ones too; bounds every level's sum.
    open_lots: [u64; 2],
    /// Number of open orders by account, as the ledger counts them.
    counts: Array<u32>,
    /// How many of them are parked; as long as the greatest account that ever had one.
    stop_counts: Array<u32>,
    /// Client order ids of the orders that have one.
    names: HashMap<u64, ClientOrderId>,
}

impl Book {
    pub(crate) fn new() -> Book {
        Book {
            ladder: Ladder::new(),
            orders: Orders::new(),
            best: [NO_RANK; 2],
            best_levels: [NONE; 2],
            open_lots: [0; 2],
            counts: Array::new(),
            stop_counts: Array::new(),
            names: HashMap::new(),
        }
    }

    /// An empty book that gives ids as one did whose [`Book::id_state`] was this; `None` if `orders` do not fit.
    pub(crate) fn restore(last_id: u64, slots: u64, orders: usize) -> Option<Book> {
        let mut book = Book::new();
        book.orders = Orders::restore(last_id, slots, orders)?;
        Some(book)
    }

    /// No order may be given this id again: it was not given yet, or an open order has its place.
    pub(crate) fn is_taken(&self, id: u64) -> bool {
        self.orders.is_taken(id)
    }

    /// Best price of `side`.
    #[inline]
    pub(crate) fn best(&self, side: Side) -> Option<u64> {
        let rank = self.best[side.index()];
        (rank != NO_RANK).then(|| side.rank(rank))
    }

    /// Best bid and best ask; [`NO_BID`] and [`NO_ASK`] without orders.
    fn best_prices(&self) -> [u64; 2] {
        prices(self.best)
    }

    /// Best price of the side that `taker` trades with, if it is within `limit`.
    #[inline(always)]
    pub(crate) fn best_within(&self, taker: Side, limit: u64) -> Option<u64> {
        let side = taker.opposite();
        let rank = self.best[side.index()];
        (rank != NO_RANK && self.is_met(taker, limit)).then(|| side.rank(rank))
    }

    /// An order of `taker` at `price`, which must lie between 1 and 2^63 − 1, meets an order of the other side.
    #[inline(always)]
    pub(crate) fn is_met(&self, taker: Side, price: u64) -> bool {
        // What is the better for one side is the worse for the other.
        taker.rank(price) >= !self.best[taker.opposite().index()]
    }

    /// Slot of the oldest order at the best price of `side`, which must have orders.
    #[inline]
    pub(crate) fn first(&self, side: Side) -> u32 {
        self.ladder.levels.get(self.best_levels[side.index()]).head
    }

    /// The order in `slot`.
    #[inline(always)]
    pub(crate) fn order(&self, slot: u32) -> &Order {
        self.orders.get(slot)
    }

    /// Whose it is, as the ledger counts accounts.
    #[inline(always)]
    pub(crate) fn owner(&self, slot: u32) -> u32 {
        self.orders.get(slot).owner
    }

    /// Price at which it stands, in ticks; 0 if it is parked.
    #[inline(always)]
    pub(crate) fn price(&self, slot: u32) -> u64 {
        let level = self.orders.get(slot).level;
        if level == NONE {
            0
        } else {
            self.ladder.levels.get(level).price
        }
    }

    /// How it was placed.
    pub(crate) fn placed(&self, slot: u32) -> Placed {
        self.orders.placed(slot)
    }

    /// Slot of the open order `id`.
    #[inline(always)]
    pub(crate) fn find(&self, id: u64) -> Option<u32> {
        self.orders.find(id)
    }

    /// Slot of the open order `id` of `owner`.
    #[inline(always)]
    pub(crate) fn find_of(&self, id: u64, owner: u32) -> Option<u32> {
        self.orders.find_of(id, owner)
    }

    /// Takes `lots` (fewer than remain) off an order, which keeps its place; returns what remains.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32, lots: u64) -> u64 {
        let order = self.orders.get_mut(slot);
        order.remaining -= lots;
        self.open_lots[order.side().index()] -= lots;
        if let Some(level) = self.ladder.levels.link_mut(order.level) {
            level.lots -= lots;
        }
        order.remaining
    }

    /// Joins an order to an OCO list, or takes it from one.
    pub(crate) fn set_listed(&mut self, slot: u32, listed: bool) {
        self.orders.get_mut(slot).set_listed(listed);
    }

    /// Id for a new order; see [`ids`].
    #[inline]
    pub(crate) fn assign_id(&mut self) -> u64 {
        self.orders.assign_id()
    }

    /// Another order of `lots` would pass a limit of the book: open orders, or 2^64 open lots on a side.
    #[inline(always)]
    pub(crate) fn is_full(&self, side: Side, lots: u64) -> bool {
        self.orders.is_full() || self.open_lots[side.index()].checked_add(lots).is_none()
    }

    /// Puts an order at the end of its price's queue and says which slot it has. Its id must come from
    /// [`Book::assign_id`], and it must not cross the other side.
    pub(crate) fn rest(&mut self, order: &NewOrder) -> u32 {
        self.orders.reserve(&mut self.ladder.levels);
        let slot = self.orders.slot(order.id);
        add_one(&mut self.counts, order.account);
        self.put(slot, order);
        slot
    }

    /// Gives an order the next id, which is returned, and puts it at the end of its price's queue; the id that it comes
    /// with does not matter. It must not cross the other side, and its account was asked for with [`Book::prepare_count`].
    #[inline(always)]
    pub(crate) fn rest_new(&mut self, order: NewOrder) -> u64 {
        let (id, slot) = self.orders.assign(&mut self.ladder.levels);
        self.counts[order.account] += 1;
        self.put(slot, &NewOrder { id, ..order });
        id
    }

    #[inline(always)]
    fn put(&mut self, slot: u32, order: &NewOrder) {
        self.open_lots[order.side.index()] += order.remaining;
        let price = order.price;
        let best = &self.best;
        let level = self.ladder.entry(price, move || middle(*best, price));
        let previous = self.join((level, price), slot, order.side, order.remaining);
        self.orders.insert(slot, order, Some(level), previous);
    }

    /// Makes `slot` the end of the queue of a level, of which the slot and the price are given; returns what was the end before. If nothing was, the order's own link to the next
    /// one is spoiled; it is to be set afterwards anyway.
    #[inline(always)]
    fn join(&mut self, (level_slot, price): (u32, u64), slot: u32, side: Side, lots: u64) -> u32 {
        let level = self.ladder.levels.get_mut(level_slot);
        level.lots += lots;
        level.orders += 1;
        let previous = core::mem::replace(&mut level.tail, slot);
        // No branches: whether others stand there already, and whether the price is the best, cannot be foreseen.
        let is_first = previous == NONE;
        level.head = select_unpredictable(is_first, slot, level.head);
        self.orders
            .get_mut(select_unpredictable(is_first, slot, previous))
            .next = slot;
        let (best, best_level) = (&mut self.best[side.index()], &mut self.best_levels[side.index()]);
        let rank = side.rank(price);
        let is_better = rank > *best;
        *best = select_unpredictable(is_better, rank, *best);
        *best_level = select_unpredictable(is_better, level_slot, *best_level);
        previous
    }

    /// Gives an open order a client order id.
    pub(crate) fn set_name(&mut self, id: u64, name: ClientOrderId) {
        let slot = self.orders.slot(id);
        self.orders.get_mut(slot).set_named();
        self.names.insert(id, name);
    }

    /// Takes an order out of the book; returns it and its price (0 if it was parked). Its client order id is still to be
    /// asked for with [`Book::take_name`].
    #[inline(always)]
    pub(crate) fn remove(&mut self, slot: u32) -> (Order, u64) {
        if !self.orders.get(slot).is_stop() {
            return self.remove_resting(slot);
        }
        let order = self.take_out(slot);
        self.forget_stop(order.owner);
        (order, 0)
    }

    /// The same, of an order that rests.
    #[inline(always)]
    pub(crate) fn remove_resting(&mut self, slot: u32) -> (Order, u64) {
        let order = self.take_out(slot);
        let price = self.unlink(slot, &order);
        (order, price)
    }

    #[inline(always)]
    fn take_out(&mut self, slot: u32) -> Order {
        let order = self.orders.remove(slot);
        self.counts[order.owner] -= 1;
        self.open_lots[order.side().index()] -= order.remaining;
        order
    }

    /// The same, of the oldest order at the best price of `side`: `order`, in `slot`.
    #[inline(always)]
    pub(crate) fn remove_first(&mut self, side: Side, slot: u32, order: &Order) {
        debug_assert!(order.previous == NONE && order.side() == side);
        self.orders.vacate(slot);
        self.counts[order.owner] -= 1;
        self.open_lots[side.index()] -= order.remaining;
        let level = self.ladder.levels.get_mut(order.level);
        level.lots -= order.remaining;
        level.orders -= 1;
        if level.orders == 0 {
            let price = level.price;
            self.ladder.remove(order.level, price);
            self.set_next_best(side, price);
            return;
        }
        level.head = order.next;
        self.orders.get_mut(order.next).previous = NONE;
    }

    /// Client order id of an order that was removed; it is forgotten with this.
    pub(crate) fn take_name(&mut self, order: &Order) -> Option<ClientOrderId> {
        self.names.remove(&order.id()).filter(|_| order.named())
    }

    /// Takes an order that was removed from `slot` off its level, whose price is returned.
    #[inline(always)]
    fn unlink(&mut self, slot: u32, order: &Order) -> u64 {
        let level = self.ladder.levels.get_mut(order.level);
        let price = level.price;
        level.lots -= order.remaining;
        level.orders -= 1;
        if level.orders == 0 {
            self.remove_level(order.side(), order.level, price);
            return price;
        }
        // Without branches, which could not be foreseen: where there is no neighbour, the slot of the order that goes is written.
        let (is_first, is_last) = (order.previous == NONE, order.next == NONE);
        level.head = select_unpredictable(is_first, order.next, level.head);
        level.tail = select_unpredictable(is_last, order.previous, level.tail);
        let previous = select_unpredictable(is_first, slot, order.previous);
        let next = select_unpredictable(is_last, slot, order.next);
        self.orders.get_mut(previous).next = order.next;
        self.orders.get_mut(next).previous = order.previous;
        price
    }

    #[inline(always)]
    fn remove_level(&mut self, side: Side, level: u32, price: u64) {
        self.ladder.remove(level, price);
        if self.best[side.index()] == side.rank(price) {
            self.set_next_best(side, price);
        }
    }

    /// The level at `price`, which was the best of `side`, has gone.
    #[inline(always)]
    fn set_next_best(&mut self, side: Side, price: u64) {
        let next = match side {
            Side::Buy => self.ladder.below(price),
            Side::Sell => self.ladder.above(price),
        };
        (self.best[side.index()], self.best_levels[side.index()]) = match next {
            Some((price, level)) => (side.rank(price), level),
            None => (NO_RANK, NONE),
        };
    }

    /// Number of open orders of `account`, parked ones too.
    #[inline]
    pub(crate) fn orders_of_count(&self, account: u32) -> u32 {
        self.counts.get(account as usize).copied().unwrap_or(0)
    }

    /// The same, with room made for one more, as [`Book::rest_new`] needs it.
    #[inline(always)]
    pub(crate) fn prepare_count(&mut self, account: u32) -> u32 {
        match self.counts.get(account as usize) {
            Some(count) => *count,
            None => self.prepare_first(account),
        }
    }

    #[cold]
    #[inline(never)]
    fn prepare_first(&mut self, account: u32) -> u32 {
        extend_counts(&mut self.counts, account);
        0
    }

    /// Slots of the open orders of `account`, parked ones too, by id: oldest first.
    pub(crate) fn orders_of(&self, account: u32) -> Vec<u32> {
        let count = self.orders_of_count(account) as usize;
        let mut slots: Vec<u32> = self.orders.owned_by(account, count).collect();
        slots.sort_unstable_by_key(|slot| self.orders.get(*slot).id());
        slots
    }

    /// Ids of all open orders, ascending.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.orders.iter().map(|(_, order)| order.id()).collect();
        ids.sort_unstable();
        ids
    }

    /// Client order id of an open order.
    pub(crate) fn name(&self, order: &Order) -> Option<ClientOrderId> {
        if order.named() {
            self.names.get(&order.id()).copied()
        } else {
            None
        }
    }

    /// Number of open orders, parked ones too.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Last id given, and the number of slots: what the next id follows from.
    pub(crate) fn id_state(&self) -> (u64, u64) {
        self.orders.id_state()
    }

    /// Open lots at `price` of `side`.
    pub(crate) fn lots_at(&self, side: Side, price: u64) -> u64 {
        let on_side = side.rank(price) <= self.best[side.index()];
        let level = if on_side { self.ladder.find(price) } else { None };
        level.map_or(0, |level| self.ladder.levels.get(level).lots)
    }

    /// Levels of `side`, best first.
    pub(crate) fn levels(&self, side: Side) -> impl Iterator<Item = (u64, &Level)> {
        let next = move |(price, _): &(u64, u32)| match side {
            Side::Buy => self.ladder.below(*price),
            Side::Sell => self.ladder.above(*price),
        };
        let best = self
            .best(side)
            .map(|price| (price, self.best_levels[side.index()]));
        core::iter::successors(best, next).map(|(price, level)| (price, self.ladder.levels.get(level)))
    }

    /// Orders of a level with their slots, oldest first.
    pub(crate) fn queue(&self, level: &Level) -> impl Iterator<Item = (u32, &Order)> {
        let slot = |slot: u32| (slot != NONE).then(|| (slot, self.orders.get(slot)));
        core::iter::successors(slot(level.head), move |(_, order)| slot(order.next))
    }
}

/// The bid and the ask that have these ranks.
fn prices([bid, ask]: [u64; 2]) -> [u64; 2] {
    [Side::Buy.rank(bid), Side::Sell.rank(ask)]
}

/// Where the ladder's window should lie: between the best prices, whose ranks are given, or at `price` when they are missing.
fn middle(best: [u64; 2], price: u64) -> u64 {
    match prices(best) {
        [NO_BID, NO_ASK] => price,
        [NO_BID, ask] => ask,
        [bid, NO_ASK] => bid,
        [bid, ask] if ask - bid < 1_000 => bid,
        _ => price,
    }
}

/// Counts one more of `account`.
#[inline(always)]
fn add_one(counts: &mut Array<u32>, account: u32) {
    match counts.get_mut(account as usize) {
        Some(count) => *count += 1,
        None => count_first(counts, account),
    }
}

#[cold]
fn count_first(counts: &mut Array<u32>, account: u32) {
    extend_counts(counts, account);
    counts[account] = 1;
}

/// Makes room for the count of `account`.
fn extend_counts(counts: &mut Array<u32>, account: u32) {
    counts.extend_to((account as usize + 1).next_power_of_two(), &0);
}
