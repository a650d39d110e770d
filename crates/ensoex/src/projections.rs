//! `ensoex projections rebuild`: deletes what can be rebuilt and builds it anew from the log, showing how far it is.
//!
//! Exit code 0: done. 1: it was not, and the sentence says why; the next start of the Service goes on then.

use crate::verify::find_exchange;
use anyhow::Context;
use clap::Subcommand;
use ensoex_exchange::{ExchangeConfig, Rebuilt, rebuild_projections};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Least time between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// `ensoex projections`
#[derive(Subcommand)]
pub enum ProjectionsCommand {
    /// Build orders, trades, candles, ledger entries and balances by day anew from the log; the Service must not run
    Rebuild {
        /// Folder of a demo or of a Service
        #[arg(long, value_name = "DIR", default_value = ".demo")]
        data: PathBuf,
    },
}

/// Rebuilds.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: ProjectionsCommand) -> anyhow::Result<()> {
    let ProjectionsCommand::Rebuild { data } = command;
    let directory = find_exchange(&data).with_context(|| {
        format!(
            "there is no exchange in {}: give the folder of a demo or of a Service with --data",
            data.display()
        )
    })?;
    let mut told = Instant::now();
    let rebuilt = rebuild_projections(&ExchangeConfig::new(&directory), |rebuilt| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            tell(rebuilt);
        }
    })
    .await?;
    say!(
        "The projections are built anew from {} commands.",
        rebuilt.commands
    );
    Ok(())
}

fn tell(rebuilt: Rebuilt) {
    let percent = rebuilt
        .commands
        .saturating_mul(100)
        .checked_div(rebuilt.of)
        .unwrap_or(100);
    let mut out = std::io::stderr();
    let end = if out.is_terminal() { "\r" } else { "\n" };
    let _nobody_reads = write!(
        out,
        "{} of {} commands ({percent} %){end}",
        rebuilt.commands, rebuilt.of
    );
}
