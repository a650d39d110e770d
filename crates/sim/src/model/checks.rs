//! Why an order is refused before anything happens.

use super::triggers::is_reached;
use super::{Model, number};
use ensoex_engine::{OrderKind, Reject, Side, Trigger};
use ensoex_types::{AccountId, ClientOrderId, MarketId, MarketSpec, MarketState, Price, Quantity};

const MILLION: i128 = 1_000_000;

/// Lowest and highest price allowed around `reference`, if the market has a band.
pub(super) fn band(spec: &MarketSpec, reference: i128) -> Option<(i128, i128)> {
    let band = spec.price_band?;
    let lowest = reference - reference * i128::from(band.below) / MILLION;
    let highest = reference + reference * i128::from(band.above) / MILLION;
    Some((lowest, highest))
}

pub(super) fn check_notional(spec: &MarketSpec, value: i128) -> Result<(), Reject> {
    match value {
        value if value < spec.notional_min.0 => Err(Reject::NotionalTooLow),
        value if value > spec.notional_max.0 => Err(Reject::NotionalTooHigh),
        _ => Ok(()),
    }
}

fn check_value(spec: &MarketSpec, price: Price, quantity: Quantity) -> Result<(), Reject> {
    check_notional(
        spec,
        number(price) * i128::from(quantity.0) * i128::from(spec.tick_value),
    )
}

fn check_quantity(spec: &MarketSpec, quantity: Quantity) -> Result<(), Reject> {
    match quantity {
        quantity if quantity < spec.quantity_min => Err(Reject::QuantityTooLow),
        quantity if quantity > spec.quantity_max => Err(Reject::QuantityTooHigh),
        _ => Ok(()),
    }
}

fn check_price(spec: &MarketSpec, price: Price) -> Result<(), Reject> {
    match price {
        price if price < spec.price_min => Err(Reject::PriceTooLow),
        price if price > spec.price_max => Err(Reject::PriceTooHigh),
        _ => Ok(()),
    }
}

fn check_band(spec: &MarketSpec, price: Price, reference: Option<i128>) -> Result<(), Reject> {
    match reference.and_then(|reference| band(spec, reference)) {
        Some((lowest, _)) if number(price) < lowest => Err(Reject::PriceBelowBand),
        Some((_, highest)) if number(price) > highest => Err(Reject::PriceAboveBand),
        _ => Ok(()),
    }
}

fn check_trigger(side: Side, trigger: Trigger, stop_price: Price, last: Option<i128>) -> Result<(), Reject> {
    match last {
        Some(last) if is_reached(trigger, side, stop_price, last) => Err(Reject::StopWouldTrigger),
        _ => Ok(()),
    }
}

impl Model {
    /// The market and the account exist, and orders are taken from the one in the other.
    pub(super) fn check_entry(&self, account: AccountId, market: MarketId) -> Result<(), Reject> {
        let market = self.known_market(market)?;
        self.known_account(account)?;
        if self.restricted(account).no_trade {
            return Err(Reject::AccountMayNotTrade);
        }
        match market.state {
            MarketState::Trading => Ok(()),
            MarketState::CancelOnly => Err(Reject::MarketCancelOnly),
            MarketState::Halted => Err(Reject::MarketHalted),
            MarketState::Delisted => Err(Reject::MarketDelisted),
        }
    }

    /// What the order alone says, in a known market.
    pub(super) fn check_kind(&self, market: MarketId, side: Side, kind: OrderKind) -> Result<(), Reject> {
        let market = self.known_market(market)?;
        let (spec, last) = (&market.spec, market.last_price);
        match kind {
            OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
                check_price(spec, price)?;
                check_band(spec, price, last)?;
                check_quantity(spec, quantity)?;
                check_value(spec, price, quantity)
            }
            OrderKind::Market { quantity } => check_quantity(spec, quantity),
            OrderKind::MarketQuote { quote } if quote.0 < 1 => Err(Reject::InvalidAmount),
            OrderKind::MarketQuote { quote } => check_notional(spec, quote.0),
            OrderKind::Stop {
                trigger,
                stop_price,
                quantity,
            } => {
                check_price(spec, stop_price)?;
                check_quantity(spec, quantity)?;
                check_value(spec, stop_price, quantity)?;
                check_trigger(side, trigger, stop_price, last)
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
                check_band(spec, price, Some(number(stop_price)))?;
                check_quantity(spec, quantity)?;
                check_value(spec, price, quantity)?;
                check_trigger(side, trigger, stop_price, last)
            }
        }
    }

    /// No open order of the account, in whatever market, has this name.
    pub(super) fn check_name(&self, account: AccountId, name: ClientOrderId) -> Result<(), Reject> {
        let mut own = self.waiting.iter().filter(|order| order.account == account);
        if !name.is_empty() && own.any(|order| order.name == name) {
            return Err(Reject::DuplicateClientOrderId);
        }
        Ok(())
    }

    /// The account may have so many more open orders and, among them, waiting stops in the market.
    pub(super) fn check_room(
        &self,
        account: AccountId,
        market: MarketId,
        orders: usize,
        stops: usize,
    ) -> Result<(), Reject> {
        let spec = &self.known_market(market)?.spec;
        let (mut open, mut open_stops) = (0, 0);
        for order in &self.waiting {
            if order.account == account && order.market == market {
                open += 1;
                if order.awaits().is_some() {
                    open_stops += 1;
                }
            }
        }
        if orders > 0 && open + orders > spec.orders_per_account_max as usize {
            return Err(Reject::TooManyOrders);
        }
        if stops > 0 && open_stops + stops > spec.stops_per_account_max as usize {
            return Err(Reject::TooManyStops);
        }
        Ok(())
    }
}
