//! Every refusal at least once, each as the last row of the shortest story that ends in it.

use crate::table::{check_in, plain};
use ensoex_engine::Reject;
use ensoex_types::{Amount, MarketSpec, Price, PriceBand, Quantity, SpecError};

/// A market with every rule.
fn strict() -> MarketSpec {
    MarketSpec {
        price_min: Price(2),
        price_max: Price(1_000),
        quantity_min: Quantity(2),
        quantity_max: Quantity((1 << 63) - 1),
        notional_min: Amount(10),
        notional_max: Amount(100_000_000_000_000_000_000),
        price_band: Some(PriceBand {
            below: 500_000,
            above: 500_000,
        }),
        orders_per_account_max: 3,
        stops_per_account_max: 1,
        ..plain()
    }
}

const TRADE_AT_100: &str = "
    cat sell 2 @ 100      | accepted #1
    bob buy 2 @ 100       | accepted #2, trade 2 @ 100 with #1, #1 Filled, #2 Filled
";

const STORIES: [(Reject, &str, &str); 37] = [
    (Reject::UnknownAsset, "", "transfer 1 ann to bob 1 9"),
    (Reject::UnknownMarket, "", "in 1: ann buy 2 @ 100"),
    (Reject::UnknownAccount, "", "nobody buy 2 @ 100"),
    (Reject::UnknownOrder, "", "ann cancel #1"),
    (Reject::UnknownTransfer, "", "post 1"),
    (Reject::AlreadyListed, "", "open ann"),
    (Reject::InvalidSpec(SpecError::SameAsset), "", "list 1 base/base"),
    (
        Reject::CapacityReached,
        "
        capital sell 9223372036854775807 @ 5 | accepted #1
        capital sell 9223372036854775807 @ 5 | accepted #2
        ",
        "capital sell 2 @ 5",
    ),
    (
        Reject::MarketCancelOnly,
        "market cancel-only | changed",
        "ann buy 2 @ 100",
    ),
    (Reject::MarketHalted, "market halted | changed", "ann cancel #1"),
    (Reject::PriceTooLow, "", "ann buy 2 @ 1"),
    (Reject::PriceTooHigh, "", "ann buy 2 @ 1001"),
    (Reject::QuantityTooLow, "", "ann buy 1 @ 100"),
    (Reject::QuantityTooHigh, "", "ann buy 9223372036854775808 @ 100"),
    (Reject::NotionalTooLow, "", "ann buy 2 @ 4"),
    (Reject::NotionalTooHigh, "", "ann buy 9223372036854775807 @ 11"),
    (
        Reject::TooManyOrders,
        "
        ann buy 2 @ 100           | accepted #1
        ann buy 2 @ 100           | accepted #2
        ann buy 2 @ 100           | accepted #3
        ",
        "ann buy 2 @ 100",
    ),
    (
        Reject::DuplicateClientOrderId,
        "ann buy 2 @ 100 as one | accepted #1",
        "ann buy 2 @ 100 as one",
    ),
    (Reject::InsufficientBalance, "", "ann sell 1001 @ 100"),
    (
        Reject::WouldTake,
        "bob buy 2 @ 100 | accepted #1",
        "ann sell 2 @ 100 maker",
    ),
    (Reject::NoLiquidity, "", "ann buy 2 market"),
    (Reject::NotFillable, "", "ann buy 2 @ 100 fok"),
    (
        Reject::ReplaceMismatch,
        "
        list 1 third/quote        | done
        in 1: ann buy 2 @ 100 as one | accepted #1
        ",
        "ann replace one: buy 2 @ 100",
    ),
    (
        Reject::MarketDelisted,
        "market delisted | changed",
        "ann buy 2 @ 100",
    ),
    (Reject::PriceBelowBand, TRADE_AT_100, "ann buy 2 @ 49"),
    (Reject::PriceAboveBand, TRADE_AT_100, "ann buy 2 @ 151"),
    (Reject::StopWouldTrigger, TRADE_AT_100, "ann buy 2 stop-loss 100"),
    (
        Reject::TooManyStops,
        "ann buy 2 stop-loss 100 | accepted #1",
        "ann buy 2 take-profit 50",
    ),
    (
        Reject::OcoKinds,
        "",
        "ann oco sell 2 above stop-loss 110 below @ 90 maker",
    ),
    (
        Reject::OcoPrices,
        TRADE_AT_100,
        "ann oco sell 2 above @ 100 maker below stop-loss 90",
    ),
    (
        Reject::OrderInList,
        "ann oco sell 5 above @ 110 maker below stop-loss 90 | oco #1/#2, accepted #1, accepted #2",
        "ann reduce #1 by 1",
    ),
    (
        Reject::AccountMayNotTrade,
        "restrict ann no-trade | may withdraw",
        "ann buy 2 @ 100",
    ),
    (
        Reject::AccountMayNotWithdraw,
        "restrict ann no-withdraw | may trade",
        "hold 1 ann to pay 1 quote withdrawal",
    ),
    (Reject::InvalidAmount, "", "transfer 1 ann to bob 0 quote"),
    (Reject::SameAccount, "", "transfer 1 ann to ann 1 quote"),
    (
        Reject::TransferExists,
        "transfer 1 ann to bob 1 quote | posted 1",
        "hold 1 ann to bob 1 quote",
    ),
    (Reject::InvalidFeeTiers, "", "tiers quote 2 1"),
];

#[test]
fn every_refusal_has_its_story() {
    for (reject, before, command) in STORIES {
        check_in(strict(), &format!("{before}\n{command} | rejected {reject:?}"));
    }
    for reject in STORIES.map(|(reject, ..)| reject) {
        assert!(is_told(reject));
    }
}

/// Does not compile when a refusal is added: then its story is missing above.
fn is_told(reject: Reject) -> bool {
    match reject {
        Reject::UnknownAsset
        | Reject::UnknownMarket
        | Reject::UnknownAccount
        | Reject::UnknownOrder
        | Reject::UnknownTransfer
        | Reject::AlreadyListed
        | Reject::InvalidSpec(_)
        | Reject::CapacityReached
        | Reject::MarketCancelOnly
        | Reject::MarketHalted
        | Reject::PriceTooLow
        | Reject::PriceTooHigh
        | Reject::QuantityTooLow
        | Reject::QuantityTooHigh
        | Reject::NotionalTooLow
        | Reject::NotionalTooHigh
        | Reject::TooManyOrders
        | Reject::DuplicateClientOrderId
        | Reject::InsufficientBalance
        | Reject::WouldTake
        | Reject::NoLiquidity
        | Reject::NotFillable
        | Reject::InvalidAmount
        | Reject::SameAccount
        | Reject::TransferExists
        | Reject::ReplaceMismatch
        | Reject::MarketDelisted
        | Reject::PriceBelowBand
        | Reject::PriceAboveBand
        | Reject::StopWouldTrigger
        | Reject::TooManyStops
        | Reject::OcoKinds
        | Reject::OcoPrices
        | Reject::OrderInList
        | Reject::AccountMayNotTrade
        | Reject::AccountMayNotWithdraw
        | Reject::InvalidFeeTiers => true,
    }
}

/// The codes, written out once more: they are stable and never reused.
#[test]
fn codes_are_stable_and_unique() {
    let mut codes: Vec<u16> = STORIES.iter().map(|(reject, ..)| reject.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let expected = [
        1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 33, 34, 35, 36, 37, 38, 39,
        40, 41, 42, 43, 44, 50, 51, 52, 53, 60,
    ];
    assert_eq!(codes, expected);
}
