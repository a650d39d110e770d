//! What stands around every page: our mark, our address, the amount and the payee, the language.

use super::text::Texts;
use super::{Frame, amount};
use ensoex_pay_api::{CheckoutSessionStatus, Documents, Locale, Mode};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Our mark: a card.
const MARK: &str = r#"<svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8" fill="currentColor"/><rect x="7" y="9.5" width="18" height="13" rx="2.5" fill="none" stroke="var(--on-accent)" stroke-width="2.5"/><path d="M7 14.25h18" stroke="var(--on-accent)" stroke-width="2.5"/></svg>"#;

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='8' fill='%234f46c8'/%3E%3Crect x='7' y='9.5' width='18' height='13' rx='2.5' fill='none' stroke='white' stroke-width='2.5'/%3E%3Cpath d='M7 14.25h18' stroke='white' stroke-width='2.5'/%3E%3C/svg%3E";

const LOCK: &str = r#"<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false"><path d="M4 7V5a4 4 0 0 1 8 0v2" fill="none" stroke="currentColor" stroke-width="1.5"/><rect x="2.5" y="7" width="11" height="7.5" rx="1.5" fill="currentColor"/></svg>"#;

fn page(locale: Locale, title: &str, refresh_seconds: Option<u32>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if let Some(seconds) = refresh_seconds {
                    meta http-equiv="refresh" content=(seconds);
                }
                title { (title) }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href="/assets/pay.css";
                script src="/assets/card.js" defer {}
            }
            body { (body) }
        }
    }
}

fn brand() -> Markup {
    html! { span.brand { (PreEscaped(MARK)) span { "Enso" b { "ExPAY" } } } }
}

/// A page of a session: on the left what it is about, on the right the one thing to do.
pub(super) fn session(
    frame: &Frame<'_>,
    texts: &Texts,
    refresh_seconds: Option<u32>,
    content: &Markup,
) -> Markup {
    let session = frame.session;
    let amount = amount::format(session.amount, session.currency, frame.locale);
    let (heading, title) = match session.mode {
        Mode::Payment => (texts.pay_to, texts.payment_title),
        Mode::Payout => (texts.payout_from, texts.payout_title),
    };
    let other = match frame.locale {
        Locale::En => Locale::Uk,
        Locale::Uk => Locale::En,
    };
    let open = session.status == CheckoutSessionStatus::Open;
    let body = html! {
        @if frame.test_mode {
            p.test role="note" { strong { (texts.test_mode) } " " (texts.test_mode_text) }
        }
        div.page {
            header.about {
                div.top {
                    (brand())
                    a.language href={ "/pay/" (session.id) "?lang=" (other.tag()) } lang=(other.tag())
                        hreflang=(other.tag()) { (texts.other_language) }
                }
                div.order {
                    p.heading { (heading) " " strong { (frame.merchant) } }
                    p.amount { (amount) }
                    p.reference { (texts.reference) " " span { (session.client_reference) } }
                }
                @if open && refresh_seconds.is_none() {
                    form.back method="post" action={ "/pay/" (session.id) "/cancel?lang=" (frame.locale.tag()) } {
                        input type="hidden" name="token" value=(session.form_token);
                        button.link { span aria-hidden="true" { "← " } (texts.back_to) " " (frame.merchant) }
                    }
                }
            }
            main #content { (content) }
            footer.place {
                p.origin { @if frame.secure { (PreEscaped(LOCK)) " " } span { (frame.host) } }
                p.promise { (texts.promise) }
                @if !session.documents.version.is_empty() {
                    (named(texts, &session.documents, frame.merchant))
                }
            }
        }
    };
    page(
        frame.locale,
        &format!("{title} · {amount} · EnsoExPAY"),
        refresh_seconds,
        &body,
    )
}

/// Which Terms and Policy of the merchant are meant, and the way to them.
fn named(texts: &Texts, documents: &Documents, merchant: &str) -> Markup {
    html! {
        p.documents {
            (texts.documents) " " (merchant) ": "
            a href=(documents.url) target="_blank" rel="noopener noreferrer" title=(documents.version) {
                (documents.short_version())
            }
        }
    }
}

/// A page with one sentence.
pub(super) fn plain(texts: &Texts, sentence: &str, documents: Option<&Documents>, merchant: &str) -> Markup {
    let body = html! {
        div.plain {
            (brand())
            main { h1 { (sentence) } }
            @if let Some(documents) = documents {
                footer.place { (named(texts, documents, merchant)) }
            }
        }
    };
    page(texts.locale, "EnsoExPAY", None, &body)
}
