//! What can be typed after `ensoex`.

use crate::at::AtArguments;
use crate::backup::{BackupArguments, StorageArguments};
use crate::bench::log::BenchLogArguments;
use crate::bench::vault::BenchVaultArguments;
use crate::cases::CasesCommand;
use crate::incident::IncidentCommand;
use crate::keys::KeysCommand;
use crate::log::LogCommand;
use crate::newsletter::NewsletterCommand;
use crate::place::PlaceArguments;
use crate::policy::PolicyCommand;
use crate::privacy::PrivacyCommand;
use crate::projections::ProjectionsCommand;
use crate::requests::RequestsCommand;
use crate::restore::RestoreArguments;
use crate::risk::RiskCommand;
use crate::scan_cards::ScanCardsArguments;
use crate::staff::StaffCommand;
use clap::{Args, Parser, Subcommand};
use ensoex_service::{LogAddress, MailRelaySettings, MessageSettings, Safeguard, SmsSettings};
use std::net::IpAddr;
use std::path::PathBuf;

/// An exchange that keeps its privacy policy.
#[derive(Parser)]
#[command(name = "ensoex", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the Service: markets, accounts, API and web pages
    Serve(Box<ServeArguments>),
    /// Run everything on this machine, with traders, test cards and a funded user
    Demo(DemoArguments),
    /// Prove offline that an exchange's files, a receipt or an access report are right
    Verify(VerifyArguments),
    /// Show what an account had at a past moment, from the log alone
    At(AtArguments),
    /// Ask a database to prove that it can keep the log
    #[command(subcommand)]
    Log(LogCommand),
    /// Back a Service up: sealed, to the second, while it runs
    Backup(Box<BackupArguments>),
    /// The keys of the personal data: renew them, while the Service runs or not
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What persons asked for under their rights: see what waits, and answer it
    #[command(subcommand)]
    Requests(RequestsCommand),
    /// The versions of the Terms and the Policy: publish, list, compare
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Breaches of personal data: the register, its clock of 72 hours, drafts of the notices, a rehearsal
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// What can be built anew from the log
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Restore a Service from a backup to any moment, or prove that it can be done
    Restore(Box<RestoreArguments>),
    /// Who works with personal data: enrol, suspend, list
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Fraud prevention: check rules before they are in force, explain decisions
    #[command(subcommand)]
    Risk(RiskCommand),
    /// Cases, the only way in which staff come to personal data
    #[command(subcommand)]
    Cases(CasesCommand),
    /// Documents about personal data, legal holds, honeytokens
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// Send a newsletter to whoever agreed to it, through a running Service
    #[command(subcommand)]
    Newsletter(NewsletterCommand),
    /// Look for card numbers in files of any kind: logs, databases, backups, dumps
    ScanCards(ScanCardsArguments),
    /// Make a standby the primary, now
    Takeover(TakeoverArguments),
    /// Write a snapshot beside a running or stopped Service, so that its next start is short
    Snapshot(SnapshotArguments),
    /// Measure
    #[command(subcommand)]
    Bench(Bench),
    /// End the processes named on standard input once that input closes
    #[command(hide = true)]
    Watchdog,
}

/// Who delivers messages to people: without both, nobody can register
#[derive(Args)]
pub struct MessageArguments {
    /// Mail relay: smtps://USER@HOST (TLS), smtp://USER@HOST (STARTTLS), or smtp+plain://127.0.0.1 for one on this machine
    #[arg(long, value_name = "URL", requires = "mail_from", conflicts_with = "demo")]
    pub mail_relay: Option<String>,
    /// Whose mail it is, for example 'EnsoEx <no-reply@example.org>'
    #[arg(long, value_name = "ADDRESS", requires = "mail_relay")]
    pub mail_from: Option<String>,
    /// File with the password of the relay's user
    #[arg(long, value_name = "FILE", requires = "mail_relay")]
    pub mail_password: Option<PathBuf>,
    /// SMS provider with Twilio's HTTP API, for example https://api.provider.example
    #[arg(long, value_name = "URL", requires_all = ["sms_account", "sms_token", "sms_from"], conflicts_with = "demo")]
    pub sms_provider: Option<String>,
    /// Name of the account there
    #[arg(long, value_name = "NAME", requires = "sms_provider")]
    pub sms_account: Option<String>,
    /// File with its token
    #[arg(long, value_name = "FILE", requires = "sms_provider")]
    pub sms_token: Option<PathBuf>,
    /// Number or name that people see
    #[arg(long, value_name = "SENDER", requires = "sms_provider")]
    pub sms_from: Option<String>,
}

impl MessageArguments {
    /// What the Service takes.
    pub fn settings(self) -> MessageSettings {
        let mail = self.mail_relay.zip(self.mail_from);
        let sms = self
            .sms_provider
            .zip(self.sms_account)
            .zip(self.sms_token.zip(self.sms_from));
        MessageSettings {
            mail: mail.map(|(relay, from)| MailRelaySettings {
                relay,
                password: self.mail_password,
                from,
            }),
            sms: sms.map(|((url, account), (token, from))| SmsSettings {
                url,
                account,
                token,
                from,
            }),
        }
    }
}

/// `ensoex serve`
#[derive(Args)]
pub struct ServeArguments {
    /// Folder of the Service's files
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Address that browsers use [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Address of EnsoExPAY
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub pay_url: String,
    /// File of the secrets shared with EnsoExPAY; created by a primary when it is not there [default: shared-secrets.json beside DIR]
    #[arg(long, value_name = "FILE")]
    pub shared_secrets: Option<PathBuf>,
    /// PostgreSQL database (postgres://…) for users, sealed personal data, its access log and projections [default: files
    /// in DIR]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Beginning of the names of its schemas
    #[arg(long, value_name = "NAME", default_value = "ensoex", requires = "database")]
    pub schemas: String,
    /// File of the subjects' keys, which must stay out of backups [default: keys/vault-keys.db in DIR]
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Keep a backup of the keys here, a folder or s3://BUCKET/PREFIX: new at once after each erasure, and soon after new
    /// keys. Never where the history is
    #[arg(long, value_name = "PLACE", requires = "keys_recipient")]
    pub keys_backup: Option<String>,
    /// With --keys-backup: who can open it; may be given several times
    #[arg(long, value_name = "age1…", requires = "keys_backup")]
    pub keys_recipient: Vec<String>,
    /// Where object storage is.
    #[command(flatten)]
    pub storage: StorageArguments,
    /// How messages to people leave.
    #[command(flatten)]
    pub messages: MessageArguments,
    /// Mail and SMS stay readable at /dev/messages, and capital can be granted: never for real money
    #[arg(long)]
    pub demo: bool,
    /// Follow the log of another Service, serve market data, and take over by command or when the other is gone
    #[arg(long)]
    pub standby: bool,
    /// Where the log is: a file, or postgres://USER@HOST:PORT,HOST:PORT/DATABASE?schema=NAME [default: a file in DIR]
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
    /// Run although PostgreSQL lacks these safeguards (fsync, full_page_writes, synchronous_commit, synchronous_standby_names)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub allow_unsafe: Vec<Safeguard>,
    /// Go on with a log that lacks what was acknowledged: the sequence at which it ends. It is recorded
    #[arg(long, value_name = "SEQUENCE", conflicts_with = "standby")]
    pub accept_loss_after: Option<u64>,
}

/// `ensoex takeover`
#[derive(Args)]
pub struct TakeoverArguments {
    /// Folder of the standby's Service
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// `ensoex snapshot`
#[derive(Args)]
pub struct SnapshotArguments {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub data: PathBuf,
    /// Where the log is [default: a file in DIR]
    #[arg(long, value_name = "ADDRESS")]
    pub log: Option<LogAddress>,
}

/// `ensoex demo`
#[derive(Args, Clone)]
pub struct DemoArguments {
    /// Folder of all the demo's files
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub data: PathBuf,
    /// Port of the Service
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Port of EnsoExPAY
    #[arg(long, default_value_t = 8090)]
    pub pay_port: u16,
    /// Port of the card network simulator; its ISO 8583 port is the next free one
    #[arg(long, default_value_t = 8091)]
    pub cardnet_port: u16,
    /// Start over: forget everything that an earlier demo kept in DIR
    #[arg(long)]
    pub fresh: bool,
    /// Leave the markets still
    #[arg(long)]
    pub no_traders: bool,
}

/// `ensoex verify`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct VerifyArguments {
    /// The exchange.
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
    /// A single document instead of an exchange.
    #[command(subcommand)]
    pub document: Option<VerifyDocument>,
}

/// A document that can be verified without the Service.
#[derive(Subcommand)]
pub enum VerifyDocument {
    /// The signed receipt of an acceptance of the Terms and the Policy
    Receipt {
        /// The downloaded receipt
        file: PathBuf,
        /// Hexadecimal public key of the Service, when the receipt's own is not to be believed
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// The log of versions of the Terms and the Policy, with its texts, against a signed head of it
    PolicyLog {
        /// The downloaded log, or the folder of a demo or of a Service
        place: PathBuf,
        /// A signed head that was kept [default: the one beside the log]
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
        /// Hexadecimal public key of the log, when the head's own is not to be believed
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// The certificate of an erasure, with its proof against the signed access log
    Erasure {
        /// The downloaded certificate
        file: PathBuf,
        /// Hexadecimal public key of the Service, when the certificate's own is not to be believed
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// The receipt of a request that a person made under their rights
    Request {
        /// The downloaded receipt
        file: PathBuf,
        /// Hexadecimal public key of the Service, when the receipt's own is not to be believed
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
    /// The sealed records of a Service or of a backup, against the entries of the access log that stored them; no key is needed
    Records {
        /// Folder of a demo or of a Service
        #[arg(long, value_name = "DIR", default_value = ".demo")]
        data: PathBuf,
        /// PostgreSQL database with its records and access log
        #[arg(long, value_name = "URL")]
        database: Option<String>,
        /// Beginning of the names of its schemas
        #[arg(long, value_name = "NAME", default_value = "ensoex", requires = "database")]
        schemas: String,
    },
    /// A person's report of who read their data, with proofs against the signed access log
    AccessReport {
        /// The downloaded report
        file: PathBuf,
        /// Hexadecimal public key of the Service, when the report's own is not to be believed
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
    },
}

/// `ensoex bench`
#[derive(Subcommand)]
pub enum Bench {
    /// Run order flow through the full engine with balances; without a flow: every built-in one, and memory
    Engine(BenchEngineArguments),
    /// Submit commands to an exchange and wait for each answer, beside the log alone
    Path(BenchPathArguments),
    /// Replay a log from disk into an empty engine, with its chain checked
    Replay(BenchReplayArguments),
    /// Durable commands per second by size of batch, beside a plain append and sync to the same disk
    Log(BenchLogArguments),
    /// Decisions against fraud with the whole built-in rule book, on one core
    Risk,
    /// Reads of personal data with a proof-logged access, beside the same rows in clear
    Vault(BenchVaultArguments),
    /// Durable orders per second over the signed REST API, beside an empty request on the same stack
    Api(BenchApiArguments),
    /// Fill an engine and say on the way what memory that takes
    #[command(hide = true)]
    MemoryProbe(MemoryProbeArguments),
}

/// `ensoex bench engine`
#[derive(Args)]
pub struct BenchEngineArguments {
    /// CSV lines `op,order_id,side,price,qty,tif`
    pub file: Option<PathBuf>,
    /// Instead of a file: `xcore` (1 million commands on a busy, narrow book), `deep` (1.5 million on a book of half a million
    /// orders), or a file
    #[arg(long, value_name = "FLOW", conflicts_with = "file")]
    pub flow: Option<PathBuf>,
    /// Measure nothing: write the flow to this file, so that something else can run it
    #[arg(long, value_name = "FILE", requires = "flow", conflicts_with = "suite")]
    pub write_flow: Option<PathBuf>,
    /// Besides the flow also both built-in ones, a million accounts hit at random, and memory
    #[arg(long)]
    pub suite: bool,
    /// Accounts that the orders are spread over
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub accounts: u32,
    /// Give each order an account at random instead of one after the other
    #[arg(long)]
    pub uniform: bool,
    /// Repetitions; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub reps: u32,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// `ensoex bench path`
#[derive(Args)]
pub struct BenchPathArguments {
    /// Length of each measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Submitters that wait for one answer each
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=16_000))]
    pub submitters: u32,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// `ensoex bench replay`
#[derive(Args)]
pub struct BenchReplayArguments {
    /// Commands in the log, besides those that open the accounts
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub commands: u32,
    /// Commands in a batch
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub batch: u32,
    /// Repetitions; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub reps: u32,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// `ensoex bench memory-probe`
#[derive(Args)]
pub struct MemoryProbeArguments {
    /// What to fill the engine with
    pub probe: MemoryProbe,
}

/// See [`ensoex_sim::bench::memory::Probe`].
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum MemoryProbe {
    /// Resting orders.
    Orders,
    /// Accounts with balances.
    Accounts,
    /// Transfers alone.
    Transfers,
}

/// `ensoex bench api`
#[derive(Args)]
pub struct BenchApiArguments {
    /// Length of each of the two measurements
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// Connections that send one request after another
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..=1_024))]
    pub connections: u32,
    /// Accounts that take turns; each may place 100 orders in 10 seconds
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(2..=9_999))]
    pub accounts: u32,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, VerifyDocument};
    use clap::{CommandFactory, Parser};

    fn read(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn demo_has_the_documented_defaults() {
        let Ok(Command::Demo(demo)) = read("ensoex demo") else {
            panic!("not a demo")
        };
        assert_eq!((demo.port, demo.pay_port, demo.cardnet_port), (8080, 8090, 8091));
        assert_eq!(demo.data.as_os_str(), ".demo");
        assert!(!demo.fresh);
        let all = "ensoex demo --data d --port 1 --pay-port 2 --cardnet-port 3 --fresh";
        let Ok(Command::Demo(demo)) = read(all) else {
            panic!("not a demo")
        };
        assert_eq!(
            (demo.port, demo.pay_port, demo.cardnet_port, demo.fresh),
            (1, 2, 3, true)
        );
    }

    #[test]
    fn verify_takes_an_exchange_or_a_document() {
        let Ok(Command::Verify(verify)) = read("ensoex verify --data d --json") else {
            panic!("not verify")
        };
        assert!(verify.json && verify.document.is_none() && verify.place.data.as_os_str() == "d");
        let Ok(Command::Verify(verify)) = read("ensoex verify receipt r.json --key 00") else {
            panic!("not verify")
        };
        assert!(matches!(
            verify.document,
            Some(VerifyDocument::Receipt { key: Some(_), .. })
        ));
        let Ok(Command::Verify(verify)) = read("ensoex verify access-report r.json") else {
            panic!("not verify")
        };
        assert!(matches!(
            verify.document,
            Some(VerifyDocument::AccessReport { .. })
        ));
        assert!(read("ensoex verify --data d receipt r.json").is_err());
    }

    #[test]
    fn bench_engine_takes_a_file_a_flow_or_neither() {
        for line in ["", " f", " f --suite", " --flow deep --uniform", " --flow f"] {
            assert!(read(&format!("ensoex bench engine{line}")).is_ok(), "{line}");
        }
        assert!(read("ensoex bench engine f --flow deep").is_err());
        assert!(read("ensoex bench memory-probe orders").is_ok());
    }

    #[test]
    fn at_takes_one_moment() {
        let Ok(Command::At(at)) = read("ensoex at --account 1000 --sequence 7 --json d") else {
            panic!("not at")
        };
        assert!(at.json && at.sequence == Some(7) && at.directory.as_os_str() == "d");
        assert!(read("ensoex at --account 1000 --time 2026-11-22T12:00:00Z").is_ok());
        for wrong in [
            "ensoex at --account 1000",
            "ensoex at --sequence 7",
            "ensoex at --account 1000 --sequence 7 --time 2026-11-22T12:00:00Z",
            "ensoex at --account 1000 --time noon",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(read("ensoex bench engine f --accounts 1").is_err());
        assert!(read("ensoex bench api --seconds 0").is_err());
        assert!(read("ensoex demo --port 70000").is_err());
        assert!(read("ensoex bench engine f --accounts 10 --reps 3 --json").is_ok());
        assert!(read("ensoex bench replay --batch 0").is_err());
    }
}
