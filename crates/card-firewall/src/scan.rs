//! Reading bytes piece by piece: files, databases, dumps.

use crate::groups::find_in_file;
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
    /// What was read last, and where it begins.
    kept: Vec<u8>,
    offset: u64,
    /// By where they begin: a number cut off at the end of a piece is seen again, longer, with the next.
    hits: BTreeMap<u64, Hit>,
}

impl Scanner {
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
