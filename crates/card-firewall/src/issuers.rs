//! Which first digits and lengths card numbers have, by issuing network.
//!
//! From the networks' published ranges (ISO/IEC 7812; the networks' own tables). A range too many refuses a little more, a
//! range too few lets cards through; so old and overlapping ranges are in. Only UATP is left out, whose numbers of 15 digits
//! begin with 1 as every time in this century does.

/// Fewest digits of a number that is looked for.
pub const DIGITS_MIN: usize = 13;
/// Most digits.
pub const DIGITS_MAX: usize = 19;

struct Range {
    network: &'static str,
    /// First and last beginning, of as many digits as both have.
    from: u32,
    to: u32,
    /// Fewest and most digits.
    lengths: (usize, usize),
}

const fn range(network: &'static str, from: u32, to: u32, lengths: (usize, usize)) -> Range {
    Range {
        network,
        from,
        to,
        lengths,
    }
}

const RANGES: &[Range] = &[
    range("VISA", 4, 4, (13, 13)),
    range("VISA", 4, 4, (16, 16)),
    range("VISA", 4, 4, (19, 19)),
    range("Mastercard", 51, 55, (16, 16)),
    range("Mastercard", 2221, 2720, (16, 16)),
    range("American Express", 34, 34, (15, 15)),
    range("American Express", 37, 37, (15, 15)),
    range("Diners Club", 300, 305, (14, 19)),
    range("Diners Club", 3095, 3095, (14, 19)),
    range("Diners Club", 36, 36, (14, 19)),
    range("Diners Club", 38, 39, (16, 19)),
    range("JCB", 3528, 3589, (16, 19)),
    range("Discover", 6011, 6011, (16, 19)),
    range("Discover", 644, 649, (16, 19)),
    range("Discover", 65, 65, (16, 19)),
    range("UnionPay", 62, 62, (16, 19)),
    range("UnionPay", 81, 81, (16, 19)),
    range("Maestro", 50, 50, (16, 19)),
    range("Maestro", 56, 58, (16, 19)),
    range("Maestro", 60, 61, (16, 19)),
    range("Maestro", 63, 64, (16, 19)),
    range("Maestro", 66, 69, (16, 19)),
    range("RuPay", 82, 82, (16, 16)),
    range("RuPay", 353, 353, (16, 16)),
    range("RuPay", 356, 356, (16, 16)),
    range("Mir", 2200, 2204, (16, 19)),
    range("Prostir", 9804, 9804, (16, 16)),
    range("Troy", 9792, 9792, (16, 16)),
];

/// The network whose numbers begin and end like this; `None` if no network has such a number or its check digit is wrong.
/// `digits` are values of 0 to 9.
pub fn network(digits: &[u8]) -> Option<&'static str> {
    let found = RANGES.iter().find(|range| {
        let (fewest, most) = range.lengths;
        let beginning = range.from.ilog10() as usize + 1;
        let begins = digits
            .iter()
            .take(beginning)
            .fold(0, |number, digit| number * 10 + u32::from(*digit));
        (fewest..=most).contains(&digits.len()) && (range.from..=range.to).contains(&begins)
    })?;
    has_right_check_digit(digits).then_some(found.network)
}

/// The check digit of ISO/IEC 7812: every second digit from the right doubled, digit sums added, a multiple of ten.
fn has_right_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::network;

    fn of(text: &str) -> Option<&'static str> {
        network(&text.bytes().map(|byte| byte - b'0').collect::<Vec<_>>())
    }

    #[test]
    fn test_numbers_of_the_networks_are_known() {
        // Published by the networks and by payment providers for tests.
        for (number, name) in [
            ("4111111111111111", "VISA"),
            ("4222222222222", "VISA"),
            ("4242424242424242", "VISA"),
            ("5555555555554444", "Mastercard"),
            ("2223003122003222", "Mastercard"),
            ("378282246310005", "American Express"),
            ("6011111111111117", "Discover"),
            ("3056930009020004", "Diners Club"),
            ("36227206271667", "Diners Club"),
            ("3566002020360505", "JCB"),
            ("6200000000000005", "UnionPay"),
            ("6759649826438453", "Maestro"),
            ("2200000000000004", "Mir"),
        ] {
            assert_eq!(of(number), Some(name), "{number}");
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for number in [
            "4111111111111112", // the check digit
            "411111111111111",  // the length
            "1732365845123456", // microseconds since 1970
            "0000000000000000",
            "380671234567",     // a telephone number
            "9111111111111111", // the beginning
            "41111111111111111111",
            "",
        ] {
            assert_eq!(of(number), None, "{number}");
        }
    }
}
