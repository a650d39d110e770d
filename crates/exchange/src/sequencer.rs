//! The single writer: forms batches of what arrived meanwhile, makes them durable, applies them, answers.
//!
//! It ends when the exchange is gone, when another writer took over ([`StopReason::Fenced`]), or when it cannot be sure of the
//! log or of the acknowledged mark ([`StopReason::Unsure`]); nobody is answered then. It renews its lease between batches.
//! Never waits for projections or readers of the feed.

use crate::acknowledged::AcknowledgedMark;
use crate::clock::Clock;
use crate::error::SubmitError;
use crate::exchange::{Outlet, Role, StopReason};
use crate::recovery::Place;
use crate::replay::encode;
use ensoex_engine::{Command, Event, Reject};
use ensoex_log::{AnyLog, AppendError, BATCH_BYTES_MAX, Batch, CommandLog, LogError};
use ensoex_types::{Sequence, Timestamp};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Commands in one batch at the most.
pub(crate) const BATCH_COMMANDS_MAX: usize = 1_024;
/// Requests that may wait for the sequencer; more are refused as [`SubmitError::Overloaded`].
pub(crate) const QUEUE_MAX: usize = 16_384;
/// A lease is renewed as many times as this within its length.
const RENEWALS: u32 = 4;
/// How often it is looked whether a lease must be renewed when there is none.
const NO_LEASE: Duration = Duration::from_secs(3_600);

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

/// Commands that wait to be recorded together.
pub(crate) struct Request {
    pub(crate) commands: Vec<Command>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Outcome>, SubmitError>>,
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
        let mut carried: Option<Request> = None;
        loop {
            if *self.closing.borrow() {
                if let Some(request) = carried.take() {
                    refuse(vec![request], SubmitError::Stopped);
                }
                incoming.close();
                while let Some(request) = incoming.recv().await {
                    refuse(vec![request], SubmitError::Stopped);
                }
                return self.end().await;
            }
            let first = match carried.take() {
                Some(request) => Some(request),
                None => tokio::select! {
                    request = incoming.recv() => match request {
                        Some(request) => Some(request),
                        None => return self.end().await,
                    },
                    _ = renewal.tick() => None,
                    Ok(()) = self.closing.changed() => None,
                },
            };
            if self
                .lease
                .is_some_and(|lease| renewed.elapsed() >= lease / RENEWALS)
            {
                renewed = Instant::now();
                if let Err(reason) = self.renew().await {
                    return self.stop(reason);
                }
            }
            let Some(first) = first else { continue };
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
            self.last_at = self.clock.now().max(Timestamp(self.last_at.0.saturating_add(1)));
            if let Err(reason) = self.record(self.last_at, requests, size).await {
                return self.stop(reason);
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

    /// Makes one batch durable, applies it and answers. `Err` means that this writer must stop.
    async fn record(
        &mut self,
        at: Timestamp,
        mut requests: Vec<Request>,
        size: usize,
    ) -> Result<(), StopReason> {
        let mut commands = Vec::with_capacity(size);
        let mut sizes = Vec::with_capacity(requests.len());
        for request in &mut requests {
            sizes.push(request.commands.len());
            commands.append(&mut request.commands);
        }
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        let data = match encode(&commands) {
            Ok(data) if data.len() <= BATCH_BYTES_MAX => data,
            _ => {
                refuse(requests, SubmitError::Overloaded);
                return Ok(());
            }
        };
        match self.log.append(at, count, data).await {
            Ok(_) => {}
            Err(error @ (AppendError::NotWritten(_) | AppendError::Size)) => {
                tracing::error!(%error, "batch refused; nothing was moved");
                refuse(requests, SubmitError::LogUnavailable);
                return Ok(());
            }
            Err(error) => {
                tracing::error!(%error, "the sequencer stops");
                refuse(requests, SubmitError::OutcomeUnknown);
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
            refuse(requests, SubmitError::OutcomeUnknown);
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
        let shared = self.outlet.shared.upgrade().ok_or(StopReason::Unsure)?;
        let applied = {
            let mut state = shared.state.write().unwrap_or_else(PoisonError::into_inner);
            state.apply(&batch, commands)
        };
        self.answer(requests, sizes, applied);
        Ok(())
    }

    fn answer(&mut self, requests: Vec<Request>, sizes: Vec<usize>, applied: Vec<Applied>) {
        if let Some(last) = applied.last() {
            self.outlet.applied.send_replace(last.sequence);
        }
        let mut outcomes = applied.iter().map(|one| Outcome {
            sequence: one.sequence,
            at: one.at,
            events: Arc::clone(&one.events),
        });
        for (request, size) in requests.into_iter().zip(sizes) {
            let mine = outcomes.by_ref().take(size).collect();
            let _caller_gone = request.reply.send(Ok(mine));
        }
        self.outlet.publish(&applied);
        self.outlet.to_project.send(applied);
    }
}

fn refuse(requests: Vec<Request>, error: SubmitError) {
    for request in requests {
        let _caller_gone = request.reply.send(Err(error));
    }
}
