//! Card numbers: checked, wiped when dropped, never printable.

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Fewest digits of a card number.
pub const CARD_NUMBER_DIGITS_MIN: usize = 12;
/// Most digits of a card number.
pub const CARD_NUMBER_DIGITS_MAX: usize = 19;
/// Longest text that is looked at, in bytes: digits, and blanks or dashes between them.
const CARD_NUMBER_TEXT_BYTES_MAX: usize = 40;

/// Why a text is no card number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidCardNumber {
    /// Something else than digits, blanks and dashes.
    #[error("a card number consists of digits")]
    Characters,
    /// Too few or too many digits.
    #[error("a card number has {CARD_NUMBER_DIGITS_MIN} to {CARD_NUMBER_DIGITS_MAX} digits")]
    Length,
    /// The check digit is wrong.
    #[error("the check digit is wrong")]
    CheckDigit,
}

/// The brand that a number's first digits tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Brand {
    /// VISA.
    Visa,
    /// Mastercard.
    Mastercard,
    /// Any other.
    Other,
}

impl Brand {
    /// The brand's own name; empty for another.
    pub const fn name(self) -> &'static str {
        match self {
            Brand::Visa => "VISA",
            Brand::Mastercard => "Mastercard",
            Brand::Other => "",
        }
    }
}

/// A card number with a right check digit. No `Debug`, no `Display`; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CardNumber {
    digits: [u8; CARD_NUMBER_DIGITS_MAX],
    length: usize,
}

impl CardNumber {
    /// Reads digits; blanks and dashes between them are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidCardNumber> {
        if text.len() > CARD_NUMBER_TEXT_BYTES_MAX {
            return Err(InvalidCardNumber::Length);
        }
        let mut number = Self {
            digits: [0; CARD_NUMBER_DIGITS_MAX],
            length: 0,
        };
        for byte in text.bytes() {
            match byte {
                b' ' | b'-' => {}
                b'0'..=b'9' if number.length == CARD_NUMBER_DIGITS_MAX => {
                    return Err(InvalidCardNumber::Length);
                }
                b'0'..=b'9' => {
                    number.digits[number.length] = byte;
                    number.length += 1;
                }
                _ => return Err(InvalidCardNumber::Characters),
            }
        }
        if number.length < CARD_NUMBER_DIGITS_MIN {
            return Err(InvalidCardNumber::Length);
        }
        if !luhn(number.digits()) {
            return Err(InvalidCardNumber::CheckDigit);
        }
        Ok(number)
    }

    /// The ASCII digits.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }

    /// The last four digits, for the cardholder's own eyes.
    pub fn last_four(&self) -> &str {
        core::str::from_utf8(&self.digits()[self.length - 4..]).unwrap_or("")
    }

    /// The first six digits, which name the issuer.
    pub fn issuer_prefix(&self) -> &str {
        core::str::from_utf8(&self.digits()[..6]).unwrap_or("")
    }

    /// The brand that the first digits tell.
    pub fn brand(&self) -> Brand {
        let prefix: u32 = self.digits()[..4]
            .iter()
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        match prefix {
            4000..=4999 => Brand::Visa,
            5100..=5599 | 2221..=2720 => Brand::Mastercard,
            _ => Brand::Other,
        }
    }
}

impl PartialEq for CardNumber {
    fn eq(&self, other: &Self) -> bool {
        self.digits() == other.digits()
    }
}

impl Eq for CardNumber {}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit - b'0');
            match (index % 2, value) {
                (0, _) => value,
                (_, 0..=4) => value * 2,
                _ => value * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_people_type() {
        for text in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            " 4242 4242 42424242 ",
        ] {
            let number = CardNumber::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(number.last_four(), "4242");
            assert!(number.brand() == Brand::Visa);
        }
        let brand = |text| CardNumber::parse(text).map(|number| number.brand());
        assert_eq!(brand("5555555555554444"), Ok(Brand::Mastercard));
        assert_eq!(brand("2223003122003222"), Ok(Brand::Mastercard));
        assert_eq!(brand("378282246310005"), Ok(Brand::Other));
    }

    #[test]
    fn refuses_each_fault_by_name() {
        use InvalidCardNumber::{Characters, CheckDigit, Length};
        let long = "4".repeat(41);
        for (text, expected) in [
            ("", Length),
            ("42424242", Length),
            ("42424242424242424242", Length),
            (&long, Length),
            ("4242424242424241", CheckDigit),
            ("4242x42424242424", Characters),
            ("４２４２424242424242", Characters),
        ] {
            assert_eq!(CardNumber::parse(text).err(), Some(expected), "{text}");
        }
    }
}
