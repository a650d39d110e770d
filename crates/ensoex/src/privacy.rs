//! `ensoex privacy`: documents about personal data that need nothing of a running Service.

use clap::{Args, Subcommand, ValueEnum};
use ensoex_vault::catalogue::Language;
use ensoex_vault::{Controller, record_markdown, record_of_processing};

/// `ensoex privacy`
#[derive(Subcommand)]
pub enum PrivacyCommand {
    /// Print the record of processing activities (GDPR, article 30), generated from the catalogue of personal data
    Ropa(RopaArguments),
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
pub fn run(command: PrivacyCommand) -> anyhow::Result<()> {
    let PrivacyCommand::Ropa(arguments) = command;
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
