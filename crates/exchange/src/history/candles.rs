//! Candles of any interval, however long ago, and balances by day.

use super::{History, HistoryError, ROWS_MAX};
use crate::market_data::{Candle, aggregate};
use crate::projection::{CANDLE_LENGTHS_MS, integer, read_candle};
use ensoex_types::{AccountId, Amount, AssetId, MarketId};

ensoex_sql::statements! {
    CANDLES;
    CANDLES_FROM =
        "SELECT * FROM candles WHERE market = $1 AND length_ms = $2 AND open_ms >= $3 AND open_ms <= $4
            ORDER BY open_ms LIMIT $5";
    CANDLES_UNTIL =
        "SELECT * FROM candles WHERE market = $1 AND length_ms = $2 AND open_ms <= $3 ORDER BY open_ms DESC LIMIT $4";
    DAYS =
        "SELECT day, total FROM balance_days WHERE account = $1 AND asset = $2 AND day >= $3 AND day <= $4
            ORDER BY day LIMIT $5";
}

/// What an account had of an asset at the end of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceDay {
    /// Days since 1970 (UTC).
    pub day: u32,
    /// Total, in smallest units.
    pub total: Amount,
}

impl History {
    /// Candles as [`crate::MarketData::candles`] gives them, but from the beginning of the market on: of a whole number of
    /// minutes, aligned to the Unix epoch, oldest first, none for intervals without trades, of stored candles that begin at or before `to_ms`; the first `limit` from a start on, or the last
    /// `limit` without one. At most [`ROWS_MAX`].
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn candles(
        &self,
        market: MarketId,
        interval_ms: u64,
        from_ms: Option<u64>,
        to_ms: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Candle>, HistoryError> {
        self.caught_up().await?;
        let lengths = CANDLE_LENGTHS_MS.into_iter().rev();
        let length = lengths
            .into_iter()
            .find(|length| interval_ms.is_multiple_of(*length))
            .unwrap_or(CANDLE_LENGTHS_MS[0]);
        let interval_ms = (interval_ms - interval_ms % length).max(length);
        let start = |at: u64| at - at % interval_ms;
        let limit = u64::from(limit.min(ROWS_MAX));
        // One interval more than asked for, because the first of the last ones may lack its beginning.
        let rows = limit.saturating_add(1).saturating_mul(interval_ms / length);
        let kept = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(from) = from_ms {
            let aligned = start(from.saturating_add(interval_ms - 1));
            let query = CANDLES_FROM
                .bind(i64::from(market.0))
                .bind(integer(length))
                .bind(integer(aligned))
                .bind(integer(to_ms.unwrap_or(u64::MAX)))
                .bind(integer(rows));
            let found = self.rows(query, read_candle).await?;
            return Ok(aggregate(found.iter(), start, kept));
        }
        let query = CANDLES_UNTIL
            .bind(i64::from(market.0))
            .bind(integer(length))
            .bind(integer(to_ms.unwrap_or(u64::MAX)))
            .bind(integer(rows));
        let mut found = self.rows(query, read_candle).await?;
        found.reverse();
        let mut candles = aggregate(found.iter(), start, usize::MAX);
        candles.drain(..candles.len().saturating_sub(kept));
        Ok(candles)
    }

    /// An account's total of an asset at the end of each day (UTC) at which it changed, oldest first, at most [`ROWS_MAX`].
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn balance_days(
        &self,
        account: AccountId,
        asset: AssetId,
        days: std::ops::RangeInclusive<u32>,
    ) -> Result<Vec<BalanceDay>, HistoryError> {
        self.caught_up().await?;
        let query = DAYS
            .bind(i64::from(account.0))
            .bind(i64::from(asset.0))
            .bind(i64::from(*days.start()))
            .bind(i64::from(*days.end()))
            .bind(i64::from(ROWS_MAX));
        self.rows(query, |row| {
            Ok(BalanceDay {
                day: u32::try_from(row.unsigned("day")?)
                    .map_err(|_| ensoex_sql::SqlError::malformed("day"))?,
                total: super::rows::amount(row, "total")?,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market_data::MarketData;
    use crate::projection::{Candles, PROJECTIONS};
    use ensoex_engine::{Event, Side, Trade};
    use ensoex_sim::random::Random;
    use ensoex_sql::{Address, Database};
    use ensoex_types::{OrderId, Price, Quantity, Sequence, Timestamp, TradeId};
    use tokio::sync::watch;

    const MARKET: MarketId = MarketId(0);
    const MINUTE_MS: u64 = 60_000;

    fn trade(number: u64, random: &mut Random) -> Trade {
        let (price, quantity) = (1 + random.below(1_000), 1 + random.below(50));
        Trade {
            trade: TradeId(number),
            market: MARKET,
            price: Price(price),
            quantity: Quantity(quantity),
            quote: Amount(i128::from(price * quantity)),
            taker_side: if random.below(2) == 0 {
                Side::Buy
            } else {
                Side::Sell
            },
            maker_order: OrderId(1),
            maker_account: AccountId(1_000),
            maker_remaining: Quantity(0),
            maker_fee: Amount::ZERO,
            taker_order: OrderId(2),
            taker_account: AccountId(1_001),
            taker_fee: Amount::ZERO,
        }
    }

    /// Stored in runs of any length, candles of every interval are those that memory gives.
    #[tokio::test]
    async fn stored_candles_are_those_of_memory() {
        let mut random = Random::new(7);
        let database = Database::open(&Address::memory(), &PROJECTIONS).await.unwrap();
        let (mut memory, mut candles) = (MarketData::default(), Candles::default());
        let mut at_ms = 20_000 * 86_400_000;
        let first = at_ms;
        for number in 1..2_000 {
            let pause_ms_max = match random.below(20) {
                0 => 400 * MINUTE_MS,
                _ => 40_000,
            };
            at_ms += random.below(pause_ms_max);
            let (trade, at) = (trade(number, &mut random), Timestamp(at_ms * 1_000));
            candles.traded(at, &trade);
            memory.record(at, &[Event::Trade(trade)]);
            if random.below(30) == 0 {
                let mut transaction = database.begin().await.unwrap();
                candles.write(&mut transaction).await.unwrap();
                transaction.commit().await.unwrap();
            }
        }
        let mut transaction = database.begin().await.unwrap();
        candles.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let (_applied, at_head) = watch::channel(Sequence(0));
        let history = History {
            database,
            applied: at_head.clone(),
            projected: at_head,
        };
        for minutes in [1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720, 1_440, 4_320] {
            let interval = minutes * MINUTE_MS;
            for round in 0..20 {
                let from = (round % 2 == 0).then(|| first + random.below(at_ms - first));
                let to = (round % 3 == 0).then(|| {
                    let inside = first + random.below(at_ms - first);
                    inside - inside % interval + interval - 1
                });
                let limit = 1 + u32::try_from(random.below(40)).unwrap();
                let expected = memory.candles(MARKET, interval, from, to, limit as usize);
                let found = history.candles(MARKET, interval, from, to, limit).await.unwrap();
                assert_eq!(
                    found, expected,
                    "{minutes} minutes from {from:?} to {to:?}, {limit}"
                );
                assert!(!found.is_empty() || to.is_some());
            }
        }
    }
}
