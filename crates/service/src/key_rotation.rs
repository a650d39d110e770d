//! Renewing the vault's keys: whatever was asked for in the key store, by the process that has the vault open.
//!
//! It goes on after a stop, and tries again while something is out of order. It does not know how keys are renewed: that is
//! the vault's.

use crate::app::App;
use crate::stores::Stores;
use crate::{PolicyFiles, PolicyStoreError, ServiceError};
use ensoex_vault::{
    AccessRequest, Actor, Clock, KeyChanges, PolicyVersion, Reason, StaffLimits, Vault, VaultConfig,
    VaultError,
};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;

/// How often the Service looks whether a rotation was asked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Runs for ever.
pub(crate) async fn run(app: App) {
    loop {
        if let Err(problem) = rotate(&app).await {
            tracing::error!(?problem, "the vault's keys could not be renewed; trying again");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn rotate(app: &App) -> Result<(), crate::problem::Problem> {
    let access = app.component_access("key-rotation", Reason::KeyRotation)?;
    let ended = app.vault.rotate(&access).await?;
    if ended > 0 {
        tracing::info!(layers = ended, "the vault's keys were renewed");
    }
    Ok(())
}

/// Does what was asked for in place of a Service that does not run; gives how many layers were renewed. `None` if one runs.
///
/// # Errors
/// [`ServiceError::Vault`], [`ServiceError::Policy`]. It can be called again.
pub async fn rotate_keys(directory: &Path, stores: &Stores) -> Result<Option<u64>, ServiceError> {
    let vault = match Vault::open(vault_config(directory, stores, KeyChanges::default())).await {
        Ok(vault) => vault,
        Err(VaultError::InUse) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let rotated = rotate_with(&vault, directory).await;
    vault.close().await;
    rotated.map(Some)
}

async fn rotate_with(vault: &Vault, directory: &Path) -> Result<u64, ServiceError> {
    let log = PolicyFiles::of(directory)
        .open_log()
        .map_err(PolicyStoreError::from)?;
    let in_force = log.in_force(OffsetDateTime::now_utc());
    let in_force = in_force.ok_or(PolicyStoreError::NothingInForce)?;
    let request = AccessRequest {
        actor: Actor::component("key-rotation")?,
        reason: Reason::KeyRotation,
        policy_version: PolicyVersion::new(&in_force.hash.to_string())?,
    };
    Ok(vault.rotate(&request).await?)
}

/// Where a Service's vault is.
pub fn vault_config(directory: &Path, stores: &Stores, key_changes: KeyChanges) -> VaultConfig {
    VaultConfig {
        directory: directory.join("vault"),
        keys_directory: directory.join("keys"),
        records: stores.vault_records.clone(),
        access_log: stores.access_log.clone(),
        keys: stores.keys.clone(),
        key_changes,
        staff_limits: StaffLimits::default(),
        clock: Clock::default(),
    }
}
