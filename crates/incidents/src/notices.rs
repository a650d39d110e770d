//! Drafts of the notices: to the data protection authority (GDPR article 33(3)) and to those affected (article 34(2)).
//!
//! A draft has every part that the law wants. What the register does not know stands there in square brackets, and is listed
//! at the end, so that nothing is sent as if it were whole. It is Markdown, for somebody to read, complete and send; nothing
//! here sends it.

use crate::{Assessment, Breach, Incident, Risk};
use std::fmt::Write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The language of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Ukrainian.
    Ukrainian,
}

/// Who sends it.
#[derive(Debug, Clone)]
pub struct Controller {
    /// Name.
    pub name: String,
    /// Where to ask: the data protection officer, or another contact point.
    pub contact: String,
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Markdown.
    pub text: String,
    /// What has to be supplied before it is sent.
    pub missing: Vec<&'static str>,
}

/// Words in both languages.
struct Words {
    to_authority: &'static str,
    to_persons: &'static str,
    controller: &'static str,
    contact: &'static str,
    incident: &'static str,
    aware: &'static str,
    due: &'static str,
    late: &'static str,
    nature: &'static str,
    concerned: &'static str,
    persons: &'static str,
    records: &'static str,
    consequences: &'static str,
    measures: &'static str,
    what_you_can_do: &'static str,
    advice: &'static str,
    phases: &'static str,
    dear: &'static str,
    missing_assessment: &'static str,
    missing_reason: &'static str,
    to_supply: &'static str,
    not_sent: &'static str,
}

const ENGLISH: Words = Words {
    to_authority: "Notification of a personal data breach",
    to_persons: "What happened to your data",
    controller: "Controller",
    contact: "Contact point",
    incident: "Incident",
    aware: "Aware since",
    due: "To be notified by",
    late: "Reasons for the delay",
    nature: "Nature of the breach",
    concerned: "Categories of data concerned",
    persons: "Approximate number of persons",
    records: "Approximate number of records",
    consequences: "Likely consequences",
    measures: "Measures taken and proposed",
    what_you_can_do: "What you can do",
    advice: "Be wary of messages that refer to this; we never ask for your password or a code. Under *My data* you see who \
             looked at your data and when, and can export, correct or erase it.",
    phases: "What is not yet known is provided in phases without undue further delay.",
    dear: "We write to you because personal data of yours is concerned by an incident at our service.",
    missing_assessment: "an assessment: risk, persons, records, categories, consequences, measures (`ensoex incident assess`)",
    missing_reason: "the reasons for the delay: 72 hours have passed",
    to_supply: "to be supplied",
    not_sent: "Draft. Not sent. To be supplied before it is:",
};

const UKRAINIAN: Words = Words {
    to_authority: "Повідомлення про порушення захисту персональних даних",
    to_persons: "Що сталося з вашими даними",
    controller: "Володілець даних",
    contact: "Контакт",
    incident: "Інцидент",
    aware: "Стало відомо",
    due: "Повідомити до",
    late: "Причини затримки",
    nature: "Характер порушення",
    concerned: "Категорії даних, яких це стосується",
    persons: "Приблизна кількість осіб",
    records: "Приблизна кількість записів",
    consequences: "Імовірні наслідки",
    measures: "Вжиті й запропоновані заходи",
    what_you_can_do: "Що ви можете зробити",
    advice: "Стережіться повідомлень, що посилаються на це; ми ніколи не просимо пароль чи код. На сторінці *Мої дані* видно, \
             хто й коли переглядав ваші дані; там їх можна вивантажити, виправити або видалити.",
    phases: "Чого ще не відомо, те буде надано частинами без подальшої невиправданої затримки.",
    dear: "Ми пишемо вам, бо інцидент у нашому сервісі стосується ваших персональних даних.",
    missing_assessment: "оцінку: ризик, особи, записи, категорії, наслідки, заходи (`ensoex incident assess`)",
    missing_reason: "причини затримки: 72 години минули",
    to_supply: "додати",
    not_sent: "Чернетка. Не надіслано. Перед надсиланням слід додати:",
};

fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Ukrainian => &UKRAINIAN,
    }
}

fn breach(one: Breach, language: Language) -> &'static str {
    match (one, language) {
        (Breach::Confidentiality, Language::English) => {
            "confidentiality: data was disclosed or seen without right"
        }
        (Breach::Integrity, Language::English) => "integrity: data was changed without right",
        (Breach::Availability, Language::English) => "availability: data was lost or could not be reached",
        (Breach::Confidentiality, Language::Ukrainian) => {
            "конфіденційність: дані розкрито або переглянуто без права"
        }
        (Breach::Integrity, Language::Ukrainian) => "цілісність: дані змінено без права",
        (Breach::Availability, Language::Ukrainian) => "доступність: дані втрачено або вони були недосяжні",
    }
}

/// The notification of the authority. `label` gives a field's name in words.
pub fn to_authority(
    incident: &Incident,
    controller: &Controller,
    language: Language,
    now: OffsetDateTime,
    label: &dyn Fn(&str) -> String,
) -> Draft {
    let said = words(language);
    let mut draft = Writing::new(said.to_authority, said);
    draft.line(said.controller, &controller.name);
    draft.line(said.contact, &controller.contact);
    draft.line(said.incident, &incident.number.to_string());
    draft.line(said.aware, &moment(incident.aware_at));
    draft.line(said.due, &moment(incident.due_at()));
    let told_at = incident.authority_told.as_ref().map_or(now, |(at, _)| *at);
    if told_at > incident.due_at() {
        let why = incident.authority_told.as_ref().map(|(_, text)| text.clone());
        draft.part(said.late, why, said.missing_reason);
    }
    let kinds: Vec<&str> = incident.breach.iter().map(|one| breach(*one, language)).collect();
    let notes = incident
        .notes
        .iter()
        .map(|(at, text)| format!("\n\n{}: {text}", moment(*at)));
    let nature = format!(
        "{}\n\n{}{}",
        kinds.join("; "),
        incident.summary,
        notes.collect::<String>()
    );
    draft.part(said.nature, Some(nature), "");
    draft.assessed(incident.assessment.as_ref(), label);
    draft.text += &format!("\n{}\n", said.phases);
    draft.done()
}

/// The communication to those affected, in plain words. `label` gives a field's name in words.
pub fn to_persons(
    incident: &Incident,
    controller: &Controller,
    language: Language,
    label: &dyn Fn(&str) -> String,
) -> Draft {
    let said = words(language);
    let mut draft = Writing::new(said.to_persons, said);
    draft.text += &format!("{}\n", said.dear);
    draft.part(said.nature, Some(incident.summary.clone()), "");
    let assessment = incident.assessment.as_ref();
    let data = assessment.map(|assessment| labels(assessment, label));
    draft.part(said.concerned, data, said.missing_assessment);
    draft.part(
        said.consequences,
        assessment.map(|one| one.consequences.clone()),
        said.missing_assessment,
    );
    draft.part(
        said.measures,
        assessment.map(|one| one.measures.clone()),
        said.missing_assessment,
    );
    draft.part(said.what_you_can_do, Some(said.advice.to_owned()), "");
    draft.text += "\n";
    draft.line(said.controller, &controller.name);
    draft.line(said.contact, &controller.contact);
    draft.done()
}

fn labels(assessment: &Assessment, label: &dyn Fn(&str) -> String) -> String {
    let labels: Vec<String> = assessment.fields.iter().map(|field| label(field)).collect();
    labels.join("; ")
}

fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

struct Writing {
    text: String,
    missing: Vec<&'static str>,
    said: &'static Words,
}

impl Writing {
    fn new(title: &str, said: &'static Words) -> Self {
        Self {
            text: format!("# {title}\n\n"),
            missing: Vec::new(),
            said,
        }
    }

    // Writing to a string does not fail.
    fn line(&mut self, what: &str, value: &str) {
        let _ = writeln!(self.text, "- {what}: {value}");
    }

    fn part(&mut self, heading: &str, text: Option<String>, missing: &'static str) {
        let text = text.filter(|text| !text.is_empty());
        if text.is_none() && !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
        let text = text.unwrap_or_else(|| format!("[{}]", self.said.to_supply));
        let _ = write!(self.text, "\n## {heading}\n\n{text}\n");
    }

    fn assessed(&mut self, assessment: Option<&Assessment>, label: &dyn Fn(&str) -> String) {
        let (said, missing) = (self.said, self.said.missing_assessment);
        self.part(said.concerned, assessment.map(|one| labels(one, label)), missing);
        self.part(
            said.persons,
            assessment.map(|one| one.persons.to_string()),
            missing,
        );
        self.part(
            said.records,
            assessment.map(|one| one.records.to_string()),
            missing,
        );
        self.part(
            said.consequences,
            assessment.map(|one| one.consequences.clone()),
            missing,
        );
        self.part(said.measures, assessment.map(|one| one.measures.clone()), missing);
    }

    fn done(mut self) -> Draft {
        if !self.missing.is_empty() {
            let _ = write!(self.text, "\n---\n\n{}\n\n", self.said.not_sent);
            for missing in &self.missing {
                let _ = writeln!(self.text, "- {missing}");
            }
        }
        Draft {
            text: self.text,
            missing: self.missing,
        }
    }
}

/// Whether a draft to those affected is wanted: the risk is high, or nobody has assessed it.
pub fn persons_are_told(incident: &Incident) -> bool {
    incident
        .assessment
        .as_ref()
        .is_none_or(|assessment| assessment.risk == Risk::High)
}
