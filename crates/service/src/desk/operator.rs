//! What the operator may ask: who works here, honeytokens, newsletters, legal holds. Each is an entry of the access log by
//! `component:operator`.

use super::ask::OperatorAsk;
use super::{Refusal, word};
use crate::app::AppState;
use crate::clock::text_ms;
use crate::improvement::{self, VaultOrProblem};
use crate::newsletter;
use ensoex_vault::{
    FieldName, HONEYTOKENS_MAX, Law, LegalHold, Reason, StaffEvent, StaffMember, staff_pseudonym,
};
use serde_json::{Value, json};

pub(super) async fn answer(app: &AppState, asked: &str) -> Result<Value, Refusal> {
    let ask: OperatorAsk = serde_json::from_str(asked).map_err(|error| Refusal::Said(error.to_string()))?;
    let decision = app.component_access("operator", Reason::Operation)?;
    let vault = &app.vault;
    match ask {
        OperatorAsk::EnrolStaff { public_key } => {
            let mut key = [0; 32];
            hex::decode_to_slice(&public_key, &mut key).map_err(|_| {
                Refusal::Said(
                    "a public key is 64 hexadecimal digits; `ensoex staff key` prints it".to_owned(),
                )
            })?;
            let staff = staff_pseudonym(&key);
            vault.enrol_staff(&staff, &decision).await?;
            Ok(json!({ "staff": staff }))
        }
        OperatorAsk::SuspendStaff { staff } => {
            known(app, &staff).await?;
            vault.suspend_staff(&staff, &decision).await?;
            Ok(json!({ "staff": staff }))
        }
        OperatorAsk::ReinstateStaff { staff } => {
            known(app, &staff).await?;
            vault.reinstate_staff(&staff, &decision).await?;
            Ok(json!({ "staff": staff }))
        }
        OperatorAsk::ListStaff => {
            let staff: Vec<Value> = vault.staff().await?.iter().map(member).collect();
            let events: Vec<Value> = vault.staff_events(0).await?.iter().map(event).collect();
            Ok(json!({ "staff": staff, "events": events }))
        }
        OperatorAsk::MakeHoneytokens { count, email_domain } => {
            if !(1..=HONEYTOKENS_MAX).contains(&count) {
                return Err(Refusal::Said(format!("a number from 1 to {HONEYTOKENS_MAX}")));
            }
            // What a registration states, or they would be told apart in the log.
            let access = app.component_access("registration", Reason::Registration)?;
            vault.make_honeytokens(count, &email_domain, &access).await?;
            Ok(json!({ "honeytokens": vault.honeytokens() }))
        }
        OperatorAsk::Statistics => Ok(improvement::release(app).await?),
        OperatorAsk::SendNewsletter { en, uk } => {
            newsletter::take(app, &en, &uk).await?.map_err(Refusal::Said)
        }
        OperatorAsk::ListNewsletters => Ok(newsletter::list(app).await?),
        OperatorAsk::PlaceHold {
            subject,
            field,
            law,
            until_ms,
        } => {
            let hold = LegalHold {
                field: field_of(&field)?,
                law: word(&law, &Law::ALL.iter().map(|law| law.as_str()).collect::<Vec<_>>())?,
                until_ms,
            };
            let access = app.component_access("operator", Reason::LegalHold)?;
            vault.place_hold(&subject, hold, &access).await?;
            holds(app, &subject).await
        }
        OperatorAsk::LiftHold { subject, field } => {
            let access = app.component_access("operator", Reason::LegalHold)?;
            vault.lift_hold(&subject, field_of(&field)?, &access).await?;
            holds(app, &subject).await
        }
        OperatorAsk::ListHolds { subject } => holds(app, &subject).await,
    }
}

impl From<VaultOrProblem> for Refusal {
    fn from(error: VaultOrProblem) -> Refusal {
        match error {
            VaultOrProblem::Vault(error) => error.into(),
            VaultOrProblem::Problem(problem) => problem.into(),
        }
    }
}

/// A field of the catalogue by its name.
pub(super) fn field_of(text: &str) -> Result<FieldName, Refusal> {
    let known: Vec<&str> = FieldName::ALL.iter().map(|field| field.as_str()).collect();
    word(text, &known)
}

async fn known(app: &AppState, staff: &ensoex_vault::SubjectId) -> Result<(), Refusal> {
    match app
        .vault
        .staff()
        .await?
        .iter()
        .any(|member| member.staff == *staff)
    {
        true => Ok(()),
        false => Err(Refusal::Said(
            "nobody is enrolled under this pseudonym; look with `ensoex staff list`".to_owned(),
        )),
    }
}

async fn holds(app: &AppState, subject: &ensoex_vault::SubjectId) -> Result<Value, Refusal> {
    let holds = app.vault.legal_holds(subject).await?;
    let hold =
        |hold: &LegalHold| json!({ "field": hold.field, "law": hold.law, "until": text_ms(hold.until_ms) });
    Ok(json!({ "holds": holds.iter().map(hold).collect::<Vec<Value>>() }))
}

fn member(member: &StaffMember) -> Value {
    json!({
        "staff": member.staff,
        "enrolled_at": text_ms(member.enrolled_at_ms),
        "suspended_at": member.suspended_at_ms.map(text_ms),
    })
}

fn event(event: &StaffEvent) -> Value {
    json!({
        "number": event.number,
        "at": text_ms(event.at_ms),
        "event": event.kind.as_str(),
        "staff": event.staff,
        "case": event.case,
    })
}
