//! The pages' markup: from a view of a session to HTML. Knows no database and no network.

mod amount;
mod form;
mod layout;
mod status;
mod text;

use crate::card::Card;
use crate::store::session::Session;
use ensoex_pay_api::{DeclineCode, Documents, Locale};
use maud::Markup;
use std::collections::BTreeMap;

/// The pages' style.
pub(crate) const STYLESHEET: &str = include_str!("../../assets/pay.css");
/// The card form's comfort: grouping, brand, early checks. The form works without it.
pub(crate) const SCRIPT: &str = include_str!("../../assets/card.js");

/// What every page of a session shows around its content.
pub(crate) struct Frame<'a> {
    pub(crate) session: &'a Session,
    pub(crate) locale: Locale,
    /// Who is paid, or who pays out.
    pub(crate) merchant: &'a str,
    /// Our own host, for the person to compare with the address bar.
    pub(crate) host: &'a str,
    /// Whether we are reached over TLS.
    pub(crate) secure: bool,
    pub(crate) test_mode: bool,
}

/// Where a session stands, for a person.
pub(crate) enum View {
    /// Asks for a card.
    Form {
        errors: BTreeMap<CardField, FieldError>,
        decline: Option<DeclineCode>,
        saved: Vec<SavedCard>,
    },
    /// Asks to go on at the bank.
    Challenge { url: String },
    /// Waits for the network; `unknown` when it has not answered in time.
    Waiting { unknown: bool },
    /// The payment is done.
    Paid,
    /// The payment has failed for good.
    PaymentFailed,
    /// The payout is done.
    Sent,
    /// The payout has failed.
    PayoutFailed,
    /// Turned back.
    Canceled,
    /// Too late.
    Expired,
}

/// A field of the card form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum CardField {
    Number,
    Expiry,
    VerificationCode,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FieldError {
    Number,
    Expiry,
    ExpiryPast,
    VerificationCode,
}

/// A remembered card as its holder recognises it.
pub(crate) struct SavedCard {
    pub(crate) id: String,
    pub(crate) brand: &'static str,
    pub(crate) last_four: String,
    /// MM/YY.
    pub(crate) expiry: String,
}

impl SavedCard {
    /// What its holder may see of a card.
    pub(crate) fn new(id: String, card: &Card) -> Self {
        Self {
            id,
            brand: card.number.brand().name(),
            last_four: card.number.last_four().to_owned(),
            expiry: format!("{:02}/{:02}", card.expiry.month, card.expiry.year % 100),
        }
    }
}

/// The page of a session.
pub(crate) fn checkout(frame: &Frame<'_>, view: &View) -> Markup {
    let texts = text::texts(frame.locale);
    match view {
        View::Form {
            errors,
            decline,
            saved,
        } => layout::session(
            frame,
            texts,
            None,
            &form::card_form(frame, texts, errors, *decline, saved),
        ),
        View::Waiting { unknown } => {
            let seconds = if *unknown { 5 } else { 2 };
            layout::session(
                frame,
                texts,
                Some(seconds),
                &status::waiting(frame, texts, *unknown),
            )
        }
        View::Challenge { url } => layout::session(frame, texts, None, &status::challenge(frame, texts, url)),
        ended => layout::session(frame, texts, None, &status::ended(frame, texts, ended)),
    }
}

/// What is said outside any session.
#[derive(Clone, Copy)]
pub(crate) enum Sentence {
    /// What this place is.
    Home,
    /// Between two origins, seen for an instant.
    OneMoment,
    /// There is no such page.
    NotFound,
    /// The page failed.
    Failed,
}

/// A page with one sentence, and which documents of the merchant were told last.
pub(crate) fn message(
    locale: Locale,
    sentence: Sentence,
    documents: Option<&Documents>,
    merchant: &str,
) -> Markup {
    let texts = text::texts(locale);
    let said = match sentence {
        Sentence::Home => texts.home,
        Sentence::OneMoment => texts.busy,
        Sentence::NotFound => texts.not_found,
        Sentence::Failed => texts.failed,
    };
    layout::plain(texts, said, documents, merchant)
}
