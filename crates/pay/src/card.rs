//! A card as the person typed it: checked, wiped when dropped, never printable.

use crate::clock;
use ensoex_iso8583::CardNumber;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Furthest expiry that is believed, in years from now.
const EXPIRY_YEARS_MAX: i32 = 20;

/// The month in which a card ends.
#[derive(Clone, Copy, PartialEq, Eq, Zeroize)]
pub(crate) struct Expiry {
    /// 2000 to 2099.
    pub(crate) year: u16,
    /// 1 to 12.
    pub(crate) month: u8,
}

/// Why an expiry is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum InvalidExpiry {
    /// Not a month and a year.
    Malformed,
    /// Over.
    Past,
    /// Further ahead than any card is valid.
    TooFar,
}

impl Expiry {
    /// Reads `MM/YY`, `MM / YY`, `MMYY`, `M/YY`, `MM/YYYY`; dashes and blanks separate as well.
    pub(crate) fn parse(text: &str, now: i64) -> Result<Self, InvalidExpiry> {
        let expiry = Self::read(text).ok_or(InvalidExpiry::Malformed)?;
        let today = clock::utc(now);
        let months = |year: i32, month: u8| year * 12 + i32::from(month);
        let left =
            months(i32::from(expiry.year), expiry.month) - months(today.year(), u8::from(today.month()));
        match left {
            ..0 => Err(InvalidExpiry::Past),
            left if left > EXPIRY_YEARS_MAX * 12 => Err(InvalidExpiry::TooFar),
            _ => Ok(expiry),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 16 {
            return None;
        }
        let parts: Vec<&str> = text
            .split(['/', '-', ' ', '.'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let (month, year) = match parts.as_slice() {
            [month, year] => (*month, *year),
            [both] if both.len() == 4 && both.is_ascii() => both.split_at(2),
            _ => return None,
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(month) || !digits(year) || month.len() > 2 {
            return None;
        }
        let month: u8 = month.parse().ok()?;
        let year: u16 = match year.len() {
            2 => 2000 + year.parse::<u16>().ok()?,
            4 => year.parse().ok()?,
            _ => return None,
        };
        ((1..=12).contains(&month) && (2000..=2099).contains(&year)).then_some(Self { year, month })
    }

    /// YYMM, as the card network writes it.
    pub(crate) fn year_month(self) -> String {
        format!("{:02}{:02}", self.year % 100, self.month)
    }

    /// Whether the card is over at `now`.
    pub(crate) fn is_past(self, now: i64) -> bool {
        let today = clock::utc(now);
        (i32::from(self.year), self.month) < (today.year(), u8::from(today.month()))
    }
}

/// Number and expiry. No `Debug`; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Card {
    pub(crate) number: CardNumber,
    pub(crate) expiry: Expiry,
}

/// The card verification code: held for one request, never stored. No `Debug`; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct VerificationCode(Vec<u8>);

impl VerificationCode {
    /// Reads three or four digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let sound = (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        sound.then(|| Self(text.as_bytes().to_vec()))
    }

    /// The ASCII digits.
    pub(crate) fn digits(&self) -> &[u8] {
        &self.0
    }
}

const SEALED_LAYOUT: u8 = 1;

impl Card {
    /// The bytes that are sealed: layout, YYMM, digits of the number.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let digits = self.number.digits();
        let mut bytes = Zeroizing::new(Vec::with_capacity(5 + digits.len()));
        bytes.push(SEALED_LAYOUT);
        bytes.extend_from_slice(self.expiry.year_month().as_bytes());
        bytes.extend_from_slice(digits);
        bytes
    }

    /// Reads what [`Card::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&SEALED_LAYOUT, rest) = bytes.split_first()? else {
            return None;
        };
        let (year_month, digits) = rest.split_at_checked(4)?;
        let year_month: u16 = core::str::from_utf8(year_month).ok()?.parse().ok()?;
        let number = CardNumber::parse(core::str::from_utf8(digits).ok()?).ok()?;
        let month = u8::try_from(year_month % 100).ok()?;
        Some(Self {
            number,
            expiry: Expiry {
                year: 2000 + year_month / 100,
                month,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22.
    const NOW: i64 = 1_795_305_600;

    #[test]
    fn expiries_read_as_people_type_them() {
        for text in [
            "04/30", "4/30", "04 / 30", "0430", "04-30", "04/2030", " 04 30 ", "04.30",
        ] {
            let expiry = Expiry::parse(text, NOW).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(expiry.year_month(), "3004", "{text}");
        }
        use InvalidExpiry::{Malformed, Past, TooFar};
        for (text, expected) in [
            ("", Malformed),
            ("13/30", Malformed),
            ("00/30", Malformed),
            ("04", Malformed),
            ("04/3", Malformed),
            ("04/030", Malformed),
            ("aa/bb", Malformed),
            ("04/30/30", Malformed),
            ("٠٤/٣٠", Malformed),
            ("10/26", Past),
            ("01/20", Past),
            ("12/46", TooFar),
            ("01/99", TooFar),
        ] {
            assert_eq!(Expiry::parse(text, NOW).err(), Some(expected), "{text}");
        }
        assert!(
            Expiry::parse("11/26", NOW).is_ok(),
            "a card is valid to the end of its month"
        );
        assert!(Expiry::parse("11/46", NOW).is_ok());
    }

    #[test]
    fn cards_survive_sealing() {
        let number = CardNumber::parse("4000 0000 0000 3220").unwrap_or_else(|error| panic!("{error}"));
        let card = Card {
            number,
            expiry: Expiry { year: 2031, month: 2 },
        };
        let again = Card::decode(&card.encode()).expect("what was encoded");
        assert!(again.number == card.number);
        assert!(again.expiry == card.expiry);
        assert!(Card::decode(b"").is_none());
        assert!(Card::decode(&card.encode()[1..]).is_none());
    }

    #[test]
    fn verification_codes_have_three_or_four_digits() {
        for (text, sound) in [
            ("123", true),
            ("1234", true),
            (" 123 ", true),
            ("12", false),
            ("12a", false),
            ("", false),
        ] {
            assert_eq!(VerificationCode::parse(text).is_some(), sound, "{text}");
        }
    }
}
