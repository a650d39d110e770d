//! The bundle: Terms, Policy and glossary in every language, complete and under one hash.
//!
//! It does not know when it was published: that is `policy_log`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::data_table::DataTable;
use crate::document::{Document, DocumentKind, Language};
use crate::error::PolicyError;
use crate::hash::VersionHash;
use crate::render::{self, Definition};
use crate::source::{Source, Sources};

const DATA_TABLE_LINE: &str = "{{data-table}}";
const RECIPIENTS_LINE: &str = "{{recipients}}";
const HASH_LABEL: &[u8] = b"ensoex policy bundle v1";

/// A term of the glossary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Its identifier, the same in every language; the anchor on the glossary page.
    pub id: String,
    /// The word.
    pub word: String,
    /// What it means, as text.
    pub definition: String,
}

/// A compiled bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    hash: VersionHash,
    documents: BTreeMap<(Language, DocumentKind), Document>,
    terms: BTreeMap<Language, Vec<Term>>,
}

impl Bundle {
    /// Compiles the texts with the table of personal data. Complete or not at all.
    ///
    /// # Errors
    /// [`PolicyError`] with file and line: the first thing that is wrong.
    pub fn compile(sources: &Sources, data_table: &DataTable) -> Result<Self, PolicyError> {
        check_rows(data_table)?;
        let mut filled = BTreeMap::new();
        for language in Language::ALL {
            for kind in DocumentKind::ALL {
                let source = render::normalised(source(sources, language, kind)?)?;
                let table = data_table
                    .markdown(language)
                    .ok_or(PolicyError::DataTableRows { language })?;
                let file = || source.file.clone();
                let text = with_table(&source.text, DATA_TABLE_LINE, kind, &table).ok_or_else(|| {
                    PolicyError::DataTablePlace {
                        file: file(),
                        line: misplaced(&source.text, DATA_TABLE_LINE, kind),
                    }
                })?;
                let recipients = data_table
                    .recipients_markdown(language)
                    .ok_or(PolicyError::RecipientRows { language })?;
                let text = with_table(&text, RECIPIENTS_LINE, kind, &recipients).ok_or_else(|| {
                    PolicyError::RecipientsPlace {
                        file: file(),
                        line: misplaced(&source.text, RECIPIENTS_LINE, kind),
                    }
                })?;
                filled.insert((language, kind), (source, text));
            }
        }
        Self::from_texts(&filled)
    }

    /// The bundle of complete texts, as an archive keeps them.
    pub(crate) fn from_archive(
        texts: &BTreeMap<Language, BTreeMap<DocumentKind, String>>,
    ) -> Result<Self, PolicyError> {
        let mut filled = BTreeMap::new();
        for language in Language::ALL {
            for kind in DocumentKind::ALL {
                let text = texts.get(&language).and_then(|documents| documents.get(&kind));
                let text = text.ok_or(PolicyError::DocumentMissing { language, kind })?;
                let source = Source {
                    file: format!("{language}/{kind}"),
                    text: text.clone(),
                };
                filled.insert((language, kind), (render::normalised(&source)?, text.clone()));
            }
        }
        Self::from_texts(&filled)
    }

    /// The complete texts, for an archive.
    pub(crate) fn archive(&self) -> BTreeMap<Language, BTreeMap<DocumentKind, String>> {
        let mut texts: BTreeMap<Language, BTreeMap<DocumentKind, String>> = BTreeMap::new();
        for ((language, kind), document) in &self.documents {
            texts
                .entry(*language)
                .or_default()
                .insert(*kind, document.markdown.clone());
        }
        texts
    }

    fn from_texts(texts: &BTreeMap<(Language, DocumentKind), (Source, String)>) -> Result<Self, PolicyError> {
        let glossaries = glossaries(texts)?;
        let mut documents = BTreeMap::new();
        for ((language, kind), (source, text)) in texts {
            let definitions = glossaries.get(language).map(Vec::as_slice).unwrap_or_default();
            let terms: BTreeSet<&str> = definitions
                .iter()
                .map(|definition| definition.id.as_str())
                .collect();
            // First as written, so that errors name the right lines; then with the table filled in.
            render::rendered(source, *kind, *language, &terms)?;
            let complete = Source {
                file: source.file.clone(),
                text: text.clone(),
            };
            let (title, html) = render::rendered(&complete, *kind, *language, &terms)?;
            let document = Document {
                language: *language,
                kind: *kind,
                title,
                markdown: text.clone(),
                html,
            };
            documents.insert((*language, *kind), document);
        }
        let term = |definition: Definition| Term {
            id: definition.id,
            word: definition.word,
            definition: definition.definition,
        };
        let terms = glossaries
            .into_iter()
            .map(|(language, definitions)| (language, definitions.into_iter().map(term).collect()))
            .collect();
        Ok(Self {
            hash: hash_of(&documents),
            documents,
            terms,
        })
    }

    /// The hash over every text in every language.
    pub const fn hash(&self) -> &VersionHash {
        &self.hash
    }

    /// A document. Every one exists in every language.
    pub fn document(&self, language: Language, kind: DocumentKind) -> Option<&Document> {
        self.documents.get(&(language, kind))
    }

    /// All documents.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// The glossary's terms, in its order.
    pub fn terms(&self, language: Language) -> &[Term] {
        self.terms.get(&language).map(Vec::as_slice).unwrap_or_default()
    }
}

fn source(sources: &Sources, language: Language, kind: DocumentKind) -> Result<&Source, PolicyError> {
    let documents = sources.languages.get(&language).map(|sources| &sources.documents);
    let documents = documents.filter(|documents| !documents.is_empty());
    let documents = documents.ok_or(PolicyError::LanguageMissing { language })?;
    documents
        .get(&kind)
        .ok_or(PolicyError::DocumentMissing { language, kind })
}

/// Where a line stands that must not: beside other words; the second time in the Policy, the first elsewhere; the last line if it
/// stands nowhere.
fn misplaced(text: &str, mark: &str, kind: DocumentKind) -> usize {
    let allowed = usize::from(kind == DocumentKind::Privacy);
    let places = || (1..).zip(text.lines()).filter(|(_, line)| line.contains(mark));
    let wrong = places()
        .find(|(_, line)| *line != mark)
        .or_else(|| places().nth(allowed));
    wrong.map_or_else(|| text.lines().count().max(1), |(line, _)| line)
}

fn check_rows(table: &DataTable) -> Result<(), PolicyError> {
    let uneven = |count: &dyn Fn(Language) -> usize| {
        let expected = count(Language::English);
        let is_uneven = |language: &Language| count(*language) == 0 || count(*language) != expected;
        Language::ALL.into_iter().find(is_uneven)
    };
    if let Some(language) = uneven(&|language| table.rows.get(&language).map_or(0, Vec::len)) {
        return Err(PolicyError::DataTableRows { language });
    }
    match uneven(&|language| table.recipients.get(&language).map_or(0, Vec::len)) {
        Some(language) => Err(PolicyError::RecipientRows { language }),
        None => Ok(()),
    }
}

/// The text with the table in its place, a line of its own: once in the Policy, nowhere else; `None` if it stands otherwise.
fn with_table(text: &str, place: &str, kind: DocumentKind, table: &str) -> Option<String> {
    let places = text.matches(place).count();
    let expected = usize::from(kind == DocumentKind::Privacy);
    let on_own_line = text.lines().filter(|line| *line == place).count() == places;
    (places == expected && on_own_line).then(|| text.replace(place, table))
}

/// The definitions of each language, the same terms in all.
fn glossaries(
    texts: &BTreeMap<(Language, DocumentKind), (Source, String)>,
) -> Result<BTreeMap<Language, Vec<Definition>>, PolicyError> {
    let mut glossaries = BTreeMap::new();
    let sources = texts
        .iter()
        .filter(|((_, kind), _)| *kind == DocumentKind::Glossary);
    for ((language, _), (source, _)) in sources.clone() {
        glossaries.insert(*language, render::definitions(source)?);
    }
    let all: BTreeSet<&str> = glossaries
        .values()
        .flatten()
        .map(|definition| definition.id.as_str())
        .collect();
    for ((language, _), (source, _)) in sources.clone() {
        let defined = glossaries.get(language).map(Vec::as_slice).unwrap_or_default();
        if let Some(term) = all
            .iter()
            .find(|term| !defined.iter().any(|definition| definition.id == **term))
        {
            let mark = format!("{{#{term}}}");
            let line_in = |text: &str| text.lines().position(|line| line.contains(&mark));
            let defining = sources
                .clone()
                .find_map(|(_, (other, _))| Some((other.file.clone(), line_in(&other.text)? + 1)));
            let (file, line) = defining.unwrap_or_else(|| (source.file.clone(), 1));
            return Err(PolicyError::TermNotTranslated {
                file,
                line,
                lacking: source.file.clone(),
                term: (*term).to_owned(),
            });
        }
    }
    Ok(glossaries)
}

fn hash_of(documents: &BTreeMap<(Language, DocumentKind), Document>) -> VersionHash {
    let mut parts = vec![HASH_LABEL];
    for language in Language::ALL {
        for kind in DocumentKind::ALL {
            if let Some(document) = documents.get(&(language, kind)) {
                parts.extend([
                    language.code().as_bytes(),
                    kind.name().as_bytes(),
                    document.markdown.as_bytes(),
                ]);
            }
        }
    }
    VersionHash::of(parts)
}
