//! Runs the engine and the reference model side by side and says where they part.

use crate::commands::Decoder;
use crate::model::Model;
use ensoex_engine::{Command, Engine, Event, Level, Side};
use ensoex_types::{AssetId, MarketId, OrderId, Price, Quantity, Sequence, Timestamp};
use std::collections::BTreeMap;

/// An engine and the model that watches it.
#[derive(Default)]
pub struct Pair {
    /// The engine under test.
    pub engine: Engine,
    model: Model,
    sequence: u64,
    events: Vec<Event>,
    /// How often each kind of event and refusal was seen.
    pub seen: BTreeMap<String, u64>,
}

impl Pair {
    /// Both with assets, markets and funded accounts of [`Decoder::prelude`].
    ///
    /// # Errors
    /// They differ already.
    pub fn prepared() -> Result<Pair, String> {
        let mut pair = Pair::default();
        for command in Decoder::prelude() {
            pair.apply(&command)?;
        }
        Ok(pair)
    }

    /// Applies a command to both and compares the events; returns the engine's.
    ///
    /// # Errors
    /// The events differ, with both lists.
    pub fn apply(&mut self, command: &Command) -> Result<&[Event], String> {
        self.sequence += 1;
        let at = Timestamp(1_000 + self.sequence);
        self.events.clear();
        self.engine
            .apply(Sequence(self.sequence), at, command, &mut self.events);
        let id = self.events.iter().find_map(accepted);
        let expected = self.model.apply(at, command, id)?;
        if expected != self.events {
            let (sequence, events) = (self.sequence, &self.events);
            return Err(format!(
                "command {sequence}: {command:?}\nengine {events:#?}\nmodel {expected:#?}"
            ));
        }
        for event in &self.events {
            *self.seen.entry(kind(event)).or_default() += 1;
        }
        Ok(&self.events)
    }

    /// Compares everything that can be asked: balances, open orders, depth; checks the engine's invariants.
    ///
    /// # Errors
    /// The first difference or broken invariant.
    pub fn check(&self) -> Result<(), String> {
        self.engine.check_invariants()?;
        let accounts: Vec<_> = self.model.accounts().collect();
        if accounts != self.engine.accounts() {
            return Err("accounts differ".into());
        }
        for account in accounts {
            for asset in (0..self.model.asset_count()).map(AssetId) {
                let (engine, model) = (
                    self.engine.balance(account, asset),
                    self.model.balance(account, asset),
                );
                if engine != model {
                    return Err(format!("{account} {asset}: engine {engine:?}, model {model:?}"));
                }
            }
        }
        (0..self.model.market_count()).try_for_each(|market| self.check_market(MarketId(market)))
    }

    fn check_market(&self, market: MarketId) -> Result<(), String> {
        let open = self.model.open(market);
        let mut mine: Vec<_> = Vec::new();
        for account in self.model.accounts() {
            for order in self.engine.open_orders(account, Some(market)) {
                let price = match order.kind {
                    ensoex_engine::OrderKind::Limit { price, .. }
                    | ensoex_engine::OrderKind::LimitMaker { price, .. } => price,
                    other => return Err(format!("{other:?} is open")),
                };
                mine.push((order.order, account, order.side, price, order.remaining));
            }
        }
        mine.sort_by_key(|(order, ..)| *order);
        if mine != open || self.engine.resting_orders(market) != open.len() {
            return Err(format!(
                "open orders of {market}: engine {mine:?}, model {open:?}"
            ));
        }
        for side in [Side::Buy, Side::Sell] {
            let mut levels: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
            for (.., price, lots) in open.iter().filter(|(_, _, of, ..)| *of == side) {
                let level = levels.entry(price.0).or_default();
                *level = (level.0 + lots.0, level.1 + 1);
            }
            let mut expected: Vec<Level> = levels
                .into_iter()
                .map(|(price, (lots, orders))| Level {
                    price: Price(price),
                    quantity: Quantity(lots),
                    orders,
                })
                .collect();
            if side == Side::Buy {
                expected.reverse();
            }
            let depth = self.engine.depth(market, side, usize::MAX);
            let single = |level: &Level| self.engine.level(market, side, level.price) == level.quantity;
            if depth != expected || !depth.iter().all(single) {
                return Err(format!(
                    "depth of {market} {side:?}: {depth:?}, model {expected:?}"
                ));
            }
        }
        Ok(())
    }
}

fn accepted(event: &Event) -> Option<OrderId> {
    match event {
        Event::OrderAccepted { order, .. } => Some(*order),
        _ => None,
    }
}

/// The event's name, with the reason of a refusal or of an order's end.
fn kind(event: &Event) -> String {
    match event {
        Event::Rejected { reject } => format!("Rejected {reject:?}"),
        Event::OrderClosed { reason, .. } => format!("OrderClosed {reason:?}"),
        other => {
            let text = format!("{other:?}");
            let end = text.find([' ', '(', '{']).unwrap_or(text.len());
            text[..end].to_owned()
        }
    }
}
