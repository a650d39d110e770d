//! Two processes and one log: a standby takes over from a primary that was killed, stopped, or is alive.

use crate::load::{cancel_all, client, compare, open_orders, place};
use crate::service::{Service, people, run, verified};
use ensoex_cli::demo::accounts::DemoAccount;
use ensoex_cli::traders::TradingClient;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ORDERS: u64 = 20;

/// A primary and a standby in one folder, and somebody with orders that were acknowledged.
struct Stage {
    _place: tempfile::TempDir,
    data: PathBuf,
    primary: Service,
    standby: Service,
    person: DemoAccount,
    acknowledged: BTreeMap<String, u64>,
}

async fn stage() -> Stage {
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("service");
    let primary = Service::start(&data, &[]);
    primary.healthy("primary").await;
    let person = people(&primary.base, 1).await.remove(0);
    let standby = Service::start(&data, &["--standby"]);
    assert_eq!(standby.healthy("ready").await["role"], "standby");
    let trader = client(&primary.base, &person, 50);
    let mut acknowledged = BTreeMap::new();
    for number in 0..ORDERS {
        let name = format!("before-{number}");
        let order = place_one(&trader, &name).await;
        acknowledged.insert(name, order);
    }
    Stage {
        _place: place,
        data,
        primary,
        standby,
        person,
        acknowledged,
    }
}

async fn place_one(client: &TradingClient, name: &str) -> u64 {
    place(client, name).await.expect("acknowledged")
}

/// The standby is the primary, has everything, and records.
async fn goes_on(standby: &Service, person: &DemoAccount, acknowledged: &BTreeMap<String, u64>) {
    let trader = client(&standby.base, person, 50);
    compare(acknowledged, &open_orders(&trader).await);
    place_one(&trader, "after").await;
    cancel_all(&trader).await.expect("cancelled");
}

async fn end(service: Service, data: &Path) {
    service.signal("TERM");
    assert!(service.ended().await, "it ends in order");
    verified(data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_primary_that_was_killed() {
    let stage = stage().await;
    assert_eq!(stage.standby.health("primary").await.0, 503);
    let public = reqwest::get(format!("{}/api/v3/depth?symbol=BTCEUR", stage.standby.base))
        .await
        .expect("an answer");
    assert!(public.status().is_success(), "it serves market data");
    let private = reqwest::get(format!("{}/v1/session", stage.standby.base))
        .await
        .expect("an answer");
    assert_eq!(private.status(), 503);
    assert!(private.headers().contains_key("retry-after"));
    assert!(private.text().await.expect("text").contains("standby"));
    let killed = Instant::now();
    stage.primary.kill();
    stage.standby.healthy("primary").await;
    println!(
        "the standby was the primary {:?} after the other was killed",
        killed.elapsed()
    );
    goes_on(&stage.standby, &stage.person, &stage.acknowledged).await;
    end(stage.standby, &stage.data).await;
}

/// A process that is stopped while it writes holds SQLite's lock until it goes on or dies, and nobody else can write: then it
/// is let go on, and stopped a moment later.
async fn stopped_between_writes(service: &Service) {
    for _ in 0..100 {
        service.signal("STOP");
        tokio::time::sleep(Duration::from_millis(30)).await;
        // The lock of a writer in a write-ahead log is the byte 120 of its index.
        let (locks, holder) = (
            std::fs::read_to_string("/proc/locks"),
            format!("WRITE {} ", service.pid()),
        );
        let writes = |line: &str| line.contains(&holder) && line.ends_with(" 120 120");
        if !locks.expect("the locks of all processes").lines().any(writes) {
            return;
        }
        service.signal("CONT");
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    panic!("it writes whenever it is stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_slept_through_its_lease_writes_nothing() {
    let stage = stage().await;
    stopped_between_writes(&stage.primary).await;
    // It records; the rest opens once the other has let go of the vault.
    while stage.standby.health("primary").await.1["role"] != "primary" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.primary.signal("CONT");
    let late = place(&client(&stage.primary.base, &stage.person, 50), "late").await;
    assert!(late.is_err(), "the stale primary must not acknowledge");
    assert!(
        !stage.primary.ended().await,
        "it ends by itself, and says that it had to"
    );
    let said = std::fs::read_to_string(stage.data.with_extension("log")).expect("what it said");
    assert!(said.contains("another Service took over the log"), "{said}");
    stage.standby.healthy("primary").await;
    goes_on(&stage.standby, &stage.person, &stage.acknowledged).await;
    let trader = client(&stage.standby.base, &stage.person, 50);
    assert!(!open_orders(&trader).await.contains_key("late"));
    end(stage.standby, &stage.data).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_by_command() {
    let stage = stage().await;
    let (_, before) = stage.primary.health("primary").await;
    let (taken, said) = run(&["takeover"], &stage.data, &[]);
    assert!(taken, "{said}");
    assert!(
        said.contains(&format!("after sequence {}", before["sequence"])),
        "{said} {before}"
    );
    let hash = verified(&stage.data);
    assert!(
        said.contains(&hash),
        "its state is what the log says: {said} {hash}"
    );
    assert!(!stage.primary.ended().await, "the old primary stops by itself");
    stage.standby.healthy("primary").await;
    goes_on(&stage.standby, &stage.person, &stage.acknowledged).await;
    let (again, _) = run(&["takeover"], &stage.data, &[]);
    assert!(!again, "there is no standby any more");
    end(stage.standby, &stage.data).await;
}

/// Starts a standby that must refuse; answers what it said.
async fn refused(data: &Path, more: &[&str]) -> String {
    let log = data.with_extension("log");
    let before = std::fs::read_to_string(&log).unwrap_or_default().len();
    let standby = Service::start(data, &[&["--standby"], more].concat());
    assert!(!standby.ended().await, "it refuses");
    let said = std::fs::read_to_string(log).expect("what it said");
    said[before..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_could_not_take_over_does_not_start() {
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("service");
    let primary = Service::start(&data, &[]);
    primary.healthy("primary").await;
    end(primary, &data).await;
    for file in [
        "keys/root.key",
        "keys/service.key",
        "keys/receipt-signing.key",
        "keys/vault-keys.db",
        "policy/policy-log.jsonl",
        "../shared-secrets.json",
    ] {
        let (path, aside) = (data.join(file), place.path().join("aside"));
        let path = path.canonicalize().expect("the primary made it");
        std::fs::rename(&path, &aside).expect("moved");
        let said = refused(&data, &[]).await;
        let name = Path::new(file).file_name().expect("a name");
        let tells = said.contains(name.to_str().expect("text")) && said.contains("copy it from the primary");
        assert!(tells, "{file}: {said}");
        assert!(!path.exists(), "{file}: nothing is made in its place");
        std::fs::rename(&aside, &path).expect("moved back");
    }
    // Another vault's root key is no better than none.
    let root = data.join("keys/root.key");
    let right = std::fs::read_to_string(&root).expect("a key");
    let (head, key) = right.trim_end().rsplit_once('\n').expect("two lines");
    let wrong = key.replace(|digit: char| digit.is_ascii_digit(), "a");
    std::fs::write(&root, format!("{head}\n{wrong}\n")).expect("written");
    let said = refused(&data, &[]).await;
    assert!(said.contains("restore the right root key file"), "{said}");
    std::fs::write(&root, &right).expect("written");
    // In a folder of its own it needs databases that both reach.
    let other = place.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    let log = data.join("exchange/log.db");
    let said = refused(&other, &["--log", log.to_str().expect("text")]).await;
    assert!(said.contains("--database"), "{said}");
    // With everything there it takes over.
    let standby = Service::start(&data, &["--standby"]);
    standby.healthy("primary").await;
    end(standby, &data).await;
}
