//! `ensoex cases`: a member of staff opens a case, reads and decides within it, and closes it, under their own key.
//!
//! Exit code 0: done. 1: it was refused, and the sentence says why; the refusal is in the access log.

use crate::privacy::day_ms;
use crate::staff::Desk;
use anyhow::Context;
use clap::{Args, Subcommand};
use ensoex_backup::Recipients;
use ensoex_service::{OrderAsk, StaffAsk};
use ensoex_vault::SubjectId;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
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
        /// The reference of an authority's order, with reason legal_order. A second member of staff approves
        #[arg(long, value_name = "REFERENCE")]
        order: Option<String>,
        /// The day until which the order forbids to tell the persons, in UTC
        #[arg(long, value_name = "YYYY-MM-DD", requires = "order")]
        silent_until: Option<String>,
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
    /// The cases that are not over, the newest first; where not all fit, `next` says how to go on
    List {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// Older ones than this case
        #[arg(long, value_name = "CASE")]
        after: Option<String>,
    },
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
    /// Hand fields over to the authority whose order the case names, in a file. Each is entered as given, counted, and shown to the
    /// person once the order allows it
    Disclose {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The case, which a second member of staff approved
        case: String,
        /// Whose, by their pseudonym
        subject: SubjectId,
        /// Which fields: email, mobile_phone
        #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
        fields: Vec<String>,
        /// The file, which must not be there yet; only you can read it
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Seal the file to the authority's age recipient (age1…)
        #[arg(long, value_name = "age1…")]
        recipient: Option<String>,
    },
    /// Movements that wait for a human's decision, the most urgent first
    Reviews {
        /// Who you are.
        #[command(flatten)]
        me: Me,
    },
    /// Decide about one of them, within a case of yours about its person with the purpose prevent_fraud. Large sums need a second member of
    /// staff
    Decide {
        /// Who you are.
        #[command(flatten)]
        me: Me,
        /// The review, as listed
        review: String,
        /// The case
        case: String,
        /// Approves: explained, nothing_found. Refuses: stolen_card, account_taken_over, unlawful_source, no_answer
        finding: String,
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

    /// Writes the answer into a file of one's own. The file is there before anything is asked, so that nothing is entered as given that
    /// could not be kept; what is refused leaves none.
    async fn hand_over(&self, ask: &StaffAsk, to: &Path, seal: Option<&Recipients>) -> anyhow::Result<()> {
        let cannot = || {
            format!(
                "the file {} cannot be made; name one that is not there",
                to.display()
            )
        };
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to);
        let mut file = made.with_context(cannot)?;
        let written = async {
            let text = self.desk.answer_to_staff(&self.key, ask).await?;
            let sealed = seal
                .map(|recipients| recipients.seal(text.as_bytes()))
                .transpose()?;
            file.write_all(sealed.as_deref().unwrap_or(text.as_bytes()))?;
            file.sync_all().context("the file cannot be written")
        };
        if let Err(error) = written.await {
            std::fs::remove_file(to).with_context(cannot)?;
            return Err(error);
        }
        say!("written to {}; each field is entered as given", to.display());
        Ok(())
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
            order,
            silent_until,
        } => {
            let silent_until_ms = silent_until.as_deref().map(day_ms).transpose()?;
            me.ask(StaffAsk::OpenCase {
                subjects,
                fields,
                purpose,
                reason,
                hours,
                break_glass,
                order: order.map(|reference| OrderAsk {
                    reference,
                    silent_until_ms,
                }),
            })
            .await
        }
        CasesCommand::Approve { me, case } => me.ask(StaffAsk::ApproveCase { case }).await,
        CasesCommand::Assign { me, case, to } => me.ask(StaffAsk::AssignCase { case, to }).await,
        CasesCommand::Close { me, case } => me.ask(StaffAsk::CloseCase { case }).await,
        CasesCommand::List { me, after } => me.ask(StaffAsk::ListCases { after }).await,
        CasesCommand::Read {
            me,
            case,
            subject,
            field,
        } => me.ask(StaffAsk::Read { case, subject, field }).await,
        CasesCommand::Disclose {
            me,
            case,
            subject,
            fields,
            to,
            recipient,
        } => {
            let recipients = recipient.map(|text| Recipients::read(&[text])).transpose()?;
            let ask = StaffAsk::Disclose {
                case,
                subject,
                fields,
            };
            me.hand_over(&ask, &to, recipients.as_ref()).await
        }
        CasesCommand::Reviews { me } => me.ask(StaffAsk::ListReviews).await,
        CasesCommand::Decide {
            me,
            review,
            case,
            finding,
        } => {
            me.ask(StaffAsk::DecideReview {
                review,
                case,
                finding,
            })
            .await
        }
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
