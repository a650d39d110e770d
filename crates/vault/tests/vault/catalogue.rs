//! The catalogue, and what the public reads of it.

use ensoex_egress::Recipient;
use std::collections::HashSet;

use ensoex_vault::catalogue::{Language, table, table_markdown};
use ensoex_vault::{
    ApiKeySecret, Email, FieldName, MobilePhone, Passkey, PasswordHash, Personal, PurposeName, SubjectId,
    TotpSecret, Vault,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Scene, service, text};

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

/// Whatever the catalogue says of a field it says in every language, in letters of that language, in one and the same place only.
#[test]
fn every_entry_is_whole_in_every_language() {
    let cyrillic = |text: &str| {
        text.chars()
            .any(|letter| ('\u{400}'..='\u{4ff}').contains(&letter))
    };
    let mut names = HashSet::new();
    let mut labels = HashSet::new();
    for field in FieldName::ALL {
        let said = field.description();
        assert_eq!(said.name, *field);
        assert!(names.insert(field.as_str()), "{field:?}");
        let texts = [said.label, said.asked, said.reason];
        for text in texts {
            assert!(
                !text.en.trim().is_empty() && !cyrillic(text.en),
                "{field:?}: {}",
                text.en
            );
            assert!(cyrillic(text.uk), "{field:?}: {}", text.uk);
        }
        assert!(
            labels.insert(said.label.en) && labels.insert(said.label.uk),
            "{field:?}"
        );
        let purposes: HashSet<_> = said.purposes.iter().collect();
        assert!(
            !purposes.is_empty() && purposes.len() == said.purposes.len(),
            "{field:?}"
        );
        if let Some(bits) = said.index_bits {
            assert!((8..=256).contains(&bits), "{field:?}");
        }
        if let Some(rule) = said.legal_hold {
            assert!(!rule.laws.is_empty(), "{field:?}");
        }
    }
    // The control: what is looked for is told apart.
    assert!(cyrillic("Телефон") && !cyrillic("Phone"));
    assert!(!labels.insert(FieldName::ALL[0].description().label.en));
}

/// For which purposes there is a data key of a field's record, as the database has it.
async fn keyed(scene: &Scene, subject: &SubjectId, field: FieldName) -> HashSet<String> {
    let keyed = "SELECT purpose FROM record_keys WHERE subject = ? AND field = ?";
    let purposes: Vec<String> = sqlx::query_scalar(keyed)
        .bind(&subject.as_bytes()[..])
        .bind(field.as_str())
        .fetch_all(&mut scene.raw("vault.db").await)
        .await
        .unwrap();
    purposes.into_iter().collect()
}

async fn stored(vault: &Vault, subject: &SubjectId, field: FieldName, number: u32) {
    let request = service();
    match field {
        FieldName::Email => {
            let email = text(&format!("p{number}@example.org"));
            vault.store::<Email>(subject, None, email, &request).await
        }
        FieldName::MobilePhone => {
            let phone = text(&format!("+38044{:07}", 1_000_000 + number));
            vault.store::<MobilePhone>(subject, None, phone, &request).await
        }
        FieldName::PasswordHash => {
            let hash = text(&format!(
                "$argon2id$v=19$m=19456,t=2,p=1${number:022}${number:043}"
            ));
            vault.store::<PasswordHash>(subject, None, hash, &request).await
        }
        FieldName::ApiKeySecret => {
            let secret = Personal::new(number.to_be_bytes().repeat(8));
            vault
                .store::<ApiKeySecret>(subject, Some("key-1"), secret, &request)
                .await
        }
        FieldName::TotpSecret => {
            let secret = Personal::new(number.to_be_bytes().repeat(5));
            vault.store::<TotpSecret>(subject, None, secret, &request).await
        }
        FieldName::Passkey => {
            let passkey = Personal::new(number.to_be_bytes().to_vec());
            vault
                .store::<Passkey>(subject, Some("key-1"), passkey, &request)
                .await
        }
    }
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is stored, replaced and sealed anew in whatever order: a field's record has a key for each purpose that the
    /// catalogue grants, and for no other.
    ///
    /// Mechanism: `crates/vault/src/record_store.rs`
    /// Control: a key for one purpose more is seen.
    #[test]
    fn clause_07_whatever_happens_there_are_keys_for_granted_purposes_only(
        steps in prop::collection::vec((select(FieldName::ALL), 0_u32..1_000, any::<bool>()), 1..8)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = Scene::new().await;
            let subject = scene.vault.create_subject(&service()).await.unwrap();
            let mut last = FieldName::Email;
            for (field, number, renew) in steps {
                stored(&scene.vault, &subject, field, number).await;
                if renew {
                    Vault::ask_rotations(&scene.config(), &[ensoex_vault::Layer::Values]).await.unwrap();
                    scene.vault.rotate(&service()).await.unwrap();
                }
                let granted = field.description().purposes.iter().map(|purpose| purpose.as_str().to_owned());
                prop_assert_eq!(keyed(&scene, &subject, field).await, granted.collect::<HashSet<_>>());
                last = field;
            }
            let before = keyed(&scene, &subject, last).await.len();
            let one_more = "INSERT INTO record_keys SELECT subject, field, record, 'improve_service', sealed_key FROM record_keys
                WHERE purpose = 'provide_service'";
            scene.execute("vault.db", one_more).await;
            prop_assert_eq!(keyed(&scene, &subject, last).await.len(), before + 1);
            Ok(())
        })?;
    }
}
