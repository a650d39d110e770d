//! What tests of an exchange share: two accounts with money, a market, and orders that meet.

#![allow(dead_code)]

#[path = "../support/mod.rs"]
mod support;

use ensoex_engine::{
    Command, OrderKind, OrderRef, PlaceOrder, SelfTradePrevention, Side, TimeInForce, Transfer, TransferCode,
};
use ensoex_exchange::{Exchange, OrderRow};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRate, FeeRates, MarketId, MarketSpec, Price,
    Quantity, TransferId,
};
use std::path::Path;

pub(crate) use support::config;

pub(crate) const BUYER: AccountId = AccountId(1_000);
pub(crate) const SELLER: AccountId = AccountId(1_001);
pub(crate) const MARKET: MarketId = MarketId(0);

pub(crate) fn first_commands() -> Vec<Command> {
    let asset = |id, code: &str| Command::ListAsset {
        asset: AssetId(id),
        spec: AssetSpec {
            code: code.to_owned(),
            scale: 8,
        },
    };
    let spec = MarketSpec {
        symbol: "BTCEUR".to_owned(),
        base: AssetId(1),
        quote: AssetId(0),
        lot_size: 1_000,
        tick_value: 10,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1_000_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(100_000_000),
        notional_min: Amount(1),
        notional_max: Amount(i128::MAX),
        orders_per_account_max: 100,
        price_band: None,
        stops_per_account_max: 10,
        fees: vec![FeeRates {
            maker: FeeRate(1_000),
            taker: FeeRate(2_000),
        }],
    };
    let fund = |account, asset, id| {
        Command::Transfer(Transfer {
            transfer: TransferId(id),
            debit: AccountId::OPERATOR_CAPITAL,
            credit: account,
            asset: AssetId(asset),
            amount: Amount(1_000_000_000_000_000),
            code: TransferCode::Capital,
        })
    };
    vec![
        asset(0, "EUR"),
        asset(1, "BTC"),
        Command::ListMarket {
            market: MARKET,
            spec: Box::new(spec),
        },
        Command::OpenAccount { account: BUYER },
        Command::OpenAccount { account: SELLER },
        fund(BUYER, 0, 1),
        fund(SELLER, 1, 2),
    ]
}

pub(crate) fn named(name: &str) -> ClientOrderId {
    ClientOrderId::new(name).unwrap()
}

pub(crate) fn limit(account: AccountId, side: Side, price: u64, quantity: u64, name: &str) -> Command {
    let kind = OrderKind::Limit {
        price: Price(price),
        quantity: Quantity(quantity),
        time_in_force: TimeInForce::Gtc,
    };
    Command::PlaceOrder(place(account, side, kind, name))
}

pub(crate) fn place(account: AccountId, side: Side, kind: OrderKind, name: &str) -> PlaceOrder {
    PlaceOrder {
        account,
        market: MARKET,
        side,
        kind,
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: named(name),
    }
}

pub(crate) async fn accepted(exchange: &Exchange, command: Command) {
    let outcome = exchange.submit(command).await.unwrap();
    assert_eq!(outcome.reject(), None);
}

pub(crate) async fn order(exchange: &Exchange, account: AccountId, name: &str) -> OrderRow {
    let by_name = OrderRef::Client(named(name));
    let found = exchange.history().order(account, MARKET, &by_name).await;
    found.unwrap().unwrap()
}

pub(crate) async fn opened(directory: &Path) -> Exchange {
    let exchange = Exchange::start(config(directory)).await.unwrap();
    for outcome in exchange.submit_all(first_commands()).await.unwrap() {
        assert_eq!(outcome.reject(), None);
    }
    exchange
}

/// Ten sells, then buys that take some of them.
pub(crate) async fn traded(directory: &Path) -> Exchange {
    let exchange = opened(directory).await;
    for step in 0..10 {
        let name = format!("sell-{step}");
        exchange
            .submit(limit(SELLER, Side::Sell, 6_000_000 + step, 100, &name))
            .await
            .unwrap();
    }
    exchange
        .submit(limit(BUYER, Side::Buy, 6_000_002, 250, "buy"))
        .await
        .unwrap();
    exchange
}

/// As many rounds of a sale and a purchase that meet.
pub(crate) async fn bars(exchange: &Exchange, rounds: u64) {
    for round in 0..rounds {
        let price = 5_900_000 + round % 7;
        accepted(exchange, limit(SELLER, Side::Sell, price, 2, "")).await;
        accepted(exchange, limit(BUYER, Side::Buy, price, 1, "")).await;
    }
}
