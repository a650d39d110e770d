//! Whether the sealed records are those that the access log says were stored: byte for byte, and none more or less.
//!
//! Each entry that stores or renews a value has the digest of the sealed record. It needs no key, opens nothing and changes
//! nothing, so anybody with copies of the two databases can do it, of a backup too. It does not know whether the log itself is
//! the one that was published: compare its root with a signed head. A value that was announced and, because the vault was
//! stopped that moment, never written is named as well; the vault itself goes on with the version before.

use std::collections::BTreeMap;

use ensoex_sql::{Address, Database};

use crate::access_leaf::{AccessLeaf, Operation, Outcome};
use crate::access_log::{self, ACCESS_LOG};
use crate::catalogue::FieldName;
use crate::error::VaultError;
use crate::key_store::Place;
use crate::record_store::RecordStore;
use crate::request::RecordName;
use crate::subject::SubjectId;
use ensoex_merkle::Hash;

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

/// By person, then by field and record: the entry that stored it, and the digest that it says.
type Latest = BTreeMap<SubjectId, BTreeMap<(FieldName, String), (u64, Option<Hash>)>>;

/// Compares every record with the latest entry that stored it.
///
/// # Errors
/// [`VaultError::AccessLogTampered`] when the log's own tree does not fit its entries; [`VaultError::Storage`].
pub async fn audit_records(records: &Address, access_log: &Address) -> Result<RecordAudit, VaultError> {
    let log = Database::open_read_only(access_log, &ACCESS_LOG).await?;
    let mut latest = Latest::new();
    let walked = access_log::walk(&log, |leaf| note(&mut latest, leaf)).await;
    log.close().await;
    let (entries, root) = walked?;
    let store = RecordStore::open_read_only(records).await?;
    let compared = compare(&store, latest).await;
    store.close().await;
    let (records, mut differences) = compared?;
    let different = differences.len() as u64;
    differences.truncate(DIFFERENCES_MAX);
    Ok(RecordAudit {
        entries,
        root: hex::encode(root),
        records,
        different,
        differences,
    })
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

async fn compare(
    store: &RecordStore,
    mut latest: Latest,
) -> Result<(u64, Vec<RecordDifference>), VaultError> {
    const PAGE: u32 = 1024;
    let (mut count, mut differences, mut after) = (0, Vec::new(), None);
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
            let name = RecordName::stored(record.clone());
            let place = Place {
                subject: &subject,
                field,
                record: &name,
            };
            let of_subject = latest.get_mut(&subject);
            let said = of_subject.and_then(|of_subject| of_subject.remove(&(field, record.clone())));
            let found = store.load(place).await?.map(|record| record.digest());
            let what = match said {
                None => Difference::NotStored,
                Some((_, Some(digest))) if found == Some(digest) => continue,
                Some((entry, _)) => Difference::Other { entry },
            };
            differences.push(RecordDifference {
                subject,
                field,
                record,
                what,
            });
        }
    }
    for (subject, of_subject) in latest {
        for ((field, record), (entry, _)) in of_subject {
            differences.push(RecordDifference {
                subject,
                field,
                record,
                what: Difference::Missing { entry },
            });
        }
    }
    Ok((count, differences))
}
