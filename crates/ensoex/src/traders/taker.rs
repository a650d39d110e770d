//! Takers: at random moments one of them sends a small market or immediate-or-cancel order.

use super::client::{TradeError, TradingClient};
use super::fair_ticks;
use super::market::Market;
use crate::random::Sequence;
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// Time between two orders in one market.
const PAUSE_MS_MIN: i64 = 600;
const PAUSE_MS_MAX: i64 = 1_800;
/// One part of the price by which an immediate-or-cancel order may be worse than fair.
const SLIPPAGE_PART: i64 = 1_000;
/// Value of an order in whole quote units of a market priced above 1,000; elsewhere times thirty.
const VALUE_MIN: i64 = 15;
const VALUE_MAX: i64 = 600;
/// How many orders keep to one side before the mood may turn.
const MOOD_ORDERS_MAX: i64 = 12;

/// Takes until it is dropped; `hurried` orders come without pauses at first.
pub(crate) async fn run(
    takers: Vec<TradingClient>,
    market: Market,
    shown: Arc<AtomicI64>,
    seed: u64,
    mut hurried: u32,
) {
    let mut random = Sequence::new(seed);
    let (mut buyers_percent, mut mood) = (50, 0);
    loop {
        if mood == 0 {
            mood = random.between(3, MOOD_ORDERS_MAX);
            buyers_percent = random.between(25, 75);
        }
        mood -= 1;
        if hurried > 0 {
            hurried -= 1;
        } else {
            let pause = random.between(PAUSE_MS_MIN, PAUSE_MS_MAX);
            tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
        }
        let who = random.between(0, i64::try_from(takers.len()).unwrap_or(1) - 1);
        let Some(taker) = usize::try_from(who).ok().and_then(|who| takers.get(who)) else {
            return;
        };
        let buys = random.chance(buyers_percent);
        // A refusal (an empty book, no balance) is no reason to wait longer than usual.
        if let Err(error) = take(taker, &market, fair_ticks(&shown), buys, &mut random).await
            && let Some(wait) = error.wait()
        {
            tokio::time::sleep(wait).await;
        }
    }
}

async fn take(
    client: &TradingClient,
    market: &Market,
    fair: i64,
    buys: bool,
    random: &mut Sequence,
) -> Result<(), TradeError> {
    let factor = if fair < market.ticks("1000").unwrap_or(i64::MAX) {
        30
    } else {
        1
    };
    // Small orders are more frequent than large ones.
    let largest = random.between(VALUE_MIN, VALUE_MAX);
    let value = random.between(VALUE_MIN, largest);
    let quantity = market.quantity(market.lots_worth(value * factor, fair));
    let side = if buys { "BUY" } else { "SELL" };
    let slippage = (fair / SLIPPAGE_PART).max(1);
    let price = market.price(if buys {
        fair + slippage
    } else {
        (fair - slippage).max(1)
    });
    let mut parameters = vec![
        ("symbol", market.symbol()),
        ("side", side),
        ("quantity", &quantity),
    ];
    if random.chance(60) {
        parameters.push(("type", "MARKET"));
    } else {
        parameters.extend([("type", "LIMIT"), ("timeInForce", "IOC"), ("price", &price)]);
    }
    parameters.push(("newOrderRespType", "ACK"));
    client
        .signed(Method::POST, "/api/v3/order", &parameters)
        .await
        .map(drop)
}
