//! What the stores of these tests have in common.

use ensoex_sql::{Durability, Store};

/// A store without tables; a test adds its own.
pub(crate) const USUAL: Store = Store {
    name: "test's",
    migrations: &[],
    statements: &[],
    durability: Durability::Durable,
    overwrite_deleted: true,
    connections_max: 8,
    busy_ms_max: 20_000,
    answer_ms_max: 20_000,
};
