//! All operations of this edge in one table: their REST routes, their WebSocket methods, who may call them, what
//! they weigh, and how they are carried out. REST and WebSocket share everything behind the table.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use axum::http::Method;
use serde_json::{Value, json};

/// What a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    Trades,
    HistoricalTrades,
    AggregateTrades,
    Candles,
    AveragePrice,
    TickerDay,
    TickerPrice,
    TickerBook,
    TickerWindow,
    PlaceOrder,
    TestOrder,
    QueryOrder,
    CancelOrder,
    CancelReplace,
    AmendOrder,
    PlaceList,
    PlaceOlderList,
    QueryList,
    CancelList,
    AllLists,
    OpenLists,
    PreventedMatches,
    OpenOrders,
    CancelOpenOrders,
    AllOrders,
    OwnTrades,
    Account,
    Commission,
    OrderCounts,
    TradeFees,
    /// An empty list: the exchange has nothing of this kind.
    Nothing,
    /// An empty list for signed calls.
    NothingOfMine,
    /// `exchangeInfo` of products that the exchange does not have.
    NoProducts,
    SystemStatus,
    AccountStatus,
    ListenKey,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Everybody.
    Public,
    /// A signed request with a key that may read.
    Read,
    /// A signed request with a key that may trade.
    Trade,
}

/// REST routes.
pub(crate) const REST: &[(Method, &str, Operation)] = &[
    (Method::GET, "/api/v3/ping", Operation::Ping),
    (Method::GET, "/api/v3/time", Operation::Time),
    (Method::GET, "/api/v3/exchangeInfo", Operation::ExchangeInfo),
    (Method::GET, "/api/v3/depth", Operation::Depth),
    (Method::GET, "/api/v3/trades", Operation::Trades),
    (
        Method::GET,
        "/api/v3/historicalTrades",
        Operation::HistoricalTrades,
    ),
    (Method::GET, "/api/v3/aggTrades", Operation::AggregateTrades),
    (Method::GET, "/api/v3/klines", Operation::Candles),
    (Method::GET, "/api/v3/uiKlines", Operation::Candles),
    (Method::GET, "/api/v3/avgPrice", Operation::AveragePrice),
    (Method::GET, "/api/v3/ticker/24hr", Operation::TickerDay),
    (Method::GET, "/api/v3/ticker/price", Operation::TickerPrice),
    (Method::GET, "/api/v3/ticker/bookTicker", Operation::TickerBook),
    (Method::GET, "/api/v3/ticker", Operation::TickerWindow),
    (Method::POST, "/api/v3/order", Operation::PlaceOrder),
    (Method::POST, "/api/v3/order/test", Operation::TestOrder),
    (Method::GET, "/api/v3/order", Operation::QueryOrder),
    (Method::DELETE, "/api/v3/order", Operation::CancelOrder),
    (
        Method::POST,
        "/api/v3/order/cancelReplace",
        Operation::CancelReplace,
    ),
    (Method::GET, "/api/v3/openOrders", Operation::OpenOrders),
    (Method::DELETE, "/api/v3/openOrders", Operation::CancelOpenOrders),
    (Method::GET, "/api/v3/allOrders", Operation::AllOrders),
    (Method::GET, "/api/v3/myTrades", Operation::OwnTrades),
    (Method::GET, "/api/v3/account", Operation::Account),
    (Method::GET, "/api/v3/account/commission", Operation::Commission),
    (Method::GET, "/api/v3/rateLimit/order", Operation::OrderCounts),
    (
        Method::PUT,
        "/api/v3/order/amend/keepPriority",
        Operation::AmendOrder,
    ),
    (Method::POST, "/api/v3/order/oco", Operation::PlaceOlderList),
    (Method::POST, "/api/v3/orderList/oco", Operation::PlaceList),
    (Method::GET, "/api/v3/orderList", Operation::QueryList),
    (Method::DELETE, "/api/v3/orderList", Operation::CancelList),
    (Method::GET, "/api/v3/openOrderList", Operation::OpenLists),
    (Method::GET, "/api/v3/allOrderList", Operation::AllLists),
    (
        Method::GET,
        "/api/v3/myPreventedMatches",
        Operation::PreventedMatches,
    ),
    (Method::POST, "/api/v3/userDataStream", Operation::ListenKey),
    (Method::PUT, "/api/v3/userDataStream", Operation::ListenKey),
    (Method::DELETE, "/api/v3/userDataStream", Operation::ListenKey),
    (Method::GET, "/sapi/v1/system/status", Operation::SystemStatus),
    (Method::GET, "/sapi/v1/account/status", Operation::AccountStatus),
    (Method::GET, "/sapi/v1/asset/tradeFee", Operation::TradeFees),
    (
        Method::GET,
        "/sapi/v1/capital/config/getall",
        Operation::NothingOfMine,
    ),
    (
        Method::GET,
        "/sapi/v1/capital/deposit/hisrec",
        Operation::NothingOfMine,
    ),
    (
        Method::GET,
        "/sapi/v1/capital/withdraw/history",
        Operation::NothingOfMine,
    ),
    (Method::GET, "/sapi/v1/margin/allPairs", Operation::Nothing),
    (
        Method::GET,
        "/sapi/v1/margin/isolated/allPairs",
        Operation::Nothing,
    ),
    (Method::GET, "/sapi/v1/spot/delist-schedule", Operation::Nothing),
    (Method::GET, "/fapi/v1/exchangeInfo", Operation::NoProducts),
    (Method::GET, "/dapi/v1/exchangeInfo", Operation::NoProducts),
];

/// Methods of the WebSocket API that are not about its session.
pub(crate) const WEBSOCKET: &[(&str, Operation)] = &[
    ("ping", Operation::Ping),
    ("time", Operation::Time),
    ("exchangeInfo", Operation::ExchangeInfo),
    ("depth", Operation::Depth),
    ("trades.recent", Operation::Trades),
    ("trades.historical", Operation::HistoricalTrades),
    ("trades.aggregate", Operation::AggregateTrades),
    ("klines", Operation::Candles),
    ("uiKlines", Operation::Candles),
    ("avgPrice", Operation::AveragePrice),
    ("ticker.24hr", Operation::TickerDay),
    ("ticker.price", Operation::TickerPrice),
    ("ticker.book", Operation::TickerBook),
    ("ticker", Operation::TickerWindow),
    ("order.place", Operation::PlaceOrder),
    ("order.test", Operation::TestOrder),
    ("order.status", Operation::QueryOrder),
    ("order.cancel", Operation::CancelOrder),
    ("order.cancelReplace", Operation::CancelReplace),
    ("openOrders.status", Operation::OpenOrders),
    ("openOrders.cancelAll", Operation::CancelOpenOrders),
    ("allOrders", Operation::AllOrders),
    ("myTrades", Operation::OwnTrades),
    ("account.status", Operation::Account),
    ("account.commission", Operation::Commission),
    ("account.rateLimits.orders", Operation::OrderCounts),
    ("order.amend.keepPriority", Operation::AmendOrder),
    ("orderList.place", Operation::PlaceOlderList),
    ("orderList.place.oco", Operation::PlaceList),
    ("orderList.status", Operation::QueryList),
    ("orderList.cancel", Operation::CancelList),
    ("openOrderLists.status", Operation::OpenLists),
    ("allOrderLists", Operation::AllLists),
    ("myPreventedMatches", Operation::PreventedMatches),
    ("userDataStream.start", Operation::ListenKey),
    ("userDataStream.ping", Operation::ListenKey),
    ("userDataStream.stop", Operation::ListenKey),
];

impl Operation {
    /// Who may call it.
    pub(crate) fn security(self) -> Security {
        use Operation as O;
        match self {
            O::PlaceOrder
            | O::TestOrder
            | O::CancelOrder
            | O::CancelReplace
            | O::AmendOrder
            | O::PlaceList
            | O::PlaceOlderList
            | O::CancelList
            | O::CancelOpenOrders => Security::Trade,
            O::QueryOrder
            | O::QueryList
            | O::AllLists
            | O::OpenLists
            | O::PreventedMatches
            | O::OpenOrders
            | O::AllOrders
            | O::OwnTrades
            | O::Account
            | O::Commission
            | O::OrderCounts
            | O::TradeFees
            | O::NothingOfMine
            | O::AccountStatus => Security::Read,
            _ => Security::Public,
        }
    }

    /// Its answer carries the order counts.
    pub(crate) fn counts_orders(self) -> bool {
        matches!(
            self,
            Operation::PlaceOrder
                | Operation::CancelReplace
                | Operation::PlaceList
                | Operation::PlaceOlderList
        )
    }

    /// What it costs, as the convention has it.
    pub(crate) fn weight(self, params: &Params) -> u32 {
        use Operation as O;
        let one_symbol = params.has("symbol");
        match self {
            O::Ping | O::Time | O::PlaceOrder | O::CancelOrder | O::CancelReplace | O::CancelOpenOrders => 1,
            O::PlaceList | O::PlaceOlderList | O::CancelList => 1,
            O::AmendOrder | O::QueryList => 4,
            O::OpenLists => 6,
            O::AllLists => 20,
            O::PreventedMatches if params.has("orderId") => 20,
            O::PreventedMatches => 2,
            O::ListenKey
            | O::Nothing
            | O::NothingOfMine
            | O::NoProducts
            | O::SystemStatus
            | O::AccountStatus => 1,
            O::TestOrder if params.has("computeCommissionRates") => 20,
            O::TestOrder | O::TradeFees => 1,
            O::Candles | O::AveragePrice => 2,
            O::ExchangeInfo | O::AllOrders | O::Account | O::Commission => 20,
            O::Trades | O::HistoricalTrades => 25,
            O::AggregateTrades | O::QueryOrder | O::TickerWindow => 4,
            O::TickerPrice | O::TickerBook if one_symbol => 2,
            O::TickerPrice | O::TickerBook => 4,
            O::TickerDay if one_symbol || params.has("symbols") => 2,
            O::TickerDay => 80,
            O::OpenOrders if one_symbol => 6,
            O::OpenOrders => 80,
            O::OwnTrades if params.has("orderId") => 5,
            O::OwnTrades => 20,
            O::OrderCounts => 40,
            O::Depth => match params.peek_integer("limit").unwrap_or(100) {
                0..=100 => 5,
                101..=500 => 25,
                501..=1_000 => 50,
                _ => 250,
            },
        }
    }

    /// Carries it out. `caller` is there exactly when [`Operation::security`] asks for one.
    pub(crate) async fn run(
        self,
        spot: &Spot,
        caller: Option<Caller>,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        use Operation as O;
        let signed = || caller.ok_or(SpotError::KeyRejected);
        match self {
            O::Ping => params.finish().map(|()| json!({})),
            O::Time => params.finish().map(|()| json!({ "serverTime": now_ms() })),
            O::ExchangeInfo => spot.exchange_info(params),
            O::Depth => spot.depth(params),
            O::Trades => spot.recent_trades(params),
            O::HistoricalTrades => spot.historical_trades(params).await,
            O::AggregateTrades => spot.aggregate_trades(params).await,
            O::Candles => spot.klines(params).await,
            O::AveragePrice => spot.average_price(params),
            O::TickerDay => spot.ticker_day(params),
            O::TickerPrice => spot.ticker_price(params),
            O::TickerBook => spot.ticker_book(params),
            O::TickerWindow => spot.ticker_window(params),
            O::PlaceOrder => spot.place_order(signed()?, params).await,
            O::TestOrder => spot.test_order(signed()?, params),
            O::AmendOrder => spot.amend_order(signed()?, params).await,
            O::PlaceList => spot.place_list(signed()?, params).await,
            O::PlaceOlderList => spot.place_older_list(signed()?, params).await,
            O::QueryList => spot.query_list(signed()?, params).await,
            O::CancelList => spot.cancel_list(signed()?, params).await,
            O::AllLists => spot.all_lists(signed()?, params).await,
            O::OpenLists => spot.open_lists(signed()?, params).await,
            O::PreventedMatches => spot.prevented_matches(signed()?, params).await,
            O::QueryOrder => spot.query_order(signed()?, params).await,
            O::CancelOrder => spot.cancel_order(signed()?, params).await,
            O::CancelReplace => spot.cancel_replace(signed()?, params).await,
            O::OpenOrders => spot.open_orders(signed()?, params).await,
            O::CancelOpenOrders => spot.cancel_open_orders(signed()?, params).await,
            O::AllOrders => spot.all_orders(signed()?, params).await,
            O::OwnTrades => spot.own_trades(signed()?, params).await,
            O::Account => spot.account(signed()?, params).await,
            O::Commission => spot.commission(signed()?, params),
            O::OrderCounts => spot.order_counts(signed()?, params),
            O::TradeFees => spot.trade_fees(signed()?, params),
            O::Nothing | O::NothingOfMine => Ok(json!([])),
            O::NoProducts => Ok(json!({
                "timezone": "UTC",
                "serverTime": now_ms(),
                "rateLimits": [],
                "exchangeFilters": [],
                "assets": [],
                "symbols": [],
            })),
            O::SystemStatus => Ok(json!({ "status": 0, "msg": "normal" })),
            O::AccountStatus => Ok(json!({ "data": "Normal" })),
            O::ListenKey => Err(SpotError::ListenKeysRetired),
        }
    }
}
