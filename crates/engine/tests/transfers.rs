//! What transfers do, as tables.

mod scenario;

use scenario::check;

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
        transfer 1 ann to bob 1 2          | rejected UnknownAsset
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
