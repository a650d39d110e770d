//! Stop-loss and take-profit orders: they wait for a trade at their stop price, then are market or limit
//! orders.

use crate::table::{check, check_in, plain};
use ensoex_types::{Amount, MarketSpec, Price, Quantity};

#[test]
fn stop_loss_sells_when_the_price_falls() {
    check(
        "
        cat buy 9 @ 95            | accepted #1
        cat buy 9 @ 90            | accepted #2
        ann sell 5 stop-loss 91   | accepted #3
        ann has                   | base 995+5 quote 100000+0
        ann orders                | #3 sell 5 stop-loss 91 waiting
        book                      | 95x9 90x9 / -
        last                      | none
        bob sell 9 @ 95           | accepted #4, trade 9 @ 95 with #1, #1 Filled, #4 Filled
        last                      | 95
        bob sell 2 @ 90           | accepted #5, trade 2 @ 90 with #2, #5 Filled, #3 triggered, trade 5 @ 90 with #2, #3 Filled
        ann has                   | base 995+0 quote 100450+0
        ann orders                | none
        ",
    );
}

#[test]
fn stop_loss_buys_when_the_price_rises_to_it_exactly() {
    check(
        "
        cat sell 1 @ 100          | accepted #1
        cat sell 1 @ 104          | accepted #2
        cat sell 9 @ 105          | accepted #3
        ann buy 5 stop-loss 105   | accepted #4
        ann has                   | base 1000+0 quote 99475+525
        bob buy 2 @ 104           | accepted #5, trade 1 @ 100 with #1, #1 Filled, trade 1 @ 104 with #2, #2 Filled, #5 Filled
        ann orders                | #4 buy 5 stop-loss 105 waiting
        bob buy 1 @ 105           | accepted #6, trade 1 @ 105 with #3, #6 Filled, #4 triggered, trade 5 @ 105 with #3, #4 Filled
        ann has                   | base 1005+0 quote 99475+0
        ",
    );
}

#[test]
fn take_profit_sells_when_the_price_rises() {
    check(
        "
        cat buy 9 @ 100           | accepted #1
        ann sell 5 take-profit 110 | accepted #2
        bob sell 1 @ 100          | accepted #3, trade 1 @ 100 with #1, #3 Filled
        cat buy 9 @ 110           | accepted #4
        bob sell 1 @ 110          | accepted #5, trade 1 @ 110 with #4, #5 Filled, #2 triggered, trade 5 @ 110 with #4, #2 Filled
        ann has                   | base 995+0 quote 100550+0
        ",
    );
}

#[test]
fn take_profit_buys_when_the_price_falls() {
    check(
        "
        cat sell 9 @ 90           | accepted #1
        ann buy 5 take-profit 90  | accepted #2
        ann has                   | base 1000+0 quote 99550+450
        bob buy 1 @ 90            | accepted #3, trade 1 @ 90 with #1, #3 Filled, #2 triggered, trade 5 @ 90 with #1, #2 Filled
        ann has                   | base 1005+0 quote 99550+0
        ",
    );
}

#[test]
fn stop_loss_limit_sells_down_to_its_price_and_rests() {
    check(
        "
        cat buy 3 @ 90                       | accepted #1
        ann sell 5 stop-loss 91 @ 89 as guard | accepted #2
        bob sell 1 @ 90                      | accepted #3, trade 1 @ 90 with #1, #3 Filled, #2 triggered, trade 2 @ 90 with #1, #1 Filled
        ann orders                           | #2 sell 5 stop-loss 91 @ 89 3 left as guard
        ann has                              | base 995+3 quote 100180+0
        book                                 | - / 89x3
        ann cancel guard                     | #2 Canceled with 3 left
        ann has                              | base 998+0 quote 100180+0
        ",
    );
}

#[test]
fn stop_loss_limit_buys_up_to_its_price_and_holds_that() {
    check(
        "
        cat sell 3 @ 110                | accepted #1
        ann buy 5 stop-loss 110 @ 112   | accepted #2
        ann has                         | base 1000+0 quote 99440+560
        bob buy 1 @ 110                 | accepted #3, trade 1 @ 110 with #1, #3 Filled, #2 triggered, trade 2 @ 110 with #1, #1 Filled
        ann has                         | base 1002+0 quote 99444+336
        book                            | 112x3 / -
        ",
    );
}

#[test]
fn take_profit_limit_sells_down_to_its_price_and_rests() {
    check(
        "
        cat buy 3 @ 110                 | accepted #1
        ann sell 5 take-profit 110 @ 109 | accepted #2
        bob sell 1 @ 110                | accepted #3, trade 1 @ 110 with #1, #3 Filled, #2 triggered, trade 2 @ 110 with #1, #1 Filled
        ann orders                      | #2 sell 5 take-profit 110 @ 109 3 left
        book                            | - / 109x3
        ",
    );
}

#[test]
fn take_profit_limit_waits_in_the_book_for_a_price_beyond_its_stop() {
    check(
        "
        cat sell 3 @ 90                 | accepted #1
        ann buy 5 take-profit 90 @ 88   | accepted #2
        ann has                         | base 1000+0 quote 99560+440
        bob buy 1 @ 90                  | accepted #3, trade 1 @ 90 with #1, #3 Filled, #2 triggered
        ann orders                      | #2 buy 5 take-profit 90 @ 88
        book                            | 88x5 / 90x2
        bob sell 2 @ 88                 | accepted #4, trade 2 @ 88 with #2, #4 Filled
        ann has                         | base 1002+0 quote 99560+264
        ",
    );
}

#[test]
fn a_triggered_limit_order_keeps_its_time_in_force() {
    check(
        "
        cat buy 3 @ 90                    | accepted #1
        ann sell 5 stop-loss 90 @ 90 ioc  | accepted #2
        ann sell 5 stop-loss 90 @ 90 fok  | accepted #3
        ann sell 2 stop-loss 85 @ 85 fok  | accepted #4
        ann orders                        | #2 sell 5 stop-loss 90 @ 90 ioc waiting, #3 sell 5 stop-loss 90 @ 90 fok waiting, #4 sell 2 stop-loss 85 @ 85 fok waiting
        bob sell 1 @ 90                   | accepted #5, trade 1 @ 90 with #1, #5 Filled, #2 triggered, trade 2 @ 90 with #1, #1 Filled, #2 Expired with 3 left, #3 triggered, #3 Expired with 5 left
        ann has                           | base 996+2 quote 100180+0
        cat buy 3 @ 85                    | accepted #6
        bob sell 1 @ 85                   | accepted #7, trade 1 @ 85 with #6, #7 Filled, #4 triggered, trade 2 @ 85 with #6, #6 Filled, #4 Filled
        ",
    );
}

#[test]
fn a_triggered_limit_order_stands_behind_all_others_at_its_price() {
    check(
        "
        ann sell 2 stop-loss 90 @ 95    | accepted #1
        cat buy 1 @ 90                  | accepted #2
        bob sell 1 @ 95                 | accepted #3
        capital sell 1 @ 90             | accepted #4, trade 1 @ 90 with #2, #2 Filled, #4 Filled, #1 triggered
        capital sell 1 @ 95             | accepted #5
        book                            | - / 95x4
        cat buy 3 @ 95                  | accepted #6, trade 1 @ 95 with #3, #3 Filled, trade 2 @ 95 with #1, #1 Filled, #6 Filled
        ",
    );
}

#[test]
fn a_triggered_market_order_takes_what_book_and_balance_allow() {
    check(
        "
        cat sell 1 @ 105                | accepted #1
        cat sell 1 @ 110                | accepted #2
        cat sell 9 @ 200                | accepted #3
        ann buy 5 stop-loss 105         | accepted #4
        transfer 1 ann to bob 99465 quote | posted 1
        ann has                         | base 1000+0 quote 10+525
        bob buy 1 @ 105                 | accepted #5, trade 1 @ 105 with #1, #1 Filled, #5 Filled, #4 triggered, trade 1 @ 110 with #2, #2 Filled, trade 2 @ 200 with #3, #4 Expired with 2 left
        ann has                         | base 1003+0 quote 25+0
        ann buy 1 stop-loss 201         | rejected InsufficientBalance
        cat cancel #3                   | #3 Canceled with 7 left
        cat sell 1 @ 1                  | accepted #6
        ann buy 20 take-profit 1        | accepted #7
        bob buy 1 @ 1                   | accepted #8, trade 1 @ 1 with #6, #6 Filled, #8 Filled, #7 triggered, #7 Expired with 20 left
        cat sell 1 @ 3                  | accepted #9
        cat sell 9 @ 30                 | accepted #10
        ann buy 8 stop-loss 3           | accepted #11
        bob buy 1 @ 3                   | accepted #12, trade 1 @ 3 with #9, #9 Filled, #12 Filled, #11 triggered, #11 Expired with 8 left
        ann has                         | base 1003+0 quote 25+0
        ",
    );
}

#[test]
fn the_trigger_must_lie_on_the_far_side_of_the_last_price() {
    check(
        "
        cat sell 9 @ 100                | accepted #1
        ann sell 1 stop-loss 200        | accepted #2
        bob buy 1 @ 100                 | accepted #3, trade 1 @ 100 with #1, #3 Filled, #2 triggered, #2 Expired with 1 left
        ann sell 1 stop-loss 101        | rejected StopWouldTrigger
        ann sell 1 stop-loss 100        | rejected StopWouldTrigger
        ann sell 1 stop-loss 99         | accepted #4
        ann buy 1 stop-loss 99          | rejected StopWouldTrigger
        ann buy 1 stop-loss 100         | rejected StopWouldTrigger
        ann buy 1 stop-loss 101         | accepted #5
        ann sell 1 take-profit 99       | rejected StopWouldTrigger
        ann sell 1 take-profit 100      | rejected StopWouldTrigger
        ann sell 1 take-profit 101      | accepted #6
        ann buy 1 take-profit 101       | rejected StopWouldTrigger
        ann buy 1 take-profit 100       | rejected StopWouldTrigger
        ann buy 1 take-profit 99        | accepted #7
        ann sell 1 stop-loss 100 @ 90   | rejected StopWouldTrigger
        ann sell 1 stop-loss 99 @ 100   | accepted #8
        ann buy 1 take-profit 100 @ 90  | rejected StopWouldTrigger
        ann buy 1 take-profit 99 @ 100 ioc | accepted #9
        ",
    );
}

#[test]
fn an_order_in_the_book_triggers_nothing() {
    check(
        "
        ann buy 1 stop-loss 100         | accepted #1
        cat sell 9 @ 100                | accepted #2
        bob buy 9 @ 99                  | accepted #3
        cat cancel #2                   | #2 Canceled with 9 left
        ann orders                      | #1 buy 1 stop-loss 100 waiting
        last                            | none
        ",
    );
}

#[test]
fn the_market_bounds_stop_price_price_quantity_and_value() {
    let market = MarketSpec {
        price_min: Price(10),
        price_max: Price(20),
        quantity_min: Quantity(2),
        quantity_max: Quantity(50),
        notional_min: Amount(30),
        notional_max: Amount(800),
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 5 stop-loss 9          | rejected PriceTooLow
        ann sell 5 stop-loss 21         | rejected PriceTooHigh
        ann sell 5 stop-loss 9 @ 21     | rejected PriceTooLow
        ann sell 5 stop-loss 15 @ 9     | rejected PriceTooLow
        ann sell 1 stop-loss 15 @ 21    | rejected PriceTooHigh
        ann sell 1 stop-loss 10         | rejected QuantityTooLow
        ann sell 51 stop-loss 20        | rejected QuantityTooHigh
        ann sell 2 stop-loss 14         | rejected NotionalTooLow
        ann sell 50 stop-loss 17        | rejected NotionalTooHigh
        ann sell 2 stop-loss 20 @ 14    | rejected NotionalTooLow
        ann sell 50 stop-loss 10 @ 17   | rejected NotionalTooHigh
        ann sell 2 stop-loss 10 @ 15    | accepted #1
        ann buy 50 stop-loss 16         | accepted #2
        ann sell 50 take-profit 20 @ 16 | accepted #3
        ",
    );
}

#[test]
fn a_waiting_stop_counts_as_open_order_and_as_stop() {
    let market = MarketSpec {
        orders_per_account_max: 3,
        stops_per_account_max: 2,
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 1 stop-loss 90           | accepted #1
        ann sell 1 stop-loss 90 @ 91 ioc  | accepted #2
        ann sell 1 stop-loss 90           | rejected TooManyStops
        ann sell 1 stop-loss 90 @ 90 fok  | rejected TooManyStops
        ann sell 1 @ 200                  | accepted #3
        ann sell 1 stop-loss 90           | rejected TooManyOrders
        ann sell 1 @ 200                  | rejected TooManyOrders
        ann sell 1 @ 200 ioc              | accepted #4, #4 Expired with 1 left
        bob sell 1 stop-loss 90 @ 95      | accepted #5
        bob sell 1 stop-loss 80           | accepted #6
        bob sell 1 stop-loss 80           | rejected TooManyStops
        cat buy 9 @ 90                    | accepted #7
        capital sell 1 @ 90               | accepted #8, trade 1 @ 90 with #7, #8 Filled, #1 triggered, trade 1 @ 90 with #7, #1 Filled, #2 triggered, #2 Expired with 1 left, #5 triggered
        bob sell 1 stop-loss 80           | accepted #9
        bob sell 1 stop-loss 80           | rejected TooManyOrders
        ann sell 1 stop-loss 80           | accepted #10
        ann sell 1 stop-loss 80           | accepted #11
        ",
    );
}

#[test]
fn reducing_a_waiting_stop_gives_back_what_it_held_and_keeps_its_turn() {
    check(
        "
        ann sell 5 stop-loss 90         | accepted #1
        bob sell 5 stop-loss 90         | accepted #2
        ann reduce #1 by 0              | rejected QuantityTooLow
        ann reduce #1 by 2              | #1 reduced to 3
        ann orders                      | #1 sell 5 stop-loss 90 waiting 3 left
        ann has                         | base 997+3 quote 100000+0
        ann buy 5 stop-loss 110 @ 112   | accepted #3
        ann reduce #3 by 1              | #3 reduced to 4
        ann buy 5 stop-loss 110         | accepted #4
        ann reduce #4 by 4              | #4 reduced to 1
        ann has                         | base 997+3 quote 99442+558
        cat buy 9 @ 90                  | accepted #5
        capital sell 1 @ 90             | accepted #6, trade 1 @ 90 with #5, #6 Filled, #1 triggered, trade 3 @ 90 with #5, #1 Filled, #2 triggered, trade 5 @ 90 with #5, #5 Filled, #2 Filled
        ann reduce #3 by 4              | #3 Canceled with 4 left
        ann reduce #4 by 9              | #4 Canceled with 1 left
        ann has                         | base 997+0 quote 100270+0
        ",
    );
}

#[test]
fn waiting_stops_are_cancelled_and_replaced_like_other_orders() {
    check(
        "
        ann sell 5 stop-loss 90                | accepted #1
        ann sell 5 @ 100                       | accepted #2
        ann sell 5 stop-loss 80 @ 79           | accepted #3
        bob cancel #1                          | rejected UnknownOrder
        ann cancel #1                          | #1 Canceled with 5 left
        ann cancel #1                          | rejected UnknownOrder
        ann replace #3: sell 4 stop-loss 81    | #3 Canceled with 5 left, accepted #4
        ann replace #2: sell 3 take-profit 120 | #2 Canceled with 5 left, accepted #5
        ann replace #4: sell 1001 stop-loss 81 | #4 Canceled with 4 left, rejected InsufficientBalance
        ann buy 1 @ 1                          | accepted #6
        ann has                                | base 997+3 quote 99999+1
        market cancel-only                     | changed
        ann sell 1 stop-loss 80                | rejected MarketCancelOnly
        ann reduce #5 by 1                     | #5 reduced to 2
        ann cancel all                         | #5 Canceled with 2 left, #6 Canceled with 1 left
        ann has                                | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn a_stop_needs_its_whole_value_at_once() {
    check(
        "
        ann sell 1001 stop-loss 90      | rejected InsufficientBalance
        ann sell 1000 stop-loss 90      | accepted #1
        ann sell 1 take-profit 110      | rejected InsufficientBalance
        ann buy 1000 stop-loss 101      | rejected InsufficientBalance
        ann buy 1000 stop-loss 100      | accepted #2
        ann has                         | base 0+1000 quote 0+100000
        bob buy 1000 stop-loss 90 @ 101 | rejected InsufficientBalance
        bob buy 1000 stop-loss 200 @ 100 | accepted #3
        ",
    );
}
