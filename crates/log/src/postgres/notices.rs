//! Hears what PostgreSQL says beside its answers.
//!
//! When somebody ends a transaction's wait for the synchronous standby (`pg_cancel_backend`, an operator's tool), PostgreSQL
//! answers *success* and says only in a warning that the standby has nothing. So a warning is an answer here. The
//! database client reports warnings as `tracing` events under [`TARGET`] and in no other way; it emits them while
//! the statement's future is polled, so a subscriber that is the default during just that future hears every one of
//! them and nothing of anybody else. Whether it really does is proven on each connection with a warning made to
//! order ([`super::session`]), so that a client that reports elsewhere, or a server told to keep warnings to itself, is
//! refused at start instead of trusted.

use std::fmt::{Debug, Write};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, span};

/// What the database client calls its reports of warnings.
const TARGET: &str = "sqlx::postgres::notice";
/// Characters kept of what a server says during one statement.
const HEARD_CHARACTERS_MAX: usize = 2_000;

/// One listener, for one statement at a time.
pub(crate) struct Notices {
    heard: Arc<Mutex<String>>,
    dispatch: Dispatch,
}

impl Notices {
    pub(crate) fn new() -> Notices {
        let heard = Arc::new(Mutex::new(String::new()));
        let dispatch = Dispatch::new(Listener(Arc::clone(&heard)));
        Notices { heard, dispatch }
    }

    /// Runs to the end; answers what was said meanwhile too.
    pub(crate) async fn hear<F: Future>(&self, statement: F) -> (F::Output, Option<String>) {
        drop(self.take());
        let output = statement.with_subscriber(self.dispatch.clone()).await;
        (output, self.take())
    }

    fn take(&self) -> Option<String> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        (!heard.is_empty()).then_some(heard)
    }
}

struct Listener(Arc<Mutex<String>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET && *metadata.level() <= Level::INFO
    }

    /// So that the rest of the program is not asked for more on this listener's account.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !heard.is_empty() {
            heard.push_str("; ");
        }
        event.record(&mut Message(&mut heard));
        if heard.is_empty() {
            heard.push_str("a warning without words");
        }
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_str(&mut self, _field: &Field, value: &str) {
        let left = HEARD_CHARACTERS_MAX.saturating_sub(self.0.chars().count());
        self.0.extend(value.chars().take(left));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        let _never_fails = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_warnings_of_the_statement_itself_are_heard() {
        let notices = Notices::new();
        tracing::warn!(target: TARGET, "before");
        let (answer, heard) = notices
            .hear(async {
                tracing::warn!("of another target");
                tracing::debug!(target: TARGET, "only for those who look for faults");
                tokio::task::yield_now().await;
                7
            })
            .await;
        assert_eq!((answer, heard), (7, None));
        let ((), heard) = notices
            .hear(async {
                tracing::warn!(target: TARGET, message = "canceling wait");
                tracing::info!(target: TARGET, "and a notice");
            })
            .await;
        assert_eq!(heard.as_deref(), Some("canceling wait; and a notice"));
    }
}
