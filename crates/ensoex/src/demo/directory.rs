//! The demo's folder: what lies where, whose it is, and how to start over without touching anything foreign.

use crate::random::secret_bytes;
use anyhow::{Context, bail};
use ensoex_pay_api::SharedSecrets;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// First line of the marker file that says that a folder is a demo's.
const MARKER_TEXT: &str = "EnsoEx demo folder. `--fresh` deletes what the demo keeps here.\n";
const MARKER: &str = "ensoex-demo-marker";
const LOCK: &str = "demo.lock";
/// Everything that the demo ever writes beside marker and lock.
const ENTRIES: [&str; 7] = [
    "demo.json",
    "service",
    "pay",
    "cardnet",
    "logs",
    "demo-accounts.json",
    "shared-secrets.json",
];
/// How long a demo that is just stopping may still hold its folder.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// Log files longer than this begin anew at the next start; one older file is kept.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The folder, held by this process alone.
#[derive(Debug)]
pub struct DemoDirectory {
    root: PathBuf,
    _lock: File,
}

impl DemoDirectory {
    /// Takes the folder, making it if need be. With `fresh`, what an earlier demo kept there is deleted first.
    ///
    /// # Errors
    /// When another demo runs there, when the folder cannot be written, or when `fresh` is asked of a folder
    /// that holds such files but is not marked as a demo's.
    pub fn take(root: &Path, fresh: bool) -> anyhow::Result<DemoDirectory> {
        DemoDirectory::take_within(LOCK_WAIT, root, fresh)
    }

    fn take_within(patience: Duration, root: &Path, fresh: bool) -> anyhow::Result<DemoDirectory> {
        private_directory(root)?;
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot use {}", root.display()))?;
        let lock = lock(&root.join(LOCK), &root, patience)?;
        let marked = is_marked(&root)?;
        let kept = ENTRIES
            .iter()
            .find(|entry| root.join(entry).symlink_metadata().is_ok());
        if let (false, Some(kept)) = (marked, kept) {
            bail!(
                "{} holds {kept} but was not made by a demo ({MARKER} is missing), so it is left alone. Choose \
                 another folder with --data",
                root.display()
            );
        }
        if fresh && marked {
            for entry in ENTRIES {
                remove(&root.join(entry))?;
            }
        }
        write_private(&root.join(MARKER), MARKER_TEXT.as_bytes())?;
        // What an earlier run announced is no longer true.
        remove(&root.join("demo.json"))?;
        private_directory(&root.join("logs"))?;
        Ok(DemoDirectory { root, _lock: lock })
    }

    /// The folder of one of the three processes: `service`, `pay`, `cardnet`.
    pub fn of(&self, process: &str) -> PathBuf {
        self.root.join(process)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the addresses and the user stand once all is ready.
    pub fn announcement(&self) -> PathBuf {
        self.root.join("demo.json")
    }

    /// Logins and API keys of the demo's accounts.
    pub fn accounts(&self) -> PathBuf {
        self.root.join("demo-accounts.json")
    }

    /// The secrets that the Service and EnsoExPAY share.
    pub fn shared_secrets(&self) -> PathBuf {
        self.root.join("shared-secrets.json")
    }

    /// Where a process's log goes, begun anew when it has grown too long.
    ///
    /// # Errors
    /// When the log cannot be set aside.
    pub fn log(&self, process: &str) -> anyhow::Result<PathBuf> {
        let path = self.root.join("logs").join(format!("{process}.log"));
        if fs::metadata(&path).is_ok_and(|file| file.len() > LOG_BYTES_MAX) {
            let older = self.root.join("logs").join(format!("{process}.1.log"));
            fs::rename(&path, older).with_context(|| format!("cannot set {} aside", path.display()))?;
        }
        Ok(path)
    }
}

/// Creates the file of shared secrets, for its owner only, unless it is there.
///
/// # Errors
/// When it cannot be written.
pub fn create_shared_secrets(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let json = SharedSecrets::json_from_random(&secret_bytes()?, &secret_bytes()?);
    match write_new(path, json.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.with_context(|| format!("cannot write {}", path.display())),
    }
}

/// Replaces a file, readable for its owner only, so that a reader sees the old or the new whole.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut draft_name = path.file_name().unwrap_or_default().to_owned();
    draft_name.push(".new");
    let draft = path.with_file_name(draft_name);
    remove(&draft)?;
    let written = write_new(&draft, content).and_then(|()| fs::rename(&draft, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a file or folder of the demo; its absence is fine.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(entry) if entry.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A new file, for its owner only.
fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn private_directory(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot create the folder {}", path.display()))
}

fn is_marked(root: &Path) -> anyhow::Result<bool> {
    match fs::read(root.join(MARKER)) {
        Ok(content) => Ok(content == MARKER_TEXT.as_bytes()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {MARKER} in {}", root.display())),
    }
}

fn lock(path: &Path, root: &Path, patience: Duration) -> anyhow::Result<File> {
    let open = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path);
    let file = open.with_context(|| format!("cannot write in {}", root.display()))?;
    let patience = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => bail!(
                "A demo already runs in {}. Stop it first (Ctrl-C where it runs), or choose another folder with \
                 --data",
                root.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DemoDirectory, create_shared_secrets, write_private};
    use ensoex_pay_api::SharedSecrets;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    #[test]
    fn fresh_deletes_what_a_demo_kept_and_nothing_else() {
        let place = tempfile::tempdir().expect("a folder");
        let demo = DemoDirectory::take(place.path(), false).expect("taken");
        fs::create_dir_all(demo.of("service").join("exchange")).expect("made");
        fs::write(demo.of("service").join("exchange/log.db"), "x").expect("written");
        fs::write(place.path().join("my-thesis.txt"), "precious").expect("written");
        drop(demo);
        let demo = DemoDirectory::take(place.path(), false).expect("taken");
        assert!(
            demo.of("service").join("exchange/log.db").exists(),
            "kept without --fresh"
        );
        drop(demo);
        let demo = DemoDirectory::take(place.path(), true).expect("taken");
        assert!(!demo.of("service").exists());
        assert!(place.path().join("my-thesis.txt").exists());
    }

    #[test]
    fn a_foreign_folder_is_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir(place.path().join("service")).expect("made");
        fs::write(place.path().join("service/precious"), "x").expect("written");
        for fresh in [false, true] {
            let refused = DemoDirectory::take(place.path(), fresh)
                .expect_err("refused")
                .to_string();
            assert!(refused.contains("was not made by a demo"), "{refused}");
        }
        fs::write(place.path().join("ensoex-demo-marker"), "something else").expect("written");
        assert!(DemoDirectory::take(place.path(), true).is_err());
        assert!(place.path().join("service/precious").exists());
    }

    #[test]
    fn one_demo_for_each_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let held = DemoDirectory::take(place.path(), false).expect("taken");
        let patience = Duration::from_millis(80);
        let refused = DemoDirectory::take_within(patience, place.path(), true)
            .expect_err("refused")
            .to_string();
        assert!(refused.contains("already runs"), "{refused}");
        drop(held);
        assert!(DemoDirectory::take(place.path(), false).is_ok());
    }

    #[test]
    fn secrets_are_made_once_for_their_owner() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("shared-secrets.json");
        create_shared_secrets(&path).expect("made");
        let first = fs::read_to_string(&path).expect("read");
        assert!(SharedSecrets::from_json(&first).is_ok());
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        create_shared_secrets(&path).expect("kept");
        assert_eq!(fs::read_to_string(&path).expect("read"), first);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("demo.json");
        write_private(&path, b"one").expect("written");
        write_private(&path, b"two").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(fs::read_dir(place.path()).expect("listed").count(), 1);
    }
}
