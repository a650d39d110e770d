//! `ensoex-cardnet`: the card network simulator as a process.

use anyhow::Context;
use clap::Parser;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Simulated card network: ISO 8583, 3-D Secure and issuers' ledgers. For development and tests only.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of the ledger; made if absent.
    #[arg(long)]
    data: PathBuf,
    /// Port of the pages and of 3-D Secure; 0 picks one.
    #[arg(long, default_value_t = 8091)]
    port: u16,
    /// Port of ISO 8583 [default: PORT + 1000].
    #[arg(long)]
    iso_port: Option<u16>,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// How browsers reach the pages [default: http://LISTEN:PORT].
    #[arg(long)]
    public_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    // From here on a signal asks for a clean end, even one that comes before we are ready.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let default_iso_port = if arguments.port == 0 {
        0
    } else {
        arguments.port.checked_add(1000).unwrap_or(0)
    };
    let running = ensoex_cardnet::start(&ensoex_cardnet::Options {
        data: arguments.data,
        listen: arguments.listen,
        port: arguments.port,
        iso_port: arguments.iso_port.unwrap_or(default_iso_port),
        public_url: arguments.public_url,
    })
    .await
    .context("the card network did not start")?;
    println!(
        "ensoex-cardnet ready: http {} iso8583 {}",
        running.public_url, running.iso_address
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}
