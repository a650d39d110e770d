//! `ensoex bench`: measurements that anyone can repeat.

pub mod api;
mod connection;
pub mod engine;
mod latency;
