//! How long the whole engine takes a command, on given order flow, with everything on: balances, holds, fees by tier,
//! a price band, the self-trade check and events.
//!
//! **Accounts.** Order flow names no owners. Buys belong to even accounts and sells to odd ones, so no maker
//! ever has the taker's account: the expected outcome of real flow knows no self-trade prevention, and this keeps
//! it exact while the engine's check runs on every trade. [`Spread`] says which account of its half an order gets.
//!
//! **What is timed.** The engine's own order ids are learnt in an untimed run. Each repetition has a fresh engine with
//! funded accounts; blocks of [`BLOCK`] commands are built untimed, as a decoder would hand them over, and the
//! time of applying each block is added up, events written into one reused buffer. The median of the
//! repetitions counts, and all must end in the same state. A naive book (no accounts at all) is timed over the same
//! lines, turn by turn with the engine, as a yardstick. Further passes time each command alone for the percentiles;
//! the clock's own cost is in them and is said beside them.

pub mod memory;
pub mod stage;
mod statistics;
mod stream;

use crate::naive_book::NaiveBook;
use crate::workload::{self, Line, WorkloadError};
use ensoex_types::Sequence;
use serde::Serialize;
use stage::{Stage, at};
use statistics::{median, percentile};
use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;
pub use stream::Stream;

/// Most accounts.
pub const ACCOUNTS_MAX: u32 = 10_000_000;
/// Most repetitions.
pub const REPETITIONS_MAX: u32 = 1_000;
/// Commands that are built, and then timed, together.
pub const BLOCK: usize = 256;
/// Most passes that time each command alone.
const LATENCY_PASSES_MAX: u32 = 5;

/// How a flow's orders are spread over the accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Order number modulo accounts: neighbours in time are neighbours in memory.
    #[default]
    Modulo,
    /// By a hash of the order number: each order hits any account.
    Uniform,
}

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
    /// The naive book's time over the engine's: above 1 the engine is the faster, though it does more.
    pub naive_book_ratio: f64,
    /// Accounts that share the flow.
    pub accounts: u32,
    /// How they share it.
    pub spread: Spread,
    /// Repetitions.
    pub repetitions: u32,
    /// Time of a single command, clock included: half of them take at most this.
    pub latency_ns_p50: u64,
    /// The same for 99 of 100.
    pub latency_ns_p99: u64,
    /// The same for 999 of 1,000.
    pub latency_ns_p999: u64,
    /// What the clock shows when nothing is timed: it is in each of the three.
    pub clock_ns: u64,
}

/// Reads the stream in the file at `path`.
///
/// # Errors
/// See [`WorkloadError`].
pub fn read(path: &Path) -> Result<Vec<Line>, WorkloadError> {
    let file = File::open(path).map_err(WorkloadError::Read)?;
    workload::parse(BufReader::new(file))
}

/// Runs a stream.
///
/// # Errors
/// See [`WorkloadError`].
pub fn run_lines(
    lines: &[Line],
    accounts: u32,
    spread: Spread,
    repetitions: u32,
) -> Result<EngineReport, WorkloadError> {
    if !(1..=REPETITIONS_MAX).contains(&repetitions) {
        return Err(WorkloadError::Repetitions { max: REPETITIONS_MAX });
    }
    let stream = Stream::learn(lines, accounts, spread)?;
    let mut engine_ns = Vec::new();
    let mut naive_ns = Vec::new();
    for _ in 0..repetitions {
        let (ns, state_hash) = time_engine(&stream, accounts);
        if state_hash != stream.state_hash {
            return Err(WorkloadError::NotDeterministic);
        }
        engine_ns.push(ns);
        let (ns, book) = time_naive(lines);
        if (book.trades, book.volume) != (stream.trades, stream.volume) {
            return Err(WorkloadError::BookDiffers);
        }
        naive_ns.push(ns);
    }
    let (engine_ns, naive_ns) = (median(engine_ns), median(naive_ns));
    let [p50, p99, p999] = latencies(&stream, accounts, repetitions.min(LATENCY_PASSES_MAX));
    Ok(EngineReport {
        commands: lines.len() as u64,
        trades: stream.trades,
        volume: stream.volume,
        resting_orders: stream.resting_orders,
        ns_per_command: engine_ns / lines.len() as f64,
        state_hash: hex::encode(stream.state_hash),
        naive_book_ns_per_command: naive_ns / lines.len() as f64,
        naive_book_ratio: naive_ns / engine_ns,
        accounts,
        spread,
        repetitions,
        latency_ns_p50: p50,
        latency_ns_p99: p99,
        latency_ns_p999: p999,
        clock_ns: clock_ns(),
    })
}

/// One timed pass; returns nanoseconds and the state at the end.
fn time_engine(stream: &Stream<'_>, accounts: u32) -> (u64, [u8; 32]) {
    let Stage {
        mut engine,
        mut sequence,
    } = Stage::new(accounts);
    let mut events = Vec::with_capacity(4_096);
    let mut total = 0;
    for block in stream.blocks(BLOCK) {
        let start = Instant::now();
        engine.apply_ahead(&block, |engine, command| {
            events.clear();
            sequence += 1;
            engine.apply(Sequence(sequence), at(sequence), command, &mut events);
            black_box(&events);
        });
        total += nanoseconds(start);
    }
    (total, engine.state_hash())
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

/// Percentiles 50, 99 and 99.9 of the time of every single command; of each the median over the passes.
fn latencies(stream: &Stream<'_>, accounts: u32, passes: u32) -> [u64; 3] {
    let mut found = [const { Vec::new() }; 3];
    // Written once already, so that the first touch of its pages is not measured.
    let mut times = vec![1; stream.len()];
    for _ in 0..passes {
        time_each(stream, accounts, &mut times);
        times.sort_unstable();
        for (found, per_mille) in found.iter_mut().zip([500, 990, 999]) {
            found.push(percentile(&times, per_mille));
        }
    }
    found.map(|times| median(times) as u64)
}

fn time_each(stream: &Stream<'_>, accounts: u32, times: &mut [u64]) {
    let Stage {
        mut engine,
        mut sequence,
    } = Stage::new(accounts);
    let mut events = Vec::with_capacity(4_096);
    let mut times = times.iter_mut();
    for block in stream.blocks(BLOCK) {
        for (command, time) in block.iter().zip(&mut times) {
            events.clear();
            sequence += 1;
            let start = Instant::now();
            engine.apply(Sequence(sequence), at(sequence), command, &mut events);
            *time = nanoseconds(start);
            black_box(&events);
        }
    }
}

/// What two readings of the clock in a row differ by; the median of many.
fn clock_ns() -> u64 {
    let differences = (0..10_001).map(|_| nanoseconds(Instant::now())).collect();
    median(differences) as u64
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn generated_flow_ends_as_the_naive_book_says() {
        for lines in [generate::xcore(7, 20_000), generate::deep(7, 5_000, 10_000)] {
            let (_, book) = time_naive(&lines);
            for spread in [Spread::Modulo, Spread::Uniform] {
                let report = run_lines(&lines, 100, spread, 1).expect("the flow is valid");
                assert_eq!(report.trades, book.trades);
                assert_eq!(report.resting_orders, book.resting_orders() as u64);
                assert!(report.trades > 0);
                assert!(report.ns_per_command > 0.0 && report.latency_ns_p50 <= report.latency_ns_p999);
            }
        }
    }

    #[test]
    fn a_stream_that_names_a_closed_order_is_refused_by_line() {
        let text = "P,1,S,100,5,G\nC,1,S,0,0,-\nC,1,S,0,0,-\n";
        let lines = workload::parse(text.as_bytes()).expect("well formed");
        let refused = run_lines(&lines, 2, Spread::Modulo, 1);
        assert!(
            matches!(refused, Err(WorkloadError::Refused { line: 3, .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn limits_and_changed_sides_are_refused() {
        let lines = workload::parse("P,1,S,100,5,G\nM,1,B,90,5,-\n".as_bytes()).expect("well formed");
        let run = |accounts, repetitions| run_lines(&lines, accounts, Spread::Modulo, repetitions);
        assert!(matches!(run(2, 1), Err(WorkloadError::SideChanged { line: 2 })));
        assert!(matches!(run(1, 1), Err(WorkloadError::Accounts { .. })));
        assert!(matches!(run(2, 0), Err(WorkloadError::Repetitions { .. })));
    }
}
