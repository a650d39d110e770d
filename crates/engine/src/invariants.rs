//! What must hold after every command, checked in one pass over the whole state. For tests, simulation
//! and offline verification; far too slow for each command in service.

use crate::book::Order;
use crate::client_ids::OrderAddress;
use crate::engine::Engine;
use crate::ledger::HOUSE_DEBT_MAX;
use crate::market::Market;
use crate::{OrderRef, Side};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use ensoex_types::{OrderId, Price};

impl Engine {
    /// Every invariant of the crate's doc, in one pass; the text says which is broken.
    ///
    /// # Errors
    /// The first broken invariant, with the ids to look at.
    pub fn check_invariants(&self) -> Result<(), String> {
        for market in &self.markets {
            market
                .book
                .check()
                .map_err(|broken| format!("{}: {broken}", market.spec.symbol))?;
            check_stops(market).map_err(|broken| format!("{}: {broken}", market.spec.symbol))?;
        }
        self.check_client_order_ids()?;
        self.check_balances(&self.needed()?)
    }

    /// What open orders and held transfers need, by account slot and asset.
    fn needed(&self) -> Result<Vec<u128>, String> {
        let assets = self.assets.len();
        let mut needed = vec![0_u128; self.ledger.accounts().len() * assets];
        let mut add = |slot: u32, asset: usize, amount: u128| {
            if let Some(sum) = needed.get_mut(slot as usize * assets + asset) {
                *sum += amount;
            }
        };
        for market in &self.markets {
            let mut account_orders = vec![0_u32; self.ledger.accounts().len()];
            for (slot, order) in orders(market) {
                let owner = market.book.owner(slot);
                let (asset, amount) = market.need_of(slot, order);
                match market.stops.other(order.id()) {
                    // Of the two of a list, the one that needs more counts; of equals, the older.
                    Some(other) => {
                        let other_slot = market.book.find(other).ok_or("half of a list is gone")?;
                        let (_, need) = market.need_of(other_slot, market.book.order(other_slot));
                        if (amount, other) > (need, order.id()) {
                            add(owner, asset, amount);
                        }
                    }
                    None => add(owner, asset, amount),
                }
                let count = &mut account_orders[owner as usize];
                *count += 1;
                if *count > market.spec.orders_per_account_max {
                    return Err(format!("account slot {owner}: too many open orders"));
                }
                if market.book.stops_of_count(owner) > market.spec.stops_per_account_max {
                    return Err(format!("account slot {owner}: too many waiting stops"));
                }
            }
        }
        for transfer in self.transfers.held() {
            let slot = self
                .ledger
                .slot(transfer.debit)
                .ok_or("a held transfer's account is gone")?;
            if !self.transfers.exists(transfer.transfer) {
                return Err(format!("transfer {} is held but not known", transfer.transfer));
            }
            add(
                slot,
                usize::from(transfer.asset.0),
                transfer.amount.0.unsigned_abs(),
            );
        }
        Ok(needed)
    }

    fn check_balances(&self, needed: &[u128]) -> Result<(), String> {
        let assets = self.assets.len();
        let mut sums = vec![0_i128; assets];
        for (slot, account) in (0_u32..).zip(self.ledger.accounts()) {
            if self.ledger.slot(*account) != Some(slot) {
                return Err(format!("account {account} does not lead to its slot"));
            }
            for (asset, sum) in sums.iter_mut().enumerate() {
                let balance = self.ledger.balance(slot, asset);
                let least = if account.may_be_negative() {
                    -HOUSE_DEBT_MAX
                } else {
                    0
                };
                if balance.available.0 < least {
                    return Err(format!("account {account}, asset {asset}: available {balance:?}"));
                }
                let due = needed[slot as usize * assets + asset];
                if u128::try_from(balance.held.0) != Ok(due) {
                    return Err(format!(
                        "account {account}, asset {asset}: {balance:?}, needed {due}"
                    ));
                }
                *sum += balance.available.0 + balance.held.0;
            }
        }
        match sums.iter().position(|sum| *sum != 0) {
            Some(asset) => Err(format!("asset {asset} sums to {}", sums[asset])),
            None => Ok(()),
        }
    }

    fn check_client_order_ids(&self) -> Result<(), String> {
        let mut named = 0;
        for market in &self.markets {
            for (slot, order) in orders(market) {
                let (id, owner) = (order.id(), market.book.owner(slot));
                let Some(name) = market.book.name(order) else {
                    continue;
                };
                named += 1;
                let address = OrderAddress {
                    market: market.id.0,
                    order: id,
                };
                if self.clients.get(&(owner, name)) != Some(&address) {
                    return Err(format!("order {id}: its client order id leads elsewhere"));
                }
                let account = self.ledger.account(owner);
                let by_name = OrderRef::Client(name);
                if self.find_order(account, market.id, &by_name)
                    != self.find_order(account, market.id, &OrderRef::Id(OrderId(id)))
                {
                    return Err(format!("order {id}: found by id and by name differently"));
                }
            }
        }
        if named != self.clients.len() {
            return Err("client order ids of closed orders are left over".into());
        }
        Ok(())
    }
}

/// Waiting orders, triggers and lists agree with the book.
fn check_stops(market: &Market) -> Result<(), String> {
    let (mut placed, mut waiting, mut listed) = (0, 0, 0);
    for (_, order) in orders(market) {
        let (id, side) = (order.id(), order.side());
        placed += usize::from(order.was_stop());
        waiting += usize::from(order.is_stop());
        listed += usize::from(order.is_listed());
        if order.was_stop() != market.stops.get(id).is_some() {
            return Err(format!("order {id}: how it was placed is lost or left over"));
        }
        if order.is_stop() != market.stops.is_waiting(id, side) {
            return Err(format!(
                "order {id}: waits for no trigger, or for one that has gone"
            ));
        }
        let other = market.stops.other(id);
        if order.is_listed() != other.is_some() {
            return Err(format!("order {id}: its list is lost or left over"));
        }
        if other.is_some_and(|other| market.stops.other(other) != Some(id)) {
            return Err(format!("order {id}: the other of its list does not know it"));
        }
        if let Some(stop) = market.stops.get(id).filter(|_| order.is_stop()) {
            let last = Price(market.last_price);
            if last.0 > 0 && stop.trigger.is_reached(side, stop.stop_price, last) {
                return Err(format!(
                    "order {id}: still waits although its trigger was reached"
                ));
            }
        }
    }
    if (placed, waiting, listed) != market.stops.counts() {
        return Err("stops or lists of closed orders are left over".into());
    }
    Ok(())
}

/// Open orders of a market with their slots, one side after the other, in priority, then those that wait for triggers.
fn orders(market: &Market) -> impl Iterator<Item = (u32, &Order)> {
    [Side::Buy, Side::Sell]
        .into_iter()
        .flat_map(|side| market.book.levels(side))
        .flat_map(|(_, level)| market.book.queue(level))
        .chain(market.book.parked())
}
