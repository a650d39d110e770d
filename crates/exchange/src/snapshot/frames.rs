//! Frames: pieces of a file that are checked one by one, so that reading takes the memory of one piece.
//!
//! A frame is its kind (one byte), its length (four bytes, big-endian), its bytes and a SHA-256 over the checksum of the frame
//! before, the kind, the length and the bytes: a frame that was altered, left out, doubled or moved does not pass. Knows
//! nothing of what the bytes mean.

use super::Damage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Bytes after which a frame is closed.
const FRAME_BYTES: usize = 1 << 20;
/// Longest frame that is read, in bytes: one whose first record is great is longer than [`FRAME_BYTES`].
const FRAME_BYTES_MAX: u32 = 32 << 20;

type Checksum = [u8; 32];

fn checksum(previous: &Checksum, kind: u8, bytes: &[u8]) -> Checksum {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Sha256::new()
        .chain_update(previous)
        .chain_update([kind])
        .chain_update(length.to_be_bytes())
        .chain_update(bytes)
        .finalize()
        .into()
}

/// Writes frames.
pub(super) struct FrameWriter<W> {
    to: W,
    kind: u8,
    bytes: Vec<u8>,
    last: Checksum,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(to: W) -> FrameWriter<W> {
        FrameWriter {
            to,
            kind: 0,
            bytes: Vec::new(),
            last: [0; 32],
        }
    }

    /// Adds a record to the frames of this kind.
    pub(super) fn record(&mut self, kind: u8, record: &impl Serialize) -> io::Result<()> {
        if self.kind != kind || self.bytes.len() >= FRAME_BYTES {
            self.close()?;
            self.kind = kind;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(record, bytes).map_err(io::Error::other)?;
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.bytes.len()).ok();
        let length = length.filter(|length| *length <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("a record is too long for a snapshot"))?;
        self.last = checksum(&self.last, self.kind, &self.bytes);
        self.to.write_all(&[self.kind])?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(&self.bytes)?;
        self.to.write_all(&self.last)?;
        self.bytes.clear();
        Ok(())
    }

    /// Closes the last frame and gives the destination back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.close()?;
        Ok(self.to)
    }
}

/// Reads frames, each checked before anything of it is believed.
pub(super) struct FrameReader<R> {
    from: R,
    last: Checksum,
    bytes: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    pub(super) fn new(from: R) -> FrameReader<R> {
        FrameReader {
            from,
            last: [0; 32],
            bytes: Vec::new(),
        }
    }

    /// The next frame's kind and records; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<(u8, Records<'_>)>, Damage> {
        let mut head = [0; 5];
        if self.from.read(&mut head[..1]).map_err(Damage::Unreadable)? == 0 {
            return Ok(None);
        }
        self.exactly(|from| from.read_exact(&mut head[1..]))?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > FRAME_BYTES_MAX {
            return Err(Damage::Altered);
        }
        self.bytes.clear();
        let (from, bytes) = (&mut self.from, &mut self.bytes);
        let read = from.take(u64::from(length)).read_to_end(bytes);
        if read.map_err(Damage::Unreadable)? != length as usize {
            return Err(Damage::CutOff);
        }
        let mut stored = [0; 32];
        self.exactly(|from| from.read_exact(&mut stored))?;
        self.last = checksum(&self.last, kind, &self.bytes);
        if self.last != stored {
            return Err(Damage::Altered);
        }
        Ok(Some((kind, Records(&self.bytes))))
    }

    fn exactly(&mut self, read: impl FnOnce(&mut R) -> io::Result<()>) -> Result<(), Damage> {
        read(&mut self.from).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Damage::CutOff,
            _ => Damage::Unreadable(error),
        })
    }
}

/// The records of one frame.
pub(super) struct Records<'a>(&'a [u8]);

impl Records<'_> {
    /// The next one; none when the frame has no more.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Damage> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (record, rest) = postcard::take_from_bytes(self.0).map_err(|_| Damage::Undecodable)?;
        self.0 = rest;
        Ok(Some(record))
    }

    /// All that are left, handed on one by one.
    pub(super) fn each<T: DeserializeOwned>(mut self, mut take: impl FnMut(T)) -> Result<(), Damage> {
        while let Some(record) = self.next()? {
            take(record);
        }
        Ok(())
    }
}
