//! Price bands: how far from the last price an order may stand, and how far a market order may reach.

use crate::table::{check_in, plain};
use ensoex_types::{MarketSpec, Price, PriceBand, Quantity};

/// Prices may lie so many parts per million below and above.
fn band(below: u32, above: u32) -> MarketSpec {
    MarketSpec {
        price_band: Some(PriceBand { below, above }),
        ..plain()
    }
}

#[test]
fn there_is_no_band_before_the_first_trade() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 @ 1000000      | accepted #1
        ann buy 1 @ 1             | accepted #2
        bob buy 1 market          | rejected InsufficientBalance
        bob sell 1 market         | accepted #3, trade 1 @ 1 with #2, #2 Filled, #3 Filled
        bob buy 1 @ 2             | rejected PriceAboveBand
        ",
    );
}

#[test]
fn both_edges_are_allowed() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 @ 100          | accepted #1
        bob buy 1 @ 100           | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann buy 1 @ 89            | rejected PriceBelowBand
        ann buy 1 @ 90            | accepted #3
        ann sell 1 @ 121          | rejected PriceAboveBand
        ann sell 1 @ 120          | accepted #4
        ann buy 1 @ 89 maker      | rejected PriceBelowBand
        ann sell 1 @ 121 maker    | rejected PriceAboveBand
        ann buy 1 @ 121 ioc       | rejected PriceAboveBand
        ann sell 1 @ 89 fok       | rejected PriceBelowBand
        ann buy 1 @ 110 ioc       | accepted #5, #5 Expired with 1 left
        ",
    );
}

#[test]
fn the_distance_is_rounded_down_to_whole_ticks() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 @ 99           | accepted #1
        bob buy 1 @ 99            | accepted #2, trade 1 @ 99 with #1, #1 Filled, #2 Filled
        ann buy 1 @ 89            | rejected PriceBelowBand
        ann buy 1 @ 90            | accepted #3
        ann sell 1 @ 119          | rejected PriceAboveBand
        ann sell 1 @ 118          | accepted #4
        ",
    );
    check_in(
        band(999_999, 999_999),
        "
        ann sell 1 @ 9            | accepted #1
        bob buy 1 @ 9             | accepted #2, trade 1 @ 9 with #1, #1 Filled, #2 Filled
        ann buy 1 @ 1             | accepted #3
        ann sell 1 @ 18           | rejected PriceAboveBand
        ann sell 1 @ 17           | accepted #4
        ",
    );
}

#[test]
fn the_narrowest_band_is_the_last_price_and_the_widest_a_thousand_times_more() {
    check_in(
        band(0, 0),
        "
        ann sell 2 @ 100          | accepted #1
        bob buy 1 @ 100           | accepted #2, trade 1 @ 100 with #1, #2 Filled
        bob buy 1 @ 99            | rejected PriceBelowBand
        bob buy 1 @ 101           | rejected PriceAboveBand
        bob buy 1 @ 100           | accepted #3, trade 1 @ 100 with #1, #1 Filled, #3 Filled
        ",
    );
    check_in(
        band(1_000_000, PriceBand::ABOVE_MAX),
        "
        ann sell 2 @ 999          | accepted #1
        bob buy 1 @ 999           | accepted #2, trade 1 @ 999 with #1, #2 Filled
        bob buy 1 @ 1             | accepted #3
        ann sell 1 @ 999999       | accepted #4
        ann sell 1 @ 1000000      | rejected PriceAboveBand
        ann sell 1 @ 1000001      | rejected PriceTooHigh
        ",
    );
}

#[test]
fn the_market_bounds_come_before_the_band_and_the_quantity_after() {
    let market = MarketSpec {
        price_min: Price(50),
        price_max: Price(150),
        quantity_min: Quantity(2),
        ..band(100_000, 100_000)
    };
    check_in(
        market,
        "
        ann sell 2 @ 100          | accepted #1
        bob buy 2 @ 100           | accepted #2, trade 2 @ 100 with #1, #1 Filled, #2 Filled
        ann buy 1 @ 49            | rejected PriceTooLow
        ann buy 1 @ 50            | rejected PriceBelowBand
        ann buy 1 @ 150           | rejected PriceAboveBand
        ann buy 1 @ 151           | rejected PriceTooHigh
        ann buy 1 @ 110           | rejected QuantityTooLow
        ",
    );
}

#[test]
fn the_band_follows_the_last_price() {
    check_in(
        band(100_000, 100_000),
        "
        ann sell 9 @ 110          | accepted #1
        ann sell 9 @ 100          | accepted #2
        bob buy 1 @ 100           | accepted #3, trade 1 @ 100 with #2, #3 Filled
        bob sell 1 @ 121          | rejected PriceAboveBand
        bob buy 9 @ 110           | accepted #4, trade 8 @ 100 with #2, #2 Filled, trade 1 @ 110 with #1, #4 Filled
        bob sell 1 @ 121          | accepted #5
        bob sell 1 @ 122          | rejected PriceAboveBand
        bob buy 1 @ 98            | rejected PriceBelowBand
        ",
    );
}

#[test]
fn a_market_order_trades_up_to_the_edge_and_the_rest_expires() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 2 @ 100          | accepted #1
        ann sell 2 @ 120          | accepted #2
        ann sell 2 @ 121          | accepted #3
        ann buy 2 @ 80            | accepted #4
        bob buy 1 @ 100           | accepted #5, trade 1 @ 100 with #1, #5 Filled
        bob sell 1 market         | rejected NoLiquidity
        bob buy 9 market          | accepted #6, trade 1 @ 100 with #1, #1 Filled, trade 2 @ 120 with #2, #2 Filled, #6 Expired with 6 left
        bob buy 9 market          | accepted #7, trade 2 @ 121 with #3, #3 Filled, #7 Expired with 7 left
        ",
    );
}

#[test]
fn a_market_order_finds_nothing_beyond_the_edge() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 @ 100          | accepted #1
        ann sell 1 @ 121          | accepted #2
        ann buy 1 @ 89            | accepted #3
        bob buy 1 @ 100           | accepted #4, trade 1 @ 100 with #1, #1 Filled, #4 Filled
        bob buy 1 market          | rejected NoLiquidity
        bob buy for 500 market    | rejected NoLiquidity
        bob sell 1 market         | rejected NoLiquidity
        bob sell for 500 market   | rejected NoLiquidity
        ann buy 1 @ 90            | accepted #5
        bob sell 2 market         | accepted #6, trade 1 @ 90 with #5, #5 Filled, #6 Expired with 1 left
        bob sell 2 market         | accepted #7, trade 1 @ 89 with #3, #3 Filled, #7 Expired with 1 left
        ",
    );
}

#[test]
fn a_market_order_by_quote_is_filled_when_no_lot_within_the_edge_fits() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 5 @ 100          | accepted #1
        ann sell 9 @ 121          | accepted #2
        bob buy 3 @ 100           | accepted #3, trade 3 @ 100 with #1, #3 Filled
        bob buy for 199 market    | accepted #4, trade 1 @ 100 with #1, #4 Filled
        bob buy for 215 market    | accepted #5, trade 1 @ 100 with #1, #1 Filled, #5 Expired
        ann sell 2 @ 100          | accepted #6
        bob buy for 299 market    | accepted #7, trade 2 @ 100 with #6, #6 Filled, #7 Filled
        ",
    );
}

#[test]
fn a_stop_limit_price_lies_around_its_own_stop_price() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 stop-loss 50 @ 44      | rejected PriceBelowBand
        ann sell 1 stop-loss 50 @ 45      | accepted #1
        ann sell 1 stop-loss 50 @ 60      | accepted #2
        ann sell 1 stop-loss 50 @ 61      | rejected PriceAboveBand
        ann cancel all                    | #1 Canceled with 1 left, #2 Canceled with 1 left
        ann sell 1 @ 100                  | accepted #3
        bob buy 1 @ 100                   | accepted #4, trade 1 @ 100 with #3, #3 Filled, #4 Filled
        ann sell 1 stop-loss 50 @ 44      | rejected PriceBelowBand
        ann sell 1 stop-loss 50 @ 45      | accepted #5
        ann buy 1 stop-loss 500 @ 600     | accepted #6
        ann buy 1 stop-loss 500 @ 601     | rejected PriceAboveBand
        ann sell 1 stop-loss 10           | accepted #7
        ann sell 1 take-profit 5000       | accepted #8
        ",
    );
}

#[test]
fn a_triggered_market_order_stays_within_the_band_around_the_price_then() {
    check_in(
        band(100_000, 200_000),
        "
        cat buy 1 @ 95            | accepted #1
        cat buy 1 @ 86            | accepted #2
        cat buy 9 @ 85            | accepted #3
        ann sell 5 stop-loss 95   | accepted #4
        ann sell 5 stop-loss 95   | accepted #5
        bob sell 1 @ 95           | accepted #6, trade 1 @ 95 with #1, #1 Filled, #6 Filled, #4 triggered, trade 1 @ 86 with #2, #2 Filled, #4 Expired with 4 left, #5 triggered, trade 5 @ 85 with #3, #5 Filled
        ",
    );
    check_in(
        band(100_000, 200_000),
        "
        cat buy 1 @ 95            | accepted #1
        cat buy 9 @ 85            | accepted #2
        ann sell 5 stop-loss 95   | accepted #3
        bob sell 1 @ 95           | accepted #4, trade 1 @ 95 with #1, #1 Filled, #4 Filled, #3 triggered, #3 Expired with 5 left
        ann has                   | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn a_triggered_limit_order_meets_no_band() {
    check_in(
        band(100_000, 200_000),
        "
        cat buy 1 @ 90            | accepted #1
        cat buy 1 @ 80            | accepted #2
        ann sell 1 stop-loss 95 @ 111 | accepted #3
        ann sell 1 stop-loss 89 @ 81  | accepted #4
        ann sell 1 stop-loss 88 @ 80  | accepted #5
        bob sell 1 @ 90           | accepted #6, trade 1 @ 90 with #1, #1 Filled, #6 Filled, #3 triggered
        book                      | 80x1 / 111x1
        bob sell 1 @ 111          | rejected PriceAboveBand
        cat buy 1 @ 88            | accepted #7
        bob sell 1 @ 88           | accepted #8, trade 1 @ 88 with #7, #7 Filled, #8 Filled, #4 triggered, #5 triggered, trade 1 @ 80 with #2, #2 Filled, #5 Filled
        book                      | - / 81x1 111x1
        ",
    );
}

#[test]
fn an_oco_meets_the_band_with_its_limit_maker_and_its_stop_limit() {
    check_in(
        band(100_000, 200_000),
        "
        ann sell 1 @ 100          | accepted #1
        bob buy 1 @ 100           | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann oco sell 5 above @ 121 maker below stop-loss 50      | rejected PriceAboveBand
        ann oco sell 5 above @ 120 maker below stop-loss 50 @ 44 | rejected PriceBelowBand
        ann oco sell 5 above @ 120 maker below stop-loss 50 @ 45 | oco #3/#4, accepted #3, accepted #4
        bob oco buy 5 above stop-loss 500 below @ 89 maker       | rejected PriceBelowBand
        bob oco buy 5 above stop-loss 500 @ 601 below @ 90 maker | rejected PriceAboveBand
        bob oco buy 5 above stop-loss 500 @ 600 below @ 90 maker | oco #5/#6, accepted #5, accepted #6
        ",
    );
}
