//! Opens the files of an exchange and applies the log to an empty engine. Knows no projection's tables.

use crate::account_at::{AccountAtError, At};
use crate::applied::Run;
use crate::error::ExchangeError;
use ensoex_engine::{Command, Engine, LOOK_AHEAD};
use ensoex_log::{AnyLog, Batch, CommandLog, Head, LogAddress};
use ensoex_sql::Address;
use ensoex_types::{Sequence, Timestamp};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// First byte of a batch: the encoding of the commands that follow, one after the other.
const FORMAT: u8 = 2;
const BATCHES_PER_READ: u32 = 64;
/// Events that a command has, about.
const EVENTS_USUALLY: usize = 2;
/// Reads that a replay may be ahead of what it applies.
const READS_AHEAD_MAX: usize = 1;

/// What a replay went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Batches of the log.
    pub batches: u64,
    /// Commands in them.
    pub commands: u64,
    /// Events that they yielded.
    pub events: u64,
    /// Greatest stamp of a batch.
    pub at: Timestamp,
}

/// An engine as it was right after some command.
pub struct EngineAt {
    /// The engine; its sequence is that command's.
    pub engine: Engine,
    /// When that command was stamped.
    pub at: Timestamp,
}

/// Applies a whole log to `engine`, which must be new, and keeps no event: how fast an exchange is back after a restart.
///
/// # Errors
/// [`ExchangeError`] when the log cannot be read to its end; the engine is of no use then.
pub async fn replay(log: &Path, engine: &mut Engine) -> Result<Replayed, ExchangeError> {
    let mut reader = LogReader::new(AnyLog::open_read_only(&LogAddress::Sqlite(log.to_path_buf())).await?);
    // Reading and checking the next batches goes on while these are applied.
    let (ahead, mut read) = mpsc::channel(READS_AHEAD_MAX);
    let reading: JoinHandle<Result<Timestamp, ExchangeError>> = tokio::spawn(async move {
        loop {
            let batches = reader.next().await?;
            if batches.is_empty() || ahead.send(batches).await.is_err() {
                return Ok(reader.last_at());
            }
        }
    });
    let mut replayed = Replayed::default();
    let mut events = Vec::new();
    let mut few = Vec::with_capacity(LOOK_AHEAD);
    while let Some(batches) = read.recv().await {
        for batch in &batches {
            let (mut commands, mut sequence) = (commands(batch)?, batch.first_sequence.0);
            loop {
                few.clear();
                for command in commands.by_ref().take(LOOK_AHEAD) {
                    few.push(command?);
                }
                if few.is_empty() {
                    break;
                }
                engine.apply_ahead(&few, |engine, command| {
                    engine.apply(Sequence(sequence), batch.at, command, &mut events);
                    replayed.events += u64::try_from(events.len()).unwrap_or_default();
                    events.clear();
                    sequence += 1;
                });
            }
            replayed.batches += 1;
            replayed.commands += u64::from(batch.count);
        }
    }
    replayed.at = match reading.await {
        Ok(ended) => ended?,
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => return Err(ExchangeError::Interrupted),
        },
    };
    Ok(replayed)
}

/// The engine as it was, from nothing but the log.
///
/// # Errors
/// [`AccountAtError`]: there is no such moment in the log, or the log cannot be read.
pub async fn engine_at(log: &LogAddress, at: At) -> Result<EngineAt, AccountAtError> {
    let log = AnyLog::open_read_only(log).await;
    let mut reader = LogReader::new(log.map_err(ExchangeError::from)?);
    let mut then = EngineAt {
        engine: Engine::new(),
        at: Timestamp(0),
    };
    let mut events = Vec::new();
    loop {
        let batches = reader.next().await?;
        if batches.is_empty() {
            return then.at_end(at);
        }
        for batch in &batches {
            let stamp = batch.at.max(then.at);
            for (sequence, command) in (batch.first_sequence.0..).zip(commands(batch)?) {
                let beyond = match at {
                    At::Sequence(last) => sequence > last.0,
                    At::Time(time) => stamp > time,
                };
                if beyond && sequence == 1 {
                    return Err(AccountAtError::BeforeFirst);
                }
                if beyond {
                    return Ok(then);
                }
                events.clear();
                then.engine
                    .apply(Sequence(sequence), batch.at, &command?, &mut events);
                then.at = stamp;
            }
        }
    }
}

impl EngineAt {
    /// The log ended: it says nothing of what comes after its last stamp.
    fn at_end(self, at: At) -> Result<EngineAt, AccountAtError> {
        let head = self.engine.sequence();
        match at {
            _ if head.0 == 0 => Err(AccountAtError::BeforeFirst),
            At::Sequence(asked) if asked > head => Err(AccountAtError::SequenceBeyondHead { asked, head }),
            At::Time(time) if time > self.at => Err(AccountAtError::TimeBeyondHead { head, at: self.at }),
            _ => Ok(self),
        }
    }
}

pub(crate) fn log_address(directory: &Path) -> LogAddress {
    LogAddress::Sqlite(directory.join("log.db"))
}

pub(crate) fn snapshots_path(directory: &Path) -> PathBuf {
    directory.join("snapshots")
}

pub(crate) fn projections_address(directory: &Path) -> Address {
    Address::file(directory.join("projections.db"))
}

/// A batch's bytes as they stand in the log, for whoever writes a log without an exchange (benchmarks, tests).
///
/// # Errors
/// [`postcard::Error`] when a command cannot be encoded.
pub fn encode(commands: &[Command]) -> Result<Vec<u8>, postcard::Error> {
    commands
        .iter()
        .try_fold(vec![FORMAT], |data, command| postcard::to_extend(command, data))
}

/// The commands of a batch, decoded one by one as they are asked for.
pub(crate) fn commands(batch: &Batch) -> Result<Commands<'_>, ExchangeError> {
    match batch.data.split_first() {
        Some((&FORMAT, rest)) => Ok(Commands {
            sequence: batch.first_sequence,
            left: batch.count,
            rest,
        }),
        found => Err(ExchangeError::UnknownEncoding {
            sequence: batch.first_sequence,
            found: found.map_or(0, |(format, _)| *format),
            known: FORMAT,
        }),
    }
}

/// See [`commands`].
pub(crate) struct Commands<'a> {
    sequence: Sequence,
    left: u32,
    rest: &'a [u8],
}

impl Iterator for Commands<'_> {
    type Item = Result<Command, ExchangeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let undecodable = ExchangeError::Undecodable {
            sequence: self.sequence,
        };
        if self.left == 0 {
            let over = !std::mem::take(&mut self.rest).is_empty();
            return over.then_some(Err(undecodable));
        }
        self.left -= 1;
        match ensoex_engine::decode(self.rest) {
            Ok((command, rest)) => {
                self.rest = rest;
                Some(Ok(command))
            }
            Err(_) => {
                (self.left, self.rest) = (0, &[]);
                Some(Err(undecodable))
            }
        }
    }
}

/// The commands of a batch as it stands in the log, all at once.
///
/// # Errors
/// [`ExchangeError`] when the encoding is unknown or its bytes do not hold what it says.
pub fn decode(batch: &Batch) -> Result<Vec<Command>, ExchangeError> {
    commands(batch)?.collect()
}

/// Applies one batch; answers what each command did.
pub(crate) fn apply_batch(engine: &mut Engine, batch: &Batch, commands: Vec<Command>) -> Run {
    let mut events = Vec::with_capacity(commands.len() * EVENTS_USUALLY);
    let mut ends = Vec::with_capacity(commands.len());
    let mut sequence = batch.first_sequence.0;
    engine.apply_ahead(&commands, |engine, command| {
        engine.apply(Sequence(sequence), batch.at, command, &mut events);
        ends.push(events.len());
        sequence += 1;
    });
    Run::new(batch, commands, events, ends)
}

/// Reads the log in order, batch by batch, with its chain checked.
pub(crate) struct LogReader {
    log: AnyLog,
    reached: Head,
    last_at: Timestamp,
}

impl LogReader {
    pub(crate) fn new(log: AnyLog) -> LogReader {
        LogReader {
            log,
            reached: Head::EMPTY,
            last_at: Timestamp(0),
        }
    }

    /// Begins with the row that follows on this head, whose own rows are not read.
    pub(crate) fn starting_at(log: AnyLog, reached: Head) -> LogReader {
        LogReader {
            reached,
            ..LogReader::new(log)
        }
    }

    /// The next batches; empty at the end, where the head row must agree.
    pub(crate) async fn next(&mut self) -> Result<Vec<Batch>, ExchangeError> {
        let batches = self.log.read(&self.reached, BATCHES_PER_READ).await?;
        let stamps = batches.iter().map(|batch| batch.at);
        self.last_at = stamps.fold(self.last_at, Timestamp::max);
        match batches.last() {
            Some(last) => self.reached = last.end(),
            None => self.log.check_end(&self.reached)?,
        }
        Ok(batches)
    }

    /// Greatest stamp so far.
    pub(crate) fn last_at(&self) -> Timestamp {
        self.last_at
    }

    pub(crate) fn reached(&self) -> Head {
        self.reached
    }

    /// Where the log ended when it was opened.
    pub(crate) fn end(&self) -> Head {
        self.log.head()
    }

    pub(crate) fn into_log(self) -> AnyLog {
        self.log
    }
}
