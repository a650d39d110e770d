//! Times the engine on an order flow file: `bench_engine FILE [ACCOUNTS [REPS [uniform]]]`.
//! `xcore` and `deep` instead of a file generate one. `bench_engine FILE --write-flow FILE` writes the flow and times nothing.

use ensoex_sim::bench::{Spread, read, run_lines};
use ensoex_sim::{generate, workload};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("bench_engine FILE [ACCOUNTS [REPS [uniform]]]")?;
    let lines = match file.as_str() {
        "xcore" => generate::xcore(1, 1_000_000),
        "deep" => generate::deep(1, 500_000, 1_000_000),
        path => read(Path::new(path))?,
    };
    let accounts = arguments.next();
    if accounts.as_deref() == Some("--write-flow") {
        let file = arguments.next().ok_or("--write-flow FILE")?;
        let mut output = BufWriter::new(File::create(file)?);
        workload::write(&lines, &mut output)?;
        return Ok(output.flush()?);
    }
    let accounts = accounts.map_or(Ok(1_000), |text| text.parse())?;
    let repetitions = arguments.next().map_or(Ok(11), |text| text.parse())?;
    let spread = match arguments.next().as_deref() {
        Some("uniform") => Spread::Uniform,
        Some(_) => return Err("the fourth argument is `uniform` or left out".into()),
        None => Spread::Modulo,
    };
    let report = run_lines(&lines, accounts, spread, repetitions)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
