//! Tasks of the repository that need more than cargo: `cargo demo` builds what is missing and hands over.
//!
//! Knows how to build; what a demo is, only the program `ensoex` knows.

mod demo;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "cargo demo [--data DIR] [--port P] [--pay-port Q] [--cardnet-port R] [--fresh]";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_none_or(|task| task != "demo") {
        eprintln!("The task is demo: {USAGE}");
        return ExitCode::FAILURE;
    }
    arguments.remove(0);
    match demo::run(arguments) {
        // On success this process has become the demo.
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error:#}.");
            ExitCode::FAILURE
        }
    }
}
