//! A row of an answer, of either database. What is not there or of another type is an error, never a guess.

use crate::error::SqlError;
use crate::value::Value;
use sqlx::error::UnexpectedNullError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    Column as _, ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type, TypeInfo as _, ValueRef as _,
};

/// A row of an answer.
pub struct Row {
    pub(crate) store: &'static str,
    pub(crate) inner: Inner,
}

pub(crate) enum Inner {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column by its name, or by its place from 0 on.
pub trait Column: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}
impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> Column for T {}

/// What a column can be read as: `i64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, and an `Option` of each.
pub trait FromColumn<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {
    /// It can be nothing. SQLite would read nothing as 0 otherwise.
    #[doc(hidden)]
    const OPTIONAL: bool;
}

macro_rules! from_column {
    ($($type:ty),*) => {$(
        impl<'r> FromColumn<'r> for $type {
            const OPTIONAL: bool = false;
        }
        impl<'r> FromColumn<'r> for Option<$type> {
            const OPTIONAL: bool = true;
        }
    )*};
}
from_column!(i64, String, Vec<u8>, &'r str, &'r [u8]);

impl Row {
    /// A column's value.
    ///
    /// # Errors
    /// [`SqlError::Database`] when there is no such column, or it holds something else.
    pub fn get<'r, T: FromColumn<'r>>(&'r self, column: impl Column) -> Result<T, SqlError> {
        match &self.inner {
            Inner::Sqlite(row) => row.try_get_raw(&column).and_then(|raw| {
                required::<T>(raw.is_null())?;
                row.try_get(column)
            }),
            Inner::Postgres(row) => row.try_get_raw(&column).and_then(|raw| {
                required::<T>(raw.is_null())?;
                row.try_get(column)
            }),
        }
        .map_err(SqlError::database(self.store))
    }

    /// A column that holds an integer from 0 on.
    ///
    /// # Errors
    /// As [`Row::get`]; [`SqlError::Malformed`] below 0.
    pub fn unsigned(&self, column: &str) -> Result<u64, SqlError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| SqlError::malformed(column))
    }

    /// A column that holds 0 or 1.
    ///
    /// # Errors
    /// As [`Row::get`]; [`SqlError::Malformed`] for any other integer.
    pub fn flag(&self, column: &str) -> Result<bool, SqlError> {
        match self.get::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(SqlError::malformed(column)),
        }
    }

    /// Every column, in order.
    ///
    /// # Errors
    /// [`SqlError::Malformed`] for a type that stores do not use.
    pub fn values(&self) -> Result<Vec<Value>, SqlError> {
        let count = match &self.inner {
            Inner::Sqlite(row) => row.len(),
            Inner::Postgres(row) => row.len(),
        };
        (0..count).map(|index| self.value(index)).collect()
    }

    fn value(&self, index: usize) -> Result<Value, SqlError> {
        let described = match &self.inner {
            Inner::Sqlite(row) => row.try_get_raw(index).map(|raw| {
                let kind = if raw.is_null() {
                    "NULL".to_owned()
                } else {
                    raw.type_info().name().to_owned()
                };
                (kind, row.column(index).name())
            }),
            Inner::Postgres(row) => row.try_get_raw(index).map(|raw| {
                let kind = if raw.is_null() {
                    "NULL".to_owned()
                } else {
                    raw.type_info().name().to_owned()
                };
                (kind, row.column(index).name())
            }),
        };
        let (kind, name) = described.map_err(SqlError::database(self.store))?;
        match kind.as_str() {
            "NULL" => Ok(Value::NoInteger),
            "INTEGER" | "INT8" => self.get(index).map(Value::Integer),
            "TEXT" => self.get(index).map(Value::Text),
            "BLOB" | "BYTEA" => self.get(index).map(Value::Bytes),
            _ => Err(SqlError::malformed(name)),
        }
    }
}

fn required<'r, T: FromColumn<'r>>(is_null: bool) -> Result<(), sqlx::Error> {
    if is_null && !T::OPTIONAL {
        return Err(sqlx::Error::Decode(Box::new(UnexpectedNullError)));
    }
    Ok(())
}
