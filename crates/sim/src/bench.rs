//! How long the whole engine takes a command, on given order flow, with balances, holds, fees and events.
//!
//! **Accounts.** Order flow names no owners. Order `id` belongs to account `id mod N`, made even for buys and odd for
//! sells: so N accounts share the flow as evenly as plain `id mod N` would, and no maker ever has the
//! taker's account, because they stand on different sides. The expected outcome of real flow knows no self-trade
//! prevention; this keeps it exact while the engine's check runs on every trade.
//!
//! **What is timed.** Commands are built beforehand with the engine's own order ids, learnt in an untimed run. Each
//! repetition has a fresh engine with funded accounts and times one pass over all commands, events written
//! into one reused buffer. The median of the repetitions counts, and all must end in the same state. A naive book
//! (no accounts at all) is timed over the same lines in the same run as a yardstick. A last, separate pass times each
//! command alone for the percentiles; the clock's own cost is in them.

use crate::naive_book::NaiveBook;
use crate::workload::{self, Line, NUMBER_MAX, Operation, WorkloadError};
use ensoex_engine::{
    Command, Engine, Event, OrderKind, OrderRef, PlaceOrder, Side, TimeInForce, Transfer, TransferCode,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, MarketId, MarketSpec, OrderId, Price, Quantity, Sequence,
    Timestamp, TransferId,
};
use serde::Serialize;
use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

/// Most accounts.
pub const ACCOUNTS_MAX: u32 = 10_000_000;
/// Most repetitions.
pub const REPETITIONS_MAX: u32 = 1_000;

const MARKET: MarketId = MarketId(0);
const FUNDS: Amount = Amount(1 << 84);

/// What a benchmark found. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineReport {
    /// Commands in the stream.
    pub commands: u64,
    /// Trades.
    pub trades: u64,
    /// Lots traded.
    pub volume: u64,
    /// Orders in the book at the end.
    pub resting_orders: u64,
    /// Time a command, median of the repetitions.
    pub ns_per_command: f64,
    /// SHA-256 of the engine's state at the end, in hex.
    pub state_hash: String,
    /// Time a command of the naive book over the same lines, median of the repetitions.
    pub naive_book_ns_per_command: f64,
    /// Accounts that share the flow.
    pub accounts: u32,
    /// Repetitions.
    pub repetitions: u32,
    /// Time of a single command, clock included: half of them take at most this.
    pub latency_ns_p50: u64,
    /// The same for 99 of 100.
    pub latency_ns_p99: u64,
    /// The same for 999 of 1,000.
    pub latency_ns_p999: u64,
}

/// Runs the stream in the file at `path`.
///
/// # Errors
/// See [`WorkloadError`].
pub fn run_engine(path: &Path, accounts: u32, repetitions: u32) -> Result<EngineReport, WorkloadError> {
    let file = File::open(path).map_err(WorkloadError::Read)?;
    let lines = workload::parse(BufReader::new(file))?;
    run_lines(&lines, accounts, repetitions)
}

/// Runs a stream.
///
/// # Errors
/// See [`WorkloadError`].
pub fn run_lines(lines: &[Line], accounts: u32, repetitions: u32) -> Result<EngineReport, WorkloadError> {
    if !(2..=ACCOUNTS_MAX).contains(&accounts) {
        return Err(WorkloadError::Accounts { max: ACCOUNTS_MAX });
    }
    if !(1..=REPETITIONS_MAX).contains(&repetitions) {
        return Err(WorkloadError::Repetitions { max: REPETITIONS_MAX });
    }
    if lines.is_empty() {
        return Err(WorkloadError::Empty);
    }
    let learnt = learn(lines, accounts)?;
    let mut engine_ns = Vec::new();
    let mut naive_ns = Vec::new();
    for _ in 0..repetitions {
        let (ns, state_hash) = time_engine(&learnt.commands, accounts);
        if state_hash != learnt.state_hash {
            return Err(WorkloadError::NotDeterministic);
        }
        engine_ns.push(ns);
        let (ns, book) = time_naive(lines);
        if (book.trades, book.volume) != (learnt.trades, learnt.volume) {
            return Err(WorkloadError::BookDiffers);
        }
        naive_ns.push(ns);
    }
    let latencies = latencies(&learnt.commands, accounts);
    Ok(EngineReport {
        commands: lines.len() as u64,
        trades: learnt.trades,
        volume: learnt.volume,
        resting_orders: learnt.resting_orders,
        ns_per_command: median(engine_ns) / lines.len() as f64,
        state_hash: hex::encode(learnt.state_hash),
        naive_book_ns_per_command: median(naive_ns) / lines.len() as f64,
        accounts,
        repetitions,
        latency_ns_p50: percentile(&latencies, 500),
        latency_ns_p99: percentile(&latencies, 990),
        latency_ns_p999: percentile(&latencies, 999),
    })
}

/// What the untimed run found.
struct Learnt {
    commands: Vec<Command>,
    trades: u64,
    volume: u64,
    resting_orders: u64,
    state_hash: [u8; 32],
}

/// Translates the lines into commands, following the engine's order ids.
fn learn(lines: &[Line], accounts: u32) -> Result<Learnt, WorkloadError> {
    let (mut engine, mut sequence) = prepared(accounts);
    let mut events = Vec::new();
    let mut ids: Vec<(OrderId, Side)> = vec![(OrderId(0), Side::Buy)];
    let mut commands = Vec::with_capacity(lines.len());
    let (mut trades, mut volume) = (0, 0);
    for (line, number) in lines.iter().zip(1..) {
        let index = line.order as usize;
        if index >= ids.len() {
            ids.resize(index + 1, (OrderId(0), line.side));
        }
        let (order, side) = ids[index];
        if side != line.side {
            return Err(WorkloadError::SideChanged { line: number });
        }
        let command = translate(line, order, accounts);
        events.clear();
        sequence += 1;
        engine.apply(Sequence(sequence), Timestamp(sequence), &command, &mut events);
        for event in &events {
            match event {
                Event::OrderAccepted { order, .. } => ids[index].0 = *order,
                Event::Trade(trade) => {
                    trades += 1;
                    volume += trade.quantity.0;
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
        commands.push(command);
    }
    Ok(Learnt {
        commands,
        trades,
        volume,
        resting_orders: engine.resting_orders(MARKET) as u64,
        state_hash: engine.state_hash(),
    })
}

/// The command that a line means, for the order that the engine knows as `order`.
fn translate(line: &Line, order: OrderId, accounts: u32) -> Command {
    let account = owner(line.order, line.side, accounts);
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
        client_order_id: String::new(),
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

/// See the module's doc.
fn owner(order: u32, side: Side, accounts: u32) -> AccountId {
    let pair = order % (accounts / 2);
    let odd = u32::from(side == Side::Sell);
    AccountId(AccountId::FIRST_USER.0 + pair * 2 + odd)
}

/// An engine with one market and funded accounts, and the sequence of its last command.
fn prepared(accounts: u32) -> (Engine, u64) {
    let mut engine = Engine::new();
    let mut sequence = 0;
    let mut events = Vec::new();
    let mut apply = |command: Command| {
        sequence += 1;
        events.clear();
        engine.apply(Sequence(sequence), Timestamp(sequence), &command, &mut events);
    };
    for (asset, code) in (0..).zip(["BASE", "QUOTE"]) {
        let spec = AssetSpec {
            code: code.into(),
            scale: 8,
        };
        apply(Command::ListAsset {
            asset: AssetId(asset),
            spec,
        });
    }
    apply(Command::ListMarket {
        market: MARKET,
        spec: market(),
    });
    for account in 0..accounts {
        let id = AccountId(AccountId::FIRST_USER.0 + account);
        apply(Command::OpenAccount { account: id });
        for asset in 0..2 {
            apply(Command::Transfer(Transfer {
                transfer: TransferId(u128::from(account) * 2 + u128::from(asset)),
                debit: AccountId::OPERATOR_CAPITAL,
                credit: id,
                asset: AssetId(asset),
                amount: FUNDS,
                code: TransferCode::Capital,
            }));
        }
    }
    (engine, sequence)
}

fn market() -> MarketSpec {
    MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: AssetId(0),
        quote: AssetId(1),
        lot_size: 10,
        tick_value: 10,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(NUMBER_MAX),
        quantity_min: Quantity(1),
        quantity_max: Quantity(NUMBER_MAX),
        notional_min: Amount(1),
        notional_max: Amount(1 << 120),
        orders_per_account_max: u32::MAX,
        maker_fee: FeeRate(1_000),
        taker_fee: FeeRate(1_500),
    }
}

/// One timed pass; returns nanoseconds and the state at the end.
fn time_engine(commands: &[Command], accounts: u32) -> (u64, [u8; 32]) {
    let (mut engine, first) = prepared(accounts);
    let mut events = Vec::with_capacity(4_096);
    let start = Instant::now();
    for (command, sequence) in commands.iter().zip(first + 1..) {
        events.clear();
        engine.apply(Sequence(sequence), Timestamp(sequence), command, &mut events);
        black_box(&events);
    }
    (nanoseconds(start), engine.state_hash())
}

fn time_naive(lines: &[Line]) -> (u64, NaiveBook) {
    let mut book = NaiveBook::default();
    let mut filled = Vec::with_capacity(4_096);
    let start = Instant::now();
    for line in lines {
        filled.clear();
        book.apply(line, &mut filled);
        black_box(&filled);
    }
    (nanoseconds(start), book)
}

/// Time of every single command, ascending.
fn latencies(commands: &[Command], accounts: u32) -> Vec<u64> {
    let (mut engine, first) = prepared(accounts);
    let mut events = Vec::with_capacity(4_096);
    let mut latencies = Vec::with_capacity(commands.len());
    for (command, sequence) in commands.iter().zip(first + 1..) {
        events.clear();
        let start = Instant::now();
        engine.apply(Sequence(sequence), Timestamp(sequence), command, &mut events);
        latencies.push(nanoseconds(start));
    }
    latencies.sort_unstable();
    latencies
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    if times.len() % 2 == 1 {
        times[middle] as f64
    } else {
        (times[middle - 1] + times[middle]) as f64 / 2.0
    }
}

/// The least of the ascending `times` that `per_mille` of them do not exceed.
fn percentile(times: &[u64], per_mille: usize) -> u64 {
    let rank = (times.len() * per_mille).div_ceil(1_000).max(1) - 1;
    times.get(rank).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn generated_flow_ends_as_the_naive_book_says() {
        for lines in [generate::xcore(7, 20_000), generate::deep(7, 5_000, 10_000)] {
            let report = run_lines(&lines, 100, 1).expect("the flow is valid");
            let (_, book) = time_naive(&lines);
            assert_eq!(report.trades, book.trades);
            assert_eq!(report.resting_orders, book.resting_orders() as u64);
            assert!(report.trades > 0);
        }
    }

    #[test]
    fn a_stream_that_names_a_closed_order_is_refused_by_line() {
        let text = "P,1,S,100,5,G\nC,1,S,0,0,-\nC,1,S,0,0,-\n";
        let lines = workload::parse(text.as_bytes()).expect("well formed");
        let refused = run_lines(&lines, 2, 1);
        assert!(
            matches!(refused, Err(WorkloadError::Refused { line: 3, .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn limits_and_changed_sides_are_refused() {
        let lines = workload::parse("P,1,S,100,5,G\nM,1,B,90,5,-\n".as_bytes()).expect("well formed");
        assert!(matches!(
            run_lines(&lines, 2, 1),
            Err(WorkloadError::SideChanged { line: 2 })
        ));
        assert!(matches!(
            run_lines(&lines, 1, 1),
            Err(WorkloadError::Accounts { .. })
        ));
        assert!(matches!(
            run_lines(&lines, 2, 0),
            Err(WorkloadError::Repetitions { .. })
        ));
    }

    #[test]
    fn percentiles_are_ranks() {
        let times: Vec<u64> = (1..=1_000).collect();
        assert_eq!(percentile(&times, 500), 500);
        assert_eq!(percentile(&times, 999), 999);
        assert_eq!(percentile(&[5], 999), 5);
        assert_eq!(percentile(&[], 999), 0);
    }
}
