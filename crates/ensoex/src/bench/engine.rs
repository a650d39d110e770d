//! `ensoex bench engine`: order flow through the full engine with balances, and what memory the engine takes.

use super::huge_pages;
use super::memory;
use crate::arguments::BenchEngineArguments;
use anyhow::Context;
use ensoex_sim::bench::memory::{BytesEach, MemoryReport};
use ensoex_sim::bench::{EngineReport, Spread, read, run_lines};
use ensoex_sim::generate;
use ensoex_sim::workload::{self, Line};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Accounts of the flow that hits each account as likely as any other.
const MANY_ACCOUNTS: u32 = 1_000_000;

/// One flow's figures.
#[derive(Debug, Serialize)]
struct Row {
    flow: String,
    /// The kernel gives huge pages.
    huge_pages: bool,
    #[serde(flatten)]
    report: EngineReport,
}

/// Everything.
#[derive(Debug, Serialize)]
struct Suite {
    flows: Vec<Row>,
    memory: MemoryReport,
}

/// Measures and prints.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn run(arguments: &BenchEngineArguments) -> anyhow::Result<()> {
    if let (Some(flow), Some(file)) = (&arguments.flow, &arguments.write_flow) {
        return write_flow(flow, file);
    }
    huge_pages::start_with_huge_pages();
    let one = arguments.file.as_deref().or(arguments.flow.as_deref());
    let Some(name) = one.filter(|_| !arguments.suite) else {
        return run_suite(arguments);
    };
    let spread = if arguments.uniform {
        Spread::Uniform
    } else {
        Spread::Modulo
    };
    let row = measure(name, &lines(name)?, arguments.accounts, spread, arguments.reps)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&row)?);
    } else {
        println!("{}", text(&row));
    }
    Ok(())
}

fn run_suite(arguments: &BenchEngineArguments) -> anyhow::Result<()> {
    let (accounts, reps) = (arguments.accounts, arguments.reps);
    let mut flows = Vec::new();
    let files = arguments.file.iter().chain(&arguments.flow);
    let mut names: Vec<&Path> = files.map(AsRef::as_ref).collect();
    for generated in ["xcore", "deep"].map(Path::new) {
        if !names.contains(&generated) {
            names.push(generated);
        }
    }
    for (position, name) in names.into_iter().enumerate() {
        let lines = lines(name)?;
        eprintln!("{} …", name.display());
        flows.push(measure(name, &lines, accounts, Spread::Modulo, reps)?);
        if position == 0 {
            flows.push(measure(name, &lines, MANY_ACCOUNTS, Spread::Uniform, reps)?);
        }
    }
    eprintln!("memory …");
    let memory = memory::measure()?;
    let suite = Suite { flows, memory };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&suite)?);
    } else {
        println!("{}", table(&suite));
    }
    Ok(())
}

/// The lines of a generated flow, or of a file.
fn lines(name: &Path) -> anyhow::Result<Vec<Line>> {
    match name.to_str() {
        Some("xcore") => Ok(generate::xcore(1, 1_000_000)),
        Some("deep") => Ok(generate::deep(1, 500_000, 1_000_000)),
        _ => read(name).with_context(|| format!("cannot run {}", name.display())),
    }
}

fn write_flow(flow: &Path, file: &Path) -> anyhow::Result<()> {
    let lines = lines(flow)?;
    let cannot_write = || format!("cannot write {}", file.display());
    let mut output = BufWriter::new(File::create(file).with_context(cannot_write)?);
    workload::write(&lines, &mut output).with_context(cannot_write)?;
    output.flush().with_context(cannot_write)
}

fn measure(name: &Path, lines: &[Line], accounts: u32, spread: Spread, reps: u32) -> anyhow::Result<Row> {
    let report =
        run_lines(lines, accounts, spread, reps).with_context(|| format!("cannot run {}", name.display()))?;
    let flow = name.file_stem().unwrap_or(name.as_os_str());
    Ok(Row {
        flow: flow.to_string_lossy().into_owned(),
        huge_pages: huge_pages::are_given(),
        report,
    })
}

fn spread_over(report: &EngineReport) -> String {
    match report.spread {
        Spread::Modulo => report.accounts.to_string(),
        Spread::Uniform => format!("{} at random", report.accounts),
    }
}

pub(super) fn pages(given: bool) -> &'static str {
    if given {
        "yes (glibc.malloc.hugetlb=1)"
    } else {
        "no"
    }
}

fn text(row: &Row) -> String {
    let report = &row.report;
    let rows = [
        ("commands", report.commands.to_string()),
        ("trades", report.trades.to_string()),
        ("volume in lots", report.volume.to_string()),
        ("orders resting at the end", report.resting_orders.to_string()),
        ("accounts", spread_over(report)),
        ("repetitions", report.repetitions.to_string()),
        (
            "time per command",
            format!("{:.1} ns (median)", report.ns_per_command),
        ),
        (
            "a book alone, naive",
            format!(
                "{:.1} ns (median), {:.2} times the engine's",
                report.naive_book_ns_per_command, report.naive_book_ratio
            ),
        ),
        (
            "single commands",
            format!(
                "p50 {} ns, p99 {} ns, p99.9 {} ns; the clock's {} ns are in each",
                report.latency_ns_p50, report.latency_ns_p99, report.latency_ns_p999, report.clock_ns
            ),
        ),
        ("huge pages", pages(row.huge_pages).to_owned()),
        ("state hash", report.state_hash.clone()),
    ];
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("  {name:<28}{value}"))
        .collect();
    lines.join("\n")
}

fn table(suite: &Suite) -> String {
    let mut lines = vec![format!(
        "  {:<10}{:>18}{:>11}{:>9}{:>10}{:>12}{:>8}{:>7}{:>7}{:>7}",
        "flow", "accounts", "commands", "resting", "engine ns", "naive book", "ratio", "p50", "p99", "p99.9"
    )];
    lines.extend(suite.flows.iter().map(|row| {
        let report = &row.report;
        format!(
            "  {:<10}{:>18}{:>11}{:>9}{:>10.1}{:>12.1}{:>8.2}{:>7}{:>7}{:>7}",
            row.flow,
            spread_over(report),
            report.commands,
            report.resting_orders,
            report.ns_per_command,
            report.naive_book_ns_per_command,
            report.naive_book_ratio,
            report.latency_ns_p50,
            report.latency_ns_p99,
            report.latency_ns_p999
        )
    }));
    let clock = suite.flows.first().map_or(0, |row| row.report.clock_ns);
    let pages = pages(suite.flows.iter().all(|row| row.huge_pages));
    lines.push(String::new());
    lines.push("  Times in nanoseconds a command, medians. The engine keeps balances, holds, fees and events; the naive".into());
    lines.push("  book is a book alone, and the ratio is its time over the engine's.".into());
    lines.push(format!(
        "  p50, p99, p99.9: single commands, the clock's {clock} ns in each. Huge pages: {pages}."
    ));
    lines.push(String::new());
    let each =
        |name: &str, each: &BytesEach| format!("  {name:<28}{:>7.1} bytes (with {})", each.bytes, each.count);
    lines.push(each("a resting order", &suite.memory.order));
    lines.push(each("an account and asset", &suite.memory.account_and_asset));
    lines.push(each("a transfer's id, for ever", &suite.memory.transfer));
    lines.join("\n")
}
