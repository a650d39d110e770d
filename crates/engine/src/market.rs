//! A listed market: its rules, its state, its book, and the arithmetic between lots, ticks and amounts.
//!
//! Products of a valid price and a valid quantity fit in 126 bits: listing checks it. Knows no balances.

use crate::book::Book;
use crate::{Reject, Side};
use ensoex_types::{FeeRate, MarketId, MarketSpec, MarketState, Price, Quantity};

/// See the module's doc.
pub(crate) struct Market {
    pub(crate) id: MarketId,
    pub(crate) spec: MarketSpec,
    pub(crate) state: MarketState,
    pub(crate) book: Book,
    /// Id of the last trade; the first is 1.
    pub(crate) last_trade: u64,
}

impl Market {
    pub(crate) fn new(id: MarketId, spec: MarketSpec) -> Market {
        Market {
            id,
            spec,
            state: MarketState::Trading,
            book: Book::new(),
            last_trade: 0,
        }
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
    #[inline]
    pub(crate) fn need(&self, side: Side, price: u64, lots: u64) -> (usize, u128) {
        match side {
            Side::Buy => (self.quote(), self.value(price, lots)),
            Side::Sell => (self.base(), self.base_amount(lots)),
        }
    }

    /// Orders are taken.
    #[inline]
    pub(crate) fn check_takes_orders(&self) -> Result<(), Reject> {
        match self.state {
            MarketState::Trading => Ok(()),
            MarketState::CancelOnly => Err(Reject::MarketCancelOnly),
            MarketState::Halted => Err(Reject::MarketHalted),
        }
    }

    /// Orders may be cancelled and reduced.
    pub(crate) fn check_takes_cancels(&self) -> Result<(), Reject> {
        match self.state {
            MarketState::Trading | MarketState::CancelOnly => Ok(()),
            MarketState::Halted => Err(Reject::MarketHalted),
        }
    }

    #[inline]
    pub(crate) fn check_price(&self, price: Price) -> Result<(), Reject> {
        if price < self.spec.price_min {
            return Err(Reject::PriceTooLow);
        }
        if price > self.spec.price_max {
            return Err(Reject::PriceTooHigh);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_quantity(&self, quantity: Quantity) -> Result<(), Reject> {
        if quantity < self.spec.quantity_min {
            return Err(Reject::QuantityTooLow);
        }
        if quantity > self.spec.quantity_max {
            return Err(Reject::QuantityTooHigh);
        }
        Ok(())
    }

    /// The value lies within the market's bounds. Bounds are never negative.
    #[inline]
    pub(crate) fn check_notional(&self, value: u128) -> Result<(), Reject> {
        if value < self.spec.notional_min.0.unsigned_abs() {
            return Err(Reject::NotionalTooLow);
        }
        if value > self.spec.notional_max.0.unsigned_abs() {
            return Err(Reject::NotionalTooHigh);
        }
        Ok(())
    }
}

/// `rate` of `amount`, rounded down to the smallest unit: never more than the rate says. Amounts of trades are
/// below 2^120.
#[inline]
pub(crate) fn fee(amount: u128, rate: FeeRate) -> u128 {
    const UNIT: u64 = FeeRate::MAX.0 as u64;
    let rate = u64::from(rate.0);
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
        fn fee_is_the_exact_quotient_rounded_down(amount in 0..u128::from(u64::MAX) * 8, rate in 0..=1_000_000_u32) {
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
            (u128::from(u64::MAX), 1_000_000, u128::from(u64::MAX)),
            (1 << 120, 1_000_000, 1 << 120),
        ] {
            assert_eq!(fee(amount, FeeRate(rate)), expected, "{rate} ppm of {amount}");
        }
    }
}
