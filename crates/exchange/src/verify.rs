//! Proves an exchange's files from the outside: replays the log into a fresh engine and fresh projections and compares.
//!
//! Only reads; a running exchange is not disturbed.

use crate::error::ExchangeError;
use crate::exchange::ExchangeConfig;
use crate::market_data::MarketData;
use crate::projection::{PROJECTIONS, Projector};
use crate::replay::{LogReader, apply_batch, decode, snapshots_path};
use crate::snapshot;
use ensoex_engine::{Engine, Event};
use ensoex_log::{AnyLog, Batch, LogError};
use ensoex_sql::{Address, Database, SqlError, Table, Transaction, Value};
use ensoex_types::{AccountId, Amount, AssetId, Sequence};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was proven, or not.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// Commands replayed.
    pub commands: u64,
    /// Batches replayed.
    pub batches: u64,
    /// Trades in the replay.
    pub trades: u64,
    /// Last command that the projections had taken in.
    pub projected: Sequence,
    /// SHA-256 of the engine's state after the replay.
    pub state_hash: [u8; 32],
    /// Each proof with its result.
    pub findings: Vec<Finding>,
}

/// One proof.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was to be shown.
    pub name: &'static str,
    /// A plain sentence for what is wrong; none when it holds.
    pub wrong: Option<String>,
}

impl VerifyReport {
    /// Every proof holds.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.wrong.is_none())
    }
}

const CHAIN: &str = "hash chain whole";
const ZERO: &str = "each asset sums to zero; no available balance is negative; holds match";
const ENTRIES: &str = "ledger entries sum to the balances";
const SNAPSHOTS: &str = "each snapshot equal to the replay at its sequence";
const PROJECTED_EQUALS: &str = "projections equal to the replay";

ensoex_sql::statements! {
    STATEMENTS;
    PROJECTED = "SELECT sequence FROM progress WHERE id = 1";
    ENTRY_PAGE = "SELECT entry, account, asset, amount FROM entries WHERE entry > $1 ORDER BY entry LIMIT $2";
}

/// Rows that are compared at once.
const PAGE_ROWS: u32 = 10_000;

/// Replays the log of an exchange and compares everything else with it.
///
/// # Errors
/// [`ExchangeError`] when something cannot be read at all; what is wrong in it is a [`Finding`].
pub async fn verify(config: impl Into<ExchangeConfig>) -> Result<VerifyReport, ExchangeError> {
    let config = config.into();
    let stored = Database::open_read_only(&config.projections, &PROJECTIONS).await?;
    // One moment, so that a running exchange cannot move the projections while they are compared.
    let mut stored = stored.snapshot().await?;
    let projected: i64 = stored.fetch_value(PROJECTED).await?;
    let projected = Sequence(u64::try_from(projected).unwrap_or_default());
    let fresh = Database::open(&Address::memory(), &PROJECTIONS).await?;
    let mut projector = Projector::new(fresh).await?;

    let mut report = VerifyReport {
        commands: 0,
        batches: 0,
        trades: 0,
        projected,
        state_hash: [0; 32],
        findings: Vec::new(),
    };
    let mut engine = Engine::new();
    // Progress is always the end of a batch, or the very beginning.
    let mut balances_then = (projected.0 == 0).then(Totals::new);
    // Listed before the log is opened, so that none can be of a command after its end.
    let mut snapshots = Snapshots::list(&config.directory)?;
    let mut reader = LogReader::new(AnyLog::open_read_only(&config.log).await?);
    let mut chain = None;
    let mut market_data = MarketData::default();
    loop {
        let batches = match reader.next().await {
            Ok(batches) if batches.is_empty() => break,
            Ok(batches) => batches,
            Err(error @ ExchangeError::Log(LogError::Damaged { .. })) => {
                chain = Some(format!("{error}."));
                break;
            }
            Err(error) => return Err(error),
        };
        for batch in &batches {
            let run = apply_batch(&mut engine, batch, decode(batch)?);
            report.batches += 1;
            report.commands += u64::from(batch.count);
            market_data.record(batch.at, run.events());
            snapshots.compare(&engine, &market_data, batch);
            report.trades += trades_in(run.events());
            if run.last_sequence() <= projected {
                projector.project(&[run]).await?;
            }
            let last = batch.first_sequence.0 + u64::from(batch.count) - 1;
            if balances_then.is_none() && last >= projected.0 {
                balances_then = Some(totals(&engine));
            }
        }
    }
    if chain.is_none() && engine.sequence() < projected {
        chain = Some(format!(
            "The log ends at sequence {} but sequence {projected} was acknowledged: part of the log is lost.",
            engine.sequence()
        ));
    }
    report.findings.push(Finding {
        name: SNAPSHOTS,
        wrong: snapshots.finish(engine.sequence()),
    });
    report.state_hash = engine.state_hash();
    report.findings.push(Finding {
        name: CHAIN,
        wrong: chain,
    });
    report.findings.push(Finding {
        name: ZERO,
        wrong: engine.check_invariants().err(),
    });
    let balances_then = balances_then.unwrap_or_else(|| totals(&engine));
    let wrong = compare_entries(&mut stored, &balances_then).await?;
    report.findings.push(Finding { name: ENTRIES, wrong });
    let mut fresh = projector.database().snapshot().await?;
    let wrong = compare_tables(&mut stored, &mut fresh).await?;
    report.findings.push(Finding {
        name: PROJECTED_EQUALS,
        wrong,
    });
    Ok(report)
}

/// The snapshots of an exchange, held against the replay as it passes them.
struct Snapshots {
    /// Newest first.
    left: Vec<(Sequence, PathBuf)>,
    wrong: Option<String>,
}

impl Snapshots {
    fn list(directory: &Path) -> Result<Snapshots, ExchangeError> {
        let left = snapshot::list(&snapshots_path(directory)).map_err(ExchangeError::Snapshots)?;
        Ok(Snapshots { left, wrong: None })
    }

    /// The replay has just applied `batch`.
    fn compare(&mut self, engine: &Engine, market_data: &MarketData, batch: &Batch) {
        let reached = engine.sequence();
        while let Some((sequence, path)) = self.left.pop_if(|(sequence, _)| *sequence <= reached) {
            let wrong = match snapshot::read(&path) {
                // A running exchange removes old ones.
                Err(_) if !path.exists() => None,
                Err(error) => Some(error.to_string()),
                Ok(_) if sequence != reached => {
                    Some(format!("The snapshot {sequence} is not of the end of a batch"))
                }
                Ok(read) if read.header.log_hash != batch.hash => {
                    Some(format!("The snapshot {sequence} was taken from another log"))
                }
                Ok(read) if read.header.state_hash != engine.state_hash() => Some(format!(
                    "The state in the snapshot {sequence} is not what the replay gives"
                )),
                Ok(read) if read.market_data != *market_data => Some(format!(
                    "The market data in the snapshot {sequence} are not what the replay gives"
                )),
                Ok(_) => None,
            };
            self.wrong = self.wrong.take().or(wrong);
        }
    }

    /// The log has ended.
    fn finish(self, end: Sequence) -> Option<String> {
        let beyond = |(sequence, _): &(Sequence, PathBuf)| {
            format!("The snapshot {sequence} is of a command after the log's last, {end}")
        };
        self.wrong.or_else(|| self.left.first().map(beyond))
    }
}

fn trades_in(events: &[Event]) -> u64 {
    u64::try_from(
        events
            .iter()
            .filter(|event| matches!(event, Event::Trade(_)))
            .count(),
    )
    .unwrap_or_default()
}

type Totals = BTreeMap<(AccountId, AssetId), Amount>;

fn totals(engine: &Engine) -> Totals {
    let assets = (0..engine.assets().len())
        .filter_map(|index| u16::try_from(index).ok())
        .map(AssetId);
    let mut totals = Totals::new();
    for asset in assets {
        for account in engine.accounts() {
            let balance = engine.balance(account, asset);
            let total = balance.available.0 + balance.held.0;
            if total != 0 {
                totals.insert((account, asset), Amount(total));
            }
        }
    }
    totals
}

async fn compare_entries(stored: &mut Transaction, expected: &Totals) -> Result<Option<String>, SqlError> {
    let (mut sums, mut last) = (Totals::new(), i64::MIN);
    loop {
        let page = ENTRY_PAGE.bind(last).bind(i64::from(PAGE_ROWS));
        let rows = stored.fetch_all(page).await?;
        for row in &rows {
            last = row.get("entry")?;
            let account = AccountId(u32::try_from(row.unsigned("account")?).unwrap_or_default());
            let asset = AssetId(u16::try_from(row.unsigned("asset")?).unwrap_or_default());
            let Ok(amount) = row.get::<&str>("amount")?.parse::<i128>() else {
                return Ok(Some(format!(
                    "A ledger entry of account {account} is not a number."
                )));
            };
            let sum = sums.entry((account, asset)).or_default();
            sum.0 = sum.0.saturating_add(amount);
        }
        if rows.is_empty() {
            break;
        }
    }
    sums.retain(|_, sum| *sum != Amount::ZERO);
    if &sums == expected {
        return Ok(None);
    }
    let different = expected
        .keys()
        .chain(sums.keys())
        .find(|key| sums.get(key) != expected.get(key));
    Ok(different.map(|(account, asset)| {
        format!(
            "The ledger entries of account {account} in asset {asset} sum to {}, but the replay gives {}.",
            sums.get(&(*account, *asset)).copied().unwrap_or_default().0,
            expected.get(&(*account, *asset)).copied().unwrap_or_default().0,
        )
    }))
}

async fn compare_tables(
    stored: &mut Transaction,
    fresh: &mut Transaction,
) -> Result<Option<String>, SqlError> {
    for table in Table::all(&PROJECTIONS).await? {
        let mut after: Option<Vec<Value>> = None;
        loop {
            let found = table.rows_after(stored, after.as_deref(), PAGE_ROWS).await?;
            let expected = table.rows_after(fresh, after.as_deref(), PAGE_ROWS).await?;
            let rows = found.len().max(expected.len());
            let place = (0..rows).find(|place| found.get(*place) != expected.get(*place));
            if let Some(place) = place {
                return Ok(Some(difference(&table, found.get(place), expected.get(place))));
            }
            let Some(last) = expected.last() else {
                break;
            };
            after = Some(last.iter().take(table.keys.len()).cloned().collect());
        }
    }
    Ok(None)
}

/// Where a table first differs from the replay, in words.
fn difference(table: &Table, found: Option<&Vec<Value>>, expected: Option<&Vec<Value>>) -> String {
    let key = |row: &Vec<Value>| row.iter().take(table.keys.len()).cloned().collect::<Vec<_>>();
    let (name, keys) = (&table.name, table.keys.join(", "));
    let words = |row: &Vec<Value>| key(row).iter().map(word).collect::<Vec<_>>().join(", ");
    match (found, expected) {
        (Some(found), Some(expected)) if key(found) == key(expected) => {
            format!(
                "The table {name} differs from the replay at {keys} = {}.",
                words(found)
            )
        }
        (Some(found), expected) if expected.is_none_or(|expected| key(found) < key(expected)) => {
            format!(
                "The table {name} has a row that the replay does not give, at {keys} = {}.",
                words(found)
            )
        }
        (_, expected) => format!(
            "The table {name} lacks the row that the replay gives at {keys} = {}.",
            expected.map(words).unwrap_or_default()
        ),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::Bytes(value) => format!("{value:02x?}"),
        Value::NoInteger | Value::NoText | Value::NoBytes => "none".to_owned(),
    }
}
