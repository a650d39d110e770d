"""ccxt: markets, orders, trades and errors over REST, with an HMAC and with an Ed25519 key."""

import re
from decimal import Decimal

import ccxt

NAME = "ccxt"


def point_at(exchange, url):
    """Sends everything that would go to a Binance host to `url`."""
    websocket = url.replace("http", "ws", 1)

    def moved(value):
        if isinstance(value, dict):
            return {name: moved(part) for name, part in value.items()}
        if value.startswith("ws"):
            path = "/ws-api/v3" if "ws-api" in value else "/ws"
            return websocket + path
        return re.sub(r"^https?://[^/]+", url, value)

    exchange.urls["api"] = moved(exchange.urls["api"])
    return exchange


def connect(setup, library=ccxt, ed25519=False):
    key, secret = (setup.ed25519_key, setup.ed25519_pem) if ed25519 else (setup.key, setup.secret)
    return point_at(library.binance({"apiKey": key, "secret": secret}), setup.url)


def raises(expected, call, *arguments, text=None, **keywords):
    """Exactly this class of error, with this text."""
    try:
        result = call(*arguments, **keywords)
    except Exception as error:
        assert type(error) is expected, f"wanted {expected.__name__}, got {type(error).__name__}: {error}"
        assert text is None or text in str(error), str(error)
        return
    raise AssertionError(f"wanted {expected.__name__}, got {result}")


def prices(exchange, setup):
    book = exchange.fetch_order_book(setup.unified, 5)
    assert book["bids"] and book["asks"], "the market is not moving"
    return Decimal(str(book["bids"][0][0])), Decimal(str(book["asks"][0][0]))


def quantity_worth(exchange, setup, price, worth):
    amount = exchange.amount_to_precision(setup.unified, float(worth / price))
    return float(amount)


def notional_min(exchange, setup):
    return Decimal(str(exchange.market(setup.unified)["limits"]["cost"]["min"]))


def load_markets(setup):
    exchange = connect(setup)
    markets = exchange.load_markets()
    market = markets[setup.unified]
    assert market["spot"] and market["active"], market
    assert market["base"] == setup.base and market["quote"] == setup.quote
    assert market["precision"]["price"] and market["precision"]["amount"]
    assert market["limits"]["cost"]["min"] > 0
    assert setup.base in exchange.currencies


def public_data(setup):
    exchange = point_at(ccxt.binance(), setup.url)
    symbol = setup.unified
    ticker = exchange.fetch_ticker(symbol)
    assert ticker["bid"] < ticker["ask"] and ticker["last"] > 0 and ticker["baseVolume"] > 0, ticker
    assert symbol in exchange.fetch_tickers([symbol])
    book = exchange.fetch_order_book(symbol, 10)
    assert book["nonce"] > 0 and book["bids"][0][0] < book["asks"][0][0]
    trades = exchange.fetch_trades(symbol, limit=5)
    assert 1 <= len(trades) <= 5 and trades[-1]["price"] > 0
    candles = exchange.fetch_ohlcv(symbol, "1m", limit=3)
    assert candles and candles[-1][2] >= candles[-1][3], candles
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000
    assert exchange.fetch_status()["status"] == "ok"


def limit_order(setup, ed25519=False):
    exchange = connect(setup, ed25519=ed25519)
    exchange.load_markets()
    bid, _ = prices(exchange, setup)
    price = float(exchange.price_to_precision(setup.unified, float(bid / 2)))
    amount = quantity_worth(exchange, setup, Decimal(str(price)), notional_min(exchange, setup) * 3)
    before = exchange.fetch_balance()[setup.quote]
    order = exchange.create_order(setup.unified, "limit", "buy", amount, price)
    assert order["status"] == "open" and order["filled"] == 0, order
    held = exchange.fetch_balance()[setup.quote]
    assert held["used"] > before["used"] and abs(held["total"] - before["total"]) < 1e-6, (before, held)
    fetched = exchange.fetch_order(order["id"], setup.unified)
    assert fetched["price"] == price and fetched["amount"] == amount and fetched["status"] == "open", fetched
    assert order["id"] in [one["id"] for one in exchange.fetch_open_orders(setup.unified)]
    edited = exchange.edit_order(order["id"], setup.unified, "limit", "buy", amount, price * 0.9)
    assert edited["id"] != order["id"], edited
    canceled = exchange.cancel_order(edited["id"], setup.unified)
    assert canceled["status"] == "canceled", canceled
    assert exchange.fetch_order(edited["id"], setup.unified)["status"] == "canceled"
    assert exchange.fetch_balance()[setup.quote] == before
    raises(ccxt.OrderNotFound, exchange.cancel_order, edited["id"], setup.unified, text="Unknown order sent.")


def market_order(setup):
    exchange = connect(setup)
    exchange.load_markets()
    _, ask = prices(exchange, setup)
    amount = quantity_worth(exchange, setup, ask, notional_min(exchange, setup) * 3)
    before = exchange.fetch_balance()[setup.base]["total"]
    bought = exchange.create_order(setup.unified, "market", "buy", amount)
    assert bought["status"] == "closed" and bought["filled"] == amount and bought["average"] > 0, bought
    fees = sum(Decimal(str(fee["cost"])) for fee in bought["fees"])
    gained = Decimal(str(exchange.fetch_balance()[setup.base]["total"])) - Decimal(str(before))
    assert abs(gained - (Decimal(str(amount)) - fees)) < Decimal("1e-9"), (gained, amount, fees)
    trades = exchange.fetch_my_trades(setup.unified, params={"orderId": bought["id"]})
    assert trades and sum(Decimal(str(one["amount"])) for one in trades) == Decimal(str(amount)), trades
    assert all(one["takerOrMaker"] == "taker" and one["fee"]["currency"] == setup.base for one in trades)
    assert exchange.fetch_orders(setup.unified, limit=5)[-1]["id"] == bought["id"]
    sold = exchange.create_order(setup.unified, "market", "sell", amount * 0.9)
    assert sold["status"] == "closed" and sold["fees"][0]["currency"] == setup.quote, sold
    cost = float(notional_min(exchange, setup) * 3)
    spent = exchange.create_market_buy_order_with_cost(setup.unified, cost)
    assert spent["status"] == "closed" and 0 < spent["cost"] <= cost, spent


def cancel_all(setup):
    exchange = connect(setup)
    exchange.load_markets()
    bid, _ = prices(exchange, setup)
    for step in (2, 3):
        price = float(exchange.price_to_precision(setup.unified, float(bid / step)))
        amount = quantity_worth(exchange, setup, Decimal(str(price)), notional_min(exchange, setup) * 2)
        exchange.create_order(setup.unified, "limit", "buy", amount, price)
    exchange.cancel_all_orders(setup.unified)
    assert exchange.fetch_open_orders(setup.unified) == []


def stop_orders(setup):
    exchange = connect(setup)
    exchange.load_markets()
    symbol = setup.unified
    bid, _ = prices(exchange, setup)
    low = float(exchange.price_to_precision(symbol, float(bid / 2)))
    high = float(exchange.price_to_precision(symbol, float(bid * 3 / 2)))
    amount = quantity_worth(exchange, setup, bid, notional_min(exchange, setup) * 6)
    for kind, side, parameter, stop, price in (
        ("limit", "sell", "stopLossPrice", low, low),
        ("market", "sell", "stopLossPrice", low, None),
        ("limit", "buy", "takeProfitPrice", low, low),
        ("market", "buy", "takeProfitPrice", low, None),
        ("limit", "buy", "triggerPrice", high, high),
    ):
        order = exchange.create_order(symbol, kind, side, amount, price, {parameter: stop})
        fetched = exchange.fetch_order(order["id"], symbol)
        assert fetched["status"] == "open" and fetched["triggerPrice"] == stop, fetched
        assert exchange.cancel_order(order["id"], symbol)["status"] == "canceled"
    raises(ccxt.OrderImmediatelyFillable, exchange.create_order, symbol, "market", "sell", amount, None,
           {"stopLossPrice": high}, text="Order would trigger immediately.")


def order_lists(setup):
    exchange = connect(setup)
    exchange.load_markets()
    symbol = setup.unified
    bid, _ = prices(exchange, setup)
    low, high = (exchange.price_to_precision(symbol, float(price)) for price in (bid / 2, bid * 3 / 2))
    amount = exchange.amount_to_precision(symbol, float(notional_min(exchange, setup) * 6 / bid))
    pair = {"symbol": setup.symbol, "side": "SELL", "quantity": amount, "aboveType": "LIMIT_MAKER", "abovePrice": high,
            "belowType": "STOP_LOSS", "belowStopPrice": low}
    placed = exchange.private_post_orderlist_oco(pair)
    assert placed["listOrderStatus"] == "EXECUTING", placed
    assert len(exchange.fetch_open_orders(symbol)) == 2
    shown = exchange.private_get_orderlist({"orderListId": placed["orderListId"], "symbol": setup.symbol})
    assert shown["orders"] == placed["orders"], shown
    assert placed["orderListId"] in [one["orderListId"] for one in exchange.private_get_openorderlist()]
    canceled = exchange.private_delete_orderlist({"symbol": setup.symbol, "orderListId": placed["orderListId"]})
    assert canceled["listOrderStatus"] == "ALL_DONE", canceled
    again = exchange.private_post_orderlist_oco(pair)
    exchange.cancel_all_orders(symbol)
    assert exchange.fetch_open_orders(symbol) == []
    listed = [one["orderListId"] for one in exchange.private_get_allorderlist({"limit": 2})]
    assert listed == [placed["orderListId"], again["orderListId"]], listed


def account_extras(setup):
    exchange = connect(setup)
    exchange.load_markets()
    fees = exchange.fetch_trading_fee(setup.unified)
    assert fees["maker"] >= 0 and fees["taker"] >= fees["maker"], fees
    assert exchange.fetch_deposits() == [] and exchange.fetch_withdrawals() == []


def errors(setup):
    exchange = connect(setup)
    exchange.load_markets()
    bid, ask = prices(exchange, setup)
    symbol = setup.unified
    low = float(exchange.price_to_precision(symbol, float(bid / 2)))
    huge = exchange.market(symbol)["limits"]["amount"]["max"]
    enough = quantity_worth(exchange, setup, bid / 2, notional_min(exchange, setup) * 2)
    raises(ccxt.InsufficientFunds, exchange.create_order, symbol, "limit", "sell",
           quantity_worth(exchange, setup, ask, Decimal(400_000)), float(ask * 2), text="Account has insufficient balance for requested action.")
    post_only = {"postOnly": True}
    raises(ccxt.OrderImmediatelyFillable, exchange.create_order, symbol, "limit", "buy", enough,
           float(exchange.price_to_precision(symbol, float(ask * Decimal("1.01")))), post_only,
           text="Order would immediately match and take.")
    raises(ccxt.OrderNotFound, exchange.fetch_order, "999999999", symbol, text="Order does not exist.")
    raises(ccxt.BadSymbol, exchange.public_get_depth, {"symbol": "NOSUCH"}, text="Invalid symbol.")
    tiny = {"symbol": setup.symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": str(low)}
    for quantity, code in (("-1", "-1100"), ("NaN", "-1100"), ("0", "-1013"), ("0.000000001", "-1111")):
        try:
            exchange.private_post_order({**tiny, "quantity": quantity})
        except ccxt.BaseError as error:
            assert code in str(error), (quantity, str(error))
        else:
            raise AssertionError(f"quantity {quantity} was taken")
    assert huge > 0
    stranger = connect(setup)
    stranger.secret = "not the secret"
    raises(ccxt.AuthenticationError, stranger.private_get_account, text="-1022")
    stranger.apiKey = "nosuchkey"
    raises(ccxt.AuthenticationError, stranger.private_get_account, text="-2015")
    late = connect(setup)
    late.nonce = lambda: late.milliseconds() - 120_000
    raises(ccxt.InvalidNonce, late.private_get_account, text="-1021")


def checks(setup):
    yield "load markets", load_markets, setup
    yield "public data", public_data, setup
    yield "limit order: create, fetch, edit, cancel", limit_order, setup
    yield "market order, fees, own trades, balance", market_order, setup
    yield "cancel all", cancel_all, setup
    yield "stop-loss and take-profit orders", stop_orders, setup
    yield "one cancels the other", order_lists, setup
    yield "fees, deposits, withdrawals", account_extras, setup
    yield "error classes", errors, setup
    if setup.ed25519_pem:
        yield "limit order with an Ed25519 key", limit_order, setup, True
