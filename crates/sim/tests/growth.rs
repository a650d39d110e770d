//! A book that outgrows its first slots and its first window of prices, and stops that set off each other by the
//! hundred, against the reference model.

use ensoex_engine::{
    Command, Event, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, SelfTradePrevention, Side,
    TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_sim::compare::Pair;
use ensoex_sim::random::Random;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRate, FeeRates, MarketId, MarketSpec, OrderId,
    Price, Quantity, TransferId,
};

const MARKET: MarketId = MarketId(0);

fn list(pair: &mut Pair) -> Result<(), String> {
    for (asset, code) in (0..).zip(["BASE", "QUOTE"]) {
        let (asset, code) = (AssetId(asset), code.into());
        let spec = AssetSpec { code, scale: 0 };
        pair.apply(&Command::ListAsset { asset, spec })?;
    }
    let spec = MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: AssetId(0),
        quote: AssetId(1),
        lot_size: 1,
        tick_value: 1,
        price_scale: 0,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1 << 40),
        quantity_min: Quantity(1),
        quantity_max: Quantity(1_000),
        notional_min: Amount(0),
        notional_max: Amount(1 << 60),
        orders_per_account_max: u32::MAX,
        price_band: None,
        stops_per_account_max: u32::MAX,
        fees: vec![FeeRates {
            maker: FeeRate(10),
            taker: FeeRate(20),
        }],
    };
    let spec = Box::new(spec);
    pair.apply(&Command::ListMarket { market: MARKET, spec })?;
    for number in 0..4 {
        let account = AccountId(1_000 + number);
        pair.apply(&Command::OpenAccount { account })?;
        for asset in 0..2 {
            pair.apply(&Command::Transfer(Transfer {
                transfer: TransferId(u128::from(number) * 2 + u128::from(asset)),
                debit: AccountId::OPERATOR_CAPITAL,
                credit: account,
                asset: AssetId(asset),
                amount: Amount(1 << 80),
                code: TransferCode::Capital,
            }))?;
        }
    }
    Ok(())
}

/// Buyers are even, sellers odd, so that nothing is kept from trading. The market drifts from `middle` on.
fn place(random: &mut Random, middle: u64, reach: u64) -> PlaceOrder {
    let buys = random.per_mille(500);
    let distance = random.below(reach);
    // One in sixteen lies far from the market.
    let distance = if random.below(16) == 0 {
        distance << 20
    } else {
        distance
    };
    let price = if buys {
        middle.saturating_sub(distance).max(1)
    } else {
        middle + 1 + distance
    };
    PlaceOrder {
        account: AccountId(1_000 + 2 * random.below(2) as u32 + u32::from(!buys)),
        market: MARKET,
        side: if buys { Side::Buy } else { Side::Sell },
        kind: OrderKind::Limit {
            price: Price(price),
            quantity: Quantity(1 + random.below(100)),
            time_in_force: TimeInForce::Gtc,
        },
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::NONE,
    }
}

#[test]
fn a_growing_and_drifting_book_agrees_with_the_model() {
    let mut pair = Pair::default();
    list(&mut pair).expect("the market is listed");
    let mut random = Random::new(11);
    let mut open: Vec<(OrderId, AccountId)> = Vec::new();
    let mut deepest = 0;
    for number in 0..6_000_u64 {
        // Grows for 4,000 commands, then thins out; the market drifts by 6,000 ticks.
        let adds = if number < 4_000 { 900 } else { 300 };
        let middle = 50_000_000 + number;
        let command = match open.len() {
            1.. if !random.per_mille(adds) => {
                let position = random.below(open.len() as u64) as usize;
                let (order, account) = open[position];
                Command::CancelOrder {
                    account,
                    market: MARKET,
                    order: OrderRef::Id(order),
                }
            }
            _ => Command::PlaceOrder(place(&mut random, middle, 6_000)),
        };
        let events = match pair.apply(&command) {
            Ok(events) => events,
            Err(difference) => panic!("command {number}: {difference}"),
        };
        for event in events {
            match event {
                Event::OrderAccepted { order, account, .. } => open.push((*order, *account)),
                Event::OrderClosed { order, .. } => open.retain(|(open, _)| open != order),
                _ => {}
            }
        }
        deepest = deepest.max(open.len());
        if number % 500 == 0 {
            assert_eq!(pair.check(), Ok(()), "after command {number}");
        }
        if number % 16 == 0 {
            assert_eq!(pair.engine.check_invariants(), Ok(()), "after command {number}");
        }
    }
    assert_eq!(pair.check(), Ok(()));
    assert!(
        deepest > 1_500,
        "only {deepest} orders were open: the slots never doubled"
    );
    assert!(pair.seen["Trade"] > 500, "{:?}", pair.seen);
}

const MIDDLE: u64 = 1_000_000;
const MODES: [SelfTradePrevention; 4] = [
    SelfTradePrevention::ExpireTaker,
    SelfTradePrevention::ExpireMaker,
    SelfTradePrevention::ExpireBoth,
    SelfTradePrevention::Decrement,
];

fn one_of<T: Copy>(random: &mut Random, choices: &[T]) -> T {
    choices[random.below(choices.len() as u64) as usize]
}

fn placed(random: &mut Random, side: Side, kind: OrderKind) -> Command {
    Command::PlaceOrder(PlaceOrder {
        account: AccountId(1_000 + random.below(4) as u32),
        market: MARKET,
        side,
        kind,
        self_trade_prevention: one_of(random, &MODES),
        client_order_id: ClientOrderId::NONE,
    })
}

/// An order that rests on its own side of the middle.
fn resting(random: &mut Random, side: Side, reach: u64) -> Command {
    let distance = 1 + random.below(reach);
    let price = Price(match side {
        Side::Buy => MIDDLE - distance,
        Side::Sell => MIDDLE + distance,
    });
    let quantity = Quantity(1 + random.below(60));
    placed(
        random,
        side,
        OrderKind::Limit {
            price,
            quantity,
            time_in_force: TimeInForce::Gtc,
        },
    )
}

/// An order, or two, that wait for the price to move by up to `reach`.
fn waiting(random: &mut Random, reach: u64) -> Command {
    let side = one_of(random, &[Side::Buy, Side::Sell]);
    let trigger = one_of(random, &[Trigger::StopLoss, Trigger::TakeProfit]);
    let (distance, other) = (2 + random.below(reach), 2 + random.below(reach));
    let quantity = Quantity(1 + random.below(60));
    let stop_price = Price(match trigger.rises(side) {
        true => MIDDLE + distance,
        false => MIDDLE - distance,
    });
    let price = Price(stop_price.0 + random.below(100) - 50);
    let time_in_force = one_of(random, &[TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]);
    let stop = OrderKind::Stop {
        trigger,
        stop_price,
        quantity,
    };
    let stop_limit = OrderKind::StopLimit {
        trigger,
        stop_price,
        price,
        quantity,
        time_in_force,
    };
    match random.below(3) {
        0 => placed(random, side, stop),
        1 => placed(random, side, stop_limit),
        _ => {
            let named = |kind| OcoOrder {
                kind,
                client_order_id: ClientOrderId::NONE,
            };
            let loses = match side {
                Side::Buy => MIDDLE + distance,
                Side::Sell => MIDDLE - distance,
            };
            let gains = match side {
                Side::Buy => MIDDLE - other,
                Side::Sell => MIDDLE + other,
            };
            let loss = named(OcoKind::Stop {
                trigger: Trigger::StopLoss,
                stop_price: Price(loses),
            });
            let profit = named(OcoKind::LimitMaker { price: Price(gains) });
            let (above, below) = match side {
                Side::Buy => (loss, profit),
                Side::Sell => (profit, loss),
            };
            Command::PlaceOco(Box::new(PlaceOco {
                account: AccountId(1_000 + random.below(4) as u32),
                market: MARKET,
                side,
                quantity,
                above,
                below,
                self_trade_prevention: one_of(random, &MODES),
                list_client_order_id: ClientOrderId::NONE,
            }))
        }
    }
}

#[test]
fn long_cascades_of_stops_agree_with_the_model() {
    let mut pair = Pair::default();
    list(&mut pair).expect("the market is listed");
    let mut random = Random::new(12);
    let mut longest = 0;
    for round in 0..3 {
        for number in 0..1_500 {
            let command = match number % 7 {
                0 => resting(&mut random, Side::Buy, 2_000),
                1 => resting(&mut random, Side::Sell, 2_000),
                _ => waiting(&mut random, 1_500),
            };
            let outcome = pair.apply(&command).map(|_| ());
            assert_eq!(outcome, Ok(()), "round {round}, command {number}");
        }
        for side in [Side::Sell, Side::Buy, Side::Sell] {
            let quantity = Quantity(1_000);
            let sweep = placed(&mut random, side, OrderKind::Market { quantity });
            let events = match pair.apply(&sweep) {
                Ok(events) => events,
                Err(difference) => panic!("round {round}: {difference}"),
            };
            let triggered = |event: &&Event| matches!(event, Event::OrderTriggered { .. });
            longest = longest.max(events.iter().filter(triggered).count());
            assert_eq!(pair.check(), Ok(()), "round {round}");
        }
    }
    assert!(
        longest > 200,
        "only {longest} orders were triggered by one command"
    );
}
