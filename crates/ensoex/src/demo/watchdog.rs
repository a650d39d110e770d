//! A small process that outlives the demo by a moment: when the demo is killed, it ends the demo's children, so
//! that none of them keeps a port.
//!
//! The demo writes `+<pid>` and `-<pid>` lines; the end of that input is the demo's end.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::collections::HashSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::sync::Mutex;

/// How long the children have to stop by themselves.
const PATIENCE: Duration = Duration::from_secs(5);

/// The demo's end of the line.
#[derive(Clone)]
pub struct Watchdog(Arc<Mutex<ChildStdin>>);

impl Watchdog {
    /// Starts it.
    ///
    /// # Errors
    /// When this program cannot be started once more.
    pub fn start() -> anyhow::Result<Watchdog> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .arg("watchdog")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is for the demo alone.
            .process_group(0)
            .spawn()
            .context("cannot start the watchdog")?;
        let input = child.stdin.take().context("the watchdog has no input")?;
        // Reaped by the runtime when it ends.
        drop(child);
        Ok(Watchdog(Arc::new(Mutex::new(input))))
    }

    /// The process belongs to the demo.
    pub async fn add(&self, pid: u32) {
        self.tell(&format!("+{pid}\n")).await;
    }

    /// The process has ended.
    pub async fn remove(&self, pid: u32) {
        self.tell(&format!("-{pid}\n")).await;
    }

    async fn tell(&self, line: &str) {
        // A watchdog that was killed guards nothing; the demo goes on.
        let _ = self.0.lock().await.write_all(line.as_bytes()).await;
    }
}

/// The watchdog's own side: `ensoex watchdog`.
///
/// # Errors
/// Never in practice; unreadable input counts as its end.
pub async fn run() -> anyhow::Result<()> {
    let pids = tokio::task::spawn_blocking(read_to_end)
        .await
        .context("the watchdog broke off")?;
    for pid in &pids {
        // One that has ended meanwhile needs no signal.
        let _ = kill_process(*pid, Signal::TERM);
    }
    let until = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < until && pids.iter().any(|pid| test_kill_process(*pid).is_ok()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for pid in pids.iter().filter(|pid| test_kill_process(**pid).is_ok()) {
        let _ = kill_process(*pid, Signal::KILL);
    }
    Ok(())
}

/// The processes that are left when the demo is gone.
fn read_to_end() -> HashSet<Pid> {
    let mut pids = HashSet::new();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        note(&mut pids, &line);
    }
    pids
}

fn note(pids: &mut HashSet<Pid>, line: &str) {
    let Some((sign, number)) = line.split_at_checked(1) else {
        return;
    };
    // Zero and below name groups of processes, never one.
    let pid = number
        .parse::<i32>()
        .ok()
        .filter(|number| *number > 1)
        .and_then(Pid::from_raw);
    match (sign, pid) {
        ("+", Some(pid)) => {
            pids.insert(pid);
        }
        ("-", Some(pid)) => {
            pids.remove(&pid);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::note;
    use std::collections::HashSet;

    #[test]
    fn only_single_processes_are_noted() {
        let mut pids = HashSet::new();
        for line in ["+100", "+200", "-100", "+0", "+-1", "+1", "", "+x", "é", "300"] {
            note(&mut pids, line);
        }
        let pids: Vec<i32> = pids.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        assert_eq!(pids, [200]);
    }
}
