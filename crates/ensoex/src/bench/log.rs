//! `ensoex bench log`: durable commands a second by size of batch, beside a plain append and sync of the same bytes to a file
//! on the same disk, in the same run.
//!
//! Plain file and logs take turns, round after round; the median of the rounds counts. All start with one thread that
//! waits for each batch to be durable before it sends the next.

use super::api::TemporaryFolder;
use crate::log::scratch;
use anyhow::Context;
use clap::Args;
use ensoex_exchange::replay::encode;
use ensoex_log::{AnyLog, CommandLog, LogAddress, Opening, Safeguard};
use ensoex_sim::bench::{Spread, Stream};
use ensoex_sim::generate;
use ensoex_types::Timestamp;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const ACCOUNTS: u32 = 1_000;
/// Commands that the batches are cut from.
const FLOW: usize = 20_000;
/// Appends before anything is measured: SQLite's write-ahead log has then grown to its size and is written over, as it is in
/// an exchange that has run for a while.
const WARM_UP: u64 = 1_000;
const BATCHES: [usize; 4] = [1, 16, 256, 1_024];

/// `ensoex bench log`
#[derive(Args)]
pub struct BenchLogArguments {
    /// A PostgreSQL server to measure too, in a schema of its own that is removed afterwards; may be given again
    #[arg(long)]
    pub url: Vec<LogAddress>,
    /// Safeguards of PostgreSQL that may be absent, by the names of its settings
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_unsafe: Vec<Safeguard>,
    /// Folder on the disk to measure [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Milliseconds of each measurement
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub millis: u64,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// One size of batch on one log.
#[derive(Debug, Serialize)]
struct Measured {
    log: String,
    batch: usize,
    bytes: usize,
    commands_per_second: u64,
    /// Of the plain file's commands a second.
    ratio: f64,
    p50_us: u64,
    p99_us: u64,
}

/// What is written to.
enum Target {
    File(File),
    Log(AnyLog, u64),
}

impl Target {
    async fn append(&mut self, count: u32, data: &[u8]) -> anyhow::Result<()> {
        match self {
            Target::File(file) => {
                file.write_all(data)?;
                file.sync_data()?;
            }
            Target::Log(log, at) => {
                *at += 1;
                log.append(Timestamp(*at), count, data.to_vec()).await?;
            }
        }
        Ok(())
    }
}

/// Measures and prints.
///
/// # Errors
/// When something cannot be written.
pub async fn run(arguments: &BenchLogArguments) -> anyhow::Result<()> {
    let folder = match &arguments.dir {
        Some(directory) => TemporaryFolder::inside(directory)?,
        None => TemporaryFolder::new()?,
    };
    let opening = Opening {
        unsafe_allowed: arguments.allow_unsafe.clone(),
        ..Opening::default()
    };
    let file = File::create(folder.path().join("plain"))?;
    let mut targets = vec![("plain file".to_owned(), Target::File(file))];
    let sqlite = LogAddress::Sqlite(folder.path().join("log.db"));
    targets.push((
        "SQLite".to_owned(),
        Target::Log(AnyLog::open(&sqlite, &opening).await?, 0),
    ));
    let mut scratches = Vec::new();
    for address in &arguments.url {
        let (address, _) = scratch(address, None)?;
        let log = AnyLog::open(&address, &opening).await?;
        let name = match log.keeps_second_copy() {
            true => "PostgreSQL with a synchronous standby",
            false => "PostgreSQL alone",
        };
        targets.push((name.to_owned(), Target::Log(log, 0)));
        scratches.push(address);
    }
    let measured = measure(&mut targets, arguments).await?;
    drop(targets);
    for address in &scratches {
        ensoex_log::remove_schema(address, &opening).await?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print(&measured);
    }
    Ok(())
}

async fn measure(
    targets: &mut [(String, Target)],
    arguments: &BenchLogArguments,
) -> anyhow::Result<Vec<Measured>> {
    let lines = generate::xcore(1, FLOW);
    let stream = Stream::learn(&lines, ACCOUNTS, Spread::Modulo)?;
    let commands: Vec<_> = stream.commands().collect();
    let command = encode(&commands[..1]).context("cannot encode the flow")?;
    for (_, target) in targets.iter_mut() {
        for _ in 0..WARM_UP {
            target.append(1, &command).await?;
        }
    }
    let mut all = Vec::new();
    for batch in BATCHES {
        let batches: Vec<Vec<u8>> = commands
            .chunks_exact(batch)
            .map(encode)
            .collect::<Result<_, _>>()
            .context("cannot encode the flow")?;
        let bytes = batches.iter().map(Vec::len).sum::<usize>() / batches.len().max(1);
        let mut rounds: Vec<Vec<Vec<Duration>>> = targets.iter().map(|_| Vec::new()).collect();
        for _ in 0..arguments.rounds {
            for ((_, target), rounds) in targets.iter_mut().zip(&mut rounds) {
                rounds.push(one_round(target, batch, &batches, arguments.millis).await?);
            }
        }
        let mut plain = 0.0;
        for ((name, _), rounds) in targets.iter().zip(rounds) {
            let mut speeds: Vec<f64> = rounds.iter().map(|times| speed(times, batch)).collect();
            let commands_per_second = median(&mut speeds);
            if plain == 0.0 {
                plain = commands_per_second;
            }
            let mut times: Vec<Duration> = rounds.concat();
            times.sort_unstable();
            let percentile = |share: f64| {
                let place = (times.len() as f64 * share) as usize;
                times.get(place).map_or(0, |time| time.as_micros() as u64)
            };
            all.push(Measured {
                log: name.clone(),
                batch,
                bytes,
                commands_per_second: commands_per_second as u64,
                ratio: commands_per_second / plain,
                p50_us: percentile(0.5),
                p99_us: percentile(0.99),
            });
        }
    }
    Ok(all)
}

/// How long each append took.
async fn one_round(
    target: &mut Target,
    batch: usize,
    batches: &[Vec<u8>],
    millis: u64,
) -> anyhow::Result<Vec<Duration>> {
    let count = u32::try_from(batch)?;
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_millis(millis);
    for data in batches.iter().cycle() {
        let start = Instant::now();
        if start >= end {
            break;
        }
        target.append(count, data).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

fn speed(times: &[Duration], batch: usize) -> f64 {
    let total: Duration = times.iter().sum();
    (times.len() * batch) as f64 / total.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn median(speeds: &mut [f64]) -> f64 {
    speeds.sort_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied().unwrap_or_default()
}

fn print(measured: &[Measured]) {
    say!(
        "  {:<40}{:>7}{:>9}{:>14}{:>8}{:>9}{:>9}",
        "log",
        "batch",
        "bytes",
        "commands/s",
        "ratio",
        "p50 µs",
        "p99 µs"
    );
    for one in measured {
        say!(
            "  {:<40}{:>7}{:>9}{:>14}{:>8.2}{:>9}{:>9}",
            one.log,
            one.batch,
            one.bytes,
            one.commands_per_second,
            one.ratio,
            one.p50_us,
            one.p99_us
        );
    }
}
