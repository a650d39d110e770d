//! The one way to SQL for everything that is not the command log: users, vault, projections.
//!
//! A *store* is a set of tables with one owner (the projections, the Service's records, …). It lies in an SQLite file of its
//! own or in a schema of its own of a PostgreSQL database; the code above is the same and so is what it means:
//!
//! * **Values** are integers of 64 bits (`INTEGER`, `BIGINT`), text that sorts by its bytes (`TEXT`, `TEXT COLLATE "C"`) and
//!   bytes (`BLOB`, `BYTEA`), nothing else. Amounts beyond 64 bits are decimal text; a flag is 0 or 1.
//! * **Statements** are written once, with `$1` parameters, by [`statements!`], and nothing else can be run: [`Query`] has no
//!   other origin than a [`Statement`] or a [`Family`] of composed ones. A [`Store`] names the statements of all its modules
//!   (a list that it does not name is an unused item, which the compiler reports), so [`Database::check_statements`]
//!   prepares every one of them on either database, and one test per crate is enough. A composed text that is not among its
//!   family's examples is refused in builds with debug assertions, that is: in tests.
//! * **Writing** happens one transaction at a time per store. SQLite does that by itself (`BEGIN IMMEDIATE`); writers of one
//!   process come in the order in which they asked, and their write-ahead log is copied beside them (`ahead.rs`). On PostgreSQL a
//!   write first takes the store's advisory lock, in a statement of its own, until its end; as every later statement
//!   sees all that was committed before that statement, it sees all that earlier writers did, and no writer changes
//!   anything meanwhile. That is a serial order of writers, which is what code written for SQLite relies on. A
//!   single statement outside of a transaction takes the lock as well. Readers never wait for writers on either.
//! * **A transaction in which a statement failed cannot be committed**, as PostgreSQL wants it; [`Transaction::commit`] says
//!   so on both. A commit whose answer never came is [`SqlError::OutcomeUnknown`], never a success or a plain failure.
//! * **A snapshot** ([`Database::snapshot`]) shows one moment and refuses to write.
//!
//! Migrations come in pairs, one text for each database ([`Migration`]).
//!
//! Limits: [`STATEMENTS_KEPT_MAX`] prepared statements a connection; a store's own `connections_max`, `busy_ms_max` and
//! `answer_ms_max`. A connection of a PostgreSQL store that does not answer in that time is given up, and the error says so.
//! PostgreSQL must be reached directly or through a pooler that keeps a session for a connection.
//!
//! It does not know what any table means, and it knows no command log: that one keeps its own connection, fence and locks.

mod address;
mod ahead;
mod copy;
mod database;
mod error;
mod in_time;
mod kept;
mod row;
mod statement;
mod store;
mod tables;
mod transaction;
mod value;

pub use crate::address::Address;
pub use crate::copy::copy;
pub use crate::database::{Database, STATEMENTS_KEPT_MAX};
pub use crate::error::SqlError;
pub use crate::row::{Column, FromColumn, Row};
pub use crate::statement::{Builder, Family, Query, Statement, Statements};
pub use crate::store::{Durability, Migration, Store};
pub use crate::tables::Table;
pub use crate::transaction::Transaction;
pub use crate::value::Value;
