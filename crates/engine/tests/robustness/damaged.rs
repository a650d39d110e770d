//! A state that was damaged is refused, and no damage ends in a panic.

use crate::prepared::{ANN, BOB, NARROW, limit, must, order, prepared};
use ensoex_engine::{
    Command, Engine, OcoKind, OcoOrder, OrderKind, PlaceOco, STATE_FORMAT, SelfTradePrevention, Side, State,
    StateError, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, OrderId, Price, Quantity, TradeId, TransferId,
};

/// Two bids (orders 0 and 1), an ask of an OCO (2), its stop (3), another stop (4); the last price is 20.
fn state() -> State {
    let mut engine = prepared();
    for command in [
        order(ANN, NARROW, Side::Buy, limit(12, 3)),
        order(ANN, NARROW, Side::Buy, limit(11, 3)),
        order(ANN, NARROW, Side::Sell, limit(20, 1)),
        order(BOB, NARROW, Side::Buy, limit(20, 1)),
        oco(),
        order(
            BOB,
            NARROW,
            Side::Buy,
            OrderKind::Stop {
                trigger: Trigger::StopLoss,
                stop_price: Price(35),
                quantity: Quantity(4),
            },
        ),
    ] {
        must(&mut engine, &command);
    }
    engine.state()
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
        above: leg(OcoKind::LimitMaker { price: Price(30) }),
        below: leg(OcoKind::Stop {
            trigger: Trigger::StopLoss,
            stop_price: Price(8),
        }),
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        list_client_order_id: ClientOrderId::NONE,
    }))
}

/// What was damaged, and how.
type Damage = (&'static str, fn(&mut State));

const DAMAGES: &[Damage] = &[
    ("an asset's scale", |state| state.assets[0].spec.scale = 19),
    ("fee tiers that do not ascend", |state| {
        state.assets[1].fee_tiers = vec![Amount(5), Amount(5)];
    }),
    ("a market's base is not listed", |state| {
        state.markets[1].spec.base = AssetId(3);
    }),
    ("a market's quote is not listed", |state| {
        state.markets[1].spec.quote = AssetId(9);
    }),
    ("a market's lot is zero", |state| {
        state.markets[1].spec.lot_size = 0
    }),
    ("a balance of no asset", |state| {
        let balance = state.accounts[3].balances[0].1;
        state.accounts[3].balances.push((AssetId(3), balance));
    }),
    ("a volume of no asset", |state| {
        state.accounts[3].volumes.push((AssetId(3), 1, 1));
    }),
    ("an account twice", |state| {
        let account = state.accounts[3].clone();
        state.accounts.push(account);
    }),
    ("an account is missing", |state| {
        state.accounts.pop();
        state.accounts.retain(|record| record.account != BOB);
    }),
    ("accounts out of order", |state| state.accounts.reverse()),
    ("money from nowhere", |state| {
        state.accounts[3].balances[0].1.available.0 += 1;
    }),
    ("money held for nothing", |state| {
        state.accounts[3].balances[0].1.available.0 -= 1;
        state.accounts[3].balances[0].1.held.0 += 1;
    }),
    ("an order twice", |state| {
        let order = state.markets[1].orders[0].clone();
        state.markets[1].orders.push(order);
    }),
    ("an order's id is zero", |state| {
        state.markets[1].orders[0].order = OrderId(0);
    }),
    ("an order's id was never given", |state| {
        state.markets[1].orders[0].order = OrderId(1_000_000);
    }),
    ("an order's place is another's", |state| {
        let id = state.markets[1].orders[0].order;
        state.markets[1].ids.0 = OrderId(1 << 40);
        state.markets[1].orders[1].order = OrderId(id.0 + (1 << 30));
    }),
    ("an order of nobody", |state| {
        state.markets[1].orders[0].account = AccountId(77_777);
    }),
    ("nothing remains of an order", |state| {
        state.markets[1].orders[0].remaining = Quantity(0);
    }),
    ("more remains than was placed", |state| {
        state.markets[1].orders[0].remaining.0 += 1;
    }),
    ("more lots than a side can have", |state| {
        state.markets[1].orders[0].remaining = Quantity(u64::MAX);
        state.markets[1].orders[1].remaining = Quantity(u64::MAX);
    }),
    ("an order without a price that waits for nothing", |state| {
        state.markets[1].orders[0].price = Price(0);
    }),
    ("a bid above the ask", |state| {
        state.markets[1].orders[0].price = Price(31);
        state.markets[1].orders.rotate_left(2);
    }),
    ("a price above the market's greatest", |state| {
        state.markets[1].orders[2].price = Price(41);
    }),
    ("a price that no book can hold", |state| {
        state.markets[1].orders[2].price = Price(u64::MAX);
    }),
    ("bids out of priority", |state| state.markets[1].orders.swap(0, 1)),
    ("half of a list", |state| state.markets[1].orders[2].other = None),
    ("a list with an order that is not there", |state| {
        state.markets[1].orders[2].other = Some(OrderId(999));
    }),
    ("a list of three", |state| {
        state.markets[1].orders[4].other = state.markets[1].orders[3].other;
    }),
    ("a stop that was reached", |state| {
        state.markets[1].last_price = Price(35);
    }),
    ("a last price above the market's greatest", |state| {
        state.markets[0].last_price = Price(1 << 62);
    }),
    ("a stop whose placing is lost", |state| {
        state.markets[1].orders[4].stop = None;
    }),
    ("an id beyond all ids", |state| {
        state.markets[1].ids.0 = OrderId(u64::MAX);
    }),
    ("places that no book has", |state| state.markets[1].ids.1 = 1_000),
    ("more places than any book has", |state| {
        state.markets[1].ids.1 = u64::MAX;
    }),
    ("transfers out of order", |state| state.transfers_used.reverse()),
    ("a transfer used twice", |state| {
        let transfer = state.transfers_used[0];
        state.transfers_used.insert(0, transfer);
    }),
];

#[test]
fn every_damage_is_refused() {
    let whole = state();
    assert!(Engine::from_state(&whole).is_ok(), "the state itself is taken");
    for (what, damage) in DAMAGES {
        let mut damaged = whole.clone();
        damage(&mut damaged);
        assert_ne!(damaged, whole, "{what}: nothing was damaged");
        let refused = Engine::from_state(&damaged);
        assert!(
            matches!(refused, Err(StateError::Inconsistent(_))),
            "{what}: {:?}",
            refused.err()
        );
    }
}

#[test]
fn another_layout_is_refused_by_its_number() {
    let mut other = state();
    other.format = STATE_FORMAT + 1;
    let refused = Engine::from_state(&other).err();
    assert_eq!(refused, Some(StateError::Format(STATE_FORMAT + 1)));
    let text = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains(&(STATE_FORMAT + 1).to_string()), "{text}");
}

/// What nothing else can contradict is believed: that is what a snapshot's checksum is for.
#[test]
fn what_only_a_checksum_can_tell_is_taken() {
    let changes: [fn(&mut State); 2] = [
        |state| state.markets[1].last_trade = TradeId(500),
        |state| state.transfers_used.push(TransferId(u128::MAX)),
    ];
    let whole = state();
    for change in changes {
        let mut changed = whole.clone();
        change(&mut changed);
        assert!(Engine::from_state(&changed).is_ok());
        assert_ne!(changed.hash(), whole.hash());
    }
}
