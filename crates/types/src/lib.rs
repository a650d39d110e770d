//! The words of the exchange: assets, markets, prices, quantities, amounts and ids.
//!
//! Integers only. A [`Price`] is in ticks, a [`Quantity`] in lots, an [`Amount`] in the smallest
//! unit of its asset. Knows no I/O, clock, randomness or floats.
#![no_std]

extern crate alloc;

mod amount;
mod client_order_id;
mod decimal;
mod ids;
mod market;

pub use amount::{Amount, Price, Quantity};
pub use client_order_id::{ClientOrderId, ClientOrderIdError};
pub use decimal::{DecimalError, format_decimal, parse_decimal};
pub use ids::{AccountId, AssetId, MarketId, OrderId, Sequence, Timestamp, TradeId, TransferId};
pub use market::{
    AssetSpec, FEE_TIERS_MAX, FeeRate, FeeRates, MarketSpec, MarketState, PriceBand, SpecError,
};
