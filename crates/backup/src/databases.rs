//! Databases that are not files: copied in one moment each into the file that they would be, so that a backup is the same wherever the
//! Service keeps them, and a restore can put them into files or into PostgreSQL.
//!
//! Knows no table; what a store is tells the layer below.

use crate::copy;
use crate::error::BackupError;
use ensoex_sql::{Address, Database, Store};
use std::path::Path;

/// A store of the Service.
#[derive(Clone, Debug)]
pub struct DatabaseSource {
    /// Its tables.
    pub store: &'static Store,
    /// Where it lies.
    pub address: Address,
    /// The file that it would be, below the Service's folder, with slashes.
    pub path: &'static str,
}

/// The file that it would be. `scratch` is a folder for copies.
pub(crate) async fn content(database: &DatabaseSource, scratch: &Path) -> Result<Vec<u8>, BackupError> {
    let folder = tempfile::tempdir_in(scratch).map_err(BackupError::file(scratch))?;
    let file = folder.path().join("store.db");
    ensoex_sql::copy(&database.address, &Address::file(&file), database.store).await?;
    let content = copy::content(&file, scratch).await?;
    content.ok_or_else(|| BackupError::Source(file))
}

/// Puts the databases of a restored folder where they lie outside of it, and removes their files; answers the number of rows.
///
/// # Errors
/// [`BackupError::Sql`], also when there is something already: then the file stays.
pub async fn import_databases(folder: &Path, databases: &[DatabaseSource]) -> Result<u64, BackupError> {
    let mut rows = 0;
    for database in databases {
        let file = folder.join(database.path);
        if file.is_file() {
            rows += ensoex_sql::copy(
                &newest_layout(&file, database).await?,
                &database.address,
                database.store,
            )
            .await?;
            for suffix in ["-wal", "-shm", ""] {
                let mut name = file.clone().into_os_string();
                name.push(suffix);
                copy::remove(Path::new(&name))?;
            }
        }
    }
    Ok(rows)
}

/// Reads every row of a restored folder's databases and puts it into a new one, whose rules hold for it; answers the number of rows.
///
/// # Errors
/// [`BackupError::Sql`] names the database that cannot be read, or whose rows break its own rules.
pub async fn check_databases(folder: &Path, databases: &[DatabaseSource]) -> Result<u64, BackupError> {
    let scratch = tempfile::tempdir().map_err(BackupError::file("a temporary folder"))?;
    let mut rows = 0;
    for (number, database) in databases.iter().enumerate() {
        let file = folder.join(database.path);
        if file.is_file() {
            let copy = Address::file(scratch.path().join(format!("{number}.db")));
            rows += ensoex_sql::copy(&newest_layout(&file, database).await?, &copy, database.store).await?;
        }
    }
    Ok(rows)
}

/// A backup may be older than the layout that this version knows.
async fn newest_layout(file: &Path, database: &DatabaseSource) -> Result<Address, BackupError> {
    let address = Address::file(file);
    Database::open(&address, database.store).await?.close().await;
    Ok(address)
}
