//! Traders that make the demo's markets move through the public trading API, like anyone else.
//!
//! One market maker for each market quotes around a wandering fair price; the other traders take from time to time.
//! They know the API only, keep to a rate of requests, and wait when the Service is away.

mod book_keeper;
mod client;
mod fair_price;
mod maker;
mod market;
mod pace;
mod taker;

pub use client::{TradeError, TradingClient, now_ms, signed_query};
pub use market::Market;
pub use pace::Pace;

use crate::demo::accounts::DemoAccounts;
use crate::demo::site::Site;
use anyhow::{Context, bail};
use fair_price::FairPrice;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Requests per second of all traders together.
const REQUESTS_PER_SECOND: u32 = 12;
/// While the chart gets its first trades.
const REQUESTS_PER_SECOND_AT_FIRST: u32 = 120;
/// First trades of each market.
const FIRST_TRADES: u32 = 30;
/// How long the first quotes may take.
const FIRST_QUOTES_WAIT: Duration = Duration::from_secs(30);

/// Markets that the traders know, with the price around which theirs wanders.
const KNOWN_MARKETS: [(&str, &str); 3] = [("BTCEUR", "61250"), ("ETHEUR", "2840"), ("EURUAH", "48.60")];

/// The running traders; dropping this stops them.
pub struct Traders {
    markets: Vec<Market>,
    _tasks: JoinSet<()>,
}

impl Traders {
    /// Starts them, and returns once every market has its first quotes. With `history`, many trades follow at once.
    ///
    /// # Errors
    /// When the Service lists none of the known markets, or the first quotes do not come about.
    pub async fn start(base: &str, accounts: &DemoAccounts, history: bool) -> anyhow::Result<Traders> {
        let pace = Arc::new(Pace::new(REQUESTS_PER_SECOND_AT_FIRST));
        let clients = accounts
            .traders
            .iter()
            .map(|trader| {
                let (key, secret) = (trader.api_key.as_deref(), trader.api_secret.as_deref());
                TradingClient::new(
                    base,
                    key.unwrap_or_default(),
                    secret.unwrap_or_default(),
                    Arc::clone(&pace),
                )
            })
            .collect::<reqwest::Result<Vec<_>>>()
            .context("cannot make the traders' HTTP clients")?;
        let Some(first) = clients.first() else {
            bail!("there are no traders")
        };
        let markets = market::listed(first, &KNOWN_MARKETS).await?;
        if markets.is_empty() || markets.len() >= clients.len() {
            bail!(
                "the Service lists {} markets that the traders know",
                markets.len()
            );
        }
        let (makers, takers) = clients.split_at(markets.len());

        let mut tasks = JoinSet::new();
        let mut first_quotes = Vec::new();
        for (market, maker) in markets.iter().zip(makers) {
            let seed = seed(market.symbol());
            let last = market::last_price(maker, market).await;
            let fair = FairPrice::new(market.reference(), last, seed);
            let shown = Arc::new(AtomicI64::new(fair.ticks()));
            let (ready, quoted) = oneshot::channel();
            first_quotes.push(quoted);
            tasks.spawn(maker::run(
                maker.clone(),
                market.clone(),
                fair,
                Arc::clone(&shown),
                ready,
            ));
            let first_trades = if history { FIRST_TRADES } else { 0 };
            let (takers, market) = (takers.to_vec(), market.clone());
            tasks.spawn(taker::run(
                takers,
                market,
                shown,
                seed.rotate_left(32),
                first_trades,
            ));
        }
        for (client, trader) in clients.iter().zip(&accounts.traders) {
            let Some(account) = trader.account.clone() else {
                continue;
            };
            let site = Site::new(base).context("cannot make an HTTP client")?;
            tasks.spawn(book_keeper::run(client.clone(), site, account));
        }
        for quoted in first_quotes {
            match tokio::time::timeout(FIRST_QUOTES_WAIT, quoted).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => bail!("a market maker stopped"),
                Err(_) => bail!("the market makers could not place their first quotes"),
            }
        }
        // The first trades are through within a few seconds; from then on the pace is gentle.
        let settle = if history {
            Duration::from_secs(4)
        } else {
            Duration::ZERO
        };
        tasks.spawn(async move {
            tokio::time::sleep(settle).await;
            pace.set(REQUESTS_PER_SECOND);
        });
        Ok(Traders {
            markets,
            _tasks: tasks,
        })
    }

    /// The markets that move.
    pub fn markets(&self) -> &[Market] {
        &self.markets
    }
}

/// Differs from market to market and from start to start.
fn seed(symbol: &str) -> u64 {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    symbol.bytes().fold(clock, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

/// The fair price that a market's maker has at the moment, for its takers.
fn fair_ticks(shown: &AtomicI64) -> i64 {
    shown.load(Ordering::Relaxed)
}
