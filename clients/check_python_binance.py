"""python-binance: REST, streams, and user data over the WebSocket API."""

import asyncio
import time
from decimal import Decimal

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

NAME = "python-binance"


def point_at(setup):
    """The library's hosts are class attributes: this moves them for all clients of the process."""
    for client in (Client, AsyncClient):
        client.API_URL = setup.url + "/api"
        client.MARGIN_API_URL = setup.url + "/sapi"
        client.WS_API_URL = setup.websocket_url + "/ws-api/v3"
    BinanceSocketManager.STREAM_URL = setup.websocket_url + "/"


def connect(setup, ed25519=False):
    point_at(setup)
    if ed25519:
        return Client(setup.ed25519_key, private_key=setup.ed25519_pem)
    return Client(setup.key, setup.secret)


async def connect_async(setup):
    point_at(setup)
    return await AsyncClient.create(setup.key, setup.secret)


def refused(code, call, **keywords):
    try:
        result = call(**keywords)
    except BinanceAPIException as error:
        assert error.code == code, (code, error.code, error.message)
        return
    raise AssertionError(f"wanted {code}, got {result}")


def steps(client, setup):
    """Tick, lot and least value of the market."""
    filters = {one["filterType"]: one for one in client.get_symbol_info(setup.symbol)["filters"]}
    return (
        Decimal(filters["PRICE_FILTER"]["tickSize"]),
        Decimal(filters["LOT_SIZE"]["stepSize"]),
        Decimal(filters["NOTIONAL"]["minNotional"]),
    )


def down_to(value, step):
    return value // step * step


def public_data(setup):
    client = connect(setup)
    symbol = setup.symbol
    assert client.ping() == {} and client.get_server_time()["serverTime"] > 0
    assert [one["symbol"] for one in client.get_exchange_info()["symbols"]].count(symbol) == 1
    book = client.get_order_book(symbol=symbol, limit=5)
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0]) and book["lastUpdateId"] > 0
    assert client.get_recent_trades(symbol=symbol, limit=2)[-1]["id"] > 0
    assert client.get_historical_trades(symbol=symbol, fromId=1, limit=1)[0]["id"] == 1
    assert client.get_aggregate_trades(symbol=symbol, limit=2)[-1]["a"] > 0
    assert len(client.get_klines(symbol=symbol, interval="1m", limit=2)[-1]) == 12
    for interval in ("1h", "1d", "3d", "1w", "1M"):
        assert client.get_klines(symbol=symbol, interval=interval), interval
    assert Decimal(client.get_avg_price(symbol=symbol)["price"]) > 0
    assert client.get_ticker(symbol=symbol)["count"] > 0
    assert client.get_symbol_ticker(symbol=symbol)["symbol"] == symbol
    assert any(one["symbol"] == symbol for one in client.get_all_tickers())
    assert client.get_orderbook_ticker(symbol=symbol)["bidPrice"]
    assert client.get_system_status()["status"] == 0
    refused(-1121, client.get_order_book, symbol="NOSUCH")
    refused(-1120, client.get_klines, symbol=symbol, interval="1s")


def orders(setup, ed25519=False):
    client = connect(setup, ed25519)
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    bid = Decimal(client.get_orderbook_ticker(symbol=symbol)["bidPrice"])
    price = down_to(bid / 2, tick)
    quantity = down_to(notional * 3 / price, lot)
    client.create_test_order(symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", quantity=str(quantity),
                             price=str(price))
    order = client.order_limit_buy(symbol=symbol, quantity=str(quantity), price=str(price))
    assert order["status"] == "NEW" and order["fills"] == [] and len(order["clientOrderId"]) >= 22, order
    fetched = client.get_order(symbol=symbol, orderId=order["orderId"])
    assert fetched["clientOrderId"] == order["clientOrderId"] and Decimal(fetched["origQty"]) == quantity, fetched
    assert order["orderId"] in [one["orderId"] for one in client.get_open_orders(symbol=symbol)]
    # This library sends the parameters of a DELETE in the body.
    canceled = client.cancel_order(symbol=symbol, origClientOrderId=order["clientOrderId"])
    assert canceled["status"] == "CANCELED" and canceled["origClientOrderId"] == order["clientOrderId"], canceled
    refused(-2011, client.cancel_order, symbol=symbol, orderId=order["orderId"])
    refused(-2013, client.get_order, symbol=symbol, orderId=999_999_999)
    bought = client.order_market_buy(symbol=symbol, quoteOrderQty=str(notional * 3))
    assert bought["status"] == "FILLED" and Decimal(bought["cummulativeQuoteQty"]) <= notional * 3, bought
    assert sum(Decimal(fill["qty"]) for fill in bought["fills"]) == Decimal(bought["executedQty"]), bought
    trades = client.get_my_trades(symbol=symbol, orderId=bought["orderId"])
    assert [one["id"] for one in trades] == [fill["tradeId"] for fill in bought["fills"]], trades
    sold = client.order_market_sell(symbol=symbol, quantity=str(down_to(Decimal(bought["executedQty"]) * 9 / 10, lot)))
    assert sold["status"] == "FILLED", sold
    assert client.get_all_orders(symbol=symbol, limit=1)[0]["orderId"] == sold["orderId"]
    assert Decimal(client.get_asset_balance(asset=setup.quote)["free"]) > 0
    assert client.get_account()["accountType"] == "SPOT" and client.get_account_status()["data"] == "Normal"
    assert client.get_trade_fee(symbol=symbol)[0]["symbol"] == symbol


def errors(setup):
    client = connect(setup)
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    ask = Decimal(client.get_orderbook_ticker(symbol=symbol)["askPrice"])
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": str(ask)}
    dust = str(lot)
    enough = str(down_to(notional * 2 / ask, lot))
    refused(-1013, client.create_order, **{**order, "quantity": dust})
    refused(-1111, client.create_order, **{**order, "quantity": "0.0000000001"})
    refused(-1013, client.create_order, **{**order, "quantity": "0"})
    refused(-1100, client.create_order, **{**order, "quantity": "-1"})
    refused(-1115, client.create_order, **{**order, "quantity": enough, "timeInForce": "GTD"})
    refused(-1116, client.create_order, **{**order, "quantity": enough, "type": "ICEBERG"})
    refused(-1117, client.create_order, **{**order, "quantity": enough, "side": "HOLD"})
    stop_below = str(down_to(ask / 2, tick))
    thrice = str(down_to(notional * 6 / ask, lot))
    refused(-2010, client.create_order, **{**order, "quantity": thrice, "type": "STOP_LOSS_LIMIT", "stopPrice": stop_below,
                                           "price": stop_below})
    refused(-1102, client.create_order, **{**order, "quantity": enough, "type": "STOP_LOSS_LIMIT"})
    refused(-1106, client.create_order, **{**order, "quantity": enough, "stopPrice": stop_below})
    refused(-1013, client.create_order, **{**order, "quantity": enough, "selfTradePreventionMode": "NONE"})
    refused(-2010, client.order_limit_sell, symbol=symbol, quantity=str(down_to(Decimal(900_000) / ask, lot)),
            price=str(ask))
    refused(-2010, client.create_order, symbol=symbol, side="BUY", type="LIMIT_MAKER", quantity=enough,
            price=str(down_to(ask * Decimal("1.01"), tick)))


def stop_orders(setup):
    client = connect(setup)
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    bid = Decimal(client.get_orderbook_ticker(symbol=symbol)["bidPrice"])
    low, high = down_to(bid / 2, tick), down_to(bid * 3 / 2, tick)
    quantity = str(down_to(notional * 6 / bid, lot))
    for side, kind, stop, limit in (
        ("SELL", "STOP_LOSS", low, None),
        ("BUY", "STOP_LOSS_LIMIT", high, high),
        ("BUY", "TAKE_PROFIT", low, None),
        ("SELL", "TAKE_PROFIT_LIMIT", high, high),
    ):
        priced = {"timeInForce": "GTC", "price": str(limit)} if limit else {}
        order = client.create_order(symbol=symbol, side=side, type=kind, quantity=quantity, stopPrice=str(stop),
                                    newOrderRespType="RESULT", **priced)
        assert order["status"] == "NEW" and order["type"] == kind and order["workingTime"] == -1, order
        fetched = client.get_order(symbol=symbol, orderId=order["orderId"])
        assert Decimal(fetched["stopPrice"]) == stop and fetched["isWorking"] is False, fetched
        assert order["orderId"] in [one["orderId"] for one in client.get_open_orders(symbol=symbol)]
        assert client.cancel_order(symbol=symbol, orderId=order["orderId"])["status"] == "CANCELED"
    triggered(client, symbol, tick, quantity)


def triggered(client, symbol, tick, quantity):
    """An own sale takes the last price down to the bid; then a purchase from the ask reaches the stop of another one."""
    for _ in range(40):
        client.order_market_sell(symbol=symbol, quantity=quantity)
        ask = Decimal(client.get_orderbook_ticker(symbol=symbol)["askPrice"])
        try:
            order = client.create_order(symbol=symbol, side="BUY", type="STOP_LOSS", quantity=quantity,
                                        stopPrice=str(ask), newOrderRespType="RESULT")
        except BinanceAPIException as error:
            # Somebody else bought meanwhile.
            assert (error.code, error.message) == (-2010, "Order would trigger immediately."), error
            continue
        assert order["status"] == "NEW", order
        bought = client.order_market_buy(symbol=symbol, quantity=quantity)
        fetched = client.get_order(symbol=symbol, orderId=order["orderId"])
        if max(Decimal(fill["price"]) for fill in bought["fills"]) >= ask:
            assert fetched["status"] == "FILLED", (fetched, bought)
        if fetched["status"] == "FILLED":
            assert fetched["isWorking"] is True and fetched["workingTime"] >= fetched["time"], fetched
            return
        # The ask fell before the purchase; unless another purchase comes now, this stop is not reached.
        try:
            client.cancel_order(symbol=symbol, orderId=order["orderId"])
        except BinanceAPIException as error:
            assert error.code == -2011, error
            assert client.get_order(symbol=symbol, orderId=order["orderId"])["status"] == "FILLED"
            return
    raise AssertionError("no trade reached the stop price in 40 attempts")


def order_lists(setup):
    client = connect(setup)
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    bid = Decimal(client.get_orderbook_ticker(symbol=symbol)["bidPrice"])
    low, high = down_to(bid / 2, tick), down_to(bid * 3 / 2, tick)
    quantity = str(down_to(notional * 6 / bid, lot))
    before = client.get_asset_balance(asset=setup.base)
    placed = client.create_oco_order(symbol=symbol, side="SELL", quantity=quantity, aboveType="LIMIT_MAKER",
                                     abovePrice=str(high), belowType="STOP_LOSS_LIMIT", belowStopPrice=str(low),
                                     belowPrice=str(low), belowTimeInForce="GTC")
    assert placed["contingencyType"] == "OCO" and placed["listOrderStatus"] == "EXECUTING", placed
    kinds = [report["type"] for report in placed["orderReports"]]
    assert kinds == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"], placed
    locked = Decimal(client.get_asset_balance(asset=setup.base)["locked"]) - Decimal(before["locked"])
    assert locked == Decimal(quantity), "a pair holds once"
    assert [one["orderListId"] for one in client.get_open_oco_orders()] == [placed["orderListId"]]
    below = placed["orders"][1]["orderId"]
    assert client.get_order(symbol=symbol, orderId=below)["orderListId"] == placed["orderListId"]
    canceled = client.cancel_order(symbol=symbol, orderId=below)
    assert [one["status"] for one in canceled["orderReports"]] == ["CANCELED", "CANCELED"], canceled
    assert client.get_open_oco_orders() == []
    refused(-2010, client.create_oco_order, symbol=symbol, side="SELL", quantity=quantity, aboveType="LIMIT_MAKER",
            abovePrice=str(low), belowType="STOP_LOSS", belowStopPrice=str(high))
    refused(-1165, client.create_oco_order, symbol=symbol, side="BUY", quantity=quantity, aboveType="LIMIT_MAKER",
            abovePrice=str(high), belowType="STOP_LOSS", belowStopPrice=str(low))


def own_orders_meet(setup):
    """Each mode of self-trade prevention, inside the spread, where nobody else stands."""
    client = connect(setup)
    for mode, maker_status, taker_status in (
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "EXPIRED"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("DECREMENT", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
    ):
        for _ in range(10):
            if statuses(client, setup, mode) == (maker_status, taker_status):
                break
        else:
            raise AssertionError(f"{mode}: somebody else came between every time")


def statuses(client, setup, mode):
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    ticker = client.get_orderbook_ticker(symbol=symbol)
    price = Decimal(ticker["bidPrice"]) + tick
    quantity = str(down_to(notional * 3 / price, lot))
    try:
        maker = client.create_order(symbol=symbol, side="BUY", type="LIMIT_MAKER", quantity=quantity, price=str(price))
    except BinanceAPIException as error:
        assert error.code == -2010, error
        return None
    taker = client.create_order(symbol=symbol, side="SELL", type="LIMIT", timeInForce="IOC", quantity=quantity,
                                price=str(price), selfTradePreventionMode=mode)
    shown = client.get_order(symbol=symbol, orderId=maker["orderId"])
    if shown["status"] in ("NEW", "PARTIALLY_FILLED"):
        client.cancel_order(symbol=symbol, orderId=maker["orderId"])
    assert taker["selfTradePreventionMode"] == mode, taker
    if taker["status"] == "EXPIRED_IN_MATCH":
        left = Decimal(quantity) - Decimal(taker["executedQty"])
        assert Decimal(taker["preventedQuantity"]) == left, taker
    return shown["status"], taker["status"]


def amendments(setup):
    client = connect(setup)
    symbol = setup.symbol
    tick, lot, notional = steps(client, setup)
    price = down_to(Decimal(client.get_orderbook_ticker(symbol=symbol)["bidPrice"]) / 2, tick)
    quantity = down_to(notional * 6 / price, lot)
    order = client.order_limit_buy(symbol=symbol, quantity=str(quantity), price=str(price))
    amend = {"symbol": symbol, "orderId": order["orderId"]}
    # This version of the library has the path only through its own general method.
    amended = client._put("order/amend/keepPriority", True, data={**amend, "newQty": str(down_to(quantity / 2, lot))})
    assert Decimal(amended["amendedOrder"]["qty"]) == down_to(quantity / 2, lot), amended
    assert amended["amendedOrder"]["clientOrderId"] == order["clientOrderId"], amended
    fetched = client.get_order(symbol=symbol, orderId=order["orderId"])
    assert Decimal(fetched["origQty"]) == down_to(quantity / 2, lot), fetched
    try:
        client._put("order/amend/keepPriority", True, data={**amend, "newQty": str(quantity)})
    except BinanceAPIException as error:
        assert error.code == -2038, error
    else:
        raise AssertionError("an order was made larger")
    client.cancel_order(symbol=symbol, orderId=order["orderId"])


async def streams(setup):
    client = await connect_async(setup)
    manager = BinanceSocketManager(client)
    symbol = setup.symbol
    lower = symbol.lower()
    sockets = {
        "trade": manager.trade_socket(symbol),
        "aggTrade": manager.aggtrade_socket(symbol),
        "kline": manager.kline_socket(symbol),
        "depthUpdate": manager.depth_socket(symbol, interval=100),
        "24hrTicker": manager.symbol_ticker_socket(symbol),
        "24hrMiniTicker": manager.symbol_miniticker_socket(symbol),
    }

    async def first(kind, socket):
        async with socket as stream:
            message = await asyncio.wait_for(stream.recv(), 15)
            assert message["e"] == kind and message["s"] == symbol, message

    async def partial():
        async with manager.depth_socket(symbol, depth=BinanceSocketManager.WEBSOCKET_DEPTH_5) as stream:
            message = await asyncio.wait_for(stream.recv(), 15)
            assert 1 <= len(message["bids"]) <= 5 and message["lastUpdateId"] > 0, message

    async def combined():
        async with manager.multiplex_socket([f"{lower}@trade", f"{lower}@bookTicker"]) as stream:
            message = await asyncio.wait_for(stream.recv(), 15)
            assert message["stream"].startswith(lower) and message["data"]["s"] == symbol, message

    try:
        await asyncio.gather(*(first(kind, socket) for kind, socket in sockets.items()), partial(), combined())
    finally:
        await client.close_connection()


async def user_data(setup):
    client = await connect_async(setup)
    manager = BinanceSocketManager(client)
    symbol = setup.symbol
    try:
        ticker = await client.get_orderbook_ticker(symbol=symbol)
        info = await client.get_symbol_info(symbol)
        filters = {one["filterType"]: one for one in info["filters"]}
        price = down_to(Decimal(ticker["bidPrice"]) / 2, Decimal(filters["PRICE_FILTER"]["tickSize"]))
        lot = Decimal(filters["LOT_SIZE"]["stepSize"])
        quantity = down_to(Decimal(filters["NOTIONAL"]["minNotional"]) * 3 / price, lot)
        async with manager.user_socket() as stream:
            order = await client.order_limit_buy(symbol=symbol, quantity=str(quantity), price=str(price))
            await client.cancel_order(symbol=symbol, orderId=order["orderId"], newClientOrderId="my-cancel")
            events = [await asyncio.wait_for(stream.recv(), 10) for _ in range(4)]
        reports = [one for one in events if one["e"] == "executionReport"]
        assert [one["x"] for one in reports] == ["NEW", "CANCELED"], events
        assert reports[1]["c"] == "my-cancel" and reports[1]["C"] == order["clientOrderId"], reports[1]
        positions = [one for one in events if one["e"] == "outboundAccountPosition"]
        assert any(balance["a"] == setup.quote for balance in positions[0]["B"]), positions
        high = down_to(Decimal(ticker["bidPrice"]) * 3 / 2, Decimal(filters["PRICE_FILTER"]["tickSize"]))
        async with manager.user_socket() as stream:
            placed = await client.ws_create_oco_order(
                symbol=symbol, side="SELL", quantity=str(quantity), aboveType="TAKE_PROFIT", aboveStopPrice=str(high),
                belowType="STOP_LOSS", belowStopPrice=str(price),
            )
            await client.cancel_order(symbol=symbol, orderId=placed["orders"][0]["orderId"])
            events = [await asyncio.wait_for(stream.recv(), 10) for _ in range(8)]
        lists = [one for one in events if one["e"] == "listStatus"]
        assert [one["L"] for one in lists] == ["EXECUTING", "ALL_DONE"], events
        assert all(one["g"] == placed["orderListId"] for one in lists), lists
        reports = [(one["o"], one["x"], one["w"]) for one in events if one["e"] == "executionReport"]
        assert reports == [("TAKE_PROFIT", "NEW", False), ("STOP_LOSS", "NEW", False),
                           ("TAKE_PROFIT", "CANCELED", False), ("STOP_LOSS", "CANCELED", False)], reports
    finally:
        await client.close_connection()


async def websocket_orders(setup):
    client = await connect_async(setup)
    symbol = setup.symbol
    try:
        assert (await client.ws_get_time())["serverTime"] > 0
        book = await client.ws_get_order_book(symbol=symbol, limit=5)
        assert book["lastUpdateId"] > 0
        price = Decimal(book["bids"][0][0]).quantize(Decimal("1")) / 2
        info = await client.get_symbol_info(symbol)
        filters = {one["filterType"]: one for one in info["filters"]}
        lot = Decimal(filters["LOT_SIZE"]["stepSize"])
        quantity = down_to(Decimal(filters["NOTIONAL"]["minNotional"]) * 3 / price, lot)
        order = await client.ws_create_order(
            symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", quantity=str(quantity), price=str(price)
        )
        assert order["status"] == "NEW", order
        fetched = await client.ws_get_order(symbol=symbol, orderId=order["orderId"])
        assert fetched["orderId"] == order["orderId"], fetched
        canceled = await client.ws_cancel_order(symbol=symbol, orderId=order["orderId"])
        assert canceled["status"] == "CANCELED", canceled
        assert (await client.ws_get_account())["accountType"] == "SPOT"
    finally:
        await client.close_connection()


def checks(setup):
    yield "public data", public_data, setup
    yield "orders, trades, account", orders, setup
    yield "stop-loss and take-profit orders", stop_orders, setup
    yield "one cancels the other", order_lists, setup
    yield "self-trade prevention", own_orders_meet, setup
    yield "amendments that keep priority", amendments, setup
    yield "error codes", errors, setup
    yield "streams", streams, setup
    yield "user data over the WebSocket API", user_data, setup
    yield "orders over the WebSocket API", websocket_orders, setup
    if setup.ed25519_pem:
        yield "orders with an Ed25519 key", orders, setup, True
