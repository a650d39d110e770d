//! The log on a simulated disk, in memory, that outlives the simulated processes and fails on demand. For tests only:
//! compiled with the feature `simulation`. Fences and chains like the others.

use crate::chain::after;
use crate::{AppendError, Batch, CommandLog, Head, Interruption, Lease, LogError};
use ensoex_types::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// What the next append meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is durable.
    #[default]
    None,
    /// Nothing is written, and the writer is told so.
    NotWritten,
    /// The batch is durable, and the writer is told that this is not known.
    UnknownWritten,
    /// Nothing is written, and the writer is told that this is not known.
    UnknownLost,
    /// The process dies before the batch is durable.
    DiesBefore,
    /// The process dies when the batch is durable and nobody has been answered.
    DiesAfter,
}

impl Fault {
    /// Each of them, the harmless one left out.
    pub const ALL: [Fault; 5] = [
        Fault::NotWritten,
        Fault::UnknownWritten,
        Fault::UnknownLost,
        Fault::DiesBefore,
        Fault::DiesAfter,
    ];
}

/// A promise of a log that is broken on purpose, to show that a test would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// Every promise is kept.
    #[default]
    None,
    /// Says "durable", and has forgotten the batch when the process dies.
    ForgetsAcknowledged,
    /// Says "not written" of a batch that it keeps.
    DeniesWritten,
    /// Lets a writer append whose epoch was raised past.
    NoFence,
}

/// Shared by every process that opens the log.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    death: Notify,
    sabotage: Sabotage,
}

#[derive(Default)]
struct State {
    rows: Vec<Batch>,
    epoch: u64,
    fault: Fault,
    dead: bool,
}

/// The log as one process has it open.
#[derive(Clone)]
pub struct SimulatedLog {
    disk: SimulatedDisk,
    head: Head,
    writer: bool,
}

impl SimulatedDisk {
    /// An empty one.
    pub fn new(sabotage: Sabotage) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Inner {
            state: Mutex::default(),
            death: Notify::new(),
            sabotage,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens for writing: a takeover.
    pub(crate) fn open(&self) -> SimulatedLog {
        self.state().epoch += 1;
        self.opened(true)
    }

    pub(crate) fn open_read_only(&self) -> SimulatedLog {
        self.opened(false)
    }

    fn opened(&self, writer: bool) -> SimulatedLog {
        SimulatedLog {
            disk: self.clone(),
            head: self.state().head(),
            writer,
        }
    }

    /// What the next append meets.
    pub fn arm(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// The process that wrote is dead.
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Returns when the process that writes dies.
    pub async fn dies(&self) {
        loop {
            let death = self.0.death.notified();
            if self.is_dead() {
                return;
            }
            death.await;
        }
    }

    /// A process died, and another may write.
    pub fn outlives_process(&self) {
        let mut state = self.state();
        state.dead = false;
        if self.0.sabotage == Sabotage::ForgetsAcknowledged {
            state.rows.pop();
        }
    }

    /// Everything durable.
    pub fn rows(&self) -> Vec<Batch> {
        self.state().rows.clone()
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "simulated disk with {} rows", self.state().rows.len())
    }
}

impl State {
    fn head(&self) -> Head {
        let end = self.rows.last().map_or(Head::EMPTY, Batch::end);
        Head {
            epoch: self.epoch,
            ..end
        }
    }
}

impl SimulatedLog {
    /// One append at the batch's place, if the log is there and the epoch is the batch's.
    pub(crate) fn insert(&mut self, batch: &Batch) -> bool {
        let mut state = self.disk.state();
        let head = state.head();
        let fits = head.epoch == batch.epoch
            && head.next_sequence == batch.first_sequence
            && head.hash == batch.previous_hash;
        if fits {
            state.rows.push(batch.clone());
        }
        fits
    }

    async fn dies<T>(&self) -> T {
        self.disk.state().dead = true;
        self.disk.0.death.notify_waiters();
        std::future::pending().await
    }
}

fn interrupted() -> Interruption {
    Interruption::NoAnswer(Duration::from_secs(1))
}

impl CommandLog for SimulatedLog {
    fn head(&self) -> Head {
        self.head
    }

    async fn stored_head(&mut self) -> Result<Head, LogError> {
        let stored = self.disk.state().head();
        if !self.writer {
            self.head = stored;
        }
        Ok(stored)
    }

    async fn append(&mut self, at: Timestamp, count: u32, data: Vec<u8>) -> Result<Head, AppendError> {
        // Whoever else is ready may go first, as with a real disk.
        tokio::task::yield_now().await;
        let found = self.disk.state().epoch;
        let fenced = found != self.head.epoch;
        if fenced && self.disk.0.sabotage != Sabotage::NoFence {
            let ours = self.head.epoch;
            return Err(AppendError::Fenced { ours, found });
        }
        let fault = match fenced {
            true => Fault::None,
            false => std::mem::take(&mut self.disk.state().fault),
        };
        match fault {
            Fault::NotWritten => return Err(AppendError::NotWritten(interrupted())),
            Fault::UnknownLost => return Err(AppendError::OutcomeUnknown(interrupted())),
            Fault::DiesBefore => return self.dies().await,
            Fault::None | Fault::UnknownWritten | Fault::DiesAfter => {}
        }
        let batch = Batch::following(&self.head, at, count, data);
        let next = batch.end();
        self.disk.state().rows.push(batch);
        match fault {
            Fault::UnknownWritten if self.disk.0.sabotage == Sabotage::DeniesWritten => {
                Err(AppendError::NotWritten(interrupted()))
            }
            Fault::UnknownWritten => Err(AppendError::OutcomeUnknown(interrupted())),
            Fault::DiesAfter => self.dies().await,
            _ => {
                self.head = next;
                Ok(next)
            }
        }
    }

    async fn read(&mut self, previous: &Head, limit: u32) -> Result<Vec<Batch>, LogError> {
        let state = self.disk.state();
        let wanted = previous.next_sequence..self.head.next_sequence;
        let rows = state
            .rows
            .iter()
            .filter(|row| wanted.contains(&row.first_sequence));
        let mut expected = *previous;
        let mut read = Vec::new();
        for row in rows.take(limit as usize) {
            expected = after(&expected, row)?;
            read.push(row.clone());
        }
        Ok(read)
    }

    async fn renew_lease(&mut self, _duration: Duration) -> Result<(), LogError> {
        let (ours, found) = (self.head.epoch, self.disk.state().epoch);
        match ours == found {
            true => Ok(()),
            false => Err(LogError::Fenced { ours, found }),
        }
    }

    async fn lease(&mut self) -> Result<Lease, LogError> {
        Ok(Lease {
            holder: String::new(),
            epoch: self.disk.state().epoch,
            left: None,
        })
    }
}
