//! The WebSocket API: requests and answers as JSON, a session that a key may be logged on to, and the events of
//! the accounts that were subscribed to. Operations are those of REST ([`crate::operation`]).

use crate::clock::{TimeUnit, now_ms};
use crate::connection::{Admission, Protocol, Reaction, admit, upgrade};
use crate::error::SpotError;
use crate::hub::{Delivery, Inbox};
use crate::limits::Counted;
use crate::operation::{Operation, Security, WEBSOCKET};
use crate::params::Params;
use crate::rest::{log_internal, permitted, refusal};
use crate::shared::{Caller, Spot, check_signature, check_timing};
use axum::Router;
use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ensoex_types::AccountId;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Weak};

/// Longest request id in text.
const ID_LENGTH_MAX: usize = 128;
/// Weight of a connection and of everything about the session.
const SESSION_WEIGHT: u32 = 2;

/// The route of the WebSocket API.
pub(crate) fn routes(spot: &Arc<Spot>) -> Router {
    Router::new()
        .route("/ws-api/v3", get(open))
        .with_state(Arc::clone(spot))
}

async fn open(State(spot): State<Arc<Spot>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let socket = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(socket) => socket,
        Err(rejection) => return rejection.into_response(),
    };
    match admit(&spot, &parts.extensions).and_then(|admission| {
        let session = Session::new(&spot, &admission, parts.uri.query().unwrap_or_default())?;
        Ok((admission, session))
    }) {
        Ok((admission, session)) => upgrade(spot, admission, socket, session),
        Err(error) => refusal(&error),
    }
}

/// One connection.
struct Session {
    spot: Weak<Spot>,
    visitor: Counted,
    connected_ms: u64,
    authorized: Option<Authorized>,
    subscriptions: Vec<Subscription>,
    subscriptions_ever: u64,
    return_rate_limits: bool,
    unit: TimeUnit,
}

/// The key that is logged on.
struct Authorized {
    key: String,
    since_ms: u64,
}

/// An account whose events are sent.
struct Subscription {
    number: u64,
    account: AccountId,
    key: String,
    /// Ends with the logged-on session.
    of_session: bool,
}

/// A request, before it is dealt with.
struct Incoming {
    id: Value,
    method: String,
    params: Params,
    return_rate_limits: bool,
}

/// What an answer needs beside its result.
struct Context {
    id: Value,
    rate_limits: Option<Vec<Value>>,
    unit: TimeUnit,
}

impl Session {
    fn new(spot: &Arc<Spot>, admission: &Admission, query: &str) -> Result<Session, SpotError> {
        let mut params = Params::from_query_and_form(query, "")?;
        let unit = params
            .text("timeUnit")
            .map_or(Ok(TimeUnit::default()), |unit| TimeUnit::parse(&unit))?;
        let return_rate_limits = params.boolean("returnRateLimits")?.unwrap_or(true);
        spot.limiter
            .charge(admission.counted, SESSION_WEIGHT, &spot.limits, now_ms())?;
        Ok(Session {
            spot: Arc::downgrade(spot),
            visitor: admission.counted,
            connected_ms: now_ms(),
            authorized: None,
            subscriptions: Vec::new(),
            subscriptions_ever: 0,
            return_rate_limits,
            unit,
        })
    }

    fn read(&self, text: &str) -> Result<Incoming, (Value, SpotError)> {
        let Ok(Value::Object(mut request)) = serde_json::from_str::<Value>(text) else {
            return Err((Value::Null, SpotError::InvalidJson));
        };
        let id = request.remove("id").unwrap_or(Value::Null);
        if !is_id(&id) {
            return Err((Value::Null, SpotError::InvalidValue("id")));
        }
        let Some(Value::String(method)) = request.remove("method") else {
            return Err((id, SpotError::Mandatory("method")));
        };
        let params = match request.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err((id, SpotError::InvalidJson)),
        };
        let read = || {
            let mut params = Params::from_json(&params)?;
            let return_rate_limits = params
                .boolean("returnRateLimits")?
                .unwrap_or(self.return_rate_limits);
            Ok((params, return_rate_limits))
        };
        let method = method.strip_prefix("v3/").map_or(method.clone(), str::to_owned);
        match read() {
            Ok((params, return_rate_limits)) => Ok(Incoming {
                id,
                method,
                params,
                return_rate_limits,
            }),
            Err(error) => Err((id, error)),
        }
    }

    /// Who signed the request: with the key in it, or with the one that is logged on.
    async fn authorize(&mut self, spot: &Spot, params: &mut Params) -> Result<(Caller, String), SpotError> {
        if params.has("apiKey") {
            return signed(spot, params).await;
        }
        let Some(authorized) = &self.authorized else {
            return Err(SpotError::Mandatory("apiKey"));
        };
        let name = authorized.key.clone();
        match spot.key(&name).await {
            Ok(key) => {
                check_timing(params)?;
                Ok((Caller::of(&key), name))
            }
            Err(error) => {
                if matches!(error, SpotError::KeyRejected) {
                    self.authorized = None;
                }
                Err(error)
            }
        }
    }

    async fn dispatch(&mut self, spot: Arc<Spot>, inbox: &Inbox, incoming: Incoming) -> Reaction {
        let Incoming {
            id,
            method,
            mut params,
            return_rate_limits,
        } = incoming;
        let mut context = Context {
            id,
            rate_limits: None,
            unit: self.unit,
        };
        let operation = WEBSOCKET
            .iter()
            .find(|(name, _)| *name == method)
            .map(|(_, operation)| *operation);
        let weight = operation.map_or(SESSION_WEIGHT, |operation| operation.weight(&params));
        let security = operation.map_or(Security::Public, Operation::security);
        let caller = if security == Security::Public {
            Ok(None)
        } else {
            self.authorize(&spot, &mut params).await.map(Some)
        };
        let counted = match &caller {
            Ok(Some((_, key))) => spot.limiter.key(key, now_ms()),
            _ => Ok(self.visitor),
        };
        let charged =
            counted.and_then(|counted| spot.limiter.charge(counted, weight, &spot.limits, now_ms()));
        let used = match (&charged, return_rate_limits) {
            (Ok(used), true) => Some(weight_value(&spot, *used)),
            (Err(_), true) => Some(weight_value(&spot, spot.limits.request_weight_per_minute_max)),
            (_, false) => None,
        };
        context.rate_limits = used.map(|used| vec![used]);
        let caller = match charged.and(caller).and_then(|caller| match caller {
            Some((caller, _)) => permitted(caller, security).map(Some),
            None => Ok(None),
        }) {
            Ok(caller) => caller,
            Err(error) => return Reaction::Send(vec![context.answer(Err(error))]),
        };
        let Some(operation) = operation else {
            let (result, mut events) = self.session_method(&spot, inbox, &method, &mut params).await;
            events.insert(0, context.answer(result));
            return Reaction::Send(events);
        };
        Reaction::Later(Box::pin(async move {
            let result = operation.run(&spot, caller, &mut params).await;
            if let (Some(limits), Some(caller), true) =
                (&mut context.rate_limits, caller, operation.counts_orders())
            {
                limits.splice(0..0, spot.order_count_values(caller));
            }
            context.answer(result)
        }))
    }

    /// Methods about the session and its subscriptions; with events that follow the answer.
    async fn session_method(
        &mut self,
        spot: &Spot,
        inbox: &Inbox,
        method: &str,
        params: &mut Params,
    ) -> (Result<Value, SpotError>, Vec<Utf8Bytes>) {
        let mut ended = Vec::new();
        let result = match method {
            "session.logon" => self.log_on(spot, params).await,
            "session.status" => params.finish().map(|()| self.status()),
            "session.logout" => params.finish().map(|()| {
                self.authorized = None;
                ended = self.end(inbox, |subscription| subscription.of_session);
                self.status()
            }),
            "session.subscriptions" => params.finish().map(|()| {
                self.subscriptions
                    .iter()
                    .map(|one| json!({ "subscriptionId": one.number }))
                    .collect()
            }),
            "userDataStream.subscribe" => self.subscribe_session(spot, inbox, params).await,
            "userDataStream.subscribe.signature" => match signed(spot, params).await {
                Ok((caller, key)) => params
                    .finish()
                    .and_then(|()| self.subscribe(spot, inbox, caller, key, false)),
                Err(error) => Err(error),
            },
            "userDataStream.unsubscribe" => match params.integer("subscriptionId") {
                Err(error) => Err(error),
                Ok(number) => params.finish().and_then(|()| {
                    ended = self.end(inbox, |one| number.is_none_or(|number| number == one.number));
                    match (ended.is_empty(), number) {
                        (true, Some(_)) => Err(SpotError::SubscriptionInactive),
                        _ => Ok(json!({})),
                    }
                }),
            },
            _ => Err(SpotError::Unsupported),
        };
        (result, ended)
    }

    async fn log_on(&mut self, spot: &Spot, params: &mut Params) -> Result<Value, SpotError> {
        let (caller, key) = signed(spot, params).await?;
        params.finish()?;
        permitted(caller, Security::Read)?;
        self.authorized = Some(Authorized {
            key,
            since_ms: now_ms(),
        });
        Ok(self.status())
    }

    fn status(&self) -> Value {
        json!({
            "apiKey": self.authorized.as_ref().map(|authorized| authorized.key.as_str()),
            "authorizedSince": self.authorized.as_ref().map(|authorized| authorized.since_ms),
            "connectedSince": self.connected_ms,
            "returnRateLimits": self.return_rate_limits,
            "serverTime": now_ms(),
            "userDataStream": !self.subscriptions.is_empty(),
        })
    }

    async fn subscribe_session(
        &mut self,
        spot: &Spot,
        inbox: &Inbox,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        params.finish()?;
        let Some(authorized) = &self.authorized else {
            return Err(SpotError::Mandatory("apiKey"));
        };
        let name = authorized.key.clone();
        let caller = Caller::of(&spot.key(&name).await?);
        self.subscribe(spot, inbox, caller, name, true)
    }

    fn subscribe(
        &mut self,
        spot: &Spot,
        inbox: &Inbox,
        caller: Caller,
        key: String,
        of_session: bool,
    ) -> Result<Value, SpotError> {
        let account = permitted(caller, Security::Read)?.account;
        if self
            .subscriptions
            .iter()
            .any(|subscription| subscription.account == account)
        {
            return Err(SpotError::SubscriptionActive);
        }
        if self.subscriptions.len() >= spot.limits.subscriptions_per_connection_max
            || self.subscriptions_ever >= spot.limits.subscriptions_per_connection_ever_max
        {
            return Err(SpotError::SubscriptionsExhausted);
        }
        let number = self.subscriptions_ever;
        self.subscriptions_ever += 1;
        self.subscriptions.push(Subscription {
            number,
            account,
            key,
            of_session,
        });
        inbox.subscribe_account(account);
        Ok(json!({ "subscriptionId": number }))
    }

    /// Ends subscriptions; the events that say so.
    fn end(&mut self, inbox: &Inbox, ends: impl Fn(&Subscription) -> bool) -> Vec<Utf8Bytes> {
        let ended: Vec<Subscription> = self.subscriptions.extract_if(.., |one| ends(one)).collect();
        ended
            .into_iter()
            .map(|subscription| {
                inbox.unsubscribe_account(subscription.account);
                let event = json!({ "e": "eventStreamTerminated", "E": now_ms() });
                json!({ "subscriptionId": subscription.number, "event": event })
                    .to_string()
                    .into()
            })
            .collect()
    }
}

impl Protocol for Session {
    const COUNTS_MESSAGES: bool = false;

    fn opened(&mut self, _: &Inbox) {}

    async fn text(&mut self, inbox: &Inbox, text: &str) -> Reaction {
        let Some(spot) = self.spot.upgrade() else {
            return Reaction::Send(vec![Context::plain(Value::Null).answer(Err(SpotError::Stopped))]);
        };
        match self.read(text) {
            Ok(incoming) => self.dispatch(spot, inbox, incoming).await,
            Err((id, error)) => {
                let charged = spot
                    .limiter
                    .charge(self.visitor, SESSION_WEIGHT, &spot.limits, now_ms());
                let error = charged.err().unwrap_or(error);
                Reaction::Send(vec![Context::plain(id).answer(Err(error))])
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) -> Vec<Utf8Bytes> {
        let Delivery::Private(account, event) = delivery else {
            return Vec::new();
        };
        let event = self.unit.message(event);
        let subscriptions = self
            .subscriptions
            .iter()
            .filter(|subscription| subscription.account == account);
        subscriptions
            .map(|subscription| {
                format!("{{\"subscriptionId\":{},\"event\":{event}}}", subscription.number).into()
            })
            .collect()
    }

    /// A key that was deleted, or may no longer read, hears nothing more.
    async fn tick(&mut self, inbox: &Inbox) -> Vec<Utf8Bytes> {
        let Some(spot) = self.spot.upgrade() else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        for subscription in &self.subscriptions {
            match spot.key(&subscription.key).await {
                Ok(key) if key.permissions.read && key.account == subscription.account => {}
                Ok(_) | Err(SpotError::KeyRejected) => gone.push(subscription.number),
                // Unavailable is not gone.
                Err(_) => {}
            }
        }
        self.end(inbox, |subscription| gone.contains(&subscription.number))
    }

    fn shutdown(&self) -> Utf8Bytes {
        json!({ "event": { "e": "serverShutdown", "E": now_ms() } })
            .to_string()
            .into()
    }
}

/// The request's own key signed it, and it is fresh.
async fn signed(spot: &Spot, params: &mut Params) -> Result<(Caller, String), SpotError> {
    let raw = params.sorted_payload();
    let encoded = params.sorted_encoded_payload();
    let name = params.mandatory("apiKey")?;
    let signature = params.text("signature");
    let key = spot.key(&name).await?;
    check_signature(&key.verifier, &[&raw, &encoded], signature.as_deref())?;
    check_timing(params)?;
    Ok((Caller::of(&key), name))
}

fn weight_value(spot: &Spot, used: u32) -> Value {
    json!({ "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
        "limit": spot.limits.request_weight_per_minute_max, "count": used })
}

fn is_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => text.len() <= ID_LENGTH_MAX,
        _ => false,
    }
}

impl Context {
    fn plain(id: Value) -> Context {
        Context {
            id,
            rate_limits: None,
            unit: TimeUnit::default(),
        }
    }

    fn answer(self, result: Result<Value, SpotError>) -> Utf8Bytes {
        let mut answer = match result {
            Ok(mut value) => {
                self.unit.apply(&mut value);
                json!({ "id": self.id, "status": 200, "result": value })
            }
            Err(error) => {
                log_internal(&error);
                let mut body = error.body();
                if let Some(seconds) = error.retry_after_s() {
                    let retry_after = now_ms().saturating_add(seconds.saturating_mul(1_000));
                    body["data"] = json!({ "serverTime": now_ms(), "retryAfter": retry_after });
                }
                json!({ "id": self.id, "status": error.parts().0, "error": body })
            }
        };
        if let Some(limits) = self.rate_limits {
            answer["rateLimits"] = Value::Array(limits);
        }
        answer.to_string().into()
    }
}
