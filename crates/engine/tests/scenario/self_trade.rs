//! Self-trade prevention: what happens when an order meets one of the same account. The taker's mode counts.

use crate::table::{check, check_in, fees, plain};
use ensoex_types::MarketSpec;

#[test]
fn an_order_that_would_meet_its_own_account_expires() {
    check(
        "
        ann sell 2 @ 100          | accepted #1
        bob sell 2 @ 101          | accepted #2
        ann sell 2 @ 102          | accepted #3
        bob buy 9 @ 105           | accepted #4, trade 2 @ 100 with #1, #1 Filled, #4 SelfTrade with 7 left
        bob has                   | base 1000+2 quote 99800+0
        bob buy 9 @ 100           | accepted #5
        bob buy 3 market          | accepted #6, #6 SelfTrade with 3 left
        bob buy for 500 market    | accepted #7, #7 SelfTrade
        bob buy 1 @ 101 fok       | rejected NotFillable
        bob buy 1 @ 101 maker     | rejected WouldTake
        bob cancel #2             | #2 Canceled with 2 left
        bob buy 2 @ 102 fok       | accepted #8, trade 2 @ 102 with #3, #3 Filled, #8 Filled
        ",
    );
}

#[test]
fn fill_or_kill_does_not_count_own_orders() {
    check(
        "
        ann sell 3 @ 100          | accepted #1
        bob sell 3 @ 100          | accepted #2
        cat sell 3 @ 100          | accepted #3
        bob buy 3 @ 100 fok       | accepted #4, trade 3 @ 100 with #1, #1 Filled, #4 Filled
        bob buy 3 @ 100 fok       | rejected NotFillable
        ",
    );
}

#[test]
fn expire_maker_clears_the_way() {
    check(
        "
        bob sell 2 @ 100              | accepted #1
        ann sell 2 @ 101              | accepted #2
        bob sell 2 @ 102              | accepted #3
        bob sell 2 @ 106              | accepted #4
        bob buy 9 @ 105 expire-maker  | accepted #5, #1 SelfTrade with 2 left, trade 2 @ 101 with #2, #2 Filled, #3 SelfTrade with 2 left
        bob orders                    | #4 sell 2 @ 106, #5 buy 9 @ 105 7 left
        bob has                       | base 1000+2 quote 99063+735
        ann buy 1 @ 101               | accepted #6
        ann sell 8 @ 101 ioc expire-maker | accepted #7, trade 7 @ 105 with #5, #5 Filled, #6 SelfTrade with 1 left, #7 Expired with 1 left
        ",
    );
}

#[test]
fn expire_both_ends_the_first_pair_only() {
    check(
        "
        ann sell 2 @ 100              | accepted #1
        bob sell 2 @ 101              | accepted #2
        bob sell 2 @ 101              | accepted #3
        bob buy 9 @ 105 expire-both   | accepted #4, trade 2 @ 100 with #1, #1 Filled, #2 SelfTrade with 2 left, #4 SelfTrade with 7 left
        bob orders                    | #3 sell 2 @ 101
        bob has                       | base 1000+2 quote 99800+0
        ",
    );
}

#[test]
fn decrement_lowers_both() {
    check(
        "
        bob sell 3 @ 100              | accepted #1
        bob buy 2 @ 100 decrement     | accepted #2, prevented 2 @ 100 with #1 leaving 1, #2 SelfTrade
        bob has                       | base 999+1 quote 100000+0
        ann sell 2 @ 101              | accepted #3
        bob buy 4 @ 105 decrement     | accepted #4, prevented 1 @ 100 with #1 leaving 0, #1 SelfTrade, trade 2 @ 101 with #3, #3 Filled
        bob orders                    | #4 buy 4 @ 105 1 left
        bob has                       | base 1002+0 quote 99693+105
        bob sell 1 @ 105 decrement    | accepted #5, prevented 1 @ 105 with #4 leaving 0, #4 SelfTrade, #5 SelfTrade
        bob has                       | base 1002+0 quote 99798+0
        ",
    );
}

#[test]
fn a_taker_that_was_lowered_and_traded_to_nothing_ends_by_self_trade_prevention() {
    check(
        "
        ann sell 2 @ 99               | accepted #1
        bob sell 3 @ 100              | accepted #2
        ann sell 2 @ 101              | accepted #3
        bob buy 6 @ 105 decrement     | accepted #4, trade 2 @ 99 with #1, #1 Filled, prevented 3 @ 100 with #2 leaving 0, #2 SelfTrade, trade 1 @ 101 with #3, #4 SelfTrade
        ann sell 2 @ 100              | accepted #5
        bob buy 3 @ 101 decrement     | accepted #6, trade 2 @ 100 with #5, #5 Filled, trade 1 @ 101 with #3, #3 Filled, #6 Filled
        ",
    );
}

#[test]
fn what_is_left_of_an_immediate_or_market_order_expires() {
    check(
        "
        bob sell 3 @ 100              | accepted #1
        bob buy 9 @ 100 ioc decrement | accepted #2, prevented 3 @ 100 with #1 leaving 0, #1 SelfTrade, #2 Expired with 6 left
        bob sell 3 @ 100              | accepted #3
        bob buy 9 market decrement    | accepted #4, prevented 3 @ 100 with #3 leaving 0, #3 SelfTrade, #4 Expired with 6 left
        bob sell 3 @ 100              | accepted #5
        bob buy 9 market expire-maker | accepted #6, #5 SelfTrade with 3 left, #6 Expired with 9 left
        bob sell 3 @ 100              | accepted #7
        bob buy 9 market expire-both  | accepted #8, #7 SelfTrade with 3 left, #8 SelfTrade with 9 left
        bob has                       | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn decrement_uses_up_the_quote_of_a_market_order_by_quote() {
    check(
        "
        bob sell 3 @ 100                  | accepted #1
        ann sell 9 @ 100                  | accepted #2
        bob buy for 550 market decrement  | accepted #3, prevented 3 @ 100 with #1 leaving 0, #1 SelfTrade, trade 2 @ 100 with #2, #3 SelfTrade
        bob has                           | base 1002+0 quote 99800+0
        ann cancel #2                     | #2 Canceled with 7 left
        bob sell 9 @ 100                  | accepted #4
        bob buy for 550 market decrement  | accepted #5, prevented 5 @ 100 with #4 leaving 4, #5 SelfTrade
        bob buy for 550 market decrement  | accepted #6, prevented 4 @ 100 with #4 leaving 0, #4 SelfTrade, #6 Expired
        bob sell 2 @ 100                  | accepted #7
        bob buy for 250 market expire-maker | accepted #8, #7 SelfTrade with 2 left, #8 Expired
        bob has                           | base 1002+0 quote 99800+0
        ",
    );
}

#[test]
fn an_own_order_is_not_met_when_the_quote_pays_no_further_lot() {
    check(
        "
        ann sell 1 @ 100                    | accepted #1
        bob sell 1 @ 100                    | accepted #2
        bob buy for 150 market expire-both  | accepted #3, trade 1 @ 100 with #1, #1 Filled, #3 Filled
        ann buy 1 @ 60                      | accepted #4
        bob buy 1 @ 60                      | accepted #5
        bob sell for 100 market expire-maker | accepted #6, trade 1 @ 60 with #4, #4 Filled, #6 Filled
        bob orders                          | #2 sell 1 @ 100, #5 buy 1 @ 60
        ",
    );
}

#[test]
fn fill_or_kill_is_filled_by_others_only() {
    check(
        "
        bob sell 5 @ 100                  | accepted #1
        ann sell 3 @ 100                  | accepted #2
        bob buy 3 @ 100 fok               | rejected NotFillable
        bob buy 3 @ 100 fok expire-both   | rejected NotFillable
        bob buy 3 @ 100 fok decrement     | rejected NotFillable
        bob buy 4 @ 100 fok expire-maker  | rejected NotFillable
        bob orders                        | #1 sell 5 @ 100
        bob buy 3 @ 100 fok expire-maker  | accepted #3, #1 SelfTrade with 5 left, trade 3 @ 100 with #2, #2 Filled, #3 Filled
        ann sell 3 @ 100                  | accepted #4
        bob sell 5 @ 100                  | accepted #5
        bob buy 2 @ 100 fok decrement     | accepted #6, trade 2 @ 100 with #4, #6 Filled
        bob buy 2 @ 100 fok expire-both   | rejected NotFillable
        bob buy 1 @ 100 fok expire-both   | accepted #7, trade 1 @ 100 with #4, #4 Filled, #7 Filled
        bob orders                        | #5 sell 5 @ 100
        ",
    );
}

#[test]
fn a_maker_order_meets_no_own_order_either() {
    check(
        "
        bob sell 5 @ 100                  | accepted #1
        bob buy 3 @ 100 maker expire-maker | rejected WouldTake
        bob buy 3 @ 100 maker decrement   | rejected WouldTake
        bob orders                        | #1 sell 5 @ 100
        ",
    );
}

#[test]
fn a_prevented_match_moves_no_price_costs_no_fee_and_triggers_nothing() {
    let market = MarketSpec {
        fees: fees(&[(10_000, 20_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        cat buy 1 stop-loss 100           | accepted #1
        bob sell 300 @ 100                | accepted #2
        bob buy 100 @ 100 decrement       | accepted #3, prevented 100 @ 100 with #2 leaving 200, #3 SelfTrade
        last                              | none
        bob buy 200 @ 100 expire-both     | accepted #4, #2 SelfTrade with 200 left, #4 SelfTrade with 200 left
        last                              | none
        cat orders                        | #1 buy 1 stop-loss 100 waiting
        bob has                           | base 1000+0 quote 100000+0
        fees has                          | base 0+0 quote 0+0
        day 1                             |
        restrict cat                      | may trade and withdraw
        bob pays                          | tier 0 fees 10000/20000 volume 0
        ",
    );
}

#[test]
fn a_stop_brings_its_own_mode() {
    check(
        "
        cat buy 1 @ 90                    | accepted #1
        ann buy 5 @ 85                    | accepted #2
        ann sell 3 stop-loss 90           | accepted #3
        ann sell 3 stop-loss 90 @ 80 decrement | accepted #4
        ann sell 3 stop-loss 90 expire-maker | accepted #5
        ann buy 1 @ 84                    | accepted #6
        ann sell 1 stop-loss 90 expire-both | accepted #7
        bob sell 1 @ 90                   | accepted #8, trade 1 @ 90 with #1, #1 Filled, #8 Filled, #3 triggered, #3 SelfTrade with 3 left, #4 triggered, prevented 3 @ 85 with #2 leaving 2, #4 SelfTrade, #5 triggered, #2 SelfTrade with 2 left, #6 SelfTrade with 1 left, #5 Expired with 3 left, #7 triggered, #7 Expired with 1 left
        ann has                           | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn fill_or_kill_at_its_trigger_counts_own_orders_as_it_would_when_placed() {
    check(
        "
        cat buy 1 @ 90                    | accepted #1
        ann buy 5 @ 89                    | accepted #2
        cat buy 5 @ 88                    | accepted #3
        ann sell 5 stop-loss 90 @ 88 fok  | accepted #4
        ann sell 5 stop-loss 90 @ 88 fok expire-maker | accepted #5
        bob sell 1 @ 90                   | accepted #6, trade 1 @ 90 with #1, #1 Filled, #6 Filled, #4 triggered, #4 Expired with 5 left, #5 triggered, #2 SelfTrade with 5 left, trade 5 @ 88 with #3, #3 Filled, #5 Filled
        ",
    );
}
