//! A new order as the page sends it, read into the engine's words, and refused where its fields do not fit together.

use crate::problem::Problem;
use ensoex_engine::{OrderKind, Side, TimeInForce, Trigger};
use ensoex_exchange::MarketListing;
use ensoex_types::{ClientOrderId, DecimalError, Price, Quantity};
use serde::Deserialize;
use utoipa::ToSchema;

/// A new order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    pub(super) symbol: String,
    #[schema(value_type = String)]
    side: SideName,
    /// `limit`, `market`, `limit_maker` (post-only), or one that waits until a trade reaches its stop price: `stop_loss`
    /// and `take_profit` are market orders then, `stop_loss_limit` and `take_profit_limit` limit orders.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: KindName,
    /// `gtc` (the default), `ioc` or `fok`; for limit orders.
    #[schema(value_type = Option<String>)]
    time_in_force: Option<TimeInForceName>,
    price: Option<String>,
    /// For orders that wait: a stop-loss for the price to move against you, a take-profit for it to move your way.
    stop_price: Option<String>,
    quantity: Option<String>,
    /// Instead of a quantity, for market orders: how much quote to spend or receive at most.
    quote_quantity: Option<String>,
    /// Your own name for the order, unique among your open ones; a retry with the same name cannot place twice.
    pub(super) client_order_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SideName {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Limit,
    Market,
    LimitMaker,
    StopLoss,
    StopLossLimit,
    TakeProfit,
    TakeProfitLimit,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimeInForceName {
    Gtc,
    Ioc,
    Fok,
}

impl NewOrder {
    /// Its side.
    pub(super) fn side(&self) -> Side {
        self.side.into()
    }
}

impl From<SideName> for Side {
    fn from(name: SideName) -> Side {
        match name {
            SideName::Buy => Side::Buy,
            SideName::Sell => Side::Sell,
        }
    }
}

/// A client order id in the characters that one may have.
pub(super) fn check_client_order_id(text: &str) -> Result<ClientOrderId, Problem> {
    let named = ClientOrderId::new(text).ok().filter(|id| !id.is_empty());
    named.ok_or_else(|| {
        let detail = "A client order id has 1 to 36 of the characters A-Z a-z 0-9 . : / _ and -.";
        Problem::bad_request("invalid_client_order_id", detail).field("client_order_id")
    })
}

fn missing(field: &'static str, detail: &str) -> Problem {
    Problem::bad_request("missing_field", detail).field(field)
}

fn unexpected(field: &'static str, detail: &str) -> Problem {
    Problem::bad_request("unexpected_field", detail).field(field)
}

/// How the order is priced.
pub(super) fn read_kind(market: &MarketListing, new: &NewOrder) -> Result<OrderKind, Problem> {
    let waits = stop_trigger(new.kind).is_some();
    if !waits && new.stop_price.is_some() {
        let detail = "Only stop-loss and take-profit orders take a stop price.";
        return Err(unexpected("stop_price", detail));
    }
    let takes_time_in_force = matches!(
        new.kind,
        KindName::Limit | KindName::StopLossLimit | KindName::TakeProfitLimit
    );
    if !takes_time_in_force && new.time_in_force.is_some() {
        return Err(unexpected(
            "time_in_force",
            "Only limit orders take a time in force.",
        ));
    }
    let market_priced = matches!(
        new.kind,
        KindName::Market | KindName::StopLoss | KindName::TakeProfit
    );
    if market_priced && new.price.is_some() {
        return Err(unexpected("price", "A market order takes no price."));
    }
    if new.quote_quantity.is_some() && !matches!(new.kind, KindName::Market) {
        return Err(unexpected(
            "quote_quantity",
            "Only market orders take a quote quantity.",
        ));
    }
    let time_in_force = match new.time_in_force {
        None | Some(TimeInForceName::Gtc) => TimeInForce::Gtc,
        Some(TimeInForceName::Ioc) => TimeInForce::Ioc,
        Some(TimeInForceName::Fok) => TimeInForce::Fok,
    };
    let price = || read_price(market, new.price.as_deref(), "price", "Enter a price.");
    let quantity = || read_quantity(market, new.quantity.as_deref());
    let stop_price = || {
        let text = new.stop_price.as_deref();
        read_price(market, text, "stop_price", "Enter a stop price.")
    };
    Ok(match (new.kind, stop_trigger(new.kind)) {
        (KindName::Limit, _) => OrderKind::Limit {
            price: price()?,
            quantity: quantity()?,
            time_in_force,
        },
        (KindName::LimitMaker, _) => OrderKind::LimitMaker {
            price: price()?,
            quantity: quantity()?,
        },
        (KindName::StopLossLimit | KindName::TakeProfitLimit, Some(trigger)) => OrderKind::StopLimit {
            trigger,
            stop_price: stop_price()?,
            price: price()?,
            quantity: quantity()?,
            time_in_force,
        },
        (_, Some(trigger)) => OrderKind::Stop {
            trigger,
            stop_price: stop_price()?,
            quantity: quantity()?,
        },
        (_, None) => read_market_kind(market, new)?,
    })
}

fn stop_trigger(kind: KindName) -> Option<Trigger> {
    match kind {
        KindName::Limit | KindName::Market | KindName::LimitMaker => None,
        KindName::StopLoss | KindName::StopLossLimit => Some(Trigger::StopLoss),
        KindName::TakeProfit | KindName::TakeProfitLimit => Some(Trigger::TakeProfit),
    }
}

/// A price, which must be there.
pub(super) fn read_price(
    market: &MarketListing,
    text: Option<&str>,
    field: &'static str,
    ask: &str,
) -> Result<Price, Problem> {
    let text = text.ok_or_else(|| missing(field, ask))?;
    market.parse_price(text).map_err(|error| {
        let step = market.tick_size_text();
        decimal_problem(
            error,
            field,
            "price_precision",
            short(&step),
            "price_out_of_range",
        )
    })
}

/// A quantity, which must be there.
pub(super) fn read_quantity(market: &MarketListing, text: Option<&str>) -> Result<Quantity, Problem> {
    let text = text.ok_or_else(|| missing("quantity", "Enter a quantity."))?;
    market.parse_quantity(text).map_err(|error| {
        let step = market.lot_size_text();
        decimal_problem(
            error,
            "quantity",
            "quantity_precision",
            short(&step),
            "quantity_too_high",
        )
    })
}

fn read_market_kind(market: &MarketListing, new: &NewOrder) -> Result<OrderKind, Problem> {
    match (&new.quantity, &new.quote_quantity) {
        (Some(text), None) => Ok(OrderKind::Market {
            quantity: read_quantity(market, Some(text))?,
        }),
        (None, Some(text)) => {
            let quote = market.parse_quote(text).map_err(|error| {
                let unit = market.quote_text(ensoex_types::Amount(1));
                decimal_problem(
                    error,
                    "quote_quantity",
                    "quantity_precision",
                    &unit,
                    "quantity_too_high",
                )
            })?;
            Ok(OrderKind::MarketQuote { quote })
        }
        _ => Err(missing(
            "quantity",
            "Enter either a quantity or a quote quantity.",
        )),
    }
}

/// Without the zeros at the end.
fn short(decimal: &str) -> &str {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.')
    } else {
        decimal
    }
}

fn decimal_problem(
    error: DecimalError,
    field: &'static str,
    precision: &'static str,
    step: &str,
    too_large: &'static str,
) -> Problem {
    match error {
        DecimalError::Malformed => {
            Problem::bad_request("invalid_amount", "Write digits with a point, for example 0.5.").field(field)
        }
        DecimalError::TooPrecise => Problem::bad_request(precision, format!("Use a multiple of {step}."))
            .field(field)
            .with("limit", step),
        DecimalError::TooLarge => Problem::bad_request(too_large, "This number is too large.").field(field),
    }
}
