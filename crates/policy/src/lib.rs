//! Terms of Use and Privacy Policy as one bundle: compiled, published, acknowledged.
//!
//! A [`Bundle`] is the Terms, the Policy and their glossary in every language, under one hash. The
//! [`PolicyLog`] says which bundle was in force when. A [`SignedReceipt`] proves that somebody
//! acknowledged one. The crate does not know persons beyond pseudonyms, nor the vault: the table of
//! personal data comes in as plain rows. It knows no HTTP.

mod bundle;
mod data_table;
mod document;
mod error;
mod hash;
mod policy_log;
mod receipt;
mod render;
mod signer;
mod source;

pub use bundle::{Bundle, Term};
pub use data_table::{DataRow, DataTable, RecipientRow};
pub use document::{Document, DocumentKind, Language};
pub use error::{LogError, PolicyError, ReceiptError};
pub use hash::VersionHash;
pub use policy_log::{PolicyLog, PublishedVersion, SUMMARY_CHARACTERS_MAX};
pub use receipt::{
    Acknowledgement, Controller, RECEIPT_BYTES_MAX, Receipt, SignedReceipt, VerifiedReceipt, verify_receipt,
};
pub use render::DOCUMENT_BYTES_MAX;
pub use signer::ReceiptSigner;
pub use source::{LanguageSources, Source, Sources};
