//! The whole state seen from outside, through queries only: sums, holds, books.

use ensoex_engine::{Engine, OpenOrder, OrderKind, Side};
use ensoex_types::{AssetId, MarketId, MarketSpec, OrderId};
use std::collections::BTreeMap;

/// Panics if something does not add up after `row`.
pub(super) fn check(engine: &Engine, row: &str) {
    if let Err(broken) = engine.check_invariants() {
        panic!("{broken}, after row: {row}");
    }
    let accounts = engine.accounts();
    let markets = || (0..engine.market_count()).map(|market| MarketId(market as u16));
    let mut held = BTreeMap::new();
    for &account in &accounts {
        for market in markets() {
            let spec = engine.market(market).expect("it is listed");
            for (asset, need) in needs(spec, &engine.open_orders(account, Some(market))) {
                *held.entry((account, asset)).or_insert(0) += need;
            }
        }
    }
    for transfer in engine.held_transfers() {
        *held.entry((transfer.debit, transfer.asset)).or_insert(0) += transfer.amount.0;
    }
    for asset in (0..engine.assets().len()).map(|asset| AssetId(asset as u16)) {
        let mut sum = 0;
        for &account in &accounts {
            let balance = engine.balance(account, asset);
            sum += balance.available.0 + balance.held.0;
            assert!(
                balance.available.0 >= 0 || account.may_be_negative(),
                "{account} below zero, after row: {row}"
            );
            let needed = held.get(&(account, asset)).copied().unwrap_or(0);
            assert_eq!(
                balance.held.0, needed,
                "held of {asset} by {account}, after row: {row}"
            );
        }
        assert_eq!(sum, 0, "sum of asset {asset}, after row: {row}");
    }
    for market in markets() {
        let best = |side| engine.depth(market, side, 1).first().map(|level| level.price);
        if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) {
            assert!(bid < ask, "crossed, after row: {row}");
        }
    }
}

/// What each order must hold; of two in a list the greater need, once.
fn needs(spec: &MarketSpec, orders: &[OpenOrder]) -> Vec<(AssetId, i128)> {
    let by_id: BTreeMap<OrderId, i128> = orders
        .iter()
        .map(|order| (order.order, need(spec, order)))
        .collect();
    let counted = |order: &OpenOrder| {
        let asset = match order.side {
            Side::Buy => spec.quote,
            Side::Sell => spec.base,
        };
        let own = by_id[&order.order];
        match order.other {
            Some(other) if other < order.order => (asset, 0),
            Some(other) => (asset, own.max(by_id[&other])),
            None => (asset, own),
        }
    };
    orders.iter().map(counted).collect()
}

fn need(spec: &MarketSpec, order: &OpenOrder) -> i128 {
    let lots = i128::from(order.remaining.0);
    let price = match order.kind {
        OrderKind::Limit { price, .. }
        | OrderKind::LimitMaker { price, .. }
        | OrderKind::StopLimit { price, .. }
        | OrderKind::Stop {
            stop_price: price, ..
        } => price,
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => panic!("{order:?} cannot be open"),
    };
    match order.side {
        Side::Buy => lots * i128::from(price.0) * i128::from(spec.tick_value),
        Side::Sell => lots * i128::from(spec.lot_size),
    }
}
