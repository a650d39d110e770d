//! Forms for one recipient over TLS: every request goes to the one address that is configured for it, and only its status comes back.
//!
//! Behind https:// there must be who the machine's authorities say; http:// is for a recipient on this very machine. Redirects are not
//! followed and proxies of the environment not asked.

use crate::destination::Destinations;
use crate::register::Recipient;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A client that sends forms to one recipient only.
pub struct FormClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    places: Destinations,
    base: String,
    timeout: Duration,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum FormClientError {
    /// Not the address of a server.
    #[error(
        "the address of the recipient {recipient} must be https:// with a host (http:// on this machine only), and no more"
    )]
    Address {
        /// Whose.
        recipient: &'static str,
    },
    /// Nobody could be trusted.
    #[error(
        "the certificates that this machine trusts cannot be read: {0}; install the package ca-certificates"
    )]
    Authorities(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// No connection, or it broke, or somebody else is there.
    #[error("it cannot be reached")]
    Away,
    /// The request cannot be made of this.
    #[error("this cannot be sent")]
    Malformed,
}

impl FormClient {
    /// A client of `recipient` at `base`, for example `https://api.provider.example`; answers within `timeout`.
    ///
    /// # Errors
    /// [`FormClientError`].
    pub fn new(recipient: Recipient, base: &str, timeout: Duration) -> Result<FormClient, FormClientError> {
        let refused = || FormClientError::Address {
            recipient: recipient.as_str(),
        };
        let base = base.trim_end_matches('/');
        let url = Url::parse(base).map_err(|_| refused())?;
        let host = url.host_str().ok_or_else(refused)?.to_owned();
        // A path, a query or a user would make the end of the base something else than the end of a host.
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let trusting = match url.scheme() {
            "https" => true,
            "http" if is_this_machine(&host) => false,
            _ => return Err(refused()),
        };
        if !is_bare || !is_anonymous {
            return Err(refused());
        }
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_connect_timeout(Some(timeout));
        let connector = match trusting {
            true => HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(ring::default_provider())
                .map_err(|error| FormClientError::Authorities(error.to_string()))?
                .https_only()
                .enable_http1()
                .wrap_connector(plain),
            false => {
                let nobody = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .map_err(|error| FormClientError::Authorities(error.to_string()))?
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth();
                HttpsConnectorBuilder::new()
                    .with_tls_config(nobody)
                    .https_or_http()
                    .enable_http1()
                    .wrap_connector(plain)
            }
        };
        Ok(FormClient {
            client: Client::builder(TokioExecutor::new()).build(connector),
            places: Destinations::new(recipient, [host]),
            base: base.to_owned(),
            timeout,
        })
    }

    /// Posts an encoded form below the recipient's address, `path` beginning with a slash, under this `Authorization`; gives the status.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub async fn post(&self, path: &str, authorization: &str, form: String) -> Result<u16, NotAnswered> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut secret = HeaderValue::from_str(authorization).map_err(|_| NotAnswered::Malformed)?;
        secret.set_sensitive(true);
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{slash}{path}", self.base))
            .header(AUTHORIZATION, secret)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))
            .map_err(|_| NotAnswered::Malformed)?;
        self.places
            .check(request.uri().host())
            .map_err(|_| NotAnswered::Malformed)?;
        match tokio::time::timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.status().as_u16()),
            Ok(Err(_)) => Err(NotAnswered::Away),
            Err(_) => Err(NotAnswered::Late),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_a_server_behind_tls_and_no_more() {
        let new = |url: &str| FormClient::new(Recipient::SmsCarrier, url, Duration::from_secs(1));
        for right in [
            "https://provider.example",
            "http://127.0.0.1:8025/",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(new(right).is_ok(), "{right}");
        }
        for wrong in [
            "http://provider.example",
            "http://127.0.0.1.provider.example",
            "http://localhost@provider.example",
            "https://user@provider.example",
            "https://provider.example/path",
            "https://provider.example?x",
            "ftp://provider.example",
            "provider.example",
        ] {
            assert!(
                matches!(new(wrong), Err(FormClientError::Address { .. })),
                "{wrong}"
            );
        }
        let here = new("http://127.0.0.1:9").unwrap();
        let elsewhere = here.post("@provider.example/", "Basic eA==", String::new()).await;
        assert_eq!(elsewhere, Err(NotAnswered::Away), "the slash keeps it here");
        assert_eq!(
            here.post("/", "a\nb", String::new()).await,
            Err(NotAnswered::Malformed)
        );
    }
}
