//! A Service that follows another's log: public market data, and nothing that records or knows a person.
//!
//! It ends as a standby when its exchange has become the primary (asked over the socket, or because the other's lease expired),
//! and the caller opens the rest. Everything that it cannot serve is answered 503 with a sentence.

use crate::front::{Front, try_again};
use crate::takeover::TakeoverSocket;
use crate::{ServiceConfig, ServiceError, start_spot};
use axum::response::Response;
use ensoex_exchange::Exchange;
use ensoex_spot_api::{ApiKey, ApiKeys, ApiKeysUnavailable};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Serves what a standby can until it is one no longer.
pub(crate) async fn run(
    config: &ServiceConfig,
    front: &Front,
    exchange: &Exchange,
) -> Result<(), ServiceError> {
    let socket = TakeoverSocket::listen(&config.data_directory)?;
    let spot = start_spot(exchange, Arc::new(NoKeys)).await?;
    let routes = spot.public_router().fallback(turned_away);
    front.open_as_standby(routes, spot);
    tracing::info!("this Service is a standby: it serves market data and follows the log");
    // Ends when the exchange is a standby no longer, after it has answered whoever asked for that.
    socket.serve(exchange).await;
    Ok(())
}

async fn turned_away() -> Response {
    try_again(
        "standby",
        "This is a standby: it serves market data only. Nothing was moved; ask the primary, or try again in a moment.",
    )
}

/// A standby knows no keys; none of the routes that it serves asks for one.
struct NoKeys;

impl ApiKeys for NoKeys {
    fn find(
        &self,
        _key: &str,
    ) -> Pin<Box<dyn Future<Output = Result<Option<ApiKey>, ApiKeysUnavailable>> + Send + '_>> {
        Box::pin(async { Err(ApiKeysUnavailable("this is a standby".into())) })
    }
}
