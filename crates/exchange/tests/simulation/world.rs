//! The simulated world: clients, a network that delays, repeats and reorders, one or two primaries, a disk with faults.
//!
//! One seed decides everything: what clients ask, what the network does with it, when the disk fails and how, when a
//! process dies and what of its derived files survives, when a second primary takes over from a first that does not know.

use crate::record::{Record, Replay};
use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_exchange::{
    AccountAt, At, Clock, Exchange, ExchangeConfig, ExchangeError, Outcome, SubmitError, take_snapshot,
};
use ensoex_log::{Fault, LogAddress, Sabotage, SimulatedDisk};
use ensoex_sim::commands::{Decoder, random_gene};
use ensoex_sim::random::Random;
use ensoex_types::{AccountId, Amount, AssetId, Timestamp, TransferId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;

const STEPS: u64 = 120;
const MESSAGES_AT_ONCE_MAX: u64 = 12;
const COMMANDS_A_MESSAGE_MAX: u64 = 6;
/// Deposits have ids that random commands do not use.
const DEPOSITS_FROM: u128 = 1 << 100;
const DEPOSIT: i128 = 1_000;

/// What happened, in numbers; the same for the same seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    pub(crate) refused: u64,
    pub(crate) crashes: u64,
    pub(crate) takeovers: u64,
    pub(crate) standbys: u64,
    pub(crate) stale_refused: u64,
    pub(crate) snapshots: u64,
    pub(crate) damaged: u64,
    pub(crate) trace: [u8; 32],
}

impl Report {
    pub(crate) fn add(&mut self, other: &Report) {
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.crashes += other.crashes;
        self.takeovers += other.takeovers;
        self.standbys += other.standbys;
        self.stale_refused += other.stale_refused;
        self.snapshots += other.snapshots;
        self.damaged += other.damaged;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} commands acknowledged, {} submissions refused, {} left unknown; {} crashes, {} takeovers ({} by a standby), {} deliveries to a \
             writer that was taken over; {} snapshots, {} damaged ones",
            self.acknowledged,
            self.refused,
            self.unknown,
            self.crashes,
            self.takeovers,
            self.standbys,
            self.stale_refused,
            self.snapshots,
            self.damaged
        )
    }
}

/// A process: what it holds in memory dies with it.
struct Node {
    runtime: Runtime,
    exchange: Exchange,
}

#[derive(Clone)]
struct Message {
    commands: Vec<Command>,
    /// The deposit that it asks for, if it does.
    deposit: Option<TransferId>,
}

pub(crate) struct World {
    random: Random,
    disk: SimulatedDisk,
    directory: tempfile::TempDir,
    clock: Arc<AtomicU64>,
    primary: Option<Node>,
    stale: Option<Node>,
    decoder: Decoder,
    network: Vec<Message>,
    record: Record,
    deposits: BTreeMap<TransferId, bool>,
    report: Report,
    trace: Sha256,
    /// Processes started so far; each has derived files of its own.
    lives: u64,
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Sabotage) -> World {
        World {
            random: Random::new(seed),
            disk: SimulatedDisk::new(sabotage),
            directory: tempfile::tempdir().expect("a temporary directory"),
            clock: Arc::new(AtomicU64::new(1_000_000)),
            primary: None,
            stale: None,
            decoder: Decoder::default(),
            network: Vec::new(),
            record: Record::default(),
            deposits: BTreeMap::new(),
            report: Report::default(),
            trace: Sha256::new(),
            lives: 0,
        }
    }

    /// Lives through the steps, mends everything, and looks whether every promise was kept.
    pub(crate) fn run(mut self) -> Result<Report, String> {
        self.start()?;
        self.network.push(Message {
            commands: Decoder::prelude(),
            deposit: None,
        });
        self.deliver(false)?;
        for _ in 0..STEPS {
            self.step()?;
        }
        self.settle()?;
        self.check()?;
        self.report.acknowledged = self.record.acknowledged();
        self.report.unknown = self.record.unknown();
        self.report.refused = self.record.refused;
        self.report.trace = self.trace.clone().finalize().into();
        Ok(self.report)
    }

    fn step(&mut self) -> Result<(), String> {
        let pause = 1 + self.random.below(5_000_000);
        self.clock.fetch_add(pause, Ordering::Relaxed);
        match self.random.below(100) {
            0..=34 => self.ask(),
            35..=39 => self.ask_again(),
            40..=78 => self.deliver(false)?,
            79..=83 => self.deliver(true)?,
            84..=89 => {
                let fault = self.random.below(Fault::ALL.len() as u64);
                self.disk.arm(Fault::ALL[fault as usize]);
            }
            90..=93 => self.crash()?,
            94..=95 => self.take_over()?,
            96..=98 => self.snapshot()?,
            _ => self.check()?,
        }
        Ok(())
    }

    /// A client sends something new: a deposit and what else it likes, or a single command.
    fn ask(&mut self) {
        let mut commands = Vec::new();
        let mut deposit = None;
        if self.random.per_mille(400) {
            let transfer = TransferId(DEPOSITS_FROM + self.deposits.len() as u128);
            self.deposits.insert(transfer, false);
            commands.push(deposit_of(transfer));
            deposit = Some(transfer);
            for _ in 0..self.random.below(COMMANDS_A_MESSAGE_MAX) {
                commands.push(self.command());
            }
        } else {
            commands.push(self.command());
        }
        self.network.push(Message { commands, deposit });
    }

    fn command(&mut self) -> Command {
        let gene = random_gene(&mut self.random);
        self.decoder.decode(&gene).command
    }

    /// Clients that did not hear of their deposits ask once more.
    fn ask_again(&mut self) {
        let open = self.deposits.iter().filter(|(_, done)| !**done);
        let again: Vec<TransferId> = open.map(|(transfer, _)| *transfer).collect();
        for transfer in again {
            if self.random.per_mille(500) {
                self.network.push(Message {
                    commands: vec![deposit_of(transfer)],
                    deposit: Some(transfer),
                });
            }
        }
    }

    /// Some of what is under way arrives at once, in any order; some of it will arrive again.
    fn deliver(&mut self, at_stale: bool) -> Result<(), String> {
        let count = 1 + self.random.below(MESSAGES_AT_ONCE_MAX);
        let mut arriving = Vec::new();
        for _ in 0..count.min(self.network.len() as u64) {
            let position = self.random.below(self.network.len() as u64) as usize;
            let message = self.network.swap_remove(position);
            if self.random.per_mille(150) {
                self.network.push(message.clone());
            }
            arriving.push(message);
        }
        let node = if at_stale { &self.stale } else { &self.primary };
        let Some(node) = node else {
            self.network.extend(arriving);
            return Ok(());
        };
        let answers = node.submit(&arriving, &self.disk);
        for (message, answer) in arriving.into_iter().zip(answers) {
            self.note(&answer);
            if at_stale && matches!(answer, Some(Ok(_))) {
                return Err("a writer that was taken over acknowledged a command".to_owned());
            }
            match answer {
                None => self.record.unheard(message.commands),
                Some(answer) => self.heard(message, answer)?,
            }
        }
        if at_stale {
            self.report.stale_refused += 1;
        } else if self.disk.is_dead() || self.primary.as_ref().is_some_and(Node::has_stopped) {
            self.crash()?;
        }
        Ok(())
    }

    fn heard(&mut self, message: Message, answer: Result<Vec<Outcome>, SubmitError>) -> Result<(), String> {
        if let Ok(outcomes) = &answer {
            for outcome in outcomes {
                self.decoder.observe(&outcome.events);
            }
            // The answer may get lost on its way to the client.
            if let Some(deposit) = message.deposit
                && self.random.per_mille(800)
            {
                self.deposits.insert(deposit, true);
            }
        }
        self.record.answered(message.commands, answer)
    }

    /// The process dies. What it had not made durable is gone; its derived files may be old, or lost.
    fn crash(&mut self) -> Result<(), String> {
        self.report.crashes += 1;
        self.stale = None;
        if let Some(node) = self.primary.take() {
            node.caught_up();
        }
        self.disk.outlives_process();
        self.start()
    }

    /// Another primary takes over; the one before lives on and does not know.
    fn take_over(&mut self) -> Result<(), String> {
        self.report.takeovers += 1;
        if let Some(node) = &self.primary {
            node.caught_up();
        }
        self.stale = self.primary.take();
        if self.random.per_mille(500) {
            return self.start();
        }
        self.report.standbys += 1;
        let home = self.next_home()?;
        let node = Node::start(&self.disk, &home, &self.clock, Exchange::follow)?;
        let taken = node.runtime.block_on(node.exchange.take_over());
        taken.map_err(|error| format!("a standby cannot take over: {error}"))?;
        self.primary = Some(node);
        Ok(())
    }

    /// Opens a primary on what is left of the files.
    fn start(&mut self) -> Result<(), String> {
        let home = self.next_home()?;
        self.primary = Some(Node::start(&self.disk, &home, &self.clock, Exchange::start)?);
        Ok(())
    }

    /// Where the next process lives: with the derived files of the one before, older ones, or none.
    fn next_home(&mut self) -> Result<PathBuf, String> {
        let before = self.home(self.lives);
        self.lives += 1;
        let home = self.home(self.lives);
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        if self.lives > 1 && !self.random.per_mille(150) {
            let old = self.random.per_mille(200) && self.lives > 2;
            let source = if old { self.home(self.lives - 2) } else { before };
            copy_projections(&source, &home);
            self.copy_snapshots(&source, &home)
                .map_err(|error| error.to_string())?;
        }
        Ok(home)
    }

    /// Some snapshots are damaged on their way into the next life.
    fn copy_snapshots(&mut self, from: &Path, to: &Path) -> std::io::Result<()> {
        let folder = from.join("snapshots");
        if !folder.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(to.join("snapshots"))?;
        let mut names: Vec<_> = std::fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.sort();
        for path in names {
            let mut bytes = std::fs::read(&path)?;
            if !bytes.is_empty() && self.random.per_mille(250) {
                let position = self.random.below(bytes.len() as u64) as usize;
                bytes[position] ^= 1 << self.random.below(8);
                self.report.damaged += 1;
            }
            let name = path.file_name().unwrap_or_default();
            std::fs::write(to.join("snapshots").join(name), bytes)?;
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), String> {
        if let Some(node) = &self.primary {
            let log = LogAddress::Simulated(self.disk.clone());
            let taken = node.runtime.block_on(take_snapshot(&self.home(self.lives), &log));
            taken.map_err(|error| error.to_string())?;
            self.report.snapshots += 1;
        }
        Ok(())
    }

    fn home(&self, life: u64) -> PathBuf {
        self.directory.path().join(life.to_string())
    }

    /// Faults end, and every client asks until it knows that its deposit was made.
    fn settle(&mut self) -> Result<(), String> {
        self.disk.arm(Fault::None);
        for _ in 0..1_000 {
            self.ask_again();
            self.deliver(false)?;
            if self.network.is_empty() && self.deposits.values().all(|done| *done) {
                return Ok(());
            }
        }
        Err("the world does not come to rest: deposits stay without an answer".to_owned())
    }

    /// Every promise, against the log alone.
    fn check(&mut self) -> Result<(), String> {
        let replay = Replay::of(&self.disk.rows())?;
        self.record.agrees(&replay)?;
        for (deposit, done) in &self.deposits {
            let times = replay.posted(*deposit);
            if times > 1 || (*done && times == 0) {
                return Err(format!("the deposit {} was made {times} times", deposit.0));
            }
        }
        let Some(node) = &self.primary else {
            return Ok(());
        };
        let hash = node.exchange.read(|engine| engine.state_hash());
        if hash != replay.engine.state_hash() {
            return Err("the primary's state is not what its log says".to_owned());
        }
        self.trace.update(hash);
        let (engine, at) = (&replay.engine, replay.at);
        for account in engine.accounts() {
            let moment = At::Sequence(engine.sequence());
            let projected = node.runtime.block_on(node.exchange.account_at(account, moment));
            let projected = projected.map_err(|error| error.to_string())?;
            if Some(&projected) != AccountAt::of_engine(engine, account, at).as_ref() {
                return Err(format!(
                    "the projections of account {} are not what the log says",
                    account.0
                ));
            }
        }
        Ok(())
    }

    fn note(&mut self, answer: &Option<Result<Vec<Outcome>, SubmitError>>) {
        match answer {
            None => self.trace.update(b"silence"),
            Some(Ok(outcomes)) => {
                for outcome in outcomes {
                    self.trace.update(outcome.sequence.0.to_be_bytes());
                    self.trace.update(outcome.at.0.to_be_bytes());
                }
            }
            Some(Err(error)) => self.trace.update(error.to_string()),
        }
    }
}

impl Node {
    fn start<O: Future<Output = Result<Exchange, ExchangeError>>>(
        disk: &SimulatedDisk,
        home: &Path,
        clock: &Arc<AtomicU64>,
        open: impl FnOnce(ExchangeConfig) -> O,
    ) -> Result<Node, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let clock = Arc::clone(clock);
        let config = ExchangeConfig {
            log: LogAddress::Simulated(disk.clone()),
            clock: Clock::new(move || Timestamp(clock.load(Ordering::Relaxed))),
            ..ExchangeConfig::new(home)
        };
        let opened = runtime.block_on(open(config));
        let exchange = opened.map_err(|error| format!("an exchange does not start: {error}"))?;
        Ok(Node { runtime, exchange })
    }

    /// Submits side by side; `None` for those that were never answered because the process died.
    fn submit(
        &self,
        messages: &[Message],
        disk: &SimulatedDisk,
    ) -> Vec<Option<Result<Vec<Outcome>, SubmitError>>> {
        let answers: Vec<_> = messages.iter().map(|_| std::cell::RefCell::new(None)).collect();
        self.runtime.block_on(async {
            let each = messages.iter().zip(&answers).map(|(message, answer)| async {
                *answer.borrow_mut() = Some(self.exchange.submit_all(message.commands.clone()).await);
            });
            let all = futures_util::future::join_all(each);
            tokio::select! {
                biased;
                _ = all => {}
                () = disk.dies() => {}
            }
        });
        answers.into_iter().map(std::cell::RefCell::into_inner).collect()
    }

    fn has_stopped(&self) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = self.exchange.stopped() => true,
                () = std::future::ready(()) => false,
            }
        })
    }

    /// Waits until the projections hold what was applied, so that what a crash leaves is the same each time.
    fn caught_up(&self) {
        let account = AccountId::OPERATOR_CAPITAL;
        let moment = At::Sequence(self.exchange.read(|engine| engine.sequence()));
        let _nothing_there_yet = self.runtime.block_on(self.exchange.account_at(account, moment));
    }
}

fn deposit_of(transfer: TransferId) -> Command {
    Command::Transfer(Transfer {
        transfer,
        debit: AccountId::OPERATOR_CAPITAL,
        credit: AccountId::FIRST_USER,
        asset: AssetId(0),
        amount: Amount(DEPOSIT),
        code: TransferCode::Capital,
    })
}

/// A consistent copy, whoever still has the database open.
fn copy_projections(from: &Path, to: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        use sqlx::Connection;
        let address = format!("sqlite://{}", from.join("projections.db").display());
        let mut source = sqlx::SqliteConnection::connect(&address)
            .await
            .expect("projections");
        sqlx::query("VACUUM INTO $1")
            .bind(to.join("projections.db").display().to_string())
            .execute(&mut source)
            .await
            .expect("a copy");
        source.close().await.expect("closed");
    });
}
