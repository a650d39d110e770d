//! Random commands of every kind that a market takes, and what is told of them.

use crate::support::{BTCEUR, MAKER, Server, TRADER, trader_key};
use crate::user_data::{event, listening};
use ensoex_engine::{
    Command, Event, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, SelfTradePrevention, Side,
    TimeInForce, Trigger,
};
use ensoex_types::{AccountId, ClientOrderId, OrderId, Price, Quantity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A small deterministic generator; the seed is in every failure's message.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Random commands, submitted ten at a time.
pub(crate) struct Commands {
    random: Random,
    /// Orders that were accepted, with their owners.
    placed: Vec<(AccountId, OrderId)>,
}

impl Commands {
    pub(crate) fn new(seed: u64) -> Commands {
        Commands {
            random: Random(seed),
            placed: Vec::new(),
        }
    }

    pub(crate) async fn submit(&mut self, server: &Server, batches: usize) {
        for _ in 0..batches {
            let commands = (0..10)
                .map(|_| random_command(&mut self.random, &self.placed))
                .collect();
            for outcome in server.exchange.submit_all(commands).await.unwrap() {
                self.placed
                    .extend(outcome.events.iter().filter_map(|event| match event {
                        Event::OrderAccepted { order, account, .. } => Some((*account, *order)),
                        _ => None,
                    }));
            }
        }
    }
}

/// One command of the maker or the trader in BTCEUR.
fn random_command(random: &mut Random, placed: &[(AccountId, OrderId)]) -> Command {
    let account = random.one_of(&[MAKER, TRADER]);
    let side = random.one_of(&[Side::Buy, Side::Sell]);
    let price = Price(5_000_000 + random.below(40) * 100);
    let stop_price = Price(5_000_000 + random.below(40) * 100);
    let quantity = Quantity(100 + random.below(200));
    let time_in_force = random.one_of(&[
        TimeInForce::Gtc,
        TimeInForce::Gtc,
        TimeInForce::Gtc,
        TimeInForce::Ioc,
    ]);
    let trigger = random.one_of(&[Trigger::StopLoss, Trigger::TakeProfit]);
    let self_trade_prevention = random.one_of(&[
        SelfTradePrevention::ExpireTaker,
        SelfTradePrevention::ExpireMaker,
        SelfTradePrevention::ExpireBoth,
        SelfTradePrevention::Decrement,
    ]);
    let place = |kind| PlaceOrder {
        account,
        market: BTCEUR,
        side,
        kind,
        self_trade_prevention,
        client_order_id: ClientOrderId::NONE,
    };
    // Most orders do not live long: one of the newest is named.
    let back = random.below(20) as usize;
    let (owner, order) = placed.iter().rev().nth(back).copied().unwrap_or_default();
    let order = OrderRef::Id(order);
    match random.below(14) {
        0..=5 => Command::PlaceOrder(place(OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        })),
        6 => Command::PlaceOrder(place(OrderKind::Market { quantity })),
        7 => Command::CancelOrder {
            account: owner,
            market: BTCEUR,
            order,
        },
        8 => Command::ReduceOrder {
            account: owner,
            market: BTCEUR,
            order,
            by: Quantity(50),
        },
        9 => Command::ReplaceOrder {
            order,
            place: PlaceOrder {
                account: owner,
                ..place(OrderKind::LimitMaker { price, quantity })
            },
        },
        10 => Command::PlaceOrder(place(OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        })),
        11 => Command::PlaceOrder(place(OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            time_in_force,
        })),
        _ => {
            let stop = OcoKind::StopLimit {
                trigger: Trigger::StopLoss,
                stop_price,
                price,
                time_in_force: TimeInForce::Gtc,
            };
            let limit = OcoKind::LimitMaker { price: stop_price };
            let far = |price: Price, up| match up {
                true => Price(price.0 + 2_000),
                false => Price(price.0 - 2_000),
            };
            let moved = |kind, up| match kind {
                OcoKind::LimitMaker { price } => OcoKind::LimitMaker {
                    price: far(price, up),
                },
                OcoKind::StopLimit {
                    trigger,
                    stop_price,
                    price,
                    time_in_force,
                } => OcoKind::StopLimit {
                    trigger,
                    stop_price: far(stop_price, up),
                    price,
                    time_in_force,
                },
                other => other,
            };
            let (above, below) = match side {
                Side::Sell => (limit, stop),
                Side::Buy => (stop, limit),
            };
            let unnamed = |kind| OcoOrder {
                kind,
                client_order_id: ClientOrderId::NONE,
            };
            Command::PlaceOco(Box::new(PlaceOco {
                account,
                market: BTCEUR,
                side,
                quantity,
                above: unnamed(moved(above, true)),
                below: unnamed(moved(below, false)),
                self_trade_prevention,
                list_client_order_id: ClientOrderId::NONE,
            }))
        }
    }
}

#[tokio::test]
async fn what_was_told_last_of_each_order_is_what_it_became() {
    let mut kinds = BTreeMap::new();
    let mut ended = 0;
    for seed in [3, 11, 99] {
        let server = Server::start().await;
        let mut commands = Commands::new(seed);
        commands.submit(&server, 10).await;
        // Another edge that starts late knows the orders that are there.
        let limits = ensoex_spot_api::Limits::default();
        let late = ensoex_spot_api::SpotApi::start(server.exchange.clone(), server.keys.clone(), limits)
            .await
            .unwrap();
        let address = crate::support::serve(&late, 0).await;
        let server = Server { address, ..server };
        let mut trader = listening(&server, &trader_key()).await;
        commands.submit(&server, 60).await;
        let end = crate::support::transfer(9_999, TRADER, crate::support::BTC, 1);
        server.exchange.submit(Command::Transfer(end)).await.unwrap();
        let (mut last, mut lists) = (BTreeMap::new(), BTreeMap::new());
        loop {
            let told = event(&mut trader).await;
            match told["e"].as_str().unwrap() {
                "executionReport" => {
                    *kinds.entry(told["x"].as_str().unwrap().to_owned()).or_insert(0) += 1;
                    last.insert(told["i"].as_u64().unwrap(), told);
                }
                "listStatus" => {
                    lists.insert(told["g"].as_u64().unwrap(), told);
                }
                "balanceUpdate" => break,
                _ => {}
            }
        }
        for (order, told) in &last {
            let shown = server.shown(&json!(order)).await;
            let prevented = shown.get("preventedQuantity").cloned().unwrap_or(Value::Null);
            let both = [
                ("status", "X"),
                ("executedQty", "z"),
                ("cummulativeQuoteQty", "Z"),
                ("origQty", "q"),
                ("price", "p"),
                ("stopPrice", "P"),
                ("type", "o"),
                ("orderListId", "g"),
                ("selfTradePreventionMode", "V"),
                ("time", "O"),
            ];
            for (name, letter) in both {
                assert_eq!(shown[name], told[letter], "seed {seed}, {name}: {shown} {told}");
            }
            if told["x"] == "TRADE_PREVENTION" {
                assert_eq!(prevented, told["A"], "seed {seed}: {shown} {told}");
            }
            let open = matches!(told["X"].as_str(), Some("NEW" | "PARTIALLY_FILLED"));
            assert_eq!(
                told["w"],
                json!(open && shown["isWorking"] == true),
                "seed {seed}: {shown} {told}"
            );
        }
        for (list, told) in &lists {
            let shown = server
                .mine(
                    reqwest::Method::GET,
                    "/api/v3/orderList",
                    &format!("orderListId={list}"),
                )
                .await
                .ok();
            assert_eq!(shown["listOrderStatus"], told["L"], "seed {seed}: {shown} {told}");
        }
        ended += lists.values().filter(|told| told["L"] == "ALL_DONE").count();
    }
    // The control: all of this happened.
    for kind in [
        "NEW",
        "TRADE",
        "EXPIRED",
        "CANCELED",
        "REPLACED",
        "TRADE_PREVENTION",
    ] {
        assert!(
            kinds.get(kind).is_some_and(|count| *count > 5),
            "{kind} in {kinds:?}"
        );
    }
    assert!(ended > 5, "{ended} lists");
}
