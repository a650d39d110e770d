//! Times the engine on an order flow file: `bench_engine FILE [ACCOUNTS [REPS [uniform]]]`.
//! `xcore` and `deep` instead of a file generate one.

use ensoex_sim::bench::{Spread, run_engine, run_lines};
use ensoex_sim::generate;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("bench_engine FILE [ACCOUNTS [REPS [uniform]]]")?;
    let accounts = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let repetitions = arguments.next().map_or(Ok(11), |text| text.parse())?;
    let spread = match arguments.next().as_deref() {
        Some("uniform") => Spread::Uniform,
        Some(_) => return Err("the fourth argument is `uniform` or left out".into()),
        None => Spread::Modulo,
    };
    let report = match file.as_str() {
        "xcore" => run_lines(&generate::xcore(1, 1_000_000), accounts, spread, repetitions)?,
        "deep" => run_lines(
            &generate::deep(1, 500_000, 1_000_000),
            accounts,
            spread,
            repetitions,
        )?,
        path => run_engine(Path::new(path), accounts, spread, repetitions)?,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
