//! Pages: the challenge that the cardholder's bank shows, and the list of test cards.

use crate::http::document;
use crate::test_card::TEST_CARDS;
use crate::three_d_secure::Challenge;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const SHIELD: &str = r#"<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true"><path d="M16 3 27 7v8c0 7-4.6 11.7-11 14C9.6 26.7 5 22 5 15V7z" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linejoin="round"/><path d="m10.5 16 4 4 7-8" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

fn layout(language: &str, title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/assets/style.css";
            }
            body { main { (content) } }
        }
    }
}

struct Texts {
    language: &'static str,
    bank: &'static str,
    question: &'static str,
    merchant: &'static str,
    amount: &'static str,
    card: &'static str,
    demo: &'static str,
    demo_text: &'static str,
    code: &'static str,
    wrong: &'static str,
    confirm: &'static str,
    refuse: &'static str,
    note: &'static str,
}

const ENGLISH: Texts = Texts {
    language: "en",
    bank: "Demo Bank",
    question: "Is this you?",
    merchant: "To",
    amount: "Amount",
    card: "Card",
    demo: "Demo.",
    demo_text: "A real bank would send this code to your phone:",
    code: "One-time code",
    wrong: "That code is not right. After the third wrong code this confirmation ends.",
    confirm: "Confirm",
    refuse: "This is not me",
    note: "Nothing is charged until you confirm.",
};

const UKRAINIAN: Texts = Texts {
    language: "uk",
    bank: "Демобанк",
    question: "Це ви?",
    merchant: "Кому",
    amount: "Сума",
    card: "Картка",
    demo: "Демо.",
    demo_text: "Справжній банк надіслав би цей код на ваш телефон:",
    code: "Одноразовий код",
    wrong: "Код неправильний. Після третього неправильного коду підтвердження завершиться.",
    confirm: "Підтвердити",
    refuse: "Це не я",
    note: "Гроші не спишуться, доки ви не підтвердите.",
};

/// The bank asks the cardholder.
pub(crate) fn challenge(challenge: &Challenge, wrong_code: bool) -> Markup {
    let texts = if challenge.ukrainian { &UKRAINIAN } else { &ENGLISH };
    let amount = challenge.currency.format(challenge.amount, challenge.ukrainian);
    let content = html! {
        header.bank { (PreEscaped(SHIELD)) span { (texts.bank) } }
        h1 { (texts.question) }
        dl {
            div { dt { (texts.amount) } dd.amount { (amount) } }
            div { dt { (texts.merchant) } dd { (challenge.merchant) } }
            div { dt { (texts.card) } dd { "•••• " (challenge.last_four) } }
        }
        p.demo { strong { (texts.demo) } " " (texts.demo_text) " " span.code { (challenge.code) } }
        form method="post" {
            label for="code" { (texts.code) }
            input #code name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" required
                autofocus pattern="[0-9]{6}" aria-describedby=[wrong_code.then_some("wrong")]
                aria-invalid=[wrong_code.then_some("true")];
            @if wrong_code { p.error #wrong { (texts.wrong) } }
            button.primary name="answer" value="confirm" { (texts.confirm) }
        }
        form method="post" { button.quiet name="answer" value="refuse" { (texts.refuse) } }
        p.note { (texts.note) }
    };
    layout(texts.language, texts.question, content)
}

/// What this process is, and its test cards.
pub(crate) fn home() -> Markup {
    let content = html! {
        header.bank { (PreEscaped(SHIELD)) span { "Card network simulator" } }
        h1 { "Test cards" }
        p { "No real money moves here. Any expiry date in the future and any three-digit code will do." }
        table {
            thead { tr { th scope="col" { "Number" } th scope="col" { "What happens" } } }
            tbody {
                @for card in &TEST_CARDS {
                    tr { td.number { (card.number) } td { (card.purpose) } }
                }
            }
        }
        p.note { a href="/ledger.json" { "The issuers’ ledger" } ", with card numbers masked." }
    };
    layout("en", "Card network simulator", content)
}

/// A page with one sentence.
pub(crate) fn message(status: StatusCode, text: &str) -> Response {
    let content = html! {
        header.bank { (PreEscaped(SHIELD)) span { "Card network simulator" } }
        h1 { (text) }
    };
    document(status, layout("en", text, content), "'none'")
}
