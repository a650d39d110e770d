//! What an asset and a market are: scales, tick, lot, fees, limits, state.

use crate::{Amount, AssetId, Price, Quantity};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An asset: its code (1 to 8 of `A-Z0-9`) and scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetSpec {
    /// For example `BTC`.
    pub code: String,
    /// Decimals of the smallest unit, 0 to 18.
    pub scale: u8,
}

/// Parts per million of what is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeeRate(pub u32);

impl FeeRate {
    /// 100 %.
    pub const MAX: FeeRate = FeeRate(1_000_000);
}

/// What a trade costs its two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRates {
    /// On what the maker receives.
    pub maker: FeeRate,
    /// On what the taker receives.
    pub taker: FeeRate,
}

/// How far a price may lie from the last trade's, in parts per million of it; both edges are allowed, and the
/// distance is rounded down to whole ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBand {
    /// Below; at most 1,000,000.
    pub below: u32,
    /// Above; at most [`PriceBand::ABOVE_MAX`].
    pub above: u32,
}

impl PriceBand {
    /// A thousand times the last price.
    pub const ABOVE_MAX: u32 = 1_000_000_000;
}

/// A market of `base` priced in `quote`.
///
/// One lot is `lot_size` smallest units of base; one tick is `tick_value` smallest units of quote *per lot*.
/// So a fill of `q` lots at `p` ticks moves `q × lot_size` base units and `p × q × tick_value` quote
/// units, exactly, with no rounding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketSpec {
    /// API name, for example `BTCEUR`.
    pub symbol: String,
    /// What is traded.
    pub base: AssetId,
    /// What prices it.
    pub quote: AssetId,
    /// Smallest base units in a lot; at least 1.
    pub lot_size: u64,
    /// Smallest quote units that one lot costs at a price of one tick; at least 1.
    pub tick_value: u64,
    /// Decimals of the price as people write it: one tick = `tick_units × 10^-price_scale` quote per 1 base.
    pub price_scale: u8,
    /// See `price_scale`; at least 1.
    pub tick_units: u64,
    /// Least and greatest price, in ticks.
    pub price_min: Price,
    /// Greatest price, in ticks.
    pub price_max: Price,
    /// Least order quantity, in lots.
    pub quantity_min: Quantity,
    /// Greatest order quantity, in lots.
    pub quantity_max: Quantity,
    /// Least value of an order, in smallest quote units.
    pub notional_min: Amount,
    /// Greatest value of an order, in smallest quote units.
    pub notional_max: Amount,
    /// Distance from the last trade's price that is allowed; none if there is no band.
    pub price_band: Option<PriceBand>,
    /// Open orders one account may have in this market, waiting stops included.
    pub orders_per_account_max: u32,
    /// Waiting stop and take-profit orders one account may have in this market.
    pub stops_per_account_max: u32,
    /// Fees by tier, 1 to [`FEE_TIERS_MAX`] of them; accounts in a higher tier pay the last.
    pub fees: Vec<FeeRates>,
}

/// Most fee tiers.
pub const FEE_TIERS_MAX: usize = 16;

/// Whether a market takes orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarketState {
    /// Orders are taken and matched.
    #[default]
    Trading,
    /// Only cancels.
    CancelOnly,
    /// Nothing.
    Halted,
    /// Nothing, for ever; all its orders were closed.
    Delisted,
}

/// Why a specification cannot be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecError {
    /// Code or symbol is empty, too long or not of `A-Z0-9`.
    Name,
    /// Scale above 18.
    Scale,
    /// Lot, tick value or tick units is zero.
    ZeroUnit,
    /// A least bound lies above its greatest one, or is zero where it may not be.
    Bounds,
    /// Base and quote are the same.
    SameAsset,
    /// No fee tier, too many, or a fee above 100 %.
    Fee,
    /// `price_max` or `quantity_max` does not fit in 63 bits, or `price_max × quantity_max × tick_value` or
    /// `quantity_max × lot_size` not in 126.
    Overflow,
}

impl AssetSpec {
    /// Code and scale are within limits.
    pub fn check(&self) -> Result<(), SpecError> {
        check_name(&self.code, 8)?;
        if self.scale > 18 {
            return Err(SpecError::Scale);
        }
        Ok(())
    }
}

impl MarketSpec {
    /// Fees of accounts without a tier; zero if there are none, which cannot be listed.
    pub fn base_fees(&self) -> FeeRates {
        self.fees.first().copied().unwrap_or_default()
    }

    /// Every bound holds and no product of a valid price and quantity overflows.
    pub fn check(&self) -> Result<(), SpecError> {
        check_name(&self.symbol, 16)?;
        if self.base == self.quote {
            return Err(SpecError::SameAsset);
        }
        if self.lot_size == 0 || self.tick_value == 0 || self.tick_units == 0 {
            return Err(SpecError::ZeroUnit);
        }
        if self.price_scale > 18 {
            return Err(SpecError::Scale);
        }
        let bounds = self.price_min.0 >= 1
            && self.price_min <= self.price_max
            && self.quantity_min.0 >= 1
            && self.quantity_min <= self.quantity_max
            && self.notional_min.0 >= 0
            && self.notional_min <= self.notional_max
            && self.orders_per_account_max >= 1
            && self
                .price_band
                .is_none_or(|band| band.below <= FeeRate::MAX.0 && band.above <= PriceBand::ABOVE_MAX);
        if !bounds {
            return Err(SpecError::Bounds);
        }
        let fair = |fees: &FeeRates| fees.maker <= FeeRate::MAX && fees.taker <= FeeRate::MAX;
        if !(1..=FEE_TIERS_MAX).contains(&self.fees.len()) || !self.fees.iter().all(fair) {
            return Err(SpecError::Fee);
        }
        let quantity = u128::from(self.quantity_max.0);
        let base = quantity.checked_mul(u128::from(self.lot_size));
        let quote = u128::from(self.price_max.0)
            .checked_mul(quantity)
            .and_then(|product| product.checked_mul(u128::from(self.tick_value)));
        let fits = |amount: Option<u128>| amount.is_some_and(|value| value < 1 << 126);
        let ordinary = self.price_max.0 < 1 << 63 && self.quantity_max.0 < 1 << 63;
        if ordinary && fits(base) && fits(quote) {
            Ok(())
        } else {
            Err(SpecError::Overflow)
        }
    }
}

fn check_name(name: &str, length_max: usize) -> Result<(), SpecError> {
    let valid = !name.is_empty()
        && name.len() <= length_max
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if valid { Ok(()) } else { Err(SpecError::Name) }
}
