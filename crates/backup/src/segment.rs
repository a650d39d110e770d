//! Runs of batches as bytes. Each batch carries its own hash and the hash before, so a restore proves the chain again.

use ensoex_log::{Batch, Hash};
use ensoex_types::{Sequence, Timestamp};
use serde::{Deserialize, Serialize};

/// Largest segment before it is sealed, in bytes of commands (and one batch at least).
pub(crate) const SEGMENT_BYTES_MAX: usize = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Row {
    first_sequence: u64,
    count: u32,
    epoch: u64,
    at_us: u64,
    previous_hash: Hash,
    hash: Hash,
    data: Vec<u8>,
}

pub(crate) fn encode(batches: &[Batch]) -> Result<Vec<u8>, postcard::Error> {
    batches.iter().try_fold(Vec::new(), |bytes, batch| {
        let row = Row {
            first_sequence: batch.first_sequence.0,
            count: batch.count,
            epoch: batch.epoch,
            at_us: batch.at.0,
            previous_hash: batch.previous_hash,
            hash: batch.hash,
            data: batch.data.clone(),
        };
        postcard::to_extend(&row, bytes)
    })
}

/// None when the bytes are not whole batches.
pub(crate) fn decode(mut bytes: &[u8]) -> Option<Vec<Batch>> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        let (row, rest): (Row, _) = postcard::take_from_bytes(bytes).ok()?;
        bytes = rest;
        batches.push(Batch {
            first_sequence: Sequence(row.first_sequence),
            count: row.count,
            epoch: row.epoch,
            at: Timestamp(row.at_us),
            previous_hash: row.previous_hash,
            hash: row.hash,
            data: row.data,
        });
    }
    Some(batches)
}
