//! The Service's own records as a store (users as pseudonyms, sessions, keys, deposits and withdrawals, the inbox), and
//! where this and its other stores lie. Knows no table of the others.

use ensoex_sql::{Address, Durability, Migration, SqlError, Store};
use std::path::Path;

/// The Service's records.
pub static SERVICE_RECORDS: Store = Store {
    name: "Service's",
    migrations: &[
        Migration {
            version: 1,
            name: "service",
            sqlite: include_str!("../migrations/sqlite/0001_service.sql"),
            postgres: include_str!("../migrations/postgres/0001_service.sql"),
        },
        Migration {
            version: 2,
            name: "erasure",
            sqlite: include_str!("../migrations/sqlite/0002_erasure.sql"),
            postgres: include_str!("../migrations/postgres/0002_erasure.sql"),
        },
        Migration {
            version: 3,
            name: "rights",
            sqlite: include_str!("../migrations/sqlite/0003_rights.sql"),
            postgres: include_str!("../migrations/postgres/0003_rights.sql"),
        },
        Migration {
            version: 4,
            name: "corrections",
            sqlite: include_str!("../migrations/sqlite/0004_corrections.sql"),
            postgres: include_str!("../migrations/postgres/0004_corrections.sql"),
        },
        Migration {
            version: 5,
            name: "answers",
            sqlite: include_str!("../migrations/sqlite/0005_answers.sql"),
            postgres: include_str!("../migrations/postgres/0005_answers.sql"),
        },
        Migration {
            version: 6,
            name: "acknowledgements",
            sqlite: include_str!("../migrations/sqlite/0006_acknowledgements.sql"),
            postgres: include_str!("../migrations/postgres/0006_acknowledgements.sql"),
        },
        Migration {
            version: 7,
            name: "consents",
            sqlite: include_str!("../migrations/sqlite/0007_consents.sql"),
            postgres: include_str!("../migrations/postgres/0007_consents.sql"),
        },
        Migration {
            version: 8,
            name: "factors",
            sqlite: include_str!("../migrations/sqlite/0008_factors.sql"),
            postgres: include_str!("../migrations/postgres/0008_factors.sql"),
        },
        Migration {
            version: 9,
            name: "passkeys",
            sqlite: include_str!("../migrations/sqlite/0009_passkeys.sql"),
            postgres: include_str!("../migrations/postgres/0009_passkeys.sql"),
        },
        Migration {
            version: 10,
            name: "cooling off",
            sqlite: include_str!("../migrations/sqlite/0010_cooling_off.sql"),
            postgres: include_str!("../migrations/postgres/0010_cooling_off.sql"),
        },
        Migration {
            version: 11,
            name: "risk",
            sqlite: include_str!("../migrations/sqlite/0011_risk.sql"),
            postgres: include_str!("../migrations/postgres/0011_risk.sql"),
        },
    ],
    statements: &[
        &crate::answers::STATEMENTS,
        &crate::api_keys::STATEMENTS,
        &crate::app::STATEMENTS,
        &crate::cards::STATEMENTS,
        &crate::consents::STATEMENTS,
        &crate::cooling_off::STATEMENTS,
        &crate::correction::STATEMENTS,
        &crate::erasure::STATEMENTS,
        &crate::factors::STATEMENTS,
        &crate::guard::STATEMENTS,
        &crate::housekeeping::STATEMENTS,
        &crate::improvement::STATEMENTS,
        &crate::me::STATEMENTS,
        &crate::newsletter::STATEMENTS,
        &crate::notices::STATEMENTS,
        &crate::passkeys::STATEMENTS,
        &crate::pay_events::STATEMENTS,
        &crate::my_policy::STATEMENTS,
        &crate::policy_notices::STATEMENTS,
        &crate::registration::STATEMENTS,
        &crate::rights::STATEMENTS,
        &crate::risk::STATEMENTS,
        &crate::risk::backtest::STATEMENTS,
        &crate::risk::explain::STATEMENTS,
        &crate::risk::facts::STATEMENTS,
        &crate::risk::mine::STATEMENTS,
        &crate::risk::reviews::STATEMENTS,
        &crate::session::STATEMENTS,
        &crate::sessions::STATEMENTS,
        &crate::totp::STATEMENTS,
        &crate::tries::STATEMENTS,
        &crate::wallet::STATEMENTS,
    ],
    durability: Durability::Durable,
    overwrite_deleted: false,
    connections_max: 4,
    busy_ms_max: 10_000,
    answer_ms_max: 10_000,
};

/// Where the Service's stores lie. What lies elsewhere: the command log, published policies, the files of keys.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Orders, trades, ledger entries: can be rebuilt from the log.
    pub projections: Address,
    /// The Service's own records.
    pub records: Address,
    /// Sealed personal data.
    pub vault_records: Address,
    /// Who read what of whom.
    pub access_log: Address,
    /// The subjects' keys. They stay out of backups, or erasure is undone.
    pub keys: Address,
}

impl Stores {
    /// Each in a file of its own under the Service's directory.
    pub fn files(directory: &Path) -> Stores {
        Stores {
            projections: Address::file(directory.join("exchange/projections.db")),
            records: Address::file(directory.join("service.db")),
            vault_records: Address::file(directory.join("vault/vault.db")),
            access_log: Address::file(directory.join("vault/access-log.db")),
            keys: Address::file(directory.join("keys/vault-keys.db")),
        }
    }

    /// Each in a schema of its own, named `PREFIX_projections` and so on, of one PostgreSQL database; the keys stay a file
    /// under the Service's directory, so that backups of the database have none.
    ///
    /// # Errors
    /// [`SqlError::Schema`] when the prefix is no part of a plain name.
    pub fn postgres(url: &str, prefix: &str, directory: &Path) -> Result<Stores, SqlError> {
        let schema = |name: &str| Address::postgres(url, format!("{prefix}_{name}"));
        Ok(Stores {
            projections: schema("projections")?,
            records: schema("service")?,
            vault_records: schema("vault")?,
            access_log: schema("access_log")?,
            ..Stores::files(directory)
        })
    }
}
