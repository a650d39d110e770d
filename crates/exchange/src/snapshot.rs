//! Snapshots: the whole state of an exchange right after some command, so that a start need not replay everything.
//!
//! A file `snapshots/SEQUENCE.snapshot` is eight bytes that say what it is, two for the layout ([`FORMAT`], big-endian), and then
//! frames (see `frames.rs`), each with its own checksum: a header (where in the log it was taken, how many records of each
//! kind follow, the state's hash), the engine's state and the market data. It is written under another name, made durable and
//! then renamed, so that a file with this name is whole or damaged later. The newest [`KEPT`] are kept.
//!
//! A snapshot is only ever a shorter way to what the log says. Reading believes nothing: checksums, counts, the engine's own
//! check of its state, the state's hash, and the caller compares the place in the log's chain. Whatever fails is
//! [`SnapshotError`], and the caller takes the snapshot before, or the whole log. Does not know how a log is read.

mod files;
mod frames;
mod records;

pub(crate) use files::{list, write};

use crate::market_data::MarketData;
use ensoex_engine::{Engine, StateError};
use ensoex_log::{Hash, Head};
use ensoex_types::{Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Snapshots that are kept; older ones are removed when a new one is there.
pub const KEPT: usize = 3;
const MAGIC: [u8; 8] = *b"EnsoSnap";
/// Layout of the file; change it with every change of a record.
const FORMAT: u16 = 1;
const BUFFER_BYTES: usize = 256 << 10;

/// Where in the log a snapshot was taken, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// The last command that it includes.
    pub sequence: Sequence,
    /// Epoch of that command's batch.
    pub epoch: u64,
    /// Hash of that command's batch in the log's chain.
    pub log_hash: Hash,
    /// Greatest stamp so far.
    pub at: Timestamp,
    /// SHA-256 of the engine's state.
    pub state_hash: [u8; 32],
    /// UTC day of the engine, in days since 1970.
    day: u32,
    /// Records of each kind.
    counts: [u64; records::KINDS],
}

impl SnapshotHeader {
    /// The head of a log that ends right there.
    pub fn head(&self) -> Head {
        Head {
            epoch: self.epoch,
            next_sequence: Sequence(self.sequence.0.saturating_add(1)),
            hash: self.log_hash,
        }
    }
}

/// What a snapshot holds.
pub(crate) struct Snapshot {
    pub(crate) header: SnapshotHeader,
    pub(crate) engine: Engine,
    pub(crate) market_data: MarketData,
}

/// What is wrong with a snapshot's bytes.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The operating system refused.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It does not begin as a snapshot does.
    #[error("it is no snapshot")]
    NoSnapshot,
    /// Another version wrote it.
    #[error("it has layout {found} and this version knows {FORMAT}")]
    Format {
        /// Its layout.
        found: u16,
    },
    /// The end is missing.
    #[error("it is cut off")]
    CutOff,
    /// A checksum does not hold.
    #[error("a part of it was altered")]
    Altered,
    /// The checksums hold but the records do not have their form.
    #[error("a record in it cannot be decoded")]
    Undecodable,
    /// Records are missing or too many.
    #[error("it does not hold as many records as it says")]
    Counts,
    /// Its name says another sequence than its header.
    #[error("its name and its header name different sequences")]
    Name,
    /// The engine does not take the state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state does not have the hash that the header gives.
    #[error("its state does not have the hash that it says")]
    StateHash,
}

/// A snapshot that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot {path} cannot be used: {damage}")]
pub struct SnapshotError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub damage: Damage,
}

/// Reads no more than where the snapshot was taken.
pub(crate) fn read_header(path: &Path) -> Result<SnapshotHeader, SnapshotError> {
    let read = || -> Result<SnapshotHeader, Damage> {
        let header = records::header(&mut frames::FrameReader::new(open(path)?))?;
        if files::sequence_of(path) != Some(header.sequence) {
            return Err(Damage::Name);
        }
        Ok(header)
    };
    read().map_err(|damage| at(path, damage))
}

/// Reads a snapshot whole and checks it.
pub(crate) fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
    let read = || -> Result<Snapshot, Damage> {
        let mut reader = frames::FrameReader::new(open(path)?);
        let header = records::header(&mut reader)?;
        let (state, market_data) = records::read(&mut reader, &header)?;
        if state.hash() != header.state_hash {
            return Err(Damage::StateHash);
        }
        let engine = Engine::from_state(&state)?;
        if engine.sequence() != header.sequence || files::sequence_of(path) != Some(header.sequence) {
            return Err(Damage::Name);
        }
        Ok(Snapshot {
            header,
            engine,
            market_data,
        })
    };
    read().map_err(|damage| at(path, damage))
}

fn at(path: &Path, damage: Damage) -> SnapshotError {
    SnapshotError {
        path: path.to_path_buf(),
        damage,
    }
}

/// Opens the file and reads past what says that it is a snapshot.
fn open(path: &Path) -> Result<BufReader<File>, Damage> {
    let file = File::open(path).map_err(Damage::Unreadable)?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let (mut magic, mut format) = ([0; 8], [0; 2]);
    let mut begin = || {
        reader.read_exact(&mut magic)?;
        reader.read_exact(&mut format)
    };
    begin().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::CutOff,
        _ => Damage::Unreadable(error),
    })?;
    let found = u16::from_be_bytes(format);
    match magic == MAGIC {
        true if found == FORMAT => Ok(reader),
        true => Err(Damage::Format { found }),
        false => Err(Damage::NoSnapshot),
    }
}
