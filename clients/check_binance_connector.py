"""binance-connector: parameters of a POST in the query, with a JSON content type."""

from decimal import Decimal

from binance.error import ClientError
from binance.spot import Spot

NAME = "binance-connector"


def limit_order(setup):
    client = Spot(api_key=setup.key, api_secret=setup.secret, base_url=setup.url, show_limit_usage=True)
    symbol = setup.symbol
    book = client.book_ticker(symbol)
    assert int(book["limit_usage"]["x-mbx-used-weight-1m"]) > 0, book
    price = Decimal(book["data"]["bidPrice"]).quantize(Decimal("1")) / 2
    filters = {one["filterType"]: one for one in client.exchange_info(symbol)["data"]["symbols"][0]["filters"]}
    lot = Decimal(filters["LOT_SIZE"]["stepSize"])
    quantity = Decimal(filters["NOTIONAL"]["minNotional"]) * 3 / price // lot * lot
    order = client.new_order(symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", quantity=str(quantity),
                             price=str(price))["data"]
    assert order["status"] == "NEW", order
    assert client.get_order(symbol, orderId=order["orderId"])["data"]["price"] == order["price"]
    replaced = client.cancel_and_replace(symbol, "BUY", "LIMIT", "STOP_ON_FAILURE", timeInForce="GTC",
                                         quantity=str(quantity), price=str(price), cancelOrderId=order["orderId"])["data"]
    assert replaced["cancelResult"] == "SUCCESS" and replaced["newOrderResult"] == "SUCCESS", replaced
    canceled = client.cancel_open_orders(symbol)["data"]
    assert replaced["newOrderResponse"]["orderId"] in [one["orderId"] for one in canceled], canceled
    try:
        client.cancel_order(symbol, orderId=order["orderId"])
    except ClientError as error:
        assert error.error_code == -2011 and error.error_message == "Unknown order sent.", error
    else:
        raise AssertionError("a cancelled order was cancelled again")


def checks(setup):
    yield "limit order: create, replace, cancel", limit_order, setup
