//! Pages without a card form: waiting, the bank's challenge, and how it ended.

use super::text::{Ending, Texts};
use super::{Frame, View};
use ensoex_pay_api::Mode;
use maud::{Markup, PreEscaped, html};

const DONE: &str = r#"<svg class="sign good" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true" focusable="false"><circle cx="24" cy="24" r="22" fill="none" stroke="currentColor" stroke-width="3"/><path d="m14 25 7 7 14-16" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;
const NOT_DONE: &str = r#"<svg class="sign" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true" focusable="false"><circle cx="24" cy="24" r="22" fill="none" stroke="currentColor" stroke-width="3"/><path d="M24 13v14" stroke="currentColor" stroke-width="3" stroke-linecap="round"/><circle cx="24" cy="34" r="2.2" fill="currentColor"/></svg>"#;

/// The network has been asked.
pub(super) fn waiting(frame: &Frame<'_>, texts: &Texts, unknown: bool) -> Markup {
    let (heading, sentence) = match (unknown, frame.session.mode) {
        (false, _) => (texts.waiting, texts.waiting_text),
        (true, Mode::Payment) => (texts.unknown, texts.unknown_text),
        (true, Mode::Payout) => (texts.unknown, texts.unknown_payout_text),
    };
    html! {
        div.ending role="status" {
            span.spinner aria-hidden="true" {}
            h1 { (heading) }
            p { (sentence) }
            @if unknown { (back(frame, texts, &frame.session.cancel_url, false)) }
        }
    }
}

/// The person is to confirm at their bank.
pub(super) fn challenge(frame: &Frame<'_>, texts: &Texts, url: &str) -> Markup {
    let session = frame.session;
    html! {
        div.ending {
            h1 { (texts.challenge) }
            p { (texts.challenge_text) }
            a.primary href=(url) { (texts.challenge_go) }
            form method="post" action={ "/pay/" (session.id) "/leave?lang=" (frame.locale.tag()) } {
                input type="hidden" name="token" value=(session.form_token);
                button.secondary { (texts.use_another_card) }
            }
        }
    }
}

/// It has ended.
pub(super) fn ended(frame: &Frame<'_>, texts: &Texts, view: &View) -> Markup {
    let session = frame.session;
    let (sign, ending, url): (&str, &Ending, &str) = match view {
        View::Paid => (DONE, &texts.paid, &session.success_url),
        View::Sent => (DONE, &texts.sent, &session.success_url),
        View::PaymentFailed => (NOT_DONE, &texts.payment_failed, &session.cancel_url),
        View::PayoutFailed => (NOT_DONE, &texts.payout_failed, &session.cancel_url),
        View::Canceled => (NOT_DONE, &texts.canceled, &session.cancel_url),
        View::Expired | View::Form { .. } | View::Challenge { .. } | View::Waiting { .. } => {
            (NOT_DONE, &texts.expired, &session.cancel_url)
        }
    };
    html! {
        div.ending role="status" {
            (PreEscaped(sign))
            h1 { (ending.heading) }
            p { (ending.sentence) }
            (back(frame, texts, url, true))
        }
    }
}

fn back(frame: &Frame<'_>, texts: &Texts, url: &str, primary: bool) -> Markup {
    let class = if primary { "primary" } else { "secondary" };
    html! { a class=(class) href=(url) { (texts.back_to) " " (frame.merchant) } }
}
