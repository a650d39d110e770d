//! The export as a page to read, print and keep: one file that needs no network, in English or Ukrainian.
//!
//! It is made from the JSON export and says the same. It knows no vault and asks for nothing.

use crate::clock::text_ms;
use crate::messages::Locale;
use ensoex_egress::{Item, Recipient};
use serde_json::Value;
use std::fmt::Write;

/// The words of the page.
struct Words {
    title: &'static str,
    lead: &'static str,
    account: &'static str,
    registered: &'static str,
    subject: &'static str,
    exported: &'static str,
    held: &'static str,
    not_shown: &'static str,
    why: &'static str,
    asked: &'static str,
    purposes: &'static str,
    recipients: &'static str,
    nobody: &'static str,
    retention: &'static str,
    stored: &'static str,
    disclosures: &'static str,
    recipient: &'static str,
    given: &'static str,
    at: &'static str,
    language: fn(&ensoex_egress::Words) -> &'static str,
    item: fn(Item) -> &'static str,
    sessions: &'static str,
    begun: &'static str,
    seen: &'static str,
    device: &'static str,
    acceptance: &'static str,
    consents: &'static str,
    consent: fn(&str) -> &'static str,
    purpose: fn(&str) -> &'static str,
}

const ENGLISH: Words = Words {
    title: "Everything EnsoEx holds about you",
    lead: "This page says the same as the JSON export. Your orders, trades and transfers are in the statements of your account.",
    account: "Account",
    registered: "Registered",
    subject: "Your pseudonym",
    exported: "Made",
    held: "Personal data",
    not_shown: "held, not shown",
    why: "Why",
    asked: "Asked",
    purposes: "Used for",
    recipients: "Who receives it",
    nobody: "nobody",
    retention: "Kept",
    stored: "Stored",
    disclosures: "Given to others so that they could act for us",
    recipient: "To",
    given: "What",
    at: "When",
    language: |text| text.en,
    item: |item| match item {
        Item::Email => "your e-mail address",
        Item::MobilePhone => "your phone number",
        Item::Message => "the message",
        Item::Amount => "the amount",
        Item::Currency => "the currency",
        Item::Reference => "random references",
        Item::Sealed => "encrypted records",
        Item::Ordered => "what the order names",
    },
    sessions: "Open sessions",
    begun: "Begun",
    seen: "Last used",
    device: "Browser and system",
    acceptance: "Version of Terms and Policy that you acknowledged",
    consents: "What you agreed to and withdrew",
    consent: |word| match word {
        "newsletter" => "the newsletter",
        "statistics" => "being counted in statistics",
        "consent_given" => "agreed",
        _ => "withdrawn",
    },
    purpose: |purpose| match purpose {
        "provide_service" => "providing the service",
        "improve_service" => "improving the service",
        _ => "preventing fraud",
    },
};

const UKRAINIAN: Words = Words {
    title: "Усе, що EnsoEx зберігає про вас",
    lead: "Ця сторінка каже те саме, що й файл JSON. Ваші заявки, угоди й перекази є у виписках вашого рахунку.",
    account: "Обліковий запис",
    registered: "Реєстрація",
    subject: "Ваш псевдонім",
    exported: "Створено",
    held: "Персональна інформація",
    not_shown: "зберігається, не показується",
    why: "Навіщо",
    asked: "Коли запитуємо",
    purposes: "Для чого вживається",
    recipients: "Хто отримує",
    nobody: "ніхто",
    retention: "Скільки зберігаємо",
    stored: "Збережено",
    disclosures: "Надано іншим, щоб вони діяли від нашого імені",
    recipient: "Кому",
    given: "Що",
    at: "Коли",
    language: |text| text.uk,
    item: |item| match item {
        Item::Email => "вашу адресу електронної пошти",
        Item::MobilePhone => "ваш номер телефону",
        Item::Message => "повідомлення",
        Item::Amount => "суму",
        Item::Currency => "валюту",
        Item::Reference => "випадкові посилання",
        Item::Sealed => "зашифровані записи",
        Item::Ordered => "те, що названо в наказі",
    },
    sessions: "Відкриті сеанси",
    begun: "Розпочато",
    seen: "Останнє використання",
    device: "Браузер і система",
    acceptance: "Версія Умов і Політики, яку ви прийняли",
    consents: "На що ви погодилися і що відкликали",
    consent: |word| match word {
        "newsletter" => "розсилка",
        "statistics" => "врахування у статистиці",
        "consent_given" => "погоджено",
        _ => "відкликано",
    },
    purpose: |purpose| match purpose {
        "provide_service" => "надання послуг",
        "improve_service" => "поліпшення Сервісу",
        _ => "запобігання шахрайству",
    },
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}h3{margin:0 0 .3rem}\
    section.field{border-top:1px solid #ccc;padding:1rem 0;break-inside:avoid}dl{display:grid;\
    grid-template-columns:minmax(8rem,12rem) 1fr;gap:.2rem 1rem;margin:0}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\
    .value{font-size:1.15rem;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){@media screen{body{color:#eee;\
    background:#161616}dt{color:#aaa}section.field{border-color:#444}}}";

/// The page of an export.
pub(crate) fn page(export: &Value, locale: Locale) -> String {
    let words = match locale {
        Locale::En => &ENGLISH,
        Locale::Uk => &UKRAINIAN,
    };
    let language = locale.tag();
    let personal = &export["personal"];
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style>\
         </head>\n<body>\n<h1>{title}</h1>\n<p>{lead}</p>\n",
        title = words.title,
        lead = words.lead,
    );
    let made = personal["exported_at_ms"]
        .as_u64()
        .map(text_ms)
        .unwrap_or_default();
    let receipts = export["receipts"].as_array();
    let newest = receipts
        .and_then(|receipts| receipts.last())
        .unwrap_or(&Value::Null);
    let version = &newest["receipt"]["privacy_notice"]["hash"];
    list(
        &mut html,
        &[
            (words.account, plain(&export["account"])),
            (words.registered, plain(&export["registered_at"])),
            (words.subject, plain(&personal["subject"])),
            (words.acceptance, plain(version)),
            (words.exported, made),
        ],
    );
    let _ = writeln!(html, "<h2>{}</h2>", words.held);
    for field in array(&personal["fields"]) {
        one_field(&mut html, field, words, language);
    }
    let _ = writeln!(html, "<h2>{}</h2>", words.disclosures);
    for disclosure in array(&export["disclosures"]) {
        let recipient = disclosure["recipient"].as_str().and_then(Recipient::from_word);
        let name = recipient.map(|recipient| (words.language)(&recipient.entry().name));
        let items = array(&disclosure["items"]).filter_map(|word| {
            let item = Item::ALL.into_iter().find(|item| word == item.as_str())?;
            Some((words.item)(item))
        });
        let rows = [
            (words.recipient, name.unwrap_or_default().to_owned()),
            (words.given, items.collect::<Vec<_>>().join(", ")),
            (words.at, plain(&disclosure["at"])),
        ];
        html.push_str("<section class=\"field\">");
        list(&mut html, &rows);
        html.push_str("</section>\n");
    }
    let _ = writeln!(html, "<h2>{}</h2>", words.consents);
    for signed in array(&export["consents"]) {
        let receipt = &signed["receipt"];
        let last = array(&receipt["events"]).last().unwrap_or(&Value::Null);
        let word = |value: &Value| (words.consent)(value.as_str().unwrap_or_default()).to_owned();
        let what = [
            word(&receipt["purposes"][0]["purpose"]),
            word(&last["event_type"]),
        ];
        let rows = [
            (words.given, what.join(": ")),
            (words.at, plain(&last["event_time"])),
        ];
        html.push_str("<section class=\"field\">");
        list(&mut html, &rows);
        html.push_str("</section>\n");
    }
    let _ = writeln!(html, "<h2>{}</h2>", words.sessions);
    for session in array(&export["sessions"]) {
        let rows = [
            (words.begun, plain(&session["created_at"])),
            (words.seen, plain(&session["last_seen_at"])),
            (
                words.device,
                format!("{}, {}", plain(&session["browser"]), plain(&session["system"])),
            ),
        ];
        html.push_str("<section class=\"field\">");
        list(&mut html, &rows);
        html.push_str("</section>\n");
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn one_field(html: &mut String, field: &Value, words: &Words, language: &str) {
    let text = |name: &str| plain(&field[name][language]);
    let value = match field["value"].as_str() {
        Some(value) => escaped(value),
        None => format!("<i>{}</i>", words.not_shown),
    };
    let record = plain(&field["record"]);
    let record = if record.is_empty() {
        record
    } else {
        format!(" ({record})")
    };
    let label = escaped(&format!("{}{record}", text("label")));
    let _ = write!(
        html,
        "<section class=\"field\"><h3>{label}</h3><p class=\"value\">{value}</p>"
    );
    let purposes: Vec<&str> = array(&field["purposes"])
        .filter_map(|purpose| Some((words.purpose)(purpose.as_str()?)))
        .collect();
    let recipients: Vec<String> = array(&field["recipients"])
        .map(|recipient| plain(&recipient[language]))
        .collect();
    let recipients = match recipients.is_empty() {
        true => words.nobody.to_owned(),
        false => recipients.join("; "),
    };
    let rows = [
        (words.why, text("reason")),
        (words.asked, text("asked")),
        (words.purposes, purposes.join(", ")),
        (words.recipients, recipients),
        (words.retention, text("retention")),
        (
            words.stored,
            field["stored_at_ms"].as_u64().map(text_ms).unwrap_or_default(),
        ),
    ];
    list(html, &rows);
    html.push_str("</section>\n");
}

fn list(html: &mut String, rows: &[(&str, String)]) {
    html.push_str("<dl>");
    for (term, value) in rows {
        let _ = write!(html, "<dt>{term}</dt><dd>{}</dd>", escaped(value));
    }
    html.push_str("</dl>\n");
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Nothing that a person typed becomes part of the page's own language.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_person_typed_stays_text() {
        let export = json!({ "personal": { "fields": [
            { "label": { "en": "E-mail" }, "value": "<script>alert('x')</script>&\"@example.org" },
        ] } });
        let page = page(&export, Locale::En);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;@example.org"));
        assert!(!page.contains("http"), "it asks for nothing of a network");
    }
}
