//! A running `ensoex serve`, on this machine only.

use ensoex_cli::demo::accounts::DemoAccount;
use ensoex_cli::demo::seed::register_and_fund;
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Asked again so often.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A start or takeover that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when the test ends.
pub(crate) struct Service {
    child: Child,
    log: PathBuf,
    pub(crate) base: String,
}

/// Below the ports that outgoing connections are given, so that none of those takes it before it is listened on.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 1_000 * 37;
        let port = u16::try_from(20_000 + next % 12_000).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ensoex"))
}

impl Service {
    /// Starts one in the folder, on a free port; it need not serve yet.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Service {
        Self::started(data, more, None)
    }

    /// The same, logging all of this level and above.
    #[allow(dead_code, reason = "for the test that uses this file beside this one")]
    pub(crate) fn start_logging(data: &Path, level: &str) -> Service {
        Self::started(data, &[], Some(level))
    }

    fn started(data: &Path, more: &[&str], log_level: Option<&str>) -> Service {
        let port = free_port();
        let mut options = std::fs::File::options();
        let log = options.append(true).create(true).open(data.with_extension("log"));
        let child = program()
            .args(["serve", "--demo", "--port", &port.to_string(), "--data"])
            .arg(data)
            .args(more)
            .envs(log_level.map(|level| ("ENSOEX_LOG", level)))
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("ensoex starts");
        Service {
            child,
            log: data.with_extension("log"),
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Waits until this kind of health is 200; answers what it says.
    pub(crate) async fn healthy(&self, kind: &str) -> Value {
        let url = format!("{}/health/{kind}", self.base);
        let asking = async {
            loop {
                if let Ok(answer) = reqwest::get(&url).await
                    && answer.status().is_success()
                {
                    return answer.json().await.expect("JSON");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(answer) => answer,
            Err(_) => panic!("{}", std::fs::read_to_string(&self.log).unwrap_or_default()),
        }
    }

    /// What health says, whatever it is.
    pub(crate) async fn health(&self, kind: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("{}/health/{kind}", self.base))
            .await
            .expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// Its number.
    #[allow(dead_code, reason = "for the test that uses this file beside this one")]
    pub(crate) fn pid(&self) -> u64 {
        u64::from(self.child.id())
    }

    /// As a power cut would: no time for anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Sends this signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("kill(1)").success());
    }

    /// Waits until it has ended by itself; answers whether it did so in order.
    pub(crate) async fn ended(mut self) -> bool {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a status") {
                    return status.success();
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it ends")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _may_have_ended = self.child.wait();
    }
}

/// Runs another command of the program; answers whether it succeeded and what it printed.
pub(crate) fn run(command: &[&str], data: &Path, more: &[&str]) -> (bool, String) {
    let output = program()
        .args(command)
        .arg("--data")
        .arg(data)
        .args(more)
        .output()
        .expect("ensoex runs");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Asserts that everything in the folder agrees; answers the state's hash.
pub(crate) fn verified(data: &Path) -> String {
    let (holds, text) = run(&["verify"], data, &["--json"]);
    assert!(holds, "{text}");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    report["state_hash"].as_str().expect("a hash").to_owned()
}

/// People with money and API keys.
pub(crate) async fn people(base: &str, count: usize) -> Vec<DemoAccount> {
    let mut people = Vec::new();
    for number in 0..count {
        let email = format!("person{number}@ensoex.example");
        let person = DemoAccount::new(email, format!("+38050000030{number}")).expect("made up");
        people.push(
            register_and_fund(base, person, &[("EUR", "1000000")])
                .await
                .expect("registered"),
        );
    }
    people
}
