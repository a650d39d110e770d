//! `ensoex bench api`: acknowledged, durable limit orders a second over the signed REST API on loopback, beside the
//! same HTTP stack answering an empty request to the same client in the same run.
//!
//! The Service runs as a process of its own on a fresh temporary folder, with the limits that everybody has: an account
//! may place so many orders in 10 seconds, so each connection takes turns among several accounts. It sends one order
//! after another; buyers and sellers are equally many and meet at ten prices, so most orders trade.

use super::connection::Connection;
use super::latency::Measured;
use crate::arguments::BenchApiArguments;
use crate::demo::accounts::DemoAccount;
use crate::demo::processes::healthy;
use crate::demo::seed::register_and_fund;
use crate::demo::site::local_client;
use crate::random::{self, Sequence};
use crate::traders::{Market, Pace, TradingClient, now_ms, signed_query};
use anyhow::{Context, bail};
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::task::JoinSet;

const SYMBOL: &str = "BTCEUR";
const PRICE: &str = "61250";
/// Different prices, one tick apart.
const PRICES: i64 = 10;
/// Value of an order in whole EUR.
const ORDER_VALUE: i64 = 20;
/// What each account has to spend.
const FUNDS: [(&str, &str); 2] = [("BTC", "1000"), ("EUR", "50000000")];
const START_WAIT: Duration = Duration::from_secs(20);
/// Requests of each connection before the measurement.
const WARM_UP: u32 = 20;
/// Orders that an account may place in one window of the Service's clock.
const ORDERS_PER_WINDOW_MAX: u64 = 100;
const WINDOW_MS: u128 = 10_000;
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Both measurements.
#[derive(Debug, Serialize)]
struct ApiReport {
    seconds: u64,
    connections: u32,
    /// `POST /api/v3/order`, signed; answered once durable.
    orders: Measured,
    /// `GET /health` on the same server.
    empty_requests: Measured,
    /// Orders for each 1,000 empty requests.
    orders_per_1000_empty_requests: u64,
}

/// Measures and prints.
///
/// # Errors
/// When the Service does not start or refuses an order.
pub async fn run(arguments: &BenchApiArguments) -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let base = format!("http://localhost:{port}");
    let log =
        std::fs::File::create(folder.0.join("service.log")).context("cannot write the Service's log")?;
    let mut service = Command::new(std::env::current_exe().context("cannot find this program")?)
        .args([
            "serve",
            "--demo",
            "--port",
            &port.to_string(),
            "--pay-url",
            "http://127.0.0.1:9",
        ])
        .arg("--data")
        .arg(folder.0.join("service"))
        .arg("--shared-secrets")
        .arg(folder.0.join("shared-secrets.json"))
        .env("ENSOEX_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("the Service cannot be started")?;
    let http = local_client(false)?;
    let health_url = format!("{base}/health");
    tokio::select! {
        () = healthy(&http, &health_url) => {}
        _ = service.wait() => bail!("the Service did not start: {}", folder.last_words()),
        () = tokio::time::sleep(START_WAIT) => bail!("the Service did not start in time"),
    }
    let report = measure(arguments, &base, port).await;
    service.kill().await.context("the Service cannot be stopped")?;
    let report = report?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", text(&report));
    }
    Ok(())
}

async fn measure(arguments: &BenchApiArguments, base: &str, port: u16) -> anyhow::Result<ApiReport> {
    let connections = arguments.connections + arguments.connections % 2;
    let count = connections * arguments.accounts.div_ceil(connections);
    eprintln!("Registering {count} accounts …");
    let accounts = accounts(base, count).await?;
    let first = TradingClient::new(base, "", "", Arc::new(Pace::new(1_000)))?;
    let information = first.public("/api/v3/exchangeInfo", &[]).await?;
    let entry = information["symbols"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["symbol"] == SYMBOL);
    let Some(market) = entry.and_then(|entry| Market::parse(entry, PRICE)) else {
        bail!("the Service does not list {SYMBOL}");
    };
    let length = Duration::from_secs(arguments.seconds);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    eprintln!("Empty requests for {} s …", arguments.seconds);
    let empty = (0..connections)
        .map(|_| || Some(HEALTH.as_bytes().to_vec()))
        .collect();
    let empty_requests = run_all(address, empty, length).await.context("empty requests")?;
    eprintln!("Orders for {} s …", arguments.seconds);
    let shares = accounts.chunks(accounts.len() / connections as usize).zip(0..);
    let orders = shares
        .map(|(accounts, place)| orders(accounts, &market, place))
        .collect();
    // From the beginning of a window, so that the limits leave as much room as possible.
    let wait = WINDOW_MS - now_ms() % WINDOW_MS + 20;
    tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or_default())).await;
    let orders = run_all(address, orders, length).await.context("orders")?;
    let orders_per_1000_empty_requests = orders.per_second * 1_000 / empty_requests.per_second.max(1);
    Ok(ApiReport {
        seconds: arguments.seconds,
        connections,
        orders,
        empty_requests,
        orders_per_1000_empty_requests,
    })
}

async fn accounts(base: &str, count: u32) -> anyhow::Result<Vec<DemoAccount>> {
    let mut registering = JoinSet::new();
    for number in 0..count {
        let (email, phone) = (
            format!("bench{number}@ensoex.example"),
            format!("+38050001{number:04}"),
        );
        let (account, base) = (DemoAccount::new(email, phone)?, base.to_owned());
        registering.spawn(async move { register_and_fund(&base, account, &FUNDS).await });
    }
    registering
        .join_all()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()
        .context("an account cannot be set up")
}

/// The orders of some accounts in turn, each a whole HTTP request; none when all have placed what they may.
fn orders(
    accounts: &[DemoAccount],
    market: &Market,
    place: u64,
) -> impl FnMut() -> Option<Vec<u8>> + Send + use<> {
    let accounts = accounts.to_vec();
    let side = if place.is_multiple_of(2) { "BUY" } else { "SELL" };
    let (market, mut random) = (market.clone(), Sequence::new(place));
    let quantity = market.quantity(market.lots_worth(ORDER_VALUE, market.reference()));
    let (mut window, mut placed, mut turn) = (0, 0, 0);
    move || {
        let now_ms = now_ms();
        if window != now_ms / WINDOW_MS {
            (window, placed) = (now_ms / WINDOW_MS, 0);
        }
        if placed == accounts.len() as u64 * ORDERS_PER_WINDOW_MAX {
            return None;
        }
        placed += 1;
        turn = (turn + 1) % accounts.len();
        let account = accounts.get(turn)?;
        let price = market.price(market.reference() + random.between(0, PRICES - 1));
        let parameters = [
            ("symbol", market.symbol()),
            ("side", side),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", &quantity),
            ("price", &price),
            ("newOrderRespType", "ACK"),
        ];
        let query = signed_query(&parameters, now_ms, account.api_secret.as_deref()?);
        let key = account.api_key.as_deref()?;
        let head = "HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nx-mbx-apikey:";
        Some(format!("POST /api/v3/order?{query} {head} {key}\r\n\r\n").into_bytes())
    }
}

/// Each source of requests on a connection of its own, for so long or until one is exhausted.
async fn run_all<Source>(
    address: SocketAddr,
    sources: Vec<Source>,
    length: Duration,
) -> anyhow::Result<Measured>
where
    Source: FnMut() -> Option<Vec<u8>> + Send + 'static,
{
    let mut running = JoinSet::new();
    let connections = sources.len();
    let barrier = Arc::new(tokio::sync::Barrier::new(connections));
    let exhausted = Arc::new(AtomicBool::new(false));
    for mut source in sources {
        let (barrier, exhausted) = (Arc::clone(&barrier), Arc::clone(&exhausted));
        let connection = Connection::open(address).await.context("cannot connect")?;
        running.spawn(async move {
            let mut connection = connection;
            for _ in 0..WARM_UP {
                if let Some(request) = source() {
                    ask(&mut connection, &request).await?;
                }
            }
            barrier.wait().await;
            let begun = Instant::now();
            let mut times_us = Vec::with_capacity(65_536);
            while begun.elapsed() < length && !exhausted.load(Ordering::Relaxed) {
                let Some(request) = source() else {
                    exhausted.store(true, Ordering::Relaxed);
                    break;
                };
                let sent = Instant::now();
                ask(&mut connection, &request).await?;
                times_us.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            anyhow::Ok((times_us, begun.elapsed()))
        });
    }
    let mut times_us = Vec::new();
    let mut longest = Duration::ZERO;
    while let Some(done) = running.join_next().await {
        let (times, whole) = done.context("a connection broke off")??;
        times_us.extend(times);
        longest = longest.max(whole);
    }
    Ok(Measured::from_times(times_us, longest))
}

async fn ask(connection: &mut Connection, request: &[u8]) -> anyhow::Result<()> {
    let answer = connection.exchange(request).await?;
    if answer.status != 200 {
        bail!(
            "the Service answers {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
    }
    Ok(())
}

fn text(report: &ApiReport) -> String {
    let row = |name: &str, measured: &Measured| {
        format!(
            "  {name:<38}{:>9}/s   p50 {:>6} µs   p99 {:>6} µs",
            measured.per_second, measured.p50_us, measured.p99_us
        )
    };
    format!(
        "{} connections, {} s each, client and Service on this machine\n{}\n{}\n  orders for each 1,000 empty requests  {:>9}",
        report.connections,
        report.seconds,
        row("limit orders, signed, durable", &report.orders),
        row("empty requests (GET /health)", &report.empty_requests),
        report.orders_per_1000_empty_requests,
    )
}

/// Removed with everything in it when it is dropped.
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(super) fn new() -> anyhow::Result<TemporaryFolder> {
        TemporaryFolder::inside(&std::env::temp_dir())
    }

    pub(super) fn inside(directory: &Path) -> anyhow::Result<TemporaryFolder> {
        let name = format!("ensoex-bench-{}", hex::encode(random::secret_bytes::<8>()?));
        let path = directory.join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(TemporaryFolder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.0.join("service.log")).unwrap_or_default();
        log.lines().next_back().unwrap_or("it left no word").to_owned()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Left over in the system's temporary folder at worst.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
