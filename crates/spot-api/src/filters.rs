//! A market's bounds, for orders that do not reach the engine: what `order/test` can say.
//!
//! The engine judges every order that is placed by itself; this repeats its order of checks. Knows no account.

use crate::error::SpotError;
use ensoex_engine::{OrderKind, Reject, Side};
use ensoex_types::{Amount, MarketSpec, Price, Quantity};

/// Parts per million in one.
const MILLION: u128 = 1_000_000;

/// The order keeps the market's bounds; `last` is the last trade's price, if there was one.
pub(crate) fn check_filters(
    spec: &MarketSpec,
    side: Side,
    kind: OrderKind,
    last: Option<Price>,
) -> Result<(), SpotError> {
    match kind {
        OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
            check_price(spec, price)?;
            check_band(spec, price, last)?;
            check_quantity(spec, quantity)?;
            check_notional(spec, price, quantity)
        }
        OrderKind::Market { quantity } => check_quantity(spec, quantity),
        OrderKind::MarketQuote { quote } => check_value(spec, Some(quote.0)),
        OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        } => {
            check_price(spec, stop_price)?;
            check_quantity(spec, quantity)?;
            check_notional(spec, stop_price, quantity)?;
            check_waits(last, |last| trigger.is_reached(side, stop_price, last))
        }
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            ..
        } => {
            check_price(spec, stop_price)?;
            check_price(spec, price)?;
            check_band(spec, price, Some(stop_price))?;
            check_quantity(spec, quantity)?;
            check_notional(spec, price, quantity)?;
            check_waits(last, |last| trigger.is_reached(side, stop_price, last))
        }
    }
}

fn check_price(spec: &MarketSpec, price: Price) -> Result<(), SpotError> {
    if (spec.price_min..=spec.price_max).contains(&price) {
        Ok(())
    } else {
        Err(SpotError::Filter("PRICE_FILTER"))
    }
}

fn check_band(spec: &MarketSpec, price: Price, reference: Option<Price>) -> Result<(), SpotError> {
    let (Some(band), Some(reference)) = (spec.price_band, reference) else {
        return Ok(());
    };
    let share = |parts: u32| u128::from(reference.0) * u128::from(parts) / MILLION;
    let lowest = u128::from(reference.0).saturating_sub(share(band.below));
    let highest = u128::from(reference.0) + share(band.above);
    if (lowest..=highest).contains(&u128::from(price.0)) {
        Ok(())
    } else {
        Err(SpotError::Rejected(Reject::PriceAboveBand))
    }
}

fn check_quantity(spec: &MarketSpec, quantity: Quantity) -> Result<(), SpotError> {
    if (spec.quantity_min..=spec.quantity_max).contains(&quantity) {
        Ok(())
    } else {
        Err(SpotError::Filter("LOT_SIZE"))
    }
}

fn check_notional(spec: &MarketSpec, price: Price, quantity: Quantity) -> Result<(), SpotError> {
    let ticks = i128::from(price.0).checked_mul(i128::from(quantity.0));
    check_value(
        spec,
        ticks.and_then(|ticks| ticks.checked_mul(i128::from(spec.tick_value))),
    )
}

fn check_value(spec: &MarketSpec, value: Option<i128>) -> Result<(), SpotError> {
    match value {
        Some(value) if (spec.notional_min..=spec.notional_max).contains(&Amount(value)) => Ok(()),
        _ => Err(SpotError::Filter("NOTIONAL")),
    }
}

fn check_waits(last: Option<Price>, is_reached: impl Fn(Price) -> bool) -> Result<(), SpotError> {
    if last.is_some_and(is_reached) {
        Err(SpotError::Rejected(Reject::StopWouldTrigger))
    } else {
        Ok(())
    }
}
