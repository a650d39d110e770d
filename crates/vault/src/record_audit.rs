//! Whether the sealed records are those that the access log says were stored: byte for byte, and none more or less.
//!
//! Each entry that stores or renews a value has the digest of the sealed record. It needs no key, opens nothing and changes
//! nothing, so anybody with copies of the two databases can do it, of a backup too, or beside a Service that writes them. It does not know whether the log itself is
//! the one that was published: compare its root with a signed head. A value that was announced and, because the vault was
//! stopped that moment, never written is named as well; the vault itself goes on with the version before.

use std::collections::BTreeMap;
use std::time::Duration;

use ensoex_sql::{Address, Database};

use crate::access_leaf::{AccessLeaf, Operation, Outcome};
use crate::access_log::{self, ACCESS_LOG};
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::key_store::Place;
use crate::record_store::RecordStore;
use crate::request::RecordName;
use crate::subject::SubjectId;
use ensoex_merkle::{Frontier, Hash};

/// Most differences that are named.
pub const DIFFERENCES_MAX: usize = 100;

/// What a comparison of records and access log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAudit {
    /// Entries of the access log.
    pub entries: u64,
    /// The root of the log's tree, recomputed, in hexadecimal digits.
    pub root: String,
    /// Records that are there.
    pub records: u64,
    /// How many differ from what the log says.
    pub different: u64,
    /// Which, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<RecordDifference>,
}

/// A record that is not what the access log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordDifference {
    /// Whose.
    pub subject: SubjectId,
    /// Which field.
    pub field: FieldName,
    /// Which of several values of the field; empty for the only one.
    pub record: String,
    /// What is different.
    pub what: Difference,
}

/// How a record is not what the access log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It is there, and no entry stored it, or a later one removed it.
    #[error("no entry of the access log stored it")]
    NotStored,
    /// An entry stored it and it is not there.
    #[error("entry {entry} of the access log stored it, and it is not there")]
    Missing {
        /// Number of the entry.
        entry: u64,
    },
    /// Its bytes or its version are others.
    #[error("it is not what entry {entry} of the access log stored: changed, swapped or rolled back")]
    Other {
        /// Number of the entry.
        entry: u64,
    },
}

/// Pauses before what differs is looked at again: a Service that runs may have been writing it, log first, then records.
const PAUSES_MS: [u64; 7] = [50, 100, 200, 400, 800, 1_600, 3_200];
/// After so many looks without a new entry nobody is writing.
const QUIET_LOOKS: u32 = 4;

/// The entry that stored a record, and the digest that it says.
type Stored = (u64, Option<Hash>);
/// By person, then by field and record.
type Latest = BTreeMap<SubjectId, BTreeMap<(FieldName, String), Stored>>;

/// A record that differs so far.
struct Suspect {
    subject: SubjectId,
    field: FieldName,
    record: String,
    said: Option<Stored>,
    what: Difference,
}

/// Compares every record with the latest entry that stored it. Beside a running Service, what differs is looked at again with the
/// entries that came meanwhile.
///
/// # Errors
/// [`VaultError::AccessLogTampered`] when the log's own tree does not fit its entries; [`VaultError::Storage`].
pub async fn audit_records(records: &Address, access_log: &Address) -> Result<RecordAudit, VaultError> {
    let log = Database::open_read_only(access_log, &ACCESS_LOG).await?;
    let store = match RecordStore::open_read_only(records).await {
        Ok(store) => store,
        Err(error) => {
            log.close().await;
            return Err(error);
        }
    };
    let audited = audited(&log, &store).await;
    log.close().await;
    store.close().await;
    audited
}

async fn audited(log: &Database, store: &RecordStore) -> Result<RecordAudit, VaultError> {
    let (mut tree, mut latest) = (Frontier::default(), Latest::new());
    access_log::walk(log, &mut tree, |leaf| note(&mut latest, leaf)).await?;
    let (records, mut suspects) = compare(store, latest).await?;
    let mut quiet = 0;
    for pause_ms in PAUSES_MS {
        if suspects.is_empty() || quiet == QUIET_LOOKS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let before = tree.size();
        suspects = looked_again(log, &mut tree, store, &suspects).await?;
        quiet = if tree.size() == before { quiet + 1 } else { 0 };
    }
    let different = suspects.len() as u64;
    let named = suspects
        .into_iter()
        .take(DIFFERENCES_MAX)
        .map(|suspect| RecordDifference {
            subject: suspect.subject,
            field: suspect.field,
            record: suspect.record,
            what: suspect.what,
        });
    Ok(RecordAudit {
        entries: tree.size(),
        root: hex::encode(tree.root()),
        records,
        different,
        differences: named.collect(),
    })
}

/// The suspects that still differ, by all entries until now.
async fn looked_again(
    log: &Database,
    tree: &mut Frontier,
    store: &RecordStore,
    suspects: &[Suspect],
) -> Result<Vec<Suspect>, VaultError> {
    let mut latest = Latest::new();
    for suspect in suspects {
        if let Some(said) = suspect.said {
            let of_subject = latest.entry(suspect.subject).or_default();
            of_subject.insert((suspect.field, suspect.record.clone()), said);
        }
    }
    access_log::walk(log, tree, |leaf| note(&mut latest, leaf)).await?;
    let mut left = Vec::new();
    for suspect in suspects {
        let of_subject = latest.get(&suspect.subject);
        let said = of_subject.and_then(|of| of.get(&(suspect.field, suspect.record.clone())));
        left.extend(
            judged(
                store,
                suspect.subject,
                suspect.field,
                &suspect.record,
                said.copied(),
            )
            .await?,
        );
    }
    Ok(left)
}

/// What is different about a record of which the log says this; nothing if it is what was stored.
async fn judged(
    store: &RecordStore,
    subject: SubjectId,
    field: FieldName,
    record: &str,
    said: Option<Stored>,
) -> Result<Option<Suspect>, VaultError> {
    let name = RecordName::stored(record.to_owned());
    let place = Place {
        subject: &subject,
        field,
        record: &name,
    };
    let found = store.load(place).await?.map(|record| record.digest());
    let what = match (said, found) {
        (None, None) => return Ok(None),
        (None, Some(_)) => Difference::NotStored,
        (Some((_, Some(digest))), Some(found)) if found == digest => return Ok(None),
        (Some((entry, _)), Some(_)) => Difference::Other { entry },
        (Some((entry, _)), None) => Difference::Missing { entry },
    };
    Ok(Some(Suspect {
        subject,
        field,
        record: record.to_owned(),
        said,
        what,
    }))
}

/// What an entry says of records: stored with this digest, or gone.
fn note(latest: &mut Latest, leaf: AccessLeaf) {
    if leaf.outcome != Outcome::Granted {
        return;
    }
    let field = leaf
        .field
        .as_deref()
        .and_then(|field| field.parse::<FieldName>().ok());
    match (leaf.operation, field) {
        (Operation::Store | Operation::Renew, Some(field)) => {
            let digest = leaf.digest.and_then(|digest| hex::decode(digest).ok());
            let digest = digest.and_then(|digest| digest.try_into().ok());
            let of_subject = latest.entry(leaf.subject).or_default();
            of_subject.insert((field, leaf.record), (leaf.index, digest));
        }
        (Operation::Remove, Some(field)) => {
            if let Some(of_subject) = latest.get_mut(&leaf.subject) {
                of_subject.remove(&(field, leaf.record));
            }
        }
        (Operation::Erase, _) => {
            latest.remove(&leaf.subject);
        }
        _ => {}
    }
}

async fn compare(store: &RecordStore, mut latest: Latest) -> Result<(u64, Vec<Suspect>), VaultError> {
    const PAGE: u32 = 1024;
    let (mut count, mut suspects, mut after) = (0, Vec::new(), None);
    loop {
        let page = store.places_after(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for (subject, field, record) in page {
            // A field that the catalogue does not know any more is nobody's business here.
            let Ok(field) = field.parse::<FieldName>() else {
                continue;
            };
            count += 1;
            let of_subject = latest.get_mut(&subject);
            let said = of_subject.and_then(|of_subject| of_subject.remove(&(field, record.clone())));
            suspects.extend(judged(store, subject, field, &record, said).await?);
        }
    }
    for (subject, of_subject) in latest {
        for ((field, record), (entry, digest)) in of_subject {
            suspects.push(Suspect {
                subject,
                field,
                record,
                said: Some((entry, digest)),
                what: Difference::Missing { entry },
            });
        }
    }
    Ok((count, suspects))
}
