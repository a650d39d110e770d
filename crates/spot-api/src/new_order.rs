//! A new order: read, checked against what the convention says of its parameters, placed.
//!
//! Funds, the book and open orders are the engine's to judge; nothing here looks at them first.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::filters::check_filters;
use crate::order_kind::{client_order_id, not_for_symbol, read_kind, read_self_trade_prevention, read_side};
use crate::order_values::{Placed, ResponseType, placed_value};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::words::random_client_order_id;
use ensoex_engine::{Event, OrderKind, PlaceOrder, SelfTradePrevention, Side};
use ensoex_exchange::{MarketListing, Outcome};
use ensoex_types::{AccountId, ClientOrderId, FeeRate, FeeRates, MarketState, OrderId, format_decimal};
use serde_json::{Value, json};

/// An order as the client asked for it.
pub(crate) struct NewOrder {
    pub(crate) listing: MarketListing,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) self_trade_prevention: SelfTradePrevention,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) response: ResponseType,
}

const PEGGED: &str = "Pegged orders are not supported for this symbol.";
/// Parameters of features that no market has, with the convention's answer.
const NOT_FOR_SYMBOL: [(&str, &str); 5] = [
    ("icebergQty", ICEBERG),
    ("trailingDelta", TRAILING),
    ("pegPriceType", PEGGED),
    ("pegOffsetType", PEGGED),
    ("pegOffsetValue", PEGGED),
];
/// What an iceberg quantity is answered.
pub(crate) const ICEBERG: &str = "Iceberg orders are not supported for this symbol.";
/// What a trailing delta is answered.
pub(crate) const TRAILING: &str = "Trailing stop orders are not supported for this symbol.";

impl NewOrder {
    /// Reads all parameters of a new order, but does not say that there are no others.
    pub(crate) fn read(spot: &Spot, params: &mut Params) -> Result<NewOrder, SpotError> {
        let listing = spot.listing(params)?;
        let side = read_side(params)?;
        let order_type = params.mandatory("type")?;
        not_for_symbol(params, &NOT_FOR_SYMBOL)?;
        let self_trade_prevention = read_self_trade_prevention(params)?;
        let kind = read_kind(&listing, &order_type, params)?;
        let default = match kind {
            OrderKind::Limit { .. } | OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => {
                ResponseType::Full
            }
            OrderKind::LimitMaker { .. } | OrderKind::Stop { .. } | OrderKind::StopLimit { .. } => {
                ResponseType::Ack
            }
        };
        let response = ResponseType::read(params, default)?;
        let client_order_id = match client_order_id(params, "newClientOrderId")? {
            Some(id) => id,
            None => random_client_order_id()?,
        };
        Ok(NewOrder {
            listing,
            side,
            kind,
            self_trade_prevention,
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
            self_trade_prevention: self.self_trade_prevention,
            client_order_id: self.client_order_id,
        }
    }

    /// What its command did, as the client wants to hear it.
    ///
    /// # Errors
    /// The engine's refusal.
    pub(crate) fn answer(&self, outcome: &Outcome) -> Result<Value, SpotError> {
        if let Some(order) = accepted(outcome) {
            let placed = Placed {
                order,
                list: None,
                side: self.side,
                kind: self.kind,
                self_trade_prevention: self.self_trade_prevention,
                client_order_id: self.client_order_id,
            };
            return Ok(placed_value(&self.listing, &placed, outcome, self.response));
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
        self.limiter
            .orders_placed(caller.account, 1, &self.limits, now_ms())?;
        let command = ensoex_engine::Command::PlaceOrder(order.command(caller.account));
        order.answer(&self.submit(command).await?)
    }

    /// `order/test`: everything that can be said without the engine.
    pub(crate) fn test_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let order = NewOrder::read(self, params)?;
        let rates = params.boolean("computeCommissionRates")?.unwrap_or(false);
        params.finish()?;
        let market = order.listing.market;
        let (state, last) = self
            .exchange
            .read(|engine| (engine.market_state(market), engine.last_price(market)));
        if state != Some(MarketState::Trading) {
            return Err(SpotError::MarketClosed);
        }
        check_filters(&order.listing.spec, order.side, order.kind, last)?;
        if !rates {
            return Ok(json!({}));
        }
        let fees = self.fees_of(caller.account, &order.listing);
        let none = json!({ "maker": rate_text(FeeRate(0)), "taker": rate_text(FeeRate(0)) });
        Ok(json!({
            "standardCommissionForOrder": { "maker": rate_text(fees.maker), "taker": rate_text(fees.taker) },
            "specialCommissionForOrder": none,
            "taxCommissionForOrder": none,
            "discount": no_discount(),
        }))
    }

    /// What an account pays in a market now.
    pub(crate) fn fees_of(&self, account: AccountId, listing: &MarketListing) -> FeeRates {
        let fees = self
            .exchange
            .read(|engine| engine.account_fees(account, listing.market));
        fees.map_or_else(|| listing.spec.base_fees(), |fees| fees.rates)
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
