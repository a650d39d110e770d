//! `ensoex log`: asks a database to prove that it can keep the log.
//!
//! Exit code 0: all of it holds. 1: something does not. 2: it could not be asked.

use crate::plain_sentence;
use clap::{Args, Subcommand};
use ensoex_log::fence::{self, FenceReport};
use ensoex_log::{LogAddress, Opening, Safeguard};
use serde_json::json;
use std::process::ExitCode;

const DOES_NOT_HOLD: u8 = 1;
const NOT_ASKED: u8 = 2;

/// `ensoex log`
#[derive(Subcommand)]
pub enum LogCommand {
    /// Race writers, raise epochs and alter rows in an empty log of a live database, and say what it let through
    FenceTest(FenceTestArguments),
}

/// `ensoex log fence-test`
#[derive(Args)]
pub struct FenceTestArguments {
    /// The database: a file that is not there yet, or postgres://USER@HOST:PORT/DATABASE
    #[arg(long)]
    pub url: LogAddress,
    /// Schema to work in, which stays; it must be empty or absent [default: one of its own, removed at the end]
    #[arg(long, value_name = "NAME")]
    pub schema: Option<String>,
    /// Appends that two writers race for
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub appends: u32,
    /// Safeguards of PostgreSQL that may be absent, by the names of its settings
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_unsafe: Vec<Safeguard>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks and prints.
pub async fn run(command: LogCommand) -> ExitCode {
    let LogCommand::FenceTest(arguments) = command;
    match fence_test(&arguments).await {
        Ok(report) => {
            print(&report, arguments.json);
            match report.holds() {
                true => ExitCode::SUCCESS,
                false => ExitCode::from(DOES_NOT_HOLD),
            }
        }
        Err(error) => {
            eprintln!("{}", plain_sentence(&error));
            ExitCode::from(NOT_ASKED)
        }
    }
}

async fn fence_test(arguments: &FenceTestArguments) -> anyhow::Result<FenceReport> {
    let opening = Opening {
        unsafe_allowed: arguments.allow_unsafe.clone(),
        ..Opening::default()
    };
    let (address, own) = scratch(&arguments.url, arguments.schema.as_deref())?;
    let report = fence::run(&address, &opening, arguments.appends).await;
    // What kept the checks from being made says more than that their schema is not there to be removed.
    let report = report?;
    if own {
        ensoex_log::remove_schema(&address, &opening).await?;
    }
    Ok(report)
}

/// An empty schema at `address` under a name of its own, unless one was named; whether it is our own.
pub(crate) fn scratch(address: &LogAddress, schema: Option<&str>) -> anyhow::Result<(LogAddress, bool)> {
    let LogAddress::Postgres(postgres) = address else {
        return Ok((address.clone(), false));
    };
    let name = match schema {
        Some(schema) => schema.to_owned(),
        None => format!("ensoex_scratch_{:016x}", getrandom::u64()?),
    };
    Ok((
        LogAddress::Postgres(postgres.clone().with_schema(&name)?),
        schema.is_none(),
    ))
}

fn print(report: &FenceReport, as_json: bool) {
    if as_json {
        let checks: Vec<_> = report
            .checks
            .iter()
            .map(|check| json!({"check": check.name, "holds": check.holds, "found": check.found}))
            .collect();
        let whole = json!({
            "log": report.log, "appends": report.appends, "holds": report.holds(), "checks": checks,
        });
        say!("{whole:#}");
        return;
    }
    for check in &report.checks {
        let mark = if check.holds { "holds" } else { "FAILS" };
        say!("  {mark}  {}: {}", check.name, check.found);
    }
    let verdict = match report.holds() {
        true => "may keep the log, as far as this can be asked",
        false => "must not keep the log",
    };
    say!("{} {verdict}.", report.log);
}
