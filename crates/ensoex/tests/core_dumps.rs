//! The Service leaves no core dump: a process that died does not hand its memory to a file.

use rustix::process::{DumpableBehavior, dumpable_behavior};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The soft and hard limit of core files of a process, as the system tells them.
fn core_limit(pid: u32) -> Option<String> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))?;
    Some(
        line.split_whitespace()
            .skip(4)
            .take(2)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Mechanism: `crates/ensoex/src/core_dumps.rs`
/// Control: `clause_09_a_process_that_forbids_core_dumps_cannot_be_dumped`.
#[test]
fn clause_09_the_service_leaves_no_core_dump() {
    let folder = tempfile::tempdir().unwrap();
    let service = Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args(["serve", "--port", "0", "--data"])
        .arg(folder.path().join("service"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut service = Running(service);
    // Once it keeps files, it has forbidden core dumps.
    for _ in 0..1_200 {
        if folder.path().join("service/service.db").exists() {
            break;
        }
        assert!(service.0.try_wait().unwrap().is_none(), "the Service ended");
        std::thread::sleep(Duration::from_millis(25));
    }
    assert_eq!(core_limit(service.0.id()).as_deref(), Some("0 0"));
}

/// Mechanism: `crates/ensoex/src/core_dumps.rs`
/// Control: before, it could be.
#[test]
fn clause_09_a_process_that_forbids_core_dumps_cannot_be_dumped() {
    // The control: before, it could be.
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable);
    ensoex_cli::core_dumps::forbid().unwrap();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    assert_eq!(core_limit(std::process::id()).as_deref(), Some("0 0"));
}
