//! A mirror of all open orders and books, kept from the feed, exact at the last command taken in.
//!
//! The engine may be ahead of the feed; streams must not be ahead of what they say they are at. So they are told
//! from here, and never from a look at the engine. Knows no JSON and no subscribers.

use crate::book_mirror::BookMirror;
use crate::order_values::{waits, working_ms};
use crate::words::kind_parts;
use ensoex_engine::{
    CloseReason, Command, Event, OpenOrder, OrderKind, SelfTradePrevention, Side, TimeInForce,
};
use ensoex_exchange::{ListPlace, OrderRow};
use ensoex_types::{AccountId, Amount, ClientOrderId, MarketId, OrderId, Quantity};
use std::collections::{HashMap, HashSet};

/// An open order, or one that is just being dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) account: AccountId,
    pub(crate) side: Side,
    /// As placed, less what its owner reduced.
    pub(crate) kind: OrderKind,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) self_trade_prevention: SelfTradePrevention,
    /// The list that it was placed in, ended or not.
    pub(crate) list: Option<ListPlace>,
    pub(crate) executed: Quantity,
    pub(crate) executed_quote: Amount,
    /// Lots taken off by self-trade prevention.
    pub(crate) prevented: Quantity,
    pub(crate) created_ms: u64,
    /// When it began to be matched; none while it waits for its trigger.
    pub(crate) working_ms: Option<u64>,
    /// Lots in the book; 0 while it only takes, or waits.
    resting: u64,
}

impl Tracked {
    /// Lots that were neither filled nor prevented.
    fn left(&self) -> u64 {
        let placed = kind_parts(self.kind).quantity.unwrap_or_default();
        let gone = self.executed.0.saturating_add(self.prevented.0);
        placed.0.saturating_sub(gone)
    }
}

/// All open orders and books.
#[derive(Default)]
pub(crate) struct Mirror {
    orders: HashMap<(MarketId, OrderId), Tracked>,
    books: HashMap<MarketId, BookMirror>,
    /// Lists of which nothing happened to either order.
    executing: HashSet<(MarketId, OrderId)>,
    /// The list whose orders are accepted next.
    placing: Option<(OrderId, OrderId, ClientOrderId)>,
    /// The order that is being matched. When the next one is, or the command ends, what is left of it rests.
    matching: Option<(MarketId, OrderId)>,
}

impl Mirror {
    /// Starts over from the engine's open orders, with their rows of the history. Every price that was or is in a book
    /// counts as changed.
    pub(crate) fn reset(&mut self, open: Vec<(OpenOrder, Option<OrderRow>)>) {
        self.orders.clear();
        self.executing.clear();
        (self.placing, self.matching) = (None, None);
        for book in self.books.values_mut() {
            for side in [Side::Buy, Side::Sell] {
                for price in book.prices(side) {
                    book.change(side, price, |_| 0);
                }
            }
        }
        for (order, row) in open {
            let row = row.as_ref();
            let kind = row.map_or(order.kind, |row| row.kind);
            let parts = kind_parts(kind);
            let prevented = row.map(|row| row.prevented).unwrap_or_default();
            let gone = order.remaining.0.saturating_add(prevented.0);
            let executed = parts.quantity.unwrap_or_default().0.saturating_sub(gone);
            let list = row.and_then(|row| row.list);
            let created_ms = order.at.as_millis();
            let began_ms = row.and_then(working_ms).unwrap_or(created_ms);
            let tracked = Tracked {
                account: order.account,
                side: order.side,
                kind,
                client_order_id: order.client_order_id,
                self_trade_prevention: row.map(|row| row.self_trade_prevention).unwrap_or_default(),
                list,
                executed: Quantity(executed),
                executed_quote: row.map(|row| row.executed_quote).unwrap_or_default(),
                prevented,
                created_ms,
                working_ms: order.working.then_some(began_ms),
                resting: if order.working { order.remaining.0 } else { 0 },
            };
            if order.working {
                self.book(order.market).change(order.side, parts.price, |lots| {
                    lots.saturating_add(order.remaining.0)
                });
            }
            if let (Some(place), Some(_)) = (list, order.other) {
                self.executing.insert((order.market, place.list));
            }
            self.orders.insert((order.market, order.order), tracked);
        }
    }

    /// The book of a market.
    pub(crate) fn book(&mut self, market: MarketId) -> &mut BookMirror {
        self.books.entry(market).or_default()
    }

    /// An order that is open or was touched by the command just taken in.
    pub(crate) fn order(&self, market: MarketId, order: OrderId) -> Option<&Tracked> {
        self.orders.get(&(market, order))
    }

    /// Takes in one event of `command`. A closed order stays until [`Mirror::finish`], so that its end can be told.
    pub(crate) fn take_in(&mut self, at_ms: u64, command: &Command, event: &Event) {
        match event {
            Event::OcoAccepted {
                above,
                below,
                market,
                list_client_order_id,
                ..
            } => {
                self.placing = Some((*above, *below, *list_client_order_id));
                self.executing.insert((*market, *above));
            }
            Event::OrderAccepted {
                order,
                account,
                market,
                side,
                kind,
                client_order_id,
            } => {
                self.settle();
                let tracked = Tracked {
                    account: *account,
                    side: *side,
                    kind: *kind,
                    client_order_id: *client_order_id,
                    self_trade_prevention: wish_of(command),
                    list: self.place_of(*order),
                    executed: Quantity(0),
                    executed_quote: Amount::ZERO,
                    prevented: Quantity(0),
                    created_ms: at_ms,
                    working_ms: (!waits(*kind)).then_some(at_ms),
                    resting: 0,
                };
                if tracked.working_ms.is_some() {
                    self.matching = Some((*market, *order));
                }
                self.orders.insert((*market, *order), tracked);
            }
            Event::OrderTriggered { order, market, .. } => {
                self.settle();
                if let Some(tracked) = self.orders.get_mut(&(*market, *order)) {
                    tracked.working_ms = Some(at_ms);
                    self.matching = Some((*market, *order));
                }
            }
            Event::Trade(trade) => {
                for order in [trade.maker_order, trade.taker_order] {
                    if let Some(tracked) = self.orders.get_mut(&(trade.market, order)) {
                        tracked.executed.0 = tracked.executed.0.saturating_add(trade.quantity.0);
                        tracked.executed_quote.0 = tracked.executed_quote.0.saturating_add(trade.quote.0);
                    }
                }
                self.take_off(trade.market, trade.maker_order, trade.quantity.0);
            }
            Event::MatchPrevented {
                market,
                quantity,
                maker_order,
                taker_order,
                ..
            } => {
                for order in [*maker_order, *taker_order] {
                    if let Some(tracked) = self.orders.get_mut(&(*market, order)) {
                        tracked.prevented.0 = tracked.prevented.0.saturating_add(quantity.0);
                    }
                }
                self.take_off(*market, *maker_order, quantity.0);
            }
            Event::OrderReduced {
                order, market, by, ..
            } => {
                if let Some(tracked) = self.orders.get_mut(&(*market, *order)) {
                    tracked.kind = reduced(tracked.kind, *by);
                }
                self.take_off(*market, *order, by.0);
            }
            Event::OrderClosed { order, market, .. } => {
                self.take_off(*market, *order, u64::MAX);
                if self.matching == Some((*market, *order)) {
                    self.matching = None;
                }
            }
            _ => {}
        }
    }

    /// Lists that `events` began (true) or ended (false), each by one of its orders. To be asked before
    /// [`Mirror::finish`].
    pub(crate) fn changed_lists(&mut self, events: &[Event]) -> Vec<(MarketId, OrderId, bool)> {
        let mut changed = Vec::new();
        for event in events {
            match event {
                Event::OcoAccepted { above, market, .. } => changed.push((*market, *above, true)),
                Event::OrderTriggered { order, market, .. } | Event::OrderClosed { order, market, .. } => {
                    let list = self.order(*market, *order).and_then(|tracked| tracked.list);
                    if let Some(place) = list
                        && self.executing.remove(&(*market, place.list))
                    {
                        changed.push((*market, *order, false));
                    }
                }
                _ => {}
            }
        }
        changed
    }

    /// After a command's last event: what is left of its order rests; what was closed is forgotten.
    pub(crate) fn finish(&mut self, events: &[Event]) {
        self.settle();
        self.placing = None;
        for event in events {
            if let Event::OrderClosed { order, market, .. } = event {
                self.orders.remove(&(*market, *order));
            }
        }
    }

    /// The order that was matched is dealt with: what is left of it goes into the book.
    fn settle(&mut self) {
        let Some((market, order)) = self.matching.take() else {
            return;
        };
        if let Some(tracked) = self.orders.get_mut(&(market, order)) {
            let left = tracked.left();
            tracked.resting = left;
            let (side, price) = (tracked.side, kind_parts(tracked.kind).price);
            self.book(market)
                .change(side, price, |lots| lots.saturating_add(left));
        }
    }

    /// Takes up to so many lots of an order out of the book, if it is there.
    fn take_off(&mut self, market: MarketId, order: OrderId, lots: u64) {
        let Some(tracked) = self.orders.get_mut(&(market, order)) else {
            return;
        };
        let taken = lots.min(tracked.resting);
        if taken > 0 {
            tracked.resting -= taken;
            let (side, price) = (tracked.side, kind_parts(tracked.kind).price);
            self.book(market)
                .change(side, price, |there| there.saturating_sub(taken));
        }
    }

    fn place_of(&self, order: OrderId) -> Option<ListPlace> {
        let (above, below, list_client_order_id) = self.placing?;
        let other = match order {
            _ if order == above => below,
            _ if order == below => above,
            _ => return None,
        };
        Some(ListPlace {
            list: above,
            other,
            list_client_order_id,
        })
    }
}

/// What the orders of a command do when they meet their own account's.
fn wish_of(command: &Command) -> SelfTradePrevention {
    match command {
        Command::PlaceOrder(place) | Command::ReplaceOrder { place, .. } => place.self_trade_prevention,
        Command::PlaceOco(place) => place.self_trade_prevention,
        _ => SelfTradePrevention::default(),
    }
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
        OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        } => OrderKind::Stop {
            trigger,
            stop_price,
            quantity: less(quantity),
        },
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            time_in_force,
        } => OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity: less(quantity),
            time_in_force,
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
            | OrderKind::StopLimit {
                time_in_force: TimeInForce::Gtc,
                ..
            }
    )
}
