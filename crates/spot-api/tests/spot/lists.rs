//! One cancels the other: placing, telling, ending, cancelling.

use crate::support::{BTC, MAKER, Server, TAKER, TRADER, now_ms, trader_key};
use crate::user_data::{event, has, listening};
use ensoex_engine::{Command, Side};
use ensoex_types::Amount;
use reqwest::Method;
use serde_json::{Value, json};

const OCO: &str = "/api/v3/orderList/oco";
const LIST: &str = "/api/v3/orderList";
/// Around a last price of 50,000.
const SELL: &str = "symbol=BTCEUR&side=SELL&quantity=0.5&listClientOrderId=pair&aboveType=LIMIT_MAKER&abovePrice=55000\
    &aboveClientOrderId=upper&belowType=STOP_LOSS_LIMIT&belowStopPrice=45000&belowPrice=44000\
    &belowTimeInForce=GTC&belowClientOrderId=lower";

impl Server {
    async fn sell_pair(&self) -> Value {
        self.mine(Method::POST, OCO, SELL).await.ok()
    }

    fn held(&self) -> Amount {
        self.exchange.read(|engine| engine.balance(TRADER, BTC)).held
    }

    async fn list(&self, list: &Value) -> Value {
        self.mine(Method::GET, LIST, &format!("orderListId={list}"))
            .await
            .ok()
    }
}

#[tokio::test]
async fn a_pair_is_placed_shown_and_cancelled_as_one() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let placed = server.mine(Method::POST, OCO, SELL).await;
    assert_eq!(
        placed.header("x-mbx-order-count-10s"),
        Some(2),
        "a pair counts as two"
    );
    let placed = placed.ok();
    let list = placed["orderListId"].clone();
    let (above, below) = (
        placed["orders"][0]["orderId"].clone(),
        placed["orders"][1]["orderId"].clone(),
    );
    let shared = [
        ("contingencyType", json!("OCO")),
        ("listStatusType", json!("EXEC_STARTED")),
        ("listOrderStatus", json!("EXECUTING")),
        ("listClientOrderId", json!("pair")),
        ("symbol", json!("BTCEUR")),
        (
            "orders",
            json!([
                {"symbol": "BTCEUR", "orderId": above, "clientOrderId": "upper"},
                {"symbol": "BTCEUR", "orderId": below, "clientOrderId": "lower"},
            ]),
        ),
    ];
    has(&placed, &shared);
    has(
        &placed["orderReports"][0],
        &[
            ("orderId", above.clone()),
            ("orderListId", list.clone()),
            ("type", json!("LIMIT_MAKER")),
            ("status", json!("NEW")),
            ("price", json!("55000.00")),
            ("stopPrice", json!(null)),
            ("workingTime", placed["transactionTime"].clone()),
        ],
    );
    has(
        &placed["orderReports"][1],
        &[
            ("orderId", below.clone()),
            ("orderListId", list.clone()),
            ("type", json!("STOP_LOSS_LIMIT")),
            ("price", json!("44000.00")),
            ("stopPrice", json!("45000.00")),
            ("workingTime", json!(-1)),
        ],
    );
    assert_eq!(server.held(), Amount(50_000_000), "the pair holds once");
    let shown = server.list(&list).await;
    has(&shown, &shared);
    assert!(shown.get("orderReports").is_none());
    let by_name = server
        .mine(Method::GET, LIST, "origClientOrderId=pair")
        .await
        .ok();
    assert_eq!(by_name, shown);
    for path in ["/api/v3/openOrderList", "/api/v3/allOrderList"] {
        assert_eq!(
            server.mine(Method::GET, path, "").await.ok(),
            json!([shown]),
            "{path}"
        );
    }
    assert_eq!(server.shown(&below).await["orderListId"], list);

    let cancel = format!("symbol=BTCEUR&orderListId={list}&newClientOrderId=bye");
    let canceled = server.mine(Method::DELETE, LIST, &cancel).await.ok();
    has(
        &canceled,
        &[
            ("orderListId", list.clone()),
            ("listStatusType", json!("ALL_DONE")),
            ("listOrderStatus", json!("ALL_DONE")),
        ],
    );
    for (report, original) in [(0, "upper"), (1, "lower")] {
        has(
            &canceled["orderReports"][report],
            &[
                ("status", json!("CANCELED")),
                ("origClientOrderId", json!(original)),
                ("clientOrderId", json!("bye")),
                ("orderListId", list.clone()),
            ],
        );
    }
    assert_eq!(server.held(), Amount(0));
    assert_eq!(server.list(&list).await["listOrderStatus"], "ALL_DONE");
    assert_eq!(
        server.mine(Method::GET, "/api/v3/openOrderList", "").await.ok(),
        json!([])
    );
    server
        .mine(Method::DELETE, LIST, &cancel)
        .await
        .refused(400, -2011, "Unknown order sent.");
}

#[tokio::test]
async fn cancelling_one_order_cancels_its_pair() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let placed = server.sell_pair().await;
    let single = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
    server.order(single).await.ok();
    let cancel = "symbol=BTCEUR&origClientOrderId=lower";
    let canceled = server.mine(Method::DELETE, "/api/v3/order", cancel).await.ok();
    assert_eq!(canceled["orderListId"], placed["orderListId"]);
    assert_eq!(canceled["orderReports"][0]["status"], "CANCELED");

    let again = server.sell_pair().await;
    let all = server
        .mine(Method::DELETE, "/api/v3/openOrders", "symbol=BTCEUR")
        .await
        .ok();
    let shapes: Vec<(&Value, bool)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["orderListId"], one.get("orderReports").is_some()))
        .collect();
    assert_eq!(shapes, [(&json!(-1), false), (&again["orderListId"], true)]);
    assert_eq!(server.held(), Amount(0));
}

#[tokio::test]
async fn a_fill_ends_the_pair_and_both_are_told() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let mut trader = listening(&server, &trader_key()).await;
    let placed = server.sell_pair().await;
    let list = &placed["orderListId"];
    for (name, order_type, working) in [
        ("upper", "LIMIT_MAKER", true),
        ("lower", "STOP_LOSS_LIMIT", false),
    ] {
        has(
            &event(&mut trader).await,
            &[
                ("e", json!("executionReport")),
                ("x", json!("NEW")),
                ("c", json!(name)),
                ("o", json!(order_type)),
                ("g", list.clone()),
                ("w", json!(working)),
            ],
        );
    }
    let orders = json!([
        {"s": "BTCEUR", "i": placed["orders"][0]["orderId"], "c": "upper"},
        {"s": "BTCEUR", "i": placed["orders"][1]["orderId"], "c": "lower"},
    ]);
    let list_fields = |kind: &str, status: &str| {
        [
            ("e", json!("listStatus")),
            ("s", json!("BTCEUR")),
            ("g", list.clone()),
            ("c", json!("OCO")),
            ("l", json!(kind)),
            ("L", json!(status)),
            ("r", json!("NONE")),
            ("C", json!("pair")),
            ("O", orders.clone()),
        ]
    };
    has(
        &event(&mut trader).await,
        &list_fields("EXEC_STARTED", "EXECUTING"),
    );
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");

    server.submit_limit(TAKER, Side::Buy, 5_500_000, 10_000).await;
    has(
        &event(&mut trader).await,
        &[
            ("c", json!("lower")),
            ("x", json!("EXPIRED")),
            ("X", json!("EXPIRED")),
            ("eR", json!("OCO_TRIGGER")),
            ("w", json!(false)),
        ],
    );
    has(
        &event(&mut trader).await,
        &[
            ("c", json!("upper")),
            ("x", json!("TRADE")),
            ("X", json!("PARTIALLY_FILLED")),
            ("z", json!("0.10000000")),
        ],
    );
    has(&event(&mut trader).await, &list_fields("ALL_DONE", "ALL_DONE"));
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");
    has(
        &server.shown(&placed["orders"][1]["orderId"]).await,
        &[
            ("status", json!("EXPIRED")),
            ("expiryReason", json!("OCO_TRIGGER")),
        ],
    );
    let survivor = server.shown(&placed["orders"][0]["orderId"]).await;
    has(
        &survivor,
        &[
            ("status", json!("PARTIALLY_FILLED")),
            ("orderListId", list.clone()),
        ],
    );
    assert_eq!(server.list(list).await["listStatusType"], "ALL_DONE");
    // What is left is an order like any other.
    let canceled = server
        .mine(
            Method::DELETE,
            "/api/v3/order",
            "symbol=BTCEUR&origClientOrderId=upper",
        )
        .await
        .ok();
    assert_eq!(canceled["status"], "CANCELED");
}

#[tokio::test]
async fn a_trigger_ends_the_pair() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let placed = server.sell_pair().await;
    server.submit_limit(MAKER, Side::Buy, 4_450_000, 30_000).await;
    let mut trader = listening(&server, &trader_key()).await;
    server.trade_at(4_500_000).await;
    let mut told = Vec::new();
    while told.len() < 4 {
        let event = event(&mut trader).await;
        let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        told.push((field("e"), field("c"), field("x"), field("X")));
    }
    let report = |c: &str, x: &str, status: &str| {
        (
            "executionReport".to_owned(),
            c.to_owned(),
            x.to_owned(),
            status.to_owned(),
        )
    };
    let expected = [
        report("lower", "NEW", "NEW"),
        report("upper", "EXPIRED", "EXPIRED"),
        report("lower", "TRADE", "PARTIALLY_FILLED"),
        (
            "listStatus".to_owned(),
            "OCO".to_owned(),
            String::new(),
            String::new(),
        ),
    ];
    assert_eq!(told, expected);
    let depth = server.get("/api/v3/depth?symbol=BTCEUR").await.ok();
    assert_eq!(depth["asks"], json!([["44000.00", "0.20000000"]]));
    assert_eq!(
        server.list(&placed["orderListId"]).await["listOrderStatus"],
        "ALL_DONE"
    );
}

#[tokio::test]
async fn both_forms_place_the_same_pair() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let older = "symbol=BTCEUR&side=SELL&quantity=0.1&price=55000&stopPrice=45000&stopLimitPrice=44000\
                 &stopLimitTimeInForce=IOC&limitClientOrderId=l&stopClientOrderId=s";
    let path = "/api/v3/order/oco";
    let placed = server.mine(Method::POST, path, older).await.ok();
    let reports = &placed["orderReports"];
    assert_eq!(reports[0]["clientOrderId"], "l");
    has(
        &reports[1],
        &[
            ("clientOrderId", json!("s")),
            ("type", json!("STOP_LOSS_LIMIT")),
            ("timeInForce", json!("IOC")),
            ("stopPrice", json!("45000.00")),
        ],
    );
    let buy = "symbol=BTCEUR&side=BUY&quantity=0.1&price=45000&stopPrice=55000&newOrderRespType=ACK";
    let placed = server.mine(Method::POST, path, buy).await.ok();
    let orders = placed["orders"].as_array().unwrap();
    assert_eq!(placed["orderListId"], orders[0]["orderId"]);
    assert_eq!(placed["orderReports"][0].as_object().unwrap().len(), 5);
    let stop = server.shown(&orders[0]["orderId"]).await;
    has(&stop, &[("type", json!("STOP_LOSS")), ("price", json!("0.00"))]);
    server
        .mine(
            Method::POST,
            path,
            &older.replace("&stopLimitTimeInForce=IOC", ""),
        )
        .await
        .refused(
            400,
            -1102,
            "Mandatory parameter 'stopLimitTimeInForce' was not sent, was empty/null, or malformed.",
        );
}

#[tokio::test]
async fn pairs_that_do_not_fit_are_refused() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let relation = "The relationship of the prices for the orders is not correct.";
    let replaced = |from: &str, to: &str| SELL.replace(from, to);
    let cases = [
        (
            replaced("abovePrice=55000", "abovePrice=49000"),
            -2010,
            relation.to_owned(),
        ),
        (
            replaced("belowStopPrice=45000", "belowStopPrice=51000"),
            -2010,
            relation.to_owned(),
        ),
        (
            replaced("aboveType=LIMIT_MAKER", "aboveType=MARKET"),
            -1158,
            "Order type not supported in OCO.".to_owned(),
        ),
        (
            replaced("aboveType=LIMIT_MAKER", "aboveType=WISH"),
            -1116,
            "Invalid orderType.".to_owned(),
        ),
        (
            replaced("side=SELL", "side=BUY"),
            -1165,
            "A limit order in a buy OCO must be below.".to_owned(),
        ),
        (
            replaced("&belowTimeInForce=GTC", ""),
            -1102,
            "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed.".to_owned(),
        ),
        (
            replaced("&belowStopPrice=45000", ""),
            -1102,
            "Param 'belowStopPrice' or 'belowTrailingDelta' must be sent, but both were empty/null!"
                .to_owned(),
        ),
        (
            format!("{SELL}&aboveStopPrice=56000"),
            -1106,
            "Parameter 'aboveStopPrice' sent when not required.".to_owned(),
        ),
        (
            format!("{SELL}&belowTrailingDelta=100"),
            -1013,
            "Trailing stop orders are not supported for this symbol.".to_owned(),
        ),
        (
            replaced("aboveClientOrderId=upper", "aboveClientOrderId=lower"),
            -2010,
            "Duplicate order sent.".to_owned(),
        ),
        (
            replaced("quantity=0.5", "quantity=3"),
            -2010,
            "Account has insufficient balance for requested action.".to_owned(),
        ),
        (
            format!("{SELL}&workingType=LIMIT"),
            -1104,
            "Not all sent parameters were read; read '14' parameter(s) but was sent '15'.".to_owned(),
        ),
    ];
    for (params, code, message) in cases {
        let answer = server.mine(Method::POST, OCO, &params).await;
        assert_eq!(
            (answer.status, answer.code(), answer.message()),
            (400, code, message.as_str()),
            "{params}"
        );
    }
    assert_eq!(server.held(), Amount(0), "nothing was placed");
    server.sell_pair().await;
}

#[tokio::test]
async fn lists_are_asked_for_by_id_name_and_time() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let first = server.sell_pair().await["orderListId"].clone();
    let missing = "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!";
    server
        .mine(Method::GET, LIST, "")
        .await
        .refused(400, -1102, missing);
    server
        .mine(Method::GET, LIST, "orderListId=999999")
        .await
        .refused(400, -2013, "Order list does not exist.");
    server
        .mine(
            Method::GET,
            LIST,
            &format!("orderListId={first}&origClientOrderId=other"),
        )
        .await
        .refused(400, -2039, "Client order ID is not correct for this order ID.");
    let of_other = server
        .signed(
            &crate::support::maker_key(),
            Method::GET,
            LIST,
            &format!("orderListId={first}"),
        )
        .await;
    of_other.refused(400, -2013, "Order list does not exist.");
    let named = "symbol=BTCEUR&listClientOrderId=pair";
    server.mine(Method::DELETE, LIST, named).await.ok();
    let second = server.sell_pair().await["orderListId"].clone();
    // Of two with one name, the newer.
    let by_name = server
        .mine(Method::GET, LIST, "origClientOrderId=pair")
        .await
        .ok();
    assert_eq!(by_name["orderListId"], second);
    let ids = async |params: String| {
        let lists = server
            .mine(Method::GET, "/api/v3/allOrderList", &params)
            .await
            .ok();
        let ids: Vec<Value> = lists
            .as_array()
            .unwrap()
            .iter()
            .map(|list| list["orderListId"].clone())
            .collect();
        ids
    };
    assert_eq!(ids(String::new()).await, [first.clone(), second.clone()]);
    let newest = [second.clone()];
    assert_eq!(ids("limit=1".into()).await, newest);
    assert_eq!(ids(format!("fromId={second}")).await, newest);
    assert_eq!(
        ids(format!("endTime={}", now_ms() - 60_000)).await,
        Vec::<Value>::new()
    );
    server
        .mine(
            Method::GET,
            "/api/v3/allOrderList",
            &format!("fromId={first}&startTime={}", now_ms()),
        )
        .await
        .refused(400, -1128, "Combination of optional parameters invalid.");
}

#[tokio::test]
async fn a_list_id_of_two_markets_needs_the_symbol() {
    let server = Server::start().await;
    let pair =
        "side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=2200&belowType=STOP_LOSS&belowStopPrice=1800";
    let mut ids = Vec::new();
    for symbol in ["BTCEUR", "ETHEUR"] {
        let placed = server
            .mine(Method::POST, OCO, &format!("symbol={symbol}&{pair}"))
            .await
            .ok();
        ids.push(placed["orderListId"].clone());
    }
    assert_eq!(ids[0], ids[1], "ids are a market's own");
    let by_id = format!("orderListId={}", ids[0]);
    server.mine(Method::GET, LIST, &by_id).await.refused(
        400,
        -1102,
        "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
    );
    for symbol in ["BTCEUR", "ETHEUR"] {
        let list = server
            .mine(Method::GET, LIST, &format!("{by_id}&symbol={symbol}"))
            .await
            .ok();
        assert_eq!(list["symbol"], symbol);
    }
}

#[tokio::test]
async fn the_websocket_api_has_the_same_lists() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let mut socket = server.connect("/ws-api/v3").await;
    let mut ask = async |id: u32, method: &str, fields: &str| {
        let key = trader_key();
        let mut params: Vec<(String, String)> = fields
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        params.push(("apiKey".into(), key.name.clone()));
        params.push(("timestamp".into(), now_ms().to_string()));
        params.sort();
        let payload: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        params.push(("signature".into(), key.sign(&payload.join("&"))));
        let params: serde_json::Map<String, Value> = params
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        socket
            .ask(&json!({"id": id, "method": method, "params": params}))
            .await
    };
    let placed = ask(1, "orderList.place.oco", SELL).await;
    assert_eq!(placed["status"], 200, "{placed}");
    let list = placed["result"]["orderListId"].clone();
    let shown = ask(2, "orderList.status", &format!("orderListId={list}")).await;
    assert_eq!(shown["result"]["listOrderStatus"], "EXECUTING");
    for (id, method) in [(3, "openOrderLists.status"), (4, "allOrderLists")] {
        assert_eq!(
            ask(id, method, "").await["result"],
            json!([shown["result"]]),
            "{method}"
        );
    }
    let cancel = format!("symbol=BTCEUR&orderListId={list}");
    let canceled = ask(5, "orderList.cancel", &cancel).await;
    assert_eq!(canceled["result"]["listStatusType"], "ALL_DONE", "{canceled}");
    let older = "symbol=BTCEUR&side=SELL&quantity=0.1&price=55000&stopPrice=45000";
    assert_eq!(ask(6, "orderList.place", older).await["status"], 200);
    let order = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.02&price=40000";
    let order = ask(7, "order.place", order).await["result"]["orderId"].clone();
    let amended = ask(
        8,
        "order.amend.keepPriority",
        &format!("symbol=BTCEUR&orderId={order}&newQty=0.01"),
    )
    .await;
    assert_eq!(
        amended["result"]["amendedOrder"]["qty"], "0.01000000",
        "{amended}"
    );
}

#[tokio::test]
async fn an_order_of_a_pair_is_not_made_smaller_alone() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    server.sell_pair().await;
    let amend = "symbol=BTCEUR&origClientOrderId=upper&newQty=0.4";
    server
        .mine(Method::PUT, "/api/v3/order/amend/keepPriority", amend)
        .await
        .refused(400, -2038, "Order amend (order of a list) is not supported.");
    let all = Command::CancelAllOrders {
        account: TRADER,
        market: crate::support::BTCEUR,
    };
    server.exchange.submit(all).await.unwrap();
    assert_eq!(server.held(), Amount(0));
}
