//! The card form: a number, an expiry, a code; or a remembered card. Nothing that was typed is ever shown again.

use super::text::Texts;
use super::{CardField, FieldError, Frame, SavedCard, amount};
use crate::processor::ATTEMPTS_PER_SESSION_MAX;
use crate::store::session::Session;
use ensoex_pay_api::{DeclineCode, Mode, PayoutCards};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Attempts left from which on the form says how many there are.
const ATTEMPTS_LEFT_SHOWN_MAX: i64 = 2;

/// The form, with what was wrong before.
pub(super) fn card_form(
    frame: &Frame<'_>,
    texts: &Texts,
    errors: &BTreeMap<CardField, FieldError>,
    decline: Option<DeclineCode>,
    saved: &[SavedCard],
) -> Markup {
    let session = frame.session;
    let payment = session.mode == Mode::Payment;
    let amount = amount::format(session.amount, session.currency, frame.locale);
    let new_card_wrong = errors.contains_key(&CardField::Number) || errors.contains_key(&CardField::Expiry);
    html! {
        h1 { @if payment { (texts.pay_by_card) } @else { (texts.send_to_card) } }
        (notice(frame, texts, errors, decline))
        @if session.payout_cards == PayoutCards::Paying && (session.attempts == 0 || !errors.is_empty()) {
            p.fine #paying-cards { (texts.paying_cards) }
        }
        form #card-form method="post" action={ "/pay/" (session.id) "?lang=" (frame.locale.tag()) } novalidate
            data-number-error=(texts.number_error) data-expiry-error=(texts.expiry_error)
            data-expiry-past-error=(texts.expiry_past_error) data-cvc-error=(texts.cvc_error)
            data-busy=(texts.busy) {
            input type="hidden" name="token" value=(session.form_token);
            @if !saved.is_empty() { (saved_cards(frame, texts, saved, new_card_wrong)) }
            div.new-card {
                (number_field(texts, errors))
                @if payment {
                    div.pair { (expiry_field(texts, errors)) (code_field(texts, errors)) }
                } @else {
                    (expiry_field(texts, errors))
                }
                label.check {
                    input type="checkbox" name="remember" value="yes";
                    span { (texts.remember) small { (texts.remember_why) } }
                }
            }
            @if payment && !saved.is_empty() { p.saved-code { (texts.saved_code) } }
            button.primary type="submit" {
                @if payment { (texts.pay) " " (amount) } @else { (texts.send) " " (amount) }
            }
        }
        p.fine { @if payment { (texts.kept) } @else { (texts.kept_payout) } }
    }
}

/// A payout's form is used up and open again only if the card was none of those that will do.
fn is_another_card(session: &Session) -> bool {
    session.mode == Mode::Payout && session.payout_cards == PayoutCards::Paying && session.attempts > 0
}

fn notice(
    frame: &Frame<'_>,
    texts: &Texts,
    errors: &BTreeMap<CardField, FieldError>,
    decline: Option<DeclineCode>,
) -> Markup {
    let left = ATTEMPTS_PER_SESSION_MAX - frame.session.attempts;
    html! {
        @if !errors.is_empty() {
            div.notice role="alert" { p { (texts.check_fields) } }
        } @else if is_another_card(frame.session) {
            div.notice role="alert" {
                p { strong { (texts.not_a_paying_card) } }
                p { (texts.paying_cards) }
                @if left <= ATTEMPTS_LEFT_SHOWN_MAX { p { (texts.attempts_left) " " (left) "." } }
            }
        } @else if let Some(code) = decline {
            div.notice role="alert" {
                p { strong { (texts.decline_heading(code)) } }
                p { (texts.decline_advice(code)) }
                @if left <= ATTEMPTS_LEFT_SHOWN_MAX { p { (texts.attempts_left) " " (left) "." } }
            }
        }
    }
}

fn saved_cards(frame: &Frame<'_>, texts: &Texts, saved: &[SavedCard], new_card_wrong: bool) -> Markup {
    let session = frame.session;
    html! {
        fieldset.saved {
            legend { (texts.your_cards) }
            @for (index, card) in saved.iter().enumerate() {
                div.choice {
                    label {
                        input type="radio" name="card" value=(card.id) checked[index == 0 && !new_card_wrong];
                        span.card { (card.brand) " •••• " (card.last_four) }
                        span.until { (card.expiry) }
                    }
                    button.link name="forget" value=(card.id) formnovalidate
                        formaction={ "/pay/" (session.id) "/forget?lang=" (frame.locale.tag()) }
                        aria-label={ (texts.forget) " •••• " (card.last_four) } { (texts.forget) }
                }
            }
            div.choice {
                label { input #new-card type="radio" name="card" value="new" checked[new_card_wrong]; span.card { (texts.another_card) } }
            }
        }
    }
}

fn number_field(texts: &Texts, errors: &BTreeMap<CardField, FieldError>) -> Markup {
    let error = errors.get(&CardField::Number);
    html! {
        div.field {
            label for="number" { (texts.card_number) }
            div.number-box {
                input #number name="number" inputmode="numeric" autocomplete="cc-number" maxlength="23"
                    placeholder="1234 1234 1234 1234" aria-invalid=[error.map(|_| "true")]
                    autofocus[error.is_some()] aria-describedby="number-error";
                span.brands aria-hidden="true" {
                    span.visa { "VISA" }
                    span.mastercard { "Mastercard" }
                }
            }
            (field_error("number-error", texts, error))
        }
    }
}

fn expiry_field(texts: &Texts, errors: &BTreeMap<CardField, FieldError>) -> Markup {
    let error = errors.get(&CardField::Expiry);
    let first = !errors.contains_key(&CardField::Number);
    html! {
        div.field {
            label for="expiry" { (texts.expiry) }
            input #expiry name="expiry" inputmode="numeric" autocomplete="cc-exp" maxlength="9"
                placeholder=(texts.expiry_placeholder) aria-invalid=[error.map(|_| "true")]
                autofocus[error.is_some() && first] aria-describedby="expiry-error";
            (field_error("expiry-error", texts, error))
        }
    }
}

fn code_field(texts: &Texts, errors: &BTreeMap<CardField, FieldError>) -> Markup {
    let error = errors.get(&CardField::VerificationCode);
    html! {
        div.field.code {
            label for="cvc" { (texts.cvc) }
            input #cvc name="cvc" inputmode="numeric" autocomplete="cc-csc" maxlength="4"
                placeholder="123" aria-invalid=[error.map(|_| "true")]
                autofocus[error.is_some() && errors.len() == 1] aria-describedby="cvc-error cvc-hint";
            (field_error("cvc-error", texts, error))
            p.hint #cvc-hint { (texts.cvc_hint) }
        }
    }
}

fn field_error(id: &str, texts: &Texts, error: Option<&FieldError>) -> Markup {
    html! { p.error id=(id) { @if let Some(error) = error { (texts.field_error(*error)) } } }
}
