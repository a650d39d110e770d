//! One-cancels-the-other: which pairs are taken, and what they hold.

use crate::table::{check, check_in, plain};
use ensoex_types::{Amount, MarketSpec, Price, PriceBand, Quantity};

#[test]
fn a_sell_pairs_a_limit_maker_or_take_profit_above_with_a_stop_loss_below() {
    check(
        "
        cat sell 1 @ 100                                         | accepted #1
        bob buy 1 @ 100                                          | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann oco sell 5 above @ 110 maker below stop-loss 90      | oco #3/#4, accepted #3, accepted #4
        ann has                                                  | base 995+5 quote 100000+0
        ann orders                                               | #3 sell 5 @ 110 maker or #4, #4 sell 5 stop-loss 90 waiting or #3
        ann oco sell 5 above @ 110 maker below stop-loss 90 @ 89 | oco #5/#6, accepted #5, accepted #6
        ann oco sell 5 above take-profit 110 below stop-loss 90  | oco #7/#8, accepted #7, accepted #8
        ann oco sell 5 above take-profit 110 below stop-loss 90 @ 89 ioc | oco #9/#10, accepted #9, accepted #10
        ann oco sell 5 above take-profit 110 @ 109 fok below stop-loss 90 | oco #11/#12, accepted #11, accepted #12
        ann oco sell 5 above take-profit 110 @ 109 below stop-loss 90 @ 89 | oco #13/#14, accepted #13, accepted #14
        ann has                                                  | base 970+30 quote 100000+0
        book                                                     | - / 110x10
        ",
    );
}

#[test]
fn a_buy_pairs_a_stop_loss_above_with_a_limit_maker_or_take_profit_below() {
    check(
        "
        cat sell 1 @ 100                                         | accepted #1
        bob buy 1 @ 100                                          | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann oco buy 5 above stop-loss 110 below @ 90 maker       | oco #3/#4, accepted #3, accepted #4
        ann has                                                  | base 1000+0 quote 99450+550
        ann cancel all                                           | #3 Canceled with 5 left, #4 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 @ 112 below @ 90 maker | oco #5/#6, accepted #5, accepted #6
        ann has                                                  | base 1000+0 quote 99440+560
        ann cancel all                                           | #5 Canceled with 5 left, #6 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 below take-profit 90   | oco #7/#8, accepted #7, accepted #8
        ann cancel all                                           | #7 Canceled with 5 left, #8 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 below take-profit 90 @ 115 | oco #9/#10, accepted #9, accepted #10
        ann has                                                  | base 1000+0 quote 99425+575
        ann cancel all                                           | #9 Canceled with 5 left, #10 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 @ 112 ioc below take-profit 90 | oco #11/#12, accepted #11, accepted #12
        ann cancel all                                           | #11 Canceled with 5 left, #12 Canceled with 5 left
        ann oco buy 5 above stop-loss 110 @ 80 below take-profit 90 @ 85 | oco #13/#14, accepted #13, accepted #14
        ann has                                                  | base 1000+0 quote 99575+425
        ",
    );
}

#[test]
fn other_pairs_are_refused() {
    check(
        "
        ann oco sell 5 above stop-loss 110 below stop-loss 90          | rejected OcoKinds
        ann oco sell 5 above stop-loss 110 @ 111 below stop-loss 90    | rejected OcoKinds
        ann oco sell 5 above @ 110 maker below @ 90 maker              | rejected OcoKinds
        ann oco sell 5 above @ 110 maker below take-profit 90          | rejected OcoKinds
        ann oco sell 5 above take-profit 110 below take-profit 90 @ 89 | rejected OcoKinds
        ann oco sell 5 above stop-loss 110 below @ 90 maker            | rejected OcoKinds
        ann oco buy 5 above @ 110 maker below stop-loss 90             | rejected OcoKinds
        ann oco buy 5 above take-profit 110 below @ 90 maker           | rejected OcoKinds
        ann oco buy 5 above take-profit 110 @ 110 below take-profit 90 | rejected OcoKinds
        ann oco buy 5 above stop-loss 110 below stop-loss 90           | rejected OcoKinds
        ann oco buy 5 above stop-loss 110 below stop-loss 90 @ 90      | rejected OcoKinds
        ann oco buy 5 above @ 110 maker below @ 90 maker               | rejected OcoKinds
        ",
    );
}

#[test]
fn the_two_prices_lie_around_the_last_one() {
    check(
        "
        ann oco sell 5 above @ 90 maker below stop-loss 90    | rejected OcoPrices
        ann oco sell 5 above @ 90 maker below stop-loss 91    | rejected OcoPrices
        ann oco sell 5 above @ 500 maker below stop-loss 499  | oco #1/#2, accepted #1, accepted #2
        cat sell 1 @ 100                                      | accepted #3
        bob buy 1 @ 100                                       | accepted #4, trade 1 @ 100 with #3, #3 Filled, #4 Filled, #2 triggered, #1 Contingent with 5 left, #2 Expired with 5 left
        ann oco sell 5 above @ 100 maker below stop-loss 90   | rejected OcoPrices
        ann oco sell 5 above @ 110 maker below stop-loss 100  | rejected OcoPrices
        ann oco sell 5 above take-profit 100 @ 105 below stop-loss 90 | rejected OcoPrices
        ann oco sell 5 above @ 101 maker below stop-loss 99   | oco #5/#6, accepted #5, accepted #6
        ann oco sell 5 above take-profit 101 @ 90 below stop-loss 99 @ 120 | oco #7/#8, accepted #7, accepted #8
        bob oco buy 5 above stop-loss 100 below @ 90 maker    | rejected OcoPrices
        bob oco buy 5 above stop-loss 110 below @ 100 maker   | rejected OcoPrices
        bob oco buy 5 above stop-loss 90 below @ 110 maker    | rejected OcoPrices
        bob oco buy 5 above stop-loss 110 below take-profit 100 @ 90 | rejected OcoPrices
        bob oco buy 5 above stop-loss 101 below @ 99 maker    | oco #9/#10, accepted #9, accepted #10
        ",
    );
}

#[test]
fn the_first_failing_check_is_the_answer() {
    let market = MarketSpec {
        price_min: Price(10),
        price_max: Price(200),
        quantity_min: Quantity(2),
        quantity_max: Quantity(5_000),
        notional_min: Amount(200),
        notional_max: Amount(200_000),
        price_band: Some(PriceBand {
            below: 500_000,
            above: 500_000,
        }),
        orders_per_account_max: 3,
        stops_per_account_max: 1,
        ..plain()
    };
    check_in(
        market,
        "
        cat sell 2 @ 100                                         | accepted #1
        bob buy 2 @ 100                                          | accepted #2, trade 2 @ 100 with #1, #1 Filled, #2 Filled
        in 1: ann oco sell 5 above @ 9 maker below @ 90 maker    | rejected UnknownMarket
        nobody oco sell 5 above @ 9 maker below @ 90 maker       | rejected UnknownAccount
        restrict ann no-trade                                    | may withdraw
        ann oco sell 5 above @ 9 maker below @ 90 maker          | rejected AccountMayNotTrade
        restrict ann                                             | may trade and withdraw
        market cancel-only                                       | changed
        ann oco sell 5 above @ 9 maker below @ 90 maker          | rejected MarketCancelOnly
        market halted                                            | changed
        ann oco sell 5 above @ 9 maker below @ 90 maker          | rejected MarketHalted
        market trading                                           | changed
        ann oco sell 5 above @ 9 maker below @ 90 maker          | rejected OcoKinds
        ann oco sell 5 above @ 9 maker below stop-loss 8         | rejected OcoPrices
        ann oco sell 5 above @ 201 maker below stop-loss 8       | rejected PriceTooHigh
        ann oco sell 5 above @ 151 maker below stop-loss 8       | rejected PriceAboveBand
        ann oco sell 1 above @ 150 maker below stop-loss 8       | rejected QuantityTooLow
        ann oco sell 5001 above @ 150 maker below stop-loss 8    | rejected QuantityTooHigh
        ann oco sell 1334 above @ 150 maker below stop-loss 8    | rejected NotionalTooHigh
        ann oco sell 1333 above @ 150 maker below stop-loss 8    | rejected PriceTooLow
        ann oco sell 1333 above @ 150 maker below stop-loss 90 @ 44 | rejected PriceBelowBand
        ann oco sell 2 above @ 150 maker below stop-loss 90 @ 45 | rejected NotionalTooLow
        ann oco sell 1333 above take-profit 150 below stop-loss 90 | rejected TooManyStops
        ann sell 2 @ 150 as one                                  | accepted #3
        ann oco sell 1333 above @ 150 maker as one below stop-loss 90 | rejected DuplicateClientOrderId
        ann sell 2 @ 150                                         | accepted #4
        ann oco sell 1333 above @ 150 maker as one below stop-loss 90 | rejected DuplicateClientOrderId
        ann oco sell 1333 above @ 150 maker below stop-loss 90   | rejected TooManyOrders
        ann cancel #4                                            | #4 Canceled with 2 left
        cat buy 2 @ 150                                          | accepted #5, trade 2 @ 150 with #3, #3 Filled, #5 Filled
        ann sell 2 stop-loss 100                                 | accepted #6
        ann oco sell 1324 above @ 151 maker below stop-loss 140  | rejected TooManyStops
        ann cancel #6                                            | #6 Canceled with 2 left
        cat buy 2 @ 151                                          | accepted #7
        ann oco sell 1324 above @ 151 maker below stop-loss 140  | rejected InsufficientBalance
        ann oco sell 998 above @ 151 maker below stop-loss 140   | rejected WouldTake
        ann oco sell 998 above @ 152 maker below stop-loss 140   | oco #8/#9, accepted #8, accepted #9
        ann has                                                  | base 0+998 quote 100300+0
        ",
    );
}

#[test]
fn a_buy_must_cover_the_greater_of_its_two_needs() {
    check(
        "
        ann oco buy 1000 above stop-loss 101 below @ 90 maker       | rejected InsufficientBalance
        ann oco buy 1000 above stop-loss 110 @ 90 below take-profit 80 @ 101 | rejected InsufficientBalance
        ann oco buy 1000 above stop-loss 100 below @ 99 maker       | oco #1/#2, accepted #1, accepted #2
        ann has                                                     | base 1000+0 quote 0+100000
        ann orders                                                  | #1 buy 1000 stop-loss 100 waiting or #2, #2 buy 1000 @ 99 maker or #1
        ",
    );
}

#[test]
fn both_orders_count_as_open_and_only_stops_as_stops() {
    let market = MarketSpec {
        orders_per_account_max: 4,
        stops_per_account_max: 2,
        ..plain()
    };
    check_in(
        market,
        "
        ann oco sell 1 above @ 110 maker below stop-loss 90     | oco #1/#2, accepted #1, accepted #2
        ann oco sell 1 above take-profit 110 below stop-loss 90 | rejected TooManyStops
        ann oco sell 1 above @ 110 maker below stop-loss 90     | oco #3/#4, accepted #3, accepted #4
        ann sell 1 @ 200                                        | rejected TooManyOrders
        bob sell 1 @ 200                                        | accepted #5
        bob sell 1 @ 200                                        | accepted #6
        bob sell 1 @ 200                                        | accepted #7
        bob oco sell 1 above @ 110 maker below stop-loss 90     | rejected TooManyOrders
        bob cancel #7                                           | #7 Canceled with 1 left
        bob oco sell 1 above take-profit 110 below stop-loss 90 | oco #8/#9, accepted #8, accepted #9
        bob cancel #6                                           | #6 Canceled with 1 left
        bob sell 1 stop-loss 80                                 | rejected TooManyStops
        ",
    );
}
