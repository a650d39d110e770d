//! The one way to EnsoExPAY: signed requests over HTTP, by the register's client of this recipient. Sends references and amounts, never
//! anything about a person.

use crate::clock::now_seconds;
use crate::limits::PAY_REQUEST_TIMEOUT;
use ensoex_egress::{ClientError, HttpClient, Recipient};
use ensoex_pay_api::{
    BODY_BYTES_MAX, CheckoutSession, CreateCheckoutSession, ErrorBody, EventList, IDEMPOTENCY_KEY_HEADER,
    REQUEST_SIGNATURE_HEADER, SharedSecrets, sign_request,
};
use ensoex_vault::Disclosure;
use reqwest::Method;
use serde::de::DeserializeOwned;

/// Events asked for at once.
const EVENTS_PER_POLL: u32 = 200;

/// Why EnsoExPAY gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayError {
    /// Not reached, or cut off: asking again with the same key is safe.
    #[error("EnsoExPAY cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// It refused.
    #[error("EnsoExPAY refused ({status}): {message}")]
    Refused { status: u16, message: String },
    /// Not the agreed form.
    #[error("EnsoExPAY answered in another form: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// It was entered that somebody else is given something.
    #[error("this payment was not entered as given to EnsoExPAY")]
    NotEntered,
    /// More than [`BODY_BYTES_MAX`] times the events of one poll.
    #[error("EnsoExPAY's answer is too large")]
    TooLarge,
}

/// A client of EnsoExPAY's API.
pub(crate) struct PayClient {
    http: HttpClient,
    secrets: SharedSecrets,
}

impl PayClient {
    pub(crate) fn new(url: &str, secrets: SharedSecrets) -> Result<PayClient, ClientError> {
        let http = HttpClient::new(Recipient::EnsoExPay, url, PAY_REQUEST_TIMEOUT)?;
        Ok(PayClient { http, secrets })
    }

    pub(crate) fn secrets(&self) -> &SharedSecrets {
        &self.secrets
    }

    /// Creates the session, or answers the one that was created under this key before; once it is entered that EnsoExPAY is
    /// given its amount and references.
    pub(crate) async fn create_session(
        &self,
        entered: &Disclosure,
        idempotency_key: &str,
        session: &CreateCheckoutSession,
    ) -> Result<CheckoutSession, PayError> {
        if entered.recipient() != Recipient::EnsoExPay {
            return Err(PayError::NotEntered);
        }
        let body = serde_json::to_vec(session).map_err(PayError::Unreadable)?;
        self.post("/v1/checkout_sessions", Some(idempotency_key), body)
            .await
    }

    /// Ends an open session, so that nobody can pay in it any more.
    pub(crate) async fn expire_session(&self, session: &str) -> Result<CheckoutSession, PayError> {
        self.post(
            &format!("/v1/checkout_sessions/{session}/expire"),
            None,
            Vec::new(),
        )
        .await
    }

    /// Events after a sequence number, in order.
    pub(crate) async fn events_after(&self, seq: i64) -> Result<EventList, PayError> {
        let path = format!("/v1/events?after={seq}&limit={EVENTS_PER_POLL}");
        let signature = sign_request(&self.secrets.request, now_seconds(), "GET", &path, b"");
        let request = self
            .http
            .request(Method::GET, &path)
            .header(REQUEST_SIGNATURE_HEADER, signature);
        answer(request).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        idempotency_key: Option<&str>,
        body: Vec<u8>,
    ) -> Result<T, PayError> {
        let signature = sign_request(&self.secrets.request, now_seconds(), "POST", path, &body);
        let mut request = self
            .http
            .request(Method::POST, path)
            .header(REQUEST_SIGNATURE_HEADER, signature)
            .header("Content-Type", "application/json")
            .body(body);
        if let Some(key) = idempotency_key {
            request = request.header(IDEMPOTENCY_KEY_HEADER, key);
        }
        answer(request).await
    }
}

async fn answer<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, PayError> {
    let response = request.send().await.map_err(PayError::Unreachable)?;
    let status = response.status();
    let bytes = response.bytes().await.map_err(PayError::Unreachable)?;
    if bytes.len() > BODY_BYTES_MAX * 16 {
        return Err(PayError::TooLarge);
    }
    if status.is_success() {
        return serde_json::from_slice(&bytes).map_err(PayError::Unreadable);
    }
    let message = serde_json::from_slice::<ErrorBody>(&bytes)
        .map(|body| body.error.message)
        .unwrap_or_default();
    Err(PayError::Refused {
        status: status.as_u16(),
        message,
    })
}
