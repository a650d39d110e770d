//! Why the exchange cannot run, or a command has no outcome. Each says what to do.

use ensoex_log::LogError;
use ensoex_sql::SqlError;
use ensoex_types::Sequence;
use std::path::PathBuf;

/// Why a command has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The log could not record it; nothing happened, trying again is safe.
    #[error("the exchange cannot record orders at the moment; nothing was moved")]
    LogUnavailable,
    /// Whether it was recorded is not known; look before trying again.
    #[error("the outcome is not known; look before trying again")]
    OutcomeUnknown,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    Stopped,
    /// Too many requests are waiting; nothing happened.
    #[error("too many requests are waiting; nothing was moved")]
    Overloaded,
}

/// Why an exchange cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch is in another version's encoding.
    #[error(
        "the log's batch at sequence {sequence} has encoding {found} and this version reads encoding {known} only: \
         open it with the version that wrote it, or start with an empty directory (the demo: --fresh)"
    )]
    UnknownEncoding {
        /// First command of the batch.
        sequence: Sequence,
        /// Its encoding.
        found: u8,
        /// The one that can be read.
        known: u8,
    },
    /// A batch does not hold what its encoding says.
    #[error("the log's batch at sequence {sequence} cannot be decoded")]
    Undecodable {
        /// First command of the batch.
        sequence: Sequence,
    },
    /// The projections cannot be used.
    #[error("{0}. Projections can be deleted and are then rebuilt from the log")]
    Projections(#[from] SqlError),
    /// The log ends before what was acknowledged from it.
    #[error(
        "the log ends at sequence {log} but sequence {seen} was acknowledged: part of the log is lost. \
         Restore the log from a standby or a backup before starting; nothing was changed. To go on without the rest all \
         the same, name where the log ends: --accept-loss-after {log}"
    )]
    LogTooShort {
        /// Last sequence in the log.
        log: Sequence,
        /// Last sequence known to have been acknowledged.
        seen: Sequence,
    },
    /// The log holds something else than what was acknowledged.
    #[error(
        "the log holds something else at sequence {sequence} than what was acknowledged there: it is another log, or it was \
         altered. Restore the log from a standby or a backup before starting; nothing was changed. To go on with it all the \
         same, name where it ends with --accept-loss-after"
    )]
    OtherThanAcknowledged {
        /// Where.
        sequence: Sequence,
    },
    /// The folder of snapshots cannot be used.
    #[error("the folder of snapshots cannot be used: {0}")]
    Snapshots(#[source] std::io::Error),
    /// There is no command yet.
    #[error("the log is empty: there is nothing to take a snapshot of")]
    NothingToSnapshot,
    /// The acknowledged mark cannot be used.
    #[error("the acknowledged mark {path} cannot be used: {source}")]
    Mark {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A loss was accepted by name, but the log ends elsewhere.
    #[error(
        "the log ends at sequence {log}, not at {named}: look again what is lost, and name the sequence at which the log ends"
    )]
    OtherLoss {
        /// As named.
        named: Sequence,
        /// Last sequence in the log.
        log: Sequence,
    },
    /// Only a standby can take over.
    #[error("this is no standby: there is nothing to take over")]
    NoStandby,
    /// The process is ending.
    #[error("the log was not read to its end: the process is ending")]
    Interrupted,
    /// The directory cannot be created.
    #[error("the directory of the exchange cannot be created: {0}")]
    Directory(#[source] std::io::Error),
}
