//! For tests only: where a test's stores lie, and how it looks at them and damages them from the outside.
//!
//! By default a store is the SQLite file that it would be anyway. With `ENSOEX_TEST_DATABASE=postgres://…` it is a schema of
//! that database instead, named after the file, so that the same tests run on both. The command of this crate starts a
//! PostgreSQL of its own and runs another command with the variable set:
//!
//! ```text
//! cargo run -p ensoex-sql-test -- cargo test -p ensoex-exchange -p ensoex-vault -p ensoex-service
//! ```
//!
//! It does not know what any table means.

use ensoex_pg_test::Cluster;
use ensoex_sql::{Address, Database, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Names the PostgreSQL database in which tests put their stores.
pub const TEST_DATABASE: &str = "ENSOEX_TEST_DATABASE";

/// The PostgreSQL database in which this run's stores lie; none when they are files.
pub fn postgres_url() -> Option<String> {
    std::env::var(TEST_DATABASE).ok().filter(|url| !url.is_empty())
}

/// A name for schemas that belong to this file or directory.
pub fn schema_of(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("test_{:016x}", hasher.finish())
}

/// Where the store lies that would be this file.
pub fn address_of(file: &Path) -> Address {
    match postgres_url() {
        None => Address::file(file),
        Some(url) => Address::postgres(url, schema_of(file)).expect("the schema has a plain name"),
    }
}

/// Runs statements from the outside against the store that would be this file.
pub async fn run_in(file: &Path, statements: &str) -> u64 {
    run_in_schema(file, &schema_of(file), statements).await
}

/// The same, where the schema has another name.
pub async fn run_in_schema(file: &Path, schema: &str, statements: &str) -> u64 {
    let text = AssertSqlSafe(statements.to_owned());
    match postgres_url() {
        None => {
            let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
                .await
                .expect("the file can be opened");
            let done = sqlx::raw_sql(text).execute(&mut raw).await;
            raw.close().await.expect("the file can be closed");
            done.expect(statements).rows_affected()
        }
        Some(url) => {
            let mut raw = PgConnection::connect(&url)
                .await
                .expect("the database can be reached");
            let path = AssertSqlSafe(format!("SET search_path TO {schema}"));
            sqlx::raw_sql(path)
                .execute(&mut raw)
                .await
                .expect("the schema can be set");
            let done = sqlx::raw_sql(text).execute(&mut raw).await;
            raw.close().await.expect("the connection can be closed");
            done.expect(statements).rows_affected()
        }
    }
}

/// Prepares every statement of a store on SQLite and on a PostgreSQL of its own.
///
/// # Panics
/// With name, reason and text of each statement that one of them refuses. Where there is no PostgreSQL, on SQLite alone.
pub async fn prepare_everywhere(stores: &[&'static Store]) {
    let cluster = Cluster::start();
    for (index, store) in stores.iter().enumerate() {
        let mut addresses = vec![Address::memory()];
        if let Some(cluster) = &cluster {
            let schema = format!("prepared_{index}");
            addresses.push(Address::postgres(cluster.url(), schema).expect("the schema has a plain name"));
        }
        let mut counts = Vec::new();
        for address in addresses {
            let database = Database::open(&address, store)
                .await
                .expect("the tables can be made");
            match database.check_statements().await {
                Ok(count) => counts.push(count),
                Err(wrong) => panic!("{address:?} refuses of {}:\n{}", store.name, wrong.join("\n")),
            }
            database.close().await;
        }
        let first = counts.first().copied().unwrap_or_default();
        assert!(
            first > 0 && counts.iter().all(|count| *count == first),
            "{}: {counts:?}",
            store.name
        );
    }
}

/// Whether these bytes stand anywhere in the schemas of this run whose names begin like this. Nothing does without PostgreSQL.
pub async fn schemas_hold(beginning: &str, needle: &str) -> bool {
    let Some(url) = postgres_url() else {
        return false;
    };
    let mut raw = PgConnection::connect(&url)
        .await
        .expect("the database can be reached");
    let names = "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
                 WHERE starts_with(table_schema, $1)";
    let tables: Vec<String> = sqlx::query_scalar(names)
        .bind(beginning)
        .fetch_all(&mut raw)
        .await
        .expect("the tables can be listed");
    // Bytes are written in hexadecimal digits.
    let bytes: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT held::text FROM {table} AS held"));
        let rows: Vec<String> = sqlx::query_scalar(rows)
            .fetch_all(&mut raw)
            .await
            .expect("a table can be read");
        if rows
            .iter()
            .any(|row| row.contains(needle) || row.contains(&bytes))
        {
            return true;
        }
    }
    false
}
