//! Waits for PostgreSQL only so long: a connection that was cut without a word would otherwise be waited for until the
//! operating system gives it up, a quarter of an hour later.
//!
//! A statement that was given up may still be carried out; its connection is never used again, so a transaction that it
//! belonged to ends without a commit. Knows no statement.

use std::future::Future;
use std::io;
use std::time::Duration;

/// The answer, or an error that says that there was none.
pub(crate) async fn in_time<T>(
    wait: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(wait, statement).await {
        Ok(answer) => answer,
        Err(_) => {
            let silent =
                format!("no answer within {wait:?}; look whether the database and the network to it work");
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, silent)))
        }
    }
}
