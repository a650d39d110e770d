//! `ensoex restore`: puts a Service's folder together from a backup, and the drill that proves that it can be done.
//!
//! The drill restores into a folder of its own, starts an exchange on it, has it verified, and says how much would be lost (recovery
//! point) and how long it takes until the exchange could serve again (recovery time).
//! Exit code 0: it was restored and, in a drill, everything holds. 1: it was not, or something does not hold.

use crate::at::read_moment;
use crate::backup::{DatabaseArguments, StorageArguments, databases};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ensoex_backup::{
    Identity, LogElsewhere, Moment, Restored, check_databases, import_databases, keys, restore,
};
use ensoex_exchange::{At, Exchange, Finding, VerifyReport, verify};
use ensoex_log::{AnyLog, CommandLog, LogAddress, Safeguard};
use ensoex_service::Stores;
use ensoex_vault::{Vault, VaultConfig};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// `ensoex restore`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RestoreArguments {
    /// The backup: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", required = true)]
    pub from: Option<String>,
    /// Where object storage is.
    #[command(flatten)]
    pub storage: StorageArguments,
    /// File with the identity that opens it
    #[arg(long, value_name = "FILE", required = true)]
    pub identity: Option<PathBuf>,
    /// Folder to restore to, empty or new
    #[arg(long, value_name = "DIR", required = true)]
    pub to: Option<PathBuf>,
    /// Up to a time, as in 2026-11-22T12:00:00Z, or to a command of the log, as in sequence:1234 [default: all there is]
    #[arg(long, value_name = "TIME|sequence:N", value_parser = read_moment)]
    pub at: Option<At>,
    /// Where to restore the log to: postgres://…, in a schema that is empty or not there yet [default: a file in the folder]
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// With --log: safeguards of PostgreSQL that may be absent, by the names of its settings
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "log")]
    pub allow_unsafe: Vec<Safeguard>,
    /// Where to restore the databases to, unless to files in the folder.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// Something else than the history.
    #[command(subcommand)]
    pub other: Option<RestoreOther>,
}

/// See [`RestoreArguments::other`].
#[derive(Subcommand)]
pub enum RestoreOther {
    /// Restore into a folder that is thrown away, prove it, and say how much would be lost and how long it takes
    Drill(DrillArguments),
    /// Put the keys into a restored Service's folder
    Keys {
        /// The backup of the keys
        #[arg(long, value_name = "PLACE")]
        from: String,
        /// Where object storage is.
        #[command(flatten)]
        storage: StorageArguments,
        /// File with the identity that opens it
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// Folder of the restored Service
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

/// `ensoex restore drill`
#[derive(Args)]
pub struct DrillArguments {
    /// The backup: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    pub from: String,
    /// Where object storage is.
    #[command(flatten)]
    pub storage: StorageArguments,
    /// File with the identity that opens it
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
    /// The living log, to say how many commands the backup is behind: exchange/log.db of a Service, or postgres://…
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// What a drill found.
struct Drill {
    restored: Restored,
    restoring: Duration,
    starting: Duration,
    report: VerifyReport,
    /// Commands in the living log that the backup does not have, and whether the restored log is a part of it.
    behind: Option<u64>,
}

/// Restores, or drills.
pub async fn run(arguments: RestoreArguments) -> ExitCode {
    let result = match arguments.other {
        Some(RestoreOther::Drill(arguments)) => return drill(&arguments).await,
        Some(RestoreOther::Keys {
            from,
            storage,
            identity,
            to,
        }) => restore_keys(&from, &storage, &identity, &to).await,
        None => restore_history(&arguments).await,
    };
    match result {
        Ok(sentence) => {
            say!("{sentence}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", crate::plain_sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn restore_history(arguments: &RestoreArguments) -> anyhow::Result<String> {
    let from = arguments
        .from
        .as_deref()
        .context("say where the backup is with --from")?;
    let identity = arguments
        .identity
        .as_deref()
        .context("say what opens it with --identity")?;
    let to = arguments.to.as_deref().context("say where to with --to")?;
    let moment = match arguments.at {
        None => Moment::Latest,
        Some(At::Sequence(sequence)) => Moment::Sequence(sequence),
        Some(At::Time(time)) => Moment::Time(time),
    };
    let log = match &arguments.log {
        None => None,
        Some(LogAddress::Postgres(address)) => Some(LogElsewhere {
            address: address.clone(),
            unsafe_allowed: arguments.allow_unsafe.clone(),
        }),
        Some(_) => {
            bail!("a log in a file is restored into the folder: leave --log out, or give postgres://…")
        }
    };
    let elsewhere = arguments.database.elsewhere(to)?;
    let (store, identity) = (arguments.storage.store(from)?, Identity::read(identity)?);
    let restored = restore(&store, &identity, to, moment, log.as_ref()).await?;
    let log = log.map_or_else(String::new, |log| format!(" The log is in {}.", log.address));
    let moved = match elsewhere.is_empty() {
        true => String::new(),
        false => {
            let rows = import_databases(to, &elsewhere).await.context(
                "the folder is restored, but its databases are not in PostgreSQL; put that right and restore into another folder, \
                 or serve from these files",
            )?;
            format!(" {rows} rows of databases are in PostgreSQL.")
        }
    };
    Ok(format!(
        "Restored generation {} (chain {}) into {}: {} batches up to sequence {}, {} files of generation {}. The keys come from \
         their own backup (ensoex restore keys); what the log does not need is rebuilt at the next start.{log}{moved}",
        restored.generation,
        restored.chain,
        to.display(),
        restored.batches,
        restored.last,
        restored.files,
        restored.files_of
    ))
}

async fn restore_keys(
    from: &str,
    storage: &StorageArguments,
    identity: &Path,
    to: &Path,
) -> anyhow::Result<String> {
    let restored = keys::restore(&storage.store(from)?, &Identity::read(identity)?, to).await?;
    let vault = VaultConfig::files(to.join("vault"), to.join("keys"));
    let are_files = [&vault.access_log, &vault.keys]
        .iter()
        .all(|store| store.path().is_some_and(Path::is_file));
    let lost = match are_files {
        // The keys are usually newer than the history that they open.
        true => Vault::accept_restored(&vault).await?,
        false => 0,
    };
    let lost = match lost {
        0 => String::new(),
        lost => format!(
            " The last {lost} entries of the access log came after the backup and are lost; the key store remembers that."
        ),
    };
    Ok(format!(
        "{restored} files of keys are in {}.{lost}",
        to.join("keys").display()
    ))
}

async fn drill(arguments: &DrillArguments) -> ExitCode {
    match practise(arguments).await {
        Ok(drill) => {
            let holds = drill.report.holds();
            if arguments.json {
                say!("{:#}", drill.as_json());
            } else {
                say!("{}", drill.as_text());
            }
            if holds {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            let sentence = crate::plain_sentence(&error);
            if arguments.json {
                say!(
                    "{:#}",
                    json!({ "holds": false, "findings": [{ "name": "can be restored", "wrong": sentence }] })
                );
            } else {
                eprintln!("The backup cannot be restored: {sentence}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn practise(arguments: &DrillArguments) -> anyhow::Result<Drill> {
    let scratch = tempfile::tempdir().context("no folder for the drill")?;
    let (store, identity) = (
        arguments.storage.store(&arguments.from)?,
        Identity::read(&arguments.identity)?,
    );
    let to = scratch.path().join("service");
    let began = Instant::now();
    let restored = restore(&store, &identity, &to, Moment::Latest, None).await?;
    let restoring = began.elapsed();
    let exchange = to.join("exchange");
    let running = Exchange::open(&exchange).await?;
    let starting = began.elapsed().saturating_sub(restoring);
    drop(running);
    let mut report = verify(exchange.as_path()).await?;
    let checked = check_databases(&to, &databases(Stores::files(&to))).await;
    report.findings.push(Finding {
        name: "every row of the databases can be read and keeps their rules",
        wrong: checked.err().map(|error| error.to_string()),
    });
    let behind = match &arguments.log {
        None => None,
        Some(address) => Some(commands_behind(address, &restored).await?),
    };
    Ok(Drill {
        restored,
        restoring,
        starting,
        report,
        behind,
    })
}

async fn commands_behind(address: &LogAddress, restored: &Restored) -> anyhow::Result<u64> {
    let mut log = AnyLog::open_read_only(address).await?;
    let head = log.stored_head().await?;
    let last = head.next_sequence.0.saturating_sub(1);
    last.checked_sub(restored.last.0).with_context(|| {
        format!("the living log ends at sequence {last}, before the backup ({}): it is another one, or has lost something", restored.last)
    })
}

impl Drill {
    /// Seconds since the newest generation was made: what came since would be lost.
    fn age(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs().saturating_sub(self.restored.made_at_us / 1_000_000)
    }

    fn as_json(&self) -> Value {
        let findings = self.report.findings.iter();
        let findings: Vec<Value> = findings
            .map(|finding| json!({ "name": finding.name, "wrong": finding.wrong }))
            .collect();
        json!({
            "holds": self.report.holds(),
            "generation": self.restored.generation,
            "chain": self.restored.chain,
            "sequence": self.restored.last.0,
            "recovery_point": { "seconds": self.age(), "commands": self.behind },
            "recovery_time_ms": {
                "restore": millis(self.restoring),
                "start": millis(self.starting),
                "both": millis(self.restoring + self.starting),
            },
            "state_hash": hex::encode(self.report.state_hash),
            "findings": findings,
        })
    }

    fn as_text(&self) -> String {
        let commands = self.behind.map_or_else(
            || "unknown how many commands (give the living log with --log)".to_owned(),
            |commands| format!("{commands} commands"),
        );
        let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
        let mut lines = vec![
            format!(
                "Drill with generation {}, chain {}",
                self.restored.generation, self.restored.chain
            ),
            String::new(),
            format!("  recovery point      {} s behind, {commands}", self.age()),
            format!(
                "  recovery time       {} ({} to restore, {} to start)",
                seconds(self.restoring + self.starting),
                seconds(self.restoring),
                seconds(self.starting)
            ),
            format!(
                "  restored            {} batches up to sequence {}, {} files",
                self.restored.batches, self.restored.last, self.restored.files
            ),
            format!("  state hash          {}", hex::encode(self.report.state_hash)),
            String::new(),
        ];
        for finding in &self.report.findings {
            let result = if finding.wrong.is_some() { "WRONG" } else { "holds" };
            let why = finding
                .wrong
                .as_ref()
                .map_or_else(String::new, |wrong| format!(": {wrong}"));
            lines.push(format!("  {result}   {}{why}", finding.name));
        }
        lines.join("\n")
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
