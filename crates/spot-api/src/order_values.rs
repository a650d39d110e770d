//! Orders and trades of an account in the convention's shapes.

use crate::error::SpotError;
use crate::params::Params;
use crate::words::{
    expiry_reason, kind_parts, self_trade_prevention_text, side_text, status_after, status_text,
};
use ensoex_engine::{CloseReason, Event, OrderKind, SelfTradePrevention, Side, Trade};
use ensoex_exchange::{MarketListing, OrderRow, OrderStatus, Outcome, PreventedMatchRow, TradeRow};
use ensoex_types::{Amount, ClientOrderId, OrderId, Price, Quantity};
use serde_json::{Map, Value, json};

/// How much of a new order the client wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseType {
    Ack,
    Result,
    Full,
}

impl ResponseType {
    /// Reads `newOrderRespType`.
    pub(crate) fn read(params: &mut Params, default: ResponseType) -> Result<ResponseType, SpotError> {
        match params.text("newOrderRespType").as_deref() {
            None => Ok(default),
            Some("ACK") => Ok(ResponseType::Ack),
            Some("RESULT") => Ok(ResponseType::Result),
            Some("FULL") => Ok(ResponseType::Full),
            Some(_) => Err(SpotError::InvalidValue("newOrderRespType")),
        }
    }
}

/// An order in the numbers that all answers share.
pub(crate) struct OrderFacts<'a> {
    pub(crate) order: OrderId,
    /// The list that it was placed with.
    pub(crate) list: Option<OrderId>,
    pub(crate) client_order_id: &'a str,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) self_trade_prevention: SelfTradePrevention,
    pub(crate) executed: Quantity,
    pub(crate) executed_quote: Amount,
    /// What its own account's orders prevented from trading, while it was open.
    pub(crate) prevented: Quantity,
    pub(crate) status: OrderStatus,
    pub(crate) closed: Option<CloseReason>,
    /// When it began to be matched; none while it waits for its trigger.
    pub(crate) working_ms: Option<u64>,
}

impl<'a> OrderFacts<'a> {
    /// The facts of a row of the history.
    pub(crate) fn of(row: &'a OrderRow) -> OrderFacts<'a> {
        OrderFacts {
            order: row.order,
            list: row.list.map(|list| list.list),
            client_order_id: row.client_order_id.as_str(),
            side: row.side,
            kind: row.kind,
            self_trade_prevention: row.self_trade_prevention,
            executed: row.executed,
            executed_quote: row.executed_quote,
            prevented: row.prevented,
            status: row.status,
            closed: row.close_reason,
            working_ms: working_ms(row),
        }
    }

    /// What every answer about an order has.
    fn common(&self, listing: &MarketListing) -> Map<String, Value> {
        let parts = kind_parts(self.kind);
        let value = json!({
            "symbol": listing.spec.symbol,
            "orderId": self.order.0,
            "orderListId": list_id(self.list),
            "clientOrderId": self.client_order_id,
            "price": listing.price_text(parts.price),
            "origQty": listing.quantity_text(parts.quantity.unwrap_or(self.executed)),
            "executedQty": listing.quantity_text(self.executed),
            "origQuoteOrderQty": listing.quote_text(parts.quote),
            "cummulativeQuoteQty": listing.quote_text(self.executed_quote),
            "status": status_text(self.status),
            "timeInForce": parts.time_in_force,
            "type": parts.order_type,
            "side": side_text(self.side),
            "workingTime": working_time(self.working_ms),
            "selfTradePreventionMode": self_trade_prevention_text(self.self_trade_prevention),
        });
        let mut fields = value.as_object().cloned().unwrap_or_default();
        if let Some(stop_price) = parts.stop_price {
            fields.insert("stopPrice".into(), listing.price_text(stop_price).into());
        }
        if let Some(reason) = self.closed.and_then(|closed| expiry_reason(self.kind, closed)) {
            fields.insert("expiryReason".into(), reason.into());
        }
        if let Some(prevented) = self.prevented_in_all() {
            fields.insert(
                "preventedQuantity".into(),
                listing.quantity_text(prevented).into(),
            );
        }
        fields
    }

    /// What was prevented from trading, and what expired because of it; none if nothing was.
    pub(crate) fn prevented_in_all(&self) -> Option<Quantity> {
        let placed = kind_parts(self.kind).quantity;
        match (self.status, placed) {
            (OrderStatus::ExpiredInMatch, Some(placed)) => {
                Some(Quantity(placed.0.saturating_sub(self.executed.0)))
            }
            (OrderStatus::ExpiredInMatch, None) => Some(self.prevented),
            _ => (self.prevented.0 > 0).then_some(self.prevented),
        }
    }
}

/// An order list's id in an order: -1 without one.
pub(crate) fn list_id(list: Option<OrderId>) -> Value {
    list.map_or_else(|| Value::from(-1), |list| list.0.into())
}

/// When an order began to be matched: -1 before.
pub(crate) fn working_time(working_ms: Option<u64>) -> Value {
    working_ms.map_or_else(|| Value::from(-1), Value::from)
}

/// When an order began to be matched.
pub(crate) fn working_ms(row: &OrderRow) -> Option<u64> {
    if waits(row.kind) {
        row.triggered_ms
    } else {
        Some(row.created_ms)
    }
}

/// An order as `order`, `openOrders` and `allOrders` show it.
pub(crate) fn order_value(listing: &MarketListing, row: &OrderRow) -> Value {
    let facts = OrderFacts::of(row);
    let mut fields = facts.common(listing);
    fields
        .entry("stopPrice")
        .or_insert_with(|| listing.price_text(Price(0)).into());
    fields.insert("icebergQty".into(), listing.quantity_text(Quantity(0)).into());
    fields.insert("time".into(), row.created_ms.into());
    fields.insert("updateTime".into(), row.updated_ms.into());
    fields.insert("isWorking".into(), facts.working_ms.is_some().into());
    Value::Object(fields)
}

/// An order as its cancel shows it; `cancel_id` names the cancel itself.
pub(crate) fn canceled_value(listing: &MarketListing, row: &OrderRow, cancel_id: &str) -> Value {
    let mut fields = OrderFacts::of(row).common(listing);
    fields.remove("workingTime");
    fields.insert("origClientOrderId".into(), row.client_order_id.as_str().into());
    fields.insert("clientOrderId".into(), cancel_id.into());
    fields.insert("transactTime".into(), row.updated_ms.into());
    Value::Object(fields)
}

/// An order as its amendment shows it. The convention has other names here than elsewhere.
pub(crate) fn amended_value(listing: &MarketListing, row: &OrderRow) -> Value {
    let mut fields = OrderFacts::of(row).common(listing);
    let prevented = listing.quantity_text(row.prevented);
    fields.remove("preventedQuantity");
    for (name, new_name) in [
        ("origQty", "qty"),
        ("origQuoteOrderQty", "quoteOrderQty"),
        ("cummulativeQuoteQty", "cumulativeQuoteQty"),
    ] {
        if let Some(value) = fields.remove(name) {
            fields.insert(new_name.into(), value);
        }
    }
    fields.insert("preventedQty".into(), prevented.into());
    fields.insert("origClientOrderId".into(), row.client_order_id.as_str().into());
    Value::Object(fields)
}

/// A new order as its command placed it.
pub(crate) struct Placed {
    pub(crate) order: OrderId,
    pub(crate) list: Option<OrderId>,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) self_trade_prevention: SelfTradePrevention,
    pub(crate) client_order_id: ClientOrderId,
}

/// The answer to a new order, from what its command did.
pub(crate) fn placed_value(
    listing: &MarketListing,
    placed: &Placed,
    outcome: &Outcome,
    response: ResponseType,
) -> Value {
    let at_ms = outcome.at.as_millis();
    let order = placed.order;
    if response == ResponseType::Ack {
        return json!({
            "symbol": listing.spec.symbol,
            "orderId": order.0,
            "orderListId": list_id(placed.list),
            "clientOrderId": placed.client_order_id.as_str(),
            "transactTime": at_ms,
        });
    }
    // Orders that it triggered may have met it already, so that it is the maker of a trade of its own command.
    let fills: Vec<&Trade> = outcome
        .events
        .iter()
        .filter_map(|event| trade_of(event, order))
        .collect();
    let sum = |part: fn(&Trade) -> i128| {
        fills
            .iter()
            .fold(0_i128, |sum, trade| sum.saturating_add(part(trade)))
    };
    let executed = sum(|trade| i128::from(trade.quantity.0));
    let executed = Quantity(u64::try_from(executed).unwrap_or(u64::MAX));
    let executed_quote = Amount(sum(|trade| trade.quote.0));
    let closed = outcome.events.iter().find_map(|event| closed(event, order));
    let facts = OrderFacts {
        order,
        list: placed.list,
        client_order_id: placed.client_order_id.as_str(),
        side: placed.side,
        kind: placed.kind,
        self_trade_prevention: placed.self_trade_prevention,
        executed,
        executed_quote,
        prevented: prevented(&outcome.events, order),
        status: status_after(closed, executed),
        closed,
        working_ms: (!waits(placed.kind)).then_some(at_ms),
    };
    let mut fields = facts.common(listing);
    fields.insert("transactTime".into(), at_ms.into());
    if response == ResponseType::Full {
        let fills = fills
            .into_iter()
            .map(|trade| fill_value(listing, placed, trade))
            .collect();
        fields.insert("fills".into(), Value::Array(fills));
    }
    Value::Object(fields)
}

/// The order waits for its trigger at first.
pub(crate) fn waits(kind: OrderKind) -> bool {
    kind_parts(kind).stop_price.is_some()
}

fn trade_of(event: &Event, order: OrderId) -> Option<&Trade> {
    match event {
        Event::Trade(trade) if trade.taker_order == order || trade.maker_order == order => Some(trade),
        _ => None,
    }
}

fn prevented(events: &[Event], order: OrderId) -> Quantity {
    let lots = events.iter().map(|event| match event {
        Event::MatchPrevented {
            quantity,
            maker_order,
            taker_order,
            ..
        } if *maker_order == order || *taker_order == order => quantity.0,
        _ => 0,
    });
    Quantity(lots.fold(0, u64::saturating_add))
}

fn closed(event: &Event, id: OrderId) -> Option<CloseReason> {
    match event {
        Event::OrderClosed { order, reason, .. } if *order == id => Some(*reason),
        _ => None,
    }
}

fn fill_value(listing: &MarketListing, placed: &Placed, trade: &Trade) -> Value {
    let fee = if trade.maker_order == placed.order {
        trade.maker_fee
    } else {
        trade.taker_fee
    };
    let (commission, asset) = commission_texts(listing, placed.side, fee);
    json!({
        "price": listing.price_text(trade.price),
        "qty": listing.quantity_text(trade.quantity),
        "commission": commission,
        "commissionAsset": asset,
        "tradeId": trade.trade.0,
    })
}

/// A fee and its asset: what the side receives.
pub(crate) fn commission_texts(listing: &MarketListing, side: Side, fee: Amount) -> (String, &str) {
    match side {
        Side::Buy => (listing.base_text(fee), &listing.base.code),
        Side::Sell => (listing.quote_text(fee), &listing.quote.code),
    }
}

/// A trade as `myTrades` shows it.
pub(crate) fn own_trade_value(listing: &MarketListing, row: &TradeRow, list: Option<OrderId>) -> Value {
    let (commission, asset) = commission_texts(listing, row.side, row.fee);
    json!({
        "symbol": listing.spec.symbol,
        "id": row.trade.0,
        "orderId": row.order.0,
        "orderListId": list_id(list),
        "price": listing.price_text(row.price),
        "qty": listing.quantity_text(row.quantity),
        "quoteQty": listing.quote_text(row.quote),
        "commission": commission,
        "commissionAsset": asset,
        "time": row.at_ms,
        "isBuyer": row.side == Side::Buy,
        "isMaker": row.is_maker,
        "isBestMatch": true,
    })
}

/// A prevented match as `myPreventedMatches` shows it. Only one mode has any, and it takes the same off both orders.
pub(crate) fn prevented_match_value(listing: &MarketListing, row: &PreventedMatchRow) -> Value {
    json!({
        "symbol": listing.spec.symbol,
        "preventedMatchId": row.prevented_match,
        "takerOrderId": row.taker_order.0,
        "makerSymbol": listing.spec.symbol,
        "makerOrderId": row.maker_order.0,
        "tradeGroupId": -1,
        "selfTradePreventionMode": self_trade_prevention_text(SelfTradePrevention::Decrement),
        "price": listing.price_text(row.price),
        "takerPreventedQuantity": listing.quantity_text(row.quantity),
        "makerPreventedQuantity": listing.quantity_text(row.quantity),
        "transactTime": row.at_ms,
    })
}
