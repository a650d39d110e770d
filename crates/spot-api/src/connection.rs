//! What all WebSocket connections have in common: admission, limits on what comes in, pings, slow readers, the
//! end. What the messages say is the protocol's business ([`crate::streams`], [`crate::ws_api`]).

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::hub::{Delivery, Inbox};
use crate::limits::{Counted, Limits};
use crate::rest::address;
use crate::shared::Spot;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::Extensions;
use axum::response::Response;
use ensoex_card_firewall::find;
use futures_util::stream::{FuturesUnordered, SplitSink};
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

/// Requests of one connection that are dealt with at once; more wait their turn.
const REQUESTS_IN_FLIGHT_MAX: usize = 64;

/// How long a client may take to answer a close frame.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// A request that is being dealt with; its result is sent back.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Utf8Bytes> + Send>>;

/// What is to be done about an incoming message.
pub(crate) enum Reaction {
    Send(Vec<Utf8Bytes>),
    /// Deal with it besides everything else, and send what comes of it.
    Later(Pending),
}

/// One of the two languages spoken over WebSocket.
pub(crate) trait Protocol: Send + 'static {
    /// Every incoming message counts against the limit on messages.
    const COUNTS_MESSAGES: bool;
    /// The connection is open.
    fn opened(&mut self, inbox: &Inbox);
    /// A text message came in.
    fn text(&mut self, inbox: &Inbox, text: &str) -> impl Future<Output = Reaction> + Send;
    /// A delivery of the hub, as messages to send.
    fn deliver(&mut self, delivery: Delivery) -> Vec<Utf8Bytes>;
    /// Looked at as often as pings are sent; messages to send.
    fn tick(&mut self, inbox: &Inbox) -> impl Future<Output = Vec<Utf8Bytes>> + Send;
    /// Told before the service stops.
    fn shutdown(&self) -> Utf8Bytes;
}

/// A place among the connections, and whom it is counted against.
pub(crate) struct Admission {
    _permit: OwnedSemaphorePermit,
    /// The visitor.
    pub(crate) counted: Counted,
}

/// Admits a new connection, or says why not.
pub(crate) fn admit(spot: &Spot, extensions: &Extensions) -> Result<Admission, SpotError> {
    let counted = spot.limiter.visitor(address(extensions), now_ms())?;
    spot.limiter.connect(counted, &spot.limits, now_ms())?;
    let permit = Arc::clone(&spot.connections)
        .try_acquire_owned()
        .map_err(|_| SpotError::Overloaded)?;
    Ok(Admission {
        _permit: permit,
        counted,
    })
}

/// Upgrades and runs the protocol until the connection ends.
pub(crate) fn upgrade(
    spot: Arc<Spot>,
    admission: Admission,
    upgrade: WebSocketUpgrade,
    protocol: impl Protocol,
) -> Response {
    let bytes_max = spot.limits.message_bytes_max;
    let upgrade = upgrade.max_message_size(bytes_max).max_frame_size(bytes_max);
    upgrade.on_upgrade(move |socket| async move {
        let _admission = admission;
        let inbox = spot.hub.connect(spot.limits.queue_messages_max);
        let limits = spot.limits.clone();
        let stopping = spot.hub.stopping();
        // Open connections do not keep the exchange open.
        drop(spot);
        run(socket, protocol, inbox, &limits, stopping).await;
    })
}

/// Why a connection ends, as its close frame says.
struct Ending(u16, &'static str);

/// Whether a message holds a card number: in one of its values, if it is JSON.
fn holds_card_number(text: &str) -> bool {
    match ensoex_card_firewall::leaves(text) {
        Ok(leaves) => leaves
            .iter()
            .any(|leaf| find(&leaf.value).is_some() || find(&leaf.name).is_some()),
        Err(_) => find(text).is_some(),
    }
}

async fn run(
    socket: WebSocket,
    mut protocol: impl Protocol,
    mut inbox: Inbox,
    limits: &Limits,
    mut stopping: tokio::sync::watch::Receiver<bool>,
) {
    let (mut sender, mut receiver) = socket.split();
    let opened = Instant::now();
    let mut pings = interval_at(opened + limits.ping_interval, limits.ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = opened;
    let mut allowance = Allowance::new(limits);
    let mut pending: FuturesUnordered<Pending> = FuturesUnordered::new();
    let too_slow = inbox.too_slow();
    protocol.opened(&inbox);
    let ending = loop {
        let out: Vec<Utf8Bytes> = tokio::select! {
            incoming = receiver.next(), if pending.len() < REQUESTS_IN_FLIGHT_MAX => {
                let Some(Ok(message)) = incoming else { return };
                heard = Instant::now();
                if !allowance.take(heard) && counts(&protocol) {
                    break Ending(close_code::POLICY, "Too many requests");
                }
                match message {
                    Message::Text(text) if holds_card_number(&text) => {
                        break Ending(close_code::POLICY, "No card numbers here: cards are entered on EnsoExPAY's page");
                    }
                    Message::Text(text) => match protocol.text(&inbox, &text).await {
                        Reaction::Send(answers) => answers,
                        Reaction::Later(answer) => {
                            pending.push(answer);
                            continue;
                        }
                    },
                    Message::Binary(_) => break Ending(close_code::UNSUPPORTED, "Text messages only"),
                    Message::Close(_) => {
                        // The answering close frame leaves with the next read.
                        let _end = timeout(limits.send_time_max, receiver.next()).await;
                        return;
                    }
                    Message::Ping(_) | Message::Pong(_) => continue,
                }
            }
            Some(answer) = pending.next(), if !pending.is_empty() => vec![answer],
            Some(delivery) = inbox.deliveries.recv() => protocol.deliver(delivery),
            () = too_slow.notified() => break Ending(close_code::POLICY, "Messages were not read fast enough"),
            now = pings.tick() => {
                if now.duration_since(heard) > limits.silence_max {
                    break Ending(close_code::AWAY, "No pong");
                }
                let ping = Message::Ping(now_ms().to_string().into());
                if !send(&mut sender, ping, limits.send_time_max).await {
                    return;
                }
                protocol.tick(&inbox).await
            }
            () = sleep_until(opened + limits.connection_time_max) => break Ending(close_code::AWAY, "24 hours are over"),
            () = stopped(&mut stopping) => {
                let told = Message::Text(protocol.shutdown());
                if !send(&mut sender, told, limits.send_time_max).await {
                    return;
                }
                break Ending(close_code::AWAY, "The service is stopping");
            }
        };
        for message in out {
            if !send(&mut sender, Message::Text(message), limits.send_time_max).await {
                return;
            }
        }
    };
    let frame = CloseFrame {
        code: ending.0,
        reason: Utf8Bytes::from_static(ending.1),
    };
    if send(&mut sender, Message::Close(Some(frame)), limits.send_time_max).await {
        // Until the client has read it: closing at once could take the frame away from it.
        let answered = async { while let Some(Ok(_)) = receiver.next().await {} };
        let _end = timeout(CLOSE_TIME_MAX, answered).await;
    }
}

fn counts<P: Protocol>(_: &P) -> bool {
    P::COUNTS_MESSAGES
}

/// Returns when the service stops, or is gone.
async fn stopped(stopping: &mut tokio::sync::watch::Receiver<bool>) {
    let _gone = stopping.wait_for(|stopping| *stopping).await;
}

/// `false` when the reader is gone or does not read.
async fn send(sender: &mut SplitSink<WebSocket, Message>, message: Message, time_max: Duration) -> bool {
    matches!(timeout(time_max, sender.send(message)).await, Ok(Ok(())))
}

/// Incoming messages: a bucket that refills by the second.
struct Allowance {
    left: u32,
    full: u32,
    per_second: u32,
    refilled: Instant,
}

impl Allowance {
    fn new(limits: &Limits) -> Allowance {
        let full = limits.messages_burst_max.max(limits.messages_per_second_max);
        Allowance {
            left: full,
            full,
            per_second: limits.messages_per_second_max,
            refilled: Instant::now(),
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let seconds = now.duration_since(self.refilled).as_secs();
        if seconds > 0 {
            let refill = u32::try_from(seconds)
                .unwrap_or(u32::MAX)
                .saturating_mul(self.per_second);
            self.left = self.left.saturating_add(refill).min(self.full);
            self.refilled += Duration::from_secs(seconds);
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_come_in_bursts_but_not_for_long() {
        let limits = Limits {
            messages_per_second_max: 2,
            messages_burst_max: 3,
            ..Limits::default()
        };
        let mut allowance = Allowance::new(&limits);
        let start = Instant::now();
        let taken = |allowance: &mut Allowance, at| (0..10).filter(|_| allowance.take(at)).count();
        assert_eq!(taken(&mut allowance, start), 3);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(999)), 0);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(1_500)), 2);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(2_000)), 2);
        assert_eq!(taken(&mut allowance, start + Duration::from_secs(60)), 3);
    }
}
