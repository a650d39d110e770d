//! How much memory orders and accounts take: what the process's resident set grows by, as the kernel counts it.
//!
//! Each [`Probe`] must run in a process of its own, else pages that something else left are used again and
//! not counted. Containers that double make growth uneven, so counts are also taken right after the powers of
//! two, and the greatest figure counts. Knows how to measure, not how to start a process.

use super::stage::{ASSETS, MARKET, Stage, account, at};
use crate::random::Random;
use ensoex_engine::{Command, Event, OrderKind, PlaceOrder, SelfTradePrevention, Side, TimeInForce};
use ensoex_types::{ClientOrderId, Price, Quantity, Sequence};
use serde::{Deserialize, Serialize};

/// Resting orders at which memory is looked at: 2^19 and 2^20 are passed on the way.
const ORDERS_AT: [u64; 5] = [500_000, 530_000, 750_000, 1_000_000, 1_060_000];
/// Accounts at which memory is looked at.
const ACCOUNTS_AT: [u64; 3] = [530_000, 1_000_000, 1_060_000];
/// Accounts among which the resting orders are shared.
const OWNERS: u32 = 1_000;
/// Ticks between the middle and the farthest order of each side.
const DEPTH: u64 = 20_000;
const MIDDLE: u64 = 1_000_000;

/// What to fill an engine with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Orders that rest, without client order ids.
    Orders,
    /// Accounts, each with a balance of both assets, which took one transfer each.
    Accounts,
    /// As many transfers to a single account: what [`Probe::Accounts`] holds besides accounts and balances, because
    /// no transfer's id is ever forgotten.
    Transfers,
}

/// The resident set at one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Orders, or accounts.
    pub count: u64,
    /// What the resident set has grown by since the count was zero.
    pub bytes: u64,
}

/// Memory of one thing, from the sample where it is the most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BytesEach {
    /// Bytes each, at most.
    pub bytes: f64,
    /// At this many of them.
    pub count: u64,
}

/// What memory the engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MemoryReport {
    /// A resting order without a client order id.
    pub order: BytesEach,
    /// One account's balance of one asset, its share of the account included.
    pub account_and_asset: BytesEach,
    /// A transfer's id, kept for ever.
    pub transfer: BytesEach,
}

/// Why memory cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The kernel's account of the process cannot be read.
    #[error("the size of the resident set cannot be read from /proc/self/smaps_rollup")]
    Read(#[source] std::io::Error),
    /// It says something else than expected.
    #[error("/proc/self/smaps_rollup names no resident set")]
    Unexpected,
    /// The probes were not of the three kinds, with the same counts.
    #[error("the samples do not belong together")]
    Samples,
}

/// Fills an engine and looks at the resident set on the way.
///
/// # Errors
/// The kernel's account cannot be read.
pub fn probe(probe: Probe) -> Result<Vec<Sample>, MemoryError> {
    match probe {
        Probe::Orders => orders(&ORDERS_AT),
        Probe::Accounts => accounts(&ACCOUNTS_AT, |number| number),
        Probe::Transfers => accounts(&ACCOUNTS_AT, |_| 0),
    }
}

/// What the samples of the three probes say.
///
/// # Errors
/// They do not belong together.
pub fn report(
    orders: &[Sample],
    accounts: &[Sample],
    transfers: &[Sample],
) -> Result<MemoryReport, MemoryError> {
    let together = accounts
        .iter()
        .zip(transfers)
        .all(|(one, other)| one.count == other.count)
        && accounts.len() == transfers.len();
    if !together {
        return Err(MemoryError::Samples);
    }
    let pairs = accounts.iter().zip(transfers).map(|(whole, without)| Sample {
        count: whole.count * ASSETS.len() as u64,
        bytes: whole.bytes.saturating_sub(without.bytes),
    });
    let transfers = transfers.iter().map(|sample| Sample {
        count: sample.count * ASSETS.len() as u64,
        ..*sample
    });
    Ok(MemoryReport {
        order: most(orders.iter().copied()).ok_or(MemoryError::Samples)?,
        account_and_asset: most(pairs).ok_or(MemoryError::Samples)?,
        transfer: most(transfers).ok_or(MemoryError::Samples)?,
    })
}

fn most(samples: impl Iterator<Item = Sample>) -> Option<BytesEach> {
    let each = samples.map(|sample| BytesEach {
        bytes: sample.bytes as f64 / sample.count as f64,
        count: sample.count,
    });
    each.max_by(|one, other| one.bytes.total_cmp(&other.bytes))
}

fn orders(counts: &[u64]) -> Result<Vec<Sample>, MemoryError> {
    let mut stage = Stage::new(OWNERS);
    let mut random = Random::new(1);
    let mut events: Vec<Event> = Vec::with_capacity(16);
    let mut placed = 0;
    let before = resident_bytes()?;
    let mut samples = Vec::with_capacity(counts.len());
    for count in counts {
        while placed < *count {
            events.clear();
            stage.sequence += 1;
            let sequence = Sequence(stage.sequence);
            let command = resting(&mut random, placed);
            stage
                .engine
                .apply(sequence, at(sequence.0), &command, &mut events);
            placed += 1;
        }
        let bytes = resident_bytes()?.saturating_sub(before);
        let count = stage.engine.resting_orders(MARKET) as u64;
        samples.push(Sample { count, bytes });
    }
    Ok(samples)
}

/// An order that meets none: buys lie below the middle, sells above.
fn resting(random: &mut Random, number: u64) -> Command {
    let side = if random.per_mille(500) {
        Side::Buy
    } else {
        Side::Sell
    };
    let distance = random.below(DEPTH);
    let price = match side {
        Side::Buy => MIDDLE - distance,
        Side::Sell => MIDDLE + 1 + distance,
    };
    Command::PlaceOrder(PlaceOrder {
        account: account((number % u64::from(OWNERS)) as u32),
        market: MARKET,
        side,
        kind: OrderKind::Limit {
            price: Price(price),
            quantity: Quantity(1 + random.below(100)),
            time_in_force: TimeInForce::Gtc,
        },
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::NONE,
    })
}

/// One transfer of each asset for each of so many accounts; `receiver` says which account takes it.
fn accounts(counts: &[u64], receiver: fn(u32) -> u32) -> Result<Vec<Sample>, MemoryError> {
    let mut stage = Stage::empty();
    let before = resident_bytes()?;
    let mut samples = Vec::with_capacity(counts.len());
    let mut number: u32 = 0;
    for count in counts {
        while u64::from(number) < *count {
            let to = receiver(number);
            if to == number {
                stage.open(number);
            }
            for asset in ASSETS {
                let transfer = u128::from(number) * ASSETS.len() as u128 + u128::from(asset.0);
                stage.fund(to, asset, transfer);
            }
            number += 1;
        }
        let bytes = resident_bytes()?.saturating_sub(before);
        samples.push(Sample { count: *count, bytes });
    }
    Ok(samples)
}

/// Memory of this process that lies in transparent huge pages.
///
/// # Errors
/// The kernel's account cannot be read.
pub fn huge_page_bytes() -> Result<u64, MemoryError> {
    counted("AnonHugePages:")
}

/// Memory of this process that is there at all.
///
/// # Errors
/// The kernel's account cannot be read.
pub fn resident_bytes() -> Result<u64, MemoryError> {
    counted("Rss:")
}

fn counted(name: &str) -> Result<u64, MemoryError> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").map_err(MemoryError::Read)?;
    kilobytes(&text, name)
        .map(|kilobytes| kilobytes * 1_024)
        .ok_or(MemoryError::Unexpected)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_accounts_grow_the_resident_set() {
        let orders = orders(&[2_000, 20_000]).expect("the kernel counts");
        assert_eq!((orders[0].count, orders[1].count), (2_000, 20_000));
        assert!(orders[1].bytes > 20_000 * 16, "{orders:?}");
        let accounts = accounts(&[20_000], |number| number).expect("the kernel counts");
        assert!(accounts[0].bytes > 20_000 * 32, "{accounts:?}");
    }

    #[test]
    fn the_greatest_figure_counts() {
        let sample = |count, bytes| Sample { count, bytes };
        let orders = [sample(10, 500), sample(20, 1_400), sample(30, 1_500)];
        let report = report(&orders, &[sample(10, 2_000)], &[sample(10, 800)]).expect("they belong together");
        assert_eq!(
            report.order,
            BytesEach {
                bytes: 70.0,
                count: 20
            }
        );
        assert_eq!(report.account_and_asset.bytes, 60.0);
        assert_eq!(report.transfer.bytes, 40.0);
        let odd = super::report(&orders, &[sample(10, 2_000)], &[sample(11, 800)]);
        assert!(matches!(odd, Err(MemoryError::Samples)));
    }

    #[test]
    fn the_kernels_account_is_read() {
        let text = "55-7f ---p [rollup]\nRss:                2232 kB\nPss: 1 kB\nAnonHugePages:     0 kB\n";
        assert_eq!(kilobytes(text, "Rss:"), Some(2_232));
        assert_eq!(kilobytes(text, "AnonHugePages:"), Some(0));
        assert_eq!(kilobytes(text, "Swap:"), None);
        assert_eq!(kilobytes("Rss: many kB", "Rss:"), None);
    }
}
