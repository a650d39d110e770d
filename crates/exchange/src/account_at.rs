//! Time travel: what an account had, and which of its orders were open, right after any past command.
//!
//! Two independent ways lead to the same answer. [`crate::Exchange::account_at`] asks the projections, at a cost that
//! does not grow with the history (see `span.rs`); [`crate::replay::engine_at`] applies the log to an empty engine up to
//! that command, which needs nothing but the log. A randomised test holds them equal. Knows no persons.

use crate::error::ExchangeError;
use crate::history::{History, HistoryError};
use ensoex_engine::{Balance, Engine, OpenOrder, OrderKind, Side};
use ensoex_types::{AccountId, Amount, AssetId, MarketId, Sequence, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// How old a time after the last command must be, so that no command stamped before it can still come.
pub const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// A moment of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Right after this command.
    Sequence(Sequence),
    /// After every command that was stamped at or before this time. Where a clock went backwards, the greatest stamp so
    /// far counts.
    Time(Timestamp),
}

/// An account at a moment of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAt {
    /// The last command that this includes.
    pub sequence: Sequence,
    /// When that was stamped.
    pub at: Timestamp,
    /// Every asset that was listed, by id.
    pub balances: Vec<AssetBalance>,
    /// Oldest first (by time, then market, then id), as [`Engine::open_orders`] gave them.
    pub open_orders: Vec<OpenOrder>,
}

/// What an account had of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetBalance {
    /// Of what.
    pub asset: AssetId,
    /// How much.
    pub balance: Balance,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AccountAtError {
    /// There was nothing yet.
    #[error("that is before the first command: ask for sequence 1 or later, or for a later time")]
    BeforeFirst,
    /// There is no such command yet.
    #[error("sequence {asked} is not there yet: the last command is sequence {head}")]
    SequenceBeyondHead {
        /// The sequence asked for.
        asked: Sequence,
        /// The last one that there is.
        head: Sequence,
    },
    /// Commands stamped before that time may still come, or are not known here.
    #[error(
        "that time is beyond what is known: the last command is sequence {head}, stamped at {at} microseconds since 1970 (UTC)"
    )]
    TimeBeyondHead {
        /// The last command that there is.
        head: Sequence,
        /// When it was stamped.
        at: Timestamp,
    },
    /// The account was opened later, or never.
    #[error("the account was not open at sequence {sequence}")]
    NotOpen {
        /// The sequence asked for.
        sequence: Sequence,
    },
    /// The projections cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ExchangeError),
}

impl AccountAt {
    /// The account as the engine has it now, which applied a command stamped `at` last. None if it is not open.
    pub fn of_engine(engine: &Engine, account: AccountId, at: Timestamp) -> Option<AccountAt> {
        let assets = u16::try_from(engine.assets().len()).unwrap_or(u16::MAX);
        let balance = |asset| AssetBalance {
            asset,
            balance: engine.balance(account, asset),
        };
        engine.has_account(account).then(|| AccountAt {
            sequence: engine.sequence(),
            at,
            balances: (0..assets).map(AssetId).map(balance).collect(),
            open_orders: engine.open_orders(account, None),
        })
    }
}

/// What of a market decides how much an order holds.
#[derive(Clone, Copy)]
pub(crate) struct HoldUnits {
    base: AssetId,
    quote: AssetId,
    lot_size: u64,
    tick_value: u64,
}

impl HoldUnits {
    pub(crate) fn of(engine: &Engine, market: MarketId) -> Option<HoldUnits> {
        let spec = engine.market(market)?;
        Some(HoldUnits {
            base: spec.base,
            quote: spec.quote,
            lot_size: spec.lot_size,
            tick_value: spec.tick_value,
        })
    }

    /// What an open order holds by itself: a buy its limit price (else its stop price) times what remains, in quote; a
    /// sell what remains, in base.
    fn need(self, order: &OpenOrder) -> (AssetId, Amount) {
        let price = match order.kind {
            OrderKind::Limit { price, .. }
            | OrderKind::LimitMaker { price, .. }
            | OrderKind::StopLimit { price, .. } => price,
            OrderKind::Stop { stop_price, .. } => stop_price,
            OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => Default::default(),
        };
        let lots = i128::from(order.remaining.0);
        match order.side {
            Side::Buy => {
                let lot_price = i128::from(price.0).saturating_mul(i128::from(self.tick_value));
                (self.quote, Amount(lot_price.saturating_mul(lots)))
            }
            Side::Sell => (self.base, Amount(lots.saturating_mul(i128::from(self.lot_size)))),
        }
    }
}

/// What open orders hold, by asset. Two orders of a living list hold the greater of their needs, once.
pub(crate) fn held_by_orders(
    orders: &[OpenOrder],
    units: impl Fn(MarketId) -> Option<HoldUnits>,
) -> BTreeMap<AssetId, Amount> {
    let need = |order: &OpenOrder| units(order.market).map(|units| units.need(order));
    let mut held: BTreeMap<AssetId, Amount> = BTreeMap::new();
    for order in orders {
        let Some((asset, mut amount)) = need(order) else {
            continue;
        };
        if let Some(other) = order.other {
            // Counted with the older of the two.
            if other < order.order {
                continue;
            }
            let other = orders
                .iter()
                .find(|found| (found.market, found.order) == (order.market, other));
            amount = amount.max(other.and_then(need).map_or(Amount::ZERO, |(_, amount)| amount));
        }
        let sum = held.entry(asset).or_default();
        sum.0 = sum.0.saturating_add(amount.0);
    }
    held
}

impl History {
    /// See [`crate::Exchange::account_at`]; `now` is the wall clock's.
    pub(crate) async fn account_at(
        &self,
        account: AccountId,
        at: At,
        now: Timestamp,
        units: impl Fn(MarketId) -> Option<HoldUnits>,
    ) -> Result<AccountAt, AccountAtError> {
        let (sequence, at) = self.locate(at, now).await?;
        if account >= AccountId::FIRST_USER && !self.was_open(account, sequence).await? {
            return Err(AccountAtError::NotOpen { sequence });
        }
        let open_orders = self.open_orders_at(account, sequence).await?;
        let mut held = held_by_orders(&open_orders, units);
        for (asset, amount) in self.holds_at(account, sequence).await? {
            let sum = held.entry(asset).or_default();
            sum.0 = sum.0.saturating_add(amount.0);
        }
        let balances = self.totals_at(account, sequence).await?.into_iter();
        let balances = balances.map(|(asset, total)| {
            let held = held.get(&asset).copied().unwrap_or_default();
            let available = Amount(total.0.saturating_sub(held.0));
            AssetBalance {
                asset,
                balance: Balance { available, held },
            }
        });
        Ok(AccountAt {
            sequence,
            at,
            balances: balances.collect(),
            open_orders,
        })
    }

    /// The command that a moment comes right after, and its stamp.
    pub(crate) async fn locate(
        &self,
        at: At,
        now: Timestamp,
    ) -> Result<(Sequence, Timestamp), AccountAtError> {
        let head = self.caught_up().await?;
        match at {
            At::Sequence(Sequence(0)) => Err(AccountAtError::BeforeFirst),
            At::Sequence(asked) if asked > head => Err(AccountAtError::SequenceBeyondHead { asked, head }),
            At::Sequence(asked) => {
                let stamped = self.stamp_of(asked).await?;
                Ok((asked, stamped.ok_or(AccountAtError::BeforeFirst)?))
            }
            At::Time(time) => {
                let (sequence, stamped) = self.last_before(time).await?.ok_or(AccountAtError::BeforeFirst)?;
                let settled = Timestamp(now.0.saturating_sub(micros(SETTLED_AFTER)));
                // Stamps only ever grow, so nothing can be put in before one that is there.
                if sequence >= head && time > stamped && time > settled {
                    return Err(AccountAtError::TimeBeyondHead { head, at: stamped });
                }
                Ok((sequence, stamped))
            }
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
