//! Publication of the Terms and the Policy: the one way in which a version comes to be.
//!
//! The texts are built into the program, with the table of personal data from the vault's catalogue, because what the software
//! does and what its documents say must be the same. An empty log gets its first version at the first start; every later
//! one is published by somebody who says what changed. Until then a Service with other texts than the newest version does not
//! start. It knows no person.

use ensoex_egress::{Recipient, RecipientEntry, Words};
use ensoex_policy::{
    Bundle, DataRow, DataTable, DocumentKind, HeadSigner, Language, LogError, PolicyError, PolicyLog,
    PublishedVersion, RecipientRow, SignerError, Sources,
};
use ensoex_vault::catalogue::{self, table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

const FIRST_SUMMARY: &str = "The first version.";

/// Why the documents cannot be published or served.
#[derive(Debug, thiserror::Error)]
pub enum PolicyStoreError {
    /// The texts do not compile.
    #[error(transparent)]
    Texts(#[from] PolicyError),
    /// The log of versions cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A key that signs receipts or heads cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// No version is in force.
    #[error("no version of Terms and Policy is in force")]
    NothingInForce,
    /// The program's texts were never published.
    #[error(
        "this program does what other texts say than version {version}, which was published last: {changed} changed. Read the \
         difference with `ensoex policy diff --data {data}`, then publish it with `ensoex policy publish --data {data} \
         --summary \"what changed\"`"
    )]
    Unpublished {
        /// The newest version.
        version: u64,
        /// The documents that differ, as part of a sentence.
        changed: String,
        /// Folder of the Service.
        data: String,
    },
}

/// Where a Service keeps what publication needs.
#[derive(Clone, Debug)]
pub struct PolicyFiles {
    data: PathBuf,
}

impl PolicyFiles {
    /// Of the Service in this folder.
    pub fn of(data_directory: &Path) -> PolicyFiles {
        PolicyFiles {
            data: data_directory.to_path_buf(),
        }
    }

    /// The folder of the log and the texts.
    pub fn directory(&self) -> PathBuf {
        self.data.join("policy")
    }

    /// The key that signs heads of the log.
    pub(crate) fn head_key(&self) -> PathBuf {
        self.data.join("keys").join("policy-log-signing.key")
    }

    /// The key that signs receipts.
    pub(crate) fn receipt_key(&self) -> PathBuf {
        self.data.join("keys").join("receipt-signing.key")
    }

    /// The log as it is.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read or was changed.
    pub fn open_log(&self) -> Result<PolicyLog, LogError> {
        PolicyLog::open(&self.directory())
    }
}

/// The texts of this program, with the table of personal data.
///
/// # Errors
/// [`PolicyError`] with file and line.
pub fn built_in_texts() -> Result<Bundle, PolicyError> {
    Bundle::compile(&Sources::embedded(), &data_table())
}

/// Publishes the texts of this program, from `effective_at` on if that is given. A running Service notices within
/// seconds.
///
/// # Errors
/// [`PolicyStoreError::Log`], for example because these texts are the newest version already.
pub fn publish_policy(
    files: &PolicyFiles,
    effective_at: Option<OffsetDateTime>,
    summary: &str,
) -> Result<PublishedVersion, PolicyStoreError> {
    let bundle = built_in_texts()?;
    let signer = head_signer(files)?;
    let mut log = files.open_log()?;
    log.keep_head(&signer)?;
    let version = log.publish_now(&bundle, OffsetDateTime::now_utc, effective_at, summary)?;
    log.keep_head(&signer)?;
    Ok(version)
}

/// The log with the program's texts as its newest version; the first one is published here, any other by somebody.
pub(crate) fn open_published(files: &PolicyFiles, at: OffsetDateTime) -> Result<PolicyLog, PolicyStoreError> {
    let bundle = built_in_texts()?;
    let mut log = files.open_log()?;
    if log.versions().is_empty() {
        match log.publish(&bundle, at, None, FIRST_SUMMARY) {
            // Somebody else was first.
            Ok(_) | Err(LogError::Unchanged) => {}
            Err(error) => return Err(error.into()),
        }
    }
    check(files, &log, &bundle)?;
    Ok(log)
}

/// Refuses a program whose texts were never published. Publishes nothing.
pub(crate) fn check_published(files: &PolicyFiles) -> Result<(), PolicyStoreError> {
    if !PolicyLog::file(&files.directory()).exists() {
        return Ok(());
    }
    check(files, &files.open_log()?, &built_in_texts()?)
}

fn check(files: &PolicyFiles, log: &PolicyLog, bundle: &Bundle) -> Result<(), PolicyStoreError> {
    let Some(newest) = log
        .versions()
        .last()
        .filter(|newest| newest.hash != *bundle.hash())
    else {
        return Ok(());
    };
    let published = log.bundle(&newest.hash)?;
    Err(PolicyStoreError::Unpublished {
        version: newest.version,
        changed: published.map_or_else(|| "the texts".to_owned(), |published| changed(&published, bundle)),
        data: files.data.display().to_string(),
    })
}

/// The key that signs heads of the log; made when there is none.
pub(crate) fn head_signer(files: &PolicyFiles) -> Result<HeadSigner, PolicyStoreError> {
    let path = files.head_key();
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|source| SignerError::KeyFile {
            path: directory.to_path_buf(),
            source,
        })?;
    }
    Ok(HeadSigner::open(&path)?)
}

/// The documents that differ, as part of a sentence.
fn changed(older: &Bundle, newer: &Bundle) -> String {
    let mut names = Vec::new();
    for kind in DocumentKind::ALL {
        for language in Language::ALL {
            let text = |bundle: &Bundle| {
                bundle
                    .document(language, kind)
                    .map(|document| document.markdown.clone())
            };
            if text(older) != text(newer) {
                let name = match kind {
                    DocumentKind::Terms => "the Terms",
                    DocumentKind::Privacy => "the Policy",
                    DocumentKind::Glossary => "the glossary",
                };
                names.push(format!("{name} ({language})"));
            }
        }
    }
    names.join(", ")
}

/// The register of recipients as rows of the Policy.
fn recipient_rows(said: impl Fn(&Words) -> &'static str) -> Vec<RecipientRow> {
    let row = |entry: &RecipientEntry| RecipientRow {
        name: said(&entry.name).to_owned(),
        why: said(&entry.why).to_owned(),
        given: said(&entry.given).to_owned(),
        ground: said(&entry.ground).to_owned(),
        operated_by: said(&entry.operated_by).to_owned(),
    };
    Recipient::ALL
        .iter()
        .map(|recipient| row(recipient.entry()))
        .collect()
}

/// The vault's catalogue as rows of the Policy.
fn data_table() -> DataTable {
    let rows = |language| {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let row = |row: &catalogue::TableRow| DataRow {
            label: row.label.to_owned(),
            asked: row.asked.to_owned(),
            reason: row.reason.to_owned(),
            purposes: texts(&row.purposes),
            recipients: texts(&row.recipients),
            retention: row.retention.to_owned(),
            legal_hold: row.legal_hold.map(str::to_owned),
        };
        table(language).iter().map(row).collect()
    };
    DataTable {
        rows: BTreeMap::from([
            (Language::English, rows(catalogue::Language::English)),
            (Language::Ukrainian, rows(catalogue::Language::Ukrainian)),
        ]),
        recipients: BTreeMap::from([
            (Language::English, recipient_rows(|words| words.en)),
            (Language::Ukrainian, recipient_rows(|words| words.uk)),
        ]),
    }
}
