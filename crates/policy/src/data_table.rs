//! The tables of personal data and of recipients that stand in the Policy.
//!
//! The rows come from the vault's catalogue and the register of recipients, which this crate does not know.

use std::collections::BTreeMap;

use crate::document::Language;

/// One field of personal data, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRow {
    /// What it is.
    pub label: String,
    /// Where it is asked for.
    pub asked: String,
    /// Why it is needed.
    pub reason: String,
    /// The purposes that may open it.
    pub purposes: Vec<String>,
    /// Who receives it on the Service's behalf.
    pub recipients: Vec<String>,
    /// How long it is kept.
    pub retention: String,
    /// The law that keeps it after an erasure request, if one does.
    pub legal_hold: Option<String>,
}

/// One recipient, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientRow {
    /// Who.
    pub name: String,
    /// What for.
    pub why: String,
    /// The least that this takes.
    pub given: String,
    /// On which ground.
    pub ground: String,
    /// Who runs it.
    pub operated_by: String,
}

/// The rows in every language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataTable {
    /// The rows by language, in the same order in each.
    pub rows: BTreeMap<Language, Vec<DataRow>>,
    /// The recipients by language, in the same order in each.
    pub recipients: BTreeMap<Language, Vec<RecipientRow>>,
}

impl DataTable {
    /// The table as Markdown; `None` if it has no rows in this language.
    pub(crate) fn markdown(&self, language: Language) -> Option<String> {
        let rows = self.rows.get(&language).filter(|rows| !rows.is_empty())?;
        let words = Words::of(language);
        let mut markdown = format!(
            "| {} |\n|{}",
            words.head.join(" | "),
            "---|".repeat(words.head.len())
        );
        for row in rows {
            let recipients = if row.recipients.is_empty() {
                words.nobody.to_owned()
            } else {
                row.recipients.join("; ")
            };
            let retention = match &row.legal_hold {
                Some(law) => format!("{}; {law}", row.retention),
                None => row.retention.clone(),
            };
            let cells = [
                &row.label,
                &row.asked,
                &row.reason,
                &row.purposes.join(", "),
                &recipients,
                &retention,
            ];
            let cells: Vec<String> = cells.into_iter().map(|cell| escaped(cell)).collect();
            markdown.push_str(&format!("\n| {} |", cells.join(" | ")));
        }
        Some(markdown)
    }

    /// The recipients as Markdown; `None` if there are none in this language.
    pub(crate) fn recipients_markdown(&self, language: Language) -> Option<String> {
        let rows = self.recipients.get(&language).filter(|rows| !rows.is_empty())?;
        let head = match language {
            Language::English => ["Who", "What for", "What it is given", "Ground", "Who runs it"],
            Language::Ukrainian => ["Хто", "Навіщо", "Що отримує", "Підстава", "Хто ним керує"],
        };
        let mut markdown = format!("| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in rows {
            let cells = [&row.name, &row.why, &row.given, &row.ground, &row.operated_by];
            let cells: Vec<String> = cells.into_iter().map(|cell| escaped(cell)).collect();
            markdown.push_str(&format!("\n| {} |", cells.join(" | ")));
        }
        Some(markdown)
    }
}

struct Words {
    head: [&'static str; 6],
    nobody: &'static str,
}

impl Words {
    const fn of(language: Language) -> Self {
        match language {
            Language::English => Self {
                head: [
                    "What",
                    "When we ask",
                    "Why",
                    "Purposes",
                    "Who receives it",
                    "How long we keep it",
                ],
                nobody: "nobody",
            },
            Language::Ukrainian => Self {
                head: [
                    "Що",
                    "Коли запитуємо",
                    "Навіщо",
                    "Цілі",
                    "Хто отримує",
                    "Скільки зберігаємо",
                ],
                nobody: "ніхто",
            },
        }
    }
}

/// The text with everything escaped that Markdown would read as a sign.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\`*_{}[]<>()#+!|&~".contains(character) {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { ' ' } else { character });
    }
    escaped
}
