//! Statements that look at an account's entries in a range of commands, with the index by account, asset and sequence.

use super::rows::entry_row;
use super::{EntryRow, History, HistoryError};
use crate::projection::integer;
use crate::statement::{EntryPlace, Statement};
use ensoex_types::AssetId;

ensoex_sql::statements! {
    STATEMENTS;
    ENTRIES_BETWEEN =
        "SELECT * FROM entries WHERE account = $1 AND asset = $2 AND sequence >= $3 AND sequence <= $4
            AND (sequence, entry) > ($5, $6) ORDER BY sequence, entry LIMIT $7";
    COUNT_ENTRIES =
        "SELECT COUNT(*) AS entries FROM (SELECT 1 FROM entries WHERE account = $1 AND asset = $2
            AND sequence >= $3 AND sequence <= $4 LIMIT $5) AS counted";
}

impl History {
    /// Entries of one asset after a place, oldest first.
    pub(crate) async fn entries_between(
        &self,
        statement: &Statement,
        asset: AssetId,
        after: EntryPlace,
        limit: u32,
    ) -> Result<Vec<EntryRow>, HistoryError> {
        let query = ENTRIES_BETWEEN
            .bind(i64::from(statement.account.0))
            .bind(i64::from(asset.0))
            .bind(integer(statement.first.0))
            .bind(integer(statement.last.0))
            .bind(integer(after.sequence.0))
            .bind(after.entry)
            .bind(i64::from(limit));
        self.rows(query, entry_row).await
    }

    /// How many entries of an asset a statement has, counted up to `limit`.
    pub(crate) async fn count_entries(
        &self,
        statement: &Statement,
        asset: AssetId,
        limit: u64,
    ) -> Result<u64, HistoryError> {
        let query = COUNT_ENTRIES
            .bind(i64::from(statement.account.0))
            .bind(i64::from(asset.0))
            .bind(integer(statement.first.0))
            .bind(integer(statement.last.0))
            .bind(integer(limit));
        let counted = self.rows(query, |row| row.unsigned("entries")).await?;
        Ok(counted.first().copied().unwrap_or_default())
    }
}
