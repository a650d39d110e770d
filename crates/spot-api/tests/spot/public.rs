//! Market data: nobody is asked who they are.

use crate::client::answer;
use crate::support::{MAKER, Server, TRADER, limit, now_ms};
use ensoex_engine::Side;
use serde_json::{Value, json};

#[tokio::test]
async fn exchange_info_has_all_that_strict_clients_want() {
    let server = Server::start().await;
    let info = server.get("/api/v3/exchangeInfo").await.ok();
    assert_eq!(info["timezone"], "UTC");
    assert!(info["serverTime"].as_u64().unwrap().abs_diff(now_ms()) < 5_000);
    let kinds: Vec<&str> = info["rateLimits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["rateLimitType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["REQUEST_WEIGHT", "ORDERS", "ORDERS"]);
    assert_eq!(info["exchangeFilters"], json!([]));
    let symbols = info["symbols"].as_array().unwrap();
    let names: Vec<&str> = symbols
        .iter()
        .map(|symbol| symbol["symbol"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["BTCEUR", "ETHEUR", "EURUAH"]);
    let symbol = &symbols[0];
    for (field, value) in [
        ("status", json!("TRADING")),
        ("baseAsset", json!("BTC")),
        ("baseAssetPrecision", json!(8)),
        ("quoteAsset", json!("EUR")),
        ("quotePrecision", json!(8)),
        ("quoteAssetPrecision", json!(8)),
        ("baseCommissionPrecision", json!(8)),
        ("quoteCommissionPrecision", json!(8)),
        (
            "orderTypes",
            json!([
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT"
            ]),
        ),
        ("amendAllowed", json!(true)),
        ("icebergAllowed", json!(false)),
        ("ocoAllowed", json!(true)),
        ("otoAllowed", json!(false)),
        ("quoteOrderQtyMarketAllowed", json!(true)),
        ("allowTrailingStop", json!(false)),
        ("cancelReplaceAllowed", json!(true)),
        ("isSpotTradingAllowed", json!(true)),
        ("isMarginTradingAllowed", json!(false)),
        ("permissions", json!([])),
        ("permissionSets", json!([["SPOT"]])),
        ("defaultSelfTradePreventionMode", json!("EXPIRE_TAKER")),
        (
            "allowedSelfTradePreventionModes",
            json!(["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]),
        ),
    ] {
        assert_eq!(symbol[field], value, "{field}");
    }
    let filters = symbol["filters"].as_array().unwrap();
    assert_eq!(
        filters[0],
        json!({"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"})
    );
    assert_eq!(
        filters[1],
        json!({"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "100.00000000", "stepSize": "0.00001000"})
    );
    assert_eq!(filters[3]["minNotional"], "5.00000000");
    assert_eq!(
        filters[4],
        json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200})
    );
    assert_eq!(
        filters[5],
        json!({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5})
    );
    assert_eq!(filters.len(), 6, "a market without a band has no filter for one");
    let band = json!({"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "2.000000",
        "bidMultiplierDown": "0.500000", "askMultiplierUp": "2.000000", "askMultiplierDown": "0.500000",
        "avgPriceMins": 0});
    assert_eq!(symbols[1]["filters"][6], band);
}

#[tokio::test]
async fn symbols_can_be_chosen() {
    let server = Server::start().await;
    let count = |info: Value| info["symbols"].as_array().unwrap().len();
    for (query, symbols) in [
        ("symbol=ETHEUR", 1),
        ("symbols=%5B%22BTCEUR%22,%22ETHEUR%22%5D", 2),
        ("permissions=SPOT", 3),
        ("permissions=%5B%22MARGIN%22%5D", 0),
        ("symbolStatus=TRADING", 3),
        ("symbolStatus=HALT", 0),
    ] {
        let info = server.get(&format!("/api/v3/exchangeInfo?{query}")).await.ok();
        assert_eq!(count(info), symbols, "{query}");
    }
    let invalid = "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.";
    for (query, code, message) in [
        ("symbol=NOSUCH", -1121, "Invalid symbol."),
        ("symbol=btceur", -1100, invalid),
        (
            "symbol=BTCEUR&symbols=%5B%5D",
            -1128,
            "Combination of optional parameters invalid.",
        ),
        (
            "symbols=%5B%22BTCEUR%22,%22BTCEUR%22%5D",
            -1151,
            "Symbol is present multiple times in the list.",
        ),
        ("symbolStatus=OPEN", -1122, "Invalid symbolStatus."),
    ] {
        server
            .get(&format!("/api/v3/exchangeInfo?{query}"))
            .await
            .refused(400, code, message);
    }
}

#[tokio::test]
async fn the_book_comes_with_the_sequence_it_had() {
    let server = Server::start().await;
    let outcomes = server.with_book().await;
    let depth = server.get("/api/v3/depth?symbol=BTCEUR&limit=1").await.ok();
    assert_eq!(depth["lastUpdateId"], outcomes.last().unwrap().sequence.0);
    assert_eq!(depth["bids"], json!([["49990.00", "0.50000000"]]));
    assert_eq!(depth["asks"], json!([["50010.00", "0.50000000"]]));
    let depth = server.get("/api/v3/depth?symbol=BTCEUR&limit=9999").await.ok();
    assert_eq!(depth["bids"].as_array().unwrap().len(), 2);
    let best = server.get("/api/v3/ticker/bookTicker?symbol=BTCEUR").await.ok();
    assert_eq!(best["bidPrice"], "49990.00");
    assert_eq!(best["askQty"], "0.50000000");
}

#[tokio::test]
async fn trades_candles_and_tickers_follow_a_trade() {
    let server = Server::start().await;
    server.with_book().await;
    server
        .exchange
        .submit(limit(TRADER, Side::Buy, 5_001_000, 10_000))
        .await
        .unwrap();
    server
        .exchange
        .submit(limit(TRADER, Side::Sell, 4_999_000, 20_000))
        .await
        .unwrap();
    for path in ["trades", "historicalTrades"] {
        let trades = server.get(&format!("/api/v3/{path}?symbol=BTCEUR")).await.ok();
        let trades = trades.as_array().unwrap();
        assert_eq!(trades.len(), 2, "{path}");
        assert_eq!(trades[0]["id"], 1);
        assert_eq!(trades[0]["price"], "50010.00");
        assert_eq!(trades[0]["qty"], "0.10000000");
        assert_eq!(trades[0]["quoteQty"], "5001.00000000");
        assert_eq!(trades[0]["isBuyerMaker"], false);
        assert_eq!(trades[1]["isBuyerMaker"], true);
    }
    let from = server
        .get("/api/v3/historicalTrades?symbol=BTCEUR&fromId=2")
        .await
        .ok();
    assert_eq!(from.as_array().unwrap().len(), 1);
    let aggregates = server.get("/api/v3/aggTrades?symbol=BTCEUR&limit=1").await.ok();
    assert_eq!(
        (&aggregates[0]["a"], &aggregates[0]["q"]),
        (&json!(2), &json!("0.20000000"))
    );
    for interval in ["1m", "1h", "1d", "3d", "1w", "1M"] {
        let candles = server
            .get(&format!("/api/v3/klines?symbol=BTCEUR&interval={interval}"))
            .await
            .ok();
        let candle = candles.as_array().unwrap().last().unwrap().as_array().unwrap();
        assert_eq!(candle.len(), 12, "{interval}");
        let texts = ["50010.00", "50010.00", "49990.00", "49990.00", "0.30000000"];
        assert_eq!(candle[1..6], texts.map(Value::from), "{interval}");
        assert_eq!(
            (&candle[8], &candle[9]),
            (&json!(2), &json!("0.10000000")),
            "{interval}"
        );
        assert!(
            candle[0].as_u64().unwrap() <= now_ms() && candle[6].as_u64().unwrap() >= now_ms(),
            "{interval}"
        );
    }
    let ticker = server.get("/api/v3/ticker/24hr?symbol=BTCEUR").await.ok();
    for (field, value) in [
        ("openPrice", json!("50010.00")),
        ("lastPrice", json!("49990.00")),
        ("priceChange", json!("-20.00")),
        ("priceChangePercent", json!("-0.040")),
        ("volume", json!("0.30000000")),
        ("quoteVolume", json!("14999.00000000")),
        ("weightedAvgPrice", json!("49996.66666666")),
        ("firstId", json!(1)),
        ("lastId", json!(2)),
        ("count", json!(2)),
    ] {
        assert_eq!(ticker[field], value, "{field}");
    }
    let mini = server
        .get("/api/v3/ticker/24hr?symbol=BTCEUR&type=MINI")
        .await
        .ok();
    assert!(mini.get("bidPrice").is_none() && mini["lastPrice"] == "49990.00");
    let window = server
        .get("/api/v3/ticker?symbol=BTCEUR&windowSize=5m")
        .await
        .ok();
    assert_eq!(
        (&window["volume"], &window["count"], &window["firstId"]),
        (&json!("0.30000000"), &json!(2), &json!(1))
    );
    let average = server.get("/api/v3/avgPrice?symbol=BTCEUR").await.ok();
    assert_eq!(
        (&average["mins"], &average["price"]),
        (&json!(5), &json!("49996.66666666"))
    );
    let prices = server.get("/api/v3/ticker/price").await.ok();
    assert_eq!(prices[0], json!({"symbol": "BTCEUR", "price": "49990.00"}));
    assert_eq!(
        server
            .get("/api/v3/ticker/24hr")
            .await
            .ok()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn public_requests_are_checked() {
    let server = Server::start().await;
    for (path, code, message) in [
        (
            "depth",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        ("depth?symbol=NOSUCH", -1121, "Invalid symbol."),
        (
            "depth?symbol=BTCEUR&limit=x",
            -1100,
            "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.",
        ),
        (
            "depth?symbol=BTCEUR&limit=0",
            -1130,
            "Data sent for parameter 'limit' is not valid.",
        ),
        (
            "depth?symbol=BTCEUR&depth=5",
            -1104,
            "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.",
        ),
        (
            "depth?symbol=BTCEUR&symbol=BTCEUR",
            -1101,
            "Duplicate values for a parameter detected.",
        ),
        (
            "depth?symbol=%zz",
            -1100,
            "Illegal characters found in a parameter.",
        ),
        ("klines?symbol=BTCEUR&interval=1s", -1120, "Invalid interval."),
        ("klines?symbol=BTCEUR&interval=1H", -1120, "Invalid interval."),
        (
            "klines?symbol=BTCEUR&interval=1d&timeZone=8",
            -1130,
            "Data sent for parameter 'timeZone' is not valid.",
        ),
        ("ticker/24hr?type=HUGE", -1139, "Invalid ticker type."),
        (
            "ticker",
            -1102,
            "Param 'symbol' or 'symbols' must be sent, but both were empty/null!",
        ),
        (
            "ticker?symbol=BTCEUR&windowSize=61m",
            -1130,
            "Data sent for parameter 'windowSize' is not valid.",
        ),
        (
            "ticker/price?symbol=BTCEUR&symbolStatus=HALT",
            -1220,
            "The symbol's status does not match the requested symbolStatus.",
        ),
    ] {
        server
            .get(&format!("/api/v3/{path}"))
            .await
            .refused(400, code, message);
    }
}

#[tokio::test]
async fn candles_without_trades_are_flat_and_limits_hold() {
    let server = Server::start().await;
    assert_eq!(
        server.get("/api/v3/klines?symbol=BTCEUR&interval=1m").await.ok(),
        json!([])
    );
    server.with_book().await;
    server
        .exchange
        .submit(limit(TRADER, Side::Buy, 5_001_000, 10_000))
        .await
        .unwrap();
    let start = now_ms() - 3 * 60_000;
    let path = format!("/api/v3/klines?symbol=BTCEUR&interval=1m&startTime={start}");
    let candles = server.get(&path).await.ok();
    assert!(
        candles.as_array().unwrap().len() <= 2,
        "nothing before the first trade: {candles}"
    );
    let ended = start - 60_000;
    let path = format!("/api/v3/klines?symbol=BTCEUR&interval=1m&endTime={ended}");
    assert_eq!(server.get(&path).await.ok(), json!([]));
}

#[tokio::test]
async fn what_clients_ask_at_startup_is_there() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v3/ping").await.ok(), json!({}));
    assert!(
        server.get("/api/v3/time").await.ok()["serverTime"]
            .as_u64()
            .unwrap()
            .abs_diff(now_ms())
            < 5_000
    );
    for path in ["/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo"] {
        assert_eq!(server.get(path).await.ok()["symbols"], json!([]));
    }
    for path in [
        "/sapi/v1/margin/allPairs",
        "/sapi/v1/margin/isolated/allPairs",
        "/sapi/v1/spot/delist-schedule",
    ] {
        assert_eq!(server.get(path).await.ok(), json!([]), "{path}");
    }
    assert_eq!(server.get("/sapi/v1/system/status").await.ok()["status"], 0);
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let server = Server::start().await;
    for path in [
        "/api/v3/nosuch",
        "/api/v1/depth",
        "/sapi/v1/nosuch",
        "/fapi/v1/order",
    ] {
        server.get(path).await.refused(
            404,
            -1020,
            "This operation is not supported: there is no such path.",
        );
    }
    let posted = answer(server.http.post(server.url("/api/v3/depth"))).await;
    posted.refused(400, -1020, "This operation is not supported.");
    let retired = answer(server.http.post(server.url("/api/v3/userDataStream"))).await;
    assert_eq!((retired.status, retired.code()), (410, -1020));
    assert!(
        retired.message().contains("userDataStream.subscribe"),
        "{}",
        retired.message()
    );
}

#[tokio::test]
async fn times_come_in_microseconds_on_demand() {
    let server = Server::start().await;
    let ask = |unit: &'static str| {
        answer(
            server
                .http
                .get(server.url("/api/v3/time"))
                .header("X-MBX-TIME-UNIT", unit),
        )
    };
    let micros = ask("MICROSECOND").await.ok()["serverTime"].as_u64().unwrap();
    assert!((micros / 1_000).abs_diff(now_ms()) < 5_000);
    let message = "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.";
    ask("FORTNIGHT").await.refused(400, -1194, message);
}

#[tokio::test]
async fn nobody_is_remembered() {
    let server = Server::start().await;
    server
        .exchange
        .submit(limit(MAKER, Side::Buy, 4_990_000, 100))
        .await
        .unwrap();
    for path in [
        "/api/v3/exchangeInfo",
        "/api/v3/depth?symbol=BTCEUR",
        "/api/v3/nosuch",
    ] {
        let answer = server.get(path).await;
        assert!(answer.headers.get("set-cookie").is_none(), "{path}");
        assert!(answer.headers.get("etag").is_none(), "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert_eq!(
            answer.headers["content-type"], "application/json;charset=UTF-8",
            "{path}"
        );
    }
}
