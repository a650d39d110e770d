//! Where the exchanges of these tests lie.

use ensoex_exchange::ExchangeConfig;
use std::path::Path;

/// Everything in one directory; the projections in PostgreSQL when the run asks for that.
pub(crate) fn config(directory: &Path) -> ExchangeConfig {
    ExchangeConfig {
        projections: ensoex_sql_test::address_of(&directory.join("projections.db")),
        ..ExchangeConfig::new(directory)
    }
}
