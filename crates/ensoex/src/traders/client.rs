//! The signed trading API (`/api/v3`, HMAC keys) as any client uses it.

use super::pace::Pace;
use crate::demo::site::local_client;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How old a request may be when it arrives.
const RECEIVE_WINDOW_MS: &str = "5000";

/// Why a request did not do what was asked.
#[derive(Debug, Error)]
pub enum TradeError {
    /// No answer; it is unknown whether the request was carried out.
    #[error("the trading API does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// Too fast, or the Service cannot at the moment.
    #[error("the trading API asks to wait ({status})")]
    Busy {
        /// HTTP status.
        status: StatusCode,
        /// As the Service says, or a second.
        retry_after: Duration,
    },
    /// The API says no.
    #[error("the trading API refuses: {message} ({code})")]
    Refused {
        /// For example -2010.
        code: i64,
        /// The API's words.
        message: String,
    },
}

impl TradeError {
    /// How long to leave the API in peace; none when the next request may follow at once.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            TradeError::Unreachable(_) => Some(Duration::from_millis(250)),
            TradeError::Busy { retry_after, .. } => Some(*retry_after),
            TradeError::Refused { .. } => None,
        }
    }
}

/// One account's access to the API. No Debug: it holds a secret.
#[derive(Clone)]
pub struct TradingClient {
    http: reqwest::Client,
    base: String,
    key: Arc<Key>,
    pace: Arc<Pace>,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Key {
    name: String,
    secret: String,
}

impl TradingClient {
    /// `base` has no slash at its end.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str, key: &str, secret: &str, pace: Arc<Pace>) -> reqwest::Result<TradingClient> {
        Ok(TradingClient {
            http: local_client(false)?,
            base: base.to_owned(),
            key: Arc::new(Key {
                name: key.to_owned(),
                secret: secret.to_owned(),
            }),
            pace,
        })
    }

    /// Reads what everyone can read.
    ///
    /// # Errors
    /// [`TradeError`]
    pub async fn public(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, TradeError> {
        let query = query(parameters);
        self.send(Method::GET, &format!("{}{path}?{query}", self.base), false)
            .await
    }

    /// A request in the account's name.
    ///
    /// # Errors
    /// [`TradeError`]
    pub async fn signed(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, TradeError> {
        self.pace.turn().await;
        let query = signed_query(parameters, now_ms(), &self.key.secret);
        self.send_now(method, &format!("{}{path}?{query}", self.base), true)
            .await
    }

    async fn send(&self, method: Method, url: &str, keyed: bool) -> Result<Value, TradeError> {
        self.pace.turn().await;
        self.send_now(method, url, keyed).await
    }

    async fn send_now(&self, method: Method, url: &str, keyed: bool) -> Result<Value, TradeError> {
        let mut request = self.http.request(method, url);
        if keyed {
            request = request.header("X-MBX-APIKEY", &self.key.name);
        }
        let answer = request.send().await.map_err(without_url)?;
        let status = answer.status();
        if status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::IM_A_TEAPOT)
        {
            let seconds = answer
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse().ok());
            let retry_after = Duration::from_secs(seconds.unwrap_or(1).min(60));
            return Err(TradeError::Busy { status, retry_after });
        }
        let body = answer.bytes().await.map_err(without_url)?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let code = value.get("code").and_then(Value::as_i64).unwrap_or_default();
        let message = value
            .get("msg")
            .and_then(Value::as_str)
            .unwrap_or("no reason given")
            .to_owned();
        Err(TradeError::Refused { code, message })
    }
}

/// The address of a signed request carries its signature.
fn without_url(error: reqwest::Error) -> TradeError {
    TradeError::Unreachable(error.without_url())
}

fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The parameters with time and signature. Values are letters, digits, dots and dashes only, so nothing is escaped.
pub fn signed_query(parameters: &[(&str, &str)], now_ms: u128, secret: &str) -> String {
    let mut text = query(parameters);
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str(&format!("recvWindow={RECEIVE_WINDOW_MS}&timestamp={now_ms}"));
    let signature = signature(&text, secret);
    format!("{text}&signature={signature}")
}

fn signature(text: &str, secret: &str) -> String {
    // HMAC takes a key of any length, so this arm is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        unreachable!()
    };
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis()
}

#[cfg(test)]
mod tests {
    use super::{signature, signed_query};

    /// The example of the public API documentation that this convention comes from.
    #[test]
    fn signatures_are_those_of_the_convention() {
        let text = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&\
                    timestamp=1499827319559";
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        assert_eq!(
            signature(text, secret),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
        );
    }

    #[test]
    fn time_and_signature_come_last() {
        let query = signed_query(&[("symbol", "BTCEUR")], 17, "secret");
        let (signed, signature) = query.rsplit_once("&signature=").expect("a signature");
        assert_eq!(signed, "symbol=BTCEUR&recvWindow=5000&timestamp=17");
        assert_eq!(signature.len(), 64);
        assert!(signed_query(&[], 17, "secret").starts_with("recvWindow=5000&timestamp=17&"));
    }
}
