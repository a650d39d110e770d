//! `ensoex cases`: a member of staff opens a case, reads within it, and closes it, under their own key.
//!
//! Exit code 0: done. 1: it was refused, and the sentence says why; the refusal is in the access log.

use crate::staff::Desk;
use anyhow::Context;
use clap::{Args, Subcommand};
use ensoex_service::StaffAsk;
use ensoex_vault::SubjectId;
use std::io::Read as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Longest address or number to look somebody up by, in bytes.
const VALUE_BYTES_MAX: u64 = 1_024;

/// `ensoex cases`
#[derive(Subcommand)]
pub enum CasesCommand {
    /// Open a case about one person or more. Many persons wait for a second member of staff
    Open {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// Whom it concerns, by their pseudonyms
        #[arg(required = true)]
        subjects: Vec<SubjectId>,
        /// Which fields may be opened: email, mobile_phone
        #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
        fields: Vec<String>,
        /// support_request, rights_request, fraud_suspicion, legal_order or security_incident
        #[arg(long)]
        reason: String,
        /// provide_service or prevent_fraud
        #[arg(long, default_value = "provide_service")]
        purpose: String,
        /// For how many hours
        #[arg(long, default_value_t = 8)]
        hours: u32,
        /// Without approval, for minutes; the operator and each person are told
        #[arg(long)]
        break_glass: bool,
    },
    /// Approve a case of another member of staff
    Approve {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The case
        case: String,
    },
    /// Let another member of staff work on a case too
    Assign {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The case
        case: String,
        /// Their pseudonym
        to: SubjectId,
    },
    /// Close a case
    Close {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The case
        case: String,
    },
    /// The cases that are not over
    List(Me),
    /// Read one value within a case. It is entered, counted, and shown to the person
    Read {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The case
        case: String,
        /// Whose, by their pseudonym
        subject: SubjectId,
        /// Which field
        field: String,
    },
    /// Who has the address or number that stands on standard input. It is entered and counted like a read
    Find {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// email or mobile_phone
        field: String,
    },
}

/// Who asks, and where.
#[derive(Args)]
pub struct Me {
    /// The running Service.
    #[command(flatten)]
    desk: Desk,
    /// Your key file, from `ensoex staff key`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Me {
    async fn ask(&self, ask: StaffAsk) -> anyhow::Result<()> {
        self.desk.staff(&self.key, &ask).await
    }
}

/// Does what the command line says.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: CasesCommand) -> anyhow::Result<()> {
    match command {
        CasesCommand::Open {
            me,
            subjects,
            fields,
            reason,
            purpose,
            hours,
            break_glass,
        } => {
            me.ask(StaffAsk::OpenCase {
                subjects,
                fields,
                purpose,
                reason,
                hours,
                break_glass,
            })
            .await
        }
        CasesCommand::Approve { me, case } => me.ask(StaffAsk::ApproveCase { case }).await,
        CasesCommand::Assign { me, case, to } => me.ask(StaffAsk::AssignCase { case, to }).await,
        CasesCommand::Close { me, case } => me.ask(StaffAsk::CloseCase { case }).await,
        CasesCommand::List(me) => me.ask(StaffAsk::ListCases).await,
        CasesCommand::Read {
            me,
            case,
            subject,
            field,
        } => me.ask(StaffAsk::Read { case, subject, field }).await,
        CasesCommand::Find { me, field } => {
            // Not an argument: those are visible to others on the machine and stay in the shell's history.
            let mut value = Zeroizing::new(String::new());
            let read = std::io::stdin().take(VALUE_BYTES_MAX).read_to_string(&mut value);
            read.context("the address or number cannot be read from standard input")?;
            let value = Zeroizing::new(value.trim().to_owned());
            me.ask(StaffAsk::Find { field, value }).await
        }
    }
}
