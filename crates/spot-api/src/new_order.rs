//! A new order: read, checked against what the convention says of its parameters, placed.
//!
//! Funds, the book and open orders are the engine's to judge; nothing here looks at them first.

use crate::clock::now_ms;
use crate::error::{CLIENT_ORDER_ID_RANGE, DECIMAL_RANGE, SpotError};
use crate::order_values::{ResponseType, placed_value};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::words::{SELF_TRADE_PREVENTION, random_client_order_id};
use ensoex_engine::{Event, OrderKind, PlaceOrder, Side, TimeInForce};
use ensoex_exchange::{MarketListing, Outcome};
use ensoex_types::{
    AccountId, Amount, DecimalError, FeeRate, MarketState, OrderId, Price, Quantity, format_decimal,
    parse_decimal,
};
use serde_json::{Value, json};

/// An order as the client asked for it.
pub(crate) struct NewOrder {
    pub(crate) listing: MarketListing,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) client_order_id: String,
    pub(crate) response: ResponseType,
}

/// Parameters of features that no market has, with the convention's answer.
const NOT_FOR_SYMBOL: [(&str, &str); 5] = [
    ("icebergQty", "Iceberg orders are not supported for this symbol."),
    (
        "trailingDelta",
        "Trailing stop orders are not supported for this symbol.",
    ),
    ("pegPriceType", "Pegged orders are not supported for this symbol."),
    (
        "pegOffsetType",
        "Pegged orders are not supported for this symbol.",
    ),
    (
        "pegOffsetValue",
        "Pegged orders are not supported for this symbol.",
    ),
];
/// Order types that no market takes, with the convention's answer.
const TYPES_NOT_FOR_SYMBOL: [(&str, &str); 4] = [
    ("STOP_LOSS", "Stop loss orders are not supported for this symbol."),
    (
        "STOP_LOSS_LIMIT",
        "Stop loss limit orders are not supported for this symbol.",
    ),
    (
        "TAKE_PROFIT",
        "Take profit orders are not supported for this symbol.",
    ),
    (
        "TAKE_PROFIT_LIMIT",
        "Take profit limit orders are not supported for this symbol.",
    ),
];

impl NewOrder {
    /// Reads all parameters of a new order, but does not say that there are no others.
    pub(crate) fn read(spot: &Spot, params: &mut Params) -> Result<NewOrder, SpotError> {
        let listing = spot.listing(params)?;
        let side = match params.mandatory("side")?.as_str() {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            _ => return Err(SpotError::Side),
        };
        let order_type = params.mandatory("type")?;
        if let Some((_, text)) = TYPES_NOT_FOR_SYMBOL
            .into_iter()
            .find(|(name, _)| *name == order_type)
        {
            return Err(SpotError::NotForSymbol(text));
        }
        for (name, text) in NOT_FOR_SYMBOL {
            if params.text(name).is_some_and(|value| !is_zero(&value)) {
                return Err(SpotError::NotForSymbol(text));
            }
        }
        if params
            .text("selfTradePreventionMode")
            .is_some_and(|mode| mode != SELF_TRADE_PREVENTION)
        {
            return Err(SpotError::InvalidValue("selfTradePreventionMode"));
        }
        let kind = read_kind(&listing, &order_type, params)?;
        let response = match params.text("newOrderRespType").as_deref() {
            Some("ACK") => ResponseType::Ack,
            Some("RESULT") => ResponseType::Result,
            Some("FULL") => ResponseType::Full,
            Some(_) => return Err(SpotError::InvalidValue("newOrderRespType")),
            None if order_type == "LIMIT_MAKER" => ResponseType::Ack,
            None => ResponseType::Full,
        };
        let client_order_id = match client_order_id(params, "newClientOrderId")? {
            Some(id) => id,
            None => random_client_order_id()?,
        };
        Ok(NewOrder {
            listing,
            side,
            kind,
            client_order_id,
            response,
        })
    }

    /// The command that places it.
    pub(crate) fn command(&self, account: AccountId) -> PlaceOrder {
        PlaceOrder {
            account,
            market: self.listing.market,
            side: self.side,
            kind: self.kind,
            client_order_id: self.client_order_id.clone(),
        }
    }

    /// What its command did, as the client wants to hear it.
    ///
    /// # Errors
    /// The engine's refusal.
    pub(crate) fn answer(&self, outcome: &Outcome) -> Result<Value, SpotError> {
        if let Some(order) = accepted(outcome) {
            let placed = (self.side, self.kind, self.client_order_id.as_str());
            return Ok(placed_value(&self.listing, placed, outcome, order, self.response));
        }
        Err(outcome.reject().map_or(SpotError::Unknown, SpotError::Rejected))
    }
}

/// The order that a command's events accepted.
pub(crate) fn accepted(outcome: &Outcome) -> Option<OrderId> {
    outcome.events.iter().find_map(|event| match event {
        Event::OrderAccepted { order, .. } => Some(*order),
        _ => None,
    })
}

impl Spot {
    /// `order` (POST).
    pub(crate) async fn place_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let order = NewOrder::read(self, params)?;
        params.finish()?;
        self.limiter.order(caller.account, &self.limits, now_ms())?;
        let command = ensoex_engine::Command::PlaceOrder(order.command(caller.account));
        order.answer(&self.submit(command).await?)
    }

    /// `order/test`: everything that can be said without the engine.
    pub(crate) fn test_order(&self, params: &mut Params) -> Result<Value, SpotError> {
        let order = NewOrder::read(self, params)?;
        let rates = params.boolean("computeCommissionRates")?.unwrap_or(false);
        params.finish()?;
        let state = self
            .exchange
            .read(|engine| engine.market_state(order.listing.market));
        if state != Some(MarketState::Trading) {
            return Err(SpotError::MarketClosed);
        }
        order.check_filters()?;
        if !rates {
            return Ok(json!({}));
        }
        let spec = &order.listing.spec;
        let none = json!({ "maker": rate_text(FeeRate(0)), "taker": rate_text(FeeRate(0)) });
        Ok(json!({
            "standardCommissionForOrder": { "maker": rate_text(spec.maker_fee), "taker": rate_text(spec.taker_fee) },
            "specialCommissionForOrder": none,
            "taxCommissionForOrder": none,
            "discount": no_discount(),
        }))
    }
}

impl NewOrder {
    /// The market's bounds, for orders that do not reach the engine.
    fn check_filters(&self) -> Result<(), SpotError> {
        let spec = &self.listing.spec;
        let in_lots = |quantity: Quantity| (spec.quantity_min..=spec.quantity_max).contains(&quantity);
        let value = match self.kind {
            OrderKind::Limit { price, quantity, .. } | OrderKind::LimitMaker { price, quantity } => {
                if !(spec.price_min..=spec.price_max).contains(&price) {
                    return Err(SpotError::Filter("PRICE_FILTER"));
                }
                if !in_lots(quantity) {
                    return Err(SpotError::Filter("LOT_SIZE"));
                }
                let ticks = i128::from(price.0).checked_mul(i128::from(quantity.0));
                ticks.and_then(|ticks| ticks.checked_mul(i128::from(spec.tick_value)))
            }
            OrderKind::Market { quantity } if in_lots(quantity) => return Ok(()),
            OrderKind::Market { .. } => return Err(SpotError::Filter("LOT_SIZE")),
            OrderKind::MarketQuote { quote } => Some(quote.0),
        };
        match value {
            Some(value) if (spec.notional_min..=spec.notional_max).contains(&Amount(value)) => Ok(()),
            _ => Err(SpotError::Filter("NOTIONAL")),
        }
    }
}

/// Commission as a share with eight decimals.
pub(crate) fn rate_text(rate: FeeRate) -> String {
    format_decimal(i128::from(rate.0) * 100, 8)
}

/// No asset makes fees cheaper.
pub(crate) fn no_discount() -> Value {
    json!({ "enabledForAccount": false, "enabledForSymbol": false, "discountAsset": null,
        "discount": rate_text(FeeRate(0)) })
}

fn read_kind(listing: &MarketListing, order_type: &str, params: &mut Params) -> Result<OrderKind, SpotError> {
    let (limit, market) = (order_type == "LIMIT", order_type == "MARKET");
    if !limit && !market && order_type != "LIMIT_MAKER" {
        return Err(SpotError::OrderType);
    }
    not_required(params, &["stopPrice", "strategyId", "strategyType"])?;
    if !limit {
        not_required(params, &["timeInForce"])?;
    }
    if market {
        not_required(params, &["price"])?;
        return read_market_kind(listing, params);
    }
    not_required(params, &["quoteOrderQty"])?;
    let time_in_force = if limit {
        Some(read_time_in_force(params)?)
    } else {
        None
    };
    let quantity = read_quantity(listing, &params.mandatory("quantity")?)?;
    let price = read_price(listing, &params.mandatory("price")?)?;
    Ok(match time_in_force {
        Some(time_in_force) => OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        },
        None => OrderKind::LimitMaker { price, quantity },
    })
}

fn read_market_kind(listing: &MarketListing, params: &mut Params) -> Result<OrderKind, SpotError> {
    match (params.text("quantity"), params.text("quoteOrderQty")) {
        (Some(_), Some(_)) => Err(SpotError::BadCombination),
        (Some(quantity), None) => Ok(OrderKind::Market {
            quantity: read_quantity(listing, &quantity)?,
        }),
        (None, Some(quote)) => {
            let scale = listing.quote.scale;
            let quote = read_decimal("quoteOrderQty", &quote, scale)?;
            let quote = quote
                .filter(|quote| *quote > 0)
                .ok_or(SpotError::Filter("NOTIONAL"))?;
            Ok(OrderKind::MarketQuote { quote: Amount(quote) })
        }
        (None, None) => Err(SpotError::MandatoryEither("quantity", "quoteOrderQty")),
    }
}

fn read_time_in_force(params: &mut Params) -> Result<TimeInForce, SpotError> {
    match params.mandatory("timeInForce")?.as_str() {
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        _ => Err(SpotError::TimeInForce),
    }
}

fn read_price(listing: &MarketListing, text: &str) -> Result<Price, SpotError> {
    let scale = listing.spec.price_scale.max(listing.quote.scale);
    let Some(positive) = read_decimal("price", text, scale)? else {
        return Err(SpotError::Filter("PRICE_FILTER"));
    };
    let price = listing.parse_price(text).ok().filter(|_| positive > 0);
    price.ok_or(SpotError::Filter("PRICE_FILTER"))
}

fn read_quantity(listing: &MarketListing, text: &str) -> Result<Quantity, SpotError> {
    let Some(positive) = read_decimal("quantity", text, listing.base.scale)? else {
        return Err(SpotError::Filter("LOT_SIZE"));
    };
    let quantity = listing.parse_quantity(text).ok().filter(|_| positive > 0);
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

/// A client order id, if sent, within its alphabet and length.
pub(crate) fn client_order_id(params: &mut Params, name: &'static str) -> Result<Option<String>, SpotError> {
    let Some(id) = params.text(name) else {
        return Ok(None);
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-');
    if id.len() <= 36 && id.bytes().all(legal) {
        return Ok(Some(id));
    }
    Err(SpotError::IllegalCharacters {
        name,
        range: CLIENT_ORDER_ID_RANGE,
    })
}

fn not_required(params: &mut Params, names: &[&'static str]) -> Result<(), SpotError> {
    match names.iter().find(|name| params.text(name).is_some()) {
        Some(name) => Err(SpotError::NotRequired(name)),
        None => Ok(()),
    }
}

/// Clients send zeros for "none".
fn is_zero(text: &str) -> bool {
    parse_decimal(text, 18) == Ok(0)
}
