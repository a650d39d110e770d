//! Fills a new log with the rows of a backup, exactly as they were: they keep their epochs, times and hashes.
//!
//! States: rows follow on each other, then [`Import::finish`] makes them the log. One that was interrupted leaves nothing that passes
//! for a log: in PostgreSQL the head row is moved last, and rows beyond it are damage to every opening. In SQLite it follows
//! each row, so the file takes its name, or its folder does, when all is in it; whoever imports sees to that.
//!
//! Failure cases: there is something already ([`LogError::NotEmpty`]); rows do not follow on each other ([`LogError::Damaged`], and
//! nothing of that call is written). Does not know where the rows come from.

use crate::chain::after;
use crate::{Batch, Head, LogError, Opening, PostgresAddress, PostgresLog, SqliteLog};
use std::path::Path;

/// A log that is being filled.
pub struct Import {
    log: Target,
    /// Where the rows end so far.
    end: Head,
}

enum Target {
    File(SqliteLog),
    Postgres(Box<PostgresLog>),
}

impl Import {
    /// Into a file that is not there yet.
    ///
    /// # Errors
    /// [`LogError`] when it is, or cannot be created.
    pub async fn into_file(path: &Path, opening: &Opening) -> Result<Import, LogError> {
        if path.exists() {
            return Err(LogError::NotEmpty(path.display().to_string()));
        }
        let log = SqliteLog::open(path, opening).await?;
        Ok(Import::of(Target::File(log)))
    }

    /// Into a schema that is empty or not there yet.
    ///
    /// # Errors
    /// [`LogError`] when there is something in it, or the server cannot be used or is not safe.
    pub async fn into_postgres(address: &PostgresAddress, opening: &Opening) -> Result<Import, LogError> {
        Import::check(address, opening).await?;
        let log = PostgresLog::open(address, opening).await?;
        Ok(Import::of(Target::Postgres(Box::new(log))))
    }

    /// Whether [`Import::into_postgres`] would begin; changes nothing.
    ///
    /// # Errors
    /// As [`Import::into_postgres`].
    pub async fn check(address: &PostgresAddress, opening: &Opening) -> Result<(), LogError> {
        PostgresLog::refuse_unless_empty(address, opening).await
    }

    fn of(log: Target) -> Import {
        Import {
            log,
            end: Head::EMPTY,
        }
    }

    /// Writes rows that follow on those before; all of them or none.
    ///
    /// # Errors
    /// [`LogError`]; after another one than [`LogError::Damaged`] the import cannot go on.
    pub async fn rows(&mut self, batches: &[Batch]) -> Result<(), LogError> {
        let mut end = self.end;
        for batch in batches {
            end = after(&end, batch)?;
        }
        match &mut self.log {
            Target::File(log) => log.import(batches, end).await?,
            Target::Postgres(log) => log.import(batches).await?,
        }
        self.end = end;
        Ok(())
    }

    /// Makes the rows the log, and answers where it ends.
    ///
    /// # Errors
    /// [`LogError`] when that was not confirmed: then it is no log.
    pub async fn finish(self) -> Result<Head, LogError> {
        match self.log {
            Target::File(log) => log.end_import().await,
            Target::Postgres(log) => log.end_import(self.end).await,
        }
    }
}
