//! The owner's own names for orders.

use crate::table::check;

#[test]
fn client_order_ids_are_unique_while_open() {
    check(
        "
        ann sell 5 @ 100 as one            | accepted #1
        ann sell 5 @ 101 as one            | rejected DuplicateClientOrderId
        ann buy 5 @ 90 ioc as one          | rejected DuplicateClientOrderId
        bob buy 1 @ 90 as one              | accepted #2
        bob cancel one                     | #2 Canceled with 1 left
        bob buy 5 @ 100 as one             | accepted #3, trade 5 @ 100 with #1, #1 Filled, #3 Filled
        ann sell 5 @ 101 as one            | accepted #4
        ann cancel two                     | rejected UnknownOrder
        ann cancel one                     | #4 Canceled with 5 left
        ann cancel one                     | rejected UnknownOrder
        ann buy 1 @ 1 as 123456789012345678901234567890123456  | accepted #5
        ann cancel 123456789012345678901234567890123456        | #5 Canceled with 1 left
        ",
    );
}

#[test]
fn a_waiting_stop_keeps_its_name_and_gives_it_back() {
    check(
        "
        ann sell 5 stop-loss 90 as guard   | accepted #1
        ann sell 5 @ 100 as guard          | rejected DuplicateClientOrderId
        ann sell 5 stop-loss 80 as guard   | rejected DuplicateClientOrderId
        ann reduce guard by 1              | #1 reduced to 4
        ann cancel guard                   | #1 Canceled with 4 left
        ann sell 2 stop-loss 90 @ 95 as guard | accepted #2
        cat buy 1 @ 90                     | accepted #3
        bob sell 1 @ 90                    | accepted #4, trade 1 @ 90 with #3, #3 Filled, #4 Filled, #2 triggered
        ann sell 5 @ 100 as guard          | rejected DuplicateClientOrderId
        ann orders                         | #2 sell 2 stop-loss 90 @ 95 as guard
        cat buy 2 @ 95                     | accepted #5, trade 2 @ 95 with #2, #2 Filled, #5 Filled
        ann sell 5 @ 100 as guard          | accepted #6
        ",
    );
}

#[test]
fn a_stop_that_ends_at_its_trigger_gives_its_name_back() {
    check(
        "
        cat buy 9 @ 90                     | accepted #1
        ann sell 2 stop-loss 90 as market  | accepted #2
        ann sell 2 stop-loss 90 @ 99 ioc as ioc | accepted #3
        bob sell 1 @ 90                    | accepted #4, trade 1 @ 90 with #1, #4 Filled, #2 triggered, trade 2 @ 90 with #1, #2 Filled, #3 triggered, #3 Expired with 2 left
        ann sell 1 @ 200 as market         | accepted #5
        ann sell 1 @ 200 as ioc            | accepted #6
        ",
    );
}

#[test]
fn the_names_of_a_list_are_two_and_free_again_with_it() {
    check(
        "
        ann oco sell 5 list pair above @ 110 maker as high below stop-loss 90 as low | oco #1/#2 as pair, accepted #1, accepted #2
        ann orders                         | #1 sell 5 @ 110 maker or #2 as high, #2 sell 5 stop-loss 90 waiting or #1 as low
        ann sell 1 @ 200 as low            | rejected DuplicateClientOrderId
        ann sell 1 @ 200 as pair           | accepted #3
        ann oco sell 5 above @ 110 maker as high below stop-loss 90 | rejected DuplicateClientOrderId
        ann oco sell 5 above @ 110 maker below stop-loss 90 as low  | rejected DuplicateClientOrderId
        ann oco sell 5 above @ 110 maker as new below stop-loss 90 as new | rejected DuplicateClientOrderId
        bob oco sell 5 above @ 110 maker as high below stop-loss 90 as low | oco #4/#5, accepted #4, accepted #5
        ann cancel low                     | #2 Canceled with 5 left, #1 Canceled with 5 left
        ann oco sell 5 above @ 110 maker as low below stop-loss 90 as high | oco #6/#7, accepted #6, accepted #7
        cat buy 1 @ 110                    | accepted #8, #5 Contingent with 5 left, trade 1 @ 110 with #4, #8 Filled
        bob sell 1 @ 200 as low            | accepted #9
        bob sell 1 @ 200 as high           | rejected DuplicateClientOrderId
        ",
    );
}

#[test]
fn a_name_is_the_accounts_in_all_markets_and_known_in_its_own() {
    check(
        "
        list 1 third/quote                 | done
        in 1: ann sell 5 @ 100 as one      | accepted #1
        ann sell 5 @ 100 as one            | rejected DuplicateClientOrderId
        ann cancel one                     | rejected UnknownOrder
        ann replace one: sell 5 @ 100      | rejected ReplaceMismatch
        in 1: ann replace one: sell 5 @ 99 as one | #1 Canceled with 5 left, accepted #2
        in 1: ann cancel one               | #2 Canceled with 5 left
        ",
    );
}
