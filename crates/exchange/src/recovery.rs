//! Recovery: an exchange's state is the newest snapshot that holds and what the log says after it.
//!
//! The log is read once, from its beginning: rows before the snapshot are only hashed (so the whole chain is checked at every
//! start) while the snapshot is loaded beside it; rows after it are applied. A snapshot that is damaged, or that was taken from
//! another log, is passed over for the one before, and in the end for the whole log; each time the program's log says so. Memory is
//! bounded by the state and a few reads. Failure cases: the log cannot be read to its end or its chain is broken
//! ([`ExchangeError::Log`]), or it lacks what was acknowledged from it. Does not know projections, clients or who is primary.

use crate::applied::Run;
use crate::error::ExchangeError;
use crate::market_data::MarketData;
use crate::replay::{LogReader, apply_batch, commands, decode};
use crate::snapshot::{self, Snapshot, SnapshotError};
use ensoex_engine::{Command, Engine, Event, LOOK_AHEAD};
use ensoex_log::{AnyLog, Batch, CommandLog as _, Hash, Head};
use ensoex_types::{Sequence, Timestamp};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Reads that are made while those before them are applied.
const READS_AHEAD_MAX: usize = 1;
/// How often a long recovery says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// An exchange's state, and where in the log it stands.
pub(crate) struct Replica {
    pub(crate) engine: Engine,
    pub(crate) market_data: MarketData,
    /// The head of a log that ends with the last applied command.
    pub(crate) reached: Head,
    /// Greatest stamp so far.
    pub(crate) last_at: Timestamp,
    events: Vec<Event>,
    few: Vec<Command>,
}

impl Replica {
    /// Before the first command.
    pub(crate) fn empty() -> Replica {
        Replica::at(Engine::new(), MarketData::default(), Head::EMPTY, Timestamp(0))
    }

    fn at(engine: Engine, market_data: MarketData, reached: Head, last_at: Timestamp) -> Replica {
        Replica {
            engine,
            market_data,
            reached,
            last_at,
            events: Vec::new(),
            few: Vec::with_capacity(LOOK_AHEAD),
        }
    }

    /// Applies a batch and keeps nothing of what happened but the state.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Result<(), ExchangeError> {
        let (mut commands, mut sequence) = (commands(batch)?, batch.first_sequence.0);
        loop {
            self.few.clear();
            for command in commands.by_ref().take(LOOK_AHEAD) {
                self.few.push(command?);
            }
            if self.few.is_empty() {
                self.reach(batch);
                return Ok(());
            }
            self.engine.apply_ahead(&self.few, |engine, command| {
                self.events.clear();
                engine.apply(Sequence(sequence), batch.at, command, &mut self.events);
                self.market_data.record(batch.at, &self.events);
                sequence += 1;
            });
        }
    }

    /// Applies a batch and answers what happened.
    pub(crate) fn apply_with_events(&mut self, batch: &Batch) -> Result<Run, ExchangeError> {
        let run = apply_batch(&mut self.engine, batch, decode(batch)?);
        self.market_data.record(batch.at, run.events());
        self.reach(batch);
        Ok(run)
    }

    fn reach(&mut self, batch: &Batch) {
        self.reached = batch.end();
        self.last_at = self.last_at.max(batch.at);
    }
}

impl From<Snapshot> for Replica {
    fn from(snapshot: Snapshot) -> Replica {
        let head = snapshot.header.head();
        Replica::at(snapshot.engine, snapshot.market_data, head, snapshot.header.at)
    }
}

/// A place in the log that must be as it is known from outside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Last sequence of a batch.
    pub(crate) sequence: Sequence,
    /// That batch's hash.
    pub(crate) hash: Hash,
}

/// What a recovery needs to know.
pub(crate) struct Recovery<'a> {
    /// The folder of snapshots.
    pub(crate) snapshots: &'a Path,
    /// Snapshots after this command are left alone.
    pub(crate) snapshot_max: Sequence,
    /// From here on the caller is told what each command did.
    pub(crate) events_after: Sequence,
    /// What was acknowledged from this log.
    pub(crate) acknowledged: Option<Place>,
    /// Rows before the snapshot are read and hashed too.
    pub(crate) whole_chain: bool,
}

/// Takes in what each command did.
pub(crate) trait TakeRun {
    /// Comes once, before the first run, or at the end if there is none: the engine as it is then.
    fn begin(&mut self, engine: &Engine);

    /// May make the recovery wait, or end it.
    fn take(&mut self, runs: Vec<Run>) -> impl Future<Output = Result<(), ExchangeError>> + Send;
}

/// For whoever needs the state only.
pub(crate) struct NoRuns;

impl TakeRun for NoRuns {
    fn begin(&mut self, _engine: &Engine) {}

    async fn take(&mut self, _runs: Vec<Run>) -> Result<(), ExchangeError> {
        Ok(())
    }
}

/// What ends one attempt at a recovery.
enum Ended {
    /// This snapshot is of no use; another one, or none, may be.
    Snapshot(Unusable),
    /// Nothing helps.
    Exchange(ExchangeError),
}

/// Why a snapshot is passed over.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Damaged(#[from] SnapshotError),
    #[error("the snapshot {0} was not taken from this log")]
    OtherLog(PathBuf),
}

impl From<ExchangeError> for Ended {
    fn from(error: ExchangeError) -> Ended {
        Ended::Exchange(error)
    }
}

impl Recovery<'_> {
    /// The state at the end of `log` as it is now, and the log.
    pub(crate) async fn run(
        &self,
        mut log: AnyLog,
        runs: &mut impl TakeRun,
    ) -> Result<(Replica, AnyLog), ExchangeError> {
        let end = Sequence(log.head().next_sequence.0.saturating_sub(1));
        if let Some(acknowledged) = self.acknowledged.filter(|place| place.sequence > end) {
            return Err(ExchangeError::LogTooShort {
                log: end,
                seen: acknowledged.sequence,
            });
        }
        let found = snapshot::list(self.snapshots).map_err(ExchangeError::Snapshots)?;
        let usable = |(sequence, _): &(Sequence, PathBuf)| *sequence <= end.min(self.snapshot_max);
        let mut candidates = found.into_iter().filter(usable).map(|(_, path)| path);
        loop {
            let candidate = candidates.next();
            let (given_back, attempt) = self.attempt(log, candidate, runs).await?;
            log = given_back;
            match attempt {
                Ok(replica) => return Ok((replica, log)),
                Err(Ended::Exchange(error)) => return Err(error),
                Err(Ended::Snapshot(unusable)) => {
                    tracing::warn!(
                        "{unusable}; the start goes on with the one before it, or with the whole log"
                    );
                }
            }
        }
    }

    /// Recovers from this snapshot, or from the log alone. `Err` means that not even the log came back.
    async fn attempt(
        &self,
        log: AnyLog,
        candidate: Option<PathBuf>,
        runs: &mut impl TakeRun,
    ) -> Result<(AnyLog, Result<Replica, Ended>), ExchangeError> {
        let (start, header) = match &candidate {
            None => (Head::EMPTY, None),
            Some(path) => match snapshot::read_header(path) {
                Ok(header) => (header.head(), Some(header)),
                Err(error) => return Ok((log, Err(Ended::Snapshot(error.into())))),
            },
        };
        let places = Places {
            acknowledged: self.acknowledged,
            snapshot: header.map(|header| Place {
                sequence: header.sequence,
                hash: header.log_hash,
            }),
            path: candidate.clone().unwrap_or_default(),
        };
        let (ahead, read) = mpsc::channel(READS_AHEAD_MAX);
        let reader = match self.whole_chain {
            true => LogReader::new(log),
            false => LogReader::starting_at(log, start),
        };
        let reading = tokio::spawn(read_rows(reader, start, places, ahead));
        let filled = self.fill(candidate, read, runs).await;
        let (log, ended) = joined(reading).await?;
        // What the reader found comes first: the rest is only what followed from it.
        Ok((log, ended.and(filled)))
    }

    /// Applies what is read.
    async fn fill(
        &self,
        candidate: Option<PathBuf>,
        mut read: mpsc::Receiver<Vec<Batch>>,
        runs: &mut impl TakeRun,
    ) -> Result<Replica, Ended> {
        let mut replica = match candidate {
            None => Replica::empty(),
            Some(path) => {
                let loading = tokio::task::spawn_blocking(move || snapshot::read(&path));
                let snapshot = joined(loading)
                    .await?
                    .map_err(|error| Ended::Snapshot(error.into()))?;
                Replica::from(snapshot)
            }
        };
        let mut begun = false;
        while let Some(batches) = read.recv().await {
            let mut applied = Vec::new();
            for batch in &batches {
                if last_of(batch) <= self.events_after {
                    replica.apply(batch)?;
                    continue;
                }
                if !std::mem::replace(&mut begun, true) {
                    runs.begin(&replica.engine);
                }
                applied.push(replica.apply_with_events(batch)?);
            }
            if !applied.is_empty() {
                runs.take(applied).await?;
            }
        }
        if !begun {
            runs.begin(&replica.engine);
        }
        Ok(replica)
    }
}

/// What a task gave; its panic is this task's too.
pub(crate) async fn joined<T>(task: JoinHandle<T>) -> Result<T, ExchangeError> {
    task.await.map_err(|broken| match broken.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => ExchangeError::Interrupted,
    })
}

fn last_of(batch: &Batch) -> Sequence {
    Sequence(batch.first_sequence.0 + u64::from(batch.count).saturating_sub(1))
}

/// What the log must hold.
struct Places {
    acknowledged: Option<Place>,
    snapshot: Option<Place>,
    /// The snapshot's file.
    path: PathBuf,
}

impl Places {
    /// Holds the batch against the places that lie in it.
    fn check(&mut self, batch: &Batch) -> Result<(), Ended> {
        let differs = |place: &mut Option<Place>| {
            let in_here = place.take_if(|place| place.sequence <= last_of(batch));
            in_here.filter(|place| {
                *place
                    != Place {
                        sequence: last_of(batch),
                        hash: batch.hash,
                    }
            })
        };
        if let Some(place) = differs(&mut self.acknowledged) {
            let sequence = place.sequence;
            return Err(ExchangeError::OtherThanAcknowledged { sequence }.into());
        }
        match differs(&mut self.snapshot) {
            Some(_) => Err(Ended::Snapshot(Unusable::OtherLog(self.path.clone()))),
            None => Ok(()),
        }
    }
}

/// Reads the log to its end, holds it against what is known of it, and hands on what lies after `start`.
async fn read_rows(
    mut reader: LogReader,
    start: Head,
    mut places: Places,
    ahead: mpsc::Sender<Vec<Batch>>,
) -> (AnyLog, Result<(), Ended>) {
    let mut progress = Progress::new(reader.end());
    let ended = loop {
        let mut batches = match reader.next().await {
            Ok(batches) if batches.is_empty() => break Ok(()),
            Ok(batches) => batches,
            Err(error) => break Err(error.into()),
        };
        if let Err(ended) = batches.iter().try_for_each(|batch| places.check(batch)) {
            break Err(ended);
        }
        progress.reached(reader.reached());
        batches.retain(|batch| batch.first_sequence >= start.next_sequence);
        if !batches.is_empty() && ahead.send(batches).await.is_err() {
            break Ok(());
        }
    };
    (reader.into_log(), ended)
}

/// Tells people how far a recovery is.
struct Progress {
    end: u64,
    began: Instant,
    told: Instant,
}

impl Progress {
    fn new(end: Head) -> Progress {
        let now = Instant::now();
        Progress {
            end: end.next_sequence.0.saturating_sub(1),
            began: now,
            told: now,
        }
    }

    fn reached(&mut self, head: Head) {
        if self.told.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.told = Instant::now();
        let done = head.next_sequence.0.saturating_sub(1);
        let per_cent = done.saturating_mul(100) / self.end.max(1);
        let rate = (done as f64 / self.began.elapsed().as_secs_f64()) as u64;
        let end = self.end;
        tracing::info!("the log is read: {done} of {end} commands, {per_cent} %, {rate} a second");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::encode;
    use ensoex_log::{LogAddress, Opening};
    use ensoex_types::{AccountId, MarketId};

    /// A log of `batches` batches of two commands.
    async fn log(path: &Path, batches: u32) -> AnyLog {
        let address = LogAddress::Sqlite(path.join("log.db"));
        let mut log = AnyLog::open(&address, &Opening::default()).await.unwrap();
        for batch in 0..batches {
            let open = |account| Command::OpenAccount {
                account: AccountId(account),
            };
            let data = encode(&[open(1_000 + 2 * batch), open(1_001 + 2 * batch)]).unwrap();
            log.append(Timestamp(u64::from(batch) + 1), 2, data)
                .await
                .unwrap();
        }
        log
    }

    fn recovery(folder: &Path) -> Recovery<'_> {
        Recovery {
            snapshots: folder,
            snapshot_max: Sequence(u64::MAX),
            events_after: Sequence(u64::MAX),
            acknowledged: None,
            whole_chain: true,
        }
    }

    /// Market data that no log gives show where a state came from.
    fn marked(replica: &Replica) -> MarketData {
        let mut data = replica.market_data.clone();
        data.markets.entry(MarketId(7)).or_default().prevented_matches = 7;
        data
    }

    #[tokio::test]
    async fn the_newest_snapshot_that_holds_is_what_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("snapshots");
        let (replica, first) = recovery(&folder)
            .run(log(directory.path(), 3).await, &mut NoRuns)
            .await
            .unwrap();
        drop(first);
        let write = |sequence: u64, hash| {
            let head = Head {
                next_sequence: Sequence(sequence + 1),
                hash,
                ..replica.reached
            };
            snapshot::write(
                &folder,
                &replica.engine,
                &marked(&replica),
                (head, replica.last_at),
            )
            .unwrap()
        };
        let from = |expected: u64| {
            let (folder, path) = (folder.clone(), directory.path().join("log.db"));
            async move {
                let log = AnyLog::open_read_only(&LogAddress::Sqlite(path)).await.unwrap();
                let (recovered, _) = recovery(&folder).run(log, &mut NoRuns).await.unwrap();
                assert_eq!(recovered.market_data.prevented_matches(MarketId(7)), expected);
                assert_eq!(recovered.engine.sequence(), Sequence(6));
            }
        };
        from(0).await;
        write(6, replica.reached.hash);
        from(7).await;
        // The same bytes under another log's hash are not of this log.
        write(6, [1; 32]);
        from(0).await;
    }

    #[tokio::test]
    async fn a_log_without_what_was_acknowledged_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("snapshots");
        let mut log = log(directory.path(), 3).await;
        let hash = log.head().hash;
        for (sequence, hash, fine) in [
            (6, hash, true),
            (8, hash, false),
            (6, [1; 32], false),
            (5, hash, false),
        ] {
            let with_mark = Recovery {
                acknowledged: Some(Place {
                    sequence: Sequence(sequence),
                    hash,
                }),
                ..recovery(&folder)
            };
            let ended = with_mark.run(log, &mut NoRuns).await;
            assert_eq!(ended.is_ok(), fine, "{sequence}");
            let address = LogAddress::Sqlite(directory.path().join("log.db"));
            log = AnyLog::open_read_only(&address).await.unwrap();
        }
    }
}
