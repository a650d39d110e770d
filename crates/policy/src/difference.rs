//! What changed between two texts of a document, word by word, for people to read.
//!
//! Texts are compared by paragraphs, and what differs by words. Marks of Markdown and targets of links are left out, since
//! a reader does not see them. It does not know versions.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::document::Document;
use crate::render::options;

/// Most words of one changed passage, on either side, that are compared one by one; longer ones are shown as replaced.
pub const COMPARED_WORDS_MAX: usize = 5_000;

/// What became of some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// They are in both texts.
    Same,
    /// They are in the older text only.
    Removed,
    /// They are in the newer text only.
    Added,
}

/// Words that follow each other and share what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What became of them.
    pub change: Change,
    /// The words.
    pub text: String,
}

/// What a paragraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParagraphKind {
    /// A heading.
    Heading,
    /// A paragraph of text.
    Text,
    /// An item of a list.
    Item,
    /// A row of a table, its cells separated by a vertical line.
    Row,
}

/// A paragraph in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// What it is.
    pub kind: ParagraphKind,
    /// Its words, older ones before newer ones.
    pub pieces: Vec<Piece>,
}

impl Paragraph {
    /// Whether it is the same in both texts.
    pub fn is_same(&self) -> bool {
        self.pieces.iter().all(|piece| piece.change == Change::Same)
    }
}

/// The paragraphs of both texts in one order, with what became of each word.
pub fn difference(older: &Document, newer: &Document) -> Vec<Paragraph> {
    compared(&older.markdown, &newer.markdown)
}

fn compared(older: &str, newer: &str) -> Vec<Paragraph> {
    let (older, newer) = (plain(older), plain(newer));
    let mut paragraphs = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &older, &newer) {
        let (tag, old, new) = operation.as_tag_tuple();
        match tag {
            DiffTag::Equal => {
                paragraphs.extend(newer[new].iter().map(|paragraph| paragraph.whole(Change::Same)))
            }
            DiffTag::Delete => paragraphs.extend(
                older[old]
                    .iter()
                    .map(|paragraph| paragraph.whole(Change::Removed)),
            ),
            DiffTag::Insert => {
                paragraphs.extend(newer[new].iter().map(|paragraph| paragraph.whole(Change::Added)))
            }
            DiffTag::Replace => paragraphs.extend(by_words(&older[old], &newer[new])),
        }
    }
    paragraphs
}

/// A paragraph as a reader sees it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Plain {
    kind: ParagraphKind,
    text: String,
}

impl Plain {
    fn whole(&self, change: Change) -> Paragraph {
        let piece = Piece {
            change,
            text: self.text.clone(),
        };
        Paragraph {
            kind: self.kind,
            pieces: vec![piece],
        }
    }
}

/// A word, or the end of a paragraph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token<'a> {
    Word(&'a str),
    End(ParagraphKind),
}

fn tokens(paragraphs: &[Plain]) -> Vec<Token<'_>> {
    paragraphs
        .iter()
        .flat_map(|paragraph| {
            let words = paragraph.text.split_whitespace().map(Token::Word);
            words.chain(std::iter::once(Token::End(paragraph.kind)))
        })
        .collect()
}

fn by_words(older: &[Plain], newer: &[Plain]) -> Vec<Paragraph> {
    let (old, new) = (tokens(older), tokens(newer));
    if old.len().max(new.len()) > COMPARED_WORDS_MAX {
        let removed = older.iter().map(|paragraph| paragraph.whole(Change::Removed));
        let added = newer.iter().map(|paragraph| paragraph.whole(Change::Added));
        return removed.chain(added).collect();
    }
    let mut building = Building::default();
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (tag, removed, added) = operation.as_tag_tuple();
        if tag == DiffTag::Equal {
            building.add(Change::Same, &new[added]);
        } else {
            building.add(Change::Removed, &old[removed]);
            building.add(Change::Added, &new[added]);
        }
    }
    building.finish()
}

#[derive(Default)]
struct Building {
    done: Vec<Paragraph>,
    pieces: Vec<Piece>,
    kind: Option<ParagraphKind>,
}

impl Building {
    fn add(&mut self, change: Change, tokens: &[Token<'_>]) {
        for token in tokens {
            match token {
                Token::Word(word) => match self.pieces.last_mut() {
                    Some(piece) if piece.change == change => {
                        piece.text.push(' ');
                        piece.text.push_str(word);
                    }
                    _ => self.pieces.push(Piece {
                        change,
                        text: (*word).to_owned(),
                    }),
                },
                Token::End(kind) => {
                    self.kind = Some(*kind);
                    self.end(*kind);
                }
            }
        }
    }

    fn end(&mut self, kind: ParagraphKind) {
        if !self.pieces.is_empty() {
            let pieces = std::mem::take(&mut self.pieces);
            self.done.push(Paragraph { kind, pieces });
        }
    }

    fn finish(mut self) -> Vec<Paragraph> {
        self.end(self.kind.unwrap_or(ParagraphKind::Text));
        self.done
    }
}

/// The paragraphs of a Markdown text, without its marks.
fn plain(markdown: &str) -> Vec<Plain> {
    let mut paragraphs = Vec::new();
    let mut text = String::new();
    let mut items = 0_usize;
    let mut flush = |text: &mut String, kind: ParagraphKind| {
        let words: Vec<&str> = text.split_whitespace().collect();
        if !words.is_empty() {
            paragraphs.push(Plain {
                kind,
                text: words.join(" "),
            });
        }
        text.clear();
    };
    for event in Parser::new_ext(markdown, options()) {
        let kind = if items > 0 {
            ParagraphKind::Item
        } else {
            ParagraphKind::Text
        };
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::Start(Tag::Item) => {
                flush(&mut text, kind);
                items += 1;
            }
            Event::End(TagEnd::Item) => {
                flush(&mut text, ParagraphKind::Item);
                items = items.saturating_sub(1);
            }
            Event::End(TagEnd::Heading(_)) => flush(&mut text, ParagraphKind::Heading),
            Event::End(TagEnd::TableCell) => text.push_str(" | "),
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                text.truncate(text.trim_end_matches([' ', '|']).len());
                flush(&mut text, ParagraphKind::Row);
            }
            Event::End(TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::BlockQuote(_)) => {
                flush(&mut text, kind)
            }
            _ => {}
        }
    }
    flush(&mut text, ParagraphKind::Text);
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The difference in the way of a command line: `[-removed-]`, `{+added+}`.
    fn told(older: &str, newer: &str) -> Vec<String> {
        let piece = |piece: &Piece| match piece.change {
            Change::Same => piece.text.clone(),
            Change::Removed => format!("[-{}-]", piece.text),
            Change::Added => format!("{{+{}+}}", piece.text),
        };
        compared(older, newer)
            .iter()
            .map(|paragraph| paragraph.pieces.iter().map(piece).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn what_changed_is_told_word_by_word() {
        for (older, newer, expected) in [
            ("# A\n\nOne two.", "# A\n\nOne two.", vec!["A", "One two."]),
            (
                "We keep it for a year.",
                "We keep it for two years.",
                vec!["We keep it for [-a year.-] {+two years.+}"],
            ),
            ("One.\n\nTwo.", "One.", vec!["One.", "[-Two.-]"]),
            (
                "One.",
                "One.\n\nTwo.\n\nThree.",
                vec!["One.", "{+Two.+}", "{+Three.+}"],
            ),
            ("- a\n- b\n- c", "- a\n- x\n- c", vec!["a", "[-b-] {+x+}", "c"]),
            (
                "| h | i |\n|---|---|\n| e-mail | a year |",
                "| h | i |\n|---|---|\n| e-mail | a day |",
                vec!["h | i", "e-mail | a [-year-] {+day+}"],
            ),
            // What a reader does not see is no change.
            (
                "A [word](glossary:word) *here*.",
                "A [word](glossary:term) here.",
                vec!["A word here."],
            ),
        ] {
            assert_eq!(told(older, newer), expected, "{older:?} → {newer:?}");
        }
    }

    #[test]
    fn both_texts_can_be_read_out_of_their_difference() {
        let older = "# T\n\nFirst one.\n\nSecond two three.\n\n- a b\n- c\n\nLast.";
        let newer = "# T\n\nSecond three.\n\nA new one.\n\n- a\n- d c\n\nThe last.";
        let words = |leave_out: Change| -> Vec<String> {
            compared(older, newer)
                .iter()
                .flat_map(|paragraph| &paragraph.pieces)
                .filter(|piece| piece.change != leave_out)
                .flat_map(|piece| piece.text.split_whitespace().map(str::to_owned))
                .collect()
        };
        let of = |text: &str| -> Vec<String> {
            let words = plain(text).into_iter().map(|paragraph| paragraph.text);
            words
                .flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect()
        };
        assert_eq!(words(Change::Added), of(older));
        assert_eq!(words(Change::Removed), of(newer));
    }

    #[test]
    fn a_long_passage_is_shown_as_replaced() {
        let long = |word: &str| vec![word; COMPARED_WORDS_MAX + 1].join(" ");
        let paragraphs = compared(&format!("same {}", long("a")), &format!("same {}", long("b")));
        let changes: Vec<Change> = paragraphs
            .iter()
            .map(|paragraph| paragraph.pieces[0].change)
            .collect();
        assert_eq!(changes, [Change::Removed, Change::Added]);
    }
}
