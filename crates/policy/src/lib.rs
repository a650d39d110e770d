//! Terms of Use and Privacy Policy as one bundle: compiled, published, acknowledged.
//!
//! A [`Bundle`] is the Terms, the Policy and their glossary in every language, under one hash. The
//! [`PolicyLog`] says which bundle was in force when; its lines are the leaves of a Merkle tree whose [`SignedHead`]s anybody
//! can keep. A [`SignedReceipt`] proves that somebody
//! acknowledged one. The crate does not know persons beyond pseudonyms, nor the vault: the table of
//! personal data comes in as plain rows. It knows no HTTP.

mod bundle;
mod data_table;
mod difference;
mod document;
mod error;
mod hash;
mod policy_log;
mod receipt;
mod render;
mod signer;
mod source;
mod transparency;

pub use bundle::{Bundle, Term};
pub use data_table::{DataRow, DataTable, RecipientRow};
pub use difference::{COMPARED_WORDS_MAX, Change, Paragraph, ParagraphKind, Piece, difference};
pub use document::{Document, DocumentKind, Language};
pub use error::{HeadError, LogError, PolicyError, ReceiptError, SignerError};
pub use hash::VersionHash;
pub use policy_log::{POLICY_LOG_BYTES_MAX, PolicyLog, PublishedVersion, SUMMARY_CHARACTERS_MAX};
pub use receipt::{
    Acknowledgement, Consent, Controller, RECEIPT_BYTES_MAX, Receipt, ReceiptKind, SignedReceipt,
    VerifiedReceipt, verify_receipt,
};
pub use render::DOCUMENT_BYTES_MAX;
pub use render::is_invisible;
pub use signer::{HeadSigner, ReceiptSigner};
pub use source::{LanguageSources, Source, Sources};
pub use transparency::{HEAD_BYTES_MAX, ProvenVersion, SignedHead, verify_inclusion};
