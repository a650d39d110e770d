//! The Binance Spot convention over the exchange: REST under `/api/v3`, public streams under `/ws` and `/stream`,
//! the WebSocket API under `/ws-api/v3`, and what clients look for under `/sapi`, `/fapi` and `/dapi`.
//!
//! The convention is followed as of 2026-07-21, so far as the exchange has what it speaks of; for the rest it answers
//! with the convention's own refusals. Knows no users, sessions, cards or storage: keys come through [`ApiKeys`].
//! No client address and no secret reaches a log.

mod account;
mod amend;
mod book_mirror;
mod cancel;
mod cancel_replace;
mod clock;
mod connection;
mod error;
mod filters;
mod hub;
mod interval;
mod keys;
mod limits;
mod list_queries;
mod list_values;
mod market;
mod mirror;
mod new_list;
mod new_order;
mod operation;
mod order_kind;
mod order_queries;
mod order_values;
mod params;
mod publisher;
mod reject;
mod rest;
mod shared;
mod signature;
mod stream_values;
mod streams;
mod ticker;
mod topic;
mod user_events;
mod words;
mod ws_api;

pub use keys::{ApiKey, ApiKeys, ApiKeysUnavailable, KeyVerifier, Permissions};
pub use limits::Limits;
pub use rest::VisitorAddress;

use axum::Router;
use ensoex_exchange::Exchange;
use std::sync::Arc;

/// Why the edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gives no random numbers.
    #[error("the system's source of randomness does not answer")]
    Randomness,
}

/// The running edge. Cheap to clone; the streams end with [`SpotApi::shut_down`] or the exchange.
#[derive(Clone)]
pub struct SpotApi {
    spot: Arc<shared::Spot>,
}

impl SpotApi {
    /// Starts the streams of `exchange`; signed requests are checked against `keys`. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] when the system gives no random numbers.
    pub async fn start(
        exchange: Exchange,
        keys: Arc<dyn ApiKeys>,
        limits: Limits,
    ) -> Result<SpotApi, StartError> {
        let limiter = limits::RateLimiter::new(clock::now_ms()).map_err(|_| StartError::Randomness)?;
        let connections = Arc::new(tokio::sync::Semaphore::new(limits.connections_max));
        let hub = Arc::new(hub::Hub::default());
        let spot = Arc::new(shared::Spot {
            exchange,
            keys,
            limits: limits.clone(),
            limiter,
            hub,
            connections,
        });
        let publisher = publisher::Publisher::start(&spot).await;
        tokio::spawn(publisher.run(limits.clone()));
        tokio::spawn(publisher::CandleStreams::new(&spot).run(limits));
        Ok(SpotApi { spot })
    }

    /// Market data: REST and streams. Nobody is identified: no session, cookie or key, and the client's address (from
    /// `ConnectInfo<SocketAddr>` or [`VisitorAddress`]) only as a keyed hash in memory, forgotten daily.
    pub fn public_router(&self) -> Router {
        rest::routes(&self.spot, true).merge(streams::routes(&self.spot))
    }

    /// Counts a visit to a public route beside this API with the visitor's other requests; by what their address is counted, see
    /// [`SpotApi::public_router`].
    ///
    /// # Errors
    /// The seconds after which to come again, when the visitor used up what they may in a minute.
    pub fn count_visit(&self, extensions: &axum::http::Extensions, weight: u32) -> Result<(), u64> {
        let (limiter, now_ms) = (&self.spot.limiter, clock::now_ms());
        let counted = limiter
            .visitor(rest::address(extensions), now_ms)
            .and_then(|visitor| limiter.charge(visitor, weight, &self.spot.limits, now_ms));
        // Without random numbers nobody can be counted, and nobody is let in.
        counted
            .map(|_| ())
            .map_err(|error| error.retry_after_s().unwrap_or(1))
    }

    /// Signed REST, the WebSocket API, and the convention's answer to every other path under its prefixes.
    pub fn trading_router(&self) -> Router {
        rest::routes(&self.spot, false)
            .merge(ws_api::routes(&self.spot))
            .merge(rest::unknown_paths())
    }

    /// Tells all WebSocket clients that the service is stopping and closes their connections.
    pub fn shut_down(&self) {
        self.spot.hub.stop();
    }
}
