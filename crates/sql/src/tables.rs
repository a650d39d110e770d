//! Whole tables, in the order of their keys: to compare a store with another one, wherever they lie.

use crate::address::Address;
use crate::database::{Database, Pool};
use crate::error::SqlError;
use crate::statement::Query;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::value::Value;
use sqlx::Row as _;

/// A table of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Columns of its primary key.
    pub keys: Vec<String>,
    /// All columns, those of the key first.
    pub columns: Vec<String>,
}

impl Table {
    /// All tables that a store's migrations make, by name, so that none can be forgotten.
    ///
    /// # Errors
    /// [`SqlError`] when they cannot be made in memory.
    pub async fn all(store: &'static Store) -> Result<Vec<Table>, SqlError> {
        let database = Database::open(&Address::memory(), store).await?;
        let Pool::Sqlite(pool) = &database.pool else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query(
            "SELECT tables.name, columns.name, columns.pk FROM sqlite_schema AS tables
             JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%' AND tables.name NOT GLOB '_sqlx*'
             ORDER BY tables.name, columns.pk = 0, columns.pk, columns.cid",
        )
        .fetch_all(pool)
        .await
        .map_err(database.failed())?;
        let mut tables: Vec<Table> = Vec::new();
        for row in rows {
            let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get::<i64, _>(2)?));
            let (name, column, key): (String, String, i64) = read().map_err(database.failed())?;
            if tables.last().is_none_or(|table| table.name != name) {
                tables.push(Table {
                    name,
                    keys: Vec::new(),
                    columns: Vec::new(),
                });
            }
            if let Some(table) = tables.last_mut() {
                table.columns.push(column.clone());
                if key > 0 {
                    table.keys.push(column);
                }
            }
        }
        Ok(tables)
    }

    /// The next rows after the one with these values of the key, in its order; from the first one on without.
    ///
    /// # Errors
    /// [`SqlError`] when they cannot be read.
    pub async fn rows_after(
        &self,
        transaction: &mut Transaction,
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Vec<Value>>, SqlError> {
        let keys = self.keys.join(", ");
        let mut text = format!("SELECT {} FROM {}", self.columns.join(", "), self.name);
        if after.is_some() {
            let places: Vec<String> = (1..=self.keys.len()).map(|place| format!("${place}")).collect();
            text.push_str(&format!(" WHERE ({keys}) > ({})", places.join(", ")));
        }
        text.push_str(&format!(" ORDER BY {keys} LIMIT {limit}"));
        let mut query = Query::of_tables(text);
        for value in after.unwrap_or_default() {
            query = query.bind(value.clone());
        }
        let rows = transaction.fetch_all(query).await?;
        rows.iter().map(crate::row::Row::values).collect()
    }
}
