//! A market maker: keeps a ladder of limit orders on both sides of the fair price, and moves it along.
//!
//! Each round it asks which of its orders rest, so it needs no memory and survives any restart.

use super::client::{TradeError, TradingClient};
use super::fair_price::FairPrice;
use super::market::Market;
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Orders on each side.
const LEVELS: i64 = 9;
/// Distance of the best quote from the fair price, as one part of it.
const HALF_SPREAD_PART: i64 = 8_000;
/// Distance between quotes, as one part of the price.
const GAP_PART: i64 = 4_500;
/// Time between rounds.
const ROUND_MS_MIN: i64 = 1_500;
const ROUND_MS_MAX: i64 = 2_500;
/// Orders cancelled and placed in one ordinary round; the first round fills both sides.
const CANCELS_MAX: usize = 3;
const PLACES_MAX: usize = 4;
/// Value of an order at the best level, in whole quote units of a market priced above 1,000; elsewhere times ten.
const LEVEL_VALUE_MIN: i64 = 300;
const LEVEL_VALUE_MAX: i64 = 2_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Buy,
    Sell,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Resting {
    order: String,
    side: Side,
    ticks: i64,
}

/// What a round does.
#[derive(Debug, Default, PartialEq, Eq)]
struct Round {
    cancel: Vec<String>,
    place: Vec<(Side, i64, i64)>,
}

/// Quotes until it is dropped. `ready` hears of the first complete ladder.
pub(crate) async fn run(
    client: TradingClient,
    market: Market,
    mut fair: FairPrice,
    shown: Arc<AtomicI64>,
    ready: oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    loop {
        let ticks = if ready.is_some() {
            fair.ticks()
        } else {
            fair.step()
        };
        match round(&client, &market, &mut fair, ticks, ready.is_some()).await {
            Ok(()) => {
                shown.store(ticks, Ordering::Relaxed);
                if let Some(ready) = ready.take() {
                    // Whoever asked may have given up.
                    let _ = ready.send(());
                }
            }
            Err(error) => tokio::time::sleep(error.wait().unwrap_or(Duration::from_secs(1))).await,
        }
        let pause = fair.random().between(ROUND_MS_MIN, ROUND_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
    }
}

async fn round(
    client: &TradingClient,
    market: &Market,
    fair: &mut FairPrice,
    ticks: i64,
    first: bool,
) -> Result<(), TradeError> {
    let open = client
        .signed(Method::GET, "/api/v3/openOrders", &[("symbol", market.symbol())])
        .await?;
    let resting: Vec<Resting> = open
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|order| read(order, market))
        .collect();
    let mut round = plan(&resting, ticks, market.reference());
    if !first {
        round.cancel.truncate(CANCELS_MAX);
        round.place.truncate(PLACES_MAX);
    }
    for order in &round.cancel {
        let cancelled = client
            .signed(
                Method::DELETE,
                "/api/v3/order",
                &[("symbol", market.symbol()), ("orderId", order)],
            )
            .await;
        ignore_refusal(cancelled)?;
    }
    for (side, level, price) in round.place {
        let value = fair.random().between(LEVEL_VALUE_MIN, LEVEL_VALUE_MAX) * (level + 2) / 2;
        // Sizes vary by market: one order is worth a few hundred to a few thousand.
        let quantity = market.quantity(market.lots_worth(value * value_factor(market, ticks), price));
        let price = market.price(price);
        let side = match side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        };
        let parameters = [
            ("symbol", market.symbol()),
            ("side", side),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", &quantity),
            ("price", &price),
            ("newOrderRespType", "ACK"),
        ];
        ignore_refusal(client.signed(Method::POST, "/api/v3/order", &parameters).await)?;
    }
    Ok(())
}

/// Cheap bases are dealt in larger values of their quote.
fn value_factor(market: &Market, ticks: i64) -> i64 {
    let thousand = market.ticks("1000").unwrap_or(i64::MAX);
    if ticks < thousand { 30 } else { 1 }
}

/// A refusal (filled meanwhile, no balance left) is settled by the next round; the rest is for the caller.
fn ignore_refusal(result: Result<Value, TradeError>) -> Result<(), TradeError> {
    match result {
        Err(TradeError::Refused { .. }) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

fn read(order: &Value, market: &Market) -> Option<Resting> {
    let number = order.get("orderId")?;
    let order_id = number
        .as_u64()
        .map(|id| id.to_string())
        .or_else(|| number.as_str().map(str::to_owned))?;
    let side = match order.get("side")?.as_str()? {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return None,
    };
    let ticks = market.ticks(order.get("price")?.as_str()?)?;
    Some(Resting {
        order: order_id,
        side,
        ticks,
    })
}

/// Which orders have lost their place, most harmful first, and which places are empty, the best first.
fn plan(resting: &[Resting], fair: i64, reference: i64) -> Round {
    let gap = (reference / GAP_PART).max(1);
    let half_spread = (reference / HALF_SPREAD_PART).max(1);
    let mut free: Vec<&Resting> = resting.iter().collect();
    let mut empty = Vec::new();
    for level in 0..LEVELS {
        for side in [Side::Buy, Side::Sell] {
            // Levels lie closer near the price, as they do where people trade.
            let distance = half_spread + gap * level * (level + 5) / 6;
            let price = match side {
                Side::Buy => fair - distance,
                Side::Sell => fair + distance,
            };
            let near =
                |order: &&Resting| order.side == side && (order.ticks - price).abs() <= gap * (level + 2) / 4;
            match free.iter().position(near) {
                Some(place) => drop(free.swap_remove(place)),
                None if price > 0 => empty.push((side, level, price)),
                None => {}
            }
        }
    }
    // How far an order lies on the wrong side of where it should be: crossed ones first, then the farthest.
    free.sort_by_key(|order| match order.side {
        Side::Buy => (order.ticks < fair, order.ticks),
        Side::Sell => (order.ticks > fair, -order.ticks),
    });
    Round {
        cancel: free.into_iter().map(|order| order.order.clone()).collect(),
        place: empty,
    }
}

#[cfg(test)]
mod tests {
    use super::{LEVELS, Resting, Round, Side, plan};

    fn settled(fair: i64) -> Vec<Resting> {
        let round = plan(&[], fair, 6_000_000);
        let place = |(index, (side, _, ticks)): (usize, &(Side, i64, i64))| Resting {
            order: index.to_string(),
            side: *side,
            ticks: *ticks,
        };
        round.place.iter().enumerate().map(place).collect()
    }

    #[test]
    fn an_empty_book_gets_a_ladder_that_does_not_cross() {
        let resting = settled(6_000_000);
        assert_eq!(resting.len() as i64, 2 * LEVELS);
        for order in &resting {
            match order.side {
                Side::Buy => assert!(order.ticks < 6_000_000),
                Side::Sell => assert!(order.ticks > 6_000_000),
            }
        }
        let mut prices: Vec<i64> = resting.iter().map(|order| order.ticks).collect();
        prices.sort_unstable();
        prices.dedup();
        assert_eq!(prices.len() as i64, 2 * LEVELS);
    }

    #[test]
    fn a_ladder_in_its_place_is_left_alone() {
        assert_eq!(plan(&settled(6_000_000), 6_000_000, 6_000_000), Round::default());
        let slightly = plan(&settled(6_000_000), 6_000_100, 6_000_000);
        assert_eq!(slightly, Round::default());
    }

    #[test]
    fn a_moved_price_cancels_what_would_cross_first() {
        let resting = settled(6_000_000);
        let round = plan(&resting, 6_010_000, 6_000_000);
        assert!(!round.cancel.is_empty() && !round.place.is_empty());
        let first = &round.cancel[0];
        let first = resting
            .iter()
            .find(|order| &order.order == first)
            .expect("one of them");
        assert!(first.side == Side::Sell && first.ticks < 6_010_000, "{first:?}");
        assert_eq!(round.place[0].1, 0, "the best place is filled first");
        assert_eq!(
            resting.len() - round.cancel.len() + round.place.len(),
            resting.len()
        );
    }

    #[test]
    fn prices_stay_positive() {
        assert!(plan(&[], 3, 3).place.iter().all(|(_, _, ticks)| *ticks > 0));
    }
}
