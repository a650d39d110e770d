//! The export of everything that is held about a person, for that person.
//!
//! It opens values through the vault's logged reads only. It does not know who asked: the caller has
//! made sure that it is the person.

use serde::Serialize;

use crate::catalogue::{FieldName, Text};
use crate::database::now_ms;
use crate::error::VaultError;
use crate::personal::Personal;
use crate::purpose::PurposeName;
use crate::request::AccessRequest;
use crate::subject::SubjectId;
use crate::vault::{HeldValue, Vault};

/// The export's schema.
const EXPORT_SCHEMA: &str = "ensoex/export/v1";
/// Most bytes that JSON makes of one byte of a value.
const ESCAPED_BYTES_MAX: usize = 6;

#[derive(Serialize)]
struct ExportedField<'a> {
    field: FieldName,
    record: &'a str,
    label: Text,
    category: &'static str,
    asked: Text,
    reason: Text,
    purposes: &'static [PurposeName],
    recipients: Vec<Text>,
    retention: Text,
    version: u64,
    stored_at_ms: u64,
    shown: bool,
}

pub(crate) async fn export(
    vault: &Vault,
    subject: &SubjectId,
    request: &AccessRequest,
) -> Result<Personal<String>, VaultError> {
    let held = vault.held_values(subject).await?;
    if held.is_empty() {
        return Err(VaultError::NotFound);
    }
    let mut fields = Vec::with_capacity(held.len());
    for value in &held {
        let shown = value.field.description().exported;
        let opened = if shown {
            let purpose = PurposeName::ProvideService;
            Some(
                vault
                    .open_text(subject, value.field, &value.record, purpose, request)
                    .await?,
            )
        } else {
            None
        };
        fields.push((description(value, shown)?, opened));
    }
    Ok(compose(subject, &fields))
}

fn description(value: &HeldValue, shown: bool) -> Result<String, VaultError> {
    let description = value.field.description();
    let exported = ExportedField {
        field: value.field,
        record: &value.record,
        label: description.label,
        category: description.category,
        asked: description.asked,
        reason: description.reason,
        purposes: description.purposes,
        recipients: description
            .recipients
            .iter()
            .map(|recipient| recipient.entry().described.into())
            .collect(),
        retention: description.retention.text,
        version: value.version,
        stored_at_ms: value.stored_at_ms,
        shown,
    };
    serde_json::to_string(&exported).map_err(|_| VaultError::Integrity)
}

/// Joins the fields into one JSON document in a buffer that never moves, so that wiping it wipes
/// the only copy.
fn compose(subject: &SubjectId, fields: &[(String, Option<Personal<String>>)]) -> Personal<String> {
    let value_bytes = |value: &Option<Personal<String>>| {
        value
            .as_ref()
            .map_or(0, |value| value.expose(|text| text.len() * ESCAPED_BYTES_MAX))
    };
    let bytes: usize = fields
        .iter()
        .map(|(field, value)| field.len() + value_bytes(value) + 16)
        .sum();
    let mut json = String::with_capacity(bytes + 256);
    json.push_str(&format!(
        r#"{{"schema":"{EXPORT_SCHEMA}","subject":"{subject}","exported_at_ms":{},"fields":["#,
        now_ms()
    ));
    for (number, (field, value)) in fields.iter().enumerate() {
        if number > 0 {
            json.push(',');
        }
        json.push_str(field.strip_suffix('}').unwrap_or(field));
        if let Some(value) = value {
            json.push_str(r#","value":"#);
            value.expose(|text| push_escaped(&mut json, text));
        }
        json.push('}');
    }
    json.push_str("]}");
    Personal::new(json)
}

/// Appends a JSON string.
fn push_escaped(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_json_does() {
        let text = "a\"b\\c\n\u{1}д";
        let mut json = String::new();
        push_escaped(&mut json, text);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
