//! Proves of a database at work that it keeps two writers apart and that damage to its rows is found.
//!
//! Runs in a log of its own that must be empty. Any database that answers like SQLite or PostgreSQL may be asked; the log
//! may be kept only in one that passes. Each check says what was found, also when it holds.
//!
//! Failure cases: a check that does not hold is in the report; [`FenceError`] means that the checks could not be made.
//! Does not cut networks or kill servers, and so does not prove that a confirmed row outlives its machine.

use crate::chain::Batch;
use crate::{AnyLog, AppendError, CommandLog, Head, Interruption, LogAddress, LogError, Opening, Takeover};
use ensoex_types::Timestamp;
use std::time::Duration;

/// Rows that a read answers at the most.
const ROWS_PER_READ: u32 = 256;
/// Time for a takeover to get in line behind an open append.
const IN_LINE: Duration = Duration::from_millis(300);
const LEASE: Duration = Duration::from_secs(3_600);

/// What was changed behind the log's back, and the statement that does so: rows 1, 3 and 4 hold 2, 1 and 3 commands.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "a row's bytes altered",
        "UPDATE batch SET data = (SELECT data FROM batch WHERE first_sequence = 1) WHERE first_sequence = 3",
    ),
    (
        "a row's time altered",
        "UPDATE batch SET at_us = at_us + 1 WHERE first_sequence = 3",
    ),
    (
        "a row's count altered",
        "UPDATE batch SET count = count + 1 WHERE first_sequence = 3",
    ),
    (
        "a row's epoch altered",
        "UPDATE batch SET epoch = epoch + 1 WHERE first_sequence = 3",
    ),
    (
        "a row's hash altered",
        "UPDATE batch SET hash = previous_hash WHERE first_sequence = 3",
    ),
    ("the first row dropped", "DELETE FROM batch WHERE first_sequence = 1"),
    ("a row in the middle dropped", "DELETE FROM batch WHERE first_sequence = 3"),
    ("the last row cut off", "DELETE FROM batch WHERE first_sequence = 4"),
    (
        "two rows swapped",
        "UPDATE batch SET data = (SELECT other.data FROM batch AS other WHERE other.first_sequence = 5 - batch.first_sequence)
         WHERE first_sequence IN (1, 4)",
    ),
    (
        "the head row set back",
        "UPDATE head SET next_sequence = 4, hash = (SELECT previous_hash FROM batch WHERE first_sequence = 4)",
    ),
    (
        "the head row's hash altered",
        "UPDATE head SET hash = (SELECT previous_hash FROM batch WHERE first_sequence = 4)",
    ),
];

/// What was found, check by check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceReport {
    /// Address of the log, without a password.
    pub log: String,
    /// Appends of each racer.
    pub appends: u32,
    /// In the order made.
    pub checks: Vec<FenceCheck>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceCheck {
    /// What must hold.
    pub name: &'static str,
    /// Whether it does.
    pub holds: bool,
    /// What was seen.
    pub found: String,
}

impl FenceReport {
    /// Whether all of it holds.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

/// Why the checks could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An append that had to succeed did not.
    #[error("the checks could not be made: {0}")]
    Append(#[from] AppendError),
    /// The database did not answer as it must.
    #[error("the checks could not be made: {0}")]
    Interrupted(#[from] Interruption),
    /// There is something in it.
    #[error("{0} holds a log already: name an empty place, for the checks write to it")]
    NotEmpty(String),
    /// A part of the checks broke.
    #[error("the checks could not be made: a part of them broke off")]
    BrokeOff,
}

/// Makes all checks in the log at `address`, which must be empty or absent.
///
/// # Errors
/// [`FenceError`] when the checks could not be made.
pub async fn run(address: &LogAddress, opening: &Opening, appends: u32) -> Result<FenceReport, FenceError> {
    if let Ok(log) = AnyLog::open_read_only(address).await
        && log.head().next_sequence != Head::EMPTY.next_sequence
    {
        return Err(FenceError::NotEmpty(address.to_string()));
    }
    let mut log = AnyLog::open(address, opening).await?;
    for (at, count, data) in [(10, 2, "one two"), (20, 1, "three"), (30, 3, "four five six")] {
        log.append(Timestamp(at), count, data.into()).await?;
    }
    let mut report = FenceReport {
        log: address.to_string(),
        appends,
        checks: tampering(&mut log).await?,
    };
    report.checks.push(gap(&mut log).await?);
    report.checks.push(stale_writer(log, address, opening).await?);
    report.checks.push(race(address, opening, appends).await?);
    report.checks.push(open_append(address, opening).await?);
    report.checks.push(lease(address, opening).await?);
    Ok(report)
}

async fn read_whole(log: &mut AnyLog) -> Result<Head, LogError> {
    let mut reached = Head::EMPTY;
    log.stored_head().await?;
    loop {
        let batches = log.read(&reached, ROWS_PER_READ).await?;
        match batches.last() {
            Some(last) => reached = last.end(),
            None => break,
        }
    }
    let head = log.stored_head().await?;
    match reached.same_end(&head) {
        true => Ok(reached),
        false => Err(LogError::Damaged {
            sequence: reached.next_sequence,
            what: "the rows do not end where the head row says (cut off or altered)",
        }),
    }
}

/// Each is made inside a transaction, read there, and taken back.
async fn tampering(log: &mut AnyLog) -> Result<Vec<FenceCheck>, FenceError> {
    let mut checks = vec![FenceCheck {
        name: "an untouched log reads whole",
        holds: true,
        found: format!("up to sequence {}", read_whole(log).await?.next_sequence.0 - 1),
    }];
    for (name, statement) in TAMPERINGS {
        log.plain("BEGIN").await?;
        log.plain(statement).await?;
        let read = read_whole(log).await;
        log.plain("ROLLBACK").await?;
        checks.push(FenceCheck {
            name,
            holds: matches!(read, Err(LogError::Damaged { .. })),
            found: match read {
                Ok(_) => "read as if whole".to_owned(),
                Err(error) => error.to_string(),
            },
        });
    }
    let whole = read_whole(log).await;
    checks.push(FenceCheck {
        name: "what was taken back reads whole again",
        holds: whole.is_ok(),
        found: whole.map_or_else(|error| error.to_string(), |_| "whole".to_owned()),
    });
    Ok(checks)
}

async fn gap(log: &mut AnyLog) -> Result<FenceCheck, FenceError> {
    let mut twin = log.twin().await?;
    let mut ahead = log.head();
    ahead.next_sequence.0 += 1;
    let appended = twin.compare_and_set(&ahead, b"after a gap").await?;
    let end = log.stored_head().await?;
    Ok(FenceCheck {
        name: "an append after a gap is refused",
        holds: !appended && end == log.head(),
        found: format!("appended: {appended}, next sequence {}", end.next_sequence),
    })
}

async fn stale_writer(
    mut old: AnyLog,
    address: &LogAddress,
    opening: &Opening,
) -> Result<FenceCheck, FenceError> {
    let mut new = AnyLog::open(address, opening).await?;
    let taken_at = new.head();
    let late = old.append(Timestamp(40), 1, b"too late".to_vec()).await;
    let before = new.stored_head().await?;
    let by_new = new.append(Timestamp(50), 1, b"by the new".to_vec()).await;
    Ok(FenceCheck {
        name: "a writer that was taken over cannot append",
        holds: matches!(late, Err(AppendError::Fenced { .. })) && before == taken_at && by_new.is_ok(),
        found: match late {
            Ok(_) => "it appended".to_owned(),
            Err(error) => error.to_string(),
        },
    })
}

async fn race(address: &LogAddress, opening: &Opening, appends: u32) -> Result<FenceCheck, FenceError> {
    let log = AnyLog::open(address, opening).await?;
    let first = log.head().next_sequence.0;
    let racers = [log.twin().await?, log.twin().await?].map(|racer| {
        let end = first + u64::from(appends);
        tokio::spawn(one_racer(racer, end))
    });
    let mut won = Vec::new();
    for racer in racers {
        won.push(racer.await.map_err(|_| FenceError::BrokeOff)??);
    }
    let verdict = verdict(&won, first, appends);
    let mut reader = AnyLog::open_read_only(address).await?;
    let rows = read_whole(&mut reader)
        .await
        .map(|head| head.next_sequence.0 - first);
    let shares: Vec<usize> = won.iter().map(Vec::len).collect();
    let whole = matches!(rows, Ok(rows) if rows == u64::from(appends));
    Ok(FenceCheck {
        name: "of two racers exactly one wins each sequence, without a gap",
        holds: verdict.is_ok() && whole,
        found: match (verdict, rows) {
            (Err(fault), _) => fault,
            (_, Err(error)) => error.to_string(),
            (_, Ok(rows)) => format!("won {shares:?} of {appends}; {rows} rows"),
        },
    })
}

/// Tries for every sequence before `end`; answers those won.
async fn one_racer(mut log: AnyLog, end: u64) -> Result<Vec<u64>, FenceError> {
    let mut won = Vec::new();
    let mut head = log.stored_head().await?;
    while head.next_sequence.0 < end {
        if log.compare_and_set(&head, b"raced").await? {
            won.push(head.next_sequence.0);
        }
        head = log.stored_head().await?;
    }
    Ok(won)
}

/// Whether each sequence from `first` was won exactly once.
fn verdict(won: &[Vec<u64>], first: u64, appends: u32) -> Result<(), String> {
    let mut all: Vec<u64> = won.iter().flatten().copied().collect();
    all.sort_unstable();
    for (expected, found) in (first..first + u64::from(appends)).zip(&all) {
        if *found < expected {
            return Err(format!("sequence {found} was won twice"));
        }
        if *found > expected {
            return Err(format!("sequence {expected} was won by nobody"));
        }
    }
    match all.len() == appends as usize {
        true => Ok(()),
        false => Err(format!("{} sequences were won, not {appends}", all.len())),
    }
}

async fn open_append(address: &LogAddress, opening: &Opening) -> Result<FenceCheck, FenceError> {
    let mut log = AnyLog::open(address, opening).await?;
    let head = log.head();
    log.plain("BEGIN").await?;
    let appended = log.compare_and_set(&head, b"open").await?;
    let taking = {
        let (address, opening) = (address.clone(), opening.clone());
        tokio::spawn(async move { AnyLog::open(&address, &opening).await })
    };
    tokio::time::sleep(IN_LINE).await;
    let waited = !taking.is_finished();
    log.plain("COMMIT").await?;
    let new = taking.await.map_err(|_| FenceError::BrokeOff)??;
    let stale = Head {
        epoch: head.epoch,
        ..new.head()
    };
    let late = log.compare_and_set(&stale, b"late").await?;
    let sees_it = new.head().next_sequence.0 == head.next_sequence.0 + 1;
    Ok(FenceCheck {
        name: "a takeover waits for an open append and sees it; the old writer is out",
        holds: appended && waited && sees_it && !late,
        found: format!("waited: {waited}, sees it: {sees_it}, appended later: {late}"),
    })
}

async fn lease(address: &LogAddress, opening: &Opening) -> Result<FenceCheck, FenceError> {
    let holding = Opening {
        lease: Some(LEASE),
        ..opening.clone()
    };
    let polite = Opening {
        takeover: Takeover::IfLeaseExpired,
        ..opening.clone()
    };
    let mut holder = AnyLog::open(address, &holding).await?;
    let refused = AnyLog::open(address, &polite).await.err();
    holder.renew_lease(Duration::ZERO).await?;
    let taken = AnyLog::open(address, &polite).await;
    let renewed = holder.renew_lease(LEASE).await.err();
    let holds = matches!(refused, Some(LogError::LeaseHeld { .. }))
        && taken.is_ok()
        && matches!(renewed, Some(LogError::Fenced { .. }));
    let said =
        |error: Option<LogError>| error.map_or("nothing against it".to_owned(), |error| error.to_string());
    Ok(FenceCheck {
        name: "a lease keeps others away until it expires, and its old holder cannot renew it",
        holds,
        found: format!(
            "while held: {}; expired: {}; renewing: {}",
            said(refused),
            said(taken.err()),
            said(renewed)
        ),
    })
}

impl AnyLog {
    /// One try to append after `head`, whatever this writer believes; `false` when the log is elsewhere.
    async fn compare_and_set(&mut self, head: &Head, data: &[u8]) -> Result<bool, Interruption> {
        let batch = Batch::following(head, Timestamp(1), 1, data.to_vec());
        match self {
            AnyLog::Sqlite(log) => Ok(log.insert(&batch).await?),
            AnyLog::Postgres(log) => match log.insert(&batch).await {
                Ok(()) => Ok(true),
                Err(Interruption::HeadMoved(_)) => Ok(false),
                Err(error) => Err(error),
            },
            #[cfg(feature = "simulation")]
            AnyLog::Simulated(log) => Ok(log.insert(&batch)),
        }
    }

    /// A second connection that takes itself for the same writer.
    async fn twin(&self) -> Result<AnyLog, LogError> {
        Ok(match self {
            AnyLog::Sqlite(log) => AnyLog::Sqlite(log.twin().await?),
            AnyLog::Postgres(log) => AnyLog::Postgres(Box::new(log.twin())),
            #[cfg(feature = "simulation")]
            AnyLog::Simulated(log) => AnyLog::Simulated(log.clone()),
        })
    }

    async fn plain(&mut self, statement: &'static str) -> Result<(), LogError> {
        match self {
            AnyLog::Sqlite(log) => log.plain(statement).await,
            AnyLog::Postgres(log) => log.plain(statement).await,
            // No statement reaches a simulated disk.
            #[cfg(feature = "simulation")]
            AnyLog::Simulated(_) => Err(LogError::ReadOnly),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_with_two_winners_or_a_gap_is_found() {
        assert_eq!(verdict(&[vec![5, 7], vec![6]], 5, 3), Ok(()));
        for (won, fault) in [
            (vec![vec![5, 6], vec![6]], "sequence 6 was won twice"),
            (vec![vec![5], vec![7]], "sequence 6 was won by nobody"),
            (vec![vec![5], vec![6]], "2 sequences were won, not 3"),
            (vec![vec![5, 6], vec![7, 8]], "4 sequences were won, not 3"),
        ] {
            assert_eq!(verdict(&won, 5, 3), Err(fault.to_owned()));
        }
    }
}
