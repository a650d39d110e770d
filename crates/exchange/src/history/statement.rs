//! Statements that look at an account's entries in a range of commands, with the index by account, asset and sequence.

use super::rows::entry_row;
use super::{EntryRow, History, HistoryError};
use crate::projection::integer;
use crate::statement::{EntryPlace, Statement};
use ensoex_types::AssetId;
use sqlx::{QueryBuilder, Row, Sqlite};

impl History {
    /// Entries of one asset after a place, oldest first.
    pub(crate) async fn entries_between(
        &self,
        statement: &Statement,
        asset: AssetId,
        after: EntryPlace,
        limit: u32,
    ) -> Result<Vec<EntryRow>, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM entries");
        within(&mut query, statement, asset);
        query
            .push(" AND (sequence, entry) > (")
            .push_bind(integer(after.sequence.0));
        query.push(", ").push_bind(after.entry);
        query
            .push(") ORDER BY sequence, entry LIMIT ")
            .push_bind(i64::from(limit));
        self.rows(query, entry_row).await
    }

    /// How many entries of an asset a statement has, counted up to `limit`.
    pub(crate) async fn count_entries(
        &self,
        statement: &Statement,
        asset: AssetId,
        limit: u64,
    ) -> Result<u64, HistoryError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) AS entries FROM (SELECT 1 FROM entries");
        within(&mut query, statement, asset);
        query.push(" LIMIT ").push_bind(integer(limit)).push(")");
        let counted = self.rows(query, |row| row.try_get::<i64, _>("entries")).await?;
        Ok(counted
            .first()
            .copied()
            .and_then(|entries| u64::try_from(entries).ok())
            .unwrap_or_default())
    }
}

fn within(query: &mut QueryBuilder<Sqlite>, statement: &Statement, asset: AssetId) {
    query
        .push(" WHERE account = ")
        .push_bind(i64::from(statement.account.0));
    query.push(" AND asset = ").push_bind(i64::from(asset.0));
    query
        .push(" AND sequence >= ")
        .push_bind(integer(statement.first.0));
    query
        .push(" AND sequence <= ")
        .push_bind(integer(statement.last.0));
}
