//! Statements to a person: the erasure certificate, receipts of requests. Each is a leaf of the access log.

use std::collections::{BTreeMap, BTreeSet};

use super::{Parts, Vault};
use crate::access_leaf::{AccessLeaf, Draft, Operation, Outcome};
use crate::database::now_ms;
use crate::error::VaultError;
use crate::law::Law;
use crate::request::AccessRequest;
use crate::statement::{
    DestroyedField, ErasureStatement, HeldField, ProvenStatement, RequestStatement, STATEMENT_SCHEMA,
    Statement,
};
use crate::subject::SubjectId;

impl Vault {
    /// The certificate of a subject's erasure. It says the same each time; the first call enters it in the access log.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] when the subject was not erased, [`VaultError::AccessLogUnavailable`], [`VaultError::Storage`].
    pub async fn erasure_certificate(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<ProvenStatement, VaultError> {
        let Some(erased_at_ms) = self.parts.keys.erased_at_ms(subject).await? else {
            return Err(VaultError::NotFound);
        };
        let leaves = self.parts.log.leaves_of(subject).await?;
        let statement = Statement::Erasure(erasure_of(subject, erased_at_ms, &leaves));
        let digest = digest_of(&statement)?;
        let known = leaves
            .iter()
            .find(|leaf| leaf.operation == Operation::State && leaf.statement.as_ref() == Some(&digest));
        let index = match known {
            Some(leaf) => leaf.index,
            None => self.parts.state(subject, digest, request).await?,
        };
        self.parts.prove(statement, index).await
    }

    /// States how far a person's request has come, with its entry in the access log. Each call is an entry.
    ///
    /// # Errors
    /// [`VaultError::AccessLogUnavailable`], [`VaultError::Denied`], [`VaultError::Storage`].
    pub async fn state_request(
        &self,
        statement: RequestStatement,
        request: &AccessRequest,
    ) -> Result<ProvenStatement, VaultError> {
        let (subject, statement) = (statement.subject, Statement::Request(statement));
        let index = self
            .parts
            .state(&subject, digest_of(&statement)?, request)
            .await?;
        self.parts.prove(statement, index).await
    }

    /// Every subject whose keys were destroyed.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn erased_subjects(&self) -> Result<Vec<SubjectId>, VaultError> {
        self.parts.keys.erased_subjects().await
    }
}

impl Parts {
    /// Enters a statement in the access log; gives its entry's number.
    async fn state(
        &self,
        subject: &SubjectId,
        digest: String,
        request: &AccessRequest,
    ) -> Result<u64, VaultError> {
        let mut draft = Draft::new(Operation::State, *subject, request);
        draft.statement = Some(digest);
        self.allow(draft, request).await
    }

    /// The statement with its entry's proof under a fresh head.
    async fn prove(&self, statement: Statement, index: u64) -> Result<ProvenStatement, VaultError> {
        let (size, root) = self.log.head();
        let entry = self.log.entry(index, size).await?;
        Ok(ProvenStatement {
            schema: STATEMENT_SCHEMA.to_owned(),
            statement,
            leaf: entry.leaf,
            proof: entry.proof,
            head: self.keys.sign_head(size, &root, now_ms()),
        })
    }
}

fn digest_of(statement: &Statement) -> Result<String, VaultError> {
    statement.digest().map_err(|_| VaultError::Integrity)
}

/// What the entries before the erasure say was held.
fn erasure_of(subject: &SubjectId, erased_at_ms: u64, leaves: &[AccessLeaf]) -> ErasureStatement {
    let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut holds: BTreeMap<&str, (Law, u64)> = BTreeMap::new();
    let mut ordered_by_entry = None;
    for leaf in leaves.iter().filter(|leaf| leaf.outcome == Outcome::Granted) {
        let field = leaf.field.as_deref().unwrap_or_default();
        match leaf.operation {
            Operation::Store => {
                held.entry(field).or_default().insert(&leaf.record);
            }
            Operation::Remove => {
                if let Some(records) = held.get_mut(field) {
                    records.remove(leaf.record.as_str());
                }
            }
            Operation::PlaceHold => {
                if let Some(hold) = leaf.law.zip(leaf.until_ms) {
                    holds.insert(field, hold);
                }
            }
            Operation::LiftHold => {
                holds.remove(field);
            }
            Operation::Erase => {
                ordered_by_entry = Some(leaf.index);
                break;
            }
            _ => {}
        }
    }
    holds.retain(|_, (_, until_ms)| *until_ms > erased_at_ms);
    let (mut destroyed, mut kept) = (Vec::new(), Vec::new());
    for (field, records) in held.into_iter().filter(|(_, records)| !records.is_empty()) {
        let (name, values) = (field.to_owned(), records.len() as u64);
        match holds.get(field) {
            Some((law, until_ms)) => kept.push(HeldField {
                field: name,
                values,
                law: *law,
                until_ms: *until_ms,
            }),
            None => destroyed.push(DestroyedField { field: name, values }),
        }
    }
    ErasureStatement {
        subject: *subject,
        erased_at_ms,
        ordered_by_entry,
        destroyed,
        held: kept,
    }
}
