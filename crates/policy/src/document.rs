//! The documents of a bundle and the languages that they are written in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language in which every document is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Ukrainian.
    #[serde(rename = "uk")]
    Ukrainian,
}

impl Language {
    /// Every language, in the order of the hash.
    pub const ALL: [Self; 2] = [Self::English, Self::Ukrainian];

    /// The language's BCP 47 tag.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Ukrainian => "uk",
        }
    }

    /// The language with this BCP 47 tag.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// A document of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The Terms of Use.
    Terms,
    /// The Privacy Policy, an appendix to the Terms.
    Privacy,
    /// The glossary of both.
    Glossary,
}

impl DocumentKind {
    /// Every document, in the order of the hash.
    pub const ALL: [Self; 3] = [Self::Terms, Self::Privacy, Self::Glossary];

    /// The document's name in addresses: `terms`, `privacy` or `glossary`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::Glossary => "glossary",
        }
    }

    /// The document with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A compiled document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Its language.
    pub language: Language,
    /// Which document.
    pub kind: DocumentKind,
    /// The text of its first heading.
    pub title: String,
    /// The complete text in Markdown, as hashed.
    pub markdown: String,
    /// The text as HTML: an `article` element without scripts, styles, images or foreign addresses.
    /// Links between the documents are relative (`glossary#user`), for pages that stand side by side.
    pub html: String,
}
