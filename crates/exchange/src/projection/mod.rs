//! Builds the SQL projections (orders, trades, candles, ledger entries, balances by day, and what was open when) from applied commands.
//!
//! The projections hold nothing that the log does not: they can be dropped and rebuilt. Progress is
//! stored in the same transaction as the rows, so each command is projected exactly once.

mod candles;
mod columns;
mod ledger;
mod orders;

use crate::applied::{Applied, Run};
use crate::error::ExchangeError;
use crate::recovery::TakeRun;
pub(crate) use candles::{CANDLE_LENGTHS_MS, Candles, read_candle};
use ensoex_engine::{Command, Engine, Event};
use ensoex_sql::{Address, Database, Durability, Migration, SqlError, Statement, Store, Transaction};
use ensoex_types::{AccountId, AssetId, MarketId, MarketSpec, Sequence, Timestamp};

use ledger::Ledger;
use orders::{Orders, Placed};
use std::collections::BTreeMap;

ensoex_sql::statements! {
    STATEMENTS;
    SET_PROGRESS = "UPDATE progress SET sequence = $1 WHERE id = 1";
    LAST_MOMENT = "SELECT MAX(at_us) FROM moments";
    INSERT_MOMENT =
        "INSERT INTO moments (at_us, sequence) VALUES ($1, $2)
            ON CONFLICT (at_us) DO UPDATE SET sequence = excluded.sequence";
    PROGRESS = "SELECT sequence FROM progress WHERE id = 1";
    ASSET_LISTED = "INSERT INTO listed_assets (asset, sequence) VALUES ($1, $2)";
    ACCOUNT_OPENED = "INSERT INTO accounts (account, sequence) VALUES ($1, $2)";
}

/// The projections as a store.
pub static PROJECTIONS: Store = Store {
    name: "projections",
    migrations: &[
        Migration {
            version: 1,
            name: "projections",
            sqlite: include_str!("../../migrations/sqlite/0001_projections.sql"),
            postgres: include_str!("../../migrations/postgres/0001_projections.sql"),
        },
        Migration {
            version: 2,
            name: "candles and days",
            sqlite: include_str!("../../migrations/sqlite/0002_candles_and_days.sql"),
            postgres: include_str!("../../migrations/postgres/0002_candles_and_days.sql"),
        },
    ],
    statements: &[
        &STATEMENTS,
        &ledger::STATEMENTS,
        &orders::STATEMENTS,
        &candles::STATEMENTS,
        &crate::history::CANDLES,
        &crate::history::QUERIES,
        &crate::history::AS_OF,
        &crate::history::STATEMENTS,
        &crate::verify::STATEMENTS,
    ],
    durability: Durability::Rebuildable,
    overwrite_deleted: false,
    connections_max: 4,
    busy_ms_max: 10_000,
    answer_ms_max: 30_000,
};

/// Units of a market that entries need.
#[derive(Clone, Copy)]
struct Units {
    base: AssetId,
    quote: AssetId,
    lot_size: u64,
}

impl Units {
    fn of(spec: &MarketSpec) -> Units {
        Units {
            base: spec.base,
            quote: spec.quote,
            lot_size: spec.lot_size,
        }
    }
}

/// The command that an event belongs to.
#[derive(Clone, Copy)]
struct Origin {
    sequence: Sequence,
    at: Timestamp,
}

/// Writes projections into one database.
pub(crate) struct Projector {
    database: Database,
    projected: Sequence,
    units: BTreeMap<MarketId, Units>,
    orders: Orders,
    ledger: Ledger,
    candles: Candles,
    last_moment: Timestamp,
    /// What is kept in memory may differ from the tables and must be read from them anew.
    stale: bool,
}

impl Projector {
    /// Goes on where the projections stand.
    pub(crate) async fn new(database: Database) -> Result<Projector, SqlError> {
        let projected = stored_progress(&mut database.snapshot().await?).await?;
        Ok(Projector {
            database,
            projected,
            units: BTreeMap::new(),
            orders: Orders::default(),
            ledger: Ledger::default(),
            candles: Candles::default(),
            last_moment: Timestamp(0),
            stale: true,
        })
    }

    /// Lets go of the database and opens it anew.
    pub(crate) async fn reopen(&mut self, address: &Address) -> Result<(), SqlError> {
        let database = Database::open(address, &PROJECTIONS).await?;
        std::mem::replace(&mut self.database, database).close().await;
        self.stale = true;
        Ok(())
    }

    /// Last projected command.
    pub(crate) fn projected(&self) -> Sequence {
        self.projected
    }

    /// Looks how far the projections are when another process writes them.
    pub(crate) async fn refresh(&mut self) -> Result<(), SqlError> {
        let stored = stored_progress(&mut self.database.snapshot().await?).await?;
        self.stale |= stored != self.projected;
        self.projected = stored;
        Ok(())
    }

    /// The database.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Projects runs of commands in one transaction; those projected before are only learned from.
    pub(crate) async fn project(&mut self, runs: &[Run]) -> Result<(), SqlError> {
        let written = self.project_runs(runs).await;
        match written {
            Ok(reached) => self.projected = reached,
            Err(_) => self.stale = true,
        }
        written.map(|_| ())
    }

    async fn project_runs(&mut self, runs: &[Run]) -> Result<Sequence, SqlError> {
        let mut transaction = self.database.begin().await?;
        let reached = self.project_rows(&mut transaction, runs).await?;
        transaction.commit().await?;
        Ok(reached)
    }

    async fn project_rows(
        &mut self,
        transaction: &mut Transaction,
        runs: &[Run],
    ) -> Result<Sequence, SqlError> {
        // Asked anew within the transaction: a writer that was taken over may still have projected meanwhile.
        let mut reached = stored_progress(transaction).await?;
        if self.stale || reached != self.projected {
            self.reload(transaction).await?;
        }
        let mut moment: Option<Origin> = None;
        for applied in runs.iter().flat_map(Run::iter) {
            self.learn(&applied);
            if applied.sequence <= reached {
                continue;
            }
            let at = applied.at.max(self.last_moment);
            if let Some(passed) = moment.filter(|passed| passed.at != at) {
                self.moment(transaction, passed).await?;
            }
            self.command(transaction, &applied).await?;
            reached = applied.sequence;
            self.last_moment = at;
            moment = Some(Origin {
                sequence: reached,
                at,
            });
        }
        if let Some(last) = moment {
            self.moment(transaction, last).await?;
        }
        self.candles.write(transaction).await?;
        self.ledger.write_days(transaction).await?;
        transaction.execute(SET_PROGRESS.bind(integer(reached.0))).await?;
        Ok(reached)
    }

    async fn reload(&mut self, transaction: &mut Transaction) -> Result<(), SqlError> {
        self.orders = Orders::load(transaction).await?;
        self.ledger = Ledger::default();
        self.candles = Candles::default();
        let last: Option<i64> = transaction.fetch_value(LAST_MOMENT).await?;
        self.last_moment = Timestamp(last.and_then(|at| u64::try_from(at).ok()).unwrap_or_default());
        self.stale = false;
        Ok(())
    }

    /// Notes the last command of a moment. Moments never go backwards, whatever the clock did.
    async fn moment(&mut self, transaction: &mut Transaction, last: Origin) -> Result<(), SqlError> {
        transaction
            .execute(
                INSERT_MOMENT
                    .bind(integer(last.at.0))
                    .bind(integer(last.sequence.0)),
            )
            .await?;
        Ok(())
    }

    /// Learns of the markets that were listed before the first command that will be projected.
    pub(crate) fn know_markets(&mut self, engine: &Engine) {
        let markets = (0..engine.market_count()).filter_map(|index| u16::try_from(index).ok());
        for market in markets.map(MarketId) {
            if let Some(spec) = engine.market(market) {
                self.units.insert(market, Units::of(spec));
            }
        }
    }

    fn learn(&mut self, applied: &Applied<'_>) {
        let Command::ListMarket { market, spec } = applied.command else {
            return;
        };
        let listed = |event: &Event| matches!(event, Event::MarketListed { .. });
        if applied.events.iter().any(listed) {
            self.units.insert(*market, Units::of(spec));
        }
    }

    async fn command(
        &mut self,
        transaction: &mut Transaction,
        applied: &Applied<'_>,
    ) -> Result<(), SqlError> {
        let origin = Origin {
            sequence: applied.sequence,
            at: applied.at,
        };
        for event in applied.events {
            self.event(transaction, origin, applied.command, event).await?;
        }
        self.orders.end_command(transaction, origin).await
    }

    async fn event(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        command: &Command,
        event: &Event,
    ) -> Result<(), SqlError> {
        match event {
            Event::OrderAccepted {
                order,
                account,
                market,
                side,
                kind,
                client_order_id,
            } => {
                let placed = Placed {
                    key: (*market, *order),
                    account: *account,
                    side: *side,
                    kind: *kind,
                    client_order_id: *client_order_id,
                    self_trade_prevention: orders::self_trade_prevention(command),
                };
                self.orders.accepted(transaction, origin, &placed).await
            }
            Event::OcoAccepted {
                above,
                below,
                account,
                market,
                list_client_order_id,
            } => {
                let list = orders::List {
                    market: *market,
                    above: *above,
                    below: *below,
                    list_client_order_id: *list_client_order_id,
                };
                self.orders.list(transaction, origin, *account, list).await
            }
            Event::OrderTriggered { order, market, .. } => {
                self.orders
                    .triggered(transaction, origin, (*market, *order))
                    .await
            }
            Event::Trade(trade) => {
                self.orders.traded(transaction, origin, trade).await?;
                self.candles.traded(origin.at, trade);
                match self.units.get(&trade.market) {
                    Some(units) => self.ledger.traded(transaction, origin, *units, trade).await,
                    None => Ok(()),
                }
            }
            Event::MatchPrevented {
                market,
                account,
                price,
                quantity,
                maker_order,
                taker_order,
                ..
            } => {
                let prevented = orders::Prevented {
                    market: *market,
                    account: *account,
                    price: *price,
                    quantity: *quantity,
                    maker_order: *maker_order,
                    taker_order: *taker_order,
                };
                self.orders.prevented(transaction, origin, prevented).await
            }
            Event::OrderReduced {
                order, market, by, ..
            } => {
                self.orders
                    .reduced(transaction, origin, (*market, *order), *by)
                    .await
            }
            Event::OrderClosed {
                order,
                market,
                reason,
                ..
            } => {
                self.orders
                    .closed(transaction, origin, (*market, *order), *reason)
                    .await
            }
            Event::TransferPosted {
                transfer,
                debit,
                credit,
                asset,
                amount,
                code,
            } => {
                if matches!(command, Command::PostTransfer { .. }) {
                    self.ledger
                        .hold_ended(transaction, origin, *debit, *transfer)
                        .await?;
                }
                let moved = ledger::Moved {
                    transfer: *transfer,
                    debit: *debit,
                    credit: *credit,
                    asset: *asset,
                    amount: *amount,
                    code: *code,
                };
                self.ledger.posted(transaction, origin, moved).await
            }
            Event::TransferHeld {
                transfer,
                debit,
                asset,
                amount,
                ..
            } => ledger::hold_began(transaction, origin, *debit, *transfer, (*asset, *amount)).await,
            Event::TransferVoided { transfer, debit, .. } => {
                self.ledger
                    .hold_ended(transaction, origin, *debit, *transfer)
                    .await
            }
            Event::AssetListed { asset } => {
                since(transaction, ASSET_LISTED, i64::from(asset.0), origin.sequence).await
            }
            Event::AccountOpened { account } => {
                since(transaction, ACCOUNT_OPENED, id(*account), origin.sequence).await
            }
            Event::Rejected { .. }
            | Event::MarketListed { .. }
            | Event::MarketStateChanged { .. }
            | Event::AccountRestricted { .. }
            | Event::AccountTierChanged { .. }
            | Event::FeeTiersChanged { .. } => Ok(()),
        }
    }
}

impl TakeRun for Projector {
    fn begin(&mut self, engine: &Engine) {
        self.know_markets(engine);
    }

    async fn take(&mut self, runs: Vec<Run>) -> Result<(), ExchangeError> {
        Ok(self.project(&runs).await?)
    }
}

/// Notes since which command an asset or account is there.
async fn since(
    transaction: &mut Transaction,
    statement: Statement,
    id: i64,
    sequence: Sequence,
) -> Result<(), SqlError> {
    let row = statement.bind(id).bind(integer(sequence.0));
    transaction.execute(row).await?;
    Ok(())
}

async fn stored_progress(transaction: &mut Transaction) -> Result<Sequence, SqlError> {
    let sequence: i64 = transaction.fetch_value(PROGRESS).await?;
    Ok(Sequence(u64::try_from(sequence).unwrap_or_default()))
}

/// SQL integers are signed; ids, lots, ticks and times of listed markets stay below 2^63.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn id(account: AccountId) -> i64 {
    i64::from(account.0)
}
