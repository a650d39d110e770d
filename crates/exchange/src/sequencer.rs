//! The single writer: forms batches of what arrived meanwhile, makes them durable, applies them, answers.
//!
//! A batch is applied and answered while the log writes the next one; when nothing waits, at once. A batch that was durable is
//! answered whatever becomes of the next.
//!
//! It ends when the exchange is gone, when another writer took over ([`StopReason::Fenced`]), or when it cannot be sure of the
//! log or of the acknowledged mark ([`StopReason::Unsure`]); nobody is answered then. It renews its lease between batches.
//! Never waits for projections or readers of the feed.

use crate::acknowledged::AcknowledgedMark;
use crate::applied::Run;
use crate::clock::Clock;
use crate::error::SubmitError;
use crate::exchange::{Outlet, Role, StopReason};
use crate::recovery::Place;
use crate::replay::encode;
use ensoex_engine::Command;
use ensoex_log::{AnyLog, AppendError, BATCH_BYTES_MAX, Batch, CommandLog, LogError};
use ensoex_types::{Sequence, Timestamp};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Commands in one request, and so in one batch, at the most.
pub(crate) const BATCH_COMMANDS_MAX: usize = 1_024;
/// Requests are put into one batch up to so many commands. With more, a disk writes hardly faster, and those who wait for it no longer give
/// the next batch while this one is applied and answered.
const BATCH_COMMANDS_USUAL: usize = 512;
/// Requests that may wait for the sequencer; more are refused as [`SubmitError::Overloaded`].
pub(crate) const QUEUE_MAX: usize = 16_384;
/// A lease is renewed as many times as this within its length.
const RENEWALS: u32 = 4;
/// When nothing has come for so long, the log may tidy up.
const IDLE_AFTER: Duration = Duration::from_millis(20);
/// How often it is looked whether a lease must be renewed when there is none.
const NO_LEASE: Duration = Duration::from_secs(3_600);

/// Commands that wait to be recorded together.
pub(crate) struct Request {
    pub(crate) first: Command,
    /// What follows on it.
    pub(crate) more: Vec<Command>,
    pub(crate) reply: Reply,
}

impl Request {
    fn commands(&self) -> usize {
        1 + self.more.len()
    }
}

/// To whom a request is answered: the run that it is in, and its first command's position there.
pub(crate) type Reply = oneshot::Sender<Result<(Run, usize), SubmitError>>;

/// A batch that is durable but not applied yet.
pub(crate) struct Durable {
    batch: Batch,
    commands: Vec<Command>,
    waiting: Vec<Waiting>,
}

/// Who waits for an answer, to which position of the batch.
struct Waiting {
    position: usize,
    reply: Reply,
}

/// See the module's doc.
pub(crate) struct Sequencer {
    pub(crate) log: AnyLog,
    pub(crate) clock: Clock,
    /// Greatest stamp so far. Each batch gets a greater one, so a time that has passed stays as it is.
    pub(crate) last_at: Timestamp,
    pub(crate) mark: AcknowledgedMark,
    pub(crate) outlet: Outlet,
    pub(crate) role: watch::Sender<Role>,
    /// How long this writer is taken for alive after each renewal; none when it does not renew.
    pub(crate) lease: Option<Duration>,
    /// Says that it is time to end.
    pub(crate) closing: watch::Receiver<bool>,
}

impl Sequencer {
    /// Records what comes in, until nobody can send any more or this writer must stop.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Request>) {
        let mut renewal = interval(self.lease.map_or(NO_LEASE, |lease| lease / RENEWALS));
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = Instant::now();
        let outlet = self.outlet.clone();
        let mut carried: Option<Request> = None;
        let mut durable: Option<Durable> = None;
        let mut tidy = false;
        loop {
            let closing = *self.closing.borrow();
            let renew = self
                .lease
                .is_some_and(|lease| renewed.elapsed() >= lease / RENEWALS);
            if (closing || renew)
                && let Some(durable) = durable.take()
            {
                outlet.apply(durable);
            }
            if closing {
                incoming.close();
                let refuse = |request: Request| request.reply.send(Err(SubmitError::Stopped));
                let _caller_gone = carried.take().map(refuse);
                while let Some(request) = incoming.recv().await {
                    let _caller_gone = refuse(request);
                }
                return self.end().await;
            }
            if renew {
                renewed = Instant::now();
                if let Err(reason) = self.renew().await {
                    return self.stop(reason);
                }
            }
            let first = match carried.take().or_else(|| incoming.try_recv().ok()) {
                Some(request) => request,
                None => {
                    if let Some(durable) = durable.take() {
                        outlet.apply(durable);
                        continue;
                    }
                    tokio::select! {
                        request = incoming.recv() => match request {
                            Some(request) => request,
                            None => return self.end().await,
                        },
                        () = sleep(IDLE_AFTER), if !tidy => {
                            tidy = self.log.idle().await.unwrap_or_else(|error| {
                                tracing::warn!(%error, "the log could not tidy up; it tries again after the next batch");
                                true
                            });
                            continue;
                        }
                        _ = renewal.tick() => continue,
                        Ok(()) = self.closing.changed() => continue,
                    }
                }
            };
            let mut size = first.commands();
            let mut requests = vec![first];
            while let Ok(request) = incoming.try_recv() {
                if size + request.commands() > BATCH_COMMANDS_USUAL {
                    carried = Some(request);
                    break;
                }
                size += request.commands();
                requests.push(request);
            }
            self.last_at = self.clock.now().max(Timestamp(self.last_at.0.saturating_add(1)));
            // While the disk writes this batch, the one before is applied and answered.
            let before = durable.take();
            tidy = false;
            let (recorded, ()) = tokio::join!(self.record(self.last_at, requests, size), async {
                before.into_iter().for_each(|before| outlet.apply(before));
            });
            match recorded {
                Ok(recorded) => durable = recorded,
                Err(reason) => return self.stop(reason),
            }
        }
    }

    fn stop(&self, reason: StopReason) {
        let _nobody_listens = self.role.send(Role::Stopped(reason));
    }

    /// The exchange is gone: whoever waits for its lease, or because it had none, need not wait any longer.
    async fn end(mut self) {
        if let Err(error) = self.log.renew_lease(Duration::ZERO).await {
            tracing::warn!(%error, "the lease could not be given back; it expires by itself");
        }
        self.stop(StopReason::Closed);
    }

    /// Says that this writer is alive. What cannot be renewed expires, and then the log refuses to append.
    async fn renew(&mut self) -> Result<(), StopReason> {
        let Some(lease) = self.lease else { return Ok(()) };
        match self.log.renew_lease(lease).await {
            Ok(()) => Ok(()),
            Err(error @ LogError::Fenced { .. }) => {
                tracing::error!(%error, "the sequencer stops");
                Err(StopReason::Fenced)
            }
            Err(error) => {
                tracing::warn!(%error, "the lease could not be renewed; trying again");
                Ok(())
            }
        }
    }

    /// Makes one batch durable; `None` when it was refused and nothing was moved. `Err` means that this writer must stop.
    async fn record(
        &mut self,
        at: Timestamp,
        requests: Vec<Request>,
        size: usize,
    ) -> Result<Option<Durable>, StopReason> {
        let mut commands = Vec::with_capacity(size);
        let mut waiting = Vec::with_capacity(requests.len());
        for request in requests {
            waiting.push(Waiting {
                position: commands.len(),
                reply: request.reply,
            });
            commands.push(request.first);
            commands.extend(request.more);
        }
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        let data = match encode(&commands) {
            Ok(data) if data.len() <= BATCH_BYTES_MAX => data,
            _ => {
                refuse(waiting, SubmitError::Overloaded);
                return Ok(None);
            }
        };
        match self.log.append(at, count, data).await {
            Ok(_) => {}
            Err(error @ (AppendError::NotWritten(_) | AppendError::Size)) => {
                tracing::error!(%error, "batch refused; nothing was moved");
                refuse(waiting, SubmitError::LogUnavailable);
                return Ok(None);
            }
            Err(error) => {
                tracing::error!(%error, "the sequencer stops");
                refuse(waiting, SubmitError::OutcomeUnknown);
                return Err(match error {
                    AppendError::Fenced { .. } => StopReason::Fenced,
                    _ => StopReason::Unsure,
                });
            }
        }
        let head = self.log.head();
        let place = Place {
            sequence: Sequence(head.next_sequence.0.saturating_sub(1)),
            hash: head.hash,
        };
        if let Err(error) = self.mark.record(place) {
            tracing::error!(%error, "the acknowledged mark cannot be written, so nothing is acknowledged; the sequencer stops");
            refuse(waiting, SubmitError::OutcomeUnknown);
            return Err(StopReason::Unsure);
        }
        let batch = Batch {
            first_sequence: Sequence(head.next_sequence.0.saturating_sub(u64::from(count))),
            count,
            epoch: head.epoch,
            at,
            previous_hash: [0; 32],
            hash: head.hash,
            data: Vec::new(),
        };
        Ok(Some(Durable {
            batch,
            commands,
            waiting,
        }))
    }
}

impl Outlet {
    /// Applies a durable batch, answers, and tells everybody; does nothing when the exchange is gone.
    fn apply(&self, durable: Durable) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let run = {
            let mut state = shared.state.write().unwrap_or_else(PoisonError::into_inner);
            state.apply(&durable.batch, durable.commands)
        };
        self.applied.send_replace(run.last_sequence());
        match &self.answering {
            None => answer(&run, durable.waiting),
            Some(answering) => {
                let run = run.clone();
                answering.spawn(async move { answer(&run, durable.waiting) });
            }
        }
        self.publish(&run);
        self.to_project.send(run);
    }
}

fn answer(run: &Run, waiting: Vec<Waiting>) {
    for one in waiting {
        let _caller_gone = one.reply.send(Ok((run.clone(), one.position)));
    }
}

fn refuse(waiting: Vec<Waiting>, error: SubmitError) {
    for one in waiting {
        let _caller_gone = one.reply.send(Err(error));
    }
}
