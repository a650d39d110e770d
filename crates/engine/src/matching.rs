//! Matching: an incoming order meets the other side of the book, best price first, oldest first, at the
//! maker's price.
//!
//! Makers are settled trade by trade out of what they hold. The taker's and the house's shares are summed
//! and settled once at the end. What happens when a taker meets an order of its own account is the taker's wish
//! ([`SelfTradePrevention`]). A maker that is one of two orders of a list ends the list before anything else. Knows no
//! time in force and no triggers: what happens to the rest, and what the trades set off, is the caller's.

use crate::book::Order;
use crate::client_ids::ClientOrderIds;
use crate::fees::Fees;
use crate::ledger::{FEES_SLOT, Ledger};
use crate::market::{Market, fee};
use crate::{CloseReason, Event, SelfTradePrevention, Side, Trade};
use alloc::vec::Vec;
use core::hint::select_unpredictable;
use ensoex_types::{AccountId, Amount, OrderId, Price, Quantity, TradeId};

/// What a trade touches besides its market.
pub(crate) struct Desk<'a> {
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) fees: &'a mut Fees,
    pub(crate) clients: &'a mut ClientOrderIds,
    pub(crate) events: &'a mut Vec<Event>,
}

/// The order that came second.
pub(crate) struct Taker {
    pub(crate) order: OrderId,
    pub(crate) account: AccountId,
    /// The account, as the ledger counts it.
    pub(crate) slot: u32,
    pub(crate) side: Side,
    pub(crate) self_trade_prevention: SelfTradePrevention,
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
    pub(crate) fn new(account: AccountId, slot: u32, side: Side, prevention: SelfTradePrevention) -> Taker {
        Taker {
            order: OrderId(0),
            account,
            slot,
            side,
            self_trade_prevention: prevention,
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
    /// Price of the first trade; 0 if there was none.
    pub(crate) first_price: u64,
    /// Price of the last trade; 0 if there was none.
    pub(crate) last_price: u64,
    /// Lots that would have been traded with itself.
    pub(crate) prevented: u64,
    /// Their value.
    pub(crate) prevented_quote: u128,
    /// It must not go on, because its own order was next.
    pub(crate) self_trade: bool,
}

impl Outcome {
    /// What is left of the order.
    pub(crate) fn left(&self, taker: &Taker) -> u64 {
        taker.lots - self.lots - self.prevented
    }

    /// Lowest and highest price of its trades; `None` if there were none.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.first_price, self.last_price);
        (first != 0).then(|| (first.min(last), first.max(last)))
    }
}

/// Trades until the limit, the lots, the quote or the book is exhausted, or an own order forbids going on. Settles
/// all sides.
#[inline(always)]
pub(crate) fn take(market: &mut Market, desk: &mut Desk<'_>, taker: &Taker) -> Outcome {
    let mut outcome = Outcome::default();
    let mut maker_fees = 0;
    let (mut left, mut quote_left) = (taker.lots, taker.quote_max);
    let is_bounded = taker.quote_max < u128::MAX;
    let quote_asset = market.quote();
    // By the makers.
    let (given, received) = (market.given(taker.side.opposite()), market.given(taker.side));
    let taker_rate = {
        let tier = desk.fees.tier(desk.ledger, quote_asset, taker.slot);
        market.rates(tier).taker
    };
    while left > 0 {
        let Some(price) = market.book.best_within(taker.side, taker.limit) else {
            break;
        };
        let slot = market.book.first(taker.side.opposite());
        let mut maker = *market.book.order(slot);
        let maker_slot = maker.owner();
        let lot_price = market.lot_price(price);
        let mut lots = maker.remaining.min(left);
        let mut quote = lot_price * u128::from(lots);
        if is_bounded && quote > quote_left {
            lots = u64::try_from(quote_left / lot_price).unwrap_or(lots);
            quote = lot_price * u128::from(lots);
            if lots == 0 {
                break;
            }
        }
        if maker_slot == taker.slot {
            match prevent(market, desk, taker, slot, price, lots) {
                Prevented::Stop => {
                    outcome.self_trade = true;
                    break;
                }
                Prevented::GoOn => {}
                Prevented::Decremented => {
                    left -= lots;
                    outcome.prevented += lots;
                    outcome.prevented_quote += quote;
                    quote_left -= if is_bounded { quote } else { 0 };
                }
            }
            continue;
        }
        if maker.is_listed() {
            end_list(market, desk, slot, CloseReason::Contingent);
            maker = *market.book.order(slot);
        }
        let base = market.base_amount(lots);
        let tier = desk.fees.trade(desk.ledger, quote_asset, maker_slot, quote);
        let rate = market.rates(tier).maker;
        // The maker gives what the taker receives, and the other way round.
        let buys = taker.side == Side::Buy;
        let maker_gives = select_unpredictable(buys, base, quote);
        let taker_gives = select_unpredictable(buys, quote, base);
        let (maker_fee, taker_fee) = (fee(taker_gives, rate), fee(maker_gives, taker_rate));
        let makers = desk.ledger.place(maker_slot);
        desk.ledger.balance_at_mut(makers, given).spend_held(maker_gives);
        desk.ledger
            .balance_at_mut(makers, received)
            .receive(taker_gives - maker_fee);
        if outcome.lots == 0 {
            outcome.first_price = price;
        }
        left -= lots;
        outcome.lots += lots;
        outcome.quote += quote;
        quote_left -= if is_bounded { quote } else { 0 };
        outcome.fee += taker_fee;
        outcome.last_price = price;
        maker_fees += maker_fee;
        market.last_trade += 1;
        let maker_account = desk.ledger.account(maker_slot);
        desk.events.push(Event::Trade(Trade {
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
        market.book.remove_first(taker.side.opposite(), slot, &maker);
        if maker.has_extras() {
            forget_extras(market, desk.clients, &maker, price);
        }
        desk.events.push(Event::OrderClosed {
            order: OrderId(maker.id()),
            account: maker_account,
            market: market.id,
            reason: CloseReason::Filled,
            remaining: Quantity(0),
        });
    }
    if outcome.lots > 0 {
        settle_taker(market, desk, taker, &outcome, maker_fees);
    }
    outcome
}

/// The taker pays for and receives what was traded, the house its fees, and the price is the market's last.
#[inline(always)]
fn settle_taker(
    market: &mut Market,
    desk: &mut Desk<'_>,
    taker: &Taker,
    outcome: &Outcome,
    maker_fees: u128,
) {
    let base = market.base_amount(outcome.lots);
    let (gives, receives) = match taker.side {
        Side::Buy => ((market.quote(), outcome.quote), (market.base(), base)),
        Side::Sell => ((market.base(), base), (market.quote(), outcome.quote)),
    };
    let takers = desk.ledger.place(taker.slot);
    desk.ledger.balance_at_mut(takers, gives.0).spend(gives.1);
    desk.ledger
        .balance_at_mut(takers, receives.0)
        .receive(receives.1 - outcome.fee);
    let house = desk.ledger.place(FEES_SLOT);
    desk.ledger.balance_at_mut(house, receives.0).receive(outcome.fee);
    desk.ledger.balance_at_mut(house, gives.0).receive(maker_fees);
    desk.fees.trade_again(market.quote(), taker.slot, outcome.quote);
    market.set_last_price(outcome.last_price);
}

/// Whether a taker goes on after it met its own order.
enum Prevented {
    /// No.
    Stop,
    /// Yes; the maker has gone.
    GoOn,
    /// Yes, with fewer lots.
    Decremented,
}

/// Acts on the taker's wish: it met its own order in `slot` at `price` and would trade `lots`.
#[cold]
#[inline(never)]
fn prevent(
    market: &mut Market,
    desk: &mut Desk<'_>,
    taker: &Taker,
    slot: u32,
    price: u64,
    lots: u64,
) -> Prevented {
    if taker.self_trade_prevention == SelfTradePrevention::ExpireTaker {
        return Prevented::Stop;
    }
    end_list(market, desk, slot, CloseReason::Contingent);
    let result = match taker.self_trade_prevention {
        SelfTradePrevention::ExpireTaker | SelfTradePrevention::ExpireBoth => Prevented::Stop,
        SelfTradePrevention::ExpireMaker => Prevented::GoOn,
        SelfTradePrevention::Decrement => {
            let maker = *market.book.order(slot);
            desk.events.push(Event::MatchPrevented {
                market: market.id,
                account: taker.account,
                price: Price(price),
                quantity: Quantity(lots),
                maker_order: OrderId(maker.id()),
                maker_remaining: Quantity(maker.remaining - lots),
                taker_order: taker.order,
            });
            if lots < maker.remaining {
                let (asset, amount) = market.need(maker.side(), price, lots);
                market.book.take(slot, lots);
                desk.ledger.balance_mut(taker.slot, asset).release(amount);
                return Prevented::Decremented;
            }
            let (removed, price) = remove(market, desk.clients, slot);
            let (asset, amount) = market.need(removed.side(), price, removed.remaining);
            desk.ledger.balance_mut(taker.slot, asset).release(amount);
            desk.events.push(Event::OrderClosed {
                order: OrderId(maker.id()),
                account: taker.account,
                market: market.id,
                reason: CloseReason::SelfTrade,
                remaining: Quantity(0),
            });
            return Prevented::Decremented;
        }
    };
    close(market, desk, slot, CloseReason::SelfTrade);
    result
}

/// Takes an order out of the book and forgets all that is known of it; what it held is the caller's. Returns it with
/// the price at which it held.
#[inline(always)]
pub(crate) fn remove(market: &mut Market, clients: &mut ClientOrderIds, slot: u32) -> (Order, u64) {
    let (order, price) = market.book.remove(slot);
    if order.has_extras() {
        let price = forget_extras(market, clients, &order, price);
        return (order, price);
    }
    (order, price)
}

#[cold]
#[inline(never)]
fn forget_extras(market: &mut Market, clients: &mut ClientOrderIds, order: &Order, price: u64) -> u64 {
    if let Some(name) = market.book.take_name(order) {
        clients.remove(&(order.owner(), name));
    }
    let held_at = if order.is_stop() {
        market.stops.need_price(order.id())
    } else {
        price
    };
    market.stops.forget(order.id(), order.side());
    held_at
}

/// Closes the open order in `slot`, which is plain ([`Order::is_plain`]), and gives back what it held.
#[inline(always)]
pub(crate) fn close_plain(
    market: &mut Market,
    ledger: &mut Ledger,
    events: &mut Vec<Event>,
    (account, slot, reason): (AccountId, u32, CloseReason),
) {
    let (order, price) = market.book.remove_resting(slot);
    let (asset, amount) = market.need(order.side(), price, order.remaining);
    ledger.balance_mut(order.owner(), asset).release(amount);
    events.push(Event::OrderClosed {
        order: OrderId(order.id()),
        account,
        market: market.id,
        reason,
        remaining: Quantity(order.remaining),
    });
}

/// Closes the open order in `slot`, which is in no list, and gives back what it held.
#[inline(never)]
pub(crate) fn close(market: &mut Market, desk: &mut Desk<'_>, slot: u32, reason: CloseReason) {
    let account = desk.ledger.account(market.book.owner(slot));
    let (order, price) = remove(market, desk.clients, slot);
    let (asset, amount) = market.need(order.side(), price, order.remaining);
    desk.ledger.balance_mut(order.owner(), asset).release(amount);
    desk.events.push(Event::OrderClosed {
        order: OrderId(order.id()),
        account,
        market: market.id,
        reason,
        remaining: Quantity(order.remaining),
    });
}
/// Ends the list of the order in `slot`, if it is in one: the other order closes, and what the two held together falls
/// to what this one needs.
#[cold]
#[inline(never)]
pub(crate) fn end_list(market: &mut Market, desk: &mut Desk<'_>, slot: u32, reason: CloseReason) {
    if let Some(other) = unlist(market, desk, slot) {
        close(market, desk, other, reason);
    }
}

/// Makes two single orders of a list, each holding what it needs; returns the slot of the other one. A sale holds the
/// base of both for a moment, although the two held it once: what is then missing is back as soon as one of them closes,
/// which is the caller's next step.
#[cold]
#[inline(never)]
pub(crate) fn unlist(market: &mut Market, desk: &mut Desk<'_>, slot: u32) -> Option<u32> {
    let other = market.stops.unpair(market.book.order(slot).id())?;
    let other = market.book.find(other)?;
    market.book.set_listed(slot, false);
    market.book.set_listed(other, false);
    let (asset, need) = market.need_of(slot, market.book.order(slot));
    let (_, other_need) = market.need_of(other, market.book.order(other));
    let owner = market.book.owner(slot);
    desk.ledger.balance_mut(owner, asset).hold(need.min(other_need));
    Some(other)
}

/// `taker` would fill all its lots within its limit by orders of others, without being kept from it by its own.
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
                if taker.self_trade_prevention == SelfTradePrevention::ExpireMaker {
                    continue;
                }
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
