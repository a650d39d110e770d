//! The currencies that this network settles in.

/// A currency with two minor digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Currency {
    /// Euro.
    Eur,
    /// Ukrainian hryvnia.
    Uah,
}

impl Currency {
    /// The ISO 4217 alphabetic code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Currency::Eur => "EUR",
            Currency::Uah => "UAH",
        }
    }

    /// The currency of an alphabetic code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Currency::Eur, Currency::Uah]
            .into_iter()
            .find(|currency| currency.code() == code)
    }

    /// The currency of an ISO 4217 numeric code.
    pub(crate) fn from_numeric(code: i64) -> Option<Self> {
        match code {
            978 => Some(Currency::Eur),
            980 => Some(Currency::Uah),
            _ => None,
        }
    }

    /// An amount for people: `€1,234.50`, or `1 234,50 ₴` in Ukrainian.
    pub(crate) fn format(self, amount_minor: i64, ukrainian: bool) -> String {
        let (separator, point) = if ukrainian { ('\u{a0}', ',') } else { (',', '.') };
        let whole = (amount_minor / 100).unsigned_abs().to_string();
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        let minor = (amount_minor % 100).unsigned_abs();
        match (self, ukrainian) {
            (Currency::Eur, false) => format!("€{grouped}{point}{minor:02}"),
            (Currency::Uah, false) => format!("₴{grouped}{point}{minor:02}"),
            (Currency::Eur, true) => format!("{grouped}{point}{minor:02}\u{a0}€"),
            (Currency::Uah, true) => format!("{grouped}{point}{minor:02}\u{a0}₴"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_naturally() {
        for (amount, english, ukrainian) in [
            (5, "€0.05", "0,05\u{a0}€"),
            (250_000, "€2,500.00", "2\u{a0}500,00\u{a0}€"),
            (123_456_789, "€1,234,567.89", "1\u{a0}234\u{a0}567,89\u{a0}€"),
        ] {
            assert_eq!(Currency::Eur.format(amount, false), english);
            assert_eq!(Currency::Eur.format(amount, true), ukrainian);
        }
    }
}
