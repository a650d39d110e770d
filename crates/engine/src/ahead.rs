//! Looking ahead: what the next commands will need is fetched from memory while nobody waits for it.
//!
//! In an exchange with a million accounts or orders most of a command's time is waiting for memory, one miss after the other:
//! an id leads to an order, the order to its neighbours. So several commands are looked at together, one step of each before
//! the next step of any: what one step reads is fetched side by side, and is there when the next step follows it. Nothing is
//! changed and nothing decided here: a wrong guess costs time, never an answer. What is not large lies in the caches anyway, and
//! looking costs more than it gains there: so accounts and orders are looked at each by itself, and only where there are many.

use crate::book::{Book, NONE};
use crate::engine::Engine;
use crate::{Command, OrderRef, PlaceOrder, Side};
use core::hint::black_box;
use ensoex_types::{AccountId, MarketId};

/// Commands to look ahead at once: enough to keep the memory busy, few enough to stay in the nearest cache.
pub const LOOK_AHEAD: usize = 16;
/// Fewer accounts, or open orders of a market, than this lie in the caches.
const LARGE: usize = 1 << 14;

/// How far one command was followed: slots of orders and levels; [`NONE`] where there is none.
#[derive(Clone, Copy)]
struct Trail {
    market: u16,
    /// The order that is to be ended or reduced.
    order: u32,
    /// The level that a new order joins.
    level: u32,
}

const NOWHERE: Trail = Trail {
    market: u16::MAX,
    order: NONE,
    level: NONE,
};

impl Engine {
    /// Fetches what `commands` (about [`LOOK_AHEAD`] of them) will touch. Call it right before applying them.
    #[inline]
    pub fn look_ahead(&self, commands: &[Command]) {
        if self.ledger.accounts().len() >= LARGE {
            let few = commands.chunks(LOOK_AHEAD);
            few.for_each(|few| self.look_at_accounts(few));
        }
        if self.markets.iter().any(|market| market.book.len() >= LARGE) {
            let few = commands.chunks(LOOK_AHEAD);
            few.for_each(|few| self.look_at_orders(few));
        }
    }

    /// Slots of at most [`LOOK_AHEAD`] accounts, then their balances and what is counted of them. Who trades next stands first in the
    /// book, whatever the commands are.
    #[inline(never)]
    fn look_at_accounts(&self, commands: &[Command]) {
        let mut slots = [NONE; LOOK_AHEAD];
        for (slot, command) in slots.iter_mut().zip(commands) {
            *slot = parties(command)
                .and_then(|(account, _)| self.ledger.slot(account))
                .unwrap_or(NONE);
        }
        let mut read = 0;
        let mut last = None;
        for (slot, command) in slots.iter().zip(commands) {
            let market = parties(command).and_then(|(_, market)| self.markets.get(usize::from(market.0)));
            if let Some(market) = market {
                read ^= u64::from(market.book.orders_of_count(*slot));
                read ^= self.ledger.touch(*slot, market.base()) ^ self.ledger.touch(*slot, market.quote());
                last = Some(market);
            }
        }
        if let Some(market) = last {
            for side in [Side::Buy, Side::Sell] {
                for owner in market.book.owners_near(side) {
                    read ^=
                        self.ledger.touch(owner, market.base()) ^ self.ledger.touch(owner, market.quote());
                    read ^= self.fees.touch(market.quote(), owner);
                }
            }
        }
        black_box(read);
    }

    /// At most [`LOOK_AHEAD`] orders and levels, then their neighbours, then theirs.
    #[inline(never)]
    fn look_at_orders(&self, commands: &[Command]) {
        let mut trails = [NOWHERE; LOOK_AHEAD];
        let trails = trails.get_mut(..commands.len()).unwrap_or_default();
        let mut read = 0;
        for (trail, command) in trails.iter_mut().zip(commands) {
            read ^= self.begin(trail, command);
        }
        for trail in trails.iter_mut() {
            if let Some(book) = self.book(trail.market) {
                read ^= book.touch_around(trail.order);
                // From here on it is the order behind which the new one will stand.
                trail.order = book.tail_near(trail.level);
            }
        }
        for trail in trails.iter() {
            if let Some(book) = self.book(trail.market) {
                read ^= book.touch(trail.order);
            }
        }
        black_box(read);
    }

    fn book(&self, market: u16) -> Option<&Book> {
        let market = self.markets.get(usize::from(market))?;
        Some(&market.book)
    }

    /// First step: the order, the level.
    #[inline(always)]
    fn begin(&self, trail: &mut Trail, command: &Command) -> u64 {
        match command {
            Command::PlaceOrder(place) => {
                self.begin_place(trail, place);
                0
            }
            Command::CancelOrder { market, order, .. } | Command::ReduceOrder { market, order, .. } => {
                self.begin_order(trail, *market, order)
            }
            Command::ReplaceOrder { order, place } => {
                self.begin_place(trail, place);
                self.begin_order(trail, place.market, order)
            }
            _ => 0,
        }
    }

    #[inline(always)]
    fn begin_place(&self, trail: &mut Trail, place: &PlaceOrder) {
        if let Some(book) = self.book(place.market.0) {
            trail.market = place.market.0;
            trail.level = book.level_near(crate::place::limit_of(&place.kind));
        }
    }

    #[inline(always)]
    fn begin_order(&self, trail: &mut Trail, market: MarketId, order: &OrderRef) -> u64 {
        let (Some(book), OrderRef::Id(id)) = (self.book(market.0), order) else {
            return 0;
        };
        trail.market = market.0;
        trail.order = book.slot_of(id.0);
        book.touch(trail.order)
    }
}

/// Whose command it is, and where.
#[inline(always)]
fn parties(command: &Command) -> Option<(AccountId, MarketId)> {
    match command {
        Command::PlaceOrder(place) | Command::ReplaceOrder { place, .. } => {
            Some((place.account, place.market))
        }
        Command::CancelOrder { account, market, .. } | Command::ReduceOrder { account, market, .. } => {
            Some((*account, *market))
        }
        _ => None,
    }
}
