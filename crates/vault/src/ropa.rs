//! The record of processing activities (GDPR, article 30), generated from the catalogue.
//!
//! One activity for each purpose for which any field may be opened. Who the controller is, its operator says; which
//! countries data goes to depends on the recipients that the operator chooses, and is theirs to add.

use serde::Serialize;

use crate::catalogue::{FieldName, Language, TableRow, Text, table};
use crate::purpose::PurposeName;

/// Who is responsible, in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Controller {
    /// Name.
    pub name: String,
    /// How to reach them or their data protection officer.
    pub contact: String,
}

/// One processing activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The purpose in words.
    pub purpose: &'static str,
    /// Its term in the W3C Data Privacy Vocabulary.
    pub purpose_term: &'static str,
    /// Whose data.
    pub data_subjects: &'static str,
    /// What of it, with its retention.
    pub data: Vec<TableRow>,
    /// Who receives it on the Service's behalf.
    pub recipients: Vec<&'static str>,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordOfProcessing {
    /// Who is responsible.
    pub controller: Controller,
    /// What is done with personal data.
    pub activities: Vec<Activity>,
    /// What is done with none: a purpose that no field is granted.
    pub without_personal_data: Vec<&'static str>,
    /// Technical and organisational measures.
    pub measures: Vec<&'static str>,
}

const DATA_SUBJECTS: Text = Text {
    en: "persons who register with the Service",
    uk: "особи, які реєструються в Сервісі",
};

const MEASURES: [Text; 6] = [
    Text {
        en: "every value is sealed with AES-256-GCM under keys of its own person, field and purpose",
        uk: "кожне значення зашифровано AES-256-GCM ключами його особи, поля та цілі",
    },
    Text {
        en: "every access is an entry of an append-only log before a key is opened; each person sees theirs with proofs",
        uk: "кожен доступ записується в журнал, що лише доповнюється, ще до відкриття ключа; кожна особа бачить свої записи з доказами",
    },
    Text {
        en: "staff read within a case only, counted against limits; many persons need a second member of staff",
        uk: "працівники читають лише в межах справи та лімітів; для багатьох осіб потрібен другий працівник",
    },
    Text {
        en: "erasure destroys the person's keys, in their backup too",
        uk: "видалення знищує ключі особи, також у їхній резервній копії",
    },
    Text {
        en: "backups are sealed, and their restore is exercised",
        uk: "резервні копії зашифровано, а відновлення з них перевіряється",
    },
    Text {
        en: "cards are handled by EnsoExPAY, apart: other process, database, keys and pages",
        uk: "картки обробляє EnsoExPAY окремо: інший процес, база даних, ключі та сторінки",
    },
];

/// The record, in one language.
pub fn record_of_processing(controller: Controller, language: Language) -> RecordOfProcessing {
    let fields = || FieldName::ALL.iter().zip(table(language));
    let granted = |purpose: PurposeName| {
        let rows = fields().filter(move |(field, _)| field.description().purposes.contains(&purpose));
        rows.map(|(_, row)| row).collect::<Vec<_>>()
    };
    let activity = |purpose: PurposeName| {
        let data = granted(purpose);
        let mut recipients: Vec<&'static str> = data.iter().flat_map(|row| row.recipients.clone()).collect();
        recipients.sort_unstable();
        recipients.dedup();
        Activity {
            purpose: purpose.label().in_language(language),
            purpose_term: purpose.vocabulary_term(),
            data_subjects: DATA_SUBJECTS.in_language(language),
            data,
            recipients,
        }
    };
    let (with, without): (Vec<_>, Vec<_>) = PurposeName::ALL
        .into_iter()
        .partition(|purpose| !granted(*purpose).is_empty());
    RecordOfProcessing {
        controller,
        activities: with.into_iter().map(activity).collect(),
        without_personal_data: without
            .into_iter()
            .map(|purpose| purpose.label().in_language(language))
            .collect(),
        measures: MEASURES
            .iter()
            .map(|measure| measure.in_language(language))
            .collect(),
    }
}

/// The same as Markdown.
pub fn record_markdown(record: &RecordOfProcessing, language: Language) -> String {
    let say = |en: &'static str, uk: &'static str| Text { en, uk }.in_language(language);
    let mut text = format!(
        "# {}\n\n{}: {}  \n{}: {}\n",
        say("Record of processing activities", "Реєстр операцій з обробки"),
        say("Controller", "Контролер"),
        record.controller.name,
        say("Contact", "Контакт"),
        record.controller.contact,
    );
    let nobody = say("nobody", "ніхто");
    for activity in &record.activities {
        let recipients = if activity.recipients.is_empty() {
            nobody.to_owned()
        } else {
            activity.recipients.join("; ")
        };
        text.push_str(&format!(
            "\n## {} ({})\n\n{}: {}  \n{}: {recipients}\n\n| {} | {} | {} | {} |\n|---|---|---|---|\n",
            activity.purpose,
            activity.purpose_term,
            say("Data subjects", "Суб’єкти даних"),
            activity.data_subjects,
            say("Recipients", "Отримувачі"),
            say("Data", "Дані"),
            say("Category", "Категорія"),
            say("Why", "Навіщо"),
            say("Erasure", "Видалення"),
        ));
        for row in &activity.data {
            text.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                row.label, row.category, row.reason, row.retention
            ));
        }
    }
    text.push_str(&format!(
        "\n## {}\n\n",
        say("Without personal data", "Без персональних даних")
    ));
    for purpose in &record.without_personal_data {
        text.push_str(&format!("- {purpose}\n"));
    }
    text.push_str(&format!("\n## {}\n\n", say("Security", "Безпека")));
    for measure in &record.measures {
        text.push_str(&format!("- {measure}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terms of the W3C Data Privacy Vocabulary, version 2 (w3id.org/dpv/2.0: `pd/pd.csv`, `dpv/modules/purposes.csv`), that
    /// the catalogue uses. A new one is looked up there before it is added here.
    const TERMS: [&str; 7] = [
        "pd:Authenticating",
        "pd:EmailAddress",
        "pd:Password",
        "pd:TelephoneNumber",
        "dpv:FraudPreventionAndDetection",
        "dpv:ServiceOptimisation",
        "dpv:ServiceProvision",
    ];

    fn foreign<'a>(terms: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        terms.filter(|term| !TERMS.contains(term)).collect()
    }

    /// Mechanism: `crates/vault/src/ropa.rs`
    /// Control: a term that somebody made up is found.
    #[test]
    fn clause_01_categories_and_purposes_are_terms_of_the_data_privacy_vocabulary() {
        let categories = FieldName::ALL.iter().map(|field| field.description().category);
        let purposes = PurposeName::ALL.iter().map(|purpose| purpose.vocabulary_term());
        assert!(foreign(categories.chain(purposes)).is_empty());
        // The control: a term that somebody made up is found.
        assert_eq!(foreign(["pd:EMail", "pd:Password"].into_iter()), ["pd:EMail"]);
    }

    /// Mechanism: `crates/vault/src/ropa.rs`
    /// Control: a field that is not granted a purpose must be missing under it.
    #[test]
    fn clause_01_the_record_of_processing_has_every_field_under_each_of_its_purposes() {
        for language in [Language::English, Language::Ukrainian] {
            let controller = Controller {
                name: "EnsoEx".to_owned(),
                contact: "privacy@ensoex.example".to_owned(),
            };
            let record = record_of_processing(controller, language);
            for field in FieldName::ALL {
                for purpose in PurposeName::ALL {
                    let granted = field.description().purposes.contains(&purpose);
                    let activity = record
                        .activities
                        .iter()
                        .find(|one| one.purpose_term == purpose.vocabulary_term());
                    let named =
                        activity.is_some_and(|one| one.data.iter().any(|row| row.field == field.as_str()));
                    assert_eq!(granted, named, "{field:?} {purpose:?}");
                }
            }
            assert_eq!(record.without_personal_data.len(), 1);
            let text = record_markdown(&record, language);
            for row in table(language) {
                assert!(
                    text.contains(row.label) && text.contains(row.retention),
                    "{}",
                    row.field
                );
            }
            assert!(text.contains("privacy@ensoex.example"));
            assert_eq!(
                serde_json::to_value(&record).unwrap()["controller"]["name"],
                "EnsoEx"
            );
        }
    }
}
