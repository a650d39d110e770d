//! `ensoex policy publish`, `list` and `diff`: the versions of the Terms and the Policy.
//!
//! What is published are the texts that this program was built with: software and documents say the same. A running Service
//! notices within seconds. Exit code 0: done. 1: it was not, and the sentence says why.

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use ensoex_policy::{
    Bundle, Change, DocumentKind, Language, LogError, Paragraph, PolicyLog, PublishedVersion, difference,
};
use ensoex_service::{PolicyFiles, PolicyStoreError, built_in_texts, publish_policy};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `ensoex policy`
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Publish the texts that this program was built with as the next version
    Publish {
        /// Which Service.
        #[command(flatten)]
        place: PolicyPlace,
        /// When it takes effect, for example 2027-01-01T00:00:00Z [default: at once]
        #[arg(long, value_name = "TIME")]
        effective_at: Option<String>,
        /// What changed, in one line: everybody reads it beside the version
        #[arg(long, value_name = "TEXT")]
        summary: String,
    },
    /// Every version, oldest first
    List(PolicyPlace),
    /// What changed between two versions, word by word: [-removed-] {+added+}
    Diff {
        /// Which Service.
        #[command(flatten)]
        place: PolicyPlace,
        /// Number of the older version [default: the newest]
        #[arg(long, value_name = "NUMBER")]
        from: Option<u64>,
        /// Number of the newer version [default: the texts that this program was built with]
        #[arg(long, value_name = "NUMBER")]
        to: Option<u64>,
        /// In which language
        #[arg(long, value_enum, default_value_t = TextLanguage::En)]
        language: TextLanguage,
    },
}

/// A language of the texts.
#[derive(Clone, Copy, ValueEnum)]
pub enum TextLanguage {
    /// English
    En,
    /// Ukrainian
    Uk,
}

/// Of which Service.
#[derive(Args)]
pub struct PolicyPlace {
    /// Folder of a demo or of a Service
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data: PathBuf,
}

impl PolicyPlace {
    fn files(&self) -> anyhow::Result<PolicyFiles> {
        let candidates = [self.data.join("service"), self.data.clone()];
        let found = candidates.iter().map(|folder| PolicyFiles::of(folder));
        let mut found = found.filter(|files| PolicyLog::file(&files.directory()).is_file());
        found.next().with_context(|| {
            format!(
                "there is no log of versions in {}: give the folder of a demo or of a Service with --data; its first start \
                 publishes the first version",
                self.data.display()
            )
        })
    }
}

/// Publishes, lists or compares.
///
/// # Errors
/// A sentence that says what to do.
pub fn run(command: PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Publish {
            place,
            effective_at,
            summary,
        } => {
            let effective_at = effective_at.as_deref().map(moment).transpose()?;
            match publish_policy(&place.files()?, effective_at, &summary) {
                Ok(version) => {
                    say!("Published: {}", line(&version));
                    Ok(())
                }
                Err(PolicyStoreError::Log(LogError::Unchanged)) => {
                    say!("Unchanged: the texts of this program are the newest version already.");
                    Ok(())
                }
                Err(error) => Err(error.into()),
            }
        }
        PolicyCommand::List(place) => {
            let log = place.files()?.open_log()?;
            let now = OffsetDateTime::now_utc();
            let in_force = log.in_force(now).map(|version| version.version);
            for version in log.versions() {
                let state = match in_force {
                    Some(number) if number == version.version => "in force",
                    Some(number) if number > version.version => "replaced",
                    _ => "waits",
                };
                say!("{}  {state}", line(version));
                say!("    {}", version.summary);
            }
            Ok(())
        }
        PolicyCommand::Diff {
            place,
            from,
            to,
            language,
        } => {
            let log = place.files()?.open_log()?;
            let older = match from {
                Some(number) => texts(&log, number)?,
                None => {
                    let newest = log.versions().last().context("nothing was published yet")?;
                    texts(&log, newest.version)?
                }
            };
            let newer = match to {
                Some(number) => texts(&log, number)?,
                None => built_in_texts()?,
            };
            let language = match language {
                TextLanguage::En => Language::English,
                TextLanguage::Uk => Language::Ukrainian,
            };
            say!("{}", told(&older, &newer, language));
            Ok(())
        }
    }
}

/// The demo's documents follow its program, without anybody's word: it is nobody's agreement.
///
/// # Errors
/// A sentence that says what is wrong with the log.
pub fn publish_for_demo(service: &Path) -> anyhow::Result<()> {
    let files = PolicyFiles::of(service);
    if !PolicyLog::file(&files.directory()).is_file() {
        return Ok(());
    }
    let summary = "Published with an update of the demo's software.";
    match publish_policy(&files, None, summary) {
        Ok(_) | Err(PolicyStoreError::Log(LogError::Unchanged)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn moment(text: &str) -> anyhow::Result<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).with_context(|| {
        format!("{text} is no time: write it as in 2027-01-01T00:00:00Z, with --effective-at")
    })
}

fn line(version: &PublishedVersion) -> String {
    let time = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    format!(
        "version {}  {}  published {}  effective {}",
        version.version,
        version.hash,
        time(version.published_at),
        time(version.effective_at)
    )
}

fn texts(log: &PolicyLog, number: u64) -> anyhow::Result<Bundle> {
    let Some(version) = log.numbered(number) else {
        bail!("there is no version {number}: look with `ensoex policy list`");
    };
    log.bundle(&version.hash)?
        .with_context(|| format!("the texts of version {number} are not there"))
}

/// What changed, document by document; paragraphs that are the same are left out.
fn told(older: &Bundle, newer: &Bundle, language: Language) -> String {
    let mut told = Vec::new();
    for kind in DocumentKind::ALL {
        let documents = (older.document(language, kind), newer.document(language, kind));
        let (Some(old), Some(new)) = documents else {
            continue;
        };
        let changed: Vec<String> = difference(old, new)
            .iter()
            .filter(|paragraph| !paragraph.is_same())
            .map(words)
            .collect();
        if !changed.is_empty() {
            told.push(format!("{}\n\n{}", new.title, changed.join("\n\n")));
        }
    }
    if told.is_empty() {
        return "Nothing that is read changed in this language.".to_owned();
    }
    told.join("\n\n\n")
}

fn words(paragraph: &Paragraph) -> String {
    let pieces: Vec<String> = paragraph
        .pieces
        .iter()
        .map(|piece| match piece.change {
            Change::Same => piece.text.clone(),
            Change::Removed => format!("[-{}-]", piece.text),
            Change::Added => format!("{{+{}+}}", piece.text),
        })
        .collect();
    pieces.join(" ")
}
