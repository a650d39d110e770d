//! Why a backup or a restore cannot be made, in sentences that say what to do.

use ensoex_log::LogError;
use ensoex_sql::SqlError;
use ensoex_types::Sequence;
use std::path::PathBuf;

/// See the module's documentation.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be reached or used.
    #[error("the backup store cannot be used ({what}): {source}")]
    Store {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: opendal::Error,
    },
    /// The address is no store.
    #[error("{0} is not a place for backups: give a folder, file:///FOLDER or s3://BUCKET/PREFIX")]
    Address(String),
    /// Nobody said where object storage is.
    #[error(
        "say in which region the bucket is: --s3-region or AWS_REGION (storage that has no regions takes us-east-1)"
    )]
    Region,
    /// The endpoint is no address.
    #[error(
        "the endpoint of the object storage (--s3-endpoint, AWS_ENDPOINT_URL) begins with https:// or http://"
    )]
    Endpoint,
    /// TLS cannot be used.
    #[error(
        "no certificate authorities are known on this machine ({0}): install them (Debian: ca-certificates)"
    )]
    Authorities(String),
    /// No such bucket.
    #[error(
        "there is no bucket for {0}: make it first, or look whether endpoint and region are the right ones"
    )]
    NoBucket(String),
    /// Nobody said who we are.
    #[error(
        "no credentials for {0} can be found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a profile in ~/.aws"
    )]
    Credentials(String),
    /// The credentials are wrong, or may not do this.
    #[error(
        "{store} refuses what these credentials ask for: look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the \
         profile), and whether they may list, read and write there: {source}"
    )]
    Refused {
        /// Where.
        store: String,
        /// What the storage says.
        #[source]
        source: opendal::Error,
    },
    /// A text is no recipient.
    #[error("{0:?} is not an age recipient: it begins with age1")]
    Recipient(String),
    /// Nothing to seal to.
    #[error("give at least one recipient and at most {0}")]
    Recipients(usize),
    /// The file holds no identity.
    #[error("{path} holds no age identity: a line that begins with AGE-SECRET-KEY-1")]
    Identity {
        /// The file.
        path: PathBuf,
    },
    /// Encryption failed.
    #[error("an object cannot be encrypted: {0}")]
    Seal(String),
    /// The identity opens nothing, or the object is not whole.
    #[error(
        "{object} cannot be decrypted with this identity ({why}): give the identity of one of the recipients"
    )]
    Unseal {
        /// The object.
        object: String,
        /// The library's reason.
        why: String,
    },
    /// There is no backup.
    #[error("there is no finished backup in this store: look whether it is the right place")]
    Nothing,
    /// An object that a manifest names is not there.
    #[error(
        "{object} is missing in the backup store; an older generation may be whole: restore with --at an earlier moment"
    )]
    Missing {
        /// The object.
        object: String,
    },
    /// An object is not what its manifest says.
    #[error(
        "{object} is not what was stored: it was altered, swapped or cut off. Do not use this backup before you know why"
    )]
    Altered {
        /// The object.
        object: String,
    },
    /// A manifest cannot be read.
    #[error("the manifest {object} cannot be read: {why}")]
    Manifest {
        /// The object.
        object: String,
        /// What is wrong with it.
        why: String,
    },
    /// The chain of manifests is broken.
    #[error(
        "the manifest {object} does not follow on the one before: one of them was altered, dropped or swapped"
    )]
    Chain {
        /// The object.
        object: String,
    },
    /// Another process wrote the same generation.
    #[error("another backup writes to the same store (generation {0}): let only one run")]
    Raced(u64),
    /// The log is not the one that the store holds.
    #[error(
        "the log here does not go on where the backup ended (sequence {0}): it is another one or was restored to an earlier moment. \
         Give an empty store"
    )]
    AnotherLog(Sequence),
    /// The source is no Service.
    #[error("there is no log of an exchange in {0}: give the folder of a Service")]
    Source(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is larger than a backup takes.
    #[error("{path} has more than {max} bytes, which is not expected of a file of the Service: move it away")]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// A database cannot be copied.
    #[error("{path} cannot be copied: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A database of PostgreSQL cannot be copied.
    #[error(transparent)]
    Sql(Box<SqlError>),
    /// Restoring over something.
    #[error("{0} is not empty: give an empty or new folder to restore to")]
    NotEmpty(PathBuf),
    /// The moment asked for lies before the first batch of the backup.
    #[error("the backup begins after that moment: its first batch ends at sequence {0}")]
    BeforeFirst(Sequence),
    /// The moment asked for lies after the backup's end.
    #[error("the backup ends at sequence {0}, before that moment: leave --at out to restore all there is")]
    BeyondLast(Sequence),
    /// Old keys are still there.
    #[error(
        "the keys were stored, but the storage may still have the versions before: let these credentials list and delete versions \
         (s3:ListBucketVersions, s3:DeleteObjectVersion), without which erasure is undone: {source}"
    )]
    Remembers {
        /// What the storage says.
        #[source]
        source: opendal::Error,
    },
    /// Keys and history in one place would undo erasure.
    #[error("this store holds the history: keys belong in another place, or erasure is undone")]
    KeysBesideHistory,
    /// History and keys in one place would undo erasure.
    #[error("this store holds keys: the history belongs in another place, or erasure is undone")]
    HistoryBesideKeys,
}

impl From<SqlError> for BackupError {
    fn from(error: SqlError) -> BackupError {
        BackupError::Sql(Box::new(error))
    }
}

impl BackupError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> BackupError {
        let path = path.into();
        move |source| BackupError::File { path, source }
    }
}
