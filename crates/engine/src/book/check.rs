//! The book's own invariants, checked by walking everything.

use super::orders::NONE;
use super::{Book, NO_ASK, NO_BID};
use crate::Side;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

impl Book {
    /// Links, sums, best prices and lists agree with the orders themselves.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.best[0] >= self.best[1] {
            return Err(format!("crossed: bid {} ask {}", self.best[0], self.best[1]));
        }
        if !self.ladder.is_consistent() {
            return Err("the ladder's window, bitmap and tree disagree".into());
        }
        let mut queued = self.parked().count();
        let mut levels = 0;
        for side in [Side::Buy, Side::Sell] {
            let parked = self.parked().filter(|(_, order)| order.side() == side);
            let mut lots_sum: u64 = parked.map(|(_, order)| order.remaining).sum();
            for (price, level) in self.levels(side) {
                levels += 1;
                let (orders, lots) = self.check_queue(side, price)?;
                if orders != level.orders || lots != level.lots {
                    return Err(format!("level {price}: sums differ from its orders"));
                }
                queued += orders as usize;
                lots_sum += lots;
            }
            if lots_sum != self.open_lots[side.index()] {
                return Err(format!("open lots of {side:?} differ from the levels' sum"));
            }
        }
        if queued != self.orders.len() || levels != self.ladder.levels() {
            return Err(format!(
                "{queued} orders in {levels} levels are reached, more exist"
            ));
        }
        self.check_best()?;
        self.check_counts()
    }

    /// Walks one level's queue; returns number of orders and sum of lots.
    fn check_queue(&self, side: Side, price: u64) -> Result<(u32, u64), String> {
        let level = self.ladder.get(price).ok_or("a level has gone")?;
        let (mut slot, mut previous, mut last_id) = (level.head, NONE, 0);
        let (mut orders, mut lots) = (0, 0);
        while slot != NONE {
            let order = self.orders.get(slot);
            let (id, remaining) = (order.id(), order.remaining);
            let quantity = self.orders.placed(slot).quantity;
            if order.side() != side || order.price != price || order.previous != previous {
                return Err(format!("order {id}: wrong side, price or link at {price}"));
            }
            if (id <= last_id && !order.is_triggered()) || self.orders.find(id) != Some(slot) {
                return Err(format!("order {id}: stands out of time priority"));
            }
            if remaining == 0 || remaining > quantity {
                return Err(format!("order {id}: {remaining} remain of {quantity}"));
            }
            if order.named() != self.names.contains_key(&id) {
                return Err(format!("order {id}: client order id lost or left over"));
            }
            if !order.is_triggered() {
                last_id = id;
            }
            (orders, lots) = (orders + 1, lots + remaining);
            (previous, slot) = (slot, order.next);
        }
        if previous != level.tail {
            return Err(format!("level {price}: the tail is not the last order"));
        }
        Ok((orders, lots))
    }

    fn check_best(&self) -> Result<(), String> {
        let mut best = [NO_BID, NO_ASK];
        let mut named = 0;
        for (_, order) in self.orders.iter() {
            named += usize::from(order.named());
            if order.is_stop() {
                continue;
            }
            match order.side() {
                Side::Buy => best[0] = best[0].max(order.price),
                Side::Sell => best[1] = best[1].min(order.price),
            }
        }
        if best != self.best {
            return Err(format!("best prices are {best:?}, not {:?}", self.best));
        }
        if named != self.names.len() {
            return Err("client order ids of closed orders are left over".into());
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), String> {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for (slot, _) in self.orders.iter() {
            *counts.entry(self.orders.owner(slot)).or_default() += 1;
        }
        for (account, count) in (0_u32..).zip(&self.counts) {
            let expected = counts.remove(&account).unwrap_or(0);
            if *count != expected || self.orders_of(account).len() != expected as usize {
                return Err(format!(
                    "account slot {account}: {count} orders counted, not {expected}"
                ));
            }
        }
        match counts.first_key_value() {
            Some((account, _)) => Err(format!("account slot {account}: its orders are not counted")),
            None => Ok(()),
        }
    }
}
