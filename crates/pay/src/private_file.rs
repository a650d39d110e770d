//! Files that only their owner may read: keys and secrets.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// Longest private file that is read, in bytes.
const PRIVATE_FILE_BYTES_MAX: u64 = 4096;

/// Why a private file cannot be used.
#[derive(Debug, Error)]
pub enum PrivateFileError {
    /// It cannot be read or written.
    #[error("{path:?} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error("{path:?} must be readable by its owner only: chmod 600")]
    Permissions {
        /// The file.
        path: PathBuf,
    },
    /// It does not hold what it should.
    #[error("{path:?} does not hold what it should: {expected}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
}

/// Reads the file, having made it with `initial` first if there was none. Two processes that start at once agree on
/// one content: the file appears whole, by a link that only the first can make.
pub(crate) fn read_or_create(
    path: &Path,
    initial: impl FnOnce() -> Zeroizing<String>,
) -> Result<Zeroizing<String>, PrivateFileError> {
    let io_error = |source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    };
    if !path.exists() {
        create(path, &initial()).map_err(io_error)?;
    }
    let file = std::fs::File::open(path).map_err(io_error)?;
    check_permissions(path, &file.metadata().map_err(io_error)?)?;
    let mut text = Zeroizing::new(String::with_capacity(PRIVATE_FILE_BYTES_MAX as usize));
    (&file)
        .take(PRIVATE_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(io_error)?;
    Ok(text)
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}.new", crate::random::token()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let linked = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&temporary, path));
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn check_permissions(path: &Path, metadata: &std::fs::Metadata) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(PrivateFileError::Permissions {
            path: path.to_owned(),
        })
    }
}

#[cfg(not(unix))]
fn check_permissions(_: &Path, _: &std::fs::Metadata) -> Result<(), PrivateFileError> {
    Ok(())
}
