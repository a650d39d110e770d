//! What a member of staff may ask, once their signature is right: cases, one value of a case at a time, what an authority's order names,
//! movements that wait for a human, and who has an address. The vault decides, counts and enters each; credentials are shown to nobody. Who was never enrolled is sent away
//! before any of it.

use super::ask::{Signed, StaffAsk};
use super::operator::field_of;
use super::{LINE_BYTES_MAX, Refusal, word};
use crate::app::{App, AppState};
use crate::clock::{now_us, text, text_ms};
use crate::risk::reviews::{self, ReviewError};
use ensoex_vault::{
    AccessRequest, Actor, Case, CaseId, CaseOpening, CaseReason, Denial, Email, FieldName, GrantedFor,
    MobilePhone, Order, Personal, PolicyVersion, PreventFraud, ProvideService, Purpose, PurposeName, Reason,
    SubjectId, VaultError, verified_staff,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Cases that are looked up at a time.
const CASES_TOGETHER: u32 = 16;
/// Most bytes of the cases in one answer; the rest of the line is for what stands around them.
const LISTED_BYTES_MAX: usize = LINE_BYTES_MAX as usize - 1_024;

/// Told to whoever asks in another form, before it is known who they are.
const FORM: &str = "a question is one line of JSON with the texts public_key, signature and request: the Ed25519 key \
                    and signature as hexadecimal digits, and the JSON that was signed";

pub(super) async fn answer(app: &App, challenge: &[u8; 32], asked: &str) -> Result<Value, Refusal> {
    let stranger = || Refusal::Said("the question is not signed by its key over this challenge".to_owned());
    let signed: Signed = serde_json::from_str(asked).map_err(|_| Refusal::Said(FORM.to_owned()))?;
    let (mut key, mut signature) = ([0; 32], [0; 64]);
    hex::decode_to_slice(&signed.public_key, &mut key).map_err(|_| stranger())?;
    hex::decode_to_slice(&signed.signature, &mut signature).map_err(|_| stranger())?;
    let staff =
        verified_staff(&key, challenge, signed.request.as_bytes(), &signature).ok_or_else(stranger)?;
    // Anybody can make a key and sign: a key that nobody enrolled leaves no entry, or entries would have no end.
    if !app.vault.is_enrolled(&staff).await? {
        return Err(VaultError::Denied(Denial::StaffUnknown).into());
    }
    let ask: StaffAsk =
        serde_json::from_str(&signed.request).map_err(|error| Refusal::Said(error.to_string()))?;
    done(app, staff, ask).await
}

async fn done(app: &App, staff: SubjectId, ask: StaffAsk) -> Result<Value, Refusal> {
    let vault = &app.vault;
    let version = PolicyVersion::new(&app.policy.in_force().hash)?;
    match ask {
        StaffAsk::OpenCase {
            subjects,
            fields,
            purpose,
            reason,
            hours,
            break_glass,
            order,
        } => {
            let opening = CaseOpening {
                subjects,
                fields: fields
                    .iter()
                    .map(|field| field_of(field))
                    .collect::<Result<_, _>>()?,
                purpose: purpose_of(&purpose)?,
                reason: word(
                    &reason,
                    &CaseReason::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
                )?,
                hours,
                break_glass,
                order: order.map(|order| Order {
                    reference: order.reference,
                    silent_until_ms: order.silent_until_ms,
                }),
            };
            Ok(view(&vault.open_case(&staff, &opening, &version).await?))
        }
        StaffAsk::ApproveCase { case } => {
            let case = CaseId::parse(&case)?;
            Ok(view(&vault.approve_case(&staff, &case, &version).await?))
        }
        StaffAsk::AssignCase { case, to } => {
            let case = CaseId::parse(&case)?;
            Ok(view(&vault.assign_case(&staff, &case, &to, &version).await?))
        }
        StaffAsk::CloseCase { case } => {
            let case = CaseId::parse(&case)?;
            Ok(view(&vault.close_case(&staff, &case, &version).await?))
        }
        StaffAsk::ListCases { after } => {
            let after = after.as_deref().map(CaseId::parse).transpose()?;
            cases(app, &staff, after).await
        }
        StaffAsk::Read { case, subject, field } => {
            let case = CaseId::parse(&case)?;
            // Whatever is wrong with staff or case is refused by the vault's read, which enters that.
            let known = vault.case_of(&staff, &case).await?;
            let purpose = known.map_or(PurposeName::ProvideService, |known| known.purpose);
            let access = app.access(Actor::Staff(staff), case.reason())?;
            let value = read(app, &subject, field_of(&field)?, purpose, &access).await?;
            Ok(json!({ "subject": subject, "field": field, "value": *value }))
        }
        StaffAsk::Disclose {
            case,
            subject,
            fields,
        } => disclose(app, staff, &case, &subject, &fields).await,
        StaffAsk::ListReviews => Ok(reviews::waiting(app, &staff).await?),
        StaffAsk::DecideReview {
            review,
            case,
            finding,
        } => {
            let case = CaseId::parse(&case)?;
            Ok(reviews::decide(app, &staff, &review, &case, &finding).await?)
        }
        StaffAsk::Find { field, value } => {
            let access = app.access(Actor::Staff(staff), Reason::Search)?;
            let value = Personal::new(String::clone(&value));
            let found = match field_of(&field)? {
                FieldName::Email => vault.find::<Email>(&value, &access).await?,
                FieldName::MobilePhone => vault.find::<MobilePhone>(&value, &access).await?,
                FieldName::PasswordHash
                | FieldName::ApiKeySecret
                | FieldName::TotpSecret
                | FieldName::Passkey => {
                    return Err(no_such_way());
                }
            };
            Ok(json!({ "subject": found }))
        }
    }
}

impl From<ReviewError> for Refusal {
    fn from(error: ReviewError) -> Refusal {
        match error {
            ReviewError::Said(said) => Refusal::Said(said),
            ReviewError::Failed(problem) => Refusal::Failed(problem),
        }
    }
}

/// What an authority is given of a person, each field entered as given before it is opened.
async fn disclose(
    app: &AppState,
    staff: SubjectId,
    case: &str,
    subject: &SubjectId,
    fields: &[String],
) -> Result<Value, Refusal> {
    let case = CaseId::parse(case)?;
    let names = fields.iter().map(|field| field_of(field));
    let mut names = names.collect::<Result<Vec<FieldName>, Refusal>>()?;
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(Refusal::Said("name the fields that the order names".to_owned()));
    }
    if names.iter().any(|name| is_credential(*name)) {
        return Err(no_such_way());
    }
    let known = app.vault.case_of(&staff, &case).await?;
    let purpose = known
        .as_ref()
        .map_or(PurposeName::ProvideService, |known| known.purpose);
    let access = app.access(Actor::Staff(staff), case.reason())?;
    let mut given = serde_json::Map::new();
    for name in names {
        // Whatever is wrong with staff or case is refused here, and that is entered.
        let _entered = app.vault.disclose_by_order(subject, name, &access).await?;
        let value = read(app, subject, name, purpose, &access).await?;
        given.insert(name.as_str().to_owned(), Value::String(String::clone(&value)));
    }
    let order = known.as_ref().and_then(|known| known.order.as_ref());
    Ok(json!({
        "schema": "ensoex/ordered-disclosure/v1",
        "reference": order.map(|order| &order.reference),
        "case": case.as_str(),
        "disclosed_at": text(now_us()),
        "disclosed_by": staff,
        "approved_by": known.as_ref().and_then(|known| known.approved_by),
        "subject": subject,
        "policy_version": access.policy_version.as_str(),
        "fields": given,
    }))
}

const fn is_credential(field: FieldName) -> bool {
    matches!(
        field,
        FieldName::PasswordHash | FieldName::ApiKeySecret | FieldName::TotpSecret | FieldName::Passkey
    )
}

/// As many as fit into one answer, by their bytes: a case may name hundreds of persons.
async fn cases(app: &AppState, staff: &SubjectId, after: Option<CaseId>) -> Result<Value, Refusal> {
    let (mut listed, mut bytes, mut last) = (Vec::new(), 0, after);
    loop {
        let page = app.vault.open_cases(staff, last.as_ref(), CASES_TOGETHER).await?;
        let is_last_page = page.len() < CASES_TOGETHER as usize;
        for case in page {
            let shown = view(&case);
            bytes += shown.to_string().len() + 1;
            if bytes > LISTED_BYTES_MAX && !listed.is_empty() {
                return Ok(json!({ "cases": listed, "next": last.as_ref().map(CaseId::as_str) }));
            }
            listed.push(shown);
            last = Some(case.id);
        }
        if is_last_page {
            return Ok(json!({ "cases": listed, "next": null }));
        }
    }
}

fn no_such_way() -> Refusal {
    Refusal::Said("credentials are shown to nobody, and nobody is found by them".to_owned())
}

fn purpose_of(text: &str) -> Result<PurposeName, Refusal> {
    let known: Vec<&str> = PurposeName::ALL.iter().map(|purpose| purpose.as_str()).collect();
    let purpose = PurposeName::ALL
        .into_iter()
        .find(|purpose| purpose.as_str() == text);
    purpose.ok_or_else(|| Refusal::Said(format!("{text:?} is none of: {}", known.join(", "))))
}

async fn read(
    app: &AppState,
    subject: &SubjectId,
    field: FieldName,
    purpose: PurposeName,
    access: &AccessRequest,
) -> Result<Zeroizing<String>, Refusal> {
    let opened = match (field, purpose) {
        (FieldName::Email, PurposeName::ProvideService) => {
            plain::<Email, ProvideService>(app, subject, access).await
        }
        (FieldName::Email, PurposeName::PreventFraud) => {
            plain::<Email, PreventFraud>(app, subject, access).await
        }
        (FieldName::MobilePhone, PurposeName::ProvideService) => {
            plain::<MobilePhone, ProvideService>(app, subject, access).await
        }
        (FieldName::MobilePhone, PurposeName::PreventFraud) => {
            plain::<MobilePhone, PreventFraud>(app, subject, access).await
        }
        (
            FieldName::PasswordHash | FieldName::ApiKeySecret | FieldName::TotpSecret | FieldName::Passkey,
            _,
        )
        | (_, PurposeName::ImproveService) => return Err(no_such_way()),
    };
    Ok(opened?)
}

async fn plain<F, P>(
    app: &AppState,
    subject: &SubjectId,
    access: &AccessRequest,
) -> Result<Zeroizing<String>, VaultError>
where
    F: GrantedFor<P, Value = String>,
    P: Purpose,
{
    let copy = |value: &String| Zeroizing::new(value.clone());
    app.vault.read::<F, P, _>(subject, None, access, copy).await
}

fn view(case: &Case) -> Value {
    json!({
        "case": case.id.as_str(),
        "kind": case.kind.as_str(),
        "reason": case.reason.as_str(),
        "purpose": case.purpose.as_str(),
        "opened_by": case.opened_by,
        "opened_at": text_ms(case.opened_at_ms),
        "expires_at": text_ms(case.expires_at_ms),
        "waits_for_approval": case.waits_for_approval(),
        "approved_by": case.approved_by,
        "closed_at": case.closed_at_ms.map(text_ms),
        "subjects": case.subjects,
        "fields": case.fields,
        "staff": case.staff,
        "order": case.order.as_ref().map(|order| json!({
            "reference": order.reference,
            "silent_until": order.silent_until_ms.map(text_ms),
        })),
    })
}
