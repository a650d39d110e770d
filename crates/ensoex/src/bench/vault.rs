//! `ensoex bench vault`: personal data read with a proof-logged access, beside the same rows read in clear in the same run; and
//! what the other promises of the vault cost: finding, writing, erasing, exporting, renewing keys.
//!
//! Everything is in files on one disk, as with `ensoex serve`. The vault under measurement is opened as the Service opens it. Many people
//! are there by real claims; the blind index is filled up to its size with random tags, because half a minute of claims makes
//! thousands and not a million.

use super::api::TemporaryFolder;
use super::latency::Measured;
use anyhow::Context;
use clap::Args;
use ensoex_sql::{Address, Database, Durability, Migration, Store};
use ensoex_vault::{
    AccessRequest, Actor, Email, Layer, MobilePhone, Personal, PolicyVersion, ProvideService, RECORDS,
    Reason, SubjectId, Vault, VaultConfig,
};
use serde::Serialize;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

mod clear {
    ensoex_sql::statements! {
        STATEMENTS;
        INSERT = "INSERT INTO people (subject, email) VALUES ($1, $2)";
        READ = "SELECT email FROM people WHERE subject = $1";
    }
    pub(super) fn insert(subject: &[u8], email: &str) -> ensoex_sql::Query {
        INSERT.bind(subject).bind(email)
    }
    pub(super) fn read(subject: &[u8]) -> ensoex_sql::Query {
        READ.bind(subject)
    }
}

mod filler {
    ensoex_sql::statements! {
        STATEMENTS;
        FILL = sqlite "WITH RECURSIVE rows(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM rows WHERE i < $1)
                INSERT INTO blind_index (subject, field, tag, exact)
                SELECT randomblob(16), 'email', randomblob(32), 1 FROM rows",
            postgres "INSERT INTO blind_index (subject, field, tag, exact)
                SELECT decode(md5(random()::text), 'hex'), 'email', decode(md5(random()::text), 'hex'), 1
                FROM generate_series(1, $1)";
    }
    pub(super) fn fill(rows: i64) -> ensoex_sql::Query {
        FILL.bind(rows)
    }
}

/// The same rows in clear: what the vault is measured beside.
static CLEAR: Store = Store {
    name: "benchmark's",
    migrations: &[Migration {
        version: 1,
        name: "people",
        sqlite: "CREATE TABLE people (subject BLOB PRIMARY KEY, email TEXT NOT NULL) STRICT, WITHOUT ROWID;",
        postgres: "CREATE TABLE people (subject BYTEA PRIMARY KEY, email TEXT COLLATE \"C\" NOT NULL);",
    }],
    statements: &[&clear::STATEMENTS],
    durability: Durability::Durable,
    overwrite_deleted: true,
    connections_max: 4,
    busy_ms_max: 10_000,
    answer_ms_max: 10_000,
};

/// The vault's own store of records, to fill its index.
static FILLER: LazyLock<Store> = LazyLock::new(|| Store {
    name: RECORDS.name,
    migrations: RECORDS.migrations,
    statements: const { &[&filler::STATEMENTS] },
    durability: RECORDS.durability,
    overwrite_deleted: RECORDS.overwrite_deleted,
    connections_max: 1,
    busy_ms_max: RECORDS.busy_ms_max,
    answer_ms_max: RECORDS.answer_ms_max,
});

/// Erasures and exports that are timed one by one.
const ONE_BY_ONE: usize = 50;

/// `ensoex bench vault`
#[derive(Args)]
pub struct BenchVaultArguments {
    /// People with an e-mail address and a phone number
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(200..=1_000_000))]
    pub people: u32,
    /// Rows of the blind index
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(0..=100_000_000))]
    pub index: u32,
    /// People who read at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub readers: u32,
    /// Milliseconds of each measurement
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub millis: u64,
    /// Folder on the disk to measure [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// What came out.
#[derive(Debug, Serialize)]
struct Report {
    people: u32,
    index_rows: u32,
    readers: u32,
    /// Reads in clear, from a table of the same database library on the same disk.
    clear: Measured,
    /// Reads from the vault, each an entry of the access log first.
    sealed: Measured,
    /// Of the reads in clear a second.
    ratio: f64,
    /// The same by one reader.
    sealed_alone: Measured,
    find: Measured,
    store: Measured,
    export: Measured,
    erase: Measured,
    /// Keys sealed under other purpose keys, a second, beside one who reads.
    renewed_keys_per_second: u64,
    /// What a million keys would take at that speed.
    million_keys_s: f64,
}

/// Measures and prints.
///
/// # Errors
/// When something cannot be written.
pub async fn run(arguments: &BenchVaultArguments) -> anyhow::Result<()> {
    let folder = match &arguments.dir {
        Some(directory) => TemporaryFolder::inside(directory)?,
        None => TemporaryFolder::new()?,
    };
    let config = VaultConfig::files(folder.path().join("vault"), folder.path().join("keys"));
    let vault = Vault::open(config.clone()).await?;
    let clear = Database::open(&Address::file(folder.path().join("clear.db")), &CLEAR).await?;
    let people = Arc::new(move_in(&vault, &clear, arguments.people).await?);
    fill_index(&config, arguments.index).await?;
    let report = measure(&vault, &config, &clear, people, arguments).await?;
    vault.close().await;
    clear.close().await;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

/// Makes people, as registration does; many at once.
async fn move_in(vault: &Vault, clear: &Database, count: u32) -> anyhow::Result<Vec<SubjectId>> {
    let mut coming = JoinSet::new();
    let mut people = Vec::with_capacity(count as usize);
    for number in 0..count {
        let vault = vault.clone();
        coming.spawn(async move {
            let request = request(Reason::Registration)?;
            let subject = vault.create_subject(&request).await?;
            let email = Personal::new(email(number));
            vault.claim::<Email>(&subject, email, &request).await?;
            let phone = Personal::new(format!("+38050{number:07}"));
            vault
                .store::<MobilePhone>(&subject, None, phone, &request)
                .await?;
            anyhow::Ok((subject, number))
        });
        if coming.len() >= 64 {
            people.extend(coming.join_next().await.transpose()?.transpose()?);
        }
    }
    while let Some(one) = coming.join_next().await {
        people.push(one??);
    }
    let mut writing = clear.begin().await?;
    for (subject, number) in &people {
        writing
            .execute(clear::insert(subject.as_bytes(), &email(*number)))
            .await?;
    }
    writing.commit().await?;
    people.sort_unstable_by_key(|(_, number)| *number);
    Ok(people.into_iter().map(|(subject, _)| subject).collect())
}

fn email(number: u32) -> String {
    format!("person{number}@example.org")
}

/// Random tags, until the index has so many rows.
async fn fill_index(config: &VaultConfig, rows: u32) -> anyhow::Result<()> {
    if rows > 0 {
        let database = Database::open(&config.records, LazyLock::force(&FILLER)).await?;
        database.execute(filler::fill(i64::from(rows))).await?;
        // So many rows at once are this filling's alone; copying them is no part of what is measured after it.
        database.flush().await?;
        database.close().await;
    }
    Ok(())
}

fn request(reason: Reason) -> anyhow::Result<AccessRequest> {
    Ok(AccessRequest {
        actor: Actor::component("bench")?,
        reason,
        policy_version: PolicyVersion::new("sha256:bench")?,
    })
}

/// Does something over and over, by so many at once, for so long.
async fn over_and_over<F, W>(by: u32, millis: u64, work: F) -> anyhow::Result<Measured>
where
    F: Fn(usize) -> W + Clone + Send + 'static,
    W: Future<Output = anyhow::Result<()>> + Send,
{
    let start = Instant::now();
    let end = start + Duration::from_millis(millis);
    let mut working = JoinSet::new();
    for one in 0..by as usize {
        let work = work.clone();
        working.spawn(async move {
            let (mut times, mut round) = (Vec::new(), one);
            loop {
                let start = Instant::now();
                if start >= end {
                    return anyhow::Ok(times);
                }
                work(round).await?;
                times.push(start.elapsed().as_micros() as u64);
                // No two ask for the same row one after the other.
                round = round.wrapping_mul(31).wrapping_add(17);
            }
        });
    }
    let mut times = Vec::new();
    while let Some(done) = working.join_next().await {
        times.extend(done??);
    }
    Ok(Measured::from_times(times, start.elapsed()))
}

/// Does something once for each of these.
async fn one_by_one<F, W>(people: &[SubjectId], work: F) -> anyhow::Result<Measured>
where
    F: Fn(SubjectId) -> W,
    W: Future<Output = anyhow::Result<()>>,
{
    let whole = Instant::now();
    let mut times = Vec::new();
    for subject in people {
        let start = Instant::now();
        work(*subject).await?;
        times.push(start.elapsed().as_micros() as u64);
    }
    Ok(Measured::from_times(times, whole.elapsed()))
}

async fn measure(
    vault: &Vault,
    config: &VaultConfig,
    clear: &Database,
    people: Arc<Vec<SubjectId>>,
    arguments: &BenchVaultArguments,
) -> anyhow::Result<Report> {
    let show = request(Reason::ShowToPerson)?;
    let (database, all) = (clear.clone(), people.clone());
    let in_clear = move |round: usize| {
        let (database, subject) = (database.clone(), all[round % all.len()]);
        async move {
            let email: String = database.fetch_value(clear::read(subject.as_bytes())).await?;
            anyhow::ensure!(!email.is_empty(), "nothing was read");
            Ok(())
        }
    };
    let (opened, all, access) = (vault.clone(), people.clone(), show.clone());
    let sealed = move |round: usize| {
        let (vault, subject, access) = (opened.clone(), all[round % all.len()], access.clone());
        async move {
            let read = vault.read::<Email, ProvideService, _>(&subject, None, &access, String::len);
            anyhow::ensure!(read.await? > 0, "nothing was read");
            Ok(())
        }
    };
    let (opened, count, access) = (vault.clone(), people.len(), show.clone());
    let find = move |round: usize| {
        let (vault, access) = (opened.clone(), access.clone());
        async move {
            let wanted = Personal::new(email((round % count) as u32));
            let found = vault.find::<Email>(&wanted, &access).await?;
            found.context("a person was not found")?;
            Ok(())
        }
    };
    let (opened, all, access) = (vault.clone(), people.clone(), show.clone());
    let store = move |round: usize| {
        let (vault, subject, access) = (opened.clone(), all[round % all.len()], access.clone());
        async move {
            let phone = Personal::new(format!("+38067{:07}", round % 10_000_000));
            vault.store::<MobilePhone>(&subject, None, phone, &access).await?;
            Ok(())
        }
    };
    let millis = arguments.millis;
    let clear = over_and_over(arguments.readers, millis, in_clear).await?;
    let measured = over_and_over(arguments.readers, millis, sealed.clone()).await?;
    let sealed_alone = over_and_over(1, millis, sealed.clone()).await?;
    let find = over_and_over(arguments.readers, millis, find).await?;
    let store = over_and_over(arguments.readers, millis, store).await?;
    let some = &people[people.len() - ONE_BY_ONE..];
    let export = one_by_one(some, |subject| {
        let (vault, show) = (vault.clone(), show.clone());
        async move { Ok(vault.export(&subject, &show).await.map(drop)?) }
    })
    .await?;
    let (renewed_keys_per_second, renewing) = renew(vault, config, sealed).await?;
    let erasure = request(Reason::Erasure)?;
    let erase = one_by_one(some, |subject| {
        let (vault, erasure) = (vault.clone(), erasure.clone());
        async move { Ok(vault.erase(&subject, &erasure).await.map(drop)?) }
    })
    .await?;
    Ok(Report {
        people: arguments.people,
        index_rows: arguments.index + arguments.people,
        readers: arguments.readers,
        ratio: measured.per_second as f64 / clear.per_second.max(1) as f64,
        clear,
        sealed: measured,
        sealed_alone,
        find,
        store,
        export,
        erase,
        renewed_keys_per_second,
        million_keys_s: 1_000_000.0 * renewing,
    })
}

/// Renews the purposes' keys while somebody reads; gives keys a second and seconds a key.
async fn renew<F, W>(vault: &Vault, config: &VaultConfig, read: F) -> anyhow::Result<(u64, f64)>
where
    F: Fn(usize) -> W + Clone + Send + 'static,
    W: Future<Output = anyhow::Result<()>> + Send,
{
    Vault::ask_rotations(config, &[Layer::Purposes]).await?;
    let reading = tokio::spawn(async move {
        let mut round = 0;
        loop {
            if let Err(error) = read(round).await {
                return error;
            }
            round += 1;
        }
    });
    let start = Instant::now();
    vault.rotate(&request(Reason::KeyRotation)?).await?;
    let seconds = start.elapsed().as_secs_f64();
    if reading.is_finished() {
        return Err(reading.await?.context("a read failed while keys were renewed"));
    }
    reading.abort();
    let rotations = Vault::rotations(config).await?;
    let renewed = rotations
        .iter()
        .map(|rotation| rotation.renewed)
        .sum::<u64>()
        .max(1);
    Ok(((renewed as f64 / seconds) as u64, seconds / renewed as f64))
}

fn print(report: &Report) {
    say!(
        "  {} people, {} rows in the blind index, {} at once",
        report.people,
        report.index_rows,
        report.readers
    );
    say!("  {:<44}{:>10}{:>9}{:>9}", "", "a second", "p50 µs", "p99 µs");
    let lines = [
        ("read in clear", &report.clear),
        ("read, sealed and logged first", &report.sealed),
        ("the same by one", &report.sealed_alone),
        ("find by blind index", &report.find),
        ("replace a value", &report.store),
        ("export of a person", &report.export),
        ("erasure of a person", &report.erase),
    ];
    for (what, measured) in lines {
        say!(
            "  {what:<44}{:>10}{:>9}{:>9}",
            measured.per_second,
            measured.p50_us,
            measured.p99_us
        );
    }
    say!(
        "  {:<44}{:>10}",
        "keys renewed while somebody reads",
        report.renewed_keys_per_second
    );
    say!(
        "  a sealed, logged read is {:.2} of one in clear; a million keys take {:.0} s",
        report.ratio,
        report.million_keys_s
    );
}
