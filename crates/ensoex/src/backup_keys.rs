//! Keeps the backup of the keys beside a running Service: a new one at once after each erasure, so that the one before, which still has
//! the erased subject's keys, is gone; soon after new keys, so that few are lost with the machine; and now and then all the same.
//!
//! States: the vault is not open here yet (a standby: its keys may be older than what is stored, and nothing is stored) → open: the
//! keys are stored → what is stored is behind → stored again. While the place is away it is tried again until it works; a Service that
//! ends tries once more, and its next start begins with storing the keys. Knows no key and no subject.

use ensoex_backup::{BackupError, BackupStore, Recipients, keys};
use ensoex_vault::{KeyChange, KeyChanges};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the last attempt of a Service that ends may take.
const LAST_ATTEMPT_MAX: Duration = Duration::from_secs(20);

/// When to store the keys, besides at once after an erasure.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// At the latest so long after keys were made.
    pub new_keys: Duration,
    /// At the latest so long after the last time.
    pub anyway: Duration,
    /// So long after it failed.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            new_keys: Duration::from_secs(30),
            anyway: Duration::from_secs(3_600),
            again: Duration::from_secs(5),
        }
    }
}

/// What to store where.
pub struct KeysKeeper {
    /// The Service's folder.
    pub service: PathBuf,
    /// The subjects' keys, if they are not in the folder's `keys/vault-keys.db`.
    pub database: Option<PathBuf>,
    /// The place.
    pub store: BackupStore,
    /// Who can open it.
    pub recipients: Recipients,
    /// When.
    pub pace: Pace,
}

/// A keeper at work.
pub struct Keeping {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl KeysKeeper {
    /// Starts it; it waits for the vault to be opened.
    pub fn start(self, changes: &KeyChanges) -> Keeping {
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(self.keep(changes.subscribe(), ended));
        Keeping { end, task }
    }

    async fn keep(self, mut changes: watch::Receiver<KeyChange>, mut ended: oneshot::Receiver<()>) {
        tokio::select! {
            _ = &mut ended => return,
            opened = changes.wait_for(|change| change.opened) => if opened.is_err() { return },
        }
        // What is stored, as far as it is known.
        let mut stored: Option<KeyChange> = None;
        loop {
            let now = *changes.borrow_and_update();
            let (pause, since) = match self.back_up().await {
                Ok(()) => {
                    stored = Some(now);
                    (self.pace.anyway, stored)
                }
                Err(error) => {
                    let sentence = crate::plain_sentence(&error.into());
                    match stored {
                        Some(stored) if stored.erased == now.erased => {
                            tracing::warn!("the keys cannot be backed up, trying again: {sentence}");
                        }
                        _ => tracing::error!(
                            "the keys cannot be backed up, so their backup may still hold those of erased subjects; trying again: \
                             {sentence}"
                        ),
                    }
                    (self.pace.again, None)
                }
            };
            if !self.wait(pause, since, &mut changes, &mut ended).await {
                break;
            }
        }
        if stored != Some(*changes.borrow()) {
            match timeout(LAST_ATTEMPT_MAX, self.back_up()).await {
                Ok(Ok(())) => {}
                _ => tracing::error!("the backup of the keys is behind; the next start goes on with it"),
            }
        }
    }

    /// Waits so long, or shorter if something befalls the keys that were stored as of `since`; answers false when it is time to end.
    async fn wait(
        &self,
        pause: Duration,
        since: Option<KeyChange>,
        changes: &mut watch::Receiver<KeyChange>,
        ended: &mut oneshot::Receiver<()>,
    ) -> bool {
        let mut until = Instant::now() + pause;
        loop {
            let now = *changes.borrow_and_update();
            if since.is_some_and(|since| since.erased != now.erased) {
                return true;
            }
            if since.is_some_and(|since| since.created != now.created) {
                until = until.min(Instant::now() + self.pace.new_keys);
            }
            tokio::select! {
                _ = &mut *ended => return false,
                () = sleep_until(until) => return true,
                changed = changes.changed() => if changed.is_err() { return false },
            }
        }
    }

    async fn back_up(&self) -> Result<(), BackupError> {
        let database = self.database.as_deref();
        let files = keys::back_up(&self.service, database, &self.store, &self.recipients).await?;
        tracing::info!(files, "the keys are backed up");
        Ok(())
    }
}

impl Keeping {
    /// Ends it, after a last attempt if what is stored is behind.
    pub async fn finish(self) {
        // It may have ended by itself.
        let _told = self.end.send(());
        let _ended = self.task.await;
    }

    /// Ends it where it is: the keys of a Service that was taken over are no longer the ones in force.
    pub fn leave(self) {
        self.task.abort();
    }
}
