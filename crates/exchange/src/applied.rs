//! What a batch did: its commands and their events, in two blocks that everybody shares.
//!
//! The answer of each command, the feed and the projector hold the same [`Run`], so that handing on costs the same for a
//! thousand commands as for one. Immutable. A run is kept as long as anybody holds an answer out of it.

use ensoex_engine::{Command, Event, Reject};
use ensoex_log::Batch;
use ensoex_types::{Sequence, Timestamp};
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// The commands of one batch, durable and applied, in order; cheap to clone.
#[derive(Clone, Default)]
pub struct Run(Arc<Parts>);

#[derive(Default)]
struct Parts {
    first_sequence: Sequence,
    at: Timestamp,
    commands: Vec<Command>,
    events: Vec<Event>,
    /// Where each command's events end.
    ends: Vec<usize>,
}

/// A command that is durable and applied, with what it did.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// What was asked.
    pub command: &'a Command,
    /// What happened; at least one.
    pub events: &'a [Event],
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// What happened; at least one.
    pub events: Events,
}

/// The events of one command.
#[derive(Clone)]
pub struct Events {
    run: Run,
    position: usize,
}

impl Run {
    /// A batch whose commands did this: `ends` says after how many of the `events` each command's end.
    pub(crate) fn new(batch: &Batch, commands: Vec<Command>, events: Vec<Event>, ends: Vec<usize>) -> Run {
        Run(Arc::new(Parts {
            first_sequence: batch.first_sequence,
            at: batch.at,
            commands,
            events,
            ends,
        }))
    }

    /// How many commands.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// No command is in it; no batch is like that.
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// Of its first command.
    pub fn first_sequence(&self) -> Sequence {
        self.0.first_sequence
    }

    /// Of its last command.
    pub fn last_sequence(&self) -> Sequence {
        Sequence((self.0.first_sequence.0 + self.len() as u64).saturating_sub(1))
    }

    /// What all of its commands did.
    pub(crate) fn events(&self) -> &[Event] {
        &self.0.events
    }

    /// Its commands, one by one.
    pub fn iter(&self) -> impl Iterator<Item = Applied<'_>> {
        let commands = self.0.commands.iter().enumerate();
        commands.map(|(position, command)| Applied {
            sequence: self.sequence(position),
            at: self.0.at,
            command,
            events: self.events_of(position),
        })
    }

    /// The answer to the command at this position, from 0; `None` when there is none.
    pub(crate) fn outcome(&self, position: usize) -> Option<Outcome> {
        (position < self.len()).then(|| Outcome {
            sequence: self.sequence(position),
            at: self.0.at,
            events: Events {
                run: self.clone(),
                position,
            },
        })
    }

    fn sequence(&self, position: usize) -> Sequence {
        Sequence(self.0.first_sequence.0 + position as u64)
    }

    fn range(&self, position: usize) -> Range<usize> {
        let before = position.checked_sub(1).and_then(|before| self.0.ends.get(before));
        let end = self.0.ends.get(position);
        before.copied().unwrap_or_default()..end.copied().unwrap_or_default()
    }

    fn events_of(&self, position: usize) -> &[Event] {
        self.0.events.get(self.range(position)).unwrap_or_default()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl Deref for Events {
    type Target = [Event];

    fn deref(&self) -> &[Event] {
        self.run.events_of(self.position)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(formatter)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use ensoex_types::AccountId;

    #[test]
    fn each_command_has_its_own_events() {
        let opened = |account| Event::AccountOpened {
            account: AccountId(account),
        };
        let command = |account| Command::OpenAccount {
            account: AccountId(account),
        };
        let batch = Batch {
            first_sequence: Sequence(7),
            count: 3,
            epoch: 1,
            at: Timestamp(9),
            previous_hash: [0; 32],
            hash: [0; 32],
            data: Vec::new(),
        };
        let commands = vec![command(1), command(2), command(3)];
        let run = Run::new(&batch, commands, (1..=4).map(opened).collect(), vec![1, 1, 4]);
        let events = |number: usize| run.iter().nth(number).unwrap().events.to_vec();
        assert_eq!(events(0), [opened(1)]);
        assert_eq!(events(1), []);
        assert_eq!(events(2), [opened(2), opened(3), opened(4)]);
        assert_eq!(
            (run.len(), run.first_sequence(), run.last_sequence()),
            (3, Sequence(7), Sequence(9))
        );
        for (position, applied) in run.iter().enumerate() {
            let outcome = run.outcome(position).unwrap();
            assert_eq!(outcome.sequence, applied.sequence);
            assert_eq!(*outcome.events, *applied.events);
        }
        assert!(run.outcome(3).is_none());
        assert!(Run::default().is_empty());
        assert_eq!(Run::default().last_sequence(), Sequence(0));
    }
}
