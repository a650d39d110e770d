//! 3-D Secure, the merchant server's side: asks whether the cardholder must be challenged, and fetches the result
//! from the issuer's server. What the browser says about it counts for nothing.

use super::iso8583::Authentication;
use crate::card::Card;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long an exchange may take.
const EXCHANGE_SECONDS_MAX: u64 = 8;

/// Why 3-D Secure could not be asked. Nothing of value has been sent.
#[derive(Debug, Error)]
pub(crate) enum ThreeDSecureError {
    /// The issuer's server cannot be reached or refuses.
    #[error("the 3-D Secure server cannot be reached or refuses")]
    Exchange(#[source] reqwest::Error),
    /// Its answer is not as agreed.
    #[error("the 3-D Secure server's answer is not as agreed")]
    Answer,
}

/// What the issuer's server says.
pub(crate) enum Verdict {
    /// It is the cardholder.
    Authenticated(Authentication),
    /// The cardholder must be asked, or is being asked, on this page.
    Challenge { url: String },
    /// It is not the cardholder.
    Refused,
}

/// What is asked. Fields as the issuer's server names them.
pub(crate) struct Request<'a> {
    pub(crate) transaction: &'a str,
    pub(crate) card: &'a Card,
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) return_url: &'a str,
    pub(crate) locale: &'a str,
}

#[derive(Serialize)]
struct RequestBody<'a> {
    three_ds_server_transaction_id: &'a str,
    card_number: &'a str,
    amount: i64,
    currency: &'a str,
    merchant_name: &'a str,
    return_url: &'a str,
    locale: &'a str,
}

#[derive(Deserialize)]
struct AnswerBody {
    status: String,
    challenge_url: Option<String>,
    authentication_value: Option<String>,
    commerce_indicator: Option<String>,
}

/// The issuer's 3-D Secure server.
#[derive(Clone)]
pub(crate) struct ThreeDSecure {
    client: reqwest::Client,
    url: String,
    merchant_name: String,
}

impl ThreeDSecure {
    pub(crate) fn new(client: reqwest::Client, url: &str, merchant_name: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self {
            client,
            url,
            merchant_name: merchant_name.to_owned(),
        }
    }

    /// The origin of the challenge page, to which alone the browser is ever sent.
    pub(crate) fn origin(&self) -> &str {
        &self.url
    }

    /// Asks about a card and an amount. The same transaction again gets the same answer.
    pub(crate) async fn request(&self, request: &Request<'_>) -> Result<Verdict, ThreeDSecureError> {
        let card_number =
            core::str::from_utf8(request.card.number.digits()).map_err(|_| ThreeDSecureError::Answer)?;
        let body = RequestBody {
            three_ds_server_transaction_id: request.transaction,
            card_number,
            amount: request.amount,
            currency: request.currency,
            merchant_name: &self.merchant_name,
            return_url: request.return_url,
            locale: request.locale,
        };
        self.exchange(self.client.post(format!("{}/3ds/areq", self.url)).json(&body))
            .await
    }

    /// Fetches the result of a challenge.
    pub(crate) async fn result(&self, transaction: &str) -> Result<Verdict, ThreeDSecureError> {
        self.exchange(self.client.get(format!("{}/3ds/result/{transaction}", self.url)))
            .await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Verdict, ThreeDSecureError> {
        let mut response = request
            .timeout(Duration::from_secs(EXCHANGE_SECONDS_MAX))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(ThreeDSecureError::Exchange)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(ThreeDSecureError::Exchange)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(ThreeDSecureError::Answer);
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer = serde_json::from_slice(&bytes).map_err(|_| ThreeDSecureError::Answer)?;
        self.verdict(answer).ok_or(ThreeDSecureError::Answer)
    }

    fn verdict(&self, answer: AnswerBody) -> Option<Verdict> {
        match answer.status.as_str() {
            "Y" => Some(Verdict::Authenticated(Authentication {
                value: answer.authentication_value?,
                commerce_indicator: answer.commerce_indicator?,
            })),
            "C" => {
                let url = answer.challenge_url?;
                // Never send the browser anywhere else, whatever the answer says.
                let path = url.strip_prefix(&self.url)?;
                (path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()))
                    .then_some(Verdict::Challenge { url })
            }
            "N" => Some(Verdict::Refused),
            _ => None,
        }
    }
}
