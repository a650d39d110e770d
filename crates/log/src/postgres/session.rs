//! One connection to the server that may be written to, with its settings made and checked.
//!
//! Failure cases: each host's reason not to be used is in the error. A statement's answer is believed only when it came in
//! time and nothing was said beside it ([`believed`]); after anything else the session must be dropped.

use super::notices::Notices;
use super::safeguard::Settings;
use crate::address::host_name;
use crate::{Interruption, LogError, Opening, PostgresAddress, Safeguard, Timings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Row};
use std::future::Future;
use std::time::Duration;

/// `lock_timeout` lies below what the client waits, so that a statement that this side gave up on does not stay in line.
const LOCK_TIMEOUT_SHARE: f64 = 0.8;

const SETTINGS: &str =
    "SELECT pg_is_in_recovery(), current_setting('fsync', true), current_setting('full_page_writes', true),
     current_setting('synchronous_commit', true), current_setting('synchronous_standby_names', true),
     CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
     (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
     (SELECT count(*) FROM pg_stat_replication WHERE pid IS NOT NULL AND state IS NULL)";

/// The warning made to order.
const SELF_TEST: &str = "DO $$ BEGIN RAISE WARNING 'can this be heard?'; END $$";

/// What a connection is for.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    pub(crate) timings: Timings,
    /// `None` for a reader, who confirms nothing and so needs no safeguards.
    pub(crate) unsafe_allowed: Option<Vec<Safeguard>>,
    /// Greatest timeline seen so far: a server behind it was left by a promotion.
    pub(crate) timeline: u32,
}

impl Needs {
    pub(crate) fn of_writer(opening: &Opening) -> Needs {
        Needs {
            timings: opening.timings,
            unsafe_allowed: Some(opening.unsafe_allowed.clone()),
            timeline: 0,
        }
    }
}

/// One checked connection.
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    pub(crate) notices: Notices,
    pub(crate) wait: Duration,
    pub(crate) timeline: u32,
    /// It asks for a synchronous standby before it confirms.
    pub(crate) has_standby: bool,
}

impl Session {
    /// To the first host of the address that can be used.
    pub(crate) async fn connect(address: &PostgresAddress, needs: &Needs) -> Result<Session, LogError> {
        let mut reasons = Vec::new();
        for host in &address.hosts {
            let connecting = tokio::time::timeout(needs.timings.connect, open(host, address, needs));
            let refused = match connecting.await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => error,
                Err(_) => Refused::Because(format!("no answer within {:?}", needs.timings.connect)),
            };
            match refused {
                Refused::Unsafe(error) if address.hosts.len() == 1 => return Err(*error),
                refused => reasons.push(format!("{}: {refused}", host_name(host))),
            }
        }
        Err(LogError::NoServer {
            log: address.to_string(),
            reasons: reasons.join("; "),
        })
    }
}

/// Waits for a statement's answer and believes it only when it came in time and without a warning.
pub(crate) async fn believed<T>(
    notices: &Notices,
    wait: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<T, Interruption> {
    match tokio::time::timeout(wait, notices.hear(statement)).await {
        Err(_) => Err(Interruption::NoAnswer(wait)),
        Ok((Err(error), _)) => Err(error.into()),
        Ok((Ok(_), Some(warning))) => Err(Interruption::Warned(warning)),
        Ok((Ok(answer), None)) => Ok(answer),
    }
}

enum Refused {
    Because(String),
    Unsafe(Box<LogError>),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Because(reason) => f.write_str(reason),
            Refused::Unsafe(error) => write!(f, "{error}"),
        }
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Refused {
        Refused::Because(error.to_string())
    }
}

async fn open(host: &PgConnectOptions, address: &PostgresAddress, needs: &Needs) -> Result<Session, Refused> {
    let mut connection = host.connect().await?;
    prepare(&mut connection, address, needs.timings.answer).await?;
    let row = sqlx::query(SETTINGS).fetch_one(&mut connection).await?;
    if row.try_get::<bool, _>(0)? {
        return Err(Refused::Because("a standby, not the primary".to_owned()));
    }
    let timeline: Option<String> = row.try_get(5)?;
    let timeline = timeline
        .and_then(|digits| u32::from_str_radix(&digits, 16).ok())
        .unwrap_or_default();
    if timeline < needs.timeline {
        return Err(Refused::Because(format!(
            "it is on timeline {timeline}, but another server was promoted to timeline {}: make it a standby of that one",
            needs.timeline
        )));
    }
    let hidden: i64 = row.try_get(7)?;
    let standbys: i64 = row.try_get(6)?;
    let settings = Settings {
        fsync: row.try_get(1)?,
        full_page_writes: row.try_get(2)?,
        synchronous_commit: row.try_get(3)?,
        synchronous_standby_names: row.try_get(4)?,
        standbys: (hidden == 0).then_some(standbys),
    };
    let mut session = Session {
        connection,
        notices: Notices::new(),
        wait: needs.timings.answer,
        timeline,
        has_standby: settings.has_standby_names(),
    };
    if let Some(allowed) = &needs.unsafe_allowed {
        let checked = settings.check(allowed, &address.to_string());
        checked.map_err(|error| Refused::Unsafe(Box::new(error)))?;
        session.prove_that_warnings_are_heard().await?;
    }
    Ok(session)
}

/// Settings of this session, whatever the server's or the user's defaults are.
async fn prepare(
    connection: &mut PgConnection,
    address: &PostgresAddress,
    answer: Duration,
) -> Result<(), sqlx::Error> {
    let lock_timeout_ms = answer.mul_f64(LOCK_TIMEOUT_SHARE).as_millis().max(1);
    let settings = format!(
        "SET synchronous_commit = on; SET client_min_messages = notice; SET lock_timeout = {lock_timeout_ms};
         SET default_transaction_isolation = 'read committed'; SET search_path = {}",
        address.schema
    );
    // The schema's name was checked to need no quotes.
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings))
        .execute(connection)
        .await
        .map(|_| ())
}

impl Session {
    async fn prove_that_warnings_are_heard(&mut self) -> Result<(), Refused> {
        let asked = sqlx::raw_sql(SELF_TEST).execute(&mut self.connection);
        match believed(&self.notices, self.wait, asked).await {
            Err(Interruption::Warned(_)) => Ok(()),
            Ok(_) => Err(Refused::Because(
                "its warnings cannot be heard, so that a cancelled wait for the standby would pass for a confirmation"
                    .to_owned(),
            )),
            Err(error) => Err(Refused::Because(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ensoex_pg_test::Cluster;

    #[tokio::test]
    async fn a_server_that_keeps_its_warnings_to_itself_is_refused() {
        let Some(mut cluster) = Cluster::start() else {
            return;
        };
        // Overruled for our sessions.
        cluster
            .server()
            .sql("ALTER ROLE postgres SET client_min_messages = error");
        let address: PostgresAddress = cluster.url().parse().unwrap();
        let needs = Needs {
            timings: Timings::default(),
            unsafe_allowed: Some(vec![Safeguard::SynchronousStandbyNames]),
            timeline: 0,
        };
        let mut session = Session::connect(&address, &needs).await.unwrap();
        sqlx::raw_sql("SET client_min_messages = error")
            .execute(&mut session.connection)
            .await
            .unwrap();
        let refused = session.prove_that_warnings_are_heard().await.err().unwrap();
        assert!(refused.to_string().contains("cannot be heard"), "{refused}");

        let promoted_elsewhere = Needs { timeline: 2, ..needs };
        let refused = Session::connect(&address, &promoted_elsewhere)
            .await
            .err()
            .unwrap();
        assert!(refused.to_string().contains("timeline"), "{refused}");
    }
}
