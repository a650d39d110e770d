//! A listed market: its rules, its state, its book and waiting stops, and the arithmetic between lots, ticks and amounts.
//!
//! Products of a valid price and a valid quantity fit in 126 bits: listing checks it. The price band follows the
//! last trade's price and is kept as two bounds, together with the market's own. Knows no balances.

use crate::book::{Book, Order};
use crate::stops::Stops;
use crate::{Reject, Side};
use core::hint::select_unpredictable;
use ensoex_types::{
    AssetId, FEE_TIERS_MAX, FeeRate, FeeRates, MarketId, MarketSpec, MarketState, Price, Quantity,
};

/// See the module's doc.
pub(crate) struct Market {
    pub(crate) id: MarketId,
    pub(crate) state: MarketState,
    pub(crate) book: Book,
    pub(crate) stops: Stops,
    /// Id of the last trade; the first is 1.
    pub(crate) last_trade: u64,
    /// Price of the last trade, in ticks; 0 before the first.
    pub(crate) last_price: u64,
    /// Prices that a limit order may have now.
    allowed: Bounds,
    quantities: Bounds,
    /// Least value of an order, and the greatest less the least.
    values: (u128, u128),
    /// What an order gives: quote if it buys, base if it sells.
    given: [AssetId; 2],
    /// What a trade costs by tier; the last tier stands for all higher ones.
    rates: [FeeRates; FEE_TIERS_MAX],
    pub(crate) spec: MarketSpec,
}

/// Two bounds, the least first, both allowed. Kept so that one comparison asks for both.
#[derive(Clone, Copy)]
struct Bounds {
    least: u64,
    /// Greatest less least.
    width: u64,
}

impl Bounds {
    fn new(least: u64, greatest: u64) -> Bounds {
        debug_assert!(least <= greatest);
        let width = greatest.saturating_sub(least);
        Bounds { least, width }
    }

    #[inline(always)]
    fn contain(self, value: u64) -> bool {
        value.wrapping_sub(self.least) <= self.width
    }
}

impl Market {
    pub(crate) fn new(id: MarketId, spec: MarketSpec) -> Market {
        Market {
            id,
            state: MarketState::Trading,
            book: Book::new(),
            stops: Stops::default(),
            last_trade: 0,
            last_price: 0,
            allowed: Bounds::new(spec.price_min.0, spec.price_max.0),
            quantities: Bounds::new(spec.quantity_min.0, spec.quantity_max.0),
            values: (
                spec.notional_min.0.unsigned_abs(),
                spec.notional_max.0.abs_diff(spec.notional_min.0),
            ),
            given: [spec.quote, spec.base],
            rates: rates(&spec.fees),
            spec,
        }
    }

    /// Takes over the price of the last trade, which lies within the market's own bounds.
    #[inline]
    pub(crate) fn set_last_price(&mut self, price: u64) {
        if self.last_price == price {
            return;
        }
        self.last_price = price;
        if let Some((lowest, highest)) = self.band(price) {
            self.allowed = Bounds::new(
                self.spec.price_min.0.max(lowest),
                self.spec.price_max.0.min(highest),
            );
        }
    }

    /// Lowest and highest price that the band around `reference` (above 0, below 2^63) allows; no band if there is no
    /// reference.
    #[inline]
    pub(crate) fn band(&self, reference: u64) -> Option<(u64, u64)> {
        let band = self.spec.price_band.filter(|_| reference > 0)?;
        let below = share(reference, band.below);
        let above = share(reference, band.above);
        Some((reference - below, reference.saturating_add(above)))
    }

    /// How far a market order of `side` trades at the worst.
    #[inline]
    pub(crate) fn edge(&self, side: Side) -> u64 {
        match (self.band(self.last_price), side) {
            (Some((_, highest)), Side::Buy) => highest,
            (Some((lowest, _)), Side::Sell) => lowest,
            (None, Side::Buy) => u64::MAX,
            (None, Side::Sell) => 0,
        }
    }

    /// Asset and amount that an open order alone needs.
    #[inline]
    pub(crate) fn need_of(&self, slot: u32, order: &Order) -> (usize, u128) {
        let price = if order.is_stop() {
            self.stops.need_price(order.id())
        } else {
            self.book.price(slot)
        };
        self.need(order.side(), price, order.remaining)
    }

    /// What a trade costs in `tier`, which is below [`FEE_TIERS_MAX`].
    #[inline]
    pub(crate) fn rates(&self, tier: u8) -> FeeRates {
        self.rates[usize::from(tier) % FEE_TIERS_MAX]
    }

    /// Index of the base asset.
    pub(crate) fn base(&self) -> usize {
        usize::from(self.spec.base.0)
    }

    /// Index of the quote asset.
    pub(crate) fn quote(&self) -> usize {
        usize::from(self.spec.quote.0)
    }

    /// Smallest quote units that one lot costs at `price`.
    #[inline]
    pub(crate) fn lot_price(&self, price: u64) -> u128 {
        u128::from(price) * u128::from(self.spec.tick_value)
    }

    /// Smallest quote units that `lots` cost at `price`.
    #[inline]
    pub(crate) fn value(&self, price: u64, lots: u64) -> u128 {
        self.lot_price(price) * u128::from(lots)
    }

    /// Smallest base units in `lots`.
    #[inline]
    pub(crate) fn base_amount(&self, lots: u64) -> u128 {
        u128::from(lots) * u128::from(self.spec.lot_size)
    }

    /// Asset that an order of `side` gives, and how much of it `lots` at `price` need.
    #[inline(always)]
    pub(crate) fn need(&self, side: Side, price: u64, lots: u64) -> (usize, u128) {
        // Sides come as they like: a branch would be guessed wrong half the time.
        let buys = side == Side::Buy;
        let one_lot = select_unpredictable(buys, self.lot_price(price), u128::from(self.spec.lot_size));
        (self.given(side), one_lot * u128::from(lots))
    }

    /// Index of the asset that an order of `side` gives.
    #[inline(always)]
    pub(crate) fn given(&self, side: Side) -> usize {
        usize::from(self.given[side.index()].0)
    }

    /// Orders are taken.
    #[inline(always)]
    pub(crate) fn check_takes_orders(&self) -> Result<(), Reject> {
        if self.state == MarketState::Trading {
            return Ok(());
        }
        Err(self.refusal())
    }

    /// What an order, or else a cancel, is told by a market that does not take it.
    #[cold]
    #[inline(never)]
    fn refusal(&self) -> Reject {
        match self.state {
            MarketState::Trading | MarketState::CancelOnly => Reject::MarketCancelOnly,
            MarketState::Halted => Reject::MarketHalted,
            MarketState::Delisted => Reject::MarketDelisted,
        }
    }

    /// Orders may be cancelled and reduced.
    #[inline(always)]
    pub(crate) fn check_takes_cancels(&self) -> Result<(), Reject> {
        if matches!(self.state, MarketState::Trading | MarketState::CancelOnly) {
            return Ok(());
        }
        Err(self.refusal())
    }

    /// A limit order may have this price now.
    #[inline]
    pub(crate) fn check_price(&self, price: Price) -> Result<(), Reject> {
        if self.allowed.contain(price.0) {
            return Ok(());
        }
        self.refuse_price(price)
    }

    #[cold]
    #[inline(never)]
    fn refuse_price(&self, price: Price) -> Result<(), Reject> {
        self.check_bounds(price)?;
        Err(if price.0 < self.allowed.least {
            Reject::PriceBelowBand
        } else {
            Reject::PriceAboveBand
        })
    }

    /// The price lies within the market's own bounds.
    pub(crate) fn check_bounds(&self, price: Price) -> Result<(), Reject> {
        if price < self.spec.price_min {
            return Err(Reject::PriceTooLow);
        }
        if price > self.spec.price_max {
            return Err(Reject::PriceTooHigh);
        }
        Ok(())
    }

    /// The price lies in the band around the stop price of its own order.
    pub(crate) fn check_stop_limit(&self, stop_price: Price, price: Price) -> Result<(), Reject> {
        match self.band(stop_price.0) {
            Some((lowest, _)) if price.0 < lowest => Err(Reject::PriceBelowBand),
            Some((_, highest)) if price.0 > highest => Err(Reject::PriceAboveBand),
            _ => Ok(()),
        }
    }

    #[inline]
    pub(crate) fn check_quantity(&self, quantity: Quantity) -> Result<(), Reject> {
        if self.quantities.contain(quantity.0) {
            return Ok(());
        }
        Err(if quantity < self.spec.quantity_min {
            Reject::QuantityTooLow
        } else {
            Reject::QuantityTooHigh
        })
    }

    /// The value (below 2^127) lies within the market's bounds.
    #[inline]
    pub(crate) fn check_notional(&self, value: u128) -> Result<(), Reject> {
        let (least, width) = self.values;
        if value.wrapping_sub(least) <= width {
            return Ok(());
        }
        Err(if value < least {
            Reject::NotionalTooLow
        } else {
            Reject::NotionalTooHigh
        })
    }
}

/// Fees by tier, with the last for all that are missing.
fn rates(fees: &[FeeRates]) -> [FeeRates; FEE_TIERS_MAX] {
    let last = fees.last().copied().unwrap_or_default();
    core::array::from_fn(|tier| fees.get(tier).copied().unwrap_or(last))
}

/// `ppm` millionths of `price` (below 2^63), rounded down.
#[inline]
fn share(price: u64, ppm: u32) -> u64 {
    const UNIT: u64 = 1_000_000;
    let (whole, rest) = (price / UNIT, price % UNIT);
    let ppm = u64::from(ppm);
    // The rest's product stays below 10^15; the sum saturates, and a bound of 2^64 allows every price.
    whole.saturating_mul(ppm).saturating_add(rest * ppm / UNIT)
}

/// `rate` of `amount`, rounded down to the smallest unit: never more than the rate says. Amounts of trades are
/// below 2^120.
#[inline]
pub(crate) fn fee(amount: u128, rate: FeeRate) -> u128 {
    const UNIT: u64 = FeeRate::MAX.0 as u64;
    let rate = u64::from(rate.0);
    if amount <= u128::from(u64::MAX / UNIT) {
        return u128::from(amount as u64 * rate / UNIT);
    }
    if let Ok(amount) = u64::try_from(amount) {
        // Whole millions and the rest apart, so that 64 bits suffice.
        return u128::from(amount / UNIT * rate + amount % UNIT * rate / UNIT);
    }
    let (unit, rate) = (u128::from(UNIT), u128::from(rate));
    amount / unit * rate + amount % unit * rate / unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn share_is_the_exact_quotient_rounded_down(price in 1..1_u64 << 63, ppm in 0..=1_000_000_000_u32) {
            let exact = u128::from(price) * u128::from(ppm) / 1_000_000;
            prop_assert_eq!(share(price, ppm), u64::try_from(exact).unwrap_or(u64::MAX));
        }

        #[test]
        fn fee_is_the_exact_quotient_rounded_down(amount in 0..u128::from(u64::MAX) * 8, shift in 0..60, rate in 0..=1_000_000_u32) {
            let amount = amount >> shift;
            prop_assert_eq!(fee(amount, FeeRate(rate)), amount * u128::from(rate) / 1_000_000);
        }
    }

    #[test]
    fn fee_at_its_edges() {
        for (amount, rate, expected) in [
            (0, 1_000_000, 0),
            (1, 999_999, 0),
            (1, 1_000_000, 1),
            (999, 1_000, 0),
            (1_000, 1_000, 1),
            (
                u128::from(u64::MAX / 1_000_000),
                1_000_000,
                u128::from(u64::MAX / 1_000_000),
            ),
            (
                u128::from(u64::MAX / 1_000_000) + 1,
                1_000_000,
                u128::from(u64::MAX / 1_000_000) + 1,
            ),
            (u128::from(u64::MAX), 1_000_000, u128::from(u64::MAX)),
            (1 << 120, 1_000_000, 1 << 120),
        ] {
            assert_eq!(fee(amount, FeeRate(rate)), expected, "{rate} ppm of {amount}");
        }
    }
}
