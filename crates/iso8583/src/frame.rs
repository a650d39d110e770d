//! Frames on a stream: two bytes of length, big-endian, then the message.

use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Longest message in a frame, in bytes. Longer ones end the connection.
pub const FRAME_BYTES_MAX: usize = 4096;

/// Why a stream cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// A frame announces more than [`FRAME_BYTES_MAX`].
    #[error("a frame announces {length} bytes; at most {FRAME_BYTES_MAX} are accepted")]
    TooLong {
        /// The length announced or given.
        length: usize,
    },
    /// A frame announces nothing.
    #[error("a frame announces no bytes")]
    Empty,
}

/// A message's bytes with their length before them.
pub fn encode_frame(message: &[u8]) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let length = checked_length(message.len())?;
    let mut frame = Zeroizing::new(Vec::with_capacity(2 + message.len()));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Ok(frame)
}

/// Collects bytes as they arrive and yields whole frames. Bounded; wiped when dropped.
pub struct FrameBuffer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Default for FrameBuffer {
    fn default() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(2 * (2 + FRAME_BYTES_MAX))),
        }
    }
}

impl FrameBuffer {
    /// How many bytes [`FrameBuffer::push`] takes at most before a frame must be taken out.
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Appends as many of the bytes as there is room for, and says how many that were.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Whether no byte waits for the rest of its frame.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the next whole frame out, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, FrameError> {
        let Some(prefix) = self.bytes.first_chunk::<2>() else {
            return Ok(None);
        };
        let length = usize::from(checked_length(usize::from(u16::from_be_bytes(*prefix)))?);
        let Some(message) = self.bytes.get(2..2 + length) else {
            return Ok(None);
        };
        let message = Zeroizing::new(message.to_vec());
        let end = self.bytes.len();
        self.bytes.copy_within(2 + length.., 0);
        let left = end - (2 + length);
        self.bytes[left..].zeroize();
        self.bytes.truncate(left);
        Ok(Some(message))
    }
}

fn checked_length(length: usize) -> Result<u16, FrameError> {
    match u16::try_from(length) {
        Ok(0) => Err(FrameError::Empty),
        Ok(short) if length <= FRAME_BYTES_MAX => Ok(short),
        _ => Err(FrameError::TooLong { length }),
    }
}
