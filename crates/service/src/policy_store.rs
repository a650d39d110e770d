//! Terms, Policy and glossary as this Service serves them: the version in force, all versions, acceptance receipts.
//!
//! It follows the log of versions while the Service runs: what the command line publishes is there within seconds, and a version
//! comes into force at its time exactly, because who asks is answered by the clock of that moment. A log that no longer
//! continues what was read before is refused, and what was read stays. Knows no person, only pseudonyms.

use crate::problem::Problem;
use crate::publication::{PolicyFiles, PolicyStoreError, head_signer, open_published};
use ensoex_policy::{
    Acknowledgement, Bundle, Consent, Controller, HeadSigner, Language, PolicyLog, ProvenVersion,
    PublishedVersion, Receipt, ReceiptSigner, SignedHead, VersionHash,
};
use ensoex_vault::Optional;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How often it is looked whether somebody published.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// The time of the edge, or of a test.
pub(crate) type PolicyClock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The documents; cheap to clone.
#[derive(Clone)]
pub(crate) struct PolicyStore(Arc<Inner>);

struct Inner {
    clock: PolicyClock,
    log: Mutex<PolicyLog>,
    read: RwLock<Arc<Versions>>,
    receipts: ReceiptSigner,
    heads: HeadSigner,
    controller: Controller,
}

/// All versions with their texts, as they were last read.
pub(crate) struct Versions {
    first: PublishedVersion,
    /// Oldest first.
    all: Vec<PublishedVersion>,
    texts: BTreeMap<VersionHash, Arc<Bundle>>,
    head: SignedHead,
}

/// The version in force.
pub(crate) struct InForce {
    pub(crate) hash: String,
}

impl Versions {
    fn of(
        log: &mut PolicyLog,
        signer: &HeadSigner,
        known: Option<&Versions>,
    ) -> Result<Versions, PolicyStoreError> {
        let head = log.keep_head(signer)?;
        let mut texts = BTreeMap::new();
        for version in log.versions() {
            let known = known.and_then(|known| known.texts.get(&version.hash).cloned());
            let read = match known {
                Some(bundle) => Some(bundle),
                None => log.bundle(&version.hash)?.map(Arc::new),
            };
            texts.extend(read.map(|bundle| (version.hash, bundle)));
        }
        let first = log.versions().first().cloned();
        Ok(Versions {
            first: first.ok_or(PolicyStoreError::NothingInForce)?,
            all: log.versions().to_vec(),
            texts,
            head,
        })
    }

    /// The version that applied at `at`; `None` before the first.
    pub(crate) fn in_force(&self, at: OffsetDateTime) -> Option<&PublishedVersion> {
        self.all.iter().rev().find(|version| version.effective_at <= at)
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> &[PublishedVersion] {
        &self.all
    }

    /// The version of this number, or the newest of this hash.
    pub(crate) fn find(&self, wanted: Wanted) -> Option<&PublishedVersion> {
        self.all.iter().rev().find(|version| match wanted {
            Wanted::Number(number) => version.version == number,
            Wanted::Hash(hash) => version.hash == hash,
        })
    }

    /// The texts of a version.
    pub(crate) fn texts(&self, version: &PublishedVersion) -> Option<&Arc<Bundle>> {
        self.texts.get(&version.hash)
    }
}

/// How a version is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    Number(u64),
    Hash(VersionHash),
}

impl Wanted {
    /// Of a number without sign or leading zeros, or a hash.
    pub(crate) fn read(text: &str) -> Option<Wanted> {
        if let Ok(hash) = text.parse() {
            return Some(Wanted::Hash(hash));
        }
        let plain =
            text.len() <= 9 && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.then(|| text.parse().ok()).flatten()?;
        Some(Wanted::Number(number))
    }
}

impl PolicyStore {
    /// Opens the documents of a Service, whose newest version must be the program's texts.
    pub(crate) fn open(files: &PolicyFiles, public_url: &str) -> Result<PolicyStore, PolicyStoreError> {
        PolicyStore::open_at(files, public_url, Arc::new(OffsetDateTime::now_utc))
    }

    /// The same with a clock.
    pub(crate) fn open_at(
        files: &PolicyFiles,
        public_url: &str,
        clock: PolicyClock,
    ) -> Result<PolicyStore, PolicyStoreError> {
        let mut log = open_published(files, clock())?;
        let heads = head_signer(files)?;
        let versions = Versions::of(&mut log, &heads, None)?;
        let controller = Controller {
            name: "The operator of this EnsoEx installation".to_owned(),
            contact: format!("{public_url}/documents/privacy"),
            jurisdiction: "UA".to_owned(),
        };
        Ok(PolicyStore(Arc::new(Inner {
            clock,
            log: Mutex::new(log),
            read: RwLock::new(Arc::new(versions)),
            receipts: ReceiptSigner::open(&files.receipt_key())?,
            heads,
            controller,
        })))
    }

    /// Reads what was published since; whether there was anything.
    pub(crate) fn refresh(&self) -> Result<bool, PolicyStoreError> {
        let mut log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.refresh()?;
        let known = self.versions();
        if log.versions().len() == known.all.len() {
            return Ok(false);
        }
        let versions = Versions::of(&mut log, &self.0.heads, Some(&known))?;
        *self.0.read.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(versions);
        Ok(true)
    }

    /// All versions as they were last read.
    pub(crate) fn versions(&self) -> Arc<Versions> {
        Arc::clone(&self.0.read.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The clock by which versions come into force.
    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.0.clock)()
    }

    /// The version in force now.
    pub(crate) fn version_in_force(&self) -> PublishedVersion {
        let versions = self.versions();
        // The first version took effect when it was published, so there is always one.
        versions.in_force(self.now()).unwrap_or(&versions.first).clone()
    }

    /// The version that was in force at a moment, in microseconds since 1970.
    pub(crate) fn version_at(&self, at_us: i64) -> PublishedVersion {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1_000);
        let at = at.unwrap_or_else(|_| self.now());
        let versions = self.versions();
        versions.in_force(at).unwrap_or(&versions.first).clone()
    }

    /// The version whose hash somebody acknowledged: the newest of that hash.
    pub(crate) fn acknowledged(&self, hash: &str) -> PublishedVersion {
        let wanted = hash.parse().ok().map(Wanted::Hash);
        let found = wanted.and_then(|wanted| self.versions().find(wanted).cloned());
        found.unwrap_or_else(|| self.version_in_force())
    }

    /// Whether a version of this hash was published.
    pub(crate) fn is_published(&self, hash: VersionHash) -> bool {
        self.versions().find(Wanted::Hash(hash)).is_some()
    }

    /// The hash of the version in force now.
    pub(crate) fn in_force(&self) -> InForce {
        InForce {
            hash: self.version_in_force().hash.to_string(),
        }
    }

    /// The version in force with its documents.
    pub(crate) fn documents_json(&self) -> Value {
        self.with_documents(&self.version_in_force())
    }

    /// A version with its documents.
    pub(crate) fn with_documents(&self, version: &PublishedVersion) -> Value {
        let mut view = version_json(version);
        if let (Some(texts), Some(object)) = (self.versions().texts(version), view.as_object_mut()) {
            object.insert("documents".to_owned(), documents_of(texts).into());
        }
        view
    }

    /// All versions, newest first.
    pub(crate) fn versions_json(&self) -> Value {
        let versions: Vec<Value> = self.versions().all.iter().rev().map(version_json).collect();
        json!({ "versions": versions })
    }

    /// The signed head of the log.
    pub(crate) fn head(&self) -> SignedHead {
        self.versions().head.clone()
    }

    /// The lines of the log.
    pub(crate) fn log_text(&self) -> String {
        self.with_log(PolicyLog::text)
    }

    /// A version with the proof that it is in the log.
    pub(crate) fn inclusion(&self, version: u64) -> Option<ProvenVersion> {
        self.with_log(|log| log.inclusion(version))
    }

    /// The proof that the log of `second` versions continues the one of `first`.
    pub(crate) fn consistency(&self, first: u64, second: u64) -> Option<Vec<String>> {
        self.with_log(|log| log.consistency(first, second))
    }

    fn with_log<T>(&self, ask: impl FnOnce(&PolicyLog) -> T) -> T {
        ask(&self.0.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A signed receipt that `subject` acknowledged a version in this language.
    pub(crate) fn receipt(
        &self,
        subject: &str,
        version: &PublishedVersion,
        language: &str,
        at_us: i64,
    ) -> Result<String, Problem> {
        let at = OffsetDateTime::from_unix_timestamp(at_us / 1_000_000).unwrap_or_else(|_| self.now());
        let acknowledgement = Acknowledgement {
            subject,
            version,
            language: Language::from_code(language).unwrap_or(Language::English),
            at,
            controller: &self.0.controller,
        };
        Receipt::sign(acknowledgement, &self.0.receipts)
            .and_then(|signed| signed.to_json())
            .map_err(|error| Problem::internal("receipt", &error))
    }

    /// A signed receipt of consent to what is optional: given at the first time, in microseconds since 1970, and withdrawn at the
    /// second, if it was.
    pub(crate) fn consent_receipt(
        &self,
        subject: &str,
        version: &PublishedVersion,
        language: &str,
        what: Optional,
        (given_us, withdrawn_us): (i64, Option<i64>),
    ) -> Result<String, Problem> {
        let at = |at_us: i64| {
            OffsetDateTime::from_unix_timestamp(at_us / 1_000_000).unwrap_or_else(|_| self.now())
        };
        let consent = Consent {
            subject,
            version,
            language: Language::from_code(language).unwrap_or(Language::English),
            purpose: what.as_str(),
            purpose_type: match what {
                Optional::Newsletter => "dpv:DirectMarketing",
                Optional::Statistics => "dpv:ServiceOptimisation",
            },
            given_at: at(given_us),
            withdrawn_at: withdrawn_us.map(at),
            controller: &self.0.controller,
        };
        Receipt::sign_consent(consent, &self.0.receipts)
            .and_then(|signed| signed.to_json())
            .map_err(|error| Problem::internal("receipt", &error))
    }

    /// The public key of receipts, hexadecimal.
    pub(crate) fn receipt_public_key(&self) -> String {
        hex::encode(self.0.receipts.public_key())
    }
}

/// Follows the log for ever.
pub(crate) async fn follow(policy: PolicyStore) {
    loop {
        tokio::time::sleep(FOLLOW_EVERY).await;
        let reading = policy.clone();
        match tokio::task::spawn_blocking(move || reading.refresh()).await {
            Ok(Ok(true)) => {
                let newest = policy.versions().all.last().map(|version| version.version);
                tracing::info!(
                    version = newest,
                    "a new version of the Terms and the Policy was published"
                );
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the log of versions cannot be followed; what was read before applies");
            }
            Err(error) => tracing::error!(%error, "the log of versions was not read"),
        }
    }
}

pub(crate) fn version_json(version: &PublishedVersion) -> Value {
    json!({
        "version": version.version,
        "hash": version.hash.to_string(),
        "short_hash": version.hash.short(),
        "published_at": rfc3339(version.published_at),
        "effective_at": rfc3339(version.effective_at),
        "summary": version.summary,
    })
}

fn documents_of(bundle: &Bundle) -> Vec<Value> {
    bundle
        .documents()
        .map(|document| {
            json!({
                "id": document.kind.name(),
                "language": document.language.code(),
                "title": document.title,
                "html": document.html,
            })
        })
        .collect()
}

pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::built_in_texts;
    use ensoex_policy::{DataRow, DataTable, DocumentKind, RecipientRow, Source, Sources};
    use std::sync::atomic::{AtomicI64, Ordering};

    /// Texts that say one thing more.
    fn other_texts() -> Bundle {
        let mut sources = Sources::embedded();
        let terms = sources.languages[&Language::English].documents[&DocumentKind::Terms].clone();
        let text = format!("{}\nOne thing more.\n", terms.text);
        let source = Source {
            file: terms.file,
            text,
        };
        sources.insert(Language::English, DocumentKind::Terms, source);
        let row = DataRow {
            label: "a".to_owned(),
            asked: "b".to_owned(),
            reason: "c".to_owned(),
            purposes: Vec::new(),
            recipients: Vec::new(),
            retention: "d".to_owned(),
            legal_hold: None,
        };
        let recipient = RecipientRow {
            name: "e".to_owned(),
            why: "f".to_owned(),
            given: "g".to_owned(),
            ground: "h".to_owned(),
            operated_by: "i".to_owned(),
        };
        let table = DataTable {
            rows: BTreeMap::from(Language::ALL.map(|language| (language, vec![row.clone()]))),
            recipients: BTreeMap::from(Language::ALL.map(|language| (language, vec![recipient.clone()]))),
        };
        Bundle::compile(&sources, &table).unwrap()
    }

    /// A version comes into force at its time to the nanosecond, in a Service that runs; and what applied then stays known.
    /// Mechanism: `crates/service/src/policy_store.rs`
    /// Control: one nanosecond earlier the version before is in force.
    #[test]
    fn clause_14_a_version_comes_into_force_at_its_time_exactly() {
        let place = tempfile::tempdir().unwrap();
        let files = PolicyFiles::of(place.path());
        let now = Arc::new(AtomicI64::new(1_000));
        let of_test = Arc::clone(&now);
        let at = |nanoseconds: i64| {
            OffsetDateTime::from_unix_timestamp_nanos(1_800_000_000_000_000_000 + i128::from(nanoseconds))
                .unwrap()
        };
        let clock: PolicyClock = Arc::new(move || at(of_test.load(Ordering::SeqCst)));
        let store = PolicyStore::open_at(&files, "http://localhost", clock).unwrap();
        let (first, second) = (*built_in_texts().unwrap().hash(), *other_texts().hash());
        assert_eq!(store.version_in_force().hash, first);
        let published = files
            .open_log()
            .unwrap()
            .publish(&other_texts(), at(2_000), Some(at(5_000)), "One thing more")
            .unwrap();
        now.store(2_000, Ordering::SeqCst);
        assert!(store.refresh().unwrap());
        assert!(!store.refresh().unwrap());
        for (nanoseconds, expected) in [(2_000, first), (4_999, first), (5_000, second), (9_000, second)] {
            now.store(nanoseconds, Ordering::SeqCst);
            assert_eq!(store.version_in_force().hash, expected, "{nanoseconds}");
            assert_eq!(store.documents_json()["hash"], expected.to_string());
        }
        let versions = store.versions();
        assert_eq!(versions.in_force(at(4_999)).unwrap().version, 1);
        assert_eq!(versions.in_force(at(5_000)), Some(&published));
        assert_eq!(versions.in_force(at(999)), None);
        // The program of the first texts does not start on the second ones, but says what to do.
        let refused = PolicyStore::open(&files, "http://localhost")
            .map(|_| ())
            .unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains("version 2") && told.contains("ensoex policy publish"),
            "{told}"
        );
        assert!(
            told.contains("the Terms (en)") && !told.contains("the Terms (uk)"),
            "{told}"
        );
    }

    #[test]
    fn versions_are_asked_for_by_number_or_hash_only() {
        let hash = built_in_texts().unwrap().hash().to_string();
        for (text, understood) in [
            ("1", true),
            (hash.as_str(), true),
            ("0", false),
            ("01", false),
            ("+1", false),
            ("", false),
            ("1000000000", false),
            (&hash[7..], false),
            ("latest", false),
        ] {
            assert_eq!(Wanted::read(text).is_some(), understood, "{text}");
        }
    }
}
