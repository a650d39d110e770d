//! Proves an exchange's files from the outside: replays the log into a fresh engine and fresh projections and compares.
//!
//! Only reads; a running exchange is not disturbed.

use crate::market_data::MarketData;
use crate::projection::Projector;
use crate::replay::{
    LogReader, apply_batch, decode, log_address, projections_in_memory, projections_path, snapshots_path,
};
use crate::sequencer::ExchangeError;
use crate::snapshot;
use ensoex_engine::{Engine, Event};
use ensoex_log::{AnyLog, Batch, LogError};
use ensoex_types::{AccountId, Amount, AssetId, Sequence};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
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
const PROJECTIONS: &str = "projections equal to the replay";

/// Replays the log in `directory` and compares everything else with it.
///
/// # Errors
/// [`ExchangeError`] when the files cannot be read at all; what is wrong in them is a [`Finding`].
pub async fn verify(directory: &Path) -> Result<VerifyReport, ExchangeError> {
    let mut stored = open_stored(directory).await?;
    // One transaction, so that a running exchange cannot move the projections while they are compared.
    sqlx::query("BEGIN")
        .execute(&mut stored)
        .await
        .map_err(ExchangeError::Projections)?;
    let projected: i64 = sqlx::query_scalar("SELECT sequence FROM progress WHERE id = 1")
        .fetch_one(&mut stored)
        .await
        .map_err(ExchangeError::Projections)?;
    let projected = Sequence(u64::try_from(projected).unwrap_or_default());
    let fresh = projections_in_memory().await?;
    let mut projector = Projector::new(fresh).await.map_err(ExchangeError::Projections)?;

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
    let mut snapshots = Snapshots::list(directory)?;
    let mut reader = LogReader::new(AnyLog::open_read_only(&log_address(directory)).await?);
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
            let mut run = apply_batch(&mut engine, batch, decode(batch)?);
            report.batches += 1;
            report.commands += u64::from(batch.count);
            for one in &run {
                market_data.record(one.at, &one.events);
            }
            snapshots.compare(&engine, &market_data, batch);
            report.trades += run.iter().map(|one| trades_in(&one.events)).sum::<u64>();
            run.retain(|one| one.sequence <= projected);
            if !run.is_empty() {
                projector
                    .project(&run)
                    .await
                    .map_err(ExchangeError::Projections)?;
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
    let wrong = compare_entries(&mut stored, &balances_then)
        .await
        .map_err(ExchangeError::Projections)?;
    report.findings.push(Finding { name: ENTRIES, wrong });
    let wrong = compare_tables(&mut stored, &mut projector.into_connection())
        .await
        .map_err(ExchangeError::Projections)?;
    report.findings.push(Finding {
        name: PROJECTIONS,
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

async fn open_stored(directory: &Path) -> Result<SqliteConnection, ExchangeError> {
    SqliteConnectOptions::new()
        .filename(projections_path(directory))
        .read_only(true)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(ExchangeError::Projections)
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

async fn compare_entries(
    stored: &mut SqliteConnection,
    expected: &Totals,
) -> Result<Option<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT account, asset, amount FROM entries")
        .fetch_all(stored)
        .await?;
    let mut sums = Totals::new();
    for row in &rows {
        let account = AccountId(u32::try_from(row.get::<i64, _>(0)).unwrap_or_default());
        let asset = AssetId(u16::try_from(row.get::<i64, _>(1)).unwrap_or_default());
        let Ok(amount) = row.get::<String, _>(2).parse::<i128>() else {
            return Ok(Some(format!(
                "A ledger entry of account {account} is not a number."
            )));
        };
        let sum = sums.entry((account, asset)).or_default();
        sum.0 = sum.0.saturating_add(amount);
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

/// A table of the projections: its columns, those of its primary key first and in order.
struct Table {
    name: String,
    keys: Vec<String>,
    columns: Vec<String>,
}

impl Table {
    /// Each row as one text, by key.
    fn statement(&self) -> String {
        let quoted: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("quote({column})"))
            .collect();
        format!(
            "SELECT {} FROM {} ORDER BY {}",
            quoted.join(" || '|' || "),
            self.name,
            self.keys.join(", ")
        )
    }
}

/// All tables that the migrations made, so that none can be forgotten.
async fn tables(fresh: &mut SqliteConnection) -> Result<Vec<Table>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT GLOB '_sqlx*'
         ORDER BY name",
    )
    .fetch_all(&mut *fresh)
    .await?;
    let mut tables = Vec::new();
    for name in names {
        let columns = sqlx::query("SELECT name, pk FROM pragma_table_info($1) ORDER BY pk = 0, pk, cid")
            .bind(&name)
            .fetch_all(&mut *fresh)
            .await?;
        let is_key = |row: &&sqlx::sqlite::SqliteRow| row.get::<i64, _>(1) > 0;
        tables.push(Table {
            name,
            keys: columns.iter().filter(is_key).map(|row| row.get(0)).collect(),
            columns: columns.iter().map(|row| row.get(0)).collect(),
        });
    }
    Ok(tables)
}

async fn compare_tables(
    stored: &mut SqliteConnection,
    fresh: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    for table in tables(fresh).await? {
        let name = &table.name;
        let statement = || sqlx::query_scalar(sqlx::AssertSqlSafe(table.statement()));
        let stored_rows: Vec<String> = statement().fetch_all(&mut *stored).await?;
        let fresh_rows: Vec<String> = statement().fetch_all(&mut *fresh).await?;
        if stored_rows.len() != fresh_rows.len() {
            return Ok(Some(format!(
                "The table {name} has {} rows, but the replay gives {}.",
                stored_rows.len(),
                fresh_rows.len()
            )));
        }
        let mut pairs = stored_rows.iter().zip(&fresh_rows);
        if let Some((found, _)) = pairs.find(|(found, expected)| found != expected) {
            let place: Vec<&str> = found.split('|').take(table.keys.len()).collect();
            return Ok(Some(format!(
                "The table {name} differs from the replay at {} = {}.",
                table.keys.join(", "),
                place.join(", ")
            )));
        }
    }
    Ok(None)
}
