//! Looking ahead: what the next commands will need is fetched from memory while nobody waits for it.
//!
//! In an exchange with a million accounts or orders most of a command's time is waiting for memory, one miss after the other:
//! an id leads to an order, the order to its neighbours. So several commands are looked at together, one step of each before
//! the next step of any: what one step reads is fetched side by side, and is there when the next step follows it. Nothing is
//! changed and nothing decided here: a wrong guess costs time, never an answer. Small engines lie in the caches anyway and
//! are left alone.

use crate::book::NONE;
use crate::engine::Engine;
use crate::market::Market;
use crate::{Command, OrderRef, PlaceOrder, Side};
use core::hint::black_box;
use ensoex_types::{AccountId, MarketId};

/// Commands to look ahead at once: enough to keep the memory busy, few enough to stay in the nearest cache.
pub const LOOK_AHEAD: usize = 16;
/// Fewer accounts, or open orders of a market, than this lie in the caches.
const LARGE: usize = 1 << 14;

/// How far one command was followed. Slots of accounts, orders and levels; [`NONE`] where there is none.
#[derive(Clone, Copy)]
struct Trail {
    market: usize,
    account: u32,
    /// The order that is to be ended or reduced.
    order: u32,
    /// The level that a new order joins.
    level: u32,
    /// The order that a new one stands behind, or meets.
    neighbour: u32,
    /// Of a new order.
    side: Side,
    is_met: bool,
}

const NOWHERE: Trail = Trail {
    market: usize::MAX,
    account: NONE,
    order: NONE,
    level: NONE,
    neighbour: NONE,
    side: Side::Buy,
    is_met: false,
};

impl Engine {
    /// Fetches what `commands` (about [`LOOK_AHEAD`] of them) will touch. Call it right before applying them.
    #[inline]
    pub fn look_ahead(&self, commands: &[Command]) {
        let many_accounts = self.ledger.accounts().len() >= LARGE;
        if many_accounts || self.markets.iter().any(|market| market.book.len() >= LARGE) {
            commands.chunks(LOOK_AHEAD).for_each(|few| self.look_at(few));
        }
    }

    /// At most [`LOOK_AHEAD`] commands.
    #[inline(never)]
    fn look_at(&self, commands: &[Command]) {
        let mut trails = [NOWHERE; LOOK_AHEAD];
        let trails = trails.get_mut(..commands.len()).unwrap_or_default();
        let mut read = 0;
        for (trail, command) in trails.iter_mut().zip(commands) {
            read ^= self.begin(trail, command);
        }
        for trail in trails.iter_mut() {
            read ^= self.go_on(trail);
        }
        for trail in trails.iter() {
            read ^= self.end(trail);
        }
        black_box(read);
    }

    /// First step: the account's slot, the order, the level.
    fn begin(&self, trail: &mut Trail, command: &Command) -> u64 {
        match command {
            Command::PlaceOrder(place) => self.begin_place(trail, place),
            Command::CancelOrder {
                account,
                market,
                order,
            }
            | Command::ReduceOrder {
                account,
                market,
                order,
                ..
            } => self.begin_order(trail, *account, *market, order),
            Command::ReplaceOrder { order, place } => {
                self.begin_order(trail, place.account, place.market, order) ^ self.begin_place(trail, place)
            }
            _ => 0,
        }
    }

    fn begin_place(&self, trail: &mut Trail, place: &PlaceOrder) -> u64 {
        let Some(market) = self.begin_account(trail, place.account, place.market) else {
            return 0;
        };
        let price = crate::place::limit_of(&place.kind);
        trail.side = place.side;
        trail.is_met = market.book.is_met(place.side, price);
        trail.level = market.book.level_near(price);
        0
    }

    fn begin_order(&self, trail: &mut Trail, account: AccountId, market: MarketId, order: &OrderRef) -> u64 {
        let (Some(market), OrderRef::Id(id)) = (self.begin_account(trail, account, market), order) else {
            return 0;
        };
        trail.order = market.book.slot_of(id.0);
        market.book.touch(trail.order)
    }

    fn begin_account(&self, trail: &mut Trail, account: AccountId, market: MarketId) -> Option<&Market> {
        trail.market = usize::from(market.0);
        trail.account = self.ledger.slot(account).unwrap_or(NONE);
        self.markets.get(trail.market)
    }

    /// Second step: balances and counts; the order's level and neighbours; the end of the level's queue, or whom the
    /// new order meets.
    fn go_on(&self, trail: &mut Trail) -> u64 {
        let Some(market) = self.markets.get(trail.market) else {
            return 0;
        };
        let (of_order, side) = match market.book.touch_around(trail.order) {
            Some(found) => found,
            None => (0, trail.side),
        };
        trail.neighbour = if trail.is_met {
            market.book.first_near(trail.side.opposite())
        } else {
            market.book.tail_near(trail.level)
        };
        let counted = u64::from(market.book.orders_of_count(trail.account));
        of_order ^ counted ^ self.ledger.touch(trail.account, market.given(side))
    }

    /// Third step: the neighbour; if it is met, its owner's balances follow with the next command's.
    fn end(&self, trail: &Trail) -> u64 {
        match self.markets.get(trail.market) {
            Some(market) if trail.is_met => {
                let owner = market.book.owner_near(trail.neighbour);
                self.ledger.touch(owner, market.base()) ^ self.ledger.touch(owner, market.quote())
            }
            Some(market) => market.book.touch(trail.neighbour),
            None => 0,
        }
    }
}
