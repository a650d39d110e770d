//! Phone numbers by the numbering plans of all countries.

use ensoex_vault::value::FieldError;
use ensoex_vault::{Field, MobilePhone};

/// The form in which a phone number that was typed is sealed.
fn e164(typed: &str) -> Result<String, FieldError> {
    MobilePhone::checked(&typed.to_owned())
}

/// The mobile number that each country's plan gives as its example.
///
/// Mechanism: `crates/vault/src/value.rs`
/// Control: unassigned numbers are refused.
#[test]
fn clause_05_phone_numbers_of_every_country_are_understood() {
    let (mut countries, mut refused) = (std::collections::BTreeSet::new(), Vec::new());
    for region in phonenumber::metadata::DATABASE.iter() {
        let Some(example) = region.descriptors().mobile().and_then(|mobile| mobile.example()) else {
            continue;
        };
        let code = region.country_code();
        countries.insert(region.id().to_owned());
        let (plain, half) = (format!("+{code}{example}"), example.len() / 2);
        let spaced = format!("00{code} {} {}", &example[..half], &example[half..]);
        for typed in [&plain, &spaced] {
            if e164(typed).as_ref() != Ok(&plain) {
                refused.push(format!("{} {typed}: {:?}", region.id(), e164(typed)));
            }
        }
        // The control: one digit less is nobody's number, or another length of the same plan.
        let shorter = &plain[..plain.len() - 1];
        if let Ok(other) = e164(shorter) {
            assert_eq!(other.len(), shorter.len());
        }
    }
    assert!(countries.len() > 220, "{}", countries.len());
    assert_eq!(refused, Vec::<String>::new());
    for unassigned in [
        "+380 44 123 456",
        "+380 11 123 4567",
        "+999 123 456 789",
        "+1 212 055 0100",
        "+44 1",
        "+49 30 1",
    ] {
        assert!(e164(unassigned).is_err(), "{unassigned}");
    }
}

#[test]
fn phone_numbers_become_e164() {
    let cases = [
        ("+380 44 123 4567", "+380441234567"),
        ("00 49 (30) 123-456/7", "+49301234567"),
        ("+1.212.555.0100", "+12125550100"),
        // With the trunk prefix that the country writes in brackets, and with the zero that belongs to the number.
        ("+44 (0) 20 7031 3000", "+442070313000"),
        ("+39 02 3661 8300", "+390236618300"),
    ];
    for (typed, expected) in cases {
        assert_eq!(e164(typed).as_deref(), Ok(expected), "{typed}");
    }
}
