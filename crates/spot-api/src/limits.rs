//! Named limits of this edge, and the counters behind them.
//!
//! Counters live in memory only, in windows aligned to the clock as the convention has it. A visitor without a
//! key is told apart by an HMAC of the client address under a random key that is drawn anew each day and never
//! leaves this module; the address itself is neither kept nor logged.

use crate::error::SpotError;
use ensoex_types::AccountId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

const MINUTE_MS: u64 = 60_000;
const ORDER_SHORT_MS: u64 = 10_000;
const DAY_MS: u64 = 86_400_000;
/// Counters kept at once; beyond it, newcomers share one.
const COUNTERS_MAX: usize = 200_000;

/// All limits. [`Limits::default`] has the convention's own numbers where it names them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Weight that one visitor, or one API key, may use in a minute.
    pub request_weight_per_minute_max: u32,
    /// Orders that one account may place in 10 seconds.
    pub orders_per_10_seconds_max: u32,
    /// Orders that one account may place in a day (UTC).
    pub orders_per_day_max: u32,
    /// Bytes of a REST body.
    pub body_bytes_max: usize,
    /// Bytes of a query string.
    pub query_bytes_max: usize,
    /// Time for a command to be recorded; longer, and the client is told that its outcome is not known.
    pub submit_time_max: Duration,
    /// WebSocket connections open at once, over all clients.
    pub connections_max: usize,
    /// WebSocket connections that one visitor may open in 5 minutes.
    pub connections_per_5_minutes_max: u32,
    /// Streams on one connection.
    pub streams_per_connection_max: usize,
    /// Incoming messages on a market data connection, sustained, a second.
    pub messages_per_second_max: u32,
    /// Incoming messages that may come at once above that.
    pub messages_burst_max: u32,
    /// Bytes of one incoming WebSocket message.
    pub message_bytes_max: usize,
    /// Outgoing messages that may wait for a slow reader; one more and it is disconnected.
    pub queue_messages_max: usize,
    /// Time for one outgoing message to be taken by the network; longer and the reader is disconnected.
    pub send_time_max: Duration,
    /// Between two ping frames.
    pub ping_interval: Duration,
    /// Without any sign of life for so long a connection is closed.
    pub silence_max: Duration,
    /// Life of a connection.
    pub connection_time_max: Duration,
    /// User data subscriptions at once on one connection.
    pub subscriptions_per_connection_max: usize,
    /// User data subscriptions over the life of one connection.
    pub subscriptions_per_connection_ever_max: u64,
    /// Between two `@depth@100ms` messages; ten of them make the slow `@depth`.
    pub depth_interval: Duration,
    /// Between two ticker or candle messages.
    pub ticker_interval: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_weight_per_minute_max: 6_000,
            orders_per_10_seconds_max: 100,
            orders_per_day_max: 200_000,
            body_bytes_max: 16 * 1024,
            query_bytes_max: 16 * 1024,
            submit_time_max: Duration::from_secs(10),
            connections_max: 10_000,
            connections_per_5_minutes_max: 300,
            streams_per_connection_max: 1_024,
            messages_per_second_max: 5,
            messages_burst_max: 50,
            message_bytes_max: 64 * 1024,
            queue_messages_max: 4_096,
            send_time_max: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            silence_max: Duration::from_secs(60),
            connection_time_max: Duration::from_secs(24 * 60 * 60),
            subscriptions_per_connection_max: 100,
            subscriptions_per_connection_ever_max: 65_535,
            depth_interval: Duration::from_millis(100),
            ticker_interval: Duration::from_millis(1_000),
        }
    }
}

/// Who a request is counted against.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Counted([u8; 16]);

/// Orders placed in the two windows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OrderCounts {
    /// In the running 10 seconds.
    pub(crate) short: u32,
    /// Today.
    pub(crate) day: u32,
}

/// The counters.
pub(crate) struct RateLimiter {
    state: Mutex<State>,
}

struct State {
    day: u64,
    key: Zeroizing<[u8; 32]>,
    weight: Windows<Counted>,
    connections: Windows<Counted>,
    orders_short: Windows<AccountId>,
    orders_day: Windows<AccountId>,
}

struct Windows<K> {
    length_ms: u64,
    window: u64,
    used: HashMap<K, u32>,
    overflow: u32,
}

impl<K: std::hash::Hash + Eq> Windows<K> {
    fn new(length_ms: u64) -> Windows<K> {
        Windows {
            length_ms,
            window: 0,
            used: HashMap::new(),
            overflow: 0,
        }
    }

    fn counter(&mut self, key: K, now_ms: u64) -> &mut u32 {
        let window = now_ms / self.length_ms;
        if window != self.window {
            self.window = window;
            self.used.clear();
            self.overflow = 0;
        }
        if self.used.len() >= COUNTERS_MAX && !self.used.contains_key(&key) {
            return &mut self.overflow;
        }
        self.used.entry(key).or_default()
    }

    /// Adds `weight`; `false` when that exceeds `max`, and then nothing is added.
    fn add(&mut self, key: K, weight: u32, max: u32, now_ms: u64) -> (bool, u32) {
        let used = self.counter(key, now_ms);
        match used.checked_add(weight).filter(|sum| *sum <= max) {
            Some(sum) => {
                *used = sum;
                (true, sum)
            }
            None => (false, *used),
        }
    }

    fn retry_after_s(&self, now_ms: u64) -> u64 {
        (self.length_ms - now_ms % self.length_ms).div_ceil(1_000)
    }
}

impl RateLimiter {
    /// Counters at zero.
    pub(crate) fn new(now_ms: u64) -> Result<RateLimiter, SpotError> {
        let state = State {
            day: now_ms / DAY_MS,
            key: daily_key()?,
            weight: Windows::new(MINUTE_MS),
            connections: Windows::new(5 * MINUTE_MS),
            orders_short: Windows::new(ORDER_SHORT_MS),
            orders_day: Windows::new(DAY_MS),
        };
        Ok(RateLimiter {
            state: Mutex::new(state),
        })
    }

    /// The counter of a visitor; all whose address is not known share one.
    pub(crate) fn visitor(&self, address: Option<IpAddr>, now_ms: u64) -> Result<Counted, SpotError> {
        match address {
            Some(IpAddr::V4(address)) => self.counted(b"v4", &address.octets(), now_ms),
            // One household or server has a whole /64.
            Some(IpAddr::V6(address)) => self.counted(b"v6", &address.octets()[..8], now_ms),
            None => self.counted(b"no", &[], now_ms),
        }
    }

    /// The counter of an API key.
    pub(crate) fn key(&self, key: &str, now_ms: u64) -> Result<Counted, SpotError> {
        self.counted(b"key", key.as_bytes(), now_ms)
    }

    fn counted(&self, kind: &[u8], bytes: &[u8], now_ms: u64) -> Result<Counted, SpotError> {
        let mut state = self.lock();
        if state.day != now_ms / DAY_MS {
            state.day = now_ms / DAY_MS;
            state.key = daily_key()?;
        }
        let mut mac =
            Hmac::<Sha256>::new_from_slice(state.key.as_slice()).map_err(|_| SpotError::Randomness)?;
        mac.update(kind);
        mac.update(bytes);
        let tag = mac.finalize().into_bytes();
        let mut counted = [0; 16];
        counted.copy_from_slice(&tag[..16]);
        Ok(Counted(counted))
    }

    /// Counts a request; the weight used so far in this minute.
    pub(crate) fn charge(
        &self,
        who: Counted,
        weight: u32,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<u32, SpotError> {
        let limit = limits.request_weight_per_minute_max;
        let mut state = self.lock();
        let (allowed, used) = state.weight.add(who, weight, limit, now_ms);
        if allowed {
            return Ok(used);
        }
        Err(SpotError::TooMuchWeight {
            limit,
            retry_after_s: state.weight.retry_after_s(now_ms),
        })
    }

    /// Counts a new WebSocket connection.
    pub(crate) fn connect(&self, who: Counted, limits: &Limits, now_ms: u64) -> Result<(), SpotError> {
        let limit = limits.connections_per_5_minutes_max;
        let mut state = self.lock();
        if state.connections.add(who, 1, limit, now_ms).0 {
            return Ok(());
        }
        Err(SpotError::TooMuchWeight {
            limit,
            retry_after_s: state.connections.retry_after_s(now_ms),
        })
    }

    /// Counts new orders of an account: all of `count`, or none of them.
    pub(crate) fn orders_placed(
        &self,
        account: AccountId,
        count: u32,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<OrderCounts, SpotError> {
        let (short_max, day_max) = (limits.orders_per_10_seconds_max, limits.orders_per_day_max);
        let mut state = self.lock();
        let (short_allowed, short) = state.orders_short.add(account, count, short_max, now_ms);
        if !short_allowed {
            let retry_after_s = state.orders_short.retry_after_s(now_ms);
            return Err(SpotError::TooManyOrders {
                limit: short_max,
                interval: "10 SECOND",
                retry_after_s,
            });
        }
        let (day_allowed, day) = state.orders_day.add(account, count, day_max, now_ms);
        if !day_allowed {
            let retry_after_s = state.orders_day.retry_after_s(now_ms);
            return Err(SpotError::TooManyOrders {
                limit: day_max,
                interval: "1 DAY",
                retry_after_s,
            });
        }
        Ok(OrderCounts { short, day })
    }

    /// Orders counted so far.
    pub(crate) fn orders(&self, account: AccountId, now_ms: u64) -> OrderCounts {
        let mut state = self.lock();
        let short = *state.orders_short.counter(account, now_ms);
        OrderCounts {
            short,
            day: *state.orders_day.counter(account, now_ms),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn daily_key() -> Result<Zeroizing<[u8; 32]>, SpotError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| SpotError::Randomness)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const NOW_MS: u64 = 20_000 * DAY_MS + 61_000;

    #[test]
    fn weight_is_counted_by_visitor_and_minute() -> Result<(), SpotError> {
        let limits = Limits {
            request_weight_per_minute_max: 10,
            ..Limits::default()
        };
        let limiter = RateLimiter::new(NOW_MS)?;
        let one = limiter.visitor(Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))), NOW_MS)?;
        let other = limiter.visitor(Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))), NOW_MS)?;
        assert_eq!(limiter.charge(one, 8, &limits, NOW_MS)?, 8);
        assert!(matches!(
            limiter.charge(one, 3, &limits, NOW_MS),
            Err(SpotError::TooMuchWeight {
                limit: 10,
                retry_after_s: 59
            })
        ));
        assert_eq!(limiter.charge(one, 2, &limits, NOW_MS)?, 10);
        assert_eq!(limiter.charge(other, 10, &limits, NOW_MS)?, 10);
        assert_eq!(limiter.charge(one, 10, &limits, NOW_MS + MINUTE_MS)?, 10);
        Ok(())
    }

    #[test]
    fn a_visitor_cannot_be_followed_into_the_next_day() -> Result<(), SpotError> {
        let limiter = RateLimiter::new(NOW_MS)?;
        let address = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let today = limiter.visitor(address, NOW_MS)?;
        assert!(limiter.visitor(address, NOW_MS + 1)? == today);
        assert!(limiter.visitor(address, NOW_MS + DAY_MS)? != today);
        Ok(())
    }

    #[test]
    fn orders_have_a_short_and_a_long_window() -> Result<(), SpotError> {
        let limits = Limits {
            orders_per_10_seconds_max: 2,
            orders_per_day_max: 3,
            ..Limits::default()
        };
        let limiter = RateLimiter::new(NOW_MS)?;
        let account = AccountId(1_000);
        limiter.orders_placed(account, 1, &limits, NOW_MS)?;
        limiter.orders_placed(account, 1, &limits, NOW_MS)?;
        let refused = limiter.orders_placed(account, 1, &limits, NOW_MS);
        assert!(matches!(
            refused,
            Err(SpotError::TooManyOrders {
                limit: 2,
                interval: "10 SECOND",
                ..
            })
        ));
        limiter.orders_placed(account, 1, &limits, NOW_MS + 10_000)?;
        let refused = limiter.orders_placed(account, 1, &limits, NOW_MS + 20_000);
        assert!(matches!(
            refused,
            Err(SpotError::TooManyOrders {
                limit: 3,
                interval: "1 DAY",
                ..
            })
        ));
        Ok(())
    }
}
