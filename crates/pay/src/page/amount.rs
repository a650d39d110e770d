//! Amounts for people.

use ensoex_pay_api::{Currency, Locale};

/// `€1,234.50` in English, `1 234,50 €` in Ukrainian; blanks do not break.
pub(crate) fn format(amount_minor: i64, currency: Currency, locale: Locale) -> String {
    let symbol = match currency {
        Currency::Eur => '€',
        Currency::Uah => '₴',
    };
    let (separator, point) = match locale {
        Locale::En => (',', '.'),
        Locale::Uk => ('\u{a0}', ','),
    };
    let whole = (amount_minor / 100).unsigned_abs().to_string();
    let minor = (amount_minor % 100).unsigned_abs();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    match locale {
        Locale::En => format!("{symbol}{grouped}{point}{minor:02}"),
        Locale::Uk => format!("{grouped}{point}{minor:02}\u{a0}{symbol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_naturally() {
        for (amount, english, ukrainian) in [
            (1, "€0.01", "0,01\u{a0}€"),
            (99_999, "€999.99", "999,99\u{a0}€"),
            (100_000, "€1,000.00", "1\u{a0}000,00\u{a0}€"),
            (1_000_000_000, "€10,000,000.00", "10\u{a0}000\u{a0}000,00\u{a0}€"),
        ] {
            assert_eq!(format(amount, Currency::Eur, Locale::En), english);
            assert_eq!(format(amount, Currency::Eur, Locale::Uk), ukrainian);
        }
        assert_eq!(format(5_050, Currency::Uah, Locale::En), "₴50.50");
    }
}
