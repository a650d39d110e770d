//! One market's order book: who stands where, in price-time priority.
//!
//! Holds the open orders, their queue at each price, the best prices, and each owner's list. Knows no
//! balances, fees, events or rules of the market; prices lie between 1 and 2^63 − 1.

mod bitmap;
mod check;
mod ladder;
mod orders;

use crate::Side;
use alloc::vec::Vec;
use ensoex_types::ClientOrderId;
use hashbrown::HashMap;
use ladder::Ladder;
pub(crate) use ladder::Level;
use orders::{NONE, Orders};
pub(crate) use orders::{NewOrder, Order, Placed};

/// Best price of a side without orders: worse than every price.
const NO_BID: u64 = 0;
const NO_ASK: u64 = u64::MAX;

/// See the module's doc.
pub(crate) struct Book {
    ladder: Ladder,
    orders: Orders,
    /// Best bid, best ask.
    best: [u64; 2],
    /// Open lots of each side; bounds every level's sum.
    open_lots: [u64; 2],
    /// Number of open orders by account, as the ledger counts them.
    counts: Vec<u32>,
    stop_counts: HashMap<u32, u32>,
    /// Client order ids of the orders that have one.
    names: HashMap<u64, ClientOrderId>,
}

impl Book {
    pub(crate) fn new() -> Book {
        Book {
            ladder: Ladder::default(),
            orders: Orders::new(),
            best: [NO_BID, NO_ASK],
            open_lots: [0; 2],
            counts: Vec::new(),
            stop_counts: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// An empty book that gives ids as one did whose [`Book::id_state`] was this; `None` if `orders` do not fit.
    pub(crate) fn restore(last_id: u64, places: u64, orders: usize) -> Option<Book> {
        let mut book = Book::new();
        book.orders = Orders::restore(last_id, places, orders)?;
        Some(book)
    }

    /// An open order has this id's place.
    pub(crate) fn is_taken(&self, id: u64) -> bool {
        self.orders.is_taken(id)
    }

    /// Best price of `side`.
    #[inline]
    pub(crate) fn best(&self, side: Side) -> Option<u64> {
        let best = self.best[side.index()];
        (best != NO_BID && best != NO_ASK).then_some(best)
    }

    /// Best price of the side that `taker` trades with, if it is within `limit`.
    #[inline(always)]
    pub(crate) fn best_within(&self, taker: Side, limit: u64) -> Option<u64> {
        match taker {
            Side::Buy => Some(self.best[1]).filter(|ask| *ask <= limit && *ask != NO_ASK),
            Side::Sell => Some(self.best[0]).filter(|bid| *bid >= limit && *bid != NO_BID),
        }
    }

    /// Slot of the oldest order at `price`, where a level must be.
    #[inline]
    pub(crate) fn first_at(&mut self, price: u64) -> u32 {
        self.ladder.existing(price).head
    }

    /// The order in `slot`.
    #[inline]
    pub(crate) fn order(&self, slot: u32) -> &Order {
        self.orders.get(slot)
    }

    /// Whose it is, as the ledger counts accounts.
    #[inline]
    pub(crate) fn owner(&self, slot: u32) -> u32 {
        self.orders.owner(slot)
    }

    /// How it was placed.
    pub(crate) fn placed(&self, slot: u32) -> Placed {
        self.orders.placed(slot)
    }

    /// Slot of the open order `id`.
    #[inline]
    pub(crate) fn find(&self, id: u64) -> Option<u32> {
        self.orders.find(id)
    }

    /// Takes `lots` (fewer than remain) off an order, which keeps its place; returns what remains.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32, lots: u64) -> u64 {
        let order = self.orders.get_mut(slot);
        order.remaining -= lots;
        if !order.is_stop() {
            self.ladder.existing(order.price).lots -= lots;
        }
        self.open_lots[order.side().index()] -= lots;
        order.remaining
    }

    /// Id for a new order; see [`orders`].
    #[inline]
    pub(crate) fn assign_id(&mut self) -> u64 {
        self.orders.assign_id()
    }

    /// Another order of `lots` would pass a limit of the book: open orders, or 2^64 open lots on a side.
    #[inline(always)]
    pub(crate) fn is_full(&self, side: Side, lots: u64) -> bool {
        self.orders.is_full() || self.open_lots[side.index()].checked_add(lots).is_none()
    }

    /// Puts an order at the end of its price's queue. Its id must come from [`Book::assign_id`], and it must
    /// not cross the other side.
    #[inline(always)]
    pub(crate) fn rest(&mut self, order: &NewOrder) {
        if self.orders.should_grow() {
            self.grow();
        }
        let account = order.account as usize;
        if account >= self.counts.len() {
            self.counts.resize((account + 1).next_power_of_two(), 0);
        }
        self.counts[account] += 1;
        self.open_lots[order.side.index()] += order.remaining;
        let market = self.middle(order.price);
        let level = self.ladder.entry(order.price, market);
        let previous = level.tail;
        let slot = self.orders.insert(order, previous);
        level.lots += order.remaining;
        level.orders += 1;
        level.tail = slot;
        if previous == NONE {
            level.head = slot;
            match order.side {
                Side::Buy => self.best[0] = self.best[0].max(order.price),
                Side::Sell => self.best[1] = self.best[1].min(order.price),
            }
        } else {
            self.orders.get_mut(previous).next = slot;
        }
    }

    /// Takes a waiting stop, which stands in no queue. Its price is not looked at.
    pub(crate) fn park(&mut self, order: &NewOrder) -> u32 {
        if self.orders.should_grow() {
            self.grow();
        }
        let account = order.account as usize;
        if account >= self.counts.len() {
            self.counts.resize((account + 1).next_power_of_two(), 0);
        }
        self.counts[account] += 1;
        *self.stop_counts.entry(order.account).or_default() += 1;
        self.open_lots[order.side.index()] += order.remaining;
        let parked = NewOrder { price: 0, ..*order };
        let slot = self.orders.insert(&parked, NONE);
        self.orders.get_mut(slot).set_stop();
        slot
    }

    /// A waiting stop becomes an ordinary order at the end of its price's queue, with its id.
    pub(crate) fn release_parked(&mut self, slot: u32, price: u64, remaining: u64) {
        let order = *self.orders.get(slot);
        let owner = self.orders.owner(slot);
        *self.stop_counts.entry(owner).or_default() -= 1;
        self.open_lots[order.side().index()] -= order.remaining - remaining;
        let market = self.middle(price);
        let level = self.ladder.entry(price, market);
        let previous = level.tail;
        level.lots += remaining;
        level.orders += 1;
        level.tail = slot;
        if previous == NONE {
            level.head = slot;
            match order.side() {
                Side::Buy => self.best[0] = self.best[0].max(price),
                Side::Sell => self.best[1] = self.best[1].min(price),
            }
        } else {
            self.orders.get_mut(previous).next = slot;
        }
        let order = self.orders.get_mut(slot);
        order.set_triggered();
        (order.price, order.remaining, order.previous) = (price, remaining, previous);
    }

    /// One of two orders of a list, or no longer.
    pub(crate) fn set_listed(&mut self, slot: u32, listed: bool) {
        self.orders.get_mut(slot).set_listed(listed);
    }

    /// Price of the order's level; 0 for a waiting stop.
    #[inline]
    pub(crate) fn price(&self, slot: u32) -> u64 {
        self.orders.get(slot).price
    }

    /// Number of waiting stops of `account`.
    pub(crate) fn stops_of_count(&self, account: u32) -> u32 {
        self.stop_counts.get(&account).copied().unwrap_or(0)
    }

    /// Waiting stops with their slots.
    pub(crate) fn parked(&self) -> impl Iterator<Item = (u32, &Order)> {
        self.orders.iter().filter(|(_, order)| order.is_stop())
    }

    /// Remembers the client order id of an open order that was placed as having one.
    pub(crate) fn set_name(&mut self, id: u64, name: ClientOrderId) {
        self.names.insert(id, name);
    }

    /// Takes an order out of the book; returns its client order id.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> Option<ClientOrderId> {
        let order = *self.orders.get(slot);
        let owner = self.orders.owner(slot);
        self.counts[owner as usize] -= 1;
        self.orders.remove(slot);
        self.open_lots[order.side().index()] -= order.remaining;
        if order.is_stop() {
            *self.stop_counts.entry(owner).or_default() -= 1;
        } else {
            self.unlink(&order);
        }
        if order.named() {
            self.names.remove(&order.id())
        } else {
            None
        }
    }

    #[inline(always)]
    fn unlink(&mut self, order: &Order) {
        let level = self.ladder.existing(order.price);
        level.lots -= order.remaining;
        level.orders -= 1;
        if level.orders == 0 {
            return self.remove_level(order.side(), order.price);
        }
        if order.previous == NONE {
            level.head = order.next;
        } else {
            self.orders.get_mut(order.previous).next = order.next;
        }
        if order.next == NONE {
            level.tail = order.previous;
        } else {
            self.orders.get_mut(order.next).previous = order.previous;
        }
    }

    #[inline(always)]
    fn remove_level(&mut self, side: Side, price: u64) {
        self.ladder.remove(price);
        if self.best[side.index()] != price {
            return;
        }
        self.best[side.index()] = match side {
            Side::Buy => self.ladder.below(price).unwrap_or(NO_BID),
            Side::Sell => self.ladder.above(price).unwrap_or(NO_ASK),
        };
    }

    /// Where the window should lie: between the best prices, or at `price` when they are missing.
    fn middle(&self, price: u64) -> u64 {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) if ask - bid < 1_000 => bid,
            (Some(best), None) | (None, Some(best)) => best,
            _ => price,
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.orders.grow();
        for (slot, order) in self.orders.iter().filter(|(_, order)| !order.is_stop()) {
            if order.previous == NONE {
                self.ladder.existing(order.price).head = slot;
            }
            if order.next == NONE {
                self.ladder.existing(order.price).tail = slot;
            }
        }
    }

    /// Number of open orders of `account`.
    #[inline]
    pub(crate) fn orders_of_count(&self, account: u32) -> u32 {
        self.counts.get(account as usize).copied().unwrap_or(0)
    }

    /// Slots of the open orders of `account`, oldest first.
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

    /// Number of open orders.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Last id given, and the number of slots: what the next id follows from.
    pub(crate) fn id_state(&self) -> (u64, u64) {
        (self.orders.last_id(), self.orders.capacity() as u64)
    }

    /// Open lots at `price` of `side`.
    pub(crate) fn lots_at(&self, side: Side, price: u64) -> u64 {
        let on_side = match side {
            Side::Buy => price <= self.best[0],
            Side::Sell => price >= self.best[1],
        };
        let level = if on_side { self.ladder.get(price) } else { None };
        level.map_or(0, |level| level.lots)
    }

    /// Levels of `side`, best first.
    pub(crate) fn levels(&self, side: Side) -> impl Iterator<Item = (u64, &Level)> {
        let next = move |price: &u64| match side {
            Side::Buy => self.ladder.below(*price),
            Side::Sell => self.ladder.above(*price),
        };
        core::iter::successors(self.best(side), next)
            .filter_map(|price| self.ladder.get(price).map(|level| (price, level)))
    }

    /// Orders of a level with their slots, oldest first.
    pub(crate) fn queue(&self, level: &Level) -> impl Iterator<Item = (u32, &Order)> {
        let slot = |slot: u32| (slot != NONE).then(|| (slot, self.orders.get(slot)));
        core::iter::successors(slot(level.head), move |(_, order)| slot(order.next))
    }
}
