//! What the vault tells: what is held about a subject, who looked, and the signed heads of the access log.

use std::collections::HashSet;

use serde::Serialize;

use super::{Parts, Vault};
use crate::access_leaf::AccessLeaf;
use crate::access_report::{AccessReport, REPORT_SCHEMA, SignedHead};
use crate::catalogue::FieldName;
use crate::database::now_ms;
use crate::error::VaultError;
use crate::personal::Personal;
use crate::request::{AccessRequest, RecordName};
use crate::subject::SubjectId;

/// One value that is held about a subject, without the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldValue {
    /// The field.
    pub field: FieldName,
    /// Which of several values of the field; empty for the only one.
    pub record: String,
    /// How often it has been written.
    pub version: u64,
    /// When it was last written, in milliseconds since 1970-01-01 UTC.
    pub stored_at_ms: u64,
}

impl Vault {
    /// Everything that is held about the subject, as JSON for the person. Credentials are named but
    /// not shown. Each opened value is an entry in the log.
    ///
    /// # Errors
    /// Those of [`Vault::read`].
    pub async fn export(
        &self,
        subject: &SubjectId,
        request: &AccessRequest,
    ) -> Result<Personal<String>, VaultError> {
        crate::export::export(self, subject, request).await
    }

    /// What is held about the subject, without the values.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub async fn held_values(&self, subject: &SubjectId) -> Result<Vec<HeldValue>, VaultError> {
        let held = self.parts.records.held(subject).await?;
        let value = |(field, record, version, stored_at_ms): (_, RecordName, _, _)| HeldValue {
            field,
            record: record.as_str().to_owned(),
            version,
            stored_at_ms,
        };
        Ok(held.into_iter().map(value).collect())
    }

    /// The state of the access log, signed.
    pub fn access_log_head(&self) -> SignedHead {
        let (size, root) = self.parts.log.head();
        self.parts.keys.sign_head(size, &root, now_ms())
    }

    /// The Ed25519 public key that signs the heads now.
    pub fn access_log_public_key(&self) -> [u8; 32] {
        self.parts.keys.head_public_key()
    }

    /// How often a key that opens persons' values was opened since the vault was: never without an entry before it. A rotation
    /// of the layers `purposes` and `subjects` opens them too, to seal them anew, and opens no value.
    pub fn keys_opened(&self) -> u64 {
        self.parts.keys.keys_opened()
    }

    /// The proof (hexadecimal hashes, RFC 9162) that the log of `second` entries continues the log
    /// of `first`, where `0 < first ≤ second ≤` its size.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] for other sizes, [`VaultError::Storage`].
    pub async fn access_log_consistency(&self, first: u64, second: u64) -> Result<Vec<String>, VaultError> {
        self.parts.log.consistency(first, second).await
    }

    /// Recomputes the access log's tree from its entries; gives their number.
    ///
    /// # Errors
    /// [`VaultError::AccessLogTampered`], [`VaultError::Storage`].
    pub async fn audit_access_log(&self) -> Result<u64, VaultError> {
        self.parts.log.audit().await
    }

    /// The newest entries about the subject, newest first, at most `limit`; none of a case that an order keeps from them yet.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn recent_accesses(
        &self,
        subject: &SubjectId,
        limit: u32,
    ) -> Result<Vec<AccessLeaf>, VaultError> {
        let mut leaves = self.parts.log.recent(subject, limit).await?;
        let silent = self.parts.silent(subject).await?;
        leaves.retain(|leaf| !is_of(&silent, leaf));
        Ok(leaves)
    }

    /// Every entry about the subject, oldest first; none of a case that an order keeps from them yet.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn accesses(&self, subject: &SubjectId) -> Result<Vec<AccessLeaf>, VaultError> {
        let mut leaves = self.parts.log.leaves_of(subject).await?;
        let silent = self.parts.silent(subject).await?;
        leaves.retain(|leaf| !is_of(&silent, leaf));
        Ok(leaves)
    }

    /// Every entry about the subject, but of cases that an order keeps from them yet, with its inclusion proof, under one signed head: the
    /// file that [`crate::verify_access_report`] checks offline.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::AccessLogTampered`].
    pub async fn access_report(&self, subject: &SubjectId) -> Result<AccessReport, VaultError> {
        let head = self.access_log_head();
        let mut entries = self.parts.log.proven(subject, head.size).await?;
        let silent = self.parts.silent(subject).await?;
        if !silent.is_empty() {
            entries.retain(|entry| {
                serde_json::from_str::<AccessLeaf>(&entry.leaf).is_ok_and(|leaf| !is_of(&silent, &leaf))
            });
        }
        Ok(AccessReport {
            schema: REPORT_SCHEMA.to_owned(),
            subject: *subject,
            head,
            entries,
        })
    }
}

impl Parts {
    /// The cases of which the subject must not learn yet, because the order that they answer says so.
    async fn silent(&self, subject: &SubjectId) -> Result<HashSet<String>, VaultError> {
        self.staff.store.silent(subject, self.staff.clock.now_ms()).await
    }
}

fn is_of(cases: &HashSet<String>, leaf: &AccessLeaf) -> bool {
    leaf.case.as_ref().is_some_and(|case| cases.contains(case))
}
