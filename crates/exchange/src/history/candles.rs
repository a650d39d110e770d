//! What the projections know of a market's candles, and balances by day.

use super::{History, HistoryError, ROWS_MAX};
use crate::candles::{CandleRange, Candles, STORED_CANDLES_MAX};
use crate::market_data::{Candle, Remembered};
use crate::projection::{CANDLE_LENGTHS_MS, integer, read_candle};
use ensoex_types::{AccountId, Amount, AssetId, MarketId};

ensoex_sql::statements! {
    CANDLES;
    CANDLES_BETWEEN =
        "SELECT * FROM candles WHERE market = $1 AND length_ms = $2 AND open_ms >= $3 AND open_ms <= $4
            ORDER BY open_ms LIMIT $5";
    LAST_CANDLE_BEFORE =
        "SELECT * FROM candles WHERE market = $1 AND length_ms = $2 AND open_ms < $3 ORDER BY open_ms DESC LIMIT 1";
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
    /// Puts what was forgotten before what is `remembered`. Waits for nothing: that the projections are somewhere within what
    /// memory has is enough.
    pub(crate) async fn candles(
        &self,
        wanted: &CandleRange,
        remembered: Remembered,
    ) -> Result<Candles, HistoryError> {
        let Remembered {
            from_ms,
            mut before,
            mut candles,
        } = remembered;
        let begins_earlier = wanted.first_ms < from_ms;
        if from_ms > 0 && (begins_earlier || before.is_none()) {
            // Trades are projected in their order, so once a minute is there all before it are.
            let newest = self.last_minute_before(wanted.market, u64::MAX).await?;
            if newest.is_none_or(|newest| newest.open_ms < from_ms) {
                return Err(HistoryError::Behind);
            }
            let earlier = self.last_minute_before(wanted.market, wanted.first_ms);
            before = earlier.await?.map(|minute| minute.close);
        }
        if begins_earlier {
            let query = CANDLES_BETWEEN
                .bind(i64::from(wanted.market.0))
                .bind(integer(wanted.unit_ms))
                .bind(integer(wanted.first_ms))
                .bind(integer(wanted.last_ms.min(from_ms - 1)))
                .bind(integer(STORED_CANDLES_MAX));
            let stored = self.rows(query, read_candle).await?;
            candles = wanted.aggregate(stored.iter().chain(&candles));
        }
        Ok(Candles { before, candles })
    }

    async fn last_minute_before(
        &self,
        market: MarketId,
        before_ms: u64,
    ) -> Result<Option<Candle>, HistoryError> {
        let query = LAST_CANDLE_BEFORE
            .bind(i64::from(market.0))
            .bind(integer(CANDLE_LENGTHS_MS[0]))
            .bind(integer(before_ms));
        Ok(self.rows(query, read_candle).await?.pop())
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
    use crate::market_data::{MINUTES_MAX, MarketData};
    use crate::projection::{Candles as Projected, PROJECTIONS};
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

    /// Every trade, put together the plain way.
    fn plain(trades: &[(u64, Trade)], interval: u64, first: u64, last: u64) -> Candles {
        let start = |at: u64| at - at % interval;
        let before = trades.iter().rfind(|(at, _)| *at < first);
        let mut candles: Vec<Candle> = Vec::new();
        for (at, trade) in trades {
            let minute = at - at % MINUTE_MS;
            if start(*at) < first || minute > last {
                continue;
            }
            let one = Candle {
                open_ms: start(*at),
                ..Candle::of_trade(trade, *at, MINUTE_MS)
            };
            match candles.last_mut() {
                Some(candle) if candle.open_ms == one.open_ms => candle.merge(&one),
                _ => candles.push(one),
            }
        }
        Candles {
            before: before.map(|(_, trade)| trade.price),
            candles,
        }
    }

    /// Where memory has forgotten most, and the projections lack what came last, both together have every trade once.
    #[tokio::test]
    async fn memory_and_projections_have_every_trade_once() {
        let mut random = Random::new(7);
        let database = Database::open(&Address::memory(), &PROJECTIONS).await.unwrap();
        let (mut memory, mut stored) = (MarketData::default(), Projected::default());
        let mut at_ms = 20_000 * 86_400_000 + 3 * 3_600_000;
        let first = at_ms;
        let mut trades = Vec::new();
        let count = MINUTES_MAX as u64 + 3_000;
        for number in 1..=count {
            at_ms += match random.below(100) {
                0 => random.below(100 * MINUTE_MS),
                _ => MINUTE_MS - 5_000 + random.below(10_000),
            };
            let (trade, at) = (trade(number, &mut random), Timestamp(at_ms * 1_000));
            memory.record(at, &[Event::Trade(trade)]);
            trades.push((at_ms, trade));
        }
        let (_applied, at_head) = watch::channel(Sequence(0));
        let history = History {
            database: database.clone(),
            applied: at_head.clone(),
            projected: at_head,
        };
        let ask = async |minutes: u64, from: u64, to: u64| {
            let wanted = CandleRange::new(MARKET, minutes * MINUTE_MS, from..=to);
            let remembered = memory.remembered(&wanted);
            (remembered.from_ms, history.candles(&wanted, remembered).await)
        };
        // Nothing is projected: what memory has is there, what it has forgotten is missing and said to be.
        let (seam, all) = ask(1, 0, u64::MAX).await;
        assert!(first < seam && seam < at_ms, "memory has forgotten");
        assert!(matches!(all, Err(HistoryError::Behind)), "{all:?}");
        let newest = ask(1, seam + MINUTE_MS * 60, u64::MAX).await.1.unwrap();
        assert_eq!(newest, plain(&trades, MINUTE_MS, seam + MINUTE_MS * 60, u64::MAX));
        // Projected as far as memory reaches back, but no further than that.
        let within = trades.partition_point(|(at, _)| *at < seam + 100 * MINUTE_MS);
        let (early, late) = trades.split_at(within);
        for part in [early, late] {
            for (at, trade) in part {
                stored.traded(Timestamp(at * 1_000), trade);
            }
            let mut transaction = database.begin().await.unwrap();
            stored.write(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
            for minutes in [1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720] {
                let interval = minutes * MINUTE_MS;
                for round in 0..6 {
                    let from = first - MINUTE_MS + random.below(at_ms - first);
                    let to = match round % 2 {
                        0 => u64::MAX,
                        _ => from - from % interval + interval * (1 + random.below(400)) - 1,
                    };
                    let aligned = from.next_multiple_of(interval);
                    assert_eq!(
                        ask(minutes, from, to).await.1.unwrap(),
                        plain(&trades, interval, aligned, to),
                        "{minutes} minutes from {from} to {to}"
                    );
                }
            }
        }
        for days in [1, 3] {
            let interval = days * 24 * 60 * MINUTE_MS;
            let all = ask(days * 24 * 60, 0, u64::MAX).await.1.unwrap();
            assert_eq!(all, plain(&trades, interval, 0, u64::MAX), "{days} days");
        }
    }

    #[test]
    fn a_range_has_a_limit() {
        let wanted = CandleRange::new(MARKET, 30 * MINUTE_MS, 1..=u64::MAX);
        assert_eq!(wanted.first_ms, 30 * MINUTE_MS);
        assert_eq!(
            (wanted.last_ms + 1 - wanted.first_ms) / wanted.unit_ms,
            STORED_CANDLES_MAX
        );
    }
}
