//! Fees: by tier, on what each side receives, rounded down.

use crate::table::{check, check_in, fees, plain};
use ensoex_types::MarketSpec;

#[test]
fn fees_come_out_of_what_each_side_receives_rounded_down() {
    let market = MarketSpec {
        fees: fees(&[(1_000, 150_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 10 @ 199         | accepted #1
        bob buy 10 @ 199          | accepted #2, trade 10 @ 199 with #1 fees 1/1, #1 Filled, #2 Filled
        ann has                   | base 990+0 quote 101989+0
        bob has                   | base 1009+0 quote 98010+0
        fees has                  | base 1+0 quote 1+0
        bob buy 6 @ 10            | accepted #3
        ann sell 6 @ 10           | accepted #4, trade 6 @ 10 with #3 fees 0/9, #3 Filled, #4 Filled
        fees has                  | base 1+0 quote 10+0
        ",
    );
}

#[test]
fn a_whole_fee_leaves_nothing() {
    let market = MarketSpec {
        fees: fees(&[(0, 1_000_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 10 @ 5           | accepted #1
        bob buy 10 @ 5            | accepted #2, trade 10 @ 5 with #1 fees 0/10, #1 Filled, #2 Filled
        bob has                   | base 1000+0 quote 99950+0
        fees has                  | base 10+0 quote 0+0
        ",
    );
}

#[test]
fn each_side_pays_the_rate_of_its_own_tier() {
    let market = MarketSpec {
        fees: fees(&[(1_000, 2_000), (500, 1_500), (0, 1_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        ann pays                  | tier 0 fees 1000/2000 volume 0
        tier ann 2                | tier 2
        ann pays                  | tier 2 fees 0/1000 volume 0
        bob pays                  | tier 0 fees 1000/2000 volume 0
        ann sell 500 @ 20         | accepted #1
        bob buy 500 @ 20          | accepted #2, trade 500 @ 20 with #1 fees 0/1, #1 Filled, #2 Filled
        fees has                  | base 1+0 quote 0+0
        tier ann 1                | tier 1
        tier bob 2                | tier 2
        bob sell 500 @ 20         | accepted #3
        ann buy 500 @ 20          | accepted #4, trade 500 @ 20 with #3, #3 Filled, #4 Filled
        ann sell 500 @ 20         | accepted #5
        bob buy 500 @ 20          | accepted #6, trade 500 @ 20 with #5 fees 5/0, #5 Filled, #6 Filled
        tier bob 0                | tier 0
        ann sell 400 @ 10         | accepted #7
        bob buy 400 @ 10          | accepted #8, trade 400 @ 10 with #7 fees 2/0, #7 Filled, #8 Filled
        ",
    );
}

#[test]
fn a_tier_above_the_markets_last_pays_the_last() {
    let market = MarketSpec {
        fees: fees(&[(1_000, 2_000), (500, 1_500)]),
        ..plain()
    };
    check_in(
        market,
        "
        tier ann 15               | tier 15
        ann pays                  | tier 15 fees 500/1500 volume 0
        tier ann 16               | rejected InvalidFeeTiers
        tier ann 255              | rejected InvalidFeeTiers
        ann pays                  | tier 15 fees 500/1500 volume 0
        tier nobody 1             | rejected UnknownAccount
        tier nobody 16            | rejected UnknownAccount
        nobody pays               | nothing
        in 1: ann pays            | nothing
        ",
    );
}

#[test]
fn every_trade_is_rounded_down_for_itself() {
    let market = MarketSpec {
        fees: fees(&[(1_000, 1_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 999 @ 1          | accepted #1
        bob buy 999 @ 1           | accepted #2, trade 999 @ 1 with #1, #1 Filled, #2 Filled
        cat sell 999 @ 1          | accepted #3
        bob buy 333 @ 1           | accepted #4, trade 333 @ 1 with #3, #4 Filled
        bob buy 666 @ 1           | accepted #5, trade 666 @ 1 with #3, #3 Filled, #5 Filled
        fees has                  | base 0+0 quote 0+0
        bob sell 1000 @ 2         | accepted #6
        ann buy 1000 @ 2          | accepted #7, trade 1000 @ 2 with #6 fees 2/1, #6 Filled, #7 Filled
        bob sell 999 @ 2          | accepted #8
        ann buy 999 @ 2           | accepted #9, trade 999 @ 2 with #8 fees 1/0, #8 Filled, #9 Filled
        fees has                  | base 1+0 quote 3+0
        ",
    );
}

#[test]
fn fees_are_of_units_and_not_of_lots_or_ticks() {
    let market = MarketSpec {
        lot_size: 7,
        tick_value: 3,
        fees: fees(&[(100_000, 200_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 3 @ 5            | accepted #1
        bob buy 3 @ 5             | accepted #2, trade 3 @ 5 with #1 fees 4/4, #1 Filled, #2 Filled
        ann has                   | base 979+0 quote 100041+0
        bob has                   | base 1017+0 quote 99955+0
        fees has                  | base 4+0 quote 4+0
        ",
    );
}

#[test]
fn a_triggered_order_pays_as_taker() {
    let market = MarketSpec {
        fees: fees(&[(10_000, 20_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        cat buy 200 @ 10          | accepted #1
        ann sell 100 stop-loss 10 | accepted #2
        bob sell 100 @ 10         | accepted #3, trade 100 @ 10 with #1 fees 1/20, #3 Filled, #2 triggered, trade 100 @ 10 with #1 fees 1/20, #1 Filled, #2 Filled
        ann has                   | base 900+0 quote 100980+0
        fees has                  | base 2+0 quote 40+0
        ",
    );
}

#[test]
fn fee_tiers_begin_at_ascending_positive_volumes() {
    check(
        "
        tiers 9 5                 | rejected UnknownAsset
        tiers 9 0                 | rejected UnknownAsset
        tiers quote 0             | rejected InvalidFeeTiers
        tiers quote -1 5          | rejected InvalidFeeTiers
        tiers quote 5 5           | rejected InvalidFeeTiers
        tiers quote 5 7 6         | rejected InvalidFeeTiers
        tiers quote 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 | rejected InvalidFeeTiers
        tiers quote 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 | tiers of 1
        tiers base 170141183460469231731687303715884105727 | tiers of 0
        tiers quote               | tiers of 1
        ",
    );
}
