//! The handle of an exchange: opening it as the primary or as a standby, submitting to it, looking at it.

use crate::account_at::{AccountAt, AccountAtError, At, HoldUnits};
use crate::acknowledged::AcknowledgedMark;
use crate::applied::{Outcome, Run};
use crate::catalogue::{AssetListing, MarketListing, assets, markets};
use crate::clock::Clock;
use crate::error::{ExchangeError, SubmitError};
use crate::history::History;
use crate::market_data::MarketData;
use crate::projecting::{self, Projecting, ProjectionLag, ToProject, Waiting};
use crate::projection::{PROJECTIONS, Projector};
use crate::recovery::{NoRuns, Place, Recovery, Replica, joined};
use crate::replay::{apply_batch, log_address, projections_address, snapshots_path};
use crate::sequencer::{BATCH_COMMANDS_MAX, QUEUE_MAX, Request, Sequencer};
use crate::snapshot_keeper::{LastSnapshot, SnapshotSchedule, keep, last_snapshot};
use crate::standby::{AskedToTakeOver, Follower, TakenOver};
use crate::statement::{Period, Statement, StatementError};
use ensoex_engine::{Command, Engine};
use ensoex_log::{AnyLog, Batch, CommandLog as _, Head, LogAddress, LogError, Opening, Takeover};
use ensoex_sql::{Address, Database};
use ensoex_types::{AccountId, AssetId, Sequence, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Runs of applied commands that a slow reader of the feed may lag behind.
const FEED_MAX: usize = 2_048;
/// Commands that the projections may be behind a start; if it is more, they catch up while the exchange runs.
const PROJECTED_AT_START_MAX: u64 = 100_000;
/// How often a start looks whether another's lease has expired.
const LEASE_LOOK_EVERY: Duration = Duration::from_millis(100);

/// What an exchange is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It follows another's log and records nothing.
    Standby,
    /// It records.
    Primary {
        /// Its epoch in the log.
        epoch: u64,
    },
    /// It has ended; the process should end too.
    Stopped(StopReason),
}

/// Why an exchange has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Another writer took over its log.
    Fenced,
    /// It can no longer be sure of its log: start again and replay.
    Unsure,
    /// It was told to end.
    Closed,
}

pub(crate) struct Shared {
    pub(crate) state: RwLock<State>,
    requests: mpsc::Sender<Request>,
    feed: broadcast::Sender<Run>,
    history: History,
    role: watch::Receiver<Role>,
    last_snapshot: watch::Receiver<Option<LastSnapshot>>,
    projected: watch::Receiver<Sequence>,
    take_over: mpsc::Sender<AskedToTakeOver>,
    waiting: Waiting,
    closing: watch::Sender<bool>,
    clock: Clock,
}

pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) market_data: MarketData,
}

impl State {
    /// Applies a batch; answers what each command did.
    pub(crate) fn apply(&mut self, batch: &Batch, commands: Vec<Command>) -> Run {
        let run = apply_batch(&mut self.engine, batch, commands);
        self.market_data.record(batch.at, run.events());
        run
    }
}

/// What an exchange needs to run.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Where its files lie; created if absent.
    pub directory: PathBuf,
    /// Where its log is.
    pub log: LogAddress,
    /// Where its projections are.
    pub projections: Address,
    /// How the log is opened for writing.
    pub opening: Opening,
    /// When snapshots are taken.
    pub snapshots: SnapshotSchedule,
    /// Go on with a log that lacks what was acknowledged, if it ends right here.
    pub accept_loss_after: Option<Sequence>,
    /// Where the stamps come from.
    pub clock: Clock,
    /// Where projections are written and snapshots taken, if not among the tasks that answer: a runtime whose threads give way
    /// to theirs, so that neither ever takes the processor from an answer.
    pub background: Option<Handle>,
    /// Where the log is written and what is durable is applied, if not among the tasks that answer: a runtime with a thread of its
    /// own, so that what is durable does not wait behind those whom the batch before it woke.
    pub sequencing: Option<Handle>,
}

impl ExchangeConfig {
    /// The usual, with all files in `directory`.
    pub fn new(directory: &Path) -> ExchangeConfig {
        ExchangeConfig {
            directory: directory.to_path_buf(),
            log: log_address(directory),
            projections: projections_address(directory),
            opening: Opening::default(),
            snapshots: SnapshotSchedule::default(),
            accept_loss_after: None,
            clock: Clock::system(),
            background: None,
            sequencing: None,
        }
    }

    /// Whether a standby's projections are its own, and not those that the primary writes: a file that does not lie beside the
    /// primary's log.
    pub(crate) fn own_projections(&self) -> bool {
        let beside = matches!(&self.log, LogAddress::Sqlite(path) if path.parent() == Some(&self.directory));
        self.projections.path().is_some() && !beside
    }
}

/// The usual, with all files in one directory.
impl From<&Path> for ExchangeConfig {
    fn from(directory: &Path) -> ExchangeConfig {
        ExchangeConfig::new(directory)
    }
}

/// Handle to the running exchange; cheap to clone.
#[derive(Clone)]
pub struct Exchange(Arc<Shared>);

impl Exchange {
    /// Opens the exchange in `directory` as [`Exchange::start`] does, with the usual settings.
    ///
    /// # Errors
    /// As [`Exchange::start`].
    pub async fn open(directory: &Path) -> Result<Exchange, ExchangeError> {
        Exchange::start(ExchangeConfig::new(directory)).await
    }

    /// Opens an exchange as the primary (creating it if absent): loads the newest snapshot, replays the log after it, brings the
    /// projections up to date, starts the sequencer. Must be called within a tokio runtime.
    ///
    /// With [`ensoex_log::Takeover::IfLeaseExpired`] it waits for the lease of a primary that has gone.
    ///
    /// # Errors
    /// [`ExchangeError`] in a sentence that says what to do; nothing is changed then.
    pub async fn start(config: ExchangeConfig) -> Result<Exchange, ExchangeError> {
        let directory = &config.directory;
        std::fs::create_dir_all(directory).map_err(ExchangeError::Directory)?;
        let mut mark = AcknowledgedMark::open(directory)?;
        let log = open_log(&config).await?;
        let end = log.head();
        if let Some(named) = config.accept_loss_after {
            accept_loss(&mut mark, &config, (named, end)).await?;
        }
        let mut projector = open_projector(&config).await?;
        let (last, seen) = (last_of(&end), projector.projected());
        if last < seen {
            return Err(ExchangeError::LogTooShort { log: last, seen });
        }
        let later = last.0 - seen.0 > PROJECTED_AT_START_MAX;
        let after = if later { Sequence(u64::MAX) } else { seen };
        let recovery = Recovery {
            snapshots: &snapshots_path(directory),
            snapshot_max: after,
            events_after: after,
            acknowledged: mark.place(),
            whole_chain: true,
        };
        let (replica, log) = match later {
            true => recovery.run(log, &mut NoRuns).await?,
            false => recovery.run(log, &mut projector).await?,
        };
        let role = Role::Primary { epoch: end.epoch };
        let place = (replica.reached, replica.last_at);
        let (exchange, parts) = assemble(replica, projector.projected(), &config, role).await?;
        if later {
            parts.outlet.to_project.miss();
        }
        parts.begin(log, place, mark, projector);
        Ok(exchange)
    }

    /// Opens an exchange as a standby: it follows the log of a primary and can take over from it. Must be called within a
    /// tokio runtime.
    ///
    /// With a lease in [`ExchangeConfig::opening`] it takes over by itself once the primary's has expired.
    ///
    /// # Errors
    /// [`ExchangeError`]: there is no log yet, or it cannot be read.
    pub async fn follow(config: ExchangeConfig) -> Result<Exchange, ExchangeError> {
        let directory = &config.directory;
        std::fs::create_dir_all(directory).map_err(ExchangeError::Directory)?;
        // Opened for a moment only: while the primary lives, the mark is its own.
        let acknowledged = AcknowledgedMark::open(directory)?.place();
        let projector = open_projector(&config).await?;
        let log = AnyLog::open_read_only(&config.log).await?;
        let recovery = Recovery {
            snapshots: &snapshots_path(directory),
            snapshot_max: Sequence(u64::MAX),
            events_after: Sequence(u64::MAX),
            // A reader beside a writer may see a little less than what the writer acknowledged since.
            acknowledged: acknowledged.filter(|place| place.sequence <= last_of(&log.head())),
            whole_chain: true,
        };
        let (replica, log) = recovery.run(log, &mut NoRuns).await?;
        let place = (replica.reached, replica.last_at);
        let (exchange, parts) = assemble(replica, projector.projected(), &config, Role::Standby).await?;
        tokio::spawn(Follower::new(parts, (log, place), projector).run());
        Ok(exchange)
    }

    /// Records and applies one command. A refusal by the engine is an [`Event::Rejected`] in the outcome.
    ///
    /// # Errors
    /// [`SubmitError`] when there is no outcome.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        let (run, position) = self.ask(command, Vec::new()).await?;
        run.outcome(position).ok_or(SubmitError::OutcomeUnknown)
    }

    /// Records and applies several commands, consecutive in the log and durable together.
    ///
    /// # Errors
    /// [`SubmitError`]; more than 1,024 commands at once are [`SubmitError::Overloaded`].
    pub async fn submit_all(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, SubmitError> {
        let count = commands.len();
        if count > BATCH_COMMANDS_MAX {
            return Err(SubmitError::Overloaded);
        }
        let mut commands = commands.into_iter();
        let Some(first) = commands.next() else {
            return Ok(Vec::new());
        };
        let (run, position) = self.ask(first, commands.collect()).await?;
        let positions = position..position + count;
        Ok(positions.filter_map(|position| run.outcome(position)).collect())
    }

    async fn ask(&self, first: Command, more: Vec<Command>) -> Result<(Run, usize), SubmitError> {
        match *self.0.role.borrow() {
            Role::Primary { .. } => {}
            Role::Standby => return Err(SubmitError::LogUnavailable),
            Role::Stopped(_) => return Err(SubmitError::Stopped),
        }
        let (reply, answer) = oneshot::channel();
        self.0
            .requests
            .try_send(Request { first, more, reply })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SubmitError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => SubmitError::Stopped,
            })?;
        answer.await.unwrap_or(Err(SubmitError::OutcomeUnknown))
    }

    /// A short look at the engine's state. Do not wait inside.
    pub fn read<R>(&self, look: impl FnOnce(&Engine) -> R) -> R {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner).engine)
    }

    /// A short look at the market data. Do not wait inside.
    pub fn market_data<R>(&self, look: impl FnOnce(&MarketData) -> R) -> R {
        look(
            &self
                .0
                .state
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .market_data,
        )
    }

    /// Every command applied from now on, in order.
    pub fn feed(&self) -> broadcast::Receiver<Run> {
        self.0.feed.subscribe()
    }

    /// The projections.
    pub fn history(&self) -> &History {
        &self.0.history
    }

    /// What an account had, and which of its orders were open, at a moment of the past.
    ///
    /// Costs about the same however long ago that is. A time after the last command must be [`crate::SETTLED_AFTER`] old.
    ///
    /// # Errors
    /// [`AccountAtError`] in a sentence that says which moments can be asked for.
    pub async fn account_at(&self, account: AccountId, at: At) -> Result<AccountAt, AccountAtError> {
        let units = |market| self.read(|engine| HoldUnits::of(engine, market));
        self.0
            .history
            .account_at(account, at, self.0.clock.now(), units)
            .await
    }

    /// An account's statement of one asset or all: what it had before a period, how many entries there are in it (counted
    /// up to one more than `entries_max`), and what it had after.
    ///
    /// # Errors
    /// [`StatementError`] in a sentence that says what can be asked for.
    pub async fn statement(
        &self,
        account: AccountId,
        asset: Option<AssetId>,
        period: Period,
        entries_max: u64,
    ) -> Result<Statement, StatementError> {
        let units = |market| self.read(|engine| HoldUnits::of(engine, market));
        let history = &self.0.history;
        history
            .statement(account, asset, period, entries_max, self.0.clock.now(), units)
            .await
    }

    /// The market with this API name; of several, the one listed last: the others were delisted.
    pub fn market_by_symbol(&self, symbol: &str) -> Option<MarketListing> {
        self.markets()
            .into_iter()
            .rev()
            .find(|market| market.spec.symbol == symbol)
    }

    /// All markets, in the order listed.
    pub fn markets(&self) -> Vec<MarketListing> {
        self.read(markets)
    }

    /// The asset with this code.
    pub fn asset_by_code(&self, code: &str) -> Option<AssetListing> {
        self.assets().into_iter().find(|asset| asset.code == code)
    }

    /// All assets, in the order listed.
    pub fn assets(&self) -> Vec<AssetListing> {
        self.read(assets)
    }

    /// The newest snapshot; none before the first.
    pub fn last_snapshot(&self) -> Option<LastSnapshot> {
        *self.0.last_snapshot.borrow()
    }

    /// What it is at the moment.
    pub fn role(&self) -> Role {
        *self.0.role.borrow()
    }

    /// Returns once it is the primary, or has ended.
    pub async fn no_longer_standby(&self) -> Role {
        let mut role = self.0.role.clone();
        match role.wait_for(|role| *role != Role::Standby).await {
            Ok(role) => *role,
            Err(_gone) => Role::Stopped(StopReason::Unsure),
        }
    }

    /// Makes a standby the primary, whether or not the old one is alive.
    ///
    /// # Errors
    /// [`ExchangeError`] when the log cannot be opened for writing: it goes on as a standby. [`ExchangeError::NoStandby`]
    /// when it is none.
    pub async fn take_over(&self) -> Result<TakenOver, ExchangeError> {
        let (reply, answer) = oneshot::channel();
        if self.role() != Role::Standby || self.0.take_over.send(reply).await.is_err() {
            return Err(ExchangeError::NoStandby);
        }
        answer.await.unwrap_or(Err(ExchangeError::Interrupted))
    }

    /// How far the projections are behind.
    pub fn projection_lag(&self) -> ProjectionLag {
        let applied = self.read(|engine| engine.sequence());
        self.0.waiting.lag(applied, self.projected())
    }

    /// Ends it: what was submitted before is recorded or refused, and a standby need not wait for the lease to expire.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        self.stopped().await;
    }

    /// Last command that the projections have taken in.
    pub fn projected(&self) -> Sequence {
        *self.0.projected.borrow()
    }

    /// Returns once the exchange can no longer record anything (fenced, or an unknown outcome): the process should end
    /// and be started again.
    pub async fn stopped(&self) -> StopReason {
        let mut role = self.0.role.clone();
        let stopped = role.wait_for(|role| matches!(role, Role::Stopped(_))).await;
        match stopped.as_deref() {
            Ok(Role::Stopped(reason)) => *reason,
            _ => StopReason::Unsure,
        }
    }
}

pub(crate) fn last_of(head: &Head) -> Sequence {
    Sequence(head.next_sequence.0.saturating_sub(1))
}

/// Opens the log for writing; waits out a lease that nobody renews.
async fn open_log(config: &ExchangeConfig) -> Result<AnyLog, ExchangeError> {
    let patience = config.opening.lease.unwrap_or_default() + LEASE_LOOK_EVERY;
    let give_up = tokio::time::Instant::now() + patience;
    let mut opening = config.opening.clone();
    loop {
        match open_for_writing(config, &opening).await {
            // Nobody has ever held it: it is new.
            Err(ExchangeError::Log(LogError::LeaseHeld { epoch: 0, .. })) => opening.takeover = Takeover::Now,
            Err(ExchangeError::Log(LogError::LeaseHeld { .. })) if tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(LEASE_LOOK_EVERY).await;
            }
            opened => return opened,
        }
    }
}

/// Opens the log where it will be written: a connection is of the runtime that opened it.
pub(crate) async fn open_for_writing(
    config: &ExchangeConfig,
    opening: &Opening,
) -> Result<AnyLog, ExchangeError> {
    let Some(sequencing) = &config.sequencing else {
        return Ok(AnyLog::open(&config.log, opening).await?);
    };
    let (log, opening) = (config.log.clone(), opening.clone());
    let opening = sequencing.spawn(async move { AnyLog::open(&log, &opening).await });
    Ok(joined(opening).await??)
}

async fn open_projector(config: &ExchangeConfig) -> Result<Projector, ExchangeError> {
    let database = Database::open(&config.projections, &PROJECTIONS).await?;
    Ok(Projector::new(database).await?)
}

/// The log ends where somebody said that it does: that is the truth from now on.
async fn accept_loss(
    mark: &mut AcknowledgedMark,
    config: &ExchangeConfig,
    (named, end): (Sequence, Head),
) -> Result<(), ExchangeError> {
    let log = last_of(&end);
    if named != log {
        return Err(ExchangeError::OtherLoss { named, log });
    }
    let place = (log.0 > 0).then_some(Place {
        sequence: log,
        hash: end.hash,
    });
    // Once accepted, starting again in the same words changes nothing.
    let known = mark.place().filter(|place| place.sequence.0 > 0);
    if known == place {
        return Ok(());
    }
    let ahead = open_projector(config).await?.projected() > log;
    mark.accept_loss(&config.directory, place, config.clock.now())?;
    if ahead {
        Database::remove(&config.projections, &PROJECTIONS).await?;
    }
    Ok(())
}

/// What a sequencer needs, or a standby until it has one.
pub(crate) struct Parts {
    pub(crate) config: ExchangeConfig,
    pub(crate) incoming: mpsc::Receiver<Request>,
    pub(crate) outlet: Outlet,
    pub(crate) projecting: Projecting,
    pub(crate) role: watch::Sender<Role>,
    pub(crate) take_over: mpsc::Receiver<AskedToTakeOver>,
    pub(crate) closing: watch::Receiver<bool>,
    snapshots: watch::Sender<Option<LastSnapshot>>,
}

/// Where it goes that something was applied.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) shared: Weak<Shared>,
    pub(crate) feed: broadcast::Sender<Run>,
    pub(crate) to_project: ToProject,
    pub(crate) applied: Arc<watch::Sender<Sequence>>,
    /// Where answers are handed out, unless by the sequencer itself: waking many is work that it need not wait for.
    pub(crate) answering: Option<Handle>,
}

impl Outlet {
    /// Tells the feed.
    pub(crate) fn publish(&self, run: &Run) {
        let _no_reader = self.feed.send(run.clone());
    }
}

async fn assemble(
    replica: Replica,
    projected: Sequence,
    config: &ExchangeConfig,
    role: Role,
) -> Result<(Exchange, Parts), ExchangeError> {
    let (requests, incoming) = mpsc::channel(QUEUE_MAX);
    let (feed, _) = broadcast::channel(FEED_MAX);
    let (role, role_receiver) = watch::channel(role);
    let (applied, applied_receiver) = watch::channel(replica.engine.sequence());
    let (projected, projected_receiver) = watch::channel(projected);
    let (snapshots, last_snapshot) = watch::channel(last_snapshot(&config.directory));
    let (take_over, asked) = mpsc::channel(1);
    let (closing, told_to_close) = watch::channel(false);
    let (to_project, projecting) = projecting::queue(config, projected);
    let history = History::open(&config.projections, applied_receiver, projected_receiver.clone()).await?;
    let shared = Arc::new(Shared {
        state: RwLock::new(State {
            engine: replica.engine,
            market_data: replica.market_data,
        }),
        requests,
        feed: feed.clone(),
        history,
        role: role_receiver,
        last_snapshot,
        projected: projected_receiver,
        take_over,
        waiting: to_project.waiting(),
        closing,
        clock: config.clock.clone(),
    });
    let outlet = Outlet {
        shared: Arc::downgrade(&shared),
        feed,
        to_project,
        applied: Arc::new(applied),
        answering: config.sequencing.as_ref().map(|_| Handle::current()),
    };
    let parts = Parts {
        config: config.clone(),
        incoming,
        outlet,
        projecting,
        role,
        take_over: asked,
        closing: told_to_close,
        snapshots,
    };
    Ok((Exchange(shared), parts))
}

impl Parts {
    /// Starts the tasks of a primary.
    pub(crate) fn begin(
        self,
        log: AnyLog,
        (_, last_at): (Head, Timestamp),
        mark: AcknowledgedMark,
        projector: Projector,
    ) {
        mark.keep_synced();
        let background = self.config.background.clone().unwrap_or_else(Handle::current);
        background.spawn(keep(
            self.config.clone(),
            self.outlet.applied.subscribe(),
            self.snapshots,
        ));
        background.spawn(self.projecting.run(projector));
        let sequencer = Sequencer {
            log,
            clock: self.config.clock.clone(),
            last_at,
            mark,
            outlet: self.outlet,
            role: self.role,
            lease: self.config.opening.lease,
            closing: self.closing,
        };
        let sequencing = self.config.sequencing.clone().unwrap_or_else(Handle::current);
        sequencing.spawn(sequencer.run(self.incoming));
    }
}
