//! HTTP in and out: where parameters stand, who signed them, which headers the answer has.
//!
//! Knows no operation by name; [`crate::operation`] does. No session, cookie or address is looked at, but for the
//! address as the input of a keyed, daily forgotten hash (see [`crate::limits`]).

use crate::clock::{TimeUnit, now_ms};
use crate::error::SpotError;
use crate::operation::{Operation, REST, Security};
use crate::params::Params;
use crate::shared::{Caller, Spot, check_signature, check_timing};
use crate::signature::signed_request;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const API_KEY: HeaderName = HeaderName::from_static("x-mbx-apikey");
const TIME_UNIT: HeaderName = HeaderName::from_static("x-mbx-time-unit");
const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight");
const USED_WEIGHT_1M: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
const ORDER_COUNT_10S: HeaderName = HeaderName::from_static("x-mbx-order-count-10s");
const ORDER_COUNT_1D: HeaderName = HeaderName::from_static("x-mbx-order-count-1d");

/// The address that a visitor is counted by, when it is not the connection's own: whoever stands behind a
/// trusted proxy sets it as a request extension. It is hashed and forgotten.
#[derive(Clone, Copy)]
pub struct VisitorAddress(pub IpAddr);

/// All REST routes of this security, public or signed.
pub(crate) fn routes(spot: &Arc<Spot>, public: bool) -> Router {
    let mut by_path: BTreeMap<&str, MethodRouter<Arc<Spot>>> = BTreeMap::new();
    for (method, path, operation) in REST {
        if (operation.security() == Security::Public) != public {
            continue;
        }
        let operation = *operation;
        let handler = move |State(spot): State<Arc<Spot>>, request: Request| handle(spot, operation, request);
        let router = by_path
            .remove(path)
            .unwrap_or_else(|| MethodRouter::new().fallback(unsupported));
        by_path.insert(path, router.on(filter(method), handler));
    }
    let router = by_path
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        });
    router.with_state(Arc::clone(spot))
}

/// Everything under the convention's prefixes that has no route.
pub(crate) fn unknown_paths() -> Router {
    let prefixes = ["/api/{*rest}", "/sapi/{*rest}", "/fapi/{*rest}", "/dapi/{*rest}"];
    let unknown = || async { refusal(&SpotError::UnknownPath) };
    prefixes.into_iter().fold(Router::new(), |router, prefix| {
        router.route(prefix, axum::routing::any(unknown))
    })
}

fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

async fn unsupported() -> Response {
    refusal(&SpotError::Unsupported)
}

async fn handle(spot: Arc<Spot>, operation: Operation, request: Request) -> Response {
    let mut answer = Answer::default();
    match answer.of(&spot, operation, request).await {
        Ok(value) => answer.into_response(StatusCode::OK, &value),
        Err(error) => {
            log_internal(&error);
            answer.retry_after_s = error.retry_after_s();
            let status = StatusCode::from_u16(error.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            answer.into_response(status, &error.body())
        }
    }
}

/// The service's own failures are logged once, here; the client's are not.
pub(crate) fn log_internal(error: &SpotError) {
    if error.is_internal() {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(code = error.parts().1, source, "a spot request failed");
    }
}

pub(crate) fn refusal(error: &SpotError) -> Response {
    let status = StatusCode::from_u16(error.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::default().into_response(status, &error.body())
}

/// The address that a request came from.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let proxied = extensions.get::<VisitorAddress>().map(|address| address.0);
    proxied.or_else(|| {
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip())
    })
}

/// What goes into the headers.
#[derive(Default)]
struct Answer {
    used_weight: Option<u32>,
    orders: Option<crate::limits::OrderCounts>,
    retry_after_s: Option<u64>,
}

impl Answer {
    async fn of(&mut self, spot: &Spot, operation: Operation, request: Request) -> Result<Value, SpotError> {
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > spot.limits.query_bytes_max {
            return Err(SpotError::TooLarge);
        }
        let unit = match parts.headers.get(TIME_UNIT) {
            Some(unit) => TimeUnit::parse(unit.to_str().unwrap_or_default())?,
            None => TimeUnit::default(),
        };
        let form = if parts.method == Method::GET {
            String::new()
        } else {
            read_body(spot, body).await?
        };
        let mut params = Params::from_query_and_form(query, &form)?;
        let weight = operation.weight(&params);
        let security = operation.security();
        let caller = if security == Security::Public {
            let visitor = spot.limiter.visitor(address(&parts.extensions), now_ms())?;
            self.used_weight = Some(spot.limiter.charge(visitor, weight, &spot.limits, now_ms())?);
            None
        } else {
            let authorized = authorize(spot, &parts.headers, (query, &form), &mut params).await;
            // Who cannot sign is counted as a visitor: guessing has a price.
            let counted = match (
                &authorized,
                parts.headers.get(API_KEY).and_then(|key| key.to_str().ok()),
            ) {
                (Ok(_), Some(key)) => spot.limiter.key(key, now_ms())?,
                _ => spot.limiter.visitor(address(&parts.extensions), now_ms())?,
            };
            self.used_weight = Some(spot.limiter.charge(counted, weight, &spot.limits, now_ms())?);
            Some(permitted(authorized?, security)?)
        };
        let result = operation.run(spot, caller, &mut params).await;
        self.orders = caller
            .filter(|_| operation.counts_orders())
            .map(|caller| spot.limiter.orders(caller.account, now_ms()));
        let mut value = result?;
        unit.apply(&mut value);
        Ok(value)
    }

    fn into_response(self, status: StatusCode, value: &Value) -> Response {
        let mut response = (status, Body::from(value.to_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json;charset=UTF-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(weight) = self.used_weight {
            headers.insert(USED_WEIGHT, weight.into());
            headers.insert(USED_WEIGHT_1M, weight.into());
        }
        if let Some(orders) = self.orders {
            headers.insert(ORDER_COUNT_10S, orders.short.into());
            headers.insert(ORDER_COUNT_1D, orders.day.into());
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

async fn read_body(spot: &Spot, body: Body) -> Result<String, SpotError> {
    let bytes = to_bytes(body, spot.limits.body_bytes_max)
        .await
        .map_err(|_| SpotError::TooLarge)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| SpotError::Unreadable)
}

/// The signature is good and the request is fresh.
async fn authorize(
    spot: &Spot,
    headers: &HeaderMap,
    (query, form): (&str, &str),
    params: &mut Params,
) -> Result<Caller, SpotError> {
    let name = headers
        .get(API_KEY)
        .and_then(|key| key.to_str().ok())
        .ok_or(SpotError::KeyFormat)?;
    let key = spot.key(name).await?;
    let signed = signed_request(query, form);
    params.text("signature");
    check_signature(&key.verifier, &[&signed.payload], signed.signature.as_deref())?;
    check_timing(params)?;
    Ok(Caller::of(&key))
}

/// The key may do this.
pub(crate) fn permitted(caller: Caller, security: Security) -> Result<Caller, SpotError> {
    let allowed = match security {
        Security::Public => true,
        Security::Read => caller.permissions.read,
        Security::Trade => caller.permissions.trade,
    };
    if allowed {
        Ok(caller)
    } else {
        Err(SpotError::KeyRejected)
    }
}
