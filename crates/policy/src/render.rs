//! Markdown to safe HTML, and the checks that need its structure.
//!
//! It knows one document at a time and the identifiers of the glossary. HTML, images and foreign
//! addresses are refused, so that nothing but text can come out.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::document::{DocumentKind, Language};
use crate::error::PolicyError;
use crate::source::Source;

/// Largest document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
const TERM_LINK: &str = "glossary:";
const DOCUMENT_LINK: &str = "document:";

/// A term as the glossary defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) word: String,
    /// The definition, as text.
    pub(crate) definition: String,
}

pub(crate) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES
}

/// The line of a byte of the text, from 1.
fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// Refuses texts that are too large or hold invisible characters. Line ends become line feeds.
pub(crate) fn normalised(source: &Source) -> Result<Source, PolicyError> {
    if source.text.len() > DOCUMENT_BYTES_MAX {
        return Err(PolicyError::TooLarge {
            file: source.file.clone(),
            line: line_of(&source.text, DOCUMENT_BYTES_MAX),
            bytes_max: DOCUMENT_BYTES_MAX,
        });
    }
    let text = source.text.replace("\r\n", "\n");
    if let Some((byte, character)) = text
        .char_indices()
        .find(|(_, character)| is_invisible(*character))
    {
        let line = line_of(&text, byte);
        return Err(PolicyError::InvisibleCharacter {
            file: source.file.clone(),
            line,
            code: character.into(),
        });
    }
    Ok(Source {
        file: source.file.clone(),
        text,
    })
}

/// Control characters but line feeds, and those that turn the direction of text or have no width.
pub fn is_invisible(character: char) -> bool {
    let turning = matches!(character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    turning || (character.is_control() && character != '\n')
}

/// The terms of a glossary, in its order.
pub(crate) fn definitions(source: &Source) -> Result<Vec<Definition>, PolicyError> {
    let mut found: Vec<(Definition, usize)> = Vec::new();
    let mut heading: Option<(Option<String>, String, usize)> = None;
    for (event, range) in Parser::new_ext(&source.text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading {
                level: HeadingLevel::H2,
                id,
                ..
            }) => {
                heading = Some((
                    id.map(|id| id.to_string()),
                    String::new(),
                    line_of(&source.text, range.start),
                ));
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => {
                let Some((id, word, line)) = heading.take() else {
                    continue;
                };
                let form = || PolicyError::TermForm {
                    file: source.file.clone(),
                    line,
                };
                let id = id.filter(|id| is_identifier(id)).ok_or_else(form)?;
                if let Some((_, line_first)) = found.iter().find(|(defined, _)| defined.id == id) {
                    let (file, line_first) = (source.file.clone(), *line_first);
                    return Err(PolicyError::TwiceDefinedTerm {
                        file,
                        line,
                        line_first,
                        term: id,
                    });
                }
                found.push((
                    Definition {
                        id,
                        word,
                        definition: String::new(),
                    },
                    line,
                ));
            }
            Event::Text(text) | Event::Code(text) => match (&mut heading, found.last_mut()) {
                (Some((_, word, _)), _) => word.push_str(&text),
                (None, Some((definition, _))) => definition.definition.push_str(&text),
                (None, None) => {}
            },
            Event::SoftBreak | Event::HardBreak => {
                if let (None, Some((definition, _))) = (&heading, found.last_mut()) {
                    definition.definition.push(' ');
                }
            }
            _ => {}
        }
    }
    if let Some((_, line)) = found
        .iter()
        .find(|(definition, _)| definition.definition.trim().is_empty())
    {
        return Err(PolicyError::TermForm {
            file: source.file.clone(),
            line: *line,
        });
    }
    Ok(found.into_iter().map(|(definition, _)| definition).collect())
}

fn is_identifier(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Checks a document and gives its title and HTML. Lines in errors are those of `source`.
pub(crate) fn rendered(
    source: &Source,
    kind: DocumentKind,
    language: Language,
    terms: &BTreeSet<&str>,
) -> Result<(String, String), PolicyError> {
    let mut title: Option<String> = None;
    let mut in_title = false;
    let mut sections = 0;
    let mut events = Vec::new();
    for (event, range) in Parser::new_ext(&source.text, options()).into_offset_iter() {
        check(source, &event, &range)?;
        match &event {
            Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            }) if title.is_none() => {
                (title, in_title) = (Some(String::new()), true);
            }
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => in_title = false,
            _ if title.is_none() => {
                return Err(PolicyError::TitleMissing {
                    file: source.file.clone(),
                });
            }
            Event::Text(text) | Event::Code(text) if in_title => {
                title.get_or_insert_default().push_str(text);
            }
            _ => {}
        }
        events.push(match event {
            Event::Start(Tag::Heading {
                level: HeadingLevel::H2,
                id: None,
                classes,
                attrs,
            }) => {
                sections += 1;
                let id = Some(CowStr::from(format!("section-{sections}")));
                Event::Start(Tag::Heading {
                    level: HeadingLevel::H2,
                    id,
                    classes,
                    attrs,
                })
            }
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let dest_url = CowStr::from(target(source, &dest_url, &range, kind, terms)?);
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    title,
                    id,
                })
            }
            other => other,
        });
    }
    let title = title.filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| PolicyError::TitleMissing {
        file: source.file.clone(),
    })?;
    let mut html = format!("<article lang=\"{}\">\n", language.code());
    html::push_html(&mut html, events.into_iter());
    html.push_str("</article>\n");
    Ok((title, html))
}

fn check(source: &Source, event: &Event<'_>, range: &Range<usize>) -> Result<(), PolicyError> {
    let what = match event {
        Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => "HTML",
        Event::Start(Tag::Image { .. }) => "an image",
        _ => return Ok(()),
    };
    Err(PolicyError::Unsafe {
        file: source.file.clone(),
        line: line_of(&source.text, range.start),
        what,
    })
}

/// Where a link of the text leads on the page.
fn target(
    source: &Source,
    address: &str,
    range: &Range<usize>,
    kind: DocumentKind,
    terms: &BTreeSet<&str>,
) -> Result<String, PolicyError> {
    let line = line_of(&source.text, range.start);
    if let Some(term) = address.strip_prefix(TERM_LINK) {
        if !terms.contains(term) {
            let term = term.to_owned();
            return Err(PolicyError::UndefinedTerm {
                file: source.file.clone(),
                line,
                term,
            });
        }
        let page = if kind == DocumentKind::Glossary {
            ""
        } else {
            DocumentKind::Glossary.name()
        };
        return Ok(format!("{page}#{term}"));
    }
    match address
        .strip_prefix(DOCUMENT_LINK)
        .and_then(DocumentKind::from_name)
    {
        Some(document) => Ok(document.name().to_owned()),
        None => Err(PolicyError::Unsafe {
            file: source.file.clone(),
            line,
            what: "a link to elsewhere",
        }),
    }
}
