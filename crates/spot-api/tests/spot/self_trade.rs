//! Self-trade prevention in its four modes (examples C, B, D and G of the convention's own page), and orders made
//! smaller by their owner.

use crate::support::{Server, TRADER, trader_key};
use crate::user_data::{event, has, listening};
use ensoex_engine::Side;
use reqwest::Method;
use serde_json::{Value, json};

const AMEND: &str = "/api/v3/order/amend/keepPriority";

impl Server {
    /// An order of the trader that rests.
    async fn rest(&self, side: &str, quantity: &str, price: &str) -> Value {
        let params = format!("side={side}&type=LIMIT&timeInForce=GTC&quantity={quantity}&price={price}");
        self.order(&params).await.ok()["orderId"].clone()
    }

    /// The trader's sell order at 40,000 in a mode.
    async fn sell_in_mode(&self, quantity: &str, mode: &str) -> Value {
        let params = format!(
            "side=SELL&type=LIMIT&timeInForce=GTC&quantity={quantity}&price=40000&selfTradePreventionMode={mode}"
        );
        self.order(&params).await.ok()
    }

    async fn statuses(&self, orders: &[&Value]) -> Vec<(String, Value)> {
        let mut statuses = Vec::new();
        for order in orders {
            let shown = self.shown(order).await;
            statuses.push((
                shown["status"].as_str().unwrap().to_owned(),
                shown["preventedQuantity"].clone(),
            ));
        }
        statuses
    }
}

fn expired(prevented: &str) -> (String, Value) {
    ("EXPIRED_IN_MATCH".to_owned(), json!(prevented))
}

fn new() -> (String, Value) {
    ("NEW".to_owned(), Value::Null)
}

#[tokio::test]
async fn the_taker_s_mode_decides_who_expires() {
    for (mode, taker, maker) in [
        ("EXPIRE_TAKER", expired("0.30000000"), new()),
        ("EXPIRE_MAKER", new(), expired("0.10000000")),
        ("EXPIRE_BOTH", expired("0.30000000"), expired("0.10000000")),
    ] {
        let server = Server::start().await;
        let resting = server.rest("BUY", "0.1", "40000").await;
        let placed = server.sell_in_mode("0.3", mode).await;
        has(
            &placed,
            &[
                ("selfTradePreventionMode", json!(mode)),
                ("status", json!(taker.0)),
                ("executedQty", json!("0.00000000")),
                ("preventedQuantity", taker.1.clone()),
            ],
        );
        assert_eq!(
            server.statuses(&[&placed["orderId"], &resting]).await,
            [taker, maker],
            "{mode}"
        );
        assert_eq!(server.get("/api/v3/trades?symbol=BTCEUR").await.ok(), json!([]));
    }
}

#[tokio::test]
async fn decrement_takes_the_same_off_both() {
    let server = Server::start().await;
    let resting = server.rest("BUY", "0.6", "40000").await;
    let mut trader = listening(&server, &trader_key()).await;
    let placed = server.sell_in_mode("0.2", "DECREMENT").await;
    has(
        &placed,
        &[
            ("status", json!("EXPIRED_IN_MATCH")),
            ("preventedQuantity", json!("0.20000000")),
        ],
    );
    assert_eq!(event(&mut trader).await["x"], "NEW");
    for (order, counter, status, on_book) in [
        (&resting, &placed["orderId"], "NEW", true),
        (&placed["orderId"], &resting, "EXPIRED_IN_MATCH", false),
    ] {
        has(
            &event(&mut trader).await,
            &[
                ("x", json!("TRADE_PREVENTION")),
                ("X", json!(status)),
                ("i", order.clone()),
                ("U", counter.clone()),
                ("A", json!("0.20000000")),
                ("B", json!("0.20000000")),
                ("pl", json!("0.20000000")),
                ("pL", json!("40000.00")),
                ("pY", json!("8000.00000000")),
                ("w", json!(on_book)),
            ],
        );
    }
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");
    has(
        &server.shown(&resting).await,
        &[
            ("status", json!("NEW")),
            ("origQty", json!("0.60000000")),
            ("preventedQuantity", json!("0.20000000")),
            ("preventedMatchId", json!(1)),
        ],
    );
    let depth = server.get("/api/v3/depth?symbol=BTCEUR").await.ok();
    assert_eq!(depth["bids"], json!([["40000.00", "0.40000000"]]));
    let matches = server
        .mine(
            Method::GET,
            "/api/v3/myPreventedMatches",
            &format!("symbol=BTCEUR&orderId={resting}"),
        )
        .await
        .ok();
    has(
        &matches[0],
        &[
            ("preventedMatchId", json!(1)),
            ("takerOrderId", placed["orderId"].clone()),
            ("makerOrderId", resting.clone()),
            ("selfTradePreventionMode", json!("DECREMENT")),
            ("price", json!("40000.00")),
            ("makerPreventedQuantity", json!("0.20000000")),
            ("takerPreventedQuantity", json!("0.20000000")),
        ],
    );
    server
        .mine(Method::GET, "/api/v3/myPreventedMatches", "symbol=BTCEUR")
        .await
        .refused(
            400,
            -1102,
            "Param 'preventedMatchId' or 'orderId' must be sent, but both were empty/null!",
        );
}

#[tokio::test]
async fn an_order_is_made_smaller_and_keeps_its_place() {
    let server = Server::start().await;
    let mut trader = listening(&server, &trader_key()).await;
    let params = "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=50000&newClientOrderId=mine";
    let order = server.order(params).await.ok()["orderId"].clone();
    server
        .submit_limit(crate::support::MAKER, Side::Sell, 5_000_000, 100_000)
        .await;
    server
        .submit_limit(crate::support::TAKER, Side::Buy, 5_000_000, 10_000)
        .await;
    let amend = async |params: &str| {
        let params = format!("symbol=BTCEUR&orderId={order}&{params}");
        server.mine(Method::PUT, AMEND, &params).await
    };
    for (params, code, message) in [
        (
            "newQty=1",
            -2038,
            "The requested action would change no state; rejecting",
        ),
        (
            "newQty=1.1",
            -2038,
            "Order amend (quantity increase) is not supported.",
        ),
        ("newQty=0.1", -1013, "Filter failure: LOT_SIZE"),
        ("newQty=0", -1013, "Filter failure: LOT_SIZE"),
        (
            "newQty=0.5&newClientOrderId=other",
            -2038,
            "Order amend (client order id change) is not supported.",
        ),
        (
            "",
            -1102,
            "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed.",
        ),
        (
            "newQty=0.5&origClientOrderId=other",
            -2039,
            "Client order ID is not correct for this order ID.",
        ),
    ] {
        amend(params).await.refused(400, code, message);
    }
    server
        .mine(Method::PUT, AMEND, "symbol=BTCEUR&orderId=999999&newQty=1")
        .await
        .refused(400, -2038, "Unknown order sent.");
    let amended = amend("newQty=0.5&newClientOrderId=mine").await.ok();
    has(
        &amended["amendedOrder"],
        &[
            ("orderId", order.clone()),
            ("orderListId", json!(-1)),
            ("origClientOrderId", json!("mine")),
            ("clientOrderId", json!("mine")),
            ("qty", json!("0.50000000")),
            ("executedQty", json!("0.10000000")),
            ("preventedQty", json!("0.00000000")),
            ("quoteOrderQty", json!("0.00000000")),
            ("cumulativeQuoteQty", json!("5000.00000000")),
            ("status", json!("PARTIALLY_FILLED")),
        ],
    );
    let replaced = loop {
        let event = event(&mut trader).await;
        if event["x"] == "REPLACED" {
            break event;
        }
    };
    has(
        &replaced,
        &[
            ("I", amended["executionId"].clone()),
            ("q", json!("0.50000000")),
            ("X", json!("PARTIALLY_FILLED")),
        ],
    );
    // It still comes before the one that was second.
    server
        .submit_limit(crate::support::TAKER, Side::Buy, 5_000_000, 40_000)
        .await;
    assert_eq!(server.shown(&order).await["status"], "FILLED");
    let remaining = server.exchange.read(|engine| engine.open_orders(TRADER, None));
    assert!(remaining.is_empty());
}

#[tokio::test]
async fn a_waiting_stop_is_made_smaller_too() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let stop = "side=SELL&type=STOP_LOSS&quantity=0.5&stopPrice=45000";
    let order = server.order(stop).await.ok()["orderId"].clone();
    let amended = server
        .mine(
            Method::PUT,
            AMEND,
            &format!("symbol=BTCEUR&orderId={order}&newQty=0.2"),
        )
        .await
        .ok();
    has(
        &amended["amendedOrder"],
        &[
            ("qty", json!("0.20000000")),
            ("workingTime", json!(-1)),
            ("stopPrice", json!("45000.00")),
        ],
    );
}
