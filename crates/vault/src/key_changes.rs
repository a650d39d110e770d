//! What befell the keys, told to whoever keeps a copy of them: a copy must follow an erasure at once.
//!
//! It is made before the vault is opened, so that a standby, whose vault is shut, says nothing yet. It tells numbers only: no
//! subject, no key. Somebody who looks late sees the newest state and misses none.

use tokio::sync::watch;

/// What befell the keys since this process opened the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// The vault is open here: these keys are the ones in force.
    pub opened: bool,
    /// How often keys or shares were made.
    pub created: u64,
    /// How often keys or shares were destroyed for good.
    pub erased: u64,
}

/// Tells of changes. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges(watch::Sender<KeyChange>);

impl KeyChanges {
    /// Sees what is told from now on, and what was told.
    pub fn subscribe(&self) -> watch::Receiver<KeyChange> {
        self.0.subscribe()
    }

    pub(crate) fn opened(&self) {
        self.0.send_modify(|change| change.opened = true);
    }

    pub(crate) fn created(&self) {
        self.0.send_modify(|change| change.created += 1);
    }

    pub(crate) fn erased(&self) {
        self.0.send_modify(|change| change.erased += 1);
    }
}
