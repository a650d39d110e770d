//! `ensoex bench path`: commands through the whole of an exchange — submitted, durable, applied, answered — beside the log
//! alone in the same run.
//!
//! Everything is on: fees, holds, a price band, events, market data, the acknowledged mark, projections behind. Each submitter
//! waits for its answer before it submits again, so the time of an answer includes its wait in the queue.

use super::api::TemporaryFolder;
use super::latency::Measured;
use crate::arguments::BenchPathArguments;
use crate::threads;
use anyhow::{Context, bail};
use ensoex_engine::{Command, OrderKind, PlaceOrder, SelfTradePrevention, Side, TimeInForce};
use ensoex_exchange::{Exchange, ExchangeConfig, replay};
use ensoex_log::{CommandLog as _, Opening, SqliteLog};
use ensoex_sim::bench::stage::{MARKET, account, prelude};
use ensoex_types::{ClientOrderId, Price, Quantity, Timestamp};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Prices that orders are spread over, in ticks, from here on.
const PRICE: u64 = 10_000;
const PRICES: u64 = 8;

/// What was measured.
#[derive(Debug, Serialize)]
struct PathReport {
    submitters: u32,
    /// Through the exchange.
    path: Measured,
    /// Commands in a batch, on average.
    commands_per_batch: u64,
    /// The log alone, with batches of the same size, commands a second.
    log_per_second: u64,
    /// `path` by the log alone.
    share_of_log: f64,
    /// The log replayed into an empty engine, commands a second.
    replay_per_second: u64,
}

/// Measures and prints.
///
/// # Errors
/// When the exchange cannot be opened, refuses what it should take, or a replay gives another state.
pub async fn run(arguments: &BenchPathArguments) -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let report = measure(folder.path(), arguments).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", text(&report));
    }
    Ok(())
}

async fn measure(folder: &Path, arguments: &BenchPathArguments) -> anyhow::Result<PathReport> {
    let length = Duration::from_secs(arguments.seconds);
    let config = ExchangeConfig {
        background: Some(threads::background()?),
        sequencing: Some(threads::sequencing()?),
        ..ExchangeConfig::new(&folder.join("exchange"))
    };
    let exchange = Exchange::start(config).await?;
    let first: Vec<Command> = prelude(arguments.submitters).collect();
    for commands in first.chunks(1_024) {
        exchange
            .submit_all(commands.to_vec())
            .await
            .context("cannot open the accounts")?;
    }
    let began = Instant::now();
    let submitting: Vec<_> = (0..arguments.submitters)
        .map(|number| tokio::spawn(submit(exchange.clone(), number, began + length)))
        .collect();
    let mut times_us = Vec::new();
    for one in submitting {
        times_us.extend(one.await??);
    }
    let path = Measured::from_times(times_us, began.elapsed());
    let state_hash = exchange.read(|engine| engine.state_hash());
    exchange.close().await;
    let mut engine = ensoex_engine::Engine::new();
    let replaying = Instant::now();
    let replayed = replay::replay(&folder.join("exchange/log.db"), &mut engine).await?;
    let replay_per_second = per_second(replayed.commands, replaying.elapsed());
    if engine.state_hash() != state_hash {
        bail!("the replay ended in another state");
    }
    let commands_per_batch = (replayed.commands / replayed.batches.max(1)).max(1);
    let log_per_second = log_alone(&folder.join("alone.db"), commands_per_batch, length).await?;
    Ok(PathReport {
        submitters: arguments.submitters,
        share_of_log: path.per_second as f64 / log_per_second.max(1) as f64,
        path,
        commands_per_batch,
        log_per_second,
        replay_per_second,
    })
}

/// One after the other until the time has come; how long each answer took, in microseconds.
async fn submit(exchange: Exchange, number: u32, until: Instant) -> anyhow::Result<Vec<u64>> {
    let mut times_us = Vec::new();
    let mut now = Instant::now();
    while now < until {
        let outcome = exchange.submit(order(number, times_us.len() as u64)).await?;
        if let Some(reject) = outcome.reject() {
            bail!("an order was refused: {reject:?}");
        }
        let answered = Instant::now();
        times_us.push(u64::try_from((answered - now).as_micros()).unwrap_or(u64::MAX));
        now = answered;
    }
    Ok(times_us)
}

/// Sells and purchases by turns that mostly meet what others have left; what does not meet anything is not kept.
fn order(number: u32, count: u64) -> Command {
    let side = match (u64::from(number) + count).is_multiple_of(2) {
        true => Side::Buy,
        false => Side::Sell,
    };
    let time_in_force = match count.is_multiple_of(4) {
        true => TimeInForce::Gtc,
        false => TimeInForce::Ioc,
    };
    Command::PlaceOrder(PlaceOrder {
        account: account(number),
        market: MARKET,
        side,
        kind: OrderKind::Limit {
            price: Price(PRICE + (u64::from(number) + count) % PRICES),
            quantity: Quantity(100),
            time_in_force,
        },
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::default(),
    })
}

async fn log_alone(path: &Path, batch: u64, length: Duration) -> anyhow::Result<u64> {
    let mut log = SqliteLog::open(path, &Opening::default()).await?;
    let commands: Vec<Command> = (0..batch).map(|count| order(0, count)).collect();
    let data = replay::encode(&commands)?;
    let count = u32::try_from(batch)?;
    let began = Instant::now();
    let mut appended = 0;
    while began.elapsed() < length {
        appended += batch;
        log.append(Timestamp(appended), count, data.clone()).await?;
    }
    Ok(per_second(appended, began.elapsed()))
}

fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64()) as u64
}

fn text(report: &PathReport) -> String {
    let rows = [
        ("submitters", report.submitters.to_string()),
        (
            "answered",
            format!("{} commands a second", report.path.per_second),
        ),
        ("half within", format!("{} µs", report.path.p50_us)),
        ("99 of 100 within", format!("{} µs", report.path.p99_us)),
        ("commands in a batch", report.commands_per_batch.to_string()),
        (
            "the log alone",
            format!("{} commands a second", report.log_per_second),
        ),
        ("share of it", format!("{:.2}", report.share_of_log)),
        (
            "replayed",
            format!("{} commands a second", report.replay_per_second),
        ),
    ];
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("  {name:<24}{value}"))
        .collect();
    lines.join("\n")
}
