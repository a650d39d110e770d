//! Who listens to what: subscriptions of all connections, and delivery without waiting.
//!
//! Every connection has one bounded queue. Whoever lets it run full is unsubscribed from everything and told to
//! close: a slow reader costs nobody else anything. Knows no names, JSON or sockets.

use crate::topic::Topic;
use axum::extract::ws::Utf8Bytes;
use ensoex_types::{AccountId, MarketId, OrderId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, watch};

/// Names of cancels that wait for their event at the most; more are dropped, and those events have a made name.
const CANCEL_NAMES_MAX: usize = 65_536;

/// All subscriptions.
pub(crate) struct Hub {
    state: Mutex<State>,
    connections: AtomicU64,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    topics: HashMap<Topic, Vec<Sink>>,
    accounts: HashMap<AccountId, Vec<Sink>>,
    cancel_names: HashMap<(MarketId, OrderId), String>,
}

/// The sending end of a connection's queue.
#[derive(Clone)]
struct Sink {
    connection: u64,
    sender: mpsc::Sender<Delivery>,
    too_slow: Arc<Notify>,
}

/// What arrives in a connection's queue.
pub(crate) enum Delivery {
    /// A message of a public stream.
    Public(Topic, Utf8Bytes),
    /// An event of an account.
    Private(AccountId, Utf8Bytes),
}

/// A connection's own end.
pub(crate) struct Inbox {
    hub: Arc<Hub>,
    sink: Sink,
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub {
            state: Mutex::default(),
            connections: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        }
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody listens.
    pub(crate) fn has(&self, topic: Topic) -> bool {
        self.lock().topics.contains_key(&topic)
    }

    /// Somebody listens to this account.
    pub(crate) fn has_account(&self, account: AccountId) -> bool {
        self.lock().accounts.contains_key(&account)
    }

    /// All streams that somebody listens to.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        self.lock().topics.keys().copied().collect()
    }

    /// Delivers to all who listen; never waits.
    pub(crate) fn publish(&self, topic: Topic, message: &Utf8Bytes) {
        let mut state = self.lock();
        let Some(sinks) = state.topics.get_mut(&topic) else {
            return;
        };
        sinks.retain(|sink| sink.push(Delivery::Public(topic, message.clone())));
        if sinks.is_empty() {
            state.topics.remove(&topic);
        }
    }

    /// Delivers an account's event; never waits.
    pub(crate) fn publish_private(&self, account: AccountId, message: &Utf8Bytes) {
        let mut state = self.lock();
        let Some(sinks) = state.accounts.get_mut(&account) else {
            return;
        };
        sinks.retain(|sink| sink.push(Delivery::Private(account, message.clone())));
        if sinks.is_empty() {
            state.accounts.remove(&account);
        }
    }

    /// Remembers what its owner called a cancel, until the cancel's event is told.
    pub(crate) fn name_cancel(&self, market: MarketId, order: OrderId, name: String) {
        let mut state = self.lock();
        if state.cancel_names.len() < CANCEL_NAMES_MAX {
            state.cancel_names.insert((market, order), name);
        }
    }

    /// Takes the name back: the event is told, or there will be none.
    pub(crate) fn take_cancel_name(&self, market: MarketId, order: OrderId) -> Option<String> {
        self.lock().cancel_names.remove(&(market, order))
    }

    /// Forgets all names of cancels: their events were missed.
    pub(crate) fn forget_cancel_names(&self) {
        self.lock().cancel_names.clear();
    }

    /// Tells all connections to end.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Becomes true when all connections are to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A new connection's queue.
    pub(crate) fn connect(self: &Arc<Hub>, queue_messages_max: usize) -> Inbox {
        let (sender, deliveries) = mpsc::channel(queue_messages_max.max(1));
        let connection = self.connections.fetch_add(1, Ordering::Relaxed);
        let sink = Sink {
            connection,
            sender,
            too_slow: Arc::new(Notify::new()),
        };
        Inbox {
            hub: Arc::clone(self),
            sink,
            deliveries,
        }
    }
}

impl Sink {
    /// `false` when the connection is gone or too slow.
    fn push(&self, delivery: Delivery) -> bool {
        match self.sender.try_send(delivery) {
            Ok(()) => true,
            Err(_) => {
                self.too_slow.notify_one();
                false
            }
        }
    }
}

impl Inbox {
    /// Listens to a stream; again is as good as once.
    pub(crate) fn subscribe(&self, topic: Topic) {
        add(self.hub.lock().topics.entry(topic).or_default(), &self.sink);
    }

    /// Stops listening to a stream.
    pub(crate) fn unsubscribe(&self, topic: Topic) {
        remove(&mut self.hub.lock().topics, &topic, self.sink.connection);
    }

    /// Listens to an account.
    pub(crate) fn subscribe_account(&self, account: AccountId) {
        add(self.hub.lock().accounts.entry(account).or_default(), &self.sink);
    }

    /// Stops listening to an account.
    pub(crate) fn unsubscribe_account(&self, account: AccountId) {
        remove(&mut self.hub.lock().accounts, &account, self.sink.connection);
    }

    /// Notified once the queue has run full.
    pub(crate) fn too_slow(&self) -> Arc<Notify> {
        Arc::clone(&self.sink.too_slow)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        let connection = self.sink.connection;
        state.topics.retain(|_, sinks| keep_others(sinks, connection));
        state.accounts.retain(|_, sinks| keep_others(sinks, connection));
    }
}

fn add(sinks: &mut Vec<Sink>, sink: &Sink) {
    if !sinks.iter().any(|other| other.connection == sink.connection) {
        sinks.push(sink.clone());
    }
}

fn remove<K: std::hash::Hash + Eq>(all: &mut HashMap<K, Vec<Sink>>, key: &K, connection: u64) {
    if let Some(sinks) = all.get_mut(key)
        && !keep_others(sinks, connection)
    {
        all.remove(key);
    }
}

fn keep_others(sinks: &mut Vec<Sink>, connection: u64) -> bool {
    sinks.retain(|sink| sink.connection != connection);
    !sinks.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Topic = Topic::Trade(MarketId(0));

    #[tokio::test]
    async fn a_slow_reader_is_dropped_and_told() {
        let hub = Arc::new(Hub::default());
        let mut slow = hub.connect(2);
        let mut fast = hub.connect(8);
        slow.subscribe(TOPIC);
        fast.subscribe(TOPIC);
        fast.subscribe(TOPIC);
        for _ in 0..3 {
            hub.publish(TOPIC, &Utf8Bytes::from_static("x"));
        }
        slow.too_slow().notified().await;
        let mut received = 0;
        while fast.deliveries.try_recv().is_ok() {
            received += 1;
        }
        assert_eq!(received, 3);
        assert!(hub.has(TOPIC));
        while slow.deliveries.try_recv().is_ok() {}
        hub.publish(TOPIC, &Utf8Bytes::from_static("x"));
        assert!(
            slow.deliveries.try_recv().is_err(),
            "nothing more for who was too slow"
        );
        drop(fast);
        assert!(!hub.has(TOPIC));
    }
}
