//! What can go wrong between the code and its tables.

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The database refused or cannot be reached.
    #[error(
        "the {store} store cannot be used: {source}; see that its disk or server works and has room, then try again"
    )]
    Database {
        /// Which store.
        store: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The tables are of another version, or could not be made.
    #[error(
        "the tables of the {store} store have another layout than this version's: {source}; run the version that made them, or a newer one"
    )]
    Layout {
        /// Which store.
        store: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The answer to a commit never came: what was written may stand or not.
    #[error("whether the {store} store kept a change is not known: {source}; look before trying again")]
    OutcomeUnknown {
        /// Which store.
        store: &'static str,
        /// What happened instead of the answer.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed earlier in the transaction, so nothing of it can be kept.
    #[error("a statement failed earlier in this transaction of the {store} store; begin it anew")]
    Aborted {
        /// Which store.
        store: &'static str,
    },
    /// A snapshot is only for reading.
    #[error("a snapshot of the {store} store cannot be written to; begin a write transaction")]
    ReadOnly {
        /// Which store.
        store: &'static str,
    },
    /// A column does not hold what belongs there.
    #[error(
        "the column {column} does not hold what belongs there: verify the data, then restore or rebuild them"
    )]
    Malformed {
        /// Which column.
        column: String,
    },
    /// A text holds a zero byte, which PostgreSQL cannot keep; SQLite is not asked to either.
    #[error("a text with a zero byte cannot be stored; leave the zero byte out")]
    ZeroByte,
    /// A composed statement that no test prepares.
    #[error("the statement is not among the examples of its family {family}; add one like it: {text}")]
    Unlisted {
        /// Its family.
        family: &'static str,
        /// The statement.
        text: String,
    },
    /// A copy would be mixed with something else.
    #[error(
        "the {store} store has rows in {table}, and a copy is only made into an empty one: name another file, or another beginning \
         of the schemas' names"
    )]
    NotEmpty {
        /// Which store.
        store: &'static str,
        /// The first table with rows.
        table: String,
    },
    /// The address is not a database's.
    #[error(
        "the address of the {store} store is not understood: {source}; write postgres://user@host/database"
    )]
    Address {
        /// Which store.
        store: &'static str,
        /// What is wrong with it.
        #[source]
        source: sqlx::Error,
    },
    /// What was deleted may still be read from SQLite's write-ahead log.
    #[error(
        "what was deleted from the {store} store may stand in its write-ahead log yet, because somebody reads an older moment of \
         it; end that, then try again"
    )]
    NotFlushed {
        /// Which store.
        store: &'static str,
    },
    /// The name of a schema is not plain.
    #[error(
        "the schema name {schema:?} cannot be used; choose up to 63 lower-case letters, digits and _, no digit first"
    )]
    Schema {
        /// The name.
        schema: String,
    },
    /// Files of a store cannot be removed.
    #[error(
        "the file {path} of the {store} store cannot be removed: {source}; see that its folder can be written"
    )]
    Remove {
        /// Which store.
        store: &'static str,
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl SqlError {
    /// A column that does not hold what belongs there.
    pub fn malformed(column: &str) -> SqlError {
        SqlError::Malformed {
            column: column.to_owned(),
        }
    }

    pub(crate) fn database(store: &'static str) -> impl Fn(sqlx::Error) -> SqlError {
        move |source| SqlError::Database { store, source }
    }

    /// Nothing can be stored at the moment, and it is nobody's mistake: disk full, write failed, database gone or locked for
    /// too long. What was asked was not done; it can be asked again later.
    pub fn is_unavailable(&self) -> bool {
        let source = match self {
            SqlError::Database { source, .. } => source,
            SqlError::NotFlushed { .. } => return true,
            _ => return false,
        };
        match source {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                match code.len() {
                    // PostgreSQL's five characters: lost connections, resources, shutdown, waited too long, input and output.
                    5 => {
                        ["08", "53", "57", "58"]
                            .iter()
                            .any(|class| code.starts_with(class))
                            || code == "55P03"
                            || code == "25006"
                    }
                    // SQLite's number, of which the low byte is the kind: locked for too long, writing failed, disk full.
                    _ => code
                        .parse()
                        .is_ok_and(|code: u32| matches!(code & 0xff, 5 | 10 | 13)),
                }
            }
            _ => false,
        }
    }

    /// A unique constraint refused a row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(
            self,
            SqlError::Database { source: sqlx::Error::Database(refusal), .. } if refusal.is_unique_violation()
        )
    }
}
