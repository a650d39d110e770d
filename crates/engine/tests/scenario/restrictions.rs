//! Restrictions of accounts by risk: no trade, no withdrawal.

use crate::table::check;

#[test]
fn an_account_that_may_not_trade_places_no_orders() {
    check(
        "
        ann may                            | trade and withdraw
        ann sell 5 @ 100                   | accepted #1
        restrict ann no-trade              | may withdraw
        ann may                            | withdraw
        ann buy 1 @ 1                      | rejected AccountMayNotTrade
        ann buy 0 @ 0                      | rejected AccountMayNotTrade
        ann buy 1 @ 100 maker              | rejected AccountMayNotTrade
        ann buy 1 market                   | rejected AccountMayNotTrade
        ann buy for 5 market               | rejected AccountMayNotTrade
        ann sell 1 stop-loss 90            | rejected AccountMayNotTrade
        ann sell 1 stop-loss 90 @ 89       | rejected AccountMayNotTrade
        ann oco sell 1 above @ 110 maker below stop-loss 90 | rejected AccountMayNotTrade
        in 1: ann buy 1 @ 1                | rejected UnknownMarket
        market halted                      | changed
        ann buy 1 @ 1                      | rejected AccountMayNotTrade
        market trading                     | changed
        bob buy 1 @ 1                      | accepted #2
        restrict ann                       | may trade and withdraw
        ann buy 1 @ 1                      | accepted #3
        restrict nobody no-trade           | rejected UnknownAccount
        nobody may                         | not exist
        ",
    );
}

#[test]
fn its_open_orders_stay_can_be_filled_reduced_and_cancelled() {
    check(
        "
        ann sell 5 @ 100                   | accepted #1
        ann sell 5 @ 101                   | accepted #2
        ann oco sell 5 above @ 102 maker below stop-loss 90 | oco #3/#4, accepted #3, accepted #4
        restrict ann no-trade no-withdraw  | may do nothing
        bob buy 2 @ 100                    | accepted #5, trade 2 @ 100 with #1, #5 Filled
        ann reduce #1 by 1                 | #1 reduced to 2
        ann cancel #1                      | #1 Canceled with 2 left
        ann replace #2: sell 1 @ 101       | #2 Canceled with 5 left, rejected AccountMayNotTrade
        bob buy 2 @ 102                    | accepted #6, #4 Contingent with 5 left, trade 2 @ 102 with #3, #6 Filled
        ann cancel all                     | #3 Canceled with 3 left
        ann has                            | base 996+0 quote 100404+0
        ",
    );
}

#[test]
fn its_waiting_stops_close_when_they_are_triggered() {
    check(
        "
        ann sell 5 stop-loss 90            | accepted #1
        ann oco sell 5 above @ 110 maker below stop-loss 90 @ 80 | oco #2/#3, accepted #2, accepted #3
        ann sell 5 stop-loss 80            | accepted #4
        bob sell 5 stop-loss 90            | accepted #5
        restrict ann no-trade              | may withdraw
        ann has                            | base 985+15 quote 100000+0
        cat buy 9 @ 90                     | accepted #6
        capital sell 1 @ 90                | accepted #7, trade 1 @ 90 with #6, #7 Filled, #1 triggered, #1 Restricted with 5 left, #3 triggered, #2 Contingent with 5 left, #3 Restricted with 5 left, #5 triggered, trade 5 @ 90 with #6, #5 Filled
        ann orders                         | #4 sell 5 stop-loss 80 waiting
        ann has                            | base 995+5 quote 100000+0
        restrict ann                       | may trade and withdraw
        cat buy 9 @ 80                     | accepted #8
        capital sell 4 @ 80                | accepted #9, trade 3 @ 90 with #6, #6 Filled, trade 1 @ 80 with #8, #9 Filled, #4 triggered, trade 5 @ 80 with #8, #4 Filled
        ",
    );
}

#[test]
fn a_buy_stop_of_a_restricted_account_gives_its_money_back() {
    check(
        "
        ann buy 5 stop-loss 110 @ 112      | accepted #1
        ann reduce #1 by 2                 | #1 reduced to 3
        restrict ann no-trade              | may withdraw
        cat sell 1 @ 110                   | accepted #2
        bob buy 1 @ 110                    | accepted #3, trade 1 @ 110 with #2, #2 Filled, #3 Filled, #1 triggered, #1 Restricted with 3 left
        ann has                            | base 1000+0 quote 100000+0
        ",
    );
}

#[test]
fn an_account_that_may_not_withdraw_pays_no_one() {
    check(
        "
        hold 1 ann to pay 300 quote withdrawal  | held 1
        hold 2 ann to pay 300 quote withdrawal  | held 2
        restrict ann no-withdraw                | may trade
        ann may                                 | trade
        transfer 3 ann to pay 1 quote withdrawal | rejected AccountMayNotWithdraw
        transfer 3 ann to bob 1 quote           | rejected AccountMayNotWithdraw
        hold 3 ann to pay 1 quote withdrawal    | rejected AccountMayNotWithdraw
        hold 3 ann to bob 1 quote               | rejected AccountMayNotWithdraw
        transfer 3 ann to bob 999999 quote      | rejected AccountMayNotWithdraw
        transfer 3 ann to nobody 1 quote        | rejected UnknownAccount
        transfer 3 ann to bob 0 quote           | rejected InvalidAmount
        transfer 3 ann to ann 1 quote           | rejected SameAccount
        transfer 1 ann to bob 1 quote           | rejected TransferExists
        transfer 3 bob to ann 1 quote           | posted 3
        transfer 4 pay to ann 1 quote deposit   | posted 4
        transfer 5 ann to pay 1 quote deposit   | posted 5
        transfer 6 ann to capital 1 quote capital | posted 6
        transfer 7 ann to bob 1 quote correction of 3 | posted 7 correcting 3
        post 1                                  | posted 1
        void 2                                  | voided 2
        ann buy 1 @ 1                           | accepted #1
        ann has                                 | base 1000+0 quote 99698+1
        restrict ann                            | may trade and withdraw
        transfer 8 ann to bob 1 quote           | posted 8
        ",
    );
}
