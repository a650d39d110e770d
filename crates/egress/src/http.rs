//! HTTP with one recipient: every request goes below the one address that is configured for it.
//!
//! Redirects are not followed, proxies of the environment not asked, and no name is looked up but the recipient's own.

use crate::destination::{Destinations, NotRegistered};
use crate::register::Recipient;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Method, RequestBuilder, Url};
use std::sync::Arc;
use std::time::Duration;

/// A client that can ask one recipient only.
pub struct HttpClient {
    http: reqwest::Client,
    base: String,
}

/// Why there can be no client, or no request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not the address of a server.
    #[error("the address of the recipient {recipient} must be http:// or https:// with a host, and no more")]
    Address {
        /// Whose.
        recipient: &'static str,
    },
    /// The library refuses.
    #[error("no client for the recipient can be made: {0}")]
    Client(#[source] reqwest::Error),
}

impl HttpClient {
    /// A client of `recipient` at `base`, for example `https://pay.example`; answers within `timeout`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(recipient: Recipient, base: &str, timeout: Duration) -> Result<HttpClient, ClientError> {
        let base = base.trim_end_matches('/');
        let refused = || ClientError::Address {
            recipient: recipient.as_str(),
        };
        let url = Url::parse(base).map_err(|_| refused())?;
        let host = url.host_str().ok_or_else(refused)?.to_owned();
        // A path, a query or a user would make the end of the base something else than the end of a host.
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if !["http", "https"].contains(&url.scheme()) || !is_bare || !is_anonymous {
            return Err(refused());
        }
        let only = OnlyOf(Destinations::new(recipient, [host]));
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(only))
            .build()
            .map_err(ClientError::Client)?;
        Ok(HttpClient {
            http,
            base: base.to_owned(),
        })
    }

    /// A request below the recipient's address. `path` begins with a slash; whatever else it is, the host stays the recipient's.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let slash = if path.starts_with('/') { "" } else { "/" };
        self.http.request(method, format!("{}{slash}{path}", self.base))
    }
}

/// Looks up the recipient's own name only.
struct OnlyOf(Destinations);

impl Resolve for OnlyOf {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.check(Some(name.as_str()));
        Box::pin(async move {
            allowed.map_err(|refused: NotRegistered| {
                Box::new(refused) as Box<dyn std::error::Error + Send + Sync>
            })?;
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
