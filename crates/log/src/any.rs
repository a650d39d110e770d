//! Whichever log an address names, and how it is to be opened.

use crate::{
    AppendError, Batch, CommandLog, Head, Lease, LogAddress, LogError, PostgresLog, Safeguard, SqliteLog,
};
use ensoex_types::Timestamp;
use std::time::Duration;

/// How a log is opened for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// How the writer names itself to people, for example its host and process.
    pub holder: String,
    /// Whether it may take over from a writer that is alive.
    pub takeover: Takeover,
    /// Taken in the same moment as the log; `None` when the writer will not renew one.
    pub lease: Option<Duration>,
    /// Safeguards of PostgreSQL that may be absent.
    pub unsafe_allowed: Vec<Safeguard>,
    /// How long PostgreSQL is waited for.
    pub timings: Timings,
}

/// Whether a writer may take over from one that is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// At once: the other can no longer append.
    Now,
    /// Only when the other's lease has expired; else [`LogError::LeaseHeld`].
    IfLeaseExpired,
}

/// How long PostgreSQL is waited for. SQLite answers or fails by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// For a connection with its checks.
    pub connect: Duration,
    /// For the answer to a statement, its synchronous standby included.
    pub answer: Duration,
    /// For an append whose outcome is unknown to become known, with as many connections as it takes.
    pub settle: Duration,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(5),
            settle: Duration::from_secs(60),
        }
    }
}

impl Default for Opening {
    fn default() -> Opening {
        Opening {
            holder: format!("process {}", std::process::id()),
            takeover: Takeover::Now,
            lease: None,
            unsafe_allowed: Vec::new(),
            timings: Timings::default(),
        }
    }
}

/// Whichever log an address names.
pub enum AnyLog {
    /// On this machine.
    Sqlite(SqliteLog),
    /// In PostgreSQL.
    Postgres(Box<PostgresLog>),
    /// In a simulation.
    #[cfg(feature = "simulation")]
    Simulated(crate::SimulatedLog),
}

impl AnyLog {
    /// Opens for writing, creating it if absent, and raises the epoch: from here on only this writer can append.
    ///
    /// # Errors
    /// [`LogError`] when it cannot be used, is not safe, or is held by another.
    pub async fn open(address: &LogAddress, opening: &Opening) -> Result<AnyLog, LogError> {
        Ok(match address {
            LogAddress::Sqlite(path) => AnyLog::Sqlite(SqliteLog::open(path, opening).await?),
            LogAddress::Postgres(address) => {
                AnyLog::Postgres(Box::new(PostgresLog::open(address, opening).await?))
            }
            #[cfg(feature = "simulation")]
            LogAddress::Simulated(disk) => AnyLog::Simulated(disk.open()),
        })
    }

    /// Whether what it confirms lies on a second machine too.
    pub fn keeps_second_copy(&self) -> bool {
        match self {
            AnyLog::Sqlite(_) => false,
            AnyLog::Postgres(log) => log.keeps_second_copy(),
            #[cfg(feature = "simulation")]
            AnyLog::Simulated(_) => false,
        }
    }

    /// Opens for reading only; a writer may be at work beside it.
    ///
    /// # Errors
    /// [`LogError`] when there is no log or it cannot be read.
    pub async fn open_read_only(address: &LogAddress) -> Result<AnyLog, LogError> {
        Ok(match address {
            LogAddress::Sqlite(path) => AnyLog::Sqlite(SqliteLog::open_read_only(path).await?),
            LogAddress::Postgres(address) => AnyLog::Postgres(Box::new(
                PostgresLog::open_read_only(address, Timings::default()).await?,
            )),
            #[cfg(feature = "simulation")]
            LogAddress::Simulated(disk) => AnyLog::Simulated(disk.open_read_only()),
        })
    }
}

/// Removes the schema of a PostgreSQL log with all that is in it; of a log that is a file, nothing.
///
/// # Errors
/// [`LogError`] when the server refuses.
pub async fn remove_schema(address: &LogAddress, opening: &Opening) -> Result<(), LogError> {
    match address {
        LogAddress::Sqlite(_) => Ok(()),
        LogAddress::Postgres(address) => PostgresLog::remove_schema(address, opening).await,
        #[cfg(feature = "simulation")]
        LogAddress::Simulated(_) => Ok(()),
    }
}

macro_rules! whichever {
    ($log:expr, $one:ident => $what:expr) => {
        match $log {
            AnyLog::Sqlite($one) => $what,
            AnyLog::Postgres($one) => $what,
            #[cfg(feature = "simulation")]
            AnyLog::Simulated($one) => $what,
        }
    };
}

impl CommandLog for AnyLog {
    fn head(&self) -> Head {
        whichever!(self, log => log.head())
    }

    async fn stored_head(&mut self) -> Result<Head, LogError> {
        whichever!(self, log => log.stored_head().await)
    }

    async fn append(&mut self, at: Timestamp, count: u32, data: Vec<u8>) -> Result<Head, AppendError> {
        whichever!(self, log => log.append(at, count, data).await)
    }

    async fn read(&mut self, previous: &Head, limit: u32) -> Result<Vec<Batch>, LogError> {
        whichever!(self, log => log.read(previous, limit).await)
    }

    async fn renew_lease(&mut self, duration: Duration) -> Result<(), LogError> {
        whichever!(self, log => log.renew_lease(duration).await)
    }

    async fn idle(&mut self) -> Result<bool, LogError> {
        whichever!(self, log => log.idle().await)
    }

    async fn lease(&mut self) -> Result<Lease, LogError> {
        whichever!(self, log => log.lease().await)
    }
}
