//! HTTP for object storage, over the TLS that the databases' connections have too (rustls with ring), trusting the authorities that the
//! machine trusts.
//!
//! Redirects are not followed: they say that the region is another one, and are answered as such; so nobody can lead a request from https://
//! to http://, which is only there for who asks for it and for a machine's own address that lends it its role. Nothing is sent to a host that
//! is not configured (`ensoex_egress::Destinations`). Knows no object storage.

use crate::error::BackupError;
use bytes::Bytes;
use ensoex_egress::Destinations;
use futures_util::TryStreamExt;
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// Whom to trust.
pub(crate) enum Roots {
    /// The authorities that the machine trusts.
    System,
    /// Nobody: there is no TLS.
    None,
}

/// See the module's documentation.
pub(crate) struct ClientTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    places: Destinations,
}

impl ClientTransport {
    pub(crate) fn new(roots: Roots, places: Destinations) -> Result<ClientTransport, BackupError> {
        let no_authorities = |error: &dyn std::fmt::Display| BackupError::Authorities(error.to_string());
        let provider = ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = match roots {
            Roots::System => builder
                .with_provider_and_native_roots(provider)
                .map_err(|error| no_authorities(&error))?,
            Roots::None => {
                let config = ClientConfig::builder_with_provider(Arc::new(provider))
                    .with_safe_default_protocol_versions()
                    .map_err(|error| no_authorities(&error))?
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth();
                builder.with_tls_config(config)
            }
        };
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_connect_timeout(Some(CONNECT_TIME_MAX));
        plain.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIME_MAX)
            .build(builder.https_or_http().enable_http1().wrap_connector(plain));
        Ok(ClientTransport { client, places })
    }
}

impl HttpTransport for ClientTransport {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        self.places
            .check(request.uri().host())
            .map_err(|refused| Error::new(ErrorKind::Unexpected, refused.to_string()))?;
        let (uri, is_head) = (request.uri().clone(), request.method() == http::Method::HEAD);
        let request = request.map(|body| Full::new(body.to_bytes()));
        let sent = self.client.request(request).await;
        let response = sent.map_err(|error| failed("sending a request", error))?;
        let (mut head, body) = response.into_parts();
        head.extensions.insert(uri);
        let length = head.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let content = body
            .into_data_stream()
            .try_filter(|bytes| std::future::ready(!bytes.is_empty()))
            .map_ok(Buffer::from)
            .map_err(|error| failed("reading an answer", error));
        let body = HttpBody::new(content, length.filter(|_| !is_head));
        Ok(Response::from_parts(head, body))
    }
}

/// Whatever breaks on the way may work the next time; a server whom we do not trust stays one.
fn failed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    // The library's own sentence ("client error (Connect)") says little: what lies below it is the reason.
    let mut reason: &(dyn std::error::Error + 'static) = &error;
    while let Some(below) = reason.source() {
        reason = below;
    }
    let is_distrust = std::iter::successors(Some(reason), |reason| {
        let within = reason.downcast_ref::<std::io::Error>()?.get_ref()?;
        Some(within as &(dyn std::error::Error + 'static))
    })
    .any(|reason| reason.is::<rustls::Error>());
    let sentence = format!("{what}: {reason}");
    let failed = Error::new(ErrorKind::Unexpected, sentence).set_source(error);
    if is_distrust {
        failed
    } else {
        failed.set_temporary()
    }
}
