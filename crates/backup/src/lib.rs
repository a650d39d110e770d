//! Backups of a Service: continuous, to the sequence, encrypted, and proven by restoring them.
//!
//! A *backup store* is a folder, or a bucket in object storage, that holds objects and *generations*. A generation is a manifest, written last, that
//! names new objects with their hashes and the hash of the manifest before it: a chain that begins with generation 1. A *full*
//! generation names everything a restore needs: the log in large segments, and consistent copies of the Service's
//! databases and files, which are copied into files from PostgreSQL too. The ones between name the batches that came since, so a few seconds of loss cost a small object.
//!
//! States of a generation: its objects are being written (no manifest yet: nobody looks at them) → its manifest is there. A
//! process that is killed leaves objects without a manifest; the next one writes its own and goes on.
//!
//! ▸ Keys are never in it: the folder `keys` is left out, so that destroying a subject's key erases what every backup holds of
//! the subject. Keys have a backup of their own ([`keys`]), of one generation only, replaced whole. ▸ Objects are sealed to the
//! recipients with age before they leave. Manifests are open: they tell times, sizes, hashes and names of databases, and nothing of
//! a person or an account.
//!
//! Failure cases, each a sentence in [`BackupError`]: an object is missing, altered or another's; the chain of manifests is broken; the
//! identity opens nothing; the log here is not the one in the store; the place to restore to is not empty.
//!
//! It knows no commands, accounts or persons: a batch is bytes with a hash. It does not sign manifests: who can write to the
//! store can put another history there, so whoever restores compares the chain's hash with the one that was printed.

mod copy;
mod databases;
mod error;
pub mod keys;
mod manifest;
mod object_storage;
mod restore;
mod seal;
mod segment;
mod store;
mod take;
mod transport;

pub use databases::{DatabaseSource, check_databases, import_databases};
pub use error::BackupError;
pub use manifest::{Manifest, SegmentEntry, StoredFile};
pub use object_storage::ObjectStorage;
pub use restore::{LogElsewhere, Moment, Restored, restore};
pub use seal::{Identity, Recipients, new_identity};
pub use store::BackupStore;
pub use take::{Backup, Taken};
