//! More of the published examples (see [`crate::published`]): order lists, filters, price ranges, commission.

use crate::published::large;
use crate::table::{check, check_in, fees, plain};
use ensoex_types::{MarketSpec, PriceBand};

/// rest-api.md, "New Order list - OCO (TRADE)", response: sell 5, LIMIT_MAKER at 3, STOP_LOSS_LIMIT 1 at 1.
/// There the order below has the lower id; ours numbers the order above first, because its id also names the
/// list.
#[test]
fn oco_sell_with_stop_loss_limit() {
    check(
        "
        cat sell 1 @ 2                | accepted #1
        bob buy 1 @ 2                 | accepted #2, trade 1 @ 2 with #1, #1 Filled, #2 Filled
        ann oco sell 5 above @ 3 maker below stop-loss 1 @ 1 | oco #3/#4, accepted #3, accepted #4
        ann orders                    | #3 sell 5 @ 3 maker or #4, #4 sell 5 stop-loss 1 @ 1 waiting or #3
        ann has                       | base 995+5 quote 100000+0
        ",
    );
}

/// rest-api.md, "New OCO - Deprecated (TRADE)", response: buy 0.624363, STOP_LOSS 0.960664, LIMIT_MAKER at
/// 0.036435; a tick and a lot are 10^-6.
#[test]
fn oco_buy_with_stop_loss() {
    check_in(
        large(),
        "
        capital sell 1 @ 500000       | accepted #1
        pay buy 1 @ 500000            | accepted #2, trade 1 @ 500000 with #1, #1 Filled, #2 Filled
        capital oco buy 624363 above stop-loss 960664 below @ 36435 maker | oco #3/#4, accepted #3, accepted #4
        capital orders                | #3 buy 624363 stop-loss 960664 waiting or #4, #4 buy 624363 @ 36435 maker or #3
        capital sell 1 @ 960664       | accepted #5
        fees buy 1 @ 960664           | accepted #6, trade 1 @ 960664 with #5, #5 Filled, #6 Filled, #3 triggered, #4 Contingent with 624363 left, #3 Expired with 624363 left
        ",
    );
}

/// web-socket-api.md, "Place new OCO - Deprecated (TRADE)", response: sell 0.0065, LIMIT_MAKER at 23,420,
/// STOP_LOSS_LIMIT 23,405 at 23,410; a lot is 0.0001. Its limit price lies above its stop price.
#[test]
fn oco_sell_with_a_limit_above_its_stop() {
    check(
        "
        cat sell 1 @ 23415            | accepted #1
        bob buy 1 @ 23415             | accepted #2, trade 1 @ 23415 with #1, #1 Filled, #2 Filled
        ann oco sell 65 above @ 23420 maker below stop-loss 23405 @ 23410 | oco #3/#4, accepted #3, accepted #4
        cat buy 1 @ 23405             | accepted #5
        bob sell 1 @ 23405            | accepted #6, trade 1 @ 23405 with #5, #5 Filled, #6 Filled, #4 triggered, #3 Contingent with 65 left
        ann orders                    | #4 sell 65 stop-loss 23405 @ 23410
        book                          | - / 23410x65
        ",
    );
}

/// web-socket-api.md, "Place new Order list - OCO (TRADE)", response: buy 1, STOP_LOSS_LIMIT 1.50000001 at
/// 1.5, LIMIT_MAKER at 1.49999999; a tick is 10^-8. The hold is the greater of the two needs.
#[test]
fn oco_buy_one_tick_around_the_price() {
    check_in(
        large(),
        "
        capital sell 1 @ 150000000    | accepted #1
        pay buy 1 @ 150000000         | accepted #2, trade 1 @ 150000000 with #1, #1 Filled, #2 Filled
        fees oco buy 1 above stop-loss 150000001 @ 150000000 below @ 149999999 maker | oco #3/#4, accepted #3, accepted #4
        fees has                      | base 0+0 quote -150000000+150000000
        ",
    );
}

/// rest-api.md, "Cancel All Open Orders on a Symbol (TRADE)", response: the OCO of a buy of 0.690354
/// (STOP_LOSS_LIMIT 0.378131 at 0.668611, LIMIT_MAKER at 0.008791) is cancelled with the plain orders; a tick
/// and a lot are 10^-6.
#[test]
fn cancel_all_includes_lists() {
    check_in(
        large(),
        "
        capital buy 178622 @ 89853    | accepted #1
        capital oco buy 690354 above stop-loss 378131 @ 668611 below @ 8791 maker | oco #2/#3, accepted #2, accepted #3
        capital cancel all            | #1 Canceled with 178622 left, #2 Canceled with 690354 left, #3 Canceled with 690354 left
        capital orders                | none
        ",
    );
}

/// rest-api.md, "New Order list - OCO (TRADE)", price restrictions: the prices of the two orders lie on both
/// sides of the last one. For TAKE_PROFIT_LIMIT the document compares its limit price; ours compares every
/// stop order's stop price, because the trigger is what must not be reached yet.
#[test]
fn oco_price_restrictions() {
    check(
        "
        cat sell 1 @ 100              | accepted #1
        bob buy 1 @ 100               | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann oco sell 5 above @ 100 maker below stop-loss 90       | rejected OcoPrices
        ann oco sell 5 above take-profit 110 below stop-loss 100  | rejected OcoPrices
        ann oco buy 5 above stop-loss 100 below take-profit 90    | rejected OcoPrices
        ann oco buy 5 above stop-loss 110 below @ 100 maker       | rejected OcoPrices
        ann oco sell 5 above take-profit 110 @ 99 below stop-loss 90 | oco #3/#4, accepted #3, accepted #4
        ",
    );
}

/// filters.md, "MAX_NUM_ALGO_ORDERS": five stop and take-profit orders at most.
#[test]
fn five_waiting_stops_at_most() {
    let market = MarketSpec {
        stops_per_account_max: 5,
        ..plain()
    };
    check_in(
        market,
        "
        ann sell 1 stop-loss 90       | accepted #1
        ann sell 1 stop-loss 90 @ 89  | accepted #2
        ann sell 1 take-profit 110    | accepted #3
        ann sell 1 take-profit 110 @ 111 | accepted #4
        ann buy 1 stop-loss 110       | accepted #5
        ann buy 1 take-profit 90      | rejected TooManyStops
        ann buy 1 @ 90                | accepted #6
        ",
    );
}

/// filters.md, "PERCENT_PRICE": multipliers 1.3 and 0.7 with `avgPriceMins` 0, that is around the last price.
#[test]
fn percent_price() {
    let market = MarketSpec {
        price_band: Some(PriceBand {
            below: 300_000,
            above: 300_000,
        }),
        ..plain()
    };
    check_in(
        market,
        "
        cat sell 1 @ 1000             | accepted #1
        bob buy 1 @ 1000              | accepted #2, trade 1 @ 1000 with #1, #1 Filled, #2 Filled
        ann buy 1 @ 699               | rejected PriceBelowBand
        ann buy 1 @ 700               | accepted #3
        ann sell 1 @ 1300             | accepted #4
        ann sell 1 @ 1301             | rejected PriceAboveBand
        ",
    );
}

/// faqs/price_range_execution_rules.md, "How does the Price Range Execution Rule work?": multipliers 2 and
/// 0.5 around 10.00, a tick is 0.01; a taker that would trade beyond expires. Our reference is the last
/// trade's price, theirs an average.
#[test]
fn price_range_of_a_taker() {
    let market = MarketSpec {
        price_band: Some(PriceBand {
            below: 500_000,
            above: 1_000_000,
        }),
        ..plain()
    };
    check_in(
        market,
        "
        cat sell 3 @ 2000             | accepted #1
        cat sell 3 @ 2001             | accepted #2
        cat sell 1 @ 1000             | accepted #3
        bob buy 1 @ 1000              | accepted #4, trade 1 @ 1000 with #3, #3 Filled, #4 Filled
        bob buy 9 market              | accepted #5, trade 3 @ 2000 with #1, #1 Filled, #5 Expired with 6 left
        ",
    );
    let market = MarketSpec {
        price_band: Some(PriceBand {
            below: 500_000,
            above: 1_000_000,
        }),
        ..plain()
    };
    check_in(
        market,
        "
        cat buy 3 @ 500               | accepted #1
        cat buy 3 @ 499               | accepted #2
        cat buy 1 @ 1000              | accepted #3
        bob sell 1 @ 1000             | accepted #4, trade 1 @ 1000 with #3, #3 Filled, #4 Filled
        bob sell 9 market             | accepted #5, trade 3 @ 500 with #1, #1 Filled, #5 Expired with 6 left
        ",
    );
}

/// faqs/commission_faq.md, "How is the commission calculated?": a market sell of 0.49975 at 35,000 receives
/// 17,491.25; 6 % of it is 1,049.475. Taker and seller rate (2 % and 4 %) are one rate here. The document's
/// rates below 0.0001 % cannot be expressed: ours are whole parts per million. A lot is 0.00001, the quote
/// asset's unit 0.001.
#[test]
fn commission_of_a_market_sell() {
    let market = MarketSpec {
        fees: fees(&[(0, 60_000)]),
        ..large()
    };
    check_in(
        market,
        "
        capital buy 49975 @ 350       | accepted #1
        transfer 1 capital to ann 48975 base capital | posted 1
        ann sell 49975 market         | accepted #2, trade 49975 @ 350 with #1 fees 0/1049475, #1 Filled, #2 Filled
        fees has                      | base 0+0 quote 1049475+0
        ",
    );
}
