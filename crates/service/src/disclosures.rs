//! What recipients of the register were given: of one person, for that person; of everybody, as counts for all.
//!
//! Each disclosure is an entry of the vault's access log, made before anything is sent. It knows no value that was given.

use crate::app::{App, AppState};
use crate::clock::text_ms;
use crate::guard::User;
use crate::problem::Problem;
use crate::public::PublicState;
use axum::Json;
use axum::extract::State;
use ensoex_egress::{Item, Recipient};
use ensoex_vault::{AccessLeaf, SubjectId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// How often each recipient was given something, for everybody to see.
#[derive(Default)]
pub(crate) struct Published(RwLock<BTreeMap<Recipient, u64>>);

impl Published {
    fn view(&self) -> Value {
        let counts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let recipient = |recipient: Recipient| {
            let mut view = json!(recipient.entry());
            if let Some(object) = view.as_object_mut() {
                let count = counts.get(&recipient).copied().unwrap_or_default();
                object.insert("disclosures".to_owned(), count.into());
            }
            view
        };
        let recipients: Vec<Value> = Recipient::ALL.into_iter().map(recipient).collect();
        json!({ "recipients": recipients })
    }
}

/// Counts what came to the access log since the last time.
pub(crate) async fn publish(app: &AppState) -> Result<(), Problem> {
    let counts = app.vault.disclosure_counts().await?;
    *app.disclosed.0.write().unwrap_or_else(PoisonError::into_inner) = counts;
    Ok(())
}

/// The register of recipients, and how often each was given something; counted anew every minute.
#[utoipa::path(get, path = "/v1/transparency/disclosures", tag = "public", responses((status = 200, description = "the register with counts")))]
pub(crate) async fn counts(State(state): State<PublicState>) -> Json<Value> {
    Json(state.disclosed.view())
}

/// What was given of the person to whom, when and why, newest first; what an order of the law keeps from them, once its time is over. The
/// proofs are in the access report.
#[utoipa::path(get, path = "/v1/me/disclosures", tag = "my data", responses((status = 200, description = "every disclosure, field by field")))]
pub(crate) async fn mine(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let subject = app.subject_of(user.account).await?;
    Ok(Json(json!({ "disclosures": of(&app, &subject).await? })))
}

/// The same as a list for the export.
pub(crate) async fn of(app: &AppState, subject: &SubjectId) -> Result<Vec<Value>, Problem> {
    let leaves = app.vault.disclosures(subject).await?;
    let view = |leaf: &AccessLeaf| {
        json!({
            "index": leaf.index,
            "at": text_ms(leaf.at_ms),
            "recipient": leaf.recipient,
            "items": leaf.items,
            "field": leaf.field,
            "case": leaf.case,
            "reason": leaf.reason,
            "policy_version": leaf.policy_version,
        })
    };
    Ok(leaves.iter().rev().map(view).collect())
}

/// The form of that list, as JSON Schema.
pub(crate) fn schema() -> Value {
    let text = json!({ "type": "string" });
    json!({ "type": "array", "items": {
        "type": "object", "additionalProperties": false,
        "required": ["index", "at", "recipient", "items", "field", "case", "reason", "policy_version"],
        "properties": {
            "index": { "type": "integer", "minimum": 0 },
            "at": { "type": "string", "format": "date-time" },
            "recipient": { "enum": Recipient::ALL.map(Recipient::as_str) },
            "items": { "type": "array", "minItems": 1, "items": { "enum": Item::ALL.map(Item::as_str) } },
            "field": { "type": ["string", "null"], "description": "of an order of the law: which field was handed over" },
            "case": { "type": ["string", "null"], "description": "of an order of the law: the case that answered it" },
            "reason": text,
            "policy_version": text,
        },
    } })
}
