//! The edge as clients see it: over HTTP and WebSocket, in front of a real exchange.

mod bad_input;
mod client;
mod limits;
mod orders;
mod public;
mod signing;
mod streams;
mod support;
mod user_data;
mod ws;
