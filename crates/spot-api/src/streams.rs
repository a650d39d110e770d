//! Public streams: `/ws`, `/ws/<streams>`, `/stream?streams=`, and the messages that change what is listened to.

use crate::clock::{TimeUnit, now_ms};
use crate::connection::{Protocol, Reaction, admit, upgrade};
use crate::error::SpotError;
use crate::hub::{Delivery, Inbox};
use crate::params::Params;
use crate::rest::refusal;
use crate::shared::Spot;
use crate::topic::Topic;
use axum::Router;
use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

/// Longest request id in text.
const ID_LENGTH_MAX: usize = 36;

/// Routes of the public streams.
pub(crate) fn routes(spot: &Arc<Spot>) -> Router {
    Router::new()
        .route("/ws", get(bare))
        .route("/ws/", get(bare))
        .route("/ws/{*streams}", get(raw))
        .route("/stream", get(combined))
        .with_state(Arc::clone(spot))
}

async fn bare(State(spot): State<Arc<Spot>>, request: Request) -> Response {
    open(spot, request, String::new(), false).await
}

async fn raw(State(spot): State<Arc<Spot>>, Path(streams): Path<String>, request: Request) -> Response {
    open(spot, request, streams, false).await
}

async fn combined(State(spot): State<Arc<Spot>>, request: Request) -> Response {
    open(spot, request, String::new(), true).await
}

async fn open(spot: Arc<Spot>, request: Request, path: String, combined: bool) -> Response {
    let (mut parts, _) = request.into_parts();
    let socket = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    let query = parts.uri.query().unwrap_or_default();
    let opened = Streams::new(&spot, &path, query, combined)
        .and_then(|streams| Ok((streams, admit(&spot, &parts.extensions)?)));
    match opened {
        Ok((streams, admission)) => upgrade(spot, admission, socket, streams),
        Err(error) => refusal(&error),
    }
}

/// One connection: what it listens to, under the names it used.
struct Streams {
    spot: Weak<Spot>,
    subscribed: Vec<(Topic, String)>,
    combined: bool,
    unit: TimeUnit,
}

impl Protocol for Streams {
    const COUNTS_MESSAGES: bool = true;

    fn opened(&mut self, inbox: &Inbox) {
        for (topic, _) in &self.subscribed {
            inbox.subscribe(*topic);
        }
    }

    async fn text(&mut self, inbox: &Inbox, text: &str) -> Reaction {
        let answer = match serde_json::from_str::<Value>(text) {
            Err(error) => json!({ "code": 3, "msg": format!("Invalid JSON: {error}") }),
            Ok(request) => {
                let id = request.get("id").cloned().unwrap_or(Value::Null);
                if is_id(&id) {
                    match self.control(inbox, &request) {
                        Ok(result) => json!({ "result": result, "id": id }),
                        Err(Refusal(code, text)) => {
                            json!({ "error": { "code": code, "msg": text }, "id": id })
                        }
                    }
                } else {
                    json!({ "code": 2, "msg": "Invalid request: request ID must be an integer or a short string" })
                }
            }
        };
        Reaction::Send(vec![answer.to_string().into()])
    }

    fn deliver(&mut self, delivery: Delivery) -> Vec<Utf8Bytes> {
        let Delivery::Public(topic, message) = delivery else {
            return Vec::new();
        };
        let message = self.unit.message(message);
        let names = self
            .subscribed
            .iter()
            .filter(|(subscribed, _)| *subscribed == topic);
        names
            .map(|(_, name)| {
                if self.combined {
                    format!("{{\"stream\":{},\"data\":{message}}}", Value::from(name.as_str())).into()
                } else {
                    message.clone()
                }
            })
            .collect()
    }

    async fn tick(&mut self, _: &Inbox) -> Vec<Utf8Bytes> {
        Vec::new()
    }

    fn shutdown(&self) -> Utf8Bytes {
        let event = json!({ "e": "serverShutdown", "E": now_ms() });
        let message = if self.combined {
            json!({ "stream": "!serverShutdown", "data": event })
        } else {
            event
        };
        message.to_string().into()
    }
}

/// A refused control message.
struct Refusal(i32, String);

fn invalid(text: &str) -> Refusal {
    Refusal(2, format!("Invalid request: {text}"))
}

impl Streams {
    /// Reads the streams that the address names. A path without a stream's name in it (clients use `/ws/0`) opens a
    /// connection that listens to nothing yet.
    fn new(spot: &Arc<Spot>, path: &str, query: &str, combined: bool) -> Result<Streams, SpotError> {
        let mut params = Params::from_query_and_form(query, "")?;
        let queried = params.text("streams").unwrap_or_default();
        let unit = params
            .text("timeUnit")
            .map_or(Ok(TimeUnit::default()), |unit| TimeUnit::parse(&unit))?;
        let names = path.split('/').chain(queried.split('/'));
        let mut subscribed: Vec<(Topic, String)> = Vec::new();
        for name in names.filter(|name| name.contains('@') || name.starts_with('!')) {
            let topic = Topic::parse(name, &spot.exchange).ok_or(SpotError::InvalidValue("streams"))?;
            if !subscribed.iter().any(|(_, known)| known == name) {
                subscribed.push((topic, name.to_owned()));
            }
        }
        if subscribed.len() > spot.limits.streams_per_connection_max {
            return Err(SpotError::TooLarge);
        }
        Ok(Streams {
            spot: Arc::downgrade(spot),
            subscribed,
            combined,
            unit,
        })
    }

    fn control(&mut self, inbox: &Inbox, request: &Value) -> Result<Value, Refusal> {
        let method = request
            .get("method")
            .ok_or_else(|| invalid("missing field `method`"))?;
        let params = request.get("params");
        match method.as_str().unwrap_or_default() {
            "SUBSCRIBE" => self.subscribe(inbox, &names(params)?),
            "UNSUBSCRIBE" => Ok(self.unsubscribe(inbox, &names(params)?)),
            "LIST_SUBSCRIPTIONS" => Ok(self.subscribed.iter().map(|(_, name)| name.as_str()).collect()),
            "SET_PROPERTY" => self.set_property(params),
            "GET_PROPERTY" => match params.and_then(|params| params.get(0)).and_then(Value::as_str) {
                Some("combined") => Ok(self.combined.into()),
                Some(_) => Err(Refusal(0, "Unknown property".into())),
                None => Err(invalid("property name must be a string")),
            },
            _ => Err(invalid(
                "unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, \
                 `GET_PROPERTY`",
            )),
        }
    }

    /// All or nothing: a name that is no stream refuses the whole message, so that nobody waits for nothing.
    fn subscribe(&mut self, inbox: &Inbox, names: &[String]) -> Result<Value, Refusal> {
        let Some(spot) = self.spot.upgrade() else {
            return Err(Refusal(1, "The service is stopping".into()));
        };
        let mut added = Vec::new();
        for name in names {
            let topic = Topic::parse(name, &spot.exchange)
                .ok_or_else(|| invalid(&format!("unknown stream {name:?}")))?;
            if !self
                .subscribed
                .iter()
                .chain(&added)
                .any(|(_, known)| known == name)
            {
                added.push((topic, name.clone()));
            }
        }
        let max = spot.limits.streams_per_connection_max;
        if self.subscribed.len() + added.len() > max {
            return Err(invalid(&format!(
                "a connection can listen to at most {max} streams"
            )));
        }
        for (topic, _) in &added {
            inbox.subscribe(*topic);
        }
        self.subscribed.extend(added);
        Ok(Value::Null)
    }

    fn unsubscribe(&mut self, inbox: &Inbox, names: &[String]) -> Value {
        for name in names {
            let Some(at) = self.subscribed.iter().position(|(_, known)| known == name) else {
                continue;
            };
            let (topic, _) = self.subscribed.remove(at);
            if !self.subscribed.iter().any(|(other, _)| *other == topic) {
                inbox.unsubscribe(topic);
            }
        }
        Value::Null
    }

    fn set_property(&mut self, params: Option<&Value>) -> Result<Value, Refusal> {
        let property = params.and_then(|params| params.get(0)).and_then(Value::as_str);
        match (property, params.and_then(|params| params.get(1))) {
            (Some("combined"), Some(Value::Bool(combined))) => {
                self.combined = *combined;
                Ok(Value::Null)
            }
            (Some("combined"), _) => Err(Refusal(1, "Invalid value type: expected Boolean".into())),
            (Some(_), _) => Err(Refusal(0, "Unknown property".into())),
            (None, _) => Err(invalid("property name must be a string")),
        }
    }
}

fn names(params: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let names: Option<Vec<String>> = params.and_then(Value::as_array).and_then(|params| {
        params
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect()
    });
    names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| invalid("params must be a list of stream names"))
}

fn is_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => text.len() <= ID_LENGTH_MAX,
        _ => false,
    }
}
