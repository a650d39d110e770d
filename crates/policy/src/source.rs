//! The texts from which a bundle is made.

use std::collections::BTreeMap;

use crate::document::{DocumentKind, Language};

/// A text with the name under which errors speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub file: String,
    /// Its Markdown.
    pub text: String,
}

/// The documents of one language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageSources {
    /// The documents that there are.
    pub documents: BTreeMap<DocumentKind, Source>,
}

/// All texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The documents by language.
    pub languages: BTreeMap<Language, LanguageSources>,
}

macro_rules! embedded {
    ($language:literal, $document:literal) => {
        (
            concat!("policy/", $language, "/", $document, ".md"),
            include_str!(concat!("../../../policy/", $language, "/", $document, ".md")),
        )
    };
}

impl Sources {
    /// The texts that this version of the program was built with.
    pub fn embedded() -> Self {
        let mut sources = Self::default();
        let texts = [
            (Language::English, DocumentKind::Terms, embedded!("en", "terms")),
            (
                Language::English,
                DocumentKind::Privacy,
                embedded!("en", "privacy"),
            ),
            (
                Language::English,
                DocumentKind::Glossary,
                embedded!("en", "glossary"),
            ),
            (Language::Ukrainian, DocumentKind::Terms, embedded!("uk", "terms")),
            (
                Language::Ukrainian,
                DocumentKind::Privacy,
                embedded!("uk", "privacy"),
            ),
            (
                Language::Ukrainian,
                DocumentKind::Glossary,
                embedded!("uk", "glossary"),
            ),
        ];
        for (language, kind, (file, text)) in texts {
            sources.insert(
                language,
                kind,
                Source {
                    file: file.to_owned(),
                    text: text.to_owned(),
                },
            );
        }
        sources
    }

    /// Adds or replaces a document.
    pub fn insert(&mut self, language: Language, kind: DocumentKind, source: Source) {
        self.languages
            .entry(language)
            .or_default()
            .documents
            .insert(kind, source);
    }
}
