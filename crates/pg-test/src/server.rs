//! One server: its directory, its port, its process.

use crate::install::Installation;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Small, quick to start, and as safe as in earnest.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = on
full_page_writes = on
shared_buffers = 16MB
max_connections = 60
wal_level = replica
max_wal_senders = 6
min_wal_size = 80MB
max_wal_size = 256MB
wal_keep_size = 128MB
wal_log_hints = on
jit = off
";
/// Waits until whoever holds its standard input is gone; then ends the server, if that process still is it.
const GUARD: &str = r#"
cat >/dev/null
if [ "$(readlink "/proc/$1/cwd")" = "$2" ]; then kill -QUIT "$1"; sleep 1; rm -rf "$2"; fi
"#;

/// One server.
pub struct Server {
    installation: Installation,
    data: PathBuf,
    port: u16,
    running: Option<Running>,
}

struct Running {
    process: Child,
    guard: Child,
}

impl Server {
    /// Makes an empty database and starts it.
    pub(crate) fn create(
        installation: &Installation,
        directory: &Path,
        name: &str,
        settings: &[&str],
    ) -> Server {
        let data = directory.join(name);
        let mut initdb = installation.program("initdb", directory);
        initdb
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-locale",
                "-E",
                "UTF8",
                "-N",
                "-D",
            ])
            .arg(&data);
        run(&mut initdb);
        let mut server = Server {
            installation: installation.clone(),
            data,
            port: free_port(),
            running: None,
        };
        server.set(SETTINGS);
        server.set(&settings.join("\n"));
        server.start();
        server
    }

    /// Copies a running primary and starts the copy as its standby.
    pub(crate) fn standby_of(primary: &Server, directory: &Path, name: &str) -> Server {
        let data = directory.join(name);
        let mut copy = primary.installation.program("pg_basebackup", directory);
        copy.args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "-N",
            "-p",
        ])
        .arg(primary.port.to_string())
        .arg("-D")
        .arg(&data);
        run(&mut copy);
        let mut server = Server {
            installation: primary.installation.clone(),
            data,
            port: free_port(),
            running: None,
        };
        server.start();
        server
    }

    /// Appends lines to `postgresql.conf`; they count from the next start or [`Server::reload`].
    pub fn set(&self, lines: &str) {
        let path = self.data.join("postgresql.conf");
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .expect("postgresql.conf");
        writeln!(file, "\n{lines}").expect("postgresql.conf");
    }

    /// Makes the server read its settings again.
    pub fn reload(&self) {
        self.sql("SELECT pg_reload_conf()");
    }

    /// Starts the server (again) and waits until it answers.
    ///
    /// # Panics
    /// With its last words when it does not.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "the server runs already");
        let deadline = Instant::now() + START_MAX;
        let said = self.data.with_extension("out");
        loop {
            let log = File::create(&said).expect("the server's output");
            let mut process = self
                .installation
                .program("postgres", &self.data)
                .arg("-D")
                .arg(&self.data)
                .args(["-c", &format!("port={}", self.port)])
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("the server's output"))
                .stderr(log)
                .spawn()
                .expect("postgres starts");
            let guard = guard(process.id(), &self.data);
            while process.try_wait().expect("the server's state").is_none() && Instant::now() < deadline {
                if self.answers() {
                    self.running = Some(Running { process, guard });
                    return;
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            end_guard(guard);
            kill_all(&mut process);
            let words = std::fs::read_to_string(&said).unwrap_or_default();
            let again = ["could not bind", "shared memory block", "lock file"]
                .iter()
                .any(|reason| words.contains(reason));
            assert!(
                again && Instant::now() < deadline,
                "PostgreSQL does not start:\n{words}"
            );
            if words.contains("could not bind") {
                self.port = free_port();
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Ends the server in order, ready to be started again.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Ends the server and all its processes with `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            end_guard(running.guard);
            kill_all(&mut running.process);
        }
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut running) = self.running.take() {
            end_guard(running.guard);
            if let Some(pid) = Pid::from_raw(running.process.id().cast_signed()) {
                let _gone_already = kill_process(pid, signal);
            }
            let _status = running.process.wait();
        }
    }

    /// Process of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.process.id())
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `postgres://…` of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres?sslmode=disable", self.host())
    }

    /// Runs statements; answers the last one's rows, columns separated by `|`.
    ///
    /// # Panics
    /// When one fails.
    pub fn sql(&self, statements: &str) -> String {
        self.try_sql(statements)
            .unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// The same; what the server says against it.
    ///
    /// # Errors
    /// The server's words.
    pub fn try_sql(&self, statements: &str) -> Result<String, String> {
        let mut psql = self.installation.program("psql", &std::env::temp_dir());
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
        ])
        .arg(self.port.to_string())
        .args(["-c", statements, "postgres"]);
        let output = psql.output().expect("psql runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    fn answers(&self) -> bool {
        let mut ready = self.installation.program("pg_isready", &std::env::temp_dir());
        ready
            .args(["-q", "-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string());
        ready.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

fn guard(pid: u32, data: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", GUARD, "guard", &pid.to_string()])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("/bin/sh")
}

fn end_guard(mut guard: Child) {
    let _ended_already = guard.kill();
    let _status = guard.wait();
}

/// The processes of a server know when their parent is gone, but only once they look: so all are ended.
fn kill_all(process: &mut Child) {
    let parent = process.id();
    let children: Vec<i32> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect();
    let _ended_already = process.kill();
    for child in children.into_iter().filter_map(Pid::from_raw) {
        let _ended_already = kill_process(child, Signal::KILL);
    }
    let _status = process.wait();
}

fn parent_of(pid: i32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
