//! What clients know of their submissions, and whether the log agrees with it.

use ensoex_engine::{Command, Engine, Event};
use ensoex_exchange::{Outcome, SubmitError, replay};
use ensoex_log::Batch;
use ensoex_types::{Sequence, Timestamp, TransferId};
use std::collections::{BTreeMap, HashSet};

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
        let rest = replay.commands.iter();
        let rest: Vec<(Sequence, &Command)> = rest
            .filter(|(sequence, _)| !self.acknowledged.contains_key(sequence))
            .map(|(sequence, one)| (*sequence, &one.command))
            .collect();
        let mut search = Search {
            unknown: &self.unknown,
            rest: &rest,
            used: vec![false; self.unknown.len()],
            in_vain: HashSet::new(),
            furthest: 0,
        };
        if search.explains_from(0) {
            return Ok(());
        }
        let sequence = rest.get(search.furthest).map_or(0, |(sequence, _)| sequence.0);
        Err(format!(
            "the command at sequence {sequence} was neither acknowledged nor left unknown: it stands there twice, or was refused"
        ))
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

/// Looks for a way to take all that nobody acknowledged for submissions of unknown outcome, each of them once at most. Several
/// may begin alike: a deposit that is asked for again is the beginning of the message that asked first.
struct Search<'a> {
    unknown: &'a [Vec<Command>],
    rest: &'a [(Sequence, &'a Command)],
    used: Vec<bool>,
    /// What was tried already.
    in_vain: HashSet<(usize, Vec<bool>)>,
    furthest: usize,
}

impl Search<'_> {
    fn explains_from(&mut self, position: usize) -> bool {
        self.furthest = self.furthest.max(position);
        if position == self.rest.len() {
            return true;
        }
        if self.in_vain.contains(&(position, self.used.clone())) {
            return false;
        }
        for number in 0..self.unknown.len() {
            if self.used[number] || !self.stands_at(position, &self.unknown[number]) {
                continue;
            }
            self.used[number] = true;
            if self.explains_from(position + self.unknown[number].len()) {
                return true;
            }
            self.used[number] = false;
        }
        self.in_vain.insert((position, self.used.clone()));
        false
    }

    /// Whether the commands stand there one right after the other.
    fn stands_at(&self, position: usize, commands: &[Command]) -> bool {
        let there = self.rest.get(position..position + commands.len());
        there.is_some_and(|there| {
            let first = there.first().map_or(0, |(sequence, _)| sequence.0);
            let expected = (first..).zip(commands);
            there
                .iter()
                .zip(expected)
                .all(|((sequence, command), (place, wanted))| sequence.0 == place && *command == wanted)
        })
    }
}

/// What was found wrong by a search that took the first that fits.
#[test]
fn submissions_that_begin_alike_are_told_apart() {
    let open = |account| Command::OpenAccount {
        account: ensoex_types::AccountId(account),
    };
    let (a, b, c) = (open(1), open(2), open(3));
    let explained = |log: &[&Command], unknown: &[Vec<Command>]| {
        let rest: Vec<(Sequence, &Command)> = (1..).map(Sequence).zip(log.iter().copied()).collect();
        let mut search = Search {
            unknown,
            rest: &rest,
            used: vec![false; unknown.len()],
            in_vain: HashSet::new(),
            furthest: 0,
        };
        search.explains_from(0)
    };
    let unknown = [vec![a.clone()], vec![a.clone(), b.clone()], vec![c.clone()]];
    assert!(explained(&[], &unknown));
    assert!(explained(&[&a, &b], &unknown));
    assert!(explained(&[&a, &b, &a, &c], &unknown));
    assert!(explained(&[&a, &a, &b], &unknown));
    assert!(!explained(&[&a, &b, &a, &a], &unknown), "control: once too often");
    assert!(!explained(&[&b], &unknown), "control: a part of it");
    assert!(!explained(&[&a, &c, &b], &unknown), "control: torn");
}
