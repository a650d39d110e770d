//! A copy of a whole store, from wherever it lies to wherever it shall lie: of one moment, row by row, into a store that is empty.
//!
//! What is copied is what the tables hold, not how a database keeps it; so a store of PostgreSQL becomes a file and the reverse. The
//! copy is there as a whole or not at all. It follows references, so that a row comes after the one that it names. Knows no
//! table's meaning.

use crate::address::Address;
use crate::database::{Database, Pool};
use crate::error::SqlError;
use crate::statement::Query;
use crate::store::Store;
use crate::tables::Table;
use crate::transaction::Transaction;
use crate::value::Value;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// Rows read at once.
const PAGE_ROWS: u32 = 1_024;
/// Rows in one statement; 64 rows of 100 columns are far below what either database takes.
const INSERT_ROWS: usize = 64;

/// Copies a store; answers the number of rows.
///
/// # Errors
/// [`SqlError::NotEmpty`] when there are rows where it shall lie; [`SqlError`] when one of the two cannot be used.
pub async fn copy(from: &Address, to: &Address, store: &'static Store) -> Result<u64, SqlError> {
    let layout = Layout::of(store).await?;
    let source = Database::open_read_only(from, store).await?;
    let target = Database::open(to, store).await?;
    let mut reading = source.snapshot().await?;
    let mut writing = target.begin().await?;
    let mut rows = 0;
    for table in &layout.tables {
        let there = table.rows_after(&mut writing, None, 1).await?;
        if !there.is_empty() {
            return Err(SqlError::NotEmpty {
                store: store.name,
                table: table.name.clone(),
            });
        }
        rows += layout.copy_table(table, &mut reading, &mut writing).await?;
    }
    writing.commit().await?;
    drop(reading);
    target.flush().await?;
    target.close().await;
    source.close().await;
    Ok(rows)
}

/// A store's tables, those first that others refer to.
struct Layout {
    tables: Vec<Table>,
    /// What nothing is called in a column, by table and column.
    nothing: BTreeMap<(String, String), Value>,
}

impl Layout {
    async fn of(store: &'static Store) -> Result<Layout, SqlError> {
        let mut waiting = Table::all(store).await?;
        let database = Database::open(&Address::memory(), store).await?;
        let mut layout = Layout {
            tables: Vec::new(),
            nothing: BTreeMap::new(),
        };
        let Pool::Sqlite(pool) = &database.pool else {
            return Ok(layout);
        };
        let columns = "SELECT tables.name, columns.name, columns.type FROM sqlite_schema AS tables
                       JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";
        for row in sqlx::query(columns)
            .fetch_all(pool)
            .await
            .map_err(database.failed())?
        {
            let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get::<String, _>(2)?));
            let (table, column, kind): (String, String, String) = read().map_err(database.failed())?;
            let nothing = match kind.as_str() {
                "TEXT" => Value::NoText,
                "BLOB" => Value::NoBytes,
                _ => Value::NoInteger,
            };
            layout.nothing.insert((table, column), nothing);
        }
        let references = "SELECT tables.name, named.\"table\" FROM sqlite_schema AS tables
                          JOIN pragma_foreign_key_list(tables.name) AS named WHERE tables.type = 'table'";
        let references = sqlx::query_as::<_, (String, String)>(references)
            .fetch_all(pool)
            .await;
        let references = references.map_err(database.failed())?;
        while !waiting.is_empty() {
            let is_next = |table: &Table| {
                let mut named = references
                    .iter()
                    .filter(|(from, to)| *from == table.name && from != to);
                named.all(|(_, to)| layout.tables.iter().any(|done| done.name == *to))
            };
            // Tables that refer to each other in a ring have no order; the database says so then.
            let next = waiting.iter().position(is_next).unwrap_or(0);
            layout.tables.push(waiting.remove(next));
        }
        Ok(layout)
    }

    async fn copy_table(
        &self,
        table: &Table,
        from: &mut Transaction,
        to: &mut Transaction,
    ) -> Result<u64, SqlError> {
        let (mut after, mut copied): (Option<Vec<Value>>, u64) = (None, 0);
        loop {
            let page = table.rows_after(from, after.as_deref(), PAGE_ROWS).await?;
            let Some(last) = page.last() else {
                return Ok(copied);
            };
            after = Some(last.iter().take(table.keys.len()).cloned().collect());
            for rows in page.chunks(INSERT_ROWS) {
                copied += to.execute(self.insert(table, rows)).await?;
            }
        }
    }

    fn insert(&self, table: &Table, rows: &[Vec<Value>]) -> Query {
        let width = table.columns.len();
        let places = |row: usize| {
            let places: Vec<String> = (1..=width)
                .map(|column| format!("${}", row * width + column))
                .collect();
            format!("({})", places.join(", "))
        };
        let places: Vec<String> = (0..rows.len()).map(places).collect();
        let text = format!(
            "INSERT INTO {} ({}) VALUES {}",
            table.name,
            table.columns.join(", "),
            places.join(", ")
        );
        let mut query = Query::of_tables(text);
        for row in rows {
            for (column, value) in table.columns.iter().zip(row) {
                // A row does not tell of which type its nothing is, and PostgreSQL wants to know.
                let is_nothing = matches!(value, Value::NoInteger | Value::NoText | Value::NoBytes);
                let nothing = || self.nothing.get(&(table.name.clone(), column.clone()));
                let value = match is_nothing {
                    true => nothing().unwrap_or(value),
                    false => value,
                };
                query = query.bind(value.clone());
            }
        }
        query
    }
}
