//! What memory the engine takes: each probe fills an engine in a process of its own, which looks at its resident set.

use crate::arguments::{MemoryProbe, MemoryProbeArguments};
use anyhow::{Context, bail};
use ensoex_sim::bench::memory::{self, MemoryReport, Probe, Sample};
use std::process::{Command, Stdio};

/// Runs one probe in this process and prints its samples.
///
/// # Errors
/// When the kernel does not say.
pub fn run(arguments: &MemoryProbeArguments) -> anyhow::Result<()> {
    let samples = memory::probe(match arguments.probe {
        MemoryProbe::Orders => Probe::Orders,
        MemoryProbe::Accounts => Probe::Accounts,
        MemoryProbe::Transfers => Probe::Transfers,
    })?;
    println!("{}", serde_json::to_string(&samples)?);
    Ok(())
}

/// Runs all probes, one after another.
pub(super) fn measure() -> anyhow::Result<MemoryReport> {
    let orders = in_own_process(Probe::Orders)?;
    let accounts = in_own_process(Probe::Accounts)?;
    let transfers = in_own_process(Probe::Transfers)?;
    Ok(memory::report(&orders, &accounts, &transfers)?)
}

/// Without huge pages, so that every page that was not touched is left out of the count.
fn in_own_process(probe: Probe) -> anyhow::Result<Vec<Sample>> {
    let name = serde_json::to_value(probe)?;
    let output = Command::new(std::env::current_exe().context("cannot find this program")?)
        .args(["bench", "memory-probe"])
        .arg(name.as_str().unwrap_or_default())
        .env_remove("GLIBC_TUNABLES")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the process that measures memory cannot be started")?;
    if !output.status.success() {
        bail!("the process that measures memory ended with {}", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
