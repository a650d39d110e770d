//! Runs the engine and the reference model side by side and says where they part.
//!
//! A second engine, the replica, gets the same commands in batches by way of the log's encoding. It must answer the
//! same and come to the same state hash, though it is made anew from an encoded snapshot after every batch.

use crate::commands::{Decoder, Step};
use crate::model::Model;
use ensoex_engine::{Command, Engine, Event, OrderRef, Side, State};
use ensoex_types::{AccountId, AssetId, MarketId, MarketState, OrderId, Sequence, Timestamp};
use std::collections::BTreeMap;

/// Kinds of events that are also counted together with the event that follows them.
const PAIRED_KINDS: [&str; 3] = ["MatchPrevented", "OrderClosed Contingent", "OrderTriggered"];

/// An engine and the model that watches it.
#[derive(Default)]
pub struct Pair {
    /// The engine under test.
    pub engine: Engine,
    model: Model,
    replica: Engine,
    /// Encoded commands that the replica has not seen yet.
    log: Vec<(Sequence, Timestamp, Vec<u8>)>,
    /// The events of these.
    log_events: Vec<Event>,
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
        self.log_events.extend_from_slice(&self.events);
        self.count();
        Ok(&self.events)
    }

    fn count(&mut self) {
        let kinds: Vec<String> = self.events.iter().map(kind).collect();
        for kind in &kinds {
            *self.seen.entry(kind.clone()).or_default() += 1;
        }
        for pair in kinds.windows(2) {
            if PAIRED_KINDS.contains(&pair[0].as_str()) {
                *self.seen.entry(format!("{}, {}", pair[0], pair[1])).or_default() += 1;
            }
        }
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
        self.events.clear();
        for (sequence, at, bytes) in self.log.drain(..) {
            let command: Command = decoded(&bytes)?;
            self.replica.apply(sequence, at, &command, &mut self.events);
        }
        same("events of the replica", &self.events, &self.log_events)?;
        self.log_events.clear();
        let hashes = (self.engine.state_hash(), self.replica.state_hash());
        same("state hash", hex::encode(hashes.0), hex::encode(hashes.1))?;
        let snapshot = postcard::to_allocvec(&self.replica.state()).map_err(|error| error.to_string())?;
        let state: State = decoded(&snapshot)?;
        self.replica = Engine::from_state(&state).map_err(|error| format!("snapshot: {error:?}"))?;
        self.replica.check_invariants()
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
            self.check_orders(account)?;
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

    fn check_orders(&self, account: AccountId) -> Result<(), String> {
        let (engine, orders) = (&self.engine, self.model.open_orders(account));
        same(
            &format!("open orders of {account}"),
            &engine.open_orders(account, None),
            &orders,
        )?;
        for order in orders {
            let name = order.client_order_id;
            let by_name = (!name.is_empty()).then_some(OrderRef::Client(name));
            for reference in [Some(OrderRef::Id(order.order)), by_name].into_iter().flatten() {
                let found = engine.open_order(account, order.market, &reference);
                same(&format!("{reference:?} of {account}"), found, Some(order))?;
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

fn decoded<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
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
