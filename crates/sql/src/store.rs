//! What a store is: its name, tables, statements and how carefully it is written.

use crate::statement::{Dialect, Statements};
use sqlx::migrate::{Migration as SqlxMigration, MigrationType, Migrator};
use std::borrow::Cow;
use std::time::Duration;

/// One step of a store's layout, for both databases. Steps are never changed once they were released.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From 1 on, without gaps.
    pub version: i64,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL; the schema is set already.
    pub postgres: &'static str,
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The disk, and the synchronous standby if there is one.
    Durable,
    /// Nothing: the store can be rebuilt. Its order of changes stays.
    Rebuildable,
}

/// A set of tables with one owner.
#[derive(Debug)]
pub struct Store {
    /// As it is called in messages.
    pub name: &'static str,
    /// Its layout, in order.
    pub migrations: &'static [Migration],
    /// The statements of all its modules.
    pub statements: &'static [&'static Statements],
    /// What a commit waits for.
    pub durability: Durability,
    /// SQLite overwrites what is deleted. PostgreSQL cannot promise that; see [`Database::flush`](crate::Database::flush).
    pub overwrite_deleted: bool,
    /// Connections at the most.
    pub connections_max: u32,
    /// How long a write waits for another one, in milliseconds.
    pub busy_ms_max: u64,
    /// How long PostgreSQL's answer to a statement is waited for, in milliseconds; beyond that, the time that a write waits
    /// for another one comes on top.
    pub answer_ms_max: u64,
}

impl Store {
    /// How long an answer of PostgreSQL is waited for.
    pub(crate) fn answer_wait(&self) -> Duration {
        Duration::from_millis(self.answer_ms_max)
    }

    /// The same for a statement that waits for another writer first.
    pub(crate) fn locked_wait(&self) -> Duration {
        Duration::from_millis(self.answer_ms_max.saturating_add(self.busy_ms_max))
    }

    pub(crate) fn migrator(&self, dialect: Dialect) -> Migrator {
        let step = |migration: &Migration| {
            let text = match dialect {
                Dialect::Sqlite => migration.sqlite,
                Dialect::Postgres => migration.postgres,
            };
            SqlxMigration::new(
                migration.version,
                Cow::Borrowed(migration.name),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(text),
                false,
            )
        };
        Migrator::with_migrations(self.migrations.iter().map(step).collect())
    }
}
