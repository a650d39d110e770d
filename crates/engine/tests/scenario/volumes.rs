//! 30-day volume: what an account traded for a quote asset in the 30 UTC days before the current one decides
//! its tier.

use crate::table::{check_in, fees, plain};
use ensoex_types::MarketSpec;

/// Three tiers.
fn tiered() -> MarketSpec {
    MarketSpec {
        fees: fees(&[(1_000, 2_000), (500, 1_500), (0, 1_000)]),
        ..plain()
    }
}

#[test]
fn todays_trades_count_from_tomorrow_for_thirty_days() {
    check_in(
        tiered(),
        "
        tiers quote 1000 5000     | tiers of 1
        ann sell 10 @ 100         | accepted #1
        bob buy 10 @ 100          | accepted #2, trade 10 @ 100 with #1 fees 1/0, #1 Filled, #2 Filled
        ann pays                  | tier 0 fees 1000/2000 volume 0
        day 0 end                 |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 0
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 1000
        bob pays                  | tier 1 fees 500/1500 volume 1000
        cat pays                  | tier 0 fees 1000/2000 volume 0
        day 30 end                |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 1000
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 0
        ",
    );
}

#[test]
fn days_add_up_and_fall_out_one_by_one() {
    check_in(
        tiered(),
        "
        tiers quote 1000 5000     | tiers of 1
        ann sell 100 @ 10         | accepted #1
        bob buy 100 @ 10          | accepted #2, trade 100 @ 10 with #1 fees 1/0, #1 Filled, #2 Filled
        day 2                     |
        cat sell 400 @ 10         | accepted #3
        ann buy 399 @ 10          | accepted #4, trade 399 @ 10 with #3 fees 3/0, #4 Filled
        day 3                     |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 4990
        cat pays                  | tier 1 fees 500/1500 volume 3990
        day 2                     |
        ann buy 1 @ 10            | accepted #5, trade 1 @ 10 with #3, #3 Filled, #5 Filled
        ann pays                  | tier 1 fees 500/1500 volume 4990
        day 4                     |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 2 fees 0/1000 volume 5000
        day 31                    |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 4000
        day 33                    |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 10
        day 34                    |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 0
        ",
    );
}

#[test]
fn a_clock_that_goes_back_changes_no_day() {
    check_in(
        tiered(),
        "
        tiers quote 1000 5000     | tiers of 1
        day 5                     |
        restrict cat              | may trade and withdraw
        day 3                     |
        ann sell 10 @ 100         | accepted #1
        bob buy 10 @ 100          | accepted #2, trade 10 @ 100 with #1 fees 1/0, #1 Filled, #2 Filled
        ann pays                  | tier 0 fees 1000/2000 volume 0
        day 35 end                |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 1000
        day 36                    |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 0
        ",
    );
}

#[test]
fn a_long_silence_forgets_everything() {
    check_in(
        tiered(),
        "
        tiers quote 1000          | tiers of 1
        ann sell 10 @ 100         | accepted #1
        bob buy 10 @ 100          | accepted #2, trade 10 @ 100 with #1 fees 1/0, #1 Filled, #2 Filled
        day 200000000             |
        ann sell 10 @ 100         | accepted #3
        bob buy 10 @ 100          | accepted #4, trade 10 @ 100 with #3 fees 1/0, #3 Filled, #4 Filled
        day 200000001             |
        ann sell 10 @ 100         | accepted #5
        ann pays                  | tier 1 fees 500/1500 volume 1000
        ",
    );
}

#[test]
fn the_new_tier_is_paid_by_orders_that_were_placed_before() {
    check_in(
        tiered(),
        "
        tiers quote 1000 5000     | tiers of 1
        ann sell 500 @ 10         | accepted #1
        ann sell 500 @ 10         | accepted #2
        bob buy 500 @ 10          | accepted #3, trade 500 @ 10 with #1 fees 5/1, #1 Filled, #3 Filled
        day 1                     |
        cat buy 200 @ 10          | accepted #4, trade 200 @ 10 with #2, #4 Filled
        ann pays                  | tier 2 fees 0/1000 volume 5000
        tiers quote 2000 6000     | tiers of 1
        ann pays                  | tier 1 fees 500/1500 volume 5000
        cat buy 200 @ 10          | accepted #5, trade 200 @ 10 with #2 fees 1/0, #5 Filled
        tiers quote 5001          | tiers of 1
        ann pays                  | tier 0 fees 1000/2000 volume 5000
        cat buy 100 @ 10          | accepted #6, trade 100 @ 10 with #2 fees 1/0, #2 Filled, #6 Filled
        tiers quote               | tiers of 1
        ann pays                  | tier 0 fees 1000/2000 volume 5000
        tiers quote 5000          | tiers of 1
        ann pays                  | tier 1 fees 500/1500 volume 5000
        day 2                     |
        open ann                  | rejected AlreadyListed
        ann pays                  | tier 1 fees 500/1500 volume 10000
        cat pays                  | tier 1 fees 500/1500 volume 5000
        ",
    );
}

#[test]
fn the_greater_of_own_tier_and_volume_counts() {
    check_in(
        tiered(),
        "
        tiers quote 1000 5000     | tiers of 1
        tier ann 1                | tier 1
        tier bob 2                | tier 2
        ann sell 500 @ 10         | accepted #1
        bob buy 500 @ 10          | accepted #2, trade 500 @ 10 with #1 fees 2/0, #1 Filled, #2 Filled
        cat sell 100 @ 10         | accepted #3
        bob buy 100 @ 10          | accepted #4, trade 100 @ 10 with #3 fees 1/0, #3 Filled, #4 Filled
        day 1                     |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 2 fees 0/1000 volume 5000
        cat pays                  | tier 1 fees 500/1500 volume 1000
        tier ann 0                | tier 0
        ann pays                  | tier 2 fees 0/1000 volume 5000
        day 31                    |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 0 fees 1000/2000 volume 0
        bob pays                  | tier 2 fees 0/1000 volume 0
        ",
    );
}

#[test]
fn volume_is_counted_over_all_markets_of_a_quote_asset() {
    check_in(
        tiered(),
        "
        tiers quote 1500          | tiers of 1
        tiers third 100           | tiers of 2
        list 1 third/quote        | done
        list 2 base/third         | done
        ann sell 100 @ 10         | accepted #1
        bob buy 100 @ 10          | accepted #2, trade 100 @ 10 with #1 fees 1/0, #1 Filled, #2 Filled
        in 1: ann sell 50 @ 10    | accepted #1
        in 1: cat buy 50 @ 10     | accepted #2, trade 50 @ 10 with #1, #1 Filled, #2 Filled
        in 2: ann sell 99 @ 1     | accepted #1
        in 2: bob buy 99 @ 1      | accepted #2, trade 99 @ 1 with #1, #1 Filled, #2 Filled
        in 2: ann sell 1 @ 1      | accepted #3
        in 2: cat buy 1 @ 1       | accepted #4, trade 1 @ 1 with #3, #3 Filled, #4 Filled
        day 1                     |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 1500
        in 1: ann pays            | tier 1 fees 500/1500 volume 1500
        in 2: ann pays            | tier 1 fees 500/1500 volume 100
        bob pays                  | tier 0 fees 1000/2000 volume 1000
        in 2: bob pays            | tier 0 fees 1000/2000 volume 99
        in 1: cat pays            | tier 0 fees 1000/2000 volume 500
        market delisted           | changed
        in 1: ann pays            | tier 1 fees 500/1500 volume 1500
        ",
    );
}

#[test]
fn volume_is_what_the_quote_moved_in_smallest_units() {
    let market = MarketSpec {
        lot_size: 7,
        tick_value: 3,
        ..tiered()
    };
    check_in(
        market,
        "
        tiers quote 600           | tiers of 1
        ann sell 10 @ 20          | accepted #1
        bob buy 4 @ 20            | accepted #2, trade 4 @ 20 with #1, #2 Filled
        cat buy 6 @ 20            | accepted #3, trade 6 @ 20 with #1, #1 Filled, #3 Filled
        day 1                     |
        restrict cat              | may trade and withdraw
        ann pays                  | tier 1 fees 500/1500 volume 600
        bob pays                  | tier 0 fees 1000/2000 volume 240
        ",
    );
}
