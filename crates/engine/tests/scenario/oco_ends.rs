//! One-cancels-the-other: whatever happens to one order ends the list, and the other order with it.

use crate::table::check;

#[test]
fn a_partial_fill_of_the_limit_maker_cancels_the_stop() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        bob buy 2 @ 110           | accepted #3, #2 Contingent with 5 left, trade 2 @ 110 with #1, #3 Filled
        ann orders                | #1 sell 5 @ 110 maker 3 left
        ann has                   | base 995+3 quote 100220+0
        ann reduce #1 by 1        | #1 reduced to 2
        bob buy 9 @ 110           | accepted #4, trade 2 @ 110 with #1, #1 Filled
        ann has                   | base 996+0 quote 100440+0
        ",
    );
}

#[test]
fn a_whole_fill_of_the_limit_maker_cancels_the_stop_first() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        bob buy 5 @ 110           | accepted #3, #2 Contingent with 5 left, trade 5 @ 110 with #1, #1 Filled, #3 Filled
        ann has                   | base 995+0 quote 100550+0
        ",
    );
}

#[test]
fn the_hold_falls_to_what_the_survivor_needs() {
    check(
        "
        ann oco buy 5 above stop-loss 110 below @ 90 maker | oco #1/#2, accepted #1, accepted #2
        ann has                   | base 1000+0 quote 99450+550
        bob sell 2 @ 90           | accepted #3, #1 Contingent with 5 left, trade 2 @ 90 with #2, #3 Filled
        ann has                   | base 1002+0 quote 99550+270
        ann cancel #2             | #2 Canceled with 3 left
        ann has                   | base 1002+0 quote 99820+0
        ann oco buy 5 above stop-loss 110 @ 80 below take-profit 89 @ 120 | oco #4/#5, accepted #4, accepted #5
        ann has                   | base 1002+0 quote 99220+600
        cat sell 1 @ 110          | accepted #6
        bob buy 1 @ 110           | accepted #7, trade 1 @ 110 with #6, #6 Filled, #7 Filled, #4 triggered, #5 Contingent with 5 left
        ann has                   | base 1002+0 quote 99420+400
        ",
    );
}

#[test]
fn the_trigger_of_the_stop_cancels_the_limit_maker() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        cat buy 9 @ 90            | accepted #3
        bob sell 1 @ 90           | accepted #4, trade 1 @ 90 with #3, #4 Filled, #2 triggered, #1 Contingent with 5 left, trade 5 @ 90 with #3, #2 Filled
        book                      | 90x3 / -
        ann has                   | base 995+0 quote 100450+0
        ",
    );
}

#[test]
fn a_triggered_stop_limit_rests_as_an_ordinary_order() {
    check(
        "
        ann oco buy 5 above stop-loss 110 @ 112 below take-profit 90 as dip | oco #1/#2, accepted #1, accepted #2
        cat sell 2 @ 110          | accepted #3
        bob buy 1 @ 110           | accepted #4, trade 1 @ 110 with #3, #4 Filled, #1 triggered, #2 Contingent with 5 left, trade 1 @ 110 with #3, #3 Filled
        ann orders                | #1 buy 5 stop-loss 110 @ 112 4 left
        ann has                   | base 1001+0 quote 99442+448
        ann reduce #1 by 1        | #1 reduced to 3
        ann cancel #1             | #1 Canceled with 3 left
        ann cancel dip            | rejected UnknownOrder
        ",
    );
}

#[test]
fn of_two_stops_reached_by_one_taker_the_older_runs_and_the_other_is_skipped() {
    check(
        "
        ann oco sell 2 above take-profit 110 below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        cat sell 1 @ 90           | accepted #3
        cat sell 1 @ 110          | accepted #4
        cat buy 9 @ 80            | accepted #5
        bob buy 2 @ 110           | accepted #6, trade 1 @ 90 with #3, #3 Filled, trade 1 @ 110 with #4, #4 Filled, #6 Filled, #1 triggered, #2 Contingent with 2 left, trade 2 @ 80 with #5, #1 Filled
        ann has                   | base 998+0 quote 100160+0
        ",
    );
}

#[test]
fn a_taker_that_reaches_the_stop_and_fills_the_limit_maker_ends_it_with_the_fill() {
    check(
        "
        ann oco sell 2 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        cat sell 1 @ 90           | accepted #3
        cat buy 9 @ 80            | accepted #4
        bob buy 2 @ 110           | accepted #5, trade 1 @ 90 with #3, #3 Filled, #2 Contingent with 2 left, trade 1 @ 110 with #1, #5 Filled
        ann orders                | #1 sell 2 @ 110 maker 1 left
        ann has                   | base 998+1 quote 100110+0
        ",
    );
}

#[test]
fn a_queued_stop_is_skipped_when_a_cascade_fills_its_other_order() {
    check(
        "
        cat sell 1 @ 100          | accepted #1
        cat buy 9 @ 50            | accepted #2
        bob buy 4 take-profit 100 @ 110 | accepted #3
        ann oco sell 3 above @ 105 maker below stop-loss 100 | oco #4/#5, accepted #4, accepted #5
        capital buy 1 @ 100       | accepted #6, trade 1 @ 100 with #1, #1 Filled, #6 Filled, #3 triggered, #5 Contingent with 3 left, trade 3 @ 105 with #4, #4 Filled
        ann orders                | none
        ann has                   | base 997+0 quote 100315+0
        bob orders                | #3 buy 4 take-profit 100 @ 110 1 left
        ",
    );
}

#[test]
fn cancelling_one_cancels_both_the_named_one_first() {
    check(
        "
        ann oco sell 5 list pair above @ 110 maker as high below stop-loss 90 as low | oco #1/#2 as pair, accepted #1, accepted #2
        ann cancel pair           | rejected UnknownOrder
        bob cancel #1             | rejected UnknownOrder
        ann cancel #2             | #2 Canceled with 5 left, #1 Canceled with 5 left
        ann has                   | base 1000+0 quote 100000+0
        ann cancel #1             | rejected UnknownOrder
        ann oco buy 5 above stop-loss 110 below @ 90 maker as low | oco #3/#4, accepted #3, accepted #4
        ann cancel low            | #4 Canceled with 5 left, #3 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 as high below @ 90 maker | oco #5/#6, accepted #5, accepted #6
        ann cancel high           | #5 Canceled with 5 left, #6 Canceled with 5 left
        ann has                   | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn cancel_all_ends_lists_at_the_older_order() {
    check(
        "
        ann sell 1 @ 200          | accepted #1
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #2/#3, accepted #2, accepted #3
        ann sell 1 stop-loss 80   | accepted #4
        bob oco sell 5 above @ 110 maker below stop-loss 90 | oco #5/#6, accepted #5, accepted #6
        ann oco buy 5 above stop-loss 300 below take-profit 70 | oco #7/#8, accepted #7, accepted #8
        ann cancel all            | #1 Canceled with 1 left, #2 Canceled with 5 left, #3 Canceled with 5 left, #4 Canceled with 1 left, #7 Canceled with 5 left, #8 Canceled with 5 left
        ann has                   | base 1000+0 quote 100000+0
        bob orders                | #5 sell 5 @ 110 maker or #6, #6 sell 5 stop-loss 90 waiting or #5
        ",
    );
}

#[test]
fn replacing_one_cancels_both_and_places_one() {
    check(
        "
        ann oco sell 1000 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        ann replace #2: sell 1000 @ 120 | #2 Canceled with 1000 left, #1 Canceled with 1000 left, accepted #3
        ann has                   | base 0+1000 quote 100000+0
        ",
    );
}

#[test]
fn an_order_of_a_list_cannot_be_reduced_alone() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        ann reduce #1 by 0        | rejected QuantityTooLow
        ann reduce #1 by 1        | rejected OrderInList
        ann reduce #2 by 1        | rejected OrderInList
        ann reduce #2 by 5        | rejected OrderInList
        bob reduce #2 by 1        | rejected UnknownOrder
        bob buy 1 @ 110           | accepted #3, #2 Contingent with 5 left, trade 1 @ 110 with #1, #3 Filled
        ann reduce #1 by 1        | #1 reduced to 3
        ",
    );
}

#[test]
fn self_trade_prevention_that_touches_one_order_ends_the_list() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        ann buy 2 @ 110           | accepted #3, #3 SelfTrade with 2 left
        ann orders                | #1 sell 5 @ 110 maker or #2, #2 sell 5 stop-loss 90 waiting or #1
        ann buy 2 @ 110 decrement | accepted #4, #2 Contingent with 5 left, prevented 2 @ 110 with #1 leaving 3, #4 SelfTrade
        ann orders                | #1 sell 5 @ 110 maker 3 left
        ann has                   | base 997+3 quote 100000+0
        ann cancel all            | #1 Canceled with 3 left
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #5/#6, accepted #5, accepted #6
        ann buy 2 @ 110 ioc expire-maker | accepted #7, #6 Contingent with 5 left, #5 SelfTrade with 5 left, #7 Expired with 2 left
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #8/#9, accepted #8, accepted #9
        ann buy 2 @ 110 expire-both | accepted #10, #9 Contingent with 5 left, #8 SelfTrade with 5 left, #10 SelfTrade with 2 left
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #11/#12, accepted #11, accepted #12
        ann buy 5 @ 110 decrement | accepted #13, #12 Contingent with 5 left, prevented 5 @ 110 with #11 leaving 0, #11 SelfTrade, #13 SelfTrade
        ann has                   | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn a_fill_or_kill_that_is_refused_ends_no_list() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        bob buy 6 @ 110 fok       | rejected NotFillable
        ann buy 1 @ 110 fok       | rejected NotFillable
        ann buy 1 @ 110 fok expire-maker | rejected NotFillable
        ann orders                | #1 sell 5 @ 110 maker or #2, #2 sell 5 stop-loss 90 waiting or #1
        ",
    );
}
