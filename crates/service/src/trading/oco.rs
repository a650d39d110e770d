//! Two orders of which one at most is filled or triggered: a limit order on one side of the last price, a stop-loss on
//! the other.

use super::new_order::{SideName, check_client_order_id, read_price, read_quantity};
use super::order_view::{OrderView, order_view};
use super::{made_client_order_id, market, refusal};
use crate::app::App;
use crate::guard::User;
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ensoex_engine::{
    Command, OcoKind, OcoOrder, PlaceOco, Reject, SelfTradePrevention, Side, TimeInForce, Trigger,
};
use ensoex_exchange::{ListFilter, ListRow, MarketListing};
use ensoex_types::{AccountId, ClientOrderId, MarketId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new pair of orders.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOco {
    symbol: String,
    /// Of both orders.
    #[schema(value_type = String)]
    side: SideName,
    /// Of both orders; only one of them can use it.
    quantity: String,
    /// Of the order that waits in the book (post-only): above the last price when selling, below it when buying.
    price: String,
    /// Of the stop-loss, on the other side of the last price.
    stop_price: String,
    /// Makes the stop-loss a limit order once it is triggered; without it, it is a market order.
    stop_limit_price: Option<String>,
    /// Your own name for the pair; a retry with the same name cannot place twice.
    list_client_order_id: Option<String>,
}

/// A pair of orders as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OcoView {
    list: String,
    list_client_order_id: String,
    /// Something happened to one of the orders: the other is closed, or an order like any other.
    ended: bool,
    /// The order above the last price, and the one below.
    orders: [OrderView; 2],
}

/// Places two orders of which one cancels the other.
#[utoipa::path(post, path = "/v1/orders/oco", request_body = NewOco, tag = "trading",
    responses((status = 201, body = OcoView), (status = 400, description = "problem: oco_prices, and those of a single order")))]
pub(crate) async fn place(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewOco>,
) -> Result<(StatusCode, Json<OcoView>), Problem> {
    let market = market(&app, &new.symbol)?;
    let list_client_order_id = match &new.list_client_order_id {
        Some(given) => {
            check_client_order_id(given).map_err(|problem| problem.field("list_client_order_id"))?
        }
        None => made_client_order_id()?,
    };
    let command = read(&market, &new, user.account, list_client_order_id)?;
    // A retry after a lost answer, or a second click, finds the pair that the first try placed.
    let _turn = app.turns.take(user.account).await;
    if let Some(list) = named(&app, user.account, market.market, list_client_order_id).await? {
        if is_of(&list, &command) {
            return Ok((StatusCode::CREATED, Json(view(&market, &list))));
        }
        return Err(refusal(Reject::DuplicateClientOrderId, &market));
    }
    let outcome = app.exchange.submit(Command::PlaceOco(Box::new(command))).await?;
    if let Some(reject) = outcome.reject() {
        return Err(refusal(reject, &market));
    }
    let list = named(&app, user.account, market.market, list_client_order_id).await?;
    let list = list.ok_or_else(super::unknown_order)?;
    Ok((StatusCode::CREATED, Json(view(&market, &list))))
}

fn read(
    market: &MarketListing,
    new: &NewOco,
    account: AccountId,
    list_client_order_id: ClientOrderId,
) -> Result<PlaceOco, Problem> {
    let quantity = read_quantity(market, Some(&new.quantity))?;
    let limit = OcoKind::LimitMaker {
        price: read_price(market, Some(&new.price), "price", "Enter a price.")?,
    };
    let stop_price = read_price(market, Some(&new.stop_price), "stop_price", "Enter a stop price.")?;
    let trigger = Trigger::StopLoss;
    let stop = match new.stop_limit_price.as_deref() {
        None => OcoKind::Stop { trigger, stop_price },
        text => OcoKind::StopLimit {
            trigger,
            stop_price,
            price: read_price(market, text, "stop_limit_price", "Enter a price.")?,
            time_in_force: TimeInForce::Gtc,
        },
    };
    let side = Side::from(new.side);
    let (above, below) = match side {
        Side::Buy => (stop, limit),
        Side::Sell => (limit, stop),
    };
    let order = |kind| {
        Ok::<_, Problem>(OcoOrder {
            kind,
            client_order_id: made_client_order_id()?,
        })
    };
    Ok(PlaceOco {
        account,
        market: market.market,
        side,
        quantity,
        above: order(above)?,
        below: order(below)?,
        self_trade_prevention: SelfTradePrevention::default(),
        list_client_order_id,
    })
}

async fn named(
    app: &App,
    account: AccountId,
    market: MarketId,
    name: ClientOrderId,
) -> Result<Option<ListRow>, Problem> {
    let filter = ListFilter {
        account,
        market: Some(market),
        list_client_order_id: Some(name),
        limit: 1,
        newest_first: true,
        ..ListFilter::default()
    };
    Ok(app.exchange.history().lists(filter).await?.pop())
}

/// The list is what the command would place; what its owner calls the two orders aside.
fn is_of(list: &ListRow, command: &PlaceOco) -> bool {
    list.above.side == command.side
        && list.above.kind == command.above.kind.of(command.quantity)
        && list.below.kind == command.below.kind.of(command.quantity)
}

fn view(market: &MarketListing, list: &ListRow) -> OcoView {
    OcoView {
        list: list.list.to_string(),
        list_client_order_id: list.list_client_order_id.to_string(),
        ended: list.ended_ms.is_some(),
        orders: [&list.above, &list.below].map(|row| order_view(market, row)),
    }
}
