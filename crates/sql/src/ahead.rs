//! SQLite's write-ahead log of one store: who may write to it, and how it stays short.
//!
//! **Turns.** SQLite lets one connection write at a time; the others ask again after pauses of up to a tenth of a second, and
//! whoever came last may be first. Writers of this process come one after the other instead, in the order in which they asked,
//! and SQLite's own lock is there for other processes.
//!
//! **Copies.** What was committed is copied into the store's file beside the writes, by a connection of its own, and not within
//! a commit, where SQLite would do it by itself: every so many writes one commit would take as long as all the pages that
//! changed. SQLite begins the write-ahead log anew once all of it is copied and nobody reads in it, so from
//! [`ANEW_FRAMES`] on the little that came meanwhile is copied between two writes. A copy that fails is tried again later and
//! loses nothing: what was not copied stays where it is, durable.
//!
//! Knows no statement and no table.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// After so many writes the write-ahead log is copied,
const COPY_AFTER_WRITES: u64 = 64;
/// but not again within this time: a page that changed many times is copied once, and each copy waits for the disk.
const COPY_INTERVAL: Duration = Duration::from_millis(250);
/// And when its file has grown by so much since the last time, however few the writes were.
const COPY_AFTER_BYTES: u64 = 4 << 20;
/// Fewer writes than this are emptied at once, without copying most of them beforehand.
const FEW_WRITES: u64 = 16;
/// From so many frames on (of a page each: 16 MiB) it should be begun anew.
pub(crate) const ANEW_FRAMES: i64 = 4_096;
/// From so many frames on whoever reads in it is waited for, for a moment.
const READERS_WAIT_FRAMES: i64 = 4 * ANEW_FRAMES;
/// How long a copy waits for readers and other processes before it gives up for this time.
const READERS_WAIT: Duration = Duration::from_millis(50);
/// Between two tries to empty it, so that writers come in between.
const PAUSE: Duration = Duration::from_millis(5);

/// Leave to write; the next writer waits for its end.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// The write-ahead log of one store.
pub(crate) struct Ahead {
    options: SqliteConnectOptions,
    file: PathBuf,
    turn: Arc<Mutex<()>>,
    /// The connection that copies, once there was something to copy: one copy at a time.
    copying: Mutex<Option<SqliteConnection>>,
    /// Whether somebody was told to copy and has not come to it.
    called: AtomicBool,
    closed: AtomicBool,
    /// Writes since the last copy began.
    writes: AtomicU64,
    opened: Instant,
    /// When the last copy ended, in milliseconds since then.
    copied_ms: AtomicU64,
    /// Length of the file when the last copy ended.
    bytes: AtomicU64,
}

/// What a copy came to.
struct Copied {
    busy: bool,
    frames: i64,
    copied: i64,
}

impl fmt::Debug for Ahead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ahead").finish_non_exhaustive()
    }
}

impl Ahead {
    /// That of the store in this file, which these options open.
    pub(crate) fn new(path: &Path, options: SqliteConnectOptions) -> Ahead {
        let mut file = path.as_os_str().to_owned();
        file.push("-wal");
        Ahead {
            options: options.busy_timeout(READERS_WAIT),
            file: file.into(),
            turn: Arc::default(),
            copying: Mutex::default(),
            called: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            writes: AtomicU64::new(0),
            opened: Instant::now(),
            copied_ms: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Waits until nobody else of this process writes.
    pub(crate) async fn turn(&self, wait_max: Duration) -> Result<Turn, sqlx::Error> {
        let turn = Arc::clone(&self.turn).lock_owned();
        tokio::time::timeout(wait_max, turn)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Something was committed: has it copied when it is time.
    pub(crate) fn wrote(self: &Arc<Self>) {
        let writes = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let many = writes >= COPY_AFTER_WRITES
            || self.length() >= self.bytes.load(Ordering::Relaxed) + COPY_AFTER_BYTES;
        if many && !self.called.swap(true, Ordering::SeqCst) {
            let since = self
                .now_ms()
                .saturating_sub(self.copied_ms.load(Ordering::Relaxed));
            let pause = COPY_INTERVAL.saturating_sub(Duration::from_millis(since));
            let ahead = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                // What is left uncopied by an error is copied with what comes next, or when the store is closed.
                ahead.keep_short().await.ok()
            });
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn length(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    async fn keep_short(&self) -> Result<(), sqlx::Error> {
        let mut copying = self.copying.lock().await;
        self.called.store(false, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let connection = self.connected(&mut copying).await?;
        let mut done = self.copy(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
        if done.frames >= ANEW_FRAMES {
            // What came while the bulk was copied, and then, between two writes, what came meanwhile.
            self.copy(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
            let _turn = Arc::clone(&self.turn).lock_owned().await;
            done = self.copy(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
            if done.copied < done.frames && done.frames >= READERS_WAIT_FRAMES {
                self.copy(connection, "PRAGMA wal_checkpoint(RESTART)").await?;
            }
        }
        self.bytes.store(self.length(), Ordering::Relaxed);
        self.copied_ms.store(self.now_ms(), Ordering::Relaxed);
        Ok(())
    }

    /// Copies all of it and leaves it empty; `false` if that was not possible until then, because somebody reads an older moment.
    pub(crate) async fn empty(&self, until: Instant) -> Result<bool, sqlx::Error> {
        loop {
            {
                let mut copying = self.copying.lock().await;
                let connection = self.connected(&mut copying).await?;
                if self.writes.load(Ordering::Relaxed) >= FEW_WRITES {
                    self.copy(connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
                }
                let _turn = Arc::clone(&self.turn).lock_owned().await;
                let done = self.copy(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
                if !done.busy {
                    self.bytes.store(0, Ordering::Relaxed);
                    return Ok(true);
                }
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn connected<'a>(
        &self,
        copying: &'a mut Option<SqliteConnection>,
    ) -> Result<&'a mut SqliteConnection, sqlx::Error> {
        match copying {
            Some(connection) => Ok(connection),
            None => Ok(copying.insert(SqliteConnection::connect_with(&self.options).await?)),
        }
    }

    async fn copy(
        &self,
        connection: &mut SqliteConnection,
        how: &'static str,
    ) -> Result<Copied, sqlx::Error> {
        self.writes.store(0, Ordering::Relaxed);
        let row = sqlx::query(how).fetch_one(connection).await?;
        Ok(Copied {
            busy: row.try_get::<i64, _>(0)? != 0,
            frames: row.try_get(1)?,
            copied: row.try_get(2)?,
        })
    }

    /// Waits for a copy that is under way, and closes what copies.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(connection) = self.copying.lock().await.take() {
            // Nothing is lost with a connection that cannot be closed: it wrote nothing of its own.
            let _closed = connection.close().await;
        }
    }
}
