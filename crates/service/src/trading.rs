//! Trading for people at the web page: orders, history, trades. The same engine commands as the trading API's.

mod new_order;
pub(crate) mod oco;
mod order_view;
mod refusal;

pub(crate) use order_view::{order_view, trade_json};

use crate::app::{App, AppState};
use crate::guard::User;
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::problem::{Asked, Body, Problem};
use crate::secret::random_id;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ensoex_engine::{Command, Event, OrderRef, PlaceOrder, Reject, SelfTradePrevention};
use ensoex_exchange::{Cursor, MarketListing, OrderFilter, TradeFilter};
use ensoex_types::{AccountId, ClientOrderId, OrderId};
use new_order::{NewOrder, check_client_order_id, read_kind};
use order_view::OrderView;
use refusal::{refusal, unknown_order};
use serde::Deserialize;
use serde_json::{Value, json};

/// Places an order.
#[utoipa::path(post, path = "/v1/orders", request_body = NewOrder, tag = "trading",
    responses((status = 201, body = OrderView), (status = 400, description = "problem: insufficient_balance, price_outside_band, stop_would_trigger, too_many_stops, account_may_not_trade, market_delisted, price_precision, quantity_precision, price_out_of_range, quantity_too_low, quantity_too_high, notional_too_low, unknown_market, would_take, no_liquidity, market_halted, too_many_orders, duplicate_client_order_id, invalid_amount")))]
pub(crate) async fn place(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let market = market(&app, &new.symbol)?;
    let (side, kind) = (new.side(), read_kind(&market, &new)?);
    let client_order_id = match new.client_order_id {
        Some(given) => check_client_order_id(&given)?,
        None => made_client_order_id()?,
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
        if row.kind == kind && row.side == side {
            return Ok((StatusCode::CREATED, Json(order_view(&market, &row))));
        }
        return Err(refusal(Reject::DuplicateClientOrderId, &market));
    }
    let command = Command::PlaceOrder(PlaceOrder {
        account: user.account,
        market: market.market,
        side,
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

/// What an order is called when its owner gives no name.
fn made_client_order_id() -> Result<ClientOrderId, Problem> {
    let id = random_id("web-").map_err(|error| Problem::internal("random source", &error))?;
    ClientOrderId::new(&id).map_err(|error| Problem::internal("random id", &error))
}

fn market(app: &AppState, symbol: &str) -> Result<MarketListing, Problem> {
    app.exchange
        .market_by_symbol(symbol)
        .ok_or_else(|| Problem::bad_request("unknown_market", "There is no such market.").field("symbol"))
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
