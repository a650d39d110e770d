//! Movements of money: at once, in two phases, and corrections.

use crate::table::check;

#[test]
fn a_transfer_moves_money_once() {
    check(
        "
        transfer 1 ann to bob 300 quote    | posted 1
        transfer 1 ann to bob 300 quote    | rejected TransferExists
        transfer 1 ann to bob 0 quote      | rejected TransferExists
        hold 1 bob to ann 5 base           | rejected TransferExists
        ann has                            | base 1000+0 quote 99700+0
        bob has                            | base 1000+0 quote 100300+0
        ",
    );
}

#[test]
fn a_held_transfer_is_posted_or_voided_once() {
    check(
        "
        hold 1 ann to pay 300 quote        | held 1
        ann has                            | base 1000+0 quote 99700+300
        transfer 2 ann to bob 99701 quote  | rejected InsufficientBalance
        post 1                             | posted 1
        post 1                             | rejected UnknownTransfer
        void 1                             | rejected UnknownTransfer
        hold 1 ann to pay 300 quote        | rejected TransferExists
        ann has                            | base 1000+0 quote 99700+0
        pay has                            | base 0+0 quote 300+0
        hold 3 ann to pay 700 quote        | held 3
        void 3                             | voided 3
        post 3                             | rejected UnknownTransfer
        transfer 3 ann to pay 1 quote      | rejected TransferExists
        ann has                            | base 1000+0 quote 99700+0
        void 9                             | rejected UnknownTransfer
        ",
    );
}

#[test]
fn users_never_go_below_zero_and_the_house_may() {
    check(
        "
        transfer 1 ann to bob 100001 quote | rejected InsufficientBalance
        transfer 1 ann to bob 100000 quote | posted 1
        transfer 2 ann to bob 1 quote      | rejected InsufficientBalance
        transfer 2 pay to ann 5000 quote   | posted 2
        pay has                            | base 0+0 quote -5000+0
        hold 3 pay to ann 70 quote         | held 3
        pay has                            | base 0+0 quote -5070+70
        post 3                             | posted 3
        pay has                            | base 0+0 quote -5070+0
        ann has                            | base 1000+0 quote 5070+0
        ",
    );
}

#[test]
fn the_house_owes_no_more_than_two_to_the_110() {
    check(
        "
        transfer 1 pay to ann 1298074214633706907132624082305025 quote | rejected InsufficientBalance
        transfer 1 pay to ann 1298074214633706907132624082305024 quote | posted 1
        transfer 2 pay to ann 1 quote                                  | rejected InsufficientBalance
        transfer 2 ann to bob 170141183460469231731687303715884105727 quote | rejected InsufficientBalance
        transfer 2 fees to ann 170141183460469231731687303715884105727 quote | rejected InsufficientBalance
        transfer 2 ann to bob 1298074214633706907132624082405024 quote | posted 2
        ",
    );
}

#[test]
fn malformed_transfers_are_refused() {
    check(
        "
        transfer 1 ann to bob 0 quote      | rejected InvalidAmount
        transfer 1 ann to bob -1 quote     | rejected InvalidAmount
        transfer 1 ann to bob 1 9          | rejected UnknownAsset
        transfer 1 ann to ann 1 quote      | rejected SameAccount
        transfer 1 ann to nobody 1 quote   | rejected UnknownAccount
        transfer 1 nobody to ann 1 quote   | rejected UnknownAccount
        transfer 1 ann to bob 1 quote      | posted 1
        ",
    );
}

#[test]
fn the_house_can_trade_on_credit() {
    check(
        "
        capital sell 5000 @ 10             | accepted #1
        capital has                        | base -8000+5000 quote -300000+0
        ann buy 5000 market                | accepted #2, trade 5000 @ 10 with #1, #1 Filled, #2 Filled
        capital has                        | base -8000+0 quote -250000+0
        ",
    );
}

#[test]
fn a_pending_deposit_becomes_available_when_posted() {
    check(
        "
        hold 1 pay to ann 500 quote deposit  | held 1
        ann has                              | base 1000+0 quote 100000+0
        pay has                              | base 0+0 quote -500+500
        transfer 1 pay to ann 500 quote deposit | rejected TransferExists
        post 1                               | posted 1
        ann has                              | base 1000+0 quote 100500+0
        pay has                              | base 0+0 quote -500+0
        void 1                               | rejected UnknownTransfer
        ",
    );
}

#[test]
fn a_pending_withdrawal_cannot_be_spent_on_orders() {
    check(
        "
        hold 1 ann to pay 99950 quote withdrawal | held 1
        ann buy 1 @ 51                       | rejected InsufficientBalance
        ann buy 1 @ 50                       | accepted #1
        ann has                              | base 1000+0 quote 0+100000
        hold 2 ann to pay 1 quote withdrawal | rejected InsufficientBalance
        ann cancel #1                        | #1 Canceled with 1 left
        void 1                               | voided 1
        hold 2 ann to pay 100000 quote withdrawal | held 2
        post 2                               | posted 2
        ann has                              | base 1000+0 quote 0+0
        ",
    );
}

#[test]
fn money_behind_orders_cannot_be_transferred() {
    check(
        "
        ann oco sell 900 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2
        transfer 1 ann to bob 101 base       | rejected InsufficientBalance
        transfer 1 ann to bob 100 base       | posted 1
        hold 2 ann to pay 1 base withdrawal  | rejected InsufficientBalance
        ann cancel #1                        | #1 Canceled with 900 left, #2 Canceled with 900 left
        hold 2 ann to pay 900 base withdrawal | held 2
        ann has                              | base 0+900 quote 100000+0
        ",
    );
}

#[test]
fn a_correction_is_a_new_transfer_that_names_an_earlier_one() {
    check(
        "
        transfer 1 ann to bob 300 quote                    | posted 1
        transfer 2 bob to ann 300 quote correction of 1    | posted 2 correcting 1
        ann has                                            | base 1000+0 quote 100000+0
        transfer 3 bob to ann 1 quote correction of 9      | rejected UnknownTransfer
        transfer 3 bob to ann 1 quote correction of 3      | rejected UnknownTransfer
        transfer 3 bob to ann 0 quote correction of 9      | rejected UnknownTransfer
        transfer 2 bob to ann 1 quote correction of 9      | rejected TransferExists
        transfer 3 bob to ann 0 quote correction of 1      | rejected InvalidAmount
        transfer 3 bob to ann 999999 quote correction of 1 | rejected InsufficientBalance
        transfer 4 bob to ann 1 quote correction of 3      | rejected UnknownTransfer
        hold 4 ann to pay 5 quote correction of 2          | held 4 correcting 2
        transfer 5 ann to bob 1 quote correction of 4      | posted 5 correcting 4
        void 4                                             | voided 4 correcting 2
        transfer 6 ann to bob 1 quote correction of 4      | posted 6 correcting 4
        hold 7 ann to pay 5 quote correction of 9          | rejected UnknownTransfer
        transfer 7 bob to cat 1 base correction of 6       | posted 7 correcting 6
        transfer 8 bob to cat 1 base correction of 6       | posted 8 correcting 6
        ",
    );
}
