//! Exact conversion between integers and the decimal strings that people and JSON use.

use alloc::string::{String, ToString};

/// Longest decimal text that is looked at.
const DECIMAL_LENGTH_MAX: usize = 60;

/// Why a text is not an exact decimal of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not of the form `123` or `123.45` (no sign, no exponent, no NaN, ASCII digits only).
    Malformed,
    /// More decimals than the scale holds; trailing zeros do not count.
    TooPrecise,
    /// Does not fit.
    TooLarge,
}

/// Reads a non-negative decimal as an integer number of `10^-scale` units.
///
/// # Errors
/// [`DecimalError`] names what is wrong; nothing is ever rounded.
pub fn parse_decimal(text: &str, scale: u8) -> Result<i128, DecimalError> {
    if text.len() > DECIMAL_LENGTH_MAX {
        return Err(DecimalError::TooLarge);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction) {
        return Err(DecimalError::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(DecimalError::TooPrecise);
    }
    let padding = usize::from(scale) - fraction.len();
    let digits = whole
        .bytes()
        .chain(fraction.bytes())
        .chain(core::iter::repeat_n(b'0', padding));
    let mut value: i128 = 0;
    for digit in digits {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or(DecimalError::TooLarge)?;
    }
    Ok(value)
}

/// Writes an integer number of `10^-scale` units with exactly `scale` decimals, for example `1.50000000`.
pub fn format_decimal(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let scale = usize::from(scale);
    let mut text = String::with_capacity(digits.len() + scale + 3);
    text.push_str(sign);
    if digits.len() > scale {
        text.push_str(&digits[..digits.len() - scale]);
    } else {
        text.push('0');
    }
    if scale > 0 {
        text.push('.');
        text.extend(core::iter::repeat_n('0', scale.saturating_sub(digits.len())));
        text.push_str(&digits[digits.len().saturating_sub(scale)..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let cases: &[(&str, u8, Result<i128, DecimalError>)] = &[
            ("0", 2, Ok(0)),
            ("1", 2, Ok(100)),
            ("1.5", 2, Ok(150)),
            ("1.50000", 2, Ok(150)),
            ("0.01", 2, Ok(1)),
            ("0.001", 2, Err(DecimalError::TooPrecise)),
            ("5.0", 0, Ok(5)),
            ("", 2, Err(DecimalError::Malformed)),
            (".5", 2, Err(DecimalError::Malformed)),
            ("5.", 2, Err(DecimalError::Malformed)),
            ("-1", 2, Err(DecimalError::Malformed)),
            ("+1", 2, Err(DecimalError::Malformed)),
            ("1e3", 2, Err(DecimalError::Malformed)),
            ("NaN", 2, Err(DecimalError::Malformed)),
            ("1,5", 2, Err(DecimalError::Malformed)),
            ("١", 2, Err(DecimalError::Malformed)),
            (
                "9999999999999999999999999999999999999999999999999999999999999",
                2,
                Err(DecimalError::TooLarge),
            ),
            ("1.2.3", 2, Err(DecimalError::Malformed)),
            (
                "99999999999999999999999999999999999999999999",
                8,
                Err(DecimalError::TooLarge),
            ),
        ];
        for (text, scale, expected) in cases {
            assert_eq!(parse_decimal(text, *scale), *expected, "{text} at scale {scale}");
        }
    }

    #[test]
    fn formatting_keeps_the_scale() {
        for (value, scale, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (150, 2, "1.50"),
            (-150, 2, "-1.50"),
            (-5, 2, "-0.05"),
            (7, 0, "7"),
        ] {
            assert_eq!(format_decimal(value, scale), text);
        }
        assert_eq!(parse_decimal(&format_decimal(i128::MAX, 18), 18), Ok(i128::MAX));
    }
}
