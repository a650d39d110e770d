//! Finding numbers in text: digits form groups, groups a few separators apart form chains, and any neighbours in a chain may
//! together be a card number.

use crate::digits::digit_value;
use crate::issuers::{DIGITS_MAX, DIGITS_MIN, network};
use std::borrow::Cow;
use std::ops::Range;

/// Most characters between two groups of digits of one number: blanks, dashes, signs that cannot be seen.
pub const SEPARATORS_MAX: usize = 8;
/// Most digits of a telephone number after its plus sign (ITU-T E.164).
pub const PHONE_DIGITS_MAX: usize = 15;
/// Fields over which one number may be spread.
const PARTS_MAX: usize = 8;
const REMOVED: &str = "[card number removed]";

/// A card number in a text. It does not hold the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose number it is.
    pub network: &'static str,
    /// How many digits it has.
    pub digits: usize,
    /// Where it stands, in bytes.
    pub place: Range<usize>,
}

/// Digits that nothing parts.
struct Group {
    values: Vec<u8>,
    place: Range<usize>,
    /// A plus sign stands before it.
    after_plus: bool,
    /// It goes on from the group before: only separators stand between, and few.
    continues: bool,
}

/// The first card number in a text; `None` if there is none. A text that as a whole is a decimal number with a point, or a UUID, is
/// none: prices with eight decimals look like card numbers one time in ten.
pub fn find(text: &str) -> Option<Finding> {
    match is_decimal(text) || is_uuid(text) {
        true => None,
        false => first(&groups(text, false)),
    }
}

/// Digits, one point, digits; a sign may stand before.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let parts = unsigned.split_once('.');
    parts.is_some_and(|(whole, fraction)| digits(whole) && digits(fraction) && whole.len() < DIGITS_MIN)
}

/// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// As [`find`] in what was a file's bytes: characters that no text holds part numbers too.
pub(crate) fn find_in_file(text: &str) -> Option<Finding> {
    first(&groups(text, true))
}

/// The text without its card numbers: each is replaced by a remark.
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(mut finding) = find(text) else {
        return Cow::Borrowed(text);
    };
    let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
    loop {
        clean.push_str(&rest[..finding.place.start]);
        clean.push_str(REMOVED);
        rest = &rest[finding.place.end..];
        match find(rest) {
            Some(next) => finding = next,
            None => break,
        }
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// Whether values that follow each other, each without letters and too short to be a card number, are one together: the number
/// of the first of them, from 0. Amounts with a point and telephone numbers with a plus sign take no part, and part others.
pub fn find_split<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<usize> {
    let parts: Vec<Option<Vec<u8>>> = values.into_iter().map(part).collect();
    (0..parts.len()).find(|from| {
        let mut together = Vec::with_capacity(DIGITS_MAX);
        for (taken, part) in parts.iter().skip(*from).take(PARTS_MAX).enumerate() {
            let Some(digits) = part else { break };
            together.extend_from_slice(digits);
            if together.len() > DIGITS_MAX {
                break;
            }
            if taken > 0 && network(&together).is_some() {
                return true;
            }
        }
        false
    })
}

/// The digits of a value that may be a part of a number.
fn part(value: &str) -> Option<Vec<u8>> {
    let value = value.trim();
    let is_other = value.starts_with('+') || value.contains(['.', ',']) || value.len() > 4 * DIGITS_MAX;
    if is_other || value.chars().any(|character| kind(character) == Kind::Letter) {
        return None;
    }
    let digits: Vec<u8> = value.chars().filter_map(digit_value).collect();
    (!digits.is_empty() && digits.len() < DIGITS_MIN).then_some(digits)
}

fn first(groups: &[Group]) -> Option<Finding> {
    (0..groups.len()).find_map(|from| starting(&groups[from..]))
}

/// The longest number that begins with the first of these groups.
fn starting(groups: &[Group]) -> Option<Finding> {
    let (first, mut together, mut found) = (groups.first()?, Vec::with_capacity(DIGITS_MAX), None);
    for (taken, group) in groups.iter().enumerate() {
        if (taken > 0 && !group.continues) || together.len() + group.values.len() > DIGITS_MAX {
            break;
        }
        together.extend_from_slice(&group.values);
        let is_phone = first.after_plus && together.len() <= PHONE_DIGITS_MAX;
        if together.len() < DIGITS_MIN || is_phone {
            continue;
        }
        if let Some(network) = network(&together) {
            found = Some(Finding {
                network,
                digits: together.len(),
                place: first.place.start..group.place.end,
            });
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digit(u8),
    Letter,
    Other,
}

fn kind(character: char) -> Kind {
    match digit_value(character) {
        Some(value) => Kind::Digit(value),
        None if character.is_alphanumeric() => Kind::Letter,
        None => Kind::Other,
    }
}

/// The groups of a text, from words of letters and digits that hold one row of digits each.
fn groups(text: &str, control_parts: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut apart, mut plus) = (usize::MAX, false);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if kind(character) == Kind::Other {
            let parts = control_parts && character.is_control() && !character.is_whitespace();
            apart = if parts {
                usize::MAX
            } else {
                apart.saturating_add(1)
            };
            plus = character == '+';
            continue;
        }
        let mut word = Word::default();
        word.add(at, character);
        while let Some((at, character)) = characters.next_if(|(_, next)| kind(*next) != Kind::Other) {
            word.add(at, character);
        }
        let (begins_with_digit, ends_with_digit) = (!word.letters_before, !word.letters_after);
        match word.rows {
            1 => {
                groups.push(Group {
                    values: word.values,
                    place: word.place,
                    after_plus: plus && begins_with_digit,
                    continues: begins_with_digit && apart <= SEPARATORS_MAX,
                });
                apart = if ends_with_digit { 0 } else { usize::MAX };
            }
            _ => apart = usize::MAX,
        }
        plus = false;
    }
    groups
}

/// Letters and digits without anything between.
#[derive(Default)]
struct Word {
    values: Vec<u8>,
    place: Range<usize>,
    rows: usize,
    letters_before: bool,
    letters_after: bool,
}

impl Word {
    fn add(&mut self, at: usize, character: char) {
        let Kind::Digit(value) = kind(character) else {
            self.letters_after = self.rows > 0;
            self.letters_before |= self.rows == 0;
            return;
        };
        if self.rows == 0 || self.letters_after {
            self.rows += 1;
            self.place.start = at;
            self.letters_after = false;
        }
        // Longer rows are no card numbers; what is beyond is only counted as too long.
        if self.values.len() <= DIGITS_MAX {
            self.values.push(value);
        }
        self.place.end = at + character.len_utf8();
    }
}
