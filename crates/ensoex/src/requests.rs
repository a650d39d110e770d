//! `ensoex requests list` and `ensoex requests answer`: what persons asked for that somebody has to decide.
//!
//! A decision is written into the Service's records; a running Service states it within a minute, and one that starts later
//! states it then. Exit code 0: done. 1: it was not, and the sentence says why.

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use ensoex_service::{Answer, Stores, answer_request, waiting_requests};
use ensoex_sql::Address;
use ensoex_vault::Extension;
use std::path::PathBuf;

/// `ensoex requests`
#[derive(Subcommand)]
pub enum RequestsCommand {
    /// What waits for an answer, the most urgent first
    List(RecordsPlace),
    /// Answer a request, or take two months more for it, once
    Answer {
        /// Where the records are.
        #[command(flatten)]
        place: RecordsPlace,
        /// The request, as listed
        request: String,
        /// What is decided
        answer: Decision,
    },
}

/// What is decided.
#[derive(Clone, Copy, ValueEnum)]
pub enum Decision {
    /// What was asked for was done
    Done,
    /// It is not done
    Refused,
    /// Two months more: the request is complex
    ExtendComplex,
    /// Two months more: the person made many requests
    ExtendMany,
}

/// Where the Service's own records are.
#[derive(Args)]
pub struct RecordsPlace {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data: PathBuf,
    /// PostgreSQL database (postgres://…) of the Service [default: a file in DIR]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Beginning of the names of its schemas
    #[arg(long, value_name = "NAME", default_value = "ensoex", requires = "database")]
    schemas: String,
}

/// Lists or answers.
///
/// # Errors
/// A sentence that says what to do.
pub async fn run(command: RequestsCommand) -> anyhow::Result<()> {
    match command {
        RequestsCommand::List(place) => {
            let waiting = waiting_requests(&records(&place)?).await?;
            if waiting.is_empty() {
                say!("Nothing waits for an answer.");
            }
            for one in waiting {
                let late = if one.overdue { "OVERDUE, " } else { "" };
                say!(
                    "{}  account {}  {}  {late}due {}",
                    one.request,
                    one.account,
                    one.asked,
                    one.due_at
                );
            }
            Ok(())
        }
        RequestsCommand::Answer {
            place,
            request,
            answer,
        } => {
            let answer = match answer {
                Decision::Done => Answer::Done,
                Decision::Refused => Answer::Refused,
                Decision::ExtendComplex => Answer::Extended(Extension::Complex),
                Decision::ExtendMany => Answer::Extended(Extension::Many),
            };
            if !answer_request(&records(&place)?, &request, answer).await? {
                bail!(
                    "{request} does not wait for this: look with `ensoex requests list`; a deadline is extended once, and \
                     before it has passed"
                );
            }
            say!("Written down. The Service tells the person within a minute of running.");
            Ok(())
        }
    }
}

pub(crate) fn records(place: &RecordsPlace) -> anyhow::Result<Address> {
    let candidates = [place.data.join("service"), place.data.clone()];
    if let Some(url) = &place.database {
        return Ok(Stores::postgres(url, &place.schemas, &place.data)?.records);
    }
    let directory = candidates
        .into_iter()
        .find(|directory| directory.join("service.db").is_file());
    let directory = directory.with_context(|| {
        format!(
            "there are no records in {}: give the folder of a demo or of a Service with --data, or its database with --database",
            place.data.display()
        )
    })?;
    Ok(Stores::files(&directory).records)
}
