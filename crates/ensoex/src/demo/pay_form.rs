//! Pays on EnsoExPAY's page as a browser without scripts would: reads the form, fills it in, sends it, follows.
//!
//! Knows HTML forms and the names that browsers use to fill in cards; nothing of EnsoExPAY's insides.

use reqwest::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use reqwest::{Response, StatusCode, Url};
use std::collections::BTreeMap;
use thiserror::Error;

/// Pages and redirects that are followed at most.
const STEPS_MAX: usize = 16;
/// Longest page that is read, in bytes.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// What is typed on the page.
#[derive(Clone, Copy)]
pub struct TypedCard<'a> {
    /// Digits only.
    pub number: &'a str,
    /// `12`
    pub month: &'a str,
    /// `2031`
    pub year: &'a str,
    /// Three digits.
    pub code: &'a str,
    /// As on the card.
    pub holder: &'a str,
}

impl<'a> TypedCard<'a> {
    /// A test card that never expires in practice.
    pub fn test(number: &'a str) -> TypedCard<'a> {
        TypedCard {
            number,
            month: "12",
            year: "2039",
            code: "123",
            holder: "DEMO USER",
        }
    }
}

/// Why paying did not come to its end.
#[derive(Debug, Error)]
pub enum PayFormError {
    /// No answer; whether the card was charged shows in the payment's own state.
    #[error("EnsoExPAY does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// An error page.
    #[error("EnsoExPAY answers {status} at {path}: {text}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Where.
        path: String,
        /// What the page says.
        text: String,
    },
    /// The page asks for something that a card does not answer, or says no to the card.
    #[error("the page at {path} cannot be filled in; it says: {text}")]
    NoForm {
        /// Where.
        path: String,
        /// What the page says.
        text: String,
    },
    /// Round and round.
    #[error("EnsoExPAY leads from page to page without an end")]
    TooManySteps,
    /// A redirect or a form leads to something that is no address.
    #[error("EnsoExPAY leads to an address that is none")]
    Address,
}

/// Fills in the card at `checkout` and returns the address outside EnsoExPAY to which the browser is sent back.
/// Pages without a card field (a bank's confirmation) are confirmed by their first form.
///
/// # Errors
/// [`PayFormError`]
pub async fn pay(
    http: &reqwest::Client,
    checkout: &str,
    home: &str,
    card: TypedCard<'_>,
) -> Result<String, PayFormError> {
    let home = Url::parse(home)
        .map_err(|_| PayFormError::Address)?
        .origin()
        .ascii_serialization();
    let mut at = Url::parse(checkout).map_err(|_| PayFormError::Address)?;
    let mut answer = http
        .get(at.clone())
        .send()
        .await
        .map_err(PayFormError::Unreachable)?;
    let mut card_sent = false;
    for _ in 0..STEPS_MAX {
        if answer.status().is_redirection() {
            at = redirect_target(&at, &answer)?;
            if at.origin().ascii_serialization() == home {
                return Ok(at.into());
            }
            answer = http
                .get(at.clone())
                .send()
                .await
                .map_err(PayFormError::Unreachable)?;
            continue;
        }
        let status = answer.status();
        let page = read_page(answer).await?;
        let refused = |text| PayFormError::Refused {
            status,
            path: at.path().to_owned(),
            text,
        };
        if !status.is_success() {
            return Err(refused(page_text(&page)));
        }
        if let Some(target) = link_home(&page, &at, &home) {
            return Ok(target.into());
        }
        let forms = forms(&page);
        let with_card = forms
            .iter()
            .find(|form| form.fields.iter().any(|field| field.asks() == Some(Asks::Number)));
        let form = match with_card {
            Some(form) if !card_sent => form,
            None if card_sent && !forms.is_empty() => &forms[0],
            _ => {
                return Err(PayFormError::NoForm {
                    path: at.path().to_owned(),
                    text: page_text(&page),
                });
            }
        };
        card_sent |= with_card.is_some();
        let target = at.join(&form.action).map_err(|_| PayFormError::Address)?;
        let origin = target.origin().ascii_serialization();
        let body = encode(&form.filled(card));
        let sent = http
            .post(target.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ORIGIN, origin)
            .body(body);
        at = target;
        answer = sent.send().await.map_err(PayFormError::Unreachable)?;
    }
    Err(PayFormError::TooManySteps)
}

fn redirect_target(at: &Url, answer: &Response) -> Result<Url, PayFormError> {
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok());
    at.join(location.ok_or(PayFormError::Address)?)
        .map_err(|_| PayFormError::Address)
}

async fn read_page(answer: Response) -> Result<String, PayFormError> {
    let bytes = answer.bytes().await.map_err(PayFormError::Unreachable)?;
    let end = bytes.len().min(PAGE_BYTES_MAX);
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    action: String,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    kind: String,
    autocomplete: String,
    value: String,
}

/// What a field wants to know of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Number,
    Expiry,
    Month,
    Year,
    Code,
    Holder,
}

impl Field {
    fn asks(&self) -> Option<Asks> {
        match self.autocomplete.as_str() {
            "cc-number" => return Some(Asks::Number),
            "cc-exp" => return Some(Asks::Expiry),
            "cc-exp-month" => return Some(Asks::Month),
            "cc-exp-year" => return Some(Asks::Year),
            "cc-csc" => return Some(Asks::Code),
            "cc-name" => return Some(Asks::Holder),
            _ => {}
        }
        if self.kind == "hidden" {
            return None;
        }
        match self.name.as_str() {
            "number" | "card_number" | "pan" => Some(Asks::Number),
            "expiry" | "exp" | "expiration" => Some(Asks::Expiry),
            "exp_month" | "expiry_month" => Some(Asks::Month),
            "exp_year" | "expiry_year" => Some(Asks::Year),
            "cvc" | "cvv" | "security_code" => Some(Asks::Code),
            "holder" | "cardholder" | "name" => Some(Asks::Holder),
            _ => None,
        }
    }
}

impl Form {
    fn filled(&self, card: TypedCard<'_>) -> Vec<(String, String)> {
        let value = |field: &Field| match field.asks() {
            Some(Asks::Number) => card.number.to_owned(),
            Some(Asks::Expiry) => format!("{}/{}", card.month, card.year.get(2..).unwrap_or_default()),
            Some(Asks::Month) => card.month.to_owned(),
            Some(Asks::Year) => card.year.to_owned(),
            Some(Asks::Code) => card.code.to_owned(),
            Some(Asks::Holder) => card.holder.to_owned(),
            None => field.value.clone(),
        };
        // Of several buttons a person presses one: the first.
        let first_button = self.fields.iter().position(|field| field.kind == "submit");
        let sent = self
            .fields
            .iter()
            .enumerate()
            .filter(|(place, field)| match field.kind.as_str() {
                "submit" => Some(*place) == first_button,
                "checkbox" | "radio" | "reset" | "button" | "file" => false,
                _ => true,
            });
        sent.map(|(_, field)| (field.name.clone(), value(field)))
            .collect()
    }
}

fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for tag in tags(page) {
        let get = |name: &str| tag.attributes.get(name).cloned();
        match tag.name.as_str() {
            "form" => {
                open = Some(Form {
                    action: get("action").unwrap_or_default(),
                    fields: Vec::new(),
                })
            }
            "/form" => forms.extend(open.take()),
            "input" | "button" | "select" => {
                let otherwise = if tag.name == "button" { "submit" } else { "text" };
                let (Some(form), Some(name)) = (open.as_mut(), get("name")) else {
                    continue;
                };
                form.fields.push(Field {
                    name,
                    kind: get("type").unwrap_or_else(|| otherwise.to_owned()).to_lowercase(),
                    autocomplete: get("autocomplete").unwrap_or_default().to_lowercase(),
                    value: get("value").unwrap_or_default(),
                });
            }
            _ => {}
        }
    }
    forms
}

/// A link or refresh that leads back home, for pages that do not redirect by themselves.
fn link_home(page: &str, at: &Url, home: &str) -> Option<Url> {
    let links = tags(page)
        .into_iter()
        .filter(|tag| tag.name == "a" || tag.name == "meta");
    links
        .filter_map(|tag| match tag.name.as_str() {
            "a" => tag
                .attributes
                .get("data-continue")
                .and(tag.attributes.get("href"))
                .cloned(),
            _ if tag
                .attributes
                .get("http-equiv")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) =>
            {
                let content = tag.attributes.get("content")?;
                content.split_once("url=").map(|(_, url)| url.to_owned())
            }
            _ => None,
        })
        .filter_map(|link| at.join(&link).ok())
        .find(|link| link.origin().ascii_serialization() == home)
}

struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// The tags of a page in order. Comments, scripts and styles of EnsoExPAY's pages hold no forms.
fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '/'))
            .unwrap_or(rest.len());
        let name = rest[..name_length].to_lowercase();
        rest = &rest[name_length..];
        let mut attributes = BTreeMap::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            let length = rest
                .find(|c: char| c.is_whitespace() || "=>/".contains(c))
                .unwrap_or(rest.len());
            if length == 0 {
                break;
            }
            let attribute = rest[..length].to_lowercase();
            rest = rest[length..].trim_start();
            let mut value = String::new();
            if let Some(after) = rest.strip_prefix('=') {
                (value, rest) = attribute_value(after.trim_start());
            }
            attributes.entry(attribute).or_insert(value);
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

fn attribute_value(text: &str) -> (String, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (value, rest) = quoted.split_once(quote).unwrap_or((quoted, ""));
            return (unescape(value), rest);
        }
    }
    let length = text
        .find(|c: char| c.is_whitespace() || c == '>')
        .unwrap_or(text.len());
    (unescape(&text[..length]), &text[length..])
}

fn unescape(text: &str) -> String {
    let plain = [
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    plain
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What a page says, in one line.
fn page_text(page: &str) -> String {
    const LENGTH_MAX: usize = 300;
    let body = page.split_once("<body").map_or(page, |(_, body)| body);
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let Some((_, words)) = piece.split_once('>') else {
            continue;
        };
        for word in words.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&unescape(word));
        }
    }
    match text.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn encode(pairs: &[(String, String)]) -> String {
    let escape = |text: &str| {
        let mut escaped = String::new();
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                    escaped.push(char::from(byte));
                }
                b' ' => escaped.push('+'),
                _ => escaped.push_str(&format!("%{byte:02X}")),
            }
        }
        escaped
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::{Asks, TypedCard, encode, forms, page_text, tags};

    const PAGE: &str = r#"<!doctype html><html><head><title>Pay</title></head><body>
        <p>Pay 100.00 EUR &amp; go on</p>
        <form method="get" action='/help'><button>Help</button></form>
        <form method="post" action="/checkout/cs_1/pay?a=1&amp;b=2">
          <input type=hidden name="token" value="a&quot;b&amp;amp;">
          <input name="card" autocomplete="cc-number" inputmode="numeric" required>
          <input name="exp" placeholder="MM / YY" autocomplete="cc-exp"/>
          <input name="cvc" type="password" autocomplete="off">
          <input type="checkbox" name="remember" value="yes">
          <button type="submit" name="action" value="pay">Pay</button>
          <button type="submit" name="action" value="cancel">Cancel</button>
        </form></body></html>"#;

    #[test]
    fn the_card_form_is_found_and_filled() {
        let forms = forms(PAGE);
        assert_eq!(forms.len(), 2);
        let form = &forms[1];
        assert_eq!(form.action, "/checkout/cs_1/pay?a=1&b=2");
        assert_eq!(form.fields[1].asks(), Some(Asks::Number));
        let filled = form.filled(TypedCard::test("4242424242424242"));
        let filled: Vec<(&str, &str)> = filled.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            filled,
            [
                ("token", "a\"b&amp;"),
                ("card", "4242424242424242"),
                ("exp", "12/39"),
                ("cvc", "123"),
                ("action", "pay")
            ]
        );
    }

    #[test]
    fn expiry_in_two_fields() {
        let page = "<form action=/p><input name=exp_month><input name=exp_year><input name=number></form>";
        let filled = forms(page)[0].filled(TypedCard::test("4"));
        let values: Vec<&str> = filled.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["12", "2039", "4"]);
    }

    #[test]
    fn hidden_fields_never_take_a_card() {
        let page = r#"<form action="/p"><input type="hidden" name="number" value="7"></form>"#;
        assert_eq!(forms(page)[0].fields[0].asks(), None);
    }

    #[test]
    fn broken_pages_do_no_harm() {
        for page in [
            "",
            "<",
            "<form",
            "<form action=",
            "<form action=\"",
            "<input name=x>",
            "<a b=c <d>",
            "< >",
        ] {
            assert!(forms(page).is_empty(), "{page}");
            tags(page);
        }
    }

    #[test]
    fn a_page_reads_as_one_line() {
        assert!(page_text(PAGE).starts_with("Pay 100.00 EUR & go on"));
        assert!(
            page_text(&format!("<body>{}", "<p>word</p>".repeat(500)))
                .chars()
                .count()
                <= 301
        );
    }

    #[test]
    fn forms_are_encoded() {
        let pairs = [
            ("a b".to_owned(), "1/2&é".to_owned()),
            ("c".to_owned(), String::new()),
        ];
        assert_eq!(encode(&pairs), "a+b=1%2F2%26%C3%A9&c=");
    }
}
