//! `ensoex-pay`: EnsoExPAY as a process.

use anyhow::Context;
use clap::Parser;
use ensoex_pay::{Options, Timing};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// EnsoExPAY: takes money from cards and sends money to cards, so that the Service never sees a card.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of the database and keys; made if absent.
    #[arg(long)]
    data: PathBuf,
    /// Port; 0 picks one.
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// How browsers and the Service reach this [default: http://LISTEN:PORT].
    #[arg(long)]
    public_url: Option<String>,
    /// Where the Service takes events.
    #[arg(long)]
    service_webhook_url: String,
    /// The card network's 3-D Secure server and challenge page.
    #[arg(long, default_value = "http://127.0.0.1:8091")]
    cardnet_url: String,
    /// The card network's ISO 8583 address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9091")]
    cardnet_iso: String,
    /// File of secrets shared with the Service; made if absent [default: DATA/shared-secrets.json].
    #[arg(long, value_name = "FILE")]
    shared_secrets: Option<PathBuf>,
    /// Who is paid, as the person knows them.
    #[arg(long, default_value = "EnsoEx")]
    merchant_name: String,
    /// Say on the pages that no real money moves, and offer a test card.
    #[arg(long)]
    test_mode: bool,
    /// How long a session's page takes input.
    #[arg(long, default_value_t = 1800)]
    session_seconds: u64,
    /// How long an answer of the card network is awaited before the outcome is unknown.
    #[arg(long, default_value_t = 8000)]
    network_timeout_ms: u64,
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
    let running = ensoex_pay::start(&Options {
        data: arguments.data,
        listen: arguments.listen,
        port: arguments.port,
        public_url: arguments.public_url,
        service_webhook_url: arguments.service_webhook_url,
        cardnet_url: arguments.cardnet_url,
        cardnet_iso: arguments.cardnet_iso,
        shared_secrets: arguments.shared_secrets,
        merchant_name: arguments.merchant_name,
        test_mode: arguments.test_mode,
        timing: Timing {
            session: Duration::from_secs(arguments.session_seconds),
            network: Duration::from_millis(arguments.network_timeout_ms),
            ..Timing::default()
        },
    })
    .await
    .context("EnsoExPAY did not start")?;
    println!("ensoex-pay ready: {}", running.public_url);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}
