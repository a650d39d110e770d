//! Orders from their placing to their end, in every answer that shows them.

use crate::support::{BTC, ED25519_TRADER, EUR, MAKER, Server, TRADER, limit, maker_key, now_ms, trader_key};
use ensoex_engine::{Balance, Side};
use ensoex_types::Amount;
use reqwest::Method;
use serde_json::{Value, json};

const ORDER: &str = "/api/v3/order";
const REPLACE: &str = "/api/v3/order/cancelReplace";

impl Server {
    /// The trader's request.
    async fn trade(&self, method: Method, path: &str, params: &str) -> crate::client::Answer {
        self.signed(&trader_key(), method, path, params).await
    }

    async fn place(&self, params: &str) -> crate::client::Answer {
        self.trade(Method::POST, ORDER, &format!("symbol=BTCEUR&{params}"))
            .await
    }

    fn balances(&self) -> (Balance, Balance) {
        self.exchange
            .read(|engine| (engine.balance(TRADER, BTC), engine.balance(TRADER, EUR)))
    }
}

fn has(value: &Value, fields: &[(&str, Value)]) {
    for (field, expected) in fields {
        assert_eq!(value[field], *expected, "{field} of {value}");
    }
}

#[tokio::test]
async fn a_limit_order_rests_is_found_and_is_cancelled() {
    let server = Server::start().await;
    let params =
        "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000&newClientOrderId=x-TKT5PX2F-1";
    let placed = server.place(params).await;
    assert_eq!(
        (
            placed.header("x-mbx-order-count-10s"),
            placed.header("x-mbx-order-count-1d")
        ),
        (Some(1), Some(1))
    );
    let placed = placed.ok();
    let shared = [
        ("symbol", json!("BTCEUR")),
        ("orderListId", json!(-1)),
        ("clientOrderId", json!("x-TKT5PX2F-1")),
        ("price", json!("40000.00")),
        ("origQty", json!("0.01000000")),
        ("executedQty", json!("0.00000000")),
        ("origQuoteOrderQty", json!("0.00000000")),
        ("cummulativeQuoteQty", json!("0.00000000")),
        ("status", json!("NEW")),
        ("timeInForce", json!("GTC")),
        ("type", json!("LIMIT")),
        ("side", json!("BUY")),
        ("selfTradePreventionMode", json!("EXPIRE_TAKER")),
    ];
    has(&placed, &shared);
    assert_eq!(placed["fills"], json!([]));
    assert!(placed["transactTime"].as_u64().unwrap().abs_diff(now_ms()) < 5_000);
    assert_eq!(server.balances().1.held, Amount(400 * 100_000_000));
    let id = placed["orderId"].as_u64().unwrap();

    let by_id = server
        .trade(Method::GET, ORDER, &format!("symbol=BTCEUR&orderId={id}"))
        .await
        .ok();
    has(&by_id, &shared);
    has(
        &by_id,
        &[
            ("isWorking", json!(true)),
            ("stopPrice", json!("0.00")),
            ("icebergQty", json!("0.00000000")),
        ],
    );
    let by_name = server
        .trade(Method::GET, ORDER, "symbol=BTCEUR&origClientOrderId=x-TKT5PX2F-1")
        .await
        .ok();
    assert_eq!(by_name, by_id);
    for query in ["symbol=BTCEUR", ""] {
        assert_eq!(
            server.trade(Method::GET, "/api/v3/openOrders", query).await.ok(),
            json!([by_id])
        );
    }
    assert_eq!(
        server
            .trade(Method::GET, "/api/v3/openOrders", "symbol=ETHEUR")
            .await
            .ok(),
        json!([])
    );
    let of_maker = server
        .signed(
            &maker_key(),
            Method::GET,
            ORDER,
            &format!("symbol=BTCEUR&orderId={id}"),
        )
        .await;
    of_maker.refused(400, -2013, "Order does not exist.");
    let of_maker = server
        .signed(
            &maker_key(),
            Method::DELETE,
            ORDER,
            &format!("symbol=BTCEUR&orderId={id}"),
        )
        .await;
    of_maker.refused(400, -2011, "Unknown order sent.");

    let cancel = format!("symbol=BTCEUR&orderId={id}&origClientOrderId=x-TKT5PX2F-1&newClientOrderId=bye");
    let canceled = server.trade(Method::DELETE, ORDER, &cancel).await.ok();
    has(
        &canceled,
        &[
            ("status", json!("CANCELED")),
            ("origClientOrderId", json!("x-TKT5PX2F-1")),
            ("clientOrderId", json!("bye")),
            ("orderId", json!(id)),
        ],
    );
    assert_eq!(server.balances().1.held, Amount(0));
    server
        .trade(Method::DELETE, ORDER, &cancel)
        .await
        .refused(400, -2011, "Unknown order sent.");
    let after = server
        .trade(Method::GET, ORDER, &format!("symbol=BTCEUR&orderId={id}"))
        .await
        .ok();
    assert_eq!(after["status"], "CANCELED");
}

#[tokio::test]
async fn a_market_order_is_right_to_the_last_unit() {
    let server = Server::start().await;
    server.with_book().await;
    let (btc, eur) = server.balances();
    let bought = server.place("side=BUY&type=MARKET&quantity=0.7").await.ok();
    has(
        &bought,
        &[
            ("status", json!("FILLED")),
            ("type", json!("MARKET")),
            ("price", json!("0.00")),
            ("origQty", json!("0.70000000")),
            ("executedQty", json!("0.70000000")),
            ("cummulativeQuoteQty", json!("35025.00000000")),
        ],
    );
    let fills = json!([
        {"price": "50010.00", "qty": "0.50000000", "commission": "0.00100000", "commissionAsset": "BTC", "tradeId": 1},
        {"price": "50100.00", "qty": "0.20000000", "commission": "0.00040000", "commissionAsset": "BTC", "tradeId": 2},
    ]);
    assert_eq!(bought["fills"], fills);
    let (btc_after, eur_after) = server.balances();
    assert_eq!(btc_after.available.0 - btc.available.0, 70_000_000 - 140_000);
    assert_eq!(eur.available.0 - eur_after.available.0, 35_025 * 100_000_000);

    let id = bought["orderId"].as_u64().unwrap();
    let trades = server
        .trade(
            Method::GET,
            "/api/v3/myTrades",
            &format!("symbol=BTCEUR&orderId={id}"),
        )
        .await
        .ok();
    has(
        &trades[0],
        &[
            ("id", json!(1)),
            ("orderId", json!(id)),
            ("price", json!("50010.00")),
            ("qty", json!("0.50000000")),
            ("quoteQty", json!("25005.00000000")),
            ("commission", json!("0.00100000")),
            ("commissionAsset", json!("BTC")),
            ("isBuyer", json!(true)),
            ("isMaker", json!(false)),
        ],
    );
    let of_maker = server
        .signed(&maker_key(), Method::GET, "/api/v3/myTrades", "symbol=BTCEUR")
        .await
        .ok();
    has(
        &of_maker[0],
        &[
            ("isBuyer", json!(false)),
            ("isMaker", json!(true)),
            ("commission", json!("25.00500000")),
            ("commissionAsset", json!("EUR")),
        ],
    );
    let account = server
        .trade(Method::GET, "/api/v3/account", "omitZeroBalances=true")
        .await
        .ok();
    has(
        &account,
        &[
            ("makerCommission", json!(10)),
            ("takerCommission", json!(20)),
            ("canTrade", json!(true)),
            ("canWithdraw", json!(false)),
            ("accountType", json!("SPOT")),
            ("permissions", json!(["SPOT"])),
            ("uid", json!(TRADER.0)),
        ],
    );
    assert_eq!(
        account["balances"][0],
        json!({"asset": "BTC", "free": "2.69860000", "locked": "0.00000000"})
    );
    assert_eq!(
        account["balances"][2],
        json!({"asset": "EUR", "free": "64975.00000000", "locked": "0.00000000"})
    );
}

#[tokio::test]
async fn a_quote_amount_is_spent_but_never_exceeded() {
    let server = Server::start().await;
    server.with_book().await;
    let bought = server
        .place("side=BUY&type=MARKET&quoteOrderQty=1000.5")
        .await
        .ok();
    has(
        &bought,
        &[
            ("status", json!("FILLED")),
            ("executedQty", json!("0.02000000")),
            ("origQty", json!("0.02000000")),
            ("origQuoteOrderQty", json!("1000.50000000")),
            ("cummulativeQuoteQty", json!("1000.20000000")),
        ],
    );
}

#[tokio::test]
async fn answers_are_as_long_as_asked_for() {
    let server = Server::start().await;
    let limit = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
    let ack = server.place(&format!("{limit}&newOrderRespType=ACK")).await.ok();
    assert_eq!(ack.as_object().unwrap().len(), 5, "{ack}");
    let result = server
        .place(&format!("{limit}&newOrderRespType=RESULT"))
        .await
        .ok();
    assert!(result.get("fills").is_none() && result["status"] == "NEW");
    let maker = server
        .place("side=BUY&type=LIMIT_MAKER&quantity=0.01&price=40000")
        .await
        .ok();
    assert!(
        maker.get("status").is_none(),
        "LIMIT_MAKER is acknowledged by default: {maker}"
    );
    let name = maker["clientOrderId"].as_str().unwrap();
    assert!(
        name.len() == 22 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{name}"
    );
    assert_ne!(ack["clientOrderId"], result["clientOrderId"]);
}

#[tokio::test]
async fn what_cannot_be_filled_at_once_expires_or_is_refused() {
    let server = Server::start().await;
    server.with_book().await;
    let ioc = server
        .place("side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.7&price=50010")
        .await
        .ok();
    has(
        &ioc,
        &[
            ("status", json!("EXPIRED")),
            ("executedQty", json!("0.50000000")),
            ("expiryReason", json!("UNFILLED_IOC_QUANTITY_EXPIRED")),
            ("timeInForce", json!("IOC")),
        ],
    );
    let found = server
        .trade(
            Method::GET,
            ORDER,
            &format!("symbol=BTCEUR&orderId={}", ioc["orderId"]),
        )
        .await
        .ok();
    has(
        &found,
        &[
            ("status", json!("EXPIRED")),
            ("expiryReason", json!("UNFILLED_IOC_QUANTITY_EXPIRED")),
        ],
    );
    let (btc, eur) = server.balances();
    let fok = server
        .place("side=BUY&type=LIMIT&timeInForce=FOK&quantity=1.1&price=50100")
        .await;
    fok.refused(
        400,
        -2010,
        "The FOK order could not be filled whole; nothing was traded.",
    );
    let post_only = server
        .place("side=BUY&type=LIMIT_MAKER&quantity=0.1&price=50100")
        .await;
    post_only.refused(400, -2010, "Order would immediately match and take.");
    assert_eq!(server.balances(), (btc, eur), "nothing moved");
    let fok = server
        .place("side=BUY&type=LIMIT&timeInForce=FOK&quantity=1&price=50100")
        .await
        .ok();
    assert_eq!(fok["status"], "FILLED");
    let empty = server.place("side=BUY&type=MARKET&quantity=0.1").await;
    empty.refused(
        400,
        -2010,
        "Order book liquidity is less than symbol minimum quantity.",
    );
}

#[tokio::test]
async fn an_order_does_not_meet_its_own_account() {
    let server = Server::start().await;
    server
        .exchange
        .submit(limit(TRADER, Side::Sell, 5_000_000, 1_000))
        .await
        .unwrap();
    let taker = server
        .place("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000")
        .await
        .ok();
    has(
        &taker,
        &[
            ("status", json!("EXPIRED_IN_MATCH")),
            ("executedQty", json!("0.00000000")),
        ],
    );
    assert_eq!(server.get("/api/v3/trades?symbol=BTCEUR").await.ok(), json!([]));
}

#[tokio::test]
async fn cancels_keep_their_conditions() {
    let server = Server::start().await;
    let rest = "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=50000&newClientOrderId=mine";
    let order = server.place(rest).await.ok();
    let id = &order["orderId"];
    server
        .place(rest)
        .await
        .refused(400, -2010, "Duplicate order sent.");
    let cancel = async |params: String| {
        server
            .trade(Method::DELETE, ORDER, &format!("symbol=BTCEUR{params}"))
            .await
    };
    let either = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
    cancel(String::new()).await.refused(400, -1102, either);
    let mismatch = "Client order ID is not correct for this order ID.";
    cancel(format!("&orderId={id}&origClientOrderId=other"))
        .await
        .refused(400, -2039, mismatch);
    cancel(format!("&orderId={id}&cancelRestrictions=EVER"))
        .await
        .refused(400, -1145, "Invalid cancelRestrictions");
    let restricted = "Order was not canceled due to cancel restrictions.";
    cancel(format!("&orderId={id}&cancelRestrictions=ONLY_PARTIALLY_FILLED"))
        .await
        .refused(400, -2011, restricted);
    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 5_000_000, 40_000))
        .await
        .unwrap();
    cancel(format!("&orderId={id}&cancelRestrictions=ONLY_NEW"))
        .await
        .refused(400, -2011, restricted);
    let partly = server
        .trade(Method::GET, ORDER, &format!("symbol=BTCEUR&orderId={id}"))
        .await
        .ok();
    has(
        &partly,
        &[
            ("status", json!("PARTIALLY_FILLED")),
            ("executedQty", json!("0.40000000")),
        ],
    );
    let canceled = cancel("&origClientOrderId=mine&cancelRestrictions=ONLY_PARTIALLY_FILLED".into())
        .await
        .ok();
    has(
        &canceled,
        &[
            ("executedQty", json!("0.40000000")),
            ("cummulativeQuoteQty", json!("20000.00000000")),
        ],
    );
    let get = format!("symbol=BTCEUR&orderId={id}&origClientOrderId=other");
    server
        .trade(Method::GET, ORDER, &get)
        .await
        .refused(400, -2039, mismatch);
    server
        .trade(Method::GET, ORDER, "symbol=BTCEUR")
        .await
        .refused(400, -1102, either);
}

#[tokio::test]
async fn all_open_orders_are_cancelled_at_once() {
    let server = Server::start().await;
    let open = "/api/v3/openOrders";
    server
        .trade(Method::DELETE, open, "symbol=BTCEUR")
        .await
        .refused(400, -2011, "Unknown order sent.");
    for price in [40_000, 41_000, 42_000] {
        server
            .place(&format!(
                "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}"
            ))
            .await
            .ok();
    }
    server
        .exchange
        .submit(limit(ED25519_TRADER, Side::Buy, 4_000_000, 1_000))
        .await
        .unwrap();
    let canceled = server.trade(Method::DELETE, open, "symbol=BTCEUR").await.ok();
    let prices: Vec<&Value> = canceled
        .as_array()
        .unwrap()
        .iter()
        .map(|order| &order["price"])
        .collect();
    assert_eq!(
        prices,
        [&json!("40000.00"), &json!("41000.00"), &json!("42000.00")]
    );
    assert!(
        canceled
            .as_array()
            .unwrap()
            .iter()
            .all(|order| order["status"] == "CANCELED")
    );
    assert_eq!(server.trade(Method::GET, open, "").await.ok(), json!([]));
    assert_eq!(
        server
            .exchange
            .read(|engine| engine.open_orders(ED25519_TRADER, None))
            .len(),
        1
    );
}

#[tokio::test]
async fn history_is_paged_and_bounded() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for price in [40_000, 41_000, 42_000] {
        let order = server
            .place(&format!(
                "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}"
            ))
            .await
            .ok();
        ids.push(order["orderId"].as_u64().unwrap());
    }
    let ids_of = |params: String| {
        let server = &server;
        async move {
            let orders = server
                .trade(
                    Method::GET,
                    "/api/v3/allOrders",
                    &format!("symbol=BTCEUR{params}"),
                )
                .await
                .ok();
            orders
                .as_array()
                .unwrap()
                .iter()
                .map(|order| order["orderId"].as_u64().unwrap())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(ids_of(String::new()).await, ids);
    assert_eq!(ids_of("&limit=2".into()).await, ids[1..]);
    assert_eq!(ids_of(format!("&orderId={}&limit=2", ids[0])).await, ids[..2]);
    assert_eq!(
        ids_of(format!(
            "&startTime={}&endTime={}",
            now_ms() - 60_000,
            now_ms() + 1
        ))
        .await,
        ids
    );
    assert!(ids_of(format!("&endTime={}", now_ms() - 60_000)).await.is_empty());
    let span = format!(
        "symbol=BTCEUR&startTime={}&endTime={}",
        now_ms() - 90_000_000,
        now_ms()
    );
    for path in ["/api/v3/allOrders", "/api/v3/myTrades"] {
        let refused = server.trade(Method::GET, path, &span).await;
        refused.refused(400, -1127, "More than 24 hours between startTime and endTime.");
    }
}

#[tokio::test]
async fn a_replacement_tells_of_both_halves() {
    let server = Server::start().await;
    server.with_book().await;
    let new = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=41000";
    let taking = "side=BUY&type=LIMIT_MAKER&quantity=0.01&price=50100";
    let rest = async || {
        server
            .place("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000")
            .await
            .ok()["orderId"]
            .clone()
    };
    let replace = |mode: &'static str, order: Value, new: &'static str| {
        let params = format!("symbol=BTCEUR&cancelReplaceMode={mode}&cancelOrderId={order}&{new}");
        let server = &server;
        async move { server.trade(Method::POST, REPLACE, &params).await }
    };
    let unknown = json!({"code": -2011, "msg": "Unknown order sent."});
    let would_take = json!({"code": -2010, "msg": "Order would immediately match and take."});

    for mode in ["STOP_ON_FAILURE", "ALLOW_FAILURE"] {
        let order = rest().await;
        let both = replace(mode, order.clone(), new).await.ok();
        has(
            &both,
            &[
                ("cancelResult", json!("SUCCESS")),
                ("newOrderResult", json!("SUCCESS")),
            ],
        );
        has(
            &both["cancelResponse"],
            &[("orderId", order), ("status", json!("CANCELED"))],
        );
        has(
            &both["newOrderResponse"],
            &[("status", json!("NEW")), ("price", json!("41000.00"))],
        );

        let order = rest().await;
        let canceled = replace(mode, order.clone(), taking).await;
        canceled.refused(409, -2021, "Order cancel-replace partially failed.");
        has(
            &canceled.json["data"],
            &[
                ("cancelResult", json!("SUCCESS")),
                ("newOrderResult", json!("FAILURE")),
            ],
        );
        assert_eq!(canceled.json["data"]["newOrderResponse"], would_take);
        assert_eq!(canceled.json["data"]["cancelResponse"]["orderId"], order);
    }
    let stopped = replace("STOP_ON_FAILURE", json!(999), new).await;
    stopped.refused(400, -2022, "Order cancel-replace failed.");
    let expected = json!({"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": unknown,
        "newOrderResponse": null});
    assert_eq!(stopped.json["data"], expected);
    let placed = replace("ALLOW_FAILURE", json!(999), new).await;
    placed.refused(409, -2021, "Order cancel-replace partially failed.");
    has(
        &placed.json["data"],
        &[
            ("newOrderResult", json!("SUCCESS")),
            ("cancelResponse", unknown.clone()),
        ],
    );
    let neither = replace("ALLOW_FAILURE", json!(999), taking).await;
    neither.refused(400, -2022, "Order cancel-replace failed.");
    has(
        &neither.json["data"],
        &[("cancelResponse", unknown), ("newOrderResponse", would_take)],
    );
    let mode = replace("PERHAPS", json!(1), new).await;
    mode.refused(
        400,
        -1130,
        "Data sent for parameter 'cancelReplaceMode' is not valid.",
    );
}

#[tokio::test]
async fn fees_and_counts_can_be_asked_for() {
    let server = Server::start().await;
    let fees = server
        .trade(Method::GET, "/api/v3/account/commission", "symbol=BTCEUR")
        .await
        .ok();
    has(
        &fees["standardCommission"],
        &[("maker", json!("0.00100000")), ("taker", json!("0.00200000"))],
    );
    // A tier of one's own changes what is paid, and what is said of it, for this account alone.
    let tier = ensoex_engine::Command::SetAccountTier {
        account: ED25519_TRADER,
        tier: 9,
    };
    server.exchange.submit(tier).await.unwrap();
    for (key, maker, taker) in [
        (trader_key(), "0.00100000", "0.00200000"),
        (crate::support::ed25519_key(), "0.00050000", "0.00100000"),
    ] {
        let path = "/api/v3/account/commission";
        let fees = server.signed(&key, Method::GET, path, "symbol=BTCEUR").await.ok();
        let expected = [("maker", json!(maker)), ("taker", json!(taker))];
        has(&fees["standardCommission"], &expected);
        let path = "/sapi/v1/asset/tradeFee";
        let fees = server.signed(&key, Method::GET, path, "symbol=BTCEUR").await.ok();
        has(
            &fees[0],
            &[
                ("makerCommission", json!(maker)),
                ("takerCommission", json!(taker)),
            ],
        );
        let account = server.signed(&key, Method::GET, "/api/v3/account", "").await.ok();
        has(&account["commissionRates"], &expected);
    }
    let test = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
    let path = "/api/v3/order/test";
    assert_eq!(server.trade(Method::POST, path, test).await.ok(), json!({}));
    let rates = server
        .trade(Method::POST, path, &format!("{test}&computeCommissionRates=true"))
        .await
        .ok();
    assert_eq!(rates["standardCommissionForOrder"]["taker"], "0.00200000");
    assert_eq!(
        server.trade(Method::GET, "/api/v3/openOrders", "").await.ok(),
        json!([]),
        "a test places nothing"
    );
    let counts = server
        .trade(Method::GET, "/api/v3/rateLimit/order", "")
        .await
        .ok();
    has(
        &counts[1],
        &[
            ("interval", json!("DAY")),
            ("count", json!(0)),
            ("limit", json!(200_000)),
        ],
    );
}
