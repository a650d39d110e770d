//! Looking ahead: what the next commands will need is fetched from memory while nobody waits for it.
//!
//! In an exchange with a million accounts or orders most of a command's time is waiting for memory, one miss after the other.
//! Reading the same places for several commands in a row lets the processor fetch them side by side. Nothing is changed
//! and nothing decided here: a wrong guess costs time, never an answer. Small engines lie in the caches anyway and are
//! left alone.

use crate::engine::Engine;
use crate::{Command, OrderRef, PlaceOrder};
use core::hint::black_box;
use ensoex_types::{AccountId, MarketId};

/// Commands to look ahead at once: enough to keep the memory busy, few enough to stay in the nearest cache.
pub const LOOK_AHEAD: usize = 16;
/// Fewer accounts, or open orders of a market, than this lie in the caches.
const LARGE: usize = 1 << 14;

impl Engine {
    /// Fetches what `commands` (about [`LOOK_AHEAD`] of them) will touch. Call it right before applying them.
    #[inline]
    pub fn look_ahead(&self, commands: &[Command]) {
        let many_accounts = self.ledger.accounts().len() >= LARGE;
        if !many_accounts && self.markets.iter().all(|market| market.book.len() < LARGE) {
            return;
        }
        let touched = commands.iter().map(|command| match command {
            Command::PlaceOrder(place) => self.touch_place(place),
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
            } => self.touch_order(*account, *market, order),
            Command::ReplaceOrder { order, place } => {
                self.touch_order(place.account, place.market, order) ^ self.touch_place(place)
            }
            _ => 0,
        });
        black_box(touched.fold(0, |sum, touched| sum ^ touched));
    }

    fn touch_place(&self, place: &PlaceOrder) -> u64 {
        let price = crate::place::limit_of(&place.kind);
        let level = self
            .markets
            .get(usize::from(place.market.0))
            .map_or(0, |market| market.book.touch_price(price));
        level ^ self.touch_account(place.account, place.market)
    }

    fn touch_order(&self, account: AccountId, market: MarketId, order: &OrderRef) -> u64 {
        let OrderRef::Id(id) = order else {
            return 0;
        };
        let order = self
            .markets
            .get(usize::from(market.0))
            .map_or(0, |market| market.book.touch_order(id.0));
        order ^ self.touch_account(account, market)
    }

    fn touch_account(&self, account: AccountId, market: MarketId) -> u64 {
        let (Some(slot), Some(market)) = (self.ledger.slot(account), self.markets.get(usize::from(market.0)))
        else {
            return 0;
        };
        let held = |asset: usize| self.ledger.balance(slot, asset).held.0 as u64;
        held(market.base()) ^ held(market.quote()) ^ u64::from(market.book.orders_of_count(slot))
    }
}
