//! Why a log cannot be opened, read or appended to.

use ensoex_types::Sequence;
use std::time::Duration;

/// Why an append did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written; trying again is safe.
    #[error("the log could not record the batch and nothing was written: {0}")]
    NotWritten(#[source] Interruption),
    /// Another writer raised the epoch: this one must stop.
    #[error("another writer has taken over the log (epoch {found}, ours {ours})")]
    Fenced {
        /// Ours.
        ours: u64,
        /// In the head row.
        found: u64,
    },
    /// Whether the batch is durable cannot be known from here: stop, start again, and replay what is there.
    #[error("whether the log recorded the batch is unknown ({0}): start again, which reads what is there")]
    OutcomeUnknown(#[source] Interruption),
    /// Above [`crate::BATCH_BYTES_MAX`], or without commands.
    #[error(
        "a batch holds 1 command or more and at most {} bytes",
        crate::BATCH_BYTES_MAX
    )]
    Size,
}

/// What came between an append and its answer.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The database refused, or the connection broke.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// No room; it goes on by itself once there is.
    #[error("the disk of the log is full: make room there, and it goes on by itself")]
    DiskFull(#[source] sqlx::Error),
    /// No answer in time. The server may still be at it.
    #[error("the database did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The server said something beside its answer, as when somebody ends its wait for the synchronous standby.
    #[error("the database warned: {0}")]
    Warned(String),
    /// The head row is not where this writer left it.
    #[error("the log ends elsewhere than this writer left it (its next sequence is {0})")]
    HeadMoved(Sequence),
    /// The server no longer keeps a second copy.
    #[error("{0}")]
    Unsafe(String),
    /// The writer could not renew its lease in time.
    #[error("the lease has expired; it must be renewed first")]
    LeaseExpired,
    /// An append before this one was given up by its caller in the middle.
    #[error("an earlier append was given up in the middle; open the log again")]
    Abandoned,
    /// The database could not be reached again.
    #[error("{0}")]
    Unreachable(#[from] Box<LogError>),
}

/// Why a log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database refused.
    #[error("the log at {log} cannot be used: {source}")]
    Database {
        /// Its address, without a password.
        log: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The migrations could not be applied.
    #[error(
        "the log at {log} has another layout: {source}. Open it with the version that wrote it; if no other version ever did, \
         its files are damaged: restore it from a backup or from a standby"
    )]
    Layout {
        /// Its address, without a password.
        log: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The chain is broken: something was altered, dropped, swapped or cut off.
    #[error(
        "the log is damaged at sequence {sequence}: {what}. Nothing was changed: keep its files aside, then restore the log \
         from a backup or from a standby, and run `ensoex verify`"
    )]
    Damaged {
        /// First sequence that cannot be trusted.
        sequence: Sequence,
        /// What is wrong.
        what: &'static str,
    },
    /// The database's files are damaged, so that it cannot answer.
    #[error(
        "the log at {log} is damaged, or is no log: {source}. Nothing was changed: keep its files aside, look after the disk, \
         then restore the log from a backup or from a standby, and run `ensoex verify`"
    )]
    FileDamaged {
        /// Its address, without a password.
        log: String,
        /// What the database says.
        #[source]
        source: sqlx::Error,
    },
    /// No host of the address can be written to.
    #[error("no PostgreSQL server at {log} can be used: {reasons}")]
    NoServer {
        /// Its address, without a password.
        log: String,
        /// What each host said.
        reasons: String,
    },
    /// The server did not confirm in time.
    #[error(
        "the log at {log} did not confirm within {waited:?}: is its synchronous standby connected, and is no other \
         transaction open on the log?"
    )]
    NotConfirmed {
        /// Its address, without a password.
        log: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The server said something beside its answer.
    #[error("the log at {log} warned instead of confirming: {warning}")]
    Warned {
        /// Its address, without a password.
        log: String,
        /// In the server's words.
        warning: String,
    },
    /// The server would lose what it confirmed.
    #[error("the log at {log} is not safe: {what}. To run all the same, name it: --allow-unsafe {name}")]
    Unsafe {
        /// Its address, without a password.
        log: String,
        /// What is unsafe, and what to do.
        what: String,
        /// The name of the exception.
        name: &'static str,
    },
    /// Another writer has taken over.
    #[error("another writer has taken over the log (epoch {found}, ours {ours})")]
    Fenced {
        /// Ours.
        ours: u64,
        /// In the head row.
        found: u64,
    },
    /// The writer's lease has not expired.
    #[error("the log is held by {holder} (epoch {epoch}), whose lease has not expired")]
    LeaseHeld {
        /// As the writer named itself.
        holder: String,
        /// Its epoch.
        epoch: u64,
    },
    /// A place for a new log holds something.
    #[error(
        "there is something at {0} already (what an interrupted restore left there cannot be used): name a place that is empty or \
         not there yet, in PostgreSQL with ?schema=NAME"
    )]
    NotEmpty(
        /// Its address, without a password.
        String,
    ),
    /// The log was opened for reading only.
    #[error("the log was opened for reading only")]
    ReadOnly,
    /// The operating system gave no random number.
    #[error("the operating system gave no random number: {0}")]
    Random(String),
}
