//! Limit and market orders, cancelling, reducing, replacing, and the market's rules.

use crate::table::{check, check_in, plain};
use ensoex_types::{Amount, MarketSpec, Price, Quantity};

#[test]
fn the_better_price_trades_first_then_the_older_order() {
    check(
        "
        ann sell 2 @ 101          | accepted #1
        ann sell 2 @ 100          | accepted #2
        cat sell 2 @ 100          | accepted #3
        bob buy 5 @ 101           | accepted #4, trade 2 @ 100 with #2, #2 Filled, trade 2 @ 100 with #3, #3 Filled, trade 1 @ 101 with #1, #4 Filled
        ann has                   | base 996+1 quote 100301+0
        cat has                   | base 998+0 quote 100200+0
        bob has                   | base 1005+0 quote 99499+0
        ",
    );
}

#[test]
fn a_better_price_releases_the_difference() {
    check(
        "
        ann sell 3 @ 90           | accepted #1
        bob buy 5 @ 100           | accepted #2, trade 3 @ 90 with #1, #1 Filled
        bob has                   | base 1003+0 quote 99530+200
        bob cancel #2             | #2 Canceled with 2 left
        bob has                   | base 1003+0 quote 99730+0
        ",
    );
}

#[test]
fn immediate_or_cancel_never_rests() {
    check(
        "
        bob buy 5 @ 100 ioc       | accepted #1, #1 Expired with 5 left
        ann sell 2 @ 100          | accepted #2
        bob buy 5 @ 100 ioc       | accepted #3, trade 2 @ 100 with #2, #2 Filled, #3 Expired with 3 left
        bob has                   | base 1002+0 quote 99800+0
        ",
    );
}

#[test]
fn fill_or_kill_is_whole_or_refused() {
    check(
        "
        ann sell 2 @ 100          | accepted #1
        cat sell 2 @ 101          | accepted #2
        ann sell 9 @ 102          | accepted #3
        bob buy 5 @ 101 fok       | rejected NotFillable
        bob has                   | base 1000+0 quote 100000+0
        bob buy 4 @ 101 fok       | accepted #4, trade 2 @ 100 with #1, #1 Filled, trade 2 @ 101 with #2, #2 Filled, #4 Filled
        bob sell 1 @ 1 fok        | rejected NotFillable
        ",
    );
}

#[test]
fn a_maker_order_never_takes() {
    check(
        "
        ann sell 2 @ 100 maker    | accepted #1
        bob buy 1 @ 100 maker     | rejected WouldTake
        bob buy 1 @ 99 maker      | accepted #2
        bob sell 1 @ 99 maker     | rejected WouldTake
        bob sell 1 @ 100 maker    | accepted #3
        bob has                   | base 999+1 quote 99901+99
        ",
    );
}

#[test]
fn a_market_order_takes_what_book_and_balance_allow() {
    check(
        "
        bob buy 5 market          | rejected NoLiquidity
        ann sell 2 @ 100          | accepted #1
        bob buy 5 market          | accepted #2, trade 2 @ 100 with #1, #1 Filled, #2 Expired with 3 left
        ann sell 9 @ 40000        | accepted #3
        bob buy 5 market          | accepted #4, trade 2 @ 40000 with #3, #4 Expired with 3 left
        bob has                   | base 1004+0 quote 19800+0
        bob buy 1 market          | rejected InsufficientBalance
        cat buy 3 @ 7             | accepted #5
        bob sell 1005 market      | rejected InsufficientBalance
        bob sell 1004 market      | accepted #6, trade 3 @ 7 with #5, #5 Filled, #6 Expired with 1001 left
        ",
    );
}

#[test]
fn a_market_order_by_quote_is_filled_when_no_further_lot_fits() {
    check(
        "
        bob buy for 500 market    | rejected NoLiquidity
        ann sell 2 @ 100          | accepted #1
        ann sell 9 @ 120          | accepted #2
        bob buy for 99 market     | rejected QuantityTooLow
        bob buy for 0 market      | rejected InvalidAmount
        bob buy for -5 market     | rejected InvalidAmount
        bob buy for 450 market    | accepted #3, trade 2 @ 100 with #1, #1 Filled, trade 2 @ 120 with #2, #3 Filled
        bob has                   | base 1004+0 quote 99560+0
        bob buy for 5000 market   | accepted #4, trade 7 @ 120 with #2, #2 Filled, #4 Expired
        ann sell 2 @ 100          | accepted #5
        bob buy for 300 market    | accepted #6, trade 2 @ 100 with #5, #5 Filled, #6 Expired
        ann sell 2 @ 100          | accepted #7
        bob buy for 299 market    | accepted #8, trade 2 @ 100 with #7, #7 Filled, #8 Filled
        cat buy 5 @ 50            | accepted #9
        cat buy 5 @ 30            | accepted #10
        bob sell for 290 market   | accepted #11, trade 5 @ 50 with #9, #9 Filled, trade 1 @ 30 with #10, #11 Filled
        ",
    );
}

#[test]
fn a_market_order_by_quote_is_bounded_by_the_balance() {
    check(
        "
        ann sell 9 @ 40000                 | accepted #1
        bob buy for 300000 market          | accepted #2, trade 2 @ 40000 with #1, #2 Expired
        transfer 1 bob to ann 20000 quote  | posted 1
        bob buy for 300000 market          | rejected InsufficientBalance
        bob sell 1002 @ 900000             | accepted #3
        cat buy 1 @ 5                      | accepted #4
        bob sell for 5 market              | rejected InsufficientBalance
        ",
    );
}

#[test]
fn reducing_keeps_the_place_and_replacing_loses_it() {
    check(
        "
        ann sell 5 @ 100          | accepted #1
        bob sell 5 @ 100          | accepted #2
        ann reduce #1 by 3        | #1 reduced to 2
        ann has                   | base 998+2 quote 100000+0
        cat buy 1 @ 100           | accepted #3, trade 1 @ 100 with #1, #3 Filled
        ann replace #1: sell 1 @ 100 | #1 Canceled with 1 left, accepted #4
        cat buy 6 @ 100           | accepted #5, trade 5 @ 100 with #2, #2 Filled, trade 1 @ 100 with #4, #4 Filled, #5 Filled
        ann sell 5 @ 100          | accepted #6
        ann reduce #6 by 0        | rejected QuantityTooLow
        ann reduce #6 by 5        | #6 Canceled with 5 left
        ann reduce #6 by 1        | rejected UnknownOrder
        ann sell 5 @ 100          | accepted #7
        ann reduce #7 by 9        | #7 Canceled with 5 left
        bob buy 4 @ 10            | accepted #8
        bob reduce #8 by 1        | #8 reduced to 3
        bob has                   | base 995+0 quote 100470+30
        ",
    );
}

#[test]
fn a_replacement_is_placed_only_if_the_cancel_worked() {
    check(
        "
        ann sell 5 @ 100 as one            | accepted #1
        bob replace #1: buy 5 @ 90         | rejected UnknownOrder
        ann replace two: sell 5 @ 99       | rejected UnknownOrder
        ann replace one: sell 6 @ 99 as one | #1 Canceled with 5 left, accepted #2
        ann replace one: sell 1001 @ 99    | #2 Canceled with 6 left, rejected InsufficientBalance
        ann has                            | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn only_the_owner_cancels() {
    check(
        "
        ann sell 5 @ 100          | accepted #1
        ann buy 5 @ 50            | accepted #2
        bob buy 5 @ 50            | accepted #3
        bob cancel #1             | rejected UnknownOrder
        nobody cancel #1          | rejected UnknownAccount
        nobody buy 1 @ 1          | rejected UnknownAccount
        ann cancel #0             | rejected UnknownOrder
        ann cancel #1025          | rejected UnknownOrder
        ann cancel #9007199254740993 | rejected UnknownOrder
        ann cancel all            | #1 Canceled with 5 left, #2 Canceled with 5 left
        ann cancel all            | rejected UnknownOrder
        ann has                   | base 1000+0 quote 100000+0
        bob has                   | base 1000+0 quote 99750+250
        ",
    );
}

#[test]
fn market_states_say_what_is_taken() {
    check(
        "
        ann sell 5 @ 100          | accepted #1
        ann sell 5 @ 101          | accepted #2
        market cancel-only        | changed
        bob buy 5 @ 100           | rejected MarketCancelOnly
        ann reduce #1 by 1        | #1 reduced to 4
        ann replace #1: sell 1 @ 100 | #1 Canceled with 4 left, rejected MarketCancelOnly
        market halted             | changed
        bob buy 5 @ 100           | rejected MarketHalted
        ann cancel #2             | rejected MarketHalted
        ann cancel all            | rejected MarketHalted
        market trading            | changed
        bob buy 1 @ 101           | accepted #3, trade 1 @ 101 with #2, #3 Filled
        ",
    );
}

#[test]
fn the_market_bounds_price_quantity_value_and_open_orders() {
    let market = MarketSpec {
        price_min: Price(10),
        price_max: Price(20),
        quantity_min: Quantity(2),
        quantity_max: Quantity(50),
        notional_min: Amount(30),
        notional_max: Amount(800),
        orders_per_account_max: 2,
        ..plain()
    };
    check_in(
        market,
        "
        ann buy 5 @ 9             | rejected PriceTooLow
        ann buy 5 @ 21            | rejected PriceTooHigh
        ann buy 1 @ 20            | rejected QuantityTooLow
        ann buy 51 @ 10           | rejected QuantityTooHigh
        ann buy 2 @ 14            | rejected NotionalTooLow
        ann buy 2 @ 15            | accepted #1
        ann buy 50 @ 17           | rejected NotionalTooHigh
        ann buy 50 @ 16           | accepted #2
        ann buy 3 @ 10            | rejected TooManyOrders
        ann buy 3 @ 10 maker      | rejected TooManyOrders
        ann buy 3 @ 10 ioc        | accepted #3, #3 Expired with 3 left
        bob sell 1 market         | rejected QuantityTooLow
        bob sell 51 market        | rejected QuantityTooHigh
        bob sell for 29 market    | rejected NotionalTooLow
        bob sell for 801 market   | rejected NotionalTooHigh
        bob sell for 31 market    | rejected QuantityTooLow
        bob sell for 33 market    | accepted #4, trade 2 @ 16 with #2, #4 Filled
        bob sell 48 market        | accepted #5, trade 48 @ 16 with #2, #2 Filled, #5 Filled
        bob sell 2 market         | accepted #6, trade 2 @ 15 with #1, #1 Filled, #6 Filled
        ann buy 3 @ 10            | accepted #7
        bob sell 2 market         | rejected NotionalTooLow
        ",
    );
}

#[test]
fn lots_and_ticks_scale_to_units() {
    let market = MarketSpec {
        lot_size: 7,
        tick_value: 3,
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 10 @ 20          | accepted #1
        ann has                   | base 930+70 quote 100000+0
        bob buy 4 @ 25            | accepted #2, trade 4 @ 20 with #1, #2 Filled
        bob has                   | base 1028+0 quote 99760+0
        ann has                   | base 930+42 quote 100240+0
        ann sell 133 @ 20         | rejected InsufficientBalance
        ann sell 132 @ 20         | accepted #3
        ",
    );
}

#[test]
fn an_order_needs_its_whole_value_at_once() {
    check(
        "
        ann buy 1000 @ 100        | accepted #1
        ann buy 1 @ 1             | rejected InsufficientBalance
        ann sell 1001 @ 100       | rejected InsufficientBalance
        ann cancel #1             | #1 Canceled with 1000 left
        ann buy 1001 @ 100        | rejected InsufficientBalance
        ",
    );
}
