//! A mirror of all open orders and books, kept from the feed, exact at the last command taken in.
//!
//! The engine may be ahead of the feed; streams must not be ahead of what they say they are at. So they are told
//! from here, and never from a look at the engine. Knows no JSON and no subscribers.

use crate::words::kind_parts;
use ensoex_engine::{CloseReason, Event, Level, OpenOrder, OrderKind, Side, TimeInForce};
use ensoex_exchange::OrderRow;
use ensoex_types::{AccountId, Amount, MarketId, OrderId, Price, Quantity};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An open order, or one that is just being dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) account: AccountId,
    pub(crate) side: Side,
    /// As placed, less what its owner reduced.
    pub(crate) kind: OrderKind,
    pub(crate) client_order_id: String,
    pub(crate) executed: Quantity,
    pub(crate) executed_quote: Amount,
    pub(crate) created_ms: u64,
    /// Lots in the book; 0 while it only takes.
    resting: u64,
}

/// One side of one book: lots at each price.
type Levels = BTreeMap<Price, u64>;

/// One market's book, with the prices that changed since each of the two publishers looked.
#[derive(Default)]
pub(crate) struct BookMirror {
    bids: Levels,
    asks: Levels,
    fast: Touched,
    slow: Touched,
}

/// Prices whose quantity changed.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) bids: BTreeSet<Price>,
    pub(crate) asks: BTreeSet<Price>,
}

impl Touched {
    /// Nothing changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }
}

/// All open orders and books.
#[derive(Default)]
pub(crate) struct Mirror {
    orders: HashMap<(MarketId, OrderId), Tracked>,
    books: HashMap<MarketId, BookMirror>,
}

impl BookMirror {
    fn levels(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn change(&mut self, side: Side, price: Price, change: impl FnOnce(u64) -> u64) {
        let levels = self.levels(side);
        let lots = change(levels.get(&price).copied().unwrap_or(0));
        if lots == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, lots);
        }
        for touched in [&mut self.fast, &mut self.slow] {
            match side {
                Side::Buy => touched.bids.insert(price),
                Side::Sell => touched.asks.insert(price),
            };
        }
    }

    /// Lots at exactly this price.
    pub(crate) fn at(&self, side: Side, price: Price) -> Quantity {
        let levels = if side == Side::Buy { &self.bids } else { &self.asks };
        Quantity(levels.get(&price).copied().unwrap_or(0))
    }

    /// The best levels of a side, best first. Their numbers of orders are not kept.
    pub(crate) fn best(&self, side: Side, levels_max: usize) -> Vec<Level> {
        let level = |(price, lots): (&Price, &u64)| Level {
            price: *price,
            quantity: Quantity(*lots),
            orders: 0,
        };
        match side {
            Side::Buy => self.bids.iter().rev().take(levels_max).map(level).collect(),
            Side::Sell => self.asks.iter().take(levels_max).map(level).collect(),
        }
    }

    /// What changed since the fast publisher asked last.
    pub(crate) fn take_fast(&mut self) -> Touched {
        std::mem::take(&mut self.fast)
    }

    /// What changed since the slow publisher asked last.
    pub(crate) fn take_slow(&mut self) -> Touched {
        std::mem::take(&mut self.slow)
    }
}

impl Mirror {
    /// Starts over from the engine's open orders, with the history's rows of those that are partly filled or were
    /// reduced. Every price that was or is in a book counts as changed.
    pub(crate) fn reset(&mut self, open: Vec<(OpenOrder, Option<OrderRow>)>) {
        self.orders.clear();
        for book in self.books.values_mut() {
            for side in [Side::Buy, Side::Sell] {
                let prices: Vec<Price> = book.levels(side).keys().copied().collect();
                for price in prices {
                    book.change(side, price, |_| 0);
                }
            }
        }
        for (order, row) in open {
            let (kind, executed_quote) =
                row.map_or((order.kind, Amount::ZERO), |row| (row.kind, row.executed_quote));
            let parts = kind_parts(kind);
            let executed = parts
                .quantity
                .unwrap_or_default()
                .0
                .saturating_sub(order.remaining.0);
            let tracked = Tracked {
                account: order.account,
                side: order.side,
                kind,
                client_order_id: order.client_order_id,
                executed: Quantity(executed),
                executed_quote,
                created_ms: order.at.as_millis(),
                resting: order.remaining.0,
            };
            self.book(order.market).change(order.side, parts.price, |lots| {
                lots.saturating_add(order.remaining.0)
            });
            self.orders.insert((order.market, order.order), tracked);
        }
    }

    /// The book of a market.
    pub(crate) fn book(&mut self, market: MarketId) -> &mut BookMirror {
        self.books.entry(market).or_default()
    }

    /// An order that is open or was touched by the event just taken in.
    pub(crate) fn order(&self, market: MarketId, order: OrderId) -> Option<&Tracked> {
        self.orders.get(&(market, order))
    }

    /// Takes in one event. A closed order stays until [`Mirror::finish`], so that its end can be told.
    pub(crate) fn take_in(&mut self, at_ms: u64, event: &Event) {
        match event {
            Event::OrderAccepted {
                order,
                account,
                market,
                side,
                kind,
                client_order_id,
            } => {
                let tracked = Tracked {
                    account: *account,
                    side: *side,
                    kind: *kind,
                    client_order_id: client_order_id.clone(),
                    executed: Quantity(0),
                    executed_quote: Amount::ZERO,
                    created_ms: at_ms,
                    resting: 0,
                };
                self.orders.insert((*market, *order), tracked);
            }
            Event::Trade(trade) => {
                for order in [trade.maker_order, trade.taker_order] {
                    if let Some(tracked) = self.orders.get_mut(&(trade.market, order)) {
                        tracked.executed.0 = tracked.executed.0.saturating_add(trade.quantity.0);
                        tracked.executed_quote.0 = tracked.executed_quote.0.saturating_add(trade.quote.0);
                        tracked.resting = tracked.resting.saturating_sub(trade.quantity.0);
                    }
                }
                let side = trade.taker_side.opposite();
                self.book(trade.market)
                    .change(side, trade.price, |lots| lots.saturating_sub(trade.quantity.0));
            }
            Event::OrderReduced {
                order,
                market,
                by,
                remaining,
                ..
            } => {
                if let Some(tracked) = self.orders.get_mut(&(*market, *order)) {
                    tracked.resting = remaining.0;
                    tracked.kind = reduced(tracked.kind, *by);
                    let (side, price) = (tracked.side, kind_parts(tracked.kind).price);
                    self.book(*market)
                        .change(side, price, |lots| lots.saturating_sub(by.0));
                }
            }
            Event::OrderClosed { order, market, .. } => {
                if let Some(tracked) = self.orders.get_mut(&(*market, *order)) {
                    let resting = std::mem::take(&mut tracked.resting);
                    let (side, price) = (tracked.side, kind_parts(tracked.kind).price);
                    if resting > 0 {
                        self.book(*market)
                            .change(side, price, |lots| lots.saturating_sub(resting));
                    }
                }
            }
            _ => {}
        }
    }

    /// After a command's last event: what was accepted and not closed rests; what was closed is forgotten.
    pub(crate) fn finish(&mut self, events: &[Event]) {
        for event in events {
            if let Event::OrderAccepted { order, market, .. } = event
                && !events.iter().any(|other| closes(other, *market, *order))
                && let Some(tracked) = self.orders.get_mut(&(*market, *order))
            {
                let parts = kind_parts(tracked.kind);
                let rest = parts
                    .quantity
                    .unwrap_or_default()
                    .0
                    .saturating_sub(tracked.executed.0);
                tracked.resting = rest;
                let side = tracked.side;
                self.book(*market)
                    .change(side, parts.price, |lots| lots.saturating_add(rest));
            }
        }
        for event in events {
            if let Event::OrderClosed { order, market, .. } = event {
                self.orders.remove(&(*market, *order));
            }
        }
    }
}

/// The event ends the order.
fn closes(event: &Event, in_market: MarketId, id: OrderId) -> bool {
    matches!(event, Event::OrderClosed { order, market, .. } if *market == in_market && *order == id)
}

/// Why an order is closed by these events, if it is.
pub(crate) fn close_reason(events: &[Event], in_market: MarketId, id: OrderId) -> Option<CloseReason> {
    events.iter().find_map(|event| match event {
        Event::OrderClosed {
            order,
            market,
            reason,
            ..
        } if *market == in_market && *order == id => Some(*reason),
        _ => None,
    })
}

fn reduced(kind: OrderKind, by: Quantity) -> OrderKind {
    let less = |quantity: Quantity| Quantity(quantity.0.saturating_sub(by.0));
    match kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => OrderKind::Limit {
            price,
            quantity: less(quantity),
            time_in_force,
        },
        OrderKind::LimitMaker { price, quantity } => OrderKind::LimitMaker {
            price,
            quantity: less(quantity),
        },
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => kind,
    }
}

/// The order can wait in the book.
pub(crate) fn can_rest(kind: OrderKind) -> bool {
    matches!(
        kind,
        OrderKind::LimitMaker { .. }
            | OrderKind::Limit {
                time_in_force: TimeInForce::Gtc,
                ..
            }
    )
}
