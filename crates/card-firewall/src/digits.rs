//! What a character is worth as a digit, in every script.

/// First character, its value, and how many follow each other upwards: every character to which Unicode 16 gives a digit's
/// value, decimal digits of all scripts as well as superscripts and encircled ones. Source: the fields *decimal* and *digit*
/// of the Unicode character database.
const DIGITS: &[(u32, u8, u8)] = &[
    (0x30, 0, 10),
    (0xb2, 2, 2),
    (0xb9, 1, 1),
    (0x660, 0, 10),
    (0x6f0, 0, 10),
    (0x7c0, 0, 10),
    (0x966, 0, 10),
    (0x9e6, 0, 10),
    (0xa66, 0, 10),
    (0xae6, 0, 10),
    (0xb66, 0, 10),
    (0xbe6, 0, 10),
    (0xc66, 0, 10),
    (0xce6, 0, 10),
    (0xd66, 0, 10),
    (0xde6, 0, 10),
    (0xe50, 0, 10),
    (0xed0, 0, 10),
    (0xf20, 0, 10),
    (0x1040, 0, 10),
    (0x1090, 0, 10),
    (0x1369, 1, 9),
    (0x17e0, 0, 10),
    (0x1810, 0, 10),
    (0x1946, 0, 10),
    (0x19d0, 0, 10),
    (0x19da, 1, 1),
    (0x1a80, 0, 10),
    (0x1a90, 0, 10),
    (0x1b50, 0, 10),
    (0x1bb0, 0, 10),
    (0x1c40, 0, 10),
    (0x1c50, 0, 10),
    (0x2070, 0, 1),
    (0x2074, 4, 6),
    (0x2080, 0, 10),
    (0x2460, 1, 9),
    (0x2474, 1, 9),
    (0x2488, 1, 9),
    (0x24ea, 0, 1),
    (0x24f5, 1, 9),
    (0x24ff, 0, 1),
    (0x2776, 1, 9),
    (0x2780, 1, 9),
    (0x278a, 1, 9),
    (0xa620, 0, 10),
    (0xa8d0, 0, 10),
    (0xa900, 0, 10),
    (0xa9d0, 0, 10),
    (0xa9f0, 0, 10),
    (0xaa50, 0, 10),
    (0xabf0, 0, 10),
    (0xff10, 0, 10),
    (0x104a0, 0, 10),
    (0x10a40, 1, 4),
    (0x10d30, 0, 10),
    (0x10d40, 0, 10),
    (0x10e60, 1, 9),
    (0x11052, 1, 9),
    (0x11066, 0, 10),
    (0x110f0, 0, 10),
    (0x11136, 0, 10),
    (0x111d0, 0, 10),
    (0x112f0, 0, 10),
    (0x11450, 0, 10),
    (0x114d0, 0, 10),
    (0x11650, 0, 10),
    (0x116c0, 0, 10),
    (0x116d0, 0, 10),
    (0x116da, 0, 10),
    (0x11730, 0, 10),
    (0x118e0, 0, 10),
    (0x11950, 0, 10),
    (0x11bf0, 0, 10),
    (0x11c50, 0, 10),
    (0x11d50, 0, 10),
    (0x11da0, 0, 10),
    (0x11f50, 0, 10),
    (0x16130, 0, 10),
    (0x16a60, 0, 10),
    (0x16ac0, 0, 10),
    (0x16b50, 0, 10),
    (0x16d70, 0, 10),
    (0x1ccf0, 0, 10),
    (0x1d7ce, 0, 10),
    (0x1d7d8, 0, 10),
    (0x1d7e2, 0, 10),
    (0x1d7ec, 0, 10),
    (0x1d7f6, 0, 10),
    (0x1e140, 0, 10),
    (0x1e2f0, 0, 10),
    (0x1e4f0, 0, 10),
    (0x1e5f1, 0, 10),
    (0x1e950, 0, 10),
    (0x1f100, 0, 1),
    (0x1f101, 0, 10),
    (0x1fbf0, 0, 10),
];

/// The value of a character as a digit, 0 to 9; `None` if it is none.
pub fn digit_value(character: char) -> Option<u8> {
    let code = u32::from(character);
    if character.is_ascii() {
        return character.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let before = DIGITS.partition_point(|(first, ..)| *first <= code);
    let (first, value, count) = DIGITS[before.checked_sub(1)?];
    let offset = u8::try_from(code - first).ok()?;
    (offset < count).then(|| value + offset)
}

#[cfg(test)]
mod tests {
    use super::{DIGITS, digit_value};

    #[test]
    fn the_table_is_in_order_and_its_values_are_digits() {
        assert!(
            DIGITS
                .windows(2)
                .all(|pair| pair[0].0 + u32::from(pair[0].2) <= pair[1].0)
        );
        assert!(DIGITS.iter().all(|(_, value, count)| value + count <= 10));
        // A script left out would show: each decimal digit of the standard library's tables is a number, and few others are.
        assert!(
            DIGITS
                .iter()
                .all(|(first, ..)| char::from_u32(*first).is_some_and(char::is_numeric))
        );
    }

    #[test]
    fn every_character_is_a_digit_or_none() {
        assert!(
            (char::MIN..=char::MAX).all(|character| digit_value(character).is_none_or(|value| value <= 9))
        );
    }

    #[test]
    fn digits_of_many_scripts_have_their_value() {
        for (text, value) in [
            ("0", 0),
            ("9", 9),
            ("٤", 4),
            ("۴", 4),
            ("४", 4),
            ("４", 4),
            ("⁴", 4),
            ("₄", 4),
            ("④", 4),
            ("𝟒", 4),
            ("𝟜", 4),
            ("߄", 4),
            ("௪", 4),
            ("๔", 4),
            ("᠔", 4),
            ("❹", 4),
            ("²", 2),
            ("¹", 1),
            ("⓪", 0),
            ("🄃", 2),
            ("🯴", 4),
            ("𑯴", 4),
        ] {
            assert_eq!(text.chars().next().and_then(digit_value), Some(value), "{text}");
        }
        for other in [
            'a',
            ' ',
            '.',
            'Ⅳ',
            '½',
            '四',
            'O',
            '/',
            ':',
            '\u{0}',
            '\u{10ffff}',
        ] {
            assert_eq!(digit_value(other), None, "{other:?}");
        }
    }
}
