//! How an order is priced, read from a request's parameters, and refused where they do not belong together.
//!
//! Knows one market's units and no account, book or bound: those are the engine's to judge.

use crate::error::{CLIENT_ORDER_ID_RANGE, DECIMAL_RANGE, SpotError};
use crate::params::Params;
use crate::words::{SELF_TRADE_PREVENTIONS, self_trade_prevention_text};
use ensoex_engine::{OcoKind, OrderKind, SelfTradePrevention, Side, TimeInForce, Trigger};
use ensoex_exchange::MarketListing;
use ensoex_types::{Amount, ClientOrderId, DecimalError, Price, Quantity, parse_decimal};

/// Names of the parameters that price one order.
pub(crate) struct PriceNames {
    pub(crate) price: &'static str,
    pub(crate) stop_price: &'static str,
    pub(crate) trailing_delta: &'static str,
    pub(crate) time_in_force: &'static str,
}

/// The names for an order alone.
const ALONE: PriceNames = PriceNames {
    price: "price",
    stop_price: "stopPrice",
    trailing_delta: "trailingDelta",
    time_in_force: "timeInForce",
};

/// `BUY` or `SELL`.
pub(crate) fn read_side(params: &mut Params) -> Result<Side, SpotError> {
    match params.mandatory("side")?.as_str() {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(SpotError::Side),
    }
}

/// The kind of an order alone, by its `type`.
pub(crate) fn read_kind(
    listing: &MarketListing,
    order_type: &str,
    params: &mut Params,
) -> Result<OrderKind, SpotError> {
    not_required(params, &["strategyId", "strategyType"])?;
    match order_type {
        "MARKET" => {
            not_required(params, &["timeInForce", "price", "stopPrice"])?;
            read_market_kind(listing, params)
        }
        "LIMIT" => {
            not_required(params, &["quoteOrderQty", "stopPrice"])?;
            let time_in_force = read_time_in_force(params, "timeInForce")?;
            let quantity = read_quantity(listing, params)?;
            Ok(OrderKind::Limit {
                price: read_price(listing, "price", params)?,
                quantity,
                time_in_force,
            })
        }
        _ => {
            let Some(contingent) = ContingentType::parse(order_type) else {
                return Err(SpotError::OrderType);
            };
            not_required(params, &["quoteOrderQty"])?;
            let priced = contingent.read(listing, &ALONE, params)?;
            Ok(priced.of(read_quantity(listing, params)?))
        }
    }
}

/// The order types that may stand alone or in a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContingentType {
    LimitMaker,
    Stop(Trigger),
    StopLimit(Trigger),
}

impl ContingentType {
    /// The type of this name, if it is one of these.
    pub(crate) fn parse(name: &str) -> Option<ContingentType> {
        Some(match name {
            "LIMIT_MAKER" => ContingentType::LimitMaker,
            "STOP_LOSS" => ContingentType::Stop(Trigger::StopLoss),
            "STOP_LOSS_LIMIT" => ContingentType::StopLimit(Trigger::StopLoss),
            "TAKE_PROFIT" => ContingentType::Stop(Trigger::TakeProfit),
            "TAKE_PROFIT_LIMIT" => ContingentType::StopLimit(Trigger::TakeProfit),
            _ => return None,
        })
    }

    /// Reads what this type must have, and refuses what it must not.
    pub(crate) fn read(
        self,
        listing: &MarketListing,
        names: &PriceNames,
        params: &mut Params,
    ) -> Result<OcoKind, SpotError> {
        match self {
            ContingentType::LimitMaker => {
                not_required(params, &[names.time_in_force, names.stop_price])?;
                Ok(OcoKind::LimitMaker {
                    price: read_price(listing, names.price, params)?,
                })
            }
            ContingentType::Stop(trigger) => {
                not_required(params, &[names.time_in_force, names.price])?;
                Ok(OcoKind::Stop {
                    trigger,
                    stop_price: read_stop_price(listing, names, params)?,
                })
            }
            ContingentType::StopLimit(trigger) => {
                let time_in_force = read_time_in_force(params, names.time_in_force)?;
                let price = read_price(listing, names.price, params)?;
                Ok(OcoKind::StopLimit {
                    trigger,
                    stop_price: read_stop_price(listing, names, params)?,
                    price,
                    time_in_force,
                })
            }
        }
    }
}

fn read_market_kind(listing: &MarketListing, params: &mut Params) -> Result<OrderKind, SpotError> {
    match (params.text("quantity").is_some(), params.text("quoteOrderQty")) {
        (true, Some(_)) => Err(SpotError::BadCombination),
        (true, None) => Ok(OrderKind::Market {
            quantity: read_quantity(listing, params)?,
        }),
        (false, Some(quote)) => {
            let quote = read_decimal("quoteOrderQty", &quote, listing.quote.scale)?;
            let quote = quote
                .filter(|quote| *quote > 0)
                .ok_or(SpotError::Filter("NOTIONAL"))?;
            Ok(OrderKind::MarketQuote { quote: Amount(quote) })
        }
        (false, None) => Err(SpotError::MandatoryEither("quantity", "quoteOrderQty")),
    }
}

/// `GTC`, `IOC` or `FOK`, which must be there.
pub(crate) fn read_time_in_force(params: &mut Params, name: &'static str) -> Result<TimeInForce, SpotError> {
    match params.mandatory(name)?.as_str() {
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        _ => Err(SpotError::TimeInForce),
    }
}

fn read_stop_price(
    listing: &MarketListing,
    names: &PriceNames,
    params: &mut Params,
) -> Result<Price, SpotError> {
    if !params.has(names.stop_price) {
        return Err(SpotError::MandatoryEither(names.stop_price, names.trailing_delta));
    }
    read_price(listing, names.stop_price, params)
}

/// A price in whole ticks, which must be there.
pub(crate) fn read_price(
    listing: &MarketListing,
    name: &'static str,
    params: &mut Params,
) -> Result<Price, SpotError> {
    let text = params.mandatory(name)?;
    let scale = listing.spec.price_scale.max(listing.quote.scale);
    let Some(positive) = read_decimal(name, &text, scale)? else {
        return Err(SpotError::Filter("PRICE_FILTER"));
    };
    let price = listing.parse_price(&text).ok().filter(|_| positive > 0);
    price.ok_or(SpotError::Filter("PRICE_FILTER"))
}

/// `quantity` in whole lots, which must be there.
pub(crate) fn read_quantity(listing: &MarketListing, params: &mut Params) -> Result<Quantity, SpotError> {
    read_lots(listing, "quantity", params)
}

/// A quantity in whole lots, which must be there.
pub(crate) fn read_lots(
    listing: &MarketListing,
    name: &'static str,
    params: &mut Params,
) -> Result<Quantity, SpotError> {
    let text = params.mandatory(name)?;
    let Some(positive) = read_decimal(name, &text, listing.base.scale)? else {
        return Err(SpotError::Filter("LOT_SIZE"));
    };
    let quantity = listing.parse_quantity(&text).ok().filter(|_| positive > 0);
    quantity.ok_or(SpotError::Filter("LOT_SIZE"))
}

/// A decimal at a scale; none when it is too large to hold.
fn read_decimal(name: &'static str, text: &str, scale: u8) -> Result<Option<i128>, SpotError> {
    let long = text.split('.').any(|part| part.len() > 20);
    match parse_decimal(text, scale) {
        Err(DecimalError::Malformed) => Err(SpotError::IllegalCharacters {
            name,
            range: DECIMAL_RANGE,
        }),
        _ if long => Err(SpotError::IllegalCharacters {
            name,
            range: DECIMAL_RANGE,
        }),
        Err(DecimalError::TooPrecise) => Err(SpotError::TooPrecise(name)),
        Err(DecimalError::TooLarge) => Ok(None),
        Ok(value) => Ok(Some(value)),
    }
}

/// What happens when the order meets one of the same account. `NONE` and `TRANSFER` are words of the convention that
/// no market takes: here nobody trades with himself.
pub(crate) fn read_self_trade_prevention(params: &mut Params) -> Result<SelfTradePrevention, SpotError> {
    let Some(name) = params.text("selfTradePreventionMode") else {
        return Ok(SelfTradePrevention::default());
    };
    let allowed = SELF_TRADE_PREVENTIONS
        .into_iter()
        .find(|mode| self_trade_prevention_text(*mode) == name);
    match (allowed, name.as_str()) {
        (Some(mode), _) => Ok(mode),
        (None, "NONE" | "TRANSFER") => Err(SpotError::NotForSymbol(
            "This symbol does not allow the specified self-trade prevention mode.",
        )),
        (None, _) => Err(SpotError::InvalidValue("selfTradePreventionMode")),
    }
}

/// A client order id, if sent, within its alphabet and length.
pub(crate) fn client_order_id(
    params: &mut Params,
    name: &'static str,
) -> Result<Option<ClientOrderId>, SpotError> {
    let Some(id) = params.text(name) else {
        return Ok(None);
    };
    let id = ClientOrderId::new(&id).map_err(|_| SpotError::IllegalCharacters {
        name,
        range: CLIENT_ORDER_ID_RANGE,
    })?;
    Ok(Some(id))
}

/// Refuses parameters that do not belong to the order's type.
pub(crate) fn not_required(params: &mut Params, names: &[&'static str]) -> Result<(), SpotError> {
    match names.iter().find(|name| params.text(name).is_some()) {
        Some(name) => Err(SpotError::NotRequired(name)),
        None => Ok(()),
    }
}

/// Refuses features that no market has, unless zeros are sent for "none".
pub(crate) fn not_for_symbol(
    params: &mut Params,
    features: &[(&'static str, &'static str)],
) -> Result<(), SpotError> {
    for (name, text) in features {
        if params.text(name).is_some_and(|value| !is_zero(&value)) {
            return Err(SpotError::NotForSymbol(text));
        }
    }
    Ok(())
}

fn is_zero(text: &str) -> bool {
    parse_decimal(text, 18) == Ok(0)
}
