//! PostgreSQL servers for tests: one alone ([`Cluster`]), or a primary with a synchronous standby ([`Pair`]); and a network
//! before one that can be cut ([`Proxy`]).
//!
//! Each lies in a temporary directory, listens on a free port of the loopback address, trusts everybody there, and has
//! `fsync` on. Servers end when their value is dropped, and also when the test's process ends in any other way: a
//! guard process waits for that. PostgreSQL refuses to run as root, so a test that is root runs it as `postgres` or `nobody`.
//!
//! Failure cases: where PostgreSQL is not installed, a test that needs it is passed over with a sentence that says what to
//! install (`start` answers `None`); with `ENSOEX_REQUIRE_POSTGRES=1` it fails. Whatever else goes wrong panics: this is for
//! tests only. Knows nothing of what the databases hold.

mod install;
mod pair;
mod proxy;
mod server;

pub use pair::Pair;
pub use proxy::{Network, Proxy};
pub use server::Server;

use install::Installation;
use tempfile::TempDir;

/// One server with an empty database.
pub struct Cluster {
    server: Server,
    _directory: TempDir,
}

impl Cluster {
    /// Starts one; `None` where PostgreSQL is not installed, unless `ENSOEX_REQUIRE_POSTGRES=1`.
    ///
    /// # Panics
    /// With a sentence that says what to do, when PostgreSQL is not installed or does not start.
    pub fn start() -> Option<Cluster> {
        Cluster::start_with(&[])
    }

    /// The same with more settings, each `name = value` as in `postgresql.conf`.
    ///
    /// # Panics
    /// See [`Cluster::start`].
    pub fn start_with(settings: &[&str]) -> Option<Cluster> {
        let installation = Installation::find()?;
        let directory = installation.directory();
        let server = Server::create(&installation, directory.path(), "alone", settings);
        Some(Cluster {
            server,
            _directory: directory,
        })
    }

    /// `postgres://…`, for as long as this value lives.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server, to stop and start it.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_runs_survives_a_kill_and_ends_when_dropped() {
        let Some(mut cluster) = Cluster::start() else {
            return;
        };
        let server = cluster.server();
        assert_eq!(server.sql("SHOW fsync"), "on");
        server.sql("CREATE TABLE kept (n BIGINT); INSERT INTO kept VALUES (7)");
        server.kill();
        server.start();
        assert_eq!(server.sql("SELECT n FROM kept"), "7");
        let pid = server.pid().expect("it runs");
        drop(cluster);
        let left = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!left.contains("postgres"), "{left}");
    }

    #[test]
    fn a_pair_replicates_and_its_standby_takes_over() {
        let Some(mut pair) = Pair::start() else { return };
        pair.primary()
            .sql("CREATE TABLE kept (n BIGINT); INSERT INTO kept VALUES (7)");
        pair.kill_primary();
        pair.promote();
        assert_eq!(pair.primary().sql("SELECT n FROM kept"), "7");
        pair.restart_old_primary();
        assert_eq!(pair.old_primary().sql("SELECT pg_is_in_recovery()"), "f");
        pair.rebuild_standby();
        pair.primary().sql("INSERT INTO kept VALUES (8)");
        assert_eq!(
            pair.primary()
                .sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"),
            "1"
        );
    }
}
