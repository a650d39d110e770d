//! Listing, and the engine's own limits.

use crate::prepared::{NARROW, apply, limit, list, must, order, prepared, rejected, widest};
use ensoex_engine::{Command, Engine, Event, OrderKind, Reject, Side, Trigger};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, FeeRates, MarketId, MarketSpec, MarketState, Price,
    PriceBand, Quantity, SpecError,
};

#[test]
fn a_side_of_the_book_holds_at_most_64_bits_of_lots() {
    let mut engine = prepared();
    let spec = MarketSpec {
        symbol: "LOTS".into(),
        lot_size: 1,
        ..widest()
    };
    let market = MarketId(2);
    list(&mut engine, market, spec);
    let most = (1 << 63) - 1;
    for (quantity, accepted) in [(most, true), (most, true), (2, false), (1, true), (1, false)] {
        let sell = order(AccountId::FEES, market, Side::Sell, limit(5, quantity));
        let events = apply(&mut engine, &sell);
        let full = events == rejected(Reject::CapacityReached);
        assert_eq!(full, !accepted, "{quantity}: {events:?}");
        assert_eq!(engine.check_invariants(), Ok(()));
    }
    assert_eq!(engine.level(market, Side::Sell, Price(5)), Quantity(u64::MAX));
}

/// Otherwise a stop that rests after its trigger could overflow its level.
#[test]
fn waiting_stops_count_into_the_64_bits() {
    let mut engine = prepared();
    let spec = MarketSpec {
        symbol: "LOTS".into(),
        lot_size: 1,
        ..widest()
    };
    let market = MarketId(2);
    list(&mut engine, market, spec);
    let most = (1 << 63) - 1;
    let stop = |quantity| OrderKind::StopLimit {
        trigger: Trigger::StopLoss,
        stop_price: Price(5),
        price: Price(5),
        quantity: Quantity(quantity),
        time_in_force: ensoex_engine::TimeInForce::Gtc,
    };
    must(
        &mut engine,
        &order(AccountId::FEES, market, Side::Sell, stop(most)),
    );
    must(
        &mut engine,
        &order(AccountId::FEES, market, Side::Sell, stop(most)),
    );
    let sell = order(AccountId::FEES, market, Side::Sell, limit(5, 2));
    assert_eq!(apply(&mut engine, &sell), rejected(Reject::CapacityReached));
    let buy = order(AccountId::OPERATOR_CAPITAL, market, Side::Buy, limit(5, 1));
    must(&mut engine, &buy);
    let sell = order(AccountId::PAY_CLEARING, market, Side::Sell, limit(5, 1));
    must(&mut engine, &sell);
    assert_eq!(engine.check_invariants(), Ok(()));
    assert_eq!(engine.level(market, Side::Sell, Price(5)), Quantity(most * 2));
}

#[test]
fn markets_and_assets_are_listed_once_and_in_order() {
    let mut engine = prepared();
    let asset = |id: u16, code: &str, scale| Command::ListAsset {
        asset: AssetId(id),
        spec: AssetSpec {
            code: code.into(),
            scale,
        },
    };
    let market = |id: u16, change: fn(&mut MarketSpec)| {
        let mut spec = MarketSpec {
            symbol: "NEW".into(),
            ..widest()
        };
        change(&mut spec);
        Command::ListMarket {
            market: MarketId(id),
            spec: Box::new(spec),
        }
    };
    let invalid = Reject::InvalidSpec;
    let cases = [
        (asset(3, "A", 2), Reject::AlreadyListed),
        (asset(2, "D", 2), Reject::AlreadyListed),
        (asset(4, "D", 2), Reject::AlreadyListed),
        (asset(3, "D", 19), invalid(SpecError::Scale)),
        (asset(3, "d", 2), invalid(SpecError::Name)),
        (asset(3, "", 2), invalid(SpecError::Name)),
        (asset(3, "ABCDEFGHI", 2), invalid(SpecError::Name)),
        (market(1, |_| ()), Reject::AlreadyListed),
        (market(3, |_| ()), Reject::AlreadyListed),
        (market(u16::MAX, |_| ()), Reject::AlreadyListed),
        (
            market(2, |spec| spec.symbol = "WIDE".into()),
            Reject::AlreadyListed,
        ),
        (
            market(2, |spec| spec.symbol = "N-W".into()),
            invalid(SpecError::Name),
        ),
        (market(2, |spec| spec.base = AssetId(3)), Reject::UnknownAsset),
        (market(2, |spec| spec.quote = AssetId(3)), Reject::UnknownAsset),
        (
            market(2, |spec| spec.quote = spec.base),
            invalid(SpecError::SameAsset),
        ),
        (market(2, |spec| spec.lot_size = 0), invalid(SpecError::ZeroUnit)),
        (
            market(2, |spec| spec.tick_value = 0),
            invalid(SpecError::ZeroUnit),
        ),
        (
            market(2, |spec| spec.tick_units = 0),
            invalid(SpecError::ZeroUnit),
        ),
        (market(2, |spec| spec.price_scale = 19), invalid(SpecError::Scale)),
        (
            market(2, |spec| spec.price_min = Price(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.price_max = Price(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.quantity_min = Quantity(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.quantity_max = Quantity(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.notional_min = Amount(-1)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.notional_max = Amount(-1)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.orders_per_account_max = 0),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.price_band = band(1_000_001, 0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.price_band = band(0, 1_000_000_001)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.tick_value = 3),
            invalid(SpecError::Overflow),
        ),
        (
            market(2, |spec| spec.lot_size = u64::MAX),
            invalid(SpecError::Overflow),
        ),
        (
            market(2, |spec| {
                (spec.price_max, spec.quantity_max) = (Price(1 << 63), Quantity(1));
            }),
            invalid(SpecError::Overflow),
        ),
        (
            market(2, |spec| spec.fees[0].taker = FeeRate(1_000_001)),
            invalid(SpecError::Fee),
        ),
        (
            market(2, |spec| spec.fees[0].maker = FeeRate(1_000_001)),
            invalid(SpecError::Fee),
        ),
        (market(2, |spec| spec.fees = Vec::new()), invalid(SpecError::Fee)),
        (
            market(2, |spec| spec.fees = vec![FeeRates::default(); 17]),
            invalid(SpecError::Fee),
        ),
    ];
    for (command, reject) in cases {
        assert_eq!(apply(&mut engine, &command), rejected(reject), "{command:?}");
    }
    let widest_of_all = market(2, |spec| {
        spec.fees = vec![FeeRates::default(); 16];
        spec.price_band = band(1_000_000, 1_000_000_000);
        spec.stops_per_account_max = 0;
    });
    let listed = [Event::MarketListed { market: MarketId(2) }];
    assert_eq!(apply(&mut engine, &widest_of_all), listed);
    let unknown = Command::SetMarketState {
        market: MarketId(3),
        state: MarketState::Halted,
    };
    assert_eq!(apply(&mut engine, &unknown), rejected(Reject::UnknownMarket));
}

fn band(below: u32, above: u32) -> Option<PriceBand> {
    Some(PriceBand { below, above })
}

#[test]
fn limits_of_assets_and_markets_are_kept() {
    let mut engine = Engine::new();
    let mut last = Vec::new();
    for number in 0..257_u16 {
        let spec = AssetSpec {
            code: format!("A{number}"),
            scale: 0,
        };
        let asset = AssetId(number);
        last = apply(&mut engine, &Command::ListAsset { asset, spec });
    }
    let full = rejected(Reject::CapacityReached);
    assert_eq!((engine.assets().len(), &last[..]), (256, &full[..]));
    for number in 0..1_025_u16 {
        let spec = Box::new(MarketSpec {
            symbol: format!("M{number}"),
            ..widest()
        });
        let market = MarketId(number);
        last = apply(&mut engine, &Command::ListMarket { market, spec });
    }
    assert_eq!((engine.market_count(), &last[..]), (1_024, &full[..]));
}

/// The dearest order there can be is compared and not computed beyond its bits.
#[test]
fn the_largest_price_times_the_largest_quantity_is_refused_and_not_wrapped() {
    let mut engine = prepared();
    let (price, quantity) = ((1 << 62) - 1, (1 << 63) - 1);
    for side in [Side::Buy, Side::Sell] {
        for kind in [
            limit(price, quantity),
            OrderKind::Stop {
                trigger: Trigger::StopLoss,
                stop_price: Price(price),
                quantity: Quantity(quantity),
            },
        ] {
            let dear = order(crate::prepared::ANN, crate::prepared::WIDE, side, kind);
            assert_eq!(
                apply(&mut engine, &dear),
                rejected(Reject::InsufficientBalance),
                "{dear:?}"
            );
            let house = order(AccountId::FEES, crate::prepared::WIDE, side, kind);
            assert_eq!(
                apply(&mut engine, &house),
                rejected(Reject::InsufficientBalance),
                "{house:?}"
            );
        }
    }
    for quantity in [0, 41, u64::MAX] {
        let reject = if quantity == 0 {
            Reject::QuantityTooLow
        } else {
            Reject::QuantityTooHigh
        };
        let odd = order(AccountId::FEES, NARROW, Side::Sell, limit(5, quantity));
        assert_eq!(apply(&mut engine, &odd), rejected(reject));
    }
    for price in [0, 41, u64::MAX] {
        let reject = if price == 0 {
            Reject::PriceTooLow
        } else {
            Reject::PriceTooHigh
        };
        let odd = order(AccountId::FEES, NARROW, Side::Sell, limit(price, 1));
        assert_eq!(apply(&mut engine, &odd), rejected(reject));
    }
    assert_eq!(engine.check_invariants(), Ok(()));
}
