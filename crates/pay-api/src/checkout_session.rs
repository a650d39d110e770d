//! Checkout sessions: one visit of one person to EnsoExPAY's page, to pay in or to be paid out.

use crate::{AMOUNT_MINOR_MAX, ClientReference, Currency, CustomerReference, PaymentId, PayoutId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::CheckoutSessionId;

/// Longest `success_url`, `cancel_url` or `documents.url`, in bytes.
pub const RETURN_URL_BYTES_MAX: usize = 2048;

/// Which way the money goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// From the person's card to the Service.
    Payment,
    /// From the Service to the person's card.
    Payout,
}

impl Mode {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Payment => "payment",
            Mode::Payout => "payout",
        }
    }
}

/// To which cards a payout may go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutCards {
    /// Any card that the person gives.
    #[default]
    Any,
    /// One from which this customer paid at least as much in this currency as was not paid out to it yet.
    Paying,
}

impl PayoutCards {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            PayoutCards::Any => "any",
            PayoutCards::Paying => "paying",
        }
    }
}

/// The language that the page opens in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Ukrainian.
    Uk,
}

impl Locale {
    /// The BCP 47 language tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Locale::En => "en",
            Locale::Uk => "uk",
        }
    }

    /// The language of a tag.
    pub fn from_tag(tag: &str) -> Option<Locale> {
        [Locale::En, Locale::Uk]
            .into_iter()
            .find(|locale| locale.tag() == tag)
    }
}

/// Body of `POST /v1/checkout_sessions`. Call [`CreateCheckoutSession::validate`] on what was received.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCheckoutSession {
    /// The Service's deposit or withdrawal; unique for ever per mode.
    pub client_reference: ClientReference,
    /// Which way the money goes.
    pub mode: Mode,
    /// Whole minor units, 1 to [`AMOUNT_MINOR_MAX`].
    pub amount: i64,
    /// Currency of the amount.
    pub currency: Currency,
    /// Opaque random reference of the person, for instruments that they ask to be remembered.
    pub customer: CustomerReference,
    /// To which cards a payout may go; without meaning for a payment. Any when absent.
    #[serde(default)]
    pub payout_cards: PayoutCards,
    /// Where the browser goes when the page is done. Carries no proof of anything: ask the API.
    pub success_url: String,
    /// Where the browser goes when the person turns back.
    pub cancel_url: String,
    /// Language of the page; English when absent.
    #[serde(default)]
    pub locale: Locale,
    /// The Service's Terms and Policy, as the footer of every page of the session names them.
    pub documents: Documents,
}

/// The Terms and the Policy under which the person asked for this, so that they see on this side too which those were.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The hash of their version: `sha256:` and 64 lowercase hexadecimal digits.
    pub version: String,
    /// Where that version can be read, on the Service's origin.
    pub url: String,
}

impl Documents {
    /// The first 12 digits of the version, as people see it.
    pub fn short_version(&self) -> &str {
        let digits = self.version.strip_prefix(VERSION_PREFIX).unwrap_or_default();
        digits.get(..12).unwrap_or_default()
    }

    fn is_version(&self) -> bool {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let digits = self.version.strip_prefix(VERSION_PREFIX);
        digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hexadecimal))
    }
}

const VERSION_PREFIX: &str = "sha256:";

/// Why a well-formed [`CreateCheckoutSession`] is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidCheckoutSession {
    /// The amount is zero, negative or above the limit.
    #[error("amount must be 1 to {AMOUNT_MINOR_MAX} minor units")]
    Amount,
    /// A return URL is no absolute http or https URL, too long, or holds blanks or control characters.
    #[error(
        "success_url and cancel_url must be absolute http or https URLs of at most {RETURN_URL_BYTES_MAX} bytes"
    )]
    ReturnUrl,
    /// The version is no hash, or its address no absolute http or https URL, or too long.
    #[error(
        "documents.version must be sha256: and 64 lowercase hexadecimal digits, and documents.url an absolute http or https URL of at most {RETURN_URL_BYTES_MAX} bytes"
    )]
    Documents,
}

impl CreateCheckoutSession {
    /// Checks what the types alone cannot.
    pub fn validate(&self) -> Result<(), InvalidCheckoutSession> {
        if self.amount < 1 || self.amount > AMOUNT_MINOR_MAX {
            return Err(InvalidCheckoutSession::Amount);
        }
        if !is_return_url(&self.success_url) || !is_return_url(&self.cancel_url) {
            return Err(InvalidCheckoutSession::ReturnUrl);
        }
        if !self.documents.is_version() || !is_return_url(&self.documents.url) {
            return Err(InvalidCheckoutSession::Documents);
        }
        Ok(())
    }
}

fn is_return_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`');
    url.len() <= RETURN_URL_BYTES_MAX && is_authority(authority) && url.bytes().all(plain)
}

/// A host and perhaps a port: no user, and nothing that a header could take for a separator.
fn is_authority(text: &str) -> bool {
    let permitted =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !text.is_empty() && text.bytes().all(permitted)
}

/// Where a checkout session stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutSessionStatus {
    /// The page takes input.
    Open,
    /// The page is done; the payment or payout tells the outcome, which may still be in progress.
    Complete,
    /// Nobody finished it in time.
    Expired,
    /// The person turned back, or no further attempt is permitted.
    Canceled,
}

/// A checkout session, as `POST /v1/checkout_sessions` and `GET /v1/checkout_sessions/{id}` answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckoutSession {
    /// `cs_…`.
    pub id: CheckoutSessionId,
    /// Page to send the browser to, on EnsoExPAY's origin.
    pub url: String,
    /// Where the session stands.
    pub status: CheckoutSessionStatus,
    /// Which way the money goes.
    pub mode: Mode,
    /// The payment, when `mode` is payment; exists from the start.
    pub payment: Option<PaymentId>,
    /// The payout, when `mode` is payout; exists from the start.
    pub payout: Option<PayoutId>,
    /// As given at creation.
    pub client_reference: ClientReference,
    /// Whole minor units.
    pub amount: i64,
    /// Currency of the amount.
    pub currency: Currency,
    /// Unix seconds after which the page takes no more input.
    pub expires_at: i64,
    /// Unix seconds of creation.
    pub created: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> CreateCheckoutSession {
        CreateCheckoutSession {
            client_reference: "deposit-1".parse().unwrap(),
            mode: Mode::Payment,
            amount: 2500,
            currency: Currency::Eur,
            customer: "customer-1".parse().unwrap(),
            payout_cards: PayoutCards::Paying,
            success_url: "http://127.0.0.1:8080/deposits/1".into(),
            cancel_url: "http://127.0.0.1:8080/deposits/1?canceled".into(),
            locale: Locale::Uk,
            documents: Documents {
                version: format!("sha256:{}", "0a".repeat(32)),
                url: "http://127.0.0.1:8080/documents".into(),
            },
        }
    }

    #[test]
    fn round_trips_and_refuses_unknown_fields() {
        let json = serde_json::to_string(&request()).unwrap();
        assert_eq!(
            serde_json::from_str::<CreateCheckoutSession>(&json).unwrap(),
            request()
        );
        let extra = json.replacen('{', r#"{"card":"x","#, 1);
        assert!(serde_json::from_str::<CreateCheckoutSession>(&extra).is_err());
        let fraction = json.replace("2500", "25.5");
        assert!(serde_json::from_str::<CreateCheckoutSession>(&fraction).is_err());
    }

    #[test]
    fn refuses_amounts_out_of_range() {
        for amount in [0, -1, i64::MIN, AMOUNT_MINOR_MAX + 1, i64::MAX] {
            let invalid = CreateCheckoutSession { amount, ..request() };
            assert_eq!(
                invalid.validate(),
                Err(InvalidCheckoutSession::Amount),
                "{amount}"
            );
        }
        for amount in [1, AMOUNT_MINOR_MAX] {
            assert_eq!(CreateCheckoutSession { amount, ..request() }.validate(), Ok(()));
        }
    }

    #[test]
    fn refuses_documents_that_are_none() {
        let good = request();
        assert_eq!(good.validate(), Ok(()));
        assert_eq!(good.documents.short_version(), "0a0a0a0a0a0a");
        let digits = "0a".repeat(32);
        for (version, url) in [
            (String::new(), good.documents.url.as_str()),
            (digits.clone(), &good.documents.url),
            (format!("sha256:{}", &digits[1..]), &good.documents.url),
            (format!("sha256:{digits}0"), &good.documents.url),
            (format!("sha256:{}", digits.to_uppercase()), &good.documents.url),
            (format!("sha256:{}<b>", &digits[3..]), &good.documents.url),
            (format!("sha256:{digits}"), "javascript:alert(1)"),
            (format!("sha256:{digits}"), "/documents"),
        ] {
            let documents = Documents {
                version: version.clone(),
                url: url.to_owned(),
            };
            let invalid = CreateCheckoutSession {
                documents,
                ..request()
            };
            let refused = invalid.validate();
            assert_eq!(refused, Err(InvalidCheckoutSession::Documents), "{version} {url}");
        }
    }

    #[test]
    fn refuses_return_urls_that_lead_astray() {
        let bad = [
            "",
            "/relative",
            "javascript:alert(1)",
            "http://",
            "https:///path",
            "http://user@host/",
            "http://host;script-src/",
            "http://host,other/",
            "http://host'/",
            "http://host/\r\nX: y",
            "http://host/\"",
            "http://host/a b",
        ];
        for url in bad {
            let invalid = CreateCheckoutSession {
                success_url: url.into(),
                ..request()
            };
            assert_eq!(
                invalid.validate(),
                Err(InvalidCheckoutSession::ReturnUrl),
                "{url}"
            );
        }
    }
}
