//! Simulation: a naive reference model, seeded random commands, neutral order flow and benchmarks.
//!
//! What proves the engine lives here and is not part of what runs in service. Knows no HTTP, log or storage.

pub mod bench;
pub mod commands;
pub mod compare;
pub mod generate;
pub mod model;
pub mod naive_book;
pub mod random;
pub mod workload;
