//! The key that signs the heads of the access log, and the chain of those before it.
//!
//! A key hands over by signing the next one's public half; only the newest is kept, and the hand-overs for good. The next key
//! signs nothing before its hand-over is durable, so whoever trusts an older key always finds the way to a newer one. This module
//! does not know when keys are renewed (`vault::rotating`).

use std::sync::PoisonError;

use ed25519_dalek::SigningKey;
use ensoex_merkle::Hash;
use ensoex_sql::Database;

use super::KeyStore;
use super::service_keys::{Generation, ServiceKey, ServiceKeys};
use crate::access_report::{KeyHandover, SignedHead};
use crate::error::VaultError;

ensoex_sql::statements! {
    STATEMENTS;
    HANDOVERS = "SELECT generation, body FROM head_handovers ORDER BY generation";
    HAND_OVER = "INSERT INTO head_handovers (generation, body) VALUES ($1, $2)";
}

/// What signs heads.
pub(super) struct HeadSigner {
    generation: Generation,
    key: SigningKey,
    handovers: Vec<KeyHandover>,
}

impl HeadSigner {
    /// The newest key that was handed over to, or the first.
    pub(super) async fn open(database: &Database, keys: &ServiceKeys) -> Result<Self, VaultError> {
        let generations = keys.generations(ServiceKey::AccessLog);
        let (mut generation, _) = *generations.first().ok_or(VaultError::Integrity)?;
        let mut handovers = Vec::new();
        for row in database.fetch_all(HANDOVERS).await? {
            generation = row.get::<i64>("generation")? as Generation;
            let handover = serde_json::from_str(row.get::<&str>("body")?);
            handovers.push(handover.map_err(|_| VaultError::Integrity)?);
        }
        let key = keys.get(ServiceKey::AccessLog, generation)?;
        Ok(Self {
            generation,
            key: SigningKey::from_bytes(&key),
            handovers,
        })
    }
}

impl KeyStore {
    /// Signs a state of the access log, with the hand-overs of all keys until now.
    pub(crate) fn sign_head(&self, size: u64, root: &Hash, at_ms: u64) -> SignedHead {
        let signer = self.head_signer.read().unwrap_or_else(PoisonError::into_inner);
        SignedHead::sign(size, root, at_ms, &signer.key, signer.handovers.clone())
    }

    /// The public half of the key that signs heads now.
    pub(crate) fn head_public_key(&self) -> [u8; 32] {
        let signer = self.head_signer.read().unwrap_or_else(PoisonError::into_inner);
        signer.key.verifying_key().to_bytes()
    }

    /// The next key that is to sign heads, if one was made.
    fn next_head_key(&self) -> Result<Option<(Generation, SigningKey)>, VaultError> {
        let (generation, key) = self.service_keys.current(ServiceKey::AccessLog)?;
        let signer = self.head_signer.read().unwrap_or_else(PoisonError::into_inner);
        Ok((generation > signer.generation).then(|| (generation, SigningKey::from_bytes(&key))))
    }

    /// The public half of the next key that is to sign heads, if one was made and not handed over to.
    pub(crate) fn next_head_public_key(&self) -> Result<Option<[u8; 32]>, VaultError> {
        let next = self.next_head_key()?;
        Ok(next.map(|(_, key)| key.verifying_key().to_bytes()))
    }

    /// Lets the key that signs heads hand over to the next, durably, at this state of the access log.
    pub(crate) async fn hand_over_heads(&self, size: u64, root: &Hash, at_ms: u64) -> Result<(), VaultError> {
        let Some((generation, key)) = self.next_head_key()? else {
            return Ok(());
        };
        let handover = {
            let signer = self.head_signer.read().unwrap_or_else(PoisonError::into_inner);
            KeyHandover::sign(&key.verifying_key().to_bytes(), size, root, at_ms, &signer.key)
        };
        let body = serde_json::to_string(&handover).map_err(|_| VaultError::Integrity)?;
        self.database
            .execute(HAND_OVER.bind(i64::from(generation)).bind(body))
            .await?;
        let mut signer = self.head_signer.write().unwrap_or_else(PoisonError::into_inner);
        signer.handovers.push(handover);
        (signer.generation, signer.key) = (generation, key);
        Ok(())
    }
}
