//! What tests of backups share: a Service's folder with an exchange, an identity, and `ensoex` with the object storage and the
//! credentials that a test gives it.

#![allow(dead_code)]

use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_exchange::Exchange;
use ensoex_types::{AccountId, Amount, AssetId, AssetSpec, TransferId};
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;

pub(crate) struct Setting {
    pub(crate) kept: TempDir,
    pub(crate) recipient: String,
    pub(crate) exchange: Exchange,
    /// Of the object storage.
    endpoint: Option<String>,
    credential: (String, String),
}

impl Setting {
    /// One listed asset and one account; `endpoint` is the object storage's, for tests that have one.
    pub(crate) async fn new(endpoint: Option<&str>) -> Setting {
        let kept = tempfile::tempdir().unwrap();
        let exchange = Exchange::open(&kept.path().join("service/exchange"))
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
        let mut setting = Setting {
            kept,
            recipient: String::new(),
            exchange,
            endpoint: endpoint.map(str::to_owned),
            credential: ("any".to_owned(), "whatever-secret".to_owned()),
        };
        let made = setting.ensoex(&["backup", "new-identity", &setting.path("identity.txt")]);
        setting.recipient = text(&made.stdout).trim().to_owned();
        setting
    }

    pub(crate) fn with_credential(mut self, credential: (String, String)) -> Setting {
        self.credential = credential;
        self
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.kept.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) async fn fund(&self, ids: std::ops::Range<u128>) {
        self.exchange.submit_all(ids.map(fund).collect()).await.unwrap();
    }

    /// The program, with nothing of a developer's own settings for object storage.
    pub(crate) fn program(&self, line: &[&str]) -> std::process::Command {
        let mut command = program(line);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
        }
        command
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &self.credential.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.credential.1)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_SHARED_CREDENTIALS_FILE", self.path("none"))
            .env("AWS_CONFIG_FILE", self.path("none"));
        command
    }

    pub(crate) fn ensoex(&self, line: &[&str]) -> Output {
        self.program(line).output().unwrap()
    }

    pub(crate) fn backup<'a>(&'a self, data: &'a str, to: &'a str) -> [&'a str; 7] {
        [
            "backup",
            "--data",
            data,
            "--to",
            to,
            "--recipient",
            &self.recipient,
        ]
    }
}

/// The program, as it is on this machine.
pub(crate) fn program(line: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"));
    command.args(line).stdin(Stdio::null());
    command
}

pub(crate) fn ensoex(line: &[&str]) -> Output {
    program(line).output().unwrap()
}

/// Gives the account of a [`Setting`] something, once for each id.
pub(crate) fn fund(id: u128) -> Command {
    Command::Transfer(Transfer {
        transfer: TransferId(id),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: AccountId(1_000),
        asset: AssetId(0),
        amount: Amount(7),
        code: TransferCode::Capital,
    })
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command that must succeed prints.
pub(crate) fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command that must fail says of it.
pub(crate) fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// Flips a bit in the middle.
pub(crate) fn damaged(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

pub(crate) async fn sequence_of(folder: &Path) -> u64 {
    let exchange = Exchange::open(&folder.join("exchange")).await.unwrap();
    exchange.read(|engine| engine.sequence()).0
}
