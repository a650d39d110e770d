"""ccxt.pro: streams, and orders over the WebSocket API."""

import asyncio

import ccxt.pro

import check_ccxt

NAME = "ccxt.pro"


def connect(setup, ed25519=False):
    return check_ccxt.connect(setup, ccxt.pro, ed25519)


async def market_streams(setup):
    exchange = connect(setup)
    symbol = setup.unified
    try:
        for _ in range(3):
            book, trades = await asyncio.gather(exchange.watch_order_book(symbol), exchange.watch_trades(symbol))
            assert book["bids"][0][0] < book["asks"][0][0], (book["bids"][:2], book["asks"][:2])
            assert trades[-1]["price"] > 0
        ticker, best, candles = await asyncio.gather(
            exchange.watch_ticker(symbol), exchange.watch_bids_asks([symbol]), exchange.watch_ohlcv(symbol, "1m")
        )
        assert ticker["last"] > 0 and best[symbol]["bid"] < best[symbol]["ask"] and candles[-1][4] > 0
    finally:
        await exchange.close()


async def book_is_the_book(setup):
    """After many deltas the local book is the one that REST shows at the same update."""
    exchange = connect(setup)
    symbol = setup.unified
    try:
        for _ in range(100):
            local = await exchange.watch_order_book(symbol)
            rest = await exchange.fetch_order_book(symbol, 1000)
            if local["nonce"] != rest["nonce"]:
                continue
            for side in ("bids", "asks"):
                assert [level[:2] for level in local[side]] == [level[:2] for level in rest[side]], side
            return
        raise AssertionError("the stream and REST were never at the same update")
    finally:
        await exchange.close()


async def orders_and_events(setup, ed25519=False):
    exchange = connect(setup, ed25519)
    symbol = setup.unified
    try:
        await exchange.load_markets()
        events = asyncio.ensure_future(exchange.watch_orders(symbol))
        await asyncio.sleep(1)
        book = await exchange.fetch_order_book(symbol, 5)
        price = float(exchange.price_to_precision(symbol, book["bids"][0][0] / 2))
        cost = exchange.market(symbol)["limits"]["cost"]["min"] * 3
        amount = float(exchange.amount_to_precision(symbol, cost / price))
        order = await exchange.create_order_ws(symbol, "limit", "buy", amount, price)
        seen = await asyncio.wait_for(events, 10)
        assert seen[-1]["id"] == order["id"] and seen[-1]["status"] == "open", seen
        # This version of the library leaves the Spot balances of this call in `info`.
        balance = await exchange.fetch_balance_ws()
        held = {one["asset"]: one["locked"] for one in balance["info"]["balances"]}
        assert float(held[setup.quote]) > 0, balance
        fetched = await exchange.fetch_order_ws(order["id"], symbol)
        assert fetched["amount"] == amount, fetched
        assert order["id"] in [one["id"] for one in await exchange.fetch_open_orders_ws(symbol)]
        events = asyncio.ensure_future(exchange.watch_orders(symbol))
        canceled = await exchange.cancel_order_ws(order["id"], symbol)
        assert canceled["status"] == "canceled", canceled
        seen = await asyncio.wait_for(events, 10)
        assert seen[-1]["id"] == order["id"] and seen[-1]["status"] == "canceled", seen
    finally:
        await exchange.close()


async def fills_and_balances(setup):
    exchange = connect(setup)
    symbol = setup.unified
    try:
        await exchange.load_markets()
        trades = asyncio.ensure_future(exchange.watch_my_trades(symbol))
        balances = asyncio.ensure_future(exchange.watch_balance())
        await asyncio.sleep(1)
        book = await exchange.fetch_order_book(symbol, 5)
        cost = exchange.market(symbol)["limits"]["cost"]["min"] * 3
        amount = float(exchange.amount_to_precision(symbol, cost / book["asks"][0][0]))
        order = await exchange.create_order_ws(symbol, "market", "buy", amount)
        seen = await asyncio.wait_for(trades, 10)
        assert seen[-1]["order"] == order["id"] and seen[-1]["fee"]["currency"] == setup.base, seen
        balance = await asyncio.wait_for(balances, 10)
        assert setup.base in balance and balance[setup.base]["total"] > 0, balance
    finally:
        await exchange.close()


def checks(setup):
    yield "book, trades, tickers, candles", market_streams, setup
    yield "the local book is the book", book_is_the_book, setup
    yield "orders and their events over WebSocket", orders_and_events, setup
    yield "fills and balances", fills_and_balances, setup
    if setup.ed25519_pem:
        yield "orders with an Ed25519 key", orders_and_events, setup, True
