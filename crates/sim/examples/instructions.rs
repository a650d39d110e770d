//! What `.ci/instructions` counts under callgrind: one pass of a small generated flow, inside [`counted_pass`] alone.
//!
//! `instructions FLOW [control|ACCOUNTS]`; FLOW is `xcore`, `deep` or an order flow file. Prints the number of commands. With `control`
//! every command is followed by a question for its market's depth: the count must then be found out of bounds. With a number of accounts
//! each order hits any of them, and commands are looked ahead at: for `--cache-sim=yes`.

use ensoex_engine::{Command, Engine, Side};
use ensoex_sim::bench::stage::{MARKET, Stage, at};
use ensoex_sim::bench::{Spread, Stream, read};
use ensoex_sim::generate;
use ensoex_types::Sequence;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;

/// Accounts that share the flow.
const ACCOUNTS: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let lines = match arguments.next().as_deref() {
        Some("xcore") => generate::xcore(1, 100_000),
        Some("deep") => generate::deep(1, 50_000, 100_000),
        Some(file) => read(Path::new(file))?,
        None => return Err("instructions xcore|deep|FILE [control]".into()),
    };
    let (control, accounts) = match arguments.next().as_deref() {
        Some("control") => (true, None),
        Some(number) => (false, Some(number.parse()?)),
        None => (false, None),
    };
    let spread = accounts.map_or(Spread::Modulo, |_| Spread::Uniform);
    let accounts = accounts.unwrap_or(ACCOUNTS);
    let stream = Stream::learn(&lines, accounts, spread)?;
    let commands: Vec<Command> = stream.commands().collect();
    let mut stage = Stage::new(accounts);
    let (engine, first) = (&mut stage.engine, stage.sequence);
    match spread {
        Spread::Modulo => counted_pass(engine, first, &commands, control),
        Spread::Uniform => counted_pass_ahead(engine, first, &commands),
    }
    if stage.engine.state_hash() != stream.state_hash {
        return Err("the counted pass ended in another state".into());
    }
    println!("{}", commands.len());
    Ok(())
}

/// Callgrind counts between entering and leaving this function.
#[inline(never)]
fn counted_pass(engine: &mut Engine, first: u64, commands: &[Command], control: bool) {
    let mut events = Vec::with_capacity(4_096);
    for (command, sequence) in commands.iter().zip(first + 1..) {
        events.clear();
        engine.apply(Sequence(sequence), at(sequence), command, &mut events);
        black_box(&events);
        if control {
            black_box(engine.depth(MARKET, Side::Buy, 10));
        }
    }
}

/// The same, looking ahead.
#[inline(never)]
fn counted_pass_ahead(engine: &mut Engine, first: u64, commands: &[Command]) {
    let mut events = Vec::with_capacity(4_096);
    let mut sequence = first;
    engine.apply_ahead(commands, |engine, command| {
        events.clear();
        sequence += 1;
        engine.apply(Sequence(sequence), at(sequence), command, &mut events);
        black_box(&events);
    });
}
