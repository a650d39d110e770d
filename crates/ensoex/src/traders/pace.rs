//! How fast requests may follow one another, for all traders together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Hands out turns, evenly spaced, in the order of asking.
pub struct Pace {
    interval_us: AtomicU64,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many turns a second; at least one.
    pub fn new(per_second: u32) -> Pace {
        let pace = Pace {
            interval_us: AtomicU64::new(0),
            next: Mutex::new(None),
        };
        pace.set(per_second);
        pace
    }

    /// From now on so many turns a second; at least one.
    pub fn set(&self, per_second: u32) {
        self.interval_us
            .store(1_000_000 / u64::from(per_second.max(1)), Ordering::Relaxed);
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        tokio::time::sleep_until(self.reserve(Instant::now())).await;
    }

    fn reserve(&self, now: Instant) -> Instant {
        let interval = Duration::from_micros(self.interval_us.load(Ordering::Relaxed));
        let mut next = self
            .next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + interval);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn turns_are_spaced_and_idleness_is_not_saved_up() {
        let pace = Pace::new(10);
        let now = Instant::now();
        let turns: Vec<Duration> = (0..4).map(|_| pace.reserve(now) - now).collect();
        assert_eq!(turns, [0, 100, 200, 300].map(Duration::from_millis));
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.reserve(later), later);
        assert_eq!(pace.reserve(later), later + Duration::from_millis(100));
    }
}
