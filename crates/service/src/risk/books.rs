//! The rule book in force: the operator's file `risk-rules.toml` in the Service's folder, or the built-in one.
//!
//! A file that cannot be loaded keeps the Service from starting. While it runs, housekeeping takes a changed file over; one that cannot
//! be loaded changes nothing and is a line for the operator each minute. So a rule is switched off by one word in a file.

use ensoex_risk::{BOOK_BYTES_MAX, BookError, DEFAULT_BOOK, RuleBook};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The operator's own rules, in the Service's folder.
pub(crate) const RULES_FILE: &str = "risk-rules.toml";

/// Why there is no rule book, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("the rules in {path} cannot be read: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The book is refused.
    #[error(
        "the rules in {path} are refused: {source}. `ensoex risk check FILE` says the same before they are in force"
    )]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: BookError,
    },
}

/// See the module.
pub(crate) struct Books {
    file: PathBuf,
    current: RwLock<Arc<RuleBook>>,
}

impl Books {
    pub(crate) fn open(directory: &Path) -> Result<Books, RulesError> {
        let file = directory.join(RULES_FILE);
        let book = read(&file)?;
        tracing::info!(
            book = book.hash(),
            rules = book.rules().len(),
            "rule book of fraud prevention"
        );
        Ok(Books {
            file,
            current: RwLock::new(Arc::new(book)),
        })
    }

    /// The one in force.
    pub(crate) fn current(&self) -> Arc<RuleBook> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a changed file over.
    pub(crate) fn look_again(&self) {
        match read(&self.file) {
            Ok(book) if book.hash() != self.current().hash() => {
                tracing::warn!(
                    book = book.hash(),
                    rules = book.rules().len(),
                    "another rule book is in force now"
                );
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the rule book stays as it was"),
        }
    }
}

/// Of the file if there is one.
fn read(path: &Path) -> Result<RuleBook, RulesError> {
    let path_buf = || path.to_path_buf();
    let mut text = String::new();
    match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => text.push_str(DEFAULT_BOOK),
        Err(source) => {
            return Err(RulesError::File {
                path: path_buf(),
                source,
            });
        }
        Ok(file) => {
            // One byte more than permitted, so that a longer file is refused and not cut.
            let read = file.take(BOOK_BYTES_MAX as u64 + 1).read_to_string(&mut text);
            read.map_err(|source| RulesError::File {
                path: path_buf(),
                source,
            })?;
        }
    }
    RuleBook::parse(&text, false).map_err(|source| RulesError::Refused {
        path: path_buf(),
        source,
    })
}
