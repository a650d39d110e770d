//! Trading for people at the web page: orders, history, trades. The same engine commands as the trading API's.

use crate::app::{App, AppState};
use crate::clock::text_ms;
use crate::guard::User;
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::problem::{Asked, Body, Problem};
use crate::secret::random_id;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ensoex_engine::{
    Command, Event, OrderKind, OrderRef, PlaceOrder, Reject, SelfTradePrevention, Side, TimeInForce, Trigger,
};
use ensoex_exchange::{Cursor, MarketListing, OrderFilter, OrderRow, OrderStatus, TradeFilter, TradeRow};
use ensoex_types::{AccountId, ClientOrderId, DecimalError, OrderId, Price, Quantity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A new order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    symbol: String,
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
    client_order_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SideName {
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

/// Places an order.
#[utoipa::path(post, path = "/v1/orders", request_body = NewOrder, tag = "trading",
    responses((status = 201, body = OrderView), (status = 400, description = "problem: insufficient_balance, price_outside_band, stop_would_trigger, too_many_stops, account_may_not_trade, market_delisted, price_precision, quantity_precision, price_out_of_range, quantity_too_low, quantity_too_high, notional_too_low, unknown_market, would_take, no_liquidity, market_halted, too_many_orders, duplicate_client_order_id, invalid_amount")))]
pub(crate) async fn place(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let market = market(&app, &new.symbol)?;
    let kind = read_kind(&market, &new)?;
    let client_order_id = match new.client_order_id {
        Some(given) => check_client_order_id(given)?,
        None => {
            let id = random_id("web-").map_err(|error| Problem::internal("random source", &error))?;
            ClientOrderId::new(&id).map_err(|error| Problem::internal("random id", &error))?
        }
    };
    // A retry after a lost answer, or a second click, finds the order that the first try placed.
    let _turn = app.turns.take(user.account).await;
    let by_client = OrderRef::Client(client_order_id);
    if let Some(row) = app
        .exchange
        .history()
        .order(user.account, market.market, &by_client)
        .await?
    {
        if row.kind == kind && row.side == side(new.side) {
            return Ok((StatusCode::CREATED, Json(order_view(&market, &row))));
        }
        return Err(refusal(Reject::DuplicateClientOrderId, &market));
    }
    let command = Command::PlaceOrder(PlaceOrder {
        account: user.account,
        market: market.market,
        side: side(new.side),
        kind,
        self_trade_prevention: SelfTradePrevention::default(),
        client_order_id,
    });
    let outcome = app.exchange.submit(command).await?;
    if let Some(reject) = outcome.reject() {
        return Err(refusal(reject, &market));
    }
    let order = outcome.events.iter().find_map(|event| match event {
        Event::OrderAccepted { order, .. } => Some(*order),
        _ => None,
    });
    let view = view_of(
        &app,
        user.account,
        &market,
        OrderRef::Id(order.unwrap_or_default()),
    )
    .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

fn side(name: SideName) -> Side {
    match name {
        SideName::Buy => Side::Buy,
        SideName::Sell => Side::Sell,
    }
}

fn market(app: &AppState, symbol: &str) -> Result<MarketListing, Problem> {
    app.exchange
        .market_by_symbol(symbol)
        .ok_or_else(|| Problem::bad_request("unknown_market", "There is no such market.").field("symbol"))
}

fn check_client_order_id(text: String) -> Result<ClientOrderId, Problem> {
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let like_a_card = text.len() >= 12 && !has_letter;
    let named = ClientOrderId::new(&text)
        .ok()
        .filter(|id| !id.is_empty() && !like_a_card);
    named.ok_or_else(|| {
        let detail = "A client order id has 1 to 36 of the characters A-Z a-z 0-9 . : / _ - and, from 12 on, a letter.";
        Problem::bad_request("invalid_client_order_id", detail).field("client_order_id")
    })
}

fn missing(field: &'static str, detail: &str) -> Problem {
    Problem::bad_request("missing_field", detail).field(field)
}

fn unexpected(field: &'static str, detail: &str) -> Problem {
    Problem::bad_request("unexpected_field", detail).field(field)
}

fn read_kind(market: &MarketListing, new: &NewOrder) -> Result<OrderKind, Problem> {
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

fn read_price(
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

fn read_quantity(market: &MarketListing, text: Option<&str>) -> Result<Quantity, Problem> {
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

fn refusal(reject: Reject, market: &MarketListing) -> Problem {
    let spec = &market.spec;
    let (base, quote) = (&market.base.code, &market.quote.code);
    let bad = |code, detail: String| Problem::bad_request(code, detail);
    let bound = |code, field, sentence: &str, limit: String, unit: &str| {
        bad(code, format!("{sentence} {limit} {unit}."))
            .field(field)
            .with("limit", limit)
    };
    match reject {
        Reject::InsufficientBalance => bad(
            "insufficient_balance",
            "Your available balance does not cover this order.".to_owned(),
        ),
        Reject::PriceTooLow => bound(
            "price_out_of_range",
            "price",
            "The least price is",
            market.price_text(spec.price_min),
            quote,
        ),
        Reject::PriceTooHigh => bound(
            "price_out_of_range",
            "price",
            "The greatest price is",
            market.price_text(spec.price_max),
            quote,
        ),
        Reject::QuantityTooLow => {
            let least = market.quantity_text(spec.quantity_min);
            bound(
                "quantity_too_low",
                "quantity",
                "The least quantity is",
                least,
                base,
            )
        }
        Reject::QuantityTooHigh => {
            let most = market.quantity_text(spec.quantity_max);
            bound(
                "quantity_too_high",
                "quantity",
                "The greatest quantity is",
                most,
                base,
            )
        }
        Reject::NotionalTooLow => {
            let least = market.quote_text(spec.notional_min);
            bound(
                "notional_too_low",
                "quantity",
                "An order is worth at least",
                least,
                quote,
            )
        }
        Reject::NotionalTooHigh => {
            let most = market.quote_text(spec.notional_max);
            bound(
                "notional_too_high",
                "quantity",
                "An order is worth at most",
                most,
                quote,
            )
        }
        Reject::TooManyOrders => bad(
            "too_many_orders",
            format!(
                "You have {} open orders here, the most there can be. Cancel one first.",
                spec.orders_per_account_max
            ),
        ),
        Reject::DuplicateClientOrderId => bad(
            "duplicate_client_order_id",
            "You have an order with this client order id already.".to_owned(),
        ),
        Reject::WouldTake => bad(
            "would_take",
            "This post-only order would trade at once. Change its price.".to_owned(),
        )
        .field("price"),
        Reject::NoLiquidity => bad(
            "no_liquidity",
            "Nobody offers the other side at the moment.".to_owned(),
        ),
        Reject::NotFillable => bad(
            "not_fillable",
            "This order cannot be filled whole at its price now.".to_owned(),
        ),
        Reject::PriceBelowBand | Reject::PriceAboveBand => bad(
            "price_outside_band",
            "This price is too far from the last price (or from the stop price).".to_owned(),
        )
        .field("price"),
        Reject::StopWouldTrigger => bad(
            "stop_would_trigger",
            "The last price has reached this stop price already.".to_owned(),
        )
        .field("stop_price"),
        Reject::TooManyStops => bad(
            "too_many_stops",
            format!(
                "You have {} waiting stop orders here, the most there can be. Cancel one first.",
                spec.stops_per_account_max
            ),
        ),
        Reject::AccountMayNotTrade => bad(
            "account_may_not_trade",
            "Your account may not place orders at the moment. Orders that are open can be cancelled."
                .to_owned(),
        ),
        Reject::MarketDelisted => bad("market_delisted", "This market is closed for good.".to_owned()),
        Reject::MarketHalted => bad("market_halted", "This market is halted.".to_owned()),
        Reject::MarketCancelOnly => bad(
            "market_halted",
            "This market takes cancels only at the moment.".to_owned(),
        ),
        Reject::UnknownOrder => unknown_order(),
        other => {
            tracing::warn!(?other, "order refused");
            bad(
                "refused",
                format!("The exchange refused this (code {}).", other.code()),
            )
        }
    }
}

fn unknown_order() -> Problem {
    Problem::not_found(
        "unknown_order",
        "You have no such order here, or it is no longer open.",
    )
}

async fn view_of(
    app: &AppState,
    account: AccountId,
    market: &MarketListing,
    order: OrderRef,
) -> Result<OrderView, Problem> {
    let row = app
        .exchange
        .history()
        .order(account, market.market, &order)
        .await?;
    row.map(|row| order_view(market, &row)).ok_or_else(unknown_order)
}

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

fn read_order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map(OrderId).map_err(|_| unknown_order())
}

/// Cancels an open order.
#[utoipa::path(delete, path = "/v1/orders/{symbol}/{order}", tag = "trading",
    params(("symbol" = String, Path), ("order" = String, Path)),
    responses((status = 200, body = OrderView), (status = 404, description = "problem: unknown_order")))]
pub(crate) async fn cancel(
    State(app): State<App>,
    user: User,
    Path((symbol, order)): Path<(String, String)>,
) -> Result<Json<OrderView>, Problem> {
    let market = market(&app, &symbol)?;
    let order = OrderRef::Id(read_order_id(&order)?);
    let command = Command::CancelOrder {
        account: user.account,
        market: market.market,
        order,
    };
    let outcome = app.exchange.submit(command).await?;
    if let Some(reject) = outcome.reject() {
        return Err(refusal(reject, &market));
    }
    Ok(Json(view_of(&app, user.account, &market, order).await?))
}

/// One order, open or closed.
#[utoipa::path(get, path = "/v1/orders/{symbol}/{order}", tag = "trading",
    params(("symbol" = String, Path), ("order" = String, Path)),
    responses((status = 200, body = OrderView), (status = 404, description = "problem: unknown_order")))]
pub(crate) async fn one(
    State(app): State<App>,
    user: User,
    Path((symbol, order)): Path<(String, String)>,
) -> Result<Json<OrderView>, Problem> {
    let market = market(&app, &symbol)?;
    Ok(Json(
        view_of(&app, user.account, &market, OrderRef::Id(read_order_id(&order)?)).await?,
    ))
}

/// Which orders or trades.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    status: Option<String>,
    symbol: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
}

fn cursor(text: Option<&str>) -> Result<Option<Cursor>, Problem> {
    text.map(str::parse).transpose().map_err(|_| {
        let detail = "Take `before` from the `next` of the page before.";
        Problem::bad_request("invalid_cursor", detail).field("before")
    })
}

/// Orders, newest first.
#[utoipa::path(get, path = "/v1/orders", tag = "trading",
    params(("status" = Option<String>, Query, description = "open, closed or all"), ("symbol" = Option<String>, Query), ("limit" = Option<u32>, Query), ("before" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "orders and the `before` of the next page")))]
pub(crate) async fn orders(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<HistoryQuery>,
) -> Result<Json<Value>, Problem> {
    let open_only = match query.status.as_deref() {
        None | Some("all") => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => {
            let detail = "The status is open, closed or all.";
            return Err(Problem::bad_request("invalid_status", detail).field("status"));
        }
    };
    let markets = app.exchange.markets();
    let wanted = query
        .symbol
        .as_deref()
        .map(|symbol| market(&app, symbol))
        .transpose()?;
    let limit = query.limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX);
    let filter = OrderFilter {
        account: user.account,
        market: wanted.map(|market| market.market),
        open_only,
        before: cursor(query.before.as_deref())?,
        limit,
        newest_first: true,
        ..OrderFilter::default()
    };
    let rows = app.exchange.history().orders(filter).await?;
    let next = (rows.len() == limit as usize)
        .then(|| rows.last().map(|row| row.cursor.to_string()))
        .flatten();
    let views: Vec<OrderView> = rows
        .iter()
        .filter_map(|row| Some(order_view(markets.get(usize::from(row.market.0))?, row)))
        .collect();
    Ok(Json(json!({ "orders": views, "next": next })))
}

/// Trades of the account, newest first.
#[utoipa::path(get, path = "/v1/trades", tag = "trading",
    params(("symbol" = Option<String>, Query), ("limit" = Option<u32>, Query), ("before" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "trades and the `before` of the next page")))]
pub(crate) async fn trades(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<HistoryQuery>,
) -> Result<Json<Value>, Problem> {
    let markets = app.exchange.markets();
    let wanted = query
        .symbol
        .as_deref()
        .map(|symbol| market(&app, symbol))
        .transpose()?;
    let limit = query.limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX);
    let filter = TradeFilter {
        account: user.account,
        market: wanted.map(|market| market.market),
        before: cursor(query.before.as_deref())?,
        limit,
        newest_first: true,
        ..TradeFilter::default()
    };
    let rows = app.exchange.history().trades_of(filter).await?;
    let next = (rows.len() == limit as usize)
        .then(|| rows.last().map(|row| row.cursor.to_string()))
        .flatten();
    let views: Vec<Value> = rows
        .iter()
        .filter_map(|row| Some(trade_json(markets.get(usize::from(row.market.0))?, row)))
        .collect();
    Ok(Json(json!({ "trades": views, "next": next })))
}

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
