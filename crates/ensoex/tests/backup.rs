//! `ensoex backup` and `ensoex restore`: a backup that was killed goes on, the drill proves it, and finds what is wrong with it.

use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_exchange::Exchange;
use ensoex_types::{AccountId, Amount, AssetId, AssetSpec, TransferId};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

fn fund(id: u128) -> Command {
    Command::Transfer(Transfer {
        transfer: TransferId(id),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: AccountId(1_000),
        asset: AssetId(0),
        amount: Amount(7),
        code: TransferCode::Capital,
    })
}

fn program(line: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"));
    command.args(line).stdin(Stdio::null());
    command
}

fn ensoex(line: &[&str]) -> Output {
    program(line).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

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
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path();
    let (data, store, identity) = (
        path(folder, "service"),
        path(folder, "store"),
        path(folder, "identity.txt"),
    );
    let exchange = Exchange::open(&PathBuf::from(&data).join("exchange"))
        .await
        .unwrap();
    let spec = AssetSpec {
        code: "EUR".to_owned(),
        scale: 8,
    };
    let account = AccountId(1_000);
    let first = vec![
        Command::ListAsset {
            asset: AssetId(0),
            spec,
        },
        Command::OpenAccount { account },
    ];
    exchange.submit_all(first).await.unwrap();
    let made = ensoex(&["backup", "new-identity", &identity]);
    assert!(made.status.success());
    let recipient = text(&made.stdout).trim().to_owned();
    let line = [
        "backup",
        "--data",
        &data,
        "--to",
        &store,
        "--recipient",
        &recipient,
    ];

    let writer = exchange.clone();
    let load = tokio::spawn(async move {
        for id in 1..2_000 {
            writer.submit(fund(id)).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    for _ in 0..3 {
        let before = generations(Path::new(&store));
        let mut child = program(&line)
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
    let taken = ensoex(&line);
    assert!(taken.status.success(), "{}", text(&taken.stderr));

    let log = path(folder, "service/exchange/log.db");
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
    let drilled = ensoex(&drill);
    let answer: Value = serde_json::from_slice(&drilled.stdout).unwrap();
    assert!(drilled.status.success(), "{answer}");
    assert_eq!(
        (&answer["holds"], &answer["recovery_point"]["commands"]),
        (&Value::Bool(true), &Value::from(0))
    );
    assert_eq!(
        answer["state_hash"],
        hex::encode(exchange.read(|engine| engine.state_hash()))
    );
    assert!(
        text(&taken.stdout).contains(answer["chain"].as_str().unwrap()),
        "the chain that was printed"
    );
    assert!(text(&ensoex(&drill[..6]).stdout).contains("recovery time"));

    let to = path(folder, "restored");
    let restore = ["restore", "--from", &store, "--identity", &identity, "--to", &to];
    let past = ensoex(&[&restore[..], &["--at", "sequence:100"]].concat());
    assert!(past.status.success(), "{}", text(&past.stderr));
    let restored = Exchange::open(&PathBuf::from(&to).join("exchange"))
        .await
        .unwrap();
    assert_eq!(restored.read(|engine| engine.sequence()).0, 100);
    let over = ensoex(&restore);
    assert_eq!(
        (over.status.code(), text(&over.stderr).contains("is not empty")),
        (Some(1), true)
    );

    // The control: one bit of one object.
    let objects = std::fs::read_dir(PathBuf::from(&store).join("log")).unwrap();
    let mut objects: Vec<PathBuf> = objects.map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    let mut bytes = std::fs::read(&objects[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&objects[0], bytes).unwrap();
    let drilled = ensoex(&drill);
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
