//! Requests as clients send them.

use crate::support::{Key, Server, now_ms};
use reqwest::Method;
use serde_json::Value;

/// An answer: status, headers, JSON.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> i64 {
        self.json["code"].as_i64().unwrap_or(0)
    }

    pub(crate) fn message(&self) -> &str {
        self.json["msg"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: i64, message: &str) {
        assert_eq!(
            (self.status, self.code(), self.message()),
            (status, code, message)
        );
    }

    pub(crate) fn header(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.parse().ok()
    }
}

impl Server {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.http.get(self.url(path))).await
    }

    /// Signed in the usual place: query for GET and DELETE, form for POST.
    pub(crate) async fn signed(&self, key: &Key, method: Method, path: &str, params: &str) -> Answer {
        let payload = stamped(params);
        let signed = format!("{payload}&signature={}", encoded(&key.sign(&payload)));
        if method == Method::POST {
            return self.raw(key, method, path, "", &signed).await;
        }
        self.raw(key, method, path, &signed, "").await
    }

    /// Exactly these bytes.
    pub(crate) async fn raw(&self, key: &Key, method: Method, path: &str, query: &str, body: &str) -> Answer {
        let url = if query.is_empty() {
            self.url(path)
        } else {
            self.url(&format!("{path}?{query}"))
        };
        let request = self
            .http
            .request(method, url)
            .header("X-MBX-APIKEY", &key.name)
            .body(body.to_owned());
        answer(request).await
    }
}

/// With the present time.
pub(crate) fn stamped(params: &str) -> String {
    let separator = if params.is_empty() { "" } else { "&" };
    format!("{params}{separator}timestamp={}", now_ms())
}

/// Base64's own characters, escaped.
pub(crate) fn encoded(signature: &str) -> String {
    signature
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        json: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
