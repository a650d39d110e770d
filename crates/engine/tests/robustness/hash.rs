//! The state's hash sees every change that a later answer could depend on.

use crate::prepared::{ANN, BOB, NARROW, apply, limit, must, order, prepared};
use ensoex_engine::{
    Command, Engine, Event, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, Restrictions,
    SelfTradePrevention, Side, TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketState, OrderId, Price, Quantity, Timestamp, TransferId,
};

fn sell_by_the_house(price: u64, quantity: u64) -> Command {
    order(AccountId::FEES, NARROW, Side::Sell, limit(price, quantity))
}

fn reduce(id: u64) -> Command {
    Command::ReduceOrder {
        account: AccountId::FEES,
        market: NARROW,
        order: OrderRef::Id(OrderId(id)),
        by: Quantity(1),
    }
}

fn stop(side: Side, trigger: Trigger, stop_price: u64) -> Command {
    let kind = OrderKind::Stop {
        trigger,
        stop_price: Price(stop_price),
        quantity: Quantity(5),
    };
    order(BOB, NARROW, side, kind)
}

fn oco() -> Command {
    let leg = |kind| OcoOrder {
        kind,
        client_order_id: ClientOrderId::NONE,
    };
    Command::PlaceOco(Box::new(PlaceOco {
        account: BOB,
        market: NARROW,
        side: Side::Sell,
        quantity: Quantity(5),
        above: leg(OcoKind::LimitMaker { price: Price(38) }),
        below: leg(OcoKind::Stop {
            trigger: Trigger::StopLoss,
            stop_price: Price(8),
        }),
        self_trade_prevention: SelfTradePrevention::ExpireBoth,
        list_client_order_id: ClientOrderId::NONE,
    }))
}

/// Applies under the same sequence, so that only the change itself can show.
fn apply_in_place(engine: &mut Engine, at: u64, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    engine.apply(engine.sequence(), Timestamp(at), command, &mut events);
    events
}

#[test]
fn the_hash_sees_every_change() {
    let mut engine = prepared();
    let cancel = |account, id| Command::CancelOrder {
        account,
        market: NARROW,
        order: OrderRef::Id(OrderId(id)),
    };
    let transfer = Transfer {
        transfer: TransferId(5),
        debit: ANN,
        credit: BOB,
        asset: AssetId(2),
        amount: Amount(1),
        code: TransferCode::Internal,
    };
    let restrict = |no_trade, no_withdraw| Command::RestrictAccount {
        account: BOB,
        restrictions: Restrictions {
            no_trade,
            no_withdraw,
        },
    };
    let commands = [
        sell_by_the_house(30, 5),
        sell_by_the_house(30, 5),
        Command::OpenAccount {
            account: AccountId(1_002),
        },
        reduce(1),
        cancel(AccountId::FEES, 2),
        stop(Side::Sell, Trigger::StopLoss, 10),
        oco(),
        cancel(BOB, 5),
        restrict(true, false),
        restrict(false, true),
        restrict(false, false),
        Command::SetAccountTier {
            account: ANN,
            tier: 3,
        },
        Command::SetFeeTiers {
            quote: AssetId(1),
            volumes: vec![Amount(7), Amount(9)],
        },
        Command::SetFeeTiers {
            quote: AssetId(1),
            volumes: vec![Amount(7)],
        },
        Command::HoldTransfer(transfer),
        Command::VoidTransfer {
            transfer: transfer.transfer,
        },
        Command::Transfer(Transfer {
            transfer: TransferId(6),
            ..transfer
        }),
        order(ANN, NARROW, Side::Buy, limit(30, 1)),
        Command::SetMarketState {
            market: NARROW,
            state: MarketState::CancelOnly,
        },
        Command::SetMarketState {
            market: NARROW,
            state: MarketState::Delisted,
        },
    ];
    for command in commands {
        let before = engine.state_hash();
        let events = apply_in_place(&mut engine, 1, &command);
        assert!(
            !matches!(events[0], Event::Rejected { .. }),
            "{command:?}: {events:?}"
        );
        assert_ne!(engine.state_hash(), before, "{command:?}");
    }
}

/// Pairs of stories that end with the same balances and book, and differ in one thing that matters later.
#[test]
fn the_hash_tells_apart_what_will_answer_differently() {
    let named = |kind, mode, name: &str| {
        Command::PlaceOrder(PlaceOrder {
            account: BOB,
            market: NARROW,
            side: Side::Sell,
            kind,
            self_trade_prevention: mode,
            client_order_id: ClientOrderId::new(name).expect("it is a name"),
        })
    };
    let stop_limit = |price, time_in_force| OrderKind::StopLimit {
        trigger: Trigger::StopLoss,
        stop_price: Price(10),
        price: Price(price),
        quantity: Quantity(5),
        time_in_force,
    };
    let taker = SelfTradePrevention::ExpireTaker;
    let gtc = TimeInForce::Gtc;
    let sells = [sell_by_the_house(30, 5), sell_by_the_house(30, 5)];
    let hash = |commands: &[Command]| {
        let mut engine = prepared();
        for command in sells.iter().chain(commands) {
            must(&mut engine, command);
        }
        engine.state_hash()
    };
    let trade_at = |price| {
        [
            order(ANN, NARROW, Side::Sell, limit(price, 1)),
            order(BOB, NARROW, Side::Buy, limit(price, 1)),
        ]
    };
    let pairs = [
        ("which order was reduced", vec![reduce(1)], vec![reduce(2)]),
        (
            "the stop price",
            vec![stop(Side::Sell, Trigger::StopLoss, 10)],
            vec![stop(Side::Sell, Trigger::StopLoss, 11)],
        ),
        (
            "the trigger",
            vec![stop(Side::Sell, Trigger::StopLoss, 10)],
            vec![stop(Side::Sell, Trigger::TakeProfit, 10)],
        ),
        (
            "the limit price of a waiting stop",
            vec![named(stop_limit(10, gtc), taker, "")],
            vec![named(stop_limit(11, gtc), taker, "")],
        ),
        (
            "the time in force of a waiting stop",
            vec![named(stop_limit(10, gtc), taker, "")],
            vec![named(stop_limit(10, TimeInForce::Ioc), taker, "")],
        ),
        (
            "market or limit",
            vec![named(stop_limit(10, gtc), taker, "")],
            vec![stop(Side::Sell, Trigger::StopLoss, 10)],
        ),
        (
            "the self-trade prevention mode of a waiting stop",
            vec![named(stop_limit(10, gtc), taker, "")],
            vec![named(stop_limit(10, gtc), SelfTradePrevention::Decrement, "")],
        ),
        (
            "the client order id",
            vec![named(stop_limit(10, gtc), taker, "a")],
            vec![named(stop_limit(10, gtc), taker, "b")],
        ),
        (
            "the tier",
            vec![Command::SetAccountTier {
                account: ANN,
                tier: 1,
            }],
            vec![Command::SetAccountTier {
                account: ANN,
                tier: 2,
            }],
        ),
        ("the last price", trade_at(20).to_vec(), trade_at(21).to_vec()),
    ];
    for (what, one, other) in pairs {
        assert_ne!(hash(&one), hash(&other), "{what}");
        assert_eq!(hash(&one), hash(&one), "the same story: {what}");
    }
}

/// Two orders of one quantity, one price and one time as a list or not.
#[test]
fn the_hash_sees_lists_and_days() {
    let mut engine = prepared();
    let mut other = prepared();
    must(&mut engine, &oco());
    must(
        &mut other,
        &order(
            BOB,
            NARROW,
            Side::Sell,
            OrderKind::LimitMaker {
                price: Price(38),
                quantity: Quantity(5),
            },
        ),
    );
    must(&mut other, &stop(Side::Sell, Trigger::StopLoss, 8));
    assert_ne!(engine.state_hash(), other.state_hash());

    let mut early = prepared_at_the_beginning();
    let mut late = prepared_at_the_beginning();
    for (engine, at) in [(&mut early, 0), (&mut late, 86_400_000_000)] {
        apply_in_place(engine, at, &order(ANN, NARROW, Side::Sell, limit(20, 1)));
        let bought = apply_in_place(engine, at, &order(BOB, NARROW, Side::Buy, limit(20, 1)));
        assert_eq!(bought.len(), 4, "{bought:?}");
    }
    assert_ne!(
        early.state_hash(),
        late.state_hash(),
        "on which day it was traded"
    );
}

/// A market and two users, and no time has passed.
fn prepared_at_the_beginning() -> Engine {
    let mut engine = Engine::new();
    let mut at_zero = |command: &Command| {
        let events = crate::prepared::apply_at(&mut engine, 0, command);
        assert!(!matches!(events[0], Event::Rejected { .. }), "{events:?}");
    };
    for (asset, code) in (0..).zip(["A", "B"]) {
        at_zero(&Command::ListAsset {
            asset: AssetId(asset),
            spec: ensoex_types::AssetSpec {
                code: code.into(),
                scale: 2,
            },
        });
    }
    for market in [crate::prepared::WIDE, NARROW] {
        at_zero(&Command::ListMarket {
            market,
            spec: Box::new(ensoex_types::MarketSpec {
                symbol: format!("M{market}"),
                lot_size: 1,
                ..crate::prepared::widest()
            }),
        });
    }
    for (number, account) in (0..).zip([ANN, BOB]) {
        at_zero(&Command::OpenAccount { account });
        for asset in 0..2 {
            at_zero(&Command::Transfer(Transfer {
                transfer: TransferId(number * 10 + u128::from(asset)),
                debit: AccountId::OPERATOR_CAPITAL,
                credit: account,
                asset: AssetId(asset),
                amount: Amount(1_000),
                code: TransferCode::Capital,
            }));
        }
    }
    engine
}

/// Positive control: a command that is refused changes nothing but the sequence.
#[test]
fn a_refusal_changes_nothing_but_the_sequence() {
    let mut engine = prepared();
    must(&mut engine, &sell_by_the_house(30, 5));
    let before = engine.state_hash();
    let refused = [
        sell_by_the_house(0, 5),
        reduce(9),
        order(
            ANN,
            NARROW,
            Side::Buy,
            OrderKind::Market {
                quantity: Quantity(41),
            },
        ),
        Command::OpenAccount { account: ANN },
    ];
    for command in refused {
        let events = apply_in_place(&mut engine, u64::MAX, &command);
        assert!(matches!(events[..], [Event::Rejected { .. }]), "{events:?}");
        assert_eq!(engine.state_hash(), before, "{command:?}");
    }
    apply(&mut engine, &Command::OpenAccount { account: ANN });
    assert_ne!(engine.state_hash(), before, "the sequence counts");
}
