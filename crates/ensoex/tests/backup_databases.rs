//! The log, users, sealed personal data and the access log in PostgreSQL: backed up, drilled, and restored into files and into PostgreSQL again.

mod support;

use ensoex_engine::Command;
use ensoex_exchange::{Exchange, ExchangeConfig, Opening};
use ensoex_pg_test::Cluster;
use ensoex_service::{SERVICE_RECORDS, Stores};
use ensoex_sql::Database;
use ensoex_types::AccountId;
use ensoex_vault::{
    AccessRequest, Actor, Email, Personal, PolicyVersion, ProvideService, Reason, SubjectId, Vault,
    VaultConfig,
};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::path::Path;
use support::{ensoex, said};

fn request() -> AccessRequest {
    AccessRequest {
        actor: Actor::component("test").unwrap(),
        reason: Reason::Registration,
        policy_version: PolicyVersion::new("sha256:00").unwrap(),
    }
}

fn config(folder: &Path, stores: Stores) -> VaultConfig {
    VaultConfig {
        records: stores.vault_records,
        access_log: stores.access_log,
        ..VaultConfig::files(folder.join("vault"), folder.join("keys"))
    }
}

async fn email(vault: &Vault, subject: &SubjectId) -> String {
    let request = request();
    let read = vault.read::<Email, ProvideService, _>(subject, None, &request, String::clone);
    read.await.unwrap()
}

/// People in the vault and among the Service's users.
const PEOPLE: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_in_postgresql_come_back_as_files_and_in_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let kept = tempfile::tempdir().unwrap();
    let path = |name: &str| kept.path().join(name).to_str().unwrap().to_owned();
    let service = kept.path().join("service");
    let url = cluster.url();
    let log = format!("{url}&schema=command_log");
    let usual = ExchangeConfig::new(&service.join("exchange"));
    let exchange = Exchange::start(ExchangeConfig {
        log: log.parse().unwrap(),
        opening: Opening {
            // The test's server is alone.
            unsafe_allowed: vec!["synchronous_standby_names".parse().unwrap()],
            ..usual.opening.clone()
        },
        ..usual
    });
    let exchange = exchange.await.unwrap();
    for number in 0..50 {
        let account = AccountId(1_000 + number);
        exchange.submit(Command::OpenAccount { account }).await.unwrap();
    }
    let stores = Stores::postgres(&url, "ensoex", &service).unwrap();
    let records = Database::open(&stores.records, &SERVICE_RECORDS).await.unwrap();
    let vault = Vault::open(config(&service, stores)).await.unwrap();
    let mut subjects = Vec::new();
    let mut users = PgConnection::connect(&url).await.unwrap();
    for number in 0..PEOPLE {
        let subject = vault.create_subject(&request()).await.unwrap();
        let address = Personal::new(format!("person{number}@example.org"));
        vault.claim::<Email>(&subject, address, &request()).await.unwrap();
        let account = i64::try_from(number).unwrap() + 1_000;
        let insert = "INSERT INTO ensoex_service.users VALUES ($1, $2, $3, 'uk', 1, 'sha256:00', 1, 'ї')";
        let insert = sqlx::query(insert).bind(account).bind(subject.to_string());
        insert
            .bind(format!("customer{number}"))
            .execute(&mut users)
            .await
            .unwrap();
        let key = "INSERT INTO ensoex_service.api_keys (api_key, account, label, kind, public_key, can_trade, created_us, last_used_us)
                   VALUES ($1, $2, '', 'hmac', NULL, 1, 1, NULL)";
        let key = sqlx::query(key).bind(format!("key{number}")).bind(account);
        key.execute(&mut users).await.unwrap();
        subjects.push(subject);
    }
    let rows = "SELECT * FROM ensoex_service.users ORDER BY account";
    let before: Vec<(i64, String, String)> = sqlx::query_as(rows).fetch_all(&mut users).await.unwrap();

    let recipient = said(&ensoex(&["backup", "new-identity", &path("identity")]));
    let (data, to, identity) = (path("service"), path("store"), path("identity"));
    let line = [
        "backup",
        "--data",
        &data,
        "--to",
        &to,
        "--recipient",
        recipient.trim(),
    ];
    // Left out by mistake, the databases would be in no backup.
    let without = ensoex(&[&line[..], &["--log", &log]].concat());
    let refused = String::from_utf8(without.stderr).unwrap();
    assert!(
        refused.contains("has no file service.db") && refused.contains("--database"),
        "{refused}"
    );
    assert!(!kept.path().join("store/manifests").exists());
    said(&ensoex(
        &[&line[..], &["--database", &url, "--log", &log]].concat(),
    ));
    // The vault and the records were open all the while; now the disaster.
    vault.close().await;
    records.close().await;
    drop(vault);

    let drill = [
        "restore",
        "drill",
        "--from",
        &to,
        "--identity",
        &identity,
        "--log",
        &log,
        "--json",
    ];
    let answer: Value = serde_json::from_str(&said(&ensoex(&drill))).unwrap();
    assert_eq!(answer["holds"], Value::Bool(true), "{answer}");
    assert_eq!(answer["recovery_point"]["commands"], Value::from(0));
    let hash = exchange.read(|engine| engine.state_hash());
    assert_eq!(answer["state_hash"], hex::encode(hash));

    let restore = ["restore", "--from", &to, "--identity", &identity, "--to"];
    let files = kept.path().join("files");
    said(&ensoex(&[&restore[..], &[files.to_str().unwrap()]].concat()));
    let again = kept.path().join("again");
    let line = [
        &restore[..],
        &[again.to_str().unwrap(), "--database", &url, "--schemas", "again"],
    ]
    .concat();
    assert!(said(&ensoex(&line)).contains("rows of databases are in PostgreSQL"));
    assert!(!again.join("service.db").exists() && !again.join("vault/vault.db").exists());
    // Never over something.
    let over = kept.path().join("over");
    let line = [
        &restore[..],
        &[over.to_str().unwrap(), "--database", &url, "--schemas", "again"],
    ]
    .concat();
    let refused = String::from_utf8(ensoex(&line).stderr).unwrap();
    assert!(
        refused.contains("a copy is only made into an empty one"),
        "{refused}"
    );

    the_log_comes_back_in_postgresql(&restore, kept.path(), &url, &exchange).await;

    let postgres = Stores::postgres(&url, "again", &again).unwrap();
    for (folder, stores) in [(&files, Stores::files(&files)), (&again, postgres)] {
        std::fs::create_dir_all(folder.join("keys")).unwrap();
        for key in ["root.key", "vault-keys.db"] {
            std::fs::copy(service.join("keys").join(key), folder.join("keys").join(key)).unwrap();
        }
        let config = config(folder, stores);
        // Closing the old vault was the last that the keys heard of the access log.
        Vault::accept_restored(&config).await.unwrap();
        let vault = Vault::open(config).await.unwrap();
        for (number, subject) in subjects.iter().enumerate() {
            assert_eq!(
                email(&vault, subject).await,
                format!("person{number}@example.org")
            );
        }
        vault.audit_access_log().await.unwrap();
        vault.close().await;
    }
    let rows = "SELECT * FROM again_service.users ORDER BY account";
    let after: Vec<(i64, String, String)> = sqlx::query_as(rows).fetch_all(&mut users).await.unwrap();
    assert_eq!((before.len(), before), (PEOPLE, after));
    let keys =
        "SELECT count(*) FROM again_service.api_keys WHERE public_key IS NULL AND last_used_us IS NULL";
    let keys: i64 = sqlx::query_scalar(keys).fetch_one(&mut users).await.unwrap();
    assert_eq!(keys, i64::try_from(PEOPLE).unwrap());
    let in_file = sqlx::SqliteConnection::connect(files.join("service.db").to_str().unwrap()).await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE receipt = 'ї'")
        .fetch_one(&mut in_file.unwrap())
        .await
        .unwrap();
    assert_eq!(count, i64::try_from(PEOPLE).unwrap());
}

/// Restores it into a schema, and has `verify`, `projections rebuild` and `at` read it there.
async fn the_log_comes_back_in_postgresql(restore: &[&str], folder: &Path, url: &str, original: &Exchange) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let log = format!("{url}&schema=restored_log");
    let alone = ["--allow-unsafe", "synchronous_standby_names"];
    let into = |to: &str, log: &str| ensoex(&[restore, &[&path(to), "--log", log], &alone[..]].concat());
    // Control: the server's missing standby is not overlooked.
    let refused = String::from_utf8(ensoex(&[restore, &[&path("moved"), "--log", &log]].concat()).stderr);
    assert!(
        refused
            .unwrap()
            .contains("--allow-unsafe synchronous_standby_names")
    );
    assert!(said(&into("moved", &log)).contains("The log is in postgres://"));
    assert!(!folder.join("moved/exchange/log.db").exists());
    for (log, expected) in [
        (log.as_str(), "there is something at postgres://"),
        ("log.db", "leave --log out"),
    ] {
        let refused = String::from_utf8(into("elsewhere", log).stderr).unwrap();
        assert!(refused.contains(expected), "{refused}");
        assert!(!folder.join("elsewhere").exists());
    }

    let (data, place) = (
        path("moved"),
        ["--log", &log, "--database", url, "--schemas", "moved"],
    );
    let rebuild = ["projections", "rebuild", "--data", &data];
    let rebuilt = said(&ensoex(&[&rebuild[..], &place[..]].concat()));
    assert!(rebuilt.contains("from 50 commands"), "{rebuilt}");
    let verify = ["verify", "--json", "--data", &data];
    let verified: Value = serde_json::from_str(&said(&ensoex(&[&verify[..], &place[..]].concat()))).unwrap();
    let hash = |exchange: &Exchange| hex::encode(exchange.read(|engine| engine.state_hash()));
    assert_eq!(
        (
            &verified["holds"],
            &verified["projected"],
            &verified["state_hash"]
        ),
        (&true.into(), &50.into(), &hash(original).into())
    );
    let at = ["at", "--account", "1010", "--json", "--log", &log, "--sequence"];
    let answer: Value = serde_json::from_str(&said(&ensoex(&[&at[..], &["11"]].concat()))).unwrap();
    assert_eq!(answer["sequence"], 11, "{answer}");
    assert_eq!(
        ensoex(&[&at[..], &["10"]].concat()).status.code(),
        Some(1),
        "not opened yet"
    );

    let stores = Stores::postgres(url, "moved", Path::new(&data)).unwrap();
    let usual = ExchangeConfig::new(&folder.join("moved/exchange"));
    let moved = Exchange::start(ExchangeConfig {
        log: log.parse().unwrap(),
        projections: stores.projections,
        opening: Opening {
            unsafe_allowed: vec!["synchronous_standby_names".parse().unwrap()],
            ..usual.opening.clone()
        },
        ..usual
    });
    let moved = moved.await.unwrap();
    assert_eq!(hash(&moved), hash(original));
    let account = AccountId(2_000);
    moved.submit(Command::OpenAccount { account }).await.unwrap();
    moved.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_reads_the_databases_too() {
    let kept = tempfile::tempdir().unwrap();
    let path = |name: &str| kept.path().join(name).to_str().unwrap().to_owned();
    let service = kept.path().join("service");
    drop(Exchange::open(&service.join("exchange")).await.unwrap());
    let stores = Stores::files(&service);
    let records = Database::open(&stores.records, &SERVICE_RECORDS).await.unwrap();
    records.close().await;
    // All databases are files here: none has to be named.
    Vault::open(config(&service, stores)).await.unwrap().close().await;
    let recipient = said(&ensoex(&["backup", "new-identity", &path("identity")]));
    let drill = |store: &str| {
        let (to, identity) = (path(store), path("identity"));
        said(&ensoex(&[
            "backup",
            "--data",
            &path("service"),
            "--to",
            &to,
            "--recipient",
            recipient.trim(),
        ]));
        let drilled = ensoex(&["restore", "drill", "--from", &to, "--identity", &identity]);
        (
            drilled.status.success(),
            String::from_utf8(drilled.stdout).unwrap(),
        )
    };
    let (holds, said) = drill("whole");
    assert!(
        holds && said.contains("holds   every row of the databases"),
        "{said}"
    );
    // A key of a user who is not there: the file is well, and what it says cannot be.
    let mut file = SqliteConnectOptions::new()
        .filename(service.join("service.db"))
        .foreign_keys(false)
        .connect()
        .await
        .unwrap();
    sqlx::query("INSERT INTO sessions (token_hash, account, created_us, last_seen_us, expires_us) VALUES (x'00', 7, 1, 1, 1)")
        .execute(&mut file)
        .await
        .unwrap();
    let (holds, said) = drill("broken");
    assert!(
        !holds && said.contains("WRONG   every row of the databases"),
        "{said}"
    );
}
