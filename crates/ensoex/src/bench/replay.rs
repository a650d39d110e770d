//! `ensoex bench replay`: how fast an exchange is back after a restart. A log of generated flow is written to a temporary
//! folder, and then read, its chain checked, decoded and applied to an empty engine, again and again.

use super::api::TemporaryFolder;
use super::huge_pages;
use crate::arguments::BenchReplayArguments;
use anyhow::{Context, bail};
use ensoex_engine::{Command, Engine};
use ensoex_exchange::replay::{encode, replay};
use ensoex_log::{CommandLog, Opening, SqliteLog};
use ensoex_sim::bench::stage::{at, prelude};
use ensoex_sim::bench::{Spread, Stream};
use ensoex_sim::generate;
use ensoex_types::Sequence;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Accounts that share the flow.
const ACCOUNTS: u32 = 1_000;

/// What was measured.
#[derive(Debug, Serialize)]
struct ReplayReport {
    /// All in the log.
    commands: u64,
    batches: u64,
    events: u64,
    log_bytes: u64,
    huge_pages: bool,
    repetitions: u32,
    /// Median of the repetitions.
    commands_per_second: u64,
    ns_per_command: f64,
    /// The replayed engine's, the same as of an engine that got the commands directly.
    state_hash: String,
}

/// Measures and prints.
///
/// # Errors
/// When the log cannot be written or read, or a replay ends in another state.
pub async fn run(arguments: &BenchReplayArguments) -> anyhow::Result<()> {
    huge_pages::start_with_huge_pages();
    let folder = TemporaryFolder::new()?;
    let path = folder.path().join("log.db");
    let expected = write(&path, arguments).await.context("cannot write the log")?;
    let mut times = Vec::new();
    let mut replayed = None;
    for _ in 0..arguments.reps {
        let mut engine = Engine::new();
        let start = Instant::now();
        replayed = Some(replay(&path, &mut engine).await?);
        times.push(start.elapsed());
        if engine.state_hash() != expected {
            bail!("the replay ended in another state");
        }
    }
    let replayed = replayed.context("nothing was replayed")?;
    let time = median(times);
    let report = ReplayReport {
        commands: replayed.commands,
        batches: replayed.batches,
        events: replayed.events,
        log_bytes: std::fs::metadata(&path)?.len(),
        huge_pages: huge_pages::are_given(),
        repetitions: arguments.reps,
        commands_per_second: (replayed.commands as f64 / time.as_secs_f64()) as u64,
        ns_per_command: time.as_nanos() as f64 / replayed.commands.max(1) as f64,
        state_hash: hex::encode(expected),
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", text(&report));
    }
    Ok(())
}

/// Writes a log of generated flow; answers the state that it leads to.
async fn write(path: &Path, arguments: &BenchReplayArguments) -> anyhow::Result<[u8; 32]> {
    let lines = generate::xcore(1, arguments.commands as usize);
    let stream = Stream::learn(&lines, ACCOUNTS, Spread::Modulo)?;
    let commands: Vec<Command> = prelude(ACCOUNTS).chain(stream.commands()).collect();
    let mut log = SqliteLog::open(path, &Opening::default()).await?;
    let mut engine = Engine::new();
    let mut events = Vec::new();
    let mut sequence = 0;
    for batch in commands.chunks(arguments.batch as usize) {
        let stamped = at(sequence + 1);
        for command in batch {
            events.clear();
            sequence += 1;
            engine.apply(Sequence(sequence), stamped, command, &mut events);
        }
        log.append(stamped, u32::try_from(batch.len())?, encode(batch)?)
            .await?;
    }
    Ok(engine.state_hash())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn text(report: &ReplayReport) -> String {
    let rows = [
        ("commands in the log", report.commands.to_string()),
        ("batches", report.batches.to_string()),
        ("events", report.events.to_string()),
        ("size of the log", format!("{} bytes", report.log_bytes)),
        ("repetitions", report.repetitions.to_string()),
        (
            "replayed",
            format!(
                "{} commands a second, {:.1} ns each (median)",
                report.commands_per_second, report.ns_per_command
            ),
        ),
        ("huge pages", super::engine::pages(report.huge_pages).to_owned()),
        ("state hash", report.state_hash.clone()),
    ];
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("  {name:<28}{value}"))
        .collect();
    lines.join("\n")
}
