//! The catalogue, and what the public reads of it.

use ensoex_egress::Recipient;
use ensoex_vault::catalogue::{Language, table, table_markdown};
use ensoex_vault::{FieldName, PurposeName};

/// The page "What we hold and why" changes only together with this file.
///
/// Mechanism: `crates/vault/src/catalogue.rs`
/// Control: any other word in the catalogue differs from the file.
#[test]
fn clause_01_the_public_table_is_the_one_on_file() {
    assert_eq!(
        table_markdown(Language::English),
        include_str!("what_we_hold.en.md")
    );
    assert_eq!(
        table_markdown(Language::Ukrainian),
        include_str!("what_we_hold.uk.md")
    );
}

/// Mechanism: `crates/vault/src/catalogue.rs`
/// Control: an empty text or a missing row fails; `clause_01_the_public_table_is_the_one_on_file` shows that rows are read.
#[test]
fn clause_01_every_field_says_what_it_is_and_why_it_is_held() {
    for language in [Language::English, Language::Ukrainian] {
        let rows = table(language);
        assert_eq!(rows.len(), FieldName::ALL.len());
        for row in rows {
            for text in [
                row.field,
                row.label,
                row.category,
                row.asked,
                row.reason,
                row.retention,
            ] {
                assert!(!text.trim().is_empty(), "{}", row.field);
            }
            assert!(row.category.starts_with("pd:"), "{}", row.field);
            assert!(!row.purposes.is_empty(), "{}", row.field);
        }
    }
}

/// Mechanism: `crates/vault/src/catalogue.rs`
/// Control: `clause_01_the_record_of_processing_has_every_field_under_each_of_its_purposes` sees the purposes that are granted.
#[test]
fn clause_07_no_field_of_a_person_is_granted_to_improvement() {
    for field in FieldName::ALL {
        assert!(
            !field
                .description()
                .purposes
                .contains(&PurposeName::ImproveService),
            "{field:?}"
        );
    }
}

#[test]
fn names_are_distinct_and_return() {
    for field in FieldName::ALL {
        assert_eq!(field.as_str().parse(), Ok(*field));
    }
    assert!("card_number".parse::<FieldName>().is_err());
}

/// Whoever the catalogue names is in the register (the type sees to it), and is given this field there; and the register gives
/// no field of a person to anybody whom the catalogue does not name.
/// Mechanism: `crates/egress/src/register.rs`
/// Control: a field that is given to somebody else is found out.
#[test]
fn clause_08_catalogue_and_register_name_the_same_recipients() {
    let named: Vec<(&str, Recipient)> = FieldName::ALL
        .iter()
        .flat_map(|field| {
            field
                .description()
                .recipients
                .iter()
                .map(|of| (field.as_str(), *of))
        })
        .collect();
    assert_eq!(disagreements(&named), [""; 0]);
    assert_eq!(disagreements(&named[1..]).len(), 1);
    let sold = [named.as_slice(), &[("email", Recipient::SmsCarrier)]].concat();
    assert_eq!(
        disagreements(&sold),
        ["the catalogue gives email to sms_carrier, the register does not"]
    );
}

fn disagreements(named: &[(&str, Recipient)]) -> Vec<String> {
    let fields: Vec<&str> = FieldName::ALL.iter().map(|field| field.as_str()).collect();
    let registered: Vec<(&str, Recipient)> = Recipient::ALL
        .iter()
        .flat_map(|of| of.entry().items.iter().map(|item| (item.as_str(), *of)))
        .filter(|(item, _)| fields.contains(item))
        .collect();
    let only = |one: &[(&str, Recipient)], other: &[(&str, Recipient)], who: &str, else_: &str| {
        let missing = one.iter().filter(|pair| !other.contains(pair));
        missing
            .map(|(item, of)| format!("the {who} gives {item} to {}, the {else_} does not", of.as_str()))
            .collect::<Vec<_>>()
    };
    [
        only(named, &registered, "catalogue", "register"),
        only(&registered, named, "register", "catalogue"),
    ]
    .concat()
}
