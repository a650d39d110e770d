//! The demo as a whole: three processes, killed at arbitrary moments while money moves, and nothing lost or doubled.

#[path = "support/process_memory.rs"]
mod process_memory;

use ensoex_cli::demo::pay_form::{TypedCard, pay};
use ensoex_cli::demo::seed::deposit;
use ensoex_cli::demo::site::{Site, local_client};
use ensoex_cli::random::Sequence;
use ensoex_types::{format_decimal, parse_decimal};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Deposits that are made in any case.
const DEPOSITS_MIN: u32 = 5;

/// The three programs, side by side.
fn programs() -> PathBuf {
    let ensoex = PathBuf::from(env!("CARGO_BIN_EXE_ensoex"));
    let folder = ensoex.parent().expect("a folder").to_owned();
    if !folder.join("ensoex-pay").is_file() || !folder.join("ensoex-cardnet").is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args([
            "build",
            "-p",
            "ensoex-pay",
            "-p",
            "ensoex-cardnet",
        ]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(
            build.status().expect("cargo runs").success(),
            "ensoex-pay and ensoex-cardnet do not build"
        );
    }
    ensoex
}

/// Free ports below those that the system hands out by itself, so that nobody takes them while a process is away.
fn free_ports(random: &mut Sequence) -> [u16; 3] {
    let mut found = Vec::new();
    while found.len() < 3 {
        let port = u16::try_from(random.between(10_000, 30_000)).expect("a port");
        if !found.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            found.push(port);
        }
    }
    [found[0], found[1], found[2]]
}

/// A running demo; killed with its children when a test fails.
struct Demo {
    process: Child,
    data: PathBuf,
}

impl Demo {
    fn start(data: &Path, ports: [u16; 3]) -> Demo {
        let output = File::options()
            .create(true)
            .append(true)
            .open(data.with_extension("log"))
            .expect("a log");
        let ports = ports.map(|port| port.to_string());
        let process = Command::new(programs())
            .arg("demo")
            .arg("--data")
            .arg(data)
            .args([
                "--port",
                &ports[0],
                "--pay-port",
                &ports[1],
                "--cardnet-port",
                &ports[2],
            ])
            .stdin(Stdio::null())
            .stderr(output.try_clone().expect("the log"))
            .stdout(output)
            .spawn()
            .expect("the demo starts");
        Demo {
            process,
            data: data.to_owned(),
        }
    }

    fn announced(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.data.join("demo.json")).ok()?).ok()
    }

    async fn ready(&mut self) -> Value {
        let until = Instant::now() + Duration::from_secs(45);
        loop {
            if let Some(announced) = self.announced() {
                return announced;
            }
            let ended = self.process.try_wait().expect("the demo's state");
            assert!(
                ended.is_none() && Instant::now() < until,
                "{ended:?}:\n{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn output(&self) -> String {
        fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }

    fn pid_of(&self, process: &str) -> u64 {
        self.announced().expect("demo.json")[process]["pid"]
            .as_u64()
            .expect("a process id")
    }

    async fn stop(mut self) {
        kill(u64::from(self.process.id()), Signal::TERM);
        let until = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("the demo's state") {
                break status;
            }
            assert!(
                Instant::now() < until,
                "the demo does not stop:\n{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(status.success(), "{status}:\n{}", self.output());
        assert!(self.announced().is_none(), "demo.json is gone once nothing runs");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Its watchdog ends the children. After a clean stop there is nothing left to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn kill(pid: u64, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, signal).expect("the process is there");
}

async fn signed_in(announced: &Value) -> Site {
    let site = Site::new(announced["service"]["url"].as_str().expect("an address")).expect("a client");
    let login = json!({ "email": announced["user"]["email"], "password": announced["user"]["password"] });
    site.post("/v1/session", &login).await.expect("signed in");
    site
}

async fn total(site: &Site, asset: &str) -> i128 {
    let balances = site.get("/v1/balances").await.expect("balances");
    let balance = balances["balances"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["asset"] == asset);
    parse_decimal(balance.expect("the asset")["total"].as_str().expect("a total"), 8).expect("an amount")
}

fn verify(data: &Path) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args(["verify", "--json", "--data"])
        .arg(data)
        .output()
        .expect("verify runs");
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).expect("JSON"),
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from)
        .expect("listed")
        .map(|entry| entry.expect("an entry"))
    {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

async fn change(database: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("open");
    let changed = sqlx::query(statement)
        .execute(&mut connection)
        .await
        .expect("changed");
    assert_eq!(changed.rows_affected(), 1, "{statement}");
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_lose_and_double_nothing() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_millis() as u64;
    println!("seed {seed}");
    let mut random = Sequence::new(seed);
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("demo");
    let ports = free_ports(&mut random);
    let mut demo = Demo::start(&data, ports);
    let announced = demo.ready().await;
    let site = signed_in(&announced).await;
    let before = total(&site, "EUR").await;
    assert!(before > 0, "the announced user is funded");

    // Each process dies once at an arbitrary moment while deposits run, one after another.
    let (payer, killed) = (site.clone(), Arc::new(AtomicBool::new(false)));
    let enough = Arc::clone(&killed);
    let paying = tokio::spawn(async move {
        let mut number = 0;
        while !enough.load(Ordering::Relaxed) || number < DEPOSITS_MIN {
            let amount = format!("{}.37", 20 + number);
            let until = Instant::now() + Duration::from_secs(30);
            while let Err(error) = deposit(&payer, "EUR", &amount, &format!("test-{number}")).await {
                assert!(Instant::now() < until, "deposit {number}: {error:#}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            number += 1;
        }
        number
    });
    for process in ["pay", "service", "cardnet"] {
        let pause = random.between(20, 900).unsigned_abs();
        println!("killing {process} after {pause} ms");
        tokio::time::sleep(Duration::from_millis(pause)).await;
        kill(demo.pid_of(process), Signal::KILL);
    }
    killed.store(true, Ordering::Relaxed);
    let deposits = paying
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", demo.output()));
    println!("{deposits} deposits");

    let deposited: i128 = (0..deposits)
        .map(|number| i128::from(20 + number) * 100_000_000 + 37_000_000)
        .sum();
    let expected = format_decimal(before + deposited, 8);
    assert_eq!(format_decimal(total(&site, "EUR").await, 8), expected);
    // Webhooks and polls that are late change nothing.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(format_decimal(total(&site, "EUR").await, 8), expected);
    let ledger = site
        .get("/v1/ledger?asset=EUR&limit=500")
        .await
        .expect("the ledger");
    let credits = ledger["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["code"] == "deposit");
    let funding = 1;
    assert_eq!(
        credits.count(),
        deposits as usize + funding,
        "one credit for each deposit: {ledger:#}"
    );
    for process in ["pay", "service", "cardnet"] {
        assert_ne!(
            demo.pid_of(process),
            announced[process]["pid"].as_u64().expect("a process id"),
            "{process}"
        );
    }
    demo.stop().await;

    // All is there after a new start, and the log proves it.
    let mut demo = Demo::start(&data, ports);
    let again = demo.ready().await;
    assert_eq!(again["user"], announced["user"]);
    assert_eq!(
        format_decimal(total(&signed_in(&again).await, "EUR").await, 8),
        expected
    );
    let (code, report) = verify(&data);
    assert_eq!(
        code,
        Some(0),
        "while the exchange runs, verify sees one moment of it: {report:#}"
    );
    demo.stop().await;
    let (code, report) = verify(&data);
    assert_eq!(
        (code, &report["holds"]),
        (Some(0), &Value::Bool(true)),
        "{report:#}"
    );
    assert!(
        report["trades"].as_u64().expect("a number") > 0,
        "the traders trade: {report:#}"
    );

    // Positive controls: a changed log and a changed projection are found.
    let exchange = data.join("service").join("exchange");
    for (name, file, statement) in [
        (
            "log",
            "log.db",
            "UPDATE batch SET at_us = at_us + 1 WHERE first_sequence = (SELECT max(first_sequence) FROM batch)",
        ),
        (
            "projection",
            "projections.db",
            "UPDATE entries SET amount = '1' WHERE entry = (SELECT max(entry) FROM entries)",
        ),
    ] {
        let damaged = place.path().join(name);
        copy(&exchange, &damaged);
        assert_eq!(verify(&damaged).0, Some(0), "the copy is right");
        change(&damaged.join(file), statement).await;
        let (code, report) = verify(&damaged);
        assert_eq!(
            (code, &report["holds"]),
            (Some(1), &Value::Bool(false)),
            "{name}: {report:#}"
        );
    }
}

#[tokio::test]
async fn a_demo_that_cannot_start_says_why_and_leaves_nothing_behind() {
    let mut random = Sequence::new(u64::from(std::process::id()));
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("foreign");
    fs::create_dir_all(data.join("service")).expect("made");
    let ports = free_ports(&mut random).map(|port| port.to_string());
    programs();
    let output = Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args([
            "demo",
            "--fresh",
            "--port",
            &ports[0],
            "--pay-port",
            &ports[1],
            "--cardnet-port",
            &ports[2],
        ])
        .arg("--data")
        .arg(&data)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("was not made by a demo") && said.trim_end().lines().count() == 1,
        "{said}"
    );
    assert!(data.join("service").is_dir());
}

/// A card number that passes every check and stands in no program.
const CANARY: &str = "4716391652804733";
const CANARY_CODE: &str = "947";

/// Whether the folder's files hold the digits, plain or in groups of four.
fn files_hold(folder: &Path, number: &str) -> bool {
    fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("an entry").path())
        .any(|path| match path.is_dir() {
            true => files_hold(&path, number),
            false => fs::read(&path).is_ok_and(|bytes| bytes_hold(&bytes, number)),
        })
}

fn bytes_hold(bytes: &[u8], number: &str) -> bool {
    let groups: Vec<&str> = (0..number.len())
        .step_by(4)
        .map(|at| &number[at..at + 4])
        .collect();
    [number.to_owned(), groups.join(" "), groups.join("-")]
        .iter()
        .any(|text| memchr::memmem::find(bytes, text.as_bytes()).is_some())
}

/// Whether the writable memory of a running process holds the digits.
fn memory_holds(pid: u64, number: &str) -> bool {
    process_memory::holds(pid, &|piece| bytes_hold(piece, number))
}

/// Mechanism: `crates/pay-api/src/lib.rs`
/// Control: what is planted is found, in a file and in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clause_06_no_card_number_reaches_the_service() {
    let mut random = Sequence::new(u64::from(std::process::id()) + 6);
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("demo");
    let mut demo = Demo::start(&data, free_ports(&mut random));
    let announced = demo.ready().await;
    let site = signed_in(&announced).await;
    let browser = local_client(true).expect("a browser");
    let card = TypedCard {
        code: CANARY_CODE,
        ..TypedCard::test(CANARY)
    };
    // Money in and money out, both with the canary.
    for (path, kind, end) in [
        ("/v1/deposits", "deposit", "credited"),
        ("/v1/withdrawals", "withdrawal", "paid"),
    ] {
        let wish = json!({ "asset": "EUR", "amount": "31.41" });
        let created = site.post_once(path, &wish, "canary").await.expect("created");
        let checkout = created["redirect_url"].as_str().expect("an address");
        pay(&browser, checkout, site.base(), card).await.expect("paid");
        let shown = format!("{path}/{}", created[kind].as_str().expect("an id"));
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let state = site.get(&shown).await.expect("its state");
            // What a browser sees of it at the Service holds no digit of the card either.
            assert!(!bytes_hold(state.to_string().as_bytes(), CANARY), "{state}");
            assert!(
                !state.to_string().contains(&CANARY[12..]),
                "not even the last four: {state}"
            );
            if state["status"] == end {
                break;
            }
            assert!(Instant::now() < until, "{state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let export = site.get("/v1/me/export").await.expect("the export");
    assert!(!bytes_hold(export.to_string().as_bytes(), CANARY));
    for folder in ["service", "logs", "pay"] {
        let folder = data.join(folder);
        assert!(!files_hold(&folder, CANARY), "{}", folder.display());
    }
    assert!(
        !memory_holds(demo.pid_of("service"), CANARY),
        "the Service's memory"
    );

    // Positive controls: what is planted is found, in a file and in memory.
    let planted = data.join("service").join("planted");
    fs::write(&planted, format!("card {} {}", &CANARY[..4], &CANARY[4..])).expect("written");
    assert!(
        !files_hold(&data.join("service"), CANARY),
        "two groups are no card number as people write it"
    );
    fs::write(&planted, format!("card {CANARY}.")).expect("written");
    assert!(files_hold(&data.join("service"), CANARY));
    fs::remove_file(planted).expect("removed");
    let held = format!("{CANARY} in this test's own memory");
    assert!(
        memory_holds(u64::from(std::process::id()), CANARY),
        "{}",
        held.len()
    );
    demo.stop().await;
}
