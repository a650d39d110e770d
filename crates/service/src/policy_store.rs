//! Terms, Policy and glossary as this Service serves them: the version in force, all versions, acceptance receipts.
//!
//! The texts are built into the program, with the table of personal data from the vault's catalogue. The first start
//! publishes them; a start with changed texts publishes the next version. Knows no person, only pseudonyms.

use crate::problem::Problem;
use ensoex_egress::{Recipient, RecipientEntry, Words};
use ensoex_policy::{
    Acknowledgement, Bundle, Controller, DataRow, DataTable, Language, LogError, PolicyError, PolicyLog,
    PublishedVersion, Receipt, ReceiptError, ReceiptSigner, RecipientRow, Sources,
};
use ensoex_vault::catalogue::{self, table};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Why the documents cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PolicyStoreError {
    /// The texts do not compile.
    #[error(transparent)]
    Texts(#[from] PolicyError),
    /// The log of versions cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key that signs receipts cannot be used.
    #[error(transparent)]
    Signer(#[from] ReceiptError),
    /// No version is in force.
    #[error("no version of Terms and Policy is in force")]
    NothingInForce,
}

/// The documents; cheap to clone.
#[derive(Clone)]
pub(crate) struct PolicyStore(Arc<Inner>);

struct Inner {
    log: PolicyLog,
    /// Documents of each version, ready to be sent.
    documents: BTreeMap<u64, Value>,
    first: PublishedVersion,
    signer: ReceiptSigner,
    controller: Controller,
}

/// The version in force.
pub(crate) struct InForce {
    pub(crate) hash: String,
}

impl PolicyStore {
    /// Opens the log in `directory`, publishing the built-in texts if they are new.
    pub(crate) fn open(
        directory: &Path,
        receipt_key: &Path,
        public_url: &str,
    ) -> Result<PolicyStore, PolicyStoreError> {
        let bundle = Bundle::compile(&Sources::embedded(), &data_table())?;
        let mut log = PolicyLog::open(directory)?;
        let summary = match log.versions().last() {
            None => Some("The first version."),
            Some(last) if last.hash != *bundle.hash() => Some("Published with an update of the software."),
            Some(_) => None,
        };
        if let Some(summary) = summary {
            log.publish(&bundle, OffsetDateTime::now_utc(), None, summary)?;
        }
        let mut documents = BTreeMap::new();
        for version in log.versions() {
            if let Some(texts) = log.bundle(&version.hash)? {
                documents.insert(version.version, documents_of(version, &texts));
            }
        }
        let first = log
            .versions()
            .first()
            .cloned()
            .ok_or(PolicyStoreError::NothingInForce)?;
        let signer = ReceiptSigner::open(receipt_key)?;
        let controller = Controller {
            name: "The operator of this EnsoEx installation".to_owned(),
            contact: format!("{public_url}/documents/privacy"),
            jurisdiction: "UA".to_owned(),
        };
        Ok(PolicyStore(Arc::new(Inner {
            log,
            documents,
            first,
            signer,
            controller,
        })))
    }

    fn version_in_force(&self) -> &PublishedVersion {
        // The first version took effect when it was published, so there is always one.
        self.0
            .log
            .in_force(OffsetDateTime::now_utc())
            .unwrap_or(&self.0.first)
    }

    /// The version in force now.
    pub(crate) fn in_force(&self) -> InForce {
        InForce {
            hash: self.version_in_force().hash.to_string(),
        }
    }

    /// The version in force with its documents.
    pub(crate) fn documents_json(&self) -> Value {
        let version = self.version_in_force();
        self.0
            .documents
            .get(&version.version)
            .cloned()
            .unwrap_or_else(|| version_json(version))
    }

    /// All versions, newest first.
    pub(crate) fn versions_json(&self) -> Value {
        let versions: Vec<Value> = self.0.log.versions().iter().rev().map(version_json).collect();
        json!({ "versions": versions })
    }

    /// A signed receipt that `subject` acknowledged the version with this hash.
    pub(crate) fn receipt(
        &self,
        subject: &str,
        hash: &str,
        language: &str,
        at_us: i64,
    ) -> Result<String, Problem> {
        let versions = self.0.log.versions();
        let version = versions
            .iter()
            .rev()
            .find(|version| version.hash.to_string() == hash);
        let version = version.unwrap_or_else(|| self.version_in_force());
        let at = OffsetDateTime::from_unix_timestamp(at_us / 1_000_000)
            .unwrap_or_else(|_| OffsetDateTime::now_utc());
        let acknowledgement = Acknowledgement {
            subject,
            version,
            language: Language::from_code(language).unwrap_or(Language::English),
            at,
            controller: &self.0.controller,
        };
        Receipt::sign(acknowledgement, &self.0.signer)
            .and_then(|signed| signed.to_json())
            .map_err(|error| Problem::internal("receipt", &error))
    }

    /// The public key of receipts, hexadecimal.
    pub(crate) fn receipt_public_key(&self) -> String {
        hex::encode(self.0.signer.public_key())
    }
}

fn version_json(version: &PublishedVersion) -> Value {
    json!({
        "version": version.version,
        "hash": version.hash.to_string(),
        "short_hash": version.hash.short(),
        "published_at": rfc3339(version.published_at),
        "effective_at": rfc3339(version.effective_at),
        "summary": version.summary,
    })
}

fn documents_of(version: &PublishedVersion, bundle: &Bundle) -> Value {
    let documents: Vec<Value> = bundle
        .documents()
        .map(|document| {
            json!({
                "id": document.kind.name(),
                "language": document.language.code(),
                "title": document.title,
                "html": document.html,
            })
        })
        .collect();
    let mut view = version_json(version);
    if let Some(object) = view.as_object_mut() {
        object.insert("documents".to_owned(), documents.into());
    }
    view
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
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
