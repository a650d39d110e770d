//! Worked examples that others have published, with their figures. Source of all: Binance Spot API
//! documentation (github.com/binance/binance-spot-api-docs, commit of 21 July 2026); each test names the
//! document and section. Figures are scaled to whole lots and ticks. Where our rule gives another outcome, a
//! line says why.

use crate::table::{check, check_in, fees, plain};
use ensoex_types::{Amount, MarketSpec, Price, Quantity};

/// Prices and quantities far beyond what users of the tables own; the house trades on credit.
pub(crate) fn large() -> MarketSpec {
    MarketSpec {
        price_max: Price(1_000_000_000),
        quantity_max: Quantity(1_000_000_000),
        notional_max: Amount(1_000_000_000_000_000_000),
        ..plain()
    }
}

/// faqs/stp_faq.md, "STP Examples", Scenario A: mode NONE lets both orders trade. We have no such mode: an
/// account never trades with itself, and an order without a wish has EXPIRE_TAKER.
#[test]
fn self_trade_prevention_scenario_a() {
    check(
        "
        ann buy 1 @ 1                 | accepted #1
        ann sell 1 @ 1                | accepted #2, #2 SelfTrade with 1 left
        ann orders                    | #1 buy 1 @ 1
        ",
    );
}

/// The same, Scenario B: EXPIRE_MAKER; a tick and a lot are 0.1.
#[test]
fn self_trade_prevention_scenario_b() {
    check(
        "
        ann buy 12 @ 12               | accepted #1
        ann buy 13 @ 11               | accepted #2
        ann buy 81 @ 10               | accepted #3
        ann sell 30 @ 10 expire-maker | accepted #4, #1 SelfTrade with 12 left, #2 SelfTrade with 13 left, #3 SelfTrade with 81 left
        ann orders                    | #4 sell 30 @ 10
        ",
    );
}

/// The same, Scenario C: EXPIRE_TAKER.
#[test]
fn self_trade_prevention_scenario_c() {
    check(
        "
        ann buy 12 @ 12               | accepted #1
        ann buy 13 @ 11               | accepted #2
        ann buy 81 @ 10               | accepted #3
        ann sell 30 @ 10 expire-taker | accepted #4, #4 SelfTrade with 30 left
        ann orders                    | #1 buy 12 @ 12, #2 buy 13 @ 11, #3 buy 81 @ 10
        ",
    );
}

/// The same, Scenario D: EXPIRE_BOTH.
#[test]
fn self_trade_prevention_scenario_d() {
    check(
        "
        ann buy 1 @ 1                 | accepted #1
        ann sell 3 @ 1 expire-both    | accepted #2, #1 SelfTrade with 1 left, #2 SelfTrade with 3 left
        ann orders                    | none
        ",
    );
}

/// The same, Scenario E: of two modes the taker's counts.
#[test]
fn self_trade_prevention_scenario_e() {
    check(
        "
        ann buy 1 @ 1 expire-maker    | accepted #1
        ann sell 1 @ 1 expire-taker   | accepted #2, #2 SelfTrade with 1 left
        ann orders                    | #1 buy 1 @ 1
        ",
    );
}

/// The same, Scenario F: a market order with EXPIRE_MAKER ends for want of liquidity.
#[test]
fn self_trade_prevention_scenario_f() {
    check(
        "
        ann buy 1 @ 1                 | accepted #1
        ann sell 1 market expire-maker | accepted #2, #1 SelfTrade with 1 left, #2 Expired with 1 left
        ",
    );
}

/// The same, Scenario G: DECREMENT; 2 are prevented of both, the maker's 4 stay.
#[test]
fn self_trade_prevention_scenario_g() {
    check(
        "
        ann buy 6 @ 2                 | accepted #1
        ann sell 2 @ 2 decrement      | accepted #2, prevented 2 @ 2 with #1 leaving 4, #2 SelfTrade
        ann orders                    | #1 buy 6 @ 2 4 left
        ann has                       | base 1000+0 quote 99992+8
        ",
    );
}

/// The same, Scenario H: TRANSFER between accounts of a trade group moves money. We have no trade groups;
/// within one account the document says that it is DECREMENT, and so much is held afterwards: 0.08 of the
/// quote asset.
#[test]
fn self_trade_prevention_scenario_h() {
    check(
        "
        ann buy 6 @ 2                 | accepted #1
        ann sell 2 @ 2 decrement      | accepted #2, prevented 2 @ 2 with #1 leaving 4, #2 SelfTrade
        ann has                       | base 1000+0 quote 99992+8
        ",
    );
}

/// The same, "What is prevented quantity?": original − executed − prevented = what is left to execute.
#[test]
fn self_trade_prevention_equation() {
    check(
        "
        bob sell 4 @ 10               | accepted #1
        ann sell 3 @ 10               | accepted #2
        ann buy 10 @ 10 decrement     | accepted #3, trade 4 @ 10 with #1, #1 Filled, prevented 3 @ 10 with #2 leaving 0, #2 SelfTrade
        ann orders                    | #3 buy 10 @ 10 3 left
        ann cancel #3                 | #3 Canceled with 3 left
        ",
    );
}

/// rest-api.md, "New order (TRADE)", trigger order price rules: STOP_LOSS BUY and TAKE_PROFIT SELL above the
/// market price, STOP_LOSS SELL and TAKE_PROFIT BUY below. errors.md calls the refusal "Order would trigger
/// immediately."
#[test]
fn trigger_price_rules() {
    check(
        "
        cat sell 1 @ 100              | accepted #1
        bob buy 1 @ 100               | accepted #2, trade 1 @ 100 with #1, #1 Filled, #2 Filled
        ann buy 1 stop-loss 101       | accepted #3
        ann sell 1 take-profit 101    | accepted #4
        ann sell 1 stop-loss 99       | accepted #5
        ann buy 1 take-profit 99      | accepted #6
        ann buy 1 stop-loss 99        | rejected StopWouldTrigger
        ann sell 1 take-profit 99     | rejected StopWouldTrigger
        ann sell 1 stop-loss 101      | rejected StopWouldTrigger
        ann buy 1 take-profit 101     | rejected StopWouldTrigger
        ",
    );
}

/// rest-api.md, "New order (TRADE)", response FULL: a market sell of 10 at five prices, 0.1 % of the quote
/// received at each. The quote asset's unit is 0.001 here, so a tick is 1,000 units.
#[test]
fn market_sell_over_five_levels() {
    let market = MarketSpec {
        tick_value: 1_000,
        notional_max: Amount(1_000_000_000_000_000),
        fees: fees(&[(0, 1_000)]),
        ..plain()
    };
    check_in(
        market,
        "
        capital buy 1 @ 4000          | accepted #1
        capital buy 5 @ 3999          | accepted #2
        capital buy 2 @ 3998          | accepted #3
        capital buy 1 @ 3997          | accepted #4
        capital buy 1 @ 3995          | accepted #5
        bob sell 10 market            | accepted #6, trade 1 @ 4000 with #1 fees 0/4000, #1 Filled, trade 5 @ 3999 with #2 fees 0/19995, #2 Filled, trade 2 @ 3998 with #3 fees 0/7996, #3 Filled, trade 1 @ 3997 with #4 fees 0/3997, #4 Filled, trade 1 @ 3995 with #5 fees 0/3995, #5 Filled, #6 Filled
        ",
    );
}

/// faqs/market_orders_faq.md, sample response: 6 wanted, 2 and 2 at the price 1, the rest expires. The
/// document also refuses an order that the balance cannot pay whole; ours then buys what the balance pays and
/// the rest expires, because a price that nobody knows beforehand is no reason to refuse.
#[test]
fn market_order_beyond_the_book() {
    check(
        "
        bob sell 2 @ 1                | accepted #1
        cat sell 2 @ 1                | accepted #2
        ann buy 6 market              | accepted #3, trade 2 @ 1 with #1, #1 Filled, trade 2 @ 1 with #2, #2 Filled, #3 Expired with 2 left
        ",
    );
}

/// faqs/order_amend_keep_priority.md, the four orders of its table: 5.50 become 5.00 (a lot is 0.01).
#[test]
fn amend_keeps_priority_and_cancel_replace_loses_it() {
    let book = "
        capital buy 100 @ 87000       | accepted #1
        fees buy 550 @ 87000          | accepted #2
        pay buy 400 @ 87000           | accepted #3
        capital buy 200 @ 86999       | accepted #4
    ";
    let amended = "
        fees reduce #2 by 50          | #2 reduced to 500
        book                          | 87000x1000 86999x200 / -
        ann sell 700 @ 87000          | accepted #5, trade 100 @ 87000 with #1, #1 Filled, trade 500 @ 87000 with #2, #2 Filled, trade 100 @ 87000 with #3, #5 Filled
    ";
    let replaced = "
        fees replace #2: buy 500 @ 87000 | #2 Canceled with 550 left, accepted #5
        book                          | 87000x1000 86999x200 / -
        ann sell 700 @ 87000          | accepted #6, trade 100 @ 87000 with #1, #1 Filled, trade 400 @ 87000 with #3, #3 Filled, trade 200 @ 87000 with #5, #6 Filled
    ";
    check_in(large(), &format!("{book}{amended}"));
    check_in(large(), &format!("{book}{replaced}"));
}

/// The same, "Can Order lists be amended?": there amending one order of an OCO amends both. We refuse it;
/// cancel the list and place a smaller one.
#[test]
fn amending_an_order_of_a_list() {
    check(
        "
        ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        ann reduce #1 by 1            | rejected OrderInList
        ",
    );
}
