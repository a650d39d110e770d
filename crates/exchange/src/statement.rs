//! Statements: what an account had of each asset before a period, every change in it, and what it had after.
//!
//! A period is a range of commands; times are turned into commands first, so that a statement for a period that is over never
//! changes. What it opens with is what [`crate::Exchange::account_at`] answers for the moment right before, and what it
//! closes with is what that answers for its end. Knows no calendar, file format or person.

use crate::account_at::{AccountAtError, At, HoldUnits};
use crate::history::{EntryRow, History, HistoryError, ROWS_MAX};
use ensoex_engine::Balance;
use ensoex_types::{AccountId, Amount, AssetId, MarketId, Sequence, Timestamp};
use std::collections::BTreeMap;

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First command or time that belongs to it; the beginning of the log when none.
    pub from: Option<At>,
    /// Last command or time that belongs to it; now when none. A time that has not settled yet is cut off at the last
    /// command that there is.
    pub to: Option<At>,
}

/// An account's statement without its entries, which are read page by page ([`History::statement_entries`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub account: AccountId,
    /// First command of the period.
    pub first: Sequence,
    /// Last command of the period; one before `first` when nothing at all happened in it.
    pub last: Sequence,
    /// When the last command up to the end was stamped.
    pub at: Timestamp,
    /// Nothing can be added any more: asked again, the same statement comes.
    pub settled: bool,
    /// Every asset asked for that was listed by the end, by id.
    pub assets: Vec<AssetStatement>,
    /// Entries in the period, counted up to one more than was allowed.
    pub entries: u64,
}

/// One asset of a statement, in smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetStatement {
    /// Of what.
    pub asset: AssetId,
    /// Total right before the period.
    pub opening: Amount,
    /// Right after it.
    pub closing: Balance,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The end lies before the beginning.
    #[error("the period ends before it begins: give a later end")]
    Backwards,
    /// There is no such moment, or nothing can be read.
    #[error(transparent)]
    Moment(#[from] AccountAtError),
}

impl AssetStatement {
    /// Total right after the period.
    pub fn closing_total(&self) -> Amount {
        Amount(self.closing.available.0.saturating_add(self.closing.held.0))
    }
}

/// A place in an asset's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryPlace {
    pub(crate) sequence: Sequence,
    pub(crate) entry: i64,
}

impl EntryPlace {
    /// Right after this entry.
    pub fn after(entry: &EntryRow) -> EntryPlace {
        EntryPlace {
            sequence: entry.sequence,
            entry: entry.entry,
        }
    }
}

impl History {
    /// See [`crate::Exchange::statement`]; `now` is the wall clock's.
    pub(crate) async fn statement(
        &self,
        account: AccountId,
        asset: Option<AssetId>,
        period: Period,
        entries_max: u64,
        now: Timestamp,
        units: impl Fn(MarketId) -> Option<HoldUnits>,
    ) -> Result<Statement, StatementError> {
        let backwards = match (period.from, period.to) {
            (Some(At::Time(from)), Some(At::Time(to))) => from > to,
            (Some(At::Sequence(from)), Some(At::Sequence(to))) => from > to,
            _ => false,
        };
        if backwards {
            return Err(StatementError::Backwards);
        }
        let (last, settled) = self.period_end(period.to, now).await?;
        let first = self.period_start(period.from, last).await?;
        if first.0 > last.0.saturating_add(1) {
            return Err(StatementError::Backwards);
        }
        let closing = self.account_at(account, At::Sequence(last), now, units).await?;
        let before = Sequence(first.0.saturating_sub(1));
        let opening: BTreeMap<AssetId, Amount> = match before {
            Sequence(0) => BTreeMap::new(),
            before => self
                .totals_at(account, before)
                .await
                .map_err(AccountAtError::from)?
                .into_iter()
                .collect(),
        };
        let asked = closing
            .balances
            .iter()
            .filter(|one| asset.is_none_or(|asset| asset == one.asset));
        let assets = asked.map(|one| AssetStatement {
            asset: one.asset,
            opening: opening.get(&one.asset).copied().unwrap_or_default(),
            closing: one.balance,
        });
        let mut statement = Statement {
            account,
            first,
            last,
            at: closing.at,
            settled,
            assets: assets.collect(),
            entries: 0,
        };
        for asset in &statement.assets {
            let left = entries_max.saturating_add(1).saturating_sub(statement.entries);
            let counted = self.count_entries(&statement, asset.asset, left).await;
            statement.entries += counted.map_err(AccountAtError::from)?;
        }
        Ok(statement)
    }

    /// The last command of a period, and whether none can come into it any more.
    async fn period_end(&self, to: Option<At>, now: Timestamp) -> Result<(Sequence, bool), AccountAtError> {
        match to {
            None => Ok((self.some_command().await?, false)),
            Some(at) => match self.locate(at, now).await {
                Ok((sequence, _)) => Ok((sequence, true)),
                Err(AccountAtError::TimeBeyondHead { head, .. }) => Ok((head, false)),
                Err(error) => Err(error),
            },
        }
    }

    /// The first command of a period that ends with `last`.
    async fn period_start(&self, from: Option<At>, last: Sequence) -> Result<Sequence, AccountAtError> {
        match from {
            None => Ok(Sequence(1)),
            Some(At::Sequence(Sequence(0))) => Err(AccountAtError::BeforeFirst),
            Some(At::Sequence(asked)) => {
                let head = self.some_command().await?;
                if asked > head {
                    return Err(AccountAtError::SequenceBeyondHead { asked, head });
                }
                Ok(asked)
            }
            Some(At::Time(time)) => {
                let before = Timestamp(time.0.saturating_sub(1));
                let found = self.last_before(before).await?;
                // What came after the end meanwhile is not looked at.
                let before = found.map_or(0, |(sequence, _)| sequence.0.min(last.0));
                Ok(Sequence(before.saturating_add(1)))
            }
        }
    }

    async fn some_command(&self) -> Result<Sequence, AccountAtError> {
        match self.caught_up().await? {
            Sequence(0) => Err(AccountAtError::BeforeFirst),
            head => Ok(head),
        }
    }

    /// Entries of one asset of a statement, oldest first, from a place on; at most `limit` and [`ROWS_MAX`].
    ///
    /// # Errors
    /// [`HistoryError`] when they cannot be read.
    pub async fn statement_entries(
        &self,
        statement: &Statement,
        asset: AssetId,
        from: EntryPlace,
        limit: u32,
    ) -> Result<Vec<EntryRow>, HistoryError> {
        self.entries_between(statement, asset, from, limit.min(ROWS_MAX))
            .await
    }
}
