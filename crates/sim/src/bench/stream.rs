//! Order flow as commands of the engine, named by the engine's own order ids.

use super::stage::{MARKET, Stage, account, at};
use super::{ACCOUNTS_MAX, Spread};
use crate::random::Random;
use crate::workload::{Line, Operation, WorkloadError};
use ensoex_engine::{
    Command, Event, OrderKind, OrderRef, PlaceOrder, SelfTradePrevention, Side, TimeInForce,
};
use ensoex_types::{AccountId, ClientOrderId, OrderId, Price, Quantity, Sequence};

/// Lines with what an untimed run of them found.
pub struct Stream<'a> {
    lines: &'a [Line],
    /// The engine's id of the order that each line names; of no meaning for lines that place.
    orders: Vec<OrderId>,
    accounts: u32,
    spread: Spread,
    /// Number of trades.
    pub trades: u64,
    /// Lots traded.
    pub volume: u64,
    /// Orders in the book at the end.
    pub resting_orders: u64,
    /// The state at the end.
    pub state_hash: [u8; 32],
}

impl<'a> Stream<'a> {
    /// Runs the lines once, on a [`Stage`] of `accounts` accounts, and follows the engine's order ids.
    ///
    /// # Errors
    /// No lines, too few or many accounts, or a line that the engine refuses.
    pub fn learn(lines: &'a [Line], accounts: u32, spread: Spread) -> Result<Stream<'a>, WorkloadError> {
        if !(2..=ACCOUNTS_MAX).contains(&accounts) {
            return Err(WorkloadError::Accounts { max: ACCOUNTS_MAX });
        }
        if lines.is_empty() {
            return Err(WorkloadError::Empty);
        }
        let mut stream = Stream {
            lines,
            orders: Vec::with_capacity(lines.len()),
            accounts,
            spread,
            trades: 0,
            volume: 0,
            resting_orders: 0,
            state_hash: [0; 32],
        };
        stream.follow()?;
        Ok(stream)
    }

    fn follow(&mut self) -> Result<(), WorkloadError> {
        let Stage {
            mut engine,
            mut sequence,
        } = Stage::new(self.accounts);
        let mut events = Vec::new();
        let mut ids: Vec<(OrderId, Side)> = vec![(OrderId(0), Side::Buy)];
        for (line, number) in self.lines.iter().zip(1..) {
            let index = line.order as usize;
            if index >= ids.len() {
                ids.resize(index + 1, (OrderId(0), line.side));
            }
            let (order, side) = ids[index];
            if side != line.side {
                return Err(WorkloadError::SideChanged { line: number });
            }
            self.orders.push(order);
            events.clear();
            sequence += 1;
            let command = self.command(line, order);
            engine.apply(Sequence(sequence), at(sequence), &command, &mut events);
            for event in &events {
                match event {
                    Event::OrderAccepted { order, .. } => ids[index].0 = *order,
                    Event::Trade(trade) => {
                        self.trades += 1;
                        self.volume += trade.quantity.0;
                    }
                    Event::Rejected { reject } => {
                        return Err(WorkloadError::Refused {
                            line: number,
                            reject: *reject,
                        });
                    }
                    _ => {}
                }
            }
        }
        self.resting_orders = engine.resting_orders(MARKET) as u64;
        self.state_hash = engine.state_hash();
        Ok(())
    }

    /// Number of commands.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Never: an empty stream cannot be learnt.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All commands in order.
    pub fn commands(&self) -> impl Iterator<Item = Command> {
        let both = self.lines.iter().zip(&self.orders);
        both.map(|(line, order)| self.command(line, *order))
    }

    /// The commands in blocks of `length`, each built when it is asked for.
    pub fn blocks(&self, length: usize) -> impl Iterator<Item = Vec<Command>> {
        let both = self.lines.chunks(length).zip(self.orders.chunks(length));
        both.map(|(lines, orders)| {
            let each = lines.iter().zip(orders);
            each.map(|(line, order)| self.command(line, *order)).collect()
        })
    }

    /// The command that a line means, for the order that the engine knows as `order`.
    fn command(&self, line: &Line, order: OrderId) -> Command {
        let account = self.owner(line);
        let order = OrderRef::Id(order);
        let place = |time_in_force| PlaceOrder {
            account,
            market: MARKET,
            side: line.side,
            kind: OrderKind::Limit {
                price: Price(line.price),
                quantity: Quantity(line.quantity),
                time_in_force,
            },
            self_trade_prevention: SelfTradePrevention::ExpireTaker,
            client_order_id: ClientOrderId::NONE,
        };
        match line.operation {
            Operation::Place { immediate: false } => Command::PlaceOrder(place(TimeInForce::Gtc)),
            Operation::Place { immediate: true } => Command::PlaceOrder(place(TimeInForce::Ioc)),
            Operation::Cancel => Command::CancelOrder {
                account,
                market: MARKET,
                order,
            },
            Operation::Reduce => Command::ReduceOrder {
                account,
                market: MARKET,
                order,
                by: Quantity(line.quantity),
            },
            Operation::Move => Command::ReplaceOrder {
                order,
                place: place(TimeInForce::Gtc),
            },
        }
    }

    /// Buys have the even accounts, sells the odd ones.
    fn owner(&self, line: &Line) -> AccountId {
        let half = self.accounts / 2;
        let pair = match self.spread {
            Spread::Modulo => line.order % half,
            Spread::Uniform => Random::new(u64::from(line.order)).below(u64::from(half)) as u32,
        };
        account(pair * 2 + u32::from(line.side == Side::Sell))
    }
}
