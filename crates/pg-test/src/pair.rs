//! A primary with a synchronous standby, and what can happen to them.

use crate::install::Installation;
use crate::server::Server;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ATTACH_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A primary and a standby without which it confirms nothing.
pub struct Pair {
    servers: [Server; 2],
    /// Index of the server that is written to.
    primary: usize,
    built: u32,
    directory: TempDir,
}

impl Pair {
    /// Starts both; `None` where PostgreSQL is not installed, unless `ENSOEX_REQUIRE_POSTGRES=1`.
    ///
    /// # Panics
    /// With a sentence that says what to do, when PostgreSQL is not installed or does not start.
    pub fn start() -> Option<Pair> {
        let installation = Installation::find()?;
        let directory = installation.directory();
        let first = Server::create(&installation, directory.path(), "built-0", &[]);
        let second = Server::standby_of(&first, directory.path(), "built-1");
        let mut pair = Pair {
            servers: [first, second],
            primary: 0,
            built: 2,
            directory,
        };
        pair.ask_for_standby();
        Some(pair)
    }

    /// Both hosts in one `postgres://…`; a client takes the one that is not in recovery.
    pub fn url(&self) -> String {
        let [first, second] = &self.servers;
        format!(
            "postgres://postgres@{},{}/postgres?sslmode=disable",
            first.host(),
            second.host()
        )
    }

    /// The server that is written to.
    pub fn primary(&mut self) -> &mut Server {
        &mut self.servers[self.primary]
    }

    /// The other one.
    pub fn standby(&mut self) -> &mut Server {
        &mut self.servers[1 - self.primary]
    }

    /// After [`Pair::promote`]: the one that was written to before.
    pub fn old_primary(&mut self) -> &mut Server {
        self.standby()
    }

    /// `kill -9` of the primary and all its processes.
    pub fn kill_primary(&mut self) {
        self.primary().kill();
    }

    /// Stops the standby: from now on the primary confirms nothing.
    pub fn stop_standby(&mut self) {
        self.standby().kill();
    }

    /// Starts the standby again and waits until it is attached.
    pub fn start_standby(&mut self) {
        self.standby().start();
        self.wait_for_standby();
    }

    /// Makes the standby the primary, whatever the old one does. It asks for no standby until
    /// [`Pair::rebuild_standby`] gives it one.
    pub fn promote(&mut self) {
        self.standby().sql("SELECT pg_promote(true, 60)");
        self.primary = 1 - self.primary;
    }

    /// Starts the old primary as it was: it takes itself for the primary still.
    pub fn restart_old_primary(&mut self) {
        self.old_primary().start();
    }

    /// Throws the other server away and makes a new synchronous standby of the primary.
    pub fn rebuild_standby(&mut self) {
        self.standby().kill();
        let name = format!("built-{}", self.built);
        self.built += 1;
        let standby = Server::standby_of(&self.servers[self.primary], self.directory.path(), &name);
        *self.standby() = standby;
        self.ask_for_standby();
    }

    fn ask_for_standby(&mut self) {
        let primary = self.primary();
        primary.set("synchronous_standby_names = '*'");
        primary.reload();
        self.wait_for_standby();
    }

    fn wait_for_standby(&mut self) {
        let deadline = Instant::now() + ATTACH_MAX;
        let attached =
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'";
        while self.primary().sql(attached) != "1" {
            assert!(Instant::now() < deadline, "the standby does not attach itself");
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}
