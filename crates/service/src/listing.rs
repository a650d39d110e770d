//! The assets and markets that a new exchange starts with.

use crate::problem::Problem;
use ensoex_engine::Command;
use ensoex_exchange::Exchange;
use ensoex_types::{
    Amount, AssetId, AssetSpec, FeeRate, FeeRates, MarketId, MarketSpec, Price, PriceBand, Quantity,
};

const SCALE: u8 = 8;
/// One whole unit of an asset, in its smallest units.
const ONE: i128 = 100_000_000;
/// From a fifth of the last price to five times it.
const PRICE_BAND: PriceBand = PriceBand {
    below: 800_000,
    above: 4_000_000,
};
/// Fees by tier: 0.10 % and 0.20 % without one, less with each.
const TIERS: [FeeRates; 4] = [
    tier(1_000, 2_000),
    tier(800, 1_600),
    tier(500, 1_000),
    tier(200, 600),
];

const fn tier(maker: u32, taker: u32) -> FeeRates {
    FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    }
}

/// Lists them unless something is listed already.
pub(crate) async fn list_first_markets(exchange: &Exchange) -> Result<(), Problem> {
    if exchange.read(|engine| !engine.assets().is_empty()) {
        return Ok(());
    }
    let codes = ["EUR", "UAH", "BTC", "ETH"];
    let [eur, uah, btc, eth] = [AssetId(0), AssetId(1), AssetId(2), AssetId(3)];
    let mut commands = Vec::new();
    for (asset, code) in [eur, uah, btc, eth].into_iter().zip(codes) {
        commands.push(Command::ListAsset {
            asset,
            spec: AssetSpec {
                code: code.to_owned(),
                scale: SCALE,
            },
        });
    }
    // Tick 0.01 and lot 0.00001: one lot at one tick is 0.0000001 quote, 10 smallest units.
    let bitcoin = MarketSpec {
        symbol: "BTCEUR".to_owned(),
        base: btc,
        quote: eur,
        lot_size: 1_000,
        tick_value: 10,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1_000_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(100_000_000),
        notional_min: Amount(5 * ONE),
        notional_max: Amount(5_000_000 * ONE),
        price_band: Some(PRICE_BAND),
        orders_per_account_max: 200,
        stops_per_account_max: 20,
        fees: TIERS.to_vec(),
    };
    // Tick 0.01 and lot 0.0001: one lot at one tick is 0.000001 quote, 100 smallest units.
    let ether = MarketSpec {
        symbol: "ETHEUR".to_owned(),
        base: eth,
        lot_size: 10_000,
        tick_value: 100,
        price_max: Price(100_000_000),
        quantity_max: Quantity(100_000_000),
        ..bitcoin.clone()
    };
    // Tick 0.001 and lot 0.01: one lot at one tick is 0.00001 quote, 1,000 smallest units.
    let hryvnia = MarketSpec {
        symbol: "EURUAH".to_owned(),
        base: eur,
        quote: uah,
        lot_size: 1_000_000,
        tick_value: 1_000,
        price_scale: 3,
        price_max: Price(1_000_000),
        quantity_max: Quantity(1_000_000_000),
        notional_min: Amount(200 * ONE),
        notional_max: Amount(200_000_000 * ONE),
        ..bitcoin.clone()
    };
    for (market, spec) in (0..).map(MarketId).zip([bitcoin, ether, hryvnia]) {
        commands.push(Command::ListMarket {
            market,
            spec: Box::new(spec),
        });
    }
    let outcomes = exchange.submit_all(commands).await?;
    if let Some(reject) = outcomes.iter().find_map(|outcome| outcome.reject()) {
        tracing::error!(?reject, "the first markets could not be listed");
    }
    Ok(())
}
