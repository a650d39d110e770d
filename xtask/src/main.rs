//! Tasks of the repository that need more than cargo: `cargo demo` builds what is missing and hands over, `cargo xtask
//! build` only builds it, `cargo xtask clauses` holds the Policy to its tests, `cargo xtask mutations` shows that these can
//! fail.
//!
//! Knows how to build; what a demo is, only the program `ensoex` knows.

mod clauses;
mod demo;
mod mutations;
mod sources;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "cargo demo [--data DIR] [--port P] [--pay-port Q] [--cardnet-port R] [--fresh], \
                     cargo xtask build, cargo xtask clauses [--write], or cargo xtask mutations [CLAUSE]";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.first().and_then(|task| task.to_str()) {
        Some("demo") => {
            arguments.remove(0);
            // On success this process has become the demo.
            demo::run(arguments).map(|never| match never {})
        }
        Some("build") if arguments.len() == 1 => demo::build(),
        Some("clauses") if arguments.len() == 1 => clauses::run(false),
        Some("clauses") if arguments.len() == 2 && arguments[1] == "--write" => clauses::run(true),
        Some("mutations") if arguments.len() <= 2 => {
            mutations::run(arguments.get(1).and_then(|clause| clause.to_str()))
        }
        _ => {
            eprintln!("The tasks are: {USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}.");
            ExitCode::FAILURE
        }
    }
}
