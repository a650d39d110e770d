//! Every order that must not be: a clear refusal, and nothing moved.

use crate::support::{BTC, BTCEUR, EUR, Server, TRADER, trader_key};
use ensoex_engine::Command;
use ensoex_types::MarketState;
use reqwest::Method;

const LIMIT: &str = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000";
const STOP: &str = "symbol=BTCEUR&side=SELL&type=STOP_LOSS&quantity=0.01&stopPrice=30000";
const STOP_LIMIT: &str =
    "symbol=BTCEUR&side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.01&stopPrice=30000&price=29000";
const MARKET: &str = "symbol=BTCEUR&side=BUY&type=MARKET&quantity=0.01";

/// Replaces, adds (value given) or removes (value empty) one parameter.
fn with(params: &str, name: &str, value: &str) -> String {
    let mut pairs: Vec<String> = params
        .split('&')
        .filter(|pair| pair.split('=').next() != Some(name))
        .map(str::to_owned)
        .collect();
    if !value.is_empty() {
        pairs.push(format!("{name}={value}"));
    }
    pairs.join("&")
}

fn illegal(name: &str) -> String {
    format!(
        r"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\.[0-9]{{1,20}})?$'."
    )
}

fn mandatory(name: &str) -> String {
    format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
}

#[tokio::test]
async fn every_bad_order_is_refused_in_the_convention_s_words() {
    let server = Server::start().await;
    server.with_book().await;
    let before = server
        .exchange
        .read(|engine| (engine.balance(TRADER, BTC), engine.balance(TRADER, EUR)));
    let filter = |name: &str| format!("Filter failure: {name}");
    let not_required = |name: &str| format!("Parameter '{name}' sent when not required.");
    let client_id = "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[.A-Z:/a-z0-9_-]{1,36}$'.";
    let either_stop = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!";
    let insufficient = "Account has insufficient balance for requested action.";
    let cases: Vec<(&str, &str, &str, i64, String)> = vec![
        (LIMIT, "symbol", "", -1102, mandatory("symbol")),
        (LIMIT, "symbol", "NOSUCH", -1121, "Invalid symbol.".into()),
        (LIMIT, "side", "", -1102, mandatory("side")),
        (LIMIT, "side", "buy", -1117, "Invalid side.".into()),
        (LIMIT, "type", "", -1102, mandatory("type")),
        (LIMIT, "type", "PEGGED", -1116, "Invalid orderType.".into()),
        (
            LIMIT,
            "icebergQty",
            "0.001",
            -1013,
            "Iceberg orders are not supported for this symbol.".into(),
        ),
        (
            LIMIT,
            "trailingDelta",
            "100",
            -1013,
            "Trailing stop orders are not supported for this symbol.".into(),
        ),
        (
            LIMIT,
            "pegPriceType",
            "PRIMARY_PEG",
            -1013,
            "Pegged orders are not supported for this symbol.".into(),
        ),
        (LIMIT, "timeInForce", "", -1102, mandatory("timeInForce")),
        (LIMIT, "timeInForce", "GTD", -1115, "Invalid timeInForce.".into()),
        (LIMIT, "quoteOrderQty", "10", -1106, not_required("quoteOrderQty")),
        (LIMIT, "stopPrice", "39000", -1106, not_required("stopPrice")),
        (LIMIT, "strategyId", "1", -1106, not_required("strategyId")),
        (
            LIMIT,
            "selfTradePreventionMode",
            "NONE",
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.".into(),
        ),
        (
            LIMIT,
            "selfTradePreventionMode",
            "SOMETIMES",
            -1130,
            "Data sent for parameter 'selfTradePreventionMode' is not valid.".into(),
        ),
        (STOP, "stopPrice", "", -1102, either_stop.into()),
        (STOP, "stopPrice", "30000.001", -1013, filter("PRICE_FILTER")),
        (STOP, "stopPrice", "1000000.01", -1013, filter("PRICE_FILTER")),
        (STOP, "stopPrice", "x", -1100, illegal("stopPrice")),
        (STOP, "price", "40000", -1106, not_required("price")),
        (STOP, "timeInForce", "GTC", -1106, not_required("timeInForce")),
        (STOP, "quoteOrderQty", "100", -1106, not_required("quoteOrderQty")),
        (STOP, "quantity", "", -1102, mandatory("quantity")),
        (STOP, "quantity", "0.0001", -1013, filter("NOTIONAL")),
        (
            STOP,
            "trailingDelta",
            "100",
            -1013,
            "Trailing stop orders are not supported for this symbol.".into(),
        ),
        (STOP_LIMIT, "timeInForce", "", -1102, mandatory("timeInForce")),
        (STOP_LIMIT, "price", "", -1102, mandatory("price")),
        (STOP_LIMIT, "stopPrice", "", -1102, either_stop.into()),
        (
            LIMIT,
            "newOrderRespType",
            "LONG",
            -1130,
            "Data sent for parameter 'newOrderRespType' is not valid.".into(),
        ),
        (LIMIT, "newClientOrderId", "a%20b", -1100, client_id.into()),
        (
            LIMIT,
            "newClientOrderId",
            "1234567890123456789012345678901234567",
            -1100,
            client_id.into(),
        ),
        (
            LIMIT,
            "reduceOnly",
            "true",
            -1104,
            "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.".into(),
        ),
        (LIMIT, "price", "", -1102, mandatory("price")),
        (LIMIT, "price", "0", -1013, filter("PRICE_FILTER")),
        (LIMIT, "price", "0.00", -1013, filter("PRICE_FILTER")),
        (LIMIT, "price", "-40000", -1100, illegal("price")),
        (LIMIT, "price", "%2B40000", -1100, illegal("price")),
        (LIMIT, "price", "4e4", -1100, illegal("price")),
        (LIMIT, "price", "NaN", -1100, illegal("price")),
        (LIMIT, "price", "Infinity", -1100, illegal("price")),
        (LIMIT, "price", "40,000", -1100, illegal("price")),
        (LIMIT, "price", "40000.", -1100, illegal("price")),
        (LIMIT, "price", "40000.001", -1013, filter("PRICE_FILTER")),
        (
            LIMIT,
            "price",
            "40000.000000001",
            -1111,
            "Parameter 'price' has too much precision.".into(),
        ),
        (LIMIT, "price", "1000000.01", -1013, filter("PRICE_FILTER")),
        (
            LIMIT,
            "price",
            "99999999999999999999",
            -1013,
            filter("PRICE_FILTER"),
        ),
        (LIMIT, "price", "999999999999999999999", -1100, illegal("price")),
        (LIMIT, "quantity", "", -1102, mandatory("quantity")),
        (LIMIT, "quantity", "0", -1013, filter("LOT_SIZE")),
        (LIMIT, "quantity", "-0.01", -1100, illegal("quantity")),
        (LIMIT, "quantity", "NaN", -1100, illegal("quantity")),
        (LIMIT, "quantity", "1e-2", -1100, illegal("quantity")),
        (LIMIT, "quantity", "0.000001", -1013, filter("LOT_SIZE")),
        (
            LIMIT,
            "quantity",
            "0.000000001",
            -1111,
            "Parameter 'quantity' has too much precision.".into(),
        ),
        (LIMIT, "quantity", "101", -1013, filter("LOT_SIZE")),
        (
            LIMIT,
            "quantity",
            "99999999999999999999",
            -1013,
            filter("LOT_SIZE"),
        ),
        (LIMIT, "quantity", "0.0001", -1013, filter("NOTIONAL")),
        (LIMIT, "quantity", "26", -1013, filter("NOTIONAL")),
        (LIMIT, "quantity", "3", -2010, insufficient.into()),
        (
            MARKET,
            "quantity",
            "",
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!".into(),
        ),
        (
            MARKET,
            "quoteOrderQty",
            "10",
            -1128,
            "Combination of optional parameters invalid.".into(),
        ),
        (MARKET, "timeInForce", "GTC", -1106, not_required("timeInForce")),
        (MARKET, "price", "40000", -1106, not_required("price")),
        (MARKET, "quantity", "0", -1013, filter("LOT_SIZE")),
        (MARKET, "quantity", "0.00001", -1013, filter("NOTIONAL")),
        (MARKET, "quantity", "NaN", -1100, illegal("quantity")),
    ];
    for (params, name, value, code, message) in cases {
        let params = with(params, name, value);
        let answer = server
            .signed(&trader_key(), Method::POST, "/api/v3/order", &params)
            .await;
        assert_eq!(
            (answer.status, answer.code(), answer.message()),
            (400, code, message.as_str()),
            "{params}"
        );
    }
    for (quote, code, message) in [
        ("0", -1013, filter("NOTIONAL")),
        ("4.99", -1013, filter("NOTIONAL")),
        (
            "10.000000001",
            -1111,
            "Parameter 'quoteOrderQty' has too much precision.".into(),
        ),
        ("-10", -1100, illegal("quoteOrderQty")),
    ] {
        let params = with(&with(MARKET, "quantity", ""), "quoteOrderQty", quote);
        let answer = server
            .signed(&trader_key(), Method::POST, "/api/v3/order", &params)
            .await;
        assert_eq!(
            (answer.status, answer.code(), answer.message()),
            (400, code, message.as_str()),
            "{params}"
        );
    }
    let after = server
        .exchange
        .read(|engine| (engine.balance(TRADER, BTC), engine.balance(TRADER, EUR)));
    assert_eq!(after, before, "nothing moved");
    assert!(
        server
            .exchange
            .read(|engine| engine.open_orders(TRADER, None))
            .is_empty()
    );
    // The control: what all of these were made from is taken.
    for params in [LIMIT, STOP, STOP_LIMIT, MARKET] {
        server
            .signed(&trader_key(), Method::POST, "/api/v3/order", params)
            .await
            .ok();
    }
}

#[tokio::test]
async fn a_test_order_is_checked_like_a_real_one() {
    let server = Server::start().await;
    for (name, value, code) in [
        ("price", "1000000.01", -1013),
        ("quantity", "101", -1013),
        ("quantity", "0.0001", -1013),
        ("price", "NaN", -1100),
        ("side", "HOLD", -1117),
    ] {
        let params = with(LIMIT, name, value);
        let answer = server
            .signed(&trader_key(), Method::POST, "/api/v3/order/test", &params)
            .await;
        assert_eq!((answer.status, answer.code()), (400, code), "{params}");
    }
}

#[tokio::test]
async fn open_orders_have_a_limit() {
    let server = Server::start().await;
    let order = "symbol=BTCEUR&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=5000";
    let commands: Vec<Command> = (0..200)
        .map(|_| crate::support::limit(TRADER, ensoex_engine::Side::Buy, 500_000, 100))
        .collect();
    for outcome in server.exchange.submit_all(commands).await.unwrap() {
        assert_eq!(outcome.reject(), None);
    }
    let answer = server
        .signed(&trader_key(), Method::POST, "/api/v3/order", order)
        .await;
    answer.refused(400, -1013, "Filter failure: MAX_NUM_ORDERS");
    let open = server
        .signed(&trader_key(), Method::GET, "/api/v3/openOrders", "symbol=BTCEUR")
        .await
        .ok();
    assert_eq!(open.as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn a_market_that_takes_no_orders_is_closed() {
    let server = Server::start().await;
    for (state, status, cancelled) in [
        (MarketState::CancelOnly, "CANCEL_ONLY", true),
        (MarketState::Halted, "HALT", false),
    ] {
        let trading = Command::SetMarketState {
            market: BTCEUR,
            state: MarketState::Trading,
        };
        server.exchange.submit(trading).await.unwrap();
        let order = server
            .signed(&trader_key(), Method::POST, "/api/v3/order", LIMIT)
            .await
            .ok();
        server
            .exchange
            .submit(Command::SetMarketState {
                market: BTCEUR,
                state,
            })
            .await
            .unwrap();
        let info = server.get("/api/v3/exchangeInfo?symbol=BTCEUR").await.ok();
        assert_eq!(info["symbols"][0]["status"], status);
        for path in ["/api/v3/order", "/api/v3/order/test"] {
            let answer = server.signed(&trader_key(), Method::POST, path, LIMIT).await;
            answer.refused(400, -1013, "Market is closed.");
        }
        let params = format!("symbol=BTCEUR&orderId={}", order["orderId"]);
        let cancel = server
            .signed(&trader_key(), Method::DELETE, "/api/v3/order", &params)
            .await;
        assert_eq!(cancel.status == 200, cancelled, "{status}: {}", cancel.json);
    }
}
