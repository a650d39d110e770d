//! Orders and trades of an account in the convention's shapes.

use crate::words::{SELF_TRADE_PREVENTION, expiry_reason, kind_parts, side_text, status_after, status_text};
use ensoex_engine::{CloseReason, Event, OrderKind, Side, Trade};
use ensoex_exchange::{MarketListing, OrderRow, OrderStatus, Outcome, TradeRow};
use ensoex_types::{Amount, OrderId, Price, Quantity};
use serde_json::{Map, Value, json};

/// How much of a new order the client wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseType {
    Ack,
    Result,
    Full,
}

/// An order in the numbers that all answers share.
pub(crate) struct OrderFacts<'a> {
    pub(crate) order: OrderId,
    pub(crate) client_order_id: &'a str,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    pub(crate) executed: Quantity,
    pub(crate) executed_quote: Amount,
    pub(crate) status: OrderStatus,
    pub(crate) created_ms: u64,
}

impl<'a> OrderFacts<'a> {
    /// The facts of a row of the history.
    pub(crate) fn of(row: &'a OrderRow) -> OrderFacts<'a> {
        OrderFacts {
            order: row.order,
            client_order_id: &row.client_order_id,
            side: row.side,
            kind: row.kind,
            executed: row.executed,
            executed_quote: row.executed_quote,
            status: row.status,
            created_ms: row.created_ms,
        }
    }

    /// What every answer about an order has.
    fn common(&self, listing: &MarketListing) -> Map<String, Value> {
        let parts = kind_parts(self.kind);
        let value = json!({
            "symbol": listing.spec.symbol,
            "orderId": self.order.0,
            "orderListId": -1,
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
            "workingTime": self.created_ms,
            "selfTradePreventionMode": SELF_TRADE_PREVENTION,
        });
        let mut fields = value.as_object().cloned().unwrap_or_default();
        if self.status == OrderStatus::Expired {
            fields.insert("expiryReason".into(), expiry_reason(self.kind).into());
        }
        fields
    }
}

/// An order as `order`, `openOrders` and `allOrders` show it.
pub(crate) fn order_value(listing: &MarketListing, row: &OrderRow) -> Value {
    let mut fields = OrderFacts::of(row).common(listing);
    fields.insert("stopPrice".into(), listing.price_text(Price(0)).into());
    fields.insert("icebergQty".into(), listing.quantity_text(Quantity(0)).into());
    fields.insert("time".into(), row.created_ms.into());
    fields.insert("updateTime".into(), row.updated_ms.into());
    fields.insert("isWorking".into(), true.into());
    Value::Object(fields)
}

/// An order as its cancel shows it; `cancel_id` names the cancel itself.
pub(crate) fn canceled_value(listing: &MarketListing, row: &OrderRow, cancel_id: &str) -> Value {
    let mut fields = OrderFacts::of(row).common(listing);
    fields.remove("workingTime");
    fields.insert("origClientOrderId".into(), row.client_order_id.clone().into());
    fields.insert("clientOrderId".into(), cancel_id.into());
    fields.insert("transactTime".into(), row.updated_ms.into());
    Value::Object(fields)
}

/// The answer to a new order, from what its command did.
pub(crate) fn placed_value(
    listing: &MarketListing,
    (side, kind, client_order_id): (Side, OrderKind, &str),
    outcome: &Outcome,
    order: OrderId,
    response: ResponseType,
) -> Value {
    let at_ms = outcome.at.as_millis();
    if response == ResponseType::Ack {
        return json!({
            "symbol": listing.spec.symbol,
            "orderId": order.0,
            "orderListId": -1,
            "clientOrderId": client_order_id,
            "transactTime": at_ms,
        });
    }
    let fills: Vec<&Trade> = outcome
        .events
        .iter()
        .filter_map(|event| taken(event, order))
        .collect();
    let executed = Quantity(
        fills
            .iter()
            .fold(0, |sum, trade| sum.saturating_add(trade.quantity.0)),
    );
    let executed_quote = Amount(
        fills
            .iter()
            .fold(0, |sum, trade| sum.saturating_add(trade.quote.0)),
    );
    let closed = outcome.events.iter().find_map(|event| closed(event, order));
    let facts = OrderFacts {
        order,
        client_order_id,
        side,
        kind,
        executed,
        executed_quote,
        status: status_after(closed, executed),
        created_ms: at_ms,
    };
    let mut fields = facts.common(listing);
    fields.insert("transactTime".into(), at_ms.into());
    if response == ResponseType::Full {
        let fills = fills
            .into_iter()
            .map(|trade| fill_value(listing, side, trade))
            .collect();
        fields.insert("fills".into(), Value::Array(fills));
    }
    Value::Object(fields)
}

fn taken(event: &Event, order: OrderId) -> Option<&Trade> {
    match event {
        Event::Trade(trade) if trade.taker_order == order => Some(trade),
        _ => None,
    }
}

fn closed(event: &Event, id: OrderId) -> Option<CloseReason> {
    match event {
        Event::OrderClosed { order, reason, .. } if *order == id => Some(*reason),
        _ => None,
    }
}

fn fill_value(listing: &MarketListing, side: Side, trade: &Trade) -> Value {
    let (commission, asset) = commission_texts(listing, side, trade.taker_fee);
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
pub(crate) fn own_trade_value(listing: &MarketListing, row: &TradeRow) -> Value {
    let (commission, asset) = commission_texts(listing, row.side, row.fee);
    json!({
        "symbol": listing.spec.symbol,
        "id": row.trade.0,
        "orderId": row.order.0,
        "orderListId": -1,
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
