//! The pages' handlers. A page shows where its session stands; a form moves it one step and leads back to the page.

use super::Edge;
use super::form::FormFields;
use crate::card::{Card, Expiry, InvalidExpiry, VerificationCode};
use crate::clock;
use crate::page::{self, CardField, FieldError, Frame, SavedCard, Sentence, View};
use crate::processor::{CardChoice, Ended, Next, ProcessError, Submission};
use crate::store::attempt::{self, AttemptState};
use crate::store::money;
use crate::store::session::{self, Session};
use crate::store::{StoreError, instrument};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use ensoex_iso8583::CardNumber;
use ensoex_pay_api::{CheckoutSessionStatus, Locale, Mode, PaymentStatus, PayoutStatus};
use maud::Markup;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The query of every page.
#[derive(Deserialize, Default)]
pub(crate) struct PageQuery {
    lang: Option<String>,
}

impl PageQuery {
    fn locale(&self, session: &Session) -> Locale {
        self.lang
            .as_deref()
            .and_then(Locale::from_tag)
            .unwrap_or(session.locale)
    }
}

/// `GET /`.
pub(crate) async fn home() -> Response {
    sentence(StatusCode::OK, Locale::En, Sentence::Home)
}

/// `GET /pay/{session}`.
pub(crate) async fn show(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    match load(&edge, &id).await {
        Ok(Some(session)) => {
            let locale = query.locale(&session);
            render(&edge, &session, locale, BTreeMap::new())
                .await
                .unwrap_or_else(|error| failed(&error, locale))
        }
        Ok(None) => not_found(Locale::En),
        Err(error) => failed(&error, Locale::En),
    }
}

/// `POST /pay/{session}`: a card.
pub(crate) async fn submit(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    request: Request,
) -> Response {
    let session = match load(&edge, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(Locale::En),
        Err(error) => return failed(&error, Locale::En),
    };
    let locale = query.locale(&session);
    let Some(fields) = FormFields::read(request).await else {
        return to_page(&session, locale);
    };
    let submission = match read_submission(&session, &fields, locale) {
        Ok(submission) => submission,
        Err(errors) => {
            let rendered = render(&edge, &session, locale, errors).await;
            return rendered.map_or_else(
                |error| failed(&error, locale),
                |response| (StatusCode::UNPROCESSABLE_ENTITY, response).into_response(),
            );
        }
    };
    drop(fields);
    // In a task of its own: a browser that goes away must not stop what has begun.
    let processor = edge.processor.clone();
    let worked = tokio::spawn(async move { processor.submit(submission).await }).await;
    answer(worked, &session, locale)
}

/// `GET /pay/{session}/3ds/return`: the browser is back from the bank.
pub(crate) async fn return_from_challenge(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    let session = match load(&edge, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(Locale::En),
        Err(error) => return failed(&error, Locale::En),
    };
    let locale = query.locale(&session);
    let processor = edge.processor.clone();
    let worked = tokio::spawn(async move { processor.return_from_challenge(&id).await }).await;
    match worked {
        Ok(Ok(Next::Challenge(url) | Next::Return(url))) => go_on(&url, locale),
        worked => answer(worked, &session, locale),
    }
}

/// Ends the chain of redirects that the bank's form began, with a page that goes on by itself: browsers hold every
/// redirect of a form to the `form-action` of the page it stood on, and the bank's page cannot know where we lead.
fn go_on(url: &str, locale: Locale) -> Response {
    let mut response = sentence(StatusCode::OK, locale, Sentence::OneMoment);
    match HeaderValue::from_str(&format!("0; url={url}")) {
        Ok(refresh) => response.headers_mut().insert("refresh", refresh),
        Err(_) => return Redirect::to(url).into_response(),
    };
    response
}

/// `POST /pay/{session}/leave`: another card instead of going on with the bank.
pub(crate) async fn leave_challenge(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    request: Request,
) -> Response {
    let session = match load(&edge, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(Locale::En),
        Err(error) => return failed(&error, Locale::En),
    };
    let locale = query.locale(&session);
    let fields = FormFields::read(request).await.unwrap_or_default();
    match edge.processor.leave_challenge(&id, fields.get("token")).await {
        Ok(()) => to_page(&session, locale),
        Err(error) => failed(&error, locale),
    }
}

/// `POST /pay/{session}/forget`: a remembered card goes.
pub(crate) async fn forget(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    request: Request,
) -> Response {
    let session = match load(&edge, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(Locale::En),
        Err(error) => return failed(&error, Locale::En),
    };
    let locale = query.locale(&session);
    let fields = FormFields::read(request).await.unwrap_or_default();
    if fields.get("token") == session.form_token && session.takes_input(clock::now()) {
        let forgotten = forget_instrument(&edge, fields.get("forget"), &session.customer).await;
        if let Err(error) = forgotten {
            return failed(&error, locale);
        }
    }
    to_page(&session, locale)
}

async fn forget_instrument(edge: &Edge, id: &str, customer: &str) -> Result<(), StoreError> {
    let mut transaction = edge.processor.store.begin().await?;
    instrument::forget(&mut transaction, id, customer).await?;
    transaction.commit().await?;
    Ok(())
}

/// `POST /pay/{session}/cancel`: the person turns back.
pub(crate) async fn cancel(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    request: Request,
) -> Response {
    let session = match load(&edge, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(Locale::En),
        Err(error) => return failed(&error, Locale::En),
    };
    let locale = query.locale(&session);
    let fields = FormFields::read(request).await.unwrap_or_default();
    match edge.processor.cancel(&id, fields.get("token")).await {
        Ok(Ended::Now(session)) => Redirect::to(&session.cancel_url).into_response(),
        Ok(_) => to_page(&session, locale),
        Err(error) => failed(&error, locale),
    }
}

async fn load(edge: &Edge, id: &str) -> Result<Option<Session>, StoreError> {
    let mut connection = edge.processor.store.read().await?;
    session::find(&mut connection, id).await
}

fn answer(
    worked: Result<Result<Next, ProcessError>, tokio::task::JoinError>,
    session: &Session,
    locale: Locale,
) -> Response {
    match worked {
        Ok(Ok(Next::Page)) => to_page(session, locale),
        Ok(Ok(Next::Challenge(url) | Next::Return(url))) => Redirect::to(&url).into_response(),
        Ok(Err(error)) => failed(&error, locale),
        Err(error) => failed(&error, locale),
    }
}

fn to_page(session: &Session, locale: Locale) -> Response {
    Redirect::to(&page_path(session, locale)).into_response()
}

fn page_path(session: &Session, locale: Locale) -> String {
    if locale == session.locale {
        format!("/pay/{}", session.id)
    } else {
        format!("/pay/{}?lang={}", session.id, locale.tag())
    }
}

/// Reads the form. Errors by field; the values are not among them.
fn read_submission(
    session: &Session,
    fields: &FormFields,
    locale: Locale,
) -> Result<Submission, BTreeMap<CardField, FieldError>> {
    let mut errors = BTreeMap::new();
    let code = match session.mode {
        Mode::Payment => {
            let code = VerificationCode::parse(fields.get("cvc"));
            if code.is_none() {
                errors.insert(CardField::VerificationCode, FieldError::VerificationCode);
            }
            code
        }
        Mode::Payout => None,
    };
    let choice = match fields.get("card") {
        "" | "new" => read_card(fields, &mut errors).map(CardChoice::New),
        remembered => Some(CardChoice::Remembered(remembered.to_owned())),
    };
    match choice {
        Some(choice) if errors.is_empty() => Ok(Submission {
            session_id: session.id.clone(),
            form_token: fields.get("token").to_owned(),
            remember: fields.get("remember") == "yes",
            choice,
            code,
            locale,
        }),
        _ => Err(errors),
    }
}

fn read_card(fields: &FormFields, errors: &mut BTreeMap<CardField, FieldError>) -> Option<Card> {
    let number = CardNumber::parse(fields.get("number"));
    if number.is_err() {
        errors.insert(CardField::Number, FieldError::Number);
    }
    let expiry = Expiry::parse(fields.get("expiry"), clock::now());
    if let Err(error) = expiry {
        let error = match error {
            InvalidExpiry::Past => FieldError::ExpiryPast,
            InvalidExpiry::Malformed | InvalidExpiry::TooFar => FieldError::Expiry,
        };
        errors.insert(CardField::Expiry, error);
    }
    Some(Card {
        number: number.ok()?,
        expiry: expiry.ok()?,
    })
}

/// The page for where the session stands.
async fn render(
    edge: &Edge,
    session: &Session,
    locale: Locale,
    errors: BTreeMap<CardField, FieldError>,
) -> Result<Response, ProcessError> {
    let view = view(edge, session, errors).await?;
    let acs_origin = edge.processor.three_d_secure.origin();
    // Browsers hold the whole chain of redirects after a form against this list.
    let form_targets = format!(
        "'self' {} {} {acs_origin}",
        origin(&session.success_url),
        origin(&session.cancel_url)
    );
    let frame = Frame {
        session,
        locale,
        merchant: &edge.merchant_name,
        host: host(&edge.processor.public_url),
        secure: edge.processor.public_url.starts_with("https://"),
        test_mode: edge.test_mode,
    };
    Ok(document(
        StatusCode::OK,
        page::checkout(&frame, &view),
        &form_targets,
    ))
}

async fn view(
    edge: &Edge,
    session: &Session,
    errors: BTreeMap<CardField, FieldError>,
) -> Result<View, ProcessError> {
    let now = clock::now();
    let store = &edge.processor.store;
    let mut connection = store.read().await?;
    let open = attempt::find_open(&mut connection, &session.id).await?;
    let (payment, payout) = match session.mode {
        Mode::Payment => (
            money::find_payment(&mut connection, &session.object_id).await?,
            None,
        ),
        Mode::Payout => (
            None,
            money::find_payout(&mut connection, &session.object_id).await?,
        ),
    };
    let decline = payment
        .as_ref()
        .and_then(|payment| payment.decline.as_ref())
        .map(|decline| decline.code);
    let payment_status = payment.map(|payment| (payment.status, payment.outcome.is_some()));
    match payment_status {
        Some((PaymentStatus::Succeeded, _)) => return Ok(View::Paid),
        Some((PaymentStatus::Failed, _)) => return Ok(View::PaymentFailed),
        _ => {}
    }
    if let Some(payout) = payout {
        match payout.status {
            PayoutStatus::Paid => return Ok(View::Sent),
            PayoutStatus::Failed | PayoutStatus::Returned => return Ok(View::PayoutFailed),
            PayoutStatus::Submitted | PayoutStatus::InReview => {
                return Ok(View::Waiting {
                    unknown: payout.outcome.is_some(),
                });
            }
            PayoutStatus::Created | PayoutStatus::Canceled | PayoutStatus::Expired => {}
        }
    }
    match open {
        Some(open) if open.state == AttemptState::Challenged && session.takes_input(now) => {
            if let Some(url) = open.challenge_url {
                return Ok(View::Challenge { url });
            }
        }
        Some(open) if open.state.is_in_flight() => {
            return Ok(View::Waiting {
                unknown: payment_status.is_some_and(|(_, unknown)| unknown),
            });
        }
        _ => {}
    }
    match session.status {
        CheckoutSessionStatus::Canceled => return Ok(View::Canceled),
        CheckoutSessionStatus::Expired => return Ok(View::Expired),
        CheckoutSessionStatus::Open | CheckoutSessionStatus::Complete => {}
    }
    if !session.takes_input(now) {
        return Ok(View::Expired);
    }
    let remembered = instrument::remembered(&mut connection, &session.customer).await?;
    drop(connection);
    let mut saved = Vec::new();
    for kept in remembered {
        let card = edge.processor.vault.unseal(&kept.sealed, &kept.id)?;
        if !card.expiry.is_past(now) {
            saved.push(SavedCard::new(kept.id, &card));
        }
    }
    Ok(View::Form {
        errors,
        decline,
        saved,
    })
}

/// A page with the headers that every page has. `form_targets` are the origins that its forms may lead to.
fn document(status: StatusCode, markup: Markup, form_targets: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
         form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            header::HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    (status, headers, markup).into_response()
}

/// The page for what is not there.
pub(crate) fn not_found(locale: Locale) -> Response {
    sentence(StatusCode::NOT_FOUND, locale, Sentence::NotFound)
}

fn failed(error: &(dyn std::error::Error + 'static), locale: Locale) -> Response {
    tracing::error!(error, "a page failed");
    sentence(StatusCode::INTERNAL_SERVER_ERROR, locale, Sentence::Failed)
}

/// A page with one sentence, outside any session; [`with_sentence`] makes it.
#[derive(Clone, Copy)]
struct Wanted(Locale, Sentence);

fn sentence(status: StatusCode, locale: Locale, sentence: Sentence) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(Wanted(locale, sentence));
    response
}

/// Middleware: makes the pages with one sentence, which name the Terms and the Policy that the Service told last.
pub(crate) async fn with_sentence(
    State(edge): State<Edge>,
    request: Request,
    next: axum::middleware::Next,
) -> Response {
    let response = next.run(request).await;
    let Some(&Wanted(locale, sentence)) = response.extensions().get::<Wanted>() else {
        return response;
    };
    let newest = async {
        let mut connection = edge.processor.store.read().await?;
        session::newest_documents(&mut connection).await
    };
    let documents = newest.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the version of the documents cannot be read");
        None
    });
    let markup = page::message(locale, sentence, documents.as_ref(), &edge.merchant_name);
    let mut made = document(response.status(), markup, "'none'");
    if let Some(refresh) = response.headers().get("refresh") {
        made.headers_mut().insert("refresh", refresh.clone());
    }
    made
}

/// Scheme and authority of a URL.
fn origin(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |index| index + 3);
    let end = url[after_scheme..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |index| after_scheme + index);
    &url[..end]
}

/// The authority of a URL.
fn host(url: &str) -> &str {
    let origin = origin(url);
    origin.find("://").map_or(origin, |index| &origin[index + 3..])
}
