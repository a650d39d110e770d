//! The relay: delivers recorded events to the Service, signed afresh for every try, until it takes them.
//!
//! A delivery that fails is tried again with growing pauses for 72 hours; the Service can always read
//! `GET /v1/events` as well. Knows no cards, and nothing of what an event means.

use crate::clock;
use crate::store::{Store, StoreError, event};
use ensoex_pay_api::{SigningSecret, WEBHOOK_SIGNATURE_HEADER, sign_webhook};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Deliveries at once.
const DELIVERIES_AT_ONCE_MAX: i64 = 16;
/// How long one delivery may take.
const DELIVERY_SECONDS_MAX: u64 = 10;
/// Longest pause between two tries.
const PAUSE_SECONDS_MAX: i64 = 3_600;
/// How long an event is tried.
const TRIED_SECONDS_MAX: i64 = 72 * 3_600;
/// How long the relay sleeps when nothing wakes it.
const SLEEP: Duration = Duration::from_millis(500);

/// What the relay needs.
pub(crate) struct Relay {
    pub(crate) store: Store,
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
    /// The newest first; all of them sign.
    pub(crate) secrets: Vec<SigningSecret>,
}

impl Relay {
    /// Delivers until `stop` turns true. `wake` tells of new events.
    pub(crate) async fn run(self: Arc<Self>, wake: impl AsRef<Notify>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.deliver_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the relay failed; it goes on"
                    );
                }
            }
            tokio::select! {
                () = tokio::time::sleep(SLEEP) => {}
                () = wake.as_ref().notified() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    async fn deliver_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut connection = self.store.read().await?;
        let due = event::due(&mut connection, clock::now(), DELIVERIES_AT_ONCE_MAX).await?;
        drop(connection);
        let count = due.len();
        let mut work = JoinSet::new();
        for pending in due {
            let relay = self.clone();
            work.spawn(async move { relay.deliver(&pending).await });
        }
        while let Some(done) = work.join_next().await {
            match done {
                Ok(result) => result?,
                Err(error) => tracing::error!(%error, "a delivery ended badly"),
            }
        }
        Ok(count)
    }

    async fn deliver(&self, pending: &event::Pending) -> Result<(), StoreError> {
        let body = pending.body.clone().into_bytes();
        let signature = sign_webhook(&self.secrets, clock::now(), &body);
        let answer = self
            .client
            .post(&self.url)
            .timeout(Duration::from_secs(DELIVERY_SECONDS_MAX))
            .header("Content-Type", "application/json")
            .header(WEBHOOK_SIGNATURE_HEADER, signature)
            .body(body)
            .send()
            .await;
        let taken = match &answer {
            Ok(response) => response.status().is_success(),
            Err(_) => false,
        };
        let mut transaction = self.store.begin().await?;
        if taken {
            event::delivered(&mut transaction, pending.seq).await?;
        } else {
            let next = next_try(pending, clock::now());
            tracing::debug!(
                seq = pending.seq,
                tries = pending.tries + 1,
                "an event was not taken"
            );
            if next.is_none() {
                tracing::error!(seq = pending.seq, "an event is not delivered any more");
            }
            event::not_delivered(&mut transaction, pending.seq, next).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// When to try again; none when it has been tried long enough.
fn next_try(pending: &event::Pending, now: i64) -> Option<i64> {
    let pause = 1_i64 << pending.tries.clamp(0, 12);
    (now - pending.created < TRIED_SECONDS_MAX).then(|| now + pause.min(PAUSE_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_end_after_three_days() {
        let pending = |tries| event::Pending {
            seq: 1,
            body: String::new(),
            created: 0,
            tries,
        };
        for (tries, now, expected) in [
            (0, 10, Some(11)),
            (3, 10, Some(18)),
            (12, 10, Some(3_610)),
            (1_000, 10, Some(3_610)),
            (20, 259_199, Some(262_799)),
            (20, 259_200, None),
        ] {
            assert_eq!(next_try(&pending(tries), now), expected, "{tries} {now}");
        }
    }
}
