//! Stops that trigger stops: a queue, worked off one by one, all within the command that began it.

use crate::table::check;

#[test]
fn each_stop_trades_on_to_the_next_ones_price() {
    check(
        "
        cat buy 2 @ 96            | accepted #1
        cat buy 3 @ 95            | accepted #2
        cat buy 3 @ 90            | accepted #3
        cat buy 3 @ 85            | accepted #4
        ann sell 4 stop-loss 90   | accepted #5
        ann sell 4 stop-loss 95   | accepted #6
        bob sell 3 @ 95           | accepted #7, trade 2 @ 96 with #1, #1 Filled, trade 1 @ 95 with #2, #7 Filled, #6 triggered, trade 2 @ 95 with #2, #2 Filled, trade 2 @ 90 with #3, #6 Filled, #5 triggered, trade 1 @ 90 with #3, #3 Filled, trade 3 @ 85 with #4, #4 Filled, #5 Filled
        last                      | 85
        ann has                   | base 992+0 quote 100715+0
        ",
    );
}

#[test]
fn of_those_reached_by_one_order_the_oldest_goes_first() {
    check(
        "
        cat buy 2 @ 96            | accepted #1
        cat buy 3 @ 95            | accepted #2
        cat buy 3 @ 90            | accepted #3
        cat buy 3 @ 85            | accepted #4
        ann sell 4 stop-loss 90   | accepted #5
        ann sell 4 stop-loss 95   | accepted #6
        bob sell 6 @ 90           | accepted #7, trade 2 @ 96 with #1, #1 Filled, trade 3 @ 95 with #2, #2 Filled, trade 1 @ 90 with #3, #7 Filled, #5 triggered, trade 2 @ 90 with #3, #3 Filled, trade 2 @ 85 with #4, #5 Filled, #6 triggered, trade 1 @ 85 with #4, #4 Filled, #6 Expired with 3 left
        ",
    );
}

#[test]
fn those_reached_later_wait_behind_those_reached_before() {
    check(
        "
        cat buy 1 @ 90            | accepted #1
        cat buy 1 @ 80            | accepted #2
        cat buy 9 @ 70            | accepted #3
        ann sell 1 stop-loss 80   | accepted #4
        ann sell 1 stop-loss 90   | accepted #5
        ann sell 1 stop-loss 90   | accepted #6
        bob sell 1 @ 90           | accepted #7, trade 1 @ 90 with #1, #1 Filled, #7 Filled, #5 triggered, trade 1 @ 80 with #2, #2 Filled, #5 Filled, #6 triggered, trade 1 @ 70 with #3, #6 Filled, #4 triggered, trade 1 @ 70 with #3, #4 Filled
        ",
    );
}

#[test]
fn any_price_of_a_sweep_triggers_not_only_the_last() {
    check(
        "
        cat sell 1 @ 100          | accepted #1
        cat sell 1 @ 110          | accepted #2
        cat sell 9 @ 120          | accepted #3
        ann buy 1 stop-loss 110   | accepted #4
        ann buy 1 take-profit 100 | accepted #5
        ann buy 1 take-profit 99  | accepted #6
        ann buy 1 stop-loss 121   | accepted #7
        bob buy 2 @ 110           | accepted #8, trade 1 @ 100 with #1, #1 Filled, trade 1 @ 110 with #2, #2 Filled, #8 Filled, #4 triggered, trade 1 @ 120 with #3, #4 Filled, #5 triggered, trade 1 @ 120 with #3, #5 Filled
        ann orders                | #6 buy 1 take-profit 99 waiting, #7 buy 1 stop-loss 121 waiting
        last                      | 120
        ",
    );
}

#[test]
fn the_order_that_began_it_rests_before_the_first_stop_runs() {
    check(
        "
        cat buy 2 @ 90            | accepted #1
        ann buy 3 take-profit 90  | accepted #2
        ann buy 9 take-profit 90 @ 90 | accepted #3
        bob sell 7 @ 90           | accepted #4, trade 2 @ 90 with #1, #1 Filled, #2 triggered, trade 3 @ 90 with #4, #2 Filled, #3 triggered, trade 2 @ 90 with #4, #4 Filled
        ann orders                | #3 buy 9 take-profit 90 @ 90 7 left
        ",
    );
}

#[test]
fn falling_and_rising_stops_push_the_price_to_and_fro() {
    check(
        "
        cat sell 1 @ 110          | accepted #1
        cat buy 1 @ 90            | accepted #2
        cat buy 1 @ 89            | accepted #3
        ann sell 1 take-profit 110 | accepted #4
        ann buy 1 take-profit 90 @ 109 | accepted #5
        ann sell 1 stop-loss 90   | accepted #6
        bob buy 1 @ 110           | accepted #7, trade 1 @ 110 with #1, #1 Filled, #7 Filled, #4 triggered, trade 1 @ 90 with #2, #2 Filled, #4 Filled, #5 triggered, #6 triggered, #6 SelfTrade with 1 left
        book                      | 109x1 89x1 / -
        ",
    );
}

#[test]
fn a_triggered_order_that_rests_can_be_traded_with_in_the_same_cascade() {
    check(
        "
        cat buy 1 @ 90            | accepted #1
        ann buy 4 take-profit 90 @ 88 | accepted #2
        bob sell 4 stop-loss 90   | accepted #3
        capital sell 1 @ 90       | accepted #4, trade 1 @ 90 with #1, #1 Filled, #4 Filled, #2 triggered, #3 triggered, trade 4 @ 88 with #2, #2 Filled, #3 Filled
        ann has                   | base 1004+0 quote 99648+0
        bob has                   | base 996+0 quote 100352+0
        ",
    );
}

#[test]
fn a_replacement_that_trades_triggers_too() {
    check(
        "
        cat buy 1 @ 90            | accepted #1
        cat buy 1 @ 80            | accepted #2
        ann sell 1 stop-loss 90   | accepted #3
        bob sell 1 @ 95           | accepted #4
        bob replace #4: sell 1 @ 90 | #4 Canceled with 1 left, accepted #5, trade 1 @ 90 with #1, #1 Filled, #5 Filled, #3 triggered, trade 1 @ 80 with #2, #2 Filled, #3 Filled
        ",
    );
}

#[test]
fn every_kind_of_taker_triggers() {
    check(
        "
        cat buy 9 @ 90            | accepted #1
        ann sell 1 stop-loss 90   | accepted #2
        bob sell 1 market         | accepted #3, trade 1 @ 90 with #1, #3 Filled, #2 triggered, trade 1 @ 90 with #1, #2 Filled
        ann sell 1 stop-loss 89   | accepted #4
        cat buy 9 @ 89            | accepted #5
        bob sell for 800 market   | accepted #6, trade 7 @ 90 with #1, #1 Filled, trade 1 @ 89 with #5, #6 Filled, #4 triggered, trade 1 @ 89 with #5, #4 Filled
        ann sell 1 stop-loss 80   | accepted #7
        cat buy 9 @ 80            | accepted #8
        bob sell 9 @ 80 ioc       | accepted #9, trade 7 @ 89 with #5, #5 Filled, trade 2 @ 80 with #8, #9 Filled, #7 triggered, trade 1 @ 80 with #8, #7 Filled
        ann sell 1 stop-loss 79   | accepted #10
        cat buy 9 @ 79            | accepted #11
        bob sell 7 @ 79 fok       | accepted #12, trade 6 @ 80 with #8, #8 Filled, trade 1 @ 79 with #11, #12 Filled, #10 triggered, trade 1 @ 79 with #11, #10 Filled
        ",
    );
}

#[test]
fn the_owners_stop_is_triggered_by_the_owners_trade() {
    check(
        "
        cat buy 9 @ 90            | accepted #1
        ann sell 2 stop-loss 90   | accepted #2
        ann sell 1 @ 90           | accepted #3, trade 1 @ 90 with #1, #3 Filled, #2 triggered, trade 2 @ 90 with #1, #2 Filled
        cat sell 2 stop-loss 89   | accepted #4
        cat buy 9 @ 85            | accepted #5
        ann sell 6 @ 90           | accepted #6, trade 6 @ 90 with #1, #1 Filled, #6 Filled
        ann sell 1 @ 85           | accepted #7, trade 1 @ 85 with #5, #7 Filled, #4 triggered, #4 SelfTrade with 2 left
        ",
    );
}

#[test]
fn each_stop_spends_what_is_free_then_and_not_what_others_hold() {
    check(
        "
        transfer 1 ann to bob 99000 quote | posted 1
        cat sell 1 @ 100          | accepted #1
        cat sell 9 @ 150          | accepted #2
        ann buy 5 stop-loss 100   | accepted #3
        ann buy 5 stop-loss 100   | accepted #4
        ann has                   | base 1000+0 quote 0+1000
        bob buy 1 @ 100           | accepted #5, trade 1 @ 100 with #1, #1 Filled, #5 Filled, #3 triggered, trade 3 @ 150 with #2, #3 Expired with 2 left, #4 triggered, trade 3 @ 150 with #2, #4 Expired with 2 left
        ann has                   | base 1006+0 quote 100+0
        ",
    );
}
