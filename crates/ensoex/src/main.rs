//! The program `ensoex`: reads the command line and hands over to the part that does the work.

use clap::Parser;
use ensoex_cli::arguments::{Arguments, Command, VerifyDocument};
use ensoex_cli::{
    at, backup, bench, cases, demo, incident, keep, keys, log, newsletter, policy, privacy, projections,
    requests, restore, risk, scan_cards, serve, staff, verify,
};
use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// What was freed is overwritten with zeros, so that nothing that came or was opened outlives its use in memory (`memory`).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ensoex cannot start: {error}.");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(arguments.command))
}

async fn run(command: Command) -> ExitCode {
    let result = match command {
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Verify(arguments) => {
            return match arguments.document {
                None => verify::exchange(&arguments).await,
                Some(VerifyDocument::Receipt { file, key }) => verify::receipt(&file, key.as_deref()),
                Some(VerifyDocument::PolicyLog { place, head, key }) => {
                    verify::policy_log(&place, head.as_deref(), key.as_deref())
                }
                Some(VerifyDocument::Erasure { file, key }) => verify::erasure(&file, key.as_deref()),
                Some(VerifyDocument::Request { file, key }) => verify::request(&file, key.as_deref()),
                Some(VerifyDocument::Records {
                    data,
                    database,
                    schemas,
                }) => {
                    let database = database.as_deref().map(|url| (url, schemas.as_str()));
                    verify::records(&data, database).await
                }
                Some(VerifyDocument::AccessReport { file, key }) => {
                    verify::access_report(&file, key.as_deref())
                }
            };
        }
        Command::At(arguments) => return at::run(&arguments).await,
        Command::Log(command) => return log::run(command).await,
        Command::Backup(arguments) => backup::run(*arguments).await,
        Command::Incident(command) => incident::run(command),
        Command::Requests(command) => requests::run(command).await,
        Command::Risk(command) => risk::run(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Policy(command) => policy::run(command),
        Command::Projections(command) => projections::run(command).await,
        Command::Restore(arguments) => return restore::run(*arguments).await,
        Command::Privacy(command) => privacy::run(command).await,
        Command::Newsletter(command) => newsletter::run(command).await,
        Command::Staff(command) => staff::run(command).await,
        Command::Cases(command) => cases::run(command).await,
        Command::ScanCards(arguments) => return scan_cards::run(&arguments),
        Command::Takeover(arguments) => keep::takeover(&arguments).await,
        Command::Snapshot(arguments) => keep::snapshot(&arguments).await,
        Command::Bench(bench) => bench::run(bench).await,
        Command::Watchdog => demo::watchdog::run().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", ensoex_cli::plain_sentence(&error));
            ExitCode::FAILURE
        }
    }
}
