//! What is done with a fuzzer's bytes, and the replay of the corpus.
//!
//! [`model`] reads genes and asks whether the engine does what the reference model says; it finds wrong answers.
//! [`commands`] reads encoded commands, whatever they hold, and asks whether the engine stays sound; it finds input
//! that was never thought of. Knows no libFuzzer, so that an ordinary `cargo test` replays what libFuzzer kept.

use ensoex_engine::{Command, Engine};
use ensoex_sim::commands::{Decoder, Gene};
use ensoex_sim::compare::Pair;
use ensoex_types::{Sequence, Timestamp};

/// Most commands in one input.
pub const COMMANDS_MAX: usize = 256;
/// Between two looks at everything that can be asked.
const COMMANDS_PER_CHECK: usize = 64;
/// Between two looks at the invariants of an engine alone.
const COMMANDS_PER_INVARIANTS: usize = 4;
/// 1 January 2026, in microseconds.
const MORNING: u64 = 1_767_225_600_000_000;
/// What the byte before a command moves the clock by, for each one of it: 255 are a little more than a day.
const MICROSECONDS_A_STEP: u64 = 340_000_000;

/// Bytes of one gene.
const GENE_BYTES: usize = size_of::<Gene>();

/// Plays the genes in `data` to engine and reference model.
///
/// # Errors
/// Where they part, or a broken invariant.
pub fn model(data: &[u8]) -> Result<(), String> {
    let mut decoder = Decoder::default();
    let mut pair = Pair::prepared()?;
    for (number, bytes) in data.chunks_exact(GENE_BYTES).take(COMMANDS_MAX).enumerate() {
        let step = decoder.decode(&gene(bytes));
        decoder.observe(pair.step(&step)?);
        if number % COMMANDS_PER_CHECK == 0 {
            pair.check()
                .map_err(|broken| after(number, &step.command, &broken))?;
        }
    }
    pair.check()
}

/// Two bytes a number, the lower first; missing ones are 0.
fn gene(bytes: &[u8]) -> Gene {
    let mut gene = Gene::default();
    for (number, pair) in gene.iter_mut().zip(bytes.chunks_exact(2)) {
        *number = u16::from_le_bytes([pair[0], pair[1]]);
    }
    gene
}

/// Bytes that [`model`] reads as `genes`.
pub fn gene_bytes(genes: &[Gene]) -> Vec<u8> {
    genes
        .iter()
        .flatten()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// Plays the encoded commands in `data` to an engine with assets, markets and funded accounts. Before each command
/// stands a byte that moves the clock. The first that does not decode ends the run.
///
/// # Errors
/// A broken invariant, or a command without an answer.
pub fn commands(data: &[u8]) -> Result<(), String> {
    let mut engine = Engine::new();
    let mut events = Vec::new();
    let (mut sequence, mut at) = (0, MORNING);
    let mut apply = |engine: &mut Engine, command: &Command, step: u8| {
        sequence += 1;
        at += 1 + u64::from(step) * MICROSECONDS_A_STEP;
        events.clear();
        engine.apply(Sequence(sequence), Timestamp(at), command, &mut events);
        if events.is_empty() {
            return Err(format!("no answer to {command:?}"));
        }
        Ok(())
    };
    for command in Decoder::prelude() {
        apply(&mut engine, &command, 0)?;
    }
    let mut rest = data;
    for number in 0..COMMANDS_MAX {
        let Some((step, encoded)) = rest.split_first() else {
            break;
        };
        let Ok((command, left)) = postcard::take_from_bytes::<Command>(encoded) else {
            break;
        };
        rest = left;
        apply(&mut engine, &command, *step)?;
        if number % COMMANDS_PER_INVARIANTS == 0 {
            let context = |broken: String| after(number, &command, &broken);
            engine.check_invariants().map_err(context)?;
        }
    }
    engine.check_invariants()
}

/// Bytes that [`commands`] reads as these commands, each with its step of the clock.
pub fn command_bytes(commands: &[(u8, Command)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (step, command) in commands {
        bytes.push(*step);
        bytes.extend(postcard::to_allocvec(command).unwrap_or_default());
    }
    bytes
}

fn after(number: usize, command: &Command, broken: &str) -> String {
    format!("after command {number} {command:?}: {broken}")
}

/// What libFuzzer understands as a finding.
///
/// # Panics
/// There is one.
pub fn or_panic(result: Result<(), String>) {
    if let Err(finding) = result {
        panic!("{finding}");
    }
}

#[cfg(test)]
mod corpus;
