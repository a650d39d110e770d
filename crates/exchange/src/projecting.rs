//! The projector's task: writes projections behind the log, never in its way.
//!
//! Runs of applied commands wait in a queue. When the queue is full the sequencer drops them rather than wait; the projector
//! notices the gap and reads what it missed from the log, with an engine of its own (newest snapshot that is not ahead of the
//! projections, then the log). A projection that cannot be written is tried again; reads of the history wait meanwhile.

use crate::applied::Run;
use crate::error::ExchangeError;
use crate::exchange::ExchangeConfig;
use crate::projection::Projector;
use crate::recovery::Recovery;
use crate::replay::snapshots_path;
use ensoex_log::AnyLog;
use ensoex_types::Sequence;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Runs that may wait for the projections.
const QUEUE_MAX: usize = 256;
/// Commands that are written in one transaction.
const TRANSACTION_COMMANDS_MAX: usize = 4_096;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How far the projections are behind what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionLag {
    /// Last command that was applied.
    pub applied: Sequence,
    /// Last command that is projected.
    pub projected: Sequence,
    /// How long something has been waiting without the projections moving on; zero when nothing waits.
    pub behind: Duration,
}

impl ProjectionLag {
    /// Commands that are not projected yet.
    pub fn commands(&self) -> u64 {
        self.applied.0.saturating_sub(self.projected.0)
    }
}

/// Since when something waits.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Option<Instant>>>);

impl Waiting {
    pub(crate) fn lag(&self, applied: Sequence, projected: Sequence) -> ProjectionLag {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = since.filter(|_| projected < applied);
        ProjectionLag {
            applied,
            projected,
            behind: since.map_or(Duration::ZERO, |since| since.elapsed()),
        }
    }

    fn begin(&self) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
    }

    fn moved_on(&self, more_waits: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = more_waits.then(Instant::now);
    }
}

/// Where applied commands are handed to the projector.
#[derive(Clone)]
pub(crate) struct ToProject {
    queue: mpsc::Sender<Run>,
    missed: Arc<AtomicBool>,
    waiting: Waiting,
}

/// The other end.
pub(crate) struct Projecting {
    queue: mpsc::Receiver<Run>,
    missed: Arc<AtomicBool>,
    waiting: Waiting,
    projected: watch::Sender<Sequence>,
    config: ExchangeConfig,
}

/// A queue of applied commands, and the sequence that is projected.
pub(crate) fn queue(config: &ExchangeConfig, projected: watch::Sender<Sequence>) -> (ToProject, Projecting) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let missed = Arc::new(AtomicBool::new(false));
    let to_project = ToProject {
        queue: sender,
        missed: Arc::clone(&missed),
        waiting: Waiting::default(),
    };
    let projecting = Projecting {
        queue: receiver,
        missed,
        waiting: to_project.waiting(),
        projected,
        config: config.clone(),
    };
    (to_project, projecting)
}

impl ToProject {
    /// Since when something waits.
    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }

    /// Hands over a run; never waits.
    pub(crate) fn send(&self, run: Run) {
        self.waiting.begin();
        if self.queue.try_send(run).is_err() {
            self.miss();
        }
    }

    /// Lets the projector read from the log what it was not handed.
    pub(crate) fn miss(&self) {
        self.missed.store(true, Ordering::Release);
        // Wakes it, if there is room; if there is none, it is awake.
        let _it_will_look = self.queue.try_send(Run::default());
    }
}

impl Projecting {
    /// Tells how far the projections are.
    pub(crate) fn tell(&self, projected: Sequence) {
        self.waiting.moved_on(!self.queue.is_empty());
        self.projected.send_replace(projected);
    }

    /// Projects until the exchange is gone.
    pub(crate) async fn run(mut self, mut projector: Projector) {
        self.tell(projector.projected());
        if self.config.background.is_some() {
            // Its connection, and the thread behind it, are of the runtime that opened it.
            while let Err(error) = projector.reopen(&self.config.projections).await {
                tracing::error!(%error, "the projections could not be opened again; trying again");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
        while let Some(run) = self.queue.recv().await {
            let mut commands = run.len();
            let mut runs = vec![run];
            while commands < TRANSACTION_COMMANDS_MAX
                && let Ok(more) = self.queue.try_recv()
            {
                commands += more.len();
                runs.push(more);
            }
            runs.retain(|run| !run.is_empty());
            let mut projected = projector.projected();
            let gap = runs.iter().any(|run| {
                let gap = run.first_sequence().0 > projected.0 + 1;
                projected = projected.max(run.last_sequence());
                gap
            });
            // What was dropped comes after what still waits; the last of it may have no successor that would show the gap.
            let missed = self.queue.is_empty() && self.missed.swap(false, Ordering::AcqRel);
            if !gap && !runs.is_empty() {
                while let Err(error) = projector.project(&runs).await {
                    tracing::error!(%error, "the projections could not be written; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            if gap || missed {
                while let Err(error) = self.catch_up(&mut projector).await {
                    tracing::error!(%error, "the projections could not catch up with the log; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            self.tell(projector.projected());
        }
    }

    /// Projects to the end of the log as it is now.
    async fn catch_up(&self, projector: &mut Projector) -> Result<(), ExchangeError> {
        let projected = projector.projected();
        let recovery = Recovery {
            snapshots: &snapshots_path(&self.config.directory),
            snapshot_max: projected,
            events_after: projected,
            acknowledged: None,
            whole_chain: false,
        };
        let log = AnyLog::open_read_only(&self.config.log).await?;
        recovery.run(log, projector).await.map(|_| ())
    }
}
