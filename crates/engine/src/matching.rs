//! Matching: an incoming order meets the other side of the book, best price first, oldest first, at the
//! maker's price.
//!
//! Makers are settled trade by trade out of what they hold. The taker's and the house's shares are summed
//! and settled once at the end by the caller and here. Knows no time in force: what happens to the rest is the
//! caller's.

use crate::client_id::ClientOrderIds;
use crate::ledger::{FEES_SLOT, Ledger};
use crate::market::{Market, fee};
use crate::{CloseReason, Event, Side, Trade};
use alloc::vec::Vec;
use ensoex_types::{AccountId, Amount, OrderId, Price, Quantity, TradeId};

/// The order that came second.
pub(crate) struct Taker {
    pub(crate) order: OrderId,
    pub(crate) account: AccountId,
    /// The account, as the ledger counts it.
    pub(crate) slot: u32,
    pub(crate) side: Side,
    /// Worst price it accepts, in ticks.
    pub(crate) limit: u64,
    /// Most lots it trades.
    pub(crate) lots: u64,
    /// Most quote it pays or receives.
    pub(crate) quote_max: u128,
}

impl Taker {
    /// Takes at any price as much as there is; the order id is still missing.
    #[inline]
    pub(crate) fn new(account: AccountId, slot: u32, side: Side) -> Taker {
        Taker {
            order: OrderId(0),
            account,
            slot,
            side,
            limit: match side {
                Side::Buy => u64::MAX,
                Side::Sell => 0,
            },
            lots: u64::MAX,
            quote_max: u128::MAX,
        }
    }
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Lots traded.
    pub(crate) lots: u64,
    /// Their value.
    pub(crate) quote: u128,
    /// Fee in what the taker receives.
    pub(crate) fee: u128,
    /// Price of the last trade; 0 if there was none.
    pub(crate) last_price: u64,
    /// It stopped because its own order was next.
    pub(crate) self_trade: bool,
}

/// Trades until the limit, the lots, the quote or the book is exhausted, or an own order is next. Settles the
/// makers and the fees.
pub(crate) fn take(
    market: &mut Market,
    ledger: &mut Ledger,
    clients: &mut ClientOrderIds,
    taker: &Taker,
    events: &mut Vec<Event>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut maker_fees = 0;
    while outcome.lots < taker.lots {
        let Some(price) = market.book.best_within(taker.side, taker.limit) else {
            break;
        };
        let slot = market.book.first_at(price);
        let maker = *market.book.order(slot);
        let maker_slot = market.book.owner(slot);
        let lot_price = market.lot_price(price);
        let mut lots = maker.remaining.min(taker.lots - outcome.lots);
        let mut quote = lot_price * u128::from(lots);
        let quote_left = taker.quote_max - outcome.quote;
        if quote > quote_left {
            lots = u64::try_from(quote_left / lot_price).unwrap_or(lots);
            quote = lot_price * u128::from(lots);
            if lots == 0 {
                break;
            }
        }
        if maker_slot == taker.slot {
            outcome.self_trade = true;
            break;
        }
        let base = market.base_amount(lots);
        let (maker_fee, taker_fee) = settle_maker(market, ledger, taker.side, maker_slot, base, quote);
        outcome.lots += lots;
        outcome.quote += quote;
        outcome.fee += taker_fee;
        outcome.last_price = price;
        maker_fees += maker_fee;
        market.last_trade += 1;
        let maker_account = ledger.account(maker_slot);
        events.push(Event::Trade(Trade {
            trade: TradeId(market.last_trade),
            market: market.id,
            price: Price(price),
            quantity: Quantity(lots),
            quote: Amount(quote as i128),
            taker_side: taker.side,
            maker_order: OrderId(maker.id()),
            maker_account,
            maker_remaining: Quantity(maker.remaining - lots),
            maker_fee: Amount(maker_fee as i128),
            taker_order: taker.order,
            taker_account: taker.account,
            taker_fee: Amount(taker_fee as i128),
        }));
        if lots < maker.remaining {
            market.book.take(slot, lots);
            continue;
        }
        if let Some(name) = market.book.remove(slot) {
            clients.remove(&(maker_slot, name));
        }
        events.push(Event::OrderClosed {
            order: OrderId(maker.id()),
            account: maker_account,
            market: market.id,
            reason: CloseReason::Filled,
            remaining: Quantity(0),
        });
    }
    let (taker_receives, maker_receives) = match taker.side {
        Side::Buy => (market.base(), market.quote()),
        Side::Sell => (market.quote(), market.base()),
    };
    if outcome.fee > 0 {
        ledger.balance_mut(FEES_SLOT, taker_receives).receive(outcome.fee);
    }
    if maker_fees > 0 {
        ledger.balance_mut(FEES_SLOT, maker_receives).receive(maker_fees);
    }
    outcome
}

/// The maker gives from what it holds, exactly what this part of its order needed, and receives less its
/// fee. Returns the maker's and the taker's fee.
#[inline]
fn settle_maker(
    market: &Market,
    ledger: &mut Ledger,
    taker_side: Side,
    maker: u32,
    base: u128,
    quote: u128,
) -> (u128, u128) {
    let (gives, receives) = match taker_side {
        Side::Sell => ((market.quote(), quote), (market.base(), base)),
        Side::Buy => ((market.base(), base), (market.quote(), quote)),
    };
    let maker_fee = fee(receives.1, market.spec.maker_fee);
    ledger.balance_mut(maker, gives.0).spend_held(gives.1);
    ledger
        .balance_mut(maker, receives.0)
        .receive(receives.1 - maker_fee);
    (maker_fee, fee(gives.1, market.spec.taker_fee))
}

/// `taker` would fill all its lots within its limit, without meeting an own order.
pub(crate) fn is_fillable(market: &Market, taker: &Taker) -> bool {
    let mut missing = taker.lots;
    for (price, level) in market.book.levels(taker.side.opposite()) {
        let within = match taker.side {
            Side::Buy => price <= taker.limit,
            Side::Sell => price >= taker.limit,
        };
        if !within {
            return false;
        }
        for (slot, maker) in market.book.queue(level) {
            if market.book.owner(slot) == taker.slot {
                return false;
            }
            if maker.remaining >= missing {
                return true;
            }
            missing -= maker.remaining;
        }
    }
    false
}
