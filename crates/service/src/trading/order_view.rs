//! Orders and trades as their owner sees them.

use crate::clock::text_ms;
use ensoex_engine::{OrderKind, Side, TimeInForce, Trigger};
use ensoex_exchange::{MarketListing, OrderRow, OrderStatus, TradeRow};
use ensoex_types::{Price, Quantity};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// An order as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderView {
    order: String,
    client_order_id: String,
    symbol: String,
    side: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time_in_force: &'static str,
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<String>,
    /// When a trade reached the stop price.
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_at: Option<String>,
    /// The pair that it was placed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<String>,
    quantity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_quantity: Option<String>,
    executed_quantity: String,
    executed_quote: String,
    average_price: Option<String>,
    status: &'static str,
    created_at: String,
    updated_at: String,
}

/// The view of a row of the history.
pub(crate) fn order_view(market: &MarketListing, row: &OrderRow) -> OrderView {
    let parts = parts_of(row.kind);
    OrderView {
        order: row.order.to_string(),
        client_order_id: row.client_order_id.to_string(),
        symbol: market.spec.symbol.clone(),
        side: side_name(row.side),
        kind: parts.kind,
        time_in_force: parts.time_in_force,
        price: parts.price.map(|price| market.price_text(price)),
        stop_price: parts.stop_price.map(|price| market.price_text(price)),
        triggered_at: row.triggered_ms.map(text_ms),
        list: row.list.map(|place| place.list.to_string()),
        quantity: parts.quantity.map(|quantity| market.quantity_text(quantity)),
        quote_quantity: parts.quote.map(|quote| market.quote_text(quote)),
        executed_quantity: market.quantity_text(row.executed),
        executed_quote: market.quote_text(row.executed_quote),
        average_price: market.average_price_text(row.executed_quote, row.executed),
        status: match row.status {
            OrderStatus::New => "new",
            OrderStatus::PartiallyFilled => "partially_filled",
            OrderStatus::Filled => "filled",
            OrderStatus::Canceled => "canceled",
            OrderStatus::Expired | OrderStatus::ExpiredInMatch => "expired",
        },
        created_at: text_ms(row.created_ms),
        updated_at: text_ms(row.updated_ms),
    }
}

/// An order's kind in this API's words.
struct KindParts {
    kind: &'static str,
    time_in_force: &'static str,
    price: Option<Price>,
    stop_price: Option<Price>,
    quantity: Option<Quantity>,
    quote: Option<ensoex_types::Amount>,
}

fn parts_of(kind: OrderKind) -> KindParts {
    let parts = |kind, time_in_force| KindParts {
        kind,
        time_in_force,
        price: None,
        stop_price: None,
        quantity: None,
        quote: None,
    };
    match kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => KindParts {
            price: Some(price),
            quantity: Some(quantity),
            ..parts("limit", time_in_force_name(time_in_force))
        },
        OrderKind::LimitMaker { price, quantity } => KindParts {
            price: Some(price),
            quantity: Some(quantity),
            ..parts("limit_maker", "gtc")
        },
        OrderKind::Market { quantity } => KindParts {
            quantity: Some(quantity),
            ..parts("market", "ioc")
        },
        OrderKind::MarketQuote { quote } => KindParts {
            quote: Some(quote),
            ..parts("market", "ioc")
        },
        OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        } => KindParts {
            stop_price: Some(stop_price),
            quantity: Some(quantity),
            ..parts(
                match trigger {
                    Trigger::StopLoss => "stop_loss",
                    Trigger::TakeProfit => "take_profit",
                },
                "gtc",
            )
        },
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            time_in_force,
        } => KindParts {
            price: Some(price),
            stop_price: Some(stop_price),
            quantity: Some(quantity),
            ..parts(
                match trigger {
                    Trigger::StopLoss => "stop_loss_limit",
                    Trigger::TakeProfit => "take_profit_limit",
                },
                time_in_force_name(time_in_force),
            )
        },
    }
}

fn time_in_force_name(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "gtc",
        TimeInForce::Ioc => "ioc",
        TimeInForce::Fok => "fok",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// The view of one side of a trade.
pub(crate) fn trade_json(market: &MarketListing, row: &TradeRow) -> Value {
    let fee_asset = if row.side == Side::Buy {
        &market.base
    } else {
        &market.quote
    };
    json!({
        "trade": row.trade.to_string(),
        "order": row.order.to_string(),
        "symbol": market.spec.symbol,
        "side": side_name(row.side),
        "price": market.price_text(row.price),
        "quantity": market.quantity_text(row.quantity),
        "quote": market.quote_text(row.quote),
        "fee": fee_asset.text(row.fee),
        "fee_asset": fee_asset.code,
        "liquidity": if row.is_maker { "maker" } else { "taker" },
        "at": text_ms(row.at_ms),
    })
}
