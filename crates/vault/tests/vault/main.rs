//! The vault as its callers and its attackers meet it, against real database files.

mod access;
mod announced;
mod audit;
mod catalogue;
mod claims;
mod disclosures;
mod erasure;
mod files;
mod holds;
mod orders;
mod phones;
mod races;
mod refusals;
mod replay;
mod restriction;
mod rotation;
mod sealed;
mod staff;
mod statistics;

use std::path::PathBuf;
use std::time::Duration;

use ensoex_vault::{
    AccessRequest, Actor, Email, Personal, PolicyVersion, Reason, SubjectId, Vault, VaultConfig, VaultError,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// A vault in a directory of its own.
struct Scene {
    directory: TempDir,
    vault: Vault,
}

impl Scene {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let vault = Vault::open(config(&directory)).await.unwrap();
        Self { directory, vault }
    }

    fn config(&self) -> VaultConfig {
        config(&self.directory)
    }

    fn path(&self, file: &str) -> PathBuf {
        let directory = if file == "vault-keys.db" || file == "root.key" {
            "keys"
        } else {
            "data"
        };
        self.directory.path().join(directory).join(file)
    }

    /// Someone with raw access to a database file.
    async fn raw(&self, file: &str) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path(file))
            .connect()
            .await
            .unwrap()
    }

    async fn execute(&self, file: &str, statement: &'static str) -> u64 {
        sqlx::query(statement)
            .execute(&mut self.raw(file).await)
            .await
            .unwrap()
            .rows_affected()
    }

    /// Stops the vault and opens it again.
    async fn reopened(self) -> Self {
        self.vault.close().await;
        let Self { directory, vault } = self;
        drop(vault);
        // A process that another test starts just now has the lock too, until it becomes another program.
        for _ in 0..200 {
            match Vault::open(config(&directory)).await {
                Err(VaultError::InUse) => tokio::time::sleep(Duration::from_millis(25)).await,
                opened => {
                    let vault = opened.unwrap();
                    return Self { directory, vault };
                }
            }
        }
        panic!("the vault stays in use");
    }

    async fn subject_with_email(&self, email: &str) -> SubjectId {
        let subject = self.vault.create_subject(&service()).await.unwrap();
        self.vault
            .claim::<Email>(&subject, text(email), &service())
            .await
            .unwrap();
        subject
    }

    async fn email(&self, subject: &SubjectId) -> Result<String, ensoex_vault::VaultError> {
        let open = |email: &String| email.clone();
        self.vault
            .read::<Email, ensoex_vault::ProvideService, _>(subject, None, &service(), open)
            .await
    }
}

fn config(directory: &TempDir) -> VaultConfig {
    VaultConfig::files(directory.path().join("data"), directory.path().join("keys"))
}

fn text(value: &str) -> Personal<String> {
    Personal::new(value.to_owned())
}

fn request(actor: Actor, reason: Reason) -> AccessRequest {
    AccessRequest {
        actor,
        reason,
        policy_version: PolicyVersion::new("sha256:00").unwrap(),
    }
}

fn service() -> AccessRequest {
    request(Actor::component("test").unwrap(), Reason::Registration)
}
