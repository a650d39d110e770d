//! `ensoex backup`: takes backups of a Service, once or continuously, of its history or of its keys.
//!
//! Exit code 0: it was taken. 1: it was not, and the sentence says why. See `ensoex_backup` for what is in it and what never is.

use crate::stop_signal::StopSignals;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ensoex_backup::{
    Backup, BackupStore, DatabaseSource, ObjectStorage, Recipients, Taken, keys, new_identity,
};
use ensoex_log::LogAddress;
use ensoex_service::{SERVICE_RECORDS, Stores};
use ensoex_sql::SqlError;
use ensoex_vault::{ACCESS_LOG, RECORDS};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What every Service makes in its folder at its first start, wherever its databases are.
const ROOT_KEY: &str = "keys/root.key";

/// Where `s3://` is. Credentials come from the environment (AWS_ACCESS_KEY_ID and so on) or the profile in ~/.aws.
#[derive(Args)]
pub struct StorageArguments {
    /// With s3://: address of the object storage [default: AWS_ENDPOINT_URL, or Amazon's]
    #[arg(long, value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// With s3://: region [default: AWS_REGION]
    #[arg(long, value_name = "NAME")]
    pub s3_region: Option<String>,
    /// With s3://: the bucket is a part of the host's name, not of the path
    #[arg(long)]
    pub s3_virtual_host: bool,
}

impl StorageArguments {
    /// Opens a place for backups.
    pub(crate) fn store(&self, place: &str) -> Result<BackupStore, ensoex_backup::BackupError> {
        let storage = ObjectStorage {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            virtual_host: self.s3_virtual_host,
        };
        BackupStore::open(place, &storage)
    }
}

/// Where the databases of users, sealed personal data and its access log are.
#[derive(Args)]
pub struct DatabaseArguments {
    /// PostgreSQL database (postgres://…) of users, sealed personal data and its access log [default: files in DIR]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Beginning of the names of its schemas
    #[arg(long, value_name = "NAME", default_value = "ensoex", requires = "database")]
    pub schemas: String,
}

impl DatabaseArguments {
    /// The databases that are not files in the folder; none unless asked for.
    pub(crate) fn elsewhere(&self, service: &Path) -> Result<Vec<DatabaseSource>, SqlError> {
        match &self.database {
            None => Ok(Vec::new()),
            Some(url) => Ok(databases(Stores::postgres(url, &self.schemas, service)?)),
        }
    }
}

/// The databases that belong in a backup, in the order in which they are copied: the access log last, which knows of everything that was
/// done to the others. Projections are rebuilt; keys are stored apart.
pub(crate) fn databases(stores: Stores) -> Vec<DatabaseSource> {
    let source = |store, address, path| DatabaseSource { store, address, path };
    vec![
        source(&SERVICE_RECORDS, stores.records, "service.db"),
        source(&RECORDS, stores.vault_records, "vault/vault.db"),
        source(&ACCESS_LOG, stores.access_log, "vault/access-log.db"),
    ]
}

/// `ensoex backup`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArguments {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub data: PathBuf,
    /// Where to: a folder, best on another machine, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", required = true)]
    pub to: Option<String>,
    /// Where object storage is.
    #[command(flatten)]
    pub storage: StorageArguments,
    /// Who can open it; may be given several times
    #[arg(long, value_name = "age1…", required = true)]
    pub recipient: Vec<String>,
    /// Where the log is, unless it is exchange/log.db in the Service's folder
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// Where the other databases are, if they are not in the Service's folder.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// Go on until stopped
    #[arg(long)]
    pub continuous: bool,
    /// With --continuous: seconds between two looks at the log
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub interval: u64,
    /// With --continuous: minutes between two full generations, with the databases
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_080))]
    pub full_every: u64,
    /// Something else than the history.
    #[command(subcommand)]
    pub other: Option<BackupOther>,
}

/// See [`BackupArguments::other`].
#[derive(Subcommand)]
pub enum BackupOther {
    /// Store the keys in a place of their own, instead of those that were stored before
    Keys {
        /// Folder of a demo or of a Service
        #[arg(long, value_name = "DIR", default_value = ".demo")]
        data: PathBuf,
        /// File of the subjects' keys, if the Service has it elsewhere [default: keys/vault-keys.db in DIR]
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        /// Where to; never where the history is
        #[arg(long, value_name = "PLACE")]
        to: String,
        /// Where object storage is.
        #[command(flatten)]
        storage: StorageArguments,
        /// Who can open it; may be given several times
        #[arg(long, value_name = "age1…", required = true)]
        recipient: Vec<String>,
    },
    /// Make an identity: who has its file can open backups that are sealed to its recipient
    NewIdentity {
        /// New file
        file: PathBuf,
    },
}

/// Takes it.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(arguments: BackupArguments) -> anyhow::Result<()> {
    match arguments.other {
        Some(BackupOther::NewIdentity { file }) => {
            let recipient = new_identity(&file)?;
            say!("{recipient}");
            Ok(())
        }
        Some(BackupOther::Keys {
            data,
            keys: database,
            to,
            storage,
            recipient,
        }) => {
            let service = find_service(&data)?;
            let store = storage.store(&to)?;
            let stored = keys::back_up(
                &service,
                database.as_deref(),
                &store,
                &Recipients::read(&recipient)?,
            )
            .await?;
            say!(
                "{stored} files of keys are in {}, in place of what was there before.",
                store.name()
            );
            Ok(())
        }
        None => history(&arguments).await,
    }
}

async fn history(arguments: &BackupArguments) -> anyhow::Result<()> {
    let to = arguments.to.as_deref().context("say where to with --to")?;
    let service = find_service(&arguments.data)?;
    if arguments.database.database.is_none() {
        refuse_if_elsewhere(&service)?;
    }
    let recipients = Recipients::read(&arguments.recipient)?;
    let open = async || {
        let store = arguments.storage.store(to)?;
        let databases = arguments.database.elsewhere(&service)?;
        let backup = Backup::open(&service, arguments.log.as_ref(), store, recipients.clone()).await?;
        Ok::<_, ensoex_backup::BackupError>(backup.with_databases(databases))
    };
    let mut backup = open().await?;
    if let Some(taken) = backup.take(true).await? {
        tell(&taken);
    }
    if !arguments.continuous {
        return Ok(());
    }
    let mut stop = StopSignals::listen().context("cannot listen for the wish to stop")?;
    let mut full_at = Instant::now();
    loop {
        tokio::select! {
            () = stop.next() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(arguments.interval)) => {}
        }
        let full = full_at.elapsed() >= Duration::from_secs(arguments.full_every * 60);
        match backup.take(full).await {
            Ok(taken) => {
                if full {
                    full_at = Instant::now();
                }
                if let Some(taken) = taken {
                    tell(&taken);
                }
            }
            // The place may be away for a while: what is missing comes with the next generation.
            Err(
                error @ (ensoex_backup::BackupError::Store { .. }
                | ensoex_backup::BackupError::Log(_)
                | ensoex_backup::BackupError::Sql(_)),
            ) => {
                eprintln!("{} Trying again.", crate::plain_sentence(&error.into()));
                if let Ok(opened) = open().await {
                    backup = opened;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A Service that ran here has its databases somewhere: those that are no files would be left out without anybody noticing.
fn refuse_if_elsewhere(service: &Path) -> anyhow::Result<()> {
    let ran_here = service.join(ROOT_KEY).is_file();
    let absent = databases(Stores::files(service))
        .into_iter()
        .find(|database| !service.join(database.path).is_file());
    match absent {
        Some(database) if ran_here => bail!(
            "the Service in {} has no file {}: its databases are in PostgreSQL and would not be in the backup; name them as for \
             ensoex serve, with --database (and --schemas)",
            service.display(),
            database.path
        ),
        _ => Ok(()),
    }
}

fn tell(taken: &Taken) {
    let kind = if taken.full { "full" } else { "log" };
    say!(
        "generation {} ({kind}): up to sequence {}, {} new commands, {} bytes, chain {}",
        taken.number,
        taken.last,
        taken.commands,
        taken.bytes,
        taken.chain
    );
}

/// The folder may be a demo's or a Service's.
fn find_service(data: &Path) -> anyhow::Result<PathBuf> {
    let candidates = [data.join("service"), data.to_owned()];
    let found = candidates
        .into_iter()
        .find(|folder| folder.join("exchange").is_dir());
    found.with_context(|| {
        format!(
            "there is no Service in {}: give the folder of a demo or of a Service with --data",
            data.display()
        )
    })
}
