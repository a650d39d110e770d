//! What every request needs: the exchange, the keys, the limits, the counters, the streams.

use crate::clock::now_us;
use crate::error::SpotError;
use crate::hub::Hub;
use crate::keys::{ApiKey, ApiKeys, KeyVerifier, Permissions};
use crate::limits::{Limits, RateLimiter};
use crate::params::{Params, micros};
use ensoex_engine::Command;
use ensoex_exchange::{Exchange, MarketListing, Outcome};
use ensoex_types::{AccountId, parse_decimal};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// `recvWindow` when none is sent, in microseconds.
const RECV_WINDOW_DEFAULT_US: u64 = 5_000_000;
/// Greatest `recvWindow`, in microseconds.
const RECV_WINDOW_MAX_US: u64 = 60_000_000;
/// How far a client's clock may be ahead, in microseconds.
const AHEAD_MAX_US: u64 = 1_000_000;
/// Longest name of an API key that is looked up.
const KEY_LENGTH_MAX: usize = 128;

/// State shared by all routes.
pub(crate) struct Spot {
    pub(crate) exchange: Exchange,
    pub(crate) keys: Arc<dyn ApiKeys>,
    pub(crate) limits: Limits,
    pub(crate) limiter: RateLimiter,
    pub(crate) hub: Arc<Hub>,
    /// Room for WebSocket connections.
    pub(crate) connections: Arc<Semaphore>,
}

/// Who asks, once the signature was found good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) permissions: Permissions,
}

impl Caller {
    /// The caller that a key stands for.
    pub(crate) fn of(key: &ApiKey) -> Caller {
        Caller {
            account: key.account,
            permissions: key.permissions,
        }
    }
}

impl Spot {
    /// Looks a key up by its name.
    pub(crate) async fn key(&self, name: &str) -> Result<ApiKey, SpotError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > KEY_LENGTH_MAX || !name.bytes().all(allowed) {
            return Err(SpotError::KeyFormat);
        }
        self.keys.find(name).await?.ok_or(SpotError::KeyRejected)
    }

    /// Submits a command, and does not wait for ever.
    pub(crate) async fn submit(&self, command: Command) -> Result<Outcome, SpotError> {
        let outcome = timeout(self.limits.submit_time_max, self.exchange.submit(command)).await;
        Ok(outcome.map_err(|_| SpotError::TimedOut)??)
    }

    /// The market that `symbol` names.
    pub(crate) fn listing(&self, params: &mut Params) -> Result<MarketListing, SpotError> {
        let symbol = params.mandatory("symbol")?;
        self.listing_of(&symbol)
    }

    /// The market of this name.
    pub(crate) fn listing_of(&self, symbol: &str) -> Result<MarketListing, SpotError> {
        check_symbol(symbol)?;
        self.exchange.market_by_symbol(symbol).ok_or(SpotError::Symbol)
    }

    /// All markets, in the order listed. Of those that had one name, one after the other, only the newest.
    pub(crate) fn listings(&self) -> Vec<MarketListing> {
        newest_by_symbol(self.exchange.markets())
    }
}

/// A market that was delisted may have given its name to another one, which is what the name means since.
pub(crate) fn newest_by_symbol(listings: Vec<MarketListing>) -> Vec<MarketListing> {
    let mut seen = HashSet::new();
    let mut newest: Vec<MarketListing> = listings
        .into_iter()
        .rev()
        .filter(|listing| seen.insert(listing.spec.symbol.clone()))
        .collect();
    newest.reverse();
    newest
}

/// The characters that a symbol may have.
fn check_symbol(symbol: &str) -> Result<(), SpotError> {
    let legal =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    if symbol.len() <= 20 && symbol.bytes().all(legal) {
        return Ok(());
    }
    Err(SpotError::IllegalCharacters {
        name: "symbol",
        range: crate::error::SYMBOL_RANGE,
    })
}

/// The signature belongs to one of the payloads (REST has one; a WebSocket request may be signed as it is or
/// percent-encoded).
pub(crate) fn check_signature(
    verifier: &KeyVerifier,
    payloads: &[&str],
    signature: Option<&str>,
) -> Result<(), SpotError> {
    let signature = signature
        .filter(|signature| !signature.is_empty())
        .ok_or(SpotError::Mandatory("signature"))?;
    let valid = |payload: &&str| crate::signature::is_valid(verifier, payload.as_bytes(), signature);
    if payloads.iter().any(valid) {
        Ok(())
    } else {
        Err(SpotError::BadSignature)
    }
}

/// The request is neither too old nor from the future.
pub(crate) fn check_timing(params: &mut Params) -> Result<(), SpotError> {
    let timestamp = params
        .integer("timestamp")?
        .ok_or(SpotError::Mandatory("timestamp"))?;
    let window_us = match params.text("recvWindow") {
        None => RECV_WINDOW_DEFAULT_US,
        Some(text) => parse_decimal(&text, 3)
            .ok()
            .and_then(|window| u64::try_from(window).ok())
            .ok_or(SpotError::IllegalCharacters {
                name: "recvWindow",
                range: crate::error::DECIMAL_RANGE,
            })?,
    };
    if window_us > RECV_WINDOW_MAX_US {
        return Err(SpotError::RecvWindowTooLarge);
    }
    let (timestamp_us, now_us) = (micros(timestamp), now_us());
    if timestamp_us >= now_us.saturating_add(AHEAD_MAX_US) {
        return Err(SpotError::TimestampAhead);
    }
    if now_us.saturating_sub(timestamp_us) > window_us {
        return Err(SpotError::TimestampTooOld);
    }
    Ok(())
}
