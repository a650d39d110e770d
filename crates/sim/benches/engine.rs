//! `cargo bench -p ensoex-sim`: the engine on generated flow, as JSON.

use ensoex_sim::bench::{Spread, run_lines};
use ensoex_sim::generate;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let report = run_lines(&generate::xcore(1, 1_000_000), 1_000, Spread::Modulo, 5)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
