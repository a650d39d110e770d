//! Listing and delisting at run time.

use crate::table::check;

#[test]
fn delisting_closes_every_order_and_gives_back_what_it_held() {
    check(
        "
        list 1 third/quote             | done
        in 1: ann sell 5 @ 100 as kept | accepted #1
        ann sell 5 @ 100 as one        | accepted #1
        bob buy 5 stop-loss 120        | accepted #2
        ann oco sell 5 above @ 130 maker below stop-loss 90 | oco #3/#4, accepted #3, accepted #4
        cat buy 9 @ 80                 | accepted #5
        bob sell 4 @ 80                | accepted #6, trade 4 @ 80 with #5, #6 Filled, #4 triggered, #3 Contingent with 5 left, trade 5 @ 80 with #5, #5 Filled, #4 Filled
        bob oco buy 5 above stop-loss 120 below @ 79 maker as two | oco #7/#8, accepted #7, accepted #8
        ann sell 5 stop-loss 70 @ 69   | accepted #9
        market delisted                | changed, #1 Delisted with 5 left, #2 Delisted with 5 left, #7 Delisted with 5 left, #8 Delisted with 5 left, #9 Delisted with 5 left
        ann has                        | base 995+0 quote 100400+0
        bob has                        | base 996+0 quote 100320+0
        ann has third                  | 995+5
        book                           | - / -
        ann orders                     | none
        in 1: ann orders               | #1 sell 5 @ 100 as kept
        in 1: bob buy 5 @ 100 as two   | accepted #2, trade 5 @ 100 with #1, #1 Filled, #2 Filled
        ",
    );
}

#[test]
fn a_delisted_market_refuses_everything_for_ever() {
    check(
        "
        ann sell 5 @ 100               | accepted #1
        market delisted                | changed, #1 Delisted with 5 left
        ann sell 5 @ 100               | rejected MarketDelisted
        ann sell 0 @ 0                 | rejected MarketDelisted
        ann sell 5 market              | rejected MarketDelisted
        ann sell 5 stop-loss 90        | rejected MarketDelisted
        ann oco sell 5 above @ 90 maker below stop-loss 90 | rejected MarketDelisted
        ann cancel #1                  | rejected MarketDelisted
        ann cancel all                 | rejected MarketDelisted
        ann reduce #1 by 1             | rejected MarketDelisted
        ann replace #1: sell 5 @ 100   | rejected MarketDelisted
        market trading                 | rejected MarketDelisted
        market delisted                | rejected MarketDelisted
        in 1: market delisted          | rejected UnknownMarket
        in 1: market trading           | rejected UnknownMarket
        nobody sell 5 @ 100            | rejected UnknownAccount
        ",
    );
}

#[test]
fn a_market_that_is_halted_can_be_delisted() {
    check(
        "
        ann sell 5 stop-loss 90        | accepted #1
        market cancel-only             | changed
        market halted                  | changed
        market delisted                | changed, #1 Delisted with 5 left
        list 1 third/quote             | done
        in 1: market delisted          | changed
        ann has                        | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn the_symbol_may_be_listed_again_under_the_next_id() {
    check(
        "
        list 1 base/quote              | rejected AlreadyListed
        ann sell 5 @ 100 as one        | accepted #1
        bob buy 5 @ 100                | accepted #2, trade 5 @ 100 with #1, #1 Filled, #2 Filled
        ann sell 5 @ 100 as one        | accepted #3
        market delisted                | changed, #3 Delisted with 5 left
        list 0 base/quote              | rejected AlreadyListed
        list 2 base/quote              | rejected AlreadyListed
        list 1 base/quote              | done
        list 2 base/quote              | rejected AlreadyListed
        in 1: last                     | none
        in 1: ann sell 5 @ 100 as one  | accepted #1
        ann cancel one                 | rejected MarketDelisted
        in 1: market delisted          | changed, #1 Delisted with 5 left
        list 2 base/quote              | done
        list 3 base/base               | rejected InvalidSpec(SameAsset)
        list 3 base/9                  | rejected UnknownAsset
        ",
    );
}
