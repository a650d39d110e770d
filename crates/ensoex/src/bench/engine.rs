//! `ensoex bench engine`: a stream of commands through the full engine with balances.

use crate::arguments::BenchEngineArguments;
use anyhow::Context;
use ensoex_sim::bench::{EngineReport, run_engine};

/// Measures and prints.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn run(arguments: &BenchEngineArguments) -> anyhow::Result<()> {
    let report = run_engine(&arguments.file, arguments.accounts, arguments.reps)
        .with_context(|| format!("cannot run {}", arguments.file.display()))?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", text(&report));
    }
    Ok(())
}

fn text(report: &EngineReport) -> String {
    let rows = [
        ("commands", report.commands.to_string()),
        ("trades", report.trades.to_string()),
        ("volume in lots", report.volume.to_string()),
        ("orders resting at the end", report.resting_orders.to_string()),
        ("accounts", report.accounts.to_string()),
        ("repetitions", report.repetitions.to_string()),
        (
            "time per command",
            format!("{:.1} ns (median)", report.ns_per_command),
        ),
        (
            "a book alone, naive",
            format!("{:.1} ns (median)", report.naive_book_ns_per_command),
        ),
        (
            "single commands",
            format!(
                "p50 {} ns, p99 {} ns, p99.9 {} ns",
                report.latency_ns_p50, report.latency_ns_p99, report.latency_ns_p999
            ),
        ),
        ("state hash", report.state_hash.clone()),
    ];
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("  {name:<28}{value}"))
        .collect();
    lines.join("\n")
}
