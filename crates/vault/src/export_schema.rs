//! The JSON Schema of the export, made from the catalogue: what may stand in it, and what each field means.
//!
//! It knows the shape only, no value. The envelope around it is the Service's.

use serde_json::{Value, json};

use crate::catalogue::{FieldName, Language};
use crate::purpose::PurposeName;

/// The schema of the export's part that the vault makes.
pub fn export_schema() -> Value {
    let purposes: Vec<&str> = PurposeName::ALL.iter().map(|purpose| purpose.as_str()).collect();
    let text = json!({
        "type": "object", "additionalProperties": false, "required": ["en", "uk"],
        "properties": { "en": { "type": "string" }, "uk": { "type": "string" } },
    });
    let fields: Vec<Value> = FieldName::ALL.iter().map(|field| field_schema(*field)).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "subject", "exported_at_ms", "fields"],
        "properties": {
            "schema": { "const": "ensoex/export/v1" },
            "subject": { "type": "string", "pattern": "^[0-9a-f]{32}$", "description": "the pseudonym" },
            "exported_at_ms": { "type": "integer", "minimum": 0 },
            "fields": { "type": "array", "items": { "oneOf": fields } },
        },
        "$defs": {
            "text": text,
            "purposes": { "type": "array", "items": { "enum": purposes } },
        },
    })
}

fn field_schema(field: FieldName) -> Value {
    let description = field.description();
    let text = || json!({ "$ref": "#/properties/personal/$defs/text" });
    let mut required = vec![
        "field",
        "record",
        "label",
        "category",
        "asked",
        "reason",
        "purposes",
        "recipients",
        "retention",
        "version",
        "stored_at_ms",
        "shown",
    ];
    let mut schema = json!({
        "type": "object",
        "title": description.label.in_language(Language::English),
        "description": description.reason.in_language(Language::English),
        "additionalProperties": false,
        "properties": {
            "field": { "const": field.as_str() },
            "record": { "type": "string", "description": "which of several values; empty for the only one" },
            "label": text(),
            "category": { "const": description.category },
            "asked": text(),
            "reason": text(),
            "purposes": { "$ref": "#/properties/personal/$defs/purposes" },
            "recipients": { "type": "array", "items": text() },
            "retention": text(),
            "version": { "type": "integer", "minimum": 1 },
            "stored_at_ms": { "type": "integer", "minimum": 0 },
            "shown": { "const": description.exported },
        },
    });
    if description.exported {
        required.push("value");
        schema["properties"]["value"] = json!({ "type": "string" });
    }
    schema["required"] = json!(required);
    schema
}
