//! `ensoex projections rebuild`: deletes what can be rebuilt and builds it anew from the log, showing how far it is.
//!
//! Exit code 0: done. 1: it was not, and the sentence says why; the next start of the Service goes on then.

use crate::place::PlaceArguments;
use clap::Subcommand;
use ensoex_exchange::{Rebuilt, rebuild_projections};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Least time between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// `ensoex projections`
#[derive(Subcommand)]
pub enum ProjectionsCommand {
    /// Build orders, trades, candles, ledger entries and balances by day anew from the log; the Service must not run
    Rebuild(PlaceArguments),
}

/// Rebuilds.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: ProjectionsCommand) -> anyhow::Result<()> {
    let ProjectionsCommand::Rebuild(place) = command;
    let config = place.config()?;
    let mut told = Instant::now();
    let rebuilt = rebuild_projections(&config, |rebuilt| {
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
