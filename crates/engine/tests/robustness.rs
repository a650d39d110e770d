//! Anything that decodes is answered: no panic, no broken invariant, whatever the numbers.

use ensoex_engine::{Command, Engine, Event, OrderKind, PlaceOrder, Reject, Side, TimeInForce, Transfer};
use ensoex_engine::{OrderRef, TransferCode};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, MarketId, MarketSpec, MarketState, OrderId, Price,
    Quantity, Sequence, SpecError, Timestamp, TransferId,
};
use proptest::prelude::*;

fn apply(engine: &mut Engine, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    let next = Sequence(engine.sequence().0 + 1);
    engine.apply(next, Timestamp(u64::MAX), command, &mut events);
    events
}

/// A market whose bounds are as wide as the engine allows: 2^62 ticks × 2^63 lots.
fn widest() -> MarketSpec {
    MarketSpec {
        symbol: "WIDE".into(),
        base: AssetId(0),
        quote: AssetId(1),
        lot_size: 1 << 62,
        tick_value: 1,
        price_scale: 18,
        tick_units: u64::MAX,
        price_min: Price(1),
        price_max: Price((1 << 62) - 1),
        quantity_min: Quantity(1),
        quantity_max: Quantity((1 << 63) - 1),
        notional_min: Amount(0),
        notional_max: Amount(i128::MAX),
        orders_per_account_max: u32::MAX,
        maker_fee: FeeRate::MAX,
        taker_fee: FeeRate(999_999),
    }
}

fn prepared() -> Engine {
    let mut engine = Engine::new();
    for (asset, code) in (0..).zip(["A", "B", "C"]) {
        let spec = AssetSpec {
            code: code.into(),
            scale: 18,
        };
        let asset = AssetId(asset);
        apply(&mut engine, &Command::ListAsset { asset, spec });
    }
    let narrow = MarketSpec {
        symbol: "NARROW".into(),
        lot_size: 1,
        price_max: Price(40),
        quantity_max: Quantity(40),
        ..widest()
    };
    for (market, spec) in (0..).zip([widest(), narrow]) {
        let market = MarketId(market);
        let events = apply(&mut engine, &Command::ListMarket { market, spec });
        assert_eq!(events, [Event::MarketListed { market }]);
    }
    for account in [1_000, 1_001, u32::MAX] {
        let account = AccountId(account);
        apply(&mut engine, &Command::OpenAccount { account });
        for asset in 0..3 {
            let events = apply(
                &mut engine,
                &Command::Transfer(Transfer {
                    transfer: TransferId(u128::from(account.0) * 3 + u128::from(asset)),
                    debit: AccountId::OPERATOR_CAPITAL,
                    credit: account,
                    asset: AssetId(asset),
                    amount: Amount(1 << 107),
                    code: TransferCode::Capital,
                }),
            );
            assert!(matches!(events[..], [Event::TransferPosted { .. }]), "{events:?}");
        }
    }
    engine
}

/// Numbers at the edges of what can overflow.
fn edge() -> impl Strategy<Value = u64> {
    let edges = [
        0,
        1,
        2,
        39,
        40,
        41,
        1 << 31,
        1 << 32,
        1 << 53,
        1 << 62,
        1 << 63,
        u64::MAX,
    ];
    (prop::sample::select(edges.to_vec()), 0..3_u64, any::<bool>()).prop_map(|(edge, by, up)| {
        if up {
            edge.saturating_add(by)
        } else {
            edge.saturating_sub(by)
        }
    })
}

fn wide_edge() -> impl Strategy<Value = i128> {
    let edges = [
        i128::MIN,
        -1,
        0,
        1,
        1 << 64,
        1 << 107,
        1 << 110,
        1 << 126,
        i128::MAX,
    ];
    (prop::sample::select(edges.to_vec()), -2..3_i128).prop_map(|(edge, by)| edge.saturating_add(by))
}

fn account() -> impl Strategy<Value = AccountId> {
    prop::sample::select(&[0, 1, 2, 3, 4, 999, 1_000, 1_001, 1_002, 1 << 20, u32::MAX][..])
        .prop_map(AccountId)
}

fn order() -> impl Strategy<Value = OrderRef> {
    prop_oneof![
        4 => (1..40_u64).prop_map(|id| OrderRef::Id(OrderId(id))),
        1 => edge().prop_map(|id| OrderRef::Id(OrderId(id))),
        1 => ".{0,40}".prop_map(OrderRef::Client),
        1 => "[ab]".prop_map(OrderRef::Client),
    ]
}

prop_compose! {
    fn place()(
        account in account(),
        market in 0..3_u16,
        buys in any::<bool>(),
        numbers in (edge(), edge(), wide_edge()),
        kind in 0..6,
        client_order_id in prop_oneof![3 => Just(String::new()), 1 => "[ab]", 1 => ".{0,40}"],
    ) -> PlaceOrder {
        let (price, quantity, quote) = (Price(numbers.0), Quantity(numbers.1), Amount(numbers.2));
        let limit = |time_in_force| OrderKind::Limit { price, quantity, time_in_force };
        PlaceOrder {
            account,
            market: MarketId(market),
            side: if buys { Side::Buy } else { Side::Sell },
            kind: match kind {
                0 => limit(TimeInForce::Gtc),
                1 => limit(TimeInForce::Ioc),
                2 => limit(TimeInForce::Fok),
                3 => OrderKind::LimitMaker { price, quantity },
                4 => OrderKind::Market { quantity },
                _ => OrderKind::MarketQuote { quote },
            },
            client_order_id,
        }
    }
}

prop_compose! {
    fn transfer()(
        id in 0..20_u128,
        debit in account(),
        credit in account(),
        asset in 0..4_u16,
        amount in wide_edge(),
    ) -> Transfer {
        let (transfer, asset, amount) = (TransferId(id), AssetId(asset), Amount(amount));
        Transfer { transfer, debit, credit, asset, amount, code: TransferCode::Correction }
    }
}

fn command() -> impl Strategy<Value = Command> {
    let market = || (0..3_u16).prop_map(MarketId);
    prop_oneof![
        8 => place().prop_map(Command::PlaceOrder),
        2 => (account(), market(), order())
            .prop_map(|(account, market, order)| Command::CancelOrder { account, market, order }),
        1 => (account(), market()).prop_map(|(account, market)| Command::CancelAllOrders { account, market }),
        2 => (account(), market(), order(), edge()).prop_map(|(account, market, order, by)| {
            Command::ReduceOrder { account, market, order, by: Quantity(by) }
        }),
        2 => (order(), place()).prop_map(|(order, place)| Command::ReplaceOrder { order, place }),
        3 => transfer().prop_map(Command::Transfer),
        2 => transfer().prop_map(Command::HoldTransfer),
        1 => (0..20_u128).prop_map(|id| Command::PostTransfer { transfer: TransferId(id) }),
        1 => (0..20_u128).prop_map(|id| Command::VoidTransfer { transfer: TransferId(id) }),
        1 => account().prop_map(|account| Command::OpenAccount { account }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edges_of_numbers_break_nothing(commands in prop::collection::vec(command(), 1..60)) {
        let mut engine = prepared();
        for command in &commands {
            let events = apply(&mut engine, command);
            prop_assert!(!events.is_empty());
            prop_assert_eq!(engine.check_invariants(), Ok(()), "after {:?}", command);
        }
    }

    #[test]
    fn whatever_decodes_is_answered(inputs in prop::collection::vec((0..13_u8, any::<[u8; 48]>()), 1..60)) {
        let mut engine = prepared();
        for (variant, bytes) in inputs {
            let mut bytes = bytes.to_vec();
            bytes.insert(0, variant);
            let Ok((command, _)) = postcard::take_from_bytes::<Command>(&bytes) else {
                continue;
            };
            prop_assert!(!apply(&mut engine, &command).is_empty());
            prop_assert_eq!(engine.check_invariants(), Ok(()), "after {:?}", command);
        }
    }

    #[test]
    fn the_same_log_gives_the_same_state(commands in prop::collection::vec(command(), 1..60)) {
        let (mut first, mut second) = (prepared(), prepared());
        for command in &commands {
            let expected = apply(&mut first, command);
            prop_assert_eq!(apply(&mut second, command), expected);
            prop_assert_eq!(first.state_hash(), second.state_hash());
        }
    }
}

fn sell_by_the_house(price: u64, quantity: u64) -> Command {
    Command::PlaceOrder(PlaceOrder {
        account: AccountId::FEES,
        market: MarketId(1),
        side: Side::Sell,
        kind: OrderKind::Limit {
            price: Price(price),
            quantity: Quantity(quantity),
            time_in_force: TimeInForce::Gtc,
        },
        client_order_id: String::new(),
    })
}

#[test]
fn a_side_of_the_book_holds_at_most_64_bits_of_lots() {
    let mut engine = prepared();
    let spec = MarketSpec {
        symbol: "LOTS".into(),
        lot_size: 1,
        ..widest()
    };
    let market = MarketId(2);
    apply(&mut engine, &Command::ListMarket { market, spec });
    let sell = |quantity| match sell_by_the_house(5, quantity) {
        Command::PlaceOrder(place) => Command::PlaceOrder(PlaceOrder { market, ..place }),
        other => other,
    };
    let most = (1 << 63) - 1;
    for (quantity, accepted) in [(most, true), (most, true), (2, false), (1, true), (1, false)] {
        let events = apply(&mut engine, &sell(quantity));
        let full = events
            == [Event::Rejected {
                reject: Reject::CapacityReached,
            }];
        assert_eq!(full, !accepted, "{quantity}: {events:?}");
        assert_eq!(engine.check_invariants(), Ok(()));
    }
    assert_eq!(engine.level(market, Side::Sell, Price(5)), Quantity(u64::MAX));
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
            spec,
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
        (market(1, |_| ()), Reject::AlreadyListed),
        (market(3, |_| ()), Reject::AlreadyListed),
        (
            market(2, |spec| spec.symbol = "WIDE".into()),
            Reject::AlreadyListed,
        ),
        (market(2, |spec| spec.base = AssetId(3)), Reject::UnknownAsset),
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
            market(2, |spec| spec.price_min = Price(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.price_max = Price(0)),
            invalid(SpecError::Bounds),
        ),
        (
            market(2, |spec| spec.notional_min = Amount(-1)),
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
            market(2, |spec| spec.taker_fee = FeeRate(1_000_001)),
            invalid(SpecError::Fee),
        ),
    ];
    for (command, reject) in cases {
        assert_eq!(
            apply(&mut engine, &command),
            [Event::Rejected { reject }],
            "{command:?}"
        );
    }
    assert_eq!(
        apply(&mut engine, &market(2, |_| ())),
        [Event::MarketListed { market: MarketId(2) }]
    );
    let unknown = Command::SetMarketState {
        market: MarketId(3),
        state: MarketState::Halted,
    };
    let reject = Reject::UnknownMarket;
    assert_eq!(apply(&mut engine, &unknown), [Event::Rejected { reject }]);
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
    let full = [Event::Rejected {
        reject: Reject::CapacityReached,
    }];
    assert_eq!((engine.assets().len(), &last[..]), (256, &full[..]));
    for number in 0..1_025_u16 {
        let spec = MarketSpec {
            symbol: format!("M{number}"),
            ..widest()
        };
        let market = MarketId(number);
        last = apply(&mut engine, &Command::ListMarket { market, spec });
    }
    assert_eq!((engine.market_count(), &last[..]), (1_024, &full[..]));
}

/// Every part of the state shows in the hash.
#[test]
fn the_hash_sees_every_change() {
    let mut engine = prepared();
    let mut commands = vec![
        sell_by_the_house(30, 5),
        sell_by_the_house(30, 5),
        Command::OpenAccount {
            account: AccountId(1_002),
        },
        Command::SetMarketState {
            market: MarketId(1),
            state: MarketState::CancelOnly,
        },
        Command::ReduceOrder {
            account: AccountId::FEES,
            market: MarketId(1),
            order: OrderRef::Id(OrderId(1)),
            by: Quantity(1),
        },
        Command::CancelOrder {
            account: AccountId::FEES,
            market: MarketId(1),
            order: OrderRef::Id(OrderId(2)),
        },
    ];
    let transfer = Transfer {
        transfer: TransferId(5),
        debit: AccountId(1_000),
        credit: AccountId(1_001),
        asset: AssetId(2),
        amount: Amount(1),
        code: TransferCode::Internal,
    };
    commands.push(Command::HoldTransfer(transfer.clone()));
    commands.push(Command::VoidTransfer {
        transfer: transfer.transfer,
    });
    commands.push(Command::Transfer(Transfer {
        transfer: TransferId(6),
        ..transfer
    }));
    for command in commands {
        // The sequence stays, so only the change itself can show.
        let (sequence, before) = (engine.sequence(), engine.state_hash());
        let mut events = Vec::new();
        engine.apply(sequence, Timestamp(1), &command, &mut events);
        assert_ne!(engine.state_hash(), before, "{command:?}");
        assert!(
            !matches!(events[0], Event::Rejected { .. }),
            "{command:?}: {events:?}"
        );
    }
}

/// Two orders that differ only in which of them was reduced: all balances are the same.
#[test]
fn the_hash_sees_what_remains_of_each_order() {
    let hashes = [1, 2].map(|order| {
        let mut engine = prepared();
        apply(&mut engine, &sell_by_the_house(30, 5));
        apply(&mut engine, &sell_by_the_house(30, 5));
        apply(
            &mut engine,
            &Command::ReduceOrder {
                account: AccountId::FEES,
                market: MarketId(1),
                order: OrderRef::Id(OrderId(order)),
                by: Quantity(1),
            },
        );
        engine.state_hash()
    });
    assert_ne!(hashes[0], hashes[1]);
}
