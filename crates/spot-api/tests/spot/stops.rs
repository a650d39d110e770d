//! Stop-loss and take-profit orders: refused, waiting, triggered, ended.

use crate::client::Answer;
use crate::support::{BTCEUR, MAKER, Server, TAKER, TRADER, limit, trader_key};
use crate::user_data::{event, has, listening};
use ensoex_engine::{Command, Event, Restrictions, Side};
use ensoex_exchange::Outcome;
use ensoex_types::{AccountId, Amount, MarketState};
use reqwest::Method;
use serde_json::{Value, json};

const ORDER: &str = "/api/v3/order";

impl Server {
    /// The trader's request.
    pub(crate) async fn mine(&self, method: Method, path: &str, params: &str) -> Answer {
        self.signed(&trader_key(), method, path, params).await
    }

    /// The trader's order in BTCEUR.
    pub(crate) async fn order(&self, params: &str) -> Answer {
        self.mine(Method::POST, ORDER, &format!("symbol=BTCEUR&{params}"))
            .await
    }

    /// The trader's order in BTCEUR as it stands now.
    pub(crate) async fn shown(&self, order: &Value) -> Value {
        let params = format!("symbol=BTCEUR&orderId={order}");
        self.mine(Method::GET, ORDER, &params).await.ok()
    }

    /// A limit order of somebody in BTCEUR: price in cents, quantity in 1/100,000.
    pub(crate) async fn submit_limit(
        &self,
        account: AccountId,
        side: Side,
        price: u64,
        quantity: u64,
    ) -> Outcome {
        let command = limit(account, side, price, quantity);
        let outcome = self.exchange.submit(command).await.unwrap();
        assert_eq!(outcome.reject(), None);
        outcome
    }

    /// Two others trade 0.001 BTC at this price (in cents).
    pub(crate) async fn trade_at(&self, price: u64) {
        self.submit_limit(MAKER, Side::Sell, price, 100).await;
        let outcome = self.submit_limit(TAKER, Side::Buy, price, 100).await;
        let traded = |event: &Event| matches!(event, Event::Trade(trade) if trade.price.0 == price);
        assert!(outcome.events.iter().any(traded), "{:?}", outcome.events);
    }
}

#[tokio::test]
async fn a_stop_order_waits_until_a_trade_reaches_its_price() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let mut trader = listening(&server, &trader_key()).await;
    let stop = "side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.5&stopPrice=48000&price=47000\
                &newClientOrderId=stop&newOrderRespType=FULL";
    let placed = server.order(stop).await.ok();
    has(
        &placed,
        &[
            ("status", json!("NEW")),
            ("type", json!("STOP_LOSS_LIMIT")),
            ("timeInForce", json!("GTC")),
            ("price", json!("47000.00")),
            ("stopPrice", json!("48000.00")),
            ("origQty", json!("0.50000000")),
            ("workingTime", json!(-1)),
            ("fills", json!([])),
        ],
    );
    let new = event(&mut trader).await;
    has(
        &new,
        &[
            ("x", json!("NEW")),
            ("X", json!("NEW")),
            ("o", json!("STOP_LOSS_LIMIT")),
            ("P", json!("48000.00")),
            ("p", json!("47000.00")),
            ("w", json!(false)),
            ("W", json!(null)),
        ],
    );
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");
    let waiting = server.shown(&placed["orderId"]).await;
    has(
        &waiting,
        &[
            ("isWorking", json!(false)),
            ("workingTime", json!(-1)),
            ("stopPrice", json!("48000.00")),
        ],
    );
    assert_eq!(
        server.mine(Method::GET, "/api/v3/openOrders", "").await.ok(),
        json!([waiting])
    );
    let depth = async || server.get("/api/v3/depth?symbol=BTCEUR").await.ok()["asks"].clone();
    assert_eq!(depth().await, json!([]), "it is not in the book");
    server.trade_at(4_800_001).await;
    assert_eq!(server.shown(&placed["orderId"]).await["isWorking"], false);

    server.trade_at(4_800_000).await;
    let triggered = event(&mut trader).await;
    has(
        &triggered,
        &[
            ("x", json!("NEW")),
            ("X", json!("NEW")),
            ("i", placed["orderId"].clone()),
            ("w", json!(true)),
        ],
    );
    assert!(triggered["W"].as_u64() >= new["T"].as_u64());
    let working = server.shown(&placed["orderId"]).await;
    assert_eq!(working["isWorking"], true);
    assert_eq!(working["workingTime"], triggered["W"]);
    assert_eq!(depth().await, json!([["47000.00", "0.50000000"]]));

    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");
    server.submit_limit(MAKER, Side::Buy, 4_700_000, 20_000).await;
    has(
        &event(&mut trader).await,
        &[
            ("x", json!("TRADE")),
            ("X", json!("PARTIALLY_FILLED")),
            ("z", json!("0.20000000")),
            ("m", json!(true)),
        ],
    );
    let cancel = format!("symbol=BTCEUR&orderId={}", placed["orderId"]);
    let canceled = server.mine(Method::DELETE, ORDER, &cancel).await.ok();
    has(
        &canceled,
        &[
            ("status", json!("CANCELED")),
            ("stopPrice", json!("48000.00")),
            ("executedQty", json!("0.20000000")),
        ],
    );
}

#[tokio::test]
async fn each_type_is_triggered_from_its_own_side() {
    let cases = [
        ("BUY", "STOP_LOSS", 51_000, 5_100_000),
        ("SELL", "STOP_LOSS", 49_000, 4_900_000),
        ("BUY", "TAKE_PROFIT", 49_000, 4_900_000),
        ("SELL", "TAKE_PROFIT", 51_000, 5_100_000),
    ];
    for (side, order_type, stop_price, trade) in cases {
        let server = Server::start().await;
        server.trade_at(5_000_000).await;
        // What the triggered order will meet, away from every price that trades before.
        server.submit_limit(MAKER, Side::Buy, 4_000_000, 100_000).await;
        server.submit_limit(MAKER, Side::Sell, 6_000_000, 100_000).await;
        let params = format!("side={side}&type={order_type}&quantity=0.01&stopPrice={stop_price}");
        let placed = server.order(&params).await.ok();
        assert!(
            placed.get("status").is_none(),
            "stops are acknowledged by default: {placed}"
        );
        server.trade_at(trade).await;
        let filled = server.shown(&placed["orderId"]).await;
        has(
            &filled,
            &[
                ("type", json!(order_type)),
                ("status", json!("FILLED")),
                ("executedQty", json!("0.01000000")),
                ("price", json!("0.00")),
                ("isWorking", json!(true)),
            ],
        );
        let wrong_side = if stop_price > 50_000 { 49_000 } else { 51_000 };
        let params = format!("side={side}&type={order_type}&quantity=0.01&stopPrice={wrong_side}");
        server.trade_at(5_000_000).await;
        server
            .order(&params)
            .await
            .refused(400, -2010, "Order would trigger immediately.");
        let test = format!("symbol=BTCEUR&{params}");
        server
            .mine(Method::POST, "/api/v3/order/test", &test)
            .await
            .refused(400, -2010, "Order would trigger immediately.");
    }
}

#[tokio::test]
async fn a_triggered_order_that_finds_nothing_expires() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let mut trader = listening(&server, &trader_key()).await;
    let stop = "side=BUY&type=STOP_LOSS&quantity=0.1&stopPrice=51000";
    let placed = server.order(stop).await.ok();
    assert_eq!(event(&mut trader).await["x"], "NEW");
    assert_eq!(event(&mut trader).await["e"], "outboundAccountPosition");
    server.trade_at(5_100_000).await;
    assert_eq!(event(&mut trader).await["x"], "NEW", "triggered");
    has(
        &event(&mut trader).await,
        &[
            ("x", json!("EXPIRED")),
            ("X", json!("EXPIRED")),
            ("eR", json!("INSUFFICIENT_LIQUIDITY")),
            ("w", json!(false)),
        ],
    );
    has(
        &server.shown(&placed["orderId"]).await,
        &[
            ("status", json!("EXPIRED")),
            ("expiryReason", json!("INSUFFICIENT_LIQUIDITY")),
        ],
    );
    let fok = "side=BUY&type=STOP_LOSS_LIMIT&timeInForce=FOK&quantity=0.1&stopPrice=52000&price=52000";
    let placed = server.order(fok).await.ok();
    server.trade_at(5_200_000).await;
    has(
        &server.shown(&placed["orderId"]).await,
        &[
            ("status", json!("EXPIRED")),
            ("expiryReason", json!("UNFILLED_FOK_ORDER_EXPIRED")),
        ],
    );
}

#[tokio::test]
async fn bounds_of_stops_are_told_by_their_filters() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    for number in 1..=5 {
        let stop = format!(
            "side=SELL&type=STOP_LOSS&quantity=0.01&stopPrice={}",
            40_000 + number
        );
        server.order(&stop).await.ok();
    }
    let sixth = "side=SELL&type=STOP_LOSS&quantity=0.01&stopPrice=40000";
    server
        .order(sixth)
        .await
        .refused(400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS");
    let balances = server
        .exchange
        .read(|engine| engine.balance(TRADER, crate::support::BTC));
    assert_eq!(balances.held, Amount(5_000_000));

    let eth = async |params: &str| {
        server
            .mine(Method::POST, ORDER, &format!("symbol=ETHEUR&{params}"))
            .await
    };
    let far = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=";
    eth(&format!("{far}999")).await.ok();
    let sell =
        "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=2000&selfTradePreventionMode=EXPIRE_MAKER";
    eth(sell).await.ok();
    server
        .signed(
            &crate::support::maker_key(),
            Method::POST,
            ORDER,
            "symbol=ETHEUR&side=BUY&type=LIMIT&timeInForce=IOC&quantity=1&price=2000",
        )
        .await
        .ok();
    let band = "Filter failure: PERCENT_PRICE_BY_SIDE";
    for path in [ORDER, "/api/v3/order/test"] {
        for (price, allowed) in [
            ("999.99", false),
            ("1000", true),
            ("4000", true),
            ("4000.01", false),
        ] {
            let answer = server
                .mine(Method::POST, path, &format!("symbol=ETHEUR&{far}{price}"))
                .await;
            if allowed {
                answer.ok();
            } else {
                answer.refused(400, -1013, band);
            }
        }
        let stop = "symbol=ETHEUR&side=BUY&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&stopPrice=3000&price=6000.01";
        server
            .mine(Method::POST, path, stop)
            .await
            .refused(400, -1013, band);
    }
}

#[tokio::test]
async fn a_restricted_account_and_a_closed_market_say_so() {
    let server = Server::start().await;
    server.trade_at(5_000_000).await;
    let stop = server
        .order("side=SELL&type=STOP_LOSS&quantity=0.1&stopPrice=49000")
        .await
        .ok();
    let restrict = |no_trade| Command::RestrictAccount {
        account: TRADER,
        restrictions: Restrictions {
            no_trade,
            no_withdraw: false,
        },
    };
    server.exchange.submit(restrict(true)).await.unwrap();
    let order = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
    server
        .order(order)
        .await
        .refused(400, -2010, "This account may not place or cancel orders.");
    let account = server.mine(Method::GET, "/api/v3/account", "").await.ok();
    assert_eq!(account["canTrade"], false);
    server.trade_at(4_900_000).await;
    has(
        &server.shown(&stop["orderId"]).await,
        &[("status", json!("EXPIRED")), ("expiryReason", json!("REJECTED"))],
    );
    server.exchange.submit(restrict(false)).await.unwrap();
    let rest = server.order(order).await.ok();
    let state = |state| Command::SetMarketState {
        market: BTCEUR,
        state,
    };
    let status = async || {
        let info = server.get("/api/v3/exchangeInfo?symbol=BTCEUR").await.ok();
        info["symbols"][0]["status"].clone()
    };
    for (to, text) in [
        (MarketState::CancelOnly, "CANCEL_ONLY"),
        (MarketState::Halted, "HALT"),
        (MarketState::Delisted, "BREAK"),
    ] {
        server.exchange.submit(state(to)).await.unwrap();
        assert_eq!(status().await, text);
        server.order(order).await.refused(400, -1013, "Market is closed.");
    }
    has(
        &server.shown(&rest["orderId"]).await,
        &[
            ("status", json!("EXPIRED")),
            ("expiryReason", json!("EXCHANGE_CANCELED")),
        ],
    );
    // The name goes to a new market, which is what it means from then on.
    let list = Command::ListMarket {
        market: ensoex_types::MarketId(3),
        spec: Box::new(crate::support::market("BTCEUR", 0, 2, 1_000, 10, 2)),
    };
    assert_eq!(server.exchange.submit(list).await.unwrap().reject(), None);
    assert_eq!(status().await, "TRADING");
    server.order(order).await.ok();
    let info = server.get("/api/v3/exchangeInfo").await.ok();
    let names: Vec<&Value> = info["symbols"]
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| &symbol["symbol"])
        .collect();
    assert_eq!(names, ["ETHEUR", "EURUAH", "BTCEUR"]);
}
