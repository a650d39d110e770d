//! The durable command log: a table whose row is a batch, in SQLite on one machine or in PostgreSQL beyond.
//!
//! Each row holds the batch's first sequence, epoch, time, bytes, and a SHA-256 over all of it and the hash of the row
//! before: checksum and chain in one. A head row carries epoch, next sequence and the last hash. An append is a
//! compare-and-set on (epoch, next sequence) in the same transaction as the insert, so a writer whose epoch was raised
//! past can never append. Opening a log for writing raises the epoch: that is a takeover. A lease row beside the head
//! says until when, by the database's clock, the writer wants to be taken for alive; it decides when a standby takes over,
//! never who may append.
//! Knows nothing of what the bytes mean.
//!
//! Failure cases of an append: nothing written and known so ([`AppendError::NotWritten`]); another writer took over
//! ([`AppendError::Fenced`]); the result cannot be known ([`AppendError::OutcomeUnknown`]): stop and look.

mod address;
mod any;
mod append;
mod chain;
mod error;
pub mod fence;
mod import;
mod lease;
mod postgres;
#[cfg(feature = "simulation")]
mod simulated;
mod sqlite;
mod write_ahead;

pub use address::{AddressError, LogAddress, PostgresAddress, SCHEMA_DEFAULT};
pub use any::{AnyLog, Opening, Takeover, Timings, remove_schema};
pub use chain::{Batch, Hash, Head};
pub use error::{AppendError, Interruption, LogError};
pub use import::Import;
pub use lease::Lease;
pub use postgres::{PostgresLog, Safeguard};
#[cfg(feature = "simulation")]
pub use simulated::{Fault, Sabotage, SimulatedDisk, SimulatedLog};
pub use sqlite::SqliteLog;

use ensoex_types::Timestamp;
use std::future::Future;
use std::time::Duration;

/// Largest encoded batch, in bytes.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// A read stops after so many bytes of commands (and always answers one batch at least).
pub const READ_BYTES_MAX: usize = 16 << 20;

/// One log, opened for writing or for reading only.
///
/// A reader may read while a writer writes: it sees the rows up to [`CommandLog::head`], which
/// [`CommandLog::stored_head`] moves on.
pub trait CommandLog: Send + 'static {
    /// Where the log ends: for a writer its own next place, for a reader the end as it was when last looked at.
    fn head(&self) -> Head;

    /// Looks again where the log ends, as the head row states it. A reader's [`CommandLog::head`] moves there; a writer's
    /// does not, for a writer that was taken over must not go on at another's place.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when there are rows beyond the head row.
    fn stored_head(&mut self) -> impl Future<Output = Result<Head, LogError>> + Send;

    /// Appends one batch; durable when it returns `Ok` (with the new [`CommandLog::head`]).
    ///
    /// # Errors
    /// [`AppendError`]; only after [`AppendError::NotWritten`] and [`AppendError::Size`] may the writer go on, from
    /// [`CommandLog::head`] (its epoch may have been raised by the writer itself).
    fn append(
        &mut self,
        at: Timestamp,
        count: u32,
        data: Vec<u8>,
    ) -> impl Future<Output = Result<Head, AppendError>> + Send;

    /// Reads up to `limit` batches (fewer when they are large: [`READ_BYTES_MAX`]) that follow `previous` and lie before
    /// [`CommandLog::head`], and checks each row's hash and its place in the chain.
    ///
    /// # Errors
    /// [`LogError::Damaged`] names the first sequence that cannot be trusted.
    fn read(
        &mut self,
        previous: &Head,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Batch>, LogError>> + Send;

    /// Says that the writer is alive for `duration` from now, by the database's clock. Once it has said so, it must go on:
    /// when the time has passed, this log refuses to append ([`Interruption::LeaseExpired`]) until it is renewed.
    ///
    /// # Errors
    /// [`LogError::Fenced`] when another writer has taken over.
    fn renew_lease(&mut self, duration: Duration) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Nothing is to be appended for the moment: does what would make a later append slower. Answers whether all is done; if
    /// not, it wants to be asked again in a few milliseconds. Does nothing, and costs nothing, when all is done.
    ///
    /// # Errors
    /// [`LogError`] when it could not be done; the log is as it was.
    fn idle(&mut self) -> impl Future<Output = Result<bool, LogError>> + Send {
        async { Ok(true) }
    }

    /// The lease as it stands.
    ///
    /// # Errors
    /// [`LogError`] when it cannot be read.
    fn lease(&mut self) -> impl Future<Output = Result<Lease, LogError>> + Send;

    /// Whether the rows read so far end where the head row says.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if rows are missing at the end.
    fn check_end(&self, reached: &Head) -> Result<(), LogError> {
        let head = self.head();
        if reached.next_sequence == head.next_sequence && reached.hash == head.hash {
            return Ok(());
        }
        Err(LogError::Damaged {
            sequence: reached.next_sequence,
            what: "the rows do not end where the head row says (cut off or altered)",
        })
    }
}
