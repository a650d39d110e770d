//! Random commands whose numbers lie at the edges of what can overflow, and random bytes that decode.

use crate::prepared::{apply, apply_at, prepared};
use ensoex_engine::{
    Command, Engine, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, Restrictions,
    SelfTradePrevention, Side, TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, MarketState, OrderId, Price, Quantity, TransferId,
};
use proptest::prelude::*;

/// Numbers at the edges of what can overflow.
fn edge() -> impl Strategy<Value = u64> {
    let edges = [
        0,
        1,
        2,
        20,
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

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![3 => (1..41_u64).prop_map(Price), 1 => edge().prop_map(Price)]
}

fn account() -> impl Strategy<Value = AccountId> {
    prop::sample::select(&[0, 1, 2, 3, 4, 999, 1_000, 1_001, 1_002, 1 << 20, u32::MAX][..])
        .prop_map(AccountId)
}

fn market() -> impl Strategy<Value = MarketId> {
    (0..3_u16).prop_map(MarketId)
}

fn name() -> impl Strategy<Value = ClientOrderId> {
    prop_oneof![3 => Just(""), 1 => Just("a"), 1 => Just("b")]
        .prop_map(|text| ClientOrderId::new(text).expect("it is a name"))
}

fn order() -> impl Strategy<Value = OrderRef> {
    prop_oneof![
        4 => (1..40_u64).prop_map(|id| OrderRef::Id(OrderId(id))),
        1 => edge().prop_map(|id| OrderRef::Id(OrderId(id))),
        2 => name().prop_map(OrderRef::Client),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(&[Side::Buy, Side::Sell][..])
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop::sample::select(&[Trigger::StopLoss, Trigger::TakeProfit][..])
}

fn time_in_force() -> impl Strategy<Value = TimeInForce> {
    prop::sample::select(&[TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok][..])
}

fn mode() -> impl Strategy<Value = SelfTradePrevention> {
    use SelfTradePrevention::{Decrement, ExpireBoth, ExpireMaker, ExpireTaker};
    prop::sample::select(&[ExpireTaker, ExpireMaker, ExpireBoth, Decrement][..])
}

prop_compose! {
    fn oco_kind()(
        kind in 0..3,
        trigger in trigger(),
        time_in_force in time_in_force(),
        prices in (price(), price()),
    ) -> OcoKind {
        let (stop_price, price) = prices;
        match kind {
            0 => OcoKind::LimitMaker { price },
            1 => OcoKind::Stop { trigger, stop_price },
            _ => OcoKind::StopLimit { trigger, stop_price, price, time_in_force },
        }
    }
}

fn kind() -> impl Strategy<Value = OrderKind> {
    prop_oneof![
        4 => (price(), edge(), time_in_force()).prop_map(|(price, quantity, time_in_force)| {
            OrderKind::Limit { price, quantity: Quantity(quantity), time_in_force }
        }),
        3 => (oco_kind(), edge()).prop_map(|(kind, quantity)| kind.of(Quantity(quantity))),
        1 => edge().prop_map(|quantity| OrderKind::Market { quantity: Quantity(quantity) }),
        1 => wide_edge().prop_map(|quote| OrderKind::MarketQuote { quote: Amount(quote) }),
    ]
}

prop_compose! {
    fn place()(
        account in account(),
        market in market(),
        side in side(),
        kind in kind(),
        self_trade_prevention in mode(),
        client_order_id in name(),
    ) -> PlaceOrder {
        PlaceOrder { account, market, side, kind, self_trade_prevention, client_order_id }
    }
}

/// A pair that belongs together on its side, mostly.
fn oco_kinds() -> impl Strategy<Value = (Side, OcoKind, OcoKind)> {
    let stop = |trigger| move |stop_price| OcoKind::Stop { trigger, stop_price };
    let maker = |price| OcoKind::LimitMaker { price };
    prop_oneof![
        (side(), oco_kind(), oco_kind()),
        (
            Just(Side::Sell),
            price().prop_map(maker),
            price().prop_map(stop(Trigger::StopLoss))
        ),
        (
            Just(Side::Buy),
            price().prop_map(stop(Trigger::StopLoss)),
            price().prop_map(maker)
        ),
    ]
}

prop_compose! {
    fn oco()(
        account in account(),
        market in market(),
        quantity in edge(),
        kinds in oco_kinds(),
        names in (name(), name()),
        self_trade_prevention in mode(),
    ) -> PlaceOco {
        let (side, above, below) = kinds;
        PlaceOco {
            account,
            market,
            side,
            quantity: Quantity(quantity),
            above: OcoOrder { kind: above, client_order_id: names.0 },
            below: OcoOrder { kind: below, client_order_id: names.1 },
            self_trade_prevention,
            list_client_order_id: ClientOrderId::NONE,
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
        code in 0..5,
        of in 0..20_u128,
    ) -> Transfer {
        let (transfer, asset, amount) = (TransferId(id), AssetId(asset), Amount(amount));
        let code = match code {
            0 => TransferCode::Deposit,
            1 => TransferCode::Withdrawal,
            2 => TransferCode::Capital,
            3 => TransferCode::Internal,
            _ => TransferCode::Correction { of: TransferId(of) },
        };
        Transfer { transfer, debit, credit, asset, amount, code }
    }
}

fn rare() -> impl Strategy<Value = Command> {
    use MarketState::{CancelOnly, Delisted, Halted, Trading};
    let states = [Trading, Trading, CancelOnly, Halted, Delisted];
    prop_oneof![
        (market(), prop::sample::select(states.to_vec()))
            .prop_map(|(market, state)| Command::SetMarketState { market, state }),
        account().prop_map(|account| Command::OpenAccount { account }),
        (account(), any::<[bool; 2]>()).prop_map(|(account, [no_trade, no_withdraw])| {
            let restrictions = Restrictions {
                no_trade,
                no_withdraw,
            };
            Command::RestrictAccount {
                account,
                restrictions,
            }
        }),
        (account(), 0..18_u8).prop_map(|(account, tier)| Command::SetAccountTier { account, tier }),
        (0..4_u16, prop::collection::vec(wide_edge(), 0..4)).prop_map(|(quote, volumes)| {
            let volumes = volumes.into_iter().map(Amount).collect();
            Command::SetFeeTiers {
                quote: AssetId(quote),
                volumes,
            }
        }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        12 => place().prop_map(Command::PlaceOrder),
        4 => oco().prop_map(|oco| Command::PlaceOco(Box::new(oco))),
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
        1 => rare(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edges_of_numbers_break_nothing(commands in prop::collection::vec((edge(), command()), 1..60)) {
        let mut engine = prepared();
        for (at, command) in &commands {
            let events = apply_at(&mut engine, *at, command);
            prop_assert!(!events.is_empty());
            prop_assert_eq!(engine.check_invariants(), Ok(()), "after {:?}", command);
        }
    }

    #[test]
    fn whatever_decodes_is_answered(inputs in prop::collection::vec((0..18_u8, any::<[u8; 64]>()), 1..60)) {
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

    /// Also by an engine that is restored from its state before every command.
    #[test]
    fn the_same_log_gives_the_same_state(commands in prop::collection::vec((edge(), command()), 1..60)) {
        let (mut first, mut second) = (prepared(), prepared());
        for (at, command) in &commands {
            let expected = apply_at(&mut first, *at, command);
            second = Engine::from_state(&second.state()).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(apply_at(&mut second, *at, command), expected);
            prop_assert_eq!(first.state_hash(), second.state_hash());
        }
    }
}
