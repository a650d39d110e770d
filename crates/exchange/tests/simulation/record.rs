//! What clients know of their submissions, and whether the log agrees with it.

use ensoex_engine::{Command, Engine, Event};
use ensoex_exchange::{Outcome, SubmitError, replay};
use ensoex_log::Batch;
use ensoex_types::{Sequence, Timestamp, TransferId};
use std::collections::BTreeMap;

/// What became of one submission, as far as its sender can know.
#[derive(Default)]
pub(crate) struct Record {
    /// Answered with an outcome.
    acknowledged: BTreeMap<Sequence, Acknowledged>,
    /// Without a known outcome: in the log as a whole and in this order, or not at all.
    unknown: Vec<Vec<Command>>,
    /// Refused as surely not recorded.
    pub(crate) refused: u64,
}

struct Acknowledged {
    at: Timestamp,
    command: Command,
    events: Vec<Event>,
}

/// What the log says, applied to an empty engine.
pub(crate) struct Replay {
    pub(crate) engine: Engine,
    pub(crate) at: Timestamp,
    commands: BTreeMap<Sequence, Acknowledged>,
}

impl Replay {
    pub(crate) fn of(rows: &[Batch]) -> Result<Replay, String> {
        let (mut engine, mut at) = (Engine::new(), Timestamp(0));
        let mut commands = BTreeMap::new();
        let mut events = Vec::new();
        for row in rows {
            let decoded = replay::decode(row).map_err(|error| error.to_string())?;
            for (sequence, command) in (row.first_sequence.0..).zip(decoded) {
                events.clear();
                engine.apply(Sequence(sequence), row.at, &command, &mut events);
                engine
                    .check_invariants()
                    .map_err(|broken| format!("after sequence {sequence}: {broken}"))?;
                let one = Acknowledged {
                    at: row.at,
                    command,
                    events: events.clone(),
                };
                commands.insert(Sequence(sequence), one);
            }
            if row.at <= at {
                return Err(format!(
                    "the stamp of the batch at {} does not grow",
                    row.first_sequence
                ));
            }
            at = row.at;
        }
        Ok(Replay { engine, at, commands })
    }

    /// How often this transfer moved money.
    pub(crate) fn posted(&self, wanted: TransferId) -> usize {
        let events = self.commands.values().flat_map(|one| &one.events);
        events
            .filter(|event| matches!(event, Event::TransferPosted { transfer, .. } if *transfer == wanted))
            .count()
    }
}

impl Record {
    /// Takes down how a submission was answered.
    pub(crate) fn answered(
        &mut self,
        commands: Vec<Command>,
        answer: Result<Vec<Outcome>, SubmitError>,
    ) -> Result<(), String> {
        match answer {
            Ok(outcomes) if outcomes.len() != commands.len() => Err(format!(
                "{} commands were answered by {} outcomes",
                commands.len(),
                outcomes.len()
            )),
            Ok(outcomes) => {
                for (outcome, command) in outcomes.into_iter().zip(commands) {
                    let one = Acknowledged {
                        at: outcome.at,
                        command,
                        events: outcome.events.to_vec(),
                    };
                    if self.acknowledged.insert(outcome.sequence, one).is_some() {
                        return Err(format!("sequence {} was answered twice", outcome.sequence));
                    }
                }
                Ok(())
            }
            Err(SubmitError::LogUnavailable | SubmitError::Overloaded) => {
                self.refused += 1;
                Ok(())
            }
            Err(SubmitError::OutcomeUnknown | SubmitError::Stopped) => {
                self.unknown.push(commands);
                Ok(())
            }
        }
    }

    /// The sender never heard: the process died, or the answer was lost on the way.
    pub(crate) fn unheard(&mut self, commands: Vec<Command>) {
        self.unknown.push(commands);
    }

    /// Everything acknowledged is in the log as it was answered, nothing is there twice, and nothing that was refused is
    /// there.
    pub(crate) fn agrees(&self, replay: &Replay) -> Result<(), String> {
        for (sequence, said) in &self.acknowledged {
            let Some(found) = replay.commands.get(sequence) else {
                return Err(format!("sequence {sequence} was acknowledged and is lost"));
            };
            if found.at != said.at || found.command != said.command || found.events != said.events {
                return Err(format!(
                    "sequence {sequence} was answered otherwise than the log says"
                ));
            }
        }
        let mut possible: Vec<Option<&[Command]>> =
            self.unknown.iter().map(|one| Some(one.as_slice())).collect();
        let mut rest = replay
            .commands
            .iter()
            .filter(|(sequence, _)| !self.acknowledged.contains_key(sequence))
            .peekable();
        while let Some((sequence, _)) = rest.peek().copied() {
            let run: Vec<&Command> = rest.clone().map(|(_, one)| &one.command).take(64).collect();
            let matching = possible.iter_mut().find(|one| {
                one.is_some_and(|commands| {
                    commands.len() <= run.len() && commands.iter().zip(&run).all(|(a, b)| a == *b)
                })
            });
            let Some(matching) = matching else {
                return Err(format!(
                    "the command at sequence {sequence} was neither acknowledged nor left unknown: it stands there twice, or \
                     was refused"
                ));
            };
            let length = matching.take().map_or(1, <[Command]>::len);
            rest.by_ref().take(length).for_each(drop);
        }
        Ok(())
    }

    /// Number of acknowledged commands.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Number of submissions whose outcome their sender does not know.
    pub(crate) fn unknown(&self) -> usize {
        self.unknown.len()
    }
}
