//! The rows and what chains them. Knows no database.

use crate::LogError;
use ensoex_types::{Sequence, Timestamp};
use sha2::{Digest, Sha256};

/// A hash of the chain.
pub type Hash = [u8; 32];

/// One durable row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Sequence of the first command in it.
    pub first_sequence: Sequence,
    /// Number of commands, at least 1.
    pub count: u32,
    /// Epoch of the writer.
    pub epoch: u64,
    /// When the sequencer stamped it.
    pub at: Timestamp,
    /// Hash of the row before; zeros for the first.
    pub previous_hash: Hash,
    /// Over all of the above and the bytes.
    pub hash: Hash,
    /// The encoded commands.
    pub data: Vec<u8>,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Epoch of the writer that may append.
    pub epoch: u64,
    /// Sequence that the next command gets; 1 in an empty log.
    pub next_sequence: Sequence,
    /// Hash of the last row; zeros in an empty log.
    pub hash: Hash,
}

impl Head {
    /// Before the first batch.
    pub const EMPTY: Head = Head {
        epoch: 0,
        next_sequence: Sequence(1),
        hash: [0; 32],
    };

    /// Whether both end with the same row, whatever the epoch of the writer that may append now.
    pub fn same_end(&self, other: &Head) -> bool {
        self.next_sequence == other.next_sequence && self.hash == other.hash
    }
}

impl Batch {
    /// The row that follows `previous`, with its hash.
    pub(crate) fn following(previous: &Head, at: Timestamp, count: u32, data: Vec<u8>) -> Batch {
        let mut batch = Batch {
            first_sequence: previous.next_sequence,
            count,
            epoch: previous.epoch,
            at,
            previous_hash: previous.hash,
            hash: [0; 32],
            data,
        };
        batch.hash = hash_of(&batch);
        batch
    }

    /// Where the log ends with this row as its last.
    pub fn end(&self) -> Head {
        Head {
            epoch: self.epoch,
            next_sequence: Sequence(self.first_sequence.0.saturating_add(u64::from(self.count))),
            hash: self.hash,
        }
    }
}

/// The head after `batch`, if it follows on `previous` and its hash holds.
pub(crate) fn after(previous: &Head, batch: &Batch) -> Result<Head, LogError> {
    let damaged = |what| LogError::Damaged {
        sequence: previous.next_sequence,
        what,
    };
    if batch.first_sequence != previous.next_sequence {
        return Err(damaged("a row is missing"));
    }
    if batch.previous_hash != previous.hash {
        return Err(damaged("a row does not follow on the one before"));
    }
    if batch.epoch < previous.epoch {
        return Err(damaged("the epoch goes backwards"));
    }
    if hash_of(batch) != batch.hash {
        return Err(damaged("a row was altered"));
    }
    Ok(batch.end())
}

fn hash_of(batch: &Batch) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(batch.previous_hash);
    hasher.update(batch.first_sequence.0.to_be_bytes());
    hasher.update(batch.count.to_be_bytes());
    hasher.update(batch.epoch.to_be_bytes());
    hasher.update(batch.at.0.to_be_bytes());
    hasher.update(&batch.data);
    hasher.finalize().into()
}

/// A row's columns as SQL gives them, before anything is believed.
pub(crate) struct Columns {
    pub(crate) first_sequence: i64,
    pub(crate) count: i64,
    pub(crate) epoch: i64,
    pub(crate) at_us: i64,
    pub(crate) previous_hash: Vec<u8>,
    pub(crate) hash: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Columns {
    /// `None` when they do not have the log's form.
    pub(crate) fn batch(self) -> Option<Batch> {
        Some(Batch {
            first_sequence: Sequence(u64::try_from(self.first_sequence).ok()?),
            count: u32::try_from(self.count).ok()?,
            epoch: u64::try_from(self.epoch).ok()?,
            at: Timestamp(u64::try_from(self.at_us).ok()?),
            previous_hash: self.previous_hash.try_into().ok()?,
            hash: self.hash.try_into().ok()?,
            data: self.data,
        })
    }
}

/// Checks rows one after the other, beginning after `previous`.
pub(crate) fn chained(
    previous: &Head,
    rows: impl IntoIterator<Item = Option<Columns>>,
) -> Result<Vec<Batch>, LogError> {
    let mut expected = *previous;
    let mut batches = Vec::new();
    for row in rows {
        let batch = row.and_then(Columns::batch).ok_or(LogError::Damaged {
            sequence: expected.next_sequence,
            what: "a row does not have the log's form",
        })?;
        expected = after(&expected, &batch)?;
        batches.push(batch);
    }
    Ok(batches)
}

/// The head row, if it has the log's form and the last row (its first sequence and epoch) is not beyond it.
pub(crate) fn head_of(
    epoch: i64,
    next_sequence: i64,
    hash: Vec<u8>,
    last: Option<(i64, i64)>,
) -> Result<Head, LogError> {
    let damaged = |sequence, what| LogError::Damaged {
        sequence: Sequence(u64::try_from(sequence).unwrap_or_default()),
        what,
    };
    let form = || damaged(0, "the head row does not have the log's form");
    if last.is_some_and(|(first_sequence, _)| first_sequence >= next_sequence) {
        return Err(damaged(next_sequence, "there are rows beyond the head row"));
    }
    if last.is_some_and(|(_, last_epoch)| last_epoch > epoch) {
        return Err(damaged(
            next_sequence,
            "the head row's epoch is below the last row's",
        ));
    }
    Ok(Head {
        epoch: u64::try_from(epoch).map_err(|_| form())?,
        next_sequence: Sequence(u64::try_from(next_sequence).map_err(|_| form())?),
        hash: hash.try_into().map_err(|_| form())?,
    })
}

/// SQL integers are signed; sequences and times stay far below 2^63.
pub(crate) fn to_signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Of rows' sizes, in bytes and in order, how many one read takes.
pub(crate) fn rows_within(sizes: impl IntoIterator<Item = i64>, bytes_max: usize) -> usize {
    let mut left = i64::try_from(bytes_max).unwrap_or(i64::MAX);
    let mut rows = 0;
    for size in sizes {
        left = left.saturating_sub(size.max(0));
        if left < 0 && rows > 0 {
            break;
        }
        rows += 1;
    }
    rows
}
