//! `ensoex backup` and `ensoex restore`: a backup that was killed goes on, the drill proves it, and finds what is wrong with it.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use support::{Setting, damaged, fund, said, sequence_of, text};

/// Manifests in a store.
fn generations(store: &Path) -> usize {
    std::fs::read_dir(store.join("manifests")).map_or(0, Iterator::count)
}

/// Waits for the backup to have written more generations than there were.
async fn written(store: &Path, before: usize, backup: &mut Child) {
    while generations(store) <= before {
        assert!(backup.try_wait().unwrap().is_none(), "the backup ended by itself");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backup_goes_on_and_a_drill_proves_it() {
    let setting = Setting::new(None).await;
    let (data, store, identity) = (
        setting.path("service"),
        setting.path("store"),
        setting.path("identity.txt"),
    );
    let line = setting.backup(&data, &store);

    let writer = setting.exchange.clone();
    let load = tokio::spawn(async move {
        for id in 1..2_000 {
            writer.submit(fund(id)).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    for _ in 0..3 {
        let before = generations(Path::new(&store));
        let mut child = setting
            .program(&line)
            .args(["--continuous", "--interval", "1"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        written(Path::new(&store), before, &mut child).await;
        // SIGKILL, in the middle of whatever it does.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    load.await.unwrap();
    let taken = said(&setting.ensoex(&line));

    let log = setting.path("service/exchange/log.db");
    let drill = [
        "restore",
        "drill",
        "--from",
        &store,
        "--identity",
        &identity,
        "--log",
        &log,
        "--json",
    ];
    let drilled = setting.ensoex(&drill);
    let answer: Value = serde_json::from_slice(&drilled.stdout).unwrap();
    assert!(drilled.status.success(), "{answer}");
    assert_eq!(
        (&answer["holds"], &answer["recovery_point"]["commands"]),
        (&Value::Bool(true), &Value::from(0))
    );
    assert_eq!(
        answer["state_hash"],
        hex::encode(setting.exchange.read(|engine| engine.state_hash()))
    );
    assert!(
        taken.contains(answer["chain"].as_str().unwrap()),
        "the chain that was printed"
    );
    assert!(text(&setting.ensoex(&drill[..6]).stdout).contains("recovery time"));

    let to = setting.path("restored");
    let restore = ["restore", "--from", &store, "--identity", &identity, "--to", &to];
    said(&setting.ensoex(&[&restore[..], &["--at", "sequence:100"]].concat()));
    assert_eq!(sequence_of(Path::new(&to)).await, 100);
    let over = setting.ensoex(&restore);
    assert_eq!(
        (over.status.code(), text(&over.stderr).contains("is not empty")),
        (Some(1), true)
    );

    // The control: one bit of one object.
    let objects = std::fs::read_dir(PathBuf::from(&store).join("log")).unwrap();
    let mut objects: Vec<PathBuf> = objects.map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    let whole = std::fs::read(&objects[0]).unwrap();
    std::fs::write(&objects[0], damaged(&whole)).unwrap();
    let drilled = setting.ensoex(&drill);
    let answer: Value = serde_json::from_slice(&drilled.stdout).unwrap();
    assert_eq!(
        (drilled.status.code(), &answer["holds"]),
        (Some(1), &Value::Bool(false))
    );
    assert!(
        answer.to_string().contains("altered, swapped or cut off"),
        "{answer}"
    );
}
