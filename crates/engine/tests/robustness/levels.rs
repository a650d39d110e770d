//! Very many price levels, near and far apart.

use crate::prepared::{ANN, list, must, order, prepared, widest};
use ensoex_engine::{Command, Event, OrderKind, Side};
use ensoex_types::{AccountId, MarketId, MarketSpec, Price, Quantity};

const MARKET: MarketId = MarketId(2);
/// A million.
const LEVELS: u64 = 1 << 20;
/// The least of them, in ticks.
const FIRST: u64 = 1_000_000;

fn maker(price: u64) -> OrderKind {
    OrderKind::LimitMaker {
        price: Price(price),
        quantity: Quantity(1),
    }
}

fn light() -> MarketSpec {
    MarketSpec {
        symbol: "LIGHT".into(),
        lot_size: 1,
        price_max: Price((1 << 63) - 1),
        quantity_max: Quantity(1 << 62),
        ..widest()
    }
}

/// Prices in an order that is neither rising nor falling: the odd multiplier visits each of [`LEVELS`]
/// offsets once.
fn scattered(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(|number| FIRST + (number * 0x9_E377) % LEVELS)
}

#[test]
fn a_million_levels_are_filled_from_best_to_worst() {
    let mut engine = prepared();
    list(&mut engine, MARKET, light());
    for price in scattered(LEVELS) {
        must(
            &mut engine,
            &order(AccountId::FEES, MARKET, Side::Sell, maker(price)),
        );
    }
    assert_eq!(engine.resting_orders(MARKET), LEVELS as usize);
    // The whole check of a million levels takes seconds; of what is left here it does not.
    let left = 1_000;
    let mut next = FIRST;
    for quantity in [LEVELS - left, left] {
        let kind = OrderKind::Market {
            quantity: Quantity(quantity),
        };
        let events = must(&mut engine, &order(ANN, MARKET, Side::Buy, kind));
        let prices = events.iter().filter_map(|event| match event {
            Event::Trade(trade) => Some(trade.price.0),
            _ => None,
        });
        assert!(prices.eq(next..next + quantity));
        next += quantity;
        assert_eq!(engine.check_invariants(), Ok(()));
    }
    assert_eq!(engine.resting_orders(MARKET), 0);
}

#[test]
fn levels_at_the_ends_of_the_world_are_found() {
    let mut engine = prepared();
    list(&mut engine, MARKET, light());
    let far: Vec<u64> = (0..63).map(|bit| 1 << bit).chain([(1 << 63) - 1]).collect();
    for &price in far.iter().rev() {
        must(
            &mut engine,
            &order(AccountId::FEES, MARKET, Side::Sell, maker(price)),
        );
    }
    let mut middle: Vec<u64> = scattered(1_000).collect();
    for &price in &middle {
        must(
            &mut engine,
            &order(AccountId::FEES, MARKET, Side::Sell, maker(price)),
        );
    }
    let depth = engine.depth(MARKET, Side::Sell, usize::MAX);
    let prices: Vec<u64> = depth.iter().map(|level| level.price.0).collect();
    middle.extend(&far);
    middle.sort_unstable();
    middle.dedup();
    assert_eq!(prices, middle);
    assert_eq!(engine.check_invariants(), Ok(()));
    // The house gives credit of 2^110, so every price can be paid.
    let quantity = Quantity(1 << 62);
    let kind = OrderKind::Market { quantity };
    let sweep = order(AccountId::OPERATOR_CAPITAL, MARKET, Side::Buy, kind);
    must(&mut engine, &sweep);
    assert_eq!(engine.depth(MARKET, Side::Sell, usize::MAX), []);
    assert_eq!(engine.last_price(MARKET), Some(Price((1 << 63) - 1)));
    assert_eq!(engine.check_invariants(), Ok(()));
}

#[test]
fn delisting_closes_very_many_orders() {
    let mut engine = prepared();
    list(&mut engine, MARKET, light());
    for (number, price) in (0..).zip(scattered(100_000)) {
        let side = if number % 2 == 0 { Side::Sell } else { Side::Buy };
        let price = if number % 2 == 0 { price + (1 << 21) } else { price };
        must(&mut engine, &order(AccountId::FEES, MARKET, side, maker(price)));
    }
    let delist = Command::SetMarketState {
        market: MARKET,
        state: ensoex_types::MarketState::Delisted,
    };
    let events = must(&mut engine, &delist);
    assert_eq!(events.len(), 100_001);
    let closed = events.iter().filter_map(|event| match event {
        Event::OrderClosed { order, .. } => Some(order.0),
        _ => None,
    });
    assert!(closed.is_sorted());
    assert_eq!(engine.resting_orders(MARKET), 0);
    assert_eq!(engine.check_invariants(), Ok(()));
}
