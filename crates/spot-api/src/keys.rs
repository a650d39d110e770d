//! Who may do what with which API key: the interface to whoever keeps the keys.
//!
//! Knows no storage, users or sessions. Secrets have neither `Debug` nor `Display`.

use ensoex_types::AccountId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Looks keys up. Implemented by the Service; called once for each signed request, so it should be fast.
pub trait ApiKeys: Send + Sync + 'static {
    /// The key of this name, or `None` when there is none (deleted, never made).
    ///
    /// # Errors
    /// [`ApiKeysUnavailable`] when that cannot be said now; the client is told to try again.
    fn find<'a>(
        &'a self,
        key: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Option<ApiKey>, ApiKeysUnavailable>> + Send + 'a>>;
}

/// An API key: whose it is, what it may do, how its signatures are checked.
#[derive(Clone)]
pub struct ApiKey {
    /// Acts for this account and no other.
    pub account: AccountId,
    /// What it may do.
    pub permissions: Permissions,
    /// Checks its signatures.
    pub verifier: KeyVerifier,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Balances, orders, trades, user data stream.
    pub read: bool,
    /// Place and cancel orders.
    pub trade: bool,
    /// Move money out. Nothing under `/api/v3` does; it is shown in `account`.
    pub withdraw: bool,
}

/// What checks a signature.
#[derive(Clone)]
pub enum KeyVerifier {
    /// HMAC-SHA256 with this secret, as the bytes that the user was shown.
    Hmac(Arc<Zeroizing<Vec<u8>>>),
    /// Ed25519 public key.
    Ed25519([u8; 32]),
}

/// The keys cannot be looked up now.
#[derive(Debug, thiserror::Error)]
#[error("API keys cannot be looked up now")]
pub struct ApiKeysUnavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);
