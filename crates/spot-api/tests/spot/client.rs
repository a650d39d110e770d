//! Requests as clients send them.

use crate::support::{Key, Server, now_ms};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

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

/// A WebSocket connection.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Server {
    pub(crate) async fn connect(&self, path: &str) -> Socket {
        let url = format!("ws://{}{path}", self.address);
        Socket(connect_async(url).await.unwrap().0)
    }
}

impl Socket {
    pub(crate) async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next frame of any kind; none when the connection has ended.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
        next.expect("a message within ten seconds").and_then(Result::ok)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.frame().await.expect("a message before the end") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("a message was wanted, not {other:?}"),
            }
        }
    }

    /// Asks and waits for the answer with the same id; what comes between is dropped.
    pub(crate) async fn ask(&mut self, request: &Value) -> Value {
        self.send(request).await;
        loop {
            let message = self.next().await;
            if message["id"] == request["id"] {
                return message;
            }
        }
    }

    /// Nothing more comes but a close frame with this code.
    pub(crate) async fn closed_with(&mut self, code: u16) -> Vec<Value> {
        let mut before = Vec::new();
        loop {
            match self.frame().await {
                Some(Message::Text(text)) => before.push(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(frame)) => {
                    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(code));
                    return before;
                }
                Some(_) => {}
                None => panic!("the connection ended without a close frame"),
            }
        }
    }
}
