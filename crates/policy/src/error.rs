//! What can be wrong with the texts, the log of versions, its heads, a receipt, or a signing key.

use std::path::PathBuf;

use crate::document::{DocumentKind, Language};
use crate::hash::VersionHash;

/// Why texts do not make a bundle. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A language has no documents at all.
    #[error("policy/{language}/terms.md:1: there are no documents in the language {language}")]
    LanguageMissing {
        /// The language.
        language: Language,
    },
    /// A document stands alone: another one is missing beside it.
    #[error(
        "policy/{language}/{kind}.md:1: this document is missing; the documents are published together or not at all"
    )]
    DocumentMissing {
        /// The language.
        language: Language,
        /// The missing document.
        kind: DocumentKind,
    },
    /// A text is larger than [`crate::DOCUMENT_BYTES_MAX`].
    #[error("{file}:{line}: from this line on the document is larger than {bytes_max} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// The line that is the first too many.
        line: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A document does not begin with a heading of the first level.
    #[error("{file}:1: a document begins with its title, written # Title")]
    TitleMissing {
        /// The file.
        file: String,
    },
    /// A term is used that the glossary does not define.
    #[error("{file}:{line}: the glossary does not define the term `{term}`")]
    UndefinedTerm {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The term's identifier.
        term: String,
    },
    /// A term is defined twice.
    #[error("{file}:{line}: the term `{term}` is defined already, in line {line_first}")]
    TwiceDefinedTerm {
        /// The file.
        file: String,
        /// The line of the second definition.
        line: usize,
        /// The line of the first.
        line_first: usize,
        /// The term's identifier.
        term: String,
    },
    /// A glossary heading has no identifier, or a term no definition.
    #[error("{file}:{line}: a term is written ## Word {{#identifier}} and followed by its definition")]
    TermForm {
        /// The file.
        file: String,
        /// The line.
        line: usize,
    },
    /// One language defines a term that another does not.
    #[error("{file}:{line}: the term `{term}` is defined here, but not in {lacking}")]
    TermNotTranslated {
        /// The glossary that defines it.
        file: String,
        /// The line.
        line: usize,
        /// The glossary that lacks it.
        lacking: String,
        /// The term's identifier.
        term: String,
    },
    /// HTML, an image, or a link to elsewhere.
    #[error("{file}:{line}: {what} cannot stand in a document")]
    Unsafe {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What it is.
        what: &'static str,
    },
    /// A control character, or one that turns the direction of text.
    #[error("{file}:{line}: the invisible character U+{code:04X} cannot stand in a document")]
    InvisibleCharacter {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The character's code point.
        code: u32,
    },
    /// The Policy does not hold the data table once.
    #[error(
        "{file}:{line}: the line {{{{data-table}}}} stands in the Policy exactly once, and in no other document"
    )]
    DataTablePlace {
        /// The file.
        file: String,
        /// Where it stands and must not; the last line if it stands nowhere.
        line: usize,
    },
    /// The Policy does not hold the table of recipients once.
    #[error(
        "{file}:{line}: the line {{{{recipients}}}} stands in the Policy exactly once, and in no other document"
    )]
    RecipientsPlace {
        /// The file.
        file: String,
        /// Where it stands and must not; the last line if it stands nowhere.
        line: usize,
    },
    /// The table of recipients has no rows in a language, or not the same number in each.
    #[error(
        "the table of recipients has no rows, or not as many as in other languages, in the language {language}"
    )]
    RecipientRows {
        /// The language.
        language: Language,
    },
    /// The data table has no rows in a language, or not the same number in each.
    #[error("the data table has no rows, or not as many as in other languages, in the language {language}")]
    DataTableRows {
        /// The language.
        language: Language,
    },
}

/// Why the log of versions refuses or fails.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be read or written.
    #[error("the policy log cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's account of it.
        #[source]
        source: std::io::Error,
    },
    /// A line does not follow from the line before.
    #[error("line {line} of the policy log was changed after it was written")]
    Tampered {
        /// The line, from 1.
        line: usize,
    },
    /// The stored texts of a version are not those of its hash.
    #[error("the stored texts of the version {hash} are missing or were changed")]
    BundleTampered {
        /// The version.
        hash: VersionHash,
    },
    /// A version would take effect before it is published.
    #[error("a version cannot take effect before it is published")]
    EffectiveBeforePublication,
    /// The publication would be dated before an earlier one.
    #[error("a version cannot be published before the last one was; check the clock")]
    BackDated,
    /// The same texts were published last.
    #[error("these texts are the last published version already")]
    Unchanged,
    /// A signed head names a state that the log never had.
    #[error(
        "the policy log does not continue the head that was signed for {size} versions: a published version was changed or \
         removed; restore {path} from a backup"
    )]
    NotContinued {
        /// The number of versions of the head.
        size: u64,
        /// The log's file.
        path: PathBuf,
    },
    /// No summary, too long a summary, or one with control characters.
    #[error("a summary of the changes has 1 to {characters_max} characters, in one line")]
    Summary {
        /// The limit.
        characters_max: usize,
    },
}

/// Why a signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The signing key file cannot be used.
    #[error("the signing key {path} cannot be used")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The operating system's account of it.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read the signing key file.
    #[error(
        "the signing key {path} is readable by others (mode {mode:o}); make it private with: chmod 600 {path}"
    )]
    KeyPermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The signing key file holds something else.
    #[error("the file {path} does not hold a signing key of this kind")]
    KeyMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Randomness,
}

/// Why a receipt proves nothing, or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Larger than [`crate::RECEIPT_BYTES_MAX`].
    #[error("the file is larger than a receipt can be")]
    TooLarge,
    /// Not JSON of a receipt.
    #[error("the file is not a receipt")]
    Form(#[source] serde_json::Error),
    /// Another schema, or neither an acknowledgement nor consent to one purpose.
    #[error("the file says that it is another kind of document")]
    Kind,
    /// The public key is none.
    #[error("the receipt's public key is not an Ed25519 key")]
    PublicKey,
    /// Signed by somebody else.
    #[error("the receipt is signed by another key than the trusted one")]
    Untrusted,
    /// The signature does not fit.
    #[error("the receipt's signature does not fit: it was changed after signing")]
    Signature,
}

/// Why a signed head of the log of versions proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Not JSON of a head.
    #[error("the file is not a signed head of a policy log")]
    Form(#[source] serde_json::Error),
    /// The public key is none.
    #[error("the head's public key is not an Ed25519 key")]
    PublicKey,
    /// Signed by somebody else.
    #[error("the head is signed by another key than the trusted one")]
    Untrusted,
    /// The signature does not fit.
    #[error("the head's signature does not fit: it was changed after signing")]
    Signature,
    /// The log is shorter than the head says.
    #[error("the log has {versions} versions, but the head was signed for {size}: versions are missing")]
    Shorter {
        /// Of the log.
        versions: u64,
        /// Of the head.
        size: u64,
    },
    /// The log had another root at that size.
    #[error(
        "the first {size} versions of the log are not those that the head was signed for: a published version was changed"
    )]
    OtherLog {
        /// Of the head.
        size: u64,
    },
}
