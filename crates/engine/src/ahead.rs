//! Looking ahead: what the next commands will need is fetched from memory while earlier ones are applied.
//!
//! In an exchange with a million accounts or orders most of a command's time is waiting for memory, one miss after the other:
//! an id leads to an order, the order to its neighbours. So commands are looked at three times before their turn, each time one step
//! further than what was fetched the time before: nobody waits for anything. Nothing is changed and nothing decided here: a wrong guess
//! costs time, never an answer. What is not large lies in the caches anyway, and looking costs more than it gains there: so accounts
//! and orders are looked at each by itself, and only where there are many.

use crate::book::Book;
use crate::engine::Engine;
use crate::{Command, OrderRef, PlaceOrder, Side};
use ensoex_types::{AccountId, MarketId, OrderId};

/// So many commands are worth handing over together: the first few are looked at in a hurry.
pub const LOOK_AHEAD: usize = 16 * GROUP;
/// Commands that are looked at, and then applied, together: what is fetched for one group arrives while the one before it is applied, and
/// what is fetched for three stays in the nearest cache.
const GROUP: usize = 8;
/// Fewer accounts, or open orders of a market, than this lie in the caches.
const LARGE: usize = 1 << 14;

/// What is worth a look.
#[derive(Clone, Copy)]
struct Large {
    accounts: bool,
    orders: bool,
}

impl Engine {
    /// Has `apply` apply the commands, one after the other, and fetches meanwhile what the next ones will touch. About [`LOOK_AHEAD`]
    /// commands or more are worth it.
    #[inline]
    pub fn apply_ahead<'a>(
        &mut self,
        commands: &'a [Command],
        mut apply: impl FnMut(&mut Engine, &'a Command),
    ) {
        let mut next = 0;
        for few in commands.chunks(GROUP) {
            self.look_ahead(commands, next);
            few.iter().for_each(|command| apply(self, command));
            next += GROUP;
        }
    }

    /// Fetches what comes after the [`GROUP`] commands from `next` on, which are applied then. With `next` 0 nothing was fetched yet, and
    /// these commands are looked at too.
    #[inline]
    fn look_ahead(&self, commands: &[Command], next: usize) {
        let large = Large {
            accounts: self.ledger.accounts().len() >= LARGE,
            orders: self.markets.iter().any(|market| market.book.len() >= LARGE),
        };
        if large.accounts || large.orders {
            self.look(commands, next, large);
        }
    }

    #[inline(never)]
    fn look(&self, commands: &[Command], next: usize, large: Large) {
        let ahead = |groups: usize| {
            let first = if next == 0 { 0 } else { next + groups * GROUP };
            let end = next + (groups + 1) * GROUP;
            commands.get(first..end.min(commands.len())).unwrap_or_default()
        };
        for command in ahead(3) {
            self.fetch_first(command, large);
        }
        for command in ahead(2) {
            self.fetch_second(command, large);
        }
        for command in ahead(1) {
            self.fetch_third(command, large);
        }
        if let Some(market) = ahead(1).first().and_then(target).map(|target| target.market) {
            self.fetch_makers(market);
        }
    }

    fn book(&self, market: MarketId) -> Option<&Book> {
        let market = self.markets.get(usize::from(market.0))?;
        Some(&market.book)
    }

    /// What the command itself leads to: its account, its order, the place of its price.
    #[inline(always)]
    fn fetch_first(&self, command: &Command, large: Large) {
        let Some(target) = target(command) else {
            return;
        };
        if large.accounts {
            self.ledger.fetch_entry(target.account);
        }
        if large.orders
            && let Some(book) = self.book(target.market)
        {
            if let Some(order) = target.order {
                book.fetch_order(order.0);
            }
            if target.price > 0 {
                book.fetch_place(target.price);
            }
        }
    }

    /// What these lead to: balances and counts, the order's neighbours and level, the level at the price.
    #[inline(always)]
    fn fetch_second(&self, command: &Command, large: Large) {
        let Some(target) = target(command) else {
            return;
        };
        let Some(market) = self.markets.get(usize::from(target.market.0)) else {
            return;
        };
        if large.accounts
            && let Some(slot) = self.ledger.slot(target.account)
        {
            self.ledger.fetch(slot, market.base());
            self.ledger.fetch(slot, market.quote());
            market.book.fetch_count(slot);
        }
        if large.orders {
            if let Some(order) = target.order {
                market.book.fetch_around(order.0);
            }
            if target.price > 0 {
                market.book.fetch_level(target.price);
            }
        }
    }

    /// Whoever stands first in the book: they trade next, whatever the commands are.
    fn fetch_makers(&self, market: MarketId) {
        let Some(market) = self.markets.get(usize::from(market.0)) else {
            return;
        };
        for side in [Side::Buy, Side::Sell] {
            for owner in market.book.owners_near(side) {
                self.ledger.fetch(owner, market.base());
                self.ledger.fetch(owner, market.quote());
                self.ledger.fetch_account(owner);
                self.fees.fetch(market.quote(), owner);
            }
        }
    }

    /// The order behind which a new one will stand.
    #[inline(always)]
    fn fetch_third(&self, command: &Command, large: Large) {
        let Some(target) = target(command) else {
            return;
        };
        let Some(market) = self.markets.get(usize::from(target.market.0)) else {
            return;
        };
        if large.orders && target.price > 0 {
            market.book.fetch_tail(target.price);
        }
    }
}

/// What a command names.
struct Target {
    account: AccountId,
    market: MarketId,
    /// Order to be ended or reduced.
    order: Option<OrderId>,
    /// Price at which a new one may rest, or 0.
    price: u64,
}

#[inline(always)]
fn target(command: &Command) -> Option<Target> {
    let id = |order: &OrderRef| match order {
        OrderRef::Id(id) => Some(*id),
        OrderRef::Client(_) => None,
    };
    let of = |place: &PlaceOrder, order| Target {
        account: place.account,
        market: place.market,
        order,
        price: crate::place::limit_of(&place.kind),
    };
    match command {
        Command::PlaceOrder(place) => Some(of(place, None)),
        Command::ReplaceOrder { order, place } => Some(of(place, id(order))),
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
        } => Some(Target {
            account: *account,
            market: *market,
            order: id(order),
            price: 0,
        }),
        _ => None,
    }
}
