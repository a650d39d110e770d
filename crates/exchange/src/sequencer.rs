//! The single writer: forms batches of what arrived meanwhile, makes them durable, applies them, answers.

use crate::account_at::{AccountAt, AccountAtError, At, HoldUnits};
use crate::catalogue::{AssetListing, MarketListing, assets, markets};
use crate::history::History;
use crate::market_data::MarketData;
use crate::projection::{PROJECTIONS, Projector};
use crate::recovery::Recovery;
use crate::replay::{apply_batch, encode, log_address, projections_address, snapshots_path};
use crate::snapshot_keeper::{LastSnapshot, SnapshotSchedule, keep, last_snapshot};
use crate::statement::{Period, Statement, StatementError};
use ensoex_engine::{Command, Engine, Event, Reject};
use ensoex_log::{AnyLog, AppendError, BATCH_BYTES_MAX, Batch, CommandLog, LogAddress, LogError, Opening};
use ensoex_sql::{Address, Database, SqlError};
use ensoex_types::{AccountId, AssetId, Sequence, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Commands in one batch at the most.
const BATCH_COMMANDS_MAX: usize = 1_024;
/// Requests that may wait for the sequencer; more are refused as [`SubmitError::Overloaded`].
const QUEUE_MAX: usize = 16_384;
/// Batches that may wait for the projections before the sequencer waits for them.
const PROJECTION_QUEUE_MAX: usize = 4_096;
/// Applied commands that a slow reader of the feed may lag behind.
const FEED_MAX: usize = 16_384;

/// A command that is durable and applied, with what it did.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// What was asked.
    pub command: Command,
    /// What happened; at least one.
    pub events: Arc<[Event]>,
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// What happened; at least one.
    pub events: Arc<[Event]>,
}

impl Outcome {
    /// Why it was refused, if it was.
    pub fn reject(&self) -> Option<Reject> {
        self.events.iter().find_map(|event| match event {
            Event::Rejected { reject } => Some(*reject),
            _ => None,
        })
    }
}

/// Why a command has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The log could not record it; nothing happened, trying again is safe.
    #[error("the exchange cannot record orders at the moment; nothing was moved")]
    LogUnavailable,
    /// Whether it was recorded is not known; look before trying again.
    #[error("the outcome is not known; look before trying again")]
    OutcomeUnknown,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    Stopped,
    /// Too many requests are waiting; nothing happened.
    #[error("too many requests are waiting; nothing was moved")]
    Overloaded,
}

/// Why an exchange cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch is in another version's encoding.
    #[error(
        "the log's batch at sequence {sequence} has encoding {found} and this version reads encoding {known} only: \
         open it with the version that wrote it, or start with an empty directory (the demo: --fresh)"
    )]
    UnknownEncoding {
        /// First command of the batch.
        sequence: Sequence,
        /// Its encoding.
        found: u8,
        /// The one that can be read.
        known: u8,
    },
    /// A batch does not hold what its encoding says.
    #[error("the log's batch at sequence {sequence} cannot be decoded")]
    Undecodable {
        /// First command of the batch.
        sequence: Sequence,
    },
    /// The projections cannot be used.
    #[error("{0}. Projections can be deleted and are then rebuilt from the log")]
    Projections(#[from] SqlError),
    /// The log ends before what was acknowledged from it.
    #[error(
        "the log ends at sequence {log} but sequence {seen} was acknowledged: part of the log is lost. \
         Restore the log before starting; nothing was changed"
    )]
    LogTooShort {
        /// Last sequence in the log.
        log: Sequence,
        /// Last sequence known to have been acknowledged.
        seen: Sequence,
    },
    /// The log holds something else than what was acknowledged.
    #[error(
        "the log holds something else at sequence {sequence} than what was acknowledged there: it is another log, or it was \
         altered. Restore the log before starting; nothing was changed"
    )]
    OtherThanAcknowledged {
        /// Where.
        sequence: Sequence,
    },
    /// The folder of snapshots cannot be used.
    #[error("the folder of snapshots cannot be used: {0}")]
    Snapshots(#[source] std::io::Error),
    /// There is no command yet.
    #[error("the log is empty: there is nothing to take a snapshot of")]
    NothingToSnapshot,
    /// The process is ending.
    #[error("the log was not read to its end: the process is ending")]
    Interrupted,
    /// The directory cannot be created.
    #[error("the directory of the exchange cannot be created: {0}")]
    Directory(#[source] std::io::Error),
}

struct Request {
    commands: Vec<Command>,
    reply: oneshot::Sender<Result<Vec<Outcome>, SubmitError>>,
}

struct Shared {
    state: RwLock<State>,
    requests: mpsc::Sender<Request>,
    feed: broadcast::Sender<Arc<Applied>>,
    history: History,
    stopped: watch::Receiver<bool>,
    last_snapshot: watch::Receiver<Option<LastSnapshot>>,
}

struct State {
    engine: Engine,
    market_data: MarketData,
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
        }
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

    /// Opens an exchange (creating it if absent): loads the newest snapshot, replays the log after it, brings the projections
    /// up to date, starts the sequencer. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ExchangeError`] in a sentence that says what to do; nothing is changed then.
    pub async fn start(config: ExchangeConfig) -> Result<Exchange, ExchangeError> {
        let directory = &config.directory;
        std::fs::create_dir_all(directory).map_err(ExchangeError::Directory)?;
        let projections = Database::open(&config.projections, &PROJECTIONS).await?;
        let mut projector = Projector::new(projections).await?;
        let seen = projector.projected();
        let log = AnyLog::open(&config.log, &config.opening).await?;
        let last = Sequence(log.head().next_sequence.0.saturating_sub(1));
        if last < seen {
            return Err(ExchangeError::LogTooShort { log: last, seen });
        }
        let recovery = Recovery {
            snapshots: &snapshots_path(directory),
            snapshot_max: seen,
            events_after: seen,
            acknowledged: None,
            whole_chain: true,
        };
        let (replica, log) = recovery.run(log, &mut projector).await?;
        let state = State {
            engine: replica.engine,
            market_data: replica.market_data,
        };
        Exchange::begin(state, (log, replica.last_at), projector, &config).await
    }

    async fn begin(
        state: State,
        (log, last_at): (AnyLog, Timestamp),
        projector: Projector,
        config: &ExchangeConfig,
    ) -> Result<Exchange, ExchangeError> {
        let (requests, incoming) = mpsc::channel(QUEUE_MAX);
        let (feed, _) = broadcast::channel(FEED_MAX);
        let (stop, stopped) = watch::channel(false);
        let (applied_sender, applied_receiver) = watch::channel(state.engine.sequence());
        let (projected_sender, projected_receiver) = watch::channel(projector.projected());
        let (to_project, projecting) = mpsc::channel(PROJECTION_QUEUE_MAX);
        let (told, last_snapshot) = watch::channel(last_snapshot(&config.directory));
        let keeping = keep(config.clone(), applied_receiver.clone(), told);
        let history = History::open(&config.projections, applied_receiver, projected_receiver).await?;
        let shared = Arc::new(Shared {
            state: RwLock::new(state),
            requests,
            feed: feed.clone(),
            history,
            stopped,
            last_snapshot,
        });
        tokio::spawn(keeping);
        tokio::spawn(run_projector(projector, projecting, projected_sender));
        let sequencer = Sequencer {
            log,
            last_at,
            shared: Arc::downgrade(&shared),
            feed,
            to_project,
            applied: applied_sender,
            stop,
        };
        tokio::spawn(sequencer.run(incoming));
        Ok(Exchange(shared))
    }

    /// Records and applies one command. A refusal by the engine is an [`Event::Rejected`] in the outcome.
    ///
    /// # Errors
    /// [`SubmitError`] when there is no outcome.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        let outcomes = self.submit_all(vec![command]).await?;
        outcomes.into_iter().next().ok_or(SubmitError::Stopped)
    }

    /// Records and applies several commands, consecutive in the log and durable together.
    ///
    /// # Errors
    /// [`SubmitError`]; more than 1,024 commands at once are [`SubmitError::Overloaded`].
    pub async fn submit_all(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, SubmitError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        if commands.len() > BATCH_COMMANDS_MAX {
            return Err(SubmitError::Overloaded);
        }
        let (reply, answer) = oneshot::channel();
        self.0
            .requests
            .try_send(Request { commands, reply })
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
    pub fn feed(&self) -> broadcast::Receiver<Arc<Applied>> {
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
        self.0.history.account_at(account, at, now(), units).await
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
            .statement(account, asset, period, entries_max, now(), units)
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

    /// Returns once the exchange can no longer record anything (fenced, or an unknown outcome): the process should end
    /// and be started again.
    pub async fn stopped(&self) {
        let mut stopped = self.0.stopped.clone();
        let _sender_gone = stopped.wait_for(|stopped| *stopped).await;
    }
}

struct Sequencer {
    log: AnyLog,
    /// Greatest stamp so far. Each batch gets a greater one, so a time that has passed stays as it is.
    last_at: Timestamp,
    shared: std::sync::Weak<Shared>,
    feed: broadcast::Sender<Arc<Applied>>,
    to_project: mpsc::Sender<Vec<Applied>>,
    applied: watch::Sender<Sequence>,
    stop: watch::Sender<bool>,
}

impl Sequencer {
    async fn run(mut self, mut incoming: mpsc::Receiver<Request>) {
        let mut carried: Option<Request> = None;
        loop {
            let first = match carried.take() {
                Some(request) => request,
                None => match incoming.recv().await {
                    Some(request) => request,
                    None => return,
                },
            };
            let mut size = first.commands.len();
            let mut requests = vec![first];
            while let Ok(request) = incoming.try_recv() {
                if size + request.commands.len() > BATCH_COMMANDS_MAX {
                    carried = Some(request);
                    break;
                }
                size += request.commands.len();
                requests.push(request);
            }
            self.last_at = now().max(Timestamp(self.last_at.0.saturating_add(1)));
            if self.record(self.last_at, requests).await.is_err() {
                let _nobody_listens = self.stop.send(true);
                return;
            }
        }
    }

    /// Makes one batch durable, applies it and answers. `Err` means that this writer must stop.
    async fn record(&mut self, at: Timestamp, requests: Vec<Request>) -> Result<(), ()> {
        let commands: Vec<Command> = requests
            .iter()
            .flat_map(|request| request.commands.clone())
            .collect();
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        let data = match encode(&commands) {
            Ok(data) if data.len() <= BATCH_BYTES_MAX => data,
            _ => {
                refuse(requests, SubmitError::Overloaded);
                return Ok(());
            }
        };
        let head = self.log.head();
        match self.log.append(at, count, data).await {
            Ok(_) => {}
            Err(error @ (AppendError::NotWritten(_) | AppendError::Size)) => {
                tracing::error!(%error, "batch refused; nothing was moved");
                refuse(requests, SubmitError::LogUnavailable);
                return Ok(());
            }
            Err(error @ (AppendError::Fenced { .. } | AppendError::OutcomeUnknown(_))) => {
                tracing::error!(%error, "the sequencer stops");
                refuse(requests, SubmitError::OutcomeUnknown);
                return Err(());
            }
        }
        let batch = Batch {
            first_sequence: head.next_sequence,
            count,
            epoch: head.epoch,
            at,
            previous_hash: head.hash,
            hash: self.log.head().hash,
            data: Vec::new(),
        };
        let shared = self.shared.upgrade().ok_or(())?;
        let applied = {
            let mut state = shared.state.write().unwrap_or_else(PoisonError::into_inner);
            let applied = apply_batch(&mut state.engine, &batch, commands);
            for one in &applied {
                state.market_data.record(at, &one.events);
            }
            applied
        };
        self.answer(requests, applied).await;
        Ok(())
    }

    async fn answer(&mut self, requests: Vec<Request>, applied: Vec<Applied>) {
        if let Some(last) = applied.last() {
            self.applied.send_replace(last.sequence);
        }
        let mut outcomes = applied.iter().map(|one| Outcome {
            sequence: one.sequence,
            at: one.at,
            events: Arc::clone(&one.events),
        });
        for request in requests {
            let mine = outcomes.by_ref().take(request.commands.len()).collect();
            let _caller_gone = request.reply.send(Ok(mine));
        }
        for one in &applied {
            let _no_reader = self.feed.send(Arc::new(one.clone()));
        }
        let _projector_gone = self.to_project.send(applied).await;
    }
}

fn refuse(requests: Vec<Request>, error: SubmitError) {
    for request in requests {
        let _caller_gone = request.reply.send(Err(error));
    }
}

/// Projects what was applied. A projection that fails is tried again: the log holds the truth meanwhile, and
/// reads of the history wait.
async fn run_projector(
    mut projector: Projector,
    mut incoming: mpsc::Receiver<Vec<Applied>>,
    projected: watch::Sender<Sequence>,
) {
    while let Some(mut run) = incoming.recv().await {
        while run.len() < BATCH_COMMANDS_MAX {
            match incoming.try_recv() {
                Ok(more) => run.extend(more),
                Err(_) => break,
            }
        }
        while let Err(error) = projector.project(&run).await {
            tracing::error!(%error, "the projections could not be written; trying again");
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        projected.send_replace(projector.projected());
    }
}

fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}
