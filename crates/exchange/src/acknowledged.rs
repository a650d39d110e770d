//! The acknowledged mark: outside of the log, how far it was acknowledged.
//!
//! A log can lose its end and still look whole: an older copy of the file, a write-ahead log that was removed. So after each
//! batch is durable, and before anybody is answered, its last sequence and its hash are written to a file beside the log. A
//! start that finds the log ending before the mark, or another hash at it, refuses; the way out by name is
//! [`AcknowledgedMark::accept_loss`], which is recorded in a file of its own.
//!
//! The file has two slots that take turns, each with a checksum, so that a torn write leaves the one before. Writing does not
//! wait for the disk (the file's room was made when it was created); a second later at most it is made durable aside. So a
//! power cut may set the mark back by a second, a killed process never. A file without a single good slot is an error, not
//! an empty mark. Knows no commands.

use crate::error::ExchangeError;
use crate::recovery::Place;
use ensoex_types::{Sequence, Timestamp};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NAME: &str = "acknowledged";
const LOSSES: &str = "accepted-losses";
const MAGIC: [u8; 8] = *b"EnsoMark";
const SLOTS: u64 = 2;
/// A sector or more each, so that writing one cannot tear the other.
const SLOT_BYTES: usize = 4_096;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Magic, sequence, hash, checksum over these.
const USED_BYTES: usize = 8 + 8 + 32 + 32;

/// See the module's doc.
pub(crate) struct AcknowledgedMark {
    file: Arc<File>,
    /// The slot that is written next.
    slot: u64,
    unsynced: Arc<AtomicBool>,
    place: Option<Place>,
}

impl AcknowledgedMark {
    /// Opens the mark in the exchange's directory; a new one is empty.
    pub(crate) fn open(directory: &Path) -> Result<AcknowledgedMark, ExchangeError> {
        let path = directory.join(NAME);
        let failed = |source| ExchangeError::Mark {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let (place, slot) = if length == 0 {
            let make = || {
                file.write_all_at(&[0; SLOT_BYTES * SLOTS as usize], 0)?;
                file.sync_all()?;
                File::open(directory)?.sync_all()
            };
            make().map_err(failed)?;
            (None, 0)
        } else {
            read_slots(&file).map_err(failed)?
        };
        Ok(AcknowledgedMark {
            file: Arc::new(file),
            slot,
            unsynced: Arc::new(AtomicBool::new(false)),
            place,
        })
    }

    /// How far the log was acknowledged; none before the first batch.
    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    /// Writes the mark. Call it after the batch is durable and before anybody is answered.
    pub(crate) fn record(&mut self, place: Place) -> io::Result<()> {
        self.file
            .write_all_at(&encode(place), self.slot * SLOT_BYTES as u64)?;
        self.slot = (self.slot + 1) % SLOTS;
        self.place = Some(place);
        self.unsynced.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the mark durable once a second, until the mark is gone.
    pub(crate) fn keep_synced(&self) {
        let (file, unsynced) = (Arc::downgrade(&self.file), Arc::downgrade(&self.unsynced));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SYNC_EVERY).await;
                let (Some(file), Some(unsynced)) = (file.upgrade(), unsynced.upgrade()) else {
                    return;
                };
                if unsynced.swap(false, Ordering::AcqRel) {
                    let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
                    if !matches!(synced, Ok(Ok(()))) {
                        tracing::warn!(
                            "the acknowledged mark could not be made durable; trying again in a second"
                        );
                        unsynced.store(true, Ordering::Release);
                    }
                }
            }
        });
    }

    /// Takes the log's end for what was acknowledged, whatever the mark says, and records that somebody wanted it so.
    pub(crate) fn accept_loss(
        &mut self,
        directory: &Path,
        end: Option<Place>,
        at: Timestamp,
    ) -> Result<(), ExchangeError> {
        let path = directory.join(LOSSES);
        let failed = |path: &Path, source| ExchangeError::Mark {
            path: path.to_path_buf(),
            source,
        };
        let text = |place: Option<Place>| {
            let hash = |place: Place| {
                place
                    .hash
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            };
            place.map_or("nothing".to_owned(), |place| {
                format!("sequence {} with hash {}", place.sequence, hash(place))
            })
        };
        let line = format!(
            "at {} microseconds since 1970 (UTC) the end of the log, {}, was accepted in place of what was acknowledged, {}\n",
            at.0,
            text(end),
            text(self.place)
        );
        let record = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
            file.write_all(line.as_bytes())?;
            file.sync_all()
        };
        record().map_err(|source| failed(&path, source))?;
        tracing::warn!("{}", line.trim_end());
        let empty = Place {
            sequence: Sequence(0),
            hash: [0; 32],
        };
        let mark = directory.join(NAME);
        for _ in 0..SLOTS {
            self.record(end.unwrap_or(empty))
                .map_err(|source| failed(&mark, source))?;
        }
        self.file.sync_all().map_err(|source| failed(&mark, source))
    }
}

fn encode(place: Place) -> [u8; USED_BYTES] {
    let mut bytes = [0; USED_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&place.sequence.0.to_be_bytes());
    bytes[16..48].copy_from_slice(&place.hash);
    let checksum: [u8; 32] = Sha256::digest(&bytes[..48]).into();
    bytes[48..].copy_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8; USED_BYTES]) -> Option<Place> {
    let sequence = Sequence(u64::from_be_bytes(bytes[8..16].try_into().ok()?));
    let hash = bytes[16..48].try_into().ok()?;
    let place = Place { sequence, hash };
    (encode(place) == *bytes).then_some(place)
}

/// The greater of the slots that hold, and the other slot. A file as it was made, all zeros, is an empty mark.
fn read_slots(file: &File) -> io::Result<(Option<Place>, u64)> {
    let mut best: Option<(Place, u64)> = None;
    let mut empty = true;
    for slot in 0..SLOTS {
        let mut bytes = [0; USED_BYTES];
        file.read_exact_at(&mut bytes, slot * SLOT_BYTES as u64)?;
        empty &= bytes == [0; USED_BYTES];
        if let Some(place) = decode(&bytes)
            && best.is_none_or(|(best, _)| best.sequence < place.sequence)
        {
            best = Some((place, slot));
        }
    }
    match best {
        Some((place, slot)) => Ok((Some(place), (slot + 1) % SLOTS)),
        None if empty => Ok((None, 0)),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "neither of its two slots holds; compare the log with a backup or a standby, then remove this file to go on \
             with the log as it is",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(directory: &Path) -> std::path::PathBuf {
        directory.join(NAME)
    }

    fn place(sequence: u64) -> Place {
        Place {
            sequence: Sequence(sequence),
            hash: [sequence as u8; 32],
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let mut mark = AcknowledgedMark::open(directory.path()).unwrap();
        assert_eq!(mark.place(), None);
        for sequence in 1..=4 {
            mark.record(place(sequence)).unwrap();
            let read = AcknowledgedMark::open(directory.path()).unwrap();
            assert_eq!(read.place(), Some(place(sequence)));
        }
        let whole = std::fs::read(path(directory.path())).unwrap();
        for byte in 0..USED_BYTES {
            let mut torn = whole.clone();
            torn[SLOT_BYTES + byte] ^= 1;
            std::fs::write(path(directory.path()), &torn).unwrap();
            let read = AcknowledgedMark::open(directory.path()).unwrap();
            assert_eq!(read.place(), Some(place(3)), "byte {byte} of the newer slot");
            torn[byte] ^= 1;
            std::fs::write(path(directory.path()), &torn).unwrap();
            assert!(AcknowledgedMark::open(directory.path()).is_err(), "none is left");
        }
        std::fs::write(path(directory.path()), &whole[..100]).unwrap();
        assert!(AcknowledgedMark::open(directory.path()).is_err(), "cut off");
        std::fs::write(path(directory.path()), vec![0; SLOT_BYTES * 2]).unwrap();
        let made = AcknowledgedMark::open(directory.path()).unwrap();
        assert_eq!(made.place(), None, "killed right after the file was made");
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let directory = tempfile::tempdir().unwrap();
        for sequence in 1..10 {
            let mut mark = AcknowledgedMark::open(directory.path()).unwrap();
            mark.record(place(sequence)).unwrap();
        }
        assert_eq!(
            AcknowledgedMark::open(directory.path()).unwrap().place(),
            Some(place(9))
        );
    }
}
