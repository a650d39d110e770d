//! The outermost router: health, and whatever the Service can serve at the moment.
//!
//! States: starting (nothing but health; everything else is told to try again), a standby's routes, all routes. The routes behind it
//! change while connections stay open. Knows no route but health.

use crate::headers;
use crate::health;
use crate::problem::Problem;
use crate::rights::Duties;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ensoex_exchange::Exchange;
use ensoex_spot_api::SpotApi;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// Seconds after which a caller that was turned away should ask again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
/// How long an exchange may take to end in order.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// See the module's doc.
pub(crate) struct Front {
    behind: RwLock<Behind>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    duties: Arc<Duties>,
}

#[derive(Default)]
struct Behind {
    exchange: Option<Exchange>,
    routes: Option<Router>,
    /// Whose streams must be told when the Service ends.
    spots: Vec<SpotApi>,
    /// All routes are there.
    whole: bool,
}

impl Front {
    pub(crate) fn new() -> Arc<Front> {
        Arc::new(Front {
            behind: RwLock::default(),
            tasks: Mutex::default(),
            duties: Arc::default(),
        })
    }

    /// What the server serves.
    pub(crate) fn router(self: &Arc<Front>) -> Router {
        Router::new()
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/health/primary", get(health::primary))
            .fallback(pass)
            .with_state(Arc::clone(self))
            .layer(from_fn(headers::strict))
    }

    fn change(&self, change: impl FnOnce(&mut Behind)) {
        change(&mut self.behind.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Health tells of this exchange from now on.
    pub(crate) fn follow(&self, exchange: Exchange) {
        self.change(|behind| behind.exchange = Some(exchange));
    }

    /// Serves what a standby can.
    pub(crate) fn open_as_standby(&self, routes: Router, spot: SpotApi) {
        self.change(|behind| {
            behind.routes = Some(routes);
            behind.spots.push(spot);
        });
    }

    /// Serves everything.
    pub(crate) fn open(&self, routes: Router, spot: SpotApi) {
        self.change(|behind| {
            behind.routes = Some(routes);
            behind.spots.push(spot);
            behind.whole = true;
        });
    }

    /// What waits for an answer to persons.
    pub(crate) fn duties(&self) -> Arc<Duties> {
        Arc::clone(&self.duties)
    }

    /// A task that ends with the Service.
    pub(crate) fn keep(&self, task: JoinHandle<()>) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }

    /// The exchange, whether anything is served, and whether everything is.
    pub(crate) fn state(&self) -> (Option<Exchange>, bool, bool) {
        let behind = self.behind.read().unwrap_or_else(PoisonError::into_inner);
        (behind.exchange.clone(), behind.routes.is_some(), behind.whole)
    }

    /// Ends streams, tasks and the exchange.
    pub(crate) async fn end(&self) {
        for task in self
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            task.abort();
        }
        let mut ended = Behind::default();
        self.change(|behind| ended = std::mem::take(behind));
        for spot in &ended.spots {
            spot.shut_down();
        }
        if let Some(exchange) = ended.exchange
            && tokio::time::timeout(CLOSE_MAX, exchange.close()).await.is_err()
        {
            tracing::warn!("the exchange did not end in time; its lease expires by itself");
        }
    }
}

async fn pass(State(front): State<Arc<Front>>, request: Request) -> Response {
    let routes = {
        let behind = front.behind.read().unwrap_or_else(PoisonError::into_inner);
        behind.routes.clone()
    };
    match routes {
        Some(routes) => match routes.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => try_again(
            "starting",
            "The exchange is starting and reads its log. Nothing was moved; try again in a moment.",
        ),
    }
}

/// 503 with the time after which to ask again.
pub(crate) fn try_again(code: &'static str, detail: &'static str) -> Response {
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S);
    response
}
