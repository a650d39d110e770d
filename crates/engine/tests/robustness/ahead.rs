//! Looking ahead changes nothing and stumbles over nothing, whatever comes next.

use crate::prepared::{ANN, NARROW, WIDE, limit, must, order, prepared};
use ensoex_engine::{Command, Engine, Event, LOOK_AHEAD, OrderKind, OrderRef, Side};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId, Quantity};

/// Large enough to be looked into: 20,000 accounts more, and 20,000 orders at 40 prices and far away.
fn large() -> (Engine, Vec<OrderId>) {
    let mut engine = prepared();
    let mut ids = Vec::new();
    for number in 0..20_000_u64 {
        let account = AccountId(2_000 + number as u32 * 3);
        must(&mut engine, &Command::OpenAccount { account });
        let price = if number % 5 == 0 { 1 << 40 } else { number % 19 + 1 };
        let (market, side) = if number % 5 == 0 {
            (WIDE, Side::Buy)
        } else {
            (NARROW, Side::Buy)
        };
        for event in must(&mut engine, &order(ANN, market, side, limit(price, 1))) {
            if let Event::OrderAccepted { order, .. } = event {
                ids.push(order);
            }
        }
    }
    (engine, ids)
}

#[test]
fn whatever_comes_next_is_looked_at_without_a_change() {
    let (mut engine, ids) = large();
    let accounts = [
        ANN,
        AccountId(2_003),
        AccountId(2_001),
        AccountId(u32::MAX),
        AccountId(0),
    ];
    let markets = [NARROW, WIDE, MarketId(2), MarketId(u16::MAX)];
    let named = ClientOrderId::new("mine").expect("it is a name");
    let references = [
        OrderRef::Id(ids[0]),
        OrderRef::Id(ids[ids.len() - 1]),
        OrderRef::Id(OrderId(0)),
        OrderRef::Id(OrderId(u64::MAX)),
        OrderRef::Client(named),
    ];
    let mut commands = Vec::new();
    for account in accounts {
        for market in markets {
            for price in [0, 1, 20, 1 << 40, u64::MAX] {
                commands.push(order(account, market, Side::Sell, limit(price, 1)));
            }
            let quantity = Quantity(u64::MAX);
            let place = order(account, market, Side::Buy, OrderKind::Market { quantity });
            for reference in references {
                commands.push(Command::CancelOrder {
                    account,
                    market,
                    order: reference,
                });
                commands.push(Command::ReduceOrder {
                    account,
                    market,
                    order: reference,
                    by: quantity,
                });
                if let Command::PlaceOrder(place) = place {
                    let order = reference;
                    commands.push(Command::ReplaceOrder { order, place });
                }
            }
            commands.push(Command::CancelAllOrders { account, market });
        }
    }
    let before = engine.state_hash();
    // Whole groups and parts of them, the first of all and later ones.
    for together in [1, 7, 8, 9, 31, 32, LOOK_AHEAD, commands.len()] {
        let mut seen = Vec::new();
        for few in commands.chunks(together) {
            engine.apply_ahead(few, |_, command| seen.push(command.clone()));
        }
        assert_eq!(seen, commands, "each once, in order, {together} together");
    }
    engine.apply_ahead(&[], |_, command| panic!("there is no {command:?}"));
    assert_eq!(engine.state_hash(), before);
    must(&mut engine, &order(ANN, NARROW, Side::Buy, limit(1, 1)));
    assert_ne!(engine.state_hash(), before, "the hash would have shown a change");
}
