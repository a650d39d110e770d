//! Cascades of very many stops in one command: the queue is worked off in a loop and needs no deep stack.

use crate::prepared::{ANN, BOB, list, must, order, prepared, widest};
use ensoex_engine::{
    Command, Engine, Event, OcoKind, OcoOrder, OrderKind, PlaceOco, SelfTradePrevention, Side, Trigger,
};
use ensoex_types::{AccountId, ClientOrderId, FeeRates, MarketId, MarketSpec, Price, Quantity};

const MARKET: MarketId = MarketId(2);
const STOPS: u64 = 20_000;

fn engine_with_market() -> Engine {
    let mut engine = prepared();
    let spec = MarketSpec {
        symbol: "DEEP".into(),
        lot_size: 1,
        fees: vec![FeeRates::default()],
        ..widest()
    };
    list(&mut engine, MARKET, spec);
    engine
}

fn maker(side: Side, price: u64, quantity: u64) -> Command {
    let (price, quantity) = (Price(price), Quantity(quantity));
    order(
        AccountId::FEES,
        MARKET,
        side,
        OrderKind::LimitMaker { price, quantity },
    )
}

fn sell_stop(stop_price: u64) -> Command {
    let kind = OrderKind::Stop {
        trigger: Trigger::StopLoss,
        stop_price: Price(stop_price),
        quantity: Quantity(1),
    };
    order(ANN, MARKET, Side::Sell, kind)
}

fn sell_one() -> Command {
    let quantity = Quantity(1);
    order(BOB, MARKET, Side::Sell, OrderKind::Market { quantity })
}

/// Runs on a stack too small for one frame a stop.
fn on_a_small_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(test);
    thread.expect("a thread starts").join().expect("the test holds");
}

fn triggered(events: &[Event]) -> u64 {
    let triggered = |event: &&Event| matches!(event, Event::OrderTriggered { .. });
    events.iter().filter(triggered).count() as u64
}

#[test]
fn each_of_very_many_stops_triggers_the_next() {
    on_a_small_stack(|| {
        let mut engine = engine_with_market();
        for price in 1..=STOPS + 1 {
            must(&mut engine, &maker(Side::Buy, price, 1));
        }
        for stop_price in 2..=STOPS + 1 {
            must(&mut engine, &sell_stop(stop_price));
        }
        let events = must(&mut engine, &sell_one());
        assert_eq!(triggered(&events), STOPS);
        assert_eq!(engine.last_price(MARKET), Some(Price(1)));
        assert_eq!(engine.resting_orders(MARKET), 0);
        assert_eq!(engine.check_invariants(), Ok(()));
    });
}

#[test]
fn very_many_stops_are_reached_at_once() {
    on_a_small_stack(|| {
        let mut engine = engine_with_market();
        must(&mut engine, &maker(Side::Buy, 50, STOPS));
        for _ in 0..STOPS {
            must(&mut engine, &sell_stop(50));
        }
        let events = must(&mut engine, &sell_one());
        assert_eq!(triggered(&events), STOPS);
        let order = events.iter().filter_map(|event| match event {
            Event::OrderTriggered { order, .. } => Some(order.0),
            _ => None,
        });
        assert!(order.is_sorted());
        let last_finds_nothing = matches!(
            events.last(),
            Some(Event::OrderClosed {
                reason: ensoex_engine::CloseReason::Expired,
                ..
            })
        );
        assert!(last_finds_nothing);
        assert_eq!(engine.resting_orders(MARKET), 0);
        assert_eq!(engine.check_invariants(), Ok(()));
    });
}

#[test]
fn very_many_lists_end_in_one_command() {
    on_a_small_stack(|| {
        let mut engine = engine_with_market();
        must(&mut engine, &maker(Side::Buy, 50, STOPS * 2));
        let lists = STOPS / 4;
        for number in 0..lists {
            let leg = |kind| OcoOrder {
                kind,
                client_order_id: ClientOrderId::NONE,
            };
            let trigger = Trigger::StopLoss;
            let (price, stop_price) = (Price(1_000 + number), Price(50));
            must(
                &mut engine,
                &Command::PlaceOco(Box::new(PlaceOco {
                    account: ANN,
                    market: MARKET,
                    side: Side::Sell,
                    quantity: Quantity(1),
                    above: leg(OcoKind::LimitMaker { price }),
                    below: leg(OcoKind::Stop { trigger, stop_price }),
                    self_trade_prevention: SelfTradePrevention::default(),
                    list_client_order_id: ClientOrderId::NONE,
                })),
            );
        }
        let events = must(&mut engine, &sell_one());
        assert_eq!(triggered(&events), lists);
        assert_eq!(engine.depth(MARKET, Side::Sell, 1), []);
        assert_eq!(engine.resting_orders(MARKET), 1);
        assert_eq!(engine.check_invariants(), Ok(()));
    });
}

/// Stops that buy and stops that sell, each moving the price back to where the other waits, until all are
/// used up.
#[test]
fn a_price_that_swings_ends() {
    on_a_small_stack(|| {
        let mut engine = engine_with_market();
        let swings = 1_000;
        must(&mut engine, &maker(Side::Buy, 50, swings * 2));
        must(&mut engine, &maker(Side::Sell, 60, swings * 2));
        for _ in 0..swings {
            must(&mut engine, &sell_stop(50));
            let kind = OrderKind::Stop {
                trigger: Trigger::TakeProfit,
                stop_price: Price(50),
                quantity: Quantity(1),
            };
            must(&mut engine, &order(BOB, MARKET, Side::Buy, kind));
        }
        let house = order(
            AccountId::PAY_CLEARING,
            MARKET,
            Side::Sell,
            OrderKind::Market {
                quantity: Quantity(1),
            },
        );
        let events = must(&mut engine, &house);
        assert_eq!(triggered(&events), swings * 2);
        assert_eq!(engine.open_orders(ANN, Some(MARKET)), []);
        assert_eq!(engine.open_orders(BOB, Some(MARKET)), []);
        assert_eq!(engine.check_invariants(), Ok(()));
    });
}
