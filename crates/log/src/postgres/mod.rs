//! The log in PostgreSQL, with a synchronous standby beside it.
//!
//! An append is one statement: the head row is moved from (epoch, next sequence) and the batch inserted, or neither. It is
//! confirmed once the standby has flushed it (`synchronous_commit = on`, set for the session). What is believed:
//!
//! * An answer in time, with one row and without any warning, while a standby is asked for: durable.
//! * Anything else — an error, no answer in time (the server's own timeouts do not end a wait for the standby), a lost
//!   connection, no row, a warning: unknown. A look at the head row would not help. While the append still waits for its
//!   standby, readers do not see it; once its wait was cancelled they do, though the standby has nothing; and a
//!   statement may still be on its way. So the writer *raises its own epoch* over a new connection, and does so until that is
//!   confirmed ([`Timings::settle`] at the longest). That update waits for the row that an open append has locked; it makes
//!   every statement under the old epoch void; its commit lies behind the append's in the write-ahead log, so whoever
//!   flushed it has flushed the append too; and it answers where the log ends. From there: the batch is the
//!   last row → durable; the log ends where it ended before → nothing was written; anything else → stop. The head
//!   row carries a number that each writer draws when it takes over, so that only the writer itself can do this:
//!   if another took over, it is fenced.
//!
//! Several hosts in the address are tried in order, and only one that is not in recovery is used. A server on an older
//! timeline than one already seen is refused: it was left behind by a promotion.
//!
//! Does not know what happens if an operator empties `synchronous_standby_names` in the middle of a wait: PostgreSQL
//! then confirms without a standby. The next append notices and stops.

mod notices;
mod safeguard;
mod session;

pub use safeguard::Safeguard;

use crate::append::{admit, stays_open};
use crate::chain::{Columns, chained, head_of, rows_within, to_signed};
use crate::lease::{OwnLease, micros};
use crate::sqlite::random_writer;
use crate::{
    AppendError, Batch, CommandLog, Head, Interruption, Lease, LogError, Opening, PostgresAddress,
    READ_BYTES_MAX, Takeover, Timings,
};
use ensoex_types::Timestamp;
use session::{Needs, Session, believed};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::time::{Duration, Instant};

const APPEND: &str = "WITH moved AS (
         UPDATE head SET next_sequence = $1 + $2, hash = $6 WHERE id = 1 AND epoch = $3 AND next_sequence = $1 RETURNING 1
     )
     INSERT INTO batch (first_sequence, count, epoch, at_us, previous_hash, hash, data)
     SELECT $1, $2, $3, $4, $5, $6, $7 FROM moved RETURNING current_setting('synchronous_standby_names', true)";
const HEAD: &str = "SELECT head.epoch, head.next_sequence, head.hash, last.first_sequence, last.epoch FROM head LEFT JOIN
     (SELECT first_sequence, epoch FROM batch ORDER BY first_sequence DESC LIMIT 1) AS last ON head.id = 1 WHERE head.id = 1";
const SIZES: &str =
    "SELECT CAST(length(data) AS BIGINT) FROM batch WHERE first_sequence >= $1 AND first_sequence < $2
     ORDER BY first_sequence LIMIT $3";
const ROWS: &str = "SELECT first_sequence, count, epoch, at_us, previous_hash, hash, data FROM batch
     WHERE first_sequence >= $1 AND first_sequence < $2 ORDER BY first_sequence LIMIT $3";
const TAKE_OVER: &str = "WITH taken AS (
         UPDATE head SET epoch = epoch + 1, writer = $1 WHERE id = 1 AND ($2 OR EXISTS
         (SELECT 1 FROM lease WHERE id = 1 AND expires_us <= CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)))
         RETURNING epoch
     )
     UPDATE lease SET holder = $3, epoch = taken.epoch,
     expires_us = CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $4 FROM taken WHERE id = 1 RETURNING taken.epoch";
const RAISE_AGAIN: &str = "UPDATE head SET epoch = epoch + 1 WHERE id = 1 AND writer = $1
     RETURNING epoch, next_sequence, hash";
const RENEW_LEASE: &str = "UPDATE lease SET holder = $1, epoch = $2,
     expires_us = CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + $3
     WHERE id = 1 AND epoch <= $2 AND EXISTS (SELECT 1 FROM head WHERE id = 1 AND epoch = $2)";
const LEASE: &str =
    "SELECT holder, epoch, expires_us - CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)
     FROM lease WHERE id = 1";

const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace($1))";
const IMPORT: &str = "INSERT INTO batch (first_sequence, count, epoch, at_us, previous_hash, hash, data)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[])";
/// The epoch of the next opening is then above that of every row.
const END_IMPORT: &str = "UPDATE head SET epoch = GREATEST(epoch, $1), next_sequence = $2, hash = $3
     WHERE id = 1 AND writer = $4 AND next_sequence = 1 RETURNING epoch, next_sequence, hash";

/// For the rows of one read or import, which may be many bytes on a slow line.
const READ_WAIT: Duration = Duration::from_secs(30);
/// Between two attempts to settle an unknown outcome.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// The log in PostgreSQL.
pub struct PostgresLog {
    /// `None` after a failure, until it is needed again.
    session: Option<Session>,
    address: PostgresAddress,
    needs: Needs,
    head: Head,
    writer: Option<Writer>,
}

struct Writer {
    number: i64,
    holder: String,
    lease: OwnLease,
    /// An append is under way; still set afterwards when its caller gave it up, or its outcome is unknown.
    open_append: bool,
}

impl PostgresLog {
    /// Opens for writing, creating schema and tables if absent, and raises the epoch: from here on only this writer can
    /// append.
    ///
    /// # Errors
    /// [`LogError`] when no server can be used, it is not safe, or another writer's lease has not expired.
    pub async fn open(address: &PostgresAddress, opening: &Opening) -> Result<PostgresLog, LogError> {
        let mut log = PostgresLog::new(address, Needs::of_writer(opening));
        log.migrate().await?;
        let writer = Writer {
            number: random_writer()?,
            holder: opening.holder.clone(),
            lease: OwnLease::until(opening.lease.map(|lease| Instant::now() + lease)),
            open_append: false,
        };
        log.take_over(&writer, opening).await?;
        log.writer = Some(writer);
        log.head = log.database_head().await?;
        Ok(log)
    }

    /// Opens for reading only; a writer may be at work beside it.
    ///
    /// # Errors
    /// [`LogError`] when there is no log or it cannot be read.
    pub async fn open_read_only(
        address: &PostgresAddress,
        timings: Timings,
    ) -> Result<PostgresLog, LogError> {
        let needs = Needs {
            timings,
            unsafe_allowed: None,
            timeline: 0,
        };
        let mut log = PostgresLog::new(address, needs);
        log.stored_head().await?;
        Ok(log)
    }

    pub(crate) async fn remove_schema(address: &PostgresAddress, opening: &Opening) -> Result<(), LogError> {
        let mut session = Session::connect(address, &Needs::of_writer(opening)).await?;
        // Its name was checked to need no quotes. The server tells what goes with it, as a notice.
        let statement = format!("DROP SCHEMA {} CASCADE", address.schema);
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut session.connection)
            .await
            .map(|_| ())
            .map_err(|source| LogError::Database {
                log: address.to_string(),
                source,
            })
    }

    pub(crate) async fn refuse_unless_empty(
        address: &PostgresAddress,
        opening: &Opening,
    ) -> Result<(), LogError> {
        let mut log = PostgresLog::new(address, Needs::of_writer(opening));
        let mut session = log.taken_session().await?;
        let asking = sqlx::query_scalar(IS_EMPTY)
            .bind(&address.schema)
            .fetch_one(&mut session.connection);
        let empty = believed(&session.notices, session.wait, asking).await;
        match log.kept(session, empty)? {
            true => Ok(()),
            false => Err(LogError::NotEmpty(address.to_string())),
        }
    }

    /// Writes rows beyond the head row, which stays where it is.
    pub(crate) async fn import(&mut self, batches: &[Batch]) -> Result<(), LogError> {
        let numbers = |number: fn(&Batch) -> i64| batches.iter().map(number).collect::<Vec<i64>>();
        fn bytes(batches: &[Batch], part: fn(&Batch) -> &[u8]) -> Vec<&[u8]> {
            batches.iter().map(part).collect()
        }
        let mut session = self.taken_session().await?;
        let inserting = sqlx::query(IMPORT)
            .bind(numbers(|batch| to_signed(batch.first_sequence.0)))
            .bind(numbers(|batch| i64::from(batch.count)))
            .bind(numbers(|batch| to_signed(batch.epoch)))
            .bind(numbers(|batch| to_signed(batch.at.0)))
            .bind(bytes(batches, |batch| &batch.previous_hash))
            .bind(bytes(batches, |batch| &batch.hash))
            .bind(bytes(batches, |batch| &batch.data))
            .execute(&mut session.connection);
        let inserted = believed(&session.notices, session.wait.max(READ_WAIT), inserting).await;
        self.kept(session, inserted).map(|_| ())
    }

    /// Moves the head row from the beginning to where the imported rows end.
    pub(crate) async fn end_import(mut self, end: Head) -> Result<Head, LogError> {
        let number = self.writer.as_ref().ok_or(LogError::ReadOnly)?.number;
        let mut session = self.taken_session().await?;
        let moving = sqlx::query(END_IMPORT)
            .bind(to_signed(end.epoch))
            .bind(to_signed(end.next_sequence.0))
            .bind(end.hash.as_slice())
            .bind(number)
            .fetch_optional(&mut session.connection);
        let moved = believed(&session.notices, session.wait.max(READ_WAIT), moving).await;
        match self.kept(session, moved)? {
            Some(row) => decode_head(&row),
            None => Err(LogError::Fenced {
                ours: self.head.epoch,
                found: self.database_head().await?.epoch,
            }),
        }
    }

    /// Whether what it confirms lies on a second machine too.
    pub fn keeps_second_copy(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.has_standby)
    }

    fn new(address: &PostgresAddress, needs: Needs) -> PostgresLog {
        PostgresLog {
            session: None,
            address: address.clone(),
            needs,
            head: Head::EMPTY,
            writer: None,
        }
    }

    async fn migrate(&mut self) -> Result<(), LogError> {
        let log = self.address.to_string();
        let (schema, waited) = (self.address.schema.clone(), self.needs.timings.answer);
        let mut session = self.taken_session().await?;
        let migrating = async {
            let there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
                .bind(&schema)
                .fetch_one(&mut session.connection)
                .await
                .map_err(sqlx::migrate::MigrateError::Execute)?;
            if !there {
                // Its name was checked to need no quotes.
                sqlx::query(sqlx::AssertSqlSafe(format!(
                    "CREATE SCHEMA IF NOT EXISTS {schema}"
                )))
                .execute(&mut session.connection)
                .await
                .map_err(sqlx::migrate::MigrateError::Execute)?;
            }
            sqlx::migrate!("./migrations/postgres")
                .run_direct(None, &mut session.connection, false)
                .await
        };
        match tokio::time::timeout(waited, migrating).await {
            Ok(Ok(())) => {
                self.session = Some(session);
                Ok(())
            }
            Ok(Err(source)) => Err(LogError::Layout { log, source }),
            Err(_) => Err(LogError::NotConfirmed { log, waited }),
        }
    }

    async fn take_over(&mut self, writer: &Writer, opening: &Opening) -> Result<(), LogError> {
        let mut session = self.taken_session().await?;
        let taking = sqlx::query(TAKE_OVER)
            .bind(writer.number)
            .bind(opening.takeover == Takeover::Now)
            .bind(&opening.holder)
            .bind(opening.lease.map(micros))
            .execute(&mut session.connection);
        let taken = believed(&session.notices, session.wait, taking).await;
        if self.kept(session, taken)?.rows_affected() == 1 {
            return Ok(());
        }
        let lease = self.lease().await?;
        Err(LogError::LeaseHeld {
            holder: lease.holder,
            epoch: lease.epoch,
        })
    }

    /// The session, to be given back with [`PostgresLog::kept`]; lost when its user is given up in the middle.
    async fn taken_session(&mut self) -> Result<Session, LogError> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let session = Session::connect(&self.address, &self.needs).await?;
        self.needs.timeline = self.needs.timeline.max(session.timeline);
        Ok(session)
    }

    /// Keeps the session after an answer, not after a failure.
    fn kept<T>(&mut self, session: Session, answer: Result<T, Interruption>) -> Result<T, LogError> {
        match answer {
            Ok(answer) => {
                self.session = Some(session);
                Ok(answer)
            }
            Err(interruption) => Err(self.log_error(interruption)),
        }
    }

    fn log_error(&self, interruption: Interruption) -> LogError {
        let log = self.address.to_string();
        match interruption {
            Interruption::Database(source) => LogError::Database { log, source },
            Interruption::NoAnswer(waited) => LogError::NotConfirmed { log, waited },
            Interruption::Unreachable(error) => *error,
            other => LogError::Warned {
                log,
                warning: other.to_string(),
            },
        }
    }

    async fn database_head(&mut self) -> Result<Head, LogError> {
        let mut session = self.taken_session().await?;
        let asking = sqlx::query(HEAD).fetch_one(&mut session.connection);
        let row = believed(&session.notices, session.wait, asking).await;
        decode_head(&self.kept(session, row)?)
    }

    /// Sends the batch; anything but `Ok` leaves the outcome unknown, and the session is gone.
    pub(crate) async fn insert(&mut self, batch: &Batch) -> Result<(), Interruption> {
        let mut session = self.taken_session().await.map_err(Box::new)?;
        let inserting = sqlx::query_scalar::<_, Option<String>>(APPEND)
            .bind(to_signed(batch.first_sequence.0))
            .bind(i64::from(batch.count))
            .bind(to_signed(batch.epoch))
            .bind(to_signed(batch.at.0))
            .bind(batch.previous_hash.as_slice())
            .bind(batch.hash.as_slice())
            .bind(batch.data.as_slice())
            .fetch_optional(&mut session.connection);
        let standby_names = believed(&session.notices, session.wait, inserting).await?;
        let Some(standby_names) = standby_names else {
            self.session = Some(session);
            return Err(Interruption::HeadMoved(batch.first_sequence));
        };
        if !self.may_be_alone() && !safeguard::has_names(standby_names.as_deref()) {
            return Err(Interruption::Unsafe(
                "synchronous_standby_names was emptied while the log was in use".to_owned(),
            ));
        }
        self.session = Some(session);
        Ok(())
    }

    fn may_be_alone(&self) -> bool {
        let allowed = self.needs.unsafe_allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.contains(&Safeguard::SynchronousStandbyNames))
    }

    /// A second connection that takes itself for the same writer.
    pub(crate) fn twin(&self) -> PostgresLog {
        let mut twin = PostgresLog::new(&self.address, self.needs.clone());
        twin.head = self.head;
        twin.writer = self.writer.as_ref().map(|writer| Writer {
            number: writer.number,
            holder: writer.holder.clone(),
            lease: writer.lease,
            open_append: false,
        });
        twin
    }

    pub(crate) async fn plain(&mut self, statement: &'static str) -> Result<(), LogError> {
        let mut session = self.taken_session().await?;
        let doing = sqlx::raw_sql(statement).execute(&mut session.connection);
        let done = believed(&session.notices, session.wait, doing).await;
        self.kept(session, done).map(|_| ())
    }

    /// Finds out what became of an append from `previous` to `next`: see the module's text.
    async fn settle(&mut self, previous: Head, next: Head, cause: Interruption) -> Result<Head, AppendError> {
        let deadline = Instant::now() + self.needs.timings.settle;
        tracing::warn!(%cause, sequence = %previous.next_sequence, "the outcome of an append is unknown; asking the log");
        loop {
            let raised = match self.raise_again().await {
                Ok(raised) => raised,
                Err(error) if Instant::now() >= deadline => {
                    tracing::error!(%error, "the outcome of an append could not be settled");
                    return Err(AppendError::OutcomeUnknown(cause));
                }
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be asked yet");
                    tokio::time::sleep(SETTLE_PAUSE).await;
                    continue;
                }
            };
            let Some(found) = raised else {
                let found = self.database_head().await.map(|head| head.epoch);
                return Err(AppendError::Fenced {
                    ours: previous.epoch,
                    found: found.unwrap_or_default(),
                });
            };
            self.head.epoch = found.epoch;
            if found.same_end(&next) {
                self.head = found;
                return Ok(found);
            }
            return Err(match found.same_end(&previous) {
                true => AppendError::NotWritten(cause),
                false => AppendError::OutcomeUnknown(Interruption::HeadMoved(found.next_sequence)),
            });
        }
    }

    /// Raises this writer's own epoch, confirmed; `None` when the log is another's.
    async fn raise_again(&mut self) -> Result<Option<Head>, LogError> {
        let number = self.writer.as_ref().ok_or(LogError::ReadOnly)?.number;
        self.session = None;
        let mut session = self.taken_session().await?;
        let raising = sqlx::query(RAISE_AGAIN)
            .bind(number)
            .fetch_optional(&mut session.connection);
        let raised = believed(&session.notices, session.wait, raising).await;
        self.kept(session, raised)?.as_ref().map(decode_head).transpose()
    }
}

impl CommandLog for PostgresLog {
    fn head(&self) -> Head {
        self.head
    }

    async fn stored_head(&mut self) -> Result<Head, LogError> {
        let head = self.database_head().await?;
        if self.writer.is_none() {
            self.head = head;
        }
        Ok(head)
    }

    async fn append(&mut self, at: Timestamp, count: u32, data: Vec<u8>) -> Result<Head, AppendError> {
        let Some(writer) = &mut self.writer else {
            return Err(AppendError::NotWritten(Box::new(LogError::ReadOnly).into()));
        };
        admit(count, &data, writer.open_append, &writer.lease)?;
        writer.open_append = true;
        let previous = self.head;
        let batch = Batch::following(&previous, at, count, data);
        let answer = match self.insert(&batch).await {
            Ok(()) => {
                self.head = batch.end();
                Ok(self.head)
            }
            Err(cause) => self.settle(previous, batch.end(), cause).await,
        };
        if let Some(writer) = &mut self.writer {
            writer.open_append = stays_open(&answer);
        }
        answer
    }

    async fn read(&mut self, previous: &Head, limit: u32) -> Result<Vec<Batch>, LogError> {
        let (from, to) = (
            to_signed(previous.next_sequence.0),
            to_signed(self.head.next_sequence.0),
        );
        let mut session = self.taken_session().await?;
        let asking = sqlx::query_scalar::<_, i64>(SIZES)
            .bind(from)
            .bind(to)
            .bind(i64::from(limit))
            .fetch_all(&mut session.connection);
        let sizes = believed(&session.notices, session.wait, asking).await;
        let sizes = self.kept(session, sizes)?;
        let rows = rows_within(sizes, READ_BYTES_MAX);
        let mut session = self.taken_session().await?;
        let asking = sqlx::query(ROWS)
            .bind(from)
            .bind(to)
            .bind(i64::try_from(rows).unwrap_or(i64::MAX))
            .fetch_all(&mut session.connection);
        let rows = believed(&session.notices, session.wait.max(READ_WAIT), asking).await;
        let rows = self.kept(session, rows)?;
        chained(previous, rows.iter().map(columns))
    }

    async fn renew_lease(&mut self, duration: Duration) -> Result<(), LogError> {
        let holder = self.writer.as_ref().ok_or(LogError::ReadOnly)?.holder.clone();
        let asked = Instant::now();
        let ours = self.head.epoch;
        let mut session = self.taken_session().await?;
        let renewing = sqlx::query(RENEW_LEASE)
            .bind(holder)
            .bind(to_signed(ours))
            .bind(micros(duration))
            .execute(&mut session.connection);
        let renewed = believed(&session.notices, session.wait, renewing).await;
        if self.kept(session, renewed)?.rows_affected() != 1 {
            let found = self.database_head().await?.epoch;
            return Err(LogError::Fenced { ours, found });
        }
        if let Some(writer) = &mut self.writer {
            writer.lease = OwnLease::until(Some(asked + duration));
        }
        Ok(())
    }

    async fn lease(&mut self) -> Result<Lease, LogError> {
        let mut session = self.taken_session().await?;
        let asking =
            sqlx::query_as::<_, (String, i64, Option<i64>)>(LEASE).fetch_one(&mut session.connection);
        let lease = believed(&session.notices, session.wait, asking).await;
        let (holder, epoch, left) = self.kept(session, lease)?;
        Ok(Lease::new(holder, u64::try_from(epoch).unwrap_or_default(), left))
    }
}

fn decode_head(row: &PgRow) -> Result<Head, LogError> {
    let columns = || Some((row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?));
    let (epoch, next_sequence, hash) = columns().unwrap_or((-1, -1, Vec::new()));
    // Absent where only the head row itself was asked for.
    let last = row.try_get(3).ok().zip(row.try_get(4).ok());
    head_of(epoch, next_sequence, hash, last)
}

fn columns(row: &PgRow) -> Option<Columns> {
    Some(Columns {
        first_sequence: row.try_get(0).ok()?,
        count: row.try_get(1).ok()?,
        epoch: row.try_get(2).ok()?,
        at_us: row.try_get(3).ok()?,
        previous_hash: row.try_get(4).ok()?,
        hash: row.try_get(5).ok()?,
        data: row.try_get(6).ok()?,
    })
}
