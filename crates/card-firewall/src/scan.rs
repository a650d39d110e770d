//! Reading bytes piece by piece: files, databases, dumps.

use crate::digits::digit_value;
use crate::groups::{SEPARATORS_MAX, find_in_file};
use std::collections::BTreeMap;

/// How much of a piece is looked at again with the next, so that a number on the border is seen whole.
pub const SCAN_OVERLAP_BYTES: usize = 1_024;

/// A card number in a row of bytes. It does not hold the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where it begins, in bytes from the first.
    pub offset: u64,
    /// Whose number it is.
    pub network: &'static str,
    /// How many digits it has.
    pub digits: usize,
}

/// Looks at bytes as they come, for numbers written in UTF-8 or ASCII.
#[derive(Default)]
pub struct Scanner {
    /// The digits of the numbers that alone are looked for; any card's when empty.
    only: Vec<String>,
    /// What was read last, and where it begins.
    kept: Vec<u8>,
    offset: u64,
    /// By where they begin: a number cut off at the end of a piece is seen again, longer, with the next.
    hits: BTreeMap<u64, Hit>,
}

impl Scanner {
    /// Looks for these numbers alone, given by their digits 0 to 9, wherever their digits follow each other: in a longer row of
    /// digits too, as a database puts one value beside the next.
    pub fn for_numbers(only: Vec<String>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// Looks at the next bytes.
    pub fn read(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
        self.look();
        let done = self.kept.len().saturating_sub(SCAN_OVERLAP_BYTES);
        self.kept.drain(..done);
        self.offset += done as u64;
    }

    /// What was found, by place.
    pub fn finish(self) -> Vec<Hit> {
        self.hits.into_values().collect()
    }

    fn look(&mut self) {
        let mut at = 0;
        for chunk in self.kept.utf8_chunks() {
            let (text, mut from) = (chunk.valid(), 0);
            if !self.only.is_empty() {
                for (start, digits) in rows(text) {
                    if let Some(number) = self.only.iter().find(|number| digits.contains(number.as_str())) {
                        let offset = self.offset + (at + start) as u64;
                        let (network, digits) = ("a number that was asked for", number.len());
                        self.hits.insert(
                            offset,
                            Hit {
                                offset,
                                network,
                                digits,
                            },
                        );
                    }
                }
                at += text.len() + chunk.invalid().len();
                continue;
            }
            while let Some(finding) = find_in_file(&text[from..]) {
                let hit = Hit {
                    offset: self.offset + (at + from + finding.place.start) as u64,
                    network: finding.network,
                    digits: finding.digits,
                };
                self.hits.insert(hit.offset, hit);
                from += finding.place.end;
            }
            at += text.len() + chunk.invalid().len();
        }
    }
}

/// Rows of digits of any script with a few characters between that are neither letters nor digits: where each begins, and its
/// digits.
fn rows(text: &str) -> Vec<(usize, String)> {
    let mut rows: Vec<(usize, String)> = Vec::new();
    // Characters since the last digit; too many at the beginning.
    let mut between = SEPARATORS_MAX + 1;
    for (at, character) in text.char_indices() {
        match digit_value(character) {
            Some(digit) => {
                let digit = char::from(b'0' + digit);
                match rows.last_mut() {
                    Some((_, digits)) if between <= SEPARATORS_MAX => digits.push(digit),
                    _ => rows.push((at, digit.to_string())),
                }
                between = 0;
            }
            None if character.is_alphabetic() => between = SEPARATORS_MAX + 1,
            None => between = between.saturating_add(1),
        }
    }
    rows
}
