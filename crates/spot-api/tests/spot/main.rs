//! The edge as clients see it: over HTTP and WebSocket, in front of a real exchange.

mod bad_input;
mod client;
mod limits;
mod lists;
mod orders;
mod public;
mod random;
mod self_trade;
mod signing;
mod stops;
mod streams;
mod support;
mod user_data;
mod ws;
