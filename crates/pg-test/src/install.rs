//! Where PostgreSQL's programs are, and as whom they run.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where Debian puts its versions.
const VERSIONS: &str = "/usr/lib/postgresql";
const MISSING: &str = "this test needs PostgreSQL 15 or newer and found no initdb; install it (Debian: apt-get install \
                       postgresql), or name its programs' directory in ENSOEX_POSTGRES_BIN";

#[derive(Clone)]
pub(crate) struct Installation {
    programs: PathBuf,
    /// As whom servers run, if not as ourselves.
    user: Option<(u32, u32)>,
}

impl Installation {
    /// `None` where PostgreSQL is not installed, unless it must be.
    pub(crate) fn find() -> Option<Installation> {
        let Some(programs) = programs() else {
            let required = std::env::var_os("ENSOEX_REQUIRE_POSTGRES").is_some_and(|value| value == "1");
            assert!(!required, "ENSOEX_REQUIRE_POSTGRES=1: {MISSING}");
            eprintln!("passed over: {MISSING}");
            return None;
        };
        let user = rustix::process::geteuid().is_root().then(|| {
            another_user().expect("running as root needs a user postgres or nobody to run PostgreSQL as")
        });
        Some(Installation { programs, user })
    }

    /// A directory that the server's user owns.
    pub(crate) fn directory(&self) -> TempDir {
        let directory = tempfile::Builder::new()
            .prefix("ensoex-pg-")
            .tempdir()
            .expect("a temporary directory");
        if let Some((user, group)) = self.user {
            chown(directory.path(), Some(user), Some(group)).expect("chown");
        }
        directory
    }

    /// One of PostgreSQL's programs, to be run as the server's user.
    pub(crate) fn program(&self, name: &str, directory: &Path) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(directory).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            // Such as PGPASSWORD, PGOPTIONS: what a developer has set must not matter.
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

fn programs() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ENSOEX_POSTGRES_BIN") {
        return Some(PathBuf::from(named));
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .collect();
    versions.sort();
    let newest = versions.pop().map(|(_, path)| path);
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|directory| directory.join("initdb").is_file())
}

/// User and group of `postgres`, or else of `nobody`.
fn another_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|wanted| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(wanted))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
