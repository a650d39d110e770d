//! Runs the engine and the reference model side by side and says where they part.
//!
//! A second engine gets the same commands by way of the log's encoding, in batches, and must come to the same
//! state hash.

use crate::commands::{Decoder, Step};
use crate::model::Model;
use ensoex_engine::{Command, Engine, Event, Side};
use ensoex_types::{AssetId, MarketId, MarketState, OrderId, Sequence, Timestamp};
use std::collections::BTreeMap;

/// An engine and the model that watches it.
#[derive(Default)]
pub struct Pair {
    /// The engine under test.
    pub engine: Engine,
    model: Model,
    replica: Engine,
    /// Encoded commands that the replica has not seen yet.
    log: Vec<(Sequence, Timestamp, Vec<u8>)>,
    sequence: u64,
    at: Timestamp,
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

    /// Applies a command, one microsecond after the last, to both and compares the events; returns the engine's.
    ///
    /// # Errors
    /// The events differ, with both lists.
    pub fn apply(&mut self, command: &Command) -> Result<&[Event], String> {
        let at = Timestamp(self.at.0 + 1);
        self.apply_altered(at, command, |_| {})
    }

    /// Applies a command at its time to both and compares the events; returns the engine's.
    ///
    /// # Errors
    /// The events differ, with both lists.
    pub fn step(&mut self, step: &Step) -> Result<&[Event], String> {
        self.apply_altered(step.at, &step.command, |_| {})
    }

    /// Like [`Pair::step`], but the engine's events are altered before they are compared: how tests see that a wrong
    /// event is noticed.
    ///
    /// # Errors
    /// The events differ, with both lists.
    pub fn apply_altered(
        &mut self,
        at: Timestamp,
        command: &Command,
        alter: impl FnOnce(&mut Vec<Event>),
    ) -> Result<&[Event], String> {
        self.sequence += 1;
        self.at = at;
        self.events.clear();
        let sequence = Sequence(self.sequence);
        self.engine.apply(sequence, at, command, &mut self.events);
        let ids: Vec<OrderId> = self.events.iter().filter_map(accepted).collect();
        alter(&mut self.events);
        let expected = self.model.apply(at, command, ids)?;
        if expected != self.events {
            let (engine, model) = (lines(&self.events), lines(&expected));
            return Err(format!(
                "command {sequence}: {command:?}\nengine{engine}\nmodel{model}"
            ));
        }
        let bytes = postcard::to_allocvec(command).map_err(|error| format!("{command:?}: {error}"))?;
        self.log.push((sequence, at, bytes));
        for event in &self.events {
            *self.seen.entry(kind(event)).or_default() += 1;
        }
        Ok(&self.events)
    }

    /// Compares everything that can be asked: balances, open orders, depth, fees and so on; checks the engine's
    /// invariants; and replays what is new to the second engine.
    ///
    /// # Errors
    /// The first difference or broken invariant.
    pub fn check(&mut self) -> Result<(), String> {
        self.engine.check_invariants()?;
        same("sequence", self.engine.sequence(), Sequence(self.sequence))?;
        self.check_accounts()?;
        let held: Vec<_> = self.engine.held_transfers().copied().collect();
        same("held transfers", &held, &self.model.held_transfers())?;
        for transfer in &held {
            let id = transfer.transfer;
            let exists = (self.engine.transfer_exists(id), self.model.transfer_exists(id));
            same(&format!("transfer {id}"), exists.0, exists.1)?;
        }
        for market in self.model.markets() {
            self.check_market(market)?;
        }
        same("assets", self.engine.assets(), self.model.assets())?;
        same(
            "markets",
            self.engine.market_count(),
            self.model.markets().count(),
        )?;
        self.check_replica()
    }

    fn check_replica(&mut self) -> Result<(), String> {
        for (sequence, at, bytes) in self.log.drain(..) {
            let command: Command =
                postcard::from_bytes(&bytes).map_err(|error| format!("command {sequence}: {error}"))?;
            self.events.clear();
            self.replica.apply(sequence, at, &command, &mut self.events);
        }
        same(
            "state hash",
            hex::encode(self.engine.state_hash()),
            hex::encode(self.replica.state_hash()),
        )
    }

    fn check_accounts(&self) -> Result<(), String> {
        let (engine, model) = (&self.engine, &self.model);
        let accounts: Vec<_> = model.accounts().collect();
        same("accounts", &engine.accounts(), &accounts)?;
        let assets = 0..model.assets().len();
        for account in accounts {
            for asset in assets.clone().map(|asset| AssetId(asset as u16)) {
                let balances = (engine.balance(account, asset), model.balance(account, asset));
                same(
                    &format!("balance of {account} in {asset}"),
                    balances.0,
                    balances.1,
                )?;
            }
            let orders = (engine.open_orders(account, None), model.open_orders(account));
            same(&format!("open orders of {account}"), orders.0, orders.1)?;
            let restrictions = (engine.restrictions(account), model.restrictions(account));
            same(
                &format!("restrictions of {account}"),
                restrictions.0,
                restrictions.1,
            )?;
            let listed = |market: &MarketId| model.market_state(*market) != Some(MarketState::Delisted);
            for market in model.markets().filter(listed) {
                let fees = (
                    engine.account_fees(account, market),
                    model.account_fees(account, market),
                );
                same(&format!("fees of {account} in {market}"), fees.0, fees.1)?;
            }
        }
        Ok(())
    }

    fn check_market(&self, market: MarketId) -> Result<(), String> {
        let (engine, model) = (&self.engine, &self.model);
        let states = (engine.market_state(market), model.market_state(market));
        same(&format!("state of {market}"), states.0, states.1)?;
        let last = (engine.last_price(market), model.last_price(market));
        same(&format!("last price of {market}"), last.0, last.1)?;
        let open = (engine.resting_orders(market), model.open_count(market));
        same(&format!("number of open orders of {market}"), open.0, open.1)?;
        for side in [Side::Buy, Side::Sell] {
            let (depth, expected) = (engine.depth(market, side, usize::MAX), model.depth(market, side));
            same(&format!("depth of {market} {side:?}"), &depth, &expected)?;
            for level in &depth {
                let quantity = engine.level(market, side, level.price);
                same(
                    &format!("level {} of {market} {side:?}", level.price.0),
                    quantity,
                    level.quantity,
                )?;
            }
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, engine: T, model: T) -> Result<(), String> {
    match engine == model {
        true => Ok(()),
        false => Err(format!("{what}: engine {engine:?}, model {model:?}")),
    }
}

fn lines(events: &[Event]) -> String {
    events.iter().map(|event| format!("\n  {event:?}")).collect()
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
