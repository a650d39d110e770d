//! A standby: follows the log of a primary, and becomes the primary on command or when the primary's lease has expired.
//!
//! States: following (rows are read as they come and applied; nothing is recorded), taking over (the epoch is raised, what
//! the old primary still wrote is read and applied), then the tasks of a primary run and this one ends. When the log cannot
//! be read it is opened again and again, and no lease is looked at meanwhile. When what it read does not fit together it
//! stops. If taking over fails it goes on following.
//!
//! Projections: where both use the same (beside the log's file, or in one database), they are the primary's while it lives, and
//! the standby keeps what they lack in memory; elsewhere it writes projections of its own. Knows no HTTP.

use crate::acknowledged::AcknowledgedMark;
use crate::applied::Run;
use crate::error::ExchangeError;
use crate::exchange::{Parts, Role, StopReason, last_of, open_for_writing};
use crate::projection::Projector;
use crate::recovery::TakeRun as _;
use crate::replay::decode;
use ensoex_log::{AnyLog, Batch, CommandLog as _, Head, LogError, Opening, Takeover};
use ensoex_types::{Sequence, Timestamp};
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How often the lease is, and how far the primary's projections are.
const LEASE_EVERY: Duration = Duration::from_millis(100);
/// How long after a failure the log is opened again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);
const BATCHES_PER_READ: u32 = 64;
/// Commands that are kept for the projections; what is dropped is read from the log again.
const KEPT_COMMANDS_MAX: usize = 65_536;

/// Where to answer who asked for a takeover.
pub(crate) type AskedToTakeOver = oneshot::Sender<Result<TakenOver, ExchangeError>>;

/// What a standby was when it became the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver {
    /// Its epoch: the old primary's is lower.
    pub epoch: u64,
    /// The last command of the log.
    pub sequence: Sequence,
    /// SHA-256 of the engine's state after it.
    pub state_hash: [u8; 32],
}

/// See the module's doc.
pub(crate) struct Follower {
    parts: Parts,
    log: AnyLog,
    reached: Head,
    last_at: Timestamp,
    projector: Projector,
    /// What the primary's projections may still lack, oldest first.
    kept: VecDeque<Run>,
    kept_commands: usize,
}

/// What ends a look at the log.
enum Trouble {
    /// It can be tried again.
    Log(LogError),
    /// What was read does not fit together.
    Content(ExchangeError),
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Trouble {
        match error {
            error @ (LogError::Damaged { .. } | LogError::FileDamaged { .. }) => {
                Trouble::Content(error.into())
            }
            error => Trouble::Log(error),
        }
    }
}

impl Follower {
    pub(crate) fn new(
        parts: Parts,
        (log, place): (AnyLog, (Head, Timestamp)),
        mut projector: Projector,
    ) -> Follower {
        if let Some(shared) = parts.outlet.shared.upgrade() {
            projector.begin(&shared.state.read().unwrap_or_else(PoisonError::into_inner).engine);
        }
        Follower {
            parts,
            log,
            reached: place.0,
            last_at: place.1,
            projector,
            kept: VecDeque::new(),
            kept_commands: 0,
        }
    }

    /// Follows until the exchange is gone, or this is the primary.
    pub(crate) async fn run(mut self) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lease_looked = Instant::now();
        loop {
            let asked = tokio::select! {
                asked = self.parts.take_over.recv() => match asked {
                    Some(reply) => Some(reply),
                    None => return,
                },
                Ok(()) = self.parts.closing.changed() => {
                    let _nobody_listens = self.parts.role.send(Role::Stopped(StopReason::Closed));
                    return;
                }
                _ = look.tick() => None,
            };
            if let Some(reply) = asked {
                match self.take_over(Takeover::Now).await {
                    Ok((log, mark, taken_over)) => {
                        return self.become_primary(log, mark, taken_over, Some(reply));
                    }
                    Err(error) => {
                        tracing::error!(%error, "the takeover failed; this goes on as a standby");
                        let _asker_gone = reply.send(Err(error));
                    }
                }
                continue;
            }
            let mut looked = self.catch_up().await;
            if looked.is_ok() && lease_looked.elapsed() >= LEASE_EVERY {
                lease_looked = Instant::now();
                self.look_at_projections().await;
                match self.log.lease().await {
                    Ok(lease) if lease.has_expired() && self.parts.config.opening.lease.is_some() => {
                        tracing::warn!(
                            holder = lease.holder,
                            "the primary's lease has expired; this standby takes over"
                        );
                        match self.take_over(Takeover::IfLeaseExpired).await {
                            Ok((log, mark, taken_over)) => {
                                return self.become_primary(log, mark, taken_over, None);
                            }
                            Err(error) => {
                                tracing::error!(%error, "the takeover failed; this goes on as a standby")
                            }
                        }
                    }
                    Ok(_) => {}
                    Err(error) => looked = Err(error.into()),
                }
            }
            match looked {
                Ok(()) => {}
                Err(Trouble::Content(error)) => {
                    tracing::error!(%error, "the standby stops");
                    let _nobody_listens = self.parts.role.send(Role::Stopped(StopReason::Unsure));
                    return;
                }
                Err(Trouble::Log(error)) => {
                    tracing::warn!(%error, "the log cannot be followed at the moment; trying again");
                    tokio::time::sleep(OPEN_AGAIN_AFTER).await;
                    match AnyLog::open_read_only(&self.parts.config.log).await {
                        Ok(log) => self.log = log,
                        Err(error) => tracing::warn!(%error, "the log cannot be opened; trying again"),
                    }
                }
            }
        }
    }

    /// Applies what the log holds now.
    async fn catch_up(&mut self) -> Result<(), Trouble> {
        if self.log.stored_head().await?.next_sequence == self.reached.next_sequence {
            return Ok(());
        }
        loop {
            let batches = self.log.read(&self.reached, BATCHES_PER_READ).await?;
            if batches.is_empty() {
                return Ok(self.log.check_end(&self.reached)?);
            }
            self.apply(&batches).map_err(Trouble::Content)?;
        }
    }

    fn apply(&mut self, batches: &[Batch]) -> Result<(), ExchangeError> {
        let Some(shared) = self.parts.outlet.shared.upgrade() else {
            return Ok(());
        };
        for batch in batches {
            let commands = decode(batch)?;
            let run = {
                let mut state = shared.state.write().unwrap_or_else(PoisonError::into_inner);
                state.apply(batch, commands)
            };
            self.reached = batch.end();
            self.last_at = self.last_at.max(batch.at);
            self.parts.outlet.applied.send_replace(last_of(&self.reached));
            self.parts.outlet.publish(&run);
            self.kept_commands += run.len();
            self.kept.push_back(run);
        }
        while self.kept_commands > KEPT_COMMANDS_MAX {
            self.forget_oldest();
        }
        Ok(())
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.kept_commands -= oldest.len();
        }
    }

    /// Forgets what the primary has projected; where these projections are this standby's own, projects.
    async fn look_at_projections(&mut self) {
        let looked = if !self.parts.config.own_projections() {
            self.projector.refresh().await
        } else {
            let mut projected = Ok(());
            while let Some(run) = self.kept.front() {
                projected = self.projector.project(std::slice::from_ref(run)).await;
                if projected.is_err() {
                    break;
                }
                self.forget_oldest();
            }
            projected
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "the projections cannot be used at the moment; trying again");
            return;
        }
        let projected = self.projector.projected();
        while self
            .kept
            .front()
            .is_some_and(|run| run.last_sequence() <= projected)
        {
            self.forget_oldest();
        }
        self.parts.projecting.tell(projected);
    }

    /// Raises the epoch and applies what the old primary still wrote.
    async fn take_over(
        &mut self,
        takeover: Takeover,
    ) -> Result<(AnyLog, AcknowledgedMark, TakenOver), ExchangeError> {
        let config = &self.parts.config;
        let opening = Opening {
            takeover,
            ..config.opening.clone()
        };
        let mut log = open_for_writing(config, &opening).await?;
        loop {
            let batches = log.read(&self.reached, BATCHES_PER_READ).await?;
            if batches.is_empty() {
                break;
            }
            self.apply(&batches)?;
        }
        log.check_end(&self.reached)?;
        // From here on the mark is this exchange's: the old primary can no longer append, so it acknowledges nothing more.
        let mark = AcknowledgedMark::open(&self.parts.config.directory)?;
        let end = last_of(&self.reached);
        if let Some(place) = mark.place() {
            if place.sequence > end {
                return Err(ExchangeError::LogTooShort {
                    log: end,
                    seen: place.sequence,
                });
            }
            if place.sequence == end && place.hash != self.reached.hash {
                return Err(ExchangeError::OtherThanAcknowledged { sequence: end });
            }
        }
        let shared = self
            .parts
            .outlet
            .shared
            .upgrade()
            .ok_or(ExchangeError::Interrupted)?;
        let state_hash = {
            let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
            state.engine.state_hash()
        };
        let taken_over = TakenOver {
            epoch: log.head().epoch,
            sequence: end,
            state_hash,
        };
        Ok((log, mark, taken_over))
    }

    /// Starts the tasks of a primary.
    fn become_primary(
        mut self,
        log: AnyLog,
        mark: AcknowledgedMark,
        taken_over: TakenOver,
        asked: Option<AskedToTakeOver>,
    ) {
        let TakenOver { epoch, sequence, .. } = taken_over;
        tracing::info!("this standby is the primary now: epoch {epoch}, after sequence {sequence}");
        if let Some(shared) = self.parts.outlet.shared.upgrade() {
            let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
            self.projector.begin(&state.engine);
        }
        let handed_on = self.kept.is_empty();
        for run in self.kept {
            self.parts.outlet.to_project.send(run);
        }
        if handed_on && self.projector.projected() < sequence {
            self.parts.outlet.to_project.miss();
        }
        let role = self.parts.role.clone();
        self.parts
            .begin(log, (self.reached, self.last_at), mark, self.projector);
        role.send_replace(Role::Primary { epoch });
        if let Some(reply) = asked {
            let _asker_gone = reply.send(Ok(taken_over));
        }
    }
}
