//! A Service that keeps the backup of its keys in object storage: what it erases is in no version of any object there.

use crate::moto::Moto;
use crate::support::Setting;
use ensoex_backup::Identity;
use ensoex_cli::demo::accounts::DemoAccount;
use ensoex_cli::demo::site::Site;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// What does not come about within this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `ensoex serve`, killed when the test ends.
struct Serving {
    child: Child,
    base: String,
}

impl Serving {
    async fn start(setting: &Setting) -> Serving {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let (data, port) = (setting.path("served"), port.to_string());
        let line = [
            "serve",
            "--demo",
            "--data",
            &data,
            "--port",
            &port,
            "--keys-backup",
            "s3://keys/one",
        ];
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(setting.path("served.log"));
        let child = setting
            .program(&[&line[..], &["--keys-recipient", &setting.recipient]].concat())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let primary = async {
            while !reqwest::get(format!("{base}/health/primary"))
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let serves = tokio::time::timeout(PATIENCE, primary).await;
        let serving = Serving { child, base };
        assert!(
            serves.is_ok(),
            "{}",
            std::fs::read_to_string(setting.path("served.log")).unwrap()
        );
        serving
    }

    fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _may_have_ended = self.child.wait();
    }
}

async fn database(path: &str) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

/// How many of the keys are in any version of any object of the bucket.
async fn found(moto: &Moto, identity: &Identity, keys: &[Vec<u8>]) -> usize {
    let mut contents = Vec::new();
    for (key, version) in moto.versions("keys").await {
        // One that was forgotten meanwhile is none any more.
        if let Some(sealed) = moto.find(&format!("keys/{key}?versionId={version}")).await {
            contents.push(identity.open(&key, &sealed).unwrap());
        }
    }
    let is_in = |key: &&Vec<u8>| {
        contents
            .iter()
            .any(|content| memchr::memmem::find(content, key).is_some())
    };
    keys.iter().filter(is_in).count()
}

/// Mechanism: `crates/ensoex/src/backup_keys.rs`
/// Control: before the erasure the search finds the keys in the bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clause_09_what_a_service_erases_is_in_no_version_of_its_keys() {
    let Some(moto) = Moto::start(&[]).await else {
        return;
    };
    moto.versioned_bucket("keys").await;
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let identity = Identity::read(Path::new(&setting.path("identity.txt"))).unwrap();

    // A registration that nobody finishes.
    let serving = Serving::start(&setting).await;
    let site = Site::new(&serving.base).unwrap();
    let policy = site.get("/v1/policy").await.unwrap();
    let person = DemoAccount::new("ada@ensoex.example".to_owned(), "+380500000301".to_owned()).unwrap();
    let registration = json!({
        "email": person.email, "phone": person.phone, "password": person.password,
        "policy_hash": policy["hash"], "locale": "en",
    });
    site.post("/v1/registrations", &registration).await.unwrap();
    serving.end();
    let rows = sqlx::query("SELECT sealed FROM subject_keys")
        .fetch_all(&mut database(&setting.path("served/keys/vault-keys.db")).await)
        .await
        .unwrap();
    let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(keys.len(), 3);
    // The control: what came last was stored before the end, and the search finds it.
    assert_eq!(found(&moto, &identity, &keys).await, 3);

    // Its time is over: the next start erases what it left.
    sqlx::query("UPDATE registrations SET expires_us = 0")
        .execute(&mut database(&setting.path("served/service.db")).await)
        .await
        .unwrap();
    let serving = Serving::start(&setting).await;
    let erased = async {
        while found(&moto, &identity, &keys).await > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let erased = tokio::time::timeout(PATIENCE, erased).await;
    assert!(
        erased.is_ok(),
        "{}",
        std::fs::read_to_string(setting.path("served.log")).unwrap()
    );
    serving.end();
    assert_eq!(found(&moto, &identity, &keys).await, 0);
    assert_eq!(moto.versions("keys").await.len(), 1);
}
