//! `ensoex bench`: measurements that anyone can repeat.

pub mod api;
mod connection;
pub mod engine;
mod huge_pages;
mod latency;
pub mod log;
pub mod memory;
pub mod path;
pub mod replay;
pub mod risk;
pub mod vault;

use crate::arguments::Bench;

/// Measures and prints.
///
/// # Errors
/// When something cannot be read, started or measured.
pub async fn run(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Engine(arguments) => engine::run(&arguments),
        Bench::Log(arguments) => log::run(&arguments).await,
        Bench::Path(arguments) => path::run(&arguments).await,
        Bench::Replay(arguments) => replay::run(&arguments).await,
        Bench::Risk => risk::run(),
        Bench::Vault(arguments) => vault::run(&arguments).await,
        Bench::Api(arguments) => api::run(&arguments).await,
        Bench::MemoryProbe(arguments) => memory::run(&arguments),
    }
}
