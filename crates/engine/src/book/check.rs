//! The book's own invariants, checked by walking everything.

use super::order::{NONE, Order};
use super::{Book, NO_ASK, NO_BID};
use crate::Side;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

impl Book {
    /// Links, sums, best prices and lists agree with the orders themselves.
    pub(crate) fn check(&self) -> Result<(), String> {
        let [bid, ask] = self.best_prices();
        if bid >= ask {
            return Err(format!("crossed: bid {bid} ask {ask}"));
        }
        if !self.ladder.is_consistent() {
            return Err("the ladder's window, bitmap, tree and levels disagree".into());
        }
        if !self.orders.is_consistent() {
            return Err("ids, owners or free slots disagree with the orders".into());
        }
        let mut reached = 0;
        let mut levels = 0;
        let mut lots_sums = [0_u64; 2];
        for side in [Side::Buy, Side::Sell] {
            for (price, level) in self.levels(side) {
                levels += 1;
                let (orders, lots) = self.check_queue(side, price)?;
                if orders != level.orders || lots != level.lots || price != level.price {
                    return Err(format!("level {price}: price or sums differ from its orders"));
                }
                reached += orders as usize;
                lots_sums[side.index()] += lots;
            }
        }
        for (slot, order) in self.parked() {
            self.check_order(slot, order)?;
            if order.level != NONE || order.next != NONE || order.previous != NONE || order.is_triggered() {
                return Err(format!("order {}: is parked and stands in a queue", order.id()));
            }
            reached += 1;
            lots_sums[order.side().index()] += order.remaining;
        }
        if lots_sums != self.open_lots {
            return Err(format!("{lots_sums:?} lots are open, not {:?}", self.open_lots));
        }
        if reached != self.orders.len() || levels != self.ladder.levels.len() {
            return Err(format!(
                "{reached} orders in {levels} levels are reached, more exist"
            ));
        }
        self.check_best()?;
        self.check_counts()
    }

    /// Walks one level's queue; returns number of orders and sum of lots.
    fn check_queue(&self, side: Side, price: u64) -> Result<(u32, u64), String> {
        let level_slot = self.ladder.find(price).ok_or("a level has gone")?;
        let level = self.ladder.levels.get(level_slot);
        let (mut slot, mut previous, mut last_id) = (level.head, NONE, 0);
        let (mut orders, mut lots) = (0, 0);
        while slot != NONE {
            let order = self.orders.get(slot);
            let id = order.id();
            self.check_order(slot, order)?;
            if order.side() != side
                || order.level != level_slot
                || order.previous != previous
                || order.is_stop()
            {
                return Err(format!("order {id}: wrong side, level or link at {price}"));
            }
            // A triggered order joined when it was triggered, whatever its id says.
            if !order.is_triggered() {
                if id <= last_id {
                    return Err(format!("order {id}: stands out of time priority"));
                }
                last_id = id;
            }
            (orders, lots) = (orders + 1, lots + order.remaining);
            (previous, slot) = (slot, order.next);
        }
        if previous != level.tail {
            return Err(format!("level {price}: the tail is not the last order"));
        }
        Ok((orders, lots))
    }

    /// What holds of every order, wherever it is.
    fn check_order(&self, slot: u32, order: &Order) -> Result<(), String> {
        let (id, remaining) = (order.id(), order.remaining);
        let quantity = self.orders.placed(slot).quantity;
        if remaining == 0 || remaining > quantity {
            return Err(format!("order {id}: {remaining} remain of {quantity}"));
        }
        if order.named() != self.names.contains_key(&id) {
            return Err(format!("order {id}: client order id lost or left over"));
        }
        Ok(())
    }

    fn check_best(&self) -> Result<(), String> {
        let mut best = [NO_BID, NO_ASK];
        let mut named = 0;
        for (slot, order) in self.orders.iter() {
            named += usize::from(order.named());
            match order.side() {
                _ if order.is_stop() => {}
                Side::Buy => best[0] = best[0].max(self.price(slot)),
                Side::Sell => best[1] = best[1].min(self.price(slot)),
            }
        }
        if best != self.best_prices() {
            return Err(format!("best prices are {best:?}, not {:?}", self.best_prices()));
        }
        let levels = best.map(|price| self.ladder.find(price).unwrap_or(NONE));
        if levels != self.best_levels {
            return Err("the best prices' levels are not where they should be".into());
        }
        if named != self.names.len() {
            return Err("client order ids of closed orders are left over".into());
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), String> {
        let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for (_, order) in self.orders.iter() {
            let (orders, stops) = counts.entry(order.owner).or_default();
            *orders += 1;
            *stops += u32::from(order.is_stop());
        }
        let accounts = self.counts.len().max(self.stop_counts.len()) as u32;
        for account in 0..accounts {
            let expected = counts.remove(&account).unwrap_or_default();
            let counted = (self.orders_of_count(account), self.stops_of_count(account));
            if counted != expected || self.orders_of(account).len() != expected.0 as usize {
                return Err(format!(
                    "account slot {account}: {counted:?} orders and stops counted, not {expected:?}"
                ));
            }
        }
        match counts.first_key_value() {
            Some((account, _)) => Err(format!("account slot {account}: its orders are not counted")),
            None => Ok(()),
        }
    }
}
