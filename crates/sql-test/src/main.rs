//! Runs a command with a PostgreSQL of its own for the tests' stores.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("Say which command to run, for example: cargo test -p ensoex-exchange");
        return ExitCode::from(2);
    };
    let Some(cluster) = ensoex_pg_test::Cluster::start() else {
        eprintln!("There is no PostgreSQL to run the tests on: install it first.");
        return ExitCode::from(2);
    };
    let ended = Command::new(&program)
        .args(words)
        .env(ensoex_sql_test::TEST_DATABASE, cluster.url())
        .status();
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{} cannot be run: {error}", program.display());
            ExitCode::from(2)
        }
    }
}
