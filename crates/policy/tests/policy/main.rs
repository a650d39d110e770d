//! The texts, their publication and their receipts, as the Service and an outsider meet them.

mod bundle;
mod log;
mod receipt;
mod transparency;

use ensoex_policy::{Bundle, DataRow, DataTable, DocumentKind, Language, RecipientRow, Source, Sources};
use time::OffsetDateTime;

/// A table of one row in every language.
fn table() -> DataTable {
    let row = |label: &str| DataRow {
        label: label.to_owned(),
        asked: "at registration".to_owned(),
        reason: "to <b>write</b> | to you".to_owned(),
        purposes: vec!["providing the service".to_owned()],
        recipients: Vec::new(),
        retention: "a year".to_owned(),
        legal_hold: None,
    };
    let mut table = DataTable::default();
    table.rows.insert(Language::English, vec![row("E-mail address")]);
    table
        .rows
        .insert(Language::Ukrainian, vec![row("Адреса електронної пошти")]);
    for (language, name) in [
        (Language::English, "the mail relay"),
        (Language::Ukrainian, "поштовий сервер"),
    ] {
        let row = RecipientRow {
            name: name.to_owned(),
            why: "delivers | messages".to_owned(),
            given: "the message".to_owned(),
            ground: "the contract".to_owned(),
            operated_by: "a company".to_owned(),
        };
        table.recipients.insert(language, vec![row]);
    }
    table
}

fn embedded() -> Bundle {
    Bundle::compile(&Sources::embedded(), &table()).unwrap()
}

/// The embedded texts with one document changed.
fn changed(language: Language, kind: DocumentKind, change: impl FnOnce(&str) -> String) -> Sources {
    let mut sources = Sources::embedded();
    let source = sources.languages[&language].documents[&kind].clone();
    sources.insert(
        language,
        kind,
        Source {
            text: change(&source.text),
            file: source.file,
        },
    );
    sources
}

/// A bundle that differs from the embedded one by `word`.
fn bundle_with(word: &str) -> Bundle {
    let sources = changed(Language::English, DocumentKind::Terms, |text| {
        format!("{text}\n{word}\n")
    });
    Bundle::compile(&sources, &table()).unwrap()
}

/// A moment, in seconds after an arbitrary beginning.
fn second(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
}
