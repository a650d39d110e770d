//! `ensoex privacy`: documents about personal data, which need nothing of a running Service; and what the operator asks a running
//! one for: honeytokens and legal holds.

use crate::staff::Desk;
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use ensoex_service::OperatorAsk;
use ensoex_vault::SubjectId;
use ensoex_vault::catalogue::Language;
use ensoex_vault::{Controller, record_markdown, record_of_processing};

/// `ensoex privacy`
#[derive(Subcommand)]
pub enum PrivacyCommand {
    /// Print the record of processing activities (GDPR, article 30), generated from the catalogue of personal data
    Ropa(RopaArguments),
    /// Make subjects that nobody is, so that whoever reads one is noticed
    Honeytokens {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// How many more
        #[arg(long)]
        count: usize,
        /// A domain of your own, for their e-mail addresses
        #[arg(long, value_name = "NAME")]
        email_domain: String,
    },
    /// Release this quarter's statistics (counts with noise, none of small groups) and show all that were released
    Statistics(Desk),
    /// What a law forbids to destroy of one person, until a date that they are shown
    #[command(subcommand)]
    Hold(HoldCommand),
}

/// `ensoex privacy hold`
#[derive(Subcommand)]
pub enum HoldCommand {
    /// Forbid to destroy a field
    Place {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Whose, by their pseudonym
        subject: SubjectId,
        /// Which field, by its name in the catalogue
        field: String,
        /// anti_money_laundering or court_order
        #[arg(long)]
        law: String,
        /// The day on which it ends, in UTC
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: String,
    },
    /// End a hold before its date
    Lift {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Whose, by their pseudonym
        subject: SubjectId,
        /// Which field
        field: String,
    },
    /// What is held of a person
    List {
        /// The running Service.
        #[command(flatten)]
        desk: Desk,
        /// Whose, by their pseudonym
        subject: SubjectId,
    },
}

/// `ensoex privacy ropa`
#[derive(Args)]
pub struct RopaArguments {
    /// Name of the controller, as the record is to give it
    #[arg(long, default_value = "EnsoEx")]
    pub controller: String,
    /// How to reach the controller or their data protection officer
    #[arg(long)]
    pub contact: String,
    /// Language
    #[arg(long, value_enum, default_value = "en")]
    pub language: RopaLanguage,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// A language in which the record is there.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RopaLanguage {
    /// English
    En,
    /// Ukrainian
    Uk,
}

/// Prints what was asked for.
///
/// # Errors
/// When the record cannot be encoded.
pub async fn run(command: PrivacyCommand) -> anyhow::Result<()> {
    match command {
        PrivacyCommand::Ropa(arguments) => ropa(arguments),
        PrivacyCommand::Honeytokens {
            desk,
            count,
            email_domain,
        } => {
            desk.operator(&OperatorAsk::MakeHoneytokens { count, email_domain })
                .await
        }
        PrivacyCommand::Statistics(desk) => desk.operator(&OperatorAsk::Statistics).await,
        PrivacyCommand::Hold(command) => hold(command).await,
    }
}

async fn hold(command: HoldCommand) -> anyhow::Result<()> {
    match command {
        HoldCommand::Place {
            desk,
            subject,
            field,
            law,
            until,
        } => {
            let until_ms = day_ms(&until)?;
            desk.operator(&OperatorAsk::PlaceHold {
                subject,
                field,
                law,
                until_ms,
            })
            .await
        }
        HoldCommand::Lift { desk, subject, field } => {
            desk.operator(&OperatorAsk::LiftHold { subject, field }).await
        }
        HoldCommand::List { desk, subject } => desk.operator(&OperatorAsk::ListHolds { subject }).await,
    }
}

/// The beginning of a day, in milliseconds since 1970-01-01 UTC.
pub(crate) fn day_ms(text: &str) -> anyhow::Result<u64> {
    let wrong = || format!("{text:?} is no day; write it as 2027-01-31");
    let parts: Option<Vec<i32>> = text.split('-').map(|part| part.parse().ok()).collect();
    let parts: [i32; 3] = parts
        .and_then(|parts| parts.try_into().ok())
        .with_context(wrong)?;
    let month = u8::try_from(parts[1])
        .ok()
        .and_then(|month| time::Month::try_from(month).ok());
    let (month, day) = (
        month.with_context(wrong)?,
        u8::try_from(parts[2]).with_context(wrong)?,
    );
    let date = time::Date::from_calendar_date(parts[0], month, day).with_context(wrong)?;
    u64::try_from(date.midnight().assume_utc().unix_timestamp() * 1_000).with_context(wrong)
}

fn ropa(arguments: RopaArguments) -> anyhow::Result<()> {
    let language = match arguments.language {
        RopaLanguage::En => Language::English,
        RopaLanguage::Uk => Language::Ukrainian,
    };
    let controller = Controller {
        name: arguments.controller,
        contact: arguments.contact,
    };
    let record = record_of_processing(controller, language);
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&record)?);
    } else {
        say!("{}", record_markdown(&record, language).trim_end());
    }
    Ok(())
}
