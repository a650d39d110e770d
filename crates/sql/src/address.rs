//! Where a store lies. Knows how to read an address, not what lies there.

use crate::error::SqlError;
use std::fmt;
use std::path::{Path, PathBuf};

/// Longest name of a PostgreSQL schema, in bytes.
const SCHEMA_BYTES_MAX: usize = 63;

/// Where a store lies.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub(crate) Place);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
    Postgres { url: String, schema: String },
}

impl Address {
    /// An SQLite file of its own.
    pub fn file(path: impl Into<PathBuf>) -> Address {
        Address(Place::File(path.into()))
    }

    /// SQLite in memory, gone when it is closed.
    pub fn memory() -> Address {
        Address(Place::Memory)
    }

    /// A schema of its own in the PostgreSQL database of `url` (`postgres://user@host/database`); made if absent.
    ///
    /// # Errors
    /// [`SqlError::Schema`] unless the schema's name is of lower-case letters, digits and `_`, and at most 63 bytes.
    pub fn postgres(url: impl Into<String>, schema: impl Into<String>) -> Result<Address, SqlError> {
        let (url, schema) = (url.into(), schema.into());
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts_well = schema.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if !starts_well || schema.len() > SCHEMA_BYTES_MAX || !schema.bytes().all(good) {
            return Err(SqlError::Schema { schema });
        }
        Ok(Address(Place::Postgres { url, schema }))
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Memory | Place::Postgres { .. } => None,
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(formatter, "file {}", path.display()),
            Place::Memory => write!(formatter, "memory"),
            Place::Postgres { schema, .. } => write!(formatter, "PostgreSQL schema {schema}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_a_plain_name() {
        for good in ["ensoex_projections", "_a1", &"x".repeat(63)] {
            assert!(
                Address::postgres("postgres://localhost/x", good).is_ok(),
                "{good}"
            );
        }
        for bad in ["", "1a", "Upper", "a-b", "a\"b", "a b", "ä", &"x".repeat(64)] {
            assert!(Address::postgres("postgres://localhost/x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_does_not_show_its_password() {
        let address = Address::postgres("postgres://me:secret@localhost/x", "ensoex_vault").unwrap();
        assert_eq!(format!("{address:?}"), "PostgreSQL schema ensoex_vault");
    }
}
