//! Ledger entries with running totals, and what is held for transfers to come. Knows nothing of orders.

use super::{Origin, Units, id, integer};
use crate::span::{LASTING, node};
use ensoex_engine::{Side, Trade, TransferCode};
use ensoex_sql::{SqlError, Transaction};
use ensoex_types::{AccountId, Amount, AssetId, Quantity, Sequence, TransferId};
use std::collections::BTreeMap;

/// Running totals kept in memory; beyond, they are read from the table again.
const TOTALS_KEPT_MAX: usize = 100_000;
const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

ensoex_sql::statements! {
    STATEMENTS;
    INSERT_ENTRY =
        "INSERT INTO entries (entry, sequence, account, asset, amount, total, code, reference, corrects, at_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    LAST_TOTAL = "SELECT total FROM entries WHERE account = $1 AND asset = $2 ORDER BY sequence DESC, entry DESC LIMIT 1";
    HOLD_BEGAN = "SELECT from_sequence FROM hold_spans WHERE node = $1 AND account = $2 AND transfer = $3";
    END_HOLD = "UPDATE hold_spans SET node = $1, to_sequence = $2 WHERE node = $3 AND account = $4 AND transfer = $5";
    INSERT_HOLD =
        "INSERT INTO hold_spans (node, account, transfer, asset, amount, from_sequence)
            VALUES ($1, $2, $3, $4, $5, $6)";
    LAST_ENTRY = "SELECT MAX(entry) FROM entries";
    PUT_DAY =
        "INSERT INTO balance_days (account, asset, day, total) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account, asset, day) DO UPDATE SET total = excluded.total";
}

/// Writes the ledger's tables.
#[derive(Default)]
pub(super) struct Ledger {
    totals: BTreeMap<(AccountId, AssetId), Amount>,
    /// Number of the last entry; none before it was read from the table.
    last_entry: Option<i64>,
    /// By account, asset and day: the last total that this run of commands gave.
    days: BTreeMap<(AccountId, AssetId, u64), Amount>,
}

/// A posted transfer.
pub(super) struct Moved {
    pub(super) transfer: TransferId,
    pub(super) debit: AccountId,
    pub(super) credit: AccountId,
    pub(super) asset: AssetId,
    pub(super) amount: Amount,
    pub(super) code: TransferCode,
}

/// One change of a total.
struct Entry<'a> {
    account: AccountId,
    asset: AssetId,
    amount: Amount,
    code: &'a str,
    reference: &'a str,
    corrects: Option<&'a str>,
}

impl Ledger {
    /// Both sides of a transfer.
    pub(super) async fn posted(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        moved: Moved,
    ) -> Result<(), SqlError> {
        let reference = transfer_text(moved.transfer);
        let corrects = match moved.code {
            TransferCode::Correction { of } => Some(transfer_text(of)),
            _ => None,
        };
        for (account, amount) in [
            (moved.debit, Amount(-moved.amount.0)),
            (moved.credit, moved.amount),
        ] {
            let entry = Entry {
                account,
                asset: moved.asset,
                amount,
                code: transfer_code(moved.code),
                reference: &reference,
                corrects: corrects.as_deref(),
            };
            self.entry(transaction, origin, entry).await?;
        }
        Ok(())
    }

    /// What a trade and its fees moved.
    pub(super) async fn traded(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        units: Units,
        trade: &Trade,
    ) -> Result<(), SqlError> {
        let base = base_amount(trade.quantity, units.lot_size);
        let maker = (trade.maker_account, trade.maker_fee);
        let taker = (trade.taker_account, trade.taker_fee);
        let (buyer, seller) = if trade.taker_side == Side::Buy {
            (taker, maker)
        } else {
            (maker, taker)
        };
        let reference = format!("{}-{}", trade.market.0, trade.trade.0);
        let minus = |amount: Amount| Amount(-amount.0);
        for (account, asset, amount, code) in [
            (buyer.0, units.base, base, "trade"),
            (buyer.0, units.quote, minus(trade.quote), "trade"),
            (buyer.0, units.base, minus(buyer.1), "fee"),
            (seller.0, units.base, minus(base), "trade"),
            (seller.0, units.quote, trade.quote, "trade"),
            (seller.0, units.quote, minus(seller.1), "fee"),
            (AccountId::FEES, units.base, buyer.1, "fee"),
            (AccountId::FEES, units.quote, seller.1, "fee"),
        ] {
            if amount != Amount::ZERO {
                let entry = Entry {
                    account,
                    asset,
                    amount,
                    code,
                    reference: &reference,
                    corrects: None,
                };
                self.entry(transaction, origin, entry).await?;
            }
        }
        Ok(())
    }

    async fn entry(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        entry: Entry<'_>,
    ) -> Result<(), SqlError> {
        let before = self.total(transaction, entry.account, entry.asset).await?;
        let total = Amount(before.0.saturating_add(entry.amount.0));
        self.totals.insert((entry.account, entry.asset), total);
        let day = origin.at.0 / DAY_US;
        self.days.insert((entry.account, entry.asset, day), total);
        let number = self.next_entry(transaction).await?;
        transaction
            .execute(
                INSERT_ENTRY
                    .bind(number)
                    .bind(integer(origin.sequence.0))
                    .bind(id(entry.account))
                    .bind(i64::from(entry.asset.0))
                    .bind(entry.amount.0.to_string())
                    .bind(total.0.to_string())
                    .bind(entry.code)
                    .bind(entry.reference)
                    .bind(entry.corrects)
                    .bind(integer(origin.at.0)),
            )
            .await?;
        Ok(())
    }

    /// Writes what each account had at the end of the days that this run of commands touched.
    pub(super) async fn write_days(&mut self, transaction: &mut Transaction) -> Result<(), SqlError> {
        for ((account, asset, day), total) in std::mem::take(&mut self.days) {
            let put = PUT_DAY
                .bind(id(account))
                .bind(i64::from(asset.0))
                .bind(integer(day))
                .bind(total.0.to_string());
            transaction.execute(put).await?;
        }
        Ok(())
    }

    /// Entries are numbered without gaps, whatever the database would number and undo.
    async fn next_entry(&mut self, transaction: &mut Transaction) -> Result<i64, SqlError> {
        let last = match self.last_entry {
            Some(last) => last,
            None => {
                let last: Option<i64> = transaction.fetch_value(LAST_ENTRY).await?;
                last.unwrap_or_default()
            }
        };
        self.last_entry = Some(last + 1);
        Ok(last + 1)
    }

    async fn total(
        &mut self,
        transaction: &mut Transaction,
        account: AccountId,
        asset: AssetId,
    ) -> Result<Amount, SqlError> {
        if let Some(total) = self.totals.get(&(account, asset)) {
            return Ok(*total);
        }
        if self.totals.len() >= TOTALS_KEPT_MAX {
            self.totals.clear();
        }
        let last: Option<String> = transaction
            .fetch_optional_value(LAST_TOTAL.bind(id(account)).bind(i64::from(asset.0)))
            .await?;
        match last {
            None => Ok(Amount::ZERO),
            Some(text) => text.parse().map(Amount).map_err(|_| SqlError::malformed("total")),
        }
    }

    /// What was held for a transfer was moved or went back.
    pub(super) async fn hold_ended(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        account: AccountId,
        transfer: TransferId,
    ) -> Result<(), SqlError> {
        let transfer = transfer_text(transfer);
        let from: i64 = transaction
            .fetch_value(
                HOLD_BEGAN
                    .bind(integer(LASTING))
                    .bind(id(account))
                    .bind(&transfer),
            )
            .await?;
        let to = Sequence(origin.sequence.0.saturating_sub(1));
        transaction
            .execute(
                END_HOLD
                    .bind(integer(node(
                        Sequence(u64::try_from(from).unwrap_or_default()),
                        to,
                    )))
                    .bind(integer(to.0))
                    .bind(integer(LASTING))
                    .bind(id(account))
                    .bind(&transfer),
            )
            .await?;
        Ok(())
    }
}

/// Money is held for a transfer to come.
pub(super) async fn hold_began(
    transaction: &mut Transaction,
    origin: Origin,
    account: AccountId,
    transfer: TransferId,
    (asset, amount): (AssetId, Amount),
) -> Result<(), SqlError> {
    transaction
        .execute(
            INSERT_HOLD
                .bind(integer(LASTING))
                .bind(id(account))
                .bind(transfer_text(transfer))
                .bind(i64::from(asset.0))
                .bind(amount.0.to_string())
                .bind(integer(origin.sequence.0)),
        )
        .await?;
    Ok(())
}

fn base_amount(quantity: Quantity, lot_size: u64) -> Amount {
    Amount(i128::from(quantity.0).saturating_mul(i128::from(lot_size)))
}

fn transfer_code(code: TransferCode) -> &'static str {
    match code {
        TransferCode::Deposit => "deposit",
        TransferCode::Withdrawal => "withdrawal",
        TransferCode::Capital => "capital",
        TransferCode::Internal => "internal",
        TransferCode::Correction { .. } => "correction",
    }
}

fn transfer_text(transfer: TransferId) -> String {
    format!("{:032x}", transfer.0)
}
