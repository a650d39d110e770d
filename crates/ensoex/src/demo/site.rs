//! The Service's own API (`/v1`) as the demo's people use it: with a session cookie, from outside.

use reqwest::header::{CONTENT_TYPE, ORIGIN};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use thiserror::Error;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request did not do what was asked.
#[derive(Debug, Error)]
pub enum SiteError {
    /// No answer; it is unknown whether the request was carried out.
    #[error("the Service does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The Service says no.
    #[error("{detail} ({code}, {status}, {path})")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Stable code of the problem.
        code: String,
        /// The Service's sentence.
        detail: String,
        /// What was asked for.
        path: String,
    },
    /// An answer that lacks what it should have.
    #[error("the answer of {path} has no {missing}")]
    Incomplete {
        /// What was asked for.
        path: String,
        /// What is missing.
        missing: &'static str,
    },
}

impl SiteError {
    /// Trying again later may help.
    pub fn may_pass(&self) -> bool {
        match self {
            SiteError::Unreachable(_) => true,
            SiteError::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            SiteError::Incomplete { .. } => false,
        }
    }

    /// The Service's code, when it said no.
    pub fn code(&self) -> Option<&str> {
        match self {
            SiteError::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// One browser, so to speak: a cookie jar and the Service's address.
#[derive(Clone)]
pub struct Site {
    http: reqwest::Client,
    base: String,
}

impl Site {
    /// A new one without cookies. `base` has no slash at its end.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str) -> reqwest::Result<Site> {
        Ok(Site {
            http: local_client(true)?,
            base: base.to_owned(),
        })
    }

    /// The HTTP client with its cookies; follows no redirects.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The Service's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads.
    ///
    /// # Errors
    /// [`SiteError`]
    pub async fn get(&self, path: &str) -> Result<Value, SiteError> {
        self.send(Method::GET, path, None, None).await
    }

    /// Writes.
    ///
    /// # Errors
    /// [`SiteError`]
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, SiteError> {
        self.send(Method::POST, path, Some(body), None).await
    }

    /// Writes at most once for each key.
    ///
    /// # Errors
    /// [`SiteError`]
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value, SiteError> {
        self.send(Method::POST, path, Some(body), Some(key)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Value, SiteError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .header(ORIGIN, &self.base)
                .header("EnsoEx-Client", "web")
                .body(body.to_string());
        }
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().await.map_err(SiteError::Unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(SiteError::Unreachable)?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let word = |name: &str, otherwise: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or(otherwise)
                .to_owned()
        };
        Err(SiteError::Refused {
            status,
            code: word("code", "unknown"),
            detail: word("detail", "the Service refused"),
            path: path.to_owned(),
        })
    }
}

/// The text of a field of an answer.
///
/// # Errors
/// [`SiteError::Incomplete`]
pub fn field(answer: &Value, path: &str, name: &'static str) -> Result<String, SiteError> {
    let text = answer.get(name).and_then(Value::as_str);
    let incomplete = || SiteError::Incomplete {
        path: path.to_owned(),
        missing: name,
    };
    text.map(str::to_owned).ok_or_else(incomplete)
}

/// An HTTP client for this machine: no redirects, no proxy, `localhost` without a look-up.
///
/// # Errors
/// When it cannot be made.
pub fn local_client(cookies: bool) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .cookie_store(cookies)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .timeout(REQUEST_TIMEOUT)
        .build()
}
